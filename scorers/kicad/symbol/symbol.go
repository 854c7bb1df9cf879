// Package symbol reads schematic symbols of KiCad, and judges whether a symbol
// is the one that was asked for.
//
// [Read] takes both formats: the S-expressions of KiCad 6 to 10, a whole library
// or a symbol alone, and the lines DEF … ENDDEF of KiCad 5 and before. It refuses
// what KiCad refuses: an unknown word, a pin without an orientation, a part that
// is cut off.
//
// A [Target] says what is asked; [Target.Judge] compares by meaning: pins by
// their number, name, electrical type, unit, side and place, fields, and a body
// that the pins touch. Order, ids, fonts, colours and the format's own way to
// write a thing do not matter.
//
// The package deliberately does not draw, and resolves no other library's
// symbols.
//
// Sources: https://dev-docs.kicad.org/en/file-formats/sexpr-symbol-lib,
// https://dev-docs.kicad.org/en/file-formats/legacy-4-to-6 (library files), and
// the readers of KiCad 5 and 9, by what they accept.
package symbol

// Format is how a text writes symbols.
type Format string

// The formats.
const (
	Current Format = "current" // S-expressions, KiCad 6 and later
	Legacy  Format = "legacy"  // DEF … ENDDEF, KiCad 5 and before
)

// Symbol is one part of a library. Lengths are nanometres; x points right and y
// up, as in both formats.
type Symbol struct {
	Format    Format
	Name      string // without the library's
	Extends   string // the parent, of which pins and graphics are; "" for none
	Aliases   []string
	Reference string // the prefix: "U"
	Value     string
	Footprint string
	Datasheet string

	Description string
	Keywords    string
	Properties  map[string]string // other than these

	Power        bool
	HidesNames   bool // of all pins
	HidesNumbers bool
	Units        int // at least 1
	Styles       int // 2 where there is a De Morgan form
	Pins         []Pin
	Graphics     []Graphic
}

// Pin is a terminal. X and Y are where a wire connects.
type Pin struct {
	Number, Name string // the name with ~{…} around what has a bar
	Type         Type
	Shape        Shape
	X, Y         int
	Length       int
	Orientation  Orientation
	Unit         int // 0: of all units
	Style        int // 0: of both body styles
	Hidden       bool
	Alternates   int // how many other functions it may be given
}

// End is where a pin meets the body.
func (p Pin) End() Point {
	d := p.Orientation.direction()
	return Point{p.X + d.X*p.Length, p.Y + d.Y*p.Length}
}

// Type is a pin's electrical type, as today's format writes it.
type Type string

// The electrical types.
const (
	Input         Type = "input"
	Output        Type = "output"
	Bidirectional Type = "bidirectional"
	TriState      Type = "tri_state"
	Passive       Type = "passive"
	Free          Type = "free" // KiCad 6 and later only
	Unspecified   Type = "unspecified"
	PowerIn       Type = "power_in"
	PowerOut      Type = "power_out"
	OpenCollector Type = "open_collector"
	OpenEmitter   Type = "open_emitter"
	NoConnect     Type = "no_connect"
)

// currentTypes are the words of today's format. KiCad's first S-expressions
// said unconnected.
var currentTypes = map[string]Type{
	"input": Input, "output": Output, "bidirectional": Bidirectional, "tri_state": TriState, "passive": Passive,
	"free": Free, "unspecified": Unspecified, "power_in": PowerIn, "power_out": PowerOut,
	"open_collector": OpenCollector, "open_emitter": OpenEmitter, "no_connect": NoConnect, "unconnected": NoConnect,
}

var legacyTypes = map[string]Type{
	"I": Input, "O": Output, "B": Bidirectional, "T": TriState, "P": Passive, "U": Unspecified, "W": PowerIn,
	"w": PowerOut, "C": OpenCollector, "E": OpenEmitter, "N": NoConnect,
}

// Shape is how a pin is drawn, as today's format writes it.
type Shape string

// The shapes.
const (
	Line          Shape = "line"
	Inverted      Shape = "inverted"
	Clock         Shape = "clock"
	InvertedClock Shape = "inverted_clock"
	InputLow      Shape = "input_low"
	ClockLow      Shape = "clock_low"
	OutputLow     Shape = "output_low"
	FallingClock  Shape = "edge_clock_high"
	NonLogic      Shape = "non_logic"
)

var currentShapes = map[string]Shape{
	"line": Line, "inverted": Inverted, "clock": Clock, "inverted_clock": InvertedClock, "input_low": InputLow,
	"clock_low": ClockLow, "output_low": OutputLow, "edge_clock_high": FallingClock, "non_logic": NonLogic,
}

// legacyShapes are by their letters in alphabetical order, N (hidden) left out.
var legacyShapes = map[string]Shape{
	"": Line, "I": Inverted, "C": Clock, "CI": InvertedClock, "L": InputLow, "CL": ClockLow, "V": OutputLow,
	"F": FallingClock, "X": NonLogic,
}

// Orientation is the angle at which a pin leaves its connection point for the
// body, in degrees: 0 is to the right, so that the pin stands left of the body.
type Orientation int

// Side is the side of the body that a pin of this orientation stands on.
func (o Orientation) Side() string {
	return map[Orientation]string{0: SideLeft, 90: SideBottom, 180: SideRight, 270: SideTop}[o]
}

func (o Orientation) direction() Point {
	return map[Orientation]Point{0: {1, 0}, 90: {0, 1}, 180: {-1, 0}, 270: {0, -1}}[o]
}

// The sides of a body.
const (
	SideLeft   = "left"
	SideRight  = "right"
	SideTop    = "top"
	SideBottom = "bottom"
)

// Point is a place in nanometres.
type Point struct{ X, Y int }

// Graphic is a drawn thing.
type Graphic struct {
	Kind        Kind
	Unit, Style int // as a pin's
	// Points are a rectangle's two corners, the corners of a polyline, a
	// circle's centre, an arc's start, middle and end, a curve's four control
	// points, or where a text stands.
	Points []Point
	Radius int // of a circle
}

// Kind is what a graphic is.
type Kind uint8

// The kinds of graphics.
const (
	Rectangle Kind = iota
	Polyline
	Circle
	Arc
	Bezier
	Text
)

// Limits bound what Read accepts. A zero means that of a large library.
type Limits struct {
	Bytes int // of the text; 256 MiB
	Nodes int // lists and atoms, or lines; 32 million
	Depth int // of lists in lists; 64
}

// ModelLimits are for a text that a model wrote.
var ModelLimits = Limits{Bytes: 1 << 20, Nodes: 1 << 18, Depth: 64}
