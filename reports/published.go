package reports

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"regexp"
	"slices"
	"sort"
	"strconv"
	"strings"
)

// Tables of the published benchmark, in its own shape, of its own result files.
// They repeat what was published, and add nothing: no interval, no floor, no
// number of samples. The scoreboard has these.

// PublishedFiles are the published result files by name, as JSON.
type PublishedFiles map[string]json.RawMessage

// PublishedFileNames are those that a comparison is made of.
func PublishedFileNames() []string {
	var names []string
	for _, p := range publishedPhases() {
		names = append(names, p.base, p.lora)
	}
	return names
}

// publishedPhase is where the scores of a phase are.
type publishedPhase struct {
	label, base, lora string
	dataset           string // "" where a model has several
	field             string
}

func publishedPhases() []publishedPhase {
	phase := func(label, file, dataset, field string) publishedPhase {
		return publishedPhase{label, file + ".json", file + "_lora.json", dataset, field}
	}
	return []publishedPhase{
		phase("P1", "kicad_functional_phase1", "", "composite_score"),
		phase("P2", "kicad_phase2", "kicad-sch-gen", "composite_score"),
		phase("P3", "kicad_phase3", "kicad-sch-extract", "composite_score"),
		phase("P4", "kicad_phase4", "kicad-erc-abs", "composite_avg"),
		phase("P5", "kicad_phase5", "kicad-erc-delta", "composite_v2_avg"),
	}
}

// PublishedAdapter is a column: a model of the files, and how it is called.
type PublishedAdapter struct {
	Nick  string `json:"nick"`
	Alias string `json:"alias"`
}

// PublishedNames say what stands in which column.
type PublishedNames struct {
	Base     string // a model of the base files
	Shown    string // how it is called; "" as it is
	Adapters []PublishedAdapter
	Folder   string // of the files, as the JSON names it
}

// PublishedMatrix is compare_base_vs_lora, the published table of lifts.
type PublishedMatrix struct {
	names  PublishedNames
	phases []matrixPhase
}

type matrixPhase struct {
	publishedPhase
	hasBase, hasLoRA bool
	rows             []matrixRow
	warnings         []string
}

// matrixRow is a dataset. Scores are nil where they are null or missing.
type matrixRow struct {
	dataset string
	base    *json.Number
	lora    []*json.Number // by column
}

// keyed is a member of an object.
type keyed struct {
	name  string
	value json.RawMessage
}

// keyedOf reads an object in order; nil where it is none.
func keyedOf(raw json.RawMessage) []keyed {
	d := json.NewDecoder(bytes.NewReader(raw))
	if token, err := d.Token(); err != nil || token != json.Delim('{') {
		return nil
	}
	var all []keyed
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return nil
		}
		m := keyed{name: fmt.Sprint(name)}
		if err := d.Decode(&m.value); err != nil {
			return nil
		}
		all = append(all, m)
	}
	return all
}

// lookup returns the last member of that name, as Python does.
func lookup(all []keyed, name string) json.RawMessage {
	for i := len(all) - 1; i >= 0; i-- {
		if all[i].name == name {
			return all[i].value
		}
	}
	return nil
}

// numberOf is a number, nil for null or what is none.
func numberOf(block []keyed, field string) *json.Number {
	var n *json.Number
	if json.Unmarshal(lookup(block, field), &n) != nil {
		return nil
	}
	return n
}

// datasetScore is the score of a model on a dataset.
type datasetScore struct {
	dataset string
	score   *json.Number
}

// scores are those of a model's block, in order.
func (p publishedPhase) scores(block json.RawMessage) []datasetScore {
	all := keyedOf(block)
	if len(all) == 0 {
		return nil
	}
	if p.dataset != "" {
		if lookup(all, "error") != nil {
			return []datasetScore{{p.dataset, nil}}
		}
		return []datasetScore{{p.dataset, numberOf(all, p.field)}}
	}
	var scores []datasetScore
	for _, m := range all {
		if inner := keyedOf(m.value); inner != nil {
			scores = append(scores, datasetScore{m.name, numberOf(inner, p.field)})
		}
	}
	return scores
}

func scoreOn(scores []datasetScore, dataset string) *json.Number {
	for _, s := range scores {
		if s.dataset == dataset {
			return s.score
		}
	}
	return nil
}

// PublishedModels returns the models of a result file, in order.
func PublishedModels(file json.RawMessage) []string {
	var names []string
	for _, m := range keyedOf(lookup(keyedOf(file), "bench")) {
		names = append(names, m.name)
	}
	return names
}

// NewPublishedMatrix makes the table of the files that there are.
func NewPublishedMatrix(files PublishedFiles, names PublishedNames) *PublishedMatrix {
	m := &PublishedMatrix{names: names}
	for _, p := range publishedPhases() {
		base, hasBase := files[p.base]
		lora, hasLoRA := files[p.lora]
		phase := matrixPhase{publishedPhase: p, hasBase: hasBase, hasLoRA: hasLoRA, warnings: []string{}}
		path := func(name string) string { return names.Folder + "/" + name }
		if !hasBase {
			phase.warnings = append(phase.warnings, "base file missing: "+path(p.base))
		}
		if !hasLoRA {
			phase.warnings = append(phase.warnings, "lora file missing: "+path(p.lora)+" (en attente)")
		}
		of := func(file json.RawMessage, nick string) []datasetScore {
			return p.scores(lookup(keyedOf(lookup(keyedOf(file), "bench")), nick))
		}
		baseScores := of(base, names.Base)
		if hasBase && len(keyedOf(lookup(keyedOf(lookup(keyedOf(base), "bench")), names.Base))) == 0 {
			phase.warnings = append(phase.warnings, fmt.Sprintf("base ref nick '%s' not in %s", names.Base, p.base))
		}
		all := [][]datasetScore{baseScores}
		for _, a := range names.Adapters {
			all = append(all, of(lora, a.Nick))
		}
		for _, scores := range all {
			for _, s := range scores {
				if slices.ContainsFunc(phase.rows, func(r matrixRow) bool { return r.dataset == s.dataset }) {
					continue
				}
				row := matrixRow{dataset: s.dataset, base: scoreOn(baseScores, s.dataset)}
				for _, adapter := range all[1:] {
					row.lora = append(row.lora, scoreOn(adapter, s.dataset))
				}
				phase.rows = append(phase.rows, row)
			}
		}
		m.phases = append(m.phases, phase)
	}
	return m
}

// liftCell writes an adapter's cell.
func liftCell(lora, base *json.Number) string {
	if lora == nil {
		return "(en attente)"
	}
	l, _ := lora.Float64()
	if base == nil {
		return fmt.Sprintf("%.3f (no base)", l)
	}
	b, _ := base.Float64()
	delta, sign := l-b, ""
	if delta >= 0 {
		sign = "+"
	}
	return fmt.Sprintf("%.3f (%s%.1fpts)", l, sign, delta*100)
}

func baseCell(base *json.Number) string {
	if base == nil {
		return "n/a"
	}
	b, _ := base.Float64()
	return fmt.Sprintf("%.3f", b)
}

func (m *PublishedMatrix) shown() string {
	if m.names.Shown != "" {
		return m.names.Shown
	}
	return m.names.Base
}

// Markdown writes compare_base_vs_lora.md. date is the moment that it says it was
// made, "2026-05-11 18:23:01".
func (m *PublishedMatrix) Markdown(w io.Writer, date string) error {
	var b strings.Builder
	var nicks, aliases []string
	for _, a := range m.names.Adapters {
		nicks, aliases = append(nicks, a.Nick), append(aliases, a.Alias)
	}
	fmt.Fprintf(&b, "# Compare base vs LoRA — composite lift par phase / dataset\n\n_Generated: %s_\n\n", date)
	fmt.Fprintf(&b, "- Base ref     : `%s` (les 3 adapters LoRA sont sur cette meme base)\n", m.shown())
	fmt.Fprintf(&b, "- Adapters     : %s\n", strings.Join(nicks, ", "))
	b.WriteString("- Lift         : `composite_lora - composite_base` (en pts ; +X.Xpts)\n\n")
	fmt.Fprintf(&b, "| Phase | Dataset | base | %s |\n|---|---|---:|%s\n", strings.Join(aliases, " | "), strings.Repeat("---:|", len(aliases)))
	for _, p := range m.phases {
		if len(p.rows) == 0 {
			note := "(no data)"
			if !p.hasLoRA {
				note = "(en attente)"
			}
			fmt.Fprintf(&b, "| %s | — | — | %s |\n", p.label, strings.Join(slices.Repeat([]string{note}, len(aliases)), " | "))
		}
		for _, row := range p.rows {
			cells := []string{"| " + p.label, " " + row.dataset, " " + baseCell(row.base)}
			for _, l := range row.lora {
				cells = append(cells, " "+liftCell(l, row.base))
			}
			b.WriteString(strings.Join(cells, "|") + " |\n")
		}
	}
	warned := false
	for _, p := range m.phases {
		for _, warning := range p.warnings {
			if !warned {
				b.WriteString("\n## Warnings\n\n")
				warned = true
			}
			fmt.Fprintf(&b, "- **%s** : %s\n", p.label, warning)
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// JSON writes compare_base_vs_lora.json.
func (m *PublishedMatrix) JSON(w io.Writer, date string) error {
	var matrix orderedJSON
	var labels []string
	for _, p := range m.phases {
		datasets := orderedJSON{}
		for _, row := range p.rows {
			lora := orderedJSON{}
			for i, a := range m.names.Adapters {
				lora = append(lora, property{a.Alias, row.lora[i]})
			}
			datasets = append(datasets, property{row.dataset, orderedJSON{{"base", row.base}, {"lora", lora}}})
		}
		labels = append(labels, p.label)
		matrix = append(matrix, property{p.label, orderedJSON{
			{"base_path", m.names.Folder + "/" + p.base}, {"lora_path", m.names.Folder + "/" + p.lora},
			{"score_field", p.field}, {"base_present", p.hasBase}, {"lora_present", p.hasLoRA},
			{"datasets", datasets}, {"warnings", p.warnings},
		}})
	}
	raw, err := json.Marshal(orderedJSON{
		{"metadata", orderedJSON{
			{"timestamp", date}, {"base_ref_nick", m.shown()}, {"lora_nicks", m.names.Adapters}, {"phases", labels},
		}},
		{"matrix", matrix},
	})
	if err != nil {
		return err
	}
	var b bytes.Buffer
	if err := json.Indent(&b, raw, "", "  "); err != nil {
		return err
	}
	_, err = w.Write(b.Bytes())
	return err
}

// orderedJSON is a JSON object in its order.
type orderedJSON []property

type property struct {
	name  string
	value any
}

func (o orderedJSON) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	for i, p := range o {
		if i > 0 {
			b.WriteByte(',')
		}
		for k, v := range []any{p.name, p.value} {
			if k == 1 {
				b.WriteByte(':')
			}
			e := json.NewEncoder(&b)
			e.SetEscapeHTML(false)
			if err := e.Encode(v); err != nil {
				return nil, err
			}
			b.Truncate(b.Len() - 1)
		}
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

// benchModels are the models of BENCH_TABLE, in its order.
func benchModels() [][3]string {
	return [][3]string{
		{"base", "Google", "Gemma Terms"},
		{"ailiance", "electron-rare", "CC-BY-SA-4.0"},
		{"mascarade", "electron-rare", "CC-BY-SA-4.0"},
		{"gemma3-4b", "Google", "Gemma Terms"},
		{"ministral-3b", "Mistral", "Apache 2.0"},
		{"qwen-coder-3b", "Alibaba", "Apache 2.0"},
		{"llama-3.2-3b", "Meta", "Llama 3.2"},
		{"qwen3.5-9b", "Alibaba", "Apache 2.0"},
		{"jackrong-9b-opus", "Jackrong (distill Opus)", "Apache 2.0 + Anthropic AUP?"},
		{"helium-1-2b", "Kyutai", "CC-BY 4.0"},
		{"ministral-3-8b", "Mistral", "Apache 2.0"},
		{"granite-4.1-3b", "IBM", "Apache 2.0"},
	}
}

var (
	benchSection    = regexp.MustCompile(`^---\s+([^/]+?)\s+/\s+(\S+)\s+---\s*$`)
	benchNumber     = regexp.MustCompile(`"([^"]+)"\s*:\s*([0-9eE+\-.]+)`)
	benchPerplexity = regexp.MustCompile(`Perplexity:\s*([0-9.]+)\s*±\s*([0-9.]+)`)
)

// benchResult is what a section of the log says.
type benchResult struct {
	status  string // what stands where a number is missing
	numbers map[string]float64
	ppl     *float64
}

// PublishedBenchTable writes BENCH_TABLE.md of all_models.txt, the log of all
// runs. Of numbers with one name in a section the first counts.
func PublishedBenchTable(w io.Writer, log, date string) error {
	results := map[[2]string]*benchResult{}
	var extras []string
	var at *benchResult
	var body strings.Builder
	known := benchModels()
	flush := func() {
		if at != nil {
			at.read(body.String())
		}
		body.Reset()
	}
	for line := range strings.Lines(log) {
		m := benchSection.FindStringSubmatch(strings.TrimSpace(line))
		if m == nil {
			body.WriteString(line)
			continue
		}
		flush()
		key := [2]string{strings.TrimSpace(m[1]), m[2]}
		if results[key] == nil {
			results[key] = &benchResult{numbers: map[string]float64{}}
		}
		at = results[key]
		if !slices.ContainsFunc(known, func(k [3]string) bool { return k[0] == key[0] }) && !slices.Contains(extras, key[0]) {
			extras = append(extras, key[0])
		}
	}
	flush()
	for _, name := range extras {
		known = append(known, [3]string{name, "?", "?"})
	}
	var b strings.Builder
	fmt.Fprintf(&b, "# Bench multi-modèles consolidé (final, %s)\n\n## Public benchs (%% accuracy, ↑ better)\n\n", date)
	b.WriteString("| Model | Provider | License | gsm-S | gsm-F | arc | arc-n | mmlu | mmluPro |\n|---|---|---|---:|---:|---:|---:|---:|---:|\n")
	for _, model := range known {
		fmt.Fprintf(&b, "| **%s** | %s | %s |", model[0], model[1], model[2])
		for _, cell := range [][2]string{
			{"gsm8k_cot", "exact_match,strict-match"}, {"gsm8k_cot", "exact_match,flexible-extract"},
			{"arc_easy", "acc,none"}, {"arc_easy", "acc_norm,none"}, {"mmlu", "acc,none"},
			{"mmlu_pro_computer_science", "exact_match,custom-extract"},
		} {
			fmt.Fprintf(&b, " %s |", results[[2]string{model[0], cell[0]}].percent(cell[1]))
		}
		b.WriteString("\n")
	}
	niches := []string{"spice", "stm32", "kicad", "embedded_iot", "emc_power"}
	fmt.Fprintf(&b, "\n## Niches perplexity (lower=better)\n\n| Model | %s |\n|---|%s|\n", strings.Join(niches, " | "),
		strings.Join(slices.Repeat([]string{"---:"}, len(niches)), "|"))
	for _, model := range known {
		var cells []string
		for _, niche := range niches {
			cells = append(cells, results[[2]string{model[0], "ppl-" + niche}].perplexity())
		}
		fmt.Fprintf(&b, "| **%s** | %s |\n", model[0], strings.Join(cells, " | "))
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func (r *benchResult) read(body string) {
	switch {
	case strings.Contains(body, "_TIMEOUT"):
		r.status = "TO"
	case strings.Contains(body, "_NO RESULT"), strings.Contains(body, "_ERROR"), strings.Contains(body, "_NO DATASET"):
		r.status = "—"
	}
	for _, m := range benchNumber.FindAllStringSubmatch(body, -1) {
		if _, seen := r.numbers[m[1]]; seen {
			continue
		}
		if x, err := strconv.ParseFloat(m[2], 64); err == nil {
			r.numbers[m[1]] = x
		}
	}
	if m := benchPerplexity.FindStringSubmatch(body); m != nil {
		if x, err := strconv.ParseFloat(m[1], 64); err == nil {
			r.ppl = &x
		}
	}
}

// missing is what stands where a number is missing.
func (r *benchResult) missing() string {
	if r == nil || r.status == "" {
		return "—"
	}
	return r.status
}

func (r *benchResult) percent(key string) string {
	if r == nil {
		return r.missing()
	}
	x, has := r.numbers[key]
	if !has {
		return r.missing()
	}
	return strconv.FormatFloat(x*100, 'f', 1, 64)
}

func (r *benchResult) perplexity() string {
	if r == nil || r.ppl == nil {
		return r.missing()
	}
	return strconv.FormatFloat(*r.ppl, 'f', 2, 64)
}

// PublishedDomains writes 31_domains_baseline.md of its JSON: perplexities of
// models on domains.
func PublishedDomains(w io.Writer, file json.RawMessage, date string) error {
	var d struct {
		Metadata struct {
			Timestamp string   `json:"timestamp"`
			Data      string   `json:"data_dir"`
			Samples   int      `json:"num_samples"`
			Length    int      `json:"sequence_length"`
			Domains   []string `json:"domains"`
			Models    []struct {
				Nickname string `json:"nickname"`
				ID       string `json:"hf_id"`
			} `json:"models"`
		} `json:"metadata"`
		Bench map[string]map[string]struct {
			PPL    *float64 `json:"ppl"`
			Status string   `json:"status"`
		} `json:"bench"`
	}
	if err := json.Unmarshal(file, &d); err != nil {
		return fmt.Errorf("perplexities of domains: %w", err)
	}
	if date == "" {
		date = d.Metadata.Timestamp
	}
	var b strings.Builder
	fmt.Fprintf(&b, "# %d-domains baseline (perplexity, lower=better)\n\n_Generated: %s_\n\n", len(d.Metadata.Domains), date)
	fmt.Fprintf(&b, "- Samples / domain: **%d**, seq-len: **%d**\n- Data: `%s`\n- Models: %d (4-bit MLX only — fits in 32 GB RAM)\n\n",
		d.Metadata.Samples, d.Metadata.Length, d.Metadata.Data, len(d.Metadata.Models))
	fmt.Fprintf(&b, "| Model | %s |\n|---|%s\n", strings.Join(d.Metadata.Domains, " | "), strings.Repeat("---:|", len(d.Metadata.Domains)))
	for _, m := range d.Metadata.Models {
		var cells []string
		for _, domain := range d.Metadata.Domains {
			cell, measured := d.Bench[m.Nickname][domain]
			switch {
			case !measured:
				cells = append(cells, "—")
			case cell.PPL != nil:
				cells = append(cells, strconv.FormatFloat(*cell.PPL, 'f', 2, 64))
			default:
				cells = append(cells, cell.Status)
			}
		}
		fmt.Fprintf(&b, "| **%s** | %s |\n", m.Nickname, strings.Join(cells, " | "))
	}
	b.WriteString("\n## Models tested\n\n")
	for _, m := range d.Metadata.Models {
		fmt.Fprintf(&b, "- **%s** — `%s`\n", m.Nickname, m.ID)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// PPLCell is a model's perplexity on a domain before and after training, as
// comparison_v1 and _v2 join them.
type PPLCell struct {
	Model   string   `json:"model_key"`
	Domain  string   `json:"domain"`
	Base    *float64 `json:"base_ppl"`
	Tuned   *float64 `json:"tuned_ppl"`
	BaseN   *int     `json:"base_n_samples"`
	TunedN  *int     `json:"tuned_n_samples"`
	Percent *float64 `json:"lift_pct,omitempty"`
	Log     *float64 `json:"lift_log,omitempty"`
}

// leastSamples is how many texts a cell needs to count in a median.
const leastSamples = 25

// enough reports whether both perplexities are of enough texts.
func (c PPLCell) enough() bool {
	return c.BaseN != nil && c.TunedN != nil && min(*c.BaseN, *c.TunedN) >= leastSamples
}

// SilentForgetting reports whether a domain's perplexity fell while a validator's
// pass rate, in points, did too.
func (c PPLCell) SilentForgetting(validatorLift float64) bool {
	return c.Log != nil && *c.Log > 0.1 && validatorLift < -5
}

// PublishedComparison writes comparison_v1.md or _v2.md of joined cells. base and
// tuned are the files that they were joined of, as it names them: "`a.json` (96
// rows)".
func PublishedComparison(w io.Writer, cells []PPLCell, base, tuned string) error {
	byModel := map[string][]PPLCell{}
	joined := 0
	for _, c := range cells {
		byModel[c.Model] = append(byModel[c.Model], c)
		if c.Log != nil {
			joined++
		}
	}
	var models []string
	for m := range byModel {
		models = append(models, m)
	}
	sort.Strings(models)
	var b strings.Builder
	fmt.Fprintf(&b, "# Bench comparison — base vs tuned\n\n- Base: %s\n- Tuned: %s\n- Joined cells: %d\n", base, tuned, joined)
	fmt.Fprintf(&b, "- Headline metric: **lift_log** (scale-invariant); cells with n<%d flagged ⚠️ and excluded from median.\n", leastSamples)
	for _, m := range models {
		writePPLModel(&b, m, byModel[m])
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func writePPLModel(b *strings.Builder, model string, cells []PPLCell) {
	var logs, percents []float64
	joined := 0
	for _, c := range cells {
		if c.Log == nil {
			continue
		}
		joined++
		if c.enough() && c.Percent != nil {
			logs, percents = append(logs, *c.Log), append(percents, *c.Percent)
		}
	}
	flagged := joined - len(logs)
	fmt.Fprintf(b, "\n## %s (%d/%d joined, %d flagged n<%d)\n\n", model, joined, len(cells), flagged, leastSamples)
	b.WriteString("| flag | domain | base_ppl | tuned_ppl | lift_log | lift_pct | base_n | tuned_n |\n|---|---|---:|---:|---:|---:|---:|---:|\n")
	number := func(x *float64) string {
		if x == nil {
			return "–"
		}
		return pythonFloat(*x)
	}
	count := func(n *int) string {
		if n == nil {
			return "None"
		}
		return strconv.Itoa(*n)
	}
	for _, c := range cells {
		flag := ""
		if !c.enough() {
			flag = fmt.Sprintf("⚠️ n<%d", leastSamples)
		}
		fmt.Fprintf(b, "| %s | %s | %s | %s | %s | %s | %s | %s |\n", flag, c.Domain, number(c.Base), number(c.Tuned),
			number(c.Log), number(c.Percent), count(c.BaseN), count(c.TunedN))
	}
	switch {
	case len(logs) > 0:
		worse := 0
		for _, l := range logs {
			if l < 0 {
				worse++
			}
		}
		median := middle(logs)
		fmt.Fprintf(b, "\n**%s stats** (n≥%d, %d cells): median log-lift = %.4f (e%.2f%% effective), min = %.4f, max = %.4f, "+
			"median lift_pct (legacy) = %.2f%%, cells where adapter HURT (negative log-lift): %d, flagged (n<%d): %d\n",
			model, leastSamples, len(logs), median, (math.Exp(median)-1)*100, slices.Min(logs), slices.Max(logs), middle(percents), worse, leastSamples, flagged)
	case joined > 0:
		fmt.Fprintf(b, "\n**%s stats**: all %d joined cells have n<%d; median suppressed.\n", model, joined, leastSamples)
	}
}

// middle is the median: the mean of the two in the middle where there is no one.
func middle(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	n := len(sorted)
	if n%2 == 1 {
		return sorted[n/2]
	}
	return (sorted[n/2-1] + sorted[n/2]) / 2
}

// pythonFloat is Python's repr of a float of ordinary size.
func pythonFloat(x float64) string {
	s := strconv.FormatFloat(x, 'f', -1, 64)
	if !strings.Contains(s, ".") {
		s += ".0"
	}
	return s
}

// JoinPerplexities computes the lifts of cells that have both perplexities: in
// percent of the base's to 2 decimals, and as a difference of logarithms to 4.
func JoinPerplexities(cells []PPLCell) []PPLCell {
	joined := slices.Clone(cells)
	for i, c := range joined {
		joined[i].Percent, joined[i].Log = nil, nil
		if c.Base == nil || c.Tuned == nil || *c.Base <= 0 || *c.Tuned <= 0 {
			continue
		}
		percent := roundHalfEven(float64((*c.Base-*c.Tuned)/(*c.Base))*100, 2)
		log := roundHalfEven(math.Log(*c.Base)-math.Log(*c.Tuned), 4)
		joined[i].Percent, joined[i].Log = &percent, &log
	}
	return joined
}

// roundHalfEven is Python's round.
func roundHalfEven(x float64, places int) float64 {
	rounded, err := strconv.ParseFloat(strconv.FormatFloat(x, 'f', places, 64), 64)
	if err != nil {
		return x
	}
	return rounded
}
