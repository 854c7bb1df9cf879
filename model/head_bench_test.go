package model

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/ailiance/lorabench/model/checkpoint"
)

// BenchmarkHead scores a token in each of some rows: output layer and softmax.
func BenchmarkHead(b *testing.B) {
	for _, m := range []struct{ d, vocab int }{{576, 49152}, {1024, 262144}} {
		cfg := parseTiny(fmt.Sprintf(`{"model_type":"llama","hidden_size":%d,"intermediate_size":64,"num_hidden_layers":1,"num_attention_heads":8,
"num_key_value_heads":2,"vocab_size":%d,"max_position_embeddings":2048}`, m.d, m.vocab))
		e := openSource(b, cfg, randomWeights(cfg, checkpoint.Q4_1, 5), Options{Threads: 1})
		for _, rows := range []int{1, 8, 64, 256} {
			b.Run(fmt.Sprintf("d=%d/V=%d/rows=%d", m.d, m.vocab, rows), func(b *testing.B) {
				s := &sequence{job: Job{Tokens: benchTokens(e, rows+1, 1), Scored: rows}}
				x := make([]float32, rows*m.d)
				r := rand.New(rand.NewPCG(1, 1))
				for i := range x {
					x[i] = float32(r.NormFloat64())
				}
				e.batch.heads = e.batch.heads[:0]
				for i := range rows {
					e.batch.heads = append(e.batch.heads, headRow{seq: s, row: i, position: i})
				}
				b.ReportAllocs()
				for b.Loop() {
					if err := e.score(b.Context(), x); err != nil {
						b.Fatal(err)
					}
				}
				b.ReportMetric(float64(b.N*rows)*2*float64(m.d*m.vocab)/b.Elapsed().Seconds()/1e9, "GFLOP/s")
			})
		}
	}
}
