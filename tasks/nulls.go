package tasks

import (
	"fmt"
	"math"
	"strings"
	"unicode/utf8"

	"github.com/ailiance/lorabench"
)

// choiceNulls are models that choose by place or by length.
func choiceNulls(examples []example) []lorabench.Null {
	most := 0
	for _, e := range examples {
		most = max(most, len(e.continuations))
	}
	var nulls []lorabench.Null
	for i := range most - 1 {
		nulls = append(nulls, choosing(fmt.Sprintf("always the %s choice", ordinal(i)), func(s *lorabench.Sample) int {
			return min(i, len(s.Requests)-1)
		}))
	}
	return append(nulls,
		choosing("always the last choice", func(s *lorabench.Sample) int { return len(s.Requests) - 1 }),
		choosing("the longest choice", func(s *lorabench.Sample) int { return extreme(s, +1) }),
		choosing("the shortest choice", func(s *lorabench.Sample) int { return extreme(s, -1) }),
	)
}

func ordinal(i int) string {
	if words := []string{"first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth"}; i < len(words) {
		return words[i]
	}
	return fmt.Sprintf("%dth", i+1)
}

// extreme returns the choice with the most (sign +1) or the fewest (-1) code
// points, the first of equals.
func extreme(s *lorabench.Sample, sign int) int {
	best, length := 0, math.MinInt
	for i, c := range s.Target.Choices {
		if n := sign * utf8.RuneCountInString(c); n > length {
			best, length = i, n
		}
	}
	return best
}

// choosing finds the choice likelier than all others.
func choosing(name string, choose func(*lorabench.Sample) int) lorabench.Null {
	return lorabench.Null{Name: name, Outputs: func(s *lorabench.Sample) []lorabench.Output {
		outputs := make([]lorabench.Output, len(s.Requests))
		for i := range outputs {
			outputs[i].LogLikelihood = -1
		}
		outputs[choose(s)] = lorabench.Output{LogLikelihood: 0, Greedy: true}
		return outputs
	}}
}

// saying writes the same text whatever is asked.
func saying(name, text string) lorabench.Null {
	return lorabench.Null{Name: name, Outputs: func(*lorabench.Sample) []lorabench.Output {
		return []lorabench.Output{{Text: text, Stop: lorabench.StopEOS}}
	}}
}

// echo repeats the prompt. Stop strings do not cut it, which makes it the
// strongest that an echo can be.
func echo() lorabench.Null {
	return lorabench.Null{Name: "the prompt echoed", Outputs: func(s *lorabench.Sample) []lorabench.Output {
		return []lorabench.Output{{Text: s.Requests[0].Prompt, Stop: lorabench.StopEOS}}
	}}
}

// generationNulls are a model that says nothing, one that repeats what it is
// asked, and one that has learnt the form of an answer and the likeliest of the
// task's own answers.
func generationNulls(format string, answer func(lorabench.Target) string) func([]example) []lorabench.Null {
	return func(examples []example) []lorabench.Null {
		nulls := []lorabench.Null{
			saying("empty text", ""),
			echo(),
		}
		answers := make([]string, len(examples))
		for i, e := range examples {
			answers[i] = answer(e.target)
		}
		text := fmt.Sprintf(format, mostFrequent(answers))
		return append(nulls, saying(fmt.Sprintf("always %q", strings.TrimSpace(text)), text))
	}
}

// mostFrequent returns the value that occurs most, the first of equals.
func mostFrequent(values []string) string {
	count := map[string]int{}
	for _, v := range values {
		count[v]++
	}
	best := ""
	for i, v := range values {
		if i == 0 || count[v] > count[best] {
			best = v
		}
	}
	return best
}

// textNulls are models of running text that know nothing, and that know how
// often each byte occurs in all of the task's texts. They predict the text that
// is asked for, so a task that counts the bytes of another text (wikitext: of
// the page before it is cleaned) shows a little less than 8 bits a byte.
func textNulls(examples []example) []lorabench.Null {
	var count [256]float64
	total := 0.0
	for _, e := range examples {
		for _, c := range []byte(e.question) {
			count[c]++
			total++
		}
	}
	var logProbability [256]float64 // nats; -Inf of a byte that occurs nowhere
	for c := range count {
		logProbability[c] = math.Log(count[c] / total)
	}
	return []lorabench.Null{
		scoring("uniform over bytes", func(byte) float64 { return -8 * math.Ln2 }),
		scoring("byte frequencies", func(c byte) float64 { return logProbability[c] }),
	}
}

// scoring gives each byte of a text a log-probability of its own.
func scoring(name string, nats func(byte) float64) lorabench.Null {
	return lorabench.Null{Name: name, Outputs: func(s *lorabench.Sample) []lorabench.Output {
		sum := 0.0
		for _, c := range []byte(s.Requests[0].Prompt) {
			sum += nats(c)
		}
		return []lorabench.Output{{LogLikelihood: sum}}
	}}
}
