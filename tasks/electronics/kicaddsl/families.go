package kicaddsl

import (
	"fmt"

	"github.com/ailiance/lorabench/tasks/generated"
)

// family is a kind of parts.
type family struct {
	name string
	make func(*generated.Rand) part
}

var families = []family{
	{"gates", gates},
	{"flipflops", flipFlops},
	{"counters", counters},
	{"shift-registers", shiftRegisters},
	{"decoders", decoders},
	{"op-amps", opAmps},
	{"comparators", comparators},
	{"linear-regulators", linearRegulators},
	{"converters", converters},
	{"transistors", transistors},
	{"timers", timers},
	{"spi-memories", spiMemories},
	{"i2c-memories", i2cMemories},
	{"parallel-memories", parallelMemories},
	{"sensors", sensors},
	{"adcs", adcs},
	{"dacs", dacs},
	{"microcontrollers", microcontrollers},
	{"connectors", connectors},
	{"oscillators", oscillators},
	{"level-shifters", levelShifters},
	{"drivers", drivers},
	{"power-switches", powerSwitches},
	{"relays", relays},
}

// powerOf puts the supplies of a part of many units where they belong, and says
// how many units there are then.
func (b *builder) powerOf(names []string, supplies, grounds []string) []string {
	switch b.r.IntN(3) {
	case 0: // a unit of their own
		b.unit = len(names) + 1
		names = append(names, "power")
	case 1: // shown in every unit
		b.unit = 0
	default:
		b.unit = 1
	}
	if b.unit <= 1 {
		b.sides[2], b.sides[3] = top, bottom
	}
	for _, s := range supplies {
		b.supply(s)
	}
	for _, g := range grounds {
		b.ground(g)
	}
	if b.unit == 0 {
		b.unit = 1 // what is not connected
	}
	return names
}

func gates(r *generated.Rand) part {
	b := newBuilder(r)
	kind := generated.Pick(r, "NAND", "NOR", "AND", "OR", "XOR", "XNOR", "inverter", "buffer")
	n, inputs := generated.Pick(r, 2, 3, 4), generated.Pick(r, 2, 2, 3, 4)
	if n == 4 {
		inputs = 2
	}
	if kind == "inverter" || kind == "buffer" {
		n, inputs = generated.Pick(r, 2, 3, 4, 6), 1
	}
	open := r.IntN(4) == 0
	bubble := r.Bool() && (kind == "NAND" || kind == "NOR" || kind == "XNOR" || kind == "inverter")
	output := generated.Pick(r, "Y", "Q", "O", "Z")
	letters := generated.Pick(r, "ABCD", "ABCD", "IJKL", "EFGH")
	for u := 1; u <= n; u++ {
		b.unit = u
		for i := range inputs {
			b.in(fmt.Sprintf("%d%c", u, letters[i]), "")
		}
		name := fmt.Sprintf("%d%s", u, output)
		p := (*pin)(nil)
		if open {
			p = b.openDrain(name, "")
		} else {
			p = b.out(name, "")
		}
		if bubble {
			p.shape = "inverted"
		}
	}
	names := b.powerOf(units("gate", n), []string{b.vcc()}, []string{b.gnd()})
	b.number()
	what := fmt.Sprintf("a %s %d-input %s gate", counts[n], inputs, kind)
	if inputs == 1 {
		what = fmt.Sprintf("a %s %s", counts[n], kind)
	}
	return b.part(what, names...)
}

func flipFlops(r *generated.Rand) part {
	b := newBuilder(r)
	kind := generated.Pick(r, "D", "JK", "T", "SR")
	n := generated.Pick(r, 1, 2, 2)
	mark := r.Bool()
	clock := generated.Pick(r, "CLK", "CP", "CK", "C")
	clear, set := generated.Pick(r, "CLR", "CD", "R", "RST"), generated.Pick(r, "PRE", "SD", "S", "SET")
	split := n > 1 && r.Bool()
	for u := 1; u <= n; u++ {
		suffix := ""
		if n > 1 {
			suffix = fmt.Sprint(u)
		}
		if split {
			b.unit = u
		}
		for _, c := range kind {
			if kind == "SR" && string(c) == set {
				c = 'A'
			}
			b.in(string(c)+suffix, "data")
		}
		p := b.in(clock+suffix, "clock")
		if mark {
			p.shape = "clock"
		}
		b.in(b.low(clear+suffix), "clear")
		if kind != "SR" && r.Bool() {
			b.in(b.low(set+suffix), "preset")
		}
		b.out("Q"+suffix, "")
		b.out("~{Q"+suffix+"}", "inverted")
	}
	names := []string{""}
	if split {
		names = b.powerOf(units("flip-flop", n), []string{b.vcc()}, []string{b.gnd()})
	} else {
		b.supply(b.vcc())
		b.ground(b.gnd())
	}
	b.number()
	return b.part(fmt.Sprintf("a %s %s flip-flop", counts[n], kind), names...)
}

func counters(r *generated.Rand) part {
	b := newBuilder(r)
	bits := generated.Pick(r, 4, 4, 8, 10, 12)
	mark := r.Bool()
	p := b.in(generated.Pick(r, "CLK", "CP", "CKIN", "CNT"), "clock")
	if mark {
		p.shape = "clock"
	}
	b.in(b.low(generated.Pick(r, "CLR", "MR", "RST")), "reset")
	if r.Bool() {
		b.in(generated.Pick(r, "EN", "CE", "CET", "ENP"), "enable")
	}
	if r.Bool() {
		b.in(generated.Pick(r, "U/D", "DIR", "UP"), "direction")
	}
	if bits == 4 && r.Bool() {
		for _, name := range series(generated.Pick(r, "P", "D", "L"), 0, 4) {
			b.in(name, "preset")
		}
		b.in(b.low(generated.Pick(r, "PE", "LD", "PL")), "load")
	}
	for _, name := range series(generated.Pick(r, "Q", "QB", "O"), r.IntN(2), bits) {
		b.out(name, "")
	}
	if r.Bool() {
		b.out(generated.Pick(r, "TC", "CO", "RCO"), "carry")
	}
	b.supply(b.vcc())
	b.ground(b.gnd())
	b.number()
	return b.part(fmt.Sprintf("a %d-bit counter", bits))
}

func shiftRegisters(r *generated.Rand) part {
	b := newBuilder(r)
	bits := generated.Pick(r, 4, 8, 8, 8, 10, 16)
	b.in(generated.Pick(r, "SER", "DS", "DIN", "SI"), "serial data")
	mark := r.Bool()
	for _, p := range []*pin{b.in(generated.Pick(r, "SRCLK", "SHCP", "SCK"), "shift clock")} {
		if mark {
			p.shape = "clock"
		}
	}
	if r.Bool() {
		b.in(generated.Pick(r, "RCLK", "STCP", "LATCH"), "latch clock")
	}
	b.in(b.low(generated.Pick(r, "MR", "SRCLR", "CLR")), "clear")
	names := series(generated.Pick(r, "Q", "O", "QP"), r.IntN(2), bits)
	if enabled := r.Bool(); enabled {
		b.in(b.low(generated.Pick(r, "OE", "G", "EN")), "output enable")
		for _, name := range names {
			b.tri(name, "")
		}
	} else {
		for _, name := range names {
			b.out(name, "")
		}
	}
	if r.Bool() {
		b.out(generated.Pick(r, "QS", "SDO", "DOUT"), "serial data")
	}
	b.supply(b.vcc())
	b.ground(b.gnd())
	b.number()
	return b.part(fmt.Sprintf("a %d-bit shift register", bits))
}

func decoders(r *generated.Rand) part {
	b := newBuilder(r)
	bits := generated.Pick(r, 2, 3, 3, 4)
	if r.Bool() {
		for _, name := range series(generated.Pick(r, "A", "S", "SEL"), 0, bits) {
			b.in(name, "address")
		}
		for i := range r.Between(1, 3) {
			b.in(b.low(fmt.Sprint(generated.Pick(r, "E", "G", "CS"), i+1)), "enable")
		}
		output := generated.Pick(r, "Y", "O", "Q")
		for i := range 1 << bits {
			b.out(b.low(fmt.Sprint(output, i)), "")
		}
		b.supply(b.vcc())
		b.ground(b.gnd())
		b.number()
		return b.part(fmt.Sprintf("a %d-to-%d decoder", bits, 1<<bits))
	}
	for _, name := range series(generated.Pick(r, "I", "D", "X"), 0, 1<<bits) {
		b.in(name, "data")
	}
	for _, name := range series(generated.Pick(r, "S", "A", "SEL"), 0, bits) {
		b.in(name, "select")
	}
	b.in(b.low(generated.Pick(r, "E", "OE", "G")), "enable")
	b.tri(generated.Pick(r, "Y", "Z", "OUT"), "")
	if r.Bool() {
		b.tri(b.low(generated.Pick(r, "W", "YB", "ZB")), "inverted")
	}
	b.supply(b.vcc())
	b.ground(b.gnd())
	b.number()
	return b.part(fmt.Sprintf("a %d-to-1 multiplexer", 1<<bits))
}

// amplifiers are triangles of which each has two inputs and an output; kind is
// the output's electrical type.
func amplifiers(r *generated.Rand, kind, role, noun string) part {
	b := newBuilder(r)
	n := generated.Pick(r, 1, 1, 2, 2, 3, 4)
	size := generated.Pick(r, 200*mil, 300*mil, 400*mil)
	length := generated.Pick(r, 100*mil, 200*mil)
	upper := generated.Pick(r, 1, -1) // which input is above
	plus, minus, output := generated.Pick(r, "+", "IN+", "INP"), generated.Pick(r, "-", "IN-", "INN"), generated.Pick(r, "OUT", "OUT", "VO")
	mirrored := r.IntN(5) == 0
	place := func(p *pin, x, y, length int, side string) {
		p.x, p.y, p.length, p.side = x, y, length, side
		if mirrored && (side == left || side == right) {
			p.x, p.side = -x, map[string]string{left: right, right: left}[side]
		}
	}
	flip := 1
	if mirrored {
		flip = -1
	}
	var shapes []shape
	arm := size / 2 / (50 * mil) * (50 * mil)
	for u := 1; u <= n; u++ {
		b.unit = u
		suffix := ""
		if n > 1 {
			suffix = fmt.Sprint(u)
		}
		place(b.in(plus+suffix, "analog"), -size-length, upper*arm, length, left)
		place(b.in(minus+suffix, "analog"), -size-length, -upper*arm, length, left)
		place(b.add(output+suffix, kind, role, right), size+length, 0, length, right)
		shapes = append(shapes, shape{kind: "polyline", unit: u, filled: true,
			points: [][2]int{{-flip * size, size}, {flip * size, 0}, {-flip * size, -size}, {-flip * size, size}}})
	}
	names := units(noun, n)
	vp, vn := generated.Pick(r, "V+", "VCC", "VDD", "VS+"), generated.Pick(r, "V-", "VEE", "GND", "VSS")
	if n == 1 {
		names = []string{""}
		// The slanted edges are at ±(size-x)/2.
		x := -100 * mil
		y := (size - x) / 2
		place(b.supply(vp), flip*x, y+150*mil, 150*mil, top)
		place(b.ground(vn), flip*x, -y-150*mil, 150*mil, bottom)
		if r.Bool() {
			extra := generated.Pick(r, "EN", "SHDN", "REF")
			x := 0
			if size == 300*mil {
				x = 100 * mil
			}
			y := (size - x) / 2
			place(b.in(extra, "control"), flip*x, -y-100*mil, 100*mil, bottom)
		}
	} else {
		b.unit = n + 1
		names = append(names, "power")
		place(b.supply(vp), 0, 300*mil, 100*mil, top)
		place(b.ground(vn), 0, -300*mil, 100*mil, bottom)
		shapes = append(shapes, shape{kind: "rectangle", unit: n + 1, points: [][2]int{{-100 * mil, 200 * mil}, {100 * mil, -200 * mil}}})
	}
	sizes := map[bool]int{true: 6, false: 8}
	total := max(len(b.pins), sizes[n == 1 && len(b.pins) <= 6])
	if n > 2 {
		total = max(len(b.pins), 14)
	}
	numbers := series("", 1, total)
	b.assign(numbers)
	p := b.part(fmt.Sprintf("a %s %s", counts[n], noun), names...)
	p.body, p.placed, p.shapes = outline, true, shapes
	p.notes = []string{"Each " + noun + "'s body is a triangle whose point is the output's side."}
	if n > 1 {
		p.notes[0] += " The power unit's body is a rectangle."
	}
	return p
}

func opAmps(r *generated.Rand) part { return amplifiers(r, "output", "analog output", "op-amp") }

func comparators(r *generated.Rand) part {
	if r.Bool() {
		return amplifiers(r, "open_collector", "open-drain output", "comparator")
	}
	b := newBuilder(r)
	n := generated.Pick(r, 1, 2, 4)
	for u := 1; u <= n; u++ {
		suffix := ""
		if n > 1 {
			suffix = fmt.Sprint(u)
		}
		b.in(generated.Pick(r, "IN+", "INP")+suffix, "analog")
		b.in(generated.Pick(r, "IN-", "INN")+suffix, "analog")
		b.openDrain("OUT"+suffix, "")
	}
	if r.Bool() {
		b.out(generated.Pick(r, "VREF", "REF"), "reference")
	}
	if r.Bool() {
		b.in(generated.Pick(r, "HYST", "LE", b.low("LATCH")), "control")
	}
	b.supply(b.vcc())
	b.ground(b.gnd())
	b.number()
	return b.part(fmt.Sprintf("a %s comparator with open-drain outputs", counts[n]))
}

func linearRegulators(r *generated.Rand) part {
	b := newBuilder(r)
	n := generated.Pick(r, 1, 1, 1, 2)
	for u := 1; u <= n; u++ {
		suffix := ""
		if n > 1 {
			suffix = fmt.Sprint(u)
		}
		b.add(generated.Pick(r, "VIN", "IN", "VI")+suffix, "power_in", "supply", b.inputs())
		if r.IntN(4) > 0 {
			b.in(generated.Pick(r, "EN", "ON", b.low("SHDN"), "CE")+suffix, "enable")
		}
		b.supplyOut(generated.Pick(r, "VOUT", "OUT", "VO")+suffix, "regulated")
		if r.Bool() {
			b.in(generated.Pick(r, "ADJ", "FB", "SENSE")+suffix, "feedback").side = b.outputs()
		}
	}
	if r.Bool() {
		b.passive(generated.Pick(r, "NR", "BYP", "CBYP", "SS"), "capacitor", b.outputs())
	}
	if r.Bool() {
		b.openDrain(generated.Pick(r, "PG", "PGOOD", b.low("ERR")), "status")
	}
	b.ground(generated.Pick(r, "GND", "GND", "VSS"))
	b.number()
	if r.IntN(3) == 0 {
		b.pad()
	}
	p := b.part(fmt.Sprintf("a %s low-dropout regulator", counts[n]))
	if r.IntN(4) == 0 {
		p.prefix = "VR"
	}
	return p
}

func converters(r *generated.Rand) part {
	b := newBuilder(r)
	kind := generated.Pick(r, "buck", "boost", "buck-boost", "charge-pump")
	for range generated.Pick(r, 1, 1, 2) {
		b.add("VIN", "power_in", "supply", b.inputs())
	}
	b.in(generated.Pick(r, "EN", "ENABLE", "RUN", b.low("SD")), "enable")
	if r.Bool() {
		b.in(generated.Pick(r, "SYNC", "MODE", "FPWM"), "mode")
	}
	if r.Bool() {
		b.passive(generated.Pick(r, "RT", "FSET", "COMP"), "resistor", b.inputs())
	}
	switch kind {
	case "charge-pump":
		b.passive(generated.Pick(r, "C1+", "CP"), "capacitor", b.outputs())
		b.passive(generated.Pick(r, "C1-", "CN"), "capacitor", b.outputs())
		b.supplyOut(generated.Pick(r, "VOUT", "OUT"), "regulated")
	default:
		for range generated.Pick(r, 1, 1, 2) {
			b.out(generated.Pick(r, "SW", "LX", "PH"), "switch")
		}
		if r.Bool() {
			b.passive(generated.Pick(r, "BST", "BOOT", "CB"), "capacitor", b.outputs())
		}
	}
	b.in(generated.Pick(r, "FB", "VSENSE"), "feedback").side = b.outputs()
	if r.Bool() {
		b.openDrain(generated.Pick(r, "PG", "PGOOD"), "status")
	}
	if r.Bool() {
		b.supplyOut(generated.Pick(r, "VREG", "INTVCC", "BIAS"), "internal")
	}
	for _, g := range generated.Pick(r, []string{"GND"}, []string{"PGND", "AGND"}, []string{"PGND", "PGND", "SGND"}) {
		b.ground(g)
	}
	b.number()
	if r.IntN(3) > 0 {
		b.pad()
	}
	return b.part("a " + kind + " converter")
}

func transistors(r *generated.Rand) part {
	b := newBuilder(r)
	kind := r.IntN(4)
	names := [][3]string{{"B", "C", "E"}, {"G", "D", "S"}, {"G", "C", "E"}, {"G", "A", "K"}}[kind]
	if r.IntN(4) == 0 {
		names = [][3]string{{"BASE", "COLL", "EMIT"}, {"GATE", "DRAIN", "SRC"}, {"GATE", "COLL", "EMIT"}, {"GATE", "ANODE", "CATH"}}[kind]
	}
	what := [...]string{"bipolar transistor", "MOSFET", "IGBT", "thyristor"}[kind]
	n := generated.Pick(r, 1, 1, 2)
	x := generated.Pick(r, 100*mil, 200*mil)
	y := generated.Pick(r, 200*mil, 300*mil)
	length := generated.Pick(r, 100*mil, 150*mil)
	reach := 200*mil + generated.Pick(r, 0, 50*mil, 100*mil)
	place := func(p *pin, x, y, length int, side string) {
		p.x, p.y, p.length, p.side = x, y, length, side
	}
	high, low := generated.Pick(r, 1, 1, 2, 3, 4), generated.Pick(r, 1, 1, 2, 3)
	sense := kind == 1 && r.IntN(3) == 0
	if n == 2 {
		high, low, sense = 1, 1, false
	}
	var shapes []shape
	for u := 1; u <= n; u++ {
		b.unit = u
		suffix := ""
		if n > 1 {
			suffix = fmt.Sprint(u)
		}
		place(b.in(names[0]+suffix, "control"), -reach, 0, length, left)
		for i := range high {
			place(b.passive(names[1]+suffix, "", top), x+i*pitch, y, length, top)
		}
		for i := range low {
			place(b.passive(names[2]+suffix, "", bottom), x+i*pitch, -y, length, bottom)
		}
		if sense {
			place(b.passive(generated.Pick(r, "KS", "SS", "SENSE"), "sense", bottom), x-pitch, -y, length, bottom)
		}
		far := y - length
		shapes = append(shapes,
			shape{kind: "polyline", unit: u, points: [][2]int{{-reach + length, 0}, {0, 0}}},
			shape{kind: "polyline", unit: u, points: [][2]int{{0, 75 * mil}, {0, -75 * mil}}},
			shape{kind: "polyline", unit: u, points: [][2]int{{0, 25 * mil}, {x, far}}},
			shape{kind: "polyline", unit: u, points: [][2]int{{0, -25 * mil}, {x, -far}}},
			shape{kind: "circle", unit: u, points: [][2]int{{50 * mil, 0}}, radius: 110 * mil},
		)
	}
	b.assign(series("", 1, len(b.pins)))
	labels := []string{""}
	if n > 1 {
		labels = units("transistor", n)
	}
	p := b.part("a "+counts[n]+" "+what, labels...)
	p.prefix = generated.Pick(r, "Q", "Q", "T", "VT")
	p.body, p.placed, p.shapes = drawing, true, shapes
	return p
}

func timers(r *generated.Rand) part {
	b := newBuilder(r)
	n := generated.Pick(r, 1, 1, 2)
	for u := 1; u <= n; u++ {
		suffix := ""
		if n > 1 {
			suffix = generated.Pick(r, "_", "") + fmt.Sprint(u)
		}
		b.in(generated.Pick(r, "TR", "TRIG", b.low("TRIG"))+suffix, "trigger")
		b.in(generated.Pick(r, "THR", "THRES", "TH")+suffix, "threshold")
		b.in(b.low(generated.Pick(r, "RST", "R", "MR"))+suffix, "reset")
		if r.Bool() {
			b.in(generated.Pick(r, "CV", "CTRL", "CONT")+suffix, "control")
		}
		b.openDrain(generated.Pick(r, "DIS", "DISCH")+suffix, "discharge")
		b.out(generated.Pick(r, "OUT", "Q", "O")+suffix, "")
		if r.Bool() {
			b.passive(generated.Pick(r, "RX", "CX", "RC")+suffix, "timing", b.inputs())
		}
	}
	b.supply(b.vcc())
	b.ground(b.gnd())
	b.number()
	return b.part(fmt.Sprintf("a %s timer", counts[n]))
}

func spiMemories(r *generated.Rand) part {
	b := newBuilder(r)
	b.in(b.low(generated.Pick(r, "CS", "SS", "CE")), "chip select")
	b.in(generated.Pick(r, "SCK", "CLK", "SCLK"), "clock")
	if r.Bool() {
		b.in(generated.Pick(r, "SI", "DI", "MOSI"), "serial data")
		b.tri(generated.Pick(r, "SO", "DO", "MISO"), "serial data")
		if r.IntN(3) > 0 {
			b.in(b.low("WP"), "write protect")
			b.in(b.low("HOLD"), "hold")
		}
	} else {
		for _, name := range series(generated.Pick(r, "IO", "DQ", "SIO"), 0, 4) {
			b.io(name, "data")
		}
	}
	if r.Bool() {
		b.in(b.low(generated.Pick(r, "RESET", "RST")), "reset")
	}
	b.supply(b.vcc())
	b.ground(b.gnd())
	b.number()
	if r.IntN(4) == 0 {
		b.pad()
	}
	return b.part(fmt.Sprintf("a %d-Mbit serial %s with SPI", 1<<r.Between(0, 8), generated.Pick(r, "flash", "EEPROM", "FRAM", "MRAM")))
}

func i2cMemories(r *generated.Rand) part {
	b := newBuilder(r)
	for _, name := range series(generated.Pick(r, "A", "E", "AD"), r.IntN(2), r.Between(1, 3)) {
		b.in(name, "address")
	}
	b.in(generated.Pick(r, "SCL", "SCL", "SCK"), "clock")
	sda := generated.Pick(r, "SDA", "SDA", "SIO")
	if r.Bool() {
		b.io(sda, "data")
	} else {
		b.openDrain(sda, "data")
	}
	b.in(generated.Pick(r, "WP", b.low("WC"), "WCP"), "write protect")
	if r.IntN(3) == 0 {
		b.openDrain(b.low(generated.Pick(r, "INT", "IRQ", "ALERT")), "interrupt")
	}
	if r.IntN(3) == 0 {
		b.supply(generated.Pick(r, "VBAT", "VIO"))
	}
	b.supply(b.vcc())
	b.ground(b.gnd())
	b.number()
	return b.part(fmt.Sprintf("a %d-kbit serial %s with I2C", 1<<r.Between(0, 10), generated.Pick(r, "EEPROM", "FRAM", "SRAM with clock")))
}

func parallelMemories(r *generated.Rand) part {
	b := newBuilder(r)
	address, data := r.Between(6, 17), generated.Pick(r, 4, 8, 8)
	for _, name := range series(generated.Pick(r, "A", "A", "ADDR"), 0, address) {
		b.in(name, "address")
	}
	prefix := generated.Pick(r, "D", "DQ", "I/O")
	for _, name := range series(prefix, r.IntN(2), data) {
		if r := b.r; data == 4 && r.IntN(10) == 0 {
			b.tri(name, "data")
		} else {
			b.io(name, "data")
		}
	}
	b.in(b.low(generated.Pick(r, "CE", "CS", "E")), "chip enable")
	b.in(b.low(generated.Pick(r, "OE", "G")), "output enable")
	b.in(b.low(generated.Pick(r, "WE", "W")), "write enable")
	b.supply(b.vcc())
	b.ground(b.gnd())
	b.number()
	return b.part(fmt.Sprintf("a %s of %d words by %d bits", generated.Pick(r, "static RAM", "flash", "FRAM"), 1<<address, data))
}

func sensors(r *generated.Rand) part {
	b := newBuilder(r)
	switch r.IntN(3) {
	case 0:
		b.in("SCL", "clock")
		b.io("SDA", "data")
		b.in(generated.Pick(r, "ADDR", "A0", "ADD0", "SA0"), "address")
		b.openDrain(generated.Pick(r, "ALERT", b.low("INT"), "DRDY", "OS"), "interrupt")
	case 1:
		b.in(b.low("CS"), "chip select")
		b.in(generated.Pick(r, "SCLK", "SPC", "SCK"), "clock")
		b.in(generated.Pick(r, "SDI", "MOSI"), "serial data")
		b.tri(generated.Pick(r, "SDO", "MISO"), "serial data")
		for _, name := range series("INT", 1, r.Between(1, 2)) {
			b.out(name, "interrupt")
		}
	default:
		b.out(generated.Pick(r, "OUT", "VOUT", "AOUT"), "analog")
		b.in(b.low(generated.Pick(r, "SHDN", "SLEEP", "ST")), "control")
		b.passive(generated.Pick(r, "FILT", "CF", "OFS"), "filter", b.outputs())
		if r.Bool() {
			b.in(generated.Pick(r, "GAIN", "RNG", "BW"), "control")
		}
	}
	b.supply(b.vcc())
	if r.Bool() {
		b.supply(generated.Pick(r, "VDDIO", "VIO"))
	}
	for range generated.Pick(r, 1, 1, 2) {
		b.ground("GND")
	}
	b.number()
	return b.part(fmt.Sprintf("a %s sensor", generated.Pick(r, "temperature", "pressure", "humidity", "acceleration", "magnetic field", "light", "current")))
}

func adcs(r *generated.Rand) part {
	b := newBuilder(r)
	n := generated.Pick(r, 1, 2, 4, 8)
	if differential := r.IntN(3) == 0 && n < 8; differential {
		for i := range n {
			b.in(fmt.Sprintf("AIN%dP", i), "analog")
			b.in(fmt.Sprintf("AIN%dN", i), "analog")
		}
	} else {
		for _, name := range series(generated.Pick(r, "AIN", "CH", "IN"), r.IntN(2), n) {
			b.in(name, "analog")
		}
	}
	b.in(generated.Pick(r, "REFP", "VREF", "REF+"), "reference")
	if r.Bool() {
		b.in(generated.Pick(r, "REFN", "REF-"), "reference")
	}
	b.in(generated.Pick(r, "SCLK", "CLK", "SCK"), "clock").side = b.outputs()
	b.in(b.low(generated.Pick(r, "CS", "CONVST", "SYNC")), "control").side = b.outputs()
	if r.Bool() {
		b.in(generated.Pick(r, "DIN", "SDI"), "serial data").side = b.outputs()
	}
	b.tri(generated.Pick(r, "DOUT", "SDO", "MISO"), "serial data")
	if r.Bool() {
		b.out(b.low(generated.Pick(r, "DRDY", "EOC", "BUSY")), "status")
	}
	for _, s := range generated.Pick(r, []string{"AVDD", "DVDD"}, []string{"VDD"}, []string{"VA", "VD"}) {
		b.supply(s)
	}
	for _, g := range generated.Pick(r, []string{"AGND", "DGND"}, []string{"GND"}) {
		b.ground(g)
	}
	b.number()
	return b.part(fmt.Sprintf("a %d-bit analog-to-digital converter", generated.Pick(r, 8, 10, 12, 16, 24)))
}

func dacs(r *generated.Rand) part {
	b := newBuilder(r)
	n := generated.Pick(r, 1, 2, 4)
	if parallel := r.IntN(3) == 0; parallel {
		for _, name := range series(generated.Pick(r, "DB", "D", "B"), 0, generated.Pick(r, 8, 10, 12)) {
			b.in(name, "data")
		}
		b.in(b.low("WR"), "write")
	} else {
		b.in(generated.Pick(r, "SCLK", "SCK"), "clock")
		b.in(generated.Pick(r, "SDIN", "DIN", "SDI"), "serial data")
		b.in(b.low(generated.Pick(r, "SYNC", "CS")), "chip select")
	}
	if r.Bool() {
		b.in(b.low("LDAC"), "load")
	}
	if r.Bool() {
		b.in(b.low(generated.Pick(r, "CLR", "RESET")), "clear")
	}
	b.in(generated.Pick(r, "VREF", "REFIN", "REF"), "reference")
	output := generated.Pick(r, "VOUT", "OUT", "IOUT")
	for i := range n {
		b.out(output+string(rune('A'+i)), "analog")
	}
	b.supply(b.vcc())
	b.ground(b.gnd())
	b.number()
	return b.part(fmt.Sprintf("a %s %d-bit digital-to-analog converter", counts[n], generated.Pick(r, 8, 10, 12, 16)))
}

func microcontrollers(r *generated.Rand) part {
	b := newBuilder(r)
	prefix := generated.Pick(r, "P", "P", "R", "GPIO_")
	for i := range r.Between(1, 3) {
		port := string(rune('A' + i))
		for _, name := range series(prefix+port, 0, r.Between(4, 8)) {
			b.io(name, "").side = map[int]string{0: left, 1: right, 2: right}[i]
		}
	}
	b.in(b.low(generated.Pick(r, "RESET", "RST", "MCLR")), "reset")
	if r.Bool() {
		b.in(generated.Pick(r, "XIN", "OSC1", "XTAL1"), "oscillator")
		b.out(generated.Pick(r, "XOUT", "OSC2", "XTAL2"), "oscillator").side = b.inputs()
	}
	if r.Bool() {
		b.io(generated.Pick(r, "SWDIO", "TMS", "UPDI"), "debug")
		b.in(generated.Pick(r, "SWCLK", "TCK"), "debug clock")
	}
	if r.Bool() {
		b.in(generated.Pick(r, "BOOT0", "BOOT", "TEST"), "boot")
	}
	supplies := r.Between(1, 2)
	for range supplies {
		b.supply("VDD")
		b.ground("VSS")
	}
	if r.Bool() {
		b.supply(generated.Pick(r, "VDDA", "AVCC", "VREF"))
	}
	if r.IntN(3) == 0 {
		b.passive(generated.Pick(r, "VCAP", "VCORE"), "capacitor", b.outputs())
	}
	b.number()
	if r.IntN(4) == 0 {
		b.pad()
	}
	return b.part(fmt.Sprintf("a %d-bit microcontroller", generated.Pick(r, 8, 16, 32)))
}

// signals are what connectors carry.
var signals = []string{
	"TX", "RX", "RTS", "CTS", "SDA", "SCL", "MISO", "MOSI", "SCK", "CS0", "CS1", "IRQ", "RST", "D+", "D-", "ID", "CANH", "CANL", "A", "B",
	"Z", "Y", "PWM1", "PWM2", "ENC_A", "ENC_B", "IDX", "LED", "KEY1", "KEY2", "SPK+", "SPK-", "MIC", "VIDEO", "HSYNC", "VSYNC", "AUX1", "AUX2",
	"SENSE+", "SENSE-", "TEMP", "FAN", "TACH", "ALARM", "DOOR", "PHASE_U", "PHASE_V", "PHASE_W",
}

func connectors(r *generated.Rand) part {
	b := newBuilder(r)
	n := generated.Pick(r, 4, 5, 6, 8, 9, 10, 12, 14, 16, 20)
	names := append([]string(nil), signals...)
	generated.Shuffle(r, names)
	names = names[:n-2]
	names = append(names, generated.Pick(r, "GND", "0V"), generated.Pick(r, "+5V", "+12V", "+24V", "VBUS"))
	two := r.Bool()
	for i, name := range names {
		side := generated.Pick(r, left, left, right)
		if two {
			side = [...]string{left, right}[i%2]
		}
		b.passive(name, "contact", side)
	}
	numbers := series("", 1, n)
	if n%2 == 0 && r.IntN(3) == 0 {
		numbers = append(series("A", 1, n/2), series("B", 1, n/2)...)
	}
	b.assign(numbers)
	if r.Bool() {
		b.passive(generated.Pick(r, "SHIELD", "SHELL", "MP"), "shell", bottom).number = generated.Pick(r, "SH", "S1", "MP", "G")
	}
	p := b.part(fmt.Sprintf("a %d-way connector", n))
	p.prefix = generated.Pick(r, "J", "J", "P", "X", "CN")
	return p
}

func oscillators(r *generated.Rand) part {
	b := newBuilder(r)
	switch r.IntN(3) {
	case 0:
		b.passive(generated.Pick(r, "X1", "XI", "1", "XA"), "crystal", b.inputs())
		b.passive(generated.Pick(r, "X2", "XO", "2", "XB"), "crystal", b.outputs())
		for _, name := range generated.Pick(r, []string{"GND", "GND"}, []string{"CASE", "CASE"}, []string{"GND", "NC1"}, []string{"LID", "GND", "GND", "LID"}) {
			b.passive(name, "case", bottom)
		}
		b.assign(series("", 1, len(b.pins)))
		p := b.part("a crystal in a case with more than two pads")
		p.prefix = generated.Pick(r, "Y", "X", "XT")
		return p
	case 1:
		b.in(generated.Pick(r, "OE", "EN", b.low("ST"), "E/D"), "enable")
		b.tri(generated.Pick(r, "OUT", "CLK", "FOUT"), "clock")
		if r.Bool() {
			b.in(generated.Pick(r, "VC", "VCON", "TUNE"), "tuning")
		}
		if r.Bool() {
			b.tri(generated.Pick(r, "OUTN", b.low("OUT"), "CLKN"), "clock")
		}
	default:
		b.in(generated.Pick(r, "XIN", "REFIN", "CLKIN"), "reference")
		b.out(generated.Pick(r, "XOUT", "REFOUT"), "oscillator").side = b.inputs()
		for _, name := range series(generated.Pick(r, "CLK", "FOUT", "Q"), 0, r.Between(2, 6)) {
			b.out(name, "clock")
		}
		b.in("SCL", "clock")
		b.io("SDA", "data")
	}
	b.supply(b.vcc())
	b.ground(b.gnd())
	b.number()
	p := b.part("a clock oscillator")
	if r.Bool() {
		p.prefix = generated.Pick(r, "X", "Y", "OSC")
	}
	return p
}

func levelShifters(r *generated.Rand) part {
	b := newBuilder(r)
	n := generated.Pick(r, 1, 2, 4, 8)
	auto := r.Bool()
	first := r.IntN(2)
	for _, name := range series("A", first, n) {
		p := b.io(name, "port A")
		p.side = left
	}
	for _, name := range series(generated.Pick(r, "B", "Y"), first, n) {
		b.io(name, "port B").side = right
	}
	if auto {
		b.in(b.low("OE"), "output enable")
	} else {
		for i := range generated.Pick(r, 1, min(2, n)) {
			b.in(fmt.Sprint("DIR", i+1), "direction")
		}
		if r.Bool() {
			b.in(b.low(generated.Pick(r, "OE", "G")), "output enable")
		}
	}
	b.supply(generated.Pick(r, "VCCA", "VL", "VA"))
	b.supply(generated.Pick(r, "VCCB", "VH", "VB"))
	for range generated.Pick(r, 1, 1, 2) {
		b.ground("GND")
	}
	b.number()
	return b.part(fmt.Sprintf("a level shifter of %s", plural(n, "channel")))
}

func drivers(r *generated.Rand) part {
	b := newBuilder(r)
	switch r.IntN(3) {
	case 0:
		n := generated.Pick(r, 2, 4, 7, 8)
		for _, name := range series("IN", 1, n) {
			b.in(name, "")
		}
		emitter := r.IntN(4) == 0
		for _, name := range series(generated.Pick(r, "OUT", "O"), 1, n) {
			if emitter {
				b.openEmitter(name, "")
			} else {
				b.openDrain(name, "")
			}
		}
		if r.Bool() {
			b.passive(generated.Pick(r, "COM", "CLAMP", "K"), "diode", b.outputs())
		}
	case 1:
		for i, name := range []string{"A", "B"}[:r.Between(1, 2)] {
			b.in(fmt.Sprint(generated.Pick(r, "IN", "PWM"), name), "")
			b.in(fmt.Sprint(generated.Pick(r, "PH", "DIR", "EN"), name), "")
			b.out(fmt.Sprintf("OUT%s1", name), "bridge")
			b.out(fmt.Sprintf("OUT%s2", name), "bridge")
			if i == 0 || r.Bool() {
				b.passive("ISEN"+name, "sense", b.outputs())
			}
		}
		b.in(b.low("SLEEP"), "sleep")
		b.openDrain(b.low("FAULT"), "fault")
		b.supply("VM")
	default:
		b.in(generated.Pick(r, "HIN", "INH"), "")
		b.in(generated.Pick(r, "LIN", "INL"), "")
		b.passive(generated.Pick(r, "VB", "HB", "BST"), "bootstrap", b.outputs())
		b.out(generated.Pick(r, "HO", "HG"), "gate")
		b.passive(generated.Pick(r, "HS", "VSW"), "floating", b.outputs())
		b.out(generated.Pick(r, "LO", "LG"), "gate")
		if r.Bool() {
			b.in(generated.Pick(r, "DT", "SD", "EN"), "control")
		}
	}
	b.supply(b.vcc())
	b.ground(generated.Pick(r, "GND", "PGND", "VSS"))
	b.number()
	if r.Bool() {
		b.pad()
	}
	return b.part(generated.Pick(r, "a driver", "a motor driver", "a power driver", "a load driver"))
}

func powerSwitches(r *generated.Rand) part {
	b := newBuilder(r)
	n := generated.Pick(r, 1, 1, 2)
	for range generated.Pick(r, 1, 2, 3) {
		b.add(generated.Pick(r, "VIN", "VIN", "IN"), "power_in", "supply", b.inputs())
	}
	for u := 1; u <= n; u++ {
		suffix := ""
		if n > 1 {
			suffix = fmt.Sprint(u)
		}
		b.in(generated.Pick(r, "EN", "ON", b.low("EN"))+suffix, "enable")
		for range generated.Pick(r, 1, 1, 2) {
			b.supplyOut(generated.Pick(r, "VOUT", "OUT", "OUT")+suffix, "switched")
		}
		if r.Bool() {
			b.openDrain(b.low(generated.Pick(r, "FLT", "OC", "FAULT")+suffix), "fault")
		}
	}
	if r.Bool() {
		b.passive(generated.Pick(r, "ILIM", "RSET", "CT"), "setting", b.inputs())
	}
	if r.IntN(3) == 0 {
		b.supply(generated.Pick(r, "VBIAS", "VCC"))
	}
	b.ground("GND")
	b.number()
	if r.IntN(3) > 0 {
		b.pad()
	}
	return b.part(fmt.Sprintf("a %s load switch", counts[n]))
}

func plural(n int, noun string) string {
	if n == 1 {
		return "one " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// relays and transformers are parts of units that may be drawn apart.
func relays(r *generated.Rand) part {
	b := newBuilder(r)
	if r.Bool() {
		contacts := r.Between(1, 4)
		names := []string{"coil"}
		plus := generated.Pick(r, [2]string{"A1", "A2"}, [2]string{"COIL+", "COIL-"}, [2]string{"K+", "K-"})
		b.passive(plus[0], "coil", generated.Pick(r, top, left))
		b.passive(plus[1], "coil", generated.Pick(r, bottom, right))
		for i := 1; i <= contacts; i++ {
			b.unit = i + 1
			names = append(names, fmt.Sprintf("contact %d", i))
			b.passive(fmt.Sprint("COM", i), "contact", generated.Pick(r, bottom, left))
			if kind := r.IntN(3); kind != 0 {
				b.passive(fmt.Sprint("NO", i), "contact", generated.Pick(r, top, right))
			}
			b.passive(fmt.Sprint("NC", i), "contact", generated.Pick(r, top, right))
		}
		numbers := series("", 1, len(b.pins))
		if r.Bool() {
			numbers = series("", 11, len(b.pins))
		}
		b.assign(numbers)
		p := b.part("a relay with "+plural(contacts, "contact"), names...)
		p.prefix = generated.Pick(r, "K", "RLY", "REL")
		return p
	}
	windings := r.Between(2, 4)
	var names []string
	for i := 1; i <= windings; i++ {
		b.unit = i
		names = append(names, fmt.Sprintf("winding %d", i))
		side := generated.Pick(r, left, right)
		letter := string(rune('A' + i - 1))
		b.passive(letter+"1", "winding", side)
		if r.IntN(3) == 0 {
			b.passive(letter+"CT", "centre tap", side)
		}
		b.passive(letter+"2", "winding", side)
	}
	b.assign(series("", 1, len(b.pins)))
	p := b.part(fmt.Sprintf("a transformer with %d windings", windings), names...)
	p.prefix = generated.Pick(r, "T", "TR", "L")
	return p
}
