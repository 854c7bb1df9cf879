package chat_test

import (
	"fmt"
	"log"
	"testing/fstest"

	"github.com/ailiance/lorabench/model/chat"
)

const source = `{%- for m in messages -%}
<|im_start|>{{ m.role }}
{% if m.reasoning_content %}<think>
{{ m.reasoning_content }}
</think>

{% endif %}{{ m.content }}<|im_end|>
{% endfor %}
{%- if add_generation_prompt %}<|im_start|>assistant
{% if enable_thinking is defined and not enable_thinking %}<think>

</think>

{% endif %}{% endif %}`

// A checkpoint's directory becomes a prompt, and a model's output an answer.
func Example() {
	dir := fstest.MapFS{
		"chat_template.jinja":   {Data: []byte(source)},
		"tokenizer_config.json": {Data: []byte(`{"eos_token": "<|im_end|>"}`)},
	}
	sources, err := chat.Load(dir)
	if err != nil {
		log.Fatal(err)
	}
	selected, err := sources.Select("", false)
	if err != nil {
		log.Fatal(err)
	}
	template, err := chat.Parse(selected)
	if err != nil {
		log.Fatal(err)
	}
	prompt, err := template.Render(chat.Input{
		Messages:            []*chat.Dict{chat.Message("user", "What is 6 × 7?")},
		AddGenerationPrompt: true,
		Kwargs:              map[string]chat.Value{"enable_thinking": true},
		SpecialTokens:       sources.SpecialTokens,
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Print(prompt)

	markers := template.Thinking(chat.Input{SpecialTokens: sources.SpecialTokens}, nil)
	thinking, answer, closed := markers.Split(prompt, "<think>\nSix sevens.\n</think>\n\n42")
	fmt.Printf("%q %q %t\n", thinking, answer, closed)
	_, answer, closed = markers.Split(prompt, "<think>\nSix sevens are 42, but")
	fmt.Printf("%q %t\n", answer, closed)
	// Output:
	// <|im_start|>user
	// What is 6 × 7?<|im_end|>
	// <|im_start|>assistant
	// "Six sevens." "42" true
	// "" false
}
