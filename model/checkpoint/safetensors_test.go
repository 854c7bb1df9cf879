package checkpoint

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"os"
	"slices"
	"strings"
	"testing"
)

func TestParseSafetensors(t *testing.T) {
	data := binary.LittleEndian.AppendUint32(nil, math.Float32bits(1.5))
	data = binary.LittleEndian.AppendUint16(data, 0x3f80)
	s, err := ParseSafetensors("f", safetensorsFile(`{"__metadata__":{"format":"pt","head":"b"},`+
		`"empty":{"dtype":"F32","shape":[2,0],"data_offsets":[4,4]},`+
		`"b":{"dtype":"BF16","shape":[1,1],"data_offsets":[4,6]},`+
		`"a":{"dtype":"F32","shape":[],"data_offsets":[0,4]}}   `, data))
	if err != nil {
		t.Fatal(err)
	}
	if got, want := s.Names(), []string{"a", "b", "empty"}; !slices.Equal(got, want) {
		t.Errorf("names %v, want %v", got, want)
	}
	for name, want := range map[string][]float32{"a": {1.5}, "b": {1}, "head": {1}, "empty": {}} {
		x, err := s.Tensor(name)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := x.Float32s(); err != nil || !slices.Equal(got, want) {
			t.Errorf("%s: %v, %v, want %v", name, got, err, want)
		}
	}
	if head, err := s.Tensor("head"); err != nil || head.Name != "b" || s.Aliases()["head"] != "b" || len(s.Aliases()) != 1 {
		t.Errorf("alias head: tensor %q, aliases %v, %v", head.Name, s.Aliases(), err)
	}
	if s.Metadata()["format"] != "pt" {
		t.Errorf("metadata %v", s.Metadata())
	}
	if _, err := s.Tensor("c"); !errors.Is(err, ErrNoTensor) {
		t.Errorf("tensor c: %v, want ErrNoTensor", err)
	}
}

func TestParseSafetensorsRefuses(t *testing.T) {
	entry := func(dtype, shape, offsets string) string {
		return fmt.Sprintf(`{"w":{"dtype":%q,"shape":%s,"data_offsets":%s}}`, dtype, shape, offsets)
	}
	two := func(a, b string) string {
		return fmt.Sprintf(`{"a":{"dtype":"U8","shape":[4],"data_offsets":%s},"b":{"dtype":"U8","shape":[4],"data_offsets":%s}}`, a, b)
	}
	for _, tt := range []struct {
		name   string
		header string
		data   int
		want   string
	}{
		{"not JSON", `{"w"`, 0, "unexpected EOF"},
		{"not an object", `[]`, 0, "want an object"},
		{"not UTF-8", "{\"\xff\":{}}", 0, "UTF-8"},
		{"two values", `{} {}`, 0, "more after"},
		{"repeated tensor", `{"w":{"dtype":"U8","shape":[0],"data_offsets":[0,0]},"w":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}}`, 0, `"w" is there twice`},
		{"repeated key", `{"w":{"dtype":"U8","dtype":"U8"}}`, 0, `tensor w: "dtype" is there twice`},
		{"unknown key", `{"w":{"stride":1}}`, 0, `tensor w: key "stride" is not known`},
		{"no shape", `{"w":{"dtype":"U8","data_offsets":[0,0]}}`, 0, "tensor w: want dtype, shape and data_offsets"},
		{"one offset", entry("U8", "[0]", "[0]"), 0, "tensor w: want"},
		{"three offsets", entry("U8", "[0]", "[0,0,0]"), 0, "tensor w: data_offsets: more than 2"},
		{"unknown dtype", entry("F99", "[1]", "[0,1]"), 1, `tensor w: dtype "F99" is not known`},
		{"block dtype", entry("Q8_0", "[32]", "[0,34]"), 34, `tensor w: dtype "Q8_0" is not known`},
		{"dtype a number", `{"w":{"dtype":1}}`, 0, "tensor w: dtype: want a string"},
		{"shape a number", entry("U8", "1", "[0,1]"), 1, "tensor w: shape: want an array"},
		{"negative dimension", entry("U8", "[-1]", "[0,1]"), 1, "tensor w: shape: -1 is negative"},
		{"dimension a fraction", entry("U8", "[1.5]", "[0,1]"), 1, "tensor w: shape: 1.5 is not an integer"},
		{"dimension over 64 bits", entry("U8", "[99999999999999999999]", "[0,1]"), 1, "tensor w: shape"},
		{"product overflows", entry("U8", "[4294967296,4294967296]", "[0,0]"), 0, "tensor w: shape [4294967296 4294967296] overflows"},
		{"bytes overflow", entry("F64", "[2305843009213693952]", "[0,0]"), 0, "overflows"},
		{"nine dimensions", entry("U8", "[1,1,1,1,1,1,1,1,1]", "[0,1]"), 1, "more than 8"},
		{"negative offset", entry("U8", "[8]", "[-8,0]"), 8, "tensor w: data_offsets: -8 is negative"},
		{"reversed offsets", entry("U8", "[1]", "[1,0]"), 1, "tensor w: data_offsets [1, 0]"},
		{"past the end", entry("U8", "[2]", "[0,2]"), 1, "not inside the 1 bytes"},
		{"size disagrees", entry("F32", "[2]", "[0,4]"), 4, "hold 4 bytes, want 8 for F32 [2]"},
		{"overlap", two("[0,4]", "[2,6]"), 6, "tensor b: its bytes 2 to 6 overlap those of a"},
		{"same bytes", two("[0,4]", "[0,4]"), 4, "tensor b: its bytes 0 to 4 overlap those of a"},
		{"hole", two("[0,4]", "[6,10]"), 10, "tensor b: a hole of 2 bytes between a and it"},
		{"hole at the start", entry("U8", "[1]", "[1,2]"), 2, "a hole of 1 bytes between the header and it"},
		{"trailing bytes", entry("U8", "[1]", "[0,1]"), 65, "64 bytes after w belong to no tensor"},
		{"metadata not strings", `{"__metadata__":{"a":1}}`, 0, "__metadata__: want a string"},
		{"deep metadata", `{"__metadata__":` + nested(100000) + `}`, 0, "__metadata__: want an object"},
		{"deep shape", entry("U8", nested(100000), "[0,1]"), 1, "tensor w: shape: want a number"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := ParseSafetensors("f.safetensors", safetensorsFile(tt.header, make([]byte, tt.data)))
			wantError(t, err, tt.want)
			if err != nil && !strings.HasPrefix(err.Error(), "read f.safetensors: ") {
				t.Errorf("error %q does not name the file", err)
			}
		})
	}
	for _, tt := range []struct {
		name string
		file []byte
		want string
	}{
		{"empty", nil, "0 bytes"},
		{"no header length", make([]byte, 7), "7 bytes"},
		{"header longer than file", binary.LittleEndian.AppendUint64(nil, 9), "the file ends after 0"},
		{"header length 2^60", binary.LittleEndian.AppendUint64(nil, 1<<60), "more than the 100000000"},
		{"header length 2^64-1", binary.LittleEndian.AppendUint64(nil, math.MaxUint64), "more than the 100000000"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := ParseSafetensors("f.safetensors", tt.file)
			wantError(t, err, tt.want)
		})
	}
}

// TestSafetensorsAdapters opens the adapters of the vectors: those whose file
// is damaged are refused, all others can be read.
func TestSafetensorsAdapters(t *testing.T) {
	damaged := map[string]string{
		"empty_file":           "0 bytes",
		"header_negative":      "-8 is negative",
		"header_out_of_range":  "are not inside",
		"header_overlap":       "overlap",
		"header_size_lie":      "bytes, want",
		"header_unknown_dtype": `dtype "F99" is not known`,
		"trailing_bytes":       "64 bytes after",
		"truncated":            "are not inside",
		"truncated_header":     "the file ends after",
	}
	root := sharedDir(t, "vectors", "engine", "bad_adapters")
	entries, err := os.ReadDir(root)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		dir := os.DirFS(root + "/" + e.Name())
		if there, err := exists(dir, "adapter_model.safetensors"); err != nil || !there {
			continue
		}
		s, err := OpenSafetensors(dir, "adapter_model.safetensors")
		if want := damaged[e.Name()]; want != "" {
			wantError(t, err, want)
			delete(damaged, e.Name())
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", e.Name(), err)
			continue
		}
		finite := true
		for _, name := range s.Names() {
			x, err := s.Tensor(name)
			if err != nil {
				t.Fatal(err)
			}
			finite = finite && x.CheckFinite() == nil
		}
		if want := e.Name() != "nan" && e.Name() != "inf"; finite != want {
			t.Errorf("%s: finite %v, want %v", e.Name(), finite, want)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
	if len(damaged) > 0 {
		t.Errorf("not tried: %v", damaged)
	}
}

func FuzzSafetensors(f *testing.F) {
	f.Add(safetensorsFile(`{}`, nil))
	f.Add(safetensorsFile(`{"__metadata__":{"format":"pt","b":"a"},"a":{"dtype":"F32","shape":[2,1],"data_offsets":[0,8]}}`, make([]byte, 8)))
	f.Add(safetensorsFile(`{"a":{"dtype":"BF16","shape":[0],"data_offsets":[0,0]},"b":{"dtype":"F8_E4M3","shape":[],"data_offsets":[0,1]}}`, make([]byte, 1)))
	f.Add(safetensorsFile(`{"a":{"dtype":"I64","shape":[4294967296,4294967296],"data_offsets":[0,8]}}`, make([]byte, 8)))
	f.Add(safetensorsFile(nested(100), nil))
	if data, err := os.ReadFile(shared + "/vectors/engine/bad_models/good_control_sharded/model-00003-of-00003.safetensors"); err == nil {
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := ParseSafetensors("f", data)
		if err != nil {
			return
		}
		checkSource(t, s, len(data))
	})
}

// checkSource reads all of a source that was accepted: its tensors lie in the
// file without overlap, and can be read or refused without a panic.
func checkSource(t *testing.T, src Source, size int) {
	total := 0
	for _, name := range src.Names() {
		x, err := src.Tensor(name)
		if err != nil {
			t.Fatal(err)
		}
		if err := x.check(); err != nil {
			t.Fatalf("accepted, but %v", err)
		}
		total += len(x.Data)
		values, err := x.Float32s()
		if err == nil && len(values) != x.Values() {
			t.Fatalf("%s: %d values, want %d", name, len(values), x.Values())
		}
		finite := !slices.ContainsFunc(values, func(v float32) bool { return v-v != 0 })
		if checked := x.CheckFinite(); err == nil && x.DType != F64 && finite != (checked == nil) {
			t.Fatalf("%s: values finite: %v, CheckFinite: %v", name, finite, checked)
		}
	}
	if total > size {
		t.Fatalf("tensors of %d bytes in a file of %d", total, size)
	}
}
