package schematic

import (
	"slices"
	"strconv"
)

// A drawing's lengths are in hundredths of a millimetre, y points down.

// grid is the step of pins and wires, 1.27 mm.
const grid = 127

// Point is a place on a sheet.
type Point struct{ X, Y int }

// Segment is a wire, or a line of a bus.
type Segment struct{ A, B Point }

// Entry joins a wire to a bus: from At to At+Size.
type Entry struct{ At, Size Point }

// Label kinds, as KiCad writes them.
const (
	LocalLabel        = "label"
	GlobalLabel       = "global_label"
	HierarchicalLabel = "hierarchical_label"
)

// Label names what is at its place.
type Label struct {
	Kind  string
	Text  string
	At    Point
	Side  Side   // where the text goes
	Shape string // of global and hierarchical ones: "input"
}

// Placed is a unit of a symbol on a sheet.
type Placed struct {
	Symbol *Symbol
	Unit   int
	At     Point
	Turn   int    // degrees, counter-clockwise
	Mirror string // "", "x" or "y"
	Value  string
	Refs   []string // in each place of the sheet
	Part   int      // of the sheet's parts; -1 for power symbols
}

// SheetPin is a pin of a placed sheet.
type SheetPin struct {
	Name  string
	Shape string
	At    Point
	Side  Side
}

// SheetBox is a sheet placed on a sheet.
type SheetBox struct {
	Name, File string
	At, Size   Point
	UUID       string
	Pins       []SheetPin
	Sub        int
}

// Sheeted is a sheet as it is drawn.
type Sheeted struct {
	File       string
	Title      string
	UUID       string
	Paper      string
	Paths      []string // of the sheet's places: "/root/sub"
	Symbols    []Placed
	Wires      []Segment
	Buses      []Segment
	Entries    []Entry
	Junctions  []Point
	Labels     []Label
	NoConnects []Point
	Boxes      []SheetBox
	Texts      []Label
}

// Drawing is a design as it is drawn, the root first.
type Drawing struct {
	Sheets []*Sheeted
	Style  Style
}

// Clone returns a copy that can be changed.
func (d *Drawing) Clone() *Drawing {
	c := &Drawing{Style: d.Style}
	for _, s := range d.Sheets {
		n := *s
		n.Paths, n.Symbols = slices.Clone(s.Paths), slices.Clone(s.Symbols)
		for i := range n.Symbols {
			n.Symbols[i].Refs = slices.Clone(n.Symbols[i].Refs)
		}
		n.Wires, n.Buses = slices.Clone(s.Wires), slices.Clone(s.Buses)
		n.Entries, n.Junctions = slices.Clone(s.Entries), slices.Clone(s.Junctions)
		n.Labels, n.NoConnects = slices.Clone(s.Labels), slices.Clone(s.NoConnects)
		n.Boxes = slices.Clone(s.Boxes)
		c.Sheets = append(c.Sheets, &n)
	}
	return c
}

// Style says how a design is drawn and written.
type Style struct {
	Wires      int  // how many of a hundred connections are wires; the others are labels
	Stubs      bool // a wire between a pin and its label
	Turn       bool // parts are turned
	Mirror     bool // parts are mirrored
	Through    bool // labels stand in the middle of wires
	NoConnects bool // pins on no net are marked
	Flags      bool // supplies that nothing feeds have a power flag
	Fed        bool // and so have nets of which only power symbols take
	Numbers    bool // stubs and columns of different lengths
	Buses      bool // buses are drawn; always where sheets have pins of buses
	Pretty     bool // written as KiCad writes, not short
	UUIDs      bool // everything has a uuid
	Version    int  // 20250114 (KiCad 9) or 20231120 (KiCad 8)
}

// turned returns a direction of a symbol, or a place in it (y up), on the sheet
// (y down).
//
// The order is KiCad's: the library's y axis is flipped, the symbol is turned
// counter-clockwise as one sees it, and then mirrored.
func turned(x, y, turn int, mirror string) (int, int) {
	y = -y
	switch turn {
	case 90:
		x, y = y, -x
	case 180:
		x, y = -x, -y
	case 270:
		x, y = -y, x
	}
	switch mirror {
	case "x":
		y = -y
	case "y":
		x = -x
	}
	return x, y
}

// turnedSide is the direction of a symbol's side on the sheet.
func turnedSide(s Side, turn int, mirror string) Side {
	dx, dy := s.step()
	x, y := turned(dx, -dy, turn, mirror)
	switch {
	case x > 0:
		return Right
	case x < 0:
		return Left
	case y < 0:
		return Up
	}
	return Down
}

// pinAt returns where a pin of a placed symbol connects.
func (p Placed) pinAt(pin Pin) Point {
	x, y := turned(pin.X, pin.Y, p.Turn, p.Mirror)
	return Point{p.At.X + x*grid, p.At.Y + y*grid}
}

// pins returns the pins of the placed unit.
func (p Placed) pins() []Pin {
	var pins []Pin
	for _, pin := range p.Symbol.Pins {
		if pin.Unit == p.Unit {
			pins = append(pins, pin)
		}
	}
	return pins
}

// on reports whether p lies on the segment, its ends included.
func (s Segment) on(p Point) bool {
	cross := (s.B.X-s.A.X)*(p.Y-s.A.Y) - (s.B.Y-s.A.Y)*(p.X-s.A.X)
	return cross == 0 &&
		min(s.A.X, s.B.X) <= p.X && p.X <= max(s.A.X, s.B.X) &&
		min(s.A.Y, s.B.Y) <= p.Y && p.Y <= max(s.A.Y, s.B.Y)
}

func (s Segment) ends(p Point) bool { return s.A == p || s.B == p }

// Read returns the nets that the drawing connects. It is made apart from what
// draws: it looks at places alone.
//
// strict joins wires and pins by their ends only, as KiCad does, and labels to
// all wires that they touch; without it every end and every junction that
// touches a wire joins it. A drawing of which both say the same can be misread
// by nobody.
func (d *Drawing) Read(strict bool) []NamedNet {
	r := reading{drawing: d, strict: strict, index: map[string]int{}}
	for _, s := range d.Sheets {
		for place := range s.Paths {
			r.sheet(s, place)
		}
	}
	return r.nets()
}

// reading joins names of things: places, pins, labels.
type reading struct {
	drawing *Drawing
	strict  bool
	index   map[string]int
	same    joined
	pins    []string // in order, each with its net's name in pinKey
	pinKeys []int
}

// key returns the number of a thing.
func (r *reading) key(name string) int {
	i, ok := r.index[name]
	if !ok {
		i = len(r.same)
		r.index[name] = i
		r.same = append(r.same, i)
	}
	return i
}

func (r *reading) join(a, b int) { r.same.join(a, b) }

// sheet joins what is on a sheet in one of its places.
func (r *reading) sheet(s *Sheeted, place int) {
	path := s.Paths[place]
	at := func(p Point) string { return path + "@" + strconv.Itoa(p.X) + "," + strconv.Itoa(p.Y) }
	wire := func(i int) string { return path + "wire" + strconv.Itoa(i) }

	// touch joins a point to the wires there.
	touch := func(p Point, inside bool) {
		for i, w := range s.Wires {
			if w.ends(p) || inside && w.on(p) {
				r.join(r.key(at(p)), r.key(wire(i)))
			}
		}
	}
	for i, w := range s.Wires {
		for _, end := range []Point{w.A, w.B} {
			r.join(r.key(at(end)), r.key(wire(i)))
			touch(end, !r.strict)
		}
	}
	for _, j := range s.Junctions {
		touch(j, !r.strict)
	}
	for _, p := range s.Symbols {
		for _, pin := range p.pins() {
			where := p.pinAt(pin)
			touch(where, !r.strict)
			if p.Symbol.Power {
				if pin.Type == "power_in" {
					r.join(r.key(at(where)), r.key("global "+p.Value))
				}
				continue
			}
			r.pins = append(r.pins, p.Refs[place]+"."+pin.Number)
			r.pinKeys = append(r.pinKeys, r.key(at(where)))
		}
	}
	members := s.busMembers()
	for _, l := range s.Labels {
		if _, _, isBus := vector(l.Text); isBus {
			continue
		}
		touch(l.At, true)
		switch k := r.key(at(l.At)); l.Kind {
		case GlobalLabel:
			r.join(k, r.key("global "+l.Text))
		case HierarchicalLabel:
			r.join(k, r.key(path+"port "+l.Text))
			r.join(k, r.key(path+"local "+l.Text))
		default:
			r.join(k, r.key(path+"local "+l.Text))
		}
	}
	for _, l := range s.Labels { // ports of buses: member by member
		if prefix, numbers, isBus := vector(l.Text); isBus && l.Kind == HierarchicalLabel {
			for i, n := range numbers {
				r.join(r.key(path+"local "+prefix+strconv.Itoa(n)), r.key(path+"port "+l.Text+"#"+strconv.Itoa(i)))
			}
		}
	}
	for _, b := range s.Boxes {
		child := path + "/" + b.UUID
		for _, p := range b.Pins {
			if _, numbers, isBus := vector(p.Name); isBus {
				for i, net := range members(p.At) {
					if i < len(numbers) {
						r.join(r.key(path+"local "+net), r.key(child+"port "+p.Name+"#"+strconv.Itoa(i)))
					}
				}
				continue
			}
			touch(p.At, !r.strict)
			r.join(r.key(at(p.At)), r.key(child+"port "+p.Name))
		}
	}
}

// busMembers returns what names the nets of the bus at a point.
func (s *Sheeted) busMembers() func(Point) []string {
	same := newJoined(len(s.Buses))
	for i, a := range s.Buses {
		for j, b := range s.Buses[:i] {
			if a.on(b.A) || a.on(b.B) || b.on(a.A) || b.on(a.B) {
				same.join(i, j)
			}
		}
	}
	return func(p Point) []string {
		for i, bus := range s.Buses {
			if !bus.on(p) {
				continue
			}
			for _, l := range s.Labels {
				prefix, numbers, isBus := vector(l.Text)
				if !isBus {
					continue
				}
				for j, other := range s.Buses {
					if same.root(i) == same.root(j) && other.on(l.At) {
						var nets []string
						for _, n := range numbers {
							nets = append(nets, prefix+strconv.Itoa(n))
						}
						return nets
					}
				}
			}
		}
		return nil
	}
}

// vector takes "D[0..7]" apart.
func vector(label string) (prefix string, numbers []int, ok bool) {
	open := -1
	for i := range label {
		if label[i] == '[' {
			open = i
		}
	}
	if open < 0 || label[len(label)-1] != ']' {
		return "", nil, false
	}
	inner := label[open+1 : len(label)-1]
	for i := range len(inner) - 1 {
		if inner[i] == '.' && inner[i+1] == '.' {
			a, errA := strconv.Atoi(inner[:i])
			b, errB := strconv.Atoi(inner[i+2:])
			if errA != nil || errB != nil {
				return "", nil, false
			}
			for n := a; ; {
				numbers = append(numbers, n)
				if n == b {
					return label[:open], numbers, true
				}
				if a < b {
					n++
				} else {
					n--
				}
			}
		}
	}
	return "", nil, false
}

// nets returns the pins by what they are joined to.
func (r *reading) nets() []NamedNet {
	var nets []NamedNet
	byRoot := map[int]int{}
	for i, pin := range r.pins {
		root := r.same.root(r.pinKeys[i])
		k, ok := byRoot[root]
		if !ok {
			k = len(nets)
			byRoot[root] = k
			nets = append(nets, NamedNet{})
		}
		nets[k].Pins = append(nets[k].Pins, pin)
	}
	return nets
}
