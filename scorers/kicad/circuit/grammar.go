package circuit

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/ailiance/lorabench/scorers/sexpr"
)

// rule says what KiCad 9 wants in a list.
type rule func(n sexpr.Node) error

// a wrongList is a list that KiCad does not read, by a short reason.
type wrongList struct {
	line   int
	reason string
}

func (e *wrongList) Error() string { return fmt.Sprintf("line %d: %s", e.line, e.reason) }

func wrong(n sexpr.Node, format string, args ...any) error {
	return &wrongList{n.Line(), fmt.Sprintf(format, args...)}
}

// head is the word that a list begins with; KiCad wants it without quotes.
func head(n sexpr.Node) string {
	if n.Element(0).Quoted() {
		return ""
	}
	return n.Head()
}

// clip shortens a model's text for a message.
func clip(s string) string {
	if len(s) > 40 {
		return strings.ToValidUTF8(s[:40], "") + "…"
	}
	return s
}

// isNumber reports whether KiCad's lexer takes an atom without quotes for a
// number, where it wants a text.
func isNumber(s string) bool {
	t := strings.TrimLeft(s, "+-")
	digits := strings.TrimLeft(t, "0123456789.")
	if digits == t {
		return false
	}
	if digits == "" {
		return true
	}
	exponent := strings.TrimLeft(digits[1:], "+-")
	return (digits[0] == 'e' || digits[0] == 'E') && exponent != "" && strings.Trim(exponent, "0123456789") == ""
}

// list wants so many atoms, each as its kind says, and then lists of the rules'
// heads.
//
// Kinds: t a text, in quotes or no number; a any atom; n a number; w a word, not
// in quotes. In upper case it may be left out.
func list(kinds string, rules map[string]rule) rule {
	return func(n sexpr.Node) error {
		at := 0
		first := true
		for e := range n.Elements() {
			if first {
				first = false
				continue
			}
			if e.IsList() {
				if at < len(kinds) && kinds[at] >= 'a' {
					return wrong(e, "(%s …): something is missing in front of (%s …)", clip(head(n)), clip(head(e)))
				}
				at = len(kinds)
				r, known := rules[head(e)]
				if !known {
					return wrong(e, "(%s …) in (%s …)", clip(head(e)), clip(head(n)))
				}
				if r != nil {
					if err := r(e); err != nil {
						return err
					}
				}
				continue
			}
			if at == len(kinds) {
				w := e.Text()
				if r, known := rules["="+w]; known && r == nil && !e.Quoted() { // a word that stands alone
					continue
				}
				return wrong(e, "(%s …): a word too many", clip(head(n)))
			}
			if !fits(e, kinds[at]) {
				return wrong(e, "(%s …): not in quotes, or no number", clip(head(n)))
			}
			at++
		}
		if at < len(kinds) && kinds[at] >= 'a' {
			return wrong(n, "(%s …): something is missing", clip(head(n)))
		}
		return nil
	}
}

// fits reports whether an atom is of a kind.
func fits(e sexpr.Node, kind byte) bool {
	s := e.Text()
	switch kind | 0x20 {
	case 't':
		return e.Quoted() || !isNumber(s)
	case 'n':
		_, err := strconv.ParseFloat(s, 64)
		return !e.Quoted() && err == nil && isNumber(s) && s[0] != '+'
	case 'w':
		return !e.Quoted()
	}
	return true
}

// one wants one word of these, not in quotes. "" allows none.
func one(words ...string) rule {
	return func(n sexpr.Node) error {
		e := n.Element(1)
		if e.Valid() && (e.IsList() || e.Quoted()) || n.Element(2).Valid() {
			return wrong(n, "(%s …): want one of %s", clip(head(n)), strings.Join(words, " "))
		}
		for _, w := range words {
			if e.Text() == w {
				return nil
			}
		}
		return wrong(n, "(%s …): want one of %s", clip(head(n)), strings.Join(words, " "))
	}
}

// words wants any number of these.
func words(allowed ...string) rule {
	return func(n sexpr.Node) error {
		first := true
	next:
		for e := range n.Elements() {
			if first {
				first = false
				continue
			}
			for _, w := range allowed {
				if !e.IsList() && !e.Quoted() && e.Text() == w {
					continue next
				}
			}
			return wrong(e, "(%s …): want some of %s", clip(head(n)), strings.Join(allowed, " "))
		}
		return nil
	}
}

// angle is a place with one of the four directions.
func angle(n sexpr.Node) error {
	if err := list("nnn", nil)(n); err != nil {
		return err
	}
	switch v, _ := n.Float(3); v {
	case 0, 90, 180, 270:
		return nil
	}
	return wrong(n, "(at …): the angle is not 0, 90, 180 or 270")
}

// points wants so many, or at least -least.
func points(least, most int) rule {
	return func(n sexpr.Node) error {
		k := 0
		if err := list("", map[string]rule{"xy": func(n sexpr.Node) error { k++; return list("nn", nil)(n) }})(n); err != nil {
			return err
		}
		if k < least || k > most {
			return wrong(n, "(pts …): too few or too many points")
		}
		return nil
	}
}

// any takes what is in a list as it is: nothing of a circuit is in it.
func anything(sexpr.Node) error { return nil }

var (
	yesNo  = one("yes", "no")
	maybe  = one("yes", "no", "")
	anyOne = list("a", nil)
	point  = list("nn", nil)
	num    = list("n", nil)
	color  = list("nnnn", nil)

	stroke = list("", map[string]rule{"width": num, "type": one("default", "dash", "dash_dot", "dash_dot_dot", "dot", "solid"), "color": color})
	fill   = list("", map[string]rule{"type": one("none", "outline", "background", "color", "hatch", "reverse_hatch", "cross_hatch"), "color": color})
	font   = list("", map[string]rule{
		"face": list("t", nil), "size": point, "thickness": num, "line_spacing": num, "color": color, "bold": maybe, "italic": maybe, "=bold": nil, "=italic": nil})
	effects = list("", map[string]rule{
		"font": font, "justify": words("left", "right", "top", "bottom", "mirror"), "href": list("t", nil), "hide": maybe, "=hide": nil})
	field = map[string]rule{
		"id": num, "at": list("nnn", nil), "effects": effects, "hide": maybe, "show_name": maybe, "do_not_autoplace": maybe}
	label = func(more map[string]rule) rule {
		rules := map[string]rule{
			"at": list("nnn", nil), "effects": effects, "uuid": anyOne, "fields_autoplaced": maybe, "property": property,
			"exclude_from_sim": yesNo, "=fields_autoplaced": nil,
		}
		for k, r := range more {
			rules[k] = r
		}
		return list("t", rules)
	}
	shapes = one("input", "output", "bidirectional", "tri_state", "passive", "dot", "round", "diamond", "rectangle")

	instances = func(inside map[string]rule) rule {
		return list("", map[string]rule{"project": list("t", map[string]rule{"path": list("t", inside)})})
	}
	inPlace = map[string]rule{"reference": list("t", nil), "unit": num, "value": list("t", nil), "footprint": list("t", nil), "variant": anything}
)

// sheetRules are the lists of a schematic that KiCad 9 knows.
var sheetRules = map[string]rule{
	"generator": anyOne, "generator_version": anyOne, "uuid": anyOne,
	"paper": paper,
	"title_block": list("", map[string]rule{
		"title": anyOne, "date": anyOne, "rev": anyOne, "company": anyOne, "comment": comment}),
	"lib_symbols": nil, // symbolsOf
	"symbol":      placed,
	"sheet":       placedSheet,
	"junction":    list("", map[string]rule{"at": point, "diameter": num, "color": color, "uuid": anyOne}),
	"no_connect":  list("", map[string]rule{"at": point, "uuid": anyOne}),
	"bus_entry":   list("", map[string]rule{"at": point, "size": point, "stroke": stroke, "uuid": anyOne}),
	"wire":        line,
	"bus":         line,
	"polyline":    list("", map[string]rule{"pts": points(1, 1<<20), "stroke": stroke, "fill": fill, "uuid": anyOne}),
	"bezier":      list("", map[string]rule{"pts": points(1, 1<<20), "stroke": stroke, "fill": fill, "uuid": anyOne}),
	"arc":         list("", map[string]rule{"start": point, "mid": point, "end": point, "radius": anything, "stroke": stroke, "fill": fill, "uuid": anyOne}),
	"circle":      list("", map[string]rule{"center": point, "radius": num, "stroke": stroke, "fill": fill, "uuid": anyOne}),
	"rectangle":   list("", map[string]rule{"start": point, "end": point, "stroke": stroke, "fill": fill, "uuid": anyOne}),
	"text": list("t", map[string]rule{
		"exclude_from_sim": yesNo, "at": list("nnn", nil), "effects": effects, "uuid": anyOne}),
	"text_box": anything, "table": anything, "image": anything, "rule_area": anything, "embedded_files": anything,
	"label":              label(nil),
	"global_label":       label(map[string]rule{"shape": shapes}),
	"hierarchical_label": label(map[string]rule{"shape": shapes}),
	"netclass_flag":      label(map[string]rule{"shape": shapes, "length": num}),
	"directive_label":    label(map[string]rule{"shape": shapes, "length": num}),
	"sheet_instances":    list("", map[string]rule{"path": list("t", map[string]rule{"page": list("t", nil)})}),
	"symbol_instances":   list("", map[string]rule{"path": list("t", inPlace)}),
	"bus_alias":          aliases,
	"embedded_fonts":     yesNo,
}

var line = list("", map[string]rule{"pts": points(2, 2), "stroke": stroke, "uuid": anyOne})

var placed = list("", map[string]rule{
	"lib_name": list("t", nil), "lib_id": anyOne, "at": angle, "mirror": one("x", "y"), "convert": num, "unit": num,
	"exclude_from_sim": yesNo, "in_bom": yesNo, "on_board": yesNo, "dnp": yesNo, "fields_autoplaced": maybe, "=fields_autoplaced": nil,
	"uuid": anyOne, "property": property, "default_instance": list("", inPlace),
	"pin":       list("t", map[string]rule{"uuid": anyOne, "alternate": list("t", nil)}),
	"instances": instances(inPlace),
})

var placedSheet = list("", map[string]rule{
	"at": point, "size": point, "exclude_from_sim": yesNo, "in_bom": yesNo, "on_board": yesNo, "dnp": yesNo,
	"fields_autoplaced": maybe, "=fields_autoplaced": nil, "stroke": stroke, "fill": fill, "uuid": anyOne, "property": property,
	"pin": func(n sexpr.Node) error {
		if err := list("tw", map[string]rule{"at": angle, "uuid": anyOne, "effects": effects})(n); err != nil {
			return err
		}
		switch shape, _ := n.Atom(2); shape {
		case "input", "output", "bidirectional", "tri_state", "passive":
			return nil
		}
		return wrong(n, "(pin …) of a sheet: want input, output, bidirectional, tri_state or passive")
	},
	"instances": instances(map[string]rule{"page": list("t", nil)}),
})

// property is a field of a symbol, a sheet or a label.
func property(n sexpr.Node) error {
	kinds, name := "tt", 1
	if w := n.Element(1); w.Valid() && !w.IsList() && !w.Quoted() && w.Text() == "private" {
		kinds, name = "wtt", 2
	}
	if err := list(kinds, field)(n); err != nil {
		return err
	}
	if n.Element(name).Text() == "" {
		return wrong(n, "(property …) has no name")
	}
	return nil
}

// comment is a line of the title block.
func comment(n sexpr.Node) error {
	if err := list("na", nil)(n); err != nil {
		return err
	}
	if v, _ := n.Float(1); v < 1 || v > 9 {
		return wrong(n, "(comment …): want a number from 1 to 9")
	}
	return nil
}

// aliases name several nets.
func aliases(n sexpr.Node) error {
	if err := list("t", map[string]rule{"members": anything})(n); err != nil {
		return err
	}
	if !n.List("members").Valid() {
		return wrong(n, "(bus_alias …): something is missing")
	}
	return nil
}

var papers = map[string]bool{"A5": true, "A4": true, "A3": true, "A2": true, "A1": true, "A0": true, "A": true, "B": true, "C": true, "D": true, "E": true,
	"GERBER": true, "USLetter": true, "USLegal": true, "USLedger": true, "User": true}

func paper(n sexpr.Node) error {
	name, ok := n.Atom(1)
	switch {
	case !ok || !papers[name]:
		return wrong(n, "(paper …): no such size")
	case name == "User":
		return list("annW", nil)(n)
	}
	if w := n.Element(2); w.Valid() && (w.Quoted() || w.Text() != "portrait") || n.Element(3).Valid() {
		return wrong(n, "(paper …): want a size, and portrait or nothing")
	}
	return nil
}

// newest is the version of KiCad 9's schematics: it does not load later ones.
const newest = 20250114

// checkSheet says what of a file KiCad 9 does not load.
func checkSheet(root sexpr.Node) error {
	if head(root) != "kicad_sch" {
		return wrong(root, "(%s …) is not a schematic", clip(head(root)))
	}
	first := true
	k := 0
	for e := range root.Elements() {
		k++
		if k == 1 {
			continue
		}
		if first {
			first = false
			v, err := strconv.Atoi(e.Element(1).Text())
			if head(e) != "version" || err != nil || e.Element(1).Quoted() || e.Element(2).Valid() {
				return wrong(e, "no version in front of all else")
			}
			if v > newest {
				return wrong(e, "the version is of a later KiCad")
			}
			continue
		}
		if !e.IsList() {
			return wrong(e, "(kicad_sch …): a word too many")
		}
		r, known := sheetRules[head(e)]
		if !known {
			return wrong(e, "(%s …) in (kicad_sch …)", clip(head(e)))
		}
		if r != nil {
			if err := r(e); err != nil {
				return err
			}
		}
	}
	if first {
		return wrong(root, "no version in front of all else")
	}
	return nil
}
