package symbol

import (
	"cmp"
	"math"
	"slices"
)

// bounds are the corners of what g's points span.
func (g Graphic) bounds() (low, high Point) {
	low, high = g.Points[0], g.Points[0]
	for _, p := range g.Points {
		low = Point{min(low.X, p.X), min(low.Y, p.Y)}
		high = Point{max(high.X, p.X), max(high.Y, p.Y)}
	}
	return low, high
}

// extended reports whether g is more than a dot.
func (g Graphic) extended() bool {
	if len(g.Points) == 0 {
		return false
	}
	low, high := g.bounds()
	return low != high || g.Radius > 0
}

// boxes are the rectangles of a drawing. One of them may be made of lines.
func boxes(shapes []Graphic) []Graphic {
	var out []Graphic
	var lines []line
	for _, g := range shapes {
		switch low, high := g.bounds(); {
		case g.Kind == Rectangle && low.X != high.X && low.Y != high.Y:
			out = append(out, g)
		case g.Kind == Polyline:
			own := g.lines()
			if low, high, ok := boxOf(own); ok { // a closed polyline
				out = append(out, Graphic{Kind: Rectangle, Points: []Point{low, high}})
			} else {
				lines = append(lines, own...)
			}
		}
	}
	if low, high, ok := boxOf(lines); ok {
		out = append(out, Graphic{Kind: Rectangle, Points: []Point{low, high}})
	}
	return out
}

// line is one straight line, its lower or left end first.
type line struct{ from, to Point }

// lines are those of a polyline that run along an axis.
func (g Graphic) lines() []line {
	var lines []line
	for i := 1; i < len(g.Points); i++ {
		a, b := g.Points[i-1], g.Points[i]
		if (a.X == b.X) == (a.Y == b.Y) {
			continue // slanted, or a dot
		}
		if a.X > b.X || a.Y > b.Y {
			a, b = b, a
		}
		lines = append(lines, line{a, b})
	}
	return lines
}

// boxOf reports whether lines cover all four edges of what they span.
func boxOf(lines []line) (low, high Point, ok bool) {
	if len(lines) == 0 {
		return low, high, false
	}
	low, high = lines[0].from, lines[0].to
	for _, l := range lines {
		low = Point{min(low.X, l.from.X), min(low.Y, l.from.Y)}
		high = Point{max(high.X, l.to.X), max(high.Y, l.to.Y)}
	}
	if low.X == high.X || low.Y == high.Y {
		return low, high, false
	}
	sorted := slices.Clone(lines)
	slices.SortFunc(sorted, func(a, b line) int {
		return cmp.Or(cmp.Compare(a.from.X, b.from.X), cmp.Compare(a.from.Y, b.from.Y))
	})
	covered := func(upright bool, at, from, to int) bool {
		for _, l := range sorted {
			across, start, end := l.from.Y, l.from.X, l.to.X
			if upright {
				across, start, end = l.from.X, l.from.Y, l.to.Y
			}
			if (l.from.X == l.to.X) == upright && across == at && start <= from {
				from = max(from, end)
			}
		}
		return from >= to
	}
	return low, high, covered(true, low.X, low.Y, high.Y) && covered(true, high.X, low.Y, high.Y) &&
		covered(false, low.Y, low.X, high.X) && covered(false, high.Y, low.X, high.X)
}

const maxCorners = 4096

// holds reports whether all pins end on the edge of the box that their
// orientation says, from outside.
func (g Graphic) holds(pins []Pin) bool {
	low, high := g.bounds()
	within := func(v, from, to int) bool { return v >= from-bodyTolerance && v <= to+bodyTolerance }
	at := func(a, b int) bool { return a-b <= bodyTolerance && b-a <= bodyTolerance }
	for _, p := range pins {
		end := p.End()
		ok := false
		switch p.Orientation.Side() {
		case SideLeft:
			ok = at(end.X, low.X) && within(end.Y, low.Y, high.Y)
		case SideRight:
			ok = at(end.X, high.X) && within(end.Y, low.Y, high.Y)
		case SideTop:
			ok = at(end.Y, high.Y) && within(end.X, low.X, high.X)
		case SideBottom:
			ok = at(end.Y, low.Y) && within(end.X, low.X, high.X)
		}
		if !ok || p.Length <= 0 {
			return false
		}
	}
	return true
}

// touches reports whether p is on a line of g.
func (g Graphic) touches(p Point) bool {
	switch g.Kind {
	case Rectangle:
		low, high := g.bounds()
		a, b := Point{low.X, high.Y}, Point{high.X, low.Y}
		return onLine(p, low, a) || onLine(p, a, high) || onLine(p, high, b) || onLine(p, b, low)
	case Polyline:
		for i := 1; i < len(g.Points) && i < maxCorners; i++ {
			if onLine(p, g.Points[i-1], g.Points[i]) {
				return true
			}
		}
	case Circle:
		c := g.Points[0]
		return math.Abs(math.Hypot(float64(p.X-c.X), float64(p.Y-c.Y))-float64(g.Radius)) <= bodyTolerance
	case Arc:
		return onArc(p, g.Points)
	case Bezier:
		return onCurve(p, g.Points)
	}
	return false
}

// onLine reports whether p is on the line from a to b.
func onLine(p, a, b Point) bool {
	dx, dy := float64(b.X-a.X), float64(b.Y-a.Y)
	px, py := float64(p.X-a.X), float64(p.Y-a.Y)
	length := math.Hypot(dx, dy)
	if length == 0 {
		return math.Hypot(px, py) <= bodyTolerance
	}
	along := (float64(px*dx) + float64(py*dy)) / length
	across := (float64(px*dy) - float64(py*dx)) / length
	return math.Abs(across) <= bodyTolerance && along >= -bodyTolerance && along <= length+bodyTolerance
}

// onArc reports whether p is on the arc from points[0] through points[1] to
// points[2].
func onArc(p Point, points []Point) bool {
	x, y, radius, ok := circleThrough(points[0], points[1], points[2])
	if !ok {
		return onLine(p, points[0], points[2])
	}
	if math.Abs(math.Hypot(float64(p.X)-x, float64(p.Y)-y)-radius) > arcTolerance {
		return false
	}
	angle := func(q Point) float64 { return math.Atan2(float64(q.Y)-y, float64(q.X)-x) }
	turn := func(from, to float64) float64 { return math.Mod(to-from+4*math.Pi, 2*math.Pi) }
	start := angle(points[0])
	middle, end, at := turn(start, angle(points[1])), turn(start, angle(points[2])), turn(start, angle(p))
	slack := arcTolerance / radius
	if middle > end { // clockwise
		end, at = 2*math.Pi-end, math.Mod(2*math.Pi-at, 2*math.Pi)
	}
	return at <= end+slack || at >= 2*math.Pi-slack
}

// arcTolerance is what rounding three points does to an arc, in nanometres.
const arcTolerance = 50_000.0

// onCurve reports whether p is on a cubic curve, as KiCad draws it: of lines.
func onCurve(p Point, c []Point) bool {
	const pieces = 64
	last := c[0]
	for i := 1; i <= pieces; i++ {
		t := float64(i) / pieces
		u := 1 - t
		w := [4]float64{u * u * u, 3 * u * u * t, 3 * u * t * t, t * t * t}
		var x, y float64
		for k, q := range c {
			x += float64(w[k] * float64(q.X))
			y += float64(w[k] * float64(q.Y))
		}
		next := Point{int(math.Round(x)), int(math.Round(y))}
		if onLine(p, last, next) {
			return true
		}
		last = next
	}
	return false
}
