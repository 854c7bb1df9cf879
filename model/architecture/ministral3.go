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
			c.ropeIsWhole(k)
		} else {
			c.Ropes = []Rope{c.readRope(k, 10000, c.readQueryScale)}
		}
		k.skip("attention_bias", "mlp_bias") // not read: tensors tell whether there are biases
		c.readMistralWindow(k, 0, c.readLayerTypes(k))
		k.activation("hidden_act", "silu")
	},
	ggufName: "mistral3",
	readGGUF: func(c *Config, r *ggufReader) {
		r.readCommon(c)
		if c.QueryScaleBeta = r.atLeastZero("attention.temperature_scale"); c.QueryScaleBeta == 0 {
			return
		}
		if c.QueryScaleEvery = c.MaxPositionEmbeddings; r.has("rope.scaling.original_context_length") {
			c.QueryScaleEvery = r.size("rope.scaling.original_context_length", maxPositions)
		}
	},
	permuted:    true,
	ropeFactors: true,
}

// readQueryScale reads how queries grow, from beside the rotary positions.
func (c *Config) readQueryScale(part *keys, rope Rope) {
	const key = "llama_4_scaling_beta"
	if part.null(key) {
		part.fault("%s is missing", key)
	}
	if c.QueryScaleBeta = part.number(key, 0); c.QueryScaleBeta < 0 || c.QueryScaleBeta > 100 {
		part.fault("%s is %v, want 0 to 100", key, c.QueryScaleBeta)
	}
	if c.QueryScaleEvery = rope.OriginalMaxPositionEmbeddings; c.QueryScaleEvery == 0 {
		c.QueryScaleEvery = part.integer("original_max_position_embeddings", 0, 1, maxPositions)
	}
	if c.QueryScaleEvery == 0 {
		part.fault("original_max_position_embeddings is missing, and %s needs it", key)
	}
	part.skip("max_position_embeddings")
}
