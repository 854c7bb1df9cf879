// Package pystr is Python's str, where lm-evaluation-harness's prompts depend
// on it and Go's strings and unicode packages answer otherwise: what counts as
// whitespace, and full case mappings ("ß" becomes "Ss").
//
// It deliberately holds nothing that Go does alike (replace, split by a string,
// UTF-8). Strings are expected to be valid UTF-8: a Python str always is, up to
// lone surrogates, which pyjson refuses.
package pystr

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/cases"
	"golang.org/x/text/language"
)

// IsSpace is str.isspace of one character, and what \s and str.strip mean by
// whitespace. unicode.IsSpace lacks U+001C to U+001F.
func IsSpace(r rune) bool {
	return unicode.IsSpace(r) || 0x1c <= r && r <= 0x1f
}

// Strip is s.strip().
func Strip(s string) string { return strings.TrimFunc(s, IsSpace) }

// Lower is s.lower(), final sigma and all.
func Lower(s string) string { return cases.Lower(language.Und).String(s) }

// LowerFirst is s[0].lower() + s[1:]; "" stays "".
func LowerFirst(s string) string {
	_, n := utf8.DecodeRuneInString(s)
	return Lower(s[:n]) + s[n:]
}

// Capitalize is s.capitalize(): the first character in title case and all
// others in lower case.
func Capitalize(s string) string {
	_, n := utf8.DecodeRuneInString(s)
	first := s[:n]
	// A sigma is final only behind another letter, so lower the whole string and
	// then exchange its beginning.
	rest := Lower(s)[len(Lower(first)):]
	return cases.Title(language.Und, cases.NoLower).String(first) + rest
}

// CountSplit is len(re.split(r"\s+", s)): the runs of other characters, and one
// more for whitespace at the beginning and at the end.
func CountSplit(s string) int {
	n, inSpace := 1, false
	for _, r := range s {
		space := IsSpace(r)
		if space && !inSpace {
			n++
		}
		inSpace = space
	}
	return n
}
