package spicesim

import (
	"fmt"
	"math"

	"github.com/ailiance/lorabench/tasks/generated"
)

// zenerCard is a Zener diode of a breakdown voltage at a current.
func zenerCard(name string, volts, current float64) string {
	return fmt.Sprintf(".model %s D(BV=%s IBV=%s)", name, num(volts), num(current))
}

// sineRun measures over the last cycles of a sine.
func sineRun(q *question, name string, circuit []string, hertz float64, cycles, perCycle int) {
	step := num(1 / hertz / float64(perCycle))
	q.run(name, circuit, fmt.Sprintf("tran %s %.9g 0 %s", step, float64(cycles)/hertz, step))
}

// lastCycles is a window of n cycles at the end.
func lastCycles(m Measure, hertz float64, cycles, n int) Measure {
	m.From, m.To = P(digits(float64(cycles-n)/hertz, 9)), P(digits(float64(cycles)/hertz*0.999999, 9))
	return m
}

// limiter clips a sine by Zener diodes.
func limiter(r *generated.Rand, i int) (generated.Row, string) {
	form := r.IntN(3) // symmetrical, one side, two levels
	up := uniform(r, 2.7, 12, 0.1)
	down := up
	if form == 2 {
		for down = uniform(r, 2.7, 12, 0.1); math.Abs(down-up) < 0.12*up; {
			down = uniform(r, 2.7, 12, 0.1)
		}
	}
	f := nice(r, 50, 20e3)
	amplitude := math.Ceil(math.Max(up, down)*uniform(r, 1.6, 3, 0.1)) + 1
	current := nice(r, 2e-3, 30e-3)
	series := (amplitude - up) / current
	load := digits(40*series, 2)
	tolerance := digits(0.25+0.02*up, 2)
	small := digits(0.6*math.Min(up, down), 2)
	if form == 1 {
		small = 0.3
	}
	q := question{family: "limiter", parts: "RD", models: []string{"d"}, values: partRange(ohms, [2]float64{}, [2]float64{})}
	text := fmt.Sprintf("clips at ±%s", si(up, "V"))
	lowest, lowTolerance := -up, tolerance
	switch form {
	case 1:
		text = fmt.Sprintf("clips at +%s and lets nothing below −1 V through", si(up, "V"))
		lowest, lowTolerance = -0.7, 0.3
	case 2:
		text = fmt.Sprintf("clips at +%s and −%s", si(up, "V"), si(down, "V"))
		lowest, lowTolerance = -down, digits(0.25+0.02*down, 2)
	}
	q.opening = []string{
		fmt.Sprintf("Design a limiter that %s.", text),
		fmt.Sprintf("A signal of up to %s amplitude goes into a circuit that must be protected: design a shunt clipper that %s.", si(amplitude, "V"), text),
		fmt.Sprintf("Make a diode clamp which %s and leaves smaller signals alone.", text),
	}
	q.port("in", "input, driven by an ideal voltage source with a sine of %s", si(f, "Hz"))
	q.port("out", "output; the bench loads it with %s", si(load, "Ω"))
	sine := func(a float64) []string {
		return []string{fmt.Sprintf("VIN in 0 SIN(0 %s %s)", num(a), num(f)), "RL out 0 " + num(load)}
	}
	sineRun(&q, "large", sine(amplitude), f, 3, 200)
	sineRun(&q, "small", sine(small), f, 3, 100)
	q.need("upper level", within(lastCycles(tranIn("large", "max", "v(out)", 0, 1), f, 3, 2), up, tolerance), "sine of %s amplitude at in: greatest v(out) %s ±%s", si(amplitude, "V"), si(up, "V"), si(tolerance, "V"))
	q.need("lower level", within(lastCycles(tranIn("large", "min", "v(out)", 0, 1), f, 3, 2), lowest, lowTolerance), "and least v(out) %s ±%s", si(lowest, "V"), si(lowTolerance, "V"))
	worst := math.Max(amplitude-up, amplitude+lowest) / series
	peak := digits(worst*1.2, 2)
	q.need("input current", atMost(lastCycles(tranIn("large", "max", "-i(VIN)", 0, 1), f, 3, 2), peak), "and at most %s drawn from the source", si(peak, "A"))
	pass := digits(2*small*0.93, 3)
	q.need("small signals", atLeast(lastCycles(tranIn("small", "pp", "v(out)", 0, 1), f, 3, 2), pass), "sine of %s amplitude at in: v(out) has at least %s peak to peak", si(small, "V"), si(pass, "V"))
	iz := math.Min(0.1, current*0.7)
	switch form {
	case 0, 2:
		q.deck = circuitOf("limiter", "R1 in out "+num(series), "D1 m out dza", "D2 m 0 dzb", zenerCard("dza", up-0.7, iz), zenerCard("dzb", down-0.7, iz))
		if form == 0 {
			q.wrong("one diode only", circuitOf("limiter", "R1 in out "+num(series), "D1 0 out dza", zenerCard("dza", up, iz)))
		} else {
			q.wrong("levels exchanged", circuitOf("limiter", "R1 in out "+num(series), "D1 m out dza", "D2 m 0 dzb", zenerCard("dza", down-0.7, iz), zenerCard("dzb", up-0.7, iz)))
		}
		q.wrong("second diode turned round", q.deck.line("D2", "D2 0 m dzb"))
		q.wrong("forward voltages twice", q.deck.line(".model dza", "%s", zenerCard("dza", up+0.7, iz)).line(".model dzb", "%s", zenerCard("dzb", down+0.7, iz)))
	default:
		q.deck = circuitOf("limiter", "R1 in out "+num(series), "D1 0 out dza", zenerCard("dza", up, iz))
		q.wrong("Zener diode turned round", q.deck.line("D1", "D1 out 0 dza"))
		q.wrong("another Zener voltage", q.deck.line(".model dza", "%s", zenerCard("dza", up+1.5, iz)))
	}
	q.wrong("no series resistor", q.deck.scaled("R1", 1e-2))
	q.wrong("series resistor too large by 50", q.deck.scaled("R1", 50))
	q.key = fmt.Sprint(form, up, down, f, amplitude, current)
	return q.row(r, i)
}

// shuntRegulator holds a voltage against line and load.
func shuntRegulator(r *generated.Rand, i int) (generated.Row, string) {
	out := uniform(r, 3.3, 15, 0.1)
	least := math.Ceil(out*uniform(r, 1.3, 1.6, 0.05)) + 1
	most := math.Ceil(least * uniform(r, 1.25, 1.6, 0.05))
	load := nice(r, 0.5e-3, 20e-3)
	// The diode keeps a quarter of the load's current at the lowest input.
	series := (least - out) / (1.25 * load)
	peak := digits((most-out)/series*1.1, 2)
	middle := digits((least+most)/2, 3)
	current := (middle-out)/series - load
	tolerance := 0.03
	q := question{family: "zener_shunt_regulator", parts: "RD", models: []string{"d"}, values: partRange(ohms, [2]float64{}, [2]float64{})}
	q.opening = []string{
		fmt.Sprintf("Design a shunt regulator with a Zener diode: %s at up to %s from %s to %s.", si(out, "V"), si(load, "A"), si(least, "V"), si(most, "V")),
		fmt.Sprintf("A load of 0 to %s needs a steady %s; the supply varies between %s and %s.", si(load, "A"), si(out, "V"), si(least, "V"), si(most, "V")),
	}
	q.port("in", "supply, %s to %s", si(least, "V"), si(most, "V"))
	q.port("out", "output; the bench draws 0 to %s here", si(load, "A"))
	q.run("line", []string{"VIN in 0 " + num(middle), "IL out 0 DC " + num(load)}, fmt.Sprintf("dc VIN %s %s %s", num(least), num(most), num((most-least)/50)))
	q.run("load", []string{"VIN in 0 " + num(most), "IL out 0 0"}, fmt.Sprintf("dc IL 0 %s %s", num(load), num(load/50)))
	q.need("output voltage", near(dcAt("line", "v(out)", middle), out, tolerance), "v(out) at %s in and %s out: %s %s", si(middle, "V"), si(load, "A"), si(out, "V"), percent(tolerance))
	line := digits(0.1+0.005*out, 2)
	q.need("line regulation", atMost(Measure{Run: "line", Analysis: "dc", Kind: "pp", Signal: "v(out)"}, line), "v(out) changes by at most %s between %s and %s in (%s out)", si(line, "V"), si(least, "V"), si(most, "V"), si(load, "A"))
	q.need("load regulation", atMost(Measure{Run: "load", Analysis: "dc", Kind: "pp", Signal: "v(out)"}, line), "v(out) changes by at most %s between 0 and %s out (%s in)", si(line, "V"), si(load, "A"), si(most, "V"))
	q.need("input current", atMost(Measure{Run: "load", Analysis: "dc", Kind: "max", Signal: "-i(VIN)"}, peak), "current from the supply at %s: at most %s", si(most, "V"), si(peak, "A"))
	iz := math.Min(0.1, math.Max(1e-6, current))
	q.deck = circuitOf("Zener regulator", "R1 in out "+num(series), "D1 0 out dz", zenerCard("dz", out, iz))
	q.wrong("diode turned round", q.deck.line("D1", "D1 out 0 dz"))
	q.wrong("series resistor too large by 2", q.deck.scaled("R1", 2))
	q.wrong("series resistor too small by 2", q.deck.scaled("R1", 0.5))
	q.wrong("forward voltage added", q.deck.line(".model dz", "%s", zenerCard("dz", out+0.7, iz)))
	q.wrong("a divider", circuitOf("divider", "R1 in out "+num(series), "R2 out 0 "+num(series*out/(middle-out))))
	q.key = fmt.Sprint(out, least, most, load)
	return q.row(r, i)
}

// clamper shifts a sine until its peak stands at ground.
func clamper(r *generated.Rand, i int) (generated.Row, string) {
	f := nice(r, 50, 50e3)
	amplitude := float64(r.Between(3, 25))
	load := nice(r, 10e3, 500e3)
	positive := r.Bool()
	source := digits(load/2000, 2)
	c := 40 / (f * load) // 40 cycles of time constant
	limit := digits(1.6*c, 2)
	q := question{family: "clamper", parts: "RCD", library: []string{"d1"}, values: partRange(ohms, [2]float64{1e-12, limit}, [2]float64{})}
	where, side := "above", "least"
	lo, hi := -0.6, 2*amplitude-0.6
	if !positive {
		where, side = "below", "greatest"
		lo, hi = -2*amplitude+0.6, 0.6
	}
	q.opening = []string{
		fmt.Sprintf("Design a diode clamper (DC restorer) that puts a sine wholly %s ground.", where),
		fmt.Sprintf("A sine of %s amplitude must be shifted so that its %s value is at about ground.", si(amplitude, "V"), side),
	}
	q.port("in", "input; the bench drives it with a sine of %s amplitude and %s from a source of %s", si(amplitude, "V"), si(f, "Hz"), si(source, "Ω"))
	q.port("out", "output; the bench loads it with %s", si(load, "Ω"))
	const cycles = 30
	sineRun(&q, "sine", []string{fmt.Sprintf("VIN src 0 SIN(0 %s %s)", num(amplitude), num(f)), "RS src in " + num(source), "RL out 0 " + num(load)}, f, cycles, 60)
	tolerance := digits(0.3+0.05*2*amplitude, 2)
	for _, x := range []struct {
		kind, name        string
		target, tolerance float64
	}{{"min", "least value", lo, 0.25}, {"max", "greatest value", hi, tolerance}} {
		if !positive {
			x.tolerance = map[string]float64{"min": tolerance, "max": 0.25}[x.kind]
		}
		q.need(x.name, within(lastCycles(tranIn("sine", x.kind, "v(out)", 0, 1), f, cycles, 2), digits(x.target, 4), x.tolerance), "%s of v(out) in cycles %d and %d: %s ±%s", x.name, cycles-1, cycles, si(digits(x.target, 4), "V"), si(x.tolerance, "V"))
	}
	q.need("swing", near(lastCycles(tranIn("sine", "pp", "v(out)", 0, 1), f, cycles, 2), 2*amplitude, 0.04), "v(out) keeps a swing of %s peak to peak %s", si(2*amplitude, "V"), percent(0.04))
	ends, other := "0 out", "out 0"
	if !positive {
		ends, other = other, ends
	}
	q.deck = circuitOf("clamper", "C1 in out "+num(c), "D1 "+ends+" d1")
	q.wrong("diode turned round", q.deck.line("D1", "D1 %s d1", other))
	q.wrong("no diode", q.deck.without("D1"))
	q.wrong("capacitor too small by 100", q.deck.scaled("C1", 0.01))
	q.wrong("capacitor and diode exchanged", circuitOf("clamper", "D1 in out d1", "C1 out 0 "+num(c)))
	q.wrong("two diodes against one another", q.deck.withLine("D2 %s d1", other))
	q.key = fmt.Sprint(f, amplitude, load, positive)
	return q.row(r, i)
}

// halfWave is one diode and a capacitor.
func halfWave(r *generated.Rand, i int) (generated.Row, string) {
	f := generated.Pick(r, 50.0, 60, 100, 400, 1000, 5e3, 20e3)
	amplitude := float64(r.Between(6, 40))
	current := nice(r, 0.2e-3, 15e-3)
	positive := r.Bool()
	load := digits((amplitude-1)/current, 3)
	ripple := digits(amplitude*uniform(r, 0.02, 0.1, 0.01), 2)
	c := current / (f * ripple)
	limit := digits(1.4*c, 2)
	sign, word, signal := 1.0, "positive", "v(out)"
	if !positive {
		sign, word, signal = -1, "negative", "v(0,out)"
	}
	q := question{family: "half_wave_rectifier", parts: "RCD", library: []string{"d1", "ds"}, values: partRange(ohms, [2]float64{1e-12, limit}, [2]float64{})}
	q.limit = map[string]int{"C": 1}
	q.opening = []string{
		fmt.Sprintf("Design a half-wave rectifier with a smoothing capacitor for a %s output.", word),
		fmt.Sprintf("Make a %s direct voltage out of a sine of %s amplitude (%s) for a load of %s.", word, si(amplitude, "V"), si(f, "Hz"), si(load, "Ω")),
	}
	q.port("in", "input, a sine of %s amplitude and %s against ground", si(amplitude, "V"), si(f, "Hz"))
	q.port("out", "output; the bench loads it with %s", si(load, "Ω"))
	q.note("One capacitor is allowed, of %s at most.", si(limit, "F"))
	const cycles = 10
	sineRun(&q, "sine", []string{fmt.Sprintf("VIN in 0 SIN(0 %s %s)", num(amplitude), num(f)), "RL out 0 " + num(load)}, f, cycles, 100)
	mean := lastCycles(tranIn("sine", "mean", signal, 0, 1), f, cycles, 2)
	least := digits(amplitude-1.1-ripple, 3)
	q.need("mean", between(mean, least, amplitude), "mean of v(out), once settled: between %s and %s", si(sign*least, "V"), si(sign*amplitude, "V"))
	q.need("ripple", atMost(lastCycles(tranIn("sine", "pp", "v(out)", 0, 1), f, cycles, 2), ripple).reach(2*ripple), "ripple of v(out): at most %s peak to peak", si(ripple, "V"))
	ends, other := "in out", "out in"
	if !positive {
		ends, other = other, ends
	}
	q.deck = circuitOf("half-wave rectifier", "D1 "+ends+" d1", "C1 out 0 "+num(c))
	q.wrong("diode turned round", q.deck.line("D1", "D1 %s d1", other))
	q.wrong("no capacitor", q.deck.without("C1"))
	q.wrong("capacitor too small by 3", q.deck.scaled("C1", 1.0/3))
	q.wrong("no diode", circuitOf("rectifier", "R1 in out 1", "C1 out 0 "+num(c)))
	q.wrong("capacitor in front of the diode", circuitOf("rectifier", "C1 in x "+num(c), "D1 "+map[bool]string{true: "x out", false: "out x"}[positive]+" d1"))
	q.wrong("capacitor from input to output", q.deck.line("C1", "C1 in out %s", num(c)))
	q.key = fmt.Sprint(f, amplitude, current, positive, ripple)
	return q.row(r, i)
}

// bridgeRectifier rectifies both half-waves of a floating winding.
func bridgeRectifier(r *generated.Rand, i int) (generated.Row, string) {
	f := generated.Pick(r, 50.0, 60, 100, 400, 1000, 5e3, 20e3)
	amplitude := float64(r.Between(8, 40))
	current := nice(r, 0.5e-3, 15e-3)
	load := digits((amplitude-1.5)/current, 3)
	ripple := digits(amplitude*uniform(r, 0.02, 0.1, 0.01), 2)
	c := current / (2 * f * ripple)
	limit := digits(1.4*c, 2)
	q := question{family: "bridge_rectifier", parts: "RCD", library: []string{"d1", "ds"}, values: partRange(ohms, [2]float64{1e-12, limit}, [2]float64{})}
	q.limit = map[string]int{"C": 1}
	q.opening = []string{
		"Design a bridge rectifier with a smoothing capacitor behind a floating transformer winding.",
		fmt.Sprintf("A winding with %s amplitude at %s, both ends free, must give a positive direct voltage against ground for %s. Use both half-waves.", si(amplitude, "V"), si(f, "Hz"), si(load, "Ω")),
	}
	q.port("a", "one end of the winding (%s amplitude, %s)", si(amplitude, "V"), si(f, "Hz"))
	q.port("b", "the winding's other end")
	q.port("out", "positive output against ground; the bench loads it with %s", si(load, "Ω"))
	q.note("One capacitor is allowed, of %s at most.", si(limit, "F"))
	const cycles = 8
	sineRun(&q, "sine", []string{fmt.Sprintf("VS a b SIN(0 %s %s)", num(amplitude), num(f)), "RA a 0 10meg", "RB b 0 10meg", "RL out 0 " + num(load)}, f, cycles, 120)
	mean := lastCycles(tranIn("sine", "mean", "v(out)", 0, 1), f, cycles, 2)
	least := digits(amplitude-1.9-ripple, 3)
	q.need("mean", between(mean, least, amplitude), "mean of v(out), once settled: between %s and %s", si(least, "V"), si(amplitude, "V"))
	q.need("ripple", atMost(lastCycles(tranIn("sine", "pp", "v(out)", 0, 1), f, cycles, 2), ripple).reach(2*ripple), "ripple of v(out): at most %s peak to peak", si(ripple, "V"))
	q.need("ripple frequency", near(lastCycles(tranIn("sine", "frequency", "v(out)", 0, 1), f, cycles, 4), 2*f, 0.03), "the ripple has twice the frequency of the winding: %s %s", si(2*f, "Hz"), percent(0.03))
	q.deck = circuitOf("bridge rectifier", "D1 a out d1", "D2 b out d1", "D3 0 a d1", "D4 0 b d1", "C1 out 0 "+num(c))
	q.wrong("one diode turned round", q.deck.line("D3", "D3 a 0 d1"))
	q.wrong("two diodes missing", q.deck.without("D2", "D3"))
	q.wrong("negative output", circuitOf("bridge rectifier", "D1 out a d1", "D2 out b d1", "D3 a 0 d1", "D4 b 0 d1", "C1 out 0 "+num(c)))
	q.wrong("capacitor too small by 3", q.deck.scaled("C1", 1.0/3))
	q.wrong("no capacitor", q.deck.without("C1"))
	q.key = fmt.Sprint(f, amplitude, current, ripple)
	return q.row(r, i)
}

// multiplier is a cascade of diodes and capacitors.
func multiplier(r *generated.Rand, i int) (generated.Row, string) {
	f := nice(r, 500, 50e3)
	amplitude := float64(r.Between(6, 60))
	stages := r.Between(1, 2)
	n := float64(2 * stages)
	positive := r.Bool()
	current := nice(r, 5e-6, 500e-6)
	load := digits(n*amplitude/current, 2)
	drop := map[int]float64{1: 1, 2: 7}[stages] // of the output, in I/(f·C)
	c := drop * current / (f * 0.03 * n * amplitude)
	limit := digits(1.6*c, 2)
	sign, word, signal := 1.0, "positive", "v(out)"
	if !positive {
		sign, word, signal = -1, "negative", "v(0,out)"
	}
	name := map[int]string{1: "doubler", 2: "quadrupler"}[stages]
	q := question{family: "voltage_multiplier", parts: "RCD", library: []string{"d1", "ds"}, values: partRange(ohms, [2]float64{1e-12, limit}, [2]float64{})}
	q.opening = []string{
		fmt.Sprintf("Design a voltage %s of diodes and capacitors with a %s output.", name, word),
		fmt.Sprintf("From a sine of %s amplitude a %s direct voltage of nearly %g times that is needed, without a transformer.", si(amplitude, "V"), word, n),
	}
	q.port("in", "input, a sine of %s amplitude and %s against ground", si(amplitude, "V"), si(f, "Hz"))
	q.port("out", "output against ground; the bench loads it with %s", si(load, "Ω"))
	cycles := 30 * stages
	sineRun(&q, "sine", []string{fmt.Sprintf("VIN in 0 SIN(0 %s %s)", num(amplitude), num(f)), "RL out 0 " + num(load)}, f, cycles, 40)
	mean := lastCycles(tranIn("sine", "mean", signal, 0, 1), f, cycles, 2)
	least := digits(n*amplitude*0.93-n*0.75, 3)
	q.need("mean", between(mean, least, n*amplitude), "mean of v(out), after %d cycles: between %s and %s", cycles-2, si(sign*least, "V"), si(sign*n*amplitude, "V"))
	ripple := digits(0.03*n*amplitude, 2)
	q.need("ripple", atMost(lastCycles(tranIn("sine", "pp", "v(out)", 0, 1), f, cycles, 2), ripple), "ripple of v(out): at most %s peak to peak", si(ripple, "V"))
	diode := func(name, from, to string) string {
		if !positive {
			from, to = to, from
		}
		return name + " " + from + " " + to + " d1"
	}
	if stages == 1 {
		q.deck = circuitOf("doubler", "C1 in a "+num(c), diode("D1", "0", "a"), diode("D2", "a", "out"), "C2 out 0 "+num(c))
		q.wrong("a peak rectifier", circuitOf("rectifier", diode("D1", "in", "out"), "C1 out 0 "+num(c)))
	} else {
		q.deck = circuitOf("quadrupler",
			"C1 in a "+num(c), diode("D1", "0", "a"), diode("D2", "a", "b"), "C2 b 0 "+num(c),
			"C3 a e "+num(c), diode("D3", "b", "e"), diode("D4", "e", "out"), "C4 out b "+num(c))
		q.wrong("one stage only", circuitOf("doubler", "C1 in a "+num(c), diode("D1", "0", "a"), diode("D2", "a", "out"), "C2 out 0 "+num(c)))
	}
	turned := q.deck.swapped("D1", 1, 2)
	q.wrong("first diode turned round", turned)
	q.wrong("the other polarity", func() deck {
		d := q.deck
		for k := range 2 * stages {
			d = d.swapped(fmt.Sprintf("D%d", k+1), 1, 2)
		}
		return d
	}())
	q.wrong("capacitors too small by 30", func() deck {
		d := q.deck
		for k := range 2 * stages {
			d = d.scaled(fmt.Sprintf("C%d", k+1), 1.0/30)
		}
		return d
	}())
	q.wrong("second diode missing", q.deck.without("D2").withLine("R9 a %s 100meg", map[int]string{1: "out", 2: "b"}[stages]))
	q.key = fmt.Sprint(f, amplitude, stages, positive, current)
	return q.row(r, i)
}

// diodeLogic is an OR or an AND of diodes.
func diodeLogic(r *generated.Rand, i int) (generated.Row, string) {
	vcc := generated.Pick(r, 5.0, 9, 12, 15)
	and := r.Bool()
	current := nice(r, 20e-6, 5e-3) // of an input that is low (AND) or high (OR)
	resistor := (vcc - 0.7) / current
	q := question{family: "diode_logic", parts: "RD", library: []string{"d1", "ds"}, values: partRange(ohms, [2]float64{}, [2]float64{})}
	name, rule := "OR", "high where at least one input is high"
	if and {
		name, rule = "AND", "high where all inputs are high"
	}
	q.opening = []string{
		fmt.Sprintf("Design a three-input diode %s gate for levels of 0 and %s.", name, si(vcc, "V")),
		fmt.Sprintf("Make a gate of diodes and a resistor: the output is %s. Levels: 0 V and %s.", rule, si(vcc, "V")),
	}
	for _, p := range []string{"a", "b", "c"} {
		q.port(p, "input %s, 0 or %s from an ideal source", p, si(vcc, "V"))
	}
	q.port("y", "output")
	if and {
		q.port("vcc", "supply, %s", si(vcc, "V"))
	} else {
		q.mayUse("vcc", "supply, %s", si(vcc, "V"))
	}
	// a counts fastest: eight slots of 1 ms.
	pulse := func(name string, slots int) string {
		return fmt.Sprintf("V%s %s 0 PULSE(0 %s %dm 1u 1u %s %dm)", name, name, num(vcc), slots, num(float64(slots)*1e-3-1e-6), 2*slots)
	}
	circuit := []string{"VCC vcc 0 " + num(vcc), pulse("a", 1), pulse("b", 2), pulse("c", 4)}
	load := digits(resistor*12, 2)
	if and {
		circuit = append(circuit, "RL y 0 "+num(load))
		q.ports[3].text = fmt.Sprintf("output; the bench loads it with %s to ground", si(load, "Ω"))
	} else {
		circuit = append(circuit, "RL vcc y "+num(load))
		q.ports[3].text = fmt.Sprintf("output; the bench has %s from here to vcc", si(load, "Ω"))
	}
	q.run("truth", circuit, "tran 20u 8m 0 20u")
	// With the load: the AND's high level, the OR's low level.
	high, low := digits(0.87*vcc, 3), digits(0.13*vcc, 3)
	if and {
		low = 0.95
	} else {
		high = digits(vcc-0.95, 3)
	}
	for slot := range 8 {
		is := slot == 7
		if !and {
			is = slot > 0
		}
		at := digits((float64(slot)+0.8)*1e-3, 3)
		bits := fmt.Sprintf("abc = %d%d%d", slot&1, slot>>1&1, slot>>2&1)
		if is {
			q.need(bits, atLeast(tranAt("truth", "v(y)", at), high), "%s: v(y) at least %s", bits, si(high, "V"))
		} else {
			q.need(bits, atMost(tranAt("truth", "v(y)", at), low), "%s: v(y) at most %s", bits, si(low, "V"))
		}
	}
	limit := digits(current*1.5, 2)
	kind, signal := "max", "-i(Va)"
	if and {
		kind, signal = "max", "i(Va)"
	}
	q.need("input current", atMost(Measure{Run: "truth", Analysis: "tran", Kind: kind, Signal: signal}, limit), "no more than %s through input a", si(limit, "A"))
	rail := "0"
	if and {
		rail = "vcc"
	}
	d := circuitOf("diode gate")
	for k, p := range []string{"a", "b", "c"} {
		if and {
			d.add("D%d y %s d1", k+1, p)
		} else {
			d.add("D%d %s y d1", k+1, p)
		}
	}
	d.add("R1 %s y %s", rail, num(resistor))
	q.deck = d
	q.wrong("one diode turned round", q.deck.swapped("D2", 1, 2))
	q.wrong("one input missing", q.deck.without("D3").withLine("R9 c 0 1meg"))
	q.wrong("resistor to the other rail", q.deck.word("R1", 1, map[bool]string{true: "0", false: "vcc"}[and]).withLine("R9 vcc 0 1meg"))
	q.wrong("resistor too small by 10", q.deck.scaled("R1", 0.1))
	q.wrong("resistor too large by 10", q.deck.scaled("R1", 10))
	q.wrong("the dual gate", func() deck {
		d := q.deck
		for k := range 3 {
			d = d.swapped(fmt.Sprintf("D%d", k+1), 1, 2)
		}
		return d.word("R1", 1, map[bool]string{true: "0", false: "vcc"}[and]).withLine("R9 vcc 0 1meg")
	}())
	q.key = fmt.Sprint(vcc, and, current)
	return q.row(r, i)
}
