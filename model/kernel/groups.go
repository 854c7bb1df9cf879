package kernel

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/bits"
)

// Groups is the storage of a matrix of codes: small numbers, of which some
// neighbours in a row share a scale and perhaps a bias:
//
//	w[j] = scale·value(code[j]) + bias
//
// in float32, the product rounded, then the sum. Without Bias there is no sum.
// The block formats of GGUF, the quantised forms of MLX and scaled FP8 are all
// of this kind: packing them changes no value.
type Groups struct {
	Bits    int  // of a code: 2, 4, 6 or 8
	Float8  bool // codes of 8 bits are E4M3 floats, no NaN, and scales are below 2¹²⁰; else they are unsigned integers
	Columns int  // that share a scale: 16, 32, 64, 128 or 256
	Bias    bool // groups have biases

	// Nested says that a group's scale is the product, rounded, of a scale of 256
	// columns and an integer of 8 bits, and so is its bias. Rows then are a
	// multiple of 256 long.
	Nested bool

	Zero   int        // of 6 bits: what is subtracted from a code, 0 to 64
	Values [16]uint16 // of 4 bits: the values of the codes, as float16
}

// nestedCols is the number of columns that share the outer scale of nested ones.
const nestedCols = 256

// GroupRow is one row of a matrix of codes. Unused slices are empty.
type GroupRow struct {
	Codes                []uint8   // [cols]
	Scales, Biases       []float32 // one a group; nested: one for each 256 columns
	SubScales, SubBiases []int8    // nested: one a group
}

func (g Groups) format() Format {
	switch {
	case g.Bits == 2:
		return Codes2
	case g.Bits == 4:
		return Codes4
	case g.Bits == 6:
		return Codes6
	case g.Float8:
		return Float8
	}
	return Codes8
}

func (g Groups) check(cols int) error {
	switch {
	case g.Bits != 2 && g.Bits != 4 && g.Bits != 6 && g.Bits != 8 || g.Float8 && g.Bits != 8:
		return fmt.Errorf("codes of %d bits, want 2, 4, 6 or 8", g.Bits)
	case g.Columns < 16 || g.Columns > 256 || g.Columns&(g.Columns-1) != 0:
		return fmt.Errorf("groups of %d columns, want 16, 32, 64, 128 or 256", g.Columns)
	case g.Zero < 0 || g.Zero > 64:
		return fmt.Errorf("zero at code %d, want 0 to 64", g.Zero)
	case cols < 0 || cols > math.MaxInt32:
		return fmt.Errorf("row of %d columns: want 0 to %d", cols, math.MaxInt32)
	case g.Nested && cols%nestedCols != 0:
		return fmt.Errorf("row of %d columns with nested scales: want a multiple of %d", cols, nestedCols)
	case !g.Float8 && cols%16 != 0:
		return fmt.Errorf("row of %d columns in codes of %d bits: want a multiple of 16", cols, g.Bits)
	}
	return nil
}

// groups is the number of groups of a row, the last perhaps not full.
func (g Groups) groups(cols int) int { return (cols + g.Columns - 1) / g.Columns }

// outer is the number of float32 scales of a row.
func (g Groups) outer(cols int) int {
	if g.Nested {
		return cols / nestedCols
	}
	return g.groups(cols)
}

// headBytes is the size of the scales and biases of a panel.
func (g Groups) headBytes(cols int) int {
	n := g.outer(cols) * 4 * panelRows
	if g.Nested {
		n += g.groups(cols) * panelRows
	}
	return n * (1 + g.biases())
}

func (g Groups) biases() int {
	if g.Bias {
		return 1
	}
	return 0
}

func (g Groups) panelBytes(cols int) int {
	return g.headBytes(cols) + cols*g.Bits/8*panelRows
}

// PackedBytes is the memory that PackGroups will occupy for a matrix.
func (g Groups) PackedBytes(rows, cols int) (int64, error) {
	if rows < 0 || rows > math.MaxInt32 {
		return 0, fmt.Errorf("matrix of %d rows: want 0 to %d", rows, math.MaxInt32)
	}
	if err := g.check(cols); err != nil {
		return 0, err
	}
	perRow := int64(g.panelBytes(cols)) / panelRows
	return (int64(rows) + panelRows - 1) / panelRows * panelRows * perRow, nil
}

// NewRow makes a row with slices of the right lengths.
func (g Groups) NewRow(cols int) GroupRow {
	r := GroupRow{Codes: make([]uint8, cols), Scales: make([]float32, g.outer(cols))}
	if g.Bias {
		r.Biases = make([]float32, g.outer(cols))
	}
	if g.Nested {
		r.SubScales = make([]int8, g.groups(cols))
		if g.Bias {
			r.SubBiases = make([]int8, g.groups(cols))
		}
	}
	return r
}

// PackGroups packs a matrix of codes, row by row: read fills in row i. A code
// that does not fit its bits is cut to them.
func PackGroups(g Groups, rows, cols int, read func(i int, to *GroupRow)) (*Matrix, error) {
	if _, err := g.PackedBytes(rows, cols); err != nil {
		return nil, err
	}
	m := &Matrix{
		format: g.format(), rows: rows, cols: cols, panelSize: g.panelBytes(cols),
		groups: g, head: g.headBytes(cols), shift: bits.TrailingZeros(uint(g.Columns)), bias: g.biases(),
	}
	if g.Nested {
		m.nested = 1
	}
	for i, v := range g.Values {
		m.values[i] = F16ToF32(v)
	}
	m.data = alignedBytes(m.panels() * m.panelSize)
	row := g.NewRow(cols)
	for r := range rows {
		read(r, &row)
		panel, lane := m.data[r/panelRows*m.panelSize:][:m.panelSize], r%panelRows
		g.packHead(panel, lane, &row)
		g.packCodes(panel[m.head:], lane, row.Codes)
	}
	return m, nil
}

// A panel of codes begins with its scales: for each group, or for each 256
// columns where they are nested, 16 float32 scales, then 16 biases; after those
// of 256 columns the integers of their groups, 16 int8 of scales, then 16 of
// biases.
func (g Groups) packHead(panel []byte, lane int, row *GroupRow) {
	both := 1 + g.biases()
	inner := 0
	if g.Nested {
		inner = nestedCols / g.Columns
	}
	size := (4 + inner) * panelRows * both
	for i, v := range row.Scales {
		if g.Float8 {
			v *= 256 // see float8
		}
		h := panel[i*size:][:size]
		binary.LittleEndian.PutUint32(h[4*lane:], math.Float32bits(v))
		if g.Bias {
			binary.LittleEndian.PutUint32(h[4*panelRows+4*lane:], math.Float32bits(row.Biases[i]))
		}
		h = h[4*panelRows*both:]
		for j := range inner {
			h[j*both*panelRows+lane] = byte(row.SubScales[i*inner+j])
			if g.Bias {
				h[(j*both+1)*panelRows+lane] = byte(row.SubBiases[i*inner+j])
			}
		}
	}
}

// Then come the codes. Of 8 bits: [cols][16]. Of 4 and 2 bits: words of 32 bits
// [][16], of 8 or 16 consecutive columns of a row, the first in the lowest bits.
// Of 6 bits, for each 16 columns, words [3][16]: byte j of the first has the low
// 4 bits of column j, and above them those of column 4+j; the second likewise of
// the 8 columns behind; byte j of the third has the other 2 bits of columns j,
// 4+j, 8+j and 12+j, from the lowest up.
func (g Groups) packCodes(panel []byte, lane int, codes []uint8) {
	if g.Bits == 8 {
		for k, q := range codes {
			panel[k*panelRows+lane] = q
		}
		return
	}
	put := func(word uint32) {
		binary.LittleEndian.PutUint32(panel[4*lane:], word)
		panel = panel[4*panelRows:]
	}
	for ; len(codes) > 0; codes = codes[16:] {
		low, high := binary.LittleEndian.Uint64(codes), binary.LittleEndian.Uint64(codes[8:])
		switch g.Bits {
		case 4:
			put(nibbles(low))
			put(nibbles(high))
		case 2:
			put(twos(low) | twos(high)<<16)
		case 6:
			const mask, top = 0x0f0f0f0f, 0x03030303
			put(uint32(low)&mask | uint32(low>>32)&mask<<4)
			put(uint32(high)&mask | uint32(high>>32)&mask<<4)
			put(uint32(low)>>4&top | uint32(low>>36)&top<<2 | uint32(high)>>4&top<<4 | uint32(high>>36)&top<<6)
		}
	}
}

// twos puts the lowest 2 bits of 8 bytes together.
func twos(b uint64) uint32 {
	b &= 0x0303030303030303
	b = (b | b>>6) & 0x000f000f000f000f
	b = (b | b>>12) & 0x000000ff000000ff
	return uint32(b | b>>24)
}

// groupScale gives scale and bias of the group of column k of one row of a
// panel. Without biases it is -0, which changes nothing that it is added to.
func (m *Matrix) groupScale(panel []byte, lane, k int) (scale, bias float32) {
	g, both := &m.groups, 1+m.bias
	bias = float32(math.Copysign(0, -1))
	float := func(b []byte) float32 { return math.Float32frombits(binary.LittleEndian.Uint32(b[4*lane:])) }
	if !g.Nested {
		p := panel[k/g.Columns*4*panelRows*both:]
		if g.Bias {
			bias = float(p[4*panelRows:])
		}
		return float(p), bias
	}
	p := panel[k/nestedCols*(4+nestedCols/g.Columns)*panelRows*both:]
	sub := p[4*panelRows*both+k%nestedCols/g.Columns*panelRows*both:]
	if g.Bias {
		bias = float(p[4*panelRows:]) * float32(int8(sub[panelRows+lane]))
	}
	return float(p) * float32(int8(sub[lane])), bias
}

// codeValues gives the values of the codes in the columns [k0, k0+n) of one row,
// in every step-th element of dst.
func (m *Matrix) codeValues(codes []byte, lane, k0 int, dst []float32, step int) {
	switch m.format {
	case Codes2:
		for i, k := 0, k0; i < len(dst); i, k = i+step, k+1 {
			dst[i] = float32(codes[(k/16*panelRows+lane)*4+k%16/4] >> (k % 4 * 2) & 3)
		}
	case Codes4:
		for i, k := 0, k0; i < len(dst); i, k = i+step, k+1 {
			dst[i] = m.values[nibble(codes, lane, k)]
		}
	case Codes6:
		for i, k := 0, k0; i < len(dst); i, k = i+step, k+1 {
			block, k := codes[k/16*12*panelRows:], k%16
			low := block[(k/8*panelRows+lane)*4+k%4] >> (k % 8 / 4 * 4) & 15
			high := block[(2*panelRows+lane)*4+k%4] >> (k / 4 * 2) & 3
			dst[i] = float32(int(low|high<<4) - m.groups.Zero)
		}
	case Codes8:
		for i, k := 0, k0; i < len(dst); i, k = i+step, k+1 {
			dst[i] = float32(codes[k*panelRows+lane])
		}
	case Float8:
		for i, k := 0, k0; i < len(dst); i, k = i+step, k+1 {
			dst[i] = float8(codes[k*panelRows+lane])
		}
	}
}

// groupValues writes the columns from k0 on, the first of a group, of one row of
// a panel to every step-th element of dst.
func (m *Matrix) groupValues(panel []byte, lane, k0 int, dst []float32, step int) {
	m.codeValues(panel[m.head:], lane, k0, dst, step)
	for k, size := k0, m.groups.Columns*step; len(dst) > 0; k += m.groups.Columns {
		scale, bias := m.groupScale(panel, lane, k)
		group := dst[:min(size, len(dst))]
		for i := 0; i < len(group); i += step {
			group[i] = float32(scale*group[i]) + bias
		}
		dst = dst[len(group):]
	}
}

// float8 widens an E4M3 float and divides it by 256, as the kernels do: its bits
// are those of a float16 of which the bias is larger by 8. The scales of a panel
// are larger by 256 for it, which is exact.
func float8(v byte) float32 { return F16ToF32(uint16(v&0x80)<<8 | uint16(v&0x7f)<<7) }
