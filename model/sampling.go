package model

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math"
	"slices"

	"github.com/ailiance/lorabench/model/kernel"
)

// Sampling says how a generation chooses its tokens. The zero value is greedy: the
// likeliest token each time, the lowest id of equals.
//
// A repetition penalty comes first, also where the text is greedy: the logit of each
// token that is in the prompt or was generated is divided by it, or multiplied where
// it is negative, in float32 (Keskar et al. 2019, "CTRL", §4.1, as transformers has it).
//
// With a temperature, logits are divided by it and the token is drawn from what
// these leave of the softmax, in this order, each on what the one before it left,
// renormalised; they are transformers' warpers of the same names:
//
//	top_k  tokens whose logit is at least the k-th largest, all equals of it among them
//	top_p  the smallest set of the likeliest tokens whose probabilities add up to
//	       top_p or more; of equals at its border the lowest ids (theirs are in any order)
//	min_p  tokens at least min_p times as likely as the likeliest
//
// Probabilities are float64. The number that draws the token at position n
// (positions of the prompt count) is a hash of seed, prompt and n alone:
//
//	key = SHA-256("lorabench-sampling/1\n" ‖ seed ‖ tokens of the prompt)
//	u   = the upper 53 bits of the first 8 bytes of SHA-256(key ‖ n), by 2⁵³
//
// with seed and n as little-endian 64 bits and tokens as little-endian 32 bits. So
// a text depends on the weights, the adapter, the prompt and these settings, and on
// nothing else; variants of a model draw with the same numbers; and for several texts
// after one prompt the seed must differ.
type Sampling struct {
	Temperature float64 `json:"temperature"` // 0: greedy
	TopK        int     `json:"top_k"`       // 0: all
	TopP        float64 `json:"top_p"`       // 1: all
	MinP        float64 `json:"min_p"`       // 0: all
	Seed        int64   `json:"seed"`

	RepetitionPenalty float64 `json:"repetition_penalty"` // 0 or 1: none
}

// Validate reports the first setting that makes no sense.
func (s Sampling) Validate() error {
	switch {
	case !(s.Temperature >= 0 && s.Temperature <= math.MaxFloat64):
		return fmt.Errorf("temperature %v: want 0 (greedy) or a number above it", s.Temperature)
	case !(s.RepetitionPenalty >= 0 && s.RepetitionPenalty <= math.MaxFloat32):
		return fmt.Errorf("repetition penalty %v: want a number above 0 (1: none)", s.RepetitionPenalty)
	case s.TopK < 0:
		return fmt.Errorf("top-k %d: want 0 (all tokens) or more", s.TopK)
	case !(s.MinP >= 0 && s.MinP <= 1):
		return fmt.Errorf("min-p %v: want 0 (all tokens) … 1", s.MinP)
	case s.Temperature > 0 && !(s.TopP > 0 && s.TopP <= 1):
		return fmt.Errorf("top-p %v: want more than 0, at most 1 (all tokens)", s.TopP)
	case s.Temperature == 0 && (s.TopK != 0 || s.TopP != 0 && s.TopP != 1 || s.MinP != 0):
		return fmt.Errorf("top-k %d, top-p %v, min-p %v without a temperature: at 0 the likeliest token is taken", s.TopK, s.TopP, s.MinP)
	}
	return nil
}

// greedy reports whether the likeliest token is taken, as the model has it.
func (s Sampling) greedy() bool {
	return s.Temperature == 0 && (s.RepetitionPenalty == 0 || s.RepetitionPenalty == 1)
}

// drawKey is what the random numbers of a generation are made from.
func drawKey(seed int64, prompt []int32) [sha256.Size]byte {
	h := sha256.New()
	h.Write([]byte("lorabench-sampling/1\n"))
	b := binary.LittleEndian.AppendUint64(nil, uint64(seed))
	for _, id := range prompt {
		b = binary.LittleEndian.AppendUint32(b, uint32(id))
	}
	h.Write(b)
	return [sha256.Size]byte(h.Sum(nil))
}

// uniform is the random number of a position, 0 ≤ u < 1.
func uniform(key [sha256.Size]byte, position int) float64 {
	var b [sha256.Size + 8]byte
	copy(b[:], key[:])
	binary.LittleEndian.PutUint64(b[sha256.Size:], uint64(position))
	sum := sha256.Sum256(b[:])
	return float64(binary.LittleEndian.Uint64(sum[:])>>11) / (1 << 53)
}

// candidate is a token that may be drawn.
type candidate struct {
	id int32
	p  float64 // relative to the likeliest, which has 1
}

// sampler is the working memory of one goroutine that draws tokens.
type sampler struct {
	kept, sorted []candidate
	bins         [numBins]float64
	largest      []float32
	penalised    []float32
}

// samplerBytes is the memory that a sampler grows to.
func (c config) samplerBytes() int64 {
	const each = 2*16 + 2*4 // of a token: kept and sorted; largest and penalised
	return int64(c.VocabSize)*each + numBins*8
}

// penalise returns a copy of row in which the logits of tokens are less likely.
func (w *sampler) penalise(row []float32, tokens []int32, penalty float32) []float32 {
	w.penalised = append(w.penalised[:0], row...)
	for _, id := range tokens {
		if x := row[id]; x < 0 {
			w.penalised[id] = x * penalty
		} else {
			w.penalised[id] = x / penalty
		}
	}
	return w.penalised
}

// draw returns the token that u falls on. Of row, best is a largest value.
func (w *sampler) draw(s Sampling, row []float32, best int32, u float64) int32 {
	w.keep(s, row, best)
	total := 0.0
	for _, c := range w.kept {
		total += c.p
	}
	at := u * total
	sum := 0.0
	for _, c := range w.kept {
		if sum += c.p; at < sum {
			return c.id
		}
	}
	return w.kept[len(w.kept)-1].id // rounding
}

// keep fills w.kept with the tokens that may be drawn, by their ids.
func (w *sampler) keep(s Sampling, row []float32, best int32) {
	least := float32(math.Inf(-1))
	if s.TopK > 0 && s.TopK < len(row) {
		least = w.kthLargest(row, s.TopK)
	}
	w.kept = slices.Grow(w.kept[:0], len(row))
	for id, x := range row {
		if x < least {
			continue
		}
		if p := kernel.Exp((float64(x) - float64(row[best])) / s.Temperature); p > 0 {
			w.kept = append(w.kept, candidate{int32(id), p})
		}
	}
	if s.TopP < 1 {
		w.nucleus(s.TopP)
	}
	if s.MinP > 0 {
		w.kept = slices.DeleteFunc(w.kept, func(c candidate) bool { return c.p < s.MinP })
	}
}

// kthLargest is the k-th largest value of row, which has more than k.
func (w *sampler) kthLargest(row []float32, k int) float32 {
	w.largest = append(slices.Grow(w.largest[:0], len(row)), row[:k]...)
	heap := w.largest // of the k largest, the smallest first
	down := func(i int) {
		for {
			child := 2*i + 1
			if child >= k {
				return
			}
			if child+1 < k && heap[child+1] < heap[child] {
				child++
			}
			if heap[i] <= heap[child] {
				return
			}
			heap[i], heap[child] = heap[child], heap[i]
			i = child
		}
	}
	for i := k/2 - 1; i >= 0; i-- {
		down(i)
	}
	for _, x := range row[k:] {
		if x > heap[0] {
			heap[0] = x
			down(0)
		}
	}
	return heap[0]
}

// nucleus removes from w.kept, the least likely first and of equals the higher
// ids first, what adds up to 1 − topP at most. The likeliest stays. Probabilities
// are added up by bins, in each by ids, and then bins ascending; only of the bin in
// which the border lies are they sorted, and added in that order.
func (w *sampler) nucleus(topP float64) {
	total := 0.0
	clear(w.bins[:])
	for _, c := range w.kept {
		total += c.p
		w.bins[bin(c.p)] += c.p
	}
	border := (1 - topP) * total
	gone, at := 0.0, 0
	for at < numBins-1 && gone+w.bins[at] <= border {
		gone += w.bins[at]
		at++
	}
	w.sorted = slices.Grow(w.sorted[:0], len(w.kept))
	for _, c := range w.kept {
		if bin(c.p) == at {
			w.sorted = append(w.sorted, c)
		}
	}
	slices.SortFunc(w.sorted, byProbability)
	least := w.sorted[len(w.sorted)-1]
	for _, c := range w.sorted {
		if gone += c.p; gone > border {
			least = c
			break
		}
	}
	w.kept = slices.DeleteFunc(w.kept, func(c candidate) bool {
		return c.p < least.p || c.p == least.p && c.id > least.id
	})
}

// Probabilities, relative to the likeliest, fall into 64 bins for each power of
// two from 2⁻⁴⁰ to 1; smaller ones into the first.
const (
	binShift = 46 // of the bits of a float64, below its exponent and 6 bits of fraction
	binLeast = (1023 - 40) << (52 - binShift)
	numBins  = 1023<<(52-binShift) - binLeast + 1
)

// bin is the bin of 0 < p ≤ 1. The last holds nothing but 1.
func bin(p float64) int { return max(0, int(math.Float64bits(p)>>binShift)-binLeast) }

// byProbability orders by probability; of equals the lowest id is the last.
func byProbability(a, b candidate) int {
	return cmp.Or(cmp.Compare(a.p, b.p), cmp.Compare(b.id, a.id))
}

// choose is the token that a generation writes after a position, or -1 where a
// penalty makes infinities.
func (w *sampler) choose(s *sequence, position int, row []float32, best int32) int32 {
	o := s.job.Sampling
	if p := o.RepetitionPenalty; p != 0 && p != 1 {
		row = w.penalise(row, s.inputs, float32(p))
		if best = int32(kernel.ArgMax(row)); best < 0 || row[best]-row[best] != 0 {
			return -1
		}
	}
	if o.Temperature == 0 {
		return best
	}
	return w.draw(o, row, best, uniform(s.drawKey, position+1))
}
