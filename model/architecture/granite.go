package architecture

// granite is a Llama with multipliers on embeddings, attention, what a block
// adds, and logits.
//
// Source: configuration and code as in transformers' models/granite.
var granite = architecture{
	modelType: "granite",
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
		c.AttentionScale = k.positive("attention_multiplier", 1)
		c.EmbeddingScale = k.positive("embedding_multiplier", 1)
		c.ResidualScale = k.positive("residual_multiplier", 1)
		c.LogitDivisor = k.positive("logits_scaling", 1)
	},
	ggufName: "granite",
	readGGUF: func(c *Config, r *ggufReader) {
		r.readCommon(c)
		// What is absent is as in a Llama, which transformers' defaults are not.
		for key, to := range map[string]*float64{
			"attention.scale": &c.AttentionScale, "embedding_scale": &c.EmbeddingScale, "residual_scale": &c.ResidualScale,
		} {
			if f := r.atLeastZero(key); f != 0 {
				*to = f
			}
		}
		c.LogitDivisor = r.positive("logit_scale")
		if r.has("rope.scaling.finetuned") && !r.boolean("rope.scaling.finetuned") {
			r.cannot("%srope.scaling.finetuned is false, which says that there are no rotary positions: not supported", r.prefix)
		}
	},
	permuted:    true,
	ropeFactors: true,
}
