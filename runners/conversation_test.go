package runners

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/ailiance/lorabench"
	"github.com/ailiance/lorabench/model"
	"github.com/ailiance/lorabench/scorers"
)

// readChat reads a template as a checkpoint has it.
func readChat(t *testing.T, template string) *model.Chat {
	t.Helper()
	c, err := model.ReadChat(fstest.MapFS{"chat_template.jinja": {Data: []byte(template)}}, ".")
	if err != nil || c == nil {
		t.Fatalf("%v, %v", c, err)
	}
	return c
}

const thinkingTemplate = `{% for m in messages %}[{{ m.role }}]{% if m.reasoning_content %}<think>{{ m.reasoning_content }}</think>{% endif %}{{ m.content }}{% endfor %}` +
	`{% if add_generation_prompt %}[assistant]{% if enable_thinking is defined and not enable_thinking %}<think></think>{% else %}<think>{% endif %}{% endif %}`

func TestRender(t *testing.T) {
	day := time.Date(2025, 3, 9, 0, 0, 0, 0, time.UTC)
	system := lorabench.Message{Role: "system", Content: "Be brief."}
	user := lorabench.Message{Role: "user", Content: "2+2?"}
	for _, tt := range []struct {
		name, template string
		messages       []lorabench.Message
		want           string
		refused        string
	}{
		{"all turns", thinkingTemplate, []lorabench.Message{system, user}, "[system]Be brief.[user]2+2?[assistant]<think></think>", ""},
		{"no place for a system message", `{% for m in messages %}{% if m.role == 'system' %}{{ raise_exception('no system') }}{% endif %}{{ m.content }}{% endfor %}`,
			[]lorabench.Message{system, user}, "2+2?", "no system"},
		{"the run's date", `{{ strftime_now('%d %b %Y') }}: {{ messages[0].content }}`, []lorabench.Message{user}, "09 Mar 2025: 2+2?", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := &Conversation{Chat: readChat(t, tt.template), Thinking: model.ThinkingOff, Date: day}
			samples := []lorabench.Sample{
				{ID: "a", Requests: []lorabench.Request{{Kind: lorabench.Generate, Messages: tt.messages}}},
				{ID: "b", Requests: []lorabench.Request{{Kind: lorabench.Rolling, Prompt: "a text"}}, PromptHash: "kept"},
			}
			refused, err := c.Render(samples)
			if err != nil {
				t.Fatal(err)
			}
			if got := samples[0].Requests[0]; got.Prompt != tt.want || got.Messages != nil || len(samples[0].PromptHash) != 64 {
				t.Errorf("%+v, hash %q, want %q", got, samples[0].PromptHash, tt.want)
			}
			if (refused != nil) != (tt.refused != "") || refused != nil && !strings.Contains(refused.Error(), tt.refused) {
				t.Errorf("refused %v, want %q", refused, tt.refused)
			}
			if samples[1].Requests[0].Prompt != "a text" || samples[1].PromptHash != "kept" {
				t.Errorf("a text was changed: %+v", samples[1])
			}
		})
	}
	c := &Conversation{Chat: readChat(t, `{{ raise_exception('never') }}`), Date: day}
	samples := []lorabench.Sample{{ID: "a", Requests: []lorabench.Request{{Messages: []lorabench.Message{user}}}}}
	if _, err := c.Render(samples); !errors.Is(err, model.ErrTemplateRefuses) || !strings.Contains(err.Error(), "sample a") {
		t.Errorf("error %v", err)
	}
}

// writer is an engine that writes given texts, a byte a token, and stops as the
// real one does.
type writer struct {
	*fakeEngine
	texts map[string]string // by prompt
	asked []model.Job
}

func (w *writer) Tokenizer() model.Tokenizer { return byteTokens{} }

// byteTokens has a token a byte, of which one is special.
type byteTokens struct{ bytesTokenizer }

const special = "\x02"

func (byteTokens) AddedTokens() []string { return []string{special, "<think>"} }
func (byteTokens) Decode(ids []int32, skip bool) string {
	text := bytesTokenizer{}.Decode(ids, skip)
	if skip {
		text = strings.ReplaceAll(text, special, "")
	}
	return text
}

func (w *writer) Step(ctx context.Context) ([]model.Result, error) {
	done, err := w.fakeEngine.Step(ctx)
	for i := range done {
		done[i] = w.write(done[i])
	}
	return done, err
}

func (w *writer) Submit(j model.Job) error {
	w.asked = append(w.asked, j)
	return w.fakeEngine.Submit(j)
}

// write is a text up to the job's stop string or its limit.
func (w *writer) write(r model.Result) model.Result {
	job := w.asked[slices.IndexFunc(w.asked, func(j model.Job) bool { return j.ID == r.ID })]
	r.Stop, r.Text, r.New = model.StopEOS, "", nil
	for _, b := range []byte(w.texts[spell(job.Tokens)]) {
		r.New = append(r.New, int32(b))
		if job.Answer == nil {
			r.Text = byteTokens{}.Decode(r.New, true)
		} else {
			r.Text = byteTokens{}.Decode(r.New, false)
		}
		part := r.Text
		if job.Answer != nil {
			part = job.Answer(r.Text)
		}
		for _, stop := range job.Until {
			if before, _, found := strings.Cut(part, stop); found {
				if r.Stop = model.StopString; job.Answer == nil {
					r.Text = before
				}
				return r
			}
		}
		if len(r.New) == job.MaxNewTokens {
			r.Stop = model.StopLength
			return r
		}
	}
	return r
}

// TestThinkingIsNotTheAnswer: law 6, from what a model writes to its score.
func TestThinkingIsNotTheAnswer(t *testing.T) {
	metric := lorabench.Metric{Name: "exact_match", Unit: "fraction", Better: lorabench.Higher, Aggregate: lorabench.Mean, Binary: true}
	scorer, err := scorers.ByName("exact_match", scorers.Deps{
		Metrics: []lorabench.Metric{metric}, Filters: []lorabench.Filter{{Name: "number", Pattern: `[0-9]+`, Select: -1}},
	})
	if err != nil {
		t.Fatal(err)
	}
	opened, skipped := "[user]q[assistant]<think>", "[user]q[assistant]<think></think>"
	for _, tt := range []struct {
		name     string
		thinking model.Thinking
		plain    bool // no chat template
		written  string
		most     int

		text, thought string
		stop          lorabench.StopReason
		value         float64
		note          string
	}{
		{name: "reasoning is taken out", written: "5? no</think>4", text: "4", thought: "5? no", stop: "eos", value: 1},
		{name: "and scored nowhere", written: "4</think>5", text: "5", thought: "4", stop: "eos"},
		{name: "a stop string in the reasoning stops nothing", written: "Q: 1</think>4 Q: 5", text: "4 ", thought: "Q: 1", stop: "stop", value: 1},
		{name: "special tokens are no part of the answer", written: "x</think>" + special + "4" + special, text: "4", thought: "x", stop: "eos", value: 1},
		{name: "cut off within the reasoning", written: "4 4 4 4 4</think>4", most: 5, text: "", thought: "4 4 4", stop: "length", note: "no answer, only reasoning; stopped: length"},
		{name: "ended within the reasoning", written: "it is 4", text: "", thought: "it is 4", stop: "eos", note: "no answer, only reasoning"},
		{name: "an empty answer", written: "it is 4</think>\n", text: "", thought: "it is 4", stop: "eos", note: "no answer, only reasoning"},
		{name: "cut off within the answer", written: "x</think>4, that", most: 11, text: "4,", thought: "x", stop: "length", value: 1, note: "stopped: length"},
		{name: "asked not to reason", thinking: model.ThinkingOff, written: "4", text: "4", stop: "eos", value: 1},
		{name: "reasons all the same", thinking: model.ThinkingOff, written: "<think>5</think>4", text: "4", thought: "5", stop: "eos", value: 1},
		{name: "without a template all is scored, and said", plain: true, written: "<think>4</think>5", text: "<think>4</think>5", stop: "eos", note: "markers of reasoning in the text"},
		{name: "without a template stop strings stop at once", plain: true, written: "<think>4 Q: </think>5", text: "<think>4 ", stop: "stop", value: 1, note: "markers of reasoning in the text"},
		{name: "without a template and without markers", plain: true, written: "4", text: "4", stop: "eos", value: 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if tt.most == 0 {
				tt.most = 30
			}
			c := &Conversation{Chat: readChat(t, thinkingTemplate), Thinking: tt.thinking}
			request := lorabench.Request{Kind: lorabench.Generate, Messages: []lorabench.Message{{Role: "user", Content: "q"}}, Until: []string{"Q:"}, MaxNewTokens: tt.most}
			if tt.plain {
				request.Messages, request.Prompt = nil, "q"
			}
			samples := []lorabench.Sample{{ID: "s", Target: lorabench.Target{Answer: "4"}, Requests: []lorabench.Request{request}}}
			if _, err := c.Render(samples); err != nil {
				t.Fatal(err)
			}
			store := &Memory{}
			r := Runner{
				Engine: &writer{fakeEngine: newFake(1), texts: map[string]string{opened: tt.written, skipped: tt.written, "q": tt.written}},
				Store:  store, RunID: run, Variants: testVariants()[:1], Chat: c.Chat, Asked: !tt.plain,
			}
			task := testTask("task", 0)
			task.Samples, task.Scorer = samples, scorer
			if err := r.Run(t.Context(), []Task{task}); err != nil {
				t.Fatal(err)
			}
			_, all := store.Measurements()
			got, score := all[0][0].Outputs[0], all[0][0].Scores[0]
			if got.Text != tt.text || got.Thinking != tt.thought || got.Stop != tt.stop {
				t.Errorf("text %q, thinking %q, stop %s", got.Text, got.Thinking, got.Stop)
			}
			if want := (lorabench.Score{Metric: "exact_match", Value: tt.value, Weight: 1, Note: tt.note}); score != want {
				t.Errorf("score %+v\nwant  %+v", score, want)
			}
		})
	}
}

// TestBeginningOfConversations: a prompt that begins as the tokenizer begins
// texts gets no second beginning.
func TestBeginningOfConversations(t *testing.T) {
	k, err := newTokens(beginning{}, 40)
	if err != nil {
		t.Fatal(err)
	}
	for prompt, want := range map[string]string{"[user]q": "\x00[user]q", "\x00[user]q": "\x00[user]q"} {
		ids, _, err := k.generation(lorabench.Request{Prompt: prompt, MaxNewTokens: 1}, 0)
		if err != nil || spell(ids) != want {
			t.Errorf("%q: %q, %v, want %q", prompt, spell(ids), err, want)
		}
		all, scored, err := k.pair(prompt+"\n", "yes")
		if err != nil || spell(all) != want+"\nyes" || scored != 4 {
			t.Errorf("%q: %q, %d, %v", prompt, spell(all), scored, err)
		}
	}
}

// beginning puts its BOS in front of a text, if asked to.
type beginning struct{ bytesTokenizer }

func (b beginning) Encode(text string, special bool) ([]int32, error) {
	ids, err := b.bytesTokenizer.Encode(text, special)
	if special {
		ids = append([]int32{0}, ids...)
	}
	return ids, err
}
