package stats

import (
	"fmt"
	"math"
)

// Pairs counts paired answers that are right or wrong.
type Pairs struct {
	B int // only the base is right
	C int // only the adapter is right
	N int // all pairs
}

// Swap exchanges the arms.
func (p Pairs) Swap() Pairs { return Pairs{B: p.C, C: p.B, N: p.N} }

// Discordance returns ψ = (b+c)/n.
func (p Pairs) Discordance() float64 { return float64(p.B+p.C) / float64(p.N) }

func (p Pairs) check(what string) error {
	switch {
	case p.B < 0 || p.C < 0 || p.B+p.C > max(p.N, 0):
		return fmt.Errorf("%s: %w: b=%d c=%d n=%d", what, ErrDomain, p.B, p.C, p.N)
	case p.N < 1:
		return fmt.Errorf("%s: %w: %d pairs, need 1", what, ErrTooFew, p.N)
	}
	return nil
}

// McNemar holds p-values of the exact test that b and c are equally likely.
type McNemar struct {
	TwoSided float64 // the arms differ
	Worse    float64 // the adapter is worse: P(X ≥ b), X ~ Bin(b+c, ½)
	Better   float64 // the adapter is better: P(X ≥ c)
	MidP     float64 // two-sided, with half the point probability: less conservative
}

// McNemar tests the discordant pairs. Without discordant pairs all p-values are 1.
//
// Source: McNemar 1947, Psychometrika 12; the exact form.
func (p Pairs) McNemar() McNemar {
	n := p.B + p.C
	if n == 0 {
		return McNemar{TwoSided: 1, Worse: 1, Better: 1, MidP: 1}
	}
	more, fewer := max(p.B, p.C), min(p.B, p.C)
	tail := atLeast(more, n) // = P(X ≤ fewer)
	return McNemar{
		TwoSided: min(1, 2*tail),
		Worse:    atLeast(p.B, n),
		Better:   atLeast(p.C, n),
		MidP:     min(1, 2*tail-exactly(fewer, n)),
	}
}

// TangoZ returns the score statistic of the hypothesis δ = delta; large values
// speak for a larger δ. At 0 it is McNemar's (b−c)/√(b+c). delta is in (−1, 1).
//
// Source: Tango 1998, Statistics in Medicine 17, 891–908.
func (p Pairs) TangoZ(delta float64) float64 {
	return tangoZ(float64(p.B), float64(p.C), float64(p.N), delta)
}

func tangoZ(b, c, n, delta float64) float64 {
	difference := b - c - n*delta
	A := 2 * n
	B := -b - c + (2*n-b+c)*delta
	C := -c * delta * (1 - delta)
	q := (math.Sqrt(max(B*B-4*A*C, 0)) - B) / (2 * A)
	variance := n * (2*q + delta*(1-delta))
	if variance <= 0 {
		switch {
		case difference > 0:
			return math.Inf(1)
		case difference < 0:
			return math.Inf(-1)
		}
		return 0
	}
	return difference / math.Sqrt(variance)
}

// Tango returns the score interval of the damage δ: all δ that the score test
// does not reject. Without discordant pairs it is ±z²/(n+z²), not 0.
func (p Pairs) Tango(level float64) (Interval, error) {
	if err := p.check("tango interval"); err != nil {
		return Interval{}, err
	}
	return FractionalTango(float64(p.B), float64(p.C), float64(p.N), level), nil
}

// FractionalTango is [Pairs.Tango] where counts need not be whole: each cluster
// counts as one pair, say. b and c are at least 0, b+c at most n.
func FractionalTango(b, c, n, level float64) Interval {
	z := twoSided(level)
	estimate := (b - c) / n
	return Interval{
		Lo: bisect(-1, estimate, func(d float64) bool { return tangoZ(b, c, n, d) > z }),
		Hi: bisect(estimate, 1, func(d float64) bool { return tangoZ(b, c, n, d) > -z }),
	}
}

// FractionalTangoZ is [Pairs.TangoZ] where counts need not be whole.
func FractionalTangoZ(b, c, n, delta float64) float64 { return tangoZ(b, c, n, delta) }

// bisect returns where left turns from true to false between lo and hi.
func bisect(lo, hi float64, left func(float64) bool) float64 {
	for range 200 {
		middle := lo + (hi-lo)/2
		if middle <= lo || middle >= hi {
			break
		}
		if left(middle) {
			lo = middle
		} else {
			hi = middle
		}
	}
	return lo + (hi-lo)/2
}

// BonettPrice returns the adjusted Wald interval of the damage δ, a cross-check
// of Tango's.
//
// Source: Bonett and Price 2012, Journal of Educational and Behavioral
// Statistics 37, 479–488.
func (p Pairs) BonettPrice(level float64) (Interval, error) {
	if err := p.check("bonett–price interval"); err != nil {
		return Interval{}, err
	}
	n := float64(p.N) + 2
	p1, p2 := float64(p.B+1)/n, float64(p.C+1)/n
	d := p1 - p2
	half := twoSided(level) * math.Sqrt((p1+p2-d*d)/n)
	return Interval{Lo: max(d-half, -1), Hi: min(d+half, 1)}, nil
}
