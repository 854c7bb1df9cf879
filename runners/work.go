package runners

import (
	"fmt"
	"time"

	"github.com/ailiance/lorabench"
	"github.com/ailiance/lorabench/model"
	"github.com/ailiance/lorabench/results"
)

// work is one variant's way through one sample.
type work struct {
	measurement results.MeasurementID
	position    int
	sample      *lorabench.Sample
	begun       time.Time
	reader      *reader

	requests []request
	jobs     map[int]place // not answered yet, by the job's number
	failed   string        // why a request could not be done
	marked   bool          // a text has markers of reasoning that is not taken out
}

// request is what is known of the answer to one request.
type request struct {
	windows []float64 // log-likelihood of each window, or the one of all; summed in order at the end
	output  lorabench.Output
}

// place says which answer a job gives.
type place struct{ request, window int }

// prompts are the jobs of a sample without variant and number: all variants
// have the same.
type prompts [][]model.Job

// prompts tokenises a sample's requests.
func (k *tokens) prompts(s *lorabench.Sample, maxNewTokens int) (prompts, error) {
	asked := make(prompts, len(s.Requests))
	for i, r := range s.Requests {
		var err error
		if asked[i], err = k.jobs(r, maxNewTokens); err != nil {
			return nil, fmt.Errorf("request %d: %w", i, err)
		}
	}
	return asked, nil
}

func (k *tokens) jobs(r lorabench.Request, maxNewTokens int) ([]model.Job, error) {
	switch r.Kind {
	case lorabench.LogLikelihood:
		all, scored, err := k.pair(r.Prompt, r.Continuation)
		if err != nil || scored == 0 {
			return nil, err // the log-likelihood of nothing is 0
		}
		return []model.Job{{Tokens: all, Scored: scored}}, nil
	case lorabench.Rolling:
		windows, err := k.rolling(r.Prompt)
		jobs := make([]model.Job, len(windows))
		for i, w := range windows {
			jobs[i] = model.Job{Tokens: w.all, Scored: w.scored}
		}
		return jobs, err
	case lorabench.Generate:
		prompt, n, err := k.generation(r, maxNewTokens)
		return []model.Job{{Tokens: prompt, MaxNewTokens: n, Until: r.Until, Answer: k.reader.answers(r.Prompt)}}, err
	}
	return nil, fmt.Errorf("unknown kind %q", r.Kind)
}

// begin makes the work of one variant on a sample. Jobs are numbered from next.
func (p prompts) begin(w *work, v lorabench.Variant, next int) []model.Job {
	adapter := ""
	if !v.IsBase() {
		adapter = v.Name
	}
	w.requests = make([]request, len(p))
	w.jobs = map[int]place{}
	var jobs []model.Job
	for i, of := range p {
		w.requests[i] = request{windows: make([]float64, len(of)), output: lorabench.Output{Greedy: true}}
		for k, job := range of {
			job.ID, job.Adapter = next+len(jobs), adapter
			w.jobs[job.ID] = place{i, k}
			jobs = append(jobs, job)
		}
	}
	return jobs
}

// take notes a job's answer.
func (w *work) take(r model.Result) {
	at, ours := w.jobs[r.ID]
	if !ours {
		return
	}
	delete(w.jobs, r.ID)
	if r.Err != nil {
		if w.failed == "" {
			w.failed = r.Err.Error()
		}
		return
	}
	q := &w.requests[at.request]
	o := &q.output
	for _, p := range r.LogProbs {
		q.windows[at.window] += p
	}
	o.Greedy = o.Greedy && r.Greedy
	if r.Stop != "" {
		w.reader.read(w.sample.Requests[at.request], o, r)
		w.marked = w.marked || w.reader.marked(r)
	}
	o.PromptTokens += r.PromptTokens
	o.ComputedTokens += r.Computed
	o.NewTokens += len(r.LogProbs) + len(r.New)
}

// outputs are the answers to all requests.
func (w *work) outputs() []lorabench.Output {
	outputs := make([]lorabench.Output, len(w.requests))
	for i := range w.requests {
		outputs[i] = w.requests[i].output
		for _, nats := range w.requests[i].windows {
			outputs[i].LogLikelihood += nats
		}
		if w.sample.Requests[i].Kind == lorabench.Generate {
			outputs[i].Greedy = false // says nothing of a text that is written greedily
		}
	}
	return outputs
}

// result is what is stored.
func (w *work) result(outputs []lorabench.Output, scores []lorabench.Score) lorabench.SampleResult {
	s := w.sample
	return lorabench.SampleResult{
		SampleID: s.ID, Index: s.Index, Position: w.position, DocHash: s.DocHash, PromptHash: s.PromptHash, Cluster: s.Cluster,
		Outputs: outputs, Scores: scores, Elapsed: time.Since(w.begun),
	}
}

// remark adds to the notes of scores what was seen in the texts.
func (w *work) remark(scores []lorabench.Score) []lorabench.Score {
	if !w.marked {
		return scores
	}
	for i := range scores {
		if scores[i].Note != "" {
			scores[i].Note += "; "
		}
		scores[i].Note += lorabench.NoteMarkers
	}
	return scores
}

// unscored gives one reason for every metric.
func unscored(metrics []lorabench.Metric, reason string) []lorabench.Score {
	scores := make([]lorabench.Score, len(metrics))
	for i, m := range metrics {
		scores[i] = lorabench.Score{Metric: m.Name, Unscored: reason}
	}
	return scores
}
