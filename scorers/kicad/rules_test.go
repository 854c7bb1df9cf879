package kicad

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"testing"
	"time"
)

// A drawing's text in grid steps of 2.54 mm. The library is that of
// random_test.go: R has pin 1 above and pin 2 below its place.

func part1(ref, lib string, x, y int, more string) string {
	return fmt.Sprintf(`(symbol (lib_id "t:%s") (at %s %s) %s (property "Reference" "%s" (at 0 0 0)) (property "Value" "%s" (at 0 0 0)))`, lib, mm(x), mm(y), more, ref, lib)
}

func r(ref string, x, y int) string { return part1(ref, "R", x, y, "") }

func power(value string, x, y int) string {
	return fmt.Sprintf(`(symbol (lib_id "t:GND") (at %s %s 0) (property "Reference" "#PWR01" (at 0 0 0)) (property "Value" "%s" (at 0 0 0)))`, mm(x), mm(y), value)
}

func line2(kind string, x1, y1, x2, y2 int) string {
	return fmt.Sprintf("(%s (pts (xy %s %s) (xy %s %s)))", kind, mm(x1), mm(y1), mm(x2), mm(y2))
}

func wire(x1, y1, x2, y2 int) string { return line2("wire", x1, y1, x2, y2) }
func bus2(x1, y1, x2, y2 int) string { return line2("bus", x1, y1, x2, y2) }
func junction(x, y int) string       { return fmt.Sprintf("(junction (at %s %s))", mm(x), mm(y)) }
func noConnect(x, y int) string      { return fmt.Sprintf("(no_connect (at %s %s))", mm(x), mm(y)) }
func entry(x, y, dx, dy int) string {
	return fmt.Sprintf("(bus_entry (at %s %s) (size %s %s))", mm(x), mm(y), mm(dx), mm(dy))
}

func text(kind, name string, x, y int) string {
	return fmt.Sprintf(`(%s "%s" (at %s %s 0))`, kind, name, mm(x), mm(y))
}

// sheetAt has its pins on the right edge at x 20, by y.
func sheetAt(uuid, name, file string, pins ...string) string {
	var s strings.Builder
	for i, pin := range pins {
		fmt.Fprintf(&s, ` (pin "%s" input (at %s %s 0))`, pin, mm(20), mm(2+2*i))
	}
	return fmt.Sprintf(`(sheet (at 0 0) (size %s %s) (uuid "%s") (property "Sheetname" "%s") (property "Sheetfile" "%s")%s)`, mm(20), mm(100), uuid, name, file, s.String())
}

func schematic(version int, items ...string) string {
	return fmt.Sprintf("(kicad_sch (version %d) (uuid \"root\") %s (bus_alias \"MEM\" (members \"A[0..1]\" \"WE\"))\n%s)", version, randomLibrary, strings.Join(items, "\n"))
}

// connected writes the nets of two pins or more, or all.
func connected(n *Netlist, all bool) string {
	var s []string
	for _, net := range n.Nets {
		if all || len(net.Pins) > 1 {
			s = append(s, fmt.Sprintf("%s %v", net.Name, net.Pins))
		}
	}
	return strings.Join(s, " ")
}

func TestRules(t *testing.T) {
	const v9 = 20250114
	three := func(items ...string) string { // pins 2 of R1, R2, R3 at (10, 20, 30; 5)
		return schematic(v9, append([]string{r("R1", 10, 4), r("R2", 20, 4), r("R3", 30, 4)}, items...)...)
	}
	for _, tt := range []struct {
		name, text, want string
		all              bool
	}{
		{"pins that meet", schematic(v9, r("R1", 4, 4), r("R2", 4, 6)), "Net-(R1-Pad2) [R1.2 R2.1]", false},
		{"wires", three(wire(10, 5, 10, 9), wire(10, 9, 20, 9), wire(20, 9, 20, 5)), "Net-(R1-Pad2) [R1.2 R2.2]", false},
		{"a wire's end on another's middle", three(wire(10, 5, 30, 5), wire(20, 5, 20, 9)), "Net-(R1-Pad2) [R1.2 R3.2]", false},
		{"the same with a junction", three(wire(10, 5, 30, 5), wire(20, 5, 20, 9), junction(20, 5)), "Net-(R1-Pad2) [R1.2 R2.2 R3.2]", false},
		{"wires that cross", three(wire(10, 5, 10, 9), wire(10, 9, 30, 9), wire(30, 9, 30, 5), wire(20, 5, 20, 12)), "Net-(R1-Pad2) [R1.2 R3.2]", false},
		{"the same with a junction", three(wire(10, 5, 10, 9), wire(10, 9, 30, 9), wire(30, 9, 30, 5), wire(20, 5, 20, 12), junction(20, 9)), "Net-(R1-Pad2) [R1.2 R2.2 R3.2]", false},
		{"the same with a label", three(wire(10, 5, 10, 9), wire(10, 9, 30, 9), wire(30, 9, 30, 5), wire(20, 5, 20, 12), text("label", "X", 20, 9)), "/X [R1.2 R2.2 R3.2]", false},
		{"a pin on a wire's middle", three(wire(10, 5, 30, 5)), "Net-(R1-Pad2) [R1.2 R3.2]", false},
		{"wires on one another", three(wire(10, 5, 10, 9), wire(10, 9, 18, 9), wire(15, 9, 20, 9), wire(20, 9, 20, 5)), "Net-(R1-Pad2) [R1.2 R2.2]", false},
		{"slanted wires on one another", three(wire(10, 5, 14, 9), wire(12, 7, 16, 11), wire(16, 11, 20, 5)), "Net-(R1-Pad2) [R1.2 R2.2]", false},
		{"a label on a wire's middle", three(wire(10, 5, 10, 9), text("label", "X", 10, 7), text("label", "X", 20, 5)), "/X [R1.2 R2.2]", false},
		{"a label on a pin on a wire's middle is not the wire's", three(wire(10, 5, 30, 5), text("label", "X", 20, 5)), "Net-(R1-Pad2) [R1.2 R3.2]", false},
		{"names in another case are others", three(text("label", "x", 10, 5), text("label", "X", 20, 5)), "", false},
		{"a slash in a name", three(text("label", "A/B", 10, 5), text("label", "A{slash}B", 20, 5)), "/A{slash}B [R1.2 R2.2]", false},
		{"a power symbol's net is its value", three(power("+5V", 10, 5), power("+5V", 20, 5), power("GND", 30, 5)), "+5V [R1.2 R2.2]", false},
		{"a label and a power symbol of one name", three(power("GND", 10, 5), text("label", "GND", 20, 5)), "GND [R1.2 R2.2]", false},
		{"a global label wins over power and labels", three(power("A", 10, 5), text("global_label", "Z", 10, 5), text("label", "0", 10, 5), text("label", "Z", 20, 5)), "Z [R1.2 R2.2]", false},
		{"a label wins over a hierarchical one", three(text("hierarchical_label", "A", 10, 5), text("label", "Z", 10, 5), text("label", "Z", 20, 5)), "/Z [R1.2 R2.2]", false},
		{"two names join their nets", three(text("label", "A", 10, 5), text("label", "B", 10, 5), text("label", "B", 20, 5), text("label", "A", 30, 5)), "/A [R1.2 R2.2 R3.2]", false},
		{"before format 20230221 it is the name of its hidden pin", strings.Replace(schematic(20211123, r("R1", 10, 4), r("R2", 20, 4), power("+5V", 10, 5), power("VCC", 20, 5)),
			`(pin power_in line (at 0 0 270) (length 0) (name "GND")`, `(pin power_in line (at 0 0 270) (length 0) hide (name "GND")`, 1), "GND [R1.2 R2.2]", false},
		{"hidden power pins", schematic(v9, part1("U1", "U", 10, 10, "(unit 1)"), part1("U2", "U", 20, 10, "(unit 1)"), r("R1", 30, 4), text("label", "VSS", 30, 5)), "VSS [R1.2 U1.7 U2.7]", false},
		{"units and their own pins", schematic(v9, part1("U1", "U", 10, 10, "(unit 2)"), r("R1", 12, 11), r("R2", 8, 10)), "Net-(U1B-IN) [R2.1 U1.3] Net-(U1B-OUT) [R1.1 U1.4]", false},
		{"De Morgan's style", schematic(v9, part1("U1", "U", 10, 10, "(unit 2) (convert 2)"), r("R1", 12, 10), r("R2", 8, 12)), "Net-(U1B-IN) [R2.1 U1.3] Net-(U1B-OUT) [R1.1 U1.4]", false},
		{"a quarter turn", schematic(v9, part1("U1", "U", 10, 10, ""), r("R1", 12, 11)), "Net-(U1A-OUT) [R1.1 U1.2]", false},
		{"turned", strings.Replace(schematic(v9, part1("U1", "U", 10, 10, ""), r("R1", 10, 9), r("R2", 10, 13)), "(at 25.4 25.4)", "(at 25.4 25.4 270)", 1), "Net-(U1A-IN) [R1.1 U1.1] Net-(U1A-OUT) [R2.1 U1.2]", false},
		{"turned, then mirrored", strings.Replace(schematic(v9, part1("U1", "U", 10, 10, "(mirror x)"), r("R1", 10, 7), r("R2", 10, 13)), "(at 25.4 25.4)", "(at 25.4 25.4 270)", 1), "Net-(U1A-IN) [R2.1 U1.1] Net-(U1A-OUT) [R1.2 U1.2]", false},
		{"a pin of type no_connect touches nothing", schematic(v9, part1("U1", "U", 10, 10, "(unit 2)"), r("R1", 10, 7)), "VSS [U1.7] unconnected-(R1-Pad1) [R1.1] unconnected-(R1-Pad2) [R1.2] unconnected-(U1B-IN-Pad3) [U1.3] unconnected-(U1B-NC-Pad5) [U1.5] unconnected-(U1B-OUT-Pad4) [U1.4]", true},
		{"a no-connect flag", three(wire(10, 5, 20, 5), noConnect(10, 5)), "unconnected-(R1-Pad2) [R1.2 R2.2]", false},
		{"stacked pins", schematic(v9, part1("K1", "K", 10, 10, ""), r("R1", 10, 8)), "VDD [K1.1 K1.2 R1.2]", false},
		{"a part that is not on the board", three(text("label", "X", 10, 5), text("label", "X", 20, 5), part1("R9", "R", 10, 6, "(on_board no)")), "/X [R1.2 R2.2]", false},

		{"a bus of a vector", three(bus2(5, 20, 40, 20), text("label", "D[0..3]", 6, 20), entry(9, 20, 1, -1), wire(10, 5, 10, 19), text("label", "D1", 10, 19), text("label", "D1", 20, 5), text("label", "D2", 30, 5)), "/D1 [R1.2 R2.2]", false},
		{"entries that meet join nothing", three(bus2(5, 20, 40, 20), text("label", "D[0..3]", 6, 20), entry(10, 19, 1, 1), entry(12, 19, -1, 1), wire(10, 5, 10, 19), wire(12, 19, 20, 19), wire(20, 19, 20, 5)), "", false},
		{"an entry without a bus is a wire", three(wire(10, 5, 10, 9), entry(10, 9, 1, 1), wire(11, 10, 20, 10), wire(20, 10, 20, 5)), "Net-(R1-Pad2) [R1.2 R2.2]", false},
		{"two names of a bus, by place", three(bus2(5, 20, 40, 20), text("label", "D[0..3]", 6, 20), text("label", "E[4..7]", 7, 20), text("label", "D1", 10, 5), text("label", "E5", 20, 5)), "/D1 [R1.2 R2.2]", false},
		{"two names of a group, by name", three(bus2(5, 20, 40, 20), text("label", "P{X Y}", 6, 20), text("label", "Q{Y X}", 7, 20), text("label", "P.X", 10, 5), text("label", "Q.X", 20, 5)), "/P.X [R1.2 R2.2]", false},
		{"an alias", three(bus2(5, 20, 40, 20), text("label", "M{MEM}", 6, 20), bus2(5, 22, 40, 22), text("label", "N{MEM}", 6, 22), wire(40, 20, 40, 22), bus2(40, 20, 40, 22), text("label", "M.A1", 10, 5), text("label", "N.A1", 20, 5)), "/M.A1 [R1.2 R2.2]", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			n, err := ReadNetlist(t.Context(), "t.kicad_sch", []byte(tt.text), nil, Limits{})
			if err != nil {
				t.Fatal(err)
			}
			if got := connected(n, tt.all); got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
}

// files serves texts as sheets.
func files(texts map[string]string) Files {
	return func(name string) ([]byte, error) {
		if text, ok := texts[name]; ok {
			return []byte(text), nil
		}
		return nil, fs.ErrNotExist
	}
}

func TestHierarchy(t *testing.T) {
	const v9 = 20250114
	instances := func(paths ...string) string {
		var s strings.Builder
		for _, p := range paths {
			path, ref, _ := strings.Cut(p, "=")
			fmt.Fprintf(&s, ` (path "%s" (reference "%s") (unit 1))`, path, ref)
		}
		return `(instances (project "t"` + s.String() + `))`
	}
	child := schematic(v9,
		part1("R?", "R", 10, 4, instances("/root/a=R11", "/root/b=R21")),
		text("hierarchical_label", "IN", 10, 5), text("label", "OUT", 10, 3))
	for _, tt := range []struct {
		name  string
		root  string
		files map[string]string
		want  string
	}{
		{"one file twice, references by path", schematic(v9, sheetAt("a", "first", "c.kicad_sch", "IN"), sheetAt("b", "second", "c.kicad_sch", "OTHER")), map[string]string{"c.kicad_sch": child},
			"/first/IN [R11.2] /first/OUT [R11.1] /second/IN [R21.2] /second/OUT [R21.1]"},
		{"a sheet pin and the label of its name", schematic(v9, r("R1", 20, 3), sheetAt("a", "first", "c.kicad_sch", "IN"), sheetAt("b", "second", "c.kicad_sch")), map[string]string{"c.kicad_sch": child},
			"/first/IN [R1.1 R11.2] /first/OUT [R11.1] /second/IN [R21.2] /second/OUT [R21.1] unconnected-(R1-Pad2) [R1.2]"},
		{"a label above names the net below", schematic(v9, r("R1", 20, 3), text("label", "TOP", 20, 2), sheetAt("a", "first", "c.kicad_sch", "IN"), sheetAt("b", "second", "c.kicad_sch")), map[string]string{"c.kicad_sch": child},
			"/TOP [R1.1 R11.2] /first/OUT [R11.1] /second/IN [R21.2] /second/OUT [R21.1] unconnected-(R1-Pad2) [R1.2]"},
		{"a sheet pin is no label", schematic(v9, r("R1", 40, 3), text("label", "IN", 40, 2), sheetAt("a", "first", "c.kicad_sch", "IN")), map[string]string{"c.kicad_sch": child},
			"/IN [R1.1] /first/IN [R11.2] /first/OUT [R11.1] unconnected-(R1-Pad2) [R1.2]"},
		{"global names reach all sheets", schematic(v9, r("R1", 40, 3), text("global_label", "G", 40, 2), sheetAt("a", "x", "c.kicad_sch")), map[string]string{"c.kicad_sch": schematic(v9, r("R2", 4, 3), text("global_label", "G", 4, 2), text("label", "L", 4, 2))},
			"G [R1.1 R2.1] unconnected-(R1-Pad2) [R1.2] unconnected-(R2-Pad2) [R2.2]"},
		{"buses through sheet pins, by place", schematic(v9, r("R1", 40, 3), text("label", "A1", 40, 2), bus2(20, 2, 30, 2), text("label", "A[0..3]", 30, 2), sheetAt("a", "x", "c.kicad_sch", "D[4..7]")),
			map[string]string{"c.kicad_sch": schematic(v9, r("R2", 4, 3), text("label", "D5", 4, 2), bus2(8, 8, 12, 8), text("hierarchical_label", "D[4..7]", 8, 8))},
			"/A1 [R1.1 R2.1] unconnected-(R1-Pad2) [R1.2] unconnected-(R2-Pad2) [R2.2]"},
		{"a bus that only a sheet pin names", schematic(v9, r("R1", 40, 3), text("label", "D5", 40, 2), bus2(20, 2, 30, 2), sheetAt("a", "x", "c.kicad_sch", "D[4..7]")),
			map[string]string{"c.kicad_sch": schematic(v9, r("R2", 4, 3), text("label", "D5", 4, 2), bus2(8, 8, 12, 8), text("hierarchical_label", "D[4..7]", 8, 8))},
			"/x/D5 [R1.1 R2.1] unconnected-(R1-Pad2) [R1.2] unconnected-(R2-Pad2) [R2.2]"},
		{"text variables of the sheet and of the project", schematic(v9, r("R1", 40, 3), text("label", "first_9", 40, 2), r("R2", 50, 3), text("global_label", "first_9", 50, 2), sheetAt("a", "first", "c.kicad_sch")),
			map[string]string{"c.kicad_sch": schematic(v9, r("R3", 4, 3), text("global_label", "${SHEETNAME}_${N}", 4, 2)), "t.kicad_pro": `{"text_variables": {"N": "9"}}`},
			"first_9 [R1.1 R2.1 R3.1] unconnected-(R1-Pad2) [R1.2] unconnected-(R2-Pad2) [R2.2] unconnected-(R3-Pad2) [R3.2]"},
		{"a sheet that is not on the board", schematic(v9, r("R1", 40, 3), strings.Replace(sheetAt("a", "x", "c.kicad_sch"), `(uuid "a")`, `(uuid "a") (on_board no)`, 1)), map[string]string{"c.kicad_sch": child},
			"unconnected-(R1-Pad1) [R1.1] unconnected-(R1-Pad2) [R1.2]"},
		{"files beside the sheet's own", schematic(v9, sheetAt("a", "x", "sub/c.kicad_sch")), map[string]string{"sub/c.kicad_sch": schematic(v9, sheetAt("b", "y", "d.kicad_sch")), "sub/d.kicad_sch": schematic(v9, r("R1", 4, 4), text("label", "L", 4, 5))},
			"/x/y/L [R1.2] unconnected-(R1-Pad1) [R1.1]"},
		{"KiCad 6: references in the root, properties in the user's language",
			strings.NewReplacer("Sheetname", "Nom feuille", "Sheetfile", "Fichier de feuille").Replace(schematic(20211123, sheetAt("a", "x", "c.kicad_sch"))) + "",
			map[string]string{"c.kicad_sch": schematic(20211123, part1("R?", "R", 4, 4, "(uuid s1)"))},
			"unconnected-(R7-Pad1) [R7.1] unconnected-(R7-Pad2) [R7.2]"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			root := strings.TrimSuffix(tt.root, ")") + `(symbol_instances (path "/a/s1" (reference "R7") (unit 1))))`
			n, err := ReadNetlist(t.Context(), "some/where/t.kicad_sch", []byte(root), files(tt.files), Limits{})
			if err != nil {
				t.Fatal(err)
			}
			if got := connected(n, true); got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
}

func TestParts(t *testing.T) {
	n, err := ReadNetlist(t.Context(), "t.kicad_sch", []byte(schematic(20250114,
		`(symbol (lib_id "t:U") (at 0 0 0) (unit 2) (property "Reference" "U2") (property "Value" "second") (property "Footprint" "L:F"))`,
		`(symbol (lib_id "t:U") (at 50 0 0) (unit 1) (property "Reference" "U2") (property "Value" "${A} x{slash}y"))`,
		`(symbol (lib_id "t:R") (at 90 0 0) (property "Reference" "R10") (property "Value" "~"))`,
		`(symbol (lib_id "t:R") (at 99 0 0) (property "Reference" "R9") (property "Value" "${SERIES} Ω") (property "Series" "E24"))`,
		`(symbol (lib_id "t:R") (at 120 0 0) (on_board no) (property "Reference" "R1") (property "Value" "1k"))`,
		`(symbol (lib_id "x:none") (at 130 0 0) (property "Reference" "R2") (property "Value" "1k"))`,
		power("GND", 100, 100))), nil, Limits{})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := fmt.Sprintf("%q", n.Components), `[{"R9" "E24 Ω" "" "t:R"} {"R10" "" "" "t:R"} {"U2" "${A} x/y" "L:F" "t:U"}]`; got != want {
		t.Errorf("components %s\nwant       %s", got, want)
	}
	if len(n.Warnings) != 1 || !strings.Contains(n.Warnings[0], `symbol R2 is left out: "x:none"`) {
		t.Errorf("warnings %q", n.Warnings)
	}
}

// TestKiCad10 reads what KiCad 10 has added.
func TestKiCad10(t *testing.T) {
	const library = `(lib_symbols
 (symbol "t:J" (duplicate_pin_numbers_are_jumpers no) (jumper_pin_groups ("1" "3"))
  (symbol "J_1_1" (pin passive line (at 0 0 0) (length 0) (name "~") (number "1")) (pin passive line (at 0 2.54 0) (length 0) (name "~") (number "[3,5-7]")) (pin passive line (at 0 5.08 0) (length 0) (name "~") (number "3"))))
 (symbol "t:L" (power local) (symbol "L_1_1" (pin power_in line (at 0 0 270) (length 0) (name "L") (number "1")))))`
	local := `(symbol (lib_id "t:L") (at 0 0 0) (property "Reference" "#PWR1") (property "Value" "VLOC"))`
	j := func(ref string) string {
		return fmt.Sprintf(`(symbol (lib_id "t:J") (at 0 0 0) (property "Reference" "%s") (property "Value" "J"))`, ref)
	}
	sch := func(version int, items ...string) string {
		return fmt.Sprintf("(kicad_sch (version %d) %s %s)", version, library, strings.Join(items, ""))
	}
	n, err := ReadNetlist(t.Context(), "t", []byte(sch(20251028, j("J1"), local, sheetAt("a", "x", "c.kicad_sch"))), files(map[string]string{"c.kicad_sch": sch(20251028, j("J2"), local)}), Limits{})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := connected(n, true), "/VLOC [J1.1 J1.3] /x/VLOC [J2.1 J2.3] unconnected-(J1-Pad3) [J1.3 J1.5 J1.6 J1.7] unconnected-(J2-Pad3) [J2.3 J2.5 J2.6 J2.7]"; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if n, err = ReadNetlist(t.Context(), "t", []byte(sch(20250114, j("J1"))), nil, Limits{}); err != nil || !strings.Contains(connected(n, true), "[J1.[3,5-7]]") {
		t.Errorf("KiCad 9 has no stacked pins: %v, %v", connected(n, true), err)
	}
}

func TestRefuses(t *testing.T) {
	const v9 = 20250114
	loop := map[string]string{"c.kicad_sch": schematic(v9, sheetAt("b", "y", "d.kicad_sch")), "d.kicad_sch": schematic(v9, sheetAt("c", "z", "c.kicad_sch"))}
	for _, tt := range []struct{ name, text, want string }{
		{"prose", "R1 is connected to R2", "line 1:"},
		{"another file", "(kicad_pcb (version 1))", "begins with (kicad_pcb, want (kicad_sch"},
		{"KiCad 5", "EESchema Schematic File Version 4\n", "KiCad 5 or older"},
		{"cut off", "(kicad_sch (version 20250114)\n (wire (pts (xy 1 2)", `line 2: "(" without ")"`},
		{"half a wire", "(kicad_sch\n\n(wire (pts (xy 1 2))))", "line 3: a wire of 1 points"},
		{"a wire of words", "(kicad_sch (wire (pts (xy 1 2) (xy 1 up))))", "element 2 is not a number"},
		{"a coordinate", "(kicad_sch (junction (at 1e300 0)))", "the coordinate is too large"},
		{"an angle", schematic(v9, strings.Replace(r("R1", 4, 4), "10.16)", "10.16 45)", 1)), "turned by 45 degrees, want 0, 90, 180 or 270"},
		{"a symbol nowhere", `(kicad_sch (symbol (lib_id "t:R")))`, "without (at x y)"},
		{"a missing file", schematic(v9, sheetAt("a", "x", "none.kicad_sch")), `sheet "x": file does not exist`},
		{"a file outside", schematic(v9, sheetAt("a", "x", "../c.kicad_sch")), `"../c.kicad_sch" is not in the schematic's folder`},
		{"a file at the root", schematic(v9, sheetAt("a", "x", "/etc/passwd")), `"/etc/passwd" is not in the schematic's folder`},
		{"a file of Windows", schematic(v9, sheetAt("a", "x", `C:\\c.kicad_sch`)), `is not in the schematic's folder`},
		{"a sheet in itself", schematic(v9, sheetAt("a", "x", "t.kicad_sch")), "t.kicad_sch contains itself"},
		{"a loop of sheets", schematic(v9, sheetAt("a", "x", "c.kicad_sch")), "c.kicad_sch contains itself"},
		{"a wide bus", schematic(v9, text("label", "D[0..999999999]", 4, 4)), "beyond the limits: the bus D[0..999999999] has too many members"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := ReadNetlist(t.Context(), "t.kicad_sch", []byte(tt.text), files(loop), Limits{})
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, want %q", err, tt.want)
			}
		})
	}
	if _, err := ReadNetlist(t.Context(), "t", []byte(schematic(v9, sheetAt("a", "x", "c"))), nil, Limits{}); err == nil || !strings.Contains(err.Error(), "its file c is not at hand") {
		t.Errorf("without files: %v", err)
	}
}

// TestHostile reads what is made to take long or much memory.
func TestHostile(t *testing.T) {
	const v9 = 20250114
	two := map[string]string{}
	for i := range 30 { // 2^30 sheets
		two[fmt.Sprintf("c%d.kicad_sch", i)] = schematic(v9, sheetAt("a", "a", fmt.Sprintf("c%d.kicad_sch", i+1)), sheetAt("b", "b", fmt.Sprintf("c%d.kicad_sch", i+1)))
	}
	two["v.kicad_sch"] = schematic(v9, text("label", "${SHEETNAME}${SHEETNAME}", 1, 1))
	var many, fan, pile, variables strings.Builder
	for i := range 200_000 {
		many.WriteString(wire(i%1000, i/1000, i%1000+1, i/1000))
		fmt.Fprintf(&pile, "(wire (pts (xy %d 0) (xy %d 0)))(label A (at %d 0))", i%20_000, i%20_000+20_000, i%20_000)
	}
	for i := range 20_000 {
		fmt.Fprintf(&fan, "(wire (pts (xy 0 0) (xy %d %d)))", i+1, 20_011-i)
		fmt.Fprintf(&fan, "(junction (at %d.1 3))", i)
	}
	for range 10_000 {
		variables.WriteString("${A}${A}${A}${A}")
	}
	for _, tt := range []struct {
		name, text string
		limit      bool
	}{
		{"wires", schematic(v9, many.String()), false},
		{"wires and labels on one line", schematic(v9, pile.String()), false},
		{"wires of all directions", schematic(v9, fan.String()), true},
		{"sheets in sheets", schematic(v9, sheetAt("a", "x", "c0.kicad_sch")), true},
		{"text variables", schematic(v9, text("label", variables.String(), 1, 1), sheetAt("a", variables.String(), "v.kicad_sch")), false},
		{"depth", strings.Repeat("(", 1_000_000), true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			start := time.Now()
			_, err := ReadNetlist(t.Context(), "t.kicad_sch", []byte(tt.text), files(two), Limits{})
			if took := time.Since(start); took > 30*time.Second {
				t.Errorf("took %v", took)
			}
			if tt.limit && err == nil || !tt.limit && err != nil {
				t.Errorf("error %v, a limit is wanted: %t", err, tt.limit)
			}
			if tt.name == "sheets in sheets" && !errors.Is(err, ErrLimit) {
				t.Errorf("error %v is no limit", err)
			}
		})
	}
}

func FuzzReadNetlist(f *testing.F) {
	child := schematic(20250114, part1("R2", "R", 10, 4, ""), text("hierarchical_label", "D[0..3]", 10, 5), text("label", "M{MEM}", 10, 3))
	f.Add([]byte(schematic(20250114, r("R1", 4, 4), wire(4, 5, 9, 5), sheetAt("a", "x", "c.kicad_sch", "D[0..3]"), junction(4, 5), entry(4, 5, 1, 1), bus2(5, 6, 7, 6))))
	f.Add([]byte(schematic(20211123, part1("U1", "U", 4, 4, "(unit 2) (mirror x)"), text("label", "~{A}[1..2]P", 4, 4), text("global_label", "P{A ~{B} C[0..1]}", 4, 5), noConnect(4, 4))))
	f.Fuzz(func(t *testing.T, text []byte) {
		l := Limits{Files: 4, Sheets: 8, Items: 1 << 14, BusMembers: 1 << 10}
		l.Text.Nodes, l.Text.Depth = 1<<14, 32
		n, err := ReadNetlist(t.Context(), "t.kicad_sch", text, files(map[string]string{"c.kicad_sch": child, "child.kicad_sch": child}), l)
		if err != nil {
			return
		}
		seen := map[string]bool{}
		for _, net := range n.Nets {
			if len(net.Pins) == 0 || seen[net.Name] {
				t.Errorf("net %q has %d pins, or is there twice", net.Name, len(net.Pins))
			}
			seen[net.Name] = true
		}
		if s := ComparePins(n, n); s.F1 != 1 || s.EqualNets != s.GotNets {
			t.Errorf("compared with itself: %+v", s)
		}
	})
}
