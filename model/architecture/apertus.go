package architecture

import (
	"math"
	"slices"
)

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
		c.apertus()
	},
	ggufName: "apertus",
	readGGUF: func(c *Config, r *ggufReader) {
		r.readCommon(c)
		c.apertus()
		r.readXIELU(c)
	},
	ropeFactors: true,
}

// apertus sets what distinguishes an Apertus from a Llama.
func (c *Config) apertus() {
	c.Activation = XIELUNoGating
	c.NormNames = [numNorms]string{BeforeAttention: "attention_layernorm", BeforeFeedForward: "feedforward_layernorm"}
	c.QueryKey = HeadQueryKeyNorm
}

// readXIELU reads the parameters of the activations, which GGUF has as metadata.
// Alphas are as in the checkpoint, before softplus.
func (r *ggufReader) readXIELU(c *Config) {
	c.XIELU = make([]XIELU, c.NumHiddenLayers)
	for key, of := range map[string]func(x *XIELU) *float64{
		"xielu.alpha_p": func(x *XIELU) *float64 { return &x.AlphaP }, "xielu.alpha_n": func(x *XIELU) *float64 { return &x.AlphaN },
		"xielu.beta": func(x *XIELU) *float64 { return &x.Beta }, "xielu.eps": func(x *XIELU) *float64 { return &x.Eps },
	} {
		for i, f := range r.floats(key, c.NumHiddenLayers) {
			*of(&c.XIELU[i]) = f
		}
	}
}

// floats reads a finite number for every layer: one that all share, or an array.
// The key has no prefix.
func (r *ggufReader) floats(key string, layers int) []float64 {
	n, array := r.g.ArrayLen(key)
	if array && n != layers {
		r.fault("%s has %d elements, want %d, one a layer", key, n, layers)
		return nil
	}
	var list []float64
	var err error
	if array {
		list, err = r.g.Floats(key)
	} else {
		var f float64
		f, err = r.g.Float(key)
		list = slices.Repeat([]float64{f}, layers)
	}
	if err != nil {
		r.fault("%s", err)
	}
	for i, f := range list {
		if math.IsNaN(f) || math.Abs(f) > math.MaxFloat32 {
			r.fault("%s of layer %d is %v", key, i, f)
		}
	}
	return list
}
