package model

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/ailiance/lorabench/model/checkpoint"
	"github.com/ailiance/lorabench/model/kernel"
)

// randomJobs are what runners ask for: choices of a question, questions after
// the same examples, texts to score whole, and generations with stop strings.
func randomJobs(r *rand.Rand, vocab int) []Job {
	tokens := func(n int) []int32 {
		list := make([]int32, n)
		for i := range list {
			list[i] = int32(4 + r.IntN(vocab-4))
		}
		return list
	}
	var jobs []Job
	add := func(j Job) {
		j.ID = len(jobs)
		j.Adapter = []string{"", "one", "two"}[r.IntN(3)]
		jobs = append(jobs, j)
	}
	examples := tokens(20 + r.IntN(120))
	for range 12 {
		question := slices.Concat(examples[:len(examples)-r.IntN(3)], tokens(1+r.IntN(20)))
		switch r.IntN(3) {
		case 0:
			adapterName := []string{"", "one", "two"}[r.IntN(3)]
			for range 4 {
				add(Job{Tokens: slices.Concat(question, tokens(1+r.IntN(6)))})
				jobs[len(jobs)-1].Adapter = adapterName
				jobs[len(jobs)-1].Scored = min(1+r.IntN(6), len(jobs[len(jobs)-1].Tokens)-len(question))
			}
		case 1:
			text := tokens(2 + r.IntN(150))
			add(Job{Tokens: text, Scored: len(text) - 1})
		default:
			job := Job{Tokens: question, MaxNewTokens: 1 + r.IntN(40)}
			if r.IntN(2) == 0 {
				job.Until = []string{"ab", "ccc", "dad"}
			}
			if r.IntN(2) == 0 {
				job.Sampling = Sampling{Temperature: 0.5 + r.Float64(), TopK: r.IntN(30), TopP: 1 - r.Float64()/2, MinP: r.Float64() / 50, Seed: r.Int64N(3)}
			}
			if r.IntN(3) == 0 {
				job.Sampling.RepetitionPenalty = 1 + r.Float64()
			}
			add(job)
		}
	}
	return jobs
}

func bitsOf(r Result) string {
	b := fmt.Sprint(r.New, r.Greedy, r.Stop, r.Text, r.Err)
	for _, lp := range slices.Concat(r.LogProbs, r.NewLogProbs) {
		b += fmt.Sprintf(" %x", math.Float64bits(lp))
	}
	return b
}

// forget drops all prefixes that were computed.
func (e *Engine) forget(t testing.TB) {
	t.Helper()
	for _, lineage := range append(slices.Collect(maps.Values(e.adapters)), nil) {
		if err := e.cache.drop(lineage); err != nil {
			t.Fatal(err)
		}
	}
	if e.cache.used != 0 || e.cache.reserved != 0 {
		t.Fatalf("%d bytes used and %d promised of an empty cache", e.cache.used, e.cache.reserved)
	}
}

// blocksOf is the number of blocks that a job needs when it is alone.
func blocksOf(j Job) int {
	n := len(j.Tokens) - 1
	if j.Scored == 0 {
		n = len(j.Tokens) + j.MaxNewTokens - 1
	}
	return (n + blockLen - 1) / blockLen
}

// TestRandomSchedules: what a job gives depends on nothing but the job (law 3):
// not on the batch, threads, order, room for keys and values, cancelled
// neighbours or a pass that was cut off. And every job ends.
func TestRandomSchedules(t *testing.T) {
	type model struct {
		name, text string
		dtype      checkpoint.DType
		with       Arithmetic
		rounds     int
	}
	models := []model{
		{"Q4_1", tinyJSON, checkpoint.Q4_1, Float32, 12},
		{"int8/llama", tinyArchitecture("llama"), checkpoint.Q8_0, Int8, 4},
		{"int8/gemma3", tinyArchitecture("gemma3"), checkpoint.Q4_0, Int8, 4},
		{"int8/qwen3", tinyArchitecture("qwen3"), checkpoint.Q4_1, Int8, 4},
	}
	if kernel.HasBF16() {
		models = append(models, model{"bf16/llama", tinyArchitecture("llama"), checkpoint.BF16, BF16, 4},
			model{"bf16/gemma3", tinyArchitecture("gemma3"), checkpoint.F16, BF16, 4}, model{"bf16/qwen2", tinyArchitecture("qwen2"), checkpoint.F32, BF16, 4})
	}
	for name := range tinyArchitectures {
		models = append(models, model{name, tinyArchitecture(name), checkpoint.F32, Float32, 4})
	}
	for _, m := range models {
		rounds := m.rounds
		if testing.Short() {
			rounds = min(rounds, 2)
			if KernelPath() == "go" {
				rounds = 1
			}
		}
		cfg := parseTiny(m.text)
		src := randomWeights(cfg, m.dtype, 7)
		open := func(opt Options) *Engine {
			opt.Arithmetic = m.with
			e := openSource(t, cfg, src, opt)
			e.tokenizer = letters{}
			loadTiny(t, e, cfg)
			return e
		}
		alone := open(Options{})
		for round := range rounds {
			t.Run(fmt.Sprintf("%s/%d", m.name, round), func(t *testing.T) {
				r := rand.New(rand.NewPCG(uint64(round), 3))
				jobs := randomJobs(r, cfg.VocabSize)
				want := map[int]string{}
				most := 0
				for _, j := range jobs {
					alone.forget(t)
					if err := alone.Submit(j); err != nil {
						t.Fatal(err)
					}
					result := drain(t, alone)[0]
					if result.Err != nil || result.Computed == 0 {
						t.Fatalf("job %d alone: %+v", j.ID, result)
					}
					want[j.ID] = bitsOf(result)
					most = max(most, blocksOf(j))
				}
				// Sometimes the cache holds the longest job and nothing more.
				room := most + []int{0, 1, 3, 20, 1000}[r.IntN(5)]
				e := open(Options{Threads: []int{1, 2, 5}[r.IntN(3)], CacheBytes: int64(room) * alone.cache.blockBytes()})
				schedule(t, r, e, jobs, want)
				if e.cache.reserved != 0 || len(e.active) != 0 {
					t.Errorf("%d bytes are promised and %d jobs active at the end", e.cache.reserved, len(e.active))
				}
				e.forget(t) // fails where a reader was not counted down
			})
		}
	}
}

// schedule runs jobs in a random order, submitted a few at a time, with
// cancelled strangers between them and passes that are cut off.
func schedule(t *testing.T, r *rand.Rand, e *Engine, jobs []Job, want map[int]string) {
	t.Helper()
	jobs = slices.Clone(jobs)
	r.Shuffle(len(jobs), func(i, k int) { jobs[i], jobs[k] = jobs[k], jobs[i] })
	total, got := len(jobs), map[int]string{}
	const stranger = 1 << 20
	for steps := 0; len(jobs) > 0 || e.Pending() > 0; steps++ {
		if steps > 5000 {
			t.Fatalf("%d jobs still pending after %d steps", e.Pending(), steps)
		}
		for range min(len(jobs), r.IntN(8)) {
			if err := e.Submit(jobs[0]); err != nil {
				t.Fatal(err)
			}
			if r.IntN(4) == 0 {
				other := jobs[0]
				other.ID += stranger
				if err := e.Submit(other); err != nil {
					t.Fatal(err)
				}
			}
			jobs = jobs[1:]
		}
		if r.IntN(3) == 0 {
			for id := range want {
				if r.IntN(3) == 0 {
					e.Cancel(id + stranger)
				}
			}
		}
		ctx := &fading{Context: t.Context(), left: r.IntN(30)}
		done, err := e.Step(ctx)
		if err != nil && !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
		for _, result := range done {
			id := result.ID % stranger
			if bits := bitsOf(result); bits != want[id] {
				t.Errorf("job %d: %s, want %s", result.ID, bits, want[id])
			}
			if result.ID < stranger {
				got[id] = ""
			}
		}
	}
	if len(got) != total {
		t.Errorf("%d of %d jobs have a result", len(got), total)
	}
}

// fading is a context that ends after it was looked at a few times.
type fading struct {
	context.Context
	left int
}

func (f *fading) Err() error {
	if f.left--; f.left < 0 {
		return context.Canceled
	}
	return nil
}

func (f *fading) Value(any) any { return nil }

// TestBackPressure: a cache that holds one job and no more serves any number of
// jobs, whatever lies in it from before; one block less is an error that says so.
func TestBackPressure(t *testing.T) {
	cfg := tinyConfig()
	src := randomWeights(cfg, checkpoint.F32, 7)
	room := 5 * newKVLayout(cfg.Layers).bytes()
	e := openSource(t, cfg, src, Options{CacheBytes: room})
	tokens := make([]int32, 5*blockLen)
	for i := range tokens {
		tokens[i] = int32(5 + i)
	}
	branch := slices.Clone(tokens)
	branch[3*blockLen+4] = 99 // shares three blocks, and four positions of the next
	for i := range 20 {
		j := Job{ID: i, Tokens: tokens[:len(tokens)-i], MaxNewTokens: i + 1}
		if i%2 == 1 {
			j = Job{ID: i, Tokens: append(slices.Clone(branch), 7), Scored: 1}
		}
		if err := e.Submit(j); err != nil {
			t.Fatal(err)
		}
	}
	for _, r := range drain(t, e) {
		if r.Err != nil {
			t.Errorf("job %d: %v", r.ID, r.Err)
		}
	}
	if err := e.Submit(Job{Tokens: tokens, MaxNewTokens: 2}); err != nil {
		t.Fatal(err)
	}
	var tooLarge *MemoryError
	if r := drain(t, e)[0]; !errors.As(r.Err, &tooLarge) || tooLarge.Needed <= tooLarge.Allowed || !strings.Contains(r.Err.Error(), "--memory") {
		t.Errorf("error %v, want a MemoryError that says --memory", r.Err)
	}
}

// TestStopStringAcrossTokens: the text ends before a stop string that several
// tokens make together, and not before.
func TestStopStringAcrossTokens(t *testing.T) {
	cfg := tinyConfig()
	e := openSource(t, cfg, randomWeights(cfg, checkpoint.F32, 7), Options{})
	e.tokenizer, e.eos = letters{}, nil
	generate := func(until ...string) Result {
		if err := e.Submit(Job{Tokens: []int32{5, 6, 7}, MaxNewTokens: 30, Until: until}); err != nil {
			t.Fatal(err)
		}
		return drain(t, e)[0]
	}
	whole := generate()
	if whole.Stop != StopLength || len(whole.New) != 30 || whole.Text != (letters{}).Decode(whole.New, true) {
		t.Fatalf("without stop strings: %+v", whole)
	}
	tried := 0
	for from := range len(whole.Text) - 6 {
		stop := whole.Text[from : from+6] // longer than any token
		cut := strings.Index(whole.Text, stop)
		r := generate("never", stop)
		if r.Stop != StopString || r.Text != whole.Text[:cut] {
			t.Errorf("stop %q: %q and %s, want %q", stop, r.Text, r.Stop, whole.Text[:cut])
		}
		if n := len((letters{}).Decode(r.New[:len(r.New)-1], true)); n >= cut+len(stop) {
			t.Errorf("stop %q: %d tokens, one too many", stop, len(r.New))
		}
		tried++
	}
	if tried == 0 {
		t.Error("nothing tried")
	}
}

// TestStopStringsOfAnswers: where only a part of the text is the answer, stop
// strings end that part, and the text comes whole.
func TestStopStringsOfAnswers(t *testing.T) {
	cfg := tinyConfig()
	e := openSource(t, cfg, randomWeights(cfg, checkpoint.F32, 7), Options{})
	e.tokenizer, e.eos = letters{}, nil
	generate := func(answer func(string) string, until ...string) Result {
		if err := e.Submit(Job{Tokens: []int32{5, 6, 7}, MaxNewTokens: 30, Until: until, Answer: answer}); err != nil {
			t.Fatal(err)
		}
		return drain(t, e)[0]
	}
	whole := generate(nil).Text
	stop := whole[:1]
	behind := func(text string) string { return text[min(20, len(text)):] }
	first := 20 + strings.Index(whole[20:], stop)
	r := generate(behind, stop)
	if first < 20 || r.Stop != StopString || !strings.HasPrefix(whole, r.Text) || len(r.Text) <= first || len((letters{}).Decode(r.New[:len(r.New)-1], false)) > first {
		t.Errorf("stop %q in %q: %+v", stop, whole, r)
	}
	never := func(string) string { return "" }
	if r := generate(never, stop); r.Stop != StopLength || r.Text != whole {
		t.Errorf("without an answer: %q, %s, want %q", r.Text, r.Stop, whole)
	}
}

func TestCancel(t *testing.T) {
	cfg := tinyConfig()
	e := openSource(t, cfg, randomWeights(cfg, checkpoint.F32, 7), Options{})
	e.tokenizer, e.eos = letters{}, nil
	jobs := []Job{
		{ID: 1, Tokens: []int32{5, 6, 7}, MaxNewTokens: 50},
		{ID: 2, Tokens: []int32{5, 6, 7, 8}, MaxNewTokens: 10},
		{ID: 3, Tokens: make([]int32, 290), Scored: 200},
	}
	for _, j := range jobs {
		if err := e.Submit(j); err != nil {
			t.Fatal(err)
		}
	}
	for range 5 {
		if _, err := e.Step(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	r, ok := e.Cancel(1)
	if !ok || r.Stop != StopCancelled || len(r.New) < 3 || r.Text != (letters{}).Decode(r.New, true) {
		t.Errorf("cancelled generation: %+v, %t", r, ok)
	}
	if _, ok := e.Cancel(1); ok {
		t.Error("cancelled twice")
	}
	if err := e.Submit(Job{ID: 4, Tokens: []int32{9, 9}, Scored: 1}); err != nil {
		t.Fatal(err)
	}
	if r, ok := e.Cancel(4); !ok || !errors.Is(r.Err, context.Canceled) {
		t.Errorf("cancelled score: %+v, %t", r, ok)
	}
	if rest := drain(t, e); len(rest) == 0 || slices.ContainsFunc(rest, func(r Result) bool { return r.Err != nil || r.ID == 1 || r.ID == 4 }) {
		t.Errorf("others: %+v", rest)
	}
}

// TestChoicesShareTheirContext: the context of a question is computed once.
func TestChoicesShareTheirContext(t *testing.T) {
	cfg := tinyConfig()
	e := openSource(t, cfg, randomWeights(cfg, checkpoint.F32, 7), Options{})
	context := make([]int32, 100)
	for i := range context {
		context[i] = int32(5 + i)
	}
	for i := range 4 {
		if err := e.Submit(Job{ID: i, Tokens: append(slices.Clone(context), int32(50+i), int32(60-i)), Scored: 2}); err != nil {
			t.Fatal(err)
		}
	}
	computed := 0
	for _, r := range drain(t, e) {
		computed += r.Computed
	}
	// The last of the context and the first of the choice are each choice's own.
	if want := 101 + 3*2; computed != want {
		t.Errorf("%d positions computed, want %d", computed, want)
	}
}
