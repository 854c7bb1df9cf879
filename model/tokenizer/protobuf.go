package tokenizer

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
)

// message reads the fields of a protobuf message one after another: enough of
// the format for one kind of file.
//
// Source: https://protobuf.dev/programming-guides/encoding/.
type message struct{ rest []byte }

// field is one field: number is what it holds where it is a varint or of fixed
// size, data where it is a string, bytes or a message.
type field struct {
	id     int
	wire   wireType
	number uint64
	data   []byte
}

type wireType int

const (
	wireVarint  wireType = 0
	wireFixed64 wireType = 1
	wireBytes   wireType = 2
	wireFixed32 wireType = 5
)

var errProtobuf = errors.New("the protobuf message is damaged")

// next returns the next field; ok is false at the end.
func (m *message) next() (f field, ok bool, err error) {
	if len(m.rest) == 0 {
		return f, false, nil
	}
	tag, err := m.varint()
	if err != nil {
		return f, false, err
	}
	if tag>>3 == 0 || tag>>3 > 1<<29-1 {
		return f, false, errProtobuf
	}
	f = field{id: int(tag >> 3), wire: wireType(tag & 7)}
	switch f.wire {
	case wireVarint:
		f.number, err = m.varint()
	case wireFixed64:
		if f.data, err = m.take(8); err == nil {
			f.number = binary.LittleEndian.Uint64(f.data)
		}
	case wireFixed32:
		if f.data, err = m.take(4); err == nil {
			f.number = uint64(binary.LittleEndian.Uint32(f.data))
		}
	case wireBytes:
		var size uint64
		if size, err = m.varint(); err == nil {
			f.data, err = m.take(size)
		}
	default: // groups, which nobody writes any more
		err = errProtobuf
	}
	return f, err == nil, err
}

func (m *message) varint() (uint64, error) {
	v, n := binary.Uvarint(m.rest)
	if n <= 0 {
		return 0, errProtobuf
	}
	m.rest = m.rest[n:]
	return v, nil
}

func (m *message) take(size uint64) ([]byte, error) {
	if size > uint64(len(m.rest)) {
		return nil, errProtobuf
	}
	data := m.rest[:size]
	m.rest = m.rest[size:]
	return data, nil
}

// eachField hands on the fields of a message.
func eachField(data []byte, take func(f field) error) error {
	m := message{data}
	for {
		f, ok, err := m.next()
		if err != nil || !ok {
			return err
		}
		if err := take(f); err != nil {
			return err
		}
	}
}

// want checks that a field is of the type that its message declares.
func (f field) want(w wireType) error {
	if f.wire != w {
		return fmt.Errorf("field %d has wire type %d, want %d", f.id, f.wire, w)
	}
	return nil
}

func (f field) float() float32 { return math.Float32frombits(uint32(f.number)) }
func (f field) integer() int   { return int(int32(f.number)) }
func (f field) boolean() bool  { return f.number != 0 }
