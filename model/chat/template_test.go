package chat

import (
	"errors"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/ailiance/lorabench/model/chat/jinja"
)

// show is a template that prints what it is given.
const show = `{{ messages|tojson }}|{{ tools|tojson }}|{{ documents|tojson }}|{{ add_generation_prompt }}|{{ bos_token }}|{{ x }}`

func render(t *testing.T, source string, in Input) (string, error) {
	t.Helper()
	template, err := Parse(source)
	if err != nil {
		t.Fatal(err)
	}
	return template.Render(in)
}

func TestRender(t *testing.T) {
	user := Message("user", "Hi")
	reasoning := jinja.NewDict("role", "assistant", "content", nil, "reasoning", "hm")
	for _, tt := range []struct {
		name, source string
		in           Input
		want, err    string
	}{
		{"defaults", show, Input{Messages: []*Dict{user}}, `[{"role": "user", "content": "Hi"}]|null|null|False||`, ""},
		{"everything", show, Input{
			Messages: []*Dict{user}, Tools: []*Dict{}, Documents: []*Dict{jinja.NewDict("title", "T")}, AddGenerationPrompt: true,
			SpecialTokens: map[string]string{"bos_token": "<s>"}, Kwargs: map[string]Value{"x": 1.0},
		}, `[{"role": "user", "content": "Hi"}]|[]|[{"title": "T"}]|True|<s>|1.0`, ""},
		{"keyword arguments go before special tokens", "{{ bos_token }}", Input{
			Messages: []*Dict{user}, SpecialTokens: map[string]string{"bos_token": "<s>"}, Kwargs: map[string]Value{"bos_token": "B"},
		}, "B", ""},
		{"None is left out, reasoning has all its names", "{{ messages|tojson }}", Input{Messages: []*Dict{reasoning}},
			`[{"thinking": "hm", "role": "assistant", "reasoning": "hm", "reasoning_content": "hm"}]`, ""},
		{"no messages", show, Input{}, "", "no messages"},
		{"field as keyword argument", show, Input{Messages: []*Dict{user}, Kwargs: map[string]Value{"tools": nil}}, "", `"tools" is no keyword argument`},
		{"value of Go", show, Input{Messages: []*Dict{user}, Kwargs: map[string]Value{"x": []string{"a"}}}, "", "an input is a []string"},
		{"raised", "\n\n{{ raise_exception('Only users.') }}", Input{Messages: []*Dict{user}}, "", "line 3: TemplateError: Only users."},
		{"date not given", "{{ strftime_now('%Y') }}", Input{Messages: []*Dict{user}}, "", "asks for the date"},
		{"date", "{{ strftime_now('%d %b %Y') }}", Input{Messages: []*Dict{user}, Now: noon}, "25 Nov 2026", ""},
	} {
		got, err := render(t, tt.source, tt.in)
		if got != tt.want || (err == nil) != (tt.err == "") || err != nil && !strings.Contains(err.Error(), tt.err) {
			t.Errorf("%s: got %q, %v, want %q, %s", tt.name, got, err, tt.want, tt.err)
		}
	}
	if user.Len() != 2 || reasoning.Len() != 3 {
		t.Error("Render changed a message")
	}
}

func TestContinueFinalMessage(t *testing.T) {
	const plain = "{% for m in messages %}<{{ m.content }}>{% endfor %}"
	const trims = "{% for m in messages %}<{{ m.content|trim }}>{% endfor %}"
	parts := jinja.NewDict("role", "assistant", "content", &jinja.List{Items: []Value{
		jinja.NewDict("type", "text", "text", "a"), jinja.NewDict("type", "image"),
	}})
	for _, tt := range []struct {
		name, source string
		last         *Dict
		prompt       bool
		want, err    string
	}{
		{"as it is", plain, Message("assistant", "One, "), false, "<Q><One, ", ""},
		{"trimmed", trims, Message("assistant", "One, "), false, "<Q><One,", ""},
		{"parts", "{{ messages[-1].content[0].text }}>", parts, false, "a", ""},
		{"no content", plain, jinja.NewDict("role", "assistant"), false, "", "no content"},
		{"number", plain, jinja.NewDict("content", int64(1)), false, "", "int64"},
		{"dropped", "{{ messages[0].content }}", Message("assistant", "One"), false, "", "does not appear"},
		{"with a prompt", plain, Message("assistant", "One"), true, "", "AddGenerationPrompt"},
	} {
		got, err := render(t, tt.source, Input{
			Messages: []*Dict{Message("user", "Q"), tt.last}, ContinueFinalMessage: true, AddGenerationPrompt: tt.prompt,
		})
		if got != tt.want || (err == nil) != (tt.err == "") || err != nil && !strings.Contains(err.Error(), tt.err) {
			t.Errorf("%s: got %q, %v, want %q, %s", tt.name, got, err, tt.want, tt.err)
		}
	}
}

func TestParseError(t *testing.T) {
	_, err := Parse("a\nb {% for %}")
	var e *jinja.Error
	if !errors.As(err, &e) || e.Line != 2 || e.Class != jinja.SyntaxError {
		t.Errorf("Parse: got %v, want a syntax error in line 2", err)
	}
}

func TestHash(t *testing.T) {
	template, err := Parse("x")
	if err != nil {
		t.Fatal(err)
	}
	if got, want := template.Hash(), "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881"; got != want {
		t.Errorf("Hash() = %s, want %s", got, want)
	}
}

func TestLoad(t *testing.T) {
	file := func(s string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(s)} }
	const one = `{"chat_template": "config", "bos_token": "<s>", "eos_token": {"content": "</s>", "lstrip": false}, "pad_token": null}`
	const list = `{"chat_template": [{"name": "default", "template": "D"}, {"name": "tool_use", "template": "T"}, {"name": "rag", "template": "R"}]}`
	for _, tt := range []struct {
		name      string
		files     fstest.MapFS
		pick      string
		tools     bool
		want, err string
	}{
		{"config", fstest.MapFS{"tokenizer_config.json": file(one)}, "", false, "config", ""},
		{"file goes first", fstest.MapFS{"tokenizer_config.json": file(one), "chat_template.jinja": file("file")}, "", false, "file", ""},
		{"file only", fstest.MapFS{"chat_template.jinja": file("file")}, "", true, "file", ""},
		{"list", fstest.MapFS{"tokenizer_config.json": file(list)}, "", false, "D", ""},
		{"list, tools", fstest.MapFS{"tokenizer_config.json": file(list)}, "", true, "T", ""},
		{"list, by name", fstest.MapFS{"tokenizer_config.json": file(list)}, "rag", true, "R", ""},
		{"more files", fstest.MapFS{"chat_template.jinja": file("D"), "additional_chat_templates/tool_use.jinja": file("T")}, "", true, "T", ""},
		{"no default", fstest.MapFS{"additional_chat_templates/rag.jinja": file("R")}, "", false, "", `no chat template "default", only: rag`},
		{"unknown name", fstest.MapFS{"tokenizer_config.json": file(list)}, "x", false, "", "only: default, rag, tool_use"},
		{"none", fstest.MapFS{}, "", false, "", "no chat template"},
		{"bad list", fstest.MapFS{"tokenizer_config.json": file(`{"chat_template": [{"name": "x"}]}`)}, "", false, "", "template is missing"},
		{"bad type", fstest.MapFS{"tokenizer_config.json": file(`{"chat_template": 1}`)}, "", false, "", "want a text, or a list"},
		{"bad token", fstest.MapFS{"tokenizer_config.json": file(`{"eos_token": 1}`)}, "", false, "", "eos_token"},
		{"no JSON", fstest.MapFS{"tokenizer_config.json": file(`{`)}, "", false, "", "tokenizer_config.json"},
	} {
		got := ""
		s, err := Load(tt.files)
		if err == nil {
			got, err = s.Select(tt.pick, tt.tools)
		}
		if got != tt.want || (err == nil) != (tt.err == "") || err != nil && !strings.Contains(err.Error(), tt.err) {
			t.Errorf("%s: got %q, %v, want %q, %s", tt.name, got, err, tt.want, tt.err)
		}
	}
	s, err := Load(fstest.MapFS{"tokenizer_config.json": file(one)})
	if err != nil || len(s.SpecialTokens) != 2 || s.SpecialTokens["bos_token"] != "<s>" || s.SpecialTokens["eos_token"] != "</s>" {
		t.Errorf("Load: special tokens %q, %v, want <s> and </s>", s.SpecialTokens, err)
	}
}
