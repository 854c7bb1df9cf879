package spicesim

import (
	"fmt"
	"math"

	"github.com/ailiance/lorabench/tasks/generated"
)

// amplifier is the op-amp of a question: the linear one without supplies, or the
// one that is limited by its supplies.
type amplifier struct {
	name   string
	supply float64 // of opamp5: ±supply
}

// amplifier picks one, and adds its supplies to the ports.
func (q *question) amplifier(r *generated.Rand) amplifier {
	a := amplifier{name: "opamp"}
	if r.Bool() {
		a = amplifier{"opamp5", generated.Pick(r, 5.0, 9.0, 12.0, 15.0)}
	}
	q.addAmplifier(a)
	return a
}

func (q *question) addAmplifier(a amplifier) {
	q.library = append(q.library, a.name)
	if a.supply > 0 {
		q.port("vcc", "positive supply of the op-amp, %s", si(a.supply, "V"))
		q.port("vee", "negative supply of the op-amp, %s", si(-a.supply, "V"))
	}
}

// bench adds the op-amp's supplies to our circuit.
func (a amplifier) bench(circuit ...string) []string {
	if a.supply == 0 {
		return circuit
	}
	return append(circuit, "VCC vcc 0 DC "+num(a.supply), "VEE vee 0 DC "+num(-a.supply))
}

// opamp adds an op-amp.
func (d *deck) opamp(name, plus, minus, out string, a amplifier) {
	if a.supply == 0 {
		d.add("%s %s %s %s opamp", name, plus, minus, out)
		return
	}
	d.add("%s %s %s vcc vee %s opamp5", name, plus, minus, out)
}

// tau is the time constant of the op-amp with all of its output fed back.
func (a amplifier) tau() float64 {
	if a.supply == 0 {
		return 1 / (2 * math.Pi * 1e6)
	}
	return 1 / (2 * math.Pi * 10e6)
}

// stepTime is how long a run must be for a feedback of the wrong sign to show,
// where noise is 1 over the part of the output that is fed back.
func (a amplifier) stepTime(noise float64) float64 {
	t := 25 * a.tau() * noise
	if a.supply > 0 {
		t += 0.5e-6 // slewing
	}
	return digits(t, 3)
}

// fine is an analysis whose steps are short enough for an unstable feedback to
// run away: with longer ones the integration damps what it cannot follow.
func (a amplifier) fine(seconds float64) string {
	return fmt.Sprintf("tran %s %s 0 %s", num(seconds/100), num(seconds), num(math.Min(seconds/100, 0.3*a.tau())))
}

// stepUp is a step of a voltage early in a run.
func stepUp(name, node string, size, seconds float64) string {
	return fmt.Sprintf("%s %s 0 DC 0 PULSE(0 %s %s %s %s 1 2)", name, node, num(size), num(seconds/50), num(seconds/500), num(seconds/500))
}

// followStep steps the input, and wants the output to follow soon: it finds
// feedback of the wrong sign, which small signals do not show.
func (q *question) followStep(a amplifier, size, noise, output float64, others ...string) {
	seconds := a.stepTime(noise)
	q.run("step", a.bench(append([]string{stepUp("VIN", "in", size, seconds)}, others...)...), a.fine(seconds))
	q.need("step response", near(tranAt("step", "v(out)", seconds), output, 0.05), "%s after a step of v(in) from 0 to %s, v(out) has come to %s %s (so the feedback must be stable)", si(seconds, "s"), si(size, "V"), si(output, "V"), percent(0.05))
}

// stays steps the input, and wants the output not to run away.
func (q *question) stays(a amplifier, size, noise, low, high float64, others ...string) {
	seconds := a.stepTime(noise)
	q.run("stability", a.bench(append([]string{stepUp("VIN", "in", size, seconds)}, others...)...), a.fine(seconds))
	q.need("stability", between(tranAt("stability", "v(out)", seconds), low, high), "the circuit is stable: already %s after a step of v(in) from 0 to %s, v(out) is between %s and %s", si(seconds, "s"), si(size, "V"), si(low, "V"), si(high, "V"))
}

// benchLoad is a load at the output.
func benchLoad(ohms float64) string { return "RL out 0 " + num(ohms) }

func invertingAmplifier(r *generated.Rand, i int) (generated.Row, string) {
	q := question{family: "inverting_amplifier", parts: "RCX"}
	q.port("in", "input, a voltage source of the bench")
	q.port("out", "output, loaded by the bench with 10 kΩ")
	a := q.amplifier(r)
	gain := nice(r, 0.3, 60)
	rin := nice(r, 1e3, 100e3)
	q.opening = []string{
		fmt.Sprintf("Design an inverting amplifier with an op-amp: gain −%g, input resistance %s.", gain, si(rin, "Ω")),
		fmt.Sprintf("An op-amp circuit is wanted that multiplies its input by −%g and loads its source with %s.", gain, si(rin, "Ω")),
		fmt.Sprintf("Make an op-amp stage with v(out) = −%g·v(in); seen from the source it shall look like %s.", gain, si(rin, "Ω")),
	}
	q.run("gain", a.bench("VIN in 0 DC 0 AC 1", benchLoad(10e3)), "ac dec 5 10 10k")
	q.need("gain", near(acAt("gain", "signed_gain", "v(out)", 100), -gain, 0.04), "gain at 100 Hz: −%g %s", gain, percent(0.04))
	q.need("input resistance", near(acAt("gain", "gain", "v(in)", 100), rin, 0.05).over(acAt("gain", "gain", "i(VIN)", 100)), "input resistance at 100 Hz: %s %s", si(rin, "Ω"), percent(0.05))
	size := digits(math.Min(1, 2/gain), 2)
	q.followStep(a, size, 1+gain, digits(-gain*size, 4), benchLoad(10e3))

	d := deck{title: "inverting amplifier"}
	d.add("R1 in n %s", num(rin))
	d.add("R2 n out %s", num(rin*gain))
	d.opamp("X1", "0", "n", "out", a)
	q.deck = d
	q.wrong("inputs exchanged", d.swapped("X1", 1, 2))
	q.wrong("feedback twice as large", d.scaled("R2", 2))
	q.wrong("no feedback", d.without("R2"))
	q.wrong("not inverting", d.with("R1", "0 n %s", num(rin)).word("X1", 1, "in"))
	q.wrong("both resistors three times as large", d.scaled("R1", 3).scaled("R2", 3))
	q.key = fmt.Sprint(gain, rin)
	return q.row(r, i)
}

func nonInvertingAmplifier(r *generated.Rand, i int) (generated.Row, string) {
	q := question{family: "non_inverting_amplifier", parts: "RCX"}
	q.port("in", "input, a voltage source of the bench")
	load := generated.Pick(r, 2e3, 5e3, 10e3, 20e3)
	q.port("out", "output, loaded by the bench with %s", si(load, "Ω"))
	a := q.amplifier(r)
	gain := nice(r, 1.3, 60)
	q.opening = []string{
		fmt.Sprintf("Design a non-inverting op-amp amplifier with a gain of %g.", gain),
		fmt.Sprintf("An op-amp circuit is wanted with v(out) = +%g·v(in) that hardly loads its source.", gain),
		fmt.Sprintf("Make a voltage amplifier of gain +%g with an op-amp and a very high input resistance.", gain),
	}
	q.run("gain", a.bench("VIN in 0 DC 0 AC 1", benchLoad(load)), "ac dec 5 10 10k")
	q.need("gain", near(acAt("gain", "signed_gain", "v(out)", 100), gain, 0.03), "gain at 100 Hz: +%g %s", gain, percent(0.03))
	q.need("input resistance", atLeast(acAt("gain", "gain", "v(in)", 100), 1e6).over(acAt("gain", "gain", "i(VIN)", 100)), "input resistance at 100 Hz: at least 1 MΩ")
	size := digits(math.Min(1, 3/gain), 2)
	q.followStep(a, size, gain, digits(gain*size, 4), benchLoad(load))

	d := deck{title: "non-inverting amplifier"}
	d.opamp("X1", "in", "n", "out", a)
	d.add("R1 n 0 10k")
	d.add("R2 n out %s", num(10e3*(gain-1)))
	q.deck = d
	q.wrong("inputs exchanged", d.swapped("X1", 1, 2))
	q.wrong("feedback half as large again", d.scaled("R2", 1+0.15*gain/(gain-1)))
	q.wrong("a follower", d.without("R1", "R2").withLine("R2 n out 1"))
	q.wrong("inverting", d.with("R1", "n in 10k").word("X1", 1, "0"))
	q.wrong("resistors exchanged with the output open", d.without("R2").withLine("R2 n 0 10k"))
	q.key = fmt.Sprint(gain, load, a.name)
	return q.row(r, i)
}

func integrator(r *generated.Rand, i int) (generated.Row, string) {
	q := question{family: "integrator", parts: "RCX"}
	q.port("in", "input, a voltage source of the bench")
	q.port("out", "output, loaded by the bench with 10 kΩ")
	a := q.amplifier(r)
	f := nice(r, 20, 5e3)
	rin := nice(r, 2e3, 50e3)
	dc := nice(r, 20, 100)
	q.opening = []string{
		fmt.Sprintf("Design an inverting integrator with an op-amp: its gain is 1 at %s, and a resistor limits it to %g at DC.", si(f, "Hz"), dc),
		fmt.Sprintf("An op-amp integrator (lossy, DC gain %g) is wanted whose gain falls through 1 at %s.", dc, si(f, "Hz")),
		fmt.Sprintf("Make a Miller integrator with an op-amp: unity gain at %s, input resistance %s, DC gain limited to %g.", si(f, "Hz"), si(rin, "Ω"), dc),
	}
	tau := 1 / (2 * math.Pi * f)
	q.run("gain", a.bench("VIN in 0 DC 0 AC 1", benchLoad(10e3)), fmt.Sprintf("ac dec 10 %s %s", num(f/1000), num(20*f)))
	q.need("gain at the unity frequency", near(acAt("gain", "gain", "v(out)", f), 1, 0.06), "gain at %s: 1 %s", si(f, "Hz"), percent(0.06))
	q.need("gain below", near(acAt("gain", "gain", "v(out)", 10*f), 0.1, 0.06), "gain at %s: 0.1 %s", si(10*f, "Hz"), percent(0.06))
	q.need("phase", within(acAt("gain", "phase", "v(out)", f), 90, 6), "phase of out against in at %s: +90° ±6° (inverting integrator)", si(f, "Hz"))
	q.need("DC gain", near(acAt("gain", "gain", "v(out)", f/1000), dc, 0.1), "gain at %s: %g %s", si(f/1000, "Hz"), dc, percent(0.1))
	q.need("input resistance", near(acAt("gain", "gain", "v(in)", f), rin, 0.08).over(acAt("gain", "gain", "i(VIN)", f)), "input resistance at %s: %s %s", si(f, "Hz"), si(rin, "Ω"), percent(0.08))
	start, length := digits(tau/2, 3), digits(2*tau, 3)
	q.run("step", a.bench(fmt.Sprintf("VIN in 0 DC 0 PULSE(0 0.5 %s %s %s 1k 2k)", num(start), num(tau/1000), num(tau/1000)), benchLoad(10e3)), fmt.Sprintf("tran %s %s", num(tau/100), exact(start+length)))
	after := digits(-0.5*dc*(1-math.Exp(-length/(tau*dc))), 3)
	q.need("ramp", near(tranAt("step", "v(out)", start+length), after, 0.07), "%s after a step of v(in) from 0 to 0.5 V, v(out) is %s %s", si(length, "s"), si(after, "V"), percent(0.07))
	q.stays(a, 0.5, 1, -0.1, 0.1, benchLoad(10e3))

	d := deck{title: "integrator"}
	d.add("R1 in n %s", num(rin))
	d.add("C1 n out %s", num(tau/rin))
	d.add("R2 n out %s", num(dc*rin))
	d.opamp("X1", "0", "n", "out", a)
	q.deck = d
	q.wrong("inputs exchanged", d.swapped("X1", 1, 2))
	q.wrong("capacitor twice as large", d.scaled("C1", 2))
	q.wrong("no resistor at the capacitor", d.without("R2").withLine("R2 n out %s", num(dc*rin*30)))
	q.wrong("capacitor and resistor exchanged", d.with("R1", "n out %s", num(rin)).with("C1", "in n %s", num(tau/rin)))
	q.wrong("capacitor to ground", d.with("C1", "n 0 %s", num(tau/rin)))
	q.key = fmt.Sprint(f, rin, dc)
	return q.row(r, i)
}

func differentiator(r *generated.Rand, i int) (generated.Row, string) {
	q := question{family: "differentiator", parts: "RCX"}
	q.port("in", "input, a voltage source of the bench")
	q.port("out", "output, loaded by the bench with 10 kΩ")
	a := q.amplifier(r)
	f := nice(r, 20, 1e3)
	most := nice(r, 5, 20)
	q.opening = []string{
		fmt.Sprintf("Design an inverting differentiator with an op-amp: its gain is 1 at %s and rises with frequency, but never beyond %g.", si(f, "Hz"), digits(1.1*most, 3)),
		fmt.Sprintf("An op-amp differentiator is wanted with unity gain at %s and a series resistor that limits the gain at high frequencies.", si(f, "Hz")),
		fmt.Sprintf("Make a practical (gain-limited) op-amp differentiator: v(out) = −T·dv(in)/dt with T = %s.", si(digits(1/(2*math.Pi*f), 3), "s")),
	}
	tau := 1 / (2 * math.Pi * f)
	q.run("gain", a.bench("VIN in 0 DC 0 AC 1", benchLoad(10e3)), fmt.Sprintf("ac dec 20 %s 1meg", num(f/20)))
	q.need("gain", near(acAt("gain", "gain", "v(out)", f), 1, 0.06), "gain at %s: 1 %s", si(f, "Hz"), percent(0.06))
	q.need("gain below", near(acAt("gain", "gain", "v(out)", f/10), 0.1, 0.06), "gain at %s: 0.1 %s", si(f/10, "Hz"), percent(0.06))
	q.need("phase", within(acAt("gain", "phase", "v(out)", f/10), -90, 6), "phase of out against in at %s: −90° ±6° (inverting differentiator)", si(f/10, "Hz"))
	limit := Measure{Run: "gain", Analysis: "ac", Kind: "max_db", Signal: "v(out)"}
	q.need("greatest gain", between(limit, digits(20*math.Log10(0.6*most), 4), digits(20*math.Log10(1.1*most), 4)), "greatest gain of all frequencies up to 1 MHz: between %g dB and %g dB", digits(20*math.Log10(0.6*most), 4), digits(20*math.Log10(1.1*most), 4))
	ramp := 5 * tau
	q.run("ramp", a.bench(fmt.Sprintf("VIN in 0 DC 0 PWL(0 0 %s 0 %s 2.5)", exact(tau), exact(tau+ramp)), benchLoad(10e3)), fmt.Sprintf("tran %s %s", num(tau/100), exact(tau+ramp)))
	q.need("ramp", near(tranAt("ramp", "v(out)", tau+0.9*ramp), -0.5, 0.06), "while v(in) rises from 0 by 2.5 V in %s, v(out) settles at −0.5 V %s", si(ramp, "s"), percent(0.06))

	size := digits(0.5/most, 2)
	q.stays(a, size, 1+most, digits(-1.3*size*most, 2), 0.1, benchLoad(10e3))

	const rf = 20e3
	d := deck{title: "differentiator"}
	d.add("R1 in x %s", num(rf/(0.9*most)))
	d.add("C1 x n %s", num(tau/rf))
	d.add("R2 n out %s", num(rf))
	d.opamp("X1", "0", "n", "out", a)
	q.deck = d
	q.wrong("inputs exchanged", d.swapped("X1", 1, 2))
	q.wrong("capacitor half as large", d.scaled("C1", 0.5))
	q.wrong("no series resistor", d.without("R1").word("C1", 1, "in"))
	q.wrong("an integrator", d.with("C1", "n out %s", num(tau/rf)).with("R2", "x n %s", num(rf)))
	q.wrong("no feedback", d.without("R2"))
	q.key = fmt.Sprint(f, most)
	return q.row(r, i)
}

func adder(r *generated.Rand, i int) (generated.Row, string) {
	q := question{family: "adder", parts: "RX"}
	n := generated.Pick(r, 2, 2, 3)
	inverting := r.IntN(3) > 0
	weights := make([]float64, n)
	sum := 0.0
	for k := range weights {
		weights[k] = nice(r, 0.3, 8)
		sum += weights[k]
	}
	for k := range n {
		q.port(fmt.Sprintf("in%d", k+1), "input %d, a voltage source of the bench", k+1)
	}
	q.port("out", "output, loaded by the bench with 10 kΩ")
	a := q.amplifier(r)
	formula, sign := "", 1.0
	for k, w := range weights {
		if inverting {
			formula += fmt.Sprintf(" − %g·v(in%d)", w, k+1)
		} else {
			formula += fmt.Sprintf(" + %g·v(in%d)", w, k+1)
		}
	}
	formula = "v(out) =" + formula
	word := "non-inverting"
	if inverting {
		word, sign = "inverting", -1
	} else {
		formula = "v(out) = " + formula[len("v(out) = + "):]
	}
	q.opening = []string{
		fmt.Sprintf("Design %s summing amplifier with op-amps: %s.", map[bool]string{true: "an inverting", false: "a non-inverting"}[inverting], formula),
		fmt.Sprintf("Add %d voltages with weights by op-amps (%s): %s.", n, word, formula),
		fmt.Sprintf("An op-amp adder is wanted that makes %s.", formula),
	}
	seconds := a.stepTime(2 * (2 + sum))
	var steps []string
	total := 0.0
	for k, w := range weights {
		circuit := []string{}
		for j := range n {
			wave := "DC 0"
			if j == k {
				wave = "DC 0 AC 1"
			}
			circuit = append(circuit, fmt.Sprintf("VIN%d in%d 0 %s", j+1, j+1, wave))
		}
		name := fmt.Sprintf("input %d", k+1)
		q.run(name, a.bench(append(circuit, benchLoad(10e3))...), "ac dec 5 10 1k")
		q.need("weight of "+name, near(acAt(name, "signed_gain", "v(out)", 100), sign*w, 0.04), "gain from in%d to out at 100 Hz, the other inputs at 0 V: %s %s", k+1, plusMinus(sign*w), percent(0.04))
		v := digits(0.5*float64(k+1)/sum, 2)
		steps = append(steps, stepUp(fmt.Sprintf("VIN%d", k+1), fmt.Sprintf("in%d", k+1), v, seconds))
		total += sign * w * v
	}
	q.run("step", a.bench(append(steps, benchLoad(10e3))...), a.fine(seconds))
	q.need("step response", within(tranAt("step", "v(out)", seconds), digits(total, 3), 0.05*math.Abs(total)), "%s after the inputs step together from 0 to %s, v(out) has come to %s %s (so the feedback must be stable)", si(seconds, "s"), stepsText(n, sum), si(digits(total, 3), "V"), percent(0.05))

	d := deck{title: word + " adder"}
	if inverting {
		for k, w := range weights {
			d.add("R%d in%d n %s", k+1, k+1, num(100e3/w))
		}
		d.add("RF n out 100k")
		d.opamp("X1", "0", "n", "out", a)
	} else {
		// An inverting adder, inverted again: all weights are possible.
		for k, w := range weights {
			d.add("R%d in%d n %s", k+1, k+1, num(100e3/w))
		}
		d.add("RF n x 100k")
		d.opamp("X1", "0", "n", "x", a)
		d.add("RA x m 20k")
		d.add("RB m out 20k")
		d.opamp("X2", "0", "m", "out", a)
	}
	q.deck = d
	q.wrong("inputs of the op-amp exchanged", d.swapped("X1", 1, 2))
	q.wrong("one input twice as strong", d.scaled("R1", 0.5))
	q.wrong("one input missing", d.with("R2", "in2 0 %s", num(100e3/weights[1])))
	q.wrong("feedback too small", d.scaled("RF", 0.8))
	if weights[0] != weights[1] && math.Abs(weights[0]/weights[1]-1) > 0.1 {
		q.wrong("weights exchanged", d.with("R1", "in2 n %s", num(100e3/weights[0])).with("R2", "in1 n %s", num(100e3/weights[1])))
	}
	q.key = fmt.Sprint(word, weights)
	return q.row(r, i)
}

func plusMinus(v float64) string {
	if v < 0 {
		return fmt.Sprintf("−%g", -v)
	}
	return fmt.Sprintf("+%g", v)
}

func stepsText(n int, sum float64) string {
	s := ""
	for k := range n {
		s += separatorComma(k, n) + si(digits(0.5*float64(k+1)/sum, 2), "V")
	}
	return s
}

func separatorComma(i, n int) string {
	switch {
	case i == 0:
		return ""
	case i == n-1:
		return " and "
	}
	return ", "
}

func subtractor(r *generated.Rand, i int) (generated.Row, string) {
	q := question{family: "subtractor", parts: "RX"}
	q.port("in1", "input 1, a voltage source of the bench")
	q.port("in2", "input 2, a voltage source of the bench")
	q.port("out", "output, loaded by the bench with 10 kΩ")
	a := q.amplifier(r)
	minus := nice(r, 0.3, 20)
	plus := minus
	if r.IntN(3) == 0 {
		plus = nice(r, 0.2*(1+minus), 0.9*(1+minus))
	}
	formula := fmt.Sprintf("v(out) = %g·v(in2) − %g·v(in1)", plus, minus)
	if plus == minus {
		formula = fmt.Sprintf("v(out) = %g·(v(in2) − v(in1))", plus)
	}
	q.opening = []string{
		"Design a difference amplifier with an op-amp: " + formula + ".",
		"Subtract two voltages with op-amps: " + formula + ".",
		"An op-amp subtractor is wanted that makes " + formula + ".",
	}
	q.run("input 1", a.bench("VIN1 in1 0 DC 0 AC 1", "VIN2 in2 0 DC 0", benchLoad(10e3)), "ac dec 5 10 1k")
	q.run("input 2", a.bench("VIN1 in1 0 DC 0", "VIN2 in2 0 DC 0 AC 1", benchLoad(10e3)), "ac dec 5 10 1k")
	q.run("both", a.bench("VIN1 in1 0 DC 0 AC 1", "VIN2 in2 0 DC 0 AC 1", benchLoad(10e3)), "ac dec 5 10 1k")
	v1, v2 := digits(0.6/minus, 2), digits(1.5/plus, 2)
	seconds := a.stepTime(2 + minus)
	q.run("step", a.bench(stepUp("VIN1", "in1", v1, seconds), stepUp("VIN2", "in2", v2, seconds), benchLoad(10e3)), a.fine(seconds))
	q.need("gain of in1", near(acAt("input 1", "signed_gain", "v(out)", 100), -minus, 0.04), "gain from in1 to out at 100 Hz (in2 at 0 V): −%g %s", minus, percent(0.04))
	q.need("gain of in2", near(acAt("input 2", "signed_gain", "v(out)", 100), plus, 0.04), "gain from in2 to out at 100 Hz (in1 at 0 V): +%g %s", plus, percent(0.04))
	if plus == minus {
		q.need("common-mode gain", atMost(acAt("both", "gain", "v(out)", 100), digits(0.01*plus, 2)), "gain from both inputs together to out at 100 Hz: at most %g", digits(0.01*plus, 2))
	} else {
		q.runs = append(q.runs[:2], q.runs[3:]...)
	}
	total := digits(plus*v2-minus*v1, 3)
	q.need("step response", near(tranAt("step", "v(out)", seconds), total, 0.06), "%s after in1 steps from 0 to %s and in2 from 0 to %s, v(out) has come to %s %s (so the feedback must be stable)", si(seconds, "s"), si(v1, "V"), si(v2, "V"), si(total, "V"), percent(0.06))

	d := deck{title: "subtractor"}
	rf := 100e3
	d.add("R1 in1 n %s", num(rf/minus))
	d.add("R2 n out %s", num(rf))
	share := plus / (1 + minus) // of in2 at the plus input
	if plus == minus {
		d.add("R3 in2 p %s", num(rf/minus))
		d.add("R4 p 0 %s", num(rf))
	} else {
		d.add("R3 in2 p %s", num(50e3*(1-share)))
		d.add("R4 p 0 %s", num(50e3*share))
	}
	d.opamp("X1", "p", "n", "out", a)
	q.deck = d
	q.wrong("inputs of the op-amp exchanged", d.swapped("X1", 1, 2))
	q.wrong("inputs of the circuit exchanged", d.word("R1", 1, "in2").word("R3", 1, "in1"))
	q.wrong("no divider at the plus input", d.without("R4").with("R3", "in2 p 1"))
	q.wrong("feedback half as large", d.scaled("R2", 0.5))
	q.wrong("plus input at ground", d.word("X1", 1, "0"))
	q.key = fmt.Sprint(plus, minus)
	return q.row(r, i)
}

func instrumentationAmplifier(r *generated.Rand, i int) (generated.Row, string) {
	q := question{family: "instrumentation_amplifier", parts: "RX"}
	q.port("inp", "non-inverting input, a voltage source of the bench")
	q.port("inn", "inverting input, a voltage source of the bench")
	q.port("out", "output against ground, loaded by the bench with 10 kΩ")
	a := q.amplifier(r)
	gain := nice(r, 3, 150)
	q.opening = []string{
		fmt.Sprintf("Design an instrumentation amplifier with op-amps: v(out) = %g·(v(inp) − v(inn)), with a high resistance at both inputs.", gain),
		fmt.Sprintf("A difference amplifier of gain %g with high input resistances on both sides is wanted (instrumentation amplifier of op-amps).", gain),
		fmt.Sprintf("Make a three-op-amp instrumentation amplifier with a gain of %g.", gain),
	}
	size := digits(2/gain, 2)
	q.run("difference", a.bench("VP inp 0 DC 0 AC 0.5", "VN inn 0 DC 0 AC 0.5 180", benchLoad(10e3)), "ac dec 5 10 1k")
	q.run("common", a.bench("VP inp 0 DC 0 AC 1", "VN inn 0 DC 0 AC 1", benchLoad(10e3)), "ac dec 5 10 1k")
	seconds := a.stepTime(2 + gain)
	q.run("step", a.bench(stepUp("VP", "inp", size, seconds), "VN inn 0 DC 0", benchLoad(10e3)), a.fine(seconds))
	q.need("gain", near(acAt("difference", "signed_gain", "v(out)", 50), gain, 0.04), "gain for the difference v(inp)−v(inn) at 50 Hz: +%g %s", gain, percent(0.04))
	q.need("common-mode gain", atMost(acAt("common", "gain", "v(out)", 50), 0.05), "gain for both inputs together at 50 Hz: at most 0.05")
	q.need("input resistance", atLeast(acAt("common", "gain", "v(inp)", 50), 10e6).over(acAt("common", "gain", "i(VP)", 50)), "resistance at inp at 50 Hz, both inputs driven alike: at least 10 MΩ")
	q.need("other input resistance", atLeast(acAt("common", "gain", "v(inn)", 50), 10e6).over(acAt("common", "gain", "i(VN)", 50)), "resistance at inn likewise: at least 10 MΩ")
	q.need("step response", near(tranAt("step", "v(out)", seconds), digits(size*gain, 3), 0.05), "%s after inp steps from 0 to %s (inn at 0 V), v(out) has come to %s %s (so the feedback must be stable)", si(seconds, "s"), si(size, "V"), si(digits(size*gain, 3), "V"), percent(0.05))

	d := deck{title: "instrumentation amplifier"}
	d.opamp("X1", "inp", "a", "c", a)
	d.opamp("X2", "inn", "b", "e", a)
	d.add("R1 c a 20k")
	d.add("R2 b e 20k")
	d.add("RG a b %s", num(40e3/(gain-1)))
	d.add("R3 e n 20k")
	d.add("R4 n out 20k")
	d.add("R5 c p 20k")
	d.add("R6 p 0 20k")
	d.opamp("X3", "p", "n", "out", a)
	q.deck = d
	q.wrong("gain resistor twice as large", d.scaled("RG", 2))
	q.wrong("inputs exchanged", d.word("X1", 1, "inn").word("X2", 1, "inp"))
	q.wrong("unequal difference stage", d.scaled("R6", 1.3))
	q.wrong("last op-amp's inputs exchanged", d.swapped("X3", 1, 2))
	q.wrong("no gain resistor", d.without("RG"))
	q.wrong("no buffers", d.without("X1", "X2", "R1", "R2", "RG").word("R5", 1, "inp").word("R3", 1, "inn").with("R4", "n out %s", num(20e3*gain)).with("R6", "p 0 %s", num(20e3*gain)))
	q.key = fmt.Sprint(gain, a.name, a.supply)
	return q.row(r, i)
}

func transimpedanceAmplifier(r *generated.Rand, i int) (generated.Row, string) {
	q := question{family: "transimpedance_amplifier", parts: "RCX"}
	source := generated.Pick(r, 10e-12, 47e-12, 100e-12, 220e-12)
	q.port("in", "input, a current source of the bench with %s to ground; its current flows into the node", si(source, "F"))
	q.port("out", "output, loaded by the bench with 10 kΩ")
	a := q.amplifier(r)
	res := nice(r, 10e3, 500e3)
	corner := nice(r, 500, 8e3)
	q.opening = []string{
		fmt.Sprintf("Design a transimpedance amplifier (current-to-voltage converter) with an op-amp: v(out) = −%s times the input current, with a bandwidth of %s.", si(res, "Ω"), si(corner, "Hz")),
		fmt.Sprintf("The current of a photodiode shall become a voltage: −%s, low-pass at %s, by an op-amp.", si(res, "V/A"), si(corner, "Hz")),
		fmt.Sprintf("Make an inverting current-to-voltage converter with an op-amp; its transresistance is %s and its −3 dB frequency %s.", si(res, "Ω"), si(corner, "Hz")),
	}
	input := "CIN in 0 " + num(source)
	q.run("gain", a.bench("IIN 0 in DC 0 AC 1", input, benchLoad(10e3)), fmt.Sprintf("ac dec 20 1 %s", num(30*corner)))
	size := digits(2/res, 2)
	long := digits(3/corner, 3)
	q.run("step", a.bench(fmt.Sprintf("IIN 0 in DC 0 PULSE(0 %s %s %s %s 1 2)", num(size), num(0.1*long), num(long/1000), num(long/1000)), input, benchLoad(10e3)), fmt.Sprintf("tran %s %s", num(long/100), num(long)))
	q.need("transresistance", near(acAt("gain", "signed_gain", "v(out)", 10), -res, 0.04), "v(out) per current into in at 10 Hz: −%s %s", si(res, "V/A"), percent(0.04))
	q.need("corner", near(acCorner("gain", "v(out)", "high", 10), corner, 0.07), "−3 dB frequency: %s %s", si(corner, "Hz"), percent(0.07))
	q.need("virtual ground", atMost(acAt("gain", "gain", "v(in)", 10), digits(0.01*res, 2)), "resistance seen at in at 10 Hz: at most %s", si(digits(0.01*res, 2), "Ω"))
	q.need("step response", near(tranAt("step", "v(out)", long), digits(-size*res, 3), 0.05), "%s after the current steps from 0 to %s, v(out) is %s %s", si(0.9*long, "s"), si(size, "A"), si(digits(-size*res, 3), "V"), percent(0.05))
	seconds := a.stepTime(2 + 2*math.Pi*res*corner*source)
	q.run("stability", a.bench(fmt.Sprintf("IIN 0 in DC 0 PULSE(0 %s %s %s %s 1 2)", num(size), num(seconds/50), num(seconds/500), num(seconds/500)), input, benchLoad(10e3)), a.fine(seconds))
	q.need("stability", between(tranAt("stability", "v(out)", seconds), digits(-1.2*size*res, 3), 0.2), "the circuit is stable: already %s after that step, v(out) is between %s and 0.2 V", si(seconds, "s"), si(digits(-1.2*size*res, 3), "V"))

	d := deck{title: "transimpedance amplifier"}
	d.add("R1 in out %s", num(res))
	d.add("C1 in out %s", num(1/(2*math.Pi*res*corner)))
	d.opamp("X1", "0", "in", "out", a)
	q.deck = d
	q.wrong("inputs exchanged", d.swapped("X1", 1, 2))
	q.wrong("no capacitor", d.without("C1"))
	q.wrong("resistor twice as large", d.scaled("R1", 2))
	q.wrong("a resistor to ground and a buffer", d.with("R1", "in 0 %s", num(res)).with("C1", "in 0 %s", num(1/(2*math.Pi*res*corner))).word("X1", 1, "in").word("X1", 2, "out"))
	q.wrong("capacitor at ground", d.word("C1", 2, "0"))
	q.key = fmt.Sprint(res, corner, source)
	return q.row(r, i)
}
