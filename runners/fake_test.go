package runners

import (
	"context"
	"errors"
	"hash/fnv"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/ailiance/lorabench/model"
)

// bytesTokenizer has a token a byte; 0 begins a text and 1 ends it.
type bytesTokenizer struct{ model.Tokenizer }

func (bytesTokenizer) Encode(text string, special bool) ([]int32, error) {
	if text == "bad" {
		return nil, errors.New("cannot be encoded")
	}
	ids := []int32{}
	for _, b := range []byte(text) {
		ids = append(ids, int32(b))
	}
	return ids, nil
}

func (bytesTokenizer) Decode(ids []int32, _ bool) string {
	text := ""
	for _, id := range ids {
		text += string(rune(id))
	}
	return text
}

func (bytesTokenizer) BOS() (int32, bool) { return 0, true }
func (bytesTokenizer) EOS() []int32       { return []int32{1} }

// fakeEngine answers each job after a random number of steps, with numbers that
// depend on the job alone, as law 3 wants.
type fakeEngine struct {
	random  *rand.Rand
	waiting map[int]*fakeJob
	order   []int
	steps   int
	jobs    int
	pause   time.Duration // of each step
	failAt  int           // step that fails; 0: none
	forever bool          // generations never end by themselves
}

type fakeJob struct {
	model.Job
	left int // steps
}

func newFake(seed uint64) *fakeEngine {
	return &fakeEngine{random: rand.New(rand.NewPCG(seed, 1)), waiting: map[int]*fakeJob{}}
}

func (e *fakeEngine) Tokenizer() model.Tokenizer { return bytesTokenizer{} }
func (e *fakeEngine) MaxLength() int             { return 64 }
func (e *fakeEngine) Pending() int               { return len(e.order) }

func (e *fakeEngine) Submit(j model.Job) error {
	if slices.Contains(j.Tokens, '#') {
		return errors.New("token out of range")
	}
	e.jobs++
	e.waiting[j.ID] = &fakeJob{Job: j, left: 1 + e.random.IntN(5)}
	e.order = append(e.order, j.ID)
	return nil
}

func (e *fakeEngine) Step(ctx context.Context) ([]model.Result, error) {
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	e.steps++
	if e.steps == e.failAt {
		return nil, errors.New("the engine broke")
	}
	time.Sleep(e.pause)
	var done []model.Result
	for _, id := range slices.Clone(e.order) {
		j := e.waiting[id]
		if j.left--; j.left > 0 || e.forever && j.Scored == 0 {
			continue
		}
		done = append(done, e.result(j.Job))
		e.remove(id)
	}
	return done, nil
}

func (e *fakeEngine) remove(id int) {
	delete(e.waiting, id)
	e.order = slices.DeleteFunc(e.order, func(x int) bool { return x == id })
}

func (e *fakeEngine) result(j model.Job) model.Result {
	h := fnv.New64a()
	h.Write([]byte(j.Adapter))
	for _, id := range j.Tokens {
		h.Write([]byte{byte(id), byte(id >> 8)})
	}
	x := h.Sum64()
	r := model.Result{ID: j.ID, PromptTokens: len(j.Tokens), Computed: len(j.Tokens)}
	if j.Scored == 0 {
		r.Text, r.Stop, r.New = string(rune('a'+x%26)), model.StopEOS, make([]int32, 3)
		return r
	}
	for range j.Scored {
		r.LogProbs = append(r.LogProbs, -float64(x%1000)/999)
		x = x*6364136223846793005 + 1442695040888963407
	}
	return r
}

func (e *fakeEngine) Cancel(id int) (model.Result, bool) {
	j := e.waiting[id]
	if j == nil {
		return model.Result{}, false
	}
	e.remove(id)
	if j.Scored > 0 {
		return model.Result{ID: id, Err: context.Canceled}, true
	}
	return model.Result{ID: id, Text: "cut", Stop: model.StopCancelled, PromptTokens: len(j.Tokens)}, true
}
