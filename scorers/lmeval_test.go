package scorers

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/ailiance/lorabench"
)

const shared = "../../shared/vectors/"

func readShared(t *testing.T, name string) []byte {
	t.Helper()
	raw, err := os.ReadFile(shared + name)
	if errors.Is(err, fs.ErrNotExist) {
		t.Skip("../shared is not there")
	}
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasSuffix(name, ".gz") {
		return raw
	}
	r, err := gzip.NewReader(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if _, err := b.ReadFrom(r); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// gsm8kRules and mmluProRules are what tasks say of these answers.
func gsm8kRules(strict string) Deps {
	return Deps{
		Metrics: metrics("exact_match", "exact_match,flexible-extract"),
		Filters: []lorabench.Filter{
			{Name: "strict-match", Pattern: strict},
			{Name: "flexible-extract", Pattern: `(-?[$0-9.,]{2,})|(-?[0-9]+)`, Select: -1},
		},
		Normalize: lorabench.Normalization{Delete: []string{`,`, `\$`, `(?s).*#### `, `\.$`}, IgnoreCase: true},
	}
}

const (
	cotAnswer  = `The answer is (-?[0-9.,]+).`
	hashAnswer = `#### (-?[0-9.,]+)`
)

func mmluProRules() Deps {
	return Deps{
		Metrics:   metrics("exact_match"),
		Filters:   []lorabench.Filter{{Name: "custom-extract", Pattern: `answer is \(?([ABCDEFGHIJ])\)?`}},
		Normalize: lorabench.Normalization{IgnoreCase: true, IgnorePunctuation: true},
	}
}

// TestVectors: filters, normalisation and ties, as lm-eval computed them.
func TestVectors(t *testing.T) {
	var v struct {
		Regex []struct{ T, Strict, Flex, Hash, MP string }
		EM    []struct {
			P, R string
			S    float64
		}
		EMMMLU []struct {
			P, R string
			S    float64
		} `json:"em_mmlu"`
		Tie  int       `json:"argmax_tie"`
		NaN  int       `json:"argmax_nan"`
		Norm []float64 `json:"argmax_norm"`
	}
	if err := json.Unmarshal(readShared(t, "lm-eval/vectors.json"), &v); err != nil {
		t.Fatal(err)
	}
	if len(v.Regex) < 20 || len(v.EM) < 10 || len(v.EMMMLU) < 4 {
		t.Fatalf("vectors: %d, %d and %d", len(v.Regex), len(v.EM), len(v.EMMMLU))
	}
	for _, c := range v.Regex {
		for _, tt := range []struct {
			name string
			f    lorabench.Filter
			want string
		}{
			{"strict", gsm8kRules(cotAnswer).Filters[0], c.Strict},
			{"flexible", gsm8kRules(cotAnswer).Filters[1], c.Flex},
			{"hash", gsm8kRules(hashAnswer).Filters[0], c.Hash},
			{"mmlu_pro", mmluProRules().Filters[0], c.MP},
		} {
			f, err := newFilter(tt.f)
			if err != nil {
				t.Fatal(err)
			}
			if got := f.apply(c.T); got != tt.want {
				t.Errorf("%s of %q = %q, want %q", tt.name, c.T, got, tt.want)
			}
		}
	}
	for _, c := range v.EM {
		n, err := newNormalizer(gsm8kRules(cotAnswer).Normalize)
		if err != nil {
			t.Fatal(err)
		}
		if got := truth(n.apply(c.P) == n.apply(c.R)); got != c.S {
			t.Errorf("gsm8k: %q against %q = %v, want %v", c.P, c.R, got, c.S)
		}
	}
	for _, c := range v.EMMMLU {
		n, err := newNormalizer(mmluProRules().Normalize)
		if err != nil {
			t.Fatal(err)
		}
		if got := truth(n.apply(c.P) == n.apply(c.R)); got != c.S {
			t.Errorf("mmlu_pro: %q against %q = %v, want %v", c.P, c.R, got, c.S)
		}
	}
	if got, _ := argmax([]float64{-1, -1, -2}); got != v.Tie {
		t.Errorf("argmax of equals = %d, want %d", got, v.Tie)
	}
	if got, isNaN := argmax([]float64{-1, math.NaN(), math.NaN()}); got != v.NaN || !isNaN {
		t.Errorf("argmax with NaN = %d, want %d", got, v.NaN)
	}
}

// line is a line of lm-eval's samples files.
type line struct {
	DocID         int             `json:"doc_id"`
	Doc           map[string]any  `json:"doc"`
	Target        string          `json:"target"`
	Resps         [][]any         `json:"resps"`
	FilteredResps []any           `json:"filtered_resps"`
	Filter        string          `json:"filter"`
	Acc           *float64        `json:"acc"`
	AccNorm       *float64        `json:"acc_norm"`
	ExactMatch    *float64        `json:"exact_match"`
	Words         []float64       `json:"word_perplexity"`
	Bytes         []float64       `json:"byte_perplexity"`
	Arguments     map[string]args `json:"arguments"`
}

type args struct {
	Second any `json:"arg_1"`
}

// number reads a number that lm-eval printed into a string.
func number(t *testing.T, v any) float64 {
	t.Helper()
	f, err := strconv.ParseFloat(fmt.Sprint(v), 64)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// logLikelihoodSample makes sample and outputs of a line.
func logLikelihoodSample(t *testing.T, l line) (*lorabench.Sample, []lorabench.Output) {
	t.Helper()
	s := &lorabench.Sample{}
	var outputs []lorabench.Output
	for i, r := range l.Resps {
		second, _ := l.Arguments[fmt.Sprintf("gen_args_%d", i)].Second.(string)
		s.Target.Choices = append(s.Target.Choices, strings.TrimPrefix(second, " "))
		pair := r[0].([]any)
		outputs = append(outputs, lorabench.Output{LogLikelihood: number(t, pair[0])})
	}
	if answer, ok := l.Doc["answer"].(string); ok { // winogrande, whose target is the sentence's end
		s.Target.Gold = int(number(t, answer)) - 1
	} else {
		s.Target.Gold = int(number(t, l.Target))
	}
	return s, outputs
}

// TestScoresOfLMEval scores what a real model answered in lm-eval's runs, and
// gets lm-eval's score of every sample and its number of every task.
func TestScoresOfLMEval(t *testing.T) {
	type scoring struct {
		scorer string
		deps   Deps
	}
	tasks := map[string]scoring{
		"arc_easy":                  {"choice", Deps{Metrics: metrics(acc, accNorm)}},
		"hellaswag":                 {"choice", Deps{Metrics: metrics(acc, accNorm)}},
		"xcopa_it":                  {"choice", Deps{Metrics: metrics(acc)}},
		"winogrande":                {"partial", Deps{Metrics: metrics(acc)}},
		"gsm8k_cot":                 {"exact_match", gsm8kRules(cotAnswer)},
		"mmlu_pro_computer_science": {"exact_match", mmluProRules()},
		"wikitext":                  {"perplexity", Deps{Metrics: metrics(bitsPerByte, bytePerplexity, wordPerplexity)}},
	}
	files, err := filepath.Glob(shared + "lm-eval-runs/*/*.samples.jsonl.gz")
	if err != nil || len(files) == 0 {
		t.Skip("../shared is not there")
	}
	if len(files) != 19 {
		t.Errorf("%d files, want 19", len(files))
	}
	for _, file := range files {
		variant, base := filepath.Base(filepath.Dir(file)), filepath.Base(file)
		name, _, _ := strings.Cut(base, ".")
		t.Run(variant+"/"+name, func(t *testing.T) {
			task, ok := tasks[name]
			if !ok {
				t.Fatal("no scoring")
			}
			scorer := byNameOrFail(t, task.scorer, task.deps)
			reported := readResults(t, variant, name)
			lines := bufio.NewScanner(bytes.NewReader(readShared(t, "lm-eval-runs/"+variant+"/"+base)))
			lines.Buffer(nil, 16<<20)
			var all []lorabench.Score
			for lines.Scan() {
				var l line
				if err := json.Unmarshal(lines.Bytes(), &l); err != nil {
					t.Fatal(err)
				}
				all = append(all, compareLine(t, scorer, task.scorer, l)...)
			}
			for _, m := range task.deps.Metrics {
				key := m.Name
				if !strings.Contains(key, ",") {
					key += "," + firstFilter(task.deps)
				}
				want, ok := reported[key].(float64)
				if !ok {
					t.Fatalf("no %s in the results: %v", key, reported)
				}
				got, n, ok := Aggregate(m, all)
				if !ok || math.Abs(got-want) > 1e-12*math.Abs(want) {
					t.Errorf("%s = %v (n=%d), want %v", m.Name, got, n, want)
				}
			}
		})
	}
}

func firstFilter(d Deps) string {
	if len(d.Filters) > 0 {
		return d.Filters[0].Name
	}
	return "none"
}

// compareLine returns the line's scores: of a generation, of its filter only.
func compareLine(t *testing.T, scorer Scorer, name string, l line) []lorabench.Score {
	t.Helper()
	var s *lorabench.Sample
	var outputs []lorabench.Output
	want := map[string]*float64{acc: l.Acc, accNorm: l.AccNorm}
	switch name {
	case "exact_match":
		s = &lorabench.Sample{Target: lorabench.Target{Answer: l.Target}}
		outputs = []lorabench.Output{{Text: l.Resps[0][0].(string)}}
		want = map[string]*float64{"exact_match": l.ExactMatch}
		if l.Filter == "flexible-extract" {
			want = map[string]*float64{"exact_match,flexible-extract": l.ExactMatch}
		}
	case "perplexity":
		s = &lorabench.Sample{Target: lorabench.Target{Words: int(l.Words[1]), Bytes: int(l.Bytes[1])}}
		outputs = logLikelihoods(number(t, l.Resps[0][0]))
		scores := scorer.Score(context.Background(), s, outputs)
		if scores[1].Value != -l.Bytes[0] || scores[1].Weight != l.Bytes[1] || scores[2].Value != -l.Words[0] || scores[2].Weight != l.Words[1] {
			t.Errorf("doc %d: %+v, want %v and %v", l.DocID, scores, l.Bytes, l.Words)
		}
		return scores
	default:
		s, outputs = logLikelihoodSample(t, l)
	}
	var compared []lorabench.Score
	for _, score := range scorer.Score(context.Background(), s, outputs) {
		w := want[score.Metric]
		if w == nil {
			continue
		}
		if !score.Valued() || score.Value != *w {
			t.Errorf("doc %d: %+v, want %v", l.DocID, score, *w)
		}
		compared = append(compared, score)
	}
	if len(compared) == 0 {
		t.Errorf("doc %d: nothing compared", l.DocID)
	}
	return compared
}

// readResults returns a task's numbers as lm-eval reports them.
func readResults(t *testing.T, variant, task string) map[string]any {
	t.Helper()
	files, err := filepath.Glob(shared + "lm-eval-runs/" + variant + "/results.*.json")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var r struct{ Results map[string]map[string]any }
		if err := json.Unmarshal(raw, &r); err != nil {
			t.Fatal(err)
		}
		if results, ok := r.Results[task]; ok {
			return results
		}
	}
	t.Fatalf("no results of %s for %s", task, variant)
	return nil
}
