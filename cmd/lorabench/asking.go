package main

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/spf13/pflag"

	"github.com/ailiance/lorabench"
	"github.com/ailiance/lorabench/model"
	"github.com/ailiance/lorabench/runners"
	"github.com/ailiance/lorabench/tasks"
)

// Values of --chat-template.
const (
	noTemplate   = "none"
	autoTemplate = "auto"
)

// chatDate is the day that templates tell: a prompt does not depend on when it is
// asked. It is what Llama 3's template says where nobody tells it the date.
const chatDate = "2024-07-26"

// asking is how a model is asked: as a text, or in a conversation.
type asking struct {
	ChatTemplate       string `json:"chat_template"` // none, or auto: the checkpoint's
	FewshotAsMultiturn bool   `json:"fewshot_as_multiturn"`
	SystemInstruction  string `json:"system_instruction"`
	Thinking           string `json:"thinking"`  // auto, on, off: the template's switch
	ChatDate           string `json:"chat_date"` // that the template tells: 2024-07-26
}

func defaultAsking() asking {
	return asking{ChatTemplate: noTemplate, FewshotAsMultiturn: true, Thinking: string(model.ThinkingAuto), ChatDate: chatDate}
}

func (a *asking) flags(f *pflag.FlagSet) {
	f.Var(&choiceFlag{&a.ChatTemplate, []string{noTemplate, autoTemplate}}, "chat-template", "none, or auto: ask in a conversation, by the checkpoint's own template; reasoning is then no part of the answer")
	f.Var(&multiturnFlag{&a.FewshotAsMultiturn}, "fewshot-as-multiturn", "with a chat template each example is a turn of the user and one of the assistant; =false: all stands in the user's message")
	f.Lookup("fewshot-as-multiturn").NoOptDefVal = "true"
	f.StringVar(&a.SystemInstruction, "system-instruction", a.SystemInstruction, "in front of all: the system message of a conversation, else the beginning of each prompt")
	f.Var(&choiceFlag{&a.Thinking, []string{string(model.ThinkingAuto), string(model.ThinkingOn), string(model.ThinkingOff)}}, "thinking", "auto, on or off: what a chat template that has a switch for reasoning is told")
	f.StringVar(&a.ChatDate, "chat-date", a.ChatDate, "day that a chat template tells the model, whatever the day is")
}

// multiturnFlag is the value of --fewshot-as-multiturn, of which yes is the
// default.
type multiturnFlag struct{ value *bool }

func (m *multiturnFlag) String() string { return strconv.FormatBool(*m.value) }
func (m *multiturnFlag) Type() string   { return "true|false" }
func (m *multiturnFlag) Set(text string) (err error) {
	*m.value, err = strconv.ParseBool(text)
	return err
}

// check refuses what means nothing without a chat template. f has the flags that
// were given.
func (a *asking) check(f *pflag.FlagSet) error {
	if a.ChatTemplate != noTemplate {
		return nil
	}
	for _, flag := range []struct {
		name  string
		means bool // more than its default
	}{
		{"fewshot-as-multiturn", a.FewshotAsMultiturn}, {"thinking", a.Thinking != string(model.ThinkingAuto)}, {"chat-date", a.ChatDate != chatDate},
	} {
		if flag.means && f.Changed(flag.name) {
			return usagef("--%s goes with --chat-template auto", flag.name)
		}
	}
	return nil
}

// validate reports what cannot be meant, and takes back what does not count.
func (a *asking) validate() error {
	if !utf8.ValidString(a.SystemInstruction) {
		return usagef("--system-instruction is not UTF-8")
	}
	a.resolve()
	if a.ChatDate == "" {
		return nil
	}
	if _, err := time.Parse(time.DateOnly, a.ChatDate); err != nil {
		return usagef("--chat-date %q: want a day, as in %s", a.ChatDate, chatDate)
	}
	return nil
}

// resolve clears what does not count without a chat template, so that equal ways
// to ask are equal.
func (a *asking) resolve() {
	if a.ChatTemplate == noTemplate {
		a.FewshotAsMultiturn, a.Thinking, a.ChatDate = false, string(model.ThinkingAuto), ""
	}
}

// conversation is what tasks make.
func (a *asking) conversation() tasks.Conversation {
	switch {
	case a.ChatTemplate == noTemplate:
		return tasks.NoConversation
	case a.FewshotAsMultiturn:
		return tasks.Multiturn
	}
	return tasks.OneTurn
}

// chatInfo is the template that a run used, and the reasoning that it knows of.
type chatInfo struct {
	Template string   `json:"template"`       // sha256 of its source
	Begin    string   `json:"thinking_begin"` // "": the model has no reasoning channel
	End      string   `json:"thinking_end"`
	Notes    []string `json:"notes"` // what a reader of the numbers must know
}

var errNoTemplate = errors.New("--chat-template auto: the checkpoint has no chat template")

// converse prepares a checkpoint's template for what is asked; c may be nil.
func (a *asking) converse(c *model.Chat) (*runners.Conversation, []string, error) {
	if c == nil {
		return nil, nil, errNoTemplate
	}
	date, err := time.Parse(time.DateOnly, a.ChatDate)
	if err != nil {
		return nil, nil, err // validate has seen it
	}
	var notes []string
	begin, _ := c.Markers()
	if a.Thinking != string(model.ThinkingAuto) && !c.HasSwitch() {
		if begin != "" || a.Thinking == string(model.ThinkingOn) {
			return nil, nil, usagef("--thinking %s: the chat template has no switch for it (enable_thinking, thinking, reasoning)", a.Thinking)
		}
		notes = append(notes, "--thinking off changes nothing: the chat template knows of no reasoning")
	}
	return &runners.Conversation{Chat: c, Thinking: model.Thinking(a.Thinking), Date: date}, notes, nil
}

// template names by content what makes prompts of messages: the template's
// source, and what else it writes.
func (a *asking) template(c *model.Chat) string {
	parts := append([]string{c.Identity()}, c.SpecialTokens()...)
	if a.Thinking != string(model.ThinkingAuto) {
		parts = append(parts, "thinking="+a.Thinking)
	}
	if c.TellsDate() {
		parts = append(parts, "date="+a.ChatDate)
	}
	return strings.Join(parts, " ")
}

// render makes prompts of a task's messages and returns what there is to say.
func render(c *runners.Conversation, t *lorabench.Task) (notes []string, err error) {
	refused, err := c.Render(t.Samples)
	if err != nil {
		return nil, fmt.Errorf("task %s: %w", t.Name, err)
	}
	if refused != nil {
		notes = append(notes, fmt.Sprintf("%s: the chat template refuses a system message: the prompts have none, as in lm-eval (%v)", t.Name, refused))
	}
	if i := slices.IndexFunc(t.Samples, func(s lorabench.Sample) bool { return s.Requests[0].Kind == lorabench.LogLikelihood }); i >= 0 {
		if _, _, answers := c.Chat.Split(t.Samples[i].Requests[0].Prompt, ""); !answers {
			notes = append(notes, t.Name+": the chat template begins to reason before the choices, which are scored as reasoning (--thinking off, where the template has the switch)")
		}
	}
	return notes, nil
}

// asks reports whether a task's samples are conversations.
func asks(t *lorabench.Task) bool {
	return slices.ContainsFunc(t.Samples, func(s lorabench.Sample) bool { return s.Requests[0].Messages != nil })
}
