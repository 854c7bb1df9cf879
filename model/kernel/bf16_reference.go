package kernel

import (
	"encoding/binary"
	"math"
)

// The plain Go form of products in bfloat16.

func (reference) round16(x []float32, to []byte) {
	for k, v := range x {
		binary.LittleEndian.PutUint16(to[2*k:], bf16Round(v))
	}
	if len(x)%2 == 1 {
		to[2*len(x)], to[2*len(x)+1] = 0, 0
	}
}

func (reference) mul16(m *Matrix, y []float32, ldy int, rows []byte, M, n0, n1 int) {
	size, pairs := rowForm{kind: rowsBF16}.bytes(m.cols), (m.cols+1)/2
	value := func(b []byte) float32 { return flushed(BF16ToF32(binary.LittleEndian.Uint16(b))) }
	for n := n0; n < n1; n++ {
		first := n/panelRows*m.panelSize + n%panelRows*4
		for i := range M {
			x, acc := rows[i*size:], float32(0)
			for k := range pairs {
				p := m.data[first+k*4*panelRows:]
				acc = fmaFlush(value(x[4*k+2:]), value(p[2:]), acc)
				acc = fmaFlush(value(x[4*k:]), value(p), acc)
			}
			y[i*ldy+n] = acc
		}
	}
}

// flushed is x, or a zero of its sign where it is subnormal.
func flushed(x float32) float32 {
	if bits := math.Float32bits(x); bits&0x7f800000 == 0 {
		return math.Float32frombits(bits & 0x80000000)
	}
	return x
}

// fmaFlush is x·y+z, rounded to 24 bits as if exponents had no lower bound, and
// zero where the result is below 2⁻¹²⁶. x, y and z are not subnormal.
func fmaFlush(x, y, z float32) float32 {
	p, c := float64(float64(x)*float64(y)), float64(z)
	s := p + c
	if a := math.Abs(s); a > 0x1p-125 || s != s {
		return fma32(x, y, z)
	} else if a == 0 {
		return float32(s)
	}
	// Near the bound, sums of float64 may themselves be rounded: to odd.
	b := s - p
	e := (p - (s - b)) + (c - b)
	if bits := math.Float64bits(s); bits&1 == 0 && e != 0 {
		if (e > 0) == (s > 0) {
			bits++
		} else {
			bits--
		}
		s = math.Float64frombits(bits)
	}
	if math.Abs(s) < 0x1p-126-0x1p-151 {
		return float32(math.Copysign(0, s))
	}
	return float32(s)
}
