package tasks

import "github.com/ailiance/lorabench"

// xnli defines the task of each language: does a sentence follow from another,
// contradict it, or neither. Whole sentences are scored, without a prompt.
//
// Source: Conneau et al. 2018, https://arxiv.org/abs/1809.05053;
// lm_eval/tasks/xnli.
func xnli() []Definition {
	var definitions []Definition
	for _, l := range []struct{ code, name, question, entailment, neutral, contradiction string }{
		{"ar", "Arabic", "صحيح", "نعم", "لذا", "رقم"},
		{"bg", "Bulgarian", "правилно", "да", "така", "не"},
		{"de", "German", "richtig", "Ja", "Auch", "Nein"},
		{"el", "Greek", "σωστός", "Ναί", "Έτσι", "όχι"},
		{"en", "English", "right", "Yes", "Also", "No"},
		{"es", "Spanish", "correcto", "Sí", "Asi que", "No"},
		{"fr", "French", "correct", "Oui", "Aussi", "Non"},
		{"hi", "Hindi", "सही", "हाँ", "इसलिए", "नहीं"},
		{"ru", "Russian", "правильно", "Да", "Так", "Нет"},
		{"sw", "Swahili", "sahihi", "Ndiyo", "Hivyo", "Hapana"},
		{"th", "Thai", "ถูกต้อง", "ใช่", "ดังนั้น", "ไม่"},
		{"tr", "Turkish", "doğru", "Evet", "Böylece", "Hayır"},
		{"ur", "Urdu", "صحیح", "جی ہاں", "اس لئے", "نہیں"},
		{"vi", "Vietnamese", "đúng", "Vâng", "Vì vậy", "Không"},
		{"zh", "Chinese", "正确", "是的", "所以", "不是的"},
	} {
		definitions = append(definitions, Definition{
			Name: "xnli_" + l.code, Version: "1.0", Title: "XNLI: does one sentence follow from another, " + l.name,
			Source:     "https://arxiv.org/abs/1809.05053, lm_eval/tasks/xnli",
			Scorer:     "choice",
			Metrics:    proportions(0.02, acc),
			Evaluation: Split{Dataset: "xnli/" + l.code, Name: "validation"},
			Shots:      &Split{Dataset: "xnli/" + l.code, Name: "train"},
			parse: func(r row) (example, error) {
				return parseXNLI(r, l.question, l.entailment, l.neutral, l.contradiction)
			},
			sampler: drawnOther,
			nulls:   choiceNulls,
		})
	}
	return definitions
}

func parseXNLI(r row, question string, labels ...string) (example, error) {
	c := &columns{row: r}
	premise, hypothesis := c.text("premise"), c.text("hypothesis")
	gold := c.index("label", len(labels))
	if c.err != nil {
		return example{}, c.err
	}
	choices := make([]string, len(labels))
	for i, label := range labels {
		choices[i] = premise + ", " + question + "? " + label + ", " + hypothesis
	}
	return example{
		doc:           r.doc,
		answer:        choices[gold],
		continuations: choices,
		target:        lorabench.Target{Gold: gold, Choices: choices},
	}, nil
}
