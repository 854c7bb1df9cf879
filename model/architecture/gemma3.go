package architecture

import (
	"math"
	"slices"
)

// gemma3 has norms before and after attention and feed-forward layers, which
// multiply by one plus their weight, and windows on most of its layers, with
// rotary positions of their own.
//
// Source: Gemma team 2025, https://arxiv.org/abs/2503.19786; configuration and
// code as in transformers' models/gemma3.
var gemma3 = architecture{
	modelType: "gemma3_text",
	read: func(c *Config, k *keys) {
		c.readCommon(k, defaults{
			vocab: 262208, hidden: 2304, intermediate: 9216, layers: 26, heads: 8, kvHeads: 4, headDim: 256, positions: 131072, eps: 1e-6,
			tied: true, tokens: tokens{bos: 2, eos: 1},
		})
		pattern := 6
		if !k.null("sliding_window_pattern") {
			pattern = k.integer("sliding_window_pattern", 6, 1, maxLayers)
		}
		k.skip("_sliding_window_pattern") // written beside layer_types, and not read
		types := c.readLayerTypes(k)
		c.readGemmaWindow(k, 4096, types, pattern)
		c.readGemma3Ropes(k)
		c.gemma()
		c.readSoftcap(k)
		mustBe(k, "use_bidirectional_attention", false)
		if !k.null("attn_logit_softcapping") {
			k.cannot("attn_logit_softcapping: attention scores are not capped here, want null")
		}
		k.activation("hidden_activation", "gelu_pytorch_tanh")
		k.skip("hidden_act") // an older name that transformers does not read
		c.QKVBias = k.boolean("attention_bias", false)
		c.OutputBias = c.QKVBias
		c.UnitOffset = true
		c.AttentionScale = 1 / math.Sqrt(k.positive("query_pre_attn_scalar", 256))
	},
	ggufName: "gemma3",
	readGGUF: func(c *Config, r *ggufReader) {
		r.readCommon(c)
		types := slices.Repeat([]string{fullAttention}, c.NumHiddenLayers)
		if r.has("attention.sliding_window") {
			types = r.layerTypes(c, 6)
		}
		c.slideGemma(r, types)
		r.slidingRope(c, c.HeadDim)
		c.gemma()
		c.LogitSoftcap = r.softcap()
		c.UnitOffset = true // the file has added it
		if c.NumHiddenLayers == 62 {
			// The largest Gemma 3 has another scale, which llama.cpp knows it by.
			c.AttentionScale = inverseRoot(max(c.HiddenSize/c.NumAttentionHeads, 1))
		}
	},
}

// gemma sets what all Gemmas have.
func (c *Config) gemma() {
	c.Norms = NormSandwich
	c.Activation = GeGLU
	c.QueryKey = HeadQueryKeyNorm
	c.EmbeddingScale = math.Sqrt(float64(c.HiddenSize))
}

// readGemmaWindow reads the window and gives it to the layers that types names,
// or to all but every pattern-th.
func (c *Config) readGemmaWindow(k *keys, absent int, types []string, pattern int) {
	window := c.readWindow(k, absent)
	for i := range c.Layers {
		if types == nil && (i+1)%pattern == 0 || types != nil && types[i] == fullAttention {
			continue
		}
		if window == 0 {
			k.fault("sliding_window is null, and layer %d slides", i)
			return
		}
		c.Layers[i].Window, c.Layers[i].Rope = window, 1
	}
}

// readGemma3Ropes reads the rotary positions of full and of sliding layers:
// nested by layer type, or as rope_theta, rope_scaling and rope_local_base_freq.
func (c *Config) readGemma3Ropes(k *keys) {
	full, sliding := defaultRope(c.HeadDim, 1e6), defaultRope(c.HeadDim, 10000)
	if !k.null("rope_theta") {
		full.Theta = k.positive("rope_theta", 1)
	}
	if !k.null("rope_local_base_freq") {
		sliding.Theta = k.positive("rope_local_base_freq", 1)
	}
	nested := c.readLayerRopes(k, full, sliding)
	part := k.object("rope_scaling")
	switch {
	case part == nil:
	case nested:
		k.cannot("rope_scaling beside rope_parameters: write one of them")
	case part.null("rope_type") && !part.null("type"):
		k.cannot("rope_scaling has type: transformers does not look at it here; write rope_type")
	default:
		c.Ropes[0] = c.readScaling(part, c.HeadDim, 0)
		c.Ropes[0].Theta = full.Theta
		k.done("rope_scaling", part)
	}
}

// readSoftcap reads the bound of the logits.
func (c *Config) readSoftcap(k *keys) {
	if !k.null("final_logit_softcapping") {
		c.LogitSoftcap = k.positive("final_logit_softcapping", 1)
	}
}
