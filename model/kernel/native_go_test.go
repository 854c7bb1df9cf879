//go:build !cgo || !(amd64 || arm64)

package kernel

import "testing"

func forms(t testing.TB) []form {
	t.Skip("built without cgo: no C kernels to compare with the Go reference")
	return nil
}
