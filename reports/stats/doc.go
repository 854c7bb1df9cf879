// Package stats holds the statistics of a paired comparison: two arms, the base
// model and an adapter, answered the same samples.
//
// Notation, after the note that the formulas come from: n samples; damage
// d = base − adapter (positive: the adapter lost); b samples that only the base
// got right, c that only the adapter got right; δ = E[d], estimated by (b−c)/n;
// ψ = (b+c)/n, the discordance; m, a non-inferiority margin. Levels are
// coverages: 0.95 is a 95 % interval, two-sided.
//
// What cannot be told is an error that wraps [ErrTooFew], [ErrNoSpread] or
// [ErrDomain], never a confident 0. Everything random takes a seed and uses the
// package's own [Generator]: same inputs, same bits.
//
// It deliberately knows neither tasks nor metrics, and decides nothing: that is
// for reports.
package stats

import (
	"encoding/json"
	"errors"
	"math"
)

// Why there is no number. The errors returned wrap one of them and say what was
// there and what is needed.
var (
	ErrTooFew   = errors.New("too few observations")
	ErrNoSpread = errors.New("no spread to estimate from")
	ErrDomain   = errors.New("outside the domain")
)

// Interval is a closed interval. An open end is infinite.
type Interval struct{ Lo, Hi float64 }

// Width returns Hi − Lo.
func (i Interval) Width() float64 { return i.Hi - i.Lo }

// Negate returns the interval of the negated quantity.
func (i Interval) Negate() Interval { return Interval{Lo: -i.Hi, Hi: -i.Lo} }

// Map returns the interval of f(quantity) for an increasing f.
func (i Interval) Map(f func(float64) float64) Interval { return Interval{Lo: f(i.Lo), Hi: f(i.Hi)} }

// MarshalJSON writes [lo, hi], with null for an open end.
func (i Interval) MarshalJSON() ([]byte, error) {
	end := func(x float64) any {
		if math.IsInf(x, 0) || math.IsNaN(x) {
			return nil
		}
		return x
	}
	return json.Marshal([2]any{end(i.Lo), end(i.Hi)})
}
