package tokenizer

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"testing"
	"testing/fstest"
)

// protoField writes a field of a protobuf message.
func protoField(id int, value any) []byte {
	tag := func(w wireType) []byte { return binary.AppendUvarint(nil, uint64(id)<<3|uint64(w)) }
	switch v := value.(type) {
	case int:
		return binary.AppendUvarint(tag(wireVarint), uint64(v))
	case float32:
		return binary.LittleEndian.AppendUint32(tag(wireFixed32), math.Float32bits(v))
	case string:
		return append(binary.AppendUvarint(tag(wireBytes), uint64(len(v))), v...)
	}
	panic(fmt.Sprintf("field of type %T", value))
}

// smallPieces is a tokenizer.model of a few pieces, with more fields of the
// message at the end.
func smallPieces(model int, more ...[]byte) []byte {
	var out []byte
	for i, p := range []struct {
		piece string
		kind  tokenType
	}{{"<unk>", unknownToken}, {"<s>", controlToken}, {"</s>", controlToken}, {"▁", normalToken}, {"a", normalToken}, {"b", normalToken},
		{"ab", normalToken}, {"▁ab", normalToken}, {"<tool>", userToken}} {
		piece := string(protoField(1, p.piece)) + string(protoField(2, float32(-i))) + string(protoField(3, int(p.kind)))
		out = append(out, protoField(1, piece)...)
	}
	out = append(out, protoField(2, string(protoField(3, model)))...)
	for _, m := range more {
		out = append(out, m...)
	}
	return out
}

func smallTekken(change string, value any) []byte {
	var vocab []map[string]any
	for i := range 256 {
		vocab = append(vocab, map[string]any{"rank": i, "token_bytes": base64.StdEncoding.EncodeToString([]byte{byte(i)})})
	}
	vocab = append(vocab, map[string]any{"rank": 256, "token_bytes": base64.StdEncoding.EncodeToString([]byte("ab"))})
	config := map[string]any{"pattern": patternTekken, "default_vocab_size": 267, "default_num_special_tokens": 10, "version": "v3"}
	file := map[string]any{"vocab": vocab, "config": config}
	if key, ok := strings.CutPrefix(change, "config."); ok {
		config[key] = value
	} else if change != "" {
		file[change] = value
	}
	data, err := json.Marshal(file)
	if err != nil {
		panic(err)
	}
	return data
}

func files(list ...string) fstest.MapFS {
	dir := fstest.MapFS{}
	for i := 0; i+1 < len(list); i += 2 {
		dir[list[i]] = &fstest.MapFile{Data: []byte(list[i+1])}
	}
	return dir
}

// TestSources loads tokenizers from every kind of file.
func TestSources(t *testing.T) {
	vocab := `{"a":0,"b":1,"ab":2,"Ġ":3,"<|endoftext|>":4}`
	for _, tt := range []struct {
		name       string
		dir        fstest.MapFS
		text, want string
		eos        int32
	}{
		{"merges", files(pieceModel, string(smallPieces(pieceBPE))), "ab ab<tool>ab</s>", "<s> ▁ab ▁ab <tool> ab </s>", 2},
		{"unigram", files(pieceModel, string(smallPieces(pieceUnigram))), "b ab<tool>xx", "<s> ▁ b ▁ab <tool> <unk>", 2},
		{"T5", files(pieceModel, string(smallPieces(pieceUnigram)), configFile, `{"tokenizer_class":"T5TokenizerFast"}`), "ab", "▁ab </s>", 2},
		{"no BOS", files(pieceModel, string(smallPieces(pieceBPE)), configFile, `{"add_bos_token":false,"add_eos_token":true,"eos_token":"</s>"}`), "ab", "▁ab </s>", 2},
		{"more tokens", files(pieceModel, string(smallPieces(pieceBPE)), addedFile, `{"<x>":9}`, specialsFile, `{"eos_token":{"content":"<x>"}}`), "ab<x>", "<s> ▁ab <x>", 2},
		{"tekken", files(tekkenFile, string(smallTekken("", nil))), "abc[INST]", "<s> ab c [INST]", 2},
		{"tekken with its own special tokens", files(tekkenFile, string(smallTekken("special_tokens", []map[string]any{{"rank": 0, "token_str": "</s>"}}))), "ab<SPECIAL_9>", "ab <SPECIAL_9>", 0},
		{"GPT-2", files(vocabFile, vocab, mergesFile, "#version: 0.2\na b\n"), "ab a<|endoftext|>", "ab Ġ a <|endoftext|>", 4},
		{"Qwen 2", files(vocabFile, vocab, mergesFile, "a b\r\n", configFile, `{"tokenizer_class":"Qwen2Tokenizer","eos_token":"<|endoftext|>"}`), "ab", "ab", 4},
		{"tokenizer.json goes first", files(File, string(smallFile(t)), pieceModel, "damaged", specialsFile, `{"eos_token":"</s>"}`), "he", "he", 265},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tok, err := Load(tt.dir)
			if err != nil {
				t.Fatal(err)
			}
			if got := spelled(t, tok, tt.text, true); got != tt.want {
				t.Errorf("Encode(%q) = %s, want %s", tt.text, got, tt.want)
			}
			if eos := first(tok.EOS()); eos != tt.eos {
				t.Errorf("EOS %d, want %d", eos, tt.eos)
			}
		})
	}
}

// TestSourcesRefuse checks that what is damaged or not known is named.
func TestSourcesRefuse(t *testing.T) {
	unused := protoField(1, string(protoField(1, "c"))+string(protoField(3, int(unusedToken))))
	for _, tt := range []struct {
		dir  fstest.MapFS
		want string
	}{
		{files(pieceModel, string(smallPieces(3))), "model_type 3"},
		{files(pieceModel, string(smallPieces(pieceBPE, unused))), "UNUSED"},
		{files(pieceModel, string(smallPieces(pieceBPE, protoField(7, 1)))), "wire type"},
		{files(pieceModel, string(smallPieces(pieceBPE, protoField(7, "x")))), "field 7"},
		{files(pieceModel, string(smallPieces(pieceBPE, protoField(3, string(protoField(9, 1)))))), "normalizer_spec: field 9"},
		{files(pieceModel, string(smallPieces(pieceBPE, protoField(3, string(protoField(2, "abc")))))), "precompiled_charsmap"},
		{files(pieceModel, string(smallPieces(pieceBPE, protoField(5, string(protoField(2, "abc")))))), "denormalizer_spec"},
		{files(pieceModel, string(smallPieces(pieceBPE, protoField(2, string(protoField(35, 1)))))), "byte_fallback"},
		{files(pieceModel, string(smallPieces(pieceBPE, protoField(1, string(protoField(1, "a")))))), "the ids 4 and 9"},
		{files(pieceModel, string(smallPieces(pieceBPE))[:40]), "damaged"},
		{files(pieceModel, ""), "no pieces"},
		{files(pieceModel, "IQ== 0\nIg== 1\n"), "tokenizer.model"}, // tiktoken's
		{files(pieceModel, string(smallPieces(pieceBPE)), configFile, `{"tokenizer_class":"XLMRobertaTokenizer"}`), "XLMRobertaTokenizer"},
		{files(pieceModel, string(smallPieces(pieceBPE)), addedFile, `{"x":"y"}`), addedFile},
		{files(tekkenFile, string(smallTekken("config.version", "v13"))), "special_tokens"},
		{files(tekkenFile, string(smallTekken("config.default_vocab_size", 300))), "default_vocab_size 300"},
		{files(tekkenFile, string(smallTekken("config.colour", 1))), "colour"},
		{files(tekkenFile, string(smallTekken("vocab", []int{1}))), "default_vocab_size"},
		{files(vocabFile, `{}`), mergesFile},
		{files(vocabFile, `{}`, mergesFile, "abc"), mergesFile},
		{files(vocabFile, `{}`, mergesFile, "", configFile, `{"tokenizer_class":"CLIPTokenizer"}`), "CLIPTokenizer"},
	} {
		if _, err := Load(tt.dir); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("error %v, want one that says %s", err, tt.want)
		}
	}
}
