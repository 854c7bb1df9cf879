//go:build !cgo || !(amd64 || arm64)

package kernel

// native is the Go reference where there is no C.
type native struct{ reference }

// Scratch is working memory of one goroutine. The zero value is ready; it grows
// to what is needed and keeps it.
type Scratch struct {
	f []float32
	preparedRows
}

// ScratchFloats is how many floats a Scratch grows to: a panel of few columns.
func ScratchFloats(headDim int) int64 { return max(1<<16, int64(headDim)) }

// Path names the code that runs: here the Go reference.
func Path() string { return "go" }

// fmaBurst does n steps of 192 multiplications and additions.
func (native) fmaBurst(n int) float64 {
	var acc [192]float32
	for range n {
		for i := range acc {
			acc[i] = fma32(acc[i], 1.0000001, 1e-9)
		}
	}
	return float64(acc[0])
}
