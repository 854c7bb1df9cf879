package jinja

import (
	"fmt"
	"regexp"
	"strings"
)

var (
	comments = regexp.MustCompile(`(?s)<!--.*?-->`)
	tags     = regexp.MustCompile(`(?s)<.*?>`)
)

func escapeFilter(in *interp, a arguments) Value {
	v := a.bind("escape", "s/")[0]
	if m, ok := v.(Markup); ok {
		return m
	}
	s := in.str(v)
	in.allocTimes(len(s), 5)
	return Markup(escapeHTML(s))
}

func forceescapeFilter(in *interp, a arguments) Value {
	s := in.str(a.bind("forceescape", "value")[0])
	in.allocTimes(len(s), 5)
	return Markup(escapeHTML(s))
}

var unescapeHTML = strings.NewReplacer("&amp;", "&", "&gt;", ">", "&lt;", "<", "&#39;", "'", "&#34;", `"`, "&quot;", `"`).Replace

func striptagsFilter(in *interp, a arguments) Value {
	s := in.str(a.bind("striptags", "value")[0])
	in.allocTimes(len(s), 8)
	s = tags.ReplaceAllString(comments.ReplaceAllString(s, ""), "")
	if strings.Contains(s, "&") && strings.Contains(s, ";") {
		s = unescapeHTML(s)
	}
	return strings.Join(strings.FieldsFunc(s, isSpace), " ")
}

// urlQuote is Python's urllib.parse.quote, of a path or of a part of a query.
func (in *interp) urlQuote(v Value, query bool) string {
	s := in.str(v)
	in.allocTimes(len(s), 3)
	var b strings.Builder
	for i := range len(s) {
		switch c := s[i]; {
		case c == ' ' && query:
			b.WriteByte('+')
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', isDigit(c), strings.IndexByte("_.-~", c) >= 0, c == '/' && !query:
			b.WriteByte(c)
		default:
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}

func urlencodeFilter(in *interp, a arguments) Value {
	v := a.bind("urlencode", "value")[0]
	if _, ok := text(v); ok || !isIterable(v) {
		return in.urlQuote(v, false)
	}
	if d, ok := v.(*Dict); ok {
		v = &view{d, "items"}
	}
	var parts []string
	for _, item := range in.items(v) {
		pair := in.items(item)
		if len(pair) != 2 {
			valueError("want pairs of key and value, got %d values", len(pair))
		}
		part := in.urlQuote(pair[0], true) + "=" + in.urlQuote(pair[1], true)
		in.alloc(2 * len(part))
		parts = append(parts, part)
	}
	return strings.Join(parts, "&")
}

func xmlattrFilter(in *interp, a arguments) Value {
	args := a.bind("xmlattr", "d", "autospace?")
	d, ok := args[0].(*Dict)
	if !ok {
		failIfUndefined(args[0])
		fail("AttributeError", "'%s' object has no attribute 'items'", typeName(args[0]))
	}
	var b strings.Builder
	for i, key := range d.keys {
		v := d.values[i]
		if v == nil || isUndefined(v) {
			continue
		}
		name := needText(key)
		if strings.ContainsAny(name, " \t\n\r\f\v/>=") {
			valueError("Invalid character in attribute name: %s", quote(name))
		}
		if b.Len() > 0 || truth(or(args[1], true)) {
			b.WriteByte(' ')
		}
		s := in.str(v)
		in.alloc(5 * (len(name) + len(s)))
		b.WriteString(escaped(key, name) + `="` + escaped(v, s) + `"`)
	}
	return b.String()
}
