package architecture

// llama is the base case: blocks of grouped-query attention with rotary
// positions and a SwiGLU feed-forward layer, each behind a norm. SmolLM2,
// TinyLlama, EuroLLM and many others are Llamas.
//
// Sources: Touvron et al. 2023, https://arxiv.org/abs/2302.13971; configuration
// and order of operations as in transformers' models/llama.
var llama = architecture{
	modelType: "llama",
	read: func(c *Config, k *keys) {
		c.readCommon(k, defaults{
			vocab: 32000, hidden: 4096, intermediate: 11008, layers: 32, heads: 32, positions: 2048, eps: 1e-6,
			tokens: tokens{bos: 1, eos: 2},
		})
		c.Ropes = []Rope{c.readRope(k, 10000, nil)}
		c.noWindows(k)
		k.activation("hidden_act", "silu")
		c.QKVBias = k.boolean("attention_bias", false)
		c.OutputBias = c.QKVBias
		c.MLPBias = k.boolean("mlp_bias", false)
	},
	ggufName:    "llama",
	readGGUF:    func(c *Config, r *ggufReader) { r.readCommon(c) },
	permuted:    true,
	ropeFactors: true,
}
