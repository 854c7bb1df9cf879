package checkpoint

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

func TestParseQuantization(t *testing.T) {
	for _, tt := range []struct {
		name, config string
		want         string // of the error; "": there is none
		unsupported  bool
	}{
		{"none", `{"model_type":"llama"}`, "", false},
		{"null", `{"quantization":null,"quantization_config":null,"text_config":null}`, "", false},
		{"MLX", `{"quantization":{"group_size":64,"bits":4}}`, "", false},
		{"MLX, both", `{"quantization":{"group_size":32,"bits":8,"mode":"mxfp8"},"quantization_config":{"mode":"mxfp8","group_size":32,"bits":8}}`, "", false},
		{"MLX, in the text's configuration", `{"text_config":{"quantization":{"group_size":32,"bits":3}}}`, "", false},
		{"MLX with overrides", `{"quantization":{"group_size":64,"bits":4,"a.b":{"bits":8,"group_size":32},"c":false,"d":true}}`, "", false},
		{"FP8", `{"quantization_config":{"quant_method":"fp8","activation_scheme":"dynamic","fmt":"e4m3","weight_block_size":[128,128]}}`, "", false},
		{"FP8 of one scale", `{"quantization_config":{"quant_method":"fp8","activation_scheme":"static","dequantize":false,"modules_to_not_convert":["lm_head"],"weight_block_size":null}}`, "", false},

		{"no JSON", `{`, "EOF", false},
		{"a string", `{"quantization":"4bit"}`, "quantization: want an object", false},
		{"MLX without bits", `{"quantization":{"group_size":64}}`, "group_size and bits", false},
		{"MLX of 7 bits", `{"quantization":{"group_size":64,"bits":7}}`, "7 bits with mode affine", true},
		{"MLX of groups of 48", `{"quantization":{"group_size":48,"bits":4}}`, "group_size 48", true},
		{"mxfp4 of groups of 64", `{"quantization":{"group_size":64,"bits":4,"mode":"mxfp4"}}`, "group_size 64 with mode mxfp4", true},
		{"unknown mode", `{"quantization":{"group_size":64,"bits":4,"mode":"hqq"}}`, `mode "hqq" is not known`, true},
		{"bad override", `{"quantization":{"group_size":64,"bits":4,"a.b":{"bits":9}}}`, "a.b: 9 bits", true},
		{"unknown key", `{"quantization":{"group_size":64,"bits":4,"secret":3}}`, `key "secret" is not known`, true},
		{"unknown key of a module", `{"quantization":{"group_size":64,"bits":4,"a":{"bits":4,"secret":[1]}}}`, `key "a.secret" is not known`, true},
		{"key of FP8", `{"quantization":{"group_size":64,"bits":4,"activation_scheme":"static"}}`, `key "activation_scheme"`, true},
		{"they differ", `{"quantization":{"group_size":64,"bits":4},"quantization_config":{"group_size":64,"bits":8}}`, "do not say the same", false},
		{"bitsandbytes", `{"quantization_config":{"quant_method":"bitsandbytes","load_in_4bit":true,"bnb_4bit_quant_type":"nf4","_load_in_4bit":true,"llm_int8_skip_modules":null}}`, `quant_method "bitsandbytes" is not supported`, true},
		{"gptq", `{"quantization_config":{"bits":4,"group_size":128,"quant_method":"gptq","desc_act":false}}`, `quant_method "gptq"`, true},
		{"compressed-tensors", `{"quantization_config":{"quant_method":"compressed-tensors","config_groups":{"group_0":{"targets":["Linear"]}}}}`, `quant_method "compressed-tensors"`, true},
		{"FP8, unknown key", `{"quantization_config":{"quant_method":"fp8","secret":1}}`, `key "secret"`, true},
		{"FP8, E5M2", `{"quantization_config":{"quant_method":"fp8","fmt":"e5m2"}}`, `fmt "e5m2"`, true},
		{"FP8, exponents as scales", `{"quantization_config":{"quant_method":"fp8","scale_fmt":"ue8m0"}}`, `scale_fmt "ue8m0"`, true},
		{"FP8, odd block", `{"quantization_config":{"quant_method":"fp8","weight_block_size":[1,24]}}`, "multiples of 16", true},
		{"FP8, half a block", `{"quantization_config":{"quant_method":"fp8","weight_block_size":[128]}}`, "two positive numbers", false},
		{"FP8, empty block", `{"quantization_config":{"quant_method":"fp8","weight_block_size":[0,128]}}`, "two positive numbers", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := ParseQuantization([]byte(tt.config))
			if tt.want == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			wantError(t, err, tt.want)
			if unsupported := errors.As(err, new(*UnsupportedError)); unsupported != tt.unsupported {
				t.Errorf("%v: unsupported %t, want %t", err, unsupported, tt.unsupported)
			}
		})
	}
}

func FuzzParseQuantization(f *testing.F) {
	f.Add([]byte(`{"quantization":{"group_size":64,"bits":4,"a.b":{"bits":8,"group_size":32},"c":false}}`))
	f.Add([]byte(`{"text_config":{"quantization_config":{"quant_method":"fp8","weight_block_size":[128,128]}}}`))
	f.Fuzz(func(t *testing.T, config []byte) {
		q, err := ParseQuantization(config)
		if err == nil && q != nil && (q.mlx == nil) == (q.fp8 == nil) {
			t.Errorf("%+v is neither MLX nor FP8, or both", q)
		}
	})
}

// stored is a tensor of a file that a test writes, of zero bytes.
type stored struct {
	dtype DType
	shape []int
}

// folder makes a checkpoint's folder of a configuration and tensors.
func folder(config string, tensors map[string]stored) fstest.MapFS {
	header, size := map[string]any{}, 0
	for name, s := range tensors {
		n, err := s.dtype.bytesOf(s.shape)
		if err != nil {
			panic(err)
		}
		header[name] = map[string]any{"dtype": s.dtype.String(), "shape": s.shape, "data_offsets": []int{size, size + n}}
		size += n
	}
	text, err := json.Marshal(header)
	if err != nil {
		panic(err)
	}
	return fstest.MapFS{ConfigFile: {Data: []byte(config)}, WeightsFile: {Data: safetensorsFile(string(text), make([]byte, size))}}
}

const (
	mlxConfig = `{"quantization":{"group_size":32,"bits":4,"m8":{"group_size":32,"bits":8},"mx":{"group_size":32,"bits":4,"mode":"mxfp4"},"p":false}}`
	fp8Config = `{"quantization_config":{"quant_method":"fp8","weight_block_size":[16,32]}}`
)

// TestJoined: a weight and its scales are one tensor with the shape of the
// values, and what does not belong to a quantised weight stays as it is.
func TestJoined(t *testing.T) {
	w, err := OpenWeights(folder(mlxConfig, map[string]stored{
		"a.weight": {U32, []int{5, 8}}, "a.scales": {F16, []int{5, 2}}, "a.biases": {F16, []int{5, 2}}, "a.bias": {F16, []int{5}},
		"m8.weight": {U32, []int{5, 16}}, "m8.scales": {F32, []int{5, 2}}, "m8.biases": {F32, []int{5, 2}},
		"mx.weight": {U32, []int{3, 4}}, "mx.scales": {U8, []int{3, 1}},
		"p.weight": {BF16, []int{4, 3}}, "q.weight": {BF16, []int{4, 3}}, "q.biases": {BF16, []int{4}},
	}))
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	if got, want := w.Names(), []string{"a.bias", "a.weight", "m8.weight", "mx.weight", "p.weight", "q.biases", "q.weight"}; !slices.Equal(got, want) {
		t.Errorf("names %v, want %v", got, want)
	}
	for name, want := range map[string]string{
		"a.weight": "MLX affine 4 bit [5 64]", "m8.weight": "MLX affine 8 bit [5 64]", "mx.weight": "MLX mxfp4 [3 32]", "p.weight": "BF16 [4 3]",
	} {
		x, err := w.Tensor(name)
		if got := fmt.Sprint(x.DType, " ", x.Shape); err != nil || got != want {
			t.Errorf("%s is %s, %v, want %s", name, got, err, want)
		}
		if err := x.CheckFinite(); err != nil {
			t.Error(err)
		}
	}
	a, _ := w.Tensor("a.weight")
	b, _ := w.Tensor("m8.weight")
	if a.StoredBytes() != 5*8*4+2*5*2*2 || !a.SameStorage(a) || a.SameStorage(b) {
		t.Errorf("%d bytes are stored, same as itself %t, as another %t", a.StoredBytes(), a.SameStorage(a), a.SameStorage(b))
	}
	other := a
	other.scales = &scales{scale: a.scales.scale, bias: a.scales.bias}
	other.scales.scale.Data = bytes.Repeat([]byte{1}, len(a.scales.scale.Data))
	if a.SameStorage(other) {
		t.Error("other scales are taken for the same")
	}
	if _, err := w.Tensor("a.scales"); !errors.Is(err, ErrNoTensor) {
		t.Errorf("error %v, want ErrNoTensor", err)
	}
	w, err = OpenWeights(folder(fp8Config, map[string]stored{
		"a.weight": {F8E4M3, []int{20, 70}}, "a.weight_scale_inv": {BF16, []int{2, 3}}, "a.activation_scale": {BF16, []int{}},
		"b.weight": {BF16, []int{20, 70}}, "b.activation_scale": {BF16, []int{}},
	}))
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	if got, want := w.Names(), []string{"a.weight", "b.activation_scale", "b.weight"}; !slices.Equal(got, want) {
		t.Errorf("names %v, want %v", got, want)
	}
}

// TestContradictions: what the configuration and the tensors say is held against
// each other, and all faults are named.
func TestContradictions(t *testing.T) {
	fp8One := `{"quantization_config":{"quant_method":"fp8","weight_block_size":null}}`
	for _, tt := range []struct {
		name, config string
		tensors      map[string]stored
		want         string
	}{
		{"no scales", mlxConfig, map[string]stored{"a.weight": {U32, []int{5, 8}}, "a.biases": {F16, []int{5, 2}}}, "tensor a.weight holds codes, but a.scales is missing"},
		{"no biases", mlxConfig, map[string]stored{"a.weight": {U32, []int{5, 8}}, "a.scales": {F16, []int{5, 2}}}, "tensor a.biases is missing"},
		{"no weight", mlxConfig, map[string]stored{"a.scales": {F16, []int{5, 2}}}, "tensor a.scales has no a.weight"},
		{"other bits", mlxConfig, map[string]stored{"a.weight": {U32, []int{5, 16}}, "a.scales": {F16, []int{5, 2}}, "a.biases": {F16, []int{5, 2}}}, "tensor a.scales: F16 [5 2], want [F16 BF16 F32] [5 4]"},
		{"other rows", mlxConfig, map[string]stored{"a.weight": {U32, []int{5, 8}}, "a.scales": {F16, []int{4, 2}}, "a.biases": {F16, []int{5, 2}}}, "tensor a.scales: F16 [4 2], want"},
		{"biases of another type", mlxConfig, map[string]stored{"a.weight": {U32, []int{5, 8}}, "a.scales": {F16, []int{5, 2}}, "a.biases": {F32, []int{5, 2}}}, "tensor a.biases: F32 [5 2], want [F16]"},
		{"part of a group", mlxConfig, map[string]stored{"a.weight": {U32, []int{5, 6}}, "a.scales": {F16, []int{5, 1}}, "a.biases": {F16, []int{5, 1}}}, "rows are not whole groups"},
		{"codes as floats", mlxConfig, map[string]stored{"a.weight": {F32, []int{5, 8}}, "a.scales": {F16, []int{5, 2}}, "a.biases": {F16, []int{5, 2}}}, "want U32 codes"},
		{"experts", mlxConfig, map[string]stored{"a.weight": {U32, []int{2, 5, 8}}, "a.scales": {F16, []int{2, 5, 2}}, "a.biases": {F16, []int{2, 5, 2}}}, "want U32 codes [out"},
		{"empty", mlxConfig, map[string]stored{"a.weight": {U32, []int{5, 0}}, "a.scales": {F16, []int{5, 0}}, "a.biases": {F16, []int{5, 0}}}, "want U32 codes"},
		{"not quantised", mlxConfig, map[string]stored{"p.weight": {U32, []int{5, 8}}, "p.scales": {F16, []int{5, 2}}, "p.biases": {F16, []int{5, 2}}}, "module p is not quantised by the configuration"},
		{"quantised", mlxConfig, map[string]stored{"m8.weight": {F16, []int{5, 64}}}, "module m8 is quantised by the configuration, but m8.scales is missing"},
		{"mxfp4 with biases", mlxConfig, map[string]stored{"mx.weight": {U32, []int{3, 4}}, "mx.scales": {U8, []int{3, 1}}, "mx.biases": {F16, []int{3, 1}}}, "mode mxfp4, which has none"},
		{"mxfp4 with float scales", mlxConfig, map[string]stored{"mx.weight": {U32, []int{3, 4}}, "mx.scales": {F16, []int{3, 1}}}, "want [U8] [3 1]"},
		{"two faults", mlxConfig, map[string]stored{"a.scales": {F16, []int{5, 2}}, "b.scales": {F16, []int{5, 2}}}, "a.weight; tensor b.scales has no b.weight"},

		{"FP8 without scale", fp8Config, map[string]stored{"a.weight": {F8E4M3, []int{5, 8}}}, "a.weight_scale_inv is missing"},
		{"FP8 of another block", fp8Config, map[string]stored{"a.weight": {F8E4M3, []int{20, 70}}, "a.weight_scale_inv": {F32, []int{1, 3}}}, "shape [1 3], want [2 3]"},
		{"FP8 with many scales", fp8One, map[string]stored{"a.weight": {F8E4M3, []int{20, 70}}, "a.weight_scale_inv": {F32, []int{2, 3}}}, "want one value"},
		{"FP8 with integers as scales", fp8One, map[string]stored{"a.weight": {F8E4M3, []int{20, 70}}, "a.weight_scale_inv": {U8, []int{1}}}, "weight_scale_inv is U8"},
		{"FP8 vector", fp8One, map[string]stored{"a.weight": {F8E4M3, []int{20}}, "a.weight_scale_inv": {F32, []int{1}}}, "want a matrix"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w, err := OpenWeights(folder(tt.config, tt.tensors))
			wantError(t, err, tt.want)
			if err == nil {
				w.Close()
			}
		})
	}
}

// TestScalesFinite: scales that are not finite, or make values that are not, are
// refused by name, and so is a NaN among FP8 codes.
func TestScalesFinite(t *testing.T) {
	for _, tt := range []struct {
		name, config, tensor string
		tensors              map[string]stored
		bytes                []byte // of the first values of tensor
		want                 string
	}{
		{"NaN", mlxConfig, "a.scales", map[string]stored{"a.weight": {U32, []int{2, 4}}, "a.scales": {F16, []int{2, 1}}, "a.biases": {F16, []int{2, 1}}},
			[]byte{0, 0, 0, 0x7e}, "tensor a.weight: row 1, columns from 0: scale NaN"},
		{"bias", mlxConfig, "a.biases", map[string]stored{"a.weight": {U32, []int{2, 4}}, "a.scales": {F16, []int{2, 1}}, "a.biases": {F16, []int{2, 1}}},
			[]byte{0, 0, 0, 0x7c}, "bias +Inf"},
		{"overflow", mlxConfig, "m8.scales", map[string]stored{"m8.weight": {U32, []int{1, 8}}, "m8.scales": {F32, []int{1, 1}}, "m8.biases": {F32, []int{1, 1}}},
			binary.LittleEndian.AppendUint32(nil, 0x7f000000), "values that are not finite"},
		{"E8M0", mlxConfig, "mx.scales", map[string]stored{"mx.weight": {U32, []int{1, 4}}, "mx.scales": {U8, []int{1, 1}}}, []byte{255}, "scale NaN"},
		{"FP8", fp8Config, "a.weight", map[string]stored{"a.weight": {F8E4M3, []int{2, 5}}, "a.weight_scale_inv": {F32, []int{1, 1}}},
			[]byte{0, 0, 0, 0, 0, 0, 0xff}, "value 6 of 10 is NaN"},
		{"FP8 scale", fp8Config, "a.weight_scale_inv", map[string]stored{"a.weight": {F8E4M3, []int{2, 5}}, "a.weight_scale_inv": {F32, []int{1, 1}}},
			binary.LittleEndian.AppendUint32(nil, 0x7c000000), "values that are not finite"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w, err := OpenWeights(folder(tt.config, tt.tensors))
			if err != nil {
				t.Fatal(err)
			}
			defer w.Close()
			raw, _ := (&joiner{w: w}).stored(tt.tensor)
			copy(raw.Data, tt.bytes)
			path, _, _ := strings.Cut(tt.tensor, ".")
			x, err := w.Tensor(path + ".weight")
			if err != nil {
				t.Fatal(err)
			}
			wantError(t, x.CheckFinite(), tt.want)
		})
	}
}

// FuzzOpenQuantized: whatever configuration and file say, tensors that open can
// be read, and nothing panics.
func FuzzOpenQuantized(f *testing.F) {
	mlx := folder(mlxConfig, map[string]stored{
		"a.weight": {U32, []int{2, 4}}, "a.scales": {F16, []int{2, 1}}, "a.biases": {F16, []int{2, 1}},
		"mx.weight": {U32, []int{1, 4}}, "mx.scales": {U8, []int{1, 1}},
	})
	fp8 := folder(fp8Config, map[string]stored{"a.weight": {F8E4M3, []int{2, 5}}, "a.weight_scale_inv": {F32, []int{1, 1}}})
	for _, dir := range []fstest.MapFS{mlx, fp8} {
		f.Add(dir[ConfigFile].Data, dir[WeightsFile].Data)
	}
	f.Fuzz(func(t *testing.T, config, weights []byte) {
		w, err := OpenWeights(fstest.MapFS{ConfigFile: {Data: config}, WeightsFile: {Data: weights}})
		if err != nil {
			return
		}
		defer w.Close()
		for _, name := range w.Names() {
			x, err := w.Tensor(name)
			if err != nil {
				t.Fatal(err)
			}
			finite := x.CheckFinite()
			if _, ok := x.Groups(); !ok {
				continue
			}
			values, err := x.Float32s()
			if err != nil {
				t.Fatal(err)
			}
			for _, v := range values {
				if v-v != 0 && finite == nil {
					t.Fatalf("tensor %s was found finite, and has %v", name, v)
				}
			}
		}
	})
}
