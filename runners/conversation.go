package runners

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/ailiance/lorabench"
	"github.com/ailiance/lorabench/model"
)

// Chat is how a checkpoint writes conversations; [*model.Chat] is one.
type Chat interface {
	Prompt(turns []model.Turn, thinking model.Thinking, now time.Time) (string, error)
	Split(prompt, output string) (thinking, answer string, answered bool)
	Markers() (begin, end string)
}

// Conversation is how a run asks: with the checkpoint's chat template.
type Conversation struct {
	Chat     Chat
	Thinking model.Thinking
	Date     time.Time // that templates tell, whatever the day is
}

// Render makes prompts of the samples' messages, in place. A template that
// refuses the system message is given the others alone, and refused is why.
//
// Source: lm_eval/models/huggingface.py (apply_chat_template).
func (c *Conversation) Render(samples []lorabench.Sample) (refused, err error) {
	for i := range samples {
		s := &samples[i]
		var last []lorabench.Message
		var text string
		for k := range s.Requests {
			r := &s.Requests[k]
			if r.Messages == nil {
				continue
			}
			if !slices.Equal(r.Messages, last) { // choices share their prompt
				if text, err = c.render(r.Messages, &refused); err != nil {
					return refused, fmt.Errorf("sample %s: %w", s.ID, err)
				}
			}
			last, r.Messages, r.Prompt = r.Messages, nil, text
		}
		if last != nil {
			sum := sha256.Sum256([]byte(s.Requests[0].Prompt))
			s.PromptHash = hex.EncodeToString(sum[:])
		}
	}
	return refused, nil
}

func (c *Conversation) render(messages []lorabench.Message, refused *error) (string, error) {
	turns := make([]model.Turn, len(messages))
	for i, m := range messages {
		turns[i] = model.Turn{Role: m.Role, Content: m.Content}
	}
	text, err := c.Chat.Prompt(turns, c.Thinking, c.Date)
	if errors.Is(err, model.ErrTemplateRefuses) && turns[0].Role == "system" {
		*refused = err
		return c.Chat.Prompt(turns[1:], c.Thinking, c.Date)
	}
	return text, err
}

// reader tells answers from reasoning in what a model writes (law 6).
type reader struct {
	chat    Chat                 // of the checkpoint; nil where it has none
	splits  bool                 // texts were asked for by the template, and may reason
	markers []string             // around reasoning; none: the model has no such channel
	decode  func([]int32) string // with special tokens
	special *strings.Replacer    // takes special tokens out of an answer
}

// newReader makes the reader of a run. What was not asked for by the chat's
// template is left as it is.
func newReader(chat Chat, asked bool, t model.Tokenizer) *reader {
	r := &reader{chat: chat, decode: func(ids []int32) string { return t.Decode(ids, false) }}
	if chat == nil {
		return r
	}
	begin, end := chat.Markers()
	if begin == "" {
		return r
	}
	r.markers, r.splits = []string{begin, end}, asked
	if !asked {
		return r
	}
	var pairs []string
	for _, token := range t.AddedTokens() {
		if ids, err := t.Encode(token, false); err == nil && len(ids) == 1 && t.Decode(ids, true) == "" {
			pairs = append(pairs, token, "")
		}
	}
	r.special = strings.NewReplacer(pairs...)
	return r
}

// split divides a text that was written after prompt. What is not answered has
// no answer. Special tokens do not belong to an answer.
func (r *reader) split(prompt, raw string) (thinking, answer string) {
	thinking, answer, answered := r.chat.Split(prompt, raw)
	if !answered {
		return thinking, ""
	}
	return thinking, r.special.Replace(answer)
}

// answers finds in a text after prompt what stop strings are looked for in; nil
// for all of it.
func (r *reader) answers(prompt string) func(string) string {
	if !r.splits {
		return nil
	}
	return func(raw string) string {
		_, answer := r.split(prompt, raw)
		return answer
	}
}

// read makes an output of what was written after a request's prompt.
func (r *reader) read(asked lorabench.Request, o *lorabench.Output, written model.Result) {
	o.Text, o.Stop = written.Text, lorabench.StopReason(written.Stop)
	if !r.splits {
		return
	}
	o.Thinking, o.Text = r.split(asked.Prompt, written.Text)
	for _, stop := range asked.Until {
		if stop != "" {
			o.Text, _, _ = strings.Cut(o.Text, stop)
		}
	}
}

// marked reports whether a text has markers of reasoning that is not taken out.
func (r *reader) marked(written model.Result) bool {
	if r.splits || len(r.markers) == 0 || len(written.New) == 0 {
		return false
	}
	raw := r.decode(written.New)
	return slices.ContainsFunc(r.markers, func(m string) bool { return m != "" && strings.Contains(raw, m) })
}
