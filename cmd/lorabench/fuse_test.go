package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestFuseCommand merges an adapter of the demo, and asks the merged model.
func TestFuseCommand(t *testing.T) {
	out := filepath.Join(t.TempDir(), "fused")
	one := func(want int, args ...string) (stdout, stderr string) {
		t.Helper()
		s := try(t, t.Context(), t.TempDir(), args...)
		if s.code != want {
			t.Errorf("%v exits with %d, want %d: %s", args, s.code, want, s.err)
		}
		return s.out, s.err
	}
	text, _ := one(0, "fuse", "demo", "spice", "--out", out, "--json")
	var report fusionReport
	if err := json.Unmarshal([]byte(text), &report); err != nil {
		t.Fatal(err)
	}
	if report.Schema != "lorabench/fusion/1" || len(report.Changed) != 28 || report.DType != "BF16" || report.Tokens == 0 ||
		!(report.RMS > 0 && report.RMS < report.Tolerance && report.RMS < report.Difference) {
		t.Errorf("%+v", report)
	}
	question := []string{"--prompt", "Q: Tom has 12 pens and buys 7. How many pens has he?\nA:", "--max-new-tokens", "12"}
	fused, _ := one(0, append([]string{"model", "generate", out}, question...)...)
	adapted, _ := one(0, append([]string{"model", "generate", "demo", "--adapter", "spice"}, question...)...)
	if fused != adapted {
		t.Errorf("the merged model says %q, base and adapter %q", fused, adapted)
	}
	if _, stderr := one(1, "fuse", "demo", "spice", "--out", out); !strings.Contains(stderr, "is not empty") {
		t.Error(stderr)
	}
	if _, stderr := one(2, "fuse", "demo", "spice"); !strings.Contains(stderr, "--out is needed") {
		t.Error(stderr)
	}
	if _, stderr := one(5, "fuse", "demo", "fake", "--out", out+"2"); !strings.Contains(stderr, "it would change nothing") {
		t.Error(stderr)
	}
	if _, err := os.Stat(out + "2"); err == nil {
		t.Error("a refused adapter left a folder")
	}
}
