package benchmark

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"

	"github.com/ailiance/lorabench/model"
)

// Work is what is measured.
type Work struct {
	Kind     string   // "prefill", "decode", "choice", "generation"
	Variants []string // each gets the same requests; "" is the base
	Batch    int      // requests of a variant; of decode, sequences of a variant at a time
	Prompt   int      // tokens of a request's own prompt; of choice, on average
	Prefix   int      // tokens before it that all requests share: examples
	New      int      // tokens that are written, or of each choice
}

// The kinds of work.
const (
	Prefill    = "prefill"    // prompts of which the last token is scored
	Decode     = "decode"     // texts after prompts that are in the cache: no prompt is computed
	Choice     = "choice"     // four continuations of each context are scored, as in ARC
	Generation = "generation" // texts after examples that all share and a question of their own, as in GSM8K
)

// choices are the continuations of a context.
const choices = 4

func (w Work) String() string {
	variants := "base"
	if n := len(w.Variants); n > 1 {
		variants = fmt.Sprintf("base + %d", n-1)
	}
	return fmt.Sprintf("%s, %s, batch %d", w.Kind, variants, w.Batch)
}

// positions is the most positions that the work holds in the cache at a time.
func (w Work) positions() int {
	requests := w.Batch * len(w.Variants)
	if w.Kind == Choice {
		requests *= choices
	}
	if w.Kind != Decode {
		requests = min(requests, inFlight)
	}
	const block = 32                                                // positions
	return requests * ((w.Prefix+w.Prompt+w.New)/block + 2) * block // one block more to copy from
}

// measure does the work once. Tokens depend on the seed, of which no two
// measurements of an engine should be given the same.
func (w Work) measure(ctx context.Context, e *model.Engine, c Cost, seed uint64) (Sample, error) {
	jobs, prompts := w.jobs(rand.New(rand.NewPCG(seed, 1)), e.Config().VocabSize)
	if len(prompts) > 0 {
		if _, err := drive(ctx, e, c, prompts, len(prompts)); err != nil {
			return Sample{}, fmt.Errorf("%s: %w", w, err)
		}
	}
	most := inFlight
	if w.Kind == Decode || w.Kind == Prefill {
		most = len(jobs)
	}
	s, err := drive(ctx, e, c, jobs, most)
	if err != nil {
		return s, fmt.Errorf("%s: %w", w, err)
	}
	if w.Kind == Decode {
		if s.Tokens = s.New; s.Rows > float64(s.New) {
			return s, fmt.Errorf("%s: %w", w, errForgotten)
		}
	}
	return s, nil
}

// errForgotten says that prompts were computed within the time of the texts.
var errForgotten = errors.New("the memory for keys and values does not hold all prompts")

// jobs are those of the work, of random tokens, and those that have to be done
// before.
func (w Work) jobs(r *rand.Rand, vocabulary int) (jobs, before []model.Job) {
	tokens := func(n int) []int32 {
		list := make([]int32, n)
		for i := range list {
			list[i] = int32(r.IntN(vocabulary))
		}
		return list
	}
	prefix := tokens(w.Prefix)
	request := func(n int) []int32 { return append(prefix[:len(prefix):len(prefix)], tokens(n)...) }
	for range w.Batch {
		switch w.Kind {
		case Prefill:
			prompt := request(w.Prompt + 1)
			for _, v := range w.Variants {
				jobs = append(jobs, model.Job{Adapter: v, Tokens: prompt, Scored: 1})
			}
		case Decode:
			prompt := request(w.Prompt)
			for _, v := range w.Variants {
				jobs = append(jobs, model.Job{Adapter: v, Tokens: prompt, MaxNewTokens: w.New, IgnoreEOS: true})
				before = append(before, model.Job{Adapter: v, Tokens: prompt, Scored: 1})
			}
		case Choice:
			context := request(w.Prompt - w.Prompt/3 + r.IntN(2*(w.Prompt/3)+1))
			for range choices {
				ending := append(context[:len(context):len(context)], tokens(w.New)...)
				for _, v := range w.Variants {
					jobs = append(jobs, model.Job{Adapter: v, Tokens: ending, Scored: w.New})
				}
			}
		case Generation:
			prompt := request(w.Prompt)
			for _, v := range w.Variants {
				jobs = append(jobs, model.Job{Adapter: v, Tokens: prompt, MaxNewTokens: w.New, IgnoreEOS: true})
			}
		}
	}
	return jobs, before
}
