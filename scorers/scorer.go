// Package scorers compares outputs with what a sample wants: each metric of a
// task becomes a value, or a reason why there is none. It also adds scores up,
// and finds the floor that null outputs reach.
//
// It deliberately knows no model, no prompt format and no file: a task says what
// is right, its filters say how an answer is cut out of a text. Intervals, tests
// and comparisons belong to reports. A scorer of another field (circuits,
// boards) is an alcove of its own and one case in ByName.
package scorers

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/ailiance/lorabench"
	"github.com/ailiance/lorabench/scorers/kicad/erc"
	"github.com/ailiance/lorabench/scorers/spice"
)

// Scorer scores outputs. Scorers are safe for concurrent use, and give equal
// scores for equal arguments.
type Scorer interface {
	// Score returns one score for each metric of the task, in its order. outputs
	// answer the requests of s, one for each. Only simulations look at ctx.
	Score(ctx context.Context, s *lorabench.Sample, outputs []lorabench.Output) []lorabench.Score
}

// Simulator simulates a circuit on a bench. [*spice.Simulator] is one.
type Simulator interface {
	Score(ctx context.Context, bench spice.Bench, text string) spice.Result
	// Run simulates a deck as it stands.
	Run(ctx context.Context, deck []byte) (spice.Simulation, error)
}

// Deps is what a scorer is made of.
type Deps struct {
	Metrics   []lorabench.Metric // scores are given for these, in this order
	Filters   []lorabench.Filter
	Normalize lorabench.Normalization

	Tools
}

// Checker has KiCad check a schematic. [*erc.Checker] is one.
type Checker interface {
	Check(ctx context.Context, s erc.Schematic) (erc.Report, error)
}

// Tools are the programs that scorers have to look at an answer with.
type Tools struct {
	Simulator   Simulator // nil leaves circuits unscored
	NoSimulator error     // why Simulator is nil
	Checker     Checker   // nil leaves the checks of schematics unscored
	NoChecker   error     // why Checker is nil
}

// Needs says which tools a scorer looks at an answer with.
type Needs struct{ Simulator, Checker bool }

// NeedsOf returns what the scorer called name needs.
func NeedsOf(name string) Needs {
	if name == spice.Name {
		return Needs{Simulator: true}
	}
	return domains()[name].needs
}

// ByName returns the scorer called name. The error says which metrics it does
// not have, or what of a filter cannot be read.
func ByName(name string, deps Deps) (Scorer, error) {
	s, err := byName(name, deps)
	if err != nil {
		return nil, fmt.Errorf("scorer %s: %w", name, err)
	}
	return s, nil
}

func byName(name string, deps Deps) (Scorer, error) {
	switch name {
	case "choice":
		return newChoice(deps, acc, accNorm, accBytes)
	case "partial":
		return newChoice(deps, acc)
	case "exact_match":
		return newExactMatch(deps)
	case "perplexity":
		return newPerplexity(deps)
	case spice.Name:
		return newSPICE(deps)
	case spice.StructuralName:
		return newStructural(deps)
	}
	if d, known := domains()[name]; known {
		return newDomain(deps, d)
	}
	return nil, fmt.Errorf("no such scorer: want choice, partial, exact_match, perplexity, %s, %s or %s",
		spice.Name, spice.StructuralName, strings.Join(slices.Sorted(maps.Keys(domains())), ", "))
}

// ReadsTexts reports whether the scorer called name scores what a model wrote,
// not how likely it holds a text.
func ReadsTexts(name string) bool {
	_, known := domains()[name]
	return known || slices.Contains([]string{"exact_match", spice.Name, spice.StructuralName}, name)
}

// TargetOf reads what a scorer compares with: expected is a text or a number, or
// of circuits and the like a JSON object (which may be written as a text).
func TargetOf(scorer string, expected json.RawMessage) (lorabench.Target, error) {
	var answer string
	isText := json.Unmarshal(expected, &answer) == nil
	var check func(json.RawMessage) error
	if d, known := domains()[scorer]; known {
		check = d.check
		if d.text && isText { // compared with a text
			return lorabench.Target{Answer: answer}, check(expected)
		}
		if d.text && !d.either {
			return lorabench.Target{}, errors.New("want a text")
		}
	} else if scorer == spice.Name || scorer == spice.StructuralName {
		check = func(raw json.RawMessage) error { _, err := spice.ParseBench(raw); return err }
	} else {
		switch {
		case isText:
			return lorabench.Target{Answer: answer}, nil
		case json.Unmarshal(expected, new(json.Number)) == nil:
			return lorabench.Target{Answer: string(expected)}, nil
		}
		return lorabench.Target{}, errors.New("want a text or a number")
	}
	if isText {
		expected = json.RawMessage(answer)
	}
	return lorabench.Target{Bench: expected}, check(expected)
}

// ForTask returns the scorer that a task names.
func ForTask(t *lorabench.Task, tools Tools) (Scorer, error) {
	s, err := ByName(t.Scorer, Deps{Metrics: t.Metrics, Filters: t.Filters, Normalize: t.Normalize, Tools: tools})
	if err != nil {
		return nil, fmt.Errorf("task %s: %w", t.Name, err)
	}
	return s, nil
}

// names returns the names of metrics, which all have to be among known.
func names(metrics []lorabench.Metric, known ...string) ([]string, error) {
	if len(metrics) == 0 {
		return nil, fmt.Errorf("no metrics: want some of %s", strings.Join(known, ", "))
	}
	wanted := make([]string, len(metrics))
	for i, m := range metrics {
		if !slices.Contains(known, m.Name) {
			return nil, fmt.Errorf("no metric %q: has %s", m.Name, strings.Join(known, ", "))
		}
		wanted[i] = m.Name
	}
	return wanted, nil
}

// unscored gives no value for any metric, and one reason for all.
func unscored(metrics []string, format string, args ...any) []lorabench.Score {
	scores := make([]lorabench.Score, len(metrics))
	for i, m := range metrics {
		scores[i] = lorabench.Score{Metric: m, Unscored: fmt.Sprintf(format, args...)}
	}
	return scores
}

// stopNote says that a text was cut off, or has no answer, which is why it is
// wrong.
func stopNote(o lorabench.Output) string {
	note := ""
	if o.Unanswered() {
		note = lorabench.NoteNoAnswer
	}
	switch o.Stop {
	case lorabench.StopLength, lorabench.StopTime:
		return notes(note, "stopped: "+string(o.Stop))
	}
	return note
}

// notes joins what there is to say of one value.
func notes(texts ...string) string {
	return strings.Join(slices.DeleteFunc(texts, func(s string) bool { return s == "" }), "; ")
}

// truth is 1 or 0.
func truth(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
