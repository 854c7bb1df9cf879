package published

import (
	"slices"
	"strings"
	"unicode/utf8"
)

// Functional is the score of mascarade-eval by domain, nil where it has none: of
// domains without a scorer, and of texts that do not parse.
func Functional(domain, generated, expected string) Record {
	var r Record
	switch domain {
	case "kicad":
		r = Symbol(generated, expected)
	case "spice", "emc", "dsp", "power":
		r = SPICE(generated, expected)
	}
	if parsed, _ := r.Number("parse_ok"); parsed == 0 {
		return nil
	}
	return r
}

// Verdict says what mascarade-eval concludes of two mean scores.
func Verdict(base, lora float64, n int) string {
	switch lift := lora - base; {
	case n < 20:
		return "basse confiance"
	case base >= 0.85 && lift < 0.15:
		return "domaine sans besoin de LoRA"
	case lift >= 0.15:
		return "a appris"
	}
	return "faible"
}

// Normalize writes a question without capitals and punctuation, but for that
// between two digits.
func Normalize(s string) string {
	low := lower(s)
	var b strings.Builder
	before := rune(-1)
	for i, r := range low {
		after := rune(-1)
		if next := i + utf8.RuneLen(r); next < len(low) {
			after, _ = decodeAt(low, next)
		}
		if isWord(r) || isSpace(r) || isDecimal(before) && isDecimal(after) {
			b.WriteRune(r)
		} else {
			b.WriteByte(' ')
		}
		before = r
	}
	return strings.Join(words(b.String()), " ")
}

// Shingles are the pairs of neighbouring content words of a text, in order of
// their text; the only word where there is one.
func Shingles(s string) []string {
	content := slices.DeleteFunc(words(Normalize(s)), func(w string) bool { return functionWords[w] })
	if len(content) == 1 {
		return content
	}
	pairs := []string{}
	for i := 1; i < len(content); i++ {
		pairs = append(pairs, content[i-1]+" "+content[i])
	}
	slices.Sort(pairs)
	return slices.Compact(pairs)
}

// Leak compares a held-out question with one of the training set: the share of
// the smaller one's pairs of words that both have, and whether that, or equal
// texts, makes it a leak.
func Leak(heldOut, training string) (leak bool, overlap float64) {
	a, b := Shingles(heldOut), Shingles(training)
	if len(a) > 0 && len(b) > 0 {
		both := 0
		for _, p := range a {
			if _, found := slices.BinarySearch(b, p); found {
				both++
			}
		}
		overlap = float64(both) / float64(min(len(a), len(b)))
	}
	return Normalize(heldOut) == Normalize(training) || overlap >= 0.6, overlap
}

// functionWords are English words that carry grammar and little else, which the
// leak filter leaves out. Words that commands begin with (set, get, use, make)
// count as content.
var functionWords = func() set {
	all := set{}
	for _, kind := range []string{
		"a an the", // articles
		"and or but if then else than so",
		"about at by down for from in into just of off on only out over to under up with without",
		"are as be been being can could did do does had has have is may might must shall should was were will would",
		"he her him his i it its me my our she that their them these they this those us we you your",
		"how what when where which who whom whose why",
		"all also any here more most no not other own same some such there too very yes",
		"need want",
	} {
		for _, w := range strings.Fields(kind) {
			all[w] = true
		}
	}
	return all
}()
