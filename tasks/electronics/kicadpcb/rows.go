package kicadpcb

import (
	"fmt"
	"strings"

	"github.com/ailiance/lorabench/tasks/generated"
)

// chip is a part with two terminals.
func chip(r *generated.Rand) *part {
	w, h := grid(r, 300*um, 2600*um, 50*um), grid(r, 300*um, 3200*um, 50*um)
	centre := w + grid(r, 300*um, 4000*um, 100*um)
	shape, ratio := surface(r)
	p := &part{attributes: []string{"smd"}, what: generated.Pick(r, "a chip resistor", "a ceramic chip capacitor", "a chip inductor", "a diode in a two-terminal package"), markOf: "1"}
	p.key = fmt.Sprint(w/100_000, " ", h/100_000, " ", centre)
	q := pad{number: "1", kind: "smd", shape: shape, ratio: ratio, x: -centre / 2, w: w, h: h, layers: onTop}
	upright := r.IntN(3) == 0
	bodyX, bodyY := centre+grid(r, 0, w/2/(50*um)*50*um, 50*um), max(200*um, h-grid(r, 0, h/3/(50*um)*50*um, 50*um))
	p.add(q)
	q.number, q.x = "2", centre/2
	p.add(q)
	b := centred(bodyX, bodyY)
	p.say("Two pads, each %s.", shaped(r, shape, ratio, min(w, h)))
	if upright {
		for i := range p.pads {
			q := &p.pads[i]
			q.x, q.y, q.w, q.h = 0, q.x, q.h, q.w
		}
		b = centred(bodyY, bodyX)
		p.say("Pad 1 is at the top and pad 2 at the bottom, both on the y axis at equal distances from the origin.")
		p.say("Each pad is %s mm in y and %s mm in x.", in(w), in(h))
	} else {
		p.say("Pad 1 is on the left and pad 2 on the right, both on the x axis at equal distances from the origin.")
		p.say("Each pad is %s mm in x and %s mm in y.", in(w), in(h))
	}
	if r.IntN(3) > 0 {
		p.body = &b
	}
	p.say("%s", span(r, "the two pads", centre, w))
	p.say("%s", sayLayers(r))
	return p
}

// smallOutline has three to six leads on two sides, as SOT-23 and its kin.
func smallOutline(r *generated.Rand) *part {
	pitch := generated.Pick(r, 500, 650, 850, 950, 1000, 1250, 1500) * um
	w := grid(r, 600*um, 1800*um, 50*um)
	h := pitch * r.Between(45, 70) / 100 / (10 * um) * 10 * um
	centre := w + grid(r, 600*um, 2000*um, 100*um)
	shape, ratio := surface(r)
	p := &part{attributes: []string{"smd"}, pitch: pitch, markOf: "1"}
	put := func(n, column, y int) {
		p.add(pad{number: number(n), kind: "smd", shape: shape, ratio: ratio, x: column * centre / 2, y: y, w: w, h: h, layers: onTop})
	}
	n := generated.Pick(r, 3, 4, 5, 6)
	p.key = fmt.Sprint(n, " ", pitch, " ", w/100_000, " ", centre)
	p.what = fmt.Sprintf("a transistor package with %d leads on two sides", n)
	switch n {
	case 3:
		put(1, -1, -pitch)
		put(2, -1, pitch)
		put(3, 1, 0)
		p.say("The left column has pad 1 (upper) and pad 2 (lower), %s mm apart and symmetrical about the x axis; pad 3 is alone on the right, on the x axis.", in(2*pitch))
	case 4:
		put(1, -1, -pitch)
		put(2, -1, pitch)
		put(3, 1, pitch)
		put(4, 1, -pitch)
		p.say("Two pads on the left and two on the right, %s mm apart in each column and symmetrical about the x axis, numbered counter-clockwise from pad 1 at the upper left.", in(2*pitch))
	case 5:
		for i := range 3 {
			put(i+1, -1, (i-1)*pitch)
		}
		put(4, 1, pitch)
		put(5, 1, -pitch)
		p.say("Three pads on the left (1, 2, 3 from top to bottom, pitch %s mm, pad 2 on the x axis) and two on the right: pad 4 opposite pad 3, pad 5 opposite pad 1. Nothing is opposite pad 2.", in(pitch))
	default:
		for i := range 3 {
			put(i+1, -1, (i-1)*pitch)
			put(6-i, 1, (i-1)*pitch)
		}
		p.say("Three pads on the left and three on the right, pitch %s mm, the middle ones on the x axis; numbered counter-clockwise from pad 1 at the upper left (4 is opposite 3, 6 opposite 1).", in(pitch))
	}
	p.say("Each pad is %s, %s mm long in x and %s mm wide in y.", shaped(r, shape, ratio, min(w, h)), in(w), in(h))
	p.say("%s The two columns lie at equal distances left and right of the origin.", span(r, "the two columns", centre, w))
	p.say("%s", sayLayers(r))
	b := centred(max(200*um, centre-w/2/(50*um)*50*um), 2*pitch+h)
	if r.Bool() {
		p.body = &b
	}
	return p
}

// twoColumns adds 2n pads, counted counter-clockwise from the upper left.
func twoColumns(p *part, n, pitch, centre int, q pad) {
	for i := range 2 * n {
		q.number = number(i + 1)
		if i < n {
			q.x, q.y = -centre/2, i*pitch-(n-1)*pitch/2
		} else {
			q.x, q.y = centre/2, (2*n-1-i)*pitch-(n-1)*pitch/2
		}
		p.add(q)
	}
}

// turnLeft turns all by 90 degrees counter-clockwise.
func (p *part) turnLeft() {
	for i := range p.pads {
		q := &p.pads[i]
		q.x, q.y, q.w, q.h = q.y, -q.x, q.h, q.w
		if len(q.drill) == 2 {
			q.drill[0], q.drill[1] = q.drill[1], q.drill[0]
		}
	}
	if b := p.body; b != nil {
		p.body = &box{b[1], -b[2], b[3], -b[0]}
	}
}

// sayTwoColumns says how the pads of twoColumns lie, or of two rows where they
// are turned to the left.
func sayTwoColumns(r *generated.Rand, p *part, n, pitch, centre, w int, turned bool) {
	if turned {
		p.say("%d pads in two horizontal rows of %d. Seen from the top they are numbered counter-clockwise: 1 to %d from left to right in the lower row, then %d to %d from right to left in the upper row.", 2*n, n, n, n+1, 2*n)
		p.say("%s", pitches(r, "The pads of a row", n, pitch))
		p.say("%s", span(r, "the two rows", centre, w))
	} else {
		if r.Bool() {
			p.say("%d pads in two vertical columns of %d. Pad 1 is at the upper left; the numbers go down the left column and up the right one (counter-clockwise, seen from the top).", 2*n, n)
		} else {
			p.say("There are %d pads, %d on the left and %d on the right. They are numbered 1 to %d from top to bottom on the left, and %d to %d from bottom to top on the right.", 2*n, n, n, n, n+1, 2*n)
		}
		p.say("%s", pitches(r, "The pads of a column", n, pitch))
		p.say("%s", span(r, "the two columns", centre, w))
	}
	p.say("The origin is in the middle of all pads.")
}

// dualRow is SOIC, SSOP and the like.
func dualRow(r *generated.Rand) *part {
	n := r.Between(2, 20)
	pitch := generated.Pick(r, 400, 500, 635, 650, 800, 1000, 1270) * um
	w := grid(r, 900*um, 2300*um, 50*um)
	h := pitch * r.Between(45, 65) / 100 / (10 * um) * 10 * um
	centre := w + grid(r, 2000*um, 9000*um, 100*um)
	shape, ratio := surface(r)
	p := &part{attributes: []string{"smd"}, pitch: pitch, markOf: "1", what: fmt.Sprintf("an integrated circuit with gull-wing leads on two sides, %d pins", 2*n)}
	p.key = fmt.Sprint(n, " ", pitch, " ", centre, " ", w/200_000)
	twoColumns(p, n, pitch, centre, pad{kind: "smd", shape: shape, ratio: ratio, w: w, h: h, layers: onTop})
	b := centred(centre-w-grid(r, 100*um, 500*um, 100*um), (n-1)*pitch+grid(r, 800*um, 1600*um, 100*um))
	if r.IntN(3) > 0 {
		p.body = &b
	}
	turned := r.IntN(4) == 0
	if turned {
		p.turnLeft()
	}
	sayTwoColumns(r, p, n, pitch, centre, w, turned)
	if turned {
		p.say("Each pad is %s, %s mm in x by %s mm in y.", shaped(r, shape, ratio, min(w, h)), in(h), in(w))
	} else {
		p.say("Each pad is %s, %s mm in x by %s mm in y.", shaped(r, shape, ratio, min(w, h)), in(w), in(h))
	}
	p.say("%s", sayLayers(r))
	return p
}

// dualNoLead has pads on two sides and one below.
func dualNoLead(r *generated.Rand) *part {
	n := r.Between(2, 12)
	pitch := generated.Pick(r, 400, 500, 650, 800, 950) * um
	w := grid(r, 400*um, 1000*um, 50*um)
	h := pitch * r.Between(45, 60) / 100 / (10 * um) * 10 * um
	inner := grid(r, 1200*um, 4000*um, 100*um) // between the columns
	centre := w + inner
	shape, ratio := surface(r)
	p := &part{attributes: []string{"smd"}, pitch: pitch, markOf: "1", what: fmt.Sprintf("a leadless package with %d pads on two sides and an exposed pad", 2*n)}
	p.key = fmt.Sprint(n, " ", pitch, " ", centre, " ", w/200_000)
	twoColumns(p, n, pitch, centre, pad{kind: "smd", shape: shape, ratio: ratio, w: w, h: h, layers: onTop})
	sayTwoColumns(r, p, n, pitch, centre, w, false)
	p.say("Each of these is %s, %s mm in x by %s mm in y.", shaped(r, shape, ratio, min(w, h)), in(w), in(h))
	p.say("%s", smdLayers)
	exposed(r, p, 2*n+1, inner-2*grid(r, 200*um, 350*um, 50*um), max(600*um, (n-1)*pitch-grid(r, 0, 300*um, 100*um)))
	b := centred(centre+grid(r, 0, w/2/(100*um)*100*um, 100*um), (n-1)*pitch+grid(r, 500*um, 1000*um, 100*um))
	if r.IntN(3) > 0 {
		p.body = &b
	}
	return p
}

// exposed adds the pad below a package, with windows for paste or with vias
// where it is large enough.
func exposed(r *generated.Rand, p *part, n, w, h int) {
	if r.IntN(4) == 0 {
		w, h = w/(50*um)*50*um, h/(50*um)*50*um
	} else {
		w, h = w/(100*um)*100*um, h/(100*um)*100*um
	}
	ep := pad{number: number(n), kind: "smd", shape: "rect", w: w, h: h, layers: onTop}
	kind := r.IntN(3)
	columns, rows := max(1, w/(900*um)), max(1, h/(900*um))
	columns, rows = min(columns, 3), min(rows, 3)
	switch {
	case kind == 1 && columns*rows > 1:
		ep.layers = topNoPaste
		p.add(ep)
		ww, wh := w*7/10/columns/(10*um)*10*um, h*7/10/rows/(10*um)*10*um
		dx, dy := w/columns/(10*um)*10*um, h/rows/(10*um)*10*um
		for j := range rows {
			for i := range columns {
				p.add(pad{kind: "smd", shape: "rect", x: i*dx - (columns-1)*dx/2, y: j*dy - (rows-1)*dy/2, w: ww, h: wh, layers: pasteOnly})
			}
		}
		p.say("Pad %d is the exposed pad: a rectangle (shape rect) of %s mm in x by %s mm in y in the middle, on F.Cu and F.Mask only.", n, in(w), in(h))
		p.say("Paste is printed on it through %s: rectangular smd pads without a number, on F.Paste only, each %s mm in x by %s mm in y, around the middle with a pitch of %s.", gridOf(columns, rows, "window"), in(ww), in(wh), pitchOf(columns, rows, dx, dy))
	case kind == 2:
		p.add(ep)
		via, drill := 500*um, 200*um
		if r.Bool() {
			via, drill = 600*um, 300*um
		}
		dx, dy := grid(r, 700*um, 900*um, 50*um), grid(r, 700*um, 900*um, 50*um)
		for j := range rows {
			for i := range columns {
				p.add(pad{number: number(n), kind: "thru_hole", shape: "circle", x: i*dx - (columns-1)*dx/2, y: j*dy - (rows-1)*dy/2, w: via, h: via, drill: []int{drill}, layers: copperOnly})
			}
		}
		p.say("Pad %d is the exposed pad: a rectangle (shape rect) of %s mm in x by %s mm in y in the middle, on the same layers.", n, in(w), in(h))
		where := fmt.Sprintf("%s around the middle, pitch %s", gridOf(columns, rows, "via"), pitchOf(columns, rows, dx, dy))
		if columns*rows == 1 {
			where = "one via in the middle"
		}
		p.say("In it there are thermal vias: %s. Each is a round thru_hole pad with the number %d too, %s mm in diameter with a hole of %s mm, on all copper layers (*.Cu) and no others.", where, n, in(via), in(drill))
	default:
		p.add(ep)
		p.say("Pad %d is the exposed pad: a rectangle (shape rect) of %s mm in x by %s mm in y in the middle, on the same layers.", n, in(w), in(h))
	}
}

func gridOf(columns, rows int, what string) string {
	s := "s"
	if columns*rows == 1 {
		s = ""
	}
	if columns == 1 || rows == 1 {
		direction := "in x"
		if columns == 1 {
			direction = "in y"
		}
		return fmt.Sprintf("%d %s%s in a line %s", columns*rows, what, s, direction)
	}
	return fmt.Sprintf("%d x %d %ss (columns x rows)", columns, rows, what)
}

func pitchOf(columns, rows, dx, dy int) string {
	switch {
	case columns == 1:
		return in(dy) + " mm"
	case rows == 1 || dx == dy:
		return in(dx) + " mm"
	}
	return in(dx) + " mm in x and " + in(dy) + " mm in y"
}

// quad adds pads on four sides, counted counter-clockwise from the top of the
// left side: ny on the left, nx below, ny on the right, nx above.
func quad(p *part, nx, ny, pitch, centreX, centreY int, q pad) {
	w, h := q.w, q.h
	k := 0
	put := func(x, y, w, h int) {
		k++
		q.number, q.x, q.y, q.w, q.h = number(k), x, y, w, h
		p.add(q)
	}
	for i := range ny {
		put(-centreX/2, i*pitch-(ny-1)*pitch/2, w, h)
	}
	for i := range nx {
		put(i*pitch-(nx-1)*pitch/2, centreY/2, h, w)
	}
	for i := range ny {
		put(centreX/2, (ny-1)*pitch/2-i*pitch, w, h)
	}
	for i := range nx {
		put((nx-1)*pitch/2-i*pitch, -centreY/2, h, w)
	}
}

func sayQuad(r *generated.Rand, p *part, nx, ny, pitch, centreX, centreY int, q pad) {
	n := 2 * (nx + ny)
	if nx == ny {
		p.say("%d pads on four sides, %d on each.", n, nx)
	} else {
		p.say("%d pads on four sides: %d on the left and on the right, %d at the bottom and at the top.", n, ny, nx)
	}
	p.say("They are numbered counter-clockwise, seen from the top: pad 1 is the uppermost of the left side, then down the left side, along the bottom from left to right, up the right side, and along the top from right to left.")
	p.say("The pitch is %s mm on all sides; each side is centred on its axis, and the origin is in the middle.", in(pitch))
	if centreX == centreY {
		p.say("%s The same holds between top and bottom.", span(r, "the left and right columns", centreX, q.w))
	} else {
		p.say("%s %s", span(r, "the left and right columns", centreX, q.w), span(r, "the top and bottom rows", centreY, q.w))
	}
	p.say("Each pad is %s, %s mm long (towards the middle) and %s mm wide (along its side).", shaped(r, q.shape, q.ratio, min(q.w, q.h)), in(q.w), in(q.h))
}

func quadSizes(r *generated.Rand, most int) (nx, ny, pitch int) {
	nx = r.Between(3, most)
	ny = nx
	if r.IntN(3) == 0 {
		ny = r.Between(3, most)
	}
	return nx, ny, generated.Pick(r, 400, 500, 650, 800) * um
}

// quadFlat has leads on four sides.
func quadFlat(r *generated.Rand) *part {
	nx, ny, pitch := quadSizes(r, 16)
	shape, ratio := surface(r)
	q := pad{kind: "smd", shape: shape, ratio: ratio, w: grid(r, 1000*um, 1800*um, 50*um), h: pitch * r.Between(45, 60) / 100 / (10 * um) * 10 * um, layers: onTop}
	outer := 2*q.w + grid(r, 1400*um, 2400*um, 100*um)
	centreX, centreY := max(nx*pitch+outer, 3*mm), max(ny*pitch+outer, 3*mm)
	p := &part{attributes: []string{"smd"}, pitch: pitch, markOf: "1", what: fmt.Sprintf("a quad flat package with %d leads", 2*(nx+ny))}
	p.key = fmt.Sprint(nx, " ", ny, " ", pitch, " ", centreX, " ", q.w/200_000)
	quad(p, nx, ny, pitch, centreX, centreY, q)
	sayQuad(r, p, nx, ny, pitch, centreX, centreY, q)
	p.say("%s", sayLayers(r))
	if r.IntN(3) > 0 {
		b := centred(centreX-q.w-200*um, centreY-q.w-200*um)
		p.body = &b
	}
	return p
}

// quadNoLead has pads on four sides and one below.
func quadNoLead(r *generated.Rand) *part {
	nx, ny, pitch := quadSizes(r, 12)
	pitch = min(pitch, 650*um)
	shape, ratio := surface(r)
	q := pad{kind: "smd", shape: shape, ratio: ratio, w: grid(r, 500*um, 900*um, 50*um), h: pitch * r.Between(45, 60) / 100 / (10 * um) * 10 * um, layers: onTop}
	innerX, innerY := nx*pitch+grid(r, 200*um, 800*um, 100*um), ny*pitch+grid(r, 200*um, 800*um, 100*um)
	if nx == ny {
		innerY = innerX
	}
	centreX, centreY := innerX+q.w, innerY+q.w
	p := &part{attributes: []string{"smd"}, pitch: pitch, markOf: "1", what: fmt.Sprintf("a quad flat package without leads: %d pads and an exposed pad", 2*(nx+ny))}
	p.key = fmt.Sprint(nx, " ", ny, " ", pitch, " ", centreX, " ", q.w/200_000)
	quad(p, nx, ny, pitch, centreX, centreY, q)
	sayQuad(r, p, nx, ny, pitch, centreX, centreY, q)
	p.say("%s", smdLayers)
	shrink := 2 * grid(r, 200*um, 400*um, 50*um)
	exposed(r, p, 2*(nx+ny)+1, innerX-shrink, innerY-shrink)
	if r.IntN(3) > 0 {
		b := centred(centreX+q.w/2/(100*um)*100*um, centreY+q.w/2/(100*um)*100*um)
		p.body = &b
	}
	return p
}

// rowLetters are those of ball grids: I, O, Q, S, X and Z are left out.
const rowLetters = "ABCDEFGHJKLMNPRTUVWY"

// ballGrid is a grid of round pads, some of which may be missing.
func ballGrid(r *generated.Rand) *part {
	rows, columns := r.Between(3, 8), r.Between(3, 8)
	if r.IntN(3) == 0 { // beyond H
		rows, columns = r.Between(9, 16), r.Between(3, 4)
	}
	pitch := generated.Pick(r, 350, 400, 500, 650, 800, 1000, 1270) * um
	diameter := pitch * r.Between(45, 60) / 100 / (10 * um) * 10 * um
	missing := map[[2]int]bool{}
	var left string
	switch k := r.IntN(5); {
	case k == 0 && rows > 4 && columns > 4:
		a, b := r.Between(1, rows-4), r.Between(1, columns-4)
		for i := range a {
			for j := range b {
				missing[[2]int{(rows-a)/2 + i, (columns-b)/2 + j}] = true
			}
		}
		top, first := (rows-a)/2, (columns-b)/2
		left = fmt.Sprintf("The %d x %d positions (rows x columns) from %s to %s have no pads.", a, b, ball(top, first), ball(top+a-1, first+b-1))
		if a*b == 1 {
			left = fmt.Sprintf("There is no pad %s.", ball(top, first))
		}
	case k == 1:
		for _, c := range [][2]int{{0, 0}, {0, columns - 1}, {rows - 1, 0}, {rows - 1, columns - 1}} {
			missing[c] = true
		}
		left = "The four corner positions have no pads (the names of the others do not change)."
	case k == 2:
		var names []string
		for range r.Between(1, 4) {
			c := [2]int{r.IntN(rows), r.IntN(columns)}
			if !missing[c] && len(missing) < rows*columns-2 {
				missing[c] = true
				names = append(names, ball(c[0], c[1]))
			}
		}
		left = "These positions have no pad: " + strings.Join(names, ", ") + "."
	case k == 3 && rows > 4 && columns > 4:
		for i := 2; i < rows-2; i++ {
			for j := 2; j < columns-2; j++ {
				missing[[2]int{i, j}] = true
			}
		}
		left = "Only the two outermost rings of positions have pads."
	}
	p := &part{attributes: []string{"smd"}, pitch: pitch, what: fmt.Sprintf("a ball grid array of %d rows and %d columns", rows, columns)}
	p.key = fmt.Sprint(rows, " ", columns, " ", pitch, " ", diameter/50_000, " ", len(missing))
	for i := range rows {
		for j := range columns {
			if !missing[[2]int{i, j}] {
				p.add(pad{number: ball(i, j), kind: "smd", shape: "circle", x: j*pitch - (columns-1)*pitch/2, y: i*pitch - (rows-1)*pitch/2, w: diameter, h: diameter, layers: onTop})
			}
		}
	}
	p.say("The grid has %d rows (along y) and %d columns (along x) with a pitch of %s mm in both directions. The origin is in the middle of the grid.", rows, columns, in(pitch))
	p.say("Rows are lettered from top to bottom beginning with A, leaving out I, O, Q, S, X and Z; columns are numbered from left to right beginning with 1. A pad is named by letter and number, as A1 at the upper left.")
	if left != "" {
		p.say("%s", left)
	}
	p.say("The pads are circles of %s mm in diameter.", in(diameter))
	p.say("%s", sayLayers(r))
	if r.IntN(3) > 0 {
		b := centred((columns-1)*pitch+grid(r, 600*um, 1500*um, 100*um), (rows-1)*pitch+grid(r, 600*um, 1500*um, 100*um))
		p.body = &b
	}
	return p
}

func ball(row, column int) string { return rowLetters[row:row+1] + number(column+1) }
