package architecture

// ministral3 is a Mistral with YaRN positions and queries that grow with their
// position.
//
// Source: configuration and code as in transformers' models/ministral3.
var ministral3 = architecture{
	modelType: "ministral3",
	read: func(c *Config, k *keys) {
		c.readCommon(k, defaults{
			vocab: 131072, hidden: 4096, intermediate: 14336, layers: 34, heads: 32, kvHeads: 8, headDim: 128, positions: 262144, eps: 1e-5,
			tokens: tokens{bos: 1, eos: 2},
		})
		if k.null("rope_parameters") && k.null("rope_scaling") {
			c.Ropes = []Rope{{
				Type: RopeYarn, HeadDim: c.HeadDim, Theta: 1e6, Factor: 16, BetaFast: 32, BetaSlow: 1, Truncate: true,
				OriginalMaxPositionEmbeddings: 16384, AttentionFactor: 1,
			}}
			c.QueryScaleBeta, c.QueryScaleEvery = 0.1, 16384
			k.skip("rope_theta") // transformers does not look at it here
		} else {
			c.Ropes = []Rope{c.readRope(k, 10000, func(rope *keys) {
				if c.QueryScaleBeta = required(rope, "llama_4_scaling_beta", RopeYarn); c.QueryScaleBeta > 100 {
					rope.fault("llama_4_scaling_beta is %v, want at most 100", c.QueryScaleBeta)
				}
				c.QueryScaleEvery = rope.integer("original_max_position_embeddings", c.MaxPositionEmbeddings, 1, maxPositions)
				rope.skip("max_position_embeddings")
			})}
		}
		c.readMistralWindow(k, 0)
		k.activation("hidden_act", "silu")
		c.AttentionScale = inverseRoot(c.HeadDim)
	},
}
