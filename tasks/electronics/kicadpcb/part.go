package kicadpcb

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/ailiance/lorabench/tasks/generated"
)

// Lengths are whole nanometres, x to the right and y down.
const (
	um = 1000
	mm = 1000 * um
)

// pad is a pad whose sides lie along the axes.
type pad struct {
	number string
	kind   string // of KiCad: "smd", "thru_hole"
	shape  string // "rect", "roundrect", "circle", "oval"
	x, y   int
	w, h   int
	ratio  float64 // of a roundrect
	drill  []int   // a diameter, or a slot's two sides
	layers []string
}

// Sets of layers.
var (
	onTop       = []string{"F.Cu", "F.Paste", "F.Mask"}
	throughAll  = []string{"*.Cu", "*.Mask"}
	topNoPaste  = []string{"F.Cu", "F.Mask"}
	backNoPaste = []string{"B.Cu", "B.Mask"}
	pasteOnly   = []string{"F.Paste"}
	copperOnly  = []string{"*.Cu"}
)

// box is left, top, right, bottom.
type box [4]int

func (b box) grown(by int) box { return box{b[0] - by, b[1] - by, b[2] + by, b[3] + by} }

func (b box) around(o box) box {
	return box{min(b[0], o[0]), min(b[1], o[1]), max(b[2], o[2]), max(b[3], o[3])}
}

func (b box) moved(dx, dy int) box { return box{b[0] + dx, b[1] + dy, b[2] + dx, b[3] + dy} }

func centred(w, h int) box { return box{-w / 2, -h / 2, w - w/2, h - h/2} }

type circle struct{ x, y, radius int }

// courtyard has one of three forms.
type courtyard struct {
	rect      *box
	circle    *circle
	clearance int // free in form: at least this far from pads and body
	reach     int // and at most this far beyond the rectangle around both
}

// part is a footprint that is asked for.
type part struct {
	name       string
	attributes []string
	pads       []pad
	body       *box
	can        *circle // a round body
	pitch      int     // 0 of a part without one

	what  string   // "a two-terminal chip part"
	about []string // sentences: the pads
	key   string   // the numbers that make the question what it is

	courtyard courtyard
	fab       bool // the body is drawn on F.Fab
	mark      *circle
	texts     bool
	markOf    string // the pad that a mark stands beside
}

// say adds a sentence.
func (p *part) say(format string, args ...any) {
	p.about = append(p.about, fmt.Sprintf(format, args...))
}

// add adds a pad.
func (p *part) add(q pad) { p.pads = append(p.pads, q) }

// move shifts all that has been placed.
func (p *part) move(dx, dy int) {
	for i := range p.pads {
		p.pads[i].x += dx
		p.pads[i].y += dy
	}
	if p.body != nil {
		b := p.body.moved(dx, dy)
		p.body = &b
	}
	if p.can != nil {
		p.can = &circle{p.can.x + dx, p.can.y + dy, p.can.radius}
	}
}

// extent is the rectangle around all pads and the body.
func (p *part) extent() box {
	b := box{math.MaxInt, math.MaxInt, math.MinInt, math.MinInt}
	for _, q := range p.pads {
		b = b.around(centred(q.w, q.h).moved(q.x, q.y))
	}
	if p.body != nil {
		b = b.around(*p.body)
	}
	if c := p.can; c != nil {
		b = b.around(centred(2*c.radius, 2*c.radius).moved(c.x, c.y))
	}
	return b
}

// in writes a length in millimetres: "1.27".
func in(n int) string {
	s := strconv.FormatFloat(float64(n)/mm, 'f', 6, 64)
	s = strings.TrimRight(strings.TrimRight(s, "0"), ".")
	if s == "-0" {
		return "0"
	}
	return s
}

// at writes a point.
func at(x, y int) string { return "(" + in(x) + ", " + in(y) + ")" }

// grid returns lo, or a number of steps more, and at most hi.
func grid(r *generated.Rand, lo, hi, step int) int {
	if hi < lo {
		panic(fmt.Sprintf("kicadpcb: no length in [%d, %d]", lo, hi))
	}
	return lo + step*r.IntN((hi-lo)/step+1)
}

func target(p *part) json.RawMessage {
	type outline struct {
		Rect   []float64 `json:"rect,omitempty"`
		Circle []float64 `json:"circle,omitempty"`
	}
	type targetPad struct {
		Number string     `json:"number"`
		Kind   string     `json:"kind"`
		Shape  string     `json:"shape"`
		At     [2]float64 `json:"at"`
		Size   [2]float64 `json:"size"`
		Drill  []float64  `json:"drill,omitempty"`
		Layers []string   `json:"layers"`
		Ratio  float64    `json:"ratio,omitempty"`
	}
	type yard struct {
		Outlines  []outline   `json:"outlines,omitempty"`
		Clearance float64     `json:"clearance,omitempty"`
		Reach     float64     `json:"reach,omitempty"`
		Body      *[4]float64 `json:"body,omitempty"`
	}
	type drawing struct {
		Layer  string    `json:"layer"`
		Box    []float64 `json:"box,omitempty"`
		Circle []float64 `json:"circle,omitempty"`
	}
	type text struct {
		Kind  string `json:"kind"`
		Text  string `json:"text"`
		Layer string `json:"layer"`
	}
	t := struct {
		Name       string      `json:"name"`
		Attributes []string    `json:"attributes"`
		Tolerance  float64     `json:"tolerance"`
		Pads       []targetPad `json:"pads"`
		Courtyard  yard        `json:"courtyard"`
		Drawings   []drawing   `json:"drawings,omitempty"`
		Texts      []text      `json:"texts,omitempty"`
	}{Name: p.name, Attributes: p.attributes, Tolerance: tolerance}
	for _, q := range p.pads {
		o := targetPad{Number: q.number, Kind: q.kind, Shape: q.shape, At: [2]float64{f(q.x), f(q.y)}, Size: [2]float64{f(q.w), f(q.h)}, Layers: q.layers, Ratio: q.ratio}
		for _, d := range q.drill {
			o.Drill = append(o.Drill, f(d))
		}
		t.Pads = append(t.Pads, o)
	}
	side := func(b box) []float64 { return []float64{f(b[0]), f(b[1]), f(b[2]), f(b[3])} }
	round := func(c circle) []float64 { return []float64{f(c.x), f(c.y), f(c.radius)} }
	switch c := p.courtyard; {
	case c.rect != nil:
		t.Courtyard.Outlines = []outline{{Rect: side(*c.rect)}}
	case c.circle != nil:
		t.Courtyard.Outlines = []outline{{Circle: round(*c.circle)}}
	default:
		t.Courtyard.Clearance, t.Courtyard.Reach = f(c.clearance), f(c.reach)
		if b := p.bodyBox(); b != nil {
			t.Courtyard.Body = (*[4]float64)(side(*b))
		}
	}
	if p.fab {
		t.Drawings = append(t.Drawings, drawing{Layer: "F.Fab", Box: side(*p.bodyBox())})
	}
	if p.mark != nil {
		t.Drawings = append(t.Drawings, drawing{Layer: "F.SilkS", Circle: round(*p.mark)})
	}
	if p.texts {
		t.Texts = []text{{"reference", "REF**", "F.SilkS"}, {"value", p.name, "F.Fab"}}
	}
	raw, err := json.Marshal(t)
	if err != nil {
		panic(fmt.Sprintf("kicadpcb: a target of numbers and names: %v", err))
	}
	return raw
}

// bodyBox is the rectangle around the body, or nil.
func (p *part) bodyBox() *box {
	if p.can != nil {
		b := centred(2*p.can.radius, 2*p.can.radius).moved(p.can.x, p.can.y)
		return &b
	}
	return p.body
}

func f(n int) float64 { return float64(n) / mm }

// reference writes the footprint as KiCad 8 does, without ids.
func reference(p *part) string { return write(p, style{}) }

// style says what is wrong with a text that is written.
type style struct {
	openCourtyard bool
	noCourtyard   bool
	padWord       string // instead of (layers …)
	millimetre    float64
	courtyardBy   int // how much too large
}

func write(p *part, s style) string {
	scale := 1.0
	if s.millimetre != 0 {
		scale = s.millimetre
	}
	n := func(v int) string { return in(int(math.Round(float64(v) * scale))) }
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	line(`(footprint "%s"`, p.name)
	line("  (version 20240108)\n  (generator \"pcbnew\")\n  (layer \"F.Cu\")")
	e := p.extent()
	const font = `(effects (font (size 1 1) (thickness 0.15)))`
	middle := (e[0] + e[2]) / 2
	line(`  (property "Reference" "REF**" (at %s %s 0) (layer "F.SilkS") %s)`, n(middle), n(e[1]-1500*um), font)
	line(`  (property "Value" "%s" (at %s %s 0) (layer "F.Fab") %s)`, p.name, n(middle), n(e[3]+1500*um), font)
	line("  (attr %s)", strings.Join(p.attributes, " "))
	if p.fab {
		if p.can != nil {
			c := p.can
			line(`  (fp_circle (center %s %s) (end %s %s) (stroke (width 0.1) (type solid)) (fill none) (layer "F.Fab"))`, n(c.x), n(c.y), n(c.x+c.radius), n(c.y))
		} else {
			line(`  (fp_rect (start %s %s) (end %s %s) (stroke (width 0.1) (type solid)) (fill none) (layer "F.Fab"))`, n(p.body[0]), n(p.body[1]), n(p.body[2]), n(p.body[3]))
		}
	}
	if m := p.mark; m != nil {
		line(`  (fp_circle (center %s %s) (end %s %s) (stroke (width 0.12) (type solid)) (fill solid) (layer "F.SilkS"))`, n(m.x), n(m.y), n(m.x+m.radius), n(m.y))
	}
	c := p.courtyard
	rect := c.rect
	if rect == nil && c.circle == nil {
		free := e.grown((c.clearance + c.reach) / 2)
		rect = &free
	}
	switch {
	case s.noCourtyard:
	case c.circle != nil && s.openCourtyard:
		line(`  (fp_arc (start %s %s) (mid %s %s) (end %s %s) (stroke (width 0.05) (type solid)) (layer "F.CrtYd"))`,
			n(c.circle.x-c.circle.radius), n(c.circle.y), n(c.circle.x), n(c.circle.y-c.circle.radius), n(c.circle.x+c.circle.radius), n(c.circle.y))
	case c.circle != nil:
		line(`  (fp_circle (center %s %s) (end %s %s) (stroke (width 0.05) (type solid)) (fill none) (layer "F.CrtYd"))`,
			n(c.circle.x), n(c.circle.y), n(c.circle.x+c.circle.radius+s.courtyardBy), n(c.circle.y))
	default:
		r := rect.grown(s.courtyardBy)
		if s.openCourtyard {
			for _, l := range [][4]int{{r[0], r[1], r[2], r[1]}, {r[2], r[1], r[2], r[3]}, {r[2], r[3], r[0], r[3]}} {
				line(`  (fp_line (start %s %s) (end %s %s) (stroke (width 0.05) (type solid)) (layer "F.CrtYd"))`, n(l[0]), n(l[1]), n(l[2]), n(l[3]))
			}
			break
		}
		line(`  (fp_rect (start %s %s) (end %s %s) (stroke (width 0.05) (type solid)) (fill none) (layer "F.CrtYd"))`, n(r[0]), n(r[1]), n(r[2]), n(r[3]))
	}
	word := "layers"
	if s.padWord != "" {
		word = s.padWord
	}
	for _, q := range p.pads {
		fmt.Fprintf(&b, `  (pad "%s" %s %s (at %s %s) (size %s %s)`, q.number, q.kind, q.shape, n(q.x), n(q.y), n(q.w), n(q.h))
		switch len(q.drill) {
		case 1:
			fmt.Fprintf(&b, " (drill %s)", n(q.drill[0]))
		case 2:
			fmt.Fprintf(&b, " (drill oval %s %s)", n(q.drill[0]), n(q.drill[1]))
		}
		fmt.Fprintf(&b, ` (%s "%s")`, word, strings.Join(q.layers, `" "`))
		if q.shape == "roundrect" {
			fmt.Fprintf(&b, " (roundrect_rratio %s)", strconv.FormatFloat(q.ratio, 'f', -1, 64))
		}
		b.WriteString(")\n")
	}
	b.WriteString(")\n")
	return b.String()
}

// copyOf returns a part whose pads can be changed.
func copyOf(p *part) *part {
	q := *p
	q.pads = slices.Clone(p.pads)
	for i := range q.pads {
		q.pads[i].drill = slices.Clone(q.pads[i].drill)
	}
	return &q
}
