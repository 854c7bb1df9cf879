package circuit

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// kicadCLI is where KiCad's own program is, or "".
func kicadCLI() string {
	if path := os.Getenv("KICAD_CLI"); path != "" {
		return path
	}
	path, _ := exec.LookPath("kicad-cli")
	return path
}

// refused reports whether an error says that KiCad does not load a text. Others
// are of texts that it loads, and that are no circuit.
func refused(err error) bool {
	var bad *LoadError
	return errors.As(err, &bad) && (strings.HasPrefix(bad.Reason, "does not load") || strings.HasPrefix(bad.Reason, "not S-expressions"))
}

// otherwise are spellings that are read another way than KiCad does, and why.
var otherwise = map[string]string{
	`(table (column_count 1))`: "KiCad 9.0.8 crashes",
	`(lib_id "l:R:x")`:         "it is in no library",
	`(effects (font (face "Arial") (size 1.27 1.27) (color 0 0 0 1)) (justify left mirror) (href "x"))`: "addresses are not looked at",
}

// TestSpellings holds what of a schematic's text is loaded, and where kicad-cli
// is installed that KiCad agrees: of every tenth text, or of all where KICAD_CLI
// says where it is.
func TestSpellings(t *testing.T) {
	kicad := kicadCLI()
	if kicad == "" {
		t.Log("no kicad-cli: what KiCad says is not asked")
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "sub.kicad_sch"), []byte(plainSub), 0o600); err != nil {
		t.Fatal(err)
	}
	for i, s := range spellings {
		if !strings.Contains(plain, s.old) {
			t.Errorf("%q is not in the text", s.old)
			continue
		}
		text := strings.Replace(plain, s.old, s.new, 1)
		_, err := Load(t.Context(), ";; file main.kicad_sch\n"+text+"\n;; file sub.kicad_sch\n"+plainSub)
		if refused(err) == s.loads && otherwise[s.new] == "" {
			t.Errorf("%q for %q: error %v, want that it loads: %t", s.new, s.old, err, s.loads)
		}
		if kicad == "" || os.Getenv("KICAD_CLI") == "" && i%10 != 0 {
			continue
		}
		path, out := filepath.Join(dir, "main.kicad_sch"), filepath.Join(dir, "out.net")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		os.Remove(out)
		exec.Command(kicad, "sch", "export", "netlist", "-o", out, path).Run()
		if _, err := os.Stat(out); (err == nil) != s.loads {
			t.Errorf("%q for %q: KiCad loads it: %t", s.new, s.old, err == nil)
		}
	}
}

// part is a resistor of two pins that are 7.62 mm apart.
func part(ref string, x, y string, more string) string {
	return `(symbol (lib_id "l:R") (at ` + x + ` ` + y + ` 0) (unit 1) (property "Reference" "` + ref + `" (at 0 0 0)) (property "Value" "1k" (at 0 0 0))` + more + `)`
}

func instance(path, ref string) string {
	return `(instances (project "p" (path "` + path + `" (reference "` + ref + `") (unit 1))))`
}

const library = `(lib_symbols (symbol "l:R" (in_bom yes) (on_board yes) (property "Reference" "R" (at 0 0 0)) (property "Value" "R" (at 0 0 0))
 (symbol "R_1_1" (pin passive line (at 0 3.81 270) (length 1.27) (name "~") (number "1")) (pin input line (at 0 -3.81 90) (length 1.27) (name "~") (number "2")))))`

const wires = `(wire (pts (xy 50.8 54.61) (xy 76.2 54.61))) (wire (pts (xy 50.8 46.99) (xy 76.2 46.99)))`

func schematic(uuid, rest string) string {
	if uuid != "" {
		uuid = `(uuid "` + uuid + `")`
	}
	return `(kicad_sch (version 20250114) (generator "x") ` + uuid + library + rest + `)`
}

// twoResistors is what most schematics of TestLoad are.
var twoResistors = &Target{
	Components: []Component{{"R1", "1000", map[string]string{"1": "passive", "2": "input"}, ""}, {"R2", "1k", map[string]string{"1": "passive", "2": "input"}, ""}},
	Nets:       []Net{{"", []string{"R1.1", "R2.1"}}, {"", []string{"R1.2", "R2.2"}}},
}

func TestJudge(t *testing.T) {
	both := part("R1", "50.8", "50.8", instance("/aa", "R1")) + part("R2", "76.2", "50.8", instance("/aa", "R2"))
	loose := part("R1", "50.8", "50.8", "") + part("R2", "76.2", "50.8", "")
	named := &Target{Components: twoResistors.Components, Nets: []Net{{"A", []string{"R1.1", "R2.1"}}, {"B", []string{"R1.2", "R2.2"}}}}
	labels := `(label "A" (at 50.8 46.99 0)) (global_label "B" (at 50.8 54.61 0))`
	for _, tt := range []struct {
		name   string
		target *Target
		text   string
		note   string // "" where it is right
	}{
		{"right", twoResistors, schematic("aa", both+wires), ""},
		{"right, with prose behind it", twoResistors, schematic("aa", both+wires) + "\nThis is it.", ""},
		{"the path in another case", twoResistors, schematic("AA", both+wires), ""},
		{"names", named, schematic("aa", both+wires+labels), ""},
		{"no names", named, schematic("aa", both+wires), NameWrong},
		{"another name", named, schematic("aa", both+wires+strings.Replace(labels, `"A"`, `"AA"`, 1)), NameWrong},
		// kicad-cli 9.0.8 exports no net that has its name of a pin whose part is
		// not in (instances …), and every net that has a name of its own.
		{"no references in this place", twoResistors, schematic("aa", loose+wires), Open},
		{"references in another place", twoResistors, schematic("ab", both+wires), Open},
		{"no uuid of the sheet", twoResistors, schematic("", both+wires), Open},
		{"no references in this place, but names", named, schematic("aa", loose+wires+labels), ""},
		{"one wire", twoResistors, schematic("aa", both+wires[:strings.Index(wires, " (wire")]), Open},
		{"both pins on one net", twoResistors, schematic("aa", both+wires+`(label "X" (at 50.8 46.99 0)) (label "X" (at 50.8 54.61 0))`), Shorted},
		{"crossed", twoResistors, schematic("aa", both+`(wire (pts (xy 50.8 54.61) (xy 76.2 46.99))) (wire (pts (xy 50.8 46.99) (xy 76.2 54.61)))`), ShortAndOpen},
		{"0.01 mm beside", twoResistors, schematic("aa", both+strings.Replace(wires, "76.2 54.61", "76.2 54.62", 1)), Open},
		{"a part too few", twoResistors, schematic("aa", both[:len(both)/2]+wires), PartMissing},
		{"a part too many", twoResistors, schematic("aa", both+wires+part("R3", "100", "50.8", instance("/aa", "R3"))), PartTooMany},
		{"a part twice", twoResistors, schematic("aa", both+wires+part("R2", "100", "50.8", instance("/aa", "R2"))), "a reference is there twice"},
		{"a value", twoResistors, schematic("aa", strings.Replace(both, `"1k"`, `"1M"`, 1)+wires), ValueWrong},
		{"a type", twoResistors, strings.Replace(schematic("aa", both+wires), "pin input", "pin output", 1), TypeWrong},
		{"a pin too many", twoResistors, strings.Replace(schematic("aa", both+wires), `(pin input`, `(pin passive line (at 5.08 0 180) (length 1.27) (name "~") (number "3")) (pin input`, 1), PinsWrong},
		{"not in lib_symbols", twoResistors, strings.Replace(schematic("aa", both+wires), `(lib_id "l:R")`, `(lib_id "l:X")`, 1), "a symbol is not in lib_symbols"},
		{"no reference", twoResistors, strings.Replace(schematic("aa", both+wires), `(reference "R2")`, `(reference "R?")`, 1), "a part has no reference"},
		{"a sheet without its file", twoResistors, schematic("aa", both+wires+`(sheet (at 100 100) (size 20 20) (uuid "x") (property "Sheetfile" "b.kicad_sch"))`), "the file of a sheet is missing"},
		{"a sheet in itself", twoResistors, ";; file a.kicad_sch\n" + schematic("aa", both+wires+`(sheet (at 100 100) (size 20 20) (uuid "x") (property "Sheetfile" "a.kicad_sch"))`), "a sheet is in itself"},
		{"a file twice", twoResistors, ";; file a\n" + schematic("aa", both+wires) + "\n;; file a\n" + schematic("aa", both), "a file is there twice"},
		{"prose", twoResistors, "I cannot draw.", "not S-expressions: parentheses or quotes do not match"},
		{"nothing", twoResistors, " \n", "the text is empty"},
		{"cut off", twoResistors, schematic("aa", both+wires)[:300], "not S-expressions: parentheses or quotes do not match"},
		{"the last parenthesis is missing", twoResistors, strings.TrimSuffix(schematic("aa", both+wires), ")"), "not S-expressions: parentheses or quotes do not match"},
		{"a board", twoResistors, "(kicad_pcb (version 20241229))", "does not load: (kicad_pcb …) is not a schematic"},
	} {
		r, err := tt.target.Judge(t.Context(), tt.text)
		if err != nil || r.Note != tt.note || r.Equal != (tt.note == "") {
			t.Errorf("%s: %q, equal %v, %v, want %q", tt.name, r.Note, r.Equal, err, tt.note)
		}
		if r.Equal != (r.Graded == 1) || r.Graded < 0 || r.Graded > 1 {
			t.Errorf("%s: equal %v, graded %g", tt.name, r.Equal, r.Graded)
		}
	}
}

// TestPlaces holds that parts of a sheet are counted in each of its places, with
// the reference of that place.
func TestPlaces(t *testing.T) {
	sub := schematic("cc", part("R1", "50.8", "50.8", strings.Replace(instance("/aa/s1", "R1"), `(path`, `(path "/aa/s2" (reference "R2") (unit 1)) (path`, 1))+
		`(hierarchical_label "P" (shape input) (at 50.8 46.99 0)) (global_label "G" (at 50.8 54.61 0))`)
	sheet := func(y, uuid string) string {
		return `(sheet (at 100 ` + y + `) (size 20 20) (uuid "` + uuid + `") (property "Sheetname" "` + uuid + `") (property "Sheetfile" "sub.kicad_sch") (pin "P" input (at 100 ` + y + ` 180)))`
	}
	text := ";; file main.kicad_sch\n" + schematic("aa", sheet("100", "s1")+sheet("150", "s2")+`(label "X" (at 100 100 0)) (label "X" (at 100 150 0))`) + "\n;; file sub.kicad_sch\n" + sub
	target := *twoResistors
	target.Sheets = []Sheet{{"sub.kicad_sch", 2}}
	if r, err := target.Judge(t.Context(), text); err != nil || r.Note != SheetsWrong {
		t.Errorf("parts that should be on the root: %+v, %v", r, err)
	}
	target.Components = slices.Clone(target.Components)
	for i := range target.Components {
		target.Components[i].Sheet = "sub.kicad_sch"
	}
	if r, err := target.Judge(t.Context(), text); err != nil || !r.Equal {
		t.Errorf("%+v, %v", r, err)
	}
	target.Sheets = []Sheet{{"sub.kicad_sch", 3}}
	if r, _ := target.Judge(t.Context(), text); r.Note != SheetsWrong {
		t.Errorf("%+v, want %q", r, SheetsWrong)
	}
}

// TestLoadIsBounded holds that texts which unfold to very much are refused soon.
func TestLoadIsBounded(t *testing.T) {
	var b strings.Builder
	for _, f := range [][2]string{{"a", "b"}, {"b", "c"}, {"c", "d"}, {"d", "e"}, {"e", ""}} {
		b.WriteString(";; file " + f[0] + "\n(kicad_sch (version 20250114) (lib_symbols)")
		for range 20 {
			if f[1] != "" {
				b.WriteString(`(sheet (property "Sheetfile" "` + f[1] + `"))`)
			}
		}
		b.WriteString(")\n")
	}
	for _, text := range []string{
		b.String(), strings.Repeat("(", 1<<20), strings.Repeat("(kicad_sch ", 1<<16), `(kicad_sch (version 1) "` + strings.Repeat("x", 1<<20),
		strings.Repeat(";; file a\n", 1<<16),
		`(kicad_sch (version 20250114) (uuid "a") (lib_symbols) (bus (pts (xy 0 0) (xy 1 1))) (label "A[0..999999999]" (at 0 0 0)))`,
	} {
		if _, err := Load(t.Context(), text); err == nil {
			if !strings.Contains(text, "999999999") {
				t.Errorf("%.40q…: loaded", text)
			}
		}
	}
}

func FuzzLoad(f *testing.F) {
	f.Add(";; file main.kicad_sch\n" + plain + "\n;; file sub.kicad_sch\n" + plainSub)
	f.Add(schematic("aa", part("R1", "50.8", "50.8", instance("/aa", "R1"))+wires))
	f.Fuzz(func(t *testing.T, text string) {
		s, err := Load(context.Background(), text)
		if err != nil {
			var bad *LoadError
			if !errors.As(err, &bad) || bad.Reason == "" {
				t.Errorf("error %v", err)
			}
			return
		}
		if c := twoResistors.Compare(s); c.Equal != (c.Graded == 1) || c.Graded < 0 || c.Graded > 1 {
			t.Errorf("%+v", c)
		}
	})
}
