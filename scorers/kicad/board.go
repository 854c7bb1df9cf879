package kicad

import (
	"fmt"

	"github.com/ailiance/lorabench/scorers/sexpr"
)

// ReadBoard reads the netlist that a board (.kicad_pcb of KiCad 4 to 9) holds:
// its pads by net. Pads without a number or without a net are left out, as are
// footprints without a reference.
func ReadBoard(text []byte) (*Netlist, error) {
	d, err := sexpr.Parse(text, sexpr.Limits{})
	if err != nil {
		return nil, fmt.Errorf("board: %w", err)
	}
	root := d.Root()
	if !root.Is("kicad_pcb") {
		return nil, fmt.Errorf("board: begins with (%s, want (kicad_pcb", root.Head())
	}
	n := &Netlist{}
	pins := map[string][]Pin{}
	for f := range root.Lists("") {
		if !f.Is("footprint") && !f.Is("module") {
			continue
		}
		c := Component{}
		c.Footprint, _ = f.Atom(1)
		for e := range f.Elements() {
			switch {
			case e.Is("property"), e.Is("fp_text"):
				field, _ := e.Atom(1)
				text, _ := e.Atom(2)
				switch field {
				case "Reference", "reference":
					c.Ref = text
				case "Value", "value":
					c.Value = text
				}
			}
		}
		if c.Ref == "" {
			continue
		}
		n.Components = append(n.Components, c)
		for pad := range f.Lists("pad") {
			number, _ := pad.Atom(1)
			net := pad.List("net")
			name, named := net.Atom(2)
			if !named { // KiCad 10 writes no number
				name, _ = net.Atom(1)
			}
			if number != "" && name != "" {
				pins[name] = append(pins[name], Pin{c.Ref, number})
			}
		}
	}
	for name, p := range pins {
		n.Nets = append(n.Nets, Net{name, p})
	}
	n.sort()
	return n, nil
}
