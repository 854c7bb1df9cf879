package main

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/ailiance/lorabench"
)

// gained are scores where the adapter gets 4 more right and 1 wrong.
func gained(n int) (base, tuned []float64) {
	base, tuned = right(n, n/2), right(n, n/2+4)
	tuned[0] = 0
	return base, tuned
}

func compareDB(t *testing.T) string {
	t.Helper()
	db := testDB(t)
	base, tuned := gained(100)
	arms := pair("math", base, tuned)
	for _, a := range []testArm{
		{variant: lorabench.Base, values: []float64{1.5, 1.25, 2, 1.75}}, {variant: "math", values: []float64{1.25, 1.25, 1.5, 1.75}},
	} {
		a.task, a.metric = "text", compression
		arms = append(arms, a)
	}
	storeRun(t, db, testRun, nil, arms...)
	storeRun(t, db, "20260103-150405-beef", nil, append(pair("math", base, base), testArm{task: "quiz", variant: "spice", metric: accuracy, values: base})...)
	return db
}

func TestCompareGoldens(t *testing.T) {
	db := compareDB(t)
	variants := []string{"compare", "base", "math", "--run", testRun, "--db", db}
	runs := []string{"compare", "20260102", "20260103", "--db", db}
	stdout, _, code := command(t, variants...)
	if code != 0 {
		t.Errorf("exit code %d, want 0", code)
	}
	golden(t, "compare.txt", []byte(stdout))
	golden(t, "compare.json", jsonOf(t, append(variants, "--json", "--task", "quiz")...))
	stdout, _, _ = command(t, runs...)
	golden(t, "compare-runs.txt", []byte(stdout))
}

// Variants of the newest run come before runs; runs pair base with base.
func TestCompareRuns(t *testing.T) {
	db := compareDB(t)
	var c struct {
		A           side
		Comparisons []struct{ Task, Base, Variant string }
		Unpaired    []string
	}
	if err := json.Unmarshal(jsonOf(t, "compare", "20260102", "20260103", "--db", db, "--json"), &c); err != nil {
		t.Fatal(err)
	}
	var pairs []string
	for _, x := range c.Comparisons {
		pairs = append(pairs, x.Task+" "+x.Base+" "+x.Variant)
	}
	if got := strings.Join(pairs, ", "); got != "quiz base base, quiz math math" {
		t.Errorf("compared %s", got)
	}
	if got := strings.Join(c.Unpaired, ", "); got != "text on base: only in A, text on math: only in A, quiz on spice: only in B" {
		t.Errorf("unpaired: %s", got)
	}
	if c.A.Variant != nil || c.A.Run != testRun {
		t.Errorf("A is %+v, want run %s without a variant", c.A, testRun)
	}
	for _, tt := range []struct {
		args []string
		want string
	}{
		{[]string{"base", "math", "--task", "piqa"}, "--task piqa: it was not measured: there are quiz"},
		{[]string{"base", "mathe"}, "run 20260103-150405-beef has no such variants: it has base, math, spice; nor is there a run base"},
		{[]string{"20260102", "20260103", "--run", testRun}, "has no such variants"},
	} {
		if _, stderr, code := command(t, append([]string{"compare", "--db", db}, tt.args...)...); code != 2 || !strings.Contains(stderr, tt.want) {
			t.Errorf("compare %v: exit code %d, %s; want 2 and %q", tt.args, code, stderr, tt.want)
		}
	}
}

func TestShellWord(t *testing.T) {
	for _, tt := range []struct{ name, want string }{
		{"sql-r16", "sql-r16"},
		{"$(reboot)", "'$(reboot)'"},
		{"it's", `'it'\''s'`},
		{"a\nb", `'a\nb'`},
	} {
		if got := shellWord(tt.name); got != tt.want {
			t.Errorf("shellWord(%q) = %s, want %s", tt.name, got, tt.want)
		}
	}
}
