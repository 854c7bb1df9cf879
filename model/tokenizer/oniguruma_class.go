package tokenizer

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// latinNumbers are in \w where it stands alone, and not inside a class: a
// peculiarity of Oniguruma.
const latinNumbers = "²³¹¼½¾"

// shorthand reads what follows a backslash: a set, or a single character.
func (t *translator) shorthand(inClass bool) (s *charset, letter rune, err error) {
	if t.at == len(t.in) {
		return nil, -1, fmt.Errorf("a backslash at the end")
	}
	r := t.next()
	set := func(name string, not bool) (*charset, rune, error) {
		s, ok := propertySet(name)
		if !ok {
			return nil, -1, fmt.Errorf("property %.40q is not supported", name)
		}
		if strings.EqualFold(name, "word") && !inClass {
			for _, r := range latinNumbers {
				s.add(r, r)
			}
		}
		if not {
			s.invert()
		}
		return s, -1, nil
	}
	switch r {
	case 'd', 'D':
		return set("digit", r == 'D')
	case 's', 'S':
		return set("space", r == 'S')
	case 'w', 'W':
		return set("word", r == 'W')
	case 'h', 'H':
		s = new(charset)
		s.add('0', '9')
		s.add('a', 'f')
		s.add('A', 'F')
		if r == 'H' {
			s.invert()
		}
		return s, -1, nil
	case 'p', 'P':
		name, _, ok := strings.Cut(t.in[t.at:], "}")
		if !ok || !strings.HasPrefix(name, "{") {
			return nil, -1, fmt.Errorf(`\%c without a name in braces`, r)
		}
		t.at += len(name) + 1
		name, not := strings.CutPrefix(name[1:], "^")
		return set(name, not != (r == 'P'))
	case 'n':
		return nil, '\n', nil
	case 'r':
		return nil, '\r', nil
	case 't':
		return nil, '\t', nil
	case 'f':
		return nil, '\f', nil
	case 'v':
		return nil, '\v', nil
	case 'a':
		return nil, '\a', nil
	case 'e':
		return nil, 0x1b, nil
	case 'x':
		if t.accept("{") {
			digits, _, ok := strings.Cut(t.in[t.at:], "}")
			if !ok {
				return nil, -1, fmt.Errorf(`\x{ does not end`)
			}
			letter, err = hexadecimal(digits)
			t.at += len(digits) + 1
			return nil, letter, err
		}
		return t.hexadecimal(2)
	case 'u':
		return t.hexadecimal(4)
	}
	if r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' {
		return nil, -1, fmt.Errorf(`\%c is not supported`, r)
	}
	return nil, r, nil
}

// hexadecimal reads n digits.
func (t *translator) hexadecimal(n int) (*charset, rune, error) {
	if len(t.in)-t.at < n {
		return nil, -1, fmt.Errorf("want %d hexadecimal digits", n)
	}
	r, err := hexadecimal(t.in[t.at : t.at+n])
	t.at += n
	return nil, r, err
}

func hexadecimal(digits string) (rune, error) {
	n, err := strconv.ParseUint(digits, 16, 32)
	if err != nil || n > unicode.MaxRune || n >= 0xd800 && n < 0xe000 {
		return -1, fmt.Errorf("%.20q is no hexadecimal number of a character", digits)
	}
	return rune(n), nil
}

// class reads a class whose bracket has been read.
func (t *translator) class(depth int, fold bool) (*charset, error) {
	if depth > maxGroups {
		return nil, fmt.Errorf("classes nested deeper than %d", maxGroups)
	}
	not := t.accept("^")
	set := new(charset)
	var all *charset // of the parts before &&
	for first := true; ; first = false {
		switch {
		case t.at == len(t.in):
			return nil, fmt.Errorf("a class does not end")
		case !first && t.accept("]"):
			if fold {
				set.fold()
			}
			if all != nil {
				set.intersect(all)
			}
			if not {
				set.invert()
			}
			return set, nil
		case t.accept("&&"):
			if fold {
				set.fold()
			}
			if all != nil {
				set.intersect(all)
			}
			all, set = set, new(charset)
			continue
		case t.accept("[:"):
			name, _, _ := strings.Cut(t.in[t.at:], ":]")
			if !slices.Contains([]string{"alpha", "digit", "space", "word"}, name) { // the properties of these names
				return nil, fmt.Errorf("[:%.20s is not supported", t.in[t.at:])
			}
			t.at += len(name) + len(":]")
			s, _ := propertySet(name)
			set.union(s)
			continue
		case t.accept("["):
			inner, err := t.class(depth+1, fold)
			if err != nil {
				return nil, err
			}
			set.union(inner)
			continue
		}
		if err := t.item(set); err != nil {
			return nil, err
		}
	}
}

// item reads a character, a range or a shorthand of a class.
func (t *translator) item(set *charset) error {
	s, low, err := t.member()
	if err != nil {
		return err
	}
	if s != nil {
		set.union(s)
		return nil
	}
	rest := t.in[t.at:]
	if !strings.HasPrefix(rest, "-") || strings.HasPrefix(rest, "-]") {
		set.add(low, low)
		return nil
	}
	t.at++
	if strings.HasPrefix(t.in[t.at:], "[") {
		return fmt.Errorf("a range to a class")
	}
	s, high, err := t.member()
	if err != nil {
		return err
	}
	if s != nil || high < low {
		return fmt.Errorf("a range that does not go up")
	}
	set.add(low, high)
	return nil
}

func (t *translator) member() (*charset, rune, error) {
	if t.at == len(t.in) {
		return nil, -1, fmt.Errorf("a class does not end")
	}
	r := t.next()
	if r != '\\' {
		return nil, r, nil
	}
	if t.accept("b") { // a backspace inside of classes
		return nil, '\b', nil
	}
	return t.shorthand(true)
}
