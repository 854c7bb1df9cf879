package tasks

import (
	"context"
	"fmt"
	"io"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/ailiance/lorabench"
	"github.com/ailiance/lorabench/tasks/pyjson"
	"github.com/ailiance/lorabench/tasks/pystr"
)

// wikiText is the perplexity of encyclopedia pages. What is scored is the page
// as prose; words and bytes are counted in the page as it is stored.
//
// Rows are pages (column page), or cut from wiki.test.raw.
//
// Source: Merity et al. 2016, https://arxiv.org/abs/1609.07843;
// lm_eval/tasks/wikitext.
func wikiText() Definition {
	return Definition{
		Name: "wikitext", Version: "2.0", Title: "WikiText-2: perplexity of encyclopedia pages",
		Source:  "https://arxiv.org/abs/1609.07843, lm_eval/tasks/wikitext/wikitext.yaml",
		Scorer:  "perplexity",
		Metrics: perplexities(0.005),
		Evaluation: Split{Dataset: "wikitext/wikitext-2-raw-v1", Name: "test",
			also:  []string{"wikitext/test"},
			pages: []string{"wikitext/wikitext-2-raw-v1/wiki.test.raw", "text/wikitext-2-raw/wiki.test.raw"}},
		parse:   parseWikiText,
		sampler: noShots,
		nulls:   textNulls,
	}
}

func parseWikiText(r row) (example, error) {
	c := &columns{row: r}
	page := c.text("page")
	if c.err != nil {
		return example{}, c.err
	}
	return example{
		doc:      r.doc,
		question: detokenize(page),
		rolling:  true,
		target:   lorabench.Target{Words: pystr.CountSplit(page), Bytes: len(page)},
	}, nil
}

// space is Python's \s, as a Go character class.
const space = `[\t-\r\x1c-\x20\x{85}\x{a0}\x{1680}\x{2000}-\x{200a}\x{2028}\x{2029}\x{202f}\x{205f}\x{3000}]`

var (
	quotedDigit   = regexp.MustCompile(`/' [0-9]/`)
	inParentheses = regexp.MustCompile(`\(` + space + `*([^)]*?)` + space + `*\)`)
	inBrackets    = regexp.MustCompile(`\[` + space + `*([^\]]*?)` + space + `*\]`)
	inBraces      = regexp.MustCompile(`\{` + space + `*([^}]*?)` + space + `*\}`)
	inQuotes      = regexp.MustCompile(`"` + space + `*([^"]*?)` + space + `*"`)
	inApostrophes = regexp.MustCompile(`'` + space + `*([^']*?)` + space + `*'`)
)

// detokenize makes prose of WikiText's separated words and signs, one
// replacement after the other in lm-eval's order.
func detokenize(s string) string {
	replace := func(pairs ...string) {
		for i := 0; i < len(pairs); i += 2 {
			s = strings.ReplaceAll(s, pairs[i], pairs[i+1])
		}
	}
	replace("s '", "s'")
	s = quotedDigit.ReplaceAllLiteralString(s, "/'[0-9]/") // so written upstream
	replace(" @-@ ", "-", " @,@ ", ",", " @.@ ", ".",
		" : ", ": ", " ; ", "; ", " . ", ". ", " ! ", "! ", " ? ", "? ", " , ", ", ")
	s = inParentheses.ReplaceAllString(s, "(${1})")
	s = inBrackets.ReplaceAllString(s, "[${1}]")
	s = inBraces.ReplaceAllString(s, "{${1}}")
	s = inQuotes.ReplaceAllString(s, `"${1}"`)
	s = inApostrophes.ReplaceAllString(s, "'${1}'")
	replace("= = = =", "====", "= = =", "===", "= =", "==",
		" ° ", "°", " \n", "\n", "\n ", "\n", " N ", " 1 ", " 's", "'s")
	return s
}

// readPages cuts a raw WikiText file into pages, each from a line "= Title ="
// to the next, as the document-level dataset does. A row's line is its title's.
func readPages(ctx context.Context, in io.Reader, name string) ([]row, error) {
	text, err := io.ReadAll(in)
	if err != nil {
		return nil, err
	}
	if !utf8.Valid(text) {
		return nil, fmt.Errorf("not UTF-8")
	}
	lines := strings.Split(string(text), "\n")
	var rows []row
	start := 0
	for i := range len(lines) + 1 {
		if err := checkEvery(ctx, i); err != nil {
			return nil, err
		}
		if i < len(lines) && !isTitle(lines[i]) {
			continue
		}
		if page := strings.Join(lines[start:i], "\n"); pystr.Strip(page) != "" {
			rows = append(rows, row{name, start + 1, pyjson.Object{{Name: "page", Value: page}}})
		}
		start = i
	}
	return rows, nil
}

// isTitle reports whether a line is a page's title: one equals sign on either
// side, where sections have more.
func isTitle(line string) bool {
	line = strings.ReplaceAll(line, "= = =", "===")
	line = pystr.Strip(strings.ReplaceAll(line, "= =", "=="))
	return strings.HasPrefix(line, "= ") && strings.HasSuffix(line, " =")
}
