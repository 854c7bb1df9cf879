package env

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// DiskFree returns how many bytes can be written below path, which need not
// exist yet. It returns an error where that is unknown.
func DiskFree(path string) (uint64, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return 0, err
	}
	for {
		_, err := os.Stat(path)
		if parent := filepath.Dir(path); errors.Is(err, fs.ErrNotExist) && parent != path {
			path = parent
			continue
		}
		if err != nil {
			return 0, err
		}
		return diskFree(path)
	}
}
