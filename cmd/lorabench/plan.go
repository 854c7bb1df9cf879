package main

import (
	"context"
	"fmt"
	"io"
	"runtime"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/ailiance/lorabench/env"
	"github.com/ailiance/lorabench/model"
	"github.com/ailiance/lorabench/model/architecture"
	"github.com/ailiance/lorabench/model/cost"
	"github.com/ailiance/lorabench/model/shape"
)

// thisMachine is the hardware that is asked and not known by name.
const thisMachine = "this"

// planOptions are run's settings with what stands in for a machine, a model and
// tasks that are not at hand.
type planOptions struct {
	settings
	progressOptions
	from       files
	asJSON     bool
	hardware   string
	efficiency float64 // of a machine that cannot be measured
	written    int     // tokens that an answer is expected to have; 0: see [planner.lengths]
	shape      shapeOptions
}

// shapeOptions are a model by name and its work by numbers.
type shapeOptions struct {
	name, storage           string
	samples, prefix, prompt int
	adapters, rank, first   int
}

func newPlan(stdio env.Stdio) *cobra.Command {
	o := planOptions{settings: defaultSettings(), from: filesFor(stdio), hardware: thisMachine, efficiency: 0.4, shape: shapeOptions{storage: "bf16", rank: 16}}
	cmd := &cobra.Command{
		Use: "plan (the flags of run)", Short: "how long an evaluation takes, before it is made", Args: exactly(0),
		Long: `Counts the tokens of an evaluation, and says from the model's shape and the machine's ceilings how
long it takes and what limits it. On this machine the model is opened and a few hundred tokens are computed, to see
what of the ceilings it reaches. For another machine, or a model that is not at hand, --efficiency says so.

How long answers are nobody knows before: --new says what is expected; else those of an earlier run in the
database with this model and task are taken; else the most that the task allows, and the time is an upper bound.`,
		Example: `  lorabench plan --model M --adapter math=DIR --tasks arc_easy,gsm8k_cot --data DIR --limit 200
  lorabench plan --model M --tasks gsm8k_cot --data DIR --hardware h100 --new 130
  lorabench plan --hardware h100 --shape apertus-70b --storage q4 --samples 1319 --prefix 1000 --prompt 90 --new 130 --budget 1800s`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if o.shape.name == "" { // a shape is instead of what the file says
				if err := applyConfig(cmd.Flags()); err != nil {
					return err
				}
			}
			return plan(cmd.Context(), stdio, cmd.OutOrStdout(), o)
		},
	}
	o.measureFlags(cmd.Flags())
	o.machineFlags(cmd.Flags())
	o.progressFlags(cmd.Flags())
	o.from.flag(cmd.Flags())
	o.planFlags(cmd.Flags())
	return cmd
}

func (o *planOptions) planFlags(f *pflag.FlagSet) {
	f.BoolVar(&o.asJSON, "json", false, "one JSON document")
	f.StringVar(&o.hardware, "hardware", o.hardware, "this, measured now, or h100, h200")
	f.Float64Var(&o.efficiency, "efficiency", o.efficiency, "part of its ceilings that a machine which cannot be measured reaches")
	f.IntVar(&o.written, "new", 0, "tokens that an answer is expected to have; 0: see above")
	s := &o.shape
	f.StringVar(&s.name, "shape", "", "a model by its shape, instead of --model: "+strings.Join(shape.Names(), ", "))
	f.StringVar(&s.storage, "storage", s.storage, "of a shape's weights: f32, bf16, f16, fp8, q8, q4")
	f.IntVar(&s.samples, "samples", 0, "with --shape: samples")
	f.IntVar(&s.prefix, "prefix", 0, "with --shape: tokens at the beginning that all prompts have")
	f.IntVar(&s.prompt, "prompt", 0, "with --shape: further tokens of a prompt")
	f.IntVar(&s.adapters, "adapters", 0, "with --shape: adapters on q, k, v and o beside the base")
	f.IntVar(&s.rank, "rank", s.rank, "with --shape: their rank")
	f.IntVar(&s.first, "first-layer", 0, "with --shape: the first block that they are on")
}

// plan says what the evaluation costs.
func plan(ctx context.Context, stdio env.Stdio, w io.Writer, o planOptions) error {
	var document planDocument
	var err error
	switch {
	case o.efficiency <= 0 || o.efficiency > 1:
		return usagef("plan: --efficiency %v: want more than 0, at most 1", o.efficiency)
	case o.written < 0:
		return usagef("plan: --new %d: want 0 or more", o.written)
	case o.shape.name != "" && o.Model != "":
		return usagef("plan: --model and --shape: want one of them")
	case o.shape.name != "":
		document, err = o.planShape()
	case o.Model == "":
		return usagef("plan: --model is missing, or --shape")
	default:
		document, err = o.planModel(ctx, newProgress(stdio, o.progressOptions).say)
	}
	if err != nil {
		return err
	}
	if o.asJSON {
		return printJSON(w, document)
	}
	return document.print(w)
}

// machine is a hardware by name, at the efficiency that the user says.
func (o *planOptions) machine() (cost.Hardware, error) {
	h, err := cost.Machine(o.hardware)
	if err != nil {
		return h, usageError{fmt.Errorf("plan: --hardware: %w", err)}
	}
	h.Efficiency = cost.Uniform(o.efficiency)
	return h, nil
}

// planShape plans the work that numbers describe.
func (o *planOptions) planShape() (planDocument, error) {
	s := &o.shape
	if s.samples < 1 || s.prefix < 0 || s.prompt < 1 || s.adapters < 0 || s.rank < 1 || s.first < 0 {
		return planDocument{}, usagef("plan --shape: want --samples and --prompt of 1 or more, --prefix, --adapters, --first-layer of 0 or more")
	}
	const most = 1 << 20
	if s.samples > most || s.prefix > most || s.prompt > most || s.adapters > 1000 || s.rank > most || o.written > most {
		return planDocument{}, usagef("plan --shape: at most %d samples, tokens and ranks, and 1000 adapters", most)
	}
	known, err := shape.Lookup(s.name)
	if err != nil {
		return planDocument{}, usageError{fmt.Errorf("plan: --shape: %w", err)}
	}
	cfg, err := known.Parse()
	if err != nil {
		return planDocument{}, err
	}
	storage, err := cost.ParseStorage(s.storage)
	if err != nil {
		return planDocument{}, usageError{fmt.Errorf("plan: --storage: %w", err)}
	}
	var hardware cost.Hardware
	if o.hardware == thisMachine {
		hardware = ceilings(o.threads())
		hardware.Efficiency = cost.Uniform(o.efficiency)
		if available, err := env.MemoryAvailable(); err == nil {
			hardware.Memory = float64(available)
		}
	} else if hardware, err = o.machine(); err != nil {
		return planDocument{}, err
	}
	if o.Memory > 0 {
		hardware.Memory = float64(o.Memory)
	}
	load := cost.Load{Model: cost.Of(cfg, storage.Bytes, max(storage.Bytes, 2)), Hardware: hardware, Shared: true}
	for range s.adapters {
		load.Adapters = append(load.Adapters, cost.LowRank(cfg, s.rank, s.first, 2, cost.Attention...))
	}
	load.Work = cost.Generation(s.samples, s.prefix, s.prompt, o.written)
	d := newPlanDocument(fmt.Sprintf("%s in %s", s.name, storage.Name), load)
	d.add("generation", load, "as given", time.Duration(o.Budget))
	return d, nil
}

func (s *settings) threads() int {
	if s.Threads > 0 {
		return s.Threads
	}
	return runtime.NumCPU()
}

// lowRanks are the loaded adapters as they cost.
func lowRanks(e *model.Engine, adapters []adapter) []cost.Adapter {
	var list []cost.Adapter
	for _, a := range adapters {
		if n := e.AdapterValues(a.Name); n != nil {
			list = append(list, cost.Adapter{Values: n, Bytes: 4})
		}
	}
	return list
}

// modelOf is a model as the engine holds it.
func modelOf(e *model.Engine, c *architecture.Config) cost.Model {
	m := cost.Of(c, 1, 1)
	bytes := float64(e.StepBytes()) / float64(m.Streamed())
	return cost.Of(c, bytes, bytes)
}
