package checkpoint

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
)

// quantized makes one tensor of the weight of each quantised module and of what
// belongs to it: name, shape and values are the weight's, and the tensors beside
// it have no name of their own any more. Where the configuration and the
// tensors contradict each other, the error tells of all that is wrong.
func (w *Weights) quantized(q *Quantization) error {
	j := joiner{w: w, whole: map[string]Tensor{}, parts: map[string]bool{}}
	switch {
	case q.mlx != nil:
		j.mlx(q)
	case q.fp8 != nil:
		j.fp8(q.fp8)
	}
	w.whole, w.parts = j.whole, j.parts
	return joinFaults(j.faults)
}

// joiner joins weights with their scales.
type joiner struct {
	w      *Weights
	whole  map[string]Tensor // by the name of the weight
	parts  map[string]bool   // names that belong to one of whole
	faults []string
}

func (j *joiner) fault(format string, args ...any) {
	j.faults = append(j.faults, fmt.Sprintf(format, args...))
}

// stored returns a tensor as the file has it.
func (j *joiner) stored(name string) (Tensor, bool) {
	s, ok := j.w.owner[name]
	if !ok {
		return Tensor{}, false
	}
	return s.tensors[name], true
}

// mlx joins <path>.weight, .scales and .biases. A module is quantised where it
// has .scales; how, is what the configuration says of it or else of all modules.
func (j *joiner) mlx(q *Quantization) {
	for _, name := range slices.Sorted(maps.Keys(j.w.owner)) {
		if path, ok := strings.CutSuffix(name, ".scales"); ok {
			j.mlxModule(path, q)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(j.w.owner)) {
		path, isWeight := strings.CutSuffix(name, ".weight")
		if _, joined := j.whole[name]; joined || !isWeight {
			continue
		}
		_, hasScales := j.w.owner[path+".scales"]
		override, said := q.override[path]
		switch t, _ := j.stored(name); {
		case hasScales: // reported
		case t.DType == U32:
			j.fault("tensor %s holds codes, but %s.scales is missing", name, path)
		case said && !override.plain:
			j.fault("module %s is quantised by the configuration, but %s.scales is missing", path, path)
		}
	}
}

func (j *joiner) mlxModule(path string, q *Quantization) {
	form := *q.mlx
	if override, said := q.override[path]; said {
		if override.plain {
			j.fault("module %s is not quantised by the configuration, but %s.scales is there", path, path)
			return
		}
		if override.form != nil {
			form = *override.form
		}
	}
	weight, ok := j.stored(path + ".weight")
	if !ok {
		j.fault("tensor %s.scales has no %s.weight", path, path)
		return
	}
	s := &scales{}
	s.scale, _ = j.stored(path + ".scales")
	biases, hasBiases := j.stored(path + ".biases")
	if weight.DType != U32 || len(weight.Shape) != 2 || slices.Contains(weight.Shape, 0) {
		j.fault("tensor %s: %s %v, want U32 codes [out, in·bits/32]", weight.Name, weight.DType, weight.Shape)
		return
	}
	rows, words := weight.Shape[0], weight.Shape[1]
	if words > math.MaxInt/32 || words*32%(form.Bits*form.GroupSize) != 0 {
		j.fault("tensor %s %v: rows are not whole groups of %d codes of %d bits", weight.Name, weight.Shape, form.GroupSize, form.Bits)
		return
	}
	cols := words * 32 / form.Bits
	shape := []int{rows, cols / form.GroupSize}
	switch form.Mode {
	case "affine":
		if !hasBiases {
			j.fault("tensor %s.biases is missing: module %s is quantised with mode affine", path, path)
			return
		}
		if !j.mlxScales(s.scale, form, shape, F16, BF16, F32) || !j.mlxScales(biases, form, shape, s.scale.DType) {
			return
		}
		s.bias = biases
		j.parts[biases.Name] = true
	default:
		if hasBiases {
			j.fault("tensor %s is there, but module %s is quantised with mode %s, which has none", biases.Name, path, form.Mode)
			return
		}
		if !j.mlxScales(s.scale, form, shape, U8) {
			return
		}
	}
	j.parts[s.scale.Name] = true
	j.whole[weight.Name] = Tensor{Name: weight.Name, DType: form.dtype(), Shape: []int{rows, cols}, Data: weight.Data, scales: s}
}

// mlxScales checks type and shape of scales or biases.
func (j *joiner) mlxScales(t Tensor, form mlxForm, shape []int, types ...DType) bool {
	if slices.Contains(types, t.DType) && slices.Equal(t.Shape, shape) {
		return true
	}
	j.fault("tensor %s: %s %v, want %v %v with mode %s, %d bits, group_size %d", t.Name, t.DType, t.Shape, types, shape, form.Mode, form.Bits, form.GroupSize)
	return false
}

// fp8 joins <path>.weight of type F8_E4M3 with <path>.weight_scale_inv. The
// value is code·scale in float32: what transformers' Fp8Dequantize computes
// before it rounds to the type that it was asked to load, which here is float32.
// <path>.activation_scale is of engines that quantise activations, which this
// one does not: it is left out.
//
// Source: integrations/finegrained_fp8.py, https://github.com/huggingface/transformers.
func (j *joiner) fp8(form *fp8Form) {
	for _, name := range slices.Sorted(maps.Keys(j.w.owner)) {
		weight, _ := j.stored(name)
		if weight.DType != F8E4M3 {
			continue
		}
		path, ok := strings.CutSuffix(name, ".weight")
		scale, hasScale := j.stored(path + ".weight_scale_inv")
		if !ok || !hasScale {
			j.fault("tensor %s is F8_E4M3, but %s.weight_scale_inv is missing", name, path)
			continue
		}
		s, err := fp8Scales(form, weight, scale)
		if err != nil {
			j.fault("%v", err)
			continue
		}
		j.parts[scale.Name], j.parts[path+".activation_scale"] = true, true
		j.whole[name] = Tensor{Name: name, DType: F8Scaled, Shape: weight.Shape, Data: weight.Data, scales: s}
	}
}

func fp8Scales(form *fp8Form, weight, scale Tensor) (*scales, error) {
	if len(weight.Shape) != 2 || slices.Contains(weight.Shape, 0) {
		return nil, fmt.Errorf("tensor %s: F8_E4M3 %v, want a matrix", weight.Name, weight.Shape)
	}
	if scale.DType != F32 && scale.DType != BF16 && scale.DType != F16 {
		return nil, fmt.Errorf("tensor %s is %s, want F32, BF16 or F16", scale.Name, scale.DType)
	}
	s := &scales{scale: scale, blockRows: weight.Shape[0], blockCols: 256 * ((weight.Shape[1] + 255) / 256)}
	if form.block == nil {
		if scale.Values() != 1 {
			return nil, fmt.Errorf("tensor %s: shape %v, want one value where weight_block_size is null", scale.Name, scale.Shape)
		}
		return s, nil
	}
	s.blockRows, s.blockCols = form.block[0], form.block[1]
	want := []int{ceilDiv(weight.Shape[0], s.blockRows), ceilDiv(weight.Shape[1], s.blockCols)}
	if !slices.Equal(scale.Shape, want) {
		return nil, fmt.Errorf("tensor %s: shape %v, want %v for %v in blocks of %v", scale.Name, scale.Shape, want, weight.Shape, form.block)
	}
	return s, nil
}

func ceilDiv(a, b int) int { return (a-1)/b + 1 }
