package kernel

import "time"

// ProbePeak gives a burst of multiply-adds with sums in registers only, of some
// milliseconds on one core, and how many operations it is. It is the yardstick of
// the benchmarks.
func ProbePeak() (burst func(), operations float64) {
	n := 100
	for {
		start := time.Now()
		native{}.fmaBurst(n)
		if time.Since(start) > 2*time.Millisecond {
			return func() { native{}.fmaBurst(n) }, float64(n) * 192 * 2
		}
		n *= 2
	}
}

// ProbeBandwidth gives a reading of 256 MB, more than caches hold, by one core,
// and how many bytes it is.
func ProbeBandwidth() (read func(), bytes float64) {
	const size = 256 << 20
	m := &Matrix{format: F32, rows: 4 * panelRows, cols: size / 4 / 4 / panelRows, panelSize: size / 4, data: alignedBytes(size)}
	for i := 0; i < size; i += 4096 {
		m.data[i] = 1 // a page that was never written is the shared zero page
	}
	x, y := make([]float32, m.cols), make([]float32, m.rows)
	s := new(Scratch)
	return func() { m.Mul(y, m.rows, x, m.cols, 1, 0, m.rows, s) }, size
}
