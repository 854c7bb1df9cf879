package reports

import (
	"fmt"
	"slices"
	"strings"

	"github.com/ailiance/lorabench"
)

// maxFlips is how many samples of a kind report.md names.
const maxFlips = 200

// text writes report.md: the numbers of this measurement and, of an adapter, what
// changed against the base.
func (e *evidence) text() string {
	m, row := e.data, e.row
	var b strings.Builder
	fmt.Fprintf(&b, "# %s on %s\n\n", md(m.Task.Name), md(m.Variant.Name))
	if m.Task.Title != "" {
		fmt.Fprintf(&b, "%s\n\n", md(m.Task.Title))
	}
	fmt.Fprintf(&b, "- Run: %s on %s\n", md(m.Run), md(e.report.Run.Model))
	fmt.Fprintf(&b, "- Status: %s\n", md(row.unfinished()))
	fmt.Fprintf(&b, "- Started %s, took %s (all variants together)\n", m.Started.UTC().Format("2006-01-02 15:04:05 MST"), about(m.Elapsed))
	fmt.Fprintf(&b, "- Tokens: %s of prompts, of which %s computed and the rest shared; %s generated\n",
		thousands(row.Tokens.Prompt), thousands(row.Tokens.Computed), thousands(row.Tokens.Generated))

	b.WriteString("\n## Values\n\n| metric | value [95 %] | unit | better | n | no score | floor | interval |\n|---|---:|---|---|---:|---:|---:|---|\n")
	for i := range row.Cells {
		c := &row.Cells[i]
		floor, note := "–", c.Method
		if c.Floor != nil {
			floor = fixed(shown(c.Metric, c.Floor.Value), decimalsFor(c.Metric, nil))
			if above, ok := c.AboveFloor(); ok && !above {
				note += "; not above the floor"
			}
		}
		if c.Reason != "" {
			note = c.Reason
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s | %s | %s | %s |\n", md(c.Metric.Name), c.text(), md(unit(c.Metric)), c.Metric.Better,
			thousands(c.N), thousands(row.Measured-c.N), floor, md(strings.TrimPrefix(note, "; ")))
	}
	e.writeComparison(&b)

	b.WriteString("\n## Samples\n\n")
	fmt.Fprintf(&b, "- No score: %s\n", orNone(md(counts(row.Primary().Unscored))))
	fmt.Fprintf(&b, "- Texts stopped: %s\n", orNone(md(counts(row.Stops))))
	fmt.Fprintf(&b, "- Notes on scores: %s\n", orNone(md(counts(row.Notes))))

	b.WriteString("\n## What was measured\n\n")
	for _, line := range identityLines(m.Identity) {
		fmt.Fprintf(&b, "- %s\n", line)
	}
	b.WriteString(proofText(m.Variant))
	b.WriteString("\nHow the numbers came about: [methodology.md](methodology.md). Each sample: [samples.jsonl](samples.jsonl). To measure again: `./rerun.sh`.\n")
	return b.String()
}

// writeComparison tells an adapter's lifts, verdicts and flips.
func (e *evidence) writeComparison(b *strings.Builder) {
	name := e.data.Variant.Name
	if name == lorabench.Base {
		return
	}
	b.WriteString("\n## Against the base\n\n")
	compared := false
	for _, v := range e.verdicts() {
		fmt.Fprintf(b, "**%s**%s\n\n", md(v.Sentence), verdictNote(v))
	}
	for _, metric := range e.data.Task.Metrics {
		c := e.task.Comparison(name, metric.Name)
		if c == nil {
			continue
		}
		compared = true
		var verdict *Verdict
		for _, v := range e.verdicts() {
			if v.c == c && !v.Claim {
				verdict = v
			}
		}
		fmt.Fprintf(b, "- %s: %s\n", md(metric.Name), md(c.line(verdict)))
		if c.BaseOn != nil && c.On != nil {
			places := max(decimalsFor(metric, c.CI95), 1)
			fmt.Fprintf(b, "  - On the same %s samples: base %s, %s %s %s\n", thousands(c.N),
				fixed(shown(metric, *c.BaseOn), places), md(name), fixed(shown(metric, *c.On), places), md(unit(metric)))
		}
		for _, reason := range c.Invalid {
			fmt.Fprintf(b, "  - Not comparable: %s\n", md(reason))
		}
		if c.UnderFloor {
			fmt.Fprintf(b, "  - Better than the base, yet not better than a null output (%s): no lift\n", md(c.Floor.Output))
		}
		if n := c.Dropped; n != (Dropped{}) {
			fmt.Fprintf(b, "  - Left out: %s only in the base, %s only here, %s without a score in the base, %s here, %s in both\n",
				thousands(n.OnlyBase), thousands(n.OnlyVariant), thousands(n.UnscoredBase), thousands(n.UnscoredVariant), thousands(n.UnscoredBoth))
		}
	}
	if !compared {
		b.WriteString("The base was not measured on this task.\n")
	}
	for _, metric := range e.data.Task.Metrics {
		c := e.task.Comparison(name, metric.Name)
		if c == nil || c.Flips == nil {
			continue
		}
		fmt.Fprintf(b, "\n### Samples whose %s changed\n\n", md(metric.Name))
		fmt.Fprintf(b, "- Lost, right only in the base (%s): %s\n", thousands(len(c.Flips.Lost)), flipList(c.Flips.Lost))
		fmt.Fprintf(b, "- Gained, right only here (%s): %s\n", thousands(len(c.Flips.Gained)), flipList(c.Flips.Gained))
	}
}

// verdicts returns those on this adapter and task, claims too.
func (e *evidence) verdicts() []*Verdict {
	var list []*Verdict
	for i := range e.report.Adapters {
		a := &e.report.Adapters[i]
		for j := range a.Verdicts {
			if v := &a.Verdicts[j]; a.Name == e.data.Variant.Name && v.Task == e.data.Task.Name {
				list = append(list, v)
			}
		}
	}
	return list
}

// flipList names samples, the first maxFlips of them.
func flipList(ids []string) string {
	if len(ids) == 0 {
		return "–"
	}
	words := slices.Clone(ids[:min(len(ids), maxFlips)])
	for i := range words {
		words[i] = md(words[i])
	}
	s := strings.Join(words, ", ")
	if n := len(ids) - len(words); n > 0 {
		s += fmt.Sprintf(" and %s more", thousands(n))
	}
	return s
}
