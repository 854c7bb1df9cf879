// Package circuit scores circuits that a model wrote by what they do: the
// measurement language "bench/2" of the task spice_sim (docs/scorers/spice_sim.md).
//
// A [Target] says between which ports the circuit is, what it may be made of,
// which runs are simulated (sources, loads and analyses are ours), and which
// properties are measured on them. A text goes through a grammar that takes the
// freedom of SPICE (titles, comments, continuation lines, units, own models and
// subcircuits) and nothing that could reach beyond the circuit; what comes out
// is flattened and written anew with node names of ours, so that the result
// depends on the circuit and not on its names. Only the raw file is believed.
//
// The package does not run ngspice itself: the caller gives a [Runner], which
// confines it. It reads no task and no file.
//
// Package spice has the first bench language, whose scores are published; it
// stays as it is.
package circuit

// Name of the scorer, as tasks and stored measurements have it.
const Name = "spice_sim"

// Version is part of a measurement's identity; it is raised whenever a score
// can move.
const Version = "1"
