package kicad

import (
	"bytes"
	"fmt"
	"math"
	"strings"

	"github.com/ailiance/lorabench/scorers/sexpr"
)

// Versions of the format at which a meaning changed.
const (
	instancesInSymbols = 20221002 // references by sheet stand in the symbols, not in the root
	trimmedValues      = 20230121 // spaces around a value are none of it before
	powerByValue       = 20230221 // a power symbol's net is its value, not its hidden pin's name
	stackedNumbers     = 20250115 // a pin numbered [1,3-5] is four pins (KiCad 10)
)

// point is a place on a sheet in units of 100 nm.
type point struct{ x, y int32 }

// maxCoordinate is 53 m: sums of two and products of two sums still fit.
const maxCoordinate = 1 << 29

type segment struct{ a, b point }

// screen is what one file holds of what connects.
type screen struct {
	name       string // the file, for messages
	version    int
	uuid       string
	wires      []segment
	buses      []segment
	entries    []segment
	junctions  []point
	noConnects []point
	labels     []label
	sheets     []sheet
	symbols    []symbol
	library    map[string]*librarySymbol
	aliases    map[string][]string  // of buses
	instances  map[string]reference // by path, of KiCad 6
	titles     map[string]string    // of the title block, as text variables
	warnings   []string
	layout     *layout
}

type labelKind uint8

const (
	localLabel labelKind = iota
	hierarchicalLabel
	globalLabel
)

type label struct {
	kind labelKind
	text string
	at   point
}

// sheet is the symbol of another file.
type sheet struct {
	uuid    string
	name    string
	file    string
	onBoard bool
	fields  map[string]string
	pages   map[string]string // by path
	pins    []sheetPin
}

type sheetPin struct {
	name   string
	at     point
	output bool
}

type symbol struct {
	uuid         string
	library      string // the name in screen.library
	libID        string
	at           point
	rotation     int // 0 to 3 quarter turns
	mirrorX      bool
	mirrorY      bool
	unit, style  int
	onBoard      bool
	ref          string
	value        string
	footprint    string
	fields       map[string]string // only where the value has text variables
	alternates   map[string]string // by pin number
	references   map[string]reference
	first        reference // of references
	hasReference bool
}

// reference is what a symbol is called on one of the sheets that show it. KiCad 6
// has also written a value there; newer ones do not read it.
type reference struct {
	ref  string
	unit int
}

// items is how many things there are to connect.
func (s *screen) items() int {
	n := len(s.wires) + len(s.buses) + len(s.entries) + len(s.junctions) + len(s.noConnects) + len(s.labels) + len(s.symbols)
	for _, t := range s.sheets {
		n += 1 + len(t.pins)
	}
	for _, t := range s.symbols {
		if lib := s.library[t.library]; lib != nil {
			n += len(lib.pins)
		}
	}
	return n
}

// screenReader reads one file. The first error stays.
type screenReader struct {
	*screen
	err error
}

func (r *screenReader) fail(at sexpr.Node, format string, args ...any) {
	if r.err == nil {
		r.err = fmt.Errorf("%s: line %d: %s", r.name, at.Line(), fmt.Sprintf(format, args...))
	}
}

// readScreen reads a schematic file.
func readScreen(name string, text []byte, l sexpr.Limits) (*screen, error) {
	if bytes.HasPrefix(bytes.TrimLeft(text, "\ufeff \t\r\n"), []byte("EESchema")) {
		return nil, fmt.Errorf("%s: a schematic of KiCad 5 or older: open and save it with KiCad 6 or newer", name)
	}
	d, err := sexpr.Parse(text, l)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	root := d.Root()
	if !root.Is("kicad_sch") {
		return nil, fmt.Errorf("%s: begins with (%s, want (kicad_sch", name, root.Head())
	}
	s := &screen{name: name, library: map[string]*librarySymbol{}, aliases: map[string][]string{}, titles: map[string]string{}, instances: map[string]reference{}}
	r := &screenReader{screen: s}
	if v, ok := root.List("version").Float(1); ok && v >= 0 && v < 1e9 {
		s.version = int(v)
	}
	for e := range root.Lists("") {
		r.item(e)
		if r.err != nil {
			return nil, r.err
		}
	}
	s.inherit()
	return s, nil
}

func (r *screenReader) item(e sexpr.Node) {
	switch e.Head() {
	case "uuid":
		r.uuid, _ = e.Atom(1)
	case "title_block":
		r.titleBlock(e)
	case "lib_symbols":
		for t := range e.Lists("symbol") {
			r.librarySymbol(t)
		}
	case "bus_alias":
		r.busAlias(e)
	case "wire":
		r.wires = r.segments(r.wires, e)
	case "bus":
		r.buses = r.segments(r.buses, e)
	case "bus_entry":
		at, size := r.at(e), e.List("size")
		to := point{at.x + r.number(size, 1), at.y + r.number(size, 2)}
		if outside(to.x) || outside(to.y) {
			r.fail(e, "a coordinate of the bus entry is too large")
		}
		r.entries = append(r.entries, segment{at, to})
	case "junction":
		r.junctions = append(r.junctions, r.at(e))
	case "no_connect":
		r.noConnects = append(r.noConnects, r.at(e))
	case "label":
		r.label(localLabel, e)
	case "hierarchical_label":
		r.label(hierarchicalLabel, e)
	case "global_label":
		r.label(globalLabel, e)
	case "sheet":
		r.sheet(e)
	case "symbol":
		r.symbol(e)
	case "symbol_instances":
		for p := range e.Lists("path") {
			path, _ := p.Atom(1)
			ref := reference{ref: p.Value("reference"), unit: whole(p.List("unit"), 1)}
			r.instances[path] = ref
		}
	}
}

func outside(v int32) bool { return v > maxCoordinate || v < -maxCoordinate }

// number reads millimetres. A missing number is an error.
func (r *screenReader) number(n sexpr.Node, k int) int32 {
	v, ok := n.Float(k)
	if !ok {
		r.fail(n, "(%s …): element %d is not a number", n.Head(), k)
		return 0
	}
	v = math.Round(v * 1e4)
	if !(math.Abs(v) <= maxCoordinate) {
		r.fail(n, "(%s …): the coordinate is too large", n.Head())
		return 0
	}
	return int32(v)
}

func (r *screenReader) xy(n sexpr.Node) point { return point{r.number(n, 1), r.number(n, 2)} }

// at reads the (at x y) of n.
func (r *screenReader) at(n sexpr.Node) point {
	at := n.List("at")
	if !at.Valid() {
		r.fail(n, "(%s …) has no (at x y)", n.Head())
		return point{}
	}
	return r.xy(at)
}

// quarters reads the third number of an (at x y angle) as quarter turns.
func (r *screenReader) quarters(at sexpr.Node) int {
	if !at.Element(3).Valid() {
		return 0
	}
	v, ok := at.Float(3)
	turns := v / 90
	if !ok || turns != math.Trunc(turns) || math.Abs(turns) > 1e6 {
		r.fail(at, "turned by %s degrees, want 0, 90, 180 or 270", at.Element(3).Text())
		return 0
	}
	return (int(turns)%4 + 4) % 4
}

// whole reads the k-th element as a whole number from 0, or gives 0.
func whole(n sexpr.Node, k int) int {
	v, ok := n.Float(k)
	if !ok || v < 0 || v > 1e9 || v != math.Trunc(v) {
		return 0
	}
	return int(v)
}

func (r *screenReader) segments(to []segment, e sexpr.Node) []segment {
	var last point
	n := 0
	for p := range e.List("pts").Lists("xy") {
		next := r.xy(p)
		if n > 0 {
			to = append(to, segment{last, next})
		}
		last = next
		n++
	}
	if n < 2 {
		r.fail(e, "a %s of %d points, want 2", e.Head(), n)
	}
	return to
}

func (r *screenReader) label(kind labelKind, e sexpr.Node) {
	text, ok := e.Atom(1)
	if !ok {
		r.fail(e, "a label without a text")
	}
	r.labels = append(r.labels, label{kind, text, r.at(e)})
}

func (r *screenReader) titleBlock(e sexpr.Node) {
	for t := range e.Lists("") {
		text, _ := t.Atom(1)
		switch t.Head() {
		case "title":
			r.titles["TITLE"] = text
		case "date":
			r.titles["ISSUE_DATE"] = text
		case "rev":
			r.titles["REVISION"] = text
		case "company":
			r.titles["COMPANY"] = text
		case "comment":
			comment, _ := t.Atom(2)
			r.titles["COMMENT"+text] = comment
		}
	}
}

func (r *screenReader) busAlias(e sexpr.Node) {
	name, _ := e.Atom(1)
	var members []string
	k := 0
	for m := range e.List("members").Elements() {
		if k > 0 && !m.IsList() {
			members = append(members, m.Text())
		}
		k++
	}
	r.aliases[name] = members
}

func (r *screenReader) sheet(e sexpr.Node) {
	t := sheet{onBoard: true, fields: map[string]string{}}
	var corner, extent point
	properties := 0
	for c := range e.Lists("") {
		switch c.Head() {
		case "uuid":
			t.uuid, _ = c.Atom(1)
		case "at":
			corner = r.xy(c)
		case "size":
			extent = r.xy(c)
		case "on_board":
			v, _ := c.Atom(1)
			t.onBoard = v != "no"
		case "property":
			name, value := field(c)
			// KiCad 6 wrote the names of the first two in the user's language.
			switch {
			case name == "Sheetname", properties == 0 && name != "Sheetfile":
				t.name, name = value, "SHEETNAME"
			case name == "Sheetfile", properties == 1:
				t.file, name = value, "SHEETFILE"
			}
			t.fields[name] = value
			properties++
		case "pin":
			name, _ := c.Atom(1)
			kind, _ := c.Atom(2)
			at := r.at(c)
			switch r.quarters(c.List("at")) { // the side of the sheet that it is on
			case 0:
				at.x = corner.x + extent.x
			case 1:
				at.y = corner.y
			case 2:
				at.x = corner.x
			case 3:
				at.y = corner.y + extent.y
			}
			t.pins = append(t.pins, sheetPin{name, at, kind == "output"})
		case "instances":
			for project := range c.Lists("project") {
				for p := range project.Lists("path") {
					if t.pages == nil {
						t.pages = map[string]string{}
					}
					path, _ := p.Atom(1)
					t.pages[path] = p.Value("page")
				}
			}
		}
	}
	if t.file == "" {
		r.fail(e, "a sheet without a file name")
	}
	r.sheets = append(r.sheets, t)
}

// field reads a property's name and value. KiCad 9 may write "private" first.
func field(n sexpr.Node) (name, value string) {
	name, _ = n.Atom(1)
	value, _ = n.Atom(2)
	if name == "private" && !n.Element(1).Quoted() {
		name = value
		value, _ = n.Atom(3)
	}
	return name, value
}

func (r *screenReader) symbol(e sexpr.Node) {
	t := symbol{unit: 1, style: 1, onBoard: true}
	libName, primitive, model := "", "", ""
	var fields []sexpr.Node
	placed := false
	for c := range e.Lists("") {
		switch c.Head() {
		case "uuid":
			t.uuid, _ = c.Atom(1)
		case "lib_id":
			t.libID, _ = c.Atom(1)
		case "lib_name":
			libName, _ = c.Atom(1)
		case "at":
			t.at, t.rotation, placed = r.xy(c), r.quarters(c), true
		case "mirror":
			v, _ := c.Atom(1)
			t.mirrorX, t.mirrorY = strings.Contains(v, "x"), strings.Contains(v, "y")
		case "unit":
			t.unit = max(whole(c, 1), 1)
		case "convert", "body_style":
			t.style = max(whole(c, 1), 1)
		case "on_board":
			v, _ := c.Atom(1)
			t.onBoard = v != "no"
		case "property":
			fields = append(fields, c)
			switch name, value := field(c); name {
			case "Reference":
				t.ref = value
			case "Value":
				t.value = value
			case "Footprint":
				t.footprint = value
			case "Spice_Primitive":
				primitive = value
			case "Spice_Model":
				model = value
			}
		case "pin":
			if alternate := c.Value("alternate"); alternate != "" {
				if t.alternates == nil {
					t.alternates = map[string]string{}
				}
				number, _ := c.Atom(1)
				t.alternates[number] = alternate
			}
		case "instances":
			for project := range c.Lists("project") {
				for p := range project.Lists("path") {
					t.addReference(p)
				}
			}
		}
	}
	if !placed {
		r.fail(e, "a symbol without (at x y)")
	}
	if r.version < trimmedValues {
		t.value = strings.TrimSpace(t.value)
	}
	// KiCad 7 and newer read the sources of KiCad 6's simulator so.
	if volts, ok := strings.CutPrefix(model, "dc "); ok && (primitive == "V" || primitive == "I") && !strings.Contains(volts, " ") {
		t.value = volts
	}
	t.library = libName
	if libName == "" {
		t.library = t.libID
	}
	if strings.Contains(t.value, "${") {
		t.fields = map[string]string{}
		for _, c := range fields {
			name, value := field(c)
			t.fields[strings.ToUpper(name)] = value
		}
	}
	r.symbols = append(r.symbols, t)
}

func (t *symbol) addReference(p sexpr.Node) {
	path, _ := p.Atom(1)
	ref := reference{ref: p.Value("reference"), unit: whole(p.List("unit"), 1)}
	if t.references == nil {
		t.references = map[string]reference{}
		t.first, t.hasReference = ref, true
	}
	t.references[path] = ref
}
