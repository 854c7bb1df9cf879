package kernel

import (
	"encoding/binary"
	"fmt"
	"math"
)

// Format is the storage format of a weight matrix. The quantised ones are the
// block formats of GGUF: 32 values along a row share a scale.
type Format int

// The formats, and the value of element j of a block. d and m are float16.
// Products d·q are exact in float32, so only Q4_1 rounds, once, when it adds m.
const (
	F32  Format = iota // float32
	F16                // IEEE 754 binary16
	BF16               // upper half of a float32
	Q8_0               // d, int8 q[32]: d·q
	Q4_0               // d, 16 bytes, low nibbles first: d·(q−8)
	Q4_1               // d, m, 16 bytes, low nibbles first: d·q + m

	// The formats of a matrix of codes; see Groups. They have no native layout.
	Codes2
	Codes4
	Codes6
	Codes8
	Float8
)

// blockCols is the number of values in a block of the quantised formats.
const blockCols = 32

// String gives the name that GGUF uses, where it has one.
func (f Format) String() string {
	switch f {
	case F32:
		return "F32"
	case F16:
		return "F16"
	case BF16:
		return "BF16"
	case Q8_0:
		return "Q8_0"
	case Q4_0:
		return "Q4_0"
	case Q4_1:
		return "Q4_1"
	case Codes2:
		return "codes of 2 bits"
	case Codes4:
		return "codes of 4 bits"
	case Codes6:
		return "codes of 6 bits"
	case Codes8:
		return "codes of 8 bits"
	case Float8:
		return "codes of F8_E4M3"
	}
	return fmt.Sprintf("Format(%d)", int(f))
}

// RowBytes is the length of a row of cols values in this format's native
// layout. Rows of the quantised formats hold whole blocks.
func (f Format) RowBytes(cols int) (int, error) {
	if cols < 0 || cols > math.MaxInt32 {
		return 0, fmt.Errorf("row of %d columns: want 0 to %d", cols, math.MaxInt32)
	}
	switch f {
	case F32:
		return 4 * cols, nil
	case F16, BF16:
		return 2 * cols, nil
	case Q8_0, Q4_0, Q4_1:
		if cols%blockCols != 0 {
			return 0, fmt.Errorf("row of %d columns in %s: want a multiple of %d", cols, f, blockCols)
		}
		return cols / blockCols * f.blockBytes(), nil
	}
	return 0, fmt.Errorf("unknown format %s: it has no native layout", f)
}

// blockBytes is the length of a native block of a quantised format.
func (f Format) blockBytes() int {
	switch f {
	case Q8_0:
		return 2 + 32
	case Q4_0:
		return 2 + 16
	case Q4_1:
		return 4 + 16
	}
	return 0
}

// scaleBytes is the length of what a native block begins with.
func (f Format) scaleBytes() int {
	if f == Q4_1 {
		return 4
	}
	return 2
}

// BF16ToF32 widens bfloat16 bits, which is exact.
func BF16ToF32(h uint16) float32 { return math.Float32frombits(uint32(h) << 16) }

// F16ToF32 widens binary16 bits, which is exact, subnormals included.
func F16ToF32(h uint16) float32 {
	sign := uint32(h>>15) << 31
	exp := uint32(h >> 10 & 31)
	frac := uint32(h & 1023)
	switch exp {
	case 0: // zero or subnormal: frac · 2⁻²⁴
		return math.Float32frombits(sign | math.Float32bits(float32(frac)*0x1p-24))
	case 31: // infinity or NaN, made quiet
		if frac != 0 {
			frac |= 512
		}
		return math.Float32frombits(sign | 255<<23 | frac<<13)
	}
	return math.Float32frombits(sign | (exp+112)<<23 | frac<<13)
}

// Dequantize writes the values of one row in native layout to dst, which has
// len(dst) columns. It gives the values that Matrix.Mul multiplies.
func (f Format) Dequantize(dst []float32, row []byte) {
	if n, err := f.RowBytes(len(dst)); err != nil || n != len(row) {
		panic(fmt.Sprintf("kernel: dequantize %s: %d bytes for %d columns", f, len(row), len(dst)))
	}
	switch f {
	case F32:
		for i := range dst {
			dst[i] = math.Float32frombits(binary.LittleEndian.Uint32(row[4*i:]))
		}
		return
	case F16:
		for i := range dst {
			dst[i] = F16ToF32(binary.LittleEndian.Uint16(row[2*i:]))
		}
		return
	case BF16:
		for i := range dst {
			dst[i] = BF16ToF32(binary.LittleEndian.Uint16(row[2*i:]))
		}
		return
	}
	size := f.blockBytes()
	for at := 0; at < len(dst); at += blockCols {
		out, b := dst[at:at+blockCols], row[at/blockCols*size:][:size]
		d := F16ToF32(binary.LittleEndian.Uint16(b))
		switch f {
		case Q8_0:
			for i := range out {
				out[i] = d * float32(int8(b[2+i]))
			}
		case Q4_0:
			for i := range 16 {
				q := b[2+i]
				out[i] = d * float32(int(q&15)-8)
				out[i+16] = d * float32(int(q>>4)-8)
			}
		case Q4_1:
			m := F16ToF32(binary.LittleEndian.Uint16(b[2:]))
			for i := range 16 {
				q := b[4+i]
				out[i] = float32(d*float32(q&15)) + m
				out[i+16] = float32(d*float32(q>>4)) + m
			}
		}
	}
}
