package model

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/ailiance/lorabench/model/architecture"
	"github.com/ailiance/lorabench/model/checkpoint"
	"github.com/ailiance/lorabench/model/kernel"
)

// MemoryError says that something does not fit the memory that Options allow.
type MemoryError struct {
	What            string // what needs it
	Needed, Allowed int64  // bytes
}

func (e *MemoryError) Error() string {
	return fmt.Sprintf("%s: %s needed, %s allowed: allow more with --memory", e.What, mebibytes(e.Needed), mebibytes(e.Allowed))
}

// mebibytes rounds up, so that a limit of what is printed is enough.
func mebibytes(n int64) string { return fmt.Sprintf("%d MiB", (n+1<<20-1)>>20) }

// DefaultCacheBytes is the memory for keys and values where nothing is said.
const DefaultCacheBytes = 640 << 20

// leastPositions is the length of a sequence whose keys and values must fit
// beside the weights: a prompt with examples and its answer.
const leastPositions = 2048

// budget is how the memory is shared out.
type budget struct {
	allowed  int64 // in all; 0: no limit
	cache    int64 // keys and values, as Options say; 0: what is left
	weights  int64 // base model, tables and working memory
	strata   int64 // more working memory, where variants share layers
	adapters int64
}

// fixed is what is not for keys and values.
func (b budget) fixed() int64 { return b.weights + b.strata + b.adapters }

// cacheBytes is the memory for keys and values beside weights and adapters, of
// which at least least bytes must be there.
func (b budget) cacheBytes(least int64) (int64, error) {
	if b.cache > 0 {
		least = b.cache
	}
	if b.allowed == 0 {
		if b.cache > 0 {
			return b.cache, nil
		}
		return max(DefaultCacheBytes, least), nil
	}
	if needed := b.fixed() + least; needed > b.allowed {
		what := fmt.Sprintf("weights of %s, with keys and values of %s", mebibytes(b.weights+b.strata), mebibytes(least))
		if b.adapters > 0 {
			what = fmt.Sprintf("weights of %s, adapters of %s, with keys and values of %s", mebibytes(b.weights+b.strata), mebibytes(b.adapters), mebibytes(least))
		}
		return 0, &MemoryError{What: what, Needed: needed, Allowed: b.allowed}
	}
	if b.cache > 0 {
		return b.cache, nil
	}
	return b.allowed - b.fixed(), nil
}

// leastCache is the memory for the keys and values of one sequence of
// leastPositions, or of as many as the model has.
func (c config) leastCache() int64 {
	positions := min(leastPositions, c.MaxPositionEmbeddings)
	blocks := int64((positions + blockLen - 1) / blockLen)
	return blocks * newKVLayout(c.Layers).bytes()
}

// packedBytes is the memory that the weights will occupy, from the tensors'
// shapes: nothing is read. It tells of all storage types that have no kernel.
func (w weights) packedBytes(cfg config) (int64, error) {
	total := int64(0)
	var bad []string
	for _, spec := range cfg.Tensors() {
		if spec.Name == architecture.EmbedTokensPerLayer+".weight" {
			continue // stays in its file
		}
		if len(spec.Shape) < 2 {
			total += 4 * int64(values(spec.Shape))
			continue
		}
		size, err := w.packedSize(spec.Name, spec.Shape[0], spec.Shape[1])
		var unsupported *checkpoint.UnsupportedError
		switch {
		case errors.As(err, &unsupported):
			bad = append(bad, unsupported.What)
		case err != nil:
			return 0, err
		}
		total += size
	}
	if len(bad) > 0 {
		return 0, &checkpoint.UnsupportedError{What: joinFaults(bad)}
	}
	return total, nil
}

// values is the number of values of a shape.
func values(shape []int) int {
	n := 1
	for _, d := range shape {
		n *= d
	}
	return n
}

// rowBytes is the memory for a row of a step.
func (c config) rowBytes() int64 {
	most, angles := 0, 0
	for i, l := range c.Layers {
		q, kv := c.NumAttentionHeads*l.HeadDim, l.NumKeyValueHeads*l.HeadDim
		width := 0
		for k := range architecture.NumLinears {
			if out, _, ok := c.LinearShape(i, k); ok {
				width = max(width, out)
			}
		}
		most = max(most, 2*q+2*kv+2*l.IntermediateSize+width) // q, attn, k, v, gate, up, update
	}
	for _, r := range c.Ropes {
		angles += r.HeadDim // cos and sin
	}
	return 4 * int64(2*c.HiddenSize+most+angles+2*c.NumHiddenLayers*c.PerLayerInput) // x, h, …
}

// workingBytes is the memory for a step whose layers are one stratum.
func (c config) workingBytes(threads int) int64 {
	hd := 0
	for _, l := range c.Layers {
		hd = max(hd, l.HeadDim)
	}
	const part = 4 // floats of a kernel.SoftmaxPart
	head := stepRows*int64(c.HiddenSize+part*c.vocabularySlices()) + int64(c.wholeRows())*int64(c.VocabSize)
	scratch := int64(threads) * (kernel.ScratchFloats(hd) + headRows*kernel.SliceLen)
	return stepRows*c.rowBytes() + 4*(head+scratch) + int64(threads)*c.samplerBytes()
}

// strataBytes is the memory that a step of several strata takes beside that.
func (c config) strataBytes() int64 {
	return (stratumRows-stepRows)*c.rowBytes() + stratumRows*4*int64(c.HiddenSize) // and the rows that fork
}

// share divides the layers and the memory among the adapters that are resident:
// what is left is for keys and values. Where a bound of the strata moves, all
// prefixes are forgotten. No job may be running. On an error all is as before.
func (e *Engine) share() error {
	m := e.memory
	m.adapters = 0
	for _, a := range e.adapters {
		m.adapters += a.bytes()
	}
	bounds := e.bounds()
	m.strata = 0
	if len(bounds) > 0 {
		m.strata = e.config.strataBytes()
	}
	bytes, err := m.cacheBytes(e.config.leastCache())
	if err != nil {
		return err
	}
	if e.cache != nil && slices.Equal(bounds, e.cache.layout.bounds()) {
		err = e.cache.resize(bytes)
	} else {
		e.cache = newKVCache(newKVLayout(e.config.Layers, bounds...), bytes)
	}
	if err == nil {
		e.memory = m
	}
	return err
}

// joinFaults lists the first few faults and counts the rest.
func joinFaults(faults []string) string {
	const most = 5
	if len(faults) <= most {
		return strings.Join(faults, "; ")
	}
	return fmt.Sprintf("%s; and %d more", strings.Join(faults[:most], "; "), len(faults)-most)
}

// MemoryUse is what an engine holds in memory, in bytes.
type MemoryUse struct {
	Weights  int64 // of the base, with tables and working memory
	Adapters int64
	Cache    int64 // keys and values that exist
	CacheMax int64 // keys and values that may exist
}

// Memory says how the memory is used.
func (e *Engine) Memory() MemoryUse {
	c := e.cache
	return MemoryUse{
		Weights: e.memory.weights + e.memory.strata, Adapters: e.memory.adapters,
		Cache: c.used + c.spare, CacheMax: c.capacity,
	}
}
