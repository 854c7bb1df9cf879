package jinja

import (
	"fmt"
	"math/big"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/cases"
	"golang.org/x/text/language"
)

// str is Python's str(v).
func (in *interp) str(v Value) string {
	switch x := v.(type) {
	case string:
		return x
	case Markup:
		return string(x)
	case *Undefined:
		return ""
	}
	return in.repr(v)
}

// repr is Python's repr(v).
func (in *interp) repr(v Value) string {
	var b strings.Builder
	in.writeRepr(&b, v)
	return b.String()
}

func (in *interp) writeRepr(b *strings.Builder, v Value) {
	in.enter()
	defer in.leave()
	switch x := v.(type) {
	case *List:
		in.writeItems(b, "[", x.Items, "]")
	case *Tuple:
		end := ")"
		if len(x.Items) == 1 {
			end = ",)"
		}
		in.writeItems(b, "(", x.Items, end)
	case *Dict:
		in.writeDict(b, x)
	case *view:
		b.WriteString("dict_" + x.kind + "(")
		in.writeRepr(b, &List{Items: in.items(x)})
		b.WriteString(")")
	case *namespace:
		b.WriteString("<Namespace ")
		in.writeDict(b, x.attrs)
		b.WriteString(">")
	default:
		s := in.scalarText(v)
		in.alloc(len(s))
		b.WriteString(s)
	}
}

func (in *interp) scalarText(v Value) string {
	switch x := v.(type) {
	case nil:
		return "None"
	case bool:
		if x {
			return "True"
		}
		return "False"
	case int64:
		return fmt.Sprint(x)
	case *big.Int:
		return digits(x)
	case float64:
		return floatText(x)
	case string:
		return quote(x)
	case Markup:
		return "Markup(" + quote(string(x)) + ")"
	case *Undefined:
		return "Undefined"
	case *rangeValue:
		if x.step != 1 {
			return fmt.Sprintf("range(%d, %d, %d)", x.start, x.stop, x.step)
		}
		return fmt.Sprintf("range(%d, %d)", x.start, x.stop)
	case *macro:
		if x.name == "" {
			return "<Macro anonymous>"
		}
		return "<Macro " + quote(x.name) + ">"
	case *loopContext:
		return fmt.Sprintf("<LoopContext %d/%d>", x.index0+1, x.length())
	case *function:
		return "<function " + x.name + ">"
	}
	return "<" + typeName(v) + " object>"
}

func (in *interp) writeItems(b *strings.Builder, begin string, items []Value, end string) {
	b.WriteString(begin)
	for i, item := range items {
		if i > 0 {
			in.alloc(2)
			b.WriteString(", ")
		}
		in.writeRepr(b, item)
	}
	b.WriteString(end)
}

func (in *interp) writeDict(b *strings.Builder, d *Dict) {
	b.WriteString("{")
	for i, key := range d.keys {
		if i > 0 {
			b.WriteString(", ")
		}
		in.alloc(4)
		in.writeRepr(b, key)
		b.WriteString(": ")
		in.writeRepr(b, d.values[i])
	}
	b.WriteString("}")
}

// quote is Python's repr of a string.
func quote(s string) string {
	q := byte('\'')
	if strings.Contains(s, "'") && !strings.Contains(s, `"`) {
		q = '"'
	}
	var b strings.Builder
	b.WriteByte(q)
	for _, r := range s {
		switch {
		case r == rune(q) || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\r':
			b.WriteString(`\r`)
		case r == '\t':
			b.WriteString(`\t`)
		case unicode.IsPrint(r):
			b.WriteRune(r)
		default:
			b.WriteString(escapeRune(r))
		}
	}
	b.WriteByte(q)
	return b.String()
}

// escapeRune is r in the shortest of Python's numeric escapes.
func escapeRune(r rune) string {
	switch {
	case r < 0x100:
		return fmt.Sprintf(`\x%02x`, r)
	case r < 0x10000:
		return fmt.Sprintf(`\u%04x`, r)
	}
	return fmt.Sprintf(`\U%08x`, r)
}

// isSpace is Python's str.isspace of one character.
func isSpace(r rune) bool { return unicode.IsSpace(r) || 0x1c <= r && r <= 0x1f }

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

func upper(s string) string {
	if isASCII(s) {
		return strings.ToUpper(s)
	}
	return cases.Upper(language.Und).String(s)
}

func lower(s string) string {
	if isASCII(s) {
		return strings.ToLower(s)
	}
	return cases.Lower(language.Und, cases.HandleFinalSigma(true)).String(s)
}

func fold(s string) string { return cases.Fold().String(s) }

func isUpperRune(r rune) bool { return unicode.IsUpper(r) || unicode.Is(unicode.Other_Uppercase, r) }

func isLowerRune(r rune) bool { return unicode.IsLower(r) || unicode.Is(unicode.Other_Lowercase, r) }

func isCased(r rune) bool { return isUpperRune(r) || isLowerRune(r) || unicode.IsTitle(r) }

// titleRune is the title case of one character, which may be several.
func titleRune(r rune) string {
	if !isCased(r) {
		return string(r)
	}
	return cases.Title(language.Und, cases.NoLower).String(string(r))
}

func capitalize(s string) string {
	r, n := utf8.DecodeRuneInString(s)
	if n == 0 {
		return s
	}
	var b strings.Builder
	b.WriteString(titleRune(r))
	for i, r := range s[n:] {
		b.WriteString(lowerAt(s, n+i, r))
	}
	return b.String()
}

// title is Python's str.title: each run of cased characters begins with a capital.
func title(s string) string {
	var b strings.Builder
	inWord := false
	for i, r := range s {
		switch {
		case !isCased(r):
			b.WriteRune(r)
		case inWord:
			b.WriteString(lowerAt(s, i, r))
		default:
			b.WriteString(titleRune(r))
		}
		inWord = isCased(r)
	}
	return b.String()
}

// lowerAt is the lower case of the character r at i. A sigma that ends a word
// has a form of its own.
func lowerAt(s string, i int, r rune) string {
	if r != 'Σ' {
		return lower(string(r))
	}
	before := strings.TrimRightFunc(s[:i], isCaseIgnorable)
	after := strings.TrimLeftFunc(s[i+len("Σ"):], isCaseIgnorable)
	last, _ := utf8.DecodeLastRuneInString(before)
	next, _ := utf8.DecodeRuneInString(after)
	if isCased(last) && !isCased(next) {
		return "ς"
	}
	return "σ"
}

func isCaseIgnorable(r rune) bool {
	return unicode.IsMark(r) || unicode.Is(unicode.Lm, r) || unicode.Is(unicode.Sk, r) || unicode.Is(unicode.Cf, r) || strings.ContainsRune("'.:’·", r)
}

// swapCase is Python's str.swapcase.
func swapCase(s string) string {
	var b strings.Builder
	for i, r := range s {
		switch {
		case isUpperRune(r):
			b.WriteString(lowerAt(s, i, r))
		case isLowerRune(r):
			b.WriteString(upper(string(r)))
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// splitLines is Python's str.splitlines.
func splitLines(s string, keep bool) []string {
	var lines []string
	start := 0
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		if !isLineEnd(r) {
			i += n
			continue
		}
		end := i
		i += n
		if r == '\r' && strings.HasPrefix(s[i:], "\n") {
			i++
		}
		if keep {
			end = i
		}
		lines = append(lines, s[start:end])
		start = i
	}
	if start < len(s) {
		lines = append(lines, s[start:])
	}
	return lines
}

func isLineEnd(r rune) bool {
	switch r {
	case '\n', '\r', '\v', '\f', 0x1c, 0x1d, 0x1e, 0x85, 0x2028, 0x2029:
		return true
	}
	return false
}

// escapeHTML is markupsafe's escape.
var escapeHTML = strings.NewReplacer("&", "&amp;", ">", "&gt;", "<", "&lt;", "'", "&#39;", `"`, "&#34;").Replace
