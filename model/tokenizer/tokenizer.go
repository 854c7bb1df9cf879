package tokenizer

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// Tokenizer is text ↔ token ids. It does not change once made, so any number of
// goroutines may use it.
type Tokenizer struct {
	tokens  []string         // by id; "" where present is false
	present []bool           // by id
	ids     map[string]int32 // vocabulary and added tokens

	classes    *classes
	added      addedTokens
	normalizer normalizerSequence
	splitters  []splitter
	model      model
	before     []int32 // what the post-processor puts in front
	after      []int32 // and behind
	decoder    []decodeStep

	bos  int32 // -1 where there is none
	eos  []int32
	hash [sha256.Size]byte
}

// model turns a piece of text, which is not empty, into tokens that it appends to
// ids.
type model interface {
	encode(s *scratch, piece string, ids []int32) ([]int32, error)
}

// ErrText is wrapped by Encode's error for a text that is not valid UTF-8.
var ErrText = errors.New("text is not valid UTF-8")

// Encode returns the token ids of text. Added tokens that stand in text (special
// ones as well) become their ids. With addSpecial the post-processor puts the
// model's special tokens (a BOS, mostly) around them.
//
// Errors: text that is not UTF-8 (ErrText), and a regular expression without a
// scanner of its own that ran out of time.
func (t *Tokenizer) Encode(text string, addSpecial bool) ([]int32, error) {
	if !utf8.ValidString(text) {
		return nil, fmt.Errorf("encode: %w: byte %d", ErrText, invalidAt(text))
	}
	e := encoder{t: t, ids: make([]int32, 0, len(text)/3+4)}
	if addSpecial {
		e.ids = append(e.ids, t.before...)
	}
	if err := e.text(text); err != nil {
		return nil, fmt.Errorf("encode: %w", err)
	}
	if addSpecial {
		e.ids = append(e.ids, t.after...)
	}
	return e.ids, nil
}

func invalidAt(text string) int {
	for i, r := range text {
		if r == utf8.RuneError {
			if _, size := utf8.DecodeRuneInString(text[i:]); size == 1 {
				return i
			}
		}
	}
	return len(text)
}

// encoder is the state of one Encode.
type encoder struct {
	t     *Tokenizer
	ids   []int32
	emits []emit
	scratch
}

// text takes the non-normalized added tokens out, normalizes what is between,
// takes the normalized added tokens out of that, and splits the rest.
func (e *encoder) text(text string) error {
	t := e.t
	e.emits = make([]emit, len(t.splitters)+1)
	for i, s := range t.splitters {
		e.emits[i] = func(piece string, atStart bool) error { return s.split(piece, atStart, e.emits[i+1]) }
	}
	e.emits[len(t.splitters)] = func(piece string, _ bool) error {
		var err error
		e.ids, err = t.model.encode(&e.scratch, piece, e.ids)
		return err
	}
	return t.added.plain.split(text, func(piece string, id int32, atStart bool) error {
		if id >= 0 {
			e.ids = append(e.ids, id)
			return nil
		}
		piece, kept, err := t.normalizer.follow(piece)
		if err != nil {
			return err
		}
		return t.added.normalized.split(piece, func(piece string, id int32, inner bool) error {
			if id >= 0 {
				e.ids = append(e.ids, id)
				return nil
			}
			if piece == "" {
				return nil
			}
			return e.emits[0](piece, atStart && kept && inner)
		})
	})
}

// Decode returns the text of ids, as the tokenizer's decoder makes it; bytes
// that are not UTF-8 become U+FFFD. With skipSpecial special tokens are left
// out. Ids that no token has are left out, as Hugging Face does.
//
// Added tokens are spelled as the file does. Tokenizers 0.23 spells those that
// are looked for after the normalizer as that leaves them ("▁</s>"), and then
// does not know special ones of them again.
func (t *Tokenizer) Decode(ids []int32, skipSpecial bool) string {
	s := t.NewStream(skipSpecial)
	var b strings.Builder
	for _, id := range ids {
		b.WriteString(s.Push(id))
	}
	b.WriteString(s.Flush())
	return b.String()
}

// VocabSize is one more than the largest id, added tokens included. A
// checkpoint's embedding may have more rows than that.
func (t *Tokenizer) VocabSize() int { return len(t.tokens) }

// IDToToken returns a token as the vocabulary spells it ("Ġthe", "▁the", "<0x0A>").
func (t *Tokenizer) IDToToken(id int32) (token string, ok bool) {
	if id < 0 || int(id) >= len(t.tokens) || !t.present[id] {
		return "", false
	}
	return t.tokens[id], true
}

// TokenToID is the inverse of IDToToken.
func (t *Tokenizer) TokenToID(token string) (id int32, ok bool) {
	id, ok = t.ids[token]
	return id, ok
}

// IsSpecial says whether id is a special token: one that Decode can skip.
func (t *Tokenizer) IsSpecial(id int32) bool {
	token, ok := t.IDToToken(id)
	return ok && t.added.special[token]
}

// BOS returns the token that the configuration names as the begin of a text.
func (t *Tokenizer) BOS() (id int32, ok bool) { return max(t.bos, 0), t.bos >= 0 }

// EOS returns the tokens that the tokenizer's own files name as ends of a text
// or turn; generation_config.json may name more.
func (t *Tokenizer) EOS() []int32 { return slices.Clone(t.eos) }

// AddsBOS says whether Encode with addSpecial begins every text with BOS.
func (t *Tokenizer) AddsBOS() bool {
	return t.bos >= 0 && len(t.before) > 0 && t.before[0] == t.bos
}

// Hash identifies what Encode and Decode do: vocabulary in the order of ids,
// merges, normalizer, pre-tokenizer, added tokens, post-processor, decoder. It
// does not cover the layout of the file. The same
// tokenizer from tokenizer.json and from GGUF may have two hashes: GGUF stores
// less, and the pre-tokenizer only by name.
func (t *Tokenizer) Hash() [sha256.Size]byte { return t.hash }
