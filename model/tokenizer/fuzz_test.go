package tokenizer

import (
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

// FuzzParse checks that no file makes a panic, and that what is read can work.
func FuzzParse(f *testing.F) {
	small := string(smallFile(f))
	f.Add(small, `{"bos_token":"<s>","add_bos_token":true}`, "hello  <tool> 12")
	f.Add(`{"model":{"type":"BPE","vocab":{"a":0,"b":1,"ab":2},"merges":["a b"]},"normalizer":{"type":"Prepend","prepend":"b"}}`, `{}`, "aab")
	f.Add(`{"model":{"vocab":{"▁":0},"merges":[]},"pre_tokenizer":{"type":"Metaspace","replacement":"▁","prepend_scheme":"first"},"decoder":{"type":"Metaspace","replacement":"▁"}}`, `{"added_tokens_decoder":{"1":{"content":" x"}}}`, "▁ x")
	f.Add(`{"model":{"type":"BPE","vocab":{},"merges":[]},"pre_tokenizer":{"type":"Split","pattern":{"Regex":"(?i:a|\\p{L}{2,})+"},"behavior":"MergedWithNext","invert":true}}`, `{}`, "aAbBC")
	f.Add(`{"added_tokens":[{"id":1,"content":"  ","lstrip":true,"rstrip":true,"single_word":true,"normalized":true},{"id":2,"content":" a","lstrip":true,"special":true}],
		"normalizer":{"type":"NFD"},"model":{"type":"BPE","vocab":{"a":0,"<0x20>":3},"merges":[],"byte_fallback":true,"unk_token":"a"},"decoder":{"type":"Sequence","decoders":[{"type":"ByteFallback"},{"type":"Fuse"},{"type":"Strip","content":" ","start":1,"stop":0}]}}`, `{"eos_token":"  ","add_eos_token":true}`, "    a  a   ")
	f.Add(`{"model":{"type":"Unigram","unk_id":0,"byte_fallback":true,"vocab":[["<unk>",0],["▁a",-1.5],["b",-2],["<0x41>",-3]]},"normalizer":{"type":"Sequence","normalizers":[{"type":"Nmt"},{"type":"NFKC"},{"type":"StripAccents"},{"type":"Lowercase"},{"type":"Strip","strip_left":true,"strip_right":true}]},"pre_tokenizer":{"type":"Metaspace","replacement":"▁","prepend_scheme":"first","split":true},"decoder":{"type":"Metaspace","replacement":"▁"}}`, `{}`, " Aé b")
	f.Add(`{"model":{"type":"WordPiece","unk_token":"[UNK]","continuing_subword_prefix":"##","max_input_chars_per_word":10,"vocab":{"[UNK]":0,"a":1,"##b":2}},"normalizer":{"type":"BertNormalizer"},"pre_tokenizer":{"type":"Sequence","pretokenizers":[{"type":"BertPreTokenizer"},{"type":"UnicodeScripts"},{"type":"Whitespace"},{"type":"FixedLength","length":3}]},"post_processor":{"type":"BertProcessing","sep":["a",1],"cls":["a",1]},"decoder":{"type":"Sequence","decoders":[{"type":"WordPiece"},{"type":"Fuse"},{"type":"BPEDecoder"},{"type":"Strip","content":"a","start":1,"stop":1}]}}`, `{}`, "ab!漢a")
	f.Add(`{"model":{"type":"BPE","unk_token":"a","continuing_subword_prefix":"##","end_of_word_suffix":"</w>","vocab":{"a":0,"##b":1,"ab":2,"##b</w>":3},"merges":["a ##b"]},"normalizer":{"type":"Precompiled","precompiled_charsmap":"CAAAAAAEAABhAACAeAA="},"pre_tokenizer":{"type":"Split","pattern":{"String":"b"},"behavior":"Contiguous","invert":true}}`, `{}`, "abab")
	f.Fuzz(func(t *testing.T, data, config, text string) {
		tok, err := Parse([]byte(data), []byte(config))
		if err != nil || len(text) > 1000 {
			return
		}
		tryText(t, tok, text)
	})
}

// FuzzFromGGUF checks that no metadata make a panic.
func FuzzFromGGUF(f *testing.F) {
	f.Add("gpt2", "smollm", "a b ab <s>", []byte{1, 1, 1, 3}, "a b", 3, 3, "abab<s>")
	f.Add("llama", "", "<unk> ▁ a b ab ▁ab", []byte{2, 1, 1, 1, 1, 1}, "", -1, 0, " ab xab")
	f.Fuzz(func(t *testing.T, model, pre, tokens string, types []byte, merges string, bos, unknown int, text string) {
		m := Metadata{Model: model, Pre: pre, Tokens: strings.Split(tokens, " "), BOS: bos, EOS: -1, EOT: -1, Unknown: unknown}
		for i := range m.Tokens {
			m.Scores = append(m.Scores, float64(len(types)-i))
		}
		for _, kind := range types {
			m.TokenTypes = append(m.TokenTypes, int(kind))
		}
		if merges != "" {
			m.Merges = strings.Split(merges, "\n")
		}
		tok, err := FromGGUF(m)
		if err != nil || len(text) > 1000 {
			return
		}
		tryText(t, tok, text)
	})
}

// FuzzEncode checks that text comes back from a byte-level model, whole and in
// parts, whatever it says.
func FuzzEncode(f *testing.F) {
	toks := []*Tokenizer{
		parseSmall(f, "added_tokens", `[]`),
		parseSmall(f, "added_tokens", `[]`, "pre_tokenizer", string(preTokenizer{steps: []string{stepSplit(patternO200k), stepBytes}}.json())),
		parseSmall(f, "added_tokens", `[]`, "pre_tokenizer", string(preTokenizer{steps: []string{stepPunctuation, stepDigits, stepSplit(patternLlama3), stepBytes}}.json())),
	}
	for _, v := range []string{"", "hello  aaaa 12½", "e\u0301\u0316 x\r\n\r\n y", "\u2028'S'ſ ǅÉ!/", "😀\ufeff\x00"} {
		f.Add(v)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for i, tok := range toks {
			ids, err := tok.Encode(text, true)
			if !utf8.ValidString(text) {
				if err == nil {
					t.Fatalf("%q was encoded, and is not UTF-8", text)
				}
				continue
			}
			if err != nil {
				t.Fatal(err)
			}
			var parts strings.Builder
			s := tok.NewStream(true)
			for _, id := range ids {
				part := s.Push(id)
				if !utf8.ValidString(part) {
					t.Fatalf("tokenizer %d: %q: the stream has %q", i, text, part)
				}
				parts.WriteString(part)
			}
			parts.WriteString(s.Flush())
			if back := tok.Decode(ids, true); back != text || parts.String() != text {
				t.Fatalf("tokenizer %d: %q comes back as %q, in parts as %q", i, text, back, parts.String())
			}
		}
	})
}

// FuzzScanners checks the scanners against the expressions they stand for.
func FuzzScanners(f *testing.F) {
	classes := newClasses()
	type both struct {
		scan scanner
		expr finder
	}
	var list []both
	for _, pattern := range []string{patternGPT2, patternLlama3, patternQwen2, patternQwen35, patternO200k, patternTekken} {
		s, ok := scannerFor(pattern, classes)
		if !ok {
			f.Fatalf("no scanner for %s", pattern)
		}
		expr, err := newRegex(pattern)
		if err != nil {
			f.Fatal(err)
		}
		list = append(list, both{s, expr})
	}
	for _, v := range []string{"Hello, world's 1234 \n\n  x", "\u0301aÉ́Bǅ ʰª'LL", " \t\r\n/ \u3000a"} {
		f.Add(v)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if !utf8.ValidString(text) || len(text) > 1000 {
			return
		}
		for _, b := range list {
			got := pieces(t, b.scan, isolated, false, text)
			if want := pieces(t, b.expr, isolated, false, text); !slices.Equal(got, want) {
				t.Fatalf("%.40s… in %q\n got %q\nwant %q", b.expr.(regex).expr, text, got, want)
			}
		}
	})
}

// FuzzLoad checks that no file of the other sources makes a panic.
func FuzzLoad(f *testing.F) {
	f.Add(pieceModel, smallPieces(pieceBPE), `{"tokenizer_class":"LlamaTokenizer"}`, "ab ab<tool>")
	f.Add(pieceModel, smallPieces(pieceUnigram, protoField(3, string(protoField(2, "\x08\x00\x00\x00\x00\x04\x00\x00a\x00\x00\x80x\x00")))), `{"tokenizer_class":"T5Tokenizer"}`, " ab  xab")
	f.Add(tekkenFile, smallTekken("config.pattern", `a+|\s+(?!\S)|.`), `{"added_tokens_decoder":{"3":{"content":"[INST]"}}}`, "abab [INST]")
	f.Add(vocabFile, []byte(`{"a":0,"b":1,"ab":2}`), `{"tokenizer_class":"GPT2Tokenizer"}`, "abab")
	f.Fuzz(func(t *testing.T, name string, data []byte, config, text string) {
		tok, err := Load(files(name, string(data), configFile, config, mergesFile, "a b"))
		if err != nil || len(text) > 1000 {
			return
		}
		tryText(t, tok, text)
	})
}

// tryText checks that what a tokenizer makes of a text is tokens of its own, and
// that their text comes in whole characters.
func tryText(t *testing.T, tok *Tokenizer, text string) {
	ids, err := tok.Encode(text, true)
	if err != nil {
		return
	}
	for _, id := range ids {
		if _, ok := tok.IDToToken(id); !ok {
			t.Fatalf("%q became token %d, which does not exist", text, id)
		}
	}
	whole := tok.Decode(ids, false)
	var parts strings.Builder
	s := tok.NewStream(false)
	for _, id := range ids {
		part := s.Push(id)
		if !utf8.ValidString(part) {
			t.Fatalf("the stream of %v has %q", ids, part)
		}
		parts.WriteString(part)
	}
	parts.WriteString(s.Flush())
	if parts.String() != whole || !utf8.ValidString(whole) {
		t.Fatalf("Decode(%v) = %q, in parts %q", ids, whole, parts.String())
	}
}
