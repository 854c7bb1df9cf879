// Package kicaddsl makes questions about schematic symbols for KiCad: a part
// that there is not, with a table of its pins and rules for the drawing, and the
// symbol that is asked for. The numbers of pins are drawn by lot, so that no
// symbol can be known from a library.
//
// It writes prompts, references, what the scorer kicad_dsl compares with, and
// wrong answers. It deliberately does not read symbols: that is the scorer's.
package kicaddsl

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/ailiance/lorabench/tasks/generated"
)

// Families are the kinds of parts that are asked for.
func Families() []generated.Source {
	sources := make([]generated.Source, len(families))
	for i, f := range families {
		sources[i] = func(r *generated.Rand, n int) (generated.Row, string) { return question(f, r, n) }
	}
	return sources
}

// part is what a family makes: terminals that have a number, but as a rule no
// place yet.
type part struct {
	what   string // "a dual comparator in an 8-pin package"
	prefix string // of references: "U"
	units  []string
	pins   []pin
	body   string // one of the bodies; "" is a rectangle around the pins
	placed bool   // pins have places and lengths, and shapes are drawn
	shapes []shape
	notes  []string // what is to be said of this part
}

// What is asked of the body.
const (
	rectangle = "rectangle"
	outline   = "outline"
	drawing   = "drawing"
)

// pin is a pin as the prompt has it. Lengths are nanometres, y points up.
type pin struct {
	number, name string
	kind         string // electrical type, as today's format writes it
	role         string // the type in a data sheet's words
	side         string
	unit         int
	shape        string // that the prompt asks for; "" is none
	hidden       bool
	x, y, length int
}

// The sides.
const (
	left, right, top, bottom = "left", "right", "top", "bottom"
)

// mm is a millimetre, and mil a thousandth of an inch, in nanometres.
const (
	mm    = 1_000_000
	mil   = 25_400
	pitch = 100 * mil
)

// shape is a line, a rectangle or a circle of a unit (0: of all).
type shape struct {
	kind   string // "rectangle", "polyline", "circle"
	unit   int
	points [][2]int
	radius int
	filled bool
}

// symbol is a drawn part, as it is written in either format.
type symbol struct {
	name, reference, value string
	footprint, datasheet   string
	units                  int
	pins                   []pin
	shapes                 []shape
}

// request is how a part is asked for.
type request struct {
	part
	name      string
	format    string // "current", "legacy", "any"
	layout    string // "sides", "ordered", "placed"
	grid      int
	length    int // of all pins; 0 where each has its own
	pitch     int // of neighbours on a side, where it is asked for
	footprint string
	datasheet string
	byRule    bool // places are told by a rule, not pin by pin
}

func question(f family, r *generated.Rand, i int) (generated.Row, string) {
	p := f.make(r)
	key := keyOf(f.name, p)
	q := ask(r, p)
	s := q.draw(r)
	row := generated.Row{
		ID: fmt.Sprintf("%s-%04d", f.name, i), Family: f.name,
		Target: q.target(),
	}
	style := answerStyle(r)
	row.Prompt = q.prompt(r, style)
	format := q.format
	if format == "any" {
		format = generated.Pick(r, "current", "legacy")
	}
	row.Reference = style.wrap(write(s, format, style), format)
	for _, m := range mutants(r, &q, s, format) {
		row.Mutants = append(row.Mutants, generated.Mutant{Name: m.name, Text: style.wrap(m.text, format)})
	}
	return row, key
}

// keyOf is what makes a question what it is: which pins of which names there
// are, and where they belong.
func keyOf(family string, p part) string {
	lines := make([]string, len(p.pins))
	for i, n := range p.pins {
		lines[i] = fmt.Sprintf("%s %s %s %d", n.number, n.name, n.kind, n.unit)
	}
	slices.Sort(lines)
	return family + "\n" + strings.Join(lines, "\n")
}

// ask decides how a part is asked for.
func ask(r *generated.Rand, p part) request {
	q := request{part: p, name: partName(r)}
	q.format = generated.Pick(r, "current", "current", "current", "legacy", "any")
	if q.body == "" {
		q.body = rectangle
	}
	if p.placed {
		q.layout = "placed"
	} else {
		q.layout = generated.Pick(r, "sides", "ordered", "ordered", "placed", "placed")
		q.grid = generated.Pick(r, 100*mil, 100*mil, 50*mil)
		q.length = generated.Pick(r, 100*mil, 100*mil, 200*mil)
		if q.grid == 50*mil {
			q.length = generated.Pick(r, 100*mil, 150*mil, 200*mil)
		}
		if q.layout == "ordered" && r.Bool() {
			q.pitch = pitch
		}
		q.byRule = q.layout == "placed" && r.Bool()
	}
	if r.IntN(3) == 0 {
		for i := range q.pins {
			q.pins[i].hidden = q.pins[i].name == "NC"
		}
	}
	if r.IntN(3) == 0 {
		q.footprint = generated.Pick(r, "Package_Made:", "House:", "Lab_Packages:", "SMD:") + footprintName(r, p)
	}
	if r.IntN(4) == 0 {
		q.datasheet = "https://example.com/ds/" + strings.ToLower(q.name) + ".pdf"
	}
	return q
}

// partName is a name that no maker uses.
func partName(r *generated.Rand) string {
	name := generated.Pick(r, "QX", "ZQ", "VJX", "XKW", "JQ", "WZX", "QJV", "XQZ", "KXJ", "ZJW", "QVX", "JXQ")
	name += fmt.Sprint(r.Between(100, 9999))
	return name + generated.Pick(r, "", "", "A", "B", "-Q", "D", "-3", "_T")
}

func footprintName(r *generated.Rand, p part) string {
	return fmt.Sprintf("%s-%d_P%s", generated.Pick(r, "SO", "TSSOP", "QFN", "DIP", "X2SON", "MSOP"), len(p.pins), generated.Pick(r, "0.5mm", "0.65mm", "1.27mm", "2.54mm"))
}

// targetPin and targetSymbol are the scorer's target, scorers/kicad/symbol.
type targetPin struct {
	Number string `json:"number"`
	Name   string `json:"name"`
	Type   string `json:"type"`
	Unit   int    `json:"unit"`
	Side   string `json:"side"`
	X      int    `json:"x,omitempty"`
	Y      int    `json:"y,omitempty"`
	Length int    `json:"length,omitempty"`
	Shape  string `json:"shape,omitempty"`
	Hidden bool   `json:"hidden,omitempty"`
}

type targetSymbol struct {
	Format    string            `json:"format"`
	Name      string            `json:"name"`
	Reference string            `json:"reference"`
	Fields    map[string]string `json:"fields"`
	Units     int               `json:"units"`
	Layout    string            `json:"layout"`
	Grid      int               `json:"grid,omitempty"`
	Pitch     int               `json:"pitch,omitempty"`
	Body      string            `json:"body"`
	Pins      []targetPin       `json:"pins"`
}

// target is called after draw, which gives pins their places.
func (q *request) target() json.RawMessage {
	t := targetSymbol{
		Format: q.format, Name: q.name, Reference: q.prefix, Fields: map[string]string{"Value": q.name}, Units: len(q.units),
		Layout: q.layout, Grid: q.grid, Pitch: q.pitch, Body: q.body,
	}
	if q.layout == "placed" {
		t.Grid = 0 // is not asked for
	}
	if q.footprint != "" {
		t.Fields["Footprint"] = q.footprint
	}
	if q.datasheet != "" {
		t.Fields["Datasheet"] = q.datasheet
	}
	for _, p := range q.pins {
		w := targetPin{
			Number: p.number, Name: p.name, Type: p.kind, Unit: p.unit, Side: p.side, Length: p.length, Shape: p.shape, Hidden: p.hidden,
		}
		if q.layout == "placed" {
			w.X, w.Y = p.x, p.y
		}
		t.Pins = append(t.Pins, w)
	}
	raw, err := json.Marshal(t)
	if err != nil {
		panic(err) // texts and numbers only
	}
	return raw
}
