// Package spicesim makes the questions of spice_sim: a circuit is described by
// what it does, in numbers, and the answer is a deck between named ports. Each
// question has a reference that was computed, and mutants of it with one error
// each.
//
// What is measured is written as a [Target], the language of the scorer
// (bench/2, docs/scorers/spice_sim.md). The package simulates nothing: tests in
// tools/electronics hold that references pass and mutants do not.
package spicesim

import (
	"encoding/json"
	"fmt"
)

// Target is what the scorer measures an answer with. docs/scorers/spice_sim.md
// says what each field means.
type Target struct {
	Bench      int                   `json:"bench"`
	Ports      []string              `json:"ports"`
	Optional   []string              `json:"optional,omitempty"`
	Parts      string                `json:"parts"`
	Library    []string              `json:"library,omitempty"`
	Models     []string              `json:"models,omitempty"`
	Require    map[string]int        `json:"require,omitempty"`
	Limit      map[string]int        `json:"limit,omitempty"`
	Values     map[string][2]float64 `json:"values,omitempty"`
	Runs       []Run                 `json:"runs"`
	Properties []Property            `json:"properties"`
}

// Run is one simulation: our elements around the circuit, and our analyses.
type Run struct {
	Name        string             `json:"name"`
	Circuit     []string           `json:"circuit"`
	Analyses    []string           `json:"analyses"`
	Temperature *float64           `json:"temperature,omitempty"`
	Initial     map[string]float64 `json:"initial,omitempty"`
}

// Property is a number that is measured, and where it must lie.
type Property struct {
	Name    string    `json:"name"`
	Of      []Measure `json:"of"`
	Combine string    `json:"combine,omitempty"`
	Scale   float64   `json:"scale,omitempty"`
	Target  *float64  `json:"target,omitempty"`
	Rel     float64   `json:"rel,omitempty"`
	Abs     float64   `json:"abs,omitempty"`
	Min     *float64  `json:"min,omitempty"`
	Max     *float64  `json:"max,omitempty"`
	Reach   float64   `json:"reach,omitempty"`
}

// Measure is one measurement of a property.
type Measure struct {
	Run       string   `json:"run"`
	Analysis  string   `json:"analysis"`
	Kind      string   `json:"kind"`
	Signal    string   `json:"signal"`
	At        *float64 `json:"at,omitempty"`
	From      *float64 `json:"from,omitempty"`
	To        *float64 `json:"to,omitempty"`
	Level     *float64 `json:"level,omitempty"`
	When      string   `json:"when,omitempty"`
	WhenLevel *float64 `json:"when_level,omitempty"`
	Edge      string   `json:"edge,omitempty"`
	WhenEdge  string   `json:"when_edge,omitempty"`
	N         int      `json:"n,omitempty"`
	Drop      float64  `json:"drop,omitempty"`
	Reference *float64 `json:"reference,omitempty"`
}

// P returns a number that is there.
func P(v float64) *float64 { return &v }

// JSON returns the target as a row has it.
func (t Target) JSON() json.RawMessage {
	if t.Bench == 0 {
		t.Bench = 2
	}
	text, err := json.Marshal(t)
	if err != nil {
		panic(fmt.Sprintf("spicesim: a target that is no JSON: %v", err)) // a number of ours is not finite
	}
	return text
}
