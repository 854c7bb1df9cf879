package tasks

import (
	"bytes"
	"embed"
	"encoding/json"
	"io/fs"

	"github.com/ailiance/lorabench"
	"github.com/ailiance/lorabench/tasks/pyjson"
	"github.com/ailiance/lorabench/tasks/pystr"
)

// The demo's tasks. Their data are part of the program, and made for it: see
// data/README.md.

const demoSource = "made for lorabench's demo, tasks/data/README.md"

//go:embed data
var dataFiles embed.FS

// embedded is the data directory of embedded tasks.
func embedded() fs.FS {
	sub, err := fs.Sub(dataFiles, "data")
	if err != nil {
		panic(err) // only for a path that is not valid
	}
	return sub
}

// demo is what the demo's tasks have in common.
func demo(name, title, scorer string) Definition {
	return Definition{
		Name: "demo_" + name, Version: "1", Title: "demo: " + title, Source: demoSource, Scorer: scorer,
		Evaluation: Split{Dataset: "demo", Name: name}, Embedded: true, sampler: noShots,
	}
}

// demoArithmetic asks for a whole number.
func demoArithmetic() Definition {
	d := demo("arithmetic", "sums in words", "exact_match")
	d.Filters = []lorabench.Filter{{Name: "answer", Pattern: `The answer is (-?[0-9]+)\.`}}
	d.Metrics = proportions(0.05, exactMatch)
	d.until = []string{"\n", "Q:"}
	d.maxTokens = 128
	d.nulls = generationNulls(" The answer is %s.", func(t lorabench.Target) string { return t.Answer })
	d.parse = func(r row) (example, error) {
		c := &columns{row: r}
		id, question, answer := c.text("id"), c.text("question"), c.text("answer")
		return example{
			id: id, doc: r.doc, question: "Q: " + question + "\nA:", target: lorabench.Target{Answer: answer},
		}, c.err
	}
	return d
}

// demoChoice asks which of four answers is right.
func demoChoice() Definition {
	d := demo("choice", "questions with four answers", "choice")
	d.Metrics = proportions(0.05, acc, accNorm)
	d.nulls = choiceNulls
	d.parse = func(r row) (example, error) {
		c := &columns{row: r}
		id, question, choices := c.text("id"), c.text("question"), c.texts("choices")
		gold := c.index("gold", len(choices))
		return example{
			id: id, doc: r.doc, question: "Question: " + question + "\nAnswer:", continuations: choices,
			target: lorabench.Target{Gold: gold, Choices: choices},
		}, c.err
	}
	return d
}

// demoText is the perplexity of short passages.
func demoText() Definition {
	d := demo("text", "perplexity of short passages", "perplexity")
	d.Metrics = perplexities(0.02)
	d.nulls = textNulls
	d.parse = func(r row) (example, error) {
		c := &columns{row: r}
		id, text := c.text("id"), c.text("text")
		return example{
			id: id, doc: r.doc, question: text, rolling: true,
			target: lorabench.Target{Words: pystr.CountSplit(text), Bytes: len(text)},
		}, c.err
	}
	return d
}

// demoSPICE asks for a circuit that does what is wanted of it: score is 1 where
// all checks of the sample's bench hold, graded is the fraction that holds.
func demoSPICE() Definition {
	d := demo("spice", "circuits that are simulated", "spice")
	d.Metrics = []lorabench.Metric{
		{Name: spiceScore, Unit: fractionOfScore, Better: lorabench.Higher, Aggregate: lorabench.Mean, Binary: true, Margin: 0.05},
		{Name: spiceGraded, Unit: fractionOfScore, Better: lorabench.Higher, Aggregate: lorabench.Mean, Margin: 0.05},
	}
	d.until = []string{".end"}
	d.maxTokens = 256
	d.parse = parseSPICE
	d.nulls = deckNulls
	return d
}

func parseSPICE(r row) (example, error) { return parseQuestion(r, "bench") }

// parseQuestion reads a row with a prompt, an answer that is right, and an
// object that answers are compared with.
func parseQuestion(r row, target string) (example, error) {
	c := &columns{row: r}
	id, family, prompt, reference := c.text("id"), c.text("family"), c.text("prompt"), c.text("reference")
	c.object(target)
	if c.err != nil {
		return example{}, c.err
	}
	bench, _ := r.doc.Get(target)
	var text bytes.Buffer
	if err := json.Compact(&text, pyjson.Append(nil, bench)); err != nil { // NaN, which only Python takes for JSON
		c.fail(target, "%v", err)
		return example{}, c.err
	}
	return example{
		id: id, doc: r.doc, question: prompt,
		target: lorabench.Target{Answer: reference, Bench: text.Bytes()},
		family: family,
	}, nil
}

// deckNulls give the same deck whatever is asked: of each family of circuits the
// reference that occurs most. The last knows the families, and gives each its own.
func deckNulls(examples []example) []lorabench.Null {
	var families []string
	references := map[string][]string{}
	for _, e := range examples {
		if references[e.family] == nil {
			families = append(families, e.family)
		}
		references[e.family] = append(references[e.family], e.target.Answer)
	}
	nulls := []lorabench.Null{saying("empty text", ""), echo()}
	most := map[string]string{}
	for _, family := range families {
		most[family] = mostFrequent(references[family])
		nulls = append(nulls, saying("always the same "+family+" deck", most[family]))
	}
	bySample := map[string]string{}
	for _, e := range examples {
		bySample[e.id] = most[e.family]
	}
	return append(nulls, lorabench.Null{Name: "always the same deck of each family", Outputs: func(s *lorabench.Sample) []lorabench.Output {
		return []lorabench.Output{{Text: bySample[s.ID], Stop: lorabench.StopEOS}}
	}})
}
