package tasks

import (
	"encoding/json"
	"fmt"

	"github.com/ailiance/lorabench"
	"github.com/ailiance/lorabench/tasks/electronics/kicaddsl"
)

// kicadDSL asks for schematic symbols of made-up parts, from tables of their
// pins.
func kicadDSL() Definition {
	d := madeUp("kicad_dsl", "1", "schematic symbols for KiCad, compared pin by pin", 240, kicaddsl.Families())
	d.maxTokens = 4096
	d.nulls = symbolNulls
	return d
}

// symbolNulls are those of every generated task, and three of symbols: the most
// frequent pins, of each number of pins; the same part of a family always; and
// for each question another one's answer of its family.
func symbolNulls(examples []example) []lorabench.Null {
	nulls := questionNulls(kicaddsl.Soup, func([]example) []string { return nil })(examples)
	targets := make([]json.RawMessage, len(examples))
	next, first, last, order := map[string]string{}, map[string]string{}, map[string]string{}, []string{}
	for i, e := range examples {
		targets[i] = e.target.Bench
		if _, seen := first[e.family]; !seen {
			order = append(order, e.family)
			first[e.family] = e.target.Answer
		}
		next[e.id] = last[e.family]
		last[e.family] = e.target.Answer
	}
	for _, e := range examples {
		if next[e.id] == "" { // the family's first
			next[e.id] = last[e.family]
			if last[e.family] == e.target.Answer {
				next[e.id] = ""
			}
		}
	}
	for _, c := range kicaddsl.Constants(targets) {
		nulls = append(nulls, saying(fmt.Sprintf("always the %d most frequent pins", c.Pins), c.Text))
	}
	for _, family := range order {
		nulls = append(nulls, saying("always the same symbol of "+family, first[family]))
	}
	return append(nulls, lorabench.Null{Name: "the right answer to another question of the family", Outputs: func(s *lorabench.Sample) []lorabench.Output {
		return []lorabench.Output{{Text: next[s.ID], Stop: lorabench.StopEOS}}
	}})
}
