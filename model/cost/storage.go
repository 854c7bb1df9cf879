package cost

import (
	"fmt"
	"strings"
)

// Storage is how weights are stored.
type Storage struct {
	Name  string
	Bytes float64 // of a weight, scales included
}

// storages are the usual ones: of q8 and q4 a block of 32 weights has one scale
// of 16 bits.
var storages = []Storage{{"f32", 4}, {"bf16", 2}, {"f16", 2}, {"fp8", 1}, {"q8", 8.5 / 8}, {"q4", 4.5 / 8}}

// ParseStorage finds a storage by name.
func ParseStorage(name string) (Storage, error) {
	var names []string
	for _, s := range storages {
		if s.Name == name {
			return s, nil
		}
		names = append(names, s.Name)
	}
	return Storage{}, fmt.Errorf("no storage %q: there are %s", name, strings.Join(names, ", "))
}
