package schematic

import (
	"slices"
	"strings"

	"github.com/ailiance/lorabench/tasks/generated"
)

// mutants are schematics of the design with one thing wrong.
func (d *Design) mutants(drawing *Drawing, r *generated.Rand) []generated.Mutant {
	want := Partition(d.Netlist().Nets)
	seed := r.Uint64()
	write := func(c *Drawing) string { return Answer(c.Files(generated.NewRand(string(rune(seed % 0x10000))))) }
	var mutants []generated.Mutant
	add := func(name, text string) { mutants = append(mutants, generated.Mutant{Name: name, Text: text}) }

	// differs makes the first of the changes after which the drawing's nets are
	// others, whichever way it is read.
	differs := func(name string, changes []func(*Drawing)) {
		generated.Shuffle(r, changes)
		for _, change := range changes[:min(len(changes), 6)] {
			c := drawing.Clone()
			change(c)
			if Partition(c.Read(true)) != want && Partition(c.Read(false)) != want {
				add(name, write(c))
				return
			}
		}
	}
	var shorts, cuts, beside, misspelt, mirrored, swapped, missing, unplaced []func(*Drawing)
	for k, s := range drawing.Sheets {
		for i, w := range s.Wires {
			// kicad-cli loses the rest of a wire that has a junction inside.
			if short := (Segment{w.A, s.Wires[(i+1)%len(s.Wires)].B}); short.A != short.B && !slices.ContainsFunc(s.Junctions, func(p Point) bool { return short.on(p) && !short.ends(p) }) {
				shorts = append(shorts, func(c *Drawing) {
					c.Sheets[k].Wires = append(c.Sheets[k].Wires, short)
				})
			}
			cuts = append(cuts, func(c *Drawing) { c.Sheets[k].Wires = slices.Delete(c.Sheets[k].Wires, i, i+1) })
			beside = append(beside, func(c *Drawing) {
				end := &c.Sheets[k].Wires[i].A
				if w.A.X == w.B.X {
					end.X++
				} else {
					end.Y++
				}
			})
		}
		for i, l := range s.Labels {
			if _, _, isBus := vector(l.Text); isBus {
				continue
			}
			cuts = append(cuts, func(c *Drawing) { c.Sheets[k].Labels = slices.Delete(c.Sheets[k].Labels, i, i+1) })
			misspelt = append(misspelt, func(c *Drawing) { c.Sheets[k].Labels[i].Text += "A" })
			for _, other := range s.Labels {
				if _, _, isBus := vector(other.Text); !isBus && other.Text != l.Text {
					shorts = append(shorts, func(c *Drawing) { c.Sheets[k].Labels[i].Text = other.Text })
					break
				}
			}
		}
		for i, p := range s.Symbols {
			if p.Part < 0 {
				misspelt = append(misspelt, func(c *Drawing) { c.Sheets[k].Symbols[i].Value += "A" })
				cuts = append(cuts, func(c *Drawing) { c.Sheets[k].Symbols = slices.Delete(c.Sheets[k].Symbols, i, i+1) })
				continue
			}
			mirrored = append(mirrored, func(c *Drawing) {
				q := &c.Sheets[k].Symbols[i]
				switch {
				case q.Mirror != "":
					q.Mirror = ""
				case q.Turn == 90 || q.Turn == 270:
					q.Mirror = "y"
				default:
					q.Mirror = "x"
				}
			})
			if pins := p.pins(); len(pins) > 1 {
				swapped = append(swapped, func(c *Drawing) { c.swapPins(p.Symbol, pins[0].Number, pins[1].Number) })
			}
			missing = append(missing, func(c *Drawing) {
				c.Sheets[k].Symbols = slices.DeleteFunc(c.Sheets[k].Symbols, func(q Placed) bool { return q.Part == p.Part })
			})
		}
		for i := range s.Boxes {
			unplaced = append(unplaced, func(c *Drawing) { c.unplace(k, i) })
		}
	}
	differs("two nets are shorted", shorts)
	differs("a pin is not connected", cuts)
	differs("a wire ends 0.01 mm beside its place", beside)
	differs("a label is misspelt", misspelt)
	differs("a symbol is mirrored, and the wires miss it", mirrored)
	differs("two pins are swapped", swapped)
	differs("a part is missing", missing)
	differs("a sheet is placed once less", unplaced)

	k, i := somePart(drawing, r)
	c := drawing.Clone()
	part := c.Sheets[k].Symbols[i]
	for j := range c.Sheets[k].Symbols {
		if q := &c.Sheets[k].Symbols[j]; q.Part == part.Part {
			q.Value = otherValue(q.Value)
		}
	}
	add("a value is wrong", write(c))

	c = drawing.Clone()
	twin := part
	twin.At.X += 10000
	twin.At.Y += 20000
	c.Sheets[k].Symbols = append(c.Sheets[k].Symbols, twin)
	add("a part is there twice", write(c))

	c = drawing.Clone()
	twin.Refs = nil
	for range part.Refs {
		twin.Refs = append(twin.Refs, part.Symbol.Prefix+"1001")
	}
	c.Sheets[k].Symbols = append(c.Sheets[k].Symbols, twin)
	add("a part too many", write(c))

	c = drawing.Clone()
	c.Sheets[k].Symbols[i].Refs[0] += "9"
	add("a reference is wrong", write(c))

	c = drawing.Clone()
	typed := *part.Symbol
	typed.Pins = slices.Clone(typed.Pins)
	typed.Pins[0].Type = map[bool]string{true: "output", false: "passive"}[typed.Pins[0].Type == "passive"]
	c.replace(part.Symbol, &typed)
	add("a pin has another electrical type", write(c))

	text := write(drawing)
	add("cut off", text[:len(text)*3/4]+"\n```\n")
	if j := strings.LastIndex(text, `(lib_id "`+library+":"); j > 0 {
		j += len(`(lib_id "` + library + ":")
		add("a symbol is not in lib_symbols", text[:j]+"NO_"+text[j:])
	}
	if j := strings.LastIndex(text, ";; file "); j > len("```kicad_sch\n") {
		add("a file is missing", text[:j]+"```\n")
	}
	return mutants
}

// somePart chooses a placed part.
func somePart(d *Drawing, r *generated.Rand) (sheet, symbol int) {
	var all [][2]int
	for k, s := range d.Sheets {
		for i, p := range s.Symbols {
			if p.Part >= 0 {
				all = append(all, [2]int{k, i})
			}
		}
	}
	at := generated.Pick(r, all...)
	return at[0], at[1]
}

// replace puts another symbol in the place of one.
func (d *Drawing) replace(old, with *Symbol) {
	for _, s := range d.Sheets {
		for i := range s.Symbols {
			if s.Symbols[i].Symbol == old {
				s.Symbols[i].Symbol = with
			}
		}
	}
}

// swapPins gives two pins of a symbol each other's number.
func (d *Drawing) swapPins(s *Symbol, a, b string) {
	c := *s
	c.Pins = slices.Clone(c.Pins)
	for i := range c.Pins {
		switch c.Pins[i].Number {
		case a:
			c.Pins[i].Number = b
		case b:
			c.Pins[i].Number = a
		}
	}
	d.replace(s, &c)
}

// unplace takes a sheet away, and what lies below it.
func (d *Drawing) unplace(sheet, box int) {
	s := d.Sheets[sheet]
	gone := s.Boxes[box].UUID
	s.Boxes = slices.Delete(s.Boxes, box, box+1)
	for _, other := range d.Sheets {
		for i := len(other.Paths) - 1; i >= 0; i-- {
			if !strings.Contains(other.Paths[i]+"/", "/"+gone+"/") {
				continue
			}
			other.Paths = slices.Delete(other.Paths, i, i+1)
			for j := range other.Symbols {
				other.Symbols[j].Refs = slices.Delete(other.Symbols[j].Refs, i, i+1)
			}
		}
	}
	d.Sheets = slices.DeleteFunc(d.Sheets, func(s *Sheeted) bool { return len(s.Paths) == 0 })
}
