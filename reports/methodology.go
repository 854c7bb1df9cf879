package reports

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/ailiance/lorabench"
	"github.com/ailiance/lorabench/scorers/spice"
	"github.com/ailiance/lorabench/tasks"
)

// methodology writes methodology.md: how the number came about, so that somebody
// else could make it, and what it does not mean.
func (e *evidence) methodology() string {
	m := e.data
	var b strings.Builder
	fmt.Fprintf(&b, "# How %s was measured on %s\n\n## What was asked\n\n", md(m.Task.Name), md(m.Variant.Name))
	fmt.Fprintf(&b, "- Task: %s, version %s%s\n", md(m.Task.Name), md(m.Task.Version), titleNote(m.Task))
	fmt.Fprintf(&b, "- Prompts and metrics after: %s\n", orUnsaid(m.Task.Source))
	fmt.Fprintf(&b, "- Dataset: %s, split %s, %s rows, content %s\n",
		orUnsaid(m.Task.Dataset.Name), orUnsaid(m.Task.Dataset.Split), thousands(m.Task.Dataset.Rows), orUnsaid(m.Task.Dataset.SHA256))
	shots := ""
	if m.Task.NumShots > 0 {
		shots = e.seed("fewshot_seed")
	}
	fmt.Fprintf(&b, "- Examples in front of each question: %d%s\n", m.Task.NumShots, shots)
	for _, line := range e.asked() {
		fmt.Fprintf(&b, "- %s\n", line)
	}
	fmt.Fprintf(&b, "- Samples: %s of %s measured, %s. All variants get the same samples, prompts and order, side by side, so that whatever ends early is compared on the same samples.\n",
		thousands(len(m.Results)), thousands(m.Total), md(e.order()))
	if n := e.clusters(); n > 0 {
		fmt.Fprintf(&b, "- Samples share sources: %s clusters, which intervals and tests respect.\n", thousands(n))
	}
	b.WriteString("- What each sample was asked is in samples.jsonl, `doc_hash` and `prompt_hash` are SHA-256 as lm-evaluation-harness computes them.\n")

	b.WriteString("\n## How answers are scored\n\n")
	fmt.Fprintf(&b, "- Scorer: %s%s\n", md(m.Task.Scorer), scorerNote(m.Task.Scorer))
	for _, line := range extraction(m.Task) {
		fmt.Fprintf(&b, "- %s\n", line)
	}
	b.WriteString("- A score is a value or the reason why there is none. Samples without a score are counted and left out, never taken for 0.\n" +
		"- A text that ran into its limit is scored as it is, with `stop` \"length\".\n")
	for _, line := range e.reasoning() {
		fmt.Fprintf(&b, "- %s\n", line)
	}

	b.WriteString("\n## Metrics\n\n| metric | unit | better | of the samples' scores | scores | margin | floor | null output that reaches it |\n|---|---|---|---|---|---:|---:|---|\n")
	for _, metric := range m.Task.Metrics {
		kind, margin, floor, output := "numbers", "–", "–", "–"
		if metric.Binary {
			kind = "0 or 1"
		}
		if metric.Margin > 0 && finite(metric.Margin) {
			margin = marginText(metric, metric.Margin)
		}
		if of, ok := m.Task.Floors[metric.Name]; ok && finite(of.Value) {
			floor, output = inUnit(metric, fixed(shown(metric, of.Value), decimalsFor(metric, nil))), of.Output
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s | %s | %s | %s |\n",
			md(metric.Name), md(metric.Unit), metric.Better, aggregateNote(metric.Aggregate), kind, md(margin), floor, md(output))
	}
	b.WriteString("\nThe first metric is the primary one: gates and pictures use it. The floor is the best of the task's null outputs, which know nothing of the question; they are scored like answers.\n")

	b.WriteString("\n## Intervals and tests\n\n")
	for _, line := range e.methods() {
		fmt.Fprintf(&b, "- %s\n", line)
	}

	b.WriteString("\n## Engine\n\n")
	for _, line := range identityLines(m.Identity) {
		fmt.Fprintf(&b, "- %s\n", line)
	}
	b.WriteString("- `rerun.sh` compares bit for bit. lorabench's own engine gives the same bits whatever the batch, the order and the number of threads are; a server's may not.\n" +
		"- env.json holds the machine, the build and all settings.\n")
	b.WriteString(proofText(m.Variant))
	if len(e.report.Run.Settings) > 0 {
		if settings, err := json.MarshalIndent(e.report.Run.Settings, "", "  "); err == nil {
			fmt.Fprintf(&b, "\nSettings, as resolved:\n\n%s", mdBlock("json", string(settings)))
		}
	}

	b.WriteString("\n## The files\n\n" +
		"- results.json: the numbers, at full precision; `null` where there is none, with the reason.\n" +
		"- samples.jsonl: a line a sample, in the order of measuring. Log-likelihoods are in nats, times in milliseconds. Bits that JSON has no form for stand in `not_finite` and, base64, in `bytes`.\n" +
		"- manifest.sha256: `sha256sum -c manifest.sha256` checks the rest.\n")

	b.WriteString("\n## What the number does not mean\n\n")
	for _, line := range e.limits() {
		fmt.Fprintf(&b, "- %s\n", line)
	}
	return b.String()
}

// seed prints a seed of the settings, "" where they have none.
func (e *evidence) seed(key string) string {
	var settings map[string]json.RawMessage
	var seed json.Number
	if json.Unmarshal(e.report.Run.Settings, &settings) != nil || json.Unmarshal(settings[key], &seed) != nil || seed == "" {
		return ""
	}
	return ", seed " + seed.String()
}

// asked says whether the model was asked in a conversation, and how.
func (e *evidence) asked() []string {
	var s struct {
		ChatTemplate string `json:"chat_template"`
		Multiturn    bool   `json:"fewshot_as_multiturn"`
		System       string `json:"system_instruction"`
		Thinking     string `json:"thinking"`
		Date         string `json:"chat_date"`
		Chat         struct {
			Template string
			Notes    []string
		}
	}
	if json.Unmarshal(e.report.Run.Settings, &s) != nil {
		return nil
	}
	var lines []string
	switch {
	case s.ChatTemplate == "none":
		lines = append(lines, "Asked as a text, without a chat template")
	case e.data.Identity.Template == "none":
		lines = append(lines, "Asked as a text: this task has no place for a chat template")
	case s.ChatTemplate != "":
		shots := "all in the user's message"
		if s.Multiturn {
			shots = "an example is a turn of the user and one of the assistant"
		}
		lines = append(lines, fmt.Sprintf("Asked in a conversation by the checkpoint's chat template, %s, as lm-evaluation-harness does with --apply_chat_template: %s; "+
			"the template is told thinking %s, and the date %s where it asks; continuations follow without a space in front", orUnsaid(s.Chat.Template), shots, md(s.Thinking), md(s.Date)))
	}
	if s.System != "" {
		lines = append(lines, "System instruction: "+mdCode(s.System))
	}
	for _, note := range s.Chat.Notes {
		lines = append(lines, md(note))
	}
	return lines
}

// reasoning says what became of texts that reason.
func (e *evidence) reasoning() []string {
	var s struct {
		ChatTemplate string `json:"chat_template"`
		Chat         struct {
			Begin string `json:"thinking_begin"`
			End   string `json:"thinking_end"`
		}
	}
	if len(e.row.Stops) == 0 { // nothing was written
		return nil
	}
	if json.Unmarshal(e.report.Run.Settings, &s) != nil || s.Chat.Begin == "" {
		return []string{"The model's files tell of no reasoning channel: texts are scored whole"}
	}
	between := fmt.Sprintf("between %s and %s", mdCode(s.Chat.Begin), mdCode(s.Chat.End))
	if s.ChatTemplate == "none" {
		return []string{"The model knows of reasoning " + between + ". It was not asked by its chat template, so texts are scored whole; those with such markers have the note \"" + lorabench.NoteMarkers + "\""}
	}
	return []string{
		"Reasoning, " + between + ", is stored as `thinking` and not scored; `output` is the answer, without special tokens. The task's stop strings end the answer, never the reasoning, and the limit of new tokens counts both",
		"A text that ends within its reasoning has no answer. It counts as wrong, with the note \"" + lorabench.NoteNoAnswer + "\", and stays among the samples of all comparisons: left out, it would reward reasoning without end. (lm-evaluation-harness scores the reasoning there.)",
	}
}

// order says in which order samples were measured.
func (e *evidence) order() string {
	if slices.IsSortedFunc(positions(e.data), func(a, b *lorabench.SampleResult) int { return a.Index - b.Index }) {
		return "in the order of the dataset"
	}
	return "in a shuffled order that depends on the run's seed, the task and the sample's id alone" + e.seed("seed")
}

// clusters returns how many clusters there are, 0 where each sample is its own.
func (e *evidence) clusters() int {
	seen := map[string]bool{}
	for _, r := range e.data.Results {
		if r.Cluster != "" {
			seen[r.Cluster] = true
		}
	}
	return len(seen)
}

// scorerNote says what a scorer does.
func scorerNote(name string) string {
	note, known := map[string]string{
		"choice":             "the continuation with the largest log-likelihood is the answer; acc_norm divides by its length in characters, acc_bytes in bytes",
		"partial":            "the prompt under which the continuation has the largest log-likelihood is the answer",
		"exact_match":        "the answer that is cut out of the text equals the reference, 1 or 0",
		"perplexity":         "log-likelihood of the text, by its length",
		spice.Name:           "the circuit is simulated in a sandbox and measured against the task's test bench",
		spice.StructuralName: "the circuit's text is looked at, not simulated",
	}[name]
	if !known {
		return ""
	}
	return ": " + note
}

// extraction says how answers are cut out of texts, where this program has the
// definition of just that version of the task.
func extraction(info lorabench.TaskInfo) []string {
	d, err := tasks.Lookup(info.Name)
	if err != nil || d.Version != info.Version || d.Scorer != info.Scorer {
		return nil
	}
	var lines []string
	for i, f := range d.Filters {
		which := "the first match"
		switch {
		case f.Select == -1:
			which = "the last match"
		case f.Select > 0:
			which = fmt.Sprintf("match %d", f.Select+1)
		case f.Select < 0:
			which = fmt.Sprintf("match %d from the end", -f.Select)
		}
		primary := ""
		if i == 0 {
			primary = " (primary)"
		}
		lines = append(lines, fmt.Sprintf("Filter %s%s: %s of %s", md(f.Name), primary, which, mdCode(f.Pattern)))
	}
	var alike []string
	for _, pattern := range d.Normalize.Delete {
		alike = append(alike, "without "+mdCode(pattern))
	}
	if d.Normalize.IgnoreCase {
		alike = append(alike, "upper and lower case alike")
	}
	if d.Normalize.IgnorePunctuation {
		alike = append(alike, "without punctuation")
	}
	if len(alike) > 0 {
		lines = append(lines, "Answer and reference are compared "+strings.Join(alike, ", "))
	}
	return lines
}

// aggregateNote says how scores become the metric.
func aggregateNote(a lorabench.Aggregate) string {
	switch a {
	case lorabench.Mean:
		return "mean"
	case lorabench.Ratio:
		return "sum of values / sum of weights"
	case lorabench.ExpRatio:
		return "exp(sum of values / sum of weights)"
	}
	return md(string(a))
}

// methods says which intervals and tests were used, and where they come from.
func (e *evidence) methods() []string {
	var lines, used []string
	for i := range e.row.Cells {
		c := &e.row.Cells[i]
		switch {
		case c.Method != "":
			lines = append(lines, fmt.Sprintf("%s, 95 %% interval: %s", md(c.Metric.Name), md(c.Method)))
			used = append(used, c.Method)
		default:
			lines = append(lines, fmt.Sprintf("%s: %s", md(c.Metric.Name), md(c.Reason)))
		}
		c2 := e.task.Comparison(e.data.Variant.Name, c.Metric.Name)
		if c2 == nil {
			continue
		}
		if c2.Method != "" {
			lines = append(lines, fmt.Sprintf("%s, interval of the lift over %s, paired: %s", md(c.Metric.Name), md(c2.Base), md(c2.Method)))
		}
		if c2.PMethod != "" {
			line := fmt.Sprintf("%s, test of no difference, two-sided: %s", md(c.Metric.Name), md(c2.PMethod))
			if c2.Adjustment != "" {
				line += ", adjusted for the number of tasks by " + md(c2.Adjustment)
			}
			lines = append(lines, line)
		}
		used = append(used, c2.Method, c2.PMethod, c2.Adjustment)
	}
	if e.data.Variant.Name != lorabench.Base {
		lines = append(lines, "Verdict: PASS where the one-sided bound of the lift stays on the good side of the margin, each task at level α (intersection–union test: Berger 1982, Technometrics 24); "+
			"BREACH where being worse than the margin is significant after Holm over the tasks; else INCONCLUSIVE")
		used = append(used, "Holm")
		lines = append(lines, fmt.Sprintf("Resampling is seeded by the names of what is compared; smallest detectable lifts are at two-sided %v, power %v (Miller 2024, arXiv 2411.00640, §5)", significance, power))
	}
	for _, s := range []struct{ word, source string }{
		{"Wilson", "Wilson 1927, JASA 22; effective n of clusters: Korn and Graubard 1998"},
		{"Tango", "Tango 1998, Statistics in Medicine 17, 891–908"},
		{"BCa", "BCa: Efron 1987, JASA 82, 171–185"},
		{"McNemar", "McNemar 1947, Psychometrika 12; the exact form"},
		{"sign flips", "sign flips: Fisher 1935, The Design of Experiments, §21"},
		{"delta method", "ratios: Cochran 1977, Sampling Techniques, ch. 6"},
		{"clustered", "clustered standard errors: Miller 2024, arXiv 2411.00640, app. A"},
		{"Holm", "Holm 1979, Scandinavian Journal of Statistics 6, 65–70"},
		{"Hochberg", "Benjamini and Hochberg 1995, JRSS-B 57, 289–300"},
	} {
		if slices.ContainsFunc(used, func(u string) bool { return strings.Contains(u, s.word) }) {
			lines = append(lines, "Source: "+s.source)
		}
	}
	return lines
}

// identityLines names by content what was measured.
func identityLines(id lorabench.Identity) []string {
	lines := []string{}
	for _, l := range []struct{ what, hash string }{
		{"Engine", id.Engine}, {"Arithmetic", id.Arithmetic}, {"Base weights", id.Base},
	} {
		lines = append(lines, l.what+": "+orUnsaid(l.hash))
	}
	if id.Adapter != nil {
		lines = append(lines, "Adapter: "+orUnsaid(*id.Adapter))
	}
	for _, l := range []struct{ what, hash string }{
		{"Tokenizer", id.Tokenizer}, {"Chat template", id.Template}, {"Dataset", id.Dataset}, {"Task and its settings", id.Task},
	} {
		lines = append(lines, l.what+": "+orUnsaid(l.hash))
	}
	return lines
}

// proofText tells the proof of application, "" for the base.
func proofText(v lorabench.Variant) string {
	if v.IsBase() {
		return ""
	}
	if why := unproven(v); why != "" {
		return "- The adapter is not proven applied: " + md(why) + "\n"
	}
	p := v.Proof
	s := fmt.Sprintf("- The adapter is proven applied: all %s of its file used, on %s (%s), rank %s, scale %s.", many(p.Tensors, "tensor"),
		many(p.Modules, "linear layer"), md(strings.Join(p.Targets, ", ")), list(p.Ranks), list(p.Scales))
	s += fmt.Sprintf(" On %s of probe prompts: KL divergence from the base %.3g nats, largest difference of a logit %.3g", many(p.Probe.Tokens, "token"), p.Probe.KL, p.Probe.MaxLogitDifference)
	if p.Probe.ZeroBEqualsBase {
		s += "; with B set to zero, the base's bits"
	}
	return s + ".\n"
}

func list[T any](xs []T) string {
	words := make([]string, len(xs))
	for i, x := range xs {
		words[i] = fmt.Sprint(x)
	}
	return strings.Join(words, ", ")
}

// limits says what the number does not mean.
func (e *evidence) limits() []string {
	lines := []string{
		"It holds for this task's prompts, examples, samples and scoring, and for this arithmetic. Another prompt may give another number.",
		"The interval tells of other samples of the same kind. It tells nothing of other tasks, and nothing of samples that the model may have seen in training.",
		"A value at or below the floor shows nothing that an output without knowledge does not.",
	}
	if len(e.data.Results) < e.data.Total {
		lines = append(lines, fmt.Sprintf("%s of %s samples were not measured. In a shuffled order those that were are a random part of the task; in the dataset's order they are its beginning.",
			thousands(e.data.Total-len(e.data.Results)), thousands(e.data.Total)))
	}
	if !e.data.Variant.IsBase() {
		lines = append(lines, "A difference that is not significant is not equality, and a PASS says \"not worse than the margin\", not \"as good\".")
	}
	return lines
}

// orUnsaid prints a text, or that it is not known.
func orUnsaid(s string) string {
	if s == "" {
		return "not said"
	}
	return md(s)
}

// mdBlock sets lines as code, whatever backticks they hold.
func mdBlock(language, text string) string {
	fence := "```"
	for strings.Contains(text, fence) {
		fence += "`"
	}
	lines := strings.Split(text, "\n")
	for i := range lines {
		lines[i] = printable(lines[i])
	}
	return fence + language + "\n" + strings.Join(lines, "\n") + "\n" + fence + "\n"
}
