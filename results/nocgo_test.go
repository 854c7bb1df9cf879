//go:build !cgo

package results

import (
	"errors"
	"testing"
)

func TestWithoutCgo(t *testing.T) {
	if _, err := Open(t.Context(), t.TempDir()+"/x.db", Options{}); !errors.Is(err, ErrNoCgo) {
		t.Errorf("got %v, want ErrNoCgo", err)
	}
}
