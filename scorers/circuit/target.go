package circuit

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"regexp"
	"slices"
	"strings"
)

// Target is what a sample is measured with.
type Target struct {
	Bench      int                   `json:"bench"`              // 2
	Ports      []string              `json:"ports"`              // lower case; each must be a node of the deck. Ground, "0", is always there
	Optional   []string              `json:"optional,omitempty"` // ports that the deck may leave out
	Parts      string                `json:"parts"`              // element letters that the deck may use
	Library    []string              `json:"library,omitempty"`  // devices of ours that it may use
	Models     []string              `json:"models,omitempty"`   // kinds of own .model cards that it may use
	Require    map[string]int        `json:"require,omitempty"`  // least count, by letter or library device
	Limit      map[string]int        `json:"limit,omitempty"`    // largest count, likewise
	Values     map[string][2]float64 `json:"values,omitempty"`   // range of R, C, L, V, I (absolute), E, F, G, H, and of channels: MW, ML (m)
	Runs       []Run                 `json:"runs"`
	Properties []Property            `json:"properties"` // all must hold
}

// Run is one deck that is simulated: the circuit, and ours around it.
type Run struct {
	Name        string             `json:"name"`
	Circuit     []string           `json:"circuit"`               // "VIN in 0 DC 1 AC 1 SIN(0 1 1k)", "RL out 0 10k"
	Analyses    []string           `json:"analyses"`              // "op", "dc VIN 0 5 0.01", "ac dec 50 1 1meg", "tran 10u 3m [start [largest step]] [uic]"
	Temperature *float64           `json:"temperature,omitempty"` // °C; 27
	Initial     map[string]float64 `json:"initial,omitempty"`     // volts at the begin of tran
}

// Property is a number measured on the runs, and where it must lie.
type Property struct {
	Name    string    `json:"name"`
	Of      []Measure `json:"of"`                // one, or two that Combine says how to combine
	Combine string    `json:"combine,omitempty"` // difference, ratio, sum, product
	Scale   float64   `json:"scale,omitempty"`   // the value is multiplied with it; 0 is 1
	Target  *float64  `json:"target,omitempty"`
	Rel     float64   `json:"rel,omitempty"` // tolerance, as a fraction of |Target|
	Abs     float64   `json:"abs,omitempty"` // tolerance in the value's unit; the wider one counts
	Min     *float64  `json:"min,omitempty"`
	Max     *float64  `json:"max,omitempty"`
	Reach   float64   `json:"reach,omitempty"` // how far outside the closeness has fallen to 0
}

// Measure is one measurement.
type Measure struct {
	Run       string   `json:"run"`
	Analysis  string   `json:"analysis"`
	Kind      string   `json:"kind"`
	Signal    string   `json:"signal"` // "v(out)", "v(a,b)", "i(VCC)", each with an optional "-" in front
	At        *float64 `json:"at,omitempty"`
	From      *float64 `json:"from,omitempty"`
	To        *float64 `json:"to,omitempty"`
	Level     *float64 `json:"level,omitempty"`
	When      string   `json:"when,omitempty"`
	WhenLevel *float64 `json:"when_level,omitempty"`
	Edge      string   `json:"edge,omitempty"`
	WhenEdge  string   `json:"when_edge,omitempty"`
	N         int      `json:"n,omitempty"`
	Drop      float64  `json:"drop,omitempty"`
	Reference *float64 `json:"reference,omitempty"`
}

// bounds of a target: it is data too.
const (
	maxRuns       = 16
	maxProperties = 40
	maxPoints     = 1e6 // of an analysis
)

// standardLimits are the ranges of values where a target gives none.
var standardLimits = map[string][2]float64{
	"R": {1e-3, 1e12}, "C": {1e-18, 1}, "L": {1e-12, 1e4}, "V": {0, 1e3}, "I": {0, 10},
	"E": {0, 1e9}, "F": {0, 1e9}, "G": {0, 1e9}, "H": {0, 1e9}, "MW": {1e-7, 0.1}, "ML": {1e-7, 1e-3},
}

func (t *Target) limits(key string) (least, most float64) {
	l, ok := t.Values[key]
	if !ok {
		l = standardLimits[key]
	}
	return l[0], l[1]
}

// bench is a target that is checked, and taken apart.
type bench struct {
	*Target
	runs map[string]*run
}

// run is a Run, read.
type run struct {
	*Run
	elements []ours
	analyses map[string]analysis
	order    []string        // of the analyses
	nodes    map[string]bool // that our circuit has, by the target's names
	signals  []string        // to be saved, by name in the deck
}

// ours is an element of ours.
type ours struct {
	name  string
	nodes []string
	tail  string // behind the nodes
	fixes bool   // a voltage source
	path  bool   // conducts direct current
	value float64
}

// ParseTarget reads a target strictly: an unknown key is an error.
func ParseTarget(data json.RawMessage) (*Target, error) {
	var t Target
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(&t); err != nil {
		return nil, fmt.Errorf("target: %w", err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("target: more than one value")
	}
	if _, err := t.bench(); err != nil {
		return nil, err
	}
	return &t, nil
}

var targetName = regexp.MustCompile(`^[a-z][a-z0-9_]{0,23}$`)

// bench checks a target.
func (t *Target) bench() (*bench, error) {
	b := &bench{t, map[string]*run{}}
	if err := b.parts(); err != nil {
		return nil, fmt.Errorf("target: %w", err)
	}
	if len(t.Runs) == 0 || len(t.Runs) > maxRuns {
		return nil, fmt.Errorf("target: %d runs, want 1 to %d", len(t.Runs), maxRuns)
	}
	for i := range t.Runs {
		r, err := b.run(&t.Runs[i])
		if err != nil {
			return nil, fmt.Errorf("target: run %q: %w", t.Runs[i].Name, err)
		}
		if b.runs[r.Name] != nil || r.Name == "" {
			return nil, fmt.Errorf("target: run %q: want names, each once", r.Name)
		}
		b.runs[r.Name] = r
	}
	if len(t.Properties) == 0 || len(t.Properties) > maxProperties {
		return nil, fmt.Errorf("target: %d properties, want 1 to %d", len(t.Properties), maxProperties)
	}
	for i := range t.Properties {
		if err := b.property(&t.Properties[i]); err != nil {
			return nil, fmt.Errorf("target: property %q: %w", t.Properties[i].Name, err)
		}
	}
	return b, nil
}

// parts checks what a deck may be made of.
func (b *bench) parts() error {
	if b.Bench != 2 {
		return fmt.Errorf("bench %d: want 2", b.Bench)
	}
	seen := map[string]bool{}
	for _, n := range slices.Concat(b.Ports, b.Optional) {
		if !targetName.MatchString(n) || n == "gnd" || seen[n] {
			return fmt.Errorf("port %q: want a letter, then letters, digits and _, each port once", n)
		}
		seen[n] = true
	}
	if len(b.Ports) == 0 {
		return errors.New("no ports")
	}
	if b.Parts == "" {
		return errors.New("no parts are allowed")
	}
	for i := range len(b.Parts) {
		if strings.IndexByte(letters, b.Parts[i]) < 0 {
			return fmt.Errorf("parts %q: want letters of %s", b.Parts, letters)
		}
	}
	for _, name := range b.Library {
		d, ok := library[name]
		if !ok || strings.IndexByte(b.Parts, d.letter) < 0 {
			return fmt.Errorf("library: %q is no device of the parts %s", name, b.Parts)
		}
	}
	for _, kind := range b.Models {
		if cardParameters[kind] == nil {
			return fmt.Errorf("models: no kind %q", kind)
		}
	}
	for _, counts := range []map[string]int{b.Require, b.Limit} {
		for _, key := range sortedKeys(counts) {
			isLetter := len(key) == 1 && strings.Contains(b.Parts, key)
			if !isLetter && !slices.Contains(b.Library, key) || counts[key] < 0 {
				return fmt.Errorf("%d of %q: want a count of a part or a library device", counts[key], key)
			}
		}
	}
	for _, key := range sortedKeys(b.Values) {
		v := b.Values[key]
		if _, ok := standardLimits[key]; !ok || !(v[0] <= v[1]) || v[0] < 0 || strings.Contains("RCLMWML", key) && v[0] == 0 {
			return fmt.Errorf("values of %q: %g to %g", key, v[0], v[1])
		}
	}
	return nil
}

// run reads a run.
func (b *bench) run(in *Run) (*run, error) {
	r := &run{Run: in, analyses: map[string]analysis{}, nodes: map[string]bool{"0": true}}
	for _, p := range slices.Concat(b.Ports, b.Optional) {
		r.nodes[p] = true
	}
	names := map[string]bool{}
	for _, line := range in.Circuit {
		e, err := readOurs(line)
		if err != nil {
			return nil, fmt.Errorf("%q: %w", line, err)
		}
		if names[e.name] {
			return nil, fmt.Errorf("element %s is there twice", e.name)
		}
		names[e.name] = true
		for _, n := range e.nodes {
			r.nodes[n] = true
		}
		r.elements = append(r.elements, e)
	}
	for _, line := range in.Analyses {
		a, err := readAnalysis(line, names)
		if err != nil {
			return nil, fmt.Errorf("analysis %q: %w", line, err)
		}
		if _, twice := r.analyses[a.kind]; twice {
			return nil, fmt.Errorf("analysis %s is there twice", a.kind)
		}
		r.analyses[a.kind] = a
		r.order = append(r.order, a.kind)
	}
	if len(r.order) == 0 {
		return nil, errors.New("no analyses")
	}
	if t := in.Temperature; t != nil && !(*t >= -100 && *t <= 250) {
		return nil, fmt.Errorf("temperature %g: want -100 to 250", *t)
	}
	for _, n := range sortedKeys(in.Initial) {
		if !r.nodes[n] || n == "0" {
			return nil, fmt.Errorf("initial: no node %q", n)
		}
	}
	return r, nil
}

// name returns a target's node by its name in the deck.
func (b *bench) name(n string) string {
	switch {
	case n == "0":
		return n
	case slices.Contains(b.Ports, n) || slices.Contains(b.Optional, n):
		return "p_" + n
	}
	return "b_" + n
}

var sourceTail = regexp.MustCompile(`^[a-z0-9 .+()\-]+$`)

// readOurs reads an element of ours.
func readOurs(line string) (ours, error) {
	f := strings.Fields(strings.ToLower(line))
	if len(line) > 500 || printable(line, len(line)) != line || len(f) < 4 {
		return ours{}, errors.New("want name, nodes and a value")
	}
	e := ours{name: f[0]}
	letter := f[0][0] - 'a' + 'A'
	n, known := terminals[letter]
	if !known || strings.IndexByte("RCLVIEFGH", letter) < 0 || !targetName.MatchString(f[0]) {
		return ours{}, errors.New("want an element of RCLVIEFGH")
	}
	if len(f) < n+2 {
		return ours{}, fmt.Errorf("want name, %d nodes and a value", n)
	}
	e.nodes, f = f[1:1+n], f[1+n:]
	for i, node := range e.nodes {
		if node == "gnd" {
			e.nodes[i] = "0"
		} else if node != "0" && !targetName.MatchString(node) {
			return ours{}, fmt.Errorf("node %q", node)
		}
	}
	e.fixes = letter == 'V'
	e.path = strings.IndexByte("RLVEH", letter) >= 0
	e.tail = strings.Join(f, " ")
	var err error
	switch letter {
	case 'V', 'I':
		if !sourceTail.MatchString(e.tail) || strings.Count(e.tail, "(") != strings.Count(e.tail, ")") {
			err = errors.New("value: want words and numbers")
		}
	case 'F', 'H':
		if len(f) != 2 || !targetName.MatchString(f[0]) || f[0][0] != 'v' {
			return ours{}, errors.New("want a V element and a gain")
		}
		_, err = number(f[1])
		e.tail = "vb_" + f[0][1:] + " " + f[1]
	default:
		if len(f) != 1 {
			return ours{}, errors.New("want one value")
		}
		e.value, err = number(f[0])
		if err == nil && e.value <= 0 && letter != 'E' && letter != 'G' {
			err = fmt.Errorf("value %g: want more than 0", e.value)
		}
		e.tail = exact(e.value)
	}
	return e, err
}

// benchName is the name of an element of ours in the deck.
func benchName(name string) string { return name[:1] + "b_" + name[1:] }

// analysis of ours.
type analysis struct {
	kind        string // "op", "dc", "ac", "tran"
	variation   string // of ac
	count       float64
	start, stop float64
	step        float64 // of dc; of tran, at which results are printed
	uic         bool
	line        string // ".ac dec 50 1 1e6"
}

// readAnalysis reads an analysis; elements are ours.
func readAnalysis(s string, elements map[string]bool) (analysis, error) {
	f := strings.Fields(strings.ToLower(s))
	if len(f) == 0 {
		return analysis{}, errors.New("want op, dc, ac or tran")
	}
	a := analysis{kind: f[0]}
	words := f[1:]
	if a.kind == "tran" && len(words) > 0 && words[len(words)-1] == "uic" {
		a.uic, words = true, words[:len(words)-1]
	}
	source := ""
	switch {
	case len(words) == 0:
	case a.kind == "ac":
		a.variation, words = words[0], words[1:]
	case a.kind == "dc":
		source, words = words[0], words[1:]
	}
	v := make([]float64, len(words))
	text := make([]string, len(words))
	for i, w := range words {
		var err error
		if v[i], err = number(w); err != nil {
			return analysis{}, err
		}
		text[i] = exact(v[i])
	}
	points := 1.0
	switch {
	case a.kind == "op" && len(f) == 1:
		a.line = ".op"
		return a, nil
	case a.kind == "dc" && len(v) == 3:
		a.start, a.stop, a.step = v[0], v[1], v[2]
		points = (a.stop - a.start) / a.step
		switch {
		case source != "temp" && (!elements[source] || strings.IndexByte("vir", source[0]) < 0):
			return analysis{}, fmt.Errorf("no source %q to sweep", source)
		case !(a.step > 0 && a.stop > a.start):
			return analysis{}, errors.New("want start < stop, step > 0")
		}
		if source != "temp" {
			source = benchName(source)
		}
		a.line = ".dc " + source + " " + strings.Join(text, " ")
	case a.kind == "ac" && len(v) == 3:
		a.count, a.start, a.stop = v[0], v[1], v[2]
		if !(a.count >= 1 && a.start > 0 && a.stop >= a.start) {
			return analysis{}, errors.New("want N >= 1 and 0 < first <= last frequency")
		}
		switch a.variation {
		case "dec":
			points = a.count * math.Log10(a.stop/a.start)
		case "oct":
			points = a.count * math.Log2(a.stop/a.start)
		case "lin":
			points = a.count
		default:
			return analysis{}, errors.New("want dec, oct or lin")
		}
		a.line = ".ac " + a.variation + " " + strings.Join(text, " ")
	case a.kind == "tran" && len(v) >= 2 && len(v) <= 4:
		a.step, a.stop = v[0], v[1]
		finest := a.step
		if len(v) > 2 {
			a.start = v[2]
		}
		if len(v) > 3 {
			finest = v[3]
		}
		if !(a.step > 0 && a.start >= 0 && a.stop > a.start && finest > 0) {
			return analysis{}, errors.New("want step > 0 and 0 <= start < stop")
		}
		points = a.stop / finest
		a.line = ".tran " + strings.Join(text, " ")
		if a.uic {
			a.line += " uic"
		}
	default:
		return analysis{}, errors.New("want op, dc SOURCE FIRST LAST STEP, ac dec|oct|lin N FIRST LAST, or tran STEP STOP [START [LARGEST STEP]] [uic]")
	}
	if points > maxPoints {
		return analysis{}, fmt.Errorf("about %.3g points, want at most %g", points, float64(maxPoints))
	}
	return a, nil
}

// signal is what is looked at: the difference of two variables of a plot, or one.
type signal struct {
	plus, minus string // "v(p_out)"; "" is 0
	negative    bool
}

var signalForm = regexp.MustCompile(`^(-?)([vi])\(([a-z0-9_]+)(?:,([a-z0-9_]+))?\)$`)

// signal reads the name of a signal of a run, and has it saved.
func (b *bench) signal(r *run, s string) (signal, error) {
	m := signalForm.FindStringSubmatch(strings.ReplaceAll(strings.ToLower(s), " ", ""))
	if m == nil {
		return signal{}, fmt.Errorf("signal %q: want v(node), v(node,node) or i(V…)", s)
	}
	out := signal{negative: m[1] == "-"}
	if m[2] == "i" {
		for _, e := range r.elements {
			if e.name == m[3] && e.fixes && m[4] == "" {
				out.plus = "i(" + benchName(m[3]) + ")"
				r.save(out.plus)
				return out, nil
			}
		}
		return signal{}, fmt.Errorf("signal %q: no such V element of ours", s)
	}
	for i, n := range m[3:] {
		if n == "" || n == "0" {
			continue
		}
		if !r.nodes[n] {
			return signal{}, fmt.Errorf("signal %q: no node %q", s, n)
		}
		v := "v(" + b.name(n) + ")"
		r.save(v)
		if i == 0 {
			out.plus = v
		} else {
			out.minus = v
		}
	}
	return out, nil
}

func (r *run) save(v string) {
	if !slices.Contains(r.signals, v) {
		r.signals = append(r.signals, v)
	}
}

// property checks a property.
func (b *bench) property(p *Property) error {
	if p.Name == "" {
		return errors.New("no name")
	}
	want := 1
	if p.Combine != "" {
		want = 2
		if !slices.Contains([]string{"difference", "ratio", "sum", "product"}, p.Combine) {
			return fmt.Errorf("combine %q: want difference, ratio, sum or product", p.Combine)
		}
	}
	if len(p.Of) != want {
		return fmt.Errorf("%d measurements, want %d", len(p.Of), want)
	}
	if _, _, reach := p.band(); !(reach > 0) {
		return errors.New("want a target with a tolerance, or bounds; and a reach where the bound is 0")
	}
	if p.Target != nil == (p.Min != nil || p.Max != nil) {
		return errors.New("want a target or bounds")
	}
	for i := range p.Of {
		if err := b.measure(&p.Of[i]); err != nil {
			return fmt.Errorf("%s: %w", p.Of[i].Kind, err)
		}
	}
	return nil
}

// band returns where the value must lie, and how far outside of it the closeness
// is 0.
func (p *Property) band() (least, most, reach float64) {
	least, most, reach = math.Inf(-1), math.Inf(1), p.Reach
	if p.Target != nil {
		tolerance := math.Max(p.Abs, p.Rel*math.Abs(*p.Target))
		least, most = *p.Target-tolerance, *p.Target+tolerance
		if reach == 0 {
			reach = 4 * tolerance
		}
		return least, most, reach
	}
	for _, v := range []*float64{p.Min, p.Max} {
		if v != nil && reach == 0 {
			reach = 0.25 * math.Abs(*v)
		}
	}
	if p.Min != nil {
		least = *p.Min
	}
	if p.Max != nil {
		most = *p.Max
	}
	return least, most, reach
}

// measure checks a measurement against the kind's needs.
func (b *bench) measure(m *Measure) error {
	r := b.runs[m.Run]
	if r == nil {
		return fmt.Errorf("no run %q", m.Run)
	}
	if _, ok := r.analyses[m.Analysis]; !ok {
		return fmt.Errorf("run %s has no analysis %q", m.Run, m.Analysis)
	}
	k, ok := measureKinds[m.Kind]
	if !ok || !slices.Contains(k.analyses, m.Analysis) {
		return fmt.Errorf("no such kind of the analysis %s", m.Analysis)
	}
	if _, err := b.signal(r, m.Signal); err != nil {
		return err
	}
	if m.When != "" {
		if _, err := b.signal(r, m.When); err != nil {
			return err
		}
	}
	for _, e := range []string{m.Edge, m.WhenEdge} {
		if !slices.Contains([]string{"", "rising", "falling", "low", "high"}, e) {
			return fmt.Errorf("edge %q", e)
		}
	}
	given := map[string]bool{
		"at": m.At != nil, "from": m.From != nil, "to": m.To != nil, "level": m.Level != nil, "when": m.When != "",
		"when_level": m.WhenLevel != nil, "edge": m.Edge != "", "when_edge": m.WhenEdge != "", "n": m.N != 0, "drop": m.Drop != 0, "reference": m.Reference != nil,
	}
	for _, key := range sortedKeys(given) {
		need := slices.Contains(k.needs, key)
		if key == "at" && m.Kind == "value" {
			need = m.Analysis != "op"
			if given[key] && !need {
				return errors.New("at: an operating point has none")
			}
		} else if given[key] && !need && !slices.Contains(k.takes, key) {
			return fmt.Errorf("%s is not looked at", key)
		}
		if need && !given[key] {
			return fmt.Errorf("want %s", key)
		}
	}
	if m.Kind == "corner" && m.Edge != "low" && m.Edge != "high" || m.Kind != "corner" && (m.Edge == "low" || m.Edge == "high") {
		return fmt.Errorf("edge %q", m.Edge)
	}
	if m.N < 0 || m.Drop < 0 {
		return errors.New("n and drop: want 0 or more")
	}
	a := r.analyses[m.Analysis]
	for _, x := range []*float64{m.At, m.From, m.To, m.Reference} {
		if x == nil || m.Analysis == "op" || m.Kind == "thd" && x == m.At {
			continue
		}
		const slack = 1e-9
		if !(*x >= a.start-slack*math.Abs(a.start) && *x <= a.stop+slack*math.Abs(a.stop)) {
			return fmt.Errorf("%g is outside of the analysis, %g to %g", *x, a.start, a.stop)
		}
	}
	if m.From != nil && m.To != nil && !(*m.From < *m.To) {
		return fmt.Errorf("from %g to %g", *m.From, *m.To)
	}
	return nil
}
