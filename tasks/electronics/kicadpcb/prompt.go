package kicadpcb

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/ailiance/lorabench/tasks/generated"
)

// dress gives a part its name, and decides what is asked for beside the pads.
func dress(r *generated.Rand, p *part) {
	letters := "ABCDEFGHKLMNPRTUVWY"
	letter := func() string { return letters[r.IntN(len(letters)):][:1] }
	p.name = fmt.Sprintf("%s_%s%s%d", generated.Pick(r, "FP", "LP", "PKG", "PART", "LAND"), letter(), letter(), r.Between(100, 999))

	e := p.extent()
	clearance := generated.Pick(r, 150, 200, 250, 300, 500, 1000) * um
	switch k := r.IntN(4); {
	case p.can != nil && k < 2 && fitsRound(p, clearance):
		p.courtyard.circle = &circle{p.can.x, p.can.y, p.can.radius + clearance}
	case k < 3 || p.can != nil:
		grown := e.grown(clearance)
		p.courtyard.rect = &grown
	default:
		p.courtyard.clearance = min(clearance, 500*um)
		p.courtyard.reach = p.courtyard.clearance + generated.Pick(r, 300, 500, 1000)*um
	}
	p.fab = p.bodyBox() != nil && r.IntN(2) == 0
	p.texts = r.IntN(3) > 0
	if p.markOf != "" && r.IntN(3) == 0 {
		k := slices.IndexFunc(p.pads, func(q pad) bool { return q.number == p.markOf })
		radius := generated.Pick(r, 100, 150, 200, 250) * um
		p.mark = &circle{e[0] - radius - generated.Pick(r, 300, 400, 500)*um, p.pads[k].y, radius}
	}
}

// fitsRound reports whether a round courtyard keeps its distance from all pads.
func fitsRound(p *part, clearance int) bool {
	for _, q := range p.pads {
		for _, x := range []int{q.x - q.w/2, q.x + q.w/2} {
			for _, y := range []int{q.y - q.h/2, q.y + q.h/2} {
				dx, dy, limit := float64(x-p.can.x), float64(y-p.can.y), float64(p.can.radius)
				if dx*dx+dy*dy > limit*limit {
					return false
				}
			}
		}
	}
	return clearance > 0
}

// prompt is all that a model is told.
func prompt(r *generated.Rand, p *part) string {
	var b strings.Builder
	switch r.IntN(4) {
	case 0:
		fmt.Fprintf(&b, "Write the KiCad footprint %q: the land pattern of %s.\n\n", p.name, p.what)
	case 1:
		fmt.Fprintf(&b, "A part library lacks %s. Draw its footprint for KiCad and name it %q.\n\n", p.what, p.name)
	case 2:
		fmt.Fprintf(&b, "I need a .kicad_mod file for %s. The footprint's name is %q. The drawing says:\n\n", p.what, p.name)
	default:
		fmt.Fprintf(&b, "Turn this dimensioned drawing of %s into a KiCad footprint called %q.\n\n", p.what, p.name)
	}
	list := r.Bool()
	for i, s := range p.about {
		switch {
		case list:
			fmt.Fprintf(&b, "- %s\n", s)
		case i == 0:
			b.WriteString(s)
		default:
			b.WriteString(" " + s)
		}
	}
	if !list {
		b.WriteString("\n")
	}
	item := func(format string, args ...any) {
		if list {
			b.WriteString("- ")
		}
		fmt.Fprintf(&b, format+"\n", args...)
	}
	if body := p.body; body != nil {
		item("The body is a rectangle of %s mm in x by %s mm in y, its centre at %s.", in(body[2]-body[0]), in(body[3]-body[1]), at((body[0]+body[2])/2, (body[1]+body[3])/2))
	} else if c := p.can; c != nil {
		item("The body is round, %s mm in diameter, its centre at %s.", in(2*c.radius), at(c.x, c.y))
	}
	switch {
	case p.fab && p.can != nil:
		item("Draw the outline of the body on F.Fab, in its exact size; nothing but texts may be on F.Fab beside it.")
	case p.fab:
		item("Draw the outline of the body on F.Fab, in its exact size; a bevelled corner is fine, and nothing but texts may be on F.Fab beside it.")
	}
	item("%s", p.courtyardText(r))
	if m := p.mark; m != nil {
		item("Mark pin %s on F.SilkS with a circle of radius %s mm, filled or not, centred at %s.", p.markOf, in(m.radius), at(m.x, m.y))
	}
	if p.texts {
		item("The reference text is REF** on F.SilkS; the value text is the footprint's name, on F.Fab.")
	}
	item("Attributes: %s.", strings.Join(p.attributes, " and "))
	switch r.IntN(3) {
	case 0:
		b.WriteString("\nAxes as in KiCad: x to the right, y down, seen from the top side, where the part sits (layer F.Cu); lengths in mm unless another unit is named. There are no pads but these. What is not mentioned (silkscreen, other texts, ids, 3D model) is free. Lengths are checked to 0.01 mm.\n")
	case 1:
		b.WriteString("\nCoordinates are KiCad's (x grows to the right, y grows downwards; in mm), seen from above; the footprint is on layer F.Cu. Add no other pads. Everything that is not said here is up to you. Positions, sizes and holes have to be right to 0.01 mm.\n")
	default:
		b.WriteString("\nAll of this is seen from the top, in KiCad's coordinates: x to the right, y downwards, mm. The part is on the top side (layer F.Cu). No pads other than those described. Anything else is free, and the tolerance of every dimension is 0.01 mm.\n")
	}
	b.WriteString("Answer with one S-expression, (footprint …) as a .kicad_mod file of KiCad 6 or later has it, or (module …) of KiCad 4 and 5, in one code block of the language kicad_mod.\n")
	return b.String()
}

func (p *part) courtyardText(r *generated.Rand) string {
	all := "all pads"
	if p.bodyBox() != nil {
		all = "all pads and the body"
	}
	c := p.courtyard
	switch {
	case c.circle != nil && r.Bool():
		return fmt.Sprintf("The courtyard on F.CrtYd is a circle of %s mm in diameter around %s.", in(2*c.circle.radius), at(c.circle.x, c.circle.y))
	case c.circle != nil:
		return fmt.Sprintf("The courtyard on F.CrtYd is a circle concentric with the body and %s mm larger in radius.", in(c.circle.radius-p.can.radius))
	case c.rect == nil:
		return fmt.Sprintf("The courtyard on F.CrtYd is one closed line of any form. It stays at least %s mm away from %s, and nowhere goes more than %s mm beyond the smallest rectangle (along the axes) around %s.",
			in(c.clearance), all, in(c.reach), all)
	}
	by := p.extent()[0] - c.rect[0]
	switch r.IntN(3) {
	case 0:
		return fmt.Sprintf("The courtyard on F.CrtYd is a closed rectangle with corners at %s and %s.", at(c.rect[0], c.rect[1]), at(c.rect[2], c.rect[3]))
	case 1:
		return fmt.Sprintf("Draw the courtyard on F.CrtYd: the smallest rectangle around %s, enlarged by %s mm on each of its four sides, unrounded.", all, in(by))
	}
	return fmt.Sprintf("The courtyard on F.CrtYd is a closed rectangle that keeps exactly %s mm from the outermost edges of %s on each side.", in(by), all)
}

func number(n int) string { return strconv.Itoa(n) }

// span says how far two rows are apart, in one of three ways. length is that of
// a pad across the rows.
func span(r *generated.Rand, rows string, centre, length int) string {
	switch k := r.IntN(3); {
	case k == 1:
		return fmt.Sprintf("From outer edge to outer edge, %s measure %s mm.", rows, in(centre+length))
	case k == 2 && centre > length:
		return fmt.Sprintf("The gap between the inner edges of %s is %s mm.", rows, in(centre-length))
	}
	return fmt.Sprintf("The centres of %s are %s mm apart.", rows, in(centre))
}

// pitches says how far n pads in a row are apart.
func pitches(r *generated.Rand, what string, n, pitch int) string {
	if n > 2 && r.IntN(3) == 0 {
		return fmt.Sprintf("%s are evenly spaced; the first and the last are %s mm apart, centre to centre.", what, in((n-1)*pitch))
	}
	return fmt.Sprintf("%s have a pitch of %s mm.", what, in(pitch))
}

// surface draws a shape for pads that are soldered on the surface.
func surface(r *generated.Rand) (shape string, ratio float64) {
	if r.Bool() {
		return "rect", 0
	}
	return "roundrect", generated.Pick(r, 0.1, 0.15, 0.2, 0.25)
}

// shaped names a shape as the prompt does.
func shaped(r *generated.Rand, shape string, ratio float64, side int) string {
	switch shape {
	case "rect":
		return "a rectangle (shape rect)"
	case "roundrect":
		if radius := ratio * float64(side); r.Bool() && radius == float64(int(radius)) && int(radius)%(10*um) == 0 {
			return fmt.Sprintf("a rectangle with corners of %s mm radius (shape roundrect)", in(int(radius)))
		}
		return fmt.Sprintf("a rounded rectangle (shape roundrect) whose corner radius is %g %% of its shorter side", ratio*100)
	case "oval":
		return "an oval (shape oval)"
	}
	return "a circle"
}

const (
	smdLayers   = "The pads are on F.Cu, F.Paste and F.Mask, and are surface mount (smd)."
	thruLayers  = "All pads are plated through holes (thru_hole) on all copper layers (*.Cu) and both solder masks (*.Mask)."
	smdAllPads  = "All pads are smd pads on the layers F.Cu, F.Paste and F.Mask."
	holesLayers = "They are not plated (np_thru_hole), have no number, and their pad is as large as the hole; layers *.Cu and *.Mask."
)

func sayLayers(r *generated.Rand) string {
	if r.Bool() {
		return smdLayers
	}
	return smdAllPads
}
