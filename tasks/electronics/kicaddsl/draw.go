package kicaddsl

import (
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/ailiance/lorabench/tasks/generated"
)

// draw puts the pins in the order of the prompt, gives them places where they
// have none, and returns the symbol of the reference.
func (q *request) draw(r *generated.Rand) symbol {
	q.order(r)
	s := symbol{name: q.name, reference: q.prefix, value: q.name, footprint: q.footprint, datasheet: q.datasheet, units: len(q.units), shapes: q.shapes}
	if !q.placed {
		s.shapes = q.place(r)
	}
	s.pins = slices.Clone(q.pins)
	return s
}

// order is that of a data sheet (by number), of the drawing (by side), or none.
func (q *request) order(r *generated.Rand) {
	sides := map[string]int{left: 0, right: 1, top: 2, bottom: 3}
	switch r.IntN(3) {
	case 0:
		slices.SortStableFunc(q.pins, func(a, b pin) int { return compareNumbers(a.number, b.number) })
	case 1:
		generated.Shuffle(r, q.pins)
	default:
		slices.SortStableFunc(q.pins, func(a, b pin) int { return sides[a.side] - sides[b.side] })
	}
	// Units stay together; what all have comes last.
	last := func(u int) int {
		if u == 0 {
			return len(q.units) + 1
		}
		return u
	}
	slices.SortStableFunc(q.pins, func(a, b pin) int { return last(a.unit) - last(b.unit) })
}

// compareNumbers sorts 2 before 10, and numbers before letters.
func compareNumbers(a, b string) int {
	split := func(s string) (string, int) {
		digits := strings.TrimLeft(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZ")
		n, _ := strconv.Atoi(digits)
		return s[:len(s)-len(digits)], n
	}
	la, na := split(a)
	lb, nb := split(b)
	if la != lb {
		return strings.Compare(la, lb)
	}
	return na - nb
}

// rows are the pins of a unit by side, as indices.
func (q *request) rows(unit int) map[string][]int {
	rows := map[string][]int{}
	for _, common := range []bool{true, false} { // those of all units first: they stand alike in each
		for i, p := range q.pins {
			if common && p.unit == 0 || !common && p.unit == unit {
				rows[p.side] = append(rows[p.side], i)
			}
		}
	}
	return rows
}

// place gives each pin a place around a rectangle, and returns the rectangles.
func (q *request) place(r *generated.Rand) []shape {
	common := slices.ContainsFunc(q.pins, func(p pin) bool { return p.unit == 0 })
	var dx, dy int
	if q.layout == "placed" {
		dx, dy = r.Between(-1, 1)*pitch, r.Between(-2, 2)*pitch
	}
	gaps := q.layout == "placed" && !q.byRule && !common && r.Bool()
	var shapes []shape
	for unit := 1; unit <= len(q.units); unit++ {
		rows := q.rows(unit)
		size := map[string]int{}
		longest := map[string]int{}
		for _, u := range q.alike(unit, common) {
			for side, row := range q.rows(u) {
				size[side] = max(size[side], len(row))
				for _, i := range row {
					longest[side] = max(longest[side], shownLength(q.pins[i].name))
				}
			}
		}
		// Half of the width: names of both sides, and the pins above and below.
		half := (longest[left]+longest[right])*30*mil + pitch
		half = max(half/2, (max(size[top], size[bottom])/2+1)*pitch, 2*pitch)
		half = (half + pitch - 1) / pitch * pitch
		high := (max(size[left], size[right]) - 1) / 2 * pitch
		place := func(side string) (lowest int) {
			lowest = dy + high
			step := 0
			for n, i := range rows[side] {
				p := &q.pins[i]
				p.length = q.length
				if gaps && n > 0 && r.IntN(5) == 0 {
					step++
				}
				p.y = dy + high - step*pitch
				p.x = dx - half - q.length
				if side == right {
					p.x = dx + half + q.length
				}
				lowest = p.y
				step++
			}
			return lowest
		}
		lowest := min(place(left), place(right), dy+high-(max(size[left], size[right])-1)*pitch)
		upper, lower := dy+high+pitch, lowest-pitch
		for _, side := range []string{top, bottom} {
			start := dx - (len(rows[side])-1)/2*pitch
			if common {
				start = dx - (size[side]-1)/2*pitch
			}
			for n, i := range rows[side] {
				p := &q.pins[i]
				p.length = q.length
				p.x = start + n*pitch
				p.y = upper + q.length
				if side == bottom {
					p.y = lower - q.length
				}
			}
		}
		shapes = append(shapes, shape{kind: rectangle, unit: unit, filled: true, points: [][2]int{{dx - half, upper}, {dx + half, lower}}})
	}
	if len(q.units) == 1 && r.Bool() {
		shapes[0].unit = 0
	}
	return shapes
}

// placeInOrder places pins without a choice.
func (q *request) placeInOrder() []shape { return q.place(generated.NewRand("")) }

// alike are the units whose bodies have the same size: all where they share pins.
func (q *request) alike(unit int, common bool) []int {
	if !common {
		return []int{unit}
	}
	all := make([]int, len(q.units))
	for i := range all {
		all[i] = i + 1
	}
	return all
}

// shownLength is how many letters of a name are seen.
func shownLength(name string) int {
	return utf8.RuneCountInString(strings.NewReplacer("~{", "", "}", "").Replace(name))
}
