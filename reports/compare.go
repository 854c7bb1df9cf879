package reports

import (
	"errors"
	"fmt"
	"hash/fnv"
	"math"

	"github.com/ailiance/lorabench"
	"github.com/ailiance/lorabench/reports/stats"
)

// Settings of all comparisons, stated in the reports.
const (
	power            = 0.80 // of detectable lifts and sample sizes
	significance     = 0.05 // two-sided, of detectable lifts
	bootstrapBelow   = 200  // pairs: fewer, of scores that are not 0 or 1, are bootstrapped
	bootstrapAtLeast = 10   // pairs: fewer are left to t
	fewClusters      = 20   // fewer: p-values from flipping whole clusters
)

// Comparison is the paired difference of two variants in one metric, on the
// samples that both have a score for.
type Comparison struct {
	Task    string           `json:"task"`
	Base    string           `json:"base"`
	Variant string           `json:"variant"`
	Metric  lorabench.Metric `json:"metric"`
	Primary bool             `json:"primary"`

	// Invalid says why the arms must not be compared; then there is no lift.
	Invalid []string `json:"invalid"`
	// Unproven says why a lift, which is there, is no evidence: the measurements
	// are imported. No gate passes on it.
	Unproven []string `json:"unproven,omitempty"`

	N        int      `json:"n"`        // pairs
	Clusters int      `json:"clusters"` // N where each sample is its own
	Dropped  Dropped  `json:"dropped"`
	BaseOn   *float64 `json:"base_value"`    // on the pairs
	On       *float64 `json:"variant_value"` // on the pairs
	Lift     *float64 `json:"lift"`          // variant − base, in the metric's unit

	CI95   *stats.Interval `json:"ci95"` // of the lift
	CI90   *stats.Interval `json:"ci90"`
	Method string          `json:"method,omitempty"` // of the intervals
	Reason string          `json:"reason,omitempty"` // why there is no lift or no interval

	Flips      *Flips   `json:"flips"`     // of scores that are 0 or 1
	Unchanged  bool     `json:"unchanged"` // no pair's scores differ
	P          *float64 `json:"p"`         // two-sided, of no difference
	PMethod    string   `json:"p_method,omitempty"`
	Adjusted   *float64 `json:"p_adjusted"` // for all tasks of the variant
	Adjustment string   `json:"adjustment,omitempty"`
	MDE        *float64 `json:"mde"` // smallest lift that these pairs detect: two-sided .05, power .80
	Seed       uint32   `json:"seed"`

	// WorstCase is the lift if every sample with a score in one arm only spoke
	// against the variant; nil where there is none or the metric has no bounds.
	WorstCase *float64         `json:"worst_case"`
	Floor     *lorabench.Floor `json:"floor"`
	// UnderFloor: better than the base, yet not better than a null output, so no lift.
	UnderFloor bool `json:"under_floor"`

	damage   spread    // base − variant where higher is better, else variant − base
	worst    spread    // the same with the worst case filled in; nil where nothing is missing
	variance float64   // of one pair's damage
	deltas   []float64 // damage by pair, for the permutation test
}

// Dropped counts samples that are not pairs.
type Dropped struct {
	OnlyBase        int `json:"only_base"`        // not measured in the variant: its budget ended
	OnlyVariant     int `json:"only_variant"`     // not measured in the base
	UnscoredBase    int `json:"unscored_base"`    // measured in both, no score in the base
	UnscoredVariant int `json:"unscored_variant"` // measured in both, no score in the variant
	UnscoredBoth    int `json:"unscored_both"`
}

// OneSided returns how many samples were measured in both arms and have a score
// in one only: what is missing may depend on the variant.
func (d Dropped) OneSided() int { return d.UnscoredBase + d.UnscoredVariant }

// Flips are the samples whose answer changed between right and wrong.
type Flips struct {
	Lost        []string `json:"lost"`   // only the base is right: b
	Gained      []string `json:"gained"` // only the variant is right: c
	Discordance float64  `json:"psi"`    // (b+c)/n
}

// Better reports whether the lift is in the better direction.
func (c *Comparison) Better() bool {
	return c.Lift != nil && better(c.Metric, *c.Lift, 0)
}

// sign is +1 where higher is better: damage = sign·(base − variant).
func sign(m lorabench.Metric) float64 {
	if m.Better == lorabench.Lower {
		return -1
	}
	return 1
}

// lift turns an interval of the damage into one of the lift.
func lift(m lorabench.Metric, damage stats.Interval) stats.Interval {
	if m.Better == lorabench.Lower {
		return damage
	}
	return damage.Negate()
}

// Compare computes the paired difference of two measurements of one task in
// metric: variants of one run, or runs. p-values are not adjusted.
func Compare(base, variant *MeasurementData, metric lorabench.Metric) *Comparison {
	c := &Comparison{
		Task: base.Task.Name, Base: base.Variant.Name, Variant: variant.Variant.Name, Metric: metric,
		Primary: len(base.Task.Metrics) > 0 && base.Task.Metrics[0].Name == metric.Name,
		Invalid: incomparable(base, variant, metric), Seed: seed(base.Task.Name, metric.Name, base.Variant.Name, variant.Variant.Name),
	}
	for _, m := range []*MeasurementData{base, variant} {
		if m.Imported() {
			c.Unproven = append(c.Unproven, m.Variant.Name+": "+lorabench.Imported)
		}
	}
	if floor, ok := base.Task.Floors[metric.Name]; ok && finite(floor.Value) {
		c.Floor = &floor
	}
	p, filled := pairUp(base, variant, metric, c)
	c.N = len(p.ids)
	if len(c.Invalid) > 0 {
		c.Reason = "not comparable: " + c.Invalid[0]
		return c
	}
	if c.N == 0 {
		c.Reason = "no sample has a score in both arms"
		return c
	}
	c.Clusters = stats.Clusters(p.clusters, c.N)
	c.differ(p)
	if c.Lift != nil && filled != nil {
		c.fillWorst(filled)
	}
	return c
}

// seed is stable: of the names of what is compared.
func seed(names ...string) uint32 {
	h := fnv.New32a()
	for _, n := range names {
		h.Write([]byte(n)) // never fails
		h.Write([]byte{0})
	}
	return h.Sum32()
}

// pairs holds the scores of both arms on the same samples, in the order of the dataset.
type pairs struct {
	ids, clusters []string
	base, variant arm
}

func (p *pairs) add(r *lorabench.SampleResult, base, variant lorabench.Score) {
	p.ids = append(p.ids, r.SampleID)
	p.clusters = append(p.clusters, r.Cluster)
	p.base.values = append(p.base.values, base.Value)
	p.base.weights = append(p.base.weights, base.Weight)
	p.variant.values = append(p.variant.values, variant.Value)
	p.variant.weights = append(p.variant.weights, variant.Weight)
}

// pairUp pairs the scores and counts what it drops in c. filled is the same with
// the worst case in place of scores that one arm lacks; nil where none lacks.
func pairUp(base, variant *MeasurementData, metric lorabench.Metric, c *Comparison) (p, filled *pairs) {
	others := make(map[string]*lorabench.SampleResult, len(variant.Results))
	for i := range variant.Results {
		others[variant.Results[i].SampleID] = &variant.Results[i]
	}
	best, worst := lorabench.Score{Value: 1, Weight: 1}, lorabench.Score{Value: 0, Weight: 1}
	if metric.Better == lorabench.Lower {
		best, worst = worst, best
	}
	p, filled = &pairs{}, &pairs{}
	common := 0
	for _, r := range byIndex(base.Results) {
		other, ok := others[r.SampleID]
		if !ok {
			c.Dropped.OnlyBase++
			continue
		}
		common++
		a, b := scoreOf(r, metric.Name), scoreOf(other, metric.Name)
		noA, noB := unscoredReason(a) != "", unscoredReason(b) != ""
		switch {
		case noA && noB:
			c.Dropped.UnscoredBoth++
		case noA:
			c.Dropped.UnscoredBase++
			filled.add(r, best, b)
		case noB:
			c.Dropped.UnscoredVariant++
			filled.add(r, a, worst)
		default:
			p.add(r, a, b)
			filled.add(r, a, b)
		}
	}
	c.Dropped.OnlyVariant = len(variant.Results) - common
	if c.Dropped.OneSided() == 0 {
		filled = nil
	}
	return p, filled
}

// differ computes lift, intervals, flips and tests of the pairs.
func (c *Comparison) differ(p *pairs) {
	base, err := p.base.aggregate(c.Metric)
	if err != nil {
		c.Reason = err.Error()
		return
	}
	variant, err := p.variant.aggregate(c.Metric)
	if err != nil {
		c.Reason = err.Error()
		return
	}
	difference := variant - base
	c.BaseOn, c.On, c.Lift = &base, &variant, &difference
	c.UnderFloor = c.Floor != nil && c.Better() && !better(c.Metric, variant, c.Floor.Value)

	binary := c.Metric.Binary && p.base.binary() && p.variant.binary()
	if binary {
		c.Flips = flips(p, c.Metric)
	}
	c.Unchanged = true
	c.deltas = make([]float64, c.N)
	for i := range p.ids {
		c.deltas[i] = sign(c.Metric) * (p.base.values[i] - p.variant.values[i])
		c.Unchanged = c.Unchanged && c.deltas[i] == 0 && p.base.weights[i] == p.variant.weights[i]
	}
	c.test(p, binary)

	c.damage, c.Method, err = newSpread(p, c.Metric, uint64(c.Seed))
	if err != nil {
		c.Reason = "no interval: " + err.Error()
		return
	}
	ci95, ci90 := lift(c.Metric, c.damage.interval(0.95)), lift(c.Metric, c.damage.interval(0.90))
	c.CI95, c.CI90 = &ci95, &ci90
	if se := c.standardError(p, binary); se > 0 {
		mde := stats.MDE(se, significance, power)
		c.MDE = &mde
		c.variance = se * se * float64(c.N)
	}
}

// standardError returns the paired standard error of the lift, 0 where it cannot
// be told. Where no 0/1 answer changed, one change is assumed: the samples do not
// show that there are none.
func (c *Comparison) standardError(p *pairs, binary bool) float64 {
	n := float64(c.N)
	if binary && c.Clusters == c.N {
		changed := max(len(c.Flips.Lost)+len(c.Flips.Gained), 1)
		return math.Sqrt(float64(changed)) / n
	}
	e, err := linear(p, c.Metric)
	if err != nil {
		return 0
	}
	if e.SE == 0 && binary {
		return 1 / float64(c.Clusters)
	}
	return e.SE
}

func flips(p *pairs, m lorabench.Metric) *Flips {
	f := &Flips{Lost: []string{}, Gained: []string{}}
	for i, id := range p.ids {
		switch d := sign(m) * (p.base.values[i] - p.variant.values[i]); {
		case d > 0:
			f.Lost = append(f.Lost, id)
		case d < 0:
			f.Gained = append(f.Gained, id)
		}
	}
	f.Discordance = float64(len(f.Lost)+len(f.Gained)) / float64(len(p.ids))
	return f
}

// test fills in the two-sided p-value: McNemar's exact test for 0/1 scores,
// else sign flips, of whole clusters where there are clusters.
func (c *Comparison) test(p *pairs, binary bool) {
	clustered := c.Clusters < c.N
	if binary && !clustered {
		p := stats.Pairs{B: len(c.Flips.Lost), C: len(c.Flips.Gained), N: c.N}.McNemar().TwoSided
		c.P, c.PMethod = &p, "McNemar, exact"
		return
	}
	deltas := c.deltas
	if c.Metric.Aggregate != lorabench.Mean && !equal(p.base.weights, p.variant.weights) {
		deltas = difference(p, c.Metric) // weights differ: what each sample moves the lift by
	}
	t, err := stats.SignFlip(stats.ClusterSums(deltas, p.clusters), uint64(c.Seed), stats.Resamples)
	if err != nil {
		return
	}
	c.P, c.PMethod = &t.TwoSided, "sign flips"
	if clustered {
		c.PMethod += " of clusters"
	}
	if t.Exact {
		c.PMethod += ", exact"
	}
}

func equal(a, b []float64) bool {
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

// fillWorst computes the worst case of samples that one arm has no score for.
func (c *Comparison) fillWorst(filled *pairs) {
	if c.Metric.Aggregate != lorabench.Mean || !filled.base.bounded() || !filled.variant.bounded() {
		return
	}
	base, errBase := filled.base.aggregate(c.Metric)
	variant, errVariant := filled.variant.aggregate(c.Metric)
	worst, _, err := newSpread(filled, c.Metric, uint64(c.Seed))
	if errBase != nil || errVariant != nil || err != nil {
		return
	}
	w := variant - base
	c.WorstCase, c.worst = &w, worst
}

// incomparable says why two measurements must not be compared: what of their
// identity differs, which prompts, an adapter that is not proven applied, or
// samples that are missing though nothing stopped the measurement.
func incomparable(base, variant *MeasurementData, metric lorabench.Metric) []string {
	reasons := []string{}
	say := func(format string, args ...any) { reasons = append(reasons, fmt.Sprintf(format, args...)) }
	for _, m := range []*MeasurementData{base, variant} {
		if why := unproven(m.Variant); why != "" && !m.Imported() {
			say("%s", why)
		}
		switch {
		case m.Status == lorabench.Failed:
			say("%s: the measurement failed", m.Variant.Name)
		case m.Status == lorabench.Done && len(m.Results) < m.Total:
			say("%s: %d of %d samples are missing", m.Variant.Name, m.Total-len(m.Results), m.Total)
		}
	}
	for _, f := range []struct{ what, a, b string }{
		{"task", base.Task.Name, variant.Task.Name},
		{"task version", base.Task.Version, variant.Task.Version},
		{"task settings", base.Identity.Task, variant.Identity.Task},
		{"dataset", base.Identity.Dataset, variant.Identity.Dataset},
		{"base weights", base.Identity.Base, variant.Identity.Base},
		{"tokenizer", base.Identity.Tokenizer, variant.Identity.Tokenizer},
		{"chat template", base.Identity.Template, variant.Identity.Template},
		{"engine", base.Identity.Engine, variant.Identity.Engine},
		{"arithmetic", base.Identity.Arithmetic, variant.Identity.Arithmetic},
	} {
		if f.a != f.b {
			say("%s differs: %s has %q, %s has %q", f.what, base.Variant.Name, f.a, variant.Variant.Name, f.b)
		}
	}
	a, okA := base.metricOf(metric.Name)
	b, okB := variant.metricOf(metric.Name)
	if !okA || !okB || a.Aggregate != b.Aggregate || a.Unit != b.Unit || a.Better != b.Better || a.Binary != b.Binary {
		say("metric %s is not the same in both", metric.Name)
	}
	if why := differentHashes(base, variant); why != "" {
		say("%s", why)
	}
	return reasons
}

// unproven says why an adapter may not be taken as applied (law 2), "" where it is.
func unproven(v lorabench.Variant) string {
	switch {
	case v.IsBase():
		return ""
	case v.Proof == nil:
		return fmt.Sprintf("%s: no proof is stored that the adapter was applied", v.Name)
	case !v.Proof.Applied && v.Proof.Reason == "":
		return fmt.Sprintf("%s: the adapter was not applied", v.Name)
	case !v.Proof.Applied:
		return v.Proof.Reason
	}
	return ""
}

// differentHashes names the samples that were not asked the same in both arms.
func differentHashes(base, variant *MeasurementData) string {
	others := make(map[string]*lorabench.SampleResult, len(variant.Results))
	for i := range variant.Results {
		others[variant.Results[i].SampleID] = &variant.Results[i]
	}
	var docs, prompts, common int
	first := ""
	for _, r := range byIndex(base.Results) {
		other, ok := others[r.SampleID]
		if !ok {
			continue
		}
		common++
		doc, prompt := r.DocHash != other.DocHash, r.PromptHash != other.PromptHash
		if doc {
			docs++
		}
		if prompt {
			prompts++
		}
		if first == "" && (doc || prompt) {
			first = r.SampleID
		}
	}
	switch {
	case prompts > 0:
		return fmt.Sprintf("prompts differ on %d of %d samples, first %s", prompts, common, first)
	case docs > 0:
		return fmt.Sprintf("documents differ on %d of %d samples, first %s", docs, common, first)
	}
	return ""
}

// spread is what is known of the damage: an estimate that intervals and one-sided
// p-values follow from, so that they agree with each other.
type spread interface {
	interval(level float64) stats.Interval
	pGreater(bound float64) float64 // of the hypothesis: at most bound
	pLess(bound float64) float64    // of the hypothesis: at least bound
}

// newSpread chooses the method by the scores:
//
//   - 0/1, each sample on its own: Tango's score interval;
//   - 10 to 199 pairs on their own: BCa bootstrap;
//   - else t with the paired, clustered standard error, by the delta method for
//     ratios;
//   - scores in [0, 1] whose differences do not vary: Tango's, with a pair a
//     cluster, for differences that agree prove no width of 0.
func newSpread(p *pairs, m lorabench.Metric, seed uint64) (spread, string, error) {
	n := len(p.ids)
	G := stats.Clusters(p.clusters, n)
	if m.Binary && p.base.binary() && p.variant.binary() && G == n {
		return newScore(p, m, n), "Tango", nil
	}
	e, err := linear(p, m)
	if err != nil {
		return nil, "", err
	}
	if e.SE == 0 {
		if m.Aggregate == lorabench.Mean && p.base.bounded() && p.variant.bounded() {
			return newScore(p, m, G), "Tango, differences that agree", nil
		}
		_, err := e.Interval(0.95)
		return nil, "", err
	}
	if G == n && n >= bootstrapAtLeast && n < bootstrapBelow {
		b, err := stats.Bootstrap(n, nil, seed, stats.Resamples, func(indices []int) float64 { return damageOn(p, m, indices) })
		if err == nil {
			return bootstrapped{b}, "BCa bootstrap", nil
		}
		if !errors.Is(err, stats.ErrNoSpread) {
			return nil, "", err
		}
	}
	method := "t, paired"
	if m.Aggregate != lorabench.Mean {
		method += ", delta method"
	}
	return student{e}, method + clusterNote(G < n), nil
}

// linear estimates the damage from what each sample moves it by.
func linear(p *pairs, m lorabench.Metric) (stats.Estimate, error) {
	base, err := p.base.aggregate(m)
	if err != nil {
		return stats.Estimate{}, err
	}
	variant, err := p.variant.aggregate(m)
	if err != nil {
		return stats.Estimate{}, err
	}
	return stats.Linear(sign(m)*(base-variant), difference(p, m), p.clusters)
}

// difference returns what each sample moves the damage by.
func difference(p *pairs, m lorabench.Metric) []float64 {
	u, v := p.base.influence(m), p.variant.influence(m)
	for i := range u {
		u[i] = sign(m) * (u[i] - v[i])
	}
	return u
}

// damageOn computes the damage on a resample: both arms at the same indices.
func damageOn(p *pairs, m lorabench.Metric, indices []int) float64 {
	on := func(a arm) float64 {
		var values, weights float64
		for _, i := range indices {
			values += a.values[i]
			weights += a.weights[i]
		}
		switch m.Aggregate {
		case lorabench.Ratio:
			return values / weights
		case lorabench.ExpRatio:
			return math.Exp(values / weights)
		}
		return values / float64(len(indices))
	}
	return sign(m) * (on(p.base) - on(p.variant))
}

// student is a spread by t.
type student struct{ e stats.Estimate }

func (s student) interval(level float64) stats.Interval {
	i, err := s.e.Interval(level)
	if err != nil {
		panic("reports: t interval of an estimate without spread") // newSpread looked
	}
	return i
}
func (s student) pGreater(bound float64) float64 { return s.e.PGreater(bound) }
func (s student) pLess(bound float64) float64    { return s.e.PLess(bound) }

// bootstrapped is a spread by BCa.
type bootstrapped struct{ b *stats.Bootstrapped }

func (s bootstrapped) interval(level float64) stats.Interval { return s.b.BCa(level) }
func (s bootstrapped) pGreater(bound float64) float64        { return s.b.PGreater(bound) }
func (s bootstrapped) pLess(bound float64) float64           { return s.b.PLess(bound) }

// score is a spread by Tango's test; counts need not be whole.
type score struct{ b, c, n float64 }

// newScore counts what was lost and gained, scaled to n pairs.
func newScore(p *pairs, m lorabench.Metric, n int) score {
	var s score
	for i := range p.ids {
		if d := sign(m) * (p.base.values[i] - p.variant.values[i]); d > 0 {
			s.b += d
		} else {
			s.c -= d
		}
	}
	scale := float64(n) / float64(len(p.ids))
	return score{s.b * scale, s.c * scale, float64(n)}
}

func (s score) interval(level float64) stats.Interval {
	return stats.FractionalTango(s.b, s.c, s.n, level)
}

func (s score) pGreater(bound float64) float64 { return stats.NormalCDF(-s.z(bound)) }
func (s score) pLess(bound float64) float64    { return stats.NormalCDF(s.z(bound)) }

// z keeps the hypothesis inside (−1, 1), where the test is defined.
func (s score) z(bound float64) float64 {
	return stats.FractionalTangoZ(s.b, s.c, s.n, min(max(bound, -1+1e-12), 1-1e-12))
}
