//go:build unix && !linux

package results

import "golang.org/x/sys/unix"

// Locks of the process: they do not keep two stores of one process apart.
const (
	setLock = unix.F_SETLK
	getLock = unix.F_GETLK
)
