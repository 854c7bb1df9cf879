package kernel

import (
	"math"
	"testing"
)

func TestSoftcap(t *testing.T) {
	row := []float32{0, 1e-6, -0.5, 3, -29, 30, 1e4, -1e30, 1e30, math.MaxFloat32, float32(math.Inf(1)), float32(math.Inf(-1)), float32(math.NaN())}
	got := append([]float32(nil), row...)
	Softcap(got, 30)
	for i, x := range row {
		want := 30 * math.Tanh(float64(x)/30)
		if math.IsNaN(want) != math.IsNaN(float64(got[i])) || math.Abs(float64(got[i])-want) > 4e-6 {
			t.Errorf("softcap(%v) is %v, want %v", x, got[i], want)
		}
	}
}
