package model

import (
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/ailiance/lorabench/model/checkpoint"
	"github.com/ailiance/lorabench/model/kernel"
)

// llama is a decoder of the Llama family: pre-norm blocks of grouped-query
// attention with rotary positions and a SwiGLU feed-forward layer.
//
// Source: Touvron et al. 2023, https://arxiv.org/abs/2302.13971; names and
// order of operations as in Hugging Face's modeling_llama.py.
type llama struct {
	embed  *kernel.Matrix // [V, d]
	layers []llamaLayer
	norm   []float32      // [d]
	head   *kernel.Matrix // [V, d]; embed where the weights are tied

	cos, sin []float32 // [positions][hd/2]
}

type llamaLayer struct {
	inputNorm, postNorm []float32 // [d]
	linear              [numLinears]*kernel.Matrix
	bias                [numLinears][]float32 // nil where there is none
}

// loadLlama reads the weights through a view that has them under their Hugging
// Face names, and packs them for the kernels, as many tensors at once as the
// pool has threads.
func loadLlama(ctx context.Context, cfg config, src weights, pool *kernel.Pool) (*llama, error) {
	m := &llama{layers: make([]llamaLayer, cfg.NumHiddenLayers)}
	d, v := cfg.HiddenSize, cfg.VocabSize
	var loads []func() error
	matrix := func(to **kernel.Matrix, name string, rows, cols int) {
		loads = append(loads, func() (err error) {
			*to, err = src.matrix(name, rows, cols)
			return err
		})
	}
	vector := func(to *[]float32, name string, n int) {
		loads = append(loads, func() (err error) {
			*to, err = src.vector(name, n)
			return err
		})
	}
	matrix(&m.embed, "model.embed_tokens.weight", v, d) // the largest first
	if !cfg.TieWordEmbeddings {
		matrix(&m.head, "lm_head.weight", v, d)
	}
	for i := range m.layers {
		l := &m.layers[i]
		prefix := fmt.Sprintf("model.layers.%d.", i)
		vector(&l.inputNorm, prefix+"input_layernorm.weight", d)
		vector(&l.postNorm, prefix+"post_attention_layernorm.weight", d)
		for k := range numLinears {
			out, in := cfg.linearShape(k)
			matrix(&l.linear[k], modulePath(i, k)+".weight", out, in)
			if cfg.hasBias(k) {
				vector(&l.bias[k], modulePath(i, k)+".bias", out)
			}
		}
	}
	vector(&m.norm, "model.norm.weight", d)
	errs := make([]error, len(loads))
	pool.Run(len(loads), func(_, i int) {
		if errs[i] = context.Cause(ctx); errs[i] == nil {
			errs[i] = loads[i]()
		}
	})
	for _, err := range errs {
		if err != nil {
			return nil, err // the first in the model's order
		}
	}
	if cfg.TieWordEmbeddings {
		m.head = m.embed
	}
	return m, nil
}

// ropeTable returns cos and sin of every position's angles, [positions][hd/2].
// Angles are float32 products of a float32 frequency, as transformers computes
// them, so that long contexts see the same positions.
//
// Sources: Su et al. 2021, https://arxiv.org/abs/2104.09864; Llama 3 scaling as
// in Hugging Face's modeling_rope_utils.py. factors divide the frequencies
// (GGUF's rope_freqs.weight) and stand in for the scaling where they are given.
func ropeTable(cfg *checkpoint.Config, factors []float32, pool *kernel.Pool) (cos, sin []float32, err error) {
	half := cfg.HeadDim / 2
	frequency := make([]float32, half)
	for i := range frequency {
		power := float32(math.Pow(cfg.RopeTheta, float64(float32(2*i)/float32(cfg.HeadDim))))
		frequency[i] = 1 / power
		if factors != nil {
			frequency[i] /= factors[i]
		}
	}
	if factors == nil {
		if err := scaleFrequencies(frequency, cfg.RopeScaling); err != nil {
			return nil, nil, err
		}
	}
	cos = make([]float32, cfg.MaxPositionEmbeddings*half)
	sin = make([]float32, cfg.MaxPositionEmbeddings*half)
	pool.Run(cfg.MaxPositionEmbeddings, func(_, p int) {
		for i, f := range frequency {
			angle := float64(float32(p) * f)
			s, c := sinCos(angle)
			cos[p*half+i], sin[p*half+i] = float32(c), float32(s)
		}
	})
	return cos, sin, nil
}

// scaleFrequencies applies a rope scaling in place.
func scaleFrequencies(frequency []float32, s checkpoint.RopeScaling) error {
	switch s.Type {
	case checkpoint.RopeDefault, "":
	case checkpoint.RopeLinear:
		for i := range frequency {
			frequency[i] /= float32(s.Factor)
		}
	case checkpoint.RopeLlama3:
		original := float64(s.OriginalMaxPositionEmbeddings)
		for i, f := range frequency {
			wavelength := 2 * math.Pi / float64(f)
			switch {
			case wavelength < original/s.HighFreqFactor:
			case wavelength > original/s.LowFreqFactor:
				frequency[i] = f / float32(s.Factor)
			default:
				smooth := (original/wavelength - s.LowFreqFactor) / (s.HighFreqFactor - s.LowFreqFactor)
				// The conversion keeps compilers from fusing product and sum.
				frequency[i] = float32((1-smooth)*float64(f)/s.Factor + float64(smooth*float64(f)))
			}
		}
	default:
		return fmt.Errorf("rope type %q is not supported", s.Type)
	}
	return nil
}

// batch is the scratch memory of one step, kept between steps.
type batch struct {
	x, h, q, k, v, attn, gate, up, low, update []float32
	positions                                  []int32
	blocks                                     []*block // where the rows' keys and values go
	tokens                                     []int32
	segments                                   []segment
	heads                                      []headRow
	verdicts                                   []verdict // of heads
	samplers                                   []sampler // of threads
	parts                                      []attention
	normed, logits                             []float32
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
	cfg, m, b, pool := e.config, e.llama, &e.batch, e.pool
	d := cfg.HiddenSize
	rows := e.gather(chunks)
	qn, kn, ff := cfg.NumAttentionHeads*cfg.HeadDim, cfg.NumKeyValueHeads*cfg.HeadDim, cfg.IntermediateSize
	x := grow(&b.x, rows*d)
	h := grow(&b.h, rows*d)
	q, k, v := grow(&b.q, rows*qn), grow(&b.k, rows*kn), grow(&b.v, rows*kn)
	attn := grow(&b.attn, rows*qn)
	gate, up := grow(&b.gate, rows*ff), grow(&b.up, rows*ff)
	half := cfg.HeadDim / 2

	pool.Run(rows, func(_, i int) { m.embed.Row(int(b.tokens[i]), x[i*d:(i+1)*d]) })
	for n := range m.layers {
		if err := context.Cause(ctx); err != nil {
			return err
		}
		l := &m.layers[n]
		pool.Run(rows, func(_, i int) { kernel.RMSNorm(h[i*d:(i+1)*d], x[i*d:(i+1)*d], l.inputNorm, cfg.eps) })
		e.linear(n, qProj, q, h, rows)
		e.linear(n, kProj, k, h, rows)
		e.linear(n, vProj, v, h, rows)
		pool.Run(rows, func(_, i int) {
			p := int(b.positions[i]) * half
			kernel.Rope(q[i*qn:(i+1)*qn], cfg.HeadDim, m.cos[p:p+half], m.sin[p:p+half])
			kernel.Rope(k[i*kn:(i+1)*kn], cfg.HeadDim, m.cos[p:p+half], m.sin[p:p+half])
			e.storeKeyValue(n, i, k[i*kn:(i+1)*kn], v[i*kn:(i+1)*kn])
		})
		e.attend(n, chunks, attn, q)
		e.linear(n, oProj, h, attn, rows)
		pool.Run(rows, func(_, i int) {
			kernel.Add(x[i*d:(i+1)*d], h[i*d:(i+1)*d])
			kernel.RMSNorm(h[i*d:(i+1)*d], x[i*d:(i+1)*d], l.postNorm, cfg.eps)
		})
		e.linear(n, gateProj, gate, h, rows)
		e.linear(n, upProj, up, h, rows)
		pool.Run(rows, func(_, i int) { kernel.SiLUMul(gate[i*ff:(i+1)*ff], up[i*ff:(i+1)*ff]) })
		e.linear(n, downProj, h, gate, rows)
		pool.Run(rows, func(_, i int) { kernel.Add(x[i*d:(i+1)*d], h[i*d:(i+1)*d]) })
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
	b.blocks = b.blocks[:0]
	for _, c := range chunks {
		start := len(b.tokens)
		for p := c.start; p < c.start+c.n; p++ {
			if p >= c.seq.wanted {
				b.heads = append(b.heads, headRow{seq: c.seq, row: len(b.tokens), position: p})
			}
			b.tokens = append(b.tokens, c.seq.inputs[p])
			b.positions = append(b.positions, int32(p))
			b.blocks = append(b.blocks, c.seq.blocks[p/blockLen])
		}
		if n := len(b.segments); n > 0 && b.segments[n-1].adapter == c.seq.adapter {
			b.segments[n-1].end = len(b.tokens)
		} else {
			b.segments = append(b.segments, segment{adapter: c.seq.adapter, start: start, end: len(b.tokens)})
		}
	}
	return len(b.tokens)
}

// linear computes y = x·Wᵀ + bias for all rows in one pass over the base
// weights, then adds each segment's low-rank update.
func (e *Engine) linear(layer int, l linear, y, x []float32, rows int) {
	base := &e.llama.layers[layer]
	w := base.linear[l]
	out, in := w.Rows(), w.Cols()
	e.pool.Mul(w, y, out, x, in, rows)
	if bias := base.bias[l]; bias != nil {
		e.pool.Run(rows, func(_, i int) { kernel.Add(y[i*out:(i+1)*out], bias) })
	}
	for _, s := range e.batch.segments {
		if s.adapter == nil || s.adapter.layers[layer][l] == nil {
			continue
		}
		u := s.adapter.layers[layer][l]
		n := s.end - s.start
		low := grow(&e.batch.low, n*u.rank)
		update := grow(&e.batch.update, n*out)
		e.pool.Mul(u.a, low, u.rank, x[s.start*in:s.end*in], in, n)
		e.pool.Mul(u.b, update, out, low, u.rank, n)
		scale := float32(u.scale)
		e.pool.Run(n, func(_, i int) {
			kernel.AddScaled(y[(s.start+i)*out:(s.start+i+1)*out], update[i*out:(i+1)*out], scale)
		})
	}
}

// storeKeyValue writes the key and value of a row, all heads of a layer, into its
// block.
func (e *Engine) storeKeyValue(layer, row int, k, v []float32) {
	hd := e.config.HeadDim
	blk, lane := e.batch.blocks[row], int(e.batch.positions[row])%blockLen
	for g := range e.config.NumKeyValueHeads {
		keys, values := e.cache.offsets(layer, g)
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
func (e *Engine) attend(layer int, chunks []chunk, out, q []float32) {
	cfg, b := e.config, &e.batch
	hd, heads := cfg.HeadDim, cfg.NumKeyValueHeads
	group := cfg.NumAttentionHeads / heads
	width := cfg.NumAttentionHeads * hd
	scale := float32(1 / math.Sqrt(float64(hd)))
	b.parts = b.parts[:0]
	row := 0
	for _, c := range chunks {
		for at := 0; at < c.n; at += attendRows {
			for g := range heads {
				b.parts = append(b.parts, attention{seq: c.seq, row: row + at, start: c.start + at, n: min(attendRows, c.n-at), head: g})
			}
		}
		row += c.n
	}
	e.pool.Run(len(b.parts), func(worker, i int) {
		p := b.parts[i]
		var visible [attendRows]int32
		for r := range p.n {
			visible[r] = int32(p.start + r + 1)
		}
		keys, values := e.cache.offsets(layer, p.head)
		kv := kernel.KV{Blocks: p.seq.data, K: keys, V: values, HeadDim: hd}
		from := p.row*width + p.head*group*hd
		kernel.AttendGroup(out[from:], width, q[from:], width, p.n, group, kv, visible[:p.n], nil, scale, e.pool.Scratch(worker))
	})
}

// score computes the logits of the wanted rows, a few rows at a time.
func (e *Engine) score(ctx context.Context, x []float32) error {
	cfg, m, b, pool := e.config, e.llama, &e.batch, e.pool
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
			r := part[i].row
			kernel.RMSNorm(normed[i*d:(i+1)*d], x[r*d:(r+1)*d], m.norm, cfg.eps)
		})
		pool.Mul(m.head, logits, vocab, normed, d, len(part))
		pool.Run(len(part), func(worker, i int) {
			h := part[i]
			b.verdicts[start+i] = b.samplers[worker].judge(h.seq, h.position, logits[i*vocab:(i+1)*vocab])
		})
		for i, h := range part {
			if h.seq.capture != nil {
				h.seq.capture(h.position, logits[i*vocab:(i+1)*vocab])
			}
		}
	}
	return nil
}

// grow returns a slice of n floats that reuses the memory of *s.
func grow(s *[]float32, n int) []float32 {
	if cap(*s) < n {
		*s = make([]float32, n)
	}
	*s = (*s)[:n]
	return *s
}
