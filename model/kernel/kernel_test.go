package kernel

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
)

// kernels is what C and the Go reference both have.
type kernels interface {
	mul(m *Matrix, y []float32, ldy int, x []float32, ldx, M, n0, n1 int, s *Scratch)
	mulNarrow(m *Matrix, y []float32, ldy int, x []float32, ldx, M, n0, n1 int, add bool, scale float32)
	attend(out []float32, ldo int, q []float32, ldq, G int, kv KV, rows []Row, scale float32, s *Scratch)
	rmsNorm(dst, x, weight []float32, eps float32)
	siluMul(gate, up []float32)
	geluMul(gate, up []float32)
	xielu(x []float32, alphaP, alphaN, beta, eps float32)
	rope(x []float32, headDim int, cos, sin []float32)
	addScaled(y, t []float32, scale float32)
	add(y, t []float32)
	multiply(y, t []float32)
	softmaxPart(x []float32) SoftmaxPart
	softcap(x []float32, cap float32)
	divide(x []float32, by float32)
}

type form struct {
	name string
	kernels
}

var formats = []Format{F32, F16, BF16, Q8_0, Q4_0, Q4_1}

// equalBits fails unless got and want are the same bits, any NaN equal to any.
func equalBits(t *testing.T, what string, got, want []float32) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%s: %d values, want %d", what, len(got), len(want))
	}
	for i := range want {
		g, w := math.Float32bits(got[i]), math.Float32bits(want[i])
		if g != w && (got[i] == got[i] || want[i] == want[i]) {
			t.Fatalf("%s: value %d of %d is %v (%08x), want %v (%08x)", what, i, len(want), got[i], g, want[i], w)
		}
	}
}

func source(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 1)) }

// plain draws values as activations have them.
func plain(r *rand.Rand, n int) []float32 {
	x := make([]float32, n)
	for i := range x {
		x[i] = float32(r.NormFloat64())
	}
	return x
}

// wild draws values with zeros of both signs, subnormals, and magnitudes over
// the whole range; with inf, infinities and NaNs too.
func wild(r *rand.Rand, n int, inf bool) []float32 {
	x := make([]float32, n)
	for i := range x {
		switch r.IntN(8) {
		case 0:
			x[i] = 0
		case 1:
			x[i] = float32(math.Copysign(0, -1))
		case 2:
			x[i] = math.Float32frombits(r.Uint32() & 0x807fffff) // subnormal
		case 3:
			x[i] = math.Float32frombits(r.Uint32())
			if e := math.Float32bits(x[i]) >> 23 & 255; e == 255 && !inf {
				x[i] = 1
			}
		case 4:
			if inf && r.IntN(8) == 0 {
				x[i] = []float32{float32(math.Inf(1)), float32(math.Inf(-1)), float32(math.NaN())}[r.IntN(3)]
				break
			}
			fallthrough
		default:
			x[i] = float32(r.NormFloat64() * math.Exp2(float64(r.IntN(20)-10)))
		}
	}
	return x
}

// randomMatrix draws bytes in native layout whose scales are finite.
func randomMatrix(t testing.TB, r *rand.Rand, f Format, rows, cols int) (*Matrix, []byte) {
	t.Helper()
	n, err := f.RowBytes(cols)
	if err != nil {
		t.Fatal(err)
	}
	src := make([]byte, rows*n)
	for i := range src {
		src[i] = byte(r.Uint32())
	}
	finite := func(at int, exponent byte) { // the upper byte of a float with all exponent bits set
		if src[at]&exponent == exponent {
			src[at] &^= exponent &^ 8
		}
	}
	switch f {
	case F32:
		for i := 3; i < len(src); i += 4 {
			src[i] = src[i]&0x80 | 0x3c | src[i]&3
		}
	case F16:
		for i := 1; i < len(src); i += 2 {
			finite(i, 0x7c)
		}
	case BF16:
		for i := 1; i < len(src); i += 2 {
			src[i] = src[i]&0x80 | 0x3c | src[i]&3
		}
	default:
		for i := 1; i < len(src); i += f.blockBytes() {
			finite(i, 0x7c)
			if f == Q4_1 {
				finite(i+2, 0x7c)
			}
		}
	}
	m, err := Pack(f, rows, cols, src, nil)
	if err != nil {
		t.Fatal(err)
	}
	return m, src
}

// bigFMA is x·y+z rounded once, the slow and certain way.
func bigFMA(x, y, z float32) float32 {
	p := float64(x) * float64(y) // exact
	s := math.FMA(float64(x), float64(y), float64(z))
	if f := float32(s); float64(f) == s || math.IsNaN(s) || math.IsInf(s, 0) {
		if p+float64(z) == s && math.FMA(1, p, float64(z)-s) == 0 {
			return f
		}
	}
	// Three neighbours of the doubly rounded result; the nearest wins, ties to even.
	f := float32(s)
	best := f
	for _, c := range []float32{math.Nextafter32(f, float32(math.Inf(-1))), f, math.Nextafter32(f, float32(math.Inf(1)))} {
		if math.IsInf(float64(c), 0) {
			continue
		}
		// |p + z − c| compared in double-double
		if closer(p, float64(z), float64(c), float64(best)) {
			best = c
		}
	}
	return best
}

// closer says whether p+z is nearer to a than to b, or as near and a is even.
func closer(p, z, a, b float64) bool {
	if a == b {
		return false
	}
	mid := (a + b) / 2 // exact: neighbouring float32
	s := p + z
	bb := s - p
	e := (p - (s - bb)) + (z - bb)
	d := (s - mid) + e // sign of p+z − mid
	if d == 0 {
		return math.Float32bits(float32(a))&1 == 0
	}
	return (d > 0) == (a > b)
}

func TestFMA(t *testing.T) {
	for _, tt := range []struct{ x, y, z, want float32 }{
		{1, 1, 1, 2},
		{0, 1, float32(math.Copysign(0, -1)), 0},
		{float32(math.Copysign(0, -1)), 1, float32(math.Copysign(0, -1)), float32(math.Copysign(0, -1))},
		{1 + 0x1p-23, 0x1p-24 + 0x1p-47, 1, 0x1.000002p0},
		{1 + 0x1p-23, 0x1p-24 * (1 - 0x1p-23), 1 + 0x1p-23, 1 + 0x1p-23}, // just below half way
		{0x1p-149, 0.5, 0, 0}, // half of the smallest, to even
		{0x1.8p-149, 0x1p-1, 0x1p-149, 0x1p-148},
		{0x1p127, 2, -0x1.fffffep127, 0x1p104},
		{0x1p127, 2, 0, float32(math.Inf(1))},
	} {
		if got := fma32(tt.x, tt.y, tt.z); math.Float32bits(got) != math.Float32bits(tt.want) {
			t.Errorf("fma32(%g, %g, %g) = %g, want %g", tt.x, tt.y, tt.z, got, tt.want)
		}
	}
	r := source(1)
	differ := 0
	for range 200000 {
		v := wild(r, 3, false)
		if r.IntN(2) == 0 { // z and half a unit, short of 2⁻⁷⁰ or so: float64 sees a tie
			i := float32(1+r.IntN(7)) * 0x1p-23
			v = []float32{1 + i, 0x1p-24 * (1 - i), 1 + float32(r.IntN(8))*0x1p-23}
		}
		got, want := fma32(v[0], v[1], v[2]), bigFMA(v[0], v[1], v[2])
		if want == 0 || math.IsInf(float64(want), 0) || math.IsInf(float64(got), 0) {
			continue // signs and overflow are in the table
		}
		if got != want {
			t.Fatalf("fma32(%x, %x, %x) = %x, want %x", v[0], v[1], v[2], got, want)
		}
		if float32(float64(v[0])*float64(v[1])+float64(v[2])) != want {
			differ++
		}
	}
	if differ == 0 {
		t.Error("no case that rounding twice gets wrong: the test is too weak")
	}
}

func TestExpAccuracy(t *testing.T) {
	worst := 0.0
	for x := float32(-87.3); x < 88.7; x += 0.00037 {
		want := math.Exp(float64(x))
		ulp := math.Exp2(math.Floor(math.Log2(want)) - 23)
		worst = max(worst, math.Abs(float64(exp32(x))-want)/ulp)
	}
	t.Logf("exp32: %.3f units in the last place", worst)
	if worst > 2 {
		t.Errorf("exp32 is wrong by %.3f units in the last place, want at most 2", worst)
	}
	worst = 0
	for x := -700.0; x <= 0; x += 0.0137 {
		worst = max(worst, math.Abs(exp64(x)/math.Exp(x)-1))
	}
	if worst > 1e-14 {
		t.Errorf("exp64 is wrong by %g relative", worst)
	}
	worst = 0
	for x := 1.0; x < 1e6; x *= 1.00071 {
		worst = max(worst, math.Abs(log64(x)-math.Log(x)))
	}
	if worst > 1e-14 {
		t.Errorf("log64 is wrong by %g", worst)
	}
	worst = 0
	for x := float32(0); x > -20; x -= 0.00013 {
		if want := math.Expm1(float64(x)); want != 0 {
			worst = max(worst, math.Abs(float64(expm1Low(x))/want-1))
		}
	}
	if worst > 3e-7 {
		t.Errorf("expm1 is wrong by %g relative", worst)
	}
}

func TestExpLimits(t *testing.T) {
	inf := float32(math.Inf(1))
	for _, tt := range []struct{ x, want float32 }{
		{0, 1}, {float32(math.Copysign(0, -1)), 1}, {-inf, 0}, {-1e30, 0}, {-104, 0}, {inf, inf}, {1e30, inf}, {89, inf},
		{-103.5, 0x1p-149}, {88.5, float32(math.Exp(88.5))},
	} {
		if got := exp32(tt.x); got != tt.want {
			t.Errorf("exp32(%v) = %v, want %v", tt.x, got, tt.want)
		}
	}
	if got := exp32(float32(math.NaN())); got == got {
		t.Errorf("exp32(NaN) = %v", got)
	}
	gate := []float32{-1e30, -100, -88.9, 0, 100, 1e30, inf}
	up := []float32{1, 1, 1, 1, 1, 1, 1}
	SiLUMul(gate, up)
	want := []float32{0, 0, 0, 0, 100, 1e30, inf}
	for i := range gate {
		if gate[i] != want[i] {
			t.Errorf("silu %d: %v, want %v", i, gate[i], want[i])
		}
	}
}

// TestRowsEqualReference holds every kernel on rows to the Go reference.
func TestRowsEqualReference(t *testing.T) {
	ref := reference{}
	for _, c := range forms(t) {
		r := source(2)
		for n := 1; n < 80; n++ {
			for range 4 {
				for _, inf := range []bool{false, true} {
					x, y, scale := wild(r, n, inf), wild(r, n, inf), wild(r, 1, false)[0]
					check := func(what string, f func(k kernels, x, y []float32)) {
						t.Helper()
						gx, gy := append([]float32(nil), x...), append([]float32(nil), y...)
						wx, wy := append([]float32(nil), x...), append([]float32(nil), y...)
						f(c, gx, gy)
						f(ref, wx, wy)
						what = fmt.Sprintf("%s %s n=%d", c.name, what, n)
						equalBits(t, what, gx, wx)
						equalBits(t, what, gy, wy)
					}
					check("norm", func(k kernels, x, y []float32) { k.rmsNorm(x, x, y, 1e-5) })
					check("norm without weight", func(k kernels, x, y []float32) { k.rmsNorm(y, x, nil, 1e-6) })
					check("silu", func(k kernels, x, y []float32) { k.siluMul(x, y) })
					check("gelu", func(k kernels, x, y []float32) { k.geluMul(x, y) })
					check("xielu", func(k kernels, x, y []float32) { k.xielu(x, 0.8, 1.3, 0.5, -1e-6) })
					check("add scaled", func(k kernels, x, y []float32) { k.addScaled(x, y, scale) })
					check("add", func(k kernels, x, y []float32) { k.add(x, y) })
					check("softcap", func(k kernels, x, y []float32) { k.softcap(x, 30) })
					check("divide", func(k kernels, x, y []float32) { k.divide(x, 8) })
					check("multiply", func(k kernels, x, y []float32) { k.multiply(x, y) })
					for half := 1; 2*half <= n; half += 1 + n/8 {
						cos, sin := plain(r, half), plain(r, half)
						check("rope", func(k kernels, x, y []float32) { k.rope(x[:n-n%(2*half)], 2*half, cos, sin) })
						if 2*half < n {
							check("part rope", func(k kernels, x, y []float32) { k.rope(x, n, cos, sin) })
						}
					}
					samePart(t, c, x)
				}
			}
		}
		for _, n := range []int{576, 1000, 1023, SliceLen} {
			for range 20 {
				samePart(t, c, plain(r, n))
				x := plain(r, n)
				for i := range x { // few values, so that the largest comes more than once
					x[i] = float32(int(3 * x[i]))
				}
				samePart(t, c, x)
			}
		}
	}
}

// samePart fails unless a form gives the reference's part of a slice.
func samePart(t *testing.T, c form, x []float32) {
	t.Helper()
	got, want := c.softmaxPart(x), reference{}.softmaxPart(x)
	if got.Max != want.Max || got.At != want.At || math.Float64bits(got.Sum) != math.Float64bits(want.Sum) && (got.Sum == got.Sum || want.Sum == want.Sum) {
		t.Fatalf("%s softmax of %v: %+v, want %+v", c.name, x, got, want)
	}
}

func TestRMSNorm(t *testing.T) {
	x := []float32{3, -4, 0, 0}
	RMSNorm(x, x, []float32{1, 2, 3, 4}, 0)
	for i, want := range []float32{1.2, -3.2, 0, 0} { // rms 2.5
		if math.Abs(float64(x[i]-want)) > 1e-6 {
			t.Errorf("value %d: %v, want %v", i, x[i], want)
		}
	}
}

func TestActivations(t *testing.T) {
	silu := func(x float64) float64 { return x / (1 + math.Exp(-x)) }
	gelu := func(x float64) float64 {
		return x / 2 * (1 + math.Tanh(math.Sqrt(2/math.Pi)*(x+0.044715*x*x*x)))
	}
	xielu := func(x float64) float64 {
		if x > 0 {
			return 0.8*x*x + 0.5*x
		}
		return 1.3*(math.Expm1(min(x, -1e-6))-x) + 0.5*x
	}
	for x := float32(-12); x < 12; x += 0.0113 {
		a, b, c := []float32{x}, []float32{x}, []float32{x}
		SiLUMul(a, []float32{2})
		GELUTanhMul(b, []float32{2})
		XIELU(c, 0.8, 1.3, 0.5, -1e-6)
		for _, tt := range []struct {
			name string
			got  float32
			want float64
		}{{"silu", a[0], 2 * silu(float64(x))}, {"gelu", b[0], 2 * gelu(float64(x))}, {"xielu", c[0], xielu(float64(x))}} {
			if math.Abs(float64(tt.got)-tt.want) > 1e-6*(1+math.Abs(tt.want)) {
				t.Fatalf("%s(%v) = %v, want %v", tt.name, x, tt.got, tt.want)
			}
		}
	}
}

func TestRope(t *testing.T) {
	x := []float32{1, 2, 3, 4, 5, 6, 7, 8} // two heads of four: pairs (0,2), (1,3)
	Rope(x, 4, []float32{0, 1}, []float32{1, 0})
	equalBits(t, "rope", x, []float32{-3, 2, 1, 4, -7, 6, 5, 8})
	x = []float32{1, 2, 3, 4}
	Rope(x, 4, []float32{0}, []float32{1}) // the first two dimensions only
	equalBits(t, "part rope", x, []float32{-2, 1, 3, 4})
}

func TestAddScaledKeepsBase(t *testing.T) {
	r := source(3)
	y := wild(r, 100, false)
	got := append([]float32(nil), y...)
	zero := make([]float32, 100)
	for i := range zero {
		zero[i] = float32(math.Copysign(0, float64(i%2)-0.5))
	}
	AddScaled(got, zero, -2)
	equalBits(t, "zero update", got, y)
}

func TestLogSoftmaxAt(t *testing.T) {
	r := source(4)
	row := plain(r, 32003)
	for i := range row {
		row[i] = row[i]*8 - 3
	}
	var sum float64
	for _, v := range row {
		sum += math.Exp(float64(v))
	}
	lse := math.Log(sum)
	ids, out := []int32{0, 5, 32002}, make([]float64, 3)
	LogSoftmaxAt(row, ids, out)
	for i, id := range ids {
		if want := float64(row[id]) - lse; math.Abs(out[i]-want) > 3e-7 {
			t.Errorf("ln p(%d) = %v, want %v", id, out[i], want)
		}
	}
	if got := LogSumExp([]float32{-7}); got != -7 {
		t.Errorf("LogSumExp of one value = %v, want it", got)
	}
	if got := LogSumExp([]float32{1000, -1000}); got != 1000 {
		t.Errorf("LogSumExp(1000, -1000) = %v", got)
	}
	inf := float32(math.Inf(-1))
	if got := LogSumExp([]float32{inf, 2, inf}); got != 2 {
		t.Errorf("LogSumExp(-Inf, 2, -Inf) = %v", got)
	}
	sparse := make([]float32, 3*SliceLen)
	for i := range sparse {
		sparse[i] = inf
	}
	sparse[SliceLen+7], sparse[2*SliceLen] = 3, 3 // a slice without a number, and equals in two
	if got := LogSumExp(sparse); got != 3+math.Log(2) {
		t.Errorf("LogSumExp of two values among -Inf = %v", got)
	}
	if best, _ := Softmax([]SoftmaxPart{PartOf(sparse[:SliceLen]), PartOf(sparse[SliceLen : 2*SliceLen]), PartOf(sparse[2*SliceLen:])}); best != SliceLen+7 {
		t.Errorf("the largest of equals in two slices is at %d", best)
	}
	late := append(make([]float32, 2*SliceLen), float32(math.NaN()))
	for _, row := range [][]float32{{}, {inf, inf}, {1, float32(math.NaN())}, late, {0, -inf}} {
		if got := LogSumExp(row); got == got {
			t.Errorf("LogSumExp(%v) = %v, want NaN", row, got)
		}
	}
}

func TestArgMax(t *testing.T) {
	nan, inf := float32(math.NaN()), float32(math.Inf(1))
	for _, tt := range []struct {
		row  []float32
		want int
	}{
		{nil, -1}, {[]float32{nan}, -1}, {[]float32{nan, -inf, nan}, 1}, {[]float32{1, 3, 3}, 1},
		{[]float32{nan, 2, inf, inf}, 2}, {[]float32{-inf, -inf}, 0},
	} {
		if got := ArgMax(tt.row); got != tt.want {
			t.Errorf("ArgMax(%v) = %d, want %d", tt.row, got, tt.want)
		}
	}
}
