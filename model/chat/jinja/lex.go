package jinja

import (
	"math/big"
	"strings"
	"unicode"
	"unicode/utf8"
)

// kinds of tokens; those of operators are the operators themselves.
const (
	tokEOF           = "end of template"
	tokData          = "template data / text"
	tokBlockBegin    = "begin of statement block"
	tokBlockEnd      = "end of statement block"
	tokVariableBegin = "begin of print statement"
	tokVariableEnd   = "end of print statement"
	tokName          = "name"
	tokString        = "string"
	tokInteger       = "integer"
	tokFloat         = "float"
)

type token struct {
	kind string
	text string // of names, strings, data
	num  Value  // of integers and floats
	line int
}

func (t token) describe() string {
	if t.kind == tokName {
		return t.text
	}
	return t.kind
}

// lexer turns a source into tokens, as jinja2's regular expressions do.
type lexer struct {
	src          string
	pos, line    int
	lineStarting bool   // the last match ended with a newline
	open         []byte // brackets to be closed
	tokens       []token
}

// lex splits the source; line is the one reached, also when it fails.
func lex(source string, line *int) []token {
	source = strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(source)
	l := &lexer{src: strings.TrimSuffix(source, "\n"), line: 1, lineStarting: true}
	defer func() { *line = l.line }()
	for l.pos < len(l.src) {
		l.root()
	}
	l.emit(tokEOF, "")
	return l.tokens
}

func (l *lexer) emit(kind, text string) {
	l.tokens = append(l.tokens, token{kind: kind, text: text, line: l.line})
}

func (l *lexer) syntax(format string, args ...any) { fail(SyntaxError, format, args...) }

// advance moves over n bytes.
func (l *lexer) advance(n int) {
	l.line += strings.Count(l.src[l.pos:l.pos+n], "\n")
	l.pos += n
	l.lineStarting = strings.HasSuffix(l.src[:l.pos], "\n")
}

// root reads text and what begins after it.
func (l *lexer) root() {
	at := l.nextTag()
	if at < 0 {
		l.emit(tokData, l.src[l.pos:])
		l.advance(len(l.src) - l.pos)
		return
	}
	kind := l.src[at+1]
	sign := signAt(l.src, at+2)
	l.data(l.src[l.pos:at], sign, kind == '{')
	l.advance(at - l.pos)
	raw := 0
	if kind == '%' {
		raw = rawTag(l.src[l.pos:], "raw")
	}
	switch {
	case raw > 0:
		l.raw(raw)
	case kind == '#':
		l.advance(2 + len(sign))
		l.comment()
	case kind == '%':
		l.emit(tokBlockBegin, "")
		l.advance(2 + len(sign))
		l.inside(tokBlockEnd)
	default:
		l.emit(tokVariableBegin, "")
		l.advance(2 + len(sign))
		l.inside(tokVariableEnd)
	}
}

func (l *lexer) nextTag() int {
	for i := l.pos; i+1 < len(l.src); i++ {
		if l.src[i] == '{' && strings.IndexByte("%{#", l.src[i+1]) >= 0 {
			return i
		}
	}
	return -1
}

func signAt(s string, i int) string {
	if i < len(s) && (s[i] == '-' || s[i] == '+') {
		return s[i : i+1]
	}
	return ""
}

// data emits the text before a tag, less the space that the tag takes.
func (l *lexer) data(text, sign string, variable bool) {
	switch {
	case sign == "-":
		text = strings.TrimRightFunc(text, isSpace)
	case sign == "" && !variable:
		begin := strings.LastIndexByte(text, '\n') + 1
		if (begin > 0 || l.lineStarting) && strings.TrimFunc(text[begin:], isSpace) == "" {
			text = text[:begin]
		}
	}
	if text != "" {
		l.emit(tokData, text)
	}
}

// rawTag returns the length of {% name %} up to its end sign, or 0.
func rawTag(s, name string) int {
	i := 2 + len(signAt(s, 2))
	i += leadingSpace(s[i:])
	if !strings.HasPrefix(s[i:], name) {
		return 0
	}
	i += len(name)
	return i + leadingSpace(s[i:])
}

func leadingSpace(s string) int { return len(s) - len(strings.TrimLeftFunc(s, isSpace)) }

// tagEnd returns the length of an end at the begin of s, such as "-%}" with the
// space after it, or 0.
func tagEnd(s, end string, trim bool) int {
	switch {
	case strings.HasPrefix(s, "-"+end):
		n := 1 + len(end)
		return n + leadingSpace(s[n:])
	case trim && strings.HasPrefix(s, "+"+end):
		return 1 + len(end)
	case !strings.HasPrefix(s, end):
		return 0
	case trim && strings.HasPrefix(s[len(end):], "\n"):
		return len(end) + 1
	}
	return len(end)
}

// raw reads {% raw %}…{% endraw %}; n is the length of the begin, less its end sign.
func (l *lexer) raw(n int) {
	end := rawBeginEnd(l.src[l.pos+n:])
	if end == 0 {
		l.emit(tokBlockBegin, "") // a statement that begins with the name raw
		l.advance(2 + len(signAt(l.src, l.pos+2)))
		l.inside(tokBlockEnd)
		return
	}
	l.advance(n + end)
	for i := l.pos; ; {
		next := strings.Index(l.src[i:], "{%")
		if next < 0 && i == len(l.src) && i == l.pos {
			return // at the very end jinja2 lets it be
		}
		if next < 0 {
			l.syntax("Missing end of raw directive")
		}
		i += next
		if n := rawTag(l.src[i:], "endraw"); n > 0 {
			if end := tagEnd(l.src[i+n:], "%}", true); end > 0 {
				l.data(l.src[l.pos:i], signAt(l.src, i+2), false)
				l.advance(i + n + end - l.pos)
				return
			}
		}
		i += 2
	}
}

// rawBeginEnd is tagEnd after {% raw: no newline goes with it.
func rawBeginEnd(s string) int { return tagEnd(s, "%}", false) }

func (l *lexer) comment() {
	for i := l.pos; i < len(l.src); i++ {
		if n := tagEnd(l.src[i:], "#}", true); n > 0 {
			l.advance(i + n - l.pos)
			return
		}
	}
	if l.pos < len(l.src) { // at the very end jinja2 lets it be
		l.syntax("Missing end of comment tag")
	}
}

// inside reads the tokens of a statement or an expression.
func (l *lexer) inside(end string) {
	text := "%}"
	if end == tokVariableEnd {
		text = "}}"
	}
	for l.pos < len(l.src) {
		if len(l.open) == 0 {
			if n := tagEnd(l.src[l.pos:], text, end == tokBlockEnd); n > 0 {
				l.emit(end, "")
				l.advance(n)
				return
			}
		}
		l.lexeme()
	}
}

func (l *lexer) lexeme() {
	s := l.src[l.pos:]
	if n := leadingSpace(s); n > 0 {
		l.advance(n)
		return
	}
	r, _ := utf8.DecodeRuneInString(s)
	switch {
	case isDigit(s[0]):
		l.number(s)
	case isNameRune(r):
		l.name(s)
	case s[0] == '\'' || s[0] == '"':
		l.str(s)
	default:
		l.operator(s)
	}
}

// isNameRune is \w of Python's re.
func isNameRune(r rune) bool {
	return r == '_' || unicode.IsLetter(r) || unicode.IsNumber(r) || unicode.Is(unicode.Other_ID_Continue, r) || r >= 0x80 && unicode.IsMark(r)
}

func (l *lexer) name(s string) {
	n := len(s) - len(strings.TrimLeftFunc(s, isNameRune))
	if !isIdentifier(s[:n]) {
		l.syntax("Invalid character in identifier")
	}
	l.emit(tokName, s[:n])
	l.advance(n)
}

func (l *lexer) number(s string) {
	kind, n := tokFloat, 0
	if l.pos == 0 || l.src[l.pos-1] != '.' {
		n = floatLength(s)
	}
	if n == 0 {
		kind, n = tokInteger, integerLength(s)
	}
	digits := strings.ReplaceAll(s[:n], "_", "")
	t := token{kind: kind, line: l.line}
	if kind == tokFloat {
		t.num, _ = parseFloat(digits)
	} else {
		if len(digits) > maxDigits {
			l.syntax("whole number of more than %d digits", maxDigits)
		}
		x, _ := new(big.Int).SetString(digits, 0)
		t.num = shrink(x)
	}
	l.tokens = append(l.tokens, t)
	l.advance(n)
}

// digitRun is the length of digits with single underscores between them.
func digitRun(s, digits string) int {
	n := 0
	for n < len(s) {
		switch {
		case strings.IndexByte(digits, s[n]) >= 0:
			n++
		case n > 0 && s[n] == '_' && n+1 < len(s) && strings.IndexByte(digits, s[n+1]) >= 0:
			n += 2
		default:
			return n
		}
	}
	return n
}

const decimal = "0123456789"

func floatLength(s string) int {
	n := digitRun(s, decimal)
	fraction := false
	if n < len(s) && s[n] == '.' {
		if f := digitRun(s[n+1:], decimal); f > 0 {
			n += 1 + f
			fraction = true
		}
	}
	if n < len(s) && (s[n] == 'e' || s[n] == 'E') {
		i := n + 1 + len(signAt(s, n+1))
		if e := digitRun(s[i:], decimal); e > 0 {
			return i + e
		}
	}
	if !fraction {
		return 0
	}
	return n
}

func integerLength(s string) int {
	if len(s) > 2 && s[0] == '0' {
		set := map[byte]string{'b': "01", 'o': "01234567", 'x': "0123456789abcdefABCDEF"}[s[1]|0x20]
		rest := s[2:]
		lead := 0
		if rest[0] == '_' {
			lead = 1
		}
		if n := digitRun(rest[lead:], set); set != "" && n > 0 {
			return 2 + lead + n
		}
	}
	if s[0] == '0' {
		return digitRun(s, "0")
	}
	return digitRun(s, decimal)
}

func (l *lexer) str(s string) {
	end := 1
	for end < len(s) && s[end] != s[0] {
		if s[end] == '\\' {
			end++
		}
		end++
	}
	if end >= len(s) {
		r, _ := utf8.DecodeRuneInString(s)
		l.syntax("unexpected char %s at %d", quote(string(r)), l.pos)
	}
	l.emit(tokString, unescape(s[1:end]))
	l.advance(end + 1)
}

var operators = []string{"//", "**", "==", "!=", ">=", "<=", "+", "-", "/", "*", "%", "~", "[", "]", "(", ")", "{", "}", ">", "<", "=", ".", ":", "|", ",", ";"}

func (l *lexer) operator(s string) {
	for _, op := range operators {
		if strings.HasPrefix(s, op) {
			l.balance(op[0])
			l.emit(op, "")
			l.advance(len(op))
			return
		}
	}
	r, _ := utf8.DecodeRuneInString(s)
	l.syntax("unexpected char %s at %d", quote(string(r)), l.pos)
}

func (l *lexer) balance(c byte) {
	switch c {
	case '(':
		l.open = append(l.open, ')')
	case '[', '{':
		l.open = append(l.open, c+2)
	case ')', ']', '}':
		if len(l.open) == 0 {
			l.syntax("unexpected '%c'", c)
		}
		want := l.open[len(l.open)-1]
		if l.open = l.open[:len(l.open)-1]; want != c {
			l.syntax("unexpected '%c', expected '%c'", c, want)
		}
	}
}
