package stats

import "math"

// Sum adds numbers in their order with Neumaier's compensation.
//
// Source: Neumaier 1974, "Rundungsfehleranalyse einiger Verfahren zur Summation
// endlicher Summen".
func Sum(xs []float64) float64 {
	var rounded, lost float64
	for _, x := range xs {
		t := rounded + x
		if math.Abs(rounded) >= math.Abs(x) {
			lost += (rounded - t) + x
		} else {
			lost += (x - t) + rounded
		}
		rounded = t
	}
	return rounded + lost
}

// groups numbers the clusters in the order of their first member: group[i] is
// the cluster of observation i, of count in all. Where clusters is nil, or a
// name is empty, an observation is a cluster of its own.
func groups(clusters []string, n int) (group []int, count int) {
	group = make([]int, n)
	if clusters == nil {
		for i := range group {
			group[i] = i
		}
		return group, n
	}
	seen := map[string]int{}
	for i, name := range clusters {
		g, known := seen[name]
		if !known || name == "" {
			g = count
			count++
			seen[name] = g
		}
		group[i] = g
	}
	return group, count
}

// Clusters returns how many clusters n observations form. Equal names are one
// cluster; an empty name is a cluster of its own, as all are where clusters is nil.
func Clusters(clusters []string, n int) int {
	_, count := groups(clusters, n)
	return count
}

// ClusterSums returns the sum of xs in each cluster, in the order of first members.
func ClusterSums(xs []float64, clusters []string) []float64 {
	group, count := groups(clusters, len(xs))
	sums := make([]float64, count)
	for i, x := range xs {
		sums[group[i]] += x
	}
	return sums
}
