package jinja

import "strings"

func (in *interp) eval(e expr, s *scope) Value {
	in.enter()
	defer in.leave()
	switch e := e.(type) {
	case *nameExpr:
		return in.lookup(s, e.name)
	case *constExpr:
		return e.value
	case *tupleExpr:
		return &Tuple{Items: in.evalAll(e.items, s)}
	case *listExpr:
		return &List{Items: in.evalAll(e.items, s)}
	case *dictExpr:
		return in.dict(e, s)
	case *binaryExpr:
		return in.binaryExpr(e, s)
	case *unaryExpr:
		x := in.eval(e.x, s)
		in.line = e.at()
		return in.unary(e.op, x)
	case *concatExpr:
		return in.concat(e, s)
	case *compareExpr:
		return in.comparison(e, s)
	case *condExpr:
		return in.conditional(e, s)
	case *attrExpr:
		x := in.eval(e.x, s)
		in.line = e.at()
		return in.getAttr(x, e.name)
	case *itemExpr:
		return in.itemExpr(e, s)
	case *callExpr:
		fn := in.eval(e.fn, s)
		a := in.arguments(e.args, s)
		in.line = e.at()
		return in.call(fn, a)
	case *filterExpr:
		return in.filter(e, s, nil)
	case *testExpr:
		return in.testExpr(e, s)
	case *sliceExpr:
		fail(SyntaxError, "a slice inside a tuple is not supported")
	}
	return nil
}

func (in *interp) evalAll(list []expr, s *scope) []Value {
	in.allocTimes(len(list), 16)
	values := make([]Value, len(list))
	for i, e := range list {
		values[i] = in.eval(e, s)
	}
	return values
}

func (in *interp) dict(e *dictExpr, s *scope) Value {
	d := &Dict{}
	for i := range e.keys {
		key := in.eval(e.keys[i], s)
		in.put(d, key, in.eval(e.values[i], s))
	}
	return d
}

// put sets a key of a dict that is being made.
func (in *interp) put(d *Dict, key, v Value) {
	in.alloc(96)
	d.set(in.hash(key), key, v)
}

func (in *interp) binaryExpr(e *binaryExpr, s *scope) Value {
	left := in.eval(e.left, s)
	switch {
	case e.op == "and" && !truth(left), e.op == "or" && truth(left):
		return left
	}
	right := in.eval(e.right, s)
	if e.op == "and" || e.op == "or" {
		return right
	}
	in.line = e.at()
	return in.binary(e.op, left, right)
}

func (in *interp) concat(e *concatExpr, s *scope) Value {
	var b strings.Builder
	for _, v := range in.evalAll(e.parts, s) {
		part := in.str(v)
		in.alloc(len(part))
		b.WriteString(part)
	}
	return b.String()
}

func (in *interp) comparison(e *compareExpr, s *scope) Value {
	left := in.eval(e.first, s)
	for i, op := range e.ops {
		right := in.eval(e.rest[i], s)
		in.line = e.at()
		if !in.compare(op, left, right) {
			return false
		}
		left = right
	}
	return true
}

func (in *interp) compare(op string, a, b Value) bool {
	switch op {
	case "==":
		return in.equal(a, b)
	case "!=":
		return !in.equal(a, b)
	case "<":
		return in.less(a, b, op)
	case ">":
		return in.less(b, a, op)
	case "<=":
		return in.lessOrEqual(a, b, op)
	case ">=":
		return in.lessOrEqual(b, a, op)
	case "in":
		return in.contains(b, a)
	}
	return !in.contains(b, a)
}

func (in *interp) lessOrEqual(a, b Value, op string) bool {
	return in.less(a, b, op) || in.equal(a, b)
}

func (in *interp) conditional(e *condExpr, s *scope) Value {
	if truth(in.eval(e.test, s)) {
		return in.eval(e.then, s)
	}
	if e.otherwise == nil {
		return undefinedText("the inline if-expression evaluated to false and no else section was defined.")
	}
	return in.eval(e.otherwise, s)
}

func (in *interp) itemExpr(e *itemExpr, s *scope) Value {
	x := in.eval(e.x, s)
	if slice, ok := e.index.(*sliceExpr); ok {
		bounds := [3]Value{}
		for i, part := range []expr{slice.start, slice.stop, slice.step} {
			if part != nil {
				bounds[i] = in.eval(part, s)
			}
		}
		in.line = e.at()
		return in.slice(x, bounds)
	}
	index := in.eval(e.index, s)
	in.line = e.at()
	return in.getItem(x, index)
}

// filter applies e to its own operand, or where it has none to input.
func (in *interp) filter(e *filterExpr, s *scope, input Value) Value {
	if e.x != nil {
		if f, ok := e.x.(*filterExpr); ok {
			input = in.filter(f, s, input)
		} else {
			input = in.eval(e.x, s)
		}
	}
	a := in.arguments(e.args, s)
	in.line = e.at()
	return in.callFilter(e.name, input, a)
}

func (in *interp) callFilter(name string, input Value, a arguments) Value {
	in.enter()
	defer in.leave()
	f := filterNamed(name)
	if f == nil {
		fail("TemplateRuntimeError", "%s", unknownFilter(name))
	}
	a.positional = append([]Value{input}, a.positional...)
	return f(in, a)
}

func (in *interp) testExpr(e *testExpr, s *scope) Value {
	input := in.eval(e.x, s)
	a := in.arguments(e.args, s)
	in.line = e.at()
	return in.callTest(e.name, input, a)
}

func (in *interp) callTest(name string, input Value, a arguments) Value {
	f := testNamed(name)
	if f == nil {
		fail("TemplateRuntimeError", "No test named %s found.", quote(name))
	}
	a.positional = append([]Value{input}, a.positional...)
	return f(in, a)
}

func (in *interp) call(fn Value, a arguments) Value {
	in.enter()
	defer in.leave()
	switch f := fn.(type) {
	case *function:
		return f.call(in, a)
	case *macro:
		return in.callMacro(f, a)
	case dictType:
		return in.makeDict(a)
	case *loopContext:
		if f.recurse == nil {
			typeError("The loop must have the 'recursive' marker to be called recursively.")
		}
		return f.recurse(a.bind("loop", "iterable")[0])
	case *Undefined:
		failIfUndefined(f)
	}
	typeError("'%s' object is not callable", typeName(fn))
	return nil
}

func isCallable(v Value) bool {
	switch v.(type) {
	case *function, *macro, dictType, *loopContext, *Undefined:
		return true
	}
	return false
}

func (in *interp) unary(op string, v Value) Value {
	if op == "not" {
		return !truth(v)
	}
	failIfUndefined(v)
	if f, ok := v.(float64); ok {
		if op == "-" {
			return -f
		}
		return f
	}
	if !isNumber(v) {
		typeError("bad operand type for unary %s: '%s'", op, typeName(v))
	}
	r, _ := in.arithmetic(op, int64(0), v)
	return r
}

func (in *interp) binary(op string, a, b Value) Value {
	if r, ok := in.arithmetic(op, a, b); ok {
		return r
	}
	if op == "%" {
		if s, ok := a.(string); ok {
			if _, ok := b.(Markup); !ok {
				return in.percent(s, b)
			}
		}
		if m, ok := a.(Markup); ok {
			return Markup(in.percentMarkup(string(m), b))
		}
	}
	failIfUndefined(a)
	failIfUndefined(b)
	switch op {
	case "+":
		if r := in.add(a, b); r != nil {
			return r
		}
	case "*":
		if r := in.repeat(a, b); r != nil {
			return r
		}
		return in.repeatOrFail(b, a)
	case "%":
		if s, ok := a.(string); ok {
			return in.percent(s, b)
		}
	}
	if s, ok := a.(string); ok && op == "+" && s != "" || op == "+" && typeName(a) == "str" {
		typeError(`can only concatenate str (not "%s") to str`, typeName(b))
	}
	typeError("unsupported operand type(s) for %s: '%s' and '%s'", op, typeName(a), typeName(b))
	return nil
}

// add is a + b of texts and sequences, or nil.
func (in *interp) add(a, b Value) Value {
	if r := in.addText(a, b); r != nil {
		return r
	}
	switch x := a.(type) {
	case *List:
		if y, ok := b.(*List); ok {
			return &List{Items: in.join(x.Items, y.Items)}
		}
	case *Tuple:
		if y, ok := b.(*Tuple); ok {
			return &Tuple{Items: in.join(x.Items, y.Items)}
		}
	}
	return nil
}

func (in *interp) addText(a, b Value) Value {
	s, ok := text(a)
	t, ok2 := text(b)
	if !ok || !ok2 {
		return nil
	}
	_, marked := a.(Markup)
	_, marked2 := b.(Markup)
	if marked || marked2 {
		s, t = escaped(a, s), escaped(b, t)
	}
	in.alloc(len(s) + len(t))
	if marked || marked2 {
		return Markup(s + t)
	}
	return s + t
}

// escaped is s, the text of v, escaped unless v is markup.
func escaped(v Value, s string) string {
	if _, ok := v.(Markup); ok {
		return s
	}
	return escapeHTML(s)
}

func (in *interp) join(a, b []Value) []Value {
	in.allocTimes(len(a)+len(b), 16)
	return append(append(make([]Value, 0, len(a)+len(b)), a...), b...)
}

// repeat is a * b of a text or sequence and a number, or nil.
func (in *interp) repeat(a, b Value) Value {
	n, ok := whole(b)
	if !ok {
		return nil
	}
	n = max(n, 0)
	if s, ok := text(a); ok {
		in.allocTimes(clampInt(n), len(s))
		if len(s) == 0 {
			n = 0
		}
		r := strings.Repeat(s, int(n))
		if _, ok := a.(Markup); ok {
			return Markup(r)
		}
		return r
	}
	switch x := a.(type) {
	case *List:
		return &List{Items: in.repeatItems(x.Items, n)}
	case *Tuple:
		return &Tuple{Items: in.repeatItems(x.Items, n)}
	}
	return nil
}

func (in *interp) repeatOrFail(a, b Value) Value {
	if r := in.repeat(a, b); r != nil {
		return r
	}
	typeError("unsupported operand type(s) for *: '%s' and '%s'", typeName(b), typeName(a))
	return nil
}

func (in *interp) repeatItems(items []Value, n int64) []Value {
	if len(items) == 0 {
		return nil
	}
	in.allocTimes(clampInt(n), 16*len(items))
	r := make([]Value, 0, int(n)*len(items))
	for range n {
		r = append(r, items...)
	}
	return r
}

// clampInt is n as an int that multiplies without overflow in allocTimes.
func clampInt(n int64) int { return int(min(n, 1<<40)) }
