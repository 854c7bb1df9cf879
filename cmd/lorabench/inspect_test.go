package main

import (
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ailiance/lorabench/model/demo"
)

// TestInspect says what the demo's model is, and goes on behind what is wrong
// with a broken one.
func TestInspect(t *testing.T) {
	s := try(t, t.Context(), t.TempDir(), "model", "inspect", "demo")
	for _, want := range []string{"llama: 4 layers, hidden 192", "BF16: 38 tensors, 3.6 MB", "0 <|endoftext|>", "lorabench-engine/"} {
		if s.code != 0 || !strings.Contains(s.out, want) {
			t.Errorf("exit %d, %q is missing in:\n%s%s", s.code, want, s.out, s.err)
		}
	}
	s = try(t, t.Context(), t.TempDir(), "model", "inspect", "demo", "--json")
	var report modelReport
	if err := json.Unmarshal([]byte(s.out), &report); err != nil {
		t.Fatal(err)
	}
	if report.Schema != "lorabench/model/1" || report.Config.HiddenSize != 192 || len(report.Storage) != 1 || report.Storage[0].Tensors != 38 ||
		report.Memory == 0 || report.PerPosition != 4*2*3*32*4 || len(report.Faults) != 0 {
		t.Errorf("%+v", report)
	}
	broken := filepath.Join(t.TempDir(), "broken")
	if err := os.CopyFS(broken, demo.Base()); err != nil {
		t.Fatal(err)
	}
	config, err := fs.ReadFile(demo.Base(), "config.json")
	if err != nil {
		t.Fatal(err)
	}
	for name, data := range map[string][]byte{
		"config.json":    []byte(strings.Replace(string(config), `"num_hidden_layers": 4`, `"num_hidden_layers": 5`, 1)),
		"tokenizer.json": []byte("{"),
	} {
		if err := os.WriteFile(filepath.Join(broken, name), data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	s = try(t, t.Context(), t.TempDir(), "model", "inspect", broken)
	for _, want := range []string{"llama: 5 layers", "BF16: 38 tensors"} {
		if !strings.Contains(s.out, want) {
			t.Errorf("%q is missing in:\n%s", want, s.out)
		}
	}
	for _, want := range []string{"model.layers.4.input_layernorm.weight is missing", "tokenizer.json"} {
		if s.code != exitFault || !strings.Contains(s.err, want) {
			t.Errorf("exit %d, %q is missing in:\n%s", s.code, want, s.err)
		}
	}
}

// TestTokensWithoutText: what asks for tokens only does without a tokenizer that
// cannot be read, and says so where there would have been text.
func TestTokensWithoutText(t *testing.T) {
	dir := t.TempDir()
	broken := filepath.Join(dir, "broken")
	if err := os.CopyFS(broken, demo.Base()); err != nil {
		t.Fatal(err)
	}
	adapter, _ := demo.Adapter("spice")
	if err := os.CopyFS(filepath.Join(dir, "spice"), adapter); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{filepath.Join(broken, "tokenizer.json"): "{", filepath.Join(dir, "t.json"): `{"sequences":[[5,6,7]]}`} {
		if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, tt := range []struct {
		args []string
		code int
		says string
	}{
		{[]string{"model", "logits", "broken", "--adapter", "spice", "--tokens", "t.json", "--out", "o.safetensors"}, 0, ""},
		{[]string{"model", "generate", "broken", "--tokens", "t.json", "--max-new-tokens", "3", "--json"}, 0, "there is no text, only tokens"},
		{[]string{"adapter", "check", "broken", "spice"}, 0, ""},
		{[]string{"model", "generate", "broken", "--prompt", "x"}, exitFault, "tokenizer.json"},
	} {
		s := try(t, t.Context(), dir, tt.args...)
		if s.code != tt.code || !strings.Contains(s.err, tt.says) {
			t.Errorf("%v: exit %d, want %d: %s", tt.args, s.code, tt.code, s.err)
		}
	}
}

// TestTokenizeAlone needs the tokenizer's files and no weights.
func TestTokenizeAlone(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"tokenizer.json", "tokenizer_config.json"} {
		data, err := fs.ReadFile(demo.Base(), name)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	cmd := program(t, dir, "model", "tokenize", ".")
	cmd.Stdin = strings.NewReader("Tom has 12 pens.")
	alone, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	cmd = program(t, dir, "model", "tokenize", "demo")
	cmd.Stdin = strings.NewReader("Tom has 12 pens.")
	whole, err := cmd.Output()
	if err != nil || string(alone) != string(whole) || len(alone) < 20 {
		t.Errorf("%q alone, %q of the model, %v", alone, whole, err)
	}
}
