package checkpoint

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
)

// Tensor is a tensor of a file, in the file's own storage.
type Tensor struct {
	Name  string // as the file has it, also where it was asked for by an alias
	DType DType
	Shape []int  // row-major, outermost dimension first (GGUF's dimensions reversed)
	Data  []byte // little-endian; a view of the file, valid until the source is closed

	scales *scales // of the types that have them in tensors of their own
}

// Source is a set of named tensors.
type Source interface {
	// Names returns the names of all stored tensors, sorted.
	Names() []string
	// Tensor returns the tensor with that name, or an error that wraps
	// ErrNoTensor.
	Tensor(name string) (Tensor, error)
	// Close releases the files. The Data of every Tensor is invalid after it.
	Close() error
}

// ErrNoTensor is wrapped by the error of a Source that has no such tensor.
var ErrNoTensor = errors.New("no such tensor")

// Values returns the number of values of t: the product of its shape.
func (t Tensor) Values() int {
	n := 1
	for _, dim := range t.Shape {
		n *= dim
	}
	return n
}

// Float32s returns the values of t in row-major order, [Values()]. F16, BF16,
// and the F8 types are widened exactly; Q8_0, Q4_0 and Q4_1 are d·q, d·(q-8)
// and d·q + m, types that have Groups what Groups says, every operation rounded
// to float32; F64 is rounded to nearest. Integers and other block types are an
// error: they are not weights that this package can read as numbers.
func (t Tensor) Float32s() ([]float32, error) {
	if err := t.check(); err != nil {
		return nil, err
	}
	x := make([]float32, t.Values())
	form, ok := t.form()
	if !ok {
		if err := t.widen(x, t.Data); err != nil {
			return nil, err
		}
		return x, nil
	}
	rows, cols := t.matrix()
	row := form.groups.newRow(cols)
	for i := range rows {
		form.head(i, &row)
		form.codes(i, row.Codes)
		form.groups.dequantize(x[i*cols:][:cols], &row)
	}
	return x, nil
}

// widen writes the values of b, which are of t's type, to x.
func (t Tensor) widen(x []float32, b []byte) error {
	switch t.DType {
	case F64:
		for i := range x {
			x[i] = float32(math.Float64frombits(binary.LittleEndian.Uint64(b[8*i:])))
		}
	case F32:
		for i := range x {
			x[i] = math.Float32frombits(binary.LittleEndian.Uint32(b[4*i:]))
		}
	case F16:
		for i := range x {
			x[i] = float16(binary.LittleEndian.Uint16(b[2*i:]))
		}
	case BF16:
		for i := range x {
			x[i] = math.Float32frombits(uint32(binary.LittleEndian.Uint16(b[2*i:])) << 16)
		}
	case F8E4M3:
		for i, v := range b {
			x[i] = float8E4M3(v)
		}
	case F8E5M2:
		for i, v := range b {
			x[i] = float16(uint16(v) << 8)
		}
	case Q8_0:
		dequantizeQ8_0(x, b)
	case Q4_0:
		dequantizeQ4_0(x, b)
	case Q4_1:
		dequantizeQ4_1(x, b)
	default:
		return t.unreadable("floating-point numbers")
	}
	return nil
}

// Float64s returns the values of t in row-major order, [Values()]: F64 as
// stored, all else as Float32s has it.
func (t Tensor) Float64s() ([]float64, error) {
	if t.DType == F64 {
		if err := t.check(); err != nil {
			return nil, err
		}
		x := make([]float64, t.Values())
		for i := range x {
			x[i] = math.Float64frombits(binary.LittleEndian.Uint64(t.Data[8*i:]))
		}
		return x, nil
	}
	narrow, err := t.Float32s()
	if err != nil {
		return nil, err
	}
	x := make([]float64, len(narrow))
	for i, v := range narrow {
		x[i] = float64(v)
	}
	return x, nil
}

// Int64s returns the values of an integer tensor in row-major order,
// [Values()]. A U64 value above the largest int64 is an error.
func (t Tensor) Int64s() ([]int64, error) {
	if err := t.check(); err != nil {
		return nil, err
	}
	x := make([]int64, t.Values())
	b := t.Data
	switch t.DType {
	case I64:
		for i := range x {
			x[i] = int64(binary.LittleEndian.Uint64(b[8*i:]))
		}
	case U64:
		for i := range x {
			v := binary.LittleEndian.Uint64(b[8*i:])
			if v > math.MaxInt64 {
				return nil, fmt.Errorf("tensor %s: value %d is %d, which int64 does not hold", t.Name, i, v)
			}
			x[i] = int64(v)
		}
	case I32:
		for i := range x {
			x[i] = int64(int32(binary.LittleEndian.Uint32(b[4*i:])))
		}
	case U32:
		for i := range x {
			x[i] = int64(binary.LittleEndian.Uint32(b[4*i:]))
		}
	case I16:
		for i := range x {
			x[i] = int64(int16(binary.LittleEndian.Uint16(b[2*i:])))
		}
	case U16:
		for i := range x {
			x[i] = int64(binary.LittleEndian.Uint16(b[2*i:]))
		}
	case I8:
		for i := range x {
			x[i] = int64(int8(b[i]))
		}
	case U8, Bool:
		for i := range x {
			x[i] = int64(b[i])
		}
	default:
		return nil, t.unreadable("integers")
	}
	return x, nil
}

// check refuses a tensor whose bytes are not what its type and shape need. The
// readers of files have checked theirs; a Tensor made by hand may be wrong.
func (t Tensor) check() error {
	want, err := t.DType.bytesOf(t.Shape)
	if err != nil {
		return fmt.Errorf("tensor %s: %w", t.Name, err)
	}
	if len(t.Data) != want {
		return fmt.Errorf("tensor %s: %d bytes, want %d for %s %v", t.Name, len(t.Data), want, t.DType, t.Shape)
	}
	return nil
}

func (t Tensor) unreadable(as string) error {
	return fmt.Errorf("tensor %s: storage type %s cannot be read as %s", t.Name, t.DType, as)
}

// CheckFinite returns an error that names the first value of t that is NaN or
// infinite; of quantised types, the first scale that is or that makes such
// values. Integers are finite. It reads plain floats eight bytes at a time: a
// whole model can be checked at load.
func (t Tensor) CheckFinite() error {
	if err := t.check(); err != nil {
		return err
	}
	if form, ok := t.form(); ok {
		if err := t.checkGroups(form); err != nil || !form.groups.Float8 {
			return err
		}
	}
	at := -1
	switch t.DType {
	case F64:
		at = findExponent(t.Data, 8, 0x7ff0_0000_0000_0000, 0x0010_0000_0000_0000)
	case F32:
		at = findExponent(t.Data, 4, 0x7f80_0000_7f80_0000, 0x0080_0000_0080_0000)
	case BF16:
		at = findExponent(t.Data, 2, 0x7f80_7f80_7f80_7f80, 0x0080_0080_0080_0080)
	case F16:
		at = findExponent(t.Data, 2, 0x7c00_7c00_7c00_7c00, 0x0400_0400_0400_0400)
	case F8E5M2:
		at = findExponent(t.Data, 1, 0x7c7c_7c7c_7c7c_7c7c, 0x0404_0404_0404_0404)
	case F8E4M3, MLXMXFP8, F8Scaled:
		at = findExponent(t.Data, 1, 0x7f7f_7f7f_7f7f_7f7f, 0x0101_0101_0101_0101)
	case Q8_0, Q4_0:
		return t.checkScales(1)
	case Q4_1:
		return t.checkScales(2)
	case I64, I32, I16, I8, U64, U32, U16, U8, Bool:
	default:
		return t.unreadable("floating-point numbers")
	}
	if at < 0 {
		return nil
	}
	one := Tensor{Name: t.Name, DType: t.DType, Shape: []int{1}}
	if t.scales != nil {
		one.DType = F8E4M3
	}
	one.Data = t.Data[at*one.DType.BlockBytes():][:one.DType.BlockBytes()]
	value, err := one.Float64s()
	if err != nil {
		return err
	}
	return fmt.Errorf("tensor %s: value %d of %d is %v", t.Name, at, t.Values(), value[0])
}

// checkScales checks the f16 scales that begin every block.
func (t Tensor) checkScales(scales int) error {
	size := t.DType.BlockBytes()
	for start := 0; start < len(t.Data); start += size {
		for s := range scales {
			bits := binary.LittleEndian.Uint16(t.Data[start+2*s:])
			if bits&0x7c00 == 0x7c00 {
				return fmt.Errorf("tensor %s: a scale of %s block %d is %v", t.Name, t.DType, start/size, float16(bits))
			}
		}
	}
	return nil
}

// findExponent returns the index of the first number of width bytes whose bits
// under mask are all set, or -1. mask selects the exponent in every lane of
// eight bytes, unit is its lowest bit: only where all are set does adding the
// unit carry into the lane's sign bit, so that lanes do not disturb each other.
func findExponent(b []byte, width int, mask, unit uint64) int {
	sign := (mask + unit) &^ mask
	i := 0
	for ; i+8 <= len(b); i += 8 {
		if (binary.LittleEndian.Uint64(b[i:])&mask+unit)&sign != 0 {
			break
		}
	}
	for ; i+width <= len(b); i += width {
		var lane [8]byte
		copy(lane[:], b[i:i+width])
		laneMask := mask & (1<<(8*width) - 1)
		if width == 8 {
			laneMask = mask
		}
		if binary.LittleEndian.Uint64(lane[:])&laneMask == laneMask {
			return i / width
		}
	}
	return -1
}
