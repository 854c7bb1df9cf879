package runners

import (
	"fmt"
	"iter"

	"github.com/ailiance/lorabench/model"
)

// MostRequests is how many requests of a task the engine has at a time.
const MostRequests = inFlight

// Jobs yields, for every sample of t in turn, the jobs that one variant gives the
// engine, without variant and number. After an error there is nothing more.
func (r *Runner) Jobs(t *Task) iter.Seq2[[]model.Job, error] {
	return func(yield func([]model.Job, error) bool) {
		k, err := newTokens(r.Engine.Tokenizer(), r.Engine.MaxLength())
		if err != nil {
			yield(nil, err)
			return
		}
		k.reader = newReader(r.Chat, r.Asked, r.Engine.Tokenizer())
		for i := range t.Samples {
			asked, err := k.prompts(&t.Samples[i], r.MaxNewTokens)
			if err != nil {
				yield(nil, fmt.Errorf("sample %s: %w", t.Samples[i].ID, err))
				return
			}
			var jobs []model.Job
			for _, of := range asked {
				jobs = append(jobs, of...)
			}
			if !yield(jobs, nil) {
				return
			}
		}
	}
}
