package stats

import (
	"fmt"
	"math"
)

// Resamples is the usual number of resamples of permutation tests and bootstraps.
const Resamples = 10000

// exactFlips is the largest number of differences whose signs are enumerated.
const exactFlips = 20

// SignFlips is the result of a sign-flip permutation test.
type SignFlips struct {
	TwoSided float64 // the mean differs from 0
	Greater  float64 // the mean is above 0
	Exact    bool    // all signs were enumerated: no seed mattered
	Rounds   int     // sign patterns looked at
}

// SignFlip tests whether differences are symmetric about 0 by flipping their
// signs: p = (1 + #{|Σ±d| ≥ |Σd|})/(rounds + 1), or the exact share where at
// most 20 differences are not 0. For differences of 0/1 scores it is McNemar's
// exact test. Give the sums of clusters where there are clusters.
//
// Source: Fisher 1935, "The Design of Experiments", §21.
func SignFlip(differences []float64, seed uint64, rounds int) (SignFlips, error) {
	if len(differences) == 0 {
		return SignFlips{}, fmt.Errorf("sign-flip test: %w: no differences", ErrTooFew)
	}
	var flipped []float64 // those whose sign matters
	var total, size float64
	for _, d := range differences {
		if math.IsNaN(d) || math.IsInf(d, 0) {
			return SignFlips{}, fmt.Errorf("sign-flip test: %w: difference %v", ErrDomain, d)
		}
		if d != 0 {
			flipped = append(flipped, d)
			total += d
			size += math.Abs(d)
		}
	}
	if len(flipped) == 0 {
		return SignFlips{TwoSided: 1, Greater: 1, Exact: true, Rounds: 1}, nil
	}
	slack := 1e-12 * size // sums that differ by rounding are equal
	count := flipCount{twoSided: math.Abs(total) - slack, greater: total - slack}
	if len(flipped) <= exactFlips {
		count.all(flipped, 0)
		n := float64(int(1) << len(flipped))
		return SignFlips{float64(count.asFar) / n, float64(count.asHigh) / n, true, int(n)}, nil
	}
	g := NewGenerator(seed)
	for range rounds {
		var sum float64
		var signs uint64
		for i, d := range flipped {
			if i%64 == 0 {
				signs = g.Uint64()
			}
			sum += math.Float64frombits(math.Float64bits(d) ^ signs<<63)
			signs >>= 1
		}
		count.add(sum)
	}
	n := float64(rounds + 1)
	return SignFlips{float64(count.asFar+1) / n, float64(count.asHigh+1) / n, false, rounds}, nil
}

// flipCount counts sums that are as extreme as the observed one.
type flipCount struct {
	twoSided, greater float64
	asFar, asHigh     int
}

func (c *flipCount) add(sum float64) {
	if math.Abs(sum) >= c.twoSided {
		c.asFar++
	}
	if sum >= c.greater {
		c.asHigh++
	}
}

func (c *flipCount) all(rest []float64, sum float64) {
	if len(rest) == 0 {
		c.add(sum)
		return
	}
	c.all(rest[1:], sum+rest[0])
	c.all(rest[1:], sum-rest[0])
}
