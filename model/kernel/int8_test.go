package kernel

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
)

// randomInt8 draws a matrix of each kind for products with rows of 8 bits, and
// the same matrix for float32.
func randomInt8(t testing.TB, r *rand.Rand, kind string, rows, cols int) (narrow, plain *Matrix) {
	t.Helper()
	var err error
	for _, f := range []Format{Q8_0, Q4_0, Q4_1} {
		if f.String() == kind {
			var src []byte
			plain, src = randomMatrix(t, r, f, rows, cols)
			if narrow, err = PackInt8(f, rows, cols, src, nil); err != nil {
				t.Fatal(err)
			}
			return narrow, plain
		}
	}
	list := make([]GroupRow, rows)
	g := int8Groups[kind]
	for i := range list {
		list[i] = g.NewRow(cols)
		for k := range list[i].Codes {
			list[i].Codes[k] = uint8(r.Uint32())
		}
		for j := range list[i].Scales {
			list[i].Scales[j] = groupScaleOf(r, kind)
		}
		for j := range list[i].Biases {
			list[i].Biases[j] = groupScaleOf(r, kind)
		}
		for j := range list[i].SubScales {
			list[i].SubScales[j] = int8(r.Uint32())
		}
		for j := range list[i].SubBiases {
			list[i].SubBiases[j] = int8(r.Uint32())
		}
	}
	read := func(i int, to *GroupRow) {
		copy(to.Codes, list[i].Codes)
		copy(to.Scales, list[i].Scales)
		copy(to.Biases, list[i].Biases)
		copy(to.SubScales, list[i].SubScales)
		copy(to.SubBiases, list[i].SubBiases)
	}
	if narrow, err = PackGroupsInt8(g, rows, cols, read); err != nil {
		t.Fatal(err)
	}
	if plain, err = PackGroups(g, rows, cols, read); err != nil {
		t.Fatal(err)
	}
	return narrow, plain
}

// groupScaleOf draws a scale: of MLX8 a bfloat16, of MLX4 a float16, else any.
func groupScaleOf(r *rand.Rand, kind string) float32 {
	v := float32(r.NormFloat64() / 64)
	switch kind {
	case "MLX8":
		return BF16ToF32(uint16(math.Float32bits(v) >> 16))
	case "MLX4":
		return F16ToF32(f16Bits(v))
	}
	return v
}

// ascending are the values of 4 bits from first up, as float16.
func ascending(first int) (v [16]uint16) {
	for i := range v {
		v[i] = f16Bits(float32(first + i))
	}
	return v
}

// int8Groups are Q4_K, Q5_K, Q6_K, two of MLX, and codes that stand for integers.
var int8Groups = map[string]Groups{
	"Q4_K":   {Bits: 4, Columns: 32, Bias: true, Nested: true, Values: ascending(0)},
	"Q5_K":   {Bits: 8, Columns: 32, Bias: true, Nested: true},
	"Q6_K":   {Bits: 6, Columns: 16, Nested: true, Zero: 32},
	"MLX4":   {Bits: 4, Columns: 64, Bias: true, Values: ascending(0)},
	"MLX8":   {Bits: 8, Columns: 128, Bias: true},
	"IQ4_NL": {Bits: 4, Columns: 32, Values: [16]uint16{0xd7f0, 0xd680, 0xd530, 0xd430, 0xd220, 0xd060, 0xcd80, 0xc900, 0x3c00, 0x4a80, 0x4e40, 0x50c0, 0x52a0, 0x5440, 0x5590, 0x5710}},
	"Q3":     {Bits: 4, Columns: 16, Values: ascending(-4)},
}

var int8Kinds = []string{"Q8_0", "Q4_0", "Q4_1", "Q4_K", "Q5_K", "Q6_K", "MLX4", "MLX8", "IQ4_NL", "Q3"}

// untouched are values that a product must overwrite, or leave alone.
func untouched(n int) []float32 {
	y := make([]float32, n)
	for i := range y {
		y[i] = 7
	}
	return y
}

// TestInt8 holds the C kernels to the Go reference, bit for bit.
func TestInt8(t *testing.T) {
	for _, kind := range int8Kinds {
		t.Run(kind, func(t *testing.T) {
			r := source(71)
			for _, shape := range [][3]int{{1, 256, 16}, {2, 256, 100}, {3, 768, 33}, {5, 512, 64}, {6, 1280, 48}, {7, 256, 95}, {13, 1024, 15}, {200, 768, 31}, {1, 0, 17}} {
				M, K, N := shape[0], shape[1], shape[2]
				if blocks := int8Groups[kind]; !blocks.Nested && blocks.Columns <= 32 && K > 0 {
					K -= 32 * r.IntN(8)
				}
				m, _ := randomInt8(t, r, kind, N, K)
				ldx, ldy := K+3, N+5
				for _, x := range [][]float32{plain(r, M*ldx), wild(r, M*ldx, false), wild(r, M*ldx, true)} {
					want := untouched(M * ldy)
					var s Scratch
					m.mulNarrow(reference{}, want, ldy, x, ldx, M, 0, N, &s)
					for _, c := range forms(t) {
						got := untouched(M * ldy)
						m.mulNarrow(c.kernels.(narrowKernels), got, ldy, x, ldx, M, 0, N, &s)
						equalBits(t, fmt.Sprintf("%s: %d rows by [%d %d]", c.name, M, N, K), got, want)
					}
				}
			}
		})
	}
}

// TestInt8Values compares with sums in float64 of what the definition says.
func TestInt8Values(t *testing.T) {
	for _, kind := range int8Kinds {
		r := source(72)
		const K, N = 512, 40
		m, float := randomInt8(t, r, kind, N, K)
		x, w, y := plain(r, K), make([]float32, K), make([]float32, N)
		var s Scratch
		m.Mul(y, N, x, K, 1, 0, N, &s)
		for n := range N {
			float.Row(n, w)
			got := make([]float32, K)
			m.Row(n, got)
			equalBits(t, kind+": values of a row", got, w)
			sum, size := 0.0, 0.0
			for b := 0; b < K; b += 32 {
				largest := float32(0)
				for _, v := range x[b : b+32] {
					largest = max(largest, float32(math.Abs(float64(v))))
				}
				for k := b; k < b+32; k++ {
					q := math.RoundToEven(float64(x[k] * (127 / largest)))
					v := q * float64(largest) / 127 * float64(w[k])
					sum += v
					size += math.Abs(v)
				}
			}
			if diff := math.Abs(float64(y[n]) - sum); diff > 1e-5*size {
				t.Errorf("%s: output %d is %v, want %v", kind, n, y[n], sum)
			}
		}
	}
}

// TestInt8Shares compares one call with calls for parts of rows and columns, and
// with a pool.
func TestInt8Shares(t *testing.T) {
	for _, kind := range []string{"Q8_0", "Q4_1", "Q6_K"} {
		r := source(73)
		const M, K, N = 230, 768, 330
		m, _ := randomInt8(t, r, kind, N, K)
		other, _ := randomInt8(t, r, "Q4_0", 16, K)
		x, want := plain(r, M*K), make([]float32, M*N)
		var s Scratch
		m.Mul(want, N, x, K, M, 0, N, &s)
		got := make([]float32, M*N)
		for i := 0; i < M; {
			rows := min(M-i, 1+r.IntN(20))
			for n := 0; n < N; {
				to := min(N, n+16*(1+r.IntN(5)))
				m.Mul(got[i*N:], N, x[i*K:], K, rows, n, to, &s)
				n = to
			}
			i += rows
		}
		equalBits(t, kind+": in parts", got, want)
		for _, threads := range []int{1, 2, 3} {
			p := NewPool(threads)
			var ready Rows
			for _, rows := range []int{1, 2, 30, M} {
				clear(got)
				p.Mul(m, got, N, x, K, rows)
				equalBits(t, fmt.Sprintf("%s: %d threads, %d rows", kind, threads, rows), got[:rows*N], want[:rows*N])
				clear(got)
				ready.Prepare(p, x, K, rows, func(yield func(*Matrix) bool) { _ = yield(other) && yield(m) })
				m.MulRows(got, N, &ready, 0, rows, 0, 160, &s)
				m.MulRows(got[rows/2*N:], N, &ready, rows/2, rows-rows/2, 160, N, &s)
				m.MulRows(got, N, &ready, 0, rows/2, 160, N, &s)
				equalBits(t, fmt.Sprintf("%s: %d threads, %d rows made ready", kind, threads, rows), got[:rows*N], want[:rows*N])
			}
			p.Close()
		}
	}
}

func TestInt8Refuses(t *testing.T) {
	for name, g := range map[string]Groups{
		"float8":           {Bits: 8, Float8: true, Columns: 32},
		"2 bits":           {Bits: 2, Columns: 16, Bias: true},
		"fractions":        {Bits: 4, Columns: 32, Values: [16]uint16{0, f16Bits(0.5)}},
		"biases of halves": {Bits: 8, Columns: 16, Bias: true},
	} {
		if g.HasInt8(256) {
			t.Errorf("%s: rows of 8 bits", name)
		}
		if _, err := PackGroupsInt8(g, 16, 256, func(int, *GroupRow) {}); err == nil {
			t.Errorf("%s: packed", name)
		}
	}
	if (Groups{Bits: 8, Columns: 64, Bias: true}).HasInt8(48) {
		t.Error("48 columns: rows of 8 bits")
	}
	if F16.HasInt8(64) {
		t.Error("float16: rows of 8 bits")
	}
	if _, err := PackInt8(Q8_0, 2, 32, make([]byte, 68), func(int) int { return 2 }); err == nil {
		t.Error("a row out of range: packed")
	}
	if _, err := PackInt8(Q8_0, 2, 32, make([]byte, 67), nil); err == nil {
		t.Error("a byte too few: packed")
	}
}

// TestF16Bits narrows every float16.
func TestF16Bits(t *testing.T) {
	for h := range 1 << 16 {
		if v := F16ToF32(uint16(h)); v == v && f16Bits(v) != uint16(h) {
			t.Fatalf("%04x: %04x", h, f16Bits(v))
		}
	}
	for _, v := range []float32{1e-9, 65536, 1 + 0x1p-11, 0x1p-25} {
		if F16ToF32(f16Bits(v)) == v {
			t.Errorf("%v is a float16", v)
		}
	}
}

// BenchmarkInt8 multiplies M rows by matrices [2048 2048] on one core.
func BenchmarkInt8(b *testing.B) {
	const n = 2048
	for _, kind := range []string{"Q8_0", "Q4_0", "Q4_1", "Q4_K", "Q6_K"} {
		first, _ := randomInt8(b, source(23), kind, n, n)
		copies := []*Matrix{first}
		for len(copies)*len(first.data) < benchBytes {
			m := *first
			m.data = alignedBytes(len(first.data))
			copy(m.data, first.data)
			copies = append(copies, &m)
		}
		for _, M := range []int{1, 4, 8, 64, 512} {
			x, y := plain(source(24), M*n), make([]float32, M*n)
			for _, c := range forms(b) {
				b.Run(fmt.Sprintf("format=%s/M=%d/path=%s", kind, M, c.name), func(b *testing.B) {
					var s Scratch
					for i := 0; b.Loop(); i++ {
						copies[i%len(copies)].mulNarrow(c.kernels.(narrowKernels), y, n, x, n, M, 0, n, &s)
					}
					b.ReportMetric(float64(b.N)*2*float64(M)*n*n/b.Elapsed().Seconds()/1e9, "GOP/s")
					b.ReportMetric(float64(b.N)*float64(len(first.data))/b.Elapsed().Seconds()/1e9, "GB/s")
				})
			}
		}
	}
}
