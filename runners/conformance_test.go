package runners_test

import (
	"bufio"
	"compress/gzip"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/ailiance/lorabench"
	"github.com/ailiance/lorabench/model"
	"github.com/ailiance/lorabench/runners"
	"github.com/ailiance/lorabench/scorers"
	"github.com/ailiance/lorabench/tasks"
)

var full = flag.Bool("full", false, "compare every sample of lm-eval's runs, not a part")

const (
	lmEvalRuns = "../../shared/vectors/lm-eval-runs"
	sharedData = "../../shared/data"
)

// A log-likelihood may differ by this much: torch's float32 log-softmax is
// biased by up to 3e-5 a token, and lm-eval differs from itself by 1e-4
// (README of the runs). On whole pages the bias counts alone.
const (
	perToken = 3e-5
	perValue = 1e-4
)

// TestConformanceWithLMEval measures a real model with real adapters through the
// whole pipeline and compares each sample with what lm-eval and transformers
// made of it: requests, log-likelihoods, texts, metrics.
func TestConformanceWithLMEval(t *testing.T) {
	if _, err := os.Stat(lmEvalRuns); errors.Is(err, fs.ErrNotExist) {
		t.Skip("../shared is not there")
	}
	if testing.Short() {
		t.Skip("-short")
	}
	ctx := t.Context()
	engine, err := model.Open(ctx, filepath.Join(sharedData, "models/smollm2-135m-instruct/SmolLM2-135M-Instruct.Q4_1.gguf"), model.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer engine.Close()
	if model.KernelPath() == "go" {
		t.Skip("built without the C kernels: a real model would take an hour")
	}
	variants := []lorabench.Variant{{Name: lorabench.Base}}
	for _, name := range []string{"smollm2-gsm8k", "smollm2-spice"} {
		if _, err := engine.LoadAdapter(ctx, name, os.DirFS(filepath.Join(sharedData, "adapters", name))); err != nil {
			t.Fatal(err)
		}
		variants = append(variants, lorabench.Variant{Name: name})
	}
	ties := readTies(t)
	for _, tt := range []struct {
		task string
		part int // samples compared without -full
	}{
		{"arc_easy", 24}, {"hellaswag", 8}, {"winogrande", 20}, {"xcopa_it", 20}, {"gsm8k_cot", 2}, {"wikitext", 0},
	} {
		t.Run(tt.task, func(t *testing.T) {
			limit := tt.part
			if *full {
				limit = 400
			} else if limit == 0 {
				t.Skip("only with -full")
			}
			want := map[string]map[int]*lmEvalSample{}
			most := 0
			for _, v := range variants {
				want[v.Name] = readLMEval(t, v.Name, tt.task)
				most = max(most, len(want[v.Name]))
			}
			limit = min(limit, most)
			d, err := tasks.Lookup(tt.task)
			if err != nil {
				t.Fatal(err)
			}
			task, err := d.Load(ctx, os.DirFS(sharedData), tasks.Options{NumFewshot: -1, Seed: 1234, Limit: limit})
			if err != nil {
				t.Fatal(err)
			}
			scorer, err := scorers.ForTask(task, scorers.Tools{})
			if err != nil {
				t.Fatal(err)
			}
			for _, group := range groups(variants, want, limit) {
				store := &runners.Memory{}
				r := runners.Runner{Engine: engine, Store: store, RunID: "conformance", Variants: group.variants}
				err := r.Run(ctx, []runners.Task{{
					Info: task.Info(nil), Samples: task.Samples[group.from:group.to], Scorer: scorer,
					Identity: func(lorabench.Variant) lorabench.Identity { return lorabench.Identity{} },
				}})
				if err != nil {
					t.Fatal(err)
				}
				_, results := store.Measurements()
				for i, v := range group.variants {
					compare(t, v.Name, task, results[i], want[v.Name], ties)
				}
			}
		})
	}
}

// group is a range of samples that lm-eval measured in the same variants.
type group struct {
	variants []lorabench.Variant
	from, to int
}

// groups splits the first limit samples so that nothing is measured that is not compared.
func groups(variants []lorabench.Variant, want map[string]map[int]*lmEvalSample, limit int) []group {
	var all []group
	for from := 0; from < limit; {
		g := group{from: from, to: limit}
		for _, v := range variants {
			if n := len(want[v.Name]); n > from {
				g.variants = append(g.variants, v)
				g.to = min(g.to, n)
			}
		}
		all = append(all, g)
		from = g.to
	}
	return all
}

// lmEvalSample is a document of a samples file, with the metrics of all filters.
type lmEvalSample struct {
	DocID      int                       `json:"doc_id"`
	DocHash    string                    `json:"doc_hash"`
	PromptHash string                    `json:"prompt_hash"`
	Filter     string                    `json:"filter"`
	Arguments  map[string]map[string]any `json:"arguments"`
	Resps      [][]any                   `json:"resps"`
	Metrics    []string                  `json:"metrics"`
	values     map[string]float64        // by metric, as our scorers name it
	weights    map[string]float64        // words or bytes of a page, likewise
}

func readLMEval(t *testing.T, variant, task string) map[int]*lmEvalSample {
	t.Helper()
	f, err := os.Open(filepath.Join(lmEvalRuns, variant, task+".samples.jsonl.gz"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	samples := map[int]*lmEvalSample{}
	lines := bufio.NewScanner(z)
	lines.Buffer(nil, 64<<20)
	for lines.Scan() {
		s := &lmEvalSample{values: map[string]float64{}, weights: map[string]float64{}}
		var raw map[string]any
		if err := errors.Join(json.Unmarshal(lines.Bytes(), s), json.Unmarshal(lines.Bytes(), &raw)); err != nil {
			t.Fatal(err)
		}
		if first := samples[s.DocID]; first != nil {
			first.take(s, raw)
			continue
		}
		s.take(s, raw)
		samples[s.DocID] = s
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	return samples
}

// take adds the metrics of one line; the first filter's has no name.
func (s *lmEvalSample) take(line *lmEvalSample, raw map[string]any) {
	for _, metric := range line.Metrics {
		name := metric
		if line.Filter != s.Filter {
			name += "," + line.Filter
		}
		switch v := raw[metric].(type) {
		case float64:
			s.values[name] = v
		case []any: // of pages: the log-likelihood and what it is divided by
			s.weights[name] = v[1].(float64)
		}
	}
}

// tie is a sample whose decision hangs on less than 1e-3.
type tie struct {
	variant, task string
	doc           int
}

func readTies(t *testing.T) map[tie]bool {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(lmEvalRuns, "ties.json"))
	if err != nil {
		t.Fatal(err)
	}
	var list []struct {
		Variant string `json:"variant"`
		Task    string `json:"task"`
		DocID   int    `json:"doc_id"`
	}
	if err := json.Unmarshal(data, &list); err != nil {
		t.Fatal(err)
	}
	ties := map[tie]bool{}
	for _, x := range list {
		ties[tie{x.Variant, x.Task, x.DocID}] = true
	}
	return ties
}

// compare holds our results against lm-eval's, and logs a line of the figures.
func compare(t *testing.T, variant string, task *lorabench.Task, results []lorabench.SampleResult, want map[int]*lmEvalSample, ties map[tie]bool) {
	t.Helper()
	values, texts, decisions, tied := 0, 0, 0, 0
	worst, sum, worstToken := 0.0, 0.0, 0.0
	for _, r := range results {
		w := want[r.Index]
		if w == nil {
			t.Fatalf("%s: document %d is not in lm-eval's run", variant, r.Index)
		}
		s := &task.Samples[r.Index]
		if r.DocHash != w.DocHash || r.PromptHash != w.PromptHash || len(s.Requests) != len(w.Arguments) {
			t.Errorf("%s: document %d: hashes or number of requests differ", variant, r.Index)
			continue
		}
		for i, q := range s.Requests {
			args := w.Arguments[fmt.Sprintf("gen_args_%d", i)]
			if q.Prompt != args["arg_0"] || q.Kind == lorabench.LogLikelihood && q.Continuation != args["arg_1"] {
				t.Errorf("%s: document %d, request %d: another text", variant, r.Index, i)
			}
			o := r.Outputs[i]
			if q.Kind == lorabench.Generate {
				texts++
				if got, want := o.Text, w.Resps[i][0].(string); got != want {
					t.Errorf("%s: document %d: text\n%q\nwant\n%q", variant, r.Index, got, want)
				}
				continue
			}
			value, greedy := w.logLikelihood(t, i, q.Kind)
			values++
			off := math.Abs(o.LogLikelihood - value)
			worst, sum = max(worst, off), sum+off
			worstToken = max(worstToken, off/float64(o.NewTokens))
			if off > perToken*float64(o.NewTokens)+perValue {
				t.Errorf("%s: document %d, request %d: log-likelihood %v, want %v ± %v", variant, r.Index, i, o.LogLikelihood, value, perToken*float64(o.NewTokens)+perValue)
			}
			if greedy != "" && greedy != map[bool]string{true: "True", false: "False"}[o.Greedy] {
				t.Errorf("%s: document %d, request %d: greedy %v, want %s", variant, r.Index, i, o.Greedy, greedy)
			}
		}
		if ties[tie{variant, task.Name, r.Index}] {
			tied++
			continue
		}
		for _, score := range r.Scores {
			if weight, is := w.weights[score.Metric]; is {
				decisions++
				if !score.Valued() || score.Weight != weight {
					t.Errorf("%s: document %d: %s is divided by %v, want %v", variant, r.Index, score.Metric, score.Weight, weight)
				}
				continue
			}
			want, is := w.values[score.Metric]
			if !is {
				t.Errorf("%s: document %d: lm-eval has no %s", variant, r.Index, score.Metric)
				continue
			}
			decisions++
			if !score.Valued() || score.Value != want {
				t.Errorf("%s: document %d: %s %v (%s), want %v", variant, r.Index, score.Metric, score.Value, score.Unscored, want)
			}
		}
	}
	if values+texts == 0 || decisions == 0 {
		t.Fatalf("%s: nothing was compared", variant)
	}
	t.Logf("%-14s %-10s %4d samples, %4d log-likelihoods: largest difference %.2e, mean %.2e, largest a token %.2e; %d texts; %d metrics equal, %d ties left out",
		variant, task.Name, len(results), values, worst, sum/float64(max(values, 1)), worstToken, texts, decisions, tied)
}

func (s *lmEvalSample) logLikelihood(t *testing.T, i int, kind lorabench.RequestKind) (value float64, greedy string) {
	t.Helper()
	var text string
	if kind == lorabench.Rolling {
		text = s.Resps[i][0].(string)
	} else {
		pair := s.Resps[i][0].([]any)
		text, greedy = pair[0].(string), pair[1].(string)
	}
	value, err := strconv.ParseFloat(text, 64)
	if err != nil {
		t.Fatal(err)
	}
	return value, greedy
}
