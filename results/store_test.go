//go:build cgo

package results

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ailiance/lorabench"
)

func open(t *testing.T, path string, opts Options) *Store {
	t.Helper()
	s, err := Open(t.Context(), path, opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return s
}

func newPath(t *testing.T) string { return filepath.Join(t.TempDir(), "lorabench.db") }

// testMeasurement has every field set.
func testMeasurement(run, variant string) lorabench.Measurement {
	m := lorabench.Measurement{
		Run: run,
		Task: lorabench.TaskInfo{
			Name: "arc_easy", Version: "1.0", Title: "ARC, the easy part", Source: "arXiv:1803.05457",
			Dataset:  lorabench.Dataset{Name: "arc/ARC-Easy", Split: "test", Rows: 2376, SHA256: "d1"},
			NumShots: 5, Scorer: "choice",
			Metrics: []lorabench.Metric{
				{Name: "acc", Unit: "fraction", Better: lorabench.Higher, Aggregate: lorabench.Mean, Binary: true, Margin: 0.02},
				{Name: "ppl", Unit: "perplexity", Better: lorabench.Lower, Aggregate: lorabench.ExpRatio, Margin: math.Copysign(0, -1)},
			},
			Floors: map[string]lorabench.Floor{
				"acc": {Value: 0.1 + 0.2, Output: "always the first choice"},
				"ppl": {Value: math.Inf(1), Output: ""},
			},
		},
		Variant: lorabench.Variant{Name: variant},
		Identity: lorabench.Identity{
			Base: "sha256:b", Tokenizer: "sha256:t", Template: "none", Dataset: "sha256:d",
			Task: "sha256:k", Engine: "lorabench 1", Arithmetic: "f32",
		},
		Status: lorabench.Running, Total: 3, Started: time.Date(2026, 1, 2, 16, 0, 0, 1, time.UTC), Elapsed: time.Second + 1,
	}
	if variant != lorabench.Base {
		hash := "sha256:a"
		m.Variant.Path, m.Variant.AdapterHash, m.Identity.Adapter = "adapters/\xff", hash, &hash
		m.Variant.Proof = &lorabench.Proof{
			Applied: true, Tensors: 4, Modules: 2, Targets: []string{"q_proj"}, Ranks: []int{8}, Scales: []float64{1.0 / 3},
			Probe: lorabench.Probe{Tokens: 9, KL: 5e-324, MaxLogitDifference: 0.1, ZeroBEqualsBase: true},
		}
	}
	return m
}

// testResult is the result of sample n, with numbers and texts that are easily lost.
func testResult(n int) lorabench.SampleResult {
	return lorabench.SampleResult{
		SampleID: fmt.Sprintf("sample-%d", n), Index: 1000 - n, Position: n, DocHash: "dh", PromptHash: "ph", Cluster: "c",
		Outputs: []lorabench.Output{
			{LogLikelihood: -math.Sqrt(float64(n + 1)), Greedy: n%2 == 0, Text: fmt.Sprint("answer ", n), Thinking: "hm", Stop: lorabench.StopEOS, PromptTokens: 7, ComputedTokens: 3, NewTokens: 2},
			{LogLikelihood: math.Inf(-1)},
		},
		Scores: []lorabench.Score{
			{Metric: "ppl", Unscored: "no text", Weight: 1},
			{Metric: "acc", Value: 1 / float64(n+3), Weight: 0.1, Note: "note"},
		},
		Elapsed: time.Duration(n)*time.Millisecond + 1,
	}
}

// begin makes a run with one measurement of the base.
func begin(t *testing.T, s *Store, run string) MeasurementID {
	t.Helper()
	if err := s.CreateRun(t.Context(), testRun(run)); err != nil {
		t.Fatal(err)
	}
	id, err := s.CreateMeasurement(t.Context(), testMeasurement(run, lorabench.Base))
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func collect(t *testing.T, s *Store, id MeasurementID) []lorabench.SampleResult {
	t.Helper()
	var all []lorabench.SampleResult
	for r, err := range s.SampleResults(t.Context(), id) {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, r)
	}
	return all
}

// sameBits compares results, numbers by their bits. It works on copies.
func sameBits(t *testing.T, got, want []lorabench.SampleResult) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("got %d samples, want %d", len(got), len(want))
	}
	for i := range got {
		if g, w := bits(got[i]), bits(want[i]); !reflect.DeepEqual(g, w) {
			t.Errorf("sample %d:\n got %#v\nwant %#v", i, g, w)
		}
	}
}

// bits returns r and the bits of its numbers, which == does not tell apart.
func bits(r lorabench.SampleResult) []any {
	all := []any{r}
	for _, o := range r.Outputs {
		all = append(all, math.Float64bits(o.LogLikelihood))
	}
	for _, s := range r.Scores {
		all = append(all, math.Float64bits(s.Value), math.Float64bits(s.Weight))
	}
	return all
}

func TestRoundTrip(t *testing.T) {
	path := newPath(t)
	s := open(t, path, Options{})
	run := testRun("20260102-150405-abcd")
	run.Started = run.Started.In(time.FixedZone("", 3600))
	if err := s.CreateRun(t.Context(), run); err != nil {
		t.Fatal(err)
	}
	bare := lorabench.Run{ID: "bare"}
	if err := s.CreateRun(t.Context(), bare); err != nil {
		t.Fatal(err)
	}
	want := []lorabench.Measurement{testMeasurement(run.ID, "math"), testMeasurement(run.ID, lorabench.Base)}
	want[1].Task.Floors = nil
	want[1].Task.Name = "gsm8k"
	ids := make([]MeasurementID, len(want))
	for i, m := range want {
		var err error
		if ids[i], err = s.CreateMeasurement(t.Context(), m); err != nil {
			t.Fatal(err)
		}
	}

	hostile := "\x00 zero, \xff\xfe no UTF-8, ' \" ; \u2028 \U0001F600\r\n"
	numbers := []float64{
		math.Copysign(0, -1), 0, math.Inf(-1), math.Inf(1), 5e-324, -math.MaxFloat64, 0.1, 1.0 / 3, 3, -7, 1 << 60,
		math.Nextafter(1, 2), math.Float64frombits(0x000fffffffffffff),
	}
	long := strings.Repeat("0123456789", 300_000)
	results := []lorabench.SampleResult{
		{
			SampleID: "a", Index: -1, Position: 7, DocHash: "x", PromptHash: "y", Cluster: "z",
			Outputs: []lorabench.Output{
				{Text: hostile, Thinking: hostile + "!", Stop: lorabench.StopString, Greedy: true, PromptTokens: 1, ComputedTokens: 2, NewTokens: 3},
				{Text: long, Stop: lorabench.StopTime},
				{Text: "\x00", Thinking: "\xff", Stop: lorabench.StopLength},
			},
			Scores: []lorabench.Score{
				{Metric: "ppl", Unscored: hostile, Weight: math.Copysign(0, -1), Note: hostile},
				{Metric: "acc", Value: math.Copysign(0, -1), Weight: 1},
			},
			Elapsed: math.MaxInt64,
		},
		{SampleID: "", Position: 2},
	}
	for i, v := range numbers {
		results = append(results, lorabench.SampleResult{
			SampleID: fmt.Sprint("number", i), Position: 100 - i,
			Outputs: []lorabench.Output{{LogLikelihood: v}},
			Scores:  []lorabench.Score{{Metric: "acc", Value: v, Weight: v}},
		})
	}
	if err := s.Append(t.Context(), ids[0], results[0]); err != nil {
		t.Fatal(err)
	}
	var rest []Measured
	for _, r := range results[1:] {
		rest = append(rest, Measured{ids[0], r})
	}
	rest = append(rest, Measured{ids[1], results[0]})
	if err := s.AppendAll(t.Context(), rest); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}

	// In the order of positions: "", a, then the numbers backwards.
	ordered := []lorabench.SampleResult{results[1], results[0]}
	for i := len(results) - 1; i >= 2; i-- {
		ordered = append(ordered, results[i])
	}
	for _, how := range []struct {
		name string
		open func(context.Context, string, Options) (*Store, error)
	}{{"Open", Open}, {"OpenReadOnly", OpenReadOnly}} {
		t.Run(how.name, func(t *testing.T) {
			s, err := how.open(t.Context(), path, Options{})
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			if err := s.Check(t.Context()); err != nil {
				t.Error(err)
			}
			got, err := s.FindRun(t.Context(), run.ID)
			if err != nil {
				t.Fatal(err)
			}
			wantRun := run
			wantRun.Started = run.Started.UTC()
			if !reflect.DeepEqual(got, wantRun) {
				t.Errorf("run:\n got %#v\nwant %#v", got, wantRun)
			}
			if got, err := s.FindRun(t.Context(), "bare"); err != nil || !reflect.DeepEqual(got, bare) {
				t.Errorf("bare run: got %#v, %v, want %#v", got, err, bare)
			}
			list, err := s.Measurements(t.Context(), run.ID)
			if err != nil || len(list) != len(want) {
				t.Fatalf("got %d measurements (%v), want %d", len(list), err, len(want))
			}
			for i, m := range list {
				if !reflect.DeepEqual(m.Measurement, want[i]) {
					t.Errorf("measurement %d:\n got %#v\nwant %#v", i, m.Measurement, want[i])
				}
				if margin := m.Task.Metrics[1].Margin; !math.Signbit(margin) {
					t.Errorf("margin %v, want -0", margin)
				}
				if m.ID != ids[i] {
					t.Errorf("measurement %d has number %d, want %d", i, m.ID, ids[i])
				}
				alone, err := s.Measurement(t.Context(), m.ID)
				if err != nil || !reflect.DeepEqual(alone, m) {
					t.Errorf("Measurement(%d) = %+v, %v, want %+v", m.ID, alone, err, m)
				}
				found, err := s.FindMeasurement(t.Context(), run.ID, m.Task.Name, m.Variant.Name)
				if err != nil || !reflect.DeepEqual(found, m) {
					t.Errorf("FindMeasurement = %+v, %v, want %+v", found, err, m)
				}
			}
			if list[0].Measured != len(results) || list[1].Measured != 1 {
				t.Errorf("measured %d and %d, want %d and 1", list[0].Measured, list[1].Measured, len(results))
			}
			sameBits(t, collect(t, s, ids[0]), ordered)
			sameBits(t, collect(t, s, ids[1]), results[:1])
			done, err := s.Done(t.Context(), ids[0])
			if err != nil || len(done) != len(results) {
				t.Fatalf("got %d done (%v), want %d", len(done), err, len(results))
			}
			for _, r := range results {
				if p, ok := done[r.SampleID]; !ok || p != r.Position {
					t.Errorf("done[%q] = %d, %v, want %d", r.SampleID, p, ok, r.Position)
				}
			}
		})
	}
}

func TestDurabilitySettings(t *testing.T) {
	s := open(t, newPath(t), Options{})
	for _, tt := range []struct {
		pragma string
		db     *sql.DB
		want   string
	}{
		{"journal_mode", s.write, "wal"},
		{"synchronous", s.write, "2"}, // FULL
		{"foreign_keys", s.write, "1"},
		{"fullfsync", s.write, "1"},
		{"checkpoint_fullfsync", s.write, "1"},
		{"trusted_schema", s.write, "0"},
		{"busy_timeout", s.write, "10000"},
		{"application_id", s.read, fmt.Sprint(applicationID)},
		{"user_version", s.read, "1"},
	} {
		var got string
		if err := tt.db.QueryRow("PRAGMA " + tt.pragma).Scan(&got); err != nil || got != tt.want {
			t.Errorf("%s is %s (%v), want %s", tt.pragma, got, err, tt.want)
		}
	}
	rows, err := s.read.Query("SELECT name, strict FROM pragma_table_list WHERE schema = 'main' AND name NOT LIKE 'sqlite_%'")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	n := 0
	for ; rows.Next(); n++ {
		var name string
		var strict bool
		if err := rows.Scan(&name, &strict); err != nil || !strict {
			t.Errorf("table %s: strict %v (%v), want true", name, strict, err)
		}
	}
	if n != 6 {
		t.Errorf("%d tables, want 6", n)
	}
}

// Readers of large runs must not sort.
func TestReadInIndexOrder(t *testing.T) {
	s := open(t, newPath(t), Options{})
	for _, query := range []string{selectSamples, selectOutputs, selectScores} {
		rows, err := s.read.Query("EXPLAIN QUERY PLAN "+query, 1)
		if err != nil {
			t.Fatal(err)
		}
		for rows.Next() {
			var id, parent, unused int
			var detail string
			if err := rows.Scan(&id, &parent, &unused, &detail); err != nil {
				t.Fatal(err)
			}
			if strings.Contains(detail, "TEMP B-TREE") || strings.HasPrefix(detail, "SCAN") {
				t.Errorf("%s\n%s", query, detail)
			}
		}
		rows.Close()
	}
}

func TestNothingMeasuredTwice(t *testing.T) {
	s := open(t, newPath(t), Options{})
	id := begin(t, s, "r")
	first := testResult(0)
	if err := s.Append(t.Context(), id, first); err != nil {
		t.Fatal(err)
	}
	again := testResult(0)
	again.Position = 5
	other := testResult(1)
	other.Position = 0
	for _, tt := range []struct {
		name  string
		batch []Measured
		want  string // stored sample
	}{
		{"same sample", []Measured{{id, testResult(2)}, {id, again}}, "sample-0"},
		{"same position", []Measured{{id, testResult(2)}, {id, other}}, "sample-0"},
		{"twice in a batch", []Measured{{id, testResult(3)}, {id, testResult(3)}}, "sample-3"},
	} {
		err := s.AppendAll(t.Context(), tt.batch)
		var duplicate *DuplicateSampleError
		if !errors.As(err, &duplicate) || duplicate.StoredSample != tt.want {
			t.Errorf("%s: got %v, want a DuplicateSampleError of %s", tt.name, err, tt.want)
		}
	}
	sameBits(t, collect(t, s, id), []lorabench.SampleResult{first}) // nothing of the refused batches
}

func TestRefusedResults(t *testing.T) {
	s := open(t, newPath(t), Options{})
	id := begin(t, s, "r")
	nan := math.NaN()
	for _, tt := range []struct {
		name   string
		change func(*lorabench.SampleResult)
		want   string
	}{
		{"log-likelihood NaN", func(r *lorabench.SampleResult) { r.Outputs[1].LogLikelihood = nan }, "not a number"},
		{"value NaN", func(r *lorabench.SampleResult) { r.Scores[1].Value = nan }, "want numbers"},
		{"weight NaN", func(r *lorabench.SampleResult) { r.Scores[1].Weight = nan }, "want numbers"},
		{"value and reason", func(r *lorabench.SampleResult) { r.Scores[0].Value = 1 }, "both a value"},
		{"unknown metric", func(r *lorabench.SampleResult) { r.Scores[0].Metric = "f1" }, "task has no metric f1"},
		{"metric twice", func(r *lorabench.SampleResult) { r.Scores[0].Metric = "acc" }, "UNIQUE"},
		{"negative tokens", func(r *lorabench.SampleResult) { r.Outputs[0].NewTokens = -1 }, "CHECK"},
		{"unknown stop", func(r *lorabench.SampleResult) { r.Outputs[0].Stop = "bored" }, "CHECK"},
		{"negative position", func(r *lorabench.SampleResult) { r.Position = -1 }, "CHECK"},
		{"id not UTF-8", func(r *lorabench.SampleResult) { r.SampleID = "\xff" }, "not UTF-8"},
	} {
		r := testResult(0)
		tt.change(&r)
		if err := s.Append(t.Context(), id, r); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: got %v, want an error with %q", tt.name, err, tt.want)
		}
	}
	if got := collect(t, s, id); len(got) != 0 {
		t.Errorf("stored %d samples, want none", len(got))
	}
	var missing *MeasurementNotFoundError
	if err := s.Append(t.Context(), 99, testResult(0)); !errors.As(err, &missing) || missing.ID != 99 {
		t.Errorf("unknown measurement: got %v, want a MeasurementNotFoundError", err)
	}
}

// The rules hold in the file itself, whoever writes it.
func TestSchemaRules(t *testing.T) {
	s := open(t, newPath(t), Options{})
	id := begin(t, s, "r")
	if err := s.Append(t.Context(), id, testResult(0)); err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{
		"UPDATE score SET unscored = x'61'",
		"UPDATE score SET value = NULL, unscored = NULL",
		"UPDATE score SET value = 1 WHERE value IS NOT NULL", // an integer
		"UPDATE score SET unscored = x'' WHERE value IS NULL",
		"UPDATE output SET loglikelihood = NULL",
		"UPDATE output SET text = 'text'",
		"UPDATE measurement SET status = 'maybe'",
		"UPDATE measurement SET run = 99",
		"UPDATE run SET settings = '{'",
		"UPDATE metric SET better = 'sideways'",
		"UPDATE metric SET floor_output = NULL WHERE floor IS NOT NULL",
		"DELETE FROM sample",
		"DELETE FROM run",
		"INSERT INTO score SELECT sample, position + 2, metric, value, weight, unscored, note FROM score",
	} {
		if _, err := s.write.Exec(text); err == nil || !strings.Contains(err.Error(), "onstraint") && !strings.Contains(err.Error(), "cannot store") {
			t.Errorf("%s: got %v, want a broken constraint", text, err)
		}
	}
}

func TestFindRun(t *testing.T) {
	s := open(t, newPath(t), Options{})
	var missing *RunNotFoundError
	if _, err := s.FindRun(t.Context(), ""); !errors.As(err, &missing) || missing.Run != "" {
		t.Errorf("empty database: got %v, want a RunNotFoundError", err)
	}
	for i, id := range []string{"2026-a", "2026-ab", "2025-z", "%_'"} {
		r := testRun(id)
		r.Started = r.Started.Add(time.Duration(-i) * time.Hour)
		if id == "2025-z" {
			r.Started = r.Started.Add(24 * time.Hour)
		}
		if err := s.CreateRun(t.Context(), r); err != nil {
			t.Fatal(err)
		}
	}
	for _, tt := range []struct{ prefix, want string }{
		{"", "2025-z"}, {"2026-a", "2026-a"}, {"2026-ab", "2026-ab"}, {"2025", "2025-z"}, {"%", "%_'"},
	} {
		if got, err := s.FindRun(t.Context(), tt.prefix); err != nil || got.ID != tt.want {
			t.Errorf("FindRun(%q) = %q, %v, want %q", tt.prefix, got.ID, err, tt.want)
		}
	}
	var ambiguous *AmbiguousRunError
	_, err := s.FindRun(t.Context(), "202")
	if !errors.As(err, &ambiguous) || !reflect.DeepEqual(ambiguous.Runs, []string{"2025-z", "2026-a", "2026-ab"}) {
		t.Errorf("got %v, want an AmbiguousRunError of three", err)
	}
	for _, prefix := range []string{"2027", "_", "2026-abc"} {
		if got, err := s.FindRun(t.Context(), prefix); !errors.As(err, &missing) || missing.Run != prefix {
			t.Errorf("FindRun(%q) = %q, %v, want a RunNotFoundError", prefix, got.ID, err)
		}
	}
	if err := s.CreateRun(t.Context(), testRun("2026-a")); !errors.Is(err, ErrRunExists) {
		t.Errorf("got %v, want ErrRunExists", err)
	}
}

func TestResume(t *testing.T) {
	path := newPath(t)
	s := open(t, path, Options{})
	m := testMeasurement("r", "math")
	var missing *MeasurementNotFoundError
	if err := s.CreateRun(t.Context(), testRun("r")); err != nil {
		t.Fatal(err)
	}
	if _, err := s.ResumeMeasurement(t.Context(), m); !errors.As(err, &missing) {
		t.Errorf("got %v, want a MeasurementNotFoundError", err)
	}
	id, err := s.CreateMeasurement(t.Context(), m)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.CreateMeasurement(t.Context(), m); !errors.Is(err, ErrMeasurementExists) {
		t.Errorf("got %v, want ErrMeasurementExists", err)
	}
	if err := s.Append(t.Context(), id, testResult(0)); err != nil {
		t.Fatal(err)
	}
	if err := s.Finish(t.Context(), id, lorabench.Done, 0); err == nil || !strings.Contains(err.Error(), "1 samples are measured, want 3") {
		t.Errorf("done with 1 of 3: got %v", err)
	}
	if err := s.Finish(t.Context(), id, lorabench.Running, 0); err == nil {
		t.Error("finished as running")
	}
	if err := s.AddElapsed(t.Context(), id, 3*time.Second); err != nil {
		t.Fatal(err)
	}
	// Ctrl-C has cancelled the context: what is measured is stored all the same.
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Append(cancelled, id, testResult(1)); err != nil {
		t.Fatal(err)
	}
	if err := s.Finish(cancelled, id, lorabench.Interrupted, 5*time.Second); err != nil {
		t.Fatal(err)
	}
	if err := s.Append(t.Context(), id, testResult(2)); !errors.Is(err, ErrFinished) {
		t.Errorf("got %v, want ErrFinished", err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}

	s = open(t, path, Options{})
	if _, err := s.ResumeMeasurement(t.Context(), m); !errors.Is(err, ErrRunNotLocked) {
		t.Errorf("got %v, want ErrRunNotLocked", err)
	}
	if err := s.LockRun(t.Context(), "r"); err != nil {
		t.Fatal(err)
	}
	other := "sha256:other"
	changed := m
	changed.Identity.Adapter, changed.Identity.Tokenizer, changed.Total = &other, "sha256:t2", 4
	changed.Task.Floors, changed.Started = nil, time.Time{} // not of the identity
	_, err = s.ResumeMeasurement(t.Context(), changed)
	var identity *IdentityError
	want := []Difference{{"adapter", "sha256:a", "sha256:other"}, {"tokenizer", "sha256:t", "sha256:t2"}, {"samples", "3", "4"}}
	if !errors.As(err, &identity) || !reflect.DeepEqual(identity.Differences, want) {
		t.Errorf("got %v, want an IdentityError with %v", err, want)
	}
	stored, err := s.Measurement(t.Context(), id)
	if err != nil || stored.Status != lorabench.Interrupted {
		t.Errorf("status %s (%v), want interrupted: a refused resume changes nothing", stored.Status, err)
	}
	again, err := s.ResumeMeasurement(t.Context(), m)
	if err != nil || again != id {
		t.Fatalf("resumed as %d, %v, want %d", again, err, id)
	}
	done, err := s.Done(t.Context(), id)
	if err != nil || !reflect.DeepEqual(done, map[string]int{"sample-0": 0, "sample-1": 1}) {
		t.Errorf("done: %v, %v", done, err)
	}
	if err := s.Append(t.Context(), id, testResult(2)); err != nil {
		t.Fatal(err)
	}
	if err := s.Finish(t.Context(), id, lorabench.Done, 7*time.Second); err != nil {
		t.Fatal(err)
	}
	stored, err = s.Measurement(t.Context(), id)
	if wantElapsed := m.Elapsed + 15*time.Second; err != nil || stored.Status != lorabench.Done || stored.Elapsed != wantElapsed || stored.Measured != 3 {
		t.Errorf("got %s after %v with %d (%v), want done after %v with 3", stored.Status, stored.Elapsed, stored.Measured, err, wantElapsed)
	}
}

// Every field of the identity is compared.
func TestIdentityFields(t *testing.T) {
	base := testMeasurement("r", "math")
	identity := reflect.TypeOf(lorabench.Identity{})
	for i := range identity.NumField() {
		m := base
		field := reflect.ValueOf(&m.Identity).Elem().Field(i)
		if field.Kind() == reflect.String {
			field.SetString("other")
		} else {
			field.SetZero()
		}
		if got := differences(base, m); len(got) != 1 || got[0].Field != identity.Field(i).Tag.Get("json") {
			t.Errorf("%s changed: got differences %v", identity.Field(i).Name, got)
		}
	}
	if got := differences(base, base); got != nil {
		t.Errorf("same: got differences %v", got)
	}
}

func TestRefusedMeasurements(t *testing.T) {
	s := open(t, newPath(t), Options{})
	if err := s.CreateRun(t.Context(), testRun("r")); err != nil {
		t.Fatal(err)
	}
	var missing *RunNotFoundError
	if _, err := s.CreateMeasurement(t.Context(), testMeasurement("other", "math")); !errors.As(err, &missing) {
		t.Errorf("got %v, want a RunNotFoundError", err)
	}
	for _, tt := range []struct {
		name   string
		change func(*lorabench.Measurement)
		want   string
	}{
		{"metric twice", func(m *lorabench.Measurement) { m.Task.Metrics[1].Name = "acc" }, "twice"},
		{"floor of nothing", func(m *lorabench.Measurement) { m.Task.Floors["f1"] = lorabench.Floor{} }, "no such metric"},
		{"floor NaN", func(m *lorabench.Measurement) { m.Task.Floors["acc"] = lorabench.Floor{Value: math.NaN()} }, "not a number"},
		{"proof infinite", func(m *lorabench.Measurement) { m.Variant.Proof.Probe.KL = math.Inf(1) }, "unsupported value"},
		{"no task", func(m *lorabench.Measurement) { m.Task.Name = "" }, "CHECK"},
		{"negative total", func(m *lorabench.Measurement) { m.Total = -1 }, "CHECK"},
	} {
		m := testMeasurement("r", "math")
		tt.change(&m)
		if _, err := s.CreateMeasurement(t.Context(), m); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: got %v, want an error with %q", tt.name, err, tt.want)
		}
	}
	bad := testRun("bad")
	bad.Settings = []byte("{")
	if err := s.CreateRun(t.Context(), bad); err == nil || !strings.Contains(err.Error(), "settings is not JSON") {
		t.Errorf("got %v, want a refusal of the settings", err)
	}
	bad = testRun("bad")
	bad.Command = []string{"a\x00b"}
	if err := s.CreateRun(t.Context(), bad); err == nil || !strings.Contains(err.Error(), "zero byte") {
		t.Errorf("got %v, want a refusal of the command", err)
	}
}

func TestRuns(t *testing.T) {
	path := newPath(t)
	s := open(t, path, Options{})
	id := begin(t, s, "r")
	m := testMeasurement("r", "math")
	if _, err := s.CreateMeasurement(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	for i := range 3 {
		if err := s.Append(t.Context(), id, testResult(i)); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Finish(t.Context(), id, lorabench.Done, 0); err != nil {
		t.Fatal(err)
	}
	want := RunSummary{
		Run: testRun("r"), Tasks: []string{"arc_easy"}, Variants: []string{"base", "math"},
		Measurements: 2, Finished: 1, Measured: 3, Total: 6, Active: true, Owner: os.Getpid(),
	}
	reader, err := OpenReadOnly(t.Context(), path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	for _, s := range []*Store{s, reader} {
		if got, err := s.Runs(t.Context()); err != nil || len(got) != 1 || !reflect.DeepEqual(got[0], want) {
			t.Errorf("got %+v, %v, want %+v", got, err, want)
		}
	}
	if err := s.UnlockRun("r"); err != nil {
		t.Fatal(err)
	}
	want.Active, want.Owner = false, 0
	for _, s := range []*Store{s, reader} {
		if got, err := s.Runs(t.Context()); err != nil || len(got) != 1 || !reflect.DeepEqual(got[0], want) {
			t.Errorf("unlocked: got %+v, %v, want %+v", got, err, want)
		}
	}
}

// An iteration sees one moment, whatever is written meanwhile, and may stop early.
func TestReadersWhileWriting(t *testing.T) {
	path := newPath(t)
	s := open(t, path, Options{})
	id := begin(t, s, "r")
	for i := range 20 {
		if err := s.Append(t.Context(), id, testResult(i)); err != nil {
			t.Fatal(err)
		}
	}
	reader, err := OpenReadOnly(t.Context(), path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	for _, from := range []*Store{s, reader} {
		before := len(collect(t, s, id))
		n := 0
		for r, err := range from.SampleResults(t.Context(), id) {
			if err != nil {
				t.Fatal(err)
			}
			if r.Position != n {
				t.Fatalf("position %d, want %d", r.Position, n)
			}
			if err := s.Append(t.Context(), id, testResult(before+n)); err != nil {
				t.Fatal(err)
			}
			n++
		}
		if n != before {
			t.Errorf("saw %d samples, want the %d of the beginning", n, before)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	for _, err := range s.SampleResults(ctx, id) {
		if err != nil {
			t.Fatal(err)
		}
		cancel()
		break
	}
	// Many readers and the writer at once.
	var group sync.WaitGroup
	for range 4 {
		group.Go(func() {
			for range 5 {
				seen := 0
				for _, err := range reader.SampleResults(context.Background(), id) {
					if err != nil {
						t.Error(err)
						return
					}
					seen++
				}
				if seen < 80 {
					t.Errorf("saw %d samples, want 80 or more", seen)
				}
			}
		})
	}
	for i := 80; i < 120; i++ {
		if err := s.Append(t.Context(), id, testResult(i)); err != nil {
			t.Error(err)
		}
	}
	group.Wait()
}

func TestCancelledRead(t *testing.T) {
	s := open(t, newPath(t), Options{})
	id := begin(t, s, "r")
	why := errors.New("budget spent")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(why)
	if _, err := s.Done(ctx, id); !errors.Is(err, why) {
		t.Errorf("Done: got %v, want %v", err, why)
	}
	for _, err := range s.SampleResults(ctx, id) {
		if !errors.Is(err, why) {
			t.Errorf("SampleResults: got %v, want %v", err, why)
		}
	}
}
