package checkpoint

import (
	"bytes"
	"fmt"
	"slices"
)

// CheckTensors checks that src holds exactly the tensors of a model with this
// configuration, by their Hugging Face names: none missing, none of another
// shape, none that belongs to no module. The error tells of all that is wrong.
// A GGUF file is checked by CheckGGUF.
func CheckTensors(src Source, cfg *Config) error {
	return checkTensors(src, cfg, func(name string) (string, bool) { return name, true })
}

// CheckGGUF is CheckTensors for a GGUF file, whose tensors have names of their
// own. Errors have both names.
func CheckGGUF(g *GGUF, cfg *Config) error {
	err := checkTensors(g, cfg, func(name string) (string, bool) { return GGUFName(cfg.ModelType, name) })
	if err != nil {
		return fmt.Errorf("read %s: %w", g.file.name, err)
	}
	return nil
}

func checkTensors(src Source, cfg *Config, stored func(name string) (string, bool)) error {
	var faults []string
	used := map[string]bool{}
	for _, want := range cfg.Tensors() {
		name, ok := stored(want.Name)
		if !ok {
			faults = append(faults, fmt.Sprintf("tensor %s has no name in this format", want.Name))
			continue
		}
		label := want.Name
		if name != want.Name {
			label = fmt.Sprintf("%s (%s)", name, want.Name)
		}
		t, err := src.Tensor(name)
		if err != nil {
			faults = append(faults, fmt.Sprintf("tensor %s is missing", label))
			continue
		}
		used[t.Name] = true
		if !slices.Equal(t.Shape, want.Shape) {
			faults = append(faults, fmt.Sprintf("tensor %s: shape %v, want %v", label, t.Shape, want.Shape))
		}
	}
	if cfg.TieWordEmbeddings {
		if fault := checkTied(src, stored); fault != "" {
			faults = append(faults, fault)
		}
	}
	_, isGGUF := src.(*GGUF)
	for _, name := range src.Names() {
		if used[name] || isGGUF && name == ropeFactorsName {
			continue
		}
		if _, ok := cfg.IgnoredTensor(name); ok {
			continue
		}
		faults = append(faults, fmt.Sprintf("tensor %s belongs to no module of %s with %d layers", name, cfg.ModelType, cfg.NumHiddenLayers))
	}
	return joinFaults(faults)
}

// checkTied compares the output head with the embedding that it is tied to,
// where a file has stored both.
func checkTied(src Source, stored func(string) (string, bool)) string {
	embedding, _ := stored("model.embed_tokens.weight")
	head, _ := stored("lm_head.weight")
	e, err := src.Tensor(embedding)
	if err != nil {
		return "" // reported as missing
	}
	h, err := src.Tensor(head)
	if err != nil || h.Name == e.Name {
		return ""
	}
	if h.DType != e.DType || !slices.Equal(h.Shape, e.Shape) || !bytes.Equal(h.Data, e.Data) {
		return fmt.Sprintf("tensors %s and %s differ, but tie_word_embeddings says that they are one", h.Name, e.Name)
	}
	return ""
}
