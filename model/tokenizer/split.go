package tokenizer

import (
	"strings"
	"unicode/utf8"
)

// emit takes a piece of text; atStart says that it begins where the whole text
// began.
type emit func(piece string, atStart bool) error

// splitter is a pre-tokenizer: it hands on the pieces of a piece, none empty.
type splitter interface {
	split(text string, atStart bool, next emit) error
}

// finder finds all matches in a text from left to right, empty ones included.
type finder interface {
	find(text string, yield func(start, end int) error) error
}

// literal finds itself.
type literal string

func (l literal) find(text string, yield func(start, end int) error) error {
	for done := 0; ; {
		i := strings.Index(text[done:], string(l))
		if i < 0 {
			return nil
		}
		if err := yield(done+i, done+i+len(l)); err != nil {
			return err
		}
		done += i + len(l)
	}
}

// characters finds single characters that have one of the classes, or are r.
type characters struct {
	classes *classes
	set     class
	r       rune
}

func (c characters) find(text string, yield func(start, end int) error) error {
	for i, r := range text {
		if r == c.r || c.classes[r]&c.set != 0 {
			if err := yield(i, i+utf8.RuneLen(r)); err != nil {
				return err
			}
		}
	}
	return nil
}

// words finds words and runs of what is neither word nor white space.
type words struct{ classes *classes }

func (w words) find(text string, yield func(start, end int) error) error {
	const kinds = classWord | classSpace
	for i := 0; i < len(text); {
		start := i
		c, n := w.classes.of(text[i:])
		for i += n; i < len(text); i += n {
			var next class
			if next, n = w.classes.of(text[i:]); next&kinds != c&kinds {
				break
			}
		}
		if c&kinds == classSpace {
			continue
		}
		if err := yield(start, i); err != nil {
			return err
		}
	}
	return nil
}

// fixedLength cuts a text into pieces of so many characters.
type fixedLength int

func (f fixedLength) split(text string, atStart bool, next emit) error {
	chars, start := 0, 0
	for i := range text {
		if chars == int(f) {
			if err := next(text[start:i], atStart && start == 0); err != nil {
				return err
			}
			chars, start = 0, i
		}
		chars++
	}
	return next(text[start:], atStart && start == 0)
}

// behavior says what becomes of a match that splits a text.
type behavior string

const (
	isolated           behavior = "Isolated"
	removed            behavior = "Removed"
	mergedWithPrevious behavior = "MergedWithPrevious"
	mergedWithNext     behavior = "MergedWithNext"
	contiguous         behavior = "Contiguous"
)

// split cuts a text at the matches of a pattern, or, inverted, at what is
// between them.
type split struct {
	pattern  finder
	behavior behavior
	invert   bool
}

// span is a stretch of text that is a match, or is between two.
type span struct {
	start, end int
	match      bool
}

func (s split) split(text string, atStart bool, next emit) error {
	hand := func(start, end int) error {
		if start == end {
			return nil
		}
		return next(text[start:end], atStart && start == 0)
	}
	if s.behavior == isolated || s.behavior == removed {
		keepMatch := s.behavior == isolated || s.invert
		keepOther := s.behavior == isolated || !s.invert
		return s.spans(text, func(p span) error {
			if p.match && !keepMatch || !p.match && !keepOther {
				return nil
			}
			return hand(p.start, p.end)
		})
	}
	var list []span
	err := s.spans(text, func(p span) error {
		p.match = p.match != s.invert
		list = append(list, p)
		return nil
	})
	if err != nil {
		return err
	}
	for _, p := range merge(list, s.behavior) {
		if err := hand(p.start, p.end); err != nil {
			return err
		}
	}
	return nil
}

// spans covers text with matches and what is between them.
func (s split) spans(text string, yield func(span) error) error {
	done := 0
	err := s.pattern.find(text, func(start, end int) error {
		if done < start {
			if err := yield(span{done, start, false}); err != nil {
				return err
			}
		}
		done = end
		return yield(span{start, end, true})
	})
	if err == nil && done < len(text) {
		err = yield(span{done, len(text), false})
	}
	return err
}

// merge joins spans in place.
//
// Source: NormalizedString::split.
func merge(list []span, how behavior) []span {
	out := list[:0]
	before := false
	if how == mergedWithNext {
		at := len(list)
		for i := len(list) - 1; i >= 0; i-- {
			p := list[i]
			if p.match && !before && at < len(list) {
				list[at].start = p.start
			} else {
				at--
				list[at] = p
			}
			before = p.match
		}
		return list[at:]
	}
	for _, p := range list {
		join := p.match && !before
		if how == contiguous {
			join = p.match == before
		}
		if join && len(out) > 0 {
			out[len(out)-1].end = p.end
		} else {
			out = append(out, p)
		}
		before = p.match
	}
	return out
}

// spacePrefix is ByteLevel's add_prefix_space.
type spacePrefix struct{}

func (spacePrefix) split(text string, atStart bool, next emit) error {
	if !strings.HasPrefix(text, " ") {
		text = " " + text
	}
	return next(text, atStart)
}

// byteLetters spells every byte as a character, as ByteLevel does. Where it is
// the last step it is left out, and the model takes the bytes themselves.
type byteLetters struct{ alphabet *alphabet }

func (b byteLetters) split(text string, atStart bool, next emit) error {
	return next(b.alphabet.spell(text), atStart)
}

// metaspace puts a visible character in the place of spaces, and perhaps one in
// front.
type metaspace struct {
	replacement string
	scheme      string // "always", "first", "never"
	cut         bool
}

func (m metaspace) split(text string, atStart bool, next emit) error {
	text = strings.ReplaceAll(text, " ", m.replacement)
	if m.scheme == "always" || m.scheme == "first" && atStart {
		if !strings.HasPrefix(text, m.replacement) {
			text = m.replacement + text
		}
	}
	if !m.cut {
		return next(text, atStart)
	}
	return split{pattern: literal(m.replacement), behavior: mergedWithNext}.split(text, atStart, next)
}

// alphabet is GPT-2's bijection of bytes and visible characters.
type alphabet struct {
	letters [256]rune
	bytes   [512]int16 // by character; -1 for none
}

func newAlphabet() *alphabet {
	a := new(alphabet)
	for i := range a.bytes {
		a.bytes[i] = -1
	}
	n := rune(256)
	for b := range rune(256) {
		letter := b
		if b < '!' || b > '~' && b < 0xa1 || b == 0xad {
			letter, n = n, n+1
		}
		a.letters[b] = letter
		a.bytes[letter] = int16(b)
	}
	return a
}

// spell returns text with every byte as a letter.
func (a *alphabet) spell(text string) string {
	out := make([]byte, 0, len(text)+len(text)/2)
	for i := range len(text) {
		out = utf8.AppendRune(out, a.letters[text[i]])
	}
	return string(out)
}

// read is the inverse of spell; ok is false where a character is no letter.
func (a *alphabet) read(token string) (text string, ok bool) {
	out := make([]byte, 0, len(token))
	for _, r := range token {
		if int(r) >= len(a.bytes) || a.bytes[r] < 0 {
			return "", false
		}
		out = append(out, byte(a.bytes[r]))
	}
	return string(out), true
}
