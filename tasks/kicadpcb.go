package tasks

import (
	"encoding/json"
	"fmt"

	"github.com/ailiance/lorabench"
	"github.com/ailiance/lorabench/tasks/electronics/kicadpcb"
)

// kicadPCB asks for footprints, from drawings in words.
func kicadPCB() Definition {
	d := madeUp("kicad_pcb", "1", "footprints for KiCad, compared pad by pad", 250, kicadpcb.Families())
	d.maxTokens = 6144 // 64 pads of some 60 tokens, and what is around them
	d.nulls = footprintNulls
	return d
}

// footprintNulls are those of every generated task, and four of footprints: the
// commonest parts, the most frequent pads, the same part of a family always, and
// for each question another one's answer of its family.
func footprintNulls(examples []example) []lorabench.Null {
	targets := make([]json.RawMessage, len(examples))
	for i, e := range examples {
		targets[i] = e.target.Bench
	}
	nulls := questionNulls(kicadpcb.Soup, func([]example) []string { return kicadpcb.Constants() })(examples)
	for _, c := range kicadpcb.Frequent(targets) {
		nulls = append(nulls, saying(fmt.Sprintf("always the %d most frequent pads", c.Pads), c.Text))
	}
	same, other := sameFamily(examples)
	for _, e := range same {
		nulls = append(nulls, saying("always the same footprint of "+e.family, e.target.Answer))
	}
	return append(nulls, lorabench.Null{Name: "the right answer to another question of the family", Outputs: func(s *lorabench.Sample) []lorabench.Output {
		return []lorabench.Output{{Text: other[s.ID], Stop: lorabench.StopEOS}}
	}})
}

// sameFamily returns the first example of each family, and for each example, by
// its id, the right answer to the one before it in its family (to the last one
// for the first; "" where the family has no other).
func sameFamily(examples []example) (first []example, other map[string]string) {
	families := map[string][]example{}
	for _, e := range examples {
		if families[e.family] == nil {
			first = append(first, e)
		}
		families[e.family] = append(families[e.family], e)
	}
	other = map[string]string{}
	for _, of := range families {
		for i, e := range of {
			if n := len(of); n > 1 {
				other[e.id] = of[(i+n-1)%n].target.Answer
			}
		}
	}
	return first, other
}
