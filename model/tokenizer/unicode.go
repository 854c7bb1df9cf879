package tokenizer

import (
	"sync"
	"unicode"
	"unicode/utf8"
)

// class is a set of properties of a character, as Oniguruma and Rust's standard
// library have them.
type class uint16

const (
	classL       class = 1 << iota // \p{L}
	classN                         // \p{N}
	classM                         // \p{M}
	classP                         // \p{P}
	classS                         // \p{S}
	classSpace                     // \s
	classUpper                     // [\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]
	classLower                     // [\p{Ll}\p{Lm}\p{Lo}\p{M}]
	classNumeric                   // Rust's char::is_numeric
	classPunct                     // Rust's is_ascii_punctuation, or \p{P} of the crate unicode_categories
	classWord                      // Rust's \w in crate regex
	classHan                       // \p{Han}
)

// Oniguruma's tables are of Unicode 16, Go's of 15. Nothing left a category, so
// additions are enough. Ranges are pairs of characters, first and last.
// Found by running every character through tokenizers 0.23.3.
const (
	newerLu = "\u1c89\u1c89\ua7cb\ua7cc\ua7da\ua7da\ua7dc\ua7dc\U00010d50\U00010d65"
	newerLl = "\u1c8a\u1c8a\ua7cd\ua7cd\ua7db\ua7db\U00010d70\U00010d85"
	newerLm = "\U00010d4e\U00010d4e\U00010d6f\U00010d6f\U00016d40\U00016d42\U00016d6b\U00016d6c"
	newerLo = "\U000105c0\U000105f3\U00010d4a\U00010d4d\U00010d4f\U00010d4f\U00010ec2\U00010ec4\U00011380\U00011389\U0001138b\U0001138b\U0001138e\U0001138e" +
		"\U00011390\U000113b5\U000113b7\U000113b7\U000113d1\U000113d1\U000113d3\U000113d3\U00011bc0\U00011be0\U00013460\U000143fa\U00016100\U0001611d\U00016d43\U00016d6a" +
		"\U00018cff\U00018cff\U0001e5d0\U0001e5ed\U0001e5f0\U0001e5f0"
	newerHan = "\U0002ebf0\U0002ee5d" // letters (Lo) too
	newerNd  = "\U00010d40\U00010d49\U000116d0\U000116e3\U00011bf0\U00011bf9\U00016130\U00016139\U00016d70\U00016d79\U0001ccf0\U0001ccf9\U0001e5f1\U0001e5fa"
	newerM   = "\u0897\u0897\U00010d69\U00010d6d\U00010efc\U00010efc\U000113b8\U000113c0\U000113c2\U000113c2\U000113c5\U000113c5\U000113c7\U000113ca\U000113cc\U000113d0" +
		"\U000113d2\U000113d2\U000113e1\U000113e2\U00011f5a\U00011f5a\U0001611e\U0001612f\U0001e5ee\U0001e5ef"
	newerP = "\u1b4e\u1b4f\u1b7f\u1b7f\U00010d6e\U00010d6e\U000113d4\U000113d5\U000113d7\U000113d8\U00011be1\U00011be1\U00016d6d\U00016d6f\U0001e5ff\U0001e5ff"
	newerS = "\u2427\u2429\u2ffc\u2fff\u31e4\u31e5\u31ef\u31ef\U00010d8e\U00010d8f\U0001cc00\U0001ccef\U0001cd00\U0001ceb3\U0001f8b2\U0001f8bb\U0001f8c0\U0001f8c1" +
		"\U0001fa89\U0001fa89\U0001fa8f\U0001fa8f\U0001fabe\U0001fabe\U0001fac6\U0001fac6\U0001fadc\U0001fadc\U0001fadf\U0001fadf\U0001fae9\U0001fae9\U0001fbcb\U0001fbef"

	// numericOnly is in Rust's char::is_numeric and not yet in \p{N}.
	numericOnly = "\U00011de0\U00011de9\U00016ff4\U00016ff6"
	// The crate unicode_categories has two marks that lost \p{P} since, and
	// lacks those that came after Unicode 8.
	punctMore = "\u166d\u166d\U000111c9\U000111c9"
	punctLess = "\u061d\u061d\u09fd\u09fd\u0a76\u0a76\u0c77\u0c77\u0c84\u0c84\u1b7d\u1b7e\u2e43\u2e4f\u2e52\u2e5d\U00010ead\U00010ead\U00010f55\U00010f59\U00010f86\U00010f89" +
		"\U0001144b\U0001144f\U0001145a\U0001145b\U0001145d\U0001145d\U00011660\U0001166c\U000116b9\U000116b9\U0001183b\U0001183b\U00011944\U00011946\U000119e2\U000119e2" +
		"\U00011a3f\U00011a46\U00011a9a\U00011a9c\U00011a9e\U00011aa2\U00011b00\U00011b09\U00011c41\U00011c45\U00011c70\U00011c71\U00011ef7\U00011ef8\U00011f43\U00011f4f" +
		"\U00011fff\U00011fff\U00012ff1\U00012ff2\U00016e97\U00016e9a\U00016fe2\U00016fe2\U0001e95e\U0001e95f"
)

// classes has the class of every character.
type classes [unicode.MaxRune + 1]class

// sharedClasses is made once: it has two megabytes, and does not change.
var sharedClasses = sync.OnceValue(newClasses)

func newClasses() *classes {
	c := new(classes)
	c.table(unicode.Lu, newerLu, classL|classUpper)
	c.table(unicode.Lt, "", classL|classUpper)
	c.table(unicode.Ll, newerLl, classL|classLower)
	c.table(unicode.Lm, newerLm, classL|classUpper|classLower)
	c.table(unicode.Lo, newerLo+newerHan, classL|classUpper|classLower)
	c.table(unicode.M, newerM, classM|classUpper|classLower)
	c.table(unicode.N, newerNd, classN|classNumeric)
	c.table(unicode.P, "", classP|classPunct)
	c.text(newerP, classP)
	c.table(unicode.S, newerS, classS)
	c.table(unicode.White_Space, "", classSpace)
	c.table(unicode.Han, newerHan, classHan)
	for _, t := range []*unicode.RangeTable{unicode.L, unicode.M, unicode.Nd, unicode.Nl, unicode.Pc, unicode.Other_Alphabetic, unicode.Join_Control} {
		c.table(t, "", classWord)
	}
	c.text(newerLu+newerLl+newerLm+newerLo+newerHan+newerM+newerNd, classWord)
	c.text(numericOnly, classNumeric)
	c.text(punctMore, classPunct)
	for i := 0; i+1 < len(punctLess); {
		var first, last rune
		first, last, i = pair(punctLess, i)
		for r := first; r <= last; r++ {
			c[r] &^= classPunct
		}
	}
	for r := range rune(utf8.RuneSelf) {
		if c[r]&(classP|classS) != 0 {
			c[r] |= classPunct
		}
	}
	return c
}

// of returns the class of the character that text begins with, and its bytes.
func (c *classes) of(text string) (class, int) {
	if text[0] < utf8.RuneSelf {
		return c[text[0]], 1
	}
	r, size := utf8.DecodeRuneInString(text)
	return c[r], size
}

func (c *classes) fill(first, last, stride rune, set class) {
	for r := first; r <= last; r += stride {
		c[r] |= set
	}
}

func (c *classes) table(t *unicode.RangeTable, newer string, set class) {
	for _, r := range t.R16 {
		c.fill(rune(r.Lo), rune(r.Hi), rune(r.Stride), set)
	}
	for _, r := range t.R32 {
		c.fill(rune(r.Lo), rune(r.Hi), rune(r.Stride), set)
	}
	c.text(newer, set)
}

func (c *classes) text(ranges string, set class) {
	for i := 0; i < len(ranges); {
		var first, last rune
		first, last, i = pair(ranges, i)
		c.fill(first, last, 1, set)
	}
}

// pair returns the range that begins at byte i of ranges, and where the next is.
func pair(ranges string, i int) (first, last rune, next int) {
	first, n := utf8.DecodeRuneInString(ranges[i:])
	last, m := utf8.DecodeRuneInString(ranges[i+n:])
	return first, last, i + n + m
}
