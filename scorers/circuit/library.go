package circuit

import (
	"fmt"
	"strconv"
	"strings"
)

// device is one of the library: devices that a target may let a deck use by name.
// docs/scorers/spice_sim.md has the table.
type device struct {
	letter byte
	kind   string // of .model: "nmos"; "" of a subcircuit
	card   string // parameters of .model

	pins       []string
	body       string // of .subckt; {name} stands for a parameter
	paths      [][]string
	parameters []parameter
}

// parameter of a library subcircuit.
type parameter struct {
	name     string
	standard float64 // where it is not given
	least    float64
	most     float64
}

// gate is the body of a logic gate: level is its output between 0 and 1, of the
// inputs' levels {a} and {b}. Levels are 0 and 5 V with the threshold at 2.5 V. A
// time constant of 10 ns is inside; what the integration overshoots there is cut
// off, as at comp.
func gate(level string) string {
	level = strings.NewReplacer(
		"{a}", "(0.5+0.5*tanh(10*(v(a)-2.5)))",
		"{b}", "(0.5+0.5*tanh(10*(v(b)-2.5)))",
	).Replace(level)
	return "b1 x 0 v=1.2*(" + level + ")-0.1\nr1 x z 1k\nc1 z 0 10p\nb2 w 0 v=5*max(0,min(1,v(z)))\nr2 w y 100\n"
}

var (
	gate1 = []string{"a", "y"}
	gate2 = []string{"a", "b", "y"}
	gateP = [][]string{{"y", "0"}}
)

// latch is a node that follows in while the clock's level is open, and holds
// itself otherwise; rst pulls it to 0.
func latch(node, in, open string) string {
	h := func(n string) string { return "(0.5+0.5*tanh(10*(v(" + n + ")-2.5)))" }
	return "b" + node + " 0 " + node + " i=0.01*((1-" + h("rst") + ")*((" + open + ")*5*" + h(in) + "+(1-(" + open + "))*5*" + h(node) + ")-v(" + node + "))\n" +
		"c" + node + " " + node + " 0 50p\nr" + node + " " + node + " 0 1g\n"
}

// library is constant.
var library = map[string]device{
	"nch": {letter: 'M', kind: "nmos", card: "level=1 vto=0.7 kp=100u lambda=0.02"},
	"pch": {letter: 'M', kind: "pmos", card: "level=1 vto=-0.7 kp=40u lambda=0.02"},
	"qn":  {letter: 'Q', kind: "npn", card: "is=1e-15 bf=200 vaf=100"},
	"qp":  {letter: 'Q', kind: "pnp", card: "is=1e-15 bf=200 vaf=100"},
	"jn":  {letter: 'J', kind: "njf", card: "vto=-2 beta=1m lambda=0.01 is=1e-14"},
	"d1":  {letter: 'D', kind: "d", card: "is=1e-14 n=1 rs=0.5"},
	"ds":  {letter: 'D', kind: "d", card: "is=1e-7 n=1.05 rs=0.2"},

	// Gain 1e5, one pole at 10 Hz.
	"opamp": {letter: 'X', pins: []string{"plus", "minus", "out"}, paths: [][]string{{"plus", "minus"}, {"out", "0"}}, body: `rd plus minus 10meg
g1 0 x plus minus 1m
r1 x 0 100meg
c1 x 0 1.5915494309189535e-10
e1 out 0 x 0 1
`},
	// Gain 1e5, 10 MHz, 20 V/us, limited to the rails.
	"opamp5": {letter: 'X', pins: []string{"plus", "minus", "vcc", "vee", "out"}, paths: [][]string{{"plus", "minus"}, {"out", "vcc", "vee", "0"}}, body: `rd plus minus 10meg
b1 0 x i=200u*tanh(3.1415926535897932*v(plus,minus))
r1 x 0 159.15494309189535meg
c1 x 0 10p
b2 x 0 i=10m*(max(0,v(x)-v(vcc)+0.07)+min(0,v(x)-v(vee)-0.07))
e1 y 0 x 0 1
r2 y out 50
`},
	"comp": {letter: 'X', pins: []string{"plus", "minus", "vcc", "vee", "out"}, paths: [][]string{{"plus", "minus"}, {"out", "vcc", "vee", "0"}}, body: `rd plus minus 10meg
b1 x 0 v=1.2*tanh(1e4*v(plus,minus))
r1 x y 1k
c1 y 0 20p
b2 z 0 v=0.5*(v(vcc)+v(vee))+0.5*v(vcc,vee)*max(-1,min(1,v(y)))
r2 z out 50
`},
	"sw": {letter: 'X', pins: []string{"a", "b", "ctrl"}, paths: [][]string{{"a", "b"}}, body: `b1 a b i=v(a,b)*(1e-9+0.05*(1+tanh(20*(v(ctrl)-2.5))))
r1 ctrl 0 1g
`},
	"inv":   {letter: 'X', pins: gate1, paths: gateP, body: gate("1-{a}")},
	"buf":   {letter: 'X', pins: gate1, paths: gateP, body: gate("{a}")},
	"nand2": {letter: 'X', pins: gate2, paths: gateP, body: gate("1-{a}*{b}")},
	"and2":  {letter: 'X', pins: gate2, paths: gateP, body: gate("{a}*{b}")},
	"nor2":  {letter: 'X', pins: gate2, paths: gateP, body: gate("(1-{a})*(1-{b})")},
	"or2":   {letter: 'X', pins: gate2, paths: gateP, body: gate("1-(1-{a})*(1-{b})")},
	"xor2":  {letter: 'X', pins: gate2, paths: gateP, body: gate("{a}+{b}-2*{a}*{b}")},
	"dff": {letter: 'X', pins: []string{"d", "clk", "rst", "q", "qn"}, paths: [][]string{{"q", "qn", "0"}}, body: "bk k 0 v=0.5+0.5*tanh(10*(v(clk)-1.5))\nbj j 0 v=0.5+0.5*tanh(10*(v(clk)-3.5))\n" +
		latch("m", "d", "1-v(k)") + latch("s", "m", "v(j)") +
		"bq x 0 v=2.5+2.5*tanh(10*(v(s)-2.5))\nr1 x q 100\nc1 q 0 20p\nbn y 0 v=2.5-2.5*tanh(10*(v(s)-2.5))\nr2 y qn 100\nc2 qn 0 20p\n"},
	// Two integrators in a ring, their amplitude held at 1, make a phase that
	// does not grow.
	"vco": {letter: 'X', pins: []string{"ctrl", "out"}, paths: [][]string{{"out", "0"}}, parameters: []parameter{
		{"f0", 1e3, 100, 1e6}, {"k", 1e3, 1, 1e6},
	}, body: `bw w 0 v=6.283185307179586*max(1,{f0}+{k}*v(ctrl))
bx 0 x i=time>0 ? -1e-6*v(w)*v(y)+1e-6*v(w)*v(x)*(1-v(x)*v(x)-v(y)*v(y)) : -v(x)
by 0 y i=time>0 ? 1e-6*v(w)*v(x)+1e-6*v(w)*v(y)*(1-v(x)*v(x)-v(y)*v(y)) : -1-v(y)
cx x 0 1u
cy y 0 1u
rx x 0 1e12
ry y 0 1e12
bo o 0 v=2.5+2.5*tanh(20*v(y))
r1 o out 100
`},
}

// bound of a parameter of own .model cards.
type bound struct {
	least, most float64
	ignored     bool // read and dropped
}

var junction = bound{0.2, 2, false}

// cardParameters are those that own .model cards may have, by kind.
var cardParameters = map[string]map[string]bound{
	"d": {
		"is": {1e-18, 1e-5, false}, "n": {0.8, 2.5, false}, "rs": {0, 100, false}, "bv": {1, 1000, false}, "ibv": {1e-6, 0.1, false},
		"cjo": {0, 1e-9, false}, "cj0": {0, 1e-9, false}, "tt": {0, 1e-6, false}, "vj": junction, "m": {0.2, 0.6, false},
		"eg": {ignored: true}, "xti": {ignored: true}, "tnom": {ignored: true}, "kf": {ignored: true}, "af": {ignored: true}, "fc": {ignored: true},
		"iave": {ignored: true}, "vpk": {ignored: true}, "level": {1, 1, true},
	},
	"npn": bipolar, "pnp": bipolar,
	"nmos": mosfet(1), "pmos": mosfet(-1),
	"njf": jfet, "pjf": jfet,
}

var bipolar = map[string]bound{
	"is": {1e-18, 1e-11, false}, "bf": {10, 1000, false}, "br": {0.1, 50, false}, "vaf": {10, 1000, false}, "va": {10, 1000, false}, "var": {1, 1000, false},
	"nf": {0.9, 1.5, false}, "nr": {0.9, 1.5, false}, "rb": {0, 1e3, false}, "rc": {0, 1e3, false}, "re": {0, 1e3, false},
	"cje": {0, 1e-10, false}, "cjc": {0, 1e-10, false}, "tf": {0, 1e-6, false}, "tr": {0, 1e-6, false}, "vje": junction, "vjc": junction,
	"mje": {0.2, 0.6, false}, "mjc": {0.2, 0.6, false}, "ikf": {1e-3, 10, false}, "ise": {1e-18, 1e-11, false}, "ne": {1, 4, false},
	"isc": {1e-18, 1e-11, false}, "nc": {1, 4, false}, "eg": {ignored: true}, "xti": {ignored: true}, "xtb": {ignored: true}, "tnom": {ignored: true}, "fc": {ignored: true},
	"kf": {ignored: true}, "af": {ignored: true}, "level": {1, 1, true},
}

// mosfet gives the parameters of level 1; sign is that of the threshold.
func mosfet(sign float64) map[string]bound {
	threshold := bound{0.1, 3, false}
	if sign < 0 {
		threshold = bound{-3, -0.1, false}
	}
	return map[string]bound{
		"level": {1, 1, false}, "vto": threshold, "vt0": threshold, "vth0": threshold, "vth": threshold, "kp": {1e-6, 1e-3, false}, "lambda": {0, 0.2, false},
		"gamma": {0, 1, false}, "phi": {0.4, 1, false}, "cgso": {0, 1e-9, false}, "cgdo": {0, 1e-9, false}, "cgbo": {0, 1e-9, false},
		"tox": {2e-9, 1e-7, false}, "uo": {10, 2000, false}, "u0": {10, 2000, false}, "tnom": {ignored: true},
	}
}

var jfet = map[string]bound{
	"vto": {-10, -0.3, false}, "beta": {1e-5, 0.1, false}, "lambda": {0, 0.1, false}, "is": {1e-18, 1e-9, false}, "rd": {0, 100, false}, "rs": {0, 100, false},
	"cgs": {0, 1e-10, false}, "cgd": {0, 1e-10, false}, "pb": junction, "tnom": {ignored: true}, "fc": {ignored: true},
}

// sameParameter are other names that people write; ngspice knows these.
var sameParameter = map[string]string{"cj0": "cjo", "va": "vaf", "vt0": "vto", "vth0": "vto", "vth": "vto", "u0": "uo"}

// exact returns a number that reads back equal.
func exact(v float64) string { return strconv.FormatFloat(v, 'g', -1, 64) }

// definition returns the lines that define a device, under the name that
// elements call it by: own names cannot meet it.
func (d device) definition(name string, params []Setting) string {
	if d.kind != "" {
		return fmt.Sprintf(".model %s %s(%s)\n", name, d.kind, d.card)
	}
	body := d.body
	for _, s := range params {
		body = strings.ReplaceAll(body, "{"+s.Name+"}", exact(s.Value))
	}
	return fmt.Sprintf(".subckt %s %s\n%s.ends\n", name, strings.Join(d.pins, " "), body)
}
