package demo_test

import (
	"encoding/json"
	"io/fs"
	"testing"

	"github.com/ailiance/lorabench/model/demo"
)

func TestFilesAreThere(t *testing.T) {
	folders := map[string]fs.FS{"base": demo.Base()}
	want := map[string][]string{"base": {"config.json", "generation_config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"}}
	for _, name := range demo.Adapters() {
		f, ok := demo.Adapter(name)
		if !ok {
			t.Fatalf("Adapter(%q): not there, but Adapters lists it", name)
		}
		folders[name], want[name] = f, []string{"adapter_config.json", "adapter_model.safetensors"}
	}
	for name, files := range want {
		for _, file := range files {
			b, err := fs.ReadFile(folders[name], file)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			if file[len(file)-5:] == ".json" && !json.Valid(b) {
				t.Errorf("%s: %s is not JSON", name, file)
			}
		}
	}
}

func TestAdapterUnknown(t *testing.T) {
	for _, name := range []string{"", ".", "base", "../base", "spice/"} {
		if _, ok := demo.Adapter(name); ok {
			t.Errorf("Adapter(%q) is there", name)
		}
	}
}

// The whole demo has to stay small enough for a binary.
func TestSize(t *testing.T) {
	const limit = 8 << 20
	var total int64
	count := func(f fs.FS) {
		if err := fs.WalkDir(f, ".", func(_ string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			info, err := d.Info()
			if err == nil {
				total += info.Size()
			}
			return err
		}); err != nil {
			t.Fatal(err)
		}
	}
	count(demo.Base())
	for _, name := range demo.Adapters() {
		f, _ := demo.Adapter(name)
		count(f)
	}
	if total >= limit {
		t.Errorf("weights and configurations take %d bytes, want less than %d", total, limit)
	}
}
