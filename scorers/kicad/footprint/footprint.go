package footprint

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/ailiance/lorabench/scorers/sexpr"
)

// Point is a place in nanometres; x goes to the right, y down.
type Point struct{ X, Y int }

// Size is a width and a height in nanometres.
type Size struct{ W, H int }

// Footprint is a part's land pattern as a library holds it. Positions are seen
// from the footprint's own origin, whatever its place on a board.
type Footprint struct {
	Name       string   // without its library
	Legacy     bool     // (module …), the form of KiCad 4 and 5
	Version    int      // date of the format, 20211014; 0 where the text has none
	Back       bool     // it is on the bottom side
	Attributes []string // sorted: "smd", "through_hole", "exclude_from_bom" …
	Pads       []Pad
	Texts      []Text
	Graphics   []Graphic
}

// Text is the reference, the value or another text.
type Text struct {
	Kind   string // "reference", "value", "user", or the name of a property
	Text   string
	Layer  string
	At     Point
	Hidden bool
}

// An Error says why KiCad would refuse a text.
type Error struct {
	Line   int
	Where  string // the list that is wrong: "pad", "fp_line"
	Reason string
}

func (e *Error) Error() string { return fmt.Sprintf("line %d: %s: %s", e.Line, e.Where, e.Reason) }

// ErrNoFootprint is wrapped by the error of a text that is S-expressions, and no
// footprint.
var ErrNoFootprint = errors.New("not a footprint")

// Limits of what a model writes. The largest of 12,504 footprints of KiCad's
// library has 270 kB and 50,000 nodes.
var answerLimits = sexpr.Limits{Bytes: 1 << 20, Nodes: 1 << 18, Depth: 64}

// Limits of a file: KiCad 9 puts 3D models into footprints.
var fileLimits = sexpr.Limits{Bytes: 64 << 20, Nodes: 4 << 20, Depth: 64}

// Read reads one footprint that a model wrote: at most 1 MiB. The error is an
// [*Error], a [*sexpr.Error], or wraps [sexpr.ErrLimit] or [ErrNoFootprint].
func Read(text string) (*Footprint, error) { return read([]byte(text), answerLimits) }

// ReadFile reads the text of a file of the user's own: at most 64 MiB. Its
// errors are those of Read.
func ReadFile(text []byte) (*Footprint, error) { return read(text, fileLimits) }

func read(text []byte, limits sexpr.Limits) (*Footprint, error) {
	d, err := sexpr.Parse(text, limits)
	if err != nil {
		return nil, err
	}
	root := d.Root()
	if !root.Is("footprint") && !root.Is("module") || root.Element(0).Quoted() {
		return nil, fmt.Errorf("%w: the text begins with (%s", ErrNoFootprint, excerpt(root.Head()))
	}
	n := 0
	for range d.Lists() {
		n++
	}
	if n > 1 {
		return nil, fmt.Errorf("%w: the text has %d lists, and a footprint is one", ErrNoFootprint, n)
	}
	r := &reader{root: root}
	f := r.footprint()
	if r.err != nil {
		return nil, r.err
	}
	return f, nil
}

// Versions of the format from which on a text is read another way.
const (
	threePointArcs     = 20210926 // arcs have a middle, not an angle
	explicitAttributes = 20200826 // before, no attribute meant through_hole
)

// maxLength is KiCad's: what is longer becomes this.
const maxLength = math.MaxInt32 - 10

type reader struct {
	root    sexpr.Node
	version int
	angle   float64 // of the footprint
	corners int     // of arcs within polygons, so far
	err     error
}

// fail keeps the first reason to refuse the text. It may be called with any
// node in the list that is wrong.
func (r *reader) fail(at sexpr.Node, where, format string, args ...any) {
	if r.err == nil {
		r.err = &Error{at.Line(), where, fmt.Sprintf(format, args...)}
	}
}

// unknown refuses an element that KiCad does not know.
func (r *reader) unknown(e sexpr.Node, where string) {
	if e.IsList() {
		r.fail(e, where, "unknown (%s", excerpt(e.Head()))
	} else {
		r.fail(e, where, "%s is out of place", excerpt(e.Text()))
	}
}

func (r *reader) footprint() *Footprint {
	f := &Footprint{Legacy: r.root.Is("module")}
	r.version, _ = strconv.Atoi(r.root.Value("version"))
	f.Version = r.version
	if at := r.root.List("at"); at.Valid() {
		r.angle = r.numbers(at, "footprint", 2, 3)[2]
	}
	properties := map[string]int{} // index in Texts
	first := true
	for e := range r.root.Elements() {
		if first {
			first = false
			continue
		}
		if r.err != nil {
			return f
		}
		if f.Name == "" && !e.IsList() && e == r.root.Element(1) {
			f.Name = e.Text()
			if _, name, found := strings.Cut(f.Name, ":"); found {
				f.Name = name
			}
			continue
		}
		if !e.IsList() {
			if word := e.Text(); e.Quoted() || word != "locked" && word != "placed" {
				r.unknown(e, "footprint")
			}
			continue
		}
		r.item(f, e, properties)
	}
	if e := r.root.Element(1); !e.Valid() || e.IsList() {
		r.fail(r.root, "footprint", "no name")
	}
	if f.Attributes == nil && r.version < explicitAttributes {
		f.Attributes = []string{"through_hole"}
	}
	slices.Sort(f.Attributes)
	f.Attributes = slices.Compact(f.Attributes)
	return f
}

// item reads one list of a footprint.
func (r *reader) item(f *Footprint, e sexpr.Node, properties map[string]int) {
	switch head := r.head(e); head {
	case "pad":
		f.Pads = append(f.Pads, r.pad(e))
	case "fp_line", "fp_rect", "fp_circle", "fp_arc", "fp_poly", "fp_curve":
		f.Graphics = append(f.Graphics, r.graphic(e, head))
	case "fp_text":
		t := r.text(e)
		if k := slices.IndexFunc(f.Texts, func(o Text) bool { return o.Kind == t.Kind && t.Kind != "user" }); k >= 0 {
			f.Texts[k] = t // the later one counts
		} else {
			f.Texts = append(f.Texts, t)
		}
	case "property":
		t := r.property(e, f)
		if k, there := properties[t.Kind]; there {
			f.Texts[k] = t
		} else if t.Kind != "" {
			properties[t.Kind] = len(f.Texts)
			f.Texts = append(f.Texts, t)
		}
	case "layer":
		f.Back = r.name(e, "layer") == "B.Cu"
	case "attr":
		f.Attributes = append(f.Attributes, r.attributes(e)...)
	case "version", "solder_mask_margin", "solder_paste_margin", "solder_paste_ratio", "solder_paste_margin_ratio",
		"clearance", "zone_connect", "thermal_width", "thermal_gap", "autoplace_cost90", "autoplace_cost180":
		r.numbers(e, head, 1, 1)
	case "at":
		r.numbers(e, head, 2, 3)
	case "generator", "generator_version", "sheetname", "sheetfile":
		r.symbol(r.only(e, head), head)
	case "tedit", "tstamp", "uuid", "descr", "tags", "path":
		r.only(e, head)
	case "embedded_fonts", "duplicate_pad_numbers_are_jumpers":
		r.flag(e, head)
	case "locked", "placed":
		r.maybeFlag(e, head)
	case "model":
		r.model(e)
	case "private_layers", "net_tie_pad_groups", "jumper_pad_groups", "stackup", "units", "component_classes", "variant",
		"fp_text_box", "table", "image", "barcode", "dimension", "zone", "group", "point", "embedded_files":
		// not looked at
	default:
		r.unknown(e, "footprint")
	}
}

// attributes are the words of (attr …), old ones in today's words.
func (r *reader) attributes(n sexpr.Node) []string {
	found := []string{}
	for e := range behindHead(n) {
		switch word := r.word(e, "attr"); word {
		case "virtual":
			found = append(found, "exclude_from_pos_files", "exclude_from_bom")
		case "through_hole", "smd", "board_only", "exclude_from_pos_files", "exclude_from_bom", "allow_missing_courtyard",
			"dnp", "allow_soldermask_bridges":
			found = append(found, word)
		default:
			r.unknown(e, "attr")
		}
	}
	return found
}

// text reads (fp_text reference "REF**" (at 0 0) …).
func (r *reader) text(n sexpr.Node) Text {
	var t Text
	k := 0
	for e := range behindHead(n) {
		switch {
		case k == 0:
			t.Kind = r.word(e, "fp_text")
			if t.Kind != "reference" && t.Kind != "value" && t.Kind != "user" {
				r.unknown(e, "fp_text")
			}
		case k == 1 && !e.IsList() && !e.Quoted() && e.Text() == "locked":
			continue
		case k == 1:
			t.Text = r.atom(e, "fp_text")
		default:
			r.effect(&t, e, "fp_text")
		}
		k++
	}
	if k < 3 {
		r.fail(n, "fp_text", "want a kind, a text and a place")
	}
	return t
}

// property reads (property "Reference" "REF**" …). Kind is "" of one that is no
// text.
func (r *reader) property(n sexpr.Node, f *Footprint) Text {
	var t Text
	name := ""
	k := 0
	for e := range behindHead(n) {
		switch k {
		case 0:
			name = r.symbol(e, "property")
			t.Layer = "F.Fab"
			if name == "Reference" {
				t.Layer = "F.SilkS"
			}
			if f.Back {
				t.Layer = "B" + t.Layer[1:]
			}
		case 1:
			t.Text = r.symbol(e, "property")
		default:
			r.effect(&t, e, "property")
		}
		k++
	}
	if k < 2 {
		r.fail(n, "property", "want a name and a value")
	}
	switch name {
	case "ki_fp_filters", "ki_keywords", "ki_locked", "ki_description", "Footprint", "":
		return Text{}
	case "Reference", "Value":
		t.Kind = strings.ToLower(name)
	default:
		t.Kind = "property " + name
	}
	return t
}

// effect reads what stands behind the words of a text.
func (r *reader) effect(t *Text, e sexpr.Node, where string) {
	if !e.IsList() {
		if e.Quoted() || e.Text() != "hide" {
			r.unknown(e, where)
		}
		t.Hidden = true
		return
	}
	switch head := r.head(e); head {
	case "at":
		var place [3]float64
		k := 0
		for a := range behindHead(e) {
			switch {
			case k < 3 && !a.Quoted() && a.Text() != "unlocked":
				place[k] = r.number(a, where)
			case k >= 2 && r.word(a, where) == "unlocked":
			default:
				r.unknown(a, where)
			}
			k++
		}
		if k < 2 {
			r.fail(e, where, "want x and y")
		}
		t.At = Point{length(place[0]), length(place[1])}
	case "layer":
		k := 0
		for a := range behindHead(e) {
			if k == 0 {
				t.Layer = r.atom(a, where)
			} else if r.word(a, where) != "knockout" || k > 1 {
				r.unknown(a, where)
			}
			k++
		}
		if k == 0 {
			r.fail(e, where, "want a layer")
		}
	case "tstamp", "uuid":
		r.only(e, where)
	case "hide":
		t.Hidden = r.maybeFlag(e, where)
	case "locked", "unlocked":
		r.flag(e, where)
	case "effects":
		r.effects(t, e)
	case "render_cache":
	default:
		r.unknown(e, where)
	}
}

// effects reads (effects (font (size 1 1) (thickness 0.15)) (justify left) hide).
func (r *reader) effects(t *Text, n sexpr.Node) {
	for e := range behindHead(n) {
		if !e.IsList() {
			if r.word(e, "effects") != "hide" {
				r.unknown(e, "effects")
			}
			t.Hidden = true
			continue
		}
		switch r.head(e) {
		case "hide":
			t.Hidden = r.maybeFlag(e, "effects")
		case "justify":
			for a := range behindHead(e) {
				switch r.word(a, "justify") {
				case "left", "right", "top", "bottom", "mirror":
				default:
					r.unknown(a, "justify")
				}
			}
		case "font":
			for a := range behindHead(e) {
				switch head := r.headOrWord(a); head {
				case "size":
					r.numbers(a, "font", 2, 2)
				case "thickness", "line_spacing":
					r.numbers(a, "font", 1, 1)
				case "face":
					r.symbol(r.only(a, "font"), "font")
				case "bold", "italic":
					if a.IsList() {
						r.maybeFlag(a, "font")
					}
				default:
					r.unknown(a, "font")
				}
			}
		default:
			r.unknown(e, "effects")
		}
	}
}

func (r *reader) model(n sexpr.Node) {
	k := 0
	for e := range behindHead(n) {
		if k++; k == 1 {
			r.atom(e, "model")
			continue
		}
		switch r.headOrWord(e) {
		case "hide":
			if e.IsList() {
				r.maybeFlag(e, "model")
			}
		case "opacity":
			r.numbers(e, "model", 1, 1)
		case "at", "offset", "scale", "rotate":
			if xyz := r.only(e, "model"); r.head(xyz) == "xyz" {
				r.numbers(xyz, "model", 3, 3)
			} else {
				r.fail(e, "model", "want (xyz")
			}
		default:
			r.unknown(e, "model")
		}
	}
	if k == 0 {
		r.fail(n, "model", "no file")
	}
}

// behindHead returns the elements of a list without its head.
func behindHead(n sexpr.Node) func(func(sexpr.Node) bool) {
	return func(yield func(sexpr.Node) bool) {
		first := true
		for e := range n.Elements() {
			if !first && !yield(e) {
				return
			}
			first = false
		}
	}
}

// head is the head of a list; of one whose head is in quotes, which is no word
// of the format, it is "".
func (r *reader) head(n sexpr.Node) string {
	if n.Element(0).Quoted() {
		return ""
	}
	return n.Head()
}

// headOrWord is the head of a list, or a bare word.
func (r *reader) headOrWord(n sexpr.Node) string {
	switch {
	case n.IsList():
		return r.head(n)
	case n.Quoted():
		return ""
	}
	return n.Text()
}

// word is an atom that is not in quotes: those that are, are texts.
func (r *reader) word(e sexpr.Node, where string) string {
	if !e.Valid() || e.IsList() || e.Quoted() {
		r.fail(e, where, "want a word that is not in quotes")
		return ""
	}
	return e.Text()
}

// atom is a text or a word.
func (r *reader) atom(e sexpr.Node, where string) string {
	if !e.Valid() || e.IsList() {
		r.fail(e, where, "want a text")
		return ""
	}
	return e.Text()
}

// symbol is a text, or a word that is no number.
func (r *reader) symbol(e sexpr.Node, where string) string {
	s := r.atom(e, where)
	if e.Valid() && !e.Quoted() && isNumber(s) {
		r.fail(e, where, "want a text, found the number %s", excerpt(s))
	}
	return s
}

// only is the one element behind the head of n.
func (r *reader) only(n sexpr.Node, where string) sexpr.Node {
	var one sexpr.Node
	k := 0
	for e := range behindHead(n) {
		one = e
		k++
	}
	if k != 1 {
		r.fail(n, where, "%d elements in (%s, want 1", k, excerpt(n.Head()))
	}
	return one
}

// name is the one atom behind the head of n.
func (r *reader) name(n sexpr.Node, where string) string { return r.atom(r.only(n, where), where) }

// flag reads (word yes).
func (r *reader) flag(n sexpr.Node, where string) bool {
	switch r.word(r.only(n, where), where) {
	case "yes":
		return true
	case "no":
		return false
	}
	r.fail(n, where, "want yes or no in (%s", excerpt(n.Head()))
	return false
}

// maybeFlag reads (word) or (word yes).
func (r *reader) maybeFlag(n sexpr.Node, where string) bool {
	if !n.Element(1).Valid() {
		return true
	}
	switch r.word(r.only(n, where), where) {
	case "yes", "true":
		return true
	case "no", "false":
		return false
	}
	r.fail(n, where, "want yes or no in (%s", excerpt(n.Head()))
	return false
}

// numbers are what stands behind the head of n: least to most numbers, at most 4.
func (r *reader) numbers(n sexpr.Node, where string, least, most int) [4]float64 {
	var v [4]float64
	k := 0
	for e := range behindHead(n) {
		if k == most {
			r.fail(n, where, "more than %d numbers in (%s", most, excerpt(n.Head()))
			return v
		}
		v[k] = r.number(e, where)
		k++
	}
	if k < least {
		r.fail(n, where, "%d numbers in (%s, want %d", k, excerpt(n.Head()), least)
	}
	return v
}

// point is what stands behind the head of n: x and y.
func (r *reader) point(n sexpr.Node, where string) Point {
	v := r.numbers(n, where, 2, 2)
	return Point{length(v[0]), length(v[1])}
}

func (r *reader) number(e sexpr.Node, where string) float64 {
	if e.IsList() || e.Quoted() || !isNumber(e.Text()) {
		r.fail(e, where, "want a number, found %s", excerpt(e.Text()))
		return 0
	}
	v, _ := strconv.ParseFloat(e.Text(), 64) // out of range it is infinite, and then cut
	return v
}

// length is a number of millimetres in nanometres.
func length(mm float64) int {
	return int(math.Round(max(-maxLength, min(maxLength, mm*1e6))))
}

// isNumber reports whether a word is a number to KiCad's reader: digits with or
// without sign, point and exponent.
func isNumber(s string) bool {
	digits := func() int {
		n := 0
		for n < len(s) && s[n] >= '0' && s[n] <= '9' {
			n++
		}
		s = s[n:]
		return n
	}
	sign := func() {
		if s != "" && (s[0] == '-' || s[0] == '+') {
			s = s[1:]
		}
	}
	sign()
	n := digits()
	if s != "" && s[0] == '.' {
		s = s[1:]
		n += digits()
	}
	if n == 0 {
		return false
	}
	if s != "" && (s[0] == 'e' || s[0] == 'E') {
		s = s[1:]
		sign()
		return digits() > 0 && s == ""
	}
	return s == ""
}

// excerpt is the beginning of a text in quotes.
func excerpt(s string) string { return strconv.QuoteToASCII(s[:min(len(s), 24)]) }

// comparePoints orders points by x, then by y.
func comparePoints(a, b Point) int { return cmp.Or(cmp.Compare(a.X, b.X), cmp.Compare(a.Y, b.Y)) }
