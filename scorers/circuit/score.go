package circuit

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/ailiance/lorabench/scorers/answer"
	"github.com/ailiance/lorabench/scorers/spice"
)

// Runner simulates a deck that is complete. [*spice.Simulator] is one. The error
// means that the simulator could not be run.
type Runner interface {
	Run(ctx context.Context, deck []byte) (spice.Simulation, error)
}

// languages of a fenced block that holds a deck.
var languages = []string{"spice", "cir", "net", "netlist", "sp", "ngspice", "text"}

// Result is the score of one text. Where Unscored is set there is no score.
type Result struct {
	Pass       bool             // all properties hold
	Graded     float64          // the product of the properties' closeness
	Properties []PropertyResult // as far as they were measured
	Reason     string           // why not Pass: the text's own doing
	Unscored   string           // our failure: simulator, sandbox, target
}

// PropertyResult is what was found of one property.
type PropertyResult struct {
	Name      string
	Value     float64
	Measured  bool
	Closeness float64 // 1 where it holds
	Reason    string  // why it does not
}

// Score finds the deck in text, simulates it by the target's runs, and measures
// the properties. Equal arguments give equal results.
func Score(ctx context.Context, sim Runner, t *Target, text string) Result {
	b, err := t.bench()
	if err != nil {
		return Result{Unscored: err.Error()}
	}
	text, reason := answer.Block(text, languages...)
	if reason != "" {
		return Result{Reason: reason}
	}
	netlist, err := Parse(text, t)
	if err != nil {
		return Result{Reason: err.Error()}
	}
	plots := map[string]map[string]*spice.Plot{}
	for i := range t.Runs { // before anything is simulated
		if err := b.conducts(b.runs[t.Runs[i].Name], netlist); err != nil {
			return Result{Reason: err.Error()}
		}
	}
	for i := range t.Runs {
		r := b.runs[t.Runs[i].Name]
		if len(r.signals) == 0 {
			continue // nothing is measured
		}
		result, err := sim.Run(ctx, []byte(b.assemble(r, netlist)))
		if err != nil {
			return Result{Unscored: err.Error()}
		}
		reason := result.Reason
		if reason == "" {
			plots[r.Name], reason = r.plots(result.Plots)
		}
		if reason != "" {
			return Result{Reason: reason}
		}
	}
	out := Result{Pass: true, Graded: 1}
	var wrong []string
	for i := range t.Properties {
		p := b.apply(&t.Properties[i], plots)
		out.Properties = append(out.Properties, p)
		out.Graded *= p.Closeness
		if p.Reason != "" {
			out.Pass = false
			wrong = append(wrong, p.Name+": "+p.Reason)
		}
	}
	if len(wrong) > 0 {
		out.Reason = wrong[0]
		if len(wrong) > 1 {
			out.Reason += fmt.Sprintf("; %d of %d properties are wrong", len(wrong), len(t.Properties))
		}
	}
	return out
}

// groups are sets of nodes that are joined.
type groups map[string]string

func (g groups) find(n string) string {
	root := n
	for {
		up, ok := g[root]
		if !ok || up == root {
			break
		}
		root = up
	}
	for n != root {
		n, g[n] = g[n], root
	}
	return root
}

func (g groups) join(nodes ...string) {
	for _, n := range nodes[1:] {
		if a, b := g.find(nodes[0]), g.find(n); a != b {
			g[a] = b
		}
	}
}

// conducts looks for nodes without a path for direct current to ground, which
// ngspice hides behind a conductance of its own, and for sources of the deck
// across nodes that ours fix.
func (b *bench) conducts(r *run, n *Netlist) error {
	path, fixed := groups{}, groups{}
	for _, e := range r.elements {
		nodes := make([]string, len(e.nodes))
		for i, node := range e.nodes {
			nodes[i] = b.name(node)
		}
		if e.path {
			path.join(nodes[0], nodes[1])
		}
		if e.fixes {
			fixed.join(nodes[0], nodes[1])
		}
	}
	for _, e := range n.Elements {
		if (e.Letter == 'V' || e.Letter == 'E' || e.Letter == 'H') && fixed.find(e.Nodes[0]) == fixed.find(e.Nodes[1]) {
			return fault(FixedSource, e.Line, "%s", e.Name)
		}
		switch e.Letter {
		case 'R', 'L', 'V', 'E', 'H':
			path.join(e.Nodes[0], e.Nodes[1])
		case 'D', 'Q', 'J':
			path.join(e.Nodes...)
		case 'M':
			path.join(e.Nodes[0], e.Nodes[2], e.Nodes[3])
		case 'X':
			d := library[e.Device]
			for _, pins := range d.paths {
				var nodes []string
				for _, pin := range pins {
					if pin == "0" {
						nodes = append(nodes, "0")
					} else {
						nodes = append(nodes, e.Nodes[slices.Index(d.pins, pin)])
					}
				}
				path.join(nodes...)
			}
		}
	}
	for _, e := range n.Elements {
		for _, node := range e.Nodes {
			if path.find(node) != path.find("0") {
				return fault(Floating, e.Line, "a node of %s has no path for direct current to ground", e.Name)
			}
		}
	}
	return nil
}

// title is the first line of each deck that we write.
const title = "lorabench"

// assemble writes the deck of a run.
func (b *bench) assemble(r *run, n *Netlist) string {
	var s strings.Builder
	s.WriteString(title + "\n")
	for _, e := range r.elements {
		s.WriteString(benchName(e.name))
		for _, node := range e.nodes {
			s.WriteString(" " + b.name(node))
		}
		s.WriteString(" " + e.tail + "\n")
	}
	n.write(&s)
	if r.Temperature != nil {
		s.WriteString(".temp " + exact(*r.Temperature) + "\n")
	}
	if len(r.Initial) > 0 {
		s.WriteString(".ic")
		for _, node := range sortedKeys(r.Initial) {
			s.WriteString(" v(" + b.name(node) + ")=" + exact(r.Initial[node]))
		}
		s.WriteString("\n")
	}
	// ngspice now and then takes for an operating point what is none: a node rests
	// where the tangent of a saturated transistor meets 0, 1/LAMBDA beyond a rail.
	// Of references of MOS circuits 8 in 1,300 ended so by its first way, 2 by the
	// second, conductances that shrink, and none of 1,950 where they shrink in small
	// steps; sources that grow fail more often than either.
	s.WriteString(".options noopiter gminfactor=3\n")
	s.WriteString(".save " + strings.Join(r.signals, " ") + "\n")
	for _, kind := range r.order {
		s.WriteString(r.analyses[kind].line + "\n")
	}
	s.WriteString(".end\n")
	return s.String()
}

// write writes the circuit under names of ours: what the writer calls things
// does not matter.
func (n *Netlist) write(s *strings.Builder) {
	own := map[string]string{}
	defined := map[string]string{} // definition → name
	for i, e := range n.Elements {
		fmt.Fprintf(s, "%c%d", e.Letter|0x20, i+1)
		for _, node := range e.Nodes {
			s.WriteString(" " + node)
		}
		for _, ref := range e.Refs {
			fmt.Fprintf(s, " %c%d", n.Elements[ref].Letter|0x20, ref+1)
		}
		switch e.Letter {
		case 'D', 'Q', 'M', 'J', 'X':
			definition := ""
			if e.Own {
				definition = n.Cards[e.Device].definition()
			} else {
				definition = library[e.Device].definition("", e.Params)
			}
			name, ok := defined[definition]
			if !ok {
				name = fmt.Sprintf("lb_%d", len(defined)+1)
				defined[definition] = name
				if e.Own {
					own[name] = strings.Replace(definition, ".model ", ".model "+name+" ", 1)
				} else {
					own[name] = library[e.Device].definition(name, e.Params)
				}
			}
			s.WriteString(" " + name)
			if e.Letter != 'X' {
				for _, p := range e.Params {
					s.WriteString(" " + p.Name + "=" + exact(p.Value))
				}
			}
		default:
			s.WriteString(" " + exact(e.Value))
		}
		s.WriteString("\n")
	}
	for i := range len(defined) {
		s.WriteString(own[fmt.Sprintf("lb_%d", i+1)])
	}
}

// definition of an own card, without a name.
func (c Card) definition() string {
	var s strings.Builder
	s.WriteString(".model " + c.Kind + "(")
	if c.Kind == "nmos" || c.Kind == "pmos" {
		s.WriteString("level=1")
	}
	for _, p := range c.Params {
		name := p.Name
		if same := sameParameter[name]; same != "" {
			name = same
		}
		s.WriteString(" " + name + "=" + exact(p.Value))
	}
	s.WriteString(")\n")
	return s.String()
}

// plotNames are ngspice's names of the analyses.
var plotNames = map[string]string{
	"op": "operating point", "dc": "dc transfer characteristic", "ac": "ac analysis", "tran": "transient analysis",
}

// plots finds the plot of each analysis of the run. Each must be there, complete
// and finite.
func (r *run) plots(found []spice.Plot) (map[string]*spice.Plot, string) {
	out := map[string]*spice.Plot{}
	for _, kind := range r.order {
		var plot *spice.Plot
		for i := range found {
			if strings.ToLower(found[i].Name) == plotNames[kind] {
				plot = &found[i]
			}
		}
		if plot == nil || plot.Points == 0 || len(plot.Variables) == 0 {
			return nil, "no results: the " + kind + " analysis gave none"
		}
		for i, v := range plot.Values {
			// A difference of infinities is not a number either.
			if re, im := real(v), imag(v); math.IsNaN(re-re) || math.IsNaN(im-im) {
				if i%len(plot.Variables) > 0 || math.IsNaN(re-re) {
					return nil, "not finite: " + kind + " analysis"
				}
			}
		}
		if !r.analyses[kind].complete(plot) {
			return nil, "the " + kind + " analysis ended early"
		}
		out[kind] = plot
	}
	return out, ""
}

// complete reports whether the plot goes to the end of the analysis, in rising
// order.
func (a analysis) complete(p *spice.Plot) bool {
	if a.kind == "op" {
		return p.Points == 1
	}
	n := len(p.Variables)
	x := func(i int) float64 { return real(p.Values[i*n]) }
	for i := 1; i < p.Points; i++ {
		if x(i) < x(i-1) {
			return false
		}
	}
	last := x(p.Points - 1)
	const slack = 1e-6
	switch a.kind {
	case "dc":
		return math.Abs(x(0)-a.start) <= slack*a.step && last >= a.stop-a.step*(1+slack)
	case "ac":
		step := 1.0 // ratio of the last two frequencies
		switch {
		case a.start == a.stop:
		case a.variation == "dec":
			step = math.Pow(10, 1/a.count)
		case a.variation == "oct":
			step = math.Pow(2, 1/a.count)
		case a.count > 1:
			step = a.stop / (a.stop - (a.stop-a.start)/(a.count-1))
		}
		return x(0) <= a.start*(1+slack) && last*step*(1+slack) >= a.stop
	}
	return last >= a.stop*(1-1e-9)
}

// look returns a signal of a plot.
func (s signal) look(p *spice.Plot) ([]complex128, error) {
	out := make([]complex128, p.Points)
	for i, name := range []string{s.plus, s.minus} {
		if name == "" {
			continue
		}
		v, ok := p.Vector(name)
		if !ok {
			return nil, failed("no signal")
		}
		sign := complex(1, 0)
		if (i == 1) != s.negative {
			sign = -1
		}
		for k := range out {
			out[k] += sign * v[k]
		}
	}
	return out, nil
}

// apply measures a property.
func (b *bench) apply(p *Property, plots map[string]map[string]*spice.Plot) PropertyResult {
	out := PropertyResult{Name: p.Name}
	var v [2]float64
	for i := range p.Of {
		m := &p.Of[i]
		var err error
		if v[i], err = b.take(m, plots[m.Run][m.Analysis]); err != nil {
			out.Reason = err.Error()
			return out
		}
	}
	out.Value = v[0]
	switch p.Combine {
	case "difference":
		out.Value = v[0] - v[1]
	case "sum":
		out.Value = v[0] + v[1]
	case "product":
		out.Value = v[0] * v[1]
	case "ratio":
		out.Value = v[0] / v[1]
	}
	if p.Scale != 0 {
		out.Value *= p.Scale
	}
	if math.IsNaN(out.Value) || math.IsInf(out.Value, 0) {
		out.Value, out.Reason = 0, "no value"
		return out
	}
	out.Measured = true
	least, most, reach := p.band()
	value := out.Value
	if p.Target != nil && p.Combine == "" && p.Of[0].Kind == "phase" {
		value = *p.Target + wrap(value-*p.Target)
	}
	// A hair beyond the band is rounding.
	hair := 1e-9 * math.Max(math.Abs(value), reach)
	beyond := math.Max(least-value, value-most)
	if beyond <= hair {
		out.Closeness = 1
		return out
	}
	out.Closeness = math.Max(0, 1-beyond/reach)
	switch {
	case p.Target != nil:
		out.Reason = fmt.Sprintf("%.4g, want %.4g ± %.2g", out.Value, *p.Target, math.Max(p.Abs, p.Rel*math.Abs(*p.Target)))
	case p.Min != nil && value < least:
		out.Reason = fmt.Sprintf("%.4g, want at least %.4g", out.Value, least)
	default:
		out.Reason = fmt.Sprintf("%.4g, want at most %.4g", out.Value, most)
	}
	return out
}

// take makes a measurement.
func (b *bench) take(m *Measure, plot *spice.Plot) (float64, error) {
	r := b.runs[m.Run]
	k := measureKinds[m.Kind]
	read := func(name string) ([]complex128, error) {
		s, err := b.signal(r, name)
		if err != nil {
			return nil, err // the target is checked: cannot be
		}
		return s.look(plot)
	}
	v, err := read(m.Signal)
	if err != nil {
		return 0, err
	}
	x := make([]float64, plot.Points)
	for i := range x {
		x[i] = real(plot.Values[i*len(plot.Variables)])
	}
	if k.response != nil {
		return k.response(m, response{x, v})
	}
	y := trace{x, realParts(v)}
	var when trace
	if m.When != "" {
		w, err := read(m.When)
		if err != nil {
			return 0, err
		}
		when = trace{x, realParts(w)}
	}
	return k.trace(m, y, when)
}

func realParts(v []complex128) []float64 {
	out := make([]float64, len(v))
	for i := range v {
		out[i] = real(v[i])
	}
	return out
}
