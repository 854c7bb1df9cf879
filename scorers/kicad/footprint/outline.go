package footprint

import (
	"math"
	"slices"
)

// chaining is how far apart two ends may be that meet: KiCad's own measure for
// courtyards.
const chaining = 20_000 // nm

// most corners and ends that courtyards are looked at with.
const mostCorners = 1 << 12

// Courtyard is what a footprint keeps free on one side of the board.
type Courtyard struct {
	Outlines [][]Point // closed, the first point not repeated; curves as straight pieces
	Box      Box       // around all that is drawn
	Drawn    bool      // there is something
	Open     bool      // some of it does not close: KiCad calls it malformed
}

// Courtyard returns the courtyard of the front, or of the back.
func (f *Footprint) Courtyard(back bool) Courtyard {
	layer := "F.CrtYd"
	if back {
		layer = "B.CrtYd"
	}
	return outlines(f.Graphics, layer)
}

// outlines joins what is drawn on a layer to closed outlines.
func outlines(graphics []Graphic, layer string) Courtyard {
	var c Courtyard
	var open [][]Point
	corners := 0
	for _, g := range graphics {
		if g.Layer != layer || len(g.Points) == 0 {
			continue
		}
		if box := g.Box(); c.Drawn {
			c.Box = boxOf(c.Box.Min, c.Box.Max, box.Min, box.Max)
		} else {
			c.Box = box
		}
		c.Drawn = true
		if corners > mostCorners {
			continue
		}
		line, closed := g.line()
		corners += len(line)
		switch {
		case closed && len(line) > 2:
			c.Outlines = append(c.Outlines, line)
		case closed: // a polygon of two corners
		case distance(line[0], line[len(line)-1]) > chaining || len(line) > 4:
			open = append(open, line)
		}
	}
	if corners > mostCorners {
		return Courtyard{Box: c.Box, Drawn: true, Open: true}
	}
	joined, ok := chain(open)
	c.Outlines = append(c.Outlines, joined...)
	c.Open = !ok
	return c
}

// chain joins lines whose ends meet. It is not ok where an end meets none, or
// more than one: those lines are in no outline.
func chain(lines [][]Point) (closed [][]Point, ok bool) {
	type end struct{ line, side int } // side 0: the first point
	point := func(e end) Point {
		if e.side == 0 {
			return lines[e.line][0]
		}
		return lines[e.line][len(lines[e.line])-1]
	}
	cell := func(p Point) [2]int {
		return [2]int{int(math.Floor(float64(p.X) / chaining)), int(math.Floor(float64(p.Y) / chaining))}
	}
	cells := map[[2]int][]end{}
	for i := range lines {
		for side := range 2 {
			c := cell(point(end{i, side}))
			if len(cells[c]) < 4 {
				cells[c] = append(cells[c], end{i, side})
			}
		}
	}
	ok = true
	partner := func(e end) (end, bool) {
		p := point(e)
		c := cell(p)
		var found end
		n := 0
		for dx := -1; dx <= 1; dx++ {
			for dy := -1; dy <= 1; dy++ {
				for _, o := range cells[[2]int{c[0] + dx, c[1] + dy}] {
					if o != e && distance(p, point(o)) <= chaining {
						found = o
						n++
					}
				}
			}
		}
		return found, n == 1
	}
	used := make([]bool, len(lines))
	for i := range lines {
		if used[i] {
			continue
		}
		var outline []Point
		at := end{i, 0}
		whole := false
		for {
			used[at.line] = true
			line := lines[at.line]
			if at.side == 1 {
				line = slices.Clone(line)
				slices.Reverse(line)
			}
			outline = append(outline, line[:len(line)-1]...)
			next, single := partner(end{at.line, 1 - at.side})
			if !single {
				break
			}
			if back, single := partner(next); !single || back != (end{at.line, 1 - at.side}) {
				break
			}
			if last := line[len(line)-1]; last != point(next) {
				outline = append(outline, last)
			}
			if next == (end{i, 0}) {
				whole = true
				break
			}
			if used[next.line] {
				break
			}
			at = next
		}
		if whole && len(outline) > 2 {
			closed = append(closed, outline)
		} else {
			ok = false
		}
	}
	return closed, ok
}

func perimeter(p []Point) float64 {
	sum := 0.0
	for i, a := range p {
		sum += distance(a, p[(i+1)%len(p)])
	}
	return sum
}

// sameOutline reports whether two closed outlines run along one another, nowhere
// further apart than tolerance.
func sameOutline(a, b []Point, tolerance float64) bool {
	if len(a) < 3 || len(b) < 3 || len(a)*len(b) > 1<<24 {
		return false
	}
	difference := math.Abs(math.Abs(area(a)) - math.Abs(area(b)))
	if difference > tolerance*max(perimeter(a), perimeter(b)) {
		return false
	}
	return near(a, b, tolerance) && near(b, a, tolerance)
}

// near reports whether all corners of a lie at most tolerance from the sides of b.
func near(a, b []Point, tolerance float64) bool {
	for _, p := range a {
		if toLine(p, b) > tolerance {
			return false
		}
	}
	return true
}

// toLine is how far p is from the sides of a closed outline.
func toLine(p Point, outline []Point) float64 {
	least := math.Inf(1)
	for i, a := range outline {
		least = min(least, toSegment(p, a, outline[(i+1)%len(outline)]))
	}
	return least
}

func toSegment(p, a, b Point) float64 {
	dx, dy := float64(b.X-a.X), float64(b.Y-a.Y)
	px, py := float64(p.X-a.X), float64(p.Y-a.Y)
	if l := dx*dx + dy*dy; l > 0 {
		t := max(0, min(1, (px*dx+py*dy)/l))
		px, py = px-t*dx, py-t*dy
	}
	return math.Hypot(px, py)
}

// inside reports whether p lies in a closed outline.
func inside(p Point, outline []Point) bool {
	in := false
	for i, a := range outline {
		b := outline[(i+1)%len(outline)]
		if (a.Y > p.Y) != (b.Y > p.Y) {
			x := float64(a.X) + float64(b.X-a.X)*float64(p.Y-a.Y)/float64(b.Y-a.Y)
			if float64(p.X) < x {
				in = !in
			}
		}
	}
	return in
}

// apart is the least distance between the sides of two closed outlines; 0 where
// they cross.
func apart(a, b []Point) float64 {
	least := math.Inf(1)
	for i, p := range a {
		q := a[(i+1)%len(a)]
		for k, s := range b {
			t := b[(k+1)%len(b)]
			if crosses(p, q, s, t) {
				return 0
			}
			least = min(least, toSegment(p, s, t), toSegment(q, s, t), toSegment(s, p, q), toSegment(t, p, q))
		}
	}
	return least
}

func crosses(a, b, c, d Point) bool {
	side := func(p, q, r Point) float64 {
		return float64(q.X-p.X)*float64(r.Y-p.Y) - float64(q.Y-p.Y)*float64(r.X-p.X)
	}
	return (side(a, b, c) > 0) != (side(a, b, d) > 0) && (side(c, d, a) > 0) != (side(c, d, b) > 0)
}
