package symbol

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
)

// libraries are the files of KiCad 6's package of symbols.
func libraries(t *testing.T) []string {
	t.Helper()
	files, _ := filepath.Glob("/usr/share/kicad/symbols/*.kicad_sym")
	if len(files) == 0 {
		t.Skip("no /usr/share/kicad/symbols: kicad-symbols is not installed")
	}
	return files
}

// TestReadLibraries reads every symbol of the distribution.
func TestReadLibraries(t *testing.T) {
	symbols, pins := 0, 0
	for _, file := range libraries(t) {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		read, err := Read(string(text))
		if err != nil {
			t.Errorf("%s: %v", file, err)
		}
		for _, s := range read {
			symbols++
			pins += len(s.Pins)
			if s.Name == "" || s.Value == "" || s.Reference == "" || s.Format != Current {
				t.Errorf("%s: symbol %q has value %q and reference %q", file, s.Name, s.Value, s.Reference)
			}
		}
	}
	t.Logf("%d symbols with %d pins", symbols, pins)
	if version := "6.0"; symbols != 17569 {
		t.Logf("KiCad %s's package has 17,569 symbols", version)
	}
}

// TestRealSymbols holds that a symbol is what it asks for, and no other is.
func TestRealSymbols(t *testing.T) {
	var last Symbol
	n := 0
	for _, file := range libraries(t) {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		read, _ := Read(string(text))
		for _, s := range read {
			if len(s.Pins) == 0 {
				continue
			}
			n++
			target := reparse(t, TargetOf(s))
			if r := target.compare([]Symbol{s}); !r.Pass {
				t.Errorf("%s: %s is not itself: %s", file, s.Name, r.Note)
			}
			if r := target.compare([]Symbol{last}); r.Pass {
				t.Errorf("%s: %s is taken for %s", file, last.Name, s.Name)
			}
			last = s
		}
	}
	t.Logf("%d symbols", n)
}

func reparse(t *testing.T, target Target) Target {
	t.Helper()
	raw, err := json.Marshal(target)
	if err != nil {
		t.Fatal(err)
	}
	read, err := ParseTarget(raw)
	if err != nil {
		t.Fatal(err)
	}
	return read
}
