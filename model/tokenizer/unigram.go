package tokenizer

import (
	"errors"
	"fmt"
	"math"
	"unicode/utf8"
)

// unigram is SentencePiece's language model of single tokens: of all ways to cut
// a text the one whose tokens' scores add up to most, found from left to right.
//
// Source: Kudo 2018, "Subword Regularization", §3, https://arxiv.org/abs/1804.10959;
// Unigram::encode_optimized of the Rust library, whose sums are of float64, and
// Model::EncodeOptimized of SentencePiece, whose sums are of float32.
type unigram struct {
	trie     *trie
	scores   []float64 // by id, ln p
	unknown  int32     // -1: there is none
	penalty  float64   // the score of an unknown character
	fallback *[256]int32
	single   bool // sums are of float32
}

// unknownPenalty is what an unknown character scores less than the least token.
const unknownPenalty = 10

// maxUnigram is the most bytes of a token: so many are looked at from every place
// of a text. Those that are published have less than a hundred.
const maxUnigram = 512

// newUnigram makes the model of a vocabulary, as the Rust library does, or, where
// opt says so, as SentencePiece.
func newUnigram(v *vocabulary, opt modelOptions) (*unigram, error) {
	if len(opt.Scores) != len(v.tokens) {
		return nil, fmt.Errorf("%d scores for %d tokens", len(opt.Scores), len(v.tokens))
	}
	u := &unigram{scores: opt.Scores, single: opt.Single}
	least := math.Inf(1)
	for id, score := range opt.Scores {
		if math.IsNaN(score) || math.IsInf(score, 0) {
			return nil, fmt.Errorf("score of token %d is %v", id, score)
		}
		if len(v.tokens[id]) > maxUnigram {
			return nil, fmt.Errorf("token %d has %d bytes, want at most %d", id, len(v.tokens[id]), maxUnigram)
		}
		least = min(least, score)
	}
	u.penalty = least - unknownPenalty
	if opt.Single {
		u.penalty = opt.Penalty
	}
	var err error
	if u.unknown, err = opt.unknownIn(v); err != nil {
		return nil, err
	}
	if opt.ByteFallback {
		u.fallback = byteTokens(v)
	}
	hidden := oneOf(opt.Hidden)
	u.trie = newTrie(v, func(id int32) bool { return !hidden(id) })
	return u, nil
}

// cut is the best way to cut a text up to some place: its last token.
type cut struct {
	score float64
	start int32 // where the token begins; -1: no way was found yet
	id    int32
}

func (u *unigram) encode(s *scratch, piece string, ids []int32) ([]int32, error) {
	if err := u.search(s, piece); err != nil {
		return nil, err
	}
	// The way is known from its end; turned around it takes the place of the cuts.
	n := int32(len(s.cuts))
	for end := len(piece); end > 0; {
		c := s.cuts[end]
		n--
		s.cuts[n] = cut{start: c.start, id: c.id} // later ends only, which are done with
		end = int(c.start)
	}
	way := s.cuts[n:]
	for i := 0; i < len(way); {
		if way[i].id != u.unknown {
			ids = append(ids, way[i].id)
			i++
			continue
		}
		start, end := way[i].start, int32(len(piece))
		for i < len(way) && way[i].id == u.unknown {
			i++
		}
		if i < len(way) {
			end = way[i].start
		}
		ids = u.unknownRun(piece[start:end], ids)
	}
	return ids, nil
}

// errUnknown is a text that no way of tokens covers.
var errUnknown = errors.New("a character is no token, and the model has no unknown token")

// search fills in the best cuts that end at every place of piece.
func (u *unigram) search(s *scratch, piece string) error {
	s.cuts = s.cuts[:0]
	for range len(piece) + 1 {
		s.cuts = append(s.cuts, cut{start: -1})
	}
	for at := 0; at < len(piece); {
		_, char := utf8.DecodeRuneInString(piece[at:])
		here := s.cuts[at].score
		alone := false // the character is a token
		node := u.trie.root
		for i := at; i < len(piece); i++ {
			if node = u.trie.next(node, piece[i]); node < 0 {
				break
			}
			if id := u.trie.ids[node]; id >= 0 {
				u.offer(&s.cuts[i+1], u.scores[id]+here, at, id)
				alone = alone || i+1-at == char
			}
		}
		if !alone {
			if u.unknown < 0 {
				return errUnknown
			}
			score := u.penalty + here
			if u.single {
				score = float64(float32(score))
			}
			u.offer(&s.cuts[at+char], score, at, u.unknown)
		}
		at += char
	}
	return nil
}

// offer puts a token at the end c if that is better than what is there; of equals
// the first stays.
func (u *unigram) offer(c *cut, score float64, start int, id int32) {
	if u.single {
		score = float64(float32(score))
	}
	if c.start >= 0 && score <= c.score {
		return
	}
	*c = cut{score, int32(start), id}
}

// unknownRun appends what unknown characters in a row come to.
func (u *unigram) unknownRun(run string, ids []int32) []int32 {
	if id := u.trie.find(run); id >= 0 && !u.single {
		return append(ids, id)
	}
	if u.fallback == nil {
		return append(ids, u.unknown)
	}
	all := len(ids)
	for i := range len(run) {
		id := u.fallback[run[i]]
		if id < 0 {
			return append(ids[:all], u.unknown)
		}
		ids = append(ids, id)
	}
	return ids
}
