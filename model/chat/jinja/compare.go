package jinja

import (
	"math/big"
	"strings"
)

// same is Python's "a is b", as far as it can be told.
func same(a, b Value) bool {
	switch x := a.(type) {
	case *big.Int:
		return false
	case float64:
		y, ok := b.(float64)
		return ok && x == y
	}
	return typeName(a) == typeName(b) && a == b
}

// equal is Python's a == b.
func (in *interp) equal(a, b Value) bool {
	in.enter()
	defer in.leave()
	if c, ok := compareNumbers(a, b); ok {
		return c == 0
	}
	if s, ok := text(a); ok {
		t, ok := text(b)
		in.step(min(len(s), len(t)) >> 8)
		return ok && s == t
	}
	switch x := a.(type) {
	case *List:
		y, ok := b.(*List)
		return ok && (x == y || in.equalItems(x.Items, y.Items))
	case *Tuple:
		y, ok := b.(*Tuple)
		return ok && (x == y || in.equalItems(x.Items, y.Items))
	case *Dict:
		y, ok := b.(*Dict)
		return ok && (x == y || in.equalDicts(x, y))
	case *Undefined:
		_, ok := b.(*Undefined)
		return ok
	case *rangeValue:
		y, ok := b.(*rangeValue)
		return ok && x.length == y.length && (x.length == 0 || x.start == y.start && (x.length == 1 || x.step == y.step))
	case float64: // not a number
		return false
	}
	return same(a, b)
}

func (in *interp) equalItems(a, b []Value) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if !in.identicalOrEqual(a[i], b[i]) {
			return false
		}
	}
	return true
}

// identicalOrEqual is how containers compare their items.
func (in *interp) identicalOrEqual(a, b Value) bool { return same(a, b) || in.equal(a, b) }

func (in *interp) equalDicts(a, b *Dict) bool {
	if a.Len() != b.Len() {
		return false
	}
	for i, key := range a.keys {
		v, ok := b.get(in.hash(key))
		if !ok || !in.identicalOrEqual(a.values[i], v) {
			return false
		}
	}
	return true
}

// less is Python's a < b (op names the operator in the error).
func (in *interp) less(a, b Value, op string) bool {
	in.enter()
	defer in.leave()
	if isNumber(a) && isNumber(b) {
		c, ok := compareNumbers(a, b)
		return ok && c < 0
	}
	if s, ok := text(a); ok {
		if t, ok := text(b); ok {
			in.step(min(len(s), len(t)) >> 8)
			return s < t
		}
	}
	switch x := a.(type) {
	case *List:
		if y, ok := b.(*List); ok {
			return in.lessItems(x.Items, y.Items, op)
		}
	case *Tuple:
		if y, ok := b.(*Tuple); ok {
			return in.lessItems(x.Items, y.Items, op)
		}
	}
	failIfUndefined(a)
	failIfUndefined(b)
	typeError("'%s' not supported between instances of '%s' and '%s'", op, typeName(a), typeName(b))
	return false
}

func (in *interp) lessItems(a, b []Value, op string) bool {
	for i := range min(len(a), len(b)) {
		if !in.identicalOrEqual(a[i], b[i]) {
			return in.less(a[i], b[i], op)
		}
	}
	return len(a) < len(b)
}

// contains is Python's v in container.
func (in *interp) contains(container, v Value) bool {
	switch c := container.(type) {
	case *Dict:
		_, ok := c.get(in.hash(v))
		return ok
	case *view:
		if c.kind == "keys" {
			_, ok := c.dict.get(in.hash(v))
			return ok
		}
	case string, Markup:
		s, _ := text(c)
		sub, ok := text(v)
		if !ok {
			typeError("'in <string>' requires string as left operand, not %s", typeName(v))
		}
		in.step(len(s) >> 8)
		return strings.Contains(s, sub)
	}
	for it := in.iter(container); ; {
		item, ok := it.next()
		if !ok {
			return false
		}
		if in.identicalOrEqual(item, v) {
			return true
		}
	}
}
