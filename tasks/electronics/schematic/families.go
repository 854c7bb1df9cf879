package schematic

import (
	"fmt"
	"strconv"

	"github.com/ailiance/lorabench/tasks/generated"
)

// Family is a kind of circuit. Make draws one; equal draws give equal circuits.
type Family struct {
	Name string
	Make func(r *generated.Rand) *Design
}

// Families returns all kinds, from two parts to sheets in sheets.
func Families() []Family {
	var families []Family
	for _, f := range []struct {
		name string
		make func(m *maker) *Sheet
	}{
		{"loop", loop}, {"divider", divider}, {"rc_filter", rcFilter}, {"lc_filter", lcFilter}, {"leds", leds},
		{"amplifier", amplifier}, {"two_stages", twoStages}, {"instrument", instrument}, {"switch", transistorSwitch},
		{"regulator", regulators}, {"crystal", crystalClock}, {"i2c", i2c}, {"spi", spi}, {"gates", gates}, {"flip_flops", flipFlops},
		{"bus", busOf8}, {"relay", relays}, {"rectifier", rectifier}, {"keys", keys}, {"ladder_dac", ladderDAC}, {"h_bridge", hBridge},
		{"timer", timers}, {"isolated", isolated}, {"channels", channels}, {"nested", nested}, {"bus_sheets", busSheets},
	} {
		families = append(families, Family{f.name, func(r *generated.Rand) *Design {
			m := newMaker(r)
			d := &Design{Family: f.name, Root: f.make(m)}
			m.globals(d.Root)
			d.number(r)
			return d
		}})
	}
	return families
}

// maker chooses values, and the names of supply and ground of one circuit.
type maker struct {
	*generated.Rand
	v, g string
	rkm  bool   // "4k7", not "4.7k"
	unit string // behind a capacitor's value
}

func newMaker(r *generated.Rand) *maker {
	return &maker{
		Rand: r, v: generated.Pick(r, "+5V", "+3V3", "+12V", "VCC", "VDD", "+9V"), g: generated.Pick(r, "GND", "GND", "AGND", "PGND"),
		rkm: r.Bool(), unit: generated.Pick(r, "", "F"),
	}
}

var e12 = []int{10, 12, 15, 18, 22, 27, 33, 39, 47, 56, 68, 82}

// value writes two digits times a power of ten with a prefix.
func (m *maker) value(digits, exponent int, unit string) string {
	p := 0 // of the prefix
	for p+3 <= exponent+1 {
		p += 3
	}
	for p > exponent+1 {
		p -= 3
	}
	prefix := map[int]string{-12: "p", -9: "n", -6: "u", -3: "m", 0: "", 3: "k", 6: "M"}[p]
	switch exponent - p {
	case 0:
		return strconv.Itoa(digits) + prefix + unit
	case 1:
		return strconv.Itoa(digits*10) + prefix + unit
	}
	whole, tenth := digits/10, digits%10
	switch {
	case tenth == 0:
		return strconv.Itoa(whole) + prefix + unit
	case m.rkm && unit == "" && prefix != "":
		return fmt.Sprintf("%d%s%d", whole, prefix, tenth)
	}
	return fmt.Sprintf("%d.%d%s%s", whole, tenth, prefix, unit)
}

// ohms is a resistance between two powers of ten.
func (m *maker) ohms(lo, hi int) string {
	return m.value(generated.Pick(m.Rand, e12...), m.Between(lo-1, hi-2), "")
}

func (m *maker) farads(lo, hi int) string {
	return m.value(generated.Pick(m.Rand, e12[0], e12[2], e12[4], e12[6], e12[8], e12[10]), m.Between(lo-1, hi-2), m.unit)
}

func (m *maker) henries() string {
	return m.value(generated.Pick(m.Rand, e12...), m.Between(-7, -4), generated.Pick(m.Rand, "H", ""))
}

// globals gives some of a sheet's names to global labels.
func (m *maker) globals(s *Sheet) {
	if m.IntN(3) > 0 {
		return
	}
	for i := range s.Nets {
		if n := &s.Nets[i]; n.Kind == Free && n.Name != "" && !n.inBus && m.Bool() {
			n.Kind = Global
		}
	}
}

// decouple puts capacitors between supply and ground.
func (m *maker) decouple(s *Sheet, n int) {
	for range n {
		c := s.add(capacitor, m.value(10, -8, m.unit)) // 100n
		s.power(m.v, c, "1")
		s.power(m.g, c, "2")
	}
}

// feed is a connector that brings supply and ground.
func (m *maker) feed(s *Sheet) {
	j := s.add(connector(2), "POWER")
	s.power(m.v, j, "1")
	s.power(m.g, j, "2")
}

func loop(m *maker) *Sheet {
	s := newSheet("loop", "")
	sources := []*Symbol{battery, connector(2)}
	loads := []*Symbol{resistor, capacitor, inductor, led, diode, thermistor, button, fuse}
	first := s.add(generated.Pick(m.Rand, sources...), generated.Pick(m.Rand, "9V", "12V", "3V", "IN", "5V"))
	chain := []int{first}
	n := m.Between(1, 3)
	for range n {
		symbol := generated.Pick(m.Rand, loads...)
		value := symbol.Name
		switch symbol {
		case resistor:
			value = m.ohms(1, 6)
		case capacitor:
			value = m.farads(-10, -6)
		case inductor:
			value = m.henries()
		case led:
			value = generated.Pick(m.Rand, "red", "green", "blue", "yellow")
		case diode:
			value = generated.Pick(m.Rand, "1N4148", "1N4007", "BAT54")
		case thermistor:
			value = m.ohms(3, 5)
		case fuse:
			value = generated.Pick(m.Rand, "500mA", "1A", "2A")
		}
		chain = append(chain, s.add(symbol, value))
	}
	parallel := n > 1 && m.Bool()
	for i, p := range chain {
		if parallel {
			s.at("A", p, "1")
			s.at("B", p, "2")
			continue
		}
		s.at("", p, "1", chain[(i+1)%len(chain)], "2")
	}
	if parallel {
		s.Nets[0].Name, s.Nets[1].Name = "", ""
	}
	return s
}

func divider(m *maker) *Sheet {
	s := newSheet("divider", "Divider")
	n := m.Between(2, 4)
	var rs []int
	for range n {
		rs = append(rs, s.add(resistor, m.ohms(2, 6)))
	}
	taps := m.Between(1, n-1)
	j := s.add(connector(2+taps), "IO")
	top, bottom := "VIN", "GND"
	if m.Bool() {
		top, bottom = m.v, m.g
		s.power(top, j, "1", rs[0], "1")
		s.power(bottom, j, "2", rs[n-1], "2")
	} else {
		s.at(top, j, "1", rs[0], "1")
		s.at(bottom, j, "2", rs[n-1], "2")
	}
	for i := range n - 1 {
		name := ""
		if i < taps {
			name = fmt.Sprintf("TAP%d", i+1)
		}
		k := s.at(name, rs[i], "2", rs[i+1], "1")
		if i < taps {
			s.at(name, j, strconv.Itoa(3+i))
		}
		if m.IntN(3) == 0 {
			c := s.add(capacitor, m.farads(-10, -6))
			s.on(k, c, "1")
			s.at(bottom, c, "2")
		}
	}
	return s
}

func rcFilter(m *maker) *Sheet {
	s := newSheet("filter", "RC filter")
	in, out := s.add(connector(2), "IN"), s.add(connector(2), "OUT")
	ground := generated.Pick(m.Rand, "GND", m.g)
	s.power(ground, in, "2", out, "2")
	n := m.Between(1, 3)
	high := m.Bool()
	last := s.at("IN", in, "1")
	for i := range n {
		series, shunt := s.add(resistor, m.ohms(2, 6)), s.add(capacitor, m.farads(-10, -6))
		if high {
			series, shunt = shunt, series
		}
		s.on(last, series, "1")
		name := ""
		if i == n-1 {
			name = "OUT"
		}
		last = s.at(name, series, "2", shunt, "1")
		s.at(ground, shunt, "2")
	}
	s.on(last, out, "1")
	return s
}

func lcFilter(m *maker) *Sheet {
	s := newSheet("ladder", "LC filter")
	source, load := s.add(connector(2), "SOURCE"), s.add(connector(2), "LOAD")
	s.power("GND", source, "2", load, "2")
	last := s.at("", source, "1")
	to := func(p int, pin string) { s.on(last, p, pin) }
	if m.Bool() {
		r := s.add(resistor, generated.Pick(m.Rand, "50", "75", "600"))
		to(r, "1")
		last = s.at("", r, "2")
	}
	for i := range m.Between(2, 5) {
		if i%2 == 0 {
			c := s.add(capacitor, m.farads(-11, -7))
			to(c, "1")
			s.power("GND", c, "2")
			continue
		}
		l := s.add(inductor, m.henries())
		to(l, "1")
		last = s.at("", l, "2")
		if m.IntN(3) == 0 { // a trap beside the coil
			c := s.add(capacitor, m.farads(-12, -9))
			s.on(last, c, "2")
			s.on(s.netOf(l, "1"), c, "1")
		}
	}
	to(load, "1")
	return s
}

func leds(m *maker) *Sheet {
	s := newSheet("leds", "Indicators")
	n := m.Between(1, 5)
	j := s.add(connector(n+1), "CONTROL")
	common := m.Bool() // anodes to the supply, or cathodes to ground
	if common {
		s.power(m.v, j, "1")
	} else {
		s.power(m.g, j, "1")
	}
	for i := range n {
		r, d := s.add(resistor, m.ohms(2, 4)), s.add(led, generated.Pick(m.Rand, "red", "green", "amber", "blue"))
		name := generated.Pick(m.Rand, "", fmt.Sprintf("LED%d", i+1))
		if common {
			s.power(m.v, d, "A")
			s.at("", d, "K", r, "1")
			s.at(name, r, "2", j, strconv.Itoa(i+2))
		} else {
			s.power(m.g, d, "K")
			s.at("", d, "A", r, "1")
			s.at(name, r, "2", j, strconv.Itoa(i+2))
		}
	}
	return s
}

func amplifier(m *maker) *Sheet {
	s := newSheet("amplifier", "Amplifier")
	u := s.add(opAmp, generated.Pick(m.Rand, "OPA134", "TL071", "AD8605", "LMV321"))
	j := s.add(connector(3), "SIGNAL")
	minus := m.g
	if m.Bool() {
		minus = "VEE"
	}
	m.feed(s)
	s.power(m.v, u, "V+")
	s.power(minus, u, "V-")
	s.power(m.g, j, "3")
	if minus == "VEE" {
		k := s.add(connector(1), "VEE")
		s.power("VEE", k, "1")
	}
	s.at("IN", j, "1")
	s.at("OUT", j, "2", u, "OUT")
	switch m.IntN(4) {
	case 0: // inverting
		r1, r2, r3 := s.add(resistor, m.ohms(3, 5)), s.add(resistor, m.ohms(4, 6)), s.add(resistor, m.ohms(3, 5))
		s.at("IN", r1, "1")
		s.at("", r1, "2", r2, "1", u, "-")
		s.at("OUT", r2, "2")
		s.at("", u, "+", r3, "1")
		s.power(m.g, r3, "2")
	case 1: // not inverting, of AC
		c, r1, r2, r3 := s.add(capacitor, m.farads(-8, -5)), s.add(resistor, m.ohms(5, 7)), s.add(resistor, m.ohms(3, 5)), s.add(resistor, m.ohms(4, 6))
		s.at("IN", c, "1")
		s.at("", c, "2", r1, "1", u, "+")
		s.power(m.g, r1, "2", r2, "1")
		s.at("", r2, "2", r3, "1", u, "-")
		s.at("OUT", r3, "2")
	case 2: // integrator
		r, c := s.add(resistor, m.ohms(3, 6)), s.add(capacitor, m.farads(-9, -6))
		s.at("IN", r, "1")
		s.at("", r, "2", c, "1", u, "-")
		s.at("OUT", c, "2")
		s.power(m.g, u, "+")
	case 3: // follower behind a filter
		r, c := s.add(resistor, m.ohms(3, 5)), s.add(capacitor, m.farads(-9, -6))
		s.at("IN", r, "1")
		s.at("", r, "2", c, "1", u, "+")
		s.power(m.g, c, "2")
		s.at("OUT", u, "-")
	}
	m.decouple(s, m.Between(0, 2))
	return s
}

func twoStages(m *maker) *Sheet {
	s := newSheet("stages", "Two stages")
	u := s.add(dualOpAmp, generated.Pick(m.Rand, "LM358", "TL072", "NE5532", "MCP6002"))
	in, out := s.add(connector(2), "IN"), s.add(connector(2), "OUT")
	m.feed(s)
	s.power(m.v, u, "8")
	s.power(m.g, u, "4", in, "2", out, "2")
	// a Sallen-Key section, then a gain
	r1, r2, c1, c2 := s.add(resistor, m.ohms(3, 5)), s.add(resistor, m.ohms(3, 5)), s.add(capacitor, m.farads(-9, -6)), s.add(capacitor, m.farads(-9, -6))
	s.at("IN", in, "1", r1, "1")
	s.at("", r1, "2", r2, "1", c1, "1")
	s.at("", r2, "2", c2, "1", u, "3")
	s.power(m.g, c2, "2")
	s.at("STAGE1", c1, "2", u, "1", u, "2")
	r3, r4 := s.add(resistor, m.ohms(3, 5)), s.add(resistor, m.ohms(3, 6))
	if m.Bool() {
		s.at("STAGE1", u, "5")
		s.at("", u, "6", r3, "1", r4, "1")
		s.power(m.g, r3, "2")
	} else {
		s.at("STAGE1", r3, "1")
		s.at("", r3, "2", r4, "1", u, "6")
		s.power(m.g, u, "5")
	}
	s.at("OUT", u, "7", r4, "2", out, "1")
	m.decouple(s, m.Between(1, 2))
	return s
}

func instrument(m *maker) *Sheet {
	s := newSheet("instrument", "Instrumentation amplifier")
	u := s.add(quadOpAmp, generated.Pick(m.Rand, "LM324", "TL074", "MCP6004"))
	j := s.add(connector(5), "SENSOR")
	s.power(m.v, u, "4", j, "1")
	s.power(m.g, u, "11", j, "2")
	s.at("IN+", j, "3", u, "3")
	s.at("IN-", j, "4", u, "5")
	gain := s.add(resistor, m.ohms(2, 4))
	value := m.ohms(4, 5)
	var rs []int
	for range 6 {
		rs = append(rs, s.add(resistor, value))
	}
	s.at("", u, "2", gain, "1", rs[0], "1")
	s.at("", u, "6", gain, "2", rs[1], "1")
	s.at("", u, "1", rs[0], "2", rs[2], "1")
	s.at("", u, "7", rs[1], "2", rs[3], "1")
	s.at("", rs[2], "2", rs[4], "1", u, "9")
	s.at("", rs[3], "2", rs[5], "1", u, "10")
	s.at("OUT", u, "8", rs[4], "2", j, "5")
	if m.Bool() { // the reference is half of the supply
		a, b := s.add(resistor, m.ohms(4, 6)), s.add(resistor, m.ohms(4, 6))
		s.power(m.v, a, "1")
		s.at("", a, "2", b, "1", u, "12")
		s.power(m.g, b, "2")
		s.at("VREF", u, "14", u, "13", rs[5], "2")
	} else {
		s.power(m.g, rs[5], "2", u, "12")
		s.at("", u, "14", u, "13")
	}
	m.decouple(s, m.Between(0, 2))
	return s
}

func transistorSwitch(m *maker) *Sheet {
	s := newSheet("switch", "Switch")
	n := m.Between(1, 3)
	j := s.add(connector(n+2), "CONTROL")
	s.power(m.v, j, "1")
	s.power(m.g, j, "2")
	for i := range n {
		load := s.add(connector(2), fmt.Sprintf("LOAD%d", i+1))
		series, pull := s.add(resistor, m.ohms(2, 4)), s.add(resistor, m.ohms(4, 6))
		s.at(generated.Pick(m.Rand, "", fmt.Sprintf("ON%d", i+1)), j, strconv.Itoa(i+3), series, "1")
		kind := m.IntN(4)
		q := s.add([]*Symbol{npn, nmos, pnp, pmos}[kind], [][]string{{"BC847", "2N3904"}, {"2N7002", "BSS138"}, {"BC857", "2N3906"}, {"BSS84", "DMG2305"}}[kind][m.IntN(2)])
		s.at("", series, "2", pull, "1", q, "1")
		high := kind >= 2
		if high {
			s.power(m.v, pull, "2", q, "2")
			s.power(m.g, load, "2")
		} else {
			s.power(m.g, pull, "2", q, "2")
			s.power(m.v, load, "1")
		}
		out := s.at("", q, "3", load, map[bool]string{true: "1", false: "2"}[high])
		if m.Bool() {
			d := s.add(diode, generated.Pick(m.Rand, "1N4148", "1N5819"))
			if high {
				s.on(out, d, "K")
				s.power(m.g, d, "A")
			} else {
				s.on(out, d, "A")
				s.power(m.v, d, "K")
			}
		}
	}
	return s
}

func regulators(m *maker) *Sheet {
	s := newSheet("supply", "Supply")
	in := "VIN"
	if m.IntN(3) == 0 {
		j := s.add(usb, "USB")
		s.power(m.g, j, "GND")
		s.at("RAW", j, "VBUS")
	} else {
		j := s.add(connector(2), generated.Pick(m.Rand, "DC_IN", "BATTERY"))
		s.power(m.g, j, "2")
		s.at("RAW", j, "1")
	}
	switch m.IntN(3) {
	case 0:
		f := s.add(fuse, generated.Pick(m.Rand, "500mA", "1A", "2A"))
		s.at("RAW", f, "1")
		s.at(in, f, "2")
	case 1:
		d := s.add(diode, generated.Pick(m.Rand, "1N5819", "SS14"))
		s.at("RAW", d, "A")
		s.at(in, d, "K")
	default:
		in = "RAW"
	}
	for i := range m.Between(1, 2) {
		out := []string{m.v, "+1V8"}[i]
		ci, co := s.add(polarised, m.farads(-6, -4)), s.add(capacitor, m.farads(-7, -5))
		s.at(in, ci, "+")
		s.power(m.g, ci, "-", co, "2")
		s.power(out, co, "1")
		switch m.IntN(3) {
		case 0:
			u := s.add(regulator, generated.Pick(m.Rand, "L7805", "AMS1117", "LD1117"))
			s.at(in, u, "IN")
			s.power(m.g, u, "GND")
			s.power(out, u, "OUT")
		case 1:
			u := s.add(adjustable, generated.Pick(m.Rand, "LM317", "LM1117-ADJ"))
			a, b := s.add(resistor, m.ohms(2, 4)), s.add(resistor, m.ohms(2, 4))
			s.at(in, u, "IN")
			s.power(out, u, "OUT", a, "1")
			s.at("", u, "ADJ", a, "2", b, "1")
			s.power(m.g, b, "2")
		case 2:
			u := s.add(enabled, generated.Pick(m.Rand, "MIC5205", "LP2985", "AP2112"))
			s.at(in, u, "IN", u, "EN")
			s.power(m.g, u, "GND")
			s.power(out, u, "OUT")
			if m.Bool() {
				c := s.add(capacitor, m.farads(-9, -7))
				s.at("", u, "BYP", c, "1")
				s.power(m.g, c, "2")
			}
		}
		in = m.v
	}
	load := s.add(connector(2), "DC_OUT")
	s.power(m.v, load, "1")
	s.power(m.g, load, "2")
	return s
}

// micro adds a microcontroller with the pins asked for, some on each side, and
// its supply.
func (m *maker) micro(s *Sheet, pins ...string) int {
	generated.Shuffle(m.Rand, pins)
	cut := m.Between(len(pins)/3, len(pins)-len(pins)/3)
	name := generated.Pick(m.Rand, "MCU20", "MCU32", "CTRL")
	u := s.add(processor(name, m.IntN(30), pins[:cut], pins[cut:]), generated.Pick(m.Rand, "ATMEGA8", "STM32F0", "PIC16F", "RP2040", "MSP430"))
	s.power(m.v, u, "VDD")
	s.power(m.g, u, "VSS")
	return u
}

func crystalClock(m *maker) *Sheet {
	s := newSheet("clock", "Clock and reset")
	pins := []string{"XIN input", "XOUT output", "~{RESET} input", "TX output", "RX input"}
	for i := range m.Between(2, 5) {
		pins = append(pins, fmt.Sprintf("P%d bidirectional", i))
	}
	u := m.micro(s, pins...)
	m.feed(s)
	y := s.add(crystal, generated.Pick(m.Rand, "8MHz", "16MHz", "12MHz", "32.768kHz"))
	load := m.farads(-11, -10)
	a, b := s.add(capacitor, load), s.add(capacitor, load)
	s.at("XIN", u, "XIN", y, "1", a, "1")
	s.at("XOUT", u, "XOUT", y, "2", b, "1")
	s.power(m.g, a, "2", b, "2")
	r, c, sw := s.add(resistor, m.ohms(4, 5)), s.add(capacitor, m.farads(-8, -6)), s.add(button, "RESET")
	s.at("RESET", u, "~{RESET}", r, "2", c, "1", sw, "1")
	s.power(m.v, r, "1")
	s.power(m.g, c, "2", sw, "2")
	j := s.add(connector(3), "SERIAL")
	s.at("TX", u, "TX", j, "1")
	s.at("RX", u, "RX", j, "2")
	s.power(m.g, j, "3")
	if m.Bool() {
		rl, d := s.add(resistor, m.ohms(2, 4)), s.add(led, "green")
		s.at("", u, "P0", rl, "1")
		s.at("", rl, "2", d, "A")
		s.power(m.g, d, "K")
	}
	m.decouple(s, m.Between(1, 3))
	return s
}

func i2c(m *maker) *Sheet {
	s := newSheet("i2c", "I2C bus")
	u := m.micro(s, "SDA bidirectional", "SCL output", "INT0 input", "INT1 input", "P0 bidirectional", "P1 bidirectional")
	m.feed(s)
	a, b := s.add(resistor, m.ohms(3, 4)), s.add(resistor, m.ohms(3, 4))
	s.power(m.v, a, "1", b, "1")
	s.at("SDA", u, "SDA", a, "2")
	s.at("SCL", u, "SCL", b, "2")
	for i := range m.Between(2, 4) {
		strap := func(d int, pins ...string) {
			for k, p := range pins {
				if (i>>k)&1 == 1 {
					s.power(m.v, d, p)
				} else {
					s.power(m.g, d, p)
				}
			}
		}
		var d int
		switch m.IntN(4) {
		case 0:
			d = s.add(eeprom, generated.Pick(m.Rand, "24LC256", "AT24C02"))
			strap(d, "A0", "A1", "A2")
			s.power(m.g, d, "WP", d, "GND")
			s.power(m.v, d, "VCC")
		case 1:
			d = s.add(sensor, generated.Pick(m.Rand, "LM75", "TMP102"))
			strap(d, "A0", "A1", "A2")
			s.power(m.g, d, "GND")
			s.power(m.v, d, "VDD")
			if m.Bool() {
				s.at("ALERT", d, "ALERT")
			}
		case 2:
			d = s.add(clock, "DS1307")
			y := s.add(crystal, "32.768kHz")
			s.at("", d, "OSCI", y, "1")
			s.at("", d, "OSCO", y, "2")
			s.power(m.g, d, "VSS")
			s.power(m.v, d, "VDD")
		case 3:
			d = s.add(expander, "PCF8574")
			strap(d, "A0", "A1", "A2")
			s.at("EXP_INT", d, "~{INT}")
			s.power(m.g, d, "VSS")
			s.power(m.v, d, "VDD")
		}
		s.at("SDA", d, "SDA")
		s.at("SCL", d, "SCL")
	}
	if _, used := s.net["ALERT"]; used {
		s.at("ALERT", u, "INT0")
	}
	if _, used := s.net["EXP_INT"]; used {
		s.at("EXP_INT", u, "INT1")
	}
	m.decouple(s, m.Between(0, 3))
	return s
}

func spi(m *maker) *Sheet {
	s := newSheet("spi", "SPI bus")
	n := m.Between(2, 4)
	pins := []string{"SCK output", "MOSI output", "MISO input"}
	for i := range n {
		pins = append(pins, fmt.Sprintf("CS%d output", i))
	}
	u := m.micro(s, pins...)
	m.feed(s)
	s.at("SCK", u, "SCK")
	s.at("MOSI", u, "MOSI")
	s.at("MISO", u, "MISO")
	for i := range n {
		cs := fmt.Sprintf("CS%d", i)
		s.at(cs, u, cs)
		switch m.IntN(3) {
		case 0:
			d := s.add(flash, generated.Pick(m.Rand, "W25Q32", "W25Q128"))
			s.at(cs, d, "~{CS}")
			s.at("SCK", d, "CLK")
			s.at("MOSI", d, "DI")
			s.at("MISO", d, "DO")
			s.power(m.v, d, "~{WP}", d, "~{HOLD}", d, "VCC")
			s.power(m.g, d, "GND")
		case 1:
			d := s.add(adc, "MCP3201")
			j := s.add(connector(2), fmt.Sprintf("ANALOG%d", i))
			s.at(cs, d, "~{CS}")
			s.at("SCK", d, "CLK")
			s.at("MISO", d, "DOUT")
			s.at("", d, "IN+", j, "1")
			s.at("", d, "IN-", j, "2")
			s.power(m.v, d, "VREF", d, "VDD")
			s.power(m.g, d, "GND")
		case 2:
			d := s.add(dac, "MCP4822")
			j := s.add(connector(3), fmt.Sprintf("ANALOG%d", i))
			s.at(cs, d, "~{CS}")
			s.at("SCK", d, "SCK")
			s.at("MOSI", d, "SDI")
			s.power(m.g, d, "~{LDAC}", d, "VSS", j, "3")
			s.power(m.v, d, "VDD")
			s.at("", d, "VOUTA", j, "1")
			s.at("", d, "VOUTB", j, "2")
		}
		if m.IntN(3) == 0 {
			r := s.add(resistor, m.ohms(4, 5))
			s.power(m.v, r, "1")
			s.at(cs, r, "2")
		}
	}
	m.decouple(s, m.Between(0, 3))
	return s
}

func gates(m *maker) *Sheet {
	s := newSheet("gates", "Logic")
	inputs := m.Between(2, 3)
	j := s.add(connector(inputs+3), "LOGIC")
	s.power(m.v, j, "1")
	s.power(m.g, j, "2")
	var signals []int // nets
	for i := range inputs {
		signals = append(signals, s.at(fmt.Sprintf("IN_%c", 'A'+i), j, strconv.Itoa(i+3)))
	}
	symbols := []*Symbol{nand, nor, xor, not}
	names := [][]string{{"74HC00", "CD4011"}, {"74HC02"}, {"74HC86"}, {"74HC04", "74HC14"}}
	last := 0
	for range m.Between(1, 2) {
		k := m.IntN(len(symbols))
		u := s.add(symbols[k], generated.Pick(m.Rand, names[k]...))
		units := symbols[k].Units()
		s.power(m.v, u, "VCC")
		s.power(m.g, u, "GND")
		used := m.Between(2, units-1)
		for unit := 1; unit < units; unit++ {
			var out string
			for _, pin := range symbols[k].Pins {
				if pin.Unit != unit {
					continue
				}
				switch {
				case pin.Type == "output":
					out = pin.Number
				case unit > used: // the inputs of gates that are not used are tied
					s.power(m.g, u, pin.Number)
				default:
					s.on(generated.Pick(m.Rand, signals...), u, pin.Number)
				}
			}
			if unit <= used {
				last = s.at("", u, out)
				signals = append(signals, last)
			}
		}
	}
	s.on(last, j, strconv.Itoa(inputs+3))
	s.Nets[last].Name = "RESULT"
	s.net["RESULT"] = last
	m.decouple(s, m.Between(0, 2))
	return s
}

func flipFlops(m *maker) *Sheet {
	s := newSheet("counter", "Counter")
	n := m.Between(1, 2)
	j := s.add(connector(4+2*n), "COUNT")
	s.power(m.v, j, "1")
	s.power(m.g, j, "2")
	s.at("CLK", j, "3")
	s.at("CLEAR", j, "4")
	last := "CLK"
	for i := range n {
		u := s.add(flipFlop, "74HC74")
		s.power(m.v, u, "14", u, "4", u, "10")
		s.power(m.g, u, "7")
		s.at("CLEAR", u, "1", u, "13")
		for k, ff := range [][4]string{{"3", "2", "6", "5"}, {"11", "12", "8", "9"}} { // clock, D, inverse, Q
			q, inverse := fmt.Sprintf("Q%d", 2*i+k), fmt.Sprintf("QN%d", 2*i+k)
			s.at(last, u, ff[0])
			s.at(inverse, u, ff[1], u, ff[2])
			s.at(q, u, ff[3], j, strconv.Itoa(5+2*i+k))
			last = inverse
		}
	}
	r := s.add(resistor, m.ohms(3, 6))
	s.power(m.v, r, "1")
	s.at("CLEAR", r, "2")
	m.decouple(s, m.Between(0, 2))
	return s
}

func busOf8(m *maker) *Sheet {
	s := newSheet("bus", "Bus")
	m.feed(s)
	switch m.IntN(2) {
	case 0: // connector, transceiver, connector
		n := m.Between(4, 8)
		u := s.add(buffer8, generated.Pick(m.Rand, "74HC245", "74LVC245"))
		a, b := s.add(connector(n), "SIDE_A"), s.add(connector(n), "SIDE_B")
		from, to := generated.Pick(m.Rand, "D", "DA", "IN"), generated.Pick(m.Rand, "Q", "BD", "OUT")
		s.bus(from, 0, n)
		s.bus(to, 0, n)
		for i := range 8 {
			pa, pb := fmt.Sprintf("A%d", i), fmt.Sprintf("B%d", i)
			if i >= n {
				s.power(m.g, u, pa)
				continue
			}
			s.at(from+strconv.Itoa(i), u, pa, a, strconv.Itoa(i+1))
			s.at(to+strconv.Itoa(i), u, pb, b, strconv.Itoa(n-i))
		}
		s.power(m.v, u, "VCC", u, "DIR")
		s.power(m.g, u, "GND", u, "~{OE}")
	case 1: // a memory between connectors
		u := s.add(memory8, "RAM256")
		a, d := s.add(connector(8), "ADDRESS"), s.add(connector(8), "DATA")
		j := s.add(connector(3), "CONTROL")
		bus := generated.Pick(m.Rand, "A", "ADR")
		s.bus(bus, 0, 8)
		s.bus("D", 0, 8)
		for i := range 8 {
			s.at(fmt.Sprintf("%s%d", bus, i), u, fmt.Sprintf("A%d", i), a, strconv.Itoa(i+1))
			s.at(fmt.Sprintf("D%d", i), u, fmt.Sprintf("D%d", i), d, strconv.Itoa(8-i))
		}
		for i, p := range []string{"CS", "WE", "OE"} {
			s.at(p, u, "~{"+p+"}", j, strconv.Itoa(i+1))
		}
		s.power(m.v, u, "VCC")
		s.power(m.g, u, "GND")
	}
	m.decouple(s, m.Between(1, 2))
	return s
}

func relays(m *maker) *Sheet {
	s := newSheet("relays", "Relay driver")
	n := m.Between(1, 3)
	j := s.add(connector(n+2), "CONTROL")
	s.power(m.v, j, "1")
	s.power(m.g, j, "2")
	array := n > 1 && m.Bool()
	u := -1
	if array {
		u = s.add(darlington, "ULN2003")
		s.power(m.v, u, "COM")
		s.power(m.g, u, "GND")
	}
	for i := range n {
		k := s.add(relay, generated.Pick(m.Rand, "G5V-1", "JZC-33F", "SRD-05"))
		contacts := s.add(connector(3), fmt.Sprintf("CONTACT%d", i+1))
		s.power(m.v, k, "A1")
		s.at("", k, "NC", contacts, "1")
		s.at("", k, "COM", contacts, "2")
		s.at("", k, "NO", contacts, "3")
		control := fmt.Sprintf("RLY%d", i+1)
		s.at(control, j, strconv.Itoa(i+3))
		if array {
			s.at(control, u, fmt.Sprintf("I%d", i+1))
			s.at("", u, fmt.Sprintf("O%d", i+1), k, "A2")
			continue
		}
		q, r, d := s.add(npn, generated.Pick(m.Rand, "BC337", "2N2222")), s.add(resistor, m.ohms(3, 4)), s.add(diode, "1N4148")
		s.at(control, r, "1")
		s.at("", r, "2", q, "B")
		s.power(m.g, q, "E")
		s.at("", q, "C", k, "A2", d, "A")
		s.power(m.v, d, "K")
		if m.Bool() {
			x, y := s.add(resistor, m.ohms(2, 4)), s.add(led, "red")
			s.power(m.v, x, "1")
			s.at("", x, "2", y, "A")
			s.on(s.netOf(k, "A2"), y, "K")
		}
	}
	return s
}

func rectifier(m *maker) *Sheet {
	s := newSheet("rectifier", "Rectifier")
	mains := s.add(connector(2), "MAINS")
	t := s.add(transformer, generated.Pick(m.Rand, "230V/9V", "230V/12V", "230V/24V"))
	if m.Bool() {
		f := s.add(fuse, generated.Pick(m.Rand, "100mA", "250mA"))
		s.at("", mains, "1", f, "1")
		s.at("", f, "2", t, "P1")
	} else {
		s.at("", mains, "1", t, "P1")
	}
	s.at("", mains, "2", t, "P2")
	s.at("AC1", t, "S1")
	s.at("AC2", t, "S2")
	if m.Bool() {
		b := s.add(bridge, generated.Pick(m.Rand, "KBP206", "DF06M"))
		s.at("AC1", b, "AC1")
		s.at("AC2", b, "AC2")
		s.at("RAW", b, "+")
		s.power(m.g, b, "-")
	} else {
		value := generated.Pick(m.Rand, "1N4007", "1N5408")
		for i := range 4 {
			d := s.add(diode, value)
			ac := []string{"AC1", "AC2"}[i%2]
			if i < 2 {
				s.at(ac, d, "A")
				s.at("RAW", d, "K")
			} else {
				s.power(m.g, d, "A")
				s.at(ac, d, "K")
			}
		}
	}
	c := s.add(polarised, m.farads(-4, -2))
	s.at("RAW", c, "+")
	s.power(m.g, c, "-")
	out := s.add(connector(2), "DC")
	s.power(m.g, out, "2")
	if m.Bool() {
		u, c2 := s.add(regulator, generated.Pick(m.Rand, "L7805", "L7812")), s.add(capacitor, m.farads(-7, -5))
		s.at("RAW", u, "IN")
		s.power(m.g, u, "GND", c2, "2")
		s.power(m.v, u, "OUT", c2, "1", out, "1")
	} else {
		r, z := s.add(resistor, m.ohms(2, 4)), s.add(zener, generated.Pick(m.Rand, "5V1", "12V"))
		s.at("RAW", r, "1")
		s.at("REG", r, "2", z, "K", out, "1")
		s.power(m.g, z, "A")
	}
	return s
}

func keys(m *maker) *Sheet {
	s := newSheet("keys", "Key matrix")
	rows, columns := m.Between(2, 3), m.Between(2, 4)
	j := s.add(connector(rows+columns), "MATRIX")
	diodes := generated.Pick(m.Rand, "", "1N4148", "BAS16")
	pulls := ""
	if m.Bool() {
		pulls = m.ohms(4, 6)
		m.feed(s)
	}
	for y := range rows {
		row := fmt.Sprintf("ROW%d", y)
		s.at(row, j, strconv.Itoa(y+1))
		if pulls != "" {
			r := s.add(resistor, pulls)
			s.power(m.v, r, "1")
			s.at(row, r, "2")
		}
		for x := range columns {
			column := fmt.Sprintf("COL%d", x)
			if y == 0 {
				s.at(column, j, strconv.Itoa(rows+x+1))
			}
			k := s.add(button, fmt.Sprintf("KEY%d%d", y, x))
			s.at(column, k, "1")
			if diodes == "" {
				s.at(row, k, "2")
				continue
			}
			d := s.add(diode, diodes)
			s.at("", k, "2", d, "A")
			s.at(row, d, "K")
		}
	}
	return s
}

func ladderDAC(m *maker) *Sheet {
	s := newSheet("dac", "R-2R ladder")
	n := m.Between(4, 8)
	u := s.add(shiftRegister, "74HC595")
	j := s.add(connector(6), "SERIAL")
	amp := s.add(opAmp, generated.Pick(m.Rand, "TL071", "AD8605"))
	s.power(m.v, u, "VCC", u, "~{CLR}", j, "1", amp, "V+")
	s.power(m.g, u, "GND", u, "~{OE}", j, "2", amp, "V-")
	for i, p := range []string{"SER", "SRCLK", "RCLK"} {
		s.at(p, u, p, j, strconv.Itoa(i+3))
	}
	s.bus("B", 0, n)
	digits, exponent := generated.Pick(m.Rand, 10, 20), m.Between(2, 3)
	one, two := m.value(digits, exponent, ""), m.value(2*digits, exponent, "")
	end := s.add(resistor, two)
	s.power(m.g, end, "1")
	last := s.at("", end, "2")
	for i := range n {
		bit := fmt.Sprintf("B%d", i)
		r := s.add(resistor, two)
		s.at(bit, u, fmt.Sprintf("Q%d", i), r, "1")
		s.on(last, r, "2")
		if i < n-1 {
			x := s.add(resistor, one)
			s.on(last, x, "1")
			last = s.at("", x, "2")
		}
	}
	s.on(last, amp, "+")
	s.at("ANALOG", amp, "-", amp, "OUT", j, "6")
	m.decouple(s, m.Between(0, 2))
	return s
}

func hBridge(m *maker) *Sheet {
	s := newSheet("bridge", "H bridge")
	motor, power, control := s.add(connector(2), "MOTOR"), s.add(connector(2), "BATTERY"), s.add(connector(5), "DRIVE")
	s.at("VM", power, "1")
	s.power(m.g, power, "2", control, "5")
	single := m.Bool() // power MOSFETs whose pins lie on top of one another
	for i := range 4 {
		symbol := nmos
		if single {
			symbol = powerMOS
		}
		q := s.add(symbol, generated.Pick(m.Rand, "IRF7401", "AO4406", "Si4410"))
		side := []string{"MA", "MB"}[i%2]
		d, src := "3", "2"
		if single {
			d, src = "5", "1"
		}
		if i < 2 {
			s.at("VM", q, d)
			s.at(side, q, src)
		} else {
			s.at(side, q, d)
			if m.Bool() {
				s.at("SENSE", q, src)
			} else {
				s.power(m.g, q, src)
			}
		}
		gate, r := fmt.Sprintf("GATE%d", i+1), s.add(resistor, m.ohms(1, 2))
		s.at(gate, control, strconv.Itoa(i+1), r, "1")
		s.at("", r, "2", q, "G")
	}
	if _, used := s.net["SENSE"]; used {
		shunt := s.add(resistor, generated.Pick(m.Rand, "0.1", "0.05", "0.01"))
		s.at("SENSE", shunt, "1")
		s.power(m.g, shunt, "2")
	}
	s.at("MA", motor, "1")
	s.at("MB", motor, "2")
	c := s.add(polarised, m.farads(-5, -3))
	s.at("VM", c, "+")
	s.power(m.g, c, "-")
	return s
}

func timers(m *maker) *Sheet {
	s := newSheet("timer", "Timer")
	u := s.add(timer, generated.Pick(m.Rand, "NE555", "TLC555"))
	j := s.add(connector(3), "IO")
	s.power(m.v, u, "VCC", u, "R", j, "1")
	s.power(m.g, u, "GND", j, "2")
	s.at("Q", u, "Q", j, "3")
	c, cv := s.add(capacitor, m.farads(-8, -5)), s.add(capacitor, m.value(10, -9, m.unit))
	s.at("", u, "CV", cv, "1")
	s.power(m.g, c, "2", cv, "2")
	if m.Bool() { // astable
		a, b := s.add(resistor, m.ohms(3, 5)), s.add(resistor, m.ohms(3, 6))
		s.power(m.v, a, "1")
		s.at("", a, "2", b, "1", u, "DIS")
		s.at("", b, "2", c, "1", u, "TR", u, "THR")
	} else { // monostable
		a, pull, sw := s.add(resistor, m.ohms(4, 6)), s.add(resistor, m.ohms(4, 5)), s.add(button, "START")
		s.power(m.v, a, "1", pull, "1")
		s.at("", a, "2", c, "1", u, "DIS", u, "THR")
		s.at("START", u, "TR", pull, "2", sw, "1")
		s.power(m.g, sw, "2")
	}
	if m.Bool() {
		r, d := s.add(resistor, m.ohms(2, 4)), s.add(led, generated.Pick(m.Rand, "red", "green"))
		s.at("Q", r, "1")
		s.at("", r, "2", d, "A")
		s.power(m.g, d, "K")
	}
	m.decouple(s, m.Between(0, 1))
	return s
}

func isolated(m *maker) *Sheet {
	s := newSheet("inputs", "Isolated inputs")
	n := m.Between(1, 3)
	in, out := s.add(connector(n+1), "FIELD"), s.add(connector(n+2), "LOGIC")
	s.power(m.v, out, "1")
	s.power(m.g, out, "2")
	s.at("COM", in, "1")
	for i := range n {
		o, r, pull, d := s.add(optocoupler, generated.Pick(m.Rand, "PC817", "TLP521")), s.add(resistor, m.ohms(3, 4)), s.add(resistor, m.ohms(3, 5)), s.add(diode, "1N4148")
		s.at(fmt.Sprintf("DI%d", i), in, strconv.Itoa(i+2), r, "1")
		s.at("", r, "2", o, "A", d, "K")
		s.at("COM", o, "K", d, "A")
		s.power(m.g, o, "E")
		s.power(m.v, pull, "1")
		if m.Bool() {
			s.at(fmt.Sprintf("DO%d", i), o, "C", pull, "2", out, strconv.Itoa(i+3))
			continue
		}
		u, a, b := s.add(comparator, "LM393"), s.add(resistor, m.ohms(3, 5)), s.add(resistor, m.ohms(3, 5))
		up := s.add(resistor, m.ohms(3, 5))
		s.at("", o, "C", pull, "2", u, "+")
		s.at("", a, "2", b, "1", u, "-")
		s.power(m.v, a, "1", u, "V+", up, "1")
		s.power(m.g, b, "2", u, "V-")
		s.at(fmt.Sprintf("DO%d", i), u, "OUT", up, "2", out, strconv.Itoa(i+3))
	}
	return s
}

// channel is a sheet with an input and an output.
func (m *maker) channel() *Sheet {
	s := newSheet("channel", "Channel")
	switch m.IntN(3) {
	case 0: // a filter with a follower
		r, c, u := s.add(resistor, m.ohms(3, 5)), s.add(capacitor, m.farads(-9, -6)), s.add(opAmp, generated.Pick(m.Rand, "TL071", "AD8605"))
		s.at("IN", r, "1")
		s.at("", r, "2", c, "1", u, "+")
		s.at("OUT", u, "OUT", u, "-")
		s.power(m.g, c, "2", u, "V-")
		s.power(m.v, u, "V+")
	case 1: // a transistor with a pull-up
		r, pull, q := s.add(resistor, m.ohms(3, 5)), s.add(resistor, m.ohms(3, 5)), s.add(npn, generated.Pick(m.Rand, "BC847", "2N3904"))
		s.at("IN", r, "1")
		s.at("", r, "2", q, "B")
		s.at("OUT", q, "C", pull, "2")
		s.power(m.v, pull, "1")
		s.power(m.g, q, "E")
	case 2: // a divider with a clamp
		a, b, d, e := s.add(resistor, m.ohms(4, 6)), s.add(resistor, m.ohms(3, 5)), s.add(diode, "BAT54"), s.add(diode, "BAT54")
		s.at("IN", a, "1")
		s.at("OUT", a, "2", b, "1", d, "A", e, "K")
		s.global("BIAS", b, "2")
		s.power(m.g, e, "A")
		s.power(m.v, d, "K")
	}
	s.port("IN", "OUT")
	return s
}

// bias feeds the global net that a channel may have, from the root.
func (m *maker) bias(s, channel *Sheet) {
	if _, used := channel.net["BIAS"]; !used {
		return
	}
	p, c := s.add(potentiometer, m.ohms(4, 5)), s.add(capacitor, m.farads(-8, -6))
	s.power(m.v, p, "1")
	s.power(m.g, p, "3", c, "2")
	s.global("BIAS", p, "2", c, "1")
}

func channels(m *maker) *Sheet {
	s := newSheet("main", "Channels")
	sheet := m.channel()
	n := m.Between(2, 3)
	in, out := s.add(connector(n+1), "INPUTS"), s.add(connector(n+1), "OUTPUTS")
	m.bias(s, sheet)
	s.power(m.v, in, "1")
	s.power(m.g, out, "1")
	for i := range n {
		sub := s.place(fmt.Sprintf("Channel %d", i+1), sheet)
		a, b := fmt.Sprintf("IN%d", i+1), fmt.Sprintf("OUT%d", i+1)
		s.at(a, in, strconv.Itoa(i+2))
		s.join(a, sub, "IN")
		s.at(b, out, strconv.Itoa(i+2))
		s.join(b, sub, "OUT")
	}
	return s
}

func nested(m *maker) *Sheet {
	s := newSheet("main", "Sheets in sheets")
	channel := m.channel()
	pair := newSheet("pair", "Pair")
	first, second := pair.place("First", channel), pair.place("Second", channel)
	if m.Bool() { // one behind the other
		pair.join("IN", first, "IN")
		pair.join("MID", first, "OUT")
		pair.join("MID", second, "IN")
		pair.join("OUT", second, "OUT")
		r := pair.add(resistor, m.ohms(4, 6))
		pair.at("MID", r, "1")
		pair.power(m.g, r, "2")
	} else { // side by side
		a, b := pair.add(resistor, m.ohms(3, 5)), pair.add(resistor, m.ohms(3, 5))
		pair.join("IN", first, "IN")
		pair.join("IN", second, "IN")
		pair.join("A", first, "OUT")
		pair.join("B", second, "OUT")
		pair.at("A", a, "1")
		pair.at("B", b, "1")
		pair.at("OUT", a, "2", b, "2")
	}
	pair.port("IN", "OUT")
	n := m.Between(1, 2)
	j := s.add(connector(2+2*n), "IO")
	s.power(m.v, j, "1")
	s.power(m.g, j, "2")
	m.bias(s, channel)
	for i := range n {
		sub := s.place(fmt.Sprintf("Pair %c", 'A'+i), pair)
		in, out := fmt.Sprintf("X%d", i+1), fmt.Sprintf("Y%d", i+1)
		s.at(in, j, strconv.Itoa(3+2*i))
		s.join(in, sub, "IN")
		s.at(out, j, strconv.Itoa(4+2*i))
		s.join(out, sub, "OUT")
	}
	if n == 1 {
		c := s.add(capacitor, m.farads(-8, -6))
		s.at("Y1", c, "1")
		s.power(m.g, c, "2")
	}
	return s
}

func busSheets(m *maker) *Sheet {
	s := newSheet("main", "A bus over sheets")
	n := m.Between(4, 8)
	m.feed(s)
	inner, outer := generated.Pick(m.Rand, "D", "DATA"), generated.Pick(m.Rand, "D", "BUS", "X")
	driver := newSheet("driver", "Driver")
	u := driver.add(buffer8, "74HC245")
	j := driver.add(connector(n), "SOURCE")
	bus := driver.bus(inner, 0, n)
	bus.Port = true
	for i := range 8 {
		if i >= n {
			driver.power(m.g, u, fmt.Sprintf("B%d", i))
			continue
		}
		driver.at(fmt.Sprintf("%s%d", inner, i), u, fmt.Sprintf("A%d", i))
		driver.at("", u, fmt.Sprintf("B%d", i), j, strconv.Itoa(i+1))
	}
	driver.at("EN", u, "~{OE}")
	driver.port("EN")
	driver.power(m.v, u, "VCC", u, "DIR")
	driver.power(m.g, u, "GND")

	load := newSheet("load", "Load")
	reg := load.add(connector(n), "SINK")
	other := load.bus(inner, 0, n)
	other.Port = true
	for i := range n {
		r := load.add(resistor, m.ohms(3, 5))
		load.at(fmt.Sprintf("%s%d", inner, i), reg, strconv.Itoa(i+1), r, "1")
		load.power(m.g, r, "2")
	}

	label := other.Label()
	main := s.bus(outer, 0, n)
	d := s.place("Driver", driver)
	main.SubPins = append(main.SubPins, SubPin{d, label})
	for i := range m.Between(1, 2) {
		main.SubPins = append(main.SubPins, SubPin{s.place(fmt.Sprintf("Load %d", i+1), load), label})
	}
	r := s.add(resistor, m.ohms(4, 5))
	s.join("EN", d, "EN")
	s.at("EN", r, "1")
	s.power(m.g, r, "2")
	return s
}
