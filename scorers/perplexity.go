package scorers

import (
	"context"
	"math"

	"github.com/ailiance/lorabench"
)

// Metrics of running text.
const (
	wordPerplexity = "word_perplexity" // exp(−Σ log-likelihood / Σ words)
	bytePerplexity = "byte_perplexity" // exp(−Σ log-likelihood / Σ bytes)
	bitsPerByte    = "bits_per_byte"   // −Σ log-likelihood / ln 2 / Σ bytes
)

// perplexity weighs a text's log-likelihood with its length. A score's value is
// −log-likelihood, in nats (bits for bits_per_byte); its weight is the number
// of words or bytes. [Aggregate] makes the metric of both.
//
// Source: lm_eval/api/metrics.py, weighted_perplexity and bits_per_byte.
type perplexity struct{ metrics []string }

func newPerplexity(deps Deps) (Scorer, error) {
	metrics, err := names(deps.Metrics, wordPerplexity, bytePerplexity, bitsPerByte)
	return perplexity{metrics}, err
}

// Score leaves a text without a finite log-likelihood unscored: one such would
// be the whole task's number.
func (p perplexity) Score(_ context.Context, s *lorabench.Sample, outputs []lorabench.Output) []lorabench.Score {
	if len(outputs) != 1 {
		return unscored(p.metrics, "%d outputs, want 1", len(outputs))
	}
	ll := outputs[0].LogLikelihood
	if math.IsNaN(ll) || math.IsInf(ll, 0) {
		return unscored(p.metrics, "log-likelihood is %v", ll)
	}
	scores := make([]lorabench.Score, len(p.metrics))
	for i, metric := range p.metrics {
		score := lorabench.Score{Metric: metric, Value: -ll, Weight: float64(s.Target.Bytes)}
		switch metric {
		case wordPerplexity:
			score.Weight = float64(s.Target.Words)
		case bitsPerByte:
			score.Value = -ll / math.Ln2
		}
		if score.Weight <= 0 {
			score = lorabench.Score{Metric: metric, Unscored: "text without length"}
		}
		scores[i] = score
	}
	return scores
}
