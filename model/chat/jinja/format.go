package jinja

import (
	"math"
	"math/big"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

func formatMethod(in *interp, v Value, a arguments) Value {
	return in.formatText(v, a.positional, a.keywordDict())
}

func formatMapMethod(in *interp, v Value, a arguments) Value {
	d, ok := a.bind("format_map", "mapping/")[0].(*Dict)
	if !ok {
		typeError("format_map() argument must be a mapping")
	}
	return in.formatText(v, nil, d)
}

func (in *interp) formatText(v Value, args []Value, named *Dict) Value {
	s, _ := text(v)
	f := &formatter{interp: in, args: args, named: named, auto: true}
	_, f.markup = v.(Markup)
	return asMarkup(v, f.format(s, 0))
}

// formatter is Python's string.Formatter in the sandbox.
type formatter struct {
	*interp
	args   []Value
	named  *Dict
	used   int  // of args, by {}
	auto   bool // no field has had a number yet
	manual bool // a field has had a number
	markup bool
}

func (f *formatter) format(s string, depth int) string {
	if depth > 1 {
		valueError("Max string recursion exceeded")
	}
	var b strings.Builder
	for s != "" {
		i := strings.IndexAny(s, "{}")
		if i < 0 {
			break
		}
		f.alloc(i + 1)
		b.WriteString(s[:i])
		if i+1 < len(s) && s[i+1] == s[i] {
			b.WriteByte(s[i])
			s = s[i+2:]
			continue
		}
		if s[i] == '}' {
			valueError("Single '}' encountered in format string")
		}
		field, rest := fieldText(s[i+1:])
		s = rest
		out := f.field(field, depth)
		f.alloc(len(out))
		b.WriteString(out)
	}
	f.alloc(len(s))
	b.WriteString(s)
	return b.String()
}

// fieldText is what stands between { and its }.
func fieldText(s string) (field, rest string) {
	depth, brackets := 1, false
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '[':
			brackets = true
		case ']':
			brackets = false
		case '{':
			depth++
		case '}':
			if depth--; depth == 0 {
				return s[:i], s[i+1:]
			}
		}
	}
	if brackets {
		valueError("expected '}' before end of string")
	}
	if s == "" {
		valueError("Single '{' encountered in format string")
	}
	valueError("expected '}' before end of string")
	return "", ""
}

// field is one replacement field: name!conversion:spec.
func (f *formatter) field(s string, depth int) string {
	name, conversion, spec := splitField(s)
	v := f.lookup(name)
	switch conversion {
	case "":
	case "s":
		v = f.str(v)
	case "r":
		v = f.repr(v)
	case "a":
		v = asciiOnly(f.repr(v))
	default:
		valueError("Unknown conversion specifier %s", conversion)
	}
	out := f.formatValue(v, f.format(spec, depth+1))
	if f.markup {
		return escaped(v, out)
	}
	return out
}

func splitField(s string) (name, conversion, spec string) {
	end, bracket := len(s), false
scan:
	for i := range len(s) {
		switch s[i] {
		case '[':
			bracket = true
		case ']':
			bracket = false
		case '{':
			if !bracket {
				valueError("unexpected '{' in field name")
			}
		case ':', '!':
			if !bracket {
				end = i
				break scan
			}
		}
	}
	name, rest := s[:end], s[end:]
	if strings.HasPrefix(rest, "!") {
		if len(rest) < 2 {
			valueError("end of string while looking for conversion specifier")
		}
		_, n := utf8.DecodeRuneInString(rest[1:])
		conversion, rest = rest[1:1+n], rest[1+n:]
		if rest != "" && rest[0] != ':' {
			valueError("expected ':' after conversion specifier")
		}
	}
	return name, conversion, strings.TrimPrefix(rest, ":")
}

// lookup finds the value of a field name: first, then .attributes and [items].
func (f *formatter) lookup(name string) Value {
	end := strings.IndexAny(name, ".[")
	if end < 0 {
		end = len(name)
	}
	v := f.first(name[:end])
	for rest := name[end:]; rest != ""; {
		f.step(1)
		if rest[0] == '[' {
			end := strings.IndexByte(rest, ']')
			if end < 0 {
				valueError("Missing ']' in format string")
			}
			v = f.getItem(v, formatKey(rest[1:end]))
			rest = rest[end+1:]
			if rest != "" && rest[0] != '.' && rest[0] != '[' {
				valueError("Only '.' or '[' may follow ']' in format field specifier")
			}
			continue
		}
		rest = rest[1:]
		end := strings.IndexAny(rest, ".[")
		if end < 0 {
			end = len(rest)
		}
		if end == 0 {
			valueError("Empty attribute in format string")
		}
		v = f.getAttr(v, rest[:end])
		rest = rest[end:]
	}
	return v
}

// formatKey is the index in [key]: a number where it is one.
func formatKey(s string) Value {
	if s == "" {
		valueError("Empty attribute in format string")
	}
	if strings.Trim(s, decimal) == "" {
		if n, err := strconv.ParseInt(s, 10, 64); err == nil {
			return n
		}
		valueError("Too many decimal digits in format string")
	}
	return s
}

func (f *formatter) first(name string) Value {
	if name == "" {
		if f.manual {
			valueError("cannot switch from manual field specification to automatic field numbering")
		}
		f.auto = false
		f.used++
		return f.positional(int64(f.used - 1))
	}
	if strings.Trim(name, decimal) == "" {
		if f.used > 0 {
			valueError("cannot switch from manual field specification to automatic field numbering")
		}
		f.manual = true
		return f.positional(formatKey(name).(int64))
	}
	v, ok := f.named.Get(name)
	if !ok {
		fail("KeyError", "%s", quote(name))
	}
	return v
}

func (f *formatter) positional(i int64) Value {
	if i >= int64(len(f.args)) {
		fail("IndexError", "Replacement index %d out of range for positional args tuple", i)
	}
	return f.args[i]
}

// formatSpec is Python's [[fill]align][sign][z][#][0][width][grouping][.precision][type].
type formatSpec struct {
	fill      string
	align     byte // 0: by type
	sign      byte
	alt       bool
	width     int
	grouping  string
	precision int // -1: none
	verb      byte
}

func parseFormatSpec(s string, typ string) formatSpec {
	whole := s
	spec := formatSpec{fill: " ", precision: -1}
	if _, n := utf8.DecodeRuneInString(s); len(s) > n && strings.IndexByte("<>=^", s[n]) >= 0 {
		spec.fill, spec.align, s = s[:n], s[n], s[n+1:]
	} else if s != "" && strings.IndexByte("<>=^", s[0]) >= 0 {
		spec.align, s = s[0], s[1:]
	}
	if s != "" && strings.IndexByte("+- ", s[0]) >= 0 {
		spec.sign, s = s[0], s[1:]
	}
	if strings.HasPrefix(s, "z") {
		valueError("the option z of format specifications is not supported")
	}
	if strings.HasPrefix(s, "#") {
		spec.alt, s = true, s[1:]
	}
	if strings.HasPrefix(s, "0") {
		if spec.align == 0 {
			spec.fill = "0"
			if typ != "str" {
				spec.align = '='
			}
		}
		s = s[1:]
	}
	spec.width, s = percentNumber(trimStar(s), nil)
	for s != "" && (s[0] == ',' || s[0] == '_') {
		if spec.grouping != "" {
			valueError("Cannot specify both ',' and '_'.")
		}
		spec.grouping, s = s[:1], s[1:]
	}
	if strings.HasPrefix(s, ".") {
		if len(s) < 2 || !isDigit(s[1]) {
			valueError("Format specifier missing precision")
		}
		spec.precision, s = percentNumber(s[1:], nil)
	}
	if len(s) > 1 {
		valueError("Invalid format specifier %s for object of type '%s'", quote(whole), typ)
	}
	if s != "" {
		spec.verb = s[0]
	}
	return spec
}

// trimStar keeps a * out of percentNumber: it is no width here.
func trimStar(s string) string {
	if strings.HasPrefix(s, "*") {
		valueError("Invalid format specifier %s", quote(s))
	}
	return s
}

// formatValue is Python's format(v, spec).
func (f *formatter) formatValue(v Value, spec string) string {
	if spec == "" {
		return f.str(v)
	}
	typ := typeName(v)
	switch v.(type) {
	case string, Markup, bool, int64, *big.Int, float64:
	default:
		typeError("unsupported format string passed to %s.__format__", typ)
	}
	if s, ok := text(v); ok {
		return f.formatString(s, parseFormatSpec(spec, "str"))
	}
	p := parseFormatSpec(spec, typ)
	f.alloc(p.width + max(p.precision, 0))
	if x, ok := integer(v); ok && !slices.Contains([]byte("eEfFgG%"), p.verb) {
		if b, isBool := v.(bool); isBool && p.verb == 0 {
			x = big.NewInt(toInt64(b))
		}
		return f.formatInt(x, p, typ)
	}
	x, _ := float(v)
	return f.formatFloat(x, p, typ)
}

func (f *formatter) formatString(s string, p formatSpec) string {
	switch {
	case p.verb != 0 && p.verb != 's':
		valueError("Unknown format code '%c' for object of type 'str'", p.verb)
	case p.sign != 0:
		valueError("Sign not allowed in string format specifier")
	case p.alt:
		valueError("Alternate form (#) not allowed in string format specifier")
	case p.grouping != "":
		valueError("Cannot specify '%s' with 's'.", p.grouping)
	case p.align == '=':
		valueError("'=' alignment not allowed in string format specifier")
	}
	f.alloc(p.width)
	return p.pad("", truncate(s, p.precision), '<')
}

// pad aligns sign and digits in the width.
func (p formatSpec) pad(sign, s string, align byte) string {
	if p.align != 0 {
		align = p.align
	}
	gap := p.width - utf8.RuneCountInString(sign) - utf8.RuneCountInString(s)
	if gap <= 0 {
		return sign + s
	}
	switch align {
	case '<':
		return sign + s + strings.Repeat(p.fill, gap)
	case '^':
		return strings.Repeat(p.fill, gap/2) + sign + s + strings.Repeat(p.fill, gap-gap/2)
	case '=':
		return sign + strings.Repeat(p.fill, gap) + s
	}
	return strings.Repeat(p.fill, gap) + sign + s
}

func (p formatSpec) signOf(negative bool) string {
	switch {
	case negative:
		return "-"
	case p.sign == '+' || p.sign == ' ':
		return string(p.sign)
	}
	return ""
}

func (f *formatter) formatInt(x *big.Int, p formatSpec, typ string) string {
	if p.precision >= 0 {
		valueError("Precision not allowed in integer format specifier")
	}
	bases := map[byte]int{0: 10, 'd': 10, 'n': 10, 'b': 2, 'o': 8, 'x': 16, 'X': 16}
	if p.verb == 'c' {
		if p.sign != 0 || p.grouping != "" {
			valueError("Sign not allowed with integer format specifier 'c'")
		}
		return p.pad("", percentChar(shrink(x)), '<')
	}
	base, ok := bases[p.verb]
	if !ok {
		valueError("Unknown format code '%c' for object of type '%s'", p.verb, typ)
	}
	if p.grouping == "," && base != 10 || p.grouping != "" && p.verb == 'n' {
		valueError("Cannot specify '%s' with '%c'.", p.grouping, p.verb)
	}
	abs := new(big.Int).Abs(x)
	s := ""
	if base == 10 {
		s = digits(abs)
	} else {
		s = abs.Text(base)
	}
	f.alloc(2 * len(s))
	sign := p.signOf(x.Sign() < 0)
	if p.alt && base != 10 {
		sign += "0" + strings.ToLower(string(p.verb))
	}
	group := 3
	if base != 10 {
		group = 4
	}
	s = p.group(sign, s, "", group)
	if p.verb == 'X' {
		return strings.ToUpper(p.pad(sign, s, '>'))
	}
	return p.pad(sign, s, '>')
}

// group puts separators between the digits; zeros that fill the width are grouped too.
func (p formatSpec) group(sign, s, rest string, size int) string {
	if p.grouping == "" {
		return s + rest
	}
	if p.fill == "0" && p.align == '=' {
		room := p.width - len(sign) - len(rest)
		for len(s)+(len(s)-1)/size < room {
			s = "0" + s
		}
	}
	var parts []string
	for len(s) > size {
		parts = append(parts, s[len(s)-size:])
		s = s[:len(s)-size]
	}
	parts = append(parts, s)
	slices.Reverse(parts)
	return strings.Join(parts, p.grouping) + rest
}

func (f *formatter) formatFloat(x float64, p formatSpec, typ string) string {
	negative := math.Signbit(x) && !math.IsNaN(x)
	abs := math.Abs(x)
	precision := p.precision
	if precision < 0 {
		precision = 6
	}
	s := ""
	switch p.verb {
	case 0:
		s = p.plainFloat(abs)
	case 'e', 'E', 'f', 'F', 'g', 'G':
		s = floatDigits(abs, p.verb, precision, p.alt)
	case 'n':
		s = floatDigits(abs, 'g', precision, p.alt)
	case '%':
		s = floatDigits(abs*100, 'f', precision, p.alt) + "%"
	default:
		valueError("Unknown format code '%c' for object of type '%s'", p.verb, typ)
	}
	f.alloc(2 * len(s))
	sign := p.signOf(negative)
	end := strings.IndexFunc(s, func(r rune) bool { return r < '0' || r > '9' })
	if end < 0 {
		end = len(s)
	}
	if end > 0 {
		s = p.group(sign, s[:end], s[end:], 3)
	}
	return p.pad(sign, s, '>')
}

// plainFloat is a float without a type: repr's digits, or with a precision %g's
// with at least one digit after the point.
func (p formatSpec) plainFloat(f float64) string {
	if p.precision < 0 || math.IsInf(f, 0) || math.IsNaN(f) {
		return floatText(f)
	}
	s := generalDigits(f, max(p.precision, 1), p.alt)
	mantissa, exponent, _ := strings.Cut(strconv.FormatFloat(f, 'e', max(min(p.precision, 1100), 1)-1, 64), "e")
	x, _ := strconv.Atoi(exponent)
	if strings.ContainsAny(s, ".e") {
		return s
	}
	if x >= max(p.precision, 1)-1 { // no room for the digit after the point
		return trimZeros(mantissa) + "e" + exponent
	}
	return s + ".0"
}
