package stats

import (
	"fmt"
	"math"
)

// Estimate is a value with its standard error, clustered where there are clusters.
type Estimate struct {
	Value    float64
	SE       float64 // 0 where the observations do not vary: no interval follows from it
	DF       float64 // degrees of freedom of t: clusters − 1
	N        int     // observations
	Clusters int     // N where each observation is its own
}

// Interval returns Value ± t·SE. Without spread it returns an error that wraps
// [ErrNoSpread]: equal observations prove no width of 0.
func (e Estimate) Interval(level float64) (Interval, error) {
	if e.SE == 0 {
		return Interval{}, fmt.Errorf("t interval: %w: all %d agree", ErrNoSpread, e.Clusters)
	}
	half := StudentQuantile(0.5+level/2, e.DF) * e.SE
	return Interval{Lo: e.Value - half, Hi: e.Value + half}, nil
}

// PGreater returns the one-sided p-value of the hypothesis that the quantity is
// at most bound. It needs SE > 0.
func (e Estimate) PGreater(bound float64) float64 {
	return StudentCDF((bound-e.Value)/e.SE, e.DF)
}

// PLess returns the one-sided p-value of the hypothesis that the quantity is at
// least bound. It needs SE > 0.
func (e Estimate) PLess(bound float64) float64 {
	return StudentCDF((e.Value-bound)/e.SE, e.DF)
}

// Mean estimates the mean of independent xs.
func Mean(xs []float64) (Estimate, error) { return ClusteredMean(xs, nil) }

// ClusteredMean estimates the mean of xs whose clusters are independent:
//
//	SE² = G/(G−1) · (1/n²) · Σ_g (Σ_{i∈g} (x_i − x̄))²
//
// clusters names the cluster of each x; see [Clusters].
//
// Source: Miller 2024, "Adding Error Bars to Evals", arXiv 2411.00640, app. A,
// with the correction for few clusters.
func ClusteredMean(xs []float64, clusters []string) (Estimate, error) {
	n := float64(len(xs))
	mean := Sum(xs) / n
	return Linear(mean, MeanInfluence(xs), clusters)
}

// Ratio estimates Σ values / Σ weights by the delta method:
// e_i = v_i − R·w_i in place of the residual, Σw in place of n.
//
// Source: Cochran 1977, "Sampling Techniques", ch. 6.
func Ratio(values, weights []float64, clusters []string) (Estimate, error) {
	if len(values) != len(weights) {
		return Estimate{}, fmt.Errorf("ratio: %w: %d values, %d weights", ErrDomain, len(values), len(weights))
	}
	total := Sum(weights)
	if len(values) > 0 && !(total > 0) {
		return Estimate{}, fmt.Errorf("ratio: %w: weights sum to %v", ErrDomain, total)
	}
	return Linear(Sum(values)/total, RatioInfluence(values, weights), clusters)
}

// MeanInfluence returns (x_i − x̄)/n: what each observation moves the mean by.
func MeanInfluence(xs []float64) []float64 {
	n := float64(len(xs))
	mean := Sum(xs) / n
	influence := make([]float64, len(xs))
	for i, x := range xs {
		influence[i] = (x - mean) / n
	}
	return influence
}

// RatioInfluence returns (v_i − R·w_i)/Σw, R = Σv/Σw.
func RatioInfluence(values, weights []float64) []float64 {
	total := Sum(weights)
	ratio := Sum(values) / total
	influence := make([]float64, len(values))
	for i := range values {
		influence[i] = (values[i] - ratio*weights[i]) / total
	}
	return influence
}

// Linear estimates a quantity from the influence of each observation on it, to
// first order; influences sum to 0:
//
//	SE² = G/(G−1) · Σ_g (Σ_{i∈g} u_i)²
//
// The influence of a difference is the difference of the influences.
func Linear(value float64, influence []float64, clusters []string) (Estimate, error) {
	n := len(influence)
	if clusters != nil && len(clusters) != n {
		return Estimate{}, fmt.Errorf("standard error: %w: %d observations, %d clusters", ErrDomain, n, len(clusters))
	}
	sums := ClusterSums(influence, clusters)
	G := len(sums)
	if G < 2 {
		return Estimate{}, fmt.Errorf("standard error: %w: %d independent of %d, need 2", ErrTooFew, G, n)
	}
	var squares, scale float64
	for _, s := range sums {
		squares += s * s
	}
	for _, u := range influence {
		scale = max(scale, math.Abs(u))
	}
	e := Estimate{Value: value, DF: float64(G - 1), N: n, Clusters: G}
	e.SE = math.Sqrt(squares * float64(G) / float64(G-1))
	// What rounding leaves of observations that agree is no spread.
	if size := max(math.Abs(value)/float64(n), scale); e.SE <= 1e-13*size*math.Sqrt(float64(G)) {
		e.SE = 0
	}
	if math.IsNaN(e.Value+e.SE) || math.IsInf(e.Value+e.SE, 0) {
		return Estimate{}, fmt.Errorf("standard error: %w: value %v, standard error %v", ErrDomain, e.Value, e.SE)
	}
	return e, nil
}
