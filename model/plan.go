package model

import (
	"cmp"
	"slices"
	"strings"
)

// stepRows is what one pass over the weights computes: as much as so many rows
// through all layers are. More rows do not make products faster, and their hidden
// states leave the cache: 256 took a sixth longer a token than 128 or 192.
const stepRows = 192

// stratumRows is the most rows of one stratum. Rows that are shared below take
// little of stepRows, and the layers above may then have more of them.
const stratumRows = 3 * stepRows

// chunk is the part of a sequence that one step computes, or the rows of a stratum
// for a part of it.
type chunk struct {
	seq      *sequence
	start, n int // positions
}

// compareVariants orders sequences so that the rows of an adapter lie together,
// and before them those of the base, in every stratum.
func compareVariants(a, b *sequence) int {
	switch {
	case a.adapter == b.adapter:
		return 0
	case a.adapter == nil:
		return -1
	case b.adapter == nil:
		return 1
	}
	return cmp.Or(cmp.Compare(b.first, a.first), strings.Compare(a.adapter.name, b.adapter.name))
}

// planner shares out a step.
type planner struct {
	chunks []chunk
	left   int   // rows × layers
	rows   []int // of each stratum
	group  []*sequence
	counts []int // of each stratum
}

// plan chooses the rows of a step: the next token of every generation first,
// then prompts in order of admission. Jobs of a bundle that are in step stay so.
func (e *Engine) plan() []chunk {
	p := &e.planner
	p.chunks, p.left = p.chunks[:0], stepRows*e.config.NumHiddenLayers
	p.rows = append(p.rows[:0], make([]int, len(e.cache.layout.strata))...)
	p.counts = append(p.counts[:0], p.rows...)
	e.step++
	for _, decoding := range []bool{true, false} {
		for _, s := range e.active {
			if s.planned == e.step || (len(s.inputs)-s.computed == 1) != decoding {
				continue
			}
			if !e.planGroup(s) && !decoding {
				break
			}
		}
	}
	slices.SortStableFunc(p.chunks, func(a, b chunk) int { return compareVariants(a.seq, b.seq) })
	return p.chunks
}

// planGroup plans as many positions as there is room for, of s and all that are
// in step with it, and reports whether there was room.
func (e *Engine) planGroup(s *sequence) bool {
	p := &e.planner
	p.group = p.group[:0]
	for _, o := range s.bundle.active {
		if o.computed == s.computed && len(o.inputs) == len(s.inputs) && o.planned != e.step {
			p.group = append(p.group, o)
		}
	}
	n := e.planPositions(s.computed, len(s.inputs))
	for n == 0 && len(p.chunks) == 0 && len(p.group) > 1 { // more than a step has room for
		p.group = p.group[:len(p.group)/2]
		n = e.planPositions(s.computed, len(s.inputs))
	}
	if n == 0 {
		return false
	}
	for _, o := range p.group {
		o.planned = e.step
		p.chunks = append(p.chunks, chunk{seq: o, start: s.computed, n: n})
	}
	return true
}

// planPositions takes room for as many positions of the group from start to end
// as fit, and returns their number. What other chunks of the step share with the
// group is not known yet, and counts twice.
func (e *Engine) planPositions(start, end int) int {
	p := &e.planner
	at := start
	for at < end {
		cost := 0
		for i, st := range e.cache.layout.strata {
			stamp := e.cache.tick()
			p.counts[i] = 0
			for _, s := range p.group {
				if b := s.places[i].blocks[at/blockLen]; b.counted != stamp {
					b.counted = stamp
					p.counts[i]++
				}
			}
			cost += p.counts[i] * (st.to - st.from)
		}
		most := min((at/blockLen+1)*blockLen, end) - at
		n := min(most, p.left/cost)
		for i, rows := range p.rows {
			n = min(n, (stratumRows-rows)/p.counts[i])
		}
		p.left -= n * cost
		for i := range p.rows {
			p.rows[i] += n * p.counts[i]
		}
		at += n
		if n < most {
			break
		}
	}
	return at - start
}
