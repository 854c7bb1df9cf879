package runners

import (
	"context"
	"errors"
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ailiance/lorabench"
	"github.com/ailiance/lorabench/results"
)

// lengthScorer scores every sample with what the outputs say.
type lengthScorer struct{}

func (lengthScorer) Score(_ context.Context, _ *lorabench.Sample, outputs []lorabench.Output) []lorabench.Score {
	sum := 0.0
	for _, o := range outputs {
		sum += o.LogLikelihood + float64(len(o.Text))
	}
	return []lorabench.Score{{Metric: "sum", Value: sum, Weight: 1}}
}

const run = "20260102-150405-abcd"

func testTask(name string, n int) Task {
	var samples []lorabench.Sample
	for i := range n {
		s := lorabench.Sample{ID: fmt.Sprint("s", i), Index: i, DocHash: fmt.Sprint("doc", i), PromptHash: fmt.Sprint("prompt", i)}
		switch i % 3 {
		case 0:
			for _, c := range []string{" yes", " no"} {
				s.Requests = append(s.Requests, lorabench.Request{Kind: lorabench.LogLikelihood, Prompt: fmt.Sprint("Question ", i), Continuation: c})
			}
		case 1:
			s.Requests = []lorabench.Request{{Kind: lorabench.Generate, Prompt: fmt.Sprint("Write ", i), MaxNewTokens: 5}}
		case 2:
			s.Requests = []lorabench.Request{{Kind: lorabench.Rolling, Prompt: strings.Repeat(fmt.Sprint("text ", i, " "), 20)}}
		}
		samples = append(samples, s)
	}
	return Task{
		Info:    lorabench.TaskInfo{Name: name, Version: "1", Metrics: []lorabench.Metric{{Name: "sum", Unit: "nats", Better: lorabench.Higher, Aggregate: lorabench.Mean}}},
		Samples: Arrange(name, samples, Random, 7, 0), Scorer: lengthScorer{},
		Identity: func(v lorabench.Variant) lorabench.Identity {
			id := lorabench.Identity{Base: "sha256:b", Tokenizer: "t", Template: "none", Dataset: "d", Task: name, Engine: "e", Arithmetic: "f32"}
			if !v.IsBase() {
				id.Adapter = &v.Name
			}
			return id
		},
	}
}

func testVariants() []lorabench.Variant {
	return []lorabench.Variant{{Name: lorabench.Base}, {Name: "math", Path: "math", AdapterHash: "math"}, {Name: "spice", Path: "spice", AdapterHash: "spice"}}
}

// bits are the results of all variants without what may differ.
func bits(t *testing.T, all [][]lorabench.SampleResult) string {
	t.Helper()
	var b strings.Builder
	for v, rs := range all {
		for _, r := range rs {
			fmt.Fprintf(&b, "%d %d %s", v, r.Position, r.SampleID)
			for _, o := range r.Outputs {
				fmt.Fprintf(&b, " %x %q %s %d", math.Float64bits(o.LogLikelihood), o.Text, o.Stop, o.NewTokens)
			}
			for _, s := range r.Scores {
				fmt.Fprintf(&b, " %s %x %s", s.Metric, math.Float64bits(s.Value), s.Unscored)
			}
			b.WriteByte('\n')
		}
	}
	return b.String()
}

func TestRunIsTheSameInAnyOrderOfAnswers(t *testing.T) {
	want := ""
	for seed := range uint64(20) {
		store, task := &Memory{}, testTask("mixed", 100)
		r := Runner{Engine: newFake(seed), Store: store, RunID: run, Variants: testVariants()}
		if err := r.Run(t.Context(), []Task{task}); err != nil {
			t.Fatal(err)
		}
		ms, all := store.Measurements()
		for v, m := range ms {
			if m.Status != lorabench.Done || len(all[v]) != 100 {
				t.Fatalf("seed %d: %s: %s, %d samples, want done, 100", seed, m.Variant.Name, m.Status, len(all[v]))
			}
			for position, s := range task.Samples {
				if all[v][position].SampleID != s.ID || all[v][position].Position != position {
					t.Fatalf("seed %d: position %d holds %s, want %s", seed, position, all[v][position].SampleID, s.ID)
				}
			}
		}
		got := bits(t, all)
		if want == "" {
			want = got
		}
		if got != want {
			t.Fatalf("seed %d: other bits than with seed 0", seed)
		}
	}
}

func TestRunStopsAndGoesOn(t *testing.T) {
	path := filepath.Join(t.TempDir(), "test.db")
	ctx := t.Context()
	uninterrupted := &Memory{}
	if err := (&Runner{Engine: newFake(1), Store: uninterrupted, RunID: run, Variants: testVariants()}).Run(ctx, []Task{testTask("a", 60), testTask("b", 60)}); err != nil {
		t.Fatal(err)
	}
	_, all := uninterrupted.Measurements()
	want := bits(t, all)

	jobs, stops := 0, 0
	for session := range 50 {
		store, err := results.Open(ctx, path, results.Options{})
		if errors.Is(err, results.ErrNoCgo) {
			t.Skip(err)
		}
		if err != nil {
			t.Fatal(err)
		}
		if session == 0 {
			err = store.CreateRun(ctx, lorabench.Run{ID: run, Started: time.Now(), Model: "m"})
		} else {
			err = store.LockRun(ctx, run)
		}
		if err != nil {
			t.Fatal(err)
		}
		stop, cancel := context.WithCancel(ctx)
		engine := newFake(uint64(session))
		r := Runner{
			Engine: engine, Store: Stored{Store: store, Resume: session > 0}, RunID: run, Variants: testVariants(),
			Progress: func(p Progress) {
				if p.Session > 40 {
					cancel()
				}
			},
		}
		err = r.Run(stop, []Task{testTask("a", 60), testTask("b", 60)})
		jobs += engine.jobs
		if engine.Pending() > 0 {
			t.Errorf("session %d: %d jobs left in the engine", session, engine.Pending())
		}
		cancel()
		if errors.Is(err, context.Canceled) {
			stops++
			ms, _ := store.Measurements(ctx, run)
			if m := ms[len(ms)-1]; m.Status != lorabench.Interrupted {
				t.Errorf("session %d: status %s, want interrupted", session, m.Status)
			}
		} else if err != nil {
			t.Fatal(err)
		}
		if err == nil {
			var got [][]lorabench.SampleResult
			ms, err := store.Measurements(ctx, run)
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range ms {
				if m.Status != lorabench.Done {
					t.Errorf("%s on %s: %s, want done", m.Task.Name, m.Variant.Name, m.Status)
				}
				var rs []lorabench.SampleResult
				for r, err := range store.SampleResults(ctx, m.ID) {
					if err != nil {
						t.Fatal(err)
					}
					rs = append(rs, r)
				}
				got = append(got, rs)
			}
			if bits(t, got) != want {
				t.Error("the run that was stopped ends with other bits than the one that was not")
			}
			store.Close()
			if stops < 3 {
				t.Errorf("%d stops, want at least 3: the test shows little", stops)
			}
			return
		}
		store.Close()
	}
	t.Fatal("not done after 50 sessions")
}

func TestBudgetEndsATaskAndKeepsWhatIsDone(t *testing.T) {
	engine := newFake(1)
	engine.pause = 2 * time.Millisecond
	store := &Memory{}
	task := testTask("slow", 20000)
	r := Runner{Engine: engine, Store: store, RunID: run, Variants: testVariants(), TaskBudgets: map[string]time.Duration{"slow": 50 * time.Millisecond}}
	if err := r.Run(t.Context(), []Task{task, testTask("quick", 9)}); err != nil {
		t.Fatal(err)
	}
	ms, all := store.Measurements()
	for i, m := range ms {
		switch {
		case m.Task.Name == "slow" && (m.Status != lorabench.TimedOut || len(all[i]) == 0 || len(all[i]) == m.Total):
			t.Errorf("slow on %s: %s, %d of %d, want timeout with some", m.Variant.Name, m.Status, len(all[i]), m.Total)
		case m.Task.Name == "quick" && (m.Status != lorabench.Done || len(all[i]) != 9):
			t.Errorf("quick on %s: %s, %d of %d, want done", m.Variant.Name, m.Status, len(all[i]), m.Total)
		}
	}
	if engine.Pending() > 0 {
		t.Errorf("%d jobs left in the engine", engine.Pending())
	}
}

func TestRunBudgetIsSharedByTasks(t *testing.T) {
	engine := newFake(1)
	engine.pause = time.Millisecond
	store := &Memory{}
	r := Runner{Engine: engine, Store: store, RunID: run, Variants: testVariants(), Budget: 100 * time.Millisecond}
	if err := r.Run(t.Context(), []Task{testTask("first", 20000), testTask("second", 20000)}); err != nil {
		t.Fatal(err)
	}
	ms, all := store.Measurements()
	if len(ms) != 6 {
		t.Fatalf("%d measurements, want 6", len(ms))
	}
	for i, m := range ms {
		if m.Status != lorabench.TimedOut || len(all[i]) == 0 {
			t.Errorf("%s on %s: %s with %d samples, want timeout with some", m.Task.Name, m.Variant.Name, m.Status, len(all[i]))
		}
	}
}

func TestSampleBudget(t *testing.T) {
	engine := newFake(1)
	engine.forever, engine.pause = true, time.Millisecond
	store := &Memory{}
	r := Runner{Engine: engine, Store: store, RunID: run, Variants: testVariants()[:1], SampleBudget: 20 * time.Millisecond}
	if err := r.Run(t.Context(), []Task{testTask("mixed", 30)}); err != nil {
		t.Fatal(err)
	}
	_, all := store.Measurements()
	cut := 0
	for _, r := range all[0] {
		if r.Index%3 == 1 {
			if o := r.Outputs[0]; o.Stop != lorabench.StopTime || o.Text != "cut" || !r.Scores[0].Valued() {
				t.Errorf("sample %s: stop %q, text %q, want what was written, scored", r.SampleID, o.Stop, o.Text)
			}
			cut++
		}
	}
	if cut != 10 || len(all[0]) != 30 {
		t.Errorf("%d texts cut of %d samples, want 10 of 30", cut, len(all[0]))
	}
}

func TestFaultsOfASampleAreReasons(t *testing.T) {
	task := testTask("mixed", 3)
	for i := range task.Samples {
		s := &task.Samples[i]
		switch s.Index {
		case 0:
			s.Requests[1].Continuation = " #" // the engine refuses it
		case 1:
			s.Requests[0].Prompt = "bad" // the tokenizer does
		case 2:
			s.Requests = []lorabench.Request{{Kind: lorabench.Generate, Prompt: "x", MaxNewTokens: 64}}
		}
	}
	store := &Memory{}
	if err := (&Runner{Engine: newFake(1), Store: store, RunID: run, Variants: testVariants()}).Run(t.Context(), []Task{task}); err != nil {
		t.Fatal(err)
	}
	_, all := store.Measurements()
	want := map[int]string{0: "token out of range", 1: "request 0: cannot be encoded", 2: "leave no room for a prompt"}
	for _, rs := range all {
		for _, r := range rs {
			if s := r.Scores[0]; s.Valued() || !strings.Contains(s.Unscored, want[r.Index]) || r.Outputs != nil {
				t.Errorf("sample %d: %+v, want no value because %s", r.Index, s, want[r.Index])
			}
		}
	}
}

// failingStore stops storing after some results.
type failingStore struct {
	Memory
	left int
}

var errFull = errors.New("disk full")

func (s *failingStore) AppendAll(ctx context.Context, measured []results.Measured) error {
	if s.left -= len(measured); s.left < 0 {
		return errFull
	}
	return s.Memory.AppendAll(ctx, measured)
}

func TestFaultsOfTheRunLeaveItToBeResumed(t *testing.T) {
	broken := newFake(1)
	broken.failAt = 20
	store := &Memory{}
	err := (&Runner{Engine: broken, Store: store, RunID: run, Variants: testVariants()}).Run(t.Context(), []Task{testTask("mixed", 5000)})
	if err == nil || !strings.Contains(err.Error(), "task mixed: the engine broke") {
		t.Errorf("error %v, want the engine's", err)
	}
	ms, all := store.Measurements()
	if ms[0].Status != "" || len(all[0]) == 0 { // never finished
		t.Errorf("status %q with %d samples, want none with some", ms[0].Status, len(all[0]))
	}
	full := &failingStore{left: 100}
	if err := (&Runner{Engine: newFake(1), Store: full, RunID: run, Variants: testVariants()}).Run(t.Context(), []Task{testTask("mixed", 500)}); !errors.Is(err, errFull) {
		t.Errorf("error %v, want %v", err, errFull)
	}
	if ms, _ := full.Measurements(); ms[0].Status != "" {
		t.Errorf("status %q, want none: it was not finished", ms[0].Status)
	}
}

func TestArrange(t *testing.T) {
	samples := testTask("x", 50).Samples
	slices.SortFunc(samples, func(a, b lorabench.Sample) int { return a.Index - b.Index })
	ids := func(s []lorabench.Sample) string {
		var b strings.Builder
		for _, x := range s {
			b.WriteString(x.ID + " ")
		}
		return b.String()
	}
	a, again := ids(Arrange("x", samples, Random, 1, 0)), ids(Arrange("x", samples, Random, 1, 0))
	if a != again {
		t.Error("the same seed gives two orders")
	}
	if a == ids(Arrange("x", samples, Random, 2, 0)) || a == ids(Arrange("y", samples, Random, 1, 0)) || a == ids(samples) {
		t.Error("seed, task or shuffling do not matter")
	}
	if !strings.HasPrefix(a, ids(Arrange("x", samples, Random, 1, 10))) {
		t.Error("a limit does not take the first of the order")
	}
	fewer := slices.DeleteFunc(slices.Clone(samples), func(s lorabench.Sample) bool { return s.Index == 20 })
	if strings.ReplaceAll(a, "s20 ", "") != ids(Arrange("x", fewer, Random, 1, 0)) {
		t.Error("without one sample the others are in another order")
	}
	if got := ids(Arrange("x", samples, FromDataset, 1, 3)); got != "s0 s1 s2 " {
		t.Errorf("order of the dataset: %s", got)
	}
}
