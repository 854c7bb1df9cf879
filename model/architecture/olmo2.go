package architecture

// olmo2 normalises what a block adds instead of what it reads, and queries and
// keys as a whole.
//
// Source: OLMo team 2024, https://arxiv.org/abs/2501.00656; configuration and
// code as in transformers' models/olmo2.
var olmo2 = architecture{
	modelType: "olmo2",
	read: func(c *Config, k *keys) {
		c.readCommon(k, defaults{
			vocab: 50304, hidden: 4096, intermediate: 11008, layers: 32, heads: 32, positions: 2048, eps: 1e-5,
			tokens: tokens{bos: -1, eos: 50279},
		})
		c.Ropes = []Rope{c.readRope(k, 10000, nil)}
		c.noWindows(k)
		k.activation("hidden_act", "silu")
		c.QKVBias = k.boolean("attention_bias", false)
		c.OutputBias = c.QKVBias
		c.Norms = NormAfter
		c.QueryKey = WholeQueryKeyNorm
	},
	ggufName: "olmo2",
	readGGUF: func(c *Config, r *ggufReader) {
		r.readCommon(c)
		c.Norms = NormAfter
		c.QueryKey = WholeQueryKeyNorm
	},
}
