package architecture

import (
	"fmt"
	"math"
	"slices"
)

// readGemma4 reads the metadata of a GGUF file. Full layers have the head size of
// key_length, and divisors for the part of a head that does not turn.
func (r *ggufReader) readGemma4(c *Config) {
	r.readCommon(c)
	full, sliding := c.HeadDim, r.size("attention.key_length_swa", maxHeadDim)
	for _, key := range []string{"attention.value_length_swa", "rope.dimension_count_swa"} {
		r.only(key, float64(sliding))
	}
	types := r.layerTypes(c, 0)
	c.HeadDim = sliding
	for i := range c.Layers {
		l := &c.Layers[i]
		if l.HeadDim = sliding; types[i] == fullAttention {
			l.HeadDim = full
		}
		l.ValueIsKey = types[i] == fullAttention && !r.hasTensor(fmt.Sprintf("blk.%d.attn_v.weight", i))
	}
	if !r.hasTensor(ropeFactors) && slices.Contains(types, fullAttention) {
		r.fault("tensor %s is missing: full layers turn a part of their heads", ropeFactors)
	}
	c.slideGemma(r, types)
	r.slidingRope(c, sliding)
	if r.has("attention.shared_kv_layers") {
		if err := c.shareKeysAndValues(r.integer("attention.shared_kv_layers", 0, maxLayers), types); err != nil {
			r.fault("%sattention.shared_kv_layers: %v", r.prefix, err)
		}
	}
	c.gemma()
	c.LogitSoftcap = r.softcap()
	c.ValueNorm, c.LayerScalar = true, r.hasTensor("blk.0.layer_output_scale.weight")
	c.AttentionScale = 1
	if r.has("embedding_length_per_layer_input") {
		c.PerLayerInput = r.integer("embedding_length_per_layer_input", 0, maxHiddenSize)
	}
	if embedding, err := r.g.Tensor(ggufModules[EmbedTokensPerLayer] + ".weight"); err == nil && len(embedding.Shape) == 2 {
		c.VocabSizePerLayerInput = min(embedding.Shape[0], maxVocab)
	}
	if c.PerLayerInput > 0 && c.VocabSizePerLayerInput < c.VocabSize {
		r.fault("per_layer_token_embd.weight has %d rows, want one for each of %d tokens", c.VocabSizePerLayerInput, c.VocabSize)
	}
	if r.has("expert_feed_forward_length") {
		r.integer("expert_feed_forward_length", 0, math.MaxInt32) // of experts, which there are none of
	}
}

// slideGemma gives the layers of types that slide the window of a GGUF file.
func (c *Config) slideGemma(r *ggufReader, types []string) {
	const key = "attention.sliding_window"
	window := 0
	if r.has(key) {
		window = r.integer(key, 0, maxPositions)
	}
	for i := range c.Layers {
		if types[i] == fullAttention {
			continue
		}
		if window == 0 {
			r.fault("%s%s is missing, and layer %d slides", r.prefix, key, i)
			return
		}
		c.Layers[i].Window, c.Layers[i].Rope = window, 1
	}
}

// slidingRope adds the rotary positions of sliding layers, rope 1.
func (r *ggufReader) slidingRope(c *Config, headDim int) {
	theta := 10000.0
	if r.has("rope.freq_base_swa") {
		theta = r.positive("rope.freq_base_swa")
	}
	c.Ropes = append(c.Ropes, defaultRope(headDim, theta))
}

// layerTypes says which layers slide: all but every period-th, or those that the
// file lists; period is the architecture's own, 0 where the file must tell.
func (r *ggufReader) layerTypes(c *Config, period int) []string {
	const key = "attention.sliding_window_pattern"
	n, array := r.g.ArrayLen(r.prefix + key)
	if !array && (r.has(key) || period == 0) {
		period = r.size(key, maxLayers)
	}
	types := slices.Repeat([]string{slidingAttention}, c.NumHiddenLayers)
	if !array {
		for i := period - 1; i < len(types); i += period {
			types[i] = fullAttention
		}
		return types
	}
	slides, ok := lookup(r, key, r.g.Bools)
	if ok && n != c.NumHiddenLayers {
		r.fault("%s%s has %d elements, want %d, one a layer", r.prefix, key, n, c.NumHiddenLayers)
		ok = false
	}
	for i := range types {
		if ok && !slides[i] {
			types[i] = fullAttention
		}
	}
	return types
}

// softcap reads the bound of the logits, of which 0 and no key are none.
func (r *ggufReader) softcap() float64 {
	const key = "final_logit_softcapping"
	if !r.has(key) {
		return 0
	}
	f, ok := lookup(r, key, r.g.Float)
	if ok && !(f >= 0 && !math.IsInf(f, 0)) {
		r.fault("%s%s is %v, want 0 or more", r.prefix, key, f)
	}
	return f
}
