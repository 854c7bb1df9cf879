package kicadpcb

import (
	"slices"
	"strconv"
	"strings"

	"github.com/ailiance/lorabench/tasks/generated"
)

// tolerance is how far a length may be off, in millimetres.
const tolerance = 0.01

// least is how far off a mutant is at least.
const least = 30 * um

// mutants are answers with one thing wrong.
func mutants(r *generated.Rand, p *part) []generated.Mutant {
	var all []generated.Mutant
	add := func(name, text string) { all = append(all, generated.Mutant{Name: name, Text: text}) }
	with := func(name string, change func(*part)) {
		q := copyOf(p)
		change(q)
		if !samePads(p.pads, q.pads) {
			add(name, write(q, style{}))
		}
	}
	each := func(change func(*pad)) func(*part) {
		return func(q *part) {
			for i := range q.pads {
				change(&q.pads[i])
			}
		}
	}
	with("mirrored left to right", each(func(q *pad) { q.x = -q.x }))
	with("mirrored top to bottom", each(func(q *pad) { q.y = -q.y }))
	with("turned by 90 degrees", each(func(q *pad) { q.x, q.y, q.w, q.h = q.y, -q.x, q.h, q.w }))
	with("numbered the other way round", func(q *part) { renumber(q, true) })
	with("numbered from 0", func(q *part) { renumber(q, false) })
	if p.pitch > 0 {
		with("a pitch 0.05 mm too large", each(func(q *pad) {
			q.x += int(int64(q.x) * 50 * um / int64(p.pitch))
			q.y += int(int64(q.y) * 50 * um / int64(p.pitch))
		}))
	}
	with("the origin is elsewhere", each(func(q *pad) { q.x += 500 * um }))
	if n := len(p.pads); n > 1 {
		k := r.IntN(n)
		with("a pad is missing", func(q *part) { q.pads = slices.Delete(q.pads, k, k+1) })
		with("one pad elsewhere", func(q *part) { q.pads[k].x += 100 * um })
		with("two numbers exchanged", func(q *part) {
			other := r.IntN(n)
			q.pads[k].number, q.pads[other].number = q.pads[other].number, q.pads[k].number
		})
	}
	with("a pad too many", func(q *part) {
		last := q.pads[len(q.pads)-1]
		last.x += 1270 * um
		q.pads = append(q.pads, last)
	})
	with("width and height exchanged", each(func(q *pad) {
		if max(q.w-q.h, q.h-q.w) > least {
			q.w, q.h = q.h, q.w
		}
	}))
	with("pads 0.05 mm too long", each(func(q *pad) { q.w += 50 * um; q.h += 50 * um }))
	with("another shape", each(func(q *pad) {
		if q.shape == "rect" {
			q.shape = "oval"
		} else {
			q.shape = "rect"
		}
	}))
	with("holes 0.1 mm too large", each(func(q *pad) {
		for i := range q.drill {
			q.drill[i] += 100 * um
		}
	}))
	with("the radius of the holes", each(func(q *pad) {
		for i := range q.drill {
			q.drill[i] /= 2
		}
	}))
	with("on other layers", each(func(q *pad) {
		switch {
		case slices.Equal(q.layers, onTop):
			q.layers = topNoPaste
		case slices.Equal(q.layers, throughAll) && q.kind == "thru_hole":
			q.layers = []string{"*.Cu", "F.Mask"}
		}
	}))
	with("on the bottom side", each(func(q *pad) {
		q.layers = slices.Clone(q.layers)
		for i, l := range q.layers {
			switch l[:2] {
			case "F.":
				q.layers[i] = "B." + l[2:]
			case "B.":
				q.layers[i] = "F." + l[2:]
			}
		}
	}))
	with("another kind", each(func(q *pad) {
		q.kind = map[string]string{"smd": "connect", "connect": "smd", "thru_hole": "np_thru_hole", "np_thru_hole": "thru_hole"}[q.kind]
	}))
	q := copyOf(p)
	q.attributes = []string{"through_hole"}
	if p.attributes[0] == "through_hole" {
		q.attributes = []string{"smd"}
	}
	add("another attribute", write(q, style{}))
	q = copyOf(p)
	q.name += "_1"
	add("another name", write(q, style{}))
	add("no courtyard", write(p, style{noCourtyard: true}))
	add("an open courtyard", write(p, style{openCourtyard: true}))
	if c := p.courtyard; c.clearance > 0 {
		add("too small a courtyard", write(p, style{courtyardBy: -(c.clearance+c.reach)/2 + c.clearance - least}))
		add("too large a courtyard", write(p, style{courtyardBy: (c.reach-c.clearance)/2 + 500*um}))
	} else {
		add("too small a courtyard", write(p, style{courtyardBy: -100 * um}))
		add("a courtyard 0.05 mm too large", write(p, style{courtyardBy: 50 * um}))
	}
	if p.mark != nil {
		q = copyOf(p)
		q.mark = &circle{p.mark.x + 300*um, p.mark.y, p.mark.radius}
		add("the mark elsewhere", write(q, style{}))
	}
	if p.fab {
		q = copyOf(p)
		q.fab = false
		add("no body", write(q, style{}))
	}
	add("in mils", write(p, style{millimetre: 1 / 0.0254}))
	add("in inches", write(p, style{millimetre: 1 / 25.4}))
	add("a word that KiCad does not know", write(p, style{padWord: "layer"}))
	text := reference(p)
	add("cut off", text[:len(text)*(4+r.IntN(5))/10])
	return all
}

// renumber changes the numbers 1 to n: they go the other way round from 1, or
// begin with 0.
func renumber(p *part, backwards bool) {
	n := 0
	for _, q := range p.pads {
		if v, err := strconv.Atoi(q.number); err == nil {
			n = max(n, v)
		}
	}
	for i, q := range p.pads {
		v, err := strconv.Atoi(q.number)
		switch {
		case err != nil:
		case !backwards:
			p.pads[i].number = strconv.Itoa(v - 1)
		case v > 1:
			p.pads[i].number = strconv.Itoa(n + 2 - v)
		}
	}
}

// samePads reports whether two parts have the same pads, in whatever order and
// whichever way a KiCad reader can tell them apart.
func samePads(a, b []pad) bool {
	if len(a) != len(b) {
		return false
	}
	text := func(pads []pad) []string {
		var lines []string
		for _, p := range pads {
			number, shape, ratio := p.number, p.shape, p.ratio
			if p.kind == "np_thru_hole" || !slices.ContainsFunc(p.layers, func(l string) bool { return strings.HasSuffix(l, ".Cu") }) {
				number = ""
			}
			if shape == "oval" && p.w == p.h {
				shape = "circle"
			}
			layers := slices.Clone(p.layers)
			slices.Sort(layers)
			key := []string{number, p.kind, shape, in(p.x), in(p.y), in(p.w), in(p.h), strconv.FormatFloat(ratio, 'g', -1, 64)}
			for _, d := range p.drill {
				key = append(key, in(d))
			}
			lines = append(lines, strings.Join(append(key, layers...), " "))
		}
		slices.Sort(lines)
		return lines
	}
	return slices.Equal(text(a), text(b))
}
