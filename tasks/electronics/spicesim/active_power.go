package spicesim

import (
	"fmt"
	"math"

	"github.com/ailiance/lorabench/tasks/generated"
)

// seriesRegulator is a Zener diode and a transistor.
func seriesRegulator(r *generated.Rand, i int) (generated.Row, string) {
	out := nice(r, 3.3, 24)
	most := nice(r, 10e-3, 300e-3)
	lo := digits(math.Ceil(out+3), 3)
	hi := lo + generated.Pick(r, 3.0, 5.0, 8.0)
	least := digits(most/10, 2)
	q := question{family: "series_regulator", parts: "RDQ", library: []string{"qn"}, models: []string{"d"}}
	q.opening = []string{
		fmt.Sprintf("Design a linear voltage regulator for %s and up to %s with a Zener diode and an NPN pass transistor.", si(out, "V"), si(most, "A")),
		fmt.Sprintf("A series regulator (Zener diode at the base of an emitter follower) is wanted: %s out, %s to %s in, %s at most.", si(out, "V"), si(lo, "V"), si(hi, "V"), si(most, "A")),
		fmt.Sprintf("Make a simple transistor-and-Zener supply of %s for loads from %s to %s.", si(out, "V"), si(least, "A"), si(most, "A")),
	}
	q.port("vin", "unregulated input, %s to %s", si(lo, "V"), si(hi, "V"))
	q.port("out", "regulated output; the bench draws a current from it")
	for _, x := range []struct {
		name      string
		vin, load float64
	}{{"low line, full load", lo, most}, {"high line, full load", hi, most}, {"high line, light load", hi, least}} {
		q.run(x.name, []string{"VIN vin 0 DC " + num(x.vin), "IL out 0 DC " + num(x.load)}, "op")
	}
	tol := digits(math.Min(0.04*out, 0.35), 2) // less than the transistor's voltage
	middle := out
	q.need("output at low line, full load", within(opValue("low line, full load", "v(out)"), middle, tol), "v(out) with %s in and %s drawn: %s ±%s", si(lo, "V"), si(most, "A"), si(out, "V"), si(tol, "V"))
	q.need("output at high line, full load", within(opValue("high line, full load", "v(out)"), middle, tol), "v(out) with %s in and %s drawn: %s ±%s", si(hi, "V"), si(most, "A"), si(out, "V"), si(tol, "V"))
	q.need("output at high line, light load", within(opValue("high line, light load", "v(out)"), middle, tol+0.06), "v(out) with %s in and %s drawn: %s ±%s", si(hi, "V"), si(least, "A"), si(out, "V"), si(tol+0.06, "V"))
	line := digits(0.06+0.004*out, 1)
	q.need("line regulation", within(opValue("high line, full load", "v(out)"), 0, line).minus(opValue("low line, full load", "v(out)")), "at full load, v(out) changes by at most %s between %s and %s in", si(line, "V"), si(lo, "V"), si(hi, "V"))
	q.need("load regulation", within(opValue("high line, light load", "v(out)"), 0, 0.15).minus(opValue("high line, full load", "v(out)")), "at %s in, v(out) changes by at most 0.15 V between %s and %s drawn", si(hi, "V"), si(least, "A"), si(most, "A"))
	// The Zener's current is greatest at high line.
	zener := math.Max(2e-3, most/qn.bf)
	rz := (lo - out - qn.vbe(most, lo-out)) / (zener + most/qn.bf)
	own := digits(3*(hi-out-0.7)/rz, 2)
	q.need("own current", atMost(opValue("high line, light load", "-i(VIN)"), least+own), "current from vin with %s in and %s drawn: at most %s", si(hi, "V"), si(least, "A"), si(least+own, "A"))

	d := deck{title: "Zener regulator"}
	d.add("R1 vin b %s", num(rz))
	d.add("D1 0 b dz")
	d.add("Q1 vin b out qn")
	d.add(".model dz D(BV=%s IBV=%s)", num(out+qn.vbe(most, (lo+hi)/2-out)), num(zener))
	q.deck = d
	q.wrong("Zener diode reversed", d.swapped("D1", 1, 2))
	q.wrong("no series resistor", d.with("R1", "vin b 1meg"))
	q.wrong("Zener voltage without the transistor's", d.with(".model", "dz D(BV=%s IBV=%s)", num(out), num(zener)))
	q.wrong("no Zener diode", d.without("D1", ".model").withLine("R2 b 0 1meg"))
	q.wrong("collector and emitter exchanged", d.swapped("Q1", 1, 3))
	q.wrong("no transistor", d.without("Q1").withLine("R3 b out 0.1"))
	q.key = fmt.Sprint(out, most, lo, hi)
	return q.row(r, i)
}

// opampRegulator compares its output with a reference.
func opampRegulator(r *generated.Rand, i int) (generated.Row, string) {
	reference := generated.Pick(r, 1.25, 2.5)
	out := nice(r, 3, 20)
	most := nice(r, 150e-3, 800e-3) // more than the op-amp delivers alone
	lo := digits(math.Ceil(out+3), 3)
	hi := lo + generated.Pick(r, 3.0, 5.0, 8.0)
	least := digits(most/20, 2)
	q := question{family: "opamp_regulator", parts: "RCQX", library: []string{"opamp5", "qn"}}
	q.opening = []string{
		fmt.Sprintf("Design a linear regulator for %s and up to %s: an op-amp, an NPN pass transistor and a reference of %s.", si(out, "V"), si(most, "A"), si(reference, "V")),
		fmt.Sprintf("An op-amp-controlled series regulator is wanted that makes %s out of %s to %s; the reference is there.", si(out, "V"), si(lo, "V"), si(hi, "V")),
		fmt.Sprintf("Make a %s supply with an error amplifier and a pass transistor, for loads from %s to %s.", si(out, "V"), si(least, "A"), si(most, "A")),
	}
	q.port("vin", "unregulated input, %s to %s; it also supplies the op-amp (whose negative supply is 0)", si(lo, "V"), si(hi, "V"))
	q.port("ref", "reference voltage of the bench, %s", si(reference, "V"))
	q.port("out", "regulated output; the bench draws a current from it")
	ref := "VREF ref 0 DC " + num(reference)
	for _, x := range []struct {
		name      string
		vin, load float64
	}{{"low line, full load", lo, most}, {"high line, full load", hi, most}, {"high line, light load", hi, least}} {
		q.run(x.name, []string{"VIN vin 0 DC " + num(x.vin), ref, "IL out 0 DC " + num(x.load)}, "op")
	}
	const long = 12e-6
	q.run("load step", []string{"VIN vin 0 DC " + num(lo), ref, fmt.Sprintf("IL out 0 DC %s PULSE(%s %s 1u 0.1u 0.1u 5u 1)", num(least), num(least), num(most))}, "tran 0.1u 12u 0 10n")
	q.need("output", near(opValue("low line, full load", "v(out)"), out, 0.015), "v(out) with %s in and %s drawn: %s %s", si(lo, "V"), si(most, "A"), si(out, "V"), percent(0.015))
	q.need("line regulation", within(opValue("high line, full load", "v(out)"), 0, 0.01).minus(opValue("low line, full load", "v(out)")), "at full load, v(out) changes by at most 10 mV between %s and %s in", si(lo, "V"), si(hi, "V"))
	q.need("load regulation", within(opValue("high line, light load", "v(out)"), 0, 0.01).minus(opValue("high line, full load", "v(out)")), "at %s in, v(out) changes by at most 10 mV between %s and %s drawn", si(hi, "V"), si(least, "A"), si(most, "A"))
	q.need("after a step up", near(tranAt("load step", "v(out)", 6e-6), out, 0.02), "5 µs after the load steps from %s to %s, v(out) is %s %s", si(least, "A"), si(most, "A"), si(out, "V"), percent(0.02))
	q.need("after a step down", near(tranAt("load step", "v(out)", long), out, 0.02), "5.8 µs after it steps back, v(out) is %s %s", si(out, "V"), percent(0.02))
	own := digits(2e-3+most/qn.bf, 2)
	q.need("own current", atMost(opValue("high line, light load", "-i(VIN)"), least+own), "current from vin with %s in and %s drawn: at most %s", si(hi, "V"), si(least, "A"), si(least+own, "A"))

	d := deck{title: "op-amp regulator"}
	d.add("X1 ref n vin 0 b opamp5")
	d.add("Q1 vin b out qn")
	d.add("R1 out n %s", num(10e3*(out-reference)/reference))
	d.add("R2 n 0 10k")
	q.deck = d
	q.wrong("inputs exchanged", d.swapped("X1", 1, 2))
	q.wrong("no divider", d.without("R2").with("R1", "out n 1k"))
	q.wrong("divider wrong", d.scaled("R1", 1.2))
	q.wrong("feedback before the transistor", d.word("R1", 1, "b"))
	q.wrong("collector and emitter exchanged", d.swapped("Q1", 1, 3))
	q.wrong("no transistor", d.without("Q1").word("X1", 5, "out"))
	q.key = fmt.Sprint(reference, out, most)
	return q.row(r, i)
}

// currentSink turns a voltage into a current.
func currentSink(r *generated.Rand, i int) (generated.Row, string) {
	supply := generated.Pick(r, 9.0, 12.0, 15.0)
	current := nice(r, 0.5e-3, 100e-3) // at 1 V
	q := question{family: "voltage_to_current", parts: "RQMX", library: []string{"opamp5", "qn", "nch"}, values: mosSizes}
	small, big := digits(0.1*supply/(2*current), 2), digits(0.45*supply/(2*current), 2)
	q.opening = []string{
		fmt.Sprintf("Design a voltage-controlled current sink: %s per volt of v(in).", si(current, "A")),
		fmt.Sprintf("A circuit is wanted that draws %s times v(in)/1 V out of its load, whatever the load is (op-amp, transistor, sense resistor).", si(current, "A")),
		fmt.Sprintf("Make a precise voltage-to-current converter (sink) of %s.", si(current, "A/V")),
	}
	q.port("vcc", "supply, %s; the op-amp's negative supply is 0", si(supply, "V"))
	q.port("in", "input, 0 to 2 V, a voltage source of the bench")
	q.port("out", "output; the bench's load goes from vcc to here")
	for _, x := range []struct {
		name string
		load float64
	}{{"small load", small}, {"large load", big}} {
		q.run(x.name, []string{"VCC vcc 0 DC " + num(supply), "VIN in 0 DC 1", "VM vcc m DC 0", "RL m out " + num(x.load)}, "dc VIN 0 2 0.05")
		for _, v := range []float64{0.2, 1, 2} {
			q.need(fmt.Sprintf("current, %s, %g V", x.name, v), near(dcAt(x.name, "i(VM)", v), digits(v*current, 4), 0.03), "current through a load of %s with v(in) = %s: %s %s", si(x.load, "Ω"), si(v, "V"), si(digits(v*current, 4), "A"), percent(0.03))
		}
	}
	q.run("step", []string{"VCC vcc 0 DC " + num(supply), "VIN in 0 DC 0.2 PULSE(0.2 1 0.2u 20n 20n 1 2)", "VM vcc m DC 0", "RL m out " + num(big)}, "tran 20n 4u 0 5n")
	q.need("step response", near(tranAt("step", "i(VM)", 4e-6), current, 0.03), "3.8 µs after v(in) steps from 0.2 V to 1 V, the current through %s is %s %s", si(big, "Ω"), si(current, "A"), percent(0.03))

	sense := 1 / current
	d := deck{title: "voltage-controlled current sink"}
	d.add("X1 in e vcc 0 b opamp5")
	d.add("Q1 out b e qn")
	d.add("R1 e 0 %s", num(sense*(1+1/qn.bf)))
	q.deck = d
	q.wrong("inputs exchanged", d.swapped("X1", 1, 2))
	q.wrong("sense resistor larger by a tenth", d.scaled("R1", 1.1))
	q.wrong("no feedback of the current", d.word("X1", 2, "b"))
	q.wrong("collector and emitter exchanged", d.swapped("Q1", 1, 3))
	q.wrong("base to the emitter's resistor", d.word("Q1", 2, "e"))
	q.key = fmt.Sprint(supply, current)
	return q.row(r, i)
}

// precisionRectifier works far below a diode's voltage.
func precisionRectifier(r *generated.Rand, i int) (generated.Row, string) {
	q := question{family: "precision_rectifier", parts: "RDX", library: []string{"d1"}}
	full := r.Bool()
	positive := r.Bool() // half wave: which one passes
	supply := generated.Pick(r, 9.0, 12.0, 15.0)
	gain := nice(r, 0.4, 4)
	f := generated.Pick(r, 50.0, 100.0, 200.0, 400.0)
	big := digits(0.3*supply/gain*(0.6+0.4*r.Float()), 2)
	small := generated.Pick(r, 0.1, 0.15, 0.2, 0.25)
	formula := fmt.Sprintf("%g·|v(in)|", gain)
	word := "full-wave"
	sign := 1.0
	if !full {
		word = "half-wave"
		if positive {
			formula = fmt.Sprintf("%g·v(in) for positive v(in) and 0 for negative", gain)
		} else {
			sign = -1
			formula = fmt.Sprintf("%g·v(in) for negative v(in) and 0 for positive", gain)
		}
	} else if !positive {
		sign = -1
		formula = "−" + formula
	}
	q.opening = []string{
		fmt.Sprintf("Design a precision %s rectifier with op-amps: v(out) = %s.", word, formula),
		fmt.Sprintf("A %s rectifier without the diodes' voltage drop is wanted (op-amps and diodes): v(out) is %s.", word, formula),
		fmt.Sprintf("Make an active %s rectifier: v(out) = %s.", word, formula),
	}
	q.port("in", "input, a voltage source of the bench")
	q.port("out", "output, loaded by the bench with 100 kΩ")
	a := amplifier{"opamp5", supply}
	q.addAmplifier(a)
	period := 1 / f
	share := 1 / math.Pi
	if full {
		share = 2 / math.Pi
	}
	for _, amplitude := range []float64{small, big} {
		name := "amplitude " + si(amplitude, "V")
		q.run(name, a.bench(fmt.Sprintf("VIN in 0 DC 0 SIN(0 %s %s)", num(amplitude), num(f)), benchLoad(100e3)), fmt.Sprintf("tran %s %s 0 %s", num(period/400), exact(3*period), num(period/400)))
		from, to := period, 3*period
		mean := digits(sign*gain*amplitude*share, 3)
		q.need("mean for "+si(amplitude, "V"), near(tranIn(name, "mean", "v(out)", from, to), mean, 0.05), "with a %g Hz sine of amplitude %s at in, the mean of v(out) is %s %s", f, si(amplitude, "V"), si(mean, "V"), percent(0.05))
		peak, other := tranIn(name, "max", "v(out)", from, to), tranIn(name, "min", "v(out)", from, to)
		if sign < 0 {
			peak, other = other, peak
		}
		q.need("peak for "+si(amplitude, "V"), near(peak, digits(sign*gain*amplitude, 3), 0.05), "its peak is %s %s", si(digits(sign*gain*amplitude, 3), "V"), percent(0.05))
		q.need("other side for "+si(amplitude, "V"), within(other, 0, digits(0.05*gain*amplitude, 2)), "at the other side it stays within ±%s of 0", si(digits(0.05*gain*amplitude, 2), "V"))
	}

	d := deck{title: "precision rectifier"}
	if full {
		// Half-wave −v(in) at h, then out = −gain·(v(in) + 2·h).
		// For sign > 0, h = −v(in) for positive v(in).
		d.add("R1 in n 10k")
		d.add("R2 n h 10k")
		if sign > 0 {
			d.add("D1 h o d1")
			d.add("D2 o n d1")
		} else {
			d.add("D1 o h d1")
			d.add("D2 n o d1")
		}
		d.add("X1 0 n vcc vee o opamp5")
		d.add("R3 in m 20k")
		d.add("R4 h m 10k")
		d.add("R5 m out %s", num(20e3*gain))
		d.add("X2 0 m vcc vee out opamp5")
	} else {
		// Inverting half-wave rectifier, then an inverting amplifier.
		d.add("R1 in n 10k")
		d.add("R2 n h 10k")
		if sign > 0 {
			d.add("D1 h o d1")
			d.add("D2 o n d1")
		} else {
			d.add("D1 o h d1")
			d.add("D2 n o d1")
		}
		d.add("X1 0 n vcc vee o opamp5")
		d.add("R4 h m 10k")
		d.add("R5 m out %s", num(10e3*gain))
		d.add("X2 0 m vcc vee out opamp5")
	}
	q.deck = d
	q.wrong("diodes reversed", d.swapped("D1", 1, 2).swapped("D2", 1, 2))
	q.wrong("inputs of the first op-amp exchanged", d.swapped("X1", 1, 2))
	q.wrong("one resistor wrong", d.scaled("R4", 2))
	q.wrong("gain wrong", d.scaled("R5", 1.2))
	q.wrong("a diode alone", func() deck {
		x := deck{title: "diode"}
		if sign > 0 {
			x.add("D1 in out d1")
		} else {
			x.add("D1 out in d1")
		}
		x.add("R1 out 0 10k")
		x.add("X1 0 n vcc vee n opamp5")
		return x
	}())
	q.key = fmt.Sprint(full, positive, supply, gain, f, big, small)
	return q.row(r, i)
}

// precisionClamp follows its input up to a limit.
func precisionClamp(r *generated.Rand, i int) (generated.Row, string) {
	q := question{family: "active_clamp", parts: "RDX", library: []string{"d1"}}
	supply := generated.Pick(r, 9.0, 12.0, 15.0)
	upper := r.IntN(3) > 0
	lower := !upper || r.Bool()
	hi := uniform(r, 0.3, 5, 0.1)
	lo := -uniform(r, 0.3, 5, 0.1)
	if upper && lower {
		lo = digits(hi-uniform(r, 1, 6, 0.1), 4)
		if lo == 0 {
			lo = -0.1
		}
	}
	limits, words := "", ""
	switch {
	case upper && lower:
		limits, words = fmt.Sprintf("%s and %s", si(lo, "V"), si(hi, "V")), "between"
	case upper:
		limits, words = si(hi, "V"), "below"
	default:
		limits, words = si(lo, "V"), "above"
	}
	q.opening = []string{
		fmt.Sprintf("Design a precision limiter (active clamp) with op-amps: v(out) = v(in) while that is %s %s, and stays at the limit beyond.", words, limits),
		fmt.Sprintf("An active clamp is wanted that keeps v(out) %s %s and else lets the input pass unchanged.", words, limits),
		fmt.Sprintf("Make an op-amp clamp circuit with its limit at %s; within it the output equals the input.", limits),
	}
	q.port("in", "input, a voltage source of the bench")
	q.port("out", "output, loaded by the bench with 10 MΩ")
	a := amplifier{"opamp5", supply}
	q.addAmplifier(a)
	q.run("sweep", a.bench("VIN in 0 DC 0", benchLoad(10e6)), fmt.Sprintf("dc VIN %s %s 0.02", num(-0.8*supply), num(0.8*supply)))
	end := digits(0.8*supply, 3)
	q.run("sine", a.bench(fmt.Sprintf("VIN in 0 DC 0 SIN(0 %s 100)", num(end)), benchLoad(10e6)), "tran 20u 20m 0 20u")
	check := func(name string, x, y, tol float64) {
		q.need(name, within(dcAt("sweep", "v(out)", x), y, tol), "v(out) with v(in) = %s: %s ±%s", si(x, "V"), si(y, "V"), si(tol, "V"))
	}
	var inside []float64
	switch {
	case upper && lower:
		inside = []float64{digits(lo+0.2*(hi-lo), 3), digits(hi-0.2*(hi-lo), 3)}
	case upper:
		inside = []float64{digits(-0.6*supply, 3), digits(hi-0.2, 3)}
	default:
		inside = []float64{digits(lo+0.2, 3), digits(0.6*supply, 3)}
	}
	for _, x := range inside {
		check("inside at "+si(x, "V"), x, x, 0.05)
	}
	if upper {
		check("just above the limit", digits(hi+0.3, 4), hi, 0.06)
		check("far above the limit", end, hi, 0.06)
		q.need("highest value", within(tranIn("sine", "max", "v(out)", 10e-3, 20e-3), hi, 0.1), "with a 100 Hz sine of amplitude %s at in, the highest v(out) is %s ±0.1 V", si(end, "V"), si(hi, "V"))
	}
	if lower {
		check("just below the limit", digits(lo-0.3, 4), lo, 0.06)
		check("far below the limit", -end, lo, 0.06)
		q.need("lowest value", within(tranIn("sine", "min", "v(out)", 10e-3, 20e-3), lo, 0.1), "with a 100 Hz sine of amplitude %s at in, the lowest v(out) is %s ±0.1 V", si(end, "V"), si(lo, "V"))
	}

	d := deck{title: "precision clamp"}
	d.add("R1 in out 10k")
	reference := func(n int, v float64) string {
		if v == 0 {
			return "0"
		}
		name := fmt.Sprintf("r%d", n)
		rail := "vcc"
		if v < 0 {
			rail = "vee"
		}
		share := math.Abs(v) / supply
		d.add("RA%d %s %s %s", n, rail, name, num(10e3*(1-share)))
		d.add("RB%d %s 0 %s", n, name, num(10e3*share))
		return name
	}
	if upper {
		d.add("X1 %s out vcc vee o1 opamp5", reference(1, hi))
		d.add("D1 out o1 d1")
	}
	if lower {
		d.add("X2 %s out vcc vee o2 opamp5", reference(2, lo))
		d.add("D2 o2 out d1")
	}
	q.deck = d
	x, dd, ra := "X1", "D1", "RA1"
	if !upper {
		x, dd, ra = "X2", "D2", "RA2"
	}
	q.wrong("diode reversed", d.swapped(dd, 1, 2))
	q.wrong("inputs exchanged", d.swapped(x, 1, 2))
	q.wrong("limit wrong", d.scaled(ra, 0.75))
	q.wrong("no clamp", d.without(dd))
	q.wrong("no series resistor", d.with("R1", "in out 1"))
	q.key = fmt.Sprint(upper, lower, hi, lo, supply)
	return q.row(r, i)
}

// peakDetector holds the highest value of its input.
func peakDetector(r *generated.Rand, i int) (generated.Row, string) {
	q := question{family: "peak_detector", parts: "RCDX", library: []string{"d1"}}
	supply := generated.Pick(r, 9.0, 12.0, 15.0)
	positive := r.Bool()
	f := nice(r, 100, 2e3)
	tau := digits(nice(r, 8, 40)/f, 2) // of the discharge
	amplitude := digits(0.35*supply*(0.5+0.5*r.Float()), 2)
	small := digits(amplitude/4, 2)
	sign, word, kind := 1.0, "positive", "highest"
	if !positive {
		sign, word, kind = -1, "negative", "lowest"
	}
	q.opening = []string{
		fmt.Sprintf("Design a precision peak detector with op-amps for the %s peaks of its input, with a discharge time constant of %s.", word, si(tau, "s")),
		fmt.Sprintf("A circuit is wanted that holds the %s value of a sine and forgets it with a time constant of %s.", kind, si(tau, "s")),
		fmt.Sprintf("Make an active %s-peak detector (op-amps, diode, capacitor) that decays with %s.", word, si(tau, "s")),
	}
	q.port("in", "input, a voltage source of the bench")
	q.port("out", "output (buffered), loaded by the bench with 10 kΩ")
	a := amplifier{"opamp5", supply}
	q.addAmplifier(a)
	period := digits(1/f, 4)
	// A pulse that rises and falls slowly enough for the op-amp.
	rise, stop := digits(0.1*period, 3), digits(0.5*period, 3)
	hold := digits(stop+tau, 4)
	q.run("hold", a.bench(fmt.Sprintf("VIN in 0 DC 0 PULSE(0 %s %s %s %s %s 1k)", num(sign*amplitude), num(0.1*period), num(rise), num(rise), num(stop-2*rise)), benchLoad(10e3)), fmt.Sprintf("tran %s %s 0 %s", num(period/300), num(hold), num(period/100)))
	q.run("small", a.bench(fmt.Sprintf("VIN in 0 DC 0 SIN(0 %s %s)", num(small), num(f)), benchLoad(10e3)), fmt.Sprintf("tran %s %s 0 %s", num(period/300), num(digits(5*period, 4)), num(period/100)))
	q.need("peak", near(tranAt("hold", "v(out)", stop), sign*amplitude, 0.05), "v(in) is 0, then %s until t = %s, then 0 again: at t = %s, v(out) is %s %s", si(sign*amplitude, "V"), si(stop, "s"), si(stop, "s"), si(sign*amplitude, "V"), percent(0.05))
	q.need("decay", near(tranAt("hold", "v(out)", hold), digits(sign*amplitude*math.Exp(-1), 3), 0.12), "%s later it is %s %s", si(digits(hold-stop, 4), "s"), si(digits(sign*amplitude*math.Exp(-1), 3), "V"), percent(0.12))
	m := tranIn("small", "mean", "v(out)", digits(3*period, 4), digits(5*period, 4))
	// Between peaks it decays: the mean lies a little below.
	mean := digits(sign*small*(1-0.5*period/tau), 3)
	q.need("small peak", near(m, mean, 0.1), "with a continuous %g Hz sine of amplitude %s, the mean of v(out) over whole periods is %s %s", f, si(small, "V"), si(mean, "V"), percent(0.1))

	d := deck{title: "peak detector"}
	// Small against the 10 MΩ of the op-amps.
	const res = 300e3
	c := tau / res
	d.add("X1 in h vcc vee o opamp5")
	if positive {
		d.add("D1 o h d1")
	} else {
		d.add("D1 h o d1")
	}
	d.add("C1 h 0 %s", num(c))
	d.add("R1 h 0 %s", num(res))
	d.add("X2 h out vcc vee out opamp5")
	q.deck = d
	q.wrong("diode reversed", d.swapped("D1", 1, 2))
	q.wrong("no discharge", d.scaled("R1", 20))
	q.wrong("no capacitor", d.without("C1"))
	q.wrong("time constant wrong", d.scaled("C1", 2))
	q.wrong("inputs exchanged", d.swapped("X1", 1, 2))
	q.key = fmt.Sprint(positive, f, tau, amplitude)
	return q.row(r, i)
}

// hBridge drives a load in both directions.
func hBridge(r *generated.Rand, i int) (generated.Row, string) {
	vm := generated.Pick(r, 3.3, 5.0, 6.0, 9.0, 12.0)
	load := nice(r, 10, 1e3)
	drop := digits(vm*(0.03+0.1*r.Float()), 2) // of both transistors together
	load = digits(math.Max(load, (vm-drop)/(5000*pch.current(1, vm, 0.3*drop))), 2)
	current := (vm - drop) / load
	low := digits(drop*(0.3+0.4*r.Float()), 2) // of the NMOS transistor
	q := question{family: "h_bridge", parts: "RM", library: []string{"nch", "pch"}, values: mosSizes}
	q.opening = []string{
		fmt.Sprintf("Design an H-bridge of MOS transistors that drives a load of %s forwards and backwards from %s.", si(load, "Ω"), si(vm, "V")),
		fmt.Sprintf("A full bridge (PMOS to the supply, NMOS to ground) is wanted for a DC motor that looks like %s; two logic inputs choose the direction.", si(load, "Ω")),
		"Make an H-bridge driver with two inputs: one end of the load follows fwd, the other follows rev.",
	}
	q.port("vm", "supply, %s", si(vm, "V"))
	q.port("fwd", "logic input, 0 or %s", si(vm, "V"))
	q.port("rev", "logic input, 0 or %s", si(vm, "V"))
	q.port("p", "one end of the load, high while fwd is high")
	q.port("m", "the other end of the load, high while rev is high; the bench has %s between p and m", si(load, "Ω"))
	tol := digits(0.13*drop, 2)
	for _, x := range []struct {
		name, text string
		fwd, rev   float64
	}{
		{"forwards", "fwd high and rev low", vm, 0}, {"backwards", "fwd low and rev high", 0, vm},
		{"braked low", "both inputs low", 0, 0}, {"braked high", "both inputs high", vm, vm},
	} {
		q.run(x.name, []string{"VM vm 0 DC " + num(vm), "VF fwd 0 DC " + num(x.fwd), "VR rev 0 DC " + num(x.rev), "RL p m " + num(load)}, "op")
		drive := opValue(x.name, "v(p,m)")
		switch {
		case x.fwd > x.rev:
			q.need("drive "+x.name, within(drive, vm-drop, tol), "%s: v(p)−v(m) = +%s ±%s", x.text, si(digits(vm-drop, 4), "V"), si(tol, "V"))
			q.need("low side", near(opValue(x.name, "v(m)"), low, 0.15), "v(m) then: %s %s", si(low, "V"), percent(0.15))
		case x.fwd < x.rev:
			q.need("drive "+x.name, within(drive, drop-vm, tol), "%s: v(p)−v(m) = %s ±%s", x.text, si(digits(drop-vm, 4), "V"), si(tol, "V"))
		default:
			q.need("drive "+x.name, within(drive, 0, 0.02), "%s: v(p)−v(m) = 0 ±20 mV", x.text)
		}
		idle := 10e-6
		if x.fwd != x.rev {
			idle = current * 1.15
		}
		q.need("supply current "+x.name, atMost(opValue(x.name, "-i(VM)"), digits(idle, 3)), "the current from vm then: at most %s", si(digits(idle, 3), "A"))
	}

	wn := current / nch.current(1, vm, low)
	wp := current / pch.current(1, vm, drop-low)
	d := deck{title: "H-bridge"}
	for k, side := range []struct{ in, out string }{{"fwd", "p"}, {"rev", "m"}} {
		pre := fmt.Sprintf("x%d", k+1)
		d.add("MN%d %s %s 0 0 nch W=10u L=1u", k+1, pre, side.in)
		d.add("MP%d %s %s vm vm pch W=25u L=1u", k+1, pre, side.in)
		d.add("MA%d %s %s 0 0 nch %s", k+1, side.out, pre, sizes(wn))
		d.add("MB%d %s %s vm vm pch %s", k+1, side.out, pre, sizes(wp))
	}
	q.deck = d
	q.wrong("direction turned around", d.word("MN1", 2, "rev").word("MP1", 2, "rev").word("MN2", 2, "fwd").word("MP2", 2, "fwd"))
	q.wrong("transistors too narrow", d.size("MA1", 0.4).size("MA2", 0.4).size("MB1", 0.4).size("MB2", 0.4))
	q.wrong("one side inverted", d.word("MA2", 2, "rev").word("MB2", 2, "rev"))
	q.wrong("a transistor missing", missing(d, "MA2"))
	q.wrong("PMOS transistors upside down", d.with("MB1", "p x1 0 0 pch %s", sizes(wp)).with("MB2", "m x2 0 0 pch %s", sizes(wp)))
	q.key = fmt.Sprint(vm, load, drop, low)
	return q.row(r, i)
}
