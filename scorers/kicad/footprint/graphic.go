package footprint

import (
	"math"

	"github.com/ailiance/lorabench/scorers/sexpr"
)

// Graphic is a line, a rectangle, a circle, an arc, a polygon or a Bézier curve.
type Graphic struct {
	Kind  string // "line", "rect", "circle", "arc", "poly", "curve"
	Layer string // "" of a pad's own
	// Points are, by kind: two ends; two opposite corners; the centre and a point
	// of the circle; start, middle and end; the corners; two ends with the two
	// control points between them.
	Points []Point
	Width  int
	Filled bool
	Radius int // of a rectangle's corners (KiCad 10)
}

// places are the lists that a graphic begins with, in this order.
var places = map[string][]string{
	"line": {"start", "end"}, "vector": {"start", "end"}, "rect": {"start", "end"}, "bbox": {"start", "end"},
	"circle": {"center", "end"}, "poly": {"pts"}, "curve": {"pts"},
}

// graphic reads (fp_line …), or (gr_line …) in a pad.
func (r *reader) graphic(n sexpr.Node, where string) Graphic {
	g := Graphic{Kind: where[3:]}
	wanted := places[g.Kind]
	legacy := r.version < threePointArcs
	if g.Kind == "arc" {
		wanted = []string{"start", "mid", "end"}
		if legacy {
			wanted = []string{"start", "end", "angle"}
		}
	}
	filled := -1 // not said
	turn := 0.0
	k := 0
	for e := range behindHead(n) {
		if r.err != nil {
			return g
		}
		if !e.IsList() {
			if k > 0 || e.Quoted() || e.Text() != "locked" {
				r.unknown(e, where)
			}
			continue
		}
		head := r.head(e)
		if k < len(wanted) {
			switch {
			case head != wanted[k]:
				r.fail(e, where, "want (%s, found (%s", wanted[k], excerpt(head))
			case head == "pts":
				g.Points = r.points(e, where)
			case head == "angle":
				turn = r.numbers(e, where, 1, 1)[0]
			default:
				g.Points = append(g.Points, r.point(e, where))
			}
			k++
			continue
		}
		switch head {
		case "layer":
			g.Layer = r.name(e, where)
		case "layers":
			for a := range behindHead(e) {
				if s := r.atom(a, where); g.Layer == "" {
					g.Layer = s
				}
			}
		case "width":
			g.Width = length(r.numbers(e, where, 1, 1)[0])
		case "radius":
			g.Radius = max(0, length(r.numbers(e, where, 1, 1)[0]))
		case "angle", "solder_mask_margin":
			r.numbers(e, where, 1, 1)
		case "stroke":
			g.Width = r.stroke(e)
		case "fill":
			filled = r.fill(e, where)
		case "tstamp", "uuid", "status":
			r.only(e, where)
		case "locked":
			r.maybeFlag(e, where)
		case "net":
		default:
			r.unknown(e, where)
		}
	}
	if k < len(wanted) {
		r.fail(n, where, "no (%s", wanted[k])
		return g
	}
	if g.Kind == "poly" && len(g.Points) == 0 {
		r.fail(n, where, "no corners")
	}
	if g.Kind == "curve" && len(g.Points) != 4 {
		r.fail(n, where, "%d points, want 4", len(g.Points))
	}
	if g.Kind == "arc" && legacy && r.err == nil { // it gave the centre, the start, and how far it turns
		centre, start := g.Points[0], g.Points[1]
		g.Points = []Point{start, turned(start, centre, -turn/2), turned(start, centre, -turn)}
	}
	g.Filled = filled == 1 || filled < 0 && (g.Kind == "poly" && g.Layer != "Edge.Cuts" || g.Width == 0 && (g.Kind == "rect" || g.Kind == "circle"))
	return g
}

// stroke reads (stroke (width 0.1) (type solid)) and returns the width.
func (r *reader) stroke(n sexpr.Node) int {
	width := 0
	for e := range behindHead(n) {
		switch r.head(e) {
		case "width":
			width = length(r.numbers(e, "stroke", 1, 1)[0])
		case "type":
			switch r.word(r.only(e, "stroke"), "stroke") {
			case "default", "dash", "dot", "dash_dot", "dash_dot_dot", "solid":
			default:
				r.fail(e, "stroke", "unknown type %s", excerpt(e.Element(1).Text()))
			}
		case "color":
			r.numbers(e, "stroke", 4, 4)
		default:
			r.unknown(e, "stroke")
		}
	}
	return width
}

// fill reads (fill solid): 1 for filled, 0 for not.
func (r *reader) fill(n sexpr.Node, where string) int {
	filled := -1
	for e := range behindHead(n) {
		switch r.word(e, where) {
		case "yes", "solid", "hatch", "reverse_hatch", "cross_hatch":
			filled = 1
		case "no", "none":
			filled = 0
		default:
			r.fail(e, where, "unknown fill %s", excerpt(e.Text()))
		}
	}
	return filled
}

// maxCorners bounds the corners of all arcs within polygons.
const maxCorners = 1 << 18

// points reads (pts (xy 0 0) …), with arcs as lines.
func (r *reader) points(n sexpr.Node, where string) []Point {
	var points []Point
	for e := range behindHead(n) {
		if r.err != nil {
			return nil
		}
		switch r.head(e) {
		case "xy":
			points = append(points, r.point(e, where))
		case "arc":
			var arc [3]Point
			seen := 0
			for a := range behindHead(e) {
				switch r.head(a) {
				case "start":
					arc[0] = r.point(a, where)
					seen |= 1
				case "mid":
					arc[1] = r.point(a, where)
					seen |= 2
				case "end":
					arc[2] = r.point(a, where)
					seen |= 4
				default:
					r.unknown(a, where)
				}
			}
			if seen != 7 {
				r.fail(e, where, "an arc needs start, mid and end")
			}
			line := arcLine(arc[0], arc[1], arc[2])
			if r.corners += len(line); r.corners > maxCorners {
				r.fail(e, where, "arcs of more than %d corners", maxCorners)
			}
			points = append(points, line...)
		default:
			r.unknown(e, where)
		}
	}
	return points
}

// turned returns p turned about centre by degrees counter-clockwise, as seen
// with y down.
func turned(p, centre Point, degrees float64) Point {
	x, y := rotate(float64(p.X-centre.X), float64(p.Y-centre.Y), degrees)
	return Point{centre.X + int(math.Round(x)), centre.Y + int(math.Round(y))}
}

// rotate is exact for quarter turns.
func rotate(x, y, degrees float64) (float64, float64) {
	switch math.Mod(degrees, 360) {
	case 0:
		return x, y
	case 90, -270:
		return y, -x
	case 180, -180:
		return -x, -y
	case 270, -90:
		return -y, x
	}
	sin, cos := math.Sincos(degrees * math.Pi / 180)
	return x*cos + y*sin, y*cos - x*sin
}

// flat is how far a line of corners may be from the curve it stands for.
const flat = 2000 // nm

// steps is how many straight pieces an arc needs.
func steps(radius, angle float64) int {
	if radius <= flat {
		return 4
	}
	each := 2 * math.Acos(1-flat/radius)
	return int(max(4, min(1024, math.Ceil(math.Abs(angle)/each))))
}

// arc is a part of a circle, seen from its start.
type arc struct {
	centre      Point
	radius      float64
	from, sweep float64 // radians, clockwise with y down; sweep may be negative
}

// arcOf returns the arc through three points. It is false where they lie on a
// straight line.
func arcOf(start, mid, end Point) (arc, bool) {
	ax, ay := float64(mid.X-start.X), float64(mid.Y-start.Y)
	bx, by := float64(end.X-start.X), float64(end.Y-start.Y)
	cross := 2 * (ax*by - ay*bx)
	la, lb := ax*ax+ay*ay, bx*bx+by*by
	if start == end && mid != start { // a whole circle
		radius := math.Sqrt(la) / 2
		return arc{Point{(start.X + mid.X) / 2, (start.Y + mid.Y) / 2}, radius, math.Atan2(-ay, -ax), 2 * math.Pi}, true
	}
	if math.Abs(cross) <= 1e-9*(la+lb) {
		return arc{}, false
	}
	cx, cy := (by*la-ay*lb)/cross, (ax*lb-bx*la)/cross // from start
	from := math.Atan2(-cy, -cx)
	middle := around(math.Atan2(ay-cy, ax-cx) - from)
	sweep := around(math.Atan2(by-cy, bx-cx) - from)
	if middle > sweep { // the other way round
		sweep -= 2 * math.Pi
	}
	return arc{Point{start.X + int(math.Round(cx)), start.Y + int(math.Round(cy))}, math.Hypot(cx, cy), from, sweep}, true
}

func (a arc) at(angle float64) Point {
	sin, cos := math.Sincos(angle)
	return Point{a.centre.X + int(math.Round(a.radius*cos)), a.centre.Y + int(math.Round(a.radius*sin))}
}

// arcLine returns corners on the arc through three points, both ends included.
// Three points of one straight line give that line.
func arcLine(start, mid, end Point) []Point {
	a, curved := arcOf(start, mid, end)
	if !curved {
		return []Point{start, mid, end}
	}
	n := steps(a.radius, a.sweep)
	line := make([]Point, 0, n+1)
	line = append(line, start)
	for k := 1; k < n; k++ {
		line = append(line, a.at(a.from+a.sweep*float64(k)/float64(n)))
	}
	return append(line, end)
}

// arcBox returns what the arc through three points covers.
func arcBox(start, mid, end Point) Box {
	points := []Point{start, mid, end}
	if a, curved := arcOf(start, mid, end); curved {
		for quarter := range 4 {
			angle := float64(quarter) * math.Pi / 2
			turn := around(angle - a.from)
			if a.sweep < 0 {
				turn = around(a.from - angle)
			}
			if turn <= math.Abs(a.sweep) {
				points = append(points, a.at(angle))
			}
		}
	}
	return boxOf(points...)
}

// around brings an angle into [0, 2π).
func around(a float64) float64 {
	if a = math.Mod(a, 2*math.Pi); a < 0 {
		a += 2 * math.Pi
	}
	return a
}

// circleLine returns corners of a circle, the first not repeated.
func circleLine(centre Point, radius float64) []Point {
	n := max(16, (steps(radius, 2*math.Pi)+3)/4*4)
	line := make([]Point, n)
	for k := range line {
		sin, cos := math.Sincos(2 * math.Pi * float64(k) / float64(n))
		line[k] = Point{centre.X + int(math.Round(radius*cos)), centre.Y + int(math.Round(radius*sin))}
	}
	return line
}

// line returns the graphic as straight pieces, and whether it closes: then the
// first point is not repeated at the end.
func (g Graphic) line() (points []Point, closed bool) {
	p := g.Points
	switch g.Kind {
	case "rect", "bbox":
		a, b := p[0], p[1]
		if g.Radius == 0 {
			return []Point{a, {b.X, a.Y}, b, {a.X, b.Y}}, true
		}
		return roundedLine(boxOf(a, b), g.Radius), true
	case "circle":
		return circleLine(p[0], distance(p[0], p[1])), true
	case "poly":
		if n := len(p); n > 1 && p[0] == p[n-1] {
			p = p[:n-1]
		}
		return p, true
	case "arc":
		line := arcLine(p[0], p[1], p[2])
		return line, p[0] == p[2] && len(line) > 3
	case "curve":
		const n = 32
		line := make([]Point, 0, n+1)
		for k := range n + 1 {
			t := float64(k) / n
			u := 1 - t
			at := func(a, b, c, d int) int {
				return int(math.Round(u*u*u*float64(a) + 3*u*u*t*float64(b) + 3*u*t*t*float64(c) + t*t*t*float64(d)))
			}
			line = append(line, Point{at(p[0].X, p[1].X, p[2].X, p[3].X), at(p[0].Y, p[1].Y, p[2].Y, p[3].Y)})
		}
		return line, false
	}
	return p, false
}

// roundedLine is a rectangle with round corners.
func roundedLine(b Box, radius int) []Point {
	radius = min(radius, (b.Max.X-b.Min.X)/2, (b.Max.Y-b.Min.Y)/2)
	var line []Point
	corners := []struct {
		centre Point
		from   float64
	}{
		{Point{b.Max.X - radius, b.Max.Y - radius}, 0},
		{Point{b.Min.X + radius, b.Max.Y - radius}, 90},
		{Point{b.Min.X + radius, b.Min.Y + radius}, 180},
		{Point{b.Max.X - radius, b.Min.Y + radius}, 270},
	}
	n := steps(float64(radius), math.Pi/2)
	for _, c := range corners {
		for k := range n + 1 {
			sin, cos := math.Sincos((c.from + 90*float64(k)/float64(n)) * math.Pi / 180)
			line = append(line, Point{c.centre.X + int(math.Round(float64(radius)*cos)), c.centre.Y + int(math.Round(float64(radius)*sin))})
		}
	}
	return line
}

// Box is a rectangle along the axes.
type Box struct{ Min, Max Point }

func boxOf(points ...Point) Box {
	if len(points) == 0 {
		return Box{}
	}
	b := Box{points[0], points[0]}
	for _, p := range points[1:] {
		b.Min = Point{min(b.Min.X, p.X), min(b.Min.Y, p.Y)}
		b.Max = Point{max(b.Max.X, p.X), max(b.Max.Y, p.Y)}
	}
	return b
}

// Box returns what a graphic covers, without the width of its line.
func (g Graphic) Box() Box {
	p := g.Points
	switch g.Kind {
	case "circle":
		radius := int(math.Round(distance(p[0], p[1])))
		return Box{Point{p[0].X - radius, p[0].Y - radius}, Point{p[0].X + radius, p[0].Y + radius}}
	case "arc":
		return arcBox(p[0], p[1], p[2])
	case "curve":
		p, _ = g.line()
	}
	return boxOf(p...)
}

func distance(a, b Point) float64 { return math.Hypot(float64(a.X-b.X), float64(a.Y-b.Y)) }
