package scorers

import (
	"context"
	"runtime"
	"sync"

	"github.com/ailiance/lorabench"
)

// Floors returns, by metric, the best that one of the task's null outputs
// reaches on its samples, and which that is: the first of equals. A metric that
// no null output has a value of (no simulator, say) has no floor.
//
// The error is the cause that ctx ended with.
func Floors(ctx context.Context, task *lorabench.Task, scorer Scorer) (map[string]lorabench.Floor, error) {
	floors := map[string]lorabench.Floor{}
	for _, null := range task.Nulls {
		scores := scoreNull(ctx, task, scorer, null)
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		for _, m := range task.Metrics {
			value, _, ok := Aggregate(m, scores)
			if !ok {
				continue
			}
			best, seen := floors[m.Name]
			if !seen || m.Better == lorabench.Higher && value > best.Value || m.Better == lorabench.Lower && value < best.Value {
				floors[m.Name] = lorabench.Floor{Value: value, Output: null.Name}
			}
		}
	}
	return floors, nil
}

// scoreNull scores one null output on all samples, on all processors: circuits
// are simulated. Scores come in the order of the samples.
func scoreNull(ctx context.Context, task *lorabench.Task, scorer Scorer, null lorabench.Null) []lorabench.Score {
	bySample := make([][]lorabench.Score, len(task.Samples))
	next := make(chan int)
	var workers sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), len(task.Samples)) {
		workers.Go(func() {
			for i := range next {
				s := &task.Samples[i]
				bySample[i] = scorer.Score(ctx, s, null.Outputs(s))
			}
		})
	}
	for i := range task.Samples {
		if ctx.Err() != nil {
			break
		}
		next <- i
	}
	close(next)
	workers.Wait()
	var scores []lorabench.Score
	for _, s := range bySample {
		scores = append(scores, s...)
	}
	return scores
}
