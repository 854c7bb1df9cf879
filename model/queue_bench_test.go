package model

import (
	"fmt"
	"testing"

	"github.com/ailiance/lorabench/model/checkpoint"
)

// BenchmarkQueue is what a job costs beside its arithmetic, of a model that has
// next to none, with so many jobs waiting: the time of each is the same.
func BenchmarkQueue(b *testing.B) {
	cfg := parseTiny(`{"model_type":"llama","hidden_size":16,"intermediate_size":16,"num_hidden_layers":1,"num_attention_heads":1,
"num_key_value_heads":1,"vocab_size":256,"max_position_embeddings":300,"rms_norm_eps":1e-5}`)
	for _, n := range []int{1000, 10000, 100000} {
		for name, tokens := range map[string]func(i int) []int32{
			"questions": func(i int) []int32 { // of their own
				return []int32{int32(i % 250), int32(i / 250 % 250), int32(i / 62500), 4, 5}
			},
			"choices": func(i int) []int32 { // of one question
				return []int32{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, int32(i % 250), int32(i / 250 % 250), int32(i / 62500), 4}
			},
		} {
			b.Run(fmt.Sprintf("%s=%d", name, n), func(b *testing.B) {
				b.ReportAllocs()
				e := openSource(b, cfg, randomWeights(cfg, checkpoint.F32, 5), Options{CacheBytes: 8 << 20})
				for b.Loop() {
					for i := range n {
						if err := e.Submit(Job{ID: i, Tokens: tokens(i), Scored: 1}); err != nil {
							b.Fatal(err)
						}
					}
					drain(b, e)
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/job")
			})
		}
	}
}
