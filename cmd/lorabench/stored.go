package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"

	"github.com/spf13/pflag"

	"github.com/ailiance/lorabench"
	"github.com/ailiance/lorabench/reports"
	"github.com/ailiance/lorabench/results"
)

// noDatabaseError says that a file to read is not there.
type noDatabaseError struct{ error }

func (e noDatabaseError) Unwrap() error { return e.error }

// readStore opens a database, lets f read it and closes it.
func readStore(ctx context.Context, path string, f func(*results.Store) error) error {
	store, err := results.OpenReadOnly(ctx, path, results.Options{})
	if errors.Is(err, fs.ErrNotExist) {
		return noDatabaseError{err}
	}
	if err != nil {
		return err
	}
	return errors.Join(f(store), store.Close())
}

// loadRun reads what a run measured, and which adapters it refused. run is an
// id, the beginning of one, or "" for the newest. Of a task that did not end as
// done only what all variants have counts, see [commonPrefix].
func loadRun(ctx context.Context, store *results.Store, run string) (reports.Data, []reports.Refusal, error) {
	data, refused, _, err := loadStored(ctx, store, run)
	return data, refused, err
}

// loadStored is loadRun; notes say how prompts differ from what was asked for, and
// which results are left out.
func loadStored(ctx context.Context, store *results.Store, run string) (data reports.Data, refused []reports.Refusal, notes []string, err error) {
	if data.Run, err = store.FindRun(ctx, run); err != nil {
		return data, nil, nil, err
	}
	s, err := decodeSettings(data.Run.Settings)
	if err != nil {
		return data, nil, nil, fmt.Errorf("run %s: %w", data.Run.ID, err)
	}
	stored, err := store.Measurements(ctx, data.Run.ID)
	if err != nil {
		return data, nil, nil, err
	}
	for _, m := range stored {
		measured := reports.MeasurementData{Measurement: m.Measurement}
		for r, err := range store.SampleResults(ctx, m.ID) {
			if err != nil {
				return data, nil, nil, err
			}
			measured.Results = append(measured.Results, r)
		}
		data.Measurements = append(data.Measurements, measured)
	}
	if s.Chat != nil {
		notes = slices.Clone(s.Chat.Notes)
	}
	if s.Imported != nil {
		notes = append(notes, s.Imported.notes()...)
	}
	return data, s.Refused, append(notes, keepCommon(data.Measurements)...), nil
}

// keepCommon leaves out of the measurements that did not end as done what lies
// behind the common prefix of their task, and says so. A variant that is done
// stays whole: nothing is missing there, and only pairs are compared.
func keepCommon(measurements []reports.MeasurementData) (notes []string) {
	byTask := map[string][]*reports.MeasurementData{}
	for i := range measurements {
		m := &measurements[i]
		byTask[m.Task.Name] = append(byTask[m.Task.Name], m)
	}
	for i := range measurements {
		m := &measurements[i]
		group := byTask[m.Task.Name]
		if group[0] != m || allDone(group) {
			continue
		}
		arms := make([][]lorabench.SampleResult, len(group))
		for v := range group {
			arms[v] = group[v].Results
		}
		n, left := commonPrefix(arms), 0
		for _, g := range group {
			if g.Status != lorabench.Done {
				left += len(g.Results) - n
				g.Results = g.Results[:n]
			}
		}
		if left > 0 {
			notes = append(notes, fmt.Sprintf(
				"%s: its first %d samples count, which all variants have; %d results behind them are left out: what is slow is missing there", m.Task.Name, n, left))
		}
	}
	return notes
}

func allDone(group []*reports.MeasurementData) bool {
	for _, m := range group {
		if m.Status != lorabench.Done {
			return false
		}
	}
	return true
}

// commonPrefix returns how many samples, from the first on, all variants of a
// task have a result for. arms are in the order of positions.
//
// Samples are begun in order but end when they end: when a budget does, the slow
// ones are missing, and what ended beyond them is a sample of the fast ones only.
// The prefix is a random sample of the task (law 4).
func commonPrefix(arms [][]lorabench.SampleResult) int {
	if len(arms) == 0 {
		return 0
	}
	for n := 0; ; n++ {
		for _, arm := range arms {
			if n >= len(arm) || arm[n].Position != n {
				return n
			}
		}
	}
}

// buildReport computes the report of a run. The policy is that of policyFile, or
// else the gate section of lorabench.yaml, or else the default.
func buildReport(ctx context.Context, store *results.Store, run, policyFile string) (*reports.Report, reports.Data, error) {
	policy, err := loadPolicy(policyFile)
	if err != nil {
		return nil, reports.Data{}, err
	}
	data, refused, notes, err := loadStored(ctx, store, run)
	if err != nil {
		return nil, data, err
	}
	r, err := reports.Build(data, policy, refused)
	if err != nil {
		return nil, data, fmt.Errorf("run %s: %w", data.Run.ID, err)
	}
	r.Warnings = append(r.Warnings, notes...)
	return r, data, nil
}

func loadPolicy(file string) (reports.Policy, error) {
	if file != "" {
		text, err := os.ReadFile(file)
		if err != nil {
			return reports.Policy{}, fmt.Errorf("policy: %w", err)
		}
		p, err := reports.ParsePolicy(text)
		if err != nil {
			return p, fmt.Errorf("%s: %w", file, err)
		}
		return p, nil
	}
	text, err := os.ReadFile(configFile)
	if errors.Is(err, fs.ErrNotExist) {
		return reports.Policy{}, nil
	}
	if err != nil {
		return reports.Policy{}, err
	}
	p, _, err := reports.ParseGateSection(text)
	if err != nil {
		return p, fmt.Errorf("%s: %w", configFile, err)
	}
	return p, nil
}

// runFlags are the flags that say which run of which database.
func runFlags(f *pflag.FlagSet, run, db *string) {
	f.StringVar(run, "run", "", "id of a run, or how it begins; else the newest")
	dbFlag(f, db)
}

func dbFlag(f *pflag.FlagSet, db *string) {
	f.StringVar(db, "db", defaultSettings().DB, "database")
}
