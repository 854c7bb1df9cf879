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

// headRows is how many rows of logits are computed at once: enough that widening
// the weights of the output layer is shared.
const headRows = 64

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
	b := &e.batch
	b.headSegments = b.headSegments[:0]
	for i, h := range part {
		b.headSegments = appendSegment(b.headSegments, h.seq.adapter, i, i+1)
	}
	e.product(e.decoder.head, nil, func(a *adapter) *update { return a.head }, b.headSegments, logits, normed, len(part))
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
