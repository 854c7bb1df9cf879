package tokenizer

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/dlclark/regexp2"
)

// translate rewrites a regular expression of Oniguruma (in Ruby's syntax, which
// tokenizers uses) for regexp2, which has .NET's syntax and another version of
// Unicode. Classes become explicit ranges, and case is folded here. What it does
// not know is an error: an expression that is understood otherwise splits texts
// otherwise.
func translate(expr string) (string, error) {
	if len(expr) > maxExpression {
		return "", fmt.Errorf("%d bytes, more than %d", len(expr), maxExpression)
	}
	t := &translator{in: expr}
	if err := t.alternatives(0, false); err != nil {
		return "", fmt.Errorf("%w, at byte %d", err, t.at)
	}
	if t.at < len(t.in) {
		return "", fmt.Errorf("a parenthesis too many at byte %d", t.at)
	}
	return t.out.String(), nil
}

// translator reads in up to at and writes out.
type translator struct {
	in  string
	at  int
	out strings.Builder
}

// maxExpression is the most bytes that an expression may have. The longest that
// is published has two thousand.
const maxExpression = 1 << 14

// maxGroups is how deep groups and classes may nest.
const maxGroups = 64

// peek returns the next character, or -1 at the end.
func (t *translator) peek() rune {
	if t.at == len(t.in) {
		return -1
	}
	r, _ := utf8.DecodeRuneInString(t.in[t.at:])
	return r
}

func (t *translator) next() rune {
	r, size := utf8.DecodeRuneInString(t.in[t.at:])
	t.at += size
	return r
}

// accept takes prefix if it comes next.
func (t *translator) accept(prefix string) bool {
	if !strings.HasPrefix(t.in[t.at:], prefix) {
		return false
	}
	t.at += len(prefix)
	return true
}

// alternatives translates up to the end, or up to the parenthesis that closes a
// group. fold says that case does not count.
func (t *translator) alternatives(depth int, fold bool) error {
	if depth > maxGroups {
		return fmt.Errorf("groups nested deeper than %d", maxGroups)
	}
	before := rune(-1) // the letter before, to find pairs that one letter folds to
	for t.at < len(t.in) && t.peek() != ')' {
		if t.accept("|") {
			t.out.WriteByte('|')
			before = -1
			continue
		}
		start := t.out.Len()
		letter := rune(-1)
		var err error
		switch r := t.next(); r {
		case '(':
			err = t.group(depth, fold)
		case '[':
			var s *charset
			if s, err = t.class(depth, fold); err == nil {
				t.out.WriteString(s.String())
			}
		case '\\':
			letter, err = t.escape(fold)
		case '^': // Ruby's: after every newline but one that ends the text
			t.out.WriteString(`(?:\A|(?<=\n)(?!\z))`)
		case '$':
			t.out.WriteString(`(?=\n|\z)`)
		case '.':
			t.out.WriteString(`[^\n]`)
		case '*', '+', '?':
			err = fmt.Errorf("nothing to repeat before %c", r)
		default:
			letter = r
		}
		if err != nil {
			return err
		}
		if letter >= 0 {
			if fold && foldsTogether(before, letter) {
				return fmt.Errorf("%c%c without regard to case is not supported: one letter is the same as both", before, letter)
			}
			t.literal(letter, fold)
		}
		before = letter
		repeated, err := t.quantifiers(start)
		if err != nil {
			return err
		}
		if repeated {
			before = -1
		}
	}
	return nil
}

// foldsTogether says whether a single character (ß, ﬁ, …) is the same as two
// letters when case does not count.
func foldsTogether(a, b rune) bool {
	switch string([]rune{unicode.ToLower(a), unicode.ToLower(b)}) {
	case "ss", "st", "ff", "fi", "fl":
		return true
	}
	return b >= 0x300 && b < 0x370 // a mark: İ, ǰ, ẖ and such
}

func (t *translator) literal(r rune, fold bool) {
	if !fold || unicode.SimpleFold(r) == r {
		t.out.WriteString(regexp2.Escape(string(r)))
		return
	}
	s := new(charset)
	s.add(r, r)
	s.fold()
	t.out.WriteString(s.String())
}

// group translates a group whose parenthesis has been read.
func (t *translator) group(depth int, fold bool) error {
	t.out.WriteByte('(')
	switch {
	case t.accept("?i:"):
		t.out.WriteString("?:")
		fold = true
	case t.accept("?-i:"):
		t.out.WriteString("?:")
		fold = false
	case t.peek() == '?':
		kind := ""
		for _, k := range []string{"?:", "?=", "?!", "?<=", "?<!", "?>"} { // the same in both languages
			if t.accept(k) {
				kind = k
				break
			}
		}
		if kind == "" {
			return fmt.Errorf("group (%.3s is not supported", t.in[t.at:])
		}
		t.out.WriteString(kind)
	}
	if err := t.alternatives(depth+1, fold); err != nil {
		return err
	}
	if !t.accept(")") {
		return fmt.Errorf("a group does not end")
	}
	t.out.WriteByte(')')
	return nil
}

// quantifiers translates what repeats the piece of out that begins at start.
func (t *translator) quantifiers(start int) (repeated bool, err error) {
	for {
		var q string
		var braces bool
		switch r := t.peek(); r {
		case '*', '+', '?':
			t.at++
			q = string(r)
		case '{':
			if q, braces = t.interval(); !braces {
				return repeated, nil // an ordinary brace
			}
		default:
			return repeated, nil
		}
		piece := t.out.String()[start:]
		if repeated {
			piece = "(?:" + piece + ")"
		}
		repeated = true
		piece += q
		switch {
		case t.peek() == '?' && braces:
			return false, fmt.Errorf("%s? is not supported", q)
		case t.accept("?"):
			piece += "?"
		case !braces && t.accept("+"):
			piece = "(?>" + piece + ")"
		}
		head := t.out.String()[:start]
		t.out.Reset()
		t.out.WriteString(head + piece)
	}
}

// interval reads {n}, {n,}, {,m} or {n,m}; ok is false where there is none.
func (t *translator) interval() (q string, ok bool) {
	body, _, found := strings.Cut(t.in[t.at+1:], "}")
	least, most, comma := strings.Cut(body, ",")
	if !found || least == "" && most == "" {
		return "", false
	}
	for _, n := range []string{least, most} {
		if n == "" {
			continue
		}
		if _, err := strconv.ParseUint(n, 10, 16); err != nil {
			return "", false
		}
	}
	t.at += len(body) + len("{}")
	if least == "" {
		least = "0"
	}
	if comma {
		return "{" + least + "," + most + "}", true
	}
	return "{" + least + "}", true
}

// escape translates what follows a backslash outside of classes. A character
// that stands for itself is returned, and not written.
func (t *translator) escape(fold bool) (letter rune, err error) {
	r := t.peek()
	switch r {
	case 'A', 'z', 'Z', 'G':
		t.at++
		t.out.WriteString(`\` + string(r))
		return -1, nil
	case 'b', 'B':
		t.at++
		s, _ := propertySet("word")
		word := s.String()
		in, out := `(?=`, `(?!`
		if r == 'B' {
			in, out = out, in
		}
		fmt.Fprintf(&t.out, `(?:(?<=%[1]s)%[3]s%[1]s)|(?<!%[1]s)%[2]s%[1]s))`, word, in, out)
		return -1, nil
	}
	if r >= '1' && r <= '9' {
		if fold {
			return -1, fmt.Errorf("a reference without regard to case is not supported")
		}
		t.at++
		if next := t.peek(); next >= '0' && next <= '9' {
			return -1, fmt.Errorf(`references over \9 are not supported`)
		}
		t.out.WriteString(`\` + string(r))
		return -1, nil
	}
	s, letter, err := t.shorthand(false)
	if err != nil || s == nil {
		return letter, err
	}
	t.out.WriteString(s.String())
	return -1, nil
}
