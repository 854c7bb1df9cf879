package checkpoint

import (
	"encoding/binary"
	"encoding/json"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"testing"
)

// TestFloat16 compares every half-precision number with its definition.
func TestFloat16(t *testing.T) {
	for bits := range 1 << 16 {
		got := float64(float16(uint16(bits)))
		if want := smallFloat(bits, 5, 10, true); !same(got, want) {
			t.Fatalf("float16(%#04x) = %v, want %v", bits, got, want)
		}
	}
}

// TestFloat8 compares every 8-bit float of both kinds with its definition.
func TestFloat8(t *testing.T) {
	for bits := range 1 << 8 {
		tensor := Tensor{Name: "x", Shape: []int{1}, Data: []byte{byte(bits)}, DType: F8E4M3}
		got, err := tensor.Float32s()
		if err != nil {
			t.Fatal(err)
		}
		want := smallFloat(bits, 4, 3, false)
		if bits&0x7f == 0x7f {
			want = math.NaN()
		}
		if !same(float64(got[0]), want) {
			t.Errorf("F8_E4M3 %#02x = %v, want %v", bits, got[0], want)
		}
		tensor.DType = F8E5M2
		if got, err = tensor.Float32s(); err != nil {
			t.Fatal(err)
		}
		if want := smallFloat(bits, 5, 2, true); !same(float64(got[0]), want) {
			t.Errorf("F8_E5M2 %#02x = %v, want %v", bits, got[0], want)
		}
	}
}

// smallFloat is an IEEE-like float by its definition; special says whether the
// largest exponent stands for infinity and NaN.
func smallFloat(bits, exponentBits, mantissaBits int, special bool) float64 {
	mantissa := bits & (1<<mantissaBits - 1)
	exponent := bits >> mantissaBits & (1<<exponentBits - 1)
	bias := 1<<(exponentBits-1) - 1
	v := math.Ldexp(1+math.Ldexp(float64(mantissa), -mantissaBits), exponent-bias)
	switch {
	case exponent == 0:
		v = math.Ldexp(float64(mantissa), 1-bias-mantissaBits)
	case special && exponent == 1<<exponentBits-1 && mantissa == 0:
		v = math.Inf(1)
	case special && exponent == 1<<exponentBits-1:
		v = math.NaN()
	}
	if bits>>(exponentBits+mantissaBits) == 1 {
		v = -v
	}
	return v
}

func same(a, b float64) bool {
	return math.IsNaN(a) && math.IsNaN(b) || a == b && math.Signbit(a) == math.Signbit(b)
}

// TestBlocks compares block types with gguf-py's values, bit for bit, whole and
// row by row.
func TestBlocks(t *testing.T) {
	dir := os.DirFS(sharedDir(t, "vectors", "engine", "gguf"))
	golden, err := OpenSafetensors(dir, "blocks.safetensors")
	if err != nil {
		t.Fatal(err)
	}
	defer golden.Close()
	var list struct {
		Types map[string]struct {
			Values int    `json:"block_values"`
			Bytes  int    `json:"block_bytes"`
			ID     uint32 `json:"ggml_type"`
		}
	}
	if err := json.Unmarshal(readShared(t, "vectors", "engine", "gguf", "blocks.json"), &list); err != nil {
		t.Fatal(err)
	}
	readable := 0
	for name, want := range list.Types {
		dtype, ok := ggmlDType(want.ID)
		if !ok || dtype.String() != name || dtype.BlockValues() != want.Values || dtype.BlockBytes() != want.Bytes {
			t.Errorf("type %d is %v, %d values in %d bytes; want %s, %d in %d", want.ID, dtype, dtype.BlockValues(), dtype.BlockBytes(), name, want.Values, want.Bytes)
			continue
		}
		blocks, err := golden.Tensor(name + ".blocks")
		if err != nil {
			t.Fatal(err)
		}
		values, err := golden.Tensor(name + ".values")
		if err != nil {
			t.Fatal(err)
		}
		wantValues, err := values.Float32s()
		if err != nil {
			t.Fatal(err)
		}
		got, err := Tensor{Name: "w", DType: dtype, Shape: values.Shape, Data: blocks.Data}.Float32s()
		if err != nil {
			t.Fatal(err)
		}
		readable++
		for i := range wantValues {
			if math.Float32bits(got[i]) != math.Float32bits(wantValues[i]) {
				t.Fatalf("%s value %d: %v, want %v", name, i, got[i], wantValues[i])
			}
		}
		w := Tensor{Name: "w", DType: dtype, Shape: values.Shape, Data: blocks.Data}
		for i := range values.Shape[0] {
			row := make([]float32, want.Values)
			if err := w.Row(i, row); err != nil || !slices.Equal(row, wantValues[i*want.Values:][:want.Values]) {
				t.Fatalf("%s row %d: %v, %v", name, i, row, err)
			}
		}
	}
	if readable != 13 {
		t.Errorf("%d block types were compared, want 13", readable)
	}
}

// TestNVFP4 compares with the definition, of which the vectors have no block:
// four scales in E4M3 and 64 codes in E2M1, the first half of 16 in low nibbles.
func TestNVFP4(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 100 {
		b := make([]byte, 36)
		for i := range b {
			b[i] = byte(r.Uint32())
		}
		for i := range 4 {
			b[i] &= 0x7f
			if b[i] == 0x7f {
				b[i] = 0 // NaN, which ggml takes for 0
			}
		}
		got, err := Tensor{Name: "w", DType: NVFP4, Shape: []int{64}, Data: b}.Float32s()
		if err != nil {
			t.Fatal(err)
		}
		for j, v := range got {
			code := b[4+j/16*8+j%8] >> (j % 16 / 8 * 4) & 15
			want := smallFloat(int(b[j/16]), 4, 3, false) * smallFloat(int(code), 2, 1, false)
			if float64(v) != want {
				t.Fatalf("value %d: %v, want %v", j, v, want)
			}
		}
	}
}

func TestFloat32sRefuses(t *testing.T) {
	for _, tt := range []struct {
		name   string
		tensor Tensor
		want   string
	}{
		{"integers", Tensor{Name: "ids", DType: I64, Shape: []int{1}, Data: make([]byte, 8)}, "tensor ids: storage type I64"},
		{"bytes missing", Tensor{Name: "w", DType: F32, Shape: []int{2}, Data: make([]byte, 4)}, "4 bytes, want 8"},
		{"part of a block", Tensor{Name: "w", DType: Q8_0, Shape: []int{33}, Data: make([]byte, 34)}, "multiple of 32"},
		{"blocks across rows", Tensor{Name: "w", DType: Q4_0, Shape: []int{2, 16}, Data: make([]byte, 18)}, "multiple of 32"},
		{"a type known by size only", Tensor{Name: "w", DType: IQ2_XS, Shape: []int{256}, Data: make([]byte, 74)}, "storage type IQ2_XS"},
		{"no type", Tensor{Name: "w", Shape: []int{1}}, "not a known type"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := tt.tensor.Float32s()
			wantError(t, err, tt.want)
		})
	}
}

func TestInt64s(t *testing.T) {
	le := binary.LittleEndian
	for _, tt := range []struct {
		dtype DType
		data  []byte
		want  []int64
	}{
		{I64, le.AppendUint64(nil, math.MaxUint64), []int64{-1}},
		{I32, le.AppendUint32(nil, math.MaxUint32-1), []int64{-2}},
		{U32, le.AppendUint32(nil, math.MaxUint32), []int64{math.MaxUint32}},
		{I16, le.AppendUint16(nil, math.MaxUint16), []int64{-1}},
		{U16, le.AppendUint16(nil, math.MaxUint16), []int64{math.MaxUint16}},
		{I8, []byte{0x80, 0x7f}, []int64{-128, 127}},
		{U8, []byte{0x80, 0x7f}, []int64{128, 127}},
		{Bool, []byte{1, 0}, []int64{1, 0}},
	} {
		got, err := Tensor{Name: "x", DType: tt.dtype, Shape: []int{len(tt.want)}, Data: tt.data}.Int64s()
		if err != nil || !slices.Equal(got, tt.want) {
			t.Errorf("%s: %v, %v, want %v", tt.dtype, got, err, tt.want)
		}
	}
	_, err := Tensor{Name: "x", DType: U64, Shape: []int{1}, Data: le.AppendUint64(nil, math.MaxUint64)}.Int64s()
	wantError(t, err, "int64 does not hold")
	_, err = Tensor{Name: "x", DType: F32, Shape: []int{1}, Data: make([]byte, 4)}.Int64s()
	wantError(t, err, "storage type F32")
}

// TestCheckFinite puts one bad value at every place of a tensor, and the
// largest finite value beside it.
func TestCheckFinite(t *testing.T) {
	const n = 21 // not a multiple of eight bytes
	for _, tt := range []struct {
		dtype       DType
		largest     uint64 // bits of the largest finite value, or near it
		bad         []uint64
		description []string
	}{
		{F64, 0x7fefffffffffffff, []uint64{0x7ff0000000000000, 0xfff0000000000000, 0x7ff8000000000001}, []string{"+Inf", "-Inf", "NaN"}},
		{F32, 0xff7fffff, []uint64{0x7f800000, 0xff800000, 0x7f800001}, []string{"+Inf", "-Inf", "NaN"}},
		{F16, 0xfbff, []uint64{0x7c00, 0xfc00, 0x7c01}, []string{"+Inf", "-Inf", "NaN"}},
		{BF16, 0xff7f, []uint64{0x7f80, 0xff80, 0xffff}, []string{"+Inf", "-Inf", "NaN"}},
		{F8E5M2, 0xfb, []uint64{0x7c, 0xfc, 0x7d}, []string{"+Inf", "-Inf", "NaN"}},
		{F8E4M3, 0xfe, []uint64{0x7f, 0xff}, []string{"NaN", "NaN"}},
	} {
		width := tt.dtype.BlockBytes()
		x := Tensor{Name: "w", DType: tt.dtype, Shape: []int{n}, Data: make([]byte, n*width)}
		put := func(i int, bits uint64) {
			var b [8]byte
			binary.LittleEndian.PutUint64(b[:], bits)
			copy(x.Data[i*width:(i+1)*width], b[:width])
		}
		for i := range n {
			put(i, tt.largest)
		}
		if err := x.CheckFinite(); err != nil {
			t.Errorf("%s: %v", tt.dtype, err)
		}
		for i := range n {
			for j, bits := range tt.bad {
				put(i, bits)
				wantError(t, x.CheckFinite(), "tensor w: value "+strconv.Itoa(i)+" of 21 is "+tt.description[j])
			}
			put(i, tt.largest)
		}
	}
}

func TestCheckFiniteBlocks(t *testing.T) {
	for _, tt := range []struct {
		dtype DType
		at    int // of an f16 scale in block 1
	}{{Q8_0, 34}, {Q4_0, 18}, {Q4_1, 20}, {Q4_1, 22}} {
		x := Tensor{Name: "w", DType: tt.dtype, Shape: []int{3, 32}, Data: make([]byte, 3*tt.dtype.BlockBytes())}
		for i := range x.Data {
			x.Data[i] = 0x7b // as a scale the largest exponent of finite numbers
		}
		if err := x.CheckFinite(); err != nil {
			t.Errorf("%s: %v", tt.dtype, err)
		}
		binary.LittleEndian.PutUint16(x.Data[tt.at:], 0x7e00)
		wantError(t, x.CheckFinite(), "block 1 is NaN")
	}
	for _, tt := range []struct {
		dtype DType
		at    []int  // of the scales, in a block
		bad   uint16 // f16, or the byte of one
	}{
		{Q5_0, []int{0}, 0x7c00}, {Q5_1, []int{0, 2}, 0xfc00}, {Q2_K, []int{80, 82}, 0x7e00}, {Q3_K, []int{108}, 0x7c00},
		{Q4_K, []int{0, 2}, 0x7c00}, {Q5_K, []int{0, 2}, 0x7c01}, {Q6_K, []int{208}, 0xfc00}, {IQ4_NL, []int{0}, 0x7c00},
		{IQ4_XS, []int{0}, 0x7c00}, {MXFP4, []int{0}, 0xff},
	} {
		size := tt.dtype.BlockBytes()
		for _, at := range tt.at {
			x := Tensor{Name: "w", DType: tt.dtype, Shape: []int{3, tt.dtype.BlockValues()}, Data: make([]byte, 3*size)}
			for i := range x.Data {
				x.Data[i] = 0x7b
			}
			if err := x.CheckFinite(); err != nil {
				t.Errorf("%s: %v", tt.dtype, err)
			}
			x.Data[size+at] = byte(tt.bad)
			if tt.bad > 0xff {
				x.Data[size+at+1] = byte(tt.bad >> 8)
			}
			wantError(t, x.CheckFinite(), "tensor w: row 1, columns from 0")
			wantError(t, x.Row(1, make([]float32, tt.dtype.BlockValues())), "row 1, column 0 is")
		}
	}
}
