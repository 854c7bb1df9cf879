package main

import (
	"encoding/json"
	"strings"
	"testing"
)

// apertus is the question of the limits: Apertus-70B on all of GSM8K, 8 shots.
var apertus = []string{"plan", "--hardware", "h100", "--shape", "apertus-70b", "--samples", "1319", "--prefix", "1000", "--prompt", "90", "--new", "130", "--budget", "1800s"}

// TestPlanOfAShape holds what people and scripts read.
func TestPlanOfAShape(t *testing.T) {
	with := func(more ...string) []string { return append(append([]string{}, apertus...), more...) }
	stdout, _, _ := command(t, with("--storage", "fp8", "--adapters", "10")...)
	golden(t, "plan.txt", []byte(stdout))
	golden(t, "plan.json", jsonOf(t, with("--storage", "q4", "--json")...))
	stdout, _, code := command(t, apertus...) // bf16 needs 141 GB
	if code != 0 || !strings.Contains(stdout, "does not fit") {
		t.Errorf("exit %d:\n%s", code, stdout)
	}
	var d planDocument
	if err := json.Unmarshal(jsonOf(t, with("--json")...), &d); err != nil {
		t.Fatal(err)
	}
	if d.Seconds != nil || d.Tasks[0].Fits || d.Tasks[0].Seconds != nil || d.Tasks[0].Within != nil {
		t.Errorf("of what does not fit there is a time: %+v", d)
	}
}

// TestPlanOfTheDemo counts the demo's own requests: what is shared is computed
// once, and saves time.
func TestPlanOfTheDemo(t *testing.T) {
	db := t.TempDir() + "/plan.db"
	args := []string{"plan", "--model", "demo", "--adapter", "spice", "--db", db, "--out", t.TempDir(), "--limit", "20", "--json", "--tasks"}
	var d planDocument
	if err := json.Unmarshal(jsonOf(t, append(args, "demo_choice,demo_spice,demo_text")...), &d); err != nil {
		t.Fatal(err)
	}
	if d.Variants != 2 || len(d.Tasks) != 3 || d.Seconds == nil || len(d.Hardware.Decode) == 0 {
		t.Fatalf("%+v", d)
	}
	choice, spice, text := d.Tasks[0], d.Tasks[1], d.Tasks[2]
	if choice.Samples != 20 || choice.Requests <= 20 || choice.Computed >= choice.Prompt || choice.Lengths != nil || choice.Decode != nil {
		t.Errorf("choices share their question: %+v", choice)
	}
	if spice.Lengths == nil || *spice.Lengths != "at most" || spice.Generated == 0 || spice.Decode == nil || spice.Batch != 40 {
		t.Errorf("texts are written, of all variants at once: %+v", spice)
	}
	if text.Scored != text.Prompt {
		t.Errorf("every token of a text is scored: %+v", text)
	}
	for _, task := range d.Tasks {
		if *task.Ideal <= 0 || *task.Seconds <= 0 || *task.Separate < *task.Seconds {
			t.Errorf("%s: %v s, at the ceilings %v s, with nothing shared %v s", task.Task, *task.Seconds, *task.Ideal, *task.Separate)
		}
	}

	// An earlier run tells how long answers are.
	if _, messages, code := command(t, "run", "--model", "demo", "--adapter", "spice", "--db", db, "--out", t.TempDir(), "--limit", "20", "--tasks", "demo_spice"); code != 0 {
		t.Fatal(messages)
	}
	if err := json.Unmarshal(jsonOf(t, append(args, "demo_spice")...), &d); err != nil {
		t.Fatal(err)
	}
	if again := d.Tasks[0]; !strings.HasPrefix(*again.Lengths, "as in run ") || again.Generated >= spice.Generated {
		t.Errorf("%s: %d tokens, at most %d", *again.Lengths, again.Generated, spice.Generated)
	}
}

// TestPlanReadsTheFileOfRun: a key a flag of run, but where a shape is planned.
func TestPlanReadsTheFileOfRun(t *testing.T) {
	dir := t.TempDir()
	writeFile(t, dir+"/lorabench.yaml", "model: demo\ntasks: [demo_choice]\nlimit: 3\nquiet: true\n")
	s := try(t, t.Context(), dir, "plan")
	if s.code != 0 || s.err != "" || !strings.Contains(s.out, "demo_choice: 3 samples") {
		t.Errorf("exit %d:\n%s%s", s.code, s.out, s.err)
	}
	if s = try(t, t.Context(), dir, apertus...); s.code != 0 || !strings.Contains(s.out, "apertus-70b") {
		t.Errorf("a shape: exit %d:\n%s%s", s.code, s.out, s.err)
	}
}

func TestPlanRefuses(t *testing.T) {
	for _, args := range [][]string{
		{"plan"},
		{"plan", "--shape", "apertus-70b"},
		{"plan", "--shape", "gpt", "--samples", "1", "--prompt", "1", "--hardware", "h100"},
		{"plan", "--shape", "apertus-70b", "--samples", "1", "--prompt", "1", "--hardware", "abacus"},
		{"plan", "--shape", "apertus-70b", "--samples", "1", "--prompt", "1", "--hardware", "h100", "--storage", "q1"},
		{"plan", "--shape", "apertus-70b", "--samples", "1", "--prompt", "-1"},
		{"plan", "--shape", "apertus-70b", "--samples", "999999999999", "--prompt", "1"},
		{"plan", "--shape", "apertus-70b", "--model", "demo"},
		{"plan", "--shape", "apertus-70b", "--samples", "1", "--prompt", "1", "--efficiency", "1.5"},
		{"plan", "--model", "demo", "--new", "-1"},
	} {
		if stdout, messages, code := command(t, args...); code != exitUsage || stdout != "" || messages == "" {
			t.Errorf("%v: exit %d, %s%s", args, code, stdout, messages)
		}
	}
}
