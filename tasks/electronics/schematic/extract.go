package schematic

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/ailiance/lorabench/tasks/generated"
)

// target is what the scorers compare with. scorers/kicad/circuit reads it.
type target struct {
	Components []targetPart  `json:"components"`
	Nets       []NamedNet    `json:"nets"`
	Sheets     []targetSheet `json:"sheets,omitempty"`
}

type targetPart struct {
	Ref   string            `json:"ref"`
	Value string            `json:"value"`
	Pins  map[string]string `json:"pins,omitempty"`  // electrical types by number
	Sheet string            `json:"sheet,omitempty"` // its file; "" for the root
}

type targetSheet struct {
	File  string `json:"file"`
	Times int    `json:"times"`
}

func (t target) raw() json.RawMessage {
	text, err := json.Marshal(t)
	if err != nil {
		panic(err) // strings only
	}
	return text
}

// ExtractFamilies are the questions that show a schematic and ask for its
// netlist.
func ExtractFamilies() []generated.Source {
	var sources []generated.Source
	for _, f := range Families() {
		sources = append(sources, func(r *generated.Rand, i int) (generated.Row, string) {
			d := f.Make(r)
			return generated.Row{
				ID: fmt.Sprintf("%s-%04d", f.Name, i), Family: f.Name,
				Finish: func(row *generated.Row) { finishExtract(row, d, r) },
			}, d.key()
		})
	}
	return sources
}

// readingStyle is how a schematic to be read is drawn.
func readingStyle(d *Design, r *generated.Rand) Style {
	s := Style{
		Wires: generated.Pick(r, 0, 50, 80, 90, 100), Stubs: r.IntN(4) > 0, Turn: r.IntN(4) > 0, Mirror: r.Bool(), Through: r.IntN(3) == 0,
		NoConnects: r.IntN(4) > 0, Numbers: r.Bool(), Buses: r.IntN(4) > 0, Flags: r.IntN(5) == 0,
		Version: generated.Pick(r, 20231120, 20250114, 20250114),
	}
	parts := 0
	for _, in := range d.Instances {
		parts += len(in.Sheet.Parts)
	}
	s.Pretty = parts <= 8 && r.IntN(4) == 0
	s.UUIDs = s.Pretty || r.IntN(4) == 0
	return s
}

func finishExtract(row *generated.Row, d *Design, r *generated.Rand) {
	drawing := d.Draw(readingStyle(d, r), r)
	files := drawing.Files(r)
	list := d.Netlist()
	row.Prompt = ExtractPrompt(Join(files))
	row.Reference = netlistJSON(r, list)
	t := target{Nets: list.Nets}
	for _, c := range list.Components {
		t.Components = append(t.Components, targetPart{Ref: c.Ref, Value: c.Value})
	}
	t.Nets = slices.Clone(list.Nets)
	for i := range t.Nets {
		t.Nets[i].Name = ""
	}
	row.Target = t.raw()
	row.Mutants = extractMutants(r, list)
}

// ExtractPrompt asks for the netlist of a schematic. Several files stand one
// after another, each behind a line ";; file NAME", the root first.
func ExtractPrompt(text string) string {
	var b strings.Builder
	b.WriteString("Read the netlist out of this KiCad schematic.")
	if strings.HasPrefix(text, ";; file ") {
		b.WriteString(` It has several files; a line ";; file NAME" stands in front of each, and the first is the root sheet. A sheet that is placed several times has parts of its own in each place: (instances …) says which references they have.`)
	}
	b.WriteString("\n\n```kicad_sch\n")
	b.WriteString(text)
	if !strings.HasSuffix(text, "\n") {
		b.WriteByte('\n')
	}
	b.WriteString("```\n\n")
	b.WriteString(`Answer with one JSON object in a code block of the language json:

{"components": [{"ref": "REF", "value": "VALUE"}], "nets": [{"name": "NAME", "pins": ["REF.PIN", "REF.PIN"]}]}

- components: every part once, with its reference and its value. A part of several units is one part. Power symbols and power flags (references that begin with #) are not parts.
- nets: every net that joins two pins or more, with all of its pins: the part's reference, a dot, and the pin's number (not its name). Pins of power symbols are left out. Each pin stands in one net only. Nets of one pin may be left out.
- Names of nets are not compared; only which pins are joined.
`)
	return b.String()
}

// NetlistAnswer writes a netlist as an answer holds it.
func NetlistAnswer(list Netlist) string { return netlistJSON(nil, list) }

// netlistJSON writes a netlist as the prompt asks for it.
func netlistJSON(r *generated.Rand, list Netlist) string {
	var shown Netlist
	shown.Components = slices.Clone(list.Components)
	for _, n := range list.Nets {
		if len(n.Pins) < 2 {
			continue
		}
		if n.Name == "" {
			n.Name = fmt.Sprintf("Net%d", len(shown.Nets)+1)
		}
		n.Pins = slices.Clone(n.Pins)
		shown.Nets = append(shown.Nets, n)
	}
	if r != nil {
		generated.Shuffle(r, shown.Components)
		generated.Shuffle(r, shown.Nets)
	}
	return "```json\n" + encode(shown) + "```\n"
}

// encode writes a netlist, a component and a net a line.
func encode(list Netlist) string {
	var b bytes.Buffer
	b.WriteString("{\"components\": [\n")
	for i, c := range list.Components {
		comma(&b, i)
		fmt.Fprintf(&b, "  {\"ref\": %q, \"value\": %q}", c.Ref, c.Value)
	}
	b.WriteString("\n], \"nets\": [\n")
	for i, n := range list.Nets {
		comma(&b, i)
		fmt.Fprintf(&b, "  {\"name\": %q, \"pins\": [", n.Name)
		for k, p := range n.Pins {
			if k > 0 {
				b.WriteString(", ")
			}
			fmt.Fprintf(&b, "%q", p)
		}
		b.WriteString("]}")
	}
	b.WriteString("\n]}\n")
	return b.String()
}

func comma(b *bytes.Buffer, i int) {
	if i > 0 {
		b.WriteString(",\n")
	}
}

// extractMutants are netlists with one thing wrong.
func extractMutants(r *generated.Rand, list Netlist) []generated.Mutant {
	var nets []NamedNet
	for _, n := range list.Nets {
		if len(n.Pins) > 1 {
			nets = append(nets, n)
		}
	}
	var mutants []generated.Mutant
	add := func(name string, change func(*Netlist)) {
		m := Netlist{Components: slices.Clone(list.Components)}
		for _, n := range nets {
			m.Nets = append(m.Nets, NamedNet{n.Name, slices.Clone(n.Pins)})
		}
		change(&m)
		mutants = append(mutants, generated.Mutant{Name: name, Text: netlistJSON(nil, m)})
	}
	k := r.IntN(len(nets))
	if len(nets) > 1 {
		other := (k + 1 + r.IntN(len(nets)-1)) % len(nets)
		add("two nets are one", func(m *Netlist) {
			m.Nets[k].Pins = append(m.Nets[k].Pins, m.Nets[other].Pins...)
			m.Nets = slices.Delete(m.Nets, other, other+1)
		})
		add("two pins are swapped", func(m *Netlist) {
			a, b := r.IntN(len(m.Nets[k].Pins)), r.IntN(len(m.Nets[other].Pins))
			m.Nets[k].Pins[a], m.Nets[other].Pins[b] = m.Nets[other].Pins[b], m.Nets[k].Pins[a]
			if len(m.Nets[k].Pins) == 1 && len(m.Nets[other].Pins) == 1 {
				m.Nets[k].Pins = append(m.Nets[k].Pins, m.Nets[other].Pins...)
			}
		})
		add("a pin is in two nets", func(m *Netlist) {
			m.Nets[k].Pins = append(m.Nets[k].Pins, m.Nets[other].Pins[0])
		})
		add("all pins are in one net", func(m *Netlist) {
			var all []string
			for _, n := range m.Nets {
				all = append(all, n.Pins...)
			}
			m.Nets = []NamedNet{{"ALL", all}}
		})
	}
	add("a pin is left out", func(m *Netlist) {
		m.Nets[k].Pins = slices.Delete(m.Nets[k].Pins, 0, 1)
	})
	add("a net is left out", func(m *Netlist) { m.Nets = slices.Delete(m.Nets, k, k+1) })
	add("a pin that is not there", func(m *Netlist) {
		m.Nets[k].Pins = append(m.Nets[k].Pins, m.Components[0].Ref+".99")
	})
	add("pins have names, not numbers", func(m *Netlist) {
		for i := range m.Nets {
			for j, p := range m.Nets[i].Pins {
				ref, _, _ := strings.Cut(p, ".")
				m.Nets[i].Pins[j] = ref + ".PIN"
			}
		}
	})
	c := r.IntN(len(list.Components))
	add("a value is wrong", func(m *Netlist) { m.Components[c].Value = otherValue(m.Components[c].Value) })
	add("a component is missing", func(m *Netlist) { m.Components = slices.Delete(m.Components, c, c+1) })
	add("a component too many", func(m *Netlist) { m.Components = append(m.Components, Component{"R1000", "10k"}) })
	text := netlistJSON(nil, list)
	cut := len(text) * 2 / 3
	return append(mutants, generated.Mutant{Name: "cut off", Text: text[:cut] + "\n```\n"})
}

// otherValue is wrong by a prefix, or another name.
func otherValue(v string) string {
	for _, p := range [][2]string{{"k", "M"}, {"M", "k"}, {"u", "n"}, {"n", "u"}, {"p", "n"}, {"m", "u"}} {
		if i := strings.Index(v, p[0]); i > 0 && v[i-1] >= '0' && v[i-1] <= '9' {
			return v[:i] + p[1] + v[i+1:]
		}
	}
	if v != "" && v[len(v)-1] >= '0' && v[len(v)-1] <= '9' {
		return v + "1"
	}
	return v + "X"
}

// GuessedNetlists are what one would answer who has not looked at the
// schematic: parts with the first numbers, in one net or in pairs.
func GuessedNetlists() (inPairs, inOne string) {
	var all, chain Netlist
	var pins []string
	for i := 1; i <= 30; i++ {
		for _, prefix := range []string{"R", "C", "U", "J", "D", "Q"} {
			ref := fmt.Sprint(prefix, i)
			value := map[string]string{"R": "10k", "C": "100nF", "U": "LM358", "J": "CONN", "D": "1N4148", "Q": "BC547"}[prefix]
			all.Components = append(all.Components, Component{ref, value})
			pins = append(pins, ref+".1", ref+".2")
			chain.Nets = append(chain.Nets, NamedNet{ref, []string{ref + ".2", fmt.Sprint(prefix, i+1, ".1")}})
		}
	}
	chain.Components = all.Components
	all.Nets = []NamedNet{{"GND", pins}}
	return netlistJSON(nil, chain), netlistJSON(nil, all)
}
