package kernel

// Softcap bounds logits, in place: x = cap·tanh(x/cap), with
//
//	tanh(t) = 1 − 2/(exp(2t) + 1)
//
// in float64, rounded once. Infinities become ±cap, NaN stays NaN.
func Softcap(x []float32, cap float32) {
	if len(x) > 0 {
		native{}.softcap(x, cap)
	}
}

// Divide divides by a number, in place: x = x/by.
func Divide(x []float32, by float32) {
	if len(x) > 0 {
		native{}.divide(x, by)
	}
}
