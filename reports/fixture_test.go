package reports

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/ailiance/lorabench"
	"github.com/ailiance/lorabench/reports/stats"
)

// A synthetic run: three tasks, a base and three adapters. Scores are drawn with
// the package's own generator, so that goldens hold everywhere.

var accuracy = lorabench.Metric{Name: "exact_match", Unit: "fraction", Better: lorabench.Higher, Aggregate: lorabench.Mean, Binary: true, Margin: 0.05}

func perplexityMetrics() []lorabench.Metric {
	return []lorabench.Metric{
		{Name: "bits_per_byte", Unit: "bits/byte", Better: lorabench.Lower, Aggregate: lorabench.Ratio, Margin: 0.02},
		{Name: "byte_perplexity", Unit: "perplexity", Better: lorabench.Lower, Aggregate: lorabench.ExpRatio, Margin: 0.028},
	}
}

func gradedMetrics() []lorabench.Metric {
	return []lorabench.Metric{
		{Name: "score", Unit: "fraction", Better: lorabench.Higher, Aggregate: lorabench.Mean, Binary: true, Margin: 0.05},
		{Name: "graded", Unit: "fraction", Better: lorabench.Higher, Aggregate: lorabench.Mean, Margin: 0.05},
	}
}

func taskInfo(name, title string, metrics []lorabench.Metric, floors map[string]lorabench.Floor) lorabench.TaskInfo {
	return lorabench.TaskInfo{
		Name: name, Version: "1", Title: title, Source: "made for the tests", Scorer: "exact_match", Metrics: metrics, Floors: floors,
		Dataset: lorabench.Dataset{Name: "demo", Split: "test", Rows: 200, SHA256: "sha256:da7a"},
	}
}

func variantNamed(name string) lorabench.Variant {
	if name == lorabench.Base {
		return lorabench.Variant{Name: name}
	}
	return lorabench.Variant{Name: name, Path: "adapters/" + name, AdapterHash: "sha256:" + name, Proof: &lorabench.Proof{
		Applied: true, Tensors: 16, Modules: 8, Targets: []string{"q_proj", "v_proj"}, Ranks: []int{8}, Scales: []float64{2},
		Probe: lorabench.Probe{Tokens: 64, KL: 0.25, MaxLogitDifference: 3.5, ZeroBEqualsBase: true},
	}}
}

func measurement(task lorabench.TaskInfo, variant string, results []lorabench.SampleResult) MeasurementData {
	v := variantNamed(variant)
	m := lorabench.Measurement{
		Run: "20260102-150405-abcd", Task: task, Variant: v, Status: lorabench.Done, Total: len(results),
		Identity: lorabench.Identity{
			Base: "sha256:ba5e", Tokenizer: "sha256:70ce", Template: "none", Dataset: task.Dataset.SHA256, Task: "sha256:" + task.Name,
			Engine: "lorabench 1", Arithmetic: "f32",
		},
		Started: time.Date(2026, 1, 2, 15, 4, 5, 0, time.UTC), Elapsed: 90 * time.Second,
	}
	if !v.IsBase() {
		m.Identity.Adapter = &v.AdapterHash
	}
	return MeasurementData{Measurement: m, Results: results}
}

// binaryResults makes n generations; right says which are.
func binaryResults(n int, metric string, right func(i int) bool) []lorabench.SampleResult {
	results := make([]lorabench.SampleResult, n)
	for i := range results {
		s := lorabench.Score{Metric: metric, Weight: 1}
		if right(i) {
			s.Value = 1
		}
		results[i] = lorabench.SampleResult{
			SampleID: fmt.Sprintf("q%03d", i), Index: i, Position: i, DocHash: fmt.Sprint("doc", i), PromptHash: fmt.Sprint("prompt", i),
			Outputs: []lorabench.Output{{Text: " The answer is 7.", Stop: lorabench.StopString, PromptTokens: 20, ComputedTokens: 20, NewTokens: 5}},
			Scores:  []lorabench.Score{s}, Elapsed: time.Duration(i+1) * time.Millisecond,
		}
	}
	return results
}

// flipped makes an adapter's answers of the base's: b lost, c gained, of a base
// that has the first right ones right.
func flipped(n, right, b, c int) (base, adapter func(i int) bool) {
	return func(i int) bool { return i < right },
		func(i int) bool { return i >= b && i < right || i >= right && i < right+c }
}

// textResults makes n texts; bits are those a byte, by text.
func textResults(n int, bits func(i int) float64) []lorabench.SampleResult {
	results := make([]lorabench.SampleResult, n)
	for i := range results {
		bytes := float64(80 + 7*i%60)
		b := bits(i)
		nats := b * bytes * 0.6931471805599453
		results[i] = lorabench.SampleResult{
			SampleID: fmt.Sprintf("t%02d", i), Index: i, Position: n - 1 - i, DocHash: fmt.Sprint("doc", i), PromptHash: fmt.Sprint("prompt", i),
			Outputs: []lorabench.Output{{LogLikelihood: -nats, PromptTokens: 30, ComputedTokens: 30, NewTokens: 30}},
			Scores: []lorabench.Score{
				{Metric: "bits_per_byte", Value: b * bytes, Weight: bytes},
				{Metric: "byte_perplexity", Value: nats, Weight: bytes},
			},
		}
	}
	return results
}

func fixture() Data {
	arithmetic := taskInfo("demo_arithmetic", "sums in words", []lorabench.Metric{accuracy},
		map[string]lorabench.Floor{"exact_match": {Value: 0.04, Output: `always "7"`}})
	text := taskInfo("demo_text", "perplexity of short passages", perplexityMetrics(),
		map[string]lorabench.Floor{"bits_per_byte": {Value: 8, Output: "uniform bytes"}})
	spice := taskInfo("demo_spice", "circuits that are simulated", gradedMetrics(), map[string]lorabench.Floor{
		"score": {Value: 0.35, Output: "always the same deck"}, "graded": {Value: 0.5, Output: "always the same deck"}})

	d := Data{Run: lorabench.Run{
		ID: "20260102-150405-abcd", Started: time.Date(2026, 1, 2, 15, 4, 5, 0, time.UTC), Model: "demo",
		Command: []string{"lorabench", "demo"}, Settings: json.RawMessage(`{"seed":1}`),
		Env: json.RawMessage(`{"cpu":{"model":"a CPU","features":["avx2"]},"os":"linux/amd64","go":"go1.26.8","memory_bytes":17179869184}`),
	}}
	base, forgetful := flipped(200, 182, 65, 3)
	_, math := flipped(200, 182, 2, 12)
	for _, v := range []struct {
		name  string
		right func(int) bool
	}{{"base", base}, {"math", math}, {"forgetful", forgetful}, {"spice", base}} {
		d.Measurements = append(d.Measurements, measurement(arithmetic, v.name, binaryResults(200, "exact_match", v.right)))
	}
	for k, v := range []struct {
		name  string
		shift float64
	}{{"base", 0}, {"math", 0.004}, {"forgetful", 0.2}, {"spice", 0.018}} {
		g := stats.NewGenerator(uint64(k) + 5)
		d.Measurements = append(d.Measurements, measurement(text, v.name, textResults(40, func(i int) float64 {
			b := 1.1 + 0.3*float64(i%7)/7
			if k > 0 {
				b += v.shift + 0.03*(g.Float64()-0.5)
			}
			return b
		})))
	}
	for k, v := range []struct {
		name string
		rate float64
	}{{"base", 0.1}, {"math", 0.1}, {"forgetful", 0.02}, {"spice", 0.75}} {
		g := stats.NewGenerator(uint64(k) + 50)
		results := binaryResults(120, "score", func(int) bool { return g.Float64() < v.rate })
		for i := range results {
			r := &results[i]
			r.SampleID, r.Cluster = fmt.Sprintf("c%03d", i), fmt.Sprintf("family%02d", i/5)
			graded := lorabench.Score{Metric: "graded", Value: 0.25 + 0.75*r.Scores[0].Value, Weight: 1}
			if v.name == "forgetful" && i < 4 {
				r.Scores[0] = lorabench.Score{Metric: "score", Unscored: "the simulator is not there"}
				graded = lorabench.Score{Metric: "graded", Unscored: "the simulator is not there"}
			}
			if r.Scores[0].Value == 0 {
				r.Scores[0].Note = "no .end"
				r.Outputs[0].Stop = lorabench.StopLength
			}
			r.Scores = append(r.Scores, graded)
		}
		m := measurement(spice, v.name, results)
		m.Status, m.Total = lorabench.TimedOut, 150
		d.Measurements = append(d.Measurements, m)
	}
	return d
}

func fixtureReport() (*Report, error) {
	return Build(fixture(), Policy{Claims: []Claim{{Adapter: "spice", Task: "demo_spice"}}},
		[]Refusal{{"noop", "adapter noop has no effect: all B are zero"}})
}
