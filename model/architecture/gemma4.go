package architecture

import (
	"fmt"
	"slices"
	"strconv"

	"github.com/ailiance/lorabench/model/checkpoint"
)

// gemma4 is a Gemma whose layers differ: full ones have heads of another size
// and turn only a part of them, the last ones may attend to the keys and values
// of earlier ones and be twice as wide, and each may have an embedding of its
// own.
//
// Source: configuration and code as in transformers' models/gemma4.
var gemma4 = architecture{
	modelType: "gemma4_text",
	read: func(c *Config, k *keys) {
		c.readCommon(k, defaults{
			vocab: 262144, hidden: 2304, intermediate: 9216, layers: 30, heads: 8, kvHeads: 4, headDim: 256, positions: 131072, eps: 1e-6,
			tied: true, tokens: tokens{bos: 2, eos: 1},
		})
		types := c.readLayerTypes(k)
		if types == nil {
			types = make([]string, c.NumHiddenLayers)
			for i := range types {
				if types[i] = slidingAttention; (i+1)%6 == 0 {
					types[i] = fullAttention
				}
			}
		}
		types[len(types)-1] = fullAttention // whatever the file says, as transformers has it
		c.readGemmaWindow(k, 512, types, 0)
		equal := k.boolean("attention_k_eq_v", false)
		c.readGlobalHeads(k, types, equal)
		c.readSharing(k, types)
		c.readGemma4Ropes(k, types)
		c.gemma()
		c.readSoftcap(k)
		if !k.null("use_bidirectional_attention") && k.text("use_bidirectional_attention", "") != "vision" {
			k.cannot("use_bidirectional_attention: only text that looks back is supported, want null or vision")
		}
		if k.boolean("enable_moe_block", false) {
			k.cannot("enable_moe_block: mixtures of experts are not supported")
		}
		k.skip("num_experts", "top_k_experts", "moe_intermediate_size", "expert_intermediate_size") // of such mixtures
		k.activation("hidden_activation", "gelu_pytorch_tanh")
		c.QKVBias = k.boolean("attention_bias", false)
		c.OutputBias = c.QKVBias
		c.ValueNorm, c.LayerScalar = true, true
		c.AttentionScale = 1
		c.PerLayerInput = k.integer("hidden_size_per_layer_input", 256, 0, maxHiddenSize)
		c.VocabSizePerLayerInput = k.integer("vocab_size_per_layer_input", 262144, 1, maxVocab)
		if c.PerLayerInput > 0 && c.VocabSizePerLayerInput < c.VocabSize {
			k.fault("vocab_size_per_layer_input %d is less than vocab_size %d", c.VocabSizePerLayerInput, c.VocabSize)
		}
	},
	ggufName:    "gemma4",
	readGGUF:    func(c *Config, r *ggufReader) { r.readGemma4(c) },
	ropeFactors: true,
}

// readGemma4Ropes reads the rotary positions of full and of sliding layers. What
// is left out has a default only where all is.
func (c *Config) readGemma4Ropes(k *keys, types []string) {
	full := defaultRope(c.headDimOf(types, fullAttention), 1e6)
	full.Type, full.RotaryFactor = RopeProportional, 0.25
	if !c.readLayerRopes(k, full, defaultRope(c.headDimOf(types, slidingAttention), 10000)) {
		return
	}
	nested := newKeys(k.members["rope_parameters"].(checkpoint.Object))
	for _, kind := range []string{fullAttention, slidingAttention} {
		part := nested.object(kind)
		switch {
		case !slices.Contains(types, kind):
		case part == nil:
			k.fault("rope_parameters: %s is missing, and layers are of that type", kind)
		case part.null("rope_theta"):
			k.fault("rope_parameters: %s: rope_theta is missing", kind)
		case part.null("original_max_position_embeddings") && slices.Contains([]string{RopeLlama3, RopeYarn}, part.text("rope_type", part.text("type", ""))):
			k.fault("rope_parameters: %s: original_max_position_embeddings is missing", kind)
		}
	}
}

// readGlobalHeads reads the heads of full layers, as published files have them
// (global_head_dim, num_global_key_value_heads) or for each layer.
func (c *Config) readGlobalHeads(k *keys, types []string, equal bool) {
	headDim, kvHeads := 512, c.NumKeyValueHeads
	if !k.null("global_head_dim") {
		headDim = k.integer("global_head_dim", 512, 1, maxHeadDim)
	}
	if !k.null("num_global_key_value_heads") {
		if n := k.integer("num_global_key_value_heads", 1, 1, maxHeads); equal {
			kvHeads = n
		}
	}
	layers := k.object("per_layer_config")
	for i := range c.Layers {
		l := &c.Layers[i]
		l.ValueIsKey = equal && types[i] == fullAttention
		if layers == nil {
			if types[i] == fullAttention {
				l.HeadDim, l.NumKeyValueHeads = headDim, kvHeads
			}
			continue
		}
		if part := layers.object(strconv.Itoa(i)); part != nil {
			l.HeadDim = part.integer("head_dim", c.HeadDim, 1, maxHeadDim)
			l.NumKeyValueHeads = part.integer("num_key_value_heads", c.NumKeyValueHeads, 1, maxHeads)
			layers.done(strconv.Itoa(i), part)
		}
	}
	if layers != nil {
		k.done("per_layer_config", layers)
	}
}

// headDimOf is the size of the heads of the layers of a type, which check makes
// sure that they share.
func (c *Config) headDimOf(types []string, kind string) int {
	if i := slices.Index(types, kind); i >= 0 {
		return c.Layers[i].HeadDim
	}
	return c.HeadDim
}

// readSharing reads which layers have no keys and values of their own.
func (c *Config) readSharing(k *keys, types []string) {
	n := k.integer("num_kv_shared_layers", 0, 0, maxLayers)
	wide := k.boolean("use_double_wide_mlp", false)
	if err := c.shareKeysAndValues(n, types); err != nil {
		k.fault("num_kv_shared_layers is %d: %v", n, err)
		return
	}
	if wide {
		for i := c.NumHiddenLayers - n; i < c.NumHiddenLayers; i++ {
			c.Layers[i].IntermediateSize *= 2
		}
	}
}

// shareKeysAndValues lets the last n layers attend to the keys and values of the
// last layer of their type that has some.
func (c *Config) shareKeysAndValues(n int, types []string) error {
	first := c.NumHiddenLayers - n
	if first < 1 {
		return fmt.Errorf("of %d layers none has keys and values", c.NumHiddenLayers)
	}
	for i := first; i < c.NumHiddenLayers; i++ {
		from := first - 1
		for from >= 0 && types[from] != types[i] {
			from--
		}
		if from < 0 {
			return fmt.Errorf("layer %d shares keys and values, and no layer before %d is of its type %s", i, first, types[i])
		}
		if err := c.canShare(i, from); err != nil {
			return err
		}
		c.Layers[i].KeyValueLayer = from
	}
	return nil
}

func (c *Config) canShare(layer, from int) error {
	a, b := c.Layers[layer], c.Layers[from]
	if a.HeadDim != b.HeadDim || a.NumKeyValueHeads != b.NumKeyValueHeads {
		return fmt.Errorf("layer %d shares the keys and values of layer %d, whose heads differ", layer, from)
	}
	return nil
}
