package model

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// peftConfig is adapter_config.json of PEFT's LoRA, as far as it changes the
// function that the adapter computes.
//
// Source: peft.LoraConfig, https://huggingface.co/docs/peft (0.21).
type peftConfig struct {
	Rank           int
	Alpha          float64
	RSLoRA         bool
	DoRA           bool
	LoRABias       bool // B has a bias
	Bias           string
	RankPattern    []pattern[int]
	AlphaPattern   []pattern[float64]
	Target         moduleFilter
	Exclude        moduleFilter
	Layers         []int            // layers_to_transform; nil: all
	LayersPattern  []*regexp.Regexp // whose group is a layer's number
	ModulesToSave  []string
	Tokens         []tokenRows
	EnsureTying    bool
	savedModules   []*expression // of the paths that ModulesToSave keeps from being targets
	layersPatterns []string

	failed error // of a regular expression
}

// tokenRows are the retrained tokens of one module.
type tokenRows struct {
	module string // the end of its path
	tokens []int32
}

// pattern overrides a value for the modules whose path it matches.
type pattern[T any] struct {
	key   string
	match *expression
	value T
}

// moduleFilter is target_modules or exclude_modules.
type moduleFilter struct {
	suffixes  []string
	regex     *expression
	allLinear bool
}

func (f moduleFilter) empty() bool { return len(f.suffixes) == 0 && f.regex == nil && !f.allLinear }

// matches is for a list of names.
func (f moduleFilter) matches(path string) bool {
	return slices.ContainsFunc(f.suffixes, func(s string) bool { return path == s || strings.HasSuffix(path, "."+s) })
}

// harmlessPEFTKeys do not change what the adapter computes, whatever their value.
var harmlessPEFTKeys = []string{
	"auto_mapping", "base_model_name_or_path", "inference_mode", "lora_dropout", "megatron_config", "megatron_core",
	"peft_type", "peft_version", "revision", "task_type", "qalora_group_size", "runtime_config",
	"loftq_config", "eva_config", "corda_config", "lora_ga_config", // of initialisations, which init_lora_weights names
	"fan_in_fan_out", // of Conv1D layers; PEFT sets it back on Linear layers, and there are no others here
}

// parsePEFT reads adapter_config.json strictly: a key that could change the
// function and is not supported is an error that names it.
func parsePEFT(data []byte) (*peftConfig, error) {
	var raw map[string]json.RawMessage
	if err := json.Unmarshal(data, &raw); err != nil {
		return nil, fmt.Errorf("%s: %w", adapterConfigFile, err)
	}
	var kind string
	if err := json.Unmarshal(raw["peft_type"], &kind); err != nil || kind != "LORA" {
		return nil, fmt.Errorf("%s: peft_type %s, want \"LORA\"", adapterConfigFile, orMissing(raw["peft_type"]))
	}
	c := &peftConfig{Rank: 8, Alpha: 8, Bias: "none"}
	for _, key := range sortedKeys(raw) {
		if slices.Contains(harmlessPEFTKeys, key) {
			continue
		}
		if err := c.set(key, raw[key]); err != nil {
			return nil, fmt.Errorf("%s: %s: %w", adapterConfigFile, key, err)
		}
	}
	if err := c.check(); err != nil {
		return nil, fmt.Errorf("%s: %w", adapterConfigFile, err)
	}
	return c, nil
}

// check checks what several keys say together, as PEFT does.
func (c *peftConfig) check() error {
	byName := c.Target.regex == nil && !c.Target.allLinear
	switch {
	case c.Target.empty():
		return errors.New("target_modules names no module")
	case c.Layers != nil && !byName:
		return errors.New("layers_to_transform cannot be used where target_modules is a string")
	case len(c.layersPatterns) > 0 && c.Layers == nil:
		return errors.New("layers_pattern is there and layers_to_transform is not")
	case c.LoRABias && c.DoRA:
		return errors.New("lora_bias beside use_dora is not supported, by PEFT neither")
	}
	var texts []string
	for _, p := range c.layersPatterns {
		texts = append(texts, `^(?:|.*?\.)(?:`+p+`)\.(\d+)\.`)
	}
	if texts == nil {
		texts = []string{`^.*?\.[^.]*\.(\d+)\.`}
	}
	for _, text := range texts {
		x, err := regexp.Compile(text)
		if err != nil {
			return fmt.Errorf("layers_pattern: %w", err)
		}
		c.LayersPattern = append(c.LayersPattern, x)
	}
	for _, m := range c.ModulesToSave {
		x, err := compileExpression(`^(?:.*\.)?(?:` + m + `)(?:$|\.)`)
		if err != nil {
			return fmt.Errorf("modules_to_save: %w", err)
		}
		c.savedModules = append(c.savedModules, x)
	}
	return nil
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
		if c.Rank < 1 || c.Rank > maxRank {
			return fmt.Errorf("rank %d, want 1 … %d", c.Rank, maxRank)
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
		return parseOneOrList(value, &c.Layers)
	case "layers_pattern":
		return parseOneOrList(value, &c.layersPatterns)
	case "modules_to_save":
		return parseNames(value, &c.ModulesToSave)
	case "trainable_token_indices":
		return c.setTokens(value)
	case "use_dora":
		return json.Unmarshal(value, &c.DoRA)
	case "lora_bias":
		return json.Unmarshal(value, &c.LoRABias)
	case "ensure_weight_tying":
		return json.Unmarshal(value, &c.EnsureTying)
	case "init_lora_weights":
		return checkInit(value)
	case "bias":
		if err := json.Unmarshal(value, &c.Bias); err != nil || !slices.Contains([]string{"none", "all", "lora_only"}, c.Bias) {
			return fmt.Errorf("%s, want none, all or lora_only", shorten(value))
		}
	case "alora_invocation_tokens", "arrow_config", "exclude_parameters", "kasa_config", "layer_replication",
		"monteclora_config", "target_parameters", "use_bdlora", "use_qalora", "velora_config":
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

// setTokens reads trainable_token_indices: a list of tokens of the embedding, or
// lists by module.
func (c *peftConfig) setTokens(value json.RawMessage) error {
	if isUnset(value) {
		return nil
	}
	var tokens []int32
	if json.Unmarshal(value, &tokens) == nil {
		c.Tokens = []tokenRows{{"embed_tokens", tokens}}
		return nil
	}
	var modules map[string][]int32
	if err := json.Unmarshal(value, &modules); err != nil {
		return err
	}
	for _, module := range sortedKeys(modules) {
		c.Tokens = append(c.Tokens, tokenRows{module, modules[module]})
	}
	return nil
}

// scale returns the rank and the factor of a module's low-rank update.
func (c *peftConfig) scale(path string) (rank int, scale float64) {
	rank = lookUp(c, c.RankPattern, path, c.Rank)
	alpha := lookUp(c, c.AlphaPattern, path, c.Alpha)
	switch {
	case rank < 1 || rank > maxRank:
		c.fail(fmt.Errorf("%s: rank_pattern gives rank %d for %s, want 1 … %d", adapterConfigFile, rank, path, maxRank))
		return 1, 1
	case alpha == 0:
		c.fail(fmt.Errorf("%s: alpha_pattern gives 0 for %s, so it is not adapted", adapterConfigFile, path))
	}
	if c.RSLoRA {
		return rank, alpha / math.Sqrt(float64(rank))
	}
	return rank, alpha / float64(rank)
}

// maxRank is more than any adapter has.
const maxRank = 1 << 16

// fail keeps the first error.
func (c *peftConfig) fail(err error) {
	if c.failed == nil {
		c.failed = err
	}
}

func (c *peftConfig) match(x *expression, path string) bool {
	if c.failed != nil {
		return false // an expression that takes too long takes it once
	}
	ok, err := x.matches(path)
	if err != nil {
		c.fail(fmt.Errorf("%s: %w", adapterConfigFile, err))
	}
	return ok
}

// targets reports whether the configuration adapts the module at path, as the
// base spells it that the adapter was trained on. linear says that it is a linear
// layer, and not the output layer.
func (c *peftConfig) targets(path string, linear bool) bool {
	if c.Exclude.regex != nil && c.match(c.Exclude.regex, path) || c.Exclude.matches(path) {
		return false
	}
	for _, x := range c.savedModules {
		if c.match(x, path) {
			return false
		}
	}
	switch {
	case c.Target.allLinear:
		return linear
	case c.Target.regex != nil:
		return c.match(c.Target.regex, path)
	case slices.Contains(c.Target.suffixes, path):
		return true
	}
	return c.Target.matches(path) && c.inLayers(path)
}

// inLayers reports whether layers_to_transform has the layer of a path.
func (c *peftConfig) inLayers(path string) bool {
	if c.Layers == nil {
		return true
	}
	for _, x := range c.LayersPattern {
		if m := x.FindStringSubmatch(path); m != nil {
			n, err := strconv.Atoi(m[len(m)-1])
			return err == nil && slices.Contains(c.Layers, n)
		}
	}
	return false
}

// saved returns the outermost module around a path, or the module at it, that
// modules_to_save names by the end of its path.
func (c *peftConfig) saved(path string) (module string, ok bool) {
	for end := range len(path) + 1 {
		if end < len(path) && path[end] != '.' {
			continue
		}
		whole := peftPrefix + path[:end]
		if slices.ContainsFunc(c.ModulesToSave, func(m string) bool { return strings.HasSuffix(whole, m) }) {
			return path[:end], true
		}
	}
	return "", false
}

func lookUp[T any](c *peftConfig, patterns []pattern[T], path string, otherwise T) T {
	for _, p := range patterns {
		if c.match(p.match, path) {
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
		if p.match, err = compileExpression(`^(?:.*\.)?(?:` + p.key + `)$`); err != nil {
			return err
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
	var text string
	if json.Unmarshal(value, &text) != nil {
		return parseNames(value, &into.suffixes)
	}
	if strings.ToLower(text) == "all-linear" {
		into.allLinear = true
		return nil
	}
	x, err := compileExpression(`^(?:` + text + `)$`)
	into.regex = x
	return err
}

// parseNames reads a list of names, none of them empty.
func parseNames(value json.RawMessage, into *[]string) error {
	if err := json.Unmarshal(value, into); err != nil {
		return err
	}
	if slices.Contains(*into, "") {
		return errors.New("an empty name")
	}
	return nil
}

// parseOneOrList reads a value or a list of them.
func parseOneOrList[T any](value json.RawMessage, into *[]T) error {
	if isUnset(value) {
		return nil
	}
	var one T
	if json.Unmarshal(value, &one) == nil {
		*into = []T{one}
		return nil
	}
	return json.Unmarshal(value, into)
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
