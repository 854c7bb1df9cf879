package model

import (
	"fmt"
	"slices"
	"testing"
)

// benchLong is SmolLM2-135M where ../shared is there.
func benchLong(b *testing.B) *Engine {
	needShared(b, smolModel)
	e := openEngine(b, smolModel, Options{Threads: benchThreads})
	e.eos = nil
	return e
}

// BenchmarkLongPrefill computes a prompt of T tokens, of which the last is scored.
func BenchmarkLongPrefill(b *testing.B) {
	e := benchLong(b)
	for _, T := range []int{512, 2048, 8192} {
		b.Run(fmt.Sprintf("T=%d", T), func(b *testing.B) {
			tokens := benchTokens(e, T, 1)
			for b.Loop() {
				e.forget(b)
				if err := e.Submit(Job{Tokens: tokens, Scored: 1}); err != nil {
					b.Fatal(err)
				}
				drain(b, e)
			}
			b.ReportMetric(float64(b.N*(T-1))/b.Elapsed().Seconds(), "tok/s")
		})
	}
}

// BenchmarkLongDecode writes text after B prompts at once that share their first
// prefix tokens and have 20 of their own; the prompts are in the cache.
func BenchmarkLongDecode(b *testing.B) {
	const own, length = 20, 32
	e := benchLong(b)
	for _, c := range []struct{ B, prefix int }{{1, 730}, {1, 8000}, {8, 730}, {8, 2000}, {32, 730}, {32, 2000}} {
		b.Run(fmt.Sprintf("B=%d/prefix=%d", c.B, c.prefix), func(b *testing.B) {
			prefix, written := benchTokens(e, c.prefix, 0), 0
			step := func(generate int) {
				for i := range c.B {
					job := Job{ID: i, Tokens: slices.Concat(prefix, benchTokens(e, own, i+1)), MaxNewTokens: generate}
					if err := e.Submit(job); err != nil {
						b.Fatal(err)
					}
				}
				for _, r := range drain(b, e) {
					written += len(r.New)
				}
			}
			step(1)
			written = 0
			for b.Loop() {
				step(length)
			}
			b.ReportMetric(float64(written)/b.Elapsed().Seconds(), "tok/s")
		})
	}
}
