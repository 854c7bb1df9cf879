package kicad

import (
	"bytes"
	"encoding/xml"
	"fmt"

	"github.com/ailiance/lorabench/scorers/sexpr"
)

// ReadExportedNetlist reads the file that KiCad writes on "export netlist": the
// S-expressions of KiCad 4 to 9, or the XML that bills of materials are made
// from. Symbols that KiCad left out (power, excluded from the board or the
// bill) are not in it.
func ReadExportedNetlist(text []byte) (*Netlist, error) {
	if start := bytes.TrimLeft(text, "\ufeff \t\r\n"); bytes.HasPrefix(start, []byte("<")) {
		return readXML(start)
	}
	d, err := sexpr.Parse(text, sexpr.Limits{})
	if err != nil {
		return nil, fmt.Errorf("netlist: %w", err)
	}
	root := d.Root()
	if !root.Is("export") {
		return nil, fmt.Errorf("netlist: begins with (%s, want (export", root.Head())
	}
	n := &Netlist{}
	for c := range root.List("components").Lists("comp") {
		lib := c.List("libsource")
		n.Components = append(n.Components, Component{
			Ref: c.Value("ref"), Value: valued(c.Value("value")), Footprint: c.Value("footprint"),
			LibID: libID(lib.Value("lib"), lib.Value("part")),
		})
	}
	nets := root.List("nets")
	if !nets.Valid() {
		return nil, fmt.Errorf("netlist: there is no (nets …)")
	}
	for t := range nets.Lists("net") {
		net := Net{Name: t.Value("name")}
		for node := range t.Lists("node") {
			net.Pins = append(net.Pins, Pin{node.Value("ref"), node.Value("pin")})
		}
		if len(net.Pins) > 0 {
			n.Nets = append(n.Nets, net)
		}
	}
	n.sort()
	return n, nil
}

// valued is a value as it was meant: KiCad writes "~" for none.
func valued(s string) string {
	if s == "~" {
		return ""
	}
	return s
}

func libID(lib, part string) string {
	if lib == "" {
		return part
	}
	return lib + ":" + part
}

func readXML(text []byte) (*Netlist, error) {
	var export struct {
		XMLName    xml.Name `xml:"export"`
		Components []struct {
			Ref       string `xml:"ref,attr"`
			Value     string `xml:"value"`
			Footprint string `xml:"footprint"`
			Source    struct {
				Lib  string `xml:"lib,attr"`
				Part string `xml:"part,attr"`
			} `xml:"libsource"`
		} `xml:"components>comp"`
		Nets []struct {
			Name  string `xml:"name,attr"`
			Nodes []struct {
				Ref string `xml:"ref,attr"`
				Pin string `xml:"pin,attr"`
			} `xml:"node"`
		} `xml:"nets>net"`
	}
	if err := xml.Unmarshal(text, &export); err != nil {
		return nil, fmt.Errorf("netlist: %w", err)
	}
	n := &Netlist{}
	for _, c := range export.Components {
		n.Components = append(n.Components, Component{c.Ref, valued(c.Value), c.Footprint, libID(c.Source.Lib, c.Source.Part)})
	}
	for _, t := range export.Nets {
		net := Net{Name: t.Name}
		for _, node := range t.Nodes {
			net.Pins = append(net.Pins, Pin{node.Ref, node.Pin})
		}
		if len(net.Pins) > 0 {
			n.Nets = append(n.Nets, net)
		}
	}
	n.sort()
	return n, nil
}
