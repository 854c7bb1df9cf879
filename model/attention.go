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

// attendPart is a part of a step's attention: rows of the batch that attend
// together, one key/value head.
type attendPart struct{ row, n, head int }

// attend lets the rows of chunks attend to the keys of their own sequences.
func (e *Engine) attend(n int, chunks []chunk, out, q []float32) {
	cfg, b, l := e.config, &e.batch, e.config.Layers[n]
	place := e.cache.layout.layers[n]
	group := cfg.NumAttentionHeads / place.heads
	width := cfg.NumAttentionHeads * l.HeadDim
	b.attend = b.attend[:0]
	for _, c := range chunks {
		for p := c.start; p < c.start+c.n; p++ {
			row := kernel.Row{Blocks: &c.seq.places[place.stratum].data, Keys: int32(p + 1)}
			if l.Window > 0 {
				row.First = max(row.Keys-int32(l.Window), 0)
			}
			b.attend = append(b.attend, row)
		}
	}
	b.parts = attendParts(b.parts[:0], b.attend, group, place.heads, e.pool.Threads())
	e.pool.Run(len(b.parts), func(worker, i int) {
		p := b.parts[i]
		keys, values := place.offsets(p.head)
		kv := kernel.KV{K: keys, V: values, HeadDim: l.HeadDim}
		from := p.row*width + p.head*group*l.HeadDim
		kernel.Attend(out[from:], width, q[from:], width, group, kv, b.attend[p.row:p.row+p.n], float32(cfg.AttentionScale), e.pool.Scratch(worker))
	})
}

// attendParts appends the parts of the attention of rows: rows of one sequence,
// and rows whose sequences have half of their blocks in common, which are then
// read once for all of them; as many as a call of the kernel takes at a time, or
// fewer, where there would not be two parts for each thread.
func attendParts(parts []attendPart, rows []kernel.Row, group, heads, threads int) []attendPart {
	most := kernel.AttendQueries / group
	if fair := len(rows) * heads / (2 * threads); fair < most {
		most = max(fair, kernel.AttendQueries/4/group)
	}
	most = max(most, 1)
	for i, end := 0, 0; i < len(rows); i = end {
		for end = i + 1; end < len(rows) && end < i+most && alike(rows[end-1], rows[end]); end++ {
		}
		for head := range heads {
			parts = append(parts, attendPart{row: i, n: end - i, head: head})
		}
	}
	return parts
}

// alike reports whether two rows are of one sequence, or of two that have half of
// the blocks of the shorter one in common.
func alike(a, b kernel.Row) bool {
	return a.Blocks == b.Blocks || a.Blocks.Shares(b.Blocks, int(min(a.Keys, b.Keys)-1)/blockLen/2)
}
