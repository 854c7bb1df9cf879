package jinja

import (
	"crypto/sha256"
	"fmt"
	"math"
	"math/big"
)

// Dict is Python's dict: it keeps the order of insertion.
type Dict struct {
	keys, values []Value
	index        map[any]int
}

// NewDict makes a dict of key, value, key, value, ...; keys are strings.
func NewDict(pairs ...any) *Dict {
	d := &Dict{}
	for i := 0; i+1 < len(pairs); i += 2 {
		d.Set(pairs[i].(string), pairs[i+1])
	}
	return d
}

// Len returns the number of keys.
func (d *Dict) Len() int { return len(d.keys) }

// Get returns the value of key.
func (d *Dict) Get(key string) (Value, bool) { return d.get(key) }

// Set sets the value of key; a new key comes last.
func (d *Dict) Set(key string, v Value) { d.set(key, key, v) }

// All calls yield with each key and value until it returns false. Keys that are
// not strings are left out.
func (d *Dict) All(yield func(string, Value) bool) {
	for i, k := range d.keys {
		if s, ok := k.(string); ok && !yield(s, d.values[i]) {
			return
		}
	}
}

func (d *Dict) get(hash any) (Value, bool) {
	if i, ok := d.index[hash]; ok {
		return d.values[i], true
	}
	return nil, false
}

func (d *Dict) set(hash any, key, v Value) {
	if i, ok := d.index[hash]; ok {
		d.values[i] = v
		return
	}
	if d.index == nil {
		d.index = map[any]int{}
	}
	d.index[hash] = len(d.keys)
	d.keys = append(d.keys, key)
	d.values = append(d.values, v)
}

type (
	noneHash      struct{}
	undefinedHash struct{}
	numberHash    string // of large numbers
	tupleHash     [sha256.Size]byte
)

// hash returns what is equal in Go for keys that are equal in Python.
func (in *interp) hash(v Value) any {
	switch x := v.(type) {
	case nil:
		return noneHash{}
	case bool:
		return toInt64(x)
	case Markup:
		return string(x)
	case float64:
		if x == math.Trunc(x) && math.Abs(x) < 1<<62 {
			return int64(x)
		}
		if math.IsNaN(x) {
			return &x
		}
		return x
	case *big.Int:
		in.alloc(x.BitLen())
		return numberHash(x.Text(62))
	case *Undefined:
		return undefinedHash{}
	case *Tuple:
		in.enter()
		defer in.leave()
		h := sha256.New()
		for _, item := range x.Items {
			in.step(16)
			part := in.hash(item)
			written := fmt.Sprint(part)
			fmt.Fprintf(h, "%T %d %s", part, len(written), written)
		}
		return tupleHash(h.Sum(nil))
	case *List, *Dict, *view:
		typeError("unhashable type: '%s'", typeName(v))
	}
	return v
}
