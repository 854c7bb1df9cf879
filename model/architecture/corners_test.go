package architecture

import (
	"os"
	"reflect"
	"strings"
	"testing"
)

// TestCorners reads what transformers 5.24 reads in a way of its own; random
// configurations, compared with it logit by logit, showed each.
func TestCorners(t *testing.T) {
	for _, tt := range []struct {
		name, json string
		got        func(c *Config) any
		want       any
	}{
		{"original positions beside the rope count more", `{"model_type":"ministral3","original_max_position_embeddings":32,"rope_parameters":
			{"rope_type":"yarn","factor":2,"llama_4_scaling_beta":0.1,"original_max_position_embeddings":16}}`,
			func(c *Config) any { return []int{c.QueryScaleEvery, c.Ropes[0].OriginalMaxPositionEmbeddings} }, []int{32, 32}},
		{"queries need not grow", `{"model_type":"ministral3","rope_parameters":{"rope_type":"default","llama_4_scaling_beta":0,"original_max_position_embeddings":16}}`,
			func(c *Config) any { return c.QueryScaleBeta }, 0.0},
		{"null is the default of yarn", `{"model_type":"llama","rope_parameters":{"rope_type":"yarn","factor":4,"beta_fast":null,"beta_slow":0,"mscale":null,"mscale_all_dim":1,"attention_factor":null}}`,
			func(c *Config) any { return c.Ropes[0] },
			Rope{Type: RopeYarn, HeadDim: 128, Theta: 10000, Factor: 4, BetaFast: 32, BetaSlow: 1, Truncate: true, OriginalMaxPositionEmbeddings: 2048, AttentionFactor: 1.138629436111989}},
		{"_sliding_window_pattern is not read", `{"model_type":"gemma3_text","num_hidden_layers":2,"_sliding_window_pattern":1}`,
			func(c *Config) any { return c.Layers[0].Window }, 4096},
		{"thetas beside nested ropes", `{"model_type":"gemma3_text","rope_theta":5,"rope_local_base_freq":6,"rope_parameters":{"full_attention":{"rope_type":"default"},"sliding_attention":{"rope_theta":7}}}`,
			func(c *Config) any { return []float64{c.Ropes[0].Theta, c.Ropes[1].Theta} }, []float64{5, 7}},
		{"Gemma 3's wrapper does not bound logits", `{"model_type":"gemma3","text_config":{"final_logit_softcapping":30}}`,
			func(c *Config) any { return c.LogitSoftcap }, 0.0},
		{"Gemma 4's wrapper does", `{"model_type":"gemma4","text_config":{"final_logit_softcapping":30}}`,
			func(c *Config) any { return c.LogitSoftcap }, 30.0},
		{"layers of Ministral 8B", `{"model_type":"mistral","num_hidden_layers":3,"sliding_window":9,"layer_types":["full_attention","sliding_attention","full_attention"]}`,
			func(c *Config) any { return []int{c.Layers[0].Window, c.Layers[1].Window, c.Layers[2].Window} }, []int{0, 9, 0}},
		{"as transformers 5 writes it", `{"model_type":"ministral","num_hidden_layers":2,"sliding_window":9}`,
			func(c *Config) any { return []int{c.Layers[0].Window, c.Layers[1].Window} }, []int{9, 9}},
		{"keys of published files", `{"model_type":"gemma4","model_name":"x","text_config":{"expert_intermediate_size":null,"chunk_size_feed_forward":0,"is_decoder":false,"typical_p":1.0}}`,
			func(c *Config) any { return c.ModelType }, "gemma4_text"},
		{"Qwen2.5 has use_mrope", `{"model_type":"qwen2","use_mrope":false}`, func(c *Config) any { return c.ModelType }, "qwen2"},
		{"the wrapper says whether the head is tied", `{"model_type":"mistral3","tie_word_embeddings":false,"text_config":{"tie_word_embeddings":true}}`,
			func(c *Config) any { return []bool{c.TieWordEmbeddings, c.tieAssumed} }, []bool{false, false}},
		{"and its silence leaves it to the tensors", `{"model_type":"mistral3","text_config":{"tie_word_embeddings":false}}`,
			func(c *Config) any { return []bool{c.TieWordEmbeddings, c.tieAssumed} }, []bool{true, true}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c, err := Parse([]byte(tt.json))
			if err != nil {
				t.Fatal(err)
			}
			if got := tt.got(c); !reflect.DeepEqual(got, tt.want) {
				t.Errorf("%+v, want %+v", got, tt.want)
			}
		})
	}
}

// TestCornersRefused: what transformers would read as something else than the
// file means, or not at all.
func TestCornersRefused(t *testing.T) {
	for _, tt := range []struct{ name, json, want string }{
		{"type in Gemma 3's rope_scaling", `{"model_type":"gemma3_text","rope_scaling":{"type":"linear","factor":8}}`, "write rope_type"},
		{"flat ropes of Gemma", `{"model_type":"gemma3_text","rope_parameters":{"rope_type":"linear","factor":8}}`, `key "factor" is not known`},
		{"two scalings of Gemma", `{"model_type":"gemma3_text","rope_parameters":{},"rope_scaling":{"rope_type":"linear","factor":8}}`, "write one of them"},
		{"half of Gemma 4's ropes", `{"model_type":"gemma4_text","rope_parameters":{"sliding_attention":{"rope_type":"default","rope_theta":1}}}`, "full_attention is missing"},
		{"Gemma 4's rope without theta", `{"model_type":"gemma4_text","num_hidden_layers":1,"rope_parameters":{"full_attention":{"rope_type":"default"}}}`, "rope_theta is missing"},
		{"Gemma 4's rope without positions", `{"model_type":"gemma4_text","num_hidden_layers":1,"rope_parameters":{"full_attention":{"rope_type":"yarn","factor":2,"rope_theta":1}}}`, "original_max_position_embeddings is missing"},
		{"Gemma 4's theta outside", `{"model_type":"gemma4_text","rope_theta":7}`, `key "rope_theta" is not known`},
		{"truncate inside a layer type", `{"model_type":"gemma3_text","rope_parameters":{"full_attention":{"rope_type":"yarn","factor":2,"truncate":false}}}`, "truncate is false"},
		{"a part of Apertus' rope", `{"model_type":"apertus","rope_theta":7}`, "rope_theta without rope_scaling"},
		{"a part of Ministral 3's rope", `{"model_type":"ministral3","original_max_position_embeddings":7}`, "original_max_position_embeddings without rope_scaling"},
		{"queries that grow without end", `{"model_type":"ministral3","rope_parameters":{"rope_type":"default","llama_4_scaling_beta":0.1}}`, "original_max_position_embeddings is missing"},
		{"multimodal positions", `{"model_type":"qwen2","use_mrope":true}`, "use_mrope is true"},
		{"layers of Mistral in a wrapper", `{"model_type":"mistral3","text_config":{"num_hidden_layers":2,"layer_types":["full_attention","sliding_attention"]}}`, "one window for all layers"},
		{"sliding layers without a window", `{"model_type":"mistral","num_hidden_layers":1,"sliding_window":null,"layer_types":["sliding_attention"]}`, "sliding_window is null, and layer 0 slides"},
		{"queries without growth", `{"model_type":"ministral3","rope_parameters":{"rope_type":"default"}}`, "llama_4_scaling_beta is missing"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := Parse([]byte(tt.json))
			wantError(t, err, tt.want)
		})
	}
}

// TestDocument holds what docs/adding-an-architecture.md shows to the code.
func TestDocument(t *testing.T) {
	doc, err := os.ReadFile("../../docs/adding-an-architecture.md")
	if err != nil {
		t.Fatal(err)
	}
	code, err := os.ReadFile("qwen3.go")
	if err != nil {
		t.Fatal(err)
	}
	_, shown, _ := strings.Cut(string(doc), "```go\n")
	shown, _, found := strings.Cut(shown, "```\n")
	if !found || !strings.Contains(string(code), shown) {
		t.Errorf("qwen3.go does not contain what the document shows:\n%s", shown)
	}
}
