package tasks

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/ailiance/lorabench"
)

func TestNamesAreSortedAndUnique(t *testing.T) {
	names := Names()
	if !slices.IsSorted(names) {
		t.Errorf("not sorted: %v", names)
	}
	if len(slices.Compact(slices.Clone(names))) != len(names) {
		t.Errorf("repeated: %v", names)
	}
	for _, want := range []string{
		"arc_challenge", "arc_easy", "demo_arithmetic", "demo_choice", "demo_spice", "demo_text", "gsm8k", "gsm8k_cot", "gsm8k_cot_zeroshot",
		"hellaswag", "mmlu_pro_computer_science", "piqa", "wikitext", "winogrande", "xcopa_it", "xnli_en",
	} {
		if !slices.Contains(names, want) {
			t.Errorf("no %s", want)
		}
	}
}

// TestDefinitions holds what every task has to say of itself.
func TestDefinitions(t *testing.T) {
	for _, d := range all() {
		if d.Version == "" || d.Title == "" || d.Source == "" || d.Scorer == "" || len(d.Metrics) == 0 {
			t.Errorf("%s: incomplete: %+v", d.Name, d)
		}
		if d.parse == nil || d.nulls == nil {
			t.Errorf("%s: no parser or no null outputs", d.Name)
		}
		for _, m := range d.Metrics {
			if m.Margin <= 0 || m.Unit == "" || m.Aggregate == "" || (m.Better != lorabench.Higher && m.Better != lorabench.Lower) {
				t.Errorf("%s: metric %+v", d.Name, m)
			}
			if name, ok := strings.CutPrefix(m.Name, exactMatch+","); ok && !slices.ContainsFunc(d.Filters, func(f lorabench.Filter) bool { return f.Name == name }) {
				t.Errorf("%s: metric %s, but no filter %s", d.Name, m.Name, name)
			}
		}
		if d.NumShots > 0 && d.Shots == nil && len(d.examples) < d.NumShots {
			t.Errorf("%s: %d shots out of nothing", d.Name, d.NumShots)
		}
		field := d.Generated > 0 || d.published || d.Scorer == "sch_extract" // scorers of fields find the answer themselves
		filtered := len(d.Filters) > 0 || d.Scorer == "spice" || field
		if (d.maxTokens > 0) != (len(d.until) > 0 || field) || (d.maxTokens > 0) != filtered {
			t.Errorf("%s: until %q, %d tokens, %d filters", d.Name, d.until, d.maxTokens, len(d.Filters))
		}
	}
}

// TestDefaultMargins: in the unit of each task's primary metric.
func TestDefaultMargins(t *testing.T) {
	for name, want := range map[string]float64{
		"arc_easy": 0.02, "gsm8k_cot": 0.02, "hellaswag": 0.01, "winogrande": 0.03, "piqa": 0.03,
		"wikitext": 0.005, "demo_spice": 0.05, "demo_choice": 0.05, "demo_arithmetic": 0.05, "demo_text": 0.02,
	} {
		d, err := Lookup(name)
		if err != nil {
			t.Fatal(err)
		}
		if got := d.Metrics[0].Margin; got != want {
			t.Errorf("%s: margin of %s = %v, want %v", name, d.Metrics[0].Name, got, want)
		}
	}
}

func TestLookupUnknown(t *testing.T) {
	for _, tt := range []struct {
		name    string
		nearest []string
	}{
		{"arc_esay", []string{"arc_easy"}},
		{"gsm8k-cot", []string{"gsm8k_cot"}},
		{"xcopa_xx", []string{"xcopa_et", "xcopa_ht", "xcopa_id"}},
		{"mmlu_pro", []string{"mmlu_pro_biology", "mmlu_pro_business", "mmlu_pro_chemistry"}},
		{"zzzzzzzzzzzzzzzzzzzzzzzzz", nil},
		{"", nil},
	} {
		_, err := Lookup(tt.name)
		unknown, ok := errors.AsType[*UnknownTaskError](err)
		if !ok || unknown.Name != tt.name {
			t.Fatalf("Lookup(%q): %v, want an *UnknownTaskError", tt.name, err)
		}
		if len(tt.nearest) > 0 && (len(unknown.Nearest) == 0 || unknown.Nearest[0] != tt.nearest[0]) || len(tt.nearest) == 0 && len(unknown.Nearest) > 0 {
			t.Errorf("Lookup(%q): nearest %v, want %v", tt.name, unknown.Nearest, tt.nearest)
		}
		if len(tt.nearest) == 3 && !slices.Equal(unknown.Nearest, tt.nearest) {
			t.Errorf("Lookup(%q): nearest %v, want %v", tt.name, unknown.Nearest, tt.nearest)
		}
	}
	_, err := Lookup("arc_esay")
	if got, want := err.Error(), `no task "arc_esay": nearest arc_easy`; !strings.HasPrefix(got, want) {
		t.Errorf("error %q, want %q first", got, want)
	}
}

func TestEditDistance(t *testing.T) {
	for _, tt := range []struct {
		a, b string
		want int
	}{
		{"", "", 0}, {"", "abc", 3}, {"abc", "", 3}, {"kitten", "sitting", 3}, {"gsm8k", "gsm8k", 0}, {"ab", "ba", 2},
	} {
		if got := editDistance(tt.a, tt.b); got != tt.want {
			t.Errorf("editDistance(%q, %q) = %d, want %d", tt.a, tt.b, got, tt.want)
		}
	}
}
