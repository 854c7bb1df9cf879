package symbol

import (
	"cmp"
	"math"
	"slices"
	"strings"
)

// Version is raised whenever a score can move.
const Version = "1"

// Result is what is found in an answer.
type Result struct {
	Pass   bool    // all that is asked holds
	Graded float64 // how near it comes, in [0, 1]; 1 where Pass
	Note   string  // why not Pass: phrases of the list below
	Detail string  // of a text that cannot be read: where, and what
}

// Phrases of Result.Note.
const (
	noteCutOff    = "cannot be read: it is cut off"
	noteSyntax    = "cannot be read: no S-expressions"
	noteRefused   = "cannot be read: KiCad refuses it"
	noteLarge     = "cannot be read: it is too large"
	noteNoSymbol  = "no symbol in the text"
	noteSeveral   = "more than one symbol"
	noteFormat    = "another format than asked"
	noteName      = "name of the symbol"
	noteReference = "reference prefix"
	noteField     = "field " // and its name
	noteUnits     = "number of units"
	noteMissing   = "pin missing"
	noteExtra     = "pin too many"
	notePinName   = "pin name"
	notePinType   = "pin type"
	notePinUnit   = "pin in another unit"
	notePinSide   = "pin on another side"
	notePinOrder  = "order of pins"
	notePinPlace  = "place of a pin"
	notePinLength = "pin length"
	notePinShape  = "graphic style of a pin"
	notePinHidden = "pin hidden or shown"
	noteGrid      = "pin off the grid"
	noteOverlap   = "pins on one another"
	noteNoBody    = "no body"
	noteOffBody   = "pin does not end on the body"
)

// tolerance of places, in nanometres: far under any grid, and above what
// rounding to KiCad's own units does.
const (
	tolerance     = 1_000
	bodyTolerance = 10_000
)

// Languages are those of fenced blocks that hold a symbol.
var Languages = []string{
	"kicad", "kicad_sym", "kicad-sym", "kicad_symbol", "kicad-symbol", "kicad_symbol_lib", "kicad_lib", "kicad-legacy",
	"lisp", "scheme", "clojure", "racket", "elisp", "common-lisp", "sexp", "sexpr", "sexprs", "s-exp", "s-expr", "s-expression", "s-expressions",
	"lib", "eeschema", "legacy", "text", "txt", "plaintext", "plain",
}

// chance is more than an answer gets that knows the field and not the question
// (measured 0.034 over all questions, docs/scorers/kicad_dsl.md). It is worth
// nothing.
const chance = 0.1

// Judge compares a text, which must be the symbol and nothing else.
func (t Target) Judge(text string) Result {
	symbols, err := ReadWithin(text, ModelLimits)
	if err != nil {
		if FormatOf(text) == "" {
			return Result{Note: noteNoSymbol}
		}
		return Result{Note: why(err), Detail: err.Error()}
	}
	if len(symbols) == 0 {
		return Result{Note: noteNoSymbol}
	}
	return t.compare(symbols)
}

// compare looks at the symbols of an answer, which must be one.
func (t Target) compare(symbols []Symbol) Result {
	c := &comparison{target: t, notes: map[string]bool{}}
	s := symbols[0]
	if len(symbols) > 1 {
		c.note(noteSeveral)
		for _, other := range symbols {
			if other.Name == t.Name {
				s = other
				break
			}
		}
	}
	c.frame(s)
	fraction := c.pins(s)
	return c.result(fraction)
}

// comparison collects what differs.
type comparison struct {
	target        Target
	notes         map[string]bool
	held, checked int // of what is asked of the symbol as a whole
}

func (c *comparison) note(n string) { c.notes[n] = true }

// check counts one thing that is asked of the whole.
func (c *comparison) check(ok bool, n string) {
	c.checked++
	if ok {
		c.held++
	} else {
		c.note(n)
	}
}

// result is made of the fraction of pins that are right: what is right of the
// whole counts no more than a fifth, and nothing without pins.
func (c *comparison) result(pins float64) Result {
	if len(c.notes) == 0 {
		return Result{Pass: true, Graded: 1}
	}
	raw := pins * (0.8 + float64(0.2*float64(c.held))/float64(max(c.checked, 1)))
	graded := math.Max(0, (raw-chance)/(1-chance))
	return Result{Graded: math.Min(graded, 0.99), Note: strings.Join(c.sorted(), "; ")}
}

func (c *comparison) sorted() []string {
	notes := make([]string, 0, len(c.notes))
	for n := range c.notes {
		notes = append(notes, n)
	}
	slices.Sort(notes)
	return notes
}

// frame compares what is no pin.
func (c *comparison) frame(s Symbol) {
	t := c.target
	c.check(t.Format == "any" || t.Format == string(s.Format), noteFormat)
	c.check(s.Name == t.Name, noteName)
	c.check(s.Reference == t.Reference, noteReference)
	for _, name := range []string{"Value", "Footprint", "Datasheet"} {
		if want, asked := t.Fields[name]; asked {
			got := map[string]string{"Value": s.Value, "Footprint": s.Footprint, "Datasheet": s.Datasheet}[name]
			c.check(sameField(got, want), noteField+name)
		}
	}
	c.check(s.Units == t.Units, noteUnits)
}

// sameField takes KiCad's two ways to write an empty text for one.
func sameField(a, b string) bool {
	return a == b || (a == "" || a == "~") && (b == "" || b == "~")
}

// form is what of a symbol is drawn in the first body style.
type form struct {
	pins     []Pin
	graphics []Graphic
}

// ofFirstStyle leaves out the second body style, and takes a symbol of one unit
// as if all were in it.
func ofFirstStyle(s Symbol) form {
	var f form
	unit := func(u int) int {
		if s.Units == 1 {
			return 1
		}
		return u
	}
	for _, p := range s.Pins {
		if p.Style <= 1 && p.Unit <= s.Units { // KiCad never shows a unit that is not declared
			p.Unit = unit(p.Unit)
			f.pins = append(f.pins, p)
		}
	}
	for _, g := range s.Graphics {
		if g.Style <= 1 && g.Kind != Text {
			g.Unit = unit(g.Unit)
			f.graphics = append(f.graphics, g)
		}
	}
	return f
}

// pair is a pin that is asked for, and the answer's pin of its number.
type pair struct {
	want TargetPin
	got  *Pin // nil where there is none
	ok   bool // so is the place
}

// pins compares the pins and the body, and returns the fraction of pins that
// are right.
func (c *comparison) pins(s Symbol) float64 {
	f := ofFirstStyle(s)
	f.pins = c.foldCommon(f.pins)
	pairs, extra := c.match(f.pins)
	if extra > 0 {
		c.note(noteExtra)
	}
	c.places(pairs)
	if c.target.Grid > 0 {
		on := true
		for _, p := range f.pins {
			on = on && multiple(p.X, c.target.Grid) && multiple(p.Y, c.target.Grid)
		}
		c.check(on, noteGrid)
	}
	if c.target.Layout == LayoutSides || c.target.Layout == LayoutOrdered {
		c.check(!overlapping(f.pins), noteOverlap)
	}
	c.body(f)
	credit := 0.0
	for _, p := range pairs {
		credit += c.pin(p)
	}
	return 2 * credit / float64(len(pairs)+len(f.pins))
}

// pin is how much of one pin is right: nothing without number and name, which
// say what it is.
func (c *comparison) pin(p pair) float64 {
	if p.got == nil {
		c.note(noteMissing)
		return 0
	}
	asked, right := 0, 0
	check := func(ok bool, n string) {
		asked++
		if ok {
			right++
		} else {
			c.note(n)
		}
	}
	named := SameName(p.got.Name, p.want.Name)
	if !named {
		c.note(notePinName)
	}
	check(p.got.Type == p.want.Type, notePinType)
	check(p.got.Unit == p.want.Unit || c.target.Units == 1, notePinUnit)
	if c.target.Layout != LayoutFree {
		check(p.got.Orientation.Side() == p.want.Side, notePinSide)
		check(p.got.Hidden == p.want.Hidden, notePinHidden)
	}
	if c.target.Layout == LayoutOrdered || c.target.Layout == LayoutPlaced {
		n := notePinOrder
		if c.target.Layout == LayoutPlaced {
			n = notePinPlace
		}
		check(p.ok, n)
	}
	if p.want.Length > 0 {
		check(near(p.got.Length, p.want.Length), notePinLength)
	}
	if p.want.Shape != "" {
		check(p.got.Shape == p.want.Shape, notePinShape)
	}
	if !named {
		return 0
	}
	return 0.4 + float64(0.6*float64(right))/float64(asked)
}

func near(a, b int) bool { return a-b <= tolerance && b-a <= tolerance }

func multiple(v, grid int) bool {
	rest := ((v % grid) + grid) % grid
	return rest <= tolerance || grid-rest <= tolerance
}

// foldCommon makes one pin of all units of a pin that each unit repeats: KiCad
// takes them for the same.
func (c *comparison) foldCommon(pins []Pin) []Pin {
	units := c.target.Units
	if units == 1 {
		return pins
	}
	common := map[string]bool{}
	for _, p := range c.target.Pins {
		if p.Unit == 0 {
			common[p.Number] = true
		}
	}
	if len(common) == 0 {
		return pins
	}
	type same struct {
		number, name string
		kind         Type
		x, y, length int
		orientation  Orientation
		hidden       bool
	}
	of := func(p Pin) same {
		return same{p.Number, p.Name, p.Type, p.X, p.Y, p.Length, p.Orientation, p.Hidden}
	}
	seen := map[same]map[int]bool{}
	for _, p := range pins {
		if common[p.Number] && p.Unit > 0 {
			if seen[of(p)] == nil {
				seen[of(p)] = map[int]bool{}
			}
			seen[of(p)][p.Unit] = true
		}
	}
	var out []Pin
	for _, p := range pins {
		if p.Unit > 0 && len(seen[of(p)]) == units {
			if p.Unit > 1 {
				continue
			}
			p.Unit = 0
		}
		out = append(out, p)
	}
	return out
}

// match gives each pin that is asked for the answer's pin of its number, and
// counts the pins that nobody asked for. Where a number occurs more than once
// the pins that are most alike belong together.
func (c *comparison) match(pins []Pin) (pairs []pair, extra int) {
	byNumber := map[string][]int{}
	for i, p := range pins {
		byNumber[p.Number] = append(byNumber[p.Number], i)
	}
	wanted := map[string]int{}
	for _, w := range c.target.Pins {
		wanted[w.Number]++
	}
	used := make([]bool, len(pins))
	pairs = make([]pair, len(c.target.Pins))
	take := func(i, k int) {
		pairs[i].got = &pins[k]
		used[k] = true
	}
	// Equal pins first, then any of the number.
	exact := map[TargetPin][]int{}
	for k, p := range pins {
		if wanted[p.Number] > 1 {
			key := c.key(TargetPin{p.Number, shown(p.Name), p.Type, p.Unit, p.Orientation.Side(), p.X, p.Y, 0, "", p.Hidden})
			exact[key] = append(exact[key], k)
		}
	}
	for i, w := range c.target.Pins {
		pairs[i].want = w
		if wanted[w.Number] > 1 {
			key := c.key(TargetPin{w.Number, shown(w.Name), w.Type, w.Unit, w.Side, w.X, w.Y, 0, "", w.Hidden})
			if same := exact[key]; len(same) > 0 {
				take(i, same[0])
				exact[key] = same[1:]
			}
		}
	}
	next := map[string]int{}
	for i, w := range c.target.Pins {
		if pairs[i].got != nil {
			continue
		}
		of := byNumber[w.Number]
		k := next[w.Number]
		for k < len(of) && used[of[k]] {
			k++
		}
		if k < len(of) {
			take(i, of[k])
			k++
		}
		next[w.Number] = k
	}
	for _, u := range used {
		if !u {
			extra++
		}
	}
	return pairs, extra
}

// key leaves out places that are not asked for.
func (c *comparison) key(p TargetPin) TargetPin {
	if c.target.Layout != LayoutPlaced {
		p.X, p.Y = 0, 0
	}
	if c.target.Layout == LayoutFree {
		p.Side, p.Hidden = "", false
	}
	if c.target.Units == 1 {
		p.Unit = 1
	}
	return p
}

// places says of each pair whether the pin stands where it is asked for.
func (c *comparison) places(pairs []pair) {
	switch c.target.Layout {
	case LayoutPlaced:
		for i := range pairs {
			p := &pairs[i]
			p.ok = p.got != nil && near(p.got.X, p.want.X) && near(p.got.Y, p.want.Y)
		}
	case LayoutOrdered:
		type place struct {
			unit int
			side string
		}
		rows := map[place][]*pair{}
		for i := range pairs {
			at := place{pairs[i].want.Unit, pairs[i].want.Side}
			rows[at] = append(rows[at], &pairs[i])
		}
		for at, row := range rows {
			for i, p := range row {
				p.ok = p.got != nil && (i == 0 || c.follows(row[i-1], p, at.side)) && (i == len(row)-1 || c.follows(p, row[i+1], at.side))
			}
		}
	}
}

// follows reports whether b is the next pin behind a, from top to bottom or from
// left to right. What is not there is in nobody's way.
func (c *comparison) follows(a, b *pair, side string) bool {
	if a.got == nil || b.got == nil {
		return true
	}
	step := a.got.Y - b.got.Y
	if side == SideTop || side == SideBottom {
		step = b.got.X - a.got.X
	}
	if c.target.Pitch > 0 {
		return near(step, c.target.Pitch)
	}
	return step > tolerance
}

// overlapping reports whether two pins connect at one place in one unit.
func overlapping(pins []Pin) bool {
	type place struct{ x, y int }
	sorted := slices.Clone(pins)
	slices.SortFunc(sorted, func(a, b Pin) int {
		return cmp.Or(cmp.Compare(a.X, b.X), cmp.Compare(a.Y, b.Y), cmp.Compare(a.Unit, b.Unit))
	})
	for from := 0; from < len(sorted); {
		to := from + 1
		for to < len(sorted) && (place{sorted[from].X, sorted[from].Y} == place{sorted[to].X, sorted[to].Y}) {
			if sorted[from].Unit == 0 || sorted[to].Unit == sorted[to-1].Unit {
				return true
			}
			to++
		}
		from = to
	}
	return false
}

// maxBodies bounds the rectangles that are looked at in one unit.
const maxBodies = 64

// body checks what is drawn in each unit.
func (c *comparison) body(f form) {
	if c.target.Body == "" {
		return
	}
	// An answer of far more pins than asked is wrong already, and not worth the time.
	drawn, touched := true, len(f.pins) <= 2*len(c.target.Pins)+maxBodies
	for unit := 1; unit <= c.target.Units; unit++ {
		var ends []Pin
		for _, p := range f.pins {
			if p.Unit == unit || p.Unit == 0 {
				ends = append(ends, p)
			}
		}
		var shapes []Graphic
		for _, g := range f.graphics {
			if (g.Unit == unit || g.Unit == 0) && g.extended() {
				shapes = append(shapes, g)
			}
		}
		if c.target.Body == BodyRectangle {
			shapes = boxes(shapes)
		}
		if len(shapes) == 0 {
			drawn = false
			continue
		}
		switch {
		case !touched:
		case c.target.Body == BodyRectangle:
			touched = slices.ContainsFunc(shapes[:min(len(shapes), maxBodies)], func(g Graphic) bool { return g.holds(ends) })
		case c.target.Body == BodyOutline:
			for _, p := range ends {
				end := p.End()
				touched = touched && slices.ContainsFunc(shapes[:min(len(shapes), maxBodies)], func(g Graphic) bool { return g.touches(end) })
			}
		}
	}
	c.check(drawn, noteNoBody)
	if c.target.Body != BodyDrawing {
		c.check(touched, noteOffBody)
	}
}
