package tokenizer

import (
	"errors"
	"slices"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// normalizer rewrites a text before it is split.
type normalizer interface {
	normalize(text string) (string, error)
}

type normalizerSequence []normalizer

func (s normalizerSequence) normalize(text string) (string, error) {
	text, _, err := s.follow(text)
	return text, err
}

// dropper is a normalizer that may leave out what a text begins with.
type dropper interface {
	dropsStart(text string) bool
}

// follow normalizes text. kept says that the begin of text is still there: the
// pre-tokenizer Metaspace wants to know.
func (s normalizerSequence) follow(text string) (out string, kept bool, err error) {
	size := len(text)
	kept = true
	for _, n := range s {
		if d, ok := n.(dropper); ok && d.dropsStart(text) {
			kept = false
		}
		if text, err = n.normalize(text); err != nil {
			return "", false, err
		}
		if err := checkGrowth(size, len(text)); err != nil {
			return "", false, err
		}
	}
	return text, kept, nil
}

// replace puts content in place of every match.
type replace struct {
	pattern finder
	content string
}

func (r replace) normalize(text string) (string, error) {
	if l, ok := r.pattern.(literal); ok && len(l) >= len(r.content) {
		return strings.ReplaceAll(text, string(l), r.content), nil
	}
	var b strings.Builder
	done := 0
	err := r.pattern.find(text, func(start, end int) error {
		b.WriteString(text[done:start])
		b.WriteString(r.content)
		done = end
		return checkGrowth(len(text), b.Len())
	})
	b.WriteString(text[done:])
	return b.String(), err
}

// dropsStart says whether a match at the begin is replaced by nothing, or is of
// several characters, in whose last place the content is.
func (r replace) dropsStart(text string) bool {
	drops := false
	err := r.pattern.find(text, func(start, end int) error {
		drops = start == 0 && (r.content == "" && end > 0 || utf8.RuneCountInString(text[:end]) > 1)
		return errStop
	})
	return drops && err == errStop
}

// errStop ends a search.
var errStop = errors.New("enough")

// prepend puts a text in front of any that is not empty.
type prepend string

func (p prepend) normalize(text string) (string, error) {
	if text == "" {
		return text, nil
	}
	return string(p) + text, nil
}

// newerMarks are the characters that have a combining class, or compose, in
// Go's Unicode 15 and not in the Unicode 9 of the crate under Rust's NFC and
// NFD: there they are starters that compose with nothing. Pairs of first and
// last.
const newerMarks = "\u07fd\u07fd\u0898\u089f\u08ca\u08d3\u09fe\u09fe\u0c3c\u0c3c\u0d3b\u0d3c\u0eba\u0eba\u1715\u1715\u1abf\u1ace\u1df6\u1dfa\ua82c\ua82c" +
	"\U00010d24\U00010d27\U00010eab\U00010eac\U00010efd\U00010eff\U00010f46\U00010f50\U00010f82\U00010f85\U00011070\U00011070\U0001133b\U0001133b\U0001145e\U0001145e" +
	"\U00011839\U0001183a\U0001193d\U0001193e\U00011943\U00011943\U000119e0\U000119e0\U00011a34\U00011a34\U00011a47\U00011a47\U00011a99\U00011a99\U00011d42\U00011d42" +
	"\U00011d44\U00011d45\U00011d97\U00011d97\U00011f41\U00011f42\U00016ff0\U00016ff1\U0001e08f\U0001e08f\U0001e130\U0001e136\U0001e2ae\U0001e2ae\U0001e2ec\U0001e2ef" +
	"\U0001e4ec\U0001e4ef" +
	"\U00011930\U00011930\U00011935\U00011935\U00011938\U00011938" // Dives Akuru: the one new composition

// composer is NFC, NFD, NFKC or NFKD.
//
// What is in that form already is found by x/text. The rest is done here by the
// algorithm of the standard (UAX #15), since x/text knows marks that the Rust
// crate does not, and puts a joiner into runs of more than 30 marks.
type composer struct {
	form       norm.Form
	decompose  norm.Form
	compose    bool
	newer      ranges // starters that compose with nothing
	compatible ranges // what does not decompose
}

// decomposition says into what characters are taken apart.
type decomposition int

const (
	canonical  decomposition = iota
	compatible               // also into some that look otherwise
)

func newComposer(kind decomposition, compose bool) composer {
	c := composer{form: norm.NFD, decompose: norm.NFD, compose: compose, newer: rangesOf(newerMarks)}
	if kind == compatible {
		c.form, c.decompose, c.compatible = norm.NFKD, norm.NFKD, rangesOf(newerCompatible)
	}
	if compose {
		c.form -= norm.NFD - norm.NFC
	}
	return c
}

func (c composer) normalize(text string) (string, error) {
	if c.form.IsNormalString(text) {
		return text, nil
	}
	runes, marks := c.decomposed(text)
	if c.compose {
		runes = c.composed(runes, marks)
	}
	return string(runes), nil
}

// decomposed returns the decomposition of text in canonical order,
// with the combining class of each character.
func (c composer) decomposed(text string) (runes []rune, marks []uint8) {
	type char struct {
		r    rune
		mark uint8
	}
	list := make([]char, 0, len(text))
	for _, r := range text {
		if r < utf8.RuneSelf || c.newer[r] || c.compatible[r] {
			list = append(list, char{r: r})
			continue
		}
		for _, d := range c.decompose.String(string(r)) {
			mark := norm.NFD.PropertiesString(string(d)).CCC()
			if c.newer[d] {
				mark = 0
			}
			list = append(list, char{d, mark})
		}
	}
	for i := 0; i < len(list); {
		if list[i].mark == 0 {
			i++
			continue
		}
		end := i
		for end < len(list) && list[end].mark != 0 {
			end++
		}
		slices.SortStableFunc(list[i:end], func(a, b char) int { return int(a.mark) - int(b.mark) })
		i = end
	}
	runes, marks = make([]rune, len(list)), make([]uint8, len(list))
	for i, ch := range list {
		runes[i], marks[i] = ch.r, ch.mark
	}
	return runes, marks
}

// composed puts together what can be, in place.
func (c composer) composed(runes []rune, marks []uint8) []rune {
	out := runes[:0]
	starter, last := -1, -1 // last: class of the character before, -1 for the starter itself
	for i, r := range runes {
		mark := int(marks[i])
		if starter >= 0 && (last < 0 || last < mark) {
			if both, ok := c.pair(out[starter], r); ok {
				out[starter] = both
				continue
			}
		}
		out = append(out, r)
		if last = mark; mark == 0 {
			starter, last = len(out)-1, -1
		}
	}
	return out
}

func (c composer) pair(a, b rune) (both rune, ok bool) {
	if b < utf8.RuneSelf || c.newer[a] || c.newer[b] {
		return 0, false
	}
	s := norm.NFC.String(string([]rune{a, b}))
	both, size := utf8.DecodeRuneInString(s)
	return both, size == len(s)
}
