package checkpoint

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"
)

// ggufType is the type of a metadata value.
type ggufType uint32

const (
	ggufUint8 ggufType = iota
	ggufInt8
	ggufUint16
	ggufInt16
	ggufUint32
	ggufInt32
	ggufFloat32
	ggufBool
	ggufString
	ggufArray
	ggufUint64
	ggufInt64
	ggufFloat64
)

func (t ggufType) String() string {
	names := [...]string{"uint8", "int8", "uint16", "int16", "uint32", "int32", "float32", "bool", "string", "array", "uint64", "int64", "float64"}
	if int(t) < len(names) {
		return names[t]
	}
	return fmt.Sprintf("type %d", uint32(t))
}

// size returns the bytes of a value, or 0 where it differs from value to value.
func (t ggufType) size() int {
	switch t {
	case ggufUint8, ggufInt8, ggufBool:
		return 1
	case ggufUint16, ggufInt16:
		return 2
	case ggufUint32, ggufInt32, ggufFloat32:
		return 4
	case ggufUint64, ggufInt64, ggufFloat64:
		return 8
	}
	return 0
}

// ggufValue is a metadata value that was checked and is decoded when asked for.
type ggufValue struct {
	kind    ggufType
	element ggufType // of an array
	count   int      // of an array
	data    []byte   // of an array: its elements; of a string: its text
}

func (v ggufValue) String() string {
	if v.kind == ggufArray {
		return fmt.Sprintf("an array of %d %s", v.count, v.element)
	}
	return v.kind.String()
}

// value reads a value, and walks over it to the end: every count and length in
// it has been checked when it returns.
func (c *cursor) value(kind ggufType, depth int) (ggufValue, error) {
	v := ggufValue{kind: kind}
	var err error
	switch {
	case kind == ggufString:
		v.data, err = c.text()
	case kind == ggufArray:
		return c.array(depth)
	case kind.size() > 0:
		v.data, err = c.take(kind.size())
		if err == nil && kind == ggufBool && v.data[0] > 1 {
			err = fmt.Errorf("bool of value %d", v.data[0])
		}
	default:
		err = fmt.Errorf("%s is not known", kind)
	}
	return v, err
}

func (c *cursor) array(depth int) (ggufValue, error) {
	v := ggufValue{kind: ggufArray}
	if depth == maxArrayDepth {
		return v, fmt.Errorf("arrays nested deeper than %d levels", maxArrayDepth)
	}
	kind, err := c.u32()
	if err != nil {
		return v, err
	}
	v.element = ggufType(kind)
	least := v.element.size()
	switch v.element {
	case ggufString:
		least = 8
	case ggufArray:
		least = 4 + 8
	}
	if least == 0 {
		return v, fmt.Errorf("array of %s: not known", v.element)
	}
	if v.count, err = c.count("elements of an array", least); err != nil {
		return v, err
	}
	start := c.at
	if v.element.size() > 0 && v.element != ggufBool {
		_, err = c.take(v.count * least)
	} else {
		for i := 0; i < v.count && err == nil; i++ {
			_, err = c.value(v.element, depth+1)
		}
	}
	v.data = c.data[start:c.at:c.at]
	return v, err
}

// Keys returns the keys of the metadata in the order of the file.
func (g *GGUF) Keys() []string { return slices.Clone(g.keys) }

// Has says whether the metadata have key.
func (g *GGUF) Has(key string) bool {
	_, ok := g.metadata[key]
	return ok
}

// ErrNoKey is wrapped by the error of a getter whose key is not there.
var ErrNoKey = errors.New("no such metadata key")

func (g *GGUF) get(key string) (ggufValue, error) {
	v, ok := g.metadata[key]
	if !ok {
		return v, fmt.Errorf("read %s: %w: %s", g.file.name, ErrNoKey, key)
	}
	return v, nil
}

func (g *GGUF) wrongType(key string, v ggufValue, want string) error {
	return fmt.Errorf("read %s: metadata key %s is %s, want %s", g.file.name, key, v, want)
}

// String returns the string under key.
func (g *GGUF) String(key string) (string, error) {
	v, err := g.get(key)
	if err != nil {
		return "", err
	}
	if v.kind != ggufString {
		return "", g.wrongType(key, v, "string")
	}
	return string(v.data), nil
}

// Bool returns the bool under key.
func (g *GGUF) Bool(key string) (bool, error) {
	v, err := g.get(key)
	if err != nil {
		return false, err
	}
	if v.kind != ggufBool {
		return false, g.wrongType(key, v, "bool")
	}
	return v.data[0] == 1, nil
}

// Int returns the integer under key, of any width and sign.
func (g *GGUF) Int(key string) (int, error) {
	v, err := g.get(key)
	if err != nil {
		return 0, err
	}
	n, ok := decodeInt(v.kind, v.data)
	if !ok {
		return 0, g.wrongType(key, v, "an integer that int holds")
	}
	return n, nil
}

// Float returns the number under key: a float, or an integer.
func (g *GGUF) Float(key string) (float64, error) {
	v, err := g.get(key)
	if err != nil {
		return 0, err
	}
	f, ok := decodeFloat(v.kind, v.data)
	if !ok {
		return 0, g.wrongType(key, v, "a number")
	}
	return f, nil
}

// ArrayLen is the number of elements of the array under key; ok is false where
// there is no array.
func (g *GGUF) ArrayLen(key string) (n int, ok bool) {
	v := g.metadata[key]
	return v.count, v.kind == ggufArray
}

// Bools returns the array of bools under key.
func (g *GGUF) Bools(key string) ([]bool, error) {
	v, err := g.arrayOf(key, "an array of bools", func(e ggufType) bool { return e == ggufBool })
	if err != nil {
		return nil, err
	}
	list := make([]bool, v.count)
	for i := range list {
		list[i] = v.data[i] == 1
	}
	return list, nil
}

// Strings returns the array of strings under key.
func (g *GGUF) Strings(key string) ([]string, error) {
	v, err := g.arrayOf(key, "an array of strings", func(e ggufType) bool { return e == ggufString })
	if err != nil {
		return nil, err
	}
	list := make([]string, 0, v.count)
	for b := v.data; len(b) > 0; {
		n := int(binary.LittleEndian.Uint64(b))
		list = append(list, string(b[8:8+n]))
		b = b[8+n:]
	}
	return list, nil
}

// Ints returns the array of integers under key, of any width and sign.
func (g *GGUF) Ints(key string) ([]int, error) {
	v, err := g.arrayOf(key, "an array of integers", func(e ggufType) bool {
		return e.size() > 0 && e != ggufBool && e != ggufFloat32 && e != ggufFloat64
	})
	if err != nil {
		return nil, err
	}
	list := make([]int, v.count)
	size := v.element.size()
	for i := range list {
		n, ok := decodeInt(v.element, v.data[i*size:])
		if !ok {
			return nil, g.wrongType(key, v, "integers that int holds")
		}
		list[i] = n
	}
	return list, nil
}

// Floats returns the array of numbers under key: floats, or integers.
func (g *GGUF) Floats(key string) ([]float64, error) {
	v, err := g.arrayOf(key, "an array of numbers", func(e ggufType) bool { return e.size() > 0 && e != ggufBool })
	if err != nil {
		return nil, err
	}
	list := make([]float64, v.count)
	size := v.element.size()
	for i := range list {
		list[i], _ = decodeFloat(v.element, v.data[i*size:])
	}
	return list, nil
}

func (g *GGUF) arrayOf(key, want string, fits func(ggufType) bool) (ggufValue, error) {
	v, err := g.get(key)
	if err != nil {
		return v, err
	}
	if v.kind != ggufArray || !fits(v.element) {
		return v, g.wrongType(key, v, want)
	}
	return v, nil
}

// Value returns the value under key as Go has it: an integer, float32, float64,
// bool or string of the stored width, or []any of such. It is for showing
// metadata; code that needs a value asks for it by type.
func (g *GGUF) Value(key string) (any, error) {
	v, err := g.get(key)
	if err != nil {
		return nil, err
	}
	if v.kind != ggufArray {
		return v.decode(), nil
	}
	list, _ := decodeArray(v.element, v.count, v.data)
	return list, nil
}

// decodeArray returns the elements that data begin with, and the rest of data.
// Counts and lengths were checked when the file was read.
func decodeArray(element ggufType, count int, data []byte) (list []any, rest []byte) {
	list = make([]any, 0, count)
	c := &cursor{data: data}
	for range count {
		v, _ := c.value(element, 0)
		if element != ggufArray {
			list = append(list, v.decode())
			continue
		}
		inner, _ := decodeArray(v.element, v.count, v.data)
		list = append(list, inner)
	}
	return list, data[c.at:]
}

func (v ggufValue) decode() any {
	b := v.data
	switch v.kind {
	case ggufUint8:
		return b[0]
	case ggufInt8:
		return int8(b[0])
	case ggufUint16:
		return binary.LittleEndian.Uint16(b)
	case ggufInt16:
		return int16(binary.LittleEndian.Uint16(b))
	case ggufUint32:
		return binary.LittleEndian.Uint32(b)
	case ggufInt32:
		return int32(binary.LittleEndian.Uint32(b))
	case ggufUint64:
		return binary.LittleEndian.Uint64(b)
	case ggufInt64:
		return int64(binary.LittleEndian.Uint64(b))
	case ggufFloat32:
		return math.Float32frombits(binary.LittleEndian.Uint32(b))
	case ggufFloat64:
		return math.Float64frombits(binary.LittleEndian.Uint64(b))
	case ggufBool:
		return b[0] == 1
	}
	return string(b)
}

// decodeInt returns an integer that data begin with; ok is false where kind is
// none, or int does not hold it.
func decodeInt(kind ggufType, data []byte) (n int, ok bool) {
	var wide int64
	switch v := (ggufValue{kind: kind, data: data}).decode().(type) {
	case uint8:
		wide = int64(v)
	case int8:
		wide = int64(v)
	case uint16:
		wide = int64(v)
	case int16:
		wide = int64(v)
	case uint32:
		wide = int64(v)
	case int32:
		wide = int64(v)
	case int64:
		wide = v
	case uint64:
		if v > math.MaxInt64 {
			return 0, false
		}
		wide = int64(v)
	default:
		return 0, false
	}
	return int(wide), int64(int(wide)) == wide
}

func decodeFloat(kind ggufType, data []byte) (float64, bool) {
	switch v := (ggufValue{kind: kind, data: data}).decode().(type) {
	case float32:
		return float64(v), true
	case float64:
		return v, true
	case uint64:
		return float64(v), true
	}
	n, ok := decodeInt(kind, data)
	return float64(n), ok
}
