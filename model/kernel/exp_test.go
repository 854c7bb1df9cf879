package kernel

import (
	"math"
	"math/rand/v2"
	"testing"
)

func TestExp(t *testing.T) {
	for x, want := range map[float64]float64{0: 1, math.Copysign(0, -1): 1, -709: 0, -1e300: 0, math.Inf(-1): 0} {
		if got := Exp(x); got != want {
			t.Errorf("Exp(%v) = %v, want %v", x, got, want)
		}
	}
	if got := Exp(math.NaN()); !math.IsNaN(got) {
		t.Errorf("Exp(NaN) = %v", got)
	}
	r := rand.New(rand.NewPCG(1, 1))
	for range 200000 {
		x := -math.Exp(r.Float64()*30 - 23.4) // 7e-11 … 708
		if x < expLow64 {
			continue
		}
		got, want := Exp(x), math.Exp(x)
		if math.Abs(got-want) > 1e-14*want {
			t.Fatalf("Exp(%v) = %v, want %v", x, got, want)
		}
	}
}
