package checkpoint

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"math"
)

// TensorInfo is the entry of a tensor in a safetensors header.
type TensorInfo struct {
	Name  string
	DType DType
	Shape []int
}

// Bytes is the length of the tensor's data.
func (t TensorInfo) Bytes() (int, error) { return t.DType.bytesOf(t.Shape) }

// WriteSafetensors writes a file of the tensors in that order. write is called
// once for each and must write as many bytes as its shape has. metadata may be
// nil.
//
// Source: https://huggingface.co/docs/safetensors, "Format".
func WriteSafetensors(w io.Writer, metadata map[string]string, list []TensorInfo, write func(i int, w io.Writer) error) error {
	type entry struct {
		DType   string `json:"dtype"`
		Shape   []int  `json:"shape"`
		Offsets [2]int `json:"data_offsets"`
	}
	header := map[string]any{}
	if metadata != nil {
		header["__metadata__"] = metadata
	}
	sizes := make([]int, len(list))
	at := 0
	for i, t := range list {
		n, err := t.Bytes()
		if err != nil {
			return fmt.Errorf("tensor %s: %w", t.Name, err)
		}
		if _, ok := safetensorsDType(t.DType.String()); !ok {
			return fmt.Errorf("tensor %s: %s is no type of safetensors files", t.Name, t.DType)
		}
		if _, ok := header[t.Name]; ok {
			return fmt.Errorf("tensor %s: there twice", t.Name)
		}
		shape := t.Shape
		if shape == nil {
			shape = []int{}
		}
		header[t.Name] = entry{t.DType.String(), shape, [2]int{at, at + n}}
		sizes[i] = n
		at += n
	}
	text, err := json.Marshal(header)
	if err != nil {
		return err
	}
	for len(text)%8 != 0 { // data begin aligned
		text = append(text, ' ')
	}
	if _, err := w.Write(append(binary.LittleEndian.AppendUint64(nil, uint64(len(text))), text...)); err != nil {
		return err
	}
	for i, t := range list {
		c := &counter{w: w}
		if err := write(i, c); err != nil {
			return fmt.Errorf("tensor %s: %w", t.Name, err)
		}
		if c.n != sizes[i] {
			return fmt.Errorf("tensor %s: %d bytes were written, want %d for %s %v", t.Name, c.n, sizes[i], t.DType, t.Shape)
		}
	}
	return nil
}

// counter counts what is written through it.
type counter struct {
	w io.Writer
	n int
}

func (c *counter) Write(b []byte) (int, error) {
	n, err := c.w.Write(b)
	c.n += n
	return n, err
}

// AppendFloat32s appends x in type d, F32, F16 or BF16, rounded to the nearest
// even value. A finite value that d does not hold is an error.
func (d DType) AppendFloat32s(to []byte, x []float32) ([]byte, error) {
	switch d {
	case F32:
		for _, v := range x {
			to = binary.LittleEndian.AppendUint32(to, math.Float32bits(v))
		}
	case BF16:
		for _, v := range x {
			h := roundBF16(v)
			if h&0x7f80 == 0x7f80 && v-v == 0 {
				return nil, fmt.Errorf("%v is beyond the range of %s", v, d)
			}
			to = binary.LittleEndian.AppendUint16(to, h)
		}
	case F16:
		for _, v := range x {
			h := roundF16(v)
			if h&0x7c00 == 0x7c00 && v-v == 0 {
				return nil, fmt.Errorf("%v is beyond the range of %s", v, d)
			}
			to = binary.LittleEndian.AppendUint16(to, h)
		}
	default:
		return nil, fmt.Errorf("cannot write numbers as %s", d)
	}
	return to, nil
}

// roundBF16 rounds to the upper half of a float32, ties to even.
func roundBF16(v float32) uint16 {
	b := math.Float32bits(v)
	if v != v {
		return uint16(b>>16) | 0x40
	}
	return uint16((b + 0x7fff + b>>16&1) >> 16)
}

// roundF16 rounds to IEEE half precision, ties to even.
func roundF16(v float32) uint16 {
	b := math.Float32bits(v)
	sign := uint16(b >> 16 & 0x8000)
	switch exponent := int(b>>23&0xff) - 127; {
	case v != v:
		return sign | 0x7e00
	case exponent > 15:
		return sign | 0x7c00
	case exponent >= -14: // a carry of the mantissa goes into the exponent, as it should
		m := b&0x7fffff | uint32(exponent+15)<<23
		return sign | uint16((m+0xfff+m>>13&1)>>13)
	default: // subnormal: units of 2^-24
		scaled := math.RoundToEven(math.Abs(float64(v)) * 0x1p24)
		return sign | uint16(scaled)
	}
}
