package results

import "golang.org/x/sys/unix"

// Locks of the open file description: two stores of one process keep each other
// out, and closing one file leaves the locks of another alone.
const (
	setLock = unix.F_OFD_SETLK
	getLock = unix.F_OFD_GETLK
)
