package tokenizer

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// bpe is byte-pair encoding: the symbols of a piece of text, bytes or
// characters, are merged pair by pair, the pair of the lowest rank first.
type bpe struct {
	ranks  map[uint64]int32 // by pair of tokens
	merged []int32          // by rank: the token that the pair becomes

	// whole has the texts that come to one token. Most words are such, and need
	// no merging. It stands in for a cache: it is bounded by the vocabulary and
	// does not change.
	whole map[string]int32

	bytes    bool       // symbols are bytes; else they are characters
	byByte   [256]int32 // -1: no token; such bytes are left out
	byRune   map[rune]int32
	fallback *[256]int32 // bytes of characters that no token is; nil for none
	unknown  int32       // what remains becomes this; -1: it is left out
	fuse     bool        // of unknown characters in a row, one token

	wordsApart bool // no merge reaches over the begin of a word
}

// modelOptions are the settings of a BPE model.
type modelOptions struct {
	Unknown      string // "" for none
	FuseUnknown  bool
	ByteFallback bool
	IgnoreMerges bool // a text that is a token is that token, whatever its merges
}

// pairOf is the key of two tokens in ranks.
func pairOf(left, right int32) uint64 { return uint64(uint32(left))<<32 | uint64(uint32(right)) }

// newBPE makes the model of a vocabulary. Where inBytes is true the model takes
// raw bytes, which the vocabulary spells as a has them.
func newBPE(v *vocabulary, merges []mergeRule, opt modelOptions, inBytes bool, a *alphabet) (*bpe, error) {
	b := &bpe{
		ranks: make(map[uint64]int32, len(merges)), merged: make([]int32, len(merges)),
		whole: make(map[string]int32, len(v.ids)), bytes: inBytes, unknown: -1, fuse: opt.FuseUnknown,
	}
	for rank, m := range merges {
		left, okLeft := v.ids[m.left]
		right, okRight := v.ids[m.right]
		both, okBoth := v.ids[m.left+m.right]
		switch {
		case !okLeft:
			return nil, fmt.Errorf("merge %d: %.60q is not in the vocabulary", rank, m.left)
		case !okRight:
			return nil, fmt.Errorf("merge %d: %.60q is not in the vocabulary", rank, m.right)
		case !okBoth:
			return nil, fmt.Errorf("merge %d: %.60q, which it makes, is not in the vocabulary", rank, m.left+m.right)
		}
		b.ranks[pairOf(left, right)] = int32(rank) // of two for one pair the later counts
		b.merged[rank] = both
	}
	if opt.Unknown != "" {
		id, ok := v.ids[opt.Unknown]
		if !ok {
			return nil, fmt.Errorf("unk_token %.60q is not in the vocabulary", opt.Unknown)
		}
		b.unknown = id
	}
	if inBytes {
		for i, letter := range a.letters {
			b.byByte[i] = -1
			if id, ok := v.ids[string(letter)]; ok {
				b.byByte[i] = id
			}
		}
	} else {
		b.wordsApart = !opt.IgnoreMerges && findWordsApart(v, merges)
		b.byRune = map[rune]int32{}
		for token, id := range v.ids {
			if r, size := utf8.DecodeRuneInString(token); size == len(token) && size > 0 {
				b.byRune[r] = id
			}
		}
	}
	if opt.ByteFallback && !inBytes {
		b.fallback = new([256]int32)
		for i := range b.fallback {
			b.fallback[i] = -1
			if id, ok := v.ids[fmt.Sprintf("<0x%02X>", i)]; ok {
				b.fallback[i] = id
			}
		}
	}
	b.findWhole(v, opt.IgnoreMerges, a)
	return b, nil
}

// findWhole fills whole by encoding the text of every token.
func (b *bpe) findWhole(v *vocabulary, all bool, a *alphabet) {
	var m merger
	var ids []int32
	for token, id := range v.ids {
		text := token
		if b.bytes {
			var ok bool
			if text, ok = a.read(token); !ok {
				continue
			}
		}
		if !all {
			if ids = b.encode(&m, text, ids[:0]); len(ids) != 1 || ids[0] != id {
				continue
			}
		}
		b.whole[text] = id
	}
}

// encode appends the tokens of piece to ids.
func (b *bpe) encode(m *merger, piece string, ids []int32) []int32 {
	if id, ok := b.whole[piece]; ok {
		return append(ids, id)
	}
	m.symbols = m.symbols[:0]
	if b.bytes {
		for i := range len(piece) {
			if id := b.byByte[piece[i]]; id >= 0 {
				m.add(id)
			}
		}
	} else {
		b.characters(m, piece)
	}
	m.run(b)
	return m.tokens(ids)
}

// encodeWords is encode for pieces that may be whole texts. Where no merge
// reaches into the next word it goes word by word, which is faster: most words
// are in whole, and a short heap is cheap.
func (b *bpe) encodeWords(m *merger, piece string, ids []int32) []int32 {
	if b.wordsApart {
		inWord := false
		start := 0
		for i, r := range piece {
			if r == wordMark && inWord {
				ids = b.encode(m, piece[start:i], ids)
				start = i
			}
			inWord = r != wordMark
		}
		piece = piece[start:]
	}
	return b.encode(m, piece, ids)
}

// wordMark stands for a space in vocabularies of characters.
const wordMark = '▁'

// findWordsApart says whether a text may be cut before every wordMark that
// follows another character: it is a token, and no merge has it so.
func findWordsApart(v *vocabulary, merges []mergeRule) bool {
	mark := string(wordMark)
	if _, ok := v.ids[mark]; !ok {
		return false
	}
	for _, m := range merges {
		if strings.HasPrefix(m.right, mark) && !strings.HasSuffix(m.left, mark) {
			return false
		}
	}
	return true
}

// characters adds the symbols of piece.
//
// Source: BPE::merge_word, with its quirk: an unknown token waits for the next
// known character, so bytes of a fallback that come between stand before it.
func (b *bpe) characters(m *merger, piece string) {
	waiting := false
	for i := 0; i < len(piece); {
		r, size := utf8.DecodeRuneInString(piece[i:])
		char := piece[i : i+size]
		i += size
		if id, ok := b.byRune[r]; ok {
			if waiting {
				m.add(b.unknown)
				waiting = false
			}
			m.add(id)
			continue
		}
		if b.fallBack(m, char) || b.unknown < 0 {
			continue
		}
		if waiting && !b.fuse {
			m.add(b.unknown)
		}
		waiting = true
	}
	if waiting {
		m.add(b.unknown)
	}
}

// fallBack adds the bytes of a character; ok is false where not all are tokens.
func (b *bpe) fallBack(m *merger, char string) (ok bool) {
	if b.fallback == nil {
		return false
	}
	for i := range len(char) {
		if b.fallback[char[i]] < 0 {
			return false
		}
	}
	for i := range len(char) {
		m.add(b.fallback[char[i]])
	}
	return true
}
