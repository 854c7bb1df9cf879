package scorers

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/ailiance/lorabench"
	"github.com/ailiance/lorabench/scorers/kicad/erc"
)

// ercChecker finds one error for each word ERROR in a schematic.
type ercChecker struct{}

func (ercChecker) Check(_ context.Context, s erc.Schematic) (erc.Report, error) {
	text := string(s.Root)
	switch {
	case strings.Contains(text, "CRASH"):
		return erc.Report{Reason: "KiCad crashed: aborted"}, nil
	case strings.Contains(text, "GONE"):
		return erc.Report{}, errors.New("sandbox: no")
	}
	r := erc.Report{Count: map[erc.Kind]int{{Severity: erc.Warning, Type: "lib_symbol_issues"}: 7}}
	if n := strings.Count(text, "ERROR"); n > 0 {
		r.Count[erc.Kind{Severity: erc.Error, Type: "pin_not_connected"}] = n
	}
	if n := strings.Count(text, "OTHER"); n > 0 {
		r.Count[erc.Kind{Severity: erc.Error, Type: "label_dangling"}] = n
	}
	if n := strings.Count(text, "MODEL"); n > 0 {
		r.Count[erc.Kind{Severity: erc.Error, Type: "simulation_model_issue"}] = n
	}
	return r, nil
}

// twoResistors is a schematic of two resistors, joined at their pins 1 and, where
// wires are given, elsewhere. What is said stands in a text.
func twoResistors(value, says string, wires ...string) string {
	const font = `(effects (font (size 1.27 1.27)))`
	const root = "00000000-0000-4000-8000-000000000001"
	resistor := func(ref string, x int) string {
		return fmt.Sprintf(`(symbol (lib_id "T:R") (at %d 50 0) (unit 1) (in_bom yes) (on_board yes) (dnp no) (uuid "00000000-0000-4000-8000-0000000001%02d")
  (property "Reference" "%s" (at 0 0 0) %s) (property "Value" "%s" (at 0 0 0) %s)
  (instances (project "p" (path "/%s" (reference "%s") (unit 1)))))`, x, x, ref, font, value, font, root, ref)
	}
	pin := func(n string, y string, angle int) string {
		return fmt.Sprintf(`(pin passive line (at 0 %s %d) (length 1.27) (name "~" %s) (number "%s" %s))`, y, angle, font, n, font)
	}
	return `(kicad_sch (version 20250114) (generator "test") (generator_version "9.0") (uuid "` + root + `") (paper "A4")
(lib_symbols (symbol "T:R" (pin_names (offset 0)) (exclude_from_sim no) (in_bom yes) (on_board yes)
  (property "Reference" "R" (at 0 0 0) ` + font + `) (property "Value" "R" (at 0 0 0) ` + font + `)
  (symbol "R_1_1" ` + pin("1", "3.81", 270) + pin("2", "-3.81", 90) + `)))
(text "` + says + `" (exclude_from_sim no) (at 10 10 0) ` + font + ` (uuid "00000000-0000-4000-8000-000000000300"))
` + strings.Join(wires, "\n") + "\n" + resistor("R1", 50) + "\n" + resistor("R2", 60) + "\n" + `(sheet_instances (path "/" (page "1"))))` + "\n"
}

const (
	wire1 = `(wire (pts (xy 50 46.19) (xy 60 46.19)) (stroke (width 0) (type default)) (uuid "00000000-0000-4000-8000-000000000400"))`
	wire2 = `(wire (pts (xy 50 53.81) (xy 60 53.81)) (stroke (width 0) (type default)) (uuid "00000000-0000-4000-8000-000000000401"))`
	short = `(wire (pts (xy 50 46.19) (xy 50 53.81)) (stroke (width 0) (type default)) (uuid "00000000-0000-4000-8000-000000000402"))`
)

const resistorCircuit = `{"components": [{"ref": "R1", "value": "1k", "pins": {"1": "passive", "2": "passive"}}, {"ref": "R2", "value": "1k", "pins": {"1": "passive", "2": "passive"}}],
	"nets": [{"pins": ["R1.1", "R2.1"]}, {"pins": ["R1.2", "R2.2"]}]}`

func TestERCScorers(t *testing.T) {
	right := twoResistors("1k", "", wire1, wire2)
	given := twoResistors("1k", "ERROR ERROR OTHER", wire1)
	for _, tt := range []struct {
		name, scorer  string
		given, answer string
		score, graded float64
		note          string
	}{
		{"right", "erc", "", right, 1, 1, ""},
		{"in a block", "erc", "", "Here it is:\n```kicad_sch\n" + right + "```\nDone.", 1, 1, ""},
		{"warnings, and what does not count", "erc", "", twoResistors("1k", "MODEL", wire1, wire2), 1, 1, ""},
		{"one error", "erc", "", twoResistors("1k", "ERROR", wire1, wire2), 0, 0.75, "ERC: pin_not_connected"},
		{"two types", "erc", "", twoResistors("1k", "ERROR OTHER ERROR", wire1, wire2), 0, 0.625, "ERC: label_dangling, pin_not_connected"},
		{"another circuit without errors", "erc", "", twoResistors("1k", "", wire1), 0, -1, "pins are not connected that should be"},
		{"a wrong value", "erc", "", twoResistors("2k", "", wire1, wire2), 0, -1, "a value is wrong"},
		{"nothing drawn", "erc", "", "(kicad_sch (version 20250114))", 0, 0, "a part is missing"},
		{"no schematic", "erc", "", "I cannot draw.", 0, 0, "not S-expressions"},
		{"KiCad crashes", "erc", "", twoResistors("1k", "CRASH", wire1, wire2), 0, 0, "KiCad: KiCad crashed: aborted"},

		{"repaired", "erc_delta", given, right, 1, 1, ""},
		{"as given", "erc_delta", given, given, 0, 0, "pins are not connected that should be"},
		{"connected, errors left", "erc_delta", given, twoResistors("1k", "ERROR", wire1, wire2), 0, 2.0 / 3, "ERC: pin_not_connected"},
		{"errors hidden, not connected", "erc_delta", given, twoResistors("1k", "", wire1), 0, 0, "pins are not connected that should be"},
		{"a new type of error", "erc_delta", given, twoResistors("1k", "OTHER OTHER", wire1, wire2), 0, 0, "ERC, new errors: label_dangling"},
		{"shorted", "erc_delta", given, twoResistors("1k", "", wire1, wire2, short), 0, 0, "more is wrong than was given"},
		{"a value lost", "erc_delta", given, twoResistors("2k", "", wire1, wire2), 0, 0, "a value is wrong"},
		{"nothing drawn", "erc_delta", given, "(kicad_sch (version 20250114))", 0, 0, "a part is missing"},
		{"only errors were given", "erc_delta", twoResistors("1k", "ERROR ERROR", wire1, wire2), twoResistors("1k", "ERROR", wire1, wire2), 0, 0.5, "ERC: pin_not_connected"},
	} {
		t.Run(tt.scorer+"/"+tt.name, func(t *testing.T) {
			s := byNameOrFail(t, tt.scorer, Deps{Metrics: metrics("score", "graded"), Tools: Tools{Checker: ercChecker{}}})
			scores := s.Score(t.Context(), ercSample(tt.given), []lorabench.Output{{Text: tt.answer, Stop: lorabench.StopEOS}})
			if !scores[0].Valued() || scores[0].Value != tt.score || !strings.HasPrefix(scores[0].Note, tt.note) || tt.note == "" && scores[0].Note != "" {
				t.Errorf("score %+v, want %g and the note %q", scores[0], tt.score, tt.note)
			}
			if d := scores[1].Value - tt.graded; tt.graded >= 0 && (d > 1e-12 || d < -1e-12) || scores[1].Value >= 1 && tt.score == 0 {
				t.Errorf("graded %g, want %g", scores[1].Value, tt.graded)
			}
		})
	}
}

func ercSample(given string) *lorabench.Sample {
	target := json.RawMessage(resistorCircuit)
	if given != "" {
		text, err := json.Marshal(map[string]any{"circuit": target, "given": given})
		if err != nil {
			panic(err)
		}
		target = text
	}
	return &lorabench.Sample{ID: "a", Requests: []lorabench.Request{{}}, Target: lorabench.Target{Bench: target}}
}

// What is not the text's fault leaves no score.
func TestERCUnscored(t *testing.T) {
	right := twoResistors("1k", "", wire1, wire2)
	for _, tt := range []struct {
		name, scorer, given, answer string
		tools                       Tools
		want                        string
	}{
		{"no kicad-cli", "erc", "", right, Tools{NoChecker: erc.ErrNoKiCad}, "kicad-cli is not installed"},
		{"no kicad-cli, and a text that is wrong anyway", "erc", "", "", Tools{NoChecker: erc.ErrNoKiCad}, "kicad-cli is not installed"},
		{"no kicad-cli, no reason", "erc_delta", right, right, Tools{}, "no kicad-cli"},
		{"it cannot be run", "erc", "", twoResistors("1k", "GONE", wire1, wire2), Tools{Checker: ercChecker{}}, "sandbox: no"},
		{"no errors are given", "erc_delta", right, right, Tools{Checker: ercChecker{}}, "finds no errors in the given schematic"},
		{"the given schematic crashes KiCad", "erc_delta", twoResistors("1k", "CRASH", wire1, wire2), right, Tools{Checker: ercChecker{}}, "the given schematic cannot be checked"},
		{"the given text is none", "erc_delta", "hello", right, Tools{Checker: ercChecker{}}, "the given schematic cannot be checked"},
	} {
		s := byNameOrFail(t, tt.scorer, Deps{Metrics: metrics("score", "graded"), Tools: tt.tools})
		for _, score := range s.Score(t.Context(), ercSample(tt.given), []lorabench.Output{{Text: tt.answer, Stop: lorabench.StopEOS}}) {
			if score.Valued() || !strings.Contains(score.Unscored, tt.want) {
				t.Errorf("%s: %+v, want no value and %q", tt.name, score, tt.want)
			}
		}
	}
	for _, bad := range []string{`{}`, `{"circuit": {}, "given": "x"}`, `{"circuit": ` + resistorCircuit + `, "given": " "}`, `{"circuit": ` + resistorCircuit + `, "given": "x", "more": 1}`} {
		if _, err := TargetOf("erc_delta", json.RawMessage(bad)); err == nil {
			t.Errorf("the target %s is taken", bad)
		}
	}
}

func TestNeedsOf(t *testing.T) {
	for name, want := range map[string]Needs{
		"spice": {Simulator: true}, "spice_sim": {Simulator: true}, "erc": {Checker: true}, "erc_delta": {Checker: true}, "kicad_sch_gen": {}, "choice": {}, "no such scorer": {},
	} {
		if got := NeedsOf(name); got != want {
			t.Errorf("%s needs %+v, want %+v", name, got, want)
		}
	}
}
