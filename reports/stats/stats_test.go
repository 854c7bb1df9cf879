package stats

import (
	"errors"
	"fmt"
	"math"
	"testing"
)

// Check values of the note that needs no file: specs/statistics.md §2–§6.
func TestCheckValues(t *testing.T) {
	for _, tt := range []struct {
		p      Pairs
		lo, hi float64
	}{
		{Pairs{0, 0, 100}, -0.036994, 0.036994},
		{Pairs{9, 3, 50}, -0.017798, 0.262726},
		{Pairs{40, 20, 160}, 0.030865, 0.218064},
	} {
		i, err := tt.p.Tango(0.95)
		if err != nil || math.Abs(i.Lo-tt.lo) > 1e-6 || math.Abs(i.Hi-tt.hi) > 1e-6 {
			t.Errorf("%+v.Tango = %v, %v, want [%v, %v]", tt.p, i, err, tt.lo, tt.hi)
		}
	}
	for _, tt := range []struct {
		margin, psi float64
		want        int
	}{{.005, .02, 4947}, {.01, .1, 6183}, {.02, .05, 773}, {.03, .2, 1374}, {.05, .02, 50}, {.05, .2, 495}} {
		if got, err := NonInferioritySize(tt.psi, 0, tt.margin, 0.05, 0.8); err != nil || got != tt.want {
			t.Errorf("NonInferioritySize(ψ=%v, m=%v) = %d, %v, want %d", tt.psi, tt.margin, got, err, tt.want)
		}
	}
	for _, tt := range []struct {
		n    int
		psi  float64
		want float64 // points, one decimal
	}{{164, .05, 4.9}, {410, .1, 4.4}, {1319, .2, 3.5}, {10042, .05, 0.6}} {
		got := 100 * MDE(math.Sqrt(tt.psi/float64(tt.n)), 0.05, 0.8)
		if math.Abs(got-tt.want) > 0.051 {
			t.Errorf("MDE(n=%d, ψ=%v) = %.2f points, want %v", tt.n, tt.psi, got, tt.want)
		}
	}
	if n, err := SampleSize(0.1, 0.02, 0.05, 0.8); err != nil || n != 1955 { // 7.8489·(0.1−0.0004)/0.0004 = 1954.4
		t.Errorf("SampleSize = %d, %v, want 1955", n, err)
	}
}

func TestMidP(t *testing.T) {
	// (9,3): 2·P(X ≤ 3) − P(X = 3) = (2·299 − 220)/4096
	if got, want := (Pairs{9, 3, 50}).McNemar().MidP, 378.0/4096; math.Abs(got-want) > 1e-12 {
		t.Errorf("mid-p = %v, want %v", got, want)
	}
	if got := (Pairs{3, 3, 50}).McNemar().MidP; math.Abs(got-1) > 1e-12 {
		t.Errorf("mid-p of 3 and 3 = %v, want 1", got)
	}
}

func TestSwappingArmsFlipsSigns(t *testing.T) {
	for _, p := range []Pairs{{0, 0, 1}, {1, 0, 1}, {9, 3, 50}, {40, 20, 160}, {0, 7, 7}, {60, 60, 1319}} {
		q := p.Swap()
		a, errA := p.Tango(0.9)
		b, errB := q.Tango(0.9)
		if errA != nil || errB != nil || math.Abs(a.Lo+b.Hi) > 1e-12 || math.Abs(a.Hi+b.Lo) > 1e-12 {
			t.Errorf("%+v: tango %v, swapped %v (%v, %v)", p, a, b, errA, errB)
		}
		if a.Lo > a.Hi || a.Lo < -1 || a.Hi > 1 {
			t.Errorf("%+v: tango %v", p, a)
		}
		c, _ := p.BonettPrice(0.9)
		d, _ := q.BonettPrice(0.9)
		if math.Abs(c.Lo+d.Hi) > 1e-12 {
			t.Errorf("%+v: bonett–price %v, swapped %v", p, c, d)
		}
		m, w := p.McNemar(), q.McNemar()
		if m.TwoSided != w.TwoSided || m.Worse != w.Better || m.MidP != w.MidP {
			t.Errorf("%+v: mcnemar %+v, swapped %+v", p, m, w)
		}
		for _, delta := range []float64{-0.3, -0.02, 0, 0.02, 0.3} {
			if x, y := p.TangoZ(delta), q.TangoZ(-delta); math.Abs(x+y) > 1e-9 {
				t.Errorf("%+v: Z(%v) = %v, swapped Z(%v) = %v", p, delta, x, -delta, y)
			}
		}
	}
	x := []float64{0.3, -0.1, 0.4, 0, 0.2, 0.9, -0.5, 0.1, 0.1, 0.7, 0.2, 0.05}
	minus := make([]float64, len(x))
	for i := range x {
		minus[i] = -x[i]
	}
	a, _ := SignFlip(x, 1, 100)
	b, _ := SignFlip(minus, 1, 100)
	if a.TwoSided != b.TwoSided || !a.Exact {
		t.Errorf("sign flips of x %+v, of −x %+v", a, b)
	}
	e, _ := Mean(x)
	f, _ := Mean(minus)
	if e.Value != -f.Value || e.SE != f.SE {
		t.Errorf("mean of x %+v, of −x %+v", e, f)
	}
}

func TestTooFewIsAnError(t *testing.T) {
	var e error
	check := func(what string, err, want error) {
		t.Helper()
		if !errors.Is(err, want) {
			t.Errorf("%s: error %v, want %v", what, err, want)
		}
	}
	_, e = Wilson(0, 0, 0.95)
	check("wilson n=0", e, ErrTooFew)
	_, e = Wilson(2, 1, 0.95)
	check("wilson 2 of 1", e, ErrDomain)
	_, e = Pairs{}.Tango(0.95)
	check("tango n=0", e, ErrTooFew)
	_, e = Pairs{2, 0, 1}.Tango(0.95)
	check("tango b>n", e, ErrDomain)
	_, e = Pairs{}.BonettPrice(0.95)
	check("bonett–price n=0", e, ErrTooFew)
	_, e = Mean(nil)
	check("mean n=0", e, ErrTooFew)
	_, e = Mean([]float64{1})
	check("mean n=1", e, ErrTooFew)
	_, e = ClusteredMean([]float64{1, 2, 3}, []string{"a", "a", "a"})
	check("mean of one cluster", e, ErrTooFew)
	_, e = Ratio(nil, nil, nil)
	check("ratio n=0", e, ErrTooFew)
	_, e = Ratio([]float64{1, 2}, []float64{0, 0}, nil)
	check("ratio without weight", e, ErrDomain)
	same, err := Mean([]float64{0.1, 0.1, 0.1, 0.1, 0.1, 0.1})
	if err != nil {
		t.Fatal(err)
	}
	_, e = same.Interval(0.95)
	check("interval of equal values", e, ErrNoSpread)
	_, e = SignFlip(nil, 1, 10)
	check("sign flips n=0", e, ErrTooFew)
	_, e = SignFlip([]float64{math.NaN()}, 1, 10)
	check("sign flips of NaN", e, ErrDomain)
	_, e = Bootstrap(1, nil, 1, 10, func([]int) float64 { return 0 })
	check("bootstrap n=1", e, ErrTooFew)
	_, e = Bootstrap(9, nil, 1, 10, func([]int) float64 { return 0 })
	check("bootstrap of a constant", e, ErrNoSpread)
	_, e = PassAtK(3, 1, 4)
	check("pass at 4 of 3", e, ErrDomain)
	_, e = NonInferioritySize(0.1, 0.02, 0.02, 0.05, 0.8)
	check("sample size at the margin", e, ErrDomain)
	_, e = NonInferiority(1, 0)
	check("betting at margin 1", e, ErrDomain)
	_, e = DiscordantE(-1, 0)
	check("e-value of -1", e, ErrDomain)
}

func TestSignFlipIsMcNemar(t *testing.T) {
	for _, p := range []Pairs{{9, 3, 50}, {5, 0, 12}, {1, 0, 3}, {7, 7, 20}, {0, 0, 6}} {
		var d []float64
		for i := range p.N {
			switch {
			case i < p.B:
				d = append(d, 1)
			case i < p.B+p.C:
				d = append(d, -1)
			default:
				d = append(d, 0)
			}
		}
		got, err := SignFlip(d, 1, 10)
		want := p.McNemar()
		if err != nil || !got.Exact || math.Abs(got.TwoSided-want.TwoSided) > 1e-12 || math.Abs(got.Greater-want.Worse) > 1e-12 {
			t.Errorf("%+v: sign flips %+v, %v, want %+v", p, got, err, want)
		}
	}
	d := make([]float64, 60) // b=40, c=20: sampled signs
	for i := range d {
		d[i] = 1
		if i < 20 {
			d[i] = -1
		}
	}
	got, err := SignFlip(d, 7, Resamples)
	if want := 0.013489; err != nil || got.Exact || math.Abs(got.TwoSided-want) > 0.004 {
		t.Errorf("sign flips %+v, %v, want about %v", got, err, want)
	}
	again, _ := SignFlip(d, 7, Resamples)
	if again != got {
		t.Errorf("same seed gave %+v and %+v", got, again)
	}
}

func TestGenerator(t *testing.T) {
	// xoshiro256** after SplitMix64(0): the reference implementation's first numbers.
	g := NewGenerator(0)
	for i, want := range []uint64{0x99ec5f36cb75f2b4, 0xbf6e1f784956452a, 0x1a5f849d4933e6e0} {
		if got := g.Uint64(); got != want {
			t.Errorf("number %d = %#x, want %#x", i, got, want)
		}
	}
	counts := make([]int, 7)
	for range 70000 {
		counts[g.IntN(7)]++
	}
	for i, n := range counts {
		if n < 9600 || n > 10400 {
			t.Errorf("IntN(7) gave %d %d times of 70000", i, n)
		}
	}
}

func TestRatio(t *testing.T) {
	values, weights := []float64{10, 12, 7, 30}, []float64{8, 9, 7, 20}
	e, err := Ratio(values, weights, nil)
	if err != nil {
		t.Fatal(err)
	}
	R := 59.0 / 44
	var squares float64
	for i := range values {
		r := values[i] - R*weights[i]
		squares += r * r
	}
	near(t, "ratio", e.Value, R)
	near(t, "standard error", e.SE, math.Sqrt(4.0/3*squares)/44)
	even, _ := Ratio(values, []float64{1, 1, 1, 1}, nil)
	mean, _ := Mean(values)
	near(t, "ratio with weights of 1", even.SE, mean.SE)
}

func TestBootstrap(t *testing.T) {
	g := NewGenerator(3)
	x := make([]float64, 120)
	for i := range x {
		x[i] = -math.Log(1 - g.Float64()) // exponential, mean 1
	}
	mean := func(indices []int) float64 {
		var sum float64
		for _, i := range indices {
			sum += x[i]
		}
		return sum / float64(len(indices))
	}
	b, err := Bootstrap(len(x), nil, 5, Resamples, mean)
	if err != nil {
		t.Fatal(err)
	}
	e, _ := Mean(x)
	tInterval, _ := e.Interval(0.9)
	percentile, bca := b.Percentile(0.9), b.BCa(0.9)
	for what, i := range map[string]Interval{"percentile": percentile, "BCa": bca} {
		if math.Abs(i.Lo-tInterval.Lo) > 0.04 || math.Abs(i.Hi-tInterval.Hi) > 0.06 {
			t.Errorf("%s %v, t %v", what, i, tInterval)
		}
	}
	if !(bca.Hi > percentile.Hi) {
		t.Errorf("BCa %v, percentile %v: want the long tail further out", bca, percentile)
	}
	if b.Acceleration <= 0 {
		t.Errorf("acceleration of a skewed mean = %v", b.Acceleration)
	}
	if p := b.PGreater(bca.Lo); math.Abs(p-0.05) > 0.002 { // the test inverts the interval
		t.Errorf("p at the lower limit = %v, want 0.05", p)
	}
	if p := b.PLess(bca.Hi); math.Abs(p-0.05) > 0.002 {
		t.Errorf("p at the upper limit = %v, want 0.05", p)
	}
	again, _ := Bootstrap(len(x), nil, 5, Resamples, mean)
	if again.BCa(0.9) != bca {
		t.Error("same seed, another interval")
	}
	clusters := make([]string, len(x)) // each observation four times: clusters must not gain from it
	four := make([]float64, len(x))
	for i := range four {
		four[i], clusters[i] = x[i/4], fmt.Sprint(i/4)
	}
	whole, _ := ClusteredMean(four, clusters)
	single, _ := Mean(x[:len(x)/4])
	near(t, "clusters of four equals", whole.SE, single.SE)
	c, err := Bootstrap(len(four), clusters, 5, 2000, func(indices []int) float64 {
		var sum float64
		for _, i := range indices {
			sum += four[i]
		}
		return sum / float64(len(indices))
	})
	if err != nil || c.Units != len(x)/4 {
		t.Fatalf("cluster bootstrap: %v units, %v", c.Units, err)
	}
	if got, want := c.Percentile(0.95).Width(), 2*1.96*single.SE; math.Abs(got/want-1) > 0.15 {
		t.Errorf("cluster bootstrap width %v, want about %v", got, want)
	}
}

func TestClusteredWilson(t *testing.T) {
	scores := []float64{1, 0, 1, 1, 0, 1, 1, 1}
	plain, _ := Wilson(6, 8, 0.95)
	got, err := ClusteredWilson(scores, []string{"a", "a", "b", "b", "c", "c", "d", "d"}, 0.95)
	if err != nil || got.Width() <= plain.Width() {
		t.Errorf("clustered %v, %v; plain %v: want a wider one", got, err, plain)
	}
	ones, err := ClusteredWilson([]float64{1, 1, 1, 1}, []string{"a", "a", "b", "b"}, 0.95)
	two, _ := Wilson(2, 2, 0.95)
	if err != nil || math.Abs(ones.Lo-two.Lo) > 1e-12 {
		t.Errorf("two clusters of ones: %v, %v, want %v", ones, err, two)
	}
}

func TestPooling(t *testing.T) {
	p := []float64{0.5, 0.001, 0.2, 0.9}
	holm, bh := Holm(p), BenjaminiHochberg(p)
	for i := range p {
		if holm[i] < p[i] || bh[i] < p[i] || holm[i] < bh[i] || holm[i] > 1 {
			t.Errorf("p %v: holm %v, bh %v", p[i], holm[i], bh[i])
		}
	}
	if len(Holm(nil)) != 0 || Holm([]float64{0.3})[0] != 0.3 {
		t.Error("families of none and one")
	}
}

// Type-I error of "not inferior" exactly at the margin, and coverage of Tango's
// interval: the note's table has 4.2 % for n=100, m=2 points, ψ=5 %.
func TestTypeIError(t *testing.T) {
	const rounds = 4000
	for _, tt := range []struct {
		n           int
		margin, psi float64
		want        float64 // the note's simulation
	}{{50, .05, .10, .036}, {100, .02, .05, .042}, {164, .02, .06, .050}} {
		g := NewGenerator(uint64(tt.n))
		pb, pc := (tt.psi+tt.margin)/2, (tt.psi-tt.margin)/2 // E[b−c]/n = margin
		var passed int
		for range rounds {
			p := Pairs{N: tt.n}
			for range tt.n {
				switch u := g.Float64(); {
				case u < pb:
					p.B++
				case u < pb+pc:
					p.C++
				}
			}
			if p.TangoZ(tt.margin) < -1.6448536269514722 { // = upper 90 % limit below the margin
				passed++
			}
		}
		got := float64(passed) / rounds
		if math.Abs(got-tt.want) > 0.012 {
			t.Errorf("n=%d m=%v ψ=%v: %.1f %% wrong passes, want about %.1f %%", tt.n, tt.margin, tt.psi, 100*got, 100*tt.want)
		}
	}
}

func TestBetting(t *testing.T) {
	const rounds, n, margin = 150, 1319, 0.02
	for _, tt := range []struct {
		name       string
		psi, delta float64
		population int
		pass       [2]float64 // bounds of the share of PASS
		breach     [2]float64
	}{
		{"equal, new samples", .06, 0, 0, [2]float64{.5, .78}, [2]float64{0, .02}},
		{"equal, completion", .06, 0, n, [2]float64{.97, 1}, [2]float64{0, .03}},
		{"bad, new samples", .06, .06, 0, [2]float64{0, .02}, [2]float64{.99, 1}},
		{"at the margin", .06, .02, 0, [2]float64{0, .08}, [2]float64{0, .08}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			g := NewGenerator(11)
			var passed, breached int
			for range rounds {
				d := differences(g, n, tt.psi, tt.delta, tt.population > 0)
				ni, err := NonInferiority(margin, tt.population)
				if err != nil {
					t.Fatal(err)
				}
				br, _ := Breach(margin, tt.population)
				for _, x := range d {
					e, err := ni.Observe(x)
					f, _ := br.Observe(x)
					if err != nil {
						t.Fatal(err)
					}
					if e >= 20 {
						passed++
						break
					}
					if f >= 20 {
						breached++
						break
					}
				}
			}
			pass, breach := float64(passed)/rounds, float64(breached)/rounds
			if pass < tt.pass[0] || pass > tt.pass[1] || breach < tt.breach[0] || breach > tt.breach[1] {
				t.Errorf("PASS %.0f %%, BREACH %.0f %%, want within %v and %v", 100*pass, 100*breach, tt.pass, tt.breach)
			}
		})
	}
}

// differences draws n of −1, 0, 1; exact makes a benchmark whose mean is delta,
// in random order.
func differences(g *Generator, n int, psi, delta float64, exact bool) []float64 {
	d := make([]float64, n)
	pb, pc := (psi+delta)/2, (psi-delta)/2
	for i := range d {
		u := g.Float64()
		if exact {
			u = (float64(i) + 0.5) / float64(n)
		}
		switch {
		case u < pb:
			d[i] = 1
		case u < pb+pc:
			d[i] = -1
		}
	}
	for i := len(d) - 1; exact && i > 0; i-- {
		j := g.IntN(i + 1)
		d[i], d[j] = d[j], d[i]
	}
	return d
}

func TestBettingCompletion(t *testing.T) {
	b, _ := NonInferiority(0.5, 4)
	var e float64
	for range 3 {
		e, _ = b.Observe(0)
	}
	if !math.IsInf(e, 1) { // the last one would have to be 2
		if e, _ = b.Observe(0); !math.IsInf(e, 1) {
			t.Errorf("all of the benchmark seen, mean 0 below 0.5: e = %v", e)
		}
	}
	if _, err := b.Observe(2); !errors.Is(err, ErrDomain) {
		t.Errorf("difference of 2: %v", err)
	}
	got, _ := DiscordantE(5, 0) // 2^5·B(5.5, 0.5)/π = 32·63/256
	near(t, "discordant e-value", got, 32*63.0/256)
}
