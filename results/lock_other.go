//go:build !unix && !windows

package results

import "errors"

var errNoLocks = errors.New("this system has no file locks")

func (f *lockFile) tryLock(int64) (bool, error)       { return false, errNoLocks }
func (f *lockFile) unlock(int64) error                { return errNoLocks }
func (f *lockFile) lockedByOther(int64) (bool, error) { return false, errNoLocks }

func isReadOnlyFS(error) bool { return false }
