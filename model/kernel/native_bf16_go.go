//go:build !cgo || !amd64

package kernel

// HasBF16 reports whether --arithmetic bf16 runs on this processor: it needs
// AVX512_BF16, and C.
func HasBF16() bool { return false }
