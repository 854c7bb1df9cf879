package model

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"

	"github.com/ailiance/lorabench/model/architecture"
	"github.com/ailiance/lorabench/model/chat"
	"github.com/ailiance/lorabench/model/checkpoint"
)

// parts are what the files of a checkpoint hold, before anything is computed.
// What could not be read is nil or empty.
type parts struct {
	config *architecture.Config
	source checkpoint.Source

	rest func() // reads what follows, perhaps while the weights are read

	tokenizer Tokenizer // nil where the checkpoint has none
	templates chat.Sources
	eos       []int32 // of generation_config.json
	notes     []string
	hash      string // of the weights
	base      string // of all that the base computes with
}

// partsReader reads parts. onFault is told what is wrong and says whether to go
// on with what does not need it.
type partsReader struct {
	ctx     context.Context
	dir     fs.FS
	options Options
	onFault func(error) bool
	parts
}

// readParts reads the checkpoint in dir: a Hugging Face directory (name "."), or
// the GGUF file of that name. The caller calls rest and then closes source.
func readParts(ctx context.Context, dir fs.FS, name string, opt Options, onFault func(error) bool) *parts {
	r := &partsReader{ctx: ctx, dir: dir, options: opt, onFault: onFault, parts: parts{rest: func() {}}}
	switch {
	case name == ".":
		r.huggingFace()
	case strings.EqualFold(filepath.Ext(name), ".gguf"):
		r.gguf(name)
	default:
		onFault(fmt.Errorf("%s is neither a directory nor a .gguf file", name))
	}
	return &r.parts
}

// ReadConfig reads the configuration of the checkpoint in dir, named as in OpenFS,
// and no weights.
func ReadConfig(dir fs.FS, name string) (*architecture.Config, error) {
	if name == "." {
		data, err := checkpoint.ReadJSON(dir, checkpoint.ConfigFile)
		if err != nil {
			return nil, err
		}
		return architecture.Parse(data)
	}
	src, err := checkpoint.OpenGGUF(dir, name)
	if err != nil {
		return nil, err
	}
	defer src.Close()
	return architecture.FromGGUF(src)
}

// partsOf are the parts of a model that has no files.
func partsOf(config []byte, src checkpoint.Source, hash string, onFault func(error) bool) *parts {
	r := &partsReader{onFault: onFault, parts: parts{source: src, hash: hash, rest: func() {}}}
	var err error
	if r.config, err = architecture.Parse(config); r.ok(err) {
		r.check()
	}
	h := sha256.New()
	fmt.Fprintf(h, "%s\n%s\n", hash, config)
	r.base = "sha256:" + hex.EncodeToString(h.Sum(nil))
	return &r.parts
}

// ok reports a fault, if err is one, and says whether to go on.
func (r *partsReader) ok(err error) bool { return err == nil || r.onFault(err) }

func (r *partsReader) huggingFace() {
	data, err := checkpoint.ReadJSON(r.dir, checkpoint.ConfigFile)
	if err == nil {
		r.config, err = architecture.Parse(data)
	}
	if !r.ok(err) {
		return
	}
	src, err := checkpoint.OpenWeights(r.dir)
	if err == nil {
		r.source = src
	}
	if !r.ok(err) || !r.check() {
		return
	}
	r.rest = func() {
		if r.source != nil {
			var err error
			if r.hash, err = src.Hash(r.ctx); !r.ok(err) {
				return
			}
		}
		if r.config != nil && !r.ok(r.generation()) {
			return
		}
		h := sha256.New()
		fmt.Fprintf(h, "%s\n%s %d\n%s\n%v\n", r.hash, checkpoint.ConfigFile, len(data), data, r.eos)
		r.base = "sha256:" + hex.EncodeToString(h.Sum(nil))
		r.text(func() (Tokenizer, error) { return tokenizerOf(r.dir) }, func() (chat.Sources, error) { return chat.Load(r.dir) })
	}
}

func (r *partsReader) gguf(name string) {
	src, err := checkpoint.OpenGGUF(r.dir, name)
	if err != nil {
		r.onFault(err)
		return
	}
	r.source = src
	r.config, err = architecture.FromGGUF(src)
	if err != nil {
		err = fmt.Errorf("read %s: %w", name, err)
	}
	if !r.ok(err) || !r.check() {
		return
	}
	r.rest = func() {
		var err error
		r.hash, err = src.Hash(r.ctx)
		r.base = r.hash
		if r.ok(err) {
			r.text(func() (Tokenizer, error) { return tokenizerOfGGUF(src) }, func() (chat.Sources, error) { return templatesOfGGUF(src) })
		}
	}
}

// text reads what turns text into tokens and back.
func (r *partsReader) text(tokenizer func() (Tokenizer, error), templates func() (chat.Sources, error)) {
	if r.options.TokensOnly {
		return
	}
	ok := r.ok
	if r.options.TextOptional {
		ok = func(err error) bool {
			if err != nil {
				r.notes = append(r.notes, fmt.Sprintf("there is no text, only tokens: %v", err))
			}
			return err == nil
		}
	}
	var err error
	if r.tokenizer, err = tokenizer(); !ok(err) {
		return
	}
	r.templates, err = templates()
	ok(err)
}

// check compares the tensors with the configuration.
func (r *partsReader) check() bool {
	return r.config == nil || r.source == nil || r.ok(r.config.Check(r.source))
}

// generationFile names tokens that end a text beside those of config.json, as
// Llama 3's instruct models do. The rest of it are defaults of sampling.
const generationFile = "generation_config.json"

// generation adds those tokens to eos; what is not in the vocabulary is never
// written and left out. Of the suggestions it notes the one that is made for
// greedy text.
func (r *partsReader) generation() error {
	data, err := checkpoint.ReadJSON(r.dir, generationFile)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	var file struct {
		EOS     json.RawMessage `json:"eos_token_id"`
		Penalty *float64        `json:"repetition_penalty"`
	}
	if err == nil {
		err = json.Unmarshal(data, &file)
	}
	if err != nil {
		return fmt.Errorf("read %s: %w", generationFile, err)
	}
	if file.Penalty != nil && *file.Penalty != 1 {
		r.notes = append(r.notes, fmt.Sprintf("%s suggests a repetition_penalty of %v, which is not applied; transformers applies it to greedy text too", generationFile, *file.Penalty))
	}
	if file.EOS == nil {
		return nil
	}
	var one *int
	var ids []int
	if json.Unmarshal(file.EOS, &one) == nil {
		if one != nil {
			ids = []int{*one}
		}
	} else if err := json.Unmarshal(file.EOS, &ids); err != nil {
		return fmt.Errorf("read %s: eos_token_id: %w", generationFile, err)
	}
	for _, id := range ids {
		if id >= 0 && id < r.config.VocabSize {
			r.eos = append(r.eos, int32(id))
		}
	}
	return nil
}
