package model

import (
	"fmt"
	"slices"
	"strings"
)

// accept takes the logits' verdict at one position of s.
func (e *Engine) accept(s *sequence, position int, v verdict) {
	r := &s.result
	if !v.finite && r.Err == nil {
		r.Err = fmt.Errorf("position %d: %w", position, ErrNotFinite)
	}
	if r.Err != nil {
		return
	}
	if s.generates() {
		e.append(s, v)
		return
	}
	r.LogProbs = append(r.LogProbs, v.logProb)
	if v.best != v.token {
		r.Greedy = false
	}
}

// append adds a generated token, or ends the generation.
func (e *Engine) append(s *sequence, v verdict) {
	if !s.job.IgnoreEOS && slices.Contains(e.eos, v.token) {
		s.finish(StopEOS)
		return
	}
	r := &s.result
	r.New = append(r.New, v.token)
	r.NewLogProbs = append(r.NewLogProbs, v.logProb)
	if s.write(s.stream.Push(v.token)) {
		return
	}
	switch {
	case len(r.New) == s.job.MaxNewTokens:
		s.finish(StopLength)
		return
	case len(s.inputs) == e.config.MaxPositionEmbeddings:
		s.finish(StopContext)
		return
	}
	e.place(s, v.token)
	s.inputs = append(s.inputs, v.token)
}

// write adds text and reports whether a stop string ended it.
func (s *sequence) write(text string) bool {
	searched := s.text.Len()
	s.text.WriteString(text)
	whole, found := cutAtStop(s.text.String(), searched, s.job.Until)
	if found && s.job.Answer != nil {
		whole = s.text.String()
		_, found = cutAtStop(s.job.Answer(whole), 0, s.job.Until)
	}
	if found {
		s.result.Text, s.result.Stop = whole, StopString
	}
	return found
}

// finish ends a generation with what waited for more, where no stop string
// appears in that.
func (s *sequence) finish(stop StopReason) {
	if !s.write(s.stream.Flush()) {
		s.result.Text, s.result.Stop = s.text.String(), stop
	}
}

// Written is the text of a generation so far, as much of it as is certain to begin
// its Result's Text: without a character that is not complete, and without an end
// that a stop string may begin with. It is "" for a job that is not running.
func (e *Engine) Written(id int) string {
	for _, s := range e.active {
		if s.job.ID == id {
			text := s.text.String()
			return text[:len(text)-pendingStop(text, s.job.Until)]
		}
	}
	return ""
}

// pendingStop is how many bytes at the end of text may be the beginning of a stop
// string.
func pendingStop(text string, until []string) int {
	most := 0
	for _, stop := range until {
		for n := min(len(stop)-1, len(text)); n > most; n-- {
			if strings.HasSuffix(text, stop[:n]) {
				most = n
			}
		}
	}
	return most
}

// cutAtStop cuts text before the earliest stop string, where one ends after
// the first searched bytes.
func cutAtStop(text string, searched int, until []string) (string, bool) {
	first := -1
	for _, stop := range until {
		if stop == "" {
			continue
		}
		from := max(0, searched-len(stop)+1)
		if i := strings.Index(text[from:], stop); i >= 0 && (first < 0 || from+i < first) {
			first = from + i
		}
	}
	if first < 0 {
		return text, false
	}
	return text[:first], true
}
