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
	arithmetic Arithmetic
	unitOffset bool // norms are stored without the 1 that they multiply by
}

func newWeights(src checkpoint.Source, cfg *architecture.Config, with Arithmetic) weights {
	_, isGGUF := src.(*checkpoint.GGUF)
	return weights{source: src, config: cfg, names: cfg.Names(src), arithmetic: with, unitOffset: cfg.UnitOffset && !isGGUF}
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
	return pack(t, w.config.RowPermutation(w.source, name), w.arithmetic)
}

// forget lets the files' pages that were read leave memory, where they are mapped:
// a matrix that is packed is not read again.
func (w weights) forget() {
	if f, ok := w.source.(interface{ Forget() }); ok {
		f.Forget()
	}
}

// packedSize is the memory that the matrix will occupy.
func (w weights) packedSize(name string, rows, cols int) (int64, error) {
	t, err := w.tensor(name)
	if err != nil {
		return 0, err
	}
	if !slices.Equal(t.Shape, []int{rows, cols}) {
		return 0, fmt.Errorf("tensor %s: shape %v, want [%d %d]", t.Name, t.Shape, rows, cols)
	}
	return packedSize(t, w.arithmetic)
}

// rowReader reads single rows of a matrix that stays in its file, whatever it is
// stored as. The source must not be closed before its last use.
type rowReader struct{ tensor checkpoint.Tensor }

// rows opens a matrix of which only some rows will ever be read.
func (w weights) rows(name string, rows, cols int) (*rowReader, error) {
	t, err := w.tensor(name)
	if err != nil {
		return nil, err
	}
	if !slices.Equal(t.Shape, []int{rows, cols}) {
		return nil, fmt.Errorf("tensor %s: shape %v, want [%d %d]", t.Name, t.Shape, rows, cols)
	}
	if _, err := packedSize(t, Float32); err != nil {
		return nil, err // a storage type that cannot be read
	}
	return &rowReader{t}, nil
}

// Row writes row i to dst. A row that is not finite is an error.
func (r *rowReader) Row(i int, dst []float32) error { return r.tensor.Row(i, dst) }

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
