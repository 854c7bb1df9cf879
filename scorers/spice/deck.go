package spice

import (
	"errors"
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
)

// Bounds of a deck. Everything beyond is refused before it is looked at.
const (
	maxText  = 64 << 10 // bytes up to ".end"
	maxLines = 40       // before ".end", comments and blank ones too
	maxLine  = 200      // bytes
	maxName  = 32       // bytes of an element, node or model name

	minOpAmpGain = 1e5 // of an E element: an ideal op-amp, not an amplifier of any gain
)

// letters that a bench may allow.
const letters = "RCLDQE"

// ErrNoEnd is the reason of a text without ".end": the deck is not complete.
var ErrNoEnd = errors.New("no .end")

// A LineError says which line of the text is outside the grammar, and why.
type LineError struct {
	Line   int    // from 1
	Text   string // the line's beginning, printable
	Reason string
}

func (e *LineError) Error() string {
	return fmt.Sprintf("line %d: %q: %s", e.Line, e.Text, e.Reason)
}

// Element is one element line.
type Element struct {
	Letter byte     // R, C, L, D, Q or E
	Name   string   // lower case, letter included
	Nodes  []string // lower case; E: n+ n- nc+ nc-
	Value  float64  // ohm, farad, henry; gain of E; 0 for D and Q
	Model  string   // of D and Q, lower case
	Line   int
}

// Model is one .model line.
type Model struct {
	Name       string // lower case
	Kind       string // "d", "npn" or "pnp"
	Parameters []Parameter
	Line       int
}

// Parameter is k=v of a model.
type Parameter struct {
	Name  string // lower case
	Value float64
}

// Deck is a circuit between ports: elements and models, nothing else.
type Deck struct {
	Elements []Element
	Models   []Model
}

var (
	nameForm      = regexp.MustCompile(`^[A-Za-z0-9_]{1,32}$`)
	modelForm     = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_]{0,31}$`)
	parameterForm = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9]{0,15}$`)
	modelLine     = regexp.MustCompile(`^\.model[ \t]+([^ \t()=]+)[ \t]+([^ \t()=]+)[ \t]*(?:\(([^()]*)\))?$`)
	numberForm    = regexp.MustCompile(`^([+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+))(?:e([+-]?[0-9]{1,3}))?(meg|[fpnumkgt])?$`)
)

// Parse reads a text by the grammar of the task and returns the circuit before
// its first ".end" line; what follows is not part of the deck. allowed lists
// the element letters, "RC". The error is [ErrNoEnd] or a *[LineError]. The
// text is hostile: whatever is not allowed is refused. The time is linear in
// its length.
//
// Blank lines and comments ("*") are dropped, but for comments that ngspice
// would run ("*#", "*ng_script"). The rest are element lines
//
//	R… | C… | L…   node node value        value > 0
//	D…             anode cathode model
//	Q…             collector base emitter model
//	E…             n+ n- nc+ nc- gain     |gain| >= 1e5: an ideal op-amp
//
// and ".model NAME D|NPN|PNP [(k=v …)]". Names are letters, digits and "_";
// case does not matter. A value is a number with an optional suffix of
// f p n u m k meg g t, and nothing after it.
func Parse(text, allowed string) (Deck, error) {
	p := parser{allowed: known(allowed), names: map[string]bool{}, models: map[string]string{}}
	ended := false
	offset := 0
	for number := 1; offset < len(text); number++ {
		raw := text[offset:]
		if i := strings.IndexByte(raw, '\n'); i >= 0 {
			raw = raw[:i]
		}
		offset += len(raw) + 1
		line := strings.Trim(strings.TrimSuffix(raw, "\r"), " \t")
		refuse := func(format string, args ...any) (Deck, error) {
			return Deck{}, &LineError{number, printable(line, 60), fmt.Sprintf(format, args...)}
		}
		if offset > maxText {
			return refuse("text is longer than %d bytes", maxText)
		}
		if strings.EqualFold(line, ".end") {
			ended = true
			break
		}
		if number > maxLines {
			return refuse("more than %d lines", maxLines)
		}
		if line == "" {
			continue
		}
		if line[0] == '*' {
			if strings.HasPrefix(line, "*#") || strings.HasPrefix(strings.ToLower(line), "*ng_script") {
				return refuse("a comment that ngspice runs")
			}
			continue
		}
		if len(raw) > maxLine {
			return refuse("%d bytes, want at most %d", len(raw), maxLine)
		}
		for i := range len(line) {
			switch c := line[i]; {
			case c >= 0x80:
				return refuse("not ASCII")
			case c < ' ' && c != '\t' || c == 0x7f:
				return refuse("control character 0x%02x", c)
			case strings.IndexByte("{}'\"`;$\\<>|&!#@,", c) >= 0:
				return refuse("character %q is not allowed", c)
			}
		}
		if err := p.line(line, number); err != nil {
			return refuse("%v", err)
		}
	}
	if !ended {
		return Deck{}, ErrNoEnd
	}
	for _, e := range p.deck.Elements {
		if e.Model == "" {
			continue
		}
		kind, ok := p.models[e.Model]
		reason := ""
		switch {
		case !ok:
			reason = "model " + e.Model + " is not defined"
		case (kind == "d") != (e.Letter == 'D'):
			reason = "model " + e.Model + " is of type " + kind
		}
		if reason != "" {
			return Deck{}, &LineError{e.Line, e.Name, reason}
		}
	}
	return p.deck, nil
}

// known returns the letters of s that are element letters, upper case.
func known(s string) string {
	return strings.Map(func(r rune) rune {
		if !strings.ContainsRune(s, r) && !strings.ContainsRune(s, r+'a'-'A') {
			return -1
		}
		return r
	}, letters)
}

type parser struct {
	allowed string
	deck    Deck
	names   map[string]bool
	models  map[string]string // name → kind
}

func (p *parser) line(line string, number int) error {
	switch c := line[0]; {
	case c == '.':
		return p.model(strings.ToLower(line), number)
	case c == '+':
		return errors.New("continuation lines are not allowed")
	}
	letter := line[0] &^ 0x20 // upper case
	if strings.IndexByte(letters, letter) < 0 || line[0] < 'A' {
		return fmt.Errorf("not an element of %s, a .model or a comment", p.allowed)
	}
	if strings.IndexByte(p.allowed, letter) < 0 {
		return fmt.Errorf("element %c is not allowed, want one of %s", letter, p.allowed)
	}
	f := strings.Fields(strings.ToLower(line))
	e := Element{Letter: letter, Name: f[0], Line: number}
	if !nameForm.MatchString(e.Name) {
		return fmt.Errorf("element name: want letters, digits and _, at most %d", maxName)
	}
	if p.names[e.Name] {
		return fmt.Errorf("element %s is there twice", e.Name)
	}
	p.names[e.Name] = true
	terminals, last := map[byte]int{'R': 2, 'C': 2, 'L': 2, 'D': 2, 'Q': 3, 'E': 4}[letter], "value"
	if letter == 'D' || letter == 'Q' {
		last = "model"
	}
	if len(f) != terminals+2 {
		return fmt.Errorf("%d words, want name, %d nodes and a %s", len(f), terminals, last)
	}
	e.Nodes = f[1 : 1+terminals]
	for i, n := range e.Nodes {
		if err := checkNode(n); err != nil {
			return err
		}
		e.Nodes[i] = ground(n)
	}
	if last == "model" {
		e.Model = f[len(f)-1]
		if !modelForm.MatchString(e.Model) {
			return fmt.Errorf("model name %q: want a letter, then letters, digits and _", e.Model)
		}
		p.deck.Elements = append(p.deck.Elements, e)
		return nil
	}
	v, err := parseNumber(f[len(f)-1])
	if err != nil {
		return err
	}
	if letter == 'E' {
		if math.Abs(v) < minOpAmpGain {
			return fmt.Errorf("gain %g: want at least %g, an ideal op-amp", v, minOpAmpGain)
		}
	} else if v <= 0 {
		return fmt.Errorf("value %g: want more than 0", v)
	}
	e.Value = v
	p.deck.Elements = append(p.deck.Elements, e)
	return nil
}

// checkNode refuses what is no name, and the words that ngspice reads as
// something else than a node on a line of a controlled source.
func checkNode(n string) error {
	if !nameForm.MatchString(n) {
		return fmt.Errorf("node %q: want letters, digits and _, at most %d", printable(n, 40), maxName)
	}
	switch n {
	case "poly", "table", "value", "vol", "cur", "laplace", "freq", "and", "nand", "or", "nor":
		return fmt.Errorf("node %s: the name is a keyword", n)
	}
	return nil
}

// ground writes node 0 as 0: "gnd" is ngspice's other name of it.
func ground(n string) string {
	if n == "gnd" {
		return "0"
	}
	return n
}

func (p *parser) model(line string, number int) error {
	m := modelLine.FindStringSubmatch(line)
	if m == nil {
		word, _, _ := strings.Cut(line, " ")
		if word == ".model" {
			return errors.New("want .model NAME D|NPN|PNP [(k=v …)]")
		}
		return fmt.Errorf("%s is not allowed", printable(word, 20))
	}
	out := Model{Name: m[1], Kind: m[2], Line: number}
	if !modelForm.MatchString(out.Name) {
		return fmt.Errorf("model name %q: want a letter, then letters, digits and _", out.Name)
	}
	if out.Kind != "d" && out.Kind != "npn" && out.Kind != "pnp" {
		return fmt.Errorf("model type %s: want D, NPN or PNP", out.Kind)
	}
	if _, ok := p.models[out.Name]; ok {
		return fmt.Errorf("model %s is there twice", out.Name)
	}
	p.models[out.Name] = out.Kind
	// "a = 1" and "a=1" alike.
	words := strings.Fields(strings.ReplaceAll(m[3], "=", " = "))
	if len(words)%3 != 0 {
		return errors.New("model parameters: want k=v")
	}
	seen := map[string]bool{}
	for i := 0; i < len(words); i += 3 {
		k := words[i]
		if words[i+1] != "=" || !parameterForm.MatchString(k) {
			return errors.New("model parameters: want k=v")
		}
		if seen[k] {
			return fmt.Errorf("parameter %s is there twice", k)
		}
		seen[k] = true
		v, err := parseNumber(words[i+2])
		if err != nil {
			return fmt.Errorf("parameter %s: %w", k, err)
		}
		out.Parameters = append(out.Parameters, Parameter{k, v})
	}
	p.deck.Models = append(p.deck.Models, out)
	return nil
}

// parseNumber reads a lower-case number with an optional SI suffix, as SPICE
// has them: m is milli, meg is mega. Units after it are refused.
func parseNumber(s string) (float64, error) {
	m := numberForm.FindStringSubmatch(s)
	if m == nil {
		return 0, fmt.Errorf("number %q: want digits and at most one of f p n u m k meg g t", printable(s, 40))
	}
	exponent := 0
	if m[2] != "" {
		exponent, _ = strconv.Atoi(m[2]) // three digits: cannot fail
	}
	exponent += map[string]int{"f": -15, "p": -12, "n": -9, "u": -6, "m": -3, "": 0, "k": 3, "meg": 6, "g": 9, "t": 12}[m[3]]
	v, err := strconv.ParseFloat(m[1]+"e"+strconv.Itoa(exponent), 64)
	if err != nil || math.IsInf(v, 0) {
		return 0, fmt.Errorf("number %q is out of range", printable(s, 40))
	}
	return v, nil
}

// Count returns how many elements of each letter d has.
func (d Deck) Count() map[string]int {
	n := map[string]int{}
	for _, e := range d.Elements {
		n[string(e.Letter)]++
	}
	return n
}

// String returns d in canonical form: lower case, one space, numbers in the
// shortest form that reads back equal; no title and no .end.
func (d Deck) String() string {
	var b strings.Builder
	number := func(v float64) string { return strconv.FormatFloat(v, 'g', -1, 64) }
	for _, e := range d.Elements {
		b.WriteString(e.Name + " " + strings.Join(e.Nodes, " ") + " ")
		if e.Model != "" {
			b.WriteString(e.Model)
		} else {
			b.WriteString(number(e.Value))
		}
		b.WriteByte('\n')
	}
	for _, m := range d.Models {
		b.WriteString(".model " + m.Name + " " + m.Kind)
		if len(m.Parameters) > 0 {
			b.WriteByte('(')
			for i, q := range m.Parameters {
				if i > 0 {
					b.WriteByte(' ')
				}
				b.WriteString(q.Name + "=" + number(q.Value))
			}
			b.WriteByte(')')
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// printable returns at most n bytes of s with everything but printable ASCII
// replaced.
func printable(s string, n int) string {
	if len(s) > n {
		s = s[:n] + "..."
	}
	return strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return '?'
		}
		return r
	}, s)
}
