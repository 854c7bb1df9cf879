package kicadpcb

import (
	"fmt"
	"math"

	"github.com/ailiance/lorabench/tasks/generated"
)

// receptacle has a row of contacts, pegs, and slots that hold its shield.
func receptacle(r *generated.Rand) *part {
	n := r.Between(4, 12)
	pitch := generated.Pick(r, 400, 500, 650, 800, 1000) * um
	w := pitch * r.Between(50, 65) / 100 / (10 * um) * 10 * um
	h := grid(r, 1000*um, 1700*um, 50*um)
	p := &part{attributes: []string{"smd"}, pitch: pitch, what: fmt.Sprintf("a shielded receptacle with %d contacts", n)}
	left := r.IntN(4) > 0
	for i := range n {
		q := pad{number: number(i + 1), kind: "smd", shape: "rect", x: i*pitch - (n-1)*pitch/2, w: w, h: h, layers: onTop}
		if !left {
			q.x = -q.x
		}
		p.add(q)
	}
	direction := "from left to right"
	if !left {
		direction = "from right to left"
	}
	p.say("The contacts are %d rectangular pads (shape rect) in a horizontal row, numbered 1 to %d %s, each %s mm in x by %s mm in y.", n, n, direction, in(w), in(h))
	p.say("%s The contacts are smd pads on F.Cu, F.Paste and F.Mask.", pitches(r, "They", n, pitch))
	p.say("The origin is in the middle of this row.")
	peg := grid(r, 500*um, 1000*um, 50*um)
	pegX, pegY := ((n-1)*pitch/2+grid(r, 0, 600*um, 50*um))/(10*um)*10*um, h/2/(100*um)*100*um+grid(r, 700*um, 1500*um, 50*um)
	for _, side := range []int{-1, 1} {
		p.add(pad{kind: "np_thru_hole", shape: "circle", x: side * pegX, y: pegY, w: peg, h: peg, drill: []int{peg}, layers: throughAll})
	}
	p.say("Two holes of %s mm for pegs are %s mm apart, symmetrical about the y axis, %s mm below the row (y positive). %s", in(peg), in(2*pegX), in(pegY), holesLayers)
	slotW := grid(r, 500*um, 700*um, 50*um)
	slotH := slotW + grid(r, 400*um, 1100*um, 50*um)
	rim := generated.Pick(r, 400, 500, 600) * um
	x := (n-1)*pitch/2/(10*um)*10*um + w/2/(10*um)*10*um + grid(r, 1200*um, 2500*um, 50*um)
	x = max(x, pegX+peg/2/(10*um)*10*um+(slotW+rim)/2/(10*um)*10*um+400*um)
	front, back := grid(r, 0, 600*um, 50*um), pegY+grid(r, 2500*um, 4500*um, 50*um)
	shield := generated.Pick(r, "SH", "S1", "S", "MP")
	for _, y := range []int{front, back} {
		for _, side := range []int{-1, 1} {
			p.add(pad{number: shield, kind: "thru_hole", shape: "oval", x: side * x, y: y, w: slotW + rim, h: slotH + rim, drill: []int{slotW, slotH}, layers: throughAll})
		}
	}
	p.say("Four slots hold the shield, at x = -%s and x = %s, y = %s and y = %s (centres). Each is an oval slot of %s mm in x by %s mm in y (drill oval) in an oval plated pad (thru_hole, shape oval) of %s mm by %s mm; all four have the number %q; layers *.Cu and *.Mask.",
		in(x), in(x), in(front), in(back), in(slotW), in(slotH), in(slotW+rim), in(slotH+rim), shield)
	b := box{-x - grid(r, 0, 400*um, 100*um), 0, x, back + grid(r, 1000*um, 3000*um, 100*um)}
	b[2] = -b[0]
	if r.Bool() {
		p.body = &b
	}
	p.key = fmt.Sprint(n, " ", pitch, " ", pegX, " ", x, " ", slotH)
	return p
}

// flatCable is a connector with mounting pads at its ends.
func flatCable(r *generated.Rand) *part {
	n := r.Between(4, 30)
	pitch := generated.Pick(r, 500, 500, 1000, 800, 1250) * um
	w := pitch * r.Between(50, 62) / 100 / (10 * um) * 10 * um
	h := grid(r, 1000*um, 2000*um, 50*um)
	mw, mh := grid(r, 1200*um, 2200*um, 100*um), grid(r, 1800*um, 3200*um, 100*um)
	p := &part{attributes: []string{"smd"}, pitch: pitch, markOf: "1", what: fmt.Sprintf("a flat cable connector with %d contacts", n)}
	shape, ratio := surface(r)
	y := grid(r, 1500*um, 3500*um, 50*um) // of the mounting pads below the row
	x := ((n-1)*pitch/2+grid(r, 1400*um, 2600*um, 50*um)+mw/2)/(10*um)*10*um + 10*um
	p.key = fmt.Sprint(n, " ", pitch, " ", y, " ", h/200_000)
	for i := range n {
		p.add(pad{number: number(i + 1), kind: "smd", shape: shape, ratio: ratio, x: i*pitch - (n-1)*pitch/2, w: w, h: h, layers: onTop})
	}
	for _, side := range []int{-1, 1} {
		p.add(pad{number: "MP", kind: "smd", shape: "rect", x: side * x, y: y, w: mw, h: mh, layers: onTop})
	}
	p.say("The contacts are pads 1 to %d from left to right in a horizontal row, each %s, %s mm in x by %s mm in y.", n, shaped(r, shape, ratio, min(w, h)), in(w), in(h))
	p.say("%s", pitches(r, "The contacts", n, pitch))
	p.say("Two mounting pads, both with the number MP, are rectangles (shape rect) of %s mm in x by %s mm in y.", in(mw), in(mh))
	if r.Bool() {
		p.say("Their centres are %s mm apart in x and lie %s mm below the row of contacts (centre to centre, y positive downwards).", in(2*x), in(y))
	} else {
		p.say("Their centres lie %s mm outward (in x) from the first and the last contact, and %s mm below the row of contacts (centre to centre).", in(x-(n-1)*pitch/2), in(y))
	}
	p.say("%s", smdAllPads)
	b := box{-x, h / 2, x, y + mh/2 + grid(r, 200*um, 1500*um, 100*um)}
	if r.Bool() {
		p.body = &b
	}
	if r.Bool() {
		p.say("The origin is in the middle of the row of contacts.")
	} else {
		p.move(0, -y/2)
		p.say("The origin is on the axis of symmetry, halfway between the row of contacts and the mounting pads in y.")
	}
	return p
}

// powerTab has leads on one side and a large pad opposite.
func powerTab(r *generated.Rand) *part {
	n := generated.Pick(r, 2, 3, 5, 7)
	pitch := generated.Pick(r, 1140, 1270, 1700, 2280, 2290, 2540) * um
	w := pitch * r.Between(50, 68) / 100 / (10 * um) * 10 * um
	h := grid(r, 1500*um, 3500*um, 50*um)
	tabW, tabH := grid(r, 5000*um, 11000*um, 100*um), grid(r, 5000*um, 9000*um, 100*um)
	gap := grid(r, 800*um, 4000*um, 50*um)
	p := &part{attributes: []string{"smd"}, pitch: pitch, markOf: "1"}
	p.key = fmt.Sprint(n, " ", pitch, " ", tabW/500_000, " ", tabH/500_000, " ", gap/100_000)
	shape, ratio := surface(r)
	middle := (n + 1) / 2
	tab := number(n + 1)
	cut := n%2 == 1 && n > 1 && r.Bool() // the middle lead is cut: the tab has its number
	if cut {
		tab = number(middle)
	}
	centre := (h+tabH)/2 + gap
	for i := range n {
		if cut && i+1 == middle {
			continue
		}
		p.add(pad{number: number(i + 1), kind: "smd", shape: shape, ratio: ratio, x: i*pitch - (n-1)*pitch/2, y: centre / 2, w: w, h: h, layers: onTop})
	}
	paste := r.IntN(3) > 0
	layers := onTop
	if !paste {
		layers = topNoPaste
	}
	p.add(pad{number: tab, kind: "smd", shape: "rect", y: -(centre - centre/2), w: tabW, h: tabH, layers: layers})
	p.what = fmt.Sprintf("a power package with %d leads and a cooling tab", n)
	p.say("The leads form a horizontal row at the bottom, numbered 1 to %d from left to right with a pitch of %s mm, symmetrical about the y axis.", n, in(pitch))
	if cut {
		p.say("Lead %d is cut off: its place in the row stays empty, and the tab has the number %s instead.", middle, tab)
	} else {
		p.say("The tab has the number %s.", tab)
	}
	p.say("Lead pads are each %s, %s mm in x by %s mm in y.", shaped(r, shape, ratio, min(w, h)), in(w), in(h))
	p.say("The tab's pad is a rectangle (shape rect) of %s mm in x by %s mm in y, above the row (y negative), on the y axis.", in(tabW), in(tabH))
	switch r.IntN(3) {
	case 0:
		p.say("Between the tab's lower edge and the upper edge of the lead pads there are %s mm.", in(gap))
	case 1:
		p.say("From the tab's upper edge to the lower edge of the lead pads it is %s mm.", in(gap+h+tabH))
	default:
		p.say("The centre of the tab's pad is %s mm above the centres of the lead pads.", in(centre))
	}
	p.say("The origin is on the y axis, halfway between the centre of the tab's pad and the centres of the lead pads.")
	if paste {
		p.say("%s", smdAllPads)
	} else {
		p.say("All pads are smd. The leads are on F.Cu, F.Paste and F.Mask; the tab is on F.Cu and F.Mask only, without paste.")
	}
	b := centred(max(tabW, (n-1)*pitch+w), tabH).moved(0, -(centre-centre/2)+grid(r, 500*um, 1500*um, 100*um))
	if r.Bool() {
		p.body = &b
	}
	return p
}

// testPoint is one pad.
func testPoint(r *generated.Rand) *part {
	p := &part{attributes: []string{"exclude_from_pos_files", "exclude_from_bom"}}
	size := grid(r, 500*um, 4000*um, 50*um)
	kind := r.IntN(4)
	switch kind {
	case 0, 1:
		shape := []string{"circle", "rect"}[kind]
		p.add(pad{number: "1", kind: "smd", shape: shape, w: size, h: size, layers: topNoPaste})
		p.what = "a test point on the surface"
		if shape == "circle" {
			p.say("One round pad, number 1, %s mm in diameter, at the origin.", in(size))
		} else {
			p.say("One square pad (shape rect), number 1, with sides of %s mm, centred on the origin.", in(size))
		}
		p.say("It is an smd pad on F.Cu and F.Mask: no paste is printed on it.")
	case 2:
		drill, size := ring(r, 400*um, 2000*um)
		q := plated("circle", size, size, drill)
		q.number = "1"
		p.add(q)
		p.what = "a test point with a hole"
		p.say("One round pad, number 1, %s mm in diameter, at the origin, with a hole of %s mm.", in(size), in(drill))
		p.say("It is a plated through hole (thru_hole) on all copper layers (*.Cu) and both solder masks (*.Mask).")
		p.key = fmt.Sprint(drill)
	default:
		drill, size := ring(r, 500*um, 1500*um)
		apart := size + grid(r, 500*um, 6000*um, 50*um)
		for _, side := range []int{-1, 1} {
			q := plated("circle", size, size, drill)
			q.number, q.x = "1", side*apart/2
			p.add(q)
		}
		p.what = "a wire loop to clip a probe on"
		p.say("The ends of the loop go into two holes of %s mm, %s mm apart on the x axis, symmetrical about the origin.", in(drill), in(apart))
		p.say("Both have a round pad of %s mm in diameter with the number 1, plated (thru_hole), on all copper layers (*.Cu) and both solder masks (*.Mask).", in(size))
		p.key = fmt.Sprint(drill, " ", apart)
	}
	p.key = fmt.Sprint(kind, " ", p.pads[0].w, " ", p.key)
	return p
}

// mountingHole is a hole for a screw.
func mountingHole(r *generated.Rand) *part {
	p := &part{attributes: []string{"exclude_from_pos_files", "exclude_from_bom"}}
	drill := grid(r, 1600*um, 8400*um, 100*um)
	kind := r.IntN(4)
	switch kind {
	case 0:
		p.add(pad{kind: "np_thru_hole", shape: "circle", w: drill, h: drill, drill: []int{drill}, layers: throughAll})
		p.what = "a mounting hole without copper"
		p.say("One round hole of %s mm at the origin.", in(drill))
		p.say("It is not plated (np_thru_hole), has no number, and its pad is as large as the hole; layers *.Cu and *.Mask.")
	case 1:
		size := drill + grid(r, 1000*um, 5000*um, 100*um)
		q := plated("circle", size, size, drill)
		q.number = "1"
		p.add(q)
		p.what = "a plated mounting hole"
		p.say("One round plated hole (thru_hole) of %s mm at the origin; its pad, number 1, is a circle of %s mm in diameter.", in(drill), in(size))
		p.say("It is on all copper layers (*.Cu) and both solder masks (*.Mask).")
		p.key = fmt.Sprint(size)
	case 2:
		size := drill + grid(r, 2600*um, 5000*um, 100*um)
		q := plated("circle", size, size, drill)
		q.number = "1"
		p.add(q)
		n := generated.Pick(r, 4, 6, 8)
		viaDrill := generated.Pick(r, 300, 400, 500) * um
		via := viaDrill + 300*um
		radius := (drill + size) / 4 / (50 * um) * 50 * um
		for i := range n {
			sin, cos := math.Sincos(2 * math.Pi * float64(i) / float64(n))
			q := plated("circle", via, via, viaDrill)
			q.number = "1"
			q.x, q.y = int(math.Round(float64(radius)*cos/100))*100, int(math.Round(float64(radius)*sin/100))*100
			p.add(q)
		}
		p.what = "a plated mounting hole with a ring of vias"
		p.say("A round plated hole (thru_hole) of %s mm at the origin; its pad is a circle of %s mm in diameter.", in(drill), in(size))
		p.say("Around it, %d vias are evenly spaced on a circle of %s mm in diameter (through their centres), the first one straight to the right of the origin. Each via is a round thru_hole pad of %s mm in diameter with a hole of %s mm.", n, in(2*radius), in(via), in(viaDrill))
		p.say("The large pad and all vias have the number 1 and are on all copper layers (*.Cu) and both solder masks (*.Mask).")
		p.key = fmt.Sprint(size, " ", n)
	default:
		length := drill + grid(r, 500*um, 4000*um, 100*um)
		w, h := length, drill
		direction := "x"
		if r.Bool() {
			w, h, direction = h, w, "y"
		}
		p.add(pad{kind: "np_thru_hole", shape: "oval", w: w, h: h, drill: []int{w, h}, layers: throughAll})
		p.what = "a mounting slot without copper"
		p.say("One slot with round ends (drill oval), centred on the origin: %s mm long in %s from end to end, and %s mm wide.", in(length), direction, in(drill))
		p.say("It is not plated (np_thru_hole), has no number, and its pad (shape oval) is as large as the slot; layers *.Cu and *.Mask.")
		p.key = fmt.Sprint(length, direction)
	}
	p.key = fmt.Sprint(kind, " ", drill, " ", p.key)
	return p
}

// crystal has four pads at its corners.
func crystal(r *generated.Rand) *part {
	w, h := grid(r, 700*um, 2200*um, 50*um), grid(r, 600*um, 1900*um, 50*um)
	dx, dy := w+grid(r, 400*um, 2000*um, 100*um), h+grid(r, 300*um, 1200*um, 100*um)
	shape, ratio := surface(r)
	p := &part{attributes: []string{"smd"}, pitch: dx, markOf: "1", what: generated.Pick(r, "a crystal in a ceramic package with four pads", "an oscillator with four pads")}
	p.key = fmt.Sprint(w/100_000, " ", h/100_000, " ", dx, " ", dy)
	lower := r.Bool()
	for i, c := range [][2]int{{-1, 1}, {1, 1}, {1, -1}, {-1, -1}} {
		if !lower { // begin at the upper left
			c = [][2]int{{-1, -1}, {-1, 1}, {1, 1}, {1, -1}}[i]
		}
		p.add(pad{number: number(i + 1), kind: "smd", shape: shape, ratio: ratio, x: c[0] * dx / 2, y: c[1] * dy / 2, w: w, h: h, layers: onTop})
	}
	where := "upper left"
	if lower {
		where = "lower left"
	}
	p.say("Four equal pads lie at the corners of a rectangle around the origin. Pad 1 is at the %s; seen from the top, the numbers go on counter-clockwise.", where)
	p.say("Each pad is %s, %s mm in x by %s mm in y.", shaped(r, shape, ratio, min(w, h)), in(w), in(h))
	if r.Bool() {
		p.say("Between the pads there are gaps of %s mm in x and %s mm in y.", in(dx-w), in(dy-h))
	} else {
		p.say("Over all, the pads measure %s mm in x and %s mm in y (outer edge to outer edge).", in(dx+w), in(dy+h))
	}
	p.say("%s", sayLayers(r))
	b := centred(dx+w-grid(r, 0, 600*um, 100*um), dy+h-grid(r, 0, 400*um, 100*um))
	if r.IntN(3) > 0 {
		p.body = &b
	}
	return p
}

// cardEdge has contacts on both sides of the board.
func cardEdge(r *generated.Rand) *part {
	n := r.Between(3, 20) // on each side
	pitch := generated.Pick(r, 500, 800, 1000, 1270, 2540, 2000) * um
	w := pitch * r.Between(55, 75) / 100 / (10 * um) * 10 * um
	h := grid(r, 2500*um, 8000*um, 100*um)
	way := r.IntN(3)
	p := &part{attributes: []string{"exclude_from_pos_files", "exclude_from_bom"}, pitch: pitch, what: fmt.Sprintf("the contacts of a card edge, %d on each side of the board", n)}
	p.key = fmt.Sprint(n, " ", pitch, " ", h, " ", way)
	for i := range n {
		x := i*pitch - (n-1)*pitch/2
		top := pad{number: number(2*i + 1), kind: "connect", shape: "rect", x: x, w: w, h: h, layers: topNoPaste}
		bottom := pad{number: number(2*i + 2), kind: "connect", shape: "rect", x: x, w: w, h: h, layers: backNoPaste}
		switch way {
		case 1:
			top.number, bottom.number = "A"+number(i+1), "B"+number(i+1)
		case 2:
			top.number, bottom.number = number(i+1), number(n+i+1)
		}
		p.add(top)
		p.add(bottom)
	}
	p.say("%d contacts lie in a horizontal row on the top side and %d straight below them on the bottom side, at the same places.", n, n)
	switch way {
	case 0:
		p.say("Those on the top have the odd numbers 1 to %d from left to right, those on the bottom the even numbers 2 to %d, also from left to right (seen from the top).", 2*n-1, 2*n)
	case 1:
		p.say("Those on the top are A1 to A%d from left to right, those on the bottom B1 to B%d, B1 below A1.", n, n)
	default:
		p.say("Those on the top are 1 to %d from left to right, those on the bottom %d to %d, with %d below 1.", n, n+1, 2*n, n+1)
	}
	p.say("%s", pitches(r, "The contacts", n, pitch))
	p.say("Each is a rectangle (shape rect) of %s mm in x by %s mm in y.", in(w), in(h))
	p.say("All are pads of the kind connect: on the top on F.Cu and F.Mask, on the bottom on B.Cu and B.Mask.")
	if r.Bool() {
		p.say("The origin is in the middle of the row, at half of its height.")
	} else {
		p.move(0, -h/2)
		p.say("The origin is in the middle of the row in x; in y it is on the lower ends of the contacts, so that they lie above it (y negative).")
	}
	return p
}

// edgeModule has pads on three sides.
func edgeModule(r *generated.Rand) *part {
	ny, nx := r.Between(4, 16), r.Between(0, 10)
	if nx == 1 {
		nx = 0
	}
	pitch := generated.Pick(r, 1000, 1270, 1500, 2000, 2540) * um
	w, h := grid(r, 1000*um, 2500*um, 100*um), pitch*r.Between(50, 70)/100/(10*um)*10*um
	width := max((nx+2)*pitch+2*w, 8*mm) / (100 * um) * 100 * um // between the centres of the columns
	p := &part{attributes: []string{"smd"}, pitch: pitch, markOf: "1", what: fmt.Sprintf("a radio module that is soldered by %d pads at its edges", 2*ny+nx)}
	p.key = fmt.Sprint(nx, " ", ny, " ", pitch, " ", width, " ", w/200_000)
	drop := grid(r, pitch/(100*um)*100*um, pitch/(100*um)*100*um+1500*um, 100*um) // from the last of the left to the lower row
	k := 0
	put := func(x, y, w, h int) {
		k++
		p.add(pad{number: number(k), kind: "smd", shape: "rect", x: x, y: y, w: w, h: h, layers: onTop})
	}
	for i := range ny {
		put(-width/2, i*pitch, w, h)
	}
	low := (ny-1)*pitch + drop
	for i := range nx {
		put(i*pitch-(nx-1)*pitch/2, low, h, w)
	}
	for i := range ny {
		put(width/2, (ny-1-i)*pitch, w, h)
	}
	if nx > 0 {
		p.say("%d pads on the left, %d at the bottom and %d on the right, all rectangles (shape rect). They are numbered counter-clockwise, seen from the top: from pad 1 at the upper left down the left side, along the bottom from left to right, and up the right side.", ny, nx, ny)
	} else {
		p.say("%d pads on the left and %d on the right, all rectangles (shape rect). They are numbered counter-clockwise, seen from the top: from pad 1 at the upper left down the left side, then up the right side.", ny, ny)
	}
	p.say("The pitch is %s mm on each side. %s", in(pitch), span(r, "the left and the right column", width, w))
	p.say("On the left and right, pads are %s mm in x by %s mm in y.", in(w), in(h))
	if nx > 0 {
		p.say("At the bottom they are turned: %s mm in x by %s mm in y; that row is centred between the columns, and its centres are %s mm lower than those of the lowest pads of the columns.", in(h), in(w), in(drop))
	}
	p.say("%s", sayLayers(r))
	switch r.IntN(2) {
	case 0:
		p.say("The origin is on the axis of symmetry, at the height of pad 1.")
	default:
		p.move(width/2, 0)
		p.say("The origin is the centre of pad 1.")
	}
	return p
}
