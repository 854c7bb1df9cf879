package model

import (
	"errors"
	"fmt"
	"io/fs"

	"github.com/ailiance/lorabench/model/checkpoint"
	"github.com/ailiance/lorabench/model/tokenizer"
)

// text is a tokenizer as the engine wants it.
type text struct{ *tokenizer.Tokenizer }

func (t text) Stream(skipSpecial bool) TextStream { return t.NewStream(skipSpecial) }

// tokenizerOf loads the tokenizer of a Hugging Face directory, or returns nil
// where it has none.
func tokenizerOf(dir fs.FS) (Tokenizer, error) {
	t, err := tokenizer.Load(dir)
	if errors.Is(err, tokenizer.ErrNone) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return text{t}, nil
}

// ReadTokenizer reads the tokenizer alone of a checkpoint, which OpenFS wants so,
// or returns nil where it has none. Nothing else of the checkpoint is looked at.
func ReadTokenizer(dir fs.FS, name string) (Tokenizer, error) {
	if name == "." {
		return tokenizerOf(dir)
	}
	src, err := checkpoint.OpenGGUF(dir, name)
	if err != nil {
		return nil, err
	}
	defer src.Close()
	return tokenizerOfGGUF(src)
}

// Metadata keys of a GGUF file.
const (
	ggufModel        = "tokenizer.ggml.model"
	ggufChatTemplate = "tokenizer.chat_template"
)

// tokenizerOfGGUF makes the tokenizer of a GGUF file, or returns nil where it
// has none.
func tokenizerOfGGUF(src *checkpoint.GGUF) (Tokenizer, error) {
	if !src.Has(ggufModel) {
		return nil, nil
	}
	r := ggufReader{src: src}
	m := tokenizer.Metadata{
		Model:      optional(&r, ggufModel, "", src.String),
		Pre:        optional(&r, "tokenizer.ggml.pre", "", src.String),
		Tokens:     optional(&r, "tokenizer.ggml.tokens", nil, src.Strings),
		TokenTypes: optional(&r, "tokenizer.ggml.token_type", nil, src.Ints),
		Merges:     optional(&r, "tokenizer.ggml.merges", nil, src.Strings),
		BOS:        optional(&r, "tokenizer.ggml.bos_token_id", -1, src.Int),
		EOS:        optional(&r, "tokenizer.ggml.eos_token_id", -1, src.Int),
		EOT:        optional(&r, "tokenizer.ggml.eot_token_id", -1, src.Int),
		Scores:     optional(&r, "tokenizer.ggml.scores", nil, src.Floats),
		Unknown:    optional(&r, "tokenizer.ggml.unknown_token_id", -1, src.Int),
		AddBOS:     optional(&r, "tokenizer.ggml.add_bos_token", nil, pointed(src.Bool)),
		AddEOS:     optional(&r, "tokenizer.ggml.add_eos_token", nil, pointed(src.Bool)),

		CLS: optional(&r, "tokenizer.ggml.cls_token_id", -1, src.Int),
		SEP: optional(&r, "tokenizer.ggml.seperator_token_id", -1, src.Int), // spelled so in the files

		RemoveExtraWhitespaces: optional(&r, "tokenizer.ggml.remove_extra_whitespaces", nil, pointed(src.Bool)),
		PrecompiledCharsmap:    optional(&r, "tokenizer.ggml.precompiled_charsmap", nil, bytesOf(src.Ints)),
		Lowercase:              optional(&r, "tokenizer.ggml.normalizer.lowercase", nil, pointed(src.Bool)),
		StripAccents:           optional(&r, "tokenizer.ggml.normalizer.strip_accents", nil, pointed(src.Bool)),

		AddSpacePrefix: optional(&r, "tokenizer.ggml.add_space_prefix", nil, pointed(src.Bool)),
	}
	if r.err != nil {
		return nil, r.err
	}
	if m.Model == "none" || m.Model == "no_vocab" { // the file says that it has none
		return nil, nil
	}
	t, err := tokenizer.FromGGUF(m)
	if err != nil {
		return nil, fmt.Errorf("load tokenizer: %w", err)
	}
	return text{t}, nil
}

// ggufReader reads metadata up to the first error.
type ggufReader struct {
	src *checkpoint.GGUF
	err error
}

// optional reads a key, or returns absent where it is not there.
func optional[T any](r *ggufReader, key string, absent T, get func(key string) (T, error)) T {
	if r.err != nil || !r.src.Has(key) {
		return absent
	}
	value, err := get(key)
	if err != nil {
		r.err = err
		return absent
	}
	return value
}

func pointed[T any](get func(string) (T, error)) func(string) (*T, error) {
	return func(key string) (*T, error) {
		value, err := get(key)
		return &value, err
	}
}

// bytesOf reads numbers as the bytes that they are.
func bytesOf(get func(string) ([]int, error)) func(string) ([]byte, error) {
	return func(key string) ([]byte, error) {
		list, err := get(key)
		data := make([]byte, len(list))
		for i, n := range list {
			data[i] = byte(n) // of bytes, or of the signed kind
		}
		return data, err
	}
}
