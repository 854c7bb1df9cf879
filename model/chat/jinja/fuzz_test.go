package jinja

import (
	"errors"
	"testing"
	"time"
)

// seeds are small templates that between them use every part of the language.
var seeds = []string{
	"{% for m in messages %}{{ loop.index }}{{ m.role|upper }}{% else %}none{% endfor %}",
	"{%- if a is defined and not a in [1, 2.5, 'x'] -%} {{ a ~ b if c else -d ** 2 // 3 }} {%- elif x %}{% endif %}",
	"{% macro f(a, b=1) %}{{ a }}{{ varargs }}{{ kwargs }}{{ caller() }}{% endmacro %}{% call(x) f(1, *[2], **{'k': 3}) %}{{ x }}{% endcall %}",
	"{% set ns = namespace(n=0) %}{% set ns.n = ns.n + 1 %}{% set a, b = (1, 2) %}{% set t | trim %} x {% endset %}{{ ns.n }}",
	"{{ 'a%s{}'.format(1) % (2,) }}{{ '%05.2f|%-5d|%x' % (1.5, 2, 255) }}{{ '{0:>8}{a!r:^9}'.format('x', a='y') }}",
	"{{ messages|selectattr('role', 'equalto', 'user')|map(attribute='content')|list|tojson(indent=2) }}",
	"{% raw %}{{ x }}{% endraw %}{# c #}{{- 'é\\n\\u00e9' -}}\n{%+ print 1, 2 %}",
	"{% for x in [1, [2]] recursive %}{{ loop(x) if x is iterable else x }}{% break %}{% endfor %}",
	"{% filter upper %}a{% endfilter %}{% with a = 1 %}{{ a }}{% endwith %}{% block b scoped %}{% endblock %}{% generation %}{% endgeneration %}",
	"{{ {'a': [1, {'b': none}]}['a'][1:][::-1] }}{{ 'abc'[-2:] }}{{ range(9)[2:7:2]|list }}{{ [3, 1]|sort|join(',') }}",
	"{{ 's p l'.split()|reverse|list }}{{ ' x '.strip().replace('x', 'y').title().center(9, '*') }}{{ d|dictsort|groupby(0)|batch(2)|list }}",
	"{{ strftime_now('%d %B %Y') }}{{ raise_exception('no') }}",
}

// FuzzParse holds that any text is parsed or refused.
func FuzzParse(f *testing.F) {
	for _, s := range seeds {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, source string) {
		_, err := Parse(source)
		checkError(t, err)
	})
}

// FuzzRender holds that any template is rendered or refused, within its limits,
// and twice the same.
func FuzzRender(f *testing.F) {
	for _, s := range seeds {
		f.Add(s, `{"messages": [{"role": "user", "content": "Hi"}], "a": 1.5, "d": {"x": [1, "y"]}}`)
	}
	f.Fuzz(func(t *testing.T, source, context string) {
		parsed, err := Parse(source)
		if err != nil {
			return
		}
		vars := map[string]Value{}
		if v, err := DecodeJSON([]byte(context)); err == nil {
			if d, ok := v.(*Dict); ok {
				for name, v := range d.All {
					vars[name] = v
				}
			}
		}
		now := time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)
		out, err := parsed.render(vars, now, sixteenth)
		checkError(t, err)
		again, err2 := parsed.render(vars, now, sixteenth)
		if out != again || (err == nil) != (err2 == nil) {
			t.Errorf("rendered twice: %q, %v, then %q, %v", out, err, again, err2)
		}
	})
}

// checkError wants a *Error with a line.
func checkError(t *testing.T, err error) {
	t.Helper()
	var e *Error
	if err != nil && (!errors.As(err, &e) || e.Line < 1) {
		t.Errorf("error %v: want *Error with a line", err)
	}
}
