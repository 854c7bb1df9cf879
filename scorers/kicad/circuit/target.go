package circuit

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/ailiance/lorabench/scorers/kicad"
)

// Target is a circuit: what a schematic is asked to be, or what is to be read
// out of one.
type Target struct {
	Components []Component `json:"components"`
	Nets       []Net       `json:"nets"`
	Sheets     []Sheet     `json:"sheets,omitempty"`
}

// Component is a part.
type Component struct {
	Ref   string            `json:"ref"`
	Value string            `json:"value"`
	Pins  map[string]string `json:"pins,omitempty"`  // electrical types by number; none where they are not asked for
	Sheet string            `json:"sheet,omitempty"` // file that it is in; "" for the root, or where that does not matter
}

// Net is a set of pins that are connected, each as "R1.2".
type Net struct {
	Name string   `json:"name,omitempty"` // "" where any will do
	Pins []string `json:"pins"`
}

// Sheet is a file of which a schematic has so many places.
type Sheet struct {
	File  string `json:"file"`
	Times int    `json:"times"`
}

// ParseTarget reads a target, strictly.
func ParseTarget(raw json.RawMessage) (*Target, error) {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	var t Target
	if err := d.Decode(&t); err != nil {
		return nil, fmt.Errorf("circuit: %w", err)
	}
	if len(t.Components) == 0 {
		return nil, errors.New("circuit: no components")
	}
	refs := map[string]Component{}
	for _, c := range t.Components {
		if _, twice := refs[c.Ref]; twice || c.Ref == "" {
			return nil, fmt.Errorf("circuit: component %q: want a reference, and each once", c.Ref)
		}
		refs[c.Ref] = c
	}
	seen := map[string]bool{}
	for _, n := range t.Nets {
		if len(n.Pins) == 0 {
			return nil, fmt.Errorf("circuit: the net %q has no pins", n.Name)
		}
		for _, p := range n.Pins {
			pin, ok := ParsePin(p)
			c, known := refs[pin.Ref]
			if !ok || !known || seen[p] {
				return nil, fmt.Errorf("circuit: pin %q: want a part's, as \"R1.2\", and each once", p)
			}
			if _, has := c.Pins[pin.Number]; len(c.Pins) > 0 && !has {
				return nil, fmt.Errorf("circuit: pin %q: %s has none of that number", p, pin.Ref)
			}
			seen[p] = true
		}
	}
	return &t, nil
}

// ParsePin takes "R1.2" apart.
func ParsePin(s string) (kicad.Pin, bool) {
	i := strings.LastIndexByte(s, '.')
	if i <= 0 || i == len(s)-1 {
		return kicad.Pin{}, false
	}
	pin := kicad.Pin{Ref: strings.TrimSpace(s[:i]), Number: strings.TrimSpace(s[i+1:])}
	return pin, pin.Ref != "" && pin.Number != ""
}

// netlist returns the target's nets.
func (t *Target) netlist() *kicad.Netlist {
	n := &kicad.Netlist{}
	for _, net := range t.Nets {
		k := kicad.Net{Name: net.Name}
		for _, p := range net.Pins {
			pin, _ := ParsePin(p)
			k.Pins = append(k.Pins, pin)
		}
		n.Nets = append(n.Nets, k)
	}
	return n
}

// TargetOf returns a schematic's netlist as what is to be read out of it. Nets
// that have a pin in common are one.
func TargetOf(n *kicad.Netlist) Target {
	var t Target
	for _, c := range n.Components {
		t.Components = append(t.Components, Component{Ref: c.Ref, Value: c.Value})
	}
	at := map[kicad.Pin]int{} // net of a pin
	for _, net := range n.Nets {
		k := len(t.Nets)
		t.Nets = append(t.Nets, Net{})
		for _, p := range net.Pins {
			other, seen := at[p]
			switch {
			case !seen:
				at[p] = k
				t.Nets[k].Pins = append(t.Nets[k].Pins, p.String())
			case other != k: // what is in k goes there
				for _, moved := range t.Nets[k].Pins {
					pin, _ := ParsePin(moved)
					at[pin] = other
				}
				t.Nets[other].Pins = append(t.Nets[other].Pins, t.Nets[k].Pins...)
				t.Nets[k].Pins = nil
				k = other
			}
		}
	}
	t.Nets = slices.DeleteFunc(t.Nets, func(n Net) bool { return len(n.Pins) == 0 })
	return t
}
