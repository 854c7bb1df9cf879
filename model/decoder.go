package model

import (
	"context"
	"math"
	"slices"

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
	x, h, q, k, v, attn, gate, up, low, update []float32
	tokens, positions                          []int32
	adapters                                   []*adapter // of each row
	blocks                                     []*block   // where the rows' keys and values go
	segments                                   []segment
	heads                                      []headRow
	verdicts                                   []verdict // of heads
	samplers                                   []sampler // of threads
	parts                                      []attention
	normed, logits                             []float32
	cos, sin                                   [][]float32 // of each rope, [rows][hd/2]
	perLayer                                   []float32   // [rows][layers·p]
}

// segment is a run of rows that share an adapter.
type segment struct {
	adapter    *adapter
	start, end int
}

// headRow is a row whose logits are needed.
type headRow struct {
	seq      *sequence
	row      int
	position int
}

// headRows is how many rows of logits are computed at once: enough that widening
// the weights of the output layer is shared.
const headRows = 64

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

// turn computes the rotary angles of the rows' positions. Angles are float32
// products of a float32 frequency, as transformers computes them.
func (e *Engine) turn(rows int) {
	cfg, b := e.config, &e.batch
	if b.cos == nil {
		b.cos, b.sin = make([][]float32, len(cfg.Ropes)), make([][]float32, len(cfg.Ropes))
	}
	for r, frequency := range e.decoder.frequencies {
		half, factor := len(frequency), float32(cfg.Ropes[r].AttentionFactor)
		cos, sin := grow(&b.cos[r], rows*half), grow(&b.sin[r], rows*half)
		e.pool.Run(rows, func(_, i int) {
			p := float32(b.positions[i])
			for j, f := range frequency {
				s, c := sinCos(float64(p * f))
				cos[i*half+j], sin[i*half+j] = float32(c)*factor, float32(s)*factor
			}
		})
	}
}

// vector is a vector of a block for a row: the base's, or what the row's adapter
// has in its place.
func (e *Engine) vector(n int, v architecture.BlockVector, row int) []float32 {
	if a := e.batch.adapters[row]; a != nil && a.layers[n].vectors[v] != nil {
		return a.layers[n].vectors[v]
	}
	return e.decoder.layers[n].vectors[v]
}

// normed returns the rows of x behind a norm of the block, in h, or x where the
// block has no such norm.
func (e *Engine) normed(n int, v architecture.BlockVector, h, x []float32, rows int) []float32 {
	if e.decoder.layers[n].vectors[v] == nil {
		return x
	}
	d := e.config.HiddenSize
	e.pool.Run(rows, func(_, i int) {
		kernel.RMSNorm(h[i*d:(i+1)*d], x[i*d:(i+1)*d], e.vector(n, v, i), e.config.eps)
	})
	return h
}

// addBlock adds what attention or the feed-forward layers made, h, to the
// residual stream x, behind a norm where the block has it.
func (e *Engine) addBlock(n int, v architecture.BlockVector, x, h []float32, rows int) {
	d, scale := e.config.HiddenSize, float32(e.config.ResidualScale)
	norm := e.decoder.layers[n].vectors[v] != nil
	e.pool.Run(rows, func(_, i int) {
		to, from := x[i*d:(i+1)*d], h[i*d:(i+1)*d]
		if norm {
			kernel.RMSNorm(from, from, e.vector(n, v, i), e.config.eps)
		}
		if scale == 1 {
			kernel.Add(to, from)
		} else {
			kernel.AddScaled(to, from, scale)
		}
	})
}

// attention adds a block's attention to x.
func (e *Engine) attention(n int, chunks []chunk, x []float32, rows int) {
	cfg, b, l := e.config, &e.batch, e.config.Layers[n]
	h := grow(&b.h, rows*cfg.HiddenSize)
	qn, kn := cfg.NumAttentionHeads*l.HeadDim, l.NumKeyValueHeads*l.HeadDim
	q, k, v := grow(&b.q, rows*qn), grow(&b.k, rows*kn), grow(&b.v, rows*kn)
	attn := grow(&b.attn, rows*qn)
	in := e.normed(n, architecture.BeforeAttention, h, x, rows)
	own := l.KeyValueLayer == n
	e.linear(n, architecture.QProj, q, in, rows)
	if own {
		e.linear(n, architecture.KProj, k, in, rows)
		if l.ValueIsKey {
			copy(v, k)
		} else {
			e.linear(n, architecture.VProj, v, in, rows)
		}
	}
	half := l.HeadDim / 2
	e.pool.Run(rows, func(_, i int) {
		cos, sin := b.cos[l.Rope][i*half:(i+1)*half], b.sin[l.Rope][i*half:(i+1)*half]
		row := q[i*qn : (i+1)*qn]
		e.normHeads(row, n, architecture.QueryNorm, i, l.HeadDim)
		kernel.Rope(row, l.HeadDim, cos, sin)
		if cfg.QueryScaleBeta != 0 {
			kernel.Scale(row, cfg.queryScale(b.positions[i]))
		}
		if !own {
			return
		}
		row = k[i*kn : (i+1)*kn]
		e.normHeads(row, n, architecture.KeyNorm, i, l.HeadDim)
		kernel.Rope(row, l.HeadDim, cos, sin)
		if cfg.ValueNorm {
			normEach(v[i*kn:(i+1)*kn], nil, l.HeadDim, cfg.eps)
		}
		e.storeKeyValue(n, i, row, v[i*kn:(i+1)*kn])
	})
	e.attend(n, chunks, attn, q)
	e.linear(n, architecture.OProj, h, attn, rows)
	e.addBlock(n, architecture.AfterAttention, x, h, rows)
}

// normHeads normalises the heads of a row of queries or keys, each or all
// together, in an architecture that does.
func (e *Engine) normHeads(row []float32, n int, v architecture.BlockVector, i, headDim int) {
	switch e.config.QueryKey {
	case architecture.HeadQueryKeyNorm:
		normEach(row, e.vector(n, v, i), headDim, e.config.eps)
	case architecture.WholeQueryKeyNorm:
		kernel.RMSNorm(row, row, e.vector(n, v, i), e.config.eps)
	}
}

func normEach(row, weight []float32, n int, eps float32) {
	for at := 0; at < len(row); at += n {
		kernel.RMSNorm(row[at:at+n], row[at:at+n], weight, eps)
	}
}

// queryScale is the factor of queries at a position, in an architecture that has
// one.
func (c config) queryScale(position int32) float32 {
	steps := math.Floor(float64(position) / float64(c.QueryScaleEvery))
	return 1 + float32(float32(c.QueryScaleBeta)*float32(math.Log(1+steps)))
}

// feedForward adds a block's feed-forward layers to x.
func (e *Engine) feedForward(n int, x []float32, rows int) {
	cfg, b := e.config, &e.batch
	h := grow(&b.h, rows*cfg.HiddenSize)
	ff := cfg.Layers[n].IntermediateSize
	gate, up := grow(&b.gate, rows*ff), grow(&b.up, rows*ff)
	in := e.normed(n, architecture.BeforeFeedForward, h, x, rows)
	e.linear(n, architecture.UpProj, up, in, rows)
	if cfg.Activation == architecture.XIELUNoGating {
		e.pool.Run(rows, func(_, i int) {
			p := e.decoder.layers[n].xielu
			if a := b.adapters[i]; a != nil && a.layers[n].xielu != nil {
				p = *a.layers[n].xielu
			}
			kernel.XIELU(up[i*ff:(i+1)*ff], p.alphaP, p.alphaN, p.beta, p.eps)
		})
		gate = up
	} else {
		e.linear(n, architecture.GateProj, gate, in, rows)
		activate := kernel.SiLUMul
		if cfg.Activation == architecture.GeGLU {
			activate = kernel.GELUTanhMul
		}
		e.pool.Run(rows, func(_, i int) { activate(gate[i*ff:(i+1)*ff], up[i*ff:(i+1)*ff]) })
	}
	e.linear(n, architecture.DownProj, h, gate, rows)
	e.addBlock(n, architecture.AfterFeedForward, x, h, rows)
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

// storeKeyValue writes the key and value of a row, all heads of a layer, into its
// block.
func (e *Engine) storeKeyValue(n, row int, k, v []float32) {
	place := e.cache.layout.layers[n]
	hd := place.headDim
	blk, lane := e.batch.blocks[row], int(e.batch.positions[row])%blockLen
	for g := range place.heads {
		keys, values := place.offsets(g)
		kernel.PutKey(blk.data[keys:keys+hd*blockLen], lane, k[g*hd:(g+1)*hd])
		copy(blk.data[values+lane*hd:values+(lane+1)*hd], v[g*hd:(g+1)*hd])
	}
}

// attendRows is how many rows of one sequence attend together.
const attendRows = 16

// attention is a part of a step's attention: some rows of one chunk, one
// key/value head.
type attention struct {
	seq        *sequence
	row, start int // first row of the batch, its position
	n, head    int
}

// attend lets the rows of chunks attend to the keys of their own sequences.
func (e *Engine) attend(n int, chunks []chunk, out, q []float32) {
	cfg, b, l := e.config, &e.batch, e.config.Layers[n]
	place := e.cache.layout.layers[n]
	group := cfg.NumAttentionHeads / place.heads
	width := cfg.NumAttentionHeads * l.HeadDim
	b.parts = b.parts[:0]
	row := 0
	for _, c := range chunks {
		for at := 0; at < c.n; at += attendRows {
			for g := range place.heads {
				b.parts = append(b.parts, attention{seq: c.seq, row: row + at, start: c.start + at, n: min(attendRows, c.n-at), head: g})
			}
		}
		row += c.n
	}
	e.pool.Run(len(b.parts), func(worker, i int) {
		p := b.parts[i]
		var visible, first [attendRows]int32
		for r := range p.n {
			visible[r] = int32(p.start + r + 1)
			if l.Window > 0 {
				first[r] = max(visible[r]-int32(l.Window), 0)
			}
		}
		keys, values := place.offsets(p.head)
		kv := kernel.KV{Blocks: p.seq.data, K: keys, V: values, HeadDim: l.HeadDim}
		from := p.row*width + p.head*group*l.HeadDim
		kernel.AttendGroup(out[from:], width, q[from:], width, p.n, group, kv, visible[:p.n], first[:p.n],
			float32(cfg.AttentionScale), e.pool.Scratch(worker))
	})
}

// score computes the logits of the wanted rows, a few rows at a time.
func (e *Engine) score(ctx context.Context, x []float32) error {
	cfg, b, pool := e.config, &e.batch, e.pool
	d, vocab := cfg.HiddenSize, cfg.VocabSize
	b.verdicts = slices.Grow(b.verdicts[:0], len(b.heads))[:len(b.heads)]
	for start := 0; start < len(b.heads); start += headRows {
		if err := context.Cause(ctx); err != nil {
			return err
		}
		part := b.heads[start:min(start+headRows, len(b.heads))]
		normed := grow(&b.normed, len(part)*d)
		logits := grow(&b.logits, len(part)*vocab)
		pool.Run(len(part), func(_, i int) {
			r, weight := part[i].row, e.decoder.norm
			if a := part[i].seq.adapter; a != nil && a.norm != nil {
				weight = a.norm
			}
			kernel.RMSNorm(normed[i*d:(i+1)*d], x[r*d:(r+1)*d], weight, cfg.eps)
		})
		e.head(logits, normed, part)
		pool.Run(len(part), func(worker, i int) {
			h, row := part[i], logits[i*vocab:(i+1)*vocab]
			cfg.finishLogits(row)
			b.verdicts[start+i] = b.samplers[worker].judge(h.seq, h.position, row)
		})
		for i, h := range part {
			if h.seq.capture != nil {
				h.seq.capture(h.position, logits[i*vocab:(i+1)*vocab])
			}
		}
	}
	return nil
}

// head multiplies rows by the output layer, and by what their adapters make of it.
func (e *Engine) head(logits, normed []float32, part []headRow) {
	var segments []segment
	for i, h := range part {
		segments = appendSegment(segments, h.seq.adapter, i, i+1)
	}
	e.product(e.decoder.head, nil, func(a *adapter) *update { return a.head }, segments, logits, normed, len(part))
}

// finishLogits divides and bounds a row of logits, in an architecture that does.
func (c config) finishLogits(row []float32) {
	if divisor := float32(c.LogitDivisor); divisor != 1 {
		for i := range row {
			row[i] /= divisor
		}
	}
	if c.LogitSoftcap > 0 {
		kernel.Softcap(row, float32(c.LogitSoftcap))
	}
}

// grow returns a slice of n floats that reuses the memory of *s.
func grow(s *[]float32, n int) []float32 {
	if cap(*s) < n {
		*s = make([]float32, n)
	}
	*s = (*s)[:n]
	return *s
}
