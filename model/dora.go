package model

import (
	"math"

	"github.com/ailiance/lorabench/model/kernel"
)

// rowGains are DoRA's gains of a linear layer, m / ‖W + scale·B·A‖ by row, in
// float64 from the values of the weights. low may be nil. A row of zeros has no
// direction and is told by its index, else -1.
func (e *Engine) rowGains(weight *kernel.Matrix, low *lowRank, m []float32) (gains []float32, zero int) {
	gains = make([]float32, len(m))
	rows := e.adaptedRows(weight, low)
	e.pool.Run((len(m)+rowGroup-1)/rowGroup, func(worker, i int) {
		first := i * rowGroup
		n := min(rowGroup, len(m)-first)
		sums := squares(rows.compute(worker, first, n))
		for k := range n {
			gains[first+k] = float32(float64(m[first+k]) / math.Sqrt(sums[k]))
		}
	})
	return gains, notFinite(gains)
}

// columnGains are DoRA's gains of an embedding as PEFT has them: by column of
// W + scale·(B·A)ᵀ, over all tokens.
func (e *Engine) columnGains(weight *kernel.Matrix, low *lowRank, m []float32) (gains []float32, zero int) {
	const parts = 64 // a fixed number, so that sums do not depend on the threads
	sums := make([][]float64, parts)
	rows, n := e.adaptedRows(weight, low), weight.Rows()
	e.pool.Run(parts, func(worker, p int) {
		sums[p] = make([]float64, len(m))
		end := (p + 1) * n / parts
		for i := p * n / parts; i < end; i += rowGroup {
			k := min(rowGroup, end-i)
			for _, row := range rows.compute(worker, i, k)[:k] {
				for j, v := range row {
					sums[p][j] += float64(v * v)
				}
			}
		}
	})
	gains = make([]float32, len(m))
	for j := range gains {
		sum := 0.0
		for _, part := range sums {
			sum += part[j]
		}
		gains[j] = float32(float64(m[j]) / math.Sqrt(sum))
	}
	return gains, notFinite(gains)
}

const (
	rowGroup   = 4   // rows that are computed together: they share what is read of A
	rankGroup  = 4   // rows of A that are added in one pass over a row
	rowColumns = 256 // columns of A that stay in the first cache, 32 KiB at rank 16
)

// adaptedRows are the rows of weight + scale·B·A, in float64: to each value the
// products with A are added in the order of A's rows.
type adaptedRows struct {
	weight *kernel.Matrix
	low    *lowRank
	a      [][]float64 // of low; rows of zeros make it whole groups
	spaces []rowSpace  // of threads
}

// rowSpace is the scratch memory of a thread.
type rowSpace struct {
	narrow  []float32
	factors [rowGroup][]float64 // scale·B
	rows    [rowGroup][]float64
}

func (e *Engine) adaptedRows(weight *kernel.Matrix, low *lowRank) *adaptedRows {
	r := &adaptedRows{weight: weight, low: low, spaces: make([]rowSpace, e.pool.Threads())}
	if low == nil {
		return r
	}
	for k := range low.rank {
		r.a = append(r.a, wideRow(low.a, low.first+k))
	}
	for len(r.a)%rankGroup != 0 {
		r.a = append(r.a, make([]float64, weight.Cols()))
	}
	return r
}

// compute returns n rows from first; those behind them are of no use. They are
// valid until the worker's next call.
func (r *adaptedRows) compute(worker, first, n int) *[rowGroup][]float64 {
	s, width := &r.spaces[worker], r.weight.Cols()
	if s.narrow == nil {
		s.narrow = make([]float32, max(width, len(r.a)))
		for i := range s.rows {
			s.rows[i], s.factors[i] = make([]float64, width), make([]float64, len(r.a))
		}
	}
	for i := range n {
		widen(s.rows[i], r.weight, first+i, s.narrow)
		if r.low == nil {
			continue
		}
		widen(s.factors[i][:r.low.rank], r.low.b, first+i, s.narrow)
		for k := range s.factors[i] {
			s.factors[i][k] *= r.low.scale
		}
	}
	for c := 0; c < width; c += rowColumns {
		end := min(c+rowColumns, width)
		for k := 0; k < len(r.a); k += rankGroup {
			for i := range n {
				addRanks(s.rows[i][c:end], s.factors[i][k:], r.a[k][c:end], r.a[k+1][c:end], r.a[k+2][c:end], r.a[k+3][c:end])
			}
		}
	}
	return &s.rows
}

// addRanks adds rankGroup rows of A, each by its factor, one after the other.
func addRanks(row, factors, a0, a1, a2, a3 []float64) {
	n := len(row)
	a0, a1, a2, a3 = a0[:n], a1[:n], a2[:n], a3[:n]
	f0, f1, f2, f3 := factors[0], factors[1], factors[2], factors[3]
	for j, v := range row {
		v += float64(f0 * a0[j]) // the conversion keeps compilers from fusing
		v += float64(f1 * a1[j])
		v += float64(f2 * a2[j])
		v += float64(f3 * a3[j])
		row[j] = v
	}
}

// squares are the sums of the squares of some rows, each in the order of the columns:
// side by side none waits for the sum of another.
func squares(rows *[rowGroup][]float64) (sums [rowGroup]float64) {
	r0 := rows[0]
	n := len(r0)
	r1, r2, r3 := rows[1][:n], rows[2][:n], rows[3][:n]
	var s0, s1, s2, s3 float64
	for j, v := range r0 {
		s0 += float64(v * v)
		s1 += float64(r1[j] * r1[j])
		s2 += float64(r2[j] * r2[j])
		s3 += float64(r3[j] * r3[j])
	}
	return [rowGroup]float64{s0, s1, s2, s3}
}

// widen writes row i of a matrix to dst; narrow is scratch memory.
func widen(dst []float64, m *kernel.Matrix, i int, narrow []float32) {
	narrow = narrow[:len(dst)]
	m.Row(i, narrow)
	for j, v := range narrow {
		dst[j] = float64(v)
	}
}

// wideRow is a row of a matrix in float64.
func wideRow(m *kernel.Matrix, i int) []float64 {
	row := make([]float64, m.Cols())
	widen(row, m, i, make([]float32, m.Cols()))
	return row
}

// notFinite is the index of the first infinity or NaN, -1 where there is none.
func notFinite(x []float32) int {
	for i, v := range x {
		if v-v != 0 {
			return i
		}
	}
	return -1
}
