package model

import (
	"context"
)

// rowSet is the rows of a stratum in a step: a row for each position of each
// lineage, however many sequences need it.
type rowSet struct {
	tokens, positions []int32
	adapters          []*adapter // of each row; nil where it is as the base's
	blocks            []*block   // where the rows' keys and values go
	segments          []segment
	chunks            []chunk // whose rows these are, in their order; of rows that several need, the first
	parents           []int32 // the row of the stratum before that each comes from
	origins, before   []int32 // the row of the first stratum that each comes from; those of the stratum before
}

// segment is a run of rows that share an adapter.
type segment struct {
	adapter    *adapter
	start, end int
}

// forward computes the rows of chunks, stores their keys and values, and hands
// the verdict of the rows that are wanted to accept. Where strata meet, rows that
// were shared become a row of each variant.
func (e *Engine) forward(ctx context.Context, chunks []chunk) error {
	cfg, b := e.config, &e.batch
	layerRows := int64(0)
	for i, st := range e.cache.layout.strata {
		rows := e.gather(i, chunks)
		if i == 0 {
			e.embed(grow(&b.x, rows*cfg.HiddenSize), rows)
			e.turn(rows)
			if cfg.PerLayerInput > 0 {
				if err := e.perLayerInputs(b.x, rows); err != nil {
					return err
				}
			}
		} else if e.fork(rows) {
			e.turn(rows)
		}
		for n := st.from; n < st.to; n++ {
			if err := context.Cause(ctx); err != nil {
				return err
			}
			e.attention(n, b.chunks, b.x, rows)
			e.feedForward(n, b.x, rows)
			e.finishLayer(n, b.x, rows)
		}
		layerRows += int64(rows * (st.to - st.from))
	}
	e.gatherHeads(chunks)
	if err := e.score(ctx, b.x); err != nil {
		return err
	}
	e.work.LayerRows += layerRows
	for _, c := range chunks {
		e.work.Positions += int64(c.n)
		c.seq.computedTo(c.start + c.n)
	}
	for i, h := range b.heads {
		if h.seq.capture == nil {
			e.accept(h.seq, h.position, b.verdicts[i])
		}
	}
	return nil
}

// gather lists the rows of a stratum that chunks need and returns their number.
func (e *Engine) gather(stratum int, chunks []chunk) int {
	r := &e.batch.rowSet
	r.origins, r.before = r.before[:0], r.origins
	r.tokens, r.positions, r.adapters, r.blocks = r.tokens[:0], r.positions[:0], r.adapters[:0], r.blocks[:0]
	r.segments, r.chunks, r.parents = r.segments[:0], r.chunks[:0], r.parents[:0]
	for _, c := range chunks {
		s := c.seq
		lineage := s.lineage(e.cache.layout.strata[stratum])
		start := len(r.tokens)
		open := false // the last of r.chunks goes on
		for p := c.start; p < c.start+c.n; p++ {
			blk, lane := s.places[stratum].blocks[p/blockLen], p%blockLen
			row := len(r.tokens)
			if blk.row(e.step, lane) >= 0 {
				open = false
				continue
			}
			if !open {
				r.chunks = append(r.chunks, chunk{seq: s, start: p})
				open = true
			}
			r.chunks[len(r.chunks)-1].n++
			blk.setRow(e.step, lane, row)
			origin := int32(row)
			if stratum > 0 {
				parent := s.places[stratum-1].blocks[p/blockLen].row(e.step, lane)
				r.parents = append(r.parents, parent)
				origin = r.before[parent]
			}
			r.origins = append(r.origins, origin)
			r.tokens = append(r.tokens, s.inputs[p])
			r.positions = append(r.positions, int32(p))
			r.blocks = append(r.blocks, blk)
			r.adapters = append(r.adapters, lineage)
		}
		if len(r.tokens) > start {
			r.segments = appendSegment(r.segments, lineage, start, len(r.tokens))
		}
	}
	return len(r.tokens)
}

// appendSegment adds rows to the last segment, if they share its adapter.
func appendSegment(list []segment, a *adapter, start, end int) []segment {
	if n := len(list); n > 0 && list[n-1].adapter == a {
		list[n-1].end = end
		return list
	}
	return append(list, segment{adapter: a, start: start, end: end})
}

// fork makes of the hidden states of a stratum those that the next begins with,
// and reports whether they are others.
func (e *Engine) fork(rows int) bool {
	b, d := &e.batch, e.config.HiddenSize
	same := len(b.x) == rows*d
	for i, parent := range b.parents {
		same = same && int(parent) == i
	}
	if same {
		return false
	}
	next := grow(&b.next, rows*d)
	for i, parent := range b.parents {
		copy(next[i*d:(i+1)*d], b.x[int(parent)*d:])
	}
	b.x, b.next = b.next, b.x
	return true
}

// gatherHeads lists the rows whose logits are needed.
func (e *Engine) gatherHeads(chunks []chunk) {
	b := &e.batch
	b.heads = b.heads[:0]
	for _, c := range chunks {
		blocks := c.seq.places[len(c.seq.places)-1].blocks
		for p := max(c.start, c.seq.wanted); p < c.start+c.n; p++ {
			b.heads = append(b.heads, headRow{seq: c.seq, row: int(blocks[p/blockLen].row(e.step, p%blockLen)), position: p})
		}
	}
}

// computedTo records that the keys and values of s are there up to position n.
func (s *sequence) computedTo(n int) {
	for i := s.computed / blockLen; i*blockLen < n; i++ {
		for _, p := range s.places {
			b := p.blocks[i]
			b.valid = max(b.valid, min(n-i*blockLen, blockLen))
		}
	}
	s.result.Computed += max(min(n, s.prompt)-s.computed, 0)
	s.computed = n
}

// Work is what an engine has computed.
type Work struct {
	Positions int64 // of jobs, each through all layers
	LayerRows int64 // rows × layers that this took: what jobs have in common is computed once
}

// Work says what has been computed since Open.
func (e *Engine) Work() Work { return e.work }
