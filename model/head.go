package model

import (
	"context"
	"slices"

	"github.com/ailiance/lorabench/model/kernel"
)

// headRow is a row whose logits are needed.
type headRow struct {
	seq      *sequence
	row      int
	position int
}

// whole reports whether more is asked of the logits than the likeliest token and
// the log-probability of one.
func (h headRow) whole() bool {
	s := h.seq
	return s.capture != nil || s.job.Scored == 0 && !s.job.Sampling.greedy()
}

// headRows is how many rows are multiplied at once by a slice of the output layer:
// enough that widening its weights is shared, and few enough that their logits stay
// in the second cache (256 KiB).
const headRows = 64

// wholeFloats is how many logits are kept where whole rows are needed: those of
// so many rows as fit, and of wholeRows at least.
const (
	wholeFloats = 1 << 21
	wholeRows   = 8
)

// score makes the verdicts on the wanted rows. Where a token is scored, or the
// likeliest is taken, the vocabulary goes by in slices, of which only kernel.SoftmaxPart
// and the logit of that token are kept. Rows that are needed whole come after the
// others, a few at a time.
func (e *Engine) score(ctx context.Context, x []float32) error {
	b := &e.batch
	slices.SortStableFunc(b.heads, func(a, b headRow) int {
		switch {
		case a.whole() == b.whole():
			return 0
		case a.whole():
			return 1
		}
		return -1
	})
	b.verdicts = slices.Grow(b.verdicts[:0], len(b.heads))[:len(b.heads)]
	first := slices.IndexFunc(b.heads, headRow.whole)
	if first < 0 {
		first = len(b.heads)
	}
	if err := e.scoreSlices(ctx, x, b.heads[:first]); err != nil {
		return err
	}
	most := e.config.wholeRows()
	for start := first; start < len(b.heads); start += most {
		if err := e.scoreWhole(ctx, x, start, min(start+most, len(b.heads))); err != nil {
			return err
		}
	}
	return nil
}

// wholeRows is how many rows of logits are kept at most.
func (c config) wholeRows() int { return min(max(wholeRows, wholeFloats/c.VocabSize), headRows) }

// scoreSlices makes the verdicts on rows that need a token each.
func (e *Engine) scoreSlices(ctx context.Context, x []float32, heads []headRow) error {
	p := e.headPass(x, heads)
	if err := e.runSlices(ctx, p, nil); err != nil {
		return err
	}
	for i, h := range heads {
		v, lse := p.verdict(i)
		if h.seq.job.Scored > 0 {
			v.set(p.tokens[i], p.logits[i], lse)
		} else if v.best >= 0 {
			v.set(v.best, p.largest(i, v.best), lse)
		}
		e.batch.verdicts[i] = v
	}
	return nil
}

// scoreWhole makes the verdicts on the rows [start, end) of batch.heads from all of
// their logits.
func (e *Engine) scoreWhole(ctx context.Context, x []float32, start, end int) error {
	b, vocab := &e.batch, e.config.VocabSize
	heads := b.heads[start:end]
	logits := grow(&b.logits, len(heads)*vocab)
	p := e.headPass(x, heads)
	if err := e.runSlices(ctx, p, logits); err != nil {
		return err
	}
	e.pool.Run(len(heads), func(worker, i int) {
		h, row := heads[i], logits[i*vocab:(i+1)*vocab]
		v, lse := p.verdict(i)
		if h.seq.capture == nil && v.best >= 0 && lse-lse == 0 {
			if token := b.samplers[worker].choose(h.seq, h.position, row, v.best); token >= 0 {
				v.set(token, row[token], lse)
			}
		}
		b.verdicts[start+i] = v
	})
	for i, h := range heads {
		if h.seq.capture != nil {
			h.seq.capture(h.position, logits[i*vocab:(i+1)*vocab])
		}
	}
	return nil
}

// verdict is what is kept of a row of logits.
type verdict struct {
	best    int32   // the likeliest token
	token   int32   // the one that is scored, or generated
	logProb float64 // of token
	finite  bool
}

// set is the verdict on a token, by its logit and the row's log-sum-exp.
func (v *verdict) set(token int32, logit float32, logSumExp float64) {
	v.token = token
	v.logProb = float64(logit) - logSumExp
	v.finite = v.logProb-v.logProb == 0
}

// headPass is the output layer over some rows.
type headPass struct {
	rows   int
	slices int
	normed []float32            // [rows][d]
	ready  kernel.Rows          // of normed
	parts  []kernel.SoftmaxPart // [rows][slices]
	tokens []int32              // of each row, the one whose logit is wanted; -1: none
	logits []float32            // of tokens
	groups []headGroup

	segments []segment
	shrunk   []float32   // low and own of all groups
	slice    [][]float32 // of threads: logits of a slice
}

// headGroup are rows whose adapter changes the output layer.
type headGroup struct {
	update     *update
	start, end int       // rows
	low        []float32 // A·x, [end-start][rows of A]
	own        []float32 // of outputs with weights of their own, [end-start][len(update.rows.outputs)]
}

// headPass prepares a pass: it norms the rows of x and computes what of adapters
// is not by slices.
func (e *Engine) headPass(x []float32, heads []headRow) *headPass {
	cfg, b := e.config, &e.batch
	d := cfg.HiddenSize
	p := &b.head
	p.rows, p.slices = len(heads), cfg.vocabularySlices()
	normed := grow(&p.normed, p.rows*d)
	e.pool.Run(p.rows, func(_, i int) {
		r, weight := heads[i].row, e.decoder.norm
		if a := heads[i].seq.adapter; a != nil && a.norm != nil {
			weight = a.norm
		}
		kernel.RMSNorm(normed[i*d:(i+1)*d], x[r*d:(r+1)*d], weight, cfg.eps)
	})
	p.ready.Prepare(e.pool, normed, d, p.rows, func(yield func(*kernel.Matrix) bool) { yield(e.decoder.head) })
	grow(&p.logits, p.rows)
	p.parts = slices.Grow(p.parts[:0], p.rows*p.slices)[:p.rows*p.slices]
	p.tokens, p.groups = p.tokens[:0], p.groups[:0]
	p.segments = p.segments[:0]
	for i, h := range heads {
		token := int32(-1)
		if h.seq.job.Scored > 0 {
			token = h.seq.job.Tokens[h.position+1]
		}
		p.tokens = append(p.tokens, token)
		p.segments = appendSegment(p.segments, h.seq.adapter, i, i+1)
	}
	need := 0
	for _, s := range p.segments {
		if s.adapter == nil || s.adapter.head == nil {
			continue
		}
		g := headGroup{update: s.adapter.head, start: s.start, end: s.end}
		p.groups = append(p.groups, g)
		need += (g.end - g.start) * (g.shrinks() + g.outputs())
	}
	free := grow(&p.shrunk, need)
	for i := range p.groups {
		g := &p.groups[i]
		n, x := g.end-g.start, normed[g.start*d:]
		if r := g.shrinks(); r > 0 {
			g.low, free = free[:n*r], free[n*r:]
			e.pool.Mul(g.update.low.a, g.low, r, x, d, n)
		}
		if r := g.outputs(); r > 0 {
			g.own, free = free[:n*r], free[n*r:]
			e.pool.Mul(g.update.rows.weight, g.own, r, x, d, n)
		}
	}
	return p
}

func (g *headGroup) shrinks() int {
	if g.update.low == nil {
		return 0
	}
	return g.update.low.a.Rows()
}

func (g *headGroup) outputs() int {
	if g.update.rows == nil {
		return 0
	}
	return len(g.update.rows.outputs)
}

// vocabularySlices is the number of slices of kernel.SliceLen logits.
func (c config) vocabularySlices() int { return (c.VocabSize + kernel.SliceLen - 1) / kernel.SliceLen }

// runSlices computes the slices of the vocabulary, shared out to threads, for all
// rows of p. Logits go to keep, [rows][V], where it is not nil.
func (e *Engine) runSlices(ctx context.Context, p *headPass, keep []float32) error {
	if p.rows == 0 {
		return nil
	}
	vocab := e.config.VocabSize
	e.pool.Run(p.slices, func(worker, n int) {
		c0 := n * kernel.SliceLen
		c1 := min(c0+kernel.SliceLen, vocab)
		for r0 := 0; r0 < p.rows; r0 += headRows {
			if ctx.Err() != nil {
				return
			}
			r1 := min(r0+headRows, p.rows)
			var y []float32
			ldy := vocab
			if keep != nil {
				y = keep[r0*vocab+c0:]
			} else {
				ldy = c1 - c0
				y = grow(&p.slice[worker], (r1-r0)*ldy)
			}
			e.headSlice(p, y, ldy, r0, r1, c0, c1, worker)
			for i := r0; i < r1; i++ {
				row := y[(i-r0)*ldy:][:c1-c0]
				e.config.finishLogits(row)
				p.parts[i*p.slices+n] = kernel.PartOf(row)
				if t := int(p.tokens[i]); t >= c0 && t < c1 {
					p.logits[i] = row[t-c0]
				}
			}
		}
	})
	return context.Cause(ctx)
}

// headSlice computes the logits [c0, c1) of the rows [r0, r1) with what adapters
// make of them, y [r1-r0][ldy]. The sums are those of Engine.product.
func (e *Engine) headSlice(p *headPass, y []float32, ldy, r0, r1, c0, c1, worker int) {
	n, scratch := c1-c0, e.pool.Scratch(worker)
	mul := func(w *kernel.Matrix, start, end int) {
		if end > start {
			part := w.Outputs(c0, c1)
			part.MulRows(y[(start-r0)*ldy:], ldy, &p.ready, start, end-start, 0, n, scratch)
		}
	}
	// Rows whose weight is not the base's are left out of the pass.
	start := r0
	for _, g := range p.groups {
		if s, t := max(g.start, r0), min(g.end, r1); s < t && g.update.weight != nil {
			mul(e.decoder.head, start, s)
			mul(g.update.weight, s, t)
			start = t
		}
	}
	mul(e.decoder.head, start, r1)
	for i := range p.groups {
		g := &p.groups[i]
		if s, t := max(g.start, r0), min(g.end, r1); s < t {
			g.updateSlice(y[(s-r0)*ldy:], ldy, s-g.start, t-g.start, c0, c1)
		}
	}
}

// updateSlice changes the logits [c0, c1) of the rows [r0, r1) of g as their
// adapter says, y [r1-r0][ldy].
func (g *headGroup) updateSlice(y []float32, ldy, r0, r1, c0, c1 int) {
	u, n := g.update, c1-c0
	if u.gain == nil {
		g.addBias(y, ldy, r1-r0, c0, c1)
	}
	if u.low != nil {
		part, width := u.low.b.Outputs(c0, c1), g.shrinks()
		part.AddScaledMul(y, ldy, g.low[r0*width+u.low.first:], width, r1-r0, 0, n, float32(u.low.scale))
	}
	if u.gain != nil {
		for i := range r1 - r0 {
			kernel.Multiply(y[i*ldy:][:n], u.gain[c0:c1])
		}
		g.addBias(y, ldy, r1-r0, c0, c1)
	}
	if u.rows == nil {
		return
	}
	for j, o := range u.rows.outputs {
		if o := int(o); o >= c0 && o < c1 {
			for i := range r1 - r0 {
				y[i*ldy+o-c0] = g.own[(r0+i)*len(u.rows.outputs)+j]
			}
		}
	}
}

func (g *headGroup) addBias(y []float32, ldy, rows, c0, c1 int) {
	if g.update.bias == nil {
		return
	}
	for i := range rows {
		kernel.Add(y[i*ldy:][:c1-c0], g.update.bias[c0:c1])
	}
}

// verdict is what the slices of row i say: the likeliest token, and log Σ exp.
func (p *headPass) verdict(i int) (verdict, float64) {
	best, lse := kernel.Softmax(p.parts[i*p.slices : (i+1)*p.slices])
	return verdict{best: best}, lse
}

// largest is the logit of the likeliest token of row i.
func (p *headPass) largest(i int, best int32) float32 {
	return p.parts[i*p.slices+int(best)/kernel.SliceLen].Max
}

// finishLogits divides and bounds logits, in an architecture that does.
func (c config) finishLogits(logits []float32) {
	if divisor := float32(c.LogitDivisor); divisor != 1 {
		kernel.Divide(logits, divisor)
	}
	if c.LogitSoftcap > 0 {
		kernel.Softcap(logits, float32(c.LogitSoftcap))
	}
}
