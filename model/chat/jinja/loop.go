package jinja

// loopContext is the variable loop of a for block.
type loopContext struct {
	in      *interp
	over    Value // what is looped over, for its length
	it      *iterator
	index0  int
	depth0  int
	size    int // -1 until it is known
	peeked  bool
	after   Value // what peeking found
	ended   bool  // peeking found the end
	current Value
	before  Value
	changed *Tuple               // the arguments of the last call of loop.changed
	recurse func(v Value) string // of recursive loops
}

func (l *loopContext) next() (Value, bool) {
	v, ok := l.peek()
	l.peeked = false
	if !ok {
		l.peeked = true
		return nil, false
	}
	l.index0++
	l.before, l.current = l.current, v
	return v, true
}

func (l *loopContext) peek() (Value, bool) {
	if !l.peeked {
		v, ok := l.it.next()
		l.peeked, l.after, l.ended = true, v, !ok
	}
	return l.after, !l.ended
}

// length reads what is left where the length is not known otherwise.
func (l *loopContext) length() int {
	if l.size >= 0 {
		return l.size
	}
	if n, ok := length(l.over); ok {
		l.size = n
		return n
	}
	rest := l.in.items(l.it)
	l.it = l.in.iter(&List{Items: rest})
	l.size = len(rest) + l.index0 + 1
	if l.peeked && !l.ended {
		l.size++
	}
	return l.size
}

func (l *loopContext) attr(name string) (Value, bool) {
	switch name {
	case "index":
		return int64(l.index0 + 1), true
	case "index0":
		return int64(l.index0), true
	case "first":
		return l.index0 == 0, true
	case "last":
		_, more := l.peek()
		return !more, true
	case "length":
		return int64(l.length()), true
	case "revindex":
		return int64(l.length() - l.index0), true
	case "revindex0":
		return int64(l.length() - l.index0 - 1), true
	case "depth":
		return int64(l.depth0 + 1), true
	case "depth0":
		return int64(l.depth0), true
	case "previtem":
		if l.index0 == 0 {
			return undefinedText("there is no previous item"), true
		}
		return l.before, true
	case "nextitem":
		if v, ok := l.peek(); ok {
			return v, true
		}
		return undefinedText("there is no next item"), true
	case "cycle":
		return &function{"cycle", l.cycle}, true
	case "changed":
		return &function{"changed", l.hasChanged}, true
	}
	return nil, false
}

func (l *loopContext) cycle(_ *interp, a arguments) Value {
	a.noKeywords("cycle")
	if len(a.positional) == 0 {
		typeError("no items for cycling given")
	}
	return a.positional[l.index0%len(a.positional)]
}

func (l *loopContext) hasChanged(in *interp, a arguments) Value {
	a.noKeywords("changed")
	now := &Tuple{Items: a.positional}
	if l.changed != nil && in.equal(l.changed, now) {
		return false
	}
	l.changed = now
	return true
}

func (in *interp) forStmt(st *forStmt, s *scope, out *output) control {
	over := in.eval(st.over, s)
	if !st.recursive {
		return in.loop(st, s, out, over, 0)
	}
	in.write(out, in.recursiveLoop(st, s, over, 0))
	return ""
}

func (in *interp) recursiveLoop(st *forStmt, s *scope, over Value, depth int) string {
	in.enter()
	defer in.leave()
	var b output
	in.loop(st, s, &b, over, depth)
	return b.String()
}

func (in *interp) loop(st *forStmt, s *scope, out *output, over Value, depth int) control {
	l := &loopContext{in: in, over: over, index0: -1, depth0: depth, size: -1}
	if st.test == nil {
		l.it = in.iter(over)
	} else {
		l.it = in.selected(st, s, in.iter(over))
		l.over = l.it
	}
	if st.recursive {
		l.recurse = func(v Value) string { return in.recursiveLoop(st, s, v, depth+1) }
	}
	entered := false
	for {
		item, ok := l.next()
		if !ok {
			break
		}
		inner := s.inner(st.unset)
		inner.set("loop", l)
		in.line = st.at()
		in.assign(st.target, item, inner)
		c := in.exec(st.body, inner, out)
		if c == breakLoop {
			break
		}
		entered = entered || c == "" // so jinja2: what is left early does not count
	}
	if entered {
		return ""
	}
	return in.exec(st.otherwise, s.inner(st.otherwiseUnset), out)
}

// selected are the items that the loop's condition holds for, tested as they are read.
func (in *interp) selected(st *forStmt, s *scope, it *iterator) *iterator {
	return &iterator{next: func() (Value, bool) {
		for {
			item, ok := it.next()
			if !ok {
				return nil, false
			}
			inner := s.inner(nil)
			in.assign(st.target, item, inner)
			if truth(in.eval(st.test, inner)) {
				return item, true
			}
		}
	}}
}
