package tokenizer

import (
	"fmt"
	"time"

	"github.com/dlclark/regexp2"
)

// How long an expression may take: for one search; and for all searches in a text,
// with some time for each byte. Expressions that go back far are possible, and a
// text may be made to let them. A published one takes half a microsecond for a
// byte; the rest is for machines that have much else to do.
const (
	regexTime     = 5 * time.Second
	regexTextTime = 15 * time.Second
	regexByteTime = 50 * time.Microsecond
)

// regex is a regular expression without a scanner of its own.
type regex struct {
	expr string
	re   *regexp2.Regexp
}

// newRegex compiles expr, which is in Oniguruma's language.
func newRegex(expr string) (finder, error) {
	translated, err := translate(expr)
	if err != nil {
		return nil, fmt.Errorf("%.80q: %w", expr, err)
	}
	re, err := regexp2.Compile(translated, regexp2.None)
	if err != nil {
		return nil, fmt.Errorf("%.80q: %w", expr, err)
	}
	re.MatchTimeout = regexTime
	return regex{expr, re}, nil
}

func (r regex) find(text string, yield func(start, end int) error) error {
	m, err := r.re.FindStringMatch(text)
	at, bytes := 0, 0 // a place in characters, and in bytes
	offset := func(chars int) int {
		for ; at < chars; at++ {
			bytes += runeSize(text[bytes])
		}
		return bytes
	}
	last := -1
	deadline := time.Now().Add(regexTextTime + time.Duration(len(text))*regexByteTime)
	for ; m != nil && err == nil; m, err = r.re.FindNextMatch(m) {
		if time.Now().After(deadline) {
			return fmt.Errorf("split at %.60q: it takes too long on a text of %d bytes", r.expr, len(text))
		}
		start, end := offset(m.Index), offset(m.Index+m.Length)
		if start == end && start == last { // no match for Oniguruma's iterator
			continue
		}
		last = end
		if err := yield(start, end); err != nil {
			return err
		}
	}
	if err != nil {
		return fmt.Errorf("split at %.60q: %w", r.expr, err)
	}
	return nil
}

// runeSize returns the bytes of a character by the first, in valid UTF-8.
func runeSize(first byte) int {
	switch {
	case first < 0x80:
		return 1
	case first < 0xe0:
		return 2
	case first < 0xf0:
		return 3
	}
	return 4
}
