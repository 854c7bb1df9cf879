package symbol

import (
	"bufio"
	"encoding/json"
	"os"
	"reflect"
	"strings"
	"testing"
)

// TestReadBoth holds that both formats say the same.
func TestReadBoth(t *testing.T) {
	current, err := Read(`(symbol "Lib:AB" (power) (pin_names (offset 0) hide)
 (property "Reference" "U" (at 0 0 0)) (property "Value" "AB" (at 0 0 0)) (property "Footprint" "P:Q" (at 0 0 0)) (property "Datasheet" "~" (at 0 0 0))
 (property "Maker" "who" (at 0 0 0))
 (symbol "AB_0_1" (rectangle (start -5.08 5.08) (end 5.08 -5.08)) (arc (start 2.54 0) (mid 1.796 1.796) (end 0 2.54)) (circle (center 0 0) (radius 1.27)))
 (symbol "AB_1_1" (pin input inverted_clock (at -7.62 0 0) (length 2.54) hide (name "~{R}S") (number "1")))
 (symbol "AB_2_0" (pin no_connect line (at 0 7.62 270) (length 2.54) (name "~") (number "2"))))`)
	if err != nil {
		t.Fatal(err)
	}
	legacy, err := Read("DEF AB U 0 0 Y N 2 F P\r\nF0 \"U\" 0 0 50 H V C CNN\r\nF1 \"AB\" 0 0 50 H V C CNN\r\nF2 \"P:Q\" 0 0 50 H I C CNN\r\nF3 \"~\" 0 0 50 H I C CNN\r\n" +
		"F4 \"who\" 0 0 50 H I C CNN \"Maker\"\r\nDRAW\r\nS -200 200 200 -200 0 1 0 f\r\nA 0 0 100 0 900 0 1 0 N 100 0 0 100\r\nC 0 0 50 0 1 0 N\r\n" +
		"X ~R~S 1 -300 0 100 R 50 50 1 1 I NCI\r\nX ~ 2 0 300 100 D 50 50 2 0 N\r\nENDDRAW\r\nENDDEF\r\n")
	if err != nil {
		t.Fatal(err)
	}
	want := Symbol{
		Format: Current, Name: "AB", Reference: "U", Value: "AB", Footprint: "P:Q", Datasheet: "~", Properties: map[string]string{"Maker": "who"},
		Power: true, HidesNames: true, Units: 2, Styles: 1,
		Pins: []Pin{
			{Number: "1", Name: "~{R}S", Type: Input, Shape: InvertedClock, X: -7_620_000, Length: 2_540_000, Unit: 1, Style: 1, Hidden: true},
			{Number: "2", Type: NoConnect, Shape: Line, Y: 7_620_000, Length: 2_540_000, Orientation: 270, Unit: 2},
		},
		Graphics: []Graphic{
			{Kind: Rectangle, Style: 1, Points: []Point{{-5_080_000, 5_080_000}, {5_080_000, -5_080_000}}},
			{Kind: Arc, Style: 1, Points: []Point{{2_540_000, 0}, {1_796_000, 1_796_000}, {0, 2_540_000}}},
			{Kind: Circle, Style: 1, Points: []Point{{}}, Radius: 1_270_000},
		},
	}
	if len(current) != 1 || !reflect.DeepEqual(current[0], want) {
		t.Errorf("current format: %+v\nwant %+v", current, want)
	}
	want.Format, want.Datasheet = Legacy, ""
	want.Graphics[1].Points[1] = Point{1_796_051, 1_796_051}
	if len(legacy) != 1 || !reflect.DeepEqual(legacy[0], want) {
		t.Errorf("legacy format: %+v\nwant %+v", legacy, want)
	}
	if p := want.Pins[1]; p.End() != (Point{0, 5_080_000}) || p.Orientation.Side() != SideTop {
		t.Errorf("the pin ends at %v on the %s", p.End(), p.Orientation.Side())
	}
}

func TestExtends(t *testing.T) {
	const base = `(symbol "A" (property "Reference" "U" (at 0 0 0)) (symbol "A_1_1" (pin input line (at 0 0 0) (length 2.54) (name "A") (number "1"))))`
	read, err := Read(`(kicad_symbol_lib (version 20211014) ` + `(symbol "C" (extends "B")) (symbol "B" (extends "A") (property "Reference" "Q" (at 0 0 0))) ` + base + `)`)
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []string{"C", "B", "A"} {
		if s := read[i]; s.Name != want || len(s.Pins) != 1 {
			t.Errorf("symbol %d is %s of %d pins, want %s of 1", i, s.Name, len(s.Pins), want)
		}
	}
	for text, want := range map[string]string{
		`(symbol "A" (extends "A"))`:                            `symbol "A" extends itself`,
		`(symbol "A" (extends "B")) (symbol "B" (extends "A"))`: `symbol "A" extends itself`,
		`(symbol "A" (extends "B"))`:                            `symbol "A" extends "B", which is not in the text`,
	} {
		if _, err := Read(text); err == nil || err.Error() != want {
			t.Errorf("%s: %v, want %s", text, err, want)
		}
	}
}

func TestBars(t *testing.T) {
	for old, want := range map[string]string{
		"~RESET~": "~{RESET}", "~CS": "~{CS}", "R/~W~": "R/~{W}", "~A~B~C~": "~{A}B~{C}", "A~~B": "A~B", "~": "~", "~{X}": "~{X}", "A": "A",
	} {
		if got := newBars(old); got != want {
			t.Errorf("%s is %s, want %s", old, got, want)
		}
	}
	for _, pair := range [][2]string{{"~{A}~{B}", "~{AB}"}, {"~", ""}, {"~{R{slash}W}", "~{R/W}"}, {"A{slash}B", "A/B"}, {"~{}A", "A"}} {
		if !SameName(pair[0], pair[1]) {
			t.Errorf("%q and %q are shown alike", pair[0], pair[1])
		}
	}
	for _, pair := range [][2]string{{"~{A}B", "~{AB}"}, {"A", "a"}, {"~{A}", "A"}, {"A ", "A"}} {
		if SameName(pair[0], pair[1]) {
			t.Errorf("%q and %q are not shown alike", pair[0], pair[1])
		}
	}
}

// TestPublishedReferences reads the published task's references, as far as they
// are stored whole: all of the legacy format.
func TestPublishedReferences(t *testing.T) {
	file, err := os.Open("../../../../shared/vectors/ailiance/kicad-dsl.jsonl")
	if err != nil {
		t.Skip("no ../shared: ", err)
	}
	defer file.Close()
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, 1<<20)
	read := map[string]bool{}
	for lines.Scan() {
		var row struct {
			ID, Expected string
			Scores       struct {
				Pins int `json:"expected_pin_count"`
			}
		}
		if err := json.Unmarshal(lines.Bytes(), &row); err != nil {
			t.Fatal(err)
		}
		if !strings.HasPrefix(row.Expected, "DEF") || !strings.HasSuffix(strings.TrimSpace(row.Expected), "ENDDEF") {
			continue
		}
		symbols, err := Read(row.Expected)
		if err != nil || len(symbols) != 1 || len(symbols[0].Pins) != row.Scores.Pins {
			t.Errorf("%s: %v, %d symbols, want one of %d pins\n%s", row.ID, err, len(symbols), row.Scores.Pins, row.Expected)
			continue
		}
		read[row.ID] = true
		if r := reparse(t, TargetOf(symbols[0])).Judge(row.Expected); !r.Pass {
			t.Errorf("%s is not itself: %s", row.ID, r.Note)
		}
	}
	if len(read) < 8 {
		t.Errorf("%d references were read, want 8 or more", len(read))
	}
}

// TestHostile holds that what a model may write ends soon.
func TestHostile(t *testing.T) {
	target := TargetOf(Symbol{Name: "A", Units: 1, Pins: []Pin{{Number: "1", Name: "A", Type: Input, Length: 2_540_000}}})
	target.Body = BodyOutline
	polyline := "(polyline (pts " + strings.Repeat("(xy 0 0)(xy 1 1)", 60) + "))"
	many := func(s string, n int) string { return strings.Repeat(s, n) }
	for name, text := range map[string]string{
		"depth":           many("(", 1_000_000),
		"deep symbols":    many(`(symbol "A"`, 80_000),
		"pins and lines":  `(symbol "A" ` + many(`(pin input line(name A)(number "1"))`, 8_000) + many(polyline, 500) + ")",
		"units":           `(symbol "A" ` + many(`(symbol "A_999_1"(pin input line(name A)(number "1")))`, 8_000) + ")",
		"chain":           many(`(symbol "A"(extends "A"))`, 30_000),
		"numbers":         `(symbol "A" (pin input line (at 1e300 1e-300 0)))`,
		"fields":          "DEF A U 0 40 Y Y 1 F N\n" + many("F\n", 100_000),
		"legacy lines":    "DEF A U 0 40 Y Y 1 F N\nDRAW\n" + many("X A 1 0 0 100 R 50 50 1 1 I\n", 30_000) + "ENDDRAW\nENDDEF\n",
		"legacy points":   "DEF A U 0 40 Y Y 1 F N\nDRAW\nP 2000000000 0 1 0 0 0\nENDDRAW\nENDDEF\n",
		"only DEF":        many("DEF\n", 200_000),
		"only comments":   many("#\n", 400_000),
		"string":          `(symbol "` + many(`\`, 900_000),
		"too long a text": many("(a)", 1_000_000),
	} {
		if r := target.Judge(text); r.Pass || r.Note == "" || r.Graded > 0.1 {
			t.Errorf("%s: %+v", name, r)
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add(plain)
	f.Add(plainLegacy)
	for _, s := range spellings {
		if s.old != "" {
			f.Add(strings.Replace(plain, s.old, s.new, 1))
			f.Add(strings.Replace(plainLegacy, s.old, s.new, 1))
		}
	}
	f.Fuzz(func(t *testing.T, text string) {
		symbols, err := ReadWithin(text, Limits{Bytes: 1 << 16, Nodes: 1 << 12, Depth: 64})
		if err != nil {
			return
		}
		for _, s := range symbols {
			if len(s.Pins) == 0 || s.Name == "" || len(symbols) > 1 {
				continue
			}
			target := TargetOf(s)
			target.Body = BodyOutline
			target.compare(symbols)
			target.Body = ""
			if err := target.validate(); err != nil {
				continue
			}
			if r := target.Judge(text); !r.Pass {
				t.Errorf("%q is not itself: %s", text, r.Note)
			}
		}
	})
}
