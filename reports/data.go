package reports

import (
	"fmt"
	"slices"
	"strings"

	"github.com/ailiance/lorabench"
)

// Data is what a report is made of.
type Data struct {
	Run          lorabench.Run
	Measurements []MeasurementData // any order; tasks and variants appear in the order of their first one
}

// MeasurementData is a measurement with its results.
type MeasurementData struct {
	lorabench.Measurement
	Results []lorabench.SampleResult // in the order of Position

	// Requests gives what was asked, by sample; nil where it is not known. Only
	// the evidence folder shows it.
	Requests map[string][]lorabench.Request
}

// Refusal is a variant that the run refused to measure, and why.
type Refusal struct {
	Name   string `json:"name"`
	Reason string `json:"reason"`
}

// Count says how many samples there are of a kind.
type Count struct {
	What    string `json:"what"`
	Samples int    `json:"samples"`
}

// tally counts strings; the most frequent first, equals by name.
func tally(whats []string) []Count {
	at := map[string]int{}
	counts := []Count{}
	for _, w := range whats {
		i, seen := at[w]
		if !seen {
			i = len(counts)
			at[w] = i
			counts = append(counts, Count{What: w})
		}
		counts[i].Samples++
	}
	slices.SortFunc(counts, func(a, b Count) int {
		if a.Samples != b.Samples {
			return b.Samples - a.Samples
		}
		return strings.Compare(a.What, b.What)
	})
	return counts
}

// byIndex returns results in the order of the dataset, in which all sums are
// made: the order of the run and of arrival do not reach the numbers.
func byIndex(results []lorabench.SampleResult) []*lorabench.SampleResult {
	sorted := make([]*lorabench.SampleResult, len(results))
	for i := range results {
		sorted[i] = &results[i]
	}
	slices.SortStableFunc(sorted, func(a, b *lorabench.SampleResult) int {
		if a.Index != b.Index {
			return a.Index - b.Index
		}
		return strings.Compare(a.SampleID, b.SampleID)
	})
	return sorted
}

// scoreOf returns the score of metric; one that is missing is unscored.
func scoreOf(r *lorabench.SampleResult, metric string) lorabench.Score {
	for _, s := range r.Scores {
		if s.Metric == metric {
			return s
		}
	}
	return lorabench.Score{Metric: metric, Unscored: "no score of this metric is stored"}
}

// check refuses data that no number should be made of.
func (m *MeasurementData) check() error {
	where := fmt.Sprintf("task %s on %s", m.Task.Name, m.Variant.Name)
	if m.Task.Name == "" || m.Variant.Name == "" {
		return fmt.Errorf("%s: measurement without a name", where)
	}
	if len(m.Task.Metrics) == 0 {
		return fmt.Errorf("%s: no metrics, want at least one", where)
	}
	seen := make(map[string]bool, len(m.Results))
	for _, r := range m.Results {
		if seen[r.SampleID] {
			return fmt.Errorf("%s: sample %s: two results, want one", where, r.SampleID)
		}
		seen[r.SampleID] = true
	}
	return nil
}

// metricOf returns the metric called name of the measurement's task.
func (m *MeasurementData) metricOf(name string) (lorabench.Metric, bool) {
	for _, metric := range m.Task.Metrics {
		if metric.Name == name {
			return metric, true
		}
	}
	return lorabench.Metric{}, false
}
