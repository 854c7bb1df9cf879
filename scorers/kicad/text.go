package kicad

import "strings"

// KiCad writes characters that would be read as syntax in braces.
var escapes = []string{
	"{slash}", "/", "{backslash}", `\`, "{lt}", "<", "{gt}", ">", "{colon}", ":", "{dblquote}", `"`, "{quote}", "'",
	"{space}", " ", "{tab}", "\t", "{return}", "\n", "{bar}", "|", "{comma}", ",", "{dollar}", "$", "{brace}", "{",
}

var unescaper = strings.NewReplacer(escapes...)

func unescape(s string) string {
	if strings.IndexByte(s, '{') < 0 {
		return s
	}
	return unescaper.Replace(s)
}

var netEscaper = strings.NewReplacer("/", "{slash}", "\n", "", "\r", "")

// escape writes a text so that it can be a part of a net's name.
func escape(s string) string {
	if !strings.ContainsAny(s, "/\n\r") {
		return s
	}
	return netEscaper.Replace(s)
}

// maxText bounds what variables may make of a text.
const maxText = 1 << 16

// substitute replaces ${NAME} by what value says. A name without a value stays
// as it is.
func substitute(text string, value func(name string) (string, bool)) string {
	if !strings.Contains(text, "${") {
		return text
	}
	for range 4 { // values may have variables, too
		var out strings.Builder
		rest, changed := text, false
		for {
			before, after, ok := strings.Cut(rest, "${")
			name, behind, closed := strings.Cut(after, "}")
			if !ok || !closed {
				out.WriteString(rest)
				break
			}
			out.WriteString(before)
			if v, ok := value(name); ok {
				out.WriteString(v)
				changed = true
				if out.Len() > maxText {
					return text
				}
			} else {
				out.WriteString("${" + name + "}")
			}
			rest = behind
		}
		text = out.String()
		if !changed || !strings.Contains(text, "${") {
			break
		}
	}
	return text
}
