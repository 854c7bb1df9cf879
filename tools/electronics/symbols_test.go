package electronics

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ailiance/lorabench/scorers"
	"github.com/ailiance/lorabench/scorers/answer"
	"github.com/ailiance/lorabench/scorers/kicad/symbol"
	"github.com/ailiance/lorabench/tasks"
	"github.com/ailiance/lorabench/tasks/generated"
)

func TestSymbols(t *testing.T) { checkTask(t, "kicad_dsl", scorers.Tools{}, 200, 4) }

// TestSymbolsThroughKiCad has KiCad read references and write them anew, in its
// own order and today's format: that is the same symbol, and scores 1. It needs
// kicad-cli of KiCad 9 (KICAD_CLI says where it is).
func TestSymbolsThroughKiCad(t *testing.T) {
	kicad := os.Getenv("KICAD_CLI")
	if kicad == "" {
		path, err := exec.LookPath("kicad-cli")
		if err != nil {
			t.Skip("no kicad-cli")
		}
		kicad = path
	}
	part := 12
	if *full {
		part = 1
	}
	definition, err := tasks.Lookup("kicad_dsl")
	if err != nil {
		t.Fatal(err)
	}
	rows, err := definition.Rows(generated.Options{Split: generated.Test, Seed: tasks.PublishedSeed})
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for i, row := range rows {
		if i%part != i/part%part {
			continue
		}
		text, reason := answer.Block(row.Reference, symbol.Languages...)
		if reason != "" {
			t.Fatalf("%s: %s", row.ID, reason)
		}
		name := "a.kicad_sym"
		switch {
		case strings.HasPrefix(text, "DEF"):
			name, text = "a.lib", "EESchema-LIBRARY Version 2.4\n"+text
		case symbol.FormatOf(text) == symbol.Legacy:
			name = "a.lib"
		case strings.HasPrefix(text, "(symbol"):
			text = "(kicad_symbol_lib (version 20231120) (generator \"x\")\n" + text + ")\n"
		}
		in, out := filepath.Join(dir, name), filepath.Join(dir, "out.kicad_sym")
		if err := os.WriteFile(in, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		os.Remove(out)
		said, _ := exec.Command(kicad, "sym", "upgrade", in, "-o", out, "--force").CombinedOutput()
		written, err := os.ReadFile(out)
		if err != nil {
			t.Errorf("%s: KiCad does not read the reference: %s\n%s", row.ID, said, text)
			continue
		}
		target, err := symbol.ParseTarget(json.RawMessage(row.Target))
		if err != nil {
			t.Fatal(err)
		}
		target.Format = "any"
		if r := target.Judge(string(written)); !r.Pass {
			t.Errorf("%s: what KiCad writes of the reference: %s\n%s\n%s", row.ID, r.Note, text, written)
		}
	}
}
