package published

import (
	"math/big"
	"regexp"
	"strings"
	"unicode/utf8"
)

// ExtractCode takes code out of the first pair of three backticks, as the runs
// that compile it do; the whole text where there is no pair. A word of small
// letters or + behind the first is the language's.
func ExtractCode(s string) string {
	_, rest, opened := strings.Cut(s, "```")
	if !opened {
		return strip(s)
	}
	if n := len(rest) - len(strings.TrimLeft(rest, "abcdefghijklmnopqrstuvwxyz+")); strings.HasPrefix(rest[n:], "\n") {
		rest = rest[n+1:]
	}
	code, _, closed := strings.Cut(rest, "```")
	if !closed {
		return strip(s)
	}
	return strip(code)
}

// JudgeIoT reads a judge's verdict: the first "correct": true or false.
func JudgeIoT(s string) bool {
	verdict := false
	eachFold(s, `"correct"`, func(end int) bool {
		colon := skipSpace(s, end)
		if colon == len(s) || s[colon] != ':' {
			return true
		}
		value := skipSpace(s, colon+1)
		verdict = hasFold(s, value, "true") >= 0
		return !verdict && hasFold(s, value, "false") < 0
	})
	return verdict
}

// eachFold calls f with the end of each place of word, which is in lower case
// and begins with a character that has no other case; f says whether to go on.
func eachFold(s, word string, f func(end int) bool) {
	for i := 0; i < len(s); {
		_, n := decodeAt(s, i)
		if end := hasFold(s, i, word); end >= 0 && !f(end) {
			return
		}
		i += n
	}
}

// JudgeScore reads the first "SCORE:" and a whole number that no decimal part
// follows, from 0 to 10; ok is false where there is none. Of "75.5" it reads 7.
func JudgeScore(s string) (score int, ok bool) {
	eachFold(s, "score:", func(end int) bool {
		start := skipSpace(s, end)
		last := skip(s, start, isDecimal)
		if last == start {
			return true
		}
		if strings.HasPrefix(s[last:], ".") && skip(s, last+1, isDecimal) > last+1 {
			_, n := utf8.DecodeLastRuneInString(s[start:last])
			if last -= n; last == start {
				return true
			}
		}
		score, ok = 10, true
		if digits := strings.TrimLeft(asciiDigits(s[start:last]), "0"); len(digits) < 2 {
			score = 0
			if digits != "" {
				score = int(digits[0] - '0')
			}
		}
		return false
	})
	return score, ok
}

// Jaccard is the share of words that two texts have in common, whatever their
// order and case.
func Jaccard(generated, expected string) float64 {
	wordSet := func(s string) set {
		all := set{}
		for _, w := range words(lower(s)) {
			all[w] = true
		}
		return all
	}
	a, b := wordSet(generated), wordSet(expected)
	if len(a) == 0 || len(b) == 0 {
		return 0
	}
	both := 0
	for w := range a {
		if b[w] {
			both++
		}
	}
	return float64(both) / float64(len(a)+len(b)-both)
}

// KeywordRate is the share of keywords that a text has in any case; a text of
// more than ten words that repeats itself gets half of it, or a quarter.
func KeywordRate(s string, keywords []string) float64 {
	if len(keywords) == 0 {
		return 0
	}
	low, hits := lower(s), 0
	for _, k := range keywords {
		if strings.Contains(low, lower(k)) {
			hits++
		}
	}
	rate := float64(hits) / float64(len(keywords))
	if all := words(s); len(all) > 10 {
		distinct := set{}
		for _, w := range all {
			distinct[w] = true
		}
		switch unique := float64(len(distinct)) / float64(len(all)); {
		case unique < 0.3:
			rate *= 0.25
		case unique < 0.5:
			rate *= 0.5
		}
	}
	return rate
}

// lastNumber is how the unpublished GSM8K runner seems to read answers: its rule
// is inferred, and agrees with all texts that are stored whole.
var lastNumber = regexp.MustCompile(`-?\d+(?:\.\d+)?`)

// GSM8K reads the last number of a text, and compares it with the answer by
// value.
func GSM8K(generated, gold string) Record {
	all := lastNumber.FindAllString(strings.ReplaceAll(generated, ",", ""), -1)
	if len(all) == 0 {
		return Record{{"pred", nil}, {"ok", false}}
	}
	pred := all[len(all)-1]
	return Record{{"pred", pred}, {"ok", sameNumber(pred, strings.ReplaceAll(strip(gold), ",", ""))}}
}

func sameNumber(a, b string) bool {
	if len(a) > jsonDigits || len(b) > jsonDigits {
		return false
	}
	x, okX := new(big.Rat).SetString(a)
	y, okY := new(big.Rat).SetString(b)
	return okX && okY && !strings.ContainsAny(b, "/eE_xX") && x.Cmp(y) == 0
}
