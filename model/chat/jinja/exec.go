package jinja

import (
	"strings"
	"time"
)

// interp is one rendering.
type interp struct {
	meter
	vars map[string]Value
	root *scope
	now  time.Time
}

// Render fills in the template. The names in vars hide built-in functions of the
// same names. now is what strftime_now tells; a template that asks for it fails
// where now is zero. The error is an *Error.
func (t *Template) Render(vars map[string]Value, now time.Time) (string, error) {
	return t.render(vars, now, meter{maxSteps: maxSteps, maxBytes: maxBytes})
}

func (t *Template) render(vars map[string]Value, now time.Time, m meter) (out string, err error) {
	in := &interp{meter: m, vars: vars, root: (*scope)(nil).inner(t.unset), now: now}
	in.line = 1
	defer caught(&err, &in.line)
	in.maxBytes += maxBytesPer * int64(len(t.source))
	for _, v := range vars {
		in.maxBytes += maxBytesPer * in.size(v)
	}
	var b output
	in.exec(t.body, in.root, &b)
	return b.String(), nil
}

// size is about how many bytes a value takes; it also refuses values that are none.
func (in *interp) size(v Value) int64 {
	in.depth++
	defer in.leave()
	if in.depth > maxJSONDepth {
		fail(LimitError, "an input nests deeper than %d", maxJSONDepth)
	}
	n := int64(16)
	switch x := v.(type) {
	case nil, bool, int64, float64:
	case string:
		n += int64(len(x))
	case *List:
		for _, item := range x.Items {
			n += in.size(item)
		}
	case *Dict:
		for i, key := range x.keys {
			n += in.size(key) + in.size(x.values[i])
		}
	default:
		switch typeName(v) {
		case "function":
			typeError("an input is a %T: want the types of jinja.Value", v)
		case "int":
			return n + maxBits>>3
		}
	}
	return n
}

// output is text that is being written.
type output struct{ strings.Builder }

func (in *interp) write(out *output, s string) {
	in.alloc(len(s))
	if out.Len()+len(s) > maxOutput {
		fail(LimitError, "the text is longer than %d bytes", maxOutput)
	}
	out.WriteString(s)
}

// scope holds the names that one block has set; those of the blocks around it
// are read through it.
type scope struct {
	vars   map[string]Value
	parent *scope
	block  bool // of a block tag: it reads what is set outside, and not what is unset
}

// missing is the value of names that are declared but not set.
type missing struct{}

func (s *scope) set(name string, v Value) {
	if s.vars == nil {
		s.vars = map[string]Value{}
	}
	s.vars[name] = v
}

// inner is a scope inside s in which the names in unset hold nothing yet.
func (s *scope) inner(unset []string) *scope {
	inner := &scope{parent: s}
	for _, name := range unset {
		inner.set(name, missing{})
	}
	return inner
}

func (in *interp) lookup(s *scope, name string) Value {
	inBlock := false
	for ; s != nil; s = s.parent {
		v, ok := s.vars[name]
		switch {
		case ok && v != (missing{}):
			return v
		case ok && !inBlock:
			return undefinedName(name)
		}
		inBlock = inBlock || s.block
		in.steps++
	}
	if v, ok := in.vars[name]; ok {
		return v
	}
	if v := global(name); v != nil {
		return v
	}
	return undefinedName(name)
}

// control is how a body was left.
type control string

const (
	breakLoop    control = "break"
	continueLoop control = "continue"
)

// exec runs statements until the end, or until one leaves the loop around them.
func (in *interp) exec(body []stmt, s *scope, out *output) control {
	in.enter()
	defer in.leave()
	for _, st := range body {
		if c := in.stmt(st, s, out); c != "" {
			return c
		}
	}
	return ""
}

func (in *interp) stmt(st stmt, s *scope, out *output) control {
	in.step(1)
	in.line = st.at()
	switch st := st.(type) {
	case *textStmt:
		in.write(out, st.text)
	case *printStmt:
		in.write(out, in.str(in.eval(st.x, s)))
	case *ifStmt:
		return in.ifStmt(st, s, out)
	case *forStmt:
		return in.forStmt(st, s, out)
	case *setStmt:
		in.checkNamespaces(st.target, s)
		in.assign(st.target, in.eval(st.value, s), s)
	case *setBlockStmt:
		return in.setBlock(st, s)
	case *macroStmt:
		s.set(st.name, &macro{macroDef: &st.macroDef, scope: s})
	case *callStmt:
		in.callBlock(st, s, out)
	case *filterStmt:
		return in.filterBlock(st, s, out)
	case *withStmt:
		return in.with(st, s, out)
	case *blockStmt:
		from := in.root
		if st.scoped {
			from = s
		}
		inner := from.inner(st.unset)
		inner.block = true
		in.exec(st.body, inner, out)
	case *generationStmt:
		in.exec(st.body, s.inner(st.unset), out)
	case *loopControl:
		return control(st.word)
	}
	return ""
}

func (in *interp) ifStmt(st *ifStmt, s *scope, out *output) control {
	for i, test := range st.tests {
		if truth(in.eval(test, s)) {
			return in.exec(st.bodies[i], s, out)
		}
	}
	return in.exec(st.otherwise, s, out)
}

func (in *interp) with(st *withStmt, s *scope, out *output) control {
	inner := s.inner(st.unset)
	for i, target := range st.targets {
		in.assign(target, in.eval(st.values[i], s), inner)
	}
	return in.exec(st.body, inner, out)
}

func (in *interp) setBlock(st *setBlockStmt, s *scope) control {
	inner := s.inner(st.unset)
	var b output
	if c := in.exec(st.body, inner, &b); c != "" {
		return c
	}
	var v Value = b.String()
	if st.filter != nil {
		v = in.filter(st.filter, inner, v)
	}
	in.line = st.at()
	in.checkNamespaces(st.target, s)
	in.assign(st.target, v, s)
	return ""
}

func (in *interp) filterBlock(st *filterStmt, s *scope, out *output) control {
	inner := s.inner(st.unset)
	var b output
	if c := in.exec(st.body, inner, &b); c != "" {
		return c
	}
	in.writeText(out, in.filter(st.filter, inner, b.String()))
	return ""
}

func (in *interp) callBlock(st *callStmt, s *scope, out *output) {
	caller := &macro{macroDef: &st.caller, scope: s}
	fn := in.eval(st.call.fn, s)
	a := in.arguments(st.call.args, s)
	a.add("caller", caller)
	in.writeText(out, in.call(fn, a))
}

// writeText writes the result of a block, which jinja2 does not turn into text.
func (in *interp) writeText(out *output, v Value) {
	s, ok := text(v)
	if !ok {
		typeError("a block makes %s: want str", typeName(v))
	}
	in.write(out, s)
}

// checkNamespaces is done before the value is evaluated, as in jinja2.
func (in *interp) checkNamespaces(target expr, s *scope) {
	switch t := target.(type) {
	case *tupleExpr:
		for _, item := range t.items {
			in.checkNamespaces(item, s)
		}
	case *nsRef:
		if _, ok := in.lookup(s, t.name).(*namespace); !ok {
			fail("TemplateRuntimeError", "cannot assign attribute on non-namespace object")
		}
	}
}

func (in *interp) assign(target expr, v Value, s *scope) {
	switch t := target.(type) {
	case *nameExpr:
		s.set(t.name, v)
	case *nsRef:
		ns, ok := in.lookup(s, t.name).(*namespace)
		if !ok {
			fail("TemplateRuntimeError", "cannot assign attribute on non-namespace object")
		}
		setAttr(ns, t.attr, v)
	case *tupleExpr:
		in.unpack(t, v, s)
	}
}

// setAttr is transformers' namespace: it refuses names that begin with an underscore.
func setAttr(ns *namespace, name string, v Value) {
	if strings.HasPrefix(name, "_") {
		fail(SecurityError, "Chat templates cannot store underscore-prefixed attributes on a namespace, but got %s", quote(name))
	}
	ns.attrs.Set(name, v)
}

func (in *interp) unpack(t *tupleExpr, v Value, s *scope) {
	switch v.(type) {
	case nil, bool, int64, float64:
		typeError("cannot unpack non-iterable %s object", typeName(v))
	}
	it := in.iter(v)
	items := make([]Value, len(t.items))
	for i := range items {
		item, ok := it.next()
		if !ok {
			valueError("not enough values to unpack (expected %d, got %d)", len(t.items), i)
		}
		items[i] = item
	}
	if _, more := it.next(); more {
		valueError("too many values to unpack (expected %d)", len(t.items))
	}
	for i, item := range t.items {
		in.assign(item, items[i], s)
	}
}

// macro is a macro, or the body of a call block.
type macro struct {
	*macroDef
	scope *scope // where it was defined
}

func (in *interp) callMacro(m *macro, a arguments) string {
	in.enter()
	defer in.leave()
	s := m.scope.inner(m.unset)
	in.step(len(m.params) * (1 + len(a.names)>>3))
	explicitCaller := in.bindParams(m, &a, s)
	if m.caller && !explicitCaller {
		if caller, ok := a.take("caller"); ok && caller != nil {
			s.set("caller", caller)
		} else {
			s.set("caller", undefinedText("No caller defined"))
		}
	}
	if m.kwargs {
		s.set("kwargs", a.keywordDict())
	} else if len(a.names) > 0 {
		typeError("macro %s takes no keyword argument %s", quote(m.name), quote(a.names[0]))
	}
	rest := a.positional[min(len(m.params), len(a.positional)):]
	if m.varargs {
		s.set("varargs", &Tuple{Items: rest})
	} else if len(rest) > 0 {
		typeError("macro %s takes not more than %d argument(s)", quote(m.name), len(m.params))
	}
	in.fillDefaults(m, s)
	var b output
	in.exec(m.body, s, &b)
	return b.String()
}

// bindParams sets the parameters that arguments are given for; it says whether
// caller is one of the others.
func (in *interp) bindParams(m *macro, a *arguments, s *scope) (caller bool) {
	for i, name := range m.params {
		if i < len(a.positional) {
			s.set(name, a.positional[i])
			continue
		}
		caller = caller || name == "caller"
		if v, ok := a.take(name); ok {
			s.set(name, v)
		} else {
			s.set(name, missing{})
		}
	}
	return caller
}

func (in *interp) fillDefaults(m *macro, s *scope) {
	first := len(m.params) - len(m.defaults)
	for i, name := range m.params {
		if s.vars[name] != (missing{}) {
			continue
		}
		if i < first {
			s.set(name, undefinedText("parameter "+quote(name)+" was not provided"))
		} else {
			s.set(name, in.eval(m.defaults[i-first], s))
		}
	}
}
