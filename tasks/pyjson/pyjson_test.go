package pyjson

import (
	"bytes"
	"reflect"
	"strings"
	"testing"
)

// TestAppend: what json.dumps(json.loads(in), indent=2, ensure_ascii=False)
// printed in Python 3.11.
func TestAppend(t *testing.T) {
	for _, tt := range []struct{ in, want string }{
		{`{"b": 1, "a": [1.0, 1e-5, 1E5], "c": {}}`, "{\n  \"b\": 1,\n  \"a\": [\n    1.0,\n    1e-05,\n    100000.0\n  ],\n  \"c\": {}\n}"},
		{`[]`, "[]"},
		{`[[], {}, [null, true, false]]`, "[\n  [],\n  {},\n  [\n    null,\n    true,\n    false\n  ]\n]"},
		{`{"a": 1, "b": 2, "a": 3}`, "{\n  \"a\": 3,\n  \"b\": 2\n}"},
		{`[-0, -0.0, 0.1, 1e16, 9999999999999998.0, 123456789012345678, 1e22, 1.5e-7, 0.0001, 1e100]`,
			"[\n  0,\n  -0.0,\n  0.1,\n  1e+16,\n  9999999999999998.0,\n  123456789012345678,\n  1e+22,\n  1.5e-07,\n  0.0001,\n  1e+100\n]"},
		{`[NaN, Infinity, -Infinity, 1e999, -1e999]`, "[\n  NaN,\n  Infinity,\n  -Infinity,\n  Infinity,\n  -Infinity\n]"},
		{`"é\u00e9 \ud83d\ude00 \u2028 \u007f \u0001 \/ \" \\ \b\f\n\r\t"`, "\"éé 😀 \u2028 \x7f \\u0001 / \\\" \\\\ \\b\\f\\n\\r\\t\""},
		{" \t\r\n5e-324 ", "5e-324"},
		{`123456789012345678901234567890`, "123456789012345678901234567890"},
		{`{"": ""}`, "{\n  \"\": \"\"\n}"},
	} {
		v, err := Parse([]byte(tt.in))
		if err != nil {
			t.Errorf("Parse(%s): %v", tt.in, err)
			continue
		}
		if got := string(Append(nil, v)); got != tt.want {
			t.Errorf("%s\ngot  %q\nwant %q", tt.in, got, tt.want)
		}
	}
}

func TestParseErrors(t *testing.T) {
	for _, tt := range []struct{ in, want string }{
		{``, "byte 0: the end where a value belongs"},
		{`{"a" 1}`, "byte 5: '1' where a colon belongs"},
		{`{"a": 1,}`, `byte 8: '}' where a name in double quotes belongs`},
		{`{"a": 1 "b": 2}`, `byte 8: '"' where a comma or } belongs`},
		{`[1 2]`, "byte 3: '2' where a comma or ] belongs"},
		{`[1,]`, "byte 3: ']' where a value belongs"},
		{`[1`, "byte 2: the end where a comma or ] belongs"},
		{`01`, "byte 1: digits after a leading 0"},
		{`1.`, "byte 1: no digits after the point"},
		{`1e+`, "byte 1: no digits in the exponent"},
		{`-`, "byte 0: '-' where a value belongs"},
		{`"a`, "byte 2: string without an end"},
		{"\"a\nb\"", `byte 2: control character '\n' in a string`},
		{`"\x"`, `byte 2: 'x' after a backslash`},
		{`"\u12g4"`, `byte 3: 'g' where a hexadecimal digit belongs`},
		{`"\u12"`, `byte 3: fewer than four digits after \u`},
		{`"\ud800"`, `byte 7: lone surrogate \ud800`},
		{`"\ud800\u0041"`, `byte 13: lone surrogate \ud800`},
		{`"\udc00\ud800"`, `byte 13: lone surrogate \udc00`},
		{`1 1`, "byte 2: '1' after the value"},
		{"\"\xff\"", "not UTF-8"},
		{"\ufeff1", `byte 0: '\ufeff' where a value belongs`},
		{strings.Repeat("[", 600), "byte 501: nested deeper than 500"},
		{strings.Repeat("1", 4301), "byte 4301: whole number of 4301 digits, want at most 4300"},
	} {
		if _, err := Parse([]byte(tt.in)); err == nil || err.Error() != tt.want {
			t.Errorf("Parse(%.40q) error = %v, want %s", tt.in, err, tt.want)
		}
	}
}

func TestObject(t *testing.T) {
	o := Object{{"a", Int("1")}, {"b", "x"}}
	if got := o.With("b", "y").With("c", nil); !reflect.DeepEqual(got, Object{{"a", Int("1")}, {"b", "y"}, {"c", nil}}) {
		t.Errorf("With = %v", got)
	}
	if v, ok := o.Get("b"); !ok || v != "x" {
		t.Errorf("Get(b) = %v, %v: With changed its receiver", v, ok)
	}
	if _, ok := o.Get("c"); ok {
		t.Error("Get(c) found something")
	}
}

// FuzzParse: no input panics, and what is read is written so that it reads back
// the same.
func FuzzParse(f *testing.F) {
	for _, s := range []string{
		`{"a": [1, -2.5e-3, "x\u00e9\ud83d\ude00\n"], "a": null}`, `[NaN, -Infinity, 1e999]`, `"\ud800"`, `[[[`, `{"a"`, `-0`, "\xff", "",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		v, err := Parse(data)
		if err != nil {
			return
		}
		once := Append(nil, v)
		again, err := Parse(once)
		if err != nil {
			t.Fatalf("Parse(Append(Parse(%q))): %v", data, err)
		}
		if twice := Append(nil, again); !bytes.Equal(once, twice) {
			t.Fatalf("%q then %q", once, twice)
		}
	})
}
