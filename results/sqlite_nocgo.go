//go:build !cgo

package results

import "database/sql"

func openPool(string) (*sql.DB, error) { return nil, ErrNoCgo }

func classify(error) trouble { return troubleOther }
