package model

import (
	"fmt"
	"slices"

	"github.com/ailiance/lorabench/model/architecture"
	"github.com/ailiance/lorabench/model/checkpoint"
	"github.com/ailiance/lorabench/model/kernel"
)

// weights is a view of a checkpoint under the names of a text-only Hugging Face
// checkpoint.
type weights struct {
	source     checkpoint.Source
	config     *architecture.Config
	names      architecture.Names
	unitOffset bool // norms are stored without the 1 that they multiply by
}

func newWeights(src checkpoint.Source, cfg *architecture.Config) weights {
	_, isGGUF := src.(*checkpoint.GGUF)
	return weights{source: src, config: cfg, names: cfg.Names(src), unitOffset: cfg.UnitOffset && !isGGUF}
}

func (w weights) tensor(name string) (checkpoint.Tensor, error) {
	stored, ok := w.names(name)
	if !ok {
		return checkpoint.Tensor{}, fmt.Errorf("tensor %s: %w", name, checkpoint.ErrNoTensor)
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
	m, err := kernel.Pack(format, rows, cols, t.Data, w.config.RowPermutation(w.source, name))
	if err != nil {
		return nil, fmt.Errorf("tensor %s: %w", t.Name, err)
	}
	return m, nil
}

// packedSize is the memory that the matrix will occupy.
func (w weights) packedSize(name string, rows, cols int) (int64, error) {
	t, err := w.tensor(name)
	if err != nil {
		return 0, err
	}
	format, ok := kernelFormat(t.DType)
	if !ok {
		return 0, &checkpoint.UnsupportedError{What: fmt.Sprintf("storage type %s of %s", t.DType, t.Name)}
	}
	return kernel.PackedBytes(format, rows, cols)
}

// rowReader reads single rows of a matrix that stays in its file.
type rowReader struct {
	source checkpoint.Source
	tensor checkpoint.Tensor
}

// rows opens a matrix of which only some rows will ever be read.
func (w weights) rows(name string, rows, cols int) (*rowReader, error) {
	t, err := w.tensor(name)
	if err != nil {
		return nil, err
	}
	if !slices.Equal(t.Shape, []int{rows, cols}) {
		return nil, fmt.Errorf("tensor %s: shape %v, want [%d %d]", t.Name, t.Shape, rows, cols)
	}
	return &rowReader{source: w.source, tensor: t}, nil
}

// Row writes row i to dst.
func (r *rowReader) Row(i int, dst []float32) error {
	one := r.tensor
	size := len(one.Data) / one.Shape[0]
	one.Shape, one.Data = []int{1, one.Shape[1]}, one.Data[i*size:(i+1)*size]
	if err := one.CheckFinite(); err != nil {
		return err
	}
	values, err := one.Float32s()
	copy(dst, values)
	return err
}

// vector widens a tensor of n values to float32; n is 0 for a single number.
func (w weights) vector(name string, n int) ([]float32, error) {
	t, err := w.tensor(name)
	if err != nil {
		return nil, err
	}
	single := n == 0 && (len(t.Shape) == 0 || slices.Equal(t.Shape, []int{1}))
	if !single && !slices.Equal(t.Shape, []int{n}) {
		return nil, fmt.Errorf("tensor %s: shape %v, want [%d]", t.Name, t.Shape, n)
	}
	if err := t.CheckFinite(); err != nil {
		return nil, err
	}
	values, err := t.Float32s()
	permutation := w.config.RowPermutation(w.source, name)
	if err != nil || permutation == nil {
		return values, err
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
