package tokenizer

import "unicode/utf8"

// Patterns that published tokenizers split texts with, as they are spelled there.
const (
	patternGPT2 = `'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`

	patternLlama3 = `(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`
	patternQwen2  = `(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`
	patternQwen35 = `(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N}| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`

	patternO200k  = `[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+`
	patternTekken = `[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+`
)

// scanner splits a text as one of the patterns above does, without a regular
// expression. All of them match at every position, so matches cover a text.
//
// The alternatives are tried in the pattern's order: contractions, words,
// digits, punctuation, lines, spaces.
type scanner struct {
	classes      *classes
	contractions bool  // alternatives of their own, in front of all others
	fold         bool  // contractions in either case
	cased        bool  // words are capitals, then small letters (o200k, tekken)
	suffixed     bool  // contractions belong to the word before
	letters      class // what words are of, where not cased
	leading      class // what may not stand before a word; 0: only a space may
	digits       int   // digits together at most; 0: any number, after a space
	slashes      bool  // punctuation takes slashes after it as well as newlines
	lines        bool  // newlines end punctuation and spaces
}

// scannerFor returns the scanner of pattern; ok is false where there is none.
func scannerFor(pattern string, c *classes) (s scanner, ok bool) {
	s = scanner{classes: c, contractions: true, fold: true, letters: classL, leading: classL | classN, digits: 3, lines: true}
	switch pattern {
	case patternGPT2:
		s.fold, s.leading, s.digits, s.lines = false, 0, 0, false
	case patternLlama3:
	case patternQwen2:
		s.digits = 1
	case patternQwen35:
		s.digits, s.letters = 1, classL|classM
	case patternO200k:
		s.contractions, s.cased, s.suffixed, s.slashes = false, true, true, true
	case patternTekken:
		s.contractions, s.cased, s.slashes, s.digits = false, true, true, 1
	default:
		return scanner{}, false
	}
	return s, true
}

func (s scanner) find(text string, yield func(start, end int) error) error {
	for i := 0; i < len(text); {
		n := s.next(text[i:])
		if err := yield(i, i+n); err != nil {
			return err
		}
		i += n
	}
	return nil
}

// next returns the bytes of the match that text begins with.
func (s scanner) next(text string) int {
	if s.contractions {
		if n := s.contraction(text); n > 0 {
			return n
		}
	}
	if n := s.word(text); n > 0 {
		return n
	}
	if n := s.number(text); n > 0 {
		return n
	}
	if n := s.punctuation(text); n > 0 {
		return n
	}
	return s.space(text)
}

// contraction matches 's|'t|'re|'ve|'m|'ll|'d.
func (s scanner) contraction(text string) int {
	if len(text) < 2 || text[0] != '\'' {
		return 0
	}
	a := text[1]
	b := byte(0)
	if len(text) > 2 {
		b = text[2]
	}
	if s.fold {
		if a == 0xc5 && b == 0xbf { // ſ is an s in another case
			return 3
		}
		a, b = lower(a), lower(b)
	}
	switch {
	case a == 's', a == 't', a == 'm', a == 'd':
		return 2
	case a == 'r' && b == 'e', a == 'v' && b == 'e', a == 'l' && b == 'l':
		return 3
	}
	return 0
}

func lower(b byte) byte {
	if b >= 'A' && b <= 'Z' {
		b += 'a' - 'A'
	}
	return b
}

// run returns the bytes of the longest run at the start of text of characters
// that have one of the classes.
func (s scanner) run(text string, set class) int {
	i := 0
	for i < len(text) {
		c, n := s.classes.of(text[i:])
		if c&set == 0 {
			break
		}
		i += n
	}
	return i
}

// word matches letters, with one other character before them.
func (s scanner) word(text string) int {
	first, n := s.classes.of(text)
	lead := 0
	if s.leading == 0 {
		if text[0] == ' ' {
			lead = 1
		}
	} else if first&s.leading == 0 && text[0] != '\r' && text[0] != '\n' {
		lead = n
	}
	if s.cased {
		end := s.casedWord(text, lead)
		if end == 0 && lead > 0 {
			end = s.casedWord(text, 0) // a mark may be the lead and a letter
		}
		if end > 0 && s.suffixed {
			end += s.contraction(text[end:])
		}
		return end
	}
	if run := s.run(text[lead:], s.letters); run > 0 {
		return lead + run
	}
	return s.run(text, s.letters)
}

// casedWord matches U*W+|U+W* after lead bytes, where U are capitals and W
// small letters; letters without case and marks are both.
func (s scanner) casedWord(text string, lead int) int {
	upper := lead
	both := 0 // the end of the last character of U* that is in W too
	for upper < len(text) {
		c, n := s.classes.of(text[upper:])
		if c&classUpper == 0 {
			break
		}
		upper += n
		if c&classLower != 0 {
			both = upper
		}
	}
	if run := s.run(text[upper:], classLower); run > 0 {
		return upper + run
	}
	if both > 0 {
		return both
	}
	if lead > 0 && s.markAlone(text) {
		return 0
	}
	if upper > lead {
		return upper
	}
	return 0
}

// markAlone says that the first character may be the small letter of a word of
// its own: the first alternative without a lead goes before the second.
func (s scanner) markAlone(text string) bool {
	c, _ := s.classes.of(text)
	return c&classLower != 0
}

func (s scanner) number(text string) int {
	if s.digits == 0 {
		lead := 0
		if text[0] == ' ' {
			lead = 1
		}
		if run := s.run(text[lead:], classN); run > 0 {
			return lead + run
		}
		return 0
	}
	i := 0
	for k := 0; k < s.digits && i < len(text); k++ {
		c, n := s.classes.of(text[i:])
		if c&classN == 0 {
			break
		}
		i += n
	}
	return i
}

// punctuation matches ` ?[^\s\p{L}\p{N}]+[\r\n]*`, or without marks.
func (s scanner) punctuation(text string) int {
	i := 0
	if text[0] == ' ' {
		i = 1
	}
	start := i
	for i < len(text) {
		c, n := s.classes.of(text[i:])
		if c&(classSpace|classL|classN|s.letters) != 0 {
			break
		}
		i += n
	}
	if i == start {
		return 0
	}
	if s.lines {
		for i < len(text) && (text[i] == '\r' || text[i] == '\n' || s.slashes && text[i] == '/') {
			i++
		}
	}
	return i
}

// space matches `\s*[\r\n]+|\s+(?!\S)|\s+`.
func (s scanner) space(text string) int {
	end, last, line := 0, 0, 0
	for end < len(text) {
		c, n := s.classes.of(text[end:])
		if c&classSpace == 0 {
			break
		}
		last = end
		if text[end] == '\r' || text[end] == '\n' {
			line = end + 1
		}
		end += n
	}
	switch {
	case s.lines && line > 0:
		return line
	case end == 0: // no pattern leaves a character out; do not stand still if one should
		_, n := utf8.DecodeRuneInString(text)
		return n
	case end < len(text) && last > 0:
		return last
	}
	return end
}
