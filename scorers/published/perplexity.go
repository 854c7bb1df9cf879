package published

import (
	"math"
	"regexp"
	"strconv"
)

// PPLLift is what a tuned model's perplexity is against its base's: in percent
// of the base, and as a difference of logarithms. ok is false where one is no
// perplexity.
func PPLLift(base, tuned float64) (percent, log float64, ok bool) {
	if !(base > 0 && tuned > 0) || math.IsInf(base, 0) || math.IsInf(tuned, 0) {
		return 0, 0, false
	}
	return round(float64((base-tuned)/base)*100, 2), round(math.Log(base)-math.Log(tuned), 4), true
}

// printedPerplexity is the line that mlx_lm.perplexity prints.
var printedPerplexity = regexp.MustCompile(`Perplexity:\s*([0-9.]+)\s*±\s*([0-9.]+)`)

// Perplexity reads what mlx_lm.perplexity printed; ok is false where it printed
// no perplexity.
func Perplexity(printed string) (value, plusMinus float64, ok bool) {
	m := printedPerplexity.FindStringSubmatch(printed)
	if m == nil {
		return 0, 0, false
	}
	value, err := strconv.ParseFloat(m[1], 64)
	plusMinus, err2 := strconv.ParseFloat(m[2], 64)
	return value, plusMinus, err == nil && err2 == nil
}
