package symbol

import (
	"encoding/json"
	"strings"
	"testing"
)

// asked is the target that plain and plainLegacy are right for.
func asked(change func(*Target)) Target {
	t := Target{
		Format: "any", Name: "AB", Reference: "U", Fields: map[string]string{"Value": "AB"}, Units: 1, Layout: LayoutSides,
		Grid: 2_540_000, Body: BodyRectangle,
		Pins: []TargetPin{
			{Number: "1", Name: "A", Type: Input, Unit: 1, Side: SideLeft, Length: 2_540_000},
			{Number: "2", Name: "VCC", Type: PowerIn, Unit: 1, Side: SideTop, Length: 2_540_000},
		},
	}
	if change != nil {
		change(&t)
	}
	return t
}

// TestJudge changes one thing of a right answer, or of what is asked.
func TestJudge(t *testing.T) {
	const vcc = `(pin power_in line (at 0 7.62 270) (length 2.54) (name "VCC") (number "2"))`
	box := func(lines ...string) string {
		s := ""
		for _, l := range lines {
			s += "(polyline (pts " + l + "))"
		}
		return s
	}
	const rectangle = `(rectangle (start -5.08 5.08) (end 5.08 -5.08) (stroke (width 0.254) (type default) (color 0 0 0 0)) (fill (type background)))`
	for _, tt := range []struct {
		name     string
		ask      func(*Target)
		old, new string // in plain
		note     string // "" where it is right
	}{
		{"as it is", nil, "", "", ""},
		{"format", func(t *Target) { t.Format = "legacy" }, "", "", noteFormat},
		{"a symbol alone", nil, "(kicad_symbol_lib (version 20211014) (generator x)\n", "", ""},
		{"name", func(t *Target) { t.Name = "XY" }, "", "", noteName},
		{"reference", nil, `"Reference" "U"`, `"Reference" "R"`, noteReference},
		{"reference with ?", nil, `"Reference" "U"`, `"Reference" "U?"`, noteReference},
		{"value", nil, `"Value" "AB"`, `"Value" "XY"`, noteField + "Value"},
		{"value that is not asked", func(t *Target) { t.Fields = nil }, `"Value" "AB"`, `"Value" "XY"`, ""},
		{"footprint", func(t *Target) { t.Fields["Footprint"] = "A:B" }, "", "", noteField + "Footprint"},
		{"empty footprint", func(t *Target) { t.Fields["Footprint"] = "~" }, "", "", ""},
		{"two symbols", nil, " (symbol \"AB\" ", ` (symbol "CD") (symbol "AB" `, noteSeveral},
		{"pin number", nil, `(number "2")`, `(number "3")`, noteMissing + "; " + noteExtra},
		{"pin name", nil, `"VCC"`, `"VDD"`, notePinName},
		{"pin type", nil, "power_in", "passive", notePinType},
		{"pin twice", nil, vcc, vcc + vcc, noteExtra + "; " + noteOverlap},
		{"pin missing", nil, vcc, "", noteMissing},
		{"pin hidden", nil, "(length 2.54) (name \"VCC\")", "hide (length 2.54) (name \"VCC\")", notePinHidden},
		{"pin hidden as asked", func(t *Target) { t.Pins[1].Hidden = true }, "(length 2.54) (name \"VCC\")", "(hide yes) (length 2.54) (name \"VCC\")", ""},
		{"pin length", nil, vcc, strings.Replace(strings.Replace(vcc, "7.62", "10.16", 1), "(length 2.54)", "(length 5.08)", 1), notePinLength},
		{"any length", func(t *Target) { t.Pins[1].Length = 0 }, vcc, strings.Replace(strings.Replace(vcc, "7.62", "10.16", 1), "(length 2.54)", "(length 5.08)", 1), ""},
		{"graphic style", func(t *Target) { t.Pins[0].Shape = Clock }, "", "", notePinShape},
		{"graphic style as asked", func(t *Target) { t.Pins[0].Shape = Clock }, "input line", "input clock", ""},
		{"graphic style that is not asked", nil, "input line", "input inverted", ""},
		{"other side", nil, "(at -7.62 0 0)", "(at 7.62 0 180)", notePinSide},
		{"turned", nil, "(at -7.62 0 0)", "(at -7.62 0 180)", noteOffBody + "; " + notePinSide},
		{"other place", nil, "(at -7.62 0 0)", "(at -7.62 2.54 0)", ""},
		{"corner", nil, "(at -7.62 0 0)", "(at -7.62 5.08 0)", ""},
		{"beside the body", nil, "(at -7.62 0 0)", "(at -7.62 7.62 0)", noteOffBody},
		{"off the grid", nil, "(at -7.62 0 0)", "(at -7.62 1.27 0)", noteGrid},
		{"rounded", nil, "(at -7.62 0 0)", "(at -7.6201 0.0004 0)", ""},
		{"placed", func(t *Target) { t.Layout, t.Pins[0].X, t.Pins[1].Y = LayoutPlaced, -7_620_000, 7_620_000 }, "", "", ""},
		{"misplaced", func(t *Target) { t.Layout, t.Pins[0].X, t.Pins[1].Y = LayoutPlaced, -7_620_000, 7_620_000 }, "(at -7.62 0 0)", "(at -7.62 2.54 0)", notePinPlace},
		{"unit 0 of one", nil, `"AB_1_1"`, `"AB_0_0"`, ""},
		{"body in unit 1", nil, `"AB_0_1"`, `"AB_1_0"`, ""},
		{"unit 2 of one", nil, `"AB_1_1"`, `"AB_2_1"`, noteUnits},
		{"second body style too", nil, ` (symbol "AB_1_1"`, `(symbol "AB_1_2" (pin input line (at -7.62 0 0) (length 2.54) (name "Z") (number "9"))) (symbol "AB_1_1"`, ""},
		{"only second body style", nil, ` (symbol "AB_1_1"`, `(symbol "AB_1_2"`, noteMissing},
		{"no body", nil, rectangle, "", noteNoBody},
		{"a text is no body", nil, rectangle, `(text "AB" (at 0 0 0))`, noteNoBody},
		{"a flat body", nil, rectangle, "(rectangle (start -5.08 0) (end 5.08 0))", noteNoBody},
		{"small body", nil, rectangle, "(rectangle (start -2.54 5.08) (end 5.08 -5.08))", noteOffBody},
		{"large body", nil, rectangle, "(rectangle (start -7.62 5.08) (end 5.08 -5.08))", noteOffBody},
		{"two rectangles", nil, rectangle, "(rectangle (start -2.54 2.54) (end 2.54 -2.54))" + rectangle, ""},
		{"corners in another order", nil, rectangle, "(rectangle (start 5.08 -5.08) (end -5.08 5.08))", ""},
		{"closed polyline", nil, rectangle, box("(xy -5.08 -5.08)(xy -5.08 5.08)(xy 5.08 5.08)(xy 5.08 -5.08)(xy -5.08 -5.08)"), ""},
		{"four lines", nil, rectangle, box("(xy -5.08 -5.08)(xy -5.08 5.08)", "(xy 5.08 5.08)(xy -5.08 5.08)", "(xy 5.08 5.08)(xy 5.08 0)(xy 5.08 -5.08)", "(xy -5.08 -5.08)(xy 5.08 -5.08)"), ""},
		{"three lines", nil, rectangle, box("(xy -5.08 -5.08)(xy -5.08 5.08)", "(xy 5.08 5.08)(xy -5.08 5.08)", "(xy -5.08 -5.08)(xy 5.08 -5.08)"), noteNoBody},
		{"a gap", nil, rectangle, box("(xy -5.08 5.08)(xy -5.08 1)(xy -5.08 1)", "(xy -5.08 0)(xy -5.08 -5.08)(xy 5.08 -5.08)(xy 5.08 5.08)(xy -5.08 5.08)"), noteNoBody},
		{"a circle is a drawing", func(t *Target) { t.Body = BodyDrawing }, rectangle, "(circle (center 0 0) (radius 1))", ""},
		{"a circle is an outline", func(t *Target) { t.Body = BodyOutline }, rectangle, "(circle (center 0 0) (radius 5.08))", ""},
		{"an arc is an outline", func(t *Target) { t.Body = BodyOutline }, rectangle, "(arc (start 0 5.08) (mid -3.5921 3.5921) (end -5.08 0))", ""},
		{"the other way round", func(t *Target) { t.Body = BodyOutline }, rectangle, "(arc (start -5.08 0) (mid -3.5921 3.5921) (end 0 5.08))", ""},
		{"the other arc", func(t *Target) { t.Body = BodyOutline }, rectangle, "(arc (start 0 5.08) (mid 3.5921 3.5921) (end 5.08 0))", noteOffBody},
		{"slanted lines", func(t *Target) { t.Body = BodyOutline }, rectangle, box("(xy -7.62 -2.54)(xy -2.54 2.54)(xy 2.54 7.62)"), ""},
		{"curve", func(t *Target) { t.Body = BodyOutline }, rectangle, "(bezier (pts (xy -5.08 0)(xy -5.08 2)(xy -2 5.08)(xy 0 5.08)))", ""},
		{"a small circle", func(t *Target) { t.Body = BodyOutline }, rectangle, "(circle (center 0 0) (radius 2.54))", noteOffBody},
		{"a free layout", func(t *Target) { t.Layout, t.Grid, t.Body = LayoutFree, 0, "" }, "(at -7.62 0 0)", "hide (at 3 3 180)", ""},
		{"a free layout, another type", func(t *Target) { t.Layout, t.Grid, t.Body = LayoutFree, 0, "" }, "input line", "output line", notePinType},
		{"no symbol", nil, plain, "The symbol has two pins.", noteNoSymbol},
		{"cut off", nil, vcc + ")))", "", noteCutOff},
		{"cut off in a string", nil, `"VCC") (number "2"))` + ")))", `"VC`, noteCutOff},
		{"too large", nil, "(generator x)", "(generator x)" + strings.Repeat(" ", 1<<20), noteLarge},
		{"another word", nil, "input line", "in line", noteRefused},
		{"another list", nil, "(kicad_symbol_lib", "(kicad_sch", noteRefused},
		{"no lists", nil, "(kicad_symbol_lib", "(", noteRefused},
	} {
		if !strings.Contains(plain, tt.old) {
			t.Fatalf("%s: %q is not in the text", tt.name, tt.old)
		}
		text := strings.Replace(plain, tt.old, tt.new, 1)
		r := reparse(t, asked(tt.ask)).Judge(text)
		if r.Note != tt.note || r.Pass != (tt.note == "") || (r.Graded == 1) != r.Pass {
			t.Errorf("%s: %+v, want note %q", tt.name, r, tt.note)
		}
	}
	if r := asked(nil).Judge(plainLegacy); !r.Pass {
		t.Errorf("the legacy text: %+v", r)
	}
	for cut := range len(plainLegacy) - len("\nENDDEF\n#\n#End Library\n") {
		if r := asked(nil).Judge(plainLegacy[:cut]); r.Pass {
			t.Errorf("%d bytes of the legacy text pass", cut)
		}
	}
	if r := asked(nil).Judge(strings.TrimSuffix(plainLegacy, "ENDDEF\n#\n#End Library\n")); r.Note != noteCutOff {
		t.Errorf("without ENDDEF: %+v", r)
	}
}

// TestPinout holds that the pinout of a symbol is in no other place, side or
// style asked for, and that of another part is another.
func TestPinout(t *testing.T) {
	symbols, err := Read(plain)
	if err != nil {
		t.Fatal(err)
	}
	target := reparse(t, PinoutOf(symbols[0]))
	other := strings.NewReplacer("270", "90", "input line", "input clock", "(start -5.08 5.08)", "(start 0 0)", "(id 1)", "", `"Value" "AB"`, `"Value" "XY"`).Replace(plain)
	if r := target.Judge(other); !r.Pass {
		t.Errorf("drawn otherwise: %+v", r)
	}
	for _, change := range [][2]string{{`(number "1" `, `(number "5" `}, {"power_in", "power_out"}, {`"VCC"`, `"VDD"`}, {`"Reference" "U"`, `"Reference" "D"`}} {
		if r := target.Judge(strings.Replace(plain, change[0], change[1], 1)); r.Pass {
			t.Errorf("%s for %s is taken for the same pinout", change[1], change[0])
		}
	}
}

// TestUnits holds where pins of parts of several units may be.
func TestUnits(t *testing.T) {
	const (
		a     = `(pin input line (at -7.62 0 0) (length 2.54) (name "A") (number "1"))`
		b     = `(pin input line (at -7.62 0 0) (length 2.54) (name "B") (number "2"))`
		power = `(pin power_in line (at 0 7.62 270) (length 2.54) (name "V") (number "3"))`
		body  = `(rectangle (start -5.08 5.08) (end 5.08 -5.08))`
	)
	target := Target{
		Format: "any", Name: "AB", Reference: "", Units: 2, Layout: LayoutOrdered, Body: BodyRectangle,
		Pins: []TargetPin{
			{Number: "1", Name: "A", Type: Input, Unit: 1, Side: SideLeft},
			{Number: "2", Name: "B", Type: Input, Unit: 2, Side: SideLeft},
			{Number: "3", Name: "V", Type: PowerIn, Unit: 0, Side: SideTop},
		},
	}
	unit := func(n, content string) string { return `(symbol "AB_` + n + `_1" ` + content + ")" }
	for _, tt := range []struct{ name, content, note string }{
		{"common pin in unit 0", unit("0", body+power) + unit("1", a) + unit("2", b), ""},
		{"bodies in each", unit("0", power) + unit("1", a+body) + unit("2", b+body), ""},
		{"one without a body", unit("0", power) + unit("1", a+body) + unit("2", b), noteNoBody},
		{"common pin in each unit", unit("0", body) + unit("1", a+power) + unit("2", power+b), ""},
		{"common pin in one unit", unit("0", body) + unit("1", a+power) + unit("2", b), notePinUnit},
		{"units exchanged", unit("0", body+power) + unit("2", a) + unit("1", b), notePinUnit},
		{"all in one", unit("0", body+power) + unit("1", a+b), noteNoBody + "; " + noteUnits + "; " + notePinUnit + "; " + noteOverlap},
		{"a third", unit("0", body+power) + unit("1", a) + unit("2", b) + unit("3", ""), noteUnits},
	} {
		r := target.Judge(`(symbol "AB" ` + tt.content + ")")
		if r.Note != tt.note {
			t.Errorf("%s: %q, want %q", tt.name, r.Note, tt.note)
		}
	}
}

// TestOrder holds what an order fixes, and what a pitch.
func TestOrder(t *testing.T) {
	pins := func(ys ...string) string {
		s := `(symbol "AB" (rectangle (start -5.08 20) (end 5.08 -20))`
		for i, y := range ys {
			s += `(pin input line (at -7.62 ` + y + ` 0) (length 2.54) (name "A") (number "` + string(rune('1'+i)) + `"))`
		}
		return s + ")"
	}
	target := Target{Format: "any", Name: "AB", Units: 1, Layout: LayoutOrdered, Body: BodyRectangle}
	for _, n := range []string{"1", "2", "3"} {
		target.Pins = append(target.Pins, TargetPin{Number: n, Name: "A", Type: Input, Unit: 1, Side: SideLeft})
	}
	for _, tt := range []struct {
		text  string
		pitch int
		note  string
	}{
		{pins("5.08", "2.54", "0"), 0, ""},
		{pins("5.08", "2.54", "-7.62"), 0, ""},
		{pins("2.54", "5.08", "0"), 0, notePinOrder},
		{pins("0", "2.54", "5.08"), 0, notePinOrder},
		{pins("2.54", "2.54", "0"), 0, notePinOrder + "; " + noteOverlap},
		{pins("5.08", "2.54", "0"), 2_540_000, ""},
		{pins("5.08", "2.54", "-2.54"), 2_540_000, notePinOrder},
		{pins("10.16", "5.08", "0"), 5_080_000, ""},
	} {
		target.Pitch = tt.pitch
		if r := target.Judge(tt.text); r.Note != tt.note {
			t.Errorf("%s, pitch %d: %q, want %q", tt.text, tt.pitch, r.Note, tt.note)
		}
	}
}

// TestGraded holds that more that is right is worth more, and that right names
// of the wrong pins are worth nothing.
func TestGraded(t *testing.T) {
	target := asked(nil)
	last := -1.0
	for _, change := range [][2]string{
		{`(number "1" `, `(number "7" `}, // one pin of two
		{`(name "A" `, `(name "B" `},
		{"input line", "passive line"},
		{`"Reference" "U"`, `"Reference" "R"`},
	} {
		r := target.Judge(strings.Replace(plain, change[0], change[1], 1))
		if r.Graded < last || r.Pass || r.Graded >= 1 {
			t.Errorf("%s for %s: %+v, want more than %g and less than 1", change[1], change[0], r, last)
		}
		last = r.Graded
	}
	swapped := strings.NewReplacer(`(number "1" `, `(number "2" `, `(number "2")`, `(number "1")`).Replace(plain)
	if r := target.Judge(swapped); r.Graded != 0 {
		t.Errorf("numbers swapped: %+v, want 0", r)
	}
}

func TestParseTarget(t *testing.T) {
	good, err := json.Marshal(asked(nil))
	if err != nil {
		t.Fatal(err)
	}
	for _, change := range [][2]string{
		{`"any"`, `"kicad"`}, {`"units":1`, `"units":0`}, {`"sides"`, `"loose"`}, {`"rectangle"`, `"box"`}, {`"input"`, `"in"`},
		{`"unit":1`, `"unit":2`}, {`"left"`, `"west"`}, {`"Value"`, `"Height"`}, {`"name":"AB"`, `"nam":"AB"`}, {`"grid":2540000`, `"grid":-1`},
		{`{"format"`, `{}{"format"`},
	} {
		bad := strings.Replace(string(good), change[0], change[1], 1)
		if bad == string(good) {
			t.Fatalf("%s is not in %s", change[0], good)
		}
		if _, err := ParseTarget(json.RawMessage(bad)); err == nil {
			t.Errorf("%s for %s: no error", change[1], change[0])
		}
	}
	for _, text := range []string{"", "null", "[]", `{"pins":[]}`} {
		if _, err := ParseTarget(json.RawMessage(text)); err == nil {
			t.Errorf("%q: no error", text)
		}
	}
}
