//go:build !unix

package env

import "fmt"

// PeakMemory is not known here.
func PeakMemory() (uint64, error) { return 0, fmt.Errorf("peak memory: %w", errUnknown) }
