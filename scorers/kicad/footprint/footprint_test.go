package footprint

import (
	"bufio"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/ailiance/lorabench/scorers/sexpr"
)

const (
	current = `(footprint "Lib:Name" (version 20240108) (generator "pcbnew") (layer "F.Cu")
  (descr "a part") (attr smd exclude_from_bom)
  (property "Reference" "REF**" (at 0 -2 0) (layer "F.SilkS") (uuid "1") (effects (font (size 1 1) (thickness 0.15))))
  (property "Value" "Name" (at 0 2 0) (layer "F.Fab") (effects (font (size 1 1) (thickness 0.15)) (hide yes)))
  (fp_rect (start -2 -1) (end 2 1) (stroke (width 0.05) (type solid)) (fill no) (layer "F.CrtYd"))
  (pad "1" smd roundrect (at -1.5 0 90) (size 1.2 0.6) (layers "F.Cu" "F.Paste" "F.Mask") (roundrect_rratio 0.25))
  (pad "2" thru_hole oval (at 1.5 0.000001) (size 1 2) (drill oval 0.5 1.5 (offset 0.1 0)) (layers "*.Cu" "*.Mask") (remove_unused_layers no))
  (pad "7" np_thru_hole circle (at 0 0) (size 1 1) (drill 1) (layers "F&B.Cu" "*.Mask")))`
	legacy = `(module Name (layer F.Cu) (tedit 5A02FE31)
  (descr "a part") (attr virtual)
  (fp_text reference REF** (at 0 -2) (layer F.SilkS) (effects (font (size 1 1) (thickness 0.15))))
  (fp_text value Name (at 0 2) (layer F.Fab) hide (effects (font (size 1 1) (thickness 0.15))))
  (fp_arc (start 0 0) (end 1 0) (angle 90) (layer F.CrtYd) (width 0.05))
  (pad 1 connect trapezoid (at 1 -1 180) (size 2 1) (rect_delta 0.4 0) (layers F.Cu F.Mask)))`
)

func TestRead(t *testing.T) {
	f, err := Read(current)
	if err != nil {
		t.Fatal(err)
	}
	if f.Name != "Name" || f.Legacy || f.Version != 20240108 || f.Back || !slices.Equal(f.Attributes, []string{"exclude_from_bom", "smd"}) {
		t.Errorf("%+v", f)
	}
	if len(f.Texts) != 2 || f.Texts[0] != (Text{"reference", "REF**", "F.SilkS", Point{0, -2e6}, false}) || !f.Texts[1].Hidden {
		t.Errorf("texts %+v", f.Texts)
	}
	one, two, three := f.Pads[0], f.Pads[1], f.Pads[2]
	if one.Number != "1" || one.Kind != "smd" || one.At != (Point{-1_500_000, 0}) || one.Angle != 90 || one.Size != (Size{1_200_000, 600_000}) ||
		one.Layers != FrontCopper|FrontPaste|FrontMask || one.Ratio != 0.25 || one.Drill != (Size{}) {
		t.Errorf("pad 1: %+v", one)
	}
	if two.At.Y != 1 || two.Drill != (Size{500_000, 1_500_000}) || two.Offset != (Point{100_000, 0}) || two.Layers != Copper|FrontMask|BackMask {
		t.Errorf("pad 2: %+v", two)
	}
	if three.Number != "" || three.Layers.String() != "*.Mask F.Cu B.Cu" {
		t.Errorf("a hole without plating has number %q and layers %s", three.Number, three.Layers)
	}
	c := f.Courtyard(false)
	if !c.Drawn || c.Open || len(c.Outlines) != 1 || c.Box != (Box{Point{-2e6, -1e6}, Point{2e6, 1e6}}) {
		t.Errorf("courtyard %+v", c)
	}
	if f.Courtyard(true).Drawn {
		t.Error("there is no courtyard at the back")
	}
}

func TestReadLegacy(t *testing.T) {
	f, err := Read(legacy)
	if err != nil {
		t.Fatal(err)
	}
	if f.Name != "Name" || !f.Legacy || !slices.Equal(f.Attributes, []string{"exclude_from_bom", "exclude_from_pos_files"}) {
		t.Errorf("%+v", f)
	}
	if g := f.Graphics[0]; !slices.Equal(g.Points, []Point{{1e6, 0}, {707107, 707107}, {0, 1e6}}) {
		t.Errorf("an arc of 90 degrees goes clockwise from its end word: %v", g.Points)
	}
	if c := f.Courtyard(false); !c.Open || len(c.Outlines) != 0 {
		t.Errorf("an arc alone is no courtyard: %+v", c)
	}
	want := []Point{{0, -1_300_000}, {2e6, -1_700_000}, {2e6, -300_000}, {0, -700_000}}
	if c := f.Pads[0].Outline(); !slices.Equal(c.Corners, want) || c.Square {
		t.Errorf("corners %v, want %v", c.Corners, want)
	}
	bare, err := Read("(module X (layer F.Cu))")
	if err != nil || !slices.Equal(bare.Attributes, []string{"through_hole"}) {
		t.Errorf("%v, %v: in the old form no attribute means through_hole", bare, err)
	}
}

func TestReadRefuses(t *testing.T) {
	pad := func(s string) string { return "(footprint X (version 20240108)\n(pad " + s + "))" }
	for _, tt := range []struct{ text, reason string }{
		{"", "line 1: no list"},
		{"(footprint X", `"(" without ")"`},
		{"(kicad_sch (version 1))", `not a footprint: the text begins with ("kicad_sch"`},
		{`("footprint" "X")`, "not a footprint"},
		{"(footprint X)(footprint Y)", "the text has 2 lists"},
		{"(footprint)", "line 1: footprint: no name"},
		{"(footprint (layer F.Cu))", "no name"},
		{"(footprint X Y)", `footprint: "Y" is out of place`},
		{"(footprint X (colour red))", `footprint: unknown ("colour"`},
		{"(footprint X (attr SMD))", `attr: "SMD" is out of place`},
		{`(footprint X (attr "smd"))`, "attr: want a word that is not in quotes"},
		{pad("1 smd rect (at 0) (size 1 1) (layers F.Cu)"), `line 2: pad: 1 numbers in ("at", want 2`},
		{pad("1 smd rect (at 0 0 0 0) (size 1 1))"), `")" without "("`},
		{pad("1 smd rect (at 0 0 0 0) (size 1 1)"), "more than 3 numbers"},
		{pad("1 smd rect (at 0mm 0) (size 1 1)"), `want a number, found "0mm"`},
		{pad(`1 smd rect (at "0" 0) (size 1 1)`), `want a number, found "0"`},
		{pad("1 smd square (at 0 0) (size 1 1)"), `unknown shape "square"`},
		{pad("1 pth rect (at 0 0) (size 1 1)"), `unknown kind "pth"`},
		{pad("1 smd rect (at 0 0) (size 1 1) (layer F.Cu)"), `unknown ("layer"`},
		{pad("(number 1) smd rect (at 0 0) (size 1 1)"), "want a text"},
		{pad("1 smd rect (position 0 0)"), `unknown ("position"`},
		{pad("1 thru_hole rect (at 0 0) (drill (diameter 1))"), `drill: unknown ("diameter"`},
		{pad("1 smd"), "want a number, a kind and a shape"},
		{"(footprint X (fp_line (end 0 0) (start 1 1) (layer F.SilkS) (width 0.1)))", `want (start, found ("end"`},
		{"(footprint X (fp_line (start 0 0)))", "no (end"},
		{"(footprint X (fp_rect (start 0 0) (end 1 1) (fill (type none))))", "want a word"},
		{"(footprint X (version 20240108) (fp_arc (start 0 0) (end 1 1) (angle 90)))", `want (mid`},
		{"(footprint X (fp_circle (centre 0 0) (end 1 1)))", `want (center`},
		{"(footprint X (fp_text label A (at 0 0) (layer F.Fab)))", `"label" is out of place`},
		{`(footprint X (property "Value" 100 (at 0 0)))`, `found the number "100"`},
		{`(footprint X (fp_text user A (at 0 0) (layer F.Fab) (effects (font (colour 1)))))`, `font: unknown ("colour"`},
		{`(footprint X (model a.wrl (at 0 0 0)))`, "model: 3 elements"},
	} {
		_, err := Read(tt.text)
		if err == nil || !strings.Contains(err.Error(), tt.reason) {
			t.Errorf("%s: error %v, want %q", tt.text, err, tt.reason)
		}
	}
}

// TestOutline holds that the ways to write a pad give one outline.
func TestOutline(t *testing.T) {
	base := Pad{Shape: "rect", At: Point{1e6, 2e6}, Size: Size{2e6, 1e6}, Kind: "smd"}
	for _, tt := range []struct {
		name   string
		change func(*Pad)
		same   bool
	}{
		{"90 degrees and the sides exchanged", func(p *Pad) { p.Angle, p.Size = 90, Size{1e6, 2e6} }, true},
		{"180 degrees", func(p *Pad) { p.Angle = 180 }, true},
		{"270 degrees and the sides exchanged", func(p *Pad) { p.Angle, p.Size = 270, Size{1e6, 2e6} }, true},
		{"roundrect without a radius", func(p *Pad) { p.Shape, p.Ratio = "roundrect", 0 }, true},
		{"custom without primitives", func(p *Pad) { p.Shape, p.Anchor = "custom", "rect" }, true},
		{"trapezoid without delta", func(p *Pad) { p.Shape = "trapezoid" }, true},
		{"an offset back", func(p *Pad) { p.At, p.Offset = Point{0, 2e6}, Point{1e6, 0} }, true},
		{"an offset back, turned", func(p *Pad) {
			p.At, p.Offset, p.Angle, p.Size = Point{1e6, 0}, Point{-2e6, 0}, 90, Size{1e6, 2e6}
		}, true},
		{"90 degrees", func(p *Pad) { p.Angle = 90 }, false},
		{"oval", func(p *Pad) { p.Shape = "oval" }, false},
		{"45 degrees", func(p *Pad) { p.Angle = 45 }, false},
		{"wider", func(p *Pad) { p.Size.W += 20_000 }, false},
		{"moved", func(p *Pad) { p.At.X += 20_000 }, false},
	} {
		p := base
		tt.change(&p)
		if got := sameCopper(base.Outline(), p.Outline(), 10_000); got != tt.same {
			t.Errorf("%s: same %t, want %t: %+v, %+v", tt.name, got, tt.same, base.Outline(), p.Outline())
		}
	}
	circle := Pad{Shape: "circle", Size: Size{1e6, 1e6}}
	for _, p := range []Pad{
		{Shape: "oval", Size: Size{1e6, 1e6}, Angle: 30},
		{Shape: "roundrect", Ratio: 0.5, Size: Size{1e6, 1e6}},
		{Shape: "custom", Anchor: "circle", Size: Size{1e6, 1e6}},
	} {
		if !sameCopper(circle.Outline(), p.Outline(), 10_000) {
			t.Errorf("%+v is a circle", p)
		}
	}
	turnedPad := Pad{Shape: "rect", Size: Size{2e6, 1e6}, Angle: 30}
	if !sameCopper(turnedPad.Outline(), Pad{Shape: "rect", Size: Size{1e6, 2e6}, Angle: 120}.Outline(), 10_000) {
		t.Error("30 degrees, and 120 with the sides exchanged, are the same")
	}
	cut := Pad{Shape: "roundrect", Size: Size{2e6, 1e6}, Chamfer: 0.2, Cut: TopLeft}
	if !sameCopper(cut.Outline(), Pad{Shape: "roundrect", Size: Size{1e6, 2e6}, Chamfer: 0.2, Cut: TopRight, Angle: 90}.Outline(), 10_000) {
		t.Errorf("a cut corner turns with its pad: %+v", cut.Outline())
	}
	if sameCopper(cut.Outline(), Pad{Shape: "roundrect", Size: Size{2e6, 1e6}, Chamfer: 0.2, Cut: TopRight}.Outline(), 10_000) {
		t.Error("another corner is cut")
	}
}

func TestCourtyard(t *testing.T) {
	line := func(a, b, c, d string) string {
		return "(fp_line (start " + a + " " + b + ") (end " + c + " " + d + ") (layer F.CrtYd) (width 0.05))"
	}
	square := line("0", "0", "2", "0") + line("2", "2", "2", "0") + line("2", "2", "0", "2")
	for _, tt := range []struct {
		name, text string
		outlines   int
		open       bool
	}{
		{"four lines in any direction", square + line("0", "2", "0", "0"), 1, false},
		{"ends 15 µm apart", square + line("0", "1.985", "0.01", "0.01"), 1, false},
		{"ends 30 µm apart", square + line("0", "1.97", "0", "0"), 0, true},
		{"a side is missing", square, 0, true},
		{"a side twice", square + line("0", "2", "0", "0") + line("0", "2", "0", "0"), 0, true},
		{"a whisker", square + line("0", "2", "0", "0") + line("2", "2", "3", "3"), 0, true},
		{"a point beside", square + line("0", "2", "0", "0") + line("5", "5", "5", "5"), 1, false},
		{"a circle", "(fp_circle (center 0 0) (end 1 0) (layer F.CrtYd) (width 0.05))", 1, false},
		{"a polygon", "(fp_poly (pts (xy 0 0) (xy 1 0) (xy 0 1)) (layer F.CrtYd) (width 0.05))", 1, false},
		{"another layer", "(fp_circle (center 0 0) (end 1 0) (layer F.Fab) (width 0.05))", 0, false},
		{"a line and an arc", line("0", "0", "2", "0") + "(fp_arc (start 0 0) (mid 1 1) (end 2 0) (layer F.CrtYd) (width 0.05))", 1, false},
		{"a curve and a line", line("0", "0", "2", "0") + "(fp_curve (pts (xy 0 0) (xy 0 1) (xy 2 1) (xy 2 0)) (layer F.CrtYd) (width 0.05))", 1, false},
	} {
		f, err := Read("(footprint X (version 20240108)" + tt.text + ")")
		if err != nil {
			t.Fatalf("%s: %v", tt.name, err)
		}
		if c := f.Courtyard(false); len(c.Outlines) != tt.outlines || c.Open != tt.open {
			t.Errorf("%s: %d outlines, open %t, want %d, %t", tt.name, len(c.Outlines), c.Open, tt.outlines, tt.open)
		}
	}
}

func TestArcBox(t *testing.T) {
	got := arcBox(Point{1e6, 0}, Point{0, 1e6}, Point{-1e6, 0})
	if want := (Box{Point{-1e6, 0}, Point{1e6, 1e6}}); got != want {
		t.Errorf("half a circle covers %v, want %v", got, want)
	}
	if got := arcBox(Point{0, 0}, Point{1, 1}, Point{2, 2}); got != (Box{Point{0, 0}, Point{2, 2}}) {
		t.Errorf("a straight arc covers %v", got)
	}
}

// TestAsKiCad holds what KiCad 9 reads and refuses.
func TestAsKiCad(t *testing.T) {
	otherwise := map[string]string{
		`(at +1 .5 90)`:                       "KiCad 6 to 8 read a plus",
		`(backdrill `:                         "KiCad 10",
		`(units `:                             "KiCad 10",
		`(version 20250926) (generator_vers`:  "KiCad 10",
		`(footprint X (layer F.Cu)) (footpri`: "what stands behind a footprint is not read by KiCad, and is not part of one answer",
		`(footprint X (layer F.Cu)) garbage`:  "likewise",
		`(footprint X (layer F.Cu)))`:         "likewise",
	}
	text, err := os.ReadFile("testdata/kicad9.txt")
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for line := range strings.Lines(string(text)) {
		verdict, quoted, _ := strings.Cut(strings.TrimSpace(line), " ")
		if verdict == "#" {
			continue
		}
		n++
		footprint, err := strconv.Unquote(quoted)
		if err != nil {
			t.Fatal(err)
		}
		_, err = Read(footprint)
		known := false
		for part := range otherwise {
			known = known || strings.Contains(footprint, part)
		}
		if (err == nil) != (verdict == "reads") && !known {
			t.Errorf("KiCad %s it: %s: %v", verdict, footprint, err)
		}
		if (err == nil) == (verdict == "reads") && known {
			t.Errorf("no longer otherwise than KiCad: %s", footprint)
		}
	}
	if n < 150 {
		t.Errorf("%d texts", n)
	}
}

// library are the files of KiCad's package of footprints.
func library(t testing.TB) []string {
	t.Helper()
	files, err := filepath.Glob("/usr/share/kicad/footprints/*/*.kicad_mod")
	if err != nil || len(files) == 0 {
		t.Skip("KiCad's footprints are not here")
	}
	return files
}

func TestLibrary(t *testing.T) {
	files := library(t)
	legacy, pads, open := 0, 0, 0
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		f, err := Read(string(text))
		if err != nil {
			t.Errorf("%s: %v", file, err)
			continue
		}
		if n := strings.Count(string(text), "(pad "); n != len(f.Pads) {
			t.Errorf("%s: %d pads, the text has %d", file, len(f.Pads), n)
		}
		pads += len(f.Pads)
		if f.Legacy {
			legacy++
		}
		if f.Courtyard(false).Open {
			open++
		}
		for _, p := range f.Pads {
			if p.Layers&Unknown != 0 && !strings.Contains(string(text), "Rescue") {
				t.Errorf("%s: pad %q is on a layer that is not known", file, p.Number)
			}
			p.Outline()
		}
	}
	t.Logf("%d footprints, %d of them in the old form, %d pads, %d courtyards that do not close", len(files), legacy, pads, open)
	if len(files) == 12504 && (legacy != 166 || pads != 297374) {
		t.Errorf("%d in the old form, %d pads, want 166, 297374", legacy, pads)
	}
}

// TestPublished reads what of the published footprints is stored whole.
func TestPublished(t *testing.T) {
	files, _ := filepath.Glob("../../../../shared/vectors/ailiance/kicad-pcb*.jsonl")
	if len(files) == 0 {
		t.Skip("../shared is not there")
	}
	read, cut := 0, 0
	for _, file := range files {
		f, err := os.Open(file)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		lines := bufio.NewScanner(f)
		lines.Buffer(nil, 1<<24)
		for lines.Scan() {
			var record struct{ Expected, Generated string }
			if err := json.Unmarshal(lines.Bytes(), &record); err != nil {
				continue
			}
			for _, text := range []string{record.Expected, record.Generated} {
				_, err := Read(text)
				var e *Error
				switch {
				case err == nil:
					read++
				case errors.As(err, &e) && text == record.Expected:
					t.Errorf("%s: a reference: %v\n%s", file, err, text)
				default:
					cut++
				}
			}
		}
	}
	t.Logf("%d texts are footprints, %d are cut off or none", read, cut)
}

// TestHostile holds that size, depth and number are bounded.
func TestHostile(t *testing.T) {
	for name, text := range map[string]string{
		"depth": strings.Repeat("(footprint X ", 100_000),
		"nodes": "(footprint X" + strings.Repeat("(pad)", 200_000) + ")",
		"bytes": "(footprint \"" + strings.Repeat("X", 2<<20) + "\")",
	} {
		if _, err := Read(text); !errors.Is(err, sexpr.ErrLimit) {
			t.Errorf("%s: %v, want a limit", name, err)
		}
	}
	arc := "(arc (start 0 0) (mid 1000 1000) (end 2000 0))"
	_, err := Read("(footprint X (version 20240108) (fp_poly (pts " + strings.Repeat(arc, 10_000) + ") (layer F.CrtYd) (width 1)))")
	if err == nil || !strings.Contains(err.Error(), "arcs of more than") {
		t.Errorf("10,000 large arcs: %v", err)
	}
	f, err := Read("(footprint X" + strings.Repeat("(fp_circle (center 0 0) (end 1e9 0) (layer F.CrtYd))", 15_000) + ")")
	if err != nil {
		t.Fatal(err)
	}
	if c := f.Courtyard(false); !c.Open {
		t.Error("15,000 circles are no courtyard")
	}
	star := strings.Repeat("(fp_line (start 0 0) (end 1 1) (layer F.CrtYd))", 15_000)
	f, err = Read("(footprint X" + star + ")")
	if err != nil || !f.Courtyard(false).Open {
		t.Errorf("%v: one line 15,000 times is no courtyard", err)
	}
}

// TestReadFile reads what is too large for an answer: a 3D model within.
func TestReadFile(t *testing.T) {
	text := strings.Replace(current, "(pad", "(embedded_files (file (name a.step) (type model) (data |"+strings.Repeat("QUJD\n", 400_000)+"|) (checksum \"1\"))) (pad", 1)
	if _, err := Read(text); !errors.Is(err, sexpr.ErrLimit) {
		t.Errorf("2 MB as an answer: %v, want a limit", err)
	}
	if f, err := ReadFile([]byte(text)); err != nil || len(f.Pads) != 3 {
		t.Errorf("2 MB as a file: %v", err)
	}
}

func FuzzRead(f *testing.F) {
	for _, s := range []string{current, legacy, "(footprint X (pad 1 smd custom (at 0 0) (size 1 1) (options (anchor rect)) (primitives (gr_poly (pts (xy 0 0) (xy 1 0) (xy 0 1)) (width 0)))))",
		"(footprint X (version 20240108) (fp_arc (start 0 0) (mid 1 1) (end 0 0) (layer F.CrtYd)))", "(module X (pad \"\" smd roundrect (at 1e99 0 1e300) (size -1 0) (chamfer_ratio 1) (chamfer top_left)))"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		fp, err := Read(text)
		if err != nil {
			return
		}
		for _, p := range fp.Pads {
			p.Outline()
			p.Hole()
			p.Box()
			p.Layers.Names()
		}
		fp.Courtyard(false)
		fp.Courtyard(true)
	})
}

func BenchmarkRead(b *testing.B) {
	text := "(footprint X" + strings.Repeat("(pad \"1\" smd roundrect (at -2.475 -1.905) (size 1.95 0.6) (layers \"F.Cu\" \"F.Paste\" \"F.Mask\") (roundrect_rratio 0.25))", 5000) + ")"
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		if _, err := Read(text); err != nil {
			b.Fatal(err)
		}
	}
}
