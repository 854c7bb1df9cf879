package kernel

import "math"

// The plain Go form of products with rows of 8 bits.

func (reference) quantize8(x []float32, zero, halves int, to []byte) {
	for ; len(x) > 0; x, to = x[blockCols:], to[rowBlock8:] {
		most := uint32(0)
		for _, v := range x[:blockCols] {
			most = max(most, math.Float32bits(v)&0x7fffffff)
		}
		largest := math.Float32frombits(most)
		d, inverse := largest/127, 127/largest
		finite := most < 0x7f800000
		if !finite {
			d = float32(math.NaN())
		} else if inverse > math.MaxFloat32 {
			d = 0
		}
		sums := [2]int32{}
		for k, v := range x[:blockCols] {
			q := int32(0)
			if finite && d > 0 {
				q = int32(math.RoundToEven(float64(float32(v * inverse))))
			}
			to[k] = byte(q)
			sums[k/16] += q
		}
		sum := sums[0] + sums[1]
		if halves == 1 {
			sums[0] = sum
		}
		w := words(to[:rowBlock8])
		w[8], w[9] = int32(math.Float32bits(d)), int32(math.Float32bits(d*float32(sum)))
		w[10], w[11] = -int32(zero)*sums[0], -int32(zero)*sums[1]
	}
}

func (reference) mul8(m *Matrix, p *int8Panels, y []float32, ldy int, rows []byte, M, n0, n1 int, _ *Scratch) {
	size := p.rows().bytes(m.cols)
	group := blockCols / p.halves
	blocks := m.cols / blockCols
	values := make([]int16, m.cols)
	for n := n0; n < n1; n++ {
		panel, lane := m.data[n/panelRows*m.panelSize:][:m.panelSize], n%panelRows
		for k := range values {
			values[k] = int16(p.value(panel[p.head:], lane, k))
		}
		biases := panel[blocks*p.halves*panelRows*p.scaleBytes():]
		for i := range M {
			acc := float32(0)
			for b := range blocks {
				row := rows[i*size+b*rowBlock8:][:rowBlock8]
				w := words(row)
				d, sum := math.Float32frombits(uint32(w[8])), math.Float32frombits(uint32(w[9]))
				for h := range p.halves {
					s := int32(0)
					for k := h * group; k < (h+1)*group; k++ {
						s += int32(int8(row[k])) * int32(values[b*blockCols+k])
					}
					acc = fma32(float32(s), p.scale(panel, lane, b*p.halves+h)*d, acc)
				}
				if p.bias == 1 {
					acc = fma32(p.scale(biases, lane, b), sum, acc)
				}
			}
			y[i*ldy+n] = acc
		}
	}
}
