package tokenizer

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

// smallFile is a tokenizer.json: all bytes, a few merges, three added tokens.
// Each change is the name of a member and the JSON that replaces it.
func smallFile(t testing.TB, changes ...string) []byte {
	t.Helper()
	vocab := map[string]int{}
	for i, letter := range newAlphabet().letters {
		vocab[string(letter)] = i
	}
	merges := []string{"h e", "l l", "he ll", "hell o", "Ġ w", "a a", "aa aa", "Ġ Ġ"}
	for i, m := range merges {
		vocab[strings.ReplaceAll(m, " ", "")] = 256 + i
	}
	n := 256 + len(merges)
	file := map[string]any{
		"version":        "1.0",
		"pre_tokenizer":  json.RawMessage(stepGPT2),
		"decoder":        json.RawMessage(`{"type":"ByteLevel"}`),
		"post_processor": json.RawMessage(`{"type":"ByteLevel","trim_offsets":true}`),
		"added_tokens": json.RawMessage(fmt.Sprintf(`[{"id":%d,"content":"<s>","special":true,"normalized":false},
			{"id":%d,"content":"</s>","special":true,"normalized":false},
			{"id":%d,"content":"<tool>","special":false,"normalized":false,"lstrip":true,"rstrip":true}]`, n, n+1, n+2)),
		"model": map[string]any{"type": "BPE", "vocab": vocab, "merges": merges},
	}
	for i := 0; i+1 < len(changes); i += 2 {
		member := file
		key := changes[i]
		if inner, ok := strings.CutPrefix(key, "model."); ok {
			key, member = inner, file["model"].(map[string]any)
		}
		member[key] = json.RawMessage(changes[i+1])
	}
	data, err := json.Marshal(file)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func parseSmall(t testing.TB, changes ...string) *Tokenizer {
	t.Helper()
	tok, err := Parse(smallFile(t, changes...), nil)
	if err != nil {
		t.Fatal(err)
	}
	return tok
}

// spelled encodes text and spells the tokens.
func spelled(t testing.TB, tok *Tokenizer, text string, addSpecial bool) string {
	t.Helper()
	ids, err := tok.Encode(text, addSpecial)
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	for _, id := range ids {
		token, ok := tok.IDToToken(id)
		if !ok {
			t.Fatalf("%q became token %d, which does not exist", text, id)
		}
		list = append(list, token)
	}
	return strings.Join(list, " ")
}
