package jinja

import (
	"slices"
	"strings"
)

// generate is an iterator over what f yields. It runs f when the first item is
// asked for: like Python's generators it fails only then.
func (in *interp) generate(f func() func() (Value, bool)) *iterator {
	var next func() (Value, bool)
	return &iterator{next: func() (Value, bool) {
		in.enter()
		defer in.leave()
		if next == nil {
			next = f()
		}
		return next()
	}}
}

func batchFilter(in *interp, a arguments) Value {
	args := a.bind("batch", "value", "linecount", "fill_with?")
	return in.generate(func() func() (Value, bool) {
		it := in.iter(args[0])
		var row []Value
		return func() (Value, bool) {
			for {
				item, ok := it.next()
				if !ok {
					last := row
					row = nil
					return in.lastBatch(last, args[1], or(args[2], nil))
				}
				in.alloc(16)
				full := row
				if in.equal(int64(len(row)), args[1]) {
					row = []Value{item}
					return &List{Items: full}, true
				}
				row = append(row, item)
			}
		}
	})
}

func (in *interp) lastBatch(row []Value, linecount, fill Value) (Value, bool) {
	if row == nil {
		return nil, false
	}
	if n, ok := whole(linecount); ok && fill != nil && int64(len(row)) < n {
		in.allocTimes(clampInt(n), 16)
		for int64(len(row)) < n {
			row = append(row, fill)
		}
	}
	return &List{Items: row}, true
}

func sliceFilter(in *interp, a arguments) Value {
	args := a.bind("slice", "value", "slices", "fill_with?")
	return in.generate(func() func() (Value, bool) {
		items := in.items(args[0])
		n := needInt(args[1])
		if n == 0 {
			fail("ZeroDivisionError", "integer division or modulo by zero")
		}
		if n < 0 {
			return func() (Value, bool) { return nil, false }
		}
		each, extra := int64(len(items))/n, int64(len(items))%n
		i, begin := int64(0), int64(0)
		return func() (Value, bool) {
			if i == n {
				return nil, false
			}
			end := begin + each
			if i < extra {
				end++
			}
			in.allocTimes(int(end-begin), 16)
			in.alloc(32)
			row := append([]Value(nil), items[begin:end]...)
			if fill := or(args[2], nil); fill != nil && i >= extra {
				row = append(row, fill)
			}
			i, begin = i+1, end
			return &List{Items: row}, true
		}
	})
}

func lengthFilter(in *interp, a arguments) Value {
	v := a.bind("len", "obj/")[0]
	if s, ok := text(v); ok {
		in.scan(s)
	}
	n, ok := length(v)
	if !ok {
		typeError("object of type '%s' has no len()", typeName(v))
	}
	return int64(n)
}

// order compares as Python sorts.
func (in *interp) order(a, b Value) int {
	switch {
	case in.less(a, b, "<"):
		return -1
	case in.less(b, a, "<"):
		return 1
	}
	return 0
}

// sorted is Python's sorted of items by keys, one for each.
func (in *interp) sorted(items, keys []Value, reverse bool) []Value {
	in.allocTimes(len(items), 24)
	index := make([]int, len(items))
	for i := range index {
		index[i] = i
	}
	slices.SortStableFunc(index, func(i, j int) int {
		if reverse {
			i, j = j, i
		}
		return in.order(keys[i], keys[j])
	})
	out := make([]Value, len(items))
	for i, j := range index {
		out[i] = items[j]
	}
	return out
}

func ignoreCase(in *interp, v Value) Value {
	if s, ok := text(v); ok {
		in.alloc(len(s))
		return asMarkup(v, lower(s))
	}
	return v
}

// keep is a postprocessing that does nothing.
func keep(_ *interp, v Value) Value { return v }

func caseRule(sensitive Value) func(*interp, Value) Value {
	if truth(or(sensitive, false)) {
		return keep
	}
	return ignoreCase
}

func dictsortFilter(in *interp, a arguments) Value {
	args := a.bind("dictsort", "value", "case_sensitive?", "by?", "reverse?")
	post := caseRule(args[1])
	by := or(args[2], "key")
	if by != "key" && by != "value" {
		fail("FilterArgumentError", `You can only sort by either "key" or "value"`)
	}
	d, ok := args[0].(*Dict)
	if !ok {
		failIfUndefined(args[0])
		fail("AttributeError", "'%s' object has no attribute 'items'", typeName(args[0]))
	}
	items := in.items(&view{d, "items"})
	from := d.keys
	if by == "value" {
		from = d.values
	}
	keys := make([]Value, len(from))
	for i, v := range from {
		keys[i] = post(in, v)
	}
	return &List{Items: in.sorted(items, keys, truth(or(args[3], false)))}
}

func firstFilter(in *interp, a arguments) Value {
	v, ok := in.iter(a.bind("first", "seq")[0]).next()
	if !ok {
		return undefinedText("No first item, sequence was empty.")
	}
	return v
}

func lastFilter(in *interp, a arguments) Value {
	v, ok := in.reversed(a.bind("last", "seq")[0]).next()
	if !ok {
		return undefinedText("No last item, sequence was empty.")
	}
	return v
}

// reversed is Python's reversed(v).
func (in *interp) reversed(v Value) *iterator {
	switch x := v.(type) {
	case *iterator, *loopContext:
		typeError("'%s' object is not reversible", typeName(v))
	case *List:
		return in.sequence(len(x.Items), func(i int) Value { return x.Items[len(x.Items)-1-i] })
	case *Tuple:
		return in.sequence(len(x.Items), func(i int) Value { return x.Items[len(x.Items)-1-i] })
	case *Undefined:
		return in.sequence(0, nil)
	}
	if _, ok := length(v); !ok {
		typeError("'%s' object is not reversible", typeName(v))
	}
	items := in.items(v)
	return in.sequence(len(items), func(i int) Value { return items[len(items)-1-i] })
}

func reverseFilter(in *interp, a arguments) Value {
	v := a.bind("reverse", "value")[0]
	if s, ok := text(v); ok {
		return asMarkup(v, in.sliceText(s, [3]Value{nil, nil, int64(-1)}))
	}
	if _, ok := v.(*iterator); ok {
		items := in.own(v)
		slices.Reverse(items)
		return &List{Items: items}
	}
	if !isIterable(v) {
		fail("FilterArgumentError", "argument must be iterable")
	}
	return in.reversed(v)
}

// path is an attribute of an attribute …: names, and numbers for indices.
type path []Value

func (in *interp) parsePath(v Value) path {
	s, ok := text(v)
	if !ok {
		if v == nil {
			return nil
		}
		return path{v}
	}
	var p path
	in.allocTimes(strings.Count(s, "."), 16)
	for _, part := range strings.Split(s, ".") {
		if allRunes(isDigitRune)(part) {
			x, ok := parseInt(part, 10)
			if !ok {
				valueError("invalid literal for int() with base 10: %s", quote(part))
			}
			p = append(p, shrink(x))
		} else {
			p = append(p, part)
		}
	}
	return p
}

// of follows the path from v; otherwise, unless nil, replaces what is undefined.
func (p path) of(in *interp, v, otherwise Value) Value {
	for _, part := range p {
		v = in.getItem(v, part)
		if otherwise != nil && isUndefined(v) {
			v = otherwise
		}
	}
	return v
}

func (in *interp) keysOf(items []Value, p path, post func(*interp, Value) Value, otherwise Value) []Value {
	in.allocTimes(len(items), 16)
	keys := make([]Value, len(items))
	for i, item := range items {
		keys[i] = post(in, p.of(in, item, otherwise))
	}
	return keys
}

func groupbyFilter(in *interp, a arguments) Value {
	args := a.bind("groupby", "value", "attribute", "default?", "case_sensitive?")
	p, otherwise := in.parsePath(args[1]), or(args[2], nil)
	post := caseRule(args[3])
	items := in.own(args[0])
	items = in.sorted(items, in.keysOf(items, p, post, otherwise), false)
	keys := in.keysOf(items, p, post, otherwise)
	groups := &List{}
	for i := 0; i < len(items); {
		j := i + 1
		for j < len(items) && in.identicalOrEqual(keys[i], keys[j]) {
			j++
		}
		in.alloc(128)
		group := &List{Items: items[i:j:j]}
		groups.Items = append(groups.Items, &Tuple{
			Items: []Value{p.of(in, items[i], otherwise), group},
			names: []string{"grouper", "list"},
		})
		i = j
	}
	return groups
}

func itemsFilter(in *interp, a arguments) Value {
	v := a.bind("items", "value")[0]
	return in.generate(func() func() (Value, bool) {
		if isUndefined(v) {
			return func() (Value, bool) { return nil, false }
		}
		d, ok := v.(*Dict)
		if !ok {
			typeError("Can only get item pairs from a mapping.")
		}
		return in.iter(&view{d, "items"}).next
	})
}

func joinFilter(in *interp, a arguments) Value {
	args := a.bind("join", "value", "d?", "attribute?")
	p := in.parsePath(or(args[2], nil))
	sep := in.str(or(args[1], ""))
	var b strings.Builder
	it := in.iter(args[0])
	for i := 0; ; i++ {
		item, ok := it.next()
		if !ok {
			return b.String()
		}
		if i > 0 {
			in.alloc(len(sep))
			b.WriteString(sep)
		}
		part := in.str(p.of(in, item, nil))
		in.alloc(len(part))
		b.WriteString(part)
	}
}

func mapFilter(in *interp, a arguments) Value {
	v := a.positional[0]
	a.positional = a.positional[1:]
	return in.generate(func() func() (Value, bool) {
		if !truth(v) {
			return func() (Value, bool) { return nil, false }
		}
		f := in.mapping(a)
		it := in.iter(v)
		return func() (Value, bool) {
			item, ok := it.next()
			if !ok {
				return nil, false
			}
			return f(item), true
		}
	})
}

// mapping is the function that map applies: a lookup or a filter.
func (in *interp) mapping(a arguments) func(Value) Value {
	if attribute, ok := a.take("attribute"); ok && len(a.positional) == 0 {
		otherwise, _ := a.take("default")
		if len(a.names) > 0 {
			fail("FilterArgumentError", "Unexpected keyword argument %s", quote(a.names[0]))
		}
		p := in.parsePath(attribute)
		return func(v Value) Value { return p.of(in, v, otherwise) }
	}
	if len(a.positional) == 0 {
		fail("FilterArgumentError", "map requires a filter argument")
	}
	name := in.str(a.positional[0])
	a.positional = a.positional[1:]
	return func(v Value) Value { return in.callFilter(name, v, a) }
}

// selecting makes select, reject, selectattr and rejectattr.
func selecting(attribute, want bool) builtin {
	return func(in *interp, a arguments) Value {
		v := a.positional[0]
		a.positional = a.positional[1:]
		return in.generate(func() func() (Value, bool) {
			if !truth(v) {
				return func() (Value, bool) { return nil, false }
			}
			holds := in.condition(a, attribute)
			it := in.iter(v)
			return func() (Value, bool) {
				for {
					item, ok := it.next()
					if !ok || holds(item) == want {
						return item, ok
					}
				}
			}
		})
	}
}

func (in *interp) condition(a arguments, attribute bool) func(Value) bool {
	var p path
	if attribute {
		if len(a.positional) == 0 {
			fail("FilterArgumentError", "Missing parameter for attribute name")
		}
		p = in.parsePath(a.positional[0])
		a.positional = a.positional[1:]
	}
	if len(a.positional) == 0 {
		return func(v Value) bool { return truth(p.of(in, v, nil)) }
	}
	name := in.str(a.positional[0])
	a.positional = a.positional[1:]
	return func(v Value) bool { return truth(in.callTest(name, p.of(in, v, nil), a)) }
}

// extreme makes min and max.
func extreme(name string, better func(in *interp, a, b Value) bool) builtin {
	return func(in *interp, a arguments) Value {
		args := a.bind(name, "value", "case_sensitive?", "attribute?")
		p, post := in.parsePath(or(args[2], nil)), caseRule(args[1])
		it := in.iter(args[0])
		best, ok := it.next()
		if !ok {
			return undefinedText("No aggregated item, sequence was empty.")
		}
		bestKey := post(in, p.of(in, best, nil))
		for {
			item, ok := it.next()
			if !ok {
				return best
			}
			if key := post(in, p.of(in, item, nil)); better(in, key, bestKey) {
				best, bestKey = item, key
			}
		}
	}
}

func sortFilter(in *interp, a arguments) Value {
	args := a.bind("sort", "value", "reverse?", "case_sensitive?", "attribute?")
	post := caseRule(args[2])
	paths := []path{in.parsePath(or(args[3], nil))}
	if s, ok := text(or(args[3], nil)); ok {
		paths = nil
		in.allocTimes(strings.Count(s, ","), 24)
		for _, part := range strings.Split(s, ",") {
			paths = append(paths, in.parsePath(part))
		}
	}
	items := in.own(args[0])
	in.allocTimes(len(items), 48+16*len(paths))
	keys := make([]Value, len(items))
	for i, item := range items {
		key := &List{}
		for _, p := range paths {
			key.Items = append(key.Items, post(in, p.of(in, item, nil)))
		}
		keys[i] = key
	}
	return &List{Items: in.sorted(items, keys, truth(or(args[1], false)))}
}

func uniqueFilter(in *interp, a arguments) Value {
	args := a.bind("unique", "value", "case_sensitive?", "attribute?")
	return in.generate(func() func() (Value, bool) {
		p, post := in.parsePath(or(args[2], nil)), caseRule(args[1])
		it := in.iter(args[0])
		seen := map[any]bool{}
		return func() (Value, bool) {
			for {
				item, ok := it.next()
				if !ok {
					return nil, false
				}
				hash := in.hash(post(in, p.of(in, item, nil)))
				if !seen[hash] {
					in.alloc(64)
					seen[hash] = true
					return item, true
				}
			}
		}
	})
}
