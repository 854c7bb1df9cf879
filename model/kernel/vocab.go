package kernel

import (
	"fmt"
	"math"
)

// SliceLen is the number of logits in a slice of the vocabulary. Slices begin at
// multiples of it, so that what is known of a row can be put together from slices
// that were made one by one, in any order, and nobody need keep a row.
const SliceLen = 1024

// SoftmaxPart is what a slice of a row of logits adds to the softmax of the row.
type SoftmaxPart struct {
	Max float32 // the largest value; -Inf where there is no number above it
	At  int32   // its index in the slice, the lowest of equals; -1 where Max is -Inf
	Sum float64 // Σ exp(x − Max), or Σ exp(x) where Max is -Inf; NaN where the slice has a NaN or +Inf
}

// PartOf is the part of a slice of at most SliceLen logits. Differences and exp
// are float32 (exp within 2 units in the last place), the sum is float64: 16
// lanes and the tree of the package comment.
func PartOf(slice []float32) SoftmaxPart {
	if len(slice) > SliceLen {
		panic(fmt.Sprintf("kernel: a slice of %d logits, want %d at most", len(slice), SliceLen))
	}
	if len(slice) == 0 {
		return SoftmaxPart{Max: float32(math.Inf(-1)), At: -1}
	}
	return native{}.softmaxPart(slice)
}

// Softmax puts together the parts of a row, in the order of its slices. best is
// the index of the largest logit, the lowest of equals, or -1 where no logit is
// above -Inf; logSumExp is, in float64 and nats,
//
//	max + ln Σ exp(Max − max)·Sum
//
// with the slices ascending, exp and ln own polynomials (relative error below
// 1e-14). It is within 3e-7 of the exact ln Σ exp of the same logits. A NaN in the
// row, a +Inf, or a best of -1 make it NaN.
func Softmax(parts []SoftmaxPart) (best int32, logSumExp float64) {
	best = -1
	top := float32(math.Inf(-1))
	for i, p := range parts {
		if p.Max > top {
			top, best = p.Max, int32(i*SliceLen)+p.At
		}
	}
	sum := 0.0
	for _, p := range parts {
		sum += float64(exp64(float64(p.Max)-float64(top)) * p.Sum)
	}
	return best, float64(top) + log64(sum)
}

// LogSumExp is the logSumExp of Softmax of a whole row. That of an empty one is NaN.
func LogSumExp(row []float32) float64 {
	parts := make([]SoftmaxPart, 0, (len(row)+SliceLen-1)/SliceLen)
	for len(row) > SliceLen {
		parts = append(parts, PartOf(row[:SliceLen]))
		row = row[SliceLen:]
	}
	_, sum := Softmax(append(parts, PartOf(row)))
	return sum
}

// LogSoftmaxAt writes ln p(id) = row[id] − LogSumExp(row), in nats, for each id.
func LogSoftmaxAt(row []float32, ids []int32, out []float64) {
	if len(ids) != len(out) {
		panic(fmt.Sprintf("kernel: log-probabilities of %d ids to %d values", len(ids), len(out)))
	}
	lse := LogSumExp(row)
	for i, id := range ids {
		out[i] = float64(row[id]) - lse
	}
}

// ArgMax is the index of the largest value, the lowest of equals. A NaN never
// wins; a row without a number gives -1.
func ArgMax(row []float32) int {
	best, at := float32(math.Inf(-1)), -1
	for i, v := range row {
		if v > best || at < 0 && v == best {
			best, at = v, i
		}
	}
	return at
}
