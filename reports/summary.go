package reports

import (
	"fmt"
	"io"
	"net/url"
	"strings"
	"unicode"

	"github.com/ailiance/lorabench"
)

// Summary writes SUMMARY.md: the verdicts in words, a table a task, the picture
// of the lifts, what the numbers mean, what has no score, and where the evidence
// is. It is meant to lie in the output directory, beside lifts.svg.
func Summary(w io.Writer, r *Report) error {
	var b strings.Builder
	fmt.Fprintf(&b, "# What the adapters do to %s\n\n", md(r.Run.Model))
	fmt.Fprintf(&b, "- Run: %s, started %s\n", md(r.Run.ID), r.Run.Started.UTC().Format("2006-01-02 15:04:05 MST"))
	if len(r.Run.Command) > 0 {
		fmt.Fprintf(&b, "- Command: %s\n", mdCode(commandLine(r.Run.Command)))
	}
	fmt.Fprintf(&b, "- Gate: **%s**, exit code %d; %s, α = %v one-sided\n", r.Outcome, r.ExitCode, md(policyText(r.Policy)), r.Policy.Alpha)
	b.WriteString("\n## Verdicts\n\n")
	for _, a := range r.Adapters {
		if len(a.Verdicts) == 1 {
			fmt.Fprintf(&b, "- **%s**%s\n", md(a.Sentence), verdictNote(&a.Verdicts[0]))
			continue
		}
		fmt.Fprintf(&b, "- **%s**\n", md(a.Sentence))
		for _, v := range a.Verdicts {
			fmt.Fprintf(&b, "  - %s%s\n", md(strings.TrimPrefix(v.Sentence, a.Name+": ")), verdictNote(&v))
		}
	}
	if len(r.Adapters) == 0 {
		b.WriteString("No adapter was measured.\n")
	}
	b.WriteString("\n## Scoreboard\n")
	for _, t := range r.Tasks {
		fmt.Fprintf(&b, "\n### %s%s\n", md(t.Info.Name), titleNote(t.Info))
		for _, m := range t.Info.Metrics {
			writeTask(&b, viewTask(r, t, m))
		}
	}
	if r.hasLifts() {
		b.WriteString("\n## Lifts\n\n![Lifts with their 95 % intervals](lifts.svg)\n")
	}
	b.WriteString("\n## What the numbers mean, and what not\n\n")
	for _, line := range meaning() {
		fmt.Fprintf(&b, "- %s\n", line)
	}
	writeUnscored(&b, r)
	if lines := environment(r.Run.Env); len(lines) > 0 {
		b.WriteString("\n## Environment\n\n")
		for _, line := range lines {
			fmt.Fprintf(&b, "- %s\n", md(line))
		}
	}
	b.WriteString("\n## Evidence\n\nEach folder holds the samples, the method, the environment and a script that measures again.\n\n")
	for _, t := range r.Tasks {
		for _, row := range t.Rows {
			fmt.Fprintf(&b, "- [%s on %s](%s/report.md)\n", mdLink(t.Info.Name), mdLink(row.Variant), linkPath(row.Evidence))
		}
	}
	if _, err := io.WriteString(w, b.String()); err != nil {
		return fmt.Errorf("write summary: %w", err)
	}
	return nil
}

func titleNote(t lorabench.TaskInfo) string {
	if t.Title == "" {
		return ""
	}
	return ": " + md(t.Title)
}

// verdictNote adds to a sentence, in Markdown, the reasons that it does not hold yet.
func verdictNote(v *Verdict) string {
	s := ""
	if len(v.Labels) > 0 {
		s += " (" + labelText(v.Labels) + ")"
	}
	reasons := v.Reasons
	if v.Outcome == Invalid && len(reasons) > 0 {
		reasons = reasons[1:] // the first is in the sentence
	}
	if len(reasons) > 0 {
		s += ": " + md(strings.Join(reasons, "; "))
	}
	if v.Tier == Advisory {
		s += "; advisory"
	}
	return s
}

func labelText(labels []Label) string {
	words := make([]string, len(labels))
	for i, l := range labels {
		words[i] = string(l)
	}
	return strings.Join(words, ", ")
}

// hasLifts reports whether there is a lift to draw.
func (r *Report) hasLifts() bool {
	for _, t := range r.Tasks {
		for _, c := range t.Comparisons {
			if c.Primary && c.Lift != nil {
				return true
			}
		}
	}
	return false
}

func writeTask(b *strings.Builder, v taskView) {
	fmt.Fprintf(b, "\n%s", md(v.Metric))
	if v.Floor != "" {
		fmt.Fprintf(b, "; floor %s", md(v.Floor))
	}
	b.WriteString("\n\n| variant | value [95 %] | lift [95 %] | b / c | p | MDE | n | no score | verdict |\n|---|---:|---:|---:|---:|---:|---:|---:|---|\n")
	for _, row := range v.Rows {
		fmt.Fprintf(b, "| %s | %s | %s | %s | %s | %s | %s | %s | %s |\n",
			md(row.Variant), row.Value, row.Lift, row.Flips, row.P, row.MDE, row.N, row.NoScore, row.Verdict)
	}
	if len(v.Lines) > 0 {
		b.WriteString("\n")
	}
	for _, line := range v.Lines {
		fmt.Fprintf(b, "- %s\n", md(line))
	}
}

// writeUnscored says what became of the samples.
func writeUnscored(b *strings.Builder, r *Report) {
	b.WriteString("\n## Samples\n\n| task | variant | status | measured | no score, and why | stopped | notes on scores |\n|---|---|---|---:|---|---|---|\n")
	for _, t := range r.Tasks {
		for _, row := range t.Rows {
			cell := row.Primary()
			fmt.Fprintf(b, "| %s | %s | %s | %s of %s | %s | %s | %s |\n", md(t.Info.Name), md(row.Variant), row.Status,
				thousands(row.Measured), thousands(row.Total), orNone(md(counts(cell.Unscored))), orNone(md(counts(row.Stops))), orNone(md(counts(row.Notes))))
		}
	}
	if len(r.Warnings) > 0 {
		b.WriteString("\n")
		for _, warning := range r.Warnings {
			fmt.Fprintf(b, "- Note: %s\n", md(warning))
		}
	}
}

func orNone(s string) string {
	if s == "" {
		return "–"
	}
	return s
}

// Matrix writes compare_base_vs_lora.md: a line a metric, a column a variant,
// values with the lift beside them.
func Matrix(w io.Writer, r *Report) error {
	var b strings.Builder
	fmt.Fprintf(&b, "# Base against adapters: %s\n\nRun %s. Values, and in brackets the lift over the base on the same samples; fractions in points. "+
		"**Bold**: the lift differs from 0 after correction for the number of tasks (p < %v). † a lift that stays under the floor, so no lift.\n\n| task | metric | floor |",
		md(r.Run.Model), md(r.Run.ID), significance)
	for _, v := range r.Variants {
		fmt.Fprintf(&b, " %s |", md(v))
	}
	b.WriteString("\n|---|---|---:|" + strings.Repeat("---:|", len(r.Variants)) + "\n")
	for _, t := range r.Tasks {
		for _, m := range t.Info.Metrics {
			floor := "–"
			if f, ok := t.Info.Floors[m.Name]; ok && finite(f.Value) {
				floor = fixed(shown(m, f.Value), decimalsFor(m, nil))
			}
			fmt.Fprintf(&b, "| %s | %s (%s, %s is better) | %s |", md(t.Info.Name), md(m.Name), md(unit(m)), m.Better, floor)
			for _, v := range r.Variants {
				fmt.Fprintf(&b, " %s |", matrixCell(t, v, m))
			}
			b.WriteString("\n")
		}
	}
	for _, refusal := range r.Refusals {
		fmt.Fprintf(&b, "\nNot measured: %s: %s\n", md(refusal.Name), md(refusal.Reason))
	}
	if _, err := io.WriteString(w, b.String()); err != nil {
		return fmt.Errorf("write matrix: %w", err)
	}
	return nil
}

func matrixCell(t *TaskReport, variant string, m lorabench.Metric) string {
	row := t.Row(variant)
	if row == nil {
		return "not measured"
	}
	cell := row.Cell(m.Name)
	if cell == nil || cell.Value == nil {
		return "no score"
	}
	places := max(decimalsFor(m, cell.CI95), 1)
	s := fixed(shown(m, *cell.Value), places)
	c := t.Comparison(variant, m.Name)
	switch {
	case c == nil:
		return s
	case c.Lift == nil:
		return s + " (" + md(c.Reason) + ")"
	}
	delta := signed(shown(m, *c.Lift), max(decimalsFor(m, c.CI95), 1))
	if c.Adjusted != nil && *c.Adjusted < significance {
		delta = "**" + delta + "**"
	}
	if c.UnderFloor {
		delta += " †"
	}
	return s + " (" + delta + ")"
}

// md escapes text for a line or a table cell of Markdown, so that it shows as it
// is: no link, picture, tag, emphasis or formula comes of it. What is harmless
// stays as it is, so that the file reads well as text too: "[−38, −24]", "p < 0.05",
// "arc_easy".
func md(s string) string { return escapeMarkdown(s, false) }

// mdLink escapes text inside the brackets of a link.
func mdLink(s string) string { return escapeMarkdown(s, true) }

func escapeMarkdown(s string, brackets bool) string {
	var b strings.Builder
	runes := []rune(strings.TrimLeft(printable(s), " ")) // spaces in front would hide what begins a block
	at := func(i int) rune {
		if i < 0 || i >= len(runes) {
			return ' '
		}
		return runes[i]
	}
	wordy := func(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) || r == '_' }
	for i, r := range runes {
		before, after := at(i-1), at(i+1)
		escape := false
		switch r {
		case '\\', '`', '*', '|', '$', '~':
			escape = true
		case '_': // inside a word it is no emphasis
			escape = !wordy(before) || !wordy(after)
		case '<': // a tag or an address
			escape = unicode.IsLetter(after) || after == '/' || after == '!' || after == '?'
		case '&': // an entity
			escape = unicode.IsLetter(after) || after == '#'
		case '[':
			escape = brackets || i == 0 || before == ']' || before == '!'
		case ']':
			escape = brackets
		case '(', ':':
			escape = before == ']'
		case '#', '>', '=':
			escape = i == 0
		case '-', '+':
			escape = i == 0 && (after == ' ' || after == r)
		case '.', ')': // a list's number
			escape = i > 0 && after == ' ' && strings.TrimFunc(string(runes[:i]), unicode.IsDigit) == ""
		}
		if escape {
			b.WriteByte('\\')
		}
		b.WriteRune(r)
	}
	return b.String()
}

// mdCode sets text as code, whatever backticks it holds.
func mdCode(s string) string {
	s = printable(s)
	fence := "`"
	for strings.Contains(s, fence) {
		fence += "`"
	}
	if len(fence) > 1 {
		return fence + " " + s + " " + fence
	}
	return fence + s + fence
}

// linkPath escapes a path with slashes for a link.
func linkPath(p string) string {
	parts := strings.Split(p, "/")
	for i := range parts {
		parts[i] = url.PathEscape(parts[i])
	}
	return strings.Join(parts, "/")
}
