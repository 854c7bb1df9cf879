package benchmark

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"time"

	"github.com/ailiance/lorabench/model"
)

// Plan says what is measured, and how often.
type Plan struct {
	Kinds    []string // of work, and Ratios
	Adapters []int    // numbers of adapters beside the base
	Batches  []int    // of prefill and decode
	Rank     int      // of random adapters
	Repeats  int      // of each work, and pairs of each ratio
	Most     time.Duration
	Until    time.Time // no measurement begins after it; zero: no limit

	PrefillTokens int // of all prompts of a variant together
	Context, New  int // of decode: tokens before, and written ones
	Choice        Work
	Generation    Work
}

// Ratios among Plan.Kinds stands for what is compared in turns.
const Ratios = "ratios"

// DefaultPlan measures what issue trackers ask for; quick is for a first look.
func DefaultPlan(quick bool) Plan {
	p := Plan{
		Kinds: []string{Prefill, Decode, Choice, Generation, Ratios}, Adapters: []int{0, 1, 4, 10}, Batches: []int{1, 8, 32},
		Rank: 16, Repeats: 5, Most: 30 * time.Second, PrefillTokens: 512, Context: 64, New: 24,
		Choice:     Work{Kind: Choice, Batch: 16, Prompt: 30, New: 5},
		Generation: Work{Kind: Generation, Batch: 8, Prefix: 730, Prompt: 60, New: 64},
	}
	if quick {
		p.Adapters, p.Batches, p.Repeats, p.Most = []int{0, 10}, []int{1, 8}, 3, 5*time.Second
		p.PrefillTokens, p.New = 128, 12
		p.Choice.Batch = 8
		p.Generation = Work{Kind: Generation, Batch: 4, Prefix: 200, Prompt: 30, New: 16}
	}
	return p
}

// Bench measures an engine.
type Bench struct {
	Engine *model.Engine
	Plan   Plan

	// Own are adapters that are resident already. Where there are none, Random makes
	// one that reaches the blocks from first on.
	Own    []string
	Random func(seed uint64, first int) (fs.FS, error)

	Say func(format string, args ...any) // progress

	First time.Time // when the first score was there

	seed     uint64
	resident []string // random ones
	cost     Cost
}

// Cell is a work and what was measured of it. Numbers per token are per token that
// was asked for, computed or not.
type Cell struct {
	Work     string `json:"work"`
	Adapters int    `json:"adapters"`
	Batch    int    `json:"batch"`
	Prefix   int    `json:"prefix_tokens"`
	Prompt   int    `json:"prompt_tokens"`
	New      int    `json:"new_tokens"`

	TokensPerSecond *Spread `json:"tokens_per_second"` // null where Reason says why
	Seconds         *Spread `json:"seconds"`
	Tokens          int     `json:"tokens"`
	Steps           int     `json:"steps"`
	Shared          float64 `json:"shared"` // share of the tokens that was not computed
	FLOPsPerToken   float64 `json:"flops_per_token"`
	BytesPerToken   float64 `json:"bytes_per_token"`
	GFLOPs          float64 `json:"gflops"`
	GBs             float64 `json:"gbs"`
	OfCeiling       float64 `json:"of_ceiling"` // least possible time over measured time; 0 where no ceiling is known
	Limit           string  `json:"limit"`      // "memory" or "compute"
	Reason          string  `json:"reason"`     // why there is no value

	samples []Sample
}

// Run measures what the plan says. Where ctx ends, what was done comes back with
// its cause.
func (b *Bench) Run(ctx context.Context) (cells []*Cell, ratios []*Ratio, err error) {
	b.cost = CostOf(b.Engine, len(b.Own))
	if _, err := (Work{Kind: Prefill, Variants: []string{""}, Batch: 1, Prompt: 16}).measure(ctx, b.Engine, b.cost, b.next()); err != nil {
		return nil, nil, err
	}
	b.First = time.Now()
	for _, n := range b.counts() {
		if err := b.have(ctx, n, 0); err != nil {
			return cells, nil, err
		}
		for _, w := range b.Plan.works(b.variants(n)) {
			c, err := b.cell(ctx, w)
			cells = append(cells, c)
			if err != nil {
				return cells, nil, err
			}
		}
	}
	if b.Plan.wants(Ratios) {
		ratios, err = b.ratios(ctx)
	}
	return cells, ratios, err
}

// counts are the numbers of adapters: with adapters of one's own, none and all.
func (b *Bench) counts() []int {
	if len(b.Own) > 0 {
		return []int{0, len(b.Own)}
	}
	return b.Plan.Adapters
}

func (p Plan) wants(kind string) bool { return slices.Contains(p.Kinds, kind) }

// works are those of so many variants.
func (p Plan) works(variants []string) []Work {
	var list []Work
	for _, batch := range p.Batches {
		if p.wants(Prefill) {
			list = append(list, Work{Kind: Prefill, Variants: variants, Batch: batch, Prompt: max(p.PrefillTokens/batch, 1)})
		}
	}
	for _, batch := range p.Batches {
		if p.wants(Decode) {
			list = append(list, p.decode(variants, batch))
		}
	}
	for _, w := range []Work{p.Choice, p.Generation} {
		if p.wants(w.Kind) {
			w.Variants = variants
			list = append(list, w)
		}
	}
	return list
}

func (p Plan) decode(variants []string, batch int) Work {
	return Work{Kind: Decode, Variants: variants, Batch: batch, Prompt: p.Context, New: p.New}
}

// CacheBytes is the memory for keys and values in which every work of the plan
// finds room, for a model with that many bytes a position. own is the number of
// adapters of one's own.
func (p Plan) CacheBytes(own int, positionBytes int64) int64 {
	n := own
	if own == 0 {
		n = max(ratioAdapters, slices.Max(p.Adapters))
	}
	most := 0
	for _, w := range p.works(make([]string, n+1)) {
		most = max(most, w.positions())
	}
	return int64(most) * positionBytes
}

// variants are the base and the first n adapters.
func (b *Bench) variants(n int) []string {
	names := b.Own
	if len(names) == 0 {
		names = b.resident
	}
	return append([]string{""}, names[:n]...)
}

func (b *Bench) next() uint64 { b.seed++; return b.seed }

// have makes n random adapters resident that reach the blocks from first on.
func (b *Bench) have(ctx context.Context, n, first int) error {
	if len(b.Own) > 0 {
		return nil
	}
	for len(b.resident) < n {
		name := fmt.Sprintf("random-%d-from-%d", len(b.resident)+1, first)
		dir, err := b.Random(b.next(), first)
		if err != nil {
			return err
		}
		if _, err := b.Engine.LoadAdapter(ctx, name, dir); err != nil {
			return err
		}
		b.resident = append(b.resident, name)
	}
	b.cost = CostOf(b.Engine, len(b.resident))
	return nil
}

// drop lets go of all random adapters.
func (b *Bench) drop() error {
	for _, name := range b.resident {
		if err := b.Engine.UnloadAdapter(name); err != nil {
			return err
		}
	}
	b.resident = nil
	return nil
}

// over reports whether the time is over in which measurements may begin.
func (b *Bench) over() bool { return !b.Plan.Until.IsZero() && time.Now().After(b.Plan.Until) }

// cell measures a work as often as the plan says, and once in any case that there
// is time for.
func (b *Bench) cell(ctx context.Context, w Work) (*Cell, error) {
	c := &Cell{Work: w.Kind, Adapters: len(w.Variants) - 1, Batch: w.Batch, Prefix: w.Prefix, Prompt: w.Prompt, New: w.New}
	defer c.sum()
	begin := time.Now()
	for len(c.samples) < b.Plan.Repeats && (len(c.samples) == 0 || time.Since(begin) < b.Plan.Most) {
		if b.over() {
			c.Reason = "the budget was spent"
			break
		}
		s, err := w.measure(ctx, b.Engine, b.cost, b.next())
		var memory *model.MemoryError
		switch {
		case errors.Is(err, errForgotten), errors.As(err, &memory):
			c.Reason = err.Error()
			return c, nil
		case err != nil:
			c.Reason = "interrupted"
			return c, err
		}
		c.samples = append(c.samples, s)
	}
	c.sum()
	if c.TokensPerSecond != nil {
		b.Say("%s: %.1f tokens/s", w, c.TokensPerSecond.Median)
	}
	return c, nil
}

// WorkText names the work by its numbers of tokens.
func (c *Cell) WorkText() string {
	switch c.Work {
	case Prefill:
		return fmt.Sprintf("prefill %d", c.Prompt)
	case Decode:
		return fmt.Sprintf("decode %d after %d", c.New, c.Prompt)
	case Choice:
		return fmt.Sprintf("choice %d + 4 × %d", c.Prompt, c.New)
	}
	return fmt.Sprintf("generation %d + %d + %d", c.Prefix, c.Prompt, c.New)
}

// VariantsText names the variants by their number.
func (c *Cell) VariantsText() string {
	if c.Adapters == 0 {
		return "base"
	}
	return fmt.Sprintf("base + %d", c.Adapters)
}

// sum makes the numbers of the samples.
func (c *Cell) sum() {
	if len(c.samples) == 0 {
		return
	}
	var rates, seconds, flops, bytes, shared []float64
	for _, s := range c.samples {
		rates = append(rates, float64(s.Tokens)/s.Seconds)
		seconds = append(seconds, s.Seconds)
		flops = append(flops, s.FLOPs)
		bytes = append(bytes, s.Bytes)
		shared = append(shared, s.Shared())
	}
	rate, took := spread(rates), spread(seconds)
	c.TokensPerSecond, c.Seconds, c.Reason = &rate, &took, ""
	c.Shared = spread(shared).Median
	c.Tokens, c.Steps = c.samples[0].Tokens, c.samples[0].Steps
	c.FLOPsPerToken, c.BytesPerToken = spread(flops).Median/float64(c.Tokens), spread(bytes).Median/float64(c.Tokens)
	c.GFLOPs, c.GBs = c.FLOPsPerToken*rate.Median/1e9, c.BytesPerToken*rate.Median/1e9
}

// Against says how much of the ceiling each cell reaches.
func (c *Cell) Against(ceiling Ceiling) {
	if c.TokensPerSecond == nil {
		return
	}
	least, limit := ceiling.floor(c.FLOPsPerToken, c.BytesPerToken)
	c.OfCeiling, c.Limit = least*c.TokensPerSecond.Median, limit
}
