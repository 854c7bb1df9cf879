package tokenizer

import (
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
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

// roundTrip checks that what was encoded comes back, whole and in parts.
func roundTrip(t *testing.T, tok *Tokenizer, text string) {
	t.Helper()
	ids, err := tok.Encode(text, false)
	if err != nil {
		t.Fatal(err)
	}
	if got := tok.Decode(ids, false); got != text {
		t.Errorf("Decode(Encode(%.80q)) = %.80q", text, got)
	}
	var parts strings.Builder
	s := tok.NewStream(false)
	for _, id := range ids {
		part := s.Push(id)
		if !utf8.ValidString(part) {
			t.Errorf("the stream of %.80q has %q", text, part)
		}
		parts.WriteString(part)
	}
	parts.WriteString(s.Flush())
	if parts.String() != text {
		t.Errorf("the stream of %.80q = %.80q", text, parts.String())
	}
}

// TestVocabularies loads the directories of published tokenizers and compares
// them with what reference programs make of the same vocabularies.
func TestVocabularies(t *testing.T) {
	for _, tt := range []struct {
		name    string
		bos     int32
		addsBOS bool
		eos     []int32

		config   string   // in place of its tokenizer_config.json
		vectors  []string // below vectors/tokenizers/hf
		of       string   // whose of them; "" for all
		llamaCpp string   // name of llama.cpp's vectors
		cleaned  bool     // transformers took spaces before punctuation out of what was decoded
		changes  bool     // text: a normalizer does, so it does not come back
	}{
		{name: "smollm2", bos: -1},
		{name: "llama3", bos: 128000, eos: []int32{128001},
			vectors: []string{"llama.jsonl"}, of: "Xenova/llama3-tokenizer", llamaCpp: "llama-bpe", cleaned: true},
		{name: "llama3", config: `{"bos_token":"<|begin_of_text|>","add_bos_token":true}`, bos: 128000, addsBOS: true,
			vectors: []string{"llama.jsonl"}, of: "Xenova/llama3-tokenizer-new", cleaned: true},
		{name: "qwen3", bos: -1, eos: []int32{151645},
			vectors: []string{"qwen2.jsonl"}, of: "Xenova/Qwen1.5-0.5B-Chat", llamaCpp: "qwen2"},
		{name: "gpt4o-o200k", bos: 199999, eos: []int32{199999}, vectors: []string{"gpt2.jsonl"}, of: "Xenova/gpt-4o"},
		{name: "pythia-gpt-neox", bos: 0, eos: []int32{0}, llamaCpp: "mpt"},
		{name: "mistral-v0.1", bos: 1, addsBOS: true, eos: []int32{2}, changes: true},
		{name: "gemma3", bos: 2, addsBOS: true, eos: []int32{106}, vectors: []string{"generated", "gemma3.jsonl.gz"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tok := loadShared(t, tt.name)
			if tt.config != "" {
				var err error
				if tok, err = Parse(readShared(t, "data", "tokenizers", tt.name, File+".gz"), []byte(tt.config)); err != nil {
					t.Fatal(err)
				}
			}
			bos, ok := tok.BOS()
			if !ok {
				bos = -1
			}
			if bos != tt.bos || tok.AddsBOS() != tt.addsBOS || !slices.Equal(tok.EOS(), tt.eos) {
				t.Errorf("BOS %d, added %v, EOS %v, want %+v", bos, tok.AddsBOS(), tok.EOS(), tt)
			}
			texts := 0
			if tt.vectors != nil {
				for _, v := range readVectors(t, append([]string{"vectors", "tokenizers", "hf"}, tt.vectors...)...) {
					if tt.of != "" && v.Tokenizer != tt.of || v.TextPair != nil {
						continue
					}
					if tt.cleaned {
						v.Decoded = nil
					}
					texts++
					v.check(t, tok, tt.of != "")
					if v.IDsWithSpecial != nil {
						v.IDs, v.Decoded = v.IDsWithSpecial, nil
						v.check(t, tok, true)
					}
				}
			}
			if tt.llamaCpp != "" {
				for _, v := range llamaCppVectors(t, tt.llamaCpp) {
					texts++
					v.check(t, tok, false)
				}
			}
			t.Logf("%d texts with ids", texts)
			for _, v := range llamaCppVectors(t, "gpt-2") {
				if !tt.changes {
					roundTrip(t, tok, v.Text)
				}
			}
		})
	}
}
