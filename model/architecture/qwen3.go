package architecture

// qwen3 is a Llama that normalises each head of queries and keys.
//
// Source: Yang et al. 2025, https://arxiv.org/abs/2505.09388; configuration as
// in transformers' models/qwen3.
var qwen3 = architecture{
	modelType: "qwen3",
	read: func(c *Config, k *keys) {
		c.readCommon(k, defaults{
			vocab: 151936, hidden: 4096, intermediate: 22016, layers: 32, heads: 32, kvHeads: 32, headDim: 128, positions: 32768, eps: 1e-6,
			tokens: tokens{bos: -1, eos: -1},
		})
		c.Ropes = []Rope{c.readRope(k, 10000, nil)}
		c.readQwenWindow(k)
		k.activation("hidden_act", "silu")
		c.QKVBias = k.boolean("attention_bias", false)
		c.OutputBias = c.QKVBias
		c.QueryKey = HeadQueryKeyNorm
	},
	ggufName: "qwen3",
	readGGUF: func(c *Config, r *ggufReader) {
		r.readCommon(c)
		c.QueryKey = HeadQueryKeyNorm
	},
}
