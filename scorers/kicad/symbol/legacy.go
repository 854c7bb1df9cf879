package symbol

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// mil is a thousandth of an inch in nanometres.
const mil = 25_400

// readLegacy reads the lines of KiCad 5 and before, with or without the header
// of a library.
func readLegacy(text string, l Limits) ([]Symbol, error) {
	r := legacy{rest: strings.TrimPrefix(text, "\ufeff"), left: l.Nodes}
	var symbols []Symbol
	for {
		line, ok := r.next()
		if !ok {
			break
		}
		if begins(line, "DEF") {
			s, err := r.part(strings.Fields(line))
			if err != nil {
				return nil, r.fail(err)
			}
			symbols = append(symbols, s)
		} // KiCad passes over all other lines
	}
	if r.left < 0 {
		return nil, fmt.Errorf("%w: more than %d lines", errLarge, l.Nodes)
	}
	return symbols, nil
}

type legacy struct {
	rest string
	line int
	left int // lines that may still be read
}

// next returns a line without what ends it. White space in front is kept: KiCad
// knows a line by its first byte.
func (r *legacy) next() (string, bool) {
	if r.left--; r.rest == "" || r.left < 0 {
		return "", false
	}
	line, rest, _ := strings.Cut(r.rest, "\n")
	r.rest = rest
	r.line++
	return strings.TrimRight(line, " \t\r\v\f"), true
}

func (r *legacy) fail(err error) error {
	return &Error{Line: r.line, Reason: err.Error(), cutOff: errors.Is(err, errCutOff)}
}

// begins reports whether a line's key is word, in upper or lower case.
func begins(line, word string) bool {
	return len(line) >= len(word) && strings.EqualFold(line[:len(word)], word) &&
		(len(line) == len(word) || line[len(word)] == ' ' || line[len(word)] == '\t')
}

// fields are the words of a line, the first of them its key.
type fields struct {
	words []string
	err   error
}

// word returns the k-th word.
func (f *fields) word(k int, what string) string {
	if k < len(f.words) {
		return f.words[k]
	}
	f.fail("a line %s has no %s", clip(f.words[0]), what)
	return ""
}

func (f *fields) fail(format string, args ...any) {
	if f.err == nil {
		f.err = fmt.Errorf(format, args...)
	}
}

// integer reads a whole number.
func (f *fields) integer(k int, what string) int {
	w := f.word(k, what)
	v, err := strconv.Atoi(w)
	if f.err == nil && (err != nil || v > maxNanometres/mil || v < -maxNanometres/mil) {
		f.fail("%s of a line %s: %q is no whole number", what, clip(f.words[0]), clip(w))
		return 0
	}
	return v
}

func (f *fields) mils(k int, what string) int { return f.integer(k, what) * mil }

// count reads a number from 0 to maxUnits.
func (f *fields) count(k int, what string) int {
	v := f.integer(k, what)
	if v < 0 || v > maxUnits {
		f.fail("%s of a line %s: %d", what, clip(f.words[0]), v)
		return 0
	}
	return v
}

// oneOf reads one of some letters.
func (f *fields) oneOf(k int, letters, what string) byte {
	w := f.word(k, what)
	if f.err == nil && (len(w) != 1 || !strings.Contains(letters, w)) {
		f.fail("%s of a line %s: %q", what, clip(f.words[0]), clip(w))
	}
	if w == "" {
		return 0
	}
	return w[0]
}

// part reads from DEF to ENDDEF:
//
//	DEF name reference 0 text_offset draw_numbers draw_names units locked option
func (r *legacy) part(words []string) (Symbol, error) {
	f := &fields{words: words}
	s := Symbol{Format: Legacy, Styles: 1}
	s.Name = withoutLibrary(escapes.Replace(strings.TrimPrefix(f.word(1, "name"), "~"))) // the tilde hides the value
	s.Value = s.Name
	if s.Reference = f.word(2, "reference"); s.Reference == "~" {
		s.Reference = ""
	}
	f.integer(3, "unused number")
	f.integer(4, "text offset")
	s.HidesNumbers = f.oneOf(5, "YN", "flag of pin numbers") == 'N'
	s.HidesNames = f.oneOf(6, "YN", "flag of pin names") == 'N'
	s.Units = max(f.count(7, "number of units"), 1)
	f.oneOf(8, "LF", "lock of units")
	if len(words) > 9 {
		s.Power = f.oneOf(9, "NP", "option") == 'P'
	}
	if f.err == nil && s.Name == "" {
		f.fail("the part has no name")
	}
	if f.err != nil {
		return s, f.err
	}
	for {
		line, ok := r.next()
		if !ok {
			return s, fmt.Errorf("%w: the part %q has no ENDDEF", errCutOff, clip(s.Name))
		}
		var err error
		switch {
		case begins(line, "ENDDEF"):
			return s, nil
		case begins(line, "ALIAS"):
			s.Aliases = append(s.Aliases, strings.Fields(line)[1:]...)
		case begins(line, "$FPLIST"):
			err = r.filters()
		case begins(line, "DRAW"):
			err = r.drawing(&s)
		case strings.HasPrefix(line, "F"):
			err = field(&s, line)
		} // KiCad passes over all other lines
		if err != nil {
			return s, err
		}
	}
}

// filters reads up to $ENDFPLIST: KiCad refuses an empty one.
func (r *legacy) filters() error {
	for {
		line, ok := r.next()
		switch {
		case !ok:
			return fmt.Errorf("%w: no $ENDFPLIST", errCutOff)
		case begins(line, "$ENDFPLIST"):
			return nil
		case line == "":
			return errors.New("an empty line between $FPLIST and $ENDFPLIST")
		}
	}
}

// field reads a text of the part:
//
//	Fn "text" x y size orientation visible justify style ["name"]
func field(s *Symbol, line string) error {
	key, rest, _ := strings.Cut(strings.ReplaceAll(line, "\t", " "), " ")
	number, err := strconv.Atoi(key[1:])
	if err != nil || number < 0 {
		return fmt.Errorf("%q: want F0, F1, …", clip(key))
	}
	value, rest, ok := quoted(rest[max(strings.IndexByte(rest, '"'), 0):])
	if !ok {
		return fmt.Errorf("%s: the text is not in quotes", key)
	}
	f := &fields{words: append([]string{key}, strings.Fields(rest)...)}
	for i := 1; i <= 3; i++ { // x, y and size: KiCad takes one that is missing for 0
		if _, err := strconv.Atoi(f.word(i, "orientation")); err != nil {
			f.words = slices.Insert(f.words, i, "0")
		}
	}
	f.oneOf(4, "HV", "orientation")
	f.oneOf(5, "VI", "visibility")
	if len(f.words) > 6 {
		f.oneOf(6, "LRC", "alignment")
		if w := f.word(7, "style"); f.err == nil && !fieldStyle(w) {
			f.fail("style of a line %s: %q", key, clip(w))
		}
	}
	if f.err != nil {
		return f.err
	}
	if value == "~" {
		value = ""
	}
	switch number {
	case 0:
		s.Reference = value
	case 1:
		s.Value = strings.TrimPrefix(value, "~")
	case 2:
		s.Footprint = value
	case 3:
		s.Datasheet = value
	default:
		name := key
		if i := strings.IndexByte(rest, '"'); i >= 0 {
			if n, _, ok := quoted(rest[i:]); ok && n != "" {
				name = n
			}
		}
		if s.Properties == nil {
			s.Properties = map[string]string{}
		}
		s.Properties[name] = value
	}
	return nil
}

// fieldStyle reports whether w is an alignment (top, bottom, centre), alone or
// with italic or not, bold or not.
func fieldStyle(w string) bool {
	return (len(w) == 1 || len(w) == 3 && strings.IndexByte("IN", w[1]) >= 0 && strings.IndexByte("BN", w[2]) >= 0) &&
		strings.IndexByte("TBC", w[0]) >= 0
}

// quoted reads a text in quotes and returns what follows it.
func quoted(s string) (text, rest string, ok bool) {
	s = strings.TrimLeft(s, " \t")
	if s == "" || s[0] != '"' {
		return "", "", false
	}
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		switch {
		case s[i] == '"':
			return b.String(), s[i+1:], true
		case s[i] == '\\' && i+1 < len(s):
			i++
			b.WriteByte(s[i])
		default:
			b.WriteByte(s[i])
		}
	}
	return "", "", false
}

// drawing reads from DRAW to ENDDRAW.
func (r *legacy) drawing(s *Symbol) error {
	for {
		line, ok := r.next()
		if !ok {
			return fmt.Errorf("%w: the part %q has no ENDDRAW", errCutOff, clip(s.Name))
		}
		if line == "" || line[0] == '#' {
			continue
		}
		if begins(line, "ENDDRAW") {
			return nil
		}
		if line[0] == ' ' || line[0] == '\t' {
			return fmt.Errorf("%q in a drawing: the line must not be indented", clip(strings.TrimSpace(line)))
		}
		f := &fields{words: strings.Fields(line)}
		if f.words[0] == "X" {
			p := f.pin()
			s.Pins = append(s.Pins, p)
			s.Styles = max(s.Styles, p.Style)
		} else {
			g := f.graphic(line)
			s.Graphics = append(s.Graphics, g)
			s.Styles = max(s.Styles, g.Style)
		}
		if f.err != nil {
			return f.err
		}
	}
}

// pin reads
//
//	X name number x y length orientation number_size name_size unit style type [shape]
func (f *fields) pin() Pin {
	p := Pin{Name: newBars(f.word(1, "name")), Number: f.word(2, "number")}
	if p.Name == "~" {
		p.Name = ""
	}
	if p.Number == "~" {
		p.Number = ""
	}
	p.X, p.Y, p.Length = f.mils(3, "x"), f.mils(4, "y"), f.mils(5, "length")
	switch w := f.word(6, "orientation"); w { // KiCad takes other letters for R
	case "U":
		p.Orientation = 90
	case "L":
		p.Orientation = 180
	case "D":
		p.Orientation = 270
	default:
		if len(w) != 1 {
			f.fail("orientation %q of a pin", clip(w))
		}
	}
	f.integer(7, "size of the number")
	f.integer(8, "size of the name")
	p.Unit, p.Style = f.count(9, "unit"), f.count(10, "body style")
	kind := f.word(11, "electrical type")
	var known bool
	if p.Type, known = legacyTypes[kind]; !known {
		f.fail("electrical type %q of a pin", clip(kind))
	}
	letters := ""
	if len(f.words) > 12 {
		letters = strings.ReplaceAll(f.words[12], "~", "")
	}
	p.Hidden = strings.Contains(letters, "N")
	set := []byte(strings.ReplaceAll(letters, "N", ""))
	slices.Sort(set)
	if p.Shape, known = legacyShapes[string(slices.Compact(set))]; !known {
		f.fail("graphic style %q of a pin", clip(letters))
	}
	return p
}

// graphic reads one of
//
//	S x1 y1 x2 y2 unit style width fill
//	P points unit style width x y … fill
//	C x y radius unit style width fill
//	A x y radius from to unit style width fill [x1 y1 x2 y2]
//	B points unit style width x y … fill
//	T angle x y size hidden unit style text …
func (f *fields) graphic(line string) Graphic {
	var g Graphic
	place := func(k int) Point { return Point{f.mils(k, "x"), f.mils(k+1, "y")} }
	fill := func(k int) {
		if k < len(f.words) {
			f.oneOf(k, "NFf", "filling")
		}
	}
	owner := func(k int) {
		g.Unit, g.Style = f.count(k, "unit"), f.count(k+1, "body style")
	}
	switch f.words[0] {
	case "S":
		g.Kind = Rectangle
		g.Points = []Point{place(1), place(3)}
		owner(5)
		f.integer(7, "width")
		fill(8)
	case "P", "B":
		g.Kind = Polyline
		if f.words[0] == "B" {
			g.Kind = Bezier
		}
		n := f.integer(1, "number of points")
		owner(2)
		f.integer(4, "width")
		if n < 1 || len(f.words) < 5+2*n {
			f.fail("a line %s of %d points and %d words", f.words[0], n, len(f.words))
			return g
		}
		for i := range n {
			g.Points = append(g.Points, place(5+2*i))
		}
		fill(5 + 2*n)
		if g.Kind == Bezier && n != 4 {
			g.Kind = Polyline
		}
	case "C":
		g.Kind = Circle
		g.Points, g.Radius = []Point{place(1)}, f.mils(3, "radius")
		owner(4)
		f.integer(6, "width")
		fill(7)
	case "A":
		g.Kind = Arc
		a := arc{centre: place(1), radius: f.mils(3, "radius"), parts: hasAngles}
		a.from, a.to = float64(f.integer(4, "first angle"))/10, float64(f.integer(5, "second angle"))/10
		owner(6)
		f.integer(8, "width")
		fill(9)
		g.Points, _ = a.points()
	case "T":
		g.Kind = Text
		f.integer(1, "angle")
		g.Points = []Point{place(2)}
		f.integer(4, "size")
		owner(6)
		f.text(line)
	default:
		f.fail("%q in a drawing", clip(line))
	}
	return g
}

// text checks what follows the numbers of a line T: the text, in quotes or with
// tildes for spaces, and how it is written.
func (f *fields) text(line string) {
	if len(f.words) < 9 {
		f.fail("a line T without a text")
		return
	}
	style := f.words[9:]
	if f.words[8][0] == '"' {
		_, rest, ok := quoted(line[strings.IndexByte(line, '"'):])
		if !ok {
			f.fail("a text of a line T has no end")
			return
		}
		style = strings.Fields(rest)
	}
	for i, allowed := range [][]string{{"Normal", "Italic"}, {"0", "1"}, {"L", "R", "C"}, {"T", "B", "C"}} {
		if i < len(style) && !slices.Contains(allowed, style[i]) {
			f.fail("style of a line T: %q", clip(style[i]))
		}
	}
}
