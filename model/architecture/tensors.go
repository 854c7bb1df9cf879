package architecture

import (
	"fmt"
	"math"
)

// Linear names one of the linear layers of a block.
type Linear int

// The linear layers, in the order of the computation. A block does not have all
// of them: see Config.LinearShape.
const (
	QProj Linear = iota
	KProj
	VProj
	OProj
	GateProj
	UpProj
	DownProj
	PerLayerInputGate
	PerLayerProjection
	NumLinears
)

// linearPaths are the module paths inside a block, by their Hugging Face names.
var linearPaths = [NumLinears]string{
	"self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj", "self_attn.o_proj",
	"mlp.gate_proj", "mlp.up_proj", "mlp.down_proj", "per_layer_input_gate", "per_layer_projection",
}

// Path is the module's path inside a block: "self_attn.q_proj".
func (l Linear) Path() string { return linearPaths[l] }

// LinearShape is the shape of a linear layer's weight, [out, in]; ok is false
// where the block has no such layer.
func (c *Config) LinearShape(layer int, l Linear) (out, in int, ok bool) {
	g, d := c.Layers[layer], c.HiddenSize
	own := g.KeyValueLayer == layer
	switch l {
	case QProj:
		return c.NumAttentionHeads * g.HeadDim, d, true
	case KProj:
		return g.NumKeyValueHeads * g.HeadDim, d, own
	case VProj:
		return g.NumKeyValueHeads * g.HeadDim, d, own && !g.ValueIsKey
	case OProj:
		return d, c.NumAttentionHeads * g.HeadDim, true
	case GateProj:
		return g.IntermediateSize, d, c.Activation != XIELUNoGating
	case UpProj:
		return g.IntermediateSize, d, true
	case DownProj:
		return d, g.IntermediateSize, true
	case PerLayerInputGate:
		return c.PerLayerInput, d, c.PerLayerInput > 0
	case PerLayerProjection:
		return d, c.PerLayerInput, c.PerLayerInput > 0
	}
	return 0, 0, false
}

// HasBias says whether a linear layer of a block has a bias.
func (c *Config) HasBias(l Linear) bool {
	switch l {
	case QProj, KProj, VProj:
		return c.QKVBias
	case OProj:
		return c.OutputBias
	case GateProj, UpProj, DownProj:
		return c.MLPBias
	}
	return false
}

// BlockVector names one of the vectors of a block that are no bias.
type BlockVector int

// The vectors of a block. Those after PerLayerInputNorm are single numbers.
// The first four are the norms, as in Config.NormNames.
const (
	QueryNorm BlockVector = iota + numNorms
	KeyNorm
	PerLayerInputNorm
	LayerScalar
	XIELUAlphaP
	XIELUAlphaN
	XIELUBeta
	XIELUEps
	NumBlockVectors
)

// VectorShape is the name inside a block and the length of a vector, 0 for a
// single number; ok is false where the block has no such vector.
func (c *Config) VectorShape(layer int, v BlockVector) (name string, n int, ok bool) {
	g := c.Layers[layer]
	own := g.KeyValueLayer == layer
	xielu := c.Activation == XIELUNoGating && c.XIELU == nil
	normed := func(heads int) int {
		if c.QueryKey == WholeQueryKeyNorm {
			return heads * g.HeadDim
		}
		return g.HeadDim
	}
	switch v {
	case QueryNorm:
		return "self_attn.q_norm.weight", normed(c.NumAttentionHeads), c.QueryKey != NoQueryKeyNorm
	case KeyNorm:
		return "self_attn.k_norm.weight", normed(g.NumKeyValueHeads), c.QueryKey != NoQueryKeyNorm && own
	case PerLayerInputNorm:
		return "post_per_layer_input_norm.weight", c.HiddenSize, c.PerLayerInput > 0
	case LayerScalar:
		return "layer_scalar", 0, c.LayerScalar
	case XIELUAlphaP:
		return "mlp.act_fn.alpha_p", 0, xielu
	case XIELUAlphaN:
		return "mlp.act_fn.alpha_n", 0, xielu
	case XIELUBeta:
		return "mlp.act_fn.beta", 0, xielu
	case XIELUEps:
		return "mlp.act_fn.eps", 0, xielu
	}
	name = c.NormNames[v]
	return name + ".weight", c.HiddenSize, name != ""
}

// IsNorm says whether a vector is the weight of a norm, to which UnitOffset
// applies.
func (v BlockVector) IsNorm() bool { return v <= PerLayerInputNorm }

// Names of modules outside the blocks.
const (
	EmbedTokens             = "model.embed_tokens"
	EmbedTokensPerLayer     = "model.embed_tokens_per_layer"
	PerLayerModelProjection = "model.per_layer_model_projection"
	PerLayerProjectionNorm  = "model.per_layer_projection_norm"
	FinalNorm               = "model.norm"
	LMHead                  = "lm_head"
)

// Block is the prefix of the names of a block's modules: "model.layers.3.".
func Block(layer int) string { return fmt.Sprintf("model.layers.%d.", layer) }

// ModulePath is the path of a linear layer: "model.layers.3.self_attn.q_proj".
func ModulePath(layer int, l Linear) string { return Block(layer) + linearPaths[l] }

// TensorSpec is a tensor that an architecture has.
type TensorSpec struct {
	Name  string // its name in a text-only Hugging Face checkpoint
	Shape []int  // outermost dimension first; none for a single number, which may be stored as [1]
}

// Tensors returns the tensors that a model of this configuration has, in the
// order of the computation. Of tied weights only the embedding is listed.
func (c *Config) Tensors() []TensorSpec {
	d := c.HiddenSize
	list := []TensorSpec{{EmbedTokens + ".weight", []int{c.VocabSize, d}}}
	if p := c.PerLayerInput; p > 0 {
		list = append(list,
			TensorSpec{EmbedTokensPerLayer + ".weight", []int{c.VocabSizePerLayerInput, c.NumHiddenLayers * p}},
			TensorSpec{PerLayerModelProjection + ".weight", []int{c.NumHiddenLayers * p, d}},
			TensorSpec{PerLayerProjectionNorm + ".weight", []int{p}})
	}
	for i := range c.Layers {
		for v := range NumBlockVectors {
			if name, n, ok := c.VectorShape(i, v); ok {
				spec := TensorSpec{Name: Block(i) + name}
				if n > 0 {
					spec.Shape = []int{n}
				}
				list = append(list, spec)
			}
		}
		for l := range NumLinears {
			out, in, ok := c.LinearShape(i, l)
			if !ok {
				continue
			}
			list = append(list, TensorSpec{ModulePath(i, l) + ".weight", []int{out, in}})
			if c.HasBias(l) {
				list = append(list, TensorSpec{ModulePath(i, l) + ".bias", []int{out}})
			}
		}
	}
	list = append(list, TensorSpec{FinalNorm + ".weight", []int{d}})
	if !c.TieWordEmbeddings {
		list = append(list, TensorSpec{LMHead + ".weight", []int{c.VocabSize, d}})
	}
	return list
}

// inverseRoot is the usual scale of attention.
func inverseRoot(headDim int) float64 { return 1 / math.Sqrt(float64(headDim)) }
