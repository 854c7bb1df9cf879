package spicesim

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/ailiance/lorabench/tasks/generated"
)

// question is a question about an active circuit in the making: what the prompt
// says and what the scorer measures are written side by side, so that nothing is
// measured that was not asked for.
type question struct {
	family  string
	opening []string // phrasings of what to design
	ports   []port
	notes   []string // what else an answer must know
	needs   []need

	parts   string   // element letters
	library []string // devices by name
	models  []string // kinds of own .model cards
	require map[string]int
	limit   map[string]int
	values  map[string][2]float64
	runs    []Run

	deck    deck
	mutants []generated.Mutant
	key     string // the numbers that were asked for
}

// port is a node between the answer and the bench.
type port struct {
	name, text string
	optional   bool // an answer may leave it out
}

// need is a property, and how the prompt says it.
type need struct {
	text     string
	property Property
}

func (q *question) port(name, format string, args ...any) {
	q.ports = append(q.ports, port{name, fmt.Sprintf(format, args...), false})
}

// mayUse adds a port that an answer may leave out.
func (q *question) mayUse(name, format string, args ...any) {
	q.ports = append(q.ports, port{name, fmt.Sprintf(format, args...) + ", may be left unused", true})
}

func (q *question) note(format string, args ...any) {
	q.notes = append(q.notes, fmt.Sprintf(format, args...))
}

func (q *question) run(name string, circuit []string, analyses ...string) {
	q.runs = append(q.runs, Run{Name: name, Circuit: circuit, Analyses: analyses})
}

// need adds a property with its name; the text is what the prompt says.
func (q *question) need(name string, p Property, format string, args ...any) {
	p.Name = name
	q.needs = append(q.needs, need{fmt.Sprintf(format, args...), p})
}

// wrong adds a mutant. With some numbers a change changes nothing (a ratio of
// turns of one, squared): that is none.
func (q *question) wrong(name string, d deck) {
	text := fenced(d.String())
	if text == fenced(q.deck.String()) {
		return
	}
	q.mutants = append(q.mutants, generated.Mutant{Name: name, Text: text})
}

// row writes the question down. It takes its phrasing from r, after all numbers.
func (q *question) row(r *generated.Rand, i int) (generated.Row, string) {
	t := Target{
		Bench: 2, Parts: q.parts, Library: q.library, Models: q.models, Require: q.require, Limit: q.limit,
		Values: q.values, Runs: q.runs,
	}
	for _, p := range q.ports {
		if p.optional {
			t.Optional = append(t.Optional, p.name)
		} else {
			t.Ports = append(t.Ports, p.name)
		}
	}
	for _, n := range q.needs {
		t.Properties = append(t.Properties, n.property)
	}
	return generated.Row{
		ID: fmt.Sprintf("%s-%04d", q.family, i), Family: q.family,
		Prompt: q.prompt(r), Reference: fenced(q.deck.String()), Target: t.JSON(), Mutants: q.mutants,
	}, q.family + " " + q.key
}

// prompt says the question in one of several forms.
func (q *question) prompt(r *generated.Rand) string {
	var b strings.Builder
	opening := strings.NewReplacer("A N", "An N", " a N", " an N").Replace(generated.Pick(r, q.opening...)) // NMOS, NPN, NAND
	form := generated.Pick(r,
		"Answer with one SPICE netlist in a single ```spice code block. It holds the circuit between the ports and nothing else: the test bench adds supplies, input sources, loads and analyses.",
		"Give the circuit as a SPICE deck in one fenced ```spice block. Write neither supplies nor signal sources nor analyses: the bench connects its own to the ports.",
		"Write the netlist (SPICE syntax, one ```spice block). Only the circuit itself: sources, supplies, loads and analysis commands are ours.",
		"Your answer is one ```spice block with the element lines of the circuit. It will be simulated inside our test bench, which brings the supplies, the sources, the loads and the analyses.",
	)
	form += " " + rules
	switch r.IntN(4) {
	case 0:
		b.WriteString(opening + "\n\nPorts (node names; ground is 0):\n")
		for _, p := range q.ports {
			b.WriteString("- " + p.name + ": " + p.text + "\n")
		}
		b.WriteString("\nRequirements:\n")
		for i, n := range q.needs {
			fmt.Fprintf(&b, "%d. %s\n", i+1, n.text)
		}
		b.WriteString("\nParts: " + q.partsText() + "\n")
		for _, n := range q.notes {
			b.WriteString(n + "\n")
		}
		b.WriteString("\n" + form + "\n")
	case 1:
		b.WriteString(opening + " It is connected at the nodes ")
		for i, p := range q.ports {
			b.WriteString(separator(i, len(q.ports)) + p.name + " (" + p.text + ")")
		}
		b.WriteString("; ground is node 0.\n\nWhat is measured, and what must come out: ")
		for i, n := range q.needs {
			if i > 0 {
				b.WriteString("; ")
			}
			fmt.Fprintf(&b, "(%c) %s", 'a'+i, n.text)
		}
		b.WriteString(".\n\n")
		for _, n := range q.notes {
			b.WriteString(n + " ")
		}
		b.WriteString("You may use " + q.partsText() + "\n\n" + form + "\n")
	case 2:
		b.WriteString(form + "\n\nTask: " + opening + "\n\nSpecification:\n")
		for _, n := range q.needs {
			b.WriteString("* " + n.text + "\n")
		}
		b.WriteString("\nNodes that the bench uses:\n")
		for _, p := range q.ports {
			b.WriteString("* " + p.name + " - " + p.text + "\n")
		}
		b.WriteString("* 0 - ground\n\nAvailable parts: " + q.partsText() + "\n")
		for _, n := range q.notes {
			b.WriteString(n + "\n")
		}
	default:
		b.WriteString(opening + "\nAllowed parts are " + q.partsText() + "\n")
		for _, n := range q.notes {
			b.WriteString(n + "\n")
		}
		b.WriteString("\nThe bench is connected to ")
		for i, p := range q.ports {
			b.WriteString(separator(i, len(q.ports)) + "`" + p.name + "`, " + p.text)
		}
		b.WriteString("; `0` is ground.\n\nThe circuit passes if all of this holds:\n")
		for _, n := range q.needs {
			b.WriteString("- " + n.text + "\n")
		}
		b.WriteString("\n" + form + "\n")
	}
	return b.String()
}

func separator(i, n int) string {
	switch {
	case i == 0:
		return ""
	case i == n-1:
		return " and "
	}
	return "; "
}

// partsText says what an answer may be made of.
func (q *question) partsText() string {
	var list []string
	for _, l := range q.parts {
		switch l {
		case 'R':
			list = append(list, "resistors"+q.rangeText("R", "Ω"))
		case 'C':
			list = append(list, "capacitors"+q.rangeText("C", "F"))
		case 'L':
			list = append(list, "inductors"+q.rangeText("L", "H"))
		case 'K':
			list = append(list, "couplings of two inductors `K… L… L… k` (0 < k ≤ 1)")
		case 'V':
			list = append(list, "DC voltage sources")
		}
	}
	for _, l := range q.library {
		list = append(list, libraryTexts[l])
	}
	for _, m := range q.models {
		list = append(list, modelTexts[m])
	}
	return strings.Join(list, "; ") + "."
}

// rangeText says which values a part may have.
func (q *question) rangeText(key, unit string) string {
	if v, ok := q.values[key]; ok {
		return fmt.Sprintf(" (%s to %s)", si(v[0], unit), si(v[1], unit))
	}
	return ""
}

// rules are the same for every question.
const rules = "Every node needs a path for direct current to node 0. Values are plain numbers with SPICE's suffixes (k, meg, m, u, n, p)."

// libraryTexts say what a device of the library is.
var libraryTexts = map[string]string{
	"nch":    "NMOS transistors `M… drain gate source bulk nch W=… L=…` (level 1, VTO 0.7 V, KP 100 µA/V², LAMBDA 0.02 1/V for every length, no body effect, no capacitances; W 0.5 µm to 10 mm, L 0.2 µm to 50 µm)",
	"pch":    "PMOS transistors `M… drain gate source bulk pch W=… L=…` (level 1, VTO −0.7 V, KP 40 µA/V², LAMBDA 0.02 1/V for every length, no body effect, no capacitances; W 0.5 µm to 10 mm, L 0.2 µm to 50 µm)",
	"qn":     "NPN transistors `Q… collector base emitter qn` (IS 1e-15 A, BF 200, VAF 100 V, no capacitances)",
	"qp":     "PNP transistors `Q… collector base emitter qp` (IS 1e-15 A, BF 200, VAF 100 V, no capacitances)",
	"jn":     "N-channel JFETs `J… drain gate source jn` (VTO −2 V, BETA 1 mA/V², so IDSS 4 mA; LAMBDA 0.01 1/V)",
	"d1":     "silicon diodes `D… anode cathode d1` (IS 1e-14 A, N 1, RS 0.5 Ω)",
	"ds":     "Schottky diodes `D… anode cathode ds` (IS 1e-7 A, N 1.05, RS 0.2 Ω)",
	"opamp":  "op-amps `X… plus minus out opamp` (gain 1e5, gain-bandwidth product 1 MHz, 10 MΩ between the inputs, output 0 Ω, no supply pins and no output limits)",
	"opamp5": "op-amps `X… plus minus vcc vee out opamp5` (gain 1e5, gain-bandwidth product 10 MHz, output 50 Ω and limited to within 50 mV of its two supply pins, slew rate 20 V/µs)",
	"comp":   "comparators `X… plus minus vcc vee out comp` (output at the vcc or the vee pin, gain 1e5, time constant 20 ns)",
	"sw":     "switches `X… a b ctrl sw` (10 Ω between a and b while v(ctrl) > 2.5 V, else 1 GΩ)",
	"inv":    "inverters `X… a y inv` (0/5 V logic, threshold 2.5 V, 100 Ω output, about 10 ns)",
	"nand2":  "NAND gates `X… a b y nand2` (0/5 V logic, likewise)",
	"and2":   "AND gates `X… a b y and2` (0/5 V logic, threshold 2.5 V, 100 Ω output, about 10 ns)",
	"xor2":   "XOR gates `X… a b y xor2` (0/5 V logic, threshold 2.5 V, 100 Ω output, about 10 ns)",
	"dff":    "D flip-flops `X… d clk rst q qn dff` (0/5 V logic, rising clock edge, reset while rst is high)",
	"vco":    "a voltage-controlled oscillator `X… ctrl out vco F0=… K=…` (0/5 V square wave of F0 + K·v(ctrl) Hz; F0 100 to 1meg, K 1 to 1meg; its control input draws nothing)",
}

// modelTexts say which model cards an answer may bring.
var modelTexts = map[string]string{
	"d": "diodes with .model cards of your own (`.model NAME D(BV=… IBV=… …)` makes a Zener diode)",
}

// deck is a circuit, line by line.
type deck struct {
	title string
	lines []string
}

func (d *deck) add(format string, args ...any) {
	d.lines = append(d.lines, fmt.Sprintf(format, args...))
}

func (d deck) String() string {
	return "* " + d.title + "\n" + strings.Join(d.lines, "\n") + "\n.end\n"
}

// at returns where the element called name stands.
func (d deck) at(name string) int {
	for i, l := range d.lines {
		if strings.HasPrefix(l, name+" ") {
			return i
		}
	}
	panic("spicesim: " + d.title + ": no element " + name)
}

// without returns d without the elements called so.
func (d deck) without(names ...string) deck {
	out := deck{title: d.title, lines: append([]string(nil), d.lines...)}
	for _, n := range names {
		i := out.at(n)
		out.lines = append(out.lines[:i], out.lines[i+1:]...)
	}
	return out
}

// with returns d with the element called name written anew.
func (d deck) with(name, format string, args ...any) deck {
	out := deck{title: d.title, lines: append([]string(nil), d.lines...)}
	out.lines[out.at(name)] = name + " " + fmt.Sprintf(format, args...)
	return out
}

// withLine returns d with a further element.
func (d deck) withLine(format string, args ...any) deck {
	out := deck{title: d.title, lines: append([]string(nil), d.lines...)}
	out.add(format, args...)
	return out
}

// line returns d with another element in the place of name.
func (d deck) line(name, format string, args ...any) deck {
	out := deck{title: d.title, lines: append([]string(nil), d.lines...)}
	out.lines[out.at(name)] = fmt.Sprintf(format, args...)
	return out
}

// scaled returns d with the value of R, C or L name times factor.
func (d deck) scaled(name string, factor float64) deck {
	f := strings.Fields(d.lines[d.at(name)])
	v, err := parseNum(f[3])
	if err != nil {
		panic("spicesim: " + d.title + ": " + err.Error())
	}
	return d.with(name, "%s %s %s", f[1], f[2], num(v*factor))
}

// swapped returns d with words a and b (from 1) of the element exchanged: two
// pins, or two models.
func (d deck) swapped(name string, a, b int) deck {
	f := strings.Fields(d.lines[d.at(name)])
	f[a], f[b] = f[b], f[a]
	return d.with(name, "%s", strings.Join(f[1:], " "))
}

// word returns d with word n (from 1) of the element replaced.
func (d deck) word(name string, n int, by string) deck {
	f := strings.Fields(d.lines[d.at(name)])
	f[n] = by
	return d.with(name, "%s", strings.Join(f[1:], " "))
}

// size returns d with the width of the MOS transistor times factor.
func (d deck) size(name string, factor float64) deck {
	f := strings.Fields(d.lines[d.at(name)])
	for i, w := range f {
		if v, ok := strings.CutPrefix(w, "W="); ok {
			width, err := parseNum(v)
			if err != nil {
				panic("spicesim: " + d.title + ": " + err.Error())
			}
			f[i] = "W=" + num(width*factor)
		}
	}
	return d.with(name, "%s", strings.Join(f[1:], " "))
}

// sizes returns width and length of a ratio: "W=10u L=1u".
func sizes(ratio float64) string {
	switch {
	case ratio > 2000:
		return "W=" + num(ratio*0.5e-6) + " L=0.5u"
	case ratio >= 1:
		return "W=" + num(ratio*1e-6) + " L=1u"
	}
	return "W=1u L=" + num(1e-6/ratio)
}

func fenced(text string) string { return "```spice\n" + text + "```\n" }

var suffixes = []struct {
	exponent int
	spice    string
	prefix   string
}{{-15, "f", "f"}, {-12, "p", "p"}, {-9, "n", "n"}, {-6, "u", "µ"}, {-3, "m", "m"}, {0, "", ""}, {3, "k", "k"}, {6, "meg", "M"}, {9, "g", "G"}}

// engineering splits v into a number of at most digits digits and the power of
// thousand that it counts.
func engineering(v float64, digits int) (string, int) {
	if v == 0 {
		return "0", 5
	}
	// The number is rounded before its power is chosen: 999.96 is 1.000 k.
	rounded, err := strconv.ParseFloat(strconv.FormatFloat(v, 'e', digits-1, 64), 64)
	if err != nil {
		panic(err)
	}
	k := 0
	for k+1 < len(suffixes) && math.Abs(rounded) >= math.Pow10(suffixes[k+1].exponent)*(1-1e-12) {
		k++
	}
	return strconv.FormatFloat(rounded/math.Pow10(suffixes[k].exponent), 'g', digits, 64), k
}

// num writes a value of a deck: 4 digits and a suffix, "4.7k".
func num(v float64) string {
	s, k := engineering(v, 4)
	return plain(s) + suffixes[k].spice
}

// si writes a value of a prompt: "4.7 kΩ".
func si(v float64, unit string) string {
	s, k := engineering(v, 4)
	return strings.Replace(plain(s), "-", "−", 1) + " " + suffixes[k].prefix + unit
}

// plain writes 1e+03 as 1000.
func plain(s string) string {
	if !strings.Contains(s, "e") {
		return s
	}
	v, err := strconv.ParseFloat(s, 64)
	if err != nil {
		panic(err)
	}
	return strconv.FormatFloat(v, 'f', -1, 64)
}

// parseNum reads what num wrote.
func parseNum(s string) (float64, error) {
	for _, x := range suffixes {
		if x.spice != "" && strings.HasSuffix(s, x.spice) && !(x.spice == "g" && strings.HasSuffix(s, "meg")) {
			v, err := strconv.ParseFloat(strings.TrimSuffix(s, x.spice), 64)
			return v * math.Pow10(x.exponent), err
		}
	}
	return strconv.ParseFloat(s, 64)
}

// nice returns a number between lo and hi, each ratio equally often, rounded to
// two digits.
func nice(r *generated.Rand, lo, hi float64) float64 {
	return digits(lo*math.Pow(hi/lo, r.Float()), 2)
}

// digits rounds v to n digits.
func digits(v float64, n int) float64 {
	v, err := strconv.ParseFloat(strconv.FormatFloat(v, 'e', n-1, 64), 64)
	if err != nil {
		panic(err)
	}
	return v
}

// step rounds v to a multiple of s.
func step(v, s float64) float64 { return digits(math.Round(v/s)*s, 6) }

// uniform returns a multiple of s in [lo, hi].
func uniform(r *generated.Rand, lo, hi, s float64) float64 {
	return digits(lo+s*float64(r.IntN(int(math.Round((hi-lo)/s))+1)), 6)
}

// percent writes a tolerance: "±12 %".
func percent(rel float64) string {
	return "±" + strconv.FormatFloat(digits(rel*100, 3), 'g', -1, 64) + " %"
}

// Measures of the bench.

func opValue(run, signal string) Measure {
	return Measure{Run: run, Analysis: "op", Kind: "value", Signal: signal}
}

func acAt(run, kind, signal string, hertz float64) Measure {
	return Measure{Run: run, Analysis: "ac", Kind: kind, Signal: signal, At: P(hertz)}
}

func acKind(run, kind, signal string) Measure {
	return Measure{Run: run, Analysis: "ac", Kind: kind, Signal: signal}
}

// acCorner is the −3 dB frequency on one side ("low", "high") of the gain at a
// frequency.
func acCorner(run, signal, edge string, reference float64) Measure {
	return Measure{Run: run, Analysis: "ac", Kind: "corner", Signal: signal, Edge: edge, Reference: P(reference)}
}

func dcAt(run, signal string, x float64) Measure {
	return Measure{Run: run, Analysis: "dc", Kind: "value", Signal: signal, At: P(x)}
}

func tranAt(run, signal string, seconds float64) Measure {
	return Measure{Run: run, Analysis: "tran", Kind: "value", Signal: signal, At: P(seconds)}
}

func tranIn(run, kind, signal string, from, to float64) Measure {
	return Measure{Run: run, Analysis: "tran", Kind: kind, Signal: signal, From: P(from), To: P(to)}
}

// Properties of one measure, and of the ratio of two.

func near(m Measure, target, rel float64) Property {
	return Property{Of: []Measure{m}, Target: P(target), Rel: rel}
}

func within(m Measure, target, abs float64) Property {
	return Property{Of: []Measure{m}, Target: P(target), Abs: abs}
}

func atLeast(m Measure, least float64) Property {
	return Property{Of: []Measure{m}, Min: P(least)}
}

func atMost(m Measure, most float64) Property {
	return Property{Of: []Measure{m}, Max: P(most)}
}

func between(m Measure, least, most float64) Property {
	return Property{Of: []Measure{m}, Min: P(least), Max: P(most)}
}

// ratio makes p a property of its measure over another.
func (p Property) over(m Measure) Property {
	p.Of = append(p.Of, m)
	p.Combine = "ratio"
	return p
}

// minus makes p a property of its measure less another.
func (p Property) minus(m Measure) Property {
	p.Of = append(p.Of, m)
	p.Combine = "difference"
	return p
}

// wordsOf returns the words of an element's line.
func wordsOf(d deck, name string) []string { return strings.Fields(d.lines[d.at(name)]) }
