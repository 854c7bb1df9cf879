package spicesim

import (
	"fmt"
	"math"

	"github.com/ailiance/lorabench/tasks/generated"
)

// The MOS devices of the library.
var (
	nch = mos{vt: 0.7, kp: 100e-6, lambda: 0.02}
	pch = mos{vt: 0.7, kp: 40e-6, lambda: 0.02}
)

// polarity is a circuit with NMOS transistors at ground, or the same one upside
// down with PMOS transistors at the supply.
type polarity struct {
	p     bool
	vdd   float64
	model mos
	kind  string // "NMOS"
	name  string // "nch"
	rail  string // the node of the source, "0"
	other string // the other supply
	bulk  string
}

func pickPolarity(r *generated.Rand, vdd float64) polarity {
	if r.Bool() {
		return polarity{true, vdd, pch, "PMOS", "pch", "vdd", "0", "vdd"}
	}
	return polarity{false, vdd, nch, "NMOS", "nch", "0", "vdd", "0"}
}

// volts of a node that is v from the rail of the sources.
func (p polarity) volts(v float64) float64 {
	if p.p {
		return digits(p.vdd-v, 6)
	}
	return v
}

// mosfet adds a transistor with a ratio of W to L.
func (d *deck) mosfet(name, drain, gate, source string, p polarity, ratio float64) {
	d.add("%s %s %s %s %s %s %s", name, drain, gate, source, p.bulk, p.name, sizes(ratio))
}

// n and p add NMOS transistors with the bulk at ground, and PMOS transistors
// with the bulk at vdd.
func (d *deck) n(name, drain, gate, source string, ratio float64) {
	d.add("%s %s %s %s 0 nch %s", name, drain, gate, source, sizes(ratio))
}

func (d *deck) p(name, drain, gate, source string, ratio float64) {
	d.add("%s %s %s %s vdd pch %s", name, drain, gate, source, sizes(ratio))
}

var mosSizes = map[string][2]float64{"MW": {0.5e-6, 10e-3}, "ML": {0.2e-6, 50e-6}}

// commonSource is a common-source stage with a resistor as its load, coupled by
// a capacitor and biased by a divider.
func commonSource(r *generated.Rand, i int) (generated.Row, string) {
	vdd := generated.Pick(r, 3.3, 5.0, 6.0, 9.0, 12.0)
	p := pickPolarity(r, vdd)
	gain := nice(r, 4, 12)
	current := nice(r, 50e-6, 2e-3)
	corner := nice(r, 200e3, 10e6)
	low := generated.Pick(r, 20.0, 50.0, 100.0, 200.0)
	rin := generated.Pick(r, 50e3, 100e3, 200e3)
	const at = 10e3

	// The output rests in the middle. A = gm·(RD ∥ ro).
	half := vdd / 2
	vov := root(0.02, half, func(v float64) float64 {
		return p.model.gm(p.model.ratio(current, v, half), v, half)/(current/half+p.model.gds(p.model.ratio(current, v, half), v)) - gain
	})
	rd := half / current
	load := digits(1/(2*math.Pi*rd*corner), 2)
	ratio := p.model.ratio(current, vov, half)
	vgs := p.model.vt + vov
	bottom := 1.6 * rin * vdd / (vdd - vgs) // of a divider that is 1.6·rin
	top := 1.6 * rin * vdd / vgs
	most := digits(1.5*current, 2)
	least := digits(0.6/(2*math.Pi*rd*load), 2)

	q := question{family: "common_source", parts: "RCM", library: []string{p.name}, values: mosSizes, limit: map[string]int{"M": 1}}
	q.opening = []string{
		fmt.Sprintf("Design a common-source amplifier with one %s transistor and a drain resistor.", p.kind),
		fmt.Sprintf("A single-stage %s amplifier is wanted: common source, resistive load, AC-coupled input with its own gate bias.", p.kind),
		fmt.Sprintf("Make a one-transistor voltage amplifier out of a %s in common-source connection with a resistor as load.", p.kind),
	}
	q.port("vdd", "supply, %s", si(vdd, "V"))
	q.port("in", "input; the bench's source sits at 0 V DC, so couple it by a capacitor and make the gate bias from vdd")
	q.port("out", "drain of the transistor, loaded by the bench with %s to ground", si(load, "F"))
	q.run("amplifier", []string{"VDD vdd 0 " + num(vdd), "VIN in 0 DC 0 AC 1", "CL out 0 " + num(load)}, "op", "ac dec 20 1 1g")
	q.need("gain", near(acAt("amplifier", "signed_gain", "v(out)", at), -gain, 0.12), "voltage gain from in to out at 10 kHz: −%g (inverting), %s", gain, percent(0.12))
	q.need("quiescent output", within(opValue("amplifier", "v(out)"), half, digits(0.08*vdd, 2)), "v(out) at rest: %s ±%s", si(half, "V"), si(digits(0.08*vdd, 2), "V"))
	q.need("supply current", atMost(opValue("amplifier", "-i(VDD)"), most), "current from vdd at rest: at most %s", si(most, "A"))
	q.need("upper corner", atLeast(acCorner("amplifier", "v(out)", "high", at), least), "upper −3 dB frequency with that load: at least %s", si(least, "Hz"))
	q.need("lower corner", atMost(acCorner("amplifier", "v(out)", "low", at), low), "lower −3 dB frequency: at most %g Hz", low)
	q.need("input resistance", atLeast(acAt("amplifier", "gain", "v(in)", at), rin).over(acAt("amplifier", "gain", "i(VIN)", at)), "input resistance at 10 kHz: at least %s", si(rin, "Ω"))

	d := deck{title: "common source"}
	d.add("C1 in g %s", num(3/(2*math.Pi*low*1.6*rin)))
	d.add("R1 %s g %s", p.other, num(top))
	d.add("R2 g %s %s", p.rail, num(bottom))
	d.add("RD %s out %s", p.other, num(rd))
	d.mosfet("M1", "out", "g", p.rail, p, ratio)
	q.deck = d
	q.wrong("no gate bias", d.without("R1"))
	q.wrong("load resistor twice as large", d.scaled("RD", 2))
	q.wrong("gate and drain exchanged", d.swapped("M1", 1, 2))
	q.wrong("coupling capacitor too small", d.scaled("C1", 0.05))
	q.wrong("transistor four times as wide", d.size("M1", 4))
	q.key = fmt.Sprint(p.kind, vdd, gain, current, corner)
	return q.row(r, i)
}

// sourceFollower is a common-drain stage.
func sourceFollower(r *generated.Rand, i int) (generated.Row, string) {
	vdd := generated.Pick(r, 3.3, 5.0, 6.0, 9.0, 12.0)
	p := pickPolarity(r, vdd)
	p.bulk, p.rail, p.other = p.other, p.other, p.rail // the drain is at the rail; the bulk changes below
	vov := uniform(r, 0.15, 0.5, 0.05)
	rest := uniform(r, 0.3, 0.55, 0.05) * vdd // of the source, from the end of its resistor
	rest = step(rest, 0.05)
	bias := digits(rest+0.7+vov, 6)
	if bias > vdd {
		rest, bias = step(0.3*vdd, 0.05), step(0.3*vdd+0.7+vov, 0.05)
	}
	current := nice(r, 50e-6, 4e-3)
	load := generated.Pick(r, 10e3, 100e3, 1e6)
	const at = 10e3

	ratio := p.model.ratio(current, vov, vdd-rest)
	gm := p.model.gm(ratio, vov, vdd-rest)
	rs := 1 / (current/rest - 1/load) // the load carries a part
	if rest/load > 0.5*current {
		load = 1e6
		rs = 1 / (current/rest - 1/load)
	}
	g := p.model.gds(ratio, vov) + 1/rs
	gain := gm / (gm + g + 1/load)
	least := math.Floor(gain*0.96*100) / 100
	most := digits(1.25/(gm+g), 2)
	end, drain := "0", "vdd"
	if p.p {
		end, drain = "vdd", "0"
	}
	p.bulk = map[bool]string{true: "vdd", false: "0"}[p.p]

	q := question{family: "source_follower", parts: "RCM", library: []string{p.name}, values: mosSizes, limit: map[string]int{"M": 1}}
	q.opening = []string{
		fmt.Sprintf("Design a source follower (common-drain stage) with one %s transistor and a source resistor.", p.kind),
		fmt.Sprintf("Buffer a voltage with a single %s in common-drain connection; its source current flows through a resistor.", p.kind),
		fmt.Sprintf("A %s common-drain stage is needed as a level-shifting buffer. Choose transistor size and source resistor.", p.kind),
	}
	q.port("vdd", "supply, %s", si(vdd, "V"))
	q.port("in", "input; the bench's source rests at %s DC, couple it directly", si(p.volts(bias), "V"))
	q.port("out", "source of the transistor; the bench's load is %s to %s", si(load, "Ω"), map[bool]string{true: "vdd", false: "ground"}[p.p])
	sources := []string{"VDD vdd 0 " + num(vdd), "RL out " + end + " " + num(load)}
	q.run("follower", append([]string{fmt.Sprintf("VIN in 0 DC %s AC 1", num(p.volts(bias)))}, sources...), "op", "ac dec 5 1k 100k")
	q.run("output", append([]string{"VIN in 0 DC " + num(p.volts(bias)), "IOUT 0 out DC 0 AC 1"}, sources...), "ac dec 5 1k 100k")
	q.need("quiescent output", within(opValue("follower", "v(out)"), p.volts(rest), 0.1), "v(out) at rest: %s ±0.1 V", si(p.volts(rest), "V"))
	q.need("supply current", near(opValue("follower", "-i(VDD)"), current, 0.15), "current from vdd at rest, that of the load included: %s %s", si(current, "A"), percent(0.15))
	q.need("gain", between(acAt("follower", "signed_gain", "v(out)", at), least, 1.02), "voltage gain from in to out at 10 kHz: positive, at least %g and at most 1.02", least)
	q.need("output resistance", atMost(acAt("output", "gain", "v(out)", at), most), "resistance into out at 10 kHz (input held, a bench current of 1 A AC into out): at most %s", si(most, "Ω"))
	if p.p {
		// The bench's load is at vdd: the supply delivers its current, and the
		// input takes none.
		q.needs[1].text = fmt.Sprintf("current from vdd at rest, that of the load included: %s %s", si(current, "A"), percent(0.15))
	}

	d := deck{title: "source follower"}
	d.mosfet("M1", drain, "in", "out", p, ratio)
	d.add("RS out %s %s", end, num(rs))
	q.deck = d
	q.wrong("no source resistor", d.without("RS"))
	q.wrong("source resistor three times as large", d.scaled("RS", 3))
	q.wrong("transistor a quarter as wide", d.size("M1", 0.25))
	q.wrong("resistor at the wrong supply", d.with("RS", "out %s %s", drain, num(rs)))
	q.wrong("gate and source exchanged", d.swapped("M1", 2, 3))
	q.key = fmt.Sprint(p.kind, vdd, bias, rest, current)
	return q.row(r, i)
}

// commonGate is a stage that is driven at its source.
func commonGate(r *generated.Rand, i int) (generated.Row, string) {
	vdd := generated.Pick(r, 5.0, 6.0, 9.0, 12.0)
	gain := nice(r, 3, 9)
	rin := nice(r, 200, 3e3)
	corner := nice(r, 500e3, 10e6)
	const at = 100e3

	vov := 0.25
	vs := digits(0.12*vdd, 3)
	// rd is what makes the gain; rin = (1 + rd·gds)/(gm + gds) ∥ rs.
	type point struct{ current, ratio, rd, rs, rin float64 }
	solve := func(current float64) point {
		var x point
		x.current, x.rs = current, vs/current
		x.rd = root(1, 0.8*vdd/current, func(rd float64) float64 {
			vds := vdd - current*rd - vs
			ratio := nch.ratio(current, vov, math.Max(vds, vov))
			gm, gds := nch.gm(ratio, vov, vds), nch.gds(ratio, vov)
			return (gm+gds)/(1/rd+gds) - gain
		})
		vds := vdd - current*x.rd - vs
		x.ratio = nch.ratio(current, vov, vds)
		gm, gds := nch.gm(x.ratio, vov, vds), nch.gds(x.ratio, vov)
		x.rin = 1 / ((gm+gds)/(1+x.rd*gds) + 1/x.rs)
		return x
	}
	current := root(1e-6, 10e-3, func(c float64) float64 { return solve(c).rin - rin })
	x := solve(current)
	load := digits(1/(2*math.Pi*x.rd*corner), 2)
	least := digits(0.6/(2*math.Pi*x.rd*load), 2)
	most := digits(1.6*current, 2)

	q := question{family: "common_gate", parts: "RCM", library: []string{"nch"}, values: mosSizes, limit: map[string]int{"M": 1}}
	q.opening = []string{
		"Design a common-gate amplifier with one NMOS transistor and a drain resistor.",
		"A non-inverting stage with a low, defined input resistance is wanted: one NMOS in common-gate connection.",
		"Make a one-transistor common-gate stage (NMOS, resistive load, source resistor to ground, gate bias from the supply).",
	}
	q.port("vdd", "supply, %s", si(vdd, "V"))
	q.port("in", "input at the transistor's source; the bench couples its signal in through a large capacitor, so no direct current flows through the port: bring a path to ground for the transistor's current")
	q.port("out", "drain of the transistor, loaded by the bench with %s to ground", si(load, "F"))
	q.run("amplifier", []string{"VDD vdd 0 " + num(vdd), "VS src 0 DC 0 AC 1", "CS src in 1", "CL out 0 " + num(load)}, "op", "ac dec 20 100 1g")
	q.need("gain", near(acAt("amplifier", "signed_gain", "v(out)", at), gain, 0.15), "voltage gain from in to out at 100 kHz: +%g (not inverting), %s", gain, percent(0.15))
	q.need("input resistance", near(acAt("amplifier", "gain", "v(in)", at), rin, 0.15).over(acAt("amplifier", "gain", "i(VS)", at)), "input resistance at in at 100 kHz: %s %s", si(rin, "Ω"), percent(0.15))
	q.need("supply current", atMost(opValue("amplifier", "-i(VDD)"), most), "current from vdd at rest: at most %s", si(most, "A"))
	q.need("upper corner", atLeast(acCorner("amplifier", "v(out)", "high", at), least), "upper −3 dB frequency with that load: at least %s", si(least, "Hz"))
	q.need("lower corner", atMost(acAt("amplifier", "gain", "v(out)", at), 1.12).over(acAt("amplifier", "gain", "v(out)", 1e3)), "the gain at 1 kHz is less than at 100 kHz by a factor of 1.12 at most")

	vg := vs + 0.7 + vov
	total := 10 * vdd / current // a tenth of the stage's current
	d := deck{title: "common gate"}
	d.add("R1 vdd g %s", num(total*(vdd-vg)/vdd))
	d.add("R2 g 0 %s", num(total*vg/vdd))
	d.add("CG g 0 10u")
	d.add("M1 out g in 0 nch %s", sizes(x.ratio))
	d.add("RS in 0 %s", num(x.rs))
	d.add("RD vdd out %s", num(x.rd))
	q.deck = d
	q.wrong("no source resistor", d.without("RS"))
	q.wrong("signal at the gate", d.word("M1", 2, "in").word("M1", 3, "g"))
	q.wrong("load resistor half as large", d.scaled("RD", 0.5))
	q.wrong("source resistor a quarter as large", d.scaled("RS", 0.25))
	q.wrong("no gate bias", d.without("R1"))
	q.key = fmt.Sprint(vdd, gain, rin, corner)
	return q.row(r, i)
}

// cascode is a common-source stage under a common-gate stage; its load is the
// bench's.
func cascode(r *generated.Rand, i int) (generated.Row, string) {
	vdd := generated.Pick(r, 3.3, 5.0, 6.0, 9.0)
	p := pickPolarity(r, vdd)
	vov := uniform(r, 0.16, 0.34, 0.02)
	bias := digits(0.7+vov, 6)
	load := nice(r, 5e3, 100e3)
	rest := step(0.55*vdd, 0.1)
	current := (vdd - rest) / load

	// The lower transistor has vov + 0.15 V, the upper one the rest.
	low := vov + 0.15
	ratio := p.model.ratio(current, vov, low)
	ratio2 := p.model.ratio(current, vov, rest-low)
	gate := low + 0.7 + vov
	gm := p.model.gm(ratio, vov, low)
	ro1 := 1 / p.model.gds(ratio, vov)
	ro2 := 1 / p.model.gds(ratio2, vov)
	gm2 := p.model.gm(ratio2, vov, rest-low)
	rout := ro1 + ro2 + gm2*ro1*ro2
	gain := digits(gm*load/(1+load/rout), 2)
	least := digits(0.3*rout, 2)

	q := question{family: "cascode", parts: "RCM", library: []string{p.name}, values: mosSizes, limit: map[string]int{"M": 2}}
	q.opening = []string{
		fmt.Sprintf("Design a cascode amplifier of two %s transistors; its load resistor is part of the bench.", p.kind),
		fmt.Sprintf("A %s common-source transistor with a cascode transistor on top is wanted, for a high output resistance. The load is outside.", p.kind),
		fmt.Sprintf("Size and bias a two-transistor %s cascode stage that drives an external load resistor.", p.kind),
	}
	other := map[bool]string{true: "ground", false: "vdd"}[p.p]
	q.port("vdd", "supply, %s", si(vdd, "V"))
	q.port("in", "gate of the input transistor; the bench's source rests at %s DC", si(p.volts(bias), "V"))
	q.port("out", "drain of the cascode transistor; the bench has the load of %s from out to %s", si(load, "Ω"), other)
	q.note("Make the gate bias of the cascode transistor from vdd.")
	vin := fmt.Sprintf("VIN in 0 DC %s", num(p.volts(bias)))
	q.run("amplifier", []string{"VDD vdd 0 " + num(vdd), vin + " AC 1", fmt.Sprintf("RL out %s %s", p.other, num(load))}, "op", "ac dec 5 100 100k")
	q.run("output", []string{"VDD vdd 0 " + num(vdd), vin, fmt.Sprintf("VOUT out 0 DC %s AC 1", num(p.volts(rest)))}, "ac dec 5 100 100k")
	q.need("gain", near(acAt("amplifier", "signed_gain", "v(out)", 1e3), -gain, 0.1), "voltage gain from in to out at 1 kHz: −%g (inverting), %s", gain, percent(0.1))
	q.need("quiescent output", within(opValue("amplifier", "v(out)"), p.volts(rest), digits(0.06*vdd, 2)), "v(out) at rest: %s ±%s", si(p.volts(rest), "V"), si(digits(0.06*vdd, 2), "V"))
	q.need("output resistance", atLeast(acAt("output", "gain", "v(out)", 1e3), least).over(acAt("output", "gain", "i(VOUT)", 1e3)), "output resistance of the circuit itself at 1 kHz, measured with out held at %s in place of the load: at least %s", si(p.volts(rest), "V"), si(least, "Ω"))

	d := deck{title: "cascode"}
	d.mosfet("M1", "x", "in", p.rail, p, ratio)
	d.mosfet("M2", "out", "g", "x", p, ratio2)
	d.add("R1 %s g %s", p.other, num(100e3*(vdd-gate)/vdd))
	d.add("R2 g %s %s", p.rail, num(100e3*gate/vdd))
	q.deck = d
	plain := deck{title: "cascode"}
	plain.mosfet("M1", "out", "in", p.rail, p, ratio)
	plain.add("R1 vdd 0 100k")
	q.wrong("common source alone", plain)
	q.wrong("cascode transistor without bias", d.without("R1"))
	q.wrong("signal at the cascode transistor", d.word("M1", 2, "g").word("M2", 2, "in"))
	q.wrong("input transistor half as wide", d.size("M1", 0.5))
	q.wrong("cascode gate at the supply", d.word("M2", 2, p.other))
	q.key = fmt.Sprint(p.kind, vdd, bias, load, gain)
	return q.row(r, i)
}

// multiStage is a chain of common-source stages that are coupled by capacitors.
func multiStage(r *generated.Rand, i int) (generated.Row, string) {
	vdd := generated.Pick(r, 5.0, 9.0, 12.0)
	stages := generated.Pick(r, 2, 3)
	gain := nice(r, 25, 150)
	if stages == 3 {
		gain = nice(r, 100, 900)
	}
	total := nice(r, 300e-6, 6e-3)
	load := generated.Pick(r, 20e3, 50e3, 100e3, 200e3)
	const at = 10e3

	current := total / float64(stages)
	half := vdd / 2
	rd := half / current
	rg := 1e6 // of a divider seen at its gate
	each := math.Pow(gain*math.Pow(1+rd/rg, float64(stages-1))*(1+rd/load), 1/float64(stages))
	vov := root(0.02, half, func(v float64) float64 {
		return nch.gm(nch.ratio(current, v, half), v, half)/(current/half+nch.gds(nch.ratio(current, v, half), v)) - each
	})
	ratio := nch.ratio(current, vov, half)
	vgs := 0.7 + vov
	sign, word := -1.0, "inverting"
	if stages == 2 {
		sign, word = 1, "not inverting"
	}
	most := digits(1.4*total, 2)

	q := question{family: "multi_stage", parts: "RCM", library: []string{"nch"}, values: mosSizes, require: map[string]int{"M": stages}}
	count := map[int]string{2: "two", 3: "three"}[stages]
	q.opening = []string{
		fmt.Sprintf("Design an amplifier of %s common-source stages (NMOS, resistive loads), coupled by capacitors.", count),
		fmt.Sprintf("A %s-stage NMOS voltage amplifier is wanted; every stage is a common-source stage with a drain resistor and its own gate bias, with capacitors between the stages.", count),
		fmt.Sprintf("Chain %s resistor-loaded NMOS common-source stages with coupling capacitors to reach the gain below.", count),
	}
	q.port("vdd", "supply, %s", si(vdd, "V"))
	q.port("in", "input; the bench's source sits at 0 V DC, so couple it by a capacitor")
	q.port("out", "output, coupled by a capacitor of yours to the bench's load of %s to ground", si(load, "Ω"))
	q.run("amplifier", []string{"VDD vdd 0 " + num(vdd), "VIN in 0 DC 0 AC 1", "RL out 0 " + num(load)}, "op", "ac dec 10 1 100k")
	q.run("sine", []string{"VDD vdd 0 " + num(vdd), fmt.Sprintf("VIN in 0 SIN(0 %s 10k)", num(0.08*vdd/gain)), "RL out 0 " + num(load)}, "tran 2u 1m 0 2u")
	q.need("gain", near(acAt("amplifier", "signed_gain", "v(out)", at), sign*gain, 0.2), "voltage gain from in to out at 10 kHz: %s%g (%s), %s", map[bool]string{true: "+", false: "−"}[sign > 0], gain, word, percent(0.2))
	q.need("lower corner", atMost(acCorner("amplifier", "v(out)", "low", at), 200), "lower −3 dB frequency: at most 200 Hz")
	q.need("supply current", between(opValue("amplifier", "-i(VDD)"), digits(0.6*total, 2), most), "current from vdd at rest: between %s and %s", si(digits(0.6*total, 2), "A"), si(most, "A"))
	q.need("output offset", within(opValue("amplifier", "v(out)"), 0, 0.01), "v(out) at rest: 0 V ±10 mV")
	q.need("swing", near(tranIn("sine", "amplitude", "v(out)", 0.5e-3, 1e-3), digits(0.08*vdd, 3), 0.25), "with a 10 kHz sine of amplitude %s at in, the amplitude at out is %s %s", si(0.08*vdd/gain, "V"), si(digits(0.08*vdd, 3), "V"), percent(0.25))

	d := deck{title: count + " common-source stages"}
	from := "in"
	for k := 1; k <= stages; k++ {
		g, x := fmt.Sprintf("g%d", k), fmt.Sprintf("d%d", k)
		d.add("C%d %s %s 10n", k, from, g)
		d.add("RA%d vdd %s %s", k, g, num(rg*vdd/vgs))
		d.add("RB%d %s 0 %s", k, g, num(rg*vdd/(vdd-vgs)))
		d.add("RD%d vdd %s %s", k, x, num(rd))
		d.add("M%d %s %s 0 0 nch %s", k, x, g, sizes(ratio))
		from = x
	}
	d.add("CO %s out %s", from, num(10/(2*math.Pi*200*load)))
	q.deck = d
	q.wrong("last stage without bias", d.without(fmt.Sprintf("RA%d", stages)))
	q.wrong("a wire in place of a coupling capacitor", d.line("C2", "RC2 d1 g2 1"))
	q.wrong("output taken after the first stage", d.word("CO", 1, "d1"))
	q.wrong("loads a third as large", d.scaled("RD1", 1.0/3).scaled("RD2", 1.0/3))
	q.wrong("first transistor ten times as wide", d.size("M1", 10))
	q.key = fmt.Sprint(stages, vdd, gain, total, load)
	return q.row(r, i)
}

// diodeLoad is a stage of transistors alone: its gain is a ratio of sizes.
func diodeLoad(r *generated.Rand, i int) (generated.Row, string) {
	vdd := generated.Pick(r, 3.3, 5.0, 6.0, 9.0)
	vov := uniform(r, 0.16, 0.3, 0.02)
	bias := digits(0.7+vov, 6)
	gain := uniform(r, 2.2, math.Min(7, math.Floor((vdd-0.7-vov-0.3)/vov)), 0.2)
	current := nice(r, 20e-6, 1e-3)

	// gm1 = gain·(gm2 + gds1 + gds2)
	vov2 := root(0.05, vdd-0.7-vov, func(v2 float64) float64 {
		out := vdd - 0.7 - v2
		r1, r2 := nch.ratio(current, vov, out), pch.ratio(current, v2, 0.7+v2)
		return nch.gm(r1, vov, out)/(pch.gm(r2, v2, 0.7+v2)+nch.gds(r1, vov)+pch.gds(r2, v2)) - gain
	})
	out := vdd - 0.7 - vov2

	q := question{family: "diode_load", parts: "M", library: []string{"nch", "pch"}, values: mosSizes}
	q.opening = []string{
		"Design an amplifier of MOS transistors alone: an NMOS in common-source connection with a diode-connected PMOS as its load.",
		"A resistor-free voltage amplifier with a small, defined gain is wanted: NMOS input transistor, diode-connected PMOS load.",
		"Make a MOS-only common-source stage whose gain is set by the sizes of its NMOS driver and its diode-connected PMOS load.",
	}
	q.port("vdd", "supply, %s", si(vdd, "V"))
	q.port("in", "input; the bench's source rests at %s DC", si(bias, "V"))
	q.port("out", "output, without load")
	q.run("amplifier", []string{"VDD vdd 0 " + num(vdd), fmt.Sprintf("VIN in 0 DC %s AC 1", num(bias))}, "op", "ac dec 5 100 100k")
	q.need("gain", near(acAt("amplifier", "signed_gain", "v(out)", 1e3), -gain, 0.08), "voltage gain from in to out at 1 kHz: −%g (inverting), %s", gain, percent(0.08))
	q.need("supply current", near(opValue("amplifier", "-i(VDD)"), current, 0.12), "current from vdd at rest: %s %s", si(current, "A"), percent(0.12))
	q.need("quiescent output", within(opValue("amplifier", "v(out)"), step(out, 0.01), 0.15), "v(out) at rest: %s ±0.15 V", si(step(out, 0.01), "V"))

	d := deck{title: "common source with a diode-connected load"}
	d.n("M1", "out", "in", "0", nch.ratio(current, vov, out))
	d.p("M2", "out", "out", "vdd", pch.ratio(current, vov2, 0.7+vov2))
	q.deck = d
	q.wrong("load half as wide", d.size("M2", 0.5))
	q.wrong("gate of the load at ground", d.word("M2", 2, "0"))
	q.wrong("gate of the load at the input", d.word("M2", 2, "in"))
	q.wrong("input transistor twice as wide", d.size("M1", 2))
	q.wrong("transistors exchanged", d.word("M1", 5, "pch").word("M2", 5, "nch"))
	q.key = fmt.Sprint(vdd, bias, gain, current)
	return q.row(r, i)
}
