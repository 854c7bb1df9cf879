package model

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/ailiance/lorabench/model/chat"
)

// TestChat renders a conversation with the template of a directory, and tells
// the answer from the reasoning.
func TestChat(t *testing.T) {
	const template = `{{ bos_token }}{% for m in messages %}<|{{ m.role }}|>{% if m.reasoning_content %}<think>{{ m.reasoning_content }}</think>{% endif %}{{ m.content }}
{% endfor %}{% if add_generation_prompt %}<|assistant|>{% if enable_thinking is defined and not enable_thinking %}<think></think>{% endif %}{% endif %}`
	sources, err := chat.Load(fstest.MapFS{
		"chat_template.jinja":   {Data: []byte(template)},
		"tokenizer_config.json": {Data: []byte(`{"bos_token":"<s>","chat_template":"not this one"}`)},
	})
	if err != nil {
		t.Fatal(err)
	}
	e := &Engine{templates: sources, tokenizer: letters{}}
	c, err := e.Chat()
	if err != nil {
		t.Fatal(err)
	}
	turns := []Turn{{"system", "Be brief."}, {"user", "Hi"}}
	for thinking, tail := range map[Thinking]string{ThinkingAuto: "<|assistant|>", ThinkingOn: "<|assistant|>", ThinkingOff: "<|assistant|><think></think>"} {
		got, err := c.Prompt(turns, thinking, time.Time{})
		if want := "<s><|system|>Be brief.\n<|user|>Hi\n" + tail; err != nil || got != want {
			t.Errorf("%s: %q, %v, want %q", thinking, got, err, want)
		}
	}
	if begin, end := c.Markers(); begin != "<think>" || end != "</think>" {
		t.Errorf("markers %q and %q", begin, end)
	}
	for _, tt := range []struct {
		output, thinking, answer string
		answered                 bool
	}{
		{"<think>2+2</think>4", "2+2", "4", true},
		{"4", "", "4", true},
		{"<think>2+2 is", "2+2 is", "", false},
	} {
		thinking, answer, answered := c.Split("<|assistant|>", tt.output)
		if strings.TrimSpace(thinking) != tt.thinking || answer != tt.answer || answered != tt.answered {
			t.Errorf("%q: %q, %q, %t", tt.output, thinking, answer, answered)
		}
	}
	if _, err := c.Prompt(turns, "perhaps", time.Time{}); err == nil {
		t.Error("thinking perhaps")
	}
	if none, err := (&Engine{}).Chat(); none != nil || err != nil {
		t.Errorf("without a template: %v, %v", none, err)
	}
	broken := &Engine{templates: chat.Sources{Templates: map[string]string{"default": "{% for %}"}}}
	if _, err := broken.Chat(); err == nil {
		t.Error("a broken template is read")
	}
}

// TestReadChat reads the template alone, and what prompts depend on besides.
func TestReadChat(t *testing.T) {
	for _, tt := range []struct {
		template, says string // of the refusal of a system message
		isSwitch, date bool
		tokens         []string
	}{
		{template: "{{ messages[0].content }}"},
		{template: "{{ bos_token }}{{ messages[0].content }}", tokens: []string{`bos_token="<s>"`}},
		{template: "{{ messages[0].content }}{{ strftime_now('%Y') }}", date: true},
		{template: "{{ messages[0].content }}{{ enable_thinking }}", isSwitch: true},
		{template: "{% if messages[0].role == 'system' %}{{ raise_exception('no system') }}{% endif %}", says: "no system"},
		{template: "{% if messages[0].role == 'system' %}{{ messages[0].content.nothing.more }}{% endif %}", says: "UndefinedError"},
	} {
		c, err := ReadChat(fstest.MapFS{
			"chat_template.jinja":   {Data: []byte(tt.template)},
			"tokenizer_config.json": {Data: []byte(`{"bos_token":"<s>","eos_token":"</s>"}`)},
		}, ".")
		if err != nil {
			t.Fatal(err)
		}
		if c.HasSwitch() != tt.isSwitch || c.TellsDate() != tt.date || !slices.Equal(c.SpecialTokens(), tt.tokens) {
			t.Errorf("%s: switch %t, date %t, tokens %q", tt.template, c.HasSwitch(), c.TellsDate(), c.SpecialTokens())
		}
		_, err = c.Prompt([]Turn{{"system", "Be brief."}}, ThinkingAuto, someDay)
		if (tt.says != "") != errors.Is(err, ErrTemplateRefuses) || tt.says != "" && !strings.Contains(err.Error(), tt.says) {
			t.Errorf("%s: %v, want %q", tt.template, err, tt.says)
		}
	}
	if c, err := ReadChat(fstest.MapFS{}, "."); c != nil || err != nil {
		t.Errorf("without a template: %v, %v", c, err)
	}
}
