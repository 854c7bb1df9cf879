package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/spf13/cobra"

	"github.com/ailiance/lorabench"
	"github.com/ailiance/lorabench/env"
	"github.com/ailiance/lorabench/reports"
	"github.com/ailiance/lorabench/scorers"
	"github.com/ailiance/lorabench/tasks"
)

type scoreOptions struct {
	task, outputs, data string
	taskSeed            uint64
	json                bool
	split               bool // --split-thinking
	whole               bool // --whole-texts
	getenv              func(string) string
	unsafe              bool // --unsafe-no-sandbox
}

func newScore(stdio env.Stdio) *cobra.Command {
	o := scoreOptions{getenv: stdio.Getenv}
	cmd := &cobra.Command{Use: "score TASK", Short: "score texts that something else wrote", Args: exactly(1),
		Long: `score reads a line a text, {"id": "…", "output": "…"}, and scores it as the task's
sample of that id. "prompt" and "expected" in a line stand in for the sample's
own: expected is the reference answer, or a circuit's test bench. Ids may repeat.

Of the published scorers, NAME@v0.2, a line may also be a record as it was
published: "generated" for the output, "expected_counts", "prefix", "tool",
"domain" and "syntax_format" beside "expected". --json then gives each text's
published score object, "record", with all its keys.`,
		Example: "  lorabench score demo_arithmetic --outputs texts.jsonl\n  lorabench score gsm8k_cot --outputs texts.jsonl --data DIR --json\n  lorabench score kicad_dsl@v0.2 --outputs records.jsonl --split-thinking",
		RunE: func(cmd *cobra.Command, args []string) error {
			o.task = args[0]
			return score(cmd.Context(), stdio, o)
		}}
	f := cmd.Flags()
	f.StringVar(&o.outputs, "outputs", "", "the texts, JSON lines; - is standard input")
	f.StringVar(&o.data, "data", "", "folder of the datasets")
	taskSeedFlag(f, &o.taskSeed)
	f.BoolVar(&o.json, "json", false, "one JSON document")
	f.BoolVar(&o.whole, "whole-texts", false, "leave out the texts of which a record says that only the beginning is stored")
	f.BoolVar(&o.split, "split-thinking", false, "score each model's texts as a whole, and without the reasoning in them")
	f.BoolVar(&o.unsafe, strings.TrimPrefix(unsafeFlag, "--"), false, unsafeHelp)
	return cmd
}

// scoresDocument is lorabench/scores/1. Samples are in the order of the lines.
type scoresDocument struct {
	Schema  string                  `json:"schema"`
	Task    string                  `json:"task"`
	Metrics map[string]scoredMetric `json:"metrics"`
	Samples []scoredSample          `json:"samples"`
}

// scoredMetric is a metric with the names of results.json.
type scoredMetric struct {
	Value  *float64            `json:"value"`
	Unit   string              `json:"unit"`
	Better lorabench.Direction `json:"better"`
	N      int                 `json:"n"`
	CI95   *[2]float64         `json:"ci95"`
	Method *string             `json:"ci95_method"`
	Floor  *lorabench.Floor    `json:"floor"`
	Reason *string             `json:"reason"` // why there is no value, or no interval
}

type scoredSample struct {
	ID     string              `json:"id"`
	Scores map[string]*float64 `json:"scores"`
	Reason *string             `json:"reason"` // why a score has no value
	Note   *string             `json:"note"`   // why a value is what it is

	// Record is the score object of a published scorer, as it is published.
	Record json.RawMessage `json:"record,omitempty"`
}

func score(ctx context.Context, stdio env.Stdio, o scoreOptions) error {
	d, err := tasks.Lookup(o.task)
	if err != nil {
		return err
	}
	if !scorers.ReadsTexts(d.Scorer) {
		return usagef("score %s: its scorer, %s, wants log-likelihoods, which a text does not have: lorabench run measures them", d.Name, d.Scorer)
	}
	if o.outputs == "" {
		return usagef("score %s: --outputs is missing: a file with a line a text", d.Name)
	}
	texts, err := readTexts(stdio.In, o.outputs, d.Scorer)
	if err != nil {
		return err
	}
	if o.whole {
		if texts = slices.DeleteFunc(texts, func(t text) bool { return t.partly }); len(texts) == 0 {
			return fmt.Errorf("--outputs: %s: no text is stored whole", o.outputs)
		}
	}
	task, err := taskFor(ctx, d, o, texts)
	if err != nil {
		return err
	}
	answered, err := answered(task, texts, o.outputs)
	if err != nil {
		return err
	}
	tools := newToolbox(o.getenv, o.unsafe)
	scorer, err := scorers.ForTask(task, tools.tools(ctx, task.Scorer))
	if err != nil {
		return err
	}
	if tools.unconfined() {
		fmt.Fprintln(stdio.Err, notConfined)
	}
	if o.split {
		if slices.ContainsFunc(texts, func(t text) bool { return t.gone }) {
			return usagef("score --split-thinking: %s has what was measured of texts, and no texts", o.outputs)
		}
		doc, err := splitThinking(ctx, task, scorer, answered, texts)
		switch {
		case err != nil:
			return err
		case o.json:
			return printJSON(stdio.Out, doc)
		}
		return printThinking(stdio.Out, doc)
	}
	scored := scoreTexts(ctx, scorer, answered, texts)
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	task.Samples = distinct(answered)
	if task.Nulls == nil && !slices.ContainsFunc(texts, func(t text) bool { return t.gone }) {
		task.Nulls = d.NullsOf(task.Samples)
	}
	floors, err := scorers.Floors(ctx, task, scorer)
	if err != nil {
		return err
	}
	row, err := aggregate(task.Info(floors), texts, scored)
	if err != nil {
		return err
	}
	if o.json {
		doc := newScoresDocument(row, texts, scored)
		if err := doc.addRecords(ctx, task.Scorer, tools.tools(ctx, task.Scorer), answered, texts); err != nil {
			return err
		}
		return printJSON(stdio.Out, doc)
	}
	return printScores(stdio.Out, row)
}

// text is one line of --outputs.
type text struct {
	line     int
	id       string
	model    string // that wrote it, "" where the line does not say
	output   string
	stop     lorabench.StopReason // likewise
	partly   bool                 // the text is the beginning of what was written: no more is stored
	gone     bool                 // there is no text, only what was measured of it
	prompt   *string
	expected json.RawMessage // nil where there is none
}

// maxTextLine bounds a line, in bytes.
const maxTextLine = 16 << 20

func readTexts(stdin io.Reader, path, scorer string) ([]text, error) {
	in := stdin
	if path != "-" {
		f, err := os.Open(path)
		if err != nil {
			return nil, fmt.Errorf("--outputs: %w", err)
		}
		defer f.Close()
		in = f
	}
	lines := bufio.NewScanner(in)
	lines.Buffer(make([]byte, 0, 1<<16), maxTextLine)
	var texts []text
	n := 0
	for lines.Scan() {
		n++
		line := bytes.TrimPrefix(lines.Bytes(), []byte("\ufeff"))
		if len(bytes.TrimSpace(line)) == 0 {
			continue
		}
		t, err := parseText(line, scorer)
		if err != nil {
			return nil, fmt.Errorf("--outputs: %s: line %d: %w", path, n, err)
		}
		t.line = n
		texts = append(texts, t)
	}
	switch err := lines.Err(); {
	case errors.Is(err, bufio.ErrTooLong):
		return nil, fmt.Errorf("--outputs: %s: line %d: longer than %d MiB", path, n+1, maxTextLine>>20)
	case err != nil:
		return nil, fmt.Errorf("--outputs: %s: line %d: %w", path, n+1, err)
	case len(texts) == 0:
		return nil, fmt.Errorf("--outputs: %s: no texts, want a line each", path)
	}
	return texts, nil
}

func parseText(line []byte, scorer string) (text, error) {
	var raw struct {
		ID       json.RawMessage `json:"id"`
		Output   *string         `json:"output"`
		Prompt   *string         `json:"prompt"`
		Expected json.RawMessage `json:"expected"`

		Model  string               `json:"model"`
		Stop   lorabench.StopReason `json:"stop"`
		Stored struct {
			Generated bool `json:"generated"`
		} `json:"stored_at_limit"`
	}
	gone := false
	if scorers.IsPublished(scorer) {
		var err error
		if line, gone, err = plainLine(line, scorer); err != nil {
			return text{}, err
		}
	}
	if err := json.Unmarshal(line, &raw); err != nil {
		return text{}, fmt.Errorf(`%w, want {"id": …, "output": …}`, err)
	}
	t := text{prompt: raw.Prompt, model: raw.Model, stop: raw.Stop, partly: raw.Stored.Generated, gone: gone}
	if string(raw.Expected) != "null" {
		t.expected = raw.Expected
	}
	if raw.Output == nil {
		return t, errors.New(`no "output"`)
	}
	t.output = *raw.Output
	var number json.Number
	switch {
	case json.Unmarshal(raw.ID, &t.id) == nil && t.id != "":
	case json.Unmarshal(raw.ID, &number) == nil && number != "":
		t.id = number.String()
	default:
		return t, errors.New(`no "id", want a text or a number`)
	}
	return t, nil
}

// taskFor loads the task's samples. Where every line brings what it is scored
// against, the data are not needed.
func taskFor(ctx context.Context, d tasks.Definition, o scoreOptions, texts []text) (*lorabench.Task, error) {
	var dir fs.FS
	switch {
	case d.Embedded:
	case o.data != "":
		if _, err := os.Stat(o.data); err != nil {
			return nil, fmt.Errorf("--data: %w", err)
		}
		dir = os.DirFS(o.data)
	case scorers.NeedsTarget(d.Scorer) && slices.ContainsFunc(texts, func(t text) bool { return t.expected == nil }):
		return nil, usagef(`score %s: --data is missing: the folder with %s; else each line has to say what is "expected"`, d.Name, d.Evaluation.Path())
	default:
		return &lorabench.Task{
			Name: d.Name, Version: d.Version, Title: d.Title, Source: d.Source, NumShots: d.NumShots,
			Scorer: d.Scorer, Filters: d.Filters, Normalize: d.Normalize, Metrics: d.Metrics,
		}, nil
	}
	options := tasks.DefaultOptions()
	options.TaskSeed = o.taskSeed
	return d.Load(ctx, dir, options)
}

// answered returns the sample that each text answers.
func answered(task *lorabench.Task, texts []text, path string) ([]*lorabench.Sample, error) {
	byID := make(map[string]*lorabench.Sample, len(task.Samples))
	for i := range task.Samples {
		byID[task.Samples[i].ID] = &task.Samples[i]
	}
	found := make([]*lorabench.Sample, len(texts))
	for i, t := range texts {
		s, err := t.sample(task.Scorer, byID[t.id])
		if err != nil {
			return nil, fmt.Errorf("--outputs: %s: line %d: %w", path, t.line, err)
		}
		found[i] = s
	}
	return found, nil
}

// sample is the task's own, or a copy of it with what the line says.
func (t text) sample(scorer string, own *lorabench.Sample) (*lorabench.Sample, error) {
	if own == nil && t.expected == nil && scorers.NeedsTarget(scorer) {
		return nil, fmt.Errorf(`the task has no sample %q, and the line does not say what is "expected"`, t.id)
	}
	if own != nil && t.prompt == nil && t.expected == nil {
		return own, nil
	}
	s := lorabench.Sample{ID: t.id, Requests: []lorabench.Request{{Kind: lorabench.Generate}}}
	if own != nil {
		s = *own
		s.Requests = slices.Clone(own.Requests)
	}
	if t.prompt != nil {
		s.Requests[0].Prompt = *t.prompt
	}
	if t.expected == nil {
		return &s, nil
	}
	target, err := scorers.TargetOf(scorer, t.expected)
	if err != nil {
		return nil, fmt.Errorf("expected: %w", err)
	}
	s.Target = target
	return &s, nil
}

// distinct are the samples that were answered, each once.
func distinct(answered []*lorabench.Sample) []lorabench.Sample {
	var samples []lorabench.Sample
	seen := map[*lorabench.Sample]bool{}
	for _, s := range answered {
		if !seen[s] {
			seen[s] = true
			samples = append(samples, *s)
		}
	}
	return samples
}

// scoreTexts scores on all processors: circuits are simulated. Scores come in
// the order of the texts.
func scoreTexts(ctx context.Context, scorer scorers.Scorer, answered []*lorabench.Sample, texts []text) [][]lorabench.Score {
	scored := make([][]lorabench.Score, len(texts))
	next := make(chan int)
	var workers sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), len(texts)) {
		workers.Go(func() {
			for i := range next {
				scored[i] = scorer.Score(ctx, answered[i], []lorabench.Output{{Text: texts[i].output, Stop: lorabench.StopEOS}})
			}
		})
	}
	for i := range texts {
		if ctx.Err() != nil {
			break
		}
		next <- i
	}
	close(next)
	workers.Wait()
	return scored
}

// aggregate makes the row of a report of the scores: values, intervals, floors.
// Texts of one id are one cluster: they are not independent.
func aggregate(info lorabench.TaskInfo, texts []text, scored [][]lorabench.Score) (*reports.Row, error) {
	m := reports.MeasurementData{Measurement: lorabench.Measurement{
		Task: info, Variant: lorabench.Variant{Name: lorabench.Base}, Status: lorabench.Done, Total: len(texts),
	}}
	for i, t := range texts {
		m.Results = append(m.Results, lorabench.SampleResult{
			SampleID: strconv.Itoa(t.line), Index: i, Position: i, Cluster: t.id, Scores: scored[i],
		})
	}
	r, err := reports.Build(reports.Data{Measurements: []reports.MeasurementData{m}}, reports.Policy{}, nil)
	if err != nil {
		return nil, err
	}
	return r.Tasks[0].Rows[0], nil
}

func newScoresDocument(row *reports.Row, texts []text, scored [][]lorabench.Score) scoresDocument {
	doc := scoresDocument{Schema: "lorabench/scores/1", Task: row.Name, Metrics: map[string]scoredMetric{}, Samples: []scoredSample{}}
	for i := range row.Cells {
		c := &row.Cells[i]
		m := scoredMetric{Value: c.Value, Unit: c.Metric.Unit, Better: c.Metric.Better, N: c.N, Floor: c.Floor}
		if c.CI95 != nil && !math.IsInf(c.CI95.Lo, 0) && !math.IsInf(c.CI95.Hi, 0) {
			m.CI95, m.Method = &[2]float64{c.CI95.Lo, c.CI95.Hi}, &c.Method
		}
		if c.Reason != "" {
			m.Reason = &c.Reason
		}
		doc.Metrics[c.Metric.Name] = m
	}
	for i, t := range texts {
		s := scoredSample{ID: t.id}
		s.Scores, s.Reason, s.Note = scoreMap(scored[i])
		doc.Samples = append(doc.Samples, s)
	}
	return doc
}

func printScores(w io.Writer, row *reports.Row) error {
	fmt.Fprintf(w, "%s: %s\n\n", oneLine(row.Name), many(row.Measured, "text"))
	var rows [][]string
	for i := range row.Cells {
		c := &row.Cells[i]
		value, floor := valueText(c.Metric, c.Value), ""
		if c.CI95 != nil {
			value += fmt.Sprintf(" [%s, %s]", valueText(c.Metric, &c.CI95.Lo), valueText(c.Metric, &c.CI95.Hi))
		}
		if c.Floor != nil {
			floor = valueText(c.Metric, &c.Floor.Value) + " (" + c.Floor.Output + ")"
		}
		rows = append(rows, []string{c.Metric.Name, unitText(c.Metric), value, strconv.Itoa(c.N), strconv.Itoa(row.Measured - c.N), floor})
	}
	if err := table(w, []string{"METRIC", "UNIT", "VALUE [95 %]", "N", "NO SCORE", "FLOOR"}, rows, 3, 4); err != nil {
		return err
	}
	var why []string
	for _, c := range row.Primary().Unscored {
		why = append(why, fmt.Sprintf("%d × no score: %s", c.Samples, c.What))
	}
	for _, c := range row.Notes {
		why = append(why, fmt.Sprintf("%d × %s", c.Samples, c.What))
	}
	if len(why) > 0 {
		why = append([]string{""}, why...)
	}
	for _, line := range why {
		if _, err := fmt.Fprintln(w, strings.TrimRight(oneLine(line), " ")); err != nil {
			return err
		}
	}
	return nil
}
