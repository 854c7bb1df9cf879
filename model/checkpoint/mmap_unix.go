//go:build linux || darwin

package checkpoint

import (
	"os"

	"golang.org/x/sys/unix"
)

func mapFile(f *os.File, size int) ([]byte, error) {
	return unix.Mmap(int(f.Fd()), 0, size, unix.PROT_READ, unix.MAP_SHARED)
}

func unmapFile(data []byte) error { return unix.Munmap(data) }

// forgetPages lets pages of a mapped file leave the process's memory; they are
// read again from the file where they are used again.
func forgetPages(data []byte) { _ = unix.Madvise(data, unix.MADV_DONTNEED) }
