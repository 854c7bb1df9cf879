package kernel

import (
	"encoding/binary"
	"fmt"
	"math"
	"strings"
	"testing"
)

func TestDequantize(t *testing.T) {
	q := func(head string, codes ...byte) []byte { return append([]byte(head), codes...) }
	codes := make([]byte, 16)
	for i := range codes {
		codes[i] = byte(i) | byte(15-i)<<4
	}
	bytes32 := make([]byte, 32)
	for i := range bytes32 {
		bytes32[i] = byte(i*9 - 128)
	}
	half, quarter := "\x00\x38", "\x00\x34" // 0.5 and 0.25 as float16
	for _, tt := range []struct {
		f    Format
		row  []byte
		want func(j int) float32
	}{
		{Q8_0, q(half, bytes32...), func(j int) float32 { return 0.5 * float32(int8(byte(j*9-128))) }},
		{Q4_0, q(half, codes...), func(j int) float32 {
			if j < 16 {
				return 0.5 * float32(j-8)
			}
			return 0.5 * float32(15-(j-16)-8)
		}},
		{Q4_1, q(half+quarter, codes...), func(j int) float32 {
			if j < 16 {
				return 0.5*float32(j) + 0.25
			}
			return 0.5*float32(15-(j-16)) + 0.25
		}},
	} {
		got, want := make([]float32, 32), make([]float32, 32)
		tt.f.Dequantize(got, tt.row)
		for j := range want {
			want[j] = tt.want(j)
		}
		equalBits(t, tt.f.String(), got, want)
	}
}

func TestF16ToF32(t *testing.T) {
	for _, tt := range []struct {
		bits uint16
		want float32
	}{
		{0, 0}, {0x8000, float32(math.Copysign(0, -1))}, {1, 0x1p-24}, {0x83ff, -0x1.ff8p-15}, {0x0400, 0x1p-14},
		{0x3c00, 1}, {0xc000, -2}, {0x7bff, 65504}, {0x7c00, float32(math.Inf(1))}, {0xfc00, float32(math.Inf(-1))},
	} {
		equalBits(t, fmt.Sprintf("%04x", tt.bits), []float32{F16ToF32(tt.bits)}, []float32{tt.want})
	}
	if v := F16ToF32(0x7c01); v == v {
		t.Errorf("7c01 = %v, want NaN", v)
	}
}

// TestRowAndDecode: packing, Row and the panel decoder all agree with the native layout.
func TestRowAndDecode(t *testing.T) {
	r := source(10)
	for _, f := range formats {
		for _, cols := range []int{32, 96, 40, 7} {
			if cols%32 != 0 && f >= Q8_0 {
				continue
			}
			const rows = 37
			m, src := randomMatrix(t, r, f, rows, cols)
			n := len(src) / rows
			perm := func(i int) int { return (i*5 + 3) % rows }
			p, err := Pack(f, rows, cols, src, perm)
			if err != nil {
				t.Fatal(err)
			}
			got, want := make([]float32, cols), make([]float32, cols)
			panel := make([]float32, cols*panelRows)
			for i := range rows {
				f.Dequantize(want, src[i*n:][:n])
				m.Row(i, got)
				equalBits(t, fmt.Sprintf("%s row %d", f, i), got, want)
				fromCodes(m, i, panel, got)
				equalBits(t, fmt.Sprintf("%s panel row %d", f, i), got, want)
				f.Dequantize(want, src[perm(i)*n:][:n])
				p.Row(i, got)
				equalBits(t, fmt.Sprintf("%s permuted row %d", f, i), got, want)
			}
		}
	}
}

// fromCodes computes row i from the codes and scales of its panel.
func fromCodes(m *Matrix, i int, panel, row []float32) {
	data, lane := m.data[i/panelRows*m.panelSize:], i%panelRows
	refCodes(m, data, panel[:len(row)*panelRows])
	for k := range row {
		row[k] = panel[k*panelRows+lane]
		if m.format > BF16 {
			scale, bias := m.pieceScale(data, lane, k)
			row[k] = float32(scale * row[k])
			if m.hasBias() {
				row[k] += bias
			}
		}
	}
}

func TestPackErrors(t *testing.T) {
	for _, tt := range []struct {
		f          Format
		rows, cols int
		bytes      int
		want       string
	}{
		{F32, 2, 3, 23, "23 bytes, want 2 rows of 12"},
		{F32, -1, 3, 0, "-1 rows"},
		{BF16, 2, -3, 0, "-3 columns"},
		{Q8_0, 2, 33, 70, "multiple of 32"},
		{Q4_1, 2, 32, 36, "36 bytes, want 2 rows of 20"},
		{F16, math.MaxInt32, math.MaxInt32, 8, "8 bytes"},
		{F16, 5, 0, 8, "8 bytes"},
		{Format(9), 1, 1, 1, "unknown format"},
	} {
		_, err := Pack(tt.f, tt.rows, tt.cols, make([]byte, tt.bytes), nil)
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("Pack(%s, %d, %d, %d bytes): %v, want %q", tt.f, tt.rows, tt.cols, tt.bytes, err, tt.want)
		}
	}
	if _, err := Pack(F32, 2, 1, make([]byte, 8), func(int) int { return 2 }); err == nil {
		t.Error("Pack took a row that is not there")
	}
}

func FuzzPack(f *testing.F) {
	f.Add(0, 2, 3, []byte("123456781234567812345678"))
	f.Add(3, 1, 32, make([]byte, 34))
	f.Add(5, -4, 1<<40, []byte("x"))
	f.Add(2, math.MaxInt, 2, []byte("abcd"))
	f.Add(1, 1<<30, 0, []byte{})
	f.Fuzz(func(t *testing.T, format, rows, cols int, src []byte) {
		if cols == 0 && rows > 1<<16 {
			t.Skip("rows without columns need no bytes; Row and Mul of them are trivial")
		}
		m, err := Pack(Format(format), rows, cols, src, nil)
		if err != nil {
			return
		}
		dst := make([]float32, cols)
		want := make([]float32, cols)
		for r := range m.Rows() {
			m.Row(r, dst)
			m.format.Dequantize(want, src[r*len(src)/rows:][:len(src)/rows])
			equalBits(t, "row", dst, want)
		}
	})
}

// weightRow is a row of weights by its definition: codes, and for each piece of
// columns a scale and a bias. Without scales the codes are the weights.
type weightRow struct {
	columns               int
	codes, scales, biases []float32
}

// weights are the values of the row: the product rounded, then the sum.
func (w weightRow) weights() []float32 {
	if w.scales == nil {
		return w.codes
	}
	v := make([]float32, len(w.codes))
	for k, q := range w.codes {
		v[k] = float32(w.scales[k/w.columns] * q)
		if w.biases != nil {
			v[k] += w.biases[k/w.columns]
		}
	}
	return v
}

// dot is the definition of an element of Mul.
func (w weightRow) dot(x []float32) float32 {
	sum := func(x, codes []float32) (s float32) {
		for k, q := range codes {
			s = fma32(x[k], q, s)
		}
		return s
	}
	if w.scales == nil {
		return sum(x, w.codes)
	}
	acc := float32(0)
	for i, scale := range w.scales {
		from, to := i*w.columns, min((i+1)*w.columns, len(w.codes))
		acc = fma32(scale, sum(x[from:to], w.codes[from:to]), acc)
		if w.biases != nil {
			var p [16]float32
			for k := from; k < to; k++ {
				p[(k-from)%16] += x[k]
			}
			acc = fma32(w.biases[i], tree16(&p), acc)
		}
	}
	return acc
}

// nativeRow is a row in native layout by the definition of its format.
func nativeRow(f Format, cols int, row []byte) weightRow {
	w := weightRow{columns: 32, codes: make([]float32, cols)}
	if f < Q8_0 {
		f.Dequantize(w.codes, row)
		return w
	}
	half := func(b []byte) float32 { return F16ToF32(binary.LittleEndian.Uint16(b)) }
	for at := 0; at < cols; at += 32 {
		b, codes := row[:f.blockBytes()], w.codes[at:at+32]
		row = row[f.blockBytes():]
		w.scales = append(w.scales, half(b))
		b = b[2:]
		if f == Q4_1 {
			w.biases = append(w.biases, half(b))
			b = b[2:]
		}
		for k := range codes {
			switch {
			case f == Q8_0:
				codes[k] = float32(int8(b[k]))
			case k < 16:
				codes[k] = float32(b[k] & 15)
			default:
				codes[k] = float32(b[k-16] >> 4)
			}
			if f == Q4_0 {
				codes[k] -= 8
			}
		}
	}
	return w
}

func TestMulIsItsDefinition(t *testing.T) {
	r := source(11)
	for _, f := range formats {
		for _, M := range []int{1, 3, 7} {
			const rows, cols = 21, 64
			m, src := randomMatrix(t, r, f, rows, cols)
			x, y := wild(r, M*70, false), make([]float32, M*rows)
			m.Mul(y, rows, x, 70, M, 0, rows, new(Scratch))
			want, values := make([]float32, M*rows), make([]float32, cols)
			for n := range rows {
				row := src[n*len(src)/rows:][:len(src)/rows]
				w := nativeRow(f, cols, row)
				f.Dequantize(values, row)
				equalBits(t, fmt.Sprintf("%s row %d", f, n), w.weights(), values)
				for i := range M {
					want[i*rows+n] = w.dot(x[i*70:][:cols])
				}
			}
			equalBits(t, fmt.Sprintf("%s M=%d", f, M), y, want)
		}
	}
}

// TestMulEqualReference: all formats, all small M, all tails of rows and columns.
func TestMulEqualReference(t *testing.T) {
	for _, c := range forms(t) {
		r := source(12)
		one := func(f Format, M, rows, cols int, inf bool) {
			t.Helper()
			m, _ := randomMatrix(t, r, f, rows, cols)
			ldx, ldy := cols+r.IntN(3), rows+r.IntN(3)
			x := wild(r, M*ldx, inf)
			got := plain(r, M*ldy)
			want := append([]float32(nil), got...)
			c.mul(m, got, ldy, x, ldx, M, 0, rows, new(Scratch))
			reference{}.mul(m, want, ldy, x, ldx, M, 0, rows, new(Scratch))
			equalBits(t, fmt.Sprintf("%s %s M=%d rows=%d cols=%d", c.name, f, M, rows, cols), got, want)
		}
		for _, f := range formats {
			for M := 1; M <= 40; M++ {
				one(f, M, 1+r.IntN(90), 32*(1+r.IntN(4)), M%4 == 0)
			}
			for rows := 1; rows <= 80; rows++ {
				one(f, 1+r.IntN(9), rows, 32, false)
			}
			one(f, 13, 35, 544, false)
			one(f, 2, 35, 544, false)
			one(f, 400, 17, 288, false)  // several chunks of rows
			one(f, 130, 35, 2176, false) // and of k
			one(f, 3, 17, 2176, false)
			if f < Q8_0 {
				for cols := 0; cols <= 70; cols++ {
					one(f, 1+r.IntN(9), 1+r.IntN(40), cols, false)
				}
				one(f, 9, 33, 523, false)
			}
		}
	}
}

// TestMulSplits: rows and columns in any pieces, and any pool, give the same bits.
func TestMulSplits(t *testing.T) {
	r := source(13)
	for _, f := range formats {
		for _, M := range []int{1, 2, 5, 8, 31, 200} {
			const rows, cols = 150, 320
			m, _ := randomMatrix(t, r, f, rows, cols)
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
			equalBits(t, fmt.Sprintf("%s M=%d in pieces", f, M), got, want)
			for threads := 1; threads <= 3; threads++ {
				p := NewPool(threads)
				clear(got)
				p.Mul(m, got, rows, x, cols, M)
				p.Close()
				equalBits(t, fmt.Sprintf("%s M=%d with %d threads", f, M, threads), got, want)
			}
		}
	}
}

func TestPackF32(t *testing.T) {
	r := source(14)
	src := plain(r, 5*19)
	b := make([]byte, 0, 4*len(src))
	for _, v := range src {
		b = binary.LittleEndian.AppendUint32(b, math.Float32bits(v))
	}
	m, err := Pack(F32, 5, 19, b, nil)
	if err != nil {
		t.Fatal(err)
	}
	p := PackF32(5, 19, src)
	if string(p.data) != string(m.data) {
		t.Error("PackF32 and Pack differ")
	}
}

func TestMulPanics(t *testing.T) {
	m := PackF32(40, 8, make([]float32, 320))
	x, y := make([]float32, 16), make([]float32, 80)
	for name, f := range map[string]func(){
		"columns start inside a panel": func() { m.Mul(y, 40, x, 8, 2, 8, 40, new(Scratch)) },
		"columns end inside a panel":   func() { m.Mul(y, 40, x, 8, 2, 0, 20, new(Scratch)) },
		"x is short":                   func() { m.Mul(y, 40, x[:15], 8, 2, 0, 40, new(Scratch)) },
		"y is short":                   func() { m.Mul(y[:79], 40, x, 8, 2, 0, 40, new(Scratch)) },
		"rows overlap":                 func() { m.Mul(y, 39, x, 8, 2, 0, 40, new(Scratch)) },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: no panic", name)
				}
			}()
			f()
		}()
	}
}
