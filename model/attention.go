package model

import (
	"math"

	"github.com/ailiance/lorabench/model/architecture"
	"github.com/ailiance/lorabench/model/kernel"
)

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

// attention adds a block's attention to x. Where the rows' keys and values are
// stored already, they are not computed again.
func (e *Engine) attention(n int, chunks []chunk, x []float32, rows int, stored bool) {
	cfg, b, l := e.config, &e.batch, e.config.Layers[n]
	h := grow(&b.h, rows*cfg.HiddenSize)
	qn, kn := cfg.NumAttentionHeads*l.HeadDim, l.NumKeyValueHeads*l.HeadDim
	q, k, v := grow(&b.q, rows*qn), grow(&b.k, rows*kn), grow(&b.v, rows*kn)
	attn := grow(&b.attn, rows*qn)
	in := e.normed(n, architecture.BeforeAttention, h, x, rows)
	own := l.KeyValueLayer == n && !stored
	switch {
	case !own:
		e.linear(n, in, rows, nil, output{architecture.QProj, q})
	case l.ValueIsKey:
		e.linear(n, in, rows, nil, output{architecture.QProj, q}, output{architecture.KProj, k})
		copy(v, k)
	default:
		e.linear(n, in, rows, nil, output{architecture.QProj, q}, output{architecture.KProj, k}, output{architecture.VProj, v})
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
		if own {
			e.finishKeyValue(n, i, k[i*kn:(i+1)*kn], v[i*kn:(i+1)*kn])
		}
	})
	e.attend(n, chunks, attn, q)
	e.linear(n, attn, rows, nil, output{architecture.OProj, h})
	e.addBlock(n, architecture.AfterAttention, x, h, rows)
}

// keysValues computes and stores keys and values of a block, and nothing else of
// its attention.
func (e *Engine) keysValues(n int, x []float32, rows int) {
	b, l := &e.batch, e.config.Layers[n]
	kn := l.NumKeyValueHeads * l.HeadDim
	h, k, v := grow(&b.h, rows*e.config.HiddenSize), grow(&b.k, rows*kn), grow(&b.v, rows*kn)
	in := e.normed(n, architecture.BeforeAttention, h, x, rows)
	if l.ValueIsKey {
		e.linear(n, in, rows, nil, output{architecture.KProj, k})
		copy(v, k)
	} else {
		e.linear(n, in, rows, nil, output{architecture.KProj, k}, output{architecture.VProj, v})
	}
	e.pool.Run(rows, func(_, i int) { e.finishKeyValue(n, i, k[i*kn:(i+1)*kn], v[i*kn:(i+1)*kn]) })
}

// finishKeyValue normalises, turns and stores a row's keys and values.
func (e *Engine) finishKeyValue(n, i int, k, v []float32) {
	b, l := &e.batch, e.config.Layers[n]
	half := l.HeadDim / 2
	e.normHeads(k, n, architecture.KeyNorm, i, l.HeadDim)
	kernel.Rope(k, l.HeadDim, b.cos[l.Rope][i*half:(i+1)*half], b.sin[l.Rope][i*half:(i+1)*half])
	if e.config.ValueNorm {
		normEach(v, nil, l.HeadDim, e.config.eps)
	}
	e.storeKeyValue(n, i, k, v)
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
		kv := kernel.KV{Blocks: p.seq.places[place.stratum].data, K: keys, V: values, HeadDim: l.HeadDim}
		from := p.row*width + p.head*group*l.HeadDim
		kernel.AttendGroup(out[from:], width, q[from:], width, p.n, group, kv, visible[:p.n], first[:p.n],
			float32(cfg.AttentionScale), e.pool.Scratch(worker))
	})
}
