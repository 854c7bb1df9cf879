package kernel

import (
	"fmt"
	"math"
)

// LogSumExp is ln Σ exp(row) in float64: m + ln(Σ exp(x − m)) with m the largest
// value, exp and ln own polynomials in float64 (relative error below 1e-14), and
// the sum in 16 float64 lanes with the tree of the package comment. A NaN in the
// row, an infinite maximum or an empty row give NaN.
func LogSumExp(row []float32) float64 {
	if len(row) == 0 {
		return math.NaN()
	}
	m, sum := native{}.maxSumExp(row)
	return float64(m) + log64(sum)
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
