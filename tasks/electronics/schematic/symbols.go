package schematic

import (
	"fmt"
	"strings"
)

// twoPin is a part with two pins, one above the other.
func twoPin(name, prefix, what string, pins ...string) *Symbol {
	s := &Symbol{Name: name, Prefix: prefix, What: what, bodies: []box{{-1, -2, 1, 2}}}
	for i, p := range pins { // "1", or "1 K passive"
		f := strings.Fields(p)
		pin := Pin{Number: f[0], Type: "passive", Unit: 1, Y: 3, Side: Up, Length: 1}
		if i == 1 {
			pin.Y, pin.Side = -3, Down
		}
		if len(f) > 1 {
			pin.Name = f[1]
		}
		s.Pins = append(s.Pins, pin)
	}
	return s
}

// block is a part with a rectangular body: its units' pins by side, as "3 OUT
// output" each. Of a side "left!" the pins lie on top of one another.
func block(name, prefix, what string, units ...map[string][]string) *Symbol {
	s := &Symbol{Name: name, Prefix: prefix, What: what}
	for i, u := range units {
		rows := max(len(u["left"]), len(u["right"]), 1)
		columns := max(len(u["top"]), len(u["bottom"]))
		longest := 0
		for _, side := range []string{"left", "right"} {
			for _, p := range u[side] {
				longest = max(longest, len(strings.Fields(p)[1]))
			}
		}
		w := max(3, columns+1, longest+1)
		w += w & 1 // pins on the grid of 2.54 mm
		h := rows + 1
		h += h & 1
		s.bodies = append(s.bodies, box{-w, -h, w, h})
		for _, side := range []string{"left", "right", "top", "bottom"} {
			for k, p := range u[side] {
				s.Pins = append(s.Pins, blockPin(p, side, k, len(u[side]), i+1, w, h))
			}
		}
		for _, side := range []string{"left", "right", "top", "bottom"} {
			for _, p := range u[side+"!"] { // on top of the side's last pin
				s.Pins = append(s.Pins, blockPin(p, side, len(u[side])-1, len(u[side]), i+1, w, h))
			}
		}
	}
	return s
}

// blockPin is the k-th of n pins on a side.
func blockPin(text, side string, k, n, unit, w, h int) Pin {
	f := strings.Fields(text)
	p := Pin{Number: f[0], Name: f[1], Type: f[2], Unit: unit, Length: 2}
	if p.Name == "~" {
		p.Name = ""
	}
	first := (n - 1) &^ 1 // even: on the grid of 2.54 mm
	switch side {
	case "left":
		p.X, p.Y, p.Side = -w-2, first-2*k, Left
	case "right":
		p.X, p.Y, p.Side = w+2, first-2*k, Right
	case "top":
		p.X, p.Y, p.Side = 2*k-first, h+2, Up
	case "bottom":
		p.X, p.Y, p.Side = 2*k-first, -h-2, Down
	}
	return p
}

type sides = map[string][]string

// The parts that circuits are made of.
var (
	resistor   = twoPin("R", "R", "resistor", "1", "2")
	capacitor  = twoPin("C", "C", "capacitor", "1", "2")
	polarised  = twoPin("CP", "C", "polarised capacitor", "1 +", "2 -")
	inductor   = twoPin("L", "L", "inductor", "1", "2")
	diode      = twoPin("D", "D", "diode", "1 K", "2 A")
	zener      = twoPin("DZ", "D", "Zener diode", "1 K", "2 A")
	led        = twoPin("LED", "D", "light-emitting diode", "1 K", "2 A")
	crystal    = twoPin("XTAL", "Y", "crystal", "1", "2")
	fuse       = twoPin("FUSE", "F", "fuse", "1", "2")
	button     = twoPin("BUTTON", "SW", "push button", "1", "2")
	battery    = twoPin("BATTERY", "BT", "battery", "1 +", "2 -")
	thermistor = twoPin("NTC", "TH", "thermistor", "1", "2")

	npn = block("NPN", "Q", "NPN transistor", sides{"left": {"1 B input"}, "top": {"3 C passive"}, "bottom": {"2 E passive"}})
	pnp = block("PNP", "Q", "PNP transistor", sides{"left": {"1 B input"}, "bottom": {"3 C passive"}, "top": {"2 E passive"}})
	// nmos has its pins as SOT-23 has them.
	nmos = block("NMOS", "Q", "n-channel MOSFET", sides{"left": {"1 G input"}, "top": {"3 D passive"}, "bottom": {"2 S passive"}})
	pmos = block("PMOS", "Q", "p-channel MOSFET", sides{"left": {"1 G input"}, "bottom": {"3 D passive"}, "top": {"2 S passive"}})
	// powerMOS has three pins for its source and four for its drain, which lie on
	// top of one another.
	powerMOS = block("NMOS_SO8", "Q", "n-channel MOSFET with several source and drain pins",
		sides{"left": {"4 G input"}, "top": {"5 D passive"}, "top!": {"6 D passive", "7 D passive", "8 D passive"}, "bottom": {"1 S passive"}, "bottom!": {"2 S passive", "3 S passive"}})

	potentiometer = block("POT", "RV", "potentiometer", sides{"top": {"1 ~ passive"}, "bottom": {"3 ~ passive"}, "right": {"2 ~ passive"}})
	bridge        = block("BRIDGE", "D", "bridge rectifier", sides{"left": {"2 AC1 passive"}, "right": {"4 AC2 passive"}, "top": {"1 + passive"}, "bottom": {"3 - passive"}})
	transformer   = block("TRANSFORMER", "T", "transformer", sides{"left": {"1 P1 passive", "2 P2 passive"}, "right": {"3 S1 passive", "4 S2 passive"}})
	relay         = block("RELAY", "K", "relay", sides{"left": {"A1 COIL+ passive", "A2 COIL- passive"}, "right": {"12 NC passive", "11 COM passive", "14 NO passive"}})

	opAmp = block("OPAMP", "U", "operational amplifier",
		sides{"left": {"3 + input", "4 - input"}, "right": {"1 OUT output"}, "top": {"5 V+ power_in"}, "bottom": {"2 V- power_in"}})
	dualOpAmp = block("OPAMP2", "U", "dual operational amplifier",
		sides{"left": {"3 + input", "2 - input"}, "right": {"1 ~ output"}},
		sides{"left": {"5 + input", "6 - input"}, "right": {"7 ~ output"}},
		sides{"top": {"8 V+ power_in"}, "bottom": {"4 V- power_in"}})
	quadOpAmp = block("OPAMP4", "U", "quad operational amplifier",
		sides{"left": {"3 + input", "2 - input"}, "right": {"1 ~ output"}},
		sides{"left": {"5 + input", "6 - input"}, "right": {"7 ~ output"}},
		sides{"left": {"10 + input", "9 - input"}, "right": {"8 ~ output"}},
		sides{"left": {"12 + input", "13 - input"}, "right": {"14 ~ output"}},
		sides{"top": {"4 V+ power_in"}, "bottom": {"11 V- power_in"}})
	comparator = block("COMPARATOR", "U", "comparator with an open-collector output",
		sides{"left": {"1 + input", "3 - input"}, "right": {"4 OUT open_collector"}, "top": {"5 V+ power_in"}, "bottom": {"2 V- power_in"}})

	regulator  = block("REG", "U", "voltage regulator", sides{"left": {"1 IN power_in"}, "bottom": {"2 GND power_in"}, "right": {"3 OUT power_out"}})
	adjustable = block("REG_ADJ", "U", "adjustable voltage regulator", sides{"left": {"3 IN power_in"}, "bottom": {"1 ADJ input"}, "right": {"2 OUT power_out"}})
	enabled    = block("LDO_EN", "U", "voltage regulator with an enable input", sides{"left": {"1 IN power_in", "3 EN input"}, "bottom": {"2 GND power_in"}, "right": {"5 OUT power_out", "4 BYP passive"}})
	timer      = block("TIMER", "U", "timer", sides{
		"left": {"2 TR input", "4 R input", "5 CV passive"}, "right": {"3 Q output", "7 DIS open_collector", "6 THR input"}, "top": {"8 VCC power_in"}, "bottom": {"1 GND power_in"}})
	nand = logic("NAND4", "quad 2-input NAND gate", 4, [][]string{{"1", "2", "3"}, {"4", "5", "6"}, {"9", "10", "8"}, {"12", "13", "11"}}, "14", "7")
	nor  = logic("NOR4", "quad 2-input NOR gate", 4, [][]string{{"2", "3", "1"}, {"5", "6", "4"}, {"8", "9", "10"}, {"11", "12", "13"}}, "14", "7")
	xor  = logic("XOR4", "quad 2-input exclusive-OR gate", 4, [][]string{{"1", "2", "3"}, {"4", "5", "6"}, {"9", "10", "8"}, {"12", "13", "11"}}, "14", "7")
	not  = logic("INV6", "hex inverter", 6, [][]string{{"1", "2"}, {"3", "4"}, {"5", "6"}, {"9", "8"}, {"11", "10"}, {"13", "12"}}, "14", "7")

	flipFlop = block("DFF2", "U", "dual D flip-flop",
		sides{"left": {"2 D input", "3 CLK input"}, "right": {"5 Q output", "6 ~{Q} output"}, "top": {"4 ~{S} input"}, "bottom": {"1 ~{R} input"}},
		sides{"left": {"12 D input", "11 CLK input"}, "right": {"9 Q output", "8 ~{Q} output"}, "top": {"10 ~{S} input"}, "bottom": {"13 ~{R} input"}},
		sides{"top": {"14 VCC power_in"}, "bottom": {"7 GND power_in"}})
	shiftRegister = block("SHIFT8", "U", "8-bit shift register with parallel outputs", sides{
		"left":  {"14 SER input", "11 SRCLK input", "12 RCLK input", "10 ~{CLR} input", "13 ~{OE} input"},
		"right": {"15 Q0 tri_state", "1 Q1 tri_state", "2 Q2 tri_state", "3 Q3 tri_state", "4 Q4 tri_state", "5 Q5 tri_state", "6 Q6 tri_state", "7 Q7 tri_state", "9 QS output"},
		"top":   {"16 VCC power_in"}, "bottom": {"8 GND power_in"}})
	buffer8 = block("BUF8", "U", "8-bit bus transceiver", sides{
		"left":  {"2 A0 tri_state", "3 A1 tri_state", "4 A2 tri_state", "5 A3 tri_state", "6 A4 tri_state", "7 A5 tri_state", "8 A6 tri_state", "9 A7 tri_state", "1 DIR input", "19 ~{OE} input"},
		"right": {"18 B0 tri_state", "17 B1 tri_state", "16 B2 tri_state", "15 B3 tri_state", "14 B4 tri_state", "13 B5 tri_state", "12 B6 tri_state", "11 B7 tri_state"},
		"top":   {"20 VCC power_in"}, "bottom": {"10 GND power_in"}})
	memory8 = block("RAM8", "U", "static memory, 256 words of 8 bits", sides{
		"left":  {"1 A0 input", "2 A1 input", "3 A2 input", "4 A3 input", "5 A4 input", "6 A5 input", "7 A6 input", "8 A7 input", "9 ~{CS} input", "10 ~{WE} input", "11 ~{OE} input"},
		"right": {"13 D0 tri_state", "14 D1 tri_state", "15 D2 tri_state", "16 D3 tri_state", "17 D4 tri_state", "18 D5 tri_state", "19 D6 tri_state", "20 D7 tri_state"},
		"top":   {"24 VCC power_in"}, "bottom": {"12 GND power_in"}})
	eeprom     = block("EEPROM", "U", "I2C EEPROM", sides{"left": {"1 A0 input", "2 A1 input", "3 A2 input"}, "right": {"5 SDA bidirectional", "6 SCL input", "7 WP input"}, "top": {"8 VCC power_in"}, "bottom": {"4 GND power_in"}})
	sensor     = block("TEMP", "U", "I2C temperature sensor", sides{"left": {"1 SDA bidirectional", "2 SCL input", "3 ALERT open_collector"}, "right": {"7 A0 input", "6 A1 input", "5 A2 input"}, "top": {"8 VDD power_in"}, "bottom": {"4 GND power_in"}})
	clock      = block("RTC", "U", "I2C real-time clock", sides{"left": {"5 SDA bidirectional", "6 SCL input", "3 ~{INT} open_collector"}, "right": {"1 OSCI input", "2 OSCO output"}, "top": {"8 VDD power_in"}, "bottom": {"4 VSS power_in"}})
	expander   = block("EXPANDER", "U", "I2C port expander", sides{"left": {"15 SDA bidirectional", "14 SCL input", "13 ~{INT} open_collector", "1 A0 input", "2 A1 input", "3 A2 input"}, "right": {"4 P0 bidirectional", "5 P1 bidirectional", "6 P2 bidirectional", "7 P3 bidirectional"}, "top": {"16 VDD power_in"}, "bottom": {"8 VSS power_in"}})
	flash      = block("FLASH", "U", "SPI flash memory", sides{"left": {"1 ~{CS} input", "6 CLK input", "5 DI input", "2 DO tri_state"}, "right": {"3 ~{WP} input", "7 ~{HOLD} input"}, "top": {"8 VCC power_in"}, "bottom": {"4 GND power_in"}})
	adc        = block("ADC", "U", "SPI analogue-to-digital converter", sides{"left": {"5 ~{CS} input", "7 CLK input", "6 DOUT tri_state"}, "right": {"2 IN+ input", "3 IN- input", "1 VREF input"}, "top": {"8 VDD power_in"}, "bottom": {"4 GND power_in"}})
	dac        = block("DAC", "U", "SPI digital-to-analogue converter", sides{"left": {"2 ~{CS} input", "3 SCK input", "4 SDI input", "5 ~{LDAC} input"}, "right": {"8 VOUTA output", "6 VOUTB output"}, "top": {"1 VDD power_in"}, "bottom": {"7 VSS power_in"}})
	darlington = block("DARLINGTON", "U", "array of open-collector drivers with clamp diodes", sides{
		"left": {"1 I1 input", "2 I2 input", "3 I3 input", "4 I4 input"}, "right": {"16 O1 open_collector", "15 O2 open_collector", "14 O3 open_collector", "13 O4 open_collector"},
		"top": {"9 COM passive"}, "bottom": {"8 GND power_in"}})
	optocoupler = block("OPTO", "U", "optocoupler", sides{"left": {"1 A passive", "2 K passive"}, "right": {"4 C open_collector", "3 E open_emitter"}})
	usb         = block("USB_B", "J", "USB type B receptacle", sides{"right": {"1 VBUS power_out", "3 D+ bidirectional", "2 D- bidirectional", "4 GND power_out"}})
)

// logic is a part of several gates, the last pin of each being its output, with
// a unit of its own for the supply.
func logic(name, what string, gates int, pins [][]string, vcc, gnd string) *Symbol {
	var units []sides
	for _, g := range pins[:gates] {
		u := sides{}
		for _, p := range g[:len(g)-1] {
			u["left"] = append(u["left"], p+" ~ input")
		}
		u["right"] = []string{g[len(g)-1] + " ~ output"}
		units = append(units, u)
	}
	return block(name, "U", what, append(units, sides{"top": {vcc + " VCC power_in"}, "bottom": {gnd + " GND power_in"}})...)
}

// connector has n pins in a row.
func connector(n int) *Symbol {
	u := sides{}
	for i := range n {
		u["left"] = append(u["left"], fmt.Sprintf("%d ~ passive", i+1))
	}
	return block(fmt.Sprintf("CONN%d", n), "J", fmt.Sprintf("connector with %d pins", n), u)
}

// processor is a microcontroller with the pins that are asked for, numbered from
// a place of its own, so that no two need be alike.
func processor(name string, offset int, left, right []string) *Symbol {
	n := len(left) + len(right) + 2
	number := func(i int) string { return fmt.Sprint((i+offset)%n + 1) }
	u := sides{"top": {number(n-2) + " VDD power_in"}, "bottom": {number(n-1) + " VSS power_in"}}
	for i, p := range left {
		u["left"] = append(u["left"], number(i)+" "+p)
	}
	for i, p := range right {
		u["right"] = append(u["right"], number(len(left)+len(right)-1-i)+" "+p)
	}
	return block(name, "U", "microcontroller", u)
}

// supply and ground are power symbols; the net's name is the value.
var (
	supply = &Symbol{Name: "SUPPLY", Prefix: "#PWR", Power: true, bodies: []box{{-1, 0, 1, 2}},
		Pins: []Pin{{Number: "1", Name: "", Type: "power_in", Unit: 1, Side: Down}}}
	ground = &Symbol{Name: "GROUND", Prefix: "#PWR", Power: true, bodies: []box{{-1, -2, 1, 0}},
		Pins: []Pin{{Number: "1", Name: "", Type: "power_in", Unit: 1, Side: Up}}}
	// flag says that a net is fed: KiCad's rules want a source on each supply.
	flag = &Symbol{Name: "PWR_FLAG", Prefix: "#FLG", Power: true, bodies: []box{{-1, 0, 1, 2}},
		Pins: []Pin{{Number: "1", Name: "", Type: "power_out", Unit: 1, Side: Down}}}
)
