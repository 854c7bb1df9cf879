package architecture

// apertus has no gate in its feed-forward layers: their activation is xIELU,
// with parameters that each layer has learned. It normalises each head of
// queries and keys.
//
// Sources: Apertus project 2025, https://arxiv.org/abs/2509.14233; Huang and
// Schlag 2025, https://arxiv.org/abs/2411.13010; configuration and code as in
// transformers' models/apertus.
var apertus = architecture{
	modelType: "apertus",
	read: func(c *Config, k *keys) {
		c.readCommon(k, defaults{
			vocab: 131072, hidden: 4096, intermediate: 14336, layers: 32, heads: 32, positions: 65536, eps: 1e-5,
			tokens: tokens{bos: 1, eos: 2},
		})
		const theta = 12e6
		c.Ropes = []Rope{c.readRope(k, theta, nil)}
		if k.null("rope_parameters") && k.null("rope_scaling") {
			c.Ropes = []Rope{{
				Type: RopeLlama3, HeadDim: c.HeadDim, Theta: theta, Factor: 8, LowFreqFactor: 1, HighFreqFactor: 4,
				OriginalMaxPositionEmbeddings: 8192, AttentionFactor: 1,
			}}
			c.ropeIsWhole(k)
		}
		c.noWindows(k)
		k.activation("hidden_act", "xielu")
		mustBe(k, "mlp_bias", false)
		mustBe(k, "post_norm", false)
		mustBe(k, "qk_norm", true)
		c.QKVBias = k.boolean("attention_bias", false)
		c.OutputBias = c.QKVBias
		c.Activation = XIELUNoGating
		c.NormNames = [numNorms]string{BeforeAttention: "attention_layernorm", BeforeFeedForward: "feedforward_layernorm"}
		c.QueryKey = HeadQueryKeyNorm
		c.AttentionScale = inverseRoot(c.HeadDim)
	},
}
