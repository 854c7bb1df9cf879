package tokenizer

import (
	"bytes"
	"fmt"
	"math"
	"strconv"
)

// parseScore reads a number of JSON as the crate serde_json does, which is not
// always the nearest float64: the digits become one, and that is divided by a
// power of ten. Sums of scores that would be equal are told apart by it.
//
// Source: f64_from_parts of serde_json, without its feature float_roundtrip.
func parseScore(raw []byte) (float64, error) {
	nearest, err := strconv.ParseFloat(string(raw), 64)
	if err != nil {
		return 0, fmt.Errorf("%.40s is no number", raw)
	}
	mantissa, exponent, _ := bytes.Cut(bytes.ToLower(raw), []byte("e"))
	digits, negative := bytes.CutPrefix(mantissa, []byte("-"))
	whole, fraction, isFraction := bytes.Cut(digits, []byte("."))
	if !isFraction && len(exponent) == 0 {
		return nearest, nil
	}
	significand, err := strconv.ParseUint(string(whole), 10, 64)
	if err != nil {
		return nearest, nil // serde_json counts the digits that are too many; no file has so many
	}
	scale := 0
	if len(exponent) > 0 {
		if scale, err = strconv.Atoi(string(exponent)); err != nil {
			return nearest, nil
		}
	}
	for _, d := range fraction {
		digit := uint64(d - '0')
		if significand > (math.MaxUint64-digit)/10 {
			break
		}
		significand = significand*10 + digit
		scale--
	}
	value := float64(significand)
	switch {
	case scale > 308 || scale < -308:
		return nearest, nil
	case scale < 0:
		value /= math.Pow10(-scale)
	default:
		value *= math.Pow10(scale)
	}
	if negative {
		value = -value
	}
	return value, nil
}
