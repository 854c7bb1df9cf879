package architecture

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/ailiance/lorabench/model/checkpoint"
)

// FromGGUF reads the configuration from the metadata of a GGUF file. Errors
// name the key.
func FromGGUF(g *checkpoint.GGUF) (*Config, error) {
	name, err := g.String("general.architecture")
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(architectures, func(a *architecture) bool { return a.ggufName == name && name != "" })
	if i < 0 {
		return nil, &checkpoint.UnsupportedError{What: fmt.Sprintf("general.architecture %.40q is not known, want one of: %s", name, knownGGUF())}
	}
	c := newConfig()
	c.architecture = architectures[i]
	c.ModelType = c.architecture.modelType
	r := &ggufReader{g: g, prefix: name + "."}
	c.architecture.readGGUF(c, r)
	r.unknown()
	c.nameNorms()
	if err := r.err(); err != nil {
		return nil, err
	}
	if err := c.readDivisors(g); err != nil {
		return nil, err
	}
	return c, c.check()
}

func knownGGUF() string {
	var names []string
	for _, a := range architectures {
		if a.ggufName != "" {
			names = append(names, a.ggufName)
		}
	}
	return strings.Join(names, ", ")
}

// ggufReader reads the metadata of one architecture, and remembers what it read
// and what was wrong: like keys for config.json.
type ggufReader struct {
	g      *checkpoint.GGUF
	prefix string // "llama."
	read   map[string]bool
	faults
}

func (r *ggufReader) has(key string) bool { return r.g.Has(r.prefix + key) }

// lookup gets prefix+key; a fault has what went wrong, without the file's name.
func lookup[T any](r *ggufReader, key string, get func(string) (T, error)) (T, bool) {
	key = r.prefix + key
	if r.read == nil {
		r.read = map[string]bool{}
	}
	r.read[key] = true
	v, err := get(key)
	if err != nil {
		r.fault("%s", err)
	}
	return v, err == nil
}

func (r *ggufReader) integer(key string, least, most int) int {
	n, ok := lookup(r, key, r.g.Int)
	if ok && (n < least || n > most) {
		r.fault("%s%s is %d, want %d to %d", r.prefix, key, n, least, most)
		return least
	}
	return max(n, least)
}

// size reads a number from 1 to most.
func (r *ggufReader) size(key string, most int) int { return r.integer(key, 1, most) }

func (r *ggufReader) positive(key string) float64 {
	f, ok := lookup(r, key, r.g.Float)
	if ok && (!(f > 0) || math.IsInf(f, 0)) {
		r.fault("%s%s is %v, want a number above 0", r.prefix, key, f)
	}
	return f
}

func (r *ggufReader) text(key string) string {
	s, _ := lookup(r, key, r.g.String)
	return s
}

func (r *ggufReader) boolean(key string) bool {
	b, _ := lookup(r, key, r.g.Bool)
	return b
}

// tokens reads the ids that begin and end a text: end of text and, where it is
// another, end of turn.
func (r *ggufReader) tokens(c *Config) {
	c.BOSTokenID = -1
	t := ggufReader{g: r.g, prefix: "tokenizer.ggml."}
	id := func(key string) int { return t.integer(key, 0, max(c.VocabSize-1, 0)) }
	if t.has("bos_token_id") {
		c.BOSTokenID = id("bos_token_id")
	}
	for _, key := range []string{"eos_token_id", "eot_token_id"} {
		if !t.has(key) {
			continue
		}
		if n := id(key); !slices.Contains(c.EOSTokenIDs, n) {
			c.EOSTokenIDs = append(c.EOSTokenIDs, n)
		}
	}
	r.include(t.faults, "")
}

// unknown adds a fault for each key of the architecture that nobody asked for.
func (r *ggufReader) unknown() {
	for _, key := range r.g.Keys() {
		if strings.HasPrefix(key, r.prefix) && !r.read[key] {
			r.cannot("metadata key %.80q is not known", key)
		}
	}
}

// each reads a number from 1 to most for every layer: one that all share, or an
// array.
func (r *ggufReader) each(key string, layers, most int) []int {
	list := slices.Repeat([]int{1}, layers)
	n, array := r.g.ArrayLen(r.prefix + key)
	switch {
	case !array:
		return slices.Repeat([]int{r.size(key, most)}, layers)
	case n != layers:
		lookup(r, key, func(string) (any, error) {
			return nil, fmt.Errorf("%s%s has %d elements, want %d, one a layer", r.prefix, key, n, layers)
		})
		return list
	}
	values, ok := lookup(r, key, r.g.Ints)
	for i, v := range values {
		if v < 1 || v > most {
			r.fault("%s%s of layer %d is %d, want 1 to %d", r.prefix, key, i, v, most)
			return list
		}
	}
	if !ok {
		return list
	}
	return values
}

// only accepts a key that only has another effect with another value.
func (r *ggufReader) only(key string, want float64) {
	if !r.has(key) {
		return
	}
	if f, ok := lookup(r, key, r.g.Float); ok && math.Abs(f-want) > 1e-6 {
		r.cannot("%s%s is %v, want %v: other values are not supported", r.prefix, key, f, want)
	}
}

// readCommon reads the keys that all decoders have, and makes all layers alike
// but for what arrays say.
//
// Source: convert_hf_to_gguf.py and llama-model.cpp,
// https://github.com/ggml-org/llama.cpp.
func (r *ggufReader) readCommon(c *Config) {
	c.NumHiddenLayers = r.size("block_count", maxLayers)
	c.HiddenSize = r.size("embedding_length", maxHiddenSize)
	c.MaxPositionEmbeddings = r.size("context_length", maxPositions)
	wide := r.each("feed_forward_length", c.NumHiddenLayers, maxIntermediate)
	heads := r.each("attention.head_count", c.NumHiddenLayers, maxHeads)
	kvHeads := heads
	if r.has("attention.head_count_kv") {
		kvHeads = r.each("attention.head_count_kv", c.NumHiddenLayers, maxHeads)
	}
	if slices.Max(heads) != slices.Min(heads) {
		r.cannot("%sattention.head_count differs between layers: not supported", r.prefix)
	}
	c.NumAttentionHeads, c.NumKeyValueHeads, c.IntermediateSize = heads[0], kvHeads[0], wide[0]
	c.RMSNormEps = r.positive("attention.layer_norm_rms_epsilon")
	r.readHeadDim(c)
	r.readVocab(c)
	c.Ropes = []Rope{r.readRope(c)}
	for _, key := range []string{"expert_count", "expert_used_count"} {
		if r.has(key) && r.integer(key, 0, math.MaxInt32) != 0 {
			r.cannot("%s%s: mixtures of experts are not supported", r.prefix, key)
		}
	}
	if r.has("attention.causal") && !r.boolean("attention.causal") {
		r.cannot("%sattention.causal is false: only text that looks back is supported", r.prefix)
	}
	if r.has("tensor_data_layout") {
		r.text("tensor_data_layout") // a remark of old converters
	}
	c.TieWordEmbeddings = !r.hasTensor("output.weight")
	c.QKVBias = r.hasTensor("blk.0.attn_q.bias")
	c.OutputBias = r.hasTensor("blk.0.attn_output.bias")
	c.MLPBias = r.hasTensor("blk.0.ffn_up.bias")
	r.tokens(c)
	c.uniformLayers()
	for i := range c.Layers {
		c.Layers[i].NumKeyValueHeads, c.Layers[i].IntermediateSize = kvHeads[i], wide[i]
	}
	c.AttentionScale = inverseRoot(c.HeadDim)
}

// readHeadDim reads the size of a head: told, or as many dimensions as are
// rotated, which is all of them.
func (r *ggufReader) readHeadDim(c *Config) {
	switch {
	case r.has("attention.key_length"):
		c.HeadDim = r.size("attention.key_length", maxHeadDim)
	case r.has("rope.dimension_count"):
		c.HeadDim = r.size("rope.dimension_count", maxHeadDim)
	case c.NumAttentionHeads > 0 && c.HiddenSize%c.NumAttentionHeads == 0:
		c.HeadDim = c.HiddenSize / c.NumAttentionHeads
	default:
		r.fault("%sembedding_length %d is not a multiple of %sattention.head_count %d", r.prefix, c.HiddenSize, r.prefix, c.NumAttentionHeads)
	}
	for _, key := range []string{"attention.value_length", "rope.dimension_count"} {
		if r.has(key) && r.size(key, maxHeadDim) != c.HeadDim {
			r.cannot("%s%s differs from the head size %d: not supported", r.prefix, key, c.HeadDim)
		}
	}
}

// readVocab reads the size of the vocabulary: told, or that of the embedding.
func (r *ggufReader) readVocab(c *Config) {
	if r.has("vocab_size") {
		c.VocabSize = r.size("vocab_size", maxVocab)
		return
	}
	embedding, err := r.g.Tensor("token_embd.weight")
	if err != nil || len(embedding.Shape) != 2 || embedding.Shape[0] < 1 || embedding.Shape[0] > maxVocab {
		r.fault("%svocab_size is missing, and token_embd.weight [vocabulary, hidden] does not tell it", r.prefix)
		return
	}
	c.VocabSize = embedding.Shape[0]
}

// hasTensor tells what metadata do not say.
func (r *ggufReader) hasTensor(name string) bool {
	_, err := r.g.Tensor(name)
	return err == nil
}
