package model

import (
	"fmt"
	"slices"

	"github.com/ailiance/lorabench/model/checkpoint"
	"github.com/ailiance/lorabench/model/kernel"
)

// weights is a view of a checkpoint under Hugging Face names.
type weights struct {
	source      checkpoint.Source
	rename      func(hf string) (string, bool)    // nil: the names are the same
	permutation func(hf string) func(row int) int // nil: no row is elsewhere
}

func (w weights) tensor(name string) (checkpoint.Tensor, error) {
	stored := name
	if w.rename != nil {
		var ok bool
		if stored, ok = w.rename(name); !ok {
			return checkpoint.Tensor{}, fmt.Errorf("tensor %s: %w", name, checkpoint.ErrNoTensor)
		}
	}
	return w.source.Tensor(stored)
}

// matrix packs a tensor of shape [rows, cols] for the kernels, in its storage format.
func (w weights) matrix(name string, rows, cols int) (*kernel.Matrix, error) {
	t, err := w.tensor(name)
	if err != nil {
		return nil, err
	}
	if !slices.Equal(t.Shape, []int{rows, cols}) {
		return nil, fmt.Errorf("tensor %s: shape %v, want [%d %d]", t.Name, t.Shape, rows, cols)
	}
	format, ok := kernelFormat(t.DType)
	if !ok {
		return nil, fmt.Errorf("tensor %s: storage type %v is not supported", t.Name, t.DType)
	}
	if err := t.CheckFinite(); err != nil {
		return nil, err
	}
	var permutation func(int) int
	if w.permutation != nil {
		permutation = w.permutation(name)
	}
	m, err := kernel.Pack(format, rows, cols, t.Data, permutation)
	if err != nil {
		return nil, fmt.Errorf("tensor %s: %w", t.Name, err)
	}
	return m, nil
}

// vector widens a tensor of n values to float32.
func (w weights) vector(name string, n int) ([]float32, error) {
	t, err := w.tensor(name)
	if err != nil {
		return nil, err
	}
	if !slices.Equal(t.Shape, []int{n}) {
		return nil, fmt.Errorf("tensor %s: shape %v, want [%d]", t.Name, t.Shape, n)
	}
	if err := t.CheckFinite(); err != nil {
		return nil, err
	}
	values, err := t.Float32s()
	if err != nil || w.permutation == nil {
		return values, err
	}
	permutation := w.permutation(name)
	if permutation == nil {
		return values, nil
	}
	out := make([]float32, n)
	for r := range out {
		out[r] = values[permutation(r)]
	}
	return out, nil
}

func kernelFormat(d checkpoint.DType) (kernel.Format, bool) {
	switch d {
	case checkpoint.F32:
		return kernel.F32, true
	case checkpoint.F16:
		return kernel.F16, true
	case checkpoint.BF16:
		return kernel.BF16, true
	case checkpoint.Q8_0:
		return kernel.Q8_0, true
	case checkpoint.Q4_0:
		return kernel.Q4_0, true
	case checkpoint.Q4_1:
		return kernel.Q4_1, true
	}
	return 0, false
}
