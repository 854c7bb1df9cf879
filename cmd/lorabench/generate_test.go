package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/ailiance/lorabench/env"
	"github.com/ailiance/lorabench/model"
	"github.com/ailiance/lorabench/model/demo"
)

type generations struct {
	Schema       string         `json:"schema"`
	Sampling     model.Sampling `json:"sampling"`
	MaxNewTokens int            `json:"max_new_tokens"`
	Until        []string       `json:"until"`
	Texts        []generation   `json:"texts"`
}

const pens = "Q: Tom has 12 pens and buys 7. How many pens has he?\nA:"

func generateJSON(t *testing.T, args ...string) generations {
	t.Helper()
	s := try(t, t.Context(), t.TempDir(), slices.Concat([]string{"model", "generate", "demo", "--json"}, args)...)
	var doc generations
	if err := json.Unmarshal([]byte(s.out), &doc); err != nil || s.code != 0 || doc.Schema != "lorabench/generations/1" {
		t.Fatalf("exit %d, error %v\n%s%s", s.code, err, s.out, s.err)
	}
	for _, text := range doc.Texts {
		if len(text.IDs) != len(text.LogProbs) || text.Stop == "" || !utf8.ValidString(text.Text) {
			t.Errorf("%+v", text)
		}
	}
	return doc
}

// TestGenerateSampled: seeds tell texts apart, and nothing else does.
func TestGenerateSampled(t *testing.T) {
	hot := []string{"--prompt", pens, "--temperature", "1.3", "--top-k", "50", "--top-p", "0.98", "--min-p", "0.001", "--max-new-tokens", "24"}
	one := generateJSON(t, hot...)
	if want := (model.Sampling{Temperature: 1.3, TopK: 50, TopP: 0.98, MinP: 0.001, Seed: 1234, RepetitionPenalty: 1}); one.Sampling != want || one.MaxNewTokens != 24 || one.Until == nil {
		t.Errorf("settings %+v", one)
	}
	if again := generateJSON(t, hot...); !slices.Equal(again.Texts[0].IDs, one.Texts[0].IDs) || !slices.Equal(again.Texts[0].LogProbs, one.Texts[0].LogProbs) {
		t.Errorf("%q, again %q", one.Texts[0].Text, again.Texts[0].Text)
	}
	if other := generateJSON(t, append(hot, "--seed", "5")...); slices.Equal(other.Texts[0].IDs, one.Texts[0].IDs) {
		t.Errorf("seed 5 gives %q too", other.Texts[0].Text)
	}
}

// chunks is a writer that remembers what it was given.
type chunks []string

func (c *chunks) Write(p []byte) (int, error) {
	if len(p) > 0 {
		*c = append(*c, string(p))
	}
	return len(p), nil
}

// TestGenerateStreams: a text is shown while it is written, in whole characters,
// texts in their order, and comes to what the document says.
func TestGenerateStreams(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "tokens.json")
	writeFile(t, file, `{"sequences": [[40, 300, 41], [500, 17, 60, 900], [7], [40, 300, 41, 77]]}`)
	args := []string{"--tokens", file, "--temperature", "1.5", "--max-new-tokens", "60", "--stop", "e ", "--stop", "\n\n"}
	doc := generateJSON(t, args...)
	want := ""
	for _, text := range doc.Texts {
		want += visible(text.Text) + "\n"
	}
	var out chunks
	var errs strings.Builder
	stdio := env.Stdio{In: strings.NewReader(""), Out: &out, Err: &errs, Width: 100, NoColor: true, Getenv: func(string) string { return "" }}
	if code := run(t.Context(), stdio, slices.Concat([]string{"model", "generate", "demo"}, args)); code != 0 {
		t.Fatalf("exit %d\n%s", code, errs.String())
	}
	if got := strings.Join(out, ""); got != want {
		t.Errorf("shown %q\nwant  %q", got, want)
	}
	if len(out) < len(doc.Texts)+3 || slices.ContainsFunc(out, func(s string) bool { return !utf8.ValidString(s) }) {
		t.Errorf("%d pieces: %q", len(out), out)
	}
}

func TestGenerateRefuses(t *testing.T) {
	for _, tt := range []struct {
		args []string
		says string
	}{
		{[]string{"--temperature", "-1"}, "temperature -1"},
		{[]string{"--temperature", "nan"}, "temperature NaN"},
		{[]string{"--temperature", "1", "--top-p", "0"}, "top-p 0"},
		{[]string{"--repetition-penalty", "0"}, "--repetition-penalty 0"},
		{[]string{"--repetition-penalty", "-2"}, "repetition penalty -2"},
		{[]string{"--top-k", "5"}, "without a temperature"},
		{[]string{"--stop", ""}, "--stop"},
		{[]string{"--max-new-tokens", "0"}, "--max-new-tokens 0"},
		{[]string{"--tokens", "x.json"}, "want one of --prompt, --chat and --tokens"},
	} {
		s := try(t, t.Context(), t.TempDir(), slices.Concat([]string{"model", "generate", "demo", "--prompt", "x"}, tt.args)...)
		if s.code != exitUsage || !strings.Contains(s.err, tt.says) {
			t.Errorf("%v: exit %d, %s", tt.args, s.code, s.err)
		}
	}
}

// TestGenerateNotes: a penalty that the checkpoint suggests is not ignored in
// silence.
func TestGenerateNotes(t *testing.T) {
	dir := copyFS(t, t.TempDir(), demo.Base())
	writeFile(t, filepath.Join(dir, "generation_config.json"), `{"repetition_penalty": 1.05, "top_p": 0.8, "eos_token_id": null}`)
	for _, tt := range []struct {
		penalty string
		noted   bool
	}{{"1", true}, {"1.05", false}} {
		s := try(t, t.Context(), dir, "model", "generate", ".", "--prompt", "x", "--max-new-tokens", "1", "--repetition-penalty", tt.penalty)
		if s.code != 0 || strings.Contains(s.err, "suggests a repetition_penalty of 1.05") != tt.noted {
			t.Errorf("penalty %s: exit %d, %s", tt.penalty, s.code, s.err)
		}
	}
}

// TestGenerateChat asks by the checkpoint's own template.
func TestGenerateChat(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "chatty")
	if err := os.CopyFS(dir, demo.Base()); err != nil {
		t.Fatal(err)
	}
	const template = "{% for m in messages %}Q: {{ m.content }}\nA:{% endfor %}"
	if err := os.WriteFile(filepath.Join(dir, "chat_template.jinja"), []byte(template), 0o644); err != nil {
		t.Fatal(err)
	}
	const question = "Tom has 12 pens and buys 7. How many pens has he?"
	plain := try(t, t.Context(), t.TempDir(), "model", "generate", "demo", "--prompt", "Q: "+question+"\nA:", "--max-new-tokens", "16", "--stop", "\n")
	asked := try(t, t.Context(), t.TempDir(), "model", "generate", dir, "--chat", question, "--max-new-tokens", "16", "--stop", "\n")
	if plain.code != 0 || asked.code != 0 || strings.TrimSpace(asked.out) != strings.TrimSpace(plain.out) || strings.TrimSpace(plain.out) == "" {
		t.Errorf("asked: %q %s, prompted: %q", asked.out, asked.err, plain.out)
	}
	asked = try(t, t.Context(), t.TempDir(), "model", "generate", dir, "--chat", question, "--max-new-tokens", "16", "--json")
	var doc struct{ Texts []generation }
	if err := json.Unmarshal([]byte(asked.out), &doc); err != nil || len(doc.Texts) != 1 || doc.Texts[0].Answer == nil || *doc.Texts[0].Thinking != "" {
		t.Errorf("%s %v", asked.out, err)
	}
	for _, args := range [][]string{{"demo", "--chat", "Hi"}, {dir, "--chat", "Hi", "--prompt", "Hi"}, {dir, "--prompt", "Hi", "--system", "Be brief."}} {
		if s := try(t, t.Context(), t.TempDir(), append([]string{"model", "generate"}, args...)...); s.code == 0 {
			t.Errorf("%v: %s", args, s.out)
		}
	}
}
