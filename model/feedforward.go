package model

import (
	"github.com/ailiance/lorabench/model/architecture"
	"github.com/ailiance/lorabench/model/kernel"
)

// blockWork is the work on rows of a block that is not a product, as functions
// that are made once, and what they read.
type blockWork struct {
	norm, add func(worker, i int)
	activate  func(r0, r1, c0, c1 int)

	n    int // the block
	v    architecture.BlockVector
	x, h []float32
}

// inlineValues is how many values of rows one thread computes sooner than two
// share them out.
const inlineValues = 1 << 14

// eachRow calls f for each row of some width.
func (e *Engine) eachRow(rows, width int, f func(worker, i int)) {
	if rows*width <= inlineValues {
		for i := range rows {
			f(0, i)
		}
		return
	}
	e.pool.Run(rows, f)
}

// blockWork sets what the functions of e.batch.block read.
func (e *Engine) blockWork(n int, v architecture.BlockVector, x, h []float32) *blockWork {
	w := &e.batch.block
	if w.norm == nil {
		w.norm, w.add, w.activate = e.normRow, e.addRow, e.activate
	}
	w.n, w.v, w.x, w.h = n, v, x, h
	return w
}

// normed returns the rows of x behind a norm of the block, in h, or x where the
// block has no such norm.
func (e *Engine) normed(n int, v architecture.BlockVector, h, x []float32, rows int) []float32 {
	if e.decoder.layers[n].vectors[v] == nil {
		return x
	}
	e.eachRow(rows, e.config.HiddenSize, e.blockWork(n, v, x, h).norm)
	return h
}

func (e *Engine) normRow(_, i int) {
	d, w := e.config.HiddenSize, &e.batch.block
	kernel.RMSNorm(w.h[i*d:(i+1)*d], w.x[i*d:(i+1)*d], e.vector(w.n, w.v, i), e.config.eps)
}

// addBlock adds what attention or the feed-forward layers made, h, to the
// residual stream x, behind a norm where the block has it.
func (e *Engine) addBlock(n int, v architecture.BlockVector, x, h []float32, rows int) {
	e.eachRow(rows, e.config.HiddenSize, e.blockWork(n, v, x, h).add)
}

func (e *Engine) addRow(_, i int) {
	d, scale, w := e.config.HiddenSize, float32(e.config.ResidualScale), &e.batch.block
	to, from := w.x[i*d:(i+1)*d], w.h[i*d:(i+1)*d]
	if e.decoder.layers[w.n].vectors[w.v] != nil {
		kernel.RMSNorm(from, from, e.vector(w.n, w.v, i), e.config.eps)
	}
	if scale == 1 {
		kernel.Add(to, from)
	} else {
		kernel.AddScaled(to, from, scale)
	}
}

// feedForward adds a block's feed-forward layers to x.
func (e *Engine) feedForward(n int, x []float32, rows int) {
	cfg, b := e.config, &e.batch
	h := grow(&b.h, rows*cfg.HiddenSize)
	ff := cfg.Layers[n].IntermediateSize
	gate, up := grow(&b.gate, rows*ff), grow(&b.up, rows*ff)
	in := e.normed(n, architecture.BeforeFeedForward, h, x, rows)
	activate := e.blockWork(n, architecture.BeforeFeedForward, x, h).activate
	if cfg.Activation == architecture.XIELUNoGating {
		e.linear(n, in, rows, activate, output{architecture.UpProj, up})
		gate = up
	} else {
		e.linear(n, in, rows, activate, output{architecture.GateProj, gate}, output{architecture.UpProj, up})
	}
	e.linear(n, gate, rows, nil, output{architecture.DownProj, h})
	e.addBlock(n, architecture.AfterFeedForward, x, h, rows)
}

// activate is the activation of the feed-forward layers, for the rows [r0, r1)
// and the columns [c0, c1).
func (e *Engine) activate(r0, r1, c0, c1 int) {
	cfg, b, n := e.config, &e.batch, e.batch.block.n
	ff := cfg.Layers[n].IntermediateSize
	for i := r0; i < r1; i++ {
		up := b.up[i*ff+c0 : i*ff+c1]
		switch cfg.Activation {
		case architecture.XIELUNoGating:
			p := e.decoder.layers[n].xielu
			if a := b.adapters[i]; a != nil && a.layers[n].xielu != nil {
				p = *a.layers[n].xielu
			}
			kernel.XIELU(up, p.alphaP, p.alphaN, p.beta, p.eps)
		case architecture.GeGLU:
			kernel.GELUTanhMul(b.gate[i*ff+c0:i*ff+c1], up)
		default:
			kernel.SiLUMul(b.gate[i*ff+c0:i*ff+c1], up)
		}
	}
}
