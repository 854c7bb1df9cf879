package env

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

func describeMachine(e *Environment) { describeLinux(e, os.DirFS("/")) }

// MemoryAvailable returns how many bytes can be used without swapping, within the
// limit of the control group. It returns an error where that is unknown.
func MemoryAvailable() (uint64, error) { return availableMemory(os.DirFS("/")) }

// diskFree returns the bytes that a user without privileges may use.
func diskFree(path string) (uint64, error) {
	var s unix.Statfs_t
	if err := unix.Statfs(path, &s); err != nil {
		return 0, fmt.Errorf("free room of %s: %w", path, err)
	}
	unit := s.Frsize
	if unit == 0 {
		unit = s.Bsize
	}
	return s.Bavail * uint64(unit), nil
}
