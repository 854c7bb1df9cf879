package schematic

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/ailiance/lorabench/tasks/generated"
)

// designs calls f with some designs of each family.
func designs(t *testing.T, n int, f func(t *testing.T, d *Design, r *generated.Rand)) {
	for _, family := range Families() {
		t.Run(family.Name, func(t *testing.T) {
			for i := range n {
				r := generated.NewRand(fmt.Sprint(family.Name, i))
				f(t, family.Make(r), r)
			}
		})
	}
}

// TestDraw holds that each drawing connects what its design does, whatever the
// style, and whichever way ends of wires are read.
func TestDraw(t *testing.T) {
	designs(t, 6, func(t *testing.T, d *Design, r *generated.Rand) {
		style := readingStyle(d, r)
		drawing := d.Draw(style, r)
		want := Partition(d.Netlist().Nets)
		for _, strict := range []bool{false, true} {
			if got := Partition(drawing.Read(strict)); got != want {
				t.Errorf("style %+v, strict %v: nets\n%s\nwant\n%s", style, strict, got, want)
			}
		}
	})
}

// TestDrawIsTheSame holds that equal draws give equal texts.
func TestDrawIsTheSame(t *testing.T) {
	for _, family := range Families() {
		text := func() string {
			r := generated.NewRand(family.Name)
			d := family.Make(r)
			return Join(d.Draw(readingStyle(d, r), r).Files(r))
		}
		if a, b := text(), text(); a != b {
			t.Errorf("%s: two texts of one seed", family.Name)
		}
	}
}

// TestRead holds what Read makes of single faults: it is what stands between a
// drawing and its reader.
func TestRead(t *testing.T) {
	s := newSheet("main", "")
	a, b := s.add(resistor, "1k"), s.add(resistor, "1k")
	s.at("X", a, "1", b, "1")
	s.at("Y", a, "2", b, "2")
	d := &Design{Family: "test", Root: s}
	r := generated.NewRand("read")
	d.number(r)
	pins := func(nets []NamedNet) int {
		n := 0
		for _, net := range nets {
			if len(net.Pins) > 1 {
				n += len(net.Pins)
			}
		}
		return n
	}
	drawing := d.Draw(Style{Wires: 100, Version: 20250114}, r)
	if n := pins(drawing.Read(true)); n != 4 {
		t.Fatalf("%d joined pins, want 4", n)
	}
	for i := range drawing.Sheets[0].Wires {
		c := drawing.Clone()
		c.Sheets[0].Wires[i].A.X++
		c.Sheets[0].Wires[i].A.Y++
		if n := pins(c.Read(true)); n == 4 && len(drawing.Sheets[0].Wires) < 4 {
			t.Errorf("wire %d ends beside its place, and still joins %d pins", i, n)
		}
	}
	c := drawing.Clone()
	c.Sheets[0].Labels = append(c.Sheets[0].Labels, Label{Kind: LocalLabel, Text: "Z", At: c.Sheets[0].Symbols[0].pinAt(resistor.Pins[0])},
		Label{Kind: LocalLabel, Text: "Z", At: c.Sheets[0].Symbols[0].pinAt(resistor.Pins[1])})
	if nets := c.Read(true); len(nets) != 1 {
		t.Errorf("%d nets with a label at both ends, want 1", len(nets))
	}
}

func TestVector(t *testing.T) {
	for text, want := range map[string]string{
		"D[0..3]": "D [0 1 2 3] true", "D[3..1]": "D [3 2 1] true", "D[0..0]": "D [0] true",
		"D": " [] false", "D[0]": " [] false", "D[a..b]": " [] false", "": " [] false", "D[0..3]x": " [] false",
	} {
		prefix, numbers, ok := vector(text)
		if got := fmt.Sprint(prefix, " ", numbers, " ", ok); got != want {
			t.Errorf("vector(%q) is %s, want %s", text, got, want)
		}
	}
}

// TestNumber holds that no two parts of a design have one reference, in
// whichever places their sheets are.
func TestNumber(t *testing.T) {
	designs(t, 2, func(t *testing.T, d *Design, r *generated.Rand) {
		var refs []string
		for _, c := range d.Netlist().Components {
			refs = append(refs, c.Ref)
		}
		slices.Sort(refs)
		if len(slices.Compact(slices.Clone(refs))) != len(refs) {
			t.Errorf("references twice: %v", refs)
		}
		if d.key() == "" || strings.Contains(d.key(), refs[0]+".") {
			t.Errorf("the key %q depends on references", d.key())
		}
	})
}
