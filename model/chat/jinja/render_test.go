package jinja

import (
	"errors"
	"strings"
	"testing"
	"time"
)

// TestRender has what is ours to decide, beside what TestReference compares.
func TestRender(t *testing.T) {
	for _, tt := range []struct {
		source, want string // an error where want begins with "line "
	}{
		{"{% include 'x' %}", "line 1: TemplateSyntaxError: tag 'include' is not supported"},
		{"\n{% import 'x' as y %}", "line 2: TemplateSyntaxError: tag 'import' is not supported"},
		{"{% from 'x' import y %}", "line 1: TemplateSyntaxError: tag 'from' is not supported"},
		{"{% extends 'x' %}", "line 1: TemplateSyntaxError: tag 'extends' is not supported"},
		{"{% autoescape true %}{% endautoescape %}", "line 1: TemplateSyntaxError: tag 'autoescape' is not supported"},
		{"{% block b required %}{% endblock %}", "line 1: TemplateSyntaxError: required blocks are not supported"},
		{"{{ [1]|random }}", "line 1: TemplateSyntaxError: filter 'random' is not supported"},
		{"{{ lipsum() }}", "line 1: SecurityError: lipsum is random"},
		{"a\n{{ x\n.y }}", "line 3: UndefinedError: 'x' is undefined"},
		{"{{ ''.__class__.mro() }}", "line 1: SecurityError: access to attribute '__class__' of 'str' object is unsafe."},
		{"{{ ''['__class__']['mro'] }}", "line 1: SecurityError: access to attribute '__class__'"},
		{"{{ '{0.__class__.mro}'.format('') }}", "line 1: SecurityError: access to attribute '__class__'"},
		{"{{ [''|attr('__class__')]|map('upper')|list }}", "['']"},
		{"{{ [[]]|map(attribute='__class__.mro')|list }}", "line 1: SecurityError: access to attribute '__class__'"},
		{"{{ [].append(1) }}", "line 1: SecurityError: access to attribute 'append' of 'list' object is unsafe."},
		{"{{ '\\ud800' }}", `line 1: TemplateSyntaxError: \ud800 is no character of its own`},
		{"{{ (-8) ** 0.5 }}", "line 1: ValueError: complex numbers are not supported"},
		{"{{ 'x'.encode() }}", "line 1: TypeError: bytes are not supported"},
		{"{% set x = 10 ** 30 %}{{ x }} {{ x // 7 }} {{ -x % 7 }} {{ x > 1e29 }}", "1000000000000000000000000000000 142857142857142857142857142857 6 True"},
		{"{{ {1: 'a', true: 'b', 1.0: 'c'} }}", "{1: 'c'}"},
		{"{{ {('a', 'b'): 1}[('a', 'b')] }}{{ {('a', 'b'): 1}.get(('ab',)) }}", "1None"},
	} {
		got, err := "", error(nil)
		template, err := Parse(tt.source)
		if err == nil {
			got, err = template.Render(nil, time.Time{})
		}
		if want, fails := strings.CutPrefix(tt.want, "line "); fails {
			var e *Error
			if !errors.As(err, &e) || !strings.HasPrefix(err.Error(), "template line "+want) {
				t.Errorf("%q: got %q, %v, want %s", tt.source, got, err, tt.want)
			}
		} else if got != tt.want || err != nil {
			t.Errorf("%q: got %q, %v, want %q", tt.source, got, err, tt.want)
		}
	}
}

func TestDecodeJSON(t *testing.T) {
	for _, tt := range []struct{ data, want string }{ // the error, where want begins with "error "
		{`{"b": 1, "a": [true, null, 1.50, 1e400, "\ud83e\udd17\u00e9"], "b": -0}`, `{'b': 0, 'a': [True, None, 1.5, inf, '🤗é']}`},
		{`12345678901234567890123`, `12345678901234567890123`},
		{`"\ud800"`, `error half a surrogate pair`},
		{`"\udc00\ud800"`, `error half a surrogate pair`},
		{`"\\ud800"`, `'\\ud800'`},
		{"\"\xff\"", `error not valid UTF-8`},
		{`[1] 2`, `error more after the value`},
		{`[1,]`, `error`},
		{`NaN`, `error`},
		{``, `error`},
	} {
		v, err := DecodeJSON([]byte(tt.data))
		if want, fails := strings.CutPrefix(tt.want, "error"); fails {
			if err == nil || !strings.Contains(err.Error(), strings.TrimSpace(want)) {
				t.Errorf("DecodeJSON(%s): got %v, want an error: %s", tt.data, err, want)
			}
			continue
		}
		in := &interp{meter: sixteenth}
		if err != nil || in.repr(v) != tt.want {
			t.Errorf("DecodeJSON(%s) = %s, %v, want %s", tt.data, in.repr(v), err, tt.want)
		}
	}
}
