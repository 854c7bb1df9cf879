package tokenizer

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"strings"
)

// Names of the files that a tokenizer is read from.
const (
	File         = "tokenizer.json"
	tekkenFile   = "tekken.json"
	pieceModel   = "tokenizer.model"
	vocabFile    = "vocab.json"
	mergesFile   = "merges.txt"
	configFile   = "tokenizer_config.json"
	specialsFile = "special_tokens_map.json"
	addedFile    = "added_tokens.json"
)

// sources are the files that a tokenizer may come from, the one that counts where
// there are several first.
var sources = []string{File, tekkenFile, pieceModel, vocabFile}

// ErrNone is wrapped by Load's error where there is no tokenizer.
var ErrNone = errors.New("there is no tokenizer")

// maxFile is the most bytes that a file may have. The largest that is published
// (262144 tokens, 514906 merges) has 33 million.
const maxFile = 256 << 20

// Load reads the tokenizer of a directory: tokenizer.json; where there is none,
// tekken.json (Mistral), tokenizer.model (SentencePiece), or vocab.json and
// merges.txt. What those do not say (BOS, EOS, further tokens) is in
// tokenizer_config.json, special_tokens_map.json and added_tokens.json if they are
// there. The error wraps ErrNone where there is no tokenizer.
func Load(dir fs.FS) (*Tokenizer, error) {
	t, err := load(dir)
	if err != nil {
		return nil, fmt.Errorf("load tokenizer: %w", err)
	}
	return t, nil
}

func load(dir fs.FS) (*Tokenizer, error) {
	var config settings
	for _, f := range []struct {
		name string
		data *[]byte
	}{{configFile, &config.config}, {specialsFile, &config.specials}, {addedFile, &config.added}} {
		var err error
		if *f.data, err = readOptional(dir, f.name); err != nil {
			return nil, err
		}
	}
	t, err := loadAny(dir, config)
	if err != nil {
		return nil, err
	}
	return t, nil
}

// loadAny makes a tokenizer of the file that counts.
func loadAny(dir fs.FS, config settings) (*Tokenizer, error) {
	for _, name := range sources {
		data, err := readOptional(dir, name)
		if err != nil {
			return nil, err
		}
		if data == nil {
			continue
		}
		var r *recipe
		switch name {
		case File:
			r, err = parseFile(data)
		case tekkenFile:
			r, err = parseTekken(data)
		case pieceModel:
			r, err = config.pieceRecipe(data)
		case vocabFile:
			r, err = config.vocabRecipe(dir, data)
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		return r.configured(name, config)
	}
	return nil, fmt.Errorf("%w: none of %s", ErrNone, strings.Join(sources, ", "))
}

func readFile(dir fs.FS, name string) ([]byte, error) {
	info, err := fs.Stat(dir, name)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() { // to open a pipe waits for its writer
		return nil, fmt.Errorf("%s: not a regular file", name)
	}
	if info.Size() > maxFile {
		return nil, fmt.Errorf("%s: %d bytes, more than %d", name, info.Size(), maxFile)
	}
	return fs.ReadFile(dir, name)
}

func readOptional(dir fs.FS, name string) ([]byte, error) {
	data, err := readFile(dir, name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return data, err
}

// Parse reads the bytes of a tokenizer.json and of a tokenizer_config.json,
// which may be nil.
func Parse(data, config []byte) (*Tokenizer, error) {
	r, err := parseFile(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", File, err)
	}
	return r.configured(File, settings{config: config})
}

// configured makes the tokenizer of a recipe out of the file name.
func (r *recipe) configured(name string, config settings) (*Tokenizer, error) {
	if err := config.apply(r); err != nil {
		return nil, err
	}
	t, err := r.tokenizer()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return t, nil
}

// recipe is what a tokenizer is made of, as tokenizer.json writes it. A GGUF
// file is translated into it.
type recipe struct {
	vocab         *vocabulary // of the model
	merges        []mergeRule
	options       modelOptions
	added         []addedToken
	normalizer    json.RawMessage // nil for none, and so on
	preTokenizer  json.RawMessage
	decoder       json.RawMessage
	pieces        *pieceRules // SentencePiece's steps in place of those; nil for none
	before, after []int32
	bos           int32
	eos           []int32
}

func parseFile(data []byte) (*recipe, error) {
	c, err := parseComponent(data)
	if err != nil {
		return nil, err
	}
	// Truncation and padding are settings of the last training run; transformers
	// sets both anew on every call.
	c.ignore("version", "truncation", "padding")
	r := &recipe{
		normalizer: c.raw("normalizer"), preTokenizer: c.raw("pre_tokenizer"), decoder: c.raw("decoder"), bos: -1,
	}
	for i, raw := range c.list("added_tokens") {
		a, err := parseAdded(raw)
		if err != nil {
			return nil, fmt.Errorf("added_tokens: entry %d: %w", i, err)
		}
		r.added = append(r.added, a)
	}
	model, post := c.raw("model"), c.raw("post_processor")
	if err := c.close(); err != nil {
		return nil, err
	}
	if model == nil {
		return nil, errors.New("model is missing")
	}
	if err := r.parseModel(model); err != nil {
		return nil, fmt.Errorf("model: %w", err)
	}
	if r.before, r.after, err = parsePostProcessor(post, 0); err != nil {
		return nil, fmt.Errorf("post_processor: %w", err)
	}
	return r, nil
}

func parseAdded(data []byte) (a addedToken, err error) {
	c, err := parseComponent(data)
	if err != nil {
		return a, err
	}
	a = addedToken{
		ID: int32(c.integer("id")), Content: c.text("content", ""),
		SingleWord: c.boolean("single_word", false), LStrip: c.boolean("lstrip", false), RStrip: c.boolean("rstrip", false),
		Special: c.boolean("special", false),
	}
	a.Normalized = c.boolean("normalized", !a.Special)
	if a.Content == "" {
		c.fault("content is empty")
	}
	return a, c.close()
}

// parseModel reads the model of any kind.
func (r *recipe) parseModel(data []byte) error {
	c, err := parseComponent(data)
	if err != nil {
		return err
	}
	kind := c.text("type", "")
	if kind == "" { // files before 2020 have no type
		switch {
		case c.members["merges"] != nil:
			kind = "BPE"
		case c.members["max_input_chars_per_word"] != nil:
			kind = kindWordPiece
		}
	}
	switch kind {
	case "BPE":
		return r.parseBPE(c)
	case kindUnigram:
		return r.parseUnigram(c)
	case kindWordPiece:
		r.options = modelOptions{Kind: kind, Unknown: c.text("unk_token", ""), Prefix: c.text("continuing_subword_prefix", "")}
		if r.options.MaxChars = c.integer("max_input_chars_per_word"); r.options.MaxChars > maxWord {
			c.fault("max_input_chars_per_word is %d, want at most %d", r.options.MaxChars, maxWord)
		}
	case kindWordLevel:
		r.options = modelOptions{Kind: kind, Unknown: c.text("unk_token", "")}
	default:
		return fmt.Errorf("type %.40q is not supported, want BPE, Unigram, WordPiece or WordLevel", kind)
	}
	return r.parseWords(c)
}

// maxWord is the most characters that a word of WordPiece may have: the time that
// one takes grows with their square. Files that are published have 100.
const maxWord = 1000

// parseWords reads the vocabulary that maps tokens to ids, and closes c.
func (r *recipe) parseWords(c *component) (err error) {
	vocab := c.raw("vocab")
	if err := c.close(); err != nil {
		return err
	}
	if r.vocab, err = parseVocabulary(vocab); err != nil {
		return fmt.Errorf("vocab: %w", err)
	}
	return nil
}

func (r *recipe) parseBPE(c *component) (err error) {
	if raw := c.raw("dropout"); raw != nil && string(raw) != "0" && string(raw) != "0.0" {
		c.fault("dropout %.40s is not supported: it makes tokens random", raw)
	}
	r.options = modelOptions{
		Unknown: c.text("unk_token", ""), FuseUnknown: c.boolean("fuse_unk", false),
		ByteFallback: c.boolean("byte_fallback", false), IgnoreMerges: c.boolean("ignore_merges", false),
		Prefix: c.text("continuing_subword_prefix", ""), Suffix: c.text("end_of_word_suffix", ""),
	}
	merges := c.list("merges")
	if err := r.parseWords(c); err != nil {
		return err
	}
	if r.merges, err = parseMerges(merges); err != nil {
		return fmt.Errorf("merges: %w", err)
	}
	return nil
}

// parseUnigram reads a model whose vocabulary is a list of tokens and scores.
func (r *recipe) parseUnigram(c *component) error {
	r.options = modelOptions{Kind: kindUnigram, ByteFallback: c.boolean("byte_fallback", false)}
	if fuse := c.raw("fuse_unk"); fuse != nil && string(fuse) != "true" { // the Rust library has no such key, and always does
		c.fault("fuse_unk %.40s is not supported, want true", fuse)
	}
	list := c.list("vocab")
	unknown := -1
	if c.raw("unk_id") != nil {
		unknown = c.integer("unk_id")
		if unknown < 0 || unknown >= len(list) {
			c.fault("unk_id is %d, want one of %d tokens", unknown, len(list))
		}
	}
	if err := c.close(); err != nil {
		return err
	}
	r.vocab = newVocabulary(len(list))
	r.options.Scores = make([]float64, len(list))
	for id, raw := range list {
		token, score, err := parseScored(raw)
		if err != nil {
			return fmt.Errorf("vocab: entry %d: %w", id, err)
		}
		r.options.Scores[id] = score
		if token == "" {
			return fmt.Errorf("vocab: entry %d: the token is empty", id)
		}
		if err := r.vocab.set(token, id); err != nil {
			return fmt.Errorf("vocab: %w", err)
		}
	}
	if unknown >= 0 {
		r.options.Unknown = r.vocab.tokens[unknown]
	}
	return nil
}

// parseScored reads a pair ["▁a", -1.5].
func parseScored(raw json.RawMessage) (token string, score float64, err error) {
	var pair []json.RawMessage
	if err := json.Unmarshal(raw, &pair); err != nil || len(pair) != 2 || isNull(pair[0]) || json.Unmarshal(pair[0], &token) != nil {
		return "", 0, fmt.Errorf("%.60s is no token with its score", raw)
	}
	score, err = parseScore(pair[1])
	return token, score, err
}

// parseVocabulary reads an object of ids by token.
func parseVocabulary(data json.RawMessage) (*vocabulary, error) {
	if data == nil {
		return nil, errors.New("missing")
	}
	type entry struct {
		token string
		id    int
	}
	var list []entry
	err := eachMember(data, func(token string, value json.RawMessage) error {
		var id int
		if err := json.Unmarshal(value, &id); err != nil || isNull(value) {
			return fmt.Errorf("id of %.60q is %.40s, want an integer", token, value)
		}
		list = append(list, entry{token, id})
		return nil
	})
	if err != nil {
		return nil, err
	}
	v := newVocabulary(len(list))
	for _, e := range list {
		if err := v.set(e.token, e.id); err != nil {
			return nil, err
		}
	}
	return v, nil
}

// parseMerges reads merges in both their spellings: "a b" and ["a", "b"].
func parseMerges(list []json.RawMessage) ([]mergeRule, error) {
	merges := make([]mergeRule, len(list))
	for i, raw := range list {
		m, err := parseMerge(raw)
		if err != nil {
			return nil, fmt.Errorf("entry %d: %w", i, err)
		}
		merges[i] = m
	}
	return merges, nil
}

func parseMerge(raw json.RawMessage) (mergeRule, error) {
	if len(raw) > 0 && raw[0] == '[' {
		var pair []string
		if err := json.Unmarshal(raw, &pair); err != nil || len(pair) != 2 {
			return mergeRule{}, fmt.Errorf("%.60s is no pair of tokens", raw)
		}
		return mergeRule{pair[0], pair[1]}, nil
	}
	var line string
	if err := json.Unmarshal(raw, &line); err != nil {
		return mergeRule{}, fmt.Errorf("%.60s is neither \"a b\" nor [\"a\", \"b\"]", raw)
	}
	return splitMerge(line)
}
