package jinja

import (
	"math"
	"math/big"
	"unicode/utf8"
)

// Value is a value of the template language, one of
//
//	nil (None), bool, int64, *big.Int (what int64 cannot hold), float64, string,
//	*List, *Tuple, *Dict, *Undefined
//
// and of types that only templates make: markup, ranges, generators, macros,
// namespaces, functions. A value that a template has been given is never changed.
type Value = any

// List is Python's list.
type List struct{ Items []Value }

// Tuple is Python's tuple; names are its fields where it is a named one.
type Tuple struct {
	Items []Value
	names []string
}

// Markup is text that escape and safe have marked: what is added to it is escaped.
type Markup string

// Undefined stands for what is not there. It prints as nothing, is false and
// empty, and fails when anything else is done with it.
type Undefined struct {
	text  string // what to say when it is used
	class string // of the error then
}

type namespace struct{ attrs *Dict }

// iterator is read once: a generator, or an iterator of Python.
type iterator struct{ next func() (Value, bool) }

type rangeValue struct{ start, stop, step, length int64 }

// view is what keys, values and items of a dict return.
type view struct {
	dict *Dict
	kind string
}

func (v *view) at(i int) Value {
	switch v.kind {
	case "keys":
		return v.dict.keys[i]
	case "values":
		return v.dict.values[i]
	}
	return &Tuple{Items: []Value{v.dict.keys[i], v.dict.values[i]}}
}

// function is a function, method or filter of Go.
type function struct {
	name string
	call func(in *interp, a arguments) Value
}

// dictType is what the name dict stands for.
type dictType struct{}

type cycler struct {
	items []Value
	pos   int
}

func toInt64(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

// text returns the string of a string or of markup.
func text(v Value) (string, bool) {
	switch x := v.(type) {
	case string:
		return x, true
	case Markup:
		return string(x), true
	}
	return "", false
}

// whole returns v as an index or count; a bool is one.
func whole(v Value) (int64, bool) {
	switch x := v.(type) {
	case int64:
		return x, true
	case bool:
		return toInt64(x), true
	case *big.Int:
		if x.Sign() < 0 {
			return math.MinInt64, true
		}
		return math.MaxInt64, true
	}
	return 0, false
}

// typeName is the name of a value's type in Python.
func typeName(v Value) string {
	switch x := v.(type) {
	case nil:
		return "NoneType"
	case bool:
		return "bool"
	case int64, *big.Int:
		return "int"
	case float64:
		return "float"
	case string:
		return "str"
	case Markup:
		return "Markup"
	case *List:
		return "list"
	case *Tuple:
		return "tuple"
	case *Dict:
		return "dict"
	case *Undefined:
		return "Undefined"
	case *namespace:
		return "Namespace"
	case *iterator:
		return "generator"
	case *rangeValue:
		return "range"
	case *view:
		return "dict_" + x.kind
	case *macro:
		return "Macro"
	case *loopContext:
		return "LoopContext"
	case *cycler:
		return "Cycler"
	}
	return "function"
}

// truth is Python's bool(v).
func truth(v Value) bool {
	switch x := v.(type) {
	case nil, *Undefined:
		return false
	case bool:
		return x
	case int64:
		return x != 0
	case *big.Int:
		return x.Sign() != 0
	case float64:
		return x != 0
	case string:
		return x != ""
	case Markup:
		return x != ""
	}
	n, ok := length(v)
	return !ok || n != 0
}

// length is Python's len(v), where it has one.
func length(v Value) (int, bool) {
	switch x := v.(type) {
	case string:
		return utf8.RuneCountInString(x), true
	case Markup:
		return utf8.RuneCountInString(string(x)), true
	case *List:
		return len(x.Items), true
	case *Tuple:
		return len(x.Items), true
	case *Dict:
		return x.Len(), true
	case *view:
		return x.dict.Len(), true
	case *rangeValue:
		return int(x.length), true
	case *Undefined:
		return 0, true
	case *loopContext:
		return x.length(), true
	}
	return 0, false
}

func failIfUndefined(v Value) {
	if u, ok := v.(*Undefined); ok {
		fail(u.class, "%s", u.text)
	}
}

func undefinedName(name string) *Undefined {
	return &Undefined{text: quote(name) + " is undefined", class: "UndefinedError"}
}

func undefinedText(text string) *Undefined { return &Undefined{text: text, class: "UndefinedError"} }
