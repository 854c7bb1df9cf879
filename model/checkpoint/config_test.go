package checkpoint

import (
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

func TestParseConfig(t *testing.T) {
	want := &Config{
		ModelType: "llama", HiddenSize: 4096, IntermediateSize: 14336, NumHiddenLayers: 32, NumAttentionHeads: 32,
		NumKeyValueHeads: 8, HeadDim: 128, VocabSize: 128256, MaxPositionEmbeddings: 131072, RMSNormEps: 1e-5, HiddenAct: "silu",
		RopeTheta:   500000,
		RopeScaling: RopeScaling{Type: "llama3", Factor: 8, LowFreqFactor: 1, HighFreqFactor: 4, OriginalMaxPositionEmbeddings: 8192},
		BOSTokenID:  128000, EOSTokenIDs: []int{128001, 128008, 128009}, DType: "bfloat16",
	}
	got, err := ParseConfig([]byte(llamaJSON))
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%+v, %v, want %+v", got, err, want)
	}
}

// TestConfigDefaults checks the defaults of LlamaConfig.
func TestConfigDefaults(t *testing.T) {
	want := &Config{
		ModelType: "llama", HiddenSize: 4096, IntermediateSize: 11008, NumHiddenLayers: 32, NumAttentionHeads: 32,
		NumKeyValueHeads: 32, HeadDim: 128, VocabSize: 32000, MaxPositionEmbeddings: 2048, RMSNormEps: 1e-6, HiddenAct: "silu",
		RopeTheta: 10000, RopeScaling: RopeScaling{Type: "default", Factor: 1}, BOSTokenID: 1, EOSTokenIDs: []int{2},
	}
	got, err := ParseConfig([]byte(`{"model_type":"llama"}`))
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%+v, %v, want %+v", got, err, want)
	}
	none, err := ParseConfig([]byte(`{"model_type":"llama","bos_token_id":null,"eos_token_id":null,"num_key_value_heads":null,"head_dim":null,"rope_scaling":null,"pad_token_id":-1}`))
	if err != nil || none.BOSTokenID != -1 || none.EOSTokenIDs != nil || none.NumKeyValueHeads != 32 || none.HeadDim != 128 {
		t.Errorf("with nulls: %+v, %v", none, err)
	}
}

// TestRopeSpellings reads the same scaling in every spelling.
func TestRopeSpellings(t *testing.T) {
	for _, tt := range []struct {
		name, json string
		theta      float64
		want       RopeScaling
	}{
		{"nested", `"rope_parameters":{"rope_type":"linear","factor":2,"rope_theta":7}`, 7, RopeScaling{Type: "linear", Factor: 2}},
		{"top level", `"rope_theta":7,"rope_scaling":{"rope_type":"linear","factor":2.0}`, 7, RopeScaling{Type: "linear", Factor: 2}},
		{"type", `"rope_theta":7,"rope_scaling":{"type":"linear","factor":2}`, 7, RopeScaling{Type: "linear", Factor: 2}},
		{"type twice", `"rope_scaling":{"type":"linear","rope_type":"linear","factor":2}`, 10000, RopeScaling{Type: "linear", Factor: 2}},
		{"both, equal", `"rope_theta":7,"rope_parameters":{"rope_type":"linear","factor":2,"rope_theta":7},"rope_scaling":{"type":"linear","factor":2}`, 7, RopeScaling{Type: "linear", Factor: 2}},
		{"default", `"rope_parameters":{"rope_type":"default","rope_theta":7}`, 7, RopeScaling{Type: "default", Factor: 1}},
		{"theta only", `"rope_parameters":{"rope_theta":7}`, 7, RopeScaling{Type: "default", Factor: 1}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c, err := ParseConfig([]byte(`{"model_type":"llama",` + tt.json + `}`))
			if err != nil {
				t.Fatal(err)
			}
			if c.RopeTheta != tt.theta || c.RopeScaling != tt.want {
				t.Errorf("theta %v, scaling %+v, want %v, %+v", c.RopeTheta, c.RopeScaling, tt.theta, tt.want)
			}
		})
	}
}

func TestParseConfigRefuses(t *testing.T) {
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
		{"eos in a list beyond", "eos_token_id", []int{1, 1 << 30}, "eos_token_id is 1073741824"},
		{"activation", "hidden_act", "gelu", `hidden_act "gelu" is not known for llama`},
		{"encoder", "is_encoder_decoder", true, "is_encoder_decoder is true, want false"},
		{"partial rotary", "partial_rotary_factor", 0.5, "partial_rotary_factor is the number 0.5, want 1"},
		{"quantised", "quantization", map[string]any{"bits": 4}, "quantization: quantised safetensors"},
		{"dtypes differ", "dtype", "float16", `dtype "float16" and torch_dtype "bfloat16" differ`},
		{"sliding window", "sliding_window", 4096, "sliding_window: llama attends to all positions"},
		{"theta 0", "rope_theta", 0, "rope_theta is 0, want more than 0"},
		{"rope a list", "rope_scaling", []int{}, "rope_scaling is an array, want an object"},
		{"rope unknown", "rope_scaling", map[string]any{"rope_type": "yarn", "factor": 2}, `rope_scaling: rope_type "yarn" is not known for llama`},
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
			_, err := ParseConfig(withKey(t, []byte(llamaJSON), tt.key, tt.value))
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
			_, err := ParseConfig([]byte(tt.json))
			wantError(t, err, tt.want)
		})
	}
}

// TestHarmlessKeys wants a reason for every key that is passed over.
func TestHarmlessKeys(t *testing.T) {
	for key, reason := range harmlessKeys("llama") {
		if len(reason) < 10 {
			t.Errorf("%s: reason %q", key, reason)
		}
	}
}

// TestOtherModelTypes refuses every configuration of another architecture by
// its name.
func TestOtherModelTypes(t *testing.T) {
	paths, err := filepath.Glob(filepath.Join(sharedDir(t, "vectors", "engine", "models"), "*", "config*.json"))
	if err != nil {
		t.Fatal(err)
	}
	refused := 0
	for _, path := range paths {
		if strings.Contains(path, "llama-") {
			continue
		}
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		_, err = ParseConfig(data)
		wantError(t, err, "is not known, want one of: "+knownModelTypes)
		refused++
	}
	if refused == 0 {
		t.Error("no configuration was tried")
	}
}

func TestRealConfigs(t *testing.T) {
	c := readConfig(t, "data", "tokenizers", "smollm2", "config.json")
	if c.HiddenSize != 576 || c.NumAttentionHeads != 9 || c.NumKeyValueHeads != 3 || c.HeadDim != 64 || c.RopeTheta != 100000 || !c.TieWordEmbeddings {
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
	f.Add([]byte(`{"model_type":"llama","x":` + nested(100) + `}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := ParseConfig(data)
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
	if c.NumKeyValueHeads < 1 || c.NumAttentionHeads%c.NumKeyValueHeads != 0 || c.HeadDim < 2 || c.HeadDim%2 != 0 {
		t.Fatalf("accepted heads: %+v", c)
	}
	if !(c.RMSNormEps > 0) || !(c.RopeTheta > 0) || !(c.RopeScaling.Factor >= 1) {
		t.Fatalf("accepted numbers: %+v", c)
	}
	for _, id := range c.EOSTokenIDs {
		if id < 0 || id >= c.VocabSize {
			t.Fatalf("accepted token %d: %+v", id, c)
		}
	}
	for _, spec := range c.Tensors() {
		if _, err := F64.bytesOf(spec.Shape); err != nil {
			t.Fatalf("%s: %v", spec.Name, err)
		}
	}
}
