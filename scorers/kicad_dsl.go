package scorers

import (
	"context"
	"encoding/json"

	"github.com/ailiance/lorabench"
	"github.com/ailiance/lorabench/scorers/answer"
	"github.com/ailiance/lorabench/scorers/kicad/symbol"
)

// kicadDSL compares a schematic symbol with the one that is asked for, pin by
// pin.
func kicadDSL() domain {
	return domain{
		metrics: []string{circuitPass, circuitGraded},
		check: func(raw json.RawMessage) error {
			_, err := symbol.ParseTarget(raw)
			return err
		},
		judge: func(_ context.Context, _ Tools, s *lorabench.Sample, text string) Finding {
			target, err := symbol.ParseTarget(s.Target.Bench)
			if err != nil {
				return Finding{Unscored: err.Error()}
			}
			block, reason := answer.Block(text, symbol.Languages...)
			if reason != "" {
				return Finding{Values: map[string]float64{circuitPass: 0, circuitGraded: 0}, Note: reason}
			}
			r := target.Judge(block)
			return Finding{Values: map[string]float64{circuitPass: truth(r.Pass), circuitGraded: r.Graded}, Note: r.Note}
		},
	}
}
