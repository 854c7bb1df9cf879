package benchmark

import (
	"context"
	"errors"

	"github.com/ailiance/lorabench/model"
)

// Growth says how far cost is followed.
type Growth struct {
	Samples  []int // of multiple choice
	Adapters []int // beside the base
	Contexts []int // tokens
	Threads  []int
}

// DefaultGrowth is as far as evaluations mostly go; quick is for a first look.
func DefaultGrowth(quick bool) Growth {
	g := Growth{
		Samples: []int{100, 300, 1000, 3000, 10000}, Adapters: []int{1, 2, 4, 8, 16, 32},
		Contexts: []int{128, 256, 512, 1024, 2048, 4096, 8064}, Threads: []int{1, 2},
	}
	if quick {
		g.Samples, g.Adapters, g.Contexts = []int{10, 30, 100}, []int{1, 4, 8}, []int{128, 256, 512}
	}
	return g
}

// Curve is how one number grows along an axis.
type Curve struct {
	Axis   string   `json:"axis"` // "samples", "adapters", "context", "threads"
	Name   string   `json:"name"` // what is measured
	Unit   string   `json:"unit"`
	Points []*Point `json:"points"`
}

// Point is one measurement of a curve.
type Point struct {
	X         int     `json:"x"`
	Value     *Spread `json:"value"` // null where Reason says why
	Shared    float64 `json:"shared"`
	OfCeiling float64 `json:"of_ceiling"`
	Limit     string  `json:"limit"` // of the machine: "memory" or "compute"
	Reason    string  `json:"reason"`

	flops, bytes, seconds float64
}

// Against says how much of the ceiling the point reaches.
func (p *Point) Against(c Ceiling) {
	if p.Value != nil {
		least, limit := c.floor(p.flops, p.bytes)
		p.OfCeiling, p.Limit = least/p.seconds, limit
	}
}

// Axes of growth.
const (
	SamplesAxis  = "samples"
	AdaptersAxis = "adapters"
	ContextAxis  = "context"
	ThreadsAxis  = "threads"
)

// The curves, in the order in which they are measured.
const (
	choiceTime    = "choice"
	prefillRate   = "prefill"
	decodeRate    = "decode"
	batchedDecode = "decode, batch 8"
	decodeStep    = "decode, a sequence each" // time of a step
)

// Grow follows samples, adapters and context. Where ctx ends, what was done comes
// back with its cause.
func (b *Bench) Grow(ctx context.Context, g Growth) ([]*Curve, error) {
	var curves []*Curve
	curve := func(axis, name, unit string) *Curve {
		c := &Curve{Axis: axis, Name: name, Unit: unit}
		curves = append(curves, c)
		return c
	}
	base := []string{""}
	b.cost = CostOf(b.Engine, 0)
	samples := curve(SamplesAxis, choiceTime, "seconds")
	for _, n := range g.Samples {
		w := b.Plan.Choice
		w.Batch, w.Variants = n, base
		if err := b.point(ctx, samples, n, w, nil, seconds); err != nil {
			return curves, err
		}
	}
	prefill, decode := curve(ContextAxis, prefillRate, "tokens per second"), curve(ContextAxis, decodeRate, "tokens per second")
	for _, n := range g.Contexts {
		if err := b.point(ctx, prefill, n, Work{Kind: Prefill, Variants: base, Batch: 1, Prompt: n}, nil, rate); err != nil {
			return curves, err
		}
		if err := b.point(ctx, decode, n, Work{Kind: Decode, Variants: base, Batch: 1, Prompt: n, New: b.Plan.New}, nil, rate); err != nil {
			return curves, err
		}
	}
	bound, written := curve(AdaptersAxis, choiceTime, "times the base alone"), curve(AdaptersAxis, decodeStep, "times the base alone")
	for _, n := range g.Adapters {
		if err := b.have(ctx, n, 0); err != nil {
			return curves, err
		}
		left, right := b.Plan.Choice, b.Plan.Choice
		left.Variants, right.Variants = b.variants(n), base
		if err := b.point(ctx, bound, n, left, &right, seconds); err != nil {
			return curves, err
		}
		right = b.Plan.decode(base, 1)
		if err := b.point(ctx, written, n, b.Plan.decode(b.variants(n), 1), &right, step); err != nil {
			return curves, err
		}
	}
	return curves, nil
}

// GrowThreads adds to the curves of threads what this engine does with so many of
// them; curves is nil for the first.
func (b *Bench) GrowThreads(ctx context.Context, threads int, curves []*Curve) ([]*Curve, error) {
	base := []string{""}
	b.cost = CostOf(b.Engine, 0)
	if curves == nil {
		for _, name := range []string{prefillRate, decodeRate, batchedDecode} {
			curves = append(curves, &Curve{Axis: ThreadsAxis, Name: name, Unit: "tokens per second"})
		}
	}
	for i, w := range []Work{
		{Kind: Prefill, Variants: base, Batch: 1, Prompt: b.Plan.PrefillTokens}, b.Plan.decode(base, 1), b.Plan.decode(base, 8),
	} {
		if err := b.point(ctx, curves[i], threads, w, nil, rate); err != nil {
			return curves, err
		}
	}
	return curves, nil
}

// point measures a work, over another where there is one, in turns.
func (b *Bench) point(ctx context.Context, c *Curve, x int, w Work, over *Work, of func(Sample) float64) error {
	p := &Point{X: x}
	c.Points = append(c.Points, p)
	if most := b.Engine.MaxLength(); w.Prefix+w.Prompt+w.New > most {
		p.Reason = "beyond the model's positions"
		return nil
	}
	var values, flops, bytes, took, shared []float64
	spent := 0.0
	for len(values) < b.Plan.Repeats && (len(values) == 0 || spent < b.Plan.Most.Seconds()) {
		if b.over() {
			p.Reason = "the budget was spent"
			break
		}
		s, err := w.measure(ctx, b.Engine, b.cost, b.next())
		divide := 1.0
		if err == nil && over != nil {
			var other Sample
			if other, err = over.measure(ctx, b.Engine, b.cost, b.next()); err == nil {
				divide = of(other)
			}
		}
		var memory *model.MemoryError
		if errors.Is(err, errForgotten) || errors.As(err, &memory) {
			p.Reason = err.Error()
			return nil
		}
		if err != nil {
			p.Reason = "interrupted"
			return err
		}
		spent += s.Seconds
		values, took, shared = append(values, of(s)/divide), append(took, s.Seconds), append(shared, s.Shared())
		flops, bytes = append(flops, s.FLOPs), append(bytes, s.Bytes)
	}
	if len(values) == 0 {
		return nil
	}
	v := spread(values)
	p.Value, p.Reason, p.Shared = &v, "", spread(shared).Median
	p.flops, p.bytes, p.seconds = spread(flops).Median, spread(bytes).Median, spread(took).Median
	b.Say("%s, %s %d: %s %s", c.Name, c.Axis, x, v, c.Unit)
	return nil
}

// CacheBytes is the memory for keys and values that all points need, for a model
// with that many bytes a position and so many positions.
func (g Growth) CacheBytes(p Plan, positionBytes int64, positions int) int64 {
	most := Work{Kind: Decode, Variants: make([]string, 9), Batch: 1, Prompt: p.Context, New: p.New}.positions()
	for _, n := range g.Adapters {
		most = max(most, p.decode(make([]string, n+1), 1).positions())
	}
	for _, n := range g.Contexts {
		if n+p.New <= positions {
			most = max(most, p.New+Work{Kind: Decode, Variants: make([]string, 1), Batch: 1, Prompt: n, New: p.New}.positions())
		}
	}
	return int64(most) * positionBytes
}
