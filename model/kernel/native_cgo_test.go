//go:build cgo && (amd64 || arm64)

package kernel

import "testing"

// forms are the C kernels that must give the bits of the Go reference.
func forms(testing.TB) []form {
	return []form{{Path(), native{}}, {"portable", native{portable: true}}}
}
