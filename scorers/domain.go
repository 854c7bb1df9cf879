package scorers

import (
	"context"
	"encoding/json"

	"github.com/ailiance/lorabench"
	circuits "github.com/ailiance/lorabench/scorers/circuit"
)

// domain is a scorer of texts of a field: circuits, symbols, schematics.
type domain struct {
	metrics []string // that it has
	needs   Needs    // tools
	text    bool     // the target is a text (Target.Answer), not an object (Target.Bench)
	either  bool     // with text: or an object that stands for it (Target.Bench)

	// check says what of a target cannot be read. It is also called with texts.
	check func(target json.RawMessage) error
	// judge looks at one answer. It must be safe for concurrent use, and give
	// equal findings for equal arguments. tools are those of the scorer.
	judge func(ctx context.Context, tools Tools, s *lorabench.Sample, text string) Finding
}

// Finding is what is found in one answer.
type Finding struct {
	Values   map[string]float64 // by metric
	Unscored string             // why there are no values: our failure, or the machine's
	Note     string             // why the values are not the best: the text's own doing
	Missing  map[string]string  // why single metrics have no value
}

// domains are the scorers of fields, by name.
func domains() map[string]domain {
	return addPublished(map[string]domain{
		"erc":           ercAbsolute(),
		"erc_delta":     ercDelta(),
		"kicad_dsl":     kicadDSL(),
		"kicad_pcb":     kicadPCB(),
		"kicad_sch_gen": kicadSchGen(),
		"sch_extract":   schExtract(),
		circuits.Name:   spiceSim(),
	})
}

type domainScorer struct {
	domain
	wanted []string
	tools  Tools
}

func newDomain(deps Deps, d domain) (Scorer, error) {
	wanted, err := names(deps.Metrics, d.metrics...)
	return domainScorer{d, wanted, deps.Tools}, err
}

// Score gives the reason why an answer is not right as the scores' note.
func (d domainScorer) Score(ctx context.Context, s *lorabench.Sample, outputs []lorabench.Output) []lorabench.Score {
	if len(outputs) != 1 {
		return unscored(d.wanted, "%d outputs, want 1", len(outputs))
	}
	f := d.judge(ctx, d.tools, s, outputs[0].Text)
	if f.Unscored != "" {
		return unscored(d.wanted, "%s", f.Unscored)
	}
	note := notes(f.Note, stopNote(outputs[0]))
	scores := make([]lorabench.Score, len(d.wanted))
	for i, metric := range d.wanted {
		value, found := f.Values[metric]
		switch {
		case found:
			scores[i] = lorabench.Score{Metric: metric, Value: value, Weight: 1, Note: note}
		case f.Missing[metric] != "":
			scores[i] = lorabench.Score{Metric: metric, Unscored: f.Missing[metric]}
		default:
			scores[i] = lorabench.Score{Metric: metric, Unscored: "the scorer gave no value"}
		}
	}
	return scores
}
