package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/ailiance/lorabench"
	"github.com/ailiance/lorabench/env"
	"github.com/ailiance/lorabench/results"
	"github.com/ailiance/lorabench/scorers"
	"github.com/ailiance/lorabench/tasks"
)

type importOptions struct {
	path, run, db, base string
	adapters            []string
}

func newImport(stdio env.Stdio) *cobra.Command {
	o := importOptions{}
	cmd := &cobra.Command{
		Use: "ailiance PATH", Short: "published results of the electronics benchmark, as a run", Args: exactly(1),
		Long: `import ailiance reads published result files (kicad_functional_phase1.json and
its like, with or without their samples, or all in one), or records sample by
sample as JSON lines; PATH is one file, or a folder of them. What it stores is
marked as imported, not measured: report and compare show it, rerun refuses it,
and gate finds no evidence in it, since nothing proves that an adapter was applied.`,
		Example: "  lorabench import ailiance bench-results --as published\n  lorabench import ailiance gsm8k.jsonl --as gsm8k --base qwen36-base",
		RunE: func(cmd *cobra.Command, args []string) error {
			o.path = args[0]
			return importAiliance(cmd.Context(), stdio, o)
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.run, "as", "", "id of the run that is made")
	f.StringVar(&o.base, "base", "", "the model that is the base; else the published one")
	f.StringArrayVar(&o.adapters, "adapter", nil, "a model that is an adapter of it, repeatedly; else all that are published as such")
	dbFlag(f, &o.db)
	return group("import", "results that somebody else measured", cmd)
}

// importedError says that a measurement is somebody else's.
type importedError struct{ error }

func (e importedError) Unwrap() error { return e.error }

// importInfo is where an imported run is from.
type importInfo struct {
	From   string            `json:"from"`
	SHA256 map[string]string `json:"sha256"` // of its files
	Base   string            `json:"base"`   // the model that is called base
	Sums   []importedSum     `json:"sums"`   // of which no samples are there
	Equal  int               `json:"equal"`  // score objects that come out the same of the stored text
	Differ int               `json:"differ"` // that do not: the text or the reference is stored in part
	Others []string          `json:"others"` // models that are neither the base nor its adapters
}

// importedSum is an aggregate without its samples.
type importedSum struct {
	Task    string          `json:"task"`
	Variant string          `json:"variant"`
	Values  json.RawMessage `json:"values"`
}

// notes are what a report of the run says.
func (i *importInfo) notes() []string {
	notes := []string{fmt.Sprintf("%s: from %s; the base is %s. Nothing is known of its weights, adapters, prompts' template, engine or machine, "+
		"and it cannot be run again", lorabench.Imported, i.From, i.Base)}
	if i.Equal > 0 {
		notes = append(notes, fmt.Sprintf("%d of the published scores come out the same of the texts that are stored", i.Equal))
	}
	if i.Differ > 0 {
		notes = append(notes, fmt.Sprintf("%d of the published scores do not come out of the texts that are stored: text or reference is stored only in part", i.Differ))
	}
	for _, s := range i.Sums {
		notes = append(notes, fmt.Sprintf("%s on %s: only sums are published, of %d samples: %s", s.Task, s.Variant, s.samples(), s.Values))
	}
	return notes
}

// samples is of how many samples the sums are.
func (s importedSum) samples() int {
	var values struct {
		N int `json:"n_samples"`
	}
	if json.Unmarshal(s.Values, &values) != nil {
		return 0
	}
	return max(0, values.N)
}

func importAiliance(ctx context.Context, stdio env.Stdio, o importOptions) error {
	if o.run == "" {
		return usagef("import ailiance: --as is missing: the id of the run that is made")
	}
	found, err := readPublished(o.path)
	if err != nil {
		return err
	}
	if err := found.choose(o.base, o.adapters); err != nil {
		return err
	}
	info := importInfo{From: o.path, SHA256: found.sha256, Base: found.base, Sums: []importedSum{}, Others: found.others}
	var all []importedMeasurement
	for _, dataset := range found.datasets {
		more, err := found.measurements(ctx, dataset, &info)
		if err != nil {
			return err
		}
		all = append(all, more...)
	}
	if err := o.store(ctx, all, info); err != nil {
		return err
	}
	samples := 0
	for _, m := range all {
		samples += len(m.results)
	}
	fmt.Fprintf(stdio.Out, "run %s: %s of %s, %s\n", oneLine(o.run), many(len(all), "measurement"), oneLine(found.base)+" and its adapters", many(samples, "sample"))
	for _, note := range info.notes() {
		fmt.Fprintln(stdio.Err, "note: "+oneLine(note))
	}
	if len(found.others) > 0 {
		fmt.Fprintf(stdio.Err, "note: not imported, other models: %s (--base imports one)\n", oneLine(strings.Join(found.others, ", ")))
	}
	if len(found.skipped) > 0 {
		fmt.Fprintf(stdio.Err, "note: not results: %s\n", oneLine(strings.Join(found.skipped, ", ")))
	}
	fmt.Fprintf(stdio.Err, "lorabench report --run %s shows it\n", oneLine(o.run))
	return nil
}

// store writes the run. Either all of it is there in the end, or it says that it
// did not end.
func (o importOptions) store(ctx context.Context, all []importedMeasurement, info importInfo) (err error) {
	settings, err := json.Marshal(struct {
		Imported importInfo `json:"imported"`
	}{info})
	if err != nil {
		return err
	}
	store, err := results.Open(ctx, o.db, results.Options{})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	now := time.Now().UTC()
	run := lorabench.Run{
		ID: o.run, Started: now, Command: []string{"lorabench", "import", "ailiance", o.path, "--as", o.run},
		Model: info.Base + " (" + lorabench.Imported + ")", Settings: settings,
	}
	if err := store.CreateRun(ctx, run); err != nil {
		return err
	}
	for _, m := range all {
		m.Run, m.Started = o.run, now
		id, err := store.CreateMeasurement(ctx, m.Measurement)
		if err != nil {
			return err
		}
		var measured []results.Measured
		for _, r := range m.results {
			measured = append(measured, results.Measured{Measurement: id, Result: r})
		}
		if err := store.AppendAll(ctx, measured); err != nil {
			return err
		}
		status := lorabench.Done
		if len(m.results) < m.Total { // only sums are published
			status = lorabench.Interrupted
		}
		if err := store.Finish(ctx, id, status, 0); err != nil {
			return err
		}
	}
	return store.UnlockRun(o.run)
}

// importedMeasurement is one variant on one task with its samples.
type importedMeasurement struct {
	lorabench.Measurement
	results []lorabench.SampleResult
}

// measurements makes a dataset's, the base first.
func (p *published) measurements(ctx context.Context, dataset string, info *importInfo) ([]importedMeasurement, error) {
	definition, err := tasks.Lookup(publishedDatasets()[dataset])
	if err != nil {
		return nil, err
	}
	task := &lorabench.Task{
		Name: definition.Name, Version: definition.Version, Title: definition.Title, Source: definition.Source, Scorer: definition.Scorer, Metrics: definition.Metrics,
		Dataset: lorabench.Dataset{Name: dataset, Split: "valid, as far as it is published"},
	}
	models := p.ordered(dataset)
	byID := map[string]lorabench.Sample{}
	for _, model := range models {
		for _, s := range p.samples[dataset][model] {
			if known, ok := byID[s.id]; !ok || known.Requests[0].Prompt == "" {
				if sample, ok := s.sample(definition.Scorer); ok {
					byID[s.id] = sample
				}
			}
		}
	}
	for _, id := range slices.Sorted(maps.Keys(byID)) {
		task.Samples = append(task.Samples, byID[id])
	}
	task.Nulls = definition.NullsOf(task.Samples)
	scorer, err := scorers.ForTask(task, scorers.Tools{})
	if err != nil {
		return nil, err
	}
	floors, err := scorers.Floors(ctx, task, scorer)
	if err != nil {
		return nil, err
	}
	var all []importedMeasurement
	for _, model := range models {
		variant := p.variant(model)
		samples, total := p.samples[dataset][model], len(p.samples[dataset][model])
		if len(samples) == 0 {
			sum := importedSum{definition.Name, variant, p.sums[dataset][model]}
			info.Sums, total = append(info.Sums, sum), sum.samples()
		}
		m := importedMeasurement{Measurement: lorabench.Measurement{
			Task: task.Info(floors), Variant: lorabench.Variant{Name: variant}, Total: total,
			Identity: lorabench.Identity{
				Base: "published as " + p.base, Tokenizer: "not published", Template: "not published", Dataset: "published as " + dataset,
				Task: definition.Name, Engine: lorabench.Imported, Arithmetic: "not published",
			},
		}}
		m.Task.Dataset.Rows = len(task.Samples)
		if variant != lorabench.Base {
			name := "published as " + model
			m.Identity.Adapter = &name
		}
		for i, s := range samples {
			m.results = append(m.results, s.result(i, definition.Metrics))
			m.Elapsed += s.elapsed
			switch s.recomputed(ctx, definition.Scorer, byID[s.id]) {
			case 1:
				info.Equal++
			case -1:
				info.Differ++
			}
		}
		all = append(all, m)
	}
	return all, nil
}

// result is the sample as it is stored: the published values, not ours.
func (s publishedSample) result(position int, metrics []lorabench.Metric) lorabench.SampleResult {
	r := lorabench.SampleResult{SampleID: s.id, Index: s.index, Position: position, Elapsed: s.elapsed}
	note := ""
	if s.text != nil {
		r.Outputs = []lorabench.Output{{Text: *s.text}}
		if s.partly {
			note = "only the beginning of the text is stored"
		}
	}
	for _, m := range metrics {
		score := lorabench.Score{Metric: m.Name, Weight: 1, Note: note}
		if value, ok := s.value(m.Name); ok {
			score.Value = value
		} else {
			score.Note, score.Unscored = "", "null, or no such key, as it is published"
		}
		r.Scores = append(r.Scores, score)
	}
	return r
}

// value is a published number; a part of it is written with a point.
func (s publishedSample) value(key string) (float64, bool) {
	var v any = s.scores
	for part := range strings.SplitSeq(key, ".") {
		o, ok := v.(map[string]any)
		if !ok {
			return 0, false
		}
		v = o[part]
	}
	switch v := v.(type) {
	case bool:
		if v {
			return 1, true
		}
		return 0, true
	case json.Number:
		x, err := v.Float64()
		return x, err == nil
	}
	return 0, false
}

// sample is what the text answers; ok is false where the file does not say what
// it is compared with.
func (s publishedSample) sample(scorer string) (lorabench.Sample, bool) {
	sample := lorabench.Sample{ID: s.id, Index: s.index, Requests: []lorabench.Request{{Kind: lorabench.Generate, Prompt: s.prompt}}}
	if s.line == nil {
		return sample, false
	}
	line, gone, err := plainLine(s.line, scorer)
	var raw struct {
		Expected json.RawMessage `json:"expected"`
	}
	if err != nil || gone || json.Unmarshal(line, &raw) != nil {
		return sample, false
	}
	if len(raw.Expected) == 0 || string(raw.Expected) == "null" {
		return sample, !scorers.NeedsTarget(scorer)
	}
	target, err := scorers.TargetOf(scorer, raw.Expected)
	if err != nil {
		return sample, false
	}
	sample.Target = target
	return sample, true
}

// recomputed is 1 where the published score object comes out of the stored text,
// -1 where it does not, and 0 where it cannot be tried.
func (s publishedSample) recomputed(ctx context.Context, scorer string, _ lorabench.Sample) int {
	sample, ok := s.sample(scorer)
	if !ok || s.text == nil {
		return 0
	}
	r, err := scorers.PublishedRecord(ctx, scorer, scorers.Tools{}, &sample, *s.text)
	if err != nil {
		return 0
	}
	raw, err := r.MarshalJSON()
	if err != nil {
		return 0
	}
	ours, err := decodeNumbers(raw)
	if err != nil {
		return 0
	}
	for key, value := range s.scores {
		a, errA := json.Marshal(value)
		b, errB := json.Marshal(ours[key])
		if errA != nil || errB != nil || string(a) != string(b) {
			return -1
		}
	}
	return 1
}

// variant is how a model is called in the run.
func (p *published) variant(model string) string {
	if model == p.base {
		return lorabench.Base
	}
	return model
}

// sampleIndex is the number that ends a published name, "kicad-dsl-07", or else
// the place among the samples.
func sampleIndex(id string, place int) int {
	if i := strings.LastIndexByte(id, '-'); i >= 0 {
		if n, err := strconv.Atoi(id[i+1:]); err == nil && n >= 0 {
			return n
		}
	}
	return place
}

// regularFile reads a file that is not too large.
func regularFile(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	const most = 1 << 30
	if !info.Mode().IsRegular() || info.Size() > most {
		return nil, fmt.Errorf("%s: not a regular file of at most %d bytes", path, most)
	}
	return os.ReadFile(path)
}
