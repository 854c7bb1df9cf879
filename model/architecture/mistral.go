package architecture

// mistral is a Llama whose layers may see a window only.
//
// Source: Jiang et al. 2023, https://arxiv.org/abs/2310.06825; configuration as
// in transformers' models/mistral. GGUF has it as llama.
var mistral = architecture{modelType: "mistral", read: readMistral}

// ministral is what transformers takes a mistral with layer_types for, and
// writes: Ministral 8B, some layers of which see everything.
var ministral = architecture{modelType: "ministral", read: readMistral}

func readMistral(c *Config, k *keys) {
	c.readCommon(k, defaults{
		vocab: 32000, hidden: 4096, intermediate: 14336, layers: 32, heads: 32, kvHeads: 8, positions: 131072, eps: 1e-6,
		tokens: tokens{bos: 1, eos: 2},
	})
	c.Ropes = []Rope{c.readRope(k, 10000, nil)}
	k.activation("hidden_act", "silu")
	k.skip("attention_bias", "mlp_bias") // not read: tensors tell whether there are biases
	if types := c.readLayerTypes(k); types == nil || c.wrapper {
		c.readMistralWindow(k, 4096, types)
	} else {
		c.readMinistralWindow(k, types)
	}
}

// readMistralWindow reads the window that every layer has; absent and null are
// not the same. types changes nothing in transformers' code, so it may only say
// what is.
func (c *Config) readMistralWindow(k *keys, absent int, types []string) {
	window := c.readWindow(k, absent)
	c.slide(window, func(int) bool { return true })
	for _, t := range types {
		if (t == slidingAttention) != (window > 0) {
			k.cannot("layer_types has a layer of %s beside sliding_window %d: %s has one window for all layers", t, window, c.ModelType)
			return
		}
	}
}

// readMinistralWindow reads the window of the layers of types that slide.
func (c *Config) readMinistralWindow(k *keys, types []string) {
	window := c.readWindow(k, 4096)
	for i, t := range types {
		if t == slidingAttention && window == 0 {
			k.fault("sliding_window is null, and layer %d slides", i)
			return
		}
	}
	c.slide(window, func(layer int) bool { return types[layer] == slidingAttention })
}

// readWindow reads sliding_window, of which null is 0.
func (c *Config) readWindow(k *keys, absent int) int {
	v, ok := k.get("sliding_window")
	switch {
	case !ok:
		return absent
	case v == nil:
		return 0
	}
	return k.integer("sliding_window", 1, 1, maxPositions)
}
