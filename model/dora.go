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
	e.pool.Run(len(m), func(_, i int) {
		sum := 0.0
		for _, v := range rows(i) {
			sum += float64(v * v) // the conversion keeps compilers from fusing
		}
		gains[i] = float32(float64(m[i]) / math.Sqrt(sum))
	})
	return gains, notFinite(gains)
}

// columnGains are DoRA's gains of an embedding as PEFT has them: by column of
// W + scale·(B·A)ᵀ, over all tokens.
func (e *Engine) columnGains(weight *kernel.Matrix, low *lowRank, m []float32) (gains []float32, zero int) {
	const parts = 64 // a fixed number, so that sums do not depend on the threads
	sums := make([][]float64, parts)
	rows, n := e.adaptedRows(weight, low), weight.Rows()
	e.pool.Run(parts, func(_, p int) {
		sums[p] = make([]float64, len(m))
		for i := p * n / parts; i < (p+1)*n/parts; i++ {
			for j, v := range rows(i) {
				sums[p][j] += float64(v * v)
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

// adaptedRows returns the rows of weight + scale·B·A, in float64.
func (e *Engine) adaptedRows(weight *kernel.Matrix, low *lowRank) func(i int) []float64 {
	var a [][]float64
	if low != nil {
		a = make([][]float64, low.rank)
		for k := range a {
			a[k] = wideRow(low.a, low.first+k)
		}
	}
	return func(i int) []float64 {
		row := wideRow(weight, i)
		if low == nil {
			return row
		}
		for k, b := range wideRow(low.b, i) {
			factor := low.scale * b
			for j, v := range a[k] {
				row[j] += float64(factor * v)
			}
		}
		return row
	}
}

// wideRow is a row of a matrix in float64.
func wideRow(m *kernel.Matrix, i int) []float64 {
	narrow := make([]float32, m.Cols())
	m.Row(i, narrow)
	row := make([]float64, len(narrow))
	for j, v := range narrow {
		row[j] = float64(v)
	}
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
