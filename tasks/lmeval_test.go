package tasks

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/ailiance/lorabench"
)

const shared = "../../shared/"

// readShared returns a file of the shared reference data, decompressed, or
// skips the test.
func readShared(t *testing.T, name string) []byte {
	t.Helper()
	raw, err := os.ReadFile(shared + name)
	if errors.Is(err, fs.ErrNotExist) {
		t.Skip("../shared is not there")
	}
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasSuffix(name, ".gz") {
		return raw
	}
	r, err := gzip.NewReader(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if _, err := b.ReadFrom(r); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func load(t *testing.T, name string, data fs.FS, o Options) *lorabench.Task {
	t.Helper()
	d, err := Lookup(name)
	if err != nil {
		t.Fatal(err)
	}
	task, err := d.Load(context.Background(), data, o)
	if err != nil {
		t.Fatal(err)
	}
	return task
}

// synthetic are the rows that vectors/lm-eval/prompts.json was made with: what
// its note says, and its contexts show, of the training splits.
func synthetic(t *testing.T) fstest.MapFS {
	t.Helper()
	lines := func(n int, row func(i int) any) *fstest.MapFile {
		var b bytes.Buffer
		for i := range n {
			line, err := json.Marshal(row(i))
			if err != nil {
				t.Fatal(err)
			}
			b.Write(append(line, '\n'))
		}
		return &fstest.MapFile{Data: b.Bytes()}
	}
	type m = map[string]any
	arc := lines(30, func(i int) any {
		texts := []string{fmt.Sprint("a", i), fmt.Sprint("b", i), fmt.Sprint("c", i), fmt.Sprint("d", i)}
		return m{"question": fmt.Sprintf("Train question %d?", i), "answerKey": "ABCD"[i%4 : i%4+1],
			"choices": m{"text": texts, "label": []string{"A", "B", "C", "D"}}}
	})
	options := []string{"opt0", "opt1", "opt2", "opt3", "opt4", "opt5", "opt6", "opt7", "opt8", "opt9"}
	return fstest.MapFS{
		"arc/ARC-Easy/train.jsonl":      arc,
		"arc/ARC-Challenge/train.jsonl": arc,
		"gsm8k/train.jsonl": lines(7473, func(i int) any {
			return m{"question": fmt.Sprintf("Train Q%d?", i), "answer": fmt.Sprintf("Step %d.\n#### %d", i, i)}
		}),
		"hellaswag/train.jsonl": lines(30, func(i int) any {
			label := "2"
			if i == 0 {
				label = "0"
			}
			return m{"activity_label": "Removing ice from car", "ctx_a": fmt.Sprintf("[header] How to scrape %d [title] Get ready.", i),
				"ctx_b": "then, The Man", "endings": []string{" scrapes  ice.", "[substeps] drives off.", "sings.", " eats."}, "label": label}
		}),
		"winogrande/winogrande_xl/train.jsonl": lines(30, func(i int) any {
			return m{"sentence": fmt.Sprintf("Sarah was a much better surgeon than Maria so _ always got the easier cases %d.", i),
				"option1": "Sarah", "option2": "Maria", "answer": "2"}
		}),
		"piqa/train.jsonl": lines(30, func(i int) any {
			return m{"goal": fmt.Sprintf("How do I ready a guinea pig cage %d?", i), "sol1": "Use 'paper' bedding.", "sol2": "Use \"jeans\" bedding.", "label": 0}
		}),
		"mmlu_pro/validation.jsonl": lines(5, func(i int) any {
			n := 4
			if i == 0 {
				n = 10
			}
			return m{"question": fmt.Sprintf("Val question %d?", i), "options": options[:n], "answer": "A", "category": "computer science",
				"cot_content": fmt.Sprintf("A: Let's think step by step. Reason %d. The answer is (A).", i)}
		}),
	}
}

// evaluationFile is where each task of the vectors looks for its samples.
func evaluationFile(task string) string {
	d, _ := Lookup(task)
	return d.Evaluation.Path() + ".jsonl"
}

// TestPromptsOfLMEval compares prompts, continuations and hashes with what
// lm-eval made of the same documents.
func TestPromptsOfLMEval(t *testing.T) {
	var vectors struct {
		Cases []struct {
			Task       string
			NumFewshot *int `json:"num_fewshot"`
			Chat       bool
			Multiturn  bool
			System     *string
			Requests   []struct {
				Type, Context, Continuation, String string
				GenKwargs                           struct {
					Until       []string
					MaxGenToks  int `json:"max_gen_toks"`
					Temperature float64
				} `json:"gen_kwargs"`
			}
			Samples []struct {
				DocID      int `json:"doc_id"`
				Doc        json.RawMessage
				DocHash    string `json:"doc_hash"`
				PromptHash string `json:"prompt_hash"`
				Target     any
			}
		}
	}
	if err := json.Unmarshal(readShared(t, "vectors/lm-eval/prompts.json"), &vectors); err != nil {
		t.Fatal(err)
	}
	compared := 0
	for _, c := range vectors.Cases {
		o, name := DefaultOptions(), c.Task+" at its own shots"
		switch {
		case c.Chat && c.Multiturn:
			o.Conversation = Multiturn
		case c.Chat:
			o.Conversation = OneTurn
		}
		if c.System != nil {
			o.System = *c.System
		}
		if c.NumFewshot != nil {
			o.NumFewshot = *c.NumFewshot
			name = fmt.Sprintf("%s %d-shot", c.Task, o.NumFewshot)
		}
		name = fmt.Sprintf("%s, conversation %d, system %q", name, o.Conversation, o.System)
		t.Run(name, func(t *testing.T) {
			data := synthetic(t)
			var rows bytes.Buffer
			seen := map[int]bool{}
			for _, s := range c.Samples { // one for each filter
				if seen[s.DocID] {
					continue
				}
				seen[s.DocID] = true
				doc := s.Doc
				if c.Task == "hellaswag" { // without the columns that lm-eval adds
					cut := bytes.LastIndexByte(doc[:bytes.Index(doc, []byte(`"query"`))], ',')
					doc = append(slices.Clone(doc[:cut]), '}')
				}
				var line bytes.Buffer
				if err := json.Compact(&line, doc); err != nil {
					t.Fatal(err)
				}
				rows.Write(append(line.Bytes(), '\n'))
			}
			data[evaluationFile(c.Task)] = &fstest.MapFile{Data: rows.Bytes()}
			task := load(t, c.Task, data, o)
			var got []lorabench.Request
			for i := range task.Samples {
				s := &task.Samples[i]
				if c.Chat {
					chatML(t, s)
				}
				if s.DocHash != c.Samples[i].DocHash {
					t.Errorf("sample %d: doc_hash %s, want %s", i, s.DocHash, c.Samples[i].DocHash)
				}
				if s.PromptHash != c.Samples[i].PromptHash {
					t.Errorf("sample %d: prompt_hash %s, want %s", i, s.PromptHash, c.Samples[i].PromptHash)
				}
				got = append(got, s.Requests...)
			}
			if len(got) != len(c.Requests) {
				t.Fatalf("%d requests, want %d", len(got), len(c.Requests))
			}
			for i, want := range c.Requests {
				r := got[i]
				if string(r.Kind) != want.Type || r.Prompt != want.Context+want.String || r.Continuation != want.Continuation ||
					!slices.Equal(r.Until, want.GenKwargs.Until) {
					t.Errorf("request %d = %+v\nwant %+v", i, r, want)
				}
				if limit := want.GenKwargs.MaxGenToks; limit != 0 && r.MaxNewTokens != limit {
					t.Errorf("request %d: %d new tokens, want %d", i, r.MaxNewTokens, limit)
				}
			}
			compared++
		})
	}
	if compared < 26 {
		t.Errorf("%d cases compared, want at least 26", compared)
	}
}

// chatML makes prompts of a sample's messages as the vectors' template does.
func chatML(t *testing.T, s *lorabench.Sample) {
	t.Helper()
	for i := range s.Requests {
		r := &s.Requests[i]
		if r.Messages == nil || r.Prompt != "" || s.PromptHash != "" {
			t.Errorf("request %d has a prompt before its template: %+v, hash %q", i, r, s.PromptHash)
		}
		for _, m := range r.Messages {
			r.Prompt += "<|im_start|>" + m.Role + "\n" + m.Content + "<|im_end|>\n"
		}
		r.Prompt += "<|im_start|>assistant\n"
	}
	s.PromptHash = sha256Hex(s.Requests[0].Prompt)
}

// lmEvalSample is a line of a samples file.
type lmEvalSample struct {
	DocID      int             `json:"doc_id"`
	Doc        json.RawMessage `json:"doc"`
	Target     string          `json:"target"`
	DocHash    string          `json:"doc_hash"`
	PromptHash string          `json:"prompt_hash"`
	TargetHash string          `json:"target_hash"`
	Filter     string          `json:"filter"`
	Arguments  map[string]struct {
		Prompt string          `json:"arg_0"`
		Second json.RawMessage `json:"arg_1"`
	} `json:"arguments"`
}

func readSamples(t *testing.T, name string) []lmEvalSample {
	t.Helper()
	lines := bufio.NewScanner(bytes.NewReader(readShared(t, name)))
	lines.Buffer(nil, maxLine)
	var samples []lmEvalSample
	for lines.Scan() {
		var s lmEvalSample
		if err := json.Unmarshal(lines.Bytes(), &s); err != nil {
			t.Fatal(err)
		}
		samples = append(samples, s)
	}
	return samples
}

// overlay reads from the first file system that has a file.
type overlay []fs.FS

func (o overlay) Open(name string) (fs.File, error) {
	for _, fsys := range o {
		if f, err := fsys.Open(name); err == nil {
			return f, nil
		}
	}
	return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
}

// TestRunsOfLMEval: loaded from the public datasets, samples are those of
// lm-eval's runs on a real model: every prompt, continuation, stop and hash.
func TestRunsOfLMEval(t *testing.T) {
	for _, tt := range []struct {
		task    string
		samples int
	}{
		{"arc_easy", 400}, {"gsm8k_cot", 24}, {"hellaswag", 150}, {"mmlu_pro_computer_science", 6},
		{"winogrande", 250}, {"xcopa_it", 100}, {"wikitext", 3},
	} {
		t.Run(tt.task, func(t *testing.T) {
			want := readSamples(t, "vectors/lm-eval-runs/base/"+tt.task+".samples.jsonl.gz")
			o := DefaultOptions()
			o.Limit = tt.samples
			data := overlay{
				fstest.MapFS{"mmlu_pro/validation.jsonl": {Data: readShared(t, "vectors/lm-eval-runs/tasks/mmlu_pro_cs_shots.jsonl")}},
				os.DirFS(shared + "data"),
			}
			task := load(t, tt.task, data, o)
			if len(task.Samples) != tt.samples {
				t.Fatalf("%d samples, want %d", len(task.Samples), tt.samples)
			}
			seen := 0
			for _, w := range want { // a generation task has a line for each filter
				s := task.Samples[w.DocID]
				seen = max(seen, w.DocID+1)
				if s.DocHash != w.DocHash || s.PromptHash != w.PromptHash {
					t.Fatalf("sample %d: hashes %s %s, want %s %s", w.DocID, s.DocHash, s.PromptHash, w.DocHash, w.PromptHash)
				}
				if len(s.Requests) != len(w.Arguments) {
					t.Fatalf("sample %d: %d requests, want %d", w.DocID, len(s.Requests), len(w.Arguments))
				}
				for i, r := range s.Requests {
					compareRequest(t, r, w.Arguments[fmt.Sprintf("gen_args_%d", i)].Prompt, w.Arguments[fmt.Sprintf("gen_args_%d", i)].Second)
				}
				if got := sha256Hex(lmEvalTarget(tt.task, s)); got != w.TargetHash {
					t.Errorf("sample %d: target %q has hash %s, want %s", w.DocID, lmEvalTarget(tt.task, s), got, w.TargetHash)
				}
			}
			if seen != tt.samples {
				t.Errorf("the vectors have %d samples, want %d", seen, tt.samples)
			}
		})
	}
}

func compareRequest(t *testing.T, r lorabench.Request, prompt string, second json.RawMessage) {
	t.Helper()
	if r.Prompt != prompt {
		t.Errorf("prompt %q\nwant %q", r.Prompt, prompt)
	}
	switch r.Kind {
	case lorabench.LogLikelihood:
		var continuation string
		if err := json.Unmarshal(second, &continuation); err != nil || r.Continuation != continuation {
			t.Errorf("continuation %q, want %s", r.Continuation, second)
		}
	case lorabench.Generate:
		var kwargs struct{ Until []string }
		if err := json.Unmarshal(second, &kwargs); err != nil || !slices.Equal(r.Until, kwargs.Until) {
			t.Errorf("until %q, want %s", r.Until, second)
		}
	}
}

// lmEvalTarget is str(target) as lm-eval has it for our sample.
func lmEvalTarget(task string, s lorabench.Sample) string {
	switch task {
	case "winogrande":
		return strings.TrimPrefix(s.Requests[0].Continuation, " ")
	case "wikitext":
		return s.Requests[0].Prompt
	case "gsm8k_cot", "mmlu_pro_computer_science":
		return s.Target.Answer
	}
	return fmt.Sprint(s.Target.Gold)
}

// TestPublicDatasets loads every dataset whole.
func TestPublicDatasets(t *testing.T) {
	if _, err := os.Stat(shared + "data"); err != nil {
		t.Skip("../shared is not there")
	}
	for _, tt := range []struct {
		task   string
		rows   int
		sha256 string // of the decompressed file, where no shots are read
	}{
		{"arc_easy", 2376, ""}, {"arc_challenge", 1172, ""}, {"gsm8k", 1319, ""}, {"gsm8k_cot", 1319, ""}, {"gsm8k_cot_zeroshot", 1319, ""},
		{"hellaswag", 1000, ""}, {"winogrande", 1267, ""}, {"piqa", 1838, ""},
		{"xcopa_it", 500, ""}, {"xcopa_tr", 500, ""}, {"xcopa_qu", 500, ""}, {"xcopa_zh", 500, ""}, {"xcopa_ta", 500, ""},
		{"wikitext", 62, "173c87a53759e0201f33e0ccf978e510c2042d7f2cb78229d9a50d79b9e7dd08"},
	} {
		t.Run(tt.task, func(t *testing.T) {
			task := load(t, tt.task, os.DirFS(shared+"data"), DefaultOptions())
			if len(task.Samples) != tt.rows || task.Dataset.Rows != tt.rows {
				t.Errorf("%d samples of %d rows, want %d", len(task.Samples), task.Dataset.Rows, tt.rows)
			}
			if tt.sha256 != "" && task.Dataset.SHA256 != tt.sha256 {
				t.Errorf("sha256 %s, want %s", task.Dataset.SHA256, tt.sha256)
			}
			for _, s := range task.Samples {
				if len(s.Requests) == 0 || s.DocHash == "" {
					t.Fatalf("sample %s: %d requests, doc_hash %q", s.ID, len(s.Requests), s.DocHash)
				}
			}
			for _, n := range task.Nulls {
				for i := range task.Samples {
					if got := len(n.Outputs(&task.Samples[i])); got != len(task.Samples[i].Requests) {
						t.Fatalf("%s: %d outputs, want %d", n.Name, got, len(task.Samples[i].Requests))
					}
				}
			}
		})
	}
}

// TestMMLUProSubjects: every subject's rows, from the file of all subjects.
func TestMMLUProSubjects(t *testing.T) {
	if _, err := os.Stat(shared + "data"); err != nil {
		t.Skip("../shared is not there")
	}
	want := map[string]int{
		"biology": 717, "computer_science": 410, "law": 1101, "psychology": 798,
	}
	o := DefaultOptions()
	o.NumFewshot = 0
	for subject, rows := range want {
		task := load(t, "mmlu_pro_"+subject, os.DirFS(shared+"data"), o)
		if len(task.Samples) != rows {
			t.Errorf("%s: %d samples, want %d", subject, len(task.Samples), rows)
		}
		if prompt := task.Samples[0].Requests[0].Prompt; !strings.HasPrefix(prompt, "The following are multiple choice questions (with answers) about "+strings.ReplaceAll(subject, "_", " ")+".") {
			t.Errorf("%s: prompt begins %.90q", subject, prompt)
		}
	}
	d, _ := Lookup("mmlu_pro_law")
	_, err := d.Load(context.Background(), os.DirFS(shared+"data"), DefaultOptions())
	missing, is := errors.AsType[*MissingFileError](err)
	if !is || missing.Looked[0] != path.Join("mmlu_pro", "validation")+".jsonl[.gz]" {
		t.Errorf("without a validation split: %v", err)
	}
}
