package kicadpcb

import (
	"fmt"
	"math"

	"github.com/ailiance/lorabench/tasks/generated"
)

// plated is a plated through hole.
func plated(shape string, w, h, drill int) pad {
	return pad{kind: "thru_hole", shape: shape, w: w, h: h, drill: []int{drill}, layers: throughAll}
}

// ring draws a hole and a round pad around it.
func ring(r *generated.Rand, least, most int) (drill, size int) {
	drill = grid(r, least, most, 50*um)
	return drill, drill + grid(r, 500*um, 1000*um, 100*um)
}

// originAt puts the origin into pad 1 or leaves it in the middle, and says so.
func (p *part) originAt(r *generated.Rand, middle string) {
	if r.Bool() {
		p.say("The origin is %s.", middle)
		return
	}
	p.move(-p.pads[0].x, -p.pads[0].y)
	p.say("The origin is the centre of pad %s.", p.pads[0].number)
}

// mils writes a length in thousandths of an inch, or in inches, where it is a
// whole number of mils, and now and then.
func mils(r *generated.Rand, n int) string {
	if n%25_400 != 0 || r.IntN(3) > 0 {
		return in(n) + " mm"
	}
	if r.Bool() {
		return fmt.Sprintf("%d mil", n/25_400)
	}
	return in(int(math.Round(float64(n)/25.4))) + " inch" // in() of micrometres a thousandth
}

// dualInLine is DIP.
func dualInLine(r *generated.Rand) *part {
	n := r.Between(2, 14)
	pitch := generated.Pick(r, 2540, 2540, 2540, 1778, 2500) * um
	centre := generated.Pick(r, 7620, 10160, 15240, 7500, 12700, 22860) * um
	drill := grid(r, 600*um, 1000*um, 50*um)
	h := min(drill+grid(r, 500*um, 700*um, 50*um), pitch/(50*um)*50*um-300*um)
	w := h + grid(r, 0, 900*um, 100*um)
	p := &part{attributes: []string{"through_hole"}, pitch: pitch, markOf: "1", what: fmt.Sprintf("a dual in-line package with %d pins in two rows", 2*n)}
	p.key = fmt.Sprint(n, " ", pitch, " ", centre, " ", drill/100_000, " ", w/200_000)
	shape := "oval"
	if w == h {
		shape = "circle"
	}
	twoColumns(p, n, pitch, centre, plated(shape, w, h, drill))
	p.pads[0].shape = "rect"
	p.say("The %d pins stand in two vertical columns of %d. Pin 1 is at the upper left; numbers go down the left column and up the right one (counter-clockwise, seen from the top).", 2*n, n)
	if r.IntN(3) == 0 {
		p.say("%s", pitches(r, "The pins of a column", n, pitch))
	} else {
		p.say("The pitch in a column is %s.", mils(r, pitch))
	}
	p.say("The columns are %s apart (centre to centre).", mils(r, centre))
	if w == h {
		p.say("Pads are round, %s mm in diameter, with holes of %s mm; pad 1 is square (shape rect) and of the same size.", in(w), in(drill))
	} else {
		p.say("Pads are ovals (shape oval) of %s mm in x by %s mm in y with round holes of %s mm; pad 1 is a rectangle (shape rect) of the same size.", in(w), in(h), in(drill))
	}
	p.say("%s", thruLayers)
	b := centred(centre-grid(r, 800*um, 1600*um, 100*um), (n-1)*pitch+grid(r, 1200*um, 2600*um, 100*um))
	p.body = &b
	p.originAt(r, "in the middle of all pins")
	return p
}

var headerPitches = []int{2540 * um, 2540 * um, 2000 * um, 1270 * um, 1500 * um, 2500 * um, 3960 * um, 5080 * um}

// headerRing fits a hole and a pad into a pitch.
func headerRing(r *generated.Rand, pitch int) (drill, size int) {
	size = grid(r, pitch*55/100/(50*um)*50*um, pitch*80/100/(50*um)*50*um, 50*um)
	drill = size - grid(r, 300*um, max(350*um, size/2/(50*um)*50*um), 50*um)
	return max(drill, 300*um), size
}

// singleHeader is a row of pins.
func singleHeader(r *generated.Rand) *part {
	n := r.Between(2, 20)
	pitch := generated.Pick(r, headerPitches...)
	drill, size := headerRing(r, pitch)
	p := &part{attributes: []string{"through_hole"}, pitch: pitch, markOf: "1", what: fmt.Sprintf("a pin header with %d pins in one row", n)}
	across := r.Bool()
	p.key = fmt.Sprint(n, " ", pitch, " ", drill/100_000, " ", size/100_000, " ", across)
	first := "rect"
	if r.IntN(3) == 0 {
		first = "circle"
	}
	for i := range n {
		q := plated("circle", size, size, drill)
		q.number = number(i + 1)
		if i == 0 {
			q.shape = first
		}
		q.x = i*pitch - (n-1)*pitch/2
		if !across {
			q.x, q.y = 0, q.x
		}
		p.add(q)
	}
	bw, bh := (n-1)*pitch+pitch, pitch
	if !across {
		bw, bh = bh, bw
	}
	b := centred(bw, bh)
	if r.IntN(3) > 0 {
		p.body = &b
	}
	if across {
		p.say("The pins stand on a horizontal line (along x) and are numbered 1 to %d from left to right.", n)
	} else {
		p.say("The pins stand on a vertical line (along y) and are numbered 1 to %d from top to bottom.", n)
	}
	p.say("The pitch is %s.", mils(r, pitch))
	sayRound(p, first, size, drill)
	p.say("%s", thruLayers)
	p.originAt(r, "in the middle between the first and the last pin")
	return p
}

func sayRound(p *part, first string, size, drill int) {
	if first == "rect" {
		p.say("Pads are round, %s mm in diameter, with holes of %s mm; pad 1 is a square (shape rect) with sides of %s mm and the same hole.", in(size), in(drill), in(size))
	} else {
		p.say("All pads are round, %s mm in diameter, with holes of %s mm.", in(size), in(drill))
	}
}

// doubleHeader is two rows of pins, counted in one of three ways.
func doubleHeader(r *generated.Rand) *part {
	n := r.Between(2, 16) // of a column
	pitch := generated.Pick(r, headerPitches...)
	drill, size := headerRing(r, pitch)
	way := r.IntN(3)
	p := &part{attributes: []string{"through_hole"}, pitch: pitch, markOf: "1", what: fmt.Sprintf("a connector with %d pins in two columns of %d", 2*n, n)}
	p.key = fmt.Sprint(n, " ", pitch, " ", drill/100_000, " ", size/100_000, " ", way)
	for i := range 2 * n {
		q := plated("circle", size, size, drill)
		q.number = number(i + 1)
		if i == 0 {
			q.shape = "rect"
		}
		column, row := i%2, i/2
		switch {
		case way == 1 && i < n, way == 2 && i < n:
			column, row = 0, i
		case way == 1:
			column, row = 1, 2*n-1-i
		case way == 2:
			column, row = 1, i-n
		}
		q.x, q.y = column*pitch-pitch/2, row*pitch-(n-1)*pitch/2
		p.add(q)
	}
	b := centred(2*pitch, n*pitch)
	if r.IntN(3) > 0 {
		p.body = &b
	}
	switch way {
	case 0:
		p.say("Two vertical columns of %d pins, numbered in zigzag: odd numbers in the left column and even numbers in the right one, both from top to bottom, so that pin 2 is to the right of pin 1.", n)
	case 1:
		p.say("Two vertical columns of %d pins, numbered as an integrated circuit: 1 to %d down the left column, %d to %d up the right one.", n, n, n+1, 2*n)
	default:
		p.say("Two vertical columns of %d pins, each numbered from top to bottom: 1 to %d on the left, %d to %d on the right.", n, n, n+1, 2*n)
	}
	p.say("The pitch is %s both within a column and between the columns.", mils(r, pitch))
	sayRound(p, "rect", size, drill)
	p.say("%s", thruLayers)
	p.originAt(r, "in the middle of all pins")
	return p
}

// radial is a round part on two or three pins.
func radial(r *generated.Rand) *part {
	drill, size := ring(r, 600*um, 1200*um)
	spacing := max(generated.Pick(r, 2000, 2500, 2540, 3500, 5000, 5080, 7500, 10000)*um, size+300*um)
	spacing = (spacing + 9_999) / 10_000 * 10_000
	can := spacing + grid(r, 2000*um, 9000*um, 500*um)
	p := &part{attributes: []string{"through_hole"}, pitch: spacing, markOf: "1", what: generated.Pick(r, "a radial electrolytic capacitor", "a round LED with two leads", "a buzzer with two pins", "a radial inductor")}
	p.key = fmt.Sprint(spacing, " ", drill/100_000, " ", size/200_000, " ", can)
	upright := r.IntN(3) == 0
	for i := range 2 {
		q := plated("circle", size, size, drill)
		q.number = number(i + 1)
		if i == 0 {
			q.shape = "rect"
		}
		q.x = spacing * (2*i - 1) / 2
		if upright {
			q.x, q.y = 0, q.x
		}
		p.add(q)
	}
	p.can = &circle{0, 0, can / 2}
	direction := "to the right of pin 1, at the same height"
	if upright {
		direction = "straight below pin 1"
	}
	p.say("Two pins, %s apart. Pin 2 is %s; the body is centred between them.", mils(r, spacing), direction)
	p.say("Holes are %s mm wide. Pad 2 is round, %s mm in diameter; pad 1 is a square (shape rect) with sides of %s mm.", in(drill), in(size), in(size))
	p.say("%s", thruLayers)
	p.originAt(r, "in the middle between the pins")
	return p
}

// axial is a part that lies between its two leads.
func axial(r *generated.Rand) *part {
	drill, size := ring(r, 600*um, 1400*um)
	length, height := grid(r, 3000*um, 18000*um, 100*um), grid(r, 1600*um, 8000*um, 100*um)
	spacing := (length+size+grid(r, 1500*um, 6000*um, 10*um))/10_000*10_000 + 2540*um
	polar := r.Bool()
	p := &part{attributes: []string{"through_hole"}, pitch: spacing, markOf: "1", what: "an axial resistor lying on the board"}
	if polar {
		p.what = "an axial diode lying on the board"
	}
	p.key = fmt.Sprint(spacing/100_000, " ", drill/100_000, " ", size/200_000, " ", length/1_000_000)
	upright := r.IntN(3) == 0
	for i := range 2 {
		q := plated("circle", size, size, drill)
		q.number = number(i + 1)
		if i == 0 && polar {
			q.shape = "rect"
		}
		q.x = spacing * (2*i - 1) / 2
		if upright {
			q.x, q.y = 0, -q.x
		}
		p.add(q)
	}
	b := centred(length, height)
	where := "on the left, pad 2 on the right"
	if upright {
		b = centred(height, length)
		where = "at the bottom, pad 2 at the top"
	}
	p.body = &b
	p.say("Two leads are bent down %s mm apart (hole to hole). Pad 1 is %s; the body lies centred between them.", in(spacing), where)
	if polar {
		p.say("Pad 1, the cathode, is a square (shape rect) with sides of %s mm; pad 2 is round, %s mm in diameter. Both holes have %s mm.", in(size), in(size), in(drill))
	} else {
		p.say("Both pads are round, %s mm in diameter, with holes of %s mm.", in(size), in(drill))
	}
	p.say("%s", thruLayers)
	p.originAt(r, "in the middle between the pads")
	return p
}

// screwTerminal is a row of large pins, with or without pegs.
func screwTerminal(r *generated.Rand) *part {
	n := r.Between(2, 9)
	pitch := generated.Pick(r, 2540, 3500, 3810, 5000, 5080, 7500, 7620, 10160) * um
	size := grid(r, min(pitch*45/100, 2500*um)/(100*um)*100*um, min(pitch*65/100, 4000*um)/(100*um)*100*um, 100*um)
	drill := max(600*um, size-grid(r, 800*um, 1400*um, 100*um))
	size = max(size, drill+400*um)
	h := size + grid(r, 0, 1000*um, 100*um)
	p := &part{attributes: []string{"through_hole"}, pitch: pitch, markOf: "1", what: fmt.Sprintf("a screw terminal block with %d poles", n)}
	p.key = fmt.Sprint(n, " ", pitch, " ", drill/100_000, " ", size/200_000)
	for i := range n {
		q := plated("oval", size, h, drill)
		if h == size {
			q.shape = "circle"
		}
		if i == 0 {
			q.shape = "rect"
		}
		q.number = number(i + 1)
		q.x = i*pitch - (n-1)*pitch/2
		p.add(q)
	}
	p.say("The pins stand on a horizontal line and are numbered 1 to %d from left to right.", n)
	p.say("%s", pitches(r, "The pins", n, pitch))
	if h == size {
		p.say("Pads are round, %s mm in diameter, with holes of %s mm; pad 1 is a square (shape rect) of the same size.", in(size), in(drill))
	} else {
		p.say("Pads are ovals (shape oval), %s mm in x by %s mm in y, with round holes of %s mm; pad 1 is a rectangle (shape rect) of the same size.", in(size), in(h), in(drill))
	}
	p.say("%s", thruLayers)
	back, front := grid(r, 3000*um, 6000*um, 100*um), grid(r, 3000*um, 7000*um, 100*um)
	b := box{-(n * pitch) / 2, -back, (n * pitch) / 2, front}
	if r.IntN(3) == 0 {
		peg := grid(r, 1200*um, 2000*um, 100*um)
		y := max(front-500*um-peg/2/(100*um)*100*um, (h+peg)/2/(100*um)*100*um+400*um)
		b[3] = max(front, y+peg/2/(100*um)*100*um+500*um)
		x := (n-1)*pitch/2 + pitch/4/(10*um)*10*um
		for _, sign := range []int{-1, 1} {
			p.add(pad{kind: "np_thru_hole", shape: "circle", x: sign * x, y: y, w: peg, h: peg, drill: []int{peg}, layers: throughAll})
		}
		p.say("Two holes of %s mm for pegs lie %s mm below the line of pins (larger y), %s mm to the left of the first and to the right of the last pin. %s", in(peg), in(y), in(x-(n-1)*pitch/2), holesLayers)
		for i, s := range p.about { // these two are not plated
			if s == thruLayers {
				p.about[i] = "These pads are plated through holes (thru_hole) on all copper layers (*.Cu) and both solder masks (*.Mask)."
			}
		}
	}
	p.body = &b
	p.originAt(r, "on the line of pins, in the middle between the first and the last")
	return p
}

// tactSwitch has four pins, of which two and two are one contact.
func tactSwitch(r *generated.Rand) *part {
	drill, size := ring(r, 700*um, 1300*um)
	dx, dy := grid(r, 5000*um, 13000*um, 100*um), grid(r, 3500*um, 6000*um, 100*um)
	p := &part{attributes: []string{"through_hole"}, pitch: dx, what: "a push button with four pins"}
	p.key = fmt.Sprint(dx, " ", dy, " ", drill/100_000, " ", size/200_000)
	rows := r.Bool()
	for i := range 4 {
		q := plated("circle", size, size, drill)
		column, row := i%2, i/2
		q.x, q.y = dx*(2*column-1)/2, dy*(2*row-1)/2
		q.number = number(row + 1)
		if !rows {
			q.number = number(column + 1)
		}
		p.add(q)
	}
	b := centred(grid(r, 5000*um, 12000*um, 500*um), grid(r, 5000*um, 12000*um, 500*um))
	p.body = &b
	p.say("Four pins stand at the corners of a rectangle, %s mm apart in x and %s mm apart in y (centre to centre).", in(dx), in(dy))
	if rows {
		p.say("The two upper pins are one contact, so both pads have the number 1; both lower pads have the number 2.")
	} else {
		p.say("The two pins on the left are one contact, so both pads have the number 1; both pads on the right have the number 2.")
	}
	p.say("All pads are round, %s mm in diameter, with holes of %s mm.", in(size), in(drill))
	p.say("%s", thruLayers)
	if r.Bool() {
		p.say("The origin is in the middle of the four pins.")
	} else {
		p.move(dx/2, dy/2)
		p.say("The origin is the centre of the upper left pad.")
	}
	return p
}

// staggered has two rows, one of them shifted by half of the pitch.
func staggered(r *generated.Rand) *part {
	n := r.Between(5, 25)
	pitch := generated.Pick(r, 2760, 2770, 2740, 3400, 4000, 2540) * um
	rows := generated.Pick(r, 2840, 2540, 3000, 3500, 5080) * um
	drill := grid(r, 800*um, 1200*um, 50*um)
	size := min(drill+grid(r, 500*um, 700*um, 100*um), 1900*um)
	p := &part{attributes: []string{"through_hole"}, pitch: pitch, markOf: "1", what: fmt.Sprintf("a connector with %d pins in two staggered rows", n)}
	p.key = fmt.Sprint(n, " ", pitch, " ", rows, " ", drill/100_000)
	upper := (n + 1) / 2
	for i := range n {
		q := plated("circle", size, size, drill)
		q.number = number(i + 1)
		if i == 0 {
			q.shape = "rect"
		}
		q.x = i * pitch
		if i >= upper {
			q.x, q.y = (i-upper)*pitch+pitch/2, rows
		}
		p.add(q)
	}
	p.say("The upper row has the pins 1 to %d, numbered from left to right with a pitch of %s mm. The lower row has the pins %d to %d, numbered from left to right too, with the same pitch.", upper, in(pitch), upper+1, n)
	p.say("The lower row is %s mm below the upper one and shifted by half of the pitch: its first pin is half of the pitch to the right of pin 1.", in(rows))
	sayRound(p, "rect", size, drill)
	p.say("%s", thruLayers)
	p.say("The origin is the centre of pad 1.")
	return p
}

// powerInLine is TO-220 and the like, standing.
func powerInLine(r *generated.Rand) *part {
	n := r.Between(2, 7)
	pitch := generated.Pick(r, 1270, 1700, 2540, 2540, 5080, 5450, 2290) * um
	w := grid(r, min(pitch*55/100, 2000*um)/(50*um)*50*um, min(pitch*75/100, 3000*um)/(50*um)*50*um, 50*um)
	h := w + grid(r, 100*um, 1500*um, 100*um)
	drill := max(400*um, w-grid(r, 400*um, 900*um, 50*um))
	w = max(w, drill+200*um)
	p := &part{attributes: []string{"through_hole"}, pitch: pitch, markOf: "1", what: fmt.Sprintf("a power transistor package that stands on %d leads in one line", n)}
	p.key = fmt.Sprint(n, " ", pitch, " ", w/100_000, " ", h/200_000, " ", drill/100_000)
	for i := range n {
		q := plated("oval", w, h, drill)
		q.number = number(i + 1)
		if i == 0 {
			q.shape = "rect"
		}
		q.x = i * pitch
		p.add(q)
	}
	b := box{(n-1)*pitch/2 - 5*mm, -grid(r, 2500*um, 3500*um, 100*um), (n-1)*pitch/2 + 5*mm, grid(r, 1200*um, 2000*um, 100*um)}
	p.body = &b
	p.say("The leads are numbered 1 to %d from left to right on a horizontal line.", n)
	p.say("%s", pitches(r, "The leads", n, pitch))
	p.say("Pads are ovals (shape oval) of %s mm in x by %s mm in y with round holes of %s mm; pad 1 is a rectangle (shape rect) of the same size.", in(w), in(h), in(drill))
	p.say("%s", thruLayers)
	p.say("The origin is the centre of pad 1.")
	return p
}

// circular has its pins on a circle.
func circular(r *generated.Rand) *part {
	n := r.Between(3, 14)
	drill, size := ring(r, 500*um, 1100*um)
	least := int(float64(size*5/4+300*um) / (2 * math.Sin(math.Pi/float64(n))))
	radius := (max(least, 2500*um)+grid(r, 0, 5000*um, 100*um))/(50*um)*50*um + 50*um
	clockwise := r.Bool()
	start := generated.Pick(r, 0, 45, 90, 135, 180, 225, 270) // degrees counter-clockwise from the right
	p := &part{attributes: []string{"through_hole"}, pitch: radius, what: generated.Pick(r, "a circular connector", "a transistor in a round metal can", "a tube socket")}
	p.what += fmt.Sprintf(" with %d pins", n)
	p.key = fmt.Sprint(n, " ", radius, " ", drill/100_000, " ", clockwise, " ", start)
	for i := range n {
		q := plated("circle", size, size, drill)
		q.number = number(i + 1)
		if i == 0 {
			q.shape = "rect"
		}
		turn := float64(i) * 2 * math.Pi / float64(n)
		if clockwise {
			turn = -turn
		}
		sin, cos := math.Sincos(float64(start)*math.Pi/180 + turn)
		// to a tenth of a micrometre
		q.x, q.y = int(math.Round(float64(radius)*cos/100))*100, -int(math.Round(float64(radius)*sin/100))*100
		p.add(q)
	}
	way := "counter-clockwise"
	if clockwise {
		way = "clockwise"
	}
	where := map[int]string{0: "to the right of the origin", 45: "up and to the right of the origin, at 45 degrees", 90: "straight above the origin", 135: "up and to the left of the origin, at 45 degrees",
		180: "to the left of the origin", 225: "down and to the left of the origin, at 45 degrees", 270: "straight below the origin"}[start]
	p.say("The %d pins are evenly spaced on a circle around the origin, %s mm in diameter (through the centres of the pins).", n, in(2*radius))
	p.say("Pin 1 is %s; seen from the top, the numbers go on %s.", where, way)
	sayRound(p, "rect", size, drill)
	p.say("%s", thruLayers)
	p.can = &circle{0, 0, radius + (size*3/4+grid(r, 500*um, 2000*um, 100*um))/(50*um)*50*um}
	return p
}
