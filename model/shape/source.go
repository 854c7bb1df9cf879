package shape

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"hash/fnv"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/ailiance/lorabench/model/checkpoint"
)

// Source is a checkpoint of random weights: a checkpoint.Source, under the names
// of Hugging Face. Tensors may be asked for from several goroutines at once.
type Source struct {
	storage Storage
	config  []byte
	seed    uint64
	shapes  map[string][]int
	blocks  int // of the largest matrix
	values  int // of the largest vector

	mu            sync.Mutex // of what follows: nil until it is asked for
	matrix        []byte     // blocks, and some more
	norms, biases []byte     // float32
	scale, bias   []byte     // of groups, bfloat16
}

// New makes a checkpoint. A shape whose rows are not whole blocks of the storage
// type is an error.
func New(s Shape, storage Storage, seed uint64) (*Source, error) {
	cfg, err := s.Parse()
	if err != nil {
		return nil, fmt.Errorf("shape %s: %w", s.Name, err)
	}
	src := &Source{storage: storage, config: s.Config, seed: seed, shapes: map[string][]int{}}
	for _, spec := range cfg.Tensors() {
		src.shapes[spec.Name] = spec.Shape
		n := product(spec.Shape)
		if len(spec.Shape) < 2 {
			src.values = max(src.values, n)
			continue
		}
		whole := max(storage.dtype.BlockValues(), storage.group)
		if spec.Shape[1]%whole != 0 {
			return nil, fmt.Errorf("shape %s: %s has rows of %d, which %s cannot store: they are no multiple of %d", s.Name, spec.Name, spec.Shape[1], storage.Name, whole)
		}
		src.blocks = max(src.blocks, n/storage.dtype.BlockValues())
	}
	return src, nil
}

// Config is config.json.
func (s *Source) Config() []byte { return s.config }

// Hash is the identity of the weights: of what they are made from.
func (s *Source) Hash() string {
	h := sha256.New()
	fmt.Fprintf(h, "random weights, version 1\n%s\n%s\n%d\n", s.config, s.storage.Name, s.seed)
	return "sha256:" + hex.EncodeToString(h.Sum(nil))
}

// Names returns the names of all tensors, sorted.
func (s *Source) Names() []string { return slices.Sorted(maps.Keys(s.shapes)) }

// Tensor returns a tensor. Its Data is shared and must not be changed.
func (s *Source) Tensor(name string) (checkpoint.Tensor, error) {
	shape, ok := s.shapes[name]
	if !ok {
		return checkpoint.Tensor{}, fmt.Errorf("%w: %s", checkpoint.ErrNoTensor, name)
	}
	s.mu.Lock()
	if s.matrix == nil {
		s.fill()
	}
	s.mu.Unlock()
	t := checkpoint.Tensor{Name: name, DType: checkpoint.F32, Shape: shape}
	switch {
	case len(shape) == 2:
		t.DType = s.storage.dtype
		t.Data = piece(s.matrix, name, product(shape)/t.DType.BlockValues(), t.DType.BlockBytes())
		if s.storage.group > 0 {
			return s.grouped(t)
		}
	case strings.HasSuffix(name, ".bias"):
		t.Data = piece(s.biases, name, product(shape), 4)
	default:
		t.Data = piece(s.norms, name, product(shape), 4)
	}
	return t, nil
}

// grouped gives codes their scales and biases.
func (s *Source) grouped(codes checkpoint.Tensor) (checkpoint.Tensor, error) {
	shape := []int{codes.Shape[0], codes.Shape[1] / s.storage.group}
	part := func(from []byte) checkpoint.Tensor {
		return checkpoint.Tensor{Name: codes.Name, DType: checkpoint.BF16, Shape: shape, Data: piece(from, codes.Name, product(shape), 2)}
	}
	return checkpoint.Affine(codes, part(s.scale), part(s.bias))
}

// Close lets go of the values, until they are asked for again.
func (s *Source) Close() error {
	s.matrix, s.norms, s.biases, s.scale, s.bias = nil, nil, nil, nil, nil
	return nil
}

// spare is how many blocks a buffer is longer than the longest piece of it.
const spare = 1 << 14

// fill makes the buffers.
func (s *Source) fill() {
	r := newRandom(s.seed)
	s.matrix = s.storage.fill(s.blocks+spare, r)
	numbers := storages[0]
	s.biases = numbers.fill(s.values+spare, r)
	numbers.random, numbers.set = 0x007f_ffff_007f_ffff, 0x3f00_0000_3f00_0000 // [1/2, 1)
	s.norms = numbers.fill(s.values+spare, r)
	if s.storage.group > 0 {
		s.fillScales(r)
	}
}

// fillScales makes the scales of affine codes and biases that make zero the
// middle of the codes.
func (s *Source) fillScales(r *random) {
	divide, middle := float32(4), float32(7.5)
	if s.storage.dtype == checkpoint.Affine8 {
		divide, middle = 64, 128
	}
	var scales, biases [scaleSteps][]byte
	for i := range scales {
		scale := scaleStep(i) / divide
		scales[i], biases[i] = bf16(scale), bf16(-middle*scale)
	}
	n := s.blocks*s.storage.dtype.BlockValues()/s.storage.group + spare
	s.scale, s.bias = make([]byte, 0, 2*n), make([]byte, 0, 2*n)
	for range n {
		i := r.next() % scaleSteps
		s.scale, s.bias = append(s.scale, scales[i]...), append(s.bias, biases[i]...)
	}
}

func bf16(v float32) []byte {
	b, err := checkpoint.BF16.AppendFloat32s(nil, []float32{v})
	if err != nil {
		panic("shape: " + err.Error())
	}
	return b
}

// piece is n blocks of a buffer, at a place that the name gives: the same each
// time, and another for each tensor.
func piece(from []byte, name string, n, size int) []byte {
	h := fnv.New64a()
	h.Write([]byte(name))
	var sum [8]byte
	start := int(binary.LittleEndian.Uint64(h.Sum(sum[:0])) % uint64(len(from)/size-n+1))
	return from[start*size:][: n*size : n*size]
}

func product(shape []int) int {
	n := 1
	for _, d := range shape {
		n *= d
	}
	return n
}
