package electronics

import (
	"testing"

	"github.com/ailiance/lorabench/tasks"
	"github.com/ailiance/lorabench/tasks/generated"
)

// TestEverySeed holds that generators make their questions whatever the seed,
// in both splits, and that no question of one split is in the other.
func TestEverySeed(t *testing.T) {
	seeds := uint64(2)
	if *full {
		seeds = 25
	}
	for _, name := range tasks.Names() {
		definition, err := tasks.Lookup(name)
		if err != nil {
			t.Fatal(err)
		}
		if definition.Generated == 0 {
			continue
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test := map[string]string{}
			for seed := range seeds {
				rows, err := definition.Rows(generated.Options{Split: generated.Test, Seed: seed})
				if err != nil || len(rows) != definition.Generated {
					t.Fatalf("seed %d: %d questions, want %d: %v", seed, len(rows), definition.Generated, err)
				}
				for _, r := range rows {
					test[r.Prompt] = r.ID
				}
			}
			for seed := range seeds {
				rows, err := definition.Rows(generated.Options{Split: generated.Train, Seed: seed})
				if err != nil || len(rows) != definition.Generated {
					t.Fatalf("seed %d: %d questions to train on, want %d: %v", seed, len(rows), definition.Generated, err)
				}
				for _, r := range rows {
					if id := test[r.Prompt]; id != "" {
						t.Errorf("seed %d: the training question %s is the held-out question %s", seed, r.ID, id)
					}
				}
			}
			t.Logf("%d held-out questions", len(test))
		})
	}
}
