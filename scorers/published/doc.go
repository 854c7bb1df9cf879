// Package published computes the scores of the published electronics
// benchmark, bit for bit: legacy symbols and footprints, SPICE decks,
// schematics, extraction, ERC, and the text scores around them.
//
// These numbers are here to be compared with, not to be believed: an empty text
// scores, a constant one beats every published model, reasoning is scored as if
// it were the answer. docs/scorers/published.md says what is wrong with each.
//
// Texts are treated as CPython 3.12 treats them (python.go). Every function
// takes time linear in its texts, whatever a model wrote, and never panics. No
// program is run here: what kicad-cli counts is handed in.
package published
