// Package footprint reads KiCad's footprints, of KiCad 4 to 10, and compares one
// with what was asked for.
//
// A text is read as KiCad 9 reads it: what KiCad refuses is an error with its
// line. It is hostile: size, depth and number of nodes are bounded, and every
// step is linear, or bounded by the size of what was asked for.
//
// Lengths are whole nanometres and angles degrees, as KiCad keeps them; x goes to
// the right and y down.
//
// The package deliberately draws nothing, and knows no board: nets, zones and 3D
// models are passed over.
//
// Source: https://dev-docs.kicad.org/en/file-formats/sexpr-footprint, and what
// KiCad 9 does with a text.
package footprint
