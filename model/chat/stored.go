package chat

import "strings"

// families are the markers of models whose texts are met without their
// templates, the most particular first. Each occurs in published templates.
func families() []Markers {
	return []Markers{
		{Begin: "<|channel|>analysis<|message|>", End: "<|end|>", Answer: "<|channel|>final<|message|>", AnswerEnds: []string{"<|return|>", "<|end|>"}},
		{Begin: "<|channel>thought", End: "<channel|>"},
		{Begin: "[THINK]", End: "[/THINK]"},
		{Begin: "<think>", End: "</think>", Answer: "<response>", AnswerEnds: []string{"</response>"}},
		{Begin: "<think>", End: "</think>"},
		{Begin: "<thinking>", End: "</thinking>"},
		{Begin: "<|START_THINKING|>", End: "<|END_THINKING|>", Answer: "<|START_RESPONSE|>", AnswerEnds: []string{"<|END_RESPONSE|>"}},
		{Begin: "<|inner_prefix|>", End: "<|inner_suffix|>"},
		{Begin: "<seed:think>", End: "</seed:think>"},
		{Begin: "<mm:think>", End: "</mm:think>"},
		{Begin: "<think:opensource>", End: "</think:opensource>"},
		{Begin: "<|thought_start|>", End: "<|thought_end|>"},
		{Begin: "◁think▷", End: "◁/think▷"},
	}
}

// MarkersIn guesses the markers of a text whose model is not at hand: those of
// the family whose marker stands at its beginning, or whose end of reasoning it
// has without a beginning, since some prompts open the reasoning themselves. A
// marker that is only quoted somewhere is none. The zero value is that of a text
// without reasoning.
//
// Where the checkpoint is there, its own template is asked: see
// [Template.Thinking].
func MarkersIn(output string) Markers {
	start := strings.TrimLeft(output, " \t\r\n")
	for _, m := range families() {
		if m.Answer != "" && !strings.Contains(output, m.Answer) && m.Begin == "<think>" {
			continue // another family's, without a channel for the answer
		}
		if strings.HasPrefix(start, m.Begin) {
			m.Found = "the text begins with it"
			return m
		}
	}
	for _, m := range families() {
		if m.Answer == "" && !strings.Contains(output, m.Begin) && strings.Count(output, m.End) == 1 {
			m.Found = "the text ends reasoning that it does not begin"
			return m
		}
	}
	return Markers{}
}
