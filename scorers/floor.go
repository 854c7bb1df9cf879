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
	known := make([]map[string][]lorabench.Score, len(task.Samples))
	for _, null := range task.Nulls {
		scores := scoreNull(ctx, task, scorer, null, known)
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
// are simulated. What another null output wrote on a sample is not scored again;
// known keeps the scores of each sample's texts. Scores come in the order of the
// samples.
func scoreNull(ctx context.Context, task *lorabench.Task, scorer Scorer, null lorabench.Null, known []map[string][]lorabench.Score) []lorabench.Score {
	bySample := make([][]lorabench.Score, len(task.Samples))
	next := make(chan int)
	var workers sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), len(task.Samples)) {
		workers.Go(func() {
			for i := range next {
				s := &task.Samples[i]
				outputs := null.Outputs(s)
				text, isText := onlyText(s, outputs)
				if scores, seen := known[i][text]; isText && seen {
					bySample[i] = scores
					continue
				}
				bySample[i] = scorer.Score(ctx, s, outputs)
				if isText {
					if known[i] == nil {
						known[i] = map[string][]lorabench.Score{}
					}
					known[i][text] = bySample[i]
				}
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

// onlyText returns the text of a generation that ended by itself, which alone
// says how it is scored.
func onlyText(s *lorabench.Sample, outputs []lorabench.Output) (text string, ok bool) {
	if len(s.Requests) != 1 || s.Requests[0].Kind != lorabench.Generate || len(outputs) != 1 || outputs[0].Stop != lorabench.StopEOS {
		return "", false
	}
	return outputs[0].Text, true
}
