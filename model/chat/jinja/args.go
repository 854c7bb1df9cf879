package jinja

import (
	"slices"
	"strings"
)

// arguments are those of a call: positional ones, and keywords in their order.
type arguments struct {
	positional []Value
	names      []string
	keywords   []Value
}

func (in *interp) arguments(c callArgs, s *scope) arguments {
	a := arguments{positional: in.evalAll(c.positional, s)}
	a.names = slices.Clone(c.names)
	a.keywords = in.evalAll(c.keywords, s)
	if c.star != nil {
		a.positional = append(a.positional, in.items(in.eval(c.star, s))...)
		in.allocTimes(len(a.positional), 16)
	}
	if c.starStar != nil {
		in.addAll(&a, in.eval(c.starStar, s))
	}
	return a
}

func (in *interp) addAll(a *arguments, v Value) {
	d, ok := v.(*Dict)
	if !ok {
		typeError("argument after ** must be a mapping, not %s", typeName(v))
	}
	given := map[string]bool{}
	for _, name := range a.names {
		given[name] = true
	}
	for i, key := range d.keys {
		in.alloc(64)
		name, ok := text(key)
		if !ok {
			typeError("keywords must be strings")
		}
		if given[name] {
			typeError("got multiple values for keyword argument %s", quote(name))
		}
		a.add(name, d.values[i])
	}
}

func (a *arguments) add(name string, v Value) {
	a.names = append(a.names, name)
	a.keywords = append(a.keywords, v)
}

// take returns a keyword argument and removes it.
func (a *arguments) take(name string) (Value, bool) {
	i := slices.Index(a.names, name)
	if i < 0 {
		return nil, false
	}
	v := a.keywords[i]
	a.names = slices.Delete(slices.Clone(a.names), i, i+1)
	a.keywords = slices.Delete(slices.Clone(a.keywords), i, i+1)
	return v, true
}

func (a *arguments) keywordDict() *Dict {
	d := &Dict{}
	for i, name := range a.names {
		d.Set(name, a.keywords[i])
	}
	return d
}

func (a *arguments) noKeywords(fn string) {
	if len(a.names) > 0 {
		typeError("%s() got an unexpected keyword argument %s", fn, quote(a.names[0]))
	}
}

// absent is the value of an optional parameter that was not given.
type absent struct{}

// bind returns the arguments in the order of the parameters. A parameter whose
// name is followed by ? may be left out, and is then absent{}; one followed by /
// takes no keyword.
func (a arguments) bind(fn string, params ...string) []Value {
	if len(a.positional) > len(params) {
		typeError("%s() takes at most %d arguments (%d given)", fn, len(params), len(a.positional))
	}
	values := make([]Value, len(params))
	for i, param := range params {
		name := strings.TrimRight(param, "?/")
		switch v, ok := a.keyword(name, param); {
		case i < len(a.positional):
			values[i] = a.positional[i]
		case ok:
			values[i] = v
			a.take(name)
		case strings.Contains(param, "?"):
			values[i] = absent{}
		default:
			typeError("%s() missing required argument: '%s'", fn, name)
		}
	}
	a.noKeywords(fn)
	return values
}

func (a *arguments) keyword(name, param string) (Value, bool) {
	if strings.Contains(param, "/") {
		return nil, false
	}
	i := slices.Index(a.names, name)
	if i < 0 {
		return nil, false
	}
	return a.keywords[i], true
}

// or is v, or where the parameter was left out what it is by default.
func or(v, otherwise Value) Value {
	if v == (absent{}) {
		return otherwise
	}
	return v
}

// needInt is v as an int; what names the use in the error.
func needInt(v Value) int64 {
	failIfUndefinedIndex(v)
	n, ok := whole(v)
	if !ok {
		typeError("'%s' object cannot be interpreted as an integer", typeName(v))
	}
	return n
}

func failIfUndefinedIndex(v Value) {
	if _, ok := v.(*Undefined); ok {
		typeError("'Undefined' object cannot be interpreted as an integer")
	}
}

// needText is the text of v, which must be a string.
func needText(v Value) string {
	s, ok := text(v)
	if !ok {
		typeError("expected str, got %s", typeName(v))
	}
	return s
}
