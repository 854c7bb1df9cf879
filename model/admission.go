package model

import (
	"context"
	"errors"
	"fmt"
	"slices"
)

// bundle is a set of jobs with the same tokens, as those of all variants on one
// request are: they begin together and stay in step, so that what is equal in
// them is computed once.
type bundle struct {
	key     uint64      // of the tokens
	waiting []*sequence // not admitted
	active  []*sequence
	awaits  *block // what others compute of its prefix
}

// bundleJobs is the most jobs of a bundle.
const bundleJobs = 64

// Submit queues a job. Jobs begin in the order of submission, except that one
// begins with the first that has the same tokens, and that one whose prefix is being
// computed for another waits for it. What can be seen to be
// wrong with a job at once is an error here; the job is then not queued.
func (e *Engine) Submit(job Job) error {
	if e.closed {
		return ErrClosed
	}
	s, err := e.newSequence(job)
	if err != nil {
		return err
	}
	e.probed = nil
	e.queue(s)
	return nil
}

// queue puts a sequence into the bundle that waits with the same tokens, or into
// a new one.
func (e *Engine) queue(s *sequence) {
	if e.bundles == nil {
		e.bundles = map[uint64]*bundle{}
	}
	key := hashTokens(s.inputs)
	b := e.bundles[key]
	if b == nil || len(b.waiting) >= bundleJobs || !slices.Equal(b.waiting[0].inputs, s.inputs) {
		b = &bundle{key: key}
		e.bundles[key] = b
		e.waiting = append(e.waiting, b)
	}
	b.waiting = append(b.waiting, s)
	s.bundle = b
	e.queued++
}

// hashTokens is FNV-1a by tokens; those with equal hashes are compared.
func hashTokens(tokens []int32) uint64 {
	h := uint64(14695981039346656037)
	for _, t := range tokens {
		h = (h ^ uint64(uint32(t))) * 1099511628211
	}
	return h
}

func (e *Engine) newSequence(job Job) (*sequence, error) {
	s := &sequence{job: job, result: Result{ID: job.ID, PromptTokens: len(job.Tokens), Greedy: true}}
	if job.Adapter != "" {
		if s.adapter = e.adapters[job.Adapter]; s.adapter == nil {
			return nil, fmt.Errorf("adapter %q is not loaded", job.Adapter)
		}
		s.first = s.adapter.firstChanged()
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
	s.prompt = len(s.inputs)
	if most := e.config.MaxPositionEmbeddings; s.prompt > most {
		return nil, fmt.Errorf("%d tokens, the model has %d positions", s.prompt, most)
	}
	return s, nil
}

// Pending is the number of jobs that have no result yet.
func (e *Engine) Pending() int { return e.queued + len(e.active) }

// Cancel ends a job. A generation that runs ends with what it has written and
// StopCancelled; any other job ends with an error. It reports whether the job was there.
func (e *Engine) Cancel(id int) (Result, bool) {
	is := func(s *sequence) bool { return s.job.ID == id }
	if i := slices.IndexFunc(e.active, is); i >= 0 {
		s := e.active[i]
		e.active = slices.Delete(e.active, i, i+1)
		e.leave(s)
		return e.cancelled(s), true
	}
	for i, b := range e.waiting {
		if k := slices.IndexFunc(b.waiting, is); k >= 0 {
			s := b.waiting[k]
			b.waiting = slices.Delete(b.waiting, k, k+1)
			e.queued--
			if len(b.waiting) == 0 {
				e.begun(b)
				e.waiting[i] = nil
				if i == 0 { // as where all are cancelled in their order
					e.waiting = e.waiting[1:]
				} else {
					e.waiting = slices.Delete(e.waiting, i, i+1)
				}
				e.trimQueue()
			}
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

// trimQueue gives the queue's memory back when it is empty: it may have been long.
func (e *Engine) trimQueue() {
	if len(e.waiting) == 0 {
		e.waiting, e.bundles = nil, nil
	}
}

// begun says that no further job joins a bundle.
func (e *Engine) begun(b *bundle) {
	if e.bundles[b.key] == b {
		delete(e.bundles, b.key)
	}
}

// admit moves waiting jobs into the batch while there is room for their keys
// and values and for their tokens. Jobs that can never fit come back as results.
func (e *Engine) admit() (impossible []Result) {
	if e.full && len(e.active) > 0 {
		return nil // until a job leaves
	}
	e.full = false
	rows := 0
	for _, s := range e.active {
		rows += len(s.inputs) - s.computed
	}
	// A bundle may wait for the prefix that others compute, and those behind it go first.
	seen, kept := 0, 0
	for ; seen < min(len(e.waiting), lookAhead) && !e.full && rows < 2*stepRows && len(e.active) < stepRows; seen++ {
		b := e.waiting[seen]
		if len(e.active) == 0 || !e.prefixPending(b) {
			before := len(e.active)
			impossible = append(impossible, e.begin(b)...)
			for _, s := range e.active[before:] {
				rows += len(s.inputs) - s.computed
			}
		}
		if len(b.waiting) > 0 {
			e.waiting[kept] = b
			kept++
		}
	}
	// Those that were looked at and stay move up to the others.
	copy(e.waiting[seen-kept:seen], e.waiting[:kept])
	clear(e.waiting[:seen-kept])
	e.waiting = e.waiting[seen-kept:]
	e.trimQueue()
	return impossible
}

// prefixPending reports whether others are computing so much of a bundle's
// prefix that it should wait for it.
func (e *Engine) prefixPending(b *bundle) bool {
	if w := b.awaits; w != nil && w.data != nil && w.valid < w.planned {
		return true
	}
	b.awaits = nil
	top := len(e.cache.layout.strata) - 1
	for _, s := range b.waiting {
		n, last := e.cache.pending(top, s.lineage(e.cache.layout.strata[top]), s.inputs[:s.wanted])
		if n >= blockLen/2 {
			b.awaits = last
			return true
		}
	}
	return false
}

// begin admits the jobs of a bundle, all of them or, where others run whose end
// it can wait for, none. Those that can never fit come back.
func (e *Engine) begin(b *bundle) (impossible []Result) {
	before := len(e.active)
	e.begun(b)
	// Who is in more of the layers as the base is comes first, as in a step.
	slices.SortStableFunc(b.waiting, compareVariants)
	var left []*sequence
	for i, s := range b.waiting {
		err := e.enter(s)
		if errors.Is(err, errCacheFull) {
			e.full = true
			if before == 0 {
				left = b.waiting[i:]
				break
			}
			for _, s := range e.active[before:] {
				e.leave(s)
				left = append(left, s)
			}
			clear(e.active[before:])
			e.active = e.active[:before]
			left = append(left, b.waiting[i:]...)
			e.full = true // after leave
			break
		}
		if err != nil {
			impossible = append(impossible, Result{ID: s.job.ID, Err: err})
			continue
		}
		b.active = append(b.active, s)
		e.active = append(e.active, s)
	}
	e.queued -= len(b.waiting) - len(left)
	b.waiting = left
	return impossible
}

// enter takes what the cache has of the prefix, or others are computing, and
// reserves room for the rest.
func (e *Engine) enter(s *sequence) error {
	c := e.cache
	positions, prompt := len(s.inputs), (len(s.inputs)+blockLen-1)/blockLen
	if s.generates() {
		// The last token is not run through the model.
		positions += min(s.job.MaxNewTokens-1, e.config.MaxPositionEmbeddings-positions)
	}
	blocks := (positions + blockLen - 1) / blockLen
	if needed := int64(blocks) * c.blockBytes(); needed > c.capacity {
		return &MemoryError{
			What:   fmt.Sprintf("keys and values of %d positions", positions),
			Needed: needed, Allowed: c.capacity,
		}
	}
	s.places = make([]place, len(c.layout.strata))
	froms := make([]*block, len(s.places))
	need := int64(0)
	// Readers first: what is shared must not be evicted to make room.
	for i := range s.places {
		p, size := &s.places[i], c.layout.strata[i].bytes()
		node := c.root(i, s.lineage(c.layout.strata[i]))
		p.root = node
		for len(p.blocks) < prompt {
			tokens := s.tokensOf(len(p.blocks))
			next := node.withPrefix(tokens, 0)
			if next == nil {
				if froms[i], _ = node.computed(tokens); froms[i] != nil {
					froms[i].refs++
				}
				break
			}
			p.hold(next)
			p.owes = s.generates() && len(tokens) < blockLen
			node = next
		}
		need += int64(blocks-len(p.blocks)) * size
		if p.owes {
			need += size
		}
	}
	err := c.reserve(need)
	if err != nil {
		// Blocks to copy from and to share a while are more than the sequence needs.
		for i := range s.places {
			p := &s.places[i]
			if froms[i] != nil {
				froms[i].refs--
				froms[i] = nil
			}
			if p.owes {
				p.owes = false
				e.unhold(s, p.pop())
			}
		}
		err = c.reserve(need)
	}
	if err != nil {
		for i := range s.places {
			for p := &s.places[i]; len(p.blocks) > 0; {
				e.unhold(s, p.pop())
			}
		}
		s.places = nil
		return err
	}
	s.promised = need
	s.computed = s.wanted
	for i := range s.places {
		p := &s.places[i]
		for from := froms[i]; len(p.blocks) < prompt; from = nil {
			tokens := s.tokensOf(len(p.blocks))
			b := e.take(s, i, tokens)
			if from != nil {
				from.refs--
				copy(b.data, from.data)
				b.valid = min(commonPrefix(from.tokens[:from.valid], tokens), len(tokens))
			}
		}
		s.computed = min(s.computed, p.valid())
	}
	return nil
}

// tokensOf are the tokens of a block of the inputs.
func (s *sequence) tokensOf(block int) []int32 {
	return s.inputs[block*blockLen : min((block+1)*blockLen, len(s.inputs))]
}

// leave gives back what a sequence holds; its blocks stay for others to share.
func (e *Engine) leave(s *sequence) {
	e.full = false
	e.cache.reserved -= s.promised
	s.promised = 0
	for i := range s.places {
		for p := &s.places[i]; len(p.blocks) > 0; {
			e.unhold(s, p.pop())
		}
	}
	s.places = nil
	b := s.bundle
	b.active = slices.DeleteFunc(b.active, func(a *sequence) bool { return a == s })
}
