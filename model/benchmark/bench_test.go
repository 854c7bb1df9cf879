package benchmark

import (
	"context"
	"io/fs"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ailiance/lorabench/model"
	"github.com/ailiance/lorabench/model/shape"
)

// tiny is a Bench of the smallest shape, with a plan of seconds.
func tiny(t *testing.T, opt model.Options) *Bench {
	t.Helper()
	if testing.Short() && model.KernelPath() == "go" {
		t.Skip("-short without the C kernels: minutes")
	}
	s, err := shape.Lookup("tiny")
	if err != nil {
		t.Fatal(err)
	}
	storage, err := shape.LookupStorage("q8")
	if err != nil {
		t.Fatal(err)
	}
	source, err := shape.New(s, storage, 1)
	if err != nil {
		t.Fatal(err)
	}
	opt.Threads = 1
	e, err := model.OpenSource(t.Context(), source.Config(), source, source.Hash(), opt)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(e.Close)
	cfg := e.Config()
	p := DefaultPlan(true)
	p.Repeats, p.PrefillTokens, p.Context, p.New, p.Batches, p.Adapters = 1, 16, 8, 4, []int{1, 2}, []int{0, 2}
	p.Choice.Batch, p.Generation = 2, Work{Kind: Generation, Batch: 2, Prefix: 64, Prompt: 4, New: 3}
	return &Bench{
		Engine: e, Plan: p, Say: func(string, ...any) {},
		Random: func(seed uint64, first int) (fs.FS, error) {
			return shape.Adapter{Rank: 2, Modules: []string{"q_proj", "o_proj"}, First: first, Seed: seed}.Files(&cfg)
		},
	}
}

// TestCellsCountWhatIsAsked compares counts with what can be worked out by hand.
func TestCellsCountWhatIsAsked(t *testing.T) {
	b := tiny(t, model.Options{})
	b.Plan.Kinds = []string{Prefill, Decode, Choice, Generation}
	cells, _, err := b.Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if len(cells) != 12 {
		t.Fatalf("%d cells, want 12: four works, two of them at two batch sizes, without adapters and with two", len(cells))
	}
	for _, c := range cells {
		variants := c.Adapters + 1
		want := map[string]int{Prefill: 16, Decode: 4 * c.Batch, Generation: 2 * (64 + 4 + 2)}[c.Work] * variants
		if c.Work != Choice && c.Tokens != want {
			t.Errorf("%s, %d variants, batch %d: %d tokens, want %d", c.Work, variants, c.Batch, c.Tokens, want)
		}
		least, most := 0.0, 0.7
		switch c.Work {
		case Prefill:
			most = 0.9 // layers before the first that an adapter changes may be shared
		case Choice:
			least = 0.4 // four choices share a context of 20 to 40 tokens
			most = 0.95
		case Generation:
			least, most = 0.2, 0.95 // the examples
		}
		if c.Shared < least || c.Shared > most {
			t.Errorf("%s, %d variants: %.2f shared, want %v … %v", c.Work, variants, c.Shared, least, most)
		}
		if c.TokensPerSecond == nil || c.TokensPerSecond.Median <= 0 || c.TokensPerSecond.N != 1 || c.Steps < 1 {
			t.Errorf("%s: %+v", c.Work, c)
		}
		c.Against(Ceiling{GFLOPs: 1e6, GBs: 1e6})
		if c.OfCeiling <= 0 || c.OfCeiling > 0.1 || c.Limit == "" {
			t.Errorf("%s: %v of a ceiling that no machine has, limit %q", c.Work, c.OfCeiling, c.Limit)
		}
	}
	// Prefill: two FLOPs a weight of the blocks, of which the last has one row, one
	// row of the output layer a prompt, and 4·keys·heads·headDim a row and layer.
	weights := (3 + 1/16.0) * (2*256*256 + 2*128*256 + 3*512*256)
	want := 2*weights + 2*1024*256/16.0 + 4*4*256*8.5
	if got := cells[0].FLOPsPerToken; math.Abs(got/want-1) > 0.001 {
		t.Errorf("prefill: %.0f FLOPs a token, want %.0f", got, want)
	}
}

func TestRatios(t *testing.T) {
	b := tiny(t, model.Options{})
	b.Plan.Kinds = []string{Ratios}
	cells, ratios, err := b.Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if len(cells) != 0 || len(ratios) != 4 {
		t.Fatalf("%d cells, %d ratios, want 0 and 4: two of decode, all blocks, the last half", len(cells), len(ratios))
	}
	for _, r := range ratios {
		if r.Value == nil || r.Value.Median <= 0 || r.Left <= 0 || r.Right <= 0 {
			t.Errorf("%+v", r)
			continue
		}
		times := 1.0
		if r.Of == "seconds" {
			times = 11
		}
		if want := r.Left / r.Right / times; math.Abs(r.Value.Median/want-1) > 1e-9 {
			t.Errorf("%s: %v, want %v of one pair", r.Name, r.Value.Median, want)
		}
	}
}

// TestNothingIsInvented: what was not measured says why.
func TestNothingIsInvented(t *testing.T) {
	b := tiny(t, model.Options{CacheBytes: 4 * 32 * 4096})
	b.Plan.Kinds, b.Plan.Batches, b.Plan.Adapters = []string{Decode}, []int{8}, []int{0}
	cells, _, err := b.Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if c := cells[0]; c.TokensPerSecond != nil || !strings.Contains(c.Reason, "keys and values") {
		t.Errorf("decode of 8 sequences with room for 4: %v, %q", c.TokensPerSecond, c.Reason)
	}
	b = tiny(t, model.Options{})
	b.Plan.Until = time.Now().Add(-time.Second)
	cells, ratios, err := b.Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range cells {
		if c.TokensPerSecond != nil || c.Reason == "" {
			t.Errorf("%s after the budget: %v, %q", c.Work, c.TokensPerSecond, c.Reason)
		}
	}
	for _, r := range ratios {
		if r.Value != nil || r.Reason == "" {
			t.Errorf("%s after the budget: %v, %q", r.Name, r.Value, r.Reason)
		}
	}
}

func TestInterrupted(t *testing.T) {
	b := tiny(t, model.Options{})
	ctx, stop := context.WithCancel(t.Context())
	done := 0
	b.Say = func(string, ...any) {
		if done++; done == 3 {
			stop()
		}
	}
	cells, _, err := b.Run(ctx)
	if err == nil || len(cells) != 4 {
		t.Fatalf("%d cells, %v, want three and one that was interrupted", len(cells), err)
	}
	for i, c := range cells {
		if measured := c.TokensPerSecond != nil; measured != (i < 3) || !measured && c.Reason == "" {
			t.Errorf("cell %d: %v, %q", i, c.TokensPerSecond, c.Reason)
		}
	}
}

// TestJobsAreFairAndFresh: all variants get the same tokens, no two seeds do.
func TestJobsAreFairAndFresh(t *testing.T) {
	for _, kind := range []string{Prefill, Decode, Choice, Generation} {
		w := Work{Kind: kind, Variants: []string{"", "a"}, Batch: 2, Prompt: 6, Prefix: 3, New: 2}
		jobs, before := w.jobs(rand.New(rand.NewPCG(1, 1)), 1000)
		other, _ := w.jobs(rand.New(rand.NewPCG(2, 1)), 1000)
		if (kind == Decode) != (len(before) > 0) {
			t.Errorf("%s: %d jobs before", kind, len(before))
		}
		for i := 0; i < len(jobs); i += 2 {
			if !slices.Equal(jobs[i].Tokens, jobs[i+1].Tokens) || jobs[i].Adapter == jobs[i+1].Adapter {
				t.Errorf("%s: jobs %d and %d: %v of %q, %v of %q", kind, i, i+1, jobs[i].Tokens, jobs[i].Adapter, jobs[i+1].Tokens, jobs[i+1].Adapter)
			}
			if !slices.Equal(jobs[i].Tokens[:3], jobs[0].Tokens[:3]) {
				t.Errorf("%s: job %d begins %v, the first %v", kind, i, jobs[i].Tokens[:3], jobs[0].Tokens[:3])
			}
		}
		if slices.Equal(jobs[0].Tokens, other[0].Tokens) {
			t.Errorf("%s: two seeds, the same tokens", kind)
		}
	}
}

func TestSpread(t *testing.T) {
	for _, tt := range []struct {
		values []float64
		want   Spread
	}{
		{nil, Spread{}},
		{[]float64{3}, Spread{3, 3, 3, 1}},
		{[]float64{4, 1, 2}, Spread{2, 1, 4, 3}},
		{[]float64{8, 1, 2, 4}, Spread{3, 1, 8, 4}},
	} {
		if got := spread(tt.values); got != tt.want {
			t.Errorf("spread(%v) = %+v, want %+v", tt.values, got, tt.want)
		}
	}
}

func TestGrow(t *testing.T) {
	b := tiny(t, model.Options{})
	b.Plan.Batches, b.Plan.Repeats = []int{1}, 2
	curves, err := b.Grow(t.Context(), Growth{Samples: []int{1, 4}, Adapters: []int{1, 2}, Contexts: []int{8, 20000}})
	if err != nil {
		t.Fatal(err)
	}
	threads, err := b.GrowThreads(t.Context(), 1, nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(curves) != 5 || len(threads) != 3 {
		t.Fatalf("%d curves and %d of threads, want 5 and 3", len(curves), len(threads))
	}
	for _, c := range append(curves, threads...) {
		for _, p := range c.Points {
			if p.X == 20000 {
				if p.Value != nil || p.Reason == "" {
					t.Errorf("%s of %d tokens, where the model has 16384: %+v", c.Name, p.X, p)
				}
				continue
			}
			p.Against(Ceiling{GFLOPs: 1e6, GBs: 1e6})
			if p.Value == nil || p.Value.Median <= 0 || p.Value.N != 2 || p.OfCeiling <= 0 || p.OfCeiling > 0.1 || p.Limit == "" {
				t.Errorf("%s, %s %d: %+v", c.Name, c.Axis, p.X, p)
			}
		}
	}
}
