package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const kicadSheet = `(kicad_sch (version 20250114) (generator "eeschema") (generator_version "9.0") (uuid "root")
 (lib_symbols (symbol "Device:R" (symbol "R_1_1"
  (pin passive line (at 0 3.81 270) (length 1.27) (name "~") (number "1"))
  (pin passive line (at 0 -3.81 90) (length 1.27) (name "~") (number "2"))))
  (symbol "power:GND" (power) (symbol "GND_1_1" (pin power_in line (at 0 0 270) (length 0) (name "GND") (number "1")))))
 (symbol (lib_id "Device:R") (at 50.8 50.8 0) (property "Reference" "R1") (property "Value" "10k"))
 (symbol (lib_id "Device:R") (at 50.8 58.42 0) (property "Reference" "R2") (property "Value" "4,7 kΩ"))
 (symbol (lib_id "Device:LED") (at 90 58.42 0) (property "Reference" "D1") (property "Value" "red"))
 (symbol (lib_id "power:GND") (at 50.8 62.23 0) (property "Reference" "#PWR01") (property "Value" "GND"))
 (label "OUT" (at 50.8 54.61 0))
 SHEETS)
`

// TestKiCadNets holds lorabench/nets/1, which scripts read.
func TestKiCadNets(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) {
		t.Helper()
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	sheet := func(file string) string {
		return strings.Replace(kicadSheet, "SHEETS", `(sheet (at 0 0) (size 20 20) (uuid "a") (property "Sheetname" "s") (property "Sheetfile" "`+file+`"))`, 1)
	}
	write("project/one.kicad_sch", strings.Replace(kicadSheet, "SHEETS", "", 1))
	write("project/two.kicad_sch", sheet("sub/leaf.kicad_sch"))
	write("project/sub/leaf.kicad_sch", strings.NewReplacer("SHEETS", "", `"R1"`, `"R3"`, `"R2"`, `"R4"`).Replace(kicadSheet))
	write("project/up.kicad_sch", sheet("../secret.kicad_sch"))
	write("project/link.kicad_sch", sheet("linked.kicad_sch"))
	write("project/broken.kicad_sch", "(kicad_sch (version 20250114)\n (wire (pts (xy 1 2)")
	write("project/x.kicad_pcb", `(kicad_pcb (version 20241229) (footprint "L:F" (property "Reference" "R1") (property "Value" "1k") (pad "1" smd rect (net 1 "A")) (pad "2" smd rect)))`)
	write("project/x.kicad_mod", `(footprint "F" (version 20241229) (layer "F.Cu") (pad "1" smd rect (at 0 0) (size 1 1) (layers "F.Cu")))`)
	write("project/x.lib", "EESchema-LIBRARY Version 2.4\nDEF R R 0 0 N Y 1 F N\nF0 \"R\" 80 0 50 V V C CNN\nF1 \"R\" 0 0 50 V V C CNN\nDRAW\nX ~ 1 0 150 50 D 50 50 1 1 P\nENDDRAW\nENDDEF\n")
	write("project/x.txt", "R1 and R2 are connected.")
	write("secret.kicad_sch", strings.Replace(kicadSheet, "SHEETS", "", 1))
	if err := os.Symlink("../secret.kicad_sch", filepath.Join(dir, "project", "linked.kicad_sch")); err != nil {
		t.Fatal(err)
	}

	stdout, stderr, code := command(t, "kicad", "nets", filepath.Join(dir, "project/one.kicad_sch"))
	if code != 0 || !strings.Contains(stderr, "symbol D1 is left out") {
		t.Errorf("exit code %d: %s", code, stderr)
	}
	golden(t, "nets.txt", []byte(stdout))
	golden(t, "nets.json", jsonOf(t, "kicad", "nets", filepath.Join(dir, "project/one.kicad_sch"), "--json"))

	for _, tt := range []struct {
		args string
		code int
		says string // on standard output, or as an error
	}{
		{"nets two.kicad_sch", 0, "R3"},
		{"nets x.kicad_pcb", 0, "R1.1"},
		{"nets up.kicad_sch", 1, `its file "../secret.kicad_sch" is not in the schematic's folder`},
		{"nets link.kicad_sch", 1, "path escapes"},
		{"nets broken.kicad_sch", 1, `broken.kicad_sch: line 2: "(" without ")"`},
		{"nets none.kicad_sch", 1, "none.kicad_sch: no such file"},
		{"nets .", 1, "want a file"},
		{"nets", 2, "0 arguments, want 1"},
		{"questions one.kicad_sch", 0, `"target":{"components":[{"ref":"R1","value":"10k"},{"ref":"R2","value":"4,7 kΩ"}],"nets":[`},
		{"questions two.kicad_sch", 0, `;; file sub/leaf.kicad_sch`},
		{"questions two.kicad_sch --max-bytes 10", 0, "bytes, at most 10"},
		{"questions up.kicad_sch", 0, "is left out"},
		{"questions x.kicad_pcb", 0, `begins with "kicad_pcb", want a schematic`},
		{"questions none.kicad_sch", 1, "none.kicad_sch: no such file"},
		{"questions", 2, "want a schematic or more"},
		{"check two.kicad_sch", 0, "netlist  4 components, 5 nets, 8 pins"},
		{"check two.kicad_sch", 0, "format   20250114, by eeschema 9.0"},
		{"check x.kicad_pcb", 0, "1 footprint"},
		{"check x.kicad_mod", 0, "F: 1 pads"},
		{"check x.lib", 0, "1 with 1 pins"},
		{"check broken.kicad_sch", 1, `line 2: "(" without ")"`},
		{"check x.txt", 1, `line 1: begins with "R1 and R2 are connected."`},
	} {
		args := strings.Fields(tt.args)
		if len(args) > 1 {
			args[1] = filepath.Join(dir, "project", args[1])
		}
		stdout, stderr, code := command(t, append([]string{"kicad"}, args...)...)
		if text := stdout + stderr; code != tt.code || !strings.Contains(text, tt.says) {
			t.Errorf("kicad %s: exit code %d, want %d, and %q in:\n%s", tt.args, code, tt.code, tt.says, text)
		}
	}
}
