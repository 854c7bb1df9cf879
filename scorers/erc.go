package scorers

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/ailiance/lorabench"
	"github.com/ailiance/lorabench/scorers/answer"
	sch "github.com/ailiance/lorabench/scorers/kicad/circuit"
	"github.com/ailiance/lorabench/scorers/kicad/erc"
)

// errNoChecker is the reason where the caller gave none.
var errNoChecker = errors.New("no kicad-cli")

// Notes of answers that are the circuit, or near it.
const (
	noteERC    = "ERC: "                        // and the types of errors
	noteNewERC = "ERC, new errors: "            // likewise, of those that the given schematic has fewer of
	noteDamage = "more is wrong than was given" // with the nets
	noteKiCad  = "KiCad: "                      // and why it makes no report
)

// ercAbsolute scores schematics by KiCad's own electrical rules check: score is
// 1 where the schematic is the circuit that was asked for and the check finds no
// error that counts ([erc.Counted]). graded is half of how near the circuit
// comes, and of a circuit that is right the other half divided by one more than
// the number of errors.
//
// KiCad is not asked about another circuit than was asked for: whatever it finds
// there the score is 0.
func ercAbsolute() domain {
	return domain{
		metrics: []string{circuitPass, circuitGraded},
		needs:   Needs{Checker: true},
		check:   circuitTarget,
		judge: func(ctx context.Context, tools Tools, s *lorabench.Sample, text string) Finding {
			target, err := sch.ParseTarget(s.Target.Bench)
			if err != nil {
				return Finding{Unscored: err.Error()}
			}
			d, f := drawnOf(ctx, tools, target, text)
			if f != nil {
				return *f
			}
			if !d.circuit.Equal {
				return ercFinding(false, d.circuit.Graded/2, d.circuit.Note)
			}
			found, f := d.check(ctx, tools)
			if f != nil {
				return *f
			}
			n := erc.Total(found)
			note := ""
			if n > 0 {
				note = noteERC + types(found)
			}
			return ercFinding(n == 0, 0.5+0.5/float64(1+n), note)
		},
	}
}

func ercFinding(pass bool, graded float64, note string) Finding {
	return Finding{Values: map[string]float64{circuitPass: truth(pass), circuitGraded: graded}, Note: note}
}

// deltaTarget is what erc_delta compares with.
type deltaTarget struct {
	Circuit json.RawMessage `json:"circuit"`
	Given   string          `json:"given"` // the schematic with the errors
}

func parseDelta(raw json.RawMessage) (*sch.Target, string, error) {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	var t deltaTarget
	if err := d.Decode(&t); err != nil {
		return nil, "", fmt.Errorf("repair: %w", err)
	}
	if strings.TrimSpace(t.Given) == "" {
		return nil, "", errors.New("repair: no schematic is given")
	}
	circuit, err := sch.ParseTarget(t.Circuit)
	return circuit, t.Given, err
}

// ercDelta scores repaired schematics: score is 1 where the schematic is the
// circuit that was asked for and the check finds no error any more. graded is
// the share that is repaired: of the errors or of the wrong connections, where
// the given schematic has some, whichever is less. It is 0 where a part or a
// value is lost, where there are more errors of a type than were given, and
// where more connections are wrong.
func ercDelta() domain {
	return domain{
		metrics: []string{circuitPass, circuitGraded},
		needs:   Needs{Checker: true},
		check:   func(raw json.RawMessage) error { _, _, err := parseDelta(raw); return err },
		judge: func(ctx context.Context, tools Tools, s *lorabench.Sample, text string) Finding {
			target, given, err := parseDelta(s.Target.Bench)
			if err != nil {
				return Finding{Unscored: err.Error()}
			}
			before, f := drawnOf(ctx, tools, target, given)
			if f != nil {
				return notGiven(*f)
			}
			after, f := drawnOf(ctx, tools, target, text)
			if f != nil {
				return *f
			}
			if note := damage(before.circuit, after.circuit); note != "" {
				return ercFinding(false, 0, note)
			}
			had, f := before.check(ctx, tools)
			switch {
			case f != nil:
				return notGiven(*f)
			case len(had) == 0:
				return Finding{Unscored: "this kicad-cli finds no errors in the given schematic"}
			}
			has, f := after.check(ctx, tools)
			if f != nil {
				return *f
			}
			graded, note := repaired(before.circuit, after.circuit, had, has)
			return ercFinding(after.circuit.Equal && len(has) == 0, graded, note)
		},
	}
}

// notGiven is the finding where the given schematic could not be looked at,
// which is our fault.
func notGiven(f Finding) Finding {
	if f.Unscored == "" {
		f = Finding{Unscored: "the given schematic cannot be checked: " + f.Note}
	}
	return f
}

// damage says what is lost in a schematic, or wrong that was right before.
func damage(before, after sch.Comparison) string {
	switch after.Note {
	case sch.PartMissing, sch.PartTooMany, sch.ValueWrong, sch.PinsWrong, sch.SheetsWrong:
		return after.Note
	}
	extra, lacking := wrongPairs(before)
	if e, l := wrongPairs(after); e > extra || l > lacking {
		return noteDamage
	}
	return ""
}

// wrongPairs counts pairs of pins that are connected and should not be, and the
// other way round.
func wrongPairs(c sch.Comparison) (extra, lacking int64) {
	return c.Pairs.GotPairs - c.Pairs.CommonPairs, c.Pairs.WantPairs - c.Pairs.CommonPairs
}

// repaired returns the share that is repaired, and why it is not all.
func repaired(before, after sch.Comparison, had, has map[string]int) (graded float64, note string) {
	var worse []string
	for _, t := range slices.Sorted(maps.Keys(has)) {
		if has[t] > had[t] {
			worse = append(worse, t)
		}
	}
	if len(worse) > 0 {
		return 0, noteNewERC + strings.Join(worse, ", ")
	}
	graded = 1 - float64(erc.Total(has))/float64(erc.Total(had))
	extra, lacking := wrongPairs(before)
	stillExtra, stillLacking := wrongPairs(after)
	if extra+lacking > 0 {
		graded = min(graded, 1-float64(stillExtra+stillLacking)/float64(extra+lacking))
	}
	switch {
	case !after.Equal:
		return min(graded, 0.95), after.Note
	case len(has) > 0:
		return graded, noteERC + types(has)
	}
	return graded, ""
}

// drawn is a schematic that loads.
type drawn struct {
	text    string
	circuit sch.Comparison
}

// drawnOf compares a text with the circuit. Where f is not nil it is the finding:
// there is no kicad-cli, or no schematic.
func drawnOf(ctx context.Context, tools Tools, target *sch.Target, text string) (d drawn, f *Finding) {
	if tools.Checker == nil {
		why := tools.NoChecker
		if why == nil {
			why = errNoChecker
		}
		return d, &Finding{Unscored: why.Error()}
	}
	block, reason := answer.Block(text, sch.Languages...)
	if reason != "" {
		return d, noSchematic(reason)
	}
	r, err := target.Judge(ctx, block)
	if err != nil {
		return d, &Finding{Unscored: err.Error()}
	}
	if !r.Loads {
		return d, noSchematic(r.Note)
	}
	return drawn{block, r.Comparison}, nil
}

func noSchematic(note string) *Finding {
	f := ercFinding(false, 0, note)
	return &f
}

// check has KiCad look for errors: how many there are, by type.
func (d drawn) check(ctx context.Context, tools Tools) (found map[string]int, f *Finding) {
	report, err := tools.Checker.Check(ctx, schematicOf(d.text))
	switch {
	case err != nil:
		return nil, &Finding{Unscored: err.Error()}
	case report.Reason != "":
		return nil, noSchematic(noteKiCad + report.Reason)
	}
	return report.Errors(), nil
}

// schematicOf takes the files of an answer apart.
func schematicOf(text string) erc.Schematic {
	files := sch.Split(text)
	s := erc.Schematic{Sheets: map[string][]byte{}, ErrorsOnly: true}
	for i, f := range files {
		if i == 0 {
			s.Root = []byte(f.Text)
		} else {
			s.Sheets[f.Name] = []byte(f.Text)
		}
	}
	return s
}

// types lists the types of errors.
func types(errors map[string]int) string {
	return strings.Join(slices.Sorted(maps.Keys(errors)), ", ")
}
