package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/ailiance/lorabench"
	"github.com/ailiance/lorabench/env"
	"github.com/ailiance/lorabench/model"
	"github.com/ailiance/lorabench/tasks"
)

func newTasks(stdio env.Stdio) *cobra.Command {
	list := func(cmd *cobra.Command, _ []string) error { return listTasks(cmd.OutOrStdout()) }
	cmd := &cobra.Command{Use: "tasks", Short: "list the tasks", Args: exactly(0), RunE: list}
	cmd.AddCommand(
		&cobra.Command{Use: "list", Short: "list the tasks", Args: exactly(0), RunE: list},
		&cobra.Command{Use: "show TASK", Short: "what a task asks and measures", Args: exactly(1),
			RunE: func(cmd *cobra.Command, args []string) error { return showTask(cmd.OutOrStdout(), args[0]) }},
		newPrompts(stdio),
		newGenerateRows(),
	)
	return cmd
}

func listTasks(w io.Writer) error {
	for _, name := range tasks.Names() {
		d, err := tasks.Lookup(name)
		if err != nil {
			return err
		}
		fmt.Fprintf(w, "%-34s %s\n", name, d.Title)
	}
	return nil
}

func showTask(w io.Writer, name string) error {
	d, err := tasks.Lookup(name)
	if err != nil {
		return err
	}
	fmt.Fprintf(w, "%s %s: %s\nsource   %s\nscorer   %s\nshots    %d\n", d.Name, d.Version, d.Title, d.Source, d.Scorer, d.NumShots)
	switch {
	case d.Generated > 0:
		fmt.Fprintf(w, "data     %d questions, generated (lorabench tasks generate %s)\n", d.Generated, d.Name)
	case d.Embedded:
		fmt.Fprintf(w, "data     part of lorabench\n")
	default:
		for _, split := range d.Datasets() {
			fmt.Fprintf(w, "data     %s\n", split.Path())
		}
	}
	for _, m := range d.Metrics {
		fmt.Fprintf(w, "metric   %s (%s, %s is better), default margin %g\n", m.Name, m.Unit, m.Better, m.Margin)
	}
	return nil
}

type promptsOptions struct {
	asking
	from              files
	task, data, model string
	shots             int
	seed              int64
	taskSeed          uint64
	limit             int
	json              bool
}

func newPrompts(stdio env.Stdio) *cobra.Command {
	o := promptsOptions{asking: defaultAsking(), from: filesFor(stdio)}
	cmd := &cobra.Command{Use: "prompts TASK", Short: "the requests as they are sent", Args: exactly(1),
		Example: "  lorabench tasks prompts arc_easy --data DIR --limit 2\n  lorabench tasks prompts gsm8k_cot --data DIR --limit 1 --chat-template auto --model MODEL",
		RunE: func(cmd *cobra.Command, args []string) error {
			o.task = args[0]
			if err := o.check(cmd.Flags()); err != nil {
				return err
			}
			return printPrompts(cmd.Context(), cmd.OutOrStdout(), o)
		}}
	cmd.Flags().StringVar(&o.data, "data", "", "folder of the datasets")
	cmd.Flags().IntVar(&o.shots, "num-fewshot", -1, "examples in front of each question; -1: the task's own")
	cmd.Flags().Int64Var(&o.seed, "seed", 1234, "seed of the examples")
	taskSeedFlag(cmd.Flags(), &o.taskSeed)
	cmd.Flags().IntVar(&o.limit, "limit", 0, "the first N samples; 0: all")
	cmd.Flags().BoolVar(&o.json, "json", false, "one JSON document")
	cmd.Flags().StringVar(&o.model, "model", "", "MODEL whose chat template --chat-template auto takes")
	o.asking.flags(cmd.Flags())
	o.from.flag(cmd.Flags())
	return cmd
}

// prompt is one sample of lorabench/prompts/1.
type prompt struct {
	ID         string              `json:"id"`
	DocHash    string              `json:"doc_hash"`
	PromptHash string              `json:"prompt_hash"`
	Prompt     string              `json:"prompt"`
	Requests   []lorabench.Request `json:"requests"`
}

// render makes prompts of the task's messages by the template of --model.
func (o promptsOptions) render(ctx context.Context, t *lorabench.Task) error {
	dir, name, done, err := o.from.checkpoint(ctx, o.model)
	if err != nil {
		return err
	}
	defer done()
	c, err := model.ReadChat(dir, name)
	if err != nil {
		return err
	}
	conversation, notes, err := o.converse(c)
	if err != nil {
		return err
	}
	more, err := render(conversation, t)
	for _, note := range append(notes, more...) {
		o.from.say("%s", note)
	}
	return err
}

func printPrompts(ctx context.Context, w io.Writer, o promptsOptions) error {
	d, err := tasks.Lookup(o.task)
	if err != nil {
		return err
	}
	if o.data == "" && !d.Embedded {
		return usagef("tasks prompts %s: --data is missing: the folder of the datasets", o.task)
	}
	if err := o.asking.validate(); err != nil {
		return err
	}
	if o.ChatTemplate == autoTemplate && o.model == "" {
		return usagef("tasks prompts %s: --chat-template auto: --model is missing: whose template", o.task)
	}
	t, err := d.Load(ctx, os.DirFS(o.data), tasks.Options{
		NumFewshot: o.shots, Seed: o.seed, TaskSeed: o.taskSeed, Limit: o.limit, System: o.SystemInstruction, Conversation: o.conversation(),
	})
	if err != nil {
		return err
	}
	if o.ChatTemplate == autoTemplate {
		if err := o.render(ctx, t); err != nil {
			return err
		}
	}
	samples := t.Samples
	if o.limit > 0 {
		samples = samples[:min(o.limit, len(samples))]
	}
	var out []prompt
	for _, s := range samples {
		out = append(out, prompt{ID: s.ID, DocHash: s.DocHash, PromptHash: s.PromptHash, Prompt: s.Requests[0].Prompt, Requests: s.Requests})
	}
	if o.json {
		return printJSON(w, struct {
			Schema  string   `json:"schema"`
			Task    string   `json:"task"`
			Samples []prompt `json:"samples"`
		}{"lorabench/prompts/1", t.Name, out})
	}
	for _, p := range out {
		fmt.Fprintf(w, "%s %s\n%s\n", p.ID, strings.Repeat("-", 60), p.Prompt)
		for _, r := range p.Requests {
			if r.Continuation != "" {
				fmt.Fprintf(w, "  → %q\n", r.Continuation)
			}
		}
	}
	return nil
}
