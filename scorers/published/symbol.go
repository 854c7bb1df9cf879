package published

import "strings"

// Symbol scores a symbol of KiCad 5's legacy libraries (kicad-dsl) against the
// reference. In a current .kicad_sym it finds nothing.
func Symbol(generated, expected string) Record {
	return SymbolPins(generated, CountSymbolPins(expected))
}

// CountSymbolPins counts the pins of a reference as the published score does.
func CountSymbolPins(s string) int {
	pins := 0
	for at := 0; at < len(s); {
		if s[at] == 'X' && lineStart(s, at) {
			if end := pinEnd(s, at+1); end >= 0 {
				pins++
				at = end
				continue
			}
		}
		n := strings.IndexByte(s[at:], '\n')
		if n < 0 {
			break
		}
		at += n + 1
	}
	return pins
}

// lineStart reports whether the ^ of a multiline pattern holds at byte i.
func lineStart(s string, i int) bool { return i == 0 || s[i-1] == '\n' }

// pinEnd returns the end of WS+ token WS+ token WS+ at byte i, -1 where it is
// not there.
func pinEnd(s string, i int) int {
	for range 2 {
		token := skipSpace(s, i)
		if token == i {
			return -1
		}
		i = skipToken(s, token)
		if i == token {
			return -1
		}
	}
	end := skipSpace(s, i)
	if end == i {
		return -1
	}
	return end
}

// SymbolPins is Symbol where only the number of the reference's pins is known.
func SymbolPins(generated string, expectedPins int) Record {
	block, parsed := definition(generated)
	if !parsed {
		block = generated
	}
	fields := lineSpaced(block, "F0") && lineSpaced(block, "F1") && lineSpaced(block, "F2")
	drawn := strings.Contains(block, "DRAW") && strings.Contains(block, "ENDDRAW") || lineSpaced(block, "S")
	filters := strings.Count(block, "$FPLIST") == strings.Count(block, "$ENDFPLIST")
	pins := CountSymbolPins(block)
	match := pins == expectedPins

	structure := oneIf(fields)*0.4 + oneIf(drawn)*0.4 + oneIf(filters)*0.2
	composite := oneIf(parsed)*0.4 + float64(structure*0.4) + oneIf(match)*0.2
	return Record{
		{"parse_ok", parsed},
		{"fields_complete", fields},
		{"has_draw_or_rect", drawn},
		{"fplist_balanced", filters},
		{"expected_pin_count", expectedPins},
		{"generated_pin_count", pins},
		{"pin_count_match", match},
		{"composite", round(composite, 4)},
	}
}

// definition returns the first block from DEF and a name to ENDDEF.
func definition(s string) (string, bool) {
	for at := 0; ; {
		n := strings.Index(s[at:], "DEF")
		if n < 0 {
			return "", false
		}
		at += n
		name := skipSpace(s, at+3)
		if name == at+3 || name == len(s) {
			at += 3
			continue
		}
		// The name takes all it can get, the rest as little as possible.
		end := skipToken(s, name)
		if n := strings.Index(s[end:], "ENDDEF"); n >= 0 {
			return s[at : end+n+len("ENDDEF")], true
		}
		_, first := decodeAt(s, name)
		if n := strings.LastIndex(s[name+first:], "ENDDEF"); n >= 0 {
			return s[at : name+first+n+len("ENDDEF")], true
		}
		return "", false // nor for any later DEF
	}
}

// lineSpaced reports whether a line begins with name and whitespace.
func lineSpaced(s, name string) bool {
	for at := 0; at < len(s); {
		if strings.HasPrefix(s[at:], name) && skipSpace(s, at+len(name)) > at+len(name) {
			return true
		}
		n := strings.IndexByte(s[at:], '\n')
		if n < 0 {
			return false
		}
		at += n + 1
	}
	return false
}
