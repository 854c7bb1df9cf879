package tokenizer

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"
	"unicode/utf8"
)

// Model types of SentencePiece.
const (
	pieceUnigram = 1
	pieceBPE     = 2
)

// unknownSurface is what an unknown token is decoded to, unless the file says it.
const unknownSurface = " \u2047 "

// pieceFile is what a tokenizer.model holds.
type pieceFile struct {
	Tokens  []string
	Scores  []float64
	Types   []tokenType
	model   int
	bytes   bool
	suffix  bool
	unknown string // what the unknown token is decoded to
	rules   pieceRules

	bos, eos int32 // -1: there is none
}

// parsePieceFile reads a ModelProto.
//
// Source: sentencepiece_model.proto.
func parsePieceFile(data []byte) (*pieceFile, error) {
	f := &pieceFile{model: pieceUnigram, unknown: unknownSurface, bos: 1, eos: 2}
	f.rules = pieceRules{AddDummyPrefix: true, RemoveExtraWhitespaces: true, EscapeWhitespaces: true}
	err := eachField(data, func(part field) error {
		if err := part.want(wireBytes); err != nil {
			return err
		}
		switch part.id {
		case 1:
			if err := f.piece(part.data); err != nil {
				return fmt.Errorf("piece %d: %w", len(f.Tokens), err)
			}
			return nil
		case 2:
			return wrap("trainer_spec", eachField(part.data, f.trainer))
		case 3:
			return wrap("normalizer_spec", eachField(part.data, f.normalizer))
		case 4: // texts to test the file with
			return nil
		case 5:
			return wrap("denormalizer_spec", eachField(part.data, func(part field) error {
				if part.id == 2 && len(part.data) > 0 {
					return errors.New("a precompiled_charsmap is not supported: what it makes of decoded text is not done here")
				}
				return nil
			}))
		}
		return fmt.Errorf("field %d is not known", part.id)
	})
	if err != nil {
		return nil, err
	}
	if len(f.Tokens) == 0 {
		return nil, errors.New("there are no pieces")
	}
	f.bos, f.eos = f.token(f.bos, controlToken), f.token(f.eos, controlToken)
	return f, nil
}

func wrap(what string, err error) error {
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	return nil
}

// token returns id where it is a token of a type, else -1.
func (f *pieceFile) token(id int32, kind tokenType) int32 {
	if id < 0 || int(id) >= len(f.Tokens) || f.Types[id] != kind {
		return -1
	}
	return id
}

func (f *pieceFile) piece(data []byte) error {
	token, score, kind := "", float32(0), normalToken
	err := eachField(data, func(part field) error {
		switch part.id {
		case 1:
			token = string(part.data)
			return part.want(wireBytes)
		case 2:
			score = part.float()
			return part.want(wireFixed32)
		case 3:
			kind = tokenType(part.integer())
			return part.want(wireVarint)
		}
		return fmt.Errorf("field %d is not known", part.id)
	})
	switch {
	case err != nil:
		return err
	case token == "":
		return errors.New("it is empty")
	case !utf8.ValidString(token):
		return fmt.Errorf("%.60q is not UTF-8", token)
	case math.IsNaN(float64(score)) || math.IsInf(float64(score), 0):
		return fmt.Errorf("score is %v", score)
	case kind < normalToken || kind > rawByteToken:
		return fmt.Errorf("type %d is not known", kind)
	}
	f.Tokens, f.Scores, f.Types = append(f.Tokens, token), append(f.Scores, float64(score)), append(f.Types, kind)
	return nil
}

// trainer takes what encodes texts from a TrainerSpec; the rest is how the file
// was made.
func (f *pieceFile) trainer(part field) error {
	switch part.id {
	case 3:
		f.model = part.integer()
	case 24:
		f.suffix = part.boolean()
	case 35:
		f.bytes = part.boolean()
	case 41:
		f.bos = int32(part.integer())
	case 42:
		f.eos = int32(part.integer())
	case 44:
		if !utf8.Valid(part.data) {
			return errors.New("unk_surface is not UTF-8")
		}
		f.unknown = string(part.data)
		return part.want(wireBytes)
	default:
		return nil
	}
	return part.want(wireVarint)
}

func (f *pieceFile) normalizer(part field) error {
	switch part.id {
	case 1, 6: // its name, and where it was compiled from
		return nil
	case 2:
		f.rules.Charsmap = part.data
		return part.want(wireBytes)
	case 3:
		f.rules.AddDummyPrefix = part.boolean()
	case 4:
		f.rules.RemoveExtraWhitespaces = part.boolean()
	case 5:
		f.rules.EscapeWhitespaces = part.boolean()
	default:
		return fmt.Errorf("field %d is not known", part.id)
	}
	return part.want(wireVarint)
}

// recipe makes of the file what SentencePiece makes of it, with control tokens
// as added tokens: those that stand in a text become themselves.
func (f *pieceFile) recipe() (*recipe, error) {
	r := &recipe{vocab: newVocabulary(len(f.Tokens)), bos: f.bos, pieces: &f.rules}
	if f.eos >= 0 {
		r.eos = []int32{f.eos}
	}
	r.options = modelOptions{ByteFallback: f.bytes, FuseUnknown: true, Single: true}
	f.rules.Bytes, f.rules.Suffix, f.rules.UnknownSurface = f.bytes, f.suffix, f.unknown
	for id, token := range f.Tokens {
		if err := r.vocab.set(token, id); err != nil {
			return nil, err
		}
		if err := f.special(r, int32(id)); err != nil {
			return nil, fmt.Errorf("piece %d, %.60q: %w", id, token, err)
		}
	}
	if r.options.Unknown == "" {
		return nil, errors.New("no piece is of type UNKNOWN")
	}
	f.rules.Unknown = r.options.Unknown
	if f.bytes && slices.Min(byteTokens(r.vocab)[:]) < 0 {
		return nil, errors.New("byte_fallback is true, and not all bytes are pieces")
	}
	switch f.model {
	case pieceUnigram:
		r.options.Kind = kindUnigram
		f.unigram(r)
		return r, nil
	case pieceBPE:
		var err error
		r.merges, r.options.Ranks, err = mergesByScore(r.vocab, f.Tokens, f.Scores, func(id int) bool { return f.Types[id] == normalToken })
		return r, err
	}
	return nil, fmt.Errorf("model_type %d is not supported, want 1 (Unigram) or 2 (BPE)", f.model)
}

// special takes down what is special about a piece.
func (f *pieceFile) special(r *recipe, id int32) error {
	token := f.Tokens[id]
	switch f.Types[id] {
	case unknownToken:
		if r.options.Unknown != "" {
			return fmt.Errorf("the unknown piece is %.60q already", r.options.Unknown)
		}
		r.options.Unknown = token
	case controlToken:
		f.rules.Control = append(f.rules.Control, token)
		r.added = append(r.added, addedToken{ID: id, Content: token, Special: true})
	case userToken:
		f.rules.User = append(f.rules.User, token)
		r.options.User = append(r.options.User, id)
	case rawByteToken:
		if _, ok := byteToken(token); !ok || !f.bytes {
			return fmt.Errorf("a BYTE, with byte_fallback %v", f.bytes)
		}
	case unusedToken:
		if f.model != pieceUnigram {
			return errors.New("type UNUSED is not supported in a model of merges")
		}
	}
	return nil
}

// unigram makes the scores those that SentencePiece counts with, and leaves what
// no text comes to out of the search. Of symbols that a user defined the score is
// what version 0.2.3 was found to give them, a tenth for each byte but one; older
// versions gave a tenth below zero.
func (f *pieceFile) unigram(r *recipe) {
	least := float32(math.MaxFloat32)
	r.options.Scores = slices.Clone(f.Scores)
	for id, kind := range f.Types {
		switch kind {
		case normalToken:
			least = min(least, float32(f.Scores[id]))
		case userToken:
			r.options.Scores[id] = float64(float32(0.1*float64(len(f.Tokens[id])) - 0.1))
		default:
			r.options.Hidden = append(r.options.Hidden, int32(id))
		}
	}
	r.options.Penalty = float64(least - unknownPenalty)
}

// mergesByScore returns all ways to make one of the tokens that keep is true for
// of two others. The token of the best score is made first, of equals the
// leftmost.
//
// Source: Model::SampleEncode of SentencePiece's bpe_model.cc.
func mergesByScore(v *vocabulary, tokens []string, scores []float64, keep func(id int) bool) (merges []mergeRule, ranks []int32, err error) {
	var list []int
	for id := range tokens {
		if keep(id) {
			if len(tokens[id]) > maxPiece {
				return nil, nil, fmt.Errorf("token %d has %d bytes, want at most %d", id, len(tokens[id]), maxPiece)
			}
			list = append(list, id)
		}
	}
	slices.SortStableFunc(list, func(a, b int) int { return cmp.Compare(scores[b], scores[a]) })
	rank := int32(-1)
	for i, id := range list {
		if i == 0 || scores[id] != scores[list[i-1]] {
			rank++
		}
		token := tokens[id]
		for at := range token {
			left, okLeft := v.ids[token[:at]]
			right, okRight := v.ids[token[at:]]
			if at > 0 && okLeft && okRight && keep(int(left)) && keep(int(right)) {
				merges = append(merges, mergeRule{token[:at], token[at:]})
				ranks = append(ranks, rank)
			}
		}
	}
	return merges, ranks, nil
}
