package kicad

import (
	"strconv"
	"strings"

	"github.com/ailiance/lorabench/scorers/sexpr"
)

type powerKind uint8

const (
	noPower powerKind = iota
	globalPower
	localPower
)

// librarySymbol is a symbol that a schematic has taken from a library.
type librarySymbol struct {
	name    string
	extends string
	power   powerKind
	units   int
	pins    []libraryPin
	jumpers [][]string // pin numbers that the part connects
	same    bool       // pins of the same number are connected by the part
	done    bool       // what it extends is in it
}

// libraryPin is a pin where no symbol has been placed: y points up.
type libraryPin struct {
	at          point
	number      string
	name        string
	kind        string // "passive", "power_in", "no_connect" …
	hidden      bool
	unit, style int // 0: of all
	alternates  map[string]string
}

func (r *screenReader) librarySymbol(e sexpr.Node) {
	name, ok := e.Atom(1)
	if !ok {
		r.fail(e, "a library symbol without a name")
		return
	}
	s := &librarySymbol{name: name, units: 1}
	for c := range e.Elements() {
		switch c.Head() {
		case "power":
			s.power = globalPower
			if v, _ := c.Atom(1); v == "local" {
				s.power = localPower
			}
		case "extends":
			s.extends, _ = c.Atom(1)
		case "pin":
			s.pins = append(s.pins, r.libraryPin(c, 0, 0))
		case "symbol":
			name, _ := c.Atom(1)
			unit, style := unitOf(name)
			s.units = max(s.units, unit)
			for p := range c.Lists("pin") {
				s.pins = append(s.pins, r.libraryPin(p, unit, style))
			}
		case "duplicate_pin_numbers_are_jumpers":
			v, _ := c.Atom(1)
			s.same = v == "yes"
		case "jumper_pin_groups":
			for g := range c.Lists("") {
				var group []string
				for p := range g.Elements() {
					group = append(group, p.Text())
				}
				s.jumpers = append(s.jumpers, group)
			}
		}
	}
	r.library[name] = s
}

// unitOf reads the end of a name like LM358_2_1: unit and body style.
func unitOf(name string) (unit, style int) {
	rest, last, ok := cutLast(name, '_')
	if !ok {
		return 0, 0
	}
	_, middle, ok := cutLast(rest, '_')
	u, err := strconv.Atoi(middle)
	v, err2 := strconv.Atoi(last)
	if !ok || err != nil || err2 != nil || u < 0 || v < 0 || u > 1e6 {
		return 0, 0
	}
	return u, v
}

func cutLast(s string, sep byte) (before, after string, found bool) {
	if i := strings.LastIndexByte(s, sep); i >= 0 {
		return s[:i], s[i+1:], true
	}
	return "", s, false
}

func (r *screenReader) libraryPin(e sexpr.Node, unit, style int) libraryPin {
	p := libraryPin{unit: unit, style: style}
	p.kind, _ = e.Atom(1)
	for c := range e.Elements() {
		switch {
		case c.Is("at"):
			p.at = r.xy(c)
		case c.Is("name"):
			p.name, _ = c.Atom(1)
		case c.Is("number"):
			p.number, _ = c.Atom(1)
		case c.Is("hide"):
			v, ok := c.Atom(1)
			p.hidden = !ok || v == "yes"
		case !c.IsList() && !c.Quoted() && c.Text() == "hide":
			p.hidden = true
		case c.Is("alternate"):
			name, _ := c.Atom(1)
			kind, _ := c.Atom(2)
			if p.alternates == nil {
				p.alternates = map[string]string{}
			}
			p.alternates[name] = kind
		}
	}
	return p
}

// inherit gives symbols that extend others what these have.
func (s *screen) inherit() {
	for _, t := range s.library {
		s.inheritOf(t, 0)
	}
}

func (s *screen) inheritOf(t *librarySymbol, depth int) {
	if t.done || t.extends == "" || depth > 32 {
		return
	}
	t.done = true
	base := s.library[t.extends]
	if base == nil {
		if lib, _, ok := strings.Cut(t.name, ":"); ok {
			base = s.library[lib+":"+t.extends]
		}
	}
	if base == nil {
		return
	}
	s.inheritOf(base, depth+1)
	if len(t.pins) == 0 {
		t.pins = base.pins
	}
	t.units = max(t.units, base.units)
	if t.power == noPower {
		t.power = base.power
	}
	if t.jumpers == nil {
		t.jumpers, t.same = base.jumpers, t.same || base.same
	}
}

// place says where a pin of a symbol is on the sheet. First y is turned down,
// then the symbol is rotated, then it is mirrored.
func (t *symbol) place(pin point) point {
	x, y := pin.x, -pin.y
	switch t.rotation {
	case 1:
		x, y = y, -x
	case 2:
		x, y = -x, -y
	case 3:
		x, y = -y, x
	}
	if t.mirrorX {
		y = -y
	}
	if t.mirrorY {
		x = -x
	}
	return point{t.at.x + x, t.at.y + y}
}

// has reports whether a pin belongs to a unit and style of the symbol.
func (p *libraryPin) has(unit, style int) bool {
	return (p.unit == 0 || p.unit == unit) && (p.style == 0 || p.style == style)
}
