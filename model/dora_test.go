package model

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/ailiance/lorabench/model/kernel"
)

// doraCase is a linear layer with random weights of a normal distribution.
func doraCase(out, in, rank, first int) (*kernel.Matrix, *lowRank, []float32) {
	r := rand.New(rand.NewPCG(uint64(out), uint64(rank)))
	random := func(n int, size float64) []float32 {
		x := make([]float32, n)
		for i := range x {
			x[i] = float32(size * r.NormFloat64())
		}
		return x
	}
	low := &lowRank{
		a: kernel.PackExact(first+rank, in, random((first+rank)*in, 0.1)), b: kernel.PackExact(out, rank, random(out*rank, 0.1)),
		first: first, rank: rank, scale: 1.7,
	}
	return kernel.PackF32(out, in, random(out*in, 0.05)), low, random(out, 1)
}

// directGains are rowGains or columnGains as they are defined, by plain loops.
func directGains(w *kernel.Matrix, low *lowRank, m []float32, columns bool) []float32 {
	sums := make([]float64, len(m))
	for i := range w.Rows() {
		row := wideRow(w, i)
		if low != nil {
			b := wideRow(low.b, i)
			for k := range low.rank {
				a, factor := wideRow(low.a, low.first+k), low.scale*b[k]
				for j := range row {
					row[j] += float64(factor * a[j])
				}
			}
		}
		for j, v := range row {
			if columns {
				sums[j] += float64(v * v)
			} else {
				sums[i] += float64(v * v)
			}
		}
	}
	gains := make([]float32, len(m))
	for i, sum := range sums {
		gains[i] = float32(float64(m[i]) / math.Sqrt(sum))
	}
	return gains
}

// TestGains: gains have the bits of the definition, whatever the threads; the order
// of the sums by column is of parts.
func TestGains(t *testing.T) {
	for _, tt := range []struct{ out, in, rank, first int }{
		{8, 256, 4, 0}, {7, 300, 5, 3}, {1, 1, 1, 0}, {65, 600, 17, 2},
	} {
		w, low, m := doraCase(tt.out, tt.in, tt.rank, tt.first)
		columns := slices.Repeat([]float32{2}, tt.in)
		for _, threads := range []int{1, 3} {
			e := &Engine{pool: kernel.NewPool(threads)}
			for _, low := range []*lowRank{low, nil} {
				got, zero := e.rowGains(w, low, m)
				if want := directGains(w, low, m, false); zero >= 0 || !slices.Equal(got, want) {
					t.Errorf("%+v, low rank %v, %d threads: gains %v, want %v", tt, low != nil, threads, got, want)
				}
				got, zero = e.columnGains(w, low, columns)
				for j, want := range directGains(w, low, columns, true) {
					if d := math.Abs(float64(got[j] - want)); zero >= 0 || d > 1e-6*float64(want) {
						t.Errorf("%+v, low rank %v, %d threads: gain of column %d %v, want %v", tt, low != nil, threads, j, got[j], want)
					}
				}
			}
			e.pool.Close()
		}
	}
	w, _, m := doraCase(9, 32, 1, 0)
	zeros := kernel.PackF32(9, 32, make([]float32, 9*32))
	e := &Engine{pool: kernel.NewPool(1)}
	defer e.pool.Close()
	if _, zero := e.rowGains(zeros, nil, m); zero != 0 {
		t.Errorf("rows of zeros: the first is %d", zero)
	}
	if _, zero := e.rowGains(w, nil, m); zero != -1 {
		t.Errorf("no row of zeros: the first is %d", zero)
	}
}

// BenchmarkRowGains is DoRA's norms of a linear layer: of one thread.
func BenchmarkRowGains(b *testing.B) {
	e := &Engine{pool: kernel.NewPool(1)}
	defer e.pool.Close()
	for _, size := range [][2]int{{2048, 5632}, {4096, 4096}} {
		w, low, m := doraCase(size[0], size[1], 16, 0)
		b.Run(fmt.Sprintf("out=%d/in=%d/r=16", size[0], size[1]), func(b *testing.B) {
			for b.Loop() {
				e.rowGains(w, low, m)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*size[0]*size[1]), "ns/weight")
		})
	}
}
