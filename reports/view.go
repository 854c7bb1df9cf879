package reports

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/ailiance/lorabench"
)

// What Markdown and HTML show alike, as words.

// taskView is a task in one metric.
type taskView struct {
	Name, Title string
	Metric      string // "exact_match, points, higher is better"
	Floor       string // "4.0 points (always "7")", "" where there is none
	Rows        []rowView
	Lines       []string // one for each adapter: the whole comparison
}

// rowView is a variant of a taskView; empty strings where there is nothing to say.
type rowView struct {
	Variant, Value, Lift, Flips, P, MDE, N, NoScore, Verdict string
	Outcome                                                  Outcome
}

// viewTask puts one metric of a task into words.
func viewTask(r *Report, t *TaskReport, metric lorabench.Metric) taskView {
	v := taskView{Name: t.Info.Name, Title: t.Info.Title, Metric: fmt.Sprintf("%s, %s, %s is better", metric.Name, unit(metric), metric.Better)}
	for _, row := range t.Rows {
		cell := row.Cell(metric.Name)
		if cell == nil {
			continue
		}
		if cell.Floor != nil && v.Floor == "" {
			v.Floor = fmt.Sprintf("%s %s (%s)", fixed(shown(metric, cell.Floor.Value), decimalsFor(metric, nil)), unit(metric), cell.Floor.Output)
		}
		line := rowView{Variant: row.Variant, Value: cell.text(), N: thousands(cell.N), NoScore: thousands(row.Measured - cell.N)}
		if c := t.Comparison(row.Variant, metric.Name); c != nil {
			verdict := r.Verdict(row.Variant, t.Info.Name)
			if verdict != nil && verdict.c != c { // the policy judges another metric
				verdict = nil
			}
			c.fill(&line)
			if verdict != nil {
				line.Verdict, line.Outcome = verdict.short(), verdict.Outcome
			}
			v.Lines = append(v.Lines, row.Variant+": "+c.line(verdict))
		}
		v.Rows = append(v.Rows, line)
	}
	return v
}

func (c *Comparison) fill(line *rowView) {
	line.Lift = c.liftText()
	if c.UnderFloor {
		line.Lift += " under the floor"
	}
	if c.Flips != nil {
		line.Flips = fmt.Sprintf("%d / %d", len(c.Flips.Lost), len(c.Flips.Gained))
	}
	if c.Adjusted != nil {
		line.P = probability(*c.Adjusted)
	}
	if c.MDE != nil {
		line.MDE = c.mdeText()
	}
}

// mdeText prints the smallest detectable lift, without its unit.
func (c *Comparison) mdeText() string {
	return fixed(shown(c.Metric, *c.MDE), max(decimalsFor(c.Metric, c.CI95), 1))
}

// line prints a whole comparison:
// "Δ = −0.8 points [−1.9, +0.3] (90 %, Tango), b/c = 31/22, ψ = 4.5 %, m = 2 points → PASS; MDE 1.5 points".
func (c *Comparison) line(v *Verdict) string {
	if c.Lift == nil {
		return c.Reason
	}
	interval, level := c.CI90, 0.90
	if v != nil && v.Interval != nil {
		interval, level = v.Interval, v.Level
	}
	places := decimalsFor(c.Metric, interval)
	s := "Δ = " + inUnit(c.Metric, signed(shown(c.Metric, *c.Lift), places))
	if interval != nil {
		s += fmt.Sprintf(" %s (%s, %s)", liftRange(c.Metric, interval, places), percent(level), c.Method)
	} else {
		s += " (" + c.Reason + ")"
	}
	s += fmt.Sprintf(", %s pairs", thousands(c.N))
	if c.Clusters < c.N {
		s += fmt.Sprintf(" in %s clusters", thousands(c.Clusters))
	}
	if c.Flips != nil {
		s += fmt.Sprintf(", b/c = %d/%d, ψ = %s", len(c.Flips.Lost), len(c.Flips.Gained), percent(roundTo(c.Flips.Discordance, 3)))
	}
	if c.P != nil {
		s += fmt.Sprintf(", %s (%s)", pEquals(*c.P), c.PMethod)
		if c.Adjusted != nil {
			s += fmt.Sprintf(", %s after %s", pEquals(*c.Adjusted), c.Adjustment)
		}
	}
	if v != nil && v.Margin != nil {
		s += fmt.Sprintf(", m = %s → %s", marginText(c.Metric, *v.Margin), v.short())
	}
	if c.MDE != nil {
		s += "; MDE " + inUnit(c.Metric, c.mdeText())
	}
	if n := c.Dropped.OneSided(); n > 0 {
		s += "; " + c.missingText()
	}
	return s
}

func roundTo(x float64, places int) float64 {
	scale := 1.0
	for range places {
		scale *= 10
	}
	return float64(int(x*scale+0.5)) / scale
}

// environment lists what env.json says, in its order: "cpu.model: …". Two levels
// deep, for people; the whole is in the evidence folders.
func environment(env json.RawMessage) []string {
	if len(env) == 0 {
		return nil
	}
	var lines []string
	flatten(&lines, "", env, 2)
	if len(lines) > maxEnvironment {
		lines = append(lines[:maxEnvironment], "… (more in env.json)")
	}
	return lines
}

const maxEnvironment = 40

func flatten(lines *[]string, prefix string, raw json.RawMessage, depth int) {
	d := json.NewDecoder(bytes.NewReader(raw))
	start, err := d.Token()
	if err != nil {
		return
	}
	switch start {
	case json.Delim('{'):
		for depth > 0 && d.More() {
			key, err := d.Token()
			if err != nil {
				return
			}
			var value json.RawMessage
			if err := d.Decode(&value); err != nil {
				return
			}
			name := fmt.Sprint(key)
			if prefix != "" {
				name = prefix + "." + name
			}
			flatten(lines, name, value, depth-1)
		}
	case json.Delim('['):
		var items []any
		if json.Unmarshal(raw, &items) != nil {
			return
		}
		words := make([]string, 0, len(items))
		for _, item := range items {
			switch item.(type) {
			case map[string]any, []any:
				return
			}
			words = append(words, fmt.Sprint(item))
		}
		*lines = append(*lines, prefix+": "+shorten(strings.Join(words, ", ")))
	case nil:
	default:
		var value any
		text := strings.Trim(string(bytes.TrimSpace(raw)), `"`)
		if json.Unmarshal(raw, &value) == nil {
			if s, ok := value.(string); ok {
				text = s
			}
		}
		if prefix != "" && text != "" {
			*lines = append(*lines, prefix+": "+shorten(text))
		}
	}
}

// shorten keeps a line of the environment readable.
func shorten(s string) string {
	const most = 160
	if r := []rune(s); len(r) > most {
		return string(r[:most]) + "…"
	}
	return s
}

// meaning explains the numbers, in Markdown without headings and in plain words.
func meaning() []string {
	return []string{
		"A lift is the adapter's metric minus the base's, on the same samples with the same prompts. Fractions are in points: hundredths.",
		"The interval of a value says how far the task's score could lie for other samples of the same kind; the interval of a lift is paired, and narrower than two intervals of values suggest.",
		"The verdict asks whether the adapter is shown not to be worse than the margin (PASS), shown to be worse than it (BREACH), or neither (INCONCLUSIVE). A lift that is not significant is not a pass.",
		"The floor is the best that an output which knows nothing reaches on the task. A lift that stays under the floor is no lift.",
		"b / c are the samples that only the base, and only the adapter, got right. p is two-sided and adjusted for the number of tasks. MDE is the smallest lift that these samples would detect four times in five.",
		"The numbers hold for these tasks, prompts, samples and this arithmetic. They say nothing about what was not measured, and a sample without a score is left out, never counted as 0.",
	}
}
