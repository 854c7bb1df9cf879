package spicesim

import (
	"fmt"
	"math"

	"github.com/ailiance/lorabench/tasks/generated"
)

// circuitOf makes a deck of element lines.
func circuitOf(title string, lines ...string) deck { return deck{title: title, lines: lines} }

// ranges of parts that passive circuits may be made of.
func partRange(r, c, l [2]float64) map[string][2]float64 {
	out := map[string][2]float64{}
	for key, v := range map[string][2]float64{"R": r, "C": c, "L": l} {
		if v[1] > 0 {
			out[key] = v
		}
	}
	return out
}

var (
	ohms   = [2]float64{0.1, 100e6}
	farads = [2]float64{1e-12, 0.1}
	henrys = [2]float64{1e-9, 1000}
)

// reach sets how far outside of its band a property counts as far off.
func (p Property) reach(v float64) Property {
	p.Reach = digits(v, 3)
	return p
}

// divider is two resistors: by output voltage and current, by open-circuit
// voltage and output resistance, or by the voltages without and with a load.
func divider(r *generated.Rand, i int) (generated.Row, string) {
	vin := nice(r, 3, 60)
	k := uniform(r, 0.08, 0.44, 0.01)
	if r.Bool() {
		k = digits(1-k, 4)
	}
	vout := digits(vin*k, 3)
	k = vout / vin
	q := question{family: "divider", parts: "R", values: partRange(ohms, [2]float64{}, [2]float64{})}
	q.port("in", "input, %s DC", si(vin, "V"))
	var r1, r2 float64
	form := r.IntN(3)
	switch form {
	case 0:
		current := nice(r, 10e-6, 50e-3)
		r1, r2 = (vin-vout)/current, vout/current
		q.opening = []string{
			fmt.Sprintf("Design a resistive voltage divider from %s to %s.", si(vin, "V"), si(vout, "V")),
			fmt.Sprintf("%s must be divided down to %s with resistors.", si(vin, "V"), si(vout, "V")),
			fmt.Sprintf("Make %s out of a %s rail with a resistor divider; nothing loads the output.", si(vout, "V"), si(vin, "V")),
		}
		q.port("out", "output, not loaded")
		q.run("op", []string{"VIN in 0 DC " + num(vin)}, "op")
		q.need("output voltage", near(opValue("op", "v(out)"), vout, 0.02), "v(out) = %s %s", si(vout, "V"), percent(0.02))
		q.need("input current", near(opValue("op", "-i(VIN)"), current, 0.05), "current drawn from the input: %s %s", si(current, "A"), percent(0.05))
		q.key = fmt.Sprint(vin, vout, current)
	case 1:
		ro := nice(r, 50, 200e3)
		r1, r2 = ro/k, ro/(1-k)
		q.opening = []string{
			fmt.Sprintf("Design a divider whose Thevenin equivalent is %s behind %s, fed with %s.", si(vout, "V"), si(ro, "Ω"), si(vin, "V")),
			fmt.Sprintf("A resistor network fed with %s must look like a source of %s with an internal resistance of %s.", si(vin, "V"), si(vout, "V"), si(ro, "Ω")),
		}
		q.port("out", "output")
		q.run("open", []string{"VIN in 0 DC " + num(vin)}, "op")
		q.run("loaded", []string{"VIN in 0 DC " + num(vin), "RL out 0 " + num(ro)}, "op")
		q.need("open-circuit voltage", near(opValue("open", "v(out)"), vout, 0.02), "open-circuit voltage at out: %s %s", si(vout, "V"), percent(0.02))
		q.need("loaded voltage", near(opValue("loaded", "v(out)"), vout/2, 0.02), "with a load of %s from out to ground: %s %s, half of the open-circuit voltage", si(ro, "Ω"), si(vout/2, "V"), percent(0.02))
		q.key = fmt.Sprint(vin, vout, "ro", ro)
	default:
		load := nice(r, 100, 100e3)
		sag := uniform(r, 0.10, 0.4, 0.02) // of the open-circuit voltage, when loaded
		open := digits(vout/(1-sag), 3)
		for open > 0.95*vin {
			open, vout = digits(open*0.8, 3), digits(vout*0.8, 3)
		}
		ro := load * (open/vout - 1)
		r1, r2 = ro*vin/open, ro/(1-open/vin)
		q.opening = []string{
			fmt.Sprintf("Design a voltage divider that gives %s from %s across a load of %s.", si(vout, "V"), si(vin, "V"), si(load, "Ω")),
			fmt.Sprintf("A load of %s has to get %s from a %s supply through a resistor divider whose output must not rise too far without the load.", si(load, "Ω"), si(vout, "V"), si(vin, "V")),
		}
		q.port("out", "output; the bench connects the load of %s from here to ground in one of two measurements", si(load, "Ω"))
		q.run("loaded", []string{"VIN in 0 DC " + num(vin), "RL out 0 " + num(load)}, "op")
		q.run("open", []string{"VIN in 0 DC " + num(vin)}, "op")
		q.need("loaded voltage", near(opValue("loaded", "v(out)"), vout, 0.02), "with the load connected: v(out) = %s %s", si(vout, "V"), percent(0.02))
		q.need("open-circuit voltage", near(opValue("open", "v(out)"), open, 0.02), "without the load: v(out) = %s %s", si(open, "V"), percent(0.02))
		q.key = fmt.Sprint(vin, vout, open, load)
	}
	q.deck = circuitOf("divider", "R1 in out "+num(r1), "R2 out 0 "+num(r2))
	q.wrong("lower resistor too large by 10", q.deck.scaled("R2", 10))
	q.wrong("upper resistor in milliohm instead of megohm", q.deck.scaled("R1", 1e-3))
	q.wrong("lower resistor missing", q.deck.without("R2"))
	if math.Abs(r1/r2-1) > 0.2 {
		q.wrong("resistors exchanged", circuitOf("divider", "R1 in out "+num(r2), "R2 out 0 "+num(r1)))
	}
	q.wrong("output at the input", q.deck.word("R1", 2, "x").word("R2", 1, "x").withLine("R3 in out 1"))
	q.wrong("both resistors three times too large, loaded or not", q.deck.scaled("R1", 3).scaled("R2", 3.6))
	return q.row(r, i)
}

// dividerTaps is a chain of three resistors.
func dividerTaps(r *generated.Rand, i int) (generated.Row, string) {
	vin := nice(r, 5, 48)
	high := digits(vin*uniform(r, 0.45, 0.85, 0.01), 3)
	low := digits(high*uniform(r, 0.2, 0.7, 0.01), 3)
	current := nice(r, 20e-6, 20e-3)
	q := question{family: "divider_taps", parts: "R", values: partRange(ohms, [2]float64{}, [2]float64{})}
	q.opening = []string{
		fmt.Sprintf("Design a resistor chain that makes two reference voltages, %s and %s, from %s.", si(high, "V"), si(low, "V"), si(vin, "V")),
		fmt.Sprintf("Two thresholds are needed from one %s rail: %s and %s. Use resistors only.", si(vin, "V"), si(high, "V"), si(low, "V")),
		fmt.Sprintf("A window comparator needs an upper threshold of %s and a lower one of %s, both derived from %s.", si(high, "V"), si(low, "V"), si(vin, "V")),
	}
	q.port("in", "supply, %s DC", si(vin, "V"))
	q.port("hi", "the higher voltage, not loaded")
	q.port("lo", "the lower voltage, not loaded")
	q.run("op", []string{"VIN in 0 DC " + num(vin)}, "op")
	q.need("higher voltage", near(opValue("op", "v(hi)"), high, 0.02), "v(hi) = %s %s", si(high, "V"), percent(0.02))
	q.need("lower voltage", near(opValue("op", "v(lo)"), low, 0.02), "v(lo) = %s %s", si(low, "V"), percent(0.02))
	q.need("supply current", near(opValue("op", "-i(VIN)"), current, 0.05), "current drawn from in: %s %s", si(current, "A"), percent(0.05))
	q.deck = circuitOf("divider with two taps",
		"R1 in hi "+num((vin-high)/current), "R2 hi lo "+num((high-low)/current), "R3 lo 0 "+num(low/current))
	q.wrong("outputs exchanged", circuitOf("divider with two taps",
		"R1 in lo "+num((vin-high)/current), "R2 lo hi "+num((high-low)/current), "R3 hi 0 "+num(low/current)))
	q.wrong("all resistors ten times too small", q.deck.scaled("R1", 0.1).scaled("R2", 0.1).scaled("R3", 0.1))
	q.wrong("bottom resistor missing", q.deck.without("R3"))
	q.wrong("middle resistor too large by 2", q.deck.scaled("R2", 2))
	q.key = fmt.Sprint(vin, high, low, current)
	return q.row(r, i)
}

// attenuator is a pad between equal resistances.
func attenuator(r *generated.Rand, i int) (generated.Row, string) {
	z := generated.Pick(r, 50.0, 75, 93, 100, 120, 135, 150, 200, 300, 600, 900)
	loss := uniform(r, 1.5, 36, 0.5)
	n := math.Pow(10, loss/20)
	gain := digits(0.5/n, 4)
	q := question{family: "attenuator", parts: "R", values: partRange(ohms, [2]float64{}, [2]float64{})}
	q.opening = []string{
		fmt.Sprintf("Design a matched resistive attenuator of %s dB for %s on both sides.", fmt.Sprint(loss), si(z, "Ω")),
		fmt.Sprintf("A %s dB pad for a %s line is wanted: matched at both ends.", fmt.Sprint(loss), si(z, "Ω")),
		fmt.Sprintf("Make a symmetrical %s attenuator pad with an insertion loss of %s dB (pi, T or bridged T, as you like).", si(z, "Ω"), fmt.Sprint(loss)),
	}
	padRuns(&q, z, z)
	q.need("insertion loss", near(opValue("forward", "v(out)"), gain, 0.015), "insertion loss %s dB: with 1 V at the source behind %s and out terminated with %s, v(out) = %s %s", fmt.Sprint(loss), si(z, "Ω"), si(z, "Ω"), si(gain, "V"), percent(0.015))
	padMatched(&q, z, z)
	if r.Bool() {
		q.deck = circuitOf("T pad", "R1 in m "+num(z*(n-1)/(n+1)), "R2 m out "+num(z*(n-1)/(n+1)), "R3 m 0 "+num(2*z*n/(n*n-1)))
		q.wrong("resistors of a pi pad in a T", circuitOf("T pad", "R1 in m "+num(z*(n*n-1)/(2*n)), "R2 m out "+num(z*(n*n-1)/(2*n)), "R3 m 0 "+num(z*(n+1)/(n-1))))
	} else {
		q.deck = circuitOf("pi pad", "R1 in 0 "+num(z*(n+1)/(n-1)), "R2 out 0 "+num(z*(n+1)/(n-1)), "R3 in out "+num(z*(n*n-1)/(2*n)))
		q.wrong("resistors of a T pad in a pi", circuitOf("pi pad", "R1 in 0 "+num(z*(n-1)/(n+1)), "R2 out 0 "+num(z*(n-1)/(n+1)), "R3 in out "+num(2*z*n/(n*n-1))))
	}
	q.wrong("third resistor too large by 3", q.deck.scaled("R3", 3))
	q.wrong("one side missing", q.deck.without("R2").withLine("R4 %s", map[bool]string{true: "m out 1", false: "out 0 100meg"}[q.deck.title == "T pad"]))
	q.wrong("for another impedance", q.deck.scaled("R1", 1.5).scaled("R2", 1.5).scaled("R3", 1.5))
	q.wrong("a plain divider with the same loss", circuitOf("divider", "R1 in out "+num(z*(2*n-2)/1), "R2 out 0 100meg"))
	q.key = fmt.Sprint(z, loss)
	return q.row(r, i)
}

// padRuns measures a pad in both directions.
func padRuns(q *question, z1, z2 float64) {
	q.port("in", "input; the bench drives it through %s", si(z1, "Ω"))
	q.port("out", "output; the bench terminates it with %s", si(z2, "Ω"))
	q.run("forward", []string{"VS src 0 DC 1", "RS src in " + num(z1), "RL out 0 " + num(z2)}, "op")
	q.run("backward", []string{"VS src 0 DC 1", "RS src out " + num(z2), "RL in 0 " + num(z1)}, "op")
}

func padMatched(q *question, z1, z2 float64) {
	q.need("input resistance", near(opValue("forward", "v(in)"), z1, 0.02).over(opValue("forward", "-i(VS)")), "input resistance at in, with out terminated: %s %s", si(z1, "Ω"), percent(0.02))
	q.need("output resistance", near(opValue("backward", "v(out)"), z2, 0.02).over(opValue("backward", "-i(VS)")), "output resistance at out, with in terminated with %s: %s %s", si(z1, "Ω"), si(z2, "Ω"), percent(0.02))
}

// matchingPad is a pad between different resistances.
func matchingPad(r *generated.Rand, i int) (generated.Row, string) {
	z1 := generated.Pick(r, 50.0, 75, 100, 150, 200, 300, 450, 600)
	z2 := generated.Pick(r, 50.0, 75, 100, 150, 200, 300, 450, 600)
	for z1 == z2 {
		z2 = generated.Pick(r, 50.0, 75, 100, 150, 200, 300, 450, 600)
	}
	ratio := math.Max(z1/z2, z2/z1)
	least := 20 * math.Log10(math.Sqrt(ratio)+math.Sqrt(ratio-1)) // dB
	loss := math.Ceil(2*least)/2 + uniform(r, 0.5, 12, 0.5)
	n := math.Pow(10, loss/10) // power
	r3 := 2 * math.Sqrt(n*z1*z2) / (n - 1)
	r1, r2 := z1*(n+1)/(n-1)-r3, z2*(n+1)/(n-1)-r3
	gain := digits(0.5*math.Sqrt(z2/z1/n), 4)
	q := question{family: "matching_pad", parts: "R", values: partRange(ohms, [2]float64{}, [2]float64{})}
	q.opening = []string{
		fmt.Sprintf("Design a resistive matching pad between %s and %s with a power loss of %s dB.", si(z1, "Ω"), si(z2, "Ω"), fmt.Sprint(loss)),
		fmt.Sprintf("A resistor pad must connect a %s source to a %s load, matched on both sides, and lose %s dB of power.", si(z1, "Ω"), si(z2, "Ω"), fmt.Sprint(loss)),
	}
	padRuns(&q, z1, z2)
	q.need("loss", near(opValue("forward", "v(out)"), gain, 0.015), "power loss %s dB: with 1 V behind %s at in and out terminated with %s, v(out) = %s %s", fmt.Sprint(loss), si(z1, "Ω"), si(z2, "Ω"), si(gain, "V"), percent(0.015))
	padMatched(&q, z1, z2)
	q.deck = circuitOf("T pad", "R1 in m "+num(r1), "R2 m out "+num(r2), "R3 m 0 "+num(r3))
	q.wrong("turned round", circuitOf("T pad", "R1 out m "+num(r1), "R2 m in "+num(r2), "R3 m 0 "+num(r3)))
	q.wrong("shunt resistor missing", q.deck.without("R3"))
	q.wrong("shunt resistor too small by 2", q.deck.scaled("R3", 0.5))
	q.wrong("first resistor in kilohm", q.deck.scaled("R1", 1000))
	q.key = fmt.Sprint(z1, z2, loss)
	return q.row(r, i)
}

// wheatstone is a bridge about a sensor that the bench has.
func wheatstone(r *generated.Rand, i int) (generated.Row, string) {
	vcc := generated.Pick(r, 1.8, 2.5, 3.3, 5.0, 8, 10, 12)
	r0 := generated.Pick(r, 100.0, 120, 350, 500, 1000, 2200, 4700, 10e3)
	change := uniform(r, 0.02, 0.5, 0.01) * map[bool]float64{true: 1, false: -0.6}[r.Bool()]
	r1 := digits(r0*(1+change), 4)
	current := digits(vcc/(r0*math.Pow(2, 0.3+3*r.Float())+r0), 2) // through the sensor at its rest value
	ra := vcc/current - r0
	difference := digits(vcc*(r1/(r1+ra)-r0/(r0+ra)), 3)
	balance := digits(0.04*math.Abs(difference), 2)
	q := question{family: "wheatstone", parts: "R", values: partRange(ohms, [2]float64{}, [2]float64{})}
	q.opening = []string{
		fmt.Sprintf("Complete a Wheatstone bridge about a resistive sensor that has %s at rest.", si(r0, "Ω")),
		fmt.Sprintf("A sensor of %s (at rest) is one arm of a bridge fed with %s. Add the other three arms.", si(r0, "Ω"), si(vcc, "V")),
		fmt.Sprintf("Design the fixed resistors of a measuring bridge for a sensor that goes from %s to %s.", si(r0, "Ω"), si(r1, "Ω")),
	}
	q.port("vcc", "supply of the bridge, %s", si(vcc, "V"))
	q.port("outp", "positive output; the bench connects the sensor from here to ground (leave it out of your deck)")
	q.port("outn", "negative output, the bridge's other middle")
	circuit := func(sensor float64) []string {
		return []string{"VCC vcc 0 " + num(vcc), "VX outp x 0", "RX x 0 " + num(sensor)}
	}
	q.run("rest", circuit(r0), "op")
	q.run("moved", circuit(r1), "op")
	q.need("balance", within(opValue("rest", "v(outp,outn)"), 0, balance).reach(20*balance), "sensor at %s: v(outp) − v(outn) = 0 within ±%s", si(r0, "Ω"), si(balance, "V"))
	q.need("sensor current", near(opValue("rest", "i(VX)"), current, 0.04), "sensor at %s: %s %s flow through it", si(r0, "Ω"), si(current, "A"), percent(0.04))
	q.need("difference", near(opValue("moved", "v(outp,outn)"), difference, 0.08), "sensor at %s: v(outp) − v(outn) = %s %s", si(r1, "Ω"), si(difference, "V"), percent(0.08))
	q.need("supply current", atMost(opValue("rest", "-i(VCC)"), digits(2.6*current, 3)), "sensor at %s: the supply delivers at most %s", si(r0, "Ω"), si(digits(2.6*current, 3), "A"))
	q.deck = circuitOf("bridge", "R1 vcc outp "+num(ra), "R2 vcc outn "+num(ra), "R3 outn 0 "+num(r0))
	q.wrong("the sensor as part of the deck", q.deck.withLine("R4 outp 0 %s", num(r0)))
	q.wrong("arms of the reference side exchanged", circuitOf("bridge", "R1 vcc outp "+num(ra), "R2 vcc outn "+num(r0), "R3 outn 0 "+num(ra)))
	q.wrong("upper arms too small by 2", q.deck.scaled("R1", 0.5).scaled("R2", 0.5))
	q.wrong("reference arm too large by 1.2", q.deck.scaled("R3", 1.2))
	q.wrong("supply and ground exchanged", circuitOf("bridge", "R1 0 outp "+num(ra), "R2 0 outn "+num(ra), "R3 outn vcc "+num(r0)))
	q.key = fmt.Sprint(vcc, r0, r1, current)
	return q.row(r, i)
}
