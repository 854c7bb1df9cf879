package jinja

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

var refusedFilters = map[string]string{
	"random":   "what it returns would differ from one rendering to the next",
	"pprint":   "it is for looking at values while writing a template",
	"urlize":   "it makes HTML",
	"wordwrap": "no chat template wraps text",
}

func unknownFilter(name string) string {
	if why, ok := refusedFilters[name]; ok {
		return "filter " + quote(name) + " is not supported: " + why
	}
	return "No filter named " + quote(name) + "."
}

// filterNamed returns a filter, or nil.
func filterNamed(name string) builtin {
	switch name {
	case "abs":
		return absFilter
	case "attr":
		return attrFilter
	case "batch":
		return batchFilter
	case "capitalize":
		return onText(capitalize, 3)
	case "center":
		return centerFilter
	case "count", "length":
		return lengthFilter
	case "d", "default":
		return defaultFilter
	case "dictsort":
		return dictsortFilter
	case "e", "escape":
		return escapeFilter
	case "filesizeformat":
		return filesizeFilter
	case "first":
		return firstFilter
	case "float":
		return floatFilter
	case "forceescape":
		return forceescapeFilter
	case "format":
		return formatFilter
	case "groupby":
		return groupbyFilter
	case "indent":
		return indentFilter
	case "int":
		return intFilter
	case "items":
		return itemsFilter
	case "join":
		return joinFilter
	case "last":
		return lastFilter
	case "list":
		return func(in *interp, a arguments) Value { return &List{Items: in.own(a.bind("list", "value")[0])} }
	case "lower":
		return onText(lower, 3)
	case "map":
		return mapFilter
	case "max":
		return extreme("max", func(in *interp, a, b Value) bool { return in.less(b, a, ">") })
	case "min":
		return extreme("min", func(in *interp, a, b Value) bool { return in.less(a, b, "<") })
	case "reject":
		return selecting(false, false)
	case "rejectattr":
		return selecting(true, false)
	case "replace":
		return replaceFilter
	case "reverse":
		return reverseFilter
	case "round":
		return roundFilter
	case "safe":
		return func(in *interp, a arguments) Value { return Markup(in.str(a.bind("safe", "value")[0])) }
	case "select":
		return selecting(false, true)
	case "selectattr":
		return selecting(true, true)
	case "slice":
		return sliceFilter
	case "sort":
		return sortFilter
	case "string":
		return stringFilter
	case "striptags":
		return striptagsFilter
	case "sum":
		return sumFilter
	case "title":
		return onText(titleFilter, 3)
	case "tojson":
		return tojson
	case "trim":
		return trimFilter
	case "truncate":
		return truncateFilter
	case "unique":
		return uniqueFilter
	case "upper":
		return onText(upper, 3)
	case "urlencode":
		return urlencodeFilter
	case "wordcount":
		return wordcountFilter
	case "xmlattr":
		return xmlattrFilter
	}
	return nil
}

// soft is the value as a text; markup stays markup.
func (in *interp) soft(v Value) Value {
	if _, ok := text(v); ok {
		return v
	}
	return in.str(v)
}

// onText makes a filter without arguments of a function from text to text.
func onText(f func(string) string, grow int) builtin {
	return func(in *interp, a arguments) Value {
		v := in.soft(a.bind("filter", "s")[0])
		s, _ := text(v)
		in.allocTimes(len(s), grow)
		return asMarkup(v, f(s))
	}
}

func stringFilter(in *interp, a arguments) Value { return in.soft(a.bind("string", "s")[0]) }

func attrFilter(in *interp, a arguments) Value {
	args := a.bind("attr", "obj", "name")
	name := needText(args[1])
	if isUndefined(args[0]) {
		failIfUndefined(args[0])
	}
	if r, ok := in.attribute(args[0], name); ok {
		return r
	}
	return noAttribute(args[0], name)
}

func centerFilter(in *interp, a arguments) Value {
	args := a.bind("center", "value", "width?")
	v := in.soft(args[0])
	s, _ := text(v)
	return asMarkup(v, in.justify(s, needInt(or(args[1], int64(80))), " ", center))
}

func defaultFilter(_ *interp, a arguments) Value {
	args := a.bind("default", "value", "default_value?", "boolean?")
	if isUndefined(args[0]) || truth(or(args[2], false)) && !truth(args[0]) {
		return or(args[1], "")
	}
	return args[0]
}

func formatFilter(in *interp, a arguments) Value {
	v := in.soft(a.positional[0])
	a.positional = a.positional[1:]
	if len(a.positional) > 0 && len(a.names) > 0 {
		fail("FilterArgumentError", "can't handle positional and keyword arguments at the same time")
	}
	if len(a.names) > 0 {
		return in.binary("%", v, a.keywordDict())
	}
	return in.binary("%", v, &Tuple{Items: a.positional})
}

func indentFilter(in *interp, a arguments) Value {
	args := a.bind("indent", "s", "width?", "first?", "blank?")
	v := args[0]
	failIfUndefined(v)
	s, ok := text(v)
	if !ok {
		typeError("can only concatenate str (not \"%s\") to str", typeName(v))
	}
	indent, ok := or(args[1], int64(4)).(string)
	if !ok {
		n := max(needInt(or(args[1], int64(4))), 0)
		in.allocTimes(clampInt(n), 1)
		indent = strings.Repeat(" ", int(n))
	}
	lines := splitLines(s+"\n", false)
	in.allocTimes(len(lines), 32+len(indent))
	in.alloc(2 * len(s))
	blank := truth(or(args[3], false))
	for i, line := range lines {
		if i > 0 && (line != "" || blank) || i == 0 && truth(or(args[2], false)) {
			lines[i] = indent + line
		}
	}
	return asMarkup(v, strings.Join(lines, "\n"))
}

func replaceFilter(in *interp, a arguments) Value {
	args := a.bind("replace", "s", "old", "new", "count?")
	count := int64(-1)
	if n := or(args[3], nil); n != nil {
		count = needInt(n)
	}
	return in.replace(in.str(args[0]), in.str(args[1]), in.str(args[2]), count)
}

// titleFilter is jinja2's: words begin after spaces, hyphens and opening brackets.
func titleFilter(s string) string {
	var b strings.Builder
	word := func(w string) {
		if w == "" {
			return
		}
		_, n := utf8.DecodeRuneInString(w)
		b.WriteString(upper(w[:n]))
		b.WriteString(lower(w[n:]))
	}
	isBegin := func(r rune) bool { return strings.ContainsRune("-({[<", r) || isSpace(r) }
	for s != "" {
		end := strings.IndexFunc(s, isBegin)
		if end < 0 {
			end = len(s)
		}
		word(s[:end])
		s = s[end:]
		next := strings.IndexFunc(s, func(r rune) bool { return !isBegin(r) })
		if next < 0 {
			next = len(s)
		}
		b.WriteString(s[:next])
		s = s[next:]
	}
	return b.String()
}

func trimFilter(in *interp, a arguments) Value {
	args := a.bind("trim", "value", "chars?")
	v := in.soft(args[0])
	s, _ := text(v)
	return asMarkup(v, in.strip(s, or(args[1], nil), true, true))
}

func truncateFilter(in *interp, a arguments) Value {
	args := a.bind("truncate", "s", "length?", "killwords?", "end?", "leeway?")
	limit := needInt(or(args[1], int64(255)))
	end := needText(or(args[3], "..."))
	leeway := int64(5)
	if v := or(args[4], nil); v != nil {
		leeway = needInt(v)
	}
	endLength := int64(utf8.RuneCountInString(end))
	in.scan(end)
	if limit < endLength || leeway < 0 {
		fail("AssertionError", "expected length >= %d, got %d; expected leeway >= 0, got %d", endLength, limit, leeway)
	}
	v := args[0]
	if s, ok := text(v); ok {
		in.scan(s)
	}
	if n, ok := length(v); ok && int64(n) <= limit+leeway {
		return v
	}
	s, ok := text(v)
	if !ok {
		typeError("object of type '%s' cannot be truncated", typeName(v))
	}
	s = truncate(s, int(limit-endLength))
	if !truth(or(args[2], false)) {
		if i := strings.LastIndexByte(s, ' '); i >= 0 {
			s = s[:i]
		}
	}
	in.alloc(len(s) + len(end))
	return asMarkup(v, s+end)
}

func wordcountFilter(in *interp, a arguments) Value {
	s := in.str(a.bind("wordcount", "s")[0])
	in.scan(s)
	n := int64(0)
	inWord := false
	for _, r := range s {
		isWord := r == '_' || unicode.IsLetter(r) || unicode.IsNumber(r)
		if isWord && !inWord {
			n++
		}
		inWord = isWord
	}
	return n
}
