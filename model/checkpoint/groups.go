package checkpoint

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"slices"
)

// Groups says how the values of a quantised tensor come from codes: small
// numbers, of which some neighbours in a row share a scale and perhaps a bias:
//
//	x[j] = scale·value(code[j]) + bias
//
// in float32, the product rounded, then the sum. Without Bias there is no sum.
type Groups struct {
	Bits    int  // of a code: 2, 4, 6 or 8
	Float8  bool // codes of 8 bits are E4M3 floats; else they are unsigned integers
	Columns int  // that share a scale: 16, 32, 64, 128 or 256
	Bias    bool // groups have biases

	// Nested says that a group's scale is the product, rounded, of a scale of 256
	// columns and an integer of 8 bits, and so is its bias.
	Nested bool

	Zero   int        // of 6 bits: what is subtracted from a code
	Values [16]uint16 // of 4 bits: the values of the codes, as float16
}

// GroupRow is one row of a quantised tensor. Slices that its Groups do not need
// are empty.
type GroupRow struct {
	Codes                []uint8   // [cols]
	Scales, Biases       []float32 // one a group; nested: one for each 256 columns
	SubScales, SubBiases []int8    // nested: one a group
}

// groupForm is how a storage type is taken apart.
type groupForm struct {
	groups Groups
	head   func(i int, to *GroupRow) // scales and biases of row i
	codes  func(i int, to []uint8)   // codes of row i
}

// Groups says how the values of t come from codes. ok is false for plain
// numbers, and for Q8_0, Q4_0 and Q4_1, which are read as they are.
func (t Tensor) Groups() (g Groups, ok bool) {
	form, ok := t.form()
	return form.groups, ok
}

// GroupRows returns a function that takes row i of t apart, rows being all
// dimensions but the last. t must have Groups; the bytes of a tensor that was
// made by hand are checked.
func (t Tensor) GroupRows() (read func(i int, to *GroupRow), err error) {
	if err := t.check(); err != nil {
		return nil, err
	}
	form, ok := t.form()
	if !ok {
		return nil, t.unreadable("groups of codes")
	}
	return func(i int, to *GroupRow) {
		form.head(i, to)
		form.codes(i, to.Codes)
	}, nil
}

// form is how t is taken apart, if it is codes in groups.
func (t Tensor) form() (groupForm, bool) {
	if t.scales != nil {
		return t.scales.form(t), true
	}
	block, ok := ggufGroups(t.DType)
	if !ok {
		return groupForm{}, false
	}
	_, values, bytes := t.DType.layout()
	_, cols := t.matrix()
	rowBytes := cols / values * bytes
	row := func(i int) []byte { return t.Data[i*rowBytes:][:rowBytes] }
	return groupForm{
		groups: block.groups,
		head: func(i int, to *GroupRow) {
			for at, b := 0, row(i); len(b) > 0; at, b = at+1, b[bytes:] {
				block.head(b, at, to)
			}
		},
		codes: func(i int, to []uint8) {
			for b := row(i); len(b) > 0; b, to = b[bytes:], to[values:] {
				block.codes(b, to)
			}
		},
	}, true
}

// matrix is the shape of t as rows of its last dimension.
func (t Tensor) matrix() (rows, cols int) {
	if len(t.Shape) == 0 {
		return 1, 1
	}
	rows, cols = 1, t.Shape[len(t.Shape)-1]
	for _, dim := range t.Shape[:len(t.Shape)-1] {
		rows *= dim
	}
	return rows, cols
}

// newRow makes a row with slices of the right lengths.
func (g Groups) newRow(cols int) GroupRow {
	groups := (cols + g.Columns - 1) / g.Columns
	outer := groups
	if g.Nested {
		outer = cols / 256
	}
	r := GroupRow{Codes: make([]uint8, cols), Scales: make([]float32, outer)}
	if g.Bias {
		r.Biases = make([]float32, outer)
	}
	if g.Nested {
		r.SubScales = make([]int8, groups)
		if g.Bias {
			r.SubBiases = make([]int8, groups)
		}
	}
	return r
}

// scale gives scale and bias of a group, the bias −0 where there are none: it
// changes nothing that it is added to.
func (g Groups) scale(r *GroupRow, group int) (scale, bias float32) {
	bias = float32(math.Copysign(0, -1))
	if !g.Nested {
		if g.Bias {
			bias = r.Biases[group]
		}
		return r.Scales[group], bias
	}
	outer := group * g.Columns / 256
	if g.Bias {
		bias = r.Biases[outer] * float32(r.SubBiases[group])
	}
	return r.Scales[outer] * float32(r.SubScales[group]), bias
}

// value is what a code stands for.
func (g Groups) value(code uint8) float32 {
	switch {
	case g.Float8:
		return float8E4M3(code)
	case g.Bits == 4:
		return float16(g.Values[code])
	}
	return float32(int(code) - g.Zero)
}

// dequantize writes the values of a row.
func (g Groups) dequantize(dst []float32, r *GroupRow) {
	for at := 0; at < len(dst); at += g.Columns {
		scale, bias := g.scale(r, at/g.Columns)
		for j, code := range r.Codes[at:min(at+g.Columns, len(dst))] {
			dst[at+j] = float32(scale*g.value(code)) + bias
		}
	}
}

// extremes are the least and the largest value of a code.
func (g Groups) extremes() (least, most float32) {
	switch {
	case g.Float8:
		return -448, 448
	case g.Bits == 4:
		for _, v := range g.Values {
			least, most = min(least, float16(v)), max(most, float16(v))
		}
		return least, most
	}
	return float32(-g.Zero), float32(1<<g.Bits - 1 - g.Zero)
}

// checkGroups refuses scales and biases of which a code could make a value that
// is not finite.
func (t Tensor) checkGroups(form groupForm) error {
	g := form.groups
	rows, cols := t.matrix()
	row := g.newRow(cols)
	least, most := g.extremes()
	for i := range rows {
		form.head(i, &row)
		for group := range (cols + g.Columns - 1) / g.Columns {
			scale, bias := g.scale(&row, group)
			low, high := float32(scale*least)+bias, float32(scale*most)+bias
			if low-low != 0 || high-high != 0 {
				return fmt.Errorf("tensor %s: row %d, columns from %d: scale %v with bias %v gives values that are not finite", t.Name, i, group*g.Columns, scale, bias)
			}
		}
	}
	return nil
}

// Row writes row i to dst, rows being all dimensions but the last: the values
// that Float32s gives. It reads no other row, and refuses one that is not finite.
func (t Tensor) Row(i int, dst []float32) error {
	rows, cols := t.matrix()
	if i < 0 || i >= rows || len(dst) != cols {
		return fmt.Errorf("tensor %s %v: row %d to %d values", t.Name, t.Shape, i, len(dst))
	}
	if err := t.check(); err != nil {
		return err
	}
	if form, ok := t.form(); ok {
		row := form.groups.newRow(cols)
		form.head(i, &row)
		form.codes(i, row.Codes)
		form.groups.dequantize(dst, &row)
	} else {
		size := len(t.Data) / rows
		if err := t.widen(dst, t.Data[i*size:][:size]); err != nil {
			return err
		}
	}
	for j, v := range dst {
		if v-v != 0 {
			return fmt.Errorf("tensor %s: row %d, column %d is %v", t.Name, i, j, v)
		}
	}
	return nil
}

// StoredBytes is what t takes in its files, with the scales beside it.
func (t Tensor) StoredBytes() int64 {
	n := len(t.Data)
	if t.scales != nil {
		n += len(t.scales.scale.Data) + len(t.scales.bias.Data)
	}
	return int64(n)
}

// SameStorage says whether t and o are stored alike: types, shapes, codes and
// scales. Their names do not matter.
func (t Tensor) SameStorage(o Tensor) bool {
	if t.DType != o.DType || !slices.Equal(t.Shape, o.Shape) || !bytes.Equal(t.Data, o.Data) || (t.scales == nil) != (o.scales == nil) {
		return false
	}
	return t.scales == nil || t.scales.scale.SameStorage(o.scales.scale) && t.scales.bias.SameStorage(o.scales.bias)
}

// scaleAt reads the f16 at b.
func scaleAt(b []byte) float32 { return float16(binary.LittleEndian.Uint16(b)) }

// codeTable gives the values of the 16 codes of 4 bits. Small integers and
// halves of them are exact in float16.
func codeTable(value func(code int) float64) (table [16]uint16) {
	for code := range table {
		bits := math.Float32bits(float32(value(code)))
		sign, magnitude := bits>>31<<15, bits&^(1<<31)>>13
		if magnitude != 0 {
			magnitude -= (127 - 15) << 10
		}
		table[code] = uint16(sign | magnitude)
	}
	return table
}

// e2m1 is the value of a 4-bit float: sign, 2 bits of exponent, 1 of mantissa.
//
// Source: OCP Microscaling Formats (MX) Specification 1.0, §5.3.3.
func e2m1(code int) float64 {
	v := []float64{0, 0.5, 1, 1.5, 2, 3, 4, 6}[code&7]
	if code&8 != 0 {
		return math.Copysign(v, -1)
	}
	return v
}
