package spicesim

import (
	"fmt"
	"math"

	"github.com/ailiance/lorabench/tasks/generated"
)

// leadLag turns the phase of a loop between two plateaus of gain.
func leadLag(r *generated.Rand, i int) (generated.Row, string) {
	fm := nice(r, 20, 200e3)
	g := uniform(r, 0.06, 0.6, 0.02)
	lead := r.Bool()
	resistor := nice(r, 1e3, 100e3)
	angle := digits(math.Asin((1-g)/(1+g))*180/math.Pi, 3)
	name, low, high := "lag", 1.0, g
	if lead {
		name, low, high = "lead", g, 1.0
	} else {
		angle = -angle
	}
	q := question{family: "lead_lag", parts: "RC", values: partRange(ohms, farads, [2]float64{})}
	q.opening = []string{
		fmt.Sprintf("Design a passive %s network whose phase shift is extreme, %g°, at %s.", name, angle, si(fm, "Hz")),
		fmt.Sprintf("A control loop needs a %s compensator of resistors and capacitors, centred at %s.", name, si(fm, "Hz")),
	}
	q.port("in", "input, driven by an ideal voltage source")
	q.port("out", "output, not loaded")
	q.run("ac", []string{"VS in 0 AC 1"}, decades(50, fm/1000, fm*1000))
	lo, hi := digits(fm/500, 3), digits(fm*500, 3)
	q.need("gain at low frequencies", near(acAt("ac", "gain", "v(out)", lo), low, 0.03), "gain v(out)/v(in) at %s: %s %s", si(lo, "Hz"), fmt.Sprint(low), percent(0.03))
	q.need("gain at high frequencies", near(acAt("ac", "gain", "v(out)", hi), high, 0.03), "gain at %s: %s %s", si(hi, "Hz"), fmt.Sprint(high), percent(0.03))
	q.need("gain at the centre", near(acAt("ac", "gain", "v(out)", fm), digits(math.Sqrt(g), 3), 0.04), "gain at %s: %s %s", si(fm, "Hz"), fmt.Sprint(digits(math.Sqrt(g), 3)), percent(0.04))
	q.need("phase", within(acAt("ac", "phase", "v(out)", fm), angle, 2), "phase of v(out) against v(in) at %s: %g° ±2°", si(fm, "Hz"), angle)
	if lead {
		// Zero at fm·√g, pole at fm/√g.
		q.deck = circuitOf("lead", "R1 in out "+num(resistor), "C1 in out "+num(1/(2*math.Pi*fm*math.Sqrt(g)*resistor)), "R2 out 0 "+num(resistor*g/(1-g)))
		q.wrong("capacitor across the other resistor", q.deck.line("C1", "C1 out 0 %s", num(1/(2*math.Pi*fm*math.Sqrt(g)*resistor))))
	} else {
		// Zero at fm/√g.
		lower := resistor * g / (1 - g)
		c := math.Sqrt(g) / (2 * math.Pi * fm * lower)
		q.deck = circuitOf("lag", "R1 in out "+num(resistor), "R2 out x "+num(lower), "C1 x 0 "+num(c))
		q.wrong("no resistor with the capacitor", q.deck.scaled("R2", 1e-3))
	}
	q.wrong("capacitor too large by 2", q.deck.scaled("C1", 2))
	q.wrong("2π forgotten", q.deck.scaled("C1", 2*math.Pi))
	q.wrong("nano for micro", q.deck.scaled("C1", 1e-3))
	q.wrong("second resistor too large by 2", q.deck.scaled("R2", 2))
	q.key = fmt.Sprint(lead, fm, g)
	return q.row(r, i)
}

// allpassLattice turns the phase and leaves the gain, between two output nodes.
func allpassLattice(r *generated.Rand, i int) (generated.Row, string) {
	f := nice(r, 20, 500e3)
	angle := float64(r.Between(30, 150))
	resistor := nice(r, 500, 200e3)
	for f*resistor > 1e10 { // else the capacitors were less than those of the wires
		resistor = digits(resistor/10, 2)
	}
	c := math.Tan(angle/2*math.Pi/180) / (2 * math.Pi * f * resistor)
	q := question{family: "allpass_lattice", parts: "RC", values: partRange(ohms, farads, [2]float64{})}
	q.opening = []string{
		fmt.Sprintf("Design a passive all-pass network with a differential output that shifts %s by −%g°.", si(f, "Hz"), angle),
		fmt.Sprintf("An RC phase shifter is needed: the voltage between outp and outn has the amplitude of the input at all frequencies and lags it by %g° at %s.", angle, si(f, "Hz")),
	}
	q.port("in", "input, driven by an ideal voltage source against ground")
	q.port("outp", "positive output, not loaded")
	q.port("outn", "negative output, not loaded")
	q.run("ac", []string{"VS in 0 AC 1"}, decades(20, f/1000, f*1000))
	for _, x := range []float64{1.0 / 300, 1, 300} {
		at := digits(f*x, 3)
		q.need("gain at "+si(at, "Hz"), near(acAt("ac", "gain", "v(outp,outn)", at), 1, 0.03), "amplitude of v(outp) − v(outn) over that of v(in) at %s: 1 %s", si(at, "Hz"), percent(0.03))
	}
	q.need("phase", within(acAt("ac", "phase", "v(outp,outn)", f), -angle, 3), "phase of v(outp) − v(outn) against v(in) at %s: −%g° ±3°", si(f, "Hz"), angle)
	low := digits(f/300, 3)
	q.need("phase at low frequencies", within(acAt("ac", "phase", "v(outp,outn)", low), 0, 5), "phase at %s: 0° ±5°", si(low, "Hz"))
	q.deck = circuitOf("lattice", "R1 in outp "+num(resistor), "C1 outp 0 "+num(c), "C2 in outn "+num(c), "R2 outn 0 "+num(resistor))
	q.wrong("outputs exchanged", circuitOf("lattice", "R1 in outn "+num(resistor), "C1 outn 0 "+num(c), "C2 in outp "+num(c), "R2 outp 0 "+num(resistor)))
	q.wrong("one branch only", circuitOf("lattice", "R1 in outp "+num(resistor), "C1 outp 0 "+num(c), "R2 outn 0 1"))
	q.wrong("capacitors too large by 2", q.deck.scaled("C1", 2).scaled("C2", 2))
	q.wrong("one capacitor too large by 2", q.deck.scaled("C2", 2))
	q.wrong("capacitors in nanofarad for microfarad", q.deck.scaled("C1", 1e-3).scaled("C2", 1e-3))
	q.key = fmt.Sprint(f, angle)
	return q.row(r, i)
}

// matchingL matches two resistances at one frequency with two reactances.
func matchingL(r *generated.Rand, i int) (generated.Row, string) {
	f := nice(r, 100e3, 200e6)
	large := generated.Pick(r, 200.0, 300, 450, 600, 800, 1000, 1500)
	small := generated.Pick(r, 12.5, 16, 25, 50, 75, 100)
	up := r.Bool() // the load is the larger one
	low := r.Bool()
	source, load := large, small
	if up {
		source, load = small, large
	}
	quality := math.Sqrt(large/small - 1)
	w := 2 * math.Pi * f
	gain := digits(0.5*math.Sqrt(load/source), 4)
	straight := digits(load/(source+load), 4)
	kind, far := "low-pass", digits(f/60, 3)
	if !low {
		kind, far = "high-pass", digits(f*60, 3)
	}
	q := question{family: "matching_l", parts: "LC", values: partRange([2]float64{}, [2]float64{0.1e-12, 1e-3}, [2]float64{0.1e-9, 1})}
	q.opening = []string{
		fmt.Sprintf("Match a load of %s to a source of %s at %s with a lossless network of %s form.", si(load, "Ω"), si(source, "Ω"), si(f, "Hz"), kind),
		fmt.Sprintf("Design an L network (%s) between %s and %s for %s.", kind, si(source, "Ω"), si(load, "Ω"), si(f, "Hz")),
	}
	q.port("in", "input; the bench drives it from a source with an internal resistance of %s", si(source, "Ω"))
	q.port("out", "output; the bench loads it with %s", si(load, "Ω"))
	q.run("ac", []string{"VS src 0 AC 1", "RS src in " + num(source), "RL out 0 " + num(load)}, decades(100, f/100, f*100))
	q.need("output voltage", near(acAt("ac", "gain", "v(out)", f), gain, 0.03), "v(out) over the source's voltage at %s: %s %s, which is all the power that the source can give", si(f, "Hz"), fmt.Sprint(gain), percent(0.03))
	q.need("input voltage", near(acAt("ac", "gain", "v(in)", f), 0.5, 0.04), "v(in) over the source's voltage at %s: 0.5 %s", si(f, "Hz"), percent(0.04))
	q.need("input phase", within(acAt("ac", "phase", "v(in)", f), 0, 5), "and in phase with it within ±5°")
	q.need("gain far away", near(acAt("ac", "gain", "v(out)", far), straight, 0.06), "as in a %s, v(out) over the source's voltage at %s: %s %s", kind, si(far, "Hz"), fmt.Sprint(straight), percent(0.06))
	shunt, series := large/quality, quality*small // reactances
	side, other := "in", "out"
	if up {
		side, other = "out", "in"
	}
	value := func(letter string, x float64) string {
		if letter == "L" {
			return num(x / w)
		}
		return num(1 / (w * x))
	}
	a, b := "C", "L"
	if !low {
		a, b = "L", "C"
	}
	q.deck = circuitOf("L network", a+"1 "+side+" 0 "+value(a, shunt), b+"2 in out "+value(b, series))
	q.wrong("shunt element at the other side", circuitOf("L network", a+"1 "+other+" 0 "+value(a, shunt), b+"2 in out "+value(b, series)))
	q.wrong("the other form", circuitOf("L network", b+"1 "+side+" 0 "+value(b, shunt), a+"2 in out "+value(a, series)))
	q.wrong("series element too large by 2", q.deck.scaled(b+"2", 2))
	q.wrong("2π forgotten", q.deck.scaled("C"+map[bool]string{true: "1", false: "2"}[low], 2*math.Pi).scaled("L"+map[bool]string{true: "2", false: "1"}[low], 2*math.Pi))
	q.wrong("shunt element missing", q.deck.without(a+"1"))
	q.key = fmt.Sprint(f, source, load, low)
	return q.row(r, i)
}

// transformer couples two inductors.
func transformer(r *generated.Rand, i int) (generated.Row, string) {
	f := nice(r, 500, 500e3)
	source := nice(r, 10, 1e3)
	load := nice(r, 10, 10e3)
	ratio := uniform(r, 0.3, 5, 0.1)
	if ratio > 0.95 && ratio < 1.05 {
		ratio = 1.2
	}
	inverted := r.Bool()
	gain := digits(ratio*load/(load+ratio*ratio*source), 3)
	corner := digits(f/20, 2)
	reflected := parallel(source, load/(ratio*ratio))
	l1 := reflected / (2 * math.Pi * corner)
	sign, word := 1.0, "not inverted"
	if inverted {
		sign, word = -1, "inverted"
	}
	q := question{family: "transformer", parts: "RLK", require: map[string]int{"K": 1}, values: partRange(ohms, [2]float64{}, henrys)}
	q.opening = []string{
		fmt.Sprintf("Design a transformer (coupled inductors) that drives %s with a voltage gain of %s, %s.", si(load, "Ω"), fmt.Sprint(gain), word),
		fmt.Sprintf("Couple a %s source to a %s load by a transformer; the output is to be %s.", si(source, "Ω"), si(load, "Ω"), word),
	}
	q.port("in", "input; the bench drives it from a source with an internal resistance of %s", si(source, "Ω"))
	q.port("out", "output; the bench loads it with %s", si(load, "Ω"))
	q.note("The circuit has to hold a coupling (K) of inductors; primary and secondary share ground.")
	q.run("ac", []string{"VS src 0 AC 1", "RS src in " + num(source), "RL out 0 " + num(load)}, decades(50, f/2000, f*10))
	q.need("gain", near(acAt("ac", "signed_gain", "v(out)", f), sign*gain, 0.05), "gain from the source's voltage to v(out) at %s: %s %s (%s)", si(f, "Hz"), si(sign*gain, ""), percent(0.05), word)
	q.need("low corner", near(acCorner("ac", "v(out)", "low", f), corner, 0.08), "3 dB below that at %s %s", si(corner, "Hz"), percent(0.08))
	q.need("gain high up", atLeast(acAt("ac", "gain", "v(out)", digits(8*f, 3)), digits(0.9*gain, 3)), "gain at %s: at least %s", si(digits(8*f, 3), "Hz"), fmt.Sprint(digits(0.9*gain, 3)))
	ends := "out 0"
	other := "0 out"
	if inverted {
		ends, other = other, ends
	}
	q.deck = circuitOf("transformer", "L1 in 0 "+num(l1), "L2 "+ends+" "+num(l1*ratio*ratio), "K1 L1 L2 0.9998")
	q.wrong("secondary turned round", q.deck.line("L2", "L2 %s %s", other, num(l1*ratio*ratio)))
	q.wrong("ratio of turns not squared", q.deck.with("L2", "%s %s", ends, num(l1*math.Pow(ratio, map[bool]float64{true: 4, false: 1}[math.Abs(math.Log(ratio)) < 0.4]))))
	q.wrong("weakly coupled", q.deck.with("K1", "L1 L2 0.6"))
	q.wrong("inductances too large by 10", q.deck.scaled("L1", 10).scaled("L2", 10))
	q.wrong("millihenry for henry", q.deck.scaled("L1", 1e-3).scaled("L2", 1e-3))
	q.key = fmt.Sprint(f, source, load, ratio, inverted)
	return q.row(r, i)
}

// crossover splits a band between two loudspeakers.
func crossover(r *generated.Rand, i int) (generated.Row, string) {
	fc := nice(r, 150, 8e3)
	low := generated.Pick(r, 3.2, 4.0, 6, 8, 16)
	high := generated.Pick(r, 4.0, 6, 8, 16)
	order := r.Between(1, 2)
	w := 2 * math.Pi * fc
	slope := 20 * float64(order)
	q := question{family: "crossover", parts: "LC", values: partRange([2]float64{}, farads, henrys)}
	q.opening = []string{
		fmt.Sprintf("Design a passive two-way crossover of order %d (Butterworth) at %s.", order, si(fc, "Hz")),
		fmt.Sprintf("A loudspeaker has a woofer of %s and a tweeter of %s. Divide the band between them at %s with filters of %g dB per decade.", si(low, "Ω"), si(high, "Ω"), si(fc, "Hz"), slope),
	}
	q.port("in", "input, driven by an ideal voltage source")
	q.port("lf", "output to the woofer; the bench loads it with %s", si(low, "Ω"))
	q.port("hf", "output to the tweeter; the bench loads it with %s", si(high, "Ω"))
	q.run("ac", []string{"VS in 0 AC 1", "RW lf 0 " + num(low), "RT hf 0 " + num(high)}, decades(50, fc/100, fc*100))
	below, above := digits(fc/50, 3), digits(fc*50, 3)
	q.need("woofer's gain", near(acAt("ac", "gain", "v(lf)", below), 1, 0.03), "v(lf)/v(in) at %s: 1 %s", si(below, "Hz"), percent(0.03))
	q.need("tweeter's gain", near(acAt("ac", "gain", "v(hf)", above), 1, 0.03), "v(hf)/v(in) at %s: 1 %s", si(above, "Hz"), percent(0.03))
	q.need("woofer's corner", near(acCorner("ac", "v(lf)", "high", below), fc, 0.03), "v(lf) is 3 dB down at %s %s", si(fc, "Hz"), percent(0.03))
	q.need("tweeter's corner", near(acCorner("ac", "v(hf)", "low", above), fc, 0.03), "v(hf) is 3 dB down at %s %s", si(fc, "Hz"), percent(0.03))
	far, near1 := digits(fc*30, 3), digits(fc*10, 3)
	q.need("woofer's slope", within(Measure{Run: "ac", Analysis: "ac", Kind: "slope_db", Signal: "v(lf)", From: P(near1), To: P(far)}, -slope, 1.5), "slope of v(lf) between %s and %s: −%g ±1.5 dB per decade", si(near1, "Hz"), si(far, "Hz"), slope)
	far, near1 = digits(fc/30, 3), digits(fc/10, 3)
	q.need("tweeter's slope", within(Measure{Run: "ac", Analysis: "ac", Kind: "slope_db", Signal: "v(hf)", From: P(far), To: P(near1)}, slope, 1.5), "slope of v(hf) between %s and %s: %g ±1.5 dB per decade", si(far, "Hz"), si(near1, "Hz"), slope)
	if order == 1 {
		q.deck = circuitOf("crossover", "L1 in lf "+num(low/w), "C1 in hf "+num(1/(w*high)))
		q.wrong("outputs exchanged", circuitOf("crossover", "L1 in hf "+num(high/w), "C1 in lf "+num(1/(w*low))))
	} else {
		root := math.Sqrt2
		q.deck = circuitOf("crossover", "L1 in lf "+num(low*root/w), "C2 lf 0 "+num(1/(low*root*w)), "C1 in hf "+num(1/(high*root*w)), "L2 hf 0 "+num(high*root/w))
		q.wrong("Linkwitz-Riley values", q.deck.scaled("L1", root).scaled("C2", 1/root).scaled("C1", 1/root).scaled("L2", root))
	}
	q.wrong("inductor too large by 2", q.deck.scaled("L1", 2))
	q.wrong("2π forgotten", q.deck.scaled("L1", 2*math.Pi).scaled("C1", 2*math.Pi))
	q.wrong("microfarad written as millifarad", q.deck.scaled("C1", 1e3))
	q.wrong("woofer and tweeter connected to one another", q.deck.withLine("R9 lf hf 0.1").withParts(&q, "R"))
	q.key = fmt.Sprint(fc, low, high, order)
	return q.row(r, i)
}

// withParts lets a question's decks have further parts.
func (d deck) withParts(q *question, letters string) deck {
	q.parts += letters
	return d
}

// probe is a divider that is right at all frequencies.
func probe(r *generated.Rand, i int) (generated.Row, string) {
	load := generated.Pick(r, 100e3, 220e3, 470e3, 1e6, 2e6, 10e6)
	c := nice(r, 8e-12, 300e-12)
	n := generated.Pick(r, 2.0, 4, 5, 10, 20, 25, 50, 100)
	corner := 1 / (2 * math.Pi * load * c)
	lo, hi := digits(corner/1000, 2), digits(corner*1000, 2)
	gain := digits(1/n, 4)
	q := question{family: "compensated_divider", parts: "RC", values: partRange([2]float64{0.1, 2e9}, [2]float64{10e-15, 1e-6}, [2]float64{})}
	q.opening = []string{
		fmt.Sprintf("Design a %g:1 probe for an instrument input of %s in parallel with %s.", n, si(load, "Ω"), si(c, "F")),
		fmt.Sprintf("A divider by %g in front of an input of %s ∥ %s must have the same ratio at all frequencies.", n, si(load, "Ω"), si(c, "F")),
		fmt.Sprintf("Make a frequency-compensated attenuator, 1/%g, into %s and %s in parallel.", n, si(load, "Ω"), si(c, "F")),
	}
	q.port("in", "the probe's tip, driven by an ideal voltage source")
	q.port("out", "instrument input; the bench has its %s and %s here (leave them out of your deck)", si(load, "Ω"), si(c, "F"))
	q.run("ac", []string{"VS in 0 AC 1", "RL out 0 " + num(load), "CL out 0 " + num(c)}, decades(20, corner/2000, corner*2000))
	for _, f := range []float64{lo, digits(corner, 2), hi} {
		q.need("ratio at "+si(f, "Hz"), near(acAt("ac", "gain", "v(out)", f), gain, 0.03), "v(out)/v(in) at %s: %s %s", si(f, "Hz"), fmt.Sprint(gain), percent(0.03))
	}
	m := acKind("ac", "ripple_db", "v(out)")
	m.From, m.To = P(lo), P(hi)
	q.need("flatness", atMost(m, 0.3).reach(3), "between %s and %s the gain changes by at most 0.3 dB", si(lo, "Hz"), si(hi, "Hz"))
	input := digits(load*n/2, 2)
	q.need("input resistance", atMost(acAt("ac", "gain", "i(VS)", lo), 1/input), "current drawn from a source of 1 V at %s: at most %s", si(lo, "Hz"), si(digits(1/input, 3), "A"))
	q.needs[len(q.needs)-1].property.Max = P(digits(1/input, 3))
	q.deck = circuitOf("probe", "R1 in out "+num(load*(n-1)), "C1 in out "+num(c/(n-1)))
	q.wrong("not compensated", q.deck.without("C1"))
	q.wrong("capacitor with the resistor's ratio", q.deck.scaled("C1", math.Max(2, (n-1)*(n-1))))
	q.wrong("resistor for n instead of n − 1", q.deck.scaled("R1", math.Max(n/(n-1), 1.15)))
	q.wrong("capacitor too small by 2", q.deck.scaled("C1", 0.5))
	q.wrong("the instrument built in as well", q.deck.withLine("R2 out 0 %s", num(load)).withLine("C2 out 0 %s", num(c)))
	q.key = fmt.Sprint(load, c, n)
	return q.row(r, i)
}

// rcDelay delays a step.
func rcDelay(r *generated.Rand, i int) (generated.Row, string) {
	v := generated.Pick(r, 1.8, 2.5, 3.3, 5, 9, 12, 15)
	t := nice(r, 2e-6, 0.5)
	threshold := digits(v*uniform(r, 0.3, 0.8, 0.05), 3)
	load := nice(r, 50e3, 5e6)
	resistor := digits(0.012*load, 3)
	peak := digits(v/resistor*1.5, 2) // the step's greatest current
	final := v * load / (load + resistor)
	tau := t / -math.Log(1-threshold/final)
	c := tau / parallel(resistor, load)
	q := question{family: "rc_delay", parts: "RC", values: partRange(ohms, farads, [2]float64{})}
	q.opening = []string{
		fmt.Sprintf("Design an RC delay of %s.", si(t, "s")),
		fmt.Sprintf("After power-on (%s) a reset input must stay below its threshold of %s for %s.", si(v, "V"), si(threshold, "V"), si(t, "s")),
		fmt.Sprintf("A step of %s at the input must reach %s at the output after %s.", si(v, "V"), si(threshold, "V"), si(t, "s")),
	}
	q.port("in", "input; the bench makes a step from 0 to %s", si(v, "V"))
	q.port("out", "output; the bench loads it with %s", si(load, "Ω"))
	end := digits(12*tau, 2)
	begin := digits(tau/10, 2)
	q.run("step", []string{fmt.Sprintf("VIN in 0 PULSE(0 %s %s %s %s 1k 2k)", num(v), num(begin), num(tau/1e4), num(tau/1e4)), "RL out 0 " + num(load)},
		fmt.Sprintf("tran %s %s 0 %s", num(tau/100), num(end), num(tau/50)))
	q.need("delay", near(Measure{Run: "step", Analysis: "tran", Kind: "delay", Signal: "v(out)", Level: P(threshold), Edge: "rising", When: "v(in)", WhenLevel: P(digits(v/2, 4)), WhenEdge: "rising"}, t, 0.05),
		"from the step to v(out) = %s: %s %s", si(threshold, "V"), si(t, "s"), percent(0.05))
	q.need("final value", atLeast(tranAt("step", "v(out)", end), digits(0.96*v, 3)).reach(digits(0.3*v, 2)), "v(out) in the end: at least %s", si(digits(0.96*v, 3), "V"))
	m := Measure{Run: "step", Analysis: "tran", Kind: "max", Signal: "-i(VIN)"}
	q.need("input current", atMost(m, peak), "current into in: never more than %s", si(peak, "A"))
	q.deck = circuitOf("RC delay", "R1 in out "+num(resistor), "C1 out 0 "+num(c))
	factor := -math.Log(1 - threshold/final)
	if math.Abs(factor-1) > 0.15 {
		q.wrong("time constant taken for the delay", q.deck.scaled("C1", factor))
	}
	q.wrong("capacitor and resistor exchanged", circuitOf("RC delay", "C1 in out "+num(c), "R1 out 0 "+num(resistor)))
	q.wrong("right delay, resistor too small by 10", q.deck.scaled("R1", 0.1).scaled("C1", 10))
	q.wrong("right delay, resistor too large by 10", q.deck.scaled("R1", 10).scaled("C1", 0.1))
	q.wrong("nano for micro", q.deck.scaled("C1", 1e-3))
	q.wrong("capacitor too large by 1.5", q.deck.scaled("C1", 1.5))
	q.key = fmt.Sprint(v, t, threshold, load)
	return q.row(r, i)
}

// snubber damps the ringing of a leakage inductance.
func snubber(r *generated.Rand, i int) (generated.Row, string) {
	v := generated.Pick(r, 5.0, 12, 24, 48, 100)
	l := nice(r, 20e-9, 20e-6)
	c := nice(r, 20e-12, 5e-9)
	// Capacitor over the parasitic one, resistor over √(L/C), overshoot: computed
	// for a step without losses.
	best := generated.Pick(r, [3]float64{3, 0.95, 0.404}, [3]float64{4, 0.88, 0.341}, [3]float64{5, 0.8, 0.297}, [3]float64{6, 0.77, 0.264}, [3]float64{8, 0.72, 0.213})
	z := math.Sqrt(l / c)
	ring := 2 * math.Pi * math.Sqrt(l*c)
	most := digits(v*(1+best[2]+0.05), 3)
	limit := digits(1.2*best[0]*c, 2)
	q := question{family: "snubber", parts: "RC", values: partRange(ohms, [2]float64{1e-12, limit}, [2]float64{})}
	q.opening = []string{
		fmt.Sprintf("Design an RC snubber: a switching node with %s in parallel is fed through a stray inductance of %s and rings.", si(c, "F"), si(l, "H")),
		fmt.Sprintf("A step of %s reaches a node over %s of wiring; the node's %s make it ring to nearly %s. Damp it without a direct current.", si(v, "V"), si(l, "H"), si(c, "F"), si(2*v, "V")),
	}
	q.port("sw", "the ringing node; the bench has a step source of %s, the %s from it to here, and the %s from here to ground", si(v, "V"), si(l, "H"), si(c, "F"))
	q.note("A capacitor may have %s at most, all capacitors together no more than that either.", si(limit, "F"))
	q.limit = map[string]int{"C": 1}
	q.notes[0] = fmt.Sprintf("One capacitor is allowed, of %s at most.", si(limit, "F"))
	end := 30 * ring
	q.run("step", []string{
		fmt.Sprintf("VIN vin 0 PULSE(0 %s %s %s %s 1 2)", num(v), num(ring/10), num(ring/200), num(ring/200)),
		"RW vin w " + num(z/100), "LW w sw " + num(l), "CP sw 0 " + num(c), "RB sw 0 " + num(1e6*z),
	}, fmt.Sprintf("tran %s %s 0 %s", num(ring/50), num(end), num(ring/80)))
	q.need("overshoot", atMost(Measure{Run: "step", Analysis: "tran", Kind: "max", Signal: "v(sw)"}, most).reach(digits(0.3*v, 2)), "v(sw) never exceeds %s after a step from 0 to %s", si(most, "V"), si(v, "V"))
	late := digits(25*ring, 3)
	q.need("settled", near(tranAt("step", "v(sw)", late), v, 0.02), "v(sw) %s after the step: %s %s", si(late, "s"), si(v, "V"), percent(0.02))
	leak := digits(v/z/100, 2)
	q.need("direct current", atMost(tranAt("step", "-i(VIN)", late), leak), "the source then delivers at most %s", si(leak, "A"))
	q.deck = circuitOf("snubber", "R1 sw x "+num(best[1]*z), "C1 x 0 "+num(best[0]*c))
	q.wrong("no capacitor", circuitOf("snubber", "R1 sw 0 "+num(best[1]*z)))
	q.wrong("no resistor", circuitOf("snubber", "C1 sw 0 "+num(best[0]*c)))
	q.wrong("resistor too large by 5", q.deck.scaled("R1", 5))
	q.wrong("resistor too small by 5", q.deck.scaled("R1", 0.2))
	q.wrong("capacitor too small by 5", q.deck.scaled("C1", 0.2))
	q.key = fmt.Sprint(v, l, c, best[0])
	return q.row(r, i)
}
