package checkpoint

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/ailiance/lorabench/model/checkpoint/checkpointtest"
)

func TestParseGGUF(t *testing.T) {
	for _, version := range []uint32{2, 3} {
		b := checkpointtest.SmallGGUF()
		b.Version = version
		g, err := ParseGGUF("f.gguf", b.Bytes())
		if err != nil {
			t.Fatal(err)
		}
		x, err := g.Tensor("blk.0.ffn_down.weight")
		if err != nil || !slices.Equal(x.Shape, []int{4, 6}) {
			t.Errorf("ffn_down %v, %v, want [4 6]: dimensions reversed", x.Shape, err)
		}
		if _, err := g.Tensor("blk.1.attn_q.weight"); !errors.Is(err, ErrNoTensor) {
			t.Errorf("%v, want ErrNoTensor", err)
		}
	}
}

func TestGGUFMetadata(t *testing.T) {
	b := &checkpointtest.GGUF{Version: 3}
	b.Pair("u8", uint32(ggufUint8), "\xff")
	b.Pair("i8", uint32(ggufInt8), "\xff")
	b.Pair("u16", uint32(ggufUint16), checkpointtest.LE(uint16(65535)))
	b.Pair("i16", uint32(ggufInt16), checkpointtest.LE(int16(-2)))
	b.U32("u32", math.MaxUint32)
	b.Pair("i32", uint32(ggufInt32), checkpointtest.LE(int32(-3)))
	b.F32("f32", 0.5)
	b.Pair("f64", uint32(ggufFloat64), checkpointtest.LE(-0.1))
	b.Pair("u64", uint32(ggufUint64), checkpointtest.LE(uint64(math.MaxUint64)))
	b.Pair("i64", uint32(ggufInt64), checkpointtest.LE(int64(-4)))
	b.Pair("yes", uint32(ggufBool), "\x01")
	b.Text("text", "Grüße")
	array := func(kind ggufType, n int, data string) string {
		return checkpointtest.LE(uint32(kind)) + checkpointtest.LE(uint64(n)) + data
	}
	b.Pair("texts", uint32(ggufArray), array(ggufString, 3, checkpointtest.Text("a")+checkpointtest.Text("")+checkpointtest.Text("bc")))
	b.Pair("ints", uint32(ggufArray), array(ggufInt32, 2, checkpointtest.LE([]int32{-1, 7})))
	b.Pair("floats", uint32(ggufArray), array(ggufFloat32, 2, checkpointtest.LE([]float32{0.25, -8})))
	b.Pair("bools", uint32(ggufArray), array(ggufBool, 2, "\x00\x01"))
	b.Pair("nested", uint32(ggufArray), array(ggufArray, 2, array(ggufUint8, 1, "\x07")+array(ggufString, 1, checkpointtest.Text("x"))))
	b.Pair("none", uint32(ggufArray), array(ggufString, 0, ""))
	g, err := ParseGGUF("f.gguf", b.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	for key, want := range map[string]any{
		"u8": uint8(255), "i8": int8(-1), "u16": uint16(65535), "i16": int16(-2), "u32": uint32(math.MaxUint32), "i32": int32(-3),
		"f32": float32(0.5), "f64": -0.1, "u64": uint64(math.MaxUint64), "i64": int64(-4), "yes": true, "text": "Grüße",
		"texts": []any{"a", "", "bc"}, "ints": []any{int32(-1), int32(7)}, "floats": []any{float32(0.25), float32(-8)},
		"bools": []any{false, true}, "nested": []any{[]any{uint8(7)}, []any{"x"}}, "none": []any{},
	} {
		if got, err := g.Value(key); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %#v, %v, want %#v", key, got, err, want)
		}
	}
	for key, want := range map[string]int{"u8": 255, "i8": -1, "u16": 65535, "i16": -2, "u32": math.MaxUint32, "i32": -3, "i64": -4} {
		if got, err := g.Int(key); err != nil || got != want {
			t.Errorf("%s: %d, %v, want %d", key, got, err, want)
		}
	}
	for key, want := range map[string]float64{"f32": 0.5, "f64": -0.1, "i32": -3, "u64": math.MaxUint64} {
		if got, err := g.Float(key); err != nil || got != want {
			t.Errorf("%s: %v, %v, want %v", key, got, err, want)
		}
	}
	if got, err := g.Strings("texts"); err != nil || !slices.Equal(got, []string{"a", "", "bc"}) {
		t.Errorf("texts: %q, %v", got, err)
	}
	if got, err := g.Ints("ints"); err != nil || !slices.Equal(got, []int{-1, 7}) {
		t.Errorf("ints: %v, %v", got, err)
	}
	if got, err := g.Floats("floats"); err != nil || !slices.Equal(got, []float64{0.25, -8}) {
		t.Errorf("floats: %v, %v", got, err)
	}
	if got, err := g.Bool("yes"); err != nil || !got {
		t.Errorf("yes: %v, %v", got, err)
	}
	if got, err := g.String("text"); err != nil || got != "Grüße" {
		t.Errorf("text: %q, %v", got, err)
	}
	refusals := []struct {
		err  error
		want string
	}{}
	add := func(err error, want string) {
		refusals = append(refusals, struct {
			err  error
			want string
		}{err, want})
	}
	_, err = g.Int("u64")
	add(err, "read f.gguf: metadata key u64 is uint64, want an integer that int holds")
	_, err = g.Int("f32")
	add(err, "metadata key f32 is float32, want an integer")
	_, err = g.Int("ints")
	add(err, "metadata key ints is an array of 2 int32, want an integer")
	_, err = g.Float("text")
	add(err, "metadata key text is string, want a number")
	_, err = g.Bool("u8")
	add(err, "metadata key u8 is uint8, want bool")
	_, err = g.String("texts")
	add(err, "metadata key texts is an array of 3 string, want string")
	_, err = g.Strings("ints")
	add(err, "metadata key ints is an array of 2 int32, want an array of strings")
	_, err = g.Ints("bools")
	add(err, "metadata key bools is an array of 2 bool, want an array of integers")
	_, err = g.Ints("floats")
	add(err, "metadata key floats is an array of 2 float32, want an array of integers")
	_, err = g.Floats("u8")
	add(err, "metadata key u8 is uint8, want an array of numbers")
	for _, r := range refusals {
		wantError(t, r.err, r.want)
	}
	if _, err := g.String("absent"); !errors.Is(err, ErrNoKey) || !strings.Contains(err.Error(), "absent") {
		t.Errorf("absent: %v, want ErrNoKey", err)
	}
}

func TestParseGGUFRefuses(t *testing.T) {
	huge := uint64(1) << 62
	for _, tt := range []struct {
		name string
		file func(b *checkpointtest.GGUF)
		want string
	}{
		{"version 1", func(b *checkpointtest.GGUF) { b.Version = 1 }, "GGUF version 1, want 2 or 3"},
		{"version 4", func(b *checkpointtest.GGUF) { b.Version = 4 }, "GGUF version 4, want 2 or 3"},
		{"big-endian", func(b *checkpointtest.GGUF) { b.Version = 3 << 24 }, "big-endian"},
		{"tensor count", func(b *checkpointtest.GGUF) { b.TensorCount = &huge }, "4611686018427387904 tensors do not fit"},
		{"key count", func(b *checkpointtest.GGUF) { b.KeyCount = &huge }, "4611686018427387904 metadata keys do not fit"},
		{"repeated key", func(b *checkpointtest.GGUF) { b.U32("llama.block_count", 1) }, "llama.block_count is there twice"},
		{"empty key", func(b *checkpointtest.GGUF) { b.U32("", 1) }, "is not text of 1 to"},
		{"key not UTF-8", func(b *checkpointtest.GGUF) { b.U32("\xff", 1) }, "is not text of 1 to"},
		{"unknown value type", func(b *checkpointtest.GGUF) { b.Pair("x", 13, "") }, "x: type 13 is not known"},
		{"bool 2", func(b *checkpointtest.GGUF) { b.Pair("x", uint32(ggufBool), "\x02") }, "x: bool of value 2"},
		{"long string", func(b *checkpointtest.GGUF) { b.Pair("x", uint32(ggufString), checkpointtest.LE(huge)) }, "x: 4611686018427387904 bytes of a string do not fit"},
		{"long array", func(b *checkpointtest.GGUF) {
			b.Pair("x", uint32(ggufArray), checkpointtest.LE(uint32(ggufUint8))+checkpointtest.LE(huge))
		}, "x: 4611686018427387904 elements of an array do not fit"},
		{"array whose bytes overflow", func(b *checkpointtest.GGUF) {
			b.Pair("x", uint32(ggufArray), checkpointtest.LE(uint32(ggufUint64))+checkpointtest.LE(uint64(1)<<61))
		}, "elements of an array do not fit"},
		{"array of unknown", func(b *checkpointtest.GGUF) {
			b.Pair("x", uint32(ggufArray), checkpointtest.LE(uint32(99))+checkpointtest.LE(uint64(0)))
		}, "x: array of type 99: not known"},
		{"string in an array", func(b *checkpointtest.GGUF) {
			b.Pair("x", uint32(ggufArray), checkpointtest.LE(uint32(ggufString))+checkpointtest.LE(uint64(1))+checkpointtest.LE(huge))
		}, "x: 4611686018427387904 bytes of a string"},
		{"bool in an array", func(b *checkpointtest.GGUF) {
			b.Pair("x", uint32(ggufArray), checkpointtest.LE(uint32(ggufBool))+checkpointtest.LE(uint64(1))+"\x09")
		}, "x: bool of value 9"},
		{"deep arrays", func(b *checkpointtest.GGUF) {
			b.Pair("x", uint32(ggufArray), strings.Repeat(checkpointtest.LE(uint32(ggufArray))+checkpointtest.LE(uint64(1)), 100)+checkpointtest.LE(uint32(ggufUint8))+checkpointtest.LE(uint64(0)))
		}, "x: arrays nested deeper than 4 levels"},
		{"alignment 0", func(b *checkpointtest.GGUF) { b.U32("general.alignment", 0) }, "general.alignment is 0"},
		{"alignment 24", func(b *checkpointtest.GGUF) { b.U32("general.alignment", 24) }, "general.alignment is 24"},
		{"alignment a string", func(b *checkpointtest.GGUF) { b.Text("general.alignment", "32") }, "metadata key general.alignment is string"},
		{"split", func(b *checkpointtest.GGUF) { b.U32("split.count", 3) }, "one of 3 parts of a split model"},
		{"repeated tensor", func(b *checkpointtest.GGUF) { b.Tensor("token_embd.weight", 4) }, "token_embd.weight is there twice"},
		{"five dimensions", func(b *checkpointtest.GGUF) { b.Info("x", []uint64{1, 1, 1, 1, 1}, 0, 0) }, "x: 5 dimensions, want at most 4"},
		{"dimension 0", func(b *checkpointtest.GGUF) { b.Info("x", []uint64{4, 0}, 0, 0) }, "x: dimension 1 is 0"},
		{"dimension over int", func(b *checkpointtest.GGUF) { b.Info("x", []uint64{1 << 63}, 0, 0) }, "x: dimension 0 is 9223372036854775808"},
		{"product overflows", func(b *checkpointtest.GGUF) { b.Info("x", []uint64{1 << 32, 1 << 32}, 0, 0) }, "x: shape [4294967296 4294967296] overflows"},
		{"unknown type", func(b *checkpointtest.GGUF) { b.Info("x", []uint64{4}, 4, 0) }, "x: storage type 4 is not known"},
		{"row not whole blocks", func(b *checkpointtest.GGUF) { b.Info("x", []uint64{48}, 2, 0) }, "x: shape [48]: rows of Q4_0 must be a multiple of 32"},
		{"offset past the end", func(b *checkpointtest.GGUF) { b.Info("x", []uint64{4}, 0, 1<<40) }, "x: 16 bytes at offset 1099511627776 are more"},
		{"offset 2^64-32", func(b *checkpointtest.GGUF) { b.Info("x", []uint64{4}, 0, math.MaxUint64-31) }, "are more than the file holds"},
		{"offset not aligned", func(b *checkpointtest.GGUF) { b.Info("x", []uint64{1}, 0, 4) }, "x: offset 4 is not a multiple of 32"},
		{"overlap", func(b *checkpointtest.GGUF) { b.Info("x", []uint64{1}, 0, 0) }, "overlap those of"},
		{"hole", func(b *checkpointtest.GGUF) { b.Data = append(b.Data, make([]byte, 32)...); b.Tensor("x", 1) }, "tensor x: a hole of 32 bytes between output_norm.weight and it"},
		{"trailing bytes", func(b *checkpointtest.GGUF) { b.Data = append(b.Data, make([]byte, 40)...) }, "40 bytes after output_norm.weight belong to no tensor"},
		{"truncated", func(b *checkpointtest.GGUF) { b.Data = b.Data[:len(b.Data)-32] }, "tensor output_norm.weight: its bytes 672 to 688 go past the 672 bytes"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := checkpointtest.SmallGGUF()
			tt.file(b)
			_, err := ParseGGUF("f.gguf", b.Bytes())
			wantError(t, err, tt.want)
			if err != nil && !strings.HasPrefix(err.Error(), "read f.gguf: ") {
				t.Errorf("error %q does not name the file", err)
			}
		})
	}
	_, err := ParseGGUF("f.gguf", []byte("GGML\x03\x00\x00\x00"))
	wantError(t, err, "no GGUF file")
	whole := checkpointtest.SmallGGUF().Bytes()
	for n := range len(whole) - 16 { // the last 16 bytes are padding
		if _, err := ParseGGUF("f.gguf", whole[:n]); err == nil {
			t.Fatalf("cut after %d of %d bytes: no error", n, len(whole))
		}
	}
}

func TestRopeFactorsRefuses(t *testing.T) {
	b := checkpointtest.SmallGGUF()
	b.Tensor("rope_freqs.weight", 1) // zero
	g, err := ParseGGUF("f.gguf", b.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	_, err = g.RopeFactors()
	wantError(t, err, "tensor rope_freqs.weight: value 0 is 0")
}

func FuzzGGUF(f *testing.F) {
	f.Add(checkpointtest.SmallGGUF().Bytes())
	v2 := checkpointtest.SmallGGUF()
	v2.Version = 2
	v2.Pair("a", uint32(ggufArray), checkpointtest.LE(uint32(ggufArray))+checkpointtest.LE(uint64(1))+checkpointtest.LE(uint32(ggufString))+checkpointtest.LE(uint64(1))+checkpointtest.Text("x"))
	v2.U32("general.alignment", 8)
	f.Add(v2.Bytes())
	f.Add(binary.LittleEndian.AppendUint64([]byte("GGUF\x03\x00\x00\x00"), math.MaxUint64))
	blocks := &checkpointtest.GGUF{Version: 3}
	blocks.Info("q8", []uint64{32}, 8, 0)
	blocks.Info("q4", []uint64{32, 2}, 3, 64)
	blocks.Info("bf", []uint64{3}, 30, 128)
	blocks.Data = make([]byte, 160)
	f.Add(blocks.Bytes())
	f.Fuzz(func(t *testing.T, data []byte) {
		g, err := ParseGGUF("f", data)
		if err != nil {
			return
		}
		checkSource(t, g, len(data))
		for _, key := range g.Keys() {
			v, err := g.Value(key)
			if err != nil {
				t.Fatal(err)
			}
			if list, err := g.Strings(key); err == nil && len(list) != len(v.([]any)) {
				t.Fatalf("%s: %d strings, want %d", key, len(list), len(v.([]any)))
			}
			if _, err := g.Ints(key); err == nil {
				if _, err := g.Floats(key); err != nil {
					t.Fatalf("%s: integers, but %v", key, err)
				}
			}
			_ = fmt.Sprint(v)
		}
	})
}
