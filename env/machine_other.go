//go:build !linux && !darwin

package env

import "fmt"

func describeMachine(e *Environment) { e.CPU.Features = goFeatures() }

// MemoryAvailable returns how many bytes can be used without swapping. It is
// unknown on this system.
func MemoryAvailable() (uint64, error) { return 0, fmt.Errorf("available memory: %w", errUnknown) }

func diskFree(path string) (uint64, error) {
	return 0, fmt.Errorf("free room of %s: %w", path, errUnknown)
}
