package schematic

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/ailiance/lorabench/tasks/generated"
)

// GenFamilies are the questions that ask for a schematic.
func GenFamilies() []generated.Source {
	var sources []generated.Source
	for _, f := range Families() {
		sources = append(sources, func(r *generated.Rand, i int) (generated.Row, string) {
			d := f.Make(r)
			return generated.Row{
				ID: fmt.Sprintf("%s-%04d", f.Name, i), Family: f.Name,
				Finish: func(row *generated.Row) { finishGen(row, d, r) },
			}, d.key()
		})
	}
	return sources
}

func finishGen(row *generated.Row, d *Design, r *generated.Rand) {
	row.Prompt = d.Ask(r)
	row.Target = d.Target()
	drawing := d.Draw(Style{
		Wires: generated.Pick(r, 0, 0, 60, 90), Stubs: r.Bool(), NoConnects: true, Buses: r.Bool(), Turn: r.IntN(3) == 0, Mirror: r.IntN(3) == 0,
		Numbers: r.Bool(), Through: r.IntN(4) == 0, Version: 20250114,
	}, r)
	row.Reference = Answer(drawing.Files(r))
	row.Mutants = d.mutants(drawing, r)
}

// Answer writes files as an answer holds them.
func Answer(files []File) string { return "```kicad_sch\n" + Join(files) + "```\n" }

// Target returns what a schematic of the design is compared with: its parts,
// values, electrical types of pins, and nets; names of nets that Ask asks for;
// the sheets that are placed, and how often. A scorer reads it
// (scorers/kicad/circuit).
func (d *Design) Target() []byte {
	list := d.asked()
	t := target{Nets: list.Nets}
	i := 0
	for _, in := range d.Instances {
		for _, p := range in.Sheet.Parts {
			c := targetPart{Ref: list.Components[i].Ref, Value: list.Components[i].Value, Pins: map[string]string{}}
			for _, pin := range p.Symbol.Pins {
				c.Pins[pin.Number] = pin.Type
			}
			if in.parent != nil {
				c.Sheet = in.Sheet.File
			}
			t.Components = append(t.Components, c)
			i++
		}
	}
	files := map[string]int{}
	for _, in := range d.Instances[1:] {
		files[in.Sheet.File]++
	}
	for _, f := range slices.Sorted(maps.Keys(files)) {
		t.Sheets = append(t.Sheets, targetSheet{f, files[f]})
	}
	return t.raw()
}

// asked is the netlist with the names that are asked for: those of supplies and
// of global labels and, of a circuit on one sheet, of labels.
func (d *Design) asked() Netlist {
	list := d.Netlist()
	named := map[string]bool{}
	for _, in := range d.Instances {
		for _, n := range in.Sheet.Nets {
			if n.Kind != Free || len(d.Instances) == 1 {
				named[n.Name] = true
			}
		}
	}
	for i := range list.Nets {
		if !named[list.Nets[i].Name] {
			list.Nets[i].Name = ""
		}
	}
	return list
}

// Ask states the circuit in words and asks for a schematic of it.
func (d *Design) Ask(r *generated.Rand) string {
	list := d.asked()
	var b strings.Builder
	what := "this circuit"
	if d.Root.Title != "" {
		what += " (" + d.Root.Title + ")"
	}
	fmt.Fprintf(&b, "Draw %s as a KiCad 9 schematic (.kicad_sch, version 20250114).\n\nParts, each with its reference, its value, and the pins of its symbol as number, name where there is one, and electrical type:\n", what)
	i := 0
	for k, in := range d.Instances {
		if k > 0 {
			fmt.Fprintf(&b, "%s\n", d.sheetTitle(in))
		}
		for _, p := range in.Sheet.Parts {
			fmt.Fprintf(&b, "- %s, %s, value %s: %s\n", list.Components[i].Ref, p.Symbol.What, p.Value, p.Symbol.words())
			i++
		}
	}
	prose := len(list.Components) <= 8 && r.Bool()
	b.WriteString("\nConnections:\n")
	var alone []string
	for _, n := range list.Nets {
		switch {
		case len(n.Pins) == 1 && n.Name == "":
			alone = append(alone, n.Pins[0])
		case prose:
			fmt.Fprintf(&b, "- %s.\n", sentence(n))
		case n.Name == "":
			fmt.Fprintf(&b, "- net of any name: %s\n", strings.Join(n.Pins, ", "))
		default:
			fmt.Fprintf(&b, "- net %s: %s\n", n.Name, strings.Join(n.Pins, ", "))
		}
	}
	if len(alone) > 0 {
		fmt.Fprintf(&b, "- connected to nothing: %s\n", strings.Join(alone, ", "))
	}
	if !prose {
		b.WriteString("\nR1.2 is the pin with the number 2 of the part R1.\n")
	}
	below := ""
	if len(d.Instances) > 1 {
		below = `, followed below the root by "/" and the uuid of each sheet symbol on the way; a symbol has a path for each place of its sheet`
	}
	fmt.Fprintf(&b, `
What the schematic must do:
- It stands for itself: lib_symbols holds every symbol that is used, with exactly the pins given above, their numbers and their electrical types. Names of pins, of symbols and graphics are free. A symbol may have several units; then all of them are placed.
- Every symbol says its reference for its place, as KiCad 9 writes it: (instances (project "" (path "/UUID" (reference "R1") (unit 1)))), where UUID is that of the root sheet's (uuid "UUID")%s.
- The parts are those above and no others, with these references and values. A value may be written in another way if it is the same (4.7k, 4k7, 4700). Power symbols and power flags may be used; they are not parts.
- The nets are exactly those above. How pins are connected is free: wires, labels, power symbols. Wires join where they end: where three meet, each ends there, with a junction. A net with a name must have it as KiCad names nets (by a label, a global label or a power symbol; the sheet's path in front does not count).
`, below)
	if len(d.Instances) > 1 {
		b.WriteString("- It has several sheets. " + d.sheets() + " Each part is on the sheet that is named above it.\n")
		fmt.Fprintf(&b, "\nAnswer with all files in one code block of the language kicad_sch, the root sheet %s first. A line \";; file NAME\" stands in front of each file.\n", d.Root.File)
	} else {
		b.WriteString("- It has one sheet.\n\nAnswer with the complete file in one code block of the language kicad_sch.\n")
	}
	return b.String()
}

// words lists a symbol's pins.
func (s *Symbol) words() string {
	pins := make([]string, len(s.Pins))
	for i, p := range s.Pins {
		pins[i] = p.Number + " "
		if p.Name != "" {
			pins[i] += p.Name + " "
		}
		pins[i] += p.Type
	}
	return strings.Join(pins, ", ")
}

// sentence says what a net joins.
func sentence(n NamedNet) string {
	pins := make([]string, len(n.Pins))
	for i, p := range n.Pins {
		ref, number, _ := strings.Cut(p, ".")
		pins[i] = fmt.Sprintf("pin %s of %s", number, ref)
	}
	text := pins[0]
	if len(pins) > 1 {
		text = strings.Join(pins[:len(pins)-1], ", ") + " and " + pins[len(pins)-1]
	}
	text = strings.ToUpper(text[:1]) + text[1:]
	switch {
	case len(pins) == 1:
		return text + " is on the net " + n.Name + ", alone"
	case n.Name == "":
		return text + " are joined"
	}
	return text + " are joined by the net " + n.Name
}

// sheetTitle says which place of a sheet parts belong to.
func (d *Design) sheetTitle(in *Instance) string {
	var names []string
	s := d.Root
	for _, i := range in.Subs {
		names = append(names, s.Subs[i].Name)
		s = s.Subs[i].Sheet
	}
	if len(in.Sheet.Parts) == 0 {
		return fmt.Sprintf("on the sheet %q (file %s): none of its own", strings.Join(names, "/"), in.Sheet.File)
	}
	return fmt.Sprintf("on the sheet %q (file %s):", strings.Join(names, "/"), in.Sheet.File)
}

// sheets says which sheets are placed where.
func (d *Design) sheets() string {
	var b strings.Builder
	seen := map[*Sheet]bool{}
	for _, in := range d.Instances {
		if seen[in.Sheet] || len(in.Sheet.Subs) == 0 {
			continue
		}
		seen[in.Sheet] = true
		which := "The root sheet " + in.Sheet.File
		if in.parent != nil {
			which = in.Sheet.File
		}
		var subs []string
		for _, sub := range in.Sheet.Subs {
			subs = append(subs, fmt.Sprintf("%q (file %s)", sub.Name, sub.Sheet.File))
		}
		fmt.Fprintf(&b, "%s places these sheets: %s. ", which, strings.Join(subs, ", "))
	}
	return strings.TrimSpace(b.String()) + " A file is written once, however often it is placed."
}
