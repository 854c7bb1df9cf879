package model

import (
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
