// Command performance writes the tables of docs/performance.md from what
// lorabench bench --json printed: tools/performance/measure.sh makes the files.
package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/ailiance/lorabench/model/benchmark"
)

func main() {
	dir := flag.String("dir", "", "folder of the documents")
	page := flag.String("page", "docs/performance.md", "page to write the tables into")
	flag.Parse()
	if err := rewrite(*dir, *page); err != nil {
		fmt.Fprintln(os.Stderr, "performance:", err)
		os.Exit(1)
	}
}

// document is as much of lorabench/bench/1 and lorabench/growth/1 as the tables show.
type document struct {
	Schema string `json:"schema"`
	Model  struct {
		Name       string  `json:"name"`
		Weights    int64   `json:"weights"`
		Arithmetic string  `json:"arithmetic"`
		FirstScore float64 `json:"first_score_seconds"`
	} `json:"model"`
	Machine struct {
		CPU     string             `json:"cpu"`
		Threads int                `json:"threads"`
		Kernel  string             `json:"kernel"`
		Ceiling *benchmark.Ceiling `json:"ceiling"`
	} `json:"machine"`
	Memory struct {
		Weights  int64   `json:"weights"`
		Adapters int64   `json:"adapters"`
		CacheMax int64   `json:"cache_max"`
		Peak     *uint64 `json:"peak"`
	} `json:"memory"`
	Cells  []*benchmark.Cell  `json:"cells"`
	Ratios []*benchmark.Ratio `json:"ratios"`
	Curves []*benchmark.Curve `json:"curves"`
}

// rewrite reads the documents of a folder, in the order of their names, and writes
// the tables into the page.
func rewrite(dir, page string) error {
	names, err := filepath.Glob(filepath.Join(dir, "*.json"))
	if err != nil {
		return err
	}
	slices.Sort(names)
	var benches, growths []*document
	for _, name := range names {
		data, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		d := &document{}
		if err := json.Unmarshal(data, d); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		switch d.Schema {
		case "lorabench/bench/1":
			benches = append(benches, d)
		case "lorabench/growth/1":
			growths = append(growths, d)
		default:
			return fmt.Errorf("%s: schema %q", name, d.Schema)
		}
	}
	if len(benches)+len(growths) == 0 {
		return errors.New("no documents in " + dir)
	}
	text, err := os.ReadFile(page)
	if err != nil {
		return err
	}
	out := string(text)
	for _, t := range []struct {
		name string
		of   func() string
		have int
	}{
		{"ceiling", func() string { return ceilings(benches) }, len(benches)},
		{"ratios", func() string { return ratios(benches) }, len(benches)},
		{"growth", func() string { return growth(growths) }, len(growths)},
	} {
		if t.have == 0 {
			continue
		}
		if out, err = replace(out, t.name, t.of()); err != nil {
			return fmt.Errorf("%s: %w", page, err)
		}
	}
	return os.WriteFile(page, []byte(out), 0o644)
}

// replace puts a text between the marks of a table.
func replace(page, name, text string) (string, error) {
	const end = "<!-- end -->"
	begin := "<!-- tables: " + name + " -->\n"
	before, rest, ok := strings.Cut(page, begin)
	_, after, closed := strings.Cut(rest, end)
	if !ok || !closed {
		return "", fmt.Errorf("no marks of the tables %s", name)
	}
	return before + begin + "\n" + text + "\n" + end + after, nil
}
