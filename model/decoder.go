package model

import (
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
	x, next, h, q, k, v, attn, gate, up, update []float32
	rowSet                                      // of the stratum that is computed
	heads                                       []headRow
	verdicts                                    []verdict    // of heads
	samplers                                    []sampler    // of threads
	attend                                      []kernel.Row // rows of a layer
	parts                                       []attendPart
	logits                                      []float32 // of rows that are needed whole
	head                                        headPass
	cos, sin                                    [][]float32 // of each rope, [rows][hd/2]
	perLayer                                    []float32   // [rows][layers·p]
	embedLow                                    [][]float32 // of threads: A·token
	products                                    products
	block                                       blockWork
}

// embed writes the embeddings of the rows' tokens.
func (e *Engine) embed(x []float32, rows int) {
	cfg, b := e.config, &e.batch
	d, scale := cfg.HiddenSize, float32(cfg.EmbeddingScale)
	e.pool.Run(rows, func(worker, i int) {
		row := x[i*d : (i+1)*d]
		if a := b.adapters[i]; a != nil && a.embed != nil {
			a.embed.row(e.decoder.embed, int(b.tokens[i]), row, &b.embedLow[worker])
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
