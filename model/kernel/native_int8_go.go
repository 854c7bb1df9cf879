//go:build !cgo || !(amd64 || arm64)

package kernel

// Int8Path names the code that --arithmetic int8 runs: here the Go reference.
func Int8Path() string { return "go" }
