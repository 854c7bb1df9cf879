//go:build cgo && arm64

package kernel

// Matrices in bfloat16 are not made where HasBF16 is false, but by tests.

func (native) round16(x []float32, to []byte) { reference{}.round16(x, to) }

func (native) mul16(m *Matrix, y []float32, ldy int, rows []byte, M, n0, n1 int) {
	reference{}.mul16(m, y, ldy, rows, M, n0, n1)
}
