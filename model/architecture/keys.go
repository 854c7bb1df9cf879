package architecture

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/ailiance/lorabench/model/checkpoint"
)

// faults are what is wrong with a configuration: reading goes on, and one error
// at the end tells of all.
type faults struct {
	list        []string
	unsupported bool // one is that this version cannot compute what the file says
}

func (f *faults) fault(format string, args ...any) {
	f.list = append(f.list, fmt.Sprintf(format, args...))
}

// cannot adds a fault that is none of the file's: this version cannot compute it.
func (f *faults) cannot(format string, args ...any) {
	f.unsupported = true
	f.fault(format, args...)
}

// include adds the faults of a part.
func (f *faults) include(part faults, where string) {
	f.unsupported = f.unsupported || part.unsupported
	for _, text := range part.list {
		f.list = append(f.list, where+text)
	}
}

// err is nil where there are no faults.
func (f *faults) err() error {
	const most = 8
	if len(f.list) == 0 {
		return nil
	}
	text := strings.Join(f.list[:min(most, len(f.list))], "; ")
	if n := len(f.list) - most; n > 0 {
		text = fmt.Sprintf("%s; and %d more", text, n)
	}
	if f.unsupported {
		return &checkpoint.UnsupportedError{What: text}
	}
	return errors.New(text)
}

// keys is a JSON object that remembers which of its members were read, and what
// was wrong with them.
type keys struct {
	faults
	members checkpoint.Object
	read    map[string]bool
}

func newKeys(members checkpoint.Object) *keys {
	return &keys{members: members, read: map[string]bool{}}
}

// skip marks keys as read.
func (k *keys) skip(names ...string) {
	for _, name := range names {
		k.read[name] = true
	}
}

// object returns the object under key, or nil where it is absent or null.
func (k *keys) object(key string) *keys {
	v, _ := k.get(key)
	if v == nil {
		return nil
	}
	o, ok := v.(checkpoint.Object)
	if !ok {
		k.fault("%s is %s, want an object", key, checkpoint.DescribeJSON(v))
		return nil
	}
	return newKeys(o)
}

// done adds what was wrong with the part under key, and what nobody read of it.
func (k *keys) done(key string, part *keys) {
	part.unknown()
	k.include(part.faults, key+": ")
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
		k.fault("%s is %s, want an integer", key, checkpoint.DescribeJSON(v))
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
		k.fault("%s is %s, want a number", key, checkpoint.DescribeJSON(v))
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
		k.fault("%s is %s, want true or false", key, checkpoint.DescribeJSON(v))
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
		k.fault("%s is %s, want a string", key, checkpoint.DescribeJSON(v))
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
