package spicesim

import (
	"fmt"
	"math"

	"github.com/ailiance/lorabench/tasks/generated"
)

// parallel is the resistance of resistors side by side.
func parallel(a, b float64) float64 { return a * b / (a + b) }

// decades is an ac sweep about a frequency, with n points a decade.
func decades(n int, lo, hi float64) string {
	return fmt.Sprintf("ac dec %d %s %s", n, num(lo), num(hi))
}

// rcLowpass and rcHighpass have one capacitor; a load and a source resistance
// make the gain in the pass band, and the resistor that is missing.
func rcLowpass(r *generated.Rand, i int) (generated.Row, string) {
	return firstOrder(r, i, "rc_lowpass", true)
}

func rcHighpass(r *generated.Rand, i int) (generated.Row, string) {
	return firstOrder(r, i, "rc_highpass", false)
}

func firstOrder(r *generated.Rand, i int, family string, low bool) (generated.Row, string) {
	fc := nice(r, 10, 500e3)
	load := nice(r, 1e3, 200e3)
	for fc*load > 1e10 { // else the capacitor were less than those of the wires
		load = digits(load/10, 2)
	}
	source := 0.0
	if r.Bool() {
		source = digits(load*math.Pow(10, -2.5+r.Float()*1.5), 2)
	}
	gain := uniform(r, 0.3, 0.88, 0.02)
	if gain > 0.9*load/(source+load) {
		gain = digits(0.85*load/(source+load), 2)
	}
	kind := "high-pass"
	if low {
		kind = "low-pass"
	}
	q := question{family: family, parts: "RC", values: partRange(ohms, farads, [2]float64{})}
	q.opening = []string{
		fmt.Sprintf("Design a first-order RC %s filter with a corner frequency of %s.", kind, si(fc, "Hz")),
		fmt.Sprintf("An RC %s with a −3 dB frequency of %s and a gain of %s in its pass band is needed.", kind, si(fc, "Hz"), fmt.Sprint(gain)),
		fmt.Sprintf("Make a passive %s of resistors and capacitors: −3 dB at %s, a slope of 20 dB per decade.", kind, si(fc, "Hz")),
	}
	circuit := []string{"VS in 0 AC 1", "RL out 0 " + num(load)}
	if source > 0 {
		circuit = []string{"VS src 0 AC 1", "RS src in " + num(source), "RL out 0 " + num(load)}
		q.port("in", "input; the bench drives it from a source with an internal resistance of %s", si(source, "Ω"))
	} else {
		q.port("in", "input, driven by an ideal voltage source")
	}
	q.port("out", "output; the bench loads it with %s", si(load, "Ω"))
	q.run("ac", circuit, decades(20, fc/1000, fc*1000))
	pass, edge, from, to := fc/300, "high", 20*fc, 200*fc
	slope := -20.0
	if !low {
		pass, edge, from, to, slope = fc*300, "low", fc/200, fc/20, 20
	}
	pass, from, to = digits(pass, 3), digits(from, 3), digits(to, 3)
	q.need("pass-band gain", near(acAt("ac", "gain", "v(out)", pass), gain, 0.03), "gain from the source's voltage to v(out) at %s: %s %s", si(pass, "Hz"), fmt.Sprint(gain), percent(0.03))
	q.need("corner frequency", near(acCorner("ac", "v(out)", edge, pass), fc, 0.04), "the gain is 3 dB below that at %s %s", si(fc, "Hz"), percent(0.04))
	q.need("slope", within(Measure{Run: "ac", Analysis: "ac", Kind: "slope_db", Signal: "v(out)", From: P(from), To: P(to)}, slope, 1), "slope between %s and %s: %g ±1 dB per decade", si(from, "Hz"), si(to, "Hz"), slope)
	series := load/gain - load - source
	if low {
		c := 1 / (2 * math.Pi * fc * parallel(source+series, load))
		q.deck = circuitOf(kind, "R1 in out "+num(series), "C1 out 0 "+num(c))
		q.wrong("load not thought of", q.deck.scaled("C1", parallel(source+series, load)/(source+series)*0.9))
		q.wrong("capacitor in series", circuitOf(kind, "C1 in x "+num(c), "R1 x out "+num(series)))
	} else {
		c := 1 / (2 * math.Pi * fc * (source + series + load))
		q.deck = circuitOf(kind, "C1 in x "+num(c), "R1 x out "+num(series))
		q.wrong("a low-pass", circuitOf(kind, "R1 in out "+num(series), "C1 out 0 "+num(c)))
		q.wrong("capacitor at the output", circuitOf(kind, "R1 in out "+num(series), "C1 out x "+num(c), "R2 x 0 "+num(series)))
	}
	q.wrong("2π forgotten", q.deck.scaled("C1", 2*math.Pi))
	q.wrong("nanofarad for microfarad", q.deck.scaled("C1", 1000))
	q.wrong("resistor too large by 10", q.deck.scaled("R1", 10))
	q.key = fmt.Sprint(low, fc, load, source, gain)
	return q.row(r, i)
}

// rlFilter is an inductor (and a resistor) in front of a given load.
func rlFilter(r *generated.Rand, i int) (generated.Row, string) {
	fc := nice(r, 50, 5e6)
	load := nice(r, 4, 5e3)
	low := r.Bool()
	gain := uniform(r, 0.3, 0.9, 0.02)
	series := load/gain - load
	kind, edge, pass, stop, slope := "low-pass", "high", fc/300, 100*fc, -20.0
	if !low {
		kind, edge, pass, stop, slope = "high-pass", "low", fc*300, fc/100, 20.0
	}
	pass = digits(pass, 3)
	q := question{family: "rl_filter", parts: "RL", values: partRange(ohms, [2]float64{}, henrys)}
	q.opening = []string{
		fmt.Sprintf("Design a first-order RL %s filter for a load of %s; −3 dB at %s.", kind, si(load, "Ω"), si(fc, "Hz")),
		fmt.Sprintf("No capacitors are at hand: make a %s with its corner at %s of inductors and resistors.", kind, si(fc, "Hz")),
	}
	q.port("in", "input, driven by an ideal voltage source")
	q.port("out", "output; the bench loads it with %s", si(load, "Ω"))
	// The source's resistance keeps inductors from short-circuiting it at DC.
	q.run("ac", []string{"VS in 0 AC 1", "RL out 0 " + num(load)}, decades(20, fc/1000, fc*1000))
	q.need("pass-band gain", near(acAt("ac", "gain", "v(out)", pass), gain, 0.03), "gain v(out)/v(in) at %s: %s %s", si(pass, "Hz"), fmt.Sprint(gain), percent(0.03))
	q.need("corner frequency", near(acCorner("ac", "v(out)", edge, pass), fc, 0.04), "3 dB below that at %s %s", si(fc, "Hz"), percent(0.04))
	lo, hi := digits(math.Min(stop, stop/5), 3), digits(math.Max(stop, stop/5), 3)
	if !low {
		lo, hi = digits(stop, 3), digits(5*stop, 3)
	}
	q.need("slope", within(Measure{Run: "ac", Analysis: "ac", Kind: "slope_db", Signal: "v(out)", From: P(lo), To: P(hi)}, slope, 1), "slope between %s and %s: %g ±1 dB per decade", si(lo, "Hz"), si(hi, "Hz"), slope)
	if low {
		l := (series + load) / (2 * math.Pi * fc)
		q.deck = circuitOf(kind, "R1 in x "+num(series), "L1 x out "+num(l))
		q.wrong("inductor across the output", circuitOf(kind, "R1 in out "+num(series), "L1 out 0 "+num(l)))
	} else {
		l := parallel(series, load) / (2 * math.Pi * fc)
		q.deck = circuitOf(kind, "R1 in out "+num(series), "L1 out 0 "+num(l))
		q.wrong("inductor in series", circuitOf(kind, "R1 in x "+num(series), "L1 x out "+num(l)))
	}
	q.wrong("henry for millihenry", q.deck.scaled("L1", 1000))
	q.wrong("2π forgotten", q.deck.scaled("L1", 2*math.Pi))
	q.wrong("inductor too small by 2", q.deck.scaled("L1", 0.5))
	q.wrong("resistor too large by 5", q.deck.scaled("R1", 5))
	q.key = fmt.Sprint(low, fc, load, gain)
	return q.row(r, i)
}

// rlcLowpass is a second-order low-pass with a peak.
func rlcLowpass(r *generated.Rand, i int) (generated.Row, string) {
	f0 := nice(r, 200, 2e6)
	load := nice(r, 8, 5e3)
	quality := uniform(r, 0.9, 4, 0.1)
	peak := digits(20*math.Log10(quality/math.Sqrt(1-1/(4*quality*quality))), 3)
	at := digits(f0*math.Sqrt(1-1/(2*quality*quality)), 4)
	l := load / (2 * math.Pi * f0 * quality)
	c := quality / (2 * math.Pi * f0 * load)
	high := digits(f0*20, 3)
	q := question{family: "rlc_lowpass", parts: "RLC", values: partRange(ohms, farads, henrys)}
	q.opening = []string{
		fmt.Sprintf("Design a second-order LC low-pass with a resonance at %s for a load of %s.", si(f0, "Hz"), si(load, "Ω")),
		fmt.Sprintf("An LC low-pass (12 dB per octave) feeds %s. Its response must peak by %s dB.", si(load, "Ω"), fmt.Sprint(peak)),
	}
	q.port("in", "input, driven by an ideal voltage source")
	q.port("out", "output; the bench loads it with %s", si(load, "Ω"))
	q.run("ac", []string{"VS in 0 AC 1", "RL out 0 " + num(load)}, decades(100, f0/100, f0*100))
	low := digits(f0/100, 3)
	q.need("gain at low frequencies", near(acAt("ac", "gain", "v(out)", low), 1, 0.03), "gain v(out)/v(in) at %s: 1 %s", si(low, "Hz"), percent(0.03))
	q.need("peak frequency", near(acKind("ac", "peak", "v(out)"), at, 0.03), "the gain is greatest at %s %s", si(at, "Hz"), percent(0.03))
	q.need("peak gain", within(acKind("ac", "max_db", "v(out)"), peak, 0.4), "greatest gain: %s dB ±0.4 dB", fmt.Sprint(peak))
	h := digits(-20*math.Log10(math.Hypot(1-400, 20/quality)), 3)
	q.need("attenuation", within(acAt("ac", "gain_db", "v(out)", high), h, 1.5), "gain at %s: %s dB ±1.5 dB", si(high, "Hz"), fmt.Sprint(h))
	q.deck = circuitOf("LC low-pass", "L1 in out "+num(l), "C1 out 0 "+num(c))
	q.wrong("a high-pass", circuitOf("LC", "C1 in out "+num(c), "L1 out 0 "+num(l)))
	q.wrong("right resonance, wrong impedance", q.deck.scaled("L1", 2).scaled("C1", 0.5))
	q.wrong("inductor in henry", q.deck.scaled("L1", 1000))
	q.wrong("2π forgotten twice", q.deck.scaled("L1", 2*math.Pi).scaled("C1", 2*math.Pi))
	q.wrong("load built in as well", q.deck.withLine("R1 out 0 %s", num(load)))
	q.wrong("capacitor missing", q.deck.without("C1"))
	q.key = fmt.Sprint(f0, load, quality)
	return q.row(r, i)
}

// rlcBandpass is a resonance in series or in parallel.
func rlcBandpass(r *generated.Rand, i int) (generated.Row, string) {
	f0 := nice(r, 1e3, 3e6)
	quality := uniform(r, 1, 15, 0.5)
	bandwidth := digits(f0/quality, 3)
	load := nice(r, 50, 20e3)
	gain := uniform(r, 0.3, 0.9, 0.02)
	series := load/gain - load
	w := 2 * math.Pi * f0
	quality = f0 / bandwidth
	q := question{family: "rlc_bandpass", parts: "RLC", values: partRange(ohms, farads, henrys)}
	q.opening = []string{
		fmt.Sprintf("Design a passive band-pass at %s with a −3 dB bandwidth of %s.", si(f0, "Hz"), si(bandwidth, "Hz")),
		fmt.Sprintf("A resonant circuit must select %s (bandwidth %s) and drive %s.", si(f0, "Hz"), si(bandwidth, "Hz"), si(load, "Ω")),
		fmt.Sprintf("Make an RLC band-pass filter: centre %s, Q %s.", si(f0, "Hz"), fmt.Sprint(digits(quality, 3))),
	}
	q.port("in", "input, driven by an ideal voltage source")
	q.port("out", "output; the bench loads it with %s", si(load, "Ω"))
	q.run("ac", []string{"VS in 0 AC 1", "RL out 0 " + num(load)}, decades(200, f0/100, f0*100))
	q.need("centre frequency", near(acKind("ac", "centre", "v(out)"), f0, 0.02), "centre (geometric mean of the two −3 dB frequencies): %s %s", si(f0, "Hz"), percent(0.02))
	q.need("bandwidth", near(acKind("ac", "bandwidth", "v(out)"), bandwidth, 0.06), "−3 dB bandwidth: %s %s", si(bandwidth, "Hz"), percent(0.06))
	q.need("gain", near(acAt("ac", "gain", "v(out)", f0), gain, 0.05), "gain v(out)/v(in) at %s: %s %s", si(f0, "Hz"), fmt.Sprint(gain), percent(0.05))
	total := series + load
	if c := 1 / (w * quality * total); r.Bool() && c > 3e-12 { // less is no capacitor that one can buy
		l := quality * total / w
		q.deck = circuitOf("series resonance", "L1 in x "+num(l), "C1 x y "+num(c), "R1 y out "+num(series))
		q.wrong("capacitor missing", q.deck.without("C1").line("R1", "R1 x out %s", num(series)))
	} else {
		p := parallel(series, load)
		l, c := p/(w*quality), quality/(w*p)
		q.deck = circuitOf("parallel resonance", "R1 in out "+num(series), "L1 out 0 "+num(l), "C1 out 0 "+num(c))
		q.wrong("inductor missing", q.deck.without("L1"))
	}
	q.wrong("inductor too large by 10", q.deck.scaled("L1", 10))
	q.wrong("right frequency, Q too low by 2", q.deck.scaled("L1", map[bool]float64{true: 0.5, false: 2}[q.deck.title[0] == 's']).scaled("C1", map[bool]float64{true: 2, false: 0.5}[q.deck.title[0] == 's']))
	q.wrong("picofarad for nanofarad", q.deck.scaled("C1", 1e-3))
	q.wrong("no resistor", q.deck.scaled("R1", 1e-2))
	q.key = fmt.Sprint(f0, bandwidth, load, gain)
	return q.row(r, i)
}

// rlcNotch traps one frequency.
func rlcNotch(r *generated.Rand, i int) (generated.Row, string) {
	f0 := nice(r, 500, 1e6)
	quality := uniform(r, 0.5, 5, 0.1)
	load := nice(r, 1e3, 50e3)
	w := 2 * math.Pi * f0
	// At these the gain is 3 dB down.
	half := 1 / (2 * quality)
	lo, hi := digits(f0*(math.Sqrt(1+half*half)-half), 4), digits(f0*(math.Sqrt(1+half*half)+half), 4)
	gain := uniform(r, 0.6, 0.95, 0.01)
	series := load/gain - load
	q := question{family: "rlc_notch", parts: "RLC", values: partRange(ohms, farads, henrys)}
	q.opening = []string{
		fmt.Sprintf("Design a passive trap that removes %s and is 3 dB down at %s and %s.", si(f0, "Hz"), si(lo, "Hz"), si(hi, "Hz")),
		fmt.Sprintf("An RLC band-stop for %s is wanted.", si(f0, "Hz")),
		fmt.Sprintf("Interference at %s must be cut out by an LC trap.", si(f0, "Hz")),
	}
	q.port("in", "input, driven by an ideal voltage source")
	q.port("out", "output; the bench loads it with %s", si(load, "Ω"))
	below, above := digits(f0/40, 3), digits(f0*40, 3)
	q.run("ac", []string{"VS in 0 AC 1", "RL out 0 " + num(load)}, decades(200, f0/100, f0*100))
	q.need("notch frequency", near(acKind("ac", "notch", "v(out)"), f0, 0.01), "the gain is least at %s %s", si(f0, "Hz"), percent(0.01))
	q.need("notch depth", atMost(acAt("ac", "gain", "v(out)", f0), 0.05), "gain v(out)/v(in) at %s: at most 0.05", si(f0, "Hz"))
	q.need("gain below", near(acAt("ac", "gain", "v(out)", below), gain, 0.03), "gain at %s: %s %s", si(below, "Hz"), fmt.Sprint(gain), percent(0.03))
	q.need("gain above", near(acAt("ac", "gain", "v(out)", above), gain, 0.03), "gain at %s: %s %s", si(above, "Hz"), fmt.Sprint(gain), percent(0.03))
	for _, x := range []struct {
		name string
		f    float64
	}{{"lower", lo}, {"upper", hi}} {
		q.need(x.name+" −3 dB point", near(acAt("ac", "gain", "v(out)", x.f), digits(gain*math.Sqrt(0.5), 3), 0.05), "gain at %s: %s %s", si(x.f, "Hz"), fmt.Sprint(digits(gain*math.Sqrt(0.5), 3)), percent(0.05))
	}
	if r.Bool() {
		// The trap sees the series resistor and the load side by side.
		p := parallel(series, load)
		l := quality * p / w
		c := 1 / (w * w * l)
		q.deck = circuitOf("series trap to ground", "R1 in out "+num(series), "L1 out x "+num(l), "C1 x 0 "+num(c))
		q.wrong("trap in parallel", circuitOf("trap", "R1 in out "+num(series), "L1 out 0 "+num(l), "C1 out 0 "+num(c)))
	} else {
		total := series + load
		l := total / (quality * w)
		c := 1 / (w * w * l)
		q.deck = circuitOf("parallel trap in series", "R1 in x "+num(series), "L1 x out "+num(l), "C1 x out "+num(c))
		q.wrong("trap in series", circuitOf("trap", "R1 in x "+num(series), "L1 x y "+num(l), "C1 y out "+num(c)))
	}
	q.wrong("inductor too large by 2", q.deck.scaled("L1", 2))
	q.wrong("right frequency, too narrow by 3", q.deck.scaled("L1", map[bool]float64{true: 3, false: 1.0 / 3}[q.deck.title[0] == 's']).scaled("C1", map[bool]float64{true: 1.0 / 3, false: 3}[q.deck.title[0] == 's']))
	q.wrong("microfarad for nanofarad", q.deck.scaled("C1", 1e3))
	q.wrong("capacitor missing", q.deck.without("C1").withLine("R5 %s", map[bool]string{true: "x 0 1", false: "x out 1meg"}[q.deck.title[0] == 's']))
	q.key = fmt.Sprint(f0, quality, load, gain)
	return q.row(r, i)
}

// twinT is the notch of three resistors and three capacitors.
func twinT(r *generated.Rand, i int) (generated.Row, string) {
	f0 := nice(r, 20, 50e3)
	load := nice(r, 200e3, 10e6)
	resistor := digits(load*math.Pow(10, -2.6+0.6*r.Float()), 2)
	c := 1 / (2 * math.Pi * f0 * resistor)
	q := question{family: "twin_t", parts: "RC", values: partRange(ohms, farads, [2]float64{})}
	q.opening = []string{
		fmt.Sprintf("Design a passive RC notch filter for %s (a twin T, for example).", si(f0, "Hz")),
		fmt.Sprintf("Hum at %s must be taken out by resistors and capacitors alone.", si(f0, "Hz")),
		fmt.Sprintf("A notch at %s is needed, without inductors and without active parts.", si(f0, "Hz")),
	}
	q.port("in", "input, driven by an ideal voltage source")
	q.port("out", "output; the bench loads it with %s", si(load, "Ω"))
	q.run("ac", []string{"VS in 0 AC 1", "RL out 0 " + num(load)}, decades(100, f0/1000, f0*1000))
	below, above := digits(f0/100, 3), digits(f0*100, 3)
	q.need("notch frequency", near(acKind("ac", "notch", "v(out)"), f0, 0.01), "the gain is least at %s %s", si(f0, "Hz"), percent(0.01))
	q.need("notch depth", atMost(acAt("ac", "gain_db", "v(out)", f0), -36).reach(20), "gain v(out)/v(in) at %s: at most −36 dB", si(f0, "Hz"))
	q.need("gain below", atLeast(acAt("ac", "gain_db", "v(out)", below), -1).reach(6), "gain at %s: at least −1 dB", si(below, "Hz"))
	q.need("gain above", atLeast(acAt("ac", "gain_db", "v(out)", above), -1).reach(6), "gain at %s: at least −1 dB", si(above, "Hz"))
	q.deck = circuitOf("twin T",
		"R1 in a "+num(resistor), "R2 a out "+num(resistor), "C3 a 0 "+num(2*c),
		"C1 in b "+num(c), "C2 b out "+num(c), "R3 b 0 "+num(resistor/2))
	q.wrong("middle resistor not halved", q.deck.scaled("R3", 2))
	q.wrong("middle capacitor not doubled", q.deck.scaled("C3", 0.5))
	q.wrong("2π forgotten", q.deck.scaled("C1", 2*math.Pi).scaled("C2", 2*math.Pi).scaled("C3", 2*math.Pi))
	q.wrong("middle parts exchanged", q.deck.line("C3", "C3 b 0 %s", num(2*c)).line("R3", "R3 a 0 %s", num(resistor/2)))
	q.wrong("all resistors in megohm", q.deck.scaled("R1", 1e3).scaled("R2", 1e3).scaled("R3", 1e3))
	q.key = fmt.Sprint(f0, load)
	return q.row(r, i)
}

// bridgedT is a shallow notch of given depth.
func bridgedT(r *generated.Rand, i int) (generated.Row, string) {
	f0 := nice(r, 50, 50e3)
	depth := uniform(r, 6, 18, 0.5) // dB
	load := nice(r, 500e3, 10e6)
	resistor := digits(load*math.Pow(10, -2.8+0.6*r.Float()), 2)
	a := math.Pow(10, -depth/20)
	ratio := 2 * (1/a - 1) // shunt over bridging capacitor
	bridge := 1 / (2 * math.Pi * f0 * resistor * math.Sqrt(ratio))
	gain := digits(a, 3)
	q := question{family: "bridged_t", parts: "RC", values: partRange(ohms, farads, [2]float64{})}
	q.opening = []string{
		fmt.Sprintf("Design a bridged T of resistors and capacitors that dips by %s dB at %s.", fmt.Sprint(depth), si(f0, "Hz")),
		fmt.Sprintf("An equaliser must cut %s dB at %s and pass everything far from there. Only resistors and capacitors.", fmt.Sprint(depth), si(f0, "Hz")),
	}
	q.port("in", "input, driven by an ideal voltage source")
	q.port("out", "output; the bench loads it with %s", si(load, "Ω"))
	q.run("ac", []string{"VS in 0 AC 1", "RL out 0 " + num(load)}, decades(100, f0/1000, f0*1000))
	below, above := digits(f0/400, 3), digits(f0*400, 3)
	q.need("dip frequency", near(acKind("ac", "notch", "v(out)"), f0, 0.03), "the gain is least at %s %s", si(f0, "Hz"), percent(0.03))
	q.need("dip", near(acAt("ac", "gain", "v(out)", f0), gain, 0.05), "gain v(out)/v(in) at %s: %s %s", si(f0, "Hz"), fmt.Sprint(gain), percent(0.05))
	q.need("gain below", atLeast(acAt("ac", "gain", "v(out)", below), 0.93).reach(0.3), "gain at %s: at least 0.93", si(below, "Hz"))
	q.need("gain above", atLeast(acAt("ac", "gain", "v(out)", above), 0.93).reach(0.3), "gain at %s: at least 0.93", si(above, "Hz"))
	q.deck = circuitOf("bridged T", "R1 in m "+num(resistor), "R2 m out "+num(resistor), "C1 m 0 "+num(ratio*bridge), "C2 in out "+num(bridge))
	q.wrong("bridge missing", q.deck.without("C2"))
	q.wrong("capacitors exchanged", circuitOf("bridged T", "R1 in m "+num(resistor), "R2 m out "+num(resistor), "C2 m 0 "+num(bridge), "C1 in out "+num(ratio*bridge)))
	q.wrong("right frequency, wrong depth", q.deck.scaled("C1", 2).scaled("C2", 0.5))
	q.wrong("2π forgotten", q.deck.scaled("C1", 2*math.Pi).scaled("C2", 2*math.Pi))
	q.wrong("shunt capacitor at the output", q.deck.word("C1", 1, "out"))
	q.key = fmt.Sprint(f0, depth, load)
	return q.row(r, i)
}

// ladder makes the elements of a doubly terminated low- or high-pass of the
// values g, which are those of a low-pass at 1 rad/s and 1 ohm. series says
// whether the first element is in series.
func ladder(g []float64, z, fc float64, low, series bool) []string {
	w := 2 * math.Pi * fc
	var lines []string
	node := "in"
	inSeries := series
	left := 0 // series elements still to come
	for k := range g {
		if (k%2 == 0) == series {
			left++
		}
	}
	for k, v := range g {
		var letter string
		var value float64
		switch {
		case inSeries == low: // series L of a low-pass, shunt L of a high-pass
			letter = "L"
			if value = v * z / w; !low {
				value = z / (v * w)
			}
		default:
			letter = "C"
			if value = v / (z * w); !low {
				value = 1 / (v * z * w)
			}
		}
		if inSeries {
			left--
			next := fmt.Sprintf("x%d", k+1)
			if left == 0 {
				next = "out"
			}
			lines = append(lines, fmt.Sprintf("%s%d %s %s %s", letter, k+1, node, next, num(value)))
			node = next
		} else {
			lines = append(lines, fmt.Sprintf("%s%d %s 0 %s", letter, k+1, node, num(value)))
		}
		inSeries = !inSeries
	}
	return lines
}

// butterworth returns the elements of a maximally flat low-pass.
func butterworth(n int) []float64 {
	g := make([]float64, n)
	for k := range g {
		g[k] = 2 * math.Sin(float64(2*k+1)*math.Pi/float64(2*n))
	}
	return g
}

// chebyshev returns the elements of a low-pass with ripple decibels up to 1
// rad/s; n is odd. Matthaei, Young, Jones: Microwave Filters, section 4.05.
func chebyshev(n int, ripple float64) []float64 {
	beta := math.Log(1 / math.Tanh(ripple/(40*math.Log10(math.E))))
	gamma := math.Sinh(beta / float64(2*n))
	a := func(k int) float64 { return math.Sin(float64(2*k-1) * math.Pi / float64(2*n)) }
	b := func(k int) float64 {
		s := math.Sin(float64(k) * math.Pi / float64(n))
		return gamma*gamma + s*s
	}
	g := make([]float64, n)
	for k := range g {
		if k == 0 {
			g[0] = 2 * a(1) / gamma
		} else {
			g[k] = 4 * a(k) * a(k+1) / (b(k) * g[k-1])
		}
	}
	return g
}

// ladderFilter asks for a doubly terminated filter.
func ladderFilter(r *generated.Rand, i int, family string, g []float64, character string, fc, z float64, low bool, needs func(q *question)) (generated.Row, string) {
	kind := "high-pass"
	if low {
		kind = "low-pass"
	}
	q := question{family: family, parts: "LC", values: partRange([2]float64{}, farads, henrys)}
	q.opening = []string{
		fmt.Sprintf("Design an LC ladder %s of order %d (%s) for %s on both sides, with its corner at %s.", kind, len(g), character, si(z, "Ω"), si(fc, "Hz")),
		fmt.Sprintf("A %s LC %s filter is needed between a %s source and a %s load. Corner frequency %s, order %d.", character, kind, si(z, "Ω"), si(z, "Ω"), si(fc, "Hz"), len(g)),
		fmt.Sprintf("Make a doubly terminated (%s) %s %s of order %d at %s of inductors and capacitors.", si(z, "Ω"), character, kind, len(g), si(fc, "Hz")),
	}
	q.port("in", "input; the bench drives it from a source with an internal resistance of %s", si(z, "Ω"))
	q.port("out", "output; the bench loads it with %s", si(z, "Ω"))
	q.run("ac", []string{"VS src 0 AC 1", "RS src in " + num(z), "RL out 0 " + num(z)}, decades(200, fc/100, fc*100))
	needs(&q)
	series := r.Bool()
	q.deck = circuitOf(kind, ladder(g, z, fc, low, series)...)
	other := circuitOf(kind, ladder(g, z, fc, !low, series)...)
	q.wrong("high-pass and low-pass mixed up", other)
	q.wrong("for another impedance", circuitOf(kind, ladder(g, 3*z, fc, low, series)...))
	q.wrong("hertz taken for radian per second", circuitOf(kind, ladder(g, z, fc/(2*math.Pi), low, series)...))
	q.wrong("order lower by two", circuitOf(kind, ladder(butterworth(len(g)-2), z, fc, low, series || len(g) == 3)...))
	first := q.deck.lines[len(g)/2][:2]
	q.wrong("middle element too large by 2", q.deck.scaled(first, 2))
	q.key = fmt.Sprint(character, fc, z, low, len(g))
	return q.row(r, i)
}

func butterworthLadder(r *generated.Rand, i int) (generated.Row, string) {
	n := r.Between(3, 5)
	fc := nice(r, 300, 30e6)
	z := generated.Pick(r, 50.0, 75, 100, 150, 300, 600, 1000)
	low := r.IntN(3) > 0
	return ladderFilter(r, i, "butterworth_ladder", butterworth(n), "Butterworth", fc, z, low, func(q *question) {
		ladderNeeds(q, fc, low)
		q.need("corner frequency", near(acCorner("ac", "v(out)", map[bool]string{true: "high", false: "low"}[low], passOf(fc, low)), fc, 0.02), "3 dB below that at %s %s", si(fc, "Hz"), percent(0.02))
		flat := edgeOf(fc, 0.6, low)
		loss := digits(10*math.Log10(1+math.Pow(0.6, float64(2*n))), 2)
		q.need("flatness", within(acAt("ac", "gain_db", "v(out)", flat), digits(-6.021-loss, 3), 0.3), "gain at %s: %s dB ±0.3 dB", si(flat, "Hz"), fmt.Sprint(digits(-6.021-loss, 3)))
		stop := edgeOf(fc, 2.5, low)
		loss = digits(-6.021-10*math.Log10(1+math.Pow(2.5, float64(2*n))), 3)
		q.need("attenuation", within(acAt("ac", "gain_db", "v(out)", stop), loss, 1), "gain at %s: %s dB ±1 dB", si(stop, "Hz"), fmt.Sprint(loss))
	})
}

func chebyshevLadder(r *generated.Rand, i int) (generated.Row, string) {
	n := generated.Pick(r, 3, 5)
	ripple := generated.Pick(r, 0.1, 0.2, 0.5, 1, 2)
	fc := nice(r, 300, 30e6)
	z := generated.Pick(r, 50.0, 75, 100, 150, 300, 600, 1000)
	low := r.IntN(3) > 0
	epsilon := math.Pow(10, ripple/10) - 1
	return ladderFilter(r, i, "chebyshev_ladder", chebyshev(n, ripple), fmt.Sprintf("Chebyshev with %s dB ripple", fmt.Sprint(ripple)), fc, z, low, func(q *question) {
		ladderNeeds(q, fc, low)
		m := acKind("ac", "min_db", "v(out)")
		lo, hi := passOf(fc, low), fc
		if !low {
			lo, hi = hi, lo
		}
		m.From, m.To = P(lo), P(hi)
		allowed := digits(-6.021-ripple-0.15-0.05*ripple, 4)
		q.need("ripple", atLeast(m, allowed).reach(3), "between %s and %s the gain is nowhere below %s dB (the ripple is %s dB)", si(lo, "Hz"), si(hi, "Hz"), fmt.Sprint(allowed), fmt.Sprint(ripple))
		q.need("gain at the corner", within(acAt("ac", "gain_db", "v(out)", fc), digits(-6.021-ripple, 4), 0.15+0.05*ripple), "gain at %s, where the ripple ends: %s dB ±%s dB", si(fc, "Hz"), fmt.Sprint(digits(-6.021-ripple, 4)), fmt.Sprint(digits(0.15+0.05*ripple, 3)))
		for _, x := range []float64{1.5, 3} {
			stop := edgeOf(fc, x, low)
			t := math.Cosh(float64(n) * math.Acosh(x))
			loss := digits(-6.021-10*math.Log10(1+epsilon*t*t), 3)
			q.need(fmt.Sprintf("attenuation at %g times the corner", x), within(acAt("ac", "gain_db", "v(out)", stop), loss, 1), "gain at %s: %s dB ±1 dB", si(stop, "Hz"), fmt.Sprint(loss))
		}
	})
}

// passOf is a frequency deep in the pass band, edgeOf one at x times the corner.
func passOf(fc float64, low bool) float64 {
	if low {
		return digits(fc/25, 3)
	}
	return digits(fc*25, 3)
}

func edgeOf(fc, x float64, low bool) float64 {
	if low {
		return digits(fc*x, 3)
	}
	return digits(fc/x, 3)
}

func ladderNeeds(q *question, fc float64, low bool) {
	pass := passOf(fc, low)
	q.need("pass-band gain", within(acAt("ac", "gain_db", "v(out)", pass), -6.02, 0.2), "gain from the source's voltage to v(out) at %s: −6.02 dB ±0.2 dB", si(pass, "Hz"))
}
