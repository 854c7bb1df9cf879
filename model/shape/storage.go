package shape

import (
	"encoding/binary"
	"fmt"
	"strings"

	"github.com/ailiance/lorabench/model/checkpoint"
)

// Storage is how the matrices of a checkpoint are stored.
type Storage struct {
	Name  string
	dtype checkpoint.DType

	// Of plain numbers: the bits that are random, and those that are set. Of
	// codes: bits that are set in each, for codes that no file has.
	random, set uint64

	heads [][]byte // scales and the like that a block begins with, one of them at random
	group int      // values that share a scale, where scales are tensors of their own
}

// storages are all that there are. Plain numbers have a random sign, a random
// mantissa and the exponent of 1/64: they lie in ±[1/64, 1/32).
var storages = []Storage{
	{Name: "f32", dtype: checkpoint.F32, random: 0x807f_ffff_807f_ffff, set: 0x3c80_0000_3c80_0000},
	{Name: "f16", dtype: checkpoint.F16, random: 0x83ff_83ff_83ff_83ff, set: 0x2400_2400_2400_2400},
	{Name: "bf16", dtype: checkpoint.BF16, random: 0x807f_807f_807f_807f, set: 0x3c80_3c80_3c80_3c80},
	{Name: "q8", dtype: checkpoint.Q8_0, random: ^uint64(0), set: 0x0101_0101_0101_0101, heads: heads(func(scale float32) []byte { return f16(scale / 64) })}, // odd codes: −128 is none
	{Name: "q4", dtype: checkpoint.Q4_0, random: ^uint64(0), heads: heads(func(scale float32) []byte { return f16(scale / 4) })},
	{Name: "q4_1", dtype: checkpoint.Q4_1, random: ^uint64(0), heads: heads(func(scale float32) []byte { return f16(scale/4, -7.5*scale/4) })},
	{Name: "q4_k", dtype: checkpoint.Q4_K, random: ^uint64(0), heads: heads(headQ4K)},
	{Name: "mlx8", dtype: checkpoint.Affine8, random: ^uint64(0), group: 64},
	{Name: "mlx4", dtype: checkpoint.Affine4, random: ^uint64(0), group: 64},
}

// Storages are the names of the storage types: of numbers, of GGUF (q8 is Q8_0,
// q4 is Q4_0), and of MLX (affine, groups of 64).
func Storages() []string {
	var names []string
	for _, s := range storages {
		names = append(names, s.Name)
	}
	return names
}

// LookupStorage returns the storage type of that name.
func LookupStorage(name string) (Storage, error) {
	for _, s := range storages {
		if s.Name == name {
			return s, nil
		}
	}
	return Storage{}, fmt.Errorf("storage %.60q is not known, want one of %s", name, strings.Join(Storages(), ", "))
}

// scaleSteps is the number of scales: 1/64·(1 + i/16). A few bits of mantissa, so
// that 7.5 times one of them is a float16 and a bfloat16 too.
const scaleSteps = 16

func scaleStep(i int) float32 { return (1 + float32(i)/scaleSteps) / 64 }

// heads are the beginnings of blocks with each scale.
func heads(of func(scale float32) []byte) [][]byte {
	list := make([][]byte, scaleSteps)
	for i := range list {
		list[i] = of(scaleStep(i))
	}
	return list
}

// f16 encodes small numbers that float16 holds.
func f16(values ...float32) []byte {
	b, err := checkpoint.F16.AppendFloat32s(nil, values)
	if err != nil {
		panic("shape: " + err.Error())
	}
	return b
}

// headQ4K begins a block of Q4_K: d, dmin, and twelve bytes that hold a scale and
// a minimum of 6 bits for each of eight groups, here 32 for all.
func headQ4K(scale float32) []byte {
	const six = 32
	b := f16(scale/4/six, 7.5*scale/4/six)
	for range 8 { // lower six bits: of the first four groups; upper two: bits 4 and 5 of the others
		b = append(b, six|six>>4<<6)
	}
	for range 4 { // the other four: bits 0 to 3
		b = append(b, six&15|six&15<<4)
	}
	return b
}

// fill makes n blocks of random values.
func (s Storage) fill(n int, r *random) []byte {
	size := s.dtype.BlockBytes()
	b := make([]byte, n*size, n*size+8)
	if s.heads == nil {
		s.fillCodes(b, r)
		return b
	}
	for start := 0; start < len(b); start += size {
		block := b[start : start+size]
		head := s.heads[r.next()%scaleSteps]
		copy(block, head)
		s.fillCodes(block[len(head):], r)
	}
	return b
}

// fillCodes fills b, whose capacity has room for the last eight bytes.
func (s Storage) fillCodes(b []byte, r *random) {
	i := 0
	for ; i+8 <= len(b); i += 8 {
		binary.LittleEndian.PutUint64(b[i:], r.next()&s.random|s.set)
	}
	if i < len(b) {
		var rest [8]byte
		binary.LittleEndian.PutUint64(rest[:], r.next()&s.random|s.set)
		copy(b[i:], rest[:])
	}
}

// random is xorshift64*, which is fast and good enough for weights.
//
// Source: Vigna 2016, "An experimental exploration of Marsaglia's xorshift
// generators, scrambled", https://doi.org/10.1145/2845077.
type random uint64

// newRandom mixes the seed, of which the state must not be zero.
func newRandom(seed uint64) *random {
	r := random(seed*0x9e3779b97f4a7c15 | 1)
	for range 8 {
		r.next()
	}
	return &r
}

func (r *random) next() uint64 {
	x := uint64(*r)
	x ^= x >> 12
	x ^= x << 25
	x ^= x >> 27
	*r = random(x)
	return x * 0x2545f4914f6cdd1d
}
