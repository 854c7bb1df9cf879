package spicesim

import (
	"fmt"
	"math"

	"github.com/ailiance/lorabench/tasks/generated"
)

// commonEmitter is a stage with a divider, an emitter resistor that sets the
// gain, and the rest of it bypassed.
func commonEmitter(r *generated.Rand, i int) (generated.Row, string) {
	vcc := generated.Pick(r, 6.0, 9.0, 12.0, 15.0)
	gain := nice(r, 5, 60)
	current := nice(r, 200e-6, 5e-3)
	load := generated.Pick(r, 10e3, 22e3, 47e3, 100e3)
	low := generated.Pick(r, 20.0, 50.0, 100.0, 200.0)
	const at = 5e3

	half := step(0.5*vcc, 0.5)
	rc := (vcc - half) / current
	ve := digits(0.12*vcc, 3)
	// gain = (rc ∥ load ∥ ro)/(re + 1/gm), ro seen through re neglected.
	gm := current / thermal
	parallel := 1 / (1/rc + 1/load)
	swing := digits(0.1*vcc, 2)
	re := parallel/gain - 1/gm
	rb := 0.1 * current // through the divider
	if re < 0 {
		gain = digits(0.6*parallel*gm, 2)
		re = parallel/gain - 1/gm
	}
	rest := ve/current - re
	if rest < 0 {
		gain = digits(1.2*parallel*current/ve, 2)
		re = parallel/gain - 1/gm
		rest = ve/current - re
	}
	vb := ve*(1+1/qn.bf) + qn.vbe(current, half-ve)
	most := digits(1.5*current, 2)

	q := question{family: "common_emitter", parts: "RCQ", library: []string{"qn"}}
	q.opening = []string{
		"Design a common-emitter amplifier with one NPN transistor.",
		fmt.Sprintf("A single-transistor NPN voltage amplifier (common emitter, emitter degeneration) with a gain of −%g is wanted.", gain),
		fmt.Sprintf("Make an AC-coupled one-transistor audio amplifier stage: NPN in common-emitter connection, gain −%g into %s.", gain, si(load, "Ω")),
	}
	q.limit = map[string]int{"Q": 1}
	q.port("vcc", "supply, %s", si(vcc, "V"))
	q.port("in", "input; the bench's source sits at 0 V DC, so couple it by a capacitor")
	q.port("out", "output, coupled by a capacitor of yours to the bench's load of %s to ground", si(load, "Ω"))
	rails := []string{"VCC vcc 0 DC " + num(vcc), "RL out 0 " + num(load)}
	q.run("amplifier", append([]string{"VIN in 0 DC 0 AC 1"}, rails...), "op", "ac dec 20 1 100k")
	amplitude := digits(swing/gain, 3)
	q.run("sine", append([]string{fmt.Sprintf("VIN in 0 DC 0 SIN(0 %s 5k)", num(amplitude))}, rails...), "tran 2u 2m 0 2u")
	q.need("gain", near(acAt("amplifier", "signed_gain", "v(out)", at), -gain, 0.12), "voltage gain from in to out at 5 kHz: −%g (inverting) %s", gain, percent(0.12))
	q.need("supply current", between(opValue("amplifier", "-i(VCC)"), digits(0.7*current, 2), most), "current from vcc at rest: between %s and %s", si(digits(0.7*current, 2), "A"), si(most, "A"))
	q.need("lower corner", atMost(acCorner("amplifier", "v(out)", "low", at), low), "lower −3 dB frequency: at most %g Hz", low)
	q.need("output offset", within(opValue("amplifier", "v(out)"), 0, 0.01), "v(out) at rest: 0 V ±10 mV")
	from, to := 1.4e-3, 2e-3
	q.need("highest output", near(tranIn("sine", "max", "v(out)", from, to), digits(amplitude*gain, 3), 0.25), "with a 5 kHz sine of amplitude %s at in, the highest v(out) after 1.4 ms is %s %s", si(amplitude, "V"), si(digits(amplitude*gain, 3), "V"), percent(0.25))
	q.need("lowest output", near(tranIn("sine", "min", "v(out)", from, to), -digits(amplitude*gain, 3), 0.25), "the lowest is −%s %s", si(digits(amplitude*gain, 3), "V"), percent(0.25))

	d := deck{title: "common emitter"}
	r1, r2 := (vcc-vb)/(rb+current/qn.bf), vb/rb
	rin := 1 / (1/r1 + 1/r2 + 1/(qn.bf*(re+1/gm)))
	d.add("C1 in b %s", num(4/(2*math.Pi*low*rin)))
	d.add("R1 vcc b %s", num(r1))
	d.add("R2 b 0 %s", num(r2))
	d.add("RC vcc c %s", num(rc))
	d.add("Q1 c b e qn")
	d.add("RE1 e x %s", num(re))
	d.add("RE2 x 0 %s", num(rest))
	d.add("CE x 0 %s", num(4/(2*math.Pi*low*(re+1/gm))))
	d.add("C2 c out %s", num(4/(2*math.Pi*low*load)))
	q.deck = d
	q.wrong("emitter not bypassed", d.without("CE"))
	q.wrong("all of the emitter resistor bypassed", d.word("CE", 1, "e"))
	q.wrong("no base bias", d.without("R1"))
	q.wrong("collector and emitter exchanged", d.swapped("Q1", 1, 3))
	q.wrong("output at the emitter", d.word("C2", 1, "e"))
	q.wrong("input capacitor too small", d.scaled("C1", 0.05))
	q.key = fmt.Sprint(vcc, gain, current, load)
	return q.row(r, i)
}

// emitterFollower is a buffer.
func emitterFollower(r *generated.Rand, i int) (generated.Row, string) {
	vcc := generated.Pick(r, 5.0, 9.0, 12.0, 15.0)
	pnp := r.Bool()
	current := nice(r, 300e-6, 20e-3)
	rest := step(vcc*(0.3+0.25*r.Float()), 0.1) // of the emitter, from its resistor's end
	source := generated.Pick(r, 1e3, 2.2e3, 4.7e3)
	load := digits(4*rest/current, 1)
	const at = 5e3

	vbe := qn.vbe(current, vcc-rest)
	bias := digits(rest+vbe+current/qn.bf*source, 3)
	re := rest / (current - rest/load)
	gm := current / thermal
	rout := 1 / (1/re + 1/(1/gm+source/(qn.bf+1)))
	most := digits(1.35*rout, 2)
	total := 1 / (1/re + 1/load)
	least := math.Floor(97*total/(total+1/gm+source/(qn.bf+1))) / 100
	volts := func(v float64) float64 {
		if pnp {
			return digits(vcc-v, 6)
		}
		return v
	}
	kind, model, end, other, endText := "NPN", "qn", "0", "vcc", "ground"
	if pnp {
		kind, model, end, other, endText = "PNP", "qp", "vcc", "0", "vcc"
	}
	q := question{family: "emitter_follower", parts: "RCQ", library: []string{model}, limit: map[string]int{"Q": 1}}
	q.opening = []string{
		fmt.Sprintf("Design an emitter follower with one %s transistor.", kind),
		fmt.Sprintf("Buffer a signal source of %s with a %s transistor in common-collector connection.", si(source, "Ω"), kind),
		fmt.Sprintf("A %s emitter follower (DC-coupled at both sides) is wanted.", kind),
	}
	q.port("vcc", "supply, %s", si(vcc, "V"))
	q.port("in", "input, to be coupled directly; the bench's source has %s inside and rests at %s", si(source, "Ω"), si(volts(bias), "V"))
	q.port("out", "output, loaded by the bench with %s to %s", si(load, "Ω"), endText)
	rails := []string{"VCC vcc 0 DC " + num(vcc), fmt.Sprintf("RL out %s %s", end, num(load)), "RS s in " + num(source)}
	q.run("follower", append([]string{fmt.Sprintf("VS s 0 DC %s AC 1", num(volts(bias)))}, rails...), "op", "ac dec 5 100 100k")
	q.run("output", append([]string{"VS s 0 DC " + num(volts(bias)), "IOUT 0 out DC 0 AC 1"}, rails...), "ac dec 5 100 100k")
	q.need("gain", between(acAt("follower", "signed_gain", "v(out)", at), least, 1.01), "voltage gain from the source's open voltage to out at 5 kHz: between %g and 1.01", least)
	q.need("supply current", near(opValue("follower", "-i(VCC)"), current, 0.12), "current from vcc at rest, that of the load included: %s %s", si(current, "A"), percent(0.12))
	q.need("quiescent output", within(opValue("follower", "v(out)"), volts(rest), 0.12), "v(out) at rest: %s ±0.12 V", si(volts(rest), "V"))
	q.need("output resistance", atMost(acAt("output", "gain", "v(out)", at), most), "resistance seen at out at 5 kHz (source held, load in place): at most %s", si(most, "Ω"))

	d := deck{title: "emitter follower"}
	d.add("Q1 %s in out %s", other, model)
	d.add("RE out %s %s", end, num(re))
	q.deck = d
	q.wrong("no emitter resistor", d.without("RE"))
	q.wrong("emitter resistor half as large", d.scaled("RE", 0.5))
	q.wrong("collector and emitter exchanged", d.swapped("Q1", 1, 3))
	q.wrong("resistor at the wrong supply", d.with("RE", "out %s %s", other, num(re)))
	q.wrong("common emitter", d.with("Q1", "out in %s %s", end, model).with("RE", "out %s %s", other, num(re)))
	q.key = fmt.Sprint(kind, vcc, current, rest, source)
	return q.row(r, i)
}

// commonBase is a stage that is driven at its emitter.
func commonBase(r *generated.Rand, i int) (generated.Row, string) {
	vcc := generated.Pick(r, 9.0, 12.0, 15.0)
	rin := nice(r, 15, 300)
	gain := nice(r, 20, 120)
	most := 0.55 * vcc / thermal // of a collector resistor that leaves the transistor room
	if gain > 0.8*most {
		gain = digits(0.8*most*(0.5+0.5*r.Float()), 2)
	}
	const at = 50e3

	ve := digits(0.12*vcc, 3)
	// 1/rin = gm·(1+1/bf) + 1/re with re = ve/current.
	current := root(1e-6, 20e-3, func(c float64) float64 { return 1/(c/thermal*(1+1/qn.bf)+c/ve) - rin })
	gm := current / thermal
	rc := gain / gm
	supply := digits(1.6*current, 2)

	q := question{family: "common_base", parts: "RCQ", library: []string{"qn"}, limit: map[string]int{"Q": 1}}
	q.opening = []string{
		"Design a common-base amplifier with one NPN transistor.",
		fmt.Sprintf("A non-inverting stage with an input resistance of %s is wanted: one NPN in common-base connection.", si(rin, "Ω")),
		fmt.Sprintf("Make a one-transistor common-base stage with a gain of +%g.", gain),
	}
	q.port("vcc", "supply, %s", si(vcc, "V"))
	q.port("in", "input at the emitter; the bench couples its signal in through a large capacitor, so no direct current flows through the port: bring a path to ground for the emitter's current")
	q.port("out", "output at the collector, without load")
	q.run("amplifier", []string{"VCC vcc 0 DC " + num(vcc), "VS src 0 DC 0 AC 1", "CS src in 1"}, "op", "ac dec 5 1k 1meg")
	q.need("gain", near(acAt("amplifier", "signed_gain", "v(out)", at), gain, 0.12), "voltage gain from in to out at 50 kHz: +%g (not inverting) %s", gain, percent(0.12))
	q.need("input resistance", near(acAt("amplifier", "gain", "v(in)", at), rin, 0.12).over(acAt("amplifier", "gain", "i(VS)", at)), "input resistance at in at 50 kHz: %s %s", si(rin, "Ω"), percent(0.12))
	q.need("supply current", atMost(opValue("amplifier", "-i(VCC)"), supply), "current from vcc at rest: at most %s", si(supply, "A"))
	q.need("gain below", atLeast(acAt("amplifier", "gain", "v(out)", 2e3), 0.85).over(acAt("amplifier", "gain", "v(out)", at)), "the gain at 2 kHz is at least 85 %% of that at 50 kHz")

	d := deck{title: "common base"}
	vb := ve + qn.vbe(current, vcc-current*rc-ve)
	rb := 0.1 * current
	d.add("R1 vcc b %s", num((vcc-vb)/(rb+current/qn.bf)))
	d.add("R2 b 0 %s", num(vb/rb))
	d.add("CB b 0 100u")
	d.add("Q1 out b in qn")
	d.add("RE in 0 %s", num(ve/current))
	d.add("RC vcc out %s", num(rc))
	q.deck = d
	q.wrong("no base capacitor", d.without("CB"))
	q.wrong("no emitter resistor", d.without("RE"))
	q.wrong("collector resistor half as large", d.scaled("RC", 0.5))
	q.wrong("collector and emitter exchanged", d.swapped("Q1", 1, 3))
	q.wrong("signal at the base", d.with("Q1", "out in b qn"))
	q.key = fmt.Sprint(vcc, rin, gain)
	return q.row(r, i)
}

// pushPull is a complementary follower with a bias against crossover.
func pushPull(r *generated.Rand, i int) (generated.Row, string) {
	supply := generated.Pick(r, 5.0, 9.0, 12.0)
	load := nice(r, 20, 2e3)
	amplitude := digits(supply*(0.35+0.2*r.Float()), 2)
	peak := amplitude / load
	// The bias must carry the peak's base current where the input is highest, and
	// half as much again.
	resistor := (supply - amplitude - 0.9) / (1.5 * peak / qn.bf)
	rest := peak * (0.05 + 0.15*r.Float()) // of the output transistors
	emitter := load * (0.01 + 0.04*r.Float())
	base := qn.vbe(rest, supply) + rest*emitter
	through := (supply-base)/resistor - rest/qn.bf // the diodes
	quiet := digits((supply-base)/resistor+rest, 2)
	// A diode each way makes the base voltages, and a resistor more of it: the
	// diode has less voltage than the transistors.
	extra := (base - diode{1e-14, 1}.voltage(through) - 0.5*through) / through
	rout := digits(1/(1/load+2/(thermal/rest+emitter+(extra+thermal/through)/qn.bf)), 2)

	q := question{family: "push_pull", parts: "RCDQ", library: []string{"qn", "qp", "d1"}}
	q.opening = []string{
		fmt.Sprintf("Design a complementary (push-pull) emitter follower that drives %s with little crossover distortion.", si(load, "Ω")),
		fmt.Sprintf("A class-AB output stage of NPN and PNP transistors is wanted for a load of %s.", si(load, "Ω")),
		fmt.Sprintf("Make a bipolar push-pull buffer, biased against crossover distortion, for %s into %s.", si(amplitude, "V"), si(load, "Ω")),
	}
	q.port("vcc", "positive supply, %s", si(supply, "V"))
	q.port("vee", "negative supply, %s", si(-supply, "V"))
	q.port("in", "input, a voltage source of the bench without resistance")
	q.port("out", "output, loaded by the bench with %s to ground", si(load, "Ω"))
	rails := []string{"VCC vcc 0 DC " + num(supply), "VEE vee 0 DC " + num(-supply), "RL out 0 " + num(load)}
	q.run("sine", append([]string{fmt.Sprintf("VIN in 0 DC 0 SIN(0 %s 1k)", num(amplitude))}, rails...), "op", "tran 5u 4m 0 5u")
	q.run("small", append([]string{"VIN in 0 DC 0 SIN(0 0.2 1k)"}, rails...), "tran 5u 4m 0 5u")
	q.need("gain", between(tranIn("sine", "amplitude", "v(out)", 2e-3, 4e-3), digits(0.82*amplitude, 3), digits(1.01*amplitude, 3)), "with a 1 kHz sine of amplitude %s at in, the amplitude at out is between %s and %s", si(amplitude, "V"), si(digits(0.82*amplitude, 3), "V"), si(digits(1.01*amplitude, 3), "V"))
	thd := tranIn("sine", "thd", "v(out)", 2e-3, 4e-3)
	thd.At = P(1e3)
	q.need("distortion", atMost(thd, 0.03), "its total harmonic distortion (harmonics 2 to 9) is at most 3 %%")
	q.need("small signals", between(tranIn("small", "amplitude", "v(out)", 2e-3, 4e-3), 0.17, 0.205), "with an amplitude of 0.2 V at in, the amplitude at out is between 0.17 V and 0.205 V")
	q.need("quiescent current", near(opValue("sine", "-i(VCC)"), quiet, 0.2), "current from vcc with in at 0 V: %s %s", si(quiet, "A"), percent(0.2))
	q.run("output", append([]string{"VIN in 0 DC 0", "IOUT 0 out DC 0 AC 1"}, rails...), "ac dec 5 100 10k")
	q.need("output resistance", near(acAt("output", "gain", "v(out)", 1e3), rout, 0.25), "resistance seen at out at 1 kHz with in at 0 V (the load in place): %s %s", si(rout, "Ω"), percent(0.25))
	q.need("offset", within(opValue("sine", "v(out)"), 0, 0.1), "v(out) with in at 0 V: 0 V ±0.1 V")

	d := deck{title: "push-pull follower"}
	d.add("R1 vcc a %s", num(resistor))
	d.add("D1 a x d1")
	d.add("R5 x in %s", num(extra))
	d.add("R6 in y %s", num(extra))
	d.add("D2 y b d1")
	d.add("R2 b vee %s", num(resistor))
	d.add("Q1 vcc a u qn")
	d.add("Q2 vee b v qp")
	d.add("R3 u out %s", num(emitter))
	d.add("R4 v out %s", num(emitter))
	q.deck = d
	q.wrong("no bias", d.without("R1", "R2", "D1", "D2", "R5", "R6").word("Q1", 2, "in").word("Q2", 2, "in"))
	q.wrong("transistors exchanged", d.word("Q1", 4, "qp").word("Q2", 4, "qn"))
	q.wrong("NPN alone", d.without("Q2", "R4").withLine("R4 v out 1g").withLine("R9 v 0 1g"))
	q.wrong("one diode reversed", d.swapped("D1", 1, 2))
	q.wrong("bias resistors far too large", d.scaled("R1", 40).scaled("R2", 40))
	q.wrong("emitter resistors too large", d.with("R3", "u out %s", num(0.4*load)).with("R4", "v out %s", num(0.4*load)))
	q.key = fmt.Sprint(supply, load, amplitude, quiet)
	return q.row(r, i)
}
