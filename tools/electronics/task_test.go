package electronics

import (
	"flag"
	"math"
	"os"
	"runtime"
	"sync"
	"testing"

	"github.com/ailiance/lorabench"
	"github.com/ailiance/lorabench/scorers"
	"github.com/ailiance/lorabench/scorers/sandbox"
	"github.com/ailiance/lorabench/tasks"
	"github.com/ailiance/lorabench/tasks/generated"
)

var full = flag.Bool("full", false, "all samples of each task, not a part of them")

func TestMain(m *testing.M) {
	sandbox.Main()
	os.Exit(m.Run())
}

const (
	referenceAtLeast = 0.99
	nullAtMost       = 0.05
)

// checkTask holds what is promised of every generated task. Without -full each
// part-th sample is looked at. It returns the task's samples that it looked at.
func checkTask(t *testing.T, name string, tools scorers.Tools, least, part int) {
	t.Helper()
	definition, err := tasks.Lookup(name)
	if err != nil {
		t.Fatal(err)
	}
	if *full {
		part = 1
	}
	for _, seed := range []uint64{tasks.PublishedSeed, 7} {
		if seed == 7 && !*full {
			continue
		}
		options := tasks.DefaultOptions()
		options.TaskSeed = seed
		task, err := definition.Load(t.Context(), nil, options)
		if err != nil {
			t.Fatal(err)
		}
		if len(task.Samples) < least {
			t.Errorf("%d samples, want %d or more", len(task.Samples), least)
		}
		rows, err := definition.Rows(generated.Options{Split: generated.Test, Seed: seed})
		if err != nil || len(rows) != len(task.Samples) {
			t.Fatalf("%d rows of %d samples, %v", len(rows), len(task.Samples), err)
		}
		scorer, err := scorers.ForTask(task, tools)
		if err != nil {
			t.Fatal(err)
		}
		mutants := checkAnswers(t, task, rows, scorer, part)
		if mutants == 0 {
			t.Error("no mutant was looked at")
		}
		checkNulls(t, task, scorer, part)
	}
}

// checkAnswers scores references and mutants and returns how many mutants there
// were.
func checkAnswers(t *testing.T, task *lorabench.Task, rows []generated.Row, scorer scorers.Scorer, part int) int {
	t.Helper()
	var mutants sync.Map
	each(len(rows), func(i int) {
		if i%part != 0 {
			return
		}
		s := &task.Samples[i]
		for _, score := range scorer.Score(t.Context(), s, text(rows[i].Reference)) {
			if !score.Valued() || score.Value < referenceAtLeast {
				t.Errorf("%s: the reference has %s %g (%s%s)\nprompt: %s\nreference: %s", s.ID, score.Metric, score.Value, score.Unscored, score.Note, s.Requests[0].Prompt, rows[i].Reference)
			}
		}
		for k, m := range rows[i].Mutants {
			if !*full && (i/part+k)%3 != 0 { // each kind of mutant of some question
				continue
			}
			score := scorer.Score(t.Context(), s, text(m.Text))[0]
			if !score.Valued() || score.Value > 0 && task.Primary().Binary || score.Value >= 1 {
				t.Errorf("%s: the mutant %q has %s %g (%s%s)\nprompt: %s\nmutant: %s", s.ID, m.Name, score.Metric, score.Value, score.Unscored, score.Note, s.Requests[0].Prompt, m.Text)
			}
			mutants.Store([2]any{i, m.Name}, true)
		}
	})
	n := 0
	mutants.Range(func(any, any) bool { n++; return true })
	t.Logf("%s, %s: %d mutants, all wrong", task.Name, task.Dataset.Split, n)
	return n
}

// checkNulls scores what knows nothing.
func checkNulls(t *testing.T, task *lorabench.Task, scorer scorers.Scorer, part int) {
	t.Helper()
	for _, null := range task.Nulls {
		scores := make([][]lorabench.Score, len(task.Samples))
		each(len(task.Samples), func(i int) {
			if i%part == 0 {
				scores[i] = scorer.Score(t.Context(), &task.Samples[i], null.Outputs(&task.Samples[i]))
			}
		})
		for k, metric := range task.Metrics {
			var of []lorabench.Score
			for _, s := range scores {
				if s != nil {
					of = append(of, s[k])
				}
			}
			value, n, ok := scorers.Aggregate(metric, of)
			atMost := nullAtMost
			if part > 1 { // a part of the samples says less: two standard errors
				atMost += 2 * math.Sqrt(nullAtMost*(1-nullAtMost)/float64(n))
			}
			t.Logf("%s %s of %d: %.4f  %s", task.Name, metric.Name, n, value, null.Name)
			if !ok || k == 0 && value > atMost {
				t.Errorf("%s: %s of the null output %q is %g of %d samples, want at most %g", task.Name, metric.Name, null.Name, value, n, atMost)
			}
		}
	}
}

func text(s string) []lorabench.Output {
	return []lorabench.Output{{Text: s, Stop: lorabench.StopEOS}}
}

// each calls f with 0 to n-1 on all processors.
func each(n int, f func(int)) {
	next := make(chan int)
	var workers sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		workers.Go(func() {
			for i := range next {
				f(i)
			}
		})
	}
	for i := range n {
		next <- i
	}
	close(next)
	workers.Wait()
}

// TestEveryGeneratedTask holds that each generated task has its own test here.
func TestEveryGeneratedTask(t *testing.T) {
	for _, name := range tasks.Names() {
		d, err := tasks.Lookup(name)
		if err != nil {
			t.Fatal(err)
		}
		if d.Generated > 0 && !tested[name] {
			t.Errorf("%s is generated, and no test here looks at it", name)
		}
	}
}

// tested are the tasks that have a test here.
var tested = map[string]bool{
	"spice_sim":     true,
	"kicad_sch_gen": true,
	"sch_extract":   true,
	"erc":           true,
	"erc_delta":     true,
	"kicad_dsl":     true,
	"kicad_pcb":     true,
}
