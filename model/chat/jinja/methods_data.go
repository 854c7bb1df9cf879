package jinja

import (
	"math"
	"math/big"
	"math/bits"
)

var listMethods = map[string]methodFunc{
	"count": func(in *interp, v Value, a arguments) Value { return in.countItem(v.(*List).Items, a) },
	"index": func(in *interp, v Value, a arguments) Value { return in.indexItem(v.(*List).Items, a) },
	"copy": func(in *interp, v Value, a arguments) Value {
		a.bind("copy")
		return &List{Items: in.own(v)}
	},
}

var tupleMethods = map[string]methodFunc{
	"count": func(in *interp, v Value, a arguments) Value { return in.countItem(v.(*Tuple).Items, a) },
	"index": func(in *interp, v Value, a arguments) Value { return in.indexItem(v.(*Tuple).Items, a) },
}

func (in *interp) countItem(items []Value, a arguments) Value {
	v := a.bind("count", "value/")[0]
	n := int64(0)
	for _, item := range items {
		if in.identicalOrEqual(item, v) {
			n++
		}
	}
	return n
}

func (in *interp) indexItem(items []Value, a arguments) Value {
	args := a.bind("index", "value/", "start?/", "stop?/")
	start, _, _, n := sliceBounds(len(items), [3]Value{or(args[1], nil), or(args[2], nil)})
	for i := start; i < start+n; i++ {
		if in.identicalOrEqual(items[i], args[0]) {
			return int64(i)
		}
	}
	valueError("%s is not in list", in.repr(args[0]))
	return nil
}

var dictMethods = map[string]methodFunc{
	"get": func(in *interp, v Value, a arguments) Value {
		args := a.bind("get", "key/", "default?/")
		if r, ok := v.(*Dict).get(in.hash(args[0])); ok {
			return r
		}
		return or(args[1], nil)
	},
	"keys":   viewMethod("keys"),
	"values": viewMethod("values"),
	"items":  viewMethod("items"),
	"copy": func(in *interp, v Value, a arguments) Value {
		a.bind("copy")
		return in.copyDict(v.(*Dict))
	},
	"fromkeys": func(in *interp, _ Value, a arguments) Value { return dictFromKeys(in, a) },
}

func viewMethod(kind string) methodFunc {
	return func(_ *interp, v Value, a arguments) Value {
		a.bind(kind)
		return &view{v.(*Dict), kind}
	}
}

func (in *interp) copyDict(from *Dict) *Dict {
	d := &Dict{}
	for i, key := range from.keys {
		in.put(d, key, from.values[i])
	}
	return d
}

var intMethods = map[string]methodFunc{
	"bit_length": func(_ *interp, v Value, a arguments) Value {
		a.bind("bit_length")
		x, _ := integer(v)
		return int64(x.BitLen())
	},
	"bit_count": func(_ *interp, v Value, a arguments) Value {
		a.bind("bit_count")
		x, _ := integer(v)
		n := 0
		for _, w := range x.Bits() {
			n += bits.OnesCount(uint(w))
		}
		return int64(n)
	},
	"conjugate": func(_ *interp, v Value, a arguments) Value {
		a.bind("conjugate")
		x, _ := integer(v)
		return shrink(x)
	},
	"as_integer_ratio": func(_ *interp, v Value, a arguments) Value {
		a.bind("as_integer_ratio")
		x, _ := integer(v)
		return &Tuple{Items: []Value{shrink(x), int64(1)}}
	},
}

var floatMethods = map[string]methodFunc{
	"is_integer": func(_ *interp, v Value, a arguments) Value {
		a.bind("is_integer")
		f := v.(float64)
		return f == math.Trunc(f) && !math.IsInf(f, 0)
	},
	"conjugate": func(_ *interp, v Value, a arguments) Value {
		a.bind("conjugate")
		return v
	},
	"as_integer_ratio": func(_ *interp, v Value, a arguments) Value {
		a.bind("as_integer_ratio")
		f := v.(float64)
		if math.IsInf(f, 0) || math.IsNaN(f) {
			valueError("cannot convert %s to integer ratio", floatText(f))
		}
		r := new(big.Rat).SetFloat64(f)
		return &Tuple{Items: []Value{shrink(r.Num()), shrink(r.Denom())}}
	},
}
