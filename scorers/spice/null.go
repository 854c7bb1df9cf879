package spice

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/ailiance/lorabench"
)

// Text returns the text of an output as it is scored. Engines cut the stop
// string off; where generation stopped at it, ".end" is put back.
func Text(o lorabench.Output) string {
	if o.Stop == lorabench.StopString && !strings.HasSuffix(o.Text, ".end") {
		return o.Text + ".end"
	}
	return o.Text
}

// NullOutputs returns what models that know nothing could answer: no text, the
// prompt, constant circuits, the task's own most frequent deck, and the most
// frequent deck among samples that are asked for the same kind of circuit (the
// same bench but for its numbers). The order is fixed. A task's floor is the
// best that one of them reaches.
func NullOutputs(samples []lorabench.Sample) []lorabench.Null {
	constant := func(name, text string) lorabench.Null {
		return lorabench.Null{Name: name, Outputs: func(*lorabench.Sample) []lorabench.Output {
			return []lorabench.Output{{Text: text, Stop: lorabench.StopEOS}}
		}}
	}
	all := make([]string, len(samples))
	byKind := map[string][]string{}
	for i := range samples {
		all[i] = samples[i].Target.Answer
		k := benchKind(samples[i].Target.Bench)
		byKind[k] = append(byKind[k], all[i])
	}
	most := make(map[string]string, len(byKind))
	for k, texts := range byKind {
		most[k] = mostFrequent(texts)
	}
	return []lorabench.Null{
		constant("empty text", ""),
		constant("an empty deck", ".end\n"),
		{Name: "the prompt echoed", Outputs: func(s *lorabench.Sample) []lorabench.Output {
			text := ""
			if len(s.Requests) > 0 {
				text = s.Requests[0].Prompt
			}
			return []lorabench.Output{{Text: text, Stop: lorabench.StopEOS}}
		}},
		constant("always a divider of two 1k resistors", "R1 in out 1k\nR2 out 0 1k\n.end\n"),
		constant("always an RC low-pass of 1k and 100n", "R1 in out 1k\nC1 out 0 100n\n.end\n"),
		constant("always the most frequent deck", mostFrequent(all)),
		{Name: "always the most frequent deck of its kind", Outputs: func(s *lorabench.Sample) []lorabench.Output {
			return []lorabench.Output{{Text: most[benchKind(s.Target.Bench)], Stop: lorabench.StopEOS}}
		}},
	}
}

// benchKind describes a bench without its numbers.
func benchKind(data json.RawMessage) string {
	b, err := ParseBench(data)
	if err != nil {
		return ""
	}
	var k strings.Builder
	k.WriteString(b.Elements)
	for i := range len(letters) {
		fmt.Fprintf(&k, " %d", b.Require[letters[i:i+1]])
	}
	for _, c := range b.Checks {
		fmt.Fprintf(&k, " %s %s %s %t", c.Kind, c.Node, c.Shape, c.Target > 0)
	}
	return k.String()
}

// mostFrequent returns the text that occurs most, the first of equals.
func mostFrequent(texts []string) string {
	count := map[string]int{}
	best := ""
	for _, t := range texts {
		count[t]++
	}
	for _, t := range texts {
		if count[t] > count[best] {
			best = t
		}
	}
	return best
}
