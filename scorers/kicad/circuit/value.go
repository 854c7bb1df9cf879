package circuit

import (
	"math"
	"strconv"
	"strings"
)

// SameValue reports whether two values of a part mean the same: 4.7k, 4k7, 4K7
// and 4700 do, as do 100nF, 100n and 0.1uF. Values that are no numbers are the
// same where they differ in case at most.
//
// A unit may be left out, and where both have one they must be equal. M is mega
// and m is milli.
func SameValue(a, b string) bool {
	a, b = strings.TrimSpace(a), strings.TrimSpace(b)
	if a == b {
		return true
	}
	x, okX := quantity(a)
	y, okY := quantity(b)
	if !okX || !okY {
		return strings.EqualFold(a, b) && !okX && !okY
	}
	if x.unit != "" && y.unit != "" && x.unit != y.unit {
		return false
	}
	return x.value == y.value || math.Abs(x.value-y.value) <= 1e-9*math.Max(math.Abs(x.value), math.Abs(y.value))
}

// number is a value with its unit.
type number struct {
	value float64
	unit  string // "" where there is none
}

// prefixes of units, by what stands in a text.
var prefixes = []struct {
	text  string
	power int
}{
	{"meg", 6}, {"Meg", 6}, {"MEG", 6},
	{"f", -15}, {"p", -12}, {"n", -9}, {"u", -6}, {"\u00b5", -6}, {"\u03bc", -6}, {"m", -3},
	{"k", 3}, {"K", 3}, {"M", 6}, {"G", 9}, {"T", 12},
}

// units that values have, by how they are written.
var units = map[string]string{
	"": "", "R": "ohm", "r": "ohm", "\u03a9": "ohm", "\u2126": "ohm", "ohm": "ohm", "ohms": "ohm", "Ohm": "ohm", "Ohms": "ohm", "OHM": "ohm",
	"F": "farad", "H": "henry", "Hz": "hertz", "HZ": "hertz", "hz": "hertz", "V": "volt", "A": "ampere", "W": "watt", "s": "second",
}

// quantity reads a number with a prefix and a unit: "4.7k", "4k7", "100 nF",
// "1e-7", "4R7", "5V1".
func quantity(s string) (number, bool) {
	i := 0
	for i < len(s) && (s[i] >= '0' && s[i] <= '9' || s[i] == '.' || (s[i] == '-' || s[i] == '+') && i == 0) {
		i++
	}
	if j := exponent(s[i:]); j > 0 {
		i += j
	}
	digits, rest := s[:i], strings.TrimLeft(s[i:], " \u00a0")
	if digits == "" || len(s) > 40 {
		return number{}, false
	}
	spaced := len(rest) < len(s)-i
	for _, p := range prefixes {
		if tail, ok := strings.CutPrefix(rest, p.text); ok {
			if n, ok := withUnit(digits, tail, p.power, spaced); ok {
				return n, true
			}
		}
	}
	return withUnit(digits, rest, 0, spaced)
}

// exponent returns the length of "e-7".
func exponent(s string) int {
	if s == "" || s[0] != 'e' && s[0] != 'E' {
		return 0
	}
	i := 1
	if i < len(s) && (s[i] == '-' || s[i] == '+') {
		i++
	}
	start := i
	for i < len(s) && s[i] >= '0' && s[i] <= '9' {
		i++
	}
	if i == start {
		return 0
	}
	return i
}

// withUnit reads what follows digits and a prefix: a unit or, in the place of a
// point, more digits and then a unit.
func withUnit(digits, tail string, power int, spaced bool) (number, bool) {
	if unit, ok := units[strings.TrimSpace(tail)]; ok {
		return scaled(digits, power, unit)
	}
	if spaced || strings.ContainsAny(digits, ".eE") {
		return number{}, false
	}
	unit := ""
	if power == 0 { // 4R7, 5V1
		for _, u := range []string{"R", "r", "\u03a9", "\u2126", "V"} {
			if after, ok := strings.CutPrefix(tail, u); ok {
				tail, unit = after, units[u]
				break
			}
		}
		if unit == "" {
			return number{}, false
		}
	}
	i := 0
	for i < len(tail) && tail[i] >= '0' && tail[i] <= '9' {
		i++
	}
	behind, ok := units[strings.TrimSpace(tail[i:])]
	if i == 0 || i > 3 || !ok || unit != "" && behind != "" { // 1n4148 is a name
		return number{}, false
	}
	return scaled(digits+"."+tail[:i], power, unit+behind)
}

func scaled(digits string, power int, unit string) (number, bool) {
	v, err := strconv.ParseFloat(digits, 64)
	if err != nil || math.IsInf(v, 0) || math.IsNaN(v) {
		return number{}, false
	}
	if power < 0 {
		return number{v / math.Pow10(-power), unit}, true
	}
	return number{v * math.Pow10(power), unit}, true
}
