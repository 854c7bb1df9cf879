package circuit

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strconv"
	"strings"

	"github.com/ailiance/lorabench/scorers/kicad"
	"github.com/ailiance/lorabench/scorers/kicad/symbol"
	"github.com/ailiance/lorabench/scorers/sexpr"
)

// Limits of a text that a model wrote.
const (
	maxText   = 1 << 20
	maxNodes  = 1 << 18
	maxDepth  = 64
	maxFiles  = 64
	maxPlaces = 512
	maxWork   = 16 << 20 // bytes of files, each as often as it is placed
)

// Schematic is what a schematic says: as KiCad 9 exports its netlist, and what a
// netlist does not say.
type Schematic struct {
	Netlist *kicad.Netlist
	Pins    map[string]map[string]string // electrical type of each pin, by reference and number
	Times   map[string]int               // how many places a file has; the root has one
	Files   map[string]string            // file that a part is in, by reference; "" for the root
}

// A LoadError says why KiCad would not load a text, or why it would not be a
// circuit. Reason is short and says nothing of where, so that it can be counted.
type LoadError struct {
	File   string
	Line   int // from 1; 0 where it is not known
	Reason string
}

func (e *LoadError) Error() string {
	if e.Line == 0 {
		return fmt.Sprintf("%s: %s", e.File, e.Reason)
	}
	return fmt.Sprintf("%s:%d: %s", e.File, e.Line, e.Reason)
}

// Load reads a schematic of one file, or of several as [Split] takes them apart,
// as KiCad 9 does. The error is a *[LoadError], or that of ctx.
func Load(ctx context.Context, text string) (*Schematic, error) {
	files := Split(text)
	switch {
	case len(text) > maxText:
		return nil, &LoadError{"", 0, "the text is too long"}
	case len(files) == 0:
		return nil, &LoadError{"", 0, "the text is empty"}
	case len(files) > maxFiles:
		return nil, &LoadError{"", 0, "too many files"}
	}
	l := loader{files: map[string]*file{}, out: &Schematic{Pins: map[string]map[string]string{}, Times: map[string]int{}, Files: map[string]string{}}, units: map[unit]bool{}, loose: map[string]bool{}}
	for _, f := range files {
		if l.files[f.Name] != nil {
			return nil, &LoadError{f.Name, 0, "a file is there twice"}
		}
		parsed, err := parseFile(f)
		if err != nil {
			return nil, err
		}
		l.files[f.Name] = parsed
	}
	root := l.files[files[0].Name]
	if err := l.place(root, "/"+root.uuid, 0, nil); err != nil {
		return nil, err
	}
	open := func(name string) ([]byte, error) {
		if f := l.files[name]; f != nil {
			return f.text, nil
		}
		return nil, fmt.Errorf("%s: %w", name, fs.ErrNotExist)
	}
	limits := kicad.Limits{
		Text: sexpr.Limits{Bytes: maxText, Nodes: maxNodes, Depth: maxDepth}, Files: maxFiles, Bytes: maxText, Sheets: maxPlaces, Items: 1 << 18, BusMembers: 1 << 14,
	}
	n, err := kicad.ReadNetlist(ctx, files[0].Name, root.text, open, limits)
	switch {
	case ctx.Err() != nil:
		return nil, context.Cause(ctx)
	case errors.Is(err, kicad.ErrLimit), errors.Is(err, sexpr.ErrLimit):
		return nil, &LoadError{files[0].Name, 0, "beyond the limits"}
	case err != nil:
		return nil, &LoadError{files[0].Name, 0, "no netlist can be read"}
	}
	l.out.Netlist = l.known(n)
	return l.out, nil
}

// file is a parsed file.
type file struct {
	name    string
	text    []byte
	root    sexpr.Node
	uuid    string
	symbols map[string]symbol.Symbol // by the whole name: "Device:R"
}

// parseFile reads a file, and what of it KiCad does not load.
func parseFile(f File) (*file, error) {
	text := []byte(f.Text)
	limits := sexpr.Limits{Bytes: maxText, Nodes: maxNodes, Depth: maxDepth}
	d, err := sexpr.Parse(text, limits)
	var stop *sexpr.Error
	if errors.As(err, &stop) && stop.AfterList { // KiCad does not look at what follows
		text = text[:stop.Offset]
		d, err = sexpr.Parse(text, limits)
	}
	switch {
	case errors.As(err, &stop):
		return nil, &LoadError{f.Name, stop.Line, "not S-expressions: parentheses or quotes do not match"}
	case err != nil:
		return nil, &LoadError{f.Name, 0, "beyond the limits"}
	}
	p := &file{name: f.Name, text: text, root: d.Root(), symbols: map[string]symbol.Symbol{}}
	var w *wrongList
	if err := checkSheet(p.root); errors.As(err, &w) {
		return nil, &LoadError{f.Name, w.line, "does not load: " + w.reason}
	}
	p.uuid = strings.ToLower(p.root.Value("uuid"))
	for lib := range p.root.Lists("lib_symbols") {
		if err := p.library(lib); err != nil {
			return nil, err
		}
	}
	return p, nil
}

// library reads the symbols of a file. In KiCad one reader serves schematics and
// libraries.
func (f *file) library(lib sexpr.Node) error {
	var b bytes.Buffer
	fmt.Fprintf(&b, "(kicad_symbol_lib (version %s) (generator x)\n", f.root.Value("version"))
	var names []string
	first := true
	for e := range lib.Elements() {
		if first {
			first = false
			continue
		}
		name, ok := e.Atom(1)
		if head(e) != "symbol" || !ok {
			return &LoadError{f.name, e.Line(), "does not load: lib_symbols holds something that is no symbol"}
		}
		names = append(names, name)
		b.Write(e.Source())
		b.WriteByte('\n')
	}
	b.WriteByte(')')
	symbols, err := symbol.ReadWithin(b.String(), symbol.Limits{Bytes: maxText + 1024, Nodes: maxNodes, Depth: maxDepth})
	if err != nil || len(symbols) != len(names) {
		return &LoadError{f.name, lib.Line(), "does not load: a symbol of lib_symbols cannot be read"}
	}
	for i, name := range names {
		f.symbols[name] = symbols[i]
	}
	return nil
}

// unit is a unit of a part.
type unit struct {
	ref    string
	number int
}

// loader follows the sheets of a schematic.
type loader struct {
	files  map[string]*file
	out    *Schematic
	units  map[unit]bool
	places int
	work   int
	loose  map[string]bool // references of parts that have none in their place
}

// place adds the parts of a file in one of its places.
func (l *loader) place(f *file, at string, depth int, above []*file) error {
	l.places++
	l.work += len(f.text)
	if l.places > maxPlaces || l.work > maxWork || depth > maxDepth {
		return &LoadError{f.name, 0, "too many sheets"}
	}
	for _, other := range above {
		if other == f {
			return &LoadError{f.name, 0, "a sheet is in itself"}
		}
	}
	l.out.Times[f.name]++
	for s := range f.root.Lists("symbol") {
		if err := l.part(f, s, at); err != nil {
			return err
		}
	}
	for s := range f.root.Lists("sheet") {
		name := ""
		for p := range s.Lists("property") {
			key, _ := p.Atom(1)
			if key == "Sheetfile" || key == "Sheet file" {
				name, _ = p.Atom(2)
			}
		}
		sub := l.files[path.Clean(name)]
		if sub == nil {
			return &LoadError{f.name, s.Line(), "the file of a sheet is missing"}
		}
		if err := l.place(sub, at+"/"+strings.ToLower(s.Value("uuid")), depth+1, append(above, f)); err != nil {
			return err
		}
	}
	return nil
}

// part adds a placed unit of a symbol.
func (l *loader) part(f *file, s sexpr.Node, at string) error {
	id, hasID := s.List("lib_id").Atom(1)
	name := id
	if other, ok := s.List("lib_name").Atom(1); ok {
		name = other
	}
	lib, known := f.symbols[name]
	if !hasID || !known {
		return &LoadError{f.name, s.Line(), "a symbol is not in lib_symbols"}
	}
	ref, placed := reference(s, at)
	number := 1
	if v, err := strconv.Atoi(s.Value("unit")); err == nil {
		number = v
	}
	if lib.Power || strings.HasPrefix(ref, "#") {
		return nil
	}
	if ref == "" || strings.HasSuffix(ref, "?") {
		return &LoadError{f.name, s.Line(), "a part has no reference"}
	}
	u := unit{ref, number}
	if l.units[u] {
		return &LoadError{f.name, s.Line(), "a reference is there twice"}
	}
	l.units[u] = true
	if !placed {
		l.loose[ref] = true
	}
	if l.places > 1 {
		l.out.Files[ref] = f.name
	}
	style := 1
	if s.Value("convert") == "2" {
		style = 2
	}
	pins := l.out.Pins[ref]
	if pins == nil {
		pins = map[string]string{}
		l.out.Pins[ref] = pins
	}
	for _, p := range lib.Pins {
		if (p.Unit == 0 || p.Unit == number) && (p.Style == 0 || p.Style == style) {
			pins[p.Number] = string(p.Type)
		}
	}
	return nil
}

// reference returns a part's reference in a place, and whether the part says so
// itself, in (instances …): where it does not KiCad takes its field.
func reference(s sexpr.Node, at string) (ref string, placed bool) {
	for project := range s.List("instances").Lists("project") {
		for p := range project.Lists("path") {
			if v, _ := p.Atom(1); strings.ToLower(v) == at {
				return p.Value("reference"), true
			}
		}
	}
	for p := range s.Lists("property") {
		if key, _ := p.Atom(1); key == "Reference" {
			ref, _ = p.Atom(2)
		}
	}
	return ref, false
}

// known is the netlist without what KiCad 9 does not name: a net that has its
// name of a pin, of a part without a reference in its place. Such nets are not in
// a netlist that it exports.
func (l *loader) known(n *kicad.Netlist) *kicad.Netlist {
	if len(l.loose) == 0 {
		return n
	}
	out := &kicad.Netlist{Components: n.Components, Warnings: n.Warnings}
	for _, net := range n.Nets {
		if strings.HasPrefix(net.Name, "Net-(") || strings.HasPrefix(net.Name, "unconnected-(") {
			kept := kicad.Net{Name: net.Name}
			for _, p := range net.Pins {
				if l.loose[p.Ref] {
					out.Nets = append(out.Nets, kicad.Net{Pins: []kicad.Pin{p}})
				} else {
					kept.Pins = append(kept.Pins, p)
				}
			}
			net = kept
		}
		if len(net.Pins) > 0 {
			out.Nets = append(out.Nets, net)
		}
	}
	return out
}
