package circuit

import (
	"fmt"
	"math"
	"strings"
	"testing"
)

// reading is what answers in TestReadAnswer are of: three nets of two pins.
var reading = &Target{
	Components: []Component{{Ref: "R1", Value: "10k"}, {Ref: "C1", Value: "100n"}, {Ref: "J1", Value: "IN"}},
	Nets:       []Net{{"", []string{"R1.1", "J1.1"}}, {"", []string{"R1.2", "C1.1"}}, {"", []string{"C1.2", "J1.2"}}},
}

const readRight = `{"components": [{"ref": "R1", "value": "10k"}, {"ref": "C1", "value": "0.1uF"}, {"ref": "J1", "value": "IN"}],
 "nets": [{"name": "A", "pins": ["R1.1", "J1.1"]}, {"pins": ["C1.1", "R1.2"], "x": 1}, {"name": "GND", "pins": ["C1.2", "J1.2"]}]}`

func TestReadAnswer(t *testing.T) {
	replaced := func(old, new string) string {
		if !strings.Contains(readRight, old) {
			t.Fatalf("%q is not in the answer", old)
		}
		return strings.Replace(readRight, old, new, 1)
	}
	one := 2.0 * 3 / (3 + 15) // F1 of one net of all pins
	for _, tt := range []struct {
		name, text     string
		reason         string
		f1, components float64
	}{
		{"right", readRight, "", 1, 1},
		{"prose around it", "Here it is: " + readRight + " That is {all}.", "", 1, 1},
		{"keys in capitals", strings.NewReplacer(`"ref"`, `"Ref"`, `"nets"`, `"Nets"`).Replace(readRight), "", 1, 1},
		{"a value that is a number", replaced(`"10k"`, `10000`), "", 1, 1},
		{"a part twice", replaced(`{"ref": "J1"`, `{"ref": "R1", "value": "10000"}, {"ref": "J1"`), "", 1, 1},
		{"a part with two values", replaced(`{"ref": "J1"`, `{"ref": "R1", "value": "10M"}, {"ref": "J1"`), "", 1, 2.0 / 3},
		{"a net in two pieces that have a pin in common", replaced(`["R1.1", "J1.1"]}`, `["R1.1", "J1.1"]}, {"pins": ["J1.1", "R1.1", "R1.1"]}`), "", 1, 1},
		{"nets of one pin", replaced(`{"pins": ["C1.1"`, `{"pins": ["J1.3"]}, {"pins": []}, {"pins": ["C1.1"`), "", 1, 1},
		{"power symbols", replaced(`"J1.1"]`, `"J1.1", "#PWR01.1"]`), "", 1, 1},
		{"power symbols as parts", replaced(`{"ref": "J1"`, `{"ref": "#PWR01", "value": "GND"}, {"ref": "J1"`), "", 1, 1},
		{"power symbols that join nets", strings.NewReplacer(`"J1.1"]`, `"J1.1", "#P.1"]`, `"R1.2"]`, `"R1.2", "#P.1"]`).Replace(readRight), "", 1, 1},
		{"spaces", replaced(`"R1.1"`, `" R1.1 "`), "", 1, 1},

		{"no parts", replaced(`"components"`, `"parts"`), "", 1, 0},
		{"a pin in two nets joins them", replaced(`"C1.2", "J1.2"`, `"C1.2", "J1.2", "R1.1"`), "", 2 * 3.0 / (7 + 3), 1},
		{"all in one net", `{"nets": [{"pins": ["R1.1", "J1.1", "R1.2", "C1.1", "C1.2", "J1.2"]}]}`, "", one, 0},
		{"every pair is a net", `{"nets": [{"pins": ["R1.1", "J1.1"]}, {"pins": ["R1.1", "R1.2"]}, {"pins": ["R1.1", "C1.1"]}, {"pins": ["R1.1", "C1.2"]}, {"pins": ["R1.1", "J1.2"]}]}`, "", one, 0},
		{"a net left out", replaced(`{"name": "A", "pins": ["R1.1", "J1.1"]}, `, ``), "", 0.8, 1},
		{"names of pins", strings.NewReplacer("R1.1", "R1.A", "R1.2", "R1.B").Replace(readRight), "", 1.0 / 3, 1},
		{"pins without a part", replaced(`"R1.1", "J1.1"`, `"1", "VIN", ".", "R1."`), "", 2 * 2.0 / (6 + 2 + 3), 1},
		{"nothing in it", `{"components": [], "nets": []}`, "", 0, 0},

		{"no object", "R1 and C1 are joined.", NoJSON, 0, 0},
		{"cut off", readRight[:len(readRight)-4], BadJSON, 0, 0},
		{"a comment", replaced(`"nets"`, `// nets
"nets"`), BadJSON, 0, 0},
		{"other keys", `{"parts": [], "wires": []}`, NotANetlist, 0, 0},
		{"pins that are objects", replaced(`"R1.1"`, `{"ref": "R1", "pin": "1"}`), NotANetlist, 0, 0},
		{"nets by name", `{"components": [], "nets": {"A": ["R1.1", "J1.1"]}}`, NotANetlist, 0, 0},
		{"too long", strings.Repeat(" ", 2<<20), TooLong, 0, 0},
	} {
		r, reason := ReadAnswer(tt.text)
		if reason != tt.reason {
			t.Errorf("%s: reason %q, want %q", tt.name, reason, tt.reason)
			continue
		}
		if reason != "" {
			continue
		}
		pairs, components := reading.Read(r)
		if math.Abs(pairs.F1-tt.f1) > 1e-12 || math.Abs(components-tt.components) > 1e-12 {
			t.Errorf("%s: F1 %g, components %g, want %g and %g", tt.name, pairs.F1, components, tt.f1, tt.components)
		}
		graded := reading.Graded(pairs, components)
		if want := max(0, (tt.f1-one)/(1-one)) * (1 + components) / 2; math.Abs(graded-want) > 1e-12 {
			t.Errorf("%s: score %g, want %g", tt.name, graded, want)
		}
		if right := pairs.F1 == 1 && components == 1; right != (ReadingNote(pairs, components) == "") || right != (graded == 1) {
			t.Errorf("%s: note %q, score %g", tt.name, ReadingNote(pairs, components), graded)
		}
	}
}

func TestParseTarget(t *testing.T) {
	for text, ok := range map[string]bool{
		`{"components": [{"ref": "R1", "value": "1k"}], "nets": [{"pins": ["R1.1", "R1.2"]}]}`:                 true,
		`{"components": [{"ref": "R1", "value": "1k", "pins": {"1": "input"}}], "nets": [{"pins": ["R1.1"]}]}`: true,
		`{"components": [{"ref": "R1", "value": "1k", "pins": {"1": "input"}}], "nets": [{"pins": ["R1.2"]}]}`: false,
		`{"components": [], "nets": []}`: false,
		`{"components": [{"ref": "R1", "value": "1k"}, {"ref": "R1", "value": "1k"}], "nets": []}`:         false,
		`{"components": [{"ref": "R1", "value": "1k"}], "nets": [{"pins": ["R2.1"]}]}`:                     false,
		`{"components": [{"ref": "R1", "value": "1k"}], "nets": [{"pins": ["R1"]}]}`:                       false,
		`{"components": [{"ref": "R1", "value": "1k"}], "nets": [{"pins": ["R1.1"]}, {"pins": ["R1.1"]}]}`: false,
		`{"components": [{"ref": "R1", "value": "1k"}], "nets": [{"pins": []}]}`:                           false,
		`{"components": [{"ref": "R1", "value": "1k"}], "nets": [], "more": 1}`:                            false,
		`"x"`: false,
	} {
		if _, err := ParseTarget([]byte(text)); (err == nil) != ok {
			t.Errorf("%s: %v", text, err)
		}
	}
}

func TestSplit(t *testing.T) {
	for _, tt := range []struct{ text, want string }{
		{"(kicad_sch)", `[{schematic.kicad_sch (kicad_sch)}]`},
		{";; file a.kicad_sch\n(a)\n", "[{a.kicad_sch (a)\n}]"},
		{"\n;; file a.kicad_sch\n(a)\n;; file b\n(b)\n", "[{a.kicad_sch (a)\n} {b (b)\n}]"},
		{"(root)\n;; file sub\n(b)", "[{schematic.kicad_sch (root)\n} {sub (b)}]"},
		{";; file \"a b.kicad_sch\"  \r\n(a)", "[{a b.kicad_sch (a)}]"},
		{";; file ./x/../a\n;; file b\n", "[{a } {b }]"},
		{"", "[]"}, {" \n", "[]"},
	} {
		if got := fmt.Sprint(Split(tt.text)); got != tt.want {
			t.Errorf("Split(%q) is %s, want %s", tt.text, got, tt.want)
		}
	}
}

func FuzzReadAnswer(f *testing.F) {
	f.Add(readRight)
	f.Add(`{"nets": [{"pins": ["#.1", ".", "R1.", " .1", "\u0000.1"]}], "components": [{"value": null}, null]}`)
	f.Fuzz(func(t *testing.T, text string) {
		r, reason := ReadAnswer(text)
		if (r == nil) != (reason != "") {
			t.Fatalf("%v, %q", r, reason)
		}
		if r == nil {
			return
		}
		pairs, components := reading.Read(r)
		if g := reading.Graded(pairs, components); !(g >= 0 && g <= 1) || !(components >= 0 && components <= 1) {
			t.Errorf("graded %g, components %g", g, components)
		}
	})
}
