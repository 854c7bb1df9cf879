//go:build !cgo || !(amd64 || arm64)

package kernel

// Path names the code that runs: here the Go reference.
func Path() string { return "go" }

func mulPanels(m *Matrix, y []float32, ldy int, x []float32, ldx, M, n0, n1 int, s *Scratch) {
	refMul(m, y, ldy, x, ldx, M, n0, n1, s)
}

func rmsNorm(dst, x, weight []float32, eps float32) { refRMSNorm(dst, x, weight, eps) }
func siluMul(gate, up []float32)                    { refSiLUMul(gate, up) }
func geluMul(gate, up []float32)                    { refGELUMul(gate, up) }
func addScaled(y, t []float32, scale float32)       { refAddScaled(y, t, scale) }
func add(y, t []float32)                            { refAdd(y, t) }
func multiply(y, t []float32)                       { refMultiply(y, t) }
func rope(x []float32, headDim int, cos, sin []float32) {
	refRope(x, headDim, cos, sin)
}
func xielu(x []float32, alphaP, alphaN, beta, eps float32) {
	refXIELU(x, alphaP, alphaN, beta, eps)
}
func maxSumExp(row []float32) (float32, float64) { return refMaxSumExp(row) }

func attend(out []float32, ldo int, q []float32, ldq, R, G int, kv KV, nkeys, first []int32, b0, b1 int, scale float32, s *Scratch) {
	refAttend(out, ldo, q, ldq, R, G, kv, nkeys, first, b0, b1, scale, s)
}
