package reports

import (
	"bufio"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// folder is a place for files, which nothing leaves, neither by a name nor by a
// symbolic link.
type folder struct {
	root *os.Root
	path string // for messages
}

// makeFolder makes and opens the folder rel below out; rel has slashes, "." is
// out itself.
func makeFolder(out, rel string) (*folder, error) {
	fault := func(path string, err error) error { return fmt.Errorf("make folder %s: %w", path, cause(err)) }
	if err := os.MkdirAll(out, 0o755); err != nil {
		return nil, fault(out, err)
	}
	root, err := os.OpenRoot(out)
	if err != nil {
		return nil, fault(out, err)
	}
	path := filepath.Join(out, filepath.FromSlash(rel))
	if rel == "." {
		return &folder{root, path}, nil
	}
	defer root.Close()
	if err := root.MkdirAll(filepath.FromSlash(rel), 0o755); err != nil {
		return nil, fault(path, err)
	}
	below, err := root.OpenRoot(filepath.FromSlash(rel))
	if err != nil {
		return nil, fault(path, err)
	}
	return &folder{below, path}, nil
}

func (f *folder) close() { f.root.Close() }

// write makes the file name of what fill writes, whole or not at all: after a
// crash, a full disk or an error of fill there is what was before. It returns the
// file's sha256.
func (f *folder) write(name string, mode fs.FileMode, fill func(io.Writer) error) ([sha256.Size]byte, error) {
	hash, err := f.fillAndRename(name, mode, fill)
	if err != nil {
		return hash, fmt.Errorf("write %s: %w", filepath.Join(f.path, name), cause(err))
	}
	return hash, nil
}

func (f *folder) fillAndRename(name string, mode fs.FileMode, fill func(io.Writer) error) (hash [sha256.Size]byte, err error) {
	temporary := "." + name + ".tmp"
	if err := f.root.Remove(temporary); err != nil && !errors.Is(err, fs.ErrNotExist) { // of a process that was killed
		return hash, err
	}
	file, err := f.root.OpenFile(temporary, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return hash, err
	}
	defer func() {
		if err != nil {
			file.Close()
			if left := f.remove(temporary); left != nil {
				err = errors.Join(cause(err), left)
			}
		}
	}()
	h := sha256.New()
	b := bufio.NewWriterSize(io.MultiWriter(file, h), 1<<16)
	if err := fill(b); err != nil {
		return hash, err
	}
	if err := b.Flush(); err != nil {
		return hash, err
	}
	if err := file.Sync(); err != nil { // before the name changes: no empty file after a power cut
		return hash, err
	}
	if err := file.Close(); err != nil {
		return hash, err
	}
	if err := f.root.Rename(temporary, name); err != nil {
		return hash, err
	}
	return [sha256.Size]byte(h.Sum(nil)), nil
}

// remove takes a file away, if it is there.
func (f *folder) remove(name string) error {
	if err := f.root.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("remove %s: %w", filepath.Join(f.path, name), cause(err))
	}
	return nil
}

// cause takes off the system call and the name, which the message has anyway.
func cause(err error) error {
	if e, ok := err.(*fs.PathError); ok {
		return e.Err
	}
	if e, ok := err.(*os.LinkError); ok {
		return e.Err
	}
	return err
}

// openFile opens a file of a folder that others may have filled: no device that
// would block, nothing outside.
func openFile(root *os.Root, name string) (*os.File, error) {
	info, err := root.Lstat(name)
	if err != nil {
		return nil, cause(err)
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("not a regular file: %v", info.Mode())
	}
	file, err := root.Open(name)
	if err != nil {
		return nil, cause(err)
	}
	return file, nil
}
