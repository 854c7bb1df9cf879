package model

import (
	"context"
	"slices"
)

// rowSet is the rows of a stratum in a step: a row for each position of each
// lineage, however many sequences need it.
type rowSet struct {
	tokens, positions []int32
	adapters          []*adapter // of each row; nil where it is as the base's
	blocks            []*block   // where the rows' keys and values go
	segments          []segment
	chunks            []chunk // whose rows these are, in their order; of rows that several need, the first
	wanted            []chunk // of which these are the rows
	parents           []int32 // the row before that each comes from
	origins, before   []int32 // the row of the first stratum that each comes from; those of the rows before
}

// segment is a run of rows that share an adapter.
type segment struct {
	adapter    *adapter
	start, end int
}

// forward computes the rows of chunks, stores their keys and values, and hands
// the verdict of the rows that are wanted to accept. Where strata meet, rows that
// were shared become a row of each variant. Behind the last keys and values only
// the rows go on whose logits are wanted.
func (e *Engine) forward(ctx context.Context, chunks []chunk) error {
	cfg, b := e.config, &e.batch
	layerRows, left, last := int64(0), int64(0), cfg.lastKeyValues()
	if !slices.ContainsFunc(chunks, func(c chunk) bool { return c.start < c.seq.wanted }) {
		last = len(cfg.Layers) // all are wanted
	}
	for i, st := range e.cache.layout.strata {
		rows := e.gather(i, i-1, chunks, last < st.from)
		layerRows += int64(rows * (st.to - st.from))
		if i == 0 {
			e.embed(grow(&b.x, rows*cfg.HiddenSize), rows)
			e.turn(rows)
			if cfg.PerLayerInput > 0 {
				if err := e.perLayerInputs(b.x, rows); err != nil {
					return err
				}
			}
		} else {
			e.fork(rows)
		}
		for n := st.from; n < st.to; n++ {
			if err := context.Cause(ctx); err != nil {
				return err
			}
			if n == last {
				e.keysValues(n, b.x, rows)
				before := rows
				rows = e.gather(i, i, chunks, true)
				left += int64((before - rows) * (st.to - n))
				e.fork(rows)
			}
			if rows == 0 {
				continue
			}
			e.attention(n, b.chunks, b.x, rows, n == last)
			e.feedForward(n, b.x, rows)
			e.finishLayer(n, b.x, rows)
		}
	}
	e.gatherHeads(chunks)
	if err := e.score(ctx, b.x); err != nil {
		return err
	}
	e.work.LayerRows += layerRows
	e.work.Left += left
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

// lastKeyValues is the last layer that has keys and values of its own.
func (c config) lastKeyValues() int {
	n := len(c.Layers) - 1
	for c.Layers[n].KeyValueLayer != n {
		n--
	}
	return n
}

// gather lists the rows of a stratum that chunks need, or those of them whose
// logits are wanted, and returns their number. The rows of stratum below become
// these; where it is -1 there are none.
func (e *Engine) gather(stratum, below int, chunks []chunk, wanted bool) int {
	r := &e.batch.rowSet
	r.origins, r.before = r.before[:0], r.origins
	r.tokens, r.positions, r.adapters, r.blocks = r.tokens[:0], r.positions[:0], r.adapters[:0], r.blocks[:0]
	r.segments, r.chunks, r.parents, r.wanted = r.segments[:0], r.chunks[:0], r.parents[:0], r.wanted[:0]
	for _, c := range chunks {
		if wanted {
			skip := min(max(c.seq.wanted-c.start, 0), c.n)
			c.start, c.n = c.start+skip, c.n-skip
		}
		r.wanted = append(r.wanted, c)
		for p := c.start; below >= 0 && p < c.start+c.n; p++ {
			r.parents = append(r.parents, c.seq.places[below].row(e.stamp, p))
		}
	}
	e.stamp++
	at := 0 // of parents
	for _, c := range r.wanted {
		s := c.seq
		lineage := s.lineage(e.cache.layout.strata[stratum])
		start := len(r.tokens)
		open := false // the last of r.chunks goes on
		for p := c.start; p < c.start+c.n; p++ {
			row := len(r.tokens)
			origin := int32(row)
			if below >= 0 {
				parent := r.parents[at]
				origin = r.before[parent]
				r.parents[row] = parent // row ≤ at
				at++
			}
			blk, lane := s.places[stratum].blocks[p/blockLen], p%blockLen
			if blk.row(e.stamp, lane) >= 0 {
				open = false
				continue
			}
			if !open {
				r.chunks = append(r.chunks, chunk{seq: s, start: p})
				open = true
			}
			r.chunks[len(r.chunks)-1].n++
			blk.setRow(e.stamp, lane, row)
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
	if below >= 0 {
		r.parents = r.parents[:len(r.tokens)]
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

// fork makes of the rows' parents' hidden states the rows' own.
func (e *Engine) fork(rows int) {
	b, d := &e.batch, e.config.HiddenSize
	same := len(b.x) == rows*d
	for i, parent := range b.parents {
		same = same && int(parent) == i
	}
	if same {
		return
	}
	next := grow(&b.next, rows*d)
	for i, parent := range b.parents {
		copy(next[i*d:(i+1)*d], b.x[int(parent)*d:])
	}
	b.x, b.next = b.next, b.x
	e.turn(rows)
}

// gatherHeads lists the rows whose logits are needed.
func (e *Engine) gatherHeads(chunks []chunk) {
	b := &e.batch
	b.heads = b.heads[:0]
	for _, c := range chunks {
		top := &c.seq.places[len(c.seq.places)-1]
		for p := max(c.start, c.seq.wanted); p < c.start+c.n; p++ {
			b.heads = append(b.heads, headRow{seq: c.seq, row: int(top.row(e.stamp, p)), position: p})
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
	Left      int64 // of these, behind the last keys and values, those of rows that nobody reads: not computed
}

// Work says what has been computed since Open.
func (e *Engine) Work() Work { return e.work }
