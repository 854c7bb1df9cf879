package spicesim

import (
	"fmt"
	"math"

	"github.com/ailiance/lorabench/tasks/generated"
)

// The bipolar devices of the library: NPN and PNP alike.
var qn = bjt{is: 1e-15, bf: 200, va: 100}

// currentMirror is two transistors whose currents are in a ratio.
func currentMirror(r *generated.Rand, i int) (generated.Row, string) {
	vdd := generated.Pick(r, 3.3, 5.0, 9.0, 12.0)
	bipolar := r.IntN(4) == 0
	p := pickPolarity(r, vdd)
	current := nice(r, 10e-6, 2e-3)
	factor := generated.Pick(r, 0.2, 0.25, 0.4, 0.5, 0.75, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10)
	vov := uniform(r, 0.15, 0.45, 0.05)
	if factor*current > 5e-3 { // else the transistors are wider than 10 mm
		vov = math.Max(vov, 0.3)
	}
	if bipolar {
		factor = generated.Pick(r, 1.0, 2, 3, 4, 5, 6)
	}
	drop := digits(vov+0.1, 6) // where the output must still work
	input := digits(0.7+vov+0.08, 6)
	least := digits(40/(factor*current), 2)
	if bipolar {
		drop, input = 0.3, 0.8
		least = digits(0.7*100/(factor*current), 2)
	}
	target := digits(factor*current, 4)
	held := digits(0.5*vdd, 6)

	q := question{family: "current_mirror", parts: "RM", library: []string{p.name}, values: mosSizes}
	kind, verb, from := p.kind, "sinks", "from vdd into iin"
	if bipolar {
		q.parts, q.library, q.values, kind = "RQ", []string{"qn"}, nil, "NPN"
		if p.p {
			kind, q.library = "PNP", []string{"qp"}
		}
	}
	if p.p {
		verb, from = "delivers", "out of iin to ground"
	}
	q.opening = []string{
		fmt.Sprintf("Design a simple current mirror of %s transistors that %s %g times its input current.", kind, verb, factor),
		fmt.Sprintf("A %s current mirror with a ratio of output to input current of %g is wanted; its output %s the current.", kind, factor, verb),
		fmt.Sprintf("Make a basic (not cascoded) %s current mirror. The output %s %s for an input current of %s.", kind, verb, si(target, "A"), si(current, "A")),
	}
	if p.p {
		q.port("vdd", "supply, %s", si(vdd, "V"))
	} else {
		q.mayUse("vdd", "supply, %s", si(vdd, "V"))
	}
	q.port("iin", "input; the bench drives %s %s", si(current, "A"), from)
	q.port("out", "output, held at a voltage by the bench")
	iin := fmt.Sprintf("IIN vdd iin DC %s", num(current))
	signal := "-i(VOUT)" // current out of the bench's source into the circuit
	if p.p {
		iin = fmt.Sprintf("IIN iin 0 DC %s", num(current))
		signal = "i(VOUT)"
	}
	lo, hi := p.volts(drop), p.volts(vdd-0.2*vdd)
	sweep := fmt.Sprintf("dc VOUT 0 %s %s", num(vdd), num(vdd/500))
	q.run("mirror", []string{"VDD vdd 0 " + num(vdd), iin, fmt.Sprintf("VOUT out 0 DC %s AC 1", num(held))}, "op", sweep, "ac dec 5 10 1k")
	at := p.volts(0.7 + vov)
	if bipolar {
		at = p.volts(0.7)
	}
	q.need("output current", near(dcAt("mirror", signal, at), target, 0.05), "output current with out at %s: %s %s", si(at, "V"), si(target, "A"), percent(0.05))
	q.need("compliance", atLeast(dcAt("mirror", signal, lo), digits(0.9*target, 4)), "output current with out at %s: at least %s", si(lo, "V"), si(digits(0.9*target, 4), "A"))
	q.need("current at high voltage", between(dcAt("mirror", signal, hi), digits(0.9*target, 4), digits(1.35*target, 4)), "output current with out at %s: between %s and %s", si(hi, "V"), si(digits(0.9*target, 4), "A"), si(digits(1.35*target, 4), "A"))
	q.need("output resistance", atLeast(acAt("mirror", "gain", "v(out)", 100), least).over(acAt("mirror", "gain", "i(VOUT)", 100)), "output resistance with out at %s: at least %s", si(held, "V"), si(least, "Ω"))
	if p.p {
		q.need("input voltage", atLeast(opValue("mirror", "v(iin)"), p.volts(input)), "v(iin): at least %s", si(p.volts(input), "V"))
	} else {
		q.need("input voltage", atMost(opValue("mirror", "v(iin)"), input), "v(iin): at most %s", si(input, "V"))
	}

	d := deck{title: "current mirror"}
	if bipolar {
		d.add("Q1 iin iin %s %s", p.rail, q.library[0])
		d.add("Q2 out iin %s %s %s", p.rail, q.library[0], num(factor*(1+(1+factor)/qn.bf)))
	} else {
		// The width makes the current at v(out) = v(iin).
		ratio := p.model.ratio(current, vov, 0.7+vov)
		d.mosfet("M1", "iin", "iin", p.rail, p, ratio)
		d.mosfet("M2", "out", "iin", p.rail, p, ratio*factor)
	}
	q.deck = d
	m1, m2, gate := "M1", "M2", 2
	if bipolar {
		m1, m2 = "Q1", "Q2"
	}
	q.wrong("input transistor not connected as a diode", d.word(m1, gate, "vdd"))
	q.wrong("no output transistor", d.without(m2).withLine("R9 out %s 100meg", p.rail))
	q.wrong("output transistor turned to the other supply", d.word(m2, 3, p.other))
	if bipolar {
		q.wrong("output transistor too large", d.word(m2, 5, num(factor*1.5)))
		q.wrong("a resistor in place of the output transistor", d.line(m2, "R9 out %s %s", p.rail, num(0.7/target)))
	} else {
		q.wrong("output transistor too wide", d.size(m2, 1.4))
		q.wrong("transistors too narrow for the voltage", d.size(m1, 0.2).size(m2, 0.2))
	}
	q.key = fmt.Sprint(kind, vdd, factor, current, vov)
	return q.row(r, i)
}

// cascodeMirror is a mirror with a high output resistance.
func cascodeMirror(r *generated.Rand, i int) (generated.Row, string) {
	vdd := generated.Pick(r, 5.0, 6.0, 9.0)
	p := pickPolarity(r, vdd)
	wide := r.Bool() // the output works below a threshold and two overdrives
	current := nice(r, 10e-6, 500e-6)
	factor := generated.Pick(r, 0.5, 1, 1.5, 2, 3, 4, 5)
	vov := uniform(r, 0.15, 0.3, 0.05)
	target := digits(factor*current, 4)
	held := digits(0.5*vdd, 6)
	gm, gds := 2*target/vov, 0.02*target
	least := digits(0.25*gm/(gds*gds), 2)
	drop := step(0.7+2*vov+0.2, 0.05)
	if wide {
		drop = step(2*vov+0.25, 0.05)
	}

	q := question{family: "cascode_mirror", parts: "RM", library: []string{p.name}, values: mosSizes}
	verb, from := "sinks", "from vdd into iin"
	if p.p {
		verb, from = "delivers", "out of iin to ground"
	}
	q.opening = []string{
		fmt.Sprintf("Design a cascode current mirror of %s transistors that %s %g times its input current.", p.kind, verb, factor),
		fmt.Sprintf("A %s mirror with a very high output resistance is wanted; the output %s %s.", p.kind, verb, si(target, "A")),
		fmt.Sprintf("Make a %s current mirror with cascode transistors: input %s, output %s.", p.kind, si(current, "A"), si(target, "A")),
	}
	if wide {
		q.opening = append(q.opening[:0:0],
			fmt.Sprintf("Design a wide-swing (low-voltage) cascode current mirror of %s transistors that %s %g times its input current.", p.kind, verb, factor),
			fmt.Sprintf("A %s cascode mirror is wanted whose output works down to about two overdrive voltages; it %s %s.", p.kind, verb, si(target, "A")),
		)
	}
	if p.p {
		q.port("vdd", "supply, %s", si(vdd, "V"))
	} else {
		q.mayUse("vdd", "supply, %s", si(vdd, "V"))
	}
	q.port("iin", "input; the bench drives %s %s", si(current, "A"), from)
	q.port("out", "output, held at a voltage by the bench")
	if wide {
		q.note("Bias voltages may be made from vdd.")
	}
	iin, signal := fmt.Sprintf("IIN vdd iin DC %s", num(current)), "-i(VOUT)"
	if p.p {
		iin, signal = fmt.Sprintf("IIN iin 0 DC %s", num(current)), "i(VOUT)"
	}
	lo, hi := p.volts(drop), p.volts(0.8*vdd)
	q.run("mirror", []string{"VDD vdd 0 " + num(vdd), iin, fmt.Sprintf("VOUT out 0 DC %s AC 1", num(held))}, "op",
		fmt.Sprintf("dc VOUT 0 %s %s", num(vdd), num(vdd/500)), "ac dec 5 10 1k")
	q.need("output current", near(dcAt("mirror", signal, held), target, 0.04), "output current with out at %s: %s %s", si(held, "V"), si(target, "A"), percent(0.04))
	q.need("compliance", atLeast(dcAt("mirror", signal, lo), digits(0.94*target, 4)), "output current with out at %s: at least %s", si(lo, "V"), si(digits(0.94*target, 4), "A"))
	q.need("current at high voltage", near(dcAt("mirror", signal, hi), target, 0.05), "output current with out at %s: %s %s", si(hi, "V"), si(target, "A"), percent(0.05))
	q.need("output resistance", atLeast(acAt("mirror", "gain", "v(out)", 100), least).over(acAt("mirror", "gain", "i(VOUT)", 100)), "output resistance with out at %s: at least %s", si(held, "V"), si(least, "Ω"))

	d := deck{title: "cascode current mirror"}
	ratio := p.model.ratio(current, vov, 0.7+vov)
	if wide {
		// The lower transistors have vov + 0.08 V, by a bias that a divider makes.
		gate := 0.7 + 2*vov + 0.08
		d.mosfet("M3", "iin", "b", "x", p, ratio)
		d.mosfet("M1", "x", "iin", p.rail, p, ratio)
		d.mosfet("M4", "out", "b", "y", p, ratio*factor)
		d.mosfet("M2", "y", "iin", p.rail, p, ratio*factor)
		d.add("R1 %s b %s", p.other, num(100e3*(vdd-gate)/vdd))
		d.add("R2 b %s %s", p.rail, num(100e3*gate/vdd))
	} else {
		d.mosfet("M3", "iin", "iin", "x", p, ratio)
		d.mosfet("M1", "x", "x", p.rail, p, ratio)
		d.mosfet("M4", "out", "iin", "y", p, ratio*factor)
		d.mosfet("M2", "y", "x", p.rail, p, ratio*factor)
	}
	q.deck = d
	q.wrong("no cascode transistor at the output", d.without("M4").word("M2", 1, "out"))
	q.wrong("cascode gate at the supply", d.word("M4", 2, p.other))
	q.wrong("output transistors too wide", d.size("M2", 1.3).size("M4", 1.3))
	q.wrong("input transistor without its gate", d.word("M1", 2, p.rail))
	if wide {
		q.wrong("no bias of the cascode transistors", d.without("R1"))
	}
	q.key = fmt.Sprint(p.kind, wide, vdd, factor, current, vov)
	return q.row(r, i)
}

// currentSource holds the current of a load, whatever the load's resistance.
func currentSource(r *generated.Rand, i int) (generated.Row, string) {
	vdd := generated.Pick(r, 5.0, 6.0, 9.0, 12.0)
	p := pickPolarity(r, vdd)
	bipolar := r.Bool()
	current := nice(r, 50e-6, 5e-3)
	big := digits(0.6*vdd/current, 2)
	small := digits(0.2*vdd/current, 2)

	q := question{family: "current_source", parts: "RM", library: []string{p.name}, values: mosSizes}
	kind, loadEnd, verb := p.kind, "vdd", "sinks"
	if bipolar {
		q.parts, q.library, q.values, kind = "RQ", []string{"qn"}, nil, "NPN"
		if p.p {
			kind, q.library = "PNP", []string{"qp"}
		}
	}
	if p.p {
		loadEnd, verb = "0", "delivers"
	}
	end := map[string]string{"vdd": "vdd", "0": "ground"}[loadEnd]
	q.opening = []string{
		fmt.Sprintf("Design a constant current source of %s transistors: it %s %s through a load that varies.", kind, verb, si(current, "A")),
		fmt.Sprintf("A load between out and %s shall carry %s whatever its resistance. Use %s transistors and resistors.", end, si(current, "A"), kind),
		fmt.Sprintf("Make a %s current source (with its own reference from vdd) that %s %s.", kind, verb, si(current, "A")),
	}
	q.port("vdd", "supply, %s", si(vdd, "V"))
	q.port("out", "output; the bench's load goes from here to %s", end)
	rails := "VDD vdd 0 " + num(vdd)
	sense := func(load float64) []string {
		if p.p {
			return []string{rails, "RL out m " + num(load), "VM m 0 0"}
		}
		return []string{rails, "RL m out " + num(load), "VM vdd m 0"}
	}
	q.run("large load", sense(big), "op")
	q.run("small load", sense(small), "op")
	half := 0.4 * vdd / current
	q.run("middle load", sense(half), "op")
	q.need("current with the small load", near(opValue("small load", "i(VM)"), current, 0.1), "current with a load of %s: %s %s", si(small, "Ω"), si(current, "A"), percent(0.1))
	q.need("current with the middle load", near(opValue("middle load", "i(VM)"), current, 0.08), "current with a load of %s: %s %s", si(digits(half, 3), "Ω"), si(current, "A"), percent(0.08))
	q.need("current with the large load", near(opValue("large load", "i(VM)"), current, 0.1), "current with a load of %s: %s %s", si(big, "Ω"), si(current, "A"), percent(0.1))
	q.need("total", atMost(opValue("middle load", "-i(VDD)"), digits(2.5*current, 2)), "current from vdd with the load of %s, all in all: at most %s", si(digits(half, 3), "Ω"), si(digits(2.5*current, 2), "A"))

	d := deck{title: "current source"}
	m1, m2 := "M1", "M2"
	if bipolar {
		m1, m2 = "Q1", "Q2"
		vce := 0.6 * vdd
		// Equal transistors; the base currents come out of the reference, and the
		// output's collector is at a higher voltage.
		reference := current * (qn.early(0) / qn.early(vce-0.65)) * (1 + 2/qn.bf)
		d.add("R1 %s b %s", p.other, num((vdd-qn.vbe(current, 0.65))/reference))
		d.add("Q1 b b %s %s", p.rail, q.library[0])
		d.add("Q2 out b %s %s", p.rail, q.library[0])
	} else {
		vov := 0.25
		vgs := 0.7 + vov
		ratio := p.model.ratio(current, vov, vgs)
		reference := current * (1 + 0.02*vgs) / (1 + 0.02*0.6*vdd)
		d.add("R1 %s b %s", p.other, num((vdd-vgs)/reference))
		d.mosfet("M1", "b", "b", p.rail, p, ratio*reference/current)
		d.mosfet("M2", "out", "b", p.rail, p, ratio*reference/current)
	}
	q.deck = d
	q.wrong("a resistor alone", func() deck {
		x := deck{title: "resistor"}
		x.add("R1 out %s %s", p.rail, num(0.6*vdd/current))
		x.add("R2 vdd 0 1meg")
		return x
	}())
	q.wrong("reference resistor a third too large", d.scaled("R1", 1.33))
	q.wrong("no reference", d.without("R1"))
	q.wrong("reference transistor not connected as a diode", d.word(m1, 2, p.rail))
	q.wrong("output transistor turned to the other supply", d.word(m2, 3, p.other))
	q.key = fmt.Sprint(kind, vdd, current)
	return q.row(r, i)
}
