package spice

import (
	"context"
	"fmt"
	"math"
	"sort"
	"strings"
)

// Result is the score of one text. Where Unscored is set there is no score.
type Result struct {
	Pass     bool          `json:"pass"`   // every check holds
	Graded   float64       `json:"graded"` // fraction of the checks that hold
	Checks   []CheckResult `json:"checks,omitempty"`
	Reason   string        `json:"reason,omitempty"`   // why not Pass, the text's own doing
	Unscored string        `json:"unscored,omitempty"` // our failure: simulator, sandbox, bench
}

// CheckResult is what one check found.
type CheckResult struct {
	Kind     string  `json:"kind"`
	Node     string  `json:"node"`
	Measured float64 `json:"measured"` // hertz, volts, or signed gain; 0 where nothing could be measured
	Target   float64 `json:"target"`
	OK       bool    `json:"ok"`
	Reason   string  `json:"reason,omitempty"` // why not OK
}

// Score parses text, simulates its circuit on the bench and applies the
// checks. Equal arguments give equal results.
func (s *Simulator) Score(ctx context.Context, bench Bench, text string) Result {
	if err := bench.Validate(); err != nil {
		return Result{Unscored: err.Error()}
	}
	deck, reason := admit(bench, text)
	if reason == "" {
		reason = floating(bench, deck)
	}
	if reason != "" {
		return Result{Reason: reason}
	}
	sim, err := s.Run(ctx, []byte(assemble(bench, deck)))
	if err != nil {
		return Result{Unscored: err.Error()}
	}
	if sim.Reason != "" {
		return Result{Reason: sim.Reason}
	}
	return judge(bench, sim.Plots)
}

// Structural scores form alone: the grammar, and the elements that the bench
// requires. It needs no simulator and proves no function.
type Structural struct{}

// Score applies the rules of form. Graded is 1 or 0, as Pass is.
func (Structural) Score(bench Bench, text string) Result {
	if err := bench.Validate(); err != nil {
		return Result{Unscored: err.Error()}
	}
	if _, reason := admit(bench, text); reason != "" {
		return Result{Reason: reason}
	}
	return Result{Pass: true, Graded: 1}
}

// admit applies the grammar and the required elements.
func admit(bench Bench, text string) (Deck, string) {
	deck, err := Parse(text, bench.Elements)
	if err != nil {
		return Deck{}, err.Error()
	}
	count := deck.Count()
	required := make([]string, 0, len(bench.Require))
	for letter := range bench.Require {
		required = append(required, letter)
	}
	sort.Strings(required)
	for _, letter := range required {
		if have, want := count[letter], bench.Require[letter]; have < want {
			return Deck{}, fmt.Sprintf("%d elements %s, want at least %d", have, letter, want)
		}
	}
	return deck, ""
}

// floating returns why a node of the deck has no path for direct current to
// node 0, or "". ngspice hides such nodes behind a conductance of its own
// (gmin) and gives a result that the circuit does not have.
func floating(bench Bench, deck Deck) string {
	parent := map[string]string{}
	var find func(string) string
	find = func(n string) string {
		p, ok := parent[n]
		if !ok || p == n {
			parent[n] = n
			return n
		}
		root := find(p)
		parent[n] = root
		return root
	}
	join := func(nodes ...string) {
		for _, n := range nodes[1:] {
			parent[find(nodes[0])] = find(n)
		}
	}
	find("0")
	for _, line := range bench.Sources {
		src, _ := parseSource(line) // validated
		if src.path {
			join(src.plus, src.minus)
		}
	}
	for _, e := range deck.Elements {
		switch e.Letter {
		case 'C':
		case 'E':
			join(e.Nodes[0], e.Nodes[1])
		default:
			join(e.Nodes...)
		}
	}
	present := map[string]bool{"0": true}
	for _, e := range deck.Elements {
		for _, n := range e.Nodes {
			present[n] = true
			if find(n) != find("0") {
				return "floating node: " + n + " has no path for direct current to node 0"
			}
		}
	}
	for _, c := range bench.Checks {
		if node := strings.ToLower(c.Node); !present[node] {
			return "no element at node " + node
		}
	}
	return ""
}

// assemble writes the deck that is simulated.
func assemble(bench Bench, deck Deck) string {
	var b strings.Builder
	b.WriteString(title + "\n")
	for _, s := range bench.Sources {
		src, _ := parseSource(s) // validated
		b.WriteString(src.line + "\n")
	}
	b.WriteString(deck.String())
	a, _ := parseAnalysis(bench.Analysis) // validated
	b.WriteString(a.line + "\n.end\n")
	return b.String()
}

// judge applies the checks to the plot of our analysis.
func judge(bench Bench, plots []Plot) Result {
	a, _ := parseAnalysis(bench.Analysis) // validated
	name := map[string]string{"op": "operating point", "ac": "ac analysis", "tran": "transient analysis"}[a.kind]
	var plot *Plot
	for i := range plots {
		if strings.ToLower(plots[i].Name) == name {
			plot = &plots[i]
		}
	}
	if plot == nil || plot.Points == 0 {
		return Result{Reason: "the " + a.kind + " analysis gave no results"}
	}
	if v := plot.notFinite(); v != "" {
		return Result{Reason: v + " is not finite"}
	}
	if reason := a.incomplete(plot); reason != "" {
		return Result{Reason: reason}
	}
	var r Result
	held := 0
	for _, c := range bench.Checks {
		cr := c.apply(plot)
		if cr.OK {
			held++
		} else if r.Reason == "" {
			r.Reason = cr.Reason
		}
		r.Checks = append(r.Checks, cr)
	}
	r.Graded = float64(held) / float64(len(bench.Checks))
	r.Pass = held == len(bench.Checks)
	return r
}

// incomplete says whether the plot ends before the analysis should.
func (a analysis) incomplete(p *Plot) string {
	switch a.kind {
	case "ac":
		f, ok := p.Vector("frequency")
		step := 1.0 // ratio of the last two frequencies
		switch {
		case a.start == a.stop:
		case a.variation == "dec":
			step = math.Pow(10, 1/a.number)
		case a.variation == "oct":
			step = math.Pow(2, 1/a.number)
		}
		const slack = 1 + 1e-6
		if !ok || real(f[0]) > a.start*slack || real(f[len(f)-1])*step*slack < a.stop {
			return "the ac analysis ended early"
		}
	case "tran":
		t, ok := p.Vector("time")
		if !ok || real(t[len(t)-1]) < a.stop*(1-1e-9) {
			return "the tran analysis ended early"
		}
	}
	return ""
}

// apply measures c on a plot that is complete and finite.
func (c Check) apply(p *Plot) CheckResult {
	node := strings.ToLower(c.Node)
	r := CheckResult{Kind: c.Kind, Node: c.Node, Target: c.Target}
	v, ok := p.Vector("v(" + node + ")")
	if !ok {
		r.Reason = "no node " + node
		return r
	}
	switch c.Kind {
	case Corner:
		f, _ := p.Vector("frequency") // incomplete has seen it
		r.Measured, r.Reason = corner(f, v, c.Shape)
		if r.Reason == "" && !(math.Abs(r.Measured/c.Target-1) <= c.Tolerance) {
			r.Reason = fmt.Sprintf("corner at %.5g Hz, want %g within %g", r.Measured, c.Target, c.Tolerance)
		}
	case Gain:
		if len(v) != 1 {
			r.Reason = fmt.Sprintf("%d frequencies, want 1", len(v))
			break
		}
		re, magnitude := real(v[0]), math.Hypot(real(v[0]), imag(v[0]))
		r.Measured = math.Copysign(magnitude, re)
		switch {
		case re == 0 || (re > 0) != (c.Target > 0):
			r.Reason = fmt.Sprintf("gain %.5g has the wrong sign, want %g", r.Measured, c.Target)
		case !(math.Abs(magnitude/math.Abs(c.Target)-1) <= c.Tolerance):
			r.Reason = fmt.Sprintf("gain %.5g, want %g within %g", r.Measured, c.Target, c.Tolerance)
		}
	case DC:
		r.Measured = real(v[0])
		if !(math.Abs(r.Measured/c.Target-1) <= c.Tolerance) {
			r.Reason = fmt.Sprintf("%.5g V, want %g within %g", r.Measured, c.Target, c.Tolerance)
		}
	case Peak:
		least := real(v[0])
		r.Measured = least
		for _, x := range v {
			r.Measured, least = math.Max(r.Measured, real(x)), math.Min(least, real(x))
		}
		switch {
		case !(math.Abs(r.Measured-c.Target) <= c.Tolerance):
			r.Reason = fmt.Sprintf("peak %.5g V, want %g within %g V", r.Measured, c.Target, c.Tolerance)
		case c.MinBelow != nil && !(least < *c.MinBelow):
			r.Reason = fmt.Sprintf("least voltage %.5g V, want below %g", least, *c.MinBelow)
		}
	}
	r.OK = r.Reason == ""
	return r
}

// corner returns the frequency in hertz at which |v| first falls below 1/√2,
// from the side where the filter passes.
func corner(frequency, v []complex128, shape string) (float64, string) {
	n := len(v)
	if n < 100 {
		return 0, fmt.Sprintf("%d frequencies, want 100 or more", n)
	}
	at := func(i int) (f, magnitude float64) {
		if shape == "highpass" {
			i = n - 1 - i
		}
		return real(frequency[i]), math.Hypot(real(v[i]), imag(v[i]))
	}
	_, first := at(0)
	_, last := at(n - 1)
	switch {
	case !(first > 0.9 && first < 1.1):
		return 0, fmt.Sprintf("no %s: |v| is %.4g where it must pass", shape, first)
	case !(last < 0.1):
		return 0, fmt.Sprintf("no %s: |v| is %.4g where it must block", shape, last)
	}
	const half = math.Sqrt2 / 2
	f0, m0 := at(0)
	for i := 1; i < n; i++ {
		f1, m1 := at(i)
		if m1 < half {
			w := (m0 - half) / (m0 - m1)
			return f0 * math.Pow(f1/f0, w), ""
		}
		f0, m0 = f1, m1
	}
	return 0, "no corner" // last < 0.1 excludes it
}
