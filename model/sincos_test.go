package model

import (
	"math"
	"math/rand/v2"
	"testing"
)

func TestSinCos(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	worst, other := 0.0, 0
	const n = 1 << 20
	for i := range n {
		x := float64(float32(math.Exp(r.Float64()*32 - 12))) // up to 5e8
		if i%2 == 0 {
			x = float64(float32(r.IntN(131072)) * float32(r.Float64()))
		}
		s, c := sinCos(x)
		wantS, wantC := math.Sincos(x)
		worst = max(worst, math.Abs(s-wantS), math.Abs(c-wantC))
		if float32(s) != float32(wantS) || float32(c) != float32(wantC) {
			other++
		}
	}
	t.Logf("largest difference %.2g; %d of %d differ as float32", worst, other, n)
	if worst > 1e-15 || other > 20 {
		t.Errorf("largest difference %.2g, %d of %d differ as float32", worst, other, n)
	}
	for _, x := range []float64{0, math.SmallestNonzeroFloat32} {
		if s, c := sinCos(x); s != x || c != 1 {
			t.Errorf("sinCos(%g) = %g, %g", x, s, c)
		}
	}
}
