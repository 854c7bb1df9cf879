package tokenizer

import (
	"maps"
	"unicode/utf8"
)

// wordPiece cuts a word into the longest token that it begins with, then the
// longest that continues it, and so on; a word that cannot be cut so is unknown.
//
// Source: WordPiece::tokenize of the Rust library.
type wordPiece struct {
	heads    *trie // tokens as they are
	tails    *trie // tokens that continue a word, without their prefix
	unknown  int32
	maxChars int
}

func newWordPiece(v *vocabulary, opt modelOptions) (*wordPiece, error) {
	unknown, err := opt.unknownIn(v)
	if err != nil {
		return nil, err
	}
	w := &wordPiece{unknown: unknown, maxChars: opt.MaxChars}
	w.heads = newTrie(v, func(int32) bool { return true })
	w.tails = w.heads.below(opt.Prefix)
	return w, nil
}

// encode takes at most maxChars characters, so looking at each of them once for
// every token is no matter.
func (w *wordPiece) encode(_ *scratch, piece string, ids []int32) ([]int32, error) {
	all := len(ids)
	if utf8.RuneCountInString(piece) <= w.maxChars {
		from := w.heads
		for at := 0; ; from = w.tails {
			if at == len(piece) {
				return ids, nil
			}
			id, n := from.longest(piece[at:])
			if id < 0 {
				break
			}
			ids = append(ids, id)
			at += n
		}
	}
	if w.unknown < 0 {
		return nil, errUnknown
	}
	return append(ids[:all], w.unknown), nil
}

// wordLevel takes pieces as they are.
type wordLevel struct {
	ids     map[string]int32
	unknown int32
}

func (w wordLevel) encode(_ *scratch, piece string, ids []int32) ([]int32, error) {
	if id, ok := w.ids[piece]; ok {
		return append(ids, id), nil
	}
	if w.unknown < 0 {
		return nil, errUnknown
	}
	return append(ids, w.unknown), nil
}

func newWordLevel(v *vocabulary, opt modelOptions) (wordLevel, error) {
	unknown, err := opt.unknownIn(v)
	w := wordLevel{ids: make(map[string]int32, len(v.ids)), unknown: unknown}
	maps.Copy(w.ids, v.ids) // which added tokens come to later
	return w, err
}
