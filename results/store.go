package results

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"time"
)

// Options of a [Store]; the zero value is good.
type Options struct {
	// BusyTimeout is how long an operation waits for another process to end its
	// transaction. 0 means 10 seconds.
	BusyTimeout time.Duration
	// WaitForRun makes [Store.LockRun] wait, for as long as its context lives,
	// until the process that measures the run ends.
	WaitForRun bool
}

const defaultBusyTimeout = 10 * time.Second

// Store is an open database. Its methods may be called by several goroutines;
// writes take turns.
type Store struct {
	path  string
	opts  Options
	write *sql.DB // one connection; nil where the store is read-only
	read  *sql.DB

	insertSample, insertOutput, insertScore *sql.Stmt // on write

	mu    sync.Mutex
	locks *lockFile        // nil until it is needed
	held  map[int64]string // names of the runs that are locked here, by key; guarded by mu
}

// Open opens the database at path, which is made if there is none, and brings
// it to the newest schema.
//
// It returns [*ForeignDatabaseError], [*NewerSchemaError], [*CorruptError],
// [*LockedError], or an error that wraps [ErrReadOnly], [ErrDiskFull],
// [ErrNoCgo] or [fs.ErrNotExist] (of the folder).
func Open(ctx context.Context, path string, opts Options) (*Store, error) {
	opts.BusyTimeout = cmp.Or(opts.BusyTimeout, defaultBusyTimeout)
	what := "open database"
	resolved, err := resolve(path)
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w", what, path, err)
	}
	s := &Store{path: resolved, opts: opts, held: map[int64]string{}}
	if err := s.open(ctx); err != nil {
		s.Close()
		return nil, s.explain(what, opening(err))
	}
	return s, nil
}

func (s *Store) open(ctx context.Context) error {
	var err error
	if s.write, err = openPool(s.dsn("rwc", s.opts.BusyTimeout)); err != nil {
		return err
	}
	s.write.SetMaxOpenConns(1)

	// Look before touching: neither is a foreign file changed, nor is a file that
	// may not be written reported as such where the truth is that it is not ours.
	have, err := readSchema(ctx, s.write)
	if err != nil {
		return err
	}
	names, err := fs.Glob(migrations, "migrations/*.sql")
	if err != nil {
		return err
	}
	if !have.empty() {
		if err := have.check(s.path, len(names)); err != nil {
			return err
		}
	}
	if err := migrate(ctx, s.write, s.path, migrations); err != nil {
		return err
	}
	if err := s.useWAL(ctx); err != nil {
		return err
	}
	if err := s.prepare(ctx); err != nil {
		return err
	}
	s.read, err = openPool(s.dsn("ro", s.opts.BusyTimeout))
	return err
}

// useWAL changes the journal to WAL. SQLite does not wait for others there.
func (s *Store) useWAL(ctx context.Context) error {
	deadline := time.Now().Add(s.opts.BusyTimeout)
	for {
		var mode string // stays what it was where WAL cannot be had
		err := s.write.QueryRowContext(ctx, "PRAGMA journal_mode = WAL").Scan(&mode)
		if classify(err) != troubleLocked || time.Now().After(deadline) {
			return err
		}
		if err := sleep(ctx, 10*time.Millisecond); err != nil {
			return err
		}
	}
}

func (s *Store) prepare(ctx context.Context) error {
	for _, p := range []struct {
		stmt **sql.Stmt
		text string
	}{
		{&s.insertSample, insertSample}, {&s.insertOutput, insertOutput}, {&s.insertScore, insertScore},
	} {
		stmt, err := s.write.PrepareContext(ctx, p.text)
		if err != nil {
			return err
		}
		*p.stmt = stmt
	}
	return nil
}

// OpenReadOnly opens the database at path without changing it: writes return an
// error that wraps [ErrReadOnly]. Others may write meanwhile. The schema must be
// one that this program knows.
//
// A database in a folder that may not be written is read too, unless its process
// was killed and nobody opened it for writing since. It must stay as it is
// meanwhile.
//
// It returns the errors of [Open].
func OpenReadOnly(ctx context.Context, path string, opts Options) (*Store, error) {
	opts.BusyTimeout = cmp.Or(opts.BusyTimeout, defaultBusyTimeout)
	what := "open database"
	resolved, err := resolve(path)
	if err == nil {
		_, err = os.Stat(resolved)
	}
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w", what, path, err)
	}
	s := &Store{path: resolved, opts: opts, held: map[int64]string{}}
	err = s.openReadOnly(ctx, s.dsn("ro", opts.BusyTimeout))
	if t := classify(err); (t == troubleCannotOpen || t == troubleReadOnly) && !s.hasLog() {
		// A WAL database wants an index beside it, which cannot be made here. With
		// an empty log it is not needed.
		err = s.openReadOnly(ctx, s.dsn("ro", opts.BusyTimeout)+"&immutable=1")
	}
	if err != nil {
		s.Close()
		return nil, s.explain(what, opening(err))
	}
	return s, nil
}

func (s *Store) openReadOnly(ctx context.Context, dsn string) error {
	if s.read != nil {
		s.read.Close()
	}
	var err error
	if s.read, err = openPool(dsn); err != nil {
		return err
	}
	have, err := readSchema(ctx, s.read)
	if err != nil {
		return err
	}
	names, err := fs.Glob(migrations, "migrations/*.sql")
	if err != nil {
		return err
	}
	if err := have.check(s.path, len(names)); err != nil {
		return err
	}
	if have.version < len(names) {
		return fmt.Errorf("database %s has schema version %d, want %d: open it once for writing: %w", s.path, have.version, len(names), ErrReadOnly)
	}
	return nil
}

// hasLog reports whether the write-ahead log has content.
func (s *Store) hasLog() bool {
	info, err := os.Stat(s.path + "-wal")
	return err == nil && info.Size() > 0
}

// Path returns the file's absolute path.
func (s *Store) Path() string { return s.path }

// Close gives up the locks of runs and closes the database. It waits for
// transactions to end.
func (s *Store) Close() error {
	var errs []error
	for _, run := range s.heldRuns() {
		errs = append(errs, s.UnlockRun(run))
	}
	s.mu.Lock()
	if s.locks != nil {
		errs = append(errs, s.locks.Close())
		s.locks = nil
	}
	s.mu.Unlock()
	for _, stmt := range []*sql.Stmt{s.insertSample, s.insertOutput, s.insertScore} {
		if stmt != nil {
			errs = append(errs, stmt.Close())
		}
	}
	// Readers first: the last connection empties the log, and that is for a writer.
	for _, db := range []*sql.DB{s.read, s.write} {
		if db != nil {
			errs = append(errs, db.Close())
		}
	}
	return errors.Join(errs...)
}

// Check reads the whole file and returns [*CorruptError] if anything in it is
// damaged or breaks a rule of the schema. It takes as long as reading the file.
func (s *Store) Check(ctx context.Context) error {
	return s.view(ctx, "check database", func(tx *sql.Tx) error {
		for _, pragma := range []string{"PRAGMA integrity_check(20)", "PRAGMA foreign_key_check"} {
			found, err := pragmaRows(ctx, tx, pragma)
			if err != nil {
				return err
			}
			if len(found) > 0 {
				return &CorruptError{Path: s.path, Detail: strings.Join(found, "; ")}
			}
		}
		return nil
	})
}

// pragmaRows returns what a check complains of, a line a row.
func pragmaRows(ctx context.Context, tx *sql.Tx, pragma string) ([]string, error) {
	rows, err := tx.QueryContext(ctx, pragma)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		return nil, err
	}
	var found []string
	for rows.Next() {
		fields := make([]sql.NullString, len(columns))
		into := make([]any, len(columns))
		for i := range fields {
			into[i] = &fields[i]
		}
		if err := rows.Scan(into...); err != nil {
			return nil, err
		}
		line := fields[0].String
		for _, f := range fields[1:] {
			line += " " + f.String
		}
		if line != "ok" {
			found = append(found, line)
		}
	}
	return found, rows.Err()
}

// update runs f in a transaction that writes. It goes on where ctx is cancelled:
// what has been measured is worth the moment that storing it takes, so that an
// interrupted run loses nothing.
func (s *Store) update(ctx context.Context, what string, f func(ctx context.Context, tx *sql.Tx) error) error {
	if s.write == nil {
		return fmt.Errorf("%s: database %s was opened %w", what, s.path, ErrReadOnly)
	}
	ctx = context.WithoutCancel(ctx)
	err := func() error {
		tx, err := s.write.BeginTx(ctx, nil)
		if err != nil {
			return err
		}
		defer tx.Rollback()
		if err := f(ctx, tx); err != nil {
			return err
		}
		return tx.Commit()
	}()
	return s.explain(what, err)
}

// view runs f in a transaction that reads: it sees one moment of the database.
func (s *Store) view(ctx context.Context, what string, f func(tx *sql.Tx) error) error {
	err := func() error {
		tx, err := s.read.BeginTx(ctx, nil)
		if err != nil {
			return err
		}
		defer tx.Rollback()
		return f(tx)
	}()
	if err != nil && ctx.Err() != nil {
		return fmt.Errorf("%s: %w", what, context.Cause(ctx))
	}
	return s.explain(what, err)
}

// trouble is a kind of SQLite's errors that a user can do something about.
type trouble int

const (
	troubleOther trouble = iota
	troubleForeign
	troubleCorrupt
	troubleLocked
	troubleFull
	troubleReadOnly
	troubleCannotOpen
	troubleIO
)

// openError is an error of opening: there, a file that is not SQLite's is
// foreign, later on it has been damaged.
type openError struct{ error }

func (e openError) Unwrap() error { return e.error }

func opening(err error) error { return openError{err} }

// explain says in plain words what went wrong while doing what.
func (s *Store) explain(what string, err error) error {
	if err == nil {
		return nil
	}
	_, open := errors.AsType[openError](err)
	if open {
		err = errors.Unwrap(err)
	}
	switch classify(err) {
	case troubleForeign:
		if open {
			err = &ForeignDatabaseError{Path: s.path, Reason: "it is not an SQLite file"}
		} else {
			err = &CorruptError{Path: s.path, Detail: err.Error()}
		}
	case troubleCorrupt:
		err = &CorruptError{Path: s.path, Detail: err.Error()}
	case troubleLocked:
		err = &LockedError{Path: s.path, Owners: s.owners()}
	case troubleFull:
		err = fmt.Errorf("database %s: %w", s.path, ErrDiskFull)
	case troubleReadOnly:
		err = fmt.Errorf("database %s: file or folder is %w", s.path, ErrReadOnly)
	case troubleCannotOpen:
		err = s.cannotOpen(err)
	case troubleIO:
		err = fmt.Errorf("database %s: %w", s.path, err)
	}
	return fmt.Errorf("%s: %w", what, err)
}

// cannotOpen finds out why SQLite cannot open a file: it does not say so.
func (s *Store) cannotOpen(err error) error {
	// Opening the file here would be wrong: closing it drops the locks that SQLite
	// holds on it in this process.
	if probe, e := os.CreateTemp(filepath.Dir(s.path), ".lorabench-*"); e == nil {
		probe.Close()
		os.Remove(probe.Name())
	} else if errors.Is(e, fs.ErrPermission) || isReadOnlyFS(e) {
		return fmt.Errorf("database %s: folder is %w: %w", s.path, ErrReadOnly, e)
	}
	return fmt.Errorf("database %s: %w", s.path, err)
}

// dsn returns the address of the database for a pool. mode is SQLite's.
func (s *Store) dsn(mode string, busy time.Duration) string {
	path := filepath.ToSlash(s.path)
	if runtime.GOOS == "windows" {
		path = "/" + path
	}
	txlock := "immediate"
	if mode == "ro" {
		txlock = "deferred"
	}
	u := url.URL{Scheme: "file", Path: path, RawQuery: url.Values{
		"mode":          {mode},
		"_busy_timeout": {fmt.Sprint(busy.Milliseconds())},
		"_foreign_keys": {"1"},
		"_synchronous":  {"FULL"},
		"_txlock":       {txlock},
	}.Encode()}
	return u.String()
}

// resolve returns the absolute path of a database without symbolic links, so
// that all names of one file find the same locks.
func resolve(path string) (string, error) {
	if path == "" {
		return "", errors.New("no path")
	}
	path, err := filepath.Abs(path)
	if err != nil {
		return "", err
	}
	if full, err := filepath.EvalSymlinks(path); err == nil {
		if info, err := os.Stat(full); err == nil && info.IsDir() {
			return "", errors.New("is a folder, want a file")
		}
		return full, nil
	}
	folder, err := filepath.EvalSymlinks(filepath.Dir(path))
	if err != nil {
		return "", err
	}
	return filepath.Join(folder, filepath.Base(path)), nil
}

// sleep waits for d, or until ctx ends.
func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-timer.C:
		return nil
	}
}
