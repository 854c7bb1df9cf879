package model

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"slices"
	"strings"

	"github.com/ailiance/lorabench/model/architecture"
	"github.com/ailiance/lorabench/model/checkpoint"
	"github.com/ailiance/lorabench/model/kernel"
)

// Fusion is what Fuse has written.
type Fusion struct {
	Tensors int      // in the files
	Changed []string // names of those that differ from the base's, sorted
	DType   string   // that changed values were rounded to
	Untied  bool     // the output layer is no longer the embedding
	Files   []string

	// The runtime form, base and adapter side by side, against what was written,
	// on the probe texts.
	ProbeTokens        int
	MaxLogitDifference float64
	RMSLogitDifference float64
	Tolerance          float64 // of the root mean square: what rounding the merged weights explains
}

// FuseError says that what was written does not compute what the adapter does.
type FuseError struct {
	Dir    string
	Fusion *Fusion
}

func (e *FuseError) Error() string {
	return fmt.Sprintf("%s was written, but its logits differ from those of base and adapter by %.3g in the root mean square, more than the %.3g that rounding to %s explains: do not publish it",
		e.Dir, e.Fusion.RMSLogitDifference, e.Fusion.Tolerance, e.Fusion.DType)
}

// Fuse writes the checkpoint whose weights are those of the base, which lies in
// dir, with a loaded adapter's changes merged in: W' = gain ⊙ (W + scale·B·A),
// computed in float64 and rounded once to the type that the base stores. The
// files beside the weights are copied. A quantised base is written in the type
// that its configuration names, if dequantize says so; else it is refused,
// because quantising again would round the adapter away.
//
// out must not exist, or be empty. It appears when it is whole, and is then
// opened again and compared with the runtime form.
func (e *Engine) Fuse(ctx context.Context, dir fs.FS, adapterName, out string, dequantize bool) (*Fusion, error) {
	a := e.adapters[adapterName]
	switch {
	case e.closed:
		return nil, ErrClosed
	case a == nil:
		return nil, fmt.Errorf("adapter %s is not loaded", adapterName)
	}
	if err := mustBeEmpty(out); err != nil {
		return nil, err
	}
	src, err := checkpoint.OpenWeights(dir)
	if err != nil {
		return nil, err
	}
	defer src.Close()
	f := &fuser{e: e, a: a, src: src, names: e.config.Names(src)}
	f.plain, err = plainType(e.config.DType)
	if err == nil {
		err = f.list(dequantize)
	}
	if err != nil {
		return nil, err
	}
	if err := f.write(ctx, dir, out); err != nil {
		return nil, fmt.Errorf("fuse: %w", err)
	}
	return f.compare(ctx, adapterName, out)
}

func mustBeEmpty(out string) error {
	entries, err := os.ReadDir(out)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case len(entries) > 0:
		return fmt.Errorf("%s is not empty: name a folder that is not there yet", out)
	}
	return nil
}

// plainType is the type that config.json names.
func plainType(name string) (checkpoint.DType, error) {
	switch name {
	case "float32":
		return checkpoint.F32, nil
	case "float16":
		return checkpoint.F16, nil
	case "bfloat16", "":
		return checkpoint.BF16, nil
	}
	return 0, fmt.Errorf("config.json has dtype %.40q, want float32, float16 or bfloat16", name)
}

// fuser plans and writes a fused checkpoint.
type fuser struct {
	e     *Engine
	a     *adapter
	src   *checkpoint.Weights
	names architecture.Names
	plain checkpoint.DType // of what was quantised

	parts   []fusedTensor
	fusion  Fusion
	quantum float64 // the coarsest rounding of a changed tensor, relative
}

// fusedTensor is a tensor to write: the bytes of the base's, or rows.
type fusedTensor struct {
	info checkpoint.TensorInfo
	data []byte
	row  func(i int, dst []float32) error // nil: data
}

// list says what each tensor of the base becomes.
func (f *fuser) list(dequantize bool) error {
	e, cfg := f.e, f.e.config
	specs := map[string]architecture.TensorSpec{}
	for _, spec := range cfg.Tensors() {
		stored, _ := f.names(spec.Name)
		t, err := f.src.Tensor(stored)
		if err != nil {
			return err
		}
		specs[t.Name] = spec
	}
	var quantised []string
	for _, name := range f.src.Names() {
		t, err := f.src.Tensor(name)
		if err != nil {
			return err
		}
		spec, known := specs[name]
		if !known {
			if cfg.TieWordEmbeddings && architecture.Canonical(name) == architecture.LMHead+".weight" {
				continue // stored twice; it is written once
			}
			f.copy(t)
			continue
		}
		row, changed := f.merged(spec)
		plain := t.DType == checkpoint.F32 || t.DType == checkpoint.F16 || t.DType == checkpoint.BF16
		switch {
		case !plain && !dequantize:
			quantised = append(quantised, fmt.Sprintf("%s is %s", name, t.DType))
		case !changed && plain:
			f.copy(t)
		case row == nil: // not changed, and read where it lies
			f.add(name, t.DType, spec.Shape, func(i int, dst []float32) error { return e.decoder.perLayer.embed.Row(i, dst) }, false)
		default:
			shape := spec.Shape
			if plain {
				shape = t.Shape // a number may be stored as [1]
			}
			f.add(name, t.DType, shape, row, changed)
		}
	}
	if err := f.biases(); err != nil {
		return err
	}
	if len(quantised) > 0 {
		return fmt.Errorf("the base is quantised (%s): quantising the merged weights again would round the adapter away; write it with --dequantize", joinFaults(quantised))
	}
	if f.untied() {
		f.fusion.Untied = true
		stored, _ := f.names(architecture.LMHead + ".weight")
		dtype := f.parts[slices.IndexFunc(f.parts, func(p fusedTensor) bool {
			return architecture.Canonical(p.info.Name) == architecture.EmbedTokens+".weight"
		})].info.DType
		f.add(stored, dtype, []int{cfg.VocabSize, cfg.HiddenSize}, mergedRow(e.decoder.head, f.a.head), true)
	}
	slices.SortFunc(f.parts, func(a, b fusedTensor) int { return cmp.Compare(a.info.Name, b.info.Name) })
	f.fusion.Tensors = len(f.parts)
	slices.Sort(f.fusion.Changed)
	if len(f.fusion.Changed) == 0 {
		return fmt.Errorf("the adapter changes no tensor of the base")
	}
	return nil
}

// biases refuses what a checkpoint of the architecture has no place for.
func (f *fuser) biases() error {
	var homeless []string
	check := func(path string, u *update, has bool) {
		if u != nil && u.bias != nil && !has {
			homeless = append(homeless, path)
		}
	}
	for n := range f.a.layers {
		for l, u := range f.a.layers[n].linear {
			check(architecture.ModulePath(n, architecture.Linear(l)), u, f.e.config.HasBias(architecture.Linear(l)))
		}
	}
	check(architecture.LMHead, f.a.head, false)
	check(architecture.PerLayerModelProjection, f.a.perLayerProjection, false)
	if len(homeless) > 0 {
		return fmt.Errorf("the adapter gives a bias to layers that have none in this architecture, and a merged checkpoint has no place for it: %s", joinFaults(homeless))
	}
	return nil
}

func (f *fuser) copy(t checkpoint.Tensor) {
	f.parts = append(f.parts, fusedTensor{info: checkpoint.TensorInfo{Name: t.Name, DType: t.DType, Shape: t.Shape}, data: t.Data})
}

// add plans a tensor that is computed. What the base has quantised becomes plain.
func (f *fuser) add(name string, d checkpoint.DType, shape []int, row func(int, []float32) error, changed bool) {
	quantum := map[checkpoint.DType]float64{checkpoint.F32: 0x1p-24, checkpoint.F16: 0x1p-11, checkpoint.BF16: 0x1p-8}
	if quantum[d] == 0 {
		d = f.plain
	}
	if quantum[d] > f.quantum {
		f.quantum, f.fusion.DType = quantum[d], d.String()
	}
	if changed {
		f.fusion.Changed = append(f.fusion.Changed, name)
	}
	f.parts = append(f.parts, fusedTensor{info: checkpoint.TensorInfo{Name: name, DType: d, Shape: shape}, row: row})
}

// merged returns the rows of a tensor with the adapter's changes, and whether
// there are any. A vector is one row.
func (f *fuser) merged(spec architecture.TensorSpec) (row func(int, []float32) error, changed bool) {
	d, a := f.e.decoder, f.a
	vector := func(base, own []float32, norm bool) (func(int, []float32) error, bool) {
		x := base
		if own != nil {
			x = own
		}
		offset := float32(0)
		if norm && f.e.config.UnitOffset {
			offset = 1
		}
		return func(_ int, dst []float32) error {
			for i := range dst {
				dst[i] = x[i] - offset
			}
			return nil
		}, own != nil
	}
	path, isWeight := strings.CutSuffix(spec.Name, ".weight")
	switch path {
	case architecture.EmbedTokens:
		return mergedTable(d.embed, a.embed), a.embed != nil
	case architecture.EmbedTokensPerLayer:
		return nil, false
	case architecture.LMHead:
		return mergedRow(d.head, a.head), a.head != nil
	case architecture.PerLayerModelProjection:
		return mergedRow(d.perLayer.projection, a.perLayerProjection), a.perLayerProjection != nil
	case architecture.PerLayerProjectionNorm:
		return vector(d.perLayer.norm, a.perLayerNorm, true)
	case architecture.FinalNorm:
		return vector(d.norm, a.norm, true)
	}
	n, in, _ := architecture.CutBlock(spec.Name)
	base, own := &d.layers[n], &a.layers[n]
	for v := range architecture.NumBlockVectors {
		if name, _, ok := f.e.config.VectorShape(n, v); ok && name == in {
			return vector(base.vectors[v], own.vectors[v], v.IsNorm())
		}
	}
	for l := range architecture.NumLinears {
		u := own.linear[l]
		switch {
		case path == architecture.ModulePath(n, l) && isWeight:
			return mergedRow(base.linear[l], u), u != nil && (u.weight != nil || u.low != nil || u.gain != nil || u.rows != nil)
		case spec.Name == architecture.ModulePath(n, l)+".bias":
			var bias []float32
			if u != nil {
				bias = u.bias
			}
			return vector(base.bias[l], bias, false)
		}
	}
	return nil, false
}

// mergedTable returns the rows of the embedding as mergedRow does, with the same
// bits where a tied output layer has the same changes.
func mergedTable(base *kernel.Matrix, u *embedUpdate) func(int, []float32) error {
	if u == nil {
		u = &embedUpdate{}
	}
	if u.weight != nil {
		base = u.weight
	}
	var b, low []float32
	if u.a != nil {
		b, low = make([]float32, base.Cols()*u.a.Cols()), make([]float32, u.a.Cols())
		for j := range base.Cols() {
			u.b.Row(j, b[j*len(low):(j+1)*len(low)])
		}
	}
	return func(i int, dst []float32) error {
		if own := u.rows[int32(i)]; own != nil {
			copy(dst, own)
			return nil
		}
		base.Row(i, dst)
		if u.a != nil {
			u.a.Row(i, low)
		}
		for j := range dst {
			sum := 0.0
			for k, x := range low {
				sum += float64(u.scale * float64(x) * float64(b[j*len(low)+k])) // rounded, not fused
			}
			sum += float64(dst[j])
			if u.gain != nil {
				sum *= float64(u.gain[j])
			}
			if u.tokenGain != nil {
				sum *= float64(u.tokenGain[i])
			}
			dst[j] = float32(sum)
		}
		return nil
	}
}

// mergedRow returns the rows of gain ⊙ (W + scale·B·A), in float64 up to the
// last rounding, and in the place of single rows those that the adapter has.
func mergedRow(base *kernel.Matrix, u *update) func(int, []float32) error {
	if u != nil && u.weight != nil {
		base = u.weight
	}
	if u != nil && u.rows != nil {
		return func(i int, dst []float32) error {
			if own := slices.Index(u.rows.outputs, int32(i)); own >= 0 {
				u.rows.weight.Row(own, dst)
			} else {
				base.Row(i, dst)
			}
			return nil
		}
	}
	if u == nil || u.low == nil && u.gain == nil {
		return func(i int, dst []float32) error {
			base.Row(i, dst)
			return nil
		}
	}
	var a [][]float32
	var b []float32
	if u.low != nil {
		a = make([][]float32, u.low.rank)
		for k := range a {
			a[k] = make([]float32, base.Cols())
			u.low.down(k, a[k])
		}
		b = make([]float32, u.low.rank)
	}
	sum := make([]float64, base.Cols())
	return func(i int, dst []float32) error {
		base.Row(i, dst)
		clear(sum)
		if u.low != nil {
			u.low.b.Row(i, b)
		}
		for k, row := range a {
			factor := u.low.scale * float64(b[k])
			for j, x := range row {
				sum[j] += float64(factor * float64(x)) // rounded, not fused, on every machine
			}
		}
		gain := 1.0
		if u.gain != nil {
			gain = float64(u.gain[i])
		}
		for j := range dst {
			dst[j] = float32(gain * (float64(dst[j]) + sum[j]))
		}
		return nil
	}
}

// untied says whether embedding and output layer, one matrix in the base, become
// two.
func (f *fuser) untied() bool {
	cfg, d, a := f.e.config, f.e.decoder, f.a
	if !cfg.TieWordEmbeddings || a.embed == nil && a.head == nil {
		return false
	}
	embedding, _ := f.merged(architecture.TensorSpec{Name: architecture.EmbedTokens + ".weight"})
	head := mergedRow(d.head, a.head)
	x, y := make([]float32, cfg.HiddenSize), make([]float32, cfg.HiddenSize)
	for i := range cfg.VocabSize {
		if embedding(i, x) != nil || head(i, y) != nil || !slices.Equal(x, y) {
			return true
		}
	}
	return false
}

// compare opens what was written and compares it with the runtime form.
func (f *fuser) compare(ctx context.Context, adapterName, out string) (*Fusion, error) {
	e := f.e
	fused, err := Open(ctx, out, Options{Threads: e.pool.Threads(), MaxPosition: e.config.MaxPositionEmbeddings, TokensOnly: true})
	if err != nil {
		return nil, fmt.Errorf("%s was written and cannot be read again: %w", out, err)
	}
	defer fused.Close()
	var sum, squares, off, effect float64
	n := 0
	for _, tokens := range e.probePrompts() {
		want, err := e.Logits(ctx, adapterName, tokens)
		if err != nil {
			return nil, err
		}
		got, err := fused.Logits(ctx, "", tokens)
		if err != nil {
			return nil, err
		}
		base, err := e.Logits(ctx, "", tokens)
		if err != nil {
			return nil, err
		}
		for i := range want {
			for j, x := range want[i] {
				d := float64(x) - float64(got[i][j])
				f.fusion.MaxLogitDifference = max(f.fusion.MaxLogitDifference, math.Abs(d))
				off += d * d
				change := float64(x) - float64(base[i][j])
				effect += change * change
				sum += float64(x)
				squares += float64(x) * float64(x)
				n++
			}
		}
		f.fusion.ProbeTokens += len(tokens)
	}
	mean := sum / float64(n)
	spread := math.Sqrt(max(squares/float64(n)-mean*mean, 0))
	f.fusion.RMSLogitDifference = math.Sqrt(off / float64(n))
	// Each layer adds its own rounding, relative to what base and adapter add:
	// measured, the root mean square is 0.5 to 3 quanta of the spread for each. In
	// float32 what counts is that the two sum in another order.
	size := spread + math.Sqrt(effect/float64(n))
	f.fusion.Tolerance = size * (1e-4 + 6*f.quantum*math.Sqrt(float64(len(e.config.Layers)+1)))
	if !(f.fusion.RMSLogitDifference <= f.fusion.Tolerance) {
		return nil, &FuseError{Dir: out, Fusion: &f.fusion}
	}
	return &f.fusion, nil
}
