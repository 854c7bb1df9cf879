package tokenizer

import (
	"fmt"
	"maps"
	"strings"
	"unicode/utf8"
)

// bpe is byte-pair encoding: the symbols of a piece of text, bytes or
// characters, are merged pair by pair, the pair of the lowest rank first.
type bpe struct {
	byPair map[uint64]int32 // rules by pair of tokens
	rules  []rule

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

	user           *trie            // symbols of several characters that stay as they are; nil for none
	prefix, suffix string           // of characters that do not begin, and that end, a piece
	ids            map[string]int32 // where there is a prefix or suffix
}

// rule is a merge: of two neighbours, the pair of the lowest rank goes first.
type rule struct{ left, right, merged, rank int32 }

// modelOptions are the settings of a model.
type modelOptions struct {
	Unknown      string // "" for none
	FuseUnknown  bool
	ByteFallback bool
	IgnoreMerges bool // a text that is a token is that token, whatever its merges

	Kind     string    `json:",omitempty"` // "" for BPE
	Scores   []float64 `json:",omitempty"` // by id; of Unigram
	Prefix   string    `json:",omitempty"` // of tokens that continue a word
	Suffix   string    `json:",omitempty"` // of tokens that end a word
	MaxChars int       `json:",omitempty"` // of a word of WordPiece
	Ranks    []int32   `json:",omitempty"` // by merge; none: as they are listed
	User     []int32   `json:",omitempty"` // tokens that are found in a text whole, before all others
	Single   bool      `json:",omitempty"` // of SentencePiece: sums of scores are of float32, and
	Penalty  float64   `json:",omitempty"` // the score of an unknown character is given, and
	Hidden   []int32   `json:",omitempty"` // these tokens are not found in a text
}

// Kinds of models, as tokenizer.json names them.
const (
	kindBPE       = ""
	kindUnigram   = "Unigram"
	kindWordPiece = "WordPiece"
	kindWordLevel = "WordLevel"
)

// unknownIn returns the token that stands for what is unknown, or -1 for none.
func (opt modelOptions) unknownIn(v *vocabulary) (int32, error) {
	if opt.Unknown == "" {
		return -1, nil
	}
	id, ok := v.ids[opt.Unknown]
	if !ok {
		return -1, fmt.Errorf("unk_token %.60q is not in the vocabulary", opt.Unknown)
	}
	return id, nil
}

// byteTokens returns the tokens of the bytes, <0x00> and so on; -1 for none.
func byteTokens(v *vocabulary) *[256]int32 {
	list := new([256]int32)
	for i := range list {
		list[i] = -1
		if id, ok := v.ids[fmt.Sprintf("<0x%02X>", i)]; ok {
			list[i] = id
		}
	}
	return list
}

func oneOf(list []int32) func(id int32) bool {
	set := make(map[int32]bool, len(list))
	for _, id := range list {
		set[id] = true
	}
	return func(id int32) bool { return set[id] }
}

// pairOf is the key of two tokens in byPair.
func pairOf(left, right int32) uint64 { return uint64(uint32(left))<<32 | uint64(uint32(right)) }

// newBPE makes the model of a vocabulary. Where inBytes is true the model takes
// raw bytes, which the vocabulary spells as a has them.
func newBPE(v *vocabulary, merges []mergeRule, opt modelOptions, inBytes bool, a *alphabet) (*bpe, error) {
	b := &bpe{
		byPair: make(map[uint64]int32, len(merges)), rules: make([]rule, len(merges)),
		whole: make(map[string]int32, len(v.ids)), bytes: inBytes, fuse: opt.FuseUnknown,
		prefix: opt.Prefix, suffix: opt.Suffix,
	}
	if err := b.addRules(v, merges, opt.Ranks); err != nil {
		return nil, err
	}
	var err error
	if b.unknown, err = opt.unknownIn(v); err != nil {
		return nil, err
	}
	if b.prefix+b.suffix != "" {
		b.ids = maps.Clone(v.ids)
	}
	if inBytes {
		for i, letter := range a.letters {
			b.byByte[i] = -1
			if id, ok := v.ids[string(letter)]; ok {
				b.byByte[i] = id
			}
		}
	} else {
		b.byRune = map[rune]int32{}
		for token, id := range v.ids {
			if r, size := utf8.DecodeRuneInString(token); size == len(token) && size > 0 {
				b.byRune[r] = id
			}
		}
		if opt.ByteFallback {
			b.fallback = byteTokens(v)
		}
		if len(opt.User) > 0 {
			b.user = newTrie(v, oneOf(opt.User))
		}
		b.wordsApart = !opt.IgnoreMerges && b.ids == nil && b.user == nil && findWordsApart(v, merges)
	}
	if b.ids == nil {
		b.findWhole(v, opt.IgnoreMerges, a)
	} else if opt.IgnoreMerges {
		maps.Copy(b.whole, v.ids)
	}
	return b, nil
}

// addRules looks the tokens of merges up.
func (b *bpe) addRules(v *vocabulary, merges []mergeRule, ranks []int32) error {
	for i, m := range merges {
		left, okLeft := v.ids[m.left]
		right, okRight := v.ids[m.right]
		if !okLeft {
			return fmt.Errorf("merge %d: %.60q is not in the vocabulary", i, m.left)
		}
		if !okRight {
			return fmt.Errorf("merge %d: %.60q is not in the vocabulary", i, m.right)
		}
		tail := strings.TrimPrefix(m.right, b.prefix)
		both, okBoth := v.ids[m.left+tail]
		if !okBoth {
			return fmt.Errorf("merge %d: %.60q, which it makes, is not in the vocabulary", i, m.left+tail)
		}
		rank := int32(i)
		if ranks != nil {
			rank = ranks[i]
		}
		b.rules[i] = rule{left, right, both, rank}
		b.byPair[pairOf(left, right)] = int32(i) // of two for one pair the later counts
	}
	return nil
}

// findWhole fills whole by encoding the text of every token.
func (b *bpe) findWhole(v *vocabulary, all bool, a *alphabet) {
	var s scratch
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
			if ids = b.piece(&s, text, ids[:0]); len(ids) != 1 || ids[0] != id {
				continue
			}
		}
		b.whole[text] = id
	}
}

// piece appends the tokens of a piece to ids.
func (b *bpe) piece(s *scratch, piece string, ids []int32) []int32 {
	if id, ok := b.whole[piece]; ok {
		return append(ids, id)
	}
	s.symbols = s.symbols[:0]
	if b.bytes {
		for i := range len(piece) {
			if id := b.byByte[piece[i]]; id >= 0 {
				s.add(id)
			}
		}
	} else {
		b.characters(&s.merger, piece)
	}
	s.run(b)
	return s.tokens(ids)
}

// encode appends the tokens of a piece, which may be a whole text, to ids. Where no merge
// reaches into the next word it goes word by word, which is faster: most words
// are in whole, and a short heap is cheap.
func (b *bpe) encode(s *scratch, piece string, ids []int32) ([]int32, error) {
	if b.wordsApart {
		inWord := false
		start := 0
		for i, r := range piece {
			if r == wordMark && inWord {
				ids = b.piece(s, piece[start:i], ids)
				start = i
			}
			inWord = r != wordMark
		}
		piece = piece[start:]
	}
	return b.piece(s, piece, ids), nil
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
		char, id, ok := b.character(piece, i)
		i += len(char)
		if b.ids != nil {
			char = b.affixed(char, i == len(char), i == len(piece))
			id, ok = b.ids[char]
		}
		if ok {
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

// character returns what stands at byte i of piece, and the token that it is.
func (b *bpe) character(piece string, i int) (char string, id int32, ok bool) {
	if b.user != nil {
		if id, n := b.user.longest(piece[i:]); n > 0 {
			return piece[i : i+n], id, true
		}
	}
	r, size := utf8.DecodeRuneInString(piece[i:])
	id, ok = b.byRune[r]
	return piece[i : i+size], id, ok
}

// affixed spells a character as the vocabulary does by its place in the piece.
func (b *bpe) affixed(char string, first, last bool) string {
	if !first {
		char = b.prefix + char
	}
	if last {
		char += b.suffix
	}
	return char
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
