// Package erc has KiCad's own program, kicad-cli, look at schematics that a
// model wrote: its electrical rules check, and the netlist that it makes of
// them.
//
// The program runs in [github.com/ailiance/lorabench/scorers/sandbox]: a
// schematic names other files, and kicad-cli opens whatever it names. What it
// found is read from the files that it writes, never from its exit code or what
// it prints: it exits with 0 whether there are errors or not.
//
// Which errors count is a list with a version, [Counted]: findings that depend
// on the libraries or fonts of the machine, or on a project's settings, say
// nothing of the text.
//
// The package deliberately does not know what circuit was asked for; a
// schematic with nothing in it has no errors.
package erc

// Version is part of a measurement's identity; it is raised whenever a finding
// or the list of errors that count can change.
const Version = "1"
