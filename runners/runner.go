package runners

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"runtime"
	"slices"
	"time"

	"github.com/ailiance/lorabench"
	"github.com/ailiance/lorabench/model"
	"github.com/ailiance/lorabench/results"
	"github.com/ailiance/lorabench/scorers"
)

// Engine is what a runner needs of an inference engine; [*model.Engine] is one.
type Engine interface {
	Submit(model.Job) error
	Step(context.Context) ([]model.Result, error)
	Cancel(id int) (model.Result, bool)
	Pending() int
	Tokenizer() model.Tokenizer
	MaxLength() int
}

// Store keeps what is measured. [*results.Store] does it, through [Stored].
type Store interface {
	// Begin returns the number of m and the positions of the samples that it has
	// already, by id.
	Begin(ctx context.Context, m lorabench.Measurement) (results.MeasurementID, map[string]int, error)
	AppendAll(ctx context.Context, measured []results.Measured) error
	Finish(ctx context.Context, id results.MeasurementID, status lorabench.Status, session time.Duration) error
}

// Runner measures tasks, one after another, each with all variants side by side.
type Runner struct {
	Engine       Engine
	Store        Store
	RunID        string
	Variants     []lorabench.Variant
	Budget       time.Duration            // of the run; 0: none
	TaskBudgets  map[string]time.Duration // all variants together
	SampleBudget time.Duration            // one variant's way through one sample; 0: none
	MaxNewTokens int                      // instead of the tasks' own; 0: theirs
	Chat         Chat                     // of the checkpoint; nil where it has none
	Asked        bool                     // by the chat's template: reasoning is not the answer
	Progress     func(Progress)           // called between steps; may be nil
}

// Task is a task as it is measured.
type Task struct {
	Info     lorabench.TaskInfo
	Samples  []lorabench.Sample // in the order of measuring
	Scorer   scorers.Scorer
	Identity func(lorabench.Variant) lorabench.Identity
}

// Progress says how far a task is.
type Progress struct {
	Task        string
	Done, Total int // samples × variants, those measured earlier too
	Session     int // of Done, measured since Began
	Began       time.Time
	Left        time.Duration // until the task's budget ends; 0: it has none
	Tokens      int           // prompt tokens computed and tokens generated since Began
}

// inFlight is how many requests the engine has at a time. More would share more
// prefixes, and leave more undone when a budget ends.
const inFlight = 192

// Run measures tasks in their order. When ctx ends, what is measured is stored
// and marked so, and the error is ctx's cause. A budget that ends is no error:
// the task's measurements say timeout. Of the run's budget each task gets an
// equal share of what is left.
func (r *Runner) Run(ctx context.Context, tasks []Task) error {
	tokens, err := newTokens(r.Engine.Tokenizer(), r.Engine.MaxLength())
	if err != nil {
		return err
	}
	tokens.reader = newReader(r.Chat, r.Asked, r.Engine.Tokenizer())
	began := time.Now()
	for i := range tasks {
		budget := r.TaskBudgets[tasks[i].Info.Name]
		if r.Budget > 0 {
			share := max(time.Until(began.Add(r.Budget)), 0) / time.Duration(len(tasks)-i)
			if budget == 0 || share < budget {
				budget = max(share, 1) // spent, not unlimited
			}
		}
		if err := r.measure(ctx, &tasks[i], tokens, budget); err != nil {
			return fmt.Errorf("task %s: %w", tasks[i].Info.Name, err)
		}
	}
	return nil
}

// task is a task that is being measured.
type task struct {
	*Runner
	*Task
	tokens *tokens
	ids    []results.MeasurementID // by variant
	done   []map[string]int        // by variant: measured earlier
	began  time.Time
	ends   time.Time // zero: no budget

	next    int           // sample to begin with
	nextJob int           // number of the next job
	active  []*work       // in the engine, in order of admission
	jobs    map[int]*work // not answered, by number
	scored  chan results.Measured
	slots   chan struct{} // one for each scorer that works
	scoring int           // answers that have no scores yet

	progress Progress
}

func (r *Runner) measure(ctx context.Context, what *Task, tokens *tokens, budget time.Duration) error {
	t := &task{
		Runner: r, Task: what, tokens: tokens, began: time.Now(), jobs: map[int]*work{},
		scored: make(chan results.Measured), slots: make(chan struct{}, runtime.GOMAXPROCS(0)),
	}
	if budget > 0 {
		t.ends = t.began.Add(budget)
	}
	if err := t.begin(ctx); err != nil {
		return err
	}
	status, err := t.loop(ctx)
	for _, w := range t.active {
		t.withdraw(w)
	}
	err = errors.Join(err, t.storeAll(ctx))
	if status != lorabench.Running { // a fault leaves measurements running, to be resumed
		for _, id := range t.ids {
			err = errors.Join(err, t.Store.Finish(ctx, id, status, time.Since(t.began)))
		}
	}
	return err
}

// begin makes or finds the measurements.
func (t *task) begin(ctx context.Context) error {
	t.progress = Progress{Task: t.Info.Name, Total: len(t.Samples) * len(t.Variants), Began: t.began}
	for _, v := range t.Variants {
		id, done, err := t.Store.Begin(ctx, lorabench.Measurement{
			Run: t.RunID, Task: t.Info, Variant: v, Identity: t.Identity(v), Total: len(t.Samples), Started: t.began,
		})
		if err != nil {
			return fmt.Errorf("variant %s: %w", v.Name, err)
		}
		for position, s := range t.Samples {
			if stored, is := done[s.ID]; is && stored != position {
				return fmt.Errorf("variant %s: sample %s was measured in position %d and is now in %d: the order is not the run's", v.Name, s.ID, stored, position)
			}
		}
		t.ids = append(t.ids, id)
		t.done = append(t.done, done)
		t.progress.Done += len(done)
	}
	return nil
}

// loop feeds the engine until all is measured, the budget ends, or ctx.
func (t *task) loop(ctx context.Context) (lorabench.Status, error) {
	for {
		switch {
		case ctx.Err() != nil:
			return lorabench.Interrupted, context.Cause(ctx)
		case t.next == len(t.Samples) && len(t.active) == 0 && t.scoring == 0:
			return lorabench.Done, nil
		case !t.ends.IsZero() && !time.Now().Before(t.ends):
			return lorabench.TimedOut, nil
		}
		t.admit(ctx)
		answers, err := t.Engine.Step(ctx)
		for _, a := range answers {
			t.answer(ctx, a)
		}
		if err != nil && ctx.Err() == nil {
			return lorabench.Running, err
		}
		t.expire(ctx)
		if err := t.store(ctx); err != nil {
			return lorabench.Running, err
		}
		t.tell()
	}
}

// admit begins samples, all variants of one together, while the engine has room.
func (t *task) admit(ctx context.Context) {
	for t.next < len(t.Samples) && len(t.jobs)+t.scoring < inFlight {
		position, s := t.next, &t.Samples[t.next]
		t.next++
		var asked prompts
		var err error
		for v := range t.Variants {
			if _, is := t.done[v][s.ID]; is {
				continue
			}
			if asked == nil && err == nil { // the same for all variants
				asked, err = t.tokens.prompts(s, t.MaxNewTokens)
			}
			w := &work{measurement: t.ids[v], position: position, sample: s, begun: time.Now(), reader: t.tokens.reader}
			t.active = append(t.active, w)
			if err != nil {
				w.failed = err.Error()
				t.finish(ctx, w)
				continue
			}
			t.submit(ctx, w, asked.begin(w, t.Variants[v], t.nextJob))
		}
	}
}

func (t *task) submit(ctx context.Context, w *work, jobs []model.Job) {
	t.nextJob += len(jobs)
	for _, job := range jobs {
		if err := t.Engine.Submit(job); err != nil {
			w.take(model.Result{ID: job.ID, Err: err})
			continue
		}
		t.jobs[job.ID] = w
	}
	if len(w.jobs) == 0 {
		t.finish(ctx, w)
	}
}

// answer hands an answer to its sample, which is scored when it has all of them.
func (t *task) answer(ctx context.Context, a model.Result) {
	w := t.jobs[a.ID]
	if w == nil {
		return
	}
	delete(t.jobs, a.ID)
	t.progress.Tokens += a.Computed + len(a.New)
	w.take(a)
	if len(w.jobs) == 0 {
		t.finish(ctx, w)
	}
}

// finish scores what a sample's requests were answered with, beside the engine's work.
func (t *task) finish(ctx context.Context, w *work) {
	t.active = slices.DeleteFunc(t.active, func(a *work) bool { return a == w })
	t.scoring++
	go func() {
		t.slots <- struct{}{}
		defer func() { <-t.slots }()
		m := results.Measured{Measurement: w.measurement}
		if w.failed != "" {
			m.Result = w.result(nil, unscored(t.Info.Metrics, w.failed))
		} else {
			outputs := w.outputs()
			m.Result = w.result(outputs, w.remark(t.Scorer.Score(ctx, w.sample, outputs)))
		}
		if ctx.Err() != nil {
			m.Measurement = 0 // a scorer that was interrupted knows nothing of the text
		}
		t.scored <- m
	}()
}

// expire ends the samples whose budget is spent: a text that is being written
// ends there and is scored as it is.
func (t *task) expire(ctx context.Context) {
	if t.SampleBudget <= 0 {
		return
	}
	for _, w := range slices.Clone(t.active) {
		if time.Since(w.begun) < t.SampleBudget {
			continue
		}
		for _, a := range t.withdraw(w) {
			if a.Err != nil {
				a.Err = fmt.Errorf("the sample's budget of %v ended", t.SampleBudget)
			}
			w.take(a)
		}
		t.finish(ctx, w)
	}
}

// withdraw takes a sample's jobs out of the engine and returns what they had.
func (t *task) withdraw(w *work) []model.Result {
	var had []model.Result
	for _, id := range slices.Sorted(maps.Keys(w.jobs)) {
		delete(t.jobs, id)
		if r, is := t.Engine.Cancel(id); is {
			had = append(had, r)
		}
	}
	return had
}

// store commits what has been scored. Where the engine has nothing to do it
// waits for the next.
func (t *task) store(ctx context.Context) error {
	var measured []results.Measured
	take := func(m results.Measured) {
		t.scoring--
		if m.Measurement != 0 {
			measured = append(measured, m)
		}
	}
	if t.scoring > 0 && len(t.jobs) == 0 {
		take(<-t.scored)
	}
	for more := true; more && t.scoring > 0; {
		select {
		case m := <-t.scored:
			take(m)
		default:
			more = false
		}
	}
	if len(measured) == 0 {
		return nil
	}
	t.progress.Done += len(measured)
	t.progress.Session += len(measured)
	return t.Store.AppendAll(ctx, measured)
}

// storeAll commits everything that has an answer.
func (t *task) storeAll(ctx context.Context) error {
	clear(t.jobs)
	for t.scoring > 0 {
		if err := t.store(ctx); err != nil {
			for ; t.scoring > 0; t.scoring-- { // nobody else takes these
				<-t.scored
			}
			return err
		}
	}
	return nil
}

func (t *task) tell() {
	if t.Runner.Progress == nil {
		return
	}
	p := t.progress
	if !t.ends.IsZero() {
		p.Left = max(time.Until(t.ends), 1)
	}
	t.Runner.Progress(p)
}
