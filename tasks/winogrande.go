package tasks

import (
	"strings"

	"github.com/ailiance/lorabench"
	"github.com/ailiance/lorabench/tasks/pystr"
)

// winoGrande asks whom a sentence's blank means: the end of the sentence is
// scored behind each of two beginnings ("partial" scoring).
//
// Source: Sakaguchi et al. 2019, https://arxiv.org/abs/1907.10641;
// lm_eval/tasks/winogrande.
func winoGrande() Definition {
	return Definition{
		Name: "winogrande", Version: "1.0", Title: "WinoGrande: whom does the blank mean",
		Source:  "https://arxiv.org/abs/1907.10641, lm_eval/tasks/winogrande/default.yaml",
		Scorer:  "partial",
		Metrics: proportions(0.03, acc),
		Evaluation: Split{Dataset: "winogrande/winogrande_xl", Name: "validation",
			also: []string{"winogrande/winogrande_xl_validation", "winogrande/validation"}},
		Shots: &Split{Dataset: "winogrande/winogrande_xl", Name: "train",
			also: []string{"winogrande/winogrande_xl_train", "winogrande/train"}},
		parse:   parseWinoGrande,
		sampler: drawnOther,
		nulls:   choiceNulls,
	}
}

func parseWinoGrande(r row) (example, error) {
	c := &columns{row: r}
	sentence := c.text("sentence")
	options := []string{c.text("option1"), c.text("option2")}
	gold := c.oneOfTexts("answer", "1", "2")
	before, after, found := strings.Cut(sentence, "_")
	if !found {
		c.fail("sentence", "no _ in %q", sentence)
	}
	if c.err != nil {
		return example{}, c.err
	}
	prompts := []string{before + options[0], before + options[1]}
	end := pystr.Strip(after)
	return example{
		doc:           r.doc,
		question:      prompts[gold],
		answer:        end,
		prompts:       prompts,
		continuations: []string{end, end},
		target:        lorabench.Target{Gold: gold, Choices: options},
	}, nil
}
