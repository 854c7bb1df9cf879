package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/ailiance/lorabench"
	"github.com/ailiance/lorabench/env"
	"github.com/ailiance/lorabench/reports"
	"github.com/ailiance/lorabench/results"
	"github.com/ailiance/lorabench/runners"
)

// runOptions are run's settings with what is not stored.
type runOptions struct {
	settings
	progressOptions
	resume bool
	from   files
	keep   bool     // go on without adapters that are refused: the demo's own fake is among them
	args   []string // the command line
}

func newRun(stdio env.Stdio) *cobra.Command {
	o := runOptions{settings: defaultSettings()}
	cmd := &cobra.Command{
		Use: "run --model M --adapter NAME=DIR --tasks T,… --data DIR", Short: "measure a base and its adapters", Args: exactly(0),
		Example: `  lorabench run --model demo
  lorabench run --model model.gguf --adapter math=adapters/math --tasks arc_easy,gsm8k_cot --data data --limit 200
  lorabench run --model DIR --adapter math=DIR --tasks gsm8k_cot --data data --chat-template auto --max-new-tokens 4096
  lorabench run --resume … (the same flags)       goes on where a run was stopped
  lorabench run                                   everything from lorabench.yaml: a key a flag, and gate`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := applyConfig(cmd.Flags()); err != nil {
				return err
			}
			if err := o.check(cmd.Flags()); err != nil {
				return err
			}
			if o.Model == "" {
				return usagef("run: --model is missing: a Hugging Face directory, a .gguf file, hf:org/name@revision, or demo")
			}
			if o.Model == demoModel {
				if len(o.Adapters) == 0 {
					o.Adapters, o.keep = demoAdapters(), true
				}
				if len(o.Tasks) == 0 {
					o.Tasks = demoTasks()
				}
			}
			o.args = os.Args
			_, err := runAll(cmd.Context(), stdio, o)
			return err
		},
	}
	o.measureFlags(cmd.Flags())
	o.machineFlags(cmd.Flags())
	o.progressFlags(cmd.Flags())
	o.from.flag(cmd.Flags())
	cmd.Flags().BoolVar(&o.resume, "resume", false, "go on with the newest run that has these settings")
	return cmd
}

// demoTasks are the embedded ones.
func demoTasks() []string {
	return []string{"demo_choice", "demo_arithmetic", "demo_spice", "demo_text"}
}

// runAll measures and reports. The report comes back also where the run was
// interrupted, with the error that says so.
func runAll(ctx context.Context, stdio env.Stdio, o runOptions) (*reports.Report, error) {
	if err := o.validate(); err != nil {
		return nil, err
	}
	if err := writable(o.Out); err != nil {
		return nil, err
	}
	store, err := results.Open(ctx, o.DB, results.Options{})
	if err != nil {
		return nil, err
	}
	defer store.Close()
	p := newProgress(stdio, o.progressOptions)
	loaded, err := loadTasks(ctx, o.settings)
	if err != nil {
		return nil, err
	}
	from := files{getenv: stdio.Getenv, download: o.from.download, say: p.say}
	if err := o.pin(ctx, from); err != nil {
		return nil, err
	}
	var old lorabench.Run
	if o.resume {
		if old, err = resumable(ctx, store, o.settings); err != nil {
			return nil, err
		}
		if err := store.LockRun(ctx, old.ID); err != nil {
			return nil, err
		}
	}
	from.download = false // the cache has all now
	b, err := openBench(ctx, from, o.settings, loaded, p.say)
	if err != nil {
		return nil, err
	}
	defer b.Close()
	if len(b.refused) > 0 && !o.keep {
		return nil, &refusedError{b.refused}
	}
	run := old
	if !o.resume {
		if run, err = b.newRun(ctx, o.args); err != nil {
			return nil, err
		}
		if err := store.CreateRun(ctx, run); err != nil {
			return nil, err
		}
	}
	p.say("run %s", run.ID)
	fault := b.runner(runners.Stored{Store: store, Resume: o.resume}, run.ID, p.show).Run(ctx, b.tasks)
	p.end()
	if fault != nil && ctx.Err() != nil {
		fault = &interruptedError{run.ID, fault}
	}

	ctx = context.WithoutCancel(ctx) // what was measured is reported also after Ctrl-C
	r, err := b.report(ctx, store, run.ID)
	if r == nil || len(r.Tasks) == 0 {
		return r, errors.Join(fault, err)
	}
	shown := reports.Scoreboard(stdio.Out, r, stdio.OutIsTerminal && !stdio.NoColor)
	if err == nil {
		p.say("evidence: %s", filepath.Join(o.Out, "SUMMARY.md"))
	}
	return r, errors.Join(fault, err, shown)
}

var errNotWritten = errors.New("the measurements are safe in the database, their files are not written")

// report writes the run's files below the output folder. The report comes back
// also where they cannot be written.
func (b *bench) report(ctx context.Context, store *results.Store, run string) (*reports.Report, error) {
	r, data, err := buildReport(ctx, store, run, "")
	if err != nil {
		return nil, err
	}
	for i := range data.Measurements {
		data.Measurements[i].Requests = b.requests(data.Measurements[i].Task.Name)
	}
	if err := reports.WriteRun(b.settings.Out, r, &data); err != nil {
		return r, fmt.Errorf("%w: %w", errNotWritten, err)
	}
	return r, nil
}

// writable makes the output folder and sees that files can be made there, before
// anything is measured.
func writable(dir string) error {
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return fmt.Errorf("--out: %w", err)
	}
	f, err := os.CreateTemp(dir, ".lorabench-*")
	if err != nil {
		return fmt.Errorf("--out: %w", err)
	}
	name := f.Name()
	return errors.Join(f.Close(), os.Remove(name))
}

// newDemo is the whole job on what is part of the program.
func newDemo(stdio env.Stdio) *cobra.Command {
	o := runOptions{settings: defaultSettings(), keep: true}
	o.Model, o.Adapters, o.Tasks = demoModel, demoAdapters(), demoTasks()
	cmd := &cobra.Command{
		Use: "demo", Short: "the whole job on an embedded model, its adapters and data", Args: exactly(0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			o.args = os.Args
			r, err := runAll(cmd.Context(), stdio, o)
			if err != nil {
				return err
			}
			return nextSteps(stdio, o, r)
		},
	}
	o.machineFlags(cmd.Flags())
	o.progressFlags(cmd.Flags())
	cmd.Flags().IntVar(&o.Limit, "limit", 0, "at most N samples a task; 0: all")
	return cmd
}

// nextSteps says what a user can do now.
func nextSteps(stdio env.Stdio, o runOptions, r *reports.Report) error {
	folder := ""
	for _, t := range r.Tasks {
		for _, row := range t.Rows {
			if t.Info.Name == "demo_arithmetic" && row.Variant != lorabench.Base {
				folder = filepath.Join(o.Out, filepath.FromSlash(row.Evidence))
			}
		}
	}
	if cwd, err := os.Getwd(); err == nil {
		if short, err := filepath.Rel(cwd, folder); err == nil && len(short) < len(folder) {
			folder = short
		}
	}
	_, err := fmt.Fprintf(stdio.Out, `
The demo ends with 0; lorabench gate would exit with %d.
Measure one number again, to the last bit:
  lorabench rerun %s
Measure your own model (lorabench tasks lists what can be asked of it):
  lorabench run --model MODEL --adapter NAME=DIR --tasks arc_easy,gsm8k_cot --data DIR
`, r.ExitCode, folder)
	return err
}
