//go:build cgo

package results

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"

	"github.com/mattn/go-sqlite3"
)

// connector opens connections with the settings that a DSN cannot carry.
type connector struct {
	dsn    string
	driver *sqlite3.SQLiteDriver
}

func (c connector) Connect(context.Context) (driver.Conn, error) { return c.driver.Open(c.dsn) }
func (c connector) Driver() driver.Driver                        { return c.driver }

// openPool returns a pool of connections to dsn.
func openPool(dsn string) (*sql.DB, error) {
	hook := func(c *sqlite3.SQLiteConn) error {
		// On macOS fsync does not reach the disk, F_FULLFSYNC does. The rest guards
		// against files that were made to harm or were damaged.
		const pragmas = `
			PRAGMA fullfsync = 1;
			PRAGMA checkpoint_fullfsync = 1;
			PRAGMA trusted_schema = 0;
			PRAGMA cell_size_check = 1;`
		_, err := c.Exec(pragmas, nil)
		return err
	}
	return sql.OpenDB(connector{dsn: dsn, driver: &sqlite3.SQLiteDriver{ConnectHook: hook}}), nil
}

// classify says what kind of trouble err is, if SQLite says so.
func classify(err error) trouble {
	var e sqlite3.Error
	if !errors.As(err, &e) {
		return troubleOther
	}
	switch e.Code {
	case sqlite3.ErrNotADB:
		return troubleForeign
	case sqlite3.ErrCorrupt:
		return troubleCorrupt
	case sqlite3.ErrBusy, sqlite3.ErrLocked, sqlite3.ErrProtocol:
		return troubleLocked
	case sqlite3.ErrFull:
		return troubleFull
	case sqlite3.ErrReadonly, sqlite3.ErrPerm:
		return troubleReadOnly
	case sqlite3.ErrCantOpen:
		return troubleCannotOpen
	case sqlite3.ErrIoErr:
		switch e.ExtendedCode {
		case sqlite3.ErrIoErrSHMSize: // the index of the log cannot grow
			return troubleFull
		case sqlite3.ErrIoErrShortRead:
			return troubleCorrupt
		}
		return troubleIO
	}
	return troubleOther
}
