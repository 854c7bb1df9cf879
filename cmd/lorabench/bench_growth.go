package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/ailiance/lorabench/env"
	"github.com/ailiance/lorabench/model"
	"github.com/ailiance/lorabench/model/architecture"
	"github.com/ailiance/lorabench/model/benchmark"
	"github.com/ailiance/lorabench/model/shape"
)

// growthDocument is lorabench/growth/1.
type growthDocument struct {
	Schema  string             `json:"schema"`
	Model   benchModel         `json:"model"`
	Machine benchMachine       `json:"machine"`
	Curves  []*benchmark.Curve `json:"curves"`
}

// runGrowth follows how cost grows, and says what was measured also where it was
// interrupted.
func runGrowth(ctx context.Context, stdio env.Stdio, o *benchOptions, plan benchmark.Plan, threads int) error {
	tell := newProgress(stdio, o.progressOptions)
	g := benchmark.DefaultGrowth(o.quick)
	if len(o.adapters) > 0 {
		g.Adapters = o.adapters
	}
	o.cache = func(cfg *architecture.Config) int64 {
		return g.CacheBytes(plan, benchmark.PositionBytes(cfg), cfg.MaxPositionEmbeddings)
	}
	doc := &growthDocument{Schema: "lorabench/growth/1", Curves: []*benchmark.Curve{}}
	err := o.grow(ctx, doc, g, plan, threads, tell)
	stopped := errors.Is(err, context.Canceled)
	if err != nil && !stopped {
		return err
	}
	if !stopped {
		doc.against(threads)
	}
	if o.asJSON {
		err = errors.Join(printJSON(stdio.Out, doc), err)
	} else {
		err = errors.Join(printGrowth(stdio.Out, doc), err)
	}
	if o.svg != "" {
		err = errors.Join(writeGrowth(o.svg, doc), err)
	}
	return err
}

// grow measures all curves: of threads last, since each number of them needs an
// engine of its own.
func (o *benchOptions) grow(ctx context.Context, doc *growthDocument, g benchmark.Growth, plan benchmark.Plan, threads int, tell *progress) error {
	m, err := o.open(ctx, threads)
	if err != nil {
		return err
	}
	whole := newBenchDocument(ctx, o, m, threads)
	doc.Model, doc.Machine = whole.Model, whole.Machine
	doc.Curves, err = o.bench(m.engine, plan, tell).Grow(ctx, g)
	m.engine.Close()
	var curves []*benchmark.Curve
	for _, n := range g.Threads {
		if err != nil || n > threads {
			break
		}
		if m, err = o.open(ctx, n); err == nil {
			curves, err = o.bench(m.engine, plan, tell).GrowThreads(ctx, n, curves)
			m.engine.Close()
		}
	}
	doc.Curves = append(orEmpty(doc.Curves), curves...)
	return err
}

// bench is a Bench of an engine with random adapters.
func (o *benchOptions) bench(e *model.Engine, plan benchmark.Plan, tell *progress) *benchmark.Bench {
	cfg := e.Config()
	b := &benchmark.Bench{
		Engine: e, Plan: plan, Say: tell.say,
		Random: func(seed uint64, first int) (fs.FS, error) {
			if o.lastLayers > 0 {
				first = max(first, cfg.NumHiddenLayers-o.lastLayers)
			}
			return shape.Adapter{Rank: o.rank, Modules: o.modules, First: first, DoRA: o.dora, Seed: seed}.Files(&cfg)
		},
	}
	for _, a := range o.own {
		b.Own = append(b.Own, a.Name)
	}
	return b
}

// against says how near to the ceiling the curves come: those of threads to that
// of so many threads.
func (d *growthDocument) against(threads int) {
	ceilings := map[int]benchmark.Ceiling{threads: benchmark.Probe(threads)}
	whole := ceilings[threads]
	d.Machine.Ceiling = &whole
	for _, c := range d.Curves {
		for _, p := range c.Points {
			n := threads
			if c.Axis == benchmark.ThreadsAxis {
				n = p.X
			}
			if _, ok := ceilings[n]; !ok {
				ceilings[n] = benchmark.Probe(n)
			}
			p.Against(ceilings[n])
		}
	}
}

func printGrowth(w io.Writer, d *growthDocument) error {
	fmt.Fprintf(w, "%s on %s, %s, kernels %s, arithmetic %s\n", oneLine(d.Model.Name), oneLine(d.Machine.CPU), many(d.Machine.Threads, "thread"), d.Machine.Kernel, d.Model.Arithmetic)
	if c := d.Machine.Ceiling; c != nil {
		fmt.Fprintf(w, "at best %.0f GFLOP/s in float32, %.1f GB/s from memory\n", c.GFLOPs, c.GBs)
	}
	fmt.Fprintln(w)
	var rows [][]string
	for _, c := range d.Curves {
		for _, p := range c.Points {
			row := []string{c.Axis, fmt.Sprint(p.X), c.Name, "–", "", c.Unit, "", p.Reason}
			if v := p.Value; v != nil {
				row[3], row[4], row[6] = rateText(v.Median), rateText(v.Min)+"…"+rateText(v.Max), fmt.Sprintf("%.0f %%", 100*p.Shared)
				row[7] = limitText(p.OfCeiling, p.Limit)
			}
			rows = append(rows, row)
		}
	}
	return table(w, []string{"axis", "", "measured", "median", "min…max", "unit", "shared", "of ceiling"}, rows, 1, 3, 4, 6)
}

// writeGrowth writes the curves as SVG.
func writeGrowth(path string, d *growthDocument) (err error) {
	f, err := os.Create(path)
	if err != nil {
		return fmt.Errorf("--svg: %w", err)
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	return drawGrowth(f, d)
}
