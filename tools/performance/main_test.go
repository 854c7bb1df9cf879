package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const benchJSON = `{"schema":"lorabench/bench/1","model":{"name":"tiny q8","arithmetic":"f32","first_score_seconds":0.21},
"machine":{"cpu":"AMD EPYC","threads":2,"kernel":"avx512","ceiling":{"gflops":234,"gbs":41}},"memory":{"weights":1000000000,"peak":2000000000},
"cells":[{"work":"decode","adapters":10,"batch":8,"prompt_tokens":64,"new_tokens":24,"tokens_per_second":{"median":1234.5,"min":99.96,"max":1300,"n":5},"of_ceiling":0.5,"limit":"memory"},
{"work":"prefill","reason":"the budget was spent"}],
"ratios":[{"name":"decode","aim":"≥ 0.9","value":{"median":0.954,"min":0.9,"max":1,"n":5}},{"name":"other","reason":"the budget was spent"}]}`

const growthJSON = `{"schema":"lorabench/growth/1","model":{"name":"tiny q8","arithmetic":"f32"},"machine":{"cpu":"AMD EPYC","threads":2,"kernel":"avx512"},
"curves":[{"axis":"samples","name":"choice","unit":"seconds","points":[{"x":100,"value":{"median":0.0123,"min":0.012,"max":0.02,"n":3},"of_ceiling":0.3,"limit":"compute"},{"x":1000,"reason":"the budget was spent"}]}]}`

const page = "# P\n<!-- tables: ceiling -->\nold\n<!-- end -->\nkept\n<!-- tables: ratios -->\n<!-- end -->\n<!-- tables: growth -->\n<!-- end -->\nlast\n"

func TestRewrite(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "page.md")
	for name, text := range map[string]string{"a.json": benchJSON, "b.json": growthJSON, "page.md": page} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for range 2 { // again, into what it wrote
		if err := rewrite(dir, file); err != nil {
			t.Fatal(err)
		}
	}
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	got := string(data)
	for _, want := range []string{
		"### tiny q8\n", "at best 234 GFLOP/s, 41.0 GB/s", "2.00 GB at most; weights, adapters and the room for keys and values are 1.00 GB",
		"| decode 24 after 64 | base + 10 | 8 | 1234 | 100.0…1300 |", "| 50 % of memory |\n", "kept\n", "last\n",
		"| decode | tiny q8 | **0.95** | 0.90…1.00 | 5 | ≥ 0.9 |", "| samples | 100 | choice | 0.0123 | 0.0120…0.0200 | seconds | 30 % of compute |",
		"| samples | 1000 | choice | – | | seconds | the budget was spent |",
	} {
		if strings.Count(got, want) < 1 {
			t.Errorf("the page has no %q:\n%s", want, got)
		}
	}
	if strings.Contains(got, "old") || strings.Count(got, "| in turns |") != 1 {
		t.Errorf("what stood between the marks is still there:\n%s", got)
	}
	if err := os.WriteFile(file, []byte("# no marks\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := rewrite(dir, file); err == nil {
		t.Error("a page without marks was written")
	}
	if err := rewrite(t.TempDir(), file); err == nil {
		t.Error("a folder without documents was taken")
	}
}
