package jinja

import (
	"fmt"
	"math/big"
	"slices"
	"strings"
	"unicode/utf8"
)

// getAttr is v.name: the attribute, or else the item.
func (in *interp) getAttr(v Value, name string) Value {
	if r, ok := in.attribute(v, name); ok {
		return r
	}
	if r, ok := in.item(v, name); ok {
		return r
	}
	return noAttribute(v, name)
}

// getItem is v[index]: the item, or else the attribute of that name.
func (in *interp) getItem(v, index Value) Value {
	if u, ok := v.(*Undefined); ok {
		failIfUndefined(u)
	}
	if r, ok := in.item(v, index); ok {
		return r
	}
	if name, ok := text(index); ok {
		if r, ok := in.attribute(v, name); ok {
			return r
		}
		return noAttribute(v, name)
	}
	return undefinedText(objectType(v) + " has no element " + in.repr(index))
}

func noAttribute(v Value, name string) *Undefined {
	return undefinedText(quote(objectType(v)) + " has no attribute " + quote(name))
}

// objectType is how jinja2 names the type of a value in its errors.
func objectType(v Value) string {
	switch v.(type) {
	case nil:
		return "None"
	case *Undefined:
		return "Undefined"
	}
	return typeName(v) + " object"
}

var unsafeMethods = map[string][]string{
	"dict": {"clear", "pop", "popitem", "setdefault", "update"},
	"list": {"append", "clear", "pop", "reverse", "insert", "sort", "extend", "remove"},
}

// attribute is Python's getattr, as far as the sandbox lets it through: what it
// forbids is an Undefined whose use is a SecurityError.
func (in *interp) attribute(v Value, name string) (Value, bool) {
	if strings.HasPrefix(name, "__") && strings.HasSuffix(name, "__") && len(name) > 4 ||
		slices.Contains(unsafeMethods[typeName(v)], name) {
		return &Undefined{
			text:  fmt.Sprintf("access to attribute %s of '%s' object is unsafe.", quote(name), typeName(v)),
			class: SecurityError,
		}, true
	}
	switch x := v.(type) {
	case *Undefined:
		failIfUndefined(x)
	case *namespace:
		return x.attrs.Get(name)
	case *loopContext:
		return x.attr(name)
	case *macro:
		return x.attr(name)
	case *cycler:
		return x.attr(name)
	case dictType:
		if name == "fromkeys" {
			return &function{"fromkeys", dictFromKeys}, true
		}
		return nil, false
	case *rangeValue:
		if i, ok := map[string]int64{"start": x.start, "stop": x.stop, "step": x.step}[name]; ok {
			return i, true
		}
	case *Tuple:
		if i := slices.Index(x.names, name); i >= 0 {
			return x.Items[i], true
		}
	}
	return method(v, name)
}

// method returns a method bound to v.
func method(v Value, name string) (Value, bool) {
	var m methodFunc
	switch v.(type) {
	case string, Markup:
		m = textMethod(name)
	case *List:
		m = listMethods[name]
	case *Tuple:
		m = tupleMethods[name]
	case *Dict:
		m = dictMethods[name]
	case bool, int64, *big.Int:
		m = intMethods[name]
	case float64:
		m = floatMethods[name]
	}
	if m == nil {
		return numberAttribute(v, name)
	}
	return &function{name, func(in *interp, a arguments) Value { return m(in, v, a) }}, true
}

func numberAttribute(v Value, name string) (Value, bool) {
	if !isNumber(v) {
		return nil, false
	}
	if b, ok := v.(bool); ok {
		v = toInt64(b)
	}
	_, isFloat := v.(float64)
	switch {
	case name == "real" || name == "numerator" && !isFloat:
		return v, true
	case name == "imag" && isFloat:
		return 0.0, true
	case name == "imag":
		return int64(0), true
	case name == "denominator" && !isFloat:
		return int64(1), true
	}
	return nil, false
}

func (m *macro) attr(name string) (Value, bool) {
	switch name {
	case "name":
		return m.name, true
	case "arguments":
		items := make([]Value, len(m.params))
		for i, p := range m.params {
			items[i] = p
		}
		return &Tuple{Items: items}, true
	case "caller":
		return m.caller, true
	case "catch_kwargs":
		return m.kwargs, true
	case "catch_varargs":
		return m.varargs, true
	}
	return nil, false
}

// item is Python's v[index]; false where that raises LookupError or TypeError.
func (in *interp) item(v, index Value) (Value, bool) {
	switch x := v.(type) {
	case *Dict:
		switch index.(type) {
		case *List, *Dict, *view:
			return nil, false // unhashable
		}
		return x.get(in.hash(index))
	case *List:
		return at(x.Items, index)
	case *Tuple:
		return at(x.Items, index)
	case *rangeValue:
		if i, ok := position(index, int(x.length)); ok {
			return x.start + int64(i)*x.step, true
		}
		return nil, false
	}
	s, ok := text(v)
	if !ok {
		return nil, false
	}
	r, ok := in.runeAt(s, index)
	if _, marked := v.(Markup); marked && ok {
		return Markup(r), true
	}
	return r, ok
}

func at(items []Value, index Value) (Value, bool) {
	if i, ok := position(index, len(items)); ok {
		return items[i], true
	}
	return nil, false
}

// position is an index into n items, counted from the end where it is negative.
func position(index Value, n int) (int, bool) {
	i, ok := whole(index)
	if i < 0 {
		i += int64(n)
	}
	return int(i), ok && 0 <= i && i < int64(n)
}

func (in *interp) runeAt(s string, index Value) (string, bool) {
	in.scan(s)
	i, ok := position(index, utf8.RuneCountInString(s))
	if !ok {
		return "", false
	}
	for n := range s {
		if i == 0 {
			_, size := utf8.DecodeRuneInString(s[n:])
			return s[n : n+size], true
		}
		i--
	}
	return "", false
}

// slice is v[start:stop:step]; each bound may be nil.
func (in *interp) slice(v Value, bounds [3]Value) Value {
	failIfUndefined(v)
	switch x := v.(type) {
	case *List:
		return &List{Items: in.sliceItems(x.Items, bounds)}
	case *Tuple:
		return &Tuple{Items: in.sliceItems(x.Items, bounds)}
	case *rangeValue:
		start, stop, step, n := sliceBounds(int(x.length), bounds)
		return &rangeValue{x.start + int64(start)*x.step, x.start + int64(stop)*x.step, int64(step) * x.step, int64(n)}
	case string:
		return in.sliceText(x, bounds)
	case Markup:
		return Markup(in.sliceText(string(x), bounds))
	case *Dict:
		typeError("unhashable type: 'slice'")
	}
	typeError("'%s' object is not subscriptable", typeName(v))
	return nil
}

func (in *interp) sliceItems(items []Value, bounds [3]Value) []Value {
	start, _, step, n := sliceBounds(len(items), bounds)
	in.allocTimes(n, 16)
	out := make([]Value, n)
	for i := range out {
		out[i] = items[start+i*step]
	}
	return out
}

func (in *interp) sliceText(s string, bounds [3]Value) string {
	in.scan(s)
	start, _, step, n := sliceBounds(utf8.RuneCountInString(s), bounds)
	if n == 0 {
		return ""
	}
	if step == 1 {
		begin := byteOffset(s, start)
		return s[begin : begin+byteOffset(s[begin:], n)]
	}
	in.alloc(5 * len(s))
	runes := []rune(s)
	out := make([]rune, n)
	for i := range out {
		out[i] = runes[start+i*step]
	}
	return string(out)
}

// byteOffset is where character n of s begins.
func byteOffset(s string, n int) int {
	if n == 0 {
		return 0
	}
	for i := range s {
		if n == 0 {
			return i
		}
		n--
	}
	return len(s)
}

// sliceBounds is Python's slice.indices of a length; n is how many items it takes.
func sliceBounds(length int, bounds [3]Value) (start, stop, step, n int) {
	step = 1
	if bounds[2] != nil {
		step = int(max(min(sliceIndex(bounds[2]), int64(length)+1), -int64(length)-1))
		if step == 0 {
			valueError("slice step cannot be zero")
		}
	}
	low, high := 0, length
	if step < 0 {
		low, high = -1, length-1
	}
	bound := func(v Value, otherwise int) int {
		if v == nil {
			return otherwise
		}
		i := sliceIndex(v)
		if i < 0 {
			i = max(i, -int64(length)-1) + int64(length)
		}
		return int(max(min(i, int64(high)), int64(low)))
	}
	if step > 0 {
		start, stop = bound(bounds[0], low), bound(bounds[1], high)
		n = (stop - start + step - 1) / step
	} else {
		start, stop = bound(bounds[0], high), bound(bounds[1], low)
		n = (start - stop - step - 1) / -step
	}
	return start, stop, step, max(n, 0)
}

func sliceIndex(v Value) int64 {
	i, ok := whole(v)
	if !ok {
		typeError("slice indices must be integers or None or have an __index__ method")
	}
	return i
}
