package spicesim

import (
	"fmt"
	"math"

	"github.com/ailiance/lorabench/tasks/generated"
)

// servo sets an op-amp's operating point: a feedback for direct current alone,
// which holds the output at rest while the inputs are at common.
func servo(common, rest float64) []string {
	return []string{
		"VSHIFT out fb DC " + num(rest-common),
		"LSERVO fb inn 1g",
		"CSERVO inn 0 1g",
	}
}

// bias of a circuit with a reference current of the bench.
func (q *question) bias(p polarity, current float64) (source string) {
	if p.p {
		q.port("ib", "bias: the bench draws %s out of it to ground, for a mirror of yours that makes the other currents", si(current, "A"))
		return "IB ib 0 DC " + num(current)
	}
	q.port("ib", "bias: the bench drives %s from vdd into it, for a mirror of yours that makes the other currents", si(current, "A"))
	return "IB vdd ib DC " + num(current)
}

// decibels rounded down to a half.
func decibels(gain float64) float64 { return math.Floor(40*math.Log10(gain)) / 2 }

// opposite is the other kind of transistor, at the other supply.
func (p polarity) opposite() polarity {
	if p.p {
		return polarity{false, p.vdd, nch, "NMOS", "nch", "0", "vdd", "0"}
	}
	return polarity{true, p.vdd, pch, "PMOS", "pch", "vdd", "0", "vdd"}
}

// ota is a differential pair with a mirror as its load.
func ota(r *generated.Rand, i int) (generated.Row, string) {
	vdd := generated.Pick(r, 3.3, 5.0, 6.0)
	p := pickPolarity(r, vdd)
	m := p.opposite()
	load := nice(r, 1e-12, 50e-12)
	unity := nice(r, 1e6, 20e6)
	reference := generated.Pick(r, 5e-6, 10e-6, 20e-6, 50e-6, 100e-6)
	tail := digits(2*math.Pi*unity*load*(0.16+0.2*r.Float()), 2)

	gm := 2 * math.Pi * unity * load
	vov := tail / gm
	common := step(0.7+vov+0.5, 0.1) // of the pair, from its rail
	rest := step(vdd/2, 0.05)
	least := decibels(0.7 * 2 / (0.04 * vov))
	most := digits(1.25*tail+reference, 3)

	q := question{family: "ota", parts: "RCM", library: []string{"nch", "pch"}, values: mosSizes}
	q.opening = []string{
		fmt.Sprintf("Design a single-stage operational amplifier: a differential pair of %s transistors with a current mirror as its load and a tail current source.", p.kind),
		fmt.Sprintf("A five-transistor OTA (%s input pair, mirror load, single-ended output) is wanted that drives a capacitor.", p.kind),
		fmt.Sprintf("Make a one-stage MOS op-amp with a %s differential pair and an active load.", p.kind),
	}
	vcm, vrest := p.volts(common), p.volts(rest)
	q.port("vdd", "supply, %s", si(vdd, "V"))
	q.port("inp", "non-inverting input, at %s DC", si(vcm, "V"))
	q.port("inn", "inverting input")
	q.port("out", "output, loaded by the bench with %s to ground", si(load, "F"))
	rails := []string{"VDD vdd 0 " + num(vdd), q.bias(p, reference)}
	q.note("The gain is measured with a bench feedback that is slow enough to act on direct current alone; it makes out rest at %s.", si(vrest, "V"))
	q.run("open loop", append(append([]string{fmt.Sprintf("VIP inp 0 DC %s AC 1", num(vcm)), "CL out 0 " + num(load)}, servo(vcm, vrest)...), rails...), "op", "ac dec 20 1 1g")
	held := []string{"VIN inn 0 DC " + num(vcm), "VOUT out 0 DC " + num(vrest)}
	q.run("driven high", append(append([]string{"VIP inp 0 DC " + num(vcm+0.9)}, held...), rails...), "op")
	q.run("driven low", append(append([]string{"VIP inp 0 DC " + num(vcm-0.9)}, held...), rails...), "op")
	q.need("unity gain", near(acKind("open loop", "unity", "v(out)"), unity, 0.2), "unity-gain frequency: %s %s", si(unity, "Hz"), percent(0.2))
	q.need("gain", atLeast(acAt("open loop", "gain_db", "v(out)", 1), least), "DC gain (measured at 1 Hz): at least %g dB", least)
	q.need("phase margin", atLeast(acKind("open loop", "phase_margin", "v(out)"), 60), "phase margin: at least 60°")
	q.need("current delivered", near(opValue("driven high", "i(VOUT)"), tail, 0.15), "with inp 0.9 V above inn and out held at %s, out delivers %s %s", si(vrest, "V"), si(tail, "A"), percent(0.15))
	q.need("current taken", near(opValue("driven low", "-i(VOUT)"), tail, 0.15), "with inp 0.9 V below inn and out held at %s, out takes %s %s", si(vrest, "V"), si(tail, "A"), percent(0.15))
	q.need("supply current", atMost(opValue("open loop", "-i(VDD)"), most), "current from vdd, that of ib included: at most %s", si(most, "A"))

	half := tail / 2
	low := common - 0.7 - vov // of the tail transistor
	vm := 0.7 + 0.25          // of the mirror
	vds := vdd - vm - low
	d := deck{title: "five-transistor OTA"}
	d.mosfet("M6", "ib", "ib", p.rail, p, p.model.ratio(reference, 0.25, 0.95))
	d.mosfet("M5", "s", "ib", p.rail, p, p.model.ratio(tail, 0.25, low))
	d.mosfet("M1", "x", "inp", "s", p, p.model.ratio(half, vov, vds))
	d.mosfet("M2", "out", "inn", "s", p, p.model.ratio(half, vov, vds))
	d.mosfet("M3", "x", "x", m.rail, m, m.model.ratio(half, 0.25, vm))
	d.mosfet("M4", "out", "x", m.rail, m, m.model.ratio(half, 0.25, vm))
	q.deck = d
	q.wrong("inputs exchanged", d.word("M1", 2, "inn").word("M2", 2, "inp"))
	q.wrong("tail current twice as large", d.size("M5", 2))
	q.wrong("a resistor in place of the tail transistor", d.line("M5", "R5 s %s 1k", p.rail).without("M6").withLine("R6 ib %s 10k", p.rail))
	q.wrong("mirror without its diode", d.word("M3", 2, m.rail).word("M4", 2, m.rail))
	q.wrong("output at the wrong side", d.word("M1", 1, "out").word("M2", 1, "x"))
	q.wrong("pair a quarter as wide", d.size("M1", 0.25).size("M2", 0.25))
	q.key = fmt.Sprint(p.kind, vdd, load, unity, tail)
	return q.row(r, i)
}

// twoStageOpAmp has a second, common-source stage and a compensation.
func twoStageOpAmp(r *generated.Rand, i int) (generated.Row, string) {
	vdd := generated.Pick(r, 3.3, 5.0, 6.0)
	p := pickPolarity(r, vdd)
	m := p.opposite()
	load := nice(r, 2e-12, 50e-12)
	unity := nice(r, 500e3, 20e6)
	reference := generated.Pick(r, 5e-6, 10e-6, 20e-6, 50e-6, 100e-6)
	vov := uniform(r, 0.16, 0.26, 0.02)
	margin := generated.Pick(r, 50.0, 55.0, 60.0)

	comp := 0.3 * load
	gm1 := 2 * math.Pi * unity * comp
	tail := gm1 * vov
	vov2 := 0.25 // of the mirror, and so of the second stage
	gm2 := 3 * 2 * math.Pi * unity * load
	second := gm2 * vov2 / 2
	common := step(0.7+vov+0.5, 0.1)
	rest := step(vdd/2, 0.05)
	least := decibels(0.5 * 2 / (0.04 * vov) * 2 / (0.04 * vov2))
	most := digits(1.5*(tail+second)+reference, 3)
	settle := digits(4/unity, 2)
	vcm, vrest := p.volts(common), p.volts(rest)

	q := question{family: "two_stage_opamp", parts: "RCM", library: []string{"nch", "pch"}, values: mosSizes}
	q.opening = []string{
		fmt.Sprintf("Design a two-stage operational amplifier: a %s differential pair with a mirror load, a common-source second stage, and a compensation.", p.kind),
		fmt.Sprintf("A compensated two-stage MOS op-amp (%s input pair, single-ended output) is wanted.", p.kind),
		fmt.Sprintf("Make a two-stage CMOS op-amp with %s inputs that is stable as a follower and drives a capacitor.", p.kind),
	}
	q.port("vdd", "supply, %s", si(vdd, "V"))
	q.port("inp", "non-inverting input, at %s DC", si(vcm, "V"))
	q.port("inn", "inverting input")
	q.port("out", "output, loaded by the bench with %s to ground", si(load, "F"))
	rails := []string{"VDD vdd 0 " + num(vdd), "CL out 0 " + num(load), q.bias(p, reference)}
	q.note("The gain is measured with a bench feedback that is slow enough to act on direct current alone; it makes out rest at %s.", si(vrest, "V"))
	q.run("open loop", append(append([]string{fmt.Sprintf("VIP inp 0 DC %s AC 1", num(vcm))}, servo(vcm, vrest)...), rails...), "op", "ac dec 20 1 1g")
	start, stop := 0.5*settle, 2.5*settle
	edge := num(0.01 * settle)
	v1, v2 := vrest-0.1, vrest+0.1
	if math.Abs(vcm-vrest) > 0.3 { // the follower needs the inputs where the pair works
		v1, v2 = vcm-0.1, vcm+0.1
	}
	q.run("follower", append([]string{
		fmt.Sprintf("VIP inp 0 DC %s PULSE(%s %s %s %s %s 1 2)", num(v1), num(v1), num(v2), num(start), edge, edge), "VFB out inn DC 0",
	}, rails...), fmt.Sprintf("tran %s %s", num(settle/100), num(stop)))
	q.need("unity gain", near(acKind("open loop", "unity", "v(out)"), unity, 0.25), "unity-gain frequency: %s %s", si(unity, "Hz"), percent(0.25))
	q.need("gain", atLeast(acAt("open loop", "gain_db", "v(out)", 1), least), "DC gain (measured at 1 Hz): at least %g dB", least)
	q.need("phase margin", atLeast(acKind("open loop", "phase_margin", "v(out)"), margin), "phase margin: at least %g°", margin)
	q.need("supply current", atMost(opValue("open loop", "-i(VDD)"), most), "current from vdd, that of ib included: at most %s", si(most, "A"))
	q.need("final value", within(tranAt("follower", "v(out)", stop), digits(v2, 6), 0.005), "as a follower (out tied to inn), %s after a step of inp from %s to %s, v(out) is %s ±5 mV", si(2*settle, "s"), si(digits(v1, 6), "V"), si(digits(v2, 6), "V"), si(digits(v2, 6), "V"))
	at := tranIn("follower", "settle", "v(out)", start, stop)
	at.Level = P(0.01)
	q.need("settling", atMost(at, settle), "it has then settled to ±10 mV within %s of the step", si(settle, "s"))

	half := tail / 2
	low := common - 0.7 - vov
	vm := 0.7 + vov2
	vds := vdd - vm - low
	d := deck{title: "two-stage op-amp"}
	d.mosfet("M6", "ib", "ib", p.rail, p, p.model.ratio(reference, 0.25, 0.95))
	d.mosfet("M5", "s", "ib", p.rail, p, p.model.ratio(tail, 0.25, low))
	d.mosfet("M1", "x", "inn", "s", p, p.model.ratio(half, vov, vds))
	d.mosfet("M2", "y", "inp", "s", p, p.model.ratio(half, vov, vds))
	d.mosfet("M3", "x", "x", m.rail, m, m.model.ratio(half, vov2, vm))
	d.mosfet("M4", "y", "x", m.rail, m, m.model.ratio(half, vov2, vm))
	d.mosfet("M7", "out", "y", m.rail, m, m.model.ratio(second, vov2, vdd/2))
	d.mosfet("M8", "out", "ib", p.rail, p, p.model.ratio(second, 0.25, vdd/2))
	d.add("RZ y z %s", num(1/gm2))
	d.add("CC z out %s", num(comp))
	q.deck = d
	q.wrong("inputs exchanged", d.word("M1", 2, "inp").word("M2", 2, "inn"))
	q.wrong("no compensation", d.without("CC", "RZ"))
	q.wrong("compensation to ground", d.word("CC", 2, "0"))
	q.wrong("compensation capacitor half as large", d.scaled("CC", 0.5))
	q.wrong("no second stage", d.without("M7", "M8", "RZ", "CC").word("M2", 1, "out").word("M4", 1, "out"))
	q.wrong("current source of the second stage missing", d.without("M8"))
	q.key = fmt.Sprint(p.kind, vdd, load, unity, reference, vov)
	return q.row(r, i)
}

// telescopic has cascode transistors on both sides and no second stage.
func telescopic(r *generated.Rand, i int) (generated.Row, string) {
	vdd := generated.Pick(r, 3.3, 4.0, 5.0)
	load := nice(r, 1e-12, 20e-12)
	unity := nice(r, 1e6, 30e6)
	reference := generated.Pick(r, 5e-6, 10e-6, 20e-6, 50e-6, 100e-6)
	vov := uniform(r, 0.16, 0.24, 0.02)
	const vovp = 0.22

	gm := 2 * math.Pi * unity * load
	tail := gm * vov
	half := tail / 2
	common := step(0.7+vov+0.4, 0.05)
	s := common - 0.7 - vov
	a := s + vov + 0.15
	vcn := step(a+0.7+vov, 0.05)
	a = vcn - 0.7 - vov
	vcp := step(vdd-vovp-0.15-0.7-vovp, 0.05)
	c := vcp + 0.7 + vovp
	rest := step((vcn-0.7+vcp+0.7)/2, 0.05) // between the ends of the swing
	stack := func(gm, gds float64) float64 { return gm / (gds * gds) }
	rout := 1 / (1/stack(2*half/vov, 0.02*half) + 1/stack(2*half/vovp, 0.02*half))
	least := decibels(0.4 * gm * rout)
	most := digits(1.25*tail+reference, 3)

	q := question{family: "telescopic", parts: "RM", library: []string{"nch", "pch"}, values: mosSizes}
	q.opening = []string{
		"Design a telescopic cascode operational amplifier with an NMOS input pair and a single-ended output.",
		"A one-stage op-amp with a very high gain is wanted: NMOS differential pair, NMOS cascode transistors, cascoded PMOS mirror.",
		"Make a telescopic OTA (NMOS inputs, cascodes on both sides, differential to single-ended by a cascode PMOS mirror).",
	}
	q.port("vdd", "supply, %s", si(vdd, "V"))
	q.port("inp", "non-inverting input, at %s DC", si(common, "V"))
	q.port("inn", "inverting input")
	q.port("out", "output, loaded by the bench with %s to ground", si(load, "F"))
	q.mayUse("vcn", "a bias voltage of %s for the gates of the NMOS cascode transistors", si(vcn, "V"))
	q.mayUse("vcp", "a bias voltage of %s for the gates of the PMOS cascode transistors", si(vcp, "V"))
	rails := []string{"VDD vdd 0 " + num(vdd), "VCN vcn 0 " + num(vcn), "VCP vcp 0 " + num(vcp), q.bias(polarity{}, reference)}
	q.note("The gain is measured with a bench feedback that is slow enough to act on direct current alone; it makes out rest at %s.", si(rest, "V"))
	q.run("open loop", append(append([]string{fmt.Sprintf("VIP inp 0 DC %s AC 1", num(common)), "CL out 0 " + num(load)}, servo(common, rest)...), rails...), "op", "ac dec 20 1 1g")
	q.run("driven high", append([]string{"VIP inp 0 DC " + num(common+0.6), "VIN inn 0 DC " + num(common), "VOUT out 0 DC " + num(rest)}, rails...), "op")
	q.need("unity gain", near(acKind("open loop", "unity", "v(out)"), unity, 0.2), "unity-gain frequency: %s %s", si(unity, "Hz"), percent(0.2))
	q.need("gain", atLeast(acAt("open loop", "gain_db", "v(out)", 1), least), "DC gain (measured at 1 Hz): at least %g dB", least)
	q.need("phase margin", atLeast(acKind("open loop", "phase_margin", "v(out)"), 75), "phase margin: at least 75°")
	q.need("current delivered", near(opValue("driven high", "i(VOUT)"), digits(tail, 2), 0.2), "with inp 0.6 V above inn and out held at %s, out delivers %s %s", si(rest, "V"), si(digits(tail, 2), "A"), percent(0.2))
	q.need("supply current", atMost(opValue("open loop", "-i(VDD)"), most), "current from vdd, that of ib included: at most %s", si(most, "A"))

	d := deck{title: "telescopic op-amp"}
	d.n("M10", "ib", "ib", "0", nch.ratio(reference, 0.25, 0.95))
	d.n("M9", "s", "ib", "0", nch.ratio(tail, 0.25, s))
	d.n("M1", "a", "inp", "s", nch.ratio(half, vov, a-s))
	d.n("M2", "b", "inn", "s", nch.ratio(half, vov, a-s))
	d.n("M3", "e", "vcn", "a", nch.ratio(half, vov, rest-a))
	d.n("M4", "out", "vcn", "b", nch.ratio(half, vov, rest-a))
	d.p("M5", "e", "vcp", "c", pch.ratio(half, vovp, c-rest))
	d.p("M6", "out", "vcp", "d", pch.ratio(half, vovp, c-rest))
	d.p("M7", "c", "e", "vdd", pch.ratio(half, vovp, vdd-c))
	d.p("M8", "d", "e", "vdd", pch.ratio(half, vovp, vdd-c))
	q.deck = d
	simple := d.without("M3", "M4", "M5", "M6").word("M1", 1, "e").word("M2", 1, "out").word("M7", 1, "e").word("M8", 1, "out")
	q.wrong("no cascode transistors", simple)
	q.wrong("inputs exchanged", d.word("M1", 2, "inn").word("M2", 2, "inp"))
	q.wrong("no cascode at the PMOS side", d.without("M5", "M6").word("M7", 1, "e").word("M8", 1, "out"))
	q.wrong("tail current twice as large", d.size("M9", 2))
	q.wrong("mirror not connected to its output", d.word("M7", 2, "c").word("M8", 2, "d"))
	q.key = fmt.Sprint(vdd, load, unity, reference, vov)
	return q.row(r, i)
}

// millerAmplifier is two common-source stages with resistors, compensated by a
// Miller capacitor.
func millerAmplifier(r *generated.Rand, i int) (generated.Row, string) {
	vdd := generated.Pick(r, 5.0, 6.0, 9.0)
	load := nice(r, 5e-12, 100e-12)
	unity := nice(r, 500e3, 20e6)
	vov1 := 0.15 + 0.25*r.Float()
	vov2 := 0.2 + 0.3*r.Float()

	rest := vdd / 2
	gm2 := 3 * 2 * math.Pi * unity * load
	i2 := gm2 * vov2 / 2
	i1 := i2 / 4
	rd1, rd2 := (0.7+vov2)/i1, rest/i2
	w2 := pch.ratio(i2, vov2, rest)
	gm2 = pch.gm(w2, vov2, rest)
	x := vdd - 0.7 - vov2
	w1 := nch.ratio(i1, vov1, x)
	gm1 := nch.gm(w1, vov1, x)
	gain := gm1 / (1/rd1 + nch.gds(w1, vov1)) * gm2 / (1/rd2 + pch.gds(w2, vov2))
	asked := digits(gain, 2)
	comp := gm1 / (2 * math.Pi * unity)
	most := digits(1.4*(i1+i2), 2)
	bias := step(0.7+vov1, 0.01)

	q := question{family: "miller_amplifier", parts: "RCM", library: []string{"nch", "pch"}, values: mosSizes}
	q.opening = []string{
		"Design a two-stage amplifier with Miller compensation: an NMOS common-source stage, then a PMOS common-source stage, with resistors as loads.",
		"Two common-source stages (first NMOS, then PMOS, resistive loads) are wanted, coupled directly and compensated by a Miller capacitor.",
		"Make a direct-coupled, Miller-compensated amplifier of one NMOS and one PMOS common-source stage.",
	}
	q.port("vdd", "supply, %s", si(vdd, "V"))
	q.port("in", "input (gate of the NMOS transistor); the bench adds the signal to a DC level near %s, which it adjusts slowly so that out rests near %s", si(bias, "V"), si(rest, "V"))
	q.port("out", "output, loaded by the bench with %s to ground", si(load, "F"))
	q.run("amplifier", []string{
		"VDD vdd 0 " + num(vdd), "VB b 0 DC " + num(bias+rest),
		"EFB fb b out 0 -1", "LSERVO fb in 1g", "VS s 0 DC 0 AC 1", "CS s in 1g", "CL out 0 " + num(load),
	}, "op", "ac dec 20 1 1g")
	q.need("gain", near(acAt("amplifier", "signed_gain", "v(out)", 10), asked, 0.15), "voltage gain from in to out at 10 Hz: +%g (not inverting), %s", asked, percent(0.15))
	q.need("unity gain", near(acKind("amplifier", "unity", "v(out)"), unity, 0.2), "unity-gain frequency: %s %s", si(unity, "Hz"), percent(0.2))
	q.need("phase margin", atLeast(acKind("amplifier", "phase_margin", "v(out)"), 55), "phase margin (180° less the phase lag at unity gain): at least 55°")
	q.need("quiescent output", within(opValue("amplifier", "v(out)"), rest, 0.15), "v(out) at rest: %s ±0.15 V", si(rest, "V"))
	q.need("supply current", atMost(opValue("amplifier", "-i(VDD)"), most), "current from vdd at rest: at most %s", si(most, "A"))

	d := deck{title: "two stages with Miller compensation"}
	d.n("M1", "x", "in", "0", w1)
	d.add("RD1 vdd x %s", num(rd1))
	d.p("M2", "out", "x", "vdd", w2)
	d.add("RD2 out 0 %s", num(rd2))
	d.add("RZ x z %s", num(1/gm2))
	d.add("CC z out %s", num(comp))
	q.deck = d
	q.wrong("no compensation", d.without("RZ", "CC"))
	q.wrong("capacitor to ground", d.word("CC", 2, "0"))
	q.wrong("capacitor twice as large", d.scaled("CC", 2))
	q.wrong("second stage with an NMOS transistor", d.word("M2", 3, "0").word("M2", 4, "0").word("M2", 5, "nch").with("RD2", "vdd out %s", num(rd2)))
	q.wrong("no load of the second stage", d.without("RD2"))
	q.wrong("load of the first stage half as large", d.scaled("RD1", 0.5))
	q.key = fmt.Sprint(vdd, load, unity, asked)
	return q.row(r, i)
}

// differentialPair has resistors as loads and two outputs.
func differentialPair(r *generated.Rand, i int) (generated.Row, string) {
	vdd := generated.Pick(r, 3.3, 5.0, 6.0, 9.0)
	reference := generated.Pick(r, 10e-6, 20e-6, 50e-6, 100e-6)
	tail := nice(r, 20e-6, 2e-3)
	vov := 0.15 + 0.2*r.Float()

	drop := step(0.4*vdd, 0.1) // at each load resistor
	rest := digits(vdd-drop, 4)
	rd := drop / (tail / 2)
	common := step(0.7+vov+0.4, 0.05)
	low := common - 0.7 - vov
	ratio := nch.ratio(tail/2, vov, rest-low)
	gain := digits(nch.gm(ratio, vov, rest-low)/(1/rd+nch.gds(ratio, vov)), 2)
	// The common-mode gain of an ideal pair with this tail is rd·gds5/2.
	common5 := 0.02 * tail
	most := digits(3*rd*common5/2, 1)

	q := question{family: "differential_pair", parts: "RCM", library: []string{"nch"}, values: mosSizes}
	q.opening = []string{
		"Design a differential amplifier: an NMOS pair with resistor loads and a tail current source, with a differential output.",
		"A resistor-loaded NMOS differential pair with two outputs is wanted; its tail current comes from a mirror.",
		"Make a fully differential single-stage amplifier (NMOS pair, two load resistors, mirrored tail current).",
	}
	q.port("vdd", "supply, %s", si(vdd, "V"))
	q.port("inp", "non-inverting input, at %s DC", si(common, "V"))
	q.port("inn", "inverting input, at %s DC", si(common, "V"))
	q.port("outp", "output that rises with inp")
	q.port("outn", "output that falls with inp")
	rails := []string{"VDD vdd 0 " + num(vdd), q.bias(polarity{}, reference)}
	q.run("difference", append([]string{fmt.Sprintf("VIP inp 0 DC %s AC 0.5", num(common)), fmt.Sprintf("VIN inn 0 DC %s AC 0.5 180", num(common))}, rails...), "op", "ac dec 5 100 100k")
	q.run("common", append([]string{fmt.Sprintf("VIP inp 0 DC %s AC 1", num(common)), fmt.Sprintf("VIN inn 0 DC %s AC 1", num(common))}, rails...), "ac dec 5 100 100k")
	q.need("gain", near(acAt("difference", "signed_gain", "v(outp,outn)", 1e3), gain, 0.12), "differential gain, v(outp)−v(outn) over v(inp)−v(inn), at 1 kHz: +%g %s", gain, percent(0.12))
	q.need("common-mode gain", atMost(acAt("common", "gain", "v(outp)", 1e3), most), "common-mode gain from both inputs together to outp at 1 kHz: at most %g", most)
	q.need("quiescent output", within(opValue("difference", "v(outp)"), rest, 0.06*vdd), "v(outp) at rest: %s ±%s", si(rest, "V"), si(digits(0.06*vdd, 3), "V"))
	q.need("quiescent other output", within(opValue("difference", "v(outn)"), rest, 0.06*vdd), "v(outn) likewise: %s ±%s", si(rest, "V"), si(digits(0.06*vdd, 3), "V"))
	q.need("supply current", near(opValue("difference", "-i(VDD)"), digits(tail+reference, 3), 0.12), "current from vdd, the reference included: %s %s", si(digits(tail+reference, 3), "A"), percent(0.12))

	d := deck{title: "differential pair"}
	d.n("M4", "ib", "ib", "0", nch.ratio(reference, 0.25, 0.95))
	d.n("M3", "s", "ib", "0", nch.ratio(tail, 0.25, low))
	d.n("M1", "outn", "inp", "s", ratio)
	d.n("M2", "outp", "inn", "s", ratio)
	d.add("R1 vdd outn %s", num(rd))
	d.add("R2 vdd outp %s", num(rd))
	q.deck = d
	q.wrong("outputs exchanged", d.word("M1", 1, "outp").word("M2", 1, "outn"))
	q.wrong("sources at ground", d.without("M3").word("M1", 3, "0").word("M2", 3, "0"))
	q.wrong("tail twice as large", d.size("M3", 2))
	q.wrong("one load missing", d.without("R2"))
	q.wrong("pair a quarter as wide", d.size("M1", 0.25).size("M2", 0.25))
	q.wrong("a resistor as tail", d.line("M3", "R3 s 0 %s", num(low/tail)))
	q.key = fmt.Sprint(vdd, reference, tail, gain)
	return q.row(r, i)
}

// activeLoad is a common-source stage with a current source as its load.
func activeLoad(r *generated.Rand, i int) (generated.Row, string) {
	vdd := generated.Pick(r, 3.3, 5.0, 6.0)
	p := pickPolarity(r, vdd)
	m := p.opposite()
	load := nice(r, 1e-12, 50e-12)
	unity := nice(r, 1e6, 30e6)
	reference := generated.Pick(r, 5e-6, 10e-6, 20e-6, 50e-6, 100e-6)
	vov := 0.15 + 0.2*r.Float()

	gm := 2 * math.Pi * unity * load
	current := digits(gm*vov/2, 2)
	vov = 2 * current / gm
	rest := step(vdd/2, 0.05)
	least := decibels(0.75 * 2 / (0.04 * vov))
	bias := step(0.7+vov, 0.05)
	total := digits(current+reference, 3)

	q := question{family: "active_load", parts: "RCM", library: []string{"nch", "pch"}, values: mosSizes}
	q.opening = []string{
		fmt.Sprintf("Design a common-source amplifier with a %s input transistor and a current source of %s transistors as its load.", p.kind, m.kind),
		fmt.Sprintf("A %s common-source stage with an active load (mirrored %s current source) is wanted.", p.kind, m.kind),
		fmt.Sprintf("Make an inverting single-stage MOS amplifier: %s driver, %s current-source load biased from a reference current.", p.kind, m.kind),
	}
	vrest := p.volts(rest)
	q.port("vdd", "supply, %s", si(vdd, "V"))
	q.port("in", "input (gate of the driver); the bench adds the signal to a DC level near %s, which a slow feedback of the bench adjusts so that out rests near %s", si(p.volts(bias), "V"), si(vrest, "V"))
	q.port("out", "output, loaded by the bench with %s to ground", si(load, "F"))
	rails := []string{"VDD vdd 0 " + num(vdd), q.bias(m, reference)}
	q.run("amplifier", append([]string{
		"VSHIFT out fb DC " + num(vrest-p.volts(bias)), "LSERVO fb in 1g", "VS s 0 DC 0 AC 1", "CS s in 1g", "CL out 0 " + num(load),
	}, rails...), "op", "ac dec 20 1 1g")
	q.need("gain", atLeast(acAt("amplifier", "gain_db", "v(out)", 1), least), "gain at 1 Hz: at least %g dB", least)
	q.need("polarity", atMost(acAt("amplifier", "signed_gain", "v(out)", 1), -1), "the stage inverts")
	q.need("unity gain", near(acKind("amplifier", "unity", "v(out)"), unity, 0.2), "unity-gain frequency: %s %s", si(unity, "Hz"), percent(0.2))
	q.need("supply current", near(opValue("amplifier", "-i(VDD)"), total, 0.12), "current from vdd, that of ib included: %s %s", si(total, "A"), percent(0.12))
	q.need("quiescent output", within(opValue("amplifier", "v(out)"), vrest, 0.2), "v(out) at rest: %s ±0.2 V", si(vrest, "V"))

	d := deck{title: "common source with an active load"}
	d.mosfet("M1", "out", "in", p.rail, p, p.model.ratio(current, vov, rest))
	d.mosfet("M2", "out", "ib", m.rail, m, m.model.ratio(current, 0.25, vdd-rest))
	d.mosfet("M3", "ib", "ib", m.rail, m, m.model.ratio(reference, 0.25, 0.95))
	q.deck = d
	q.wrong("a resistor as load", d.line("M2", "RL out %s %s", p.other, num((vdd-rest)/current)))
	q.wrong("load twice as wide", d.size("M2", 2))
	q.wrong("driver a quarter as wide", d.size("M1", 0.25))
	q.wrong("load connected as a diode", d.word("M2", 2, "out"))
	q.wrong("mirror without its diode", d.word("M3", 2, m.rail))
	q.key = fmt.Sprint(p.kind, vdd, load, unity, current)
	return q.row(r, i)
}
