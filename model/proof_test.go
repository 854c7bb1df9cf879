package model

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/ailiance/lorabench/model/architecture"
	"github.com/ailiance/lorabench/model/kernel"
)

// TestDivergence: the divergence of rows by slices is that of the definition, also
// where it is small, and finds what is not finite.
func TestDivergence(t *testing.T) {
	const vocab = 2*kernel.SliceLen + 77
	e := &Engine{pool: kernel.NewPool(2), config: config{Config: &architecture.Config{VocabSize: vocab}}}
	defer e.pool.Close()
	r := rand.New(rand.NewPCG(1, 2))
	inf, nan := float32(math.Inf(1)), float32(math.NaN())
	for _, tt := range []struct {
		name       string
		change     float64
		odd        float32 // the value of logit 1500, where it is not 0
		wantFinite bool
	}{
		{"equal", 0, 0, true},
		{"close", 1e-3, 0, true},
		{"far", 5, 0, true},
		{"infinite", 1, inf, false},
		{"NaN", 1, nan, false},
	} {
		base := &probedBase{rows: [][]float32{nil, make([]float32, vocab)}, logSumExp: make([]float64, 2)}
		x, y := base.rows[1], make([]float32, vocab)
		for i := range x {
			x[i] = float32(20 * r.NormFloat64())
			y[i] = x[i] + float32(tt.change*r.NormFloat64())
		}
		if tt.odd != 0 {
			y[1500] = tt.odd
		}
		base.logSumExp[1] = logSumExp(x)
		got := e.divergence(base, 1, y)
		if finite := got.notFinite == 0; finite != tt.wantFinite {
			t.Errorf("%s: not finite is %v", tt.name, got.notFinite)
		}
		if !tt.wantFinite {
			continue
		}
		kl, largest := 0.0, 0.0
		lx, ly := exactLogSumExp(x), exactLogSumExp(y)
		for i := range x {
			p, q := float64(x[i])-lx, float64(y[i])-ly
			kl += math.Exp(p) * (p - q)
			largest = max(largest, math.Abs(float64(x[i])-float64(y[i])))
		}
		if math.Abs(got.kl-kl) > 1e-12*(1+kl) || got.largest != largest {
			t.Errorf("%s: KL %v, largest difference %v; want %v, %v", tt.name, got.kl, got.largest, kl, largest)
		}
	}
}

// exactLogSumExp is ln Σ exp in one sum.
func exactLogSumExp(row []float32) float64 {
	sum := 0.0
	for _, x := range row {
		sum += math.Exp(float64(x))
	}
	return math.Log(sum)
}
