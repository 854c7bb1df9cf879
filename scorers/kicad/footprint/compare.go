package footprint

import (
	"cmp"
	"math"
	"slices"
)

// What can be wrong, the gravest first. They are the failure taxonomy of
// docs/scorers/kicad_pcb.md.
const (
	WrongPadsMissing = "pads are missing"
	WrongPadsMore    = "there are more pads than asked for"
	WrongScale       = "all distances are scaled: another unit, or a wrong pitch"
	WrongMirrored    = "mirrored"
	WrongTurned      = "turned"
	WrongOrigin      = "another origin"
	WrongNumbers     = "pads are numbered otherwise"
	WrongPlaces      = "pads at other places"
	WrongKinds       = "pads of another kind"
	WrongHoles       = "holes of another size"
	WrongSizes       = "pads of another size or shape"
	WrongLayers      = "pads on other layers"
	WrongNoCourtyard = "no courtyard"
	WrongOpen        = "the courtyard is not closed"
	WrongCourtyard   = "another courtyard"
	WrongDrawings    = "lines of a body or a mark are missing or elsewhere"
	WrongSide        = "on the other side of the board"
	WrongAttributes  = "other attributes"
	WrongTexts       = "reference or value are missing or elsewhere"
	WrongName        = "another name"
)

// Result says how a footprint compares with a target.
type Result struct {
	Graded float64  // 1 where nothing is wrong; near 0 for what was not made for this target
	Wrong  []string // the gravest first; empty where all is right
}

// measured is a pad with what is compared of it.
type measured struct {
	Pad
	middle  Point
	copper  Outline
	hole    Hole
	surface Layers
}

func measure(p Pad) measured {
	m := measured{Pad: p, middle: p.Middle(), copper: p.Outline(), hole: p.Hole(), surface: p.Layers}
	if p.Kind == "np_thru_hole" {
		m.surface &^= inner // *.Cu and F&B.Cu are the same there: nothing is left of the copper
	}
	return m
}

// facts are what is right of a pad whose place is right.
type facts struct{ number, kind, layers, copper, hole bool }

// match is a pad of the target and one of the footprint at its place.
type match struct {
	target, pad int
	facts       facts
	credit      float64 // of 1
	off         int     // nm
}

// Shares of a pad's credit.
const (
	otherNumber = 0.3  // factor of a pad that is right but for its number
	otherKind   = 0.75 // factor of another kind
	otherLayers = 0.75 // likewise
)

// Compare says what of f is not as t wants it.
func (t *Target) Compare(f *Footprint) Result {
	tolerance := length(t.Tolerance)
	var wrong []string
	pads := 1.0
	if len(f.Pads) > 4*len(t.pads)+64 {
		return Result{Wrong: []string{WrongPadsMore}}
	}
	found := make([]measured, len(f.Pads))
	for i, p := range f.Pads {
		found[i] = measure(p)
	}
	if n := len(t.pads) + len(found); n > 0 {
		matches := assign(t.pads, found, tolerance)
		sum := 0.0
		for _, m := range matches {
			sum += m.credit
		}
		pads = 2 * sum / float64(n)
		wrong = padFaults(t.pads, found, matches, tolerance)
	}
	rest, right := 0, 0
	want := func(fault string, asked, ok bool) {
		if !asked {
			return
		}
		rest++
		if ok {
			right++
		} else {
			wrong = append(wrong, fault)
		}
	}
	fault, ok := t.courtyard(t.Courtyard, f.Courtyard(false), found)
	want(fault, t.Courtyard != nil, ok)
	fault, ok = t.courtyard(t.BackCourtyard, f.Courtyard(true), found)
	want(fault, t.BackCourtyard != nil, ok)
	want(WrongDrawings, len(t.Drawings) > 0, t.drawings(f))
	want(WrongSide, f.Back != t.Back, false)
	want(WrongAttributes, len(t.Attributes) > 0, attributesFit(t.Attributes, f.Attributes))
	want(WrongTexts, len(t.Texts) > 0, t.texts(f))
	want(WrongName, t.Name != "", t.Name == f.Name)
	graded := pads
	if rest > 0 {
		graded *= 0.8 + 0.2*float64(right)/float64(rest)
	}
	if len(wrong) == 0 {
		graded = 1
	}
	return Result{Graded: max(0, min(1, graded)), Wrong: wrong}
}

// assign gives each pad of the target at most one of the footprint at its place:
// those that fit best come first.
func assign(target, found []measured, tolerance int) []match {
	var pairs []match
	for i := range target {
		for k := range found {
			if m, ok := fit(&target[i], &found[k], tolerance); ok {
				m.target, m.pad = i, k
				pairs = append(pairs, m)
			}
		}
	}
	slices.SortFunc(pairs, func(a, b match) int {
		return cmp.Or(-cmp.Compare(a.credit, b.credit), cmp.Compare(a.off, b.off), cmp.Compare(a.target, b.target), cmp.Compare(a.pad, b.pad))
	})
	usedTarget, usedFound := make([]bool, len(target)), make([]bool, len(found))
	var matches []match
	for _, m := range pairs {
		if !usedTarget[m.target] && !usedFound[m.pad] {
			usedTarget[m.target], usedFound[m.pad] = true, true
			matches = append(matches, m)
		}
	}
	return matches
}

// fit compares two pads. It is not ok where they are at different places.
func fit(t, p *measured, tolerance int) (match, bool) {
	off := max(abs(t.middle.X-p.middle.X), abs(t.middle.Y-p.middle.Y))
	if off > tolerance {
		return match{}, false
	}
	m := match{off: off}
	m.facts = facts{
		number: t.Number == p.Number,
		kind:   t.Kind == p.Kind,
		layers: t.surface == p.surface,
		copper: !p.Stack && (t.Shape == "any" && sameSides(t.copper, p.copper, tolerance) || t.Shape != "any" && sameCopper(t.copper, p.copper, tolerance)),
		hole:   sameHole(t.hole, p.hole, tolerance),
	}
	// A place says something unless it is the origin, where every first pad is; a
	// hole where one is asked for.
	weight, sum := 1.0, 0.0
	if m.facts.copper {
		sum++
	}
	if abs(t.middle.X) > tolerance || abs(t.middle.Y) > tolerance {
		weight++
		sum++
	}
	if t.hole.Size != (Size{}) {
		weight++
		if m.facts.hole {
			sum++
		}
	}
	m.credit = sum / weight
	if t.hole.Size == (Size{}) && !m.facts.hole {
		m.credit *= otherKind
	}
	if !m.facts.number {
		m.credit *= otherNumber
	}
	if !m.facts.kind {
		m.credit *= otherKind
	}
	if !m.facts.layers {
		m.credit *= otherLayers
	}
	return m, true
}

// padFaults names what is wrong with the pads.
func padFaults(target, found []measured, matches []match, tolerance int) []string {
	var wrong []string
	say := func(fault string, is bool) {
		if is && !slices.Contains(wrong, fault) {
			wrong = append(wrong, fault)
		}
	}
	say(WrongPadsMissing, len(found) < len(target))
	say(WrongPadsMore, len(found) > len(target))
	var bad facts // true: wrong of some pad
	numbered := 0
	for _, m := range matches {
		bad.number = bad.number || !m.facts.number
		bad.kind = bad.kind || !m.facts.kind
		bad.layers = bad.layers || !m.facts.layers
		bad.copper = bad.copper || !m.facts.copper
		bad.hole = bad.hole || !m.facts.hole
		if m.facts.number {
			numbered++
		}
	}
	if len(found) == len(target) && (len(matches) < len(target) || bad.number) {
		say(moved(target, found, tolerance), moved(target, found, tolerance) != "")
	}
	if len(wrong) == 0 {
		say(WrongNumbers, bad.number)
		say(WrongPlaces, len(matches) < min(len(target), len(found)))
	}
	say(WrongKinds, bad.kind)
	say(WrongHoles, bad.hole)
	say(WrongSizes, bad.copper)
	say(WrongLayers, bad.layers)
	return wrong
}

// moved names what makes the places of found those of target: "mirrored". It is
// "" where nothing simple does.
func moved(target, found []measured, tolerance int) string {
	if len(target) < 2 {
		return ""
	}
	type spot struct {
		number string
		at     Point
	}
	spots := func(pads []measured, change func(Point) Point) []spot {
		s := make([]spot, len(pads))
		for i, p := range pads {
			s[i] = spot{p.Number, change(p.middle)}
		}
		slices.SortFunc(s, func(a, b spot) int { return cmp.Or(cmp.Compare(a.number, b.number), comparePoints(a.at, b.at)) })
		return s
	}
	same := func(p Point) Point { return p }
	want := spots(target, same)
	fits := func(change func(Point) Point) bool {
		for i, s := range spots(found, change) {
			if s.number != want[i].number || abs(s.at.X-want[i].at.X) > 2*tolerance || abs(s.at.Y-want[i].at.Y) > 2*tolerance {
				return false
			}
		}
		return true
	}
	if fits(same) {
		return ""
	}
	if fits(func(p Point) Point { return Point{-p.X, p.Y} }) || fits(func(p Point) Point { return Point{p.X, -p.Y} }) {
		return WrongMirrored
	}
	for _, degrees := range []float64{90, 180, 270} {
		if fits(func(p Point) Point { return turned(p, Point{}, degrees) }) {
			return WrongTurned
		}
	}
	middle := func(pads []measured) Point {
		var points []Point
		for _, p := range pads {
			points = append(points, p.middle)
		}
		b := boxOf(points...)
		return Point{(b.Min.X + b.Max.X) / 2, (b.Min.Y + b.Max.Y) / 2}
	}
	a, b := middle(target), middle(found)
	if a != b && fits(func(p Point) Point { return Point{p.X + a.X - b.X, p.Y + a.Y - b.Y} }) {
		return WrongOrigin
	}
	size := func(pads []measured) float64 {
		most := 0.0
		for _, p := range pads {
			most = max(most, distance(p.middle, Point{}))
		}
		return most
	}
	if s := size(found); s > 0 && size(target) > 0 {
		factor := size(target) / s
		if fits(func(p Point) Point {
			return Point{int(math.Round(float64(p.X) * factor)), int(math.Round(float64(p.Y) * factor))}
		}) {
			return WrongScale
		}
	}
	return ""
}

// sameCopper compares two outlines: place, sides, corners and what is drawn on
// top.
func sameCopper(a, b Outline, tolerance int) bool {
	if abs(a.Radius-b.Radius) > tolerance || a.Cut != b.Cut || !sameSides(a, b, tolerance) || len(a.Primitives) != len(b.Primitives) {
		return false
	}
	if len(a.Primitives) == 0 {
		return true
	}
	used := make([]bool, len(b.Primitives))
	for i, g := range a.Primitives {
		// The one at the same place first: the order is free, and rarely another.
		k := i
		if !sameGraphic(g, b.Primitives[k], tolerance) || used[k] {
			if len(used) > 256 {
				return false
			}
			k = -1
			for j := range used {
				if !used[j] && sameGraphic(g, b.Primitives[j], tolerance) {
					k = j
					break
				}
			}
			if k < 0 {
				return false
			}
		}
		used[k] = true
	}
	return true
}

// sameSides compares the straight outlines, before corners are rounded.
func sameSides(a, b Outline, tolerance int) bool {
	if len(a.Corners) != len(b.Corners) {
		return false
	}
	ba, bb := boxOf(a.Corners...), boxOf(b.Corners...)
	if abs(ba.Min.X+ba.Max.X-bb.Min.X-bb.Max.X) > 2*tolerance || abs(ba.Min.Y+ba.Max.Y-bb.Min.Y-bb.Max.Y) > 2*tolerance {
		return false
	}
	if a.Square && b.Square {
		return abs(ba.Max.X-ba.Min.X-bb.Max.X+bb.Min.X) <= tolerance && abs(ba.Max.Y-ba.Min.Y-bb.Max.Y+bb.Min.Y) <= tolerance
	}
	n := len(a.Corners)
	for shift := range n {
		same := true
		for i := range n {
			if distance(a.Corners[i], b.Corners[(i+shift)%n]) > 1.5*float64(tolerance) {
				same = false
				break
			}
		}
		if same {
			return true
		}
	}
	return false
}

func sameGraphic(a, b Graphic, tolerance int) bool {
	if a.Kind != b.Kind || a.Filled != b.Filled || abs(a.Width-b.Width) > tolerance || len(a.Points) != len(b.Points) {
		return false
	}
	if a.Kind == "circle" {
		return distance(a.Points[0], b.Points[0]) <= float64(tolerance) &&
			math.Abs(distance(a.Points[0], a.Points[1])-distance(b.Points[0], b.Points[1])) <= float64(tolerance)
	}
	for i, p := range a.Points {
		if distance(p, b.Points[i]) > 1.5*float64(tolerance) {
			return false
		}
	}
	return true
}

func sameHole(a, b Hole, tolerance int) bool {
	none := Size{}
	if a.Size == none || b.Size == none {
		return a.Size == b.Size
	}
	if abs(a.At.X-b.At.X) > tolerance || abs(a.At.Y-b.At.Y) > tolerance {
		return false
	}
	if abs(a.Size.W-b.Size.W) > tolerance || abs(a.Size.H-b.Size.H) > tolerance {
		return false
	}
	longer := float64(max(a.Size.W, a.Size.H))
	if abs(a.Size.W-a.Size.H) <= tolerance && abs(b.Size.W-b.Size.H) <= tolerance {
		return true // round
	}
	return math.Abs(math.Sin((a.Angle-b.Angle)*math.Pi/180))*longer/2 <= float64(tolerance)
}

// courtyard names what is wrong with a courtyard.
func (t *Target) courtyard(want *TargetCourtyard, c Courtyard, pads []measured) (string, bool) {
	switch {
	case want == nil:
		return "", true
	case !c.Drawn:
		return WrongNoCourtyard, false
	case c.Open:
		return WrongOpen, false
	case len(want.Outlines) == 0:
		return WrongCourtyard, t.around(want, c, pads)
	}
	tolerance := float64(length(t.Tolerance)) + 2*flat
	var lines [][]Point // each once
	for _, line := range c.Outlines {
		if len(lines) > 64 {
			return WrongCourtyard, false
		}
		if !slices.ContainsFunc(lines, func(l []Point) bool { return sameOutline(l, line, tolerance) }) {
			lines = append(lines, line)
		}
	}
	for _, o := range want.Outlines {
		w := o.line()
		k := slices.IndexFunc(lines, func(l []Point) bool { return sameOutline(w, l, tolerance) })
		if k < 0 {
			return WrongCourtyard, false
		}
		lines = slices.Delete(lines, k, k+1)
	}
	return WrongCourtyard, len(lines) == 0
}

// around reports whether a courtyard of any form keeps its distance from the
// pads and the body, and does not reach further than it may.
func (t *Target) around(want *TargetCourtyard, c Courtyard, pads []measured) bool {
	if len(c.Outlines) != 1 {
		return false
	}
	outline := c.Outlines[0]
	slack := float64(length(t.Tolerance)) + flat
	clearance := float64(length(want.Clearance))
	var box Box
	for i, p := range pads {
		b := p.Box()
		if i == 0 {
			box = b
		}
		box = boxOf(box.Min, box.Max, b.Min, b.Max)
	}
	work := len(pads) * len(outline)
	if work > 1<<20 {
		return false
	}
	keeps := func(core []Point, radius float64) bool {
		return inside(core[0], outline) && apart(core, outline)-radius >= clearance-slack
	}
	if body := want.Body; body != [4]float64{} {
		l, top, r, b := length(body[0]), length(body[1]), length(body[2]), length(body[3])
		box = boxOf(box.Min, box.Max, Point{l, top}, Point{r, b})
		if !keeps([]Point{{l, top}, {r, top}, {r, b}, {l, b}}, 0) {
			return false
		}
	}
	for _, p := range pads {
		if !keeps(p.copper.core(), float64(p.copper.Radius)) {
			return false
		}
	}
	reach := length(want.Reach) + length(t.Tolerance) + flat
	return c.Box.Min.X >= box.Min.X-reach && c.Box.Min.Y >= box.Min.Y-reach && c.Box.Max.X <= box.Max.X+reach && c.Box.Max.Y <= box.Max.Y+reach
}

// drawings reports whether all drawings that are asked for are there.
func (t *Target) drawings(f *Footprint) bool {
	tolerance := length(t.Tolerance)
	for _, d := range t.Drawings {
		there := false
		if len(d.Box) == 4 {
			c := outlines(f.Graphics, d.Layer)
			there = c.Drawn && abs(c.Box.Min.X-length(d.Box[0])) <= tolerance && abs(c.Box.Min.Y-length(d.Box[1])) <= tolerance &&
				abs(c.Box.Max.X-length(d.Box[2])) <= tolerance && abs(c.Box.Max.Y-length(d.Box[3])) <= tolerance
		} else {
			for _, g := range f.Graphics {
				if g.Layer == d.Layer && g.Kind == "circle" &&
					abs(g.Points[0].X-length(d.Circle[0])) <= tolerance && abs(g.Points[0].Y-length(d.Circle[1])) <= tolerance &&
					math.Abs(distance(g.Points[0], g.Points[1])-float64(length(d.Circle[2]))) <= float64(tolerance) {
					there = true
				}
			}
		}
		if !there {
			return false
		}
	}
	return true
}

func (t *Target) texts(f *Footprint) bool {
	for _, want := range t.Texts {
		if !slices.ContainsFunc(f.Texts, func(x Text) bool {
			return x.Kind == want.Kind && (want.Text == "" || x.Text == want.Text) && (want.Layer == "" || x.Layer == want.Layer)
		}) {
			return false
		}
	}
	return true
}

// attributesFit reports whether all that are wanted are there, and not the other
// way of mounting.
func attributesFit(want, have []string) bool {
	for _, a := range want {
		if !slices.Contains(have, a) {
			return false
		}
	}
	for _, mount := range []string{"smd", "through_hole"} {
		if slices.Contains(have, mount) && !slices.Contains(want, mount) && (slices.Contains(want, "smd") || slices.Contains(want, "through_hole")) {
			return false
		}
	}
	return true
}

func abs(n int) int {
	if n < 0 {
		return -n
	}
	return n
}
