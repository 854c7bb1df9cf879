package tokenizer

import (
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

// check compares Encode and Decode with a vector.
func (v vector) check(t *testing.T, tok *Tokenizer, addSpecial bool) {
	t.Helper()
	ids, err := tok.Encode(v.Text, addSpecial)
	if err != nil {
		t.Fatalf("Encode(%.80q): %v", v.Text, err)
	}
	if !slices.Equal(ids, v.IDs) {
		t.Errorf("%s: Encode(%.80q, %v)\n got %v\nwant %v", v.Name, v.Text, addSpecial, ids, v.IDs)
		return
	}
	if v.Decoded != nil {
		if got := tok.Decode(ids, false); got != *v.Decoded {
			t.Errorf("%s: Decode(%v)\n got %q\nwant %q", v.Name, ids, got, *v.Decoded)
		}
	}
}

// TestHuggingFaceVectors compares with transformers.js' own tests, as far as the
// vocabulary is at hand.
func TestHuggingFaceVectors(t *testing.T) {
	for _, tt := range []struct {
		file, of, tokenizer string
		addSpecial          bool
	}{
		{"qwen2.jsonl", "Xenova/Qwen1.5-0.5B-Chat", "qwen3", true},
		{"llama.jsonl", "Xenova/llama3-tokenizer", "llama3", true},
		{"gpt2.jsonl", "Xenova/gpt-4o", "gpt4o-o200k", true},
	} {
		t.Run(tt.tokenizer, func(t *testing.T) {
			tok := loadShared(t, tt.tokenizer)
			n := 0
			for _, v := range readVectors(t, "vectors", "tokenizers", "hf", tt.file) {
				if v.Tokenizer != tt.of || v.TextPair != nil {
					continue
				}
				n++
				if tt.tokenizer == "llama3" {
					v.Decoded = nil // transformers took spaces before punctuation out of them
				}
				v.check(t, tok, tt.addSpecial)
			}
			if n == 0 {
				t.Errorf("no vectors of %s", tt.of)
			}
			t.Logf("%d texts", n)
		})
	}
}

// TestGemma3Vectors compares with vectors made for a character-level model.
func TestGemma3Vectors(t *testing.T) {
	tok := loadShared(t, "gemma3")
	list := readVectors(t, "vectors", "tokenizers", "hf", "generated", "gemma3.jsonl.gz")
	for _, v := range list {
		v.check(t, tok, false)
		if v.IDsWithSpecial != nil {
			v.IDs, v.Decoded = v.IDsWithSpecial, nil
			v.check(t, tok, true)
		}
	}
	t.Logf("%d texts", len(list))
}

// TestLlamaCppVectors compares with the ids that llama.cpp has for the same
// vocabularies.
func TestLlamaCppVectors(t *testing.T) {
	for _, tt := range []struct{ vectors, tokenizer string }{
		{"llama-bpe", "llama3"},
		{"qwen2", "qwen3"},
		{"mpt", "pythia-gpt-neox"},
	} {
		t.Run(tt.vectors, func(t *testing.T) {
			tok := loadShared(t, tt.tokenizer)
			list := llamaCppVectors(t, tt.vectors)
			for _, v := range list {
				v.check(t, tok, false)
			}
			t.Logf("%d texts", len(list))
		})
	}
}

// TestConfigs loads whole directories.
func TestConfigs(t *testing.T) {
	for _, tt := range []struct {
		name     string
		packed   bool // tokenizer_config.json is .gz
		bos      int32
		addsBOS  bool
		eos      int32
		template bool
	}{
		{"gemma3", true, 2, true, 106, true},
		{"gpt4o-o200k", true, 199999, false, 199999, false},
		{"llama3", true, 128000, false, 128001, true},
		{"mistral-v0.1", true, 1, true, 2, false},
		{"pythia-gpt-neox", false, 0, false, 0, false},
		{"qwen3", true, -1, false, 151645, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			config := "tokenizer_config.json"
			if tt.packed {
				config += ".gz"
			}
			tok, err := Load(fstest.MapFS{
				File:       {Data: readShared(t, "data", "tokenizers", tt.name, "tokenizer.json.gz")},
				configFile: {Data: readShared(t, "data", "tokenizers", tt.name, config)},
			})
			if err != nil {
				t.Fatal(err)
			}
			bos, ok := tok.BOS()
			if !ok {
				bos = -1
			}
			if bos != tt.bos || tok.AddsBOS() != tt.addsBOS || !slices.Equal(tok.EOS(), []int32{tt.eos}) || (tok.ChatTemplate() != "") != tt.template {
				t.Errorf("BOS %d, added %v, EOS %v, template %.20q, want %+v", bos, tok.AddsBOS(), tok.EOS(), tok.ChatTemplate(), tt)
			}
		})
	}
}

// TestRoundTrip checks that what was encoded comes back, whole and in parts.
func TestRoundTrip(t *testing.T) {
	for _, name := range []string{"smollm2", "llama3", "gpt4o-o200k", "qwen3", "gemma3"} {
		t.Run(name, func(t *testing.T) {
			tok := loadShared(t, name)
			for _, v := range llamaCppVectors(t, "gpt-2") {
				ids, err := tok.Encode(v.Text, false)
				if err != nil {
					t.Fatal(err)
				}
				if got := tok.Decode(ids, false); got != v.Text {
					t.Errorf("Decode(Encode(%q)) = %q", v.Text, got)
				}
				var parts strings.Builder
				s := tok.NewStream(false)
				for _, id := range ids {
					parts.WriteString(strings.ToValidUTF8(s.Push(id), "<broken>"))
				}
				parts.WriteString(s.Flush())
				if parts.String() != v.Text {
					t.Errorf("stream of %q = %q", v.Text, parts.String())
				}
			}
		})
	}
}
