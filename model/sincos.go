package model

import "math"

// π/2 in three parts, each the float64 nearest to what is left.
const (
	halfPi1 = 1.5707963267948966
	halfPi2 = 6.123233995736766e-17
	halfPi3 = -1.4973849048591833e-33
)

// sinCos returns sin x and cos x for 0 ≤ x < 2^30, within 1e-15. Package math's
// own are compiled to other operations on other processors (fused or not), and
// so differ in the last bit; here every operation is rounded where it says so,
// and rotary tables are the same everywhere (law 3).
//
// Reduction by Cody and Waite with fused multiply-adds; polynomials of fdlibm's
// k_sin.c and k_cos.c (S. Moshier's and Sun's), https://www.netlib.org/fdlibm/.
func sinCos(x float64) (sin, cos float64) {
	k := math.RoundToEven(x * (2 / math.Pi))
	r := math.FMA(-k, halfPi1, x)
	r = math.FMA(-k, halfPi2, r)
	r = math.FMA(-k, halfPi3, r)
	z := r * r

	p := 1.58969099521155010221e-10
	p = math.FMA(p, z, -2.50507602534068634195e-08)
	p = math.FMA(p, z, 2.75573137070700676789e-06)
	p = math.FMA(p, z, -1.98412698298579493134e-04)
	p = math.FMA(p, z, 8.33333333332248946124e-03)
	p = math.FMA(p, z, -1.66666666666666324348e-01)
	s := math.FMA(r*z, p, r)

	p = -1.13596475577881948265e-11
	p = math.FMA(p, z, 2.08757232129817482790e-09)
	p = math.FMA(p, z, -2.75573143513906633035e-07)
	p = math.FMA(p, z, 2.48015872894767294178e-05)
	p = math.FMA(p, z, -1.38888888888741095749e-03)
	p = math.FMA(p, z, 4.16666666666666019037e-02)
	c := math.FMA(z*z, p, math.FMA(-0.5, z, 1))

	switch int64(k) & 3 {
	case 0:
		return s, c
	case 1:
		return c, -s
	case 2:
		return -s, -c
	}
	return -c, s
}
