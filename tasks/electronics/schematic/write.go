package schematic

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/ailiance/lorabench/tasks/generated"
)

// File is a file of a schematic.
type File struct {
	Name string
	Text string
}

// list is an S-expression: words, quoted texts and lists.
type list []any

// text is written in quotes.
type text string

// Files writes the drawing, the root first. uuids come from r.
func (d *Drawing) Files(r *generated.Rand) []File {
	var files []File
	for i, s := range d.Sheets {
		w := writer{drawing: d, sheet: s, r: r, root: i == 0}
		files = append(files, File{s.File, w.file()})
	}
	return files
}

// Join writes files one after another, each behind a line with its name. One
// file stands alone.
func Join(files []File) string {
	if len(files) == 1 {
		return files[0].Text
	}
	var b strings.Builder
	for _, f := range files {
		fmt.Fprintf(&b, ";; file %s\n%s", f.Name, f.Text)
	}
	return b.String()
}

type writer struct {
	drawing *Drawing
	sheet   *Sheeted
	r       *generated.Rand
	root    bool
}

const library = "lab"

func (w *writer) style() Style { return w.drawing.Style }

// full reports whether all is written that KiCad writes, and not only what a
// schematic needs.
func (w *writer) full() bool { return w.style().Pretty || w.style().UUIDs }

// id is a uuid where the style has one for everything.
func (w *writer) id(l list) list {
	if w.style().UUIDs {
		return append(l, list{"uuid", text(uuid(w.r))})
	}
	return l
}

// mm writes hundredths of a millimetre.
func mm(v int) string {
	sign := ""
	if v < 0 {
		sign, v = "-", -v
	}
	s := fmt.Sprintf("%s%d.%02d", sign, v/100, v%100)
	return strings.TrimSuffix(strings.TrimRight(s, "0"), ".")
}

func at(head string, p Point, more ...any) list { return append(list{head, mm(p.X), mm(p.Y)}, more...) }

func steps(head string, x, y int, more ...any) list {
	return at(head, Point{x * grid, y * grid}, more...)
}

func (w *writer) file() string {
	s := w.sheet
	out := list{"kicad_sch", list{"version", w.style().Version}, list{"generator", text("lorabench")}}
	if w.style().Version >= 20240000 {
		out = append(out, list{"generator_version", text("9.0")})
	}
	paper := list{"paper", text(s.Paper)}
	if size, ok := strings.CutPrefix(s.Paper, "User "); ok {
		width, height, _ := strings.Cut(size, " ")
		paper = list{"paper", text("User"), width, height}
	}
	out = append(out, list{"uuid", text(s.UUID)}, paper)
	if s.Title != "" {
		out = append(out, list{"title_block", list{"title", text(s.Title)}})
	}
	out = append(out, w.symbols())
	for _, j := range s.Junctions {
		l := list{"junction", at("at", j)}
		if w.full() {
			l = append(l, list{"diameter", 0}, list{"color", 0, 0, 0, 0})
		}
		out = append(out, w.id(l))
	}
	for _, c := range s.NoConnects {
		out = append(out, w.id(list{"no_connect", at("at", c)}))
	}
	for _, e := range s.Entries {
		l := list{"bus_entry", at("at", e.At), at("size", e.Size)}
		if w.full() {
			l = append(l, stroke())
		}
		out = append(out, w.id(l))
	}
	for _, line := range s.Wires {
		out = append(out, w.line("wire", line))
	}
	for _, line := range s.Buses {
		out = append(out, w.line("bus", line))
	}
	for _, l := range s.Texts {
		out = append(out, w.id(list{"text", text(l.Text), list{"exclude_from_sim", "no"}, at("at", l.At, 0), effects("")}))
	}
	for _, kind := range []string{LocalLabel, GlobalLabel, HierarchicalLabel} {
		for _, l := range s.Labels {
			if l.Kind == kind {
				out = append(out, w.label(l))
			}
		}
	}
	for _, p := range s.Symbols {
		out = append(out, w.placed(p))
	}
	for _, b := range s.Boxes {
		out = append(out, w.box(b))
	}
	if w.root {
		out = append(out, list{"sheet_instances", list{"path", text("/"), list{"page", text("1")}}})
	}
	if w.style().Version >= 20250000 {
		out = append(out, list{"embedded_fonts", "no"})
	}
	var b strings.Builder
	if w.style().Pretty {
		pretty(&b, out, 0)
	} else {
		short(&b, out, 0)
	}
	b.WriteByte('\n')
	return b.String()
}

func stroke() list { return list{"stroke", list{"width", 0}, list{"type", "default"}} }

// effects is how a text looks: its size, where it stands, whether it is seen.
func effects(justify string, more ...any) list {
	e := list{"effects", list{"font", list{"size", "1.27", "1.27"}}}
	if justify != "" {
		j := list{"justify"}
		for _, f := range strings.Fields(justify) {
			j = append(j, f)
		}
		e = append(e, j)
	}
	return append(e, more...)
}

// hide is the mark of what is not seen.
func (w *writer) hide() any {
	if w.style().Version >= 20241000 {
		return list{"hide", "yes"}
	}
	return "hide"
}

func (w *writer) line(head string, s Segment) list {
	l := list{head, list{"pts", at("xy", s.A), at("xy", s.B)}}
	if w.full() {
		l = append(l, stroke())
	}
	return w.id(l)
}

func (w *writer) label(l Label) list {
	angle := 90 * int(l.Side)
	justify := "left"
	if l.Side == Left || l.Side == Down {
		justify = "right"
	}
	out := list{l.Kind, text(l.Text)}
	if l.Kind == LocalLabel {
		justify += " bottom"
	} else {
		out = append(out, list{"shape", l.Shape})
	}
	out = append(out, at("at", l.At, angle))
	if w.full() {
		out = append(out, effects(justify))
	}
	return w.id(out)
}

// property is a field of a symbol.
func (w *writer) property(name, value string, at list, hidden bool) list {
	l := list{"property", text(name), text(value), at}
	switch {
	case hidden:
		return append(l, effects("", w.hide()))
	case w.full():
		return append(l, effects(""))
	}
	return l
}

// symbols writes the library of the file.
func (w *writer) symbols() list {
	out := list{"lib_symbols"}
	seen := map[*Symbol]bool{}
	for _, p := range w.sheet.Symbols {
		if !seen[p.Symbol] {
			seen[p.Symbol] = true
			out = append(out, w.symbol(p.Symbol))
		}
	}
	return out
}

func (w *writer) symbol(s *Symbol) list {
	out := list{"symbol", text(library + ":" + s.Name)}
	if s.Power {
		out = append(out, list{"power"})
	}
	named := false
	for _, p := range s.Pins {
		named = named || p.Name != ""
	}
	switch {
	case !named:
		out = append(out, list{"pin_numbers", w.hide()}, list{"pin_names", w.hide()})
	case w.full():
		out = append(out, list{"pin_names", list{"offset", "0.254"}})
	}
	if w.full() {
		out = append(out, list{"exclude_from_sim", "no"})
	}
	out = append(out, list{"in_bom", "yes"}, list{"on_board", "yes"})
	b := s.bodies[0]
	value := s.Name
	out = append(out,
		w.property("Reference", s.Prefix, steps("at", b.x2+1, -b.y2, 0), s.Power),
		w.property("Value", value, steps("at", b.x2+1, -b.y1, 0), false))
	if w.style().Pretty {
		out = append(out, w.property("Footprint", "", steps("at", 0, 0, 0), true), w.property("Datasheet", "", steps("at", 0, 0, 0), true))
	}
	for i, b := range s.bodies {
		unit := list{"symbol", text(fmt.Sprintf("%s_%d_1", s.Name, i+1))}
		if s.Power {
			unit = append(unit, w.outline(list{"polyline", list{"pts", steps("xy", b.x1, b.y1), steps("xy", b.x2, b.y1), steps("xy", 0, b.y2), steps("xy", b.x1, b.y1)}}, "none"))
		} else {
			unit = append(unit, w.outline(list{"rectangle", steps("start", b.x1, b.y2), steps("end", b.x2, b.y1)}, "background"))
		}
		for _, p := range s.Pins {
			if p.Unit == i+1 {
				unit = append(unit, w.pin(p))
			}
		}
		out = append(out, unit)
	}
	if w.style().Version >= 20250000 && w.style().Pretty {
		out = append(out, list{"embedded_fonts", "no"})
	}
	return out
}

// outline is a graphic with its line and filling.
func (w *writer) outline(l list, filling string) list {
	if w.full() {
		l = append(l, list{"stroke", list{"width", "0.254"}, list{"type", "default"}})
	}
	return append(l, list{"fill", list{"type", filling}})
}

func (w *writer) pin(p Pin) list {
	angle := (90*int(p.Side) + 180) % 360 // from the connection to the body
	name := p.Name
	if name == "" {
		name = "~"
	}
	n, k := list{"name", text(name)}, list{"number", text(p.Number)}
	if w.style().Pretty {
		n, k = append(n, effects("")), append(k, effects(""))
	}
	return list{"pin", p.Type, "line", steps("at", p.X, p.Y, angle), list{"length", mm(p.Length * grid)}, n, k}
}

func (w *writer) placed(p Placed) list {
	out := list{"symbol", list{"lib_id", text(library + ":" + p.Symbol.Name)}, at("at", p.At, p.Turn)}
	if p.Mirror != "" {
		out = append(out, list{"mirror", p.Mirror})
	}
	out = append(out, list{"unit", p.Unit})
	if w.full() {
		out = append(out, list{"exclude_from_sim", "no"}, list{"in_bom", "yes"}, list{"on_board", "yes"}, list{"dnp", "no"})
	}
	out = w.id(out)
	b := p.Symbol.bodies[p.Unit-1]
	field := func(k int) list {
		return at("at", Point{p.At.X + (b.x2+2)*grid, p.At.Y + (2*k-1)*grid}, 0)
	}
	out = append(out, w.property("Reference", p.Refs[0], field(0), p.Symbol.Power), w.property("Value", p.Value, field(1), false))
	if w.style().Pretty {
		out = append(out, w.property("Footprint", "", at("at", p.At, 0), true), w.property("Datasheet", "", at("at", p.At, 0), true))
		for _, pin := range p.Symbol.Pins {
			out = append(out, list{"pin", text(pin.Number), list{"uuid", text(uuid(w.r))}})
		}
	}
	project := list{"project", text("lab")}
	for i, path := range w.sheet.Paths {
		project = append(project, list{"path", text(path), list{"reference", text(p.Refs[i])}, list{"unit", p.Unit}})
	}
	return append(out, list{"instances", project})
}

func (w *writer) box(b SheetBox) list {
	out := list{"sheet", at("at", b.At), at("size", b.Size)}
	if w.full() {
		out = append(out, list{"exclude_from_sim", "no"}, list{"in_bom", "yes"}, list{"on_board", "yes"}, list{"dnp", "no"},
			stroke(), list{"fill", list{"color", 0, 0, 0, "0.0000"}})
	}
	out = append(out, list{"uuid", text(b.UUID)},
		w.property("Sheetname", b.Name, at("at", Point{b.At.X, b.At.Y - 60}, 0), false),
		w.property("Sheetfile", b.File, at("at", Point{b.At.X, b.At.Y + b.Size.Y + 60}, 0), false))
	for _, p := range b.Pins {
		angle, justify := 0, "right"
		if p.Side == Left {
			angle, justify = 180, "left"
		}
		l := list{"pin", text(p.Name), p.Shape, at("at", p.At, angle)}
		if w.full() {
			l = append(l, effects(justify))
		}
		out = append(out, w.id(l))
	}
	project := list{"project", text("lab")}
	for _, path := range w.sheet.Paths {
		project = append(project, list{"path", text(path), list{"page", text(strconv.Itoa(b.Sub + 2))}})
	}
	return append(out, list{"instances", project})
}

// atom writes a word, a number or a quoted text.
func atom(b *strings.Builder, v any) {
	if t, ok := v.(text); ok {
		b.WriteByte('"')
		for i := range len(t) {
			if t[i] == '"' || t[i] == '\\' {
				b.WriteByte('\\')
			}
			b.WriteByte(t[i])
		}
		b.WriteByte('"')
		return
	}
	fmt.Fprint(b, v)
}

// pretty writes a list as KiCad does: each list in it on a line of its own, but
// for points.
func pretty(b *strings.Builder, l list, depth int) {
	b.WriteByte('(')
	broken := false
	points := false
	for i, v := range l {
		inner, isList := v.(list)
		if !isList {
			if i > 0 {
				b.WriteByte(' ')
			}
			atom(b, v)
			continue
		}
		broken = true
		if inner[0] == "xy" && points {
			b.WriteByte(' ')
		} else {
			b.WriteByte('\n')
			b.WriteString(strings.Repeat("\t", depth+1))
		}
		points = inner[0] == "xy"
		pretty(b, inner, depth+1)
	}
	if broken {
		b.WriteByte('\n')
		b.WriteString(strings.Repeat("\t", depth))
	}
	b.WriteByte(')')
}

// short writes what stands in the file, in a symbol of the library and in its
// units on a line each, and all that is in these on that line.
func short(b *strings.Builder, l list, depth int) {
	open := depth == 0 || l[0] == "lib_symbols" || depth == 2 && l[0] == "symbol" || depth == 3 && l[0] == "symbol" || depth == 1 && (l[0] == "symbol" || l[0] == "sheet")
	b.WriteByte('(')
	for i, v := range l {
		inner, isList := v.(list)
		if !isList {
			if i > 0 {
				b.WriteByte(' ')
			}
			atom(b, v)
			continue
		}
		own := open && (depth != 1 && depth != 2 || l[0] == "lib_symbols" || inner[0] == "property" || inner[0] == "symbol" || inner[0] == "instances" || inner[0] == "pin")
		if depth == 0 && i <= 3 {
			own = false
		}
		if own {
			b.WriteByte('\n')
			b.WriteString(strings.Repeat("  ", depth+1))
		} else {
			b.WriteByte(' ')
		}
		short(b, inner, depth+1)
	}
	b.WriteByte(')')
}
