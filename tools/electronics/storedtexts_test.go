package electronics

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/ailiance/lorabench"
	"github.com/ailiance/lorabench/scorers"
	"github.com/ailiance/lorabench/scorers/answer"
	"github.com/ailiance/lorabench/scorers/kicad/circuit"
	"github.com/ailiance/lorabench/scorers/kicad/footprint"
	"github.com/ailiance/lorabench/scorers/kicad/symbol"
	"github.com/ailiance/lorabench/scorers/spice"
	"github.com/ailiance/lorabench/tasks"
)

// storedText is a published record whose text is stored whole.
type storedText struct {
	Model     string          `json:"model"`
	ID        string          `json:"id"`
	Prompt    string          `json:"prompt"`
	Expected  json.RawMessage `json:"expected"`
	Counts    json.RawMessage `json:"expected_counts"`
	Generated string          `json:"generated"`
	Limits    struct {
		Generated bool `json:"generated"`
		Expected  bool `json:"expected"`
	} `json:"stored_at_limit"`
	Scores struct {
		Composite float64 `json:"composite"`
	} `json:"scores"`
}

// storedTexts reads the records of ../shared whose text is whole.
func storedTexts(t *testing.T, files ...string) []storedText {
	t.Helper()
	var texts []storedText
	for _, f := range files {
		raw, err := os.ReadFile(filepath.Join("../../../shared/vectors/ailiance", f+".jsonl"))
		if err != nil {
			t.Skip("the published records of ../shared are not here")
		}
		lines := bufio.NewScanner(bytes.NewReader(raw))
		lines.Buffer(nil, 16<<20)
		for lines.Scan() {
			var s storedText
			if err := json.Unmarshal(lines.Bytes(), &s); err != nil {
				t.Fatalf("%s: %v", f, err)
			}
			if !s.Limits.Generated {
				texts = append(texts, s)
			}
		}
	}
	return texts
}

// phase is a published task, and what of its texts works.
type phase struct {
	name  string // of the published scorer
	files []string
	what  string // what is asked of a text that works
	// works judges a text; ok is false where nothing is known that it could be
	// compared with.
	works func(t *testing.T, s storedText) (works, ok bool)
}

// TestStoredTexts prints the table of docs/electronics.md: of the published
// texts that are stored whole, the published score, the best of what knows
// nothing on the same questions, and the share that works.
func TestStoredTexts(t *testing.T) {
	sim := simulator(t)
	phases := []phase{
		{"kicad_dsl@v0.2", []string{"kicad-dsl", "kicad-dsl.refcounts"}, "name, pins and types of the reference", worksAsSymbol},
		{"kicad_pcb@v0.2", []string{"kicad-pcb", "kicad-pcb.refcounts"}, "a footprint that KiCad reads", func(_ *testing.T, s storedText) (bool, bool) {
			block, reason := answer.Block(s.Generated, "lisp", "kicad", "kicad_mod", "kicad_pcb", "sexpr", "scheme", "text")
			if reason != "" {
				return false, true
			}
			_, err := footprint.Read(block)
			return err == nil, true
		}},
		{"spice_sim@v0.2", []string{"spice-sim", "spice-sim.recovered_refs"}, "ngspice simulates it, with a result for each analysis", func(t *testing.T, s storedText) (bool, bool) {
			return simulates(t, sim, s.Generated), true
		}},
		{"kicad_sch_gen@v0.2", []string{"kicad-sch-gen"}, "a schematic that KiCad loads", func(t *testing.T, s storedText) (bool, bool) {
			block, reason := answer.Block(s.Generated, "lisp", "kicad", "kicad_sch", "sexpr", "scheme", "sch", "text")
			if reason != "" {
				return false, true
			}
			_, err := circuit.Load(t.Context(), block)
			return err == nil, true
		}},
		{"sch_extract@v0.2", []string{"kicad-sch-extract", "kicad-sch-extract.spi_bus"}, "cannot be judged: the nets are not in the question", func(*testing.T, storedText) (bool, bool) { return false, false }},
	}
	t.Log("published scorer | texts stored whole | published score | best null output on the same questions | works | what works means")
	for _, p := range phases {
		texts := storedTexts(t, p.files...)
		if len(texts) == 0 {
			t.Errorf("%s: no text is stored whole", p.name)
			continue
		}
		floor := nullFloor(t, p.name, texts)
		byModel := map[string][]storedText{}
		for _, s := range texts {
			byModel[s.Model] = append(byModel[s.Model], s)
		}
		line := func(who string, of []storedText) (published float64, works, judged int) {
			for _, s := range of {
				published += s.Scores.Composite / float64(len(of))
				if w, ok := p.works(t, s); ok {
					judged++
					if w {
						works++
					}
				}
			}
			t.Logf("%s | %s | %d | %.3f | %.3f (%s) | %d of %d | %s", p.name, who, len(of), published, floor.Value, floor.Output, works, judged, p.what)
			return
		}
		models := slices.SortedFunc(func(yield func(string) bool) {
			for m := range byModel {
				if !yield(m) {
					return
				}
			}
		}, func(a, b string) int { return cmp.Compare(a, b) })
		for _, m := range models {
			line(m, byModel[m])
		}
		published, works, judged := line("all", texts)
		if judged > 0 && float64(works)/float64(judged) > published {
			t.Errorf("%s: %d of %d work, more than the published score %.3f says: what works means is too little", p.name, works, judged, published)
		}
		if floor.Value < published {
			t.Logf("%s: the published mean is above the floor", p.name)
		}
	}
}

// nullFloor is the best that a null output gets of the published scorer.
func nullFloor(t *testing.T, name string, texts []storedText) lorabench.Floor {
	t.Helper()
	definition, err := tasks.Lookup(name)
	if err != nil {
		t.Fatal(err)
	}
	task := &lorabench.Task{Name: name, Scorer: definition.Scorer, Metrics: definition.Metrics[:1]}
	for i, s := range texts {
		raw := s.Expected
		if len(s.Counts) > 0 && string(s.Counts) != "null" {
			raw = s.Counts
		}
		target, err := scorers.TargetOf(definition.Scorer, raw)
		if err != nil {
			t.Fatalf("%s: %s: %v", name, s.ID, err)
		}
		task.Samples = append(task.Samples, lorabench.Sample{
			ID: fmt.Sprint(i), Target: target, Requests: []lorabench.Request{{Kind: lorabench.Generate, Prompt: s.Prompt}},
		})
	}
	task.Nulls = definition.NullsOf(task.Samples)
	scorer, err := scorers.ForTask(task, scorers.Tools{})
	if err != nil {
		t.Fatal(err)
	}
	floors, err := scorers.Floors(t.Context(), task, scorer)
	if err != nil {
		t.Fatal(err)
	}
	return floors[task.Metrics[0].Name]
}

// worksAsSymbol compares a text with the pinout of its reference.
func worksAsSymbol(_ *testing.T, s storedText) (works, ok bool) {
	var expected string
	if s.Limits.Expected || json.Unmarshal(s.Expected, &expected) != nil {
		return false, false
	}
	references, err := symbol.Read(expected)
	if err != nil || len(references) != 1 {
		return false, false
	}
	block, reason := answer.Block(s.Generated, symbol.Languages...)
	return reason == "" && symbol.PinoutOf(references[0]).Judge(block).Pass, true
}

// simulates reports whether a whole deck of a model runs and gives a result for
// each analysis that it has.
func simulates(t *testing.T, sim *spice.Simulator, text string) bool {
	t.Helper()
	block, reason := answer.Block(text, "spice", "cir", "sp", "net", "netlist", "ngspice", "text")
	if reason != "" {
		return false
	}
	clean, err := spice.Sanitise(block)
	if err != nil {
		return false
	}
	result, err := sim.Run(t.Context(), []byte(clean.Deck))
	if err != nil {
		t.Fatal(err)
	}
	if result.Reason != "" || len(result.Plots) == 0 {
		return false
	}
	wanted := 0
	for line := range strings.Lines(strings.ToLower(clean.Deck)) {
		word, _, _ := strings.Cut(strings.TrimSpace(line), " ")
		if slices.Contains([]string{".op", ".ac", ".dc", ".tran"}, word) {
			wanted++
		}
	}
	return wanted > 0 && len(result.Plots) >= wanted
}

// TestReferencesWork holds that what is asked of published texts can be done:
// the references do it.
func TestReferencesWork(t *testing.T) {
	seen := map[string]bool{}
	n := 0
	for _, s := range storedTexts(t, "kicad-dsl") {
		if seen[s.ID] || s.Limits.Expected {
			continue
		}
		seen[s.ID] = true
		var expected string
		if json.Unmarshal(s.Expected, &expected) != nil || !strings.HasPrefix(expected, "DEF ") {
			continue
		}
		n++
		s.Generated = "Here it is:\n```\n" + expected + "\n```\n"
		if works, ok := worksAsSymbol(t, s); !works || !ok {
			t.Errorf("%s: the reference does not work (%t, %t)", s.ID, works, ok)
		}
	}
	if n == 0 {
		t.Error("no reference was looked at")
	}
}
