// Package schematic makes circuits out of random numbers and draws them as
// KiCad draws schematics: parts on sheets, wires, labels, buses, sheets in
// sheets. What a drawing connects is known before it is drawn, and read back
// out of the drawing before it is given out.
//
// Symbols are made here; none is copied from a library. The package runs no
// program and reads no file.
package schematic

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/ailiance/lorabench/tasks/generated"
)

// Pin is a pin of a symbol. Lengths are in steps of 1.27 mm, y points up, as in
// a library.
type Pin struct {
	Number string
	Name   string // "" for none
	Type   string // electrical, as KiCad writes it: "power_in"
	Unit   int    // from 1
	X, Y   int    // where it connects
	Side   Side   // of the body that it is on
	Length int
}

// Side is a direction: a pin on the left side points to the left.
type Side int

// The sides, counter-clockwise.
const (
	Right Side = iota
	Up
	Left
	Down
)

// step returns the unit vector of a direction on a sheet, where y points down.
func (s Side) step() (dx, dy int) {
	switch s {
	case Right:
		return 1, 0
	case Up:
		return 0, -1
	case Left:
		return -1, 0
	}
	return 0, 1
}

// box is the body of one unit of a symbol.
type box struct{ x1, y1, x2, y2 int }

// Symbol is a kind of part.
type Symbol struct {
	Name   string // "R"
	Prefix string // of references: "R"
	What   string // in words: "resistor"
	Pins   []Pin
	Power  bool // names the net that its pin is on by its value

	bodies []box // by unit, from 1
}

// Units returns how many units the symbol has.
func (s *Symbol) Units() int { return len(s.bodies) }

// pin returns the pin of a number.
func (s *Symbol) pin(number string) (Pin, bool) {
	i := slices.IndexFunc(s.Pins, func(p Pin) bool { return p.Number == number })
	if i < 0 {
		return Pin{}, false
	}
	return s.Pins[i], true
}

// Part is a part on a sheet. Its reference depends on where the sheet is placed.
type Part struct {
	Symbol *Symbol
	Value  string
}

// PinOf is a pin of a part of a sheet.
type PinOf struct {
	Part   int
	Number string
}

// SubPin is a pin of a sheet that is placed on a sheet.
type SubPin struct {
	Sub  int
	Port string
}

// Kind says how a net's name holds.
type Kind int

// The kinds of nets.
const (
	Free   Kind = iota // the name, if any, is for this sheet, and may be left out
	Power              // power symbols, the same net on all sheets
	Global             // global labels, the same net on all sheets
)

// Net is a net of a sheet.
type Net struct {
	Name    string
	Kind    Kind
	Pins    []PinOf
	SubPins []SubPin
	Port    string // its hierarchical label; "" for none
	inBus   bool   // a member of a bus: it is drawn with its name
}

// Bus is a vector of nets: Prefix[First..First+len(Nets)-1].
type Bus struct {
	Prefix  string
	First   int
	Nets    []int
	Port    bool // it has a hierarchical label
	SubPins []SubPin
}

// Label returns the bus's name: "D[0..7]".
func (b Bus) Label() string {
	return fmt.Sprintf("%s[%d..%d]", b.Prefix, b.First, b.First+len(b.Nets)-1)
}

// Sub is a sheet placed on a sheet.
type Sub struct {
	Name  string
	Sheet *Sheet
}

// Sheet is one file.
type Sheet struct {
	File  string // "main.kicad_sch"
	Title string
	Parts []Part
	Nets  []Net
	Buses []Bus
	Subs  []Sub

	net map[string]int // nets by name
}

// Design is a circuit on one sheet or more.
type Design struct {
	Family    string
	Root      *Sheet
	Instances []*Instance // the root first; set by number
}

// Instance is a sheet in one of its places.
type Instance struct {
	Sheet *Sheet
	Subs  []int    // the way there from the root
	Refs  []string // of Sheet.Parts

	parent *Instance
}

func newSheet(file, title string) *Sheet {
	return &Sheet{File: file + ".kicad_sch", Title: title, net: map[string]int{}}
}

// add puts a part on the sheet. Equal symbols become one.
func (s *Sheet) add(symbol *Symbol, value string) int {
	for _, p := range s.Parts {
		if p.Symbol.Name == symbol.Name {
			if !slices.Equal(p.Symbol.Pins, symbol.Pins) {
				panic("schematic: two symbols are called " + symbol.Name)
			}
			symbol = p.Symbol
		}
	}
	s.Parts = append(s.Parts, Part{symbol, value})
	return len(s.Parts) - 1
}

// pin is the pin of a part by its number or, where that is unique, its name.
func (s *Sheet) pin(part int, name string) PinOf {
	symbol := s.Parts[part].Symbol
	if _, ok := symbol.pin(name); ok {
		return PinOf{part, name}
	}
	found := ""
	for _, p := range symbol.Pins {
		if p.Name == name {
			if found != "" {
				panic("schematic: " + symbol.Name + " has several pins " + name)
			}
			found = p.Number
		}
	}
	if found == "" {
		panic("schematic: " + symbol.Name + " has no pin " + name)
	}
	return PinOf{part, found}
}

// at adds pins, each a part and the number or name of its pin, to the net of a
// name. "" makes a new net. It returns the net.
func (s *Sheet) at(name string, pins ...any) int {
	n, known := s.net[name]
	if !known || name == "" {
		n = len(s.Nets)
		s.Nets = append(s.Nets, Net{Name: name})
		if name != "" {
			s.net[name] = n
		}
	}
	s.on(n, pins...)
	return n
}

// on adds pins to a net.
func (s *Sheet) on(n int, pins ...any) {
	for i := 0; i < len(pins); i += 2 {
		p := s.pin(pins[i].(int), pins[i+1].(string))
		symbol := s.Parts[p.Part].Symbol
		pin, _ := symbol.pin(p.Number)
		for _, other := range symbol.Pins { // pins in the same place are one
			if other.Unit == pin.Unit && other.X == pin.X && other.Y == pin.Y {
				q := PinOf{p.Part, other.Number}
				if !slices.Contains(s.Nets[n].Pins, q) {
					s.Nets[n].Pins = append(s.Nets[n].Pins, q)
				}
			}
		}
	}
}

// netOf returns the net that a pin is on.
func (s *Sheet) netOf(part int, pin string) int {
	p := s.pin(part, pin)
	return slices.IndexFunc(s.Nets, func(n Net) bool { return slices.Contains(n.Pins, p) })
}

// power adds pins to a net of power symbols.
func (s *Sheet) power(name string, pins ...any) {
	s.Nets[s.at(name, pins...)].Kind = Power
}

// global adds pins to a net of global labels.
func (s *Sheet) global(name string, pins ...any) {
	s.Nets[s.at(name, pins...)].Kind = Global
}

// port gives a net a hierarchical label of its name.
func (s *Sheet) port(names ...string) {
	for _, name := range names {
		s.Nets[s.at(name)].Port = name
	}
}

// place puts a sheet on this one.
func (s *Sheet) place(name string, sheet *Sheet) int {
	s.Subs = append(s.Subs, Sub{name, sheet})
	return len(s.Subs) - 1
}

// join puts a pin of a placed sheet on a net.
func (s *Sheet) join(net string, sub int, port string) {
	n := s.at(net)
	s.Nets[n].SubPins = append(s.Nets[n].SubPins, SubPin{sub, port})
}

// bus makes a bus of n nets, which exist or are made.
func (s *Sheet) bus(prefix string, first, n int) *Bus {
	b := Bus{Prefix: prefix, First: first}
	for i := range n {
		k := s.at(prefix + strconv.Itoa(first+i))
		s.Nets[k].inBus = true
		b.Nets = append(b.Nets, k)
	}
	s.Buses = append(s.Buses, b)
	return &s.Buses[len(s.Buses)-1]
}

// number gives every part in every place its reference. References are far
// apart, so that those of one circuit are seldom those of another.
func (d *Design) number(r *generated.Rand) {
	d.Instances = nil
	used := map[string]bool{}
	var visit func(s *Sheet, subs []int, parent *Instance)
	visit = func(s *Sheet, subs []int, parent *Instance) {
		in := &Instance{Sheet: s, Subs: slices.Clone(subs), parent: parent}
		d.Instances = append(d.Instances, in)
		for _, p := range s.Parts {
			ref := ""
			for ref == "" || used[ref] {
				ref = p.Symbol.Prefix + strconv.Itoa(r.Between(1, 999))
			}
			used[ref] = true
			in.Refs = append(in.Refs, ref)
		}
		for i, sub := range s.Subs {
			visit(sub.Sheet, append(subs, i), in)
		}
	}
	visit(d.Root, nil, nil)
}

// Component is a part of a netlist.
type Component struct {
	Ref   string `json:"ref"`
	Value string `json:"value"`
}

// NamedNet is a net of a netlist: its pins as "R1.2".
type NamedNet struct {
	Name string   `json:"name"`
	Pins []string `json:"pins"`
}

// Netlist is what a design connects. Nets of one pin are part of it.
type Netlist struct {
	Components []Component `json:"components"`
	Nets       []NamedNet  `json:"nets"`
}

// joined is a union-find over small numbers.
type joined []int

func newJoined(n int) joined {
	j := make(joined, n)
	for i := range j {
		j[i] = i
	}
	return j
}

func (j joined) root(i int) int {
	for j[i] != i {
		j[i] = j[j[i]]
		i = j[i]
	}
	return i
}

func (j joined) join(a, b int) { j[j.root(b)] = j.root(a) }

// Netlist returns what the design connects.
func (d *Design) Netlist() Netlist {
	first := make([]int, len(d.Instances)) // number of an instance's net 0
	total := 0
	for i, in := range d.Instances {
		first[i] = total
		total += len(in.Sheet.Nets)
	}
	same := newJoined(total)
	byName := map[string]int{}
	for i, in := range d.Instances {
		for k, n := range in.Sheet.Nets {
			if n.Kind == Free {
				continue
			}
			if other, ok := byName[n.Name]; ok {
				same.join(other, first[i]+k)
			} else {
				byName[n.Name] = first[i] + k
			}
		}
		if in.parent == nil {
			continue
		}
		p := slices.Index(d.Instances, in.parent)
		sub := in.Subs[len(in.Subs)-1]
		for k, n := range in.parent.Sheet.Nets {
			for _, s := range n.SubPins {
				if s.Sub == sub {
					same.join(first[p]+k, first[i]+in.Sheet.portNets(s.Port)[0])
				}
			}
		}
		for _, b := range in.parent.Sheet.Buses {
			for _, s := range b.SubPins {
				if s.Sub == sub {
					for m, k := range in.Sheet.portNets(s.Port) {
						same.join(first[p]+b.Nets[m], first[i]+k)
					}
				}
			}
		}
	}

	var list Netlist
	nets := map[int]int{} // root → index in list.Nets
	for i, in := range d.Instances {
		for p, part := range in.Sheet.Parts {
			list.Components = append(list.Components, Component{in.Refs[p], part.Value})
		}
		seen := map[PinOf]bool{}
		for k, n := range in.Sheet.Nets {
			root := same.root(first[i] + k)
			for _, p := range n.Pins {
				if seen[p] {
					panic(fmt.Sprintf("schematic: %s: pin %s of part %d (%s) is on two nets", d.Family, p.Number, p.Part, in.Sheet.Parts[p.Part].Symbol.Name))
				}
				seen[p] = true
				at, ok := nets[root]
				if !ok {
					at = len(list.Nets)
					nets[root] = at
					list.Nets = append(list.Nets, NamedNet{})
				}
				net := &list.Nets[at]
				if net.Name == "" {
					net.Name = n.Name
				}
				net.Pins = append(net.Pins, in.Refs[p.Part]+"."+p.Number)
			}
		}
		for p, part := range in.Sheet.Parts {
			var alone [][3]int // unit and place of pins that are on no net
			for _, pin := range part.Symbol.Pins {
				if seen[PinOf{p, pin.Number}] {
					continue
				}
				if slices.Contains(alone, [3]int{pin.Unit, pin.X, pin.Y}) {
					panic("schematic: " + d.Family + ": stacked pins of " + part.Symbol.Name + " are on no net")
				}
				alone = append(alone, [3]int{pin.Unit, pin.X, pin.Y})
				list.Nets = append(list.Nets, NamedNet{Pins: []string{in.Refs[p] + "." + pin.Number}})
			}
		}
	}
	return list
}

// portNets returns the nets behind a hierarchical label, of a bus in order.
func (s *Sheet) portNets(port string) []int {
	for k, n := range s.Nets {
		if n.Port == port {
			return []int{k}
		}
	}
	for _, b := range s.Buses {
		if b.Port && b.Label() == port {
			return b.Nets
		}
	}
	panic("schematic: " + s.File + " has no port " + port)
}

// Partition returns the nets as a text that is the same for equal partitions of
// pins: pins and nets in order, names left out.
func Partition(nets []NamedNet) string {
	lines := make([]string, 0, len(nets))
	for _, n := range nets {
		lines = append(lines, strings.Join(slices.Sorted(slices.Values(n.Pins)), " "))
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

// key is what makes the circuit what it is: parts, values and connections, not
// references and not how it is drawn.
func (d *Design) key() string {
	var b strings.Builder
	b.WriteString(d.Family)
	seen := map[*Sheet]bool{}
	for _, in := range d.Instances {
		s := in.Sheet
		fmt.Fprintf(&b, "|%v", in.Subs)
		if seen[s] {
			continue
		}
		seen[s] = true
		for _, p := range s.Parts {
			fmt.Fprintf(&b, ";%s=%s", p.Symbol.Name, p.Value)
		}
		for _, n := range s.Nets {
			fmt.Fprintf(&b, ";%s%v%v", n.Name, n.Pins, n.SubPins)
		}
		for _, bus := range s.Buses {
			fmt.Fprintf(&b, ";%s%v", bus.Label(), bus.SubPins)
		}
	}
	return b.String()
}
