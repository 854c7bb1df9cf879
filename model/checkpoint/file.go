package checkpoint

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"os"
	"runtime"
	"sync"
)

// file is a whole file in memory: mapped where it is the operating system's,
// read otherwise.
type file struct {
	name   string
	data   []byte
	mapped bool
}

// openFile opens dir's file of that name. A mapped file must not be shortened
// while it is open: reading beyond its new end would end the process.
func openFile(dir fs.FS, name string) (*file, error) {
	if _, err := statRegular(dir, name); err != nil {
		return nil, err
	}
	f, err := dir.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	size := info.Size()
	if int64(int(size)) != size {
		return nil, fmt.Errorf("read %s: %d bytes are more than this machine can address", name, size)
	}
	if real, ok := f.(*os.File); ok && size > 0 {
		if data, err := mapFile(real, int(size)); err == nil {
			return &file{name: name, data: data, mapped: true}, nil
		} // else a file system without maps: read it
	}
	data := make([]byte, size)
	if _, err := io.ReadFull(f, data); err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	return &file{name: name, data: data}, nil
}

// maxJSON bounds a configuration or an index that is read whole, in bytes.
const maxJSON = 64 << 20

// ReadJSON returns a configuration or an index of a folder that others may have
// filled: no pipe that would wait for a writer, no device without end.
func ReadJSON(dir fs.FS, name string) ([]byte, error) {
	info, err := statRegular(dir, name)
	if err != nil {
		return nil, err
	}
	if info.Size() > maxJSON {
		return nil, fmt.Errorf("read %s: %d bytes, more than %d", name, info.Size(), maxJSON)
	}
	return fs.ReadFile(dir, name)
}

// statRegular must go before opening: to open a pipe waits for its writer.
func statRegular(dir fs.FS, name string) (fs.FileInfo, error) {
	info, err := fs.Stat(dir, name)
	if err == nil && !info.Mode().IsRegular() {
		err = fmt.Errorf("read %s: not a regular file", name)
	}
	return info, err
}

func (f *file) close() error {
	data := f.data
	f.data = nil
	if !f.mapped || data == nil {
		return nil
	}
	return unmapFile(data)
}

// forget lets what was read of the file leave memory, where it is mapped.
func (f *file) forget() {
	if f.mapped && len(f.data) > 0 {
		forgetPages(f.data)
	}
}

// hashFiles returns the identity of weights: "sha256:" and 64 hexadecimal
// digits. Of one file it is the SHA-256 of its bytes, whatever its name. Of
// several it is the SHA-256 of one line per file in order of name, each the
// hexadecimal SHA-256 of the file, two spaces, its name and a newline:
//
//	sha256sum model-*.safetensors | sha256sum
//
// files must be sorted by name.
func hashFiles(ctx context.Context, files []*file) (string, error) {
	sums := make([][sha256.Size]byte, len(files))
	next := make(chan int)
	var workers sync.WaitGroup
	for range min(len(files), runtime.GOMAXPROCS(0)) {
		workers.Go(func() {
			for i := range next {
				sums[i] = files[i].hash(ctx)
			}
		})
	}
	for i := range files {
		next <- i
	}
	close(next)
	workers.Wait()
	if err := context.Cause(ctx); err != nil {
		return "", err
	}
	if len(files) == 1 {
		return "sha256:" + hex.EncodeToString(sums[0][:]), nil
	}
	all := sha256.New()
	for i, f := range files {
		fmt.Fprintf(all, "%x  %s\n", sums[i], f.name)
	}
	return "sha256:" + hex.EncodeToString(all.Sum(nil)), nil
}

// hash returns the SHA-256 of the file, or of a part of it once ctx is done.
func (f *file) hash(ctx context.Context) (sum [sha256.Size]byte) {
	const chunk = 16 << 20 // about 10 ms: how soon a cancellation is noticed
	h := sha256.New()
	for data := f.data; len(data) > 0 && ctx.Err() == nil; {
		n := min(chunk, len(data))
		h.Write(data[:n])
		data = data[n:]
		f.forget()
	}
	h.Sum(sum[:0])
	return sum
}
