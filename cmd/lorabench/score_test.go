package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/ailiance/lorabench/scorers/spice"
)

func TestScoreGolden(t *testing.T) {
	texts := write(t, "texts.jsonl", strings.Join([]string{
		`{"id": "arithmetic-0001", "output": " 23 - 4 = 19. The answer is 50."}`,
		`{"id": "arithmetic-0001", "output": " The answer is 51."}`,
		``,
		`{"id": "arithmetic-0002", "output": "no idea", "model": "other keys do not matter"}`,
		`{"id": "mine", "output": "The answer is 7.", "expected": 7, "prompt": "Q: 3 + 4?\nA:"}`,
		`{"id": "arithmetic-0002", "output": "The answer is 1.", "expected": "1"}`,
	}, "\n"))
	golden(t, "scores.json", jsonOf(t, "score", "demo_arithmetic", "--outputs", texts, "--json"))
	stdout, stderr, code := command(t, "score", "demo_arithmetic", "--outputs", texts)
	if code != 0 || stderr != "" {
		t.Errorf("exit code %d, %s", code, stderr)
	}
	golden(t, "scores.txt", []byte(stdout))
}

// scoresOf reads the values of a metric out of lorabench/scores/1.
func scoresOf(t *testing.T, document []byte, metric string) (values []string) {
	t.Helper()
	var doc struct {
		Samples []struct {
			Scores map[string]*float64
			Reason *string
		}
	}
	if err := json.Unmarshal(document, &doc); err != nil {
		t.Fatal(err)
	}
	for _, s := range doc.Samples {
		if v := s.Scores[metric]; v != nil {
			values = append(values, fmt.Sprint(*v))
		} else if s.Reason != nil {
			values = append(values, *s.Reason)
		}
	}
	return values
}

func TestScoreCircuits(t *testing.T) {
	if _, err := spice.NewSimulator(t.Context()); err != nil {
		t.Skip(err)
	}
	bench := `{"sources": ["V1 in 0 DC 2"], "analysis": "op", "elements": "R", "checks": [{"kind": "dc", "node": "out", "target": 1, "tolerance": 0.01}]}`
	texts := write(t, "texts.jsonl", strings.Join([]string{
		`{"id": "a", "output": "R1 in out 1k\nR2 out 0 1k\n.end\n", "expected": ` + bench + `}`,
		`{"id": "b", "output": "R1 in out 1k\nR2 out 0 3k\n.end\n", "expected": ` + bench + `}`,
		`{"id": "c", "output": ".control\nshell reboot\n.endc\n", "expected": ` + bench + `}`,
	}, "\n"))
	if got := scoresOf(t, jsonOf(t, "score", "demo_spice", "--outputs", texts, "--json"), "score"); strings.Join(got, " ") != "1 0 0" {
		t.Errorf("scores %v, want 1 0 0", got)
	}
}

// A task whose data are elsewhere is scored without them where each line says
// what is right.
func TestScoreWithoutData(t *testing.T) {
	stdout, stderr, code := commandReading(t, `{"id": 7, "output": "so the answer is 42. #### 42", "expected": "long #### 42"}`, "score", "gsm8k", "--outputs", "-", "--json")
	if code != 0 {
		t.Fatalf("exit code %d: %s", code, stderr)
	}
	if got := scoresOf(t, []byte(stdout), "exact_match"); strings.Join(got, " ") != "1" {
		t.Errorf("scores %v, want 1", got)
	}
}

func TestScoreRefuses(t *testing.T) {
	good := `{"id": "arithmetic-0001", "output": ""}` + "\n"
	for _, tt := range []struct {
		name, task, lines string
		code              int
		want              string
	}{
		{"no JSON", "demo_arithmetic", good + "\nhello\n", 1, "line 3: invalid character"},
		{"no output", "demo_arithmetic", good + `{"id": "arithmetic-0001"}`, 1, `line 2: no "output"`},
		{"no id", "demo_arithmetic", good + `{"output": "x"}`, 1, `line 2: no "id"`},
		{"id null", "demo_arithmetic", `{"id": null, "output": "x"}`, 1, `line 1: no "id"`},
		{"an id that is not there", "demo_arithmetic", good + `{"id": "x\u001b", "output": "x"}`, 1, `line 2: the task has no sample "x\x1b"`},
		{"expected is no answer", "demo_arithmetic", `{"id": "x", "output": "x", "expected": [1]}`, 1, "line 1: expected: want a text or a number"},
		{"expected is no bench", "demo_spice", `{"id": "x", "output": "x", "expected": {"sources": []}}`, 1, "line 1: expected: bench: no sources"},
		{"nothing", "demo_arithmetic", "\n\n", 1, "no texts"},
		{"data needed", "gsm8k", good, 2, "--data is missing"},
		{"too long", "demo_arithmetic", good + strings.Repeat("x", maxTextLine+1), 1, "line 2: longer than 16 MiB"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			stdout, stderr, code := command(t, "score", tt.task, "--outputs", write(t, "texts.jsonl", tt.lines))
			if code != tt.code || stdout != "" || !strings.Contains(stderr, tt.want) {
				t.Errorf("exit code %d, standard output %q, standard error %q; want %d and %q", code, stdout, stderr, tt.code, tt.want)
			}
		})
	}
}

func FuzzParseText(f *testing.F) {
	f.Add([]byte(`{"id": "a", "output": "b", "prompt": null, "expected": {"a": [1, 2]}}`))
	f.Add([]byte(`{"id": 1e3, "output": "\ud800", "expected": 1}`))
	f.Add([]byte(`{"id": "a", "generated": {"parse_ok": 1}, "expected": {"parse_via": "missing"}, "tool": {"kicad_cli_rc": 3}, "prefix": "("}`))
	f.Fuzz(func(t *testing.T, line []byte) {
		for _, scorer := range []string{"exact_match", "erc_delta@v0.2", "mascarade@v0.2"} {
			text, err := parseText(line, scorer)
			if err == nil && text.id == "" {
				t.Errorf("%q: a text without id", line)
			}
		}
	})
}
