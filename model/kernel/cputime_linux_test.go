package kernel

import (
	"runtime"
	"syscall"
	"testing"
	"time"
)

// threadTime starts a clock of the processor time of this thread, which other
// work on the machine does not lengthen, and returns what reads it.
func threadTime(b *testing.B) (elapsed func() time.Duration) {
	runtime.LockOSThread()
	b.Cleanup(runtime.UnlockOSThread)
	now := func() time.Duration {
		var u syscall.Rusage
		if err := syscall.Getrusage(syscall.RUSAGE_THREAD, &u); err != nil {
			b.Fatal(err)
		}
		return time.Duration(u.Utime.Nano() + u.Stime.Nano())
	}
	start := now()
	return func() time.Duration { return now() - start }
}
