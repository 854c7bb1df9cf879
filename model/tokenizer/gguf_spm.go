package tokenizer

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strings"
	"unicode/utf8"
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
	if err := m.unknown(r); err != nil {
		return err
	}
	prefix := m.AddSpacePrefix == nil || *m.AddSpacePrefix
	r.normalizer, r.decoder = json.RawMessage(stepMark), json.RawMessage(`{"type":"Sequence","decoders":[`+stepsBack+`]}`)
	if prefix {
		r.normalizer = json.RawMessage(`{"type":"Sequence","normalizers":[{"type":"Prepend","prepend":"▁"},` + stepMark + `]}`)
		r.decoder = json.RawMessage(`{"type":"Sequence","decoders":[` + stepsBack + `,{"type":"Strip","content":" ","start":1,"stop":0}]}`)
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

// How tokenizer.json spells spaces as ▁, and back.
const (
	stepMark  = `{"type":"Replace","pattern":{"String":" "},"content":"▁"}`
	stepsBack = `{"type":"Replace","pattern":{"String":"▁"},"content":" "},{"type":"ByteFallback"},{"type":"Fuse"}`
)

func (m Metadata) unknown(r *recipe) error {
	if m.Unknown >= len(m.Tokens) {
		return fmt.Errorf("unknown_token_id is %d, want one of %d tokens", m.Unknown, len(m.Tokens))
	}
	if m.Unknown >= 0 {
		r.options.Unknown = m.Tokens[m.Unknown]
	}
	return nil
}

// spacedMerges fills in a recipe of model "gemma4": merges over characters, as
// Gemma's tokenizer.json has them.
func (m Metadata) spacedMerges(r *recipe) error {
	r.options = modelOptions{ByteFallback: true, FuseUnknown: true}
	r.normalizer, r.decoder = json.RawMessage(stepMark), json.RawMessage(`{"type":"Sequence","decoders":[`+stepsBack+`]}`)
	return errors.Join(m.unknown(r), m.listed(r))
}

// unigram returns the recipe of model "t5", which is a tokenizer.model in other
// words.
func (m Metadata) unigram() (*recipe, error) {
	n := len(m.Tokens)
	if len(m.Scores) != n || len(m.TokenTypes) != n {
		return nil, fmt.Errorf("tokens: %d, with %d scores and %d types", n, len(m.Scores), len(m.TokenTypes))
	}
	f := &pieceFile{model: pieceUnigram, unknown: unknownSurface, bos: -1, eos: -1, Tokens: m.Tokens, Scores: m.Scores}
	for id, kind := range m.TokenTypes {
		if kind := tokenType(kind); kind < normalToken || kind > rawByteToken || m.Tokens[id] == "" || !utf8.ValidString(m.Tokens[id]) {
			return nil, fmt.Errorf("tokens: token %d, %.60q, of type %d", id, m.Tokens[id], kind)
		}
		f.Types = append(f.Types, tokenType(kind))
		f.bytes = f.bytes || tokenType(kind) == rawByteToken
	}
	f.rules = pieceRules{
		Charsmap: m.PrecompiledCharsmap, EscapeWhitespaces: true,
		AddDummyPrefix:         m.AddSpacePrefix == nil || *m.AddSpacePrefix,
		RemoveExtraWhitespaces: m.RemoveExtraWhitespaces != nil && *m.RemoveExtraWhitespaces,
	}
	return f.recipe()
}

// wordPiece returns the recipe of model "bert". Tokens that begin a word are
// spelled with ▁ there, and the others without BERT's ##.
func (m Metadata) wordPiece() (*recipe, error) {
	spelled := m
	spelled.Tokens = make([]string, len(m.Tokens))
	for id, token := range m.Tokens {
		head, isHead := strings.CutPrefix(token, string(wordMark))
		switch {
		case isHead && head != "":
			token = head
		case !strings.HasPrefix(token, "[") || !strings.HasSuffix(token, "]"):
			token = "##" + token
		}
		spelled.Tokens[id] = token
	}
	r := &recipe{bos: -1, options: modelOptions{Kind: kindWordPiece, Prefix: "##", MaxChars: 100}}
	if err := spelled.vocabulary(r); err != nil {
		return nil, err
	}
	lower := m.Lowercase == nil || *m.Lowercase
	accents := lower
	if m.StripAccents != nil {
		accents = *m.StripAccents
	}
	r.normalizer = json.RawMessage(fmt.Sprintf(`{"type":"BertNormalizer","lowercase":%v,"strip_accents":%v}`, lower, accents))
	r.preTokenizer, r.decoder = json.RawMessage(`{"type":"BertPreTokenizer"}`), json.RawMessage(`{"type":"WordPiece"}`)
	return r, spelled.unknown(r)
}

// maxPiece is the most bytes of a token in a vocabulary with scores: each may be
// cut at every character. Those that are published have less than a hundred.
const maxPiece = 4096
