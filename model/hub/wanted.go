package hub

import (
	"encoding/json"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/ailiance/lorabench/model/checkpoint"
)

// Kind is what a repository is fetched for.
type Kind string

// The kinds.
const (
	Model   Kind = "model"
	Adapter Kind = "adapter"
)

// texts are the small files beside a model's weights: configuration, tokenizer
// and chat template.
var texts = []string{
	checkpoint.ConfigFile, "generation_config.json",
	"tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json", "tokenizer.model", "tekken.json",
	"vocab.json", "merges.txt", "chat_template.jinja", "chat_template.json",
}

// templateDir holds chat templates for other uses than the default.
const templateDir = "additional_chat_templates"

// adapterTexts are the small files beside an adapter's weights, PEFT's or MLX's.
var adapterTexts = []string{"adapter_config.json"}

// adapterWeights are an adapter's weights, PEFT's or MLX's.
var adapterWeights = []string{"adapter_model.safetensors", "adapters.safetensors"}

// wanted chooses from a repository's files what the engine reads. Where weights are
// in shards, the index is among the first files and names the others: see shards.
func wanted(files map[string]entry, ref Ref, kind Kind) ([]entry, error) {
	if ref.isGGUF() {
		e, ok := files[ref.Path]
		if !ok {
			return nil, fmt.Errorf("the repository has no file %s%s", ref.Path, ggufs(files))
		}
		return []entry{e}, nil
	}
	small, weights, config := texts, []string{checkpoint.WeightsFile, checkpoint.IndexFile}, checkpoint.ConfigFile
	if kind == Adapter {
		small, weights, config = adapterTexts, adapterWeights, adapterTexts[0]
	}
	if _, ok := files[path.Join(ref.Path, config)]; !ok {
		return nil, fmt.Errorf("no %s: there is no %s%s", kind, path.Join(ref.Path, config), ggufs(files))
	}
	var some []entry
	for _, name := range small {
		if e, ok := files[path.Join(ref.Path, name)]; ok {
			some = append(some, e)
		}
	}
	if kind == Model {
		for _, name := range slices.Sorted(maps.Keys(files)) {
			if dir, file := path.Split(name); dir == path.Join(ref.Path, templateDir)+"/" && path.Ext(file) == ".jinja" {
				some = append(some, files[name])
			}
		}
	}
	for _, name := range weights {
		if e, ok := files[path.Join(ref.Path, name)]; ok {
			return append(some, e), nil // the first: where there are two forms, they are the same weights
		}
	}
	return nil, fmt.Errorf("no weights: there is neither %s; pickles (.bin, .pt) can run code and are not fetched",
		strings.Join(weights, " nor "))
}

// ggufs names a repository's GGUF files, which a reference can name.
func ggufs(files map[string]entry) string {
	var names []string
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if strings.EqualFold(path.Ext(name), ".gguf") {
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		return ""
	}
	const most = 8
	more := ""
	if len(names) > most {
		more = fmt.Sprintf(" and %d more", len(names)-most)
		names = names[:most]
	}
	return fmt.Sprintf("; name a GGUF file of it as hf:org/name:FILE: %s%s", strings.Join(names, ", "), more)
}

// shards are the files that an index names.
func shards(files map[string]entry, ref Ref, index []byte) ([]entry, error) {
	var doc struct {
		WeightMap map[string]string `json:"weight_map"`
	}
	if err := json.Unmarshal(index, &doc); err != nil {
		return nil, fmt.Errorf("%s: %w", checkpoint.IndexFile, err)
	}
	var some []entry
	for _, name := range slices.Compact(slices.Sorted(maps.Values(doc.WeightMap))) {
		e, ok := files[path.Join(ref.Path, name)]
		if !ok || strings.Contains(name, "/") || path.Ext(name) != ".safetensors" {
			return nil, fmt.Errorf("%s names %.100q, which is no .safetensors file beside it", checkpoint.IndexFile, name)
		}
		some = append(some, e)
	}
	return some, nil
}
