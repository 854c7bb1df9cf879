//go:build !cgo || !(amd64 || arm64)

package kernel

// native is the Go reference where there is no C.
type native struct{ reference }

// Path names the code that runs: here the Go reference.
func Path() string { return "go" }
