package model

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/ailiance/lorabench/model/architecture"
	"github.com/ailiance/lorabench/model/checkpoint"
	"github.com/ailiance/lorabench/model/kernel"
)

// AdapterError says why an adapter is refused: it does not fit this base, or it
// would change nothing.
type AdapterError struct {
	Adapter string
	Reason  string
}

func (e *AdapterError) Error() string { return fmt.Sprintf("adapter %s: %s", e.Adapter, e.Reason) }

// adapter is what stands beside the base weights for one variant.
type adapter struct {
	name    string
	tensors int // of its file, all used
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
// there is no adapter.
//
// Sources: Hu et al. 2021, "LoRA", §4.1, https://arxiv.org/abs/2106.09685; Liu
// et al. 2024, "DoRA", §4.1, https://arxiv.org/abs/2402.09353.
type update struct {
	weight *kernel.Matrix // [out, in]; nil: the base's
	low    *lowRank
	gain   []float32 // [out]: DoRA's magnitude over the norm of each row of W + scale·B·A
	bias   []float32 // [out]; nil: the base's
}

// lowRank is the update y += scale · B · (A · x).
type lowRank struct {
	a, b  *kernel.Matrix // [r, in], [out, r]
	rank  int
	scale float64
}

// embedUpdate is what an adapter makes of the embedding of a token. A low-rank
// part is scale · B · A[:, token], as of a linear layer that reads one-hot rows.
type embedUpdate struct {
	weight *kernel.Matrix // [V, d]; nil: the base's
	a      *kernel.Matrix // [V, r]: Aᵀ, a row a token; nil: no low-rank part
	b      *kernel.Matrix // [d, r]
	scale  float64
	rows   map[int32][]float32 // tokens that have a row of their own
}

// row writes the embedding of a token to dst.
func (u *embedUpdate) row(base *kernel.Matrix, token int, dst []float32) {
	if own := u.rows[int32(token)]; own != nil {
		copy(dst, own)
		return
	}
	if u.weight != nil {
		base = u.weight
	}
	base.Row(token, dst)
	if u.a == nil {
		return
	}
	low, delta := make([]float32, u.a.Cols()), make([]float32, len(dst))
	u.a.Row(token, low)
	var s kernel.Scratch
	u.b.Mul(delta, len(dst), low, len(low), 1, 0, len(dst), &s)
	kernel.AddScaled(dst, delta, float32(u.scale))
}

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

// bytes is the memory that the adapter occupies.
func (a *adapter) bytes() int64 {
	total := int64(0)
	matrix := func(m *kernel.Matrix) {
		if m != nil {
			total += m.Bytes()
		}
	}
	a.updates(func(_ string, u *update) {
		matrix(u.weight)
		if u.low != nil {
			total += u.low.a.Bytes() + u.low.b.Bytes()
		}
		total += 4 * int64(len(u.gain)+len(u.bias))
	})
	if u := a.embed; u != nil {
		matrix(u.weight)
		matrix(u.a)
		matrix(u.b)
		for _, row := range u.rows {
			total += 4 * int64(len(row))
		}
	}
	return total
}

// neutral returns a copy of a that computes everything that a does, with numbers
// that change nothing: B is zero, gains are one, what stands in for the base is
// the base. Its logits must equal the base's bit for bit.
func (a *adapter) neutral() *adapter {
	z := &adapter{name: a.name + " with B = 0", layers: make([]layerUpdate, len(a.layers))}
	for n := range a.layers {
		for l, u := range a.layers[n].linear {
			z.layers[n].linear[l] = u.neutral()
		}
	}
	z.head, z.perLayerProjection = a.head.neutral(), a.perLayerProjection.neutral()
	if u := a.embed; u != nil {
		z.embed = &embedUpdate{a: u.a, scale: u.scale}
		if u.b != nil {
			z.embed.b = zeroMatrix(u.b)
		}
	}
	return z
}

func (u *update) neutral() *update {
	if u == nil {
		return nil
	}
	z := &update{}
	if u.low != nil {
		z.low = &lowRank{a: u.low.a, b: zeroMatrix(u.low.b), rank: u.low.rank, scale: u.low.scale}
	}
	if u.gain != nil {
		z.gain = slices.Repeat([]float32{1}, len(u.gain))
	}
	return z
}

func zeroMatrix(m *kernel.Matrix) *kernel.Matrix {
	return kernel.PackF32(m.Rows(), m.Cols(), make([]float32, m.Rows()*m.Cols()))
}

// Where PEFT keeps an adapter.
const (
	peftConfigFile  = "adapter_config.json"
	peftWeightsFile = "adapter_model.safetensors"
	peftPrefix      = "base_model.model."
)

// openAdapter reads a PEFT adapter and checks that every tensor of the file has
// its place in the base, and every module that the configuration targets its
// tensors. It reports all that is wrong, not only the first.
func (e *Engine) openAdapter(name string, dir fs.FS) (*adapter, error) {
	refuse := func(format string, args ...any) (*adapter, error) {
		return nil, &AdapterError{Adapter: name, Reason: fmt.Sprintf(format, args...)}
	}
	data, err := checkpoint.ReadJSON(dir, peftConfigFile)
	if err != nil {
		return nil, fmt.Errorf("adapter %s: %w", name, err)
	}
	config, err := parsePEFT(data)
	if err != nil {
		return refuse("%v", err)
	}
	if _, err := fs.Stat(dir, peftWeightsFile); errors.Is(err, fs.ErrNotExist) {
		if _, err := fs.Stat(dir, "adapter_model.bin"); err == nil {
			return refuse("only adapter_model.bin is there: a pickle can run code and is not opened; save it as safetensors")
		}
		return refuse("%s is missing", peftWeightsFile)
	}
	weights, err := checkpoint.OpenSafetensors(dir, peftWeightsFile)
	if err != nil {
		return refuse("%v", err)
	}
	defer weights.Close()
	a := &adapter{name: name, layers: make([]layerUpdate, e.config.NumHiddenLayers)}
	if a.hash, err = hashFiles(dir, peftConfigFile, peftWeightsFile); err != nil {
		return nil, fmt.Errorf("adapter %s: %w", name, err)
	}
	if err := e.attach(a, config, weights); err != nil {
		return refuse("%v", err)
	}
	return a, nil
}

// attach maps tensors to modules, one to one.
func (e *Engine) attach(a *adapter, config *peftConfig, weights checkpoint.Source) error {
	for _, path := range []string{"model.embed_tokens", "lm_head"} {
		if config.targets(path, -1) {
			return fmt.Errorf("target_modules names %s: LoRA on the embedding or the output layer is not supported", path)
		}
	}
	unused := map[string]bool{}
	for _, tensor := range weights.Names() {
		unused[tensor] = true
	}
	a.tensors = len(unused)
	faults := e.unknownTargets(config)
	modules := 0
	for layer := range e.config.NumHiddenLayers {
		for l := range architecture.NumLinears {
			path := architecture.ModulePath(layer, l)
			out, in, ok := e.config.LinearShape(layer, l)
			if !ok || !config.targets(path, layer) {
				continue
			}
			nameA, nameB := peftPrefix+path+".lora_A.weight", peftPrefix+path+".lora_B.weight"
			if !unused[nameA] && !unused[nameB] {
				faults = append(faults, path+" is targeted and has no tensors")
				continue
			}
			delete(unused, nameA)
			delete(unused, nameB)
			rank, scale, err := config.scale(path)
			if err != nil {
				return err
			}
			A, err := adapterTensor(weights, nameA, rank, in)
			if err != nil {
				faults = append(faults, err.Error())
			}
			B, err := adapterTensor(weights, nameB, out, rank)
			if err != nil {
				faults = append(faults, err.Error())
			}
			if A == nil || B == nil {
				continue
			}
			modules++
			a.layers[layer].linear[l] = &update{low: &lowRank{a: kernel.PackF32(rank, in, A), b: kernel.PackF32(out, rank, B), rank: rank, scale: scale}}
		}
	}
	for _, tensor := range sortedKeys(unused) {
		faults = append(faults, fmt.Sprintf("tensor %s belongs to no module that the configuration targets", tensor))
	}
	if n := countSuffix(faults, zeroSuffix); n > 0 && n == len(faults) && modules == 0 {
		return fmt.Errorf("it would change nothing: lora_A or lora_B is zero in every one of its %d modules", n)
	}
	if len(faults) > 0 {
		return errors.New(joinFaults(faults))
	}
	if modules == 0 {
		return fmt.Errorf("target_modules names no linear layer of this model ")
	}
	return nil
}

// unknownTargets reports what the configuration names and the base does not
// have: the adapter was then made for another model.
func (e *Engine) unknownTargets(config *peftConfig) (faults []string) {
	for _, name := range config.Target.suffixes {
		one := moduleFilter{suffixes: []string{name}}
		found := false
		for layer := range e.config.NumHiddenLayers {
			for l := range architecture.NumLinears {
				_, _, ok := e.config.LinearShape(layer, l)
				found = found || ok && one.matches(architecture.ModulePath(layer, l))
			}
		}
		if !found {
			faults = append(faults, fmt.Sprintf("target_modules names %.60q: this model has no such linear layer", name))
		}
	}
	for _, layer := range config.Layers {
		if layer < 0 || layer >= e.config.NumHiddenLayers {
			faults = append(faults, fmt.Sprintf("layers_to_transform names layer %d: this model has %d, from 0", layer, e.config.NumHiddenLayers))
		}
	}
	return faults
}

const zeroSuffix = "is all zero, so its module is not adapted"

// adapterTensor reads one tensor of an adapter as float32 and checks its shape
// and that it is finite and not zero.
func adapterTensor(weights checkpoint.Source, name string, rows, cols int) ([]float32, error) {
	t, err := weights.Tensor(name)
	if err != nil {
		return nil, fmt.Errorf("tensor %s is missing", name)
	}
	if !slices.Equal(t.Shape, []int{rows, cols}) {
		return nil, fmt.Errorf("tensor %s: shape %v, want [%d %d]", name, t.Shape, rows, cols)
	}
	values, err := t.Float32s()
	if err != nil {
		return nil, err
	}
	zero := true
	for i, v := range values {
		if v != v || v-v != 0 {
			return nil, fmt.Errorf("tensor %s: value %d is %v", name, i, v)
		}
		zero = zero && v == 0
	}
	if zero {
		return nil, fmt.Errorf("tensor %s %s", name, zeroSuffix)
	}
	return values, nil
}

func countSuffix(list []string, suffix string) int {
	n := 0
	for _, s := range list {
		if strings.HasSuffix(s, suffix) {
			n++
		}
	}
	return n
}
