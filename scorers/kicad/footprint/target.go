package footprint

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
)

// Target is what a footprint is compared with, in millimetres. What it does not
// name is free.
type Target struct {
	Name       string   `json:"name,omitempty"`
	Attributes []string `json:"attributes,omitempty"` // "smd" and "through_hole" exclude one another

	Back bool `json:"back,omitempty"` // on the bottom side

	// Tolerance is how far a position, a side, a diameter or a radius may be off.
	Tolerance float64     `json:"tolerance"`
	Pads      []TargetPad `json:"pads"` // all that there are

	Courtyard     *TargetCourtyard `json:"courtyard,omitempty"`
	BackCourtyard *TargetCourtyard `json:"back_courtyard,omitempty"`
	Drawings      []TargetDrawing  `json:"drawings,omitempty"`
	Texts         []TargetText     `json:"texts,omitempty"`

	pads []measured // of Pads
}

// TargetPad is a pad as a file writes it.
type TargetPad struct {
	Number string     `json:"number"`
	Kind   string     `json:"kind"`
	Shape  string     `json:"shape"` // "any" where only the sides are asked for
	At     [2]float64 `json:"at"`
	Angle  float64    `json:"angle,omitempty"`
	Size   [2]float64 `json:"size"`
	Drill  []float64  `json:"drill,omitempty"` // diameter, or the two sides of a slot
	Offset []float64  `json:"offset,omitempty"`
	Layers []string   `json:"layers"`

	Ratio      float64           `json:"ratio,omitempty"` // corner radius of a roundrect to its shorter side
	Chamfer    float64           `json:"chamfer,omitempty"`
	Cut        []string          `json:"cut,omitempty"`
	Delta      []float64         `json:"delta,omitempty"`
	Anchor     string            `json:"anchor,omitempty"`
	Primitives []TargetPrimitive `json:"primitives,omitempty"`
}

// TargetPrimitive is a part of a custom pad.
type TargetPrimitive struct {
	Kind   string       `json:"kind"`
	Points [][2]float64 `json:"points"`
	Width  float64      `json:"width,omitempty"`
	Filled bool         `json:"filled,omitempty"`
}

// TargetCourtyard is either the outlines that it consists of, or what it keeps
// free around the pads.
type TargetCourtyard struct {
	Outlines []TargetOutline `json:"outlines,omitempty"`

	// Clearance is the least distance from the outline to pads and Body, Reach the
	// most that it may go beyond the box around both.
	Clearance float64    `json:"clearance,omitempty"`
	Reach     float64    `json:"reach,omitempty"`
	Body      [4]float64 `json:"body,omitempty"` // left, top, right, bottom; all zero: none
}

// TargetOutline has one of three forms.
type TargetOutline struct {
	Rect   []float64    `json:"rect,omitempty"`   // left, top, right, bottom
	Circle []float64    `json:"circle,omitempty"` // x, y, radius
	Points [][2]float64 `json:"points,omitempty"` // corners
}

// TargetDrawing is asked for on a layer: a box around all lines there, or one
// circle among what is there.
type TargetDrawing struct {
	Layer  string    `json:"layer"`
	Box    []float64 `json:"box,omitempty"`    // left, top, right, bottom
	Circle []float64 `json:"circle,omitempty"` // x, y, radius
}

// TargetText is a text that must be there.
type TargetText struct {
	Kind  string `json:"kind"`           // "reference" or "value"
	Text  string `json:"text,omitempty"` // "" for any
	Layer string `json:"layer,omitempty"`
}

// ParseTarget reads a target. Unknown fields are errors.
func ParseTarget(raw json.RawMessage) (*Target, error) {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	t := &Target{}
	if err := d.Decode(t); err != nil {
		return nil, fmt.Errorf("footprint target: %w", err)
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, errors.New("footprint target: there is text behind the object")
	}
	if err := t.prepare(); err != nil {
		return nil, fmt.Errorf("footprint target: %w", err)
	}
	return t, nil
}

// prepare checks the target, and measures its pads.
func (t *Target) prepare() error {
	if !(t.Tolerance > 0 && t.Tolerance <= 1) {
		return fmt.Errorf("tolerance %g mm, want above 0 and at most 1", t.Tolerance)
	}
	t.pads = make([]measured, len(t.Pads))
	for i, p := range t.Pads {
		pad, err := p.pad()
		if err != nil {
			return fmt.Errorf("pad %d (%q): %w", i, p.Number, err)
		}
		t.pads[i] = measure(pad)
	}
	for _, c := range []*TargetCourtyard{t.Courtyard, t.BackCourtyard} {
		if c == nil {
			continue
		}
		if (len(c.Outlines) > 0) == (c.Clearance > 0) || c.Clearance > 0 && c.Reach < c.Clearance {
			return errors.New("courtyard: want outlines, or a clearance and a reach of at least as much")
		}
		for _, o := range c.Outlines {
			if o.line() == nil {
				return errors.New("courtyard: an outline is a rect of 4 numbers, a circle of 3, or 3 points and more")
			}
		}
	}
	for _, d := range t.Drawings {
		if LayersOf(d.Layer)&Unknown != 0 || (len(d.Box) == 4) == (len(d.Circle) == 3) {
			return fmt.Errorf("drawing on %q: want a layer, and a box of 4 numbers or a circle of 3", d.Layer)
		}
	}
	for _, x := range t.Texts {
		if x.Kind != "reference" && x.Kind != "value" {
			return fmt.Errorf("text %q: want reference or value", x.Kind)
		}
	}
	return nil
}

func at(v [2]float64) Point { return Point{length(v[0]), length(v[1])} }

func pair(v []float64, name string) (Point, error) {
	switch len(v) {
	case 0:
		return Point{}, nil
	case 2:
		return Point{length(v[0]), length(v[1])}, nil
	}
	return Point{}, fmt.Errorf("%s: %d numbers, want 2", name, len(v))
}

var cornerNames = []string{"top_left", "top_right", "bottom_right", "bottom_left"}

func (p TargetPad) pad() (Pad, error) {
	pad := Pad{
		Number: p.Number, Kind: p.Kind, Shape: p.Shape, At: at(p.At), Angle: normal(p.Angle),
		Size: Size{length(p.Size[0]), length(p.Size[1])}, Layers: LayersOf(p.Layers...),
		Ratio: p.Ratio, Chamfer: p.Chamfer, Anchor: p.Anchor,
	}
	if !slices.Contains([]string{"smd", "thru_hole", "np_thru_hole", "connect"}, p.Kind) {
		return pad, fmt.Errorf("unknown kind %q", p.Kind)
	}
	if !slices.Contains([]string{"any", "rect", "roundrect", "circle", "oval", "trapezoid", "custom"}, p.Shape) {
		return pad, fmt.Errorf("unknown shape %q", p.Shape)
	}
	if pad.Size.W <= 0 || pad.Size.H <= 0 {
		return pad, fmt.Errorf("size %v, want above 0", p.Size)
	}
	if p.Ratio < 0 || p.Ratio > 0.5 || p.Chamfer < 0 || p.Chamfer > 0.5 {
		return pad, fmt.Errorf("ratio %g, chamfer %g: want 0 to 0.5", p.Ratio, p.Chamfer)
	}
	if (p.Kind == "np_thru_hole" || pad.Layers&Copper == 0) && p.Number != "" {
		return pad, errors.New("KiCad gives no number to a pad without copper or plating")
	}
	switch len(p.Drill) {
	case 0:
	case 1:
		pad.Drill = Size{length(p.Drill[0]), length(p.Drill[0])}
	case 2:
		pad.Drill = Size{length(p.Drill[0]), length(p.Drill[1])}
	default:
		return pad, fmt.Errorf("drill: %d numbers, want 1 or 2", len(p.Drill))
	}
	var err error
	if pad.Offset, err = pair(p.Offset, "offset"); err != nil {
		return pad, err
	}
	if pad.Delta, err = pair(p.Delta, "delta"); err != nil {
		return pad, err
	}
	for _, name := range p.Cut {
		i := slices.Index(cornerNames, name)
		if i < 0 {
			return pad, fmt.Errorf("unknown corner %q", name)
		}
		pad.Cut |= 1 << i
	}
	for _, x := range p.Primitives {
		g := Graphic{Kind: x.Kind, Width: length(x.Width), Filled: x.Filled}
		for _, q := range x.Points {
			g.Points = append(g.Points, at(q))
		}
		want := map[string]int{"line": 2, "rect": 2, "circle": 2, "arc": 3, "curve": 4, "poly": len(g.Points)}
		if n, known := want[x.Kind]; !known || n != len(g.Points) {
			return pad, fmt.Errorf("primitive %q of %d points", x.Kind, len(g.Points))
		}
		pad.Primitives = append(pad.Primitives, g)
	}
	return pad, nil
}

// line is the outline as corners; nil where it has none of the three forms.
func (o TargetOutline) line() []Point {
	switch {
	case len(o.Rect) == 4 && o.Circle == nil && o.Points == nil:
		l, t, r, b := length(o.Rect[0]), length(o.Rect[1]), length(o.Rect[2]), length(o.Rect[3])
		return []Point{{l, t}, {r, t}, {r, b}, {l, b}}
	case len(o.Circle) == 3 && o.Rect == nil && o.Points == nil:
		return circleLine(Point{length(o.Circle[0]), length(o.Circle[1])}, float64(length(o.Circle[2])))
	case len(o.Points) > 2 && o.Rect == nil && o.Circle == nil:
		line := make([]Point, len(o.Points))
		for i, p := range o.Points {
			line[i] = at(p)
		}
		return line
	}
	return nil
}

// TargetOf returns the target that f itself fulfils: all of its pads, its
// courtyards, name, attributes and texts. Courtyards that do not close are left
// free.
func TargetOf(f *Footprint, tolerance float64) (*Target, error) {
	mm := func(n int) float64 { return float64(n) / 1e6 }
	xy := func(p Point) [2]float64 { return [2]float64{mm(p.X), mm(p.Y)} }
	t := &Target{Name: f.Name, Attributes: f.Attributes, Back: f.Back, Tolerance: tolerance, Pads: []TargetPad{}}
	for _, p := range f.Pads {
		o := TargetPad{
			Number: p.Number, Kind: p.Kind, Shape: p.Shape, At: xy(p.At), Angle: p.Angle, Size: [2]float64{mm(p.Size.W), mm(p.Size.H)},
			Layers: p.Layers.Names(), Anchor: p.Anchor, Chamfer: p.Chamfer,
		}
		if p.Shape == "roundrect" {
			o.Ratio = p.Ratio
		}
		if p.Drill != (Size{}) {
			o.Drill = []float64{mm(p.Drill.W), mm(p.Drill.H)}
		}
		if p.Offset != (Point{}) {
			o.Offset = []float64{mm(p.Offset.X), mm(p.Offset.Y)}
		}
		if p.Delta != (Point{}) {
			o.Delta = []float64{mm(p.Delta.X), mm(p.Delta.Y)}
		}
		for i, name := range cornerNames {
			if p.Cut&(1<<i) != 0 {
				o.Cut = append(o.Cut, name)
			}
		}
		for _, g := range p.Primitives {
			x := TargetPrimitive{Kind: g.Kind, Width: mm(g.Width), Filled: g.Filled, Points: [][2]float64{}}
			for _, q := range g.Points {
				x.Points = append(x.Points, xy(q))
			}
			o.Primitives = append(o.Primitives, x)
		}
		t.Pads = append(t.Pads, o)
	}
	for i, back := range []bool{false, true} {
		c := f.Courtyard(back)
		if c.Open || len(c.Outlines) == 0 {
			continue
		}
		var target TargetCourtyard
		for _, line := range c.Outlines {
			var o TargetOutline
			for _, p := range line {
				o.Points = append(o.Points, xy(p))
			}
			target.Outlines = append(target.Outlines, o)
		}
		*[]**TargetCourtyard{&t.Courtyard, &t.BackCourtyard}[i] = &target
	}
	for _, x := range f.Texts {
		if x.Kind == "reference" || x.Kind == "value" {
			t.Texts = append(t.Texts, TargetText{x.Kind, x.Text, x.Layer})
		}
	}
	for _, layer := range []string{"F.Fab", "F.SilkS"} {
		if c := outlines(f.Graphics, layer); c.Drawn {
			t.Drawings = append(t.Drawings, TargetDrawing{Layer: layer, Box: []float64{mm(c.Box.Min.X), mm(c.Box.Min.Y), mm(c.Box.Max.X), mm(c.Box.Max.Y)}})
		}
	}
	raw, err := json.Marshal(t)
	if err != nil {
		return nil, err
	}
	return ParseTarget(raw)
}
