package model

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/ailiance/lorabench/model/checkpoint"
)

// sharedFile returns a file of reference material, unpacked if its name ends in
// .gz, or skips the test.
func sharedFile(t testing.TB, path ...string) []byte {
	t.Helper()
	root := filepath.Join("..", "..", "shared")
	if _, err := os.Stat(root); err != nil {
		t.Skip("../shared is not there")
	}
	name := filepath.Join(append([]string{root}, path...)...)
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if filepath.Ext(name) != ".gz" {
		return data
	}
	z, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	if data, err = io.ReadAll(z); err != nil {
		t.Fatal(err)
	}
	return data
}

func ggufTokenizer(t testing.TB, path ...string) (Tokenizer, error) {
	t.Helper()
	src, err := checkpoint.ParseGGUF(path[len(path)-1], sharedFile(t, path...))
	if err != nil {
		t.Fatal(err)
	}
	return tokenizerOfGGUF(src)
}

// llamaCppTexts returns the texts of llama.cpp's vectors for a vocabulary, and
// their ids.
func llamaCppTexts(t testing.TB, name string) (texts []string, ids [][]int32) {
	t.Helper()
	const folder = "vocab_vectors"
	texts = strings.Split(string(sharedFile(t, "vectors", "llama_cpp", folder, "ggml-vocab-"+name+".gguf.inp")), "\n__ggml_vocab_test__\n")
	lines := strings.Split(string(sharedFile(t, "vectors", "llama_cpp", folder, "ggml-vocab-"+name+".gguf.out")), "\n")
	ids = make([][]int32, len(texts))
	for i := range texts {
		list := strings.ReplaceAll(strings.TrimSpace(lines[i]), " ", ",")
		if err := json.Unmarshal([]byte("["+list+"]"), &ids[i]); err != nil {
			t.Fatal(err)
		}
	}
	return texts, ids
}

// TestTokenizerOfGGUF compares with the ids that llama.cpp has for the files.
func TestTokenizerOfGGUF(t *testing.T) {
	for _, name := range []string{"gpt-2", "starcoder", "falcon", "llama-spm", "phi-3", "bert-bge"} {
		t.Run(name, func(t *testing.T) {
			tok, err := ggufTokenizer(t, "vectors", "llama_cpp", "vocab_gguf", "ggml-vocab-"+name+".gguf.gz")
			if err != nil {
				t.Fatal(err)
			}
			texts, want := llamaCppTexts(t, name)
			for i, text := range texts {
				got, err := tok.Encode(text, false)
				if err != nil {
					t.Fatal(err)
				}
				if !slices.Equal(got, want[i]) {
					t.Errorf("Encode(%.80q)\n got %v\nwant %v", text, got, want[i])
				}
				if back := tok.Decode(got, false); back != text && name != "bert-bge" { // which loses case and spaces
					t.Errorf("Decode(Encode(%.80q)) = %.80q", text, back)
				}
			}
			t.Logf("%d texts", len(texts))
		})
	}
}

// TestTokenizerOfGGUFHuggingFace compares the same files with what tokenizer.json
// of these models makes.
func TestTokenizerOfGGUFHuggingFace(t *testing.T) {
	for _, tt := range []struct{ gguf, file, of string }{
		{"gpt-2", "gpt2.jsonl", "Xenova/gpt2"},
		{"gpt-2", "gpt2.jsonl", "openai-community/gpt2"},
		{"falcon", "falcon.jsonl", "tiiuae/falcon-7b"},
		{"gpt-2", "falcon.jsonl", "tiiuae/falcon-rw-1b"}, // GPT-2's vocabulary
		{"llama-spm", "llama.jsonl", "Xenova/llama-tokenizer"},
		{"bert-bge", "bert.jsonl", "Xenova/bert-base-uncased"},
	} {
		t.Run(tt.of, func(t *testing.T) {
			tok, err := ggufTokenizer(t, "vectors", "llama_cpp", "vocab_gguf", "ggml-vocab-"+tt.gguf+".gguf.gz")
			if err != nil {
				t.Fatal(err)
			}
			texts := 0
			for line := range bytes.Lines(sharedFile(t, "vectors", "tokenizers", "hf", tt.file)) {
				var v struct {
					Tokenizer, Text, Decoded string

					TextPair *string `json:"text_pair"`
					IDs      []int32 `json:"ids"`
				}
				if err := json.Unmarshal(line, &v); err != nil {
					t.Fatal(err)
				}
				if v.Tokenizer != tt.of || v.TextPair != nil {
					continue
				}
				texts++
				got, err := tok.Encode(v.Text, true)
				if err != nil {
					t.Fatal(err)
				}
				if !slices.Equal(got, v.IDs) {
					t.Errorf("Encode(%.80q)\n got %v\nwant %v", v.Text, got, v.IDs)
					continue
				}
				// Of the others transformers takes spaces before punctuation out of
				// what was decoded.
				if back := tok.Decode(got, false); tt.gguf == "llama-spm" && back != v.Decoded {
					t.Errorf("Decode(%v)\n got %.80q\nwant %.80q", got, back, v.Decoded)
				}
			}
			t.Logf("%d texts", texts)
		})
	}
}

// TestSmolLM2Tokenizers checks that a model's GGUF file and its tokenizer.json
// make the same tokens, which are those that the golden numbers were made with.
func TestSmolLM2Tokenizers(t *testing.T) {
	fromGGUF, err := ggufTokenizer(t, "data", "models", "smollm2-135m-instruct", "SmolLM2-135M-Instruct.Q4_1.gguf")
	if err != nil {
		t.Fatal(err)
	}
	fromDirectory, err := tokenizerOf(fstest.MapFS{"tokenizer.json": {Data: sharedFile(t, "data", "tokenizers", "smollm2", "tokenizer.json.gz")}})
	if err != nil {
		t.Fatal(err)
	}
	if id, ok := fromGGUF.BOS(); id != 1 || !ok || fromGGUF.AddsBOS() || !slices.Equal(fromGGUF.EOS(), []int32{2}) {
		t.Errorf("BOS %d, added %v, EOS %v, want 1, not added, [2]", id, fromGGUF.AddsBOS(), fromGGUF.EOS())
	}
	texts := 0
	same := func(text string) {
		t.Helper()
		texts++
		a, err := fromGGUF.Encode(text, true)
		if err != nil {
			t.Fatal(err)
		}
		b, err := fromDirectory.Encode(text, true)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(a, b) {
			t.Errorf("%.80q\n     from GGUF %v\nfrom directory %v", text, a, b)
		}
		if back := fromGGUF.Decode(a, false); back != text {
			t.Errorf("Decode(Encode(%.80q)) = %.80q", text, back)
		}
	}
	for _, name := range []string{"gpt-2", "qwen35"} {
		list, _ := llamaCppTexts(t, name)
		for _, text := range list {
			same(text)
		}
	}
	hf := os.DirFS(filepath.Join("..", "..", "shared", "vectors", "tokenizers", "hf"))
	files, err := fs.Glob(hf, "*.jsonl")
	if err != nil || len(files) == 0 {
		t.Fatalf("%d files of vectors, error %v", len(files), err)
	}
	for _, name := range files {
		for line := range bytes.Lines(sharedFile(t, "vectors", "tokenizers", "hf", name)) {
			var v struct{ Text string }
			if err := json.Unmarshal(line, &v); err != nil {
				t.Fatal(err)
			}
			same(v.Text)
		}
	}
	golden := 0
	for _, name := range []string{"base", "smollm2-gsm8k", "smollm2-spice"} {
		for line := range bytes.Lines(sharedFile(t, "vectors", "smollm2", name+".jsonl.gz")) {
			var v struct {
				Text       string
				IDs        []int32 `json:"ids"`
				GreedyIDs  []int32 `json:"greedy_ids"`
				GreedyText string  `json:"greedy_text"`
			}
			if err := json.Unmarshal(line, &v); err != nil {
				t.Fatal(err)
			}
			golden++
			same(v.Text)
			ids, err := fromGGUF.Encode(v.Text, true)
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(ids, v.IDs) {
				t.Errorf("%.80q\n got %v\nwant %v", v.Text, ids, v.IDs)
			}
			if text := fromGGUF.Decode(v.GreedyIDs, true); text != v.GreedyText {
				t.Errorf("Decode(%v)\n got %q\nwant %q", v.GreedyIDs, text, v.GreedyText)
			}
		}
	}
	t.Logf("%d texts, %d of them with golden ids", texts, golden)
}

// TestTokenizerOfDirectory compares a directory's tokenizer with the ids that its
// model's golden numbers were made with.
func TestTokenizerOfDirectory(t *testing.T) {
	var golden []struct {
		Text string
		IDs  []int32 `json:"ids"`
	}
	if err := json.Unmarshal(sharedFile(t, "data", "models", "tinystories-656k", "reference_float64.json.gz"), &golden); err != nil {
		t.Fatal(err)
	}
	tok, err := tokenizerOf(os.DirFS(filepath.Join("..", "..", "shared", "data", "models", "tinystories-656k")))
	if err != nil {
		t.Fatal(err)
	}
	for _, g := range golden {
		ids, err := tok.Encode(g.Text, true)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(ids, g.IDs) || !tok.AddsBOS() {
			t.Errorf("Encode(%.80q)\n got %v\nwant %v", g.Text, ids, g.IDs)
		}
		const unknown = 0
		if back := tok.Decode(ids, true); back != g.Text && !slices.Contains(ids, unknown) {
			t.Errorf("Decode(%v) = %.80q, want %.80q", ids, back, g.Text)
		}
	}
}

// TestTokenizerOfNothing checks that a checkpoint without a tokenizer has none,
// and that a damaged one is an error.
func TestTokenizerOfNothing(t *testing.T) {
	if tok, err := tokenizerOf(fstest.MapFS{"config.json": {}}); tok != nil || err != nil {
		t.Errorf("got %v, %v, want nil, nil", tok, err)
	}
	if tok, err := tokenizerOf(fstest.MapFS{"tokenizer.json": {Data: []byte("{")}}); tok != nil || !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("got %v, %v, want nil and an unexpected end", tok, err)
	}
}
