package jinja

import "unicode/utf8"

func (in *interp) iter(v Value) *iterator {
	switch x := v.(type) {
	case *iterator:
		return x
	case *loopContext:
		return &iterator{next: func() (Value, bool) {
			item, ok := x.next()
			return &Tuple{Items: []Value{item, x}}, ok
		}}
	case *List:
		return in.sequence(len(x.Items), func(i int) Value { return x.Items[i] })
	case *Tuple:
		return in.sequence(len(x.Items), func(i int) Value { return x.Items[i] })
	case *Dict:
		return in.sequence(x.Len(), func(i int) Value { return x.keys[i] })
	case *view:
		return in.sequence(x.dict.Len(), x.at)
	case *rangeValue:
		return in.sequence(int(x.length), func(i int) Value { return x.start + int64(i)*x.step })
	case *Undefined:
		return in.sequence(0, nil)
	}
	s, ok := text(v)
	if !ok {
		typeError("'%s' object is not iterable", typeName(v))
	}
	return &iterator{next: func() (Value, bool) {
		if s == "" {
			return nil, false
		}
		in.step(1)
		_, n := utf8.DecodeRuneInString(s)
		c := s[:n]
		s = s[n:]
		return c, true
	}}
}

func (in *interp) sequence(n int, at func(int) Value) *iterator {
	i := 0
	return &iterator{next: func() (Value, bool) {
		if i >= n {
			return nil, false
		}
		in.step(1)
		i++
		return at(i - 1), true
	}}
}

// items reads all of v. The slice may be v's own: it must not be changed.
func (in *interp) items(v Value) []Value {
	switch x := v.(type) {
	case *List:
		in.step(len(x.Items))
		return x.Items
	case *Tuple:
		in.step(len(x.Items))
		return x.Items
	}
	var items []Value
	for it := in.iter(v); ; {
		item, ok := it.next()
		if !ok {
			return items
		}
		in.alloc(32)
		items = append(items, item)
	}
}

// own is items in a slice that the caller may change.
func (in *interp) own(v Value) []Value {
	items := in.items(v)
	in.allocTimes(len(items), 16)
	return append([]Value(nil), items...)
}
