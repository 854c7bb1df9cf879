package cost

import (
	"iter"
	"slices"
)

// occupancy says how many steps have how many sequences in them, when texts of
// these lengths are written, at most batch at a time:
// whenever one ends, the next begins, and in the end fewer and fewer are left.
// Where all would fit, all begin at once. The time of a step depends on how many
// rows it has far more than on which.
func occupancy(lengths []int, batch int) iter.Seq2[float64, float64] {
	return func(yield func(rows, steps float64) bool) {
		ascending := slices.Sorted(slices.Values(lengths))
		total := 0.0
		for _, n := range ascending {
			total += float64(n)
		}
		count := len(ascending)
		if batch <= 0 || count == 0 {
			return
		}
		if count > batch {
			// A full batch until what is left is one batch of lengths that have been drawn
			// like all others; on average each of these is half done.
			full := total/float64(batch) - float64(ascending[len(ascending)-1])/2
			if full > 0 && !yield(float64(batch), full) {
				return
			}
			left := total - max(0, full)*float64(batch)
			longest := float64(ascending[len(ascending)-1])
			if left > 0 {
				steps := max(longest, left/float64(batch))
				yield(left/steps, steps)
			}
			return
		}
		before := 0
		for i, n := range ascending {
			if n > before && !yield(float64(len(ascending)-i), float64(n-before)) {
				return
			}
			before = n
		}
	}
}
