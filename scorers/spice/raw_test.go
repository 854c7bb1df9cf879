package spice

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"strings"
	"testing"
)

func rawPlot(name string, complexValues bool, variables []string, values ...float64) []byte {
	flags, width := "real", 1
	if complexValues {
		flags, width = "complex", 2
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, "Title: t\nDate: d\nPlotname: %s\nFlags: %s\nNo. Variables: %d\nNo. Points: %d       \nVariables:\n",
		name, flags, len(variables), len(values)/width/len(variables))
	for i, v := range variables {
		fmt.Fprintf(&b, "\t%d\t%s\tvoltage\n", i, v)
	}
	b.WriteString("Binary:\n")
	for _, v := range values {
		binary.Write(&b, binary.LittleEndian, v)
	}
	return b.Bytes()
}

func TestParseRaw(t *testing.T) {
	real2 := rawPlot("Operating Point", false, []string{"v(a)", "V(B)"}, 1, 2)
	complex1 := rawPlot("AC Analysis", true, []string{"frequency", "v(a)"}, 10, 0, 1, -1, 20, 0, 2, -2)
	plots, err := ParseRaw(append(append([]byte{}, complex1...), real2...))
	if err != nil {
		t.Fatal(err)
	}
	if len(plots) != 2 || plots[0].Name != "AC Analysis" || !plots[0].Complex || plots[0].Points != 2 || plots[1].Complex {
		t.Fatalf("plots %+v", plots)
	}
	if v, ok := plots[0].Vector("v(a)"); !ok || v[0] != 1-1i || v[1] != 2-2i {
		t.Errorf("v(a) = %v, %t", v, ok)
	}
	if v, ok := plots[1].Vector("v(b)"); !ok || v[0] != 2 {
		t.Errorf("v(b) = %v, %t", v, ok)
	}
	if _, ok := plots[1].Vector("v(c)"); ok {
		t.Error("v(c) found")
	}
	if p, err := ParseRaw(nil); err != nil || len(p) != 0 {
		t.Errorf("nothing: %v, %v", p, err)
	}
	if p, err := ParseRaw(rawPlot("x", false, []string{"a"})); err != nil || p[0].Points != 0 {
		t.Errorf("no points: %v, %v", p, err)
	}
	for name, data := range map[string][]byte{
		"cut block":         real2[:len(real2)-1],
		"cut header":        real2[:40],
		"trailing bytes":    append(append([]byte{}, real2...), 1, 2, 3),
		"not raw":           []byte("hello\n"),
		"ASCII":             []byte(strings.Replace(string(real2), "Binary:", "Values:", 1)),
		"too many points":   []byte(strings.Replace(string(real2), "Points: 1 ", "Points: 2000000000 ", 1)),
		"negative points":   []byte(strings.Replace(string(real2), "Points: 1 ", "Points: -1 ", 1)),
		"variable mismatch": []byte(strings.Replace(string(real2), "Variables: 2", "Variables: 3", 1)),
		"huge header":       []byte("Title: " + strings.Repeat("x", 10000) + "\n"),
		"no counts":         []byte("Title: t\nBinary:\n"),
	} {
		if p, err := ParseRaw(data); err == nil {
			t.Errorf("%s: read as %+v", name, p)
		}
	}
}

// ngspice does not write the imaginary part of the frequency: whatever stands
// there says nothing.
func TestScaleIsReal(t *testing.T) {
	for _, garbage := range []float64{0, math.NaN(), math.Inf(1), -1e300} {
		p, err := ParseRaw(rawPlot("AC Analysis", true, []string{"frequency", "v(a)"}, 10, garbage, 1, -1, 20, garbage, 2, -2))
		if err != nil {
			t.Fatal(err)
		}
		f, ok := p[0].Vector("frequency")
		if v := p[0].notFinite(); v != "" || !ok || f[0] != 10 || f[1] != 20 {
			t.Errorf("%v: frequency %v, not finite: %q", garbage, f, v)
		}
	}
}

func TestNotFinite(t *testing.T) {
	for _, tt := range []struct {
		value float64
		want  string
	}{{1e308, ""}, {math.Inf(1), "b"}, {math.Inf(-1), "b"}, {math.NaN(), "b"}} {
		p, err := ParseRaw(rawPlot("x", true, []string{"a", "b"}, 1e308, 1e308, tt.value, tt.value))
		if err != nil {
			t.Fatal(err)
		}
		if got := p[0].notFinite(); got != tt.want {
			t.Errorf("%v: %q, want %q", tt.value, got, tt.want)
		}
	}
}

func FuzzRaw(f *testing.F) {
	f.Add(rawPlot("AC Analysis", true, []string{"frequency", "v(a)"}, 10, 0, 1, -1))
	f.Add(rawPlot("Operating Point", false, []string{"v(a)"}, 1))
	f.Add([]byte("No. Variables: 65536\nNo. Points: 2147483647\nVariables:\nBinary:\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		plots, err := ParseRaw(data)
		if err != nil {
			return
		}
		values := 0
		for i := range plots {
			p := &plots[i]
			if len(p.Values) != p.Points*len(p.Variables) {
				t.Fatalf("%d values, want %d × %d", len(p.Values), p.Points, len(p.Variables))
			}
			values += len(p.Values)
			p.notFinite()
			if len(p.Variables) > 0 {
				p.Vector(p.Variables[0].Name)
			}
			judge(Bench{Sources: []string{"V1 in 0 1"}, Analysis: "op", Checks: []Check{{Kind: DC, Node: "a", Target: 1}}}, plots[i:i+1])
		}
		if values*8 > len(data) {
			t.Fatalf("%d values from %d bytes", values, len(data))
		}
	})
}
