package jinja

import (
	"math/big"
	"slices"
)

// builtin is a filter, a test or a function; the first argument is what it is
// applied to.
type builtin func(in *interp, a arguments) Value

// is makes a test without arguments.
func is(f func(in *interp, v Value) bool) builtin {
	return func(in *interp, a arguments) Value { return f(in, a.bind("test", "value")[0]) }
}

func comparing(op string) builtin {
	return func(in *interp, a arguments) Value {
		args := a.bind("test", "a/", "b/")
		return in.compare(op, args[0], args[1])
	}
}

// testNamed returns a test, or nil.
func testNamed(name string) builtin {
	switch name {
	case "divisibleby":
		return divisible
	case "sameas":
		return sameAs
	case "in":
		return inTest
	case "==", "eq", "equalto":
		return comparing("==")
	case "!=", "ne":
		return comparing("!=")
	case ">", "gt", "greaterthan":
		return comparing(">")
	case ">=", "ge":
		return comparing(">=")
	case "<", "lt", "lessthan":
		return comparing("<")
	case "<=", "le":
		return comparing("<=")
	}
	if kind := kindNamed(name); kind != nil {
		return is(kind)
	}
	return nil
}

// kindNamed returns a test that takes no argument, or nil.
func kindNamed(name string) func(in *interp, v Value) bool {
	switch name {
	case "odd":
		return func(in *interp, v Value) bool { return in.equal(in.remainder(v, int64(2)), int64(1)) }
	case "even":
		return func(in *interp, v Value) bool { return in.equal(in.remainder(v, int64(2)), int64(0)) }
	case "filter":
		return func(in *interp, v Value) bool { return known(in, filterNamed, v) }
	case "test":
		return func(in *interp, v Value) bool { return known(in, testNamed, v) }
	case "lower":
		return func(in *interp, v Value) bool { return isLower(in.str(v)) }
	case "upper":
		return func(in *interp, v Value) bool { return isUpper(in.str(v)) }
	case "callable":
		return func(_ *interp, v Value) bool { return isCallable(v) }
	case "iterable":
		return func(_ *interp, v Value) bool { return isIterable(v) }
	case "sequence":
		return func(_ *interp, v Value) bool { return isSequence(v) }
	case "number":
		return func(_ *interp, v Value) bool { return isNumber(v) }
	case "defined":
		return func(_ *interp, v Value) bool { return !isUndefined(v) }
	case "undefined":
		return func(_ *interp, v Value) bool { return isUndefined(v) }
	case "none":
		return func(_ *interp, v Value) bool { return v == nil }
	case "true":
		return func(_ *interp, v Value) bool { return v == true }
	case "false":
		return func(_ *interp, v Value) bool { return v == false }
	}
	return typeNamed(name)
}

// typeNamed returns a test for types, or nil.
func typeNamed(name string) func(in *interp, v Value) bool {
	types := map[string][]string{
		"boolean": {"bool"}, "integer": {"int"}, "float": {"float"}, "string": {"str", "Markup"}, "mapping": {"dict"}, "escaped": {"Markup"},
	}[name]
	if types == nil {
		return nil
	}
	return func(_ *interp, v Value) bool { return slices.Contains(types, typeName(v)) }
}

func sameAs(_ *interp, a arguments) Value {
	args := a.bind("sameas", "value", "other")
	return same(args[0], args[1])
}

func inTest(in *interp, a arguments) Value {
	args := a.bind("in", "value", "seq")
	return in.contains(args[1], args[0])
}

func isUndefined(v Value) bool {
	_, ok := v.(*Undefined)
	return ok
}

func known(in *interp, named func(string) builtin, v Value) bool {
	name, ok := in.hash(v).(string)
	return ok && named(name) != nil
}

func (in *interp) remainder(v, n Value) Value { return in.binary("%", v, n) }

func divisible(in *interp, a arguments) Value {
	args := a.bind("divisibleby", "value", "num")
	return in.equal(in.remainder(args[0], args[1]), int64(0))
}

// isSequence is whether v has a length and items.
func isSequence(v Value) bool {
	switch v.(type) {
	case *view, *loopContext:
		return false
	}
	_, ok := length(v)
	return ok
}

func isIterable(v Value) bool {
	switch v.(type) {
	case nil, bool, int64, *big.Int, float64, *namespace, *macro, *function, dictType, *cycler:
		return false
	}
	return true
}
