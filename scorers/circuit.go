package scorers

import (
	"context"
	"errors"

	"github.com/ailiance/lorabench"
	"github.com/ailiance/lorabench/scorers/spice"
)

// Metrics of circuits.
const (
	circuitPass   = "score"  // 1 where all checks hold
	circuitGraded = "graded" // the fraction of the checks that hold
)

// errNoSimulator is the reason where the caller gave none.
var errNoSimulator = errors.New("no simulator")

// circuit scores the circuit that a text describes on the sample's bench.
type circuit struct {
	metrics []string
	score   func(ctx context.Context, bench spice.Bench, text string) spice.Result
}

// newSPICE scores what circuits do, by simulation.
func newSPICE(deps Deps) (Scorer, error) {
	metrics, err := names(deps.Metrics, circuitPass, circuitGraded)
	if err != nil {
		return nil, err
	}
	if deps.Simulator != nil {
		return circuit{metrics, deps.Simulator.Score}, nil
	}
	why := deps.NoSimulator
	if why == nil {
		why = errNoSimulator
	}
	return circuit{metrics, func(context.Context, spice.Bench, string) spice.Result {
		return spice.Result{Unscored: why.Error()}
	}}, nil
}

// newStructural scores the form of circuits. What it accepts need not work.
func newStructural(deps Deps) (Scorer, error) {
	metrics, err := names(deps.Metrics, circuitPass, circuitGraded)
	return circuit{metrics, func(_ context.Context, bench spice.Bench, text string) spice.Result {
		return spice.Structural{}.Score(bench, text)
	}}, err
}

// Score gives the reason why a circuit does not pass as the scores' note.
func (c circuit) Score(ctx context.Context, s *lorabench.Sample, outputs []lorabench.Output) []lorabench.Score {
	if len(outputs) != 1 {
		return unscored(c.metrics, "%d outputs, want 1", len(outputs))
	}
	bench, err := spice.ParseBench(s.Target.Bench)
	if err != nil {
		return unscored(c.metrics, "%v", err)
	}
	result := c.score(ctx, bench, spice.Text(outputs[0]))
	if result.Unscored != "" {
		return unscored(c.metrics, "%s", result.Unscored)
	}
	note := notes(result.Reason, stopNote(outputs[0]))
	scores := make([]lorabench.Score, len(c.metrics))
	for i, metric := range c.metrics {
		scores[i] = lorabench.Score{Metric: metric, Value: truth(result.Pass), Weight: 1, Note: note}
		if metric == circuitGraded {
			scores[i].Value = result.Graded
		}
	}
	return scores
}
