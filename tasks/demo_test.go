package tasks

import (
	"context"
	"encoding/json"
	"errors"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/ailiance/lorabench"
)

// loadDemo loads one of the demo's tasks, or skips where its data are not made.
func loadDemo(t *testing.T, name string) *lorabench.Task {
	t.Helper()
	d, err := Lookup(name)
	if err != nil {
		t.Fatal(err)
	}
	task, err := d.Load(context.Background(), nil, DefaultOptions())
	if _, missing := errors.AsType[*MissingFileError](err); missing {
		t.Skip("tools/demo has not made data/demo")
	}
	if err != nil {
		t.Fatal(err)
	}
	if len(task.Samples) < 100 {
		t.Errorf("%d samples, want 100 or more", len(task.Samples))
	}
	if task.Dataset.Name != "demo" || len(task.Dataset.SHA256) != 64 {
		t.Errorf("dataset %+v", task.Dataset)
	}
	return task
}

func TestDemoArithmetic(t *testing.T) {
	task := loadDemo(t, "demo_arithmetic")
	number := regexp.MustCompile(`^-?[0-9]+$`)
	for _, s := range task.Samples {
		r := s.Requests[0]
		if !number.MatchString(s.Target.Answer) || !strings.HasPrefix(r.Prompt, "Q: ") || !strings.HasSuffix(r.Prompt, "\nA:") {
			t.Errorf("%s: prompt %q, answer %q", s.ID, r.Prompt, s.Target.Answer)
		}
		if r.Kind != lorabench.Generate || len(r.Until) == 0 || r.MaxNewTokens <= 0 {
			t.Errorf("%s: request %+v", s.ID, r)
		}
	}
}

func TestDemoChoice(t *testing.T) {
	task := loadDemo(t, "demo_choice")
	gold := map[int]int{}
	for _, s := range task.Samples {
		if len(s.Requests) != 4 || len(s.Target.Choices) != 4 {
			t.Fatalf("%s: %d requests of %d choices, want 4", s.ID, len(s.Requests), len(s.Target.Choices))
		}
		seen := map[string]bool{}
		for i, r := range s.Requests {
			if r.Continuation != " "+s.Target.Choices[i] || seen[r.Continuation] {
				t.Errorf("%s: continuation %q", s.ID, r.Continuation)
			}
			seen[r.Continuation] = true
		}
		gold[s.Target.Gold]++
	}
	for i := range 4 {
		if gold[i] == 0 {
			t.Errorf("choice %d is never right: %v", i, gold)
		}
	}
}

func TestDemoText(t *testing.T) {
	for _, s := range loadDemo(t, "demo_text").Samples {
		if r := s.Requests[0]; r.Kind != lorabench.Rolling || r.Prompt == "" || s.Target.Bytes != len(r.Prompt) || s.Target.Words == 0 {
			t.Errorf("%s: %+v of %+v", s.ID, r, s.Target)
		}
	}
}

func TestDemoSPICE(t *testing.T) {
	task := loadDemo(t, "demo_spice")
	for _, s := range task.Samples {
		var bench struct {
			Sources  []string
			Analysis string
			Elements string
			Require  map[string]int
			Checks   []struct{ Kind string }
		}
		if err := json.Unmarshal(s.Target.Bench, &bench); err != nil {
			t.Fatalf("%s: %v", s.ID, err)
		}
		if len(bench.Sources) == 0 || bench.Analysis == "" || bench.Elements == "" || len(bench.Checks) == 0 {
			t.Errorf("%s: bench %s", s.ID, s.Target.Bench)
		}
		if !strings.HasSuffix(strings.TrimSpace(s.Target.Answer), ".end") {
			t.Errorf("%s: reference %q does not end with .end", s.ID, s.Target.Answer)
		}
		if r := s.Requests[0]; len(r.Until) != 1 || r.Until[0] != ".end" {
			t.Errorf("%s: until %q", s.ID, r.Until)
		}
	}
}

const spiceRows = `{"id": "a", "family": "rc", "prompt": "Goal\nDeck:\n", "reference": "R1 in out 1k\n.end\n", "bench": {"analysis": "op", "checks": [{"target": 1e-3}]}}
{"id": "b", "family": "div", "prompt": "P", "reference": "R1 in out 2k\n.end\n", "bench": {}}
{"id": "c", "family": "rc", "prompt": "P", "reference": "R1 in out 3k\n.end\n", "bench": {}}
{"id": "d", "family": "rc", "prompt": "P", "reference": "R1 in out 3k\n.end\n", "bench": {}}`

// TestDeckNulls: what always gives the same deck, and what knows the families.
func TestDeckNulls(t *testing.T) {
	rows, err := readRows(context.Background(), strings.NewReader(spiceRows), "spice.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	d := demoSPICE()
	examples, err := d.parseAll(context.Background(), rows)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := string(examples[0].target.Bench), `{"analysis":"op","checks":[{"target":0.001}]}`; got != want {
		t.Errorf("bench %s, want %s", got, want)
	}
	got := map[string][]string{}
	for _, n := range d.nulls(examples) {
		for i, e := range examples {
			s := d.sample(i, e, opening{})
			got[n.Name] = append(got[n.Name], n.Outputs(&s)[0].Text)
		}
	}
	const k2, k3 = "R1 in out 2k\n.end\n", "R1 in out 3k\n.end\n"
	for name, want := range map[string][]string{
		"empty text":                          {"", "", "", ""},
		"the prompt echoed":                   {"Goal\nDeck:\n", "P", "P", "P"},
		"always the same rc deck":             {k3, k3, k3, k3},
		"always the same div deck":            {k2, k2, k2, k2},
		"always the same deck of each family": {k3, k2, k3, k3},
	} {
		if strings.Join(got[name], "|") != strings.Join(want, "|") {
			t.Errorf("%s: %q, want %q", name, got[name], want)
		}
	}
	if len(got) != 5 {
		t.Errorf("%d nulls, want 5", len(got))
	}
}

// TestSameID: two rows of one name are an error.
func TestSameID(t *testing.T) {
	d := demoSPICE()
	d.Embedded = false
	row := `{"id": "a", "family": "rc", "prompt": "", "reference": "", "bench": {}}` + "\n"
	_, err := d.Load(context.Background(), fstest.MapFS{"demo/spice.jsonl": {Data: []byte(row + row)}}, DefaultOptions())
	if want := `task demo_spice: read demo/spice.jsonl: rows 0 and 1 are both called "a"`; err == nil || err.Error() != want {
		t.Errorf("error %v, want %s", err, want)
	}
}

// TestBenchIsJSON: what only Python reads cannot be stored.
func TestBenchIsJSON(t *testing.T) {
	d := demoSPICE()
	d.Embedded = false
	row := `{"id": "a", "family": "rc", "prompt": "", "reference": "", "bench": {"x": NaN}}`
	_, err := d.Load(context.Background(), fstest.MapFS{"demo/spice.jsonl": {Data: []byte(row)}}, DefaultOptions())
	if err == nil || !strings.HasPrefix(err.Error(), `task demo_spice: read demo/spice.jsonl: line 1: column "bench": `) {
		t.Errorf("error %v", err)
	}
}
