package spice

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"regexp"
	"strings"
)

// Bench is what a sample is measured with: our sources and analysis around the
// model's circuit, and what must come out.
type Bench struct {
	Sources  []string       `json:"sources"`  // "V1 in 0 DC 0 AC 1": the only sources in the deck
	Analysis string         `json:"analysis"` // "op", "ac dec 100 16 160000", "tran 10u 3m"
	Elements string         `json:"elements"` // letters that the model's deck may use
	Require  map[string]int `json:"require"`  // least count of each letter
	Checks   []Check        `json:"checks"`   // all must hold
}

// Check is one property of the simulated circuit.
//
//	corner  ac, 100 points or more: |v(node)| begins in (0.9, 1.1) and ends below
//	        0.1, and first falls below 1/√2 within a relative Tolerance of Target
//	        (hertz). Shape "lowpass" begins at the lowest frequency, "highpass" at
//	        the highest. Interpolated linearly in magnitude, geometrically in frequency.
//	gain    ac at one frequency: Re v(node) has the sign of Target, and |v(node)| is
//	        within a relative Tolerance of |Target|.
//	dc      op: v(node) is within a relative Tolerance of Target (volts).
//	peak    tran: the largest v(node) is within Tolerance (volts) of Target, and where
//	        MinBelow is given the smallest is less than that.
type Check struct {
	Kind      string   `json:"kind"`
	Node      string   `json:"node"`
	Shape     string   `json:"shape,omitempty"`
	Target    float64  `json:"target"`
	Tolerance float64  `json:"tolerance"`
	MinBelow  *float64 `json:"min_below,omitempty"`
}

// Kinds of checks.
const (
	Corner = "corner"
	Gain   = "gain"
	DC     = "dc"
	Peak   = "peak"
)

// maxPoints of an analysis: a bench is data too.
const maxPoints = 1e6

// ParseBench reads a bench strictly: an unknown key is an error.
func ParseBench(data json.RawMessage) (Bench, error) {
	var b Bench
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(&b); err != nil {
		return Bench{}, fmt.Errorf("bench: %w", err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return Bench{}, errors.New("bench: more than one value")
	}
	return b, b.Validate()
}

// Validate says what of b cannot be measured.
func (b Bench) Validate() error {
	if len(b.Sources) == 0 {
		return errors.New("bench: no sources")
	}
	seen := map[string]bool{}
	for _, s := range b.Sources {
		src, err := parseSource(s)
		if err != nil {
			return fmt.Errorf("bench: source %q: %w", s, err)
		}
		if seen[src.name] {
			return fmt.Errorf("bench: source %q is there twice", s)
		}
		seen[src.name] = true
	}
	a, err := parseAnalysis(b.Analysis)
	if err != nil {
		return fmt.Errorf("bench: analysis %q: %w", b.Analysis, err)
	}
	if b.Elements == "" {
		return errors.New("bench: no elements are allowed")
	}
	for i := range len(b.Elements) {
		if strings.IndexByte(letters, b.Elements[i]) < 0 {
			return fmt.Errorf("bench: elements %q: want letters of %s", b.Elements, letters)
		}
	}
	for letter, n := range b.Require {
		if len(letter) != 1 || !strings.Contains(b.Elements, letter) || n < 0 {
			return fmt.Errorf("bench: require %d of %q: not one of the allowed elements %s", n, letter, b.Elements)
		}
	}
	if len(b.Checks) == 0 {
		return errors.New("bench: no checks")
	}
	for i, c := range b.Checks {
		if err := c.validate(a); err != nil {
			return fmt.Errorf("bench: check %d (%s): %w", i+1, c.Kind, err)
		}
	}
	return nil
}

func (c Check) validate(a analysis) error {
	if err := checkNode(strings.ToLower(c.Node)); err != nil {
		return err
	}
	for _, v := range []float64{c.Target, c.Tolerance} {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return errors.New("target and tolerance must be finite")
		}
	}
	if c.Tolerance < 0 {
		return fmt.Errorf("tolerance %g: want 0 or more", c.Tolerance)
	}
	analyses := map[string]string{Corner: "ac", Gain: "ac", DC: "op", Peak: "tran"}
	want, known := analyses[c.Kind]
	if !known {
		return fmt.Errorf("kind: want %s, %s, %s or %s", Corner, Gain, DC, Peak)
	}
	if c.MinBelow != nil && c.Kind != Peak {
		return errors.New("min_below belongs to peak")
	}
	if c.Shape != "" && c.Kind != Corner {
		return errors.New("shape belongs to corner")
	}
	switch {
	case a.kind != want:
		return fmt.Errorf("analysis is %s, want %s", a.kind, want)
	case c.Kind == Corner && c.Shape != "lowpass" && c.Shape != "highpass":
		return fmt.Errorf("shape %q: want lowpass or highpass", c.Shape)
	case c.Kind == Corner && c.Target <= 0:
		return fmt.Errorf("target %g Hz: want more than 0", c.Target)
	case c.Kind == Corner && a.points() < 100:
		return fmt.Errorf("about %.0f points, want 100 or more", a.points())
	case c.Kind == Gain && a.start != a.stop:
		return errors.New("want one frequency")
	case c.Kind != Peak && c.Target == 0:
		return errors.New("target is 0, and the tolerance is relative to it")
	}
	return nil
}

// source is one of our sources, renamed.
type source struct {
	name  string // lower case, as given
	plus  string
	minus string
	line  string // as it goes into the deck: "vlb_1 in 0 dc 0 ac 1"
	path  bool   // conducts direct current: a voltage source
}

var sourceValue = regexp.MustCompile(`^[a-z0-9 .+()\-]*$`)

func parseSource(s string) (source, error) {
	if len(s) > maxLine {
		return source{}, fmt.Errorf("%d bytes, want at most %d", len(s), maxLine)
	}
	if printable(s, maxLine) != s {
		return source{}, errors.New("want printable ASCII")
	}
	f := strings.Fields(strings.ToLower(s))
	if len(f) < 4 {
		return source{}, errors.New("want name, two nodes and a value")
	}
	if (f[0][0] != 'v' && f[0][0] != 'i') || !nameForm.MatchString(f[0]) {
		return source{}, errors.New("want a V or I element")
	}
	for i, n := range f[1:3] {
		if err := checkNode(n); err != nil {
			return source{}, err
		}
		f[1+i] = ground(n)
	}
	value := strings.Join(f[3:], " ")
	if !sourceValue.MatchString(value) || strings.Count(value, "(") != strings.Count(value, ")") {
		return source{}, errors.New("value: want words and numbers")
	}
	name := f[0][:1] + "lb_" + f[0][1:]
	return source{
		name: f[0], plus: f[1], minus: f[2], path: f[0][0] == 'v',
		line: name + " " + f[1] + " " + f[2] + " " + value,
	}, nil
}

// analysis is our analysis, as far as its result must be compared with it.
type analysis struct {
	kind      string // "op", "ac", "tran"
	variation string // of ac: "dec", "oct", "lin"
	number    float64
	start     float64 // hertz, seconds
	stop      float64
	line      string // ".ac dec 100 16 160000"
}

func parseAnalysis(s string) (analysis, error) {
	f := strings.Fields(strings.ToLower(s))
	if len(f) == 0 {
		return analysis{}, errors.New("want op, ac or tran")
	}
	a := analysis{kind: f[0], line: "." + strings.Join(f, " ")}
	numbers := f[1:]
	if a.kind == "ac" && len(f) > 1 {
		a.variation, numbers = f[1], f[2:]
	}
	if a.kind != "op" && a.kind != "ac" && a.kind != "tran" {
		return analysis{}, errors.New("want op, ac or tran")
	}
	v := make([]float64, len(numbers))
	for i, n := range numbers {
		var err error
		if v[i], err = parseNumber(n); err != nil {
			return analysis{}, err
		}
	}
	switch {
	case a.kind == "op" && len(v) == 0:
	case a.kind == "ac" && len(v) == 3 && (a.variation == "dec" || a.variation == "oct" || a.variation == "lin"):
		a.number, a.start, a.stop = v[0], v[1], v[2]
		if a.number < 1 || a.start <= 0 || a.stop < a.start {
			return analysis{}, errors.New("want N >= 1 and 0 < first <= last frequency")
		}
	case a.kind == "tran" && (len(v) == 2 || len(v) == 4):
		a.number, a.stop = v[0], v[1]
		if len(v) == 4 {
			a.start = v[2]
		}
		if a.number <= 0 || a.stop <= a.start || a.start < 0 {
			return analysis{}, errors.New("want step > 0 and 0 <= start < stop")
		}
	default:
		return analysis{}, errors.New("want op, ac dec|oct|lin N FIRST LAST, or tran STEP STOP [START MAXSTEP]")
	}
	if a.points() > maxPoints {
		return analysis{}, fmt.Errorf("about %.3g points, want at most %g", a.points(), float64(maxPoints))
	}
	return a, nil
}

// points returns about how many points the analysis has at least.
func (a analysis) points() float64 {
	switch {
	case a.kind == "tran":
		return (a.stop - a.start) / a.number
	case a.kind == "op" || a.start == a.stop:
		return 1
	case a.variation == "lin":
		return a.number
	case a.variation == "oct":
		return 1 + a.number*math.Log2(a.stop/a.start)
	default:
		return 1 + a.number*math.Log10(a.stop/a.start)
	}
}
