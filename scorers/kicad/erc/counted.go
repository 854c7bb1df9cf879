package erc

// Counted are the types of findings that count where their severity is error,
// and what each says of the circuit. All others are left out:
//
//   - lib_symbol_issues, lib_symbol_mismatch, footprint_link_issues,
//     footprint_filter: compare with the libraries of the machine, of which the
//     sandbox has none;
//   - simulation_model_issue: wants files of models;
//   - undefined_netclass: compares with the project's settings, and there is no
//     project;
//   - endpoint_off_grid, four_way_junction, similar_labels, similar_power,
//     similar_label_and_power, single_global_label, same_local_global_label,
//     multiple_net_names, label_multiple_wires, no_connect_dangling,
//     global_label_dangling, unconnected_wire_endpoint: style, or a suspicion.
//     KiCad's default for them is a warning or less.
//
// Warnings never count: what is one depends on the project's settings, and the
// two published counts of the same file (4 and 2, 16 and 9) differ by what
// libraries were installed (specs of the peer's tasks, measured).
//
// The severities are KiCad's defaults: without a project file nothing of a
// model's text can change them.
func Counted() map[string]string {
	return map[string]string{
		"pin_not_connected":       "a pin is in the air, and nothing says that it may be",
		"pin_not_driven":          "an input that no output drives",
		"power_pin_not_driven":    "a power input that no power output or PWR_FLAG feeds",
		"pin_to_pin":              "two pins on one net that must not meet: two outputs, two supplies",
		"no_connect_connected":    "a no-connect mark on a pin that is connected",
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
