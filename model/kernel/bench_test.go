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

// BenchmarkAttend computes the last R positions of a context of n, G query heads
// to a key head; keys and values of eight heads take turns, as those of layers do.
func BenchmarkAttend(b *testing.B) {
	for _, headDim := range []int{64, 128} {
		for _, G := range []int{1, 3, 4, 8} {
			for _, R := range []int{1, 16, 256} {
				for _, n := range []int{128, 2048, 8192} {
					if n < R {
						continue
					}
					b.Run(fmt.Sprintf("hd=%d/G=%d/rows=%d/keys=%d", headDim, G, R, n), func(b *testing.B) { benchAttend(b, headDim, G, R, n) })
				}
			}
		}
	}
}

func benchAttend(b *testing.B, headDim, G, R, n int) {
	r := source(25)
	q := plain(r, R*G*headDim)
	out := make([]float32, len(q))
	kv := place(headDim)
	var rows [8][]Row
	for i := range rows {
		_, list := table(r, n, headDim)
		for j := range R {
			rows[i] = append(rows[i], Row{Blocks: list, Keys: int32(n - R + j + 1)})
		}
	}
	for _, c := range forms(b) {
		b.Run("path="+c.name, func(b *testing.B) {
			var s Scratch
			elapsed := threadTime(b)
			for i := 0; b.Loop(); i++ {
				c.attend(out, G*headDim, q, G*headDim, G, kv, rows[i%len(rows)], 0.125, &s)
			}
			seconds := elapsed().Seconds() / float64(b.N)
			b.ReportMetric(4*float64(R*G*headDim)*(float64(n)-float64(R-1)/2)/seconds/1e9, "GFLOP/s")
			b.ReportMetric(8*float64(headDim*n)/seconds/1e9, "GB/s")
		})
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
