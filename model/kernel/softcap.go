package kernel

// Softcap bounds a row, in place: x = cap·tanh(x/cap), with
//
//	tanh(t) = 1 − 2/(exp(2t) + 1)
//
// in float64, rounded once. NaN stays NaN.
func Softcap(row []float32, cap float32) {
	c := float64(cap)
	for i, x := range row {
		if x-x != 0 { // infinite or NaN: the quotient is of no use
			if x == x {
				row[i] = cap
				if x < 0 {
					row[i] = -cap
				}
			}
			continue
		}
		t := float64(x) / c
		row[i] = float32(c * (1 - 2/(exp64(2*t)+1)))
	}
}
