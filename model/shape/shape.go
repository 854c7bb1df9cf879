package shape

import (
	"fmt"
	"strings"

	"github.com/ailiance/lorabench/model/architecture"
)

// Shape is a model's architecture and sizes.
type Shape struct {
	Name   string
	Config []byte // config.json; texts never end: there is no eos_token_id
}

// configs are the shapes, from the published config.json of each model. The keys
// that are not there have the value that transformers gives them.
var configs = []struct{ name, json string }{
	{"tiny", `"model_type":"llama","hidden_size":256,"intermediate_size":512,"num_hidden_layers":4,"num_attention_heads":4,
"num_key_value_heads":2,"vocab_size":1024,"max_position_embeddings":16384,"rms_norm_eps":1e-5`},
	{"small", `"model_type":"llama","hidden_size":512,"intermediate_size":1536,"num_hidden_layers":8,"num_attention_heads":8,
"num_key_value_heads":2,"vocab_size":16384,"max_position_embeddings":16384,"rms_norm_eps":1e-5`},
	// HuggingFaceTB/SmolLM2-135M, -360M and -1.7B
	{"smollm2-135m", `"model_type":"llama","hidden_size":576,"intermediate_size":1536,"num_hidden_layers":30,"num_attention_heads":9,
"num_key_value_heads":3,"vocab_size":49152,"max_position_embeddings":8192,"rms_norm_eps":1e-5,"rope_theta":100000,"tie_word_embeddings":true`},
	{"smollm2-360m", `"model_type":"llama","hidden_size":960,"intermediate_size":2560,"num_hidden_layers":32,"num_attention_heads":15,
"num_key_value_heads":5,"vocab_size":49152,"max_position_embeddings":8192,"rms_norm_eps":1e-5,"rope_theta":100000,"tie_word_embeddings":true`},
	{"smollm2-1.7b", `"model_type":"llama","hidden_size":2048,"intermediate_size":8192,"num_hidden_layers":24,"num_attention_heads":32,
"num_key_value_heads":32,"vocab_size":49152,"max_position_embeddings":8192,"rms_norm_eps":1e-5,"rope_theta":130000,"tie_word_embeddings":true`},
	// Qwen/Qwen2.5-0.5B and -1.5B, Qwen/Qwen3-0.6B and -8B
	{"qwen2.5-0.5b", `"model_type":"qwen2","hidden_size":896,"intermediate_size":4864,"num_hidden_layers":24,"num_attention_heads":14,
"num_key_value_heads":2,"vocab_size":151936,"max_position_embeddings":32768,"rms_norm_eps":1e-6,"rope_theta":1000000,"tie_word_embeddings":true`},
	{"qwen2.5-1.5b", `"model_type":"qwen2","hidden_size":1536,"intermediate_size":8960,"num_hidden_layers":28,"num_attention_heads":12,
"num_key_value_heads":2,"vocab_size":151936,"max_position_embeddings":32768,"rms_norm_eps":1e-6,"rope_theta":1000000,"tie_word_embeddings":true`},
	{"qwen3-0.6b", `"model_type":"qwen3","hidden_size":1024,"intermediate_size":3072,"num_hidden_layers":28,"num_attention_heads":16,"head_dim":128,
"num_key_value_heads":8,"vocab_size":151936,"max_position_embeddings":40960,"rms_norm_eps":1e-6,"rope_theta":1000000,"tie_word_embeddings":true`},
	{"qwen3-8b", `"model_type":"qwen3","hidden_size":4096,"intermediate_size":12288,"num_hidden_layers":36,"num_attention_heads":32,"head_dim":128,
"num_key_value_heads":8,"vocab_size":151936,"max_position_embeddings":40960,"rms_norm_eps":1e-6,"rope_theta":1000000`},
	// TinyLlama/TinyLlama-1.1B-Chat-v1.0
	{"tinyllama-1.1b", `"model_type":"llama","hidden_size":2048,"intermediate_size":5632,"num_hidden_layers":22,"num_attention_heads":32,
"num_key_value_heads":4,"vocab_size":32000,"max_position_embeddings":2048,"rms_norm_eps":1e-5`},
	// meta-llama/Llama-3.2-1B and Llama-3.1-8B
	{"llama-3.2-1b", `"model_type":"llama","hidden_size":2048,"intermediate_size":8192,"num_hidden_layers":16,"num_attention_heads":32,"head_dim":64,
"num_key_value_heads":8,"vocab_size":128256,"max_position_embeddings":131072,"rms_norm_eps":1e-5,"rope_theta":500000,"tie_word_embeddings":true,
"rope_scaling":{"factor":32,"high_freq_factor":4,"low_freq_factor":1,"original_max_position_embeddings":8192,"rope_type":"llama3"}`},
	{"llama-3.1-8b", `"model_type":"llama","hidden_size":4096,"intermediate_size":14336,"num_hidden_layers":32,"num_attention_heads":32,
"num_key_value_heads":8,"vocab_size":128256,"max_position_embeddings":131072,"rms_norm_eps":1e-5,"rope_theta":500000,
"rope_scaling":{"factor":8,"high_freq_factor":4,"low_freq_factor":1,"original_max_position_embeddings":8192,"rope_type":"llama3"}`},
	// mistralai/Mistral-7B-v0.3
	{"mistral-7b", `"model_type":"mistral","hidden_size":4096,"intermediate_size":14336,"num_hidden_layers":32,"num_attention_heads":32,
"num_key_value_heads":8,"vocab_size":32768,"max_position_embeddings":32768,"rms_norm_eps":1e-5,"rope_theta":1000000,"sliding_window":null`},
	// swiss-ai/Apertus-8B-2509
	{"apertus-8b", `"model_type":"apertus","hidden_size":4096,"intermediate_size":21504,"num_hidden_layers":32,"num_attention_heads":32,
"num_key_value_heads":8,"vocab_size":131072,"max_position_embeddings":65536,"rms_norm_eps":1e-5,"rope_theta":12000000,"tie_word_embeddings":false,
"rope_scaling":{"factor":8,"high_freq_factor":4,"low_freq_factor":1,"original_max_position_embeddings":8192,"rope_type":"llama3"}`},
	// swiss-ai/Apertus-70B-2509
	{"apertus-70b", `"model_type":"apertus","hidden_size":8192,"intermediate_size":43008,"num_hidden_layers":80,"num_attention_heads":64,
"num_key_value_heads":8,"vocab_size":131072,"max_position_embeddings":65536,"rms_norm_eps":1e-5,"rope_theta":12000000,"tie_word_embeddings":false,
"rope_scaling":{"factor":8,"high_freq_factor":4,"low_freq_factor":1,"original_max_position_embeddings":8192,"rope_type":"llama3"}`},
}

// Names are the shapes that there are.
func Names() []string {
	var names []string
	for _, c := range configs {
		names = append(names, c.name)
	}
	return names
}

// Lookup returns the shape of that name.
func Lookup(name string) (Shape, error) {
	for _, c := range configs {
		if c.name == name {
			return Shape{Name: name, Config: []byte("{" + c.json + `,"bos_token_id":null,"eos_token_id":null}` + "\n")}, nil
		}
	}
	return Shape{}, fmt.Errorf("shape %.60q is not known, want one of %s", name, strings.Join(Names(), ", "))
}

// Parse is the configuration of the shape.
func (s Shape) Parse() (*architecture.Config, error) { return architecture.Parse(s.Config) }
