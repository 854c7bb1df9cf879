package model

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/ailiance/lorabench/model/architecture"
	"github.com/ailiance/lorabench/model/checkpoint"
)

// depths are variants that part from the base at different layers.
var depths = []string{"", "whole", "middle", "faint", "last", "zero", "head"}

// loadDepths loads the adapters of depths, or those of them that are named.
// "faint" changes so little that its texts are often the base's, "zero" changes
// nothing, "head" only the output layer.
func loadDepths(t testing.TB, e *Engine, cfg *architecture.Config, names ...string) {
	t.Helper()
	layers := cfg.NumHiddenLayers
	all := []string{"q_proj", "k_proj", "v_proj", "o_proj", "up_proj", "down_proj"}
	for _, name := range names {
		dir := tinyAdapterAbove(cfg, layers-1, 3, 24, all...)
		switch name {
		case "whole":
			dir = tinyAdapterAbove(cfg, 0, 4, 21, all...)
		case "middle":
			dir = tinyAdapterAbove(cfg, layers/2, 5, 22, all...)
		case "faint":
			dir = tinyAdapterAbove(cfg, layers/2, 6, 23, "q_proj", "up_proj")
		case "head":
			dir = tinyAdapterAbove(cfg, 0, 3, 25, architecture.LMHead)
		}
		if _, err := e.LoadAdapter(t.Context(), name, dir); err != nil {
			t.Fatal(err)
		}
		switch a := e.adapters[name]; name {
		case "faint":
			a.updates(func(_ string, u *update) { u.low.scale = 1e-5 })
		case "zero":
			e.adapters[name] = e.neutral(a) // of the same layers
		}
	}
}

// requestsOfAll are what runners ask of all variants: the same tokens, side by
// side. Some variants are left out of some requests.
func requestsOfAll(r *rand.Rand, vocab int) (list []Job) {
	for _, j := range randomJobs(r, vocab) {
		skip := r.IntN(3) == 0
		for _, name := range depths {
			if skip && r.IntN(3) == 0 {
				continue
			}
			j.ID, j.Adapter = len(list), name
			list = append(list, j)
		}
	}
	return list
}

// TestLayerPrefixes: variants that share layers give the bits that each gives in
// an engine without others, whose layers are one stratum: whatever is in step,
// cancelled, evicted, or cut off.
func TestLayerPrefixes(t *testing.T) {
	for name := range tinyArchitectures {
		if testing.Short() && KernelPath() == "go" && name != "llama" && name != "gemma4" {
			continue // minutes without the C kernels
		}
		text := strings.Replace(tinyArchitecture(name), `"num_hidden_layers":2`, `"num_hidden_layers":4`, 1)
		cfg := parseTiny(text)
		src := randomWeights(cfg, checkpoint.F32, 7)
		open := func(opt Options, names ...string) *Engine {
			e := openSource(t, cfg, src, opt)
			e.tokenizer = letters{}
			loadDepths(t, e, cfg, names...)
			return e
		}
		alone := map[string]*Engine{"": open(Options{})}
		for _, name := range depths[1:] {
			e := open(Options{}, name)
			e.cache = newKVCache(newKVLayout(e.config.Layers), e.cache.capacity)
			alone[name] = e
		}
		rounds := 4
		if testing.Short() {
			rounds = 1
		}
		for round := range rounds {
			t.Run(fmt.Sprintf("%s/%d", name, round), func(t *testing.T) {
				r := rand.New(rand.NewPCG(uint64(round), 44))
				jobs, want, most := requestsOfAll(r, cfg.VocabSize), map[int]string{}, 0
				for _, j := range jobs {
					e := alone[j.Adapter]
					e.forget(t)
					if err := e.Submit(j); err != nil {
						t.Fatal(err)
					}
					want[j.ID] = bitsOf(drain(t, e)[0])
					most = max(most, blocksOf(j))
				}
				room := most + []int{0, 1, 10, 40, 1000}[r.IntN(5)]
				e := open(Options{Threads: []int{1, 2, 5}[round%3], CacheBytes: int64(room) * alone[""].cache.blockBytes()}, depths[1:]...)
				if n := len(e.cache.layout.strata); n < 3 {
					t.Fatalf("%d strata, want more", n)
				}
				if round%2 == 0 {
					schedule(t, r, e, jobs, want)
				} else { // all at once, as they come
					for _, j := range jobs {
						if err := e.Submit(j); err != nil {
							t.Fatal(err)
						}
					}
					for _, result := range drain(t, e) {
						if bits := bitsOf(result); bits != want[result.ID] {
							t.Errorf("job %d: %s, want %s", result.ID, bits, want[result.ID])
						}
					}
					if w := e.Work(); room > 1000 && w.LayerRows >= w.Positions*int64(cfg.NumHiddenLayers)*9/10 {
						t.Errorf("%+v: little is shared", w)
					}
				}
				if e.cache.reserved != 0 || len(e.active) != 0 {
					t.Errorf("%d bytes are promised and %d jobs active at the end", e.cache.reserved, len(e.active))
				}
				e.forget(t)
			})
		}
	}
}

// TestSharedRows counts what is computed: what variants have in common, once.
func TestSharedRows(t *testing.T) {
	cfg := parseTiny(strings.Replace(tinyJSON, `"num_hidden_layers":2`, `"num_hidden_layers":4`, 1))
	src := randomWeights(cfg, checkpoint.F32, 7)
	tokens := make([]int32, 41)
	for i := range tokens {
		tokens[i] = int32(5 + 2*i)
	}
	for _, tt := range []struct {
		name     string
		variants []string
		job      Job
		want     Work
	}{
		{"base", []string{""}, Job{Tokens: tokens, Scored: 1}, Work{Positions: 40, LayerRows: 40 * 4}},
		{"whole", []string{"", "whole"}, Job{Tokens: tokens, Scored: 1}, Work{Positions: 80, LayerRows: 80 * 4}},
		{"half", []string{"", "middle"}, Job{Tokens: tokens, Scored: 40}, Work{Positions: 80, LayerRows: 40*2 + 80*2}},
		{"two halves", []string{"middle", "faint"}, Job{Tokens: tokens, Scored: 3}, Work{Positions: 80, LayerRows: 40*2 + 80*2}},
		{"last", []string{"", "last"}, Job{Tokens: tokens, Scored: 1}, Work{Positions: 80, LayerRows: 40*3 + 80}},
		{"head", []string{"", "head"}, Job{Tokens: tokens, Scored: 5}, Work{Positions: 80, LayerRows: 40 * 4}},
		{"tree", []string{"", "whole", "middle", "last", "head"}, Job{Tokens: tokens, Scored: 2}, Work{Positions: 200, LayerRows: 40 * (2*2 + 3 + 4)}},
		{"twice the same", []string{"whole", "whole"}, Job{Tokens: tokens, Scored: 2}, Work{Positions: 80, LayerRows: 40 * 4}},
		{"texts that agree", []string{"", "zero"}, Job{Tokens: tokens, MaxNewTokens: 30}, Work{Positions: 2 * 70, LayerRows: 70*3 + 2*70}},
		{"the same text", []string{"middle", "middle", "middle"}, Job{Tokens: tokens, MaxNewTokens: 30}, Work{Positions: 3 * 70, LayerRows: 70 * 4}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			e := openSource(t, cfg, src, Options{})
			loadDepths(t, e, cfg, depths[1:]...)
			e.eos = nil
			for _, name := range tt.variants {
				tt.job.Adapter = name
				if err := e.Submit(tt.job); err != nil {
					t.Fatal(err)
				}
			}
			if texts := drain(t, e); !slices.EqualFunc(texts, tt.variants, func(r Result, _ string) bool {
				return r.Err == nil && r.Computed == min(len(tokens), 40+tt.job.MaxNewTokens)
			}) {
				t.Errorf("results %+v", texts)
			}
			got := e.Work()
			if all := tt.job.Scored == 40; (got.Left == 0) != all || got.Left >= got.LayerRows {
				t.Errorf("%+v: rows are left behind the last keys and values unless all are scored: %v", got, all)
			}
			if got.Left = 0; got != tt.want {
				t.Errorf("%+v computed, want %+v", got, tt.want)
			}
		})
	}
}
