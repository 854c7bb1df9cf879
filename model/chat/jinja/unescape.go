package jinja

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// unescape is Python's s.encode("ascii", "backslashreplace").decode("unicode-escape"):
// the escapes of Python's string literals, where those that are not known stay.
func unescape(s string) string {
	if !strings.Contains(s, `\`) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); {
		if s[i] != '\\' {
			b.WriteByte(s[i])
			i++
			continue
		}
		text, n := escape(s[i:])
		b.WriteString(text)
		i += n
	}
	return b.String()
}

var plainEscapes = map[byte]string{
	'\n': "", '\\': `\`, '\'': "'", '"': `"`, 'a': "\a", 'b': "\b", 'f': "\f", 'n': "\n", 'r': "\r", 't': "\t", 'v': "\v",
}

// escape reads the escape at the begin of s; n is how many bytes it takes.
func escape(s string) (text string, n int) {
	if len(s) < 2 {
		fail(SyntaxError, `\ at end of string`)
	}
	c := s[1]
	if text, ok := plainEscapes[c]; ok {
		return text, 2
	}
	switch {
	case '0' <= c && c <= '7':
		n = 2
		for n < len(s) && n < 4 && '0' <= s[n] && s[n] <= '7' {
			n++
		}
		x, _ := strconv.ParseUint(s[1:n], 8, 32)
		return string(rune(x)), n
	case c == 'x':
		return hexEscape(s, 2, `truncated \xXX escape`)
	case c == 'u':
		return hexEscape(s, 4, `truncated \uXXXX escape`)
	case c == 'U':
		return hexEscape(s, 8, `truncated \UXXXXXXXX escape`)
	case c == 'N':
		fail(SyntaxError, `escapes by name (\N{...}) are not supported: use \u`)
	case c >= utf8.RuneSelf:
		r, size := utf8.DecodeRuneInString(s[1:])
		return escapeRune(r), 1 + size
	}
	return s[:2], 2
}

func hexEscape(s string, digits int, truncated string) (string, int) {
	n := 2 + digits
	if len(s) < n {
		fail(SyntaxError, "%s", truncated)
	}
	x, err := strconv.ParseUint(s[2:n], 16, 32)
	if err != nil {
		fail(SyntaxError, "%s", truncated)
	}
	if !utf8.ValidRune(rune(x)) || x > utf8.MaxRune {
		fail(SyntaxError, "%s is no character of its own", s[:n])
	}
	return string(rune(x)), n
}
