package main

import (
	"context"
	"fmt"
	"io"
	"strconv"

	"github.com/ailiance/lorabench"
	"github.com/ailiance/lorabench/model/chat"
	"github.com/ailiance/lorabench/scorers"
)

// thinkingDocument is lorabench/thinking/1: what texts score as a whole, and
// without the reasoning in them.
type thinkingDocument struct {
	Schema string           `json:"schema"`
	Task   string           `json:"task"`
	Metric string           `json:"metric"`
	Unit   string           `json:"unit"`
	Models []separatedScore `json:"models"` // in the order of their first texts
	Texts  []separatedText  `json:"texts"`  // in the order of the lines
}

// separatedScore is one model. Values are null where no text has a score.
type separatedScore struct {
	Model     string   `json:"model"`
	N         int      `json:"n"`
	Whole     *float64 `json:"whole"`     // reasoning and all, as it was published
	Separated *float64 `json:"separated"` // the answer alone; no answer, and one that is not stored, scores as the empty text
	Empty     *float64 `json:"empty"`     // what the empty text scores on the same samples

	Reasoning int `json:"reasoning"` // texts that reason
	NoAnswer  int `json:"no_answer"` // of these, ended by the model within the reasoning
	Cut       int `json:"cut"`       // of these, cut off within the reasoning by the limit of tokens
	Stored    int `json:"stored"`    // of these, stored only as far as within the reasoning
}

type separatedText struct {
	ID        string   `json:"id"`
	Model     string   `json:"model"`
	Whole     *float64 `json:"whole"`
	Separated *float64 `json:"separated"`
	Reason    *string  `json:"reason"` // why there is no answer
	Answer    string   `json:"answer"`
}

// Reasons of a text that reasons and has no answer.
const (
	reasonNoAnswer = "no answer after thinking"
	reasonCut      = "cut off by the token limit within the reasoning"
	reasonStored   = "stored only as far as within the reasoning: whether an answer followed is not known"
)

// splitThinking scores all texts twice.
func splitThinking(ctx context.Context, task *lorabench.Task, scorer scorers.Scorer, answered []*lorabench.Sample, texts []text) (thinkingDocument, error) {
	metric := task.Primary()
	doc := thinkingDocument{Schema: "lorabench/thinking/1", Task: task.Name, Metric: metric.Name, Unit: metric.Unit, Models: []separatedScore{}, Texts: []separatedText{}}
	type sums struct{ whole, separated, empty []lorabench.Score }
	at := map[string]int{}
	var all []sums
	for i, t := range texts {
		if ctx.Err() != nil {
			return doc, context.Cause(ctx)
		}
		score := func(text string) lorabench.Score {
			for _, s := range scorer.Score(ctx, answered[i], []lorabench.Output{{Text: text, Stop: lorabench.StopEOS}}) {
				if s.Metric == metric.Name {
					return s
				}
			}
			return lorabench.Score{Metric: metric.Name, Unscored: "no score of this metric"}
		}
		thinking, answer, closed := chat.MarkersIn(t.output).Split("", t.output)
		reasons := thinking != "" || !closed
		if !closed {
			answer = ""
		}
		k, seen := at[t.model]
		if !seen {
			k = len(doc.Models)
			at[t.model] = k
			doc.Models, all = append(doc.Models, separatedScore{Model: t.model}), append(all, sums{})
		}
		m := &doc.Models[k]
		m.N++
		whole, empty := score(t.output), score("")
		separated := whole
		if reasons {
			m.Reasoning++
			separated = score(answer)
		}
		line := separatedText{ID: t.id, Model: t.model, Whole: scoreValue(whole), Separated: scoreValue(separated), Answer: answer}
		if reasons && !closed {
			var reason string
			switch {
			case t.stop == lorabench.StopLength:
				m.Cut++
				reason = reasonCut
			case t.partly:
				m.Stored++
				reason = reasonStored
			default:
				m.NoAnswer++
				reason = reasonNoAnswer
			}
			line.Reason = &reason
		}
		doc.Texts = append(doc.Texts, line)
		all[k].whole, all[k].separated, all[k].empty = append(all[k].whole, whole), append(all[k].separated, separated), append(all[k].empty, empty)
	}
	for k := range doc.Models {
		mean := func(scores []lorabench.Score) *float64 {
			if value, _, ok := scorers.Aggregate(metric, scores); ok {
				return &value
			}
			return nil
		}
		doc.Models[k].Whole, doc.Models[k].Separated, doc.Models[k].Empty = mean(all[k].whole), mean(all[k].separated), mean(all[k].empty)
	}
	return doc, nil
}

func scoreValue(s lorabench.Score) *float64 {
	if !s.Valued() {
		return nil
	}
	return &s.Value
}

// printThinking writes doc for people.
func printThinking(w io.Writer, doc thinkingDocument) error {
	fmt.Fprintf(w, "%s: %s, with and without the reasoning in the texts\n\n", oneLine(doc.Task), doc.Metric)
	number := func(x *float64) string {
		if x == nil {
			return "–"
		}
		return strconv.FormatFloat(*x, 'f', 4, 64)
	}
	var rows [][]string
	stored, cut, none := 0, 0, 0
	for _, m := range doc.Models {
		name := m.Model
		if name == "" {
			name = "(not said)"
		}
		separated := number(m.Separated)
		if m.Stored > 0 {
			separated = "(" + separated + ")"
		}
		rows = append(rows, []string{oneLine(name), strconv.Itoa(m.N), number(m.Whole), separated, number(m.Empty),
			strconv.Itoa(m.Reasoning), strconv.Itoa(m.NoAnswer), strconv.Itoa(m.Cut), strconv.Itoa(m.Stored)})
		stored, cut, none = stored+m.Stored, cut+m.Cut, none+m.NoAnswer
	}
	if err := table(w, []string{"MODEL", "N", "WHOLE TEXT", "ANSWER ALONE", "EMPTY TEXT", "REASON", "NO ANSWER", "TOKEN LIMIT", "NOT STORED"}, rows, 1, 2, 3, 4, 5, 6, 7, 8); err != nil {
		return err
	}
	fmt.Fprintln(w, "\nWHOLE TEXT is how it was published. ANSWER ALONE leaves the reasoning out; a text without an answer scores as the empty text.")
	if stored > 0 {
		fmt.Fprintln(w, "In brackets: of some texts only the reasoning is stored, and they stand as empty too.")
	}
	for _, c := range []struct {
		n    int
		what string
	}{{none, reasonNoAnswer}, {cut, reasonCut}, {stored, reasonStored}} {
		if c.n > 0 {
			fmt.Fprintf(w, "%d × %s\n", c.n, c.what)
		}
	}
	return nil
}
