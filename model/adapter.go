package model

import (
	"slices"

	"github.com/ailiance/lorabench/model/architecture"
	"github.com/ailiance/lorabench/model/kernel"
)

// adapter is what stands beside the base weights for one variant.
type adapter struct {
	name    string
	format  string // "PEFT LoRA", "MLX DoRA", …
	tensors int    // of its file that are used: all that text reaches
	skipped int    // of its file that belong to parts that see or hear
	hash    string

	layers             []layerUpdate // [NumHiddenLayers]
	embed              *embedUpdate  // nil: the base's
	head               *update
	perLayerProjection *update
	norm, perLayerNorm []float32 // nil: the base's
}

// layerUpdate is what an adapter changes of a block. What is nil is the base's.
type layerUpdate struct {
	linear  [architecture.NumLinears]*update
	vectors [architecture.NumBlockVectors][]float32
	xielu   *xielu
}

// update is what an adapter makes of a linear layer y = W·x + bias:
//
//	y = gain ⊙ (W·x + scale·B·(A·x)) + bias
//
// where what is nil is left out, and W and bias are the base's or stand in for
// them. Without a gain the bias is added before the low-rank part, as where
// there is no adapter. Single outputs may have a row of weights of their own,
// which nothing else is added to.
//
// Sources: Hu et al. 2021, "LoRA", §4.1, https://arxiv.org/abs/2106.09685; Liu
// et al. 2024, "DoRA", §4.1, https://arxiv.org/abs/2402.09353.
type update struct {
	weight *kernel.Matrix // [out, in]; nil: the base's
	low    *lowRank
	gain   []float32 // [out]: DoRA's magnitude over the norm of each row of W + scale·B·A
	bias   []float32 // [out]; nil: the base's
	rows   *ownRows
}

// ownRows are the weights of single outputs: those of retrained tokens in the
// output layer.
type ownRows struct {
	outputs []int32
	weight  *kernel.Matrix // [len(outputs), in]
}

// lowRank is the update y += scale · B · (A · x).
type lowRank struct {
	a, b  *kernel.Matrix // [≥ first+r, in], [out, r]
	first int            // the row of a that is the first of A; the others are of layers that read the same rows
	rank  int
	scale float64
}

// down writes row k of A.
func (l *lowRank) down(k int, row []float32) { l.a.Row(l.first+k, row) }

// sharedInputs are the linear layers of a block that read the same rows.
var sharedInputs = [][]architecture.Linear{
	{architecture.QProj, architecture.KProj, architecture.VProj},
	{architecture.GateProj, architecture.UpProj},
}

// share makes one matrix of the A's of layers that read the same rows.
func (u *layerUpdate) share() {
	for _, group := range sharedInputs {
		var lows []*lowRank
		rows := 0
		for _, l := range group {
			if u.linear[l] != nil && u.linear[l].low != nil {
				lows = append(lows, u.linear[l].low)
				rows += u.linear[l].low.rank
			}
		}
		if len(lows) < 2 {
			continue
		}
		in := lows[0].a.Cols()
		all := make([]float32, 0, rows*in)
		for _, low := range lows {
			for k := range low.rank {
				all = all[:len(all)+in]
				low.down(k, all[len(all)-in:])
			}
		}
		a, first := kernel.PackExact(rows, in, all), 0
		for _, low := range lows {
			low.a, low.first = a, first
			first += low.rank
		}
	}
}

// embedUpdate is what an adapter makes of the embedding of a token:
//
//	tokenGain[token] · gain ⊙ (W[token] + scale·B·A[:, token])
//
// where what is nil is left out. The gains are DoRA's, of PEFT by column, of
// mlx-lm by token.
type embedUpdate struct {
	weight    *kernel.Matrix // [V, d]; nil: the base's
	a         *kernel.Matrix // [V, r]: Aᵀ, a row a token; nil: no low-rank part
	b         *kernel.Matrix // [d, r]
	scale     float64
	gain      []float32           // [d]
	tokenGain []float32           // [V]
	rows      map[int32][]float32 // tokens that have a row of their own
}

// row writes the embedding of a token to dst. low is scratch memory.
func (u *embedUpdate) row(base *kernel.Matrix, token int, dst []float32, low *[]float32) {
	if own := u.rows[int32(token)]; own != nil {
		copy(dst, own)
		return
	}
	if u.weight != nil {
		base = u.weight
	}
	base.Row(token, dst)
	if u.a != nil {
		r := u.a.Cols()
		u.a.Row(token, grow(low, r))
		u.b.AddScaledMul(dst, len(dst), *low, r, 1, 0, len(dst), float32(u.scale))
	}
	if u.gain != nil {
		kernel.Multiply(dst, u.gain)
	}
	if u.tokenGain != nil {
		kernel.Scale(dst, u.tokenGain[token])
	}
}

// site is a linear layer of the base.
type site struct {
	path    string
	out, in int
	weight  *kernel.Matrix
	bias    []float32               // nil: it has none
	of      func(*adapter) **update // its place in an adapter
}

// sites lists the linear layers of the base, in the order of the computation.
func (e *Engine) sites() []site {
	d, cfg := e.decoder, e.config
	var list []site
	add := func(path string, w *kernel.Matrix, bias []float32, of func(*adapter) **update) {
		list = append(list, site{path: path, out: w.Rows(), in: w.Cols(), weight: w, bias: bias, of: of})
	}
	if cfg.PerLayerInput > 0 {
		add(architecture.PerLayerModelProjection, d.perLayer.projection, nil, func(a *adapter) **update { return &a.perLayerProjection })
	}
	for n := range d.layers {
		for l, w := range d.layers[n].linear {
			if w != nil {
				add(architecture.ModulePath(n, architecture.Linear(l)), w, d.layers[n].bias[l], func(a *adapter) **update { return &a.layers[n].linear[l] })
			}
		}
	}
	add(architecture.LMHead, d.head, nil, func(a *adapter) **update { return &a.head })
	return list
}

// updates calls visit for every linear layer that the adapter changes, in the
// order of the computation.
func (a *adapter) updates(visit func(path string, u *update)) {
	if a.perLayerProjection != nil {
		visit(architecture.PerLayerModelProjection, a.perLayerProjection)
	}
	for n := range a.layers {
		for l, u := range a.layers[n].linear {
			if u != nil {
				visit(architecture.ModulePath(n, architecture.Linear(l)), u)
			}
		}
	}
	if a.head != nil {
		visit(architecture.LMHead, a.head)
	}
}

// vectors calls visit for every vector that stands in for one of the base's.
func (a *adapter) vectors(visit func(v []float32)) {
	list := [][]float32{a.norm, a.perLayerNorm}
	for n := range a.layers {
		list = append(list, a.layers[n].vectors[:]...)
	}
	for _, v := range list {
		if v != nil {
			visit(v)
		}
	}
}

// bytes is the memory that the adapter occupies.
func (a *adapter) bytes() int64 {
	total, seen := int64(0), map[*kernel.Matrix]bool{}
	matrix := func(m *kernel.Matrix) {
		if m != nil && !seen[m] {
			seen[m] = true
			total += m.Bytes()
		}
	}
	a.updates(func(_ string, u *update) {
		matrix(u.weight)
		if u.low != nil {
			matrix(u.low.a)
			matrix(u.low.b)
		}
		if u.rows != nil {
			matrix(u.rows.weight)
		}
		total += 4 * int64(len(u.gain)+len(u.bias))
	})
	a.vectors(func(v []float32) { total += 4 * int64(len(v)) })
	if u := a.embed; u != nil {
		matrix(u.weight)
		matrix(u.a)
		matrix(u.b)
		total += 4 * int64(len(u.gain)+len(u.tokenGain))
		for _, row := range u.rows {
			total += 4 * int64(len(row))
		}
	}
	return total
}

// neutral returns a copy of a that computes everything that a does, with numbers
// that change nothing: B is zero, gains are one, what stands in for the base is
// the base. Its logits must equal the base's bit for bit.
func (e *Engine) neutral(a *adapter) *adapter {
	d := e.decoder
	z := &adapter{name: a.name + " with B = 0", layers: make([]layerUpdate, len(a.layers))}
	for _, s := range e.sites() {
		*s.of(z) = (*s.of(a)).neutral(s.weight)
	}
	for n := range a.layers {
		for v, own := range a.layers[n].vectors {
			if own != nil {
				z.layers[n].vectors[v] = slices.Clone(d.layers[n].vectors[v])
			}
		}
		if a.layers[n].xielu != nil {
			base := d.layers[n].xielu
			z.layers[n].xielu = &base
		}
	}
	if a.norm != nil {
		z.norm = slices.Clone(d.norm)
	}
	if a.perLayerNorm != nil {
		z.perLayerNorm = slices.Clone(d.perLayer.norm)
	}
	if a.embed != nil {
		z.embed = a.embed.neutral(d.embed)
	}
	return z
}

func (u *embedUpdate) neutral(base *kernel.Matrix) *embedUpdate {
	z := &embedUpdate{a: u.a, scale: u.scale}
	if u.weight != nil {
		z.weight = base
	}
	if u.b != nil {
		z.b = zeroMatrix(u.b)
	}
	z.gain, z.tokenGain = ones(u.gain), ones(u.tokenGain)
	for token := range u.rows {
		if z.rows == nil {
			z.rows = map[int32][]float32{}
		}
		z.rows[token] = make([]float32, base.Cols())
		base.Row(int(token), z.rows[token])
	}
	return z
}

func (u *update) neutral(base *kernel.Matrix) *update {
	if u == nil {
		return nil
	}
	z := &update{gain: ones(u.gain)}
	if u.weight != nil {
		z.weight = base
	}
	if u.low != nil {
		z.low = &lowRank{a: u.low.a, first: u.low.first, b: zeroMatrix(u.low.b), rank: u.low.rank, scale: u.low.scale}
	}
	if u.rows != nil {
		n, in := len(u.rows.outputs), base.Cols()
		values := make([]float32, n*in)
		for i, o := range u.rows.outputs {
			base.Row(int(o), values[i*in:(i+1)*in])
		}
		z.rows = &ownRows{outputs: u.rows.outputs, weight: kernel.PackF32(n, in, values)}
	}
	return z
}

// ones is a gain that changes nothing, where there is one.
func ones(gain []float32) []float32 {
	if gain == nil {
		return nil
	}
	return slices.Repeat([]float32{1}, len(gain))
}

func zeroMatrix(m *kernel.Matrix) *kernel.Matrix {
	return kernel.PackExact(m.Rows(), m.Cols(), make([]float32, m.Rows()*m.Cols()))
}
