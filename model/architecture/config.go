package architecture

import (
	"fmt"
	"slices"
	"strings"

	"github.com/ailiance/lorabench/model/checkpoint"
)

// Config describes a decoder. Fields that config.json has keep its names for
// them; the others say in the same terms for every architecture what their code
// in transformers does.
type Config struct {
	ModelType             string // of the decoder: "gemma3_text", also where the file says "gemma3"
	HiddenSize            int
	IntermediateSize      int
	NumHiddenLayers       int
	NumAttentionHeads     int
	NumKeyValueHeads      int
	HeadDim               int
	VocabSize             int
	MaxPositionEmbeddings int
	RMSNormEps            float64
	TieWordEmbeddings     bool // lm_head is embed_tokens; Check may find that it is not

	BOSTokenID  int   // -1 where there is none
	EOSTokenIDs []int // none, one or several; any of them ends a text

	// DType is the type that config.json says the weights have, "bfloat16" for
	// instance, or "". The type that each tensor is stored in is what counts.
	DType string

	Layers []Layer // [NumHiddenLayers]
	Ropes  []Rope  // at least one

	Norms      Norms
	NormNames  [numNorms]string // inside a block; "" where a block has none
	Activation Activation
	QueryKey   QueryKeyNorm
	ValueNorm  bool // values are normalised too, without a weight
	UnitOffset bool // norms multiply by 1 + weight

	QKVBias    bool // q, k and v have a bias
	OutputBias bool // o has a bias
	MLPBias    bool // the feed-forward layers have a bias

	AttentionScale  float64 // of q·k
	EmbeddingScale  float64 // embeddings are multiplied by it
	ResidualScale   float64 // what a block adds is multiplied by it
	LogitDivisor    float64
	LogitSoftcap    float64 // s: logits are s·tanh(logits/s); 0: none
	QueryScaleBeta  float64 // β: queries at position p are multiplied by 1 + β·ln(1 + ⌊p/n⌋); 0: none
	QueryScaleEvery int     // n

	// PerLayerInput is the width of the embedding that every layer has of its
	// own; 0: none. All of them are one table, [VocabSizePerLayerInput,
	// NumHiddenLayers·PerLayerInput].
	PerLayerInput          int
	VocabSizePerLayerInput int
	LayerScalar            bool // a block's output is multiplied by a stored number

	// XIELU are the parameters of the activation where metadata have them; nil
	// where they are tensors.
	XIELU []XIELU

	architecture *architecture
	tieAssumed   bool // the file does not say whether the head is tied
	wrapper      bool // the text part of a multimodal checkpoint
}

// Layer is the geometry of a block.
type Layer struct {
	HeadDim          int // even
	NumKeyValueHeads int // divides NumAttentionHeads
	IntermediateSize int
	Window           int  // a position sees itself and Window-1 before it; 0: all before it
	Rope             int  // index of Config.Ropes
	KeyValueLayer    int  // whose keys and values it attends to: its own index, or an earlier layer's
	ValueIsKey       bool // values are the keys before norm and rotation: there is no v_proj
}

// Norms says where the norms of a block are.
type Norms int

// The forms of a block, f being attention or the feed-forward layers.
const (
	NormBefore   Norms = iota // x + f(norm(x))
	NormAfter                 // x + norm(f(x))
	NormSandwich              // x + norm(f(norm(x)))
)

// The norms of a block, in the order of the computation.
const (
	BeforeAttention = iota
	AfterAttention
	BeforeFeedForward
	AfterFeedForward
	numNorms
)

// Activation is what the feed-forward layers are made of.
type Activation int

// The activations.
const (
	SwiGLU        Activation = iota // down(silu(gate(x)) · up(x))
	GeGLU                           // down(gelu(gate(x)) · up(x)), gelu by tanh
	XIELUNoGating                   // down(xielu(up(x)))
)

// XIELU are the parameters of an xIELU activation, alphas before softplus.
type XIELU struct{ AlphaP, AlphaN, Beta, Eps float64 }

// QueryKeyNorm says what of queries and keys is normalised before rotation.
type QueryKeyNorm int

// The norms of queries and keys.
const (
	NoQueryKeyNorm    QueryKeyNorm = iota
	HeadQueryKeyNorm               // each head, weight [HeadDim]
	WholeQueryKeyNorm              // all heads together, weight [heads·HeadDim]
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

// architecture is how one kind of decoder is read.
type architecture struct {
	modelType string // of config.json
	read      func(c *Config, k *keys)

	ggufName string // general.architecture; "": GGUF does not have it
	readGGUF func(c *Config, r *ggufReader)
	// permuted says that GGUF has the rows of q_proj and k_proj interleaved.
	permuted bool
	// ropeFactors says that GGUF may have divisors of the rotary frequencies.
	ropeFactors bool
}

// architectures are all that there are.
var architectures = []*architecture{&llama, &mistral, &ministral, &ministral3, &qwen2, &qwen3, &apertus, &gemma3, &gemma4, &granite, &olmo2}

// wrappers are multimodal checkpoints, of which the text part is computed: the
// decoder's model_type where text_config does not say it.
var wrappers = map[string]string{"gemma3": "gemma3_text", "gemma4": "gemma4_text", "mistral3": "mistral"}

func knownModelTypes() string {
	var names []string
	for _, a := range architectures {
		names = append(names, a.modelType)
	}
	return strings.Join(names, ", ")
}

// Parse reads config.json. Absent keys have the defaults of transformers' class
// for the model_type; keys may be spelled as transformers 5 or as 4 writes them.
// The error tells of everything that is wrong; it is a *checkpoint.UnsupportedError
// where some of that is what this version cannot compute.
func Parse(data []byte) (*Config, error) {
	c, err := parse(data)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", checkpoint.ConfigFile, err)
	}
	return c, nil
}

func parse(data []byte) (*Config, error) {
	if len(data) > maxConfig {
		return nil, fmt.Errorf("%d bytes, more than %d", len(data), maxConfig)
	}
	members, err := checkpoint.ParseObject(data)
	if err != nil {
		return nil, err
	}
	k := newKeys(members)
	c := newConfig()
	c.ModelType = k.text("model_type", "")
	if _, ok := wrappers[c.ModelType]; ok {
		c.readWrapper(k)
	} else {
		c.readDecoder(k)
	}
	k.unknown()
	return c, k.err()
}

func newConfig() *Config {
	return &Config{BOSTokenID: -1, EmbeddingScale: 1, ResidualScale: 1, LogitDivisor: 1}
}

// readDecoder reads the configuration of the decoder of c.ModelType.
func (c *Config) readDecoder(k *keys) {
	i := slices.IndexFunc(architectures, func(a *architecture) bool { return a.modelType == c.ModelType })
	switch {
	case c.ModelType == "":
		k.fault("model_type is missing, want one of: %s", knownModelTypes())
	case i < 0:
		k.cannot("model_type %.40q is not known, want one of: %s", c.ModelType, knownModelTypes())
	}
	if len(k.list) > 0 {
		for key := range k.members { // whose keys they are is not known
			k.skip(key)
		}
		return
	}
	c.architecture = architectures[i]
	c.architecture.read(c, k)
	c.nameNorms()
	for key := range harmlessKeys {
		k.skip(key)
	}
	k.skip(storageKeys...)
	if err := c.check(); err != nil && len(k.list) == 0 {
		k.fault("%v", err)
	}
}

// readWrapper reads text_config of a multimodal checkpoint. What the other
// parts are like does not matter to text.
func (c *Config) readWrapper(k *keys) {
	c.wrapper = true
	text := k.object("text_config")
	if text == nil {
		k.fault("text_config is missing, and model_type %s needs it", c.ModelType)
		return
	}
	wrapper := c.ModelType
	c.ModelType = text.text("model_type", wrappers[wrapper])
	c.readDecoder(text)
	c.readTie(k, true) // the head is the wrapper's
	if wrapper == "gemma3" {
		c.LogitSoftcap = 0 // transformers' wrapper does not bound them
	}
	if !k.null("eos_token_id") {
		c.readTokens(k, tokens{bos: c.BOSTokenID})
	}
	if c.DType == "" {
		c.readDType(k)
	}
	k.skip(storageKeys...)
	k.done("text_config", text)
	for key := range harmlessKeys {
		k.skip(key)
	}
	for key := range k.members {
		if strings.HasSuffix(key, "_token_id") || strings.HasSuffix(key, "_token_index") || slices.Contains(wrapperKeys, key) {
			k.skip(key)
		}
	}
}

// storageKeys say how tensors are stored: package checkpoint reads them.
var storageKeys = []string{"quantization", "quantization_config"}

// wrapperKeys are of the parts of a multimodal checkpoint that see and hear.
var wrapperKeys = []string{
	"vision_config", "audio_config", "dtype", "torch_dtype", "vocab_size",
	"mm_tokens_per_image", "multimodal_projector_bias", "projector_hidden_act", "spatial_merge_size", "vision_feature_layer",
	"vision_soft_tokens_per_image", "audio_soft_tokens_per_image",
}

// nameNorms gives the norms of a block the names that most architectures have.
func (c *Config) nameNorms() {
	if c.NormNames != [numNorms]string{} {
		return
	}
	c.NormNames = map[Norms][numNorms]string{
		NormBefore:   {BeforeAttention: "input_layernorm", BeforeFeedForward: "post_attention_layernorm"},
		NormAfter:    {AfterAttention: "post_attention_layernorm", AfterFeedForward: "post_feedforward_layernorm"},
		NormSandwich: {"input_layernorm", "post_attention_layernorm", "pre_feedforward_layernorm", "post_feedforward_layernorm"},
	}[c.Norms]
}

// check checks what every decoder needs.
func (c *Config) check() error {
	for i, l := range c.Layers {
		switch {
		case c.NumAttentionHeads%l.NumKeyValueHeads != 0:
			return fmt.Errorf("num_attention_heads %d is not a multiple of num_key_value_heads %d", c.NumAttentionHeads, l.NumKeyValueHeads)
		case l.HeadDim%2 != 0:
			return fmt.Errorf("head_dim %d is odd: rotary positions need pairs", l.HeadDim)
		case l.HeadDim > maxHeadDim:
			return fmt.Errorf("head_dim %d, want at most %d", l.HeadDim, maxHeadDim)
		case c.Ropes[l.Rope].HeadDim != l.HeadDim:
			return fmt.Errorf("layer %d has heads of %d and rotary positions of %d", i, l.HeadDim, c.Ropes[l.Rope].HeadDim)
		}
	}
	return nil
}

// uniformLayers makes all layers alike.
func (c *Config) uniformLayers() {
	c.Layers = make([]Layer, c.NumHiddenLayers)
	for i := range c.Layers {
		c.Layers[i] = Layer{HeadDim: c.HeadDim, NumKeyValueHeads: c.NumKeyValueHeads, IntermediateSize: c.IntermediateSize, KeyValueLayer: i}
	}
}

// slide gives the layers that slides tells of a window.
func (c *Config) slide(window int, slides func(layer int) bool) {
	for i := range c.Layers {
		if slides(i) {
			c.Layers[i].Window = window
		}
	}
}
