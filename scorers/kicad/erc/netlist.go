package erc

import (
	"fmt"

	"github.com/ailiance/lorabench/scorers/sexpr"
)

// Netlist is what KiCad says is connected.
type Netlist struct {
	Components []Component
	Nets       []Net
}

// Component is a part.
type Component struct{ Ref, Value string }

// Net is a set of pins that are connected. Nets of one pin are there too.
type Net struct {
	Name string
	Pins []Pin
}

// Pin is one pin of a part.
type Pin struct{ Ref, Number string }

// ParseNetlist reads a netlist of `kicad-cli sch export netlist`.
func ParseNetlist(data []byte) (Netlist, error) {
	doc, err := sexpr.Parse(data, sexpr.Limits{})
	if err != nil {
		return Netlist{}, fmt.Errorf("netlist of kicad-cli: %w", err)
	}
	root := doc.Root()
	if !root.Is("export") || !root.List("nets").Valid() {
		return Netlist{}, fmt.Errorf("netlist of kicad-cli: begins with %.100q, want export with its nets", root.Head())
	}
	var n Netlist
	for c := range root.List("components").Lists("comp") {
		n.Components = append(n.Components, Component{c.Value("ref"), c.Value("value")})
	}
	for l := range root.List("nets").Lists("net") {
		net := Net{Name: l.Value("name")}
		for p := range l.Lists("node") {
			net.Pins = append(net.Pins, Pin{p.Value("ref"), p.Value("pin")})
		}
		n.Nets = append(n.Nets, net)
	}
	return n, nil
}
