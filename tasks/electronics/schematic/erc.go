package schematic

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/ailiance/lorabench/tasks/generated"
)

// ercFamilies are the kinds of circuits that have something for KiCad's rules to
// find: supplies, drivers, pins that stay free.
func ercFamilies(names ...string) []Family {
	var families []Family
	for _, f := range Families() {
		if slices.Contains(names, f.Name) {
			families = append(families, f)
		}
	}
	if len(families) != len(names) {
		panic(fmt.Sprintf("schematic: of %v there are %d", names, len(families)))
	}
	return families
}

// drawSound draws a design of a family that can be drawn without errors.
func drawSound(f Family, r *generated.Rand) *Design {
	for range 100 {
		if d := f.Make(r); d.sound() {
			return d
		}
	}
	panic("schematic: " + f.Name + ": no circuit without errors in 100 draws")
}

// clean draws the design without errors.
func (d *Design) clean(style Style, r *generated.Rand) *Drawing {
	style.NoConnects, style.Flags, style.Fed = true, true, true
	for range 20 {
		if drawing := d.Draw(style, r); total(drawing.errors()) == 0 {
			return drawing
		}
	}
	panic(fmt.Sprintf("schematic: %s: errors %v in each of 20 drawings", d.Family, d.Draw(style, r).errors()))
}

// ERCFamilies are the questions that ask for a schematic without errors.
func ERCFamilies() []generated.Source {
	var sources []generated.Source
	for _, f := range ercFamilies("divider", "rc_filter", "leds", "amplifier", "two_stages", "instrument", "switch", "regulator", "crystal", "i2c", "spi", "gates", "flip_flops",
		"relay", "rectifier", "keys", "h_bridge", "timer", "channels", "nested") {
		sources = append(sources, func(r *generated.Rand, i int) (generated.Row, string) {
			d := drawSound(f, r)
			return generated.Row{
				ID: fmt.Sprintf("%s-%04d", f.Name, i), Family: f.Name,
				Finish: func(row *generated.Row) { finishERC(row, d, r) },
			}, "erc|" + d.key()
		})
	}
	return sources
}

const ercRules = `- KiCad's electrical rules check finds no error in it (kicad-cli sch erc of KiCad 9, with the settings of a new project; warnings do not count). So a pin that is connected to nothing carries a no-connect mark, and a net with a power input, which the pin of a power symbol is, has a power output on it: a pin of that type, or a power flag (a power symbol whose pin is a power output).
`

func finishERC(row *generated.Row, d *Design, r *generated.Rand) {
	about, rules, answer := d.asks(r)
	row.Prompt = "Draw this circuit as a KiCad 9 schematic (.kicad_sch, version 20250114) in which KiCad's electrical rules check finds no error.\n\n" + about + rules + ercRules + answer
	row.Target = d.Target()
	drawing := d.clean(Style{
		Wires: generated.Pick(r, 0, 0, 60, 90), Stubs: r.Bool(), Turn: r.IntN(3) == 0, Mirror: r.IntN(3) == 0, Numbers: r.Bool(), Through: r.IntN(4) == 0, Version: 20250114,
	}, r)
	write := func(c *Drawing) string { return Answer(c.Files(generated.NewRand("erc"))) }
	row.Reference = write(drawing)
	for _, kind := range faults {
		if c, ok := drawing.with(kind, r); ok {
			row.Mutants = append(row.Mutants, generated.Mutant{Name: kind.name, Text: write(c)})
		}
	}
	row.Mutants = append(row.Mutants, emptied(drawing, write)...)
}

// asks takes apart what kicad_sch_gen asks: parts and connections, what the
// schematic must do, and the form of the answer.
func (d *Design) asks(r *generated.Rand) (about, rules, answer string) {
	text := d.Ask(r)
	_, text, found := strings.Cut(text, "\n\n")
	i, j := strings.Index(text, "\nWhat the schematic must do:\n"), strings.LastIndex(text, "\nAnswer with ")
	if !found || i < 0 || j < i {
		panic("schematic: the question of kicad_sch_gen has another form")
	}
	return text[:i], text[i:j], text[j:]
}

// emptied are schematics of which something is gone.
func emptied(drawing *Drawing, write func(*Drawing) string) []generated.Mutant {
	nothing := drawing.Clone()
	for _, s := range nothing.Sheets {
		*s = Sheeted{File: s.File, UUID: s.UUID, Paper: s.Paper, Paths: s.Paths, Boxes: s.Boxes}
	}
	less := drawing.Clone()
	for _, s := range less.Sheets {
		if i := slices.IndexFunc(s.Symbols, func(p Placed) bool { return p.Part >= 0 }); i >= 0 {
			s.Symbols = slices.Delete(s.Symbols, i, i+1)
			break
		}
	}
	other := drawing.Clone()
	for _, s := range other.Sheets {
		if i := slices.IndexFunc(s.Symbols, func(p Placed) bool { return p.Part >= 0 }); i >= 0 {
			part := s.Symbols[i].Part
			for k := range s.Symbols {
				if s.Symbols[k].Part == part {
					s.Symbols[k].Value = otherValue(s.Symbols[k].Value)
				}
			}
			break
		}
	}
	text := write(drawing)
	return []generated.Mutant{
		{Name: "nothing is drawn", Text: write(nothing)},
		{Name: "a part is missing", Text: write(less)},
		{Name: "a value is wrong", Text: write(other)},
		{Name: "cut off", Text: text[:len(text)*2/3] + "\n```\n"},
		{Name: "the least that loads", Text: "```kicad_sch\n(kicad_sch (version 20250114))\n```\n"},
	}
}

// ERCDeltaFamilies are the questions that show a schematic with errors.
func ERCDeltaFamilies() []generated.Source {
	var sources []generated.Source
	for _, f := range ercFamilies("divider", "rc_filter", "leds", "amplifier", "two_stages", "switch", "regulator", "crystal", "i2c", "spi", "gates", "flip_flops", "relay", "timer", "channels") {
		sources = append(sources, func(r *generated.Rand, i int) (generated.Row, string) {
			d := drawSound(f, r)
			return generated.Row{
				ID: fmt.Sprintf("%s-%04d", f.Name, i), Family: f.Name,
				Finish: func(row *generated.Row) { finishERCDelta(row, d, r, i) },
			}, "erc_delta|" + d.key()
		})
	}
	return sources
}

// deltaTarget is what erc_delta compares with: the circuit, and what was given.
type deltaTarget struct {
	Circuit json.RawMessage `json:"circuit"`
	Given   string          `json:"given"`
}

func finishERCDelta(row *generated.Row, d *Design, r *generated.Rand, i int) {
	about, rules, answer := d.asks(r)
	drawing := d.clean(Style{Wires: generated.Pick(r, 0, 60, 90), Stubs: r.Bool(), Numbers: r.Bool(), Turn: r.IntN(4) == 0, Version: 20250114}, r)
	given, made := drawing, []fault{}
	kinds := slices.Clone(faults)
	generated.Shuffle(r, kinds)
	want := 1 + i%4
	for _, kind := range kinds {
		if c, ok := given.with(kind, r); ok && len(made) < want {
			given, made = c, append(made, kind)
		}
	}
	if len(made) == 0 {
		panic("schematic: " + d.Family + ": nothing can be wrong with it")
	}
	file := func(c *Drawing) string { return Join(c.Files(generated.NewRand("erc_delta"))) }
	write := func(c *Drawing) string { return Answer(c.Files(generated.NewRand("erc_delta"))) }
	row.Prompt = "KiCad's electrical rules check (kicad-cli sch erc of KiCad 9, with the settings of a new project) finds errors in this schematic:\n\n```kicad_sch\n" + file(given) + "```\n\n" +
		"It should be this circuit.\n\n" + about +
		"\nRepair the schematic. How it is drawn is free, what is right may stay as it is.\n" + rules + ercRules + answer
	target, err := json.Marshal(deltaTarget{d.Target(), file(given)})
	if err != nil {
		panic(err) // strings only
	}
	row.Target = target
	row.Reference = write(drawing)

	add := func(name string, c *Drawing) {
		row.Mutants = append(row.Mutants, generated.Mutant{Name: name, Text: write(c)})
	}
	add("nothing is repaired", given)
	for _, kind := range kinds {
		if c, ok := drawing.with(kind, r); ok {
			name := "repaired, and broken elsewhere: "
			if slices.ContainsFunc(made, func(f fault) bool { return f.name == kind.name }) {
				name = "repaired but for one: "
			}
			add(name+kind.name, c)
			if len(row.Mutants) > 4 {
				break
			}
		}
	}
	if hidden := given.hidden(); Partition(hidden.Read(true)) != Partition(drawing.Read(true)) {
		add("free pins are marked as not connected", hidden)
	}
	row.Mutants = append(row.Mutants, emptied(drawing, write)...)
}

// hidden marks each pin that is connected to nothing.
func (d *Drawing) hidden() *Drawing {
	c := d.Clone()
	for _, s := range c.Sheets {
		for _, p := range s.Symbols {
			for _, pin := range p.pins() {
				where := p.pinAt(pin)
				if !slices.ContainsFunc(s.Wires, func(w Segment) bool { return w.ends(where) }) &&
					!slices.ContainsFunc(s.Labels, func(l Label) bool { return l.At == where }) && !slices.Contains(s.NoConnects, where) {
					s.NoConnects = append(s.NoConnects, where)
				}
			}
		}
	}
	return c
}

// fault is one way to draw a schematic wrong, so that KiCad's rules find it.
type fault struct {
	name string
	// changes are the places where it can be made, on a sheet.
	changes func(d *Drawing, k int) []func(*Sheeted)
}

// with makes the first of a fault's changes that gives the drawing more errors.
func (d *Drawing) with(f fault, r *generated.Rand) (*Drawing, bool) {
	before := total(d.errors())
	type change struct {
		sheet int
		make  func(*Sheeted)
	}
	var changes []change
	for k := range d.Sheets {
		for _, make := range f.changes(d, k) {
			changes = append(changes, change{k, make})
		}
	}
	generated.Shuffle(r, changes)
	for _, ch := range changes[:min(len(changes), 8)] {
		c := d.Clone()
		ch.make(c.Sheets[ch.sheet])
		if total(c.errors()) > before {
			return c, true
		}
	}
	return nil, false
}

// faults are in an order of their own; questions take them in a random one.
var faults = []fault{
	{"a no-connect mark is missing", func(d *Drawing, k int) (changes []func(*Sheeted)) {
		for i := range d.Sheets[k].NoConnects {
			changes = append(changes, func(s *Sheeted) { s.NoConnects = slices.Delete(s.NoConnects, i, i+1) })
		}
		return changes
	}},
	{"a power flag is missing", func(d *Drawing, k int) (changes []func(*Sheeted)) {
		for i, p := range d.Sheets[k].Symbols {
			if p.Symbol == flag {
				changes = append(changes, func(s *Sheeted) { s.Symbols = slices.Delete(s.Symbols, i, i+1) })
			}
		}
		return changes
	}},
	{"a second power flag", func(d *Drawing, k int) (changes []func(*Sheeted)) {
		for _, p := range d.Sheets[k].Symbols {
			if p.Part < 0 && p.Symbol != flag {
				changes = append(changes, func(s *Sheeted) {
					s.Symbols = append(s.Symbols, Placed{Symbol: flag, Unit: 1, At: p.At, Value: "PWR_FLAG", Part: -1, Refs: marks(p.Refs, "#FLG9")})
				})
			}
		}
		return changes
	}},
	{"a power symbol is connected to nothing", func(d *Drawing, k int) (changes []func(*Sheeted)) {
		for _, p := range d.Sheets[k].Symbols {
			if p.Part < 0 && p.Symbol != flag {
				changes = append(changes, func(s *Sheeted) {
					q := p
					q.At, q.Turn, q.Refs = s.below(), 0, marks(p.Refs, "#PWR9")
					s.Symbols = append(s.Symbols, q)
				})
			}
		}
		return changes
	}},
	{"a power symbol has another name", func(d *Drawing, k int) (changes []func(*Sheeted)) {
		for i, p := range d.Sheets[k].Symbols {
			if p.Part < 0 && p.Symbol != flag {
				changes = append(changes, func(s *Sheeted) { s.Symbols[i].Value += "_1" })
			}
		}
		return changes
	}},
	{"a wire is missing", func(d *Drawing, k int) (changes []func(*Sheeted)) {
		for i := range d.Sheets[k].Wires {
			changes = append(changes, func(s *Sheeted) { s.Wires = slices.Delete(s.Wires, i, i+1) })
		}
		return changes
	}},
	{"a wire ends beside its place", func(d *Drawing, k int) (changes []func(*Sheeted)) {
		for i, w := range d.Sheets[k].Wires {
			changes = append(changes, func(s *Sheeted) {
				end := &s.Wires[i].A
				if w.A.X == w.B.X {
					end.X += grid
				} else {
					end.Y += grid
				}
			})
		}
		return changes
	}},
	{"a wire leads from nowhere to nowhere", func(*Drawing, int) []func(*Sheeted) {
		return []func(*Sheeted){func(s *Sheeted) {
			p := s.below()
			s.Wires = append(s.Wires, Segment{p, Point{p.X + 8*grid, p.Y}})
		}}
	}},
	{"a label is misspelt", func(d *Drawing, k int) (changes []func(*Sheeted)) {
		for i, l := range d.Sheets[k].Labels {
			if _, _, isBus := vector(l.Text); !isBus && l.Kind != GlobalLabel {
				changes = append(changes, func(s *Sheeted) { s.Labels[i].Text += "_" })
			}
		}
		return changes
	}},
	{"a label is missing", func(d *Drawing, k int) (changes []func(*Sheeted)) {
		for i, l := range d.Sheets[k].Labels {
			if l.Kind == LocalLabel {
				changes = append(changes, func(s *Sheeted) { s.Labels = slices.Delete(s.Labels, i, i+1) })
			}
		}
		return changes
	}},
	{"two nets that both are driven are joined", func(d *Drawing, k int) (changes []func(*Sheeted)) {
		for i, l := range d.Sheets[k].Labels {
			for _, other := range d.Sheets[k].Labels {
				if l.Kind == LocalLabel && other.Kind == LocalLabel && other.Text != l.Text {
					changes = append(changes, func(s *Sheeted) { s.Labels[i].Text = other.Text })
				}
			}
		}
		for _, p := range d.Sheets[k].Symbols {
			if p.Part < 0 {
				continue
			}
			for _, pin := range p.pins() { // an output at a supply
				for _, l := range d.Sheets[k].Labels {
					if pin.Type == "output" && l.Kind == LocalLabel {
						changes = append(changes, func(s *Sheeted) {
							s.Labels = append(s.Labels, Label{Kind: LocalLabel, Text: l.Text, At: p.pinAt(pin), Side: l.Side})
						})
					}
				}
			}
		}
		return changes
	}},
}

// below returns a place under everything that is drawn.
func (s *Sheeted) below() Point {
	y := 0
	for _, w := range s.Wires {
		y = max(y, w.A.Y, w.B.Y)
	}
	for _, p := range s.Symbols {
		y = max(y, p.At.Y)
		for _, pin := range p.pins() {
			y = max(y, p.pinAt(pin).Y)
		}
	}
	for _, l := range s.Labels {
		y = max(y, l.At.Y)
	}
	for _, b := range s.Boxes {
		y = max(y, b.At.Y+b.Size.Y)
	}
	return Point{20 * grid, (y/grid + 8) &^ 1 * grid}
}

// marks are references of a further power symbol, in as many places.
func marks(like []string, prefix string) []string {
	refs := make([]string, len(like))
	for i := range refs {
		refs[i] = fmt.Sprintf("%s%02d", prefix, i)
	}
	return refs
}

// Checked is a schematic and what the rules here say of it.
type Checked struct {
	Name   string
	Text   string
	Errors map[string]int // by type
}

// CheckedDrawings are drawings of circuit number i of each family, right and
// with each fault, for who compares the rules here with KiCad's.
func CheckedDrawings(i int) []Checked {
	var all []Checked
	add := func(name string, c *Drawing) {
		all = append(all, Checked{name, Join(c.Files(generated.NewRand(name))), c.errors()})
	}
	for _, f := range Families() {
		if f.Name == "bus" || f.Name == "bus_sheets" {
			continue // the rules here know no buses
		}
		r := generated.NewRand(fmt.Sprintf("rules %s %d", f.Name, i))
		d := f.Make(r)
		style := Style{Wires: generated.Pick(r, 0, 60, 90), Stubs: r.Bool(), Turn: r.Bool(), Mirror: r.Bool(), Numbers: r.Bool(), Buses: r.Bool(), Through: r.IntN(4) == 0, Version: 20250114}
		style.NoConnects, style.Flags, style.Fed = r.Bool(), r.Bool(), r.Bool()
		drawing := d.Draw(style, r)
		add(f.Name, drawing)
		for _, kind := range faults {
			if c, ok := drawing.with(kind, r); ok {
				add(f.Name+": "+kind.name, c)
			}
		}
	}
	return all
}
