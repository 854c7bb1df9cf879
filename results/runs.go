package results

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/ailiance/lorabench"
)

// timeLayout sorts as text.
const timeLayout = "2006-01-02T15:04:05.000000000Z07:00"

func encodeTime(t time.Time) string { return t.UTC().Format(timeLayout) }

func decodeTime(text string) (time.Time, error) { return time.Parse(timeLayout, text) }

// RunSummary is a run with what there is of it.
type RunSummary struct {
	lorabench.Run
	Tasks        []string // in the order in which they were begun
	Variants     []string // likewise
	Measurements int      // variants × tasks that were begun
	Finished     int      // of these, the ones that do not say "running"
	Measured     int      // samples stored
	Total        int      // samples that were to be measured
	Active       bool     // a process measures it now
	Owner        int      // its process id, 0 where Active is false
}

// CreateRun stores r and locks it for this store, as [Store.LockRun] does. It
// returns an error that wraps [ErrRunExists] where the id is taken.
//
// Times come back in UTC.
func (s *Store) CreateRun(ctx context.Context, r lorabench.Run) error {
	what := "create run " + r.ID
	command, err := encodeCommand(r.Command)
	if err == nil {
		err = errors.Join(checkText("id", r.ID), checkJSON("settings", r.Settings), checkJSON("env", r.Env))
	}
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	var locked int64
	err = s.update(ctx, what, func(ctx context.Context, tx *sql.Tx) error {
		var there bool
		if err := tx.QueryRowContext(ctx, "SELECT EXISTS (SELECT 1 FROM run WHERE name = ?)", r.ID).Scan(&there); err != nil {
			return err
		}
		if there {
			return ErrRunExists
		}
		done, err := tx.ExecContext(ctx, "INSERT INTO run (name, started, command, model, settings, env) VALUES (?, ?, ?, ?, ?, ?)",
			r.ID, encodeTime(r.Started), command, []byte(r.Model), nullable(r.Settings), nullable(r.Env))
		if err != nil {
			return err
		}
		key, err := done.LastInsertId()
		if err != nil {
			return err
		}
		// Before others can see it: so nobody else can have the lock.
		ok, err := s.tryLock(key, r.ID)
		if err != nil {
			return err
		}
		if !ok {
			return &RunLockedError{Path: s.path, Owner: Owner{Run: r.ID}}
		}
		locked = key
		return setOwner(ctx, tx, key)
	})
	if err != nil && locked != 0 {
		return errors.Join(err, s.release(locked))
	}
	return err
}

// FindRun returns the run whose id is prefix, or else the only one whose id
// starts with it; "" means the newest. It returns [*RunNotFoundError] or
// [*AmbiguousRunError].
func (s *Store) FindRun(ctx context.Context, prefix string) (lorabench.Run, error) {
	var found lorabench.Run
	err := s.view(ctx, "find run", func(tx *sql.Tx) error {
		const newestFirst = " ORDER BY started DESC, id DESC"
		switch {
		case prefix == "":
			runs, err := readRuns(ctx, tx, newestFirst+" LIMIT 1")
			if err != nil {
				return err
			}
			if len(runs) == 0 {
				return &RunNotFoundError{Path: s.path}
			}
			found = runs[0].Run
			return nil
		default:
			runs, err := readRuns(ctx, tx, " WHERE substr(name, 1, length(?1)) = ?1"+newestFirst, prefix)
			if err != nil {
				return err
			}
			names := make([]string, len(runs))
			for i, r := range runs {
				names[i] = r.ID
				if r.ID == prefix || len(runs) == 1 {
					found = r.Run
					return nil
				}
			}
			if len(runs) == 0 {
				return &RunNotFoundError{Path: s.path, Run: prefix}
			}
			return &AmbiguousRunError{Prefix: prefix, Runs: names}
		}
	})
	return found, err
}

// Runs returns all runs, newest first.
func (s *Store) Runs(ctx context.Context) ([]RunSummary, error) {
	var runs []runRow
	err := s.view(ctx, "list runs", func(tx *sql.Tx) (err error) {
		if runs, err = readRuns(ctx, tx, " ORDER BY started DESC, id DESC"); err != nil {
			return err
		}
		for i := range runs {
			if err := summarize(ctx, tx, &runs[i]); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	summaries := make([]RunSummary, len(runs))
	for i, r := range runs {
		r.Active = s.holds(r.key) || s.lockedElsewhere(r.key)
		if !r.Active {
			r.Owner = 0 // it was killed
		}
		summaries[i] = r.RunSummary
	}
	return summaries, nil
}

// runRow is a run with its key in the database.
type runRow struct {
	RunSummary
	key int64
}

func readRuns(ctx context.Context, tx *sql.Tx, where string, args ...any) ([]runRow, error) {
	rows, err := tx.QueryContext(ctx, "SELECT id, name, started, command, model, settings, env, owner FROM run"+where, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var runs []runRow
	for rows.Next() {
		var r runRow
		var started string
		var command, model []byte
		var settings, env sql.NullString
		var owner sql.NullInt64
		if err := rows.Scan(&r.key, &r.ID, &started, &command, &model, &settings, &env, &owner); err != nil {
			return nil, err
		}
		if r.Started, err = decodeTime(started); err != nil {
			return nil, fmt.Errorf("run %s: %w", r.ID, err)
		}
		r.Command, r.Model = decodeCommand(command), string(model)
		r.Settings, r.Env = raw(settings), raw(env)
		r.Owner = int(owner.Int64)
		runs = append(runs, r)
	}
	return runs, rows.Err()
}

// summarize counts what there is of a run.
func summarize(ctx context.Context, tx *sql.Tx, r *runRow) error {
	rows, err := tx.QueryContext(ctx, `
		SELECT task, variant, status, total, (SELECT count(*) FROM sample WHERE measurement = m.id)
		FROM measurement m WHERE run = ? ORDER BY id`, r.key)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var task, variant, status string
		var total, measured int
		if err := rows.Scan(&task, &variant, &status, &total, &measured); err != nil {
			return err
		}
		r.Measurements++
		if lorabench.Status(status) != lorabench.Running {
			r.Finished++
		}
		r.Measured += measured
		r.Total += total
		if !slices.Contains(r.Tasks, task) {
			r.Tasks = append(r.Tasks, task)
		}
		if !slices.Contains(r.Variants, variant) {
			r.Variants = append(r.Variants, variant)
		}
	}
	return rows.Err()
}

// runKey returns the key of the run with this id.
func (s *Store) runKey(ctx context.Context, tx *sql.Tx, run string) (int64, error) {
	var key int64
	err := tx.QueryRowContext(ctx, "SELECT id FROM run WHERE name = ?", run).Scan(&key)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, &RunNotFoundError{Path: s.path, Run: run}
	}
	return key, err
}

// encodeCommand joins arguments as /proc/PID/cmdline does: they need not be
// UTF-8, but cannot hold a zero byte.
func encodeCommand(args []string) ([]byte, error) {
	joined := []byte{}
	for _, a := range args {
		if strings.ContainsRune(a, 0) {
			return nil, fmt.Errorf("argument %q holds a zero byte", a)
		}
		joined = append(append(joined, a...), 0)
	}
	return joined, nil
}

func decodeCommand(joined []byte) []string {
	if len(joined) == 0 {
		return nil
	}
	var args []string
	for arg := range bytes.SplitSeq(joined, []byte{0}) {
		args = append(args, string(arg))
	}
	return args[: len(args)-1 : len(args)-1] // nothing follows the last zero
}

// checkText refuses names that SQLite would not compare byte by byte.
func checkText(field, text string) error {
	switch {
	case !utf8.ValidString(text):
		return fmt.Errorf("%s %q is not UTF-8", field, text)
	case strings.ContainsRune(text, 0):
		return fmt.Errorf("%s %q holds a zero byte", field, text)
	}
	return nil
}

func checkJSON(field string, text json.RawMessage) error {
	if len(text) > 0 && (!json.Valid(text) || !utf8.Valid(text)) {
		return fmt.Errorf("%s is not JSON", field)
	}
	return nil
}

// nullable returns what stands for text in a column that may be NULL.
func nullable(text json.RawMessage) any {
	if len(text) == 0 {
		return nil
	}
	return string(text)
}

func raw(text sql.NullString) json.RawMessage {
	if !text.Valid {
		return nil
	}
	return json.RawMessage(text.String)
}
