//go:build !linux && !darwin

package checkpoint

import (
	"errors"
	"os"
)

// mapFile always fails: files are read on these systems.
func mapFile(*os.File, int) ([]byte, error) { return nil, errors.ErrUnsupported }

func unmapFile([]byte) error { return nil }

func forgetPages([]byte) {}
