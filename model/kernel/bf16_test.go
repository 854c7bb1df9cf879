package kernel

import (
	"fmt"
	"math"
	"math/big"
	"testing"
)

// TestBF16 holds VDPBF16PS to the Go reference, bit for bit: subnormal numbers,
// -0, infinities and NaNs, sums at the bound below which results are zero.
func TestBF16(t *testing.T) {
	if !HasBF16() {
		t.Skip("this processor has no AVX512_BF16")
	}
	r := source(81)
	for _, f := range []Format{BF16, F16, F32} {
		for _, shape := range [][3]int{{1, 256, 16}, {2, 255, 100}, {3, 767, 33}, {5, 512, 64}, {6, 1280, 48}, {7, 33, 95}, {13, 600, 15}, {200, 301, 31}, {1, 0, 17}, {4, 1, 40}} {
			M, K, N := shape[0], shape[1], shape[2]
			n, _ := f.RowBytes(K)
			src := make([]byte, N*n)
			for i := range src {
				src[i] = byte(r.Uint32())
			}
			m, err := PackBF16(f, N, K, src, nil)
			if err != nil {
				t.Fatal(err)
			}
			ldx, ldy := K+3, N+5
			tiny := plain(r, M*ldx)
			for i := range tiny { // products of about 2^-126 with weights of any size
				tiny[i] *= float32(math.Exp2(float64(-r.IntN(250))))
			}
			for _, x := range [][]float32{plain(r, M*ldx), tiny, wild(r, M*ldx, false), wild(r, M*ldx, true)} {
				var s Scratch
				want, got := untouched(M*ldy), untouched(M*ldy)
				m.mulNarrow(reference{}, want, ldy, x, ldx, M, 0, N, &s)
				m.mulNarrow(native{}, got, ldy, x, ldx, M, 0, N, &s)
				equalBits(t, fmt.Sprintf("%s: %d rows by [%d %d]", f, M, N, K), got, want)
			}
		}
	}
}

// TestFMAFlush compares with exact sums.
func TestFMAFlush(t *testing.T) {
	r := source(82)
	bound := new(big.Float).SetFloat64(0x1p-126)
	for range 200000 {
		x := BF16ToF32(uint16(r.IntN(128)) | uint16(127-60-r.IntN(10))<<7 | uint16(r.IntN(2))<<15)
		y := BF16ToF32(uint16(r.IntN(128)) | uint16(127-70-r.IntN(14))<<7)
		z := math.Float32frombits(uint32(r.IntN(4))<<23 | uint32(r.IntN(8)) | uint32(r.IntN(2))<<31)
		z = flushed(z)
		exact := new(big.Float).SetPrec(400).Mul(big.NewFloat(float64(x)), big.NewFloat(float64(y)))
		exact.Add(exact, big.NewFloat(float64(z)))
		rounded := new(big.Float).SetPrec(24).Set(exact) // half to even, without bound
		want := float32(0)
		if new(big.Float).Abs(rounded).Cmp(bound) >= 0 {
			want, _ = rounded.Float32()
		}
		if got := fmaFlush(x, y, z); got != want {
			t.Fatalf("%x·%x + %x is %x, want %x", x, y, z, got, want)
		}
	}
}

func TestBF16Round(t *testing.T) {
	for _, tt := range []struct {
		from uint32
		want uint16
	}{
		{0x3f800000, 0x3f80}, {0x3f808000, 0x3f80}, {0x3f818000, 0x3f82}, {0x3f808001, 0x3f81}, {0x7f7fffff, 0x7f80}, {0xff800000, 0xff80},
		{0x7f800001, 0x7fc0}, {0x807fffff, 0x8000}, {0x00800000, 0x0080}, {0x80000000, 0x8000},
	} {
		if got := bf16Round(math.Float32frombits(tt.from)); got != tt.want {
			t.Errorf("%08x: %04x, want %04x", tt.from, got, tt.want)
		}
	}
}

func TestBF16Refuses(t *testing.T) {
	if _, err := PackBF16(Q8_0, 2, 32, make([]byte, 68), nil); err == nil {
		t.Error("Q8_0: packed")
	}
	if _, err := PackBF16(BF16, 2, 32, make([]byte, 127), nil); err == nil {
		t.Error("a byte too few: packed")
	}
}
