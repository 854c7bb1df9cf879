package published

import (
	"encoding/json"
	"strings"
)

// How the published ERC score came by what it has.
const (
	ViaKiCad   = "kicad-cli"
	ViaText    = "py_partial" // kicad-cli did not load the text, which has something of a schematic
	ViaFailed  = "failed"     // likewise, and it has nothing
	ViaEmpty   = "empty"
	ViaMissing = "missing" // of a reference: there is none
)

// ERC is what is known of the electrical rules of one schematic. Counts are nil
// where kicad-cli gave none.
type ERC struct {
	ParseOK  float64
	Via      string
	Errors   *int
	Warnings *int
}

// Counts are kicad-cli's violations of a schematic that it loads.
type Counts struct{ Errors, Warnings int }

// ReadERC is the check of a model's schematic: counts are kicad-cli's, nil where
// it does not load the text. Then the text itself is looked at, as was done for
// every published value.
func ReadERC(generated string, counts *Counts) ERC {
	src := Unfence(generated)
	if strip(src) == "" {
		return ERC{Via: ViaEmpty}
	}
	return ercOf(src, counts)
}

func ercOf(src string, counts *Counts) ERC {
	if counts != nil {
		return ERC{1, ViaKiCad, &counts.Errors, &counts.Warnings}
	}
	s := ReadSchematic(src)
	score := 0.0
	add := func(holds bool, points float64) {
		if holds {
			score += points
		}
	}
	add(s.Starts, 0.40)
	add(s.Balanced, 0.20)
	add(len(s.Components) > 0, 0.20)
	add(len(s.Labels) > 0, 0.10)
	add(!s.Balanced && strings.Contains(src, "(") && strings.Contains(src, ")"), 0.05)
	erc := ERC{ParseOK: round(min(1, score), 3), Via: ViaText}
	if erc.ParseOK == 0 {
		erc.Via = ViaFailed
	}
	return erc
}

// whole is a count, or null.
func whole(n *int) any {
	if n == nil {
		return nil
	}
	return *n
}

// share is what is left of 1 after n of most.
func share(n, most int) float64 { return max(0, 1-float64(n)/float64(most)) }

// Score is the published absolute score.
func (e ERC) Score() Record {
	noErrors, fewWarnings := 0.0, 0.0
	if e.counted() {
		noErrors, fewWarnings = share(*e.Errors, 10), share(*e.Warnings, 20)
	}
	composite := float64(e.ParseOK*0.30) + float64(noErrors*0.40) + float64(fewWarnings*0.30)
	return Record{
		{"parse_ok_score", round(e.ParseOK, 4)},
		{"erc_no_errors", round(noErrors, 4)},
		{"erc_low_warnings", round(fewWarnings, 4)},
		{"composite", round(composite, 4)},
	}
}

// Record is e with its score, as it is published sample by sample.
func (e ERC) Record() Record {
	return append(Record{
		{"parse_ok", e.ParseOK},
		{"parse_via", e.Via},
		{"errors_count", whole(e.Errors)},
		{"warnings_count", whole(e.Warnings)},
	}, e.Score()...)
}

// counted reports whether kicad-cli gave both counts.
func (e ERC) counted() bool { return e.Via == ViaKiCad && e.Errors != nil && e.Warnings != nil }

// Delta compares the errors and warnings of a model's schematic with those of
// the reference. Where only the model's are known they count as they are.
func Delta(generated, reference ERC) Record {
	var errors, warnings *int
	noErrors, noWarnings := 0.0, 0.0
	switch {
	case generated.counted() && reference.counted():
		more := func(g, r *int) *int { n := max(0, *g-*r); return &n }
		errors, warnings = more(generated.Errors, reference.Errors), more(generated.Warnings, reference.Warnings)
		noErrors, noWarnings = share(*errors, 5), share(*warnings, 10)
	case generated.counted():
		errors, warnings = generated.Errors, generated.Warnings
		noErrors, noWarnings = share(*errors, 10), share(*warnings, 20)
	}
	parsed := round(generated.ParseOK, 4)
	composite := float64(parsed*0.30) + float64(noErrors*0.40) + float64(noWarnings*0.30)
	return Record{
		{"errs_delta", whole(errors)},
		{"warns_delta", whole(warnings)},
		{"no_extra_errors", round(noErrors, 4)},
		{"no_extra_warnings", round(noWarnings, 4)},
		{"composite_v2", round(composite, 4)},
	}
}

// Complete is the text that the completion score (kicad-sch-completion) looks
// at: the header that every model is given, and what the model wrote behind it.
// The header alone makes it a schematic.
func Complete(prefix, completion string) string { return prefix + Unfence(completion) }

// ReadCompletion is ReadERC of a completed schematic.
func ReadCompletion(prefix, completion string, counts *Counts) ERC {
	return ercOf(Complete(prefix, completion), counts)
}

// ParseReport counts the violations of a report that kicad-cli wrote; nil where
// it did not end well, or wrote none.
func ParseReport(exitCode int, report json.RawMessage) *Counts {
	var r struct {
		Sheets []struct {
			Violations []struct {
				Severity string `json:"severity"`
			} `json:"violations"`
		} `json:"sheets"`
	}
	if exitCode != 0 || string(report) == "null" || json.Unmarshal(report, &r) != nil {
		return nil
	}
	var c Counts
	for _, sheet := range r.Sheets {
		for _, v := range sheet.Violations {
			switch v.Severity {
			case "error":
				c.Errors++
			case "warning":
				c.Warnings++
			}
		}
	}
	return &c
}
