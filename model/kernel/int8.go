package kernel

import (
	"encoding/binary"
	"fmt"
	"math"
)

// A matrix that PackInt8 or PackGroupsInt8 made is multiplied with rows of 8
// bits (--arithmetic int8): of each 32 columns of a row of x
//
//	d    = max|x| / 127
//	q[k] = round(x[k] · (127 / max|x|))    half to even; |q| ≤ 127
//
// in float32. Where 127/max|x| overflows, d and all q are 0; where a value is not
// finite, d is NaN and all q are 0. With w[k] = scale·(code[k] − zero) + bias, of
// each block of 32 columns, or each of its halves where 16 columns share a scale,
//
//	acc = fma(float32(Σ q[k]·(code[k]−zero)), scale·d, acc)
//	acc = fma(bias, d·float32(Σ q[k]), acc)                    where there are biases
//
// blocks ascending, acc starting at +0. The sums are exact integers below 2²⁴, so
// that the order within a block is free, and products are rounded. Scales are
// those that float32 products use.
//
// A row is laid out in blocks of 48 bytes: 32 bytes q, float32 d, float32 d·Σq,
// and the two int32 at which the sums of products begin, on account of zero.
//
// A panel of 16 weight rows begins with its scales [blocks][16], or [blocks][2][16]
// of halves, and then its biases [blocks][16], each in the narrowest type that
// holds all of them; 64 bytes further at most, codes of 8 bits [cols/4][16][4] or,
// for each block, of 4 bits [4][16][4], of which byte [i][r][t] has column 4i+t of
// row r in its low half and column 16+4i+t in its high half.
type int8Panels struct {
	bits   int
	halves int // groups of columns in a block of 32
	bias   int // 1 where there are biases
	kind   int // of scales and biases
	zero   int // the code of 0
	head   int // bytes of a panel before its codes
}

// Types of scales, as in int8.h.
const (
	scaleF32 = iota
	scaleF16
	scaleBF16
)

// rowBlock8 is the size of 32 columns of a row.
const rowBlock8 = 48

// int8Row is one row of a matrix for PackInt8: a scale for each block of 32
// columns or each half, a bias for each block where there are biases.
type int8Row struct {
	codes          []uint8
	scales, biases []float32
}

// HasInt8 reports whether a matrix in a native format is multiplied with rows of
// 8 bits where that is asked for. Others keep float32.
func (f Format) HasInt8(cols int) bool {
	return (f == Q8_0 || f == Q4_0 || f == Q4_1) && cols%blockCols == 0
}

// PackedBytesInt8 is the memory that PackInt8 will occupy for a matrix.
func PackedBytesInt8(f Format, rows, cols int) (int64, error) {
	if _, err := PackedBytes(f, rows, cols); err != nil {
		return 0, err
	}
	return f.int8Panels().bytes(rows, cols), nil
}

// PackedBytesInt8 is the memory that PackGroupsInt8 will occupy for a matrix, or
// more where scales turn out to be of 16 bits.
func (g Groups) PackedBytesInt8(rows, cols int) (int64, error) {
	if _, err := g.PackedBytes(rows, cols); err != nil {
		return 0, err
	}
	p, _, _ := g.int8Codes()
	return p.bytes(rows, cols), nil
}

func (p int8Panels) bytes(rows, cols int) int64 {
	_, panel := p.sizes(cols)
	return (int64(rows) + panelRows - 1) / panelRows * int64(panel)
}

// int8Panels is the form of the panels of a native format.
func (f Format) int8Panels() int8Panels {
	p := int8Panels{bits: 4, halves: 1, kind: scaleF16}
	switch f {
	case Q8_0:
		p.bits, p.zero = 8, 128
	case Q4_0:
		p.zero = 8
	case Q4_1:
		p.bias = 1
	}
	return p
}

// PackInt8 is Pack for products with rows of 8 bits; f must have them.
func PackInt8(f Format, rows, cols int, src []byte, rowPerm func(int) int) (*Matrix, error) {
	rowBytes, err := checkPack(f, rows, cols, src, rowPerm)
	if err != nil {
		return nil, err
	}
	if !f.HasInt8(cols) {
		return nil, fmt.Errorf("matrix [%d %d] in %s: not multiplied with rows of 8 bits", rows, cols, f)
	}
	size := f.blockBytes()
	return f.int8Panels().pack(f, rows, cols, func(r int, to *int8Row) {
		row := src[permuted(rowPerm, r)*rowBytes:][:rowBytes]
		for b := range cols / blockCols {
			from, codes := row[b*size:][:size], to.codes[b*blockCols:][:blockCols]
			to.scales[b] = F16ToF32(binary.LittleEndian.Uint16(from))
			from = from[2:]
			if f == Q8_0 {
				for k, q := range from {
					codes[k] = q + 128
				}
				continue
			}
			if f == Q4_1 {
				to.biases[b] = F16ToF32(binary.LittleEndian.Uint16(from))
				from = from[2:]
			}
			for k, q := range from {
				codes[k], codes[16+k] = q&15, q>>4
			}
		}
	}), nil
}

// HasInt8 reports whether a matrix of codes is multiplied with rows of 8 bits
// where that is asked for: its values are integers of 8 bits in groups of 16, 32
// or more columns, and groups of 16 have no biases.
func (g Groups) HasInt8(cols int) bool {
	_, _, ok := g.int8Codes()
	return ok && g.check(cols) == nil && cols%blockCols == 0
}

// int8Codes gives the form of the panels, and the code of each code of g.
func (g Groups) int8Codes() (p int8Panels, codes [256]uint8, ok bool) {
	p = int8Panels{bits: 8, halves: 1, bias: g.biases(), kind: scaleF32}
	if g.Columns == 16 {
		p.halves = 2
	}
	for i := range codes {
		codes[i] = uint8(i)
	}
	switch g.format() {
	case Codes8:
	case Codes6:
		p.zero = g.Zero
	case Codes4:
		for q, v := range g.Values {
			value := F16ToF32(v)
			if !(value >= -128 && value <= 127) || value != float32(int(value)) {
				return p, codes, false
			}
			codes[q] = uint8(int(value) + 128)
			p.zero = 128
		}
		if first := int(codes[0]); p.halves == 1 && int(codes[15]) == first+15 && isAscending(codes[:16]) {
			p.bits, p.zero = 4, 128-first
			for q := range codes {
				codes[q] = uint8(q & 15)
			}
		}
	default:
		return p, codes, false
	}
	return p, codes, p.halves == 1 || p.bias == 0
}

func isAscending(codes []uint8) bool {
	for i := range codes[1:] {
		if codes[i+1] != codes[i]+1 {
			return false
		}
	}
	return true
}

// PackGroupsInt8 is PackGroups for products with rows of 8 bits; g must have
// them.
func PackGroupsInt8(g Groups, rows, cols int, read func(i int, to *GroupRow)) (*Matrix, error) {
	if _, err := g.PackedBytes(rows, cols); err != nil {
		return nil, err
	}
	p, codes, _ := g.int8Codes()
	if !g.HasInt8(cols) {
		return nil, fmt.Errorf("matrix [%d %d] in %s: not multiplied with rows of 8 bits", rows, cols, g.format())
	}
	row := g.NewRow(cols)
	next := func(r int, to *int8Row) {
		read(r, &row)
		for k, q := range row.Codes {
			to.codes[k] = codes[q&(1<<g.Bits-1)]
		}
		per := max(1, g.Columns/blockCols) // blocks that share a scale
		for i := range to.scales {
			to.scales[i] = g.scaleOf(row.Scales, row.SubScales, i/per)
		}
		for i := range to.biases {
			to.biases[i] = g.scaleOf(row.Biases, row.SubBiases, i/per)
		}
	}
	if !g.Nested {
		p.kind = p.narrowest(rows, cols, next)
	}
	return p.pack(g.format(), rows, cols, next), nil
}

// scaleOf is the scale, or bias, of a group.
func (g Groups) scaleOf(outer []float32, inner []int8, group int) float32 {
	if !g.Nested {
		return outer[group]
	}
	return outer[group*g.Columns/nestedCols] * float32(inner[group])
}

// narrowest finds a type of 16 bits that holds all scales and biases, or float32.
func (p int8Panels) narrowest(rows, cols int, read func(r int, to *int8Row)) int {
	row := p.newRow(cols)
	half, brain := true, true
	for r := 0; r < rows && (half || brain); r++ {
		read(r, &row)
		for _, list := range [][]float32{row.scales, row.biases} {
			for _, v := range list {
				bits := math.Float32bits(v)
				brain = brain && bits&0xffff == 0
				half = half && math.Float32bits(F16ToF32(f16Bits(v))) == bits
			}
		}
	}
	switch {
	case half:
		return scaleF16
	case brain:
		return scaleBF16
	}
	return scaleF32
}

// f16Bits is the binary16 that v is, or any other where it is none.
func f16Bits(v float32) uint16 {
	bits := math.Float32bits(v)
	sign, exp, frac := uint16(bits>>16&0x8000), int(bits>>23&255)-112, bits&0x7fffff
	switch {
	case exp >= 31:
		return sign | 0x7c00
	case exp > 0:
		return sign | uint16(exp)<<10 | uint16(frac>>13)
	case exp < -10:
		return sign
	}
	return sign | uint16((frac|0x800000)>>(14-exp))
}

func (p int8Panels) newRow(cols int) int8Row {
	blocks := cols / blockCols
	return int8Row{codes: make([]uint8, cols), scales: make([]float32, blocks*p.halves), biases: make([]float32, blocks*p.bias)}
}

func (p int8Panels) scaleBytes() int {
	if p.kind == scaleF32 {
		return 4
	}
	return 2
}

// sizes are the bytes of a panel before its codes, and in all.
func (p int8Panels) sizes(cols int) (head, all int) {
	head = (cols/blockCols*(p.halves+p.bias)*panelRows*p.scaleBytes() + 63) &^ 63
	return head, head + cols*p.bits/8*panelRows
}

func (p int8Panels) pack(f Format, rows, cols int, read func(r int, to *int8Row)) *Matrix {
	m := &Matrix{format: f, rows: rows, cols: cols, narrow: &p}
	p.head, m.panelSize = p.sizes(cols)
	m.data = alignedBytes(m.panels() * m.panelSize)
	row := p.newRow(cols)
	for r := range rows {
		read(r, &row)
		panel, lane := m.data[r/panelRows*m.panelSize:][:m.panelSize], r%panelRows
		p.packScales(panel, lane, row.scales)
		p.packScales(panel[len(row.scales)*panelRows*p.scaleBytes():], lane, row.biases)
		p.packCodes(panel[p.head:], lane, row.codes)
	}
	return m
}

func (p int8Panels) packScales(to []byte, lane int, scales []float32) {
	for i, v := range scales {
		at := i*panelRows + lane
		switch p.kind {
		case scaleF16:
			binary.LittleEndian.PutUint16(to[2*at:], f16Bits(v))
		case scaleBF16:
			binary.LittleEndian.PutUint16(to[2*at:], uint16(math.Float32bits(v)>>16))
		default:
			binary.LittleEndian.PutUint32(to[4*at:], math.Float32bits(v))
		}
	}
}

func (p int8Panels) packCodes(to []byte, lane int, codes []uint8) {
	if p.bits == 8 {
		for k, q := range codes {
			to[k/4*4*panelRows+4*lane+k%4] = q
		}
		return
	}
	for ; len(codes) > 0; codes, to = codes[blockCols:], to[blockCols/2*panelRows:] {
		for k := range blockCols / 2 {
			to[k/4*4*panelRows+4*lane+k%4] = codes[k] | codes[16+k]<<4
		}
	}
}

// scale reads scale i of a row from the scales or biases of its panel.
func (p *int8Panels) scale(from []byte, lane, i int) float32 {
	at := i*panelRows + lane
	switch p.kind {
	case scaleF16:
		return F16ToF32(binary.LittleEndian.Uint16(from[2*at:]))
	case scaleBF16:
		return BF16ToF32(binary.LittleEndian.Uint16(from[2*at:]))
	}
	return math.Float32frombits(binary.LittleEndian.Uint32(from[4*at:]))
}

// value is code k of a row less zero.
func (p *int8Panels) value(codes []byte, lane, k int) int {
	if p.bits == 8 {
		return int(codes[k/4*4*panelRows+4*lane+k%4]) - p.zero
	}
	half := k % blockCols
	q := codes[k/blockCols*blockCols/2*panelRows+half%16/4*4*panelRows+4*lane+half%4]
	return int(q>>(half/16*4)&15) - p.zero
}

// row writes the values of a row of a panel, the same as float32 products have.
func (p *int8Panels) row(panel []byte, lane int, dst []float32) {
	group := blockCols / p.halves
	biases := panel[len(dst)/group*panelRows*p.scaleBytes():]
	for k := range dst {
		dst[k] = p.scale(panel, lane, k/group) * float32(p.value(panel[p.head:], lane, k))
		if p.bias == 1 {
			dst[k] = float32(dst[k]) + p.scale(biases, lane, k/blockCols)
		}
	}
}

func (p *int8Panels) rows() rowForm { return rowForm{kind: rowsInt8, zero: p.zero, halves: p.halves} }

func (p *int8Panels) mul(k narrowKernels, m *Matrix, y []float32, ldy int, rows []byte, M, n0, n1 int, s *Scratch) {
	k.mul8(m, p, y, ldy, rows, M, n0, n1, s)
}
