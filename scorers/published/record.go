package published

import (
	"bytes"
	"encoding/json"
	"math"
	"strconv"
	"strings"
)

// Record is a score with its parts, in the published order of keys.
type Record []Field

// Field is one key of a Record. Values are bool, int, float64, string,
// []string, Record, []Record, or nil where the published value is null.
type Field struct {
	Key   string
	Value any
}

// Get returns the value of key.
func (r Record) Get(key string) (any, bool) {
	for _, f := range r {
		if f.Key == key {
			return f.Value, true
		}
	}
	return nil, false
}

// Number returns the value of key as a number: 1 and 0 of a truth value. A key
// of a part is written with a point: "components.f1".
func (r Record) Number(key string) (float64, bool) {
	if outer, inner, nested := strings.Cut(key, "."); nested {
		part, _ := r.Get(outer)
		if p, ok := part.(Record); ok {
			return p.Number(inner)
		}
		return 0, false
	}
	switch v, _ := r.Get(key); v := v.(type) {
	case bool:
		return oneIf(v), true
	case int:
		return float64(v), true
	case float64:
		return v, true
	}
	return 0, false
}

// MarshalJSON writes r as Python's json.dumps does: keys in order, 1.0 with its
// point, no escapes but those that JSON needs.
func (r Record) MarshalJSON() ([]byte, error) {
	if r == nil {
		return []byte("null"), nil
	}
	var b bytes.Buffer
	b.WriteByte('{')
	for i, f := range r {
		if i > 0 {
			b.WriteString(", ")
		}
		if err := writeJSON(&b, f.Key); err != nil {
			return nil, err
		}
		b.WriteString(": ")
		if x, isFloat := f.Value.(float64); isFloat {
			b.WriteString(repr(x))
			continue
		}
		if err := writeJSON(&b, f.Value); err != nil {
			return nil, err
		}
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

func writeJSON(b *bytes.Buffer, v any) error {
	e := json.NewEncoder(b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return err
	}
	b.Truncate(b.Len() - 1) // the line's end
	return nil
}

// repr is Python's repr of a finite float. NaN and infinities have no JSON.
func repr(x float64) string {
	if math.IsNaN(x) || math.IsInf(x, 0) {
		return "null"
	}
	s := strconv.FormatFloat(x, 'e', -1, 64)
	if exponent, _ := strconv.Atoi(s[strings.IndexByte(s, 'e')+1:]); exponent < -4 || exponent >= 16 {
		return s
	}
	s = strconv.FormatFloat(x, 'f', -1, 64)
	if !strings.Contains(s, ".") {
		s += ".0"
	}
	return s
}
