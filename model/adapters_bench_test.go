package model

import (
	"cmp"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/ailiance/lorabench/model/checkpoint"
	"github.com/ailiance/lorabench/model/shape"
)

// BenchmarkAdapters measures what adapters cost beside the base, of rank 16 on
// q, k, v and o, in pairs of steps that follow each other: the medians of their
// processor time on one thread, which a busy machine lengthens least, and of the
// ratios of pairs.
//
//	decode-8:  8 sequences, each with another adapter; the base alone with 8
//	decode-11: the base and 10 adapters, a sequence each; the base alone with 1
//	prefill:   one prompt of 256 with an adapter; the base alone with it
func BenchmarkAdapters(b *testing.B) {
	for _, model := range []struct{ shape, storage string }{
		{"smollm2-135m", "q4_1"}, {"smollm2-135m", "bf16"},
		{"tinyllama-1.1b", "bf16"}, {"tinyllama-1.1b", "q8"}, {"tinyllama-1.1b", "q4"},
	} {
		b.Run(fmt.Sprintf("shape=%s/storage=%s", model.shape, model.storage), func(b *testing.B) {
			e := openShape(b, model.shape, model.storage)
			names := make([]string, 10)
			for i := range names {
				names[i] = fmt.Sprint("adapter ", i)
				if _, err := e.LoadAdapter(b.Context(), names[i], benchAdapter(b, e, uint64(i))); err != nil {
					b.Fatal(err)
				}
			}
			for _, work := range []struct {
				name         string
				one, other   []string // variants
				tokens, each int      // of prompts, of which a step computes
			}{
				{"decode-8", make([]string, 8), names[:8], 40, 1},
				{"decode-11", make([]string, 1), append([]string{""}, names...), 40, 1},
				{"prefill", make([]string, 1), names[:1], stepRows + 1, stepRows},
			} {
				b.Run(work.name, func(b *testing.B) {
					b.ReportAllocs()
					steps := [2]*benchSteps{newBenchSteps(e, work.one, work.tokens), newBenchSteps(e, work.other, work.tokens)}
					for b.Loop() {
						for _, s := range steps {
							s.step(b, work.each)
						}
					}
					one, other := steps[0].times, steps[1].times
					ratios := make([]float64, len(one))
					for i := range one {
						ratios[i] = float64(other[i]) / float64(one[i])
					}
					b.ReportMetric(median(one).Seconds()*1e3, "base-ms/step")
					b.ReportMetric(median(other).Seconds()*1e3, "adapters-ms/step")
					b.ReportMetric(median(ratios), "ratio")
					for _, s := range steps {
						s.end()
					}
				})
			}
		})
	}
}

func median[T cmp.Ordered](x []T) T {
	return slices.Sorted(slices.Values(x))[len(x)/2]
}

// openShape opens a model of random weights.
func openShape(b *testing.B, name, storage string) *Engine {
	s, err := shape.Lookup(name)
	if err != nil {
		b.Fatal(err)
	}
	stored, err := shape.LookupStorage(storage)
	if err != nil {
		b.Fatal(err)
	}
	src, err := shape.New(s, stored, 1)
	if err != nil {
		b.Fatal(err)
	}
	e, err := OpenSource(b.Context(), src.Config(), src, src.Hash(), Options{Threads: 1})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(e.Close)
	return e
}

// benchAdapter is an adapter of random values in bfloat16, as trainings in it
// leave.
func benchAdapter(b *testing.B, e *Engine, seed uint64) fs.FS {
	r := rand.New(rand.NewPCG(seed, 8))
	m := tensorsOf(b, tinyAdapter(e.config.Config, 16, seed, "q_proj", "k_proj", "v_proj", "o_proj"))
	for name, t := range m {
		t.DType, t.Data = checkpoint.BF16, randomBlocks(r, checkpoint.BF16, values(t.Shape), 0.02)
		m[name] = t
	}
	return peftDir(`{"peft_type":"LORA","r":16,"lora_alpha":16,"target_modules":["q_proj","k_proj","v_proj","o_proj"]}`, m)
}

// benchSteps are steps of the same jobs, which go on where other steps were made
// between.
type benchSteps struct {
	e        *Engine
	variants []string
	prompts  [][]int32
	active   []*sequence
	times    []time.Duration
}

func newBenchSteps(e *Engine, variants []string, tokens int) *benchSteps {
	s := &benchSteps{e: e, variants: variants}
	for i := range variants {
		s.prompts = append(s.prompts, benchTokens(e, tokens, i))
	}
	return s
}

// step makes and times a step in which every sequence computes that many rows.
func (s *benchSteps) step(b *testing.B, rows int) {
	e := s.e
	e.active = s.active
	if len(e.active) == 0 {
		if rows > 1 {
			e.forget(b)
		}
		for i, v := range s.variants {
			job := Job{ID: i, Adapter: v, Tokens: s.prompts[i], MaxNewTokens: 500}
			if rows > 1 {
				job.Scored, job.MaxNewTokens = 1, 0
			}
			if err := e.Submit(job); err != nil {
				b.Fatal(err)
			}
		}
	}
	left := func(s *sequence) bool { return len(s.inputs)-s.computed > 1 }
	for rows == 1 && (len(e.waiting) > 0 || slices.ContainsFunc(e.active, left)) {
		if _, err := e.Step(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
	start := cpuTime()
	if _, err := e.Step(b.Context()); err != nil {
		b.Fatal(err)
	}
	s.times = append(s.times, cpuTime()-start)
	s.active, e.active = e.active, nil
}

// end gives back what the jobs hold.
func (s *benchSteps) end() {
	for _, q := range s.active {
		s.e.leave(q)
	}
}
