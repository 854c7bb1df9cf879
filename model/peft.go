package model

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strings"
)

// peftConfig is adapter_config.json of PEFT's LoRA, as far as it changes the
// function that the adapter computes.
//
// Source: peft.LoraConfig, https://huggingface.co/docs/peft (0.21).
type peftConfig struct {
	Rank         int
	Alpha        float64
	RSLoRA       bool
	RankPattern  []pattern[int]
	AlphaPattern []pattern[float64]
	Target       moduleFilter
	Exclude      moduleFilter
	Layers       []int  // layers_to_transform; nil: all
	Base         string // base_model_name_or_path, for messages
}

// pattern overrides a value for the modules whose path it matches.
type pattern[T any] struct {
	key   string
	match *regexp.Regexp
	value T
}

// moduleFilter is target_modules or exclude_modules.
type moduleFilter struct {
	suffixes  []string
	regex     *regexp.Regexp
	allLinear bool
}

func (f moduleFilter) empty() bool { return len(f.suffixes) == 0 && f.regex == nil && !f.allLinear }

func (f moduleFilter) matches(path string) bool {
	if f.regex != nil {
		return f.regex.MatchString(path)
	}
	if f.allLinear {
		return strings.HasPrefix(path, "model.layers.") // PEFT leaves the output layer out
	}
	return slices.ContainsFunc(f.suffixes, func(s string) bool { return path == s || strings.HasSuffix(path, "."+s) })
}

// harmlessPEFTKeys do not change what the adapter computes, whatever their value.
var harmlessPEFTKeys = []string{
	"auto_mapping", "base_model_name_or_path", "inference_mode", "lora_dropout", "megatron_config", "megatron_core",
	"peft_type", "peft_version", "revision", "task_type", "ensure_weight_tying", "qalora_group_size", "runtime_config",
	"layers_pattern", // only names the list of layers, which this engine knows
}

// parsePEFT reads adapter_config.json strictly: a key that could change the
// function and is not supported is an error that names it.
func parsePEFT(data []byte) (*peftConfig, error) {
	var raw map[string]json.RawMessage
	if err := json.Unmarshal(data, &raw); err != nil {
		return nil, fmt.Errorf("adapter_config.json: %w", err)
	}
	if _, is := raw["fine_tune_type"]; is && raw["peft_type"] == nil {
		return nil, fmt.Errorf("adapter_config.json: an adapter of mlx-lm is not supported, only PEFT's LoRA")
	}
	var kind string
	if err := json.Unmarshal(raw["peft_type"], &kind); err != nil || kind != "LORA" {
		return nil, fmt.Errorf("adapter_config.json: peft_type %s, want \"LORA\"", orMissing(raw["peft_type"]))
	}
	c := &peftConfig{Rank: 8, Alpha: 8}
	for _, key := range sortedKeys(raw) {
		if slices.Contains(harmlessPEFTKeys, key) {
			continue
		}
		if err := c.set(key, raw[key]); err != nil {
			return nil, fmt.Errorf("adapter_config.json: %s: %w", key, err)
		}
	}
	if c.Target.empty() {
		return nil, fmt.Errorf("adapter_config.json: target_modules names no module")
	}
	return c, nil
}

func (c *peftConfig) set(key string, value json.RawMessage) error {
	if (key == "r" || key == "lora_alpha") && isUnset(value) {
		return fmt.Errorf("%s is no number", value)
	}
	switch key {
	case "r":
		if err := json.Unmarshal(value, &c.Rank); err != nil {
			return err
		}
		if c.Rank < 1 || c.Rank > 1<<16 {
			return fmt.Errorf("rank %d, want 1 … 65536", c.Rank)
		}
	case "lora_alpha":
		if err := json.Unmarshal(value, &c.Alpha); err != nil {
			return err
		}
		if c.Alpha == 0 {
			return fmt.Errorf("is 0, so the scale is 0 and the adapter changes nothing")
		}
	case "use_rslora":
		return json.Unmarshal(value, &c.RSLoRA)
	case "rank_pattern":
		return parsePatterns(value, &c.RankPattern)
	case "alpha_pattern":
		return parsePatterns(value, &c.AlphaPattern)
	case "target_modules":
		return parseModuleFilter(value, &c.Target)
	case "exclude_modules":
		return parseModuleFilter(value, &c.Exclude)
	case "layers_to_transform":
		if isUnset(value) {
			return nil
		}
		var one int
		if json.Unmarshal(value, &one) == nil {
			c.Layers = []int{one}
			return nil
		}
		return json.Unmarshal(value, &c.Layers)
	case "init_lora_weights":
		return checkInit(value)
	case "bias":
		var bias string
		if err := json.Unmarshal(value, &bias); err != nil || bias != "none" {
			return fmt.Errorf("%s is not supported, only \"none\"", value)
		}
	case "loftq_config", "alora_invocation_tokens", "arrow_config", "corda_config", "eva_config", "exclude_parameters",
		"fan_in_fan_out", "kasa_config", "layer_replication", "lora_bias", "lora_ga_config", "modules_to_save",
		"monteclora_config", "target_parameters", "trainable_token_indices", "use_bdlora", "use_dora", "use_qalora",
		"velora_config":
		if !isUnset(value) {
			return fmt.Errorf("%s is not supported", shorten(value))
		}
	default:
		if !isUnset(value) {
			return fmt.Errorf("unknown key with value %s", shorten(value))
		}
	}
	return nil
}

// checkInit refuses the initialisations that change the base weights, because
// the adapter is then not valid on the stored base.
func checkInit(value json.RawMessage) error {
	if isUnset(value) || string(value) == "true" {
		return nil
	}
	var name string
	if err := json.Unmarshal(value, &name); err != nil {
		return fmt.Errorf("value %s", shorten(value))
	}
	switch strings.ToLower(name) {
	case "gaussian", "orthogonal", "eva":
		return nil
	}
	return fmt.Errorf("%q changes the base weights when training begins: the adapter is not valid on the stored base (convert it to a plain LoRA first)", name)
}

// scale returns the rank and the factor of a module's low-rank update.
func (c *peftConfig) scale(path string) (rank int, scale float64, err error) {
	rank = lookUp(c.RankPattern, path, c.Rank)
	alpha := lookUp(c.AlphaPattern, path, c.Alpha)
	if rank < 1 {
		return 0, 0, fmt.Errorf("rank_pattern gives rank %d for %s", rank, path)
	}
	if c.RSLoRA {
		return rank, alpha / math.Sqrt(float64(rank)), nil
	}
	return rank, alpha / float64(rank), nil
}

// targets reports whether the configuration adapts the module at path, in the
// given layer (-1 outside the layers).
func (c *peftConfig) targets(path string, layer int) bool {
	if !c.Exclude.empty() && c.Exclude.matches(path) {
		return false
	}
	if c.Layers != nil && (layer < 0 || !slices.Contains(c.Layers, layer)) {
		return false
	}
	return c.Target.matches(path)
}

func lookUp[T any](patterns []pattern[T], path string, otherwise T) T {
	for _, p := range patterns {
		if p.match.MatchString(path) {
			return p.value
		}
	}
	return otherwise
}

// parsePatterns reads {"key": value} in the file's order, which decides when
// two keys match. A key matches the end of a path, as PEFT's get_pattern_key: one
// that begins with ^ the whole path, never only its beginning.
func parsePatterns[T any](value json.RawMessage, into *[]pattern[T]) error {
	if isUnset(value) {
		return nil
	}
	dec := json.NewDecoder(bytes.NewReader(value))
	if tok, err := dec.Token(); err != nil || tok != json.Delim('{') {
		return fmt.Errorf("want an object, have %s", shorten(value))
	}
	for dec.More() {
		tok, err := dec.Token()
		if err != nil {
			return err
		}
		p := pattern[T]{key: tok.(string)}
		if p.match, err = regexp.Compile(`^(?:.*\.)?(?:` + p.key + `)$`); err != nil {
			return fmt.Errorf("pattern %q: %w", p.key, err)
		}
		if err := dec.Decode(&p.value); err != nil {
			return fmt.Errorf("pattern %q: %w", p.key, err)
		}
		*into = append(*into, p)
	}
	return nil
}

func parseModuleFilter(value json.RawMessage, into *moduleFilter) error {
	if isUnset(value) {
		return nil
	}
	var expr string
	if json.Unmarshal(value, &expr) != nil {
		return json.Unmarshal(value, &into.suffixes)
	}
	if expr == "all-linear" {
		into.allLinear = true
		return nil
	}
	re, err := regexp.Compile(`^(?:` + expr + `)$`)
	if err != nil {
		return fmt.Errorf("regular expression %q: %w", expr, err)
	}
	into.regex = re
	return nil
}

// isUnset reports whether a key says nothing: null, false, {}, [] or "".
func isUnset(value json.RawMessage) bool {
	switch string(bytes.Join(bytes.Fields(value), nil)) {
	case "null", "false", "{}", "[]", `""`:
		return true
	}
	return false
}

func orMissing(value json.RawMessage) string {
	if value == nil {
		return "is missing"
	}
	return shorten(value)
}

func shorten(value json.RawMessage) string {
	const most = 60
	var b bytes.Buffer
	if json.Compact(&b, value) != nil {
		b.Write(value)
	}
	s := b.String()
	if len(s) > most {
		s = strings.ToValidUTF8(s[:most], "") + "…"
	}
	return s
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
