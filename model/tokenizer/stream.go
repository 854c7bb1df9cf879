package tokenizer

import "strings"

// Stream decodes tokens as they come. What it hands out is always valid UTF-8,
// and put together it is what Decode returns: bytes of a character that is not
// complete wait for the rest.
type Stream struct {
	t           *Tokenizer
	skipSpecial bool
	stages      []stage
	nexts       []func(string) // by stage; the last writes to out
	out         strings.Builder
}

// NewStream begins a text. With skipSpecial special tokens are left out.
func (t *Tokenizer) NewStream(skipSpecial bool) *Stream {
	s := &Stream{t: t, skipSpecial: skipSpecial, stages: make([]stage, len(t.decoder)), nexts: make([]func(string), len(t.decoder)+1)}
	for i, step := range t.decoder {
		s.stages[i] = step.begin()
		s.nexts[i] = func(token string) { s.stages[i].push(token, s.nexts[i+1]) }
	}
	s.nexts[len(t.decoder)] = func(text string) { s.out.WriteString(text) }
	return s
}

// Push takes the next token and returns the text that is now certain, which may
// be "". An id that no token has is left out.
func (s *Stream) Push(id int32) string {
	token, ok := s.t.IDToToken(id)
	if !ok || s.skipSpecial && s.t.added.special[token] {
		return ""
	}
	s.nexts[0](token)
	return s.take()
}

// Flush returns what waited for more, and begins a new text.
func (s *Stream) Flush() string {
	for i, stage := range s.stages {
		stage.flush(s.nexts[i+1])
	}
	return s.take()
}

func (s *Stream) take() string {
	text := s.out.String()
	s.out.Reset()
	return text
}
