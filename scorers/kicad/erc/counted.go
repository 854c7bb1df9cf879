package erc

import "encoding/json"

// Counted are the types of findings that count where their severity is error,
// and what each says of the circuit. The others are [ignored].
//
// Warnings never count: what is one depends on a project's settings, and two
// published counts of the same file (4 and 2, 16 and 9) differ by what libraries
// were installed (measured).
//
// The severities are KiCad's defaults: the project is ours, and nothing of a
// model's text can change them.
func Counted() map[string]string {
	return map[string]string{
		"pin_not_connected":       "a pin is in the air, and nothing says that it may be",
		"pin_not_driven":          "an input that no output drives",
		"power_pin_not_driven":    "a power input that no power output or PWR_FLAG feeds",
		"pin_to_pin":              "two pins on one net that must not meet: two outputs, two supplies",
		"label_dangling":          "a label that names nothing, or a net of one pin",
		"wire_dangling":           "a wire that ends in the air",
		"duplicate_reference":     "two parts of one name",
		"duplicate_pins":          "two pins of one number on different nets",
		"different_unit_net":      "one pin of a part, drawn in two units, is on two nets",
		"unit_value_mismatch":     "units of one part with different values",
		"extra_units":             "a part has more units than its symbol",
		"missing_power_pin":       "the unit with the power inputs of a part is not there",
		"hier_label_mismatch":     "a sheet's pin without its label, or the other way round",
		"duplicate_sheet_names":   "two sheets of one name",
		"bus_definition_conflict": "one bus name stands for different members",
		"bus_to_bus_conflict":     "two buses are connected that have no member in common",
		"bus_to_net_conflict":     "a wire is connected to a bus as if it were one",
		"net_not_bus_member":      "a wire leaves a bus that it is not part of",
		"unresolved_variable":     "a text refers to what is not there",
	}
}

// ignored are the types that say nothing of the circuit, and why: they compare
// with something that is not there, or are style or a suspicion, for which
// KiCad's own default is a warning or less.
func ignored() map[string]string {
	const (
		library = "compares with the libraries of the machine"
		style   = "style, or a suspicion"
	)
	return map[string]string{
		"lib_symbol_issues": library, "lib_symbol_mismatch": library, "footprint_link_issues": library, "footprint_filter": library,
		"simulation_model_issue": "wants files of models",
		"undefined_netclass":     "compares with the settings of a project",
		"endpoint_off_grid":      style, "four_way_junction": style, "label_multiple_wires": style, "unconnected_wire_endpoint": style,
		"similar_labels": style, "similar_power": style, "similar_label_and_power": style, "single_global_label": style, "global_label_dangling": style,
		"same_local_global_label": style, "multiple_net_names": style, "no_connect_dangling": style, "no_connect_connected": style,
		"bus_entry_needed": style, "different_unit_footprint": style, "missing_unit": style, "missing_input_pin": style, "missing_bidi_pin": style,
	}
}

// project has KiCad not look for what is ignored.
func project() []byte {
	severities := map[string]string{}
	for kind := range ignored() {
		severities[kind] = "ignore"
	}
	text, err := json.Marshal(map[string]any{
		"erc":  map[string]any{"meta": map[string]int{"version": 0}, "rule_severities": severities},
		"meta": map[string]any{"filename": projectFile, "version": 3},
	})
	if err != nil {
		panic(err) // strings only
	}
	return text
}
