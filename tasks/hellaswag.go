package tasks

import (
	"regexp"
	"strconv"
	"strings"

	"github.com/ailiance/lorabench"
	"github.com/ailiance/lorabench/tasks/pyjson"
	"github.com/ailiance/lorabench/tasks/pystr"
)

// hellaSwag asks how a scene goes on.
//
// Rows are the dataset's own (ctx_a, ctx_b, activity_label, endings), cleaned
// here as lm-eval does, or already cleaned (query, and choices or endings).
// Prompts are the same of both; doc_hash is not, so the second kind shows in
// the task's version.
//
// Source: Zellers et al. 2019, https://arxiv.org/abs/1905.07830;
// lm_eval/tasks/hellaswag.
func hellaSwag() Definition {
	return Definition{
		Name: "hellaswag", Version: "1.0", Title: "HellaSwag: how does the scene go on",
		Source:     "https://arxiv.org/abs/1905.07830, lm_eval/tasks/hellaswag/hellaswag.yaml",
		Scorer:     "choice",
		Metrics:    proportions(0.01, acc, accNorm),
		Evaluation: Split{Dataset: "hellaswag", Name: "validation"},
		Shots:      &Split{Dataset: "hellaswag", Name: "train"},
		parse:      parseHellaSwag,
		form: func(r row) string {
			if isRawHellaSwag(r) {
				return ""
			}
			return "preprocessed"
		},
		sampler: drawnOther,
		nulls:   choiceNulls,
	}
}

func isRawHellaSwag(r row) bool {
	_, raw := r.doc.Get("ctx_a")
	return raw
}

func parseHellaSwag(r row) (example, error) {
	c := &columns{row: r}
	doc, cluster := r.doc, ""
	var query string
	var choices []string
	var gold int
	if isRawHellaSwag(r) {
		query = cleanHellaSwag(c.text("activity_label") + ": " + c.text("ctx_a") + " " + pystr.Capitalize(c.text("ctx_b")))
		for _, ending := range c.texts("endings") {
			choices = append(choices, cleanHellaSwag(ending))
		}
		gold = c.index("label", len(choices))
		doc = doc.With("query", query).With("choices", list(choices)).With("gold", pyjson.Int(strconv.Itoa(gold)))
		if source, ok := doc.Get("source_id"); ok { // several scenes of one video or article
			cluster, _ = source.(string)
		}
	} else {
		doc = normalHellaSwag(doc)
		c.doc = doc
		query, choices = c.text("query"), c.texts("choices")
		gold = c.index("label", len(choices))
	}
	if c.err != nil {
		return example{}, c.err
	}
	return example{
		doc:           doc,
		question:      query,
		answer:        choices[gold],
		continuations: choices,
		target:        lorabench.Target{Gold: gold, Choices: choices},
		cluster:       cluster,
	}, nil
}

// normalHellaSwag gives a cleaned row the form that lm-eval's task needs, and
// that its doc_hash is computed over: the endings are called choices, and the
// label is a string.
func normalHellaSwag(doc pyjson.Object) pyjson.Object {
	_, named := doc.Get("choices")
	normal := make(pyjson.Object, len(doc))
	for i, f := range doc {
		if f.Name == "endings" && !named {
			f.Name = "choices"
		}
		if label, whole := f.Value.(pyjson.Int); whole && f.Name == "label" {
			f.Value = string(label)
		}
		normal[i] = f
	}
	return normal
}

var bracketed = regexp.MustCompile(`\[.*?\]`)

// cleanHellaSwag removes the marks that WikiHow's articles left in the text.
// Spaces that a removed mark leaves at the ends stay, as in lm-eval.
func cleanHellaSwag(s string) string {
	s = strings.ReplaceAll(pystr.Strip(s), " [title]", ". ")
	s = bracketed.ReplaceAllString(s, "")
	return strings.ReplaceAll(s, "  ", " ")
}

func list(texts []string) []any {
	l := make([]any, len(texts))
	for i, t := range texts {
		l[i] = t
	}
	return l
}
