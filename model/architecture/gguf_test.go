package architecture

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/ailiance/lorabench/model/checkpoint"
	"github.com/ailiance/lorabench/model/checkpoint/checkpointtest"
)

func TestFromGGUFRefuses(t *testing.T) {
	drop := func(key string) func(*checkpointtest.GGUF) {
		return func(b *checkpointtest.GGUF) {
			b.Pairs = slices.DeleteFunc(b.Pairs, func(p string) bool { return strings.HasPrefix(p, checkpointtest.Text(key)) })
		}
	}
	with := func(key string, v uint32) func(*checkpointtest.GGUF) {
		return func(b *checkpointtest.GGUF) { drop(key)(b); b.U32(key, v) }
	}
	for _, tt := range []struct {
		name string
		file func(b *checkpointtest.GGUF)
		want string
	}{
		{"no architecture", drop("general.architecture"), "no such metadata key: general.architecture"},
		{"other architecture", func(b *checkpointtest.GGUF) { drop("general.architecture")(b); b.Text("general.architecture", "mamba") }, `general.architecture "mamba" is not known, want one of: llama`},
		{"no layers", drop("llama.block_count"), "no such metadata key: llama.block_count"},
		{"too many layers", with("llama.block_count", 1<<20), "llama.block_count is 1048576, want 1 to 4096"},
		{"0 heads", with("llama.attention.head_count", 0), "llama.attention.head_count is 0, want 1 to"},
		{"heads per layer", func(b *checkpointtest.GGUF) {
			drop("llama.attention.head_count_kv")(b)
			b.Pair("llama.attention.head_count_kv", 9, checkpointtest.LE(uint32(4))+checkpointtest.LE(uint64(2))+checkpointtest.LE([]uint32{1, 1}))
		}, "llama.attention.head_count_kv has 2 elements, want 1, one a layer"},
		{"0 heads in a layer", func(b *checkpointtest.GGUF) {
			drop("llama.attention.head_count_kv")(b)
			b.Pair("llama.attention.head_count_kv", 9, checkpointtest.LE(uint32(4))+checkpointtest.LE(uint64(1))+checkpointtest.LE(uint32(0)))
		}, "llama.attention.head_count_kv of layer 0 is 0, want 1 to"},
		{"looks ahead", func(b *checkpointtest.GGUF) { b.Pair("llama.attention.causal", 7, "\x00") }, "llama.attention.causal is false"},
		{"rope factors beside scaling", func(b *checkpointtest.GGUF) {
			b.Text("llama.rope.scaling.type", "linear")
			b.F32("llama.rope.scaling.factor", 2)
			b.Tensor("rope_freqs.weight", 1)
			copy(b.Data[len(b.Data)-32:], checkpointtest.LE(float32(1)))
		}, "tensor rope_freqs.weight beside rope scaling linear"},
		{"heads do not divide", with("llama.attention.head_count_kv", 3), "num_attention_heads 2 is not a multiple of num_key_value_heads 3"},
		{"odd head", with("llama.rope.dimension_count", 3), "head_dim 3 is odd"},
		{"value heads differ", with("llama.attention.value_length", 4), "llama.attention.value_length differs from the head size 2"},
		{"partial rotary", with("llama.attention.key_length", 4), "llama.rope.dimension_count differs from the head size 4"},
		{"eps NaN", func(b *checkpointtest.GGUF) {
			drop("llama.attention.layer_norm_rms_epsilon")(b)
			b.F32("llama.attention.layer_norm_rms_epsilon", float32(math.NaN()))
		}, "llama.attention.layer_norm_rms_epsilon is NaN"},
		{"experts", with("llama.expert_count", 8), "llama.expert_count: mixtures of experts"},
		{"unknown key", with("llama.logit_scale", 1), `metadata key "llama.logit_scale" is not known`},
		{"longrope", func(b *checkpointtest.GGUF) { b.Text("llama.rope.scaling.type", "longrope") }, `llama.rope.scaling.type "longrope" is not known`},
		{"yarn without factor", func(b *checkpointtest.GGUF) { b.Text("llama.rope.scaling.type", "yarn") }, "llama.rope.scaling.factor is 0"},
		{"yarn of another strength", func(b *checkpointtest.GGUF) {
			b.Text("llama.rope.scaling.type", "yarn")
			b.F32("llama.rope.scaling.factor", 2)
			b.F32("llama.rope.scaling.yarn_attn_factor", 1)
		}, "llama.rope.scaling.yarn_attn_factor is 1, want 1.069"},
		{"linear without factor", func(b *checkpointtest.GGUF) { b.Text("llama.rope.scaling.type", "linear") }, "llama.rope.scaling.factor is 0"},
		{"eos beyond the vocabulary", with("tokenizer.ggml.eos_token_id", 8), "tokenizer.ggml.eos_token_id is 8, want 0 to 7"},
		{"vocabulary 0", with("llama.vocab_size", 0), "llama.vocab_size is 0"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := checkpointtest.SmallGGUF()
			tt.file(b)
			g, err := checkpoint.ParseGGUF("f.gguf", b.Bytes())
			if err != nil {
				t.Fatal(err)
			}
			_, err = FromGGUF(g)
			wantError(t, err, tt.want)
		})
	}
}

func TestFromGGUFScaling(t *testing.T) {
	b := checkpointtest.SmallGGUF()
	b.Text("llama.rope.scaling.type", "linear")
	b.F32("llama.rope.scaling.factor", 4)
	b.U32("llama.rope.scaling.original_context_length", 4)
	b.U32("tokenizer.ggml.bos_token_id", 1)
	b.U32("tokenizer.ggml.eos_token_id", 2)
	b.U32("tokenizer.ggml.eot_token_id", 5)
	g, err := checkpoint.ParseGGUF("f.gguf", b.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	c, err := FromGGUF(g)
	if err != nil {
		t.Fatal(err)
	}
	if want := (Rope{Type: "linear", HeadDim: 2, Theta: 10000, Factor: 4, AttentionFactor: 1}); !reflect.DeepEqual(c.Ropes, []Rope{want}) || c.BOSTokenID != 1 || !slices.Equal(c.EOSTokenIDs, []int{2, 5}) {
		t.Errorf("%+v", c)
	}
}

// TestCheckGGUF takes a tensor away, adds one, and changes a shape.
func TestCheckGGUF(t *testing.T) {
	b := checkpointtest.SmallGGUF()
	b.Tensor("blk.1.attn_q.weight", 4, 4)
	g, err := checkpoint.ParseGGUF("f.gguf", b.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	c, err := FromGGUF(g)
	if err != nil {
		t.Fatal(err)
	}
	wantError(t, c.Check(g), "tensor blk.1.attn_q.weight belongs to no module of llama with 1 layers")
	c.NumHiddenLayers = 2
	c.uniformLayers()
	wantError(t, c.Check(g), "tensor blk.1.attn_norm.weight (model.layers.1.input_layernorm.weight) is missing")
	c.IntermediateSize = 5
	c.uniformLayers()
	wantError(t, c.Check(g), "tensor blk.0.ffn_gate.weight (model.layers.0.mlp.gate_proj.weight): shape [6 4], want [5 4]")
}

// TestGGUFModels opens the vectors' models and compares their configuration with
// the one that they were made from.
func TestGGUFModels(t *testing.T) {
	root := sharedDir(t, "vectors", "engine", "gguf")
	paths, err := filepath.Glob(root + "/*/model.gguf")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no models: %v", err)
	}
	for _, path := range paths {
		name := filepath.Base(filepath.Dir(path))
		t.Run(name, func(t *testing.T) {
			g, err := checkpoint.OpenGGUF(os.DirFS(filepath.Dir(path)), "model.gguf")
			if err != nil {
				t.Fatal(err)
			}
			defer g.Close()
			cfg, err := FromGGUF(g)
			if err != nil {
				var unsupported *checkpoint.UnsupportedError
				if !errors.As(err, &unsupported) {
					t.Error(err)
				}
				t.Logf("refused: %v", err)
				return
			}
			if err := cfg.Check(g); err != nil {
				t.Error(err)
			}
			var golden struct {
				Config json.RawMessage `json:"reference_config"`
			}
			if err := json.Unmarshal(readShared(t, "vectors", "engine", "gguf", name, "golden.json"), &golden); err != nil {
				t.Fatal(err)
			}
			want, err := Parse(withKey(t, golden.Config, "model_type", cfg.ModelType))
			if err != nil {
				t.Fatal(err)
			}
			// Llama 3's scaling is a tensor in GGUF, eps is float32, tokens are the tokenizer's.
			if r := want.Ropes[0]; r.Type == RopeLlama3 {
				checkFactors(t, cfg.Ropes[0].Divisors, r)
				cfg.Ropes[0].Divisors = nil
				want.Ropes[0] = defaultRope(r.HeadDim, r.Theta)
			}
			want.RMSNormEps = float64(float32(want.RMSNormEps))
			want.BOSTokenID, want.EOSTokenIDs, want.tieAssumed = cfg.BOSTokenID, cfg.EOSTokenIDs, false
			if !reflect.DeepEqual(cfg, want) {
				t.Errorf("%+v, want %+v", cfg, want)
			}
		})
	}
}

// checkFactors compares the stored divisors with those that Llama 3's formula
// gives, evaluated in float64.
func checkFactors(t *testing.T, factors []float32, s Rope) {
	t.Helper()
	if len(factors) != s.HeadDim/2 {
		t.Errorf("%d rope factors, want %d", len(factors), s.HeadDim/2)
		return
	}
	for i, got := range factors {
		wavelength := 2 * math.Pi * math.Pow(s.Theta, float64(2*i)/float64(s.HeadDim))
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
	g, err := checkpoint.OpenGGUF(os.DirFS(sharedDir(t, "data", "models", "smollm2-135m-instruct")), "SmolLM2-135M-Instruct.Q4_1.gguf")
	if err != nil {
		t.Fatal(err)
	}
	defer g.Close()
	cfg, err := FromGGUF(g)
	if err != nil {
		t.Fatal(err)
	}
	if err := cfg.Check(g); err != nil {
		t.Fatal(err)
	}
	want := readConfig(t, "data", "tokenizers", "smollm2", "config.json")
	want.RMSNormEps, want.DType = float64(float32(want.RMSNormEps)), ""
	if !reflect.DeepEqual(cfg, want) {
		t.Errorf("%+v, config.json says %+v", cfg, want)
	}
	kinds := map[checkpoint.DType]int{}
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
	if want := map[checkpoint.DType]int{checkpoint.Q4_1: 210, checkpoint.Q8_0: 1, checkpoint.F32: 61}; !reflect.DeepEqual(kinds, want) {
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

// TestNames gives every tensor of a model a name of its own.
func TestNames(t *testing.T) {
	for _, text := range []string{
		`{"model_type":"llama","num_hidden_layers":11,"attention_bias":true,"mlp_bias":true}`,
		`{"model_type":"gemma4_text","num_hidden_layers":12,"num_kv_shared_layers":3}`,
		`{"model_type":"olmo2","num_hidden_layers":2}`,
	} {
		cfg, err := Parse([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		of := map[string]string{}
		for _, spec := range cfg.Tensors() {
			gguf, ok := cfg.GGUFName(spec.Name)
			if !ok || of[gguf] != "" {
				t.Errorf("%s is %q, as is %q", spec.Name, gguf, of[gguf])
			}
			of[gguf] = spec.Name
		}
	}
	cfg, err := Parse([]byte(`{"model_type":"llama","num_hidden_layers":11,"attention_bias":true}`))
	if err != nil {
		t.Fatal(err)
	}
	for hf, want := range map[string]string{
		"model.embed_tokens.weight":                      "token_embd.weight",
		"model.norm.weight":                              "output_norm.weight",
		"lm_head.weight":                                 "output.weight",
		"model.layers.10.self_attn.q_proj.bias":          "blk.10.attn_q.bias",
		"model.layers.3.self_attn.o_proj.weight":         "blk.3.attn_output.weight",
		"model.layers.3.post_attention_layernorm.weight": "blk.3.ffn_norm.weight",
		"model.layers.11.self_attn.q_proj.weight":        "",
		"model.layers.03.self_attn.q_proj.weight":        "",
		"model.layers.-1.self_attn.q_proj.weight":        "",
		"model.layers.1.mlp.router.weight":               "",
		"self_attn.q_proj.weight":                        "",
	} {
		if got, ok := cfg.GGUFName(hf); got != want || ok != (want != "") {
			t.Errorf("%s: %q, %v, want %q", hf, got, ok, want)
		}
	}
}

// TestCanonical strips what wrappers put before the names of a decoder.
func TestCanonical(t *testing.T) {
	const module = "model.layers.0.mlp.up_proj"
	for path, want := range map[string]string{
		module: module, "model.language_model.layers.0.mlp.up_proj": module, "language_model.model.layers.0.mlp.up_proj": module,
		"lm_head": "lm_head", "language_model.lm_head": "lm_head", "model.language_model.lm_head.weight": "lm_head.weight",
		"language_model.lm_headless": "language_model.lm_headless", "vision_tower.layers.0": "vision_tower.layers.0",
	} {
		if got := Canonical(path); got != want {
			t.Errorf("%s: %s, want %s", path, got, want)
		}
	}
}

// TestRowPermutation permutes row numbers as the converter does, by
// reshape(heads, 2, half).swapaxes(1, 2), and finds them again.
func TestRowPermutation(t *testing.T) {
	cfg, err := Parse([]byte(`{"model_type":"llama","head_dim":6,"num_attention_heads":3}`))
	if err != nil {
		t.Fatal(err)
	}
	g, err := checkpoint.ParseGGUF("f.gguf", checkpointtest.SmallGGUF().Bytes())
	if err != nil {
		t.Fatal(err)
	}
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
		source := cfg.RowPermutation(g, name)
		for row := range stored {
			if got := stored[source(row)]; got != row {
				t.Errorf("%s: row %d comes from GGUF row %d, which is row %d", name, row, source(row), got)
			}
		}
	}
	for _, name := range []string{"model.layers.0.self_attn.v_proj.weight", "model.layers.0.self_attn.o_proj.weight", "model.embed_tokens.weight"} {
		if cfg.RowPermutation(g, name) != nil {
			t.Errorf("%s is permuted", name)
		}
	}
}

// smallGGUF is checkpointtest's, under the name of another architecture and with
// the keys that it needs.
func smallGGUF(name string) *checkpointtest.GGUF {
	b := checkpointtest.SmallGGUF()
	for i, pair := range b.Pairs {
		n := binary.LittleEndian.Uint64([]byte(pair))
		b.Pairs[i] = checkpointtest.Text(strings.Replace(pair[8:8+n], "llama.", name+".", 1)) + pair[8+n:]
	}
	b.Pairs[0] = checkpointtest.Text("general.architecture") + checkpointtest.LE(uint32(8)) + checkpointtest.Text(name)
	bools := func(v string) string { return checkpointtest.LE(uint32(7)) + checkpointtest.LE(uint64(len(v))) + v }
	switch name {
	case "granite":
		b.F32("granite.logit_scale", 8)
	case "apertus":
		for _, key := range []string{"alpha_p", "alpha_n", "beta", "eps"} {
			b.F32("xielu."+key, 0.5)
		}
	case "mistral3":
		b.Text("mistral3.rope.scaling.type", "yarn")
		b.F32("mistral3.rope.scaling.factor", 4)
		b.F32("mistral3.attention.temperature_scale", 0.1)
	case "gemma3":
		b.U32("gemma3.attention.sliding_window", 4)
	case "gemma4":
		b.U32("gemma4.attention.key_length_swa", 4)
		b.U32("gemma4.attention.sliding_window", 4)
		b.Pair("gemma4.attention.sliding_window_pattern", 9, bools("\x00"))
		b.U32("gemma4.attention.shared_kv_layers", 0)
		b.Tensor("rope_freqs.weight", 1)
		copy(b.Data[len(b.Data)-32:], checkpointtest.LE(float32(1e30)))
	}
	return b
}

// TestFromGGUFArchitectures reads what is each architecture's own.
func TestFromGGUFArchitectures(t *testing.T) {
	for _, a := range architectures {
		if a.ggufName == "" {
			continue
		}
		t.Run(a.ggufName, func(t *testing.T) {
			g, err := checkpoint.ParseGGUF("f.gguf", smallGGUF(a.ggufName).Bytes())
			if err != nil {
				t.Fatal(err)
			}
			c, err := FromGGUF(g)
			if err != nil {
				t.Fatal(err)
			}
			if c.ModelType != a.modelType {
				t.Errorf("model type %s, want %s", c.ModelType, a.modelType)
			}
		})
	}
}

func FuzzFromGGUF(f *testing.F) {
	for _, a := range architectures {
		if a.ggufName != "" {
			f.Add(smallGGUF(a.ggufName).Bytes())
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		g, err := checkpoint.ParseGGUF("f", data)
		if err != nil {
			return
		}
		cfg, err := FromGGUF(g)
		if err != nil {
			return
		}
		plausible(t, cfg)
		if err := cfg.Check(g); err == nil && len(g.Names()) < len(cfg.Tensors()) {
			t.Fatal("tensors are missing, and nobody said so")
		}
	})
}
