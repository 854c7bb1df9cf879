//go:build unix

package results

import (
	"errors"
	"fmt"
	"io"

	"golang.org/x/sys/unix"
)

func byteAt(key int64) unix.Flock_t {
	return unix.Flock_t{Type: unix.F_WRLCK, Whence: io.SeekStart, Start: key, Len: 1}
}

func (f *lockFile) tryLock(key int64) (bool, error) {
	lock := byteAt(key)
	err := unix.FcntlFlock(f.Fd(), setLock, &lock)
	if errors.Is(err, unix.EAGAIN) || errors.Is(err, unix.EACCES) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("lock %s: %w", f.Name(), err)
	}
	return true, nil
}

func (f *lockFile) unlock(key int64) error {
	lock := byteAt(key)
	lock.Type = unix.F_UNLCK
	if err := unix.FcntlFlock(f.Fd(), setLock, &lock); err != nil {
		return fmt.Errorf("unlock %s: %w", f.Name(), err)
	}
	return nil
}

func (f *lockFile) lockedByOther(key int64) (bool, error) {
	lock := byteAt(key)
	if err := unix.FcntlFlock(f.Fd(), getLock, &lock); err != nil {
		return false, fmt.Errorf("look at lock %s: %w", f.Name(), err)
	}
	return lock.Type != unix.F_UNLCK, nil
}

func isReadOnlyFS(err error) bool { return errors.Is(err, unix.EROFS) }
