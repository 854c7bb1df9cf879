package chat

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/ailiance/lorabench/model/chat/jinja"
)

// Value is what templates compute with; see jinja.Value. DecodeJSON makes one.
type Value = jinja.Value

// Dict is a mapping that keeps its order: a message, a tool, a document.
type Dict = jinja.Dict

// Template is a parsed chat template. It does not change, so any number of
// goroutines may use it.
type Template struct {
	source string
	parsed *jinja.Template
}

// Parse reads the source of a template. The error wraps a *jinja.Error, which
// has the line.
func Parse(source string) (*Template, error) {
	parsed, err := jinja.Parse(source)
	if err != nil {
		return nil, fmt.Errorf("parse chat template: %w", err)
	}
	return &Template{source, parsed}, nil
}

// Hash is the template's identity: the SHA-256 of its source, in hexadecimal.
func (t *Template) Hash() string {
	sum := sha256.Sum256([]byte(t.source))
	return hex.EncodeToString(sum[:])
}

// DecodeJSON reads a value; see jinja.DecodeJSON.
func DecodeJSON(data []byte) (Value, error) { return jinja.DecodeJSON(data) }

// Message makes a message of text.
func Message(role, content string) *Dict { return jinja.NewDict("role", role, "content", content) }

// Input is a conversation and what a template may want to know besides. Nothing
// in it is changed.
type Input struct {
	Messages  []*Dict
	Tools     []*Dict // JSON schemas; nil: none, which differs from an empty list
	Documents []*Dict // with title and text; nil: none

	AddGenerationPrompt  bool // ends with the header of the answer to come
	ContinueFinalMessage bool // ends inside the last message, for the model to go on with

	Kwargs        map[string]Value  // enable_thinking and other switches of the template
	SpecialTokens map[string]string // bos_token, eos_token, ...; Kwargs go before them

	// Now is what the template takes for the current date. A template that asks
	// for it fails where Now is zero: no prompt depends on the day unasked.
	Now time.Time
}

// reasoningFields are the names that a message's reasoning goes by; what one of
// them holds is passed under the first two, as transformers does.
var reasoningFields = []string{"reasoning_content", "thinking", "reasoning"}

const continueTag = "CONTINUE_FINAL_MESSAGE_TAG "

// Render returns the prompt. The error says what the input lacks, or wraps a
// *jinja.Error: the template refuses the conversation (class
// jinja.RaisedError), or cannot be evaluated.
func (t *Template) Render(in Input) (string, error) {
	vars, err := in.variables()
	if err != nil {
		return "", fmt.Errorf("render chat template: %w", err)
	}
	messages := in.messages()
	final := ""
	if in.ContinueFinalMessage {
		if final, err = t.tagFinal(messages, in.AddGenerationPrompt); err != nil {
			return "", fmt.Errorf("render chat template: %w", err)
		}
	}
	vars["messages"] = list(messages)
	text, err := t.parsed.Render(vars, in.Now)
	if err != nil {
		return "", fmt.Errorf("render chat template: %w", err)
	}
	if !in.ContinueFinalMessage {
		return text, nil
	}
	return cutAtTag(text, final)
}

func list(dicts []*Dict) *jinja.List {
	l := &jinja.List{}
	for _, d := range dicts {
		l.Items = append(l.Items, d)
	}
	return l
}

func (in Input) variables() (map[string]Value, error) {
	if len(in.Messages) == 0 {
		return nil, errors.New("no messages")
	}
	for kind, dicts := range map[string][]*Dict{"message": in.Messages, "tool": in.Tools, "document": in.Documents} {
		if i := slices.Index(dicts, nil); i >= 0 {
			return nil, fmt.Errorf("%s %d is nil", kind, i)
		}
	}
	vars := map[string]Value{}
	for name, token := range in.SpecialTokens {
		vars[name] = token
	}
	for name, v := range in.Kwargs {
		switch name {
		case "messages", "tools", "documents", "add_generation_prompt":
			return nil, fmt.Errorf("%q is no keyword argument: set the field of Input", name)
		}
		vars[name] = v
	}
	vars["tools"], vars["documents"] = nil, nil
	if in.Tools != nil {
		vars["tools"] = list(in.Tools)
	}
	if in.Documents != nil {
		vars["documents"] = list(in.Documents)
	}
	vars["add_generation_prompt"] = in.AddGenerationPrompt
	return vars, nil
}

// messages are copies of the messages as transformers hands them on: without the
// keys that hold None, and with reasoning under both of its usual names.
func (in Input) messages() []*Dict {
	var messages []*Dict
	for _, m := range in.Messages {
		reasoning := Value(nil)
		for _, field := range reasoningFields {
			if v, _ := m.Get(field); v != nil {
				reasoning = v
				break
			}
		}
		out := &Dict{}
		if reasoning != nil {
			out.Set("thinking", reasoning)
		}
		for key, v := range m.All {
			if v != nil {
				out.Set(key, v)
			}
		}
		if reasoning != nil {
			out.Set("reasoning_content", reasoning)
		}
		messages = append(messages, out)
	}
	return messages
}

// tagFinal puts continueTag at the end of the last message, and returns that
// message's text without it.
func (t *Template) tagFinal(messages []*Dict, prompt bool) (string, error) {
	if prompt {
		return "", errors.New("the final message cannot be continued and a new one begun (AddGenerationPrompt)")
	}
	last := messages[len(messages)-1]
	content, _ := last.Get("content")
	switch c := content.(type) {
	case nil:
		return "", errors.New("the final message has no content to continue")
	case string:
		last.Set("content", c+continueTag)
		return c, nil
	case *jinja.List:
		tagged, text, ok := tagParts(c)
		if !ok {
			return "", errors.New("the final message has no text to continue")
		}
		last.Set("content", tagged)
		return text, nil
	}
	return "", fmt.Errorf("the content of the final message is a %T: want text to continue", content)
}

// tagParts tags the last part that has a text.
func tagParts(parts *jinja.List) (tagged *jinja.List, text string, ok bool) {
	items := slices.Clone(parts.Items)
	for i := len(items) - 1; i >= 0; i-- {
		part, _ := items[i].(*Dict)
		if part == nil {
			continue
		}
		v, _ := part.Get("text")
		if text, ok = v.(string); !ok {
			continue
		}
		replaced := &Dict{}
		for key, v := range part.All {
			replaced.Set(key, v)
		}
		replaced.Set("text", text+continueTag)
		items[i] = replaced
		return &jinja.List{Items: items}, text, true
	}
	return nil, "", false
}

// cutAtTag ends the prompt where the final message ended.
func cutAtTag(text, final string) (string, error) {
	tag := strings.TrimSpace(continueTag)
	at := strings.LastIndex(text, tag)
	if at < 0 || !strings.Contains(text, strings.TrimFunc(final, unicode.IsSpace)) {
		return "", errors.New("render chat template: the final message does not appear in the prompt, so it cannot be continued")
	}
	if strings.HasPrefix(text[at:], continueTag) {
		return text[:at], nil
	}
	return strings.TrimRightFunc(text[:at], unicode.IsSpace), nil // the template has trimmed the message
}
