package symbol

import "math"

// arc is an arc as either format may give it.
type arc struct {
	start, mid, end Point
	centre          Point
	radius          int
	from, to        float64 // degrees, counter-clockwise
	parts           uint8
}

const (
	hasStart = 1 << iota
	hasMid
	hasEnd
	hasAngles
)

// points are start, middle and end. They are false where the arc lacks something.
func (a arc) points() ([]Point, bool) {
	if a.parts&(hasStart|hasMid|hasEnd) == hasStart|hasMid|hasEnd {
		return []Point{a.start, a.mid, a.end}, true
	}
	if a.parts&hasAngles == 0 {
		return nil, false
	}
	from, to := math.Mod(a.from, 360), math.Mod(a.to, 360)
	sweep := math.Mod(to-from+720, 360)
	if sweep > 180 { // KiCad's arcs of centre and angles are the smaller ones
		from, sweep = to, 360-sweep
	}
	on := func(degrees float64) Point {
		sin, cos := math.Sincos(degrees * math.Pi / 180)
		return Point{a.centre.X + int(math.Round(float64(a.radius)*cos)), a.centre.Y + int(math.Round(float64(a.radius)*sin))}
	}
	return []Point{on(from), on(from + sweep/2), on(from + sweep)}, true
}

// circleThrough is the circle through three points. It is false where they are
// on one line.
func circleThrough(a, b, c Point) (x, y, radius float64, ok bool) {
	bx, by := float64(b.X-a.X), float64(b.Y-a.Y)
	cx, cy := float64(c.X-a.X), float64(c.Y-a.Y)
	d := 2 * (float64(bx*cy) - float64(by*cx))
	if d == 0 {
		return 0, 0, 0, false
	}
	bb, cc := float64(bx*bx)+float64(by*by), float64(cx*cx)+float64(cy*cy)
	x = (float64(cy*bb) - float64(by*cc)) / d
	y = (float64(bx*cc) - float64(cx*bb)) / d
	return x + float64(a.X), y + float64(a.Y), math.Hypot(x, y), true
}
