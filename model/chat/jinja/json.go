package jinja

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"math/big"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// DecodeJSON reads one JSON value as Python's json does: objects keep their
// order, the last of two values of one key counts, whole numbers have no bound.
// It refuses what is no JSON, text that is not UTF-8, halves of surrogate pairs,
// and more than some 900 levels of nesting.
func DecodeJSON(data []byte) (Value, error) {
	if !utf8.Valid(data) {
		return nil, fmt.Errorf("decode JSON: not valid UTF-8")
	}
	if err := checkSurrogates(data); err != nil {
		return nil, err
	}
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	v, err := decodeJSON(d, 0)
	if err != nil {
		return nil, fmt.Errorf("decode JSON at byte %d: %w", d.InputOffset(), err)
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, fmt.Errorf("decode JSON at byte %d: more after the value", d.InputOffset())
	}
	return v, nil
}

func decodeJSON(d *json.Decoder, depth int) (Value, error) {
	if depth > maxJSONDepth {
		return nil, fmt.Errorf("nests deeper than %d", maxJSONDepth)
	}
	t, err := d.Token()
	if err != nil {
		return nil, err
	}
	switch t := t.(type) {
	case json.Number:
		return decodeNumber(t.String())
	case json.Delim:
		if t == '[' {
			return decodeArray(d, depth)
		}
		return decodeObject(d, depth)
	}
	return t, nil
}

func decodeNumber(s string) (Value, error) {
	if strings.ContainsAny(s, ".eE") {
		f, err := strconv.ParseFloat(s, 64)
		if err != nil && !math.IsInf(f, 0) {
			return nil, err
		}
		return f, nil
	}
	if i, err := strconv.ParseInt(s, 10, 64); err == nil {
		return i, nil
	}
	if len(s) > maxDigits {
		return nil, fmt.Errorf("a whole number of %d digits: at most %d are read", len(s), maxDigits)
	}
	x, ok := new(big.Int).SetString(s, 10)
	if !ok {
		return nil, fmt.Errorf("no number: %q", s)
	}
	return x, nil
}

func decodeArray(d *json.Decoder, depth int) (Value, error) {
	l := &List{}
	for d.More() {
		v, err := decodeJSON(d, depth+1)
		if err != nil {
			return nil, err
		}
		l.Items = append(l.Items, v)
	}
	_, err := d.Token()
	return l, err
}

func decodeObject(d *json.Decoder, depth int) (Value, error) {
	o := &Dict{}
	for d.More() {
		key, err := d.Token()
		if err != nil {
			return nil, err
		}
		v, err := decodeJSON(d, depth+1)
		if err != nil {
			return nil, err
		}
		o.Set(key.(string), v)
	}
	_, err := d.Token()
	return o, err
}

// checkSurrogates refuses what encoding/json would turn into U+FFFD.
func checkSurrogates(data []byte) error {
	for i := 0; i < len(data); i++ {
		if data[i] != '\\' {
			continue
		}
		first := surrogate(data[i:])
		if first == 0 {
			i++
			continue
		}
		if first < 0xdc00 && i+6 < len(data) && surrogate(data[i+6:]) >= 0xdc00 {
			i += 11
			continue
		}
		return fmt.Errorf("decode JSON at byte %d: %s is half a surrogate pair", i, data[i:i+6])
	}
	return nil
}

// surrogate is the value of \uD800 … \uDFFF at the begin of s, or 0.
func surrogate(s []byte) uint64 {
	if len(s) < 6 || s[0] != '\\' || s[1] != 'u' {
		return 0
	}
	if x, err := strconv.ParseUint(string(s[2:6]), 16, 32); err == nil && x&0xf800 == 0xd800 {
		return x
	}
	return 0
}

// jsonWriter is Python's json.dumps.
type jsonWriter struct {
	*interp
	strings.Builder
	ascii, sort bool
	indented    bool
	indent      string // of one level
	comma       string
	colon       string
}

// tojson is the filter as transformers defines it.
func tojson(in *interp, a arguments) Value {
	args := a.bind("tojson", "x", "ensure_ascii?", "indent?", "separators?", "sort_keys?")
	w := jsonWriter{interp: in, comma: ", ", colon: ": "}
	w.ascii, w.sort = truth(or(args[1], false)), truth(or(args[4], false))
	switch indent := or(args[2], nil).(type) {
	case nil:
	case string:
		w.indented, w.indent = true, indent
	default:
		n := max(needInt(indent), 0)
		in.alloc(clampInt(n))
		w.indented, w.indent = true, strings.Repeat(" ", int(n))
	}
	if w.indented {
		w.comma = ","
	}
	if separators := or(args[3], nil); separators != nil {
		pair := in.items(separators)
		if len(pair) != 2 {
			valueError("separators: want 2, got %d", len(pair))
		}
		w.comma, w.colon = needText(pair[0]), needText(pair[1])
	}
	w.value(args[0], "\n")
	return w.String()
}

func (w *jsonWriter) put(s string) {
	w.alloc(len(s))
	w.WriteString(s)
}

// value writes v; newline begins a line at the level around it.
func (w *jsonWriter) value(v Value, newline string) {
	w.enter()
	defer w.leave()
	switch x := v.(type) {
	case nil:
		w.put("null")
	case bool:
		w.put(strconv.FormatBool(x))
	case int64, *big.Int:
		w.put(w.repr(v))
	case float64:
		w.put(jsonFloat(x))
	case string:
		w.text(x)
	case Markup:
		w.text(string(x))
	case *List:
		w.array(x.Items, newline)
	case *Tuple:
		w.array(x.Items, newline)
	case *Dict:
		w.object(x, newline)
	default:
		typeError("Object of type %s is not JSON serializable", typeName(v))
	}
}

func jsonFloat(f float64) string {
	switch {
	case math.IsNaN(f):
		return "NaN"
	case math.IsInf(f, 1):
		return "Infinity"
	case math.IsInf(f, -1):
		return "-Infinity"
	}
	return floatText(f)
}

// sequence writes n parts between begin and end.
func (w *jsonWriter) sequence(begin, end string, n int, newline string, part func(i int, newline string)) {
	w.put(begin)
	inner := newline
	if w.indented {
		w.alloc(len(newline) + len(w.indent))
		inner += w.indent
	}
	for i := range n {
		if i > 0 {
			w.put(w.comma)
		}
		if w.indented {
			w.put(inner)
		}
		part(i, inner)
	}
	if w.indented && n > 0 {
		w.put(newline)
	}
	w.put(end)
}

func (w *jsonWriter) array(items []Value, newline string) {
	w.sequence("[", "]", len(items), newline, func(i int, newline string) { w.value(items[i], newline) })
}

func (w *jsonWriter) object(d *Dict, newline string) {
	order := make([]int, len(d.keys))
	for i := range order {
		order[i] = i
	}
	if w.sort {
		slices.SortStableFunc(order, func(i, j int) int { return w.order(d.keys[i], d.keys[j]) })
	}
	w.sequence("{", "}", len(order), newline, func(i int, newline string) {
		w.key(d.keys[order[i]])
		w.put(w.colon)
		w.value(d.values[order[i]], newline)
	})
}

func (w *jsonWriter) key(key Value) {
	switch k := key.(type) {
	case nil:
		w.put(`"null"`)
	case bool:
		w.put(`"` + strconv.FormatBool(k) + `"`)
	case int64, *big.Int:
		w.put(`"` + w.repr(key) + `"`)
	case float64:
		w.put(`"` + jsonFloat(k) + `"`)
	default:
		s, ok := text(key)
		if !ok {
			typeError("keys must be str, int, float, bool or None, not %s", typeName(key))
		}
		w.text(s)
	}
}

var jsonEscapes = map[rune]string{
	'"': `\"`, '\\': `\\`, '\n': `\n`, '\r': `\r`, '\t': `\t`, '\f': `\f`, '\b': `\b`,
}

func (w *jsonWriter) text(s string) {
	w.alloc(2 + len(s))
	w.WriteByte('"')
	for _, r := range s {
		switch escape, ok := jsonEscapes[r]; {
		case ok:
			w.WriteString(escape)
		case r < 0x20, w.ascii && 0x80 <= r && r <= 0xffff:
			w.put(fmt.Sprintf(`\u%04x`, r))
		case w.ascii && r > 0xffff:
			r -= 0x10000
			w.put(fmt.Sprintf(`\u%04x\u%04x`, 0xd800+r>>10, 0xdc00+r&0x3ff))
		default:
			w.WriteRune(r)
		}
	}
	w.WriteByte('"')
}
