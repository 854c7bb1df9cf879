package jinja

import "strings"

// global returns what a name stands for in every template, or nil.
func global(name string) Value {
	switch name {
	case "range":
		return &function{name, rangeFunction}
	case "dict":
		return dictType{}
	case "namespace":
		return &function{name, namespaceFunction}
	case "cycler":
		return &function{name, cyclerFunction}
	case "joiner":
		return &function{name, joinerFunction}
	case "lipsum":
		return &function{name, lipsumFunction}
	case "raise_exception":
		return &function{name, raiseFunction}
	case "strftime_now":
		return &function{name, strftimeFunction}
	}
	return nil
}

func rangeFunction(_ *interp, a arguments) Value {
	args := a.bind("range", "start/", "stop?/", "step?/")
	r := &rangeValue{step: 1}
	if args[1] == (absent{}) {
		r.stop = needInt(args[0])
	} else {
		r.start, r.stop, r.step = needInt(args[0]), needInt(args[1]), needInt(or(args[2], int64(1)))
	}
	const far = 1 << 61 // so that differences do not overflow
	for _, n := range []int64{r.start, r.stop, r.step} {
		if n > far || n < -far {
			fail("OverflowError", "range() of numbers beyond 2**61 is not supported")
		}
	}
	switch {
	case r.step == 0:
		valueError("range() arg 3 must not be zero")
	case r.step > 0:
		r.length = max(0, (r.stop-r.start+r.step-1)/r.step)
	default:
		r.length = max(0, (r.start-r.stop-r.step-1)/-r.step)
	}
	if r.length > maxRange {
		fail("OverflowError", "Range too big. The sandbox blocks ranges larger than MAX_RANGE (%d).", maxRange)
	}
	return r
}

// makeDict is Python's dict(mapping or pairs, **keywords).
func (in *interp) makeDict(a arguments) *Dict {
	if len(a.positional) > 1 {
		typeError("dict expected at most 1 argument, got %d", len(a.positional))
	}
	d := &Dict{}
	if len(a.positional) == 1 {
		in.fillDict(d, a.positional[0])
	}
	for i, name := range a.names {
		in.put(d, name, a.keywords[i])
	}
	return d
}

func (in *interp) fillDict(d *Dict, from Value) {
	if m, ok := from.(*Dict); ok {
		for i, key := range m.keys {
			in.put(d, key, m.values[i])
		}
		return
	}
	failIfUndefined(from) // dict() asks it for its keys
	for it := in.iter(from); ; {
		item, ok := it.next()
		if !ok {
			return
		}
		pair := in.items(item)
		if len(pair) != 2 {
			valueError("dictionary update sequence element has length %d; 2 is required", len(pair))
		}
		in.put(d, pair[0], pair[1])
	}
}

func dictFromKeys(in *interp, a arguments) Value {
	args := a.bind("fromkeys", "iterable/", "value?/")
	d := &Dict{}
	for _, key := range in.items(args[0]) {
		in.put(d, key, or(args[1], nil))
	}
	return d
}

func namespaceFunction(in *interp, a arguments) Value {
	ns := &namespace{attrs: &Dict{}}
	d := in.makeDict(a)
	for i, key := range d.keys {
		if name, ok := text(key); ok {
			in.alloc(96)
			setAttr(ns, name, d.values[i])
		}
	}
	return ns
}

func cyclerFunction(_ *interp, a arguments) Value {
	a.noKeywords("cycler")
	if len(a.positional) == 0 {
		fail("RuntimeError", "at least one item has to be provided")
	}
	return &cycler{items: a.positional}
}

func (c *cycler) attr(name string) (Value, bool) {
	switch name {
	case "current":
		return c.items[c.pos], true
	case "next":
		return &function{"next", func(_ *interp, a arguments) Value {
			a.bind("next")
			v := c.items[c.pos]
			c.pos = (c.pos + 1) % len(c.items)
			return v
		}}, true
	case "reset":
		return &function{"reset", func(_ *interp, a arguments) Value {
			a.bind("reset")
			c.pos = 0
			return nil
		}}, true
	}
	return nil, false
}

func joinerFunction(_ *interp, a arguments) Value {
	sep := or(a.bind("joiner", "sep?")[0], ", ")
	used := false
	return &function{"joiner", func(_ *interp, a arguments) Value {
		a.bind("joiner")
		if !used {
			used = true
			return ""
		}
		return sep
	}}
}

func lipsumFunction(*interp, arguments) Value {
	fail(SecurityError, "lipsum is random and not supported")
	return nil
}

func raiseFunction(in *interp, a arguments) Value {
	fail(RaisedError, "%s", in.str(a.bind("raise_exception", "message")[0]))
	return nil
}

func strftimeFunction(in *interp, a arguments) Value {
	format := needText(a.bind("strftime_now", "format")[0])
	if in.now.IsZero() {
		valueError("the template asks for the date (strftime_now), and none is given")
	}
	var b strings.Builder
	in.strftime(&b, format, 0)
	return b.String()
}
