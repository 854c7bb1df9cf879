package architecture

import "math"

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
		for _, key := range []string{"sliding_window_pattern", "_sliding_window_pattern"} {
			if !k.null(key) {
				pattern = k.integer(key, 6, 1, maxLayers)
			}
		}
		types := c.readLayerTypes(k)
		c.readGemmaWindow(k, 4096, types, pattern)
		c.readLayerRopes(k, defaultRope(c.HeadDim, 1e6), defaultRope(c.HeadDim, 10000))
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
	window := absent
	if v, ok := k.get("sliding_window"); ok {
		if window = 0; v != nil {
			window = k.integer("sliding_window", 1, 1, maxPositions)
		}
	}
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

// readLayerRopes reads the rotary positions of full layers, rope 0, and of
// sliding layers, rope 1: nested by layer type, or as rope_theta, rope_scaling
// and rope_local_base_freq.
func (c *Config) readLayerRopes(k *keys, full, sliding Rope) {
	nested := k.object("rope_parameters")
	if nested == nil {
		if full.Type == RopeDefault {
			full = c.readRope(k, full.Theta, nil)
		}
		sliding.Theta = k.positive("rope_local_base_freq", sliding.Theta)
		c.Ropes = []Rope{full, sliding}
		return
	}
	read := func(key string, rope Rope) Rope {
		part := nested.object(key)
		if part == nil {
			return rope
		}
		r := c.readScaling(part, rope.HeadDim, 0)
		r.Theta = part.positive("rope_theta", rope.Theta)
		nested.done(key, part)
		return r
	}
	c.Ropes = []Rope{read(fullAttention, full), read(slidingAttention, sliding)}
	k.done("rope_parameters", nested)
	k.skip("rope_theta", "rope_local_base_freq") // what is nested wins
	if !k.null("rope_scaling") {
		k.cannot("rope_scaling beside rope_parameters: write one of them")
	}
}

// readSoftcap reads the bound of the logits.
func (c *Config) readSoftcap(k *keys) {
	if !k.null("final_logit_softcapping") {
		c.LogitSoftcap = k.positive("final_logit_softcapping", 1)
	}
}
