package checkpoint

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
)

// keys is a JSON object that remembers which of its members were read, and what
// was wrong with them: reading goes on, and one error at the end tells of all.
type keys struct {
	members map[string]any // nil, bool, string, json.Number, []any, *keys
	read    map[string]bool
	faults  []string

	unsupported bool // a fault is that this version cannot compute what the file says
}

func newKeys() *keys { return &keys{members: map[string]any{}, read: map[string]bool{}} }

func (k *keys) set(key string, value any) { k.members[key] = value }

// parseKeys reads a JSON object.
func parseKeys(data []byte) (*keys, error) {
	r, err := newJSONReader(data)
	if err != nil {
		return nil, err
	}
	v, err := r.value()
	if err != nil {
		return nil, err
	}
	k, ok := v.(*keys)
	if !ok {
		return nil, fmt.Errorf("want an object, got %s", describeToken(v))
	}
	return k, r.end()
}

func (k *keys) fault(format string, args ...any) {
	k.faults = append(k.faults, fmt.Sprintf(format, args...))
}

// cannot adds a fault that is none of the file's: this version cannot compute it.
func (k *keys) cannot(format string, args ...any) {
	k.unsupported = true
	k.fault(format, args...)
}

// err is nil where there are no faults.
func (k *keys) err() error {
	err := joinFaults(k.faults)
	if err != nil && k.unsupported {
		return &UnsupportedError{What: err.Error()}
	}
	return err
}

// get returns the value of key and marks it as read. ok is false where the key
// is absent.
func (k *keys) get(key string) (v any, ok bool) {
	v, ok = k.members[key]
	k.read[key] = true
	return v, ok
}

// null says whether key is absent or null, and so has its default.
func (k *keys) null(key string) bool {
	v, _ := k.get(key)
	return v == nil
}

// integer returns key's integer, which must lie in [least, most].
func (k *keys) integer(key string, absent, least, most int) int {
	v, ok := k.get(key)
	if !ok {
		return absent
	}
	n, ok := v.(json.Number)
	if !ok {
		k.fault("%s is %s, want an integer", key, describeToken(v))
		return absent
	}
	i, err := strconv.ParseInt(n.String(), 10, strconv.IntSize)
	if err != nil {
		k.fault("%s is %.40s, want an integer", key, n)
		return absent
	}
	if int(i) < least || int(i) > most {
		k.fault("%s is %d, want %d to %d", key, i, least, most)
		return absent
	}
	return int(i)
}

// number returns key's number, which must be finite.
func (k *keys) number(key string, absent float64) float64 {
	v, ok := k.get(key)
	if !ok {
		return absent
	}
	n, ok := v.(json.Number)
	if !ok {
		k.fault("%s is %s, want a number", key, describeToken(v))
		return absent
	}
	f, err := strconv.ParseFloat(n.String(), 64)
	if err != nil || math.IsInf(f, 0) {
		k.fault("%s is %.40s, which float64 does not hold", key, n)
		return absent
	}
	return f
}

// positive returns key's number, which must be greater than zero.
func (k *keys) positive(key string, absent float64) float64 {
	f := k.number(key, absent)
	if f <= 0 {
		k.fault("%s is %v, want more than 0", key, f)
	}
	return f
}

func (k *keys) boolean(key string, absent bool) bool {
	v, ok := k.get(key)
	if !ok {
		return absent
	}
	b, ok := v.(bool)
	if !ok {
		k.fault("%s is %s, want true or false", key, describeToken(v))
	}
	return b
}

func (k *keys) text(key, absent string) string {
	v, ok := k.get(key)
	if !ok {
		return absent
	}
	s, ok := v.(string)
	if !ok {
		k.fault("%s is %s, want a string", key, describeToken(v))
	}
	return s
}

// unknown adds a fault for each key that nobody asked for.
func (k *keys) unknown() {
	for _, key := range slices.Sorted(maps.Keys(k.members)) {
		if !k.read[key] {
			k.cannot("key %.80q is not known", key)
		}
	}
}
