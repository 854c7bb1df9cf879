package circuit

import (
	"fmt"
	"math"
	"sort"
)

// trace is a signal over the sweep's value or over time, in rising order of x.
type trace struct{ x, y []float64 }

// response is a signal over frequency.
type response struct {
	f []float64 // hertz
	h []complex128
}

// failed is why a measurement cannot be made.
type failed string

func (f failed) Error() string { return string(f) }

// measureKind is a kind of measurements.
type measureKind struct {
	analyses []string
	needs    []string // keys of Measure
	takes    []string // further ones
	trace    func(m *Measure, y, when trace) (float64, error)
	response func(m *Measure, r response) (float64, error)
}

var (
	sweeps = []string{"dc", "tran"}
	times  = []string{"tran"}
	acs    = []string{"ac"}
	window = []string{"from", "to"}
	pair   = []string{"from", "to"}
)

// measureKinds is constant. docs/scorers/spice_sim.md says what each is.
var measureKinds = map[string]measureKind{
	"value":          {analyses: []string{"op", "dc", "tran"}, trace: func(m *Measure, y, _ trace) (float64, error) { return y.value(m) }},
	"mean":           {analyses: sweeps, takes: window, trace: windowed(trace.mean)},
	"rms":            {analyses: sweeps, takes: window, trace: windowed(trace.rms)},
	"min":            {analyses: sweeps, takes: window, trace: windowed(func(t trace) float64 { lo, _ := t.extremes(); return lo })},
	"max":            {analyses: sweeps, takes: window, trace: windowed(func(t trace) float64 { _, hi := t.extremes(); return hi })},
	"pp":             {analyses: sweeps, takes: window, trace: windowed(func(t trace) float64 { lo, hi := t.extremes(); return hi - lo })},
	"amplitude":      {analyses: times, takes: window, trace: windowed(func(t trace) float64 { lo, hi := t.extremes(); return (hi - lo) / 2 })},
	"slope":          {analyses: sweeps, needs: pair, trace: slope},
	"crossing":       {analyses: sweeps, needs: []string{"level"}, takes: []string{"edge", "n", "from", "to"}, trace: crossing},
	"at_crossing":    {analyses: sweeps, needs: []string{"when", "when_level"}, takes: []string{"when_edge", "n", "from", "to"}, trace: atCrossing},
	"delay":          {analyses: times, needs: []string{"level", "when", "when_level"}, takes: []string{"edge", "when_edge", "n", "from", "to"}, trace: delay},
	"frequency":      {analyses: times, takes: []string{"level", "from", "to"}, trace: frequency},
	"periods_spread": {analyses: times, takes: []string{"level", "from", "to"}, trace: periodsSpread},
	"duty":           {analyses: times, takes: []string{"level", "from", "to"}, trace: duty},
	"sustain":        {analyses: times, takes: window, trace: sustain},
	"rise":           {analyses: times, needs: pair, trace: edgeTime(+1)},
	"fall":           {analyses: times, needs: pair, trace: edgeTime(-1)},
	"settle":         {analyses: times, needs: []string{"level", "from", "to"}, trace: settle},
	"overshoot":      {analyses: times, needs: pair, trace: overshoot},
	"thd":            {analyses: times, needs: []string{"at"}, takes: window, trace: distortion},

	"gain":           {analyses: acs, needs: []string{"at"}, response: func(m *Measure, r response) (float64, error) { return math.Pow(10, r.db(*m.At)/20), nil }},
	"gain_db":        {analyses: acs, needs: []string{"at"}, response: func(m *Measure, r response) (float64, error) { return r.db(*m.At), nil }},
	"signed_gain":    {analyses: acs, needs: []string{"at"}, response: signedGain},
	"phase":          {analyses: acs, needs: []string{"at"}, response: func(m *Measure, r response) (float64, error) { return degrees(r.at(*m.At)), nil }},
	"max_db":         {analyses: acs, takes: window, response: inWindow(func(r response) float64 { _, hi := r.extremes(); return hi })},
	"min_db":         {analyses: acs, takes: window, response: inWindow(func(r response) float64 { lo, _ := r.extremes(); return lo })},
	"ripple_db":      {analyses: acs, takes: window, response: inWindow(func(r response) float64 { lo, hi := r.extremes(); return hi - lo })},
	"corner":         {analyses: acs, needs: []string{"edge"}, takes: []string{"drop", "reference", "from", "to"}, response: func(m *Measure, r response) (float64, error) { return r.window(m).corner(m, m.Edge) }},
	"bandwidth":      {analyses: acs, takes: []string{"drop", "reference", "from", "to"}, response: band(func(lo, hi float64) float64 { return hi - lo })},
	"q":              {analyses: acs, takes: []string{"drop", "reference", "from", "to"}, response: band(func(lo, hi float64) float64 { return math.Sqrt(lo*hi) / (hi - lo) })},
	"centre":         {analyses: acs, takes: []string{"drop", "reference", "from", "to"}, response: band(func(lo, hi float64) float64 { return math.Sqrt(lo * hi) })},
	"peak":           {analyses: acs, takes: window, response: func(m *Measure, r response) (float64, error) { return r.window(m).peak(+1) }},
	"notch":          {analyses: acs, takes: window, response: func(m *Measure, r response) (float64, error) { return r.window(m).peak(-1) }},
	"notch_depth_db": {analyses: acs, needs: []string{"reference"}, takes: window, response: notchDepth},
	"slope_db":       {analyses: acs, needs: pair, response: slopeDB},
	"unity":          {analyses: acs, takes: []string{"level"}, response: func(m *Measure, r response) (float64, error) { return r.unity(m) }},
	"phase_margin":   {analyses: acs, takes: []string{"level"}, response: phaseMargin},
}

func windowed(f func(trace) float64) func(*Measure, trace, trace) (float64, error) {
	return func(m *Measure, y, _ trace) (float64, error) { return f(y.window(m)), nil }
}

func inWindow(f func(response) float64) func(*Measure, response) (float64, error) {
	return func(m *Measure, r response) (float64, error) { return f(r.window(m)), nil }
}

// at interpolates between points; outside it is the end's value.
func (t trace) at(x float64) float64 {
	i := sort.SearchFloat64s(t.x, x)
	switch {
	case i == 0:
		return t.y[0]
	case i == len(t.x):
		return t.y[i-1]
	}
	return between(x, t.x[i-1], t.x[i], t.y[i-1], t.y[i])
}

// between interpolates linearly.
func between(x, x0, x1, y0, y1 float64) float64 {
	if x1 == x0 {
		return y1
	}
	return y0 + (y1-y0)*((x-x0)/(x1-x0))
}

// window cuts the trace to m's window, with points of its own at the ends.
func (t trace) window(m *Measure) trace {
	from, to := t.x[0], t.x[len(t.x)-1]
	if m.From != nil {
		from = math.Max(from, *m.From)
	}
	if m.To != nil {
		to = math.Min(to, *m.To)
	}
	if to < from {
		to = from
	}
	out := trace{[]float64{from}, []float64{t.at(from)}}
	for i := sort.SearchFloat64s(t.x, from); i < len(t.x) && t.x[i] < to; i++ {
		if t.x[i] > from {
			out.x, out.y = append(out.x, t.x[i]), append(out.y, t.y[i])
		}
	}
	return trace{append(out.x, to), append(out.y, t.at(to))}
}

func (t trace) value(m *Measure) (float64, error) {
	if m.At == nil {
		return t.y[len(t.y)-1], nil // an operating point
	}
	return t.at(*m.At), nil
}

// integral of f(y) over x, by trapezoids.
func (t trace) integral(f func(float64) float64) float64 {
	sum := 0.0
	for i := 1; i < len(t.x); i++ {
		sum += float64((t.x[i]-t.x[i-1])*(f(t.y[i])+f(t.y[i-1]))) / 2
	}
	return sum
}

func (t trace) length() float64 { return t.x[len(t.x)-1] - t.x[0] }

func (t trace) mean() float64 {
	if t.length() == 0 {
		return t.y[0]
	}
	return t.integral(func(y float64) float64 { return y }) / t.length()
}

func (t trace) rms() float64 {
	if t.length() == 0 {
		return math.Abs(t.y[0])
	}
	return math.Sqrt(t.integral(func(y float64) float64 { return y * y }) / t.length())
}

func (t trace) extremes() (least, most float64) {
	least, most = t.y[0], t.y[0]
	for _, y := range t.y {
		least, most = math.Min(least, y), math.Max(most, y)
	}
	return least, most
}

func slope(m *Measure, y, _ trace) (float64, error) {
	return (y.at(*m.To) - y.at(*m.From)) / (*m.To - *m.From), nil
}

// cross returns x of the n-th crossing of a level.
func (t trace) cross(level float64, edge string, n int) (float64, bool) {
	for i := 1; i < len(t.x); i++ {
		a, b := t.y[i-1], t.y[i]
		up := a < level && b >= level
		down := a > level && b <= level
		if up && edge != "falling" || down && edge != "rising" {
			if n--; n <= 0 {
				return between(level, a, b, t.x[i-1], t.x[i]), true
			}
		}
	}
	return 0, false
}

func crossing(m *Measure, y, _ trace) (float64, error) {
	x, ok := y.window(m).cross(*m.Level, m.Edge, m.N)
	if !ok {
		return 0, failed(fmt.Sprintf("never crosses %.4g", *m.Level))
	}
	return x, nil
}

func atCrossing(m *Measure, y, when trace) (float64, error) {
	x, ok := when.window(m).cross(*m.WhenLevel, m.WhenEdge, m.N)
	if !ok {
		return 0, failed(fmt.Sprintf("%s never crosses %.4g", m.When, *m.WhenLevel))
	}
	return y.at(x), nil
}

func delay(m *Measure, y, when trace) (float64, error) {
	first, ok := when.window(m).cross(*m.WhenLevel, m.WhenEdge, m.N)
	if !ok {
		return 0, failed(fmt.Sprintf("%s never crosses %.4g", m.When, *m.WhenLevel))
	}
	second, ok := y.window(m).cross(*m.Level, m.Edge, m.N)
	if !ok {
		return 0, failed(fmt.Sprintf("never crosses %.4g", *m.Level))
	}
	return second - first, nil
}

// leastSwing of an oscillation, in the signal's unit.
const leastSwing = 1e-6

// periods returns where each period of the window begins: rising crossings of
// the level, between which the signal leaves a band of a tenth of its swing about
// it on both sides.
func periods(m *Measure, y trace) (trace, []float64, float64, error) {
	w := y.window(m)
	lo, hi := w.extremes()
	swing := hi - lo
	if !(swing > leastSwing) {
		return w, nil, 0, failed("no oscillation")
	}
	level := (hi + lo) / 2
	if m.Level != nil {
		level = *m.Level
	}
	var begins []float64
	armed, last := false, 0.0
	for i := 1; i < len(w.x); i++ {
		a, b := w.y[i-1], w.y[i]
		if b < level-swing/20 {
			armed = true
		}
		if a < level && b >= level {
			last = between(level, a, b, w.x[i-1], w.x[i])
		}
		if armed && b > level+swing/20 {
			armed = false
			begins = append(begins, last)
		}
	}
	if len(begins) < 4 {
		return w, nil, 0, failed(fmt.Sprintf("no oscillation: %d periods, want 3 or more", max(0, len(begins)-1)))
	}
	return w, begins, level, nil
}

func frequency(m *Measure, y, _ trace) (float64, error) {
	_, begins, _, err := periods(m, y)
	if err != nil {
		return 0, err
	}
	return float64(len(begins)-1) / (begins[len(begins)-1] - begins[0]), nil
}

func periodsSpread(m *Measure, y, _ trace) (float64, error) {
	_, begins, _, err := periods(m, y)
	if err != nil {
		return 0, err
	}
	least, most := math.Inf(1), 0.0
	for i := 1; i < len(begins); i++ {
		least, most = math.Min(least, begins[i]-begins[i-1]), math.Max(most, begins[i]-begins[i-1])
	}
	return (most - least) * float64(len(begins)-1) / (begins[len(begins)-1] - begins[0]), nil
}

func duty(m *Measure, y, _ trace) (float64, error) {
	w, begins, level, err := periods(m, y)
	if err != nil {
		return 0, err
	}
	first, last := begins[0], begins[len(begins)-1]
	w = w.window(&Measure{From: &first, To: &last})
	above := 0.0
	for i := 1; i < len(w.x); i++ {
		a, b := w.y[i-1]-level, w.y[i]-level
		dx := w.x[i] - w.x[i-1]
		switch {
		case a >= 0 && b >= 0:
			above += dx
		case a < 0 && b < 0:
		default:
			above += dx * math.Max(a, b) / math.Abs(a-b)
		}
	}
	return above / (last - first), nil
}

func sustain(m *Measure, y, _ trace) (float64, error) {
	w := y.window(m)
	middle := w.x[0] + w.length()/2
	first, second := w.window(&Measure{To: &middle}), w.window(&Measure{From: &middle})
	lo, hi := first.extremes()
	if !(hi-lo > leastSwing) {
		return 0, failed("no oscillation")
	}
	lo2, hi2 := second.extremes()
	return (hi2 - lo2) / (hi - lo), nil
}

func edgeTime(sign float64) func(*Measure, trace, trace) (float64, error) {
	return func(m *Measure, y, _ trace) (float64, error) {
		w := y.window(m)
		first, last := w.y[0], w.y[len(w.y)-1]
		if !(sign*(last-first) > leastSwing) {
			return 0, failed(fmt.Sprintf("no edge: from %.4g to %.4g", first, last))
		}
		edge := "rising"
		if sign < 0 {
			edge = "falling"
		}
		begin, ok := w.cross(first+0.1*(last-first), edge, 1)
		end, ok2 := w.cross(first+0.9*(last-first), edge, 1)
		if !ok || !ok2 {
			return 0, failed("no edge")
		}
		return end - begin, nil
	}
}

func settle(m *Measure, y, _ trace) (float64, error) {
	w := y.window(m)
	final := w.y[len(w.y)-1]
	at := w.x[0]
	for i := 1; i < len(w.x); i++ {
		a, b := math.Abs(w.y[i-1]-final)-*m.Level, math.Abs(w.y[i]-final)-*m.Level
		if a > 0 && b <= 0 {
			at = between(0, a, b, w.x[i-1], w.x[i])
		}
	}
	return at - w.x[0], nil
}

func overshoot(m *Measure, y, _ trace) (float64, error) {
	w := y.window(m)
	first, last := w.y[0], w.y[len(w.y)-1]
	if !(math.Abs(last-first) > leastSwing) {
		return 0, failed(fmt.Sprintf("no step: from %.4g to %.4g", first, last))
	}
	lo, hi := w.extremes()
	if last > first {
		return (hi - last) / (last - first), nil
	}
	return (last - lo) / (first - last), nil
}

// distortion integrates over the last whole periods of the window.
func distortion(m *Measure, y, _ trace) (float64, error) {
	w := y.window(m)
	f := *m.At
	if !(f > 0) {
		return 0, failed("no fundamental")
	}
	n := math.Floor(w.length()*f + 1e-6)
	if n < 1 {
		return 0, failed("less than a period")
	}
	end := w.x[len(w.x)-1]
	begin := math.Max(w.x[0], end-n/f)
	w = w.window(&Measure{From: &begin})
	var power [10]float64
	for k := 1; k <= 9; k++ {
		var re, im float64
		for i := 1; i < len(w.x); i++ {
			// A straight line between two points, its product with a sine at three.
			dx := w.x[i] - w.x[i-1]
			for _, p := range [3]struct{ at, weight float64 }{{0, 1.0 / 6}, {0.5, 4.0 / 6}, {1, 1.0 / 6}} {
				v := w.y[i-1] + float64(p.at*(w.y[i]-w.y[i-1]))
				sin, cos := math.Sincos(2 * math.Pi * f * float64(k) * (w.x[i-1] + float64(p.at*dx) - begin))
				re += float64(float64(v*cos) * float64(dx*p.weight))
				im += float64(float64(v*sin) * float64(dx*p.weight))
			}
		}
		power[k] = float64(re*re) + float64(im*im)
	}
	if !(power[1] > 0) {
		return 0, failed("no oscillation")
	}
	sum := 0.0
	for _, p := range power[2:] {
		sum += p
	}
	return math.Sqrt(sum / power[1]), nil
}

// leastDB stands for a gain of 0.
const leastDB = -400

func decibel(h complex128) float64 {
	return math.Max(leastDB, 20*math.Log10(math.Hypot(real(h), imag(h))))
}

func degrees(h complex128) float64 { return math.Atan2(imag(h), real(h)) * 180 / math.Pi }

// place returns where f lies between points i-1 and i, 0 to 1 in log f.
func (r response) place(f float64) (i int, w float64) {
	i = sort.SearchFloat64s(r.f, f)
	switch {
	case i == 0:
		if len(r.f) == 1 {
			return 0, 0
		}
		return 1, 0
	case i == len(r.f):
		if i == 1 {
			return 0, 0
		}
		return i - 1, 1
	}
	return i, math.Log(f/r.f[i-1]) / math.Log(r.f[i]/r.f[i-1])
}

// db returns the gain at f in decibels. Where the phase turns by more than 60°
// from one point to the next, as it does about a notch, decibels are no line, and
// the response itself nearly is one.
func (r response) db(f float64) float64 {
	i, w := r.place(f)
	if i == 0 {
		return decibel(r.h[0])
	}
	if math.Abs(wrap(degrees(r.h[i])-degrees(r.h[i-1]))) > 60 {
		return decibel(r.at(f))
	}
	return between(w, 0, 1, decibel(r.h[i-1]), decibel(r.h[i]))
}

// at returns the response at f.
func (r response) at(f float64) complex128 {
	i, w := r.place(f)
	if i == 0 {
		return r.h[0]
	}
	a, b := r.h[i-1], r.h[i]
	return complex(between(w, 0, 1, real(a), real(b)), between(w, 0, 1, imag(a), imag(b)))
}

// window cuts the response to m's window, with points of its own at the ends.
func (r response) window(m *Measure) response {
	from, to := r.f[0], r.f[len(r.f)-1]
	if m.From != nil {
		from = math.Max(from, *m.From)
	}
	if m.To != nil {
		to = math.Min(to, *m.To)
	}
	if to <= from {
		return response{[]float64{from}, []complex128{r.at(from)}}
	}
	point := func(f float64) complex128 { // keeps the interpolated gain
		h, db := r.at(f), r.db(f)
		if a := math.Hypot(real(h), imag(h)); a > 0 {
			g := math.Pow(10, db/20) / a
			return complex(real(h)*g, imag(h)*g)
		}
		return h
	}
	out := response{[]float64{from}, []complex128{point(from)}}
	for i := sort.SearchFloat64s(r.f, from); i < len(r.f) && r.f[i] < to; i++ {
		if r.f[i] > from {
			out.f, out.h = append(out.f, r.f[i]), append(out.h, r.h[i])
		}
	}
	return response{append(out.f, to), append(out.h, point(to))}
}

func (r response) extremes() (least, most float64) {
	least, most = math.Inf(1), math.Inf(-1)
	for _, h := range r.h {
		least, most = math.Min(least, decibel(h)), math.Max(most, decibel(h))
	}
	return least, most
}

func signedGain(m *Measure, r response) (float64, error) {
	return math.Copysign(math.Pow(10, r.db(*m.At)/20), real(r.at(*m.At))), nil
}

func slopeDB(m *Measure, r response) (float64, error) {
	return (r.db(*m.To) - r.db(*m.From)) / math.Log10(*m.To / *m.From), nil
}

// reference returns the gain that corners are counted from, and its frequency.
func (r response) reference(m *Measure) (db, f float64) {
	if m.Reference != nil {
		return r.db(*m.Reference), *m.Reference
	}
	best := 0
	for i, h := range r.h {
		if decibel(h) > decibel(r.h[best]) {
			best = i
		}
	}
	return decibel(r.h[best]), r.f[best]
}

// halfPower in decibels: a factor of √2.
const halfPower = 3.0102999566398120

func (r response) corner(m *Measure, edge string) (float64, error) {
	drop := halfPower
	if m.Drop > 0 {
		drop = m.Drop
	}
	ref, f0 := r.reference(m)
	if ref <= leastDB {
		return 0, failed("no signal")
	}
	level := ref - drop
	previous, at := ref, f0
	step := func(i int) (float64, bool) {
		if db := decibel(r.h[i]); db < level {
			if db == previous {
				return r.f[i], true
			}
			w := (previous - level) / (previous - db)
			return at * math.Pow(r.f[i]/at, w), true
		} else {
			previous, at = db, r.f[i]
		}
		return 0, false
	}
	if edge == "high" {
		for i := sort.SearchFloat64s(r.f, f0); i < len(r.f); i++ {
			if f, ok := step(i); ok {
				return f, nil
			}
		}
	} else {
		for i := sort.Search(len(r.f), func(i int) bool { return r.f[i] > f0 }) - 1; i >= 0; i-- {
			if f, ok := step(i); ok {
				return f, nil
			}
		}
	}
	return 0, failed("no " + edge + " corner in the band that is looked at")
}

func band(f func(lo, hi float64) float64) func(*Measure, response) (float64, error) {
	return func(m *Measure, r response) (float64, error) {
		w := r.window(m)
		lo, err := w.corner(m, "low")
		if err != nil {
			return 0, err
		}
		hi, err := w.corner(m, "high")
		if err != nil {
			return 0, err
		}
		if !(hi > lo) {
			return 0, failed("no band")
		}
		return f(lo, hi), nil
	}
}

// peak returns the frequency of the greatest (sign +1) or least (-1) gain, which
// must not be at an end: the top of a parabola through three points.
func (r response) peak(sign float64) (float64, error) {
	best := 0
	for i, h := range r.h {
		if sign*decibel(h) > sign*decibel(r.h[best]) {
			best = i
		}
	}
	if best == 0 || best == len(r.h)-1 {
		return 0, failed("the extreme is at the end of the band that is looked at")
	}
	x0, x1, x2 := math.Log(r.f[best-1]), math.Log(r.f[best]), math.Log(r.f[best+1])
	y0, y1, y2 := decibel(r.h[best-1]), decibel(r.h[best]), decibel(r.h[best+1])
	a := (y2-y1)/(x2-x1) - (y1-y0)/(x1-x0)
	if a == 0 {
		return r.f[best], nil
	}
	// Where the parabola through the three points is flat.
	slope := (y1 - y0) / (x1 - x0)
	x := (x0+x1)/2 - slope*(x2-x0)/(2*a)
	return math.Exp(math.Min(x2, math.Max(x0, x))), nil
}

func notchDepth(m *Measure, r response) (float64, error) {
	lo, _ := r.window(m).extremes()
	return r.db(*m.Reference) - lo, nil
}

// unity returns where the gain falls through Level first, going up.
func (r response) unity(m *Measure) (float64, error) {
	level := 0.0
	if m.Level != nil {
		level = 20 * math.Log10(*m.Level)
	}
	for i := 1; i < len(r.f); i++ {
		a, b := decibel(r.h[i-1]), decibel(r.h[i])
		if a > level && b <= level {
			return r.f[i-1] * math.Pow(r.f[i]/r.f[i-1], (a-level)/(a-b)), nil
		}
	}
	return 0, failed("the gain never falls through unity")
}

// phaseMargin unwraps the phase from the lowest frequency, where it counts as 0°
// or 180°, whichever is nearer.
func phaseMargin(m *Measure, r response) (float64, error) {
	f, err := r.unity(m)
	if err != nil {
		return 0, err
	}
	phase := degrees(r.h[0])
	if math.Abs(phase) > 90 { // inverting
		phase -= math.Copysign(180, phase)
	}
	previous := r.h[0]
	for i := 1; i < len(r.f); i++ {
		step := wrap(degrees(r.h[i]) - degrees(previous))
		if r.f[i] >= f {
			w := math.Log(f/r.f[i-1]) / math.Log(r.f[i]/r.f[i-1])
			return 180 + phase + step*w, nil
		}
		phase += step
		previous = r.h[i]
	}
	return 0, failed("the gain never falls through unity")
}

// wrap brings an angle into [-180, 180].
func wrap(degrees float64) float64 { return math.Remainder(degrees, 360) }
