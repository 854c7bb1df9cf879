package main

import (
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/ailiance/lorabench/tasks"
	"github.com/ailiance/lorabench/tasks/generated"
)

type generateRowsOptions struct {
	task  string
	split string
	seed  uint64
	count int
	out   string
}

// newGenerateRows writes the questions of generated tasks: to look at, or to train on.
func newGenerateRows() *cobra.Command {
	o := generateRowsOptions{split: generated.Train}
	cmd := &cobra.Command{Use: "generate TASK", Short: "write questions with right answers, to train on or to look at", Args: exactly(1),
		Long: `generate writes a line a question, {"id", "family", "prompt", "reference",
"target"}. The split is part of each question: none of --split train is ever in a
test set, whatever the seeds. Train on that one alone.`,
		Example: "  lorabench tasks generate kicad_dsl --count 5000 --task-seed 1 --out train.jsonl\n  lorabench tasks generate spice_sim --split test",
		RunE: func(cmd *cobra.Command, args []string) error {
			o.task = args[0]
			return generateRows(cmd.OutOrStdout(), o)
		}}
	f := cmd.Flags()
	f.Var(&choiceFlag{&o.split, []string{generated.Train, generated.Test}}, "split", "train or test")
	taskSeedFlag(f, &o.seed)
	f.IntVar(&o.count, "count", 0, "questions; 0: as many as the task has samples")
	f.StringVar(&o.out, "out", "", "file to write; standard output where it is missing")
	return cmd
}

func generateRows(w io.Writer, o generateRowsOptions) error {
	d, err := tasks.Lookup(o.task)
	if err != nil {
		return err
	}
	if d.Generated == 0 {
		return usagef("tasks generate %s: its questions are not generated, they are read from %s", d.Name, d.Evaluation.Path())
	}
	if o.count < 0 {
		return usagef("tasks generate %s: --count %d: want 0 or more", d.Name, o.count)
	}
	if o.seed == 0 {
		o.seed = tasks.PublishedSeed
	}
	rows, err := d.Rows(generated.Options{Split: o.split, Seed: o.seed, N: o.count})
	if err != nil {
		return err
	}
	lines, err := generated.JSONL(rows)
	if err != nil {
		return err
	}
	if o.out == "" {
		_, err = w.Write(lines)
		return err
	}
	if err := os.WriteFile(o.out, lines, 0o644); err != nil {
		return fmt.Errorf("--out: %w", err)
	}
	return nil
}
