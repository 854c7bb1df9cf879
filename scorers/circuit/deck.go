package circuit

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
)

// Bounds of a deck. Everything beyond is refused before it is looked at.
const (
	maxText     = 64 << 10 // bytes
	maxLines    = 1000
	maxLine     = 4096 // bytes, continuation lines added
	maxName     = 64   // bytes of an element, node, model or subcircuit name
	maxWords    = 64   // on a line
	maxElements = 300  // after flattening
	maxSteps    = 2000 // instances and elements looked at while flattening
	maxDepth    = 8    // of subcircuits in one another
	maxArea     = 1000 // multiples of a device
)

// letters that a target may allow.
const letters = "RCLKDQMJXVIEFGH"

// A Fault says what of a text is wrong: a short phrase that can be counted, and
// what it is about.
type Fault struct {
	Phrase string
	Line   int // of the text, from 1; 0 where it is no single line
	Detail string
}

func (f *Fault) Error() string {
	text := f.Phrase
	if f.Line > 0 {
		text += fmt.Sprintf(": line %d", f.Line)
	}
	if f.Detail != "" {
		text += ": " + f.Detail
	}
	return text
}

// Phrases of faults.
const (
	NoCircuit   = "no circuit"
	Grammar     = "grammar"
	NotAllowed  = "part not allowed"
	NoModel     = "unknown model"
	BadCard     = "model card"
	BadValue    = "value out of range"
	NoPort      = "port not connected"
	Floating    = "floating node"
	TooFew      = "too few parts"
	TooMany     = "too many parts"
	FixedSource = "source across a source of the bench"
)

// Element is one element of a circuit that is flat.
type Element struct {
	Letter byte      // one of letters
	Name   string    // as the writer has it, with the path of its subcircuits: for notes
	Nodes  []string  // ours: "0", "p_out", "n3"
	Value  float64   // of R C L K V I E F G H
	Device string    // of D Q M J X: a library name, or an own model
	Own    bool      // Device is an own model
	Params []Setting // of D Q M J X: area, w, l, m; parameters of a library subcircuit
	Refs   []int     // of K: two inductors; of F H: the V element. Indices
	Line   int
}

// Setting is k=v.
type Setting struct {
	Name  string
	Value float64
}

// Card is an own .model card, checked.
type Card struct {
	Kind   string
	Params []Setting
}

// Netlist is a circuit between ports, flat.
type Netlist struct {
	Elements []Element
	Cards    map[string]Card // by name, the ones that are used
}

// raw is a line of a scope that is not looked at closer yet.
type raw struct {
	words []string
	line  int
}

// scope is the deck's top, or a subcircuit.
type scope struct {
	name     string
	pins     []string
	elements []raw
	line     int
}

type card struct {
	kind  string
	words []string // k=v
	line  int
}

type parser struct {
	t      *Target
	titled bool // the first line is the title
	first  int  // its number
	ports  map[string]bool
	top    scope
	subs   map[string]*scope
	order  []string // of subs
	cards  map[string]card
	p      parameters

	out   Netlist
	nodes map[string]string // path → our name
	steps int
	used  map[string]int // of letters and library devices
}

// Parse reads a text and returns the circuit that it describes, flat. The error
// is a *[Fault]. The text is hostile; the time is linear in its length.
//
// SPICE takes the first line for a title, whatever it says; models often leave
// the title out. So the first line is an element where it can be one of a circuit
// that is right by the grammar, and the title otherwise.
func Parse(text string, t *Target) (*Netlist, error) {
	n, first, err := parse(text, t, false)
	if f, ok := err.(*Fault); ok && f.Line > 0 && f.Line == first {
		if without, _, err := parse(text, t, true); err == nil {
			return without, nil
		}
	}
	return n, err
}

// parse returns the number of the first line too. titled says that it is not
// part of the circuit.
func parse(text string, t *Target, titled bool) (*Netlist, int, error) {
	p := &parser{
		t: t, titled: titled, ports: map[string]bool{}, subs: map[string]*scope{}, cards: map[string]card{},
		p:     parameters{text: map[string]string{}, value: map[string]float64{}, open: map[string]bool{}},
		nodes: map[string]string{}, used: map[string]int{},
	}
	p.out.Cards = map[string]Card{}
	for _, n := range slices.Concat(t.Ports, t.Optional) {
		p.ports[n] = true
	}
	err := p.read(text)
	if err == nil {
		err = p.flatten()
	}
	if err == nil {
		err = p.count()
	}
	return &p.out, p.first, err
}

func fault(phrase string, line int, format string, args ...any) error {
	return &Fault{phrase, line, fmt.Sprintf(format, args...)}
}

// dropped are the directives that are ours to give: a deck may have them, and
// they mean nothing.
var dropped = map[string]bool{
	".op": true, ".dc": true, ".ac": true, ".tran": true, ".tf": true, ".noise": true, ".pz": true, ".sens": true,
	".disto": true, ".sp": true, ".hb": true, ".four": true, ".fourier": true, ".fft": true, ".print": true, ".plot": true, ".probe": true,
	".save": true, ".meas": true, ".measure": true, ".option": true, ".options": true, ".opt": true, ".temp": true,
	".ic": true, ".nodeset": true, ".title": true, ".width": true, ".step": true, ".wave": true, ".backanno": true,
}

// read splits a text into scopes.
func (p *parser) read(text string) error {
	if len(text) > maxText {
		return &Fault{Grammar, 0, fmt.Sprintf("%d bytes, want at most %d", len(text), maxText)}
	}
	text = strings.NewReplacer("µ", "u", "μ", "u", "Ω", "ohm", "Ω", "ohm", "\t", " ").Replace(text)
	type logical struct {
		text string
		line int
	}
	var lines []logical
	control := false
	for number, line := range strings.Split(text, "\n") {
		number++
		if number > maxLines {
			return fault(Grammar, number, "more than %d lines", maxLines)
		}
		line = strings.ToLower(strings.Trim(strings.TrimSuffix(line, "\r"), " "))
		if strings.HasPrefix(line, ".control") {
			control = true
		}
		if control {
			control = !strings.HasPrefix(line, ".endc")
			continue
		}
		line = uncomment(line)
		switch {
		case line == "":
			continue
		case line == ".end" || strings.HasPrefix(line, ".end "):
			control = true // nothing behind it is part of the deck
			continue
		case line[0] == '+':
			if len(lines) == 0 {
				return fault(Grammar, number, "a continuation of nothing")
			}
			last := &lines[len(lines)-1]
			last.text += " " + strings.TrimLeft(line[1:], " ")
			if len(last.text) > maxLine {
				return fault(Grammar, number, "more than %d bytes on a line", maxLine)
			}
			continue
		case len(line) > maxLine:
			return fault(Grammar, number, "more than %d bytes on a line", maxLine)
		}
		lines = append(lines, logical{line, number})
	}
	current := &p.top
	for i, l := range lines {
		if i == 0 {
			p.first = l.line
		}
		if l.text[0] == '.' {
			var err error
			if current, err = p.directive(l.text, l.line, current); err != nil {
				return err
			}
			continue
		}
		if i == 0 && p.titled {
			continue
		}
		words, err := split(l.text)
		if err != nil {
			return fault(Grammar, l.line, "%q: %v", printable(l.text, 60), err)
		}
		current.elements = append(current.elements, raw{words, l.line})
	}
	if current != &p.top {
		return fault(Grammar, current.line, ".subckt %s has no .ends", current.name)
	}
	if e := p.top.elements; len(e) > 0 && e[0].line == p.first && !p.connected() {
		p.top.elements = e[1:]
	}
	return nil
}

// uncomment cuts comments off.
func uncomment(line string) string {
	if line == "" || line[0] == '*' || line[0] == '#' || line[0] == '$' {
		return ""
	}
	for _, mark := range []string{";", " $", "//"} {
		line, _, _ = strings.Cut(line, mark)
	}
	return strings.TrimRight(line, " ")
}

// split takes a line apart at spaces, and leaves expressions in one piece: k=v
// is one word whatever spaces are in it.
func split(line string) ([]string, error) {
	var words []string
	for i := 0; i < len(line); {
		for i < len(line) && line[i] == ' ' {
			i++
		}
		start := i
		for i < len(line) && line[i] != ' ' && line[i] != '=' {
			c := line[i]
			switch {
			case c == '{' || c == '\'' || c == '"':
				end := c
				if c == '{' {
					end = '}'
				}
				n := strings.IndexByte(line[i+1:], end)
				if n < 0 {
					return nil, fmt.Errorf("%c without %c", c, end)
				}
				i += n + 1
			case c < ' ' || c > '~':
				return nil, errors.New("not ASCII")
			}
			i++
		}
		word := line[start:i]
		for i < len(line) && line[i] == ' ' {
			i++
		}
		assigned := i < len(line) && line[i] == '='
		if assigned {
			i++
			for i < len(line) && line[i] == ' ' {
				i++
			}
			if i < len(line) && line[i] == '=' {
				return nil, errors.New("= without a name")
			}
		}
		switch n := len(words); {
		case n > 0 && strings.HasSuffix(words[n-1], "="):
			words[n-1] += word
			if word == "" || assigned {
				return nil, fmt.Errorf("%s has no value", printable(words[n-1], 40))
			}
		case assigned && word == "":
			return nil, errors.New("= without a name")
		case assigned:
			words = append(words, word+"=")
		case word != "":
			words = append(words, word)
		}
		if len(words) > maxWords {
			return nil, fmt.Errorf("more than %d words", maxWords)
		}
	}
	if n := len(words); n > 0 && strings.HasSuffix(words[n-1], "=") {
		return nil, fmt.Errorf("%s has no value", printable(words[n-1], 40))
	}
	return words, nil
}

// connected reports whether the first element touches a port, ground, or another
// element of the deck. A line that does not is the title ("Low pass filter 1k").
func (p *parser) connected() bool {
	first := p.top.elements[0]
	known := map[string]bool{}
	for _, e := range p.top.elements[1:] {
		for _, w := range e.words {
			known[w] = true
		}
	}
	for _, w := range first.words[min(1, len(first.words)-1) : len(first.words)-1] {
		if p.ports[w] || w == "0" || w == "gnd" || known[w] {
			return true
		}
	}
	return false
}

// directive reads a line that begins with a dot, and returns the scope that
// follows.
func (p *parser) directive(line string, number int, current *scope) (*scope, error) {
	word, rest, _ := strings.Cut(line, " ")
	switch {
	case dropped[word]:
		return current, nil
	case word == ".ends":
		if current == &p.top {
			return nil, fault(Grammar, number, ".ends without .subckt")
		}
		return &p.top, nil
	case word == ".subckt":
		return p.subckt(rest, number, current)
	case word == ".model":
		return current, p.model(rest, number)
	case word == ".param" || word == ".params" || word == ".parameter" || word == ".parameters" || word == ".csparam":
		if current != &p.top {
			return nil, fault(Grammar, number, ".param in a subcircuit")
		}
		words, err := split(strings.ReplaceAll(rest, ",", " "))
		if err != nil {
			return nil, fault(Grammar, number, "%s: %v", word, err)
		}
		for _, w := range words {
			name, value, ok := strings.Cut(w, "=")
			if !ok || !validName(name) || value == "" {
				return nil, fault(Grammar, number, ".param: want name=value")
			}
			p.p.text[name] = value
		}
		return current, nil
	case word == ".include" || word == ".inc" || word == ".lib":
		return nil, fault(Grammar, number, "%s: there are no files", word)
	}
	return nil, fault(Grammar, number, "%s is not allowed", printable(word, 20))
}

func (p *parser) subckt(rest string, number int, current *scope) (*scope, error) {
	if current != &p.top {
		return nil, fault(Grammar, number, ".subckt inside of .subckt")
	}
	words, err := split(rest)
	if err != nil || len(words) < 2 {
		return nil, fault(Grammar, number, ".subckt: want a name and pins")
	}
	s := &scope{name: words[0], pins: words[1:], line: number}
	seen := map[string]bool{}
	for _, w := range words {
		if strings.Contains(w, "=") || w == "params:" {
			return nil, fault(Grammar, number, ".subckt %s: parameters of subcircuits are not allowed", printable(s.name, 20))
		}
		if !validName(w) {
			return nil, fault(Grammar, number, ".subckt: name %q", printable(w, 40))
		}
	}
	for _, pin := range s.pins {
		if seen[pin] {
			return nil, fault(Grammar, number, ".subckt %s: pin %s is there twice", s.name, pin)
		}
		seen[pin] = true
	}
	if p.subs[s.name] != nil {
		return nil, fault(Grammar, number, ".subckt %s is there twice", s.name)
	}
	p.subs[s.name] = s
	p.order = append(p.order, s.name)
	return s, nil
}

// model keeps a card for when it is used.
func (p *parser) model(rest string, number int) error {
	rest = strings.NewReplacer("(", " ", ")", " ", ",", " ").Replace(rest)
	words, err := split(rest)
	if err != nil {
		return fault(Grammar, number, ".model: %v", err)
	}
	if len(words) < 2 || !validName(words[0]) || !validName(words[1]) {
		return fault(Grammar, number, "want .model name kind (k=v …)")
	}
	if _, ok := p.cards[words[0]]; ok {
		return fault(Grammar, number, ".model %s is there twice", words[0])
	}
	p.cards[words[0]] = card{words[1], words[2:], number}
	return nil
}

// validName reports whether s can be the name of something. Names are never
// written into a deck of ours.
func validName(s string) bool {
	if s == "" || len(s) > maxName {
		return false
	}
	for i := range len(s) {
		if c := s[i]; c <= ' ' || c > '~' || strings.IndexByte("(){}=,;'\"`", c) >= 0 {
			return false
		}
	}
	return true
}

// instance is a scope that is being written out.
type instance struct {
	*scope
	path  string            // "x1."
	nodes map[string]string // of pins
	depth int
}

func (p *parser) flatten() error {
	if len(p.top.elements) == 0 {
		// A deck that is one subcircuit between the ports.
		for i := len(p.order) - 1; i >= 0; i-- {
			s := p.subs[p.order[i]]
			nodes := map[string]string{}
			for _, pin := range s.pins {
				if n := p.portNode(pin); n != "" {
					nodes[pin] = n
				}
			}
			if len(nodes) == len(s.pins) && len(s.elements) > 0 {
				return p.scope(instance{s, s.name + ".", nodes, 1})
			}
		}
		return &Fault{Phrase: NoCircuit}
	}
	return p.scope(instance{&p.top, "", nil, 0})
}

// portNode returns our name of a port or of ground, or "".
func (p *parser) portNode(n string) string {
	switch {
	case n == "0" || n == "gnd":
		return "0"
	case p.ports[n]:
		return "p_" + n
	}
	return ""
}

// node returns our name of a node of an instance.
func (p *parser) node(in *instance, n string) string {
	if n == "0" || n == "gnd" {
		return "0"
	}
	if in.depth == 0 {
		if port := p.portNode(n); port != "" {
			return port
		}
	} else if outer, ok := in.nodes[n]; ok {
		return outer
	}
	key := in.path + " " + n
	if _, ok := p.nodes[key]; !ok {
		p.nodes[key] = fmt.Sprintf("n%d", len(p.nodes)+1)
	}
	return p.nodes[key]
}

// scope writes the elements of an instance.
func (p *parser) scope(in instance) error {
	index := map[string]int{} // name → element, of this scope
	type late struct {
		element int
		names   []string
	}
	var refs []late
	names := map[string]bool{}
	for _, r := range in.elements {
		if p.steps++; p.steps > maxSteps || len(p.out.Elements) >= maxElements {
			return fault(TooMany, r.line, "more than %d elements", maxElements)
		}
		name := r.words[0]
		if !validName(name) {
			return fault(Grammar, r.line, "element name %q", printable(name, 40))
		}
		if names[name] {
			return fault(Grammar, r.line, "element %s is there twice", name)
		}
		names[name] = true
		letter := name[0]
		if letter >= 'a' && letter <= 'z' {
			letter -= 'a' - 'A'
		}
		if strings.IndexByte(letters, letter) < 0 {
			if letter == 'B' {
				return fault(NotAllowed, r.line, "%s: B sources are not allowed", printable(name, 20))
			}
			return fault(Grammar, r.line, "%q is no element", printable(strings.Join(r.words, " "), 60))
		}
		if letter == 'X' {
			own, err := p.instance(&in, r)
			if err != nil {
				return err
			}
			if own {
				continue
			}
		}
		if strings.IndexByte(p.t.Parts, letter) < 0 {
			if letter == 'V' || letter == 'I' {
				return fault(NotAllowed, r.line, "%s: sources are the bench's", printable(name, 20))
			}
			return fault(NotAllowed, r.line, "%s: want parts of %s", printable(name, 20), p.t.Parts)
		}
		e, refer, err := p.element(&in, letter, r)
		if err != nil {
			return err
		}
		index[name] = len(p.out.Elements)
		if len(refer) > 0 {
			refs = append(refs, late{len(p.out.Elements), refer})
		}
		p.out.Elements = append(p.out.Elements, e)
	}
	for _, l := range refs {
		e := &p.out.Elements[l.element]
		want := byte('V')
		if e.Letter == 'K' {
			want = 'L'
		}
		for _, name := range l.names {
			i, ok := index[name]
			if !ok || p.out.Elements[i].Letter != want {
				return fault(Grammar, e.Line, "%s: there is no %c element %s", e.Name, want, printable(name, 20))
			}
			e.Refs = append(e.Refs, i)
		}
		if e.Letter == 'K' && e.Refs[0] == e.Refs[1] {
			return fault(Grammar, e.Line, "%s: an inductor coupled with itself", e.Name)
		}
	}
	return nil
}

// instance writes an X line that is an instance of an own subcircuit. It reports
// false where it is one of a library device.
func (p *parser) instance(in *instance, r raw) (bool, error) {
	words := r.words
	for len(words) > 0 && strings.Contains(words[len(words)-1], "=") {
		words = words[:len(words)-1]
	}
	if len(words) > 0 && words[len(words)-1] == "params:" {
		words = words[:len(words)-1]
	}
	if len(words) < 3 {
		return false, fault(Grammar, r.line, "%s: want nodes and the name of a subcircuit", printable(r.words[0], 20))
	}
	name := words[len(words)-1]
	if slices.Contains(p.t.Library, name) {
		return false, nil
	}
	s := p.subs[name]
	if s == nil {
		return false, fault(NoModel, r.line, "%s: there is no subcircuit %s", printable(r.words[0], 20), printable(name, 20))
	}
	nodes := words[1 : len(words)-1]
	if len(nodes) != len(s.pins) || len(words) < len(r.words) {
		return false, fault(Grammar, r.line, "%s: %d nodes, want the %d pins of %s and nothing else", printable(r.words[0], 20), len(nodes), len(s.pins), s.name)
	}
	if in.depth >= maxDepth {
		return false, fault(TooMany, r.line, "subcircuits in one another deeper than %d", maxDepth)
	}
	inner := instance{s, in.path + r.words[0] + ".", map[string]string{}, in.depth + 1}
	for i, pin := range s.pins {
		if !validName(nodes[i]) {
			return false, fault(Grammar, r.line, "node %q", printable(nodes[i], 40))
		}
		inner.nodes[pin] = p.node(in, nodes[i])
	}
	return true, p.scope(inner)
}

// terminals by letter; of Q and X they vary.
var terminals = map[byte]int{'R': 2, 'C': 2, 'L': 2, 'D': 2, 'Q': 3, 'M': 4, 'J': 3, 'V': 2, 'I': 2, 'E': 4, 'G': 4, 'F': 2, 'H': 2}

// element reads one element line. refer are the names of elements that it needs.
func (p *parser) element(in *instance, letter byte, r raw) (e Element, refer []string, err error) {
	e = Element{Letter: letter, Name: printable(in.path+r.words[0], maxName), Line: r.line}
	words := r.words[1:]
	var settings []string
	for i, w := range words { // k=v begin behind the last plain word
		if strings.Contains(w, "=") {
			words, settings = words[:i], words[i:]
			break
		}
	}
	bad := func(format string, args ...any) (Element, []string, error) {
		return Element{}, nil, fault(Grammar, r.line, "%s: %s", e.Name, fmt.Sprintf(format, args...))
	}
	for _, w := range settings {
		if !strings.Contains(w, "=") {
			return bad("%q behind a parameter", printable(w, 20))
		}
	}
	if letter == 'K' {
		if len(words) != 3 || len(settings) > 0 {
			return bad("want two inductors and a coupling")
		}
		if e.Value, err = p.p.quantity(words[2]); err != nil {
			return bad("%v", err)
		}
		if !(e.Value > 0 && e.Value <= 1) {
			return Element{}, nil, fault(BadValue, r.line, "%s: coupling %g, want more than 0 and at most 1", e.Name, e.Value)
		}
		return e, words[:2], nil
	}
	n := terminals[letter]
	switch letter {
	case 'X':
		device := words[len(words)-1]
		if device == "params:" {
			words = words[:len(words)-1]
			device = words[len(words)-1]
		}
		n = len(words) - 1
		if want := library[device].pins; n != len(want) {
			return bad("%d nodes, want %d of %s: %s", n, len(want), device, strings.Join(want, " "))
		}
	case 'Q':
		// A fourth node is the substrate, which our models do not have.
		if len(words) >= 5 && p.isModel(words[4]) && !p.isModel(words[3]) {
			words = slices.Concat(words[:3], words[4:])
		}
	}
	if len(words) < n {
		return bad("%d words, want %d nodes first", len(words), n)
	}
	for _, w := range words[:n] {
		if !validName(w) {
			return bad("node %q", printable(w, 40))
		}
		e.Nodes = append(e.Nodes, p.node(in, w))
	}
	words = words[n:]
	switch letter {
	case 'R', 'C', 'L', 'V', 'I', 'E', 'G':
		return p.valued(e, words, settings)
	case 'F', 'H':
		if len(words) != 2 {
			return bad("want two nodes, a V element and a gain")
		}
		refer = words[:1]
		e, _, err = p.valued(e, words[1:], settings)
		return e, refer, err
	}
	e, err = p.device(e, words, settings)
	return e, nil, err
}

// valued reads the value of an element that has one.
func (p *parser) valued(e Element, words, settings []string) (Element, []string, error) {
	bad := func(format string, args ...any) (Element, []string, error) {
		return Element{}, nil, fault(Grammar, e.Line, "%s: %s", e.Name, fmt.Sprintf(format, args...))
	}
	source := e.Letter == 'V' || e.Letter == 'I'
	if source {
		if len(words) > 0 && words[0] == "dc" {
			words = words[1:]
		}
		if len(words) == 0 && len(settings) == 1 && strings.HasPrefix(settings[0], "dc=") {
			words, settings = []string{settings[0][3:]}, nil
		}
	}
	key := strings.ToLower(string(e.Letter)) + "="
	for _, s := range settings {
		name, value, _ := strings.Cut(s, "=")
		switch {
		case len(words) == 0 && (name+"=" == key || (name == "gain" || name == "value") && strings.IndexByte("EFGH", e.Letter) >= 0):
			words = []string{value}
		case name == "ic" && (e.Letter == 'C' || e.Letter == 'L'): // initial conditions are ours
		case name == "tol" || name == "tc" || name == "tc1" || name == "tc2" || name == "temp" || name == "dtemp":
		default:
			return bad("parameter %s is not allowed", printable(name, 20))
		}
	}
	if len(words) != 1 {
		what := "a value"
		if source {
			what = "a constant"
		}
		return bad("%d words where %s is wanted", len(words), what)
	}
	v, err := p.p.quantity(words[0])
	if err != nil {
		return bad("%v", err)
	}
	e.Value = v
	lo, hi := p.t.limits(string(e.Letter))
	measured := v
	if strings.IndexByte("RCL", e.Letter) < 0 {
		measured = math.Abs(v)
	}
	if !(measured >= lo && measured <= hi) {
		return Element{}, nil, fault(BadValue, e.Line, "%s: %.4g, want %.4g to %.4g", e.Name, v, lo, hi)
	}
	return e, nil, nil
}

// isModel reports whether name is one of the library or an own model.
func (p *parser) isModel(name string) bool {
	_, own := p.cards[name]
	return own || slices.Contains(p.t.Library, name)
}

// kinds of models by letter.
var kinds = map[byte][]string{'D': {"d"}, 'Q': {"npn", "pnp"}, 'M': {"nmos", "pmos"}, 'J': {"njf", "pjf"}}

// device reads model and parameters of D, Q, M, J and of library subcircuits.
func (p *parser) device(e Element, words, settings []string) (Element, error) {
	bad := func(phrase, format string, args ...any) (Element, error) {
		return Element{}, fault(phrase, e.Line, "%s: %s", e.Name, fmt.Sprintf(format, args...))
	}
	if len(words) == 0 {
		return bad(Grammar, "want the name of a model")
	}
	e.Device, words = words[0], words[1:]
	known := slices.Contains(p.t.Library, e.Device)
	var err error
	switch d := library[e.Device]; {
	case known && (d.letter != e.Letter):
		return bad(NoModel, "%s is no model of %c", e.Device, e.Letter)
	case known && e.Letter == 'X':
		if e.Params, err = p.settings(settings, d.parameters); err != nil {
			return bad(Grammar, "%v", err)
		}
		if len(words) > 0 {
			return bad(Grammar, "%q behind the name of the device", printable(words[0], 20))
		}
		p.used[e.Device]++
		return e, nil
	case known:
		p.used[e.Device]++
	default:
		c, ok := p.cards[e.Device]
		switch {
		case !ok:
			return bad(NoModel, "there is no model %s", printable(e.Device, 20))
		case !slices.Contains(kinds[e.Letter], c.kind):
			return bad(NoModel, "%s is a model of kind %s", e.Device, printable(c.kind, 20))
		case !slices.Contains(p.t.Models, c.kind):
			return bad(NotAllowed, "own models of kind %s", c.kind)
		}
		if err := p.ownModel(e.Device, c); err != nil {
			return Element{}, err
		}
		e.Own = true
	}
	if e.Letter == 'M' {
		if len(words) > 0 {
			return bad(Grammar, "%q where W= and L= are wanted", printable(words[0], 20))
		}
		return p.channel(e, settings)
	}
	area := 1.0
	for _, w := range slices.Concat(words, settings) {
		name, value, isSetting := strings.Cut(w, "=")
		switch {
		case !isSetting && name == "off":
			continue
		case !isSetting:
			value = name
		case name == "area" || name == "m":
		case name == "ic" || name == "temp" || name == "dtemp":
			continue
		default:
			return bad(Grammar, "parameter %s is not allowed", printable(name, 20))
		}
		a, err := p.p.quantity(value)
		if err != nil {
			return bad(Grammar, "%v", err)
		}
		area *= a
	}
	if !(area >= 1.0/maxArea && area <= maxArea) {
		return bad(BadValue, "area %.4g, want %g to %d", area, 1.0/maxArea, maxArea)
	}
	if area != 1 {
		e.Params = []Setting{{"area", area}}
	}
	return e, nil
}

// channel reads width and length of a MOSFET. Parameters of its junctions are
// dropped: the models have none.
func (p *parser) channel(e Element, settings []string) (Element, error) {
	values := map[string]float64{"m": 1}
	for _, s := range settings {
		name, text, _ := strings.Cut(s, "=")
		switch name {
		case "w", "l", "m":
		case "nf":
			name = "m"
		case "ad", "as", "pd", "ps", "nrd", "nrs", "ic", "temp":
			continue
		default:
			return Element{}, fault(Grammar, e.Line, "%s: parameter %s is not allowed", e.Name, printable(name, 20))
		}
		v, err := p.p.quantity(text)
		if err != nil {
			return Element{}, fault(Grammar, e.Line, "%s: %v", e.Name, err)
		}
		values[name] = v
	}
	for _, k := range []struct{ name, limit string }{{"w", "MW"}, {"l", "ML"}} {
		v, ok := values[k.name]
		if !ok {
			return Element{}, fault(Grammar, e.Line, "%s: want W= and L=", e.Name)
		}
		lo, hi := p.t.limits(k.limit)
		if !(v >= lo*(1-1e-9) && v <= hi*(1+1e-9)) {
			return Element{}, fault(BadValue, e.Line, "%s: %s=%.4g m, want %.4g to %.4g", e.Name, k.name, v, lo, hi)
		}
	}
	m := values["m"]
	if !(m >= 1 && m <= maxArea) || m != math.Trunc(m) {
		return Element{}, fault(BadValue, e.Line, "%s: m=%.4g, want a whole number, 1 to %d", e.Name, m, maxArea)
	}
	e.Params = []Setting{{"w", values["w"] * m}, {"l", values["l"]}}
	return e, nil
}

// settings reads the parameters of a library subcircuit; what is not given has
// its default.
func (p *parser) settings(words []string, known []parameter) ([]Setting, error) {
	given := map[string]float64{}
	for _, w := range words {
		name, text, _ := strings.Cut(w, "=")
		v, err := p.p.quantity(text)
		if err != nil {
			return nil, err
		}
		given[name] = v
	}
	var out []Setting
	for _, k := range known {
		v, ok := given[k.name]
		if !ok {
			v = k.standard
		}
		delete(given, k.name)
		if !(v >= k.least && v <= k.most) {
			return nil, fmt.Errorf("%s=%.4g, want %.4g to %.4g", k.name, v, k.least, k.most)
		}
		out = append(out, Setting{k.name, v})
	}
	if names := sortedKeys(given); len(names) > 0 {
		return nil, fmt.Errorf("parameter %s is not allowed", printable(names[0], 20))
	}
	return out, nil
}

// ownModel checks a card where it is used first.
func (p *parser) ownModel(name string, c card) error {
	if _, done := p.out.Cards[name]; done {
		return nil
	}
	out := Card{Kind: c.kind}
	seen := map[string]bool{}
	for _, w := range c.words {
		k, text, ok := strings.Cut(w, "=")
		if !ok {
			return fault(BadCard, c.line, "%s: %q, want k=v", name, printable(w, 20))
		}
		r, known := cardParameters[c.kind][k]
		if !known {
			return fault(BadCard, c.line, "%s: parameter %s is not allowed", name, printable(k, 20))
		}
		if seen[k] {
			return fault(BadCard, c.line, "%s: parameter %s is there twice", name, k)
		}
		seen[k] = true
		v, err := p.p.quantity(text)
		if err != nil {
			return fault(BadCard, c.line, "%s: %s: %v", name, k, err)
		}
		if r.ignored {
			continue
		}
		if !(v >= r.least && v <= r.most) {
			return fault(BadValue, c.line, "model %s: %s=%.4g, want %.4g to %.4g", name, k, v, r.least, r.most)
		}
		out.Params = append(out.Params, Setting{k, v})
	}
	if c.kind == "nmos" || c.kind == "pmos" { // the only one that we have bounds for
		out.Params = slices.DeleteFunc(out.Params, func(s Setting) bool { return s.Name == "level" })
	}
	p.out.Cards[name] = out
	return nil
}

// count applies the counts that the target wants, and looks at ports, ground and
// direct current.
func (p *parser) count() error {
	if len(p.out.Elements) == 0 {
		return &Fault{Phrase: NoCircuit}
	}
	nodes := map[string]bool{}
	for _, e := range p.out.Elements {
		p.used[string(e.Letter)]++
		for _, n := range e.Nodes {
			nodes[n] = true
		}
	}
	for _, key := range sortedKeys(p.t.Require) {
		if have, want := p.used[key], p.t.Require[key]; have < want {
			return &Fault{TooFew, 0, fmt.Sprintf("%d of %s, want at least %d", have, key, want)}
		}
	}
	for _, key := range sortedKeys(p.t.Limit) {
		if have, most := p.used[key], p.t.Limit[key]; have > most {
			return &Fault{TooMany, 0, fmt.Sprintf("%d of %s, want at most %d", have, key, most)}
		}
	}
	for _, port := range p.t.Ports {
		if !nodes["p_"+port] {
			return &Fault{NoPort, 0, port}
		}
	}
	return nil
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
