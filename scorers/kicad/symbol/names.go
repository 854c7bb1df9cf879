package symbol

import "strings"

// escapes are what KiCad writes for characters that its files or names may not
// hold.
var escapes = strings.NewReplacer(
	"{slash}", "/", "{backslash}", `\`, "{lt}", "<", "{gt}", ">", "{colon}", ":", "{dblquote}", `"`,
	"{brace}", "{", "{space}", " ", "{tab}", "\t", "{return}", "\n", "{bar}", "|",
)

// newBars writes the bars of KiCad 5, ~RESET~, as those of KiCad 6, ~{RESET}: a
// tilde begins or ends a bar, and two of them are a tilde.
func newBars(name string) string {
	if name == "~" || strings.Contains(name, "~{") || !strings.Contains(name, "~") {
		return name
	}
	var b strings.Builder
	bar := false
	for i := 0; i < len(name); i++ {
		c := name[i]
		if c == '~' {
			if i+1 < len(name) && name[i+1] == '~' {
				b.WriteByte('~')
				i++
				continue
			}
			if bar {
				b.WriteByte('}')
			} else {
				b.WriteString("~{")
			}
			bar = !bar
			continue
		}
		if bar && (c == ' ' || c == '}' || c == ')') {
			b.WriteByte('}')
			bar = false
		}
		b.WriteByte(c)
	}
	if bar {
		b.WriteByte('}')
	}
	return b.String()
}

// SameName reports whether two pin names are shown alike: ~{A}~{B} is ~{AB}, and
// a lone tilde is no name.
func SameName(a, b string) bool { return shown(a) == shown(b) }

// shown is a name with a mark behind each byte that has a bar.
func shown(name string) string {
	if name == "~" {
		return ""
	}
	if !strings.Contains(name, "~{") {
		return escapes.Replace(name)
	}
	var b strings.Builder
	depth := 0 // of braces inside of a bar
	plain := func(s string, bar bool) {
		s = escapes.Replace(s)
		if !bar {
			b.WriteString(s)
			return
		}
		for i := range len(s) {
			b.WriteByte(s[i])
			b.WriteByte(0)
		}
	}
	from := 0
	for i := 0; i < len(name); i++ {
		switch {
		case depth == 0 && strings.HasPrefix(name[i:], "~{"):
			plain(name[from:i], false)
			depth, from = 1, i+2
			i++
		case depth > 0 && name[i] == '{':
			depth++
		case depth > 0 && name[i] == '}':
			if depth--; depth == 0 {
				plain(name[from:i], true)
				from = i + 1
			}
		}
	}
	plain(name[from:], depth > 0)
	return b.String()
}
