package kernel

import (
	"fmt"
	"math"
	"slices"
)

// PackExact packs a row-major float32 matrix, such as A [r, in] or B [out, r] of
// an adapter, in the smallest of BF16, F16 and F32 that holds each value exactly.
// It panics where len(src) is not rows·cols.
func PackExact(rows, cols int, src []float32) *Matrix {
	for _, f := range []struct {
		format Format
		narrow func(float32) uint16
		wide   func(uint16) float32
	}{{BF16, truncateBF16, BF16ToF32}, {F16, truncateF16, F16ToF32}} {
		inexact := func(v float32) bool { return math.Float32bits(f.wide(f.narrow(v))) != math.Float32bits(v) }
		if slices.ContainsFunc(src, inexact) {
			continue
		}
		native := make([]byte, 0, 2*len(src))
		for _, v := range src {
			h := f.narrow(v)
			native = append(native, byte(h), byte(h>>8))
		}
		m, err := Pack(f.format, rows, cols, native, nil)
		if err != nil {
			panic(fmt.Sprintf("kernel: pack [%d %d]: %v", rows, cols, err))
		}
		return m
	}
	return PackF32(rows, cols, src)
}

// truncateBF16 is a value as bfloat16, cut off where it does not fit.
func truncateBF16(v float32) uint16 { return uint16(math.Float32bits(v) >> 16) }

// truncateF16 is a value as binary16, cut off where it does not fit.
func truncateF16(v float32) uint16 {
	bits := math.Float32bits(v)
	sign, exp, frac := uint16(bits>>16)&0x8000, int(bits>>23&255)-127, bits&(1<<23-1)
	switch {
	case exp < -24 || exp > 15:
		return sign
	case exp < -14: // subnormal
		return sign | uint16((frac|1<<23)>>(-exp-1))
	}
	return sign | uint16(exp+15)<<10 | uint16(frac>>13)
}

// MulLow is Mul for the matrices of an adapter, in F32, F16 or BF16, of which a
// step has many with one or a few rows of x each: many columns of few sums, or
// few columns of many.
func (m *Matrix) MulLow(y []float32, ldy int, x []float32, ldx, M, n0, n1 int, s *Scratch) {
	if M > lowRows {
		m.Mul(y, ldy, x, ldx, M, n0, n1, s)
		return
	}
	m.checkLow(y, ldy, x, ldx, M, n0, n1)
	if M > 0 && n0 < n1 {
		native{}.mulNarrow(m, y, ldy, x, ldx, M, n0, n1, false, 0)
	}
}

// lowRows is the number of rows up to which the kernel of few rows is the faster.
const lowRows = 6

// AddScaledMul adds the columns [n0, n1) of a low-rank update to y. It does what
// Mul to a matrix of zeros and AddScaled of that by rows do, with the same bits.
func (m *Matrix) AddScaledMul(y []float32, ldy int, x []float32, ldx, M, n0, n1 int, scale float32) {
	m.checkLow(y, ldy, x, ldx, M, n0, n1)
	if M > 0 && n0 < n1 {
		native{}.mulNarrow(m, y, ldy, x, ldx, M, n0, n1, true, scale)
	}
}

func (m *Matrix) checkLow(y []float32, ldy int, x []float32, ldx, M, n0, n1 int) {
	m.check(y, ldy, x, ldx, M, n0, n1)
	if m.format > BF16 {
		panic(fmt.Sprintf("kernel: low-rank update in %s", m.format))
	}
}
