package architecture

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/ailiance/lorabench/model/checkpoint"
)

// Names finds the tensors of a decoder in a file: stored is the name that the
// file has for a tensor with that name of TensorSpec, where there is one.
type Names func(name string) (stored string, ok bool)

// decoderPrefixes are where wrappers of a decoder keep what a text-only
// checkpoint has under "model.", in the order in which they are tried.
var decoderPrefixes = []string{"model.", "model.language_model.", "language_model.model."}

// headPrefixes are the same for the output layer.
var headPrefixes = []string{"", "language_model.", "model.language_model."}

// Canonical returns the path that a module of a text-only checkpoint has, for
// its path in any wrapper: "model.language_model.layers.0.mlp.up_proj" is
// "model.layers.0.mlp.up_proj".
func Canonical(path string) string {
	for _, prefix := range headPrefixes[1:] {
		if rest, ok := strings.CutPrefix(path, prefix+LMHead); ok && (rest == "" || rest[0] == '.') {
			return LMHead + rest
		}
	}
	for _, prefix := range decoderPrefixes[1:] {
		if rest, ok := strings.CutPrefix(path, prefix); ok {
			return decoderPrefixes[0] + rest
		}
	}
	return path
}

// Names returns how src names the tensors: as a text-only checkpoint, or as a
// wrapper does.
func (c *Config) Names(src checkpoint.Source) Names {
	if _, ok := src.(*checkpoint.GGUF); ok {
		return c.GGUFName
	}
	has := func(name string) bool { _, err := src.Tensor(name); return err == nil }
	prefix := decoderPrefixes[0]
	if c.wrapper {
		for _, p := range decoderPrefixes {
			if has(p + "embed_tokens.weight") {
				prefix = p
			}
		}
	}
	return func(name string) (string, bool) {
		if rest, ok := strings.CutPrefix(name, decoderPrefixes[0]); ok {
			return prefix + rest, true
		}
		for _, p := range headPrefixes {
			if c.wrapper && has(p+name) {
				return p + name, true
			}
		}
		return name, true
	}
}

// ignored says why a tensor with this stored name may be left unread.
func (c *Config) ignored(stored string) (reason string, ok bool) {
	name := Canonical(stored)
	if c.BeyondText(stored) {
		return "a part of the model that sees or hears", true
	}
	if strings.HasSuffix(name, ".rotary_emb.inv_freq") {
		return "older files store the rotary frequencies; they follow from rope_theta", true
	}
	if c.TieWordEmbeddings && name == LMHead+".weight" {
		return "tied to the embedding, and equal to it", true
	}
	layer, rest, ok := cutLayer(name, "model.layers.")
	if !ok {
		layer, rest, ok = cutLayer(name, "blk.")
	}
	if !ok || layer >= len(c.Layers) || c.Layers[layer].KeyValueLayer == layer {
		return "", false
	}
	switch rest {
	case "self_attn.k_proj.weight", "self_attn.v_proj.weight", "self_attn.k_norm.weight", "self_attn.v_norm.weight",
		"attn_k.weight", "attn_v.weight", "attn_k_norm.weight":
		return "the layer attends to the keys and values of another", true
	}
	return "", false
}

// untie takes an output layer that is stored and is not the embedding, where the
// file does not say that it is and only transformers' class does.
func (c *Config) untie(src checkpoint.Source, names Names) {
	if c.tieAssumed && checkTied(src, names) != nil {
		c.TieWordEmbeddings = false
	}
}

// Check checks that src holds exactly the tensors of a model with this
// configuration: none missing, none of another shape, none that belongs to no
// module. The error tells of all that is wrong, with the names of the file and,
// where they are others, of Hugging Face.
func (c *Config) Check(src checkpoint.Source) error {
	var bad faults
	names := c.Names(src)
	c.untie(src, names)
	used := map[string]bool{}
	for _, want := range c.Tensors() {
		name, ok := names(want.Name)
		if !ok {
			bad.fault("tensor %s has no name in this format", want.Name)
			continue
		}
		label := want.Name
		if name != want.Name {
			label = fmt.Sprintf("%s (%s)", name, want.Name)
		}
		t, err := src.Tensor(name)
		if err != nil {
			bad.fault("tensor %s is missing", label)
			continue
		}
		used[t.Name] = true
		if !slices.Equal(t.Shape, want.Shape) && !(len(want.Shape) == 0 && slices.Equal(t.Shape, []int{1})) {
			bad.fault("tensor %s: shape %v, want %v", label, t.Shape, want.Shape)
		}
	}
	if c.TieWordEmbeddings {
		if err := checkTied(src, names); err != nil {
			bad.fault("%v", err)
		}
	}
	g, _ := src.(*checkpoint.GGUF)
	for _, name := range src.Names() {
		if used[name] || g != nil && c.isRopeFactors(name) {
			continue
		}
		if _, ok := c.ignored(name); ok {
			continue
		}
		bad.fault("tensor %s belongs to no module of %s with %d layers", name, c.ModelType, c.NumHiddenLayers)
	}
	return bad.err()
}

// checkTied compares the output head with the embedding that it is tied to,
// where a file has stored both.
func checkTied(src checkpoint.Source, names Names) error {
	embedding, _ := names(EmbedTokens + ".weight")
	head, _ := names(LMHead + ".weight")
	e, err := src.Tensor(embedding)
	if err != nil {
		return nil // reported as missing
	}
	h, err := src.Tensor(head)
	if err != nil || h.Name == e.Name {
		return nil
	}
	if !h.SameStorage(e) {
		return errors.New("tensors " + h.Name + " and " + e.Name + " differ, but tie_word_embeddings says that they are one")
	}
	return nil
}
