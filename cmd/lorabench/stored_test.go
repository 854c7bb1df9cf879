package main

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ailiance/lorabench"
	"github.com/ailiance/lorabench/env"
	"github.com/ailiance/lorabench/reports"
	"github.com/ailiance/lorabench/results"
)

var update = flag.Bool("update", false, "rewrite golden files")

// golden compares got with testdata/name, or writes it with -update.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("%v (go test -update writes it)", err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s differs (go test -update rewrites it); got:\n%s", path, got)
	}
}

// command runs lorabench with args.
func command(t *testing.T, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	return commandReading(t, "", args...)
}

func commandReading(t *testing.T, stdin string, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	var out, messages bytes.Buffer
	code = run(t.Context(), env.Stdio{
		In: strings.NewReader(stdin), Out: &out, Err: &messages, Width: 80, Getenv: func(string) string { return "" },
	}, args)
	return out.String(), messages.String(), code
}

// jsonOf runs a command that prints one JSON document and checks that it is one.
func jsonOf(t *testing.T, args ...string) []byte {
	t.Helper()
	stdout, stderr, _ := command(t, args...)
	if !json.Valid([]byte(stdout)) {
		t.Fatalf("%v: no JSON document: %s%s", args, stdout, stderr)
	}
	return []byte(stdout)
}

var (
	accuracy    = lorabench.Metric{Name: "acc", Unit: "fraction", Better: lorabench.Higher, Aggregate: lorabench.Mean, Binary: true, Margin: 0.05}
	compression = lorabench.Metric{Name: "bits_per_byte", Unit: "bits/byte", Better: lorabench.Lower, Aggregate: lorabench.Ratio, Margin: 0.02}
)

// testArm is one measurement of a stored run.
type testArm struct {
	task, variant string
	metric        lorabench.Metric
	status        lorabench.Status
	total         int       // 0: as many as values
	values        []float64 // by position; NaN where nothing is stored
	outputs       func(i int) []lorabench.Output
}

// right is n scores, of which the first k are 1.
func right(n, k int) []float64 {
	values := make([]float64, n)
	for i := range k {
		values[i] = 1
	}
	return values
}

const testRun = "20260102-150405-abcd"

// storeRun writes a run into the database at path.
func storeRun(t *testing.T, path, id string, refused []reports.Refusal, arms ...testArm) {
	t.Helper()
	ctx := context.Background()
	store, err := results.Open(ctx, path, results.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	s := defaultSettings()
	s.Model, s.Refused = "model", refused
	resolved, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	started, err := time.Parse("20060102-150405", id[:15])
	if err != nil {
		t.Fatal(err)
	}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(store.CreateRun(ctx, lorabench.Run{ID: id, Started: started, Command: []string{"lorabench", "run"}, Model: "model", Settings: resolved}))
	for _, a := range arms {
		m := a.measurement(id, started)
		number, err := store.CreateMeasurement(ctx, m)
		must(err)
		for i, v := range a.values {
			if math.IsNaN(v) {
				continue
			}
			r := lorabench.SampleResult{
				SampleID: fmt.Sprintf("q%03d", i), Index: i, Position: i, DocHash: fmt.Sprintf("doc%d", i), PromptHash: fmt.Sprintf("prompt%d", i),
				Scores: []lorabench.Score{{Metric: a.metric.Name, Value: v, Weight: 1}}, Elapsed: 1500 * time.Microsecond,
			}
			if a.outputs != nil {
				r.Outputs = a.outputs(i)
			}
			must(store.Append(ctx, number, r))
		}
		if a.status != lorabench.Running {
			must(store.Finish(ctx, number, m.Status, time.Minute))
		}
	}
}

func (a testArm) measurement(run string, started time.Time) lorabench.Measurement {
	m := lorabench.Measurement{
		Run: run, Variant: lorabench.Variant{Name: a.variant}, Status: a.status, Total: a.total, Started: started,
		Task: lorabench.TaskInfo{
			Name: a.task, Version: "1", Title: "a test", Metrics: []lorabench.Metric{a.metric},
			Dataset: lorabench.Dataset{Name: "test", Split: "test", Rows: 200, SHA256: "da7a"},
			Floors:  map[string]lorabench.Floor{a.metric.Name: {Value: 0.25, Output: "always the first choice"}},
		},
		Identity: lorabench.Identity{Base: "sha256:ba5e", Tokenizer: "t", Template: "none", Dataset: "sha256:da7a", Task: "sha256:7a5c", Engine: "e", Arithmetic: "f32"},
	}
	if m.Status == "" {
		m.Status = lorabench.Done
	}
	if m.Total == 0 {
		m.Total = len(a.values)
	}
	if a.variant != lorabench.Base {
		m.Variant.Path, m.Variant.AdapterHash = "adapters/"+a.variant, "sha256:"+a.variant
		m.Variant.Proof = &lorabench.Proof{Applied: true, Tensors: 4, Modules: 2, Ranks: []int{8}, Scales: []float64{2}}
		m.Identity.Adapter = &m.Variant.AdapterHash
	}
	return m
}

// pair is the base and an adapter on one task.
func pair(adapter string, base, tuned []float64) []testArm {
	return []testArm{
		{task: "quiz", variant: lorabench.Base, metric: accuracy, values: base},
		{task: "quiz", variant: adapter, metric: accuracy, values: tuned},
	}
}

func testDB(t *testing.T) string { return filepath.Join(t.TempDir(), "test.db") }

func TestCommonPrefix(t *testing.T) {
	at := func(positions ...int) []lorabench.SampleResult {
		var arm []lorabench.SampleResult
		for _, p := range positions {
			arm = append(arm, lorabench.SampleResult{Position: p})
		}
		return arm
	}
	for _, tt := range []struct {
		name string
		arms [][]lorabench.SampleResult
		want int
	}{
		{"no variant", nil, 0},
		{"nothing stored", [][]lorabench.SampleResult{nil, nil}, 0},
		{"all have all", [][]lorabench.SampleResult{at(0, 1, 2), at(0, 1, 2)}, 3},
		{"one arm is shorter", [][]lorabench.SampleResult{at(0, 1, 2), at(0, 1)}, 2},
		{"a slow one is missing in one arm", [][]lorabench.SampleResult{at(0, 1, 2, 3, 4), at(0, 1, 3, 4)}, 2},
		{"different ones are missing", [][]lorabench.SampleResult{at(0, 1, 2, 4), at(0, 2, 3, 4)}, 1},
		{"the first is missing", [][]lorabench.SampleResult{at(1, 2, 3), at(0, 1, 2, 3)}, 0},
		{"one arm has nothing", [][]lorabench.SampleResult{at(0, 1), nil}, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := commonPrefix(tt.arms); got != tt.want {
				t.Errorf("commonPrefix = %d, want %d", got, tt.want)
			}
		})
	}
}

// Slow samples that a budget cut off must not make the rest count: here all that
// the adapter got right lies behind a slow one.
func TestLoadRunKeepsTheCommonPrefix(t *testing.T) {
	nan := math.NaN()
	base := []float64{0, 1, 0, 0, 1, 1}
	tuned := []float64{0, 1, nan, 1, 1, nan}
	for _, tt := range []struct {
		name         string
		base, tuned  lorabench.Status
		wantBase     int
		wantTuned    int
		wantWarnings string
	}{
		{"the budget ended for both", lorabench.TimedOut, lorabench.TimedOut, 2, 2, "6 results behind them are left out"},
		{"both were killed", lorabench.Running, lorabench.Running, 2, 2, "6 results behind them are left out"},
		{"the base had ended", lorabench.Done, lorabench.Interrupted, 6, 2, "2 results behind them are left out"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			db := testDB(t)
			storeRun(t, db, testRun, nil,
				testArm{task: "quiz", variant: lorabench.Base, metric: accuracy, status: tt.base, values: base},
				testArm{task: "quiz", variant: "math", metric: accuracy, status: tt.tuned, values: tuned})
			err := readStore(t.Context(), db, func(store *results.Store) error {
				r, data, err := buildReport(t.Context(), store, "", "")
				if err != nil {
					return err
				}
				if got := []int{len(data.Measurements[0].Results), len(data.Measurements[1].Results)}; got[0] != tt.wantBase || got[1] != tt.wantTuned {
					t.Errorf("results of base and adapter: %v, want [%d %d]", got, tt.wantBase, tt.wantTuned)
				}
				if all := strings.Join(r.Warnings, "\n"); !strings.Contains(all, tt.wantWarnings) {
					t.Errorf("warnings say nothing of %q:\n%s", tt.wantWarnings, all)
				}
				if c := r.Tasks[0].Comparison("math", ""); c.N != 2 || len(c.Invalid) > 0 || *c.Lift != 0 {
					t.Errorf("comparison of %d pairs with lift %v, invalid %v; want 2 pairs without lift", c.N, *c.Lift, c.Invalid)
				}
				return nil
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
}

func TestLoadRunGivesRefusals(t *testing.T) {
	db := testDB(t)
	want := reports.Refusal{Name: "fake", Reason: "all B are zero"}
	storeRun(t, db, testRun, []reports.Refusal{want}, pair("math", right(10, 5), right(10, 5))...)
	err := readStore(t.Context(), db, func(store *results.Store) error {
		data, refused, err := loadRun(t.Context(), store, "2026")
		if err == nil && (data.Run.ID != testRun || len(refused) != 1 || refused[0] != want) {
			t.Errorf("run %s with refusals %v, want %s with %v", data.Run.ID, refused, testRun, want)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

func TestExplainStoredErrors(t *testing.T) {
	for _, tt := range []struct {
		err  error
		code int
		hint string
	}{
		{&results.NewerSchemaError{Path: "x.db", Have: 9, Know: 1}, exitFault, "a later lorabench"},
		{&results.ForeignDatabaseError{Path: "x.db", Reason: "its application_id"}, exitFault, "--db FILE"},
		{&results.CorruptError{Path: "x.db", Detail: "page 3"}, exitFault, "keep a copy"},
		{&results.LockedError{Path: "x.db"}, exitFault, "wait until"},
		{&results.RunLockedError{Path: "x.db", Owner: results.Owner{Run: "r", PID: 7}}, exitFault, "wait until"},
		{&results.RunNotFoundError{Path: "x.db"}, exitFault, "lorabench run makes one"},
		{&results.RunNotFoundError{Path: "x.db", Run: "r"}, exitUsage, "lorabench runs"},
		{&results.AmbiguousRunError{Prefix: "2", Runs: []string{"21", "22"}}, exitUsage, "more of the id"},
		{fmt.Errorf("store: %w", results.ErrDiskFull), exitFault, "--resume"},
		{fmt.Errorf("store: %w", results.ErrReadOnly), exitFault, "may be written"},
		{results.ErrNoCgo, exitFault, "lorabench doctor"},
		{fmt.Errorf("gate.yaml: %w", &reports.PolicyError{Line: 3, Problem: "unknown key"}), exitUsage, "a policy has alpha"},
		{verdictError{reports.Inconclusive}, 4, ""},
		{fmt.Errorf("x: %w", context.Canceled), exitInterrupted, ""},
	} {
		var text bytes.Buffer
		code := explain(&text, tt.err)
		if code != tt.code || !strings.Contains(text.String(), tt.hint) || tt.hint == "" && strings.Contains(text.String(), "hint:") {
			t.Errorf("explain(%v) = %d, %q; want %d and the hint %q", tt.err, code, text.String(), tt.code, tt.hint)
		}
	}
}
