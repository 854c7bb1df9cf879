package tasks

import "github.com/ailiance/lorabench"

// piqa asks which of two ways reaches a goal.
//
// Source: Bisk et al. 2019, https://arxiv.org/abs/1911.11641;
// lm_eval/tasks/piqa/piqa.yaml.
func piqa() Definition {
	return Definition{
		Name: "piqa", Version: "1.0", Title: "PIQA: which of two ways reaches an everyday goal",
		Source:     "https://arxiv.org/abs/1911.11641, lm_eval/tasks/piqa/piqa.yaml",
		Scorer:     "choice",
		Metrics:    proportions(0.03, acc, accNorm),
		Evaluation: Split{Dataset: "piqa", Name: "validation", also: []string{"piqa/valid"}, labels: true},
		Shots:      &Split{Dataset: "piqa", Name: "train", labels: true},
		parse:      parsePIQA,
		sampler:    drawnOther,
		nulls:      choiceNulls,
	}
}

func parsePIQA(r row) (example, error) {
	c := &columns{row: r}
	goal := c.text("goal")
	choices := []string{c.text("sol1"), c.text("sol2")}
	gold := c.index("label", len(choices))
	if c.err != nil {
		return example{}, c.err
	}
	return example{
		doc:           r.doc,
		question:      "Question: " + goal + "\nAnswer:",
		answer:        choices[gold],
		continuations: choices,
		target:        lorabench.Target{Gold: gold, Choices: choices},
	}, nil
}
