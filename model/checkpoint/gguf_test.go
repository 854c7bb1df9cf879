package checkpoint

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
)

func TestParseGGUF(t *testing.T) {
	for _, version := range []uint32{2, 3} {
		b := smallGGUF()
		b.version = version
		g, err := ParseGGUF("f.gguf", b.bytes())
		if err != nil {
			t.Fatal(err)
		}
		want := &Config{
			ModelType: "llama", HiddenSize: 4, IntermediateSize: 6, NumHiddenLayers: 1, NumAttentionHeads: 2, NumKeyValueHeads: 1,
			HeadDim: 2, VocabSize: 8, MaxPositionEmbeddings: 16, RMSNormEps: float64(float32(1e-5)), HiddenAct: "silu", RopeTheta: 10000,
			RopeScaling: RopeScaling{Type: "default", Factor: 1}, TieWordEmbeddings: true, BOSTokenID: -1,
		}
		cfg, err := ConfigFromGGUF(g)
		if err != nil || !reflect.DeepEqual(cfg, want) {
			t.Errorf("%+v, %v, want %+v", cfg, err, want)
		}
		if err := CheckGGUF(g, cfg); err != nil {
			t.Error(err)
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
	b := &ggufBuilder{version: 3}
	b.pair("u8", ggufUint8, "\xff")
	b.pair("i8", ggufInt8, "\xff")
	b.pair("u16", ggufUint16, le(uint16(65535)))
	b.pair("i16", ggufInt16, le(int16(-2)))
	b.u32("u32", math.MaxUint32)
	b.pair("i32", ggufInt32, le(int32(-3)))
	b.f32("f32", 0.5)
	b.pair("f64", ggufFloat64, le(-0.1))
	b.pair("u64", ggufUint64, le(uint64(math.MaxUint64)))
	b.pair("i64", ggufInt64, le(int64(-4)))
	b.pair("yes", ggufBool, "\x01")
	b.text("text", "Grüße")
	array := func(kind ggufType, n int, data string) string { return le(uint32(kind)) + le(uint64(n)) + data }
	b.pair("texts", ggufArray, array(ggufString, 3, ggufText("a")+ggufText("")+ggufText("bc")))
	b.pair("ints", ggufArray, array(ggufInt32, 2, le([]int32{-1, 7})))
	b.pair("floats", ggufArray, array(ggufFloat32, 2, le([]float32{0.25, -8})))
	b.pair("bools", ggufArray, array(ggufBool, 2, "\x00\x01"))
	b.pair("nested", ggufArray, array(ggufArray, 2, array(ggufUint8, 1, "\x07")+array(ggufString, 1, ggufText("x"))))
	b.pair("none", ggufArray, array(ggufString, 0, ""))
	g, err := ParseGGUF("f.gguf", b.bytes())
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
		file func(b *ggufBuilder)
		want string
	}{
		{"version 1", func(b *ggufBuilder) { b.version = 1 }, "GGUF version 1, want 2 or 3"},
		{"version 4", func(b *ggufBuilder) { b.version = 4 }, "GGUF version 4, want 2 or 3"},
		{"big-endian", func(b *ggufBuilder) { b.version = 3 << 24 }, "big-endian"},
		{"tensor count", func(b *ggufBuilder) { b.tensors = &huge }, "4611686018427387904 tensors do not fit"},
		{"key count", func(b *ggufBuilder) { b.keys = &huge }, "4611686018427387904 metadata keys do not fit"},
		{"repeated key", func(b *ggufBuilder) { b.u32("llama.block_count", 1) }, "llama.block_count is there twice"},
		{"empty key", func(b *ggufBuilder) { b.u32("", 1) }, "is not text of 1 to"},
		{"key not UTF-8", func(b *ggufBuilder) { b.u32("\xff", 1) }, "is not text of 1 to"},
		{"unknown value type", func(b *ggufBuilder) { b.pair("x", 13, "") }, "x: type 13 is not known"},
		{"bool 2", func(b *ggufBuilder) { b.pair("x", ggufBool, "\x02") }, "x: bool of value 2"},
		{"long string", func(b *ggufBuilder) { b.pair("x", ggufString, le(huge)) }, "x: 4611686018427387904 bytes of a string do not fit"},
		{"long array", func(b *ggufBuilder) { b.pair("x", ggufArray, le(uint32(ggufUint8))+le(huge)) }, "x: 4611686018427387904 elements of an array do not fit"},
		{"array whose bytes overflow", func(b *ggufBuilder) { b.pair("x", ggufArray, le(uint32(ggufUint64))+le(uint64(1)<<61)) }, "elements of an array do not fit"},
		{"array of unknown", func(b *ggufBuilder) { b.pair("x", ggufArray, le(uint32(99))+le(uint64(0))) }, "x: array of type 99: not known"},
		{"string in an array", func(b *ggufBuilder) {
			b.pair("x", ggufArray, le(uint32(ggufString))+le(uint64(1))+le(huge))
		}, "x: 4611686018427387904 bytes of a string"},
		{"bool in an array", func(b *ggufBuilder) { b.pair("x", ggufArray, le(uint32(ggufBool))+le(uint64(1))+"\x09") }, "x: bool of value 9"},
		{"deep arrays", func(b *ggufBuilder) {
			b.pair("x", ggufArray, strings.Repeat(le(uint32(ggufArray))+le(uint64(1)), 100)+le(uint32(ggufUint8))+le(uint64(0)))
		}, "x: arrays nested deeper than 4 levels"},
		{"alignment 0", func(b *ggufBuilder) { b.u32("general.alignment", 0) }, "general.alignment is 0"},
		{"alignment 24", func(b *ggufBuilder) { b.u32("general.alignment", 24) }, "general.alignment is 24"},
		{"alignment a string", func(b *ggufBuilder) { b.text("general.alignment", "32") }, "metadata key general.alignment is string"},
		{"split", func(b *ggufBuilder) { b.u32("split.count", 3) }, "one of 3 parts of a split model"},
		{"repeated tensor", func(b *ggufBuilder) { b.tensor("token_embd.weight", 4) }, "token_embd.weight is there twice"},
		{"five dimensions", func(b *ggufBuilder) { b.info("x", []uint64{1, 1, 1, 1, 1}, 0, 0) }, "x: 5 dimensions, want at most 4"},
		{"dimension 0", func(b *ggufBuilder) { b.info("x", []uint64{4, 0}, 0, 0) }, "x: dimension 1 is 0"},
		{"dimension over int", func(b *ggufBuilder) { b.info("x", []uint64{1 << 63}, 0, 0) }, "x: dimension 0 is 9223372036854775808"},
		{"product overflows", func(b *ggufBuilder) { b.info("x", []uint64{1 << 32, 1 << 32}, 0, 0) }, "x: shape [4294967296 4294967296] overflows"},
		{"unknown type", func(b *ggufBuilder) { b.info("x", []uint64{4}, 4, 0) }, "x: storage type 4 is not known"},
		{"row not whole blocks", func(b *ggufBuilder) { b.info("x", []uint64{48}, 2, 0) }, "x: shape [48]: rows of Q4_0 must be a multiple of 32"},
		{"offset past the end", func(b *ggufBuilder) { b.info("x", []uint64{4}, 0, 1<<40) }, "x: 16 bytes at offset 1099511627776 are more"},
		{"offset 2^64-32", func(b *ggufBuilder) { b.info("x", []uint64{4}, 0, math.MaxUint64-31) }, "are more than the file holds"},
		{"offset not aligned", func(b *ggufBuilder) { b.info("x", []uint64{1}, 0, 4) }, "x: offset 4 is not a multiple of 32"},
		{"overlap", func(b *ggufBuilder) { b.info("x", []uint64{1}, 0, 0) }, "overlap those of"},
		{"hole", func(b *ggufBuilder) { b.data = append(b.data, make([]byte, 32)...); b.tensor("x", 1) }, "tensor x: a hole of 32 bytes between output_norm.weight and it"},
		{"trailing bytes", func(b *ggufBuilder) { b.data = append(b.data, make([]byte, 40)...) }, "40 bytes after output_norm.weight belong to no tensor"},
		{"truncated", func(b *ggufBuilder) { b.data = b.data[:len(b.data)-32] }, "tensor output_norm.weight: its bytes 672 to 688 go past the 672 bytes"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := smallGGUF()
			tt.file(b)
			_, err := ParseGGUF("f.gguf", b.bytes())
			wantError(t, err, tt.want)
			if err != nil && !strings.HasPrefix(err.Error(), "read f.gguf: ") {
				t.Errorf("error %q does not name the file", err)
			}
		})
	}
	_, err := ParseGGUF("f.gguf", []byte("GGML\x03\x00\x00\x00"))
	wantError(t, err, "no GGUF file")
	whole := smallGGUF().bytes()
	for n := range len(whole) - 16 { // the last 16 bytes are padding
		if _, err := ParseGGUF("f.gguf", whole[:n]); err == nil {
			t.Fatalf("cut after %d of %d bytes: no error", n, len(whole))
		}
	}
}

func TestConfigFromGGUFRefuses(t *testing.T) {
	drop := func(key string) func(*ggufBuilder) {
		return func(b *ggufBuilder) {
			b.pairs = slices.DeleteFunc(b.pairs, func(p string) bool { return strings.HasPrefix(p, ggufText(key)) })
		}
	}
	with := func(key string, v uint32) func(*ggufBuilder) {
		return func(b *ggufBuilder) { drop(key)(b); b.u32(key, v) }
	}
	for _, tt := range []struct {
		name string
		file func(b *ggufBuilder)
		want string
	}{
		{"no architecture", drop("general.architecture"), "no such metadata key: general.architecture"},
		{"other architecture", func(b *ggufBuilder) { drop("general.architecture")(b); b.text("general.architecture", "mamba") }, `general.architecture "mamba" is not known, want one of: llama`},
		{"no layers", drop("llama.block_count"), "no such metadata key: llama.block_count"},
		{"too many layers", with("llama.block_count", 1<<20), "llama.block_count is 1048576, want 1 to 4096"},
		{"0 heads", with("llama.attention.head_count", 0), "llama.attention.head_count is 0, want 1 to"},
		{"heads per layer", func(b *ggufBuilder) {
			drop("llama.attention.head_count_kv")(b)
			b.pair("llama.attention.head_count_kv", ggufArray, le(uint32(ggufUint32))+le(uint64(1))+le(uint32(1)))
		}, "metadata key llama.attention.head_count_kv is an array of 1 uint32, want an integer"},
		{"heads do not divide", with("llama.attention.head_count_kv", 3), "num_attention_heads 2 is not a multiple of num_key_value_heads 3"},
		{"odd head", with("llama.rope.dimension_count", 3), "head_dim 3 is odd"},
		{"value heads differ", with("llama.attention.value_length", 4), "llama.attention.value_length differs from the head size 2"},
		{"partial rotary", with("llama.attention.key_length", 4), "llama.rope.dimension_count differs from the head size 4"},
		{"eps NaN", func(b *ggufBuilder) {
			drop("llama.attention.layer_norm_rms_epsilon")(b)
			b.f32("llama.attention.layer_norm_rms_epsilon", float32(math.NaN()))
		}, "llama.attention.layer_norm_rms_epsilon is NaN"},
		{"experts", with("llama.expert_count", 8), "llama.expert_count: mixtures of experts"},
		{"unknown key", with("llama.logit_scale", 1), `metadata key "llama.logit_scale" is not known`},
		{"yarn", func(b *ggufBuilder) { b.text("llama.rope.scaling.type", "yarn") }, `llama.rope.scaling.type "yarn" is not known`},
		{"linear without factor", func(b *ggufBuilder) { b.text("llama.rope.scaling.type", "linear") }, "llama.rope.scaling.factor is 0"},
		{"eos beyond the vocabulary", with("tokenizer.ggml.eos_token_id", 8), "tokenizer.ggml.eos_token_id is 8, want 0 to 7"},
		{"vocabulary 0", with("llama.vocab_size", 0), "llama.vocab_size is 0"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := smallGGUF()
			tt.file(b)
			g, err := ParseGGUF("f.gguf", b.bytes())
			if err != nil {
				t.Fatal(err)
			}
			_, err = ConfigFromGGUF(g)
			wantError(t, err, tt.want)
		})
	}
}

func TestConfigFromGGUFScaling(t *testing.T) {
	b := smallGGUF()
	b.text("llama.rope.scaling.type", "linear")
	b.f32("llama.rope.scaling.factor", 4)
	b.u32("llama.rope.scaling.original_context_length", 4)
	b.u32("tokenizer.ggml.bos_token_id", 1)
	b.u32("tokenizer.ggml.eos_token_id", 2)
	b.u32("tokenizer.ggml.eot_token_id", 5)
	g, err := ParseGGUF("f.gguf", b.bytes())
	if err != nil {
		t.Fatal(err)
	}
	c, err := ConfigFromGGUF(g)
	if err != nil {
		t.Fatal(err)
	}
	if want := (RopeScaling{Type: "linear", Factor: 4}); c.RopeScaling != want || c.BOSTokenID != 1 || !slices.Equal(c.EOSTokenIDs, []int{2, 5}) {
		t.Errorf("%+v", c)
	}
}

// TestCheckGGUF takes a tensor away, adds one, and changes a shape.
func TestCheckGGUF(t *testing.T) {
	b := smallGGUF()
	b.tensor("blk.1.attn_q.weight", 4, 4)
	g, err := ParseGGUF("f.gguf", b.bytes())
	if err != nil {
		t.Fatal(err)
	}
	c, err := ConfigFromGGUF(g)
	if err != nil {
		t.Fatal(err)
	}
	wantError(t, CheckGGUF(g, c), "tensor blk.1.attn_q.weight belongs to no module of llama with 1 layers")
	c.NumHiddenLayers = 2
	wantError(t, CheckGGUF(g, c), "tensor blk.1.attn_norm.weight (model.layers.1.input_layernorm.weight) is missing")
	c.IntermediateSize = 5
	wantError(t, CheckGGUF(g, c), "tensor blk.0.ffn_gate.weight (model.layers.0.mlp.gate_proj.weight): shape [6 4], want [5 4]")
}

// TestGGUFModels opens the vectors' models of architecture llama and compares
// their configuration with the one they were made from; others are refused.
func TestGGUFModels(t *testing.T) {
	root := sharedDir(t, "vectors", "engine", "gguf")
	paths, err := filepath.Glob(root + "/*/model.gguf")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no models: %v", err)
	}
	opened := 0
	for _, path := range paths {
		name := filepath.Base(filepath.Dir(path))
		t.Run(name, func(t *testing.T) {
			g, err := OpenGGUF(os.DirFS(filepath.Dir(path)), "model.gguf")
			if err != nil {
				t.Fatal(err)
			}
			defer g.Close()
			cfg, err := ConfigFromGGUF(g)
			if !strings.HasPrefix(name, "llama-") {
				wantError(t, err, "general.architecture")
				return
			}
			opened++
			if err != nil {
				t.Fatal(err)
			}
			if err := CheckGGUF(g, cfg); err != nil {
				t.Error(err)
			}
			var golden struct {
				Config json.RawMessage `json:"reference_config"`
			}
			if err := json.Unmarshal(readShared(t, "vectors", "engine", "gguf", name, "golden.json"), &golden); err != nil {
				t.Fatal(err)
			}
			want, err := ParseConfig(withKey(t, golden.Config, "model_type", "llama"))
			if err != nil {
				t.Fatal(err)
			}
			// Llama 3's scaling is a tensor in GGUF, eps is float32, tokens are the tokenizer's.
			factors, err := g.RopeFactors()
			if err != nil {
				t.Fatal(err)
			}
			checkFactors(t, factors, want)
			want.RopeScaling = RopeScaling{Type: RopeDefault, Factor: 1}
			want.RMSNormEps = float64(float32(want.RMSNormEps))
			want.BOSTokenID, want.EOSTokenIDs = cfg.BOSTokenID, cfg.EOSTokenIDs
			if !reflect.DeepEqual(cfg, want) {
				t.Errorf("%+v, want %+v", cfg, want)
			}
			for _, tensor := range g.Names() {
				x, err := g.Tensor(tensor)
				if err != nil {
					t.Fatal(err)
				}
				if err := x.CheckFinite(); err != nil {
					t.Error(err)
				}
				if _, err := x.Float32s(); err != nil {
					t.Error(err)
				}
			}
		})
	}
	if opened != 3 {
		t.Errorf("%d llama models were opened, want 3", opened)
	}
}

// checkFactors compares the stored divisors with those that Llama 3's formula
// gives, evaluated in float64.
func checkFactors(t *testing.T, factors []float32, c *Config) {
	t.Helper()
	if len(factors) != c.HeadDim/2 {
		t.Errorf("%d rope factors, want %d", len(factors), c.HeadDim/2)
		return
	}
	s := c.RopeScaling
	for i, got := range factors {
		wavelength := 2 * math.Pi * math.Pow(c.RopeTheta, float64(2*i)/float64(c.HeadDim))
		original := float64(s.OriginalMaxPositionEmbeddings)
		want := 1.0
		switch {
		case wavelength > original/s.LowFreqFactor:
			want = s.Factor
		case wavelength >= original/s.HighFreqFactor:
			smooth := (original/wavelength - s.LowFreqFactor) / (s.HighFreqFactor - s.LowFreqFactor)
			want = 1 / ((1-smooth)/s.Factor + smooth)
		}
		if math.Abs(float64(got)-want) > 1e-5*want {
			t.Errorf("rope factor %d is %v, want %v", i, got, want)
		}
	}
}

// TestSmolLM2 opens a real model of 100 MB.
func TestSmolLM2(t *testing.T) {
	g, err := OpenGGUF(os.DirFS(sharedDir(t, "data", "models", "smollm2-135m-instruct")), "SmolLM2-135M-Instruct.Q4_1.gguf")
	if err != nil {
		t.Fatal(err)
	}
	defer g.Close()
	cfg, err := ConfigFromGGUF(g)
	if err != nil {
		t.Fatal(err)
	}
	if err := CheckGGUF(g, cfg); err != nil {
		t.Fatal(err)
	}
	want := readConfig(t, "data", "tokenizers", "smollm2", "config.json")
	want.RMSNormEps, want.DType = float64(float32(want.RMSNormEps)), ""
	if !reflect.DeepEqual(cfg, want) {
		t.Errorf("%+v, config.json says %+v", cfg, want)
	}
	kinds := map[DType]int{}
	for _, name := range g.Names() {
		x, err := g.Tensor(name)
		if err != nil {
			t.Fatal(err)
		}
		kinds[x.DType]++
		if err := x.CheckFinite(); err != nil {
			t.Error(err)
		}
	}
	if want := map[DType]int{Q4_1: 210, Q8_0: 1, F32: 61}; !reflect.DeepEqual(kinds, want) {
		t.Errorf("storage %v, want %v", kinds, want)
	}
	tokens, err := g.Strings("tokenizer.ggml.tokens")
	if err != nil || len(tokens) != 49152 || tokens[2] != "<|im_end|>" {
		t.Errorf("%d tokens, %v", len(tokens), err)
	}
	merges, err := g.Strings("tokenizer.ggml.merges")
	if err != nil || len(merges) != 48900 {
		t.Errorf("%d merges, %v", len(merges), err)
	}
	kindsOfToken, err := g.Ints("tokenizer.ggml.token_type")
	if err != nil || len(kindsOfToken) != 49152 || kindsOfToken[0] != 3 {
		t.Errorf("%d token types, %v", len(kindsOfToken), err)
	}
	factors, err := g.RopeFactors()
	if err != nil || factors != nil {
		t.Errorf("rope factors %v, %v, want none", factors, err)
	}
	const sum = "sha256:b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
	if got, err := g.Hash(t.Context()); err != nil || got != sum {
		t.Errorf("hash %s, %v, want %s", got, err, sum)
	}
}

func TestRopeFactorsRefuses(t *testing.T) {
	b := smallGGUF()
	b.tensor("rope_freqs.weight", 1) // zero
	g, err := ParseGGUF("f.gguf", b.bytes())
	if err != nil {
		t.Fatal(err)
	}
	_, err = g.RopeFactors()
	wantError(t, err, "tensor rope_freqs.weight: value 0 is 0")
}

// TestNames translates every tensor of a model there and back.
func TestNames(t *testing.T) {
	cfg, err := ParseConfig([]byte(`{"model_type":"llama","num_hidden_layers":11,"attention_bias":true,"mlp_bias":true}`))
	if err != nil {
		t.Fatal(err)
	}
	for _, spec := range cfg.Tensors() {
		gguf, ok := GGUFName("llama", spec.Name)
		if !ok {
			t.Errorf("%s has no GGUF name", spec.Name)
		}
		if back, ok := HuggingFaceName("llama", gguf); !ok || back != spec.Name {
			t.Errorf("%s is %s, and that is %q", spec.Name, gguf, back)
		}
	}
	for gguf, want := range map[string]string{
		"token_embd.weight":         "model.embed_tokens.weight",
		"output_norm.weight":        "model.norm.weight",
		"output.weight":             "lm_head.weight",
		"blk.10.attn_q.bias":        "model.layers.10.self_attn.q_proj.bias",
		"blk.3.attn_output.weight":  "model.layers.3.self_attn.o_proj.weight",
		"blk.3.ffn_norm.weight":     "model.layers.3.post_attention_layernorm.weight",
		"rope_freqs.weight":         "",
		"blk.03.attn_q.weight":      "",
		"blk.-1.attn_q.weight":      "",
		"blk.1.attn_q":              "",
		"blk.1.ffn_gate_inp.weight": "",
		"attn_q.weight":             "",
	} {
		if got, ok := HuggingFaceName("llama", gguf); got != want || ok != (want != "") {
			t.Errorf("%s: %q, %v, want %q", gguf, got, ok, want)
		}
	}
	if _, ok := HuggingFaceName("mamba", "output.weight"); ok {
		t.Error("names of an unknown architecture")
	}
}

// TestRowPermutation permutes row numbers as the converter does, by
// reshape(heads, 2, half).swapaxes(1, 2), and finds them again.
func TestRowPermutation(t *testing.T) {
	cfg := &Config{ModelType: "llama", HeadDim: 6, NumAttentionHeads: 3, NumKeyValueHeads: 3}
	half := cfg.HeadDim / 2
	var stored []int // GGUF row → Hugging Face row
	for head := range cfg.NumAttentionHeads {
		for i := range half {
			for a := range 2 {
				stored = append(stored, (head*2+a)*half+i)
			}
		}
	}
	for _, name := range []string{"model.layers.0.self_attn.q_proj.weight", "model.layers.7.self_attn.k_proj.bias"} {
		source := RowPermutation(name, cfg)
		for row := range stored {
			if got := stored[source(row)]; got != row {
				t.Errorf("%s: row %d comes from GGUF row %d, which is row %d", name, row, source(row), got)
			}
		}
	}
	for _, name := range []string{"model.layers.0.self_attn.v_proj.weight", "model.layers.0.self_attn.o_proj.weight", "model.embed_tokens.weight"} {
		if RowPermutation(name, cfg) != nil {
			t.Errorf("%s is permuted", name)
		}
	}
}

func FuzzGGUF(f *testing.F) {
	f.Add(smallGGUF().bytes())
	v2 := smallGGUF()
	v2.version = 2
	v2.pair("a", ggufArray, le(uint32(ggufArray))+le(uint64(1))+le(uint32(ggufString))+le(uint64(1))+ggufText("x"))
	v2.u32("general.alignment", 8)
	f.Add(v2.bytes())
	f.Add(binary.LittleEndian.AppendUint64([]byte("GGUF\x03\x00\x00\x00"), math.MaxUint64))
	blocks := &ggufBuilder{version: 3}
	blocks.info("q8", []uint64{32}, 8, 0)
	blocks.info("q4", []uint64{32, 2}, 3, 64)
	blocks.info("bf", []uint64{3}, 30, 128)
	blocks.data = make([]byte, 160)
	f.Add(blocks.bytes())
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
		cfg, err := ConfigFromGGUF(g)
		if err != nil {
			return
		}
		plausible(t, cfg)
		if err := CheckGGUF(g, cfg); err == nil && len(g.Names()) < len(cfg.Tensors()) {
			t.Fatal("tensors are missing, and nobody said so")
		}
	})
}
