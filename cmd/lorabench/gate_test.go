package main

import (
	"encoding/xml"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ailiance/lorabench"
	"github.com/ailiance/lorabench/reports"
)

// write makes a file with text in a folder of the test's own.
func write(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestExitCodes(t *testing.T) {
	same, breached, few := testDB(t), testDB(t), testDB(t)
	storeRun(t, same, testRun, nil, pair("math", right(200, 120), right(200, 120))...)
	storeRun(t, breached, testRun, nil, pair("math", right(200, 160), right(200, 90))...)
	storeRun(t, few, testRun, nil, pair("math", right(20, 10), right(20, 9))...)
	storeRun(t, same, "20260101-000000-0001", []reports.Refusal{{Name: "fake", Reason: "all B are zero"}}, pair("math", right(200, 120), right(200, 120))...)
	storeRun(t, same, "20260101-000000-0002", nil, testArm{task: "quiz", variant: lorabench.Base, metric: accuracy, values: right(20, 10)})

	notMeasured := write(t, "p.yaml", "tasks:\n  quiz: {}\n  piqa: {margin: 0.03}\n")
	advisory := write(t, "a.yaml", "gate:\n  tasks:\n    quiz: {tier: advisory}\n")
	mistaken := write(t, "m.yaml", "tasks:\n  quiz:\n    margn: 0.03\n")
	claims := write(t, "c.yaml", "tasks:\n  quiz: {margin: 0.5}\nclaims:\n  - {adapter: math, task: quiz}\n")
	foreign := write(t, "foreign.db", strings.Repeat("this is not a database\n", 100))

	for _, tt := range []struct {
		name           string
		args           []string
		code           int
		stdout, stderr string // parts of them
	}{
		{"no worse", []string{"gate", "--db", same}, 0, "gate: PASS\n", ""},
		{"worse", []string{"gate", "--db", breached}, 3, "math: BREACH on quiz: −35 points", ""},
		{"few samples", []string{"gate", "--db", few}, 4, "gate: INCONCLUSIVE\n", ""},
		{"an adapter was refused", []string{"gate", "--db", same, "--run", "20260101-000000-0001"}, 5, "fake: INVALID: all B are zero\n", ""},
		{"no adapter", []string{"gate", "--db", same, "--run", "20260101-000000-0002"}, 5, "gate: INVALID\n", ""},
		{"a task of the policy was not measured", []string{"gate", "--db", same, "--policy", notMeasured}, 5, "INVALID on piqa: the task was not measured", ""},
		{"nothing blocks", []string{"gate", "--db", breached, "--policy", advisory}, 5, "the policy gates no task of it", ""},
		{"a claim is not shown", []string{"gate", "--db", same, "--policy", claims}, 4, "gate: INCONCLUSIVE\n", ""},
		{"mistake in the policy", []string{"gate", "--db", same, "--policy", mistaken}, 2, "", "m.yaml: policy: line 3: unknown key \"margn\""},
		{"no policy file", []string{"gate", "--db", same, "--policy", mistaken + ".not"}, 1, "", "hint: check the path"},
		{"no database", []string{"gate", "--db", same + ".not"}, 1, "", "hint: lorabench run makes a database"},
		{"another file", []string{"gate", "--db", foreign}, 1, "", "is not a lorabench database"},
		{"no such run", []string{"gate", "--db", same, "--run", "1999"}, 2, "", "has no run 1999\nhint: lorabench runs"},
		{"several runs", []string{"gate", "--db", same, "--run", "20260101"}, 2, "", "2 runs start with 20260101"},
		{"unknown flag", []string{"gate", "--bogus"}, 2, "", "unknown flag: --bogus\nhint: "},
		{"argument too many", []string{"gate", "math"}, 2, "", "1 arguments, want 0"},
		{"unknown command", []string{"bogus"}, 2, "", "unknown command"},
		{"report", []string{"report", "--db", breached}, 0, "gate: BREACH (exit code 3)", ""},
		{"report in no form", []string{"report", "--db", same, "--format", "html"}, 2, "", "not built yet: there are text, md, json, csv"},
		{"compare what is not there", []string{"compare", "base", "maths", "--db", same}, 2, "", "it has base, math"},
		{"samples of nothing", []string{"samples", "--task", "quiz", "--db", same}, 2, "", `--variant "": run ` + testRun + " has on quiz: base, math"},
		{"samples of no task", []string{"samples", "--db", same}, 2, "", `--task "": run ` + testRun + " has quiz"},
		{"samples that do not flip", []string{"samples", "--task", "quiz", "--variant", "math", "--flips", "nobody", "--db", same}, 2, "", `--flips "nobody"`},
		{"score a likelihood", []string{"score", "arc_easy"}, 2, "", "wants log-likelihoods"},
		{"score without texts", []string{"score", "demo_arithmetic"}, 2, "", "--outputs is missing"},
		{"score no task", []string{"score", "arc_eazy"}, 2, "", "did you mean arc_easy"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			stdout, stderr, code := command(t, tt.args...)
			if code != tt.code {
				t.Errorf("exit code %d, want %d", code, tt.code)
			}
			if !strings.Contains(stdout, tt.stdout) || !strings.Contains(stderr, tt.stderr) || tt.stderr == "" && stderr != "" {
				t.Errorf("standard output %q, want %q in it; standard error %q, want %q", stdout, tt.stdout, stderr, tt.stderr)
			}
			if code != 0 && tt.args[0] != "gate" && stdout != "" {
				t.Errorf("standard output has %q beside an error", stdout)
			}
		})
	}
}

// The gate section of lorabench.yaml is the policy where none is given.
func TestGateReadsConfigFile(t *testing.T) {
	db := testDB(t)
	storeRun(t, db, testRun, nil, pair("math", right(200, 120), right(200, 120))...)
	t.Chdir(t.TempDir())
	if err := os.WriteFile(configFile, []byte("model: demo\ngate:\n  tasks:\n    piqa: {}\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if stdout, _, code := command(t, "gate", "--db", db); code != 5 || !strings.Contains(stdout, "INVALID on piqa") {
		t.Errorf("exit code %d, %s; want 5, as the policy wants piqa", code, stdout)
	}
	if err := os.WriteFile(configFile, []byte("gate:\n  tasks: {quiz: {tier: fatal}}\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, stderr, code := command(t, "gate", "--db", db); code != 2 || !strings.Contains(stderr, "lorabench.yaml: policy: line 2: tier") {
		t.Errorf("exit code %d, %s; want 2 and the line", code, stderr)
	}
}

// hostile is a name that wants to be a command and to colour a terminal.
const hostile = "::error::\x1b[31mowned\n::set-output name=x::1 ##[add-mask]"

func hostileRun(t *testing.T) string {
	t.Helper()
	db := testDB(t)
	few := pair(hostile, right(20, 10), right(20, 9))
	storeRun(t, db, testRun, []reports.Refusal{{Name: "fake", Reason: "all B are zero"}}, append(few, pair("forgetful", nil, nil)[1:]...)...)
	return db
}

func TestGateGoldens(t *testing.T) {
	db := testDB(t)
	arms := pair("math", right(200, 120), right(200, 130))
	arms = append(arms, testArm{task: "quiz", variant: "forgetful", metric: accuracy, values: right(200, 60)})
	storeRun(t, db, testRun, []reports.Refusal{{Name: "fake", Reason: "all B are zero"}}, arms...)
	stdout, _, _ := command(t, "gate", "--db", db)
	golden(t, "gate.txt", []byte(stdout))
	golden(t, "gate.json", jsonOf(t, "gate", "--db", db, "--json"))
	stdout, _, _ = command(t, "gate", "--db", db, "--github")
	golden(t, "gate-github.txt", []byte(stdout))
	path := filepath.Join(t.TempDir(), "gate.xml")
	if _, stderr, code := command(t, "gate", "--db", db, "--junit", path); code != 3 {
		t.Errorf("exit code %d, want 3: %s", code, stderr)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "gate.xml", text)
}

func TestGateWithHostileNames(t *testing.T) {
	db := hostileRun(t)
	path := filepath.Join(t.TempDir(), "gate.xml")
	stdout, stderr, code := command(t, "gate", "--db", db, "--github", "--junit", path)
	if code != 5 {
		t.Errorf("exit code %d, want 5: %s", code, stderr)
	}
	commands := 0
	for line := range strings.Lines(stdout) {
		if strings.ContainsAny(strings.TrimSuffix(line, "\n"), "\x1b\r\n") {
			t.Errorf("control characters in %q", line)
		}
		switch text := strings.TrimSpace(line); {
		case strings.HasPrefix(text, "::error title=lorabench%3A "), strings.HasPrefix(text, "::warning title=lorabench%3A "):
			commands++
			if strings.Count(strings.TrimPrefix(text, "::"), "::") < 1 || strings.Contains(strings.SplitN(text, "::", 3)[1], ",") {
				t.Errorf("not one title: %q", text)
			}
		case strings.HasPrefix(text, "::"), strings.Contains(line, "##["):
			t.Errorf("a name became a command: %q", line)
		}
	}
	if commands != 3 {
		t.Errorf("%d annotations, want 3:\n%s", commands, stdout)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var suites junitSuites
	if err := xml.Unmarshal(text, &suites); err != nil || suites.Tests != 3 || suites.Errors != 2 || suites.Failures != 1 {
		t.Errorf("JUnit file: %v, %d tests, %d errors, %d failures; want 3, 2, 1\n%s", err, suites.Tests, suites.Errors, suites.Failures, text)
	}
	for _, args := range [][]string{{"report"}, {"runs"}, {"compare", "base", hostile}, {"samples", "--task", "quiz", "--variant", hostile}, {"samples", "--task", "quiz", "--variant", "\x1b]0;x\a"}} {
		stdout, stderr, _ := command(t, append(args, "--db", db)...)
		if strings.ContainsAny(stdout+stderr, "\x1b\a\r") {
			t.Errorf("%v: control characters in %q", args, stdout+stderr)
		}
	}
}

func TestNumbersAreNeverNaN(t *testing.T) {
	db := testDB(t)
	storeRun(t, db, testRun, nil,
		testArm{task: "text", variant: lorabench.Base, metric: compression, values: []float64{math.Inf(1), 2}},
		testArm{task: "text", variant: "math", metric: compression, values: []float64{1, 2}})
	for _, args := range [][]string{
		{"gate", "--json"}, {"report", "--format", "json"}, {"compare", "base", "math", "--json"}, {"runs", "--json"}, {"samples", "--task", "text", "--variant", "base", "--json"},
	} {
		jsonOf(t, append(args, "--db", db)...)
	}
}

func TestNoCommand(t *testing.T) {
	for _, tt := range []struct{ line, want string }{
		{"plain :: text", "plain :: text"},
		{"::error::x", `\::error::x`},
		{"  \t::error::x", "  \t\\::error::x"},
		{"a ##[error]x", `a ##\[error]x`},
	} {
		if got := noCommand(tt.line); got != tt.want {
			t.Errorf("noCommand(%q) = %q, want %q", tt.line, got, tt.want)
		}
	}
}
