package kicad

import (
	"cmp"
	"context"
	"fmt"
	"slices"
)

// layout is what touches what on one screen, without its pins: these depend on
// the unit that an instance of the screen shows. Its nodes are numbers from 0.
//
// What touches: ends of wires, pins, labels and sheet pins at one point; a
// junction or the end of a bus entry and all wires through that point; a label
// and the wires under it;
// wires that lie on one another. What does not: wires that cross or end on
// another's middle without a junction, and pins and sheet pins on a wire's
// middle. Buses are the same, apart from wires.
type layout struct {
	nodes     int
	spots     map[point]spot
	entries   map[point][]int32 // ends of bus entries where no wire is
	labels    []int32           // node of each label
	loose     []looseLabel
	sheetPins [][]int32 // of each sheet
	// labelled says of each node whether a label is on it.
	labelled []bool
}

// looseLabel is a label on the middle of a wire. They touch if no pin is there.
type looseLabel struct {
	at          point
	label, wire int32 // nodes
}

// spot is what is at a point.
type spot struct{ wire, bus int32 } // nodes, -1: none

// line is all places that a segment would reach if it had no ends: direction
// and distance from the origin.
type line struct {
	dx, dy int32
	offset int64
}

// run is a part of a line that is covered by wires without a gap.
type run struct {
	from, to int32 // x, or y of vertical lines
	node     int32
}

// runs are all wires, or all buses, of a screen.
type runs struct {
	lines      map[line][]run
	directions []line // without offset
}

func (d line) through(p point) line {
	d.offset = int64(d.dx)*int64(p.y) - int64(d.dy)*int64(p.x)
	return d
}

func (d line) position(p point) int32 {
	if d.dx == 0 {
		return p.y
	}
	return p.x
}

func direction(s segment) line {
	dx, dy := s.b.x-s.a.x, s.b.y-s.a.y
	a, b := max(dx, -dx), max(dy, -dy)
	for b != 0 {
		a, b = b, a%b
	}
	dx, dy = dx/a, dy/a
	if dx < 0 || dx == 0 && dy < 0 {
		dx, dy = -dx, -dy
	}
	return line{dx: dx, dy: dy}
}

// newRuns joins segments that lie on one another, and gives each run a node.
func newRuns(segments []segment, f *forest) runs {
	type part struct {
		line
		run
	}
	parts := make([]part, 0, len(segments))
	for _, s := range segments {
		if s.a == s.b {
			continue
		}
		d := direction(s)
		from, to := d.position(s.a), d.position(s.b)
		parts = append(parts, part{d.through(s.a), run{min(from, to), max(from, to), 0}})
	}
	slices.SortFunc(parts, func(a, b part) int {
		return cmp.Or(cmp.Compare(a.dx, b.dx), cmp.Compare(a.dy, b.dy), cmp.Compare(a.offset, b.offset),
			cmp.Compare(a.from, b.from), cmp.Compare(a.to, b.to))
	})
	r := runs{lines: map[line][]run{}}
	for i, p := range parts {
		if i > 0 && p.line == parts[i-1].line {
			on := r.lines[p.line]
			if last := &on[len(on)-1]; p.from <= last.to {
				last.to = max(last.to, p.to)
				continue
			}
		} else if i == 0 || p.dx != parts[i-1].dx || p.dy != parts[i-1].dy {
			r.directions = append(r.directions, line{dx: p.dx, dy: p.dy})
		}
		r.lines[p.line] = append(r.lines[p.line], run{p.from, p.to, f.grow(1)})
	}
	return r
}

// at calls f with the node of each run through p.
func (r *runs) at(p point, f func(node int32)) {
	for _, d := range r.directions {
		on := r.lines[d.through(p)]
		if len(on) == 0 {
			continue
		}
		t := d.position(p)
		i, found := slices.BinarySearchFunc(on, t, func(r run, t int32) int { return cmp.Compare(r.from, t) })
		if !found {
			i--
		}
		if i >= 0 && t <= on[i].to {
			f(on[i].node)
		}
	}
}

// maxCrossings bounds how often points are held against directions of wires.
const maxCrossings = 1 << 27

// lay finds what touches on a screen.
func (s *screen) lay(ctx context.Context) error {
	var f forest
	l := &layout{spots: map[point]spot{}, entries: map[point][]int32{}}
	wires, buses := newRuns(s.wires, &f), newRuns(s.buses, &f)
	points := len(s.labels) + len(s.junctions) + 2*len(s.entries)
	for _, t := range s.sheets {
		points += len(t.pins)
	}
	if turns := len(wires.directions) + len(buses.directions); turns > 2 && points > maxCrossings/turns {
		return fmt.Errorf("%s: %w: %d points on wires of %d directions", s.name, ErrLimit, points, turns)
	}

	put := func(p point, wire, bus int32) {
		was, ok := l.spots[p]
		if !ok {
			l.spots[p] = spot{wire, bus}
			return
		}
		meet := func(was *int32, node int32) {
			if *was >= 0 && node >= 0 {
				f.join(*was, node)
			}
			*was = max(*was, node)
		}
		meet(&was.wire, wire)
		meet(&was.bus, bus)
		l.spots[p] = was
	}
	onWires := func(p point) { wires.at(p, func(node int32) { put(p, node, -1) }) }
	onBuses := func(p point) { buses.at(p, func(node int32) { put(p, -1, node) }) }
	for _, w := range s.wires {
		if w.a != w.b {
			d := direction(w)
			node := wires.find(d, w.a)
			put(w.a, node, -1)
			put(w.b, node, -1)
		}
	}
	for _, b := range s.buses {
		if b.a != b.b {
			node := buses.find(direction(b), b.a)
			put(b.a, -1, node)
			put(b.b, -1, node)
		}
	}
	for _, p := range s.junctions {
		onWires(p)
		onBuses(p)
	}
	if err := context.Cause(ctx); err != nil {
		return err
	}
	onBus := func(p point) (found bool) {
		buses.at(p, func(int32) { found = true })
		return found
	}
	for _, e := range s.entries {
		for _, p := range [2]point{e.a, e.b} {
			if !onBus(p) {
				onWires(p)
			}
		}
	}
	l.addLabels(s, &f, &wires, &buses, put)
	// A bus entry carries one member of the bus. It touches nothing where the
	// bus is, and no other entry.
	for _, e := range s.entries {
		node := f.grow(1)
		for _, p := range [2]point{e.a, e.b} {
			if onBus(p) {
				continue
			}
			if at, ok := l.spots[p]; ok && at.wire >= 0 {
				f.join(at.wire, node)
			} else {
				l.entries[p] = append(l.entries[p], node)
			}
		}
	}
	l.number(&f)
	s.layout = l
	return nil
}

// addLabels places labels and sheet pins. A label joins all wires that cross
// under it. On the middle of one wire it is the wire's if nothing else is there:
// else it belongs to that.
func (l *layout) addLabels(s *screen, f *forest, wires, buses *runs, put func(p point, wire, bus int32)) {
	things := map[point]int{}
	for _, t := range s.labels {
		things[t.at]++
	}
	for _, t := range s.sheets {
		for _, p := range t.pins {
			things[p.at]++
		}
	}
	for _, p := range s.noConnects {
		things[p]++
	}
	// A text sits on a bus where it names one, or where there is no wire.
	write := func(p point, text string) int32 {
		at, ok := l.spots[p]
		switch {
		case ok && at.bus >= 0 && (at.wire < 0 || isBus(text)):
			return at.bus
		case ok && at.wire >= 0:
			return at.wire
		}
		node := f.grow(1)
		put(p, node, -1)
		return node
	}
	for _, t := range s.labels {
		lines := 0
		wire, bus := int32(-1), int32(-1)
		wires.at(t.at, func(node int32) { wire, lines = node, lines+1 })
		buses.at(t.at, func(node int32) { bus, lines = node, lines+1 })
		if _, ok := l.spots[t.at]; lines > 1 {
			wires.at(t.at, func(node int32) { put(t.at, node, -1) })
			buses.at(t.at, func(node int32) { put(t.at, -1, node) })
		} else if lines == 1 && !ok && things[t.at] == 1 {
			own := f.grow(1)
			if wire >= 0 {
				put(t.at, own, -1)
			} else {
				put(t.at, -1, own)
			}
			l.loose = append(l.loose, looseLabel{t.at, own, max(wire, bus)})
		}
		l.labels = append(l.labels, write(t.at, t.text))
	}
	for _, t := range s.sheets {
		var nodes []int32
		for _, p := range t.pins {
			nodes = append(nodes, write(p.at, p.name))
		}
		l.sheetPins = append(l.sheetPins, nodes)
	}
}

// find returns the node of the run that covers p in a direction.
func (r *runs) find(d line, p point) int32 {
	on := r.lines[d.through(p)]
	t := d.position(p)
	i, found := slices.BinarySearchFunc(on, t, func(r run, t int32) int { return cmp.Compare(r.from, t) })
	if !found {
		i--
	}
	return on[i].node
}

// number gives the sets of f the numbers from 0.
func (l *layout) number(f *forest) {
	numbers := make([]int32, len(f.parent))
	for i := range f.parent {
		if root := f.root(int32(i)); root == int32(i) {
			numbers[i] = int32(l.nodes)
			l.nodes++
		} else {
			numbers[i] = numbers[root] // the root is smaller
		}
	}
	renumber := func(node *int32) {
		if *node >= 0 {
			*node = numbers[*node]
		}
	}
	for p, at := range l.spots {
		renumber(&at.wire)
		renumber(&at.bus)
		l.spots[p] = at
	}
	for _, nodes := range l.entries {
		for i := range nodes {
			renumber(&nodes[i])
		}
	}
	for i := range l.loose {
		renumber(&l.loose[i].label)
		renumber(&l.loose[i].wire)
	}
	l.labelled = make([]bool, l.nodes)
	for i := range l.labels {
		renumber(&l.labels[i])
		l.labelled[l.labels[i]] = true
	}
	for _, t := range l.loose {
		l.labelled[t.wire] = true
	}
	for _, nodes := range l.sheetPins {
		for i := range nodes {
			renumber(&nodes[i])
		}
	}
}
