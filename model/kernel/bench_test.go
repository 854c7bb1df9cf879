package kernel

import (
	"fmt"
	"testing"
)

// benchBytes is how much of the weights a benchmark goes round, so that caches
// do not hold them: as in a model, they come from memory each time.
const benchBytes = 128 << 20

// BenchmarkMul multiplies M rows by matrices [2048 2048] on one core.
func BenchmarkMul(b *testing.B) {
	const n = 2048
	plainMatrix := func(f Format) func() *Matrix {
		return func() *Matrix { m, _ := randomMatrix(b, source(23), f, n, n); return m }
	}
	codes := func(layout int) func() *Matrix {
		return func() *Matrix { m, _ := randomGroups(b, source(23), layouts[layout], n, n, false); return m }
	}
	for _, f := range []struct {
		name string
		make func() *Matrix
	}{
		{"F32", plainMatrix(F32)}, {"BF16", plainMatrix(BF16)}, {"F16", plainMatrix(F16)},
		{"Q8_0", plainMatrix(Q8_0)}, {"Q4_1", plainMatrix(Q4_1)}, {"Q2_K", codes(1)}, {"Q4_K", codes(4)}, {"Q6_K", codes(8)},
		{"MLX4", codes(3)}, {"MLX8", codes(9)}, {"FP8", codes(11)},
	} {
		b.Run("format="+f.name, func(b *testing.B) {
			copies := []*Matrix{f.make()}
			for len(copies)*len(copies[0].data) < benchBytes {
				m := *copies[0]
				m.data = alignedBytes(len(m.data))
				copy(m.data, copies[0].data)
				copies = append(copies, &m)
			}
			for _, M := range []int{1, 4, 8, 16, 64, 256} {
				x, y := plain(source(24), M*n), make([]float32, M*n)
				for _, c := range forms(b) {
					b.Run(fmt.Sprintf("M=%d/path=%s", M, c.name), func(b *testing.B) {
						var s Scratch
						for i := 0; b.Loop(); i++ {
							c.mul(copies[i%len(copies)], y, n, x, n, M, 0, n, &s)
						}
						b.ReportMetric(float64(b.N)*2*float64(M)*n*n/b.Elapsed().Seconds()/1e9, "GFLOP/s")
						b.ReportMetric(float64(b.N)*float64(len(copies[0].data))/b.Elapsed().Seconds()/1e9, "GB/s")
					})
				}
			}
		})
	}
}

// BenchmarkAttend computes the last 128 positions of a context, 3 query heads
// to a key head of 64.
func BenchmarkAttend(b *testing.B) {
	const R, G, headDim = 128, 3, 64
	for _, n := range []int{512, 4096} {
		r := source(25)
		kv, q := table(r, n, headDim), plain(r, R*G*headDim)
		nkeys, first, out := make([]int32, R), make([]int32, R), make([]float32, len(q))
		for i := range nkeys {
			nkeys[i] = int32(n - R + i + 1)
		}
		for _, c := range forms(b) {
			b.Run(fmt.Sprintf("keys=%d/path=%s", n, c.name), func(b *testing.B) {
				var s Scratch
				for b.Loop() {
					c.attend(out, G*headDim, q, G*headDim, R, G, kv, nkeys, first, 0, n/BlockLen, 0.125, &s)
				}
				b.ReportMetric(float64(b.N)*4*R*G*headDim*float64(n-R/2)/b.Elapsed().Seconds()/1e9, "GFLOP/s")
			})
		}
	}
}

// BenchmarkPeak is ProbePeak for each path.
func BenchmarkPeak(b *testing.B) {
	for _, c := range forms(b) {
		b.Run("path="+c.name, func(b *testing.B) {
			const n = 10000
			for b.Loop() {
				c.kernels.(native).fmaBurst(n)
			}
			b.ReportMetric(float64(b.N)*n*192*2/b.Elapsed().Seconds()/1e9, "GFLOP/s")
		})
	}
}

// BenchmarkForkJoin is what sharing out nothing costs.
func BenchmarkForkJoin(b *testing.B) {
	for _, threads := range []int{1, 2} {
		b.Run(fmt.Sprintf("threads=%d", threads), func(b *testing.B) {
			p := NewPool(threads)
			defer p.Close()
			b.ReportAllocs()
			nothing := func(int, int) {}
			for b.Loop() {
				p.Run(2*threads, nothing)
			}
		})
	}
}
