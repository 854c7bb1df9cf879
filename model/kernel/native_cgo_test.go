//go:build cgo && (amd64 || arm64)

package kernel

import "testing"

// forms are the C kernels that must give the bits of the Go reference.
func forms(testing.TB) []form {
	var all []form
	for i, name := range paths() {
		all = append(all, form{name, nativePath(i)})
	}
	return all
}
