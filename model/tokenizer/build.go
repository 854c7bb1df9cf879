package tokenizer

import (
	"encoding/json"
	"fmt"
)

// tokenizer makes the tokenizer of a recipe, and takes over its vocabulary.
func (r *recipe) tokenizer() (*Tokenizer, error) {
	b := builder{sharedClasses(), newAlphabet()}
	t := &Tokenizer{classes: b.classes, before: r.before, after: r.after, bos: r.bos, eos: r.eos}
	var err error
	if t.normalizer, err = b.normalizers(r.normalizer, 0); err != nil {
		return nil, fmt.Errorf("normalizer: %w", err)
	}
	if t.splitters, err = b.splitters(r.preTokenizer, 0); err != nil {
		return nil, fmt.Errorf("pre_tokenizer: %w", err)
	}
	if r.pieces != nil {
		s, err := newPieceSplitter(*r.pieces)
		if err != nil {
			return nil, fmt.Errorf("precompiled_charsmap: %w", err)
		}
		t.splitters = []splitter{s}
	}
	if t.model, err = r.model(t, b.alphabet); err != nil {
		return nil, fmt.Errorf("model: %w", err)
	}
	t.decoder = []decodeStep{spaced{}}
	switch {
	case r.pieces != nil:
		t.decoder = []decodeStep{newPieceDecode(*r.pieces)}
	case r.decoder != nil:
		var fused bool
		if t.decoder, err = b.decoders(r.decoder, 0, &fused); err != nil {
			return nil, fmt.Errorf("decoder: %w", err)
		}
	}
	if t.hash, err = r.hash(); err != nil {
		return nil, err
	}
	if err := r.addTokens(); err != nil {
		return nil, fmt.Errorf("added_tokens: %w", err)
	}
	if t.added, err = newAddedTokens(r.added, t.normalizer, b.classes); err != nil {
		return nil, fmt.Errorf("added_tokens: %w", err)
	}
	t.tokens, t.present, t.ids = r.vocab.tokens, r.vocab.present, r.vocab.ids
	return t, t.checkSpecial()
}

func (r *recipe) model(t *Tokenizer, a *alphabet) (model, error) {
	switch r.options.Kind {
	case kindUnigram:
		return newUnigram(r.vocab, r.options)
	case kindWordPiece:
		return newWordPiece(r.vocab, r.options)
	case kindWordLevel:
		return newWordLevel(r.vocab, r.options)
	}
	return newBPE(r.vocab, r.merges, r.options, t.endInBytes(r.options), a)
}

// endInBytes leaves out a last step that spells bytes as letters: the model then
// takes the bytes themselves. It does not where bytes that are no token become
// others, since those are the bytes of the letter then.
func (t *Tokenizer) endInBytes(opt modelOptions) bool {
	last := len(t.splitters) - 1
	if last < 0 || opt.Unknown != "" || opt.ByteFallback || opt.Prefix+opt.Suffix != "" {
		return false
	}
	if _, ok := t.splitters[last].(byteLetters); !ok {
		return false
	}
	t.splitters = t.splitters[:last]
	return true
}

// addTokens puts the added tokens into the vocabulary.
func (r *recipe) addTokens() error {
	r.vocab.limit += len(r.added)
	for _, a := range r.added {
		if err := r.vocab.set(a.Content, int(a.ID)); err != nil {
			return err
		}
	}
	return nil
}

// checkSpecial checks that the tokens around a text are in the vocabulary.
func (t *Tokenizer) checkSpecial() error {
	for _, list := range [][]int32{t.before, t.after, t.eos} {
		for _, id := range list {
			if _, ok := t.IDToToken(id); !ok {
				return fmt.Errorf("special token %d is not in the vocabulary", id)
			}
		}
	}
	if _, ok := t.IDToToken(t.bos); !ok && t.bos >= 0 {
		return fmt.Errorf("BOS token %d is not in the vocabulary", t.bos)
	}
	return nil
}

// canonicalJSON returns JSON in a form that does not depend on layout and order.
func canonicalJSON(raw json.RawMessage) ([]byte, error) {
	if raw == nil {
		return []byte("null"), nil
	}
	var v any
	if err := json.Unmarshal(raw, &v); err != nil {
		return nil, err
	}
	return json.Marshal(v)
}
