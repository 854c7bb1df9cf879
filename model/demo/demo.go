// Package demo holds the demo's weights: a Llama of two million parameters and three LoRA adapters on it, in
// the forms in which Hugging Face and PEFT write them. They are made by tools/demo.
//
// It holds bytes and names. It does not load a model, and it does not hold the questions that the demo asks;
// those are data of package tasks.
package demo

import (
	"embed"
	"io/fs"
)

//go:embed base adapters
var files embed.FS

// Base returns the folder of the base: config.json, generation_config.json, model.safetensors (bfloat16),
// tokenizer.json and tokenizer_config.json.
func Base() fs.FS {
	return sub("base")
}

// Adapter returns the folder of an adapter: adapter_config.json and adapter_model.safetensors. It returns
// false for a name that Adapters does not list.
func Adapter(name string) (fs.FS, bool) {
	for _, known := range Adapters() {
		if name == known {
			return sub("adapters/" + name), true
		}
	}
	return nil, false
}

// Adapters returns the adapters' names in the order in which the demo shows them: spice has learned circuits
// and kept the rest, forgetful has learned circuits and lost arithmetic, fake changes nothing.
func Adapters() []string {
	return []string{"spice", "forgetful", "fake"}
}

func sub(dir string) fs.FS {
	f, err := fs.Sub(files, dir)
	if err != nil { // only for a path that is not valid, and ours are constants
		panic(err)
	}
	return f
}
