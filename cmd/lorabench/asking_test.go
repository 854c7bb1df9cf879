package main

import (
	"bufio"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/ailiance/lorabench/model/demo"
	"github.com/ailiance/lorabench/reports"
)

// opensThinking is a template that begins the answer within the reasoning.
const opensThinking = `{% for m in messages %}{{ m.content.split('</think>')[-1] }}{% endfor %}{% if add_generation_prompt %}<think>{% endif %}`

// thinker is the demo's model with a template: what it writes in front of "The
// answer is" is its reasoning. Its tokenizer does not see the marker in a prompt,
// which the model has never read, and writes the other.
func thinker(t *testing.T, template string) string {
	t.Helper()
	dir := copyFS(t, filepath.Join(t.TempDir(), "thinker"), demo.Base())
	writeFile(t, filepath.Join(dir, "chat_template.jinja"), template)
	path := filepath.Join(dir, "tokenizer.json")
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var tokenizer map[string]any
	if err := json.Unmarshal(data, &tokenizer); err != nil {
		t.Fatal(err)
	}
	replace := func(old, with string) map[string]any {
		return map[string]any{"type": "Replace", "pattern": map[string]any{"String": old}, "content": with}
	}
	tokenizer["normalizer"] = replace("<think>", "")
	tokenizer["decoder"] = map[string]any{"type": "Sequence", "decoders": []any{tokenizer["decoder"], replace(" The", "</think> The")}}
	if data, err = json.Marshal(tokenizer); err != nil {
		t.Fatal(err)
	}
	writeFile(t, path, string(data))
	return dir
}

// sampleLines are the lines of the only samples.jsonl of a task and variant.
func sampleLines(t *testing.T, dir, task, variant string) (folder string, lines []map[string]any) {
	t.Helper()
	folders, err := filepath.Glob(filepath.Join(dir, "results/*/*", task, variant))
	if err != nil || len(folders) != 1 {
		t.Fatalf("%d folders, %v, want 1", len(folders), err)
	}
	f, err := os.Open(filepath.Join(folders[0], "samples.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	in := bufio.NewScanner(f)
	in.Buffer(nil, 1<<20)
	for in.Scan() {
		var line map[string]any
		if err := json.Unmarshal(in.Bytes(), &line); err != nil {
			t.Fatal(err)
		}
		lines = append(lines, line)
	}
	return folders[0], lines
}

// TestRunInAConversation: the answer alone is scored, the reasoning kept, and all
// of it comes again.
func TestRunInAConversation(t *testing.T) {
	needCgo(t)
	base := thinker(t, opensThinking)
	spice, _ := demo.Adapter("spice")
	dir := t.TempDir()
	args := []string{"run", "--model", base, "--adapter", "spice=" + copyFS(t, filepath.Join(t.TempDir(), "spice"), spice),
		"--tasks", "demo_arithmetic,demo_text", "--limit", "8", "--quiet", "--chat-template", "auto"}
	s := try(t, t.Context(), dir, args...)
	if s.code != exitDone || !strings.Contains(s.out, "note: demo_arithmetic: reasoning left out of the scored text: base 8 of 8, spice 8 of 8") {
		t.Fatalf("exit %d\n%s%s", s.code, s.out, s.err)
	}
	folder, lines := sampleLines(t, dir, "demo_arithmetic", "base")
	answer := regexp.MustCompile(`^ The answer is -?[0-9]+\.$`)
	right := 0.0
	for _, line := range lines {
		thinking, _ := line["thinking"].(string)
		if !answer.MatchString(line["output"].(string)) || !strings.Contains(thinking, " = ") || strings.Contains(thinking, "think>") || line["stop"] != "stop" {
			t.Errorf("%v", line)
		}
		right += line["scores"].(map[string]any)["exact_match"].(float64)
	}
	if right < 4 { // the base gets three of four
		t.Errorf("%v of %d answers are right", right, len(lines))
	}
	identities := map[string]string{"demo_arithmetic": "", "demo_text": ""}
	for task := range identities {
		folder, _ := sampleLines(t, dir, task, "base")
		identities[task] = templateOf(t, folder)
	}
	if id := identities["demo_arithmetic"]; !regexp.MustCompile(`^sha256:[0-9a-f]{64}$`).MatchString(id) || identities["demo_text"] != "none" {
		t.Errorf("templates %v", identities)
	}
	method, err := os.ReadFile(filepath.Join(folder, "methodology.md"))
	for _, want := range []string{"Asked in a conversation", "`<think>` and `</think>`", "counts as wrong"} {
		if err != nil || !strings.Contains(string(method), want) {
			t.Errorf("methodology.md: %v, want %q", err, want)
		}
	}
	for _, variant := range []string{"base", "spice"} {
		folder, _ := sampleLines(t, dir, "demo_arithmetic", variant)
		if s := try(t, t.Context(), dir, "rerun", folder, "--quiet", "--threads", "1"); s.code != exitDone || !strings.Contains(s.out, "8 samples measured again, all equal") {
			t.Errorf("rerun: exit %d\n%s%s", s.code, s.out, s.err)
		}
	}
	if s := try(t, t.Context(), dir, with(args, "--resume")...); s.code != exitDone || samplesIn(filepath.Join(dir, "lorabench.db")) != 32 {
		t.Errorf("resume: exit %d\n%s%s", s.code, s.out, s.err)
	}
	// Another way to ask is another run, and another template another measurement.
	if s := try(t, t.Context(), dir, with(args, "--resume", "--fewshot-as-multiturn=false")...); s.code != exitUsage {
		t.Errorf("resume with other prompts: exit %d\n%s%s", s.code, s.out, s.err)
	}
	writeFile(t, filepath.Join(base, "chat_template.jinja"), opensThinking+"{# another #}")
	if s := try(t, t.Context(), dir, with(args, "--resume")...); s.code != exitInvalid || !strings.Contains(s.err, "template") {
		t.Errorf("resume with another template: exit %d\n%s%s", s.code, s.out, s.err)
	}
	if s := try(t, t.Context(), dir, "rerun", folder, "--quiet"); s.code != exitInvalid || !strings.Contains(s.err, "template: stored sha256:") {
		t.Errorf("rerun with another template: exit %d\n%s%s", s.code, s.out, s.err)
	}
}

func templateOf(t *testing.T, folder string) string {
	t.Helper()
	_, m, err := reports.ReadEvidence(folder)
	if err != nil {
		t.Fatal(err)
	}
	return m.Identity.Template
}

// TestCutOffWithinTheReasoning: no answer is a wrong answer, and counted.
func TestCutOffWithinTheReasoning(t *testing.T) {
	needCgo(t)
	dir := t.TempDir()
	s := try(t, t.Context(), dir, "run", "--model", thinker(t, opensThinking), "--tasks", "demo_arithmetic", "--limit", "4", "--quiet",
		"--chat-template", "auto", "--max-new-tokens", "5")
	for _, want := range []string{
		"demo_arithmetic: no answer, only reasoning, which counts as wrong: base 4 of 4",
		"demo_arithmetic: of these cut off within the reasoning (--max-new-tokens): base 4 of 4",
	} {
		if s.code != exitDone || !strings.Contains(s.out, want) {
			t.Errorf("exit %d, want %q\n%s%s", s.code, want, s.out, s.err)
		}
	}
	_, lines := sampleLines(t, dir, "demo_arithmetic", "base")
	for _, line := range lines {
		scores, _ := json.Marshal([]any{line["output"], line["scores"], line["reason"], line["notes"]})
		if want := `["",{"exact_match":0},null,{"exact_match":"no answer, only reasoning; stopped: length"}]`; string(scores) != want || line["thinking"] == "" {
			t.Errorf("%s, want %s; %v", scores, want, line["thinking"])
		}
	}
}

// TestMarkersWithoutATemplate: what nobody asked by the template is scored whole,
// and said.
func TestMarkersWithoutATemplate(t *testing.T) {
	needCgo(t)
	dir := t.TempDir()
	s := try(t, t.Context(), dir, "run", "--model", thinker(t, opensThinking), "--tasks", "demo_arithmetic", "--limit", "2", "--quiet")
	if want := "demo_arithmetic: texts have markers of reasoning, and are scored with it: they were asked for without the chat template: base 2 of 2"; s.code != exitDone || !strings.Contains(s.out, want) {
		t.Errorf("exit %d, want %q\n%s%s", s.code, want, s.out, s.err)
	}
	if folder, _ := sampleLines(t, dir, "demo_arithmetic", "base"); templateOf(t, folder) != "none" {
		t.Errorf("template %s", templateOf(t, folder))
	}
}

// TestDateOfConversations: a template that asks for the date is told the run's.
func TestDateOfConversations(t *testing.T) {
	needCgo(t)
	base := thinker(t, `{{ bos_token }}{{ strftime_now("%d %b %Y") }} {% for m in messages %}{{ m.content }}{% endfor %}`)
	for _, tt := range []struct {
		date []string
		want string
	}{{nil, "26 Jul 2024"}, {[]string{"--chat-date", "2025-03-09"}, "09 Mar 2025"}} {
		dir := t.TempDir()
		s := try(t, t.Context(), dir, with([]string{"run", "--model", base, "--tasks", "demo_arithmetic", "--limit", "1", "--quiet", "--chat-template", "auto"}, tt.date...)...)
		if s.code != exitDone {
			t.Fatalf("exit %d\n%s%s", s.code, s.out, s.err)
		}
		folder, lines := sampleLines(t, dir, "demo_arithmetic", "base")
		prompt := lines[0]["requests"].([]any)[0].(map[string]any)["prompt"].(string)
		day := "date=" + chatDate
		if tt.date != nil {
			day = "date=" + tt.date[1]
		}
		if id := templateOf(t, folder); !strings.HasPrefix(prompt, "<|endoftext|>"+tt.want) || !strings.Contains(id, day) || !strings.Contains(id, `bos_token="<|endoftext|>"`) {
			t.Errorf("prompt %q, template %s", prompt, id)
		}
		if s := try(t, t.Context(), dir, "rerun", folder, "--quiet"); s.code != exitDone {
			t.Errorf("rerun: exit %d\n%s%s", s.code, s.out, s.err)
		}
	}
}

func TestAskingRefuses(t *testing.T) {
	base := thinker(t, opensThinking)
	run := []string{"run", "--tasks", "demo_arithmetic", "--limit", "1", "--quiet", "--model"}
	prompts := []string{"tasks", "prompts", "demo_arithmetic", "--limit", "1"}
	for _, tt := range []struct {
		args []string
		code int
		says string
	}{
		{with(run, "demo", "--chat-template", "auto"), exitFault, "the checkpoint has no chat template"},
		{with(run, base, "--chat-template", "mine"), exitUsage, "want none or auto"},
		{with(run, base, "--fewshot-as-multiturn"), exitUsage, "--fewshot-as-multiturn goes with --chat-template auto"},
		{with(run, base, "--thinking", "off"), exitUsage, "--thinking goes with --chat-template auto"},
		{with(run, base, "--chat-template", "auto", "--thinking", "off"), exitUsage, "no switch"},
		{with(run, base, "--chat-template", "auto", "--chat-date", "today"), exitUsage, "--chat-date"},
		{with(run, thinker(t, "{% for %}"), "--chat-template", "auto"), exitFault, "parse chat template"},
		{with(prompts, "--chat-template", "auto"), exitUsage, "--model is missing"},
		{with(prompts, "--chat-date", "2025-01-01"), exitUsage, "--chat-date goes with"},
		{with(prompts, "--chat-template", "auto", "--model", "demo"), exitFault, "the checkpoint has no chat template"},
	} {
		if s := try(t, t.Context(), t.TempDir(), tt.args...); s.code != tt.code || !strings.Contains(s.err, tt.says) {
			t.Errorf("%v: exit %d, want %d and %q\n%s", tt.args, s.code, tt.code, tt.says, s.err)
		}
	}
	// What says no more than the defaults is no contradiction.
	if s := try(t, t.Context(), t.TempDir(), with(prompts, "--system-instruction", "Be brief. ", "--thinking", "auto", "--fewshot-as-multiturn=false")...); s.code != exitDone || !strings.Contains(s.out, "\nBe brief. Q: ") {
		t.Errorf("exit %d\n%s%s", s.code, s.out, s.err)
	}
}

// TestPromptsInAConversation shows what run would send.
func TestPromptsInAConversation(t *testing.T) {
	base := thinker(t, `{% for m in messages %}<{{ m.role }}>{{ m.content }}{% endfor %}{% if enable_thinking is defined %}{{ enable_thinking }}{% endif %}`)
	args := []string{"tasks", "prompts", "demo_choice", "--limit", "1", "--json", "--chat-template", "auto", "--model", base, "--system-instruction", "S", "--thinking", "off"}
	s := try(t, t.Context(), t.TempDir(), args...)
	var doc struct{ Samples []prompt }
	if err := json.Unmarshal([]byte(s.out), &doc); err != nil || s.code != exitDone || len(doc.Samples) != 1 {
		t.Fatalf("exit %d, %v\n%s%s", s.code, err, s.out, s.err)
	}
	got := doc.Samples[0]
	if !strings.HasPrefix(got.Prompt, "<system>S<user>Question: ") || !strings.HasSuffix(got.Prompt, "Answer:False") || len(got.PromptHash) != 64 {
		t.Errorf("%+v", got)
	}
	if slices.ContainsFunc([]string{got.Requests[0].Continuation, got.Requests[3].Continuation}, func(c string) bool { return c == "" || c[0] == ' ' }) {
		t.Errorf("continuations %+v", got.Requests)
	}
}
