package tokenizer

import (
	"encoding/json"
	"slices"
	"testing"
)

// pieces splits text at expr's matches, which are handed on; what is between
// them is not.
func pieces(t *testing.T, f finder, how behavior, invert bool, text string) []string {
	t.Helper()
	list := []string{}
	s := split{pattern: f, behavior: how, invert: invert}
	err := s.split(text, true, func(piece string, _ bool) error {
		list = append(list, piece)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// refusedPatterns are those of the vectors that are refused, and why it is right
// to: none has a meaning here that is surely the same.
var refusedPatterns = map[string]string{
	"edge-ci-full-fold": "one letter is the same as two",
}

// TestPublishedPatterns splits texts with the expressions of published
// tokenizers as the Rust library does.
func TestPublishedPatterns(t *testing.T) {
	var file struct {
		Defaults struct {
			Behavior behavior
			Invert   bool
			Inputs   []string
		}
		Patterns []struct {
			ID, Pattern     string
			Inputs          []string
			Behavior        behavior
			KnownDivergence bool // of another program
		}
	}
	var oracle struct{ Tokens map[string][][]string }
	if err := json.Unmarshal(readShared(t, "vectors", "tokenizers", "hf", "splitRegexPatterns.json"), &file); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(readShared(t, "vectors", "tokenizers", "hf", "splitRegexOracle.json.gz"), &oracle); err != nil {
		t.Fatal(err)
	}
	b := builder{newClasses(), newAlphabet()}
	texts, refused := 0, 0
	for _, p := range file.Patterns {
		f, err := b.regex(p.Pattern)
		if err != nil {
			refused++
			if refusedPatterns[p.ID] == "" {
				t.Errorf("%s %q: %v", p.ID, p.Pattern, err)
			}
			continue
		}
		if len(oracle.Tokens[p.ID]) == 0 {
			continue // the Rust library was not asked
		}
		inputs := p.Inputs
		if inputs == nil {
			inputs = file.Defaults.Inputs
		}
		for i, text := range inputs {
			texts++
			want := oracle.Tokens[p.ID][i]
			if got := pieces(t, f, file.Defaults.Behavior, file.Defaults.Invert, text); !slices.Equal(got, want) {
				t.Errorf("%s %q in %q\n got %q\nwant %q", p.ID, p.Pattern, text, got, want)
			}
		}
	}
	t.Logf("%d patterns, %d refused, %d texts", len(file.Patterns), refused, texts)
}
