package spice

import (
	"encoding/json"
	"math"
	"strings"
	"testing"

	"github.com/ailiance/lorabench"
)

func TestStructural(t *testing.T) {
	b := divider(3.3)
	for text, want := range map[string]string{
		"R1 in out 1\nR2 out 0 1\n.end": "", // the wrong voltage: form only
		"R1 in out 1\n.end":             "1 elements R, want at least 2",
		"R1 in out 1\nR2 out 0 1\n":     "no .end",
		"":                              "no .end",
		"V9 in 0 1\n.end":               "not an element",
	} {
		r := (Structural{}).Score(b, text)
		if r.Pass != (want == "") || !strings.Contains(r.Reason, want) || r.Unscored != "" || (r.Graded == 1) != r.Pass {
			t.Errorf("%q: %+v, want %q", text, r, want)
		}
	}
}

func TestParseBench(t *testing.T) {
	good := `{"sources": ["V1 in 0 DC 0 AC 1"], "analysis": "ac dec 100 16 160000", "elements": "RC", "require": {"R": 1, "C": 1},
		"checks": [{"kind": "corner", "node": "out", "shape": "lowpass", "target": 1600, "tolerance": 0.02}]}`
	if _, err := ParseBench(json.RawMessage(good)); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ old, new, want string }{
		{`"sources"`, `"source"`, "unknown field"},
		{`"V1 in 0 DC 0 AC 1"`, ``, "no sources"},
		{`"V1 in 0 DC 0 AC 1"`, `"R1 in 0 1"`, "want a V or I element"},
		{`"V1 in 0 DC 0 AC 1"`, `"V1 in 0 1\n.control"`, "want printable ASCII"},
		{`"V1 in 0 DC 0 AC 1"`, `"V1 in 0 {x}"`, "want words and numbers"},
		{`"V1 in 0 DC 0 AC 1"`, `"V1 in 0 1", "v1 in 0 2"`, "twice"},
		{`ac dec 100 16 160000`, `ac dec 100 16`, "want op, ac"},
		{`ac dec 100 16 160000`, `shell ls`, "want op, ac"},
		{`ac dec 100 16 160000`, `ac dec 10 16 160000`, "want 100 or more"},
		{`ac dec 100 16 160000`, `ac dec 100 16 1`, "want N >= 1"},
		{`ac dec 100 16 160000`, `ac lin 2000000000 1 1k`, "at most 1e+06"},
		{`ac dec 100 16 160000`, `op`, "analysis is op, want ac"},
		{`ac dec 100 16 160000`, `tran 1n 1e6`, "at most 1e+06"},
		{`"RC"`, `"RV"`, "want letters of"},
		{`"RC"`, `""`, "no elements"},
		{`{"R": 1, "C": 1}`, `{"L": 1}`, "not one of the allowed"},
		{`{"R": 1, "C": 1}`, `{"": 1}`, "not one of the allowed"},
		{`"corner"`, `"noise"`, "kind: want"},
		{`"corner"`, `"gain"`, "shape belongs to corner"},
		{`"lowpass"`, `"bandpass"`, "want lowpass or highpass"},
		{`1600,`, `0,`, "want more than 0"},
		{`0.02`, `-1`, "want 0 or more"},
		{`"out"`, `"v(out)"`, "want letters, digits"},
		{`}]}`, `, "min_below": 1}]}`, "min_below belongs to peak"},
		{`}]}`, `}]} {}`, "more than one value"},
		{`[{"kind": "corner", "node": "out", "shape": "lowpass", "target": 1600, "tolerance": 0.02}]`, `[]`, "no checks"},
	} {
		text := strings.Replace(good, tt.old, tt.new, 1)
		if text == good {
			t.Fatalf("%q is not in the bench", tt.old)
		}
		if _, err := ParseBench(json.RawMessage(text)); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s → %s: %v, want %q", tt.old, tt.new, err, tt.want)
		}
	}
}

// The deck that is simulated: our title first, our sources renamed, our
// analysis last.
func TestAssemble(t *testing.T) {
	b := filter("RC", "lowpass", 1600)
	d, err := Parse("R1 in out 9.95k\nC1 out 0 10n\n.end", "RC")
	if err != nil {
		t.Fatal(err)
	}
	want := "lorabench\nvlb_1 in 0 dc 0 ac 1\nr1 in out 9950\nc1 out 0 1e-08\n.ac dec 100 16 160000\n.end\n"
	if got := assemble(b, d); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}

func TestCorner(t *testing.T) {
	// A first-order low-pass at 1 kHz, and its mirror image.
	var f, low, high []complex128
	for i := range 401 {
		x := 10 * math.Pow(10, float64(i)/100)
		f = append(f, complex(x, 0))
		low = append(low, 1/complex(1, x/1000))
		high = append(high, complex(0, x/1000)/complex(1, x/1000))
	}
	for shape, v := range map[string][]complex128{"lowpass": low, "highpass": high} {
		if got, reason := corner(f, v, shape); reason != "" || math.Abs(got/1000-1) > 1e-4 {
			t.Errorf("%s: %g Hz, %q, want 1000 Hz", shape, got, reason)
		}
	}
	if _, reason := corner(f, low, "highpass"); reason == "" {
		t.Error("a low-pass is taken for a high-pass")
	}
	if _, reason := corner(f[:99], low[:99], "lowpass"); !strings.Contains(reason, "99 frequencies") {
		t.Errorf("99 points: %q", reason)
	}
}

// A plot that is not what our analysis makes is no result.
func TestJudge(t *testing.T) {
	plot := func(name string, complexValues bool, variables []string, values ...float64) []Plot {
		p, err := ParseRaw(rawPlot(name, complexValues, variables, values...))
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	dc := divider(6)
	tran := clamp()
	for _, tt := range []struct {
		name  string
		bench Bench
		plots []Plot
		want  string
	}{
		{"good", dc, plot("Operating Point", false, []string{"v(in)", "v(out)"}, 12, 6), ""},
		{"other analysis", dc, plot("Transient Analysis", false, []string{"time", "v(out)"}, 0, 6), "gave no results"},
		{"no points", dc, plot("Operating Point", false, []string{"v(out)"}), "gave no results"},
		{"nothing", dc, nil, "gave no results"},
		{"not finite", dc, plot("Operating Point", false, []string{"v(in)", "v(out)"}, math.NaN(), 6), "v(in) is not finite"},
		{"no node", dc, plot("Operating Point", false, []string{"v(in)"}, 12), "no node out"},
		{"ended early", tran, plot("Transient Analysis", false, []string{"time", "v(out)"}, 0, -9, 1e-3, 5), "ended early"},
		{"ended in time", tran, plot("Transient Analysis", false, []string{"time", "v(out)"}, 0, -9, 3e-3, 5), ""},
		{"sweep ended early", filter("RC", "lowpass", 1600), plot("AC Analysis", true, []string{"frequency", "v(out)"}, 16, 0, 1, 0), "ended early"},
	} {
		r := judge(tt.bench, tt.plots)
		if r.Pass != (tt.want == "") || !strings.Contains(r.Reason, tt.want) {
			t.Errorf("%s: %+v, want %q", tt.name, r, tt.want)
		}
	}
}

func TestText(t *testing.T) {
	for _, tt := range []struct {
		out  lorabench.Output
		want string
	}{
		{lorabench.Output{Text: "R1 a 0 1\n", Stop: lorabench.StopString}, "R1 a 0 1\n.end"},
		{lorabench.Output{Text: "R1 a 0 1\n.end", Stop: lorabench.StopString}, "R1 a 0 1\n.end"},
		{lorabench.Output{Text: "R1 a 0 1\n", Stop: lorabench.StopLength}, "R1 a 0 1\n"},
		{lorabench.Output{Text: "R1 a 0 1\n", Stop: lorabench.StopEOS}, "R1 a 0 1\n"},
	} {
		if got := Text(tt.out); got != tt.want {
			t.Errorf("%+v: %q, want %q", tt.out, got, tt.want)
		}
	}
}

func TestNullOutputs(t *testing.T) {
	bench := func(target float64) json.RawMessage {
		b, err := json.Marshal(divider(target))
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	other, err := json.Marshal(filter("RC", "lowpass", 1))
	if err != nil {
		t.Fatal(err)
	}
	var samples []lorabench.Sample
	for _, s := range []struct {
		answer string
		bench  json.RawMessage
	}{{"a", bench(1)}, {"b", bench(2)}, {"b", bench(3)}, {"c", other}} {
		samples = append(samples, lorabench.Sample{
			Requests: []lorabench.Request{{Prompt: "p"}}, Target: lorabench.Target{Answer: s.answer, Bench: s.bench},
		})
	}
	names := map[string]bool{}
	got := map[string]string{}
	for _, n := range NullOutputs(samples) {
		if names[n.Name] {
			t.Errorf("%q is there twice", n.Name)
		}
		names[n.Name] = true
		for i := range samples {
			got[n.Name] += n.Outputs(&samples[i])[0].Text + "|"
		}
	}
	for name, want := range map[string]string{
		"empty text":                                "||||",
		"the prompt echoed":                         "p|p|p|p|",
		"always the most frequent deck":             "b|b|b|b|",
		"always the most frequent deck of its kind": "b|b|b|c|",
	} {
		if got[name] != want {
			t.Errorf("%s: %q, want %q", name, got[name], want)
		}
	}
}
