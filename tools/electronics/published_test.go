package electronics

import (
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/ailiance/lorabench"
	"github.com/ailiance/lorabench/scorers"
	"github.com/ailiance/lorabench/tasks"
)

// publishedNames are the tasks of the published benchmark.
func publishedNames() []string {
	var names []string
	for _, name := range tasks.Names() {
		if strings.HasSuffix(name, "@v0.2") {
			names = append(names, name)
		}
	}
	return names
}

const (
	aSymbol     = "DEF A U 0 20 Y Y 1 F N\nF0 \"U\" 0 0 50 H V C CNN\nF1 \"A\" 0 0 50 H V C CNN\nF2 \"\" 0 0 50 H I C CNN\n$FPLIST\n A*\n$ENDFPLIST\nDRAW\nX A 1 0 0 100 R 50 50 1 1 I\nX B 2 0 0 100 R 50 50 1 1 I\nENDDRAW\nENDDEF"
	aFootprint  = "(module A (layer F.Cu)\n (fp_text reference R (at 0 0) (layer F.SilkS))\n (pad 1 smd rect (at 0 0) (size 1 1))\n)"
	aDeck       = "divider\nV1 1 0 5\nR1 1 2 1k\nR2 2 0 1k\n.op\n.end\n"
	aSchematic  = "(kicad_sch (version 20250114) (uuid \"u\") (lib_symbols) (symbol (lib_id \"R\") (at 0 0 0) (property \"Reference\" \"R1\")) (label \"A\" (at 0 0 0)))"
	aNetlist    = `{"components": [{"ref": "R1"}], "nets": [{"name": "A", "pins": ["R1.1"]}]}`
	aTurnPrompt = "What is asked."
)

// publishedData holds two rows of each dataset, as the published ones are.
func publishedData() fstest.MapFS {
	turns := func(answer string) string {
		raw, _ := json.Marshal([]lorabench.Message{{Role: "system", Content: "s"}, {Role: "user", Content: aTurnPrompt}, {Role: "assistant", Content: answer}})
		return string(raw)
	}
	row := func(answer, more string) string { return fmt.Sprintf(`{"messages": %s%s}`+"\n", turns(answer), more) }
	lines := func(text ...string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(strings.Join(text, "\n"))} }
	lacking := `{"messages": [{"role": "user", "content": "no answer"}]}` + "\n"
	return fstest.MapFS{
		"kicad-dsl/valid.jsonl": lines(lacking, strings.Repeat(row(aSymbol, ""), 21)),
		"kicad-pcb/valid.jsonl": lines(row(aFootprint, ""), row(aFootprint, "")),
		"spice-sim/valid.jsonl": lines(row(aDeck, ""), row(aDeck, "")),
		"kicad-sch-gen/valid.jsonl": lines(row(aSchematic, `, "_id": "voltage_divider", "_source": "x"`), row(aSchematic, `, "_id": "spi_bus_4devices"`),
			row(aSchematic, `, "_id": "ne555_astable"`)),
		"kicad-sch-extract/valid.jsonl": lines(row(aNetlist, `, "_id": "a", "ground_truth_json": `+aNetlist), row(aNetlist, "")),
		"kiki-native/valid.jsonl":       lines(`{"id": "k-1", "prompt": "p", "must_contain": ["R1", "10k"], "must_be_unique": ["R1"]}`),
		"mascarade-eval/valid.jsonl":    lines(fmt.Sprintf(`{"prompt": "p", "domain": "kicad", "expected": %q}`, aSymbol)),
		"gsm8k/test.jsonl":              lines(`{"question": "1+1?", "answer": "2 #### 2"}`, `{"question": "1+2?", "answer": "3 #### 3"}`),
		"forgetting/valid.jsonl":        lines(row("words of an answer", "")),
	}
}

// TestPublishedTasks holds of every published task that its scorer has all its
// metrics, that its rows load as they were asked, that a right answer scores,
// and that null outputs have a floor.
func TestPublishedTasks(t *testing.T) {
	if len(publishedNames()) < 10 {
		t.Fatalf("only %v", publishedNames())
	}
	for _, name := range publishedNames() {
		t.Run(name, func(t *testing.T) {
			definition, err := tasks.Lookup(name)
			if err != nil {
				t.Fatal(err)
			}
			task, err := definition.Load(t.Context(), publishedData(), tasks.DefaultOptions())
			if err != nil {
				t.Fatal(err)
			}
			scorer, err := scorers.ForTask(task, scorers.Tools{})
			if err != nil {
				t.Fatal(err)
			}
			for _, s := range task.Samples {
				if s.Requests[0].MaxNewTokens == 0 || len(s.Requests[0].Until) > 0 {
					t.Errorf("%s: %+v", s.ID, s.Requests[0])
				}
				record, err := scorers.PublishedRecord(t.Context(), task.Scorer, scorers.Tools{}, &s, s.Target.Answer)
				if err != nil && name != "mascarade@v0.2" {
					t.Errorf("%s: %v", s.ID, err)
				}
				for _, score := range scorer.Score(t.Context(), &s, []lorabench.Output{{Text: s.Target.Answer, Stop: lorabench.StopEOS}}) {
					if value, ok := record.Number(score.Metric); ok != score.Valued() || value != score.Value {
						t.Errorf("%s: %s is %v (%s), the record has %v, %v", s.ID, score.Metric, score.Value, score.Unscored, value, ok)
					}
				}
			}
			floors, err := scorers.Floors(t.Context(), task, scorer)
			if err != nil {
				t.Fatal(err)
			}
			if floor, ok := floors[task.Primary().Name]; !ok && name != "n3@v0.2" || ok && (floor.Value < 0 || floor.Value > 1 || math.IsNaN(floor.Value)) {
				t.Errorf("floor of %s: %+v, %v", task.Primary().Name, floor, ok)
			}
		})
	}
}

// TestPublishedRows holds which rows are asked, and by which names.
func TestPublishedRows(t *testing.T) {
	load := func(name string) *lorabench.Task {
		definition, err := tasks.Lookup(name)
		if err != nil {
			t.Fatal(err)
		}
		task, err := definition.Load(t.Context(), publishedData(), tasks.DefaultOptions())
		if err != nil {
			t.Fatal(err)
		}
		return task
	}
	if task := load("kicad_dsl@v0.2"); len(task.Samples) != 20 || task.Samples[0].ID != "kicad-dsl-00" || task.Samples[0].Requests[0].Prompt != aTurnPrompt {
		t.Errorf("%d samples, the first %q: %q", len(task.Samples), task.Samples[0].ID, task.Samples[0].Requests[0].Prompt)
	}
	if task := load("kicad_sch_gen@v0.2"); len(task.Samples) != 2 || task.Samples[1].ID != "ne555_astable" {
		t.Errorf("%d schematics: the real one was not asked for", len(task.Samples))
	}
	task := load("kicad_sch_completion@v0.2")
	// The published header of voltage_divider, by its UUIDv5 and its title.
	const header = "(kicad_sch\n\t(version 20250114)\n\t(generator \"kicad-bench\")\n\t(generator_version \"1.0\")\n\t(uuid \"f9a10f6a-214b-5193-9947-4e823d3590ea\")\n\t(paper \"A4\")\n\t(title_block\n\t\t(title \"Voltage Divider\")\n\t\t(date \"2026-05-11\")\n\t)\n\t(lib_symbols\n"
	if got := task.Samples[0].Target.Answer; got != header {
		t.Errorf("header %q, want %q", got, header)
	}
	if got := task.Samples[0].Requests[0].Prompt; !strings.HasSuffix(got, "\n\nExisting prefix:\n"+header+"\n\nContinue:") {
		t.Errorf("prompt %q", got)
	}
}

// TestPublishedFloors holds what constant texts score: more than any published
// model on the first phase (0.64, 0.43 and 0.853).
func TestPublishedFloors(t *testing.T) {
	for name, least := range map[string]float64{"kicad_dsl@v0.2": 0.8, "kicad_pcb@v0.2": 0.8, "spice_sim@v0.2": 0.85, "kicad_sch_gen@v0.2": 0.8, "kiki_native@v0.2": 0.99} {
		definition, err := tasks.Lookup(name)
		if err != nil {
			t.Fatal(err)
		}
		task, err := definition.Load(t.Context(), publishedData(), tasks.DefaultOptions())
		if err != nil {
			t.Fatal(err)
		}
		scorer, err := scorers.ForTask(task, scorers.Tools{})
		if err != nil {
			t.Fatal(err)
		}
		floors, err := scorers.Floors(t.Context(), task, scorer)
		if err != nil {
			t.Fatal(err)
		}
		if floor := floors[task.Primary().Name]; floor.Value < least {
			t.Errorf("%s: floor %v (%s), want %v at least", name, floor.Value, floor.Output, least)
		}
	}
}
