package model

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/ailiance/lorabench/model/architecture"
	"github.com/ailiance/lorabench/model/checkpoint"
)

// mlxConfig is adapter_config.json of mlx-lm, as far as it changes the function
// that the adapter computes.
//
// Source: load_adapters and linear_to_lora_layers of mlx-lm's tuner/utils.py
// (0.32), https://github.com/ml-explore/mlx-lm.
type mlxConfig struct {
	Type  string // lora, dora or full
	Layer int    // the first block that is adapted
	Rank  int
	Scale float64  // as it is: not divided by the rank
	Keys  []string // paths inside a block, or in the model; nil: all of a block
}

// isMLX reports whether a configuration without a peft_type is mlx-lm's.
func isMLX(keys checkpoint.Object) bool {
	for _, key := range []string{"fine_tune_type", "lora_parameters", "num_layers", "lora_layers"} {
		if _, ok := keys[key]; ok {
			return true
		}
	}
	return false
}

// mlxTrainingKeys are arguments of the training, which mlx-lm writes too.
var mlxTrainingKeys = []string{
	"adapter_file", "adapter_path", "batch_size", "clear_cache_threshold", "config", "data", "grad_accumulation_steps", "grad_checkpoint",
	"hf_dataset", "iters", "learning_rate", "lr_schedule", "mask_prompt", "max_seq_length", "model", "optimizer", "optimizer_config",
	"project_name", "prompt_feature", "completion_feature", "chat_feature", "text_feature", "report_to", "resume_adapter_file", "save_every",
	"seed", "steps_per_eval", "steps_per_report", "test", "test_batches", "train", "trust_remote_code", "val_batches", "wandb", "wired_limit",
}

// parseMLX reads adapter_config.json strictly.
func parseMLX(data []byte, layers int) (*mlxConfig, error) {
	var raw map[string]json.RawMessage
	if err := json.Unmarshal(data, &raw); err != nil {
		return nil, fmt.Errorf("%s: %w", adapterConfigFile, err)
	}
	c := &mlxConfig{Type: "lora"}
	n, counted, older := 0, false, false
	for _, key := range sortedKeys(raw) {
		value := raw[key]
		var err error
		switch key {
		case "fine_tune_type":
			if err = json.Unmarshal(value, &c.Type); err == nil && !slices.Contains([]string{"lora", "dora", "full"}, c.Type) {
				err = fmt.Errorf("%.40q, want lora, dora or full", c.Type)
			}
		case "num_layers", "lora_layers": // lora_layers is its older name
			if counted {
				err = errors.New("num_layers and lora_layers are both there")
			} else if err = json.Unmarshal(value, &n); err == nil && isUnset(value) {
				err = errors.New("is no number")
			}
			counted = true
		case "use_dora": // older: fine_tune_type dora
			err = json.Unmarshal(value, &older)
		case "lora_parameters":
			err = c.setParameters(value)
		default:
			if !slices.Contains(mlxTrainingKeys, key) && !isUnset(value) {
				err = fmt.Errorf("unknown key with value %s", shorten(value))
			}
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %s: %w", adapterConfigFile, key, err)
		}
	}
	if older {
		c.Type = "dora"
	}
	if c.Type == "full" {
		return c, nil
	}
	switch {
	case !counted:
		return nil, fmt.Errorf("%s: num_layers is missing", adapterConfigFile)
	case c.Rank == 0:
		return nil, fmt.Errorf("%s: lora_parameters is missing", adapterConfigFile)
	}
	if n > 0 {
		c.Layer = max(layers-n, 0) // the last n; 0 and less mean all
	}
	return c, nil
}

// setParameters reads lora_parameters.
func (c *mlxConfig) setParameters(value json.RawMessage) error {
	if isUnset(value) {
		return nil
	}
	var raw map[string]json.RawMessage
	if err := json.Unmarshal(value, &raw); err != nil {
		return err
	}
	for _, key := range sortedKeys(raw) {
		value := raw[key]
		var err error
		switch key {
		case "rank":
			if err = json.Unmarshal(value, &c.Rank); err == nil && (c.Rank < 1 || c.Rank > maxRank) {
				err = fmt.Errorf("rank %d, want 1 … %d", c.Rank, maxRank)
			}
		case "scale":
			if err = json.Unmarshal(value, &c.Scale); err == nil && c.Scale == 0 {
				err = errors.New("is 0, so the adapter changes nothing")
			}
		case "keys":
			if isUnset(value) && string(value) != "null" {
				err = errors.New("names no module")
			} else {
				err = parseNames(value, &c.Keys)
			}
		case "dropout": // of the training
		case "alpha":
			err = errors.New("older versions of mlx-lm multiplied the scale by alpha/rank, today's do not read it: write the scale that is meant, and remove alpha")
		default:
			err = fmt.Errorf("unknown key with value %s", shorten(value))
		}
		if err != nil {
			return fmt.Errorf("%s: %w", key, err)
		}
	}
	for _, key := range []string{"rank", "scale"} {
		if raw[key] == nil {
			return fmt.Errorf("%s is missing", key)
		}
	}
	return nil
}

// openMLX reads an adapter of mlx-lm. Numbered files beside adapters.safetensors
// are earlier states of it.
func (f *fitting) openMLX(dir fs.FS, data []byte) error {
	c, err := parseMLX(data, f.e.config.NumHiddenLayers)
	if err != nil {
		return err
	}
	if err := f.openWeights(dir, mlxWeightsFile); err != nil {
		return err
	}
	f.list(func(stored string) (string, bool) { return stored, true })
	f.a.format = map[string]string{"lora": "MLX LoRA", "dora": "MLX DoRA", "full": "MLX full weights"}[c.Type]
	if c.Type == "full" {
		f.mlxFull()
		return nil
	}
	keys := map[string]bool{} // those that name no module yet
	for _, key := range c.Keys {
		keys[architecture.Canonical(key)] = true
	}
	named := func(path string) bool {
		ok := slices.ContainsFunc(c.Keys, func(key string) bool { return architecture.Canonical(key) == path })
		delete(keys, path)
		return ok
	}
	for _, s := range f.e.sites() {
		layer, inside, inBlock := architecture.CutBlock(s.path)
		wanted := named(s.path)
		if inBlock {
			here := c.Keys == nil || named(inside)
			wanted = wanted || here && layer >= c.Layer
		}
		if tied := s.path == architecture.LMHead && f.e.config.TieWordEmbeddings; wanted && tied {
			f.fault("lora_parameters.keys names %s: this model has none, its output layer is the embedding", s.path)
		} else if wanted {
			f.mlxLinear(c, s)
		}
	}
	if named(architecture.EmbedTokens) {
		f.mlxEmbedding(c)
	}
	if f.e.config.PerLayerInput > 0 && named(architecture.EmbedTokensPerLayer) {
		f.fault("lora_parameters.keys names %s: LoRA on the embedding of the layers is not supported", architecture.EmbedTokensPerLayer)
	}
	for _, key := range sortedKeys(keys) {
		f.fault("lora_parameters.keys names %.60q: this model has no such module", key)
	}
	return nil
}

// mlxLinear adapts a linear layer: lora_a [in, r], lora_b [r, out], m [out].
func (f *fitting) mlxLinear(c *mlxConfig, s site) {
	a, b := s.path+".lora_a", s.path+".lora_b"
	if !f.has(a) && !f.has(b) {
		f.fault("%s is adapted by the configuration and has no tensors", s.path)
		return
	}
	f.lowRank(s, a, b, c.Rank, c.Scale, true, nil)
	if c.Type == "dora" {
		f.dora(s, s.path+".m")
	}
}

// mlxEmbedding adapts the embedding, lora_a [V, r], lora_b [r, d], m [V]; where
// the output layer is the embedding, that too.
func (f *fitting) mlxEmbedding(c *mlxConfig) {
	path := architecture.EmbedTokens
	a, b := path+".lora_a", path+".lora_b"
	if !f.has(a) && !f.has(b) {
		f.fault("%s is adapted by the configuration and has no tensors", path)
		return
	}
	from := f.lowRankEmbedding(a, b, c.Rank, c.Scale, true, true)
	var m []float32
	if c.Type == "dora" {
		stored := f.stored[path+".m"]
		if m = f.values(path+".m", f.e.config.VocabSize); m == nil {
			return
		}
		f.origin(path).magnitude = stored
	}
	if from == nil {
		return
	}
	low, u := f.turnedEmbedding(), f.embed()
	if m != nil {
		zero := 0
		if u.tokenGain, zero = f.e.rowGains(f.e.decoder.embed, low, m); zero >= 0 {
			f.fault("%s: row %d of W + scale·B·A is zero, or too small for its magnitude", path, zero)
		}
	}
	if !f.e.config.TieWordEmbeddings {
		return
	}
	head, to := f.change(f.sites[architecture.LMHead]), f.origin(architecture.LMHead)
	head.low, head.gain = low, u.tokenGain
	to.a, to.b, to.turnedA, to.turnedB, to.scale, to.magnitude = from.b, from.a, false, false, from.scale, from.magnitude
}

// mlxFull replaces the base's tensors by those of the file. Of a quantised base
// mlx-lm trains what is not quantised.
func (f *fitting) mlxFull() {
	for _, spec := range f.e.config.Tensors() {
		if !f.has(spec.Name) {
			continue
		}
		if codes := strings.TrimSuffix(spec.Name, ".weight") + ".scales"; f.has(codes) {
			f.fault("tensor %s is quantised: whole weights must be plain, as mlx-lm trains them", f.stored[spec.Name])
			continue
		}
		f.replace(spec, spec.Name)
		if u := f.a.embed; spec.Name == architecture.EmbedTokens+".weight" && f.e.config.TieWordEmbeddings && u != nil && u.weight != nil {
			f.change(f.sites[architecture.LMHead]).weight = u.weight
			f.origin(architecture.LMHead).weight = f.origin(architecture.EmbedTokens).weight
		}
	}
}
