// Package spice scores circuits that a model wrote by simulating them.
//
// The model writes the circuit between named ports; sources and analysis are
// the bench's, so that a text can only be right by being the circuit that was
// asked for. A text goes through a strict grammar ([Parse]); what comes out is
// written anew, with our title, our sources and our analysis, and simulated by
// ngspice inside [github.com/ailiance/lorabench/scorers/sandbox]. Success is
// read from the raw file alone: ngspice's exit code and messages say little
// (it exits with 0 after simulating nothing, and with 1 after a good run).
//
// What the text is to blame for scores 0 with a reason: a line outside the
// grammar, a floating node, a singular matrix, values that are not finite, a
// simulation without end. What we or the machine are to blame for leaves the
// sample unscored: no simulator, no sandbox, a bench that cannot be read.
//
// [Structural] scores form without a simulator. It is another scorer with
// another name: what it accepts need not work.
//
// The package deliberately does not call models, read tasks, or run ngspice
// unconfined; there is no option to do so.
package spice

// Names of the two scorers, as tasks and stored measurements have them.
const (
	Name           = "spice"
	StructuralName = "spice_structural"
)

// Version is part of a measurement's identity; it is raised whenever a score
// can move.
const Version = "2"
