package kicaddsl

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/ailiance/lorabench/tasks/generated"
)

// style is how an answer is to be given, and how the reference is written.
type style struct {
	fenced  bool
	library bool // with the library around the symbol
	fonts   bool // of fields
}

func answerStyle(r *generated.Rand) style {
	return style{fenced: r.IntN(4) > 0, library: r.IntN(3) > 0, fonts: r.Bool()}
}

// wrap puts a symbol in a block of code where one is asked for.
func (s style) wrap(text, format string) string {
	if !s.fenced {
		return text
	}
	language := "kicad_sym"
	if format == "legacy" {
		language = "text"
	}
	return "```" + language + "\n" + text + "```\n"
}

// write returns the text of a symbol in either format.
func write(s symbol, format string, st style) string {
	if format == "legacy" {
		return writeLegacy(s, st)
	}
	return writeCurrent(s, st)
}

// millimetres writes nanometres as KiCad does.
func millimetres(nm int) string {
	return strconv.FormatFloat(float64(nm)/mm, 'f', -1, 64)
}

var angles = map[string]int{left: 0, bottom: 90, right: 180, top: 270}

// bounds are the highest and the lowest y of what is drawn.
func (s symbol) bounds() (high, low int) {
	for _, g := range s.shapes {
		for _, p := range g.points {
			high, low = max(high, p[1]), min(low, p[1])
		}
	}
	return high, low
}

func writeCurrent(s symbol, st style) string {
	var b strings.Builder
	indent := ""
	if st.library {
		b.WriteString("(kicad_symbol_lib (version 20231120) (generator \"lorabench\")\n")
		indent = "  "
	}
	line := func(depth int, format string, args ...any) {
		b.WriteString(indent + strings.Repeat("  ", depth) + fmt.Sprintf(format, args...) + "\n")
	}
	line(0, "(symbol %q (pin_names (offset 1.016)) (in_bom yes) (on_board yes)", s.name)
	high, low := s.bounds()
	property := func(name, value string, y int, hide bool) {
		font := ""
		switch {
		case hide:
			font = " (effects (font (size 1.27 1.27)) hide)"
		case st.fonts:
			font = " (effects (font (size 1.27 1.27)))"
		}
		line(1, "(property %q %q (at 0 %s 0)%s)", name, value, millimetres(y), font)
	}
	property("Reference", s.reference, high+2*pitch, false)
	property("Value", s.value, low-2*pitch, false)
	property("Footprint", s.footprint, 0, true)
	property("Datasheet", s.datasheet, 0, true)
	for unit := 0; unit <= s.units; unit++ {
		var lines []string
		for _, g := range s.shapes {
			if g.unit == unit {
				lines = append(lines, g.current())
			}
		}
		for _, p := range s.pins {
			if p.unit == unit {
				lines = append(lines, p.current())
			}
		}
		if len(lines) == 0 {
			continue
		}
		line(1, "(symbol \"%s_%d_1\"", s.name, unit)
		for _, l := range lines {
			line(2, "%s", l)
		}
		line(1, ")")
	}
	line(0, ")")
	if st.library {
		b.WriteString(")\n")
	}
	return b.String()
}

func (g shape) current() string {
	fill := "none"
	if g.filled {
		fill = "background"
	}
	end := "(stroke (width 0.254) (type default)) (fill (type " + fill + ")))"
	at := func(p [2]int) string { return millimetres(p[0]) + " " + millimetres(p[1]) }
	switch g.kind {
	case rectangle:
		return fmt.Sprintf("(rectangle (start %s) (end %s) %s", at(g.points[0]), at(g.points[1]), end)
	case "circle":
		return fmt.Sprintf("(circle (center %s) (radius %s) %s", at(g.points[0]), millimetres(g.radius), end)
	}
	var points []string
	for _, p := range g.points {
		points = append(points, "(xy "+at(p)+")")
	}
	return fmt.Sprintf("(polyline (pts %s) %s", strings.Join(points, " "), end)
}

func (p pin) current() string {
	drawn, hide := p.shape, ""
	if drawn == "" {
		drawn = "line"
	}
	if p.hidden {
		hide = " hide"
	}
	return fmt.Sprintf("(pin %s %s (at %s %s %d) (length %s)%s (name %q) (number %q))",
		p.kind, drawn, millimetres(p.x), millimetres(p.y), angles[p.side], millimetres(p.length), hide, p.name, p.number)
}

// letters are the legacy format's electrical types.
var letters = map[string]string{
	"input": "I", "output": "O", "bidirectional": "B", "tri_state": "T", "passive": "P", "unspecified": "U", "power_in": "W",
	"power_out": "w", "open_collector": "C", "open_emitter": "E", "no_connect": "N",
}

func writeLegacy(s symbol, st style) string {
	var b strings.Builder
	if st.library {
		b.WriteString("EESchema-LIBRARY Version 2.4\n#encoding utf-8\n#\n# " + s.name + "\n#\n")
	}
	high, low := s.bounds()
	fmt.Fprintf(&b, "DEF %s %s 0 40 Y Y %d F N\n", s.name, s.reference, s.units)
	fmt.Fprintf(&b, "F0 %q 0 %d 50 H V C CNN\n", s.reference, (high+2*pitch)/mil)
	fmt.Fprintf(&b, "F1 %q 0 %d 50 H V C CNN\n", s.value, (low-2*pitch)/mil)
	fmt.Fprintf(&b, "F2 %q 0 0 50 H I C CNN\n", s.footprint)
	fmt.Fprintf(&b, "F3 %q 0 0 50 H I C CNN\n", s.datasheet)
	b.WriteString("DRAW\n")
	for _, g := range s.shapes {
		b.WriteString(g.legacy() + "\n")
	}
	for _, p := range s.pins {
		b.WriteString(p.legacy() + "\n")
	}
	b.WriteString("ENDDRAW\nENDDEF\n")
	if st.library {
		b.WriteString("#\n#End Library\n")
	}
	return b.String()
}

func (g shape) legacy() string {
	fill := "N"
	if g.filled {
		fill = "f"
	}
	at := func(p [2]int) string { return fmt.Sprintf("%d %d", p[0]/mil, p[1]/mil) }
	switch g.kind {
	case rectangle:
		return fmt.Sprintf("S %s %s %d 1 10 %s", at(g.points[0]), at(g.points[1]), g.unit, fill)
	case "circle":
		return fmt.Sprintf("C %s %d %d 1 10 %s", at(g.points[0]), g.radius/mil, g.unit, fill)
	}
	var points []string
	for _, p := range g.points {
		points = append(points, at(p))
	}
	return fmt.Sprintf("P %d %d 1 10 %s %s", len(points), g.unit, strings.Join(points, " "), fill)
}

var directions = map[string]string{left: "R", right: "L", top: "D", bottom: "U"}

func (p pin) legacy() string {
	drawn := map[string]string{"": "", "line": "", "inverted": "I", "clock": "C", "inverted_clock": "IC"}[p.shape]
	if p.hidden {
		drawn = "N" + drawn
	}
	if drawn != "" {
		drawn = " " + drawn
	}
	return fmt.Sprintf("X %s %s %s %s %s %s 50 50 %d 1 %s%s", oldBars(p.name), p.number,
		mils(p.x), mils(p.y), mils(p.length), directions[p.side], p.unit, letters[p.kind], drawn)
}

// mils writes nanometres as a number of mils, which is whole except in a mutant.
func mils(nm int) string {
	return strconv.FormatFloat(float64(nm)/mil, 'f', -1, 64)
}

// oldBars writes ~{X} as KiCad 5 does.
func oldBars(name string) string {
	if name == "" {
		return "~"
	}
	before, rest, found := strings.Cut(name, "~{")
	if !found {
		return name
	}
	barred, after, _ := strings.Cut(rest, "}")
	if after == "" {
		return before + "~" + barred
	}
	return before + "~" + barred + "~" + oldBars(after)
}

// clone is a copy that may be changed.
func (s symbol) clone() symbol {
	s.pins, s.shapes = slices.Clone(s.pins), slices.Clone(s.shapes)
	for i := range s.shapes {
		s.shapes[i].points = slices.Clone(s.shapes[i].points)
	}
	return s
}
