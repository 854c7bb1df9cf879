package architecture

// mistral is a Llama whose layers may all see a window only.
//
// Source: Jiang et al. 2023, https://arxiv.org/abs/2310.06825; configuration as
// in transformers' models/mistral. GGUF has it as llama.
var mistral = architecture{
	modelType: "mistral",
	read: func(c *Config, k *keys) {
		c.readCommon(k, defaults{
			vocab: 32000, hidden: 4096, intermediate: 14336, layers: 32, heads: 32, kvHeads: 8, positions: 131072, eps: 1e-6,
			tokens: tokens{bos: 1, eos: 2},
		})
		c.Ropes = []Rope{c.readRope(k, 10000, nil)}
		c.readMistralWindow(k, 4096)
		k.activation("hidden_act", "silu")
	},
}

// readMistralWindow reads the window that every layer has; absent and null are
// not the same. layer_types changes nothing in transformers' code, so it may
// only say what is.
func (c *Config) readMistralWindow(k *keys, absent int) {
	k.skip("attention_bias", "mlp_bias") // not read: tensors tell whether there are biases
	window := absent
	if v, ok := k.get("sliding_window"); ok {
		if window = 0; v != nil {
			window = k.integer("sliding_window", 1, 1, maxPositions)
		}
	}
	c.slide(window, func(int) bool { return true })
	for _, t := range c.readLayerTypes(k) {
		if (t == slidingAttention) != (window > 0) {
			k.cannot("layer_types has a layer of %s beside sliding_window %d: %s has one window for all layers", t, window, c.ModelType)
			return
		}
	}
}
