package benchmark

import (
	"github.com/ailiance/lorabench/model"
	"github.com/ailiance/lorabench/model/architecture"
)

// Cost is what a token costs a machine: multiplications and additions, each one
// FLOP, and bytes that come from memory.
type Cost struct {
	Layers        int
	LayerFLOPs    float64 // of a row in a layer, the mean of all layers: its linear layers
	KeyFLOPs      float64 // of a row and a key that it attends to, in all layers
	HeadFLOPs     float64 // of a row whose logits are needed
	StepBytes     int64   // of the linear layers and the output layer, which a step reads once
	PositionBytes int64   // of the keys and values of a position, in all layers
	AdapterBytes  int64   // of one adapter, on average; 4 bytes are 2 FLOPs of a row
}

// CostOf is the cost of an engine's tokens, with adapters of the size that the
// resident ones have.
func CostOf(e *model.Engine, adapters int) Cost {
	cfg := e.Config()
	c := Cost{Layers: cfg.NumHiddenLayers}
	for n, l := range cfg.Layers {
		for k := range architecture.NumLinears {
			if out, in, ok := cfg.LinearShape(n, k); ok {
				c.LayerFLOPs += 2 * float64(out) * float64(in) / float64(cfg.NumHiddenLayers)
			}
		}
		c.KeyFLOPs += 4 * float64(cfg.NumAttentionHeads) * float64(l.HeadDim)
	}
	c.PositionBytes = PositionBytes(&cfg)
	c.HeadFLOPs = 2 * float64(cfg.VocabSize) * float64(cfg.HiddenSize)
	c.StepBytes = e.StepBytes()
	if adapters > 0 {
		c.AdapterBytes = e.Memory().Adapters / int64(adapters)
	}
	return c
}

// PositionBytes is the size of the keys and values of a position, in float32.
func PositionBytes(cfg *architecture.Config) int64 {
	total := int64(0)
	for n, l := range cfg.Layers {
		if l.KeyValueLayer == n {
			total += 2 * 4 * int64(l.NumKeyValueHeads) * int64(l.HeadDim)
		}
	}
	return total
}

// Ceiling is the most that a machine does, as probes measure it.
type Ceiling struct {
	GFLOPs float64 `json:"gflops"` // billion multiplications and additions a second, in float32
	GBs    float64 `json:"gbs"`    // billion bytes a second that come from memory
}

// floor is the least time that so many operations and bytes take, in seconds, and
// which of the two limits says so.
func (c Ceiling) floor(flops, bytes float64) (seconds float64, limit string) {
	if c.GFLOPs == 0 || c.GBs == 0 {
		return 0, ""
	}
	compute, memory := flops/c.GFLOPs/1e9, bytes/c.GBs/1e9
	if memory > compute {
		return memory, "memory"
	}
	return compute, "compute"
}
