package main

import (
	"context"
	"errors"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/ailiance/lorabench/env"
	"github.com/ailiance/lorabench/model"
	"github.com/ailiance/lorabench/model/architecture"
	"github.com/ailiance/lorabench/model/benchmark"
	"github.com/ailiance/lorabench/model/shape"
)

type benchOptions struct {
	from           files
	model          string // "" where there is a shape
	shape, storage string
	arithmetic     string
	own            []adapter
	only           []string
	adapters       []int
	batches        []int
	prompt         int
	rank           int
	modules        []string
	lastLayers     int
	dora           bool
	threads        int
	memory         byteSize
	repeats        int
	budget         duration
	quick, asJSON  bool
	growth         bool
	svg            string
	cache          func(*architecture.Config) int64 // bytes of keys and values that the work needs
	progressOptions
	changed func(flag string) bool
}

func newBench(stdio env.Stdio) *cobra.Command {
	o := benchOptions{from: filesFor(stdio)}
	cmd := &cobra.Command{Use: "bench (MODEL | --shape SHAPE)", Short: "how fast this machine measures, and how near to what it could", Args: cobra.MaximumNArgs(1),
		Long: `bench measures prefill and decode at several batch sizes, multiple choice and generation
with examples from end to end, of the base alone and with adapters beside it, and what adapters
cost against the base, in turns. What it reaches stands beside what this machine does at best, as
measured in the same run: multiplications and additions in registers, and bytes from memory.

SHAPE is a model of random weights, made in memory: ` + strings.Join(shape.Names(), ", ") + `.`,
		Example: `  lorabench bench --shape smollm2-135m --storage bf16 --quick
  lorabench bench MODEL --adapter math=DIR --only choice,generation
  lorabench bench --shape tinyllama-1.1b --storage q8 --only decode --adapters 0,10 --json`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				o.model = args[0]
			}
			o.changed = cmd.Flags().Changed
			return runBench(cmd.Context(), stdio, o)
		}}
	f := cmd.Flags()
	f.StringVar(&o.shape, "shape", "", "instead of MODEL: random weights of this shape")
	arithmeticFlag(f, &o.arithmetic)
	f.StringVar(&o.storage, "storage", "bf16", "of the shape's weights: "+strings.Join(shape.Storages(), ", "))
	f.Var((*adapterList)(&o.own), "adapter", "ADAPTER of MODEL, instead of random ones; repeat for more")
	f.StringSliceVar(&o.only, "only", nil, "of prefill, decode, choice, generation, ratios; without it all")
	f.IntSliceVar(&o.adapters, "adapters", nil, "numbers of random adapters beside the base (0,1,4,10)")
	f.IntSliceVar(&o.batches, "batch", nil, "sequences of each variant in prefill and decode (1,8,32)")
	f.IntVar(&o.prompt, "prompt", 0, "tokens of all prompts of a variant in prefill (512)")
	f.IntVar(&o.rank, "rank", 16, "of random adapters")
	f.StringSliceVar(&o.modules, "modules", []string{"q_proj", "k_proj", "v_proj", "o_proj"}, "that random adapters reach")
	f.IntVar(&o.lastLayers, "last-layers", 0, "random adapters reach only the last N blocks; 0: all")
	f.BoolVar(&o.dora, "dora", false, "random adapters are DoRA's")
	f.IntVar(&o.threads, "threads", 0, "0: one for each processor")
	f.Var(&o.memory, "memory", "for weights, keys and values: 8GiB; 0: what they need")
	f.IntVar(&o.repeats, "repeats", 0, "measurements of each work, and pairs of each ratio (5)")
	f.Var(&o.budget, "budget", "no measurement begins after this time: 5m")
	f.BoolVar(&o.quick, "quick", false, "less of all: a first look in a minute or two")
	f.BoolVar(&o.growth, "growth", false, "how cost grows instead: samples, adapters, context, threads")
	f.StringVar(&o.svg, "svg", "", "with --growth: draw the curves into this file")
	f.BoolVar(&o.asJSON, "json", false, "one JSON document")
	o.progressFlags(f)
	o.from.flag(f)
	return cmd
}

// plan is what the flags say is measured.
func (o *benchOptions) plan(begin time.Time) benchmark.Plan {
	p := benchmark.DefaultPlan(o.quick)
	if len(o.only) > 0 {
		p.Kinds = o.only
	}
	if len(o.adapters) > 0 {
		p.Adapters = o.adapters
	}
	if len(o.batches) > 0 {
		p.Batches = o.batches
	}
	if o.prompt > 0 {
		p.PrefillTokens = o.prompt
	}
	if o.repeats > 0 {
		p.Repeats, p.Most = o.repeats, 24*time.Hour
	}
	if o.budget > 0 {
		p.Until = begin.Add(time.Duration(o.budget))
	}
	return p
}

func (o *benchOptions) validate() error {
	switch {
	case (o.model == "") == (o.shape == ""):
		return usagef("bench: want MODEL or --shape SHAPE: lorabench bench --shape smollm2-135m")
	case o.shape == "" && o.changed("storage"):
		return usagef("bench: --storage goes with --shape: MODEL is stored as it is")
	case o.shape != "" && len(o.own) > 0:
		return usagef("bench: --adapter goes with MODEL: a shape has random ones, --adapters says how many")
	case len(o.own) > 0 && slices.ContainsFunc([]string{"adapters", "rank", "modules", "last-layers", "dora"}, o.changed):
		return usagef("bench: --adapters, --rank, --modules, --last-layers, --dora are of random adapters, which --adapter takes the place of")
	case o.svg != "" && !o.growth:
		return usagef("bench: --svg goes with --growth")
	case o.growth && slices.ContainsFunc([]string{"only", "batch", "adapter"}, o.changed):
		return usagef("bench: --only, --batch and --adapter do not go with --growth")
	case o.threads < 0 || o.rank < 1 || o.lastLayers < 0 || o.repeats < 0 || o.prompt < 0 || o.budget < 0:
		return usagef("bench: --rank: want 1 or more; --threads, --last-layers, --repeats, --prompt, --budget: 0 or more")
	}
	kinds := benchmark.DefaultPlan(false).Kinds
	for _, k := range o.only {
		if !slices.Contains(kinds, k) {
			return usagef("bench: --only %q: want some of %s", k, strings.Join(kinds, ", "))
		}
	}
	for _, n := range o.adapters {
		if n < 0 || n > 256 {
			return usagef("bench: --adapters %d: want 0 to 256", n)
		}
	}
	for _, n := range o.batches {
		if n < 1 || n > 256 {
			return usagef("bench: --batch %d: want 1 to 256", n)
		}
	}
	return nil
}

// benchmarked is an open model that is measured.
type benchmarked struct {
	engine *model.Engine
	name   string
	load   time.Duration
}

// open opens the model or makes the shape, with room for what is held at a time.
func (o *benchOptions) open(ctx context.Context, threads int) (*benchmarked, error) {
	begin := time.Now()
	opt := model.Options{Threads: threads, MemoryBytes: int64(o.memory), TextOptional: true, Arithmetic: model.Arithmetic(o.arithmetic)}
	m := &benchmarked{name: o.model}
	var err error
	if o.shape != "" {
		m.name = o.shape + " " + o.storage
		m.engine, err = o.openShape(ctx, opt)
	} else {
		m.engine, err = o.openModel(ctx, opt)
	}
	m.load = time.Since(begin)
	return m, err
}

func (o *benchOptions) openShape(ctx context.Context, opt model.Options) (*model.Engine, error) {
	s, err := shape.Lookup(o.shape)
	if err != nil {
		return nil, usagef("--shape: %w", err)
	}
	storage, err := shape.LookupStorage(o.storage)
	if err != nil {
		return nil, usagef("--storage: %w", err)
	}
	source, err := shape.New(s, storage, 1)
	if err != nil {
		return nil, usagef("--storage: %w", err)
	}
	cfg, err := s.Parse()
	if err != nil {
		return nil, err
	}
	o.room(&opt, cfg)
	return model.OpenSource(ctx, source.Config(), source, source.Hash(), opt)
}

func (o *benchOptions) openModel(ctx context.Context, opt model.Options) (*model.Engine, error) {
	dir, name, done, err := o.from.checkpoint(ctx, o.model)
	if err != nil {
		return nil, err
	}
	defer done()
	cfg, err := model.ReadConfig(dir, name)
	if err != nil {
		return nil, err
	}
	o.room(&opt, cfg)
	e, err := model.OpenFS(ctx, dir, name, opt)
	if err != nil {
		return nil, err
	}
	for _, a := range o.own {
		if _, err := o.from.loadAdapter(ctx, e, o.model, a); err != nil {
			e.Close()
			return nil, err
		}
	}
	return e, nil
}

// room gives keys and values as much memory as the work needs, where nothing is said.
func (o *benchOptions) room(opt *model.Options, cfg *architecture.Config) {
	if o.memory == 0 {
		opt.CacheBytes = max(model.DefaultCacheBytes, o.cache(cfg))
	}
}

// runBench measures, and says what it measured also where it was interrupted.
func runBench(ctx context.Context, stdio env.Stdio, o benchOptions) error {
	begin := time.Now()
	if err := o.validate(); err != nil {
		return err
	}
	threads := o.threads
	if threads == 0 {
		threads = runtime.NumCPU()
	}
	plan := o.plan(begin)
	if o.growth {
		return runGrowth(ctx, stdio, &o, plan, threads)
	}
	o.cache = func(cfg *architecture.Config) int64 {
		return plan.CacheBytes(len(o.own), benchmark.PositionBytes(cfg))
	}
	m, err := o.open(ctx, threads)
	if err != nil {
		return err
	}
	defer m.engine.Close()
	tell := newProgress(stdio, o.progressOptions)
	tell.say("%s: open in %v", m.name, m.load.Round(time.Millisecond))
	b := o.bench(m.engine, plan, tell)
	doc := newBenchDocument(ctx, &o, m, threads)
	doc.Cells, doc.Ratios, err = b.Run(ctx)
	stopped := errors.Is(err, context.Canceled)
	if err != nil && !stopped {
		return err
	}
	doc.take(m, b.First.Sub(begin))
	if !stopped {
		doc.against(benchmark.Probe(threads))
	}
	if o.asJSON {
		err = errors.Join(printJSON(stdio.Out, doc), err)
	} else {
		err = errors.Join(printBench(stdio.Out, doc), err)
	}
	return err
}
