package published

import (
	"math"
	"strings"
)

// Features are the symbols, nets and pins of nets that the five-axis score (N3)
// counts in a schematic. Names in quotes, which are those of every real file,
// are not seen.
func Features(s string) Record {
	counts, order := map[string]int{}, []string{}
	add := func(name string) {
		if counts[name] == 0 {
			order = append(order, name)
		}
		counts[name]++
	}
	names := func(i int) (name string, end int) {
		start := skipSpace(s, i)
		end = skip(s, start, func(r rune) bool { return isNameFold(r) || r == '+' || r == '-' })
		if start == i || end == start {
			return "", -1
		}
		return s[start:end], end
	}
	eachFold(s, "(symbol", func(end int) bool {
		if name, last := names(end); last >= 0 {
			add("symbol:" + name)
		}
		return true
	})
	eachFold(s, "(net", func(end int) bool {
		net, last := names(end)
		if last < 0 {
			return true
		}
		var pins []string
		for {
			pin, next := names(last)
			if next < 0 {
				break
			}
			pins, last = append(pins, pin), next
		}
		if !strings.HasPrefix(s[last:], ")") {
			return true
		}
		add("net:" + net)
		for _, p := range pins {
			add("edge:" + net + "~" + p)
		}
		return true
	})
	r := Record{}
	for _, name := range order {
		r = append(r, Field{name, counts[name]})
	}
	return r
}

// SemanticEquivalence is the cosine of the features of two schematics, 0 where
// one has none.
func SemanticEquivalence(generated, expected string) float64 {
	a, b := Features(generated), Features(expected)
	counts := map[string]int{}
	for _, f := range b {
		counts[f.Key] = f.Value.(int)
	}
	dot, squaresA, squaresB := 0, 0, 0
	for _, f := range a {
		n := f.Value.(int)
		dot += n * counts[f.Key]
		squaresA += n * n
	}
	for _, n := range counts {
		squaresB += n * n
	}
	if squaresA == 0 || squaresB == 0 {
		return 0
	}
	return float64(dot) / (math.Sqrt(float64(squaresA)) * math.Sqrt(float64(squaresB)))
}

// ERCClean is 1 where kicad-cli ended without an exit code and said of no error
// that it found it. It never says that in the words that are looked for.
func ERCClean(exitCode int, stdout, stderr string) int {
	if exitCode != 0 {
		return 0
	}
	said := stdout + "\n" + stderr
	clean := 1
	for i := 0; i < len(said); {
		digits := skip(said, i, isDecimal)
		if digits == i {
			_, n := decodeAt(said, i)
			i += n
			continue
		}
		space := skipSpace(said, digits)
		if space > digits && hasFold(said, space, "error") >= 0 {
			if strings.Trim(asciiDigits(said[i:digits]), "0") != "" {
				clean = 0
			}
			break
		}
		i = digits
	}
	return clean
}

// N3 is the five-axis composite. A board that nothing makes is one of the axes:
// drc is always 0, and 0.75 is the most that is reached.
func N3(parse, erc, render, drc, equivalence float64) float64 {
	return float64(0.30*parse) + float64(0.30*erc) + float64(0.15*render) + float64(0.10*drc) + float64(0.15*equivalence)
}
