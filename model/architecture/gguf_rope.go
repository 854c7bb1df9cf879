package architecture

import (
	"fmt"

	"github.com/ailiance/lorabench/model/checkpoint"
)

// readDivisors reads the tensor of rotary divisors. It is what Llama 3's scaling
// comes to, and how Gemma 4 turns only a part of a head: infinity, nearly,
// divides the rest. It belongs to the layers that see all positions.
func (c *Config) readDivisors(g *checkpoint.GGUF) error {
	divisors, err := g.RopeFactors()
	if err != nil || divisors == nil {
		return err
	}
	r := &c.Ropes[0]
	switch {
	case !c.architecture.ropeFactors:
		return fmt.Errorf("tensor %s: %s has none", ropeFactors, c.ModelType)
	case r.Type != RopeDefault:
		return &checkpoint.UnsupportedError{What: fmt.Sprintf("tensor %s beside rope scaling %s: not supported", ropeFactors, r.Type)}
	case len(divisors) != r.HeadDim/2:
		return fmt.Errorf("%s has %d values, want %d", ropeFactors, len(divisors), r.HeadDim/2)
	}
	r.Divisors = divisors
	return nil
}

// readRope reads rotary positions and their scaling.
func (r *ggufReader) readRope(c *Config) Rope {
	theta := 10000.0
	if r.has("rope.freq_base") {
		theta = r.positive("rope.freq_base")
	}
	rope := defaultRope(c.HeadDim, theta)
	kind := "none"
	if r.has("rope.scaling.type") {
		kind = r.text("rope.scaling.type")
	}
	factor := 0.0
	for _, key := range []string{"rope.scaling.factor", "rope.scale_linear"} {
		if r.has(key) {
			factor = r.positive(key)
			if !r.has("rope.scaling.type") {
				kind = RopeLinear // as older files have it
			}
		}
	}
	original := c.MaxPositionEmbeddings
	if r.has("rope.scaling.original_context_length") {
		original = r.size("rope.scaling.original_context_length", maxPositions)
	}
	if (kind == RopeLinear || kind == RopeYarn) && factor < 1 {
		r.fault("%srope.scaling.factor is %v, want 1 or more", r.prefix, factor)
		factor = 1
	}
	switch kind {
	case "none":
	case RopeLinear:
		rope.Type, rope.Factor = RopeLinear, factor
	case RopeYarn:
		rope.Type, rope.Factor, rope.OriginalMaxPositionEmbeddings = RopeYarn, factor, original
		r.readYarn(&rope)
	default:
		r.cannot("%srope.scaling.type %.40q is not known, want none, linear or yarn", r.prefix, kind)
	}
	if r.has("rope.scaling.finetuned") {
		r.boolean("rope.scaling.finetuned") // a remark
	}
	return rope
}

// readYarn reads what yarn has of its own. The file says nothing of mscale,
// which is taken to be 1, and yarn_log_multiplier is mscale_all_dim.
//
// Source: llama-context.cpp, https://github.com/ggml-org/llama.cpp.
func (r *ggufReader) readYarn(rope *Rope) {
	or := func(key string, absent float64) float64 {
		if !r.has(key) {
			return absent
		}
		return r.positive(key)
	}
	rope.BetaFast, rope.BetaSlow = or("rope.scaling.yarn_beta_fast", 32), or("rope.scaling.yarn_beta_slow", 1)
	rope.Truncate = true
	rope.AttentionFactor = rope.yarnScale(1)
	if all := r.atLeastZero("rope.scaling.yarn_log_multiplier"); all != 0 {
		rope.AttentionFactor /= rope.yarnScale(all)
	}
	r.only("rope.scaling.yarn_ext_factor", 1)
	r.only("rope.scaling.attn_factor", 1)
	// transformers and llama.cpp agree on this one only where it is what follows.
	r.only("rope.scaling.yarn_attn_factor", rope.AttentionFactor)
}

// atLeastZero reads a number that is 0 where it is absent, at most 100.
func (r *ggufReader) atLeastZero(key string) float64 {
	if !r.has(key) {
		return 0
	}
	f, ok := lookup(r, key, r.g.Float)
	if ok && !(f >= 0 && f <= 100) {
		r.fault("%s%s is %v, want 0 to 100", r.prefix, key, f)
		return 0
	}
	return f
}
