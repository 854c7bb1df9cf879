package model

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/ailiance/lorabench/model/checkpoint"
)

// benchModels are a random model, and SmolLM2-135M where ../shared is there,
// each with two adapters called one and two.
func benchModels(b *testing.B, run func(b *testing.B, e *Engine)) {
	b.Run("model=random-Q4_1", func(b *testing.B) {
		cfg := parseTiny(`{"model_type":"llama","hidden_size":512,"intermediate_size":1408,"num_hidden_layers":8,"num_attention_heads":8,
"num_key_value_heads":2,"vocab_size":16384,"max_position_embeddings":2048}`)
		e := openSource(b, cfg, randomWeights(cfg, checkpoint.Q4_1, 5), Options{Threads: benchThreads})
		loadTiny(b, e, cfg)
		e.eos = nil
		run(b, e)
	})
	b.Run("model=smollm2-135m-Q4_1", func(b *testing.B) {
		needShared(b, smolModel)
		needShared(b, adapterData)
		e := openEngine(b, smolModel, Options{Threads: benchThreads})
		for name, dir := range map[string]string{"one": "smollm2-gsm8k", "two": "smollm2-spice"} {
			if _, err := e.LoadAdapter(b.Context(), name, os.DirFS(filepath.Join(adapterData, dir))); err != nil {
				b.Fatal(err)
			}
		}
		e.eos = nil
		run(b, e)
	})
}

const benchThreads = 2

// benchVariants are the base alone, and base and adapters in one batch.
var benchVariants = []struct {
	name  string
	names []string
}{{"base", []string{""}}, {"base+2", []string{"", "one", "two"}}}

func benchTokens(e *Engine, n, seed int) []int32 {
	tokens := make([]int32, n)
	for i := range tokens {
		tokens[i] = int32(10 + (i*7919+seed*104729)%(e.config.VocabSize-10))
	}
	return tokens
}

// BenchmarkPrefill computes prompts of T tokens, of which the last or all are
// scored.
func BenchmarkPrefill(b *testing.B) {
	benchModels(b, func(b *testing.B, e *Engine) {
		for _, v := range benchVariants {
			for _, T := range []int{32, 512} {
				for _, scored := range []int{1, T - 1} {
					b.Run(fmt.Sprintf("variants=%s/T=%d/scored=%d", v.name, T, scored), func(b *testing.B) {
						b.ReportAllocs()
						tokens := benchTokens(e, T, 1)
						for b.Loop() {
							e.forget(b)
							for _, name := range v.names {
								if err := e.Submit(Job{Adapter: name, Tokens: tokens, Scored: scored}); err != nil {
									b.Fatal(err)
								}
							}
							drain(b, e)
						}
						b.ReportMetric(float64(b.N*len(v.names)*(T-1))/b.Elapsed().Seconds(), "tok/s")
					})
				}
			}
		}
	})
}

// BenchmarkDecode writes text for B prompts at once; the prompts are in the cache.
func BenchmarkDecode(b *testing.B) {
	const length = 32
	benchModels(b, func(b *testing.B, e *Engine) {
		for _, v := range benchVariants {
			for _, B := range []int{1, 16} {
				b.Run(fmt.Sprintf("variants=%s/B=%d", v.name, B), func(b *testing.B) {
					b.ReportAllocs()
					written := 0
					prompts := make([][]int32, B)
					for i := range prompts {
						prompts[i] = benchTokens(e, 100, i)
					}
					for b.Loop() {
						for i, p := range prompts {
							for _, name := range v.names {
								if err := e.Submit(Job{ID: i, Adapter: name, Tokens: slices.Clone(p), MaxNewTokens: length}); err != nil {
									b.Fatal(err)
								}
							}
						}
						for _, r := range drain(b, e) {
							written += len(r.New)
						}
					}
					b.ReportMetric(float64(written)/b.Elapsed().Seconds(), "tok/s")
				})
			}
		}
	})
}
