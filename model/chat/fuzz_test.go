package chat

import (
	"strings"
	"testing"
)

// FuzzSplit holds that an output without an answer has none, and that no answer
// holds a marker that begins reasoning.
func FuzzSplit(f *testing.F) {
	markers := []Markers{
		think(""), published["openai-gpt-oss-120b.jinja"], published["Cohere2MoE.jinja"], published["upstage-Solar-Open-100B.jinja"],
		published["ibm-granite-granite-3.3-2B-Instruct.jinja"], published["google-gemma-4-31B-it.jinja"], {},
	}
	for i := range markers {
		f.Add(i, "<|start|>assistant<think>", "a<think>b</think>c<|channel|>analysis<|message|>d<|end|><|channel|>final<|message|>e<|return|>")
	}
	f.Fuzz(func(t *testing.T, i int, tail, output string) {
		m := markers[uint(i)%uint(len(markers))]
		thinking, answer, closed := m.Split(tail, output)
		if !closed && answer != "" {
			t.Errorf("%+v: Split(%q, %q) = %q, %q, %t: an answer where there is none", m, tail, output, thinking, answer, closed)
		}
		if m.Begin != "" && m.Answer == "" && strings.Contains(answer, m.Begin) {
			t.Errorf("%+v: Split(%q, %q) = %q, %q, %t: reasoning in the answer", m, tail, output, thinking, answer, closed)
		}
		if m.opens(tail) && closed && !strings.Contains(output, m.End) && (m.Answer == "" || !strings.Contains(output, m.Answer)) {
			t.Errorf("%+v: Split(%q, %q): closed, and nothing closes it", m, tail, output)
		}
	})
}
