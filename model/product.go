package model

import (
	"runtime"
	"sync/atomic"

	"github.com/ailiance/lorabench/model/architecture"
	"github.com/ailiance/lorabench/model/kernel"
)

// projection is one of the linear layers that read the same rows.
type projection struct {
	weight *kernel.Matrix // [out, in]
	bias   []float32      // [out]; nil: none
	y      []float32      // [rows, out]
	unit   int            // the first of its units of columns
}

// shrink is a part of the products low = A·x: some rows of a segment, some rows
// of an A.
type shrink struct {
	a      *kernel.Matrix
	y, x   []float32
	rows   int
	n0, n1 int
}

// expand is where a segment's part of low for a projection lies.
type expand struct {
	update *update
	low    []float32 // of the segment's first row
	width  int       // floats from one row of it to the next
}

// products computes linear layers that read the same rows x in one pass over the
// base weights, and for each segment what its adapter makes of them. All of it is
// shared out at once: first the shrinks, A·x, then items of some rows by some
// columns of y. Of these an item multiplies the base weights and adds B·low while
// the columns are in the cache. An A that several layers share is multiplied once.
//
// Every number is computed as where it is alone: the order of its sums does not
// depend on how the work is cut.
type products struct {
	pool *kernel.Pool
	item func(worker, i int) // do, made once

	x          []float32 // [rows, in]
	ready      kernel.Rows
	in, rows   int
	layers     []projection
	segments   []segment
	expands    []expand // [segments][layers]
	changed    bool     // some update is not nil
	shrinks    []shrink
	low        []float32
	activation func(r0, r1, c0, c1 int) // of the columns of an item, or nil

	units, rowParts, colParts int
	left                      atomic.Int64 // shrinks that are not done
}

// unitColumns is what columns are shared out in: a panel.
const unitColumns = 16

// itemWork is the number of multiplications that an item should have at least, so
// that a thread reads a long stretch of weights.
const itemWork = 1 << 19

// output is where the rows of a linear layer go.
type output struct {
	layer architecture.Linear
	y     []float32
}

// linear computes linear layers of a block, which read the same rows. Where there
// is an activation their columns are computed side by side, and it is called for
// some rows and columns of them when they are there.
func (e *Engine) linear(n int, x []float32, rows int, activation func(r0, r1, c0, c1 int), outputs ...output) {
	p, base := &e.batch.products, &e.decoder.layers[n]
	p.layers = p.layers[:0]
	for _, o := range outputs {
		p.layers = append(p.layers, projection{weight: base.linear[o.layer], bias: base.bias[o.layer], y: o.y})
	}
	p.segments, p.activation = e.batch.segments, activation
	p.expands = p.expands[:0]
	for _, s := range p.segments {
		for _, o := range outputs {
			var u *update
			if s.adapter != nil {
				u = s.adapter.layers[n].linear[o.layer]
			}
			p.expands = append(p.expands, expand{update: u})
		}
	}
	e.compute(x, rows)
}

// product computes one linear layer, of which the adapters' updates are of.
func (e *Engine) product(w *kernel.Matrix, bias []float32, of func(*adapter) *update, segments []segment, y, x []float32, rows int) {
	p := &e.batch.products
	p.layers = append(p.layers[:0], projection{weight: w, bias: bias, y: y})
	p.segments, p.activation = segments, nil
	p.expands = p.expands[:0]
	for _, s := range segments {
		var u *update
		if s.adapter != nil {
			u = of(s.adapter)
		}
		p.expands = append(p.expands, expand{update: u})
	}
	e.compute(x, rows)
}

// compute computes what is set in e.batch.products.
func (e *Engine) compute(x []float32, rows int) {
	p := &e.batch.products
	if p.item == nil {
		p.pool, p.item = e.pool, p.do
	}
	p.x, p.in, p.rows = x, p.layers[0].weight.Cols(), rows
	p.ready.Prepare(p.pool, x, p.in, rows, p.weights)
	p.planShrinks()
	items, work := p.planItems()
	if items += len(p.shrinks); work < kernel.MinWork {
		for i := range items {
			p.do(0, i)
		}
	} else {
		p.pool.Run(items, p.item)
	}
	for s := range p.segments {
		for l := range p.layers {
			if u := p.expands[s*len(p.layers)+l].update; u != nil && u.rows != nil {
				e.setRows(&p.layers[l], u.rows, p.segments[s])
			}
		}
	}
}

// weights are the base weights of the layers.
func (p *products) weights(yield func(*kernel.Matrix) bool) {
	for i := range p.layers {
		if !yield(p.layers[i].weight) {
			return
		}
	}
}

// planShrinks lists the shrinks and where their results go.
func (p *products) planShrinks() {
	p.shrinks, p.changed = p.shrinks[:0], false
	size := 0
	p.eachA(func(s segment, a *kernel.Matrix, _ []expand) { size += (s.end - s.start) * a.Rows() })
	low := grow(&p.low, size)
	p.eachA(func(s segment, a *kernel.Matrix, sharing []expand) {
		rows, width := s.end-s.start, a.Rows()
		for i := range sharing {
			if u := sharing[i].update; u != nil && u.low != nil && u.low.a == a {
				sharing[i].low, sharing[i].width = low[u.low.first:], width
			}
		}
		for r := 0; r < rows; r += kernel.RowChunk / 2 {
			for c := 0; c < width; c += shrinkColumns {
				p.shrinks = append(p.shrinks, shrink{
					a: a, y: low[r*width:], x: p.x[(s.start+r)*p.in:],
					rows: min(kernel.RowChunk/2, rows-r), n0: c, n1: min(c+shrinkColumns, width),
				})
			}
		}
		low = low[rows*width:]
	})
	p.left.Store(int64(len(p.shrinks)))
}

// eachA calls visit for each A of each segment, with those that may share it.
func (p *products) eachA(visit func(s segment, a *kernel.Matrix, sharing []expand)) {
	for i, s := range p.segments {
		list := p.expands[i*len(p.layers):][:len(p.layers)]
		var last *kernel.Matrix
		for l, x := range list {
			if x.update == nil {
				continue
			}
			p.changed = true
			if low := x.update.low; low != nil && low.a != last {
				last = low.a
				visit(s, last, list[l:])
			}
		}
	}
}

// shrinkColumns is how many columns of A·x are shared out at a time.
const shrinkColumns = 64

// planItems cuts rows and columns and returns the number of items, and of
// multiplications. Four items a thread even out what else the machine does.
func (p *products) planItems() (items, work int) {
	p.units = 0
	for i := range p.layers {
		l := &p.layers[i]
		units := (l.weight.Rows() + unitColumns - 1) / unitColumns
		work += p.rows * p.in * l.weight.Rows()
		if p.activation == nil {
			l.unit = p.units
			p.units += units
		} else { // side by side
			l.unit, p.units = 0, units
		}
	}
	threads := p.pool.Threads()
	p.rowParts = max(1, (p.rows+kernel.RowChunk-1)/kernel.RowChunk)
	most := threads * min(4, max(1, work/(threads*itemWork)))
	p.colParts = min(p.units, max(1, (most+p.rowParts-1)/p.rowParts))
	if threads == 1 {
		p.colParts = min(p.colParts, (p.rows+15)/16) // for the cache only
	} else if p.rowParts*p.colParts < 2*threads && p.rows >= 12*threads {
		p.rowParts = min(p.rows/6, 2*threads)
	}
	return p.rowParts * p.colParts, work
}

// do is an item: a shrink, or some rows by some columns.
func (p *products) do(worker, i int) {
	scratch := p.pool.Scratch(worker)
	if i < len(p.shrinks) {
		defer p.left.Add(-1) // whatever happens, as others wait for it
		s := &p.shrinks[i]
		s.a.MulLow(s.y, s.a.Rows(), s.x, p.in, s.rows, s.n0, s.n1, scratch)
		return
	}
	i -= len(p.shrinks)
	r, c := i/p.colParts, i%p.colParts
	r0, r1 := r*p.rows/p.rowParts, (r+1)*p.rows/p.rowParts
	u0, u1 := c*p.units/p.colParts, (c+1)*p.units/p.colParts
	for l := range p.layers {
		if n0, n1 := p.layers[l].columns(u0, u1); n0 < n1 {
			p.multiply(l, r0, r1, n0, n1, scratch)
		}
	}
	for p.left.Load() > 0 { // begun before by others, as items are
		runtime.Gosched()
	}
	for l := range p.layers {
		if n0, n1 := p.layers[l].columns(u0, u1); n0 < n1 {
			p.adapt(l, r0, r1, n0, n1)
		}
	}
	if p.activation != nil {
		if n0, n1 := p.layers[0].columns(u0, u1); n0 < n1 {
			p.activation(r0, r1, n0, n1)
		}
	}
}

// columns are those of the layer in the units [u0, u1).
func (l *projection) columns(u0, u1 int) (n0, n1 int) {
	return max(0, u0-l.unit) * unitColumns, min((u1-l.unit)*unitColumns, l.weight.Rows())
}

// multiply multiplies rows by columns of the base weights, or of weights that
// stand in for them.
func (p *products) multiply(l, r0, r1, n0, n1 int, scratch *kernel.Scratch) {
	layer := &p.layers[l]
	out := layer.weight.Rows()
	pass := func(w *kernel.Matrix, start, end int) {
		if start, end = max(start, r0), min(end, r1); start < end {
			w.MulRows(layer.y[start*out:], out, &p.ready, start, end-start, n0, n1, scratch)
		}
	}
	start := 0
	if p.changed {
		for s, seg := range p.segments {
			if u := p.expands[s*len(p.layers)+l].update; u != nil && u.weight != nil {
				pass(layer.weight, start, seg.start)
				pass(u.weight, seg.start, seg.end)
				start = seg.end
			}
		}
	}
	pass(layer.weight, start, p.rows)
}

// adapt adds biases and what adapters make of rows and columns.
func (p *products) adapt(l, r0, r1, n0, n1 int) {
	layer := &p.layers[l]
	if !p.changed {
		layer.addBias(layer.bias, r0, r1, n0, n1)
		return
	}
	out := layer.weight.Rows()
	for s, seg := range p.segments {
		start, end := max(seg.start, r0), min(seg.end, r1)
		if start >= end {
			continue
		}
		x := &p.expands[s*len(p.layers)+l]
		u, bias := x.update, layer.bias
		if u == nil {
			layer.addBias(bias, start, end, n0, n1)
			continue
		}
		if u.bias != nil {
			bias = u.bias
		}
		if u.gain == nil {
			layer.addBias(bias, start, end, n0, n1)
		}
		if u.low != nil {
			low := x.low[(start-seg.start)*x.width:]
			u.low.b.AddScaledMul(layer.y[start*out:], out, low, x.width, end-start, n0, n1, float32(u.low.scale))
		}
		if u.gain != nil {
			for i := start; i < end; i++ {
				kernel.Multiply(layer.y[i*out+n0:i*out+n1], u.gain[n0:n1])
			}
			layer.addBias(bias, start, end, n0, n1)
		}
	}
}

func (l *projection) addBias(bias []float32, r0, r1, n0, n1 int) {
	if bias == nil {
		return
	}
	out := l.weight.Rows()
	for i := r0; i < r1; i++ {
		kernel.Add(l.y[i*out+n0:i*out+n1], bias[n0:n1])
	}
}

// setRows computes the outputs that have weights of their own.
func (e *Engine) setRows(l *projection, own *ownRows, s segment) {
	p := &e.batch.products
	rows, n, out := s.end-s.start, len(own.outputs), l.weight.Rows()
	values := grow(&e.batch.update, rows*n)
	e.pool.Mul(own.weight, values, n, p.x[s.start*p.in:s.end*p.in], p.in, rows)
	for i := range rows {
		for j, o := range own.outputs {
			l.y[(s.start+i)*out+int(o)] = values[i*n+j]
		}
	}
}
