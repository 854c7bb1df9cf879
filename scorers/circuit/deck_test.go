package circuit

import (
	"errors"
	"fmt"
	"math"
	"regexp"
	"strings"
	"testing"
)

// filters is a target whose decks may have what passive circuits have.
func filters() *Target {
	return &Target{
		Bench: 2, Ports: []string{"in", "out"}, Optional: []string{"vee"}, Parts: "RCLKDX", Library: []string{"d1", "opamp"}, Models: []string{"d"},
		Runs:       []Run{{Name: "op", Circuit: []string{"VIN in 0 DC 1"}, Analyses: []string{"op"}}},
		Properties: []Property{{Name: "level", Of: []Measure{{Run: "op", Analysis: "op", Kind: "value", Signal: "v(out)"}}, Target: ptr(0.5), Rel: 0.01}},
	}
}

func amplifiers() *Target {
	t := filters()
	t.Ports, t.Parts = []string{"in", "out", "vdd"}, "RCQMJVIEFGHX"
	t.Library, t.Models = []string{"nch", "pch", "qn", "jn", "opamp5", "vco"}, []string{"npn", "nmos"}
	return t
}

func ptr(v float64) *float64 { return &v }

// written returns a netlist as it goes into a deck.
func written(n *Netlist) string {
	var s strings.Builder
	n.write(&s)
	return s.String()
}

func TestParse(t *testing.T) {
	for _, tt := range []struct{ name, text, want string }{
		{"plain", "R1 in out 1k\nR2 out 0 1k\n", "r1 p_in p_out 1000\nr2 p_out 0 1000\n"},
		{"a title in words", "Resistive divider by two\nR1 in out 1k\nR2 out 0 1k\n.end\n", "r1 p_in p_out 1000\nr2 p_out 0 1000\n"},
		{"a title that reads like an element", "Low pass filter 1k\nR1 in out 1k\nC1 out 0 1n", "r1 p_in p_out 1000\nc2 p_out 0 1e-09\n"},
		{"a title with a port's name", "Emitter follower from in to out\nR1 in out 1k\nC1 out 0 1n", "r1 p_in p_out 1000\nc2 p_out 0 1e-09\n"},
		{"no title", "\n\nR1 in out 1k\nC1 out 0 1n", "r1 p_in p_out 1000\nc2 p_out 0 1e-09\n"},
		{"comments", "* title\n* R9 in out 1\nR1 in out 1k ; series\nC1 out 0 1n $ shunt\n# x\nR2 out 0 5 // load\n", "r1 p_in p_out 1000\nc2 p_out 0 1e-09\nr3 p_out 0 5\n"},
		{"continuation", "R1 in\n+ out\n\n* between\n+1k\nR2 out 0 1k", "r1 p_in p_out 1000\nr2 p_out 0 1000\n"},
		{"case and ground", "r1 IN Out 1K\nRLOAD OUT GND 1Meg", "r1 p_in p_out 1000\nr2 p_out 0 1e+06\n"},
		{"units", "R1 in out 10kohm\nC1 out 0 1uF\nL1 out 0 2.2mH\nR2 out 0 47Ω\nC2 out 0 4.7µF\nR3 out 0 1MEGohm", "r1 p_in p_out 10000\nc2 p_out 0 1e-06\nl3 p_out 0 0.0022\nr4 p_out 0 47\nc5 p_out 0 4.7e-06\nr6 p_out 0 1e+06\n"},
		{"k=v", "R1 in out R=1k\nC1 out 0 C = 10n IC=0\nL1 out 0 l=1m tc=0", "r1 p_in p_out 1000\nc2 p_out 0 1e-08\nl3 p_out 0 0.001\n"},
		{"our own analyses are dropped", "R1 in out 1k\nR2 out 0 1k\n.ac dec 10 1 1meg\n.op\n.options reltol=1\n.ic v(out)=3\n.meas ac x max v(out)\n.control\nshell ls\nrun\n.endc\n.print ac v(out)\n.end\nR9 garbage", "r1 p_in p_out 1000\nr2 p_out 0 1000\n"},
		{"control without an end", "R1 in out 1k\nR2 out 0 1k\n.CONTROL\nrun\n", "r1 p_in p_out 1000\nr2 p_out 0 1000\n"},
		{"parameters", ".param f=1k two={1+1} c = '10n'\n.param rr={(f*two - f)/two}\nR1 in out {rr/2*2}\nC1 out 0 c\nR2 out 0 {2**3 + -1e3/ (1k)}\n", "r1 p_in p_out 500\nc2 p_out 0 1e-08\nr3 p_out 0 7\n"},
		{"nodes are ours", "R1 in b_x 1k\nR2 b_x p_out 1k\nR3 p_out out 1k\nR4 out 0 1", "r1 p_in n1 1000\nr2 n1 n2 1000\nr3 n2 p_out 1000\nr4 p_out 0 1\n"},
		{"strange node names", "R1 in n.1+ 1k\nR2 n.1+ out:2 1k\nR3 OUT:2 out 1", "r1 p_in n1 1000\nr2 n1 n2 1000\nr3 n2 p_out 1\n"},
		{"coupled inductors, forward reference", "K1 L1 L2 0.99\nL1 in 0 1m\nL2 out 0 4m", "k1 l2 l3 0.99\nl2 p_in 0 0.001\nl3 p_out 0 0.004\n"},
		{"diodes", "D1 in out DZ\nD2 0 out d1 2\n.model DZ D(BV=5.1 IBV = 5m, N=1)\nD3 in out dz area=2\n", "d1 p_in p_out lb_1\nd2 0 p_out lb_2 area=2\nd3 p_in p_out lb_1 area=2\n.model lb_1 d( bv=5.1 ibv=0.005 n=1)\n.model lb_2 d(is=1e-14 n=1 rs=0.5)\n"},
		{"a card of a library device is ours", "R1 in out 1\nD1 out 0 D1\n.model D1 D(IS=1)\n", "r1 p_in p_out 1\nd2 p_out 0 lb_1\n.model lb_1 d(is=1e-14 n=1 rs=0.5)\n"},
		{"a card that nothing uses", "R1 in out 1\nR2 out 0 1\n.model x nmos(vto=99)\n", "r1 p_in p_out 1\nr2 p_out 0 1\n"},
		{"subcircuits", ".subckt rc a b\nR1 a m 1k\nC1 m b 1n\nC2 b gnd 1n\n.ends rc\nX1 in x rc\nX2 x out rc", "r1 p_in n2 1000\nc2 n2 n1 1e-09\nc3 n1 0 1e-09\nr4 n1 n3 1000\nc5 n3 p_out 1e-09\nc6 p_out 0 1e-09\n"},
		{"a port's name inside of a subcircuit is another node", ".subckt s a b\nR1 a in 1\nR2 in b 1\n.ends\nX1 in out s", "r1 p_in n1 1\nr2 n1 p_out 1\n"},
		{"nothing but a subcircuit", ".subckt filter in out 0\nR1 in out 1k\nC1 out 0 1n\n.ends\n", "r1 p_in p_out 1000\nc2 p_out 0 1e-09\n"},
		{"an own subcircuit of a library device's name is ours", ".subckt opamp p m o\nE1 o 0 p m 1e6\n.ends\nX1 in out out opamp", "x1 p_in p_out p_out lb_1\n" + library["opamp"].definition("lb_1", nil)},
	} {
		n, err := Parse(tt.text, filters())
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
		} else if got := written(n); got != tt.want {
			t.Errorf("%s:\n%s\nwant\n%s", tt.name, got, tt.want)
		}
	}
}

func TestParseActive(t *testing.T) {
	for _, tt := range []struct{ name, text, want string }{
		{"transistors", "R1 in g 1k\nM1 out g 0 0 nch W=10u L = 1u\nM2 out g vdd vdd pch l=2u w=20u m=2 ad=1p\nQ1 out in 0 QN\nQ2 out in 0 0 qn 2\nJ1 out in 0 jn\n", "r1 p_in n1 1000\nm2 p_out n1 0 0 lb_1 w=1e-05 l=1e-06\nm3 p_out n1 p_vdd p_vdd lb_2 w=4e-05 l=2e-06\nq4 p_out p_in 0 lb_3\nq5 p_out p_in 0 lb_3 area=2\nj6 p_out p_in 0 lb_4\n"},
		{"own models", "M1 out in 0 0 mm W=1u L=1u\nQ1 vdd in out t\n.model mm NMOS(LEVEL=1 VT0=0.5 KP=50u)\n.model t npn BF=150\n", "m1 p_out p_in 0 0 lb_1 w=1e-06 l=1e-06\nq2 p_vdd p_in p_out lb_2\n.model lb_1 nmos(level=1 vto=0.5 kp=5e-05)\n.model lb_2 npn( bf=150)\n"},
		{"sources", "V1 vdd a DC 1.2\nI1 a out 1m\nV2 in b 0\nF1 out 0 V2 2\nE1 c 0 in out 10\nG1 out 0 in c gain=1m\nR1 c b 1\nV3 x 0 dc=3\nR2 x in 1", "v1 p_vdd n1 1.2\ni2 n1 p_out 0.001\nv3 p_in n2 0\nf4 p_out 0 v3 2\ne5 n3 0 p_in p_out 10\ng6 p_out 0 p_in n3 0.001\nr7 n3 n2 1\nv8 n4 0 3\nr9 n4 p_in 1\n"},
		{"a library subcircuit with parameters", "X1 in out vco K=2k\nR1 vdd out 1\nX2 in out vco f0=1k k=2k", "x1 p_in p_out lb_1\nr2 p_vdd p_out 1\nx3 p_in p_out lb_1\n"},
	} {
		n, err := Parse(tt.text, amplifiers())
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
		} else if got := written(n); !strings.HasPrefix(got, tt.want) {
			t.Errorf("%s:\n%s\nwant\n%s", tt.name, got, tt.want)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	ok := "R1 in out 1k\n"
	for _, tt := range []struct{ text, want string }{
		{"", "no circuit"},
		{"just words about it", "no circuit"},
		{"* nothing\n.end\nR1 in out 1k", "no circuit"},
		{ok + "V1 in 0 AC 1", "part not allowed: line 2: v1: sources are the bench's"},
		{ok + "M1 out in 0 0 nch W=1u L=1u", "part not allowed: line 2: m1"},
		{ok + "B1 out 0 V=1", "part not allowed: line 2: b1"},
		{ok + "prose goes on here", `grammar: line 2: "prose goes on here" is no element`},
		{ok + ".include /etc/passwd", "grammar: line 2: .include: there are no files"},
		{ok + ".lib x", "there are no files"},
		{ok + ".global out", ".global is not allowed"},
		{ok + ".func f(x) {x}", ".func is not allowed"},
		{ok + "R2 out 0 4k7", "digits behind a letter"},
		{ok + "R2 out 0 0", "value out of range: line 2: r2: 0, want"},
		{ok + "R2 out 0 -5", "value out of range: line 2"},
		{ok + "R2 out 0 1e999", "out of range"},
		{ok + "R2 out 0 ten", "is not a number"},
		{ok + "R2 out 0", "grammar: line 2: r2: 0 words where a value"},
		{ok + "R2 out 0 10 kohm", "2 words where a value"},
		{ok + "R2 out 0 {sqrt(2)}", "expressions have no functions"},
		{ok + "R2 out 0 {a}", "no parameter"},
		{".param a={b} b={a}\n" + ok + "R2 out 0 {a}", "made of itself"},
		{ok + "R2 out 0 {1/0}", "has no value"},
		{ok + "R2 out 0 {" + strings.Repeat("(", 100) + "1}", "expressions in one another"},
		{ok + "R2 out 0 {1", "{ without }"},
		{ok + "R1 out 0 1", "r1 is there twice"},
		{ok + "D1 out 0 dx", "unknown model: line 2: d1: there is no model dx"},
		{ok + "D1 out 0 q\n.model q npn(bf=1)", "unknown model: line 2: d1: q is a model of kind npn"},
		{ok + "D1 out 0 q\n.model q d(bv=1e9)", "value out of range: line 3: model q: bv=1e+09"},
		{ok + "D1 out 0 q\n.model q d(file=1)", "model card: line 3: q: parameter file is not allowed"},
		{ok + "X1 in out amp", "unknown model: line 2: x1: there is no subcircuit amp"},
		{ok + "X1 in out opamp", "2 nodes, want 3 of opamp: plus minus out"},
		{ok + "X1 in 0 out opamp gbw=1", "parameter gbw is not allowed"},
		{ok + ".subckt a x\nR1 x 0 1\n", ".subckt a has no .ends"},
		{ok + ".ends", ".ends without .subckt"},
		{ok + ".subckt a x R=1\n.ends", "parameters of subcircuits"},
		{".subckt a x\nX1 x a\n.ends\n" + ok + "X1 out a", "too many parts: line 2: subcircuits in one another"},
		{ok + "K1 L1 L2 0.5", "there is no L element l1"},
		{ok + "L1 out 0 1\nL2 out 0 1\nK1 L1 L2 1.5", "coupling 1.5"},
		{ok + "L1 out 0 1\nK1 L1 L1 0.5", "coupled with itself"},
		{"R1 in 0 1", "port not connected: out"},
		{"R1 x y 1", "no circuit"},
		{strings.Repeat("*\n", 2000) + ok, "more than 1000 lines"},
		{ok + strings.Repeat("+ 1\n", 900) + strings.Repeat("x", 5000), "more than 4096 bytes on a line"},
		{strings.Repeat("x", 1<<17), "bytes, want at most"},
		{"+ 1\n" + ok, "a continuation of nothing"},
	} {
		_, err := Parse(tt.text, filters())
		var f *Fault
		if !errors.As(err, &f) || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%.60q: %v, want %q", tt.text, err, tt.want)
		}
	}
	many := ""
	for i := range 400 {
		many += fmt.Sprintf("R%d in out 1\n", i)
	}
	if _, err := Parse(many, filters()); err == nil || !strings.Contains(err.Error(), "more than 300 elements") {
		t.Error(err)
	}
	bomb := ""
	for i := range 7 {
		bomb += fmt.Sprintf(".subckt s%d a b\n", i) + strings.Repeat("X%d a b s%d\n", 0)
		for k := range 20 {
			bomb += fmt.Sprintf("X%d a b s%d\n", k, i+1)
		}
		bomb += ".ends\n"
	}
	if _, err := Parse(bomb+".subckt s7 a b\n.ends\nX1 in out s0\n", filters()); err == nil || !strings.Contains(err.Error(), TooMany) {
		t.Error(err)
	}
}

// The counts that a target wants, and its ranges.
func TestParseCounts(t *testing.T) {
	for _, tt := range []struct {
		change func(*Target)
		want   string
	}{
		{func(t *Target) { t.Require = map[string]int{"R": 3} }, "too few parts: 2 of R, want at least 3"},
		{func(t *Target) { t.Limit = map[string]int{"R": 1} }, "too many parts: 2 of R, want at most 1"},
		{func(t *Target) { t.Require = map[string]int{"opamp": 1} }, "too few parts: 0 of opamp"},
		{func(t *Target) { t.Values = map[string][2]float64{"R": {1, 999}} }, "value out of range: line 1: r1: 1000, want 1 to 999"},
		{func(t *Target) { t.Ports = append(t.Ports, "vcc") }, "port not connected: vcc"},
	} {
		target := filters()
		tt.change(target)
		if _, err := Parse("R1 in out 1k\nR2 out 0 10", target); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%v, want %q", err, tt.want)
		}
	}
}

func TestNumber(t *testing.T) {
	for s, want := range map[string]float64{
		"1": 1, "-1.5": -1.5, ".5": 0.5, "1.": 1, "1e3": 1000, "1e-3k": 1, "1k": 1000, "1kohm": 1000, "1meg": 1e6, "1megohm": 1e6, "1m": 1e-3, "1mf": 1e-3,
		"1u": 1e-6, "1uf": 1e-6, "1n": 1e-9, "1p": 1e-12, "1f": 1e-15, "1g": 1e9, "1t": 1e12, "2mil": 50.8e-6, "5v": 5, "1a": 1, "1e": 1, "50hz": 50, "1e+3": 1000,
	} {
		if v, err := number(s); err != nil || math.Abs(v-want) > 1e-12*math.Abs(want) {
			t.Errorf("%q: %g, %v, want %g", s, v, err, want)
		}
	}
	for _, s := range []string{"", "k", "-", "1k5", "1e99999", "1e400", "--1", "1_000", "1,5", "0x10", "nan", "inf", "1k "} {
		if v, err := number(s); err == nil {
			t.Errorf("%q: %g", s, v)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{
		"R1 in out 1k\nC1 out 0 1n\n", ".subckt a b c\nR1 b c {1/(2*pi)}\n.ends\nX1 in out a", "D1 in out z\n.model z d(bv=5)\nR1 out 0 'x'\n.param x=1",
		"K1 L1 L2 1\nL1 in 0 1\nL2 out 0 1", "M1 out in 0 0 nch w=1u l=1u", "x1 in in out opamp\n.end", "f1 in out v1 1\nv1 in out 1",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, target := range []*Target{filters(), amplifiers()} {
			n, err := Parse(text, target)
			if err != nil {
				var fault *Fault
				if !errors.As(err, &fault) {
					t.Fatalf("%T", err)
				}
				continue
			}
			// What is written has nothing of the text but numbers: lines of our own names.
			for line := range strings.Lines(written(n)) {
				if !ourLine.MatchString(line) && !libraryLine(line) {
					t.Fatalf("%q of %q", line, text)
				}
			}
			if len(n.Elements) > maxElements {
				t.Fatal(len(n.Elements))
			}
		}
	})
}

var ourLine = regexp.MustCompile(`^([a-z][0-9]+( (0|p_[a-z0-9_]+|n[0-9]+|[vl][0-9]+|lb_[0-9]+|(area|w|l)=[0-9.e+-]+|-?[0-9.e+-]+))+|\.model lb_[0-9]+ [a-z]+\(( ?[a-z0-9]+=-?[0-9.e+-]+)*\))\n$`)

// libraryLine reports whether a line is part of a definition in the library.
func libraryLine(line string) bool {
	if strings.HasPrefix(line, ".subckt lb_") || line == ".ends\n" || strings.HasPrefix(line, ".model lb_") {
		return true
	}
	for _, d := range library {
		if strings.Contains(d.body, line) || len(d.parameters) > 0 && strings.HasPrefix(line, "bw w 0 v=") {
			return true
		}
	}
	return false
}
