package tasks

import (
	"github.com/ailiance/lorabench"
	"github.com/ailiance/lorabench/tasks/electronics/schematic"
)

// erc asks for schematics in which KiCad's electrical rules check finds nothing.
func erc() Definition {
	d := madeUp("erc", "1", "draw a circuit as a KiCad schematic without errors of the electrical rules check", 120, schematic.ERCFamilies())
	d.maxTokens = 16384
	d.nulls = schematicNulls(ercSoup, leastSchematics...)
	return d
}

// ercDelta shows schematics with errors, to be repaired.
func ercDelta() Definition {
	d := madeUp("erc_delta", "1", "repair a KiCad schematic: errors of the electrical rules check, before and after", 120, schematic.ERCDeltaFamilies())
	d.maxTokens = 16384
	d.nulls = schematicNulls(ercSoup, leastSchematics...)
	return d
}

const ercSoup = "kicad_sch version generator uuid paper lib_symbols symbol lib_id power PWR_FLAG no_connect wire label junction GND VCC power_in power_out passive erc error warning fixed"

// leastSchematics have nothing in them, and so no errors either: what the
// published task takes for perfect.
var leastSchematics = []lorabench.Null{
	saying("always the least that loads", "(kicad_sch (version 20250114))"),
	saying("always an empty sheet", `(kicad_sch (version 20250114) (generator "eeschema") (uuid "00000000-0000-4000-8000-000000000000") (paper "A4") (lib_symbols) (sheet_instances (path "/" (page "1"))))`),
}
