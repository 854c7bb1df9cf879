//go:build !(darwin || dragonfly || freebsd || linux || netbsd || openbsd)

package hub

import (
	"errors"
	"fmt"
	"os"
)

func tryLock(*os.File) (bool, error) {
	return false, fmt.Errorf("this system has no locks that huggingface_hub knows: fetch with it: %w", errors.ErrUnsupported)
}
