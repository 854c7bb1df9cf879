package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/ailiance/lorabench"
	"github.com/ailiance/lorabench/results"
)

func newRuns() *cobra.Command {
	var db string
	var asJSON bool
	cmd := &cobra.Command{Use: "runs", Short: "the runs of a database, newest first", Args: exactly(0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return listRuns(cmd.Context(), cmd.OutOrStdout(), db, asJSON)
		}}
	cmd.Flags().BoolVar(&asJSON, "json", false, "one JSON document")
	dbFlag(cmd.Flags(), &db)
	return cmd
}

// runLine is a run in lorabench/runs/1.
type runLine struct {
	ID       string    `json:"id"`
	Started  time.Time `json:"started"`
	Model    string    `json:"model"`
	Tasks    []string  `json:"tasks"`
	Variants []string  `json:"variants"`
	Measured int       `json:"measured"` // samples × variants
	Total    int       `json:"total"`
	Status   string    `json:"status"`
	PID      *int      `json:"pid"` // that measures it now
}

func listRuns(ctx context.Context, w io.Writer, db string, asJSON bool) error {
	lines := []runLine{}
	err := readStore(ctx, db, func(store *results.Store) error {
		runs, err := store.Runs(ctx)
		if err != nil {
			return err
		}
		for _, r := range runs {
			stored, err := store.Measurements(ctx, r.ID)
			if err != nil {
				return err
			}
			line := runLine{
				ID: r.ID, Started: r.Started, Model: r.Model, Tasks: append([]string{}, r.Tasks...), Variants: append([]string{}, r.Variants...),
				Measured: r.Measured, Total: r.Total, Status: runStatus(stored, r.Active),
			}
			if r.Active && r.Owner != 0 {
				line.PID = &r.Owner
			}
			lines = append(lines, line)
		}
		return nil
	})
	if err != nil {
		return err
	}
	if asJSON {
		return printJSON(w, struct {
			Schema string    `json:"schema"`
			Runs   []runLine `json:"runs"`
		}{"lorabench/runs/1", lines})
	}
	var rows [][]string
	for _, r := range lines {
		status := r.Status
		if r.PID != nil {
			status += fmt.Sprintf(" (process %d)", *r.PID)
		}
		rows = append(rows, []string{
			r.ID, r.Started.Format("2006-01-02 15:04:05Z"), r.Model, strings.Join(r.Tasks, ", "), strings.Join(r.Variants, ", "),
			fmt.Sprintf("%d/%d", r.Measured, r.Total), status,
		})
	}
	return table(w, []string{"RUN", "STARTED", "MODEL", "TASKS", "VARIANTS", "SAMPLES", "STATUS"}, rows, 5)
}

// stopped is the status of a run that says "running" and that no process
// measures: it was killed, and goes on with --resume.
const stopped = "stopped"

// imported is the status of a run that somebody else measured.
const imported = "imported"

// runStatus is the worst of the run's measurements.
func runStatus(stored []results.StoredMeasurement, active bool) string {
	worst := lorabench.Done
	if len(stored) > 0 && stored[0].Imported() {
		return imported
	}
	order := []lorabench.Status{lorabench.Done, lorabench.TimedOut, lorabench.Interrupted, lorabench.Running, lorabench.Failed}
	for _, m := range stored {
		if slices.Index(order, m.Status) > slices.Index(order, worst) {
			worst = m.Status
		}
	}
	switch {
	case active:
		return string(lorabench.Running)
	case len(stored) == 0 || worst == lorabench.Running:
		return stopped
	}
	return string(worst)
}

type samplesOptions struct {
	run, db, task, variant, flips string
	limit                         int
	json                          bool
}

func newSamples() *cobra.Command {
	o := samplesOptions{}
	cmd := &cobra.Command{Use: "samples", Short: "the samples of a measurement: what was answered, and the scores", Args: exactly(0),
		Example: "  lorabench samples --task arc_easy --variant base --limit 5\n  lorabench samples --task arc_easy --variant math --flips base",
		RunE: func(cmd *cobra.Command, _ []string) error {
			return samples(cmd.Context(), cmd.OutOrStdout(), o)
		}}
	f := cmd.Flags()
	f.StringVar(&o.task, "task", "", "the task")
	f.StringVar(&o.variant, "variant", "", "base, or an adapter's name")
	f.StringVar(&o.flips, "flips", "", "only the samples that this variant has wrong where --variant is right, or the other way; side by side")
	f.IntVar(&o.limit, "limit", 0, "the first N; 0: all")
	f.BoolVar(&o.json, "json", false, "one JSON document")
	runFlags(f, &o.run, &o.db)
	return cmd
}

// sampleLine is a sample in lorabench/samples/1, with the names of samples.jsonl.
type sampleLine struct {
	ID             string              `json:"id"`
	Index          int                 `json:"index"`
	Position       int                 `json:"position"`
	DocHash        string              `json:"doc_hash"`
	PromptHash     string              `json:"prompt_hash"`
	LogLikelihoods []*float64          `json:"loglikelihoods"` // nats; null for a generation
	Output         *string             `json:"output"`
	Thinking       *string             `json:"thinking"`
	Stop           *string             `json:"stop"`
	Scores         map[string]*float64 `json:"scores"`
	Reason         *string             `json:"reason"` // why a score has no value
	Note           *string             `json:"note"`   // why a value is what it is
	Milliseconds   float64             `json:"ms"`
	Against        *sampleLine         `json:"against,omitempty"` // with --flips: the other variant's
}

type samplesDocument struct {
	Schema  string       `json:"schema"`
	Run     string       `json:"run"`
	Task    string       `json:"task"`
	Variant string       `json:"variant"`
	Against *string      `json:"against"`
	Samples []sampleLine `json:"samples"`
}

func samples(ctx context.Context, w io.Writer, o samplesOptions) error {
	if o.limit < 0 {
		return usagef("--limit %d: want 0 or more", o.limit)
	}
	doc := samplesDocument{Schema: "lorabench/samples/1", Samples: []sampleLine{}}
	var metrics []lorabench.Metric
	err := readStore(ctx, o.db, func(store *results.Store) (err error) {
		metrics, err = doc.read(ctx, store, o)
		return err
	})
	if err != nil {
		return err
	}
	if o.json {
		return printJSON(w, doc)
	}
	return doc.print(w, metrics)
}

// read collects the samples that were asked for and returns the task's metrics.
func (d *samplesDocument) read(ctx context.Context, store *results.Store, o samplesOptions) ([]lorabench.Metric, error) {
	run, err := store.FindRun(ctx, o.run)
	if err != nil {
		return nil, err
	}
	m, err := findMeasurement(ctx, store, run.ID, o.task, "--variant", o.variant)
	if err != nil {
		return nil, err
	}
	d.Run, d.Task, d.Variant = run.ID, m.Task.Name, m.Variant.Name
	keep := func(lorabench.SampleResult) (*lorabench.SampleResult, bool) { return nil, true }
	if o.flips != "" {
		if keep, err = flipped(ctx, store, m, o.flips); err != nil {
			return nil, err
		}
		d.Against = &o.flips
	}
	for r, err := range store.SampleResults(ctx, m.ID) {
		if err != nil {
			return nil, err
		}
		other, kept := keep(r)
		if !kept {
			continue
		}
		line := newSampleLine(&r)
		if other != nil {
			against := newSampleLine(other)
			line.Against = &against
		}
		d.Samples = append(d.Samples, line)
		if len(d.Samples) == o.limit {
			break
		}
	}
	return m.Task.Metrics, nil
}

// flipped returns which results are right where the variant called other is
// wrong, or the other way, and that one's result.
func flipped(ctx context.Context, store *results.Store, m results.StoredMeasurement, other string) (func(lorabench.SampleResult) (*lorabench.SampleResult, bool), error) {
	primary := m.Task.Metrics[0]
	if !primary.Binary {
		return nil, usagef("--flips: %s of task %s is no matter of right and wrong (%s)", primary.Name, m.Task.Name, primary.Unit)
	}
	o, err := findMeasurement(ctx, store, m.Run, m.Task.Name, "--flips", other)
	if err != nil {
		return nil, err
	}
	others := map[string]lorabench.SampleResult{}
	for r, err := range store.SampleResults(ctx, o.ID) {
		if err != nil {
			return nil, err
		}
		others[r.SampleID] = r
	}
	return func(r lorabench.SampleResult) (*lorabench.SampleResult, bool) {
		there, measured := others[r.SampleID]
		if !measured {
			return nil, false
		}
		a, scoredA := valueOf(&r, primary.Name)
		b, scoredB := valueOf(&there, primary.Name)
		return &there, scoredA && scoredB && a != b
	}, nil
}

// findMeasurement finds a measurement of a run; what is missing is named with
// what there is.
func findMeasurement(ctx context.Context, store *results.Store, run, task, flag, variant string) (results.StoredMeasurement, error) {
	m, err := store.FindMeasurement(ctx, run, task, variant)
	var missing *results.MeasurementNotFoundError
	if !errors.As(err, &missing) {
		return m, err
	}
	all, err := store.Measurements(ctx, run)
	if err != nil {
		return m, err
	}
	var taskNames, variantNames []string
	for _, m := range all {
		if !slices.Contains(taskNames, m.Task.Name) {
			taskNames = append(taskNames, m.Task.Name)
		}
		if m.Task.Name == task {
			variantNames = append(variantNames, m.Variant.Name)
		}
	}
	if len(variantNames) == 0 {
		return m, usagef("--task %q: run %s has %s", task, run, strings.Join(taskNames, ", "))
	}
	return m, usagef("%s %q: run %s has on %s: %s", flag, variant, run, task, strings.Join(variantNames, ", "))
}

// valueOf returns the score of a metric, where there is one.
func valueOf(r *lorabench.SampleResult, metric string) (float64, bool) {
	for _, s := range r.Scores {
		if s.Metric == metric {
			return s.Value, s.Valued()
		}
	}
	return 0, false
}

func newSampleLine(r *lorabench.SampleResult) sampleLine {
	line := sampleLine{
		ID: r.SampleID, Index: r.Index, Position: r.Position, DocHash: r.DocHash, PromptHash: r.PromptHash,
		Milliseconds: float64(r.Elapsed) / float64(time.Millisecond),
	}
	for _, o := range r.Outputs {
		if o.Stop == "" && o.Text == "" && o.Thinking == "" {
			line.LogLikelihoods = append(line.LogLikelihoods, finiteOrNil(o.LogLikelihood))
			continue
		}
		line.Output = &o.Text
		if stop := string(o.Stop); stop != "" { // why an imported text ended is not known
			line.Stop = &stop
		}
		if o.Thinking != "" {
			line.Thinking = &o.Thinking
		}
	}
	line.Scores, line.Reason, line.Note = scoreMap(r.Scores)
	return line
}

// scoreMap is scores in JSON: a value or null by metric; the first reason why
// there is none, and the first note on a value.
func scoreMap(scores []lorabench.Score) (values map[string]*float64, reason, note *string) {
	values = map[string]*float64{}
	for _, s := range scores {
		switch {
		case s.Valued():
			if values[s.Metric] = finiteOrNil(s.Value); values[s.Metric] == nil {
				s.Unscored = fmt.Sprintf("score is %v", s.Value)
			}
		default:
			values[s.Metric] = nil
		}
		if s.Unscored != "" && reason == nil {
			reason = &s.Unscored
		}
		if s.Note != "" && note == nil {
			note = &s.Note
		}
	}
	return values, reason, note
}

func finiteOrNil(x float64) *float64 {
	if math.IsNaN(x) || math.IsInf(x, 0) {
		return nil
	}
	return &x
}

func (d *samplesDocument) print(w io.Writer, metrics []lorabench.Metric) error {
	for i := range d.Samples {
		s := &d.Samples[i]
		fmt.Fprintf(w, "%s (row %d, position %d)\n", oneLine(s.ID), s.Index, s.Position)
		s.print(w, d.Variant, metrics)
		if s.Against != nil {
			s.Against.print(w, *d.Against, metrics)
		}
		if _, err := fmt.Fprintln(w); err != nil {
			return err
		}
	}
	_, err := fmt.Fprintf(w, "%s of %s on %s in run %s\n", many(len(d.Samples), "sample"), oneLine(d.Variant), oneLine(d.Task), oneLine(d.Run))
	return err
}

// print writes one variant's answer. Texts are what a model wrote: hostile.
func (s *sampleLine) print(w io.Writer, variant string, metrics []lorabench.Metric) {
	var scores []string
	for _, m := range metrics {
		text := "no score"
		if v := s.Scores[m.Name]; v != nil {
			text = number(*v)
		}
		scores = append(scores, m.Name+" "+text)
	}
	fmt.Fprintf(w, "  %s: %s", oneLine(variant), oneLine(strings.Join(scores, ", ")))
	for _, why := range []*string{s.Reason, s.Note} {
		if why != nil {
			fmt.Fprintf(w, " (%s)", oneLine(*why))
		}
	}
	fmt.Fprintf(w, ", %s ms\n", strconv.FormatFloat(s.Milliseconds, 'f', 0, 64))
	if len(s.LogLikelihoods) > 0 {
		var texts []string
		for _, x := range s.LogLikelihoods {
			if x == nil {
				texts = append(texts, "not finite")
			} else {
				texts = append(texts, strconv.FormatFloat(*x, 'f', 3, 64))
			}
		}
		fmt.Fprintf(w, "    log-likelihoods, nats: %s\n", strings.Join(texts, ", "))
	}
	if s.Thinking != nil {
		fmt.Fprintf(w, "    thinking:\n%s", indented(*s.Thinking))
	}
	if s.Output != nil {
		ended := "" // of imported texts nothing is known
		if s.Stop != nil {
			ended = ", ended by " + oneLine(*s.Stop)
		}
		fmt.Fprintf(w, "    wrote%s:\n%s", ended, indented(*s.Output))
	}
}

// indented is a text as a block of its own.
func indented(text string) string {
	var b strings.Builder
	for line := range strings.Lines(block(text)) {
		b.WriteString("      | " + strings.TrimSuffix(line, "\n") + "\n")
	}
	return b.String()
}

// number is the shortest text that reads back equal.
func number(x float64) string {
	text, err := json.Marshal(x)
	if err != nil {
		return "not finite"
	}
	return string(text)
}

// many is a count with its noun.
func many(n int, noun string) string {
	if n != 1 {
		noun += "s"
	}
	return fmt.Sprintf("%d %s", n, noun)
}
