package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"time"

	"github.com/ailiance/lorabench/model"
	"github.com/ailiance/lorabench/model/benchmark"
	"github.com/ailiance/lorabench/model/cost"
	"github.com/ailiance/lorabench/runners"
)

// ceilings measures what this machine does at most with so many threads.
func ceilings(threads int) cost.Hardware {
	c := benchmark.Probe(min(threads, runtime.NumCPU()))
	return cost.Hardware{
		Name: thisMachine, FLOPs: 1e9 * c.GFLOPs, Bandwidth: 1e9 * c.GBs,
		KeyValueBytes: 4, Sequences: runners.MostRequests, StepRows: model.StepRows, Efficiency: cost.Ideal,
	}
}

// prober measures which part of the ceilings an engine reaches.
type prober struct {
	engine *model.Engine
	load   cost.Load // with the adapters of names; its work is the prober's own
	names  []string  // variants, "" for the base
	random *rand.Rand
}

const (
	probePrompt  = 2*model.StepRows + 1
	probeContext = 64
	probeOwn     = 4 // of them, not common to all
	probeRepeats = 3
	probeLongest = 10 * time.Second // no further probe begins later
)

// probe measures an efficiency.
func (p *prober) probe(ctx context.Context) (cost.Efficiency, error) {
	e := cost.Ideal
	e.Decode = nil
	began := time.Now()
	base := p.load
	base.Adapters = nil
	var err error
	set := func(to *float64, part float64, fault error) {
		if *to, err = part, fault; fault == nil && part <= 0 {
			err = fmt.Errorf("a probe took no time")
		}
	}
	if part, fault := p.prefill(ctx, base, p.names[:1], 1, e); true {
		set(&e.Prefill, part, fault)
	}
	if err == nil {
		part, fault := p.prefill(ctx, base, p.names[:1], probePrompt-1, e)
		set(&e.Head, part, fault)
	}
	if n := float64(len(p.names) - 1); err == nil && n > 0 {
		// Time with adapters over the time that base rows would take.
		part, fault := p.prefill(ctx, p.load, p.names, 1, e)
		set(&part, part, fault)
		e.Adapter = max(1, ((n+1)/part-1)/n)
	}
	for _, rows := range []int{1, 4, 8, 32, 96} {
		if err != nil || len(e.Decode) > 0 && (rows > p.load.Hardware.Sequences || time.Since(began) > probeLongest) {
			break
		}
		var reached cost.Reached
		if reached, err = p.decode(ctx, rows); err == nil {
			e.Decode = append(e.Decode, reached)
		}
	}
	return e, err
}

// prefill returns the time that load should take, at what is reached of it as far
// as known, over the time that it takes: a prompt in each of these variants, of
// which the last scored tokens are scored. The first time warms up.
func (p *prober) prefill(ctx context.Context, load cost.Load, names []string, scored int, known cost.Efficiency) (float64, error) {
	var took []float64
	var want float64
	for range 1 + probeRepeats {
		var tally cost.Tally
		tokens := p.tokens(probePrompt)
		tally.Score(tokens, scored)
		load.Work, load.Hardware.Efficiency = tally.Work(), known
		load.Hardware.Efficiency.Decode = cost.Ideal.Decode
		estimate := load.Estimate()
		if scored > 1 { // the blocks' part is known: what is left is the head's
			rest := load
			rest.Work.Scored = 0
			blocks := rest.Estimate()
			want = estimate.Prefill.Ideal - blocks.Prefill.Ideal
			estimate.Prefill.Time = blocks.Prefill.Time
		}
		began := time.Now()
		for i, name := range names {
			if err := p.engine.Submit(model.Job{ID: i, Adapter: name, Tokens: tokens, Scored: scored}); err != nil {
				return 0, err
			}
		}
		for p.engine.Pending() > 0 {
			if _, err := p.engine.Step(ctx); err != nil {
				return 0, err
			}
		}
		seconds := time.Since(began).Seconds()
		if scored > 1 {
			seconds = max(seconds-estimate.Prefill.Time, seconds/100)
		} else {
			want = estimate.Prefill.Time
		}
		took = append(took, seconds)
	}
	return want / median(took[1:]), nil
}

// decode measures steps that write a token for each of rows sequences, of all
// variants in turn. Their prompts differ at the end: the engine writes equal texts
// once.
func (p *prober) decode(ctx context.Context, rows int) (cost.Reached, error) {
	common := p.tokens(probeContext - probeOwn)
	for i := range rows {
		prompt := slices.Concat(common, p.tokens(probeOwn))
		job := model.Job{ID: i, Adapter: p.names[i%len(p.names)], Tokens: prompt, MaxNewTokens: probeContext, IgnoreEOS: true}
		if err := p.engine.Submit(job); err != nil {
			return cost.Reached{}, err
		}
	}
	defer func() {
		for i := range rows {
			p.engine.Cancel(i)
		}
	}()
	const begin, steps = 4, 9 // the first ones compute prompts
	var took []float64
	for i := range begin + steps {
		began := time.Now()
		if _, err := p.engine.Step(ctx); err != nil {
			return cost.Reached{}, err
		}
		seconds := time.Since(began).Seconds()
		if i >= begin {
			took = append(took, seconds)
		}
	}
	load := p.load
	load.Hardware.Efficiency = cost.Ideal
	_, _, ideal, _, _ := load.Step(float64(rows), probeContext+begin, 0)
	return cost.Reached{Rows: rows, Part: ideal / median(took)}, nil
}

// tokens are random and new, so that no cache has them.
func (p *prober) tokens(n int) []int32 {
	tokens := make([]int32, n)
	for i := range tokens {
		tokens[i] = int32(p.random.IntN(p.engine.Config().VocabSize))
	}
	return tokens
}

func median(x []float64) float64 {
	slices.Sort(x)
	return x[len(x)/2]
}

// allowed is the memory for weights, adapters, keys and values.
func allowed(e *model.Engine) float64 {
	use := e.Memory()
	return float64(use.Weights + use.Adapters + use.CacheMax)
}
