package tokenizer

import (
	"errors"
	"fmt"
	"unicode/utf8"
)

// Metadata are the keys tokenizer.ggml.* of a GGUF file.
type Metadata struct {
	Model      string    // "gpt2": byte-level BPE; "llama" and "t5": SentencePiece's BPE and Unigram; "gemma4": BPE; "bert": WordPiece
	Pre        string    // the name of the pre-tokenizer
	Tokens     []string  // by id
	TokenTypes []int     // by id: one of tokenType; none: all are normal
	Merges     []string  // "left right"; of gpt2 and gemma4
	Scores     []float64 // by id; of llama and t5
	BOS, EOS   int       // -1 where there is none
	EOT        int       // end of turn; -1 where there is none
	Unknown    int       // what unknown characters become; -1 where there is none
	AddBOS     *bool     // nil where nothing is said
	AddEOS     *bool

	CLS, SEP int // of bert; -1 where there is none

	AddSpacePrefix         *bool  // of llama and t5
	RemoveExtraWhitespaces *bool  // of t5, as are
	PrecompiledCharsmap    []byte // the rules that replace characters
	Lowercase              *bool  // of bert, as is
	StripAccents           *bool
}

// tokenType is what a GGUF file says of a token.
type tokenType int

const (
	normalToken  tokenType = 1
	unknownToken tokenType = 2
	controlToken tokenType = 3
	userToken    tokenType = 4
	unusedToken  tokenType = 5
	rawByteToken tokenType = 6 // <0x0A>
)

// FromGGUF makes the tokenizer of a GGUF file. What the file does not store (how
// texts are normalized and split) follows from the name in Pre.
func FromGGUF(m Metadata) (*Tokenizer, error) {
	r, err := m.recipe()
	if err != nil {
		return nil, fmt.Errorf("tokenizer.ggml.%w", err)
	}
	t, err := r.tokenizer()
	if err != nil {
		return nil, fmt.Errorf("tokenizer.ggml: %w", err)
	}
	return t, nil
}

func (m Metadata) recipe() (*recipe, error) {
	r := &recipe{bos: -1}
	addBOS, err := true, error(nil)
	switch m.Model {
	case "gpt2":
		if err := m.vocabulary(r); err != nil {
			return nil, err
		}
		addBOS, err = m.byteLevel(r)
	case "llama":
		if err := m.vocabulary(r); err != nil {
			return nil, err
		}
		err = m.sentencePiece(r)
	case "gemma4":
		if err := m.vocabulary(r); err != nil {
			return nil, err
		}
		err = m.spacedMerges(r)
	case "t5":
		if r, err = m.unigram(); err != nil {
			return nil, err
		}
		if m.AddEOS == nil {
			m.AddEOS = new(bool)
			*m.AddEOS = true
		}
		addBOS = false
	case "bert":
		if r, err = m.wordPiece(); err != nil {
			return nil, err
		}
		m.BOS, m.EOS, m.AddEOS = m.CLS, m.SEP, new(bool)
		*m.AddEOS = true
	default:
		return nil, fmt.Errorf("model %.40q is not supported, want gpt2, llama, gemma4, t5 or bert", m.Model)
	}
	if err != nil {
		return nil, err
	}
	return r, m.special(r, addBOS)
}

// byteLevel fills in a recipe of model "gpt2". It says whether a text begins with
// BOS where the file is silent.
func (m Metadata) byteLevel(r *recipe) (addBOS bool, err error) {
	pre, ok := preTokenizerOf(m.Pre)
	if !ok {
		return false, fmt.Errorf("pre %.40q is not known", m.Pre)
	}
	p := pre.recipe()
	r.options, r.preTokenizer, r.decoder, r.normalizer = p.options, p.preTokenizer, p.decoder, p.normalizer
	return pre.addBOS, m.listed(r)
}

// listed fills in the merges.
func (m Metadata) listed(r *recipe) (err error) {
	r.merges = make([]mergeRule, len(m.Merges))
	for i, line := range m.Merges {
		if r.merges[i], err = splitMerge(line); err != nil {
			return fmt.Errorf("merges: entry %d: %w", i, err)
		}
	}
	return nil
}

func (m Metadata) vocabulary(r *recipe) error {
	if len(m.TokenTypes) != 0 && len(m.TokenTypes) != len(m.Tokens) {
		return fmt.Errorf("token_type: %d entries, want one for each of %d tokens", len(m.TokenTypes), len(m.Tokens))
	}
	r.vocab = newVocabulary(len(m.Tokens))
	for id, token := range m.Tokens {
		if !utf8.ValidString(token) {
			return fmt.Errorf("tokens: token %d, %.60q, is not UTF-8", id, token)
		}
		kind := normalToken
		if len(m.TokenTypes) > 0 {
			kind = tokenType(m.TokenTypes[id])
		}
		switch kind {
		case normalToken, rawByteToken:
		case controlToken, userToken, unknownToken:
			if token == "" {
				return fmt.Errorf("tokens: token %d is empty", id)
			}
			r.added = append(r.added, addedToken{ID: int32(id), Content: token, Special: kind != userToken})
		case unusedToken: // fills up an embedding; no text comes to it
			continue
		default:
			return fmt.Errorf("token_type: token %d has type %d, which is not known", id, kind)
		}
		if err := r.vocab.set(token, id); err != nil {
			return fmt.Errorf("tokens: %w", err)
		}
	}
	return nil
}

// special fills in BOS and EOS, and what is put around a text.
func (m Metadata) special(r *recipe, addBOS bool) error {
	if m.AddBOS != nil {
		addBOS = *m.AddBOS
	}
	r.eos = nil
	for _, id := range []int{m.BOS, m.EOS, m.EOT} {
		if id >= len(m.Tokens) {
			return fmt.Errorf("tokens: special token %d of %d", id, len(m.Tokens))
		}
	}
	r.bos = int32(max(m.BOS, -1))
	for _, id := range []int{m.EOS, m.EOT} {
		if id >= 0 {
			r.eos = append(r.eos, int32(id))
		}
	}
	if addBOS {
		if m.BOS < 0 {
			return errors.New("add_bos_token is true, but there is no bos_token_id")
		}
		r.before = []int32{r.bos}
	}
	if m.AddEOS != nil && *m.AddEOS {
		if m.EOS < 0 {
			return errors.New("add_eos_token is true, but there is no eos_token_id")
		}
		r.after = []int32{int32(m.EOS)}
	}
	return nil
}
