package model

import (
	"context"

	"github.com/ailiance/lorabench/model/architecture"
	"github.com/ailiance/lorabench/model/kernel"
)

// config is what the engine computes.
type config struct {
	*architecture.Config
	eps float32
}

// decoder is the base model: what architecture.Config describes, with weights.
type decoder struct {
	embed  *kernel.Matrix // [V, d]
	layers []layer
	norm   []float32      // [d]
	head   *kernel.Matrix // [V, d]; embed where the weights are tied

	frequencies [][]float32 // of each of Config.Ropes, [hd/2]

	perLayer perLayerInputs
}

// layer is one block.
type layer struct {
	linear  [architecture.NumLinears]*kernel.Matrix // nil where the block has none
	bias    [architecture.NumLinears][]float32
	vectors [architecture.NumBlockVectors][]float32
	xielu   xielu
}

// batch is the scratch memory of one step, kept between steps.
type batch struct {
	x, h, q, k, v, attn, gate, up, update []float32
	tokens, positions                     []int32
	adapters                              []*adapter // of each row
	blocks                                []*block   // where the rows' keys and values go
	segments, headSegments                []segment
	heads                                 []headRow
	verdicts                              []verdict // of heads
	samplers                              []sampler // of threads
	parts                                 []attention
	normed, logits                        []float32
	cos, sin                              [][]float32 // of each rope, [rows][hd/2]
	perLayer                              []float32   // [rows][layers·p]
	products                              products
	block                                 blockWork
}

// segment is a run of rows that share an adapter.
type segment struct {
	adapter    *adapter
	start, end int
}

// forward computes the rows of chunks, stores their keys and values, and hands
// the verdict of the rows that are wanted to accept.
func (e *Engine) forward(ctx context.Context, chunks []chunk) error {
	cfg, b := e.config, &e.batch
	rows := e.gather(chunks)
	x := grow(&b.x, rows*cfg.HiddenSize)
	e.embed(x, rows)
	e.turn(rows)
	if cfg.PerLayerInput > 0 {
		if err := e.perLayerInputs(x, rows); err != nil {
			return err
		}
	}
	for n := range cfg.Layers {
		if err := context.Cause(ctx); err != nil {
			return err
		}
		e.attention(n, chunks, x, rows)
		e.feedForward(n, x, rows)
		e.finishLayer(n, x, rows)
	}
	if err := e.score(ctx, x); err != nil {
		return err
	}
	for _, c := range chunks {
		c.seq.computedTo(c.start + c.n)
	}
	for i, h := range b.heads {
		if h.seq.capture == nil {
			e.accept(h.seq, h.position, b.verdicts[i])
		}
	}
	return nil
}

// gather lists tokens, positions, adapter segments and wanted rows of a step.
func (e *Engine) gather(chunks []chunk) int {
	b := &e.batch
	b.tokens, b.positions, b.segments, b.heads = b.tokens[:0], b.positions[:0], b.segments[:0], b.heads[:0]
	b.blocks, b.adapters = b.blocks[:0], b.adapters[:0]
	for _, c := range chunks {
		start := len(b.tokens)
		for p := c.start; p < c.start+c.n; p++ {
			if p >= c.seq.wanted {
				b.heads = append(b.heads, headRow{seq: c.seq, row: len(b.tokens), position: p})
			}
			b.tokens = append(b.tokens, c.seq.inputs[p])
			b.positions = append(b.positions, int32(p))
			b.blocks = append(b.blocks, c.seq.blocks[p/blockLen])
			b.adapters = append(b.adapters, c.seq.adapter)
		}
		b.segments = appendSegment(b.segments, c.seq.adapter, start, len(b.tokens))
	}
	return len(b.tokens)
}

// appendSegment adds rows to the last segment, if they share its adapter.
func appendSegment(list []segment, a *adapter, start, end int) []segment {
	if n := len(list); n > 0 && list[n-1].adapter == a {
		list[n-1].end = end
		return list
	}
	return append(list, segment{adapter: a, start: start, end: end})
}

// embed writes the embeddings of the rows' tokens.
func (e *Engine) embed(x []float32, rows int) {
	cfg, b := e.config, &e.batch
	d, scale := cfg.HiddenSize, float32(cfg.EmbeddingScale)
	e.pool.Run(rows, func(_, i int) {
		row := x[i*d : (i+1)*d]
		if a := b.adapters[i]; a != nil && a.embed != nil {
			a.embed.row(e.decoder.embed, int(b.tokens[i]), row)
		} else {
			e.decoder.embed.Row(int(b.tokens[i]), row)
		}
		if scale != 1 {
			kernel.Scale(row, scale)
		}
	})
}

// vector is a vector of a block for a row: the base's, or what the row's adapter
// has in its place.
func (e *Engine) vector(n int, v architecture.BlockVector, row int) []float32 {
	if a := e.batch.adapters[row]; a != nil && a.layers[n].vectors[v] != nil {
		return a.layers[n].vectors[v]
	}
	return e.decoder.layers[n].vectors[v]
}

// finishLayer adds a layer's own embedding and multiplies by its scalar, where
// there are such.
func (e *Engine) finishLayer(n int, x []float32, rows int) {
	cfg := e.config
	if cfg.PerLayerInput > 0 {
		e.addPerLayerInput(n, x, rows)
	}
	if !cfg.LayerScalar {
		return
	}
	d := cfg.HiddenSize
	e.pool.Run(rows, func(_, i int) { kernel.Scale(x[i*d:(i+1)*d], e.vector(n, architecture.LayerScalar, i)[0]) })
}

// grow returns a slice of n floats that reuses the memory of *s.
func grow(s *[]float32, n int) []float32 {
	if cap(*s) < n {
		*s = make([]float32, n)
	}
	*s = (*s)[:n]
	return *s
}
