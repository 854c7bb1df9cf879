package scorers

import (
	"math"

	"github.com/ailiance/lorabench"
)

// Aggregate makes one number of the scores of metric m; scores of other metrics
// and those without a value do not count. n is how many count. Where ok is
// false there is no number: no score, no weight, or no finite result.
//
// Sums are float64 with Neumaier's compensation, in the order of scores: give
// them in the order of the dataset, and equal scores have equal bits.
//
// Source: Neumaier 1974, "Rundungsfehleranalyse einiger Verfahren zur Summation
// endlicher Summen".
func Aggregate(m lorabench.Metric, scores []lorabench.Score) (value float64, n int, ok bool) {
	var values, weights sum
	for _, s := range scores {
		if s.Metric != m.Name || !s.Valued() {
			continue
		}
		values.add(s.Value)
		weights.add(s.Weight)
		n++
	}
	if n == 0 {
		return 0, 0, false
	}
	switch m.Aggregate {
	case lorabench.Mean:
		value = values.total() / float64(n)
	case lorabench.Ratio:
		value = values.total() / weights.total()
	case lorabench.ExpRatio:
		value = math.Exp(values.total() / weights.total())
	default:
		return 0, n, false
	}
	if math.IsNaN(value) || math.IsInf(value, 0) {
		return 0, n, false
	}
	return value, n, true
}

// sum adds numbers and, apart, what rounding takes from them.
type sum struct{ rounded, lost float64 }

func (s *sum) add(x float64) {
	t := s.rounded + x
	if math.Abs(s.rounded) >= math.Abs(x) {
		s.lost += (s.rounded - t) + x
	} else {
		s.lost += (x - t) + s.rounded
	}
	s.rounded = t
}

func (s *sum) total() float64 { return s.rounded + s.lost }
