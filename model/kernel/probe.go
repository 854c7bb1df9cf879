package kernel

import "time"

// ProbePeak measures the multiply-add rate of one core in GFLOP/s, with sums in
// registers only: the best of a few bursts, some milliseconds in all. It is the
// yardstick of the benchmarks.
func ProbePeak() float64 {
	best := 0.0
	n := 100
	for range 20 {
		start := time.Now()
		native{}.fmaBurst(n)
		took := time.Since(start).Seconds()
		if took < 200e-6 {
			n *= 4
			continue
		}
		best = max(best, float64(n)*192*2/took/1e9)
	}
	return best
}

// ProbeBandwidth measures how fast one core reads memory, in GB/s: the best of
// a few sums over 256 MB, more than caches hold.
func ProbeBandwidth() float64 {
	const size = 256 << 20
	m := &Matrix{format: F32, rows: 4 * panelRows, cols: size / 4 / 4 / panelRows, panelSize: size / 4, data: alignedBytes(size)}
	for i := 0; i < size; i += 4096 {
		m.data[i] = 1 // a page that was never written is the shared zero page
	}
	x, y := make([]float32, m.cols), make([]float32, m.rows)
	var s Scratch
	best := 0.0
	for range 4 {
		start := time.Now()
		m.Mul(y, m.rows, x, m.cols, 1, 0, m.rows, &s)
		best = max(best, size/time.Since(start).Seconds()/1e9)
	}
	return best
}
