package scorers

import (
	"context"
	"maps"
	"math"
	"reflect"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/ailiance/lorabench"
	"github.com/ailiance/lorabench/scorers/spice"
)

// metrics makes metrics of names, as tasks declare them.
func metrics(names ...string) []lorabench.Metric {
	known := map[string]lorabench.Metric{
		bitsPerByte:    {Aggregate: lorabench.Ratio, Better: lorabench.Lower},
		bytePerplexity: {Aggregate: lorabench.ExpRatio, Better: lorabench.Lower},
		wordPerplexity: {Aggregate: lorabench.ExpRatio, Better: lorabench.Lower},
	}
	var m []lorabench.Metric
	for _, name := range names {
		metric, ok := known[name]
		if !ok {
			metric = lorabench.Metric{Aggregate: lorabench.Mean, Better: lorabench.Higher}
		}
		metric.Name = name
		m = append(m, metric)
	}
	return m
}

func byNameOrFail(t *testing.T, name string, deps Deps) Scorer {
	t.Helper()
	s, err := ByName(name, deps)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func logLikelihoods(values ...float64) []lorabench.Output {
	outputs := make([]lorabench.Output, len(values))
	for i, v := range values {
		outputs[i].LogLikelihood = v
	}
	return outputs
}

func TestByNameErrors(t *testing.T) {
	for _, tt := range []struct {
		name string
		deps Deps
		want string
	}{
		{"chioce", Deps{}, "scorer chioce: no such scorer: want choice, partial, exact_match, perplexity, spice, spice_structural or " +
			strings.Join(slices.Sorted(maps.Keys(domains())), ", ")},
		{"choice", Deps{}, "scorer choice: no metrics: want some of acc, acc_norm, acc_bytes"},
		{"choice", Deps{Metrics: metrics("f1")}, `scorer choice: no metric "f1": has acc, acc_norm, acc_bytes`},
		{"partial", Deps{Metrics: metrics("acc", "acc_norm")}, `scorer partial: no metric "acc_norm": has acc`},
		{"perplexity", Deps{Metrics: metrics("acc")}, `scorer perplexity: no metric "acc": has word_perplexity, byte_perplexity, bits_per_byte`},
		{"exact_match", Deps{Metrics: metrics("exact_match,b"), Filters: []lorabench.Filter{{Name: "a", Pattern: "x"}}},
			`scorer exact_match: no metric "exact_match,b": has exact_match, exact_match,a`},
		{"exact_match", Deps{Metrics: metrics("exact_match"), Filters: []lorabench.Filter{{Name: "a", Pattern: "("}}},
			"scorer exact_match: filter a: error parsing regexp: missing closing ): `(`"},
		{"exact_match", Deps{Metrics: metrics("exact_match"), Normalize: lorabench.Normalization{Delete: []string{"["}}},
			"scorer exact_match: normalization: delete \"[\": error parsing regexp: missing closing ]: `[`"},
		{"spice", Deps{Metrics: metrics("acc")}, `scorer spice: no metric "acc": has score, graded`},
		{"spice_structural", Deps{Metrics: metrics("acc")}, `scorer spice_structural: no metric "acc": has score, graded`},
	} {
		if s, err := ByName(tt.name, tt.deps); err == nil || err.Error() != tt.want || s != nil {
			t.Errorf("ByName(%s) = %v, %v\nwant error %s", tt.name, s, err, tt.want)
		}
	}
}

func TestChoice(t *testing.T) {
	nan, inf := math.NaN(), math.Inf(-1)
	for _, tt := range []struct {
		name     string
		choices  []string
		gold     int
		outputs  []lorabench.Output
		want     []float64 // acc, acc_norm, acc_bytes
		note     string
		unscored string
	}{
		{"likeliest is gold", []string{"a", "b"}, 1, logLikelihoods(-2, -1), []float64{1, 1, 1}, "", ""},
		{"likeliest is not", []string{"a", "b"}, 0, logLikelihoods(-2, -1), []float64{0, 0, 0}, "", ""},
		{"longer wins by length", []string{"aa", "b"}, 0, logLikelihoods(-3, -2), []float64{0, 1, 1}, "", ""},
		{"code points, not bytes", []string{"ééé", "bbbb"}, 1, logLikelihoods(-3.2, -4), []float64{0, 1, 0}, "", ""},
		{"first of equals", []string{"a", "b"}, 0, logLikelihoods(-1, -1), []float64{1, 1, 1}, "", ""},
		{"second of equals", []string{"a", "b"}, 1, logLikelihoods(-1, -1), []float64{0, 0, 0}, "", ""},
		{"impossible", []string{"a", "b"}, 0, logLikelihoods(inf, inf), []float64{1, 1, 1}, "", ""},
		{"first NaN wins", []string{"a", "b", "c"}, 1, logLikelihoods(-1, nan, nan), []float64{1, 1, 1}, "log-likelihood of choice 1 is NaN", ""},
		{"gold out of range", []string{"a", "b"}, 2, logLikelihoods(-1, -2), []float64{0, 0, 0}, "gold choice 2 of 2", ""},
		{"empty choice", []string{"", "b"}, 0, logLikelihoods(-1, -2), []float64{1, 0, 0}, "", ""},
		{"too few outputs", []string{"a", "b"}, 0, logLikelihoods(-1), nil, "", "1 outputs, want 2: one for each choice"},
		{"no outputs", []string{"a", "b"}, 0, nil, nil, "", "0 outputs, want 2: one for each choice"},
		{"no choices", nil, 0, nil, nil, "", "no choices"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := byNameOrFail(t, "choice", Deps{Metrics: metrics(acc, accNorm, accBytes)})
			got := s.Score(context.Background(), &lorabench.Sample{Target: lorabench.Target{Gold: tt.gold, Choices: tt.choices}}, tt.outputs)
			if len(got) != 3 {
				t.Fatalf("%d scores, want 3", len(got))
			}
			for i, m := range []string{acc, accNorm, accBytes} {
				want := lorabench.Score{Metric: m, Unscored: tt.unscored}
				if tt.unscored == "" {
					want = lorabench.Score{Metric: m, Value: tt.want[i], Weight: 1, Note: tt.note}
				}
				if got[i] != want {
					t.Errorf("%+v, want %+v", got[i], want)
				}
			}
		})
	}
}

func TestExactMatch(t *testing.T) {
	deps := Deps{
		Metrics: metrics("exact_match,last", "exact_match"),
		Filters: []lorabench.Filter{{Name: "first", Pattern: `= ([0-9.]+)`}, {Name: "last", Pattern: `([0-9]+)\.|([0-9]+)`, Select: -1}},
		Normalize: lorabench.Normalization{
			Delete: []string{`\.$`}, IgnoreCase: true, IgnorePunctuation: true,
		},
	}
	for _, tt := range []struct {
		name   string
		output lorabench.Output
		answer string
		want   [2]float64 // last, first
		note   string
	}{
		{"both", lorabench.Output{Text: "so = 4."}, "4", [2]float64{1, 1}, ""},
		{"first only", lorabench.Output{Text: "= 4 and 5"}, "4", [2]float64{0, 1}, ""},
		{"none", lorabench.Output{Text: "four"}, "4", [2]float64{0, 0}, ""},
		{"invalid is an answer like any", lorabench.Output{Text: ""}, "[INVALID]", [2]float64{1, 1}, ""},
		{"cut by length", lorabench.Output{Text: "= 4", Stop: lorabench.StopLength}, "4", [2]float64{1, 1}, "stopped: length"},
		{"cut by time", lorabench.Output{Text: "= 4", Stop: lorabench.StopTime}, "5", [2]float64{0, 0}, "stopped: time"},
		{"thinking is not the answer", lorabench.Output{Text: "= 5", Thinking: "= 4"}, "4", [2]float64{0, 0}, ""},
		{"reasoning and no answer", lorabench.Output{Thinking: "= 4", Stop: lorabench.StopLength}, "[INVALID]", [2]float64{0, 0}, "no answer, only reasoning; stopped: length"},
		{"ended by itself", lorabench.Output{Text: "= 4", Stop: lorabench.StopEOS}, "4", [2]float64{1, 1}, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := byNameOrFail(t, "exact_match", deps).Score(context.Background(),
				&lorabench.Sample{Target: lorabench.Target{Answer: tt.answer}}, []lorabench.Output{tt.output})
			want := []lorabench.Score{
				{Metric: "exact_match,last", Value: tt.want[0], Weight: 1, Note: tt.note},
				{Metric: "exact_match", Value: tt.want[1], Weight: 1, Note: tt.note},
			}
			if !reflect.DeepEqual(got, want) {
				t.Errorf("%+v\nwant %+v", got, want)
			}
		})
	}
	got := byNameOrFail(t, "exact_match", deps).Score(context.Background(), &lorabench.Sample{}, nil)
	if len(got) != 2 || got[0].Unscored != "0 outputs, want 1" {
		t.Errorf("without an output: %+v", got)
	}
}

func TestFilter(t *testing.T) {
	for _, tt := range []struct {
		name, pattern string
		pick          int
		text, want    string
	}{
		{"no group takes the match", `a+`, 0, "b aa", "aa"},
		{"stripped as Python does", `=(.*)`, 0, "=\x1c\u00a0 x \x1f", "x"},
		{"second match", `[0-9]`, 1, "1 2 3", "2"},
		{"second last match", `[0-9]`, -2, "1 2 3", "2"},
		{"beyond the matches", `[0-9]`, 3, "1 2 3", invalid},
		{"before the matches", `[0-9]`, -4, "1 2 3", invalid},
		{"one empty group is an answer", `x(y*)`, 0, "x", ""},
		{"two empty groups are none", `x(y*)(z*)`, 0, "x", invalid},
		{"first group that is not empty", `x(y*)(z*)`, 0, "xz", "z"},
		{"a point is no line feed", `is (.+).`, 0, "is 5\n", invalid},
	} {
		f, err := newFilter(lorabench.Filter{Pattern: tt.pattern, Select: tt.pick})
		if err != nil {
			t.Fatal(err)
		}
		if got := f.apply(tt.text); got != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
	if got := (*filter)(nil).apply(" x "); got != " x " {
		t.Errorf("no filter: %q", got)
	}
}

// TestDeletion: what re.sub(pattern, "", text) gave in Python 3.11.
func TestDeletion(t *testing.T) {
	for _, tt := range []struct{ pattern, in, want string }{
		{`\.$`, "18.", "18"}, {`\.$`, "18.\n", "18\n"}, {`\.$`, "18..", "18."}, {`\.$`, "18.\n\n", "18.\n\n"}, {`\.$`, "1.8", "1.8"},
		{`\$`, "$5$", "5"}, {`\\$`, `a\`, "a"}, {`a|b$`, "ab", ""}, {`(?s).*#### `, "a#### b\n#### c", "c"}, {`x*$`, "yxx\n", "y\n"},
	} {
		n, err := newNormalizer(lorabench.Normalization{Delete: []string{tt.pattern}})
		if err != nil {
			t.Fatal(err)
		}
		if got := n.apply(tt.in); got != tt.want {
			t.Errorf("delete %s from %q: %q, want %q", tt.pattern, tt.in, got, tt.want)
		}
	}
}

func TestPunctuationIsPythons(t *testing.T) {
	n, err := newNormalizer(lorabench.Normalization{IgnorePunctuation: true})
	if err != nil {
		t.Fatal(err)
	}
	var ascii strings.Builder
	for c := range rune(128) {
		ascii.WriteRune(c)
	}
	const punctuation = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"
	want := strings.Map(func(r rune) rune {
		if strings.ContainsRune(punctuation, r) {
			return -1
		}
		return r
	}, ascii.String())
	if got := n.apply(ascii.String()); got != want {
		t.Errorf("left %q, want %q", got, want)
	}
	if got := n.apply("¿«é»"); got != "¿«é»" {
		t.Errorf("beyond ASCII: %q", got)
	}
}

func TestPerplexity(t *testing.T) {
	s := byNameOrFail(t, "perplexity", Deps{Metrics: metrics(bitsPerByte, bytePerplexity, wordPerplexity)})
	sample := &lorabench.Sample{Target: lorabench.Target{Words: 28, Bytes: 134}}
	got := s.Score(context.Background(), sample, logLikelihoods(-100))
	want := []lorabench.Score{
		{Metric: bitsPerByte, Value: 100 / math.Ln2, Weight: 134},
		{Metric: bytePerplexity, Value: 100, Weight: 134},
		{Metric: wordPerplexity, Value: 100, Weight: 28},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%+v\nwant %+v", got, want)
	}
	for i, want := range []float64{1.0766380902156445, 2.109115481920107, 35.567367400530664} { // lm-eval's
		m := metrics(bitsPerByte, bytePerplexity, wordPerplexity)[i]
		value, n, ok := Aggregate(m, got)
		if !ok || n != 1 || math.Abs(value/want-1) > 1e-15 {
			t.Errorf("%s = %v (n=%d, %v), want %v", m.Name, value, n, ok, want)
		}
	}
	for _, bad := range []float64{math.NaN(), math.Inf(-1)} {
		if got := s.Score(context.Background(), sample, logLikelihoods(bad)); got[0].Valued() || got[2].Unscored == "" {
			t.Errorf("log-likelihood %v: %+v", bad, got)
		}
	}
	if got := s.Score(context.Background(), &lorabench.Sample{Target: lorabench.Target{Words: 1}}, logLikelihoods(0)); got[0].Unscored != "text without length" || !got[2].Valued() {
		t.Errorf("empty text: %+v", got)
	}
}

func TestAggregate(t *testing.T) {
	scores := []lorabench.Score{
		{Metric: "m", Value: 1, Weight: 2}, {Metric: "m", Value: 3, Weight: 2},
		{Metric: "m", Unscored: "no simulator"}, {Metric: "other", Value: 100, Weight: 1},
	}
	for _, tt := range []struct {
		how  lorabench.Aggregate
		want float64
	}{{lorabench.Mean, 2}, {lorabench.Ratio, 1}, {lorabench.ExpRatio, math.E}} {
		if got, n, ok := Aggregate(lorabench.Metric{Name: "m", Aggregate: tt.how}, scores); got != tt.want || n != 2 || !ok {
			t.Errorf("%s = %v, n=%d, %v, want %v, n=2", tt.how, got, n, ok, tt.want)
		}
	}
	for name, tt := range map[string]struct {
		m      lorabench.Metric
		scores []lorabench.Score
		n      int
	}{
		"no scores":         {lorabench.Metric{Name: "m", Aggregate: lorabench.Mean}, nil, 0},
		"none valued":       {lorabench.Metric{Name: "m", Aggregate: lorabench.Mean}, scores[2:3], 0},
		"no weight":         {lorabench.Metric{Name: "m", Aggregate: lorabench.Ratio}, []lorabench.Score{{Metric: "m", Value: 1}}, 1},
		"no finite result":  {lorabench.Metric{Name: "m", Aggregate: lorabench.ExpRatio}, []lorabench.Score{{Metric: "m", Value: 1e4, Weight: 1}}, 1},
		"unknown aggregate": {lorabench.Metric{Name: "m", Aggregate: "median"}, scores[:1], 1},
	} {
		if got, n, ok := Aggregate(tt.m, tt.scores); ok || n != tt.n {
			t.Errorf("%s: %v, n=%d, %v", name, got, n, ok)
		}
	}
}

// TestAggregateLosesNothing: small numbers between large ones that cancel.
func TestAggregateLosesNothing(t *testing.T) {
	var scores []lorabench.Score
	for _, v := range []float64{1, 1e100, 1, -1e100} {
		scores = append(scores, lorabench.Score{Metric: "m", Value: v, Weight: 1})
	}
	if got, _, _ := Aggregate(lorabench.Metric{Name: "m", Aggregate: lorabench.Mean}, scores); got != 0.5 {
		t.Errorf("mean = %v, want 0.5", got)
	}
}

func TestFloors(t *testing.T) {
	says := func(name string, values ...float64) lorabench.Null {
		return lorabench.Null{Name: name, Outputs: func(*lorabench.Sample) []lorabench.Output { return logLikelihoods(values...) }}
	}
	sample := func(gold int) lorabench.Sample {
		return lorabench.Sample{Target: lorabench.Target{Gold: gold, Choices: []string{"aaaa", "b"}}}
	}
	task := &lorabench.Task{
		Metrics: metrics(acc, accNorm), Samples: []lorabench.Sample{sample(0), sample(1), sample(1), sample(0), sample(1)},
		Nulls: []lorabench.Null{says("first", 0, -1), says("last", -1, 0), says("last again", -1, 0), says("by length", -2, -1), says("broken", 0)},
	}
	s := byNameOrFail(t, "choice", Deps{Metrics: task.Metrics})
	floors, err := Floors(context.Background(), task, s)
	want := map[string]lorabench.Floor{acc: {Value: 0.6, Output: "last"}, accNorm: {Value: 0.6, Output: "last"}}
	if err != nil || !reflect.DeepEqual(floors, want) {
		t.Errorf("floors %v, %v, want %v", floors, err, want)
	}

	lower := &lorabench.Task{
		Metrics: metrics(bitsPerByte), Samples: []lorabench.Sample{{Target: lorabench.Target{Bytes: 1}}},
		Nulls: []lorabench.Null{says("eight", -8*math.Ln2), says("four", -4*math.Ln2), says("impossible", math.Inf(-1))},
	}
	s = byNameOrFail(t, "perplexity", Deps{Metrics: lower.Metrics})
	floors, err = Floors(context.Background(), lower, s)
	if want := (lorabench.Floor{Value: 4, Output: "four"}); err != nil || floors[bitsPerByte] != want {
		t.Errorf("floors %v, %v, want %v", floors, err, want)
	}

	ctx, cancel := context.WithCancelCause(context.Background())
	cancel(errNoSimulator)
	if _, err := Floors(ctx, task, s); err != errNoSimulator {
		t.Errorf("error %v, want the context's cause", err)
	}
}

// fakeSimulator passes decks with a capacitor.
type fakeSimulator struct{}

func (fakeSimulator) Run(context.Context, []byte) (spice.Simulation, error) {
	return spice.Simulation{Reason: "a fake"}, nil
}

func (fakeSimulator) Score(_ context.Context, bench spice.Bench, text string) spice.Result {
	switch {
	case strings.Contains(text, "crash"):
		return spice.Result{Unscored: "sandbox: no"}
	case !strings.Contains(text, ".end"):
		return spice.Result{Reason: "no .end"}
	case strings.Contains(text, "C1"):
		return spice.Result{Pass: true, Graded: 1}
	}
	return spice.Result{Graded: 0.5, Reason: "2.00 V, want 1"}
}

const testBench = `{"sources": ["V1 in 0 DC 1"], "analysis": "op", "elements": "RC", "require": {"R": 1},
	"checks": [{"kind": "dc", "node": "out", "target": 1, "tolerance": 0.01}]}`

func TestCircuits(t *testing.T) {
	good := lorabench.Output{Text: "R1 in out 1k\nC1 out 0 1n\n", Stop: lorabench.StopString}
	for _, tt := range []struct {
		name   string
		scorer string
		deps   Deps
		bench  string
		output lorabench.Output
		want   lorabench.Score // of "score"; graded in graded
		graded float64
	}{
		{"passes, .end put back", "spice", Deps{Tools: Tools{Simulator: fakeSimulator{}}}, testBench, good, lorabench.Score{Value: 1, Weight: 1}, 1},
		{"half of the checks", "spice", Deps{Tools: Tools{Simulator: fakeSimulator{}}}, testBench, lorabench.Output{Text: "R1 in out 1k\n.end"},
			lorabench.Score{Weight: 1, Note: "2.00 V, want 1"}, 0.5},
		{"cut off", "spice", Deps{Tools: Tools{Simulator: fakeSimulator{}}}, testBench, lorabench.Output{Text: "R1 in", Stop: lorabench.StopLength},
			lorabench.Score{Weight: 1, Note: "no .end; stopped: length"}, 0},
		{"simulator fails", "spice", Deps{Tools: Tools{Simulator: fakeSimulator{}}}, testBench, lorabench.Output{Text: "crash"}, lorabench.Score{Unscored: "sandbox: no"}, 0},
		{"no simulator", "spice", Deps{Tools: Tools{NoSimulator: spice.ErrNoSimulator}}, testBench, good, lorabench.Score{Unscored: "ngspice is not installed"}, 0},
		{"no simulator, no reason", "spice", Deps{}, testBench, good, lorabench.Score{Unscored: "no simulator"}, 0},
		{"form alone", "spice_structural", Deps{}, testBench, good, lorabench.Score{Value: 1, Weight: 1}, 1},
		{"form alone, not complete", "spice_structural", Deps{}, testBench, lorabench.Output{Text: "R1 in out 1k"}, lorabench.Score{Weight: 1, Note: "no .end"}, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tt.deps.Metrics = metrics("score", "graded")
			got := byNameOrFail(t, tt.scorer, tt.deps).Score(context.Background(),
				&lorabench.Sample{Target: lorabench.Target{Bench: []byte(tt.bench)}}, []lorabench.Output{tt.output})
			want := []lorabench.Score{tt.want, tt.want}
			want[0].Metric, want[1].Metric, want[1].Value = "score", "graded", tt.graded
			if !reflect.DeepEqual(got, want) {
				t.Errorf("%+v\nwant %+v", got, want)
			}
		})
	}
	s := byNameOrFail(t, "spice", Deps{Metrics: metrics("score"), Tools: Tools{Simulator: fakeSimulator{}}})
	if got := s.Score(context.Background(), &lorabench.Sample{}, []lorabench.Output{good}); got[0].Valued() {
		t.Errorf("without a bench: %+v", got)
	}
	if got := s.Score(context.Background(), &lorabench.Sample{}, nil); got[0].Unscored != "0 outputs, want 1" {
		t.Errorf("without an output: %+v", got)
	}
}

// countingSimulator counts its circuits, and passes those with a capacitor.
type countingSimulator struct {
	fakeSimulator
	runs *atomic.Int64
}

func (c countingSimulator) Score(ctx context.Context, bench spice.Bench, text string) spice.Result {
	c.runs.Add(1)
	return c.fakeSimulator.Score(ctx, bench, text)
}

// TestFloorsSimulateOnce: null outputs that agree on a sample cost one simulation.
func TestFloorsSimulateOnce(t *testing.T) {
	says := func(name string, texts ...string) lorabench.Null {
		return lorabench.Null{Name: name, Outputs: func(s *lorabench.Sample) []lorabench.Output {
			return []lorabench.Output{{Text: texts[s.Index], Stop: lorabench.StopEOS}}
		}}
	}
	task := &lorabench.Task{
		Metrics: metrics("score", "graded"),
		Nulls:   []lorabench.Null{says("a", "R .end", "R .end"), says("b", "C1 .end", "C1 .end"), says("c", "C1 .end", "R .end")},
	}
	for i := range 2 {
		task.Samples = append(task.Samples, lorabench.Sample{
			Index: i, Requests: []lorabench.Request{{Kind: lorabench.Generate}}, Target: lorabench.Target{Bench: []byte(testBench)},
		})
	}
	var runs atomic.Int64
	s := byNameOrFail(t, "spice", Deps{Metrics: task.Metrics, Tools: Tools{Simulator: countingSimulator{runs: &runs}}})
	floors, err := Floors(context.Background(), task, s)
	want := map[string]lorabench.Floor{"score": {Value: 1, Output: "b"}, "graded": {Value: 1, Output: "b"}}
	if err != nil || !reflect.DeepEqual(floors, want) {
		t.Errorf("floors %v, %v, want %v", floors, err, want)
	}
	if got := runs.Load(); got != 4 {
		t.Errorf("%d simulations, want 4", got)
	}
}
