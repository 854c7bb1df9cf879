package results

import (
	"context"
	"database/sql"
	"embed"
	"fmt"
	"io/fs"
)

// applicationID marks a database as ours: "LoRB".
const applicationID = 0x4c6f5242

//go:embed migrations/*.sql
var migrations embed.FS

// schema is what a file says of itself.
type schema struct {
	application int
	version     int
	objects     int // tables, indexes …
}

// querier is a pool or a transaction.
type querier interface {
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

func readSchema(ctx context.Context, q querier) (schema, error) {
	var s schema
	err := q.QueryRowContext(ctx, `
		SELECT (SELECT application_id FROM pragma_application_id),
		       (SELECT user_version FROM pragma_user_version),
		       (SELECT count(*) FROM sqlite_schema)`).Scan(&s.application, &s.version, &s.objects)
	return s, err
}

// empty reports whether the file has no content yet.
func (s schema) empty() bool { return s == schema{} }

// check refuses what is not ours, and what is newer than the known versions.
func (s schema) check(path string, known int) error {
	switch {
	case s.empty():
		return &ForeignDatabaseError{Path: path, Reason: "it is empty"}
	case s.application != applicationID:
		return &ForeignDatabaseError{Path: path, Reason: fmt.Sprintf("its application id is %#08x, want %#08x", uint32(s.application), applicationID)}
	case s.version > known:
		return &NewerSchemaError{Path: path, Have: s.version, Know: known}
	case s.version < 1:
		return &CorruptError{Path: path, Detail: fmt.Sprintf("its schema version is %d", s.version)}
	}
	return nil
}

// migrate brings the database up to the last file of migrations, each in a
// transaction of its own. A file without content becomes ours.
func migrate(ctx context.Context, db *sql.DB, path string, migrations fs.FS) error {
	names, err := fs.Glob(migrations, "migrations/*.sql") // sorted
	if err != nil {
		return err
	}
	for {
		done, err := migrateOne(ctx, db, path, migrations, names)
		if err != nil || done {
			return err
		}
	}
}

// migrateOne applies the first migration that is missing. It looks again at the
// version inside of the transaction, since another process may migrate too.
func migrateOne(ctx context.Context, db *sql.DB, path string, migrations fs.FS, names []string) (done bool, err error) {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return false, err
	}
	defer tx.Rollback()
	have, err := readSchema(ctx, tx)
	if err != nil {
		return false, err
	}
	if !have.empty() {
		if err := have.check(path, len(names)); err != nil {
			return false, err
		}
	}
	if have.version == len(names) {
		// SQLite opens a file that it may not write for reading, and says so only
		// when something is written. This is rolled back.
		_, err := tx.ExecContext(ctx, fmt.Sprintf("PRAGMA user_version = %d", have.version))
		return true, err
	}
	name := names[have.version]
	text, err := fs.ReadFile(migrations, name)
	if err != nil {
		return false, err
	}
	if _, err := tx.ExecContext(ctx, string(text)); err != nil {
		return false, fmt.Errorf("%s: %w", name, err)
	}
	mark := fmt.Sprintf("PRAGMA application_id = %d; PRAGMA user_version = %d", applicationID, have.version+1)
	if _, err := tx.ExecContext(ctx, mark); err != nil {
		return false, fmt.Errorf("%s: %w", name, err)
	}
	return false, tx.Commit()
}
