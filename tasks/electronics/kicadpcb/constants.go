package kicadpcb

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// Soup is words of the field without a footprint.
const Soup = "footprint module pad smd thru_hole np_thru_hole rect roundrect circle oval at size drill layers F.Cu F.Paste F.Mask *.Cu *.Mask fp_line fp_rect F.CrtYd F.SilkS F.Fab courtyard attr REF** value"

// Constant is a text that a model could give whatever is asked.
type Constant struct {
	Pads int
	Text string
}

// Constants are plain footprints with the commonest dimensions of their kind.
func Constants() []string {
	simple := func(name string, make func(p *part)) string {
		p := &part{name: name, attributes: []string{"smd"}, courtyard: courtyard{clearance: 250 * um, reach: 250 * um}}
		make(p)
		return write(p, style{})
	}
	columns := func(n, pitch, centre, w, h int) func(*part) {
		return func(p *part) {
			twoColumns(p, n, pitch, centre, pad{kind: "smd", shape: "rect", w: w, h: h, layers: onTop})
		}
	}
	return []string{
		simple("R_0603", columns(1, 0, 1600*um, 800*um, 900*um)),
		simple("SOIC-8", columns(4, 1270*um, 4950*um, 1950*um, 600*um)),
		simple("PinHeader_1x08", func(p *part) {
			p.attributes = []string{"through_hole"}
			for i := range 8 {
				q := plated("circle", 1700*um, 1700*um, 1000*um)
				if i == 0 {
					q.shape = "rect"
				}
				q.number, q.y = number(i+1), i*2540*um
				p.add(q)
			}
		}),
		simple("MountingHole", func(p *part) {
			p.attributes = []string{"exclude_from_pos_files", "exclude_from_bom"}
			p.add(pad{kind: "np_thru_hole", shape: "circle", w: 3200 * um, h: 3200 * um, drill: []int{3200 * um}, layers: throughAll})
		}),
		simple("TestPoint", func(p *part) {
			p.add(pad{number: "1", kind: "smd", shape: "circle", w: 1500 * um, h: 1500 * um, layers: topNoPaste})
		}),
	}
}

// Frequent returns footprints of the pads that occur most often in targets, of
// several numbers of pads.
func Frequent(targets []json.RawMessage) []Constant {
	type counted struct {
		pad pad
		key string
		n   int
	}
	count := map[string]*counted{}
	for _, raw := range targets {
		var t struct {
			Pads []struct {
				Number, Kind, Shape string
				At, Size            [2]float64
				Drill               []float64
				Layers              []string
				Ratio               float64
			}
		}
		if json.Unmarshal(raw, &t) != nil {
			continue
		}
		for _, q := range t.Pads {
			key := fmt.Sprint(q)
			if count[key] == nil {
				nm := func(v float64) int { return int(v*mm + 0.5*float64(sign(v))) }
				p := pad{number: q.Number, kind: q.Kind, shape: q.Shape, x: nm(q.At[0]), y: nm(q.At[1]), w: nm(q.Size[0]), h: nm(q.Size[1]), ratio: q.Ratio, layers: q.Layers}
				for _, d := range q.Drill {
					p.drill = append(p.drill, nm(d))
				}
				count[key] = &counted{p, key, 0}
			}
			count[key].n++
		}
	}
	var all []*counted
	for _, c := range count {
		all = append(all, c)
	}
	slices.SortFunc(all, func(a, b *counted) int { return cmp.Or(-cmp.Compare(a.n, b.n), strings.Compare(a.key, b.key)) })
	var constants []Constant
	for n := 1; n <= 32 && n <= len(all); n *= 2 {
		p := &part{name: "PART", attributes: []string{"smd"}, courtyard: courtyard{clearance: 250 * um, reach: 250 * um}}
		for _, c := range all[:n] {
			p.add(c.pad)
		}
		constants = append(constants, Constant{n, write(p, style{})})
	}
	return constants
}

func sign(v float64) int {
	if v < 0 {
		return -1
	}
	return 1
}
