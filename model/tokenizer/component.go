package tokenizer

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"unicode/utf8"
)

// component is a JSON object that remembers which of its members were read, and
// the first thing that was wrong with them. What nobody asked for is an error:
// an option that is overlooked changes tokens without a sign.
type component struct {
	members map[string]json.RawMessage
	read    map[string]bool
	err     error
}

// parseComponent reads an object. A key that is there twice is an error.
func parseComponent(data []byte) (*component, error) {
	if !utf8.Valid(data) {
		return nil, errors.New("not valid UTF-8")
	}
	c := &component{members: map[string]json.RawMessage{}, read: map[string]bool{}}
	err := eachMember(data, func(key string, value json.RawMessage) error {
		if _, ok := c.members[key]; ok {
			return fmt.Errorf("%.60q is there twice", key)
		}
		c.members[key] = value
		return nil
	})
	return c, err
}

// eachMember reads the one object that data is.
func eachMember(data []byte, member func(key string, value json.RawMessage) error) error {
	dec := json.NewDecoder(bytes.NewReader(data))
	t, err := dec.Token()
	if err != nil {
		return unexpectedEnd(err)
	}
	if t != json.Delim('{') {
		return fmt.Errorf("want an object, got %.40s", bytes.TrimSpace(data))
	}
	for dec.More() {
		t, err := dec.Token()
		if err != nil {
			return unexpectedEnd(err)
		}
		key, _ := t.(string) // the decoder lets nothing else pass here
		var value json.RawMessage
		if err := dec.Decode(&value); err != nil {
			return fmt.Errorf("%.60s: %w", key, unexpectedEnd(err))
		}
		if err := member(key, value); err != nil {
			return err
		}
	}
	if _, err := dec.Token(); err != nil {
		return unexpectedEnd(err)
	}
	if _, err := dec.Token(); err != io.EOF {
		return errors.New("there is more after the JSON object")
	}
	return nil
}

func unexpectedEnd(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}

func isNull(raw json.RawMessage) bool { return len(raw) == 0 || string(raw) == "null" }

func (c *component) fault(format string, args ...any) {
	if c.err == nil {
		c.err = fmt.Errorf(format, args...)
	}
}

// raw returns the member key, or nil where it is absent or null.
func (c *component) raw(key string) json.RawMessage {
	c.read[key] = true
	if raw := c.members[key]; !isNull(raw) {
		return raw
	}
	return nil
}

func (c *component) text(key, absent string) string {
	raw := c.raw(key)
	if raw == nil {
		return absent
	}
	var s string
	if json.Unmarshal(raw, &s) != nil {
		c.fault("%s is %.40s, want a string", key, raw)
	}
	return s
}

// bytes reads base64.
func (c *component) bytes(key string) []byte {
	data, err := base64.StdEncoding.DecodeString(c.text(key, ""))
	if err != nil {
		c.fault("%s is not base64: %w", key, err)
	}
	return data
}

func (c *component) boolean(key string, absent bool) bool {
	raw := c.raw(key)
	if raw == nil {
		return absent
	}
	b, err := strconv.ParseBool(string(raw))
	if err != nil || len(raw) < len("true") {
		c.fault("%s is %.40s, want true or false", key, raw)
	}
	return b
}

func (c *component) integer(key string) int {
	raw := c.raw(key)
	n, err := strconv.ParseInt(string(raw), 10, 32)
	if err != nil {
		c.fault("%s is %.40s, want an integer", key, orMissing(raw))
	}
	return int(n)
}

func (c *component) list(key string) []json.RawMessage {
	raw := c.raw(key)
	if raw == nil {
		return nil
	}
	var list []json.RawMessage
	if json.Unmarshal(raw, &list) != nil {
		c.fault("%s is %.40s, want an array", key, raw)
	}
	return list
}

func (c *component) object(key string) *component {
	raw := c.raw(key)
	if raw == nil {
		c.fault("%s is missing", key)
		return &component{read: map[string]bool{}}
	}
	inner, err := parseComponent(raw)
	if err != nil {
		c.fault("%s: %w", key, err)
		inner = &component{read: map[string]bool{}}
	}
	return inner
}

// ignore marks members that change nothing here.
func (c *component) ignore(keys ...string) {
	for _, key := range keys {
		c.read[key] = true
	}
}

// close returns what was wrong, or that a member is not known.
func (c *component) close() error {
	for _, key := range slices.Sorted(maps.Keys(c.members)) {
		if !c.read[key] {
			c.fault("key %.60q is not known", key)
		}
	}
	return c.err
}

func orMissing(raw json.RawMessage) string {
	if raw == nil {
		return "missing"
	}
	return string(raw)
}
