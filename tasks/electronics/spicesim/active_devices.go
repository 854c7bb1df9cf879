package spicesim

import "math"

// mos is a MOS transistor of SPICE level 1 without body effect and without
// capacitances of its own, as the prompts describe it. Voltages and currents are
// magnitudes: those of a PMOS transistor are turned around.
type mos struct {
	vt     float64 // volts
	kp     float64 // A/V²
	lambda float64 // 1/V
}

// current of the drain.
func (m mos) current(wl, vgs, vds float64) float64 {
	vov := vgs - m.vt
	switch {
	case vds < 0:
		return -m.current(wl, vgs-vds, -vds)
	case vov <= 0:
		return 0
	case vds < vov:
		return m.kp * wl * (vov - vds/2) * vds * (1 + m.lambda*vds)
	}
	return m.kp * wl / 2 * vov * vov * (1 + m.lambda*vds)
}

// gm of a saturated transistor.
func (m mos) gm(wl, vov, vds float64) float64 { return m.kp * wl * vov * (1 + m.lambda*vds) }

// gds of a saturated transistor.
func (m mos) gds(wl, vov float64) float64 { return m.kp * wl / 2 * vov * vov * m.lambda }

// ratio returns W/L of a saturated transistor that carries id.
func (m mos) ratio(id, vov, vds float64) float64 {
	return 2 * id / (m.kp * vov * vov * (1 + m.lambda*vds))
}

// bjt is a bipolar transistor in its active region: IS, BF and VAF alone.
type bjt struct {
	is, bf, va float64
}

const thermal = 0.025865 // volts, kT/q at 27 °C, where ngspice simulates

// vbe returns the base-emitter voltage at a collector current.
func (q bjt) vbe(ic, vce float64) float64 {
	v := 0.65
	for range 30 { // vcb enters by a few per cent: this converges at once
		v = thermal * math.Log(ic/(q.is*q.early(vce-v)))
	}
	return v
}

// early is the factor of the collector current that the Early effect makes.
func (q bjt) early(vcb float64) float64 {
	if q.va == 0 {
		return 1
	}
	return 1 + vcb/q.va
}

// diode with IS and N.
type diode struct{ is, n float64 }

func (d diode) voltage(i float64) float64 { return d.n * thermal * math.Log(1+i/d.is) }

// root returns where f is 0 in [lo, hi], by halving: f changes its sign there
// once. The number of steps is fixed, so that equal arguments give equal bits.
func root(lo, hi float64, f func(float64) float64) float64 {
	rising := f(hi) > f(lo)
	for range 80 {
		mid := (lo + hi) / 2
		if f(mid) > 0 == rising {
			hi = mid
		} else {
			lo = mid
		}
	}
	return (lo + hi) / 2
}
