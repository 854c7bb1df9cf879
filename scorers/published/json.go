package published

import (
	"errors"
	"math"
	"math/big"
	"strconv"
	"strings"
)

// What json.loads of CPython makes of a model's text. Values are nil, bool,
// integer, float64, string (with lone surrogates as three bytes each), []any
// and object.

// integer is a whole number of any size, as it is written.
type integer string

// object is a dict: of two members with one name the later counts.
type object map[string]any

var errJSON = errors.New("no JSON")

const (
	// jsonDepth is how many lists and objects CPython 3.12.1 reads in one another.
	jsonDepth = 1497
	// jsonDigits is how long a whole number may be for int().
	jsonDigits = 4300
)

// parseJSON reads one value, which is all of s but for whitespace.
func parseJSON(s string) (any, error) {
	p := jsonParser{s: s}
	v, err := p.value(0)
	if err != nil {
		return nil, err
	}
	if p.space(); p.at < len(s) {
		return nil, errJSON
	}
	return v, nil
}

type jsonParser struct {
	s  string
	at int
}

func (p *jsonParser) space() {
	for p.at < len(p.s) && strings.IndexByte(" \t\n\r", p.s[p.at]) >= 0 {
		p.at++
	}
}

func (p *jsonParser) take(token string) bool {
	if !strings.HasPrefix(p.s[p.at:], token) {
		return false
	}
	p.at += len(token)
	return true
}

func (p *jsonParser) value(depth int) (any, error) {
	p.space()
	switch {
	case depth >= jsonDepth && p.at < len(p.s) && (p.s[p.at] == '{' || p.s[p.at] == '['):
		return nil, errJSON
	case p.take("{"):
		return p.object(depth)
	case p.take("["):
		return p.list(depth)
	case p.take(`"`):
		return p.text()
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

func (p *jsonParser) object(depth int) (any, error) {
	o := object{}
	for first := true; ; first = false {
		p.space()
		if first && p.take("}") {
			return o, nil
		}
		if !p.take(`"`) {
			return nil, errJSON
		}
		name, err := p.text()
		if err != nil {
			return nil, err
		}
		if p.space(); !p.take(":") {
			return nil, errJSON
		}
		if o[name], err = p.value(depth + 1); err != nil {
			return nil, err
		}
		if p.space(); p.take("}") {
			return o, nil
		}
		if !p.take(",") {
			return nil, errJSON
		}
	}
}

func (p *jsonParser) list(depth int) (any, error) {
	l := []any{}
	if p.space(); p.take("]") {
		return l, nil
	}
	for {
		v, err := p.value(depth + 1)
		if err != nil {
			return nil, err
		}
		l = append(l, v)
		if p.space(); p.take("]") {
			return l, nil
		}
		if !p.take(",") {
			return nil, errJSON
		}
	}
}

// text reads a string whose opening quote is taken.
func (p *jsonParser) text() (string, error) {
	var b strings.Builder
	for {
		n := strings.IndexFunc(p.s[p.at:], func(r rune) bool { return r == '"' || r == '\\' || r < 0x20 })
		if n < 0 {
			return "", errJSON
		}
		b.WriteString(p.s[p.at : p.at+n])
		p.at += n
		switch {
		case p.take(`"`):
			return b.String(), nil
		case !p.take(`\`):
			return "", errJSON // a control character
		}
		if err := p.escape(&b); err != nil {
			return "", err
		}
	}
}

func (p *jsonParser) escape(b *strings.Builder) error {
	if p.at == len(p.s) {
		return errJSON
	}
	c := p.s[p.at]
	p.at++
	if i := strings.IndexByte(`"\/bfnrt`, c); i >= 0 {
		b.WriteByte("\"\\/\b\f\n\r\t"[i])
		return nil
	}
	if c != 'u' {
		return errJSON
	}
	r, ok := p.hex()
	if !ok {
		return errJSON
	}
	if 0xd800 <= r && r < 0xdc00 && strings.HasPrefix(p.s[p.at:], `\u`) {
		before := p.at
		p.at += 2
		low, ok := p.hex()
		if !ok {
			return errJSON
		}
		if 0xdc00 <= low && low < 0xe000 {
			r = 0x10000 + (r-0xd800)<<10 + (low - 0xdc00)
		} else {
			p.at = before
		}
	}
	if 0xd800 <= r && r < 0xe000 { // alone: Go's runes have none
		b.Write([]byte{0xe0 | byte(r>>12), 0x80 | byte(r>>6)&0x3f, 0x80 | byte(r)&0x3f})
		return nil
	}
	b.WriteRune(r)
	return nil
}

// hex reads four hexadecimal digits.
func (p *jsonParser) hex() (rune, bool) {
	if p.at+4 > len(p.s) {
		return 0, false
	}
	n, err := strconv.ParseUint(p.s[p.at:p.at+4], 16, 16)
	if err != nil {
		return 0, false
	}
	p.at += 4
	return rune(n), true
}

func (p *jsonParser) number() (any, error) {
	start := p.at
	p.take("-")
	digits := p.digits()
	switch {
	case digits == 0:
		return nil, errJSON
	case digits > 1 && p.s[p.at-digits] == '0':
		p.at -= digits - 1 // 0, and then what does not belong there
	}
	whole := true
	if rest := p.at; p.take(".") {
		if p.digits() > 0 {
			whole = false
		} else {
			p.at = rest
		}
	}
	if rest := p.at; p.take("e") || p.take("E") {
		if !p.take("+") {
			p.take("-")
		}
		if p.digits() > 0 {
			whole = false
		} else {
			p.at = rest
		}
	}
	text := p.s[start:p.at]
	if whole {
		if len(strings.TrimPrefix(text, "-")) > jsonDigits {
			return nil, errJSON
		}
		return integer(text), nil
	}
	x, err := strconv.ParseFloat(text, 64)
	if err != nil && !errors.Is(err, strconv.ErrRange) {
		return nil, errJSON
	}
	return x, nil
}

func (p *jsonParser) digits() int {
	start := p.at
	for p.at < len(p.s) && '0' <= p.s[p.at] && p.s[p.at] <= '9' {
		p.at++
	}
	return p.at - start
}

// truthy is Python's bool of a value.
func truthy(v any) bool {
	switch v := v.(type) {
	case nil:
		return false
	case bool:
		return v
	case integer:
		return strings.Trim(string(v), "-0") != ""
	case float64:
		return v != 0
	case string:
		return v != ""
	case []any:
		return len(v) > 0
	case object:
		return len(v) > 0
	}
	return false
}

// key is equal for values that Python holds for the same member of a set: 1, 1.0
// and True are one. ok is false where a value cannot be in a set.
func key(v any) (k string, ok bool) {
	switch v := v.(type) {
	case nil:
		return "null", true
	case bool:
		return "number " + strconv.Itoa(int(oneIf(v))), true
	case integer:
		n, _ := new(big.Int).SetString(string(v), 10)
		return "number " + n.String(), true
	case float64:
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return "number " + strconv.FormatFloat(v, 'g', -1, 64), true
		}
		exact, _ := new(big.Float).SetFloat64(v).Rat(nil)
		return "number " + exact.RatString(), true
	case string:
		return "text " + v, true
	}
	return "", false
}
