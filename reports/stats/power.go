package stats

import (
	"fmt"
	"math"
)

// MDE is the smallest difference that a two-sided test at alpha finds with the
// given power: (z_{1−α/2} + z_power)·SE. For pairs of 0/1 scores SE is √(ψ/n),
// for others the paired standard error.
//
// Source: Miller 2024, arXiv 2411.00640, §5.
func MDE(se, alpha, power float64) float64 {
	return (NormalQuantile(1-alpha/2) + NormalQuantile(power)) * se
}

// largestSampleSize bounds what is worth saying: more samples than any task has.
const largestSampleSize = 1e9

// SampleSize returns how many pairs a two-sided test at alpha needs to find the
// true difference delta with the given power, at discordance psi:
// (z_{1−α/2} + z_power)²·(ψ−δ²)/δ².
func SampleSize(psi, delta, alpha, power float64) (int, error) {
	return pairsNeeded(psi-delta*delta, delta, alpha/2, power)
}

// NonInferioritySize returns how many pairs it takes to show, one-sided at alpha
// with the given power, that the damage is below margin while it is delta:
// (z_{1−α} + z_power)²·(ψ−δ²)/(m−δ)². For a delta above the margin it is how many
// it takes to show that.
func NonInferioritySize(psi, delta, margin, alpha, power float64) (int, error) {
	return pairsNeeded(psi-delta*delta, margin-delta, alpha, power)
}

// ObservationsNeeded returns how many observations of that variance tell their
// mean from one that is distance away, one-sided at alpha with the given power.
func ObservationsNeeded(variance, distance, alpha, power float64) (int, error) {
	return pairsNeeded(variance, distance, alpha, power)
}

func pairsNeeded(variance, distance, oneSidedAlpha, power float64) (int, error) {
	z := NormalQuantile(1-oneSidedAlpha) + NormalQuantile(power)
	n := math.Ceil(z * z * max(variance, 0) / (distance * distance))
	if !(n <= largestSampleSize) { // also NaN: distance 0
		return 0, fmt.Errorf("sample size: %w: a distance of %v takes more than %g samples", ErrDomain, distance, largestSampleSize)
	}
	return max(int(n), 1), nil
}
