package results

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"slices"
	"syscall"
	"time"
)

// A run is locked by one byte of the file DATABASE.lock, at the offset of the
// run's key. The operating system gives such a lock up when its process ends,
// however it ends, so there is no stale lock and no heartbeat. It is a file of
// its own because closing a second handle of the database would drop SQLite's
// locks. The process id in the database only tells people whom to look for.

// LockRun makes this store the only writer of a run, whose id must be whole.
// Where another process is, it returns [*RunLockedError], or waits with
// [Options].WaitForRun. Locking a run twice is no error.
//
// It also returns [*RunNotFoundError].
func (s *Store) LockRun(ctx context.Context, run string) error {
	what := "lock run " + run
	if s.write == nil {
		return fmt.Errorf("%s: database %s was opened %w", what, s.path, ErrReadOnly)
	}
	var key int64
	err := s.view(ctx, what, func(tx *sql.Tx) (err error) {
		key, err = s.runKey(ctx, tx, run)
		return err
	})
	if err != nil {
		return err
	}
	for {
		ok, err := s.tryLock(key, run)
		if err != nil {
			return fmt.Errorf("%s: %w", what, err)
		}
		if ok {
			break
		}
		if !s.opts.WaitForRun {
			return fmt.Errorf("%s: %w", what, &RunLockedError{Path: s.path, Owner: s.owner(ctx, key, run)})
		}
		if err := sleep(ctx, 100*time.Millisecond); err != nil {
			return fmt.Errorf("%s: %w", what, err)
		}
	}
	err = s.update(ctx, what, func(ctx context.Context, tx *sql.Tx) error {
		return setOwner(ctx, tx, key)
	})
	if err != nil {
		return errors.Join(err, s.release(key))
	}
	return nil
}

// UnlockRun lets other processes write the run. [Store.Close] unlocks all runs.
func (s *Store) UnlockRun(run string) error {
	what := "unlock run " + run
	key, ok := s.keyOf(run)
	if !ok {
		return fmt.Errorf("%s: %w", what, ErrRunNotLocked)
	}
	err := s.update(context.Background(), what, func(ctx context.Context, tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, "UPDATE run SET owner = NULL WHERE id = ?", key)
		return err
	})
	// The process id is for people: where it cannot be cleared, on a full disk say,
	// the lock is what counts.
	if errors.Is(err, ErrDiskFull) {
		err = nil
	}
	return errors.Join(err, s.release(key))
}

// heldRuns returns the names of the runs that are locked here.
func (s *Store) heldRuns() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Sorted(maps.Values(s.held))
}

// keyOf returns the key of a run that is locked here.
func (s *Store) keyOf(run string) (int64, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for key, name := range s.held {
		if name == run {
			return key, true
		}
	}
	return 0, false
}

// release gives the lock of a run back to the system.
func (s *Store) release(key int64) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.held, key)
	return s.locks.unlock(key)
}

// tryLock locks the run with the given key, unless another process has it.
func (s *Store) tryLock(key int64, run string) (bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.held[key]; ok {
		return true, nil
	}
	if err := s.openLocks(true); err != nil {
		return false, err
	}
	ok, err := s.locks.tryLock(key)
	if ok {
		s.held[key] = run
	}
	return ok, err
}

// openLocks opens the file of locks. It expects s.mu to be held.
func (s *Store) openLocks(create bool) error {
	if s.locks != nil {
		return nil
	}
	flags := os.O_RDONLY
	if create {
		flags = os.O_RDWR | os.O_CREATE
	}
	file, err := os.OpenFile(s.path+".lock", flags, 0o666)
	switch {
	case errors.Is(err, syscall.ENOSPC):
		return fmt.Errorf("%w: %w", ErrDiskFull, err)
	case create && (errors.Is(err, fs.ErrPermission) || isReadOnlyFS(err)):
		return fmt.Errorf("%w: %w", ErrReadOnly, err)
	case err != nil:
		return err
	}
	s.locks = &lockFile{file}
	return nil
}

// lockedElsewhere reports whether another store holds the run.
func (s *Store) lockedElsewhere(key int64) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ours := s.held[key]; ours {
		return false
	}
	if err := s.openLocks(s.write != nil); err != nil {
		return false // there is no such file: nobody has ever locked a run
	}
	held, err := s.locks.lockedByOther(key)
	return err == nil && held
}

// holds reports whether this store has locked the run.
func (s *Store) holds(key int64) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, ok := s.held[key]
	return ok
}

func setOwner(ctx context.Context, tx *sql.Tx, key int64) error {
	_, err := tx.ExecContext(ctx, "UPDATE run SET owner = ? WHERE id = ?", os.Getpid(), key)
	return err
}

// owner returns who measures a run.
func (s *Store) owner(ctx context.Context, key int64, run string) Owner {
	var pid sql.NullInt64
	if err := s.read.QueryRowContext(ctx, "SELECT owner FROM run WHERE id = ?", key).Scan(&pid); err != nil {
		return Owner{Run: run}
	}
	return Owner{Run: run, PID: int(pid.Int64)}
}

// owners returns who measures into the database now. It is asked while the
// database is locked, and so is content with nothing.
func (s *Store) owners() []Owner {
	db, err := openPool(s.dsn("ro", 100*time.Millisecond))
	if err != nil {
		return nil
	}
	defer db.Close()
	rows, err := db.Query("SELECT id, name, owner FROM run WHERE owner IS NOT NULL ORDER BY id")
	if err != nil {
		return nil
	}
	defer rows.Close()
	var owners []Owner
	for rows.Next() {
		var key int64
		var o Owner
		if err := rows.Scan(&key, &o.Run, &o.PID); err != nil {
			return nil
		}
		if s.lockedElsewhere(key) {
			owners = append(owners, o)
		}
	}
	return owners
}

// lockFile holds one lock for each run.
type lockFile struct{ *os.File }
