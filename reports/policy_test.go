package reports

import (
	"errors"
	"strings"
	"testing"

	"github.com/ailiance/lorabench"
)

const goodPolicy = `# before the run
gate:
  alpha: 0.025                     # one-sided
  tasks:
    gsm8k_cot: {metric: exact_match, margin: 0.02, tier: critical, min_samples: 400}
    arc_easy:  {metric: acc, margin: 0.02}
    wikitext:
      metric: bits_per_byte
      margin: 0.005
      tier: supporting
    piqa: {tier: advisory}
    winogrande:
  claims:
    - {adapter: spice, task: spice_sim, metric: score}
    - adapter: math
      task: gsm8k_cot
`

func TestParsePolicy(t *testing.T) {
	p, err := ParsePolicy([]byte(goodPolicy))
	if err != nil {
		t.Fatal(err)
	}
	if p.Alpha != 0.025 || len(p.Tasks) != 5 || len(p.Claims) != 2 || p.Default || !strings.HasPrefix(p.SHA256, "sha256:") {
		t.Fatalf("policy %+v", p)
	}
	first := p.Tasks[0]
	if first.Task != "gsm8k_cot" || first.Metric != "exact_match" || *first.Margin != 0.02 || first.MinSamples != 400 || first.Tier != Critical {
		t.Errorf("first task %+v: want the order and values of the file", first)
	}
	if w := p.Tasks[2]; w.Tier != Supporting || *w.Margin != 0.005 {
		t.Errorf("wikitext %+v", w)
	}
	if w := p.Tasks[4]; w.Task != "winogrande" || w.Tier != Critical || w.Margin != nil || w.Metric != "" {
		t.Errorf("winogrande %+v, want critical by default", w)
	}
	if p.Claims[0] != (Claim{"spice", "spice_sim", "score"}) || p.Claims[1] != (Claim{"math", "gsm8k_cot", ""}) {
		t.Errorf("claims %+v", p.Claims)
	}
	bare, err := ParsePolicy([]byte("tasks: {arc_easy: {margin: 0.02}}\n"))
	if err != nil || bare.Alpha != DefaultAlpha || len(bare.Tasks) != 1 {
		t.Errorf("without gate: %+v, %v", bare, err)
	}
}

func TestParsePolicyErrors(t *testing.T) {
	for _, tt := range []struct {
		name, text, want string
		line             int
	}{
		{"empty", "", "empty", 0},
		{"unknown key", "gate:\n  alpha: 0.05\n  taks: {}\n", `unknown key "taks"`, 3},
		{"unknown key of a task", "tasks:\n  arc_easy:\n    margin: 0.02\n    teir: critical\n", `unknown key "teir"`, 4},
		{"unknown key beside gate", "gate:\n  tasks: {a: {}}\nmodel: x\n", `unknown key "model"`, 3},
		{"alpha", "alpha: 0.7\ntasks: {a: {}}\n", "alpha: 0.7", 1},
		{"alpha is text", "alpha: high\ntasks: {a: {}}\n", "want a number", 1},
		{"tier", "tasks:\n  a: {tier: critcal}\n", `tier: "critcal"`, 2},
		{"margin 0", "tasks:\n  a: {margin: 0}\n", "want above 0", 2},
		{"margin is infinite", "tasks:\n  a: {margin: .inf}\n", "want a number", 2},
		{"min_samples", "tasks:\n  a: {min_samples: 1.5}\n", "whole number", 2},
		{"no tasks", "alpha: 0.05\n", "no tasks", 1},
		{"twice", "tasks:\n  a: {}\n  a: {}\n", "", 3},
		{"claim without task", "tasks: {a: {}}\nclaims:\n  - {adapter: x}\n", "claim without task", 3},
		{"alias", "tasks: &t\n  a: {margin: 0.1}\nclaims: *t\n", "", 0},
		{"syntax", "tasks: {a: {}\nalpha: 3: 4\n", "", 0},
		{"list", "- a\n- b\n", "want keys and values", 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := ParsePolicy([]byte(tt.text))
			var at *PolicyError
			if !errors.As(err, &at) {
				t.Fatalf("error %v, want a PolicyError", err)
			}
			if !strings.Contains(err.Error(), tt.want) || tt.line != 0 && at.Line != tt.line {
				t.Errorf("error %q, want %q on line %d", err, tt.want, tt.line)
			}
		})
	}
}

func TestParseGateSection(t *testing.T) {
	p, ok, err := ParseGateSection([]byte("model: demo\n" + goodPolicy))
	if err != nil || !ok || len(p.Tasks) != 5 {
		t.Errorf("section %v, %v, %v", p, ok, err)
	}
	if _, ok, err := ParseGateSection([]byte("model: demo\n")); ok || err != nil {
		t.Errorf("file without gate: %v, %v, want neither", ok, err)
	}
	if _, _, err := ParseGateSection([]byte("model: demo\ngate:\n  x: 1\n")); err == nil {
		t.Error("unknown key below gate was taken")
	}
}

func TestDefaultPolicy(t *testing.T) {
	p := DefaultPolicy([]lorabench.TaskInfo{{Name: "a"}, {Name: "b"}})
	if !p.Default || p.Alpha != 0.05 || len(p.Tasks) != 2 || p.Tasks[1].Task != "b" || p.Tasks[1].Tier != Critical {
		t.Errorf("default policy %+v", p)
	}
}

func FuzzParsePolicy(f *testing.F) {
	f.Add([]byte(goodPolicy))
	f.Add([]byte("tasks: {a: {margin: 1e309}}"))
	f.Add([]byte("? [a]\n: b\n"))
	f.Add([]byte("a: &x [*x]\n<<: *x\n"))
	f.Add([]byte("--- |\n text\n---\n!!int a: {"))
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := ParsePolicy(data)
		if err != nil {
			return
		}
		if !(p.Alpha > 0 && p.Alpha < 0.5) || len(p.Tasks) == 0 {
			t.Errorf("accepted %+v", p)
		}
	})
}
