package checkpoint

import (
	"strconv"
	"strings"
)

// llamaNames pairs the names of GGUF's architecture llama with those of
// transformers. Inside a block both have the prefix of their format, and every
// one ends in .weight or .bias.
//
// Source: gguf-py's tensor_mapping.py, https://github.com/ggml-org/llama.cpp.
func llamaNames() (model, block [][2]string) {
	return [][2]string{
			{"token_embd", "model.embed_tokens"},
			{"output_norm", "model.norm"},
			{"output", "lm_head"},
		}, [][2]string{
			{"attn_norm", "input_layernorm"},
			{"attn_q", "self_attn.q_proj"},
			{"attn_k", "self_attn.k_proj"},
			{"attn_v", "self_attn.v_proj"},
			{"attn_output", "self_attn.o_proj"},
			{"ffn_norm", "post_attention_layernorm"},
			{"ffn_gate", "mlp.gate_proj"},
			{"ffn_up", "mlp.up_proj"},
			{"ffn_down", "mlp.down_proj"},
		}
}

// HuggingFaceName translates the name of a tensor of a GGUF file into the name
// that transformers has for it. ok is false where it has none (rope_freqs.weight
// for instance, which is not a weight; see GGUF.RopeFactors).
func HuggingFaceName(modelType, gguf string) (name string, ok bool) {
	return rename(modelType, gguf, 0, 1, "blk.", "model.layers.")
}

// GGUFName translates the name that transformers has for a tensor into the one
// that a GGUF file has for it.
func GGUFName(modelType, huggingFace string) (name string, ok bool) {
	return rename(modelType, huggingFace, 1, 0, "model.layers.", "blk.")
}

func rename(modelType, name string, from, to int, fromBlock, toBlock string) (string, bool) {
	if modelType != "llama" {
		return "", false
	}
	dot := strings.LastIndexByte(name, '.')
	if dot < 0 {
		return "", false
	}
	path, kind := name[:dot], name[dot:]
	if kind != ".weight" && kind != ".bias" {
		return "", false
	}
	model, block := llamaNames()
	for _, pair := range model {
		if pair[from] == path {
			return pair[to] + kind, true
		}
	}
	rest, ok := strings.CutPrefix(path, fromBlock)
	if !ok {
		return "", false
	}
	layer, module, ok := strings.Cut(rest, ".")
	if n, err := strconv.Atoi(layer); !ok || err != nil || n < 0 || strconv.Itoa(n) != layer {
		return "", false
	}
	for _, pair := range block {
		if pair[from] == module {
			return toBlock + layer + "." + pair[to] + kind, true
		}
	}
	return "", false
}

// RowPermutation returns, for a tensor with that Hugging Face name, which row
// of the GGUF tensor is output row r of the Hugging Face tensor; nil where rows
// are in the same order. GGUF files of architecture llama store the rows of
// q_proj and k_proj with the two halves of each head interleaved, because their
// rotary positions turn neighbours: row i of half a is stored at 2·i + a.
//
// Source: LlamaModel.permute of convert_hf_to_gguf.py,
// reshape(heads, 2, head_dim/2, …).swapaxes(1, 2).
func RowPermutation(hfName string, cfg *Config) func(row int) int {
	if cfg.ModelType != "llama" {
		return nil
	}
	if !strings.Contains(hfName, ".self_attn.q_proj.") && !strings.Contains(hfName, ".self_attn.k_proj.") {
		return nil
	}
	size, half := cfg.HeadDim, cfg.HeadDim/2
	return func(row int) int {
		head, in := row/size, row%size
		return head*size + 2*(in%half) + in/half
	}
}
