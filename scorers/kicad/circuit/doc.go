// Package circuit says whether a schematic is the circuit that was asked for,
// and whether a netlist is that of a schematic.
//
// [Load] reads a schematic as KiCad 9 does, and refuses what it refuses: an
// unknown word, a wire of three points, a text without quotes. [Target] is what
// is asked for: parts, values, pins, nets. [Target.Compare] compares: nets as a
// partition of pins, values by what they mean. [ReadAnswer] reads a netlist that
// a model wrote as JSON.
//
// The package deliberately does not look at how a schematic is drawn, and knows
// no rule of design: those are KiCad's own program's.
//
// Sources: what kicad-cli 9.0.8 loads and exports (circuit_test.go), and
// https://dev-docs.kicad.org/en/file-formats/sexpr-schematic.
package circuit
