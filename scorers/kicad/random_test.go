package kicad

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

var randomSeeds = flag.Int("random", 40, "how many random schematics are held against -cli")

// drawing writes one random schematic file. Coordinates are grid steps.
type drawing struct {
	*rand.Rand
	paths    []string // of the sheet, where it is used
	uuids    int
	file     int
	wires    [][4]int
	buses    [][4]int
	pins     map[[2]int]int // how many at a point
	parts    int
	text     []string
	children []string // names of files
	ports    []port
}

// port is where a sheet's pin may be: a line ends there.
type port struct {
	y   int
	bus bool
}

const edge = 1 // of the sheets, where their pins are

// openPorts leads lines to the sheets' edge.
func (d *drawing) openPorts() {
	for _, list := range []*[][4]int{&d.wires, &d.buses} {
		for _, o := range *list {
			s := [4]int{edge, o[3], o[2], o[3]}
			if d.IntN(3) == 0 && free(d.wires, s) && free(d.buses, s) {
				*list = append(*list, s)
				d.ports = append(d.ports, port{o[3], list == &d.buses})
			}
		}
	}
}

const rootUUID = "11111111-0000-4000-8000-000000000000"

func (d *drawing) uuid() string {
	d.uuids++
	return fmt.Sprintf("0000000%d-0000-4000-8000-%012d", d.file, d.uuids)
}

func mm(v int) string { return fmt.Sprintf("%g", float64(v)*2.54) }

func (d *drawing) add(format string, args ...any) {
	d.text = append(d.text, fmt.Sprintf(format, args...))
}

const randomLibrary = `(lib_symbols
 (symbol "t:R" (in_bom yes) (on_board yes) (property "Reference" "R" (at 0 0 0)) (property "Value" "R" (at 0 0 0))
  (symbol "R_1_1" (pin passive line (at 0 2.54 270) (length 1.27) (name "~") (number "1")) (pin passive line (at 0 -2.54 90) (length 1.27) (name "~") (number "2"))))
 (symbol "t:U" (in_bom yes) (on_board yes) (property "Reference" "U" (at 0 0 0)) (property "Value" "U" (at 0 0 0))
  (symbol "U_0_1" (pin power_in line (at 0 -5.08 90) (length 0) (hide yes) (name "VSS") (number "7")))
  (symbol "U_1_1" (pin input line (at -5.08 0 0) (length 2.54) (name "IN") (number "1")) (pin output line (at 5.08 0 180) (length 2.54) (name "OUT") (number "2")))
  (symbol "U_2_1" (pin input line (at -5.08 2.54 0) (length 2.54) (name "IN") (number "3")) (pin output line (at 5.08 0 180) (length 2.54) (name "OUT") (number "4")) (pin no_connect line (at 0 5.08 270) (length 2.54) (name "NC") (number "5")))
  (symbol "U_2_2" (pin input line (at -5.08 -2.54 0) (length 2.54) (name "IN") (number "3")) (pin output line (at 5.08 2.54 180) (length 2.54) (name "OUT") (number "4"))))
 (symbol "t:K" (in_bom yes) (on_board yes) (property "Reference" "K" (at 0 0 0)) (property "Value" "K" (at 0 0 0))
  (symbol "K_1_1" (pin power_in line (at 0 2.54 270) (length 0) (name "VDD") (number "1")) (pin power_in line (at 0 2.54 270) (length 0) (hide yes) (name "VDD") (number "2")) (pin bidirectional line (at 2.54 0 180) (length 0) (name "A/B") (number "A3")  (alternate "X" no_connect line)  (alternate "Y" input line))  (pin bidirectional line (at -2.54 0 0) (length 0) (name "A/B") (number "A4"))))
 (symbol "t:GND" (power) (in_bom yes) (on_board yes) (property "Reference" "#PWR" (at 0 0 0)) (property "Value" "GND" (at 0 0 0))
  (symbol "GND_1_1" (pin power_in line (at 0 0 270) (length 0) (name "GND") (number "1"))))
 (symbol "t:FLAG" (power) (in_bom yes) (on_board yes) (property "Reference" "#FLG" (at 0 0 0)) (property "Value" "FLAG" (at 0 0 0))
  (symbol "FLAG_1_1" (pin power_out line (at 0 0 270) (length 0) (name "pwr") (number "1"))))
)`

// pinsOf are the pins of the library's symbols in grid steps, y up, by unit.
func pinsOf(lib string, unit, style int) [][2]int {
	switch lib {
	case "R":
		return [][2]int{{0, 1}, {0, -1}}
	case "U":
		pins := [][2]int{}
		if style == 1 {
			pins = append(pins, [2]int{0, -2})
		}
		switch {
		case unit == 1 && style == 1:
			pins = append(pins, [2]int{-2, 0}, [2]int{2, 0})
		case unit == 2 && style == 1:
			pins = append(pins, [2]int{-2, 1}, [2]int{2, 0}, [2]int{0, 2})
		case unit == 2:
			pins = append(pins, [2]int{-2, -1}, [2]int{2, 1})
		}
		return pins
	case "K":
		return [][2]int{{0, 1}, {0, 1}, {1, 0}, {-1, 0}}
	}
	return [][2]int{{0, 0}}
}

const size = 26 // of a sheet in grid steps

func (d *drawing) at() (x, y int) { return 4 + d.IntN(size), 4 + d.IntN(size) }

func (d *drawing) symbols() {
	for range 3 + d.IntN(10) {
		lib := []string{"R", "R", "R", "U", "K", "GND", "GND", "FLAG"}[d.IntN(8)]
		unit, style := 1, 1
		if lib == "U" {
			unit = 1 + d.IntN(2)
			if unit == 2 && d.IntN(3) == 0 {
				style = 2
			}
		}
		x, y := d.at()
		turn := d.IntN(4)
		mirror := []string{"", "", "x", "y"}[d.IntN(4)]
		for _, p := range pinsOf(lib, unit, style) {
			s := symbol{rotation: turn, mirrorX: mirror == "x", mirrorY: mirror == "y"}
			q := s.place(point{int32(p[0]), int32(p[1])})
			d.pins[[2]int{x + int(q.x), y + int(q.y)}]++
		}
		d.parts++
		value := lib
		if lib == "GND" {
			value = []string{"GND", "VDD", "A"}[d.IntN(3)]
		}
		prefix := lib
		switch lib {
		case "GND":
			prefix = "#PWR"
		case "FLAG":
			prefix = "#FLG"
		}
		var instances strings.Builder
		for i, path := range d.paths {
			fmt.Fprintf(&instances, ` (path "%s" (reference "%s%d%02d") (unit %d))`, path, prefix, 1+d.file*10+i, d.parts, unit)
		}
		extra := ""
		if mirror != "" {
			extra += " (mirror " + mirror + ")"
		}
		if d.IntN(12) == 0 {
			extra += " (on_board no)"
		} else {
			extra += " (on_board yes)"
		}
		pin := ""
		if lib == "K" && d.IntN(2) == 0 {
			pin = fmt.Sprintf(`(pin "A3" (uuid "%s") (alternate "%s"))`, d.uuid(), []string{"X", "Y"}[d.IntN(2)])
		}
		d.add(`(symbol (lib_id "t:%s") (at %s %s %d)%s (unit %d) (convert %d) (in_bom yes) (dnp no) (uuid "%s") (property "Reference" "%s%d" (at 0 0 0)) (property "Value" "%s" (at 0 0 0)) %s (instances (project "t"%s)))`,
			lib, mm(x), mm(y), turn*90, extra, unit, style, d.uuid(), prefix, d.parts, value, pin, instances.String())
	}
}

// free reports whether a new line neither lies on nor continues another.
func free(list [][4]int, s [4]int) bool {
	for _, o := range list {
		if s[0] == s[2] && o[0] == o[2] && s[0] == o[0] && max(s[1], s[3]) >= min(o[1], o[3]) && max(o[1], o[3]) >= min(s[1], s[3]) {
			return false
		}
		if s[1] == s[3] && o[1] == o[3] && s[1] == o[1] && max(s[0], s[2]) >= min(o[0], o[2]) && max(o[0], o[2]) >= min(s[0], s[2]) {
			return false
		}
	}
	return true
}

func (d *drawing) lines(n int, list [][4]int, from [][2]int) [][4]int {
	for range n {
		x, y := d.at()
		if len(from) > 0 && d.IntN(3) > 0 {
			p := from[d.IntN(len(from))]
			x, y = p[0], p[1]
		} else if len(list) > 0 && d.IntN(2) == 0 {
			o := list[d.IntN(len(list))]
			x, y = o[2], o[3]
		}
		s := [4]int{x, y, x, y}
		s[2+d.IntN(2)] += (1 + d.IntN(8)) * (1 - 2*d.IntN(2))
		if s[2] > 2 && s[3] > 2 && free(d.wires, s) && free(d.buses, s) && free(list, s) {
			list = append(list, s)
		}
	}
	return list
}

func on(s [4]int, p [2]int) bool {
	return min(s[0], s[2]) <= p[0] && p[0] <= max(s[0], s[2]) && min(s[1], s[3]) <= p[1] && p[1] <= max(s[1], s[3])
}

// split breaks lines where KiCad would, at junctions that are drawn by chance.
func (d *drawing) split(list [][4]int, wires bool) [][4]int {
	candidates := map[[2]int]bool{}
	for i, a := range list {
		candidates[[2]int{a[0], a[1]}], candidates[[2]int{a[2], a[3]}] = true, true
		for _, b := range list[:i] {
			for _, p := range [][2]int{{a[0], b[1]}, {b[0], a[1]}} {
				if on(a, p) && on(b, p) {
					candidates[p] = true
				}
			}
		}
	}
	if wires {
		for p := range d.pins {
			candidates[p] = true
		}
	}
	points := make([][2]int, 0, len(candidates))
	for p := range candidates {
		points = append(points, p)
	}
	slices.SortFunc(points, func(a, b [2]int) int { return slices.Compare(a[:], b[:]) })
	for _, p := range points {
		exits, through := 0, false
		for _, s := range list {
			switch {
			case !on(s, p):
			case p == [2]int{s[0], s[1]} || p == [2]int{s[2], s[3]}:
				exits++
			default:
				exits += 2
				through = true
			}
		}
		if wires {
			exits += min(d.pins[p], 1)
		}
		if exits < 3 || !through && d.IntN(2) == 0 || through && d.IntN(3) == 0 {
			continue
		}
		var next [][4]int
		for _, s := range list {
			if on(s, p) && p != [2]int{s[0], s[1]} && p != [2]int{s[2], s[3]} {
				next = append(next, [4]int{s[0], s[1], p[0], p[1]}, [4]int{p[0], p[1], s[2], s[3]})
			} else {
				next = append(next, s)
			}
		}
		list = next
		d.add(`(junction (at %s %s) (diameter 0) (color 0 0 0 0) (uuid "%s"))`, mm(p[0]), mm(p[1]), d.uuid())
	}
	return list
}

func (d *drawing) along(s [4]int) (x, y int) {
	if d.IntN(2) == 0 {
		return s[2], s[3]
	}
	x, y = min(s[0], s[2]), min(s[1], s[3])
	if n := max(s[0], s[2]) - x; n > 0 {
		x += d.IntN(n + 1)
	}
	if n := max(s[1], s[3]) - y; n > 0 {
		y += d.IntN(n + 1)
	}
	return x, y
}

var (
	netTexts = []string{"A", "B", "C", "GND", "D0", "D1", "D2", "E1", "X/Y", "P.A", "P.B", "IN"}
	busTexts = []string{"D[0..3]", "D[2..1]", "E[0..3]", "{A B}", "P{A B}", "Q{B A}", "P{D[0..1] C}", "{ALIAS}"}
)

func (d *drawing) labels(root bool) {
	label := func(text string, s [4]int) {
		x, y := d.along(s)
		kind := []string{"label", "label", "label", "global_label", "hierarchical_label"}[d.IntN(5)]
		shape := ""
		if kind != "label" {
			shape = "(shape input) "
		}
		d.add(`(%s "%s" %s(at %s %s 0) (effects (font (size 1.27 1.27))) (uuid "%s"))`, kind, text, shape, mm(x), mm(y), d.uuid())
	}
	for _, s := range d.wires {
		if d.IntN(3) == 0 {
			label(netTexts[d.IntN(len(netTexts))], s)
		}
	}
	for _, s := range d.buses {
		if d.IntN(2) == 0 {
			label(busTexts[d.IntN(len(busTexts))], s)
		}
	}
}

func (d *drawing) sheets() {
	for i, file := range d.children {
		id := fmt.Sprintf("22222222-000%d-4000-8000-%012d", d.file, i+1)
		var pins strings.Builder
		used := map[string]bool{}
		for _, p := range d.ports {
			texts := netTexts
			if p.bus {
				texts = busTexts
			}
			text := texts[d.IntN(len(texts))]
			if used[text] || d.IntN(3) == 0 {
				continue
			}
			used[text] = true
			fmt.Fprintf(&pins, ` (pin "%s" %s (at %s %s 0) (effects (font (size 1.27 1.27))) (uuid "%s"))`, text, []string{"input", "output"}[d.IntN(2)], mm(edge), mm(p.y), d.uuid())
		}
		d.add(`(sheet (at %s 0) (size %s 200) (in_bom yes) (on_board yes) (dnp no) (uuid "%s") (property "Sheetname" "s%d" (at 0 0 0)) (property "Sheetfile" "%s" (at 0 0 0))%s (instances (project "t" (path "%s" (page "%d")))))`,
			mm(edge-10-i), mm(10+i), id, i, file, pins.String(), d.paths[0], i+2)
	}
}

func (d *drawing) document(uuid string) string {
	d.pins = map[[2]int]int{}
	d.symbols()
	var ends [][2]int
	for p := range d.pins {
		ends = append(ends, p)
	}
	slices.SortFunc(ends, func(a, b [2]int) int { return slices.Compare(a[:], b[:]) })
	d.wires = d.lines(6+d.IntN(20), nil, ends)
	d.buses = d.lines(d.IntN(5), nil, nil)
	if len(d.children) > 0 {
		d.openPorts()
	}
	d.wires, d.buses = d.split(d.wires, true), d.split(d.buses, false)
	for _, s := range d.wires {
		d.add(`(wire (pts (xy %s %s) (xy %s %s)) (stroke (width 0) (type default)) (uuid "%s"))`, mm(s[0]), mm(s[1]), mm(s[2]), mm(s[3]), d.uuid())
	}
	for _, s := range d.buses {
		d.add(`(bus (pts (xy %s %s) (xy %s %s)) (stroke (width 0) (type default)) (uuid "%s"))`, mm(s[0]), mm(s[1]), mm(s[2]), mm(s[3]), d.uuid())
	}
	d.labels(uuid == rootUUID)
	for _, p := range ends {
		if d.IntN(8) == 0 {
			d.add(`(no_connect (at %s %s) (uuid "%s"))`, mm(p[0]), mm(p[1]), d.uuid())
		}
	}
	d.sheets()
	return fmt.Sprintf("(kicad_sch (version 20250114) (generator \"eeschema\") (generator_version \"9.0\") (uuid \"%s\") (paper \"A4\") %s\n(bus_alias \"ALIAS\" (members \"A\" \"C\"))\n%s\n(sheet_instances (path \"/\" (page \"1\"))) (embedded_fonts no))\n",
		uuid, randomLibrary, strings.Join(d.text, "\n"))
}

// randomProject makes a root that uses one sheet twice.
func randomProject(seed uint64) map[string]string {
	r := rand.New(rand.NewPCG(seed, 1))
	root := &drawing{Rand: r, paths: []string{"/" + rootUUID}, children: []string{"child.kicad_sch", "child.kicad_sch"}}
	text := root.document(rootUUID)
	child := &drawing{Rand: r, file: 1}
	for i := range 2 {
		child.paths = append(child.paths, fmt.Sprintf("/%s/22222222-0000-4000-8000-%012d", rootUUID, i+1))
	}
	return map[string]string{"t.kicad_sch": text, "child.kicad_sch": child.document("33333333-0000-4000-8000-000000000000")}
}

// TestLaws holds that the order of what is in a file does not matter, nor where
// on the sheet it is drawn, nor how it is turned over.
func TestLaws(t *testing.T) {
	for seed := range uint64(60) {
		project := randomProject(seed)
		read := func(of map[string]string) string {
			n, err := ReadNetlist(t.Context(), "t.kicad_sch", []byte(of["t.kicad_sch"]), files(of), Limits{})
			if err != nil {
				t.Fatal(err)
			}
			return fmt.Sprint(*n)
		}
		want := read(project)
		shuffled := map[string]string{}
		for name, text := range project {
			lines := strings.Split(strings.TrimSpace(text), "\n")
			inner := lines[slices.IndexFunc(lines, func(s string) bool { return strings.HasPrefix(s, "(bus_alias") }) : len(lines)-1]
			rand.New(rand.NewPCG(seed, 2)).Shuffle(len(inner), func(i, j int) { inner[i], inner[j] = inner[j], inner[i] })
			shuffled[name] = strings.Join(lines, "\n")
		}
		if got := read(shuffled); got != want {
			t.Errorf("seed %d: in another order\ngot  %s\nwant %s", seed, got, want)
		}
		moved := map[string]string{}
		for name, text := range project {
			moved[name] = position.ReplaceAllStringFunc(text, func(s string) string {
				m := position.FindStringSubmatch(s)
				x, _ := strconv.ParseFloat(m[2], 64)
				y, _ := strconv.ParseFloat(m[3], 64)
				return fmt.Sprintf("(%s %.6f %.6f", m[1], x+17.0001, y-333.3333)
			})
			before, _, _ := strings.Cut(moved[name], "(lib_symbols")
			_, after, _ := strings.Cut(moved[name], "(bus_alias")
			moved[name] = before + randomLibrary + "(bus_alias" + after
		}
		if got := read(moved); got != want {
			t.Errorf("seed %d: moved\ngot  %s\nwant %s", seed, got, want)
		}
	}
}

var position = regexp.MustCompile(`\((at|xy) (-?[0-9.]+) (-?[0-9.]+)`)

// TestRandomSchematics holds random drawings of all that connects against a
// kicad-cli, where -cli names one. A few of a hundred differ where a drawing
// gives one net several global names: KiCad 9 then follows some of them only.
func TestRandomSchematics(t *testing.T) {
	if *cli == "" {
		t.Skip("no -cli")
	}
	nets, named, sameName, unequal := 0, 0, 0, 0
	for seed := range *randomSeeds {
		dir := t.TempDir()
		files := randomProject(uint64(seed))
		for name, text := range files {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		out := filepath.Join(dir, "t.net")
		if text, err := exec.Command(*cli, "sch", "export", "netlist", "-o", out, filepath.Join(dir, "t.kicad_sch")).CombinedOutput(); err != nil {
			t.Fatalf("seed %d: %v %s", seed, err, text)
		}
		want, err := ReadExportedNetlist(readFile(t, out))
		if err != nil {
			t.Fatal(err)
		}
		got, err := ReadNetlist(context.Background(), "t.kicad_sch", []byte(files["t.kicad_sch"]), func(name string) ([]byte, error) { return []byte(files[name]), nil }, Limits{})
		if err != nil {
			t.Fatal(err)
		}
		same, of, _, _ := namesAgree(got, want)
		nets, named, sameName = nets+len(want.Nets), named+of, sameName+same
		s := ComparePins(got, want)
		if s.GotPairs != s.CommonPairs || s.WantPairs != s.CommonPairs || s.GotPins != s.WantPins || s.CommonPins != s.WantPins {
			unequal++
			t.Logf("seed %d: %+v", seed, s)
			if *diff {
				printDifferences(t, got, want)
			}
		} else if *diff && same != of {
			t.Logf("seed %d: names", seed)
			printDifferences(t, got, want)
		}
	}
	t.Logf("%d schematics, %d unequal; %d nets, %d of %d names by hand equal", *randomSeeds, unequal, nets, sameName, named)
	if unequal > *randomSeeds/12 || sameName < named*97/100 {
		t.Error("too much is unequal")
	}
}
