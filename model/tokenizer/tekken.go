package tokenizer

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// parseTekken reads Mistral's tekken.json: tokens as bytes, in the order in which
// they are made of others, after a number of special ones.
//
// Source: Tekkenizer of mistral_common, and the library tiktoken under it, which
// merges any two neighbours that are a token, and takes a piece that is one whole.
func parseTekken(data []byte) (*recipe, error) {
	c, err := parseComponent(data)
	if err != nil {
		return nil, err
	}
	c.ignore("type", "image", "multimodal", "audio", "model_settings_builder")
	config := c.object("config")
	config.ignore("num_vocab_tokens")
	pattern, version := config.text("pattern", ""), config.text("version", "")
	size, specials := config.integer("default_vocab_size"), config.integer("default_num_special_tokens")
	vocab, listed := c.list("vocab"), c.list("special_tokens")
	if err := errors.Join(config.close(), c.close()); err != nil {
		return nil, err
	}
	if specials < len(listed) || specials > maxHoles || size <= specials || size-specials > len(vocab) {
		return nil, fmt.Errorf("default_vocab_size %d and default_num_special_tokens %d do not go with %d tokens and %d special ones", size, specials, len(vocab), len(listed))
	}
	r := preTokenizer{steps: []string{stepSplit(pattern), stepBytes}, ignoreMerges: true}.recipe()
	if r.added, err = tekkenSpecials(listed, specials, version); err != nil {
		return nil, fmt.Errorf("special_tokens: %w", err)
	}
	if err := r.tekkenTokens(vocab[:size-specials], specials); err != nil {
		return nil, fmt.Errorf("vocab: %w", err)
	}
	for _, a := range r.added {
		switch a.Content {
		case "<s>":
			r.bos, r.before = a.ID, []int32{a.ID}
		case "</s>":
			r.eos = []int32{a.ID}
		}
	}
	return r, nil
}

// tekkenTokens fills in vocabulary and merges. The tokens' ids begin at first.
func (r *recipe) tekkenTokens(list []json.RawMessage, first int) error {
	letters := newAlphabet()
	r.vocab = newVocabulary(first + len(list))
	tokens := make([]string, first+len(list))
	scores := make([]float64, len(tokens))
	for i, raw := range list {
		var t struct {
			Rank  int
			Bytes string `json:"token_bytes"`
		}
		if err := json.Unmarshal(raw, &t); err != nil || t.Rank != i {
			return fmt.Errorf("entry %d: %.80s is not the token of that rank", i, raw)
		}
		text, err := base64.StdEncoding.DecodeString(t.Bytes)
		if err != nil || len(text) == 0 || i < 256 && (len(text) != 1 || int(text[0]) != i) {
			return fmt.Errorf("entry %d: token_bytes %.60q", i, t.Bytes)
		}
		id := first + i
		tokens[id], scores[id] = letters.spell(string(text)), -float64(i)
		if err := r.vocab.set(tokens[id], id); err != nil {
			return err
		}
	}
	var err error
	r.merges, r.options.Ranks, err = mergesByScore(r.vocab, tokens, scores, func(id int) bool { return tokens[id] != "" })
	return err
}

// oldSpecials are the special tokens of files up to version 7, which do not list
// them.
const oldSpecials = "<unk> <s> </s> [INST] [/INST] [AVAILABLE_TOOLS] [/AVAILABLE_TOOLS] [TOOL_RESULTS] [/TOOL_RESULTS] [TOOL_CALLS] [IMG] <pad> [IMG_BREAK] [IMG_END] " +
	"[PREFIX] [MIDDLE] [SUFFIX] [SYSTEM_PROMPT] [/SYSTEM_PROMPT] [TOOL_CONTENT]"

// tekkenSpecials returns count special tokens: those that are listed, then names
// with a number.
func tekkenSpecials(list []json.RawMessage, count int, version string) ([]addedToken, error) {
	var names []string
	for i, raw := range list {
		var t struct {
			Rank int
			Name string `json:"token_str"`
		}
		if err := json.Unmarshal(raw, &t); err != nil || t.Rank != i || t.Name == "" {
			return nil, fmt.Errorf("entry %d: %.80s is not the token of that rank", i, raw)
		}
		names = append(names, t.Name)
	}
	if list == nil {
		number, err := strconv.Atoi(strings.TrimPrefix(version, "v"))
		if err != nil || number > 7 {
			return nil, fmt.Errorf("missing in a file of version %.20q", version)
		}
		names = strings.Fields(oldSpecials)
		names = names[:min(len(names), count)]
	}
	added := make([]addedToken, count)
	for i := range added {
		name := fmt.Sprintf("<SPECIAL_%d>", i)
		if i < len(names) {
			name = names[i]
		}
		added[i] = addedToken{ID: int32(i), Content: name, Special: true}
	}
	return added, nil
}
