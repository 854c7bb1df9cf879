package checkpoint

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// TestRoundHalves rounds every half-precision value to itself, and what lies
// between two of them to the nearer, or to the even one.
func TestRoundHalves(t *testing.T) {
	for _, d := range []struct {
		dtype DType
		widen func(uint16) float32
		round func(float32) uint16
		last  uint16 // the largest finite value
	}{
		{F16, float16, roundF16, 0x7bff},
		{BF16, func(h uint16) float32 { return math.Float32frombits(uint32(h) << 16) }, roundBF16, 0x7f7f},
	} {
		for h := uint16(0); h < d.last; h++ {
			low, high := d.widen(h), d.widen(h+1)
			if got := d.round(low); got != h {
				t.Fatalf("%s: %v is %#x, rounds to %#x", d.dtype, low, h, got)
			}
			if got := d.round(-low); got != h|0x8000 {
				t.Fatalf("%s: %v rounds to %#x", d.dtype, -low, got)
			}
			middle := float32((float64(low) + float64(high)) / 2)
			if even := h + h&1; float64(middle) == (float64(low)+float64(high))/2 && d.round(middle) != even {
				t.Fatalf("%s: %v, between %v and %v, rounds to %#x, want %#x", d.dtype, middle, low, high, d.round(middle), even)
			}
			above := math.Nextafter32(middle, high)
			if d.round(above) != h+1 {
				t.Fatalf("%s: %v, under %v, rounds to %#x", d.dtype, above, high, d.round(above))
			}
		}
		if _, err := d.dtype.AppendFloat32s(nil, []float32{math.MaxFloat32}); err == nil {
			t.Errorf("%s: the largest float32 fits", d.dtype)
		}
	}
}

// TestWriteSafetensors reads back what was written.
func TestWriteSafetensors(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	list := []TensorInfo{{"b", F32, []int{3, 5}}, {"a", BF16, []int{7}}, {"scalar", F16, nil}, {"none", F32, []int{0, 4}}}
	data := make([][]byte, len(list))
	for i, info := range list {
		n, err := info.Bytes()
		if err != nil {
			t.Fatal(err)
		}
		data[i] = make([]byte, n)
		for j := range data[i] {
			data[i][j] = byte(r.IntN(256))
		}
	}
	var b bytes.Buffer
	err := WriteSafetensors(&b, map[string]string{"format": "pt"}, list, func(i int, w io.Writer) error {
		_, err := w.Write(data[i])
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if n := binary.LittleEndian.Uint64(b.Bytes()); n%8 != 0 {
		t.Errorf("a header of %d bytes", n)
	}
	s, err := ParseSafetensors("f", b.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	for i, info := range list {
		got, err := s.Tensor(info.Name)
		if err != nil || got.DType != info.DType || !slices.Equal(got.Shape, info.Shape) || !bytes.Equal(got.Data, data[i]) {
			t.Errorf("%s: %v %v, %v", info.Name, got.DType, got.Shape, err)
		}
	}
	short := func(int, io.Writer) error { return nil }
	wantError(t, WriteSafetensors(io.Discard, nil, list, short), "tensor b: 0 bytes were written, want 60")
	twice := []TensorInfo{{"a", F32, []int{0}}, {"a", F32, []int{0}}}
	wantError(t, WriteSafetensors(io.Discard, nil, twice, short), "tensor a: there twice")
	full := fmt.Errorf("disk full")
	wantError(t, WriteSafetensors(io.Discard, nil, []TensorInfo{{Name: "q", DType: Affine4, Shape: []int{1, 32}}}, short), "tensor q: MLX affine 4 bit is no type")
	wantError(t, WriteSafetensors(io.Discard, nil, list, func(int, io.Writer) error { return full }), "tensor b: disk full")
}
