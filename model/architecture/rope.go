package architecture

import (
	"math"
	"reflect"
)

// Rope says how the rotary positions of some layers turn.
//
// Sources: Su et al. 2021, https://arxiv.org/abs/2104.09864; the scalings as in
// transformers' modeling_rope_utils.py.
type Rope struct {
	Type    string // RopeDefault, …
	HeadDim int
	Theta   float64
	Factor  float64 // 1 for default

	// Of llama3: a wavelength over OriginalMaxPositionEmbeddings/LowFreqFactor is
	// low, one under …/HighFreqFactor is high.
	LowFreqFactor, HighFreqFactor float64

	// Of yarn: dimensions that turn more than BetaFast times over the original
	// positions keep their frequency, those that turn less than BetaSlow times
	// have it divided. Truncate rounds the bounds outwards.
	BetaFast, BetaSlow float64
	Truncate           bool

	OriginalMaxPositionEmbeddings int // of llama3 and yarn

	RotaryFactor    float64 // of proportional: the part of a head's dimensions that turns
	AttentionFactor float64 // cos and sin are multiplied by it; 1 but for yarn

	// Divisors of the frequencies, [HeadDim/2], where a GGUF file has them
	// (rope_freqs.weight); nil otherwise.
	Divisors []float32
}

// The types of Rope.
const (
	RopeDefault      = "default"      // not scaled
	RopeLinear       = "linear"       // every frequency is divided
	RopeLlama3       = "llama3"       // low frequencies are divided, those between interpolated
	RopeYarn         = "yarn"         // Peng et al. 2023, https://arxiv.org/abs/2309.00071
	RopeProportional = "proportional" // only the first dimensions turn
)

// defaultRope is one that is not scaled.
func defaultRope(headDim int, theta float64) Rope {
	return Rope{Type: RopeDefault, HeadDim: headDim, Theta: theta, Factor: 1, AttentionFactor: 1}
}

// readRope reads rotary positions in both spellings: rope_parameters with
// rope_type and rope_theta, as transformers 5 writes it, or rope_scaling beside
// a rope_theta at the top level. Where a file has both they must agree. extra,
// if not nil, reads keys of the architecture's own.
func (c *Config) readRope(k *keys, theta float64, extra func(part *keys, rope Rope)) Rope {
	top := !k.null("rope_theta")
	if top {
		theta = k.positive("rope_theta", 1)
	}
	original := k.integer("original_max_position_embeddings", 0, 1, maxPositions)
	r, from := defaultRope(c.HeadDim, theta), ""
	for _, key := range []string{"rope_parameters", "rope_scaling"} {
		part := k.object(key)
		if part == nil {
			continue
		}
		s := c.readScaling(part, c.HeadDim, original)
		if s.Theta = theta; !part.null("rope_theta") {
			if s.Theta = part.positive("rope_theta", 1); top && s.Theta != theta {
				k.fault("rope_theta is %v, but %s.rope_theta is %v", theta, key, s.Theta)
			}
		}
		if extra != nil {
			extra(part, s)
		}
		k.done(key, part)
		if from != "" && !reflect.DeepEqual(s, r) {
			k.fault("%s and %s differ", from, key)
		}
		from, r = key, s
	}
	mustBe(k, "partial_rotary_factor", 1.0)
	return r
}

// readLayerRopes reads the rotary positions of full layers, rope 0, and of
// sliding layers, rope 1, from rope_parameters nested by layer type. Whether it
// is there is returned.
func (c *Config) readLayerRopes(k *keys, full, sliding Rope) bool {
	nested := k.object("rope_parameters")
	if nested == nil {
		c.Ropes = []Rope{full, sliding}
		return false
	}
	read := func(key string, rope Rope) Rope {
		part := nested.object(key)
		if part == nil {
			return rope
		}
		r := c.readScaling(part, rope.HeadDim, 0)
		if r.Theta = rope.Theta; !part.null("rope_theta") {
			r.Theta = part.positive("rope_theta", 1)
		}
		if r.Type == RopeYarn && !r.Truncate {
			part.cannot("truncate is false, and transformers does not look at it where rope_parameters are nested")
		}
		nested.done(key, part)
		return r
	}
	c.Ropes = []Rope{read(fullAttention, full), read(slidingAttention, sliding)}
	k.done("rope_parameters", nested)
	return true
}

// readScaling reads the scaling of rotary positions, of which Theta is left 0.
// original is original_max_position_embeddings beside the object, which counts
// more than one inside; 0: absent.
func (c *Config) readScaling(k *keys, headDim, original int) Rope {
	r := defaultRope(headDim, 0)
	named := false
	for _, key := range []string{"rope_type", "type"} {
		if k.null(key) {
			continue
		}
		t := k.text(key, "")
		if named && t != r.Type {
			k.fault("rope_type %.40q and type %.40q differ", r.Type, t)
		}
		named, r.Type = true, t
	}
	readOriginal := func() {
		r.OriginalMaxPositionEmbeddings = k.integer("original_max_position_embeddings", c.MaxPositionEmbeddings, 1, maxPositions)
		if original > 0 {
			r.OriginalMaxPositionEmbeddings = original
		}
	}
	switch r.Type {
	case RopeDefault:
	case RopeLinear:
		r.Factor = required(k, "factor", r.Type)
	case RopeLlama3:
		r.Factor = required(k, "factor", r.Type)
		r.LowFreqFactor = required(k, "low_freq_factor", r.Type)
		r.HighFreqFactor = required(k, "high_freq_factor", r.Type)
		if r.HighFreqFactor <= r.LowFreqFactor {
			k.fault("high_freq_factor %v is not above low_freq_factor %v", r.HighFreqFactor, r.LowFreqFactor)
		}
		readOriginal()
	case RopeYarn:
		r.readYarn(k)
		readOriginal()
	case RopeProportional:
		if r.RotaryFactor = k.number("partial_rotary_factor", 1); r.RotaryFactor < 0 || r.RotaryFactor > 1 {
			k.fault("partial_rotary_factor is %v, want 0 to 1", r.RotaryFactor)
		}
		r.Factor = k.positive("factor", 1)
	default:
		k.cannot("rope_type %.40q is not known, want default, linear, llama3, yarn or proportional", r.Type)
	}
	if r.Type != RopeProportional {
		mustBe(k, "partial_rotary_factor", 1.0)
	}
	if r.Factor < 1 && r.Type != RopeDefault {
		k.fault("factor is %v, want 1 or more", r.Factor)
	}
	return r
}

func (r *Rope) readYarn(k *keys) {
	or := func(key string, absent float64) float64 { // null and 0 are as good as absent, as in Python's or
		if k.null(key) || k.number(key, 0) == 0 {
			return absent
		}
		return k.positive(key, absent)
	}
	r.Factor = required(k, "factor", r.Type)
	r.BetaFast, r.BetaSlow = or("beta_fast", 32), or("beta_slow", 1)
	r.Truncate = k.boolean("truncate", true)
	m, all := or("mscale", 0), or("mscale_all_dim", 0)
	switch {
	case !k.null("attention_factor"):
		r.AttentionFactor = k.positive("attention_factor", 1)
	case m != 0 && all != 0:
		r.AttentionFactor = r.yarnScale(m) / r.yarnScale(all)
	default:
		r.AttentionFactor = r.yarnScale(1)
	}
}

// yarnScale is what longer contexts multiply cos and sin by.
func (r *Rope) yarnScale(m float64) float64 {
	if r.Factor <= 1 {
		return 1
	}
	return 0.1*m*math.Log(r.Factor) + 1
}

// ropeIsWhole checks that a file without rope_parameters or rope_scaling, in an
// architecture that has a default for all of them together, does not change a
// part of it.
func (c *Config) ropeIsWhole(k *keys) {
	if !k.null("rope_theta") && k.number("rope_theta", 0) != c.Ropes[0].Theta {
		k.cannot("rope_theta without rope_scaling: transformers ignores it for %s; write rope_parameters", c.ModelType)
	}
	if !k.null("original_max_position_embeddings") {
		k.cannot("original_max_position_embeddings without rope_scaling: write rope_parameters")
	}
}

// required returns a positive number that must be there.
func required(k *keys, key, ropeType string) float64 {
	if _, ok := k.members[key]; !ok {
		k.fault("%s is missing, and rope_type %s needs it", key, ropeType)
		return 1
	}
	return k.positive(key, 1)
}

// Frequencies returns the angles of one position's step, [HeadDim/2], in
// radians. They are float32, and rounded where transformers rounds, so that long
// contexts see the same positions.
func (r Rope) Frequencies() []float32 {
	half := r.HeadDim / 2
	f := make([]float32, half)
	for i := range f {
		power := float32(math.Pow(r.Theta, float64(float32(2*i)/float32(r.HeadDim))))
		f[i] = 1 / power
	}
	switch {
	case r.Divisors != nil:
		for i := range f {
			f[i] /= r.Divisors[i]
		}
	case r.Type == RopeLinear:
		for i := range f {
			f[i] /= float32(r.Factor)
		}
	case r.Type == RopeLlama3:
		r.interpolate(f)
	case r.Type == RopeYarn:
		r.yarn(f)
	case r.Type == RopeProportional:
		clear(f[min(half, int(r.RotaryFactor*float64(r.HeadDim)/2)):])
		for i := range f {
			f[i] /= float32(r.Factor)
		}
	}
	return f
}

// interpolate is Llama 3's scaling, in place.
func (r Rope) interpolate(frequency []float32) {
	original := float64(r.OriginalMaxPositionEmbeddings)
	for i, f := range frequency {
		wavelength := 2 * math.Pi / float64(f)
		switch {
		case wavelength < original/r.HighFreqFactor:
		case wavelength > original/r.LowFreqFactor:
			frequency[i] = f / float32(r.Factor)
		default:
			smooth := (original/wavelength - r.LowFreqFactor) / (r.HighFreqFactor - r.LowFreqFactor)
			// The conversion keeps compilers from fusing product and sum.
			frequency[i] = float32((1-smooth)*float64(f)/r.Factor + float64(smooth*float64(f)))
		}
	}
}

// yarn mixes the frequencies with divided ones, in place.
func (r Rope) yarn(frequency []float32) {
	dims := float64(r.HeadDim)
	bound := func(turns float64) float64 {
		return dims * math.Log(float64(r.OriginalMaxPositionEmbeddings)/(turns*2*math.Pi)) / (2 * math.Log(r.Theta))
	}
	low, high := bound(r.BetaFast), bound(r.BetaSlow)
	if r.Truncate {
		low, high = math.Floor(low), math.Ceil(high)
	}
	if low, high = max(low, 0), min(high, dims-1); low == high {
		high += 0.001
	}
	for i, f := range frequency {
		ramp := min(max((float32(i)-float32(low))/float32(high-low), 0), 1)
		keep := 1 - ramp
		divided := 1 / (float32(r.Factor) * (1 / f))
		frequency[i] = float32(divided*(1-keep)) + float32(f*keep)
	}
}
