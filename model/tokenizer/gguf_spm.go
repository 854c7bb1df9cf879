package tokenizer

import (
	"cmp"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"unicode/utf8"
)

// sentencePiece fills in a recipe of model "llama": SentencePiece's BPE, where
// any two neighbours that make a token merge, the token of the best score first.
//
// It becomes the tokenizer.json that transformers converts such vocabularies
// into: rules in the order of their tokens' scores.
func (m Metadata) sentencePiece(r *recipe) error {
	if m.Pre != "" && m.Pre != "default" {
		return fmt.Errorf("pre %.40q is not known for model llama", m.Pre)
	}
	if len(m.Scores) != len(m.Tokens) {
		return fmt.Errorf("scores: %d entries, want one for each of %d tokens", len(m.Scores), len(m.Tokens))
	}
	if len(m.Merges) > 0 {
		return fmt.Errorf("merges: there are %d beside scores, want none", len(m.Merges))
	}
	r.options = modelOptions{ByteFallback: true, FuseUnknown: true}
	if m.Unknown >= len(m.Tokens) {
		return fmt.Errorf("unknown_token_id is %d, want one of %d tokens", m.Unknown, len(m.Tokens))
	}
	if m.Unknown >= 0 {
		r.options.Unknown = m.Tokens[m.Unknown]
	}
	prefix := m.AddSpacePrefix == nil || *m.AddSpacePrefix
	const mark = `{"type":"Replace","pattern":{"String":" "},"content":"▁"}`
	const back = `{"type":"Replace","pattern":{"String":"▁"},"content":" "},{"type":"ByteFallback"},{"type":"Fuse"}`
	if prefix {
		r.normalizer = json.RawMessage(`{"type":"Sequence","normalizers":[{"type":"Prepend","prepend":"▁"},` + mark + `]}`)
		r.decoder = json.RawMessage(`{"type":"Sequence","decoders":[` + back + `,{"type":"Strip","content":" ","start":1,"stop":0}]}`)
	} else {
		r.normalizer = json.RawMessage(mark)
		r.decoder = json.RawMessage(`{"type":"Sequence","decoders":[` + back + `]}`)
	}
	var err error
	r.merges, err = m.rules(r.vocab)
	return err
}

// rules returns all ways to make normal tokens of two others.
//
// Source: generate_merges of transformers' convert_slow_tokenizer.py.
func (m Metadata) rules(v *vocabulary) ([]mergeRule, error) {
	type rule struct {
		mergeRule
		score               float64
		leftChars, allChars int
	}
	var list []rule
	for id, token := range m.Tokens {
		if len(m.TokenTypes) > 0 && tokenType(m.TokenTypes[id]) != normalToken {
			continue
		}
		if math.IsNaN(m.Scores[id]) {
			return nil, fmt.Errorf("scores: that of token %d is no number", id)
		}
		if len(token) > maxPiece {
			return nil, fmt.Errorf("tokens: token %d has %d bytes, want at most %d", id, len(token), maxPiece)
		}
		all := utf8.RuneCountInString(token)
		chars := 0
		for i := range token {
			left, right := token[:i], token[i:]
			_, okLeft := v.ids[left]
			if _, okRight := v.ids[right]; i > 0 && okLeft && okRight {
				list = append(list, rule{mergeRule{left, right}, m.Scores[id], chars, all})
			}
			chars++
		}
	}
	slices.SortStableFunc(list, func(a, b rule) int {
		return cmp.Or(cmp.Compare(b.score, a.score), cmp.Compare(b.leftChars, a.leftChars), cmp.Compare(b.allChars, a.allChars),
			cmp.Compare(v.ids[a.left], v.ids[b.left]), cmp.Compare(v.ids[a.right], v.ids[b.right]))
	})
	merges := make([]mergeRule, len(list))
	for i, r := range list {
		merges[i] = r.mergeRule
	}
	return merges, nil
}

// maxPiece is the most bytes of a token in a vocabulary with scores: each may be
// cut at every character. Those that are published have less than a hundred.
const maxPiece = 4096
