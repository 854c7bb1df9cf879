package jinja

import "maps"

// symbols are the names of one block as jinja2's compiler sees them. It decides
// before a block runs where each of its names comes from, and a name that the
// block sets before it reads it comes from nowhere, even where a template
// variable has that name: {% set x %}{{ x }}{% endset %} is empty.
type symbols struct {
	parent *symbols        // of the block around it
	before *symbols        // of a branch of an if: what the block has done before it
	known  map[string]bool // names that have been read or set
	stores map[string]bool
	unset  map[string]bool // names that hold nothing when the block begins
}

func newSymbols(parent, before *symbols) *symbols {
	return &symbols{parent, before, map[string]bool{}, map[string]bool{}, map[string]bool{}}
}

func (s *symbols) inner() *symbols { return newSymbols(s, nil) }

func (s *symbols) branch() *symbols { return newSymbols(s.parent, s) }

func (s *symbols) knows(name string) bool {
	for ; s != nil; s = s.before {
		if s.known[name] {
			return true
		}
	}
	return false
}

func (s *symbols) hasStored(name string) bool {
	for ; s != nil; s = s.before {
		if s.stores[name] {
			return true
		}
	}
	return false
}

func (s *symbols) outside(name string) bool {
	for p := s.parent; p != nil; p = p.parent {
		if p.knows(name) {
			return true
		}
	}
	return false
}

func (s *symbols) parameter(name string) {
	s.known[name], s.stores[name] = true, true
	s.unset[name] = false
}

func (s *symbols) store(target expr) {
	switch t := target.(type) {
	case *nameExpr:
		s.stores[t.name] = true
		if !s.knows(t.name) {
			s.known[t.name] = true
			s.unset[t.name] = !s.outside(t.name)
		}
	case *nsRef:
		s.loadName(t.name)
	case *tupleExpr:
		for _, item := range t.items {
			s.store(item)
		}
	}
}

func (s *symbols) loadName(name string) {
	if !s.knows(name) && !s.outside(name) {
		s.known[name] = true
	}
}

func (s *symbols) load(exprs ...expr) {
	for _, e := range exprs {
		if e == nil {
			continue
		}
		if n, ok := e.(*nameExpr); ok {
			s.loadName(n.name)
		}
		s.load(subexpressions(e)...)
	}
}

// body reads the statements of a block, but not those of the blocks inside it.
func (s *symbols) body(body []stmt) {
	for _, st := range body {
		switch st := st.(type) {
		case *printStmt:
			s.load(st.x)
		case *ifStmt:
			s.branches(st)
		case *forStmt:
			s.load(st.over)
		case *setStmt:
			s.load(st.value)
			s.store(st.target)
		case *setBlockStmt:
			s.store(st.target)
		case *macroStmt:
			s.store(&nameExpr{name: st.name})
		case *callStmt:
			s.load(st.call)
		case *filterStmt:
			s.load(st.filter)
		case *withStmt:
			s.load(st.values...)
		}
	}
}

// branches merges what the branches of an if do: a name that only some of them
// set comes from outside where they do not run.
func (s *symbols) branches(st *ifStmt) {
	s.load(st.tests[0])
	var branches []*symbols
	for i, body := range st.bodies {
		b := s.branch()
		if i > 0 {
			b.load(st.tests[i])
		}
		b.body(body)
		branches = append(branches, b)
	}
	b := s.branch()
	b.body(st.otherwise)
	for _, b := range append(branches, b) {
		for name := range b.stores {
			if !s.hasStored(name) {
				s.unset[name] = false
			}
		}
	}
	for _, b := range append(branches, b) {
		maps.Copy(s.known, b.known)
		maps.Copy(s.stores, b.stores)
	}
}

// names lists what is unset, once the block has been read.
func (s *symbols) names() []string {
	var names []string
	for name, unset := range s.unset {
		if unset {
			names = append(names, name)
		}
	}
	return names
}

// block reads a block and the blocks inside it; it returns the unset names.
func (s *symbols) block(body []stmt) []string {
	s.body(body)
	s.nested(body)
	return s.names()
}

func (s *symbols) nested(body []stmt) {
	for _, st := range body {
		switch st := st.(type) {
		case *ifStmt:
			for _, body := range st.bodies {
				s.nested(body)
			}
			s.nested(st.otherwise)
		case *forStmt:
			inner := s.inner()
			inner.parameter("loop")
			inner.parameters(st.target)
			st.unset = inner.block(st.body)
			st.otherwiseUnset = s.inner().block(st.otherwise)
		case *setBlockStmt:
			st.unset = s.inner().block(st.body)
		case *macroStmt:
			s.macro(&st.macroDef)
		case *callStmt:
			s.macro(&st.caller)
		case *filterStmt:
			st.unset = s.inner().block(st.body)
		case *withStmt:
			inner := s.inner()
			for _, t := range st.targets {
				inner.parameters(t)
			}
			st.unset = inner.block(st.body)
		case *blockStmt:
			st.unset = (*symbols)(nil).inner().block(st.body)
		case *generationStmt:
			st.unset = s.inner().block(st.body)
		}
	}
}

func (s *symbols) parameters(target expr) {
	walkTarget(target, func(n any, _ bool) {
		if name, ok := n.(*nameExpr); ok {
			s.parameter(name.name)
		}
	})
}

func (s *symbols) macro(m *macroDef) {
	inner := s.inner()
	for _, p := range m.params {
		inner.parameter(p)
	}
	for name, reads := range map[string]bool{"caller": m.caller, "kwargs": m.kwargs, "varargs": m.varargs} {
		if reads {
			inner.parameter(name)
		}
	}
	inner.load(m.defaults...)
	m.unset = inner.block(m.body)
}
