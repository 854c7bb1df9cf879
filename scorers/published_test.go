package scorers

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/ailiance/lorabench"
	"github.com/ailiance/lorabench/scorers/kicad/erc"
)

// fakeChecker finds an error in each schematic but for a few.
type fakeChecker struct{}

func (fakeChecker) Check(_ context.Context, s erc.Schematic) (erc.Report, error) {
	switch text := string(s.Root); {
	case strings.Contains(text, "crash"):
		return erc.Report{}, errors.New("sandbox: no")
	case !strings.HasPrefix(text, "(kicad_sch"):
		return erc.Report{Reason: "it does not load"}, nil
	case strings.Contains(text, "symbol"):
		return erc.Report{Count: map[erc.Kind]int{{Severity: "error", Type: "a"}: 1, {Severity: "error", Type: "b"}: 1, {Severity: "warning", Type: "c"}: 4, {Severity: "exclusion", Type: "d"}: 9}}, nil
	}
	return erc.Report{}, nil
}

// TestPublishedERC: the same score by kicad-cli where it loads the text, by the
// text alone where it does not or is not there, and no score where it fails.
func TestPublishedERC(t *testing.T) {
	const withPart = `(kicad_sch (symbol (lib_id "a") (property "Reference" "R1")))`
	with := Tools{Checker: fakeChecker{}}
	for _, tt := range []struct {
		name, scorer, target, text string
		tools                      Tools
		want                       float64
		note, unscored             string
	}{
		{"nothing in it is nothing wrong", "erc", "", "(kicad_sch)", with, 1, "", ""},
		{"errors and warnings", "erc", "", "```kicad_sch\n" + withPart + "\n```", with, 0.3 + 0.4*0.8 + 0.3*0.8, "", ""},
		{"not loaded", "erc", "", "()", with, 0.06, noteNotLoaded, ""},
		{"no kicad-cli", "erc", "", withPart, Tools{}, 0.24, noteNoKiCad, ""},
		{"kicad-cli fails", "erc", "", "(kicad_sch crash)", with, 0, "", "sandbox: no"},
		{"empty", "erc", "", "```\n\n```", with, 0, "empty", ""},
		{"stored: loaded", "erc", `{"kicad_cli_rc": 0, "report": {"sheets": [{"violations": [{"severity": "error"}]}]}}`, "(kicad_sch)", Tools{}, 0.3 + 0.4*0.9 + 0.3, "", ""},
		{"stored: not loaded", "erc", `{"kicad_cli_rc": 3, "report": null}`, "(kicad_sch)", with, 0.18, noteNotLoaded, ""},
		{"no more errors than the reference", "erc_delta", `"` + strings.ReplaceAll(withPart, `"`, `\"`) + `"`, withPart, with, 1, "", ""},
		{"more errors than the reference", "erc_delta", `{"parse_via": "kicad-cli", "errors_count": 1, "warnings_count": 4}`, withPart, with, 0.3 + 0.4*0.8 + 0.3, "", ""},
		{"a header is completed", "kicad_sch_completion", `{"prefix": "(kicad_sch (paper"}`, "))", with, 1, "", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			name := tt.scorer + ofPublished
			s := lorabench.Sample{}
			if tt.target != "" {
				var err error
				if s.Target, err = TargetOf(name, json.RawMessage(tt.target)); err != nil {
					t.Fatal(err)
				}
			}
			metric := strings.Fields(publishedScorers()[name].metrics)[0]
			scorer, err := ByName(name, Deps{Metrics: []lorabench.Metric{{Name: metric}}, Tools: tt.tools})
			if err != nil {
				t.Fatal(err)
			}
			got := scorer.Score(t.Context(), &s, []lorabench.Output{{Text: tt.text, Stop: lorabench.StopEOS}})[0]
			if got.Unscored != tt.unscored || got.Note != tt.note || got.Value < tt.want-1e-9 || got.Value > tt.want+1e-9 {
				t.Errorf("%+v, want %v, note %q, unscored %q", got, tt.want, tt.note, tt.unscored)
			}
		})
	}
}

// TestPublishedTargets: what a scorer cannot read is said, and what it takes
// besides a text.
func TestPublishedTargets(t *testing.T) {
	for _, tt := range []struct {
		scorer, target, err string
	}{
		{"kicad_dsl", `"DEF"`, ""},
		{"kicad_dsl", `{"expected_pin_count": 3}`, ""},
		{"kicad_dsl", `{"expected_pad_count": 3}`, "expected_pin_count"},
		{"kicad_pcb", `7`, "expected_pad_count"},
		{"spice_sim", `{"a": 1}`, "want a text"},
		{"sch_extract", `{"components": [], "nets": []}`, ""},
		{"sch_extract", `"{\"components\": [], \"nets\": []}"`, ""},
		{"sch_extract", `{"components": 5}`, "want a list"},
		{"sch_extract", `{"components": [{"ref": ["a"]}]}`, "list or an object"},
		{"erc_delta", `{"errors_count": 3}`, "parse_via"},
		{"kicad_sch_completion", `{}`, "prefix"},
		{"kiki_native", `"R1"`, "must_contain"},
		{"mascarade", `{"expected": "x"}`, "domain"},
		{"mascarade", `{"domain": "kicad", "expected": "x"}`, ""},
	} {
		_, err := TargetOf(tt.scorer+ofPublished, json.RawMessage(tt.target))
		if (err == nil) != (tt.err == "") || err != nil && !strings.Contains(err.Error(), tt.err) {
			t.Errorf("%s: %s: %v, want %q", tt.scorer, tt.target, err, tt.err)
		}
	}
}

// TestPublishedMascarade: by function where the text parses, else what the judge
// said, else a reason.
func TestPublishedMascarade(t *testing.T) {
	target := func(judge string) lorabench.Target {
		return lorabench.Target{Bench: json.RawMessage(`{"domain": "kicad", "expected": ""` + judge + `}`)}
	}
	scorer, err := ByName("mascarade"+ofPublished, Deps{Metrics: []lorabench.Metric{{Name: "score"}}})
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		text, judge string
		want        float64
		unscored    string
	}{
		{"DEF A ENDDEF", "", 0.4 + 0.08 + 0.2, ""},
		{"prose", `, "judge": "SCORE: 7"`, 0.7, ""},
		{"prose", `, "judge": "no"`, 0, "the judge gave no score: the item is dropped"},
		{"prose", "", 0, errJudge.Error()},
	} {
		got := scorer.Score(t.Context(), &lorabench.Sample{Target: target(tt.judge)}, []lorabench.Output{{Text: tt.text}})[0]
		if got.Unscored != tt.unscored || got.Value < tt.want-1e-9 || got.Value > tt.want+1e-9 {
			t.Errorf("%q%s: %+v, want %v, %q", tt.text, tt.judge, got, tt.want, tt.unscored)
		}
	}
}
