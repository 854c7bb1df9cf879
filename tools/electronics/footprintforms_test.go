package electronics

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/ailiance/lorabench/scorers/kicad/footprint"
	"github.com/ailiance/lorabench/tasks/generated"
)

// form says how a footprint is written: all forms mean the same.
type form struct {
	name     string
	legacy   bool // (module …) of KiCad 4 and 5
	shuffled bool // items in another order, with ids
	turned   bool // pads turned by 90 degrees, with their sides exchanged
	round    bool // every shape as the most general one that it is a case of
	lines    bool // rectangles as four lines
	rounded  bool // to 0.01 mm
}

var forms = []form{
	{name: "today's"},
	{name: "legacy", legacy: true},
	{name: "shuffled", shuffled: true},
	{name: "turned", turned: true},
	{name: "general shapes", round: true},
	{name: "four lines", lines: true},
	{name: "all at once", legacy: true, shuffled: true, turned: true, round: true, lines: true},
}

// writeFootprint writes a footprint in a form.
func writeFootprint(f *footprint.Footprint, form form, r *generated.Rand) string {
	w := &writer{form: form, r: r}
	word := func(s string) string {
		if form.legacy && s != "" && !strings.ContainsAny(s, " \t\r\n()\"\\#%{}|;") {
			return s
		}
		return strconv.QuoteToGraphic(s)
	}
	quote := func(s string) string {
		return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`).Replace(s) + `"`
	}
	if form.legacy {
		quote = word
	}
	layer := "F.Cu"
	if f.Back {
		layer = "B.Cu"
	}
	attributes, needsVersion := legacyAttributes(f.Attributes)
	w.legacyArcs = form.legacy && !needsVersion
	var items []string
	for _, x := range f.Texts {
		switch {
		case x.Kind == "user" || form.legacy && (x.Kind == "reference" || x.Kind == "value"):
			items = append(items, fmt.Sprintf("(fp_text %s %s (at %s) (layer %s)%s)", x.Kind, quote(x.Text), w.point(x.At), quote(x.Layer), w.id()))
		case x.Kind == "reference" || x.Kind == "value":
			items = append(items, fmt.Sprintf("(property %q %s (at %s 0) (layer %s)%s (effects (font (size 1 1))))", strings.ToUpper(x.Kind[:1])+x.Kind[1:], quote(x.Text), w.point(x.At), quote(x.Layer), w.id()))
		}
	}
	for _, g := range f.Graphics {
		items = append(items, w.graphic("fp", g)...)
	}
	for _, p := range f.Pads {
		items = append(items, w.pad(p))
	}
	if form.shuffled {
		generated.Shuffle(r, items)
	}
	var head string
	switch {
	case form.legacy && needsVersion:
		head = fmt.Sprintf("(module %s (version 20211014) (layer %s) (attr %s)", quote(f.Name), layer, strings.Join(f.Attributes, " "))
	case form.legacy:
		head = fmt.Sprintf("(module %s (layer %s) (tedit 5A02FE31)%s", quote(f.Name), layer, attributes)
	default:
		head = fmt.Sprintf("(footprint %s (version 20240108) (generator pcbnew) (layer %q) (attr %s)", quote(f.Name), layer, strings.Join(f.Attributes, " "))
	}
	between := "\n\t"
	if form.shuffled {
		between = " "
	}
	return head + between + strings.Join(items, between) + "\n)"
}

// legacyAttributes writes attributes as KiCad 5 does, where it can.
func legacyAttributes(attributes []string) (text string, needsVersion bool) {
	switch strings.Join(attributes, " ") {
	case "through_hole":
		return "", false
	case "smd":
		return " (attr smd)", false
	case "exclude_from_bom exclude_from_pos_files":
		return " (attr virtual)", true // would be through_hole too, were there no version
	}
	return "", true
}

type writer struct {
	form
	r          *generated.Rand
	legacyArcs bool
}

func (w *writer) number(n int) string {
	if w.rounded {
		n = int(math.Round(float64(n)/10_000)) * 10_000
	}
	s := strconv.FormatFloat(float64(n)/1e6, 'f', -1, 64)
	if w.shuffled && w.r.IntN(4) == 0 && strings.Contains(s, ".") {
		s += "00"
	}
	return s
}

func (w *writer) point(p footprint.Point) string { return w.number(p.X) + " " + w.number(p.Y) }

func (w *writer) id() string {
	if !w.shuffled {
		return ""
	}
	word := "uuid"
	if w.legacy {
		word = "tstamp"
	}
	return fmt.Sprintf(" (%s %08x-0000-4000-8000-%012x)", word, w.r.Uint64()>>32, w.r.Uint64()>>16)
}

// graphic writes a graphic, as one item or as four lines.
func (w *writer) graphic(prefix string, g footprint.Graphic) []string {
	if w.lines && g.Kind == "rect" && !g.Filled && prefix == "fp" {
		a, b := g.Points[0], g.Points[1]
		corners := []footprint.Point{a, {X: b.X, Y: a.Y}, b, {X: a.X, Y: b.Y}}
		var items []string
		for i, c := range corners {
			items = append(items, w.graphic(prefix, footprint.Graphic{Kind: "line", Layer: g.Layer, Points: []footprint.Point{c, corners[(i+1)%4]}, Width: g.Width})...)
		}
		return items
	}
	p := g.Points
	switch {
	case g.Kind == "arc" && w.legacyArcs && p[0] == p[2]: // all around
		g.Kind, p = "circle", []footprint.Point{{X: (p[0].X + p[1].X) / 2, Y: (p[0].Y + p[1].Y) / 2}, p[0]}
	case g.Kind == "arc" && w.legacyArcs && straight(p): // it has no centre
		g.Kind, p = "line", []footprint.Point{p[0], p[2]}
	}
	var b strings.Builder
	fmt.Fprintf(&b, "(%s_%s", prefix, g.Kind)
	switch g.Kind {
	case "line", "rect":
		fmt.Fprintf(&b, " (start %s) (end %s)", w.point(p[0]), w.point(p[1]))
	case "circle":
		fmt.Fprintf(&b, " (center %s) (end %s)", w.point(p[0]), w.point(p[1]))
	case "arc":
		if w.legacyArcs {
			b.WriteString(legacyArc(w, p))
		} else {
			fmt.Fprintf(&b, " (start %s) (mid %s) (end %s)", w.point(p[0]), w.point(p[1]), w.point(p[2]))
		}
	default:
		b.WriteString(" (pts")
		for _, q := range p {
			fmt.Fprintf(&b, " (xy %s)", w.point(q))
		}
		b.WriteString(")")
	}
	if g.Layer != "" {
		fmt.Fprintf(&b, " (layer %q)", g.Layer)
	}
	fill := "none"
	if g.Filled {
		fill = "solid"
	}
	if w.legacy {
		fmt.Fprintf(&b, " (width %s)", w.number(g.Width))
	} else {
		fmt.Fprintf(&b, " (stroke (width %s) (type solid))", w.number(g.Width))
	}
	if g.Kind != "line" && g.Kind != "arc" {
		fmt.Fprintf(&b, " (fill %s)", fill)
	}
	if prefix == "fp" {
		b.WriteString(w.id())
	}
	b.WriteString(")")
	return []string{b.String()}
}

func straight(p []footprint.Point) bool {
	ax, ay := float64(p[1].X-p[0].X), float64(p[1].Y-p[0].Y)
	bx, by := float64(p[2].X-p[0].X), float64(p[2].Y-p[0].Y)
	return math.Abs(ax*by-ay*bx) <= 1e-9*(ax*ax+ay*ay+bx*bx+by*by)
}

// legacyArc writes an arc by its centre, its start and how far it turns.
func legacyArc(w *writer, p []footprint.Point) string {
	ax, ay := float64(p[1].X-p[0].X), float64(p[1].Y-p[0].Y)
	bx, by := float64(p[2].X-p[0].X), float64(p[2].Y-p[0].Y)
	cross := 2 * (ax*by - ay*bx)
	la, lb := ax*ax+ay*ay, bx*bx+by*by
	cx, cy := (by*la-ay*lb)/cross, (ax*lb-bx*la)/cross
	turn := func(x, y float64) float64 {
		a := math.Mod(math.Atan2(y-cy, x-cx)-math.Atan2(-cy, -cx)+4*math.Pi, 2*math.Pi)
		return a * 180 / math.Pi
	}
	middle, end := turn(ax, ay), turn(bx, by)
	if middle > end {
		end -= 360
	}
	exact := func(v float64) string { return strconv.FormatFloat(v/1e6, 'f', 9, 64) }
	return fmt.Sprintf(" (start %s %s) (end %s) (angle %s)", exact(float64(p[0].X)+cx), exact(float64(p[0].Y)+cy), w.point(p[0]), strconv.FormatFloat(end, 'f', 9, 64))
}

func (w *writer) pad(p footprint.Pad) string {
	simple := p.Shape == "rect" || p.Shape == "circle" || p.Shape == "oval" || p.Shape == "roundrect" && p.Cut == 0
	number, shape, ratio := p.Number, p.Shape, p.Ratio
	if w.turned && simple {
		p.Angle = math.Mod(p.Angle+90, 360)
		p.Size = footprint.Size{W: p.Size.H, H: p.Size.W}
		p.Drill = footprint.Size{W: p.Drill.H, H: p.Drill.W}
		p.Offset = footprint.Point{X: -p.Offset.Y, Y: p.Offset.X}
	}
	if w.round && simple {
		switch shape {
		case "rect":
			shape, ratio = "roundrect", 0
		case "oval", "circle":
			if shape == "circle" {
				p.Size.H = p.Size.W
			}
			shape, ratio = "roundrect", 0.5
		}
	}
	if number == "" && w.shuffled && p.Kind == "np_thru_hole" {
		number = "7" // KiCad gives it none
	}
	var parts []string
	at := w.point(p.At)
	if p.Angle != 0 {
		at += " " + strconv.FormatFloat(p.Angle, 'f', -1, 64)
	}
	add := func(format string, args ...any) { parts = append(parts, fmt.Sprintf(format, args...)) }
	add("(at %s)", at)
	add("(size %s %s)", w.number(p.Size.W), w.number(p.Size.H))
	if p.Drill != (footprint.Size{}) || p.Offset != (footprint.Point{}) {
		drill := "(drill"
		switch {
		case p.Drill == (footprint.Size{}):
		case p.Drill.W != p.Drill.H:
			drill += " oval " + w.number(p.Drill.W) + " " + w.number(p.Drill.H)
		default:
			drill += " " + w.number(p.Drill.W)
		}
		if p.Offset != (footprint.Point{}) {
			drill += " (offset " + w.point(p.Offset) + ")"
		}
		parts = append(parts, drill+")")
	}
	layers := p.Layers.Names()
	if w.shuffled {
		generated.Shuffle(w.r, layers)
	} else {
		layers = strings.Fields(p.Layers.String())
	}
	add("(layers %s)", strings.Join(layers, " "))
	if shape == "roundrect" {
		add("(roundrect_rratio %s)", strconv.FormatFloat(ratio, 'f', -1, 64))
	}
	if p.Cut != 0 {
		var corners []string
		for i, name := range []string{"top_left", "top_right", "bottom_right", "bottom_left"} {
			if p.Cut&(1<<i) != 0 {
				corners = append(corners, name)
			}
		}
		add("(chamfer_ratio %s)", strconv.FormatFloat(p.Chamfer, 'f', -1, 64))
		add("(chamfer %s)", strings.Join(corners, " "))
	}
	if p.Delta != (footprint.Point{}) {
		add("(rect_delta %s)", w.point(p.Delta))
	}
	if p.Shape == "custom" {
		add("(options (clearance outline) (anchor %s))", p.Anchor)
		var primitives []string
		for _, g := range p.Primitives {
			primitives = append(primitives, w.graphic("gr", g)...)
		}
		add("(primitives %s)", strings.Join(primitives, " "))
	}
	if w.shuffled {
		generated.Shuffle(w.r, parts)
		parts = slices.Insert(parts, w.r.IntN(len(parts)+1), strings.TrimSpace(w.id()))
	}
	return fmt.Sprintf("(pad %q %s %s %s)", number, p.Kind, shape, strings.Join(parts, " "))
}
