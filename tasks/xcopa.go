package tasks

import (
	"unicode/utf8"

	"github.com/ailiance/lorabench"
	"github.com/ailiance/lorabench/tasks/pystr"
)

// xcopa defines the task of each language: which of two sentences is the cause,
// or the effect, of a third.
//
// Source: Ponti et al. 2020, https://arxiv.org/abs/2005.00333;
// lm_eval/tasks/xcopa.
func xcopa() []Definition {
	var definitions []Definition
	for _, l := range []struct{ code, name, cause, effect string }{
		{"et", "Estonian", "sest", "seetõttu"},
		{"ht", "Haitian Creole", "poukisa", "donk sa"},
		{"id", "Indonesian", "karena", "maka"},
		{"it", "Italian", "perché", "quindi"},
		{"qu", "Quechua", "imataq", "chaymi"},
		{"sw", "Swahili", "kwa sababu", "kwa hiyo"},
		{"ta", "Tamil", "காரணமாக", "எனவே"},
		{"th", "Thai", "เพราะ", "ดังนั้น"},
		{"tr", "Turkish", "çünkü", "bu yüzden"},
		{"vi", "Vietnamese", "bởi vì", "vì vậy"},
		{"zh", "Chinese", "因为", "所以"},
	} {
		definitions = append(definitions, Definition{
			Name: "xcopa_" + l.code, Version: "1.0", Title: "XCOPA: causes and effects, " + l.name,
			Source:     "https://arxiv.org/abs/2005.00333, lm_eval/tasks/xcopa",
			Scorer:     "choice",
			Metrics:    proportions(0.03, acc),
			Evaluation: Split{Dataset: "xcopa/" + l.code, Name: "test", also: []string{"xcopa/test." + l.code}},
			Shots:      &Split{Dataset: "xcopa/" + l.code, Name: "validation", also: []string{"xcopa/val." + l.code}},
			parse:      func(r row) (example, error) { return parseXCOPA(r, l.cause, l.effect) },
			sampler:    drawn,
			nulls:      choiceNulls,
		})
	}
	return definitions
}

func parseXCOPA(r row, connectors ...string) (example, error) {
	c := &columns{row: r}
	premise := pystr.Strip(c.text("premise"))
	choices := []string{pystr.LowerFirst(c.text("choice1")), pystr.LowerFirst(c.text("choice2"))}
	connector := connectors[c.oneOfTexts("question", "cause", "effect")]
	gold := c.index("label", len(choices))
	if c.err != nil {
		return example{}, c.err
	}
	_, last := utf8.DecodeLastRuneInString(premise) // its full stop
	return example{
		doc:           r.doc,
		question:      premise[:len(premise)-last] + " " + connector,
		answer:        choices[gold],
		continuations: choices,
		target:        lorabench.Target{Gold: gold, Choices: choices},
	}, nil
}
