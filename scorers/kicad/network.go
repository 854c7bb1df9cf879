package kicad

import (
	"context"
	"fmt"
	"strings"
)

// rank orders what may name a net. Higher ones win.
type rank uint8

const (
	pinRank          rank = 1
	sheetPinRank     rank = 2
	hierarchicalRank rank = 3
	localRank        rank = 4
	localPowerRank   rank = 5
	globalBusRank    rank = 6
	// The members of a bus rank behind what is global, and by what names the
	// bus: memberRank + the bus's rank.
	memberRank      rank = 10
	globalPowerRank rank = 20
	globalRank      rank = 21
)

// driver names the net of a node.
type driver struct {
	node  int32
	place int32 // -1: the name is global
	rank  rank
	order uint8 // among drivers of one rank, lower ones win
	name  string
}

// named is a name on a sheet, or with place -1 a global one: what has it is
// connected.
type named struct {
	place int32
	name  string
}

// part is a symbol on a sheet.
type part struct {
	place  int32
	symbol *symbol
	lib    *librarySymbol
	reference
	value string
	first int // of its pins in network.pins
	end   int
}

// placedPin is a pin of a part.
type placedPin struct {
	lib    *libraryPin
	node   int32
	part   int32
	kind   string // electrical
	name   string
	number string
}

// busLabel is a text that names a bus.
type busLabel struct {
	bus   *bus
	text  string
	node  int32
	place int32
	rank  rank
	order uint8
	names bool // its members are names on its sheet
}

// network is all sheets of a schematic, connected.
type network struct {
	*reader
	forest
	names     map[named]int32
	entrances map[named]int32 // hierarchical labels
	drivers   []driver
	parts     []part
	pins      []placedPin
	open      []int32 // nodes with a no-connect flag
	bases     []int32 // first node of each place
	busTexts  buses
	busLabels []busLabel
}

func (w *network) warn(format string, args ...any) {
	if len(w.warnings) < maxWarnings {
		w.warnings = append(w.warnings, fmt.Sprintf(format, args...))
	}
}

func newNetwork(r *reader) *network {
	return &network{
		reader: r, names: map[named]int32{}, entrances: map[named]int32{},
		busTexts: buses{aliases: r.aliases, known: map[string]*bus{}, left: r.limits.BusMembers},
	}
}

// name returns the node of a name, new or known.
func (w *network) name(place int32, name string) int32 {
	node, ok := w.names[named{place, name}]
	if !ok {
		node = w.grow(1)
		w.names[named{place, name}] = node
	}
	return node
}

// connect joins what is connected.
func (w *network) connect() error {
	for i := range w.places {
		if err := context.Cause(w.ctx); err != nil {
			return err
		}
		at := int32(i)
		w.bases = append(w.bases, w.grow(w.places[i].screen.layout.nodes))
		if err := w.addLabels(at); err != nil {
			return err
		}
		w.addSymbols(at)
	}
	for i := range w.places {
		if err := w.addSheetPins(int32(i)); err != nil {
			return err
		}
	}
	return w.connectBuses()
}

func (w *network) addLabels(at int32) error {
	s := w.places[at].screen
	for i, t := range s.labels {
		node := w.bases[at] + s.layout.labels[i]
		text := escape(w.resolve(at, t.text))
		d := driver{node: node, place: at, rank: localRank, name: text}
		w.join(node, w.name(at, text))
		switch t.kind {
		case globalLabel:
			d.rank, d.place = globalRank, -1
			w.join(node, w.name(-1, text))
		case hierarchicalLabel:
			d.rank = hierarchicalRank
			key := named{at, text}
			if other, ok := w.entrances[key]; ok {
				w.join(node, other)
			} else {
				w.entrances[key] = node
			}
		}
		w.drivers = append(w.drivers, d)
		b, err := w.busTexts.read(text)
		if err != nil {
			return w.on(at, err)
		}
		if b != nil {
			w.busLabels = append(w.busLabels, busLabel{b, text, node, at, d.rank, 0, true})
		}
	}
	return nil
}

// refer returns what a symbol is called on a sheet.
func (w *network) refer(at int32, t *symbol) reference {
	p := &w.places[at]
	r, ok := t.references[p.path]
	if !ok {
		_, sheets, _ := strings.Cut(p.path[1:], "/")
		key := "/" + sheets
		if sheets != "" {
			key += "/"
		}
		root := w.places[0].screen
		if r, ok = root.instances[key+t.uuid]; !ok {
			r, ok = root.instances[p.path+"/"+t.uuid]
		}
	}
	if !ok && t.hasReference {
		r = t.first
	}
	if r.ref == "" {
		r.ref = t.ref
	}
	if r.unit == 0 {
		r.unit = t.unit
	}
	return r
}

// addSymbols places the symbols of a sheet and connects their pins.
func (w *network) addSymbols(at int32) {
	p := &w.places[at]
	s := p.screen
	loose := map[point]int32{} // where pins are, and nothing else
	pinned := map[point]bool{}
	node := func(q point) int32 {
		if on, ok := s.layout.spots[q]; ok {
			if on.wire < 0 {
				return w.bases[at] + on.bus
			}
			return w.bases[at] + on.wire
		}
		n, ok := loose[q]
		if !ok {
			n = w.grow(1)
			for _, entry := range s.layout.entries[q] {
				w.join(n, w.bases[at]+entry)
			}
			loose[q] = n
		}
		return n
	}
	for i := range s.symbols {
		t := &s.symbols[i]
		lib := s.library[t.library]
		r := w.refer(at, t)
		if lib == nil {
			if !strings.HasPrefix(r.ref, "#") {
				w.warn("%s: symbol %s is left out: %q is not in the schematic's library", s.name, r.ref, t.library)
			}
			continue
		}
		w.parts = append(w.parts, part{place: at, symbol: t, lib: lib, reference: r, value: w.valueOf(at, t, r.ref), first: len(w.pins)})
		w.addPins(at, int32(len(w.parts)-1), node, pinned)
		w.parts[len(w.parts)-1].end = len(w.pins)
	}
	for _, t := range s.layout.loose {
		if !pinned[t.at] {
			w.join(w.bases[at]+t.label, w.bases[at]+t.wire)
		}
	}
	for _, q := range s.noConnects {
		w.open = append(w.open, node(q))
	}
}

func (w *network) addPins(at, number int32, node func(point) int32, pinned map[point]bool) {
	t := &w.parts[number]
	power := ""
	if t.lib.power != noPower {
		power = w.powerName(t)
	}
	for i := range t.lib.pins {
		p := &t.lib.pins[i]
		if !p.has(t.unit, t.symbol.style) {
			continue
		}
		pin := placedPin{lib: p, part: number, kind: p.kind, name: p.name, number: p.number}
		if alternate := t.symbol.alternates[p.number]; alternate != "" && alternate != p.name {
			if kind, ok := p.alternates[alternate]; ok {
				pin.kind = kind
			}
		}
		if pin.kind == "no_connect" {
			pin.node = w.grow(1) // it touches nothing
			w.open = append(w.open, pin.node)
		} else {
			pin.node = node(t.symbol.place(p.at))
		}
		pinned[t.symbol.place(p.at)] = true
		if pin.kind == "power_in" {
			d := driver{node: pin.node, place: -1, rank: globalPowerRank}
			switch {
			case t.lib.power == globalPower:
				d.name = power
			case t.lib.power == localPower:
				d.name, d.rank, d.place = power, localPowerRank, at
			case p.hidden:
				d.name, d.order = escape(pin.name), 1
			}
			if d.name != "" {
				w.join(pin.node, w.name(at, d.name))
				if d.place < 0 {
					w.join(pin.node, w.name(-1, d.name))
				}
				w.drivers = append(w.drivers, d)
			}
		}
		w.pins = append(w.pins, pin)
	}
	w.addJumpers(t)
}

// powerName is the net that a power symbol stands for.
func (w *network) powerName(t *part) string {
	if w.places[0].screen.version < powerByValue && len(t.lib.pins) > 0 {
		if p := t.lib.pins[0]; p.kind == "power_in" && p.hidden {
			return escape(p.name)
		}
	}
	return escape(t.value)
}

// valueOf is a symbol's value without text variables.
func (w *network) valueOf(at int32, t *symbol, ref string) string {
	if t.fields == nil {
		return t.value
	}
	return substitute(t.value, func(name string) (string, bool) {
		switch upper := strings.ToUpper(name); upper {
		case "REFERENCE":
			return ref, true
		case "VALUE":
			return "", false
		default:
			if v, ok := t.fields[upper]; ok {
				return v, true
			}
		}
		return w.variable(at, name)
	})
}

// addJumpers joins the pins that a part itself connects.
func (w *network) addJumpers(t *part) {
	if !t.lib.same && len(t.lib.jumpers) == 0 {
		return
	}
	first := map[string]int32{}
	for _, p := range w.pins[t.first:] {
		if node, ok := first[p.number]; !ok {
			first[p.number] = p.node
		} else if t.lib.same {
			w.join(node, p.node)
		}
	}
	for _, group := range t.lib.jumpers {
		last := int32(-1)
		for _, number := range group {
			node, ok := first[number]
			if ok && last >= 0 {
				w.join(last, node)
			}
			if ok {
				last = node
			}
		}
	}
}

// addSheetPins connects a sheet with the one that its symbol is on.
func (w *network) addSheetPins(at int32) error {
	p := &w.places[at]
	if p.parent < 0 {
		return nil
	}
	pins := w.places[p.parent].screen.layout.sheetPins[p.number]
	for i, pin := range p.sheet.pins {
		node := w.bases[p.parent] + pins[i]
		text := escape(w.resolve(at, pin.name))
		d := driver{node: node, place: p.parent, rank: sheetPinRank, name: text}
		if !pin.output {
			d.order = 1
		}
		w.drivers = append(w.drivers, d)
		if entrance, ok := w.entrances[named{at, text}]; ok {
			w.join(node, entrance)
		}
		b, err := w.busTexts.read(text)
		if err != nil {
			return w.on(p.parent, err)
		}
		if b != nil {
			w.busLabels = append(w.busLabels, busLabel{b, text, node, p.parent, d.rank, d.order, false})
		}
	}
	return nil
}

func (w *network) on(at int32, err error) error {
	return &placeError{w.places[at].screen.name, err}
}

type placeError struct {
	name string
	err  error
}

func (e *placeError) Error() string { return e.name + ": " + e.err.Error() }
func (e *placeError) Unwrap() error { return e.err }
