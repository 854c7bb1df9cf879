package tasks

import (
	"fmt"
	"strings"

	"github.com/ailiance/lorabench"
	"github.com/ailiance/lorabench/tasks/pystr"
)

// mmluPro defines the task of each subject: questions with up to ten options,
// answered in words that end with a letter.
//
// Source: Wang et al. 2024, https://arxiv.org/abs/2406.01574;
// lm_eval/tasks/mmlu_pro. TIGER-Lab's own script guesses where it finds no
// letter: its numbers are others.
func mmluPro() []Definition {
	var definitions []Definition
	for _, subject := range []string{
		"biology", "business", "chemistry", "computer science", "economics", "engineering", "health", "history",
		"law", "math", "other", "philosophy", "physics", "psychology",
	} {
		file := strings.ReplaceAll(subject, " ", "_")
		split := func(name string) Split {
			return Split{Dataset: "mmlu_pro", Name: name, also: []string{"mmlu_pro/" + file + "_" + name, "mmlu_pro/all_" + name}}
		}
		shots := split("validation")
		definitions = append(definitions, Definition{
			Name: "mmlu_pro_" + file, Version: "3.1", Title: "MMLU-Pro: questions with ten options, " + subject,
			Source:     "https://arxiv.org/abs/2406.01574, lm_eval/tasks/mmlu_pro",
			NumShots:   5,
			Scorer:     "exact_match",
			Filters:    []lorabench.Filter{{Name: "custom-extract", Pattern: `answer is \(?([ABCDEFGHIJ])\)?`}},
			Normalize:  lorabench.Normalization{IgnoreCase: true, IgnorePunctuation: true},
			Metrics:    proportions(0.03, exactMatch),
			Evaluation: split("test"),
			Shots:      &shots,
			parse:      parseMMLUPro,
			keep: func(r row) bool {
				category, _ := r.doc.Get("category")
				return category == subject
			},
			description: "The following are multiple choice questions (with answers) about " + subject +
				". Think step by step and then finish your answer with \"the answer is (X)\" where X is the correct letter choice.\n",
			sampler:   firstN,
			until:     []string{"Question:"},
			maxTokens: 2048,
			nulls:     generationNulls(" The answer is (%s).", func(t lorabench.Target) string { return t.Answer }),
		})
	}
	return definitions
}

const mmluProLetters = "ABCDEFGHIJ"

func parseMMLUPro(r row) (example, error) {
	c := &columns{row: r}
	var b strings.Builder
	b.WriteString("Question:\n" + c.text("question") + "\nOptions:\n")
	options := c.texts("options")
	if len(options) > len(mmluProLetters) {
		c.fail("options", "%d options, want at most %d", len(options), len(mmluProLetters))
		return example{}, c.err
	}
	for i, option := range options {
		fmt.Fprintf(&b, "%c. %s\n", mmluProLetters[i], pystr.Strip(option))
	}
	b.WriteString("Answer: Let's think step by step.")
	answer := c.text("answer")
	if c.err == nil && (len(answer) != 1 || !strings.Contains(mmluProLetters, answer)) {
		c.fail("answer", "%q, want a letter from A to J", answer)
	}
	return example{
		doc:      r.doc,
		question: b.String(),
		answer:   strings.ReplaceAll(c.text("cot_content"), "A: Let's think step by step. ", ""),
		target:   lorabench.Target{Answer: answer},
	}, c.err
}
