package scorers

import (
	"context"
	"encoding/json"

	"github.com/ailiance/lorabench"
	circuits "github.com/ailiance/lorabench/scorers/circuit"
)

// spiceSim scores circuits by what they do. score is 1 where all properties of
// the target hold, graded is the product of their closeness.
func spiceSim() domain {
	return domain{
		metrics: []string{circuitPass, circuitGraded},
		needs:   Needs{Simulator: true},
		check:   func(target json.RawMessage) error { _, err := circuits.ParseTarget(target); return err },
		judge: func(ctx context.Context, tools Tools, s *lorabench.Sample, text string) Finding {
			target, err := circuits.ParseTarget(s.Target.Bench)
			if err != nil {
				return Finding{Unscored: err.Error()}
			}
			if tools.Simulator == nil {
				why := tools.NoSimulator
				if why == nil {
					why = errNoSimulator
				}
				return Finding{Unscored: why.Error()}
			}
			r := circuits.Score(ctx, tools.Simulator, target, text)
			return Finding{
				Values:   map[string]float64{circuitPass: truth(r.Pass), circuitGraded: r.Graded},
				Unscored: r.Unscored, Note: r.Reason,
			}
		},
	}
}
