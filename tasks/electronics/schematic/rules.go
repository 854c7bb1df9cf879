package schematic

import (
	"slices"
	"strconv"
)

// KiCad's electrical rules, as far as what is drawn here can break them. They
// choose what is asked; answers are judged by KiCad's own check, with which they
// are compared in tools/electronics.

// Types of errors, as KiCad's report names them.
const (
	pinNotConnected   = "pin_not_connected"
	pinNotDriven      = "pin_not_driven"
	powerPinNotDriven = "power_pin_not_driven"
	pinToPin          = "pin_to_pin"
	labelDangling     = "label_dangling"
	wireDangling      = "wire_dangling"
	hierLabelMismatch = "hier_label_mismatch"
)

// drives reports whether a pin of this type drives an input.
func drives(kind string) bool {
	return slices.Contains([]string{"output", "power_out", "passive", "tri_state", "bidirectional"}, kind)
}

// conflict reports whether pins of two types must not meet: that is an error by
// KiCad's default table, not a warning.
func conflict(a, b string) bool {
	if a > b {
		a, b = b, a
	}
	switch [2]string{a, b} {
	case [2]string{"output", "output"}, [2]string{"output", "power_out"}, [2]string{"power_out", "power_out"}, [2]string{"power_out", "tri_state"},
		[2]string{"open_collector", "output"}, [2]string{"open_emitter", "output"}, [2]string{"open_collector", "power_out"}, [2]string{"open_emitter", "power_out"}:
		return true
	}
	return false
}

// conflicts counts pairs that must not meet.
func conflicts(kinds []string) int {
	n := 0
	for i, a := range kinds {
		for _, b := range kinds[:i] {
			if conflict(a, b) {
				n++
			}
		}
	}
	return n
}

// sound reports whether a drawing of the design can be without errors, where
// supplies have flags and pins on no net are marked.
func (d *Design) sound() bool {
	kinds, power := map[string]string{}, map[string]bool{} // by pin: its type, whether its net has power symbols
	for _, in := range d.Instances {
		for i, p := range in.Sheet.Parts {
			for _, pin := range p.Symbol.Pins {
				kinds[in.Refs[i]+"."+pin.Number] = pin.Type
			}
		}
		for _, n := range in.Sheet.Nets {
			for _, p := range n.Pins {
				power[in.Refs[p.Part]+"."+p.Number] = n.Kind == Power
			}
		}
	}
	for _, n := range d.Netlist().Nets {
		var on []string
		isPower := false
		for _, p := range n.Pins {
			on = append(on, kinds[p])
			isPower = isPower || power[p]
		}
		if len(on) == 1 && n.Name == "" {
			continue // marked as not connected
		}
		if len(on) == 1 && !isPower { // a label at one pin
			return false
		}
		if (isPower || slices.Contains(on, "power_in")) && !slices.Contains(on, "power_out") {
			on = append(on, "power_out") // a flag
		}
		if slices.Contains(on, "input") && !slices.ContainsFunc(on, drives) || conflicts(on) > 0 {
			return false
		}
	}
	return true
}

// onNet is what a net of a drawing has.
type onNet struct {
	kinds  []string // of pins, those of power symbols too
	things int      // pins, labels and pins of sheets
	marked bool     // a pin of it is marked as not connected
}

// errors counts what KiCad's rules find in a drawing, by type. Counts are near
// KiCad's; which types there are is the same.
func (d *Drawing) errors() map[string]int {
	r := reading{drawing: d, strict: true, index: map[string]int{}}
	for _, s := range d.Sheets {
		for place := range s.Paths {
			r.sheet(s, place)
		}
	}
	found := map[string]int{}
	nets := map[int]*onNet{}
	net := func(key string) *onNet {
		root := r.same.root(r.key(key))
		if nets[root] == nil {
			nets[root] = &onNet{}
		}
		return nets[root]
	}
	// Keys are made before roots are looked at.
	each := func(f func(s *Sheeted, at func(Point) string, path string)) {
		for _, s := range d.Sheets {
			for _, path := range s.Paths {
				f(s, func(p Point) string { return path + "@" + strconv.Itoa(p.X) + "," + strconv.Itoa(p.Y) }, path)
			}
		}
	}
	each(func(s *Sheeted, at func(Point) string, _ string) {
		for _, p := range s.Symbols {
			for _, pin := range p.pins() {
				r.key(at(p.pinAt(pin)))
			}
		}
		for _, l := range s.Labels {
			r.key(at(l.At))
		}
	})
	each(func(s *Sheeted, at func(Point) string, _ string) {
		for _, p := range s.Symbols {
			for _, pin := range p.pins() {
				n := net(at(p.pinAt(pin)))
				n.things++
				n.kinds = append(n.kinds, pin.Type)
				n.marked = n.marked || slices.Contains(s.NoConnects, p.pinAt(pin))
			}
		}
		for _, l := range s.Labels {
			net(at(l.At)).things++
		}
		for _, b := range s.Boxes {
			for _, p := range b.Pins {
				net(at(p.At)).things++
			}
		}
	})
	each(func(s *Sheeted, at func(Point) string, path string) {
		places := map[Point]int{} // what connects there, without wires
		for _, p := range s.Symbols {
			for _, pin := range p.pins() {
				places[p.pinAt(pin)]++
			}
		}
		for _, l := range s.Labels {
			places[l.At]++
		}
		for _, b := range s.Boxes {
			for _, p := range b.Pins {
				places[p.At]++
			}
		}
		for _, p := range s.Symbols {
			for _, pin := range p.pins() {
				where := p.pinAt(pin)
				wired := slices.ContainsFunc(s.Wires, func(w Segment) bool { return w.ends(where) })
				if free := !wired && places[where] < 2 || net(at(where)).things == 1; free && !slices.Contains(s.NoConnects, where) {
					found[pinNotConnected]++
				}
			}
		}
		for _, l := range s.Labels {
			_, _, isBus := vector(l.Text)
			if n := net(at(l.At)); l.Kind == LocalLabel && !isBus && len(n.kinds) < 2 && !s.onBus(l.At) {
				found[labelDangling]++
			}
		}
		for i, w := range s.Wires {
			if net(path+"wire"+strconv.Itoa(i)).things == 0 && !s.onBus(w.A) && !s.onBus(w.B) {
				found[wireDangling]++
			}
		}
		for _, b := range s.Boxes {
			found[hierLabelMismatch] += d.mismatches(b)
		}
	})
	for _, n := range nets {
		takes := slices.Contains(n.kinds, "power_in")
		if takes && !slices.Contains(n.kinds, "power_out") {
			found[powerPinNotDriven]++
		}
		if slices.Contains(n.kinds, "input") && !slices.ContainsFunc(n.kinds, drives) && !n.marked && !takes {
			found[pinNotDriven]++
		}
		found[pinToPin] += conflicts(n.kinds)
	}
	for kind, n := range found {
		if n == 0 {
			delete(found, kind)
		}
	}
	return found
}

// onBus reports whether a place is an end of a bus entry.
func (s *Sheeted) onBus(p Point) bool {
	return slices.ContainsFunc(s.Entries, func(e Entry) bool { return e.At == p || (Point{e.At.X + e.Size.X, e.At.Y + e.Size.Y}) == p })
}

// mismatches counts the pins of a placed sheet that have no label in it, and the
// labels that have no pin.
func (d *Drawing) mismatches(b SheetBox) int {
	n := 0
	for _, s := range d.Sheets {
		if s.File != b.File {
			continue
		}
		for _, p := range b.Pins {
			if !slices.ContainsFunc(s.Labels, func(l Label) bool { return l.Kind == HierarchicalLabel && l.Text == p.Name }) {
				n++
			}
		}
		for _, l := range s.Labels {
			if l.Kind == HierarchicalLabel && !slices.ContainsFunc(b.Pins, func(p SheetPin) bool { return p.Name == l.Text }) {
				n++
			}
		}
	}
	return n
}

func total(errors map[string]int) int {
	n := 0
	for _, k := range errors {
		n += k
	}
	return n
}
