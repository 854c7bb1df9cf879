package jinja

import "slices"

// checker finds what jinja2 finds when it compiles: filters and tests that do
// not exist, loop controls outside loops, assignments to loop. It also notes
// which of the special names a macro reads.
type checker struct{ line *int }

// scopeState is where a node stands.
type scopeState struct {
	soft bool // in a condition: an unknown filter fails only when it is reached
	loop bool // a break would find its loop
}

func (c checker) syntax(at int, format string, args ...any) {
	*c.line = at
	panicAt(at, format, args...)
}

func panicAt(at int, format string, args ...any) {
	defer func() {
		e := recover().(*Error)
		e.Line = at
		panic(e)
	}()
	fail(SyntaxError, format, args...)
}

func (c checker) body(body []stmt, s scopeState) {
	for _, st := range body {
		c.stmt(st, s)
	}
}

func (c checker) stmt(st stmt, s scopeState) {
	inner := scopeState{loop: s.loop}
	switch st := st.(type) {
	case *printStmt:
		c.expr(st.x, s)
	case *ifStmt:
		soft := scopeState{soft: true, loop: s.loop}
		for i, test := range st.tests {
			c.expr(test, soft)
			c.body(st.bodies[i], soft)
		}
		c.body(st.otherwise, soft)
	case *forStmt:
		c.forLoop(st, s)
	case *setStmt:
		c.expr(st.value, s)
	case *setBlockStmt:
		if st.filter != nil {
			c.expr(st.filter, inner)
		}
		c.body(st.body, inner)
	case *macroStmt:
		c.macro(&st.macroDef)
	case *callStmt:
		c.macro(&st.caller)
		c.expr(st.call, s)
	case *filterStmt:
		c.expr(st.filter, inner)
		c.body(st.body, inner)
	case *withStmt:
		c.exprs(st.values, s)
		c.body(st.body, inner)
	case *blockStmt:
		c.body(st.body, scopeState{})
	case *generationStmt:
		c.body(st.body, scopeState{})
	case *loopControl:
		if !s.loop {
			c.syntax(st.at(), "'%s' outside loop", st.word)
		}
	}
}

func (c checker) forLoop(st *forStmt, s scopeState) {
	walk(st, func(n any, store bool) {
		if name, ok := n.(*nameExpr); ok && store && name.name == "loop" {
			c.syntax(name.at(), "Can't assign to special loop variable in for-loop target")
		}
	})
	c.expr(st.over, s)
	if st.test != nil {
		c.expr(st.test, scopeState{})
	}
	c.body(st.body, scopeState{loop: true})
	c.body(st.otherwise, scopeState{loop: s.loop && !st.recursive})
}

func (c checker) macro(m *macroDef) {
	m.caller, m.kwargs, m.varargs = readsSpecial(m)
	if i := slices.Index(m.params, "caller"); m.caller && i >= 0 {
		if i < len(m.params)-len(m.defaults) {
			c.syntax(*c.line, `When defining macros or call blocks the special "caller" argument must be omitted or be given a default.`)
		}
		m.caller = false
	}
	c.exprs(m.defaults, scopeState{})
	c.body(m.body, scopeState{})
}

// readsSpecial says which names the body reads before it sets them.
func readsSpecial(m *macroDef) (caller, kwargs, varargs bool) {
	open := map[string]bool{"caller": true, "kwargs": true, "varargs": true}
	read := map[string]bool{}
	for _, st := range m.body {
		walk(st, func(n any, store bool) {
			if name, ok := n.(*nameExpr); ok && open[name.name] {
				read[name.name] = read[name.name] || !store
				open[name.name] = !store
			}
		})
	}
	own := func(name string) bool { return slices.Contains(m.params, name) }
	return read["caller"], read["kwargs"] && !own("kwargs"), read["varargs"] && !own("varargs")
}

func (c checker) exprs(list []expr, s scopeState) {
	for _, e := range list {
		c.expr(e, s)
	}
}

func (c checker) expr(e expr, s scopeState) {
	switch e := e.(type) {
	case *condExpr:
		s.soft = true
	case *filterExpr:
		if filterNamed(e.name) == nil && !s.soft {
			c.syntax(e.at(), "%s", unknownFilter(e.name))
		}
	case *testExpr:
		if testNamed(e.name) == nil && !s.soft {
			c.syntax(e.at(), "No test named %s.", quote(e.name))
		}
	}
	for _, sub := range subexpressions(e) {
		c.expr(sub, s)
	}
}

// subexpressions are the parts of an expression, in the order of evaluation.
func subexpressions(e expr) []expr {
	var subs []expr
	add := func(es ...expr) {
		for _, e := range es {
			if e != nil {
				subs = append(subs, e)
			}
		}
	}
	switch e := e.(type) {
	case *tupleExpr:
		return e.items
	case *listExpr:
		return e.items
	case *dictExpr:
		for i := range e.keys {
			add(e.keys[i], e.values[i])
		}
	case *binaryExpr:
		add(e.left, e.right)
	case *unaryExpr:
		add(e.x)
	case *concatExpr:
		return e.parts
	case *compareExpr:
		add(e.first)
		add(e.rest...)
	case *condExpr:
		add(e.test, e.then, e.otherwise)
	case *attrExpr:
		add(e.x)
	case *itemExpr:
		add(e.x, e.index)
	case *sliceExpr:
		add(e.start, e.stop, e.step)
	case *callExpr:
		add(e.fn)
		add(e.args.all()...)
	case *filterExpr:
		add(e.x)
		add(e.args.all()...)
	case *testExpr:
		add(e.x)
		add(e.args.all()...)
	}
	return subs
}

func (a callArgs) all() []expr {
	return slices.Concat(a.positional, a.keywords, []expr{a.star, a.starStar})
}

// walk calls f for every node under n, a statement or an expression; store is
// true for what is assigned to.
func walk(n any, f func(n any, store bool)) {
	f(n, false)
	exprs := func(es ...expr) {
		for _, e := range es {
			if e != nil {
				walk(e, f)
			}
		}
	}
	bodies := func(bodies ...[]stmt) {
		for _, body := range bodies {
			for _, st := range body {
				walk(st, f)
			}
		}
	}
	switch n := n.(type) {
	case *printStmt:
		exprs(n.x)
	case *ifStmt:
		for i := range n.tests {
			exprs(n.tests[i])
			bodies(n.bodies[i])
		}
		bodies(n.otherwise)
	case *forStmt:
		walkTarget(n.target, f)
		exprs(n.over)
		bodies(n.body, n.otherwise)
		exprs(n.test)
	case *setStmt:
		walkTarget(n.target, f)
		exprs(n.value)
	case *setBlockStmt:
		walkTarget(n.target, f)
		if n.filter != nil {
			exprs(n.filter)
		}
		bodies(n.body)
	case *macroStmt:
		n.walk(f)
	case *callStmt:
		exprs(n.call)
		n.caller.walk(f)
	case *filterStmt:
		bodies(n.body)
		exprs(n.filter)
	case *withStmt:
		for _, t := range n.targets {
			walkTarget(t, f)
		}
		exprs(n.values...)
		bodies(n.body)
	case *blockStmt:
		bodies(n.body)
	case *generationStmt:
		bodies(n.body)
	default:
		if e, ok := n.(expr); ok {
			exprs(subexpressions(e)...)
		}
	}
}

func (m *macroDef) walk(f func(any, bool)) {
	for _, name := range m.params {
		f(&nameExpr{name: name}, true)
	}
	for _, d := range m.defaults {
		walk(d, f)
	}
	for _, st := range m.body {
		walk(st, f)
	}
}

func walkTarget(t expr, f func(any, bool)) {
	if tuple, ok := t.(*tupleExpr); ok {
		for _, item := range tuple.items {
			walkTarget(item, f)
		}
		return
	}
	f(t, true)
}
