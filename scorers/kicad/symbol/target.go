package symbol

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// Target is a symbol that is asked for. What it leaves out does not matter.
type Target struct {
	Format    string            `json:"format"` // "current", "legacy" or "any"
	Name      string            `json:"name"`
	Reference string            `json:"reference"`
	Fields    map[string]string `json:"fields,omitempty"` // Value, Footprint, Datasheet
	Units     int               `json:"units"`
	Layout    string            `json:"layout"`          // one of the Layouts
	Grid      int               `json:"grid,omitempty"`  // nm, of connection points; 0: any place
	Pitch     int               `json:"pitch,omitempty"` // nm, of neighbours on a side, where the layout is ordered
	Body      string            `json:"body,omitempty"`  // one of the Bodies
	Pins      []TargetPin       `json:"pins"`            // of an ordered layout from top to bottom, from left to right
}

// TargetPin is a pin that is asked for.
type TargetPin struct {
	Number string `json:"number"`
	Name   string `json:"name"`
	Type   Type   `json:"type"`
	Unit   int    `json:"unit"`        // 0: of all units
	Side   string `json:"side"`        // of the body, except in a free layout
	X      int    `json:"x,omitempty"` // nm, where the layout is placed
	Y      int    `json:"y,omitempty"`
	Length int    `json:"length,omitempty"` // nm; 0: any
	Shape  Shape  `json:"shape,omitempty"`  // "": any
	Hidden bool   `json:"hidden,omitempty"`
}

// What the layout of pins fixes.
const (
	LayoutFree    = "free"    // nothing, nor whether a pin is shown: the pinout alone is asked for
	LayoutSides   = "sides"   // on which side of the body each stands
	LayoutOrdered = "ordered" // and in which order
	LayoutPlaced  = "placed"  // where each connects
)

// What is asked of the body.
const (
	BodyRectangle = "rectangle" // in each unit a rectangle, on whose edges the pins end
	BodyOutline   = "outline"   // in each unit lines that the pins end on
	BodyDrawing   = "drawing"   // in each unit something that is drawn
)

// maxTargetPins is more than any part has.
const maxTargetPins = 4096

// ParseTarget reads a target strictly.
func ParseTarget(raw json.RawMessage) (Target, error) {
	var t Target
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	if err := d.Decode(&t); err != nil {
		return t, fmt.Errorf("target of a symbol: %w", err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return t, errors.New("target of a symbol: more than one object")
	}
	if err := t.validate(); err != nil {
		return t, fmt.Errorf("target of a symbol: %w", err)
	}
	return t, nil
}

func oneOf(s string, words ...string) bool {
	for _, w := range words {
		if s == w {
			return true
		}
	}
	return false
}

func (t *Target) validate() error {
	switch {
	case !oneOf(t.Format, string(Current), string(Legacy), "any"):
		return fmt.Errorf("format %q: want current, legacy or any", t.Format)
	case t.Name == "":
		return errors.New("no name")
	case t.Units < 1 || t.Units > maxUnits:
		return fmt.Errorf("%d units: want 1 to %d", t.Units, maxUnits)
	case !oneOf(t.Layout, LayoutFree, LayoutSides, LayoutOrdered, LayoutPlaced):
		return fmt.Errorf("layout %q: want free, sides, ordered or placed", t.Layout)
	case !oneOf(t.Body, "", BodyRectangle, BodyOutline, BodyDrawing):
		return fmt.Errorf("body %q: want rectangle, outline or drawing", t.Body)
	case t.Grid < 0 || t.Pitch < 0:
		return errors.New("grid and pitch: want 0 or more")
	case len(t.Pins) == 0 || len(t.Pins) > maxTargetPins:
		return fmt.Errorf("%d pins: want 1 to %d", len(t.Pins), maxTargetPins)
	}
	for name := range t.Fields {
		if !oneOf(name, "Value", "Footprint", "Datasheet") {
			return fmt.Errorf("field %q: want Value, Footprint or Datasheet", name)
		}
	}
	for _, p := range t.Pins {
		_, known := currentTypes[string(p.Type)]
		_, drawn := currentShapes[string(p.Shape)]
		switch {
		case !known || !drawn && p.Shape != "":
			return fmt.Errorf("pin %q: type %q, shape %q", p.Number, p.Type, p.Shape)
		case p.Unit < 0 || p.Unit > t.Units:
			return fmt.Errorf("pin %q: unit %d of %d", p.Number, p.Unit, t.Units)
		case t.Layout != LayoutFree && !oneOf(p.Side, SideLeft, SideRight, SideTop, SideBottom):
			return fmt.Errorf("pin %q: side %q: want left, right, top or bottom", p.Number, p.Side)
		case p.Length < 0:
			return fmt.Errorf("pin %q: length %d", p.Number, p.Length)
		}
	}
	return nil
}

// PinoutOf asks for the name, the reference prefix and the pins of s, and for
// nothing of how they are drawn: what a prompt that names a known part asks for.
func PinoutOf(s Symbol) Target {
	t := TargetOf(s)
	t.Layout, t.Fields = LayoutFree, nil
	for i, p := range t.Pins {
		t.Pins[i] = TargetPin{Number: p.Number, Name: p.Name, Type: p.Type, Unit: p.Unit}
	}
	return t
}

// TargetOf asks for all that s says: the format is left open.
func TargetOf(s Symbol) Target {
	t := Target{
		Format: "any", Name: s.Name, Reference: s.Reference, Units: s.Units, Layout: LayoutPlaced,
		Fields: map[string]string{"Value": s.Value, "Footprint": s.Footprint, "Datasheet": s.Datasheet},
	}
	for _, p := range ofFirstStyle(s).pins {
		t.Pins = append(t.Pins, TargetPin{
			Number: p.Number, Name: p.Name, Type: p.Type, Unit: p.Unit, Side: p.Orientation.Side(),
			X: p.X, Y: p.Y, Length: p.Length, Shape: p.Shape, Hidden: p.Hidden,
		})
	}
	return t
}
