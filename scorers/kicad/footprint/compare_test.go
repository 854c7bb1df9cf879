package footprint

import (
	"encoding/json"
	"math"
	"os"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

const wanted = `{"name": "X", "attributes": ["smd"], "tolerance": 0.01,
	"pads": [
		{"number": "1", "kind": "smd", "shape": "rect", "at": [-1, 0.5], "size": [0.8, 0.6], "layers": ["F.Cu", "F.Paste", "F.Mask"]},
		{"number": "2", "kind": "smd", "shape": "roundrect", "ratio": 0.25, "at": [1, 0.5], "size": [0.8, 0.6], "layers": ["F.Cu", "F.Paste", "F.Mask"]},
		{"number": "3", "kind": "thru_hole", "shape": "oval", "at": [0, 2], "size": [1, 2], "drill": [0.5, 1.5], "layers": ["*.Cu", "*.Mask"]},
		{"number": "", "kind": "np_thru_hole", "shape": "circle", "at": [0, -2], "size": [1, 1], "drill": [1], "layers": ["*.Cu", "*.Mask"]}],
	"courtyard": {"outlines": [{"rect": [-2, -3, 2, 4]}]},
	"drawings": [{"layer": "F.Fab", "box": [-1, -1, 1, 1]}, {"layer": "F.SilkS", "circle": [-3, 0, 0.2]}],
	"texts": [{"kind": "reference", "text": "REF**", "layer": "F.SilkS"}]}`

const given = `(footprint "X" (version 20240108) (generator "x") (layer "F.Cu") (attr smd)
	(property "Reference" "REF**" (at 0 0 0) (layer "F.SilkS"))
	(fp_rect (start -2 -3) (end 2 4) (layer "F.CrtYd"))
	(fp_line (start -1 -1) (end 1 1) (layer "F.Fab"))
	(fp_circle (center -3 0) (end -2.8 0) (layer "F.SilkS"))
	(pad "1" smd rect (at -1 0.5) (size 0.8 0.6) (layers "F.Cu" "F.Paste" "F.Mask"))
	(pad "2" smd roundrect (at 1 0.5) (size 0.8 0.6) (layers "F.Cu" "F.Paste" "F.Mask") (roundrect_rratio 0.25))
	(pad "3" thru_hole oval (at 0 2) (size 1 2) (drill oval 0.5 1.5) (layers "*.Cu" "*.Mask"))
	(pad "" np_thru_hole circle (at 0 -2) (size 1 1) (drill 1) (layers "*.Cu" "*.Mask")))`

func parsed(t testing.TB, target string) *Target {
	t.Helper()
	parsed, err := ParseTarget(json.RawMessage(target))
	if err != nil {
		t.Fatal(err)
	}
	return parsed
}

func TestJudge(t *testing.T) {
	target := parsed(t, wanted)
	if j := target.Judge(given); !j.Pass || j.Graded != 1 || j.Note != "" {
		t.Fatalf("the right footprint: %+v", j)
	}
	for _, tt := range []struct {
		name, old, new, note string // note "": still right
	}{
		{"a pad is missing", `(pad "3" thru_hole`, `(zone) #`, NotWhole},
		{"0.01 mm off", "(at -1 0.5)", "(at -1.01 0.49)", ""},
		{"0.02 mm off", "(at -1 0.5)", "(at -1.02 0.5)", WrongPlaces},
		{"numbers exchanged", `"1" smd rect (at -1`, `"2" smd rect (at -1`, WrongNumbers},
		{"0.01 mm longer", "(size 0.8 0.6)", "(size 0.81 0.59)", ""},
		{"0.02 mm longer", "(size 0.8 0.6)", "(size 0.82 0.6)", WrongSizes},
		{"another radius", "rratio 0.25", "rratio 0.1", WrongSizes},
		{"a radius 5 µm off", "rratio 0.25", "rratio 0.258", ""},
		{"no slot", "(drill oval 0.5 1.5)", "(drill 0.5)", WrongHoles},
		{"the slot across", "(drill oval 0.5 1.5)", "(drill oval 1.5 0.5)", WrongHoles},
		{"pad and slot turned", `(at 0 2) (size 1 2) (drill oval 0.5 1.5)`, `(at 0 2 270) (size 2 1) (drill oval 1.5 0.5)`, ""},
		{"the slot off the pad's middle", "(drill oval 0.5 1.5)", "(drill oval 0.5 1.5 (offset 0 0.1))", WrongPlaces},
		{"another kind", `"1" smd`, `"1" connect`, WrongKinds},
		{"plated", `"" np_thru_hole`, `"" thru_hole`, WrongKinds},
		{"only the outer layers of a hole that is not plated", `(drill 1) (layers "*.Cu" "*.Mask")`, `(drill 1) (layers "F&B.Cu" "*.Mask")`, ""},
		{"only the outer layers of a plated hole", `(drill oval 0.5 1.5) (layers "*.Cu" "*.Mask")`, `(drill oval 0.5 1.5) (layers "F&B.Cu" "*.Mask")`, WrongLayers},
		{"no paste", `(size 0.8 0.6) (layers "F.Cu" "F.Paste" "F.Mask")`, `(size 0.8 0.6) (layers "F.Cu" "F.Mask")`, WrongLayers},
		{"a layer that KiCad does not know", `"F.Paste" "F.Mask"))`, `"F.Paste" "F.Mask" "F.Solder"))`, WrongLayers},
		{"another courtyard", "(end 2 4)", "(end 2 4.05)", WrongCourtyard},
		{"a courtyard of lines", `(fp_rect (start -2 -3) (end 2 4) (layer "F.CrtYd"))`,
			`(fp_poly (pts (xy 2 4) (xy 2 0) (xy 2 -3) (xy -2 -3) (xy -2 4)) (layer "F.CrtYd") (fill none))`, ""},
		{"a second courtyard", `(fp_line`, `(fp_circle (center 9 9) (end 8 9) (layer "F.CrtYd")) (fp_line`, WrongCourtyard},
		{"the courtyard twice", `(fp_line`, `(fp_rect (start 2 4) (end -2 -3) (layer "F.CrtYd")) (fp_line`, ""},
		{"an open courtyard", `(fp_rect (start -2 -3) (end 2 4) (layer "F.CrtYd"))`, `(fp_line (start -2 -3) (end 2 4) (layer "F.CrtYd"))`, WrongOpen},
		{"no courtyard", `"F.CrtYd"`, `"Dwgs.User"`, WrongNoCourtyard},
		{"a larger body", "(end 1 1)", "(end 1 1.1)", WrongDrawings},
		{"a larger mark", "(end -2.8 0)", "(end -2.7 0)", WrongDrawings},
		{"a mark on another layer", `(end -2.8 0) (layer "F.SilkS")`, `(end -2.8 0) (layer "F.Fab")`, WrongDrawings},
		{"at the bottom", `(layer "F.Cu") (attr`, `(layer "B.Cu") (attr`, WrongSide},
		{"another attribute", "(attr smd)", "(attr through_hole)", WrongAttributes},
		{"two ways of mounting", "(attr smd)", "(attr smd through_hole)", WrongAttributes},
		{"one more attribute", "(attr smd)", "(attr smd exclude_from_bom)", ""},
		{"no reference", `"REF**"`, `"U1"`, WrongTexts},
		{"another name", `"X"`, `"Y"`, WrongName},
		{"in a library", `"X"`, `"Lib:X"`, ""},
	} {
		text := strings.Replace(given, tt.old, tt.new, 1)
		if text == given {
			t.Fatalf("%s: %s is not there", tt.name, tt.old)
		}
		j := target.Judge(text)
		if j.Note != tt.note || j.Pass != (tt.note == "") || j.Pass != (j.Graded == 1) {
			t.Errorf("%s: %+v, want %q", tt.name, j, tt.note)
		}
	}
	without := strings.Replace(given, `(pad "3" thru_hole oval (at 0 2) (size 1 2) (drill oval 0.5 1.5) (layers "*.Cu" "*.Mask"))`, "", 1)
	if j := target.Judge(without); j.Note != WrongPadsMissing || j.Graded < 0.8 || j.Graded > 0.9 {
		t.Errorf("three of four pads: %+v", j)
	}
	more := strings.Replace(given, `(pad "2"`, `(pad "2" smd rect (at 5 5) (size 1 1) (layers "F.Cu")) (pad "2"`, 1)
	if j := target.Judge(more); j.Note != WrongPadsMore || j.Graded < 0.85 || j.Graded > 0.95 {
		t.Errorf("five of four pads: %+v", j)
	}
}

// TestAnyShape asks for the sides of a pad only.
func TestAnyShape(t *testing.T) {
	target := parsed(t, `{"tolerance": 0.01, "pads": [{"number": "1", "kind": "smd", "shape": "any", "at": [0, 0], "size": [2, 1], "layers": ["F.Cu"]}]}`)
	for shape, want := range map[string]bool{"rect (at 0 0) (size 2 1)": true, "oval (at 0 0 90) (size 1 2)": true, "oval (at 0 0) (size 1 2)": false} {
		if j := target.Judge("(footprint X (pad 1 smd " + shape + " (layers F.Cu)))"); j.Pass != want {
			t.Errorf("%s: %+v, want %t", shape, j, want)
		}
	}
}

// TestMoved holds that what was done to all pads is named.
func TestMoved(t *testing.T) {
	row := func(change func(x, y float64) (float64, float64)) *Footprint {
		f := &Footprint{}
		for i, at := range [][2]float64{{-2, -1}, {-2, 1}, {2, 1}, {2, 0}} {
			x, y := change(at[0], at[1])
			f.Pads = append(f.Pads, Pad{Number: string(rune('1' + i)), Kind: "smd", Shape: "circle", At: Point{length(x), length(y)}, Size: Size{1e5, 1e5}, Layers: FrontCopper})
		}
		return f
	}
	target, err := TargetOf(row(func(x, y float64) (float64, float64) { return x, y }), 0.01)
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		change func(x, y float64) (float64, float64)
		want   string
	}{
		{func(x, y float64) (float64, float64) { return -x, y }, WrongMirrored},
		{func(x, y float64) (float64, float64) { return x, -y }, WrongMirrored},
		{func(x, y float64) (float64, float64) { return y, -x }, WrongTurned},
		{func(x, y float64) (float64, float64) { return -x, -y }, WrongTurned},
		{func(x, y float64) (float64, float64) { return x + 2, y + 1 }, WrongOrigin},
		{func(x, y float64) (float64, float64) { return x / 0.0254, y / 0.0254 }, WrongScale},
		{func(x, y float64) (float64, float64) { return x * x, y }, WrongPlaces},
	} {
		if r := target.Compare(row(tt.change)); len(r.Wrong) == 0 || r.Wrong[0] != tt.want {
			t.Errorf("%v, want %s", r.Wrong, tt.want)
		}
	}
}

// TestAround looks at courtyards of free form.
func TestAround(t *testing.T) {
	target := parsed(t, `{"tolerance": 0.01, "pads": [
		{"number": "1", "kind": "smd", "shape": "circle", "at": [-1, 0], "size": [1, 1], "layers": ["F.Cu"]},
		{"number": "2", "kind": "smd", "shape": "rect", "at": [1, 0], "size": [1, 1], "layers": ["F.Cu"]}],
		"courtyard": {"clearance": 0.25, "reach": 0.5, "body": [-0.5, -1, 0.5, 1]}}`)
	for _, tt := range []struct {
		name, courtyard, note string
	}{
		{"the closest rectangle", `(fp_rect (start -1.75 -1.25) (end 1.75 1.25) (layer "F.CrtYd"))`, ""},
		{"the largest", `(fp_rect (start -2 -1.5) (end 2 1.5) (layer "F.CrtYd"))`, ""},
		{"too close to a pad", `(fp_rect (start -1.7 -1.25) (end 1.75 1.25) (layer "F.CrtYd"))`, WrongCourtyard},
		{"too close to the body", `(fp_rect (start -1.75 -1.2) (end 1.75 1.25) (layer "F.CrtYd"))`, WrongCourtyard},
		{"too large", `(fp_rect (start -2.05 -1.5) (end 2 1.5) (layer "F.CrtYd"))`, WrongCourtyard},
		{"a cross", `(fp_poly (pts (xy -1.75 -0.75) (xy -0.75 -0.75) (xy -0.75 -1.25) (xy 0.75 -1.25) (xy 0.75 -0.75) (xy 1.75 -0.75)
			(xy 1.75 0.75) (xy 0.75 0.75) (xy 0.75 1.25) (xy -0.75 1.25) (xy -0.75 0.75) (xy -1.75 0.75)) (layer "F.CrtYd"))`, ""},
		{"around the round pad only, cut at the corner", `(fp_poly (pts (xy -1.75 -0.3) (xy -1.3 -0.75) (xy -0.75 -1.25) (xy 0.75 -1.25) (xy 1.75 -0.75)
			(xy 1.75 0.75) (xy 0.75 1.25) (xy -0.75 1.25) (xy -1.75 0.75)) (layer "F.CrtYd"))`, ""},
		{"a pad outside", `(fp_rect (start -1.75 -1.25) (end 0.4 1.25) (layer "F.CrtYd"))`, WrongCourtyard},
		{"beside everything", `(fp_rect (start 1.8 -1.25) (end 1.9 1.25) (layer "F.CrtYd"))`, WrongCourtyard},
		{"two", `(fp_rect (start -1.75 -1.25) (end 1.75 1.25) (layer "F.CrtYd")) (fp_rect (start -1.8 -1.3) (end 1.75 1.25) (layer "F.CrtYd"))`, WrongCourtyard},
		{"none", "", WrongNoCourtyard},
	} {
		j := target.Judge(`(footprint X (version 20240108) (layer F.Cu) ` + tt.courtyard +
			`(pad 1 smd circle (at -1 0) (size 1 1) (layers F.Cu)) (pad 2 smd rect (at 1 0) (size 1 1) (layers F.Cu)))`)
		if j.Note != tt.note {
			t.Errorf("%s: %+v, want %q", tt.name, j, tt.note)
		}
	}
}

func TestParseTargetRefuses(t *testing.T) {
	pad := func(s string) string {
		return `{"tolerance": 0.01, "pads": [{"number": "1", "kind": "smd", "shape": "rect", "at": [0, 0], "size": [1, 1], "layers": ["F.Cu"]` + s + `}]}`
	}
	if _, err := ParseTarget(json.RawMessage(pad(""))); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ target, reason string }{
		{"", "EOF"},
		{"{}", "tolerance 0 mm"},
		{`{"tolerance": 0.01, "pads": [], "pitch": 1}`, `unknown field "pitch"`},
		{`{"tolerance": 0.01, "pads": []} 1`, "text behind the object"},
		{pad(`, "kind": "pth"`), `unknown kind "pth"`},
		{pad(`, "shape": "square"`), `unknown shape "square"`},
		{pad(`, "size": [0, 1]`), "want above 0"},
		{pad(`, "drill": [1, 2, 3]`), "drill: 3 numbers"},
		{pad(`, "ratio": 0.6`), "ratio 0.6"},
		{pad(`, "offset": [1]`), "offset: 1 numbers"},
		{pad(`, "cut": ["left"]`), `unknown corner "left"`},
		{pad(`, "layers": ["F.Paste"]`), "no number"},
		{pad(`, "primitives": [{"kind": "line", "points": [[0, 0]]}]`), `primitive "line" of 1 points`},
		{`{"tolerance": 0.01, "pads": [], "courtyard": {}}`, "courtyard"},
		{`{"tolerance": 0.01, "pads": [], "courtyard": {"outlines": [{"rect": [1]}]}}`, "an outline is"},
		{`{"tolerance": 0.01, "pads": [], "drawings": [{"layer": "F.Fab"}]}`, "drawing"},
		{`{"tolerance": 0.01, "pads": [], "texts": [{"kind": "user"}]}`, `text "user"`},
	} {
		if _, err := ParseTarget(json.RawMessage(tt.target)); err == nil || !strings.Contains(err.Error(), tt.reason) {
			t.Errorf("%s: %v, want %q", tt.target, err, tt.reason)
		}
	}
}

// TestTargetOf holds that a target survives being written.
func TestTargetOf(t *testing.T) {
	files := library(t)
	for i := 0; i < len(files); i += 100 {
		text, err := os.ReadFile(files[i])
		if err != nil {
			t.Fatal(err)
		}
		f, err := Read(string(text))
		if err != nil {
			t.Fatal(err)
		}
		target, err := TargetOf(f, 0.001)
		if err != nil {
			t.Fatalf("%s: %v", files[i], err)
		}
		if r := target.Compare(f); len(r.Wrong) > 0 || r.Graded != 1 {
			t.Errorf("%s is not what was made of it: %+v", files[i], r)
		}
	}
}

// TestHostileJudge holds that no text of the size that is read takes long.
func TestHostileJudge(t *testing.T) {
	target := parsed(t, wanted)
	around := parsed(t, strings.Replace(wanted, `"outlines": [{"rect": [-2, -3, 2, 4]}]`, `"clearance": 0.1, "reach": 1`, 1))
	many := func(item string) string {
		return "(footprint X (version 20240108) (layer F.Cu)" + strings.Repeat(item, min((1<<20-100)/len(item), 1<<18/(strings.Count(item, " ")+1))) + ")"
	}
	for _, item := range []string{
		`(pad 1 smd rect (at -1 0.5) (size 0.8 0.6))`,
		`(pad 1 smd custom (at -1 0.5) (size 0.8 0.6) (primitives (gr_circle (center 0 0) (end 1 0))))`,
		`(fp_rect (start -2 -3) (end 2 4) (layer F.CrtYd))`,
		`(fp_circle (center 0 0) (end 2000 0) (layer F.CrtYd))`,
		`(fp_line (start 0 0) (end 1 0) (layer F.CrtYd))`,
		`(fp_arc (start 0 0) (mid 1 1) (end 2 0) (layer F.Fab))`,
		`(fp_curve (pts (xy 0 0) (xy 1 0) (xy 1 1) (xy 0 1)) (layer F.Fab))`,
		`(property "A" "B" (at 0 0))`,
		`(attr smd)`,
	} {
		for _, target := range []*Target{target, around} {
			start := time.Now()
			if j := target.Judge(many(item)); j.Pass || math.IsNaN(j.Graded) || j.Graded > 0.3 {
				t.Errorf("%s: %+v", item, j)
			}
			if took := time.Since(start); took > 5*time.Second {
				t.Errorf("%s: %v", item, took)
			}
		}
	}
	polygon := "(footprint X (layer F.Cu) (fp_poly (pts" + strings.Repeat(" (xy 0 0) (xy 1 1)", 20_000) + ") (layer F.CrtYd)) (pad 1 smd rect (at -1 0.5) (size 0.8 0.6) (layers F.Cu)))"
	if j := around.Judge(polygon); j.Pass {
		t.Errorf("a polygon of 40,000 corners: %+v", j)
	}
}

func FuzzJudge(f *testing.F) {
	f.Add(given)
	f.Add(current)
	f.Add(legacy)
	targets := []*Target{parsed(f, wanted), parsed(f, strings.Replace(wanted, `"outlines": [{"rect": [-2, -3, 2, 4]}]`, `"clearance": 0.1, "reach": 1`, 1))}
	f.Fuzz(func(t *testing.T, text string) {
		for _, target := range targets {
			j := target.Judge(text)
			if again := target.Judge(text); again != j {
				t.Fatalf("%+v, then %+v", j, again)
			}
			if !(j.Graded >= 0 && j.Graded <= 1) || j.Pass != (j.Note == "") || j.Pass && j.Graded != 1 {
				t.Fatalf("%+v", j)
			}
		}
		read, err := Read(text)
		if err != nil {
			return
		}
		said := read.Name
		for _, p := range read.Pads {
			said += p.Number
		}
		for _, x := range read.Texts {
			said += x.Text + x.Layer
		}
		if !utf8.ValidString(said) { // a target is JSON
			return
		}
		own, err := TargetOf(read, 0.01)
		if err != nil {
			return // what no target can say: a pad as large as a board
		}
		own.Courtyard, own.BackCourtyard, own.Drawings = nil, nil, nil
		stack := false
		for _, p := range read.Pads {
			stack = stack || p.Stack
		}
		if r := own.Compare(read); len(r.Wrong) > 0 && !stack {
			t.Fatalf("not what was made of it: %+v", r)
		}
	})
}
