package model

import (
	"github.com/ailiance/lorabench/model/architecture"
	"github.com/ailiance/lorabench/model/kernel"
)

// linear computes a linear layer of a block for all rows.
func (e *Engine) linear(n int, l architecture.Linear, y, x []float32, rows int) {
	base := &e.decoder.layers[n]
	e.product(base.linear[l], base.bias[l], func(a *adapter) *update { return a.layers[n].linear[l] }, e.batch.segments, y, x, rows)
}

// product computes y = x·Wᵀ + bias for all rows in one pass over the base
// weights, and for each segment what its adapter makes of it.
func (e *Engine) product(w *kernel.Matrix, bias []float32, of func(*adapter) *update, segments []segment, y, x []float32, rows int) {
	out, in := w.Rows(), w.Cols()
	update := func(s segment) *update {
		if s.adapter == nil {
			return nil
		}
		return of(s.adapter)
	}
	// Rows whose weight is not the base's are left out of the pass.
	start := 0
	pass := func(w *kernel.Matrix, start, end int) {
		if end > start {
			e.pool.Mul(w, y[start*out:end*out], out, x[start*in:end*in], in, end-start)
		}
	}
	for _, s := range segments {
		if u := update(s); u != nil && u.weight != nil {
			pass(w, start, s.start)
			pass(u.weight, s.start, s.end)
			start = s.end
		}
	}
	pass(w, start, rows)
	for _, s := range segments {
		u := update(s)
		if u == nil {
			e.addBias(y, bias, s, out)
			continue
		}
		own := bias
		if u.bias != nil {
			own = u.bias
		}
		if u.gain == nil {
			e.addBias(y, own, s, out)
		}
		e.addLowRank(y, x, u.low, s, out, in)
		if u.gain != nil {
			e.pool.Run(s.end-s.start, func(_, i int) { kernel.Multiply(y[(s.start+i)*out:(s.start+i+1)*out], u.gain) })
			e.addBias(y, own, s, out)
		}
		e.setRows(y, x, u.rows, s, out, in)
	}
}

// setRows computes the outputs that have weights of their own.
func (e *Engine) setRows(y, x []float32, own *ownRows, s segment, out, in int) {
	if own == nil {
		return
	}
	rows, n := s.end-s.start, len(own.outputs)
	values := grow(&e.batch.update, rows*n)
	e.pool.Mul(own.weight, values, n, x[s.start*in:s.end*in], in, rows)
	for i := range rows {
		for j, o := range own.outputs {
			y[(s.start+i)*out+int(o)] = values[i*n+j]
		}
	}
}

func (e *Engine) addBias(y, bias []float32, s segment, out int) {
	if bias != nil {
		e.pool.Run(s.end-s.start, func(_, i int) { kernel.Add(y[(s.start+i)*out:(s.start+i+1)*out], bias) })
	}
}

func (e *Engine) addLowRank(y, x []float32, u *lowRank, s segment, out, in int) {
	if u == nil {
		return
	}
	n := s.end - s.start
	low := grow(&e.batch.low, n*u.rank)
	delta := grow(&e.batch.update, n*out)
	e.pool.Mul(u.a, low, u.rank, x[s.start*in:s.end*in], in, n)
	e.pool.Mul(u.b, delta, out, low, u.rank, n)
	scale := float32(u.scale)
	e.pool.Run(n, func(_, i int) {
		kernel.AddScaled(y[(s.start+i)*out:(s.start+i+1)*out], delta[i*out:(i+1)*out], scale)
	})
}
