package footprint

import (
	"math"
	"slices"

	"github.com/ailiance/lorabench/scorers/sexpr"
)

// Pad is a pad as it is written.
type Pad struct {
	Number string // "" of pads that cannot have one: without copper, or not plated
	Kind   string // "smd", "thru_hole", "np_thru_hole", "connect"
	Shape  string // "rect", "roundrect", "circle", "oval", "trapezoid", "custom"
	At     Point  // of the hole, and of the copper where Offset is zero
	Angle  float64
	Size   Size
	Offset Point // of the copper's middle from At, in the pad's own axes
	Drill  Size  // zero where there is none; W and H differ for a slot
	Layers Layers

	Ratio      float64 // of a roundrect's corner radius to its shorter side
	Chamfer    float64 // of a cut corner to the shorter side
	Cut        Corners // which corners are cut
	Delta      Point   // by how much a trapezoid's sides differ
	Anchor     string  // of a custom pad: "rect" or "circle"
	Primitives []Graphic
	Stack      bool // other shapes on other layers (KiCad 9)
}

// Corners is a set of a rectangle's corners, in the pad's own axes.
type Corners uint8

// The corners.
const (
	TopLeft Corners = 1 << iota
	TopRight
	BottomRight
	BottomLeft
)

// What KiCad 9 takes where a pad does not say.
const (
	defaultRatio   = 0.25
	defaultChamfer = 0.2
	defaultSize    = 1_524_000
	defaultDrill   = 762_000
	smallest       = 1000 // sides of a pad of no size
	defaultLayers  = BackCopper | FrontMask | BackMask
)

// pad reads (pad "1" smd rect (at 0 0) (size 1 1) (layers "F.Cu")).
func (r *reader) pad(n sexpr.Node) Pad {
	p := Pad{
		Size: Size{defaultSize, defaultSize}, Layers: defaultLayers,
		Ratio: defaultRatio, Anchor: "circle",
	}
	k := 0
	for e := range behindHead(n) {
		if r.err != nil {
			return p
		}
		switch {
		case k == 0:
			p.Number = r.atom(e, "pad")
		case k == 1:
			p.Kind = r.word(e, "pad")
			switch p.Kind {
			case "smd", "thru_hole", "connect":
			case "np_thru_hole":
				p.Drill = Size{defaultDrill, defaultDrill}
			default:
				r.fail(e, "pad", "unknown kind %s", excerpt(p.Kind))
			}
		case k == 2:
			p.Shape = r.word(e, "pad")
			switch p.Shape {
			case "rect", "roundrect", "circle", "oval", "trapezoid", "custom":
			default:
				r.fail(e, "pad", "unknown shape %s", excerpt(p.Shape))
			}
		case !e.IsList():
			if r.word(e, "pad") != "locked" {
				r.unknown(e, "pad")
			}
		default:
			r.padItem(&p, e)
		}
		k++
	}
	if k < 3 {
		r.fail(n, "pad", "want a number, a kind and a shape")
	}
	if p.Kind == "smd" || p.Kind == "connect" {
		p.Drill = Size{} // KiCad passes it over
	}
	if p.Kind == "np_thru_hole" || p.Layers&Copper == 0 {
		p.Number = ""
	}
	if p.Cut != 0 && p.Chamfer == 0 {
		p.Chamfer = defaultChamfer
	}
	if p.Chamfer > 0 && p.Shape != "custom" {
		p.Shape = "roundrect"
	}
	if p.Size.W <= 0 || p.Size.H <= 0 {
		p.Size = Size{smallest, smallest}
	}
	return p
}

// padItem reads one list of a pad.
func (r *reader) padItem(p *Pad, e sexpr.Node) {
	switch head := r.head(e); head {
	case "at":
		v := r.numbers(e, "pad", 2, 3)
		p.At = Point{length(v[0]), length(v[1])}
		p.Angle = normal(v[2] - r.angle)
	case "size":
		v := r.numbers(e, "pad", 2, 2)
		p.Size = Size{length(v[0]), length(v[1])}
	case "rect_delta":
		p.Delta = r.point(e, "pad")
	case "drill":
		r.drill(p, e)
	case "layers":
		p.Layers = 0
		for a := range behindHead(e) {
			p.Layers |= LayersOf(r.atom(a, "layers"))
		}
	case "roundrect_rratio":
		p.Ratio = max(0, min(0.5, r.numbers(e, "pad", 1, 1)[0]))
	case "chamfer_ratio":
		p.Chamfer = max(0, min(0.5, r.numbers(e, "pad", 1, 1)[0]))
	case "chamfer":
		for a := range behindHead(e) {
			switch r.word(a, "chamfer") {
			case "top_left":
				p.Cut |= TopLeft
			case "top_right":
				p.Cut |= TopRight
			case "bottom_left":
				p.Cut |= BottomLeft
			case "bottom_right":
				p.Cut |= BottomRight
			default:
				r.unknown(a, "chamfer")
			}
		}
	case "options":
		for a := range behindHead(e) {
			switch value := r.word(r.only(a, "options"), "options"); r.head(a) {
			case "anchor":
				if value != "rect" && value != "circle" {
					r.unknown(a, "options")
				}
				p.Anchor = value
			case "clearance":
				if value != "outline" && value != "convexhull" {
					r.unknown(a, "options")
				}
			default:
				r.unknown(a, "options")
			}
		}
	case "primitives":
		for a := range behindHead(e) {
			switch head := r.head(a); head {
			case "gr_line", "gr_rect", "gr_circle", "gr_arc", "gr_poly", "gr_curve":
				p.Primitives = append(p.Primitives, r.graphic(a, head))
			case "gr_bbox", "gr_vector": // no copper
				r.graphic(a, head)
			default:
				r.unknown(a, "primitives")
			}
		}
	case "property":
		for a := range behindHead(e) {
			r.atom(a, "property")
		}
	case "padstack":
		p.Stack = true
	case "die_length", "die_delay", "solder_mask_margin", "solder_paste_margin", "solder_paste_margin_ratio", "clearance",
		"zone_connect", "thermal_width", "thermal_bridge_width", "thermal_bridge_angle", "thermal_gap":
		r.numbers(e, "pad", 1, 1)
	case "pinfunction", "pintype", "tstamp", "uuid":
		r.only(e, "pad")
	case "remove_unused_layers", "keep_end_layers", "locked":
		r.maybeFlag(e, "pad")
	case "net", "teardrops", "tenting", "zone_layer_connections", "backdrill", "tertiary_drill", "front_post_machining",
		"back_post_machining":
		// not looked at
	default:
		r.unknown(e, "pad")
	}
}

// drill reads (drill 0.8), (drill oval 1 0.6 (offset 0.1 0)).
func (r *reader) drill(p *Pad, n sexpr.Node) {
	k := 0
	for e := range behindHead(n) {
		switch {
		case e.IsList() && r.head(e) == "offset":
			p.Offset = r.point(e, "drill")
		case e.IsList():
			r.unknown(e, "drill")
		case !e.Quoted() && e.Text() == "oval":
		case k == 0:
			d := length(r.number(e, "drill"))
			p.Drill = Size{d, d}
			k++
		default:
			p.Drill.H = length(r.number(e, "drill"))
			k++
		}
	}
}

// normal brings an angle into [0, 360).
func normal(degrees float64) float64 {
	if math.IsInf(degrees, 0) || math.IsNaN(degrees) {
		return 0
	}
	if degrees = math.Mod(degrees, 360); degrees < 0 {
		degrees += 360
	}
	return degrees
}

// Middle is where the middle of the copper lies; of a pad without an offset it
// is At.
func (p Pad) Middle() Point {
	if p.Offset == (Point{}) {
		return p.At
	}
	return turned(Point{p.At.X + p.Offset.X, p.At.Y + p.Offset.Y}, p.At, p.Angle)
}

// Outline is a pad's outline, the same for all ways to write it: straight sides
// between corners that are rounded with one radius.
type Outline struct {
	// Corners of the outline before it is rounded: four of a rectangle, up to
	// eight where corners are cut. They begin with the first in order of x, then y,
	// and go clockwise.
	Corners []Point
	Radius  int  // of the corners; half of the shorter side makes an oval or a circle
	Square  bool // a rectangle along the axes: no chamfer, trapezoid, or odd angle
	Cut     bool // with cut corners, which are not rounded

	// Primitives are drawn on top, in the footprint's axes.
	Primitives []Graphic
}

// Outline returns the pad's copper.
func (p Pad) Outline() Outline {
	w, h := p.Size.W, p.Size.H
	c := Outline{}
	shape := p.Shape
	if shape == "custom" {
		shape = p.Anchor
		for _, g := range p.Primitives {
			g.Points = slices.Clone(g.Points)
			if g.Kind == "rect" && math.Mod(p.Angle, 90) != 0 {
				g.Points, _ = g.line()
				g.Kind = "poly"
			}
			for i, q := range g.Points {
				g.Points[i] = turned(Point{p.At.X + q.X, p.At.Y + q.Y}, p.At, p.Angle)
			}
			c.Primitives = append(c.Primitives, g.canonical())
		}
	}
	side := min(w, h)
	var corners []Point
	switch shape {
	case "circle":
		h = w // KiCad takes the width for both
		side = w
		c.Radius = side / 2
	case "oval":
		c.Radius = side / 2
	case "roundrect":
		c.Radius = int(math.Round(p.Ratio * float64(side)))
	}
	switch {
	case shape == "trapezoid":
		dx, dy := p.Delta.X/2, p.Delta.Y/2
		corners = []Point{
			{-w/2 + dy, -h/2 - dx}, {w/2 - dy, -h/2 + dx}, {w/2 + dy, h/2 - dx}, {-w/2 - dy, h/2 + dx},
		}
	case shape == "roundrect" && p.Cut != 0 && p.Chamfer > 0:
		cut := int(math.Round(p.Chamfer * float64(side)))
		c.Cut = true
		for i, at := range []Point{{-w / 2, -h / 2}, {w / 2, -h / 2}, {w / 2, h / 2}, {-w / 2, h / 2}} {
			if p.Cut&(1<<i) == 0 {
				corners = append(corners, at)
				continue
			}
			sx, sy := sign(at.X), sign(at.Y)
			a, b := Point{at.X, at.Y - sy*cut}, Point{at.X - sx*cut, at.Y}
			if i == 1 || i == 3 {
				a, b = b, a
			}
			corners = append(corners, a, b)
		}
	default:
		corners = []Point{{-w / 2, -h / 2}, {w / 2, -h / 2}, {w / 2, h / 2}, {-w / 2, h / 2}}
	}
	angle := p.Angle
	if w == h && 2*c.Radius >= w-1 && !c.Cut {
		angle = 0 // a circle has no direction
	}
	m := p.Middle()
	for i, q := range corners {
		corners[i] = turned(Point{m.X + q.X, m.Y + q.Y}, m, angle)
	}
	first := 0
	for i := range corners {
		if comparePoints(corners[i], corners[first]) < 0 {
			first = i
		}
	}
	c.Corners = append(corners[first:len(corners):len(corners)], corners[:first]...)
	c.Square = len(corners) == 4 && !c.Cut && shape != "trapezoid" && math.Mod(angle, 90) == 0
	return c
}

func sign(v int) int {
	if v < 0 {
		return -1
	}
	return 1
}

// Hole is a drilled hole or slot, turned so that it lies along the axes where
// that is possible.
type Hole struct {
	At    Point
	Size  Size
	Angle float64 // in [0, 180); 0 of a round hole
}

// Hole returns the pad's hole; its size is zero where there is none.
func (p Pad) Hole() Hole {
	h := Hole{At: p.At, Size: p.Drill, Angle: math.Mod(p.Angle, 180)}
	switch {
	case h.Size.W == h.Size.H:
		h.Angle = 0
	case h.Angle >= 90:
		h.Size.W, h.Size.H = h.Size.H, h.Size.W
		h.Angle -= 90
	}
	return h
}

// canonical orders the points of a closed graphic: the first in order of x, then
// y, comes first, and they go clockwise.
func (g Graphic) canonical() Graphic {
	switch g.Kind {
	case "rect":
		b := boxOf(g.Points...)
		g.Points = []Point{b.Min, b.Max}
	case "line":
		if comparePoints(g.Points[0], g.Points[1]) > 0 {
			g.Points[0], g.Points[1] = g.Points[1], g.Points[0]
		}
	case "arc":
		if comparePoints(g.Points[0], g.Points[2]) > 0 {
			g.Points[0], g.Points[2] = g.Points[2], g.Points[0]
		}
	case "poly":
		p, _ := g.line()
		if len(p) == 0 {
			return g
		}
		if area(p) < 0 {
			slices.Reverse(p)
		}
		first := 0
		for i := range p {
			if comparePoints(p[i], p[first]) < 0 {
				first = i
			}
		}
		g.Points = append(slices.Clone(p[first:]), p[:first]...)
	}
	return g
}

// area is positive where corners go clockwise, as seen with y down.
func area(p []Point) float64 {
	sum := 0.0
	for i, a := range p {
		b := p[(i+1)%len(p)]
		sum += float64(a.X-p[0].X)*float64(b.Y-p[0].Y) - float64(b.X-p[0].X)*float64(a.Y-p[0].Y)
	}
	return sum / 2
}

// Box returns what the pad's copper covers.
func (p Pad) Box() Box {
	c := p.Outline()
	b := boxOf(c.Corners...)
	if c.Radius > 0 && !c.Square && !c.Cut { // corners that are turned: what is round lies inside of them
		var core []Point
		for _, q := range c.core() {
			core = append(core, Point{q.X - c.Radius, q.Y - c.Radius}, Point{q.X + c.Radius, q.Y + c.Radius})
		}
		b = boxOf(core...)
	}
	for _, g := range c.Primitives {
		g := g.Box()
		b = boxOf(b.Min, b.Max, g.Min, g.Max)
	}
	return b
}

// core returns the corners drawn in by the radius: the outline is all that is
// at most a radius away from it.
func (c Outline) core() []Point {
	if c.Radius == 0 || len(c.Corners) != 4 {
		return c.Corners
	}
	out := make([]Point, 4)
	for i, q := range c.Corners {
		next, last := c.Corners[(i+1)%4], c.Corners[(i+3)%4]
		out[i] = q
		for _, o := range []Point{next, last} {
			if d := distance(q, o); d > 0 {
				out[i].X += int(math.Round(float64(o.X-q.X) * float64(c.Radius) / d))
				out[i].Y += int(math.Round(float64(o.Y-q.Y) * float64(c.Radius) / d))
			}
		}
	}
	return out
}
