package jinja

import (
	"errors"
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"
)

// hostile are templates that would take more time or memory than there is.
var hostile = map[string]string{
	"long range":           "{{ range(10**9)|list }}",
	"nested loops":         "{% for a in range(99999) %}{% for b in range(99999) %}{% for c in range(99999) %}{% endfor %}{% endfor %}{% endfor %}",
	"long text":            "{{ 'x' * 10**9 }}",
	"doubled text":         "{% set ns = namespace(s='xx') %}{% for i in range(99) %}{% set ns.s = ns.s + ns.s %}{% endfor %}",
	"doubled list":         "{% set ns = namespace(l=[1, 2]) %}{% for i in range(99) %}{% set ns.l = ns.l + ns.l %}{% endfor %}",
	"long list":            "{{ [0] * 10**9 }}",
	"joins of joins":       "{% set a = ['x'] * 9999 %}{% for i in range(9999) %}{% set b = a|join('y' * 9999) %}{% endfor %}",
	"large power":          "{{ 9**(9**9) }}",
	"large products":       "{% set ns = namespace(n=7) %}{% for i in range(99) %}{% set ns.n = ns.n * ns.n %}{% endfor %}",
	"wide field":           "{{ '%999999999d' % 1 }}",
	"wide format":          "{{ '{:>999999999}'.format(1) }}",
	"width from argument":  "{{ '%*d' % (999999999999, 1) }}",
	"precision":            "{{ '%.999999999f' % 1 }}",
	"centered":             "{{ 'x'|center(10**12) }}",
	"padded":               "{{ 'x'.zfill(10**10) }}",
	"tabs":                 "{{ 'a\tb'.expandtabs(10**10) }}",
	"replaced":             "{{ ('a' * 99999).replace('', 'y' * 99999) }}",
	"indented":             "{{ ('a\n' * 99999)|indent(99999) }}",
	"json indent":          "{{ [[1]]|tojson(indent=10**12) }}",
	"batch filler":         "{{ [1]|batch(10**12, 0)|list }}",
	"endless slices":       "{{ [1]|slice(10**12)|list }}",
	"recursive macro":      "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}",
	"branching macro":      "{% macro f(n) %}{% if n %}{{ f(n - 1) }}{{ f(n - 1) }}{% endif %}{% endmacro %}{{ f(99) }}",
	"growing macro":        "{% macro f(s) %}{{ s }}{{ f(s ~ s) }}{% endmacro %}{{ f('x') }}",
	"recursive loop":       "{% for x in [1] recursive %}{{ loop([1]) }}{% endfor %}",
	"deep list":            "{% set ns = namespace(l=[]) %}{% for i in range(99999) %}{% set ns.l = [ns.l] %}{% endfor %}{{ ns.l }}",
	"deep list as JSON":    "{% set ns = namespace(l=[]) %}{% for i in range(99999) %}{% set ns.l = [ns.l] %}{% endfor %}{{ ns.l|tojson }}",
	"deep lists compared":  "{% set a = namespace(l=[], m=[]) %}{% for i in range(99999) %}{% set a.l = [a.l] %}{% set a.m = [a.m] %}{% endfor %}{{ a.l == a.m }}",
	"deep tuple as key":    "{% set ns = namespace(t=()) %}{% for i in range(99999) %}{% set ns.t = (ns.t,) %}{% endfor %}{{ {ns.t: 1} }}",
	"wide tuple as key":    "{% set ns = namespace(t=()) %}{% for i in range(99) %}{% set ns.t = (ns.t, ns.t) %}{% endfor %}{{ {ns.t: 1} }}",
	"shared list printed":  "{% set ns = namespace(l=[]) %}{% for i in range(99) %}{% set ns.l = [ns.l, ns.l] %}{% endfor %}{{ ns.l }}",
	"shared lists compare": "{% set a = namespace(l=[], m=[]) %}{% for i in range(99) %}{% set a.l = [a.l, a.l] %}{% set a.m = [a.m, a.m] %}{% endfor %}{{ a.l == a.m }}",
	"cyclic namespace":     "{% set ns = namespace() %}{% set ns.me = ns %}{{ ns }}",
	"iterator of itself":   "{% set ns = namespace(g=[1]) %}{% for i in range(99999) %}{% set ns.g = ns.g|map('string') %}{% endfor %}{{ ns.g|list }}",
	"nested map":           "{{ [[1]]|map('map', 'map', 'map', 'upper')|list|length }}{% for i in range(99999) %}{{ range(9999)|sum }}{% endfor %}",
	"long sort":            "{% for i in range(999) %}{{ range(99999)|sort(reverse=true)|length }}{% endfor %}",
	"searches":             "{% set a = 'a' * 99999 %}{% for i in range(99999) %}{{ a.find('b') }}{% endfor %}",
	"lengths":              "{% set a = 'é' * 99999 %}{% for i in range(99999) %}{{ a|length }}{% endfor %}",
	"characters":           "{% set a = 'é' * 99999 %}{% for i in range(99999) %}{{ a[99998] }}{% endfor %}",
	"upper":                "{% set a = 'é' * 99999 %}{% for i in range(99999) %}{{ a.upper()|length }}{% endfor %}",
	"much output":          "{% for i in range(99999) %}{{ 'x' * 9999 }}{% endfor %}",
	"captured output":      "{% for i in range(99999) %}{% set a %}{{ 'x' * 99999 }}{% endset %}{% endfor %}",
	"many keywords":        "{% set ns = namespace(d={}) %}{% for i in range(99999) %}{% set ns.d = dict(ns.d, **{i|string: 1}) %}{% endfor %}",
	"format recursion":     "{{ '{:{:{:{}}}}'.format(1, 2, 3, 4) }}",
	"strftime":             "{{ strftime_now('%c' * 9999999) }}",
	"striptags":            "{% set a = '<a' * 999999 %}{{ a|striptags }}{% for i in range(9999) %}{{ a|striptags|length }}{% endfor %}",
}

// hostileTemplates are those, and long and deep ones.
func hostileTemplates() map[string]string {
	all := maps.Clone(hostile)
	for name, s := range map[string][2]string{
		"open brackets": {"[", "]"}, "open parentheses": {"(", ")"}, "minus signs": {"- ", ""}, "not": {"not ", ""}, "dicts": {"{1:", "}"},
	} {
		all["nested "+name] = "{{ " + strings.Repeat(s[0], 99999) + "1" + strings.Repeat(s[1], 99999) + " }}"
	}
	all["nested ifs"] = strings.Repeat("{% if 1 %}", 30000) + strings.Repeat("{% endif %}", 30000)
	for _, op := range []string{"+ 1", " and 1", "~ 1", "** 1", "< 1", "|abs", ".a", "[0]", " is odd", "(1)", " if 1 else 1"} {
		all["chain of "+op] = "{{ a" + strings.Repeat(op, 30000) + " }}"
	}
	return all
}

// sixteenth are tighter limits than those of Render: tests are soon done.
var sixteenth = meter{maxSteps: maxSteps / 16, maxBytes: maxBytes / 16}

// TestHostile holds that each ends soon, with an error.
func TestHostile(t *testing.T) {
	for name, source := range hostileTemplates() {
		start := time.Now()
		parsed, err := Parse(source)
		if err == nil {
			_, err = parsed.render(nil, start, sixteenth)
		}
		var e *Error
		if !errors.As(err, &e) {
			t.Errorf("%s: got error %v, want *Error", name, err)
		}
		if took := time.Since(start); took > 10*time.Second {
			t.Errorf("%s took %v", name, took)
		} else if testing.Verbose() {
			t.Logf("%-22s %8v %.100v", name, took.Round(time.Millisecond), err)
		}
	}
}

// TestLongSource holds that 128 KiB of anything is parsed or refused soon.
func TestLongSource(t *testing.T) {
	repeat := func(s string) string { return strings.Repeat(s, 1<<17/len(s)) }
	numbered := func(format string) string {
		var b strings.Builder
		for i := 0; b.Len() < 1<<17; i++ {
			fmt.Fprintf(&b, format, i)
		}
		return b.String()
	}
	for name, source := range map[string]string{
		"text":             repeat("x"),
		"spaces":           repeat(" "),
		"spaces and tags":  "{{ 1 -}}" + repeat(" ") + "{{- 1 }}",
		"tags":             repeat("{%"),
		"raw tags":         "{% raw %}" + repeat("{% "),
		"comments":         repeat("{#"),
		"comment ends":     "{#" + repeat("-#"),
		"prints":           repeat("{{ a }}"),
		"elifs":            "{% if a %}" + numbered("{%% elif x%d %%}{%% set y%[1]d = 1 %%}") + "{% endif %}",
		"ifs":              numbered("{%% if x%d %%}{%% set y%[1]d = 1 %%}{%% endif %%}"),
		"sets":             numbered("{%% set x%d = 1 %%}"),
		"parameters":       "{% macro f(" + numbered("a%d,") + "b) %}{% endmacro %}",
		"keywords":         "{{ f(" + numbered("a%d=1,") + ") }}",
		"list":             "{{ [" + numbered("%d,") + "] }}",
		"dict":             "{{ {" + numbered("%d:1,") + "} }}",
		"blocks":           numbered("{%% block b%d %%}{%% endblock %%}"),
		"macros":           numbered("{%% macro m%d() %%}{{ x%[1]d }}{%% endmacro %%}"),
		"loops":            numbered("{%% for x%d in y %%}{{ loop }}{%% endfor %%}"),
		"targets":          "{% set " + numbered("x%d,") + " = 1 %}",
		"open string":      "{{ '" + repeat(`\'`),
		"digits":           "{{ " + repeat("1") + " }}",
		"digits and lines": "{{ " + repeat("1_") + "1 }}",
		"texts":            "{{ " + repeat("'a'") + " }}",
		"nested loops":     strings.Repeat("{% for x in y %}", 140) + numbered("{{ a%d }}") + strings.Repeat("{% endfor %}", 140),
		"nested macros":    strings.Repeat("{% macro m() %}", 140) + numbered("{{ a%d }}") + strings.Repeat("{% endmacro %}", 140),
		"nested set":       strings.Repeat("{% if a %}", 140) + numbered("{%% set a%d = 1 %%}") + strings.Repeat("{% endif %}", 140),
	} {
		start := time.Now()
		_, err := Parse(source)
		if took := time.Since(start); took > 5*time.Second {
			t.Errorf("%s took %v", name, took)
		} else if testing.Verbose() {
			t.Logf("%-22s %8v %.100v", name, took.Round(time.Millisecond), err)
		}
	}
}

// TestHostileInput holds that a deep input is refused.
func TestHostileInput(t *testing.T) {
	deep := strings.Repeat("[", 99999) + strings.Repeat("]", 99999)
	if _, err := DecodeJSON([]byte(deep)); err == nil {
		t.Error("DecodeJSON of a deep list: no error")
	}
	v := Value(int64(1))
	for range 99999 {
		v = &List{Items: []Value{v}}
	}
	parsed, err := Parse("{{ v }}")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := parsed.Render(map[string]Value{"v": v}, time.Time{}); err == nil {
		t.Error("Render of a deep list: no error")
	}
}
