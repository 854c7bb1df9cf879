package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/ailiance/lorabench/env"
)

// run executes one command line and returns its exit code.
func run(ctx context.Context, stdio env.Stdio, args []string) int {
	root := newRoot(stdio)
	root.SetArgs(args)
	return explain(stdio.Err, root.ExecuteContext(ctx))
}

func newRoot(stdio env.Stdio) *cobra.Command {
	root := &cobra.Command{
		Use:   "lorabench",
		Short: "what a LoRA adapter does to its base model, with evidence",
		Example: `  lorabench demo                           the whole job on an embedded model
  lorabench run --model MODEL --adapter math=DIR --tasks arc_easy,gsm8k_cot --data DIR
  lorabench rerun FOLDER                   one measurement again, to the last bit
  lorabench adapter check MODEL ADAPTER    is it applied at all?`,
		Version:       env.ReadBuild(version, "").Version,
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	root.SetIn(stdio.In)
	root.SetOut(stdio.Out)
	root.SetErr(stdio.Err)
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usageError{err} })
	root.AddCommand(newDemo(stdio), newRun(stdio), newRerun(stdio), newTasks(stdio), newModel(stdio), newAdapter(stdio), newFuse(stdio))
	root.AddCommand(newGate(), newReport(stdio), newCompare(), newRuns(), newSamples(), newScore(stdio), newDoctor(stdio), newPlan(stdio), newBench(stdio), newSpice(stdio), newKiCad(), newImport(stdio))
	root.AddCommand(&cobra.Command{Use: "exit-codes", Short: "what each exit code says", Long: exitCodesHelp, Hidden: true,
		Run: func(cmd *cobra.Command, _ []string) { fmt.Fprint(cmd.OutOrStdout(), exitCodesHelp) }})
	return root
}

// group is a command that has nothing but subcommands.
func group(use, short string, commands ...*cobra.Command) *cobra.Command {
	cmd := &cobra.Command{Use: use, Short: short, RunE: func(cmd *cobra.Command, args []string) error {
		if len(args) > 0 {
			return usagef("unknown command %q for %q", args[0], cmd.CommandPath())
		}
		return cmd.Help()
	}}
	cmd.AddCommand(commands...)
	return cmd
}

// exactly is cobra.ExactArgs with a usage error.
func exactly(n int) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) != n {
			return usagef("%s: %d arguments, want %d: %s", cmd.CommandPath(), len(args), n, cmd.UseLine())
		}
		return nil
	}
}

// printJSON writes one indented document.
func printJSON(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}
