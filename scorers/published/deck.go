package published

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Deck is what the published score sees of a SPICE deck.
type Deck struct {
	Parses     bool
	HasEnd     bool
	Components int
	Models     int
	Subcircuit int
	Analyses   int
	Ground     bool
	Floating   []string // nodes that occur once, in the order of their first line
	Balanced   bool
}

// componentLetters are those that a component's name may begin with: all but N
// and Y.
const componentLetters = "RCLVIQMDXKEFGHTBSWJZUOAP"

// ReadDeck counts what looks like parts of a deck. Prose looks like them too: a
// line that begins with a word is a component.
func ReadDeck(text string) Deck {
	src := fence(text, "spice", "cir", "sp", "net")
	d := Deck{
		Components: countComponents(src),
		Models:     countDirectives(src, namedDirective(".model")),
		Subcircuit: countDirectives(src, namedDirective(".subckt")),
		Analyses:   countDirectives(src, bareDirective(".dc", ".ac", ".tran", ".op", ".sens", ".noise", ".pss", ".pz", ".disto", ".sp", ".four")),
		HasEnd:     countDirectives(src, endDirective) > 0,
	}
	ends := countDirectives(src, bareDirective(".ends"))
	nodes, order := countNodes(src)
	d.Ground = nodes["0"] > 0
	for _, n := range order {
		if nodes[n] == 1 {
			d.Floating = append(d.Floating, n)
		}
	}
	d.Balanced = d.Subcircuit == ends && d.Components > 0
	directives := d.Models+d.Subcircuit+d.Analyses > 0
	d.Parses = d.Balanced && (d.Components >= 3 || d.Ground && (d.HasEnd || directives))
	return d
}

// Detail is d as it is published: at most 20 nodes by name.
func (d Deck) Detail() Record {
	floating := slices.Clone(d.Floating[:min(20, len(d.Floating))])
	if floating == nil {
		floating = []string{}
	}
	return Record{
		{"parse_ok", d.Parses},
		{"has_end", d.HasEnd},
		{"n_components", d.Components},
		{"n_models", d.Models},
		{"n_subckts", d.Subcircuit},
		{"n_analyses", d.Analyses},
		{"ground_node_present", d.Ground},
		{"floating_nodes", floating},
		{"n_floating_nodes", len(d.Floating)},
		{"balanced", d.Balanced},
	}
}

// countComponents counts lines of a name and two more words. Whitespace between
// them may hold line ends, so that a line of one word takes the next one's.
func countComponents(s string) int {
	count := 0
	for at := 0; at < len(s); {
		if lineStart(s, at) {
			if end := componentEnd(s, at); end >= 0 {
				count++
				at = end
			}
		}
		n := strings.IndexByte(s[at:], '\n')
		if n < 0 {
			break
		}
		at += n + 1
	}
	return count
}

func componentEnd(s string, i int) int {
	i += len(s[i:]) - len(strings.TrimLeft(s[i:], " \t"))
	if i == len(s) {
		return -1
	}
	r, n := decodeAt(s, i)
	if letter := fold(r); letter < 'a' || letter > 'z' || letter == 'n' || letter == 'y' {
		return -1
	}
	i += n
	for word := range 3 {
		start := i
		if word > 0 {
			if start = skipSpace(s, i); start == i {
				return -1
			}
		}
		if i = skip(s, start, isNameFold); i == start {
			return -1
		}
	}
	return i
}

// directive returns where a match that begins at byte i ends, -1 for none.
type directive func(s string, i int) int

// countDirectives counts matches of ^\s* and a directive that do not overlap.
func countDirectives(s string, match directive) int {
	count, free := 0, 0
	for start, first := range lineHeads(s) {
		if start < free || s[first] != '.' {
			continue
		}
		if end := match(s, first); end >= 0 {
			count++
			free = end
		}
	}
	return count
}

// namedDirective is name WS+ token.
func namedDirective(name string) directive {
	return func(s string, i int) int {
		end := hasFold(s, i, name)
		if end < 0 {
			return -1
		}
		token := skipSpace(s, end)
		if token == end || token == len(s) {
			return -1
		}
		return skipToken(s, token)
	}
}

// bareDirective is one of names as a whole word.
func bareDirective(names ...string) directive {
	return func(s string, i int) int {
		for _, name := range names {
			if end := hasFold(s, i, name); end >= 0 && !wordAt(s, end) {
				return end
			}
		}
		return -1
	}
}

// endDirective is .end and nothing else up to a line's end.
func endDirective(s string, i int) int {
	end := hasFold(s, i, ".end")
	if end < 0 {
		return -1
	}
	space := skipSpace(s, end)
	if space == len(s) || strings.Contains(s[end:space], "\n") {
		return space
	}
	return -1
}

// countNodes counts the nodes that components name, and gives them in the order
// in which they come.
func countNodes(src string) (counts map[string]int, order []string) {
	counts = map[string]int{}
	first := true
	for _, line := range lines(src) {
		line = strip(line)
		if line == "" || strings.ContainsRune("*.+", rune(line[0])) {
			continue
		}
		tokens := words(line)
		if first {
			first = false
			if !namesComponent(tokens[0]) {
				continue // the title
			}
		}
		if c := tokens[0][0]; c < utf8.RuneSelf && unicode.IsLetter(rune(c)) && allNames(tokens[0]) {
			for _, n := range nodesOf(tokens) {
				if !allNames(n) {
					continue
				}
				if counts[n] == 0 {
					order = append(order, n)
				}
				counts[n]++
			}
		}
	}
	return counts, order
}

// namesComponent reports whether the first line's first word is a component's
// name, so that the line is no title.
func namesComponent(token string) bool {
	first, n := decodeAt(token, 0)
	rest := strings.ReplaceAll(token[n:], "_", "")
	if rest == "" || !unicode.IsLetter(first) || strings.ContainsFunc(rest, func(r rune) bool { return !isAlnum(r) }) {
		return false
	}
	upper := unicode.ToUpper(first)
	return upper < utf8.RuneSelf && strings.ContainsRune(componentLetters, upper)
}

func allNames(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return !isName(r) })
}

// nodesOf returns the tokens of a line that stand where nodes do.
func nodesOf(tokens []string) []string {
	n := len(tokens)
	upTo := func(k int) []string { return tokens[1:k] }
	switch c := tokens[0][0] &^ 0x20; {
	case c == 'Q' && n >= 4:
		return upTo(4)
	case strings.IndexByte("MEFGTO", c) >= 0 && n >= 5:
		return upTo(5)
	case c == 'X' && n >= 3:
		return upTo(n - 1)
	case n >= 3:
		return upTo(3)
	}
	return nil
}

// SPICE scores a deck (spice-sim) against the reference.
func SPICE(generated, expected string) Record {
	return ScoreDeck(ReadDeck(generated), ReadDeck(expected))
}

// ScoreDeck scores g against the reference e.
func ScoreDeck(g, e Deck) Record {
	end := oneIf(g.HasEnd)
	if !g.HasEnd && !e.HasEnd {
		end = 0.5
	}
	components := ratio(g.Components, e.Components)
	analyses := ratio(g.Analyses, e.Analyses)
	floating := 1.0
	if n, reference := len(g.Floating), len(e.Floating); n > max(reference, 1) {
		floating = max(0, 1-float64(n-reference)/float64(max(reference+2, 4)))
	}
	composite := oneIf(g.Parses)*0.30 + float64(end*0.20) + float64(components*0.10) +
		float64(analyses*0.10) + oneIf(g.Ground)*0.15 + float64(floating*0.15)
	return Record{
		{"parse_ok", g.Parses},
		{"has_end", g.HasEnd},
		{"ground_node_present", g.Ground},
		{"balanced", g.Balanced},
		{"expected_n_components", e.Components},
		{"generated_n_components", g.Components},
		{"component_count_match", round(components, 4)},
		{"expected_n_analyses", e.Analyses},
		{"generated_n_analyses", g.Analyses},
		{"analysis_count_match", round(analyses, 4)},
		{"n_models", g.Models},
		{"n_subckts", g.Subcircuit},
		{"n_floating_nodes", len(g.Floating)},
		{"floating_nodes_low", round(floating, 4)},
		{"composite", round(composite, 4)},
	}
}
