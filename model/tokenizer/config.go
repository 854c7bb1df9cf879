package tokenizer

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"slices"
	"strings"
)

// settings are the files beside a tokenizer; nil where they are not there.
type settings struct{ config, specials, added []byte }

// apply takes from the files what the tokenizer's own does not say.
func (s settings) apply(r *recipe) error {
	if s.added != nil {
		if err := r.addListed(s.added); err != nil {
			return fmt.Errorf("%s: %w", addedFile, err)
		}
	}
	if s.config != nil {
		if err := r.configure(s.config); err != nil {
			return fmt.Errorf("%s: %w", configFile, err)
		}
	}
	if s.specials != nil {
		if err := r.addSpecials(s.specials); err != nil {
			return fmt.Errorf("%s: %w", specialsFile, err)
		}
	}
	return nil
}

// addListed adds the tokens of added_tokens.json, ids by token.
func (r *recipe) addListed(data []byte) error {
	have := map[string]bool{}
	for _, a := range r.added {
		have[a.Content] = true
	}
	return eachMember(data, func(token string, value json.RawMessage) error {
		a := addedToken{Content: token, Normalized: true}
		if err := json.Unmarshal(value, &a.ID); err != nil || token == "" || isNull(value) {
			return fmt.Errorf("id of %.60q is %.40s, want an integer", token, value)
		}
		if !have[token] {
			r.added = append(r.added, a)
		}
		return nil
	})
}

// addSpecials takes BOS and EOS from special_tokens_map.json where no other file
// names them. A token that it names is special.
func (r *recipe) addSpecials(data []byte) error {
	c, err := parseComponent(data)
	if err != nil {
		return err
	}
	bos, err := r.namedToken(c, "bos_token")
	if err != nil {
		return err
	}
	eos, err := r.namedToken(c, "eos_token")
	if err != nil {
		return err
	}
	if r.bos < 0 {
		r.bos = bos
	}
	if len(r.eos) == 0 && eos >= 0 {
		r.eos = []int32{eos}
	}
	return c.err
}

// configure takes from tokenizer_config.json what tokenizer.json does not say:
// BOS, EOS, and whether BOS and EOS are put around a text. The
// file holds arbitrary arguments of a Python class, so unknown keys are none of
// our business.
func (r *recipe) configure(data []byte) error {
	c, err := parseComponent(data)
	if err != nil {
		return err
	}
	if c.boolean("split_special_tokens", false) {
		c.fault("split_special_tokens true is not supported")
	}
	if err := r.addConfigured(c); err != nil {
		return fmt.Errorf("added_tokens_decoder: %w", err)
	}
	bos, err := r.namedToken(c, "bos_token")
	if err != nil {
		return err
	}
	eos, err := r.namedToken(c, "eos_token")
	if err != nil {
		return err
	}
	if bos >= 0 || c.members["bos_token"] != nil {
		r.bos = bos
	}
	if eos >= 0 {
		r.eos = []int32{eos}
	}
	if raw := c.raw("add_bos_token"); raw != nil {
		if r.before, err = around(r.before, r.bos, c.boolean("add_bos_token", false)); err != nil {
			return fmt.Errorf("add_bos_token: %w", err)
		}
	}
	if raw := c.raw("add_eos_token"); raw != nil {
		slices.Reverse(r.after)
		if r.after, err = around(r.after, first(r.eos), c.boolean("add_eos_token", false)); err != nil {
			return fmt.Errorf("add_eos_token: %w", err)
		}
		slices.Reverse(r.after)
	}
	return c.err
}

// around sees to it that a list begins with id, or does not.
func around(list []int32, id int32, want bool) ([]int32, error) {
	has := len(list) > 0 && list[0] == id
	switch {
	case want && id < 0:
		return nil, fmt.Errorf("true, but there is no such token")
	case want && !has:
		return slices.Insert(list, 0, id), nil
	case !want && has:
		return list[1:], nil
	}
	return list, nil
}

// namedToken returns the id of the token under key, or -1 for none: a string, or
// an object with its content.
func (r *recipe) namedToken(c *component, key string) (int32, error) {
	raw := c.raw(key)
	if raw == nil {
		return -1, nil
	}
	var content string
	if raw[0] == '{' {
		content = c.object(key).text("content", "")
	} else {
		content = c.text(key, "")
	}
	for _, a := range r.added {
		if a.Content == content {
			return a.ID, nil
		}
	}
	if id, ok := r.vocab.ids[content]; ok {
		return id, nil
	}
	return -1, fmt.Errorf("%s %.60q is not in the vocabulary", key, content)
}

// addConfigured adds the tokens that only tokenizer_config.json has.
func (r *recipe) addConfigured(c *component) error {
	raw := c.raw("added_tokens_decoder")
	if raw == nil {
		return nil
	}
	have := map[int32]string{}
	for _, a := range r.added {
		have[a.ID] = a.Content
	}
	return eachMember(raw, func(key string, value json.RawMessage) error {
		var a addedToken
		if err := json.Unmarshal(value, &a); err != nil {
			return fmt.Errorf("token %.40q: %w", key, err)
		}
		if err := json.Unmarshal([]byte(key), &a.ID); err != nil || a.Content == "" {
			return fmt.Errorf("token %.40q: want an id, and content that is not empty", key)
		}
		content, ok := have[a.ID]
		if ok && content != a.Content {
			return fmt.Errorf("token %d is %.60q, and in %s %.60q", a.ID, a.Content, File, content)
		}
		if !ok {
			r.added = append(r.added, a)
		}
		return nil
	})
}

// first returns the first of a list, or -1.
func first(list []int32) int32 {
	if len(list) == 0 {
		return -1
	}
	return list[0]
}

// class returns the tokenizer_class, without the ending that says in which
// language it was written.
func (s settings) class() (string, error) {
	if s.config == nil {
		return "", nil
	}
	c, err := parseComponent(s.config)
	if err != nil {
		return "", fmt.Errorf("%s: %w", configFile, err)
	}
	return strings.TrimSuffix(c.text("tokenizer_class", ""), "Fast"), c.err
}

// pieceRecipe makes a recipe of a tokenizer.model. What is put around a text is
// the habit of the class, unless add_bos_token and add_eos_token say it.
func (s settings) pieceRecipe(data []byte) (*recipe, error) {
	f, err := parsePieceFile(data)
	if err != nil {
		return nil, err
	}
	r, err := f.recipe()
	if err != nil {
		return nil, err
	}
	class, err := s.class()
	if err != nil {
		return nil, err
	}
	switch class {
	case "", "LlamaTokenizer", "GemmaTokenizer", "PreTrainedTokenizer":
		if r.bos >= 0 {
			r.before = []int32{r.bos}
		}
	case "T5Tokenizer":
		r.after = slices.Clone(r.eos)
	default:
		return nil, fmt.Errorf("tokenizer_class %.60q is not supported without a %s: what it adds to the model is not known here", class, File)
	}
	return r, nil
}

// vocabRecipe makes a recipe of vocab.json and merges.txt. How a text is split
// depends on the class.
func (s settings) vocabRecipe(dir fs.FS, data []byte) (*recipe, error) {
	class, err := s.class()
	if err != nil {
		return nil, err
	}
	var p preTokenizer
	switch class {
	case "GPT2Tokenizer", "":
		p, _ = preTokenizerOf("gpt-2")
	case "Qwen2Tokenizer":
		p, _ = preTokenizerOf("qwen2")
	default:
		return nil, fmt.Errorf("tokenizer_class %.60q is not supported without a %s: how it splits texts is not known here", class, File)
	}
	r := p.recipe()
	if r.vocab, err = parseVocabulary(data); err != nil {
		return nil, err
	}
	merges, err := readFile(dir, mergesFile)
	if err != nil {
		return nil, err
	}
	for line := range strings.Lines(string(merges)) {
		line = strings.TrimRight(line, "\r\n")
		if line == "" || len(r.merges) == 0 && strings.HasPrefix(line, "#version") {
			continue
		}
		m, err := splitMerge(line)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", mergesFile, err)
		}
		r.merges = append(r.merges, m)
	}
	// GPT-2's one special token is in its vocabulary, and nowhere marked.
	if id, ok := r.vocab.ids[endOfText]; ok {
		r.added = append(r.added, addedToken{ID: id, Content: endOfText, Special: true})
		if class != "Qwen2Tokenizer" {
			r.bos = id
		}
		r.eos = []int32{id}
	}
	return r, nil
}

const endOfText = "<|endoftext|>"
