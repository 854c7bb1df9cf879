package model

import (
	"context"
	"math"
	"slices"

	"github.com/ailiance/lorabench/model/kernel"
)

// probedBase is what the base makes of the probe texts. It is kept while adapters
// are loaded, each of which is compared with it, until a job begins.
type probedBase struct {
	prompts   [][]int32
	rows      [][]float32 // logits of all positions of all prompts, [V] each
	logSumExp []float64   // of rows, nats
}

// row is the index of a position of a prompt in rows.
func (b *probedBase) row(prompt, position int) int {
	for _, tokens := range b.prompts[:prompt] {
		position += len(tokens)
	}
	return position
}

// probeBase computes the base on the probe texts, once for several adapters.
func (e *Engine) probeBase(ctx context.Context) (*probedBase, error) {
	if e.probed != nil {
		return e.probed, nil
	}
	b := &probedBase{prompts: e.probePrompts()}
	n := 0
	for _, tokens := range b.prompts {
		n += len(tokens)
	}
	b.rows, b.logSumExp = make([][]float32, n), make([]float64, n)
	err := e.visitLogits(ctx, b.prompts, func(_, prompt, position int, logits []float32) {
		b.rows[b.row(prompt, position)] = slices.Clone(logits)
	}, nil)
	if err != nil {
		return nil, err
	}
	e.pool.Run(n, func(_, i int) { b.logSumExp[i] = logSumExp(b.rows[i]) })
	e.probed = b
	return b, nil
}

// divergence is how far a row of logits is from the base's.
type divergence struct {
	kl        float64 // KL(base ‖ adapter) of the softmax, nats
	largest   float64 // largest difference of a logit
	notFinite float32 // the first logit that is infinite or NaN, else 0
}

// divergencePart is what a slice of the vocabulary adds to it.
type divergencePart struct {
	divergence                    // kl is Σ p·(x − y) only
	softmax    kernel.SoftmaxPart // of y
}

// divergence compares row i of the base with the adapter's logits, in float64 and
// by slices of the vocabulary:
//
//	KL(p ‖ q) = Σ p·(x − y) + ln Σ exp(y) − ln Σ exp(x),  p = softmax(x)
func (e *Engine) divergence(base *probedBase, i int, logits []float32) divergence {
	parts := make([]divergencePart, e.config.vocabularySlices())
	e.pool.Run(len(parts), func(_, n int) {
		from, to := n*kernel.SliceLen, min((n+1)*kernel.SliceLen, len(logits))
		parts[n] = divergenceOf(base.rows[i][from:to], base.logSumExp[i], logits[from:to])
	})
	var d divergence
	softmax := make([]kernel.SoftmaxPart, len(parts))
	for n, p := range parts {
		softmax[n] = p.softmax
		d.kl += p.kl
		d.largest = max(d.largest, p.largest)
		if d.notFinite == 0 {
			d.notFinite = p.notFinite
		}
	}
	_, logSumExp := kernel.Softmax(softmax)
	d.kl = max(d.kl+(logSumExp-base.logSumExp[i]), 0)
	return d
}

// divergenceOf compares a slice of logits of the base, x, with the adapter's, y.
// logSumExp is that of the base's whole row.
func divergenceOf(x []float32, logSumExp float64, y []float32) divergencePart {
	p := divergencePart{softmax: softmaxPart(y)}
	for j, v := range x {
		w := y[j]
		if w-w != 0 {
			p.notFinite = w
			return p
		}
		difference := float64(v) - float64(w)
		p.largest = max(p.largest, math.Abs(difference))
		p.kl += float64(math.Exp(float64(v)-logSumExp) * difference)
	}
	return p
}

// logSumExp is ln Σ exp of a row of logits, in nats.
func logSumExp(row []float32) float64 {
	var parts []kernel.SoftmaxPart
	for slice := range slices.Chunk(row, kernel.SliceLen) {
		parts = append(parts, softmaxPart(slice))
	}
	_, sum := kernel.Softmax(parts)
	return sum
}

// softmaxPart is kernel.PartOf with exponentials in float64: of two distributions
// that are close, the divergence is a small difference of sums.
func softmaxPart(slice []float32) kernel.SoftmaxPart {
	p := kernel.SoftmaxPart{Max: slices.Max(slice)}
	for _, x := range slice {
		p.Sum += math.Exp(float64(x) - float64(p.Max))
	}
	return p
}
