package spicesim

import (
	"fmt"
	"math"
	"strings"

	"github.com/ailiance/lorabench/tasks/generated"
)

// atCrossing is v(in) where v(out) passes a level on its n-th edge.
func atCrossing(run, edge string, level float64, n int) Measure {
	return Measure{Run: run, Analysis: "tran", Kind: "at_crossing", Signal: "v(in)", When: "v(out)", WhenLevel: P(level), WhenEdge: edge, N: n}
}

// thresholds adds the runs and needs of a circuit with hysteresis: a slow
// triangle goes from lo to hi and back, twice.
func (q *question) thresholds(circuit []string, lo, hi, low, high, outLow, outHigh, mid float64, inverting bool) {
	const period = 20e-3
	wave := fmt.Sprintf("VIN in 0 PWL(0 %s 10m %s 20m %s 30m %s 40m %s)", num(lo), num(hi), num(lo), num(hi), num(lo))
	q.run("triangle", append([]string{wave}, circuit...), "tran 20u 40m 0 20u")
	up, down := "rising", "falling"
	if inverting {
		up, down = "falling", "rising"
	}
	tol := digits(0.06*(high-low)+0.02, 2)
	n := 1
	q.need("upper threshold", within(between2(atCrossing("triangle", up, mid, n), 0.2e-3, period), high, tol), "while v(in) rises slowly from %s to %s, out goes %s at v(in) = %s ±%s", si(lo, "V"), si(hi, "V"), map[string]string{"rising": "high", "falling": "low"}[up], si(high, "V"), si(tol, "V"))
	q.need("lower threshold", within(between2(atCrossing("triangle", down, mid, n), 10e-3, period), low, tol), "while it falls again, out goes %s at v(in) = %s ±%s", map[string]string{"rising": "high", "falling": "low"}[down], si(low, "V"), si(tol, "V"))
	first, last := outLow, outHigh
	if inverting {
		first, last = outHigh, outLow
	}
	q.levels("output with the input low", "triangle", first, mid, 20e-3, lo)
	q.levels("output with the input high", "triangle", last, mid, 30e-3, hi)
}

// between2 gives a measure its window.
func between2(m Measure, from, to float64) Measure {
	m.From, m.To = P(from), P(to)
	return m
}

func (q *question) levels(name, run string, level, mid, at, in float64) {
	if level > mid {
		q.need(name, atLeast(tranAt(run, "v(out)", at), level), "v(out) with v(in) at %s: at least %s", si(in, "V"), si(level, "V"))
	} else {
		q.need(name, atMost(tranAt(run, "v(out)", at), level), "v(out) with v(in) at %s: at most %s", si(in, "V"), si(level, "V"))
	}
}

// schmittTrigger is an op-amp between two supplies with positive feedback.
func schmittTrigger(r *generated.Rand, i int) (generated.Row, string) {
	q := question{family: "schmitt_trigger", parts: "RX"}
	q.port("in", "input, a voltage source of the bench")
	q.port("out", "output, loaded by the bench with 10 kΩ")
	a := amplifier{"opamp5", generated.Pick(r, 5.0, 9.0, 12.0, 15.0)}
	q.addAmplifier(a)
	inverting := r.Bool()
	rail := a.supply - 0.05 - 0.05 // with the load
	centre := 0.0
	if r.Bool() {
		centre = uniform(r, -0.3, 0.3, 0.05) * a.supply
	}
	half := digits(a.supply*(0.08+0.3*r.Float()), 2)
	low, high := step(centre-half, 0.05), step(centre+half, 0.05)
	centre, half = (low+high)/2, (high-low)/2
	word := map[bool]string{true: "inverting", false: "non-inverting"}[inverting]
	q.opening = []string{
		fmt.Sprintf("Design %s Schmitt trigger with an op-amp: thresholds %s (rising input) and %s (falling input).", map[bool]string{true: "an inverting", false: "a non-inverting"}[inverting], si(high, "V"), si(low, "V")),
		fmt.Sprintf("An op-amp comparator with positive feedback is wanted (%s); its output switches at %s when the input rises and at %s when it falls.", word, si(high, "V"), si(low, "V")),
		fmt.Sprintf("Make %s Schmitt trigger whose hysteresis goes from %s to %s.", map[bool]string{true: "an inverting", false: "a non-inverting"}[inverting], si(low, "V"), si(high, "V")),
	}
	q.thresholds(a.bench(benchLoad(10e3)), -a.supply, a.supply, low, high, -(a.supply - 0.5), a.supply-0.5, 0, inverting)

	d := deck{title: "Schmitt trigger"}
	reference := func(name string, v, ohms float64) { // a node at v with a resistance
		end := "vcc"
		if v < 0 {
			end = "vee"
		}
		share := math.Abs(v) / a.supply
		d.add("R3 %s %s %s", end, name, num(ohms/share))
		d.add("R4 %s 0 %s", name, num(ohms/(1-share)))
	}
	if inverting {
		// p = (k·out + (1−k)·ref): the feedback makes the hysteresis.
		k := half / rail
		ref := centre / (1 - k)
		d.add("R1 out p %s", num(10e3/k))
		if ref == 0 {
			d.add("R2 p 0 %s", num(10e3/(1-k)))
		} else {
			reference("p", ref, 10e3/(1-k))
		}
		d.opamp("X1", "p", "in", "out", a)
	} else {
		k := half / rail // R1/R2
		ref := centre / (1 + k)
		d.add("R1 in p %s", num(100e3*k))
		d.add("R2 p out 100k")
		minus := "0"
		if ref != 0 {
			minus = "m"
			reference("m", ref, 2e3)
		}
		d.opamp("X1", "p", minus, "out", a)
	}
	q.deck = d
	q.wrong("negative feedback", d.swapped("X1", 1, 2))
	q.wrong("hysteresis wrong by 1.6", d.scaled("R1", 1.6))
	if inverting {
		q.wrong("no feedback", d.without("R1"))
		q.wrong("not inverting", exchangedInputs(d, r, half, rail, centre, a))
	} else {
		q.wrong("no feedback", d.without("R2"))
		q.wrong("inverting", d.word("X1", 2, "in").word("R1", 1, map[bool]string{true: "0", false: "m"}[centre == 0]))
	}
	q.wrong("a follower", func() deck {
		x := deck{title: d.title}
		x.opamp("X1", "in", "out", "out", a)
		return x
	}())
	q.key = fmt.Sprint(word, a.supply, low, high)
	return q.row(r, i)
}

// exchangedInputs is a non-inverting trigger with the same thresholds.
func exchangedInputs(d deck, _ *generated.Rand, half, rail, centre float64, a amplifier) deck {
	x := deck{title: d.title}
	k := half / rail
	x.add("R1 in p %s", num(100e3*k))
	x.add("R2 p out 100k")
	ref := centre / (1 + k)
	if ref == 0 {
		x.opamp("X1", "p", "0", "out", a)
		return x
	}
	end, share := "vcc", math.Abs(ref)/a.supply
	if ref < 0 {
		end = "vee"
	}
	x.add("R3 %s m %s", end, num(2e3/share))
	x.add("R4 m 0 %s", num(2e3/(1-share)))
	x.opamp("X1", "p", "m", "out", a)
	return x
}

// hysteresisComparator is a comparator at a single supply with hysteresis.
func hysteresisComparator(r *generated.Rand, i int) (generated.Row, string) {
	vcc := generated.Pick(r, 3.3, 5.0, 9.0, 12.0)
	inverting := r.Bool()
	low := step(vcc*(0.2+0.4*r.Float()), 0.05)
	high := step(low+math.Max(0.15, vcc*(0.05+0.2*r.Float())), 0.05)
	q := question{family: "hysteresis_comparator", parts: "RX", library: []string{"comp"}}
	q.port("vcc", "supply, %s", si(vcc, "V"))
	q.port("in", "input, a voltage source of the bench between 0 and %s", si(vcc, "V"))
	q.port("out", "output (0 or %s), loaded by the bench with 100 kΩ", si(vcc, "V"))
	does := map[bool]string{true: "low", false: "high"}[inverting]
	other := map[bool]string{true: "high", false: "low"}[inverting]
	q.opening = []string{
		fmt.Sprintf("Design a comparator with hysteresis for a single supply: out goes %s when the input rises above %s and %s again when it falls below %s.", does, si(high, "V"), other, si(low, "V")),
		fmt.Sprintf("A voltage monitor is wanted: %s above %s, %s below %s, unchanged in between.", does, si(high, "V"), other, si(low, "V")),
		fmt.Sprintf("Make a single-supply threshold detector with %s of hysteresis (%s and %s); its output is %s for a high input.", si(digits(high-low, 3), "V"), si(low, "V"), si(high, "V"), does),
	}
	q.thresholds([]string{"VCC vcc 0 DC " + num(vcc), benchLoad(100e3)}, 0, vcc, low, high, 0.1*vcc, 0.9*vcc, vcc/2, inverting)

	d := deck{title: "comparator with hysteresis"}
	k := (high - low) / vcc
	if inverting {
		d.add("R1 out p %s", num(10e3/k))
		d.add("R2 vcc p %s", num(10e3*vcc/low))
		d.add("R3 p 0 %s", num(10e3/(1-k-low/vcc)))
		d.add("X1 p in vcc 0 out comp")
		q.wrongThresholds(d, "R1")
		q.wrong("no divider at the supply", d.without("R2"))
		q.wrong("not inverting", inputComparator(high, k, vcc))
	} else {
		d = inputComparator(high, k, vcc)
		q.wrongThresholds(d, "R2")
		q.wrong("no reference", d.without("R3"))
		q.wrong("signal and reference exchanged", d.word("R1", 1, "m").word("X1", 2, "in"))
	}
	q.key = fmt.Sprint(inverting, vcc, low, high)
	return q.row(r, i)
}

func inputComparator(high, k, vcc float64) deck {
	d := deck{title: "comparator with hysteresis"}
	ref := high / (1 + k)
	d.add("R1 in p %s", num(100e3*k))
	d.add("R2 p out 100k")
	d.add("R3 vcc m %s", num(10e3*(vcc-ref)/vcc))
	d.add("R4 m 0 %s", num(10e3*ref/vcc))
	d.add("X1 p m vcc 0 out comp")
	return d
}

// wrongThresholds sets the deck and adds the mutants that all triggers have.
func (q *question) wrongThresholds(d deck, feedback string) {
	q.deck = d
	q.wrong("negative feedback", d.swapped("X1", 1, 2))
	q.wrong("hysteresis wrong by 2", d.scaled(feedback, 2))
	q.wrong("no feedback", d.without(feedback).withLine("R9 p 0 1g"))
}

// windowComparator says whether a voltage lies between two limits.
func windowComparator(r *generated.Rand, i int) (generated.Row, string) {
	inside := r.Bool() // output high inside
	low := uniform(r, 0.4, 3.2, 0.1)
	high := digits(low+uniform(r, 0.3, math.Min(4.6-low, 2), 0.1), 4)
	q := question{family: "window_comparator", parts: "RX", library: []string{"comp", "and2", "nand2", "inv"}}
	q.port("vcc", "supply, 5 V")
	q.port("in", "input, a voltage source of the bench between 0 and 5 V")
	q.port("out", "logic output (0/5 V), loaded by the bench with 100 kΩ")
	word := map[bool]string{true: "high", false: "low"}[inside]
	other := map[bool]string{true: "low", false: "high"}[inside]
	q.opening = []string{
		fmt.Sprintf("Design a window comparator: out is %s while the input lies between %s and %s, else %s.", word, si(low, "V"), si(high, "V"), other),
		fmt.Sprintf("A logic signal is wanted that is %s exactly when %s < v(in) < %s.", word, si(low, "V"), si(high, "V")),
		fmt.Sprintf("Make a circuit of comparators and a gate whose output is %s inside of the window from %s to %s and %s outside.", word, si(low, "V"), si(high, "V"), other),
	}
	q.run("sweep", []string{"VCC vcc 0 DC 5", "VIN in 0 PWL(0 0 10m 5)", benchLoad(100e3)}, "tran 10u 10m 0 10u")
	first, second := "rising", "falling"
	if !inside {
		first, second = second, first
	}
	q.need("lower limit", within(atCrossing("sweep", first, 2.5, 1), low, 0.06), "while v(in) rises slowly from 0 to 5 V, out goes %s first at v(in) = %s ±60 mV", word, si(low, "V"))
	q.need("upper limit", within(atCrossing("sweep", second, 2.5, 1), high, 0.06), "it goes %s again at v(in) = %s ±60 mV", other, si(high, "V"))
	at := func(v float64) float64 { return digits(v*2e-3, 6) }
	for _, x := range []struct {
		name string
		v    float64
		in   bool
	}{{"below", digits(low-0.25, 4), false}, {"inside", digits((low+high)/2, 4), true}, {"above", digits(math.Min(high+0.3, 4.95), 4), false}} {
		if x.in == inside {
			q.need("output "+x.name, atLeast(tranAt("sweep", "v(out)", at(x.v)), 4.5), "v(out) at v(in) = %s: at least 4.5 V", si(x.v, "V"))
		} else {
			q.need("output "+x.name, atMost(tranAt("sweep", "v(out)", at(x.v)), 0.5), "v(out) at v(in) = %s: at most 0.5 V", si(x.v, "V"))
		}
	}

	d := deck{title: "window comparator"}
	d.add("R1 vcc h %s", num((5-high)*4e3))
	d.add("R2 h l %s", num((high-low)*4e3))
	d.add("R3 l 0 %s", num(low*4e3))
	d.add("X1 in l vcc 0 a comp")
	d.add("X2 h in vcc 0 b comp")
	d.add("X3 a b out %s", map[bool]string{true: "and2", false: "nand2"}[inside])
	q.deck = d
	q.wrong("gate inverted", d.word("X3", 4, map[bool]string{true: "nand2", false: "and2"}[inside]))
	q.wrong("one comparator turned around", d.swapped("X2", 1, 2))
	q.wrong("limits exchanged", d.word("X1", 2, "h").word("X2", 1, "l"))
	q.wrong("limits wrong", d.scaled("R3", 1.3))
	q.wrong("one comparator alone", d.without("X2").word("X3", 2, "a"))
	q.key = fmt.Sprint(inside, low, high)
	return q.row(r, i)
}

// cmosInverter has a threshold and delays.
func cmosInverter(r *generated.Rand, i int) (generated.Row, string) {
	vdd := generated.Pick(r, 2.5, 3.3, 5.0)
	threshold := step(vdd*(0.38+0.24*r.Float()), 0.05)
	load := nice(r, 0.2e-12, 20e-12)
	fall := nice(r, 0.5e-9, 20e-9)

	wn := nch.ratioFor(vdd, load, fall)
	// Both saturated at v(in) = v(out) = threshold.
	wp := nch.current(wn, threshold, threshold) / pch.current(1, vdd-threshold, vdd-threshold)
	rise := digits(pch.delay(vdd, load, wp), 3)
	peak := digits(nch.current(wn, threshold, threshold), 2)

	q := question{family: "cmos_inverter", parts: "RM", library: []string{"nch", "pch"}, values: mosSizes}
	q.opening = []string{
		fmt.Sprintf("Design a CMOS inverter with a switching threshold of %s.", si(threshold, "V")),
		fmt.Sprintf("Size the two transistors of a CMOS inverter: threshold %s, fall delay %s into %s.", si(threshold, "V"), si(fall, "s"), si(load, "F")),
		fmt.Sprintf("A CMOS inverter (logic NOT) is wanted whose output crosses its input at %s.", si(threshold, "V")),
	}
	q.port("vdd", "supply, %s", si(vdd, "V"))
	q.port("in", "input, 0 to %s", si(vdd, "V"))
	q.port("out", "output, loaded by the bench with %s to ground", si(load, "F"))
	rails := []string{"VDD vdd 0 " + num(vdd), "CL out 0 " + num(load)}
	q.run("transfer", append([]string{"VIN in 0 DC 0"}, rails...), fmt.Sprintf("dc VIN 0 %s %s", num(vdd), num(vdd/500)))
	start := 5 * fall
	period := 40 * math.Max(fall, rise)
	q.run("switching", append([]string{fmt.Sprintf("VIN in 0 PULSE(0 %s %s %s %s %s 1)", num(vdd), num(start), num(fall/100), num(fall/100), num(period/2))}, rails...), fmt.Sprintf("tran %s %s", num(fall/20), num(start+period)))
	cross := Measure{Run: "transfer", Analysis: "dc", Kind: "crossing", Signal: "v(out,in)", Level: P(0), Edge: "falling"}
	q.need("threshold", within(cross, threshold, digits(0.03*vdd, 2)), "v(in) where v(out) = v(in): %s ±%s", si(threshold, "V"), si(digits(0.03*vdd, 2), "V"))
	q.need("high level", atLeast(dcAt("transfer", "v(out)", 0), digits(0.98*vdd, 4)), "v(out) with v(in) = 0: at least %s", si(digits(0.98*vdd, 4), "V"))
	q.need("low level", atMost(dcAt("transfer", "v(out)", vdd), digits(0.02*vdd, 3)), "v(out) with v(in) = %s: at most %s", si(vdd, "V"), si(digits(0.02*vdd, 3), "V"))
	q.need("fall delay", near(delayOf("switching", "in", "rising", "falling", vdd/2), fall, 0.15), "delay from v(in) rising to v(out) falling, both at %s: %s %s", si(vdd/2, "V"), si(fall, "s"), percent(0.15))
	q.need("rise delay", near(delayOf("switching", "in", "falling", "rising", vdd/2), rise, 0.25), "delay from v(in) falling to v(out) rising: %s %s", si(rise, "s"), percent(0.25))
	most := Measure{Run: "transfer", Analysis: "dc", Kind: "max", Signal: "-i(VDD)"}
	q.need("current", between(most, 0, digits(1.3*peak, 2)), "greatest current from vdd while v(in) goes slowly from 0 to %s: at most %s", si(vdd, "V"), si(digits(1.3*peak, 2), "A"))

	d := deck{title: "CMOS inverter"}
	d.n("M1", "out", "in", "0", wn)
	d.p("M2", "out", "in", "vdd", wp)
	q.deck = d
	q.wrong("NMOS twice as wide", d.size("M1", 2))
	q.wrong("PMOS a third as wide", d.size("M2", 1.0/3))
	q.wrong("transistors exchanged", d.with("M1", "vdd in out 0 nch %s", sizes(wn)).with("M2", "0 in out vdd pch %s", sizes(wp)))
	q.wrong("no PMOS", d.line("M2", "R2 vdd out 1k"))
	q.wrong("gate of the PMOS at ground", d.word("M2", 2, "0"))
	q.key = fmt.Sprint(vdd, threshold, load, fall)
	return q.row(r, i)
}

// delayOf is the delay from an edge of an input to an edge of the output.
func delayOf(run, input, from, to string, level float64) Measure {
	return Measure{
		Run: run, Analysis: "tran", Kind: "delay", Signal: "v(out)", Level: P(level), Edge: to,
		When: "v(" + input + ")", WhenLevel: P(level), WhenEdge: from,
	}
}

// delay of a capacitor that a fully driven transistor discharges from vdd to
// vdd/2.
func (m mos) delay(vdd, load, ratio float64) float64 {
	const steps = 400
	t := 0.0
	for k := range steps {
		v := vdd - vdd/2*(float64(k)+0.5)/steps
		t += load * vdd / 2 / steps / m.current(ratio, vdd, v)
	}
	return t
}

// ratioFor returns W/L for such a delay.
func (m mos) ratioFor(vdd, load, delay float64) float64 { return m.delay(vdd, load, 1) / delay }

// resistorInverter is an NMOS switch with a resistor.
func resistorInverter(r *generated.Rand, i int) (generated.Row, string) {
	vdd := generated.Pick(r, 3.3, 5.0, 9.0, 12.0)
	current := nice(r, 20e-6, 5e-3) // with the transistor on
	low := digits(vdd*(0.01+0.07*r.Float()), 2)

	rd := (vdd - low) / current
	ratio := current / nch.current(1, vdd, low)
	threshold := digits(root(0.7, vdd, func(v float64) float64 { return nch.current(ratio, v, v) - (vdd-v)/rd }), 3)

	q := question{family: "resistor_inverter", parts: "RM", library: []string{"nch"}, values: mosSizes}
	q.opening = []string{
		"Design a logic inverter of one NMOS transistor and a resistor.",
		fmt.Sprintf("An NMOS inverter with a resistor as pull-up is wanted; its output is %s when on.", si(low, "V")),
		fmt.Sprintf("Make a resistor-loaded NMOS inverter (NOT gate) that draws %s when its output is low.", si(current, "A")),
	}
	q.port("vdd", "supply, %s", si(vdd, "V"))
	q.port("in", "input, 0 to %s", si(vdd, "V"))
	q.port("out", "output, without load")
	q.run("transfer", []string{"VDD vdd 0 " + num(vdd), "VIN in 0 DC 0"}, fmt.Sprintf("dc VIN 0 %s %s", num(vdd), num(vdd/500)))
	cross := Measure{Run: "transfer", Analysis: "dc", Kind: "crossing", Signal: "v(out,in)", Level: P(0), Edge: "falling"}
	q.need("high level", atLeast(dcAt("transfer", "v(out)", 0), digits(0.98*vdd, 4)), "v(out) with v(in) = 0: at least %s", si(digits(0.98*vdd, 4), "V"))
	q.need("low level", near(dcAt("transfer", "v(out)", vdd), low, 0.15), "v(out) with v(in) = %s: %s %s", si(vdd, "V"), si(low, "V"), percent(0.15))
	q.need("current", near(dcAt("transfer", "-i(VDD)", vdd), current, 0.1), "current from vdd with v(in) = %s: %s %s", si(vdd, "V"), si(current, "A"), percent(0.1))
	q.need("threshold", within(cross, threshold, digits(0.05*vdd, 2)), "v(in) where v(out) = v(in): %s ±%s", si(threshold, "V"), si(digits(0.05*vdd, 2), "V"))

	d := deck{title: "NMOS inverter"}
	d.n("M1", "out", "in", "0", ratio)
	d.add("R1 vdd out %s", num(rd))
	q.deck = d
	q.wrong("transistor half as wide", d.size("M1", 0.5))
	q.wrong("resistor half as large", d.scaled("R1", 0.5))
	q.wrong("no resistor", d.without("R1").withLine("R1 out 0 1meg").withLine("R2 vdd 0 1meg"))
	q.wrong("a follower", d.with("M1", "vdd in out 0 nch %s", sizes(ratio)).with("R1", "out 0 %s", num(rd)))
	q.wrong("gate and drain exchanged", d.swapped("M1", 1, 2))
	q.key = fmt.Sprint(vdd, current, low)
	return q.row(r, i)
}

// gate is a CMOS gate: its function, and how its transistors are connected.
type gate struct {
	name   string
	inputs int
	word   string
	f      func(a, b, c bool) bool
	// build writes the transistors of unit sizes wn and wp.
	build func(d *deck, wn, wp float64, out string)
	// Sizes that a single transistor would have, when all inputs are driven alike.
	n, p float64
	// The gate ends in an inverter, of these sizes.
	buffered bool
}

func gates() []gate {
	series := func(d *deck, kind byte, w float64, prefix, rail, out string, inputs ...string) {
		from := rail
		for k, in := range inputs {
			to := fmt.Sprintf("%s%d", prefix, k)
			if k == len(inputs)-1 {
				to = out
			}
			if kind == 'n' {
				d.n(fmt.Sprintf("M%s%d", strings.ToUpper(prefix), k+1), to, in, from, w)
			} else {
				d.p(fmt.Sprintf("M%s%d", strings.ToUpper(prefix), k+1), to, in, from, w)
			}
			from = to
		}
	}
	parallel := func(d *deck, kind byte, w float64, prefix, rail, out string, inputs ...string) {
		for k, in := range inputs {
			if kind == 'n' {
				d.n(fmt.Sprintf("M%s%d", strings.ToUpper(prefix), k+1), out, in, rail, w)
			} else {
				d.p(fmt.Sprintf("M%s%d", strings.ToUpper(prefix), k+1), out, in, rail, w)
			}
		}
	}
	nand := func(inputs ...string) func(*deck, float64, float64, string) {
		return func(d *deck, wn, wp float64, out string) {
			series(d, 'n', wn, "n", "0", out, inputs...)
			parallel(d, 'p', wp, "p", "vdd", out, inputs...)
		}
	}
	nor := func(inputs ...string) func(*deck, float64, float64, string) {
		return func(d *deck, wn, wp float64, out string) {
			parallel(d, 'n', wn, "n", "0", out, inputs...)
			series(d, 'p', wp, "p", "vdd", out, inputs...)
		}
	}
	inverted := func(build func(*deck, float64, float64, string)) func(*deck, float64, float64, string) {
		return func(d *deck, wn, wp float64, out string) {
			build(d, 20, 50, "y")
			d.n("MN9", out, "y", "0", wn)
			d.p("MP9", out, "y", "vdd", wp)
		}
	}
	return []gate{
		{"NAND", 2, "out is low exactly when a and b are high", func(a, b, _ bool) bool { return !(a && b) }, nand("a", "b"), 0.5, 2, false},
		{"NOR", 2, "out is high exactly when a and b are low", func(a, b, _ bool) bool { return !(a || b) }, nor("a", "b"), 2, 0.5, false},
		{"NAND", 3, "out is low exactly when a, b and c are high", func(a, b, c bool) bool { return !(a && b && c) }, nand("a", "b", "c"), 1.0 / 3, 3, false},
		{"NOR", 3, "out is high exactly when a, b and c are low", func(a, b, c bool) bool { return !(a || b || c) }, nor("a", "b", "c"), 3, 1.0 / 3, false},
		{"AND", 2, "out is high exactly when a and b are high", func(a, b, _ bool) bool { return a && b }, inverted(nand("a", "b")), 1, 1, true},
		{"OR", 2, "out is low exactly when a and b are low", func(a, b, _ bool) bool { return a || b }, inverted(nor("a", "b")), 1, 1, true},
		{"AND-OR-invert", 3, "out is NOT((a AND b) OR c)", func(a, b, c bool) bool { return !(a && b || c) }, func(d *deck, wn, wp float64, out string) {
			d.n("MN1", out, "a", "n1", wn)
			d.n("MN2", "n1", "b", "0", wn)
			d.n("MN3", out, "c", "0", wn)
			d.p("MP1", "p1", "a", "vdd", wp)
			d.p("MP2", "p1", "b", "vdd", wp)
			d.p("MP3", out, "c", "p1", wp)
		}, 1.5, 2.0 / 3, false},
		{"OR-AND-invert", 3, "out is NOT((a OR b) AND c)", func(a, b, c bool) bool { return !((a || b) && c) }, func(d *deck, wn, wp float64, out string) {
			d.n("MN1", out, "a", "n1", wn)
			d.n("MN2", out, "b", "n1", wn)
			d.n("MN3", "n1", "c", "0", wn)
			d.p("MP1", "p1", "a", "vdd", wp)
			d.p("MP2", out, "b", "p1", wp)
			d.p("MP3", out, "c", "vdd", wp)
		}, 2.0 / 3, 1.5, false},
	}
}

// logicGate is a CMOS gate with its truth table and delays.
func logicGate(r *generated.Rand, i int) (generated.Row, string) {
	g := generated.Pick(r, gates()...)
	vdd := generated.Pick(r, 2.5, 3.3, 5.0)
	load := nice(r, 0.2e-12, 20e-12)
	fall := nice(r, 0.5e-9, 20e-9)
	rise := digits(fall*(0.6+1.2*r.Float()), 2)

	q := question{family: "logic_gate", parts: "RM", library: []string{"nch", "pch"}, values: mosSizes}
	name := fmt.Sprintf("%s gate with %d inputs", g.name, g.inputs)
	if strings.Contains(g.name, "invert") {
		name = g.name + " gate"
	}
	article := "a"
	if strings.ContainsRune("AO", rune(name[0])) {
		article = "an"
	}
	q.opening = []string{
		fmt.Sprintf("Design %s %s in static CMOS: %s.", article, name, g.word),
		fmt.Sprintf("A CMOS %s is wanted (%s), sized for the delays below.", name, g.word),
		fmt.Sprintf("Make %s %s of NMOS and PMOS transistors; %s.", article, name, g.word),
	}
	inputs := []string{"a", "b", "c"}[:g.inputs]
	q.port("vdd", "supply, %s", si(vdd, "V"))
	for _, in := range inputs {
		q.port(in, "input, 0 or %s", si(vdd, "V"))
	}
	q.port("out", "output, loaded by the bench with %s to ground", si(load, "F"))
	rails := []string{"VDD vdd 0 " + num(vdd), "CL out 0 " + num(load)}

	// The truth table: all combinations in turn, each long enough to settle.
	slot := 25 * math.Max(fall, rise)
	edge := slot / 1000
	n := 1 << g.inputs
	circuit := append([]string(nil), rails...)
	for k, in := range inputs {
		points := ""
		last := -1.0
		for c := range n {
			v := 0.0
			if c>>(g.inputs-1-k)&1 == 1 {
				v = vdd
			}
			if c == 0 {
				points += "0 " + num(v)
			} else if v != last {
				points += fmt.Sprintf(" %s %s %s %s", num(float64(c)*slot), num(last), num(float64(c)*slot+edge), num(v))
			}
			last = v
		}
		circuit = append(circuit, fmt.Sprintf("V%s %s 0 PWL(%s)", strings.ToUpper(in), in, points))
	}
	q.run("truth table", circuit, fmt.Sprintf("tran %s %s", num(slot/50), num(float64(n)*slot)))
	for c := range n {
		bit := func(k int) bool { return k < g.inputs && c>>(g.inputs-1-k)&1 == 1 }
		state := ""
		for k, in := range inputs {
			state += separatorComma(k, g.inputs) + in + "=" + map[bool]string{true: "1", false: "0"}[bit(k)]
		}
		at := (float64(c) + 0.95) * slot
		if g.f(bit(0), bit(1), bit(2)) {
			q.need("output for "+state, atLeast(tranAt("truth table", "v(out)", at), digits(0.95*vdd, 4)), "%s: v(out) at least %s", state, si(digits(0.95*vdd, 4), "V"))
		} else {
			q.need("output for "+state, atMost(tranAt("truth table", "v(out)", at), digits(0.05*vdd, 3)), "%s: v(out) at most %s", state, si(digits(0.05*vdd, 3), "V"))
		}
	}
	// Delays with all inputs driven together.
	start := slot / 5
	circuit = append([]string(nil), rails...)
	for _, in := range inputs {
		circuit = append(circuit, fmt.Sprintf("V%s %s 0 PULSE(0 %s %s %s %s %s 1)", strings.ToUpper(in), in, num(vdd), num(start), num(fall/100), num(fall/100), num(slot)))
	}
	q.run("delay", circuit, fmt.Sprintf("tran %s %s", num(fall/20), num(start+2*slot)))
	down, up := "rising", "falling"
	if g.buffered {
		down, up = up, down
	}
	q.need("fall delay", near(delayOf("delay", "a", down, "falling", vdd/2), fall, 0.2), "all inputs %s together: delay until v(out) has fallen to %s: %s %s", map[string]string{"rising": "rise", "falling": "fall"}[down], si(vdd/2, "V"), si(fall, "s"), percent(0.2))
	q.need("rise delay", near(delayOf("delay", "a", up, "rising", vdd/2), rise, 0.2), "all inputs %s together: delay until v(out) has risen to %s: %s %s", map[string]string{"rising": "rise", "falling": "fall"}[up], si(vdd/2, "V"), si(rise, "s"), percent(0.2))

	wn := nch.ratioFor(vdd, load, fall) / g.n
	wp := pch.ratioFor(vdd, load, rise) / g.p
	d := deck{title: name}
	g.build(&d, wn, wp, "out")
	q.deck = d
	n1, p1 := "MN1", "MP1"
	if g.buffered {
		n1, p1 = "MN9", "MP9"
	}
	q.wrong("kinds exchanged", func() deck {
		x := deck{title: d.title}
		for _, l := range d.lines {
			w := strings.Fields(l)
			w[4], w[5] = map[string]string{"0": "vdd", "vdd": "0"}[w[4]], map[string]string{"nch": "pch", "pch": "nch"}[w[5]]
			x.lines = append(x.lines, strings.Join(w, " "))
		}
		return x
	}())
	q.wrong("one NMOS transistor missing", missing(d, n1))
	q.wrong("one PMOS transistor missing", missing(d, p1))
	q.wrong("all transistors half as wide", func() deck {
		x := d
		for _, l := range d.lines {
			x = x.size(strings.Fields(l)[0], 0.5)
		}
		return x
	}())
	for _, other := range gates() {
		if other.inputs == g.inputs && other.name != g.name {
			x := deck{title: other.name}
			other.build(&x, nch.ratioFor(vdd, load, fall)/other.n, pch.ratioFor(vdd, load, rise)/other.p, "out")
			q.wrong("another gate: "+other.name, x)
		}
	}
	q.key = fmt.Sprint(g.name, g.inputs, vdd, load, fall, rise)
	return q.row(r, i)
}

// missing returns d without a transistor; where that leaves a node open, a
// large resistor is there instead.
func missing(d deck, name string) deck {
	w := wordsOf(d, name)
	return d.line(name, "R%s %s %s 1g", name, w[1], w[3])
}
