package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// publishedRecords are records of a base, its adapter and another model.
func publishedRecords() string {
	const symbol = `DEF A U\nF0 a\nF1 a\nF2 a\nDRAW\nX a 1 0 0\nENDDRAW\nENDDEF`
	var b strings.Builder
	for i := range 12 {
		for _, m := range []struct{ model, source, text, scores string }{
			{"gemma-e4b-ailiance-base", "kicad_functional_phase1.json", "<|channel>thought", `{"parse_ok": false, "fields_complete": false, "has_draw_or_rect": false, "fplist_balanced": true, "expected_pin_count": 1, "generated_pin_count": 0, "pin_count_match": false, "composite": 0.08}`},
			{"gemma-e4b-x-final", "kicad_functional_phase1_lora.json", symbol, `{"parse_ok": true, "fields_complete": true, "has_draw_or_rect": true, "fplist_balanced": true, "expected_pin_count": 1, "generated_pin_count": 1, "pin_count_match": true, "composite": 1.0}`},
			{"gemma-e2b", "kicad_functional_phase1.json", "text", `{"parse_ok": true, "composite": 0.5}`},
		} {
			fmt.Fprintf(&b, `{"task": "kicad-dsl", "model": "%s", "id": "kicad-dsl-%02d", "prompt": "p", "expected": "%s", "generated": "%s", "scores": %s, "source_file": "%s"}`+"\n",
				m.model, i, symbol, m.text, m.scores, m.source)
		}
	}
	return b.String()
}

// TestImportAiliance imports records and looks at them with all that reads runs.
func TestImportAiliance(t *testing.T) {
	dir := t.TempDir()
	db := filepath.Join(dir, "imported.db")
	records := write(t, "records.jsonl", publishedRecords())
	run := func(code int, args ...string) string {
		t.Helper()
		stdout, stderr, got := command(t, append(args, "--db", db)...)
		if got != code {
			t.Fatalf("%v: exit code %d, want %d:\n%s%s", args, got, code, stdout, stderr)
		}
		return stdout + stderr
	}
	has := func(text string, wants ...string) {
		t.Helper()
		for _, want := range wants {
			if !strings.Contains(text, want) {
				t.Errorf("no %q in:\n%s", want, text)
			}
		}
	}
	has(run(0, "import", "ailiance", records, "--as", "theirs"), "2 measurements of gemma-e4b-ailiance-base", "24 samples",
		"other models: gemma-e2b", "24 of the published scores come out the same")
	has(run(0, "runs"), "theirs", "imported")
	has(run(0, "report"), "imported, not measured", "8.0", "100.0", "(floor)")
	has(run(0, "compare", "base", "gemma-e4b-x-final"), "+92 points")
	has(run(5, "gate"), "INVALID", "imported, not measured")
	has(run(5, "rerun", "theirs/kicad_dsl@v0.2/base"), "there is nothing to run again")
	has(run(0, "samples", "--task", "kicad_dsl@v0.2", "--variant", "base", "--limit", "1"), "<|channel>thought")
	has(run(0, "report", "--format", "compare"), "| kicad_dsl@v0.2 | composite", "100.0 (")
	if text := run(1, "import", "ailiance", records, "--as", "theirs"); !strings.Contains(text, "theirs") {
		t.Errorf("a second import of the same name: %s", text)
	}
	has(run(2, "import", "ailiance", records, "--as", "z", "--base", "nobody"), "gemma-e2b")
	has(run(2, "import", "ailiance", records), "--as is missing")
	has(run(0, "import", "ailiance", records, "--as", "other", "--base", "gemma-e2b"), "1 measurement of gemma-e2b")
}

// TestImportResultFiles imports result files as they are published, with samples
// and without.
func TestImportResultFiles(t *testing.T) {
	dir := t.TempDir()
	db := filepath.Join(dir, "imported.db")
	file := func(name, text string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	file("kicad_phase4.json", `{"metadata": {}, "bench": {"gemma-e4b-eu-kiki-base": {"n_samples": 1, "composite_avg": 0.06, "samples": [
		{"id": "led", "prompt": "p", "erc": {"parse_ok": 0.2, "parse_via": "py_partial", "errors_count": null, "warnings_count": null}, "scores": {"parse_ok_score": 0.2, "erc_no_errors": 0.0, "erc_low_warnings": 0.0, "composite": 0.06}}]}}}`)
	file("kicad_phase2_lora.json", `{"bench": {"gemma-e4b-x-final": {"n_samples": 5, "composite_score": 0.22}}}`)
	file("notes.json", `[1]`)
	stdout, stderr, code := command(t, "import", "ailiance", dir, "--as", "files", "--db", db)
	if code != 0 || !strings.Contains(stdout, "2 measurements") || !strings.Contains(stderr, "only sums are published, of 5 samples") || !strings.Contains(stderr, "notes.json") {
		t.Fatalf("exit code %d: %s%s", code, stdout, stderr)
	}
	stdout, stderr, code = command(t, "samples", "--db", db, "--task", "erc@v0.2", "--variant", "base", "--json")
	var doc samplesDocument
	if code != 0 || json.Unmarshal([]byte(stdout), &doc) != nil || len(doc.Samples) != 1 {
		t.Fatalf("exit code %d: %s%s", code, stdout, stderr)
	}
	s := doc.Samples[0]
	if s.ID != "led" || *s.Scores["composite"] != 0.06 || *s.Scores["parse_ok"] != 0.2 || s.Scores["errors_count"] != nil || s.Reason == nil {
		t.Errorf("%+v", s)
	}
	for _, path := range []string{write(t, "x.jsonl", "{}\n"), write(t, "y.json", "{}"), filepath.Join(dir, "none")} {
		if _, stderr, code := command(t, "import", "ailiance", path, "--as", "z", "--db", db); code != 1 || !strings.Contains(stderr, "import: ") {
			t.Errorf("%s: exit code %d: %s", path, code, stderr)
		}
	}
}

// TestImportVectors imports all published records that there are: the scores of
// the first phase are the published ones.
func TestImportVectors(t *testing.T) {
	vectorFile(t, "aggregates.jsonl")
	db := filepath.Join(t.TempDir(), "v.db")
	if _, stderr, code := command(t, "import", "ailiance", ailianceVectors, "--as", "v", "--db", db); code != 0 || strings.Contains(stderr, "do not come out") {
		t.Fatalf("exit code %d: %s", code, stderr)
	}
	stdout, stderr, code := command(t, "report", "--format", "json", "--db", db)
	var r struct {
		Tasks []struct {
			Rows []struct {
				Task, Variant string
				Cells         []struct{ Value *float64 }
			}
		}
	}
	if code != 0 || json.Unmarshal([]byte(stdout), &r) != nil {
		t.Fatalf("exit code %d: %s", code, stderr)
	}
	want := map[string]float64{"kicad_dsl@v0.2 base": 0.09, "kicad_dsl@v0.2 gemma-e4b-eukiki-final": 0.64, "kicad_pcb@v0.2 base": 0.01, "kicad_pcb@v0.2 gemma-e4b-eukiki-final": 0.43}
	for _, task := range r.Tasks {
		for _, row := range task.Rows {
			name := row.Task + " " + row.Variant
			if w, ok := want[name]; ok {
				if v := row.Cells[0].Value; v == nil || *v < w-1e-9 || *v > w+1e-9 {
					t.Errorf("%s: %v, want %v", name, v, w)
				}
				delete(want, name)
			}
		}
	}
	if len(want) > 0 {
		t.Errorf("not there: %v", want)
	}
}

// TestReportPublished prints the published tables of the published files.
func TestReportPublished(t *testing.T) {
	golden := filepath.Join(ailianceVectors, "golden")
	if _, err := os.Stat(golden); err != nil {
		t.Skipf("no golden files: %v", err)
	}
	withoutDate := func(s string) string {
		lines := strings.Split(s, "\n")
		for i, line := range lines {
			if strings.HasPrefix(line, "_Generated") || strings.HasPrefix(line, "# Bench multi") {
				lines[i] = ""
			}
		}
		return strings.Join(lines, "\n")
	}
	for file, want := range map[string]string{"compare_inputs.json": "compare_base_vs_lora.md", "all_models.txt": "BENCH_TABLE.md", "31_domains_baseline.json": "31_domains_baseline.md"} {
		stdout, stderr, code := command(t, "report", "--published", filepath.Join(golden, file))
		raw, err := os.ReadFile(filepath.Join(golden, want))
		if code != 0 || err != nil {
			t.Fatalf("exit code %d: %s %v", code, stderr, err)
		}
		if withoutDate(stdout) != withoutDate(string(raw)) {
			t.Errorf("%s:\n%s\nwant:\n%s", file, stdout, raw)
		}
	}
}
