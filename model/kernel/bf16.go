package kernel

import (
	"encoding/binary"
	"fmt"
	"math"
)

// bf16Panels is the form of a matrix that PackBF16 made, which is multiplied with
// rows in bfloat16 (--arithmetic bf16). Weights of F32 and F16 and all rows are
// rounded to bfloat16, half to even, subnormal numbers to zero. Then, with columns
// in pairs and an odd one followed by a zero,
//
//	acc = f(x[k+1]·w[k+1] + acc)
//	acc = f(x[k]·w[k] + acc)
//
// k ascending, acc starting at +0. f rounds the exact number to 24 bits, half to
// even, as if exponents had no lower bound, and then makes zero of what is below
// 2⁻¹²⁶; subnormal x and w count as zero. This is what VDPBF16PS does, on the
// processors and random numbers that it was compared on, and what a fused
// multiplication and addition does that flushes to zero.
//
// A row is its bfloat16 values. A panel of 16 weight rows is [pairs][16][2] of
// them.
type bf16Panels struct{}

// HasBF16 reports whether a matrix in a native format is multiplied in bfloat16
// where that is asked for. Quantised ones keep float32: widened to 16 bits they
// would be read from memory at two to four times the size.
func (f Format) HasBF16() bool { return f == F32 || f == F16 || f == BF16 }

// PackedBytesBF16 is the memory that PackBF16 will occupy for a matrix.
func PackedBytesBF16(f Format, rows, cols int) (int64, error) {
	if _, err := PackedBytes(f, rows, cols); err != nil {
		return 0, err
	}
	return (int64(rows) + panelRows - 1) / panelRows * int64(bf16PanelBytes(cols)), nil
}

func bf16PanelBytes(cols int) int { return (cols + 1) / 2 * 4 * panelRows }

// PackBF16 is Pack for products in bfloat16; f must have them.
func PackBF16(f Format, rows, cols int, src []byte, rowPerm func(int) int) (*Matrix, error) {
	rowBytes, err := checkPack(f, rows, cols, src, rowPerm)
	if err != nil {
		return nil, err
	}
	if !f.HasBF16() {
		return nil, fmt.Errorf("matrix [%d %d] in %s: not multiplied in bfloat16", rows, cols, f)
	}
	m := &Matrix{format: f, rows: rows, cols: cols, panelSize: bf16PanelBytes(cols), narrow: bf16Panels{}}
	m.data = alignedBytes(m.panels() * m.panelSize)
	values := make([]float32, cols)
	for r := range rows {
		f.Dequantize(values, src[permuted(rowPerm, r)*rowBytes:][:rowBytes])
		first := r/panelRows*m.panelSize + r%panelRows*4
		for k, v := range values {
			binary.LittleEndian.PutUint16(m.data[first+k/2*4*panelRows+k%2*2:], bf16Round(v))
		}
	}
	return m, nil
}

// bf16Round is v in bfloat16: half to even, subnormal numbers to zero, NaNs quiet.
func bf16Round(v float32) uint16 {
	bits := math.Float32bits(v)
	switch exp := bits >> 23 & 255; {
	case exp == 0:
		return uint16(bits >> 16 & 0x8000)
	case exp == 255 && bits&0x7fffff != 0:
		return uint16(bits>>16) | 0x40
	}
	return uint16((bits + 0x7fff + bits>>16&1) >> 16)
}

func (bf16Panels) rows() rowForm { return rowForm{kind: rowsBF16} }

func (bf16Panels) mul(k narrowKernels, m *Matrix, y []float32, ldy int, rows []byte, M, n0, n1 int, _ *Scratch) {
	k.mul16(m, y, ldy, rows, M, n0, n1)
}

func (bf16Panels) row(panel []byte, lane int, dst []float32) {
	for k := range dst {
		dst[k] = BF16ToF32(binary.LittleEndian.Uint16(panel[k/2*4*panelRows+lane*4+k%2*2:]))
	}
}
