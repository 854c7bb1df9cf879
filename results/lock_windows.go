package results

import (
	"errors"
	"fmt"

	"golang.org/x/sys/windows"
)

func byteAt(key int64) *windows.Overlapped {
	return &windows.Overlapped{Offset: uint32(key), OffsetHigh: uint32(key >> 32)}
}

func (f *lockFile) tryLock(key int64) (bool, error) {
	const flags = windows.LOCKFILE_EXCLUSIVE_LOCK | windows.LOCKFILE_FAIL_IMMEDIATELY
	err := windows.LockFileEx(windows.Handle(f.Fd()), flags, 0, 1, 0, byteAt(key))
	if errors.Is(err, windows.ERROR_LOCK_VIOLATION) || errors.Is(err, windows.ERROR_IO_PENDING) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("lock %s: %w", f.Name(), err)
	}
	return true, nil
}

func (f *lockFile) unlock(key int64) error {
	if err := windows.UnlockFileEx(windows.Handle(f.Fd()), 0, 1, 0, byteAt(key)); err != nil {
		return fmt.Errorf("unlock %s: %w", f.Name(), err)
	}
	return nil
}

// lockedByOther tries: Windows does not tell.
func (f *lockFile) lockedByOther(key int64) (bool, error) {
	ok, err := f.tryLock(key)
	if err != nil || !ok {
		return !ok, err
	}
	return false, f.unlock(key)
}

func isReadOnlyFS(err error) bool { return errors.Is(err, windows.ERROR_WRITE_PROTECT) }
