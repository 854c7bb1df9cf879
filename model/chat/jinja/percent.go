package jinja

import (
	"math"
	"math/big"
	"strconv"
	"strings"
	"unicode/utf8"
)

// percentSpec is one conversion of a %-format.
type percentSpec struct {
	key              string
	hasKey           bool
	left, zero, alt  bool
	sign             string // "", "+" or " "
	width, precision int    // precision -1: none
	verb             byte
}

// percent is Python's format % v.
func (in *interp) percent(format string, v Value) string {
	return in.percentFormat(format, v, func(_ Value, s string) string { return s })
}

// percentMarkup is the same for markup, which escapes what is filled in.
func (in *interp) percentMarkup(format string, v Value) string {
	return in.percentFormat(format, v, func(v Value, s string) string {
		if isNumber(v) {
			return s
		}
		return escaped(v, s)
	})
}

// percentArgs are the values that a %-format takes one after the other.
type percentArgs struct {
	items []Value
	used  int
}

func (p *percentArgs) next() Value {
	if p.used >= len(p.items) {
		typeError("not enough arguments for format string")
	}
	p.used++
	return p.items[p.used-1]
}

func (in *interp) percentFormat(format string, v Value, finish func(Value, string) string) string {
	args := &percentArgs{items: []Value{v}}
	if t, ok := v.(*Tuple); ok {
		args.items = t.Items
	}
	keyed := false
	var b strings.Builder
	for {
		i := strings.IndexByte(format, '%')
		if i < 0 {
			break
		}
		in.alloc(i + 16)
		b.WriteString(format[:i])
		if rest, ok := strings.CutPrefix(format[i+1:], "%"); ok {
			b.WriteByte('%')
			format = rest
			continue
		}
		spec, rest := in.percentSpec(format[i+1:], args)
		format = rest
		var arg Value
		if spec.hasKey {
			keyed = true
			arg = in.percentKey(v, spec.key)
			args.used = len(args.items)
		} else {
			arg = args.next()
		}
		s := in.percentField(spec, arg, finish)
		in.alloc(len(s))
		b.WriteString(s)
	}
	in.alloc(len(format))
	b.WriteString(format)
	if !keyed && args.used < len(args.items) && !isPercentMapping(v) {
		typeError("not all arguments converted during string formatting")
	}
	return b.String()
}

// isPercentMapping is whether Python takes v for a mapping, of which values may
// be left over.
func isPercentMapping(v Value) bool {
	switch v.(type) {
	case *Dict, *List, *rangeValue, *Undefined:
		return true
	}
	return false
}

func (in *interp) percentKey(v Value, key string) Value {
	d, ok := v.(*Dict)
	if !ok {
		failIfUndefined(v)
		typeError("format requires a mapping")
	}
	r, ok := d.Get(key)
	if !ok {
		fail("KeyError", "%s", quote(key))
	}
	return r
}

// percentSpec reads the conversion after a %.
func (in *interp) percentSpec(s string, args *percentArgs) (spec percentSpec, rest string) {
	spec.precision = -1
	if strings.HasPrefix(s, "(") {
		depth, end := 1, 1
		for ; end < len(s) && depth > 0; end++ {
			switch s[end] {
			case '(':
				depth++
			case ')':
				depth--
			}
		}
		if depth > 0 {
			valueError("incomplete format key")
		}
		spec.key, spec.hasKey, s = s[1:end-1], true, s[end:]
	}
	for s != "" && strings.IndexByte("-+ #0", s[0]) >= 0 {
		spec.flag(s[0])
		s = s[1:]
	}
	spec.width, s = percentNumber(s, args)
	if spec.width < 0 {
		spec.left, spec.width = true, -spec.width
	}
	if strings.HasPrefix(s, ".") {
		spec.precision, s = percentNumber(s[1:], args)
		spec.precision = max(spec.precision, 0)
	}
	for s != "" && strings.IndexByte("hlL", s[0]) >= 0 {
		s = s[1:]
	}
	if s == "" {
		valueError("incomplete format")
	}
	in.alloc(spec.width + max(spec.precision, 0))
	spec.verb = s[0]
	return spec, s[1:]
}

func (p *percentSpec) flag(c byte) {
	switch c {
	case '-':
		p.left = true
	case '0':
		p.zero = true
	case '#':
		p.alt = true
	case '+':
		p.sign = "+"
	case ' ':
		if p.sign == "" {
			p.sign = " "
		}
	}
}

// percentNumber reads a width or a precision.
func percentNumber(s string, args *percentArgs) (int, string) {
	if strings.HasPrefix(s, "*") {
		n, ok := whole(args.next())
		if !ok {
			typeError("* wants int")
		}
		if n > maxOutput || n < -maxOutput {
			fail(LimitError, "a field of %d characters", n)
		}
		return int(n), s[1:]
	}
	end := 0
	for end < len(s) && isDigit(s[end]) {
		end++
	}
	if end == 0 {
		return 0, s
	}
	n, err := strconv.Atoi(s[:end])
	if err != nil || n > maxOutput {
		fail(LimitError, "a field of %s characters", s[:min(end, 40)])
	}
	return n, s[end:]
}

func (in *interp) percentField(spec percentSpec, v Value, finish func(Value, string) string) string {
	switch spec.verb {
	case 's', 'r', 'a':
		s := ""
		switch spec.verb {
		case 's':
			s = finish(v, in.str(v))
		case 'r':
			s = finish(nil, in.repr(v))
		default:
			s = finish(nil, asciiOnly(in.repr(v)))
		}
		return spec.pad("", truncate(s, spec.precision), false)
	case 'c':
		return spec.pad("", percentChar(v), false)
	case 'd', 'i', 'u':
		return spec.integer(percentInt(v, spec.verb, true), 10, "")
	case 'x':
		return spec.integer(percentInt(v, 'x', false), 16, "0x")
	case 'X':
		return strings.ToUpper(spec.integer(percentInt(v, 'X', false), 16, "0x"))
	case 'o':
		return spec.integer(percentInt(v, 'o', false), 8, "0o")
	case 'e', 'E', 'f', 'F', 'g', 'G':
		return spec.float(v)
	}
	valueError("unsupported format character '%c' (0x%x)", spec.verb, spec.verb)
	return ""
}

func percentChar(v Value) string {
	if s, ok := text(v); ok {
		if utf8.RuneCountInString(s) != 1 {
			typeError("%%c requires int or char")
		}
		return s
	}
	n, ok := whole(v)
	if !ok {
		typeError("%%c requires int or char")
	}
	if n < 0 || n > utf8.MaxRune || !utf8.ValidRune(rune(n)) {
		fail("OverflowError", "%%c arg not in range(0x110000)")
	}
	return string(rune(n))
}

func percentInt(v Value, verb byte, floats bool) *big.Int {
	if x, ok := integer(v); ok {
		return x
	}
	if f, ok := v.(float64); ok && floats {
		return truncateFloat(f)
	}
	failIfUndefined(v)
	typeError("%%%c format: a real number is required, not %s", verb, typeName(v))
	return nil
}

// truncateFloat is Python's int(f).
func truncateFloat(f float64) *big.Int {
	if math.IsNaN(f) {
		valueError("cannot convert float NaN to integer")
	}
	if math.IsInf(f, 0) {
		fail("OverflowError", "cannot convert float infinity to integer")
	}
	x, _ := big.NewFloat(f).Int(nil)
	return x
}

func (p percentSpec) integer(x *big.Int, base int, prefix string) string {
	s := ""
	if base == 10 {
		s = digits(new(big.Int).Abs(x))
	} else {
		s = new(big.Int).Abs(x).Text(base)
	}
	if len(s) < p.precision {
		s = strings.Repeat("0", p.precision-len(s)) + s
	}
	sign := p.sign
	if x.Sign() < 0 {
		sign = "-"
	}
	if p.alt {
		sign += prefix
	}
	return p.pad(sign, s, true)
}

func (p percentSpec) float(v Value) string {
	f, ok := float(v)
	if !ok {
		failIfUndefined(v)
		typeError("must be real number, not %s", typeName(v))
	}
	precision := p.precision
	if precision < 0 {
		precision = 6
	}
	sign := p.sign
	if math.Signbit(f) && !math.IsNaN(f) {
		sign = "-"
	}
	return p.pad(sign, floatDigits(math.Abs(f), p.verb, precision, p.alt), true)
}

// floatDigits writes f, which is not negative, as C's %e, %f and %g do.
func floatDigits(f float64, verb byte, precision int, alt bool) string {
	upperCase := verb < 'a'
	verb |= 0x20
	s := ""
	switch {
	case math.IsInf(f, 0):
		s = "inf"
	case math.IsNaN(f):
		s = "nan"
	case verb == 'g':
		s = generalDigits(f, max(precision, 1), alt)
	default:
		s = strconv.FormatFloat(f, verb, min(precision, 1100), 64)
		if extra := precision - 1100; extra > 0 && verb == 'f' {
			s += strings.Repeat("0", extra)
		}
		if alt && precision == 0 {
			s = addPoint(s)
		}
	}
	if upperCase {
		return strings.ToUpper(s)
	}
	return s
}

func addPoint(s string) string {
	if i := strings.IndexByte(s, 'e'); i >= 0 {
		return s[:i] + "." + s[i:]
	}
	return s + "."
}

func generalDigits(f float64, precision int, alt bool) string {
	s := strconv.FormatFloat(f, 'e', min(precision, 1100)-1, 64)
	mantissa, exponent, _ := strings.Cut(s, "e")
	x, _ := strconv.Atoi(exponent)
	if x >= -4 && x < precision {
		s = strconv.FormatFloat(f, 'f', min(precision, 1100)-1-x, 64)
		if alt {
			if !strings.Contains(s, ".") {
				s += "."
			}
			return s
		}
		return trimZeros(s)
	}
	switch {
	case !alt:
		mantissa = trimZeros(mantissa)
	case !strings.Contains(mantissa, "."):
		mantissa += "."
	}
	return mantissa + "e" + exponent
}

func trimZeros(s string) string {
	if strings.Contains(s, ".") {
		return strings.TrimRight(strings.TrimRight(s, "0"), ".")
	}
	return s
}

// pad widens sign and s to the width; numbers may be filled with zeros.
func (p percentSpec) pad(sign, s string, number bool) string {
	gap := p.width - utf8.RuneCountInString(sign+s)
	switch {
	case gap <= 0:
		return sign + s
	case p.left:
		return sign + s + strings.Repeat(" ", gap)
	case p.zero && number && !strings.HasSuffix(strings.ToLower(s), "n") && !strings.HasSuffix(strings.ToLower(s), "inf"):
		return sign + strings.Repeat("0", gap) + s
	}
	return strings.Repeat(" ", gap) + sign + s
}

// truncate is the first n characters of s; all where n is negative.
func truncate(s string, n int) string {
	if n < 0 {
		return s
	}
	return s[:byteOffset(s, n)]
}

// asciiOnly escapes what is not ASCII.
func asciiOnly(s string) string {
	var b strings.Builder
	for _, r := range s {
		if r < utf8.RuneSelf {
			b.WriteRune(r)
		} else {
			b.WriteString(escapeRune(r))
		}
	}
	return b.String()
}
