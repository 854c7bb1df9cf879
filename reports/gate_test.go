package reports

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/ailiance/lorabench"
)

// twoArms makes a run of one binary task with b lost and c gained of n.
func twoArms(n, right, b, c int, margin float64) Data {
	m := accuracy
	m.Margin = margin
	task := taskInfo("t", "a task", []lorabench.Metric{m}, nil)
	base, adapter := flipped(n, right, b, c)
	return Data{Measurements: []MeasurementData{
		measurement(task, "base", binaryResults(n, "exact_match", base)),
		measurement(task, "a", binaryResults(n, "exact_match", adapter)),
	}}
}

func verdictOf(t *testing.T, d Data, p Policy) *Verdict {
	t.Helper()
	r, err := Build(d, p, nil)
	if err != nil {
		t.Fatal(err)
	}
	v := r.Verdict("a", "t")
	if v == nil {
		t.Fatal("no verdict")
	}
	if r.Outcome != r.Adapters[0].Outcome || r.ExitCode != r.Outcome.ExitCode() {
		t.Errorf("overall %s exit %d, adapter %s", r.Outcome, r.ExitCode, r.Adapters[0].Outcome)
	}
	return v
}

func TestVerdicts(t *testing.T) {
	for _, tt := range []struct {
		name           string
		n, right, b, c int
		margin         float64
		want           Outcome
		labels         string
		sentence       string
	}{
		{"worse", 200, 182, 65, 3, .05, Breach, "[]", "a: BREACH on t: −31 points [−38, −24]"},
		{"identical, many", 400, 300, 0, 0, .05, Pass, "[UNCHANGED]", "a: PASS on t: 0.0 points [−1.0, +1.0]"},
		{"identical, ten: agreement proves little", 10, 8, 0, 0, .05, Inconclusive, "[UNCHANGED]", "a: INCONCLUSIVE on t: 0 points [−28, +28]"},
		{"better", 400, 300, 2, 40, .05, Pass, "[IMPROVED]", "a: PASS on t: +9.5 points [+6.7, +12.9]"},
		{"changed, inside the margin", 2000, 1500, 40, 20, .05, Pass, "[CHANGED-BUT-OK]", "a: PASS on t: −1.0 points [−1.8, −0.2]"},
		{"too few to tell", 100, 80, 6, 3, .02, Inconclusive, "[]", "a: INCONCLUSIVE on t: −3 points [−10, +3]"},
		{"one sample", 1, 1, 1, 0, .05, Inconclusive, "[]", "a: INCONCLUSIVE on t: −100 points"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			v := verdictOf(t, twoArms(tt.n, tt.right, tt.b, tt.c, tt.margin), Policy{})
			if v.Outcome != tt.want || fmt.Sprint(v.Labels) != tt.labels || !strings.HasPrefix(v.Sentence, tt.sentence) {
				t.Errorf("%s %v %q, want %s %s %q; %v", v.Outcome, v.Labels, v.Sentence, tt.want, tt.labels, tt.sentence, v.Reasons)
			}
			if len(v.Reasons) == 0 {
				t.Error("no reason")
			}
		})
	}
}

func TestNeededSamples(t *testing.T) {
	v := verdictOf(t, twoArms(100, 80, 3, 3, .02), Policy{})
	// ψ = .06, δ = 0: 6.1826·.06/.0004 = 927.4
	if v.Outcome != Inconclusive || v.Needed == nil || *v.Needed != 928 || *v.NeededIfEqual != 928 {
		t.Errorf("%s needed %v, %v: want 928; %v", v.Outcome, v.Needed, v.NeededIfEqual, v.Reasons)
	}
	if !strings.Contains(v.Reasons[0], "930") {
		t.Errorf("reason %q does not say about how many", v.Reasons[0])
	}
}

// The verdict follows the 90 % interval, the sentence prints the 95 % one.
func TestIntervals(t *testing.T) {
	v := verdictOf(t, twoArms(160, 120, 40, 20, .05), Policy{})
	if math.Abs(v.CI95.Lo+0.218064) > 1e-6 || math.Abs(v.CI95.Hi+0.030865) > 1e-6 {
		t.Errorf("95 %% interval of the lift %v, want that of the damage with its sign turned", *v.CI95)
	}
	if !(v.Interval.Lo > v.CI95.Lo && v.Interval.Hi < v.CI95.Hi) || v.Level != 0.9 {
		t.Errorf("deciding interval %v at %v", *v.Interval, v.Level)
	}
	if *v.Lift != -0.125 {
		t.Errorf("lift %v, want −0.125", *v.Lift)
	}
}

func TestInvalid(t *testing.T) {
	for _, tt := range []struct {
		name   string
		break_ func(d *Data)
		policy Policy
		want   string
	}{
		{"prompts differ", func(d *Data) { d.Measurements[1].Results[7].PromptHash = "other" }, Policy{}, "prompts differ on 1 of 200 samples, first q007"},
		{"documents differ", func(d *Data) { d.Measurements[1].Results[3].DocHash = "other" }, Policy{}, "documents differ on 1"},
		{"not applied", func(d *Data) {
			d.Measurements[1].Variant.Proof = &lorabench.Proof{Reason: "adapter a has no effect: all B are zero"}
		}, Policy{}, "has no effect"},
		{"no proof", func(d *Data) { d.Measurements[1].Variant.Proof = nil }, Policy{}, "no proof"},
		{"another base", func(d *Data) { d.Measurements[1].Identity.Base = "sha256:0" }, Policy{}, "base weights differs"},
		{"another arithmetic", func(d *Data) { d.Measurements[1].Identity.Arithmetic = "int8" }, Policy{}, "arithmetic differs"},
		{"failed", func(d *Data) { d.Measurements[1].Status = lorabench.Failed }, Policy{}, "failed"},
		{"samples missing", func(d *Data) { d.Measurements[1].Results = d.Measurements[1].Results[:150] }, Policy{}, "50 of 200 samples are missing"},
		{"too few for the policy", func(*Data) {}, Policy{Tasks: []TaskPolicy{{Task: "t", Tier: Critical, MinSamples: 400}}}, "200 pairs, the policy wants 400"},
		{"no margin", func(d *Data) { d.Measurements[0].Task.Metrics[0].Margin = 0 }, Policy{}, "no margin"},
		{"no such metric", func(*Data) {}, Policy{Tasks: []TaskPolicy{{Task: "t", Tier: Critical, Metric: "acc"}}}, "no metric acc"},
		{"nothing scored", func(d *Data) {
			for i := range d.Measurements[1].Results {
				d.Measurements[1].Results[i].Scores[0] = lorabench.Score{Metric: "exact_match", Unscored: "no simulator"}
			}
		}, Policy{}, "no sample has a score in both"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d := twoArms(200, 150, 0, 0, .05)
			tt.break_(&d)
			v := verdictOf(t, d, tt.policy)
			if v.Outcome != Invalid || !strings.Contains(strings.Join(v.Reasons, "; "), tt.want) || !strings.Contains(v.Sentence, "INVALID") {
				t.Errorf("%s %q, want INVALID: %s", v.Outcome, v.Reasons, tt.want)
			}
		})
	}
	t.Run("task not measured", func(t *testing.T) {
		r, err := Build(twoArms(200, 150, 0, 0, .05), Policy{Tasks: []TaskPolicy{{Task: "t", Tier: Critical}, {Task: "u", Tier: Supporting}}}, nil)
		if err != nil || r.Outcome != Invalid || r.ExitCode != 5 {
			t.Errorf("%v exit %d, %v", r.Outcome, r.ExitCode, err)
		}
	})
	t.Run("advisory never blocks", func(t *testing.T) {
		r, err := Build(twoArms(200, 150, 0, 0, .05), Policy{Tasks: []TaskPolicy{{Task: "t", Tier: Critical}, {Task: "u", Tier: Advisory}}}, nil)
		if err != nil || r.Outcome != Pass || r.ExitCode != 0 {
			t.Errorf("%v exit %d, %v", r.Outcome, r.ExitCode, err)
		}
	})
	t.Run("refused", func(t *testing.T) {
		r, err := Build(twoArms(200, 150, 0, 0, .05), Policy{}, []Refusal{{"noop", "adapter noop has no effect: all B are zero"}})
		if err != nil || r.Outcome != Invalid || r.Adapters[1].Sentence != "noop: INVALID: adapter noop has no effect: all B are zero" {
			t.Errorf("%v %+v, %v", r.Outcome, r.Adapters, err)
		}
	})
	t.Run("no adapter", func(t *testing.T) {
		d := twoArms(200, 150, 0, 0, .05)
		r, err := Build(Data{Measurements: d.Measurements[:1]}, Policy{}, nil)
		if err != nil || r.Outcome != Invalid {
			t.Errorf("%v, %v", r.Outcome, err)
		}
	})
}

// A budget's end is no fault: what both arms measured is a random sample.
func TestPairedOnCommonSamples(t *testing.T) {
	d := twoArms(200, 150, 0, 0, .05)
	for i := range d.Measurements {
		d.Measurements[i].Status = lorabench.TimedOut
	}
	d.Measurements[1].Results = d.Measurements[1].Results[:180]
	d.Measurements[0].Results = d.Measurements[0].Results[20:]
	r, err := Build(d, Policy{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	c := r.Tasks[0].Comparisons[0]
	if c.N != 160 || c.Dropped.OnlyBase != 20 || c.Dropped.OnlyVariant != 20 || r.Outcome != Pass {
		t.Errorf("%d pairs, dropped %+v, %s", c.N, c.Dropped, r.Outcome)
	}
}

// Samples that lack a score in one arm only may hide what went wrong there.
func TestOneSidedUnscored(t *testing.T) {
	d := twoArms(400, 300, 0, 0, .05)
	for i := range 30 {
		d.Measurements[1].Results[i].Scores[0] = lorabench.Score{Metric: "exact_match", Unscored: "log-likelihood is NaN"}
	}
	v := verdictOf(t, d, Policy{})
	if v.Outcome != Inconclusive || !strings.Contains(v.Reasons[0], "score in one arm only") {
		t.Errorf("%s %v, want INCONCLUSIVE: 30 right answers have no score in the adapter", v.Outcome, v.Reasons)
	}
	if w := v.c.WorstCase; w == nil || math.Abs(*w+30.0/400) > 1e-12 {
		t.Errorf("worst case %v, want −0.075", w)
	}
	few := twoArms(400, 300, 0, 0, .05)
	few.Measurements[1].Results[0].Scores[0] = lorabench.Score{Metric: "exact_match", Unscored: "log-likelihood is NaN"}
	if v := verdictOf(t, few, Policy{}); v.Outcome != Pass {
		t.Errorf("%s %v, want PASS: one sample cannot turn it", v.Outcome, v.Reasons)
	}
}

// Law 5: better than the base, not than a null output, is no lift.
func TestUnderFloor(t *testing.T) {
	d := twoArms(400, 40, 0, 40, .05)
	for i := range d.Measurements {
		d.Measurements[i].Task.Floors = map[string]lorabench.Floor{"exact_match": {Value: 0.35, Output: "a constant"}}
	}
	p := Policy{Claims: []Claim{{Adapter: "a", Task: "t"}}}
	r, err := Build(d, p, nil)
	if err != nil {
		t.Fatal(err)
	}
	v, claim := r.Adapters[0].Verdicts[0], r.Adapters[0].Verdicts[1]
	if v.Outcome != Pass || !v.Has(UnderFloor) || v.Has(Improved) || !strings.Contains(v.Sentence, "no lift") {
		t.Errorf("%s %v %q", v.Outcome, v.Labels, v.Sentence)
	}
	if claim.Outcome != Inconclusive || r.Outcome != Inconclusive {
		t.Errorf("claim %s %v: want it not to count", claim.Outcome, claim.Reasons)
	}
	for i := range d.Measurements {
		d.Measurements[i].Task.Floors = map[string]lorabench.Floor{"exact_match": {Value: 0.15, Output: "a constant"}}
	}
	if r, err = Build(d, p, nil); err != nil || r.Adapters[0].Verdicts[1].Outcome != Pass || !r.Adapters[0].Verdicts[0].Has(Improved) {
		t.Errorf("above the floor: %+v, %v", r.Adapters[0].Verdicts, err)
	}
}

func TestClaims(t *testing.T) {
	for _, tt := range []struct {
		b, c int
		want Outcome
	}{{0, 40, Pass}, {5, 5, Inconclusive}, {40, 0, Breach}} {
		r, err := Build(twoArms(400, 200, tt.b, tt.c, .2), Policy{Claims: []Claim{{Adapter: "a", Task: "t"}}}, nil)
		if err != nil || r.Adapters[0].Verdicts[1].Outcome != tt.want || r.Outcome != tt.want {
			t.Errorf("b=%d c=%d: %+v, %v, want %s", tt.b, tt.c, r.Adapters[0].Verdicts[1], err, tt.want)
		}
	}
	r, err := Build(twoArms(400, 200, 0, 40, .2), Policy{Claims: []Claim{{Adapter: "b", Task: "t"}}}, nil)
	if err != nil || r.Outcome != Invalid {
		t.Errorf("claim on an adapter that was not measured: %s, %v", r.Outcome, err)
	}
}

// Breaches are corrected over tasks, passes are not.
func TestHolmOverTasks(t *testing.T) {
	one := twoArms(300, 250, 23, 0, .05) // p of being worse by more than 5 points: between .005 and .05
	alone := verdictOf(t, one, Policy{})
	if alone.Outcome != Breach {
		t.Fatalf("alone: %s, p %v", alone.Outcome, *alone.PWorse)
	}
	d := one
	for k := range 9 {
		more := twoArms(400, 300, 0, 0, .05)
		for i := range more.Measurements {
			more.Measurements[i].Task.Name = fmt.Sprint("u", k)
			more.Measurements[i].Identity.Task = fmt.Sprint("u", k)
		}
		d.Measurements = append(d.Measurements, more.Measurements...)
	}
	v := verdictOf(t, d, Policy{})
	if v.Outcome != Inconclusive || math.Abs(*v.PWorseAdjusted-10**v.PWorse) > 1e-12 {
		t.Errorf("of ten tasks: %s, p %v, adjusted %v", v.Outcome, *v.PWorse, *v.PWorseAdjusted)
	}
	if !strings.Contains(strings.Join(v.Reasons, " "), "after Holm over 10") {
		t.Errorf("reasons %v do not name Holm", v.Reasons)
	}
}

// Lower is better in perplexity: the gate turns the sign, not the number.
func TestPerplexityDirection(t *testing.T) {
	r, err := fixtureReport()
	if err != nil {
		t.Fatal(err)
	}
	for adapter, want := range map[string]Outcome{"math": Pass, "forgetful": Breach, "spice": Inconclusive} {
		v := r.Verdict(adapter, "demo_text")
		if v.Outcome != want || *v.Lift <= 0 {
			t.Errorf("%s: %s lift %v, want %s and a positive (worse) lift; %v", adapter, v.Outcome, *v.Lift, want, v.Reasons)
		}
	}
	c := r.Task("demo_text").Comparison("forgetful", "")
	if c.Better() || c.Method != "BCa bootstrap" || !(c.CI95.Lo > 0.15 && c.CI95.Hi < 0.25) {
		t.Errorf("forgetful: %s %v better=%v", c.Method, c.CI95, c.Better())
	}
	e := r.Task("demo_text").Comparison("forgetful", "byte_perplexity")
	if want := *e.On - *e.BaseOn; *e.Lift != want || e.Primary || e.Adjustment != "Benjamini–Hochberg, exploratory" {
		t.Errorf("byte perplexity %+v", e)
	}
}

func TestSwappedArms(t *testing.T) {
	d := fixture()
	for i := 0; i+2 < len(d.Measurements); i += 4 {
		base, other := d.Measurements[i], d.Measurements[i+2]
		for _, m := range base.Task.Metrics {
			a, b := Compare(&base, &other, m), Compare(&other, &base, m)
			if *a.Lift != -*b.Lift || a.N != b.N {
				t.Errorf("%s %s: lift %v and %v", base.Task.Name, m.Name, *a.Lift, *b.Lift)
			}
			if a.Method != "BCa bootstrap" && math.Abs(a.CI95.Lo+b.CI95.Hi) > 1e-9 {
				t.Errorf("%s %s: %v and %v", base.Task.Name, m.Name, *a.CI95, *b.CI95)
			}
			if a.Flips != nil && (len(a.Flips.Lost) != len(b.Flips.Gained) || len(a.Flips.Gained) != len(b.Flips.Lost)) {
				t.Errorf("%s %s: flips", base.Task.Name, m.Name)
			}
		}
	}
}

// The order of arrival and of the run does not reach the numbers.
func TestOrderDoesNotMatter(t *testing.T) {
	a, err := Build(fixture(), Policy{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	d := fixture()
	for i := range d.Measurements {
		r := d.Measurements[i].Results
		for j := range len(r) / 2 {
			r[j], r[len(r)-1-j] = r[len(r)-1-j], r[j]
		}
	}
	b, err := Build(d, Policy{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	var x, y strings.Builder
	if err := JSON(&x, a); err != nil {
		t.Fatal(err)
	}
	if err := JSON(&y, b); err != nil {
		t.Fatal(err)
	}
	if x.String() != y.String() {
		t.Error("reports of the same results in another order differ")
	}
}

func TestBuildErrors(t *testing.T) {
	d := twoArms(10, 5, 0, 0, .05)
	d.Measurements[1].Results[3].SampleID = "q004"
	if _, err := Build(d, Policy{}, nil); err == nil || !strings.Contains(err.Error(), "task t on a: sample q004: two results") {
		t.Errorf("sample twice: %v", err)
	}
	d = twoArms(10, 5, 0, 0, .05)
	d.Measurements[1].Variant.Name = "base"
	if _, err := Build(d, Policy{}, nil); err == nil || !strings.Contains(err.Error(), "two measurements") {
		t.Errorf("measurement twice: %v", err)
	}
	d = twoArms(10, 5, 0, 0, .05)
	d.Measurements[0].Task.Metrics = nil
	if _, err := Build(d, Policy{}, nil); err == nil || !strings.Contains(err.Error(), "no metrics") {
		t.Errorf("no metrics: %v", err)
	}
}

func TestCells(t *testing.T) {
	r, err := fixtureReport()
	if err != nil {
		t.Fatal(err)
	}
	c := r.Task("demo_arithmetic").Row("base").Primary()
	if *c.Value != 0.91 || c.N != 200 || c.Method != "Wilson" || math.Abs(c.CI95.Lo-0.862) > 0.001 || math.Abs(c.CI95.Hi-0.9422) > 0.001 {
		t.Errorf("base: %v %v %s", *c.Value, *c.CI95, c.Method)
	}
	f := r.Task("demo_spice").Row("forgetful").Primary()
	if f.N != 116 || len(f.Unscored) != 1 || f.Unscored[0] != (Count{"the simulator is not there", 4}) {
		t.Errorf("unscored %+v of n=%d", f.Unscored, f.N)
	}
	if f.Method != "Wilson, effective n of clusters" {
		t.Errorf("clustered proportion by %s", f.Method)
	}
	e := r.Task("demo_text").Row("base").Cell("byte_perplexity")
	b := r.Task("demo_text").Row("base").Primary()
	if math.Abs(*e.Value-math.Exp2(*b.Value)) > 1e-9 || math.Abs(e.CI95.Hi-math.Exp2(b.CI95.Hi)) > 1e-9 {
		t.Errorf("byte perplexity %v %v, bits %v %v", *e.Value, *e.CI95, *b.Value, *b.CI95)
	}
	if above, ok := b.AboveFloor(); !above || !ok {
		t.Error("1.2 bits a byte is better than the floor of 8")
	}
}

func TestNumbersInWords(t *testing.T) {
	for _, tt := range []struct{ got, want string }{
		{fixed(-0.04, 1), "0.0"}, {signed(-0.06, 1), "−0.1"}, {signed(0, 1), "0.0"}, {signed(12.34, 1), "+12.3"}, {fixed(math.Inf(-1), 1), "−∞"},
		{thousands(1234567), "1,234,567"}, {thousands(999), "999"}, {thousands(-1234), "-1,234"},
		{roughly(928), "930"}, {roughly(1901), "2,000"}, {roughly(50), "50"},
		{probability(0.00001), "< 0.0001"}, {probability(0.0134), "0.013"}, {percent(0.9), "90 %"}, {percent(0.95), "95 %"},
		{marginText(accuracy, 0.05), "5 points"}, {marginText(perplexityMetrics()[0], 0.005), "0.005 bits/byte"},
		{fmt.Sprint(decimals(14), decimals(2.2), decimals(0.01), decimals(0), decimals(math.Inf(1))), "0 1 3 1 1"},
	} {
		if tt.got != tt.want {
			t.Errorf("got %q, want %q", tt.got, tt.want)
		}
	}
}
