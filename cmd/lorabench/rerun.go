package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"slices"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/ailiance/lorabench"
	"github.com/ailiance/lorabench/env"
	"github.com/ailiance/lorabench/reports"
	"github.com/ailiance/lorabench/results"
	"github.com/ailiance/lorabench/runners"
)

// rerunOptions say what is measured again, and where its files are today.
type rerunOptions struct {
	progressOptions
	from    files
	what    string   // evidence folder, or RUN/TASK/VARIANT of the database
	db      string   // of the latter
	samples []string // only these; nil: all that were measured
	model   string   // instead of the recorded path
	adapter string   // likewise
	data    string   // likewise
	threads int
	memory  byteSize
	asJSON  bool
	unsafe  bool // --unsafe-no-sandbox
}

// maxShown is how many differing samples are listed for people.
const maxShown = 20

func newRerun(stdio env.Stdio) *cobra.Command {
	o := rerunOptions{}
	cmd := &cobra.Command{
		Use: "rerun FOLDER|RUN/TASK/VARIANT", Short: "measure one measurement again: the same bits, or which samples differ", Args: exactly(1),
		Example: `  lorabench rerun results/2026-11-24/20261124-120000-ab12/arc_easy/math
  lorabench rerun 20261124-120000-ab12/arc_easy/math --samples 17,203`,
		RunE: func(cmd *cobra.Command, args []string) error {
			o.what = args[0]
			return rerun(cmd.Context(), stdio, o)
		},
	}
	f := cmd.Flags()
	f.StringSliceVar(&o.samples, "samples", nil, "only these samples, by id")
	f.StringVar(&o.model, "model", "", "where the base is now")
	f.StringVar(&o.adapter, "adapter", "", "where the adapter is now")
	f.StringVar(&o.data, "data", "", "where the datasets are now")
	f.IntVar(&o.threads, "threads", 0, "0: one for each processor")
	f.Var(&o.memory, "memory", "for weights, keys and values: 8GiB; 0: what they need")
	f.StringVar(&o.db, "db", "lorabench.db", "database, where a measurement is named")
	f.BoolVar(&o.asJSON, "json", false, "one JSON document")
	f.BoolVar(&o.unsafe, strings.TrimPrefix(unsafeFlag, "--"), false, unsafeHelp)
	o.from.flag(f)
	o.progressFlags(f)
	return cmd
}

// rerunReport is lorabench/rerun/1.
type rerunReport struct {
	Schema   string             `json:"schema"`
	Run      string             `json:"run"`
	Task     string             `json:"task"`
	Variant  string             `json:"variant"`
	Equal    bool               `json:"equal"`
	Compared int                `json:"compared"`
	TimeCut  int                `json:"cut_by_time"` // texts that a budget of time ended: those have no second time
	Notes    []string           `json:"notes"`
	Differ   []rerunDifference  `json:"differ"`
	Stored   lorabench.Identity `json:"stored_identity"`
	Now      lorabench.Identity `json:"now_identity"`
}

// rerunDifference is a sample whose bits are not the same.
type rerunDifference struct {
	Sample string `json:"sample"`
	What   string `json:"what"`
	Stored string `json:"stored"`
	Now    string `json:"now"`
}

var errBitsDiffer = errors.New("the rerun differs")

// otherMeasurementError says that what would be measured is something else.
type otherMeasurementError struct{ differences []results.Difference }

func (e *otherMeasurementError) Error() string {
	lines := make([]string, len(e.differences))
	for i, d := range e.differences {
		lines[i] = fmt.Sprintf("%s: stored %s, now %s", d.Field, d.Stored, d.Now)
	}
	return "this is not what was measured: " + strings.Join(lines, "; ")
}

// evidenceError says that a folder can be read, and is no evidence: it was
// changed, or contradicts itself.
type evidenceError struct{ error }

func (e evidenceError) Unwrap() error { return e.error }

func rerun(ctx context.Context, stdio env.Stdio, o rerunOptions) error {
	run, past, err := o.read(ctx)
	if err != nil {
		return err
	}
	if past.Imported() {
		return importedError{fmt.Errorf("rerun %s: %s: there is nothing to run again", o.what, lorabench.Imported)}
	}
	s, err := o.settings(run, past)
	if err != nil {
		return err
	}
	p := newProgress(stdio, o.progressOptions)
	loaded, err := loadTasks(ctx, s)
	if err != nil {
		return err
	}
	if loaded[0].Samples, err = o.choose(loaded[0].Samples, past.Results); err != nil {
		return err
	}
	from := files{getenv: stdio.Getenv, download: o.from.download, say: p.say}
	if err := s.pin(ctx, from); err != nil {
		return err
	}
	from.download = false // the cache has all now
	b := &bench{settings: s, files: from}
	p.say("loading %s", s.Model)
	if b.engine, err = from.openModel(ctx, s.Model, engineOptions(s)); err != nil {
		return err
	}
	defer b.Close()
	if err := b.prepare(ctx, loaded, false, p.say); err != nil {
		return err
	}
	if len(b.refused) > 0 {
		return &refusedError{b.refused}
	}
	b.variants = slices.DeleteFunc(b.variants, func(v lorabench.Variant) bool { return v.Name != past.Variant.Name })
	r := rerunReport{
		Schema: "lorabench/rerun/1", Run: run.ID, Task: past.Task.Name, Variant: past.Variant.Name, Notes: []string{}, Differ: []rerunDifference{},
		Stored: past.Identity, Now: b.tasks[0].Identity(b.variants[0]),
	}
	if err := r.checkIdentity(); err != nil {
		return err
	}
	memory := &runners.Memory{}
	if err := b.runner(memory, run.ID, p.show).Run(ctx, b.tasks); err != nil {
		return err
	}
	p.end()
	_, again := memory.Measurements()
	r.compare(past.Results, again[0])
	if err := r.print(stdio, o); err != nil {
		return err
	}
	if !r.Equal {
		return errBitsDiffer
	}
	return nil
}

// read finds the measurement: a folder, or a place in the database.
func (o rerunOptions) read(ctx context.Context) (lorabench.Run, reports.MeasurementData, error) {
	if info, err := os.Stat(o.what); err == nil && info.IsDir() {
		run, m, err := reports.ReadEvidence(o.what)
		var fault syscall.Errno
		if err != nil && !errors.As(err, &fault) {
			err = evidenceError{err}
		}
		return run, m, err
	}
	parts := strings.Split(o.what, "/")
	if len(parts) != 3 {
		return lorabench.Run{}, reports.MeasurementData{}, usagef("rerun %s: there is no such folder; a measurement of the database is RUN/TASK/VARIANT", o.what)
	}
	store, err := results.OpenReadOnly(ctx, o.db, results.Options{})
	if err != nil {
		return lorabench.Run{}, reports.MeasurementData{}, err
	}
	defer store.Close()
	run, err := store.FindRun(ctx, parts[0])
	if err != nil {
		return run, reports.MeasurementData{}, err
	}
	m, err := store.FindMeasurement(ctx, run.ID, parts[1], parts[2])
	if err != nil {
		return run, reports.MeasurementData{}, err
	}
	data := reports.MeasurementData{Measurement: m.Measurement}
	for result, err := range store.SampleResults(ctx, m.ID) {
		if err != nil {
			return run, data, err
		}
		data.Results = append(data.Results, result)
	}
	return run, data, nil
}

// settings are the run's, for this measurement alone and without budgets.
func (o rerunOptions) settings(run lorabench.Run, past reports.MeasurementData) (settings, error) {
	s, err := decodeSettings(run.Settings)
	if err != nil {
		return s, err
	}
	s.Tasks, s.Threads, s.Memory = []string{past.Task.Name}, o.threads, o.memory
	s.Budget, s.TaskBudgets, s.SampleBudget = 0, nil, 0
	s.UnsafeNoSandbox = o.unsafe // whoever measured allowed it for himself
	s.Adapters = slices.DeleteFunc(s.Adapters, func(a adapter) bool { return a.Name != past.Variant.Name })
	if len(s.Adapters) == 0 && past.Variant.Name != lorabench.Base {
		return s, fmt.Errorf("rerun: the run's settings name no adapter %s", past.Variant.Name)
	}
	if o.model != "" {
		s.Model = o.model
	}
	if o.data != "" {
		s.Data = o.data
	}
	if o.adapter != "" {
		if past.Variant.Name == lorabench.Base {
			return s, usagef("rerun --adapter: the measurement is the base's")
		}
		a, err := parseAdapter(o.adapter)
		if err != nil {
			return s, usageError{fmt.Errorf("--adapter: %w", err)}
		}
		s.Adapters[0].Path = a.Path
	}
	return s, s.validate()
}

// choose keeps the samples that were measured, and of these the ones asked for.
func (o rerunOptions) choose(samples []lorabench.Sample, past []lorabench.SampleResult) ([]lorabench.Sample, error) {
	measured := map[string]bool{}
	for _, r := range past {
		measured[r.SampleID] = true
	}
	for _, id := range o.samples {
		if !measured[id] {
			return nil, usagef("rerun --samples: sample %s was not measured", id)
		}
	}
	kept := slices.DeleteFunc(samples, func(s lorabench.Sample) bool {
		return !measured[s.ID] || o.samples != nil && !slices.Contains(o.samples, s.ID)
	})
	if len(kept) == 0 {
		return nil, errors.New("rerun: no sample of the measurement is in the dataset")
	}
	return kept, nil
}

// checkIdentity refuses what is another measurement. Another engine may differ
// in bits, which is what a rerun finds out.
func (r *rerunReport) checkIdentity() error {
	text := func(s *string) string {
		if s == nil {
			return "none"
		}
		return *s
	}
	var other []results.Difference
	for _, f := range []results.Difference{
		{Field: "base", Stored: r.Stored.Base, Now: r.Now.Base},
		{Field: "adapter", Stored: text(r.Stored.Adapter), Now: text(r.Now.Adapter)},
		{Field: "tokenizer", Stored: r.Stored.Tokenizer, Now: r.Now.Tokenizer},
		{Field: "template", Stored: r.Stored.Template, Now: r.Now.Template},
		{Field: "dataset", Stored: r.Stored.Dataset, Now: r.Now.Dataset},
		{Field: "task", Stored: r.Stored.Task, Now: r.Now.Task},
		{Field: "arithmetic", Stored: r.Stored.Arithmetic, Now: r.Now.Arithmetic},
	} {
		if f.Stored != f.Now {
			other = append(other, f)
		}
	}
	if len(other) > 0 {
		return &otherMeasurementError{other}
	}
	if r.Stored.Engine != r.Now.Engine {
		r.Notes = append(r.Notes, fmt.Sprintf("engine: stored %s, now %s", r.Stored.Engine, r.Now.Engine))
	}
	return nil
}

// compare finds what is not the same to the last bit.
func (r *rerunReport) compare(past, now []lorabench.SampleResult) {
	stored := map[string]*lorabench.SampleResult{}
	for i := range past {
		stored[past[i].SampleID] = &past[i]
	}
	r.Equal = true
	for i := range now {
		a, b := stored[now[i].SampleID], &now[i]
		if slices.ContainsFunc(a.Outputs, func(o lorabench.Output) bool { return o.Stop == lorabench.StopTime }) {
			r.TimeCut++
			continue
		}
		r.Compared++
		if what, x, y := firstDifference(a, b); what != "" {
			r.Equal = false
			r.Differ = append(r.Differ, rerunDifference{Sample: b.SampleID, What: what, Stored: x, Now: y})
		}
	}
}

// firstDifference says in what two results of a sample differ, "" for nothing.
// How much was found in the cache and how long it took may differ.
func firstDifference(a, b *lorabench.SampleResult) (what, stored, now string) {
	if a.DocHash != b.DocHash || a.PromptHash != b.PromptHash {
		return "prompt", a.PromptHash, b.PromptHash
	}
	if len(a.Outputs) != len(b.Outputs) {
		return "number of outputs", fmt.Sprint(len(a.Outputs)), fmt.Sprint(len(b.Outputs))
	}
	for i := range a.Outputs {
		x, y := &a.Outputs[i], &b.Outputs[i]
		switch {
		case math.Float64bits(x.LogLikelihood) != math.Float64bits(y.LogLikelihood):
			return fmt.Sprintf("log-likelihood of request %d", i), fmt.Sprint(x.LogLikelihood), fmt.Sprint(y.LogLikelihood)
		case x.Greedy != y.Greedy:
			return fmt.Sprintf("greedy flag of request %d", i), fmt.Sprint(x.Greedy), fmt.Sprint(y.Greedy)
		case x.Text != y.Text:
			return fmt.Sprintf("text of request %d", i), fmt.Sprintf("%q", x.Text), fmt.Sprintf("%q", y.Text)
		case x.Thinking != y.Thinking:
			return fmt.Sprintf("thinking of request %d", i), fmt.Sprintf("%q", x.Thinking), fmt.Sprintf("%q", y.Thinking)
		case x.Stop != y.Stop:
			return fmt.Sprintf("stop of request %d", i), string(x.Stop), string(y.Stop)
		case x.PromptTokens != y.PromptTokens || x.NewTokens != y.NewTokens:
			return fmt.Sprintf("tokens of request %d", i), fmt.Sprint(x.PromptTokens, "+", x.NewTokens), fmt.Sprint(y.PromptTokens, "+", y.NewTokens)
		}
	}
	if len(a.Scores) != len(b.Scores) {
		return "number of scores", fmt.Sprint(len(a.Scores)), fmt.Sprint(len(b.Scores))
	}
	for i, x := range a.Scores {
		y := b.Scores[i]
		if x.Metric != y.Metric || x.Unscored != y.Unscored || math.Float64bits(x.Value) != math.Float64bits(y.Value) || math.Float64bits(x.Weight) != math.Float64bits(y.Weight) {
			return "score " + x.Metric, scoreText(x), scoreText(y)
		}
	}
	return "", "", ""
}

func scoreText(s lorabench.Score) string {
	if !s.Valued() {
		return "no score: " + s.Unscored
	}
	return fmt.Sprintf("%v (weight %v)", s.Value, s.Weight)
}

func (r *rerunReport) print(stdio env.Stdio, o rerunOptions) error {
	if o.asJSON {
		return printJSON(stdio.Out, r)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s on %s: ", r.Task, r.Variant)
	if r.Equal {
		fmt.Fprintf(&b, "%d samples measured again, all equal to the last bit\n", r.Compared)
	} else {
		fmt.Fprintf(&b, "%d of %d samples differ\n", len(r.Differ), r.Compared)
	}
	for i, d := range r.Differ {
		if i == maxShown {
			fmt.Fprintf(&b, "  and %d more (--json lists all)\n", len(r.Differ)-i)
			break
		}
		fmt.Fprintf(&b, "  %s: %s: stored %s, now %s\n", d.Sample, d.What, d.Stored, d.Now)
	}
	if r.TimeCut > 0 {
		fmt.Fprintf(&b, "%d texts were cut off by a budget of time and are not compared\n", r.TimeCut)
	}
	for _, n := range r.Notes {
		fmt.Fprintf(&b, "note: %s\n", n)
	}
	_, err := fmt.Fprint(stdio.Out, visible(b.String()))
	return err
}
