package runners

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"slices"

	"github.com/ailiance/lorabench"
)

// Order says in which order samples are measured.
type Order string

// The two orders.
const (
	Random      Order = "random"  // seeded, the same for all variants: what is done when a budget ends is a random sample
	FromDataset Order = "dataset" // as lm-eval does
)

// Arrange returns the samples of a task in the order in which they are measured,
// at most limit of them (0: all).
//
// The random order sorts by sha256 of seed, task and sample id: it depends on
// nothing else, so a sample keeps its place among the others when rows are added.
func Arrange(task string, samples []lorabench.Sample, order Order, seed int64, limit int) []lorabench.Sample {
	arranged := slices.Clone(samples)
	if order == Random {
		keys := make(map[string][sha256.Size]byte, len(samples))
		for i := range samples {
			keys[samples[i].ID] = sha256.Sum256(fmt.Appendf(nil, "%d\x00%s\x00%s", seed, task, samples[i].ID))
		}
		slices.SortStableFunc(arranged, func(a, b lorabench.Sample) int {
			x, y := keys[a.ID], keys[b.ID]
			return bytes.Compare(x[:], y[:])
		})
	}
	if limit > 0 {
		arranged = arranged[:min(limit, len(arranged))]
	}
	return arranged
}
