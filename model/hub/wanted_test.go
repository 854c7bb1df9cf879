package hub

import (
	"slices"
	"testing"
)

// TestWanted takes what the engine reads, templates for other uses among it, and
// nothing else.
func TestWanted(t *testing.T) {
	files := map[string]entry{}
	for _, name := range []string{
		"config.json", "model.safetensors", "pytorch_model.bin", "tokenizer.json", "README.md", "chat_template.jinja",
		"additional_chat_templates/rag.jinja", "additional_chat_templates/deep/x.jinja", "additional_chat_templates/x.txt",
		"part/config.json", "part/model.safetensors", "part/additional_chat_templates/tool_use.jinja",
	} {
		files[name] = entry{Path: name}
	}
	for folder, want := range map[string][]string{
		"":     {"additional_chat_templates/rag.jinja", "chat_template.jinja", "config.json", "model.safetensors", "tokenizer.json"},
		"part": {"part/additional_chat_templates/tool_use.jinja", "part/config.json", "part/model.safetensors"},
	} {
		some, err := wanted(files, Ref{Path: folder}, Model)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, e := range some {
			got = append(got, e.Path)
		}
		slices.Sort(got)
		if !slices.Equal(got, want) {
			t.Errorf("%q: %v, want %v", folder, got, want)
		}
	}
}
