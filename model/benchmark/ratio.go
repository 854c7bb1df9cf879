package benchmark

import (
	"context"
	"errors"
	"fmt"
)

// Ratio compares two works that were measured in turns.
type Ratio struct {
	Name   string  `json:"name"`
	Of     string  `json:"of"`     // what is divided: "tokens per second", …
	Aim    string  `json:"aim"`    // what the project wants it to be
	Value  *Spread `json:"value"`  // of the pairs; null where Reason says why
	Left   float64 `json:"left"`   // median of the work above
	Right  float64 `json:"right"`  // median of the work below, once
	Shared float64 `json:"shared"` // share of the tokens of the work above that was not computed
	Reason string  `json:"reason"` // why there is no value
}

// compare measures two works in turns: left over so many times right.
func (b *Bench) compare(ctx context.Context, r *Ratio, left, right Work, times float64, of func(Sample) float64) error {
	var values, lefts, rights, shared []float64
	for len(values) < b.Plan.Repeats {
		if b.over() {
			r.Reason = "the budget was spent"
			break
		}
		x, err := left.measure(ctx, b.Engine, b.cost, b.next())
		if err != nil {
			return b.without(r, err)
		}
		y, err := right.measure(ctx, b.Engine, b.cost, b.next())
		if err != nil {
			return b.without(r, err)
		}
		values = append(values, of(x)/(times*of(y)))
		lefts, rights, shared = append(lefts, of(x)), append(rights, of(y)), append(shared, x.Shared())
	}
	if len(values) == 0 {
		return nil
	}
	s := spread(values)
	r.Value, r.Reason = &s, ""
	r.Left, r.Right, r.Shared = spread(lefts).Median, spread(rights).Median, spread(shared).Median
	b.Say("%s: %s", r.Name, s)
	return nil
}

// without says why a ratio has no value, and returns the error that ends it all.
func (b *Bench) without(r *Ratio, err error) error {
	r.Reason = err.Error()
	if errors.Is(err, errForgotten) {
		return nil
	}
	return err
}

func rate(s Sample) float64    { return float64(s.Tokens) / s.Seconds }
func seconds(s Sample) float64 { return s.Seconds }
func step(s Sample) float64    { return s.Seconds / float64(s.Steps) }

// ratioAdapters is how many random adapters ratios are of.
const ratioAdapters = 10

// ratios are those between the adapters and the base.
func (b *Bench) ratios(ctx context.Context) ([]*Ratio, error) {
	var list []*Ratio
	add := func(name, of, aim string) *Ratio {
		r := &Ratio{Name: name, Of: of, Aim: aim}
		list = append(list, r)
		return r
	}
	base := []string{""}
	n := ratioAdapters
	if len(b.Own) > 0 {
		n = len(b.Own)
	}
	if err := b.have(ctx, n, 0); err != nil {
		return list, err
	}
	each := b.variants(min(n, 8))[1:]
	r := add(fmt.Sprintf("decode, batch %d: each sequence another adapter, over the base", len(each)), "tokens per second", "≥ 0.9")
	if err := b.compare(ctx, r, b.Plan.decode(each, 1), b.Plan.decode(base, len(each)), 1, rate); err != nil {
		return list, err
	}
	r = add(fmt.Sprintf("decode: base + %d with a sequence each, over the base alone", n), "seconds per step", "≤ 1.5 where memory is the limit")
	if err := b.compare(ctx, r, b.Plan.decode(b.variants(n), 1), b.Plan.decode(base, 1), 1, step); err != nil {
		return list, err
	}
	layers := b.cost.Layers
	depths := []struct {
		name, aim string
		first     int
	}{{"all blocks", "≤ 1.1", 0}, {"the last half", "≤ 0.65", layers - layers/2}, {"the last 8 blocks", "≤ 0.4 of 30", max(layers-8, 0)}}
	if len(b.Own) > 0 {
		depths = depths[:1]
		depths[0].name = "their own blocks"
	}
	for i, d := range depths {
		if i > 0 && (d.first == 0 || i > 1 && d.first <= depths[i-1].first) {
			continue // a model of few blocks
		}
		r = add(fmt.Sprintf("multiple choice: base + %d on %s, over %d × the base alone", n, d.name, n+1), "seconds", d.aim)
		if b.over() {
			r.Reason = "the budget was spent"
			continue
		}
		if d.first > 0 {
			if err := b.drop(); err != nil {
				return list, err
			}
		}
		if err := b.have(ctx, n, d.first); err != nil {
			return list, err
		}
		left, right := b.Plan.Choice, b.Plan.Choice
		left.Variants, right.Variants = b.variants(n), base
		if err := b.compare(ctx, r, left, right, float64(n+1), seconds); err != nil {
			return list, err
		}
	}
	return list, nil
}
