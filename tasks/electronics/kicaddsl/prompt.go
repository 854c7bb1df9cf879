package kicaddsl

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/ailiance/lorabench/tasks/generated"
)

// wording is how one prompt says what it says.
type wording struct {
	*request
	types   string // "kicad": KiCad's words; "letters": the legacy format's; "roles": a data sheet's
	listing string // one of the listings
}

// prompt tells all that answers are compared by.
func (q *request) prompt(r *generated.Rand, st style) string {
	w := wording{request: q, types: generated.Pick(r, "kicad", "roles"), listing: generated.Pick(r, "table", "csv", "sides", "sentences", "columns", "json")}
	if q.format == "legacy" && r.Bool() {
		w.types = "letters"
	}
	var paragraphs []string
	paragraphs = append(paragraphs, generated.Pick(r,
		fmt.Sprintf("Write the schematic symbol of the %s for KiCad. It is %s.", q.name, q.what),
		fmt.Sprintf("Our library has no symbol for %s, %s. Make one for KiCad.", q.name, q.what),
		fmt.Sprintf("Create a KiCad symbol: %s, %s.", q.name, q.what),
		fmt.Sprintf("I need the part %s (%s) as a KiCad schematic symbol.", q.name, q.what),
	)+" "+w.formatText())
	rules := w.rules()
	pins := w.pinText()
	if r.Bool() {
		paragraphs = append(paragraphs, pins, bullets(r, rules))
	} else {
		paragraphs = append(paragraphs, bullets(r, rules), pins)
	}
	if st.fenced {
		paragraphs = append(paragraphs, generated.Pick(r,
			"Answer with the symbol in one fenced code block.",
			"Give the symbol as one fenced block of code.",
			"Put the text of the symbol into a single fenced code block."))
	} else {
		paragraphs = append(paragraphs, generated.Pick(r,
			"Answer with the text of the symbol and nothing else.",
			"Give only the symbol's text, without explanations."))
	}
	return strings.Join(paragraphs, "\n\n")
}

func (w wording) formatText() string {
	const (
		current = "KiCad's current symbol format (S-expressions, as KiCad 6 and later keep them in .kicad_sym files): either a whole library, (kicad_symbol_lib (version …) …), with this one symbol, or its (symbol …) alone"
		legacy  = "the legacy format of KiCad 5 (.lib files): the lines from DEF to ENDDEF, with or without the library's header; its coordinates are whole mils (thousandths of an inch), and no line is indented"
	)
	switch w.format {
	case "current":
		return "Use " + current + "."
	case "legacy":
		return "Use " + legacy + "."
	}
	return "Use one of two formats, as you like. One is " + current + ". The other is " + legacy + "."
}

// size writes a length in the units of the format.
func (w wording) size(nm int) string {
	switch w.format {
	case "current":
		return millimetres(nm) + " mm"
	case "legacy":
		return mils(nm) + " mil"
	}
	return millimetres(nm) + " mm (" + mils(nm) + " mil)"
}

// number is a length without its unit: of mils for the legacy format only.
func (w wording) number(nm int) string {
	if w.format == "legacy" {
		return mils(nm)
	}
	return millimetres(nm)
}

func (w wording) unitOfNumbers() string {
	switch w.format {
	case "legacy":
		return "mils"
	case "current":
		return "millimetres"
	}
	return "millimetres (1.27 mm are 50 mil)"
}

func bullets(r *generated.Rand, rules []string) string {
	switch r.IntN(3) {
	case 0:
		return strings.Join(rules, " ")
	case 1:
		lines := make([]string, len(rules))
		for i, rule := range rules {
			lines[i] = fmt.Sprintf("%d. %s", i+1, rule)
		}
		return strings.Join(lines, "\n")
	}
	return "- " + strings.Join(rules, "\n- ")
}

func (w wording) rules() []string {
	fields := fmt.Sprintf("The symbol's name is %s, and so is its Value field. Its Reference field is %s.", w.name, w.prefix)
	if w.footprint != "" {
		fields += fmt.Sprintf(" Its Footprint field is %s.", w.footprint)
	}
	if w.datasheet != "" {
		fields += fmt.Sprintf(" Its Datasheet field is %s.", w.datasheet)
	}
	rules := []string{fields, w.unitRule(), w.visibleRule()}
	rules = append(rules, w.typeRule(), w.shapeRule(), w.barRule(), w.sideRule(), w.placeRule(), w.bodyRule())
	return slices.DeleteFunc(rules, func(s string) bool { return s == "" })
}

func (w wording) unitRule() string {
	if len(w.units) == 1 {
		return "The symbol has one unit, and no second body style."
	}
	var names []string
	for i, u := range w.units {
		names = append(names, fmt.Sprintf("%d (%s)", i+1, u))
	}
	rule := fmt.Sprintf("The symbol has %d units: %s; there is no second body style.", len(w.units), strings.Join(names, ", "))
	if slices.ContainsFunc(w.pins, func(p pin) bool { return p.unit == 0 }) {
		rule += " Pins of unit \"all\" are common to all units (KiCad's unit 0)."
	}
	return rule
}

func (w wording) visibleRule() string {
	rule := fmt.Sprintf("It has the %d pins that are listed and no others", len(w.pins))
	if slices.ContainsFunc(w.pins, func(p pin) bool { return p.hidden }) {
		return rule + "; the pins called NC are hidden, all others are shown."
	}
	return rule + "; none of them is hidden."
}

func (w wording) typeRule() string {
	switch w.types {
	case "letters":
		return "Types are the letters of the legacy format: I input, O output, B bidirectional, T tri-state, P passive, W power input, w power output, C open collector, E open emitter, N not connected."
	case "roles":
		return "Give each pin the electrical type that its role says: supplies and grounds are power inputs; a supply output is a power output; any other input is an input; an open-drain output is an open collector, an open-emitter output an open emitter, a three-state output tri-state; any other output is an output; I/O is bidirectional; a terminal is passive; what is not connected inside is \"not connected\" (no_connect, in the legacy format N)."
	}
	return "Types are KiCad's electrical types."
}

func (w wording) shapeRule() string {
	var parts []string
	for _, shape := range []string{"clock", "inverted"} {
		var numbers []string
		for _, p := range w.pins {
			if p.shape == shape {
				numbers = append(numbers, p.number)
			}
		}
		if len(numbers) > 0 {
			parts = append(parts, fmt.Sprintf("pin %s has the graphic style %q", strings.Join(numbers, " and pin "), shape))
			if len(numbers) > 1 {
				parts[len(parts)-1] = fmt.Sprintf("the pins %s have the graphic style %q", strings.Join(numbers, ", "), shape)
			}
		}
	}
	if len(parts) == 0 {
		return ""
	}
	rule := strings.Join(parts, "; ")
	return strings.ToUpper(rule[:1]) + rule[1:] + "; the graphic style of the others is free."
}

func (w wording) barRule() string {
	if !slices.ContainsFunc(w.pins, func(p pin) bool { return strings.Contains(p.name, "~{") }) {
		return ""
	}
	switch w.format {
	case "current":
		return "In names ~{X} is KiCad's way to write X with a bar over it."
	case "legacy":
		return "In names ~{X} means X with a bar over it, which the legacy format writes ~X (or ~X~)."
	}
	return "In names ~{X} means X with a bar over it; the legacy format writes it ~X (or ~X~)."
}

func (w wording) sideRule() string {
	if w.layout == "placed" && !w.byRule {
		return "The side says where a pin stands: a pin on the left side of the body has its connection point at its left end and runs to the right until the body, a pin on the top runs down, and so on."
	}
	return "A pin on the left side of the body has its connection point at its left end and runs to the right until the body, a pin on the top runs down, and so on."
}

func (w wording) placeRule() string {
	var rule string
	switch w.layout {
	case "sides":
		rule = "The order of the pins on a side is free."
	case "ordered":
		rule = "On each side" + w.perUnit() + " the pins stand in the order of the list, from top to bottom or from left to right."
		if w.pitch > 0 {
			rule = fmt.Sprintf("On each side%s the pins stand in the order of the list, from top to bottom or from left to right, each %s behind the one before.", w.perUnit(), w.size(w.pitch))
		}
	default:
		if w.byRule {
			rule = w.ruleOfPlaces()
		} else {
			rule = fmt.Sprintf("x and y are where a pin's connection point is, in %s, from the symbol's origin; y grows upwards.", w.unitOfNumbers())
			if w.length == 0 {
				rule += " The length of each pin is given in the same unit."
			}
		}
	}
	if w.length > 0 {
		rule += fmt.Sprintf(" Every pin is %s long.", w.size(w.length))
	}
	if w.layout != "placed" {
		rule += fmt.Sprintf(" All connection points are on a grid of %s that goes through the origin, and no two pins of a unit connect at the same point.", w.size(w.grid))
	}
	return rule
}

func (w wording) perUnit() string {
	if len(w.units) > 1 {
		return " of each unit"
	}
	return ""
}

// ruleOfPlaces tells the places of pins side by side.
func (w wording) ruleOfPlaces() string {
	var parts []string
	say := func(unit int, row []pin, side string) {
		where := "on the " + side
		if len(w.units) > 1 {
			where += fmt.Sprintf(" of unit %d", unit)
			if unit == 0 {
				where = "of all units on the " + side
			}
		}
		first := row[0]
		if len(row) == 1 {
			parts = append(parts, fmt.Sprintf("the pin %s connects at x = %s, y = %s", where, w.number(first.x), w.number(first.y)))
			return
		}
		direction := "below"
		if side == top || side == bottom {
			direction = "to the right of"
		}
		parts = append(parts, fmt.Sprintf("of the pins %s the first in the list connects at x = %s, y = %s, and each other one %s %s the one before",
			where, w.number(first.x), w.number(first.y), w.number(pitch), direction))
	}
	for unit := 0; unit <= len(w.units); unit++ {
		for _, side := range []string{left, right, top, bottom} {
			var row []pin
			for _, p := range w.pins {
				if p.unit == unit && p.side == side {
					row = append(row, p)
				}
			}
			if len(row) > 0 {
				say(unit, row, side)
			}
		}
	}
	return fmt.Sprintf("Places are in %s from the symbol's origin, y grows upwards: %s.", w.unitOfNumbers(), strings.Join(parts, "; "))
}

func (w wording) bodyRule() string {
	of := ""
	if len(w.units) > 1 {
		of = " of each unit"
	}
	rule := ""
	switch w.body {
	case rectangle:
		rule = fmt.Sprintf("The body%s is a rectangle, and each pin ends exactly on the edge of it that its side says.", of)
	case outline:
		rule = fmt.Sprintf("The body%s is drawn with lines, and each pin ends exactly on one of them.", of)
	default:
		rule = "Draw the usual picture of such a part, as you like"
		if len(w.units) > 1 {
			rule += ", in each unit"
		}
		rule += "."
	}
	for _, n := range w.notes {
		rule += " " + n
	}
	return rule
}

// kind is a pin's type in the words of the prompt.
func (w wording) kind(p pin) string {
	switch w.types {
	case "letters":
		return letters[p.kind]
	case "roles":
		return p.role
	}
	return p.kind
}

func (w wording) unit(p pin) string {
	if p.unit == 0 {
		return "all"
	}
	return fmt.Sprint(p.unit)
}

// located reports whether the list says where each pin is.
func (w wording) located() bool { return w.layout == "placed" && !w.byRule }

// columns are the titles of the list's columns, and each pin's cells.
func (w wording) columns() (titles []string, rows [][]string) {
	titles = []string{"pin", "name", map[string]string{"kicad": "type", "letters": "type", "roles": "role"}[w.types], "side"}
	if len(w.units) > 1 {
		titles = append(titles, "unit")
	}
	if w.located() {
		titles = append(titles, "x", "y")
	}
	if w.length == 0 {
		titles = append(titles, "length")
	}
	for _, p := range w.pins {
		row := []string{p.number, p.name, w.kind(p), p.side}
		if len(w.units) > 1 {
			row = append(row, w.unit(p))
		}
		if w.located() {
			row = append(row, w.number(p.x), w.number(p.y))
		}
		if w.length == 0 {
			row = append(row, w.number(p.length))
		}
		rows = append(rows, row)
	}
	return titles, rows
}

// pinText is the list of pins.
func (w wording) pinText() string {
	titles, rows := w.columns()
	var b strings.Builder
	switch w.listing {
	case "table":
		b.WriteString("| " + strings.Join(titles, " | ") + " |\n|" + strings.Repeat("---|", len(titles)))
		for _, row := range rows {
			b.WriteString("\n| " + strings.Join(row, " | ") + " |")
		}
	case "csv":
		b.WriteString("Pins:\n" + strings.Join(titles, ";"))
		for _, row := range rows {
			b.WriteString("\n" + strings.Join(row, ";"))
		}
	case "columns":
		width := make([]int, len(titles))
		for _, row := range append([][]string{titles}, rows...) {
			for i, cell := range row {
				width[i] = max(width[i], len(cell))
			}
		}
		b.WriteString("PIN DESCRIPTION")
		for _, row := range append([][]string{titles}, rows...) {
			b.WriteByte('\n')
			line := ""
			for i, cell := range row {
				line += fmt.Sprintf("%-*s  ", width[i], cell)
			}
			b.WriteString(strings.TrimRight(line, " "))
		}
	case "json":
		b.WriteString("Pins, as JSON:\n[")
		for i, row := range rows {
			if i > 0 {
				b.WriteString(",")
			}
			b.WriteString("\n  {")
			for k, cell := range row {
				if k > 0 {
					b.WriteString(", ")
				}
				if title := titles[k]; title == "x" || title == "y" || title == "length" {
					fmt.Fprintf(&b, "%q: %s", title, cell)
				} else {
					text, _ := json.Marshal(cell) // of a text: no error
					fmt.Fprintf(&b, "%q: %s", title, text)
				}
			}
			b.WriteString("}")
		}
		b.WriteString("\n]")
	case "sentences":
		lines := make([]string, len(w.pins))
		for i, p := range w.pins {
			lines[i] = w.sentence(p)
		}
		b.WriteString(strings.Join(lines, "\n"))
	default: // by sides
		b.WriteString(w.bySides())
	}
	return b.String()
}

func (w wording) sentence(p pin) string {
	s := fmt.Sprintf("Pin %s is %s (%s), on the %s", p.number, p.name, w.kind(p), p.side)
	if len(w.units) > 1 {
		s += ", unit " + w.unit(p)
	}
	if w.located() {
		s += fmt.Sprintf(", at x = %s, y = %s", w.number(p.x), w.number(p.y))
	}
	if w.length == 0 {
		s += ", length " + w.number(p.length)
	}
	return s + "."
}

func (w wording) bySides() string {
	var lines []string
	units := []int{1}
	if len(w.units) > 1 {
		units = nil
		for u := 1; u <= len(w.units); u++ {
			units = append(units, u)
		}
		units = append(units, 0)
	}
	for _, unit := range units {
		for _, side := range []string{left, right, top, bottom} {
			var cells []string
			for _, p := range w.pins {
				if p.side != side || p.unit != unit {
					continue
				}
				cell := fmt.Sprintf("%s %s (%s", p.number, p.name, w.kind(p))
				if w.located() {
					cell += fmt.Sprintf(", x %s, y %s", w.number(p.x), w.number(p.y))
				}
				if w.length == 0 {
					cell += ", length " + w.number(p.length)
				}
				cells = append(cells, cell+")")
			}
			if len(cells) == 0 {
				continue
			}
			title := strings.ToUpper(side[:1]) + side[1:]
			switch {
			case len(w.units) > 1 && unit == 0:
				title = "All units, " + side
			case len(w.units) > 1:
				title = fmt.Sprintf("Unit %d, %s", unit, side)
			}
			lines = append(lines, title+": "+strings.Join(cells, ", ")+".")
		}
	}
	return "Pins (number, name, type):\n" + strings.Join(lines, "\n")
}
