package checkpoint

import (
	"fmt"
	"strings"
)

// Config is a model's configuration. Fields keep the names that config.json has
// for them; GGUF metadata is translated into them.
type Config struct {
	ModelType             string // "llama"
	HiddenSize            int
	IntermediateSize      int
	NumHiddenLayers       int
	NumAttentionHeads     int // a multiple of NumKeyValueHeads
	NumKeyValueHeads      int
	HeadDim               int // even
	VocabSize             int
	MaxPositionEmbeddings int
	RMSNormEps            float64
	HiddenAct             string // "silu"
	RopeTheta             float64
	RopeScaling           RopeScaling
	TieWordEmbeddings     bool // lm_head is embed_tokens
	AttentionBias         bool // q, k, v and o have a bias
	MLPBias               bool // gate, up and down have a bias

	BOSTokenID  int   // -1 where there is none
	EOSTokenIDs []int // none, one or several; any of them ends a text

	// DType is the type that config.json says the weights have, "bfloat16" for
	// instance, or "". The type that each tensor is stored in is what counts.
	DType string
}

// RopeScaling says how the frequencies of rotary positions are changed.
type RopeScaling struct {
	// Type is "default" (not at all), "linear" (every frequency divided by
	// Factor) or "llama3" (low frequencies divided by Factor, high ones kept,
	// those between interpolated).
	Type   string
	Factor float64 // 1 for default

	// Of llama3 only. A wavelength over OriginalMaxPositionEmbeddings /
	// LowFreqFactor is low; one under …/HighFreqFactor is high.
	LowFreqFactor, HighFreqFactor float64
	OriginalMaxPositionEmbeddings int
}

// The types of RopeScaling.
const (
	RopeDefault = "default"
	RopeLinear  = "linear"
	RopeLlama3  = "llama3"
)

// Limits of plausibility: several times what the largest models have, and small
// enough that no product of two of them overflows. A file that says more is
// damaged or hostile.
const (
	maxConfig       = 16 << 20 // bytes of config.json
	maxLayers       = 4096
	maxHiddenSize   = 1 << 20
	maxIntermediate = 1 << 22
	maxHeads        = 1 << 14
	maxHeadDim      = 1 << 14
	maxVocab        = 1 << 24
	maxPositions    = 1 << 27
)

// UnsupportedError names what a checkpoint has that this version cannot compute.
type UnsupportedError struct{ What string }

func (e *UnsupportedError) Error() string { return e.What }

// knownModelTypes are the architectures that ParseConfig reads, by model_type.
const knownModelTypes = "llama"

// ParseConfig reads config.json strictly: a key that is neither used nor known
// to be harmless is an error, because a model that is misread is worse than one
// that is refused. Absent keys have the defaults of transformers' class for the
// model_type. The error tells of everything that is wrong.
func ParseConfig(data []byte) (*Config, error) {
	c, err := parseConfig(data)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", ConfigFile, err)
	}
	return c, nil
}

func parseConfig(data []byte) (*Config, error) {
	if len(data) > maxConfig {
		return nil, fmt.Errorf("%d bytes, more than %d", len(data), maxConfig)
	}
	k, err := parseKeys(data)
	if err != nil {
		return nil, err
	}
	c := &Config{ModelType: k.text("model_type", "")}
	switch c.ModelType {
	case "llama":
		c.readLlama(k)
	case "":
		return nil, fmt.Errorf("model_type is missing, want one of: %s", knownModelTypes)
	default:
		return nil, &UnsupportedError{fmt.Sprintf("model_type %.40q is not known, want one of: %s", c.ModelType, knownModelTypes)}
	}
	for key := range harmlessKeys(c.ModelType) {
		k.read[key] = true
	}
	k.unknown()
	return c, k.err()
}

// ConfigFromGGUF reads the configuration from the metadata of a GGUF file.
// Errors name the key.
func ConfigFromGGUF(g *GGUF) (*Config, error) {
	architecture, err := g.String("general.architecture")
	if err != nil {
		return nil, err
	}
	switch architecture {
	case "llama":
		return llamaFromGGUF(g)
	}
	return nil, fmt.Errorf("read %s: %w", g.file.name,
		&UnsupportedError{fmt.Sprintf("general.architecture %.40q is not known, want one of: %s", architecture, knownModelTypes)})
}

// TensorSpec is a tensor that an architecture has.
type TensorSpec struct {
	Name  string // its Hugging Face name
	Shape []int  // outermost dimension first
}

// Tensors returns the tensors that a model of this configuration has, in the
// order of the computation, under their Hugging Face names. Of tied weights
// only the embedding is listed.
func (c *Config) Tensors() []TensorSpec {
	switch c.ModelType {
	case "llama":
		return c.llamaTensors()
	}
	return nil
}

// IgnoredTensor says whether a tensor with this Hugging Face name may be left
// unread, and why.
func (c *Config) IgnoredTensor(name string) (reason string, ok bool) {
	switch {
	case strings.HasSuffix(name, ".rotary_emb.inv_freq"):
		return "older files store the rotary frequencies; they follow from rope_theta", true
	case c.TieWordEmbeddings && name == "lm_head.weight":
		return "tied to model.embed_tokens.weight, and equal to it", true
	}
	return "", false
}

// Widths of the projections of a block.
func (c *Config) queryWidth() int    { return c.NumAttentionHeads * c.HeadDim }
func (c *Config) keyValueWidth() int { return c.NumKeyValueHeads * c.HeadDim }
