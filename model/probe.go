package model

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"github.com/ailiance/lorabench/model/architecture"
	"github.com/ailiance/lorabench/model/checkpoint"
)

// Limits of the numerical probe.
const (
	probeRows      = 96   // outputs of a module that are compared
	probeTolerance = 1e-3 // relative, beside what rounding to float32 explains
)

// checkNumbers compares, for some modules of every kind, what the adapter changes
// of the engine's outputs with what the tensors of its file say, computed anew in
// float64: the difference of a row with the adapter and one without, on random
// inputs.
func (f *fitting) checkNumbers(p *Proof) error {
	for _, o := range f.chosen() {
		var off float64
		var err error
		if o.path == architecture.EmbedTokens {
			off, err = f.checkEmbedding(o)
		} else {
			off, err = f.checkLinear(o, f.sites[o.path])
		}
		if err != nil {
			return fmt.Errorf("%s: %w", o.path, err)
		}
		p.NumericalModules++
		p.NumericalError = math.Max(p.NumericalError, off)
	}
	return nil
}

// chosen are the first, the last and the middle module of every kind.
func (f *fitting) chosen() []*origin {
	kinds := map[string][]*origin{}
	for _, o := range f.origins {
		kind := architecture.InBlock(o.path)
		kinds[kind] = append(kinds[kind], o)
	}
	var list []*origin
	for _, kind := range sortedKeys(kinds) {
		all := kinds[kind]
		picks := []int{0, len(all) / 2, len(all) - 1}
		for _, i := range slices.Compact(picks) {
			list = append(list, all[i])
		}
	}
	return list
}

// checkLinear compares a linear layer and returns the relative difference.
func (f *fitting) checkLinear(o *origin, s site) (float64, error) {
	e := f.e
	r := rand.New(rand.NewPCG(uint64(s.in), uint64(s.out)))
	x := make([]float32, 2*s.in)
	for i := range s.in {
		x[i] = float32(r.NormFloat64())
		x[s.in+i] = x[i]
	}
	y := make([]float32, 2*s.out)
	e.product(s.weight, s.bias, func(a *adapter) *update { return *s.of(a) }, []segment{{nil, 0, 1}, {f.a, 1, 2}}, y, x, 2)

	file, err := f.reference(o, s)
	if err != nil {
		return 0, err
	}
	low := file.low(x[:s.in])
	c := comparison{loose: o.weight != "" || o.magnitude != "" || o.rows != "", width: s.in}
	for _, i := range sample(s.out, o.tokens, r) {
		base := wideRow(s.weight, i)
		was, is := dot(base, x), 0.0
		if s.bias != nil {
			was += float64(s.bias[i])
		}
		if is, err = file.output(i, base, x, low); err != nil {
			return 0, err
		}
		c.add(float64(y[s.out+i])-float64(y[i]), is-was, math.Abs(was)+math.Abs(is))
	}
	return c.result()
}

// checkEmbedding compares the embedding of some tokens.
func (f *fitting) checkEmbedding(o *origin) (float64, error) {
	cfg, u := f.e.config, f.a.embed
	r := rand.New(rand.NewPCG(7, uint64(cfg.VocabSize)))
	file, err := f.reference(o, site{path: o.path, in: cfg.HiddenSize, out: cfg.VocabSize})
	if err != nil {
		return 0, err
	}
	c := comparison{loose: true, width: cfg.HiddenSize}
	got := make([]float32, cfg.HiddenSize)
	var low []float32
	for _, token := range sample(cfg.VocabSize, o.tokens, r)[:min(16, cfg.VocabSize)] {
		base := wideRow(f.e.decoder.embed, token)
		u.row(f.e.decoder.embed, token, got, &low)
		want, err := file.embedding(token, base, u)
		if err != nil {
			return 0, err
		}
		for j, v := range want {
			c.add(float64(got[j])-base[j], v-base[j], math.Abs(v)+math.Abs(base[j]))
		}
	}
	return c.result()
}

// sample are some of n indices, first and last among them, those of want first.
func sample(n int, want []int32, r *rand.Rand) []int {
	var list []int
	for _, i := range want {
		list = append(list, int(i))
	}
	list = append(list, 0, n-1)
	if n <= probeRows {
		for i := range n {
			list = append(list, i)
		}
	} else {
		for range probeRows {
			list = append(list, r.IntN(n))
		}
	}
	seen := map[int]bool{}
	return slices.DeleteFunc(list, func(i int) bool {
		twice := seen[i]
		seen[i] = true
		return twice
	})
}

// comparison sums up differences of outputs.
type comparison struct {
	loose                   bool // the base's part is not the same sum in both rows
	width                   int  // terms of a sum
	got, off, change, noise float64
}

func (c *comparison) add(got, want, size float64) {
	c.got += got * got
	c.off += (got - want) * (got - want)
	c.change += want * want
	c.noise += size * size
}

// result is the difference relative to the change, or an error where it is more
// than float32 explains: a change that is small beside the outputs is rounded with
// them.
func (c *comparison) result() (float64, error) {
	off, change, noise := math.Sqrt(c.off), math.Sqrt(c.change), 0x1p-22*math.Sqrt(c.noise)
	if c.loose {
		noise *= math.Sqrt(float64(c.width))
	}
	if c.got-c.got != 0 {
		return 0, errors.New("numerical probe: with the adapter its outputs are not finite")
	}
	if !(off <= probeTolerance*change+noise) {
		return 0, fmt.Errorf("numerical probe: the adapter changes its outputs by %.4g, and by its tensors, in float64, it should by %.4g; they differ by %.4g: a fault of the engine, please report it", math.Sqrt(c.got), change, off)
	}
	if change == 0 {
		return 0, nil
	}
	return off / change, nil
}

func dot(w []float64, x []float32) float64 {
	sum := 0.0
	for j, v := range w {
		sum += v * float64(x[j])
	}
	return sum
}

// reference is what the tensors of the file say of a module, in float64.
type reference struct {
	o         *origin
	a         [][]float64 // [r][in]
	b         func(i, k int) float64
	magnitude []float64
	bias      []float64
	weight    *rowReader
	rows      []float64
	in        int
}

// reference reads a module's tensors again.
func (f *fitting) reference(o *origin, s site) (*reference, error) {
	file := &reference{o: o, in: s.in}
	read := func(name string) (t checkpoint.Tensor, x []float64, err error) {
		if name == "" {
			return t, nil, nil
		}
		if t, err = f.source.Tensor(name); err == nil {
			x, err = t.Float64s()
		}
		return t, x, err
	}
	var err error
	a, av, err := read(o.a)
	if err != nil {
		return nil, err
	}
	b, bv, err := read(o.b)
	if err != nil {
		return nil, err
	}
	if av != nil {
		file.factors(a, av, b, bv)
	}
	if _, file.magnitude, err = read(o.magnitude); err != nil {
		return nil, err
	}
	if _, file.rows, err = read(o.rows); err != nil {
		return nil, err
	}
	if _, file.bias, err = read(o.bias); err != nil {
		return nil, err
	}
	if file.bias == nil && s.bias != nil {
		file.bias = make([]float64, s.out)
		for i, v := range s.bias {
			file.bias[i] = float64(v)
		}
	}
	if o.addBias != "" {
		_, add, err := read(o.addBias)
		if err != nil {
			return nil, err
		}
		if file.bias == nil {
			file.bias = make([]float64, s.out)
		}
		for i, v := range add {
			file.bias[i] += o.scale * v
		}
	}
	if o.weight != "" {
		t, err := f.source.Tensor(o.weight)
		if err != nil {
			return nil, err
		}
		file.weight = &rowReader{tensor: t}
	}
	return file, nil
}

// factors sets A and B, turned to [r, in] and [out, r].
func (r *reference) factors(a checkpoint.Tensor, av []float64, b checkpoint.Tensor, bv []float64) {
	rank, width := a.Shape[0], a.Shape[1]
	at := func(k, j int) float64 { return av[k*width+j] }
	if r.o.turnedA {
		rank, width = a.Shape[1], a.Shape[0]
		at = func(k, j int) float64 { return av[j*rank+k] }
	}
	r.a = make([][]float64, rank)
	for k := range r.a {
		r.a[k] = make([]float64, width)
		for j := range r.a[k] {
			r.a[k][j] = at(k, j)
		}
	}
	outs := b.Shape[0]
	if r.o.turnedB {
		outs = b.Shape[1]
	}
	r.b = func(i, k int) float64 {
		if r.o.order != nil {
			i = r.o.order(i)
		}
		if r.o.turnedB {
			return bv[k*outs+i]
		}
		return bv[i*rank+k]
	}
}

// low is A·x.
func (r *reference) low(x []float32) []float64 {
	low := make([]float64, len(r.a))
	for k, row := range r.a {
		low[k] = dot(row, x)
	}
	return low
}

// output is output i of a linear layer with the adapter.
func (r *reference) output(i int, base []float64, x []float32, low []float64) (float64, error) {
	if own := slices.Index(r.o.tokens, int32(i)); r.rows != nil && own >= 0 {
		return dot(r.rows[own*r.in:(own+1)*r.in], x), nil
	}
	row, err := r.row(i, base)
	if err != nil {
		return 0, err
	}
	y := dot(row, x)
	for k, v := range low {
		y += r.o.scale * r.b(i, k) * v
	}
	if r.magnitude != nil {
		y *= r.magnitude[i] / r.norm(i, row)
	}
	if r.bias != nil {
		y += r.bias[i]
	}
	return y, nil
}

// row is the row of weights that stands in for the base's, or that.
func (r *reference) row(i int, base []float64) ([]float64, error) {
	if r.weight == nil {
		return base, nil
	}
	narrow, wide := make([]float32, len(base)), make([]float64, len(base))
	err := r.weight.Row(i, narrow)
	for j, v := range narrow {
		wide[j] = float64(v)
	}
	return wide, err
}

// norm is ‖row + scale·B[i]·A‖.
func (r *reference) norm(i int, row []float64) float64 {
	sum := 0.0
	for j, v := range row {
		for k := range r.a {
			v += r.o.scale * r.b(i, k) * r.a[k][j]
		}
		sum += v * v
	}
	return math.Sqrt(sum)
}

// embedding is the embedding of a token with the adapter. DoRA's gain by column
// is over all tokens and is taken from u.
func (r *reference) embedding(token int, base []float64, u *embedUpdate) ([]float64, error) {
	d := len(base)
	if own := slices.Index(r.o.tokens, int32(token)); r.rows != nil && own >= 0 {
		return r.rows[own*d : (own+1)*d], nil
	}
	row, err := r.row(token, base)
	if err != nil {
		return nil, err
	}
	row = slices.Clone(row)
	sum := 0.0
	for j := range row {
		for k := range r.a {
			row[j] += r.o.scale * r.b(j, k) * r.a[k][token]
		}
		sum += row[j] * row[j]
	}
	for j := range row {
		switch {
		case u.gain != nil:
			row[j] *= float64(u.gain[j])
		case u.tokenGain != nil:
			row[j] *= r.magnitude[token] / math.Sqrt(sum)
		}
	}
	return row, nil
}
