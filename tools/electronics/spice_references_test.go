package electronics

import (
	"testing"

	"github.com/ailiance/lorabench/scorers/answer"
	"github.com/ailiance/lorabench/scorers/circuit"
	"github.com/ailiance/lorabench/tasks"
	"github.com/ailiance/lorabench/tasks/generated"
)

// TestSpiceReferencesAreAllowed holds, of many more questions than are
// simulated, that the reference is made of what the question allows: parts,
// values in their ranges, ports, paths to ground.
func TestSpiceReferencesAreAllowed(t *testing.T) {
	definition, err := tasks.Lookup("spice_sim")
	if err != nil {
		t.Fatal(err)
	}
	seeds := uint64(4)
	if *full {
		seeds = 40
	}
	n := 0
	for seed := range seeds {
		for _, split := range []string{generated.Test, generated.Train} {
			rows, err := definition.Rows(generated.Options{Split: split, Seed: 1000 + seed})
			if err != nil {
				t.Fatal(err)
			}
			for _, r := range rows {
				target, err := circuit.ParseTarget(r.Target)
				if err != nil {
					t.Errorf("seed %d: %s: %v", seed, r.ID, err)
					continue
				}
				deck, reason := answer.Block(r.Reference, "spice")
				if reason != "" {
					t.Errorf("seed %d: %s: %s", seed, r.ID, reason)
				} else if _, err := circuit.Parse(deck, target); err != nil {
					t.Errorf("seed %d: %s: %v\n%s\n%s", seed, r.ID, err, r.Prompt, r.Reference)
				}
				n++
			}
		}
	}
	t.Logf("%d references", n)
}
