package model

import (
	"context"
	"crypto/sha256"
	"errors"
	"slices"
	"strings"
)

// lookAhead is how many waiting bundles a step considers.
const lookAhead = 4 * stepRows

// Job is one thing asked of the engine: log-likelihoods of the last Scored
// tokens of Tokens, or, where Scored is 0, a text after Tokens.
type Job struct {
	ID      int     // the caller's; comes back in the Result
	Adapter string  // "" for the base
	Tokens  []int32 // not to be changed before the Result is there
	Scored  int     // > 0: score that many tokens at the end of Tokens

	MaxNewTokens int                      // of a generation
	Until        []string                 // a generation ends where one of these appears
	Answer       func(text string) string // nil, or the part of a text in which Until is looked for, see Result.Text
	Sampling     Sampling                 // of a generation; the zero value is greedy
	IgnoreEOS    bool                     // of a generation: what ends a text is a token like others, for measurements of speed
}

// StopReason says why a generation ended.
type StopReason string

// The reasons to stop.
const (
	StopEOS       StopReason = "eos"     // the model ended it
	StopString    StopReason = "stop"    // a stop string appeared
	StopLength    StopReason = "length"  // MaxNewTokens
	StopContext   StopReason = "context" // the model has no further positions
	StopCancelled StopReason = "time"
)

// Result is the answer to a Job.
type Result struct {
	ID       int
	Err      error     // the job cannot be done; nothing else is set (a *MemoryError, ErrNotFinite)
	LogProbs []float64 // ln p of each scored token given all before it
	Greedy   bool      // each scored token was the likeliest

	New         []int32   // generated tokens, without the end-of-sequence token
	NewLogProbs []float64 // ln p of each of them, of the model itself: before temperature, top-k, top-p, min-p
	Text        string    // their text, cut before the first stop string; with Job.Answer all of it, special tokens too
	Stop        StopReason

	PromptTokens int // len(Job.Tokens)
	Computed     int // prompt positions computed, by itself or with jobs of other variants, and not found in the cache
}

// ErrNotFinite is the error of a job whose logits are NaN or infinite.
var ErrNotFinite = errors.New("the logits are not finite")

// noText stands in where a checkpoint has no tokenizer.
type noText struct{}

func (noText) Push(int32) string { return "" }
func (noText) Flush() string     { return "" }

// sequence is a job that the scheduler works on.
type sequence struct {
	job     Job
	adapter *adapter // nil for the base
	inputs  []int32  // tokens to run through the model, generated ones appended
	prompt  int      // of these, those of the job
	wanted  int      // first position whose logits are needed
	capture func(position int, logits []float32)
	drawKey [sha256.Size]byte // where tokens are drawn

	bundle   *bundle
	first    int     // the first layer that the adapter changes
	computed int     // positions whose keys and values are in all places
	places   []place // of each stratum
	promised int64   // bytes reserved and not taken yet
	planned  uint64  // the last step that computes a part of it

	result Result
	stream TextStream
	text   strings.Builder
}

func (s *sequence) generates() bool { return s.job.Scored == 0 && s.capture == nil }

// Step runs one pass over the weights for as many tokens of as many jobs as fit
// and returns the jobs that it finished, in the order of their admission. It
// returns nothing and no error when there is nothing to do.
//
// When ctx ends, Step returns its cause within the time of a layer. The pass is
// lost and nothing else: no job has moved, the engine may be used as before, and
// a later Step repeats the pass. The results that come with an error are valid.
func (e *Engine) Step(ctx context.Context) ([]Result, error) {
	if e.closed {
		return nil, ErrClosed
	}
	if err := context.Cause(ctx); err != nil {
		return nil, err
	}
	done := e.admit()
	chunks := e.plan()
	if len(chunks) == 0 {
		return done, nil
	}
	if err := e.forward(ctx, chunks); err != nil {
		return done, err
	}
	e.active = slices.DeleteFunc(e.active, func(s *sequence) bool {
		if !s.finished() {
			return false
		}
		e.leave(s)
		if s.result.Err != nil {
			s.result = Result{ID: s.job.ID, Err: s.result.Err}
		}
		done = append(done, s.result)
		return true
	})
	return done, nil
}

// finished reports whether nothing is left to compute.
func (s *sequence) finished() bool {
	switch {
	case s.result.Err != nil:
		return true
	case s.generates():
		return s.result.Stop != ""
	}
	return s.computed == len(s.inputs)
}
