package published

import "strings"

// Footprint scores a footprint of KiCad's legacy form (kicad-pcb) against the
// reference. In a current .kicad_mod, which begins with "(footprint", it finds
// no block.
func Footprint(generated, expected string) Record {
	return FootprintPads(generated, CountFootprintPads(expected))
}

// CountFootprintPads counts the pads of a reference as the published score does.
func CountFootprintPads(s string) int { return countSpaced(s, "(pad") }

// FootprintPads is Footprint where only the number of the reference's pads is
// known.
func FootprintPads(generated string, expectedPads int) Record {
	src, parsed := generated, false
	if at := strings.Index(generated, "(module"); at >= 0 {
		if end := blockEnd(generated, at); end >= 0 {
			src, parsed = generated[at:end], true
		}
	}
	digit := func(rest string) bool {
		if rest == "" {
			return false
		}
		r, _ := decodeAt(rest, 0)
		return isDecimal(r)
	}
	layer := hasSpaced(src, "(layer", func(rest string) bool { return strings.HasPrefix(rest, "F.Cu)") })
	text := hasSpaced(src, "(fp_text", func(string) bool { return true })
	at := hasSpaced(src, "(at", func(rest string) bool { return digit(strings.TrimPrefix(rest, "-")) })
	size := hasSpaced(src, "(size", digit)
	pads := CountFootprintPads(src)
	match := pads == expectedPads

	structure := oneIf(layer && text)*0.5 + oneIf(at)*0.25 + oneIf(size)*0.25
	composite := oneIf(parsed)*0.4 + float64(structure*0.4) + oneIf(match)*0.2
	return Record{
		{"parse_ok", parsed},
		{"layer_fcu", layer},
		{"has_fp_text", text},
		{"has_at_coords", at},
		{"has_size_dims", size},
		{"expected_pad_count", expectedPads},
		{"generated_pad_count", pads},
		{"pad_count_match", match},
		{"composite", round(composite, 4)},
	}
}
