package reports

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/ailiance/lorabench"
	"github.com/ailiance/lorabench/reports/stats"
)

// Numbers in words. Fractions are shown in points (hundredths); other metrics in
// their own unit. An interval decides how many decimals are worth printing.

const minus = "−"

// unit returns the unit that values of m are shown in.
func unit(m lorabench.Metric) string {
	if m.Unit == "fraction" {
		return "points"
	}
	return m.Unit
}

// inUnit puts the unit behind a number: "−31 points", "+1 point".
func inUnit(m lorabench.Metric, number string) string {
	u := unit(m)
	if u == "points" && strings.TrimLeft(number, "+"+minus) == "1" {
		u = "point"
	}
	return number + " " + u
}

// shown scales a value of m to the unit that it is shown in.
func shown(m lorabench.Metric, x float64) float64 {
	if m.Unit == "fraction" {
		return 100 * x
	}
	return x
}

// decimals returns how many decimals tell numbers apart that are width apart:
// two digits of the width. Width 14: 0; 2.2: 1; 0.01: 3.
func decimals(width float64) int {
	if !finite(width) || width <= 0 {
		return 1
	}
	return min(max(1-int(math.Floor(math.Log10(width))), 0), 8)
}

// decimalsFor chooses the decimals of a value with its interval, nil if it has none.
func decimalsFor(m lorabench.Metric, i *stats.Interval) int {
	if i != nil && finite(i.Width()) && i.Width() > 0 {
		return decimals(shown(m, i.Width()))
	}
	if m.Unit == "fraction" {
		return 1
	}
	return 4
}

// fixed prints x with so many decimals, and a true minus; never "−0".
func fixed(x float64, places int) string {
	if math.IsInf(x, 0) {
		return strings.TrimPrefix(signOf(x)+"∞", "+")
	}
	s := strconv.FormatFloat(math.Abs(x), 'f', places, 64)
	if x < 0 && strings.ContainsAny(s, "123456789") {
		return minus + s
	}
	return s
}

// signed is fixed with a plus.
func signed(x float64, places int) string {
	s := fixed(x, places)
	if x > 0 && strings.ContainsAny(s, "123456789∞") {
		return "+" + s
	}
	return s
}

func signOf(x float64) string {
	if x < 0 {
		return minus
	}
	return "+"
}

// liftRange prints an interval of differences: "[−38, −24]".
func liftRange(m lorabench.Metric, i *stats.Interval, places int) string {
	if i == nil {
		return "[?]"
	}
	return "[" + signed(shown(m, i.Lo), places) + ", " + signed(shown(m, i.Hi), places) + "]"
}

// liftText prints a lift with its 95 % interval, without the unit: "−31 [−38, −24]".
func (c *Comparison) liftText() string {
	if c.Lift == nil {
		return "–"
	}
	places := decimalsFor(c.Metric, c.CI95)
	return signed(shown(c.Metric, *c.Lift), places) + " " + liftRange(c.Metric, c.CI95, places)
}

// Text prints a lift in words: "−31 points [−38, −24]", or why there is none.
// That lower is better is said where it is: a plus looks good.
func (c *Comparison) Text() string {
	if c.Lift == nil {
		return c.Reason
	}
	places := decimalsFor(c.Metric, c.CI95)
	s := inUnit(c.Metric, signed(shown(c.Metric, *c.Lift), places)) + " " + liftRange(c.Metric, c.CI95, places)
	if c.Metric.Better == lorabench.Lower {
		s += ", lower is better"
	}
	return s
}

// marginText prints a margin with its unit: "5 points".
func marginText(m lorabench.Metric, margin float64) string {
	return inUnit(m, strconv.FormatFloat(math.Round(shown(m, margin)*1e9)/1e9, 'f', -1, 64))
}

// limitText prints the lift that the margin allows: "−5 points", or
// "+0.02 bits/byte" where lower is better.
func limitText(m lorabench.Metric, margin float64) string {
	if m.Better == lorabench.Lower {
		return "+" + marginText(m, margin)
	}
	return minus + marginText(m, margin)
}

// probability prints a p-value: "0.013", "< 0.0001".
func probability(p float64) string {
	switch {
	case p < 0.0001:
		return "< 0.0001"
	case p < 0.01:
		return strconv.FormatFloat(p, 'f', 4, 64)
	}
	return strconv.FormatFloat(p, 'f', 3, 64)
}

// pEquals prints "p = 0.013" or "p < 0.0001".
func pEquals(p float64) string {
	if p < 0.0001 {
		return "p < 0.0001"
	}
	return "p = " + probability(p)
}

// thousands prints 12345 as "12,345".
func thousands(n int) string {
	s := strconv.Itoa(n)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// roughly rounds a sample size up to two digits: more would claim too much.
func roughly(n int) string {
	step := 1
	for n/step >= 100 {
		step *= 10
	}
	return thousands((n + step - 1) / step * step)
}

// percent prints a level: "95 %".
func percent(level float64) string {
	return strconv.FormatFloat(math.Round(level*1e4)/100, 'f', -1, 64) + " %"
}

// counts prints "3 stopped: length, 1 no output".
func counts(cs []Count) string {
	parts := make([]string, len(cs))
	for i, c := range cs {
		parts[i] = fmt.Sprintf("%s × %s", thousands(c.Samples), c.What)
	}
	return strings.Join(parts, ", ")
}

// many prints a count with its noun: "1 task", "1,200 tasks".
func many(n int, noun string) string {
	if n != 1 {
		noun += "s"
	}
	return thousands(n) + " " + noun
}

// printable takes out what would move a terminal's cursor, change its colours or
// turn the direction of writing: names and reasons may come from anywhere.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n', r == '\r', r == '\t', r == '\u0085', r == '\u2028', r == '\u2029':
			return ' '
		case unicode.IsControl(r), turnsText(r):
			return unicode.ReplacementChar
		}
		return r
	}, s)
}

// turnsText reports whether r changes the direction in which text is shown.
func turnsText(r rune) bool {
	return r >= '\u202a' && r <= '\u202e' || r >= '\u2066' && r <= '\u2069' || r == '\u200e' || r == '\u200f' || r == '\u061c'
}

// elide cuts the middle out of a text that has more than most characters: names
// often differ at their end.
func elide(s string, most int) string {
	r := []rune(s)
	if len(r) <= most {
		return s
	}
	head := most / 2
	return string(r[:head]) + "…" + string(r[len(r)-(most-head-1):])
}

// about prints a duration for people: "1m53s".
func about(d time.Duration) string {
	switch {
	case d >= time.Hour:
		return strings.TrimSuffix(d.Round(time.Minute).String(), "0s")
	case d >= 10*time.Second:
		return d.Round(time.Second).String()
	case d >= time.Second:
		return d.Round(100 * time.Millisecond).String()
	}
	return d.Round(time.Millisecond).String()
}
