package model

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/ailiance/lorabench/model/checkpoint"
)

// TestFuse merges random adapters into a random model: what is written computes
// what base and adapter compute, and the rest is the base's to the last bit.
func TestFuse(t *testing.T) {
	for _, dtype := range []string{"float32", "bfloat16", "float16"} {
		t.Run(dtype, func(t *testing.T) {
			cfg := tinyConfig()
			dir := tinyDirectory(strings.Replace(tinyJSON, "{", `{"dtype":"`+dtype+`",`, 1), 7)
			kind := map[string]checkpoint.DType{"float32": checkpoint.F32, "bfloat16": checkpoint.BF16, "float16": checkpoint.F16}[dtype]
			dir[checkpoint.WeightsFile].Data = safetensorsOf(randomWeights(cfg, kind, 7))
			e, err := OpenFS(t.Context(), dir, ".", Options{Threads: 1})
			if err != nil {
				t.Fatal(err)
			}
			defer e.Close()
			loadTiny(t, e, cfg)
			out := filepath.Join(t.TempDir(), "fused")
			f, err := e.Fuse(t.Context(), dir, "two", out, false)
			if err != nil {
				t.Fatal(err)
			}
			t.Logf("difference %.2g, root mean square %.2g, tolerance %.2g", f.MaxLogitDifference, f.RMSLogitDifference, f.Tolerance)
			if f.DType != kind.String() || len(f.Changed) != 5*cfg.NumHiddenLayers || f.Untied || f.ProbeTokens == 0 {
				t.Errorf("%+v", f)
			}
			src, err := checkpoint.OpenWeights(os.DirFS(out))
			if err != nil {
				t.Fatal(err)
			}
			defer src.Close()
			base, err := checkpoint.OpenWeights(dir)
			if err != nil {
				t.Fatal(err)
			}
			for _, name := range base.Names() {
				was, _ := base.Tensor(name)
				is, err := src.Tensor(name)
				if err != nil || is.DType != was.DType {
					t.Fatalf("%s: %s, %v", name, is.DType, err)
				}
				if equal := bytes.Equal(is.Data, was.Data); equal == slices.Contains(f.Changed, name) {
					t.Errorf("%s: equal to the base: %t", name, equal)
				}
			}
		})
	}
}

// TestFuseRefuses: nothing is written where it would not be right.
func TestFuseRefuses(t *testing.T) {
	dir := tinyDirectory(tinyJSON, 7)
	e, err := OpenFS(t.Context(), dir, ".", Options{Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	loadTiny(t, e, tinyConfig())
	parent := t.TempDir()
	full := filepath.Join(parent, "full")
	if err := os.MkdirAll(filepath.Join(full, "x"), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ adapter, out, want string }{
		{"none", "a", "adapter none is not loaded"},
		{"one", "full", "is not empty"},
	} {
		if _, err := e.Fuse(t.Context(), dir, tt.adapter, filepath.Join(parent, tt.out), false); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("error %v, want %q", err, tt.want)
		}
	}
	// Weights beyond the type that is to be written.
	e.adapters["one"].layers[0].linear[0].low.scale = 1e40
	if _, err := e.Fuse(t.Context(), dir, "one", filepath.Join(parent, "inf"), false); err == nil {
		t.Error("infinite weights were written")
	}
	entries, err := os.ReadDir(parent)
	if err != nil || len(entries) != 1 {
		t.Errorf("%v is left, %v", entries, err)
	}
	// What computes something else is told apart.
	e.adapters["two"].layers[1].linear[0].low.scale *= 1.01
	good := e.adapters["two"]
	f := &fuser{e: e, a: good}
	if _, err := e.Fuse(t.Context(), dir, "two", filepath.Join(parent, "two"), false); err != nil {
		t.Fatal(err)
	}
	good.layers[1].linear[0].low.scale *= 1.01
	f.quantum = 0x1p-24
	var wrong *FuseError
	if _, err := f.compare(t.Context(), "two", filepath.Join(parent, "two")); !errors.As(err, &wrong) {
		t.Errorf("error %v, want a FuseError", err)
	}
}

// TestFuseCases merges the adapters of the vectors.
func TestFuseCases(t *testing.T) {
	for _, name := range slices.Concat(casesOf(t, "adapters"), casesOf(t, "mlx/adapters")) {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(vectors, name)
			c := readGoldenCase(t, dir)
			base := filepath.Join(vectors, "models", c.Base)
			if c.MLX != "" {
				base = filepath.Join(vectors, "mlx/models", c.MLX)
			}
			e, err := Open(t.Context(), base, Options{TokensOnly: true})
			if err != nil {
				t.Fatal(err)
			}
			defer e.Close()
			if _, err := e.LoadAdapter(t.Context(), "a", os.DirFS(dir)); err != nil {
				t.Fatal(err)
			}
			out := filepath.Join(t.TempDir(), "fused")
			f, err := e.Fuse(t.Context(), os.DirFS(base), "a", out, c.MLX != "")
			if name == "adapters/llama-lora-bias" && err == nil && f.ProbeTokens > 0 {
				t.Log("the base has biases of its own")
			}
			if err != nil {
				t.Fatal(err)
			}
			t.Logf("%d of %d tensors changed, untied: %t, difference %.2g, root mean square %.2g, tolerance %.2g", len(f.Changed), f.Tensors, f.Untied, f.MaxLogitDifference, f.RMSLogitDifference, f.Tolerance)
			if strings.Contains(name, "embed-tied") != f.Untied {
				t.Errorf("untied: %t", f.Untied)
			}
			if _, err := fs.Stat(os.DirFS(out), "generation_config.json"); err != nil && c.MLX == "" {
				t.Error(err)
			}
		})
	}
}

// TestFuseForms merges adapters of all forms: a tied embedding stays tied where
// it changes as the output layer does, and numbers keep the base's shape.
func TestFuseForms(t *testing.T) {
	for name, text := range map[string]string{
		"tied":   strings.Replace(tinyJSON, "{", `{"dtype":"float32","tie_word_embeddings":true,`, 1),
		"gemma4": strings.Replace(tinyArchitecture("gemma4"), "{", `{"dtype":"float32",`, 1),
	} {
		cfg := parseTiny(text)
		base := randomWeights(cfg, checkpoint.F32, 7)
		for tensor, x := range base {
			if len(x.Shape) == 0 {
				x.Shape = []int{1}
				base[tensor] = x
			}
		}
		dir := tinyDirectory(text, 7)
		dir[checkpoint.WeightsFile].Data = safetensorsOf(base)
		e, err := OpenFS(t.Context(), dir, ".", Options{Threads: 1})
		if err != nil {
			t.Fatal(err)
		}
		defer e.Close()
		for form, adapter := range adapterForms(t, cfg) {
			if _, err := e.LoadAdapter(t.Context(), form, adapter); err != nil {
				t.Fatal(err)
			}
			out := filepath.Join(t.TempDir(), "fused")
			f, err := e.Fuse(t.Context(), dir, form, out, false)
			if form == "lora bias" && name == "gemma4" {
				if err == nil || !strings.Contains(err.Error(), "no place for it") {
					t.Errorf("error %v, want that biases have no place", err)
				}
				continue
			}
			if err != nil {
				t.Fatalf("%s, %s: %v", name, form, err)
			}
			if untied := slices.Contains([]string{"saved", "tables"}, form); f.Untied != (untied && cfg.TieWordEmbeddings) {
				t.Errorf("%s, %s: untied: %t", name, form, f.Untied)
			}
			src, err := checkpoint.OpenWeights(os.DirFS(out))
			if err != nil {
				t.Fatal(err)
			}
			defer src.Close()
			for tensor, was := range base {
				if is, err := src.Tensor(tensor); err != nil || !slices.Equal(is.Shape, was.Shape) {
					t.Errorf("%s, %s: %s has shape %v, want %v: %v", name, form, tensor, is.Shape, was.Shape, err)
				}
			}
		}
	}
}

// TestFuseLinks: a link of a hub cache is followed, one to elsewhere is not.
func TestFuseLinks(t *testing.T) {
	root := t.TempDir()
	snapshot, blobs := filepath.Join(root, "snapshots", "1"), filepath.Join(root, "blobs")
	for _, dir := range []string{snapshot, blobs} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	write := func(path string, data []byte) {
		if err := os.WriteFile(path, data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	link := func(target, name string) {
		if err := os.Symlink(target, filepath.Join(snapshot, name)); err != nil {
			t.Fatal(err)
		}
	}
	for name, file := range tinyDirectory(tinyJSON, 7) {
		write(filepath.Join(snapshot, name), file.Data)
	}
	write(filepath.Join(blobs, "abc"), []byte("a licence"))
	write(filepath.Join(root, "private.txt"), []byte("private"))
	link("../../blobs/abc", "LICENSE")
	link("LICENSE", "chain.txt")
	e, err := Open(t.Context(), snapshot, Options{Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	loadTiny(t, e, tinyConfig())
	fuse := func(out string) error {
		_, err := e.Fuse(t.Context(), os.DirFS(snapshot), "one", filepath.Join(root, out), false)
		return err
	}
	if err := fuse("a"); err == nil || !strings.Contains(err.Error(), "chain.txt links to LICENSE") {
		t.Errorf("a chain of links: %v", err)
	}
	if err := os.Remove(filepath.Join(snapshot, "chain.txt")); err != nil {
		t.Fatal(err)
	}
	if err := fuse("b"); err != nil {
		t.Fatal(err)
	}
	if data, err := os.ReadFile(filepath.Join(root, "b", "LICENSE")); err != nil || string(data) != "a licence" {
		t.Errorf("LICENSE %q, %v", data, err)
	}
	for i, target := range []string{"../../private.txt", filepath.Join(root, "private.txt"), "../../blobs/../private.txt"} {
		name := []string{"x.txt", "y.json", "NOTICE"}[i]
		link(target, name)
		if err := fuse("c"); err == nil || !strings.Contains(err.Error(), name+" links to") {
			t.Errorf("%s: %v", target, err)
		}
		if err := os.Remove(filepath.Join(snapshot, name)); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := os.Stat(filepath.Join(root, "c")); !errors.Is(err, fs.ErrNotExist) {
		t.Error("a checkpoint was written")
	}
}
