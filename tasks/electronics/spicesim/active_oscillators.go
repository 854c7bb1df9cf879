package spicesim

import (
	"fmt"
	"math"

	"github.com/ailiance/lorabench/tasks/generated"
)

// startUp are supplies that come up one after the other, which sets an
// oscillator going whatever its parts are.
func startUp(supply, period float64) []string {
	return []string{
		"VEE vee 0 DC " + num(-supply),
		fmt.Sprintf("VCC vcc 0 DC 0 PULSE(0 %s 0 %s %s 1k 2k)", num(supply), num(period/50), num(period/50)),
	}
}

// oscillation adds what all oscillators must do: frequency and amplitude at
// out, sustained, over the last part of a run.
func (q *question) oscillation(run string, f, rel, low, high, from, to, spread, growth float64) {
	q.need("frequency", near(tranIn(run, "frequency", "v(out)", from, to), f, rel), "frequency at out: %s %s", si(f, "Hz"), percent(rel))
	q.need("amplitude", between(tranIn(run, "amplitude", "v(out)", from, to), low, high), "amplitude at out (half of peak to peak): between %s and %s", si(low, "V"), si(high, "V"))
	q.need("sustained", between(tranIn(run, "sustain", "v(out)", from, to), 0.95, growth), "the oscillation is sustained: from the first to the second half of the time between %s and %s after switch-on, its peak-to-peak value changes by a factor between 0.95 and %g", si(from, "s"), si(to, "s"), growth)
	q.need("regular", atMost(tranIn(run, "periods_spread", "v(out)", from, to), spread), "its periods are equal within %g %%", 100*spread)
}

func phaseShiftOscillator(r *generated.Rand, i int) (generated.Row, string) {
	supply := generated.Pick(r, 5.0, 9.0, 12.0, 15.0)
	f := nice(r, 100, 10e3)
	q := question{family: "phase_shift_oscillator", parts: "RCDX", library: []string{"d1"}}
	q.opening = []string{
		fmt.Sprintf("Design an RC phase-shift oscillator for %s with op-amps.", si(f, "Hz")),
		fmt.Sprintf("A phase-shift oscillator (op-amp and three RC sections) is wanted that runs at %s.", si(f, "Hz")),
		fmt.Sprintf("Make an oscillator of %s from an inverting op-amp stage and an RC phase-shift network.", si(f, "Hz")),
	}
	q.addAmplifier(amplifier{"opamp5", supply})
	q.port("out", "output of the oscillator, loaded by the bench with 10 kΩ")
	q.note("The bench switches the supplies on at t = 0, vee first, which starts the oscillation; the circuit has no input.")
	period := 1 / f
	from, to := digits(50*period, 4), digits(70*period, 4)
	q.run("run", append(startUp(supply, period), benchLoad(10e3)), fmt.Sprintf("tran %s %s 0 %s", num(period/50), num(to), num(period/50)))
	q.oscillation("run", f, 0.06, digits(0.2*supply, 2), supply, from, to, 0.03, 1.5)

	// Leads: three equal C, three equal R, of which the last is the amplifier's
	// input resistor. f = 1/(2π√6·RC), gain 29.
	const res = 10e3
	c := 1 / (2 * math.Pi * math.Sqrt(6) * res * f)
	d := deck{title: "phase-shift oscillator"}
	d.add("C1 out a %s", num(c))
	d.add("R1 a 0 10k")
	d.add("C2 a b %s", num(c))
	d.add("R2 b 0 10k")
	d.add("C3 b c %s", num(c))
	d.add("R3 c n 10k")
	d.add("RF n out 320k")
	d.add("X1 0 n vcc vee out opamp5")
	q.deck = d
	q.wrong("gain too small", d.scaled("RF", 0.6))
	q.wrong("two sections", d.without("C2", "R2").word("C3", 1, "a"))
	q.wrong("inputs exchanged", d.swapped("X1", 1, 2))
	q.wrong("frequency wrong by 1.3", d.scaled("C1", 1.3).scaled("C2", 1.3).scaled("C3", 1.3))
	q.wrong("no feedback resistor", d.without("RF"))
	q.key = fmt.Sprint(supply, f)
	return q.row(r, i)
}

func wienOscillator(r *generated.Rand, i int) (generated.Row, string) {
	supply := generated.Pick(r, 9.0, 12.0, 15.0)
	f := nice(r, 100, 20e3)
	amplitude := digits(supply*(0.25+0.3*r.Float()), 2)
	q := question{family: "wien_oscillator", parts: "RCDX", library: []string{"d1"}}
	low, high := digits(0.75*amplitude, 2), digits(1.3*amplitude, 2)
	q.opening = []string{
		fmt.Sprintf("Design a Wien-bridge oscillator with an op-amp for %s, with diodes that hold its amplitude near %s.", si(f, "Hz"), si(amplitude, "V")),
		fmt.Sprintf("A sine oscillator (Wien bridge, op-amp, amplitude limited by diodes to about %s) is wanted at %s.", si(amplitude, "V"), si(f, "Hz")),
		fmt.Sprintf("Make a Wien oscillator that runs at %s with an amplitude of about %s, well inside of the supplies.", si(f, "Hz"), si(amplitude, "V")),
	}
	q.addAmplifier(amplifier{"opamp5", supply})
	q.port("out", "output of the oscillator, loaded by the bench with 10 kΩ")
	q.note("The bench switches the supplies on at t = 0, vee first, which starts the oscillation; the circuit has no input.")
	period := 1 / f
	from, to := digits(40*period, 4), digits(60*period, 4)
	q.run("run", append(startUp(supply, period), benchLoad(10e3)), fmt.Sprintf("tran %s %s 0 %s", num(period/50), num(to), num(period/50)))
	q.oscillation("run", f, 0.05, low, high, from, to, 0.03, 1.05)

	// The gain for small signals is 3 and a quarter of R3 more; the diodes take
	// away as much of it as the amplitude needs.
	const res, r3 = 10e3, 10e3
	effective := root(100, 19e3, func(x float64) float64 {
		return describing(x+0.25*r3, amplitude/(3*r3)) - x
	})
	d := deck{title: "Wien-bridge oscillator"}
	c := 1 / (2 * math.Pi * res * f)
	d.add("R1 out a 10k")
	d.add("C1 a p %s", num(c))
	d.add("R2 p 0 10k")
	d.add("C2 p 0 %s", num(c))
	d.add("R3 n 0 10k")
	d.add("R4 n b %s", num(2*r3-effective))
	d.add("R5 b out %s", num(effective+0.25*r3))
	d.add("D1 b out d1")
	d.add("D2 out b d1")
	d.add("X1 p n vcc vee out opamp5")
	q.deck = d
	q.wrong("gain too small", d.scaled("R3", 2))
	q.wrong("no diodes", d.without("D1", "D2"))
	q.wrong("inputs exchanged", d.swapped("X1", 1, 2))
	q.wrong("frequency wrong by 1.3", d.scaled("C1", 1.3).scaled("C2", 1.3))
	q.wrong("a capacitor missing", d.without("C2"))
	q.key = fmt.Sprint(supply, f, amplitude)
	return q.row(r, i)
}

// describing is the resistance of a resistor with two diodes in parallel, one
// each way, for the first harmonic of its voltage at a sine of current.
func describing(ohms, current float64) float64 {
	const points = 16 // of a quarter of a period
	sum := 0.0
	for k := range points {
		angle := (float64(k) + 0.5) / points * math.Pi / 2
		i := current * math.Sin(angle)
		lo, hi := 0.0, i*ohms
		for range 40 {
			v := (lo + hi) / 2
			if v/ohms+1e-14*math.Expm1(v/thermal) > i {
				hi = v
			} else {
				lo = v
			}
		}
		sum += lo * math.Sin(angle)
	}
	return 2 * sum / points / current
}

// relaxationOscillator is an op-amp with hysteresis that charges a capacitor.
func relaxationOscillator(r *generated.Rand, i int) (generated.Row, string) {
	supply := generated.Pick(r, 5.0, 9.0, 12.0)
	f := nice(r, 2e3, 20e3)
	duty := generated.Pick(r, 0.5, 0.5, 0.3, 0.4, 0.6, 0.7)
	q := question{family: "relaxation_oscillator", parts: "RCDX", library: []string{"d1"}}
	words := fmt.Sprintf("frequency %s, output high for %g %% of the time", si(f, "Hz"), 100*duty)
	q.opening = []string{
		fmt.Sprintf("Design a square-wave oscillator (astable multivibrator) with an op-amp: %s.", words),
		fmt.Sprintf("A relaxation oscillator with an op-amp is wanted: %s.", words),
		fmt.Sprintf("Make an op-amp circuit that delivers a square wave between its supplies; %s.", words),
	}
	q.addAmplifier(amplifier{"opamp5", supply})
	q.port("out", "output of the oscillator, loaded by the bench with 10 kΩ")
	q.note("The bench switches the supplies on at t = 0, vee first; the circuit has no input.")
	period := 1 / f
	from, to := digits(3*period, 4), digits(10*period, 4)
	q.run("run", append(startUp(supply, period), benchLoad(10e3)), fmt.Sprintf("tran %s %s 0 %s", num(period/800), num(to), num(period/800)))
	q.oscillation("run", f, 0.08, digits(supply-0.5, 3), supply, from, to, 0.08, 1.05)
	q.need("duty", within(tranIn("run", "duty", "v(out)", from, to), duty, 0.04), "fraction of time with out high: %g %% ±4 %%", 100*duty)

	// Thresholds at ±half of the rails: each half wave lasts R·C·ln 3.
	const c = 1e-9
	d := deck{title: "relaxation oscillator"}
	d.add("R1 out p 10k")
	d.add("R2 p 0 10k")
	d.add("C1 n 0 1n")
	rail := supply - 0.07
	half := rail / 2
	if duty == 0.5 {
		d.add("R3 n out %s", num(period/2/(c*math.Log(3))))
	} else {
		// A diode in each way; its drop counts at a current in the middle.
		way := func(share float64) float64 {
			res := period * share / (c * math.Log(3))
			for range 20 {
				drop := diode{1e-14, 1}.voltage(rail / res)
				res = period * share / (c * math.Log((rail+half-drop)/(rail-half-drop)))
			}
			return res
		}
		d.add("D1 out u d1")
		d.add("R3 u n %s", num(way(duty)))
		d.add("D2 w out d1")
		d.add("R4 n w %s", num(way(1-duty)))
	}
	d.add("X1 p n vcc vee out opamp5")
	q.deck = d
	q.wrong("inputs exchanged", d.swapped("X1", 1, 2))
	q.wrong("capacitor larger by a third", d.scaled("C1", 1.35))
	q.wrong("no hysteresis", d.word("X1", 1, "0"))
	q.wrong("thresholds wrong", d.scaled("R2", 2.5))
	q.wrong("no capacitor", d.without("C1"))
	if duty != 0.5 {
		q.wrong("diodes exchanged", d.with("D1", "u out d1").with("D2", "out w d1"))
	} else {
		q.wrong("resistor twice as large", d.scaled("R3", 2))
	}
	q.key = fmt.Sprint(supply, f, duty)
	return q.row(r, i)
}

// ring is a chain of inverters, each with a capacitor. Its frequency at a
// capacitor of 1 F is found by simulating a stage's states: frequency and
// capacitance are inverse to each other.
func ringFrequency(stages int, vdd, wn, wp float64) float64 {
	v := make([]float64, stages)
	for k := range v {
		v[k] = vdd * float64(k%2)
	}
	v[0] = vdd / 2
	flow := func(v []float64, out []float64) {
		for k := range v {
			in := v[(k+len(v)-1)%len(v)]
			out[k] = pch.current(wp, vdd-in, vdd-v[k]) - nch.current(wn, in, v[k])
		}
	}
	// A step is a small part of the time that a stage takes.
	h := vdd / nch.current(wn, vdd, vdd) / 40
	a, b, mid := make([]float64, stages), make([]float64, stages), make([]float64, stages)
	var crossings []float64
	for n := 0; len(crossings) < 9 && n < 200000; n++ {
		before := v[0]
		flow(v, a)
		for k := range v {
			mid[k] = v[k] + h/2*a[k]
		}
		flow(mid, b)
		for k := range v {
			v[k] += h * b[k]
		}
		if before < vdd/2 && v[0] >= vdd/2 {
			crossings = append(crossings, (float64(n)+(vdd/2-before)/(v[0]-before))*h)
		}
	}
	return 4 / (crossings[8] - crossings[4])
}

func ringOscillator(r *generated.Rand, i int) (generated.Row, string) {
	vdd := generated.Pick(r, 2.5, 3.3, 5.0)
	stages := generated.Pick(r, 3, 5)
	f := nice(r, 1e6, 200e6)
	// PMOS wider by the ratio of KP. The load is such that transistors of usual
	// sizes make the frequency.
	base := ringFrequency(stages, vdd, 1, 2.5)
	load := digits(base*nice(r, 0.5, 150)/f, 2)
	wn := f * load / base
	q := question{family: "ring_oscillator", parts: "CM", library: []string{"nch", "pch"}, values: mosSizes}
	q.opening = []string{
		fmt.Sprintf("Design a CMOS ring oscillator for %s.", si(f, "Hz")),
		fmt.Sprintf("A ring of CMOS inverters is wanted that oscillates at %s.", si(f, "Hz")),
		fmt.Sprintf("Make an oscillator of %s from an odd number of CMOS inverters in a ring.", si(f, "Hz")),
	}
	period := 1 / f
	q.port("vdd", "supply, %s", si(vdd, "V"))
	q.port("out", "the output of one of the inverters; the bench loads it with %s to ground", si(load, "F"))
	q.note("The transistors have no capacitances: bring a capacitor at each other stage. The bench starts the ring by a short pulse of current into out.")
	q.limit = map[string]int{"M": 40}
	from, to := digits(10*period, 4), digits(20*period, 4)
	kick := digits(load*vdd*5/period, 2)
	q.run("run", []string{
		"VDD vdd 0 " + num(vdd), "CL out 0 " + num(load),
		fmt.Sprintf("IK 0 out DC 0 PULSE(0 %s %s %s %s %s 1)", num(kick), num(period/10), num(period/100), num(period/100), num(period/3)),
	}, fmt.Sprintf("tran %s %s 0 %s", num(period/100), num(to), num(period/100)))
	q.oscillation("run", f, 0.25, digits(0.4*vdd, 3), digits(0.52*vdd, 3), from, to, 0.03, 1.05)
	most := digits(load*float64(stages)*vdd*f*2.2, 2)
	mean := tranIn("run", "mean", "-i(VDD)", from, to)
	q.need("supply current", atMost(mean, most), "mean current from vdd: at most %s", si(most, "A"))

	d := deck{title: "ring oscillator"}
	node := func(k int) string {
		if k%stages == 0 {
			return "out"
		}
		return fmt.Sprintf("x%d", k%stages)
	}
	for k := 1; k <= stages; k++ {
		d.n(fmt.Sprintf("MN%d", k), node(k), node(k-1), "0", wn)
		d.p(fmt.Sprintf("MP%d", k), node(k), node(k-1), "vdd", 2.5*wn)
		if k < stages {
			d.add("C%d %s 0 %s", k, node(k), num(load))
		}
	}
	q.deck = d
	q.wrong("an even number of stages", d.without("MN1", "MP1", "C1").word("MN2", 2, "out").word("MP2", 2, "out"))
	q.wrong("not closed", d.word("MN1", 2, "0").word("MP1", 2, "0"))
	all := d
	for k := 1; k <= stages; k++ {
		all = all.size(fmt.Sprintf("MN%d", k), 1.6).size(fmt.Sprintf("MP%d", k), 1.6)
	}
	q.wrong("transistors too wide", all)
	q.wrong("one PMOS transistor missing", d.without("MP2"))
	q.wrong("capacitors missing", func() deck {
		x := d
		for k := 1; k < stages; k++ {
			x = x.without(fmt.Sprintf("C%d", k))
		}
		return x
	}())
	q.key = fmt.Sprint(vdd, f, load)
	return q.row(r, i)
}

// voltageControlledOscillator is an integrator and a trigger that turns it
// around: its frequency is proportional to a voltage.
func voltageControlledOscillator(r *generated.Rand, i int) (generated.Row, string) {
	k := nice(r, 30, 6e3) // hertz per volt
	q := question{family: "vco", parts: "RCX", library: []string{"opamp5", "comp", "sw", "inv"}}
	q.opening = []string{
		fmt.Sprintf("Design a voltage-controlled oscillator whose frequency is proportional to v(ctrl): %s per volt.", si(k, "Hz")),
		fmt.Sprintf("A VCO is wanted: a square wave at out with a frequency of %s times v(ctrl).", si(k, "Hz/V")),
		fmt.Sprintf("Make a linear voltage-to-frequency converter (integrator, comparator with hysteresis, switch) with %s.", si(k, "Hz/V")),
	}
	q.port("vcc", "supply, 12 V")
	q.port("vl", "logic supply, 5 V")
	q.port("ctrl", "control voltage, 1 to 4 V, a voltage source of the bench")
	q.port("out", "square wave between 0 and 5 V, loaded by the bench with 100 kΩ")
	q.note("There is no negative supply: use 0 as the negative supply of amplifiers and comparators. The bench switches both supplies on at t = 0.")
	for _, v := range []float64{1, 2.5, 4} {
		f := k * v
		period := 1 / f
		name := "ctrl " + si(v, "V")
		from, to := digits(2*period, 4), digits(9*period, 4)
		q.run(name, []string{
			fmt.Sprintf("VCC vcc 0 DC 0 PULSE(0 12 0 %s 1u 1k 2k)", num(period/50)), fmt.Sprintf("VL vl 0 DC 0 PULSE(0 5 0 %s 1u 1k 2k)", num(period/50)),
			"VCTRL ctrl 0 DC " + num(v), benchLoad(100e3),
		}, fmt.Sprintf("tran %s %s 0 %s", num(period/100), num(to), num(period/100)))
		q.need("frequency at "+si(v, "V"), near(tranIn(name, "frequency", "v(out)", from, to), f, 0.08), "frequency at out with v(ctrl) = %s: %s %s", si(v, "V"), si(f, "Hz"), percent(0.08))
		q.need("low at "+si(v, "V"), atMost(tranIn(name, "min", "v(out)", from, to), 0.5), "its low level is at most 0.5 V")
		q.need("high at "+si(v, "V"), between(tranIn(name, "max", "v(out)", from, to), 4.5, 5.1), "its high level is between 4.5 V and 5.1 V")
	}

	// Plus input at half of ctrl: the integrator is charged with ±ctrl/2 over R.
	// f = v/(4·R·C·H), with the trigger's hysteresis H = 2 V.
	const h, c = 2.0, 10e-9
	res := 1 / (4 * c * h * k)
	d := deck{title: "voltage-controlled oscillator"}
	d.add("R1 ctrl n %s", num(res))
	d.add("R2 ctrl p 20k")
	d.add("R3 p 0 20k")
	d.add("R4 n s %s", num(math.Max(res/2-10, 1)))
	d.add("X3 s 0 out sw")
	d.add("C1 n ramp 10n")
	d.add("X1 p n vcc 0 ramp opamp5")
	// The trigger does not invert: out goes high when the ramp is high, and the
	// switch then lets the ramp... rise: so it must see an inverted output.
	d.add("R5 q t 25k")
	d.add("R6 ramp t 10k")
	d.add("R7 vl m 10k")
	d.add("R8 m 0 10k")
	d.add("X2 t m vl 0 q comp")
	d.add("X4 q out inv")
	q.deck = d
	q.wrong("comparator inputs exchanged", d.swapped("X2", 1, 2))
	q.wrong("no inverter", d.without("X4").word("X2", 5, "out").word("R5", 1, "out"))
	q.wrong("capacitor larger by a quarter", d.scaled("C1", 1.25))
	q.wrong("no hysteresis", d.scaled("R5", 100))
	q.wrong("integrator inputs exchanged", d.swapped("X1", 1, 2))
	q.wrong("no switch", d.without("X3").withLine("R9 s 0 1g"))
	q.key = fmt.Sprint(k)
	return q.row(r, i)
}

// ringVCO is a ring of inverters whose currents a voltage sets.
func ringVCO(r *generated.Rand, i int) (generated.Row, string) {
	const vdd = 5.0
	v1 := uniform(r, 1.3, 1.6, 0.1)
	v2 := digits(v1+uniform(r, 0.3, 0.7, 0.1), 3)
	f1 := nice(r, 200e3, 40e6)
	// Charged by a constant current, a stage takes C·VDD/(2·I), and three of them
	// make half a period. Both sides conduct in between, so that less remains of
	// that: as much as this, fitted to simulations from 1.1 V to 2.3 V (±1 %).
	share := func(v float64) float64 { x := v - 1.1; return 0.708 + 0.242*x - 0.042*x*x }
	unit := f1 * 3 * vdd / share(v1) / nch.current(1, v1, 2.5) // W/L for 1 F
	load := digits(nice(r, 0.1, 40)/unit, 2)
	wn := load * unit
	f2 := digits(f1*nch.current(1, v2, 2.5)*share(v2)/(nch.current(1, v1, 2.5)*share(v1)), 2)

	q := question{family: "ring_vco", parts: "RCM", library: []string{"nch", "pch"}, values: mosSizes}
	q.opening = []string{
		fmt.Sprintf("Design a voltage-controlled CMOS ring oscillator (current-starved): %s at v(ctrl) = %s and %s at %s.", si(f1, "Hz"), si(v1, "V"), si(f2, "Hz"), si(v2, "V")),
		fmt.Sprintf("A ring VCO of MOS transistors is wanted that makes %s at a control voltage of %s and %s at %s.", si(f1, "Hz"), si(v1, "V"), si(f2, "Hz"), si(v2, "V")),
		"Make a current-starved ring oscillator whose frequency a control voltage sets.",
	}
	q.port("vdd", "supply, 5 V")
	q.port("ctrl", "control voltage, a voltage source of the bench")
	q.port("out", "output of one of the stages; the bench loads it with %s to ground", si(load, "F"))
	q.note("The transistors have no capacitances: bring a capacitor at each other stage. The bench starts the ring by a short pulse of current into out.")
	for _, x := range []struct{ v, f float64 }{{v1, f1}, {v2, f2}} {
		period := 1 / x.f
		name := "ctrl " + si(x.v, "V")
		from, to := digits(6*period, 4), digits(14*period, 4)
		q.run(name, []string{
			"VDD vdd 0 5", "VCTRL ctrl 0 DC " + num(x.v), "CL out 0 " + num(load),
			fmt.Sprintf("IK 0 out DC 0 PULSE(0 %s %s %s %s %s 1)", num(load*vdd*5/period), num(period/10), num(period/100), num(period/100), num(period/3)),
		}, fmt.Sprintf("tran %s %s 0 %s", num(period/100), num(to), num(period/100)))
		q.need("frequency at "+si(x.v, "V"), near(tranIn(name, "frequency", "v(out)", from, to), x.f, 0.3), "frequency at out with v(ctrl) = %s: %s %s", si(x.v, "V"), si(x.f, "Hz"), percent(0.3))
		q.need("swing at "+si(x.v, "V"), atLeast(tranIn(name, "pp", "v(out)", from, to), 4), "its peak-to-peak value there: at least 4 V")
	}

	slow, fast := q.needs[0].property.Of[0], q.needs[2].property.Of[0]
	// The bias branch carries the current all the time, the stages half of it.
	mean := digits(2.43*nch.current(wn, v2, 2.5), 2)
	q.need("supply current", near(tranIn(fast.Run, "mean", "-i(VDD)", *fast.From, *fast.To), mean, 0.35), "mean current from vdd with v(ctrl) = %s: %s %s", si(v2, "V"), si(mean, "A"), percent(0.35))
	q.need("ratio", near(fast, digits(f2/f1, 3), 0.25).over(slow), "the ratio of the two frequencies: %g %s", digits(f2/f1, 3), percent(0.25))

	d := deck{title: "current-starved ring oscillator"}
	wp := wn * nch.kp / pch.kp
	vs := nch.current(wn, v2, 2.5) / pch.current(wp, v2, 2.5)
	wp *= vs
	d.n("MB1", "b", "ctrl", "0", wn)
	d.p("MB2", "b", "b", "vdd", wp)
	node := []string{"out", "x1", "x2", "out"}
	for k := 1; k <= 3; k++ {
		d.n(fmt.Sprintf("MN%d", k), node[k], node[k-1], fmt.Sprintf("s%d", k), 8*wn)
		d.p(fmt.Sprintf("MP%d", k), node[k], node[k-1], fmt.Sprintf("t%d", k), 8*wp)
		d.n(fmt.Sprintf("MA%d", k), fmt.Sprintf("s%d", k), "ctrl", "0", wn)
		d.p(fmt.Sprintf("MC%d", k), fmt.Sprintf("t%d", k), "b", "vdd", wp)
		if k < 3 {
			d.add("C%d %s 0 %s", k, node[k], num(load))
		}
	}
	q.deck = d
	q.wrong("control at the supply", d.word("MB1", 2, "vdd").word("MA1", 2, "vdd").word("MA2", 2, "vdd").word("MA3", 2, "vdd"))
	q.wrong("mirror not connected", d.word("MB2", 2, "vdd"))
	q.wrong("an even number of stages", d.without("MN1", "MP1", "MA1", "MC1", "C1").word("MN2", 2, "out").word("MP2", 2, "out"))
	wide := d
	for _, n := range []string{"MB1", "MB2", "MA1", "MA2", "MA3", "MC1", "MC2", "MC3"} {
		wide = wide.size(n, 1.8)
	}
	for _, n := range []string{"MA1", "MA2", "MA3"} {
		wide = wide.size(n, 1)
	}
	q.wrong("current sources too wide", wide)
	q.wrong("capacitors twice as large", d.scaled("C1", 2.2).scaled("C2", 2.2))
	q.key = fmt.Sprint(load, v1, v2, f1)
	return q.row(r, i)
}

// phaseLockedLoop follows an input's frequency.
func phaseLockedLoop(r *generated.Rand, i int) (generated.Row, string) {
	centre := nice(r, 2e3, 100e3) // of the input
	spread := 0.06 + 0.09*r.Float()
	f1, f2 := digits(centre*(1-spread), 2), digits(centre*(1+spread), 2)
	centre = digits((f1+f2)/2, 3)
	q := question{family: "pll", parts: "RCX", library: []string{"xor2", "vco"}, limit: map[string]int{"vco": 1}, require: map[string]int{"vco": 1}}
	q.opening = []string{
		fmt.Sprintf("Design a phase-locked loop whose output has the input's frequency, for inputs from %s to %s.", si(f1, "Hz"), si(f2, "Hz")),
		fmt.Sprintf("A PLL (XOR phase detector, RC loop filter, voltage-controlled oscillator) is wanted that follows an input between %s and %s.", si(f1, "Hz"), si(f2, "Hz")),
		fmt.Sprintf("Make a phase-locked loop that locks to square waves of %s to %s.", si(f1, "Hz"), si(f2, "Hz")),
	}
	q.port("in", "input, a square wave of the bench (0/5 V, duty 50 %%)")
	q.port("out", "output of the oscillator")
	q.port("ctrl", "the oscillator's control voltage")
	q.note("All logic is 0/5 V.")
	settle := digits(35/centre, 3)
	long := digits(60/centre, 3)
	step := num(1 / (30 * centre))
	for _, f := range []float64{f1, f2} {
		name := "input " + si(f, "Hz")
		q.run(name, []string{fmt.Sprintf("VIN in 0 DC 0 PULSE(0 5 0 %s %s %s %s)", num(0.005/f), num(0.005/f), exact(0.495/f), exact(1/f)), "RL out 0 100k"}, fmt.Sprintf("tran %s %s 0 %s", step, num(long), step))
		q.need("frequency for "+si(f, "Hz"), near(tranIn(name, "frequency", "v(out)", settle, long), f, 0.008), "with an input of %s, the frequency at out from %s to %s after the start is %s %s", si(f, "Hz"), si(settle, "s"), si(long, "s"), si(f, "Hz"), percent(0.008))
		q.need("ripple for "+si(f, "Hz"), atMost(tranIn(name, "pp", "v(ctrl)", settle, long), 1.6), "v(ctrl) then varies by at most 1.6 V peak to peak")
	}
	q.run("no input", []string{"VIN in 0 DC 0", "RL out 0 100k"}, fmt.Sprintf("tran %s %s 0 %s", step, num(long), step))
	q.need("free frequency", near(tranIn("no input", "frequency", "v(out)", settle, long), digits(centre, 3), 0.1), "with the input held at 0 V, the frequency at out is %s %s", si(digits(centre, 3), "Hz"), percent(0.1))

	// The detector's mean goes from 0 to 5 V over half a cycle. The oscillator
	// is in the middle at 2.5 V, and reaches the ends with a margin.
	k := (f2 - f1) / 2.2
	f0 := centre - 2.5*k
	d := deck{title: "phase-locked loop"}
	d.add("X2 ctrl out vco F0=%s K=%s", num(f0), num(k))
	d.add("X1 in out pd xor2")
	// Lag-lead filter: slow enough for the ripple, fast enough to capture.
	const c = 10e-9
	w := 0.8 * centre
	d.add("R1 pd ctrl %s", num(1/(w*c)))
	d.add("R2 ctrl f %s", num(0.1/(w*c)))
	d.add("C1 f 0 10n")
	q.deck = d
	q.wrong("phase detector not fed back", d.word("X1", 2, "0"))
	q.wrong("filter far too slow", d.scaled("C1", 300))
	q.wrong("oscillator's range too small", d.with("X2", "ctrl out vco F0=%s K=%s", num(centre-0.25*k), num(math.Max(k/10, 1))))
	q.wrong("free frequency too low", d.with("X2", "ctrl out vco F0=%s K=%s", num(math.Max(100, f0*0.6)), num(k)))
	q.wrong("no filter", d.scaled("R1", 1e-4).without("C1", "R2"))
	q.key = fmt.Sprint(f1, f2)
	return q.row(r, i)
}

// exact writes a number with all its digits.
func exact(v float64) string { return fmt.Sprintf("%.9g", v) }
