package architecture

// qwen2 is a Llama with a bias on queries, keys and values. Qwen2.5 is one too.
//
// Source: Yang et al. 2024, https://arxiv.org/abs/2407.10671; configuration as
// in transformers' models/qwen2.
var qwen2 = architecture{
	modelType: "qwen2",
	read: func(c *Config, k *keys) {
		c.readCommon(k, defaults{
			vocab: 151936, hidden: 4096, intermediate: 22016, layers: 32, heads: 32, kvHeads: 32, positions: 32768, eps: 1e-6,
			tokens: tokens{bos: -1, eos: -1},
		})
		c.Ropes = []Rope{c.readRope(k, 10000, nil)}
		c.readQwenWindow(k)
		k.activation("hidden_act", "silu")
		k.skip("attention_bias") // not read: the biases are always there
		c.QKVBias = true
	},
	ggufName: "qwen2",
	readGGUF: func(c *Config, r *ggufReader) {
		r.readCommon(c)
		c.QKVBias = true
	},
}

// readQwenWindow reads the window of the later layers, which only counts where
// use_sliding_window says so.
func (c *Config) readQwenWindow(k *keys) {
	mustBe(k, "use_mrope", false)
	window := c.readWindow(k, 4096)
	first := k.integer("max_window_layers", 28, 0, maxLayers)
	slides := func(layer int) bool { return layer >= first }
	if !k.boolean("use_sliding_window", false) {
		window = 0
	}
	if types := c.readLayerTypes(k); types != nil {
		slides = func(layer int) bool { return types[layer] == slidingAttention }
		for i := range types {
			if slides(i) && window == 0 {
				k.fault("layer_types has a sliding layer %d, and use_sliding_window and sliding_window say that there is no window", i)
				return
			}
		}
	}
	c.slide(window, slides)
}
