package erc

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
)

// Severities.
const (
	Error   = "error"
	Warning = "warning"
)

// Report is what the electrical rules check found.
type Report struct {
	Reason     string       // why it was not made, the schematic's own doing: it does not load
	Count      map[Kind]int // of all findings
	Violations []Violation  // the first of them, in the report's order
}

// Kind is what a finding is of.
type Kind struct{ Severity, Type string }

// Violation is one finding.
type Violation struct {
	Kind
	Sheet       string   // "/", "/power/"
	Description string   // "Pin not connected"
	Items       []string // "Symbol R1 Pin 2 [2, Passive, Line]"
}

// Errors returns how many errors there are that count, by type.
func (r Report) Errors() map[string]int {
	counted := Counted()
	errors := map[string]int{}
	for k, n := range r.Count {
		if k.Severity == Error && counted[k.Type] != "" {
			errors[k.Type] = n
		}
	}
	return errors
}

// Total adds errors up.
func Total(errors map[string]int) int {
	n := 0
	for _, k := range errors {
		n += k
	}
	return n
}

// Text lists errors by type: "pin_not_connected 2, power_pin_not_driven 1".
func Text(errors map[string]int) string {
	var words []string
	for _, t := range slices.Sorted(maps.Keys(errors)) {
		words = append(words, fmt.Sprintf("%s %d", t, errors[t]))
	}
	return strings.Join(words, ", ")
}

// Bounds of what is kept of a report.
const (
	maxViolations = 1000
	maxItems      = 16
	maxText       = 300 // bytes
)

// rawReport is the report's JSON, as far as it is read. KiCad adds to it with
// each version: unknown keys are passed over.
type rawReport struct {
	Schema  string `json:"$schema"`
	Version string `json:"kicad_version"`
	Sheets  *[]struct {
		Path       string `json:"path"`
		Violations []struct {
			Type        string `json:"type"`
			Severity    string `json:"severity"`
			Description string `json:"description"`
			Excluded    bool   `json:"excluded"`
			Items       []struct {
				Description string `json:"description"`
			} `json:"items"`
		} `json:"violations"`
	} `json:"sheets"`
}

// ParseReport reads a report of `kicad-cli sch erc --format json`. The names in
// it are a model's: what is kept of them is bounded and printable.
//
// Source: https://schemas.kicad.org/erc.v1.json; measured with KiCad 9.0.8.
func ParseReport(data []byte) (Report, error) {
	var raw rawReport
	d := json.NewDecoder(bytes.NewReader(data))
	if err := d.Decode(&raw); err != nil {
		return Report{}, fmt.Errorf("report of kicad-cli: %w", err)
	}
	if _, err := d.Token(); err != io.EOF {
		return Report{}, fmt.Errorf("report of kicad-cli: more than one value")
	}
	if !strings.HasSuffix(raw.Schema, "/erc.v1.json") || raw.Version == "" || raw.Sheets == nil {
		return Report{}, fmt.Errorf("report of kicad-cli: schema %.100q, KiCad %.100q: want erc.v1.json with its sheets", raw.Schema, raw.Version)
	}
	r := Report{Count: map[Kind]int{}}
	for _, sheet := range *raw.Sheets {
		for _, v := range sheet.Violations {
			kind := Kind{printable(v.Severity), printable(v.Type)}
			if v.Severity != Error && v.Severity != Warning && v.Severity != "exclusion" || v.Type == "" {
				return Report{}, fmt.Errorf("report of kicad-cli: severity %.100q, type %.100q: want error, warning or exclusion, and a type", v.Severity, v.Type)
			}
			r.Count[kind]++
			if len(r.Violations) == maxViolations {
				continue
			}
			out := Violation{Kind: kind, Sheet: printable(sheet.Path), Description: printable(v.Description)}
			for _, item := range v.Items[:min(len(v.Items), maxItems)] {
				out.Items = append(out.Items, printable(item.Description))
			}
			r.Violations = append(r.Violations, out)
		}
	}
	return r, nil
}

// printable returns the beginning of s without what a terminal would act on.
func printable(s string) string {
	if len(s) > maxText {
		s = s[:maxText] + "…"
	}
	return strings.Map(func(r rune) rune {
		if r < ' ' || r >= 0x7f && r < 0xa0 || r == '\uFFFD' {
			return '?'
		}
		return r
	}, strings.ToValidUTF8(s, "?"))
}
