package tasks

import (
	"slices"

	"github.com/ailiance/lorabench"
	"github.com/ailiance/lorabench/tasks/electronics/schematic"
	"github.com/ailiance/lorabench/tasks/generated"
)

// kicadSchGen asks for schematics.
func kicadSchGen() Definition {
	d := madeUp("kicad_sch_gen", "1", "draw a circuit as a KiCad schematic: its netlist is compared", 130, schematic.GenFamilies())
	d.maxTokens = 16384
	d.nulls = schematicNulls(
		"kicad_sch version generator uuid paper lib_symbols symbol lib_id property Reference Value wire pts xy label global_label junction no_connect power GND VCC R1 C1 U1 resistor capacitor")
	return d
}

// schExtract asks for the netlists of schematics.
func schExtract() Definition {
	d := madeUp("sch_extract", "1", "read the netlist out of a KiCad schematic: which pins are connected", 156, schematic.ExtractFamilies())
	d.maxTokens = 8192
	fraction := func(name string) lorabench.Metric {
		return lorabench.Metric{Name: name, Unit: fractionOfScore, Better: lorabench.Higher, Aggregate: lorabench.Mean, Margin: 0.05}
	}
	d.Metrics = []lorabench.Metric{fraction(spiceScore), fraction("f1"), fraction("precision"), fraction("recall"), fraction("components")}
	pairs, one := schematic.GuessedNetlists()
	d.nulls = schematicNulls(
		"components nets ref value name pins R1 R2 C1 U1 GND VCC VIN VOUT R1.1 R1.2 C1.1 10k 100n schematic netlist json",
		saying("parts with the first numbers, in pairs", pairs), saying("parts with the first numbers, in one net", one))
	return d
}

// schExtractReal asks for the netlists of schematics that somebody drew:
// "lorabench kicad questions" writes the rows.
func schExtractReal() Definition {
	d := schExtract()
	d.Name, d.Title = "sch_extract_real", "read the netlist out of a real KiCad schematic: which pins are connected"
	d.Source = "made of schematics by lorabench kicad questions, docs/scorers/sch_extract.md"
	d.Evaluation = Split{Dataset: d.Name, Name: generated.Test}
	d.Embedded, d.Generated, d.generate = false, 0, nil
	return d
}

// schematicNulls are what knows nothing of a schematic, and others.
func schematicNulls(soup string, others ...lorabench.Null) func([]example) []lorabench.Null {
	return func(examples []example) []lorabench.Null {
		nulls := questionNulls(soup, func([]example) []string { return nil })(examples)
		return append(append(nulls, shortestOfFamilies(examples, 8)...), others...)
	}
}

// shortestOfFamilies are constants: of n families each the shortest answer.
func shortestOfFamilies(examples []example, n int) []lorabench.Null {
	var families []string
	shortest := map[string]string{}
	for _, e := range examples {
		text, seen := shortest[e.family]
		if !seen {
			families = append(families, e.family)
		}
		if !seen || len(e.target.Answer) < len(text) {
			shortest[e.family] = e.target.Answer
		}
	}
	slices.SortStableFunc(families, func(a, b string) int { return len(shortest[a]) - len(shortest[b]) })
	var nulls []lorabench.Null
	for _, f := range families[:min(n, len(families))] {
		nulls = append(nulls, saying("always the shortest answer of the family "+f, shortest[f]))
	}
	return nulls
}
