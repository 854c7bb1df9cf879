package main

import (
	"math"
	"strings"
	"testing"

	"github.com/ailiance/lorabench"
	"github.com/ailiance/lorabench/results"
)

func TestRunsGoldens(t *testing.T) {
	db := testDB(t)
	base, tuned := gained(20)
	storeRun(t, db, testRun, nil, pair("math", base, tuned)...)
	late := pair("spice", right(20, 5), append(right(9, 4), math.NaN(), 1))
	late[0].status, late[1].status = lorabench.TimedOut, lorabench.TimedOut
	late[1].total = 20
	storeRun(t, db, "20260104-000000-late", nil, late...)
	stdout, _, code := command(t, "runs", "--db", db)
	if code != 0 {
		t.Errorf("exit code %d, want 0", code)
	}
	golden(t, "runs.txt", []byte(stdout))
	golden(t, "runs.json", jsonOf(t, "runs", "--db", db, "--json"))
}

func TestRunStatus(t *testing.T) {
	of := func(all ...lorabench.Status) []results.StoredMeasurement {
		var stored []results.StoredMeasurement
		for _, s := range all {
			m := results.StoredMeasurement{}
			m.Status = s
			stored = append(stored, m)
		}
		return stored
	}
	for _, tt := range []struct {
		name   string
		stored []results.StoredMeasurement
		active bool
		want   string
	}{
		{"all done", of(lorabench.Done, lorabench.Done), false, "done"},
		{"a budget ended", of(lorabench.Done, lorabench.TimedOut), false, "timeout"},
		{"interrupted", of(lorabench.TimedOut, lorabench.Interrupted), false, "interrupted"},
		{"a process measures", of(lorabench.Done, lorabench.Running), true, "running"},
		{"it was killed", of(lorabench.Done, lorabench.Running), false, "stopped"},
		{"killed before it began", nil, false, "stopped"},
		{"failed", of(lorabench.Running, lorabench.Failed), false, "failed"},
	} {
		if got := runStatus(tt.stored, tt.active); got != tt.want {
			t.Errorf("%s: status %s, want %s", tt.name, got, tt.want)
		}
	}
}

func samplesDB(t *testing.T) string {
	t.Helper()
	db := testDB(t)
	arms := pair("math", []float64{1, 0, 1, 0}, []float64{1, 1, 0, 0})
	arms[0].outputs = func(i int) []lorabench.Output {
		return []lorabench.Output{{LogLikelihood: -1.5, Greedy: true}, {LogLikelihood: math.Inf(-1)}, {LogLikelihood: -float64(i)}}
	}
	arms[1].outputs = func(int) []lorabench.Output {
		return []lorabench.Output{{Text: "The answer is \x1b[2J7.\nSure?\xff", Thinking: "3 + 4", Stop: lorabench.StopLength, NewTokens: 9}}
	}
	storeRun(t, db, testRun, nil, arms...)
	return db
}

func TestSamplesGoldens(t *testing.T) {
	db := samplesDB(t)
	flips := []string{"samples", "--task", "quiz", "--variant", "math", "--flips", "base", "--db", db}
	stdout, _, code := command(t, flips...)
	if code != 0 {
		t.Errorf("exit code %d, want 0", code)
	}
	golden(t, "samples-flips.txt", []byte(stdout))
	golden(t, "samples-flips.json", jsonOf(t, append(flips, "--json")...))
	golden(t, "samples.json", jsonOf(t, "samples", "--task", "quiz", "--variant", "base", "--db", db, "--limit", "1", "--json"))
}

func TestSamplesLimit(t *testing.T) {
	db := samplesDB(t)
	for _, tt := range []struct {
		limit string
		want  string
	}{{"0", "4 samples of"}, {"1", "1 sample of"}, {"3", "3 samples of"}, {"9", "4 samples of"}} {
		if stdout, _, _ := command(t, "samples", "--task", "quiz", "--variant", "math", "--limit", tt.limit, "--db", db); !strings.Contains(stdout, tt.want) {
			t.Errorf("--limit %s: %s; want %q", tt.limit, stdout, tt.want)
		}
	}
	if _, _, code := command(t, "samples", "--task", "quiz", "--variant", "math", "--limit", "-1", "--db", db); code != 2 {
		t.Errorf("--limit -1: exit code %d, want 2", code)
	}
}

// A metric that is not right or wrong has no flips.
func TestSamplesFlipsOfAnotherMetric(t *testing.T) {
	db := testDB(t)
	storeRun(t, db, testRun, nil,
		testArm{task: "text", variant: lorabench.Base, metric: compression, values: []float64{1, 2}},
		testArm{task: "text", variant: "math", metric: compression, values: []float64{1, 1}})
	if _, stderr, code := command(t, "samples", "--task", "text", "--variant", "math", "--flips", "base", "--db", db); code != 2 || !strings.Contains(stderr, "no matter of right and wrong") {
		t.Errorf("exit code %d, %s; want 2", code, stderr)
	}
}
