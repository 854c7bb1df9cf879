package kicaddsl

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
)

// Soup is words of the field in no order.
const Soup = `kicad_symbol_lib version generator symbol property Reference "U" Value Footprint Datasheet rectangle start end ` +
	`pin input output bidirectional tri_state passive power_in power_out open_collector line at length 2.54 name "VCC" number "8" ` +
	`(name "GND") (number "4") DEF U F0 F1 DRAW S X ENDDRAW ENDDEF ` +
	`(symbol "U" (symbol "U_1_1" (pin power_in line (at 0 7.62 270) (length 2.54) (name "VCC") (number "8"))))`

// Constant is an answer that does not look at the question.
type Constant struct {
	Pins int
	Text string
}

// Constants are the best answers that do not look at the question: for each
// number of pins the symbol whose pin k is what pin k is most often. targets are
// those of all questions.
func Constants(targets []json.RawMessage) []Constant {
	var all []targetSymbol
	for _, raw := range targets {
		var t targetSymbol
		if json.Unmarshal(raw, &t) == nil {
			all = append(all, t)
		}
	}
	votes := map[string]map[targetPin]int{} // by number
	for _, t := range all {
		for _, p := range t.Pins {
			if votes[p.Number] == nil {
				votes[p.Number] = map[targetPin]int{}
			}
			votes[p.Number][targetPin{Name: p.Name, Type: p.Type, Side: p.Side}]++
		}
	}
	var constants []Constant
	for _, n := range []int{2, 3, 4, 5, 6, 8, 10, 12, 14, 16, 20, 24, 28} {
		q := request{part: part{units: []string{""}, prefix: "U"}, name: "PART", layout: "sides", grid: pitch, length: pitch}
		for k := 1; k <= n; k++ {
			number := fmt.Sprint(k)
			p := most(votes[number])
			if p.Side == "" {
				continue
			}
			q.pins = append(q.pins, pin{number: number, name: p.Name, kind: p.Type, side: p.Side, unit: 1})
		}
		if len(q.pins) == 0 {
			continue
		}
		s := symbol{name: q.name, reference: q.prefix, value: q.name, units: 1, shapes: q.placeInOrder()}
		s.pins = q.pins
		constants = append(constants, Constant{len(s.pins), write(s, "current", style{library: true})})
	}
	return constants
}

// most is what occurs most, the first of equals by name, type and side.
func most(votes map[targetPin]int) targetPin {
	keys := slices.SortedFunc(maps.Keys(votes), func(a, b targetPin) int {
		return cmp.Or(cmp.Compare(votes[b], votes[a]), cmp.Compare(a.Name, b.Name), cmp.Compare(a.Type, b.Type), cmp.Compare(a.Side, b.Side))
	})
	if len(keys) == 0 {
		return targetPin{}
	}
	return keys[0]
}
