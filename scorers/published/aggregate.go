package published

import (
	"math"
	"math/big"
)

// total is what aggregates are computed of: the records of one model.
type total []Record

// rate is the share of records in which key is true, to 4 decimals.
func (t total) rate(key string) float64 {
	return t.share(func(r Record) bool { x, _ := r.Number(key); return x != 0 })
}

func (t total) share(holds func(Record) bool) float64 {
	n := 0
	for _, r := range t {
		if holds(r) {
			n++
		}
	}
	return round(float64(n)/float64(len(t)), 4)
}

// mean is the mean of key to 4 decimals, of values that are rounded already.
func (t total) mean(key string) float64 { return round(sum(numbers(t, key))/float64(len(t)), 4) }

// The datasets of the first phase.
const (
	SymbolDataset    = "kicad-dsl"
	FootprintDataset = "kicad-pcb"
	SPICEDataset     = "spice-sim"
)

// nothing is the aggregate of no records.
var nothing = Record{{"n_samples", 0}}

// AggregatePhase1 sums up records of Symbol, Footprint or SPICE.
func AggregatePhase1(dataset string, records []Record) Record {
	t := total(records)
	if len(t) == 0 {
		return nothing
	}
	r := Record{
		{"n_samples", len(t)},
		{"parse_ok_rate", t.rate("parse_ok")},
		{"composite_score", t.mean("composite")},
	}
	switch dataset {
	case SymbolDataset:
		r = append(r,
			Field{"fields_complete_rate", t.rate("fields_complete")},
			Field{"pin_count_match_rate", t.rate("pin_count_match")},
			Field{"fplist_balanced_rate", t.rate("fplist_balanced")})
	case FootprintDataset:
		r = append(r,
			Field{"structure_ok_rate", t.share(func(r Record) bool {
				layer, _ := r.Number("layer_fcu")
				text, _ := r.Number("has_fp_text")
				return layer != 0 && text != 0
			})},
			Field{"pad_count_match_rate", t.rate("pad_count_match")},
			Field{"has_at_rate", t.rate("has_at_coords")})
	case SPICEDataset:
		r = append(r,
			Field{"has_end_rate", t.rate("has_end")},
			Field{"ground_present_rate", t.rate("ground_node_present")},
			Field{"balanced_rate", t.rate("balanced")},
			Field{"component_count_match_avg", t.mean("component_count_match")},
			Field{"analysis_count_match_avg", t.mean("analysis_count_match")},
			Field{"floating_nodes_low_avg", t.mean("floating_nodes_low")})
	}
	return r
}

// AggregateSchematics sums up records of SchematicText.
func AggregateSchematics(records []Record) Record {
	t := total(records)
	if len(t) == 0 {
		return nothing
	}
	return Record{
		{"n_samples", len(t)},
		{"parse_ok_rate", t.rate("parse_ok")},
		{"starts_with_kicad_sch_rate", t.rate("starts_with_kicad_sch")},
		{"has_lib_symbols_rate", t.rate("has_lib_symbols")},
		{"comp_count_match_avg", t.mean("comp_count_match")},
		{"label_count_match_avg", t.mean("label_count_match")},
		{"cli_proxy_avg", t.mean("cli_proxy_score")},
		{"composite_score", t.mean("composite")},
	}
}

// AggregateExtractions sums up records of Extract.
func AggregateExtractions(records []Record) Record {
	t := total(records)
	if len(t) == 0 {
		return nothing
	}
	return Record{
		{"n_samples", len(t)},
		{"json_ok_rate", t.rate("json_ok")},
		{"components_f1_avg", t.mean("components.f1")},
		{"components_recall_avg", t.mean("components.recall")},
		{"components_precision_avg", t.mean("components.precision")},
		{"nets_f1_avg", t.mean("nets.f1")},
		{"nets_recall_avg", t.mean("nets.recall")},
		{"nets_precision_avg", t.mean("nets.precision")},
		{"net_pins_f1_avg", t.mean("net_pins.f1")},
		{"net_pins_recall_avg", t.mean("net_pins.recall")},
		{"composite_score", t.mean("composite")},
	}
}

// counts returns the values of key where there are any.
func (t total) counts(key string) []float64 {
	var all []float64
	for _, r := range t {
		if x, ok := r.Number(key); ok {
			all = append(all, x)
		}
	}
	return all
}

// meanOrNull is the mean to 2 decimals, null of nothing.
func meanOrNull(values []float64) any {
	if len(values) == 0 {
		return nil
	}
	return round(sum(values)/float64(len(values)), 2)
}

func maxOrNull(values []float64) any {
	if len(values) == 0 {
		return nil
	}
	most := values[0]
	for _, v := range values {
		most = max(most, v)
	}
	return int(most)
}

// AggregateERC sums up records of ERC.Record.
func AggregateERC(records []Record) Record {
	t := total(records)
	if len(t) == 0 {
		return nothing
	}
	errors, warnings := t.counts("errors_count"), t.counts("warnings_count")
	return Record{
		{"n_samples", len(t)},
		{"parse_ok_kicad_rate", t.share(func(r Record) bool { via, _ := r.Get("parse_via"); return via == ViaKiCad })},
		{"parse_ok_any_rate", t.share(func(r Record) bool { x, _ := r.Number("parse_ok"); return x > 0 })},
		{"avg_errors", meanOrNull(errors)},
		{"avg_warnings", meanOrNull(warnings)},
		{"max_errors", maxOrNull(errors)},
		{"max_warnings", maxOrNull(warnings)},
		{"composite_avg", t.mean("composite")},
	}
}

// AggregateDelta sums up records of Delta; absolute is the aggregate of the same
// texts by AggregateERC, whose composite is copied.
func AggregateDelta(records []Record, absolute Record) Record {
	t := total(records)
	mean := 0.0
	if len(t) > 0 {
		mean = t.mean("composite_v2")
	}
	copied, _ := absolute.Get("composite_avg")
	return Record{
		{"n_samples", len(t)},
		{"composite_v2_avg", mean},
		{"composite_v1_avg", copied},
		{"avg_errs_delta", meanOrNull(t.counts("errs_delta"))},
		{"avg_warns_delta", meanOrNull(t.counts("warns_delta"))},
	}
}

// AggregateGSM8K counts right answers.
func AggregateGSM8K(right []bool) Record {
	correct := 0
	for _, ok := range right {
		if ok {
			correct++
		}
	}
	accuracy := 0.0
	if len(right) > 0 {
		accuracy = float64(correct) / float64(len(right))
	}
	return Record{{"n", len(right)}, {"correct", correct}, {"accuracy", accuracy}}
}

// exactMean is Python's statistics.mean: the exact mean, rounded once. The mean
// of nothing is 0.
func exactMean(values []float64) float64 {
	if len(values) == 0 {
		return 0
	}
	exact := new(big.Rat)
	for _, v := range values {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return v
		}
		exact.Add(exact, new(big.Rat).SetFloat64(v))
	}
	mean, _ := exact.Quo(exact, big.NewRat(int64(len(values)), 1)).Float64()
	return mean
}

// AggregateN3 sums up composites and axes of candidate files; each file counts
// as often as there are seeds, which change nothing.
func AggregateN3(axes []Record, seeds int) Record {
	column := func(key string) []float64 {
		var all []float64
		for _, x := range numbers(axes, key) {
			for range seeds {
				all = append(all, x)
			}
		}
		return all
	}
	r := Record{{"pass_rate", round(exactMean(column("composite")), 4)}}
	for _, axis := range []string{"parse_ok", "erc_clean", "sch_render", "drc_clean", "sem_equiv"} {
		r = append(r, Field{"axis_" + axis, round(exactMean(column(axis)), 4)})
	}
	return append(r, Field{"n_samples", len(axes) * seeds})
}

// AggregateForgetting is a cell of the forgetting table: the mean Jaccard of
// what succeeded, to 3 decimals.
func AggregateForgetting(scores []float64) float64 {
	if len(scores) == 0 {
		return 0
	}
	return round(sum(scores)/float64(len(scores)), 3)
}

// PassRate is the share of samples that pass, to 3 decimals.
func PassRate(passed, samples int) float64 {
	return round(float64(passed)/float64(max(samples, 1)), 3)
}

// MeanOfScored is mascarade-eval's mean of the items that have a score.
func MeanOfScored(scores []float64) float64 { return exactMean(scores) }
