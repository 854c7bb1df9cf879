package scorers

import (
	"context"
	"encoding/json"

	"github.com/ailiance/lorabench"
	"github.com/ailiance/lorabench/scorers/answer"
	sch "github.com/ailiance/lorabench/scorers/kicad/circuit"
)

// Metrics of netlists that are read out of a schematic.
const (
	netsF1         = "f1"         // of pairs of pins that are in the same net
	netsPrecision  = "precision"  // of these pairs
	netsRecall     = "recall"     // likewise
	netsComponents = "components" // F1 of parts by reference and value
)

// circuitTarget checks a target that is a circuit.
func circuitTarget(raw json.RawMessage) error {
	_, err := sch.ParseTarget(raw)
	return err
}

// kicadSchGen looks whether a schematic is the circuit that was asked for.
func kicadSchGen() domain {
	return domain{
		metrics: []string{circuitPass, circuitGraded},
		check:   circuitTarget,
		judge: func(ctx context.Context, _ Tools, s *lorabench.Sample, text string) Finding {
			target, err := sch.ParseTarget(s.Target.Bench)
			if err != nil {
				return Finding{Unscored: err.Error()}
			}
			block, reason := answer.Block(text, sch.Languages...)
			if reason != "" {
				return Finding{Values: map[string]float64{circuitPass: 0, circuitGraded: 0}, Note: reason}
			}
			r, err := target.Judge(ctx, block)
			if err != nil {
				return Finding{Unscored: err.Error()}
			}
			return Finding{Values: map[string]float64{circuitPass: truth(r.Equal), circuitGraded: r.Graded}, Note: r.Note}
		},
	}
}

// schExtract compares the netlist that a model read out of a schematic with the
// schematic's.
func schExtract() domain {
	return domain{
		metrics: []string{circuitPass, netsF1, netsPrecision, netsRecall, netsComponents},
		check:   circuitTarget,
		judge: func(_ context.Context, _ Tools, s *lorabench.Sample, text string) Finding {
			target, err := sch.ParseTarget(s.Target.Bench)
			if err != nil {
				return Finding{Unscored: err.Error()}
			}
			values := map[string]float64{circuitPass: 0, netsF1: 0, netsPrecision: 0, netsRecall: 0, netsComponents: 0}
			block, reason := answer.Block(text, "json")
			if reason != "" {
				return Finding{Values: values, Note: reason}
			}
			read, reason := sch.ReadAnswer(block)
			if reason != "" {
				return Finding{Values: values, Note: reason}
			}
			pairs, components := target.Read(read)
			values[circuitPass] = target.Graded(pairs, components)
			values[netsF1], values[netsPrecision], values[netsRecall] = pairs.F1, pairs.Precision, pairs.Recall
			values[netsComponents] = components
			return Finding{Values: values, Note: sch.ReadingNote(pairs, components)}
		},
	}
}
