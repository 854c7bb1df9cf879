package tokenizer

import (
	"encoding/json"
	"fmt"
	"math"
)

// sentencePiece fills in a recipe of model "llama": SentencePiece's BPE, where
// any two neighbours that make a token merge, the token of the best score first.
//
// Around the model stand the steps of the tokenizer.json that transformers converts
// such vocabularies into.
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
	for id, score := range m.Scores {
		if math.IsNaN(score) {
			return fmt.Errorf("scores: that of token %d is no number", id)
		}
	}
	var err error
	r.merges, r.options.Ranks, err = mergesByScore(r.vocab, m.Tokens, m.Scores, func(id int) bool {
		return len(m.TokenTypes) == 0 || tokenType(m.TokenTypes[id]) == normalToken
	})
	return err
}

// maxPiece is the most bytes of a token in a vocabulary with scores: each may be
// cut at every character. Those that are published have less than a hundred.
const maxPiece = 4096
