package tasks

import (
	"github.com/ailiance/lorabench"
)

// Metric names as scorers give them.
const (
	acc             = "acc"
	accNorm         = "acc_norm"
	exactMatch      = "exact_match" // with the task's first filter
	wordPerplexity  = "word_perplexity"
	bytePerplexity  = "byte_perplexity"
	bitsPerByte     = "bits_per_byte"
	spiceScore      = "score"
	spiceGraded     = "graded"
	fractionOfScore = "fraction"
)

// proportions are metrics of which every score is 0 or 1. The margin is a
// fraction: 0.02 is 2 percentage points.
func proportions(margin float64, names ...string) []lorabench.Metric {
	metrics := make([]lorabench.Metric, len(names))
	for i, name := range names {
		metrics[i] = lorabench.Metric{
			Name: name, Unit: fractionOfScore, Better: lorabench.Higher, Aggregate: lorabench.Mean, Binary: true, Margin: margin,
		}
	}
	return metrics
}

// perplexities are the metrics of running text, bits per byte first: of the
// three it alone compares across texts and tokenizers. The margin is in bits a
// byte; the perplexities' margins are what it comes to near a word perplexity
// of 20 and a byte perplexity of 2 (1 % and 0.35 %).
func perplexities(margin float64) []lorabench.Metric {
	return []lorabench.Metric{
		{Name: bitsPerByte, Unit: "bits/byte", Better: lorabench.Lower, Aggregate: lorabench.Ratio, Margin: margin},
		{Name: bytePerplexity, Unit: "perplexity", Better: lorabench.Lower, Aggregate: lorabench.ExpRatio, Margin: 1.4 * margin},
		{Name: wordPerplexity, Unit: "perplexity", Better: lorabench.Lower, Aggregate: lorabench.ExpRatio, Margin: 40 * margin},
	}
}
