// Package kicad reads what KiCad 6 to 9 write about circuits: schematics,
// boards and exported netlists, and says which pins are connected.
//
// [ReadNetlist] extracts the netlist of a schematic as KiCad does, without
// KiCad: symbols are placed by their position, rotation and mirror, wires join
// at ends, junctions and labels, names join wires on a sheet or everywhere, and
// sheet pins, buses and sheets that are used several times are followed.
//
// All of it works on whole numbers of 100 nm, KiCad's own unit, so that no
// rounding decides what touches. The text is hostile: sizes, depths, numbers of
// sheets and of bus members are bounded by [Limits], and times are near-linear.
//
// The package deliberately does not judge a circuit (no ERC), does not read
// libraries from disk (a schematic holds the symbols it uses), and does not
// read the .sch files of KiCad 5 and older.
package kicad
