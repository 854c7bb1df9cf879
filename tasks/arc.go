package tasks

import (
	"slices"

	"github.com/ailiance/lorabench"
)

// arc defines one part of the AI2 Reasoning Challenge.
//
// Source: Clark et al. 2018, https://arxiv.org/abs/1803.05457;
// lm_eval/tasks/arc/arc_easy.yaml.
func arc(name, part, title string) Definition {
	shots := Split{Dataset: "arc/" + part, Name: "train"}
	return Definition{
		Name: name, Version: "1.0", Title: "ARC: " + title,
		Source:     "https://arxiv.org/abs/1803.05457, lm_eval/tasks/arc/" + name + ".yaml",
		Scorer:     "choice",
		Metrics:    proportions(0.02, acc, accNorm),
		Evaluation: Split{Dataset: "arc/" + part, Name: "test"},
		Shots:      &shots,
		parse:      parseARC,
		sampler:    drawn,
		nulls:      choiceNulls,
	}
}

// parseARC reads question, choices {text, label} and answerKey, which is one of
// the labels: letters or digits.
func parseARC(r row) (example, error) {
	c := &columns{row: r}
	question := c.text("question")
	choices := c.object("choices")
	texts, labels := choices.texts("text"), choices.texts("label")
	if c.err = choices.err; c.err != nil {
		return example{}, c.err
	}
	if len(labels) != len(texts) {
		c.fail("choices", "%d labels, want %d: one for each text", len(labels), len(texts))
	}
	gold := c.oneOfTexts("answerKey", labels...)
	if c.err != nil {
		return example{}, c.err
	}
	return example{
		doc:           r.doc,
		question:      "Question: " + question + "\nAnswer:",
		answer:        texts[gold],
		continuations: texts,
		target:        lorabench.Target{Gold: gold, Choices: slices.Clone(texts)},
	}, nil
}
