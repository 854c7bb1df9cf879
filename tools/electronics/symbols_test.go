package electronics

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
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

// TestSymbolsOtherwise writes references as KiCad would take them too, though
// nobody asked for it: they are right all the same.
func TestSymbolsOtherwise(t *testing.T) {
	definition, err := tasks.Lookup("kicad_dsl")
	if err != nil {
		t.Fatal(err)
	}
	rows, err := definition.Rows(generated.Options{Split: generated.Test, Seed: tasks.PublishedSeed})
	if err != nil {
		t.Fatal(err)
	}
	number := regexp.MustCompile(`( -?[0-9]+)\.([0-9]+)`)
	pin := regexp.MustCompile(`(?m)^.*\((pin|rectangle|polyline) .*\n`)
	legacyPin := regexp.MustCompile(`(?m)^[XSPC] .*\n`)
	reversed := func(text string, lines *regexp.Regexp) string {
		all := lines.FindAllString(text, -1)
		return lines.ReplaceAllStringFunc(text, func(string) string {
			last := all[len(all)-1]
			all = all[:len(all)-1]
			return last
		})
	}
	current := map[string]func(string) string{
		"on one line":        func(s string) string { return strings.Join(strings.Fields(s), " ") },
		"with CRLF and tabs": func(s string) string { return strings.NewReplacer("\n", "\r\n", "  ", "\t").Replace(s) },
		"more digits":        func(s string) string { return number.ReplaceAllString(s, "${1}.${2}000") },
		"fonts of pins": func(s string) string {
			return strings.NewReplacer("\") (number", "\" (effects (font (size 1.27 1.27)))) (number", "\"))\n", "\" (effects (font (size 1.27 1.27)))))\n").Replace(s)
		},
		"of a library": func(s string) string {
			return regexp.MustCompile(`\(symbol "([^"]*)" \(`).ReplaceAllString(s, `(symbol "Parts:$1" (`)
		},
		"KiCad 9": func(s string) string {
			return strings.NewReplacer(" hide)", " (hide yes))", " hide (name", " (hide yes) (name", "20231120", "20241209", "(in_bom yes)", "(exclude_from_sim no) (in_bom yes)").Replace(s)
		},
		"a description": func(s string) string {
			return strings.Replace(s, "(property \"Value\"", "(property \"ki_description\" \"made up\" (at 0 0 0) (effects (font (size 1.27 1.27)) hide)) (property \"Value\"", 1)
		},
	}
	legacy := map[string]func(string) string{
		"pins in reverse":    func(s string) string { return reversed(s, legacyPin) },
		"with CRLF":          func(s string) string { return strings.ReplaceAll(s, "\n", "\r\n") },
		"filters":            func(s string) string { return strings.Replace(s, "DRAW\n", "$FPLIST\n SO*\n$ENDFPLIST\nDRAW\n", 1) },
		"other sizes":        func(s string) string { return strings.ReplaceAll(s, " 50 50 ", " 40 60 ") },
		"comments and lines": func(s string) string { return strings.ReplaceAll(s, "DRAW\n", "DRAW\n#\n\n") },
	}
	for _, row := range rows {
		text, _ := answer.Block(row.Reference, symbol.Languages...)
		target, err := symbol.ParseTarget(json.RawMessage(row.Target))
		if err != nil {
			t.Fatal(err)
		}
		ways := current
		if symbol.FormatOf(text) == symbol.Legacy {
			ways = legacy
		}
		for name, way := range ways {
			other := way(text)
			if other == text && name != "KiCad 9" && name != "more digits" {
				t.Errorf("%s, %s: nothing is changed\n%s", row.ID, name, text)
			}
			if r := target.Judge(other); !r.Pass {
				t.Errorf("%s, %s: %s\n%s", row.ID, name, r.Note, other)
			}
		}
		if symbol.FormatOf(text) == symbol.Current && len(target.Pins) > 1 && target.Units == 1 {
			if r := target.Judge(reversed(text, pin)); !r.Pass && !strings.Contains(text, "_0_1") {
				t.Errorf("%s, pins in reverse: %s\n%s", row.ID, r.Note, reversed(text, pin))
			}
		}
	}
}
