package checkpoint

import (
	"encoding/binary"
	"math"
)

// scales are the tensors beside a quantised weight of a safetensors file.
type scales struct {
	scale, bias Tensor // MLX: [out, groups]; FP8: [block rows, block columns], or one value

	// FP8: the size of a block.
	blockRows, blockCols int
}

// form is how the weight t is taken apart; quantised has checked the shapes.
func (s *scales) form(t Tensor) groupForm {
	_, cols := t.matrix()
	g := Groups{Bits: 8}
	f := groupForm{}
	switch t.DType {
	case Affine2, Affine3, Affine4, Affine5, Affine6, Affine8:
		bits := affineBits(t.DType)
		g.Bits, g.Bias, g.Columns = bits+bits%2, true, cols/s.scale.Shape[1]
		if g.Bits == 4 {
			g.Values = codeTable(func(code int) float64 { return float64(code) })
		}
		rowBytes := cols / 8 * bits
		f.head = func(i int, to *GroupRow) { s.scale.wideRow(i, to.Scales); s.bias.wideRow(i, to.Biases) }
		f.codes = func(i int, to []uint8) { unpackBits(to, t.Data[i*rowBytes:][:rowBytes], bits) }
	case MLXMXFP4, MLXNVFP4:
		g.Bits, g.Columns, g.Values = 4, t.DType.BlockValues(), codeTable(e2m1)
		f.head = func(i int, to *GroupRow) { s.scale.byteScales(i, to.Scales, t.DType == MLXNVFP4) }
		f.codes = func(i int, to []uint8) { unpackBits(to, t.Data[i*cols/2:][:cols/2], 4) }
	case MLXMXFP8:
		g.Float8, g.Columns = true, 32
		f.head = func(i int, to *GroupRow) { s.scale.byteScales(i, to.Scales, false) }
		f.codes = func(i int, to []uint8) { copy(to, t.Data[i*cols:]) }
	case F8Scaled:
		g.Float8, g.Columns = true, fp8Columns(s.blockCols)
		f.head = func(i int, to *GroupRow) { s.blockScales(i, g.Columns, to.Scales) }
		f.codes = func(i int, to []uint8) { copy(to, t.Data[i*cols:]) }
	}
	f.groups = g
	return f
}

// affineBits is the number of bits of a code.
func affineBits(d DType) int { return d.BlockBytes() / 4 }

// wideRow widens row i of a tensor of plain floats.
func (t Tensor) wideRow(i int, dst []float32) {
	size := len(dst) * t.DType.BlockBytes()
	if err := t.widen(dst, t.Data[i*size:][:size]); err != nil {
		panic("checkpoint: " + err.Error())
	}
}

// byteScales widens a row of E4M3 or of E8M0 scales. An exponent of 255 is NaN.
func (t Tensor) byteScales(i int, dst []float32, e4m3 bool) {
	for j, s := range t.Data[i*len(dst):][:len(dst)] {
		switch {
		case e4m3:
			dst[j] = float8E4M3(s)
		case s == 255:
			dst[j] = float32(math.NaN())
		default:
			dst[j] = powerOf2(int(s) - 127)
		}
	}
}

// blockScales gives the scale of each group of columns of row i.
func (s *scales) blockScales(i, columns int, dst []float32) {
	_, across := s.scale.matrix()
	row := make([]float32, across)
	s.scale.wideRow(i/s.blockRows, row)
	for j := range dst {
		dst[j] = row[j*columns/s.blockCols]
	}
}

// fp8Columns is the largest group of columns that a block is whole groups of.
func fp8Columns(block int) int { return min(block&-block, 256) }

// unpackBits reads codes of that many bits, from the lowest bits of the first
// byte up. The number of codes is a multiple of 8.
func unpackBits(to []uint8, b []byte, bits int) {
	mask := uint64(1)<<bits - 1
	var word [8]byte
	for ; len(to) > 0; to, b = to[8:], b[bits:] {
		copy(word[:], b[:bits])
		for j, x := 0, binary.LittleEndian.Uint64(word[:]); j < 8; j, x = j+1, x>>bits {
			to[j] = uint8(x & mask)
		}
	}
}
