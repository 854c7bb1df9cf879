package symbol

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ailiance/lorabench/scorers/sexpr"
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
}

// TestRealSymbols holds that a real symbol's own text is what it asks for, in
// today's format and rewritten as a legacy part, and that no other symbol is.
func TestRealSymbols(t *testing.T) {
	var other Symbol
	otherText := ""
	texts, legacy, inherited := 0, 0, 0
	for i, file := range libraries(t) {
		if testing.Short() && i%10 > 0 {
			continue
		}
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		library, err := sexpr.Parse(text, sexpr.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		var sources [][]byte
		for n := range library.Root().Lists("symbol") {
			sources = append(sources, n.Source())
		}
		symbols, _ := Read(string(text))
		for k, s := range symbols {
			if len(s.Pins) == 0 {
				continue // nothing is asked for
			}
			target := TargetOf(s)
			if k%10 == 0 {
				target = reparse(t, target)
			}
			own := func(r Result, form string) {
				if !r.Pass {
					t.Errorf("%s: %s, %s, is not itself: %s", file, s.Name, form, r.Note)
				}
			}
			if s.Extends == "" {
				texts++
				if r := target.Judge(string(sources[k])); !r.Pass {
					own(r, "its text")
				}
				if r := target.Judge(otherText); otherText != "" && r.Pass {
					t.Errorf("%s: %s is taken for %s: %+v", file, other.Name, s.Name, r)
				}
				other, otherText = s, string(sources[k])
			} else {
				inherited++
				own(target.compare([]Symbol{s}), "with its parent's pins")
			}
			if old, ok := legacyText(s); ok {
				legacy++
				own(target.Judge(old), "as a legacy part")
			}
		}
	}
	t.Logf("%d symbols by their own text, %d that extend another; %d as legacy parts too", texts, inherited, legacy)
}

// legacyText writes a symbol as KiCad 5 would. It is false where that format
// has no way to say it.
func legacyText(s Symbol) (string, bool) {
	types := map[Type]string{}
	for letter, kind := range legacyTypes {
		types[kind] = letter
	}
	shapes := map[Shape]string{}
	for letters, shape := range legacyShapes {
		shapes[shape] = letters
	}
	word := func(w string) string {
		if w == "" {
			return "~"
		}
		return w
	}
	var b strings.Builder
	fmt.Fprintf(&b, "DEF %s %s 0 40 Y Y %d F N\n", s.Name, word(s.Reference), s.Units)
	for i, value := range []string{s.Reference, s.Value, s.Footprint, s.Datasheet} {
		fmt.Fprintf(&b, "F%d %q 0 0 50 H V C CNN\n", i, value)
		if strings.ContainsAny(value, "\\\"\n") || i == 1 && strings.HasPrefix(value, "~") {
			return "", false
		}
	}
	b.WriteString("DRAW\n")
	for _, p := range s.Pins {
		kind, known := types[p.Type]
		if !known || p.X%mil != 0 || p.Y%mil != 0 || p.Length%mil != 0 || strings.ContainsAny(p.Name+p.Number, " \t") {
			return "", false
		}
		shape := shapes[p.Shape]
		if p.Hidden {
			shape = "N" + shape
		}
		fmt.Fprintf(&b, "X %s %s %d %d %d %s 50 50 %d %d %s %s\n", oldBars(word(p.Name)), word(p.Number), p.X/mil, p.Y/mil, p.Length/mil,
			map[Orientation]string{0: "R", 90: "U", 180: "L", 270: "D"}[p.Orientation], p.Unit, p.Style, kind, shape)
	}
	b.WriteString("ENDDRAW\nENDDEF\n")
	return b.String(), !strings.ContainsAny(s.Name+s.Reference, " \t") && !strings.HasPrefix(s.Name, "~")
}

// oldBars writes ~{X} as ~X~, and a tilde twice.
func oldBars(name string) string {
	if name == "~" {
		return name
	}
	name = strings.ReplaceAll(strings.ReplaceAll(name, "~{", "\x00"), "~", "~~")
	if strings.Contains(name, "\x00") {
		name = strings.NewReplacer("\x00", "~", "}", "~").Replace(name)
	}
	return name
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
