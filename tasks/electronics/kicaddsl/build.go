package kicaddsl

import (
	"fmt"
	"slices"
	"strings"

	"github.com/ailiance/lorabench/tasks/generated"
)

// builder collects the pins of a part.
type builder struct {
	r     *generated.Rand
	pins  []pin
	unit  int
	bars  int // how names of active-low pins are written
	sides [4]string
}

// newBuilder chooses what is the same in all of a part: how active-low names are
// written, and where inputs, outputs, supplies and grounds stand.
func newBuilder(r *generated.Rand) *builder {
	b := &builder{r: r, unit: 1, bars: r.IntN(5)}
	b.sides = [4]string{left, right, top, bottom}
	switch r.IntN(6) {
	case 0: // supplies beside the signals
		b.sides = [4]string{left, right, left, left}
	case 1:
		b.sides = [4]string{left, right, right, right}
	case 2:
		b.sides = [4]string{right, left, top, bottom}
	}
	return b
}

func (b *builder) inputs() string   { return b.sides[0] }
func (b *builder) outputs() string  { return b.sides[1] }
func (b *builder) supplies() string { return b.sides[2] }
func (b *builder) grounds() string  { return b.sides[3] }

// low is the name of a pin that is active when low.
func (b *builder) low(name string) string {
	return [...]string{"~{" + name + "}", "~{" + name + "}", "n" + name, name + "_N", "/" + name}[b.bars]
}

func (b *builder) add(name, kind, role, side string) *pin {
	b.pins = append(b.pins, pin{name: name, kind: kind, role: role, side: side, unit: b.unit})
	return &b.pins[len(b.pins)-1]
}

// The terminals of a part. what says what a pin is for, or is "".
func (b *builder) in(name, what string) *pin {
	return b.add(name, "input", words(what, "input"), b.inputs())
}

func (b *builder) out(name, what string) *pin {
	return b.add(name, "output", words(what, "output"), b.outputs())
}

func (b *builder) tri(name, what string) *pin {
	return b.add(name, "tri_state", words("three-state", what, "output"), b.outputs())
}

func (b *builder) io(name, what string) *pin {
	return b.add(name, "bidirectional", words(what, "I/O"), b.outputs())
}

func (b *builder) openDrain(name, what string) *pin {
	return b.add(name, "open_collector", words("open-drain", what, "output"), b.outputs())
}

func (b *builder) openEmitter(name, what string) *pin {
	return b.add(name, "open_emitter", words("open-emitter", what, "output"), b.outputs())
}

func (b *builder) passive(name, what, side string) *pin {
	return b.add(name, "passive", words(what, "terminal"), side)
}

func (b *builder) supply(name string) *pin {
	return b.add(name, "power_in", "supply", b.supplies())
}

func (b *builder) ground(name string) *pin {
	return b.add(name, "power_in", "ground", b.grounds())
}

func (b *builder) supplyOut(name, what string) *pin {
	return b.add(name, "power_out", words(what, "supply output"), b.outputs())
}

func words(parts ...string) string {
	s := ""
	for _, p := range parts {
		if p != "" && s != "" {
			s += " "
		}
		s += p
	}
	return s
}

func (b *builder) vcc() string {
	return generated.Pick(b.r, "VCC", "VDD", "V+", "VS", "VSUP", "VDDA", "VCCA")
}

func (b *builder) gnd() string {
	return generated.Pick(b.r, "GND", "VSS", "GND", "AGND", "V-", "COM")
}

// series are names with running numbers: D0, D1, …
func series(prefix string, first, n int) []string {
	names := make([]string, n)
	for i := range names {
		names[i] = fmt.Sprint(prefix, first+i)
	}
	return names
}

// number gives each pin a number by lot, of a package that may be larger: what
// is left over is not connected.
func (b *builder) number() {
	size := len(b.pins)
	for _, standard := range []int{3, 5, 6, 8, 10, 14, 16, 18, 20, 24, 28, 32, 36, 40, 44, 48} {
		if standard >= size && standard <= size+3 {
			size = standard
			break
		}
	}
	for n := len(b.pins); n < size; n++ {
		b.pins = append(b.pins, pin{name: "NC", kind: "no_connect", role: "not connected inside", side: generated.Pick(b.r, left, right), unit: b.unit})
	}
	numbers := series("", 1, size)
	if size > 8 && b.r.IntN(8) == 0 {
		numbers = balls(size)
	}
	b.assign(numbers)
}

// balls are the numbers of a grid array.
func balls(n int) []string {
	columns := 3
	for columns*columns < n {
		columns++
	}
	var numbers []string
	for i := range n {
		numbers = append(numbers, fmt.Sprintf("%c%d", "ABCDEFGHJK"[i/columns], i%columns+1))
	}
	return numbers
}

func (b *builder) assign(numbers []string) {
	numbers = slices.Clone(numbers)
	generated.Shuffle(b.r, numbers)
	for i := range b.pins {
		b.pins[i].number = numbers[i]
	}
}

// pad adds the metal under a package.
func (b *builder) pad() {
	number := generated.Pick(b.r, "EP", "PAD", fmt.Sprint(len(b.pins)+1))
	name := generated.Pick(b.r, "EP", "PAD", "EPAD", "GND")
	if name == "GND" || b.r.Bool() {
		b.ground(name).number = number
	} else {
		b.passive(name, "thermal", b.grounds()).number = number
	}
}

// units names the units of a part.
func units(name string, n int) []string {
	out := make([]string, n)
	for i := range out {
		out[i] = fmt.Sprintf("%s %d", name, i+1)
	}
	return out
}

var counts = map[int]string{1: "single", 2: "dual", 3: "triple", 4: "quad", 6: "hex", 8: "octal"}

func (b *builder) part(what string, units ...string) part {
	if len(units) == 0 {
		units = []string{""}
	}
	if rest, ok := strings.CutPrefix(what, "a "); ok && strings.ContainsAny(rest[:1], "aeio8") {
		what = "an " + rest
	}
	prefix := "U"
	if b.r.IntN(5) == 0 {
		prefix = generated.Pick(b.r, "IC", "U", "N", "DD")
	}
	return part{what: what, prefix: prefix, units: units, pins: b.pins}
}
