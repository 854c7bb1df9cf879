package tasks

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/ailiance/lorabench"
)

const arcRow = `{"id": "a", "question": "Q?", "choices": {"text": ["x", "longer"], "label": ["1", "2"]}, "answerKey": "2"}`

func compress(t *testing.T, text string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := w.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestLoadErrors(t *testing.T) {
	const arcTest = "arc/ARC-Easy/test.jsonl"
	arc := func(text string) fstest.MapFS { return fstest.MapFS{arcTest: {Data: []byte(text)}} }
	for _, tt := range []struct {
		name string
		task string
		data fs.FS
		o    Options
		want string
	}{
		{"no directory", "arc_easy", nil, DefaultOptions(),
			"task arc_easy: no data directory: want one with arc/ARC-Easy/test"},
		{"no file", "arc_easy", fstest.MapFS{}, DefaultOptions(),
			"task arc_easy: no file arc/ARC-Easy/test: looked for arc/ARC-Easy/test.jsonl[.gz], arc/ARC-Easy/test_<rows>.jsonl[.gz]"},
		{"broken line", "arc_easy", arc(arcRow + "\n\n{\"id\": 1,\n"), DefaultOptions(),
			"task arc_easy: read arc/ARC-Easy/test.jsonl: line 3: byte 9: the end where a name in double quotes belongs"},
		{"not an object", "arc_easy", arc("[1]\n"), DefaultOptions(),
			"task arc_easy: read arc/ARC-Easy/test.jsonl: line 1: a list, want an object"},
		{"missing column", "arc_easy", arc(arcRow + "\n" + `{"id": "b", "question": "Q?", "answerKey": "A"}`), DefaultOptions(),
			`task arc_easy: read arc/ARC-Easy/test.jsonl: line 2: no column "choices", has id, question, answerKey`},
		{"missing column of an object", "arc_easy", arc(`{"question": "Q?", "choices": {"text": ["x"]}, "answerKey": "A"}`), DefaultOptions(),
			`task arc_easy: read arc/ARC-Easy/test.jsonl: line 1: no column "label", has text`},
		{"wrong kind", "arc_easy", arc(strings.Replace(arcRow, `"Q?"`, `7`, 1)), DefaultOptions(),
			`task arc_easy: read arc/ARC-Easy/test.jsonl: line 1: column "question": a number, want a string`},
		{"no such label", "arc_easy", arc(strings.Replace(arcRow, `"2"}`, `"C"}`, 1)), DefaultOptions(),
			`task arc_easy: read arc/ARC-Easy/test.jsonl: line 1: column "answerKey": "C", want one of ["1" "2"]`},
		{"labels too few", "arc_easy", arc(strings.Replace(arcRow, `["1", "2"]`, `["2"]`, 1)), DefaultOptions(),
			`task arc_easy: read arc/ARC-Easy/test.jsonl: line 1: column "choices": 1 labels, want 2: one for each text`},
		{"empty file", "arc_easy", arc("\n"), DefaultOptions(),
			"task arc_easy: read arc/ARC-Easy/test.jsonl: no rows of this task"},
		{"line too long", "arc_easy", arc(arcRow + "\n" + strings.Repeat(" ", maxLine+1)), DefaultOptions(),
			"task arc_easy: read arc/ARC-Easy/test.jsonl: line 2: longer than 16777216 bytes"},
		{"two files", "arc_easy", fstest.MapFS{arcTest: {Data: []byte(arcRow)}, arcTest + ".gz": {Data: compress(t, arcRow)}}, DefaultOptions(),
			"task arc_easy: both arc/ARC-Easy/test.jsonl and arc/ARC-Easy/test.jsonl.gz are there: want one"},
		{"not gzip", "arc_easy", fstest.MapFS{arcTest + ".gz": {Data: []byte(arcRow)}}, DefaultOptions(),
			"task arc_easy: read arc/ARC-Easy/test.jsonl.gz: gzip: invalid header"},
		{"cut gzip", "arc_easy", fstest.MapFS{arcTest + ".gz": {Data: compress(t, arcRow)[:40]}}, DefaultOptions(),
			"task arc_easy: read arc/ARC-Easy/test.jsonl.gz: line 1: unexpected EOF"},
		{"several parts", "hellaswag", fstest.MapFS{"hellaswag/validation_10.jsonl": {}, "hellaswag/validation_20.jsonl.gz": {}}, DefaultOptions(),
			"task hellaswag: several parts of hellaswag/validation: hellaswag/validation_10.jsonl, hellaswag/validation_20.jsonl.gz: want one"},
		{"no examples", "arc_easy", arc(arcRow), Options{NumFewshot: 3},
			"task arc_easy: examples for 3 shots: no file arc/ARC-Easy/train: looked for arc/ARC-Easy/train.jsonl[.gz], arc/ARC-Easy/train_<rows>.jsonl[.gz]"},
		{"too few examples", "arc_easy", fstest.MapFS{arcTest: {Data: []byte(arcRow)}, "arc/ARC-Easy/train.jsonl": {Data: []byte(arcRow)}}, Options{NumFewshot: 3},
			"task arc_easy: examples for 3 shots: arc/ARC-Easy/train.jsonl has 1, want at least 3"},
		{"too few worked examples", "gsm8k_cot", fstest.MapFS{"gsm8k/test.jsonl": {Data: []byte(`{"question": "?", "answer": "#### 1"}`)}}, Options{NumFewshot: 9},
			"task gsm8k_cot: examples for 9 shots: the task's own examples has 8, want at least 9"},
		{"no labels", "piqa", fstest.MapFS{"piqa/valid.jsonl": {Data: []byte(`{"goal": "g", "sol1": "a", "sol2": "b"}`)}}, DefaultOptions(),
			`task piqa: read piqa/valid.jsonl: no column "label", and no file piqa/valid-labels.lst beside it`},
		{"labels too many", "piqa", fstest.MapFS{"piqa/valid.jsonl": {Data: []byte(`{"goal": "g", "sol1": "a", "sol2": "b"}`)}, "piqa/valid-labels.lst": {Data: []byte("0\n1\n")}}, DefaultOptions(),
			"task piqa: read piqa/valid-labels.lst: 2 labels, want 1: one for each row of piqa/valid.jsonl"},
		{"label out of range", "piqa", fstest.MapFS{"piqa/valid.jsonl": {Data: []byte(`{"goal": "g", "sol1": "a", "sol2": "b", "label": 2}`)}}, DefaultOptions(),
			`task piqa: read piqa/valid.jsonl: line 1: column "label": "2", want a whole number from 0 to 1`},
		{"no blank", "winogrande", fstest.MapFS{"winogrande/winogrande_xl/validation.jsonl": {Data: []byte(`{"sentence": "s", "option1": "a", "option2": "b", "answer": "1"}`)}}, DefaultOptions(),
			`task winogrande: read winogrande/winogrande_xl/validation.jsonl: line 1: column "sentence": no _ in "s"`},
		{"another subject", "mmlu_pro_law", fstest.MapFS{"mmlu_pro/test.jsonl": {Data: []byte(`{"category": "math"}`)}}, DefaultOptions(),
			"task mmlu_pro_law: read mmlu_pro/test.jsonl: no rows of this task"},
		{"negative limit", "arc_easy", arc(arcRow), Options{Limit: -1},
			"task arc_easy: 0 shots and a limit of -1: want no negative number, but for -1 shots"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d, err := Lookup(tt.task)
			if err != nil {
				t.Fatal(err)
			}
			if _, err = d.Load(context.Background(), tt.data, tt.o); err == nil || err.Error() != tt.want {
				t.Errorf("error %v\nwant  %s", err, tt.want)
			}
		})
	}
}

func TestLoadStopsWithItsContext(t *testing.T) {
	cause := errors.New("the run's budget")
	ctx, cancel := context.WithCancelCause(context.Background())
	cancel(cause)
	d, _ := Lookup("arc_easy")
	if _, err := d.Load(ctx, fstest.MapFS{"arc/ARC-Easy/test.jsonl": {Data: []byte(arcRow)}}, DefaultOptions()); !errors.Is(err, cause) {
		t.Errorf("error %v, want %v", err, cause)
	}
}

// TestSameRowsSameTask: a compressed file gives the task of the plain one.
func TestSameRowsSameTask(t *testing.T) {
	rows := arcRow + "\r\n" + strings.Replace(arcRow, `"Q?"`, `"Other?"`, 1)
	plain := load(t, "arc_easy", fstest.MapFS{"arc/ARC-Easy/test.jsonl": {Data: []byte(rows)}}, DefaultOptions())
	packed := load(t, "arc_easy", fstest.MapFS{"arc/ARC-Easy/test.jsonl.gz": {Data: compress(t, rows)}}, DefaultOptions())
	sum := sha256.Sum256([]byte(rows))
	if plain.Dataset != packed.Dataset || plain.Dataset.SHA256 != hex.EncodeToString(sum[:]) || plain.Dataset.Rows != 2 {
		t.Errorf("datasets %+v and %+v, want the sha256 %x", plain.Dataset, packed.Dataset, sum)
	}
	for i := range plain.Samples {
		if plain.Samples[i].DocHash != packed.Samples[i].DocHash {
			t.Errorf("sample %d differs", i)
		}
	}
}

// TestShotsCountInTheDataset: other examples are another dataset.
func TestShotsCountInTheDataset(t *testing.T) {
	data := fstest.MapFS{
		"arc/ARC-Easy/test.jsonl":  {Data: []byte(arcRow)},
		"arc/ARC-Easy/train.jsonl": {Data: []byte(strings.Replace(arcRow, `"Q?"`, `"T?"`, 1))},
	}
	zero := load(t, "arc_easy", data, DefaultOptions())
	one := load(t, "arc_easy", data, Options{NumFewshot: 1, Seed: 1234})
	if zero.Dataset.SHA256 == one.Dataset.SHA256 {
		t.Error("one shot leaves the dataset's hash as it is")
	}
	if zero.NumShots != 0 || one.NumShots != 1 {
		t.Errorf("%d and %d shots, want 0 and 1", zero.NumShots, one.NumShots)
	}
	if got, want := one.Samples[0].Requests[0].Prompt, "Question: T?\nAnswer: longer\n\nQuestion: Q?\nAnswer:"; got != want {
		t.Errorf("prompt %q, want %q", got, want)
	}
}

// TestLimit: prompts of a limited task are those of the whole one, shots and all.
func TestLimit(t *testing.T) {
	rows := func(kind string) *fstest.MapFile {
		var b strings.Builder
		for i := range 40 {
			fmt.Fprintln(&b, strings.Replace(arcRow, `"Q?"`, fmt.Sprintf(`"%s %d?"`, kind, i), 1))
		}
		return &fstest.MapFile{Data: []byte(b.String())}
	}
	data := fstest.MapFS{"arc/ARC-Easy/test.jsonl": rows("test"), "arc/ARC-Easy/train.jsonl": rows("train")}
	whole := load(t, "arc_easy", data, Options{NumFewshot: 2, Seed: 5})
	part := load(t, "arc_easy", data, Options{NumFewshot: 2, Seed: 5, Limit: 7})
	if len(part.Samples) != 7 || part.Dataset != whole.Dataset {
		t.Fatalf("%d samples of %+v, want 7 of %+v", len(part.Samples), part.Dataset, whole.Dataset)
	}
	for i := range part.Samples {
		if part.Samples[i].PromptHash != whole.Samples[i].PromptHash {
			t.Errorf("sample %d: another prompt", i)
		}
	}
	other := load(t, "arc_easy", data, Options{NumFewshot: 2, Seed: 6, Limit: 1})
	if other.Samples[0].PromptHash == whole.Samples[0].PromptHash {
		t.Error("another seed draws the same shots")
	}
}

// TestNeverItsOwnShot: a task that draws shots out of what it evaluates drops
// the sample itself.
func TestNeverItsOwnShot(t *testing.T) {
	var b strings.Builder
	for i := range 6 {
		fmt.Fprintf(&b, `{"goal": "goal %d", "sol1": "a", "sol2": "b", "label": 1}`+"\n", i)
	}
	file := &fstest.MapFile{Data: []byte(b.String())}
	task := load(t, "piqa", fstest.MapFS{"piqa/validation.jsonl": file, "piqa/train.jsonl": file}, Options{NumFewshot: 5, Seed: 1234})
	for i, s := range task.Samples {
		if n := strings.Count(s.Requests[0].Prompt, fmt.Sprintf("goal %d\n", i)); n != 1 {
			t.Errorf("sample %d stands %d times in its prompt", i, n)
		}
		if n := strings.Count(s.Requests[0].Prompt, "Question: "); n != 6 {
			t.Errorf("sample %d: %d questions, want 6", i, n)
		}
	}
}

// TestZeroShotsForGood: lm-eval ignores a number of shots where the task says 0.
func TestZeroShotsForGood(t *testing.T) {
	data := fstest.MapFS{"gsm8k/test.jsonl": {Data: []byte(`{"question": "How many?", "answer": "#### 1"}`)}}
	task := load(t, "gsm8k_cot_zeroshot", data, Options{NumFewshot: 5})
	if task.NumShots != 0 || task.Samples[0].Requests[0].Prompt != "Q: How many?\nA: Let's think step by step." {
		t.Errorf("%d shots, prompt %q", task.NumShots, task.Samples[0].Requests[0].Prompt)
	}
}

// TestChainOfThought holds the eight worked examples, byte for byte.
func TestChainOfThought(t *testing.T) {
	var b strings.Builder
	for _, e := range chainOfThought() {
		b.WriteString(e.question + targetDelimiter + e.answer + shotDelimiter)
	}
	if got, want := sha256Hex(b.String()), "3d55795c084e26f6ebb6925833999a44f75c4280eb7ab4d66f9bb940244e4847"; got != want || b.Len() != 2141 {
		t.Errorf("%d bytes, sha256 %s, want 2141 bytes, %s", b.Len(), got, want)
	}
}

// TestHellaSwagForms: raw and cleaned rows ask the same, and say which they are.
func TestHellaSwagForms(t *testing.T) {
	raw := load(t, "hellaswag", fstest.MapFS{"hellaswag/validation.jsonl": {Data: []byte(
		`{"activity_label": " Ice", "ctx_a": "[header] How [title] Go.", "ctx_b": "then, The Man", "endings": [" a  b.", "[step] c."], "label": 1, "source_id": "v"}`)}}, DefaultOptions())
	clean := load(t, "hellaswag", fstest.MapFS{"hellaswag/validation_1.jsonl": {Data: []byte(
		`{"query": "Ice: How. Go. Then, the man", "endings": ["a b.", " c."], "label": 1}`)}}, DefaultOptions())
	if a, b := raw.Samples[0], clean.Samples[0]; a.PromptHash != b.PromptHash || a.Requests[1].Continuation != b.Requests[1].Continuation || a.DocHash == b.DocHash {
		t.Errorf("raw %+v\nclean %+v", a, b)
	}
	if raw.Version != "1.0" || raw.Dataset.Split != "validation" || raw.Samples[0].Cluster != "v" {
		t.Errorf("raw: version %s of %+v", raw.Version, raw.Dataset)
	}
	if clean.Version != "1.0+preprocessed" || clean.Dataset.Split != "validation_1, a part of validation, preprocessed" {
		t.Errorf("clean: version %s of %+v", clean.Version, clean.Dataset)
	}
	if want := "  c."; clean.Samples[0].Requests[1].Continuation != want {
		t.Errorf("continuation %q, want %q", clean.Samples[0].Requests[1].Continuation, want)
	}
}

func TestDetokenize(t *testing.T) {
	for _, tt := range []struct{ in, want string }{
		{" = Title = \n \n Text , with ( two ) signs . \n", " = Title =\n\nText, with (two) signs.\n"},
		{" = = = Part = = = \n", " === Part ===\n"},
		{"a @-@ b 1 @,@ 000 1 @.@ 5", "a-b 1,000 1.5"},
		{`the " word " of the boys ' club 's`, `the "word" of the boys'club's`},
		{"[\u00a0x\u3000] {\x1cy }", "[x] {y}"},
		{"20 ° C , N m", "20°C, 1 m"},
		{"a /' 5/ b", "a /'[0-9]/ b"},
	} {
		if got := detokenize(tt.in); got != tt.want {
			t.Errorf("detokenize(%q) = %q, want %q", tt.in, got, tt.want)
		}
	}
}

// TestPages cuts at titles only, and keeps every line.
func TestPages(t *testing.T) {
	text := " \n = One = \n \n a b \n = = Part = = \n x \n = Two = \n \n c \n"
	task := load(t, "wikitext", fstest.MapFS{"text/wikitext-2-raw/wiki.test.raw": {Data: []byte(text)}}, DefaultOptions())
	want := []string{" = One = \n \n a b \n = = Part = = \n x ", " = Two = \n \n c \n"}
	if len(task.Samples) != len(want) {
		t.Fatalf("%d pages, want %d", len(task.Samples), len(want))
	}
	for i, page := range want {
		if s := task.Samples[i]; s.Requests[0].Prompt != detokenize(page) || s.Target.Bytes != len(page) {
			t.Errorf("page %d: %+v", i, s)
		}
	}
	if got := task.Samples[1].Target.Words; got != 6 { // "" = Two = c ""
		t.Errorf("%d words, want 6", got)
	}
	if got := task.Dataset.Split; got != "test, pages cut from wiki.test.raw" {
		t.Errorf("split %q", got)
	}
	_, err := readPages(context.Background(), strings.NewReader("\xff"), "x")
	if err == nil {
		t.Error("no error of a text that is not UTF-8")
	}
}

func TestChoiceNulls(t *testing.T) {
	sample := &lorabench.Sample{
		Requests: make([]lorabench.Request, 3),
		Target:   lorabench.Target{Choices: []string{"bb", "ééé", "c"}},
	}
	chosen := map[string]int{}
	for _, n := range choiceNulls([]example{{continuations: make([]string, 3)}, {continuations: make([]string, 5)}}) {
		best := -1
		for i, o := range n.Outputs(sample) {
			switch o.LogLikelihood {
			case 0:
				best = i
			case -1:
			default:
				t.Errorf("%s: log-likelihood %v", n.Name, o.LogLikelihood)
			}
		}
		chosen[n.Name] = best
	}
	want := map[string]int{
		"always the first choice": 0, "always the second choice": 1, "always the third choice": 2, "always the fourth choice": 2,
		"always the last choice": 2, "the longest choice": 1, "the shortest choice": 2,
	}
	if len(chosen) != len(want) {
		t.Errorf("nulls %v, want %v", chosen, want)
	}
	for name, i := range want {
		if chosen[name] != i {
			t.Errorf("%s takes %d, want %d", name, chosen[name], i)
		}
	}
}

func TestGenerationNulls(t *testing.T) {
	rows := `{"question": "a?", "answer": "#### 7"}` + "\n" + `{"question": "b?", "answer": "#### 3"}` + "\n" + `{"question": "c?", "answer": "x #### 3"}`
	task := load(t, "gsm8k_cot", fstest.MapFS{"gsm8k/test.jsonl": {Data: []byte(rows)}}, DefaultOptions())
	var texts []string
	for _, n := range task.Nulls {
		texts = append(texts, n.Outputs(&task.Samples[0])[0].Text)
	}
	if len(texts) != 3 || texts[0] != "" || texts[1] != task.Samples[0].Requests[0].Prompt || texts[2] != " The answer is 3." {
		t.Errorf("texts %q", texts)
	}
}

// TestTextNulls: eight bits a byte, and the entropy of the bytes.
func TestTextNulls(t *testing.T) {
	row := func(text string) string { return fmt.Sprintf(`{"page": %q}`+"\n", text) }
	task := load(t, "wikitext", fstest.MapFS{"wikitext/test.jsonl": {Data: []byte(row("aab") + row("b"))}}, DefaultOptions())
	for _, n := range task.Nulls {
		nats := 0.0
		for i := range task.Samples {
			nats -= n.Outputs(&task.Samples[i])[0].LogLikelihood
		}
		want := map[string]float64{"uniform over bytes": 8, "byte frequencies": 1}[n.Name]
		if got := nats / math.Ln2 / 4; math.Abs(got-want) > 1e-15 {
			t.Errorf("%s: %v bits a byte, want %v", n.Name, got, want)
		}
	}
}

// FuzzReadRows: rows that someone else wrote give samples or an error.
func FuzzReadRows(f *testing.F) {
	for _, s := range []string{arcRow, `{"question": 1}`, "{}\n[]", `{"page": " = x = "}`, "\xff", `{"choices": {"text": [], "label": null}}`,
		`{"sentence": "_", "option1": "", "option2": "", "answer": "1"}`, `{"premise": "", "choice1": "", "choice2": "", "question": "cause", "label": 0}`,
		`{"ctx_a": "", "ctx_b": "", "activity_label": "", "endings": [""], "label": "0"}`, `{"category": "law", "question": "", "options": ["", ""], "answer": "A", "cot_content": ""}`} {
		f.Add([]byte(s))
	}
	definitions := all()
	f.Fuzz(func(t *testing.T, data []byte) {
		rows, err := readRows(context.Background(), bytes.NewReader(data), "fuzz.jsonl")
		if err != nil {
			return
		}
		for _, d := range definitions {
			for _, r := range rows {
				e, err := d.parse(r)
				if err != nil {
					continue
				}
				s := d.sample(0, e, opening{})
				for _, n := range d.nulls([]example{e}) {
					if len(n.Outputs(&s)) != len(s.Requests) {
						t.Fatalf("%s: %s: not an output for each request", d.Name, n.Name)
					}
				}
			}
		}
	})
}
