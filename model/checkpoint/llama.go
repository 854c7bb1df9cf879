package checkpoint

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strconv"
)

// readLlama reads the keys of transformers' LlamaConfig, with its defaults.
//
// Source: models/llama/configuration_llama.py and modeling_rope_utils.py of
// transformers 5, https://github.com/huggingface/transformers.
func (c *Config) readLlama(k *keys) {
	c.VocabSize = k.integer("vocab_size", 32000, 1, maxVocab)
	c.HiddenSize = k.integer("hidden_size", 4096, 1, maxHiddenSize)
	c.IntermediateSize = k.integer("intermediate_size", 11008, 1, maxIntermediate)
	c.NumHiddenLayers = k.integer("num_hidden_layers", 32, 1, maxLayers)
	c.MaxPositionEmbeddings = k.integer("max_position_embeddings", 2048, 1, maxPositions)
	c.RMSNormEps = k.positive("rms_norm_eps", 1e-6)
	c.TieWordEmbeddings = k.boolean("tie_word_embeddings", false)
	c.AttentionBias = k.boolean("attention_bias", false)
	c.MLPBias = k.boolean("mlp_bias", false)
	c.readHeads(k)
	c.readTokens(k)
	c.readRope(k)
	c.readDType(k)
	if c.HiddenAct = k.text("hidden_act", "silu"); c.HiddenAct != "silu" {
		k.cannot("hidden_act %.40q is not known for llama, want silu", c.HiddenAct)
	}
	mustBe(k, "partial_rotary_factor", 1.0)
	mustBe(k, "rope_interleaved", false)
	mustBe(k, "is_encoder_decoder", false)
	mustBe(k, "add_cross_attention", false)
	for _, key := range []string{"quantization", "quantization_config"} {
		if !k.null(key) {
			k.cannot("%s: quantised safetensors are not supported yet", key)
		}
	}
	if !k.null("sliding_window") {
		k.cannot("sliding_window: llama attends to all positions, want null")
	}
}

// mustBe accepts a key that only has an effect with another value.
func mustBe[T bool | float64](k *keys, key string, want T) {
	v, ok := k.get(key)
	if !ok || v == nil {
		return
	}
	var got any = v
	if n, ok := v.(json.Number); ok {
		got, _ = strconv.ParseFloat(n.String(), 64)
	}
	if got != any(want) {
		k.cannot("%s is %s, want %v: other values are not supported", key, describeToken(v), want)
	}
}

// readHeads reads the numbers of heads and their size.
func (c *Config) readHeads(k *keys) {
	c.NumAttentionHeads = k.integer("num_attention_heads", 32, 1, maxHeads)
	c.NumKeyValueHeads = c.NumAttentionHeads
	if !k.null("num_key_value_heads") {
		c.NumKeyValueHeads = k.integer("num_key_value_heads", 1, 1, maxHeads)
	}
	if !k.null("head_dim") {
		c.HeadDim = k.integer("head_dim", 0, 1, maxHeadDim)
	} else if c.HiddenSize%c.NumAttentionHeads == 0 {
		c.HeadDim = c.HiddenSize / c.NumAttentionHeads
	} else {
		k.fault("hidden_size %d is not a multiple of num_attention_heads %d, and head_dim is not given", c.HiddenSize, c.NumAttentionHeads)
	}
	if err := c.checkHeads(); err != nil && len(k.faults) == 0 {
		k.fault("%v", err)
	}
}

// checkHeads checks how the numbers of heads and their size go together.
func (c *Config) checkHeads() error {
	switch {
	case c.NumAttentionHeads%c.NumKeyValueHeads != 0:
		return fmt.Errorf("num_attention_heads %d is not a multiple of num_key_value_heads %d", c.NumAttentionHeads, c.NumKeyValueHeads)
	case c.HeadDim%2 != 0:
		return fmt.Errorf("head_dim %d is odd: rotary positions need pairs", c.HeadDim)
	case c.HeadDim > maxHeadDim:
		return fmt.Errorf("head_dim %d, want at most %d", c.HeadDim, maxHeadDim)
	}
	return nil
}

// readTokens reads the ids that begin and end a text.
func (c *Config) readTokens(k *keys) {
	c.BOSTokenID = -1
	if v, ok := k.get("bos_token_id"); !ok || v != nil {
		c.BOSTokenID = k.integer("bos_token_id", 1, 0, c.VocabSize-1)
	}
	v, ok := k.get("eos_token_id")
	switch v := v.(type) {
	case nil:
		if !ok {
			c.EOSTokenIDs = []int{2}
		}
	case []any:
		for _, e := range v {
			one := newKeys()
			one.set("eos_token_id", e)
			id := one.integer("eos_token_id", 0, 0, c.VocabSize-1)
			if k.faults = append(k.faults, one.faults...); len(one.faults) > 0 {
				return
			}
			if !slices.Contains(c.EOSTokenIDs, id) {
				c.EOSTokenIDs = append(c.EOSTokenIDs, id)
			}
		}
	default:
		c.EOSTokenIDs = []int{k.integer("eos_token_id", 2, 0, c.VocabSize-1)}
	}
}

// readDType reads the stored type: dtype as transformers 5 writes it, or
// torch_dtype.
func (c *Config) readDType(k *keys) {
	for _, key := range []string{"dtype", "torch_dtype"} {
		if k.null(key) {
			continue
		}
		s := k.text(key, "")
		if c.DType != "" && c.DType != s {
			k.fault("dtype %.40q and torch_dtype %.40q differ", c.DType, s)
		}
		c.DType = s
	}
}

// readRope reads rotary positions in both spellings: rope_parameters with
// rope_type and rope_theta, as transformers 5 writes it, or rope_scaling beside
// a rope_theta at the top level. Where a file has both they must agree.
func (c *Config) readRope(k *keys) {
	c.RopeTheta, c.RopeScaling = 10000, RopeScaling{Type: RopeDefault, Factor: 1}
	theta := ""
	setTheta := func(from string, v float64) {
		if theta != "" && v != c.RopeTheta {
			k.fault("%s is %v, but %s is %v", from, v, theta, c.RopeTheta)
		}
		theta, c.RopeTheta = from, v
	}
	if v, ok := k.get("rope_theta"); ok && v != nil {
		setTheta("rope_theta", k.positive("rope_theta", 1))
	}
	scaling := ""
	for _, key := range []string{"rope_parameters", "rope_scaling"} {
		v, _ := k.get(key)
		if v == nil {
			continue
		}
		rope, ok := v.(*keys)
		if !ok {
			k.fault("%s is %s, want an object", key, describeToken(v))
			continue
		}
		if !rope.null("rope_theta") {
			setTheta(key+".rope_theta", rope.positive("rope_theta", 1))
		}
		s := readRopeScaling(rope)
		rope.unknown()
		k.unsupported = k.unsupported || rope.unsupported
		for _, fault := range rope.faults {
			k.fault("%s: %s", key, fault)
		}
		if scaling != "" && s != c.RopeScaling {
			k.fault("%s and %s differ", scaling, key)
		}
		scaling, c.RopeScaling = key, s
	}
}

func readRopeScaling(k *keys) RopeScaling {
	s := RopeScaling{Type: RopeDefault, Factor: 1}
	named := false
	for _, key := range []string{"rope_type", "type"} {
		if k.null(key) {
			continue
		}
		t := k.text(key, "")
		if named && t != s.Type {
			k.fault("rope_type %.40q and type %.40q differ", s.Type, t)
		}
		named, s.Type = true, t
	}
	switch s.Type {
	case RopeDefault:
	case RopeLinear:
		s.Factor = required(k, "factor", s.Type)
	case RopeLlama3:
		s.Factor = required(k, "factor", s.Type)
		s.LowFreqFactor = required(k, "low_freq_factor", s.Type)
		s.HighFreqFactor = required(k, "high_freq_factor", s.Type)
		if s.HighFreqFactor <= s.LowFreqFactor {
			k.fault("high_freq_factor %v is not above low_freq_factor %v", s.HighFreqFactor, s.LowFreqFactor)
		}
		const original = "original_max_position_embeddings"
		if _, ok := k.members[original]; !ok {
			k.fault("%s is missing, and rope_type llama3 needs it", original)
		}
		s.OriginalMaxPositionEmbeddings = k.integer(original, 1, 1, maxPositions)
	default:
		k.cannot("rope_type %.40q is not known for llama, want default, linear or llama3", s.Type)
	}
	if s.Factor < 1 && s.Type != RopeDefault {
		k.fault("factor is %v, want 1 or more", s.Factor)
	}
	return s
}

// required returns a positive number that must be there.
func required(k *keys, key, ropeType string) float64 {
	if _, ok := k.members[key]; !ok {
		k.fault("%s is missing, and rope_type %s needs it", key, ropeType)
		return 1
	}
	return k.positive(key, 1)
}

// harmlessKeys are the keys of config.json that do not change what the model
// computes, each with the reason.
func harmlessKeys(modelType string) map[string]string {
	const (
		training   = "acts in training only"
		generation = "a default of generate(); requests say how to generate"
		classes    = "names labels of classification heads, which no causal model has"
		output     = "says what transformers returns, not what it computes"
		speed      = "chooses among implementations of the same function"
		record     = "tells where the file came from"
		padding    = "padding is never computed here"
	)
	return map[string]string{
		"_name_or_path":                 record,
		"architectures":                 "names transformers' class; model_type says the same, and tensors are checked",
		"transformers_version":          record,
		"transformers.js_config":        record,
		"unsloth_version":               record,
		"unsloth_fixed":                 record,
		"is_llama_config":               record,
		"attention_dropout":             training,
		"hidden_dropout":                training,
		"embd_pdrop":                    training,
		"resid_pdrop":                   training,
		"initializer_range":             training,
		"gradient_checkpointing":        training,
		"pretraining_tp":                "how matrices were split in training; the product is the same",
		"pad_token_id":                  padding,
		"tokenizer_class":               "the tokenizer's own files say what it is",
		"unk_token_id":                  "the tokenizer's own files say what it is",
		"use_cache":                     speed,
		"_attn_implementation":          speed,
		"attn_implementation":           speed,
		"_attn_implementation_internal": speed,
		"_attn_implementation_autoset":  speed,
		"_flash_attn_2_enabled":         speed,
		"output_attentions":             output,
		"output_hidden_states":          output,
		"return_dict":                   output,
		"torchscript":                   output,
		"id2label":                      classes,
		"label2id":                      classes,
		"problem_type":                  classes,
		"classifier_dropout":            classes,
		"temperature":                   generation,
		"top_k":                         generation,
		"top_p":                         generation,
		"do_sample":                     generation,
		"max_length":                    generation,
		"max_new_tokens":                generation,
		"num_beams":                     generation,
		"repetition_penalty":            generation,
	}
}

// llamaTensors lists the tensors of LlamaForCausalLM.
func (c *Config) llamaTensors() []TensorSpec {
	d, q, kv, ff := c.HiddenSize, c.queryWidth(), c.keyValueWidth(), c.IntermediateSize
	list := []TensorSpec{{"model.embed_tokens.weight", []int{c.VocabSize, d}}}
	for i := range c.NumHiddenLayers {
		prefix := fmt.Sprintf("model.layers.%d.", i)
		linear := func(path string, out, in int, bias bool) {
			list = append(list, TensorSpec{prefix + path + ".weight", []int{out, in}})
			if bias {
				list = append(list, TensorSpec{prefix + path + ".bias", []int{out}})
			}
		}
		list = append(list, TensorSpec{prefix + "input_layernorm.weight", []int{d}})
		linear("self_attn.q_proj", q, d, c.AttentionBias)
		linear("self_attn.k_proj", kv, d, c.AttentionBias)
		linear("self_attn.v_proj", kv, d, c.AttentionBias)
		linear("self_attn.o_proj", d, q, c.AttentionBias)
		list = append(list, TensorSpec{prefix + "post_attention_layernorm.weight", []int{d}})
		linear("mlp.gate_proj", ff, d, c.MLPBias)
		linear("mlp.up_proj", ff, d, c.MLPBias)
		linear("mlp.down_proj", d, ff, c.MLPBias)
	}
	list = append(list, TensorSpec{"model.norm.weight", []int{d}})
	if !c.TieWordEmbeddings {
		list = append(list, TensorSpec{"lm_head.weight", []int{c.VocabSize, d}})
	}
	return list
}

// llamaFromGGUF translates the metadata of architecture llama.
//
// Source: convert_hf_to_gguf.py and llama-model.cpp,
// https://github.com/ggml-org/llama.cpp.
func llamaFromGGUF(g *GGUF) (*Config, error) {
	r := ggufReader{g: g, prefix: "llama."}
	c := &Config{ModelType: "llama", HiddenAct: "silu"}
	c.NumHiddenLayers = r.size("block_count", maxLayers)
	c.HiddenSize = r.size("embedding_length", maxHiddenSize)
	c.IntermediateSize = r.size("feed_forward_length", maxIntermediate)
	c.MaxPositionEmbeddings = r.size("context_length", maxPositions)
	c.NumAttentionHeads = r.size("attention.head_count", maxHeads)
	c.NumKeyValueHeads = c.NumAttentionHeads
	if r.has("attention.head_count_kv") {
		c.NumKeyValueHeads = r.size("attention.head_count_kv", maxHeads)
	}
	c.RMSNormEps = r.positive("attention.layer_norm_rms_epsilon")
	c.RopeTheta = 10000
	if r.has("rope.freq_base") {
		c.RopeTheta = r.positive("rope.freq_base")
	}
	r.llamaHeadDim(c)
	r.llamaVocab(c)
	r.llamaScaling(c)
	for _, key := range []string{"expert_count", "expert_used_count"} {
		if r.has(key) && r.integer(key, 0, math.MaxInt32) != 0 {
			r.cannot("llama.%s: mixtures of experts are not supported", key)
		}
	}
	if r.has("tensor_data_layout") {
		r.text("tensor_data_layout") // a remark of old converters
	}
	_, untied := g.tensors["output.weight"]
	c.TieWordEmbeddings = !untied
	_, c.AttentionBias = g.tensors["blk.0.attn_q.bias"]
	_, c.MLPBias = g.tensors["blk.0.ffn_gate.bias"]
	r.tokens(c)
	r.unknown()
	if err := r.err(); err != nil {
		return nil, fmt.Errorf("read %s: %w", g.file.name, err)
	}
	if err := c.checkHeads(); err != nil {
		return nil, fmt.Errorf("read %s: %w", g.file.name, err)
	}
	return c, nil
}

// llamaHeadDim reads the size of a head: told, or as many dimensions as are
// rotated, which is all of them in this architecture.
func (r *ggufReader) llamaHeadDim(c *Config) {
	switch {
	case r.has("attention.key_length"):
		c.HeadDim = r.size("attention.key_length", maxHeadDim)
	case r.has("rope.dimension_count"):
		c.HeadDim = r.size("rope.dimension_count", maxHeadDim)
	case c.NumAttentionHeads > 0 && c.HiddenSize%c.NumAttentionHeads == 0:
		c.HeadDim = c.HiddenSize / c.NumAttentionHeads
	default:
		r.fault("llama.embedding_length %d is not a multiple of llama.attention.head_count %d", c.HiddenSize, c.NumAttentionHeads)
	}
	for _, key := range []string{"attention.value_length", "rope.dimension_count"} {
		if r.has(key) && r.size(key, maxHeadDim) != c.HeadDim {
			r.cannot("llama.%s differs from the head size %d: not supported", key, c.HeadDim)
		}
	}
}

// llamaVocab reads the size of the vocabulary: told, or that of the embedding.
func (r *ggufReader) llamaVocab(c *Config) {
	if r.has("vocab_size") {
		c.VocabSize = r.size("vocab_size", maxVocab)
		return
	}
	embedding, ok := r.g.tensors["token_embd.weight"]
	if !ok || len(embedding.Shape) != 2 || embedding.Shape[0] < 1 || embedding.Shape[0] > maxVocab {
		r.fault("llama.vocab_size is missing, and token_embd.weight [vocabulary, hidden] does not tell it")
		return
	}
	c.VocabSize = embedding.Shape[0]
}

// llamaScaling reads rotary scaling. Llama 3's is not in the metadata: it is a
// tensor of divisors, see GGUF.RopeFactors.
func (r *ggufReader) llamaScaling(c *Config) {
	c.RopeScaling = RopeScaling{Type: RopeDefault, Factor: 1}
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
	switch kind {
	case "none":
	case RopeLinear:
		if factor < 1 {
			r.fault("llama.rope.scaling.factor is %v, want 1 or more", factor)
		}
		c.RopeScaling = RopeScaling{Type: RopeLinear, Factor: factor}
	default:
		r.cannot("llama.rope.scaling.type %.40q is not known, want none or linear", kind)
	}
	if r.has("rope.scaling.original_context_length") {
		r.size("rope.scaling.original_context_length", maxPositions) // of no use to none and linear
	}
	if r.has("rope.scaling.finetuned") {
		r.boolean("rope.scaling.finetuned") // a remark
	}
}
