package env

import (
	"fmt"

	"golang.org/x/sys/unix"
)

func describeMachine(e *Environment) {
	if version, err := unix.Sysctl("kern.osproductversion"); err == nil {
		e.OS.Version = "macOS " + version
	}
	if release, err := unix.Sysctl("kern.osrelease"); err == nil {
		e.OS.Kernel = release
	}
	if model, err := unix.Sysctl("machdep.cpu.brand_string"); err == nil {
		e.CPU.Model = model
	}
	if cores, err := unix.SysctlUint32("hw.physicalcpu"); err == nil {
		n := int(cores)
		e.CPU.Cores = &n
	}
	if total, err := unix.SysctlUint64("hw.memsize"); err == nil {
		e.Memory.Total = &total
	}
	e.CPU.Features = goFeatures()
}

// MemoryAvailable returns how many bytes can be used without swapping. It is
// unknown on this system.
func MemoryAvailable() (uint64, error) { return 0, fmt.Errorf("available memory: %w", errUnknown) }

// diskFree returns the bytes that a user without privileges may use.
func diskFree(path string) (uint64, error) {
	var s unix.Statfs_t
	if err := unix.Statfs(path, &s); err != nil {
		return 0, fmt.Errorf("free room of %s: %w", path, err)
	}
	return s.Bavail * uint64(s.Bsize), nil
}
