package kicad

import (
	"cmp"
	"slices"
	"strings"
)

// Netlist is the circuit of a schematic or of a board: what there is, and what
// is connected with what. Everything in it is sorted.
type Netlist struct {
	Components []Component // by reference; power symbols are none
	Nets       []Net       // by name; nets of one pin are in it
	Warnings   []string    // what was doubtful in the text, at most 100
}

// Component is one part, all its units together.
type Component struct {
	Ref       string // "R1"
	Value     string
	Footprint string // "Library:Name"
	LibID     string // the symbol, "Library:Name"
}

// Net is a set of pins that are connected.
type Net struct {
	Name string // as KiCad names it
	Pins []Pin  // by reference and number, each once
}

// Pin is one pin of a component.
type Pin struct {
	Ref    string
	Number string // also letters: "A12", "~"
}

// String is what the pin is called in text: R1.1.
func (p Pin) String() string { return p.Ref + "." + p.Number }

func comparePins(a, b Pin) int {
	if c := natural(a.Ref, b.Ref); c != 0 {
		return c
	}
	return natural(a.Number, b.Number)
}

// natural orders texts as people do: R2 before R10. It is 0 for equal texts
// only.
func natural(a, b string) int {
	i, j := 0, 0
	for i < len(a) && j < len(b) {
		if !digit(a[i]) || !digit(b[j]) {
			if a[i] != b[j] {
				return cmp.Compare(a[i], b[j])
			}
			i++
			j++
			continue
		}
		m, n := digits(a, i), digits(b, j)
		x, y := strings.TrimLeft(a[i:m], "0"), strings.TrimLeft(b[j:n], "0")
		if len(x) != len(y) {
			return cmp.Compare(len(x), len(y))
		}
		if x != y {
			return strings.Compare(x, y)
		}
		i, j = m, n
	}
	if c := cmp.Compare(len(a)-i, len(b)-j); c != 0 {
		return c
	}
	return strings.Compare(a, b)
}

func digit(c byte) bool { return c >= '0' && c <= '9' }

// digits returns where the digits that begin at i end.
func digits(s string, i int) int {
	for i < len(s) && digit(s[i]) {
		i++
	}
	return i
}

// sort puts all of n in order and drops what stands there twice.
func (n *Netlist) sort() {
	slices.SortStableFunc(n.Components, func(a, b Component) int { return natural(a.Ref, b.Ref) })
	for i := range n.Nets {
		pins := n.Nets[i].Pins
		slices.SortFunc(pins, comparePins)
		n.Nets[i].Pins = slices.Compact(pins)
	}
	slices.SortFunc(n.Nets, func(a, b Net) int {
		if c := natural(a.Name, b.Name); c != 0 {
			return c
		}
		return slices.CompareFunc(a.Pins, b.Pins, comparePins)
	})
}
