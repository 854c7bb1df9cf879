package scorers

import (
	"context"
	"encoding/json"

	"github.com/ailiance/lorabench"
	"github.com/ailiance/lorabench/scorers/answer"
	"github.com/ailiance/lorabench/scorers/kicad/footprint"
)

// kicadPCB compares a footprint with the one that is asked for, pad by pad.
func kicadPCB() domain {
	return domain{
		metrics: []string{circuitPass, circuitGraded},
		check: func(raw json.RawMessage) error {
			_, err := footprint.ParseTarget(raw)
			return err
		},
		judge: func(_ context.Context, _ Tools, s *lorabench.Sample, text string) Finding {
			target, err := footprint.ParseTarget(s.Target.Bench)
			if err != nil {
				return Finding{Unscored: err.Error()}
			}
			block, reason := answer.Block(text, footprint.Languages...)
			if reason != "" {
				return Finding{Values: map[string]float64{circuitPass: 0, circuitGraded: 0}, Note: reason}
			}
			j := target.Judge(block)
			return Finding{Values: map[string]float64{circuitPass: truth(j.Pass), circuitGraded: j.Graded}, Note: j.Note}
		},
	}
}
