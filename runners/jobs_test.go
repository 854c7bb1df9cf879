package runners

import (
	"errors"
	"path/filepath"
	"slices"
	"testing"

	"github.com/ailiance/lorabench"
	"github.com/ailiance/lorabench/model"
	"github.com/ailiance/lorabench/results"
)

// listening is an engine that keeps what it was given.
type listening struct {
	*fakeEngine
	heard []model.Job
}

func (l *listening) Submit(job model.Job) error {
	l.heard = append(l.heard, job)
	return l.fakeEngine.Submit(job)
}

// TestJobs: what a plan counts is what a run gives the engine.
func TestJobs(t *testing.T) {
	store, err := results.Open(t.Context(), filepath.Join(t.TempDir(), "jobs.db"), results.Options{})
	if errors.Is(err, results.ErrNoCgo) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	if err := store.CreateRun(t.Context(), lorabench.Run{ID: run, Model: "m"}); err != nil {
		t.Fatal(err)
	}
	engine := &listening{fakeEngine: newFake(1)}
	r := &Runner{Engine: engine, Store: Stored{Store: store}, RunID: run, Variants: []lorabench.Variant{{Name: lorabench.Base}}}
	task := testTask("quiz", 30)
	if err := r.Run(t.Context(), []Task{task}); err != nil {
		t.Fatal(err)
	}
	var counted []model.Job
	samples := 0
	for jobs, err := range r.Jobs(&task) {
		if err != nil {
			t.Fatal(err)
		}
		samples++
		counted = append(counted, jobs...)
	}
	same := func(a, b model.Job) bool {
		return slices.Equal(a.Tokens, b.Tokens) && a.Scored == b.Scored && a.MaxNewTokens == b.MaxNewTokens
	}
	if samples != 30 || !slices.EqualFunc(counted, engine.heard, same) {
		t.Errorf("%d samples, %d jobs are counted, %d are run", samples, len(counted), len(engine.heard))
	}

	task.Samples[3].Requests[0] = lorabench.Request{Kind: lorabench.Rolling, Prompt: "bad"}
	var fault error
	for _, err := range r.Jobs(&task) {
		fault = errors.Join(fault, err)
	}
	if fault == nil {
		t.Error("a text that cannot be encoded is counted")
	}
}
