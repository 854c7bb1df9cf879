package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const ailianceVectors = "../../../shared/vectors/ailiance"

func vectorFile(t *testing.T, name string) string {
	t.Helper()
	path := filepath.Join(ailianceVectors, name)
	if _, err := os.Stat(path); err != nil {
		t.Skipf("no vectors: %v", err)
	}
	return path
}

// TestScorePublishedRecords scores files of published records as they are, and
// gets each record's score object back.
func TestScorePublishedRecords(t *testing.T) {
	for _, tt := range []struct{ task, file, primary string }{
		{"kicad_dsl@v0.2", "kicad-dsl.jsonl", "composite"},
		{"kicad_dsl@v0.2", "kicad-dsl.refcounts.jsonl", "composite"},
		{"kicad_pcb@v0.2", "kicad-pcb.refcounts.jsonl", "composite"},
		{"spice_sim@v0.2", "spice-sim.jsonl", "composite"},
		{"kicad_sch_gen@v0.2", "kicad-sch-gen.jsonl", "composite"},
		{"sch_extract@v0.2", "kicad-sch-extract.jsonl", "composite"},
		{"erc@v0.2", "kicad-erc-abs.jsonl", "composite"},
		{"erc_delta@v0.2", "kicad-erc-delta.jsonl", "composite_v2"},
		{"kicad_sch_completion@v0.2", "kicad-sch-completion.jsonl", "composite"},
		{"kiki_native@v0.2", "synthetic.kiki_native.jsonl", "overall_score"},
		{"gsm8k_last_number@v0.2", "gsm8k.jsonl", "ok"},
	} {
		t.Run(tt.file, func(t *testing.T) {
			path := vectorFile(t, tt.file)
			stdout, stderr, code := command(t, "score", tt.task, "--outputs", path, "--json")
			if code != 0 {
				t.Fatalf("exit code %d: %s", code, stderr)
			}
			var doc scoresDocument
			if err := json.Unmarshal([]byte(stdout), &doc); err != nil {
				t.Fatal(err)
			}
			raw, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			lines := strings.Split(strings.TrimSpace(string(raw)), "\n")
			if len(lines) != len(doc.Samples) {
				t.Fatalf("%d samples of %d lines", len(doc.Samples), len(lines))
			}
			for i, line := range lines {
				var want struct{ Scores map[string]any }
				var got map[string]any
				if json.Unmarshal([]byte(line), &want) != nil || json.Unmarshal(doc.Samples[i].Record, &got) != nil {
					t.Fatalf("line %d", i+1)
				}
				for key, value := range want.Scores {
					a, _ := json.Marshal(got[key])
					b, _ := json.Marshal(value)
					if string(a) != string(b) {
						t.Errorf("line %d: %s = %s, want %s", i+1, key, a, b)
					}
				}
				value := doc.Samples[i].Scores[tt.primary]
				if value == nil {
					t.Errorf("line %d: no %s", i+1, tt.primary)
				} else if b, isBool := want.Scores[tt.primary].(bool); isBool && (*value == 1) != b || !isBool && *value != want.Scores[tt.primary] {
					t.Errorf("line %d: score %v, want %v", i+1, *value, want.Scores[tt.primary])
				}
			}
			if floor := doc.Metrics[tt.primary].Floor; floor == nil && tt.task != "erc_delta@v0.2" {
				t.Error("no floor stands beside the score")
			}
		})
	}
}

// TestSplitThinking reproduces the published headline from stored texts: the base
// scores what the empty text scores, since it is all reasoning, and what the
// best adapter adds is that it does not reason.
func TestSplitThinking(t *testing.T) {
	split := func(task, file string) map[string]separatedScore {
		stdout, stderr, code := command(t, "score", task, "--outputs", vectorFile(t, file), "--split-thinking", "--json")
		if code != 0 {
			t.Fatalf("exit code %d: %s", code, stderr)
		}
		var doc thinkingDocument
		if err := json.Unmarshal([]byte(stdout), &doc); err != nil {
			t.Fatal(err)
		}
		byModel := map[string]separatedScore{}
		for _, m := range doc.Models {
			byModel[m.Model] = m
		}
		return byModel
	}
	const base, best, reasoner = "gemma-e4b-ailiance-base", "gemma-e4b-eukiki-final", "ministral-3-14b-reasoning"
	for _, tt := range []struct{ task, file string }{
		{"kicad_dsl@v0.2", "kicad-dsl.jsonl"}, {"kicad_dsl@v0.2", "kicad-dsl.refcounts.jsonl"},
		{"kicad_pcb@v0.2", "kicad-pcb.refcounts.jsonl"}, {"spice_sim@v0.2", "spice-sim.jsonl"},
	} {
		models := split(tt.task, tt.file)
		b := models[base]
		if b.N == 0 || b.Reasoning != b.N || *b.Whole != *b.Empty || *b.Separated != *b.Empty {
			t.Errorf("%s: %s: %d of %d reason, whole %v, separated %v, empty %v: want all, and equal scores", tt.file, base, b.Reasoning, b.N, *b.Whole, *b.Separated, *b.Empty)
		}
		if a := models[best]; a.Reasoning != 0 || *a.Whole != *a.Separated || *a.Whole < *a.Empty+0.3 {
			t.Errorf("%s: %s: %d reason, whole %v, separated %v, empty %v", tt.file, best, a.Reasoning, *a.Whole, *a.Separated, *a.Empty)
		}
	}
	// What a reasoner's prose looks like to the deck's score is gone without it.
	if m := split("spice_sim@v0.2", "spice-sim.jsonl")[reasoner]; *m.Whole < 0.7 || *m.Separated != *m.Empty || m.Stored != m.N {
		t.Errorf("%s: whole %v, separated %v, empty %v, %d of %d not stored", reasoner, *m.Whole, *m.Separated, *m.Empty, m.Stored, m.N)
	}
}

func TestSplitThinkingReasons(t *testing.T) {
	lines := `{"id":"a","model":"m","output":"<think>x</think>DEF","expected":"X"}
{"id":"b","model":"m","output":"<think>x","expected":"X"}
{"id":"c","model":"m","output":"[THINK]x","expected":"X","stop":"length"}
{"id":"d","model":"m","output":"<|channel>thought x","expected":"X","stored_at_limit":{"generated":true}}
{"id":"e","model":"n","output":"DEF","expected":"X"}
`
	stdout, stderr, code := command(t, "score", "kicad_dsl@v0.2", "--outputs", write(t, "texts.jsonl", lines), "--split-thinking")
	if code != 0 {
		t.Fatalf("exit code %d: %s", code, stderr)
	}
	for _, want := range []string{"1 × " + reasonNoAnswer, "1 × " + reasonCut, "1 × " + reasonStored, "ANSWER ALONE", " m  ", " n  "} {
		if !strings.Contains(stdout, want) {
			t.Errorf("no %q in:\n%s", want, stdout)
		}
	}
}
