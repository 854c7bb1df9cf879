package scorers

import (
	"context"
	"fmt"
	"math"
	"unicode/utf8"

	"github.com/ailiance/lorabench"
)

// Metrics of multiple choice.
const (
	acc      = "acc"       // the likeliest continuation is the right one
	accNorm  = "acc_norm"  // likewise of log-likelihoods a code point of the choice
	accBytes = "acc_bytes" // likewise a byte
)

// choice takes the request with the largest log-likelihood for the model's
// answer. "partial" is the same where continuations are equal and prompts
// differ (winogrande).
//
// As in lm-eval the first of equals counts, a NaN is larger than any number,
// lengths are those of the choice itself without the space in front of it, and
// an empty choice has the length 0 by which its log-likelihood is divided.
//
// Source: lm_eval/api/task.py, ConfigurableTask.process_results.
type choice struct{ metrics []string }

func newChoice(deps Deps, known ...string) (Scorer, error) {
	metrics, err := names(deps.Metrics, known...)
	return choice{metrics}, err
}

// Score gives 1 or 0. A gold index beyond the choices counts as wrong, and says so.
func (c choice) Score(_ context.Context, s *lorabench.Sample, outputs []lorabench.Output) []lorabench.Score {
	switch n := len(s.Target.Choices); {
	case n == 0:
		return unscored(c.metrics, "no choices")
	case len(outputs) != n:
		return unscored(c.metrics, "%d outputs, want %d: one for each choice", len(outputs), n)
	}
	note := ""
	if s.Target.Gold < 0 || s.Target.Gold >= len(outputs) {
		note = fmt.Sprintf("gold choice %d of %d", s.Target.Gold, len(outputs))
	}
	scores := make([]lorabench.Score, len(c.metrics))
	for i, metric := range c.metrics {
		values := make([]float64, len(outputs))
		for j, o := range outputs {
			values[j] = o.LogLikelihood / length(metric, s.Target.Choices[j])
		}
		best, isNaN := argmax(values)
		why := note
		if isNaN {
			why = notes(note, fmt.Sprintf("log-likelihood of choice %d is NaN", best))
		}
		scores[i] = lorabench.Score{Metric: metric, Value: truth(best == s.Target.Gold), Weight: 1, Note: why}
	}
	return scores
}

// length is what metric divides a choice's log-likelihood by.
func length(metric, choice string) float64 {
	switch metric {
	case accNorm:
		return float64(utf8.RuneCountInString(choice))
	case accBytes:
		return float64(len(choice))
	}
	return 1
}

// argmax is numpy's: the first of the largest, and the first NaN before any.
func argmax(values []float64) (best int, isNaN bool) {
	for i, v := range values {
		if math.IsNaN(v) {
			return i, true
		}
		if v > values[best] {
			best = i
		}
	}
	return best, false
}
