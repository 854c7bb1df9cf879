package stats

import (
	"fmt"
	"math"
)

// Wilson returns the score interval of a proportion of successes among n
// independent trials.
//
// Source: Wilson 1927; recommended for few samples by Bowyer et al. 2025,
// arXiv 2503.01747.
func Wilson(successes, n int, level float64) (Interval, error) {
	if n < 1 {
		return Interval{}, fmt.Errorf("wilson interval: %w: %d samples, need 1", ErrTooFew, n)
	}
	if successes < 0 || successes > n {
		return Interval{}, fmt.Errorf("wilson interval: %w: %d successes of %d", ErrDomain, successes, n)
	}
	return wilson(float64(successes)/float64(n), float64(n), twoSided(level)), nil
}

// wilson is the score interval of proportion p with n trials, which need not be
// whole: an effective number.
func wilson(p, n, z float64) Interval {
	z2 := z * z
	centre := p + z2/(2*n)
	half := z * math.Sqrt(p*(1-p)/n+z2/(4*n*n))
	scale := 1 + z2/n
	i := Interval{Lo: (centre - half) / scale, Hi: (centre + half) / scale}
	if p == 0 {
		i.Lo = 0 // exactly, where rounding leaves 1e-18
	}
	return Interval{Lo: max(i.Lo, 0), Hi: min(i.Hi, 1)}
}

// ClusteredWilson is the score interval of the mean of scores in [0, 1] with the
// effective number of samples: n divided by the design effect (the clustered
// variance over p(1−p)/n) and by (t/z)², t with G−1 degrees of freedom for G
// clusters. Where the scores do not vary, each cluster counts as one sample.
//
// Source: Korn and Graubard 1998, with the score interval in place of the exact one.
func ClusteredWilson(scores []float64, clusters []string, level float64) (Interval, error) {
	for _, x := range scores {
		if !(x >= 0 && x <= 1) {
			return Interval{}, fmt.Errorf("wilson interval: %w: score %v, want 0 to 1", ErrDomain, x)
		}
	}
	e, err := ClusteredMean(scores, clusters)
	if err != nil {
		return Interval{}, err
	}
	n, z := float64(e.N), twoSided(level)
	binomial := e.Value * (1 - e.Value) / n
	effective := float64(e.Clusters)
	if e.SE > 0 && binomial > 0 {
		t := StudentQuantile(0.5+level/2, e.DF)
		effective = min(n, n*binomial/(e.SE*e.SE)) * (z / t) * (z / t)
	}
	return wilson(e.Value, effective, z), nil
}

// PassAtK is the chance that at least one of k outputs, drawn without
// replacement from n of which c pass, passes.
//
// Source: Chen et al. 2021, "Evaluating Large Language Models Trained on Code",
// arXiv 2107.03374, §2.1.
func PassAtK(n, c, k int) (float64, error) {
	if c < 0 || c > n || k < 1 || k > n {
		return 0, fmt.Errorf("pass at %d: %w: %d of %d outputs pass", k, ErrDomain, c, n)
	}
	none := 1.0 // 1 − Π_{i<k} (n−c−i)/(n−i)
	for i := range k {
		none *= float64(max(n-c-i, 0)) / float64(n-i)
	}
	return 1 - none, nil
}
