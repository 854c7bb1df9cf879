package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/ailiance/lorabench"
	"github.com/ailiance/lorabench/model/cost"
	"github.com/ailiance/lorabench/results"
	"github.com/ailiance/lorabench/runners"
)

// planModel opens the model, counts what its tasks ask, and measures what the
// machine reaches, where it is this one.
func (o *planOptions) planModel(ctx context.Context, say func(string, ...any)) (planDocument, error) {
	if err := o.validate(); err != nil {
		return planDocument{}, err
	}
	if err := o.pin(ctx, o.from); err != nil {
		return planDocument{}, err
	}
	if o.Model == demoModel && len(o.Tasks) == 0 {
		o.Tasks = demoTasks()
	}
	loaded, err := loadTasks(ctx, o.settings)
	if err != nil {
		return planDocument{}, err
	}
	say("loading %s", o.Model)
	b := &bench{settings: o.settings, files: o.from}
	if b.engine, err = o.from.openModel(ctx, o.Model, engineOptions(o.settings)); err != nil {
		return planDocument{}, err
	}
	defer b.Close()
	if err := b.prepare(ctx, loaded, false, say); err != nil {
		return planDocument{}, err
	}
	if len(b.refused) > 0 {
		return planDocument{}, &refusedError{b.refused}
	}
	cfg := b.engine.Config()
	load := cost.Load{Model: modelOf(b.engine, &cfg), Adapters: lowRanks(b.engine, o.Adapters), Shared: true}
	if o.hardware == thisMachine {
		say("measuring this machine and the model on it")
		load.Hardware = ceilings(o.threads())
		load.Hardware.Memory = allowed(b.engine)
		p := prober{engine: b.engine, load: load, names: []string{""}, random: rand.New(rand.NewPCG(uint64(o.Seed), 1))}
		for _, a := range o.Adapters {
			p.names = append(p.names, a.Name)
		}
		if load.Hardware.Efficiency, err = p.probe(ctx); err != nil {
			return planDocument{}, fmt.Errorf("plan: probe: %w", err)
		}
	} else {
		if load.Hardware, err = o.machine(); err != nil {
			return planDocument{}, err
		}
		if o.Memory > 0 {
			load.Hardware.Memory = float64(o.Memory)
		}
	}
	d := newPlanDocument(o.Model, load)
	r := b.runner(nil, "", nil)
	for i := range b.tasks {
		name := b.tasks[i].Info.Name
		expected, err := o.answers(ctx, name)
		if err != nil {
			return planDocument{}, err
		}
		if load.Work, err = count(ctx, r, &b.tasks[i], expected); err != nil {
			return planDocument{}, fmt.Errorf("task %s: %w", name, err)
		}
		budget := time.Duration(o.TaskBudgets[name])
		if share := time.Duration(o.Budget) / time.Duration(len(b.tasks)); share > 0 && (budget == 0 || share < budget) {
			budget = share
		}
		d.add(name, load, expected.from, budget)
	}
	return d, nil
}

// count tallies the work of one variant, and how long each variant's answers are
// expected to be.
func count(ctx context.Context, r *runners.Runner, t *runners.Task, expected *answers) (cost.Work, error) {
	var tally cost.Tally
	others := make([][]int, len(r.Variants)-1)
	at := 0
	for jobs, err := range r.Jobs(t) {
		if err == nil {
			err = context.Cause(ctx)
		}
		if err != nil {
			return cost.Work{}, err
		}
		tally.Sample()
		for _, job := range jobs {
			if job.Scored > 0 {
				tally.Score(job.Tokens, job.Scored)
			} else {
				id := t.Samples[at].ID
				tally.Generate(job.Tokens, expected.expected(lorabench.Base, id, job.MaxNewTokens))
				for i, v := range r.Variants[1:] {
					others[i] = append(others[i], expected.expected(v.Name, id, job.MaxNewTokens))
				}
			}
		}
		at++
	}
	work := tally.Work()
	if work.Generations > 0 && len(others) > 0 {
		work.Others = others
	}
	return work, nil
}

// answers is how many tokens an earlier run's answers have, by variant and sample.
type answers struct {
	from string // "as given", "at most", "as in run …"
	all  int    // of every answer; 0: see of
	of   map[string]map[string]int
}

// expected is how many tokens the answer of a variant to a sample should have, at
// most so many. A sample that was not measured is as the middle of those that were.
func (a *answers) expected(variant, sample string, most int) int {
	if a.all > 0 {
		return min(a.all, most)
	}
	seen := a.of[variant]
	if len(seen) == 0 {
		seen = a.of[lorabench.Base]
	}
	if len(seen) == 0 {
		return most
	}
	n, known := seen[sample]
	if !known {
		lengths := slices.Sorted(maps.Values(seen))
		n = lengths[len(lengths)/2]
	}
	return max(1, min(n, most))
}

// answers finds out how long answers may be expected to be.
func (o *planOptions) answers(ctx context.Context, task string) (*answers, error) {
	if o.written > 0 {
		return &answers{from: "as given", all: o.written}, nil
	}
	a := &answers{from: "at most"}
	err := readStore(ctx, o.DB, func(store *results.Store) error {
		runs, err := store.Runs(ctx)
		if err != nil {
			return err
		}
		for _, r := range runs {
			if r.Model == o.Model && slices.Contains(r.Tasks, task) && len(a.of) == 0 {
				if err := a.read(ctx, store, r.ID, task); err != nil {
					return err
				}
			}
		}
		return nil
	})
	if errors.Is(err, fs.ErrNotExist) {
		return a, nil
	}
	return a, err
}

// read takes the lengths of a run's answers.
func (a *answers) read(ctx context.Context, store *results.Store, run, task string) error {
	measured, err := store.Measurements(ctx, run)
	if err != nil {
		return err
	}
	for _, m := range measured {
		if m.Task.Name != task || m.Status != lorabench.Done {
			continue
		}
		if a.of == nil {
			a.of = map[string]map[string]int{}
		}
		a.of[m.Variant.Name], a.from = map[string]int{}, "as in run "+run
		for s, err := range store.SampleResults(ctx, m.ID) {
			if err != nil {
				return err
			}
			for _, out := range s.Outputs {
				a.of[m.Variant.Name][s.SampleID] = out.NewTokens
			}
		}
	}
	return nil
}
