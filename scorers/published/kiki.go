package published

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// KIKI is one question of KIKI-native: words that have to be there.
type KIKI struct {
	Format   string   `json:"syntax_format"` // "sexpr", "schematic", "spice", or another
	Contains []string `json:"must_contain"`
	Unique   []string `json:"must_be_unique"`
}

// Score scores an answer. Nothing of it is about a circuit: the words of the
// question, in any order, pass.
func (q KIKI) Score(answer string) Record {
	syntax, note := q.syntax(answer)
	low := lower(answer)
	found, missing := 0, []string{}
	for _, w := range q.Contains {
		if strings.Contains(low, lower(w)) {
			found++
		} else {
			missing = append(missing, w)
		}
	}
	contains := 1.0
	if len(q.Contains) > 0 {
		contains = float64(found) / float64(len(q.Contains))
	}
	right, issues := 0, []string{}
	for _, ref := range q.Unique {
		switch n := countWords(answer, ref); {
		case n == 0:
			issues = append(issues, ref+"=missing")
		case n > 15:
			issues = append(issues, fmt.Sprintf("%s=spam(%d)", ref, n))
		default:
			right++
		}
	}
	unique := 1.0
	if len(q.Unique) > 0 {
		unique = float64(right) / float64(len(q.Unique))
	}
	overall := (oneIf(syntax) + contains + unique) / 3
	return Record{
		{"syntax_ok", syntax},
		{"syntax_note", note},
		{"contains_score", round(contains, 3)},
		{"missing_items", missing},
		{"unique_score", round(unique, 3)},
		{"unique_issues", issues},
		{"overall_score", round(overall, 3)},
		{"passed", overall >= 0.6},
	}
}

func (q KIKI) syntax(answer string) (ok bool, note string) {
	switch q.Format {
	case "sexpr", "schematic":
		return schematicSyntax(kikiBlock(answer))
	case "spice":
		if hasEndWord(answer) {
			return true, ".end found"
		}
		return false, "no .end directive"
	}
	return true, "no syntax check defined"
}

// kikiBlock is the first fenced block of one of seven languages or none.
func kikiBlock(s string) string {
	languages := []string{"lisp", "sexpr", "kicad", "schematic", "spice", "netlist", "text"}
	for at := 0; ; at++ {
		n := strings.Index(s[at:], "```")
		if n < 0 {
			return s
		}
		at += n
		rest := s[at+3:]
		for _, l := range languages {
			if strings.HasPrefix(rest, l+"\n") {
				rest = rest[len(l):]
				break
			}
		}
		body, opened := strings.CutPrefix(rest, "\n")
		if !opened {
			continue
		}
		block, _, closed := strings.Cut(body, "```")
		if !closed {
			return s
		}
		return block
	}
}

func schematicSyntax(s string) (ok bool, note string) {
	opened, closed := strings.Count(s, "("), strings.Count(s, ")")
	switch {
	case opened >= 5 && opened == closed && hasWordFold(s, "kicad_sch", "kicad_pcb", "symbol", "component", "net"):
		return true, fmt.Sprintf("sexpr balanced (%d pairs)", opened)
	case hasNetlistLine(s):
		// The pattern takes all the rest of the text for its first match.
		return true, "spice-like netlist (1 components)"
	case hasEndWord(s):
		return true, "spice deck (.end found)"
	case opened > 0:
		return false, fmt.Sprintf("unbalanced parens (%d vs %d), no netlist", opened, closed)
	}
	return false, "no recognizable schematic format"
}

// hasWordFold reports whether one of words stands alone, in any case.
func hasWordFold(s string, words ...string) bool {
	for i := 0; i < len(s); {
		_, n := decodeAt(s, i)
		if !wordBefore(s, i) {
			for _, w := range words {
				if end := hasFold(s, i, w); end >= 0 && !wordAt(s, end) {
					return true
				}
			}
		}
		i += n
	}
	return false
}

// hasNetlistLine reports whether a line begins with a reference in capitals and
// at least two tokens follow, on that line or on later ones. The letters are
// those of the published script, M among them.
func hasNetlistLine(s string) bool {
	for _, first := range lineHeads(s) {
		if strings.IndexByte("RCLQDM", s[first]) < 0 {
			continue
		}
		i := skip(s, first+1, func(r rune) bool { return r == '_' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' })
		tokens := 0
		for tokens < 2 {
			token := skipSpace(s, i)
			end := skipToken(s, token)
			if token == i || end == token {
				break
			}
			i = end
			tokens++
		}
		if tokens == 2 {
			return true
		}
	}
	return false
}

// hasEndWord reports whether .end stands anywhere, as a whole word in any case.
func hasEndWord(s string) bool {
	found := false
	occurrences(s, ".", func(at int) int {
		if end := hasFold(s, at, ".end"); end >= 0 && !wordAt(s, end) {
			found = true
			return len(s) + 1
		}
		return at + 1
	})
	return found
}

// countWords counts places of a word between word boundaries.
func countWords(s, word string) int {
	count := 0
	if word == "" {
		for i := 0; i <= len(s); i++ {
			if (i == len(s) || utf8.RuneStart(s[i])) && boundary(s, i) {
				count++
			}
		}
		return count
	}
	_, step := decodeAt(word, 0)
	occurrences(s, word, func(at int) int {
		if boundary(s, at) && boundary(s, at+len(word)) {
			count++
			return at + len(word)
		}
		return at + step
	})
	return count
}

// KIKITask sums up the answers to a task's questions, given as what Score
// returns with the question's category.
func KIKITask(scores []Record, categories []string) Record {
	mean := func(key string) float64 {
		if len(scores) == 0 {
			return 0
		}
		return round(sum(numbers(scores, key))/float64(len(scores)), 4)
	}
	passed := 0
	for _, s := range scores {
		if p, _ := s.Number("passed"); p == 1 {
			passed++
		}
	}
	var order []string
	by := map[string][]float64{}
	for i, s := range scores {
		if by[categories[i]] == nil {
			order = append(order, categories[i])
		}
		overall, _ := s.Number("overall_score")
		by[categories[i]] = append(by[categories[i]], overall)
	}
	byCategory := Record{}
	for _, c := range order {
		byCategory = append(byCategory, Field{c, Record{{"avg", round(sum(by[c])/float64(len(by[c])), 3)}, {"n", len(by[c])}}})
	}
	rate := 0.0
	if len(scores) > 0 {
		rate = round(float64(passed)/float64(len(scores)), 4)
	}
	return Record{
		{"n_questions", len(scores)},
		{"n_passed", passed},
		{"pass_rate", rate},
		{"metrics", Record{
			{"overall_avg", mean("overall_score")},
			{"syntax_ok_rate", mean("syntax_ok")},
			{"contains_avg", mean("contains_score")},
			{"unique_avg", mean("unique_score")},
		}},
		{"by_category", byCategory},
	}
}

// numbers are the values of one key.
func numbers(records []Record, key string) []float64 {
	values := make([]float64, len(records))
	for i, r := range records {
		values[i], _ = r.Number(key)
	}
	return values
}
