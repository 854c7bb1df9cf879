// Package pyjson reads and writes JSON as CPython's json module does: columns
// keep their order, whole numbers stay whole, and Append gives the bytes of
// json.dumps(value, indent=2, ensure_ascii=False), over which
// lm-evaluation-harness computes doc_hash.
//
// It deliberately has no struct mapping, no other layout and no streaming:
// dataset rows are short, and encoding/json does the rest.
package pyjson

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// A value is nil, bool, string, Int, float64, []any or Object.

// Int is a whole number of any size in decimal, as Python prints it.
type Int string

// Object is a dict: fields in order, each name once.
type Object []Field

// Field is one entry of an Object.
type Field struct {
	Name  string
	Value any
}

// Get returns the value called name.
func (o Object) Get(name string) (any, bool) {
	for _, f := range o {
		if f.Name == name {
			return f.Value, true
		}
	}
	return nil, false
}

// Names returns the names in order.
func (o Object) Names() []string {
	names := make([]string, len(o))
	for i, f := range o {
		names[i] = f.Name
	}
	return names
}

// With returns a copy of o in which name is value: in its place where o has it,
// else at the end.
func (o Object) With(name string, value any) Object {
	with := slices.Clone(o)
	for i := range with {
		if with[i].Name == name {
			with[i].Value = value
			return with
		}
	}
	return append(with, Field{name, value})
}

// maxDepth is how deeply values may nest; CPython's limit is near 1000.
const maxDepth = 500

// maxDigits of a whole number: sys.get_int_max_str_digits() by default.
const maxDigits = 4300

// Parse reads one value, which is all of data but for whitespace, as
// json.loads does: NaN and infinities are numbers, of two fields with one name
// the later counts, in the place of the earlier. Unlike json.loads it refuses
// lone surrogates, which cannot be hashed. Errors say at which byte.
func Parse(data []byte) (any, error) {
	if !utf8.Valid(data) {
		return nil, fmt.Errorf("not UTF-8")
	}
	p := parser{text: string(data)}
	v, err := p.value(0)
	if err != nil {
		return nil, fmt.Errorf("byte %d: %w", p.at, err)
	}
	if p.space(); p.at < len(p.text) {
		return nil, fmt.Errorf("byte %d: %s after the value", p.at, p.here())
	}
	return v, nil
}

type parser struct {
	text string
	at   int
}

func (p *parser) space() {
	for p.at < len(p.text) && strings.IndexByte(" \t\n\r", p.text[p.at]) >= 0 {
		p.at++
	}
}

// here names what stands at p.at.
func (p *parser) here() string {
	if p.at >= len(p.text) {
		return "the end"
	}
	r, _ := utf8.DecodeRuneInString(p.text[p.at:])
	return strconv.QuoteRune(r)
}

// take consumes token if it is next.
func (p *parser) take(token string) bool {
	if !strings.HasPrefix(p.text[p.at:], token) {
		return false
	}
	p.at += len(token)
	return true
}

func (p *parser) value(depth int) (any, error) {
	p.space()
	switch {
	case depth > maxDepth:
		return nil, fmt.Errorf("nested deeper than %d", maxDepth)
	case p.take("{"):
		return p.object(depth)
	case p.take("["):
		return p.list(depth)
	case p.take(`"`):
		return p.str()
	case p.take("null"):
		return nil, nil
	case p.take("true"):
		return true, nil
	case p.take("false"):
		return false, nil
	case p.take("NaN"):
		return math.NaN(), nil
	case p.take("Infinity"):
		return math.Inf(1), nil
	case p.take("-Infinity"):
		return math.Inf(-1), nil
	}
	return p.number()
}

func (p *parser) object(depth int) (any, error) {
	o := Object{}
	place := map[string]int{}
	for p.space(); !p.take("}"); p.space() {
		if len(o) > 0 && !p.take(",") {
			return nil, fmt.Errorf("%s where a comma or } belongs", p.here())
		}
		if p.space(); !p.take(`"`) {
			return nil, fmt.Errorf("%s where a name in double quotes belongs", p.here())
		}
		name, err := p.str()
		if err != nil {
			return nil, err
		}
		if p.space(); !p.take(":") {
			return nil, fmt.Errorf("%s where a colon belongs", p.here())
		}
		v, err := p.value(depth + 1)
		if err != nil {
			return nil, err
		}
		if i, seen := place[name]; seen {
			o[i].Value = v
			continue
		}
		place[name] = len(o)
		o = append(o, Field{name, v})
	}
	return o, nil
}

func (p *parser) list(depth int) (any, error) {
	l := []any{}
	for p.space(); !p.take("]"); p.space() {
		if len(l) > 0 && !p.take(",") {
			return nil, fmt.Errorf("%s where a comma or ] belongs", p.here())
		}
		v, err := p.value(depth + 1)
		if err != nil {
			return nil, err
		}
		l = append(l, v)
	}
	return l, nil
}

// str reads a string whose opening quote is consumed.
func (p *parser) str() (string, error) {
	var b strings.Builder
	for {
		n := strings.IndexFunc(p.text[p.at:], func(r rune) bool { return r == '"' || r == '\\' || r < 0x20 })
		if n < 0 {
			p.at = len(p.text)
			return "", fmt.Errorf("string without an end")
		}
		b.WriteString(p.text[p.at : p.at+n])
		p.at += n
		switch p.text[p.at] {
		case '"':
			p.at++
			return b.String(), nil
		case '\\':
			r, err := p.escape()
			if err != nil {
				return "", err
			}
			b.WriteRune(r)
		default:
			return "", fmt.Errorf("control character %s in a string", p.here())
		}
	}
}

// escape reads one escaped character; p.at is at its backslash.
func (p *parser) escape() (rune, error) {
	p.at++
	if p.take("u") {
		return p.unicode()
	}
	if p.at < len(p.text) {
		if i := strings.IndexByte(`"\/bfnrt`, p.text[p.at]); i >= 0 {
			p.at++
			return rune("\"\\/\b\f\n\r\t"[i]), nil
		}
	}
	return 0, fmt.Errorf("%s after a backslash", p.here())
}

// unicode reads the digits of \u, and of a second \u where the first is the
// upper half of a pair.
func (p *parser) unicode() (rune, error) {
	high, err := p.hex4()
	if err != nil {
		return 0, err
	}
	if !utf16.IsSurrogate(high) {
		return high, nil
	}
	if p.take(`\u`) {
		low, err := p.hex4()
		if err != nil {
			return 0, err
		}
		if r := utf16.DecodeRune(high, low); r != utf8.RuneError {
			return r, nil
		}
	}
	return 0, fmt.Errorf(`lone surrogate \u%04x`, high)
}

func (p *parser) hex4() (rune, error) {
	if p.at+4 > len(p.text) {
		return 0, fmt.Errorf(`fewer than four digits after \u`)
	}
	var v rune
	for _, c := range []byte(p.text[p.at : p.at+4]) {
		d := strings.IndexByte("0123456789abcdef", lower(c))
		if d < 0 {
			return 0, fmt.Errorf(`%q where a hexadecimal digit belongs`, c)
		}
		v = v<<4 | rune(d)
	}
	p.at += 4
	return v, nil
}

func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c | 0x20
	}
	return c
}

// number reads -?(0|[1-9]\d*)(\.\d+)?([eE][-+]?\d+)?
func (p *parser) number() (any, error) {
	start := p.at
	p.take("-")
	whole := p.digits()
	if whole == 0 {
		p.at = start
		return nil, fmt.Errorf("%s where a value belongs", p.here())
	}
	if whole > 1 && p.text[p.at-whole] == '0' {
		p.at -= whole - 1
		return nil, fmt.Errorf("digits after a leading 0")
	}
	end := p.at
	if p.take(".") {
		if p.digits() == 0 {
			p.at = end
			return nil, fmt.Errorf("no digits after the point")
		}
		end = p.at
	}
	if p.take("e") || p.take("E") {
		if !p.take("-") {
			p.take("+")
		}
		if p.digits() == 0 {
			p.at = end
			return nil, fmt.Errorf("no digits in the exponent")
		}
		end = p.at
	}
	text := p.text[start:end]
	if strings.ContainsAny(text, ".eE") {
		f, err := strconv.ParseFloat(text, 64)
		if err != nil && !math.IsInf(f, 0) { // Python reads 1e999 as inf
			return nil, err
		}
		return f, nil
	}
	if whole > maxDigits {
		return nil, fmt.Errorf("whole number of %d digits, want at most %d", whole, maxDigits)
	}
	if text == "-0" {
		text = "0"
	}
	return Int(text), nil
}

// digits consumes decimal digits and returns how many.
func (p *parser) digits() int {
	start := p.at
	for p.at < len(p.text) && '0' <= p.text[p.at] && p.text[p.at] <= '9' {
		p.at++
	}
	return p.at - start
}

// Append appends json.dumps(v, indent=2, ensure_ascii=False) to b. It panics on
// a value of a type that Parse does not return.
func Append(b []byte, v any) []byte { return appendValue(b, v, 0) }

func appendValue(b []byte, v any, depth int) []byte {
	switch v := v.(type) {
	case nil:
		return append(b, "null"...)
	case bool:
		return strconv.AppendBool(b, v)
	case string:
		return appendString(b, v)
	case Int:
		return append(b, v...)
	case float64:
		return appendFloat(b, v)
	case []any:
		return appendItems(b, '[', ']', len(v), depth, func(b []byte, i int) []byte {
			return appendValue(b, v[i], depth+1)
		})
	case Object:
		return appendItems(b, '{', '}', len(v), depth, func(b []byte, i int) []byte {
			b = append(appendString(b, v[i].Name), ": "...)
			return appendValue(b, v[i].Value, depth+1)
		})
	}
	panic(fmt.Sprintf("pyjson: append a %T", v))
}

func appendItems(b []byte, open, shut byte, n, depth int, item func([]byte, int) []byte) []byte {
	b = append(b, open)
	for i := range n {
		if i > 0 {
			b = append(b, ',')
		}
		b = item(appendLine(b, depth+1), i)
	}
	if n > 0 {
		b = appendLine(b, depth)
	}
	return append(b, shut)
}

func appendLine(b []byte, depth int) []byte {
	b = append(b, '\n')
	for range depth {
		b = append(b, "  "...)
	}
	return b
}

func appendString(b []byte, s string) []byte {
	b = append(b, '"')
	for i := range len(s) {
		c := s[i]
		if named := strings.IndexByte("\"\\\b\f\n\r\t", c); named >= 0 {
			b = append(b, '\\', `"\bfnrt`[named])
		} else if c < 0x20 {
			b = fmt.Appendf(b, `\u%04x`, c)
		} else {
			b = append(b, c)
		}
	}
	return append(b, '"')
}

// appendFloat is float.__repr__: the shortest digits that read back equal, with
// an exponent below 1e-4 and from 1e16 on.
func appendFloat(b []byte, f float64) []byte {
	switch {
	case math.IsNaN(f):
		return append(b, "NaN"...)
	case math.IsInf(f, 1):
		return append(b, "Infinity"...)
	case math.IsInf(f, -1):
		return append(b, "-Infinity"...)
	}
	if a := math.Abs(f); a != 0 && (a < 1e-4 || a >= 1e16) {
		return strconv.AppendFloat(b, f, 'e', -1, 64)
	}
	start := len(b)
	b = strconv.AppendFloat(b, f, 'f', -1, 64)
	if slices.Index(b[start:], '.') < 0 {
		b = append(b, ".0"...)
	}
	return b
}
