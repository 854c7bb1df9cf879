package model

import (
	"encoding/binary"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/ailiance/lorabench/model/checkpoint"
)

// TestSameBitsOnEveryMachine compares the logits of each architecture with those
// that they were on the day of identity "lorabench-engine/3", by their hash: with
// and without vector instructions, in C and in Go, on amd64 and arm64 (make arm64, under
// emulation). Where a change of arithmetic is
// meant, identity is raised and these hashes with it.
func TestSameBitsOnEveryMachine(t *testing.T) {
	want := map[string]string{
		"apertus":    "bd0a1ba6faefc729",
		"gemma3":     "8ff6d9a9c6cf34bb",
		"gemma4":     "738ecd4e01d9cc48",
		"granite":    "a427cb8159f12dba",
		"llama":      "6957b8d2ad78b3ba",
		"ministral":  "edee24c7f5375669",
		"ministral3": "9b1cfd390ccd3b3e",
		"mistral":    "0cfc449132b991d9",
		"olmo2":      "b50a4823a72f476d",
		"qwen2":      "2853e1139ea483d0",
		"qwen3":      "5e91215bf634fa6a",
	}
	for name := range tinyArchitectures {
		t.Run(name, func(t *testing.T) {
			cfg := parseTiny(tinyArchitecture(name))
			src := memorySource{}
			r := rand.New(rand.NewPCG(17, 4))
			for _, spec := range cfg.Tensors() {
				n := values(spec.Shape)
				data := make([]byte, 0, 4*n)
				scale := 0.2
				if len(spec.Shape) == 2 {
					scale = 3 / math.Sqrt(float64(spec.Shape[1]))
				}
				for range n { // uniform, of sums and products only: equal wherever Go runs
					data = binary.LittleEndian.AppendUint32(data, math.Float32bits(float32((2*r.Float64()-1)*scale)))
				}
				src[spec.Name] = checkpoint.Tensor{Name: spec.Name, DType: checkpoint.F32, Shape: spec.Shape, Data: data}
			}
			e := openSource(t, cfg, src, Options{Threads: 2})
			if got, _ := logitsHash(t, e, r); got != want[name] {
				t.Errorf("logits %s, want %s", got, want[name])
			}
		})
	}
}
