package symbol

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/ailiance/lorabench/scorers/sexpr"
)

// barsSince is the version that writes bars as ~{…}. A text without a version
// is of today.
const barsSince = 20210606

// newest is more than the version of any KiCad's symbols until now.
const newest = 20261231

// readCurrent reads a library, or symbols that stand alone.
func readCurrent(text string, l Limits) ([]Symbol, error) {
	d, err := sexpr.Parse([]byte(text), l.sexpr())
	var stop *sexpr.Error
	if errors.As(err, &stop) && stop.AfterList {
		d, err = sexpr.Parse([]byte(text[:stop.Offset]), l.sexpr())
	}
	if err != nil {
		return nil, err
	}
	var symbols []Symbol
	r := current{version: barsSince}
	for list := range d.Lists() {
		switch {
		case is(list, "kicad_symbol_lib"):
			if err := r.header(list); err != nil {
				return nil, r.fail(err)
			}
			for e := range list.Elements() {
				if !is(e, "symbol") {
					continue
				}
				s, err := r.symbol(e)
				if err != nil {
					return nil, r.fail(err)
				}
				symbols = append(symbols, s)
			}
		case is(list, "symbol"):
			s, err := r.symbol(list)
			if err != nil {
				return nil, r.fail(err)
			}
			symbols = append(symbols, s)
		default:
			return nil, &Error{Line: list.Line(), Reason: fmt.Sprintf("(%s …) is neither a library nor a symbol", clip(head(list)))}
		}
	}
	return symbols, inherit(symbols)
}

// current reads one text of today's format.
type current struct {
	version int
	at      sexpr.Node // where an error is
}

// fail gives an error the line of the list that is wrong.
func (r *current) fail(err error) error {
	return &Error{Line: r.at.Line(), Reason: err.Error()}
}

// wrong is an error in n.
func (r *current) wrong(n sexpr.Node, format string, args ...any) error {
	r.at = n
	return fmt.Errorf(format, args...)
}

// unknown is an error about an element that has no place in a list.
func (r *current) unknown(in string, e sexpr.Node) error {
	if e.IsList() {
		return r.wrong(e, "(%s …) in %s", clip(head(e)), in)
	}
	return r.wrong(e, "%q in %s", clip(e.Text()), in)
}

// head is the word that a list begins with, which KiCad wants without quotes.
func head(n sexpr.Node) string {
	if n.Element(0).Quoted() {
		return ""
	}
	return n.Head()
}

// is reports whether n is a list of this head.
func is(n sexpr.Node, word string) bool { return n.Is(word) && !n.Element(0).Quoted() }

// word is an atom that KiCad takes for a keyword: not quoted.
func word(n sexpr.Node) (string, bool) {
	if !n.Valid() || n.IsList() || n.Quoted() {
		return "", false
	}
	return n.Text(), true
}

// text is an atom that KiCad takes for a text: quoted, or no number.
func (r *current) text(n sexpr.Node, k int, what string) (string, error) {
	e := n.Element(k)
	if !e.Valid() || e.IsList() {
		return "", r.wrong(n, "%s: want a text", what)
	}
	s := e.Text()
	if !e.Quoted() && isNumber(s) {
		return "", r.wrong(n, "%s: the number %s is not in quotes", what, clip(s))
	}
	return s, nil
}

// isNumber reports whether KiCad's lexer takes an atom without quotes for a
// number.
func isNumber(s string) bool {
	if s != "" && (s[0] == '-' || s[0] == '+') {
		s = s[1:]
	}
	digits := strings.TrimLeft(s, "0123456789.")
	if digits == s {
		return false
	}
	if digits == "" {
		return true
	}
	if digits[0] != 'e' && digits[0] != 'E' {
		return false
	}
	exponent := digits[1:]
	if exponent != "" && (exponent[0] == '-' || exponent[0] == '+') {
		exponent = exponent[1:]
	}
	return exponent != "" && strings.Trim(exponent, "0123456789") == ""
}

// only is the word of a list that has one, and "" of any other list.
func (r *current) only(n sexpr.Node) string {
	w, _ := word(n.Element(1))
	if count(n) != 2 {
		return ""
	}
	return w
}

// behind yields the elements of a list from the k-th on.
func behind(n sexpr.Node, k int) func(yield func(sexpr.Node) bool) {
	return func(yield func(sexpr.Node) bool) {
		i := 0
		for e := range n.Elements() {
			if i >= k && !yield(e) {
				return
			}
			i++
		}
	}
}

func count(n sexpr.Node) int {
	k := 0
	for range n.Elements() {
		k++
	}
	return k
}

// flag reads (word yes) or (word no), and where that is allowed (word) for yes.
func (r *current) flag(n sexpr.Node, alone bool) (bool, error) {
	if alone && count(n) == 1 {
		return true, nil
	}
	w, ok := word(n.Element(1))
	if !ok || count(n) != 2 || w != "yes" && w != "no" {
		return false, r.wrong(n, "(%s …): want yes or no", head(n))
	}
	return w == "yes", nil
}

// length is the k-th element in nanometres.
func (r *current) length(n sexpr.Node, k int) (int, error) {
	v, ok := n.Float(k)
	if !ok || n.Element(k).Quoted() {
		return 0, r.wrong(n, "(%s …): want a number", head(n))
	}
	nm, ok := nanometres(v)
	if !ok {
		return 0, r.wrong(n, "(%s …): the number is too large", head(n))
	}
	return nm, nil
}

// lengths checks that n has so many numbers and nothing else, and reads them.
func (r *current) lengths(n sexpr.Node, k int) ([]int, error) {
	if count(n) != k+1 {
		return nil, r.wrong(n, "(%s …): want %d numbers", head(n), k)
	}
	out := make([]int, k)
	for i := range out {
		var err error
		if out[i], err = r.length(n, i+1); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func (r *current) point(n sexpr.Node) (Point, error) {
	xy, err := r.lengths(n, 2)
	if err != nil {
		return Point{}, err
	}
	return Point{xy[0], xy[1]}, nil
}

// header reads what stands in front of a library's symbols.
func (r *current) header(lib sexpr.Node) error {
	r.version = 0
	first := true
	for e := range behind(lib, 1) {
		switch head(e) {
		case "version":
			v, ok := word(e.Element(1))
			n, err := strconv.Atoi(v)
			switch {
			case !ok || err != nil || !first || count(e) != 2:
				return r.wrong(e, "(version …): want one number, in front of all else")
			case n > newest:
				return r.wrong(e, "(version %d) is of a KiCad that is not there yet", n)
			}
			r.version = n
		case "generator", "generator_version", "host":
			if n := count(e); n != 2 && (n != 3 || !is(e, "host")) || e.Element(1).IsList() {
				return r.wrong(e, "(%s …): want a text", head(e))
			}
		case "symbol":
		default:
			return r.unknown("a library", e)
		}
		first = false
	}
	if first || r.version == 0 {
		return r.wrong(lib, "a library without a version")
	}
	return nil
}

func (r *current) symbol(n sexpr.Node) (Symbol, error) {
	r.at = n
	s := Symbol{Format: Current, Units: 1, Styles: 1}
	name, err := r.text(n, 1, "name of the symbol")
	if err != nil {
		return s, err
	}
	s.Name = withoutLibrary(escapes.Replace(name))
	if s.Name == "" {
		return s, r.wrong(n, "the symbol has no name")
	}
	for e := range behind(n, 2) {
		if err := r.part(&s, e); err != nil {
			return s, err
		}
	}
	return s, nil
}

// withoutLibrary is the name behind "library:".
func withoutLibrary(name string) string {
	if i := strings.IndexByte(name, ':'); i >= 0 {
		return name[i+1:]
	}
	return name
}

// part reads one list in a symbol.
func (r *current) part(s *Symbol, e sexpr.Node) error {
	switch h := head(e); h {
	case "power":
		s.Power = true
		for w := range behind(e, 1) {
			if v, ok := word(w); !ok || v != "global" && v != "local" {
				return r.unknown("(power)", w)
			}
		}
		return nil
	case "pin_names", "pin_numbers":
		hides, err := r.pinTexts(e)
		if h == "pin_names" {
			s.HidesNames = hides
		} else {
			s.HidesNumbers = hides
		}
		return err
	case "exclude_from_sim", "in_bom", "on_board", "in_pos_files", "embedded_fonts", "duplicate_pin_numbers_are_jumpers":
		_, err := r.flag(e, false)
		return err
	case "body_styles", "jumper_pin_groups", "embedded_files": // KiCad 9 and 10; nothing of a pin is in them
		return nil
	case "extends":
		parent, err := r.text(e, 1, "name of the parent")
		s.Extends = withoutLibrary(escapes.Replace(parent))
		if err == nil && (s.Extends == "" || count(e) != 2) {
			return r.wrong(e, "(extends …): want a name")
		}
		return err
	case "property":
		return r.property(s, e)
	case "symbol":
		return r.unit(s, e)
	}
	return r.item(s, e, 1, 1)
}

// pinTexts reads (pin_names (offset 1) hide) of all versions.
func (r *current) pinTexts(n sexpr.Node) (hides bool, err error) {
	for e := range behind(n, 1) {
		w, isWord := word(e)
		switch {
		case isWord && w == "hide":
			hides = true
		case is(e, "hide"):
			if hides, err = r.flag(e, true); err != nil {
				return false, err
			}
		case is(e, "offset") && is(n, "pin_names"):
			if _, err := r.lengths(e, 1); err != nil {
				return false, err
			}
		default:
			return false, r.unknown("("+head(n)+" …)", e)
		}
	}
	return hides, nil
}

func (r *current) property(s *Symbol, n sexpr.Node) error {
	at := 1
	if w, ok := word(n.Element(1)); ok && w == "private" && count(n) > 3 && !n.Element(3).IsList() {
		at = 2
	}
	name, err := r.text(n, at, "name of a property")
	if err != nil {
		return err
	}
	value, err := r.text(n, at+1, "value of the property "+clip(name))
	if err != nil {
		return err
	}
	if name == "" {
		return r.wrong(n, "a property without a name")
	}
	for e := range behind(n, at+2) {
		switch head(e) {
		case "id":
			_, err = r.lengths(e, 1)
		case "at":
			_, err = r.lengths(e, 3)
		case "effects":
			err = r.effects(e)
		case "show_name", "do_not_autoplace", "hide":
			_, err = r.flag(e, true)
		default:
			err = r.unknown("a property", e)
		}
		if err != nil {
			return err
		}
	}
	switch strings.ToLower(name) {
	case "reference":
		s.Reference = value
	case "value":
		s.Value = value
		if r.version < barsSince {
			s.Value = newBars(value)
		}
	case "footprint":
		s.Footprint = value
	case "datasheet":
		s.Datasheet = value
	case "description", "ki_description":
		s.Description = value
	case "ki_keywords":
		s.Keywords = value
	default:
		if s.Properties == nil {
			s.Properties = map[string]string{}
		}
		s.Properties[name] = value
	}
	return nil
}

// effects checks how a text is written; nothing of it is kept.
func (r *current) effects(n sexpr.Node) error {
	for e := range behind(n, 1) {
		w, isWord := word(e)
		var err error
		switch {
		case isWord && w == "hide":
		case is(e, "hide"):
			_, err = r.flag(e, true)
		case is(e, "href"):
			_, err = r.text(e, 1, "address")
		case is(e, "justify"):
			for j := range behind(e, 1) {
				switch w, _ := word(j); w {
				case "left", "right", "top", "bottom", "mirror":
				default:
					return r.unknown("(justify …)", j)
				}
			}
		case is(e, "font"):
			err = r.font(e)
		default:
			err = r.unknown("(effects …)", e)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (r *current) font(n sexpr.Node) error {
	for e := range behind(n, 1) {
		w, isWord := word(e)
		var err error
		switch {
		case isWord && (w == "bold" || w == "italic"):
		case is(e, "bold"), is(e, "italic"):
			_, err = r.flag(e, true)
		case is(e, "size"):
			_, err = r.lengths(e, 2)
		case is(e, "thickness"), is(e, "line_spacing"):
			_, err = r.lengths(e, 1)
		case is(e, "color"):
			_, err = r.lengths(e, 4)
		case is(e, "face"):
			_, err = r.text(e, 1, "font")
		default:
			err = r.unknown("(font …)", e)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// unit reads what belongs to one unit and one body style.
func (r *current) unit(s *Symbol, n sexpr.Node) error {
	name, err := r.text(n, 1, "name of a unit")
	if err != nil {
		return err
	}
	suffix, ok := strings.CutPrefix(escapes.Replace(name), s.Name)
	numbers := strings.Split(strings.TrimPrefix(suffix, "_"), "_")
	if !ok || len(numbers) != 2 {
		return r.wrong(n, "the unit is called %q: want %q", clip(name), clip(s.Name)+"_UNIT_STYLE")
	}
	unit, err1 := strconv.Atoi(numbers[0])
	style, err2 := strconv.Atoi(numbers[1])
	if err1 != nil || err2 != nil || unit < 0 || style < 0 || unit > maxUnits || style > maxUnits {
		return r.wrong(n, "the unit is called %q: want %q", clip(name), clip(s.Name)+"_UNIT_STYLE")
	}
	s.Units, s.Styles = max(s.Units, unit), max(s.Styles, style)
	for e := range behind(n, 2) {
		if is(e, "unit_name") {
			if _, err := r.text(e, 1, "name of a unit"); err != nil {
				return err
			}
			continue
		}
		if err := r.item(s, e, unit, style); err != nil {
			return err
		}
	}
	return nil
}

// maxUnits is more than any part has, and than KiCad shows.
const maxUnits = 1000

// item reads a pin or a graphic.
func (r *current) item(s *Symbol, n sexpr.Node, unit, style int) error {
	switch head(n) {
	case "pin":
		p, err := r.pin(n)
		p.Unit, p.Style = unit, style
		s.Pins = append(s.Pins, p)
		return err
	case "rectangle", "polyline", "circle", "arc", "bezier", "text", "text_box":
		g, err := r.graphic(n)
		g.Unit, g.Style = unit, style
		s.Graphics = append(s.Graphics, g)
		return err
	}
	return r.unknown("a symbol", n)
}

func (r *current) pin(n sexpr.Node) (Pin, error) {
	var p Pin
	var ok bool
	kind, _ := word(n.Element(1))
	if p.Type, ok = currentTypes[kind]; !ok {
		return p, r.wrong(n, "electrical type %q of a pin", clip(n.Element(1).Text()))
	}
	shape, _ := word(n.Element(2))
	if p.Shape, ok = currentShapes[shape]; !ok {
		return p, r.wrong(n, "graphic style %q of a pin", clip(n.Element(2).Text()))
	}
	p.Length = defaultLength
	for e := range behind(n, 3) {
		var err error
		w, isWord := word(e)
		switch {
		case isWord && w == "hide":
			p.Hidden = true
		case is(e, "hide"):
			p.Hidden, err = r.flag(e, false)
		case is(e, "at"):
			err = r.place(&p, e)
		case is(e, "length"):
			var l []int
			if l, err = r.lengths(e, 1); err == nil {
				p.Length = l[0]
			}
		case is(e, "name"):
			if p.Name, err = r.pinText(e); r.version < barsSince {
				p.Name = newBars(p.Name)
			}
		case is(e, "number"):
			p.Number, err = r.pinText(e)
		case is(e, "alternate"):
			err = r.alternate(e)
			p.Alternates++
		default:
			err = r.unknown("a pin", e)
		}
		if err != nil {
			return p, err
		}
	}
	if p.Name == "~" {
		p.Name = ""
	}
	if p.Number == "~" {
		p.Number = ""
	}
	return p, nil
}

// defaultLength is that of a pin which says none, 100 mil.
const defaultLength = 2_540_000

func (r *current) place(p *Pin, n sexpr.Node) error {
	at, err := r.lengths(n, 3)
	if err != nil {
		return err
	}
	switch p.X, p.Y = at[0], at[1]; at[2] {
	case 0, 90e6, 180e6, 270e6:
		p.Orientation = Orientation(at[2] / 1e6)
		return nil
	}
	return r.wrong(n, "a pin's angle is not 0, 90, 180 or 270")
}

// pinText reads a pin's name or number.
func (r *current) pinText(n sexpr.Node) (string, error) {
	s, err := r.text(n, 1, head(n)+" of a pin")
	if err != nil {
		return "", err
	}
	for e := range behind(n, 2) {
		if !is(e, "effects") {
			return "", r.unknown("a pin's "+head(n), e)
		}
		if err := r.effects(e); err != nil {
			return "", err
		}
	}
	return s, nil
}

func (r *current) alternate(n sexpr.Node) error {
	if _, err := r.text(n, 1, "other name of a pin"); err != nil {
		return err
	}
	kind, _ := word(n.Element(2))
	shape, _ := word(n.Element(3))
	if currentTypes[kind] == "" || currentShapes[shape] == "" || count(n) != 4 {
		return r.wrong(n, "(alternate …): want a name, an electrical type and a graphic style")
	}
	return nil
}

var currentKinds = map[string]Kind{
	"rectangle": Rectangle, "polyline": Polyline, "circle": Circle, "arc": Arc, "bezier": Bezier, "text": Text, "text_box": Text,
}

func (r *current) graphic(n sexpr.Node) (Graphic, error) {
	g := Graphic{Kind: currentKinds[head(n)]}
	at := 1
	if w, ok := word(n.Element(1)); ok && w == "private" {
		at = 2
	}
	if g.Kind == Text {
		if _, err := r.text(n, at, "text"); err != nil {
			return g, err
		}
		at++
	}
	var a arc
	for e := range behind(n, at) {
		var err error
		switch h := head(e); {
		case h == "stroke":
			err = r.stroke(e)
		case h == "fill":
			err = r.fill(e)
		case g.Kind == Text:
			err = r.textPart(&g, e)
		case h == "start" && (g.Kind == Rectangle || g.Kind == Arc):
			a.start, err = r.point(e)
			a.parts |= hasStart
		case h == "end" && (g.Kind == Rectangle || g.Kind == Arc):
			a.end, err = r.point(e)
			a.parts |= hasEnd
		case h == "mid" && g.Kind == Arc:
			a.mid, err = r.point(e)
			a.parts |= hasMid
		case h == "radius" && g.Kind == Arc:
			err = r.arcRadius(&a, e)
		case h == "center" && g.Kind == Circle:
			var p Point
			p, err = r.point(e)
			g.Points = []Point{p}
		case h == "radius" && (g.Kind == Circle || g.Kind == Rectangle): // of a rectangle: its corners' (KiCad 10)
			var l []int
			if l, err = r.lengths(e, 1); err == nil && g.Kind == Circle {
				g.Radius = l[0]
			}
		case h == "pts" && (g.Kind == Polyline || g.Kind == Bezier):
			g.Points, err = r.points(e)
		default:
			err = r.unknown("("+head(n)+" …)", e)
		}
		if err != nil {
			return g, err
		}
	}
	g.complete(a)
	return g, nil
}

// complete puts a rectangle's and an arc's points in place. What is left out
// KiCad takes for the origin.
func (g *Graphic) complete(a arc) {
	switch g.Kind {
	case Rectangle:
		g.Points = []Point{a.start, a.end}
	case Arc:
		var ok bool
		if g.Points, ok = a.points(); !ok {
			g.Points = []Point{a.start, a.mid, a.end}
		}
	case Circle:
		if len(g.Points) == 0 {
			g.Points = []Point{{}}
		}
	case Bezier:
		if len(g.Points) != 4 {
			g.Kind = Polyline
		}
	}
}

func (r *current) points(n sexpr.Node) ([]Point, error) {
	var points []Point
	for e := range behind(n, 1) {
		if !is(e, "xy") {
			return nil, r.unknown("(pts …)", e)
		}
		p, err := r.point(e)
		if err != nil {
			return nil, err
		}
		points = append(points, p)
	}
	return points, nil
}

func (r *current) textPart(g *Graphic, e sexpr.Node) error {
	switch head(e) {
	case "at":
		at, err := r.lengths(e, 3)
		if err == nil {
			g.Points = []Point{{at[0], at[1]}}
		}
		return err
	case "start", "end", "size":
		_, err := r.point(e)
		return err
	case "effects":
		return r.effects(e)
	case "margins":
		_, err := r.lengths(e, 4)
		return err
	case "exclude_from_sim":
		_, err := r.flag(e, true)
		return err
	}
	return r.unknown("a text", e)
}

func (r *current) stroke(n sexpr.Node) error {
	for e := range behind(n, 1) {
		var err error
		switch head(e) {
		case "width":
			_, err = r.lengths(e, 1)
		case "type":
			switch w := r.only(e); w {
			case "default", "solid", "dash", "dot", "dash_dot", "dash_dot_dot":
			default:
				err = r.wrong(e, "line style %q", clip(w))
			}
		case "color":
			_, err = r.lengths(e, 4)
		default:
			err = r.unknown("(stroke …)", e)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (r *current) fill(n sexpr.Node) error {
	for e := range behind(n, 1) {
		var err error
		switch head(e) {
		case "type":
			switch w := r.only(e); w {
			case "none", "outline", "background", "color", "hatch", "reverse_hatch", "cross_hatch":
			default:
				err = r.wrong(e, "filling %q", clip(w))
			}
		case "color":
			_, err = r.lengths(e, 4)
		default:
			err = r.unknown("(fill …)", e)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// arcRadius reads an arc as KiCad's first S-expressions have it.
func (r *current) arcRadius(a *arc, n sexpr.Node) error {
	for e := range behind(n, 1) {
		switch head(e) {
		case "at":
			p, err := r.point(e)
			if err != nil {
				return err
			}
			a.centre = p
		case "length":
			l, err := r.lengths(e, 1)
			if err != nil {
				return err
			}
			a.radius = l[0]
		case "angles":
			from, ok1 := e.Float(1)
			to, ok2 := e.Float(2)
			if !ok1 || !ok2 || count(e) != 3 {
				return r.wrong(e, "(angles …): want 2 numbers")
			}
			a.from, a.to = from, to
			a.parts |= hasAngles
		default:
			return r.unknown("(radius …)", e)
		}
	}
	if a.parts&hasAngles == 0 || a.radius <= 0 {
		return r.wrong(n, "(radius …) of an arc: want at, length and angles")
	}
	return nil
}
