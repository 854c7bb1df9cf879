package kernel

import "fmt"

// RMSNorm normalises one row by its root mean square; dst may be x:
//
//	inv = 1 / sqrt(Σ x²/n + eps)
//	dst = (x·inv)·weight
//
// Σ x² is 16 partial sums by lane (p = fma(x, x, p)) and the tree of the package
// comment. A nil weight leaves the last product out.
func RMSNorm(dst, x, weight []float32, eps float32) {
	if len(dst) != len(x) || weight != nil && len(weight) != len(x) {
		panic(fmt.Sprintf("kernel: norm of %d values to %d, weight %d", len(x), len(dst), len(weight)))
	}
	if len(x) > 0 {
		native{}.rmsNorm(dst, x, weight, eps)
	}
}

// SiLUMul is the gate of SwiGLU, in place:
//
//	gate = (gate / (1 + exp(−gate))) · up
//
// A finite gate never makes a NaN: where exp overflows, the quotient is −0.
func SiLUMul(gate, up []float32) {
	checkSame("silu", gate, up)
	if len(gate) > 0 {
		native{}.siluMul(gate, up)
	}
}

// GELUTanhMul is the gate of GeGLU with the tanh approximation, in place:
//
//	u    = fma(gate·gate, 0.044715·gate, gate)
//	gate = (gate / (1 + exp(−√(8/π)·u))) · up
//
// which is ½·gate·(1 + tanh(√(2/π)·(gate + 0.044715·gate³)))·up.
func GELUTanhMul(gate, up []float32) {
	checkSame("gelu", gate, up)
	if len(gate) > 0 {
		native{}.geluMul(gate, up)
	}
}

// XIELU is the activation of Apertus, in place. alphaP and alphaN are the
// learned scalars after softplus (alphaN including beta):
//
//	x > 0:  alphaP·x² + beta·x             fma(alphaP, x·x, beta·x)
//	else:   alphaN·(expm1(min(x, eps)) − x) + beta·x
//	        fma(alphaN, expm1(min(x, eps)) − x, beta·x)
//
// Source: Huang, Schlag 2025, "Deriving activation functions using integration".
func XIELU(x []float32, alphaP, alphaN, beta, eps float32) {
	if len(x) > 0 {
		native{}.xielu(x, alphaP, alphaN, beta, eps)
	}
}

// Rope rotates the heads of one row, x [heads·headDim], in place. Of each head
// the first 2·len(cos) dimensions turn, in half-split pairs (i, i+len(cos)):
//
//	a' = fma(−b, sin, a·cos)
//	b' = fma( a, sin, b·cos)
func Rope(x []float32, headDim int, cos, sin []float32) {
	if headDim <= 0 || len(x)%headDim != 0 || len(cos) != len(sin) || 2*len(cos) > headDim {
		panic(fmt.Sprintf("kernel: rope of %d values in heads of %d by %d and %d angles", len(x), headDim, len(cos), len(sin)))
	}
	if len(x) > 0 && len(cos) > 0 {
		native{}.rope(x, headDim, cos, sin)
	}
}

// AddScaled adds a scaled row, such as an adapter's update: y = fma(scale, t, y).
// Where t is zero y keeps its bits, −0 included, so that an adapter whose B is
// zero gives its base exactly.
func AddScaled(y, t []float32, scale float32) {
	checkSame("add", y, t)
	if len(y) > 0 {
		native{}.addScaled(y, t, scale)
	}
}

// Add adds a row: y = y + t.
func Add(y, t []float32) {
	checkSame("add", y, t)
	if len(y) > 0 {
		native{}.add(y, t)
	}
}

// Multiply multiplies by a row, such as a row of DoRA gains: y = y·t.
func Multiply(y, t []float32) {
	checkSame("multiply", y, t)
	if len(y) > 0 {
		native{}.multiply(y, t)
	}
}

// Scale multiplies by a number: y = y·a.
func Scale(y []float32, a float32) {
	for i := range y {
		y[i] *= a
	}
}

func checkSame(what string, a, b []float32) {
	if len(a) != len(b) {
		panic(fmt.Sprintf("kernel: %s: rows of %d and %d values", what, len(a), len(b)))
	}
}
