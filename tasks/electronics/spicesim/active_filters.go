package spicesim

import (
	"fmt"
	"math"

	"github.com/ailiance/lorabench/tasks/generated"
)

// sallenKey is a second-order low-pass or high-pass filter with a gain of 1.
func sallenKey(r *generated.Rand, i int) (generated.Row, string) {
	q := question{family: "sallen_key", parts: "RCX"}
	q.port("in", "input, a voltage source of the bench")
	q.port("out", "output, loaded by the bench with 10 kΩ")
	a := q.amplifier(r)
	high := r.Bool()
	quality := generated.Pick(r, 0.577, 0.7071, 0.9, 1.2, 1.5, 2, 2.5)
	f := nice(r, 50, 4e3)
	if high {
		f = nice(r, 50, 1e3)
	}
	word := map[bool]string{true: "high-pass", false: "low-pass"}[high]
	name := map[float64]string{0.577: " (Bessel)", 0.7071: " (Butterworth)"}[quality]
	q.opening = []string{
		fmt.Sprintf("Design an active second-order %s filter with an op-amp: natural frequency %s, Q = %g%s, gain 1 in the passband.", word, si(f, "Hz"), quality, name),
		fmt.Sprintf("A Sallen-Key %s filter of second order is wanted, with unity gain, f0 = %s and Q = %g%s.", word, si(f, "Hz"), quality, name),
		fmt.Sprintf("Make a two-pole %s with an op-amp; f0 is %s, the quality factor %g%s, and the passband gain +1.", word, si(f, "Hz"), quality, name),
	}
	q.run("gain", a.bench("VIN in 0 DC 0 AC 1", benchLoad(10e3)), fmt.Sprintf("ac dec 50 %s %s", num(f/100), num(100*f)))
	pass, stop, phase := f/50, 10*f, -90.0
	if high {
		pass, stop, phase = 30*f, f/10, 90
	}
	q.need("passband gain", near(acAt("gain", "signed_gain", "v(out)", pass), 1, 0.04), "gain at %s: +1 %s", si(pass, "Hz"), percent(0.04))
	q.need("gain at f0", near(acAt("gain", "gain", "v(out)", f), quality, 0.08), "gain at %s: %g %s", si(f, "Hz"), quality, percent(0.08))
	q.need("phase at f0", within(acAt("gain", "phase", "v(out)", f), phase, 7), "phase of out against in at %s: %s° ±7°", si(f, "Hz"), plusMinus(phase))
	// Of second order, ten times f0 away from f0: |H| = 1/√((1−100)² + (10/Q)²).
	far := digits(-20*math.Log10(math.Hypot(99, 10/quality)), 4)
	q.need("stopband gain", within(acAt("gain", "gain_db", "v(out)", stop), far, 1), "gain at %s: %s dB ±1 dB", si(stop, "Hz"), plusMinus(far))
	if !high {
		q.settles(a, 1, 8*quality/f, 1, 0.04)
	} else {
		q.settles(a, 1, 8*quality/f, 0, 0.05)
	}
	if high {
		q.stays(a, 1, 1, 0.8, 1.2, benchLoad(10e3))
	} else {
		q.stays(a, 1, 1, -0.2, 0.2, benchLoad(10e3))
	}

	w := 2 * math.Pi * f
	d := deck{title: "Sallen-Key " + word}
	if high {
		c := 1e-9 * math.Pow(10, math.Round(math.Log10(1e3/f)))
		d.add("C1 in x %s", num(c))
		d.add("C2 x p %s", num(c))
		d.add("R1 x out %s", num(1/(2*quality*w*c)))
		d.add("R2 p 0 %s", num(2*quality/(w*c)))
	} else {
		const res = 10e3
		d.add("R1 in x %s", num(res))
		d.add("R2 x p %s", num(res))
		d.add("C1 x out %s", num(2*quality/(w*res)))
		d.add("C2 p 0 %s", num(1/(2*quality*w*res)))
	}
	d.opamp("X1", "p", "out", "out", a)
	q.deck = d
	q.wrong("inputs exchanged", d.swapped("X1", 1, 2))
	first, second := "C1", "C2"
	if high {
		first, second = "R1", "R2"
	}
	q.wrong("feedback to ground", d.word(first, 2, "0"))
	q.wrong("one part twice as large", d.scaled(second, 2))
	q.wrong("frequency wrong by 1.5", d.scaled("C1", 1.5).scaled("C2", 1.5))
	if high {
		swapped := deck{title: d.title}
		swapped.add("R1 in x %s", num(1/(w*1e-7)))
		swapped.add("R2 x p %s", num(1/(w*1e-7)))
		swapped.add("C1 x out %s", num(2*quality*1e-7))
		swapped.add("C2 p 0 %s", num(1e-7/(2*quality)))
		swapped.opamp("X1", "p", "out", "out", a)
		q.wrong("low-pass", swapped)
	} else {
		swapped := deck{title: d.title}
		swapped.add("C1 in x 10n")
		swapped.add("C2 x p 10n")
		swapped.add("R1 x out %s", num(1/(2*quality*w*10e-9)))
		swapped.add("R2 p 0 %s", num(2*quality/(w*10e-9)))
		swapped.opamp("X1", "p", "out", "out", a)
		q.wrong("high-pass", swapped)
	}
	q.key = fmt.Sprint(word, quality, f)
	return q.row(r, i)
}

// multipleFeedback is an inverting band-pass or low-pass filter with a gain.
func multipleFeedback(r *generated.Rand, i int) (generated.Row, string) {
	q := question{family: "multiple_feedback", parts: "RCX"}
	q.port("in", "input, a voltage source of the bench")
	q.port("out", "output, loaded by the bench with 10 kΩ")
	a := amplifier{"opamp5", generated.Pick(r, 5.0, 12.0, 15.0)}
	q.addAmplifier(a)
	band := r.IntN(3) > 0
	f := nice(r, 80, 2e3)
	w := 2 * math.Pi * f
	d := deck{}
	if band {
		quality := nice(r, 2, 8)
		gain := nice(r, 0.5, 1.2*quality*quality)
		if gain > 20 {
			gain = digits(gain/5, 2)
		}
		q.opening = []string{
			fmt.Sprintf("Design an active band-pass filter with one op-amp (multiple feedback): centre %s, Q = %g, gain %g at the centre, inverting.", si(f, "Hz"), quality, gain),
			fmt.Sprintf("An inverting second-order band-pass with an op-amp is wanted: it passes %s with a gain of −%g and has a −3 dB bandwidth of %s.", si(f, "Hz"), gain, si(digits(f/quality, 3), "Hz")),
			fmt.Sprintf("Make a resonant op-amp filter: centre frequency %s, bandwidth %s, centre gain −%g.", si(f, "Hz"), si(digits(f/quality, 3), "Hz"), gain),
		}
		q.run("gain", a.bench("VIN in 0 DC 0 AC 1", benchLoad(10e3)), fmt.Sprintf("ac dec 200 %s %s", num(f/30), num(30*f)))
		q.need("centre", near(acKind("gain", "centre", "v(out)"), f, 0.03), "centre (geometric mean of the −3 dB frequencies): %s %s", si(f, "Hz"), percent(0.03))
		q.need("bandwidth", near(acKind("gain", "bandwidth", "v(out)"), digits(f/quality, 3), 0.08), "−3 dB bandwidth: %s %s", si(digits(f/quality, 3), "Hz"), percent(0.08))
		q.need("centre gain", near(acAt("gain", "signed_gain", "v(out)", f), -gain, 0.1), "gain at %s: −%g (inverting) %s", si(f, "Hz"), gain, percent(0.1))
		q.settles(a, digits(1/gain, 2), 6*quality/f, 0, 0.05)
		q.stays(a, digits(1/gain, 2), 2, -0.25, 0.25, benchLoad(10e3))
		c := 1e-9 * math.Pow(10, math.Round(math.Log10(5e3/f)))
		d.title = "multiple-feedback band-pass"
		d.add("R1 in x %s", num(quality/(gain*w*c)))
		d.add("R2 x 0 %s", num(quality/((2*quality*quality-gain)*w*c)))
		d.add("C1 x out %s", num(c))
		d.add("C2 x n %s", num(c))
		d.add("R3 n out %s", num(2*quality/(w*c)))
		q.key = fmt.Sprint("band", f, quality, gain)
	} else {
		quality := generated.Pick(r, 0.577, 0.7071, 1, 1.3)
		gain := nice(r, 0.5, 10)
		q.opening = []string{
			fmt.Sprintf("Design an inverting second-order low-pass filter with one op-amp (multiple feedback): DC gain −%g, f0 = %s, Q = %g.", gain, si(f, "Hz"), quality),
			fmt.Sprintf("An inverting two-pole low-pass with a gain of −%g is wanted; its natural frequency is %s and its Q %g.", gain, si(f, "Hz"), quality),
			fmt.Sprintf("Make an op-amp low-pass of second order with v(out)/v(in) = −%g at low frequencies, f0 = %s, Q = %g.", gain, si(f, "Hz"), quality),
		}
		q.run("gain", a.bench("VIN in 0 DC 0 AC 1", benchLoad(10e3)), fmt.Sprintf("ac dec 50 %s %s", num(f/100), num(100*f)))
		q.need("passband gain", near(acAt("gain", "signed_gain", "v(out)", f/50), -gain, 0.05), "gain at %s: −%g %s", si(f/50, "Hz"), gain, percent(0.05))
		q.need("gain at f0", near(acAt("gain", "gain", "v(out)", f), digits(gain*quality, 3), 0.08), "gain at %s: %g %s", si(f, "Hz"), digits(gain*quality, 3), percent(0.08))
		q.need("phase at f0", within(acAt("gain", "phase", "v(out)", f), 90, 7), "phase of out against in at %s: +90° ±7°", si(f, "Hz"))
		far := digits(20*math.Log10(gain/math.Hypot(99, 10/quality)), 4)
		q.need("stopband gain", within(acAt("gain", "gain_db", "v(out)", 10*f), far, 1), "gain at %s: %s dB ±1 dB", si(10*f, "Hz"), plusMinus(far))
		size := digits(1/gain, 2)
		q.settles(a, size, 8/f, digits(-size*gain, 3), 0.05)
		q.stays(a, size, 2, -0.25, 0.25, benchLoad(10e3))
		// C1 to ground, C2 in the feedback; R1 = R2/gain.
		const c2 = 10e-9
		c1 := c2 * 4 * quality * quality * (1 + gain) * 1.3
		// R2 from a quadratic: w0²·R2·R3·C1·C2 = 1, w0/Q = (1/R1 + 1/R2 + 1/R3)/C1.
		// With x = 1/R2: R3 = x/(w0²C1C2): x(1+gain) + w0²C1C2/x = w0·C1/Q.
		b := w * c1 / quality
		x := (b - math.Sqrt(b*b-4*(1+gain)*w*w*c1*c2)) / (2 * (1 + gain))
		d.title = "multiple-feedback low-pass"
		d.add("R1 in x %s", num(1/(x*gain)))
		d.add("R2 x out %s", num(1/x))
		d.add("R3 x n %s", num(x/(w*w*c1*c2)))
		d.add("C1 x 0 %s", num(c1))
		d.add("C2 n out %s", num(c2))
		q.key = fmt.Sprint("low", f, quality, gain)
	}
	d.opamp("X1", "0", "n", "out", a)
	q.deck = d
	q.wrong("inputs exchanged", d.swapped("X1", 1, 2))
	q.wrong("input resistor half as large", d.scaled("R1", 0.5))
	q.wrong("a resistor missing", d.without("R3").withLine("R3 n x 1g"))
	q.wrong("capacitors larger by a third", d.scaled("C1", 1.33).scaled("C2", 1.33))
	q.wrong("not inverting", d.word("X1", 1, "in"))
	return q.row(r, i)
}

// higherOrder is a Butterworth low-pass of third or fourth order.
func higherOrder(r *generated.Rand, i int) (generated.Row, string) {
	q := question{family: "butterworth", parts: "RCX"}
	q.port("in", "input, a voltage source of the bench")
	q.port("out", "output, loaded by the bench with 10 kΩ")
	// The one without limits: what runs away in the first stage shows at the end.
	a := amplifier{name: "opamp"}
	q.addAmplifier(a)
	n := generated.Pick(r, 3, 4)
	f := nice(r, 60, 4e3)
	word := map[int]string{3: "third", 4: "fourth"}[n]
	q.opening = []string{
		fmt.Sprintf("Design an active Butterworth low-pass filter of %s order with op-amps: −3 dB at %s, gain 1.", word, si(f, "Hz")),
		fmt.Sprintf("A %s-order maximally flat low-pass with unity gain is wanted, with op-amps, corner frequency %s.", word, si(f, "Hz")),
		fmt.Sprintf("Make an op-amp low-pass with %d poles (Butterworth) that is 3 dB down at %s.", n, si(f, "Hz")),
	}
	db := func(x float64) float64 { return -10 * math.Log10(1+math.Pow(x, 2*float64(n))) }
	q.run("gain", a.bench("VIN in 0 DC 0 AC 1", benchLoad(10e3)), fmt.Sprintf("ac dec 50 %s %s", num(f/50), num(12*f)))
	q.need("passband gain", near(acAt("gain", "signed_gain", "v(out)", f/20), 1, 0.03), "gain at %s: +1 %s", si(f/20, "Hz"), percent(0.03))
	flat := Measure{Run: "gain", Analysis: "ac", Kind: "ripple_db", Signal: "v(out)", From: P(f / 50), To: P(0.7 * f)}
	most := digits(-db(0.7)+0.4, 3)
	q.need("flatness", atMost(flat, most), "the gain varies by at most %g dB between %s and %s", most, si(f/50, "Hz"), si(digits(0.7*f, 4), "Hz"))
	q.need("corner", near(acCorner("gain", "v(out)", "high", f/20), f, 0.04), "−3 dB frequency: %s %s", si(f, "Hz"), percent(0.04))
	q.need("attenuation", within(acAt("gain", "gain_db", "v(out)", 2*f), digits(db(2), 3), 1.2), "gain at %s: %s dB ±1.2 dB", si(2*f, "Hz"), plusMinus(digits(db(2), 3)))
	q.need("far attenuation", within(acAt("gain", "gain_db", "v(out)", 10*f), digits(db(10), 3), 2), "gain at %s: %s dB ±2 dB", si(10*f, "Hz"), plusMinus(digits(db(10), 3)))
	q.settles(a, 1, 10/f, 1, 0.04)
	q.stays(a, 1, 3, -0.2, 0.2, benchLoad(10e3))

	d := deck{title: "Butterworth low-pass"}
	w := 2 * math.Pi * f
	const res = 10e3
	qualities := []float64{1}
	from := "in"
	if n == 4 {
		qualities = []float64{0.5412, 1.3066}
	} else {
		d.add("RA in a %s", num(res))
		d.add("CA a 0 %s", num(1/(w*res)))
		d.opamp("XA", "a", "b", "b", a)
		from = "b"
	}
	for k, quality := range qualities {
		to := "out"
		if k < len(qualities)-1 {
			to = "m"
		}
		x, p := fmt.Sprintf("x%d", k), fmt.Sprintf("p%d", k)
		d.add("R%d1 %s %s %s", k, from, x, num(res))
		d.add("R%d2 %s %s %s", k, x, p, num(res))
		d.add("C%d1 %s %s %s", k, x, to, num(2*quality/(w*res)))
		d.add("C%d2 %s 0 %s", k, p, num(1/(2*quality*w*res)))
		d.opamp(fmt.Sprintf("X%d", k), p, to, to, a)
		from = to
	}
	q.deck = d
	q.wrong("a capacitor at ground", d.word("C01", 2, "0"))
	q.wrong("op-amp inputs exchanged", d.swapped("X0", 1, 2))
	q.wrong("equal capacitors", d.scaled("C01", 0.5).scaled("C02", 2))
	q.wrong("frequency of one stage wrong", d.scaled("R01", 2).scaled("R02", 2))
	if n == 4 {
		q.wrong("one stage alone", d.without("R11", "R12", "C11", "C12", "X1").word("C01", 2, "out").word("X0", 2, "out").word("X0", len(wordsOf(d, "X0"))-2, "out"))
	} else {
		q.wrong("without its first stage", d.without("RA", "CA", "XA").word("R01", 1, "in"))
	}
	q.key = fmt.Sprint(n, f)
	return q.row(r, i)
}

// allPass shifts the phase alone.
func allPass(r *generated.Rand, i int) (generated.Row, string) {
	q := question{family: "all_pass", parts: "RCX"}
	q.port("in", "input, a voltage source of the bench")
	q.port("out", "output, loaded by the bench with 10 kΩ")
	a := q.amplifier(r)
	f := nice(r, 30, 2e3)
	lag := r.Bool() // +1 at low frequencies, or at high ones
	ends := [2]float64{1, -1}
	phase := -90.0
	if !lag {
		ends, phase = [2]float64{-1, 1}, 90
	}
	q.opening = []string{
		fmt.Sprintf("Design a first-order all-pass filter with an op-amp: its gain is 1 at all frequencies, and its phase %s° at %s.", plusMinus(phase), si(f, "Hz")),
		fmt.Sprintf("A phase shifter with an op-amp is wanted: amplitude unchanged, phase %s° at %s, %s at low and %s at high frequencies.", plusMinus(phase), si(f, "Hz"), plusMinus(ends[0]), plusMinus(ends[1])),
		fmt.Sprintf("Make an op-amp all-pass of first order that %s by 90° at %s.", map[bool]string{true: "lags", false: "leads"}[lag], si(f, "Hz")),
	}
	q.run("gain", a.bench("VIN in 0 DC 0 AC 1", benchLoad(10e3)), fmt.Sprintf("ac dec 20 %s %s", num(f/30), num(15*f)))
	q.need("gain below", near(acAt("gain", "signed_gain", "v(out)", f/20), ends[0], 0.03), "gain at %s: %s %s (signed: in phase or in opposition)", si(f/20, "Hz"), plusMinus(ends[0]), percent(0.03))
	q.need("gain at f0", near(acAt("gain", "gain", "v(out)", f), 1, 0.03), "gain at %s: 1 %s", si(f, "Hz"), percent(0.03))
	q.need("phase at f0", within(acAt("gain", "phase", "v(out)", f), phase, 4), "phase of out against in at %s: %s° ±4°", si(f, "Hz"), plusMinus(phase))
	q.need("gain above", near(acAt("gain", "signed_gain", "v(out)", 10*f), ends[1], 0.03), "gain at %s: %s %s", si(10*f, "Hz"), plusMinus(ends[1]), percent(0.03))
	q.settles(a, 1, 3/f, ends[0], 0.05)
	soon := ends[1] + (ends[0]-ends[1])*(1-math.Exp(-a.stepTime(2)*2*math.Pi*f))
	q.stays(a, 1, 2, digits(soon-0.15, 3), digits(soon+0.15, 3), benchLoad(10e3))

	d := deck{title: "all-pass"}
	d.add("R1 in n 20k")
	d.add("R2 n out 20k")
	const res = 10e3
	c := 1 / (2 * math.Pi * f * res)
	if lag {
		d.add("R3 in p %s", num(res))
		d.add("C1 p 0 %s", num(c))
	} else {
		d.add("C1 in p %s", num(c))
		d.add("R3 p 0 %s", num(res))
	}
	d.opamp("X1", "p", "n", "out", a)
	q.deck = d
	q.wrong("inputs exchanged", d.swapped("X1", 1, 2))
	q.wrong("frequency wrong by 1.4", d.scaled("C1", 1.4))
	q.wrong("resistor and capacitor exchanged", exchanged(d, "R3", "C1"))
	q.wrong("unequal resistors", d.scaled("R2", 1.3))
	q.wrong("low-pass alone", d.line("R1", "R1 n out 20k").without("R2"))
	q.key = fmt.Sprint(lag, f)
	return q.row(r, i)
}

// settles steps the input, and wants the output to have come to a value when
// the filter has settled.
func (q *question) settles(a amplifier, size, seconds, output, tol float64) {
	seconds = digits(seconds, 3)
	q.run("step", a.bench(fmt.Sprintf("VIN in 0 DC 0 PULSE(0 %s %s %s %s 1k 2k)", num(size), num(seconds/1000), num(seconds/1000), num(seconds/1000)), benchLoad(10e3)), fmt.Sprintf("tran %s %s", num(seconds/200), num(seconds)))
	q.need("step response", within(tranAt("step", "v(out)", seconds), output, tol), "%s after a step of v(in) from 0 to %s, v(out) is %s ±%s", si(seconds, "s"), si(size, "V"), si(output, "V"), si(tol, "V"))
}

// exchanged returns d with the nodes of two elements of two pins exchanged.
func exchanged(d deck, a, b string) deck {
	fa, fb := wordsOf(d, a), wordsOf(d, b)
	return d.with(a, "%s %s %s", fb[1], fb[2], fa[3]).with(b, "%s %s %s", fa[1], fa[2], fb[3])
}
