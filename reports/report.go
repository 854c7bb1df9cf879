package reports

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/ailiance/lorabench"
	"github.com/ailiance/lorabench/env"
	"github.com/ailiance/lorabench/reports/stats"
	"github.com/ailiance/lorabench/scorers/spice"
)

// Report is everything that the renderings print.
type Report struct {
	Schema   string           `json:"schema"` // lorabench/report/1
	Run      lorabench.Run    `json:"run"`
	Policy   Policy           `json:"policy"`
	Variants []string         `json:"variants"` // the base first
	Tasks    []*TaskReport    `json:"tasks"`    // in the order of their first measurement
	Refusals []Refusal        `json:"refusals"`
	Adapters []AdapterVerdict `json:"adapters"`
	Outcome  Outcome          `json:"outcome"` // the worst of the adapters
	ExitCode int              `json:"exit_code"`
	Warnings []string         `json:"warnings"`
}

// Schema names the form of a Report in JSON.
const Schema = "lorabench/report/1"

// TaskReport is one task: a row a variant, a comparison an adapter and metric.
type TaskReport struct {
	Info        lorabench.TaskInfo `json:"info"`
	Rows        []*Row             `json:"rows"`
	Comparisons []*Comparison      `json:"comparisons"`
}

// Row returns the variant's row, nil where it was not measured.
func (t *TaskReport) Row(variant string) *Row {
	for _, r := range t.Rows {
		if r.Variant == variant {
			return r
		}
	}
	return nil
}

// Comparison returns the comparison of the variant with the base in metric, ""
// for the primary one; nil where there is none.
func (t *TaskReport) Comparison(variant, metric string) *Comparison {
	for _, c := range t.Comparisons {
		if c.Variant == variant && (c.Metric.Name == metric || metric == "" && c.Primary) {
			return c
		}
	}
	return nil
}

// Task returns the task called name, nil where it was not measured.
func (r *Report) Task(name string) *TaskReport {
	for _, t := range r.Tasks {
		if t.Info.Name == name {
			return t
		}
	}
	return nil
}

// Verdict returns the verdict on the adapter on a task, claims aside; nil where
// the policy asks for none.
func (r *Report) Verdict(adapter, task string) *Verdict {
	for i := range r.Adapters {
		if r.Adapters[i].Name != adapter {
			continue
		}
		for j := range r.Adapters[i].Verdicts {
			if v := &r.Adapters[i].Verdicts[j]; !v.Claim && (v.Task == task || v.Task == "") {
				return v
			}
		}
	}
	return nil
}

// Build computes the report of a run. A policy without tasks is the default one.
// refusals are the variants that the run refused to measure.
//
// The error says which measurement no number should be made of: two results of
// one sample, two measurements of one variant on one task, no metrics.
func Build(data Data, policy Policy, refusals []Refusal) (*Report, error) {
	r := &Report{
		Schema: Schema, Run: data.Run, Refusals: slices.Clone(refusals), Adapters: []AdapterVerdict{},
		Warnings: []string{}, Tasks: []*TaskReport{}, Variants: []string{},
	}
	if r.Refusals == nil {
		r.Refusals = []Refusal{}
	}
	r.Run.Command = env.Redact(data.Run.Command)
	measured := map[[2]string]*MeasurementData{}
	for i := range data.Measurements {
		m := &data.Measurements[i]
		if err := m.check(); err != nil {
			return nil, err
		}
		key := [2]string{m.Task.Name, m.Variant.Name}
		if measured[key] != nil {
			return nil, fmt.Errorf("task %s on %s: two measurements, want one", key[0], key[1])
		}
		measured[key] = m
		task := r.Task(m.Task.Name)
		if task == nil {
			task = &TaskReport{Info: m.Task, Comparisons: []*Comparison{}}
			r.Tasks = append(r.Tasks, task)
		}
		row := newRow(m)
		row.Evidence = EvidencePath(m.Measurement)
		task.Rows = append(task.Rows, row)
		if !slices.Contains(r.Variants, m.Variant.Name) {
			r.Variants = append(r.Variants, m.Variant.Name)
		}
	}
	if i := slices.Index(r.Variants, lorabench.Base); i > 0 {
		r.Variants = append([]string{lorabench.Base}, slices.Delete(r.Variants, i, i+1)...)
	}
	for _, task := range r.Tasks {
		slices.SortStableFunc(task.Rows, func(a, b *Row) int {
			return slices.Index(r.Variants, a.Variant) - slices.Index(r.Variants, b.Variant)
		})
		base := measured[[2]string{task.Info.Name, lorabench.Base}]
		if base == nil {
			continue
		}
		for _, row := range task.Rows {
			if row.Variant == lorabench.Base {
				continue
			}
			for _, metric := range task.Info.Metrics {
				c := Compare(base, measured[[2]string{task.Info.Name, row.Variant}], metric)
				task.Comparisons = append(task.Comparisons, c)
			}
		}
	}
	r.adjust()
	r.gate(policy)
	r.warn()
	return r, nil
}

// adjust corrects the p-values of each variant for its tasks: Holm over the
// primary metrics; the others are exploration, by Benjamini and Hochberg.
func (r *Report) adjust() {
	for _, variant := range r.Variants {
		for _, primary := range []bool{true, false} {
			var members []*Comparison
			var p []float64
			for _, task := range r.Tasks {
				for _, c := range task.Comparisons {
					if c.Variant == variant && c.Primary == primary && c.P != nil {
						members, p = append(members, c), append(p, *c.P)
					}
				}
			}
			name, adjusted := "Holm", stats.Holm(p)
			if !primary {
				name, adjusted = "Benjamini–Hochberg, exploratory", stats.BenjaminiHochberg(p)
			}
			for i, c := range members {
				c.Adjusted, c.Adjustment = &adjusted[i], name
			}
		}
	}
}

// gate applies the policy to every adapter.
func (r *Report) gate(policy Policy) {
	if len(policy.Tasks) == 0 {
		infos := make([]lorabench.TaskInfo, len(r.Tasks))
		for i, t := range r.Tasks {
			infos[i] = t.Info
		}
		alpha, claims := policy.Alpha, policy.Claims
		policy = DefaultPolicy(infos)
		if alpha > 0 {
			policy.Alpha = alpha
		}
		policy.Claims = append(policy.Claims, claims...)
	}
	if policy.Alpha == 0 {
		policy.Alpha = DefaultAlpha
	}
	r.Policy = policy
	for _, name := range r.Variants {
		if name != lorabench.Base {
			r.Adapters = append(r.Adapters, judge(name, policy, func(task, metric string) (*Comparison, string) {
				return r.compared(name, task, metric)
			}))
		}
	}
	for _, refusal := range r.Refusals {
		if !slices.Contains(r.Variants, refusal.Name) {
			r.Adapters = append(r.Adapters, refused(refusal, policy.Alpha))
		}
	}
	for _, claim := range policy.Claims { // of adapters that nobody measured
		if !slices.ContainsFunc(r.Adapters, func(a AdapterVerdict) bool { return a.Name == claim.Adapter }) {
			r.Adapters = append(r.Adapters, refused(Refusal{claim.Adapter, "the policy claims a lift on " + claim.Task + ", and it was not measured"}, policy.Alpha))
		}
	}
	r.Outcome = Pass
	for _, a := range r.Adapters {
		r.Outcome = worse(r.Outcome, a.Outcome)
	}
	if len(r.Adapters) == 0 {
		r.Outcome = Invalid
		r.Warnings = append(r.Warnings, "no adapter was measured: there is nothing to pass")
	}
	r.ExitCode = r.Outcome.ExitCode()
}

// compared finds a comparison, or says why there is none.
func (r *Report) compared(adapter, task, metric string) (*Comparison, string) {
	t := r.Task(task)
	switch {
	case t == nil:
		return nil, "the task was not measured"
	case t.Row(lorabench.Base) == nil:
		return nil, "the base was not measured on this task"
	case t.Row(adapter) == nil:
		return nil, "the adapter was not measured on this task"
	}
	c := t.Comparison(adapter, metric)
	if c == nil {
		return nil, fmt.Sprintf("the task has no metric %s", metric)
	}
	return c, ""
}

// warn collects what a reader of the numbers must know.
func (r *Report) warn() {
	for _, t := range r.Tasks {
		r.warnUnfinished(t)
		r.warnCut(t)
		r.warnThinking(t)
		if t.Info.Scorer == spice.StructuralName {
			r.Warnings = append(r.Warnings, t.Info.Name+": circuits were not simulated, only their form was scored: what passes need not work (lorabench doctor says why)")
		}
		above, floored := 0, 0
		for _, row := range t.Rows {
			cell := row.Primary()
			if len(cell.Unscored) > 0 {
				r.Warnings = append(r.Warnings, fmt.Sprintf("%s on %s: no score: %s", t.Info.Name, row.Variant, counts(cell.Unscored)))
			}
			if is, ok := cell.AboveFloor(); ok {
				floored++
				if is {
					above++
				}
			}
		}
		if floored > 0 && above == 0 {
			cell := t.Rows[0].Primary()
			r.Warnings = append(r.Warnings, fmt.Sprintf("%s: no variant is above the floor (%s %s, %q): it tells nothing about them",
				t.Info.Name, fixed(shown(cell.Metric, cell.Floor.Value), decimalsFor(cell.Metric, nil)), unit(cell.Metric), cell.Floor.Output))
		}
	}
}

// warnCut says how many texts ended before the model ended them: such an answer
// is scored as it is, and may be wrong for that alone.
func (r *Report) warnCut(t *TaskReport) {
	for _, cut := range []struct {
		stop lorabench.StopReason
		by   string
	}{{lorabench.StopLength, "the token limit"}, {lorabench.StopTime, "the sample's budget of time"}} {
		var parts []string
		for _, row := range t.Rows {
			for _, stop := range row.Stops {
				if stop.What == string(cut.stop) {
					parts = append(parts, fmt.Sprintf("%s %s of %s", row.Variant, thousands(stop.Samples), thousands(row.Measured)))
				}
			}
		}
		if len(parts) > 0 {
			r.Warnings = append(r.Warnings, fmt.Sprintf("%s: texts cut off by %s, scored as they are: %s", t.Info.Name, cut.by, strings.Join(parts, ", ")))
		}
	}
}

// warnThinking says what was taken for reasoning, and how many texts were nothing
// else.
func (r *Report) warnThinking(t *TaskReport) {
	for _, about := range []struct {
		what  string
		count func(*Thoughts) int
	}{
		{"reasoning left out of the scored text", func(n *Thoughts) int { return n.Removed }},
		{"no answer, only reasoning, which counts as wrong", func(n *Thoughts) int { return n.Unanswered }},
		{"of these cut off within the reasoning (--max-new-tokens)", func(n *Thoughts) int { return n.Cut }},
		{"texts have markers of reasoning, and are scored with it: they were asked for without the chat template", func(n *Thoughts) int { return n.Kept }},
	} {
		var parts []string
		for _, row := range t.Rows {
			if row.Thinking != nil && about.count(row.Thinking) > 0 {
				parts = append(parts, fmt.Sprintf("%s %s of %s", row.Variant, thousands(about.count(row.Thinking)), thousands(row.Measured)))
			}
		}
		if len(parts) > 0 {
			r.Warnings = append(r.Warnings, fmt.Sprintf("%s: %s: %s", t.Info.Name, about.what, strings.Join(parts, ", ")))
		}
	}
}

// warnUnfinished says what was left undone, once where it is the same for all
// variants, and what the whole would have needed.
func (r *Report) warnUnfinished(t *TaskReport) {
	said := map[string][]string{} // variants
	var texts []string
	for _, row := range t.Rows {
		if row.Status == lorabench.Done {
			continue
		}
		text := row.unfinished()
		if said[text] == nil {
			texts = append(texts, text)
		}
		said[text] = append(said[text], row.Variant)
	}
	for _, text := range texts {
		where := t.Info.Name
		if variants := said[text]; len(variants) < len(t.Rows) {
			where += " on " + strings.Join(variants, ", ")
		}
		r.Warnings = append(r.Warnings, where+": "+text)
	}
}

// unfinished says how far a measurement came that did not end by itself.
func (r *Row) unfinished() string {
	s := fmt.Sprintf("%s, %s of %s samples measured", r.Status, thousands(r.Measured), thousands(r.Total))
	if r.Status == lorabench.TimedOut && r.Measured > 0 && r.Measured < r.Total && r.Elapsed > 0 {
		whole := time.Duration(float64(r.Elapsed) * float64(r.Total) / float64(r.Measured))
		s += fmt.Sprintf(" in %s; all would need about %s", about(r.Elapsed), about(whole))
	}
	return s
}
