package stats

import "slices"

// Holm adjusts p-values for a family of tests, in their order:
// p̃(j) = max_{i≤j} min(1, (k−i+1)·p(i)) over ascending p. It holds under any
// dependence.
//
// Source: Holm 1979, Scandinavian Journal of Statistics 6, 65–70.
func Holm(p []float64) []float64 {
	adjusted := make([]float64, len(p))
	highest := 0.0
	for rank, i := range ascending(p) {
		highest = max(highest, min(1, float64(len(p)-rank)*p[i]))
		adjusted[i] = highest
	}
	return adjusted
}

// BenjaminiHochberg adjusts p-values to control the false discovery rate: for
// exploration.
//
// Source: Benjamini and Hochberg 1995, JRSS-B 57, 289–300.
func BenjaminiHochberg(p []float64) []float64 {
	adjusted := make([]float64, len(p))
	lowest := 1.0
	order := ascending(p)
	for rank := len(order) - 1; rank >= 0; rank-- {
		i := order[rank]
		lowest = min(lowest, float64(len(p))/float64(rank+1)*p[i])
		adjusted[i] = lowest
	}
	return adjusted
}

func ascending(p []float64) []int {
	order := make([]int, len(p))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int {
		switch {
		case p[a] < p[b]:
			return -1
		case p[a] > p[b]:
			return 1
		}
		return 0
	})
	return order
}
