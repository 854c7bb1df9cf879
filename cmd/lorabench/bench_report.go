package main

import (
	"context"
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/ailiance/lorabench/env"
	"github.com/ailiance/lorabench/model"
	"github.com/ailiance/lorabench/model/benchmark"
)

// benchDocument is lorabench/bench/1.
type benchDocument struct {
	Schema  string             `json:"schema"`
	Model   benchModel         `json:"model"`
	Machine benchMachine       `json:"machine"`
	Memory  benchMemory        `json:"memory"`
	Cells   []*benchmark.Cell  `json:"cells"`
	Ratios  []*benchmark.Ratio `json:"ratios"`
}

type benchModel struct {
	Name        string   `json:"name"`    // MODEL, or shape and storage
	SHA256      string   `json:"sha256"`  // of the weights
	Weights     int64    `json:"weights"` // bytes that a pass over them reads
	Adapters    []string `json:"adapters"`
	Rank        int      `json:"rank"` // of random adapters; 0: there are none
	Modules     []string `json:"modules"`
	LastLayers  int      `json:"last_layers"` // 0: all
	Arithmetic  string   `json:"arithmetic"`
	Engine      string   `json:"engine"`
	LoadSeconds float64  `json:"load_seconds"`
	FirstScore  float64  `json:"first_score_seconds"` // from the start of the command
}

type benchMachine struct {
	CPU     string             `json:"cpu"`
	Threads int                `json:"threads"`
	Kernel  string             `json:"kernel"`  // which instructions
	Ceiling *benchmark.Ceiling `json:"ceiling"` // null where it was not measured
}

// benchMemory is in bytes.
type benchMemory struct {
	Weights  int64   `json:"weights"`
	Adapters int64   `json:"adapters"`
	Cache    int64   `json:"cache"`     // keys and values that were held at last
	CacheMax int64   `json:"cache_max"` // that may be held
	Peak     *uint64 `json:"peak"`      // of the process; null where unknown
}

func newBenchDocument(ctx context.Context, o *benchOptions, m *benchmarked, threads int) *benchDocument {
	d := &benchDocument{Schema: "lorabench/bench/1", Cells: []*benchmark.Cell{}, Ratios: []*benchmark.Ratio{}}
	d.Model = benchModel{
		Name: m.name, SHA256: m.engine.Hash(), Weights: m.engine.StepBytes(), Adapters: []string{}, Modules: []string{},
		Arithmetic: m.engine.Arithmetic(), Engine: model.Identity(), LoadSeconds: m.load.Seconds(),
	}
	for _, a := range o.own {
		d.Model.Adapters = append(d.Model.Adapters, a.Name)
	}
	if len(o.own) == 0 {
		d.Model.Rank, d.Model.Modules, d.Model.LastLayers = o.rank, o.modules, o.lastLayers
	}
	d.Machine = benchMachine{CPU: env.Collect(ctx, env.Options{Tools: []env.ToolQuery{}}).CPU.Model, Threads: threads, Kernel: model.KernelPath()}
	return d
}

// take fills in what is known at the end.
func (d *benchDocument) take(m *benchmarked, first time.Duration) {
	use := m.engine.Memory()
	d.Model.FirstScore = first.Seconds()
	d.Memory = benchMemory{Weights: use.Weights, Adapters: use.Adapters, Cache: use.Cache, CacheMax: use.CacheMax}
	if peak, err := env.PeakMemory(); err == nil {
		d.Memory.Peak = &peak
	}
	d.Cells, d.Ratios = orEmpty(d.Cells), orEmpty(d.Ratios)
}

// against says how near to the ceiling the work comes.
func (d *benchDocument) against(c benchmark.Ceiling) {
	d.Machine.Ceiling = &c
	for _, cell := range d.Cells {
		cell.Against(c)
	}
}

func printBench(w io.Writer, d *benchDocument) error {
	fmt.Fprintf(w, "%s on %s, %s, kernels %s, arithmetic %s\n", oneLine(d.Model.Name), oneLine(d.Machine.CPU), many(d.Machine.Threads, "thread"), d.Machine.Kernel, d.Model.Arithmetic)
	if c := d.Machine.Ceiling; c != nil {
		fmt.Fprintf(w, "at best %.0f GFLOP/s in float32, %.1f GB/s from memory\n", c.GFLOPs, c.GBs)
	}
	fmt.Fprintf(w, "first score after %.2f s; %s of weights, %s of adapters, %s of keys and values", d.Model.FirstScore, sizeText(d.Memory.Weights), sizeText(d.Memory.Adapters), sizeText(d.Memory.Cache))
	if p := d.Memory.Peak; p != nil {
		fmt.Fprintf(w, "; %s at most in memory", sizeText(int64(*p)))
	}
	fmt.Fprint(w, "\n\n")
	if len(d.Cells) > 0 {
		var rows [][]string
		for _, c := range d.Cells {
			rows = append(rows, cellRow(c))
		}
		header := []string{"work", "variants", "batch", "tokens/s", "min…max", "shared", "GFLOP/s", "GB/s", "of ceiling"}
		if err := table(w, header, rows, 2, 3, 4, 5, 6, 7, 8); err != nil {
			return err
		}
	}
	return printRatios(w, d.Ratios)
}

// cellRow is a cell for people.
func cellRow(c *benchmark.Cell) []string {
	row := []string{c.WorkText(), c.VariantsText(), strconv.Itoa(c.Batch)}
	if c.TokensPerSecond == nil {
		return append(row, "–", "", "", "", "", c.Reason)
	}
	s := c.TokensPerSecond
	return append(row, rateText(s.Median), rateText(s.Min)+"…"+rateText(s.Max), fmt.Sprintf("%.0f %%", 100*c.Shared),
		fmt.Sprintf("%.1f", c.GFLOPs), fmt.Sprintf("%.1f", c.GBs), limitText(c.OfCeiling, c.Limit))
}

// limitText is the share of what the machine could do.
func limitText(of float64, limit string) string {
	if limit == "" {
		return ""
	}
	return fmt.Sprintf("%.0f %% of %s", 100*of, limit)
}

// rateText has three digits that count.
func rateText(x float64) string {
	switch {
	case x >= 100:
		return fmt.Sprintf("%.0f", x)
	case x >= 10:
		return fmt.Sprintf("%.1f", x)
	}
	return fmt.Sprintf("%.2f", x)
}

func printRatios(w io.Writer, ratios []*benchmark.Ratio) error {
	if len(ratios) == 0 {
		return nil
	}
	fmt.Fprintln(w)
	var rows [][]string
	for _, r := range ratios {
		if r.Value == nil {
			rows = append(rows, []string{r.Name, "–", "", r.Aim, "", r.Reason})
			continue
		}
		rows = append(rows, []string{
			r.Name, fmt.Sprintf("%.3f", r.Value.Median), fmt.Sprintf("%.3f…%.3f", r.Value.Min, r.Value.Max), r.Aim,
			fmt.Sprintf("%.0f %%", 100*r.Shared), r.Of + ", " + many(r.Value.N, "pair"),
		})
	}
	return table(w, []string{"in turns", "ratio", "min…max", "aim", "shared", "of"}, rows, 1, 2, 4)
}
