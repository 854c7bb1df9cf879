package architecture

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// llamaJSON is a whole config.json as transformers 4 wrote it.
const llamaJSON = `{"architectures":["LlamaForCausalLM"],"attention_bias":false,"attention_dropout":0.0,"bos_token_id":128000,
"eos_token_id":[128001,128008,128009],"hidden_act":"silu","hidden_size":4096,"initializer_range":0.02,"intermediate_size":14336,
"max_position_embeddings":131072,"mlp_bias":false,"model_type":"llama","num_attention_heads":32,"num_hidden_layers":32,
"num_key_value_heads":8,"pretraining_tp":1,"rms_norm_eps":1e-05,"rope_scaling":{"factor":8.0,"low_freq_factor":1.0,
"high_freq_factor":4.0,"original_max_position_embeddings":8192,"rope_type":"llama3"},"rope_theta":500000.0,
"tie_word_embeddings":false,"torch_dtype":"bfloat16","transformers_version":"4.42.3","use_cache":true,"vocab_size":128256}`

func TestParse(t *testing.T) {
	want := newConfig()
	want.architecture = &llama
	want.ModelType, want.HiddenSize, want.IntermediateSize, want.NumHiddenLayers, want.NumAttentionHeads = "llama", 4096, 14336, 32, 32
	want.NumKeyValueHeads, want.HeadDim, want.VocabSize, want.MaxPositionEmbeddings, want.RMSNormEps = 8, 128, 128256, 131072, 1e-5
	want.BOSTokenID, want.EOSTokenIDs, want.DType = 128000, []int{128001, 128008, 128009}, "bfloat16"
	want.Ropes = []Rope{{Type: "llama3", HeadDim: 128, Theta: 500000, Factor: 8, LowFreqFactor: 1, HighFreqFactor: 4,
		OriginalMaxPositionEmbeddings: 8192, AttentionFactor: 1}}
	want.AttentionScale = 1 / math.Sqrt(128)
	want.NormNames = [numNorms]string{BeforeAttention: "input_layernorm", BeforeFeedForward: "post_attention_layernorm"}
	want.uniformLayers()
	got, err := Parse([]byte(llamaJSON))
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%+v, %v, want %+v", got, err, want)
	}
}

// TestDefaults checks the defaults of each class of transformers.
func TestDefaults(t *testing.T) {
	type sizes struct {
		Hidden, Intermediate, Layers, Heads, KVHeads, HeadDim, Vocab, Positions int
		Eps, Theta                                                              float64
		Tied                                                                    bool
		BOS                                                                     int
		EOS                                                                     []int
		Window                                                                  int // of layer 0
	}
	for name, want := range map[string]sizes{
		"llama":       {4096, 11008, 32, 32, 32, 128, 32000, 2048, 1e-6, 10000, false, 1, []int{2}, 0},
		"mistral":     {4096, 14336, 32, 32, 8, 128, 32000, 131072, 1e-6, 10000, false, 1, []int{2}, 4096},
		"ministral3":  {4096, 14336, 34, 32, 8, 128, 131072, 262144, 1e-5, 1e6, false, 1, []int{2}, 0},
		"qwen2":       {4096, 22016, 32, 32, 32, 128, 151936, 32768, 1e-6, 10000, false, -1, nil, 0},
		"qwen3":       {4096, 22016, 32, 32, 32, 128, 151936, 32768, 1e-6, 10000, false, -1, nil, 0},
		"apertus":     {4096, 14336, 32, 32, 32, 128, 131072, 65536, 1e-5, 12e6, false, 1, []int{2}, 0},
		"gemma3_text": {2304, 9216, 26, 8, 4, 256, 262208, 131072, 1e-6, 1e6, true, 2, []int{1}, 4096},
		"gemma4_text": {2304, 9216, 30, 8, 4, 256, 262144, 131072, 1e-6, 1e6, true, 2, []int{1}, 512},
		"granite":     {4096, 11008, 32, 32, 32, 128, 32000, 2048, 1e-6, 10000, false, 1, []int{2}, 0},
		"olmo2":       {4096, 11008, 32, 32, 32, 128, 50304, 2048, 1e-5, 10000, false, -1, []int{50279}, 0},
	} {
		c, err := Parse([]byte(`{"model_type":"` + name + `"}`))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		got := sizes{
			c.HiddenSize, c.IntermediateSize, c.NumHiddenLayers, c.NumAttentionHeads, c.NumKeyValueHeads, c.HeadDim, c.VocabSize,
			c.MaxPositionEmbeddings, c.RMSNormEps, c.Ropes[0].Theta, c.TieWordEmbeddings, c.BOSTokenID, c.EOSTokenIDs, c.Layers[0].Window,
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %+v, want %+v", name, got, want)
		}
	}
	none, err := Parse([]byte(`{"model_type":"llama","bos_token_id":null,"eos_token_id":null,"num_key_value_heads":null,"head_dim":null,"rope_scaling":null,"pad_token_id":-1}`))
	if err != nil || none.BOSTokenID != -1 || none.EOSTokenIDs != nil || none.NumKeyValueHeads != 32 || none.HeadDim != 128 {
		t.Errorf("with nulls: %+v, %v", none, err)
	}
}

// TestRopeSpellings reads the same scaling in every spelling.
func TestRopeSpellings(t *testing.T) {
	linear := Rope{Type: "linear", HeadDim: 128, Theta: 7, Factor: 2, AttentionFactor: 1}
	other := linear
	other.Theta = 10000
	for _, tt := range []struct {
		name, json string
		want       Rope
	}{
		{"nested", `"rope_parameters":{"rope_type":"linear","factor":2,"rope_theta":7}`, linear},
		{"top level", `"rope_theta":7,"rope_scaling":{"rope_type":"linear","factor":2.0}`, linear},
		{"type", `"rope_theta":7,"rope_scaling":{"type":"linear","factor":2}`, linear},
		{"type twice", `"rope_scaling":{"type":"linear","rope_type":"linear","factor":2}`, other},
		{"both, equal", `"rope_theta":7,"rope_parameters":{"rope_type":"linear","factor":2,"rope_theta":7},"rope_scaling":{"type":"linear","factor":2}`, linear},
		{"default", `"rope_parameters":{"rope_type":"default","rope_theta":7}`, defaultRope(128, 7)},
		{"theta only", `"rope_parameters":{"rope_theta":7}`, defaultRope(128, 7)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c, err := Parse([]byte(`{"model_type":"llama",` + tt.json + `}`))
			if err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(c.Ropes, []Rope{tt.want}) {
				t.Errorf("%+v, want %+v", c.Ropes, tt.want)
			}
		})
	}
}

func TestParseRefuses(t *testing.T) {
	for _, tt := range []struct {
		name  string
		key   string
		value any
		want  string
	}{
		{"unknown key", "attn_logit_softcapping", 50, `key "attn_logit_softcapping" is not known`},
		{"no model type", "model_type", nil, "model_type is missing, want one of: llama"},
		{"other model type", "model_type", "mamba", `model_type "mamba" is not known, want one of: llama`},
		{"model type a number", "model_type", 1, "model_type is missing"},
		{"negative size", "hidden_size", -1, "hidden_size is -1, want 1 to 1048576"},
		{"size a fraction", "hidden_size", 4096.5, "hidden_size is 4096.5, want an integer"},
		{"size a string", "vocab_size", "128256", `vocab_size is the string "128256", want an integer`},
		{"size too large", "intermediate_size", 1e12, "intermediate_size is"},
		{"heads do not divide", "num_key_value_heads", 5, "num_attention_heads 32 is not a multiple of num_key_value_heads 5"},
		{"heads do not divide hidden", "num_attention_heads", 24, "hidden_size 4096 is not a multiple of num_attention_heads 24"},
		{"odd head", "head_dim", 127, "head_dim 127 is odd"},
		{"eps 0", "rms_norm_eps", 0, "rms_norm_eps is 0, want more than 0"},
		{"bool a string", "tie_word_embeddings", "false", "tie_word_embeddings is the string"},
		{"bos beyond the vocabulary", "bos_token_id", 128256, "bos_token_id is 128256, want 0 to 128255"},
		{"eos a string", "eos_token_id", "</s>", "eos_token_id is the string"},
		{"eos in a list negative", "eos_token_id", []int{1, -1}, "eos_token_id is -1"},
		{"activation", "hidden_act", "gelu", `hidden_act "gelu" is not known for this architecture`},
		{"encoder", "is_encoder_decoder", true, "is_encoder_decoder is true, want false"},
		{"partial rotary", "partial_rotary_factor", 0.5, "partial_rotary_factor is the number 0.5, want 1"},
		{"dtypes differ", "dtype", "float16", `dtype "float16" and torch_dtype "bfloat16" differ`},
		{"sliding window", "sliding_window", 4096, "sliding_window: llama attends to all positions"},
		{"theta 0", "rope_theta", 0, "rope_theta is 0, want more than 0"},
		{"rope a list", "rope_scaling", []int{}, "rope_scaling is an array, want an object"},
		{"rope unknown", "rope_scaling", map[string]any{"rope_type": "spiral", "factor": 2}, `rope_scaling: rope_type "spiral" is not known`},
		{"rope key unknown", "rope_scaling", map[string]any{"rope_type": "linear", "factor": 2, "beta": 1}, `rope_scaling: key "beta" is not known`},
		{"rope factor missing", "rope_scaling", map[string]any{"type": "linear"}, "rope_scaling: factor is missing, and rope_type linear needs it"},
		{"rope factor below 1", "rope_scaling", map[string]any{"type": "linear", "factor": 0.5}, "factor is 0.5, want 1 or more"},
		{"llama3 incomplete", "rope_scaling", map[string]any{"rope_type": "llama3", "factor": 8, "low_freq_factor": 1}, "high_freq_factor is missing"},
		{"llama3 reversed", "rope_scaling", map[string]any{"rope_type": "llama3", "factor": 8, "low_freq_factor": 4, "high_freq_factor": 1, "original_max_position_embeddings": 8}, "high_freq_factor 1 is not above low_freq_factor 4"},
		{"rope types differ", "rope_scaling", map[string]any{"rope_type": "linear", "type": "llama3", "factor": 8}, `rope_type "linear" and type "llama3" differ`},
		{"thetas differ", "rope_parameters", map[string]any{"rope_type": "default", "rope_theta": 10000}, "rope_theta is 500000"},
		{"scalings differ", "rope_parameters", map[string]any{"rope_type": "default"}, "rope_parameters and rope_scaling differ"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := Parse(withKey(t, []byte(llamaJSON), tt.key, tt.value))
			wantError(t, err, tt.want)
		})
	}
	for _, tt := range []struct{ name, json, want string }{
		{"empty", ``, "unexpected EOF"},
		{"list", `[]`, "want an object"},
		{"twice", `{"model_type":"llama","model_type":"llama"}`, `"model_type" is there twice`},
		{"more after", `{"model_type":"llama"}{}`, "more after"},
		{"eps beyond float64", `{"model_type":"llama","rms_norm_eps":1e999}`, "float64 does not hold"},
		{"all faults at once", `{"model_type":"llama","a":1,"hidden_size":0}`, `hidden_size is 0, want 1 to 1048576; key "a" is not known`},
		{"too long", strings.Repeat(" ", maxConfig+1), "bytes, more than"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := Parse([]byte(tt.json))
			wantError(t, err, tt.want)
		})
	}
}

// TestHarmlessKeys wants a reason for every key that is passed over.
func TestHarmlessKeys(t *testing.T) {
	for key, reason := range harmlessKeys {
		if len(reason) < 10 {
			t.Errorf("%s: reason %q", key, reason)
		}
	}
}

// TestSpellings reads every configuration of the vectors in its three spellings,
// which say the same.
func TestSpellings(t *testing.T) {
	paths, err := filepath.Glob(filepath.Join(sharedDir(t, "vectors", "engine", "models"), "*"))
	if err != nil || len(paths) == 0 {
		t.Fatalf("no models: %v", err)
	}
	for _, path := range paths {
		name := filepath.Base(path)
		cfg := readConfig(t, "vectors", "engine", "models", name, "config.json")
		for _, spelling := range []string{"config.legacy.json", "config.minimal.json"} {
			if _, err := os.Stat(filepath.Join(path, spelling)); err != nil {
				continue
			}
			got := readConfig(t, "vectors", "engine", "models", name, spelling)
			got.tieAssumed = cfg.tieAssumed // a key with its default is absent
			if !reflect.DeepEqual(got, cfg) {
				t.Errorf("%s of %s: %+v, config.json: %+v", spelling, name, got, cfg)
			}
		}
	}
}

func TestRealConfigs(t *testing.T) {
	c := readConfig(t, "data", "tokenizers", "smollm2", "config.json")
	if c.HiddenSize != 576 || c.NumAttentionHeads != 9 || c.NumKeyValueHeads != 3 || c.HeadDim != 64 || c.Ropes[0].Theta != 100000 || !c.TieWordEmbeddings {
		t.Errorf("SmolLM2: %+v", c)
	}
	c = readConfig(t, "data", "models", "tinystories-656k", "config.json")
	if c.HiddenSize != 128 || c.HeadDim != 16 || c.RMSNormEps != 1e-6 || !slices.Equal(c.EOSTokenIDs, []int{2}) {
		t.Errorf("tinystories: %+v", c)
	}
}

func FuzzConfig(f *testing.F) {
	f.Add([]byte(llamaJSON))
	f.Add([]byte(`{"model_type":"llama","rope_parameters":{"rope_type":"default","rope_theta":1e4},"eos_token_id":[1,2]}`))
	f.Add([]byte(`{"model_type":"llama","num_hidden_layers":1099511627776}`))
	f.Add([]byte(`{"model_type":"llama","x":` + strings.Repeat("[", 100) + strings.Repeat("]", 100) + `}`))
	for _, a := range architectures {
		f.Add([]byte(`{"model_type":"` + a.modelType + `","num_hidden_layers":7}`))
	}
	f.Add([]byte(`{"model_type":"gemma4","text_config":{"num_kv_shared_layers":2,"use_double_wide_mlp":true,"per_layer_config":{"5":{"head_dim":24}}}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := Parse(data)
		if err != nil {
			return
		}
		plausible(t, c)
	})
}

// plausible checks what callers rely on without checking again.
func plausible(t *testing.T, c *Config) {
	if c.HiddenSize < 1 || c.IntermediateSize < 1 || c.VocabSize < 1 || c.MaxPositionEmbeddings < 1 || c.NumHiddenLayers < 1 || c.NumHiddenLayers > maxLayers {
		t.Fatalf("accepted sizes: %+v", c)
	}
	for i, l := range c.Layers {
		if l.NumKeyValueHeads < 1 || c.NumAttentionHeads%l.NumKeyValueHeads != 0 || l.HeadDim < 2 || l.HeadDim%2 != 0 || l.KeyValueLayer > i || l.Window < 0 {
			t.Fatalf("accepted layer %d: %+v", i, l)
		}
		if c.Ropes[l.Rope].HeadDim != l.HeadDim {
			t.Fatalf("accepted rope of layer %d: %+v", i, c)
		}
	}
	for _, r := range c.Ropes {
		if !(r.Theta > 0) || !(r.Factor >= 1) || !(r.AttentionFactor > 0) {
			t.Fatalf("accepted rope: %+v", r)
		}
		for _, f := range r.Frequencies() {
			if f-f != 0 {
				t.Fatalf("frequency %v of %+v", f, r)
			}
		}
	}
	if !(c.RMSNormEps > 0) || !(c.AttentionScale > 0) {
		t.Fatalf("accepted numbers: %+v", c)
	}
	for _, id := range c.EOSTokenIDs {
		if id < 0 || id >= c.VocabSize {
			t.Fatalf("accepted token %d: %+v", id, c)
		}
	}
	for _, spec := range c.Tensors() {
		n := 8
		for _, d := range spec.Shape {
			if d < 1 || n > math.MaxInt/d {
				t.Fatalf("%s: shape %v", spec.Name, spec.Shape)
			}
			n *= d
		}
	}
}

// shared is where the reference vectors lie, beside the repository.
const shared = "../../../shared"

// sharedDir returns the path of a folder of reference material, or skips.
func sharedDir(t testing.TB, path ...string) string {
	t.Helper()
	if _, err := os.Stat(shared); err != nil {
		t.Skip("../shared is not there")
	}
	return filepath.Join(append([]string{shared}, path...)...)
}

func readConfig(t testing.TB, path ...string) *Config {
	t.Helper()
	data, err := os.ReadFile(sharedDir(t, path...))
	if err != nil {
		t.Fatal(err)
	}
	c, err := Parse(data)
	if err != nil {
		t.Fatalf("%v: %v", path, err)
	}
	return c
}

// wantError checks that err says what it should.
func wantError(t *testing.T, err error, want string) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("error %v, want one that says %q", err, want)
	}
}

// withKey returns a JSON object with a key changed; nil removes it.
func withKey(t *testing.T, data []byte, key string, value any) []byte {
	t.Helper()
	m := map[string]any{}
	if err := json.Unmarshal(data, &m); err != nil {
		t.Fatal(err)
	}
	if m[key] = value; value == nil {
		delete(m, key)
	}
	b, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
