package tokenizer

import (
	"fmt"
	"maps"
	"slices"
	"testing"
)

// BenchmarkEncode is English prose on one core.
func BenchmarkEncode(b *testing.B) {
	text := string(readShared(b, "data", "tokenizers", "gpt2", "corpus.en.gz"))
	for _, name := range []string{"smollm2", "llama3", "qwen3", "gpt4o-o200k", "mistral-v0.1", "gemma3"} {
		b.Run("tokenizer="+name, func(b *testing.B) {
			tok := loadShared(b, name)
			b.SetBytes(int64(len(text)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := tok.Encode(text, false); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkParse is the time from the bytes of a tokenizer.json to a tokenizer.
func BenchmarkParse(b *testing.B) {
	for _, name := range []string{"smollm2", "llama3", "qwen3"} {
		b.Run("tokenizer="+name, func(b *testing.B) {
			data := readShared(b, "data", "tokenizers", name, "tokenizer.json.gz")
			b.SetBytes(int64(len(data)))
			for b.Loop() {
				if _, err := Parse(data, nil); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkHostile is texts made to be slow, in two sizes: MB/s stays where time
// grows with the text alone.
func BenchmarkHostile(b *testing.B) {
	toks := hostileTokenizers(b)
	for _, tok := range slices.Sorted(maps.Keys(toks)) {
		for _, n := range []int{1 << 16, 1 << 20} {
			texts := hostileTexts(n)
			for _, name := range slices.Sorted(maps.Keys(texts)) {
				b.Run(fmt.Sprintf("tokenizer=%s/text=%s/bytes=%d", tok, name, n), func(b *testing.B) {
					b.SetBytes(int64(len(texts[name])))
					for b.Loop() {
						if _, err := toks[tok].Encode(texts[name], false); err != nil {
							b.Fatal(err)
						}
					}
				})
			}
		}
	}
}
