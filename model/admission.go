package model

import (
	"context"
	"errors"
	"fmt"
	"slices"
)

// Submit queues a job. Jobs begin in the order of submission, except that one
// whose prefix is being computed for another waits for it. What can be seen to be
// wrong with a job at once is an error here; the job is then not queued.
func (e *Engine) Submit(job Job) error {
	if e.closed {
		return ErrClosed
	}
	s, err := e.newSequence(job)
	if err != nil {
		return err
	}
	e.waiting = append(e.waiting, s)
	return nil
}

func (e *Engine) newSequence(job Job) (*sequence, error) {
	s := &sequence{job: job, result: Result{ID: job.ID, PromptTokens: len(job.Tokens), Greedy: true}}
	if job.Adapter != "" {
		if s.adapter = e.adapters[job.Adapter]; s.adapter == nil {
			return nil, fmt.Errorf("adapter %q is not loaded", job.Adapter)
		}
	}
	for i, id := range job.Tokens {
		if id < 0 || int(id) >= e.config.VocabSize {
			return nil, fmt.Errorf("token %d of the prompt is %d, want 0 … %d", i, id, e.config.VocabSize-1)
		}
	}
	if job.Scored < 0 {
		return nil, fmt.Errorf("%d tokens to score", job.Scored)
	}
	if job.Scored > 0 {
		if job.Scored >= len(job.Tokens) {
			return nil, fmt.Errorf("%d tokens to score of %d: the first has nothing before it", job.Scored, len(job.Tokens))
		}
		s.inputs = job.Tokens[:len(job.Tokens)-1]
		s.wanted = len(s.inputs) - job.Scored
		s.result.LogProbs = make([]float64, 0, job.Scored)
		if job.Sampling != (Sampling{}) {
			return nil, errors.New("tokens that are scored are not sampled")
		}
	} else {
		if len(job.Tokens) == 0 || job.MaxNewTokens < 1 {
			return nil, fmt.Errorf("generation of %d tokens after %d: want at least 1 of each", job.MaxNewTokens, len(job.Tokens))
		}
		if err := job.Sampling.Validate(); err != nil {
			return nil, err
		}
		if job.Sampling.Temperature > 0 {
			s.drawKey = drawKey(job.Sampling.Seed, job.Tokens)
		}
		s.inputs = slices.Clone(job.Tokens)
		s.wanted = len(s.inputs) - 1
		s.stream = noText{}
		if e.tokenizer != nil {
			s.stream = e.tokenizer.Stream(job.Answer == nil)
		}
	}
	if most := e.config.MaxPositionEmbeddings; len(s.inputs) > most {
		return nil, fmt.Errorf("%d tokens, the model has %d positions", len(s.inputs), most)
	}
	return s, nil
}

// Pending is the number of jobs that have no result yet.
func (e *Engine) Pending() int { return len(e.waiting) + len(e.active) }

// Cancel ends a job. A generation that runs ends with what it has written and
// StopCancelled; any other job ends with an error. It reports whether the job was there.
func (e *Engine) Cancel(id int) (Result, bool) {
	for i, s := range e.waiting {
		if s.job.ID == id {
			e.waiting = slices.Delete(e.waiting, i, i+1)
			return e.cancelled(s), true
		}
	}
	for i, s := range e.active {
		if s.job.ID == id {
			e.active = slices.Delete(e.active, i, i+1)
			e.leave(s)
			return e.cancelled(s), true
		}
	}
	return Result{}, false
}

func (e *Engine) cancelled(s *sequence) Result {
	if !s.generates() {
		return Result{ID: s.job.ID, Err: context.Canceled}
	}
	s.finish(StopCancelled)
	return s.result
}

// admit moves waiting jobs into the batch while there is room for their keys
// and values and for their tokens. Jobs that can never fit come back as results.
func (e *Engine) admit() (impossible []Result) {
	rows := 0
	for _, s := range e.active {
		rows += len(s.inputs) - s.computed
	}
	// A job may wait for the prefix that another computes, and those behind it go first.
	kept := e.waiting[:0]
	full := false
	for i, s := range e.waiting {
		if full || rows >= 2*stepRows || len(e.active) >= stepRows || i == lookAhead {
			kept = append(kept, e.waiting[i:]...)
			break
		}
		if len(e.active) > 0 && e.cache.pending(s.job.Adapter, s.inputs, s.wanted) >= blockLen/2 {
			kept = append(kept, s)
			continue
		}
		switch err := e.enter(s); {
		case err == nil:
			e.active = append(e.active, s)
			rows += len(s.inputs) - s.computed
		case len(e.active) > 0:
			full = true // in order: what does not fit now goes first when there is room
			kept = append(kept, s)
		default:
			impossible = append(impossible, Result{ID: s.job.ID, Err: err})
		}
	}
	clear(e.waiting[len(kept):])
	e.waiting = kept
	return impossible
}

// enter takes what the cache has of the prefix and reserves room for the rest.
func (e *Engine) enter(s *sequence) error {
	key := s.job.Adapter
	positions := len(s.inputs)
	if s.generates() {
		// The last token is not run through the model.
		positions += min(s.job.MaxNewTokens-1, e.config.MaxPositionEmbeddings-positions)
	}
	blocks := (positions + blockLen - 1) / blockLen
	if blocks > e.cache.capacity {
		return &MemoryError{
			What:   fmt.Sprintf("keys and values of %d positions", positions),
			Needed: int64(blocks) * e.cache.blockBytes(), Allowed: int64(e.cache.capacity) * e.cache.blockBytes(),
		}
	}
	shared, from, partial := e.cache.match(key, s.inputs, s.wanted)
	// Readers first: what is shared must not be evicted to make room.
	for _, b := range shared {
		b.refs++
	}
	if from != nil {
		from.refs++
	}
	need := blocks - len(shared)
	err := e.cache.reserve(need)
	if err != nil && from != nil {
		// The block to copy from is one more than the sequence needs.
		from.refs--
		from, partial = nil, 0
		err = e.cache.reserve(need)
	}
	if err != nil {
		for _, b := range shared {
			b.refs--
		}
		return err
	}
	if from != nil {
		defer func() { from.refs-- }()
	}
	s.promised = need
	for _, b := range shared {
		s.hold(b)
	}
	s.computed = len(shared) * blockLen
	for at := s.computed; at < len(s.inputs); at += blockLen {
		b := e.take(s, s.inputs[at:min(at+blockLen, len(s.inputs))])
		if at == s.computed && partial > 0 {
			copy(b.data, from.data)
			b.valid = partial
		}
	}
	s.computed += partial
	s.result.Computed = len(s.inputs) - s.computed
	return nil
}

func (e *Engine) take(s *sequence, tokens []int32) *block {
	parent := e.cache.root(s.job.Adapter)
	if n := len(s.blocks); n > 0 {
		parent = s.blocks[n-1]
	}
	b := e.cache.take(parent, tokens)
	s.promised--
	s.hold(b)
	return b
}

func (s *sequence) hold(b *block) {
	s.blocks = append(s.blocks, b)
	s.data = append(s.data, b.data)
}

// leave gives back what a sequence holds; its blocks stay for others to share.
func (e *Engine) leave(s *sequence) {
	e.cache.reserved -= s.promised
	s.promised = 0
	for _, b := range s.blocks {
		b.refs--
		b.used = e.cache.tick()
		if b.refs == 0 {
			b.planned = b.valid // nobody computes the rest any more
		}
	}
	s.blocks, s.data = nil, nil
}
