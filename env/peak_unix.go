//go:build unix

package env

import (
	"fmt"
	"runtime"

	"golang.org/x/sys/unix"
)

// PeakMemory returns the most bytes that this process has had in memory.
func PeakMemory() (uint64, error) {
	var use unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &use); err != nil {
		return 0, fmt.Errorf("peak memory: %w", err)
	}
	peak := uint64(use.Maxrss)
	if runtime.GOOS != "darwin" && runtime.GOOS != "ios" {
		peak *= 1024 // there it is counted in bytes
	}
	return peak, nil
}
