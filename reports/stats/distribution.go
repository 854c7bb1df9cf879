package stats

import (
	"math"

	"gonum.org/v1/gonum/mathext"
	"gonum.org/v1/gonum/stat/distuv"
)

// NormalQuantile returns z with P(Z ≤ z) = p for a standard normal Z.
func NormalQuantile(p float64) float64 { return distuv.UnitNormal.Quantile(p) }

// NormalCDF returns P(Z ≤ z) for a standard normal Z.
func NormalCDF(z float64) float64 { return 0.5 * math.Erfc(-z/math.Sqrt2) }

// StudentQuantile returns t with P(T ≤ t) = p for a Student T with df degrees of
// freedom.
func StudentQuantile(p, df float64) float64 { return student(df).Quantile(p) }

// StudentCDF returns P(T ≤ t) for a Student T with df degrees of freedom.
func StudentCDF(t, df float64) float64 { return student(df).CDF(t) }

func student(df float64) distuv.StudentsT { return distuv.StudentsT{Sigma: 1, Nu: df} }

// twoSided returns the normal quantile of a two-sided interval of that level.
func twoSided(level float64) float64 { return NormalQuantile(0.5 + level/2) }

// atLeast returns P(X ≥ k) for X ~ Bin(n, ½).
func atLeast(k, n int) float64 {
	switch {
	case k <= 0:
		return 1
	case k > n:
		return 0
	}
	return mathext.RegIncBeta(float64(k), float64(n-k)+1, 0.5)
}

// exactly returns P(X = k) for X ~ Bin(n, ½).
func exactly(k, n int) float64 {
	if k < 0 || k > n {
		return 0
	}
	a, _ := math.Lgamma(float64(n) + 1)
	b, _ := math.Lgamma(float64(k) + 1)
	c, _ := math.Lgamma(float64(n-k) + 1)
	return math.Exp(a - b - c - float64(n)*math.Ln2)
}
