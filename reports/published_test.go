package reports

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

const ailianceGolden = "../../shared/vectors/ailiance/golden"

func publishedGolden(t *testing.T, name string) []byte {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(ailianceGolden, name))
	if err != nil {
		t.Skipf("no golden files: %v", err)
	}
	return raw
}

func publishedAdapters(first string) []PublishedAdapter {
	return []PublishedAdapter{
		{"gemma-e4b-eukiki-final", first}, {"gemma-e4b-mascarade-final", "+mascarade"},
		{"gemma-e4b-aggro-test", "+aggro"}, {"gemma-e4b-kicad9plus-final", "+kicad9plus"},
	}
}

// TestPublishedMatrix rebuilds the published comparison of its inputs, byte for
// byte. Its two files call the first adapter by different names.
func TestPublishedMatrix(t *testing.T) {
	var files PublishedFiles
	if err := json.Unmarshal(publishedGolden(t, "compare_inputs.json"), &files); err != nil {
		t.Fatal(err)
	}
	const date = "2026-05-11 18:23:01"
	names := PublishedNames{Base: "gemma-e4b-ailiance-base", Shown: "gemma-e4b-eu-kiki-base", Folder: "/Users/electron/bench-results"}
	var text strings.Builder
	names.Adapters = publishedAdapters("+eu-kiki")
	if err := NewPublishedMatrix(files, names).Markdown(&text, date); err != nil {
		t.Fatal(err)
	}
	if want := string(publishedGolden(t, "compare_base_vs_lora.md")); text.String() != want {
		t.Errorf("Markdown:\n%s\nwant:\n%s", text.String(), want)
	}
	text.Reset()
	names.Adapters = publishedAdapters("+ailiance")
	if err := NewPublishedMatrix(files, names).JSON(&text, date); err != nil {
		t.Fatal(err)
	}
	if want := string(publishedGolden(t, "compare_base_vs_lora.json")); text.String() != want {
		t.Errorf("JSON:\n%s\nwant:\n%s", text.String(), want)
	}
}

// TestPublishedMatrixMissing: a file that is not there is a warning and a row
// that waits; a model that failed has no score.
func TestPublishedMatrixMissing(t *testing.T) {
	files := PublishedFiles{
		"kicad_functional_phase1.json": json.RawMessage(`{"bench": {"b": {"kicad-dsl": {"composite_score": 0.5}, "spice-sim": {"error": "load_failed", "n_samples": 0}}}}`),
		"kicad_phase2.json":            json.RawMessage(`{"bench": {"b": {"error": "x", "composite_score": 0.5}}}`),
		"kicad_phase2_lora.json":       json.RawMessage(`{"bench": {"a": {"composite_score": 0.25}}}`),
		"kicad_phase3_lora.json":       json.RawMessage(`{"bench": {"other": {"composite_score": 0.25}}}`),
		"kicad_phase4.json":            json.RawMessage(`[1, 2`),
		"kicad_phase4_lora.json":       json.RawMessage(`{"bench": {"a": {"composite_avg": null}}}`),
	}
	var text strings.Builder
	m := NewPublishedMatrix(files, PublishedNames{Base: "b", Folder: "F", Adapters: []PublishedAdapter{{"a", "+a"}, {"c", "+c"}}})
	if err := m.Markdown(&text, "now"); err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(text.String(), "\n\n| Phase")
	const want = ` | Dataset | base | +a | +c |
|---|---|---:|---:|---:|
| P1| kicad-dsl| 0.500| (en attente)| (en attente) |
| P1| spice-sim| n/a| (en attente)| (en attente) |
| P2| kicad-sch-gen| n/a| 0.250 (no base)| (en attente) |
| P3 | — | — | (no data) | (no data) |
| P4| kicad-erc-abs| n/a| (en attente)| (en attente) |
| P5 | — | — | (en attente) | (en attente) |

## Warnings

- **P1** : lora file missing: F/kicad_functional_phase1_lora.json (en attente)
- **P3** : base file missing: F/kicad_phase3.json
- **P4** : base ref nick 'b' not in kicad_phase4.json
- **P5** : base file missing: F/kicad_phase5.json
- **P5** : lora file missing: F/kicad_phase5_lora.json (en attente)
`
	if table != want {
		t.Errorf("got:\n%s\nwant:\n%s", table, want)
	}
}

// TestPublishedCells recomputes the cells of the synthetic records.
func TestPublishedCells(t *testing.T) {
	raw, err := os.ReadFile(filepath.Join(ailianceGolden, "..", "synthetic.compare_fmt.jsonl"))
	if err != nil {
		t.Skipf("no vectors: %v", err)
	}
	n := 0
	for line := range strings.Lines(string(raw)) {
		var v struct {
			ID        string
			Expected  struct{ Base *json.Number }
			Generated struct{ LoRA *json.Number }
			Scores    struct {
				Lift string
				Base string `json:"base_cell"`
			}
		}
		if err := json.Unmarshal([]byte(line), &v); err != nil {
			t.Fatal(err)
		}
		if got := liftCell(v.Generated.LoRA, v.Expected.Base); got != v.Scores.Lift {
			t.Errorf("%s: %q, want %q", v.ID, got, v.Scores.Lift)
		}
		if got := baseCell(v.Expected.Base); got != v.Scores.Base {
			t.Errorf("%s: base %q, want %q", v.ID, got, v.Scores.Base)
		}
		n++
	}
	t.Logf("synthetic.compare_fmt.jsonl: %d records equal", n)
}

func TestPublishedBenchTable(t *testing.T) {
	var text strings.Builder
	if err := PublishedBenchTable(&text, string(publishedGolden(t, "all_models.txt")), "2026-05-10"); err != nil {
		t.Fatal(err)
	}
	if want := string(publishedGolden(t, "BENCH_TABLE.md")); text.String() != want {
		t.Errorf("got:\n%s\nwant:\n%s", text.String(), want)
	}
}

func TestPublishedDomains(t *testing.T) {
	var text strings.Builder
	if err := PublishedDomains(&text, publishedGolden(t, "31_domains_baseline.json"), ""); err != nil {
		t.Fatal(err)
	}
	if want := string(publishedGolden(t, "31_domains_baseline.md")); text.String() != want {
		t.Errorf("got:\n%s\nwant:\n%s", text.String(), want)
	}
}

// TestPublishedComparison rebuilds both joins: their lifts of the perplexities,
// and the tables.
func TestPublishedComparison(t *testing.T) {
	source := regexp.MustCompile("(?m)^- (?:Base|Tuned): (.*)$")
	lifts := 0
	for _, name := range []string{"comparison_v1_2026-05-11", "comparison_v2_2026-05-11"} {
		var cells []PPLCell
		if err := json.Unmarshal(publishedGolden(t, name+".json"), &cells); err != nil {
			t.Fatal(err)
		}
		for i, c := range JoinPerplexities(cells) {
			want := cells[i]
			if (c.Log == nil) != (want.Log == nil) {
				t.Errorf("%s: %s %s: joined %v, want %v", name, c.Model, c.Domain, c.Log != nil, want.Log != nil)
			} else if c.Log != nil {
				lifts++
				if *c.Log != *want.Log || *c.Percent != *want.Percent {
					t.Errorf("%s: %s %s: %v, %v, want %v, %v", name, c.Model, c.Domain, *c.Log, *c.Percent, *want.Log, *want.Percent)
				}
			}
		}
		want := string(publishedGolden(t, name+".md"))
		sources := source.FindAllStringSubmatch(want, -1)
		if len(sources) != 2 {
			t.Fatalf("%s: %q", name, sources)
		}
		var text strings.Builder
		if err := PublishedComparison(&text, cells, sources[0][1], sources[1][1]); err != nil {
			t.Fatal(err)
		}
		if text.String() != want {
			t.Errorf("%s:\n%s\nwant:\n%s", name, text.String(), want)
		}
	}
	if lifts != 48 {
		t.Errorf("%d cells are joined, want 48", lifts)
	}
}
