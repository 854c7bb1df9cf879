package reports

import (
	"fmt"
	"slices"
	"strings"

	"github.com/ailiance/lorabench"
	"github.com/ailiance/lorabench/reports/stats"
)

// Outcome is what the gate says.
type Outcome string

// The outcomes.
const (
	Pass         Outcome = "PASS"         // shown not to be worse than the margin
	Breach       Outcome = "BREACH"       // shown to be worse than the margin
	Inconclusive Outcome = "INCONCLUSIVE" // neither: too few samples
	Invalid      Outcome = "INVALID"      // no evidence that counts
)

// ExitCode returns the program's exit code for an outcome.
func (o Outcome) ExitCode() int {
	switch o {
	case Pass:
		return 0
	case Breach:
		return 3
	case Inconclusive:
		return 4
	}
	return 5
}

// severity orders outcomes: a proven breach is worse than evidence that does not
// count, which is worse than too little of it.
func (o Outcome) severity() int {
	return slices.Index([]Outcome{Pass, Inconclusive, Invalid, Breach}, o)
}

// worse returns the more severe of two outcomes.
func worse(a, b Outcome) Outcome {
	if b.severity() > a.severity() {
		return b
	}
	return a
}

// Label says more about a verdict; labels never block.
type Label string

// The labels.
const (
	Improved     Label = "IMPROVED"       // better than the base, after Holm
	Unchanged    Label = "UNCHANGED"      // no sample's score differs
	ChangedButOK Label = "CHANGED-BUT-OK" // not worse than the margin, yet not the same
	UnderFloor   Label = "UNDER-FLOOR"    // better than the base, not than a null output: no lift
)

// Verdict is what the policy makes of one adapter on one task.
type Verdict struct {
	Adapter string           `json:"adapter"`
	Task    string           `json:"task"` // "" where the adapter was refused as a whole
	Metric  lorabench.Metric `json:"metric"`
	Claim   bool             `json:"claim"` // must be better than the base, not only not worse
	Tier    Tier             `json:"tier"`
	Margin  *float64         `json:"margin"` // in the metric's unit; nil for a claim
	Alpha   float64          `json:"alpha"`  // one-sided

	Outcome Outcome  `json:"outcome"`
	Labels  []Label  `json:"labels"`
	Reasons []string `json:"reasons"` // in words, the first the most important

	N        int             `json:"n"`
	Lift     *float64        `json:"lift"`
	CI95     *stats.Interval `json:"ci95"`
	Interval *stats.Interval `json:"interval"` // of the lift, two-sided 1−2α: what decides
	Level    float64         `json:"level"`    // 1−2α

	// One-sided p-values, alone and after Holm over the adapter's tasks: of being
	// worse than the margin, of being better than the base.
	PWorse          *float64 `json:"p_worse"`
	PWorseAdjusted  *float64 `json:"p_worse_adjusted"`
	PBetter         *float64 `json:"p_better"`
	PBetterAdjusted *float64 `json:"p_better_adjusted"`

	// Samples that would decide, with power .80, where INCONCLUSIVE: if the lift
	// is what was observed, and if there is none.
	Needed        *int `json:"needed_samples"`
	NeededIfEqual *int `json:"needed_samples_if_equal"`

	Sentence string `json:"sentence"`
	c        *Comparison
}

// Has reports whether the verdict carries the label.
func (v *Verdict) Has(l Label) bool { return slices.Contains(v.Labels, l) }

// AdapterVerdict is the verdict on an adapter over all its tasks.
type AdapterVerdict struct {
	Name     string    `json:"name"`
	Outcome  Outcome   `json:"outcome"`
	Sentence string    `json:"sentence"`
	Verdicts []Verdict `json:"verdicts"`
}

// judge applies the policy to one adapter. compare returns the comparison with
// the base in a metric ("": the primary), or why there is none.
func judge(adapter string, p Policy, compare func(task, metric string) (*Comparison, string)) AdapterVerdict {
	a := AdapterVerdict{Name: adapter, Verdicts: []Verdict{}}
	for _, t := range p.Tasks {
		c, why := compare(t.Task, t.Metric)
		v := newVerdict(adapter, t.Task, t.Metric, c, p.Alpha)
		v.Tier = t.Tier
		v.evidence(why, t)
		a.Verdicts = append(a.Verdicts, v)
	}
	a.adjust()
	for i := range a.Verdicts {
		a.Verdicts[i].decide(a.family(a.Verdicts[i].Tier.Blocks()))
	}
	for _, claim := range p.Claims {
		if claim.Adapter != adapter {
			continue
		}
		c, why := compare(claim.Task, claim.Metric)
		v := newVerdict(adapter, claim.Task, claim.Metric, c, p.Alpha)
		v.Claim, v.Tier = true, Critical
		v.evidence(why, TaskPolicy{})
		v.decideClaim()
		a.Verdicts = append(a.Verdicts, v)
	}
	a.conclude()
	return a
}

func newVerdict(adapter, task, metric string, c *Comparison, alpha float64) Verdict {
	v := Verdict{
		Adapter: adapter, Task: task, Metric: lorabench.Metric{Name: metric}, Alpha: alpha, Level: 1 - 2*alpha,
		Labels: []Label{}, Reasons: []string{}, c: c,
	}
	if c == nil {
		return v
	}
	v.Metric, v.N, v.Lift, v.CI95 = c.Metric, c.N, c.Lift, c.CI95
	if c.damage != nil {
		i := lift(c.Metric, c.damage.interval(v.Level))
		v.Interval = &i
	}
	return v
}

func (v *Verdict) say(format string, args ...any) {
	v.Reasons = append(v.Reasons, fmt.Sprintf(format, args...))
}

// evidence finds what makes a verdict impossible, and else the p-values.
func (v *Verdict) evidence(why string, t TaskPolicy) {
	c := v.c
	switch {
	case c == nil:
		v.say("%s", why)
	case len(c.Invalid) > 0:
		v.Reasons = append(v.Reasons, c.Invalid...)
	case len(c.Unproven) > 0:
		v.Reasons = append(v.Reasons, c.Unproven...)
	case c.Lift == nil:
		v.say("%s", c.Reason)
	case c.N < t.MinSamples:
		v.say("%s pairs, the policy wants %s", thousands(c.N), thousands(t.MinSamples))
	}
	if !v.Claim && c != nil {
		margin := c.Metric.Margin
		if t.Margin != nil {
			margin = *t.Margin
		}
		if margin > 0 && finite(margin) {
			v.Margin = &margin
		} else {
			v.say("metric %s has no margin of its own, and the policy gives none", c.Metric.Name)
		}
	}
	if len(v.Reasons) > 0 {
		v.Outcome = Invalid
		return
	}
	if c.damage == nil {
		return
	}
	if !v.Claim {
		p := c.damage.pGreater(*v.Margin)
		v.PWorse = &p
	}
	p := c.damage.pLess(0)
	v.PBetter = &p
}

// family returns how many of the adapter's tasks are tested together: those that
// block, or those that do not.
func (a *AdapterVerdict) family(blocks bool) int {
	n := 0
	for i := range a.Verdicts {
		if v := &a.Verdicts[i]; v.PWorse != nil && v.Tier.Blocks() == blocks {
			n++
		}
	}
	return n
}

// adjust corrects the p-values for the number of tasks.
func (a *AdapterVerdict) adjust() {
	for _, blocks := range []bool{true, false} {
		var members []*Verdict
		var worse, better []float64
		for i := range a.Verdicts {
			if v := &a.Verdicts[i]; v.PWorse != nil && v.Tier.Blocks() == blocks {
				members = append(members, v)
				worse, better = append(worse, *v.PWorse), append(better, *v.PBetter)
			}
		}
		worse, better = stats.Holm(worse), stats.Holm(better)
		for i, v := range members {
			v.PWorseAdjusted, v.PBetterAdjusted = &worse[i], &better[i]
		}
	}
}

// decide is specs/statistics.md §7: not worse than the margin needs no correction
// (all tasks must show it), worse than it does.
func (v *Verdict) decide(family int) {
	if v.Outcome == Invalid {
		v.conclude()
		return
	}
	c, m := v.c, v.c.Metric
	if c.Unchanged {
		v.Labels = append(v.Labels, Unchanged)
	}
	if c.UnderFloor {
		v.Labels = append(v.Labels, UnderFloor)
	}
	if c.damage == nil {
		v.Outcome = Inconclusive
		v.say("%s", c.Reason)
		v.conclude()
		return
	}
	damage := c.damage.interval(v.Level)
	places := decimalsFor(m, v.Interval)
	decisive := "the " + percent(v.Level) + " interval " + liftRange(m, v.Interval, places)
	good, bad := "above", "below"
	if m.Better == lorabench.Lower {
		good, bad = bad, good
	}
	switch {
	case damage.Hi < *v.Margin && c.missingDecides(v.Level, *v.Margin):
		v.Outcome = Inconclusive
		v.say("%s", c.missingText())
	case damage.Hi < *v.Margin:
		v.Outcome = Pass
		v.say("%s stays %s %s, the margin", decisive, good, limitText(m, *v.Margin))
	case *v.PWorseAdjusted < v.Alpha:
		v.Outcome = Breach
		v.say("worse by more than the margin of %s: %s%s", marginText(m, *v.Margin), pEquals(*v.PWorseAdjusted), holmNote(family))
	default:
		v.Outcome = Inconclusive
		v.say("%s reaches %s %s, the margin%s", decisive, bad, limitText(m, *v.Margin), v.needed())
		if *v.PWorse < v.Alpha {
			v.say("worse by more than the margin if it were the only task (%s), not after Holm over %d", pEquals(*v.PWorse), family)
		}
	}
	switch {
	case *v.PBetterAdjusted < v.Alpha && !c.UnderFloor && !c.Unchanged:
		v.Labels = append(v.Labels, Improved)
	case v.Outcome == Pass && c.P != nil && *c.P < significance && !c.UnderFloor:
		v.Labels = append(v.Labels, ChangedButOK)
	}
	v.conclude()
}

func holmNote(family int) string {
	if family < 2 {
		return ""
	}
	return fmt.Sprintf(" after Holm over %d tasks", family)
}

// missingDecides reports whether samples that have a score in one arm only could
// turn a pass.
func (c *Comparison) missingDecides(level, margin float64) bool {
	if c.Dropped.OneSided() == 0 {
		return false
	}
	return c.worst == nil || c.worst.interval(level).Hi >= margin
}

func (c *Comparison) missingText() string {
	s := fmt.Sprintf("%s samples have a score in one arm only (%s in %s, %s in %s are unscored)",
		thousands(c.Dropped.OneSided()), thousands(c.Dropped.UnscoredBase), c.Base, thousands(c.Dropped.UnscoredVariant), c.Variant)
	if c.WorstCase == nil {
		return s + ": what they would be is not bounded"
	}
	return s + ": counted against the adapter the lift is " + signed(shown(c.Metric, *c.WorstCase), 1) + " " + unit(c.Metric)
}

// needed works out how many samples would decide, and says so.
func (v *Verdict) needed() string {
	c := v.c
	if c.variance <= 0 {
		return ""
	}
	size := func(damage float64) *int {
		n, err := stats.ObservationsNeeded(c.variance, *v.Margin-damage, v.Alpha, power)
		if err != nil {
			return nil
		}
		n = max(n, c.N+1)
		return &n
	}
	v.Needed, v.NeededIfEqual = size(-sign(c.Metric)**c.Lift), size(0)
	var parts []string
	if v.Needed != nil {
		places := decimalsFor(c.Metric, c.CI95)
		parts = append(parts, fmt.Sprintf("about %s samples would decide if the lift is %s", roughly(*v.Needed), signed(shown(c.Metric, *c.Lift), places)))
	}
	if v.NeededIfEqual != nil && *v.NeededIfEqual > c.N+1 && *c.Lift != 0 {
		parts = append(parts, fmt.Sprintf("about %s if there is none", roughly(*v.NeededIfEqual)))
	}
	if len(parts) == 0 {
		return ""
	}
	return "; " + strings.Join(parts, ", ") + fmt.Sprintf(" (%s now)", thousands(c.N))
}

// decideClaim asks for a lift: better than the base, and than the floor.
func (v *Verdict) decideClaim() {
	if v.Outcome == Invalid {
		v.conclude()
		return
	}
	c := v.c
	if c.Unchanged {
		v.Labels = append(v.Labels, Unchanged)
	}
	if c.damage == nil {
		v.Outcome = Inconclusive
		v.say("%s", c.Reason)
		v.conclude()
		return
	}
	damage := c.damage.interval(v.Level)
	decisive := "the " + percent(v.Level) + " interval " + liftRange(c.Metric, v.Interval, decimalsFor(c.Metric, v.Interval))
	switch {
	case c.UnderFloor:
		v.Labels = append(v.Labels, UnderFloor)
		v.Outcome = Inconclusive
		v.say("claimed to be better than the base: a lift that stays under the floor (%s) is no lift", c.Floor.Output)
	case damage.Hi < 0 && c.missingDecides(v.Level, 0):
		v.Outcome = Inconclusive
		v.say("%s", c.missingText())
	case damage.Hi < 0:
		v.Labels = append(v.Labels, Improved)
		v.Outcome = Pass
		v.say("better than the base, as claimed: %s", decisive)
	case damage.Lo > 0:
		v.Outcome = Breach
		v.say("claimed to be better than the base, and is worse: %s", decisive)
	default:
		v.Outcome = Inconclusive
		v.say("claimed to be better than the base, not shown: %s", decisive)
	}
	v.conclude()
}

// conclude writes the sentence.
func (v *Verdict) conclude() {
	v.Sentence = v.Adapter + ": " + string(v.Outcome)
	if v.Task != "" {
		v.Sentence += " on " + v.Task
	}
	if v.Claim {
		v.Sentence += " (claim)"
	}
	switch {
	case v.Outcome == Invalid || v.Lift == nil:
		if len(v.Reasons) > 0 {
			v.Sentence += ": " + v.Reasons[0]
		}
	default:
		v.Sentence += ": " + v.c.Text()
	}
	if v.Has(UnderFloor) {
		v.Sentence += ", under the floor: no lift"
	}
}

// conclude takes the worst verdict that blocks, and says what became of the rest:
// "math: INCONCLUSIVE on piqa: −1 point [−9, +7]; PASS on 2 of 3 tasks".
func (a *AdapterVerdict) conclude() {
	a.Outcome = Pass
	var blocking []*Verdict
	var first *Verdict
	for i := range a.Verdicts {
		v := &a.Verdicts[i]
		if !v.Tier.Blocks() {
			continue
		}
		blocking = append(blocking, v)
		if first == nil || v.Outcome.severity() > first.Outcome.severity() {
			first = v
		}
		a.Outcome = worse(a.Outcome, v.Outcome)
	}
	if len(blocking) == 0 {
		a.Outcome = Invalid
		a.Sentence = a.Name + ": INVALID: the policy gates no task of it"
		return
	}
	tasks, passed, claims := tallyTasks(blocking)
	if a.Outcome == Pass && len(blocking) > 1 {
		a.Sentence = a.Name + ": PASS on " + many(tasks, "task")
		if claims > 0 {
			a.Sentence += ", " + many(claims, "claim") + " shown"
		}
		return
	}
	a.Sentence = first.Sentence + others(blocking, first)
	if passed > 0 && a.Outcome != Pass {
		a.Sentence += fmt.Sprintf("; PASS on %d of %s", passed, many(tasks, "task"))
	}
}

// tallyTasks counts the tasks of verdicts, those whose verdicts are all PASS,
// and the claims that are.
func tallyTasks(verdicts []*Verdict) (tasks, passed, claims int) {
	failed := map[string]bool{}
	for _, v := range verdicts {
		failed[v.Task] = failed[v.Task] || v.Outcome != Pass
		if v.Claim && v.Outcome == Pass {
			claims++
		}
	}
	for _, f := range failed {
		if !f {
			passed++
		}
	}
	return len(failed), passed, claims
}

// others names the tasks of the verdicts beside first that are not PASS, the
// most severe first: "; also BREACH on a, b, INVALID on c".
func others(verdicts []*Verdict, first *Verdict) string {
	var parts []string
	for _, o := range []Outcome{Breach, Invalid, Inconclusive} {
		var tasks []string
		for _, v := range verdicts {
			if v == first || v.Outcome != o {
				continue
			}
			task := v.Task
			if v.Claim {
				task += " (claim)"
			}
			tasks = append(tasks, task)
		}
		if n := len(tasks); n > maxNamed {
			tasks = append(tasks[:maxNamed], fmt.Sprintf("%d more", n-maxNamed))
		}
		if len(tasks) > 0 {
			parts = append(parts, fmt.Sprintf("%s on %s", o, strings.Join(tasks, ", ")))
		}
	}
	if len(parts) == 0 {
		return ""
	}
	return "; also " + strings.Join(parts, ", ")
}

// maxNamed is how many tasks a sentence names.
const maxNamed = 4

// refused is the verdict on an adapter that was not measured at all.
func refused(r Refusal, alpha float64) AdapterVerdict {
	v := newVerdict(r.Name, "", "", nil, alpha)
	v.Tier, v.Outcome = Critical, Invalid
	v.say("%s", r.Reason)
	v.conclude()
	return AdapterVerdict{Name: r.Name, Outcome: Invalid, Sentence: v.Sentence, Verdicts: []Verdict{v}}
}
