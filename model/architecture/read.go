package architecture

import (
	"encoding/json"
	"slices"
	"strconv"

	"github.com/ailiance/lorabench/model/checkpoint"
)

// defaults are the values of transformers' class for keys that are absent.
type defaults struct {
	vocab, hidden, intermediate, layers, heads int
	kvHeads                                    int // 0: as many as heads
	headDim                                    int // 0: hidden / heads
	positions                                  int
	eps                                        float64
	tied                                       bool
	tokens                                     tokens
}

// tokens are ids that begin and end a text, -1 for none.
type tokens struct{ bos, eos int }

// readCommon reads the keys that all decoders have. Layers are alike and attention
// has its usual scale; what an architecture has of its own it sets afterwards.
func (c *Config) readCommon(k *keys, d defaults) {
	c.VocabSize = k.integer("vocab_size", d.vocab, 1, maxVocab)
	c.HiddenSize = k.integer("hidden_size", d.hidden, 1, maxHiddenSize)
	c.IntermediateSize = k.integer("intermediate_size", d.intermediate, 1, maxIntermediate)
	c.NumHiddenLayers = k.integer("num_hidden_layers", d.layers, 1, maxLayers)
	c.MaxPositionEmbeddings = k.integer("max_position_embeddings", d.positions, 1, maxPositions)
	c.RMSNormEps = k.positive("rms_norm_eps", d.eps)
	c.readTie(k, d.tied)
	c.readHeads(k, d)
	c.readTokens(k, d.tokens)
	c.readDType(k)
	c.uniformLayers()
	c.AttentionScale = inverseRoot(c.HeadDim)
	mustBe(k, "rope_interleaved", false)
	mustBe(k, "is_encoder_decoder", false)
	mustBe(k, "add_cross_attention", false)
}

// readTie reads whether the output layer is the embedding.
func (c *Config) readTie(k *keys, absent bool) {
	_, told := k.get("tie_word_embeddings")
	c.TieWordEmbeddings = k.boolean("tie_word_embeddings", absent)
	c.tieAssumed = c.TieWordEmbeddings && !told
}

// readHeads reads the numbers of heads and their size.
func (c *Config) readHeads(k *keys, d defaults) {
	c.NumAttentionHeads = k.integer("num_attention_heads", d.heads, 1, maxHeads)
	c.NumKeyValueHeads = c.NumAttentionHeads
	switch v, ok := k.get("num_key_value_heads"); {
	case v != nil:
		c.NumKeyValueHeads = k.integer("num_key_value_heads", 1, 1, maxHeads)
	case !ok && d.kvHeads > 0:
		c.NumKeyValueHeads = d.kvHeads
	}
	switch v, ok := k.get("head_dim"); {
	case v != nil:
		c.HeadDim = k.integer("head_dim", 2, 1, maxHeadDim)
	case !ok && d.headDim > 0:
		c.HeadDim = d.headDim
	case c.HiddenSize%c.NumAttentionHeads == 0:
		c.HeadDim = c.HiddenSize / c.NumAttentionHeads
	default:
		k.fault("hidden_size %d is not a multiple of num_attention_heads %d, and head_dim is not given", c.HiddenSize, c.NumAttentionHeads)
	}
}

// readTokens reads the ids that begin and end a text. An id beyond the
// vocabulary is never written and does not count.
func (c *Config) readTokens(k *keys, absent tokens) {
	id := func(v any, otherwise int) {
		one := newKeys(checkpoint.Object{"eos_token_id": v})
		n := one.integer("eos_token_id", otherwise, 0, maxVocab)
		k.include(one.faults, "")
		if n >= 0 && n < c.VocabSize && !slices.Contains(c.EOSTokenIDs, n) {
			c.EOSTokenIDs = append(c.EOSTokenIDs, n)
		}
	}
	c.BOSTokenID = absent.bos
	if v, ok := k.get("bos_token_id"); ok {
		c.BOSTokenID = -1
		if v != nil {
			c.BOSTokenID = k.integer("bos_token_id", -1, 0, c.VocabSize-1)
		}
	}
	v, ok := k.get("eos_token_id")
	switch v := v.(type) {
	case nil:
		if !ok && absent.eos >= 0 && absent.eos < c.VocabSize {
			c.EOSTokenIDs = append(c.EOSTokenIDs, absent.eos)
		}
	case []any:
		for _, e := range v {
			id(e, -1)
		}
	default:
		id(v, -1)
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

// mustBe accepts a key that only has an effect with another value.
func mustBe[T bool | float64 | string](k *keys, key string, want T) {
	v, ok := k.get(key)
	if !ok || v == nil {
		return
	}
	var got any = v
	if n, ok := v.(json.Number); ok {
		got, _ = strconv.ParseFloat(n.String(), 64)
	}
	if got != any(want) {
		k.cannot("%s is %s, want %v: other values are not supported", key, checkpoint.DescribeJSON(v), want)
	}
}

// activation reads the name of the activation, of which an architecture has one.
func (k *keys) activation(key, want string) {
	if got := k.text(key, want); got != want {
		k.cannot("%s %.40q is not known for this architecture, want %s", key, got, want)
	}
}

// The two kinds of layers.
const (
	fullAttention    = "full_attention"
	slidingAttention = "sliding_attention"
)

// readLayerTypes reads layer_types, which is nil where it is absent.
func (c *Config) readLayerTypes(k *keys) []string {
	v, _ := k.get("layer_types")
	if v == nil {
		return nil
	}
	list, ok := v.([]any)
	if !ok || len(list) != c.NumHiddenLayers {
		k.fault("layer_types is %s, want an array of %d", checkpoint.DescribeJSON(v), c.NumHiddenLayers)
		return nil
	}
	types := make([]string, len(list))
	for i, v := range list {
		name, _ := v.(string)
		if name != fullAttention && name != slidingAttention {
			k.cannot("layer_types: %s of layer %d is not known, want %s or %s", checkpoint.DescribeJSON(v), i, fullAttention, slidingAttention)
			return nil
		}
		types[i] = name
	}
	return types
}

// noWindows checks that no layer slides, in an architecture without windows.
func (c *Config) noWindows(k *keys) {
	if slices.Contains(c.readLayerTypes(k), slidingAttention) {
		k.cannot("layer_types: %s has no sliding layers", c.ModelType)
	}
	if !k.null("sliding_window") {
		k.cannot("sliding_window: %s attends to all positions, want null", c.ModelType)
	}
}

// harmlessKeys are the keys of config.json that do not change what the model
// computes, each with the reason.
var harmlessKeys = func() map[string]string {
	const (
		training   = "acts in training only"
		generation = "a default of generate(); requests say how to generate"
		classes    = "names labels of classification heads, which no causal model has"
		output     = "says what transformers returns, not what it computes"
		speed      = "chooses among implementations of the same function"
		record     = "tells where the file came from"
		padding    = "padding is never computed here"
		other      = "of encoders, or of models with an encoder, which no decoder here is"
	)
	return map[string]string{
		"_name_or_path":                 record,
		"_commit_hash":                  record,
		"model_name":                    record,
		"finetuning_task":               record,
		"architectures":                 "names transformers' class; model_type says the same, and tensors are checked",
		"transformers_version":          record,
		"transformers.js_config":        record,
		"unsloth_version":               record,
		"unsloth_fixed":                 record,
		"is_llama_config":               record,
		"max_sequence_length":           record,
		"cache_implementation":          speed,
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

		// Whole dumps, as transformers 4 wrote them for the parts of wrappers.
		"chunk_size_feed_forward":          speed,
		"use_bfloat16":                     speed,
		"output_scores":                    output,
		"return_dict_in_generate":          output,
		"tf_legacy_loss":                   training,
		"prefix":                           generation,
		"task_specific_params":             generation,
		"bad_words_ids":                    generation,
		"begin_suppress_tokens":            generation,
		"suppress_tokens":                  generation,
		"diversity_penalty":                generation,
		"early_stopping":                   generation,
		"encoder_no_repeat_ngram_size":     generation,
		"exponential_decay_length_penalty": generation,
		"forced_bos_token_id":              generation,
		"forced_eos_token_id":              generation,
		"length_penalty":                   generation,
		"min_length":                       generation,
		"no_repeat_ngram_size":             generation,
		"num_beam_groups":                  generation,
		"num_return_sequences":             generation,
		"remove_invalid_values":            generation,
		"typical_p":                        generation,
		"cross_attention_hidden_size":      other,
		"decoder_start_token_id":           other,
		"is_decoder":                       other,
		"sep_token_id":                     other,
		"tie_encoder_decoder":              other,
		"pruned_heads":                     "the tensors have the shapes that are left",
	}
}()
