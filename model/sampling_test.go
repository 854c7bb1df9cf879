package model

import (
	"bufio"
	"compress/gzip"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/ailiance/lorabench/model/architecture"
	"github.com/ailiance/lorabench/model/checkpoint"
	"github.com/ailiance/lorabench/model/kernel"
)

var samplingVectors = flag.String("sampling", "testdata/sampling.jsonl.gz", "output of testdata/sampling.py, compressed")

// TestSamplingEqualsTransformers: the tokens that may be drawn, and their
// probabilities, are those of transformers' warpers. Of equal logits at the border
// of top_p theirs keep any, and as many.
func TestSamplingEqualsTransformers(t *testing.T) {
	file, err := os.Open(*samplingVectors)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	z, err := gzip.NewReader(file)
	if err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(z)
	lines.Buffer(nil, 1<<20)
	rows, worst := 0, 0.0
	drawn := sha256.New()
	for ; lines.Scan(); rows++ {
		var v struct {
			Sampling Sampling  `json:"sampling"`
			Tokens   []int32   `json:"tokens"`
			Logits   []float32 `json:"logits"`
			IDs      []int32   `json:"ids"`
			P        []float64 `json:"p"`
		}
		if err := json.Unmarshal(lines.Bytes(), &v); err != nil {
			t.Fatal(err)
		}
		if err := v.Sampling.Validate(); err != nil {
			t.Fatal(err)
		}
		var w sampler
		logits := v.Logits
		if v.Sampling.RepetitionPenalty != 1 {
			logits = w.penalise(logits, v.Tokens, float32(v.Sampling.RepetitionPenalty))
		}
		best := int32(kernel.ArgMax(logits))
		fmt.Fprintln(drawn, w.draw(v.Sampling, logits, best, uniform(drawKey(1, v.Tokens), rows)))
		w.keep(v.Sampling, logits, best)
		got, total := map[int32]float64{}, 0.0
		for _, c := range w.kept {
			got[c.id] = c.p
			total += c.p
		}
		want := map[int32]float64{}
		for i, id := range v.IDs {
			want[id] = v.P[i]
		}
		ids, least := lowestOfEquals(logits, want)
		for i, id := range slices.Sorted(maps.Keys(got)) {
			if i >= len(ids) || ids[i] != id {
				t.Errorf("line %d, %+v: tokens %v, want %v", rows+1, v.Sampling, slices.Sorted(maps.Keys(got)), ids)
				break
			}
			p := want[id]
			if p == 0 {
				p = least
			}
			worst = max(worst, math.Abs(got[id]/total-p)/p)
		}
		if len(got) < len(ids) {
			t.Errorf("line %d, %+v: %d tokens, want %v", rows+1, v.Sampling, len(got), ids)
		}
	}
	if lines.Err() != nil || rows < 200 || worst > 1e-12 {
		t.Errorf("%d rows, probabilities differ by %.2g of themselves, error %v", rows, worst, lines.Err())
	}
	if sum := fmt.Sprintf("%x", drawn.Sum(nil)[:8]); sum != "71a8e91bffb14e29" && rows == 240 {
		t.Errorf("other tokens are drawn than on other machines: their hash is %s", sum)
	}
	t.Logf("%d rows, probabilities within %.2g of themselves", rows, worst)
}

// lowestOfEquals are the tokens of kept, but of those with the least logit the
// lowest ids; and the probability of these.
func lowestOfEquals(logits []float32, kept map[int32]float64) (ids []int32, least float64) {
	border := float32(math.Inf(1))
	for id, p := range kept {
		if logits[id] < border {
			border, least = logits[id], p
		}
	}
	equals := 0
	for id := range kept {
		if logits[id] == border {
			equals++
		} else {
			ids = append(ids, id)
		}
	}
	for id, x := range logits {
		if x == border && equals > 0 {
			ids = append(ids, int32(id))
			equals--
		}
	}
	slices.Sort(ids)
	return ids, least
}

// TestUniform: the numbers that draw are those that Sampling's comment describes,
// computed elsewhere.
func TestUniform(t *testing.T) {
	key := drawKey(-7, []int32{5, 6, 70000})
	for position, want := range map[int]float64{3: 0.22853190046978455, 4: 0.41173949951763744, 1 << 40: 0.015300094448137735} {
		if got := uniform(key, position); got != want {
			t.Errorf("position %d: %v, want %v", position, got, want)
		}
	}
	if drawKey(-7, []int32{5, 6}) == key || drawKey(7, []int32{5, 6, 70000}) == key {
		t.Error("seed or prompt makes no difference")
	}
}

// TestDraw: tokens come as often as their probabilities say (chi-square).
func TestDraw(t *testing.T) {
	r := rand.New(rand.NewPCG(4, 4))
	for _, s := range []Sampling{
		{Temperature: 1, TopP: 1},
		{Temperature: 0.7, TopP: 1, TopK: 12},
		{Temperature: 1.8, TopP: 0.9, Seed: 5},
		{Temperature: 1, TopP: 0.95, TopK: 30, MinP: 0.05, Seed: 6},
	} {
		row := make([]float32, 50)
		for i := range row {
			row[i] = float32(r.NormFloat64() * 1.5)
		}
		best := int32(kernel.ArgMax(row))
		var w sampler
		w.keep(s, row, best)
		p, total := map[int32]float64{}, 0.0
		for _, c := range w.kept {
			p[c.id] = c.p
			total += c.p
		}
		const draws = 50000
		seen := map[int32]int{}
		key := drawKey(s.Seed, []int32{1, 2, 3})
		for n := range draws {
			seen[w.draw(s, row, best, uniform(key, n))]++
		}
		chi := 0.0
		for id, x := range p {
			want := draws * x / total
			chi += (float64(seen[id]) - want) * (float64(seen[id]) - want) / want
			delete(seen, id)
		}
		// Four standard deviations above the mean of the distribution.
		freedom := float64(len(p) - 1)
		if len(seen) > 0 || chi > freedom+4*math.Sqrt(2*freedom) {
			t.Errorf("%+v: chi-square %.1f of %v degrees of freedom; not allowed but drawn: %v", s, chi, freedom, seen)
		}
		t.Logf("%+v: chi-square %.1f, %v degrees of freedom", s, chi, freedom)
	}
}

// TestDrawBorders: the first and the last number draw a token that may be drawn,
// also where temperatures are extreme and most of the vocabulary is forbidden.
func TestDrawBorders(t *testing.T) {
	inf := float32(math.Inf(-1))
	row := []float32{inf, 3, inf, 3, -1e30, 2, inf}
	for _, tt := range []struct {
		s           Sampling
		first, last int32
	}{
		{Sampling{Temperature: 1, TopP: 1}, 1, 5},
		{Sampling{Temperature: 1e-320, TopP: 1}, 1, 3},
		{Sampling{Temperature: 1e300, TopP: 1}, 1, 5},
		{Sampling{Temperature: 1, TopP: 1e-300}, 1, 1},
		{Sampling{Temperature: 1, TopP: 1, TopK: 1}, 1, 3},
		{Sampling{Temperature: 1, TopP: 1, MinP: 1}, 1, 3},
	} {
		for u, want := range map[float64]int32{0: tt.first, 1 - 1.0/(1<<53): tt.last} {
			var w sampler
			if got := w.draw(tt.s, row, 1, u); got != want && !(tt.s.Temperature == 1e300 && u > 0.5 && got == 5) {
				t.Errorf("%+v, u = %v: token %d, want %d", tt.s, u, got, want)
			}
		}
	}
}

func TestWrongSampling(t *testing.T) {
	cfg := tinyConfig()
	e := openSource(t, cfg, randomWeights(cfg, checkpoint.F32, 7), Options{})
	for _, tt := range []struct {
		s    Sampling
		says string
	}{
		{Sampling{Temperature: -1, TopP: 1}, "temperature -1"},
		{Sampling{Temperature: math.NaN(), TopP: 1}, "temperature NaN"},
		{Sampling{Temperature: math.Inf(1), TopP: 1}, "temperature +Inf"},
		{Sampling{Temperature: 1}, "top-p 0"},
		{Sampling{Temperature: 1, TopP: 1.1}, "top-p 1.1"},
		{Sampling{Temperature: 1, TopP: math.NaN()}, "top-p NaN"},
		{Sampling{Temperature: 1, TopP: 1, TopK: -1}, "top-k -1"},
		{Sampling{Temperature: 1, TopP: 1, MinP: -0.1}, "min-p -0.1"},
		{Sampling{Temperature: 1, TopP: 1, MinP: math.NaN()}, "min-p NaN"},
		{Sampling{RepetitionPenalty: -1}, "repetition penalty -1"},
		{Sampling{RepetitionPenalty: math.NaN()}, "repetition penalty NaN"},
		{Sampling{TopK: 40}, "without a temperature"},
		{Sampling{TopP: 0.9}, "without a temperature"},
	} {
		if err := e.Submit(Job{Tokens: []int32{5}, MaxNewTokens: 1, Sampling: tt.s}); err == nil || !strings.Contains(err.Error(), tt.says) {
			t.Errorf("%+v: error %v, want one that says %q", tt.s, err, tt.says)
		}
	}
	if err := e.Submit(Job{Tokens: []int32{5, 6}, Scored: 1, Sampling: Sampling{Temperature: 1, TopP: 1}}); err == nil {
		t.Error("a scored job with a temperature: no error")
	}
}

// TestSampledText: the same seed gives the same text, another seed another; a
// temperature near 0 gives the greedy text; log-probabilities are those that
// scoring the text gives, bit for bit.
func TestSampledText(t *testing.T) {
	cfg := tinyConfig()
	e := openSource(t, cfg, randomWeights(cfg, checkpoint.F32, 7), Options{})
	e.eos = nil
	prompt := []int32{5, 6, 7}
	text := func(s Sampling) Result {
		if err := e.Submit(Job{Tokens: prompt, MaxNewTokens: 40, Sampling: s}); err != nil {
			t.Fatal(err)
		}
		return drain(t, e)[0]
	}
	one, again, other := text(Sampling{Temperature: 1, TopP: 1}), text(Sampling{Temperature: 1, TopP: 1}), text(Sampling{Temperature: 1, TopP: 1, Seed: 1})
	if !slices.Equal(one.New, again.New) || slices.Equal(one.New, other.New) {
		t.Errorf("seed 0: %v and %v; seed 1: %v", one.New, again.New, other.New)
	}
	greedy, penalised := text(Sampling{}), text(Sampling{RepetitionPenalty: 1e6})
	if none := text(Sampling{RepetitionPenalty: 1}); !slices.Equal(none.New, greedy.New) {
		t.Errorf("with a penalty of 1 %v, greedy %v", none.New, greedy.New)
	}
	if again := slices.Compact(slices.Sorted(slices.Values(penalised.New))); len(again) != len(penalised.New) {
		t.Errorf("tokens come twice in %v", penalised.New)
	}
	if r := text(Sampling{RepetitionPenalty: 1e-44}); !errors.Is(r.Err, ErrNotFinite) {
		t.Errorf("a penalty that makes infinities: %+v", r)
	}
	if cold := text(Sampling{Temperature: 1e-6, TopP: 1}); !slices.Equal(cold.New, greedy.New) {
		t.Errorf("cold %v, greedy %v", cold.New, greedy.New)
	}
	for _, r := range []Result{one, greedy, penalised} {
		if err := e.Submit(Job{Tokens: slices.Concat(prompt, r.New), Scored: len(r.New)}); err != nil {
			t.Fatal(err)
		}
		if scored := drain(t, e)[0]; !slices.Equal(scored.LogProbs, r.NewLogProbs) {
			t.Errorf("log-probabilities %v, scored %v", r.NewLogProbs, scored.LogProbs)
		}
	}
}

// pieceStream is the stream of a tokenizer whose tokens are given texts.
type pieceStream struct{ texts []string }

func (p pieceStream) Push(id int32) string { return p.texts[id] }
func (p pieceStream) Flush() string        { return "" }

// FuzzStopStrings compares with a search of the whole text after each token. What
// Written shows never has to be taken back.
func FuzzStopStrings(f *testing.F) {
	f.Add("ab|c|abc|", "abcab|ca", 9, 3)
	f.Add("aaa|aa|a", "aaaa|aab", 5, 1)
	f.Add("é|\n\n|Q:|.", "\n\nQ:|é.", 40, 2)
	f.Fuzz(func(t *testing.T, texts, until string, most, seed int) {
		all := strings.Split(texts, "|")
		stops := strings.Split(until, "|")
		r := rand.New(rand.NewPCG(uint64(seed), 1))
		e := &Engine{config: config{Config: tinyConfig()}}
		s := &sequence{job: Job{Until: stops, MaxNewTokens: 1 + max(most, 0)%50}, stream: pieceStream{all}}
		e.config.MaxPositionEmbeddings, s.inputs = 1<<20, make([]int32, 1)
		e.active = []*sequence{s}
		text, shown := "", ""
		want, stop := "", StopReason("")
		for stop == "" {
			id := int32(r.IntN(len(all)))
			text += all[id]
			want = text
			for _, end := range stops {
				if i := strings.Index(text, end); i >= 0 && end != "" && i < len(want) {
					want, stop = text[:i], StopString
				}
			}
			if stop == "" && len(s.result.New)+1 == s.job.MaxNewTokens {
				stop = StopLength
			}
			e.append(s, verdict{token: id})
			now := e.Written(0)
			if !strings.HasPrefix(now, shown) && s.result.Stop == "" {
				t.Fatalf("shown %q, then %q", shown, now)
			}
			if s.result.Stop == "" {
				shown = now
			}
		}
		if s.result.Text != want || s.result.Stop != stop || !strings.HasPrefix(want, shown) {
			t.Errorf("%q, %s, want %q, %s; shown %q", s.result.Text, s.result.Stop, want, stop, shown)
		}
	})
}

// TestContextEnd: a text that fills the model's positions says so, and says
// "length" where both bounds are met.
func TestContextEnd(t *testing.T) {
	cfg := tinyConfig()
	e := openSource(t, cfg, randomWeights(cfg, checkpoint.F32, 7), Options{MaxPosition: 40})
	e.eos = nil
	for most, want := range map[int]StopReason{5: StopLength, 6: StopLength, 7: StopContext, 1000: StopContext} {
		if err := e.Submit(Job{Tokens: make([]int32, 35), MaxNewTokens: most}); err != nil {
			t.Fatal(err)
		}
		if r := drain(t, e)[0]; r.Stop != want || len(r.New) != min(most, 6) {
			t.Errorf("%d new tokens: %d, stopped by %s, want %s", most, len(r.New), r.Stop, want)
		}
	}
}

// TestSamplerMemory: a token is chosen without an allocation, in no more memory than
// is counted, also where all tokens are equally likely.
func TestSamplerMemory(t *testing.T) {
	c := config{Config: &architecture.Config{VocabSize: 1 << 16}}
	var w sampler
	s := &sequence{inputs: []int32{1, 2, 3}, job: Job{Sampling: Sampling{Temperature: 1, TopP: 0.5, TopK: c.VocabSize - 1, RepetitionPenalty: 1.1}}}
	row := slices.Repeat([]float32{1}, c.VocabSize)
	choose := func() { w.choose(s, 2, row, 0) }
	choose()
	used := int64(16*(cap(w.kept)+cap(w.sorted)) + 8*len(w.bins) + 4*(cap(w.largest)+cap(w.penalised)))
	if counted := c.samplerBytes(); used > counted || used < counted/2 {
		t.Errorf("%d bytes are used, %d are counted", used, counted)
	}
	if n := testing.AllocsPerRun(3, choose); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// BenchmarkDraw is the time of one token of a large vocabulary.
func BenchmarkDraw(b *testing.B) {
	row := make([]float32, 131072)
	r := rand.New(rand.NewPCG(1, 1))
	for i := range row {
		row[i] = float32(r.NormFloat64() * 2.5)
	}
	best := int32(kernel.ArgMax(row))
	for _, s := range []Sampling{{Temperature: 1, TopP: 1}, {Temperature: 1, TopP: 1, TopK: 50}, {Temperature: 1, TopP: 0.95}, {Temperature: 1.5, TopP: 0.95, MinP: 0.05}} {
		b.Run(fmt.Sprintf("T=%v/k=%d/p=%v/min=%v", s.Temperature, s.TopK, s.TopP, s.MinP), func(b *testing.B) {
			var w sampler
			for b.Loop() {
				w.draw(s, row, best, 0.5)
			}
		})
	}
}
