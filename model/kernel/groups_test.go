package kernel

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
)

// layouts are storages of codes that between them take every branch of the
// kernels.
var layouts = []Groups{
	{Bits: 2, Columns: 32, Bias: true},
	{Bits: 2, Columns: 16, Bias: true, Nested: true}, // Q2_K
	{Bits: 4, Columns: 16, Values: e2m1},
	{Bits: 4, Columns: 64, Bias: true, Values: integers},
	{Bits: 4, Columns: 32, Bias: true, Nested: true, Values: integers}, // Q4_K
	{Bits: 4, Columns: 16, Nested: true, Values: integers},
	{Bits: 6, Columns: 32, Zero: 16},
	{Bits: 6, Columns: 128, Bias: true},
	{Bits: 6, Columns: 16, Zero: 32, Nested: true}, // Q6_K
	{Bits: 8, Columns: 32, Bias: true},
	{Bits: 8, Columns: 256},
	{Bits: 8, Float8: true, Columns: 128},
	{Bits: 8, Float8: true, Columns: 256, Bias: true},
}

// The tables of integers from 0, and of E2M1 floats with a −0.
var (
	integers = [16]uint16{0, 0x3c00, 0x4000, 0x4200, 0x4400, 0x4500, 0x4600, 0x4700, 0x4800, 0x4880, 0x4900, 0x4980, 0x4a00, 0x4a80, 0x4b00, 0x4b80}
	e2m1     = [16]uint16{0, 0x3800, 0x3c00, 0x3e00, 0x4000, 0x4200, 0x4400, 0x4600, 0x8000, 0xb800, 0xbc00, 0xbe00, 0xc000, 0xc200, 0xc400, 0xc600}
)

func (g Groups) String() string {
	return fmt.Sprintf("%s of %d columns, bias %t, nested %t", g.format(), g.Columns, g.Bias, g.Nested)
}

// width draws a number of columns that g can have.
func (g Groups) width(r *rand.Rand, most int) int {
	n := r.IntN(most) + 1
	switch {
	case g.Nested:
		return (n + 255) / 256 * 256
	case g.Float8:
		return n
	}
	return (n + 15) / 16 * 16
}

// randomGroups draws a matrix with finite values, and gives its rows by their
// definition.
func randomGroups(t testing.TB, r *rand.Rand, g Groups, rows, cols int, tiny bool) (*Matrix, []weightRow) {
	t.Helper()
	var want []weightRow
	short := r.IntN(2) == 0 // scales come from 16 bits
	m, err := PackGroups(g, rows, cols, func(_ int, to *GroupRow) {
		for i := range to.Codes {
			to.Codes[i] = uint8(r.IntN(1 << g.Bits))
			if g.Float8 && to.Codes[i]&0x7f == 0x7f {
				to.Codes[i]--
			}
		}
		for _, list := range [][]float32{to.Scales, to.Biases} {
			for i := range list {
				list[i] = float32(r.NormFloat64() * math.Exp2(float64(r.IntN(12)-6)))
				if short {
					list[i] = math.Float32frombits(math.Float32bits(list[i]) &^ (1<<13 - 1))
				} else if tiny && r.IntN(16) == 0 {
					list[i] = float32(math.Copysign(float64(r.IntN(2))*0x1p-140, float64(r.IntN(2))-0.5))
				}
			}
		}
		for _, list := range [][]int8{to.SubScales, to.SubBiases} {
			for i := range list {
				list[i] = int8(r.IntN(256) - 128)
			}
		}
		want = append(want, defined(g, to))
	})
	if err != nil {
		t.Fatal(err)
	}
	return m, want
}

// defined is what a row holds.
func defined(g Groups, row *GroupRow) weightRow {
	w := weightRow{columns: g.Columns, codes: make([]float32, len(row.Codes))}
	for k, q := range row.Codes {
		w.codes[k] = float32(q)
		switch {
		case g.Float8:
			magnitude := float64(q&7) / 8 * 0x1p-6
			if e := int(q >> 3 & 15); e > 0 {
				magnitude = (1 + float64(q&7)/8) * math.Exp2(float64(e-7))
			}
			w.codes[k] = float32(math.Copysign(magnitude/256, 0.5-float64(q>>7))) // see float8
		case g.Bits == 4:
			w.codes[k] = F16ToF32(g.Values[q])
		case g.Bits == 6:
			w.codes[k] = float32(int(q) - g.Zero)
		}
	}
	list := func(outer []float32, inner []int8) (of []float32) {
		if !g.Nested {
			return append(of, outer...)
		}
		for i, v := range inner {
			of = append(of, outer[i*g.Columns/256]*float32(v))
		}
		return of
	}
	w.scales = list(row.Scales, row.SubScales)
	if g.Float8 {
		for i := range w.scales {
			w.scales[i] *= 256
		}
	}
	if g.Bias {
		w.biases = list(row.Biases, row.SubBiases)
	}
	return w
}

// TestGroupsRow: Row and the panel decoder of the reference give the values of
// the definition, and a column more or less in memory is as PackedBytes says.
func TestGroupsRow(t *testing.T) {
	r := source(20)
	for _, g := range layouts {
		for range 4 {
			rows, cols := 1+r.IntN(40), g.width(r, 700)
			m, want := randomGroups(t, r, g, rows, cols, true)
			got, panel := make([]float32, cols), make([]float32, cols*panelRows)
			for i := range rows {
				m.Row(i, got)
				equalBits(t, fmt.Sprintf("%s row %d", g, i), got, want[i].weights())
				fromCodes(m, i, panel, got)
				equalBits(t, fmt.Sprintf("%s panel row %d", g, i), got, want[i].weights())
			}
			if n, err := g.PackedBytes(rows, cols); err != nil || n != m.Bytes() {
				t.Errorf("%s [%d %d]: PackedBytes %d, %v, want %d", g, rows, cols, n, err, m.Bytes())
			}
		}
	}
}

// TestGroupsMul: the reference multiplies the values of the definition, and the
// C kernels do what the reference does, for all small M and all tails.
func TestGroupsMul(t *testing.T) {
	r := source(21)
	one := func(k kernels, name string, g Groups, M, rows, cols int, inf bool) {
		t.Helper()
		m, w := randomGroups(t, r, g, rows, cols, true)
		ldx, ldy := cols+r.IntN(3), rows+r.IntN(3)
		x := wild(r, M*ldx, inf)
		got := plain(r, M*ldy)
		want := append([]float32(nil), got...)
		k.mul(m, got, ldy, x, ldx, M, 0, rows, new(Scratch))
		for i := range M {
			for n, row := range w {
				want[i*ldy+n] = row.dot(x[i*ldx:][:cols])
			}
		}
		equalBits(t, fmt.Sprintf("%s %s M=%d rows=%d cols=%d", name, g, M, rows, cols), got, want)
	}
	for _, g := range layouts {
		for range 3 {
			one(reference{}, "go", g, 1+r.IntN(5), 1+r.IntN(40), g.width(r, 400), false)
		}
	}
	for _, c := range forms(t) {
		for _, g := range layouts {
			for M := 1; M <= 16; M++ {
				one(c, c.name, g, M, 1+r.IntN(90), g.width(r, 300), M%4 == 0)
			}
			for range 12 {
				one(c, c.name, g, 1+r.IntN(9), 1+r.IntN(80), g.width(r, 60), false)
			}
			one(c, c.name, g, 2, 35, g.width(r, 16)+2048, false) // several blocks of k
			one(c, c.name, g, 130, 19, g.width(r, 16)+2048, false)
			if g.Columns == 16 {
				one(c, c.name, g, 20, 5, 16*3072, false) // sums of x for some of the rows at once
			}
			one(c, c.name, g, 23, 70, g.width(r, 16)+256, false) // parts of rows
			one(c, c.name, g, 200, 17, g.width(r, 280), false)   // several chunks of rows
		}
	}
}

// TestLongRows: a row of which there are more sums of x than scratch for many rows
// has room for.
func TestLongRows(t *testing.T) {
	g := Groups{Bits: 2, Columns: 16, Bias: true}
	const M, rows, cols = 3, 5, 16 * (192*2048/16 + 3)
	r := source(23)
	m, w := randomGroups(t, r, g, rows, cols, false)
	x, want := plain(r, M*cols), make([]float32, M*rows)
	for i := range M {
		for n, row := range w {
			want[i*rows+n] = row.dot(x[i*cols:][:cols])
		}
	}
	for _, c := range forms(t) {
		got := make([]float32, M*rows)
		c.mul(m, got, rows, x, cols, M, 0, rows, new(Scratch))
		equalBits(t, c.name, got, want)
	}
}

// TestGroupsSplits: rows and columns in pieces, and any pool, give the same bits.
func TestGroupsSplits(t *testing.T) {
	r := source(22)
	for _, g := range layouts {
		const rows = 150
		cols := g.width(r, 16) + 256
		cols = g.width(r, cols)
		m, _ := randomGroups(t, r, g, rows, cols, true)
		for _, M := range []int{1, 5, 31} {
			x := plain(r, M*cols)
			want, got := make([]float32, M*rows), make([]float32, M*rows)
			var s Scratch
			m.Mul(want, rows, x, cols, M, 0, rows, &s)
			for i := 0; i < M; {
				n := min(1+r.IntN(9), M-i)
				for c := 0; c < rows; {
					c1 := min(c+16*(1+r.IntN(5)), rows)
					m.Mul(got[i*rows:], rows, x[i*cols:], cols, n, c, c1, &s)
					c = c1
				}
				i += n
			}
			equalBits(t, fmt.Sprintf("%s M=%d in pieces", g, M), got, want)
			p := NewPool(3)
			clear(got)
			p.Mul(m, got, rows, x, cols, M)
			p.Close()
			equalBits(t, fmt.Sprintf("%s M=%d with 3 threads", g, M), got, want)
		}
	}
}

func TestPackGroupsErrors(t *testing.T) {
	for _, tt := range []struct {
		g          Groups
		rows, cols int
		want       string
	}{
		{Groups{Bits: 3, Columns: 32}, 1, 32, "codes of 3 bits"},
		{Groups{Bits: 4, Float8: true, Columns: 32}, 1, 32, "codes of 4 bits"},
		{Groups{Bits: 4, Columns: 48}, 1, 48, "groups of 48 columns"},
		{Groups{Bits: 4, Columns: 8}, 1, 48, "groups of 8 columns"},
		{Groups{Bits: 6, Columns: 16, Zero: 65}, 1, 48, "zero at code 65"},
		{Groups{Bits: 4, Columns: 32}, 1, 40, "row of 40 columns in codes of 4 bits"},
		{Groups{Bits: 4, Columns: 32, Nested: true}, 1, 128, "a multiple of 256"},
		{Groups{Bits: 8, Columns: 32}, -1, 32, "-1 rows"},
		{Groups{Bits: 8, Columns: 32}, 1, math.MaxInt, "row of 9223372036854775807 columns"},
	} {
		_, err := PackGroups(tt.g, tt.rows, tt.cols, nil)
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("PackGroups(%+v, %d, %d): %v, want %q", tt.g, tt.rows, tt.cols, err, tt.want)
		}
	}
}

// BenchmarkRow reads rows of 4096 columns, as an embedding and DoRA's norms do.
func BenchmarkRow(b *testing.B) {
	r := source(24)
	for _, g := range []Groups{layouts[4], layouts[8], layouts[9], layouts[11]} {
		m, _ := randomGroups(b, r, g, 16, 4096, false)
		b.Run("format="+g.format().String(), func(b *testing.B) {
			row := make([]float32, 4096)
			b.SetBytes(4 * 4096)
			for i := 0; b.Loop(); i++ {
				m.Row(i%16, row)
			}
		})
	}
}
