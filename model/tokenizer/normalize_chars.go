package tokenizer

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// ranges is a set of characters that differ between versions of Unicode.
type ranges map[rune]bool

// rangesOf reads pairs of characters, first and last.
func rangesOf(text string) ranges {
	set := ranges{}
	for i := 0; i < len(text); {
		var first, last rune
		first, last, i = pair(text, i)
		for r := first; r <= last; r++ {
			set[r] = true
		}
	}
	return set
}

// perChar is a normalizer that looks at each character alone. ok says that with
// is to stand in place of r.
type perChar func(r rune) (with string, ok bool)

func (p perChar) normalize(text string) (string, error) {
	var b strings.Builder
	done := 0
	for i, r := range text {
		with, ok := p(r)
		if !ok {
			continue
		}
		b.WriteString(text[done:i])
		b.WriteString(with)
		done = i + utf8.RuneLen(r)
	}
	if done == 0 {
		return text, nil
	}
	b.WriteString(text[done:])
	return b.String(), nil
}

func (p perChar) dropsStart(text string) bool {
	r, size := utf8.DecodeRuneInString(text)
	with, ok := p(r)
	return size > 0 && ok && with == ""
}

// lowercase is char::to_lowercase, which does not look at neighbours (Σ at the
// end of a word is σ).
func lowercase() perChar {
	newer := map[rune]rune{}
	for i := 0; i < len(newerLower); {
		var capital, small rune
		capital, small, i = pair(newerLower, i)
		newer[capital] = small
	}
	return func(r rune) (string, bool) {
		if r < utf8.RuneSelf {
			if r < 'A' || r > 'Z' {
				return "", false
			}
			return string(r + 'a' - 'A'), true
		}
		if r == 'İ' {
			return "i\u0307", true
		}
		small, ok := newer[r]
		if !ok {
			small = unicode.ToLower(r)
		}
		return string(small), small != r
	}
}

// without takes characters out: those of table, but for more and less.
func without(table *unicode.RangeTable, more, less string) perChar {
	plus, minus := rangesOf(more), rangesOf(less)
	return func(r rune) (string, bool) {
		return "", r >= utf8.RuneSelf && (unicode.Is(table, r) && !minus[r] || plus[r])
	}
}

func stripAccents() perChar { return without(unicode.M, combiningMore, combiningLess) }

// nmt takes control characters out and makes spaces of others, as SentencePiece's
// rules for translation do.
func nmt(r rune) (with string, ok bool) {
	switch {
	case r >= 0x01 && r <= 0x08, r == 0x0b, r >= 0x0e && r <= 0x1f, r == 0x7f, r == 0x8f, r == 0x9f:
		if r == '\r' {
			break
		}
		return "", true
	case r == '\t', r == '\n', r == '\f', r == '\r', r == 0x1680, r >= 0x200b && r <= 0x200f, r == 0x2028, r == 0x2029,
		r == 0x2581, r == 0xfeff, r == utf8.RuneError:
		return " ", true
	}
	return "", false
}

// strip takes white space off the ends.
type strip struct {
	classes     *classes
	left, right bool
}

func (s strip) normalize(text string) (string, error) {
	space := func(r rune) bool { return s.classes[r]&classSpace != 0 }
	if s.left {
		text = strings.TrimLeftFunc(text, space)
	}
	if s.right {
		text = strings.TrimRightFunc(text, space)
	}
	return text, nil
}

func (s strip) dropsStart(text string) bool {
	r, size := utf8.DecodeRuneInString(text)
	return s.left && size > 0 && s.classes[r]&classSpace != 0
}

// normalize spells every byte as a letter.
func (b byteLetters) normalize(text string) (string, error) { return b.alphabet.spell(text), nil }

// bertNormalizers are the steps of a BertNormalizer.
func (b builder) bertNormalizers(c *component) (list normalizerSequence) {
	lower := c.boolean("lowercase", true)
	if c.boolean("clean_text", true) {
		removed := rangesOf(bertRemoved)
		list = append(list, perChar(func(r rune) (string, bool) {
			if b.classes[r]&classSpace != 0 && !removed[r] {
				return " ", r != ' '
			}
			return "", removed[r]
		}))
	}
	if c.boolean("handle_chinese_chars", true) {
		ideograph := rangesTable(ideographs)
		list = append(list, perChar(func(r rune) (string, bool) {
			if r < utf8.RuneSelf || !unicode.Is(ideograph, r) {
				return "", false
			}
			return " " + string(r) + " ", true
		}))
	}
	if c.boolean("strip_accents", lower) {
		list = append(list, newComposer(canonical, false), without(unicode.Mn, nonspacingMore, nonspacingLess))
	}
	if lower {
		list = append(list, lowercase())
	}
	return list
}

// rangesTable is rangesOf for long ranges.
func rangesTable(text string) *unicode.RangeTable {
	t := new(unicode.RangeTable)
	for i := 0; i < len(text); {
		var first, last rune
		first, last, i = pair(text, i)
		t.R32 = append(t.R32, unicode.Range32{Lo: uint32(first), Hi: uint32(last), Stride: 1})
	}
	return t
}

// maxGrowth is how many times longer a normalizer may make a text. The most that
// Unicode asks for is 18 characters for one.
const maxGrowth = 64

// checkGrowth says whether a text has become too long. What a file has put in
// place of a character is as long as the file pleases.
func checkGrowth(before, after int) error {
	if after > maxGrowth*(before+1024) {
		return fmt.Errorf("the normalizer makes more than %d bytes of %d", after, before)
	}
	return nil
}
