package kernel

import (
	"fmt"
	"math"
	"testing"
)

// TestLowRankEqualReference holds the kernel of few rows to the reference, and
// that to Mul and AddScaled, for all heights of a tile and all ends of a row.
func TestLowRankEqualReference(t *testing.T) {
	r := source(31)
	for _, f := range []Format{F32, F16, BF16} {
		for _, rows := range []int{1, 15, 16, 33, 48, 64, 80, 150} {
			for _, cols := range []int{1, 3, 16, 40} {
				m, _ := randomMatrix(t, r, f, rows, cols)
				for M := 1; M <= 14; M++ {
					ldx, ldy := cols+r.IntN(3), rows+r.IntN(3)
					x, y := plain(r, M*ldx), plain(r, M*ldy)
					for i := range y {
						if i%5 == 0 {
							y[i] = float32(math.Copysign(0, -1))
						}
					}
					if M%3 == 0 {
						clear(x[:ldx]) // a product of zero leaves y
					}
					n0 := r.IntN(rows/16+1) * 16
					if n0 == rows {
						n0 = 0
					}
					n1 := rows
					if end := n0 + 16*(1+r.IntN(3)); end < rows {
						n1 = end
					}
					scale := plain(r, 1)[0]
					want, product := append([]float32(nil), y...), make([]float32, M*ldy)
					var s Scratch
					m.Mul(product, ldy, x, ldx, M, n0, n1, &s)
					for i := range M {
						AddScaled(want[i*ldy+n0:i*ldy+n1], product[i*ldy+n0:i*ldy+n1], scale)
					}
					for _, c := range append(forms(t), form{"reference", reference{}}) {
						what := fmt.Sprintf("%s %s [%d %d] M=%d columns %d to %d", c.name, f, rows, cols, M, n0, n1)
						got := append([]float32(nil), y...)
						c.mulNarrow(m, got, ldy, x, ldx, M, n0, n1, true, scale)
						equalBits(t, what+" added", got, want)
						clear(got)
						c.mulNarrow(m, got, ldy, x, ldx, M, n0, n1, false, 0)
						equalBits(t, what, got, product)
					}
				}
			}
		}
	}
}

func TestPackExact(t *testing.T) {
	for _, tt := range []struct {
		name   string
		values []float32
		want   Format
	}{
		{"zeros", []float32{0, float32(math.Copysign(0, -1))}, BF16},
		{"bfloat16", []float32{1, -3.140625, 0x1p-120, 0x1.fep127, float32(math.Inf(-1))}, BF16},
		{"binary16", []float32{0x1.004p0, -0x1.ffcp15, 0x1p-24, 0x1.ff8p-15, 0x1.004p-14, 0x1.01p-16}, F16},
		{"too large for binary16", []float32{0x1.004p0, 0x1p16}, F32},
		{"too small for binary16", []float32{0x1.004p0, 0x1p-25}, F32},
		{"between subnormal ones", []float32{0x1.004p0, 0x1.004p-16}, F32},
		{"float32", []float32{0.1}, F32},
	} {
		m := PackExact(1, len(tt.values), tt.values)
		if m.Format() != tt.want {
			t.Errorf("%s: %s, want %s", tt.name, m.Format(), tt.want)
		}
		got := make([]float32, len(tt.values))
		m.Row(0, got)
		equalBits(t, tt.name, got, tt.values)
	}
}

func TestLowRankPanics(t *testing.T) {
	m, _ := randomMatrix(t, source(32), Q8_0, 16, 32)
	defer func() {
		if recover() == nil {
			t.Error("a low-rank update in Q8_0 does not panic")
		}
	}()
	m.AddScaledMul(make([]float32, 16), 16, make([]float32, 32), 32, 1, 0, 16, 1)
}
