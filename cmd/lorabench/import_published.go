package main

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// publishedDatasets are the tasks of published datasets.
func publishedDatasets() map[string]string {
	return map[string]string{
		"kicad-dsl": "kicad_dsl@v0.2", "kicad-pcb": "kicad_pcb@v0.2", "spice-sim": "spice_sim@v0.2",
		"kicad-sch-gen": "kicad_sch_gen@v0.2", "kicad-sch-extract": "sch_extract@v0.2",
		"kicad-erc-abs": "erc@v0.2", "kicad-erc-delta": "erc_delta@v0.2", "kicad-sch-completion": "kicad_sch_completion@v0.2",
		"gsm8k": "gsm8k_last_number@v0.2",
	}
}

// publishedFiles are the datasets of result files, by their names without
// "_lora" and ".json"; "" where a model has several.
func publishedFiles() map[string]string {
	return map[string]string{
		"kicad_functional_phase1": "", "kicad_phase2": "kicad-sch-gen", "kicad_phase3": "kicad-sch-extract",
		"kicad_phase4": "kicad-erc-abs", "kicad_phase5": "kicad-erc-delta",
		"kicad_phase6_completion": "kicad-sch-completion", "kicad_phase6_completion_pure": "kicad-sch-completion",
	}
}

// published is what is found in published files.
type published struct {
	samples  map[string]map[string][]publishedSample // by dataset and model
	sums     map[string]map[string]json.RawMessage   // likewise
	lora     map[string]bool                         // models that are published as adapters
	models   []string                                // in the order of their first appearance
	datasets []string                                // likewise
	sha256   map[string]string                       // of files
	skipped  []string                                // files that hold no results

	base     string
	adapters []string
	others   []string
}

// publishedSample is one text, or what was measured of it.
type publishedSample struct {
	id      string
	index   int
	prompt  string
	line    json.RawMessage // the record, for what it is compared with; nil where only scores are there
	text    *string
	partly  bool
	scores  map[string]any
	elapsed time.Duration
}

// readPublished reads a file or the files of a folder.
func readPublished(path string) (*published, error) {
	p := &published{
		samples: map[string]map[string][]publishedSample{}, sums: map[string]map[string]json.RawMessage{},
		lora: map[string]bool{}, sha256: map[string]string{},
	}
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("import: %w", err)
	}
	files := []string{path}
	if info.IsDir() {
		if files, err = filepath.Glob(filepath.Join(path, "*.json*")); err != nil {
			return nil, fmt.Errorf("import: %w", err)
		}
		// Scores without texts come last: texts with their scores say more.
		slices.SortStableFunc(files, func(a, b string) int {
			last := func(name string) int { return strings.Count(filepath.Base(name), "aggregates") }
			return last(a) - last(b)
		})
	}
	for _, file := range files {
		raw, err := regularFile(file)
		if err != nil {
			return nil, fmt.Errorf("import: %w", err)
		}
		n := p.count()
		if strings.HasSuffix(file, ".jsonl") {
			err = p.readLines(raw)
		} else {
			err = p.readResults(filepath.Base(file), raw)
		}
		if err != nil {
			return nil, fmt.Errorf("import: %s: %w", file, err)
		}
		if p.count() == n {
			p.skipped = append(p.skipped, filepath.Base(file))
			continue
		}
		sum := sha256.Sum256(raw)
		p.sha256[filepath.Base(file)] = hex.EncodeToString(sum[:])
	}
	if p.count() == 0 {
		return nil, fmt.Errorf("import: %s: no published results: want records as JSON lines, or files such as kicad_functional_phase1.json", path)
	}
	order := []string{"kicad-dsl", "kicad-pcb", "spice-sim", "kicad-sch-gen", "kicad-sch-extract", "kicad-erc-abs", "kicad-erc-delta", "kicad-sch-completion", "gsm8k"}
	slices.SortFunc(p.datasets, func(a, b string) int { return slices.Index(order, a) - slices.Index(order, b) })
	for _, byModel := range p.samples {
		for model := range byModel {
			slices.SortStableFunc(byModel[model], func(a, b publishedSample) int {
				if a.index != b.index {
					return a.index - b.index
				}
				return strings.Compare(a.id, b.id)
			})
		}
	}
	return p, nil
}

// count is how much there is.
func (p *published) count() int {
	n := 0
	for _, byModel := range p.samples {
		for _, samples := range byModel {
			n += len(samples)
		}
	}
	for _, byModel := range p.sums {
		n += len(byModel)
	}
	return n
}

// see notes that there is something of a model on a dataset.
func (p *published) see(dataset, model string) {
	if !slices.Contains(p.models, model) {
		p.models = append(p.models, model)
	}
	if !slices.Contains(p.datasets, dataset) {
		p.datasets = append(p.datasets, dataset)
	}
	if p.samples[dataset] == nil {
		p.samples[dataset], p.sums[dataset] = map[string][]publishedSample{}, map[string]json.RawMessage{}
	}
}

// add takes a sample, unless the same one is there.
func (p *published) add(dataset, model string, s publishedSample) {
	p.see(dataset, model)
	known := p.samples[dataset][model]
	s.index = sampleIndex(s.id, len(known))
	if !slices.ContainsFunc(known, func(k publishedSample) bool { return k.id == s.id }) {
		p.samples[dataset][model] = append(known, s)
	}
}

// publishedRecord is a line of records.
type publishedRecord struct {
	Task         string            `json:"task"`
	Model        string            `json:"model"`
	ID           string            `json:"id"`
	Prompt       *string           `json:"prompt"`
	Generated    json.RawMessage   `json:"generated"`
	Scores       json.RawMessage   `json:"scores"`
	SampleScores []json.RawMessage `json:"sample_scores"`
	Source       string            `json:"source_file"`
	Stored       struct {
		Generated bool `json:"generated"`
	} `json:"stored_at_limit"`
}

// readLines reads records, a line each. Lines of other tasks are passed over.
func (p *published) readLines(raw []byte) error {
	lines := bufio.NewScanner(bytes.NewReader(raw))
	lines.Buffer(nil, 64<<20)
	for n := 1; lines.Scan(); n++ {
		if len(bytes.TrimSpace(lines.Bytes())) == 0 {
			continue
		}
		var r publishedRecord
		if err := json.Unmarshal(lines.Bytes(), &r); err != nil {
			return fmt.Errorf("line %d: %w", n, err)
		}
		if publishedDatasets()[r.Task] == "" || r.Model == "" || r.ID == "" {
			continue
		}
		if strings.HasSuffix(r.Source, "_lora.json") {
			p.lora[r.Model] = true
		}
		if r.SampleScores != nil {
			if err := p.addScores(r); err != nil {
				return fmt.Errorf("line %d: %w", n, err)
			}
			continue
		}
		scores, err := decodeNumbers(r.Scores)
		if err != nil {
			return fmt.Errorf("line %d: scores: %w", n, err)
		}
		s := publishedSample{id: r.ID, line: bytes.Clone(lines.Bytes()), scores: scores, partly: r.Stored.Generated}
		if r.Prompt != nil {
			s.prompt = *r.Prompt
		}
		var text string
		if json.Unmarshal(r.Generated, &text) == nil {
			s.text = &text
		}
		p.add(r.Task, r.Model, s)
	}
	return lines.Err()
}

// addScores takes a model's scores on a dataset, sample by sample without texts.
func (p *published) addScores(r publishedRecord) error {
	if r.Task == "gsm8k" {
		return nil // right or wrong, without names
	}
	if len(p.samples[r.Task][r.Model]) > 0 && !strings.HasPrefix(r.Task, "kicad-dsl") && !strings.HasPrefix(r.Task, "kicad-pcb") && !strings.HasPrefix(r.Task, "spice-sim") {
		return nil // samples have names of their own, which are not told here
	}
	for i, raw := range r.SampleScores {
		scores, err := decodeNumbers(raw)
		if err != nil {
			return fmt.Errorf("sample_scores: %w", err)
		}
		p.add(r.Task, r.Model, publishedSample{id: fmt.Sprintf("%s-%02d", r.Task, i), scores: flatERC(scores)})
	}
	p.see(r.Task, r.Model)
	p.sums[r.Task][r.Model] = r.Scores
	return nil
}

// flatERC brings the two parts of an ERC score together.
func flatERC(scores map[string]any) map[string]any {
	erc, ok := scores["erc"].(map[string]any)
	inner, okInner := scores["scores"].(map[string]any)
	if !ok || !okInner {
		return scores
	}
	flat := maps.Clone(erc)
	maps.Copy(flat, inner)
	return flat
}

// decodeNumbers reads an object and keeps its numbers as they are written.
func decodeNumbers(raw json.RawMessage) (map[string]any, error) {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	var o map[string]any
	if err := d.Decode(&o); err != nil {
		return nil, err
	}
	return o, nil
}

// readResults reads a result file, or an object of several by their names.
func (p *published) readResults(name string, raw []byte) error {
	var all map[string]json.RawMessage
	if err := json.Unmarshal(raw, &all); err != nil {
		return nil // a list, or no JSON: other files lie in such folders
	}
	if all["bench"] == nil {
		for inner, file := range all {
			if _, known := publishedFiles()[strings.TrimSuffix(strings.TrimSuffix(inner, ".json"), "_lora")]; !known {
				return nil
			}
			if err := p.readResults(inner, file); err != nil {
				return fmt.Errorf("%s: %w", inner, err)
			}
		}
		return nil
	}
	stem := strings.TrimSuffix(name, ".json")
	plain, isLoRA := strings.CutSuffix(stem, "_lora")
	dataset, known := publishedFiles()[plain]
	if !known {
		return nil
	}
	var bench map[string]json.RawMessage
	if err := json.Unmarshal(all["bench"], &bench); err != nil {
		return fmt.Errorf("bench: %w", err)
	}
	for _, model := range slices.Sorted(maps.Keys(bench)) {
		if isLoRA {
			p.lora[model] = true
		}
		blocks := map[string]json.RawMessage{dataset: bench[model]}
		if dataset == "" {
			blocks = nil
			if err := json.Unmarshal(bench[model], &blocks); err != nil {
				return fmt.Errorf("%s: %w", model, err)
			}
		}
		for _, d := range slices.Sorted(maps.Keys(blocks)) {
			if publishedDatasets()[d] == "" {
				continue
			}
			if err := p.readBlock(d, model, blocks[d]); err != nil {
				return fmt.Errorf("%s: %s: %w", model, d, err)
			}
		}
	}
	return nil
}

// readBlock reads a model's results on a dataset.
func (p *published) readBlock(dataset, model string, raw json.RawMessage) error {
	var block map[string]json.RawMessage
	if err := json.Unmarshal(raw, &block); err != nil {
		return err
	}
	var samples []json.RawMessage
	if block["samples"] != nil {
		if err := json.Unmarshal(block["samples"], &samples); err != nil {
			return fmt.Errorf("samples: %w", err)
		}
	}
	delete(block, "samples")
	sum, err := json.Marshal(block)
	if err != nil {
		return err
	}
	p.see(dataset, model)
	p.sums[dataset][model] = sum
	for i, raw := range samples {
		var r struct {
			ID        string   `json:"id"`
			Prompt    string   `json:"prompt"`
			Generated *string  `json:"generated"`
			Seconds   *float64 `json:"gen_time_s"`
		}
		record, err := decodeNumbers(raw)
		if err == nil {
			err = json.Unmarshal(raw, &r)
		}
		if err != nil {
			return fmt.Errorf("sample %d: %w", i, err)
		}
		scores := flatERC(record)
		if inner, ok := record["scores"].(map[string]any); ok && record["erc"] == nil {
			scores = inner
		}
		s := publishedSample{id: r.ID, prompt: r.Prompt, text: r.Generated, line: raw, scores: scores}
		if s.id == "" {
			s.id = fmt.Sprintf("%s-%02d", dataset, i)
		}
		if r.Seconds != nil && *r.Seconds >= 0 && *r.Seconds < 1e6 {
			s.elapsed = time.Duration(*r.Seconds * float64(time.Second))
		}
		// The publisher keeps this many characters.
		limits := map[string]int{"kicad-dsl": 2000, "kicad-pcb": 2000, "spice-sim": 2000, "kicad-sch-gen": 3000, "kicad-sch-extract": 2500, "kicad-sch-completion": 1500}
		s.partly = r.Generated != nil && len([]rune(*r.Generated)) == limits[dataset]
		p.add(dataset, model, s)
	}
	return nil
}

// knownBases are what published bases are called.
var knownBases = []string{"gemma-e4b-ailiance-base", "gemma-e4b-eu-kiki-base", "qwen36-base"}

// choose finds the base and its adapters.
func (p *published) choose(base string, adapters []string) error {
	has := func(model string) bool { return slices.Contains(p.models, model) }
	switch {
	case base != "" && !has(base):
		return usagef("import ailiance: --base %s: there are %s", base, strings.Join(p.models, ", "))
	case base != "":
		p.base = base
	default:
		for _, known := range knownBases {
			if has(known) {
				p.base = known
				break
			}
		}
	}
	if p.base == "" {
		candidates := slices.DeleteFunc(slices.Clone(p.models), func(m string) bool { return p.lora[m] })
		if len(candidates) != 1 {
			return usagef("import ailiance: which model is the base? --base one of %s", strings.Join(p.models, ", "))
		}
		p.base = candidates[0]
	}
	for _, a := range adapters {
		if !has(a) || a == p.base {
			return usagef("import ailiance: --adapter %s: there are %s", a, strings.Join(p.models, ", "))
		}
	}
	// Adapters are named after the family of their base.
	family := p.base
	for _, suffix := range []string{"-ailiance-base", "-eu-kiki-base", "-base"} {
		if cut, ok := strings.CutSuffix(family, suffix); ok {
			family = cut + "-"
			break
		}
	}
	for _, m := range p.models {
		switch {
		case m == p.base:
		case slices.Contains(adapters, m) || adapters == nil && strings.HasPrefix(m, family) && (p.lora[m] || family != p.base):
			p.adapters = append(p.adapters, m)
		default:
			p.others = append(p.others, m)
		}
	}
	return nil
}

// ordered are the base and the adapters that there is something of.
func (p *published) ordered(dataset string) []string {
	var models []string
	for _, m := range append([]string{p.base}, p.adapters...) {
		if len(p.samples[dataset][m]) > 0 || p.sums[dataset][m] != nil {
			models = append(models, m)
		}
	}
	return models
}
