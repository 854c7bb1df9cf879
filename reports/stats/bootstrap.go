package stats

import (
	"fmt"
	"math"
	"slices"
)

// Bootstrapped is the bootstrap distribution of a statistic.
type Bootstrapped struct {
	Estimate     float64   // on the observations themselves
	Replicates   []float64 // ascending
	Bias         float64   // z₀: median bias, in normal quantiles
	Acceleration float64   // a: change of the standard error with the quantity
	Units        int       // what was resampled: observations or clusters
}

// Bootstrap resamples n observations, or their clusters where clusters is not
// nil, with replacement. statistic gets indices into the observations: both arms
// of a pair are read at the same index, so pairs stay pairs. The acceleration is
// the jackknife's: n (or as many as there are clusters) more calls of statistic.
//
// Source: Efron and Tibshirani 1993, "An Introduction to the Bootstrap", ch. 14.
func Bootstrap(n int, clusters []string, seed uint64, rounds int, statistic func(indices []int) float64) (*Bootstrapped, error) {
	if clusters != nil && len(clusters) != n {
		return nil, fmt.Errorf("bootstrap: %w: %d observations, %d clusters", ErrDomain, n, len(clusters))
	}
	group, count := groups(clusters, n)
	if count < 2 || rounds < 2 {
		return nil, fmt.Errorf("bootstrap: %w: %d to resample in %d rounds, need 2", ErrTooFew, count, rounds)
	}
	members := make([][]int, count)
	all := make([]int, n)
	for i, g := range group {
		all[i] = i
		members[g] = append(members[g], i)
	}
	b := &Bootstrapped{Estimate: statistic(all), Replicates: make([]float64, rounds), Units: count}
	indices := make([]int, 0, n)
	g := NewGenerator(seed)
	for r := range b.Replicates {
		indices = indices[:0]
		for range count {
			indices = append(indices, members[g.IntN(count)]...)
		}
		b.Replicates[r] = statistic(indices)
		if x := b.Replicates[r]; math.IsNaN(x) || math.IsInf(x, 0) {
			return nil, fmt.Errorf("bootstrap: %w: statistic of a resample is %v", ErrDomain, x)
		}
	}
	slices.Sort(b.Replicates)
	if b.Replicates[0] == b.Replicates[rounds-1] {
		return nil, fmt.Errorf("bootstrap: %w: all resamples agree", ErrNoSpread)
	}
	b.Bias = NormalQuantile(b.below(b.Estimate))
	b.Acceleration = acceleration(members, statistic)
	return b, nil
}

// below returns the share of replicates below x, half of those equal to it,
// kept off 0 and 1 by what the number of replicates can tell.
func (b *Bootstrapped) below(x float64) float64 {
	first, _ := slices.BinarySearch(b.Replicates, x)
	last := first
	for last < len(b.Replicates) && b.Replicates[last] == x {
		last++
	}
	n := float64(len(b.Replicates))
	share := (float64(first) + float64(last-first)/2) / n
	return min(max(share, 1/(n+1)), n/(n+1))
}

func acceleration(members [][]int, statistic func([]int) float64) float64 {
	left := make([]float64, len(members))
	var indices []int
	for out := range members {
		indices = indices[:0]
		for g, m := range members {
			if g != out {
				indices = append(indices, m...)
			}
		}
		left[out] = statistic(indices)
	}
	mean := Sum(left) / float64(len(left))
	var squares, cubes float64
	for _, x := range left {
		d := mean - x
		squares += d * d
		cubes += d * d * d
	}
	if a := cubes / (6 * math.Pow(squares, 1.5)); !math.IsNaN(a) && !math.IsInf(a, 0) {
		return a
	}
	return 0
}

// quantile interpolates between replicates.
func (b *Bootstrapped) quantile(p float64) float64 {
	at := p * float64(len(b.Replicates)-1)
	i := min(max(int(at), 0), len(b.Replicates)-2)
	return b.Replicates[i] + (at-float64(i))*(b.Replicates[i+1]-b.Replicates[i])
}

// Percentile returns the percentile interval.
func (b *Bootstrapped) Percentile(level float64) Interval {
	return Interval{Lo: b.quantile(0.5 - level/2), Hi: b.quantile(0.5 + level/2)}
}

// BCa returns the bias-corrected and accelerated interval.
//
// Source: Efron 1987, JASA 82, 171–185.
func (b *Bootstrapped) BCa(level float64) Interval {
	end := func(p float64) float64 {
		z := b.Bias + NormalQuantile(p)
		return b.quantile(NormalCDF(b.Bias + z/(1-b.Acceleration*z)))
	}
	return Interval{Lo: end(0.5 - level/2), Hi: end(0.5 + level/2)}
}

// PGreater returns the one-sided p-value of the hypothesis that the quantity is
// at most bound: the p at which a BCa limit reaches bound, never below
// 1/(replicates+1).
func (b *Bootstrapped) PGreater(bound float64) float64 {
	w := NormalQuantile(b.below(bound)) - b.Bias
	p := NormalCDF(w/(1+b.Acceleration*w) - b.Bias)
	return max(p, 1/float64(len(b.Replicates)+1))
}

// PLess is [Bootstrapped.PGreater] in the other direction.
func (b *Bootstrapped) PLess(bound float64) float64 {
	w := NormalQuantile(b.below(bound)) - b.Bias
	p := NormalCDF(b.Bias - w/(1+b.Acceleration*w))
	return max(p, 1/float64(len(b.Replicates)+1))
}
