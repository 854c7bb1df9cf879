package tokenizer

import (
	"maps"
	"slices"
	"unicode"
)

// scripts cuts a text where the script changes. A character without a script
// (spaces, and those of later versions of Unicode) belongs to what is before it.
//
// Source: UnicodeScripts of the Rust library, which loses such characters at the
// begin of a text.
type scripts [unicode.MaxRune + 1]uint8 // number of the script; 0: none

func newScripts() *scripts {
	s := new(scripts)
	for i, name := range slices.Sorted(maps.Keys(unicode.Scripts)) {
		number := uint8(i + 1)
		switch name {
		case "Hiragana", "Katakana": // Japanese is one script
			continue
		case "Common":
			number = scriptCommon
		}
		s.fill(unicode.Scripts[name], number)
	}
	han := s['一']
	s.fill(unicode.Hiragana, han)
	s.fill(unicode.Katakana, han)
	s['ー'], s[' '] = han, 0
	s.fill(rangesTable(newerScripts), 0)
	s[0x589], s[0x61c] = scriptCommon, scriptCommon // have others since
	s[0x953], s[0x954] = s[0x93f], s[0x93f]
	return s
}

const scriptCommon = 255

func (s *scripts) fill(t *unicode.RangeTable, number uint8) {
	for _, r := range slices.Concat(ranges16(t), t.R32) {
		for c := r.Lo; c <= r.Hi; c += r.Stride {
			s[c] = number
		}
	}
}

func (s *scripts) split(text string, atStart bool, next emit) error {
	start, last := -1, uint8(0)
	for i, r := range text {
		script := s[r]
		if script == 0 {
			continue
		}
		if script != last {
			if start >= 0 {
				if err := next(text[start:i], atStart && start == 0); err != nil {
					return err
				}
			}
			start, last = i, script
		}
	}
	if start < 0 {
		return nil
	}
	return next(text[start:], atStart && start == 0)
}
