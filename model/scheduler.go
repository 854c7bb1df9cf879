package model

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// stepRows is the most tokens that one pass over the weights computes.
const stepRows = 256

// lookAhead is how many waiting jobs a step considers.
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
	Computed     int // prompt positions computed, and not found in the cache
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
	wanted  int      // first position whose logits are needed
	capture func(position int, logits []float32)
	drawKey [sha256.Size]byte // where tokens are drawn

	computed int // positions whose keys and values are in blocks
	blocks   []*block
	data     [][]float32 // of blocks
	promised int         // blocks reserved and not taken yet

	result Result
	stream TextStream
	text   strings.Builder
}

func (s *sequence) generates() bool { return s.job.Scored == 0 && s.capture == nil }

// chunk is the part of a sequence that one step computes.
type chunk struct {
	seq      *sequence
	start, n int // positions
}

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

// plan chooses the rows of a step: the next token of every generation first,
// then prompts in order of admission, sorted by variant so that the rows of an
// adapter lie together.
func (e *Engine) plan() []chunk {
	var chunks []chunk
	left := stepRows
	for _, decoding := range []bool{true, false} {
		for _, s := range e.active {
			n := len(s.inputs) - s.computed
			if n == 0 || left == 0 || (n == 1) != decoding {
				continue
			}
			n = min(n, left)
			left -= n
			chunks = append(chunks, chunk{seq: s, start: s.computed, n: n})
		}
	}
	slices.SortStableFunc(chunks, func(a, b chunk) int { return strings.Compare(a.seq.job.Adapter, b.seq.job.Adapter) })
	return chunks
}

// computedTo records that the keys and values of s are there up to position n.
func (s *sequence) computedTo(n int) {
	for i := s.computed / blockLen; i*blockLen < n; i++ {
		b := s.blocks[i]
		b.valid = max(b.valid, min(n-i*blockLen, blockLen))
	}
	s.computed = n
}

// accept takes the logits' verdict at one position of s.
func (e *Engine) accept(s *sequence, position int, v verdict) {
	r := &s.result
	if !v.finite && r.Err == nil {
		r.Err = fmt.Errorf("position %d: %w", position, ErrNotFinite)
	}
	if r.Err != nil {
		return
	}
	if s.generates() {
		e.append(s, v)
		return
	}
	r.LogProbs = append(r.LogProbs, v.logProb)
	if v.best != v.token {
		r.Greedy = false
	}
}

// append adds a generated token, or ends the generation.
func (e *Engine) append(s *sequence, v verdict) {
	if slices.Contains(e.eos, v.token) {
		s.finish(StopEOS)
		return
	}
	r := &s.result
	r.New = append(r.New, v.token)
	r.NewLogProbs = append(r.NewLogProbs, v.logProb)
	if s.write(s.stream.Push(v.token)) {
		return
	}
	switch {
	case len(r.New) == s.job.MaxNewTokens:
		s.finish(StopLength)
		return
	case len(s.inputs) == e.config.MaxPositionEmbeddings:
		s.finish(StopContext)
		return
	}
	if len(s.inputs)%blockLen == 0 {
		e.take(s, []int32{v.token})
	} else {
		s.blocks[len(s.blocks)-1].extend(v.token)
	}
	s.inputs = append(s.inputs, v.token)
}

// write adds text and reports whether a stop string ended it.
func (s *sequence) write(text string) bool {
	searched := s.text.Len()
	s.text.WriteString(text)
	whole, found := cutAtStop(s.text.String(), searched, s.job.Until)
	if found && s.job.Answer != nil {
		whole = s.text.String()
		_, found = cutAtStop(s.job.Answer(whole), 0, s.job.Until)
	}
	if found {
		s.result.Text, s.result.Stop = whole, StopString
	}
	return found
}

// finish ends a generation with what waited for more, where no stop string
// appears in that.
func (s *sequence) finish(stop StopReason) {
	if !s.write(s.stream.Flush()) {
		s.result.Text, s.result.Stop = s.text.String(), stop
	}
}

// Written is the text of a generation so far, as much of it as is certain to begin
// its Result's Text: without a character that is not complete, and without an end
// that a stop string may begin with. It is "" for a job that is not running.
func (e *Engine) Written(id int) string {
	for _, s := range e.active {
		if s.job.ID == id {
			text := s.text.String()
			return text[:len(text)-pendingStop(text, s.job.Until)]
		}
	}
	return ""
}

// pendingStop is how many bytes at the end of text may be the beginning of a stop
// string.
func pendingStop(text string, until []string) int {
	most := 0
	for _, stop := range until {
		for n := min(len(stop)-1, len(text)); n > most; n-- {
			if strings.HasSuffix(text, stop[:n]) {
				most = n
			}
		}
	}
	return most
}

// cutAtStop cuts text before the earliest stop string, where one ends after
// the first searched bytes.
func cutAtStop(text string, searched int, until []string) (string, bool) {
	first := -1
	for _, stop := range until {
		if stop == "" {
			continue
		}
		from := max(0, searched-len(stop)+1)
		if i := strings.Index(text[from:], stop); i >= 0 && (first < 0 || from+i < first) {
			first = from + i
		}
	}
	if first < 0 {
		return text, false
	}
	return text[:first], true
}
