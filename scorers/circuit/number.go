package circuit

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// number reads a lower-case number as SPICE does: digits, an exponent, a suffix
// of f p n u m k meg g t mil, and letters of a unit that mean nothing. m is
// milli and f is femto whatever the writer meant. Digits behind a suffix (4k7)
// are refused: SPICE would drop them without a word.
func number(s string) (float64, error) {
	i := 0
	digits := func() int {
		start := i
		for i < len(s) && s[i] >= '0' && s[i] <= '9' {
			i++
		}
		return i - start
	}
	if i < len(s) && (s[i] == '+' || s[i] == '-') {
		i++
	}
	n := digits()
	if i < len(s) && s[i] == '.' {
		i++
		n += digits()
	}
	if n == 0 {
		return 0, fmt.Errorf("%q is not a number", printable(s, 40))
	}
	mantissa := s[:i]
	exponent := 0
	if i < len(s) && s[i] == 'e' {
		at := i
		i++
		if i < len(s) && (s[i] == '+' || s[i] == '-') {
			i++
		}
		if k := digits(); k > 0 && k <= 4 {
			exponent, _ = strconv.Atoi(strings.TrimPrefix(s[at+1:i], "+")) // at most four digits
		} else if k > 4 {
			return 0, fmt.Errorf("number %q is out of range", printable(s, 40))
		} else {
			i = at // an e without digits is a letter
		}
	}
	unit := s[i:]
	factor := 1.0
	switch {
	case strings.HasPrefix(unit, "meg"):
		exponent += 6
	case strings.HasPrefix(unit, "mil"):
		exponent, factor = exponent-6, 25.4
	case unit != "":
		exponent += map[byte]int{'f': -15, 'p': -12, 'n': -9, 'u': -6, 'm': -3, 'k': 3, 'g': 9, 't': 12}[unit[0]]
	}
	for _, c := range []byte(unit) {
		if c >= '0' && c <= '9' {
			return 0, fmt.Errorf("number %q: digits behind a letter (write 4.7k, not 4k7)", printable(s, 40))
		}
		if (c < 'a' || c > 'z') && c != '%' {
			return 0, fmt.Errorf("%q is not a number", printable(s, 40))
		}
	}
	v, err := strconv.ParseFloat(mantissa+"e"+strconv.Itoa(exponent), 64)
	v *= factor
	if err != nil || math.IsInf(v, 0) {
		return 0, fmt.Errorf("number %q is out of range", printable(s, 40))
	}
	return v, nil
}

// parameters are the .param lines of a deck.
type parameters struct {
	text  map[string]string
	value map[string]float64
	open  map[string]bool // being evaluated
}

// bounds of expressions.
const (
	maxExpression = 400 // bytes
	maxNesting    = 40  // parentheses, and parameters made of parameters
)

var errNesting = fmt.Errorf("more than %d expressions in one another", maxNesting)

// lookup returns the value of a parameter.
func (p *parameters) lookup(name string, depth int) (float64, error) {
	if v, ok := p.value[name]; ok {
		return v, nil
	}
	text, ok := p.text[name]
	switch {
	case !ok && name == "pi":
		return math.Pi, nil
	case !ok:
		return 0, fmt.Errorf("no parameter %q", printable(name, 40))
	case p.open[name]:
		return 0, fmt.Errorf("parameter %s is made of itself", name)
	}
	p.open[name] = true
	defer delete(p.open, name)
	v, err := p.evaluate(text, depth+1)
	if err == nil {
		p.value[name] = v
	}
	return v, err
}

// quantity reads a value on an element line: a number, an expression in braces
// or quotes, or the name of a parameter.
func (p *parameters) quantity(s string) (float64, error) {
	if v, ok := p.text[s]; ok && v != "" {
		return p.lookup(s, 0)
	}
	if inner, ok := braced(s); ok {
		return p.evaluate(inner, 0)
	}
	return number(s)
}

// braced returns what is inside {…} or '…'.
func braced(s string) (string, bool) {
	if len(s) >= 2 && (s[0] == '{' && s[len(s)-1] == '}' || s[0] == '\'' && s[len(s)-1] == '\'' || s[0] == '"' && s[len(s)-1] == '"') {
		return s[1 : len(s)-1], true
	}
	return "", false
}

// evaluate computes an expression of numbers, parameters, + - * / ^ ( ).
func (p *parameters) evaluate(text string, depth int) (float64, error) {
	if len(text) > maxExpression {
		return 0, fmt.Errorf("an expression of %d bytes, want at most %d", len(text), maxExpression)
	}
	if inner, ok := braced(strings.TrimSpace(text)); ok {
		text = inner
	}
	e := expression{text: text, p: p, depth: depth}
	v, err := e.sum()
	if err == nil {
		e.space()
		if e.at < len(e.text) {
			err = fmt.Errorf("expression %q: want + - * / ( ) of numbers and parameters", printable(text, 60))
		}
	}
	if err == nil && (math.IsNaN(v) || math.IsInf(v, 0)) {
		err = fmt.Errorf("expression %q has no value", printable(text, 60))
	}
	return v, err
}

type expression struct {
	text  string
	at    int
	p     *parameters
	depth int
}

func (e *expression) space() {
	for e.at < len(e.text) && (e.text[e.at] == ' ' || e.text[e.at] == '\t') {
		e.at++
	}
}

// operator takes one of the bytes of which, or 0.
func (e *expression) operator(which string) byte {
	e.space()
	if e.at < len(e.text) && strings.IndexByte(which, e.text[e.at]) >= 0 {
		c := e.text[e.at]
		e.at++
		return c
	}
	return 0
}

func (e *expression) sum() (float64, error) {
	v, err := e.product()
	for err == nil {
		op := e.operator("+-")
		if op == 0 {
			break
		}
		var w float64
		if w, err = e.product(); op == '+' {
			v += w
		} else {
			v -= w
		}
	}
	return v, err
}

func (e *expression) product() (float64, error) {
	v, err := e.power()
	for err == nil {
		op := e.operator("*/")
		if op == 0 {
			break
		}
		var w float64
		if w, err = e.power(); op == '*' {
			v *= w
		} else {
			v /= w
		}
	}
	return v, err
}

func (e *expression) power() (float64, error) {
	sign := 1.0
	for {
		op := e.operator("+-")
		if op == 0 {
			break
		}
		if op == '-' {
			sign = -sign
		}
	}
	v, err := e.atom()
	if err != nil {
		return 0, err
	}
	at := e.at
	if op := e.operator("^*"); op == '^' || op == '*' && e.at < len(e.text) && e.text[e.at] == '*' {
		if op == '*' {
			e.at++
		}
		if e.depth++; e.depth > maxNesting {
			return 0, errNesting
		}
		w, err := e.power()
		e.depth--
		return sign * math.Pow(v, w), err
	}
	e.at = at
	return sign * v, nil
}

func (e *expression) atom() (float64, error) {
	if e.depth++; e.depth > maxNesting {
		return 0, errNesting
	}
	defer func() { e.depth-- }()
	if e.operator("(") != 0 {
		v, err := e.sum()
		if err == nil && e.operator(")") == 0 {
			err = errors.New("an expression lacks a )")
		}
		return v, err
	}
	start := e.at
	for e.at < len(e.text) {
		c := e.text[e.at]
		exponent := (c == '+' || c == '-') && e.at > start && e.text[e.at-1] == 'e' && e.text[start] <= '9' && e.text[start] != '_'
		if c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c == '_' || c == '.' || exponent {
			e.at++
			continue
		}
		break
	}
	word := e.text[start:e.at]
	if word == "" {
		return 0, fmt.Errorf("expression %q: a number or a parameter is missing", printable(e.text, 60))
	}
	if word[0] >= 'a' && word[0] <= 'z' || word[0] == '_' {
		if e.operator("(") != 0 {
			return 0, fmt.Errorf("function %s: expressions have no functions", printable(word, 20))
		}
		return e.p.lookup(word, e.depth)
	}
	return number(word)
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
