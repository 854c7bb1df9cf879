package checkpoint

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"unicode/utf8"
)

// maxJSONDepth is how deep objects and arrays may nest. The deepest file that
// models have (a multimodal config.json) nests four levels.
const maxJSONDepth = 32

// jsonReader reads JSON token by token: strictly (a repeated key is an error,
// and so is anything after the value), without recursion by the file's own
// depth, and without memory for what its caller does not keep.
type jsonReader struct {
	dec   *json.Decoder
	depth int
}

func newJSONReader(data []byte) (*jsonReader, error) {
	if !utf8.Valid(data) {
		return nil, errors.New("not valid UTF-8")
	}
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	return &jsonReader{dec: dec}, nil
}

func (r *jsonReader) token() (json.Token, error) {
	t, err := r.dec.Token()
	if err == io.EOF {
		return nil, io.ErrUnexpectedEOF
	}
	return t, err
}

// object reads an object; member is called after each key and must read its
// value.
func (r *jsonReader) object(member func(key string) error) error {
	t, err := r.token()
	if err != nil {
		return err
	}
	if t != json.Delim('{') {
		return fmt.Errorf("want an object, got %s", DescribeJSON(t))
	}
	return r.members(member)
}

// members reads the rest of an object whose brace has been read.
func (r *jsonReader) members(member func(key string) error) error {
	if err := r.enter(); err != nil {
		return err
	}
	seen := map[string]bool{}
	for r.dec.More() {
		t, err := r.token()
		if err != nil {
			return err
		}
		key, ok := t.(string)
		if !ok {
			return fmt.Errorf("want a key, got %s", DescribeJSON(t))
		}
		if seen[key] {
			return fmt.Errorf("%q is there twice", key)
		}
		seen[key] = true
		if err := member(key); err != nil {
			return err
		}
	}
	return r.leave()
}

// array reads an array; element is called before each value and must read it.
func (r *jsonReader) array(element func() error) error {
	t, err := r.token()
	if err != nil {
		return err
	}
	if t != json.Delim('[') {
		return fmt.Errorf("want an array, got %s", DescribeJSON(t))
	}
	return r.elements(element)
}

// elements reads the rest of an array whose bracket has been read.
func (r *jsonReader) elements(element func() error) error {
	if err := r.enter(); err != nil {
		return err
	}
	for r.dec.More() {
		if err := element(); err != nil {
			return err
		}
	}
	return r.leave()
}

func (r *jsonReader) enter() error {
	if r.depth == maxJSONDepth {
		return fmt.Errorf("nested deeper than %d levels", maxJSONDepth)
	}
	r.depth++
	return nil
}

func (r *jsonReader) leave() error {
	r.depth--
	_, err := r.token() // the closing brace or bracket: More has seen it
	return err
}

func (r *jsonReader) string() (string, error) {
	t, err := r.token()
	if err != nil {
		return "", err
	}
	s, ok := t.(string)
	if !ok {
		return "", fmt.Errorf("want a string, got %s", DescribeJSON(t))
	}
	return s, nil
}

// size reads an integer that is not negative.
func (r *jsonReader) size() (int, error) {
	t, err := r.token()
	if err != nil {
		return 0, err
	}
	n, ok := t.(json.Number)
	if !ok {
		return 0, fmt.Errorf("want a number, got %s", DescribeJSON(t))
	}
	v, err := strconv.ParseInt(n.String(), 10, strconv.IntSize)
	if err != nil {
		return 0, fmt.Errorf("%s is not an integer that this program can hold", n)
	}
	if v < 0 {
		return 0, fmt.Errorf("%d is negative", v)
	}
	return int(v), nil
}

// value reads any value: nil, bool, string, json.Number, []any or Object.
func (r *jsonReader) value() (any, error) {
	t, err := r.token()
	if err != nil {
		return nil, err
	}
	switch t {
	case json.Delim('['):
		list := []any{}
		err := r.elements(func() error {
			v, err := r.value()
			list = append(list, v)
			return err
		})
		return list, err
	case json.Delim('{'):
		o := Object{}
		err := r.members(func(key string) error {
			v, err := r.value()
			if err != nil {
				return fmt.Errorf("%s: %w", key, err)
			}
			o[key] = v
			return nil
		})
		return o, err
	}
	return t, nil
}

// skip reads a value and forgets it.
func (r *jsonReader) skip() error {
	t, err := r.token()
	if err != nil {
		return err
	}
	switch t {
	case json.Delim('['):
		return r.elements(r.skip)
	case json.Delim('{'):
		return r.members(func(string) error { return r.skip() })
	}
	return nil
}

// end checks that nothing but white space is left.
func (r *jsonReader) end() error {
	if _, err := r.dec.Token(); err != io.EOF {
		return errors.New("there is more after the JSON value")
	}
	return nil
}

// DescribeJSON says what a JSON value is, for messages: "null", "an array",
// "the number 3".
func DescribeJSON(t any) string {
	switch t := t.(type) {
	case nil:
		return "null"
	case json.Delim:
		if t == '[' || t == ']' {
			return "an array"
		}
		return "an object"
	case string:
		return fmt.Sprintf("the string %.40q", t)
	case json.Number:
		return fmt.Sprintf("the number %.40s", t.String())
	case []any:
		return "an array"
	case Object:
		return "an object"
	}
	return fmt.Sprint(t)
}

// Object is a JSON object. Its values are nil, bool, string, json.Number, []any
// or Object.
type Object map[string]any

// ParseObject reads one JSON object, strictly: no key twice, no deep nesting,
// nothing after it.
func ParseObject(data []byte) (Object, error) {
	r, err := newJSONReader(data)
	if err != nil {
		return nil, err
	}
	v, err := r.value()
	if err != nil {
		return nil, err
	}
	o, ok := v.(Object)
	if !ok {
		return nil, fmt.Errorf("want an object, got %s", DescribeJSON(v))
	}
	return o, r.end()
}
