package architecture

import (
	"strconv"
	"strings"

	"github.com/ailiance/lorabench/model/checkpoint"
)

// GGUF's names are the same in every architecture, by what a tensor is for.
//
// Source: gguf-py's tensor_mapping.py, https://github.com/ggml-org/llama.cpp.
var (
	ggufModules = map[string]string{
		EmbedTokens: "token_embd", FinalNorm: "output_norm", LMHead: "output",
		EmbedTokensPerLayer: "per_layer_token_embd", PerLayerModelProjection: "per_layer_model_proj", PerLayerProjectionNorm: "per_layer_proj_norm",
	}
	ggufLinears = [NumLinears]string{
		"attn_q", "attn_k", "attn_v", "attn_output", "ffn_gate", "ffn_up", "ffn_down", "inp_gate", "proj",
	}
	ggufVectors = map[BlockVector]string{
		BeforeAttention: "attn_norm", AfterAttention: "post_attention_norm",
		BeforeFeedForward: "ffn_norm", AfterFeedForward: "post_ffw_norm",
		QueryNorm: "attn_q_norm", KeyNorm: "attn_k_norm",
		PerLayerInputNorm: "post_norm", LayerScalar: "layer_output_scale",
	}
)

// ropeFactors is the tensor of divisors of rotary frequencies, which transformers
// has no tensor for.
const ropeFactors = "rope_freqs.weight"

func (c *Config) isRopeFactors(name string) bool { return name == ropeFactors }

// GGUFName translates the name that a text-only Hugging Face checkpoint has for
// a tensor into the one that a GGUF file has for it.
func (c *Config) GGUFName(name string) (string, bool) {
	path, kind := name, ""
	for _, k := range []string{".weight", ".bias"} {
		if p, ok := strings.CutSuffix(name, k); ok {
			path, kind = p, k
		}
	}
	if stored, ok := ggufModules[path]; ok {
		return stored + kind, true
	}
	layer, rest, ok := CutBlock(name)
	if !ok || layer >= len(c.Layers) {
		return "", false
	}
	prefix := "blk." + strconv.Itoa(layer) + "."
	for l := range NumLinears {
		if path == ModulePath(layer, l) {
			return prefix + ggufLinears[l] + kind, true
		}
	}
	for v := range NumBlockVectors {
		if have, _, ok := c.VectorShape(layer, v); ok && have == rest {
			stored, ok := ggufVectors[v]
			return prefix + stored + ".weight", ok
		}
	}
	return "", false
}

// CutBlock splits "model.layers.3.mlp.up_proj" into 3 and "mlp.up_proj".
func CutBlock(name string) (layer int, rest string, ok bool) {
	return cutLayer(name, "model.layers.")
}

// cutLayer splits what follows prefix into a layer's number and the rest.
func cutLayer(name, prefix string) (layer int, rest string, ok bool) {
	after, ok := strings.CutPrefix(name, prefix)
	if !ok {
		return 0, "", false
	}
	digits, rest, ok := strings.Cut(after, ".")
	n, err := strconv.Atoi(digits)
	if !ok || err != nil || n < 0 || strconv.Itoa(n) != digits {
		return 0, "", false
	}
	return n, rest, true
}

// RowPermutation returns, for a tensor of src with that Hugging Face name, which
// stored row is output row r of the Hugging Face tensor; nil where rows are in
// the same order. GGUF files of some architectures store the rows of q_proj and
// k_proj with the two halves of each head interleaved, because their rotary
// positions turn neighbours: row i of half a is stored at 2·i + a.
//
// Source: LlamaModel.permute of convert_hf_to_gguf.py,
// reshape(heads, 2, head_dim/2, …).swapaxes(1, 2).
func (c *Config) RowPermutation(src checkpoint.Source, name string) func(row int) int {
	if _, ok := src.(*checkpoint.GGUF); !ok || !c.architecture.permuted {
		return nil
	}
	layer, rest, ok := CutBlock(name)
	if !ok || !strings.HasPrefix(rest, "self_attn.q_proj.") && !strings.HasPrefix(rest, "self_attn.k_proj.") {
		return nil
	}
	size := c.Layers[layer].HeadDim
	half := size / 2
	return func(row int) int {
		head, in := row/size, row%size
		return head*size + 2*(in%half) + in/half
	}
}

// InBlock is a module's path inside its block, or the whole path where it is in
// none.
func InBlock(path string) string {
	if _, rest, ok := CutBlock(path); ok {
		return rest
	}
	return path
}
