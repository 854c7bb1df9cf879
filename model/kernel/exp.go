package kernel

// Exp is exp(x) for x ≤ 0 in float64, with a relative error below 1e-14: 1 at 0, 0
// below −708, NaN for NaN. Its bits are the same on every machine, and those of the
// C kernels' own; math.Exp's differ between architectures.
func Exp(x float64) float64 { return exp64(x) }
