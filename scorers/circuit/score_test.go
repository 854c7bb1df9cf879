package circuit

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"os"
	"reflect"
	"strings"
	"sync"
	"testing"

	"github.com/ailiance/lorabench/scorers/sandbox"
	"github.com/ailiance/lorabench/scorers/spice"
)

func TestMain(m *testing.M) {
	sandbox.Main()
	os.Exit(m.Run())
}

// simulator skips the test where ngspice cannot be run here.
func simulator(t testing.TB) *spice.Simulator {
	t.Helper()
	s, err := spice.NewSimulator(t.Context())
	if errors.Is(err, spice.ErrNoSimulator) || errors.Is(err, sandbox.ErrUnavailable) {
		t.Skipf("simulations are not tested: %v", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// of is a property without a band of its own: any value holds, and is seen.
func of(name string, m Measure) Property {
	return Property{Name: name, Of: []Measure{m}, Min: ptr(-1e30), Max: ptr(1e30)}
}

// measured returns what the properties of a target are on a circuit.
func measured(t *testing.T, s Runner, target *Target, deck string) map[string]float64 {
	t.Helper()
	if _, err := target.bench(); err != nil {
		t.Fatal(err)
	}
	r := Score(t.Context(), s, target, deck)
	if r.Unscored != "" || len(r.Properties) == 0 {
		t.Fatalf("%+v", r)
	}
	out := map[string]float64{}
	for _, p := range r.Properties {
		if !p.Measured {
			t.Errorf("%s: %s", p.Name, p.Reason)
		}
		out[p.Name] = p.Value
	}
	return out
}

func compare(t *testing.T, got, want map[string]float64, tolerance float64) {
	t.Helper()
	for _, name := range sortedKeys(want) {
		if v := got[name]; !(math.Abs(v-want[name]) <= tolerance*math.Max(math.Abs(want[name]), 0.01)) {
			t.Errorf("%s: %.6g, want %.6g", name, v, want[name])
		}
	}
	for name := range got {
		if _, ok := want[name]; !ok {
			t.Errorf("%s: %.6g, and nothing is wanted", name, got[name])
		}
	}
}

// Every kind of ac, on circuits whose response is known.
func TestAC(t *testing.T) {
	s := simulator(t)
	ac := func(kind string, change func(*Measure)) Property {
		m := Measure{Run: "ac", Analysis: "ac", Kind: kind, Signal: "v(out)"}
		if change != nil {
			change(&m)
		}
		return of(kind, m)
	}
	target := &Target{
		Bench: 2, Ports: []string{"in", "out"}, Parts: "RLCX", Library: []string{"opamp"},
		Runs: []Run{{Name: "ac", Circuit: []string{"VIN in 0 AC 1", "RL out 0 1g"}, Analyses: []string{"ac dec 100 1 1meg"}}},
		Properties: []Property{
			ac("corner", func(m *Measure) { m.Edge = "high" }), ac("gain", func(m *Measure) { m.At = ptr(1000) }),
			ac("gain_db", func(m *Measure) { m.At = ptr(100e3) }), ac("phase", func(m *Measure) { m.At = ptr(1000) }),
			ac("slope_db", func(m *Measure) { m.From, m.To = ptr(50e3), ptr(500e3) }), ac("max_db", nil), ac("min_db", func(m *Measure) { m.To = ptr(1000) }),
			ac("ripple_db", func(m *Measure) { m.To = ptr(1000) }), ac("signed_gain", func(m *Measure) { m.At = ptr(10) }),
		},
	}
	got := measured(t, s, target, "R1 in out 1k\nC1 out 0 159.155n") // 1 kHz
	compare(t, got, map[string]float64{
		"corner": 1000, "gain": math.Sqrt(0.5), "gain_db": -40, "phase": -45, "slope_db": -20, "max_db": 0, "min_db": -3.0103, "ripple_db": 3.0103, "signed_gain": 1,
	}, 2e-3)

	// Series resonance: 10 kHz, Q 5, the output across R.
	l, c, r := 1e-3, 1/(math.Pow(2*math.Pi*10e3, 2)*1e-3), 2*math.Pi*10e3*1e-3/5
	target.Runs[0].Analyses = []string{"ac dec 200 100 1meg"}
	target.Properties = []Property{
		ac("peak", nil), ac("bandwidth", nil), ac("q", nil), ac("centre", nil), ac("corner", func(m *Measure) { m.Edge = "low" }),
	}
	got = measured(t, s, target, "L1 in x "+exact(l)+"\nC1 x out "+exact(c)+"\nR1 out 0 "+exact(r))
	compare(t, got, map[string]float64{"peak": 10e3, "bandwidth": 2e3, "q": 5, "centre": 10e3, "corner": 10e3 * (math.Sqrt(1.01) - 0.1)}, 2e-3)

	// A trap across the output.
	target.Properties = []Property{ac("notch", nil), ac("notch_depth_db", func(m *Measure) { m.Reference = ptr(200) })}
	got = measured(t, s, target, "R1 in out 990\nR2 out x 10\nL1 x y "+exact(l)+"\nC1 y 0 "+exact(c))
	if depth := got["notch_depth_db"]; depth < 39 || depth > 40 { // between two points
		t.Errorf("notch_depth_db: %g, want 40", depth)
	}
	compare(t, got, map[string]float64{"notch": 10e3, "notch_depth_db": got["notch_depth_db"]}, 2e-3)

	// The gain in the middle of a deep notch that lies between two points.
	target.Properties = []Property{ac("gain", func(m *Measure) { m.At = ptr(10.05e3) })}
	f0 := 10.05e3
	got = measured(t, s, target, "R1 in out 1k\nL1 out y 1m\nC1 y 0 "+exact(1/(math.Pow(2*math.Pi*f0, 2)*1e-3)))
	if got["gain"] > 0.002 {
		t.Errorf("gain at the notch: %g, want 0", got["gain"])
	}

	// An amplifier in an open loop, with a second pole at its unity frequency.
	target.Runs[0].Analyses = []string{"ac dec 50 1 100meg"}
	target.Properties = []Property{ac("unity", nil), ac("phase_margin", nil)}
	got = measured(t, s, target, "X1 in 0 x opamp\nR1 x out 1k\nC1 out 0 159.155p\n")
	// |H| = 1/(x·√(1+x²)) with x in MHz is 1 at x² = (√5-1)/2; the phase is -90° - atan x.
	x := math.Sqrt((math.Sqrt(5) - 1) / 2)
	compare(t, got, map[string]float64{"unity": 1e6 * x, "phase_margin": 90 - math.Atan(x)*180/math.Pi}, 2e-3)
	inverted := measured(t, s, target, "X1 0 in x opamp\nR1 x out 1k\nC1 out 0 159.155p\n")
	compare(t, inverted, got, 1e-9)
}

// Every kind of op, dc and tran, on circuits whose behaviour is known.
func TestTime(t *testing.T) {
	s := simulator(t)
	tran := func(kind string, change func(*Measure)) Property {
		m := Measure{Run: "t", Analysis: "tran", Kind: kind, Signal: "v(out)"}
		if change != nil {
			change(&m)
		}
		return of(kind, m)
	}
	window := func(from, to float64) func(*Measure) {
		return func(m *Measure) { m.From, m.To = &from, &to }
	}
	target := &Target{
		Bench: 2, Ports: []string{"in", "out"}, Parts: "RLCD", Models: []string{"d"},
		Runs: []Run{{Name: "t", Circuit: []string{"VIN in 0 SIN(1 2 1k)"}, Analyses: []string{"tran 5u 10m 0 5u"}}},
		Properties: []Property{
			tran("mean", window(1e-3, 9e-3)), tran("rms", window(1e-3, 9e-3)), tran("min", nil), tran("max", nil), tran("pp", nil), tran("amplitude", nil),
			tran("frequency", nil), tran("periods_spread", nil), tran("duty", nil), tran("sustain", nil), tran("value", func(m *Measure) { m.At = ptr(5.25e-3) }),
			tran("crossing", func(m *Measure) { m.Level, m.Edge, m.N = ptr(0.5), "rising", 1 }),
			tran("at_crossing", func(m *Measure) { m.When, m.WhenLevel, m.WhenEdge = "v(in)", ptr(2), "falling" }),
			tran("thd", func(m *Measure) { m.At = ptr(1000) }),
		},
	}
	got := measured(t, s, target, "R1 in out 1k\nR2 out 0 1k")
	spread := got["periods_spread"]
	if math.Abs(spread) > 1e-3 {
		t.Errorf("periods_spread: %g", spread)
	}
	thd := got["thd"]
	if thd > 1e-3 {
		t.Errorf("thd: %g", thd)
	}
	compare(t, got, map[string]float64{
		"mean": 0.5, "rms": math.Sqrt(0.25 + 0.5), "min": -0.5, "max": 1.5, "pp": 2, "amplitude": 1, "frequency": 1000, "periods_spread": spread,
		"duty": 0.5, "sustain": 1, "value": 1.5, "crossing": 1e-3, "at_crossing": 1, "thd": thd,
	}, 2e-3)

	// A step through RC, and through a damped resonance.
	target.Runs[0] = Run{Name: "t", Circuit: []string{"VIN in 0 PULSE(0 1 1m 1u 1u 50m 100m)"}, Analyses: []string{"tran 5u 20m 0 5u"}}
	target.Properties = []Property{
		tran("rise", window(0.9e-3, 20e-3)), tran("settle", func(m *Measure) { m.From, m.To, m.Level = ptr(1.0005e-3), ptr(20e-3), ptr(0.01) }),
		tran("overshoot", window(0.9e-3, 20e-3)),
		tran("delay", func(m *Measure) { m.Level, m.When, m.WhenLevel = ptr(1-1/math.E), "v(in)", ptr(0.5) }),
	}
	compare(t, measured(t, s, target, "R1 in out 1k\nC1 out 0 1u"), map[string]float64{
		"rise": math.Log(9) * 1e-3, "settle": math.Log(100) * 1e-3, "overshoot": 0, "delay": 1e-3,
	}, 3e-3)
	target.Properties = []Property{tran("overshoot", window(0.9e-3, 20e-3))}
	// ζ = 0.2 at 1 kHz.
	w := 2 * math.Pi * 1e3
	l := 1 / (w * w * 1e-6)
	compare(t, measured(t, s, target, "R1 in x "+exact(2*0.2*w*l)+"\nL1 x out "+exact(l)+"\nC1 out 0 1u"), map[string]float64{
		"overshoot": math.Exp(-math.Pi * 0.2 / math.Sqrt(1-0.04)),
	}, 5e-3)
	target.Runs[0] = Run{Name: "t", Circuit: []string{"VIN in 0 PULSE(2 -1 1m 1u 1u 50m 100m)"}, Analyses: []string{"tran 5u 20m 0 5u"}}
	target.Properties = []Property{tran("fall", window(0.9e-3, 20e-3))}
	compare(t, measured(t, s, target, "R1 in out 1k\nC1 out 0 1u"), map[string]float64{"fall": math.Log(9) * 1e-3}, 3e-3)

	// A sweep: v(out) of a diode limiter, its slope, where it crosses.
	dc := func(name, kind, signal string, change func(*Measure)) Property {
		m := Measure{Run: "dc", Analysis: "dc", Kind: kind, Signal: signal}
		change(&m)
		return of(name, m)
	}
	target.Runs = []Run{{Name: "dc", Circuit: []string{"VIN in 0 1"}, Analyses: []string{"op", "dc VIN -5 5 0.05"}}}
	target.Properties = []Property{
		of("op", Measure{Run: "dc", Analysis: "op", Kind: "value", Signal: "v(out)"}),
		of("current", Measure{Run: "dc", Analysis: "op", Kind: "value", Signal: "-i(VIN)"}),
		of("difference", Measure{Run: "dc", Analysis: "op", Kind: "value", Signal: "v(in,out)"}),
		dc("at", "value", "v(out)", func(m *Measure) { m.At = ptr(-2.5) }),
		dc("slope", "slope", "v(out)", func(m *Measure) { m.From, m.To = ptr(-5), ptr(-1) }),
		dc("crossing", "crossing", "v(out)", func(m *Measure) { m.Level = ptr(0.25) }),
		dc("max", "max", "v(out)", func(*Measure) {}),
	}
	got = measured(t, s, target, "R1 in out 1k\nR2 out 0 1k\nD1 out 0 d\n.model d D(is=1e-14)")
	if v := got["max"]; v < 0.6 || v > 0.8 {
		t.Errorf("max: %g", v)
	}
	compare(t, got, map[string]float64{"op": 0.5, "current": 0.5e-3, "difference": 0.5, "at": -1.25, "slope": 0.5, "crossing": 0.5, "max": got["max"]}, 5e-3)
}

// What a text can do wrong is 0 with a reason, and what is ours is no score.
func TestScore(t *testing.T) {
	s := simulator(t)
	target := filters()
	for _, tt := range []struct {
		name, text string
		pass       bool
		graded     float64
		reason     string
	}{
		{"right", "```spice\nR1 in out 1k\nR2 out 0 1k\n```", true, 1, ""},
		{"right, bare", "R1 in out 1k\nR2 out 0 1k\n", true, 1, ""},
		{"a little off: some of what the closeness reaches", "R1 in out 1k\nR2 out 0 1.05k\n", false, 1 - (1.05/2.05-0.505)/0.02, "level: 0.5122, want 0.5 ± 0.005"},
		{"far off", "R1 in out 1k\nR2 out 0 3k\n", false, 0, "level: 0.75, want 0.5 ± 0.005"},
		{"nothing", "", false, 0, "no answer"},
		{"another language", "```python\nprint(1)\n```", false, 0, "no answer: the code blocks are of other languages"},
		{"floating", "R1 in out 1k\nR2 out 0 1k\nC1 in x 1n\nC2 x 0 1n", false, 0, "floating node: line 3"},
		{"an island", "R1 in out 1k\nR2 out 0 1k\nR3 a b 1k", false, 0, "floating node: line 3"},
	} {
		r := Score(t.Context(), s, target, tt.text)
		if r.Unscored != "" || r.Pass != tt.pass || math.Abs(r.Graded-tt.graded) > 1e-6 || !strings.Contains(r.Reason, tt.reason) || !tt.pass && r.Reason == "" {
			t.Errorf("%s: %+v, want %v %g %q", tt.name, r, tt.pass, tt.graded, tt.reason)
		}
	}
	active := amplifiers()
	active.Runs[0].Circuit = append(active.Runs[0].Circuit, "VDD vdd 0 5")
	for text, want := range map[string]string{
		"R1 in out 1\nV1 vdd 0 5\n":                "source across a source of the bench: line 2: v1",
		"R1 in out 1\nR2 vdd 0 1\nV1 vdd in 3\n":   "source across a source of the bench: line 3: v1",
		"R1 vdd out 1k\nM1 out in 0 0 nch w=1 l=1": "value out of range",
		"V1 vdd out 2\nV2 vdd out 3\nR1 in 0 1\n":  "singular matrix",
	} {
		if r := Score(t.Context(), s, active, text); r.Pass || r.Unscored != "" || !strings.Contains(r.Reason, want) {
			t.Errorf("%q: %+v, want %q", text, r, want)
		}
	}
}

// failing is a simulator that cannot be run.
type failing struct{}

func (failing) Run(context.Context, []byte) (spice.Simulation, error) {
	return spice.Simulation{}, errors.New("no sandbox")
}

func TestUnscored(t *testing.T) {
	target := filters()
	if r := Score(t.Context(), failing{}, target, "R1 in out 1\nR2 out 0 1"); r.Unscored != "no sandbox" {
		t.Errorf("%+v", r)
	}
	target.Ports = nil
	if r := Score(t.Context(), failing{}, target, "R1 in out 1\nR2 out 0 1"); !strings.Contains(r.Unscored, "no ports") {
		t.Errorf("%+v", r)
	}
}

// plots of a raw file that is not what the analysis must give are not measured.
func TestIncomplete(t *testing.T) {
	target := filters()
	target.Runs[0].Analyses = []string{"tran 1m 10m"}
	target.Properties[0].Of[0] = Measure{Run: "op", Analysis: "tran", Kind: "max", Signal: "v(out)"}
	plot := func(values ...complex128) fixed {
		return fixed{spice.Plot{Name: "Transient Analysis", Points: len(values) / 2, Variables: []spice.Variable{{Name: "time"}, {Name: "v(p_out)"}}, Values: values}}
	}
	for _, tt := range []struct {
		plot fixed
		want string
	}{
		{plot(0, 0, 10e-3, 0.5), ""},
		{plot(0, 0, 9e-3, 0.5), "ended early"},
		{plot(0, 0, 10e-3, complex(math.NaN(), 0)), "not finite"},
		{plot(0, 0, 10e-3, complex(math.Inf(1), 0)), "not finite"},
		{plot(), "no results"},
		{plot(10e-3, 0, 0, 0.5, 10e-3, 1), "ended early"},
		{fixed{}, "no results"},
	} {
		r := Score(t.Context(), tt.plot, target, "R1 in out 1\nR2 out 0 1")
		if r.Pass != (tt.want == "") || !strings.Contains(r.Reason, tt.want) || r.Unscored != "" {
			t.Errorf("%+v, want %q", r, tt.want)
		}
	}
}

// fixed always gives the same plot.
type fixed struct{ plot spice.Plot }

func (f fixed) Run(context.Context, []byte) (spice.Simulation, error) {
	if f.plot.Name == "" {
		return spice.Simulation{}, nil
	}
	return spice.Simulation{Plots: []spice.Plot{f.plot}}, nil
}

// Each device of the library does what the table says.
func TestLibrary(t *testing.T) {
	s := simulator(t)
	all := sortedKeys(library)
	run := func(ports []string, circuit []string, analyses []string, deck string, properties ...Property) map[string]float64 {
		t.Helper()
		target := &Target{Bench: 2, Ports: ports, Parts: "RCDQMJX", Library: all, Runs: []Run{{Name: "r", Circuit: circuit, Analyses: analyses}}, Properties: properties}
		return measured(t, s, target, deck)
	}
	op := func(name, signal string) Property {
		return of(name, Measure{Run: "r", Analysis: "op", Kind: "value", Signal: signal})
	}
	devices := []string{"VD d 0 2", "VG g 0 1.2", "VP p 0 0.8"}
	got := run([]string{"d", "g", "p"}, devices, []string{"op"},
		"M1 d g 0 0 nch w=10u l=1u\nR1 p 0 1g\n", op("i", "-i(VD)"))
	compare(t, got, map[string]float64{"i": 0.5 * 100e-6 * 10 * 0.25 * 1.04}, 1e-3)
	got = run([]string{"d", "g", "p"}, devices, []string{"op"}, "M1 p g d d pch w=10u l=1u\n", op("i", "i(VP)"))
	compare(t, got, map[string]float64{"i": 0.5 * 40e-6 * 10 * 0.01 * 1.024}, 2e-2)
	got = run([]string{"d", "p"}, []string{"VD d 0 2", "VP p 0 0"}, []string{"op"}, "J1 d p 0 jn\n", op("i", "-i(VD)"))
	compare(t, got, map[string]float64{"i": 1e-3 * 4 * 1.02}, 2e-2)
	got = run([]string{"d", "p"}, []string{"VD d 0 5", "IB 0 p 1u"}, []string{"op"}, "Q1 d p 0 qn\n", op("i", "-i(VD)"), op("vbe", "v(p)"))
	compare(t, got, map[string]float64{"i": 200e-6 * 1.044, "vbe": 0.025865 * math.Log(200e-6/1e-15)}, 5e-3)
	for _, d := range []struct {
		name string
		v    float64
	}{{"d1", 0.655 + 0.0005}, {"ds", 0.250 + 0.0002}} {
		got = run([]string{"p"}, []string{"IB 0 p 1m"}, []string{"op"}, "D1 p 0 "+d.name, op("v", "v(p)"))
		compare(t, got, map[string]float64{"v": d.v}, 5e-3)
	}

	ac := func(name, kind string, change func(*Measure)) Property {
		m := Measure{Run: "r", Analysis: "ac", Kind: kind, Signal: "v(out)"}
		change(&m)
		return of(name, m)
	}
	got = run([]string{"in", "out"}, []string{"VIN in 0 AC 1"}, []string{"ac dec 20 0.1 100meg"}, "X1 in 0 out opamp\n",
		ac("gain", "gain", func(m *Measure) { m.At = ptr(0.1) }), ac("unity", "unity", func(*Measure) {}))
	compare(t, got, map[string]float64{"gain": 1e5, "unity": 1e6}, 1e-3)
	supplies := []string{"VIN in 0 AC 1 SIN(0 10 1k)", "VCC vcc 0 5", "VEE vee 0 -5"}
	got = run([]string{"in", "out", "vcc", "vee"}, supplies, []string{"ac dec 20 0.1 100meg", "tran 1u 3m"}, "X1 in 0 vcc vee out opamp5\n",
		ac("gain", "gain", func(m *Measure) { m.At = ptr(0.1) }), ac("unity", "unity", func(*Measure) {}),
		of("max", Measure{Run: "r", Analysis: "tran", Kind: "max", Signal: "v(out)"}), of("min", Measure{Run: "r", Analysis: "tran", Kind: "min", Signal: "v(out)"}))
	compare(t, got, map[string]float64{"gain": 1e5, "unity": 10e6, "max": 4.95, "min": -4.95}, 5e-3)
	// Slew rate: a follower cannot follow a step of 6 V.
	got = run([]string{"in", "out", "vcc", "vee"}, []string{"VIN in 0 PULSE(-3 3 1u 1n 1n 5u 10u)", supplies[1], supplies[2]}, []string{"tran 5n 4u"}, "X1 in out vcc vee out opamp5\n",
		of("rise", Measure{Run: "r", Analysis: "tran", Kind: "rise", Signal: "v(out)", From: ptr(0), To: ptr(4e-6)}))
	compare(t, got, map[string]float64{"rise": 4.8 / 20e6}, 3e-2)
	got = run([]string{"in", "out", "vcc", "vee"}, supplies, []string{"tran 1u 3m"}, "X1 in 0 vcc vee out comp\n",
		of("max", Measure{Run: "r", Analysis: "tran", Kind: "max", Signal: "v(out)"}), of("min", Measure{Run: "r", Analysis: "tran", Kind: "min", Signal: "v(out)"}))
	compare(t, got, map[string]float64{"max": 5, "min": -5}, 1e-3)
	// A Schmitt trigger of it: thresholds at ±2.5 V.
	got = run([]string{"in", "out", "vcc", "vee"}, []string{"VIN in 0 PWL(0 -5 1m 5 2m -5)", supplies[1], supplies[2]}, []string{"tran 1u 2m"}, "X1 p in vcc vee out comp\nR1 p out 10k\nR2 p 0 10k",
		of("up", Measure{Run: "r", Analysis: "tran", Kind: "at_crossing", Signal: "v(in)", When: "v(out)", WhenLevel: ptr(0), WhenEdge: "falling"}),
		of("down", Measure{Run: "r", Analysis: "tran", Kind: "at_crossing", Signal: "v(in)", When: "v(out)", WhenLevel: ptr(0), WhenEdge: "rising"}))
	compare(t, got, map[string]float64{"up": 2.5, "down": -2.5}, 1e-2)
	got = run([]string{"in", "out", "vcc"}, []string{"VIN in 0 0", "VCC vcc 0 5", "RL out 0 990"}, []string{"op", "dc VIN 0 5 0.1"}, "X1 vcc out in sw\n",
		op("open", "v(out)"), of("closed", Measure{Run: "r", Analysis: "dc", Kind: "value", Signal: "v(out)", At: ptr(5)}))
	compare(t, got, map[string]float64{"open": 0, "closed": 4.95}, 1e-2)

	// Gates: all pairs of inputs.
	at := func(name string, seconds float64) Property {
		return of(name, Measure{Run: "r", Analysis: "tran", Kind: "value", Signal: "v(y)", At: &seconds})
	}
	for gate, truth := range map[string][4]float64{
		"nand2": {5, 5, 5, 0}, "and2": {0, 0, 0, 5}, "nor2": {5, 0, 0, 0}, "or2": {0, 5, 5, 5}, "xor2": {0, 5, 5, 0},
	} {
		got = run([]string{"a", "b", "y"}, []string{"VA a 0 PULSE(0 5 1u 1n 1n 1u 2u)", "VB b 0 PULSE(0 5 2u 1n 1n 2u 4u)", "RL y 0 1meg"}, []string{"tran 10n 4u"}, "X1 a b y "+gate,
			at("00", 0.9e-6), at("10", 1.9e-6), at("01", 2.9e-6), at("11", 3.9e-6))
		for i, name := range []string{"00", "10", "01", "11"} {
			if math.Abs(got[name]-truth[i]) > 0.01 {
				t.Errorf("%s %s: %g, want %g", gate, name, got[name], truth[i])
			}
		}
	}
	for gate, truth := range map[string]float64{"inv": 0, "buf": 5} {
		got = run([]string{"a", "y"}, []string{"VA a 0 5"}, []string{"op"}, "X1 a y "+gate, op("y", "v(y)"))
		if math.Abs(got["y"]-truth) > 0.01 {
			t.Errorf("%s: %g", gate, got["y"])
		}
	}
	got = run([]string{"clk", "q"}, []string{"VC clk 0 PULSE(0 5 1u 10n 10n 1u 2u)"}, []string{"tran 20n 20u"}, "R1 r 0 1\nX1 qn clk r q qn dff\n",
		of("f", Measure{Run: "r", Analysis: "tran", Kind: "frequency", Signal: "v(q)"}), of("duty", Measure{Run: "r", Analysis: "tran", Kind: "duty", Signal: "v(q)"}))
	compare(t, got, map[string]float64{"f": 250e3, "duty": 0.5}, 1e-2)
	got = run([]string{"c", "out"}, []string{"VC c 0 2.5"}, []string{"tran 2u 5m"}, "X1 c out vco f0=500 k=3k",
		of("f", Measure{Run: "r", Analysis: "tran", Kind: "frequency", Signal: "v(out)"}), of("duty", Measure{Run: "r", Analysis: "tran", Kind: "duty", Signal: "v(out)"}))
	compare(t, got, map[string]float64{"f": 8000, "duty": 0.5}, 1e-2)
}

// An operating point is a solution of the circuit. With its standard options
// ngspice 39 has a node at 50 V beyond a rail in each of these; with noopiter
// alone, in the last two.
func TestOperatingPoint(t *testing.T) {
	s := simulator(t)
	for _, tt := range []struct {
		name, deck string
		ports      []string
		circuit    []string
		node       string
		want       float64
	}{
		{
			"NMOS cascode", "M1 x in 0 0 nch W=12.39u L=1u\nM2 out g x 0 nch W=12.11u L=1u\nR1 vdd g 64.55k\nR2 g 0 35.45k\n",
			[]string{"vdd", "in", "out"}, []string{"VDD vdd 0 3.3", "VIN in 0 DC 860m AC 1", "RL out vdd 94k"}, "out", 1.8,
		},
		{
			"PMOS cascode", "M1 x in vdd vdd pch W=104.5u L=1u\nM2 out g x vdd pch W=102.2u L=1u\nR1 0 g 63.33k\nR2 g vdd 36.67k\n",
			[]string{"vdd", "in", "out"}, []string{"VDD vdd 0 3.3", "VIN in 0 DC 2.42", "RL out 0 22k"}, "out", 1.5,
		},
		{
			"pair", "M4 ib ib 0 0 nch W=15.7u L=1u\nM3 s ib 0 0 nch W=41.27u L=1u\nM1 outn inp s 0 nch W=55.75u L=1u\nM2 outp inn s 0 nch W=55.75u L=1u\nR1 vdd outn 20k\nR2 vdd outp 20k\n",
			[]string{"vdd", "inp", "inn", "ib", "outp", "outn"}, []string{"VDD vdd 0 3.3", "IB vdd ib DC 50u", "VIP inp 0 DC 1.25", "VIN inn 0 DC 1.25"}, "outp", 2,
		},
	} {
		target := &Target{
			Bench: 2, Ports: tt.ports, Parts: "RM", Library: []string{"nch", "pch"},
			Runs:       []Run{{Name: "r", Circuit: tt.circuit, Analyses: []string{"op"}}},
			Properties: []Property{of("v", Measure{Run: "r", Analysis: "op", Kind: "value", Signal: "v(" + tt.node + ")"})},
		}
		t.Run(tt.name, func(t *testing.T) {
			compare(t, measured(t, s, target, tt.deck), map[string]float64{"v": tt.want}, 1e-2)
		})
	}
}

// Equal arguments give equal results, whoever else is simulating.
func TestScoreIsDeterministic(t *testing.T) {
	s := simulator(t)
	target := filters()
	texts := []string{"R1 in out 1k\nR2 out 0 1.1k\n", "R1 in out 3k\nD1 out 0 d1\nR2 out 0 5k"}
	want := []Result{Score(t.Context(), s, target, texts[0]), Score(t.Context(), s, target, texts[1])}
	var wait sync.WaitGroup
	for i := range 8 {
		wait.Go(func() {
			if got := Score(t.Context(), s, target, texts[i%2]); !reflect.DeepEqual(got, want[i%2]) {
				t.Errorf("%+v, want %+v", got, want[i%2])
			}
		})
	}
	wait.Wait()
}

// Whatever a deck's names are, the same deck is simulated.
func TestAssemble(t *testing.T) {
	target := filters()
	target.Runs[0].Circuit = []string{"VIN in 0 DC 1 AC 1", "RS in mid 50", "CL mid out 1G", "FX mid 0 VIN 2"}
	target.Runs[0].Temperature = ptr(85)
	target.Runs[0].Initial = map[string]float64{"out": 1, "mid": 2}
	b, err := target.bench()
	if err != nil {
		t.Fatal(err)
	}
	want := "lorabench\nvb_in p_in 0 dc 1 ac 1\nrb_s p_in b_mid 50\ncb_l b_mid p_out 1e+09\nfb_x b_mid 0 vb_in 2\nr1 p_in n1 1000\nr2 n1 p_out 1000\n" +
		".temp 85\n.ic v(b_mid)=2 v(p_out)=1\n.options noopiter gminfactor=3\n.save v(p_out)\n.op\n.end\n"
	for _, text := range []string{"R1 in mid 1k\nR2 mid out 1k", "* t\nrb_s in x {1k}\nRx x OUT 1e3\n.op\n.end"} {
		n, err := Parse(text, target)
		if err != nil {
			t.Fatal(err)
		}
		if got := b.assemble(b.runs["op"], n); got != want {
			t.Errorf("%s\nwant\n%s", got, want)
		}
	}
}

func TestParseTarget(t *testing.T) {
	good := `{"bench": 2, "ports": ["in", "out"], "parts": "RCX", "library": ["opamp"], "limit": {"R": 3},
		"runs": [{"name": "a", "circuit": ["VIN in 0 DC 1 AC 1"], "analyses": ["op", "ac dec 10 1 1k"]}],
		"properties": [{"name": "x", "of": [{"run": "a", "analysis": "ac", "kind": "gain", "signal": "v(out)", "at": 10}], "target": 1, "rel": 0.1}]}`
	if _, err := ParseTarget(json.RawMessage(good)); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ old, new, want string }{
		{`"bench": 2`, `"bench": 1`, "want 2"},
		{`"ports"`, `"port"`, "unknown field"},
		{`["in", "out"]`, `["in", "in"]`, "each port once"},
		{`["in", "out"]`, `["0"]`, "port \"0\""},
		{`"RCX"`, `"RCB"`, "want letters of"},
		{`"RCX"`, `"RC"`, "no device of the parts"},
		{`["opamp"]`, `["nosuch"]`, "no device"},
		{`{"R": 3}`, `{"Q": 3}`, "a count of a part"},
		{`"VIN in 0 DC 1 AC 1"`, `"VIN in 0 DC {x}"`, "words and numbers"},
		{`"VIN in 0 DC 1 AC 1"`, `"BIN in 0 V=1"`, "want an element of"},
		{`"VIN in 0 DC 1 AC 1"`, `"VIN in 0 1", "VIN in 0 1"`, "twice"},
		{`"VIN in 0 DC 1 AC 1"`, `"RIN in 0 0"`, "want more than 0"},
		{`"ac dec 10 1 1k"`, `"op"`, "twice"},
		{`"ac dec 10 1 1k"`, `"shell"`, "want op, dc"},
		{`"ac dec 10 1 1k"`, `"tran 1n 1"`, "at most 1e+06"},
		{`"ac dec 10 1 1k"`, `"dc VXX 0 1 0.1"`, "no source"},
		{`"run": "a"`, `"run": "b"`, "no run"},
		{`"analysis": "ac"`, `"analysis": "tran"`, "no analysis"},
		{`"kind": "gain"`, `"kind": "max"`, "no such kind"},
		{`"v(out)"`, `"v(nosuch)"`, "no node"},
		{`"v(out)"`, `"i(VXX)"`, "no such V element"},
		{`"at": 10`, `"level": 10`, "want at"},
		{`"at": 10`, `"at": 10, "level": 1`, "level is not looked at"},
		{`"at": 10`, `"at": 1e6`, "outside of the analysis"},
		{`"rel": 0.1`, `"rel": 0`, "want a target with a tolerance"},
		{`"rel": 0.1`, `"rel": 0.1, "min": 1`, "want a target or bounds"},
		{`"target": 1, "rel": 0.1`, `"min": 0`, "a reach where the bound is 0"},
		{`"of": [`, `"combine": "ratio", "of": [`, "1 measurements, want 2"},
	} {
		text := strings.Replace(good, tt.old, tt.new, 1)
		if text == good {
			t.Fatalf("%q is not in the target", tt.old)
		}
		if _, err := ParseTarget(json.RawMessage(text)); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s → %s: %v, want %q", tt.old, tt.new, err, tt.want)
		}
	}
}
