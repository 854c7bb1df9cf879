package model

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"time"

	"github.com/ailiance/lorabench/model/chat"
	"github.com/ailiance/lorabench/model/chat/jinja"
	"github.com/ailiance/lorabench/model/checkpoint"
)

// Chat is how a checkpoint writes conversations: its own template, and the
// markers around its reasoning (law 6).
type Chat struct {
	template *chat.Template
	special  map[string]string
	markers  chat.Markers
	source   string
}

// Turn is a message of a conversation.
type Turn struct{ Role, Content string }

// Thinking says whether a model is asked to reason before it answers.
type Thinking string

// ThinkingAuto leaves it to the template; the others set the switches that
// templates know (enable_thinking and its like).
const (
	ThinkingAuto Thinking = "auto"
	ThinkingOn   Thinking = "on"
	ThinkingOff  Thinking = "off"
)

// Chat returns the checkpoint's chat template, or nil where it has none. One that
// cannot be read is an error.
func (e *Engine) Chat() (*Chat, error) {
	return newChat(e.templates, e.tokenizer)
}

// ReadChat reads the chat template of a checkpoint, in dir as OpenFS wants it,
// and leaves the weights alone. It is nil where there is none.
func ReadChat(dir fs.FS, name string) (*Chat, error) {
	if name == "." {
		sources, err := chat.Load(dir)
		if err != nil {
			return nil, err
		}
		t, err := tokenizerOf(dir)
		if err != nil {
			return nil, err
		}
		return newChat(sources, t)
	}
	src, err := checkpoint.OpenGGUF(dir, name)
	if err != nil {
		return nil, err
	}
	defer src.Close()
	sources, err := templatesOfGGUF(src)
	if err != nil {
		return nil, err
	}
	t, err := tokenizerOfGGUF(src)
	if err != nil {
		return nil, err
	}
	return newChat(sources, t)
}

func newChat(s chat.Sources, t Tokenizer) (*Chat, error) {
	if len(s.Templates) == 0 {
		return nil, nil
	}
	source, err := s.Select("", false)
	if err != nil {
		return nil, err
	}
	c := &Chat{source: source, special: s.SpecialTokens}
	if c.template, err = chat.Parse(source); err != nil {
		return nil, err
	}
	var added []string
	if t != nil {
		added = t.AddedTokens()
	}
	c.markers = c.template.Thinking(chat.Input{SpecialTokens: s.SpecialTokens, Now: someDay}, added)
	return c, nil
}

// someDay is the date of the conversations that are rendered to learn about the
// template.
var someDay = time.Date(2024, 7, 26, 0, 0, 0, 0, time.UTC)

// ErrTemplateRefuses is the error of a conversation that the template does not
// take: many have no place for a system message.
var ErrTemplateRefuses = errors.New("the chat template refuses the conversation")

// refusals are the errors of jinja2 that are TemplateErrors, Python's others
// aside.
var refusals = map[string]bool{jinja.RaisedError: true, jinja.SecurityError: true, "UndefinedError": true, "TemplateRuntimeError": true}

// Prompt renders a conversation up to where the answer begins. It has the
// special tokens that the template writes: encode it without adding others. now
// is for templates that tell the date; the zero time is an error for them. The
// error may be ErrTemplateRefuses.
func (c *Chat) Prompt(turns []Turn, thinking Thinking, now time.Time) (string, error) {
	in := chat.Input{SpecialTokens: c.special, AddGenerationPrompt: true, Now: now}
	for _, t := range turns {
		in.Messages = append(in.Messages, chat.Message(t.Role, t.Content))
	}
	switch thinking {
	case ThinkingAuto, "":
	case ThinkingOn, ThinkingOff:
		in.Kwargs = chat.Switches(thinking == ThinkingOn)
	default:
		return "", fmt.Errorf("thinking %.20q, want auto, on or off", string(thinking))
	}
	text, err := c.template.Render(in)
	if raised, is := errors.AsType[*jinja.Error](err); is && refusals[raised.Class] {
		err = fmt.Errorf("%w: %w", ErrTemplateRefuses, err)
	}
	return text, err
}

// HasSwitch reports whether prompts differ with thinking on and off.
func (c *Chat) HasSwitch() bool {
	turns := []Turn{{Role: "user", Content: "Hello"}}
	on, errOn := c.Prompt(turns, ThinkingOn, someDay)
	off, errOff := c.Prompt(turns, ThinkingOff, someDay)
	return errOn == nil && errOff == nil && on != off
}

// TellsDate reports whether the template asks for the date.
func (c *Chat) TellsDate() bool { return strings.Contains(c.source, "strftime_now") }

// SpecialTokens are those that the template names, in the order of their names:
// bos_token="<s>". They come from other files than the template.
func (c *Chat) SpecialTokens() []string {
	var named []string
	for name, token := range c.special {
		if strings.Contains(c.source, name) {
			named = append(named, fmt.Sprintf("%s=%q", name, token))
		}
	}
	slices.Sort(named)
	return named
}

// Split divides an output, decoded with its special tokens, into reasoning and
// answer. answered is false where it ended before the answer began: there is no
// answer then, whatever was written.
func (c *Chat) Split(prompt, output string) (thinking, answer string, answered bool) {
	return c.markers.Split(prompt, output)
}

// Markers are what the model writes around its reasoning, "" for nothing.
func (c *Chat) Markers() (begin, end string) { return c.markers.Begin, c.markers.End }

// Identity is the hash of the template's source, "sha256:…".
func (c *Chat) Identity() string { return "sha256:" + c.template.Hash() }

// templatesOfGGUF are the templates in the metadata of a GGUF file.
func templatesOfGGUF(src *checkpoint.GGUF) (chat.Sources, error) {
	s := chat.Sources{Templates: map[string]string{}, SpecialTokens: map[string]string{}}
	r := ggufReader{src: src}
	for _, key := range src.Keys() {
		if rest, ok := strings.CutPrefix(key, ggufChatTemplate); ok {
			switch name, named := strings.CutPrefix(rest, "."); {
			case rest == "":
				s.Templates["default"] = optional(&r, key, "", src.String)
			case named:
				s.Templates[name] = optional(&r, key, "", src.String)
			}
		}
	}
	tokens := optional(&r, "tokenizer.ggml.tokens", nil, src.Strings)
	for name, key := range map[string]string{
		"bos_token": "bos", "eos_token": "eos", "unk_token": "unknown", "sep_token": "seperator", "pad_token": "padding",
	} {
		if id := optional(&r, "tokenizer.ggml."+key+"_token_id", -1, src.Int); id >= 0 && id < len(tokens) {
			s.SpecialTokens[name] = tokens[id]
		}
	}
	return s, r.err
}
