package tokenizer

import (
	"fmt"
	"math/bits"
	"slices"
	"strings"
	"unicode"
)

// charset is a set of characters, a bit for each.
type charset [(unicode.MaxRune + 64) / 64]uint64

func (s *charset) add(first, last rune) {
	for r := first; r <= last; r++ {
		s[r/64] |= 1 << (r % 64)
	}
}

func (s *charset) has(r rune) bool { return s[r/64]>>(r%64)&1 != 0 }

func (s *charset) union(o *charset) {
	for i := range s {
		s[i] |= o[i]
	}
}

func (s *charset) intersect(o *charset) {
	for i := range s {
		s[i] &= o[i]
	}
}

func (s *charset) invert() {
	for i := range s {
		s[i] = ^s[i]
	}
}

// fold adds the other cases of every character.
func (s *charset) fold() {
	more := new(charset)
	for i, word := range s {
		for ; word != 0; word &= word - 1 {
			r := rune(i*64 + bits.TrailingZeros64(word))
			for f := unicode.SimpleFold(r); f != r; f = unicode.SimpleFold(f) {
				more.add(f, f)
			}
		}
	}
	s.union(more)
}

// String writes the set as a class of a regular expression.
func (s *charset) String() string {
	var b strings.Builder
	write := func(r rune) {
		if r < 0x80 && strings.ContainsRune(`\[]^-`, r) { // \- cannot begin a range
			fmt.Fprintf(&b, `\x%02x`, r)
		} else {
			b.WriteRune(r)
		}
	}
	b.WriteByte('[')
	for r := rune(0); r <= unicode.MaxRune; r++ {
		if r%64 == 0 && s[r/64] == 0 {
			r += 63
			continue
		}
		if !s.has(r) || r >= 0xd800 && r < 0xe000 { // surrogates are in no text
			continue
		}
		first := r
		for r < unicode.MaxRune && s.has(r+1) && r+1 != 0xd800 {
			r++
		}
		write(first)
		if r > first {
			if r > first+1 {
				b.WriteByte('-')
			}
			write(r)
		}
	}
	b.WriteByte(']')
	if b.Len() == len("[]") {
		return `(?!)`
	}
	return b.String()
}

// newerAlphabetic has marks that Unicode 16 calls alphabetic, and 15 does not.
const newerAlphabetic = "\u0363\u036f\u0897\u0897\u1dd3\u1de6\U00010d69\U00010d69\U00010efc\U00010efc\U000113b8\U000113c0\U000113c2\U000113c2\U000113c5\U000113c5\U000113c7\U000113ca\U000113cc\U000113cd\U0001611e\U0001612e"

// propertySet returns the set of \p{name}, in the Unicode version of Oniguruma;
// ok is false for a name whose newer characters are not known here.
func propertySet(name string) (s *charset, ok bool) {
	type part struct {
		table *unicode.RangeTable
		newer string
	}
	upper, lower := part{unicode.Lu, newerLu}, part{unicode.Ll, newerLl}
	title, modifier, other := part{unicode.Lt, ""}, part{unicode.Lm, newerLm}, part{unicode.Lo, newerLo + newerHan}
	digits, marks := part{unicode.Nd, newerNd}, part{unicode.M, newerM}
	letters := []part{upper, lower, title, modifier, other}
	var parts []part
	switch strings.ToLower(name) {
	case "l", "letter":
		parts = letters
	case "lu":
		parts = []part{upper}
	case "ll":
		parts = []part{lower}
	case "lt":
		parts = []part{title}
	case "lm":
		parts = []part{modifier}
	case "lo":
		parts = []part{other}
	case "n":
		parts = []part{{unicode.N, newerNd}}
	case "nd", "digit":
		parts = []part{digits}
	case "nl":
		parts = []part{{unicode.Nl, ""}}
	case "no":
		parts = []part{{unicode.No, ""}}
	case "m":
		parts = []part{marks}
	case "p":
		parts = []part{{unicode.P, newerP}}
	case "s":
		parts = []part{{unicode.S, newerS}}
	case "z":
		parts = []part{{unicode.Z, ""}}
	case "zs":
		parts = []part{{unicode.Zs, ""}}
	case "cc":
		parts = []part{{unicode.Cc, ""}}
	case "space":
		parts = []part{{unicode.White_Space, ""}}
	case "han":
		parts = []part{{unicode.Han, newerHan}}
	case "hiragana":
		parts = []part{{unicode.Hiragana, ""}}
	case "katakana":
		parts = []part{{unicode.Katakana, ""}}
	case "alpha":
		parts = append(letters, part{unicode.Nl, ""}, part{unicode.Other_Alphabetic, newerAlphabetic})
	case "word":
		parts = append(letters, part{unicode.Nl, ""}, part{unicode.Other_Alphabetic, ""}, marks, digits, part{unicode.Pc, ""})
	default:
		return nil, false
	}
	s = new(charset)
	for _, p := range parts {
		for _, t := range slices.Concat(ranges16(p.table), p.table.R32) {
			for r := rune(t.Lo); r <= rune(t.Hi); r += rune(t.Stride) {
				s.add(r, r)
			}
		}
		for i := 0; i < len(p.newer); {
			var first, last rune
			first, last, i = pair(p.newer, i)
			s.add(first, last)
		}
	}
	return s, true
}

func ranges16(t *unicode.RangeTable) []unicode.Range32 {
	list := make([]unicode.Range32, len(t.R16))
	for i, r := range t.R16 {
		list[i] = unicode.Range32{Lo: uint32(r.Lo), Hi: uint32(r.Hi), Stride: uint32(r.Stride)}
	}
	return list
}
