package tokenizer

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"
)

func TestEncode(t *testing.T) {
	const template = `{"type":"TemplateProcessing","single":[{"SpecialToken":{"id":"x","type_id":0}},{"Sequence":{"id":"A","type_id":0}},{"SpecialToken":{"id":"y","type_id":0}}],
		"special_tokens":{"x":{"id":"x","ids":[264],"tokens":["<s>"]},"y":{"id":"y","ids":[265],"tokens":["</s>"]}}}`
	for _, tt := range []struct {
		name    string
		changes []string
		text    string
		want    string
	}{
		{"merges in their order", nil, "hello w", "hello Ġw"},
		{"leftmost of equal pairs first", nil, "aaa", "aa a"},
		{"nothing", nil, "", ""},
		{"added tokens", nil, "<s>hello</s>", "<s> hello </s>"},
		{"an added token that takes the spaces around it", nil, "he  <tool>  he", "he <tool> he"},
		{"bytes", nil, "é", "Ã ©"},
		{"template", []string{"post_processor", template}, "he", "<s> he </s>"},
		{"space in front", []string{"pre_tokenizer", `{"type":"ByteLevel","add_prefix_space":true}`}, "w", "Ġw"},
		{"digits alone", []string{"pre_tokenizer", `{"type":"Sequence","pretokenizers":[` + stepDigits + `,` + stepGPT2 + `]}`}, " 12½", "Ġ 1 2 Â ½"},
		{"a token that merges do not make", []string{"model.merges", `[]`, "model.ignore_merges", `true`}, "hello", "hello"},
		{"no merges", []string{"model.merges", `[]`}, "he", "h e"},
		{"pairs as lists", []string{"model.merges", `[["h","e"]]`}, "hello", "he l l o"},
		{"composed", []string{"normalizer", `{"type":"NFC"}`}, "e\u0301", "Ã ©"},
		{"of rules for one pair the later counts", []string{"model.merges", `["h e","l l","h e"]`}, "hell", "he ll"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tok := parseSmall(t, tt.changes...)
			if got := spelled(t, tok, tt.text, true); got != tt.want {
				t.Errorf("Encode(%q) = %s, want %s", tt.text, got, tt.want)
			}
		})
	}
	if _, err := parseSmall(t).Encode("ab\xffc", false); !errors.Is(err, ErrText) || !strings.Contains(err.Error(), "byte 2") {
		t.Errorf("error %v, want ErrText at byte 2", err)
	}
}

// TestCharacters checks the model of characters, with bytes for those that are
// no token and one unknown token for several in a row.
func TestCharacters(t *testing.T) {
	const vocab = `{"<unk>":0,"<0xC3>":1,"<0xA9>":2,"▁":3,"a":4,"b":5,"ab":6,"▁ab":7}`
	base := []string{"pre_tokenizer", `null`, "normalizer", `{"type":"Replace","pattern":{"String":" "},"content":"▁"}`, "added_tokens", `[]`,
		"model.vocab", vocab, "model.merges", `["a b","▁ ab"]`, "model.unk_token", `"<unk>"`, "model.byte_fallback", `true`,
		"decoder", `{"type":"Sequence","decoders":[{"type":"Replace","pattern":{"String":"▁"},"content":" "},{"type":"ByteFallback"},{"type":"Fuse"},{"type":"Strip","content":" ","start":1,"stop":0}]}`}
	for _, tt := range []struct {
		text, fuse, want string
	}{
		{" ab ab", "true", "▁ab ▁ab"},
		{"é a", "true", "<0xC3> <0xA9> ▁ a"},
		{"xyzab", "true", "<unk> ab"},
		{"xyzab", "false", "<unk> <unk> <unk> ab"},
		{"xéa", "true", "<0xC3> <0xA9> <unk> a"}, // as the Rust library has it
	} {
		tok := parseSmall(t, append(base, "model.fuse_unk", tt.fuse)...)
		if got := spelled(t, tok, tt.text, false); got != tt.want {
			t.Errorf("fuse %s: Encode(%q) = %s, want %s", tt.fuse, tt.text, got, tt.want)
		}
	}
	tok := parseSmall(t, base...)
	for _, tt := range []struct {
		ids  []int32
		want string
	}{
		{[]int32{7, 7}, "ab ab"},
		{[]int32{1, 2, 4}, "éa"},
		{[]int32{1, 1, 2}, "\ufffd\ufffd\ufffd"}, // a run is read whole or not at all
		{[]int32{1}, "\ufffd"},
		{[]int32{3, 3}, " "},
	} {
		if got := tok.Decode(tt.ids, false); got != tt.want {
			t.Errorf("Decode(%v) = %q, want %q", tt.ids, got, tt.want)
		}
	}
}

// TestStream checks that parts are whole characters, and come to what Decode
// returns.
func TestStream(t *testing.T) {
	tok := parseSmall(t)
	ids, err := tok.Encode("é<s>", false)
	if err != nil {
		t.Fatal(err)
	}
	euro, err := tok.Encode("€", false)
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name string
		ids  []int32
		skip bool
		want []string // by token, and what is left at the end
	}{
		{"a character of two tokens", ids, false, []string{"", "é", "<s>", ""}},
		{"special tokens skipped", ids, true, []string{"", "é", "", ""}},
		{"an end in the middle of a character", euro[:2], false, []string{"", "", "\ufffd"}},
		{"bytes of no character", []int32{euro[0], euro[0], 'a'}, false, []string{"", "\ufffd", "\ufffda", ""}},
		{"ids that no token has", []int32{-1, 1 << 20, 'a'}, false, []string{"", "", "a", ""}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := tok.NewStream(tt.skip)
			var got []string
			for _, id := range tt.ids {
				got = append(got, s.Push(id))
			}
			got = append(got, s.Flush())
			if !slices.Equal(got, tt.want) {
				t.Errorf("got %q, want %q", got, tt.want)
			}
			if whole := tok.Decode(tt.ids, tt.skip); whole != strings.Join(tt.want, "") {
				t.Errorf("Decode = %q, want %q", whole, strings.Join(tt.want, ""))
			}
		})
	}
}

func TestLossy(t *testing.T) {
	for _, tt := range []struct {
		in, want, rest string
	}{
		{"aé", "aé", ""},
		{"\xe2\x82", "", "\xe2\x82"},
		{"\xe2\x82a", "\ufffda", ""},
		{"\xe2\xe2\x82\xac", "\ufffd€", ""},
		{"\xf0\x9f\xa6z", "\ufffdz", ""},
		{"\x80\x80", "\ufffd\ufffd", ""},
		{"\xed\xa0\x80", "\ufffd\ufffd\ufffd", ""}, // a surrogate
		{"\xc0\xaf", "\ufffd\ufffd", ""},
	} {
		got, n := lossy([]byte(tt.in))
		if got != tt.want || tt.in[n:] != tt.rest {
			t.Errorf("lossy(%q) = %q, %q left, want %q, %q", tt.in, got, tt.in[n:], tt.want, tt.rest)
		}
	}
}

func TestLoad(t *testing.T) {
	const config = `{"bos_token":"<s>","eos_token":{"content":"</s>","__type":"AddedToken"},"add_bos_token":true,"unheard_of":1}`
	dir := fstest.MapFS{File: {Data: smallFile(t)}, configFile: {Data: []byte(config)}}
	tok, err := Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	if bos, ok := tok.BOS(); bos != 264 || !ok || !tok.AddsBOS() || !slices.Equal(tok.EOS(), []int32{265}) {
		t.Errorf("BOS %d, added %v, EOS %v", bos, tok.AddsBOS(), tok.EOS())
	}
	if got := spelled(t, tok, "he", true); got != "<s> he" {
		t.Errorf("Encode(he) = %s", got)
	}
	if _, err := Load(fstest.MapFS{}); !errors.Is(err, ErrNone) {
		t.Errorf("error %v, want one that wraps ErrNone", err)
	}
}

// TestIdentity checks that the hash tells tokenizers apart, and not layouts.
func TestIdentity(t *testing.T) {
	first := parseSmall(t).Identity()
	if other := parseSmall(t, "decoder", "{ \"type\" :\n\"ByteLevel\" }").Identity(); other != first {
		t.Errorf("%s and %s differ by white space", first, other)
	}
	for _, changes := range [][]string{
		{"model.merges", `["h e"]`}, {"normalizer", `{"type":"NFC"}`}, {"model.ignore_merges", `true`}, {"added_tokens", `[]`},
	} {
		if other := parseSmall(t, changes...).Identity(); other == first {
			t.Errorf("the same identity with another %s", changes[0])
		}
	}
	if !strings.HasPrefix(first, "sha256:") || len(first) != len("sha256:")+64 {
		t.Errorf("identity %q", first)
	}
}

// hostileTexts are of n bytes each.
func hostileTexts(n int) map[string]string {
	random := rand.New(rand.NewPCG(1, 2))
	noise := make([]byte, n)
	for i := range noise {
		noise[i] = byte(random.Uint32())
	}
	return map[string]string{
		"one letter":      strings.Repeat("a", n),
		"spaces":          strings.Repeat(" ", n),
		"spaces, letter":  strings.Repeat(" ", n) + "a",
		"newlines":        strings.Repeat("\n", n),
		"combining marks": "e" + strings.Repeat("\u0301\u0316", n/4),
		"digits":          strings.Repeat("1", n),
		"apostrophes":     strings.Repeat("'", n),
		"word marks":      strings.Repeat("▁", n/3),
		"two letters":     strings.Repeat("ab", n/2),
		"faces":           strings.Repeat("😀", n/4),
		"family":          strings.Repeat("👩\u200d", n/7),
		"begins of token": strings.Repeat("<", n),
		"random bytes":    strings.ToValidUTF8(string(noise), "\ufffd"),
	}
}

// hostileTokenizers are of every kind of model; those of characters take a whole
// text as one piece.
func hostileTokenizers(t testing.TB) map[string]*Tokenizer {
	load := func(dir fstest.MapFS) *Tokenizer {
		tok, err := Load(dir)
		if err != nil {
			t.Fatal(err)
		}
		return tok
	}
	more := func(pieces ...string) (fields []byte) {
		for i, p := range pieces {
			fields = append(fields, protoField(1, string(protoField(1, p))+string(protoField(2, float32(-20-i))))...)
		}
		return fields
	}
	pieces := more("aa", "aaaa", "aaaaaaaa", "▁▁", "▁▁▁▁", "ba", "1", "11", "😀", "😀😀", "\u0301", "\u0316", "\u0301\u0316", "'")
	return map[string]*Tokenizer{
		"bytes":    parseSmall(t),
		"composed": parseSmall(t, "normalizer", `{"type":"NFC"}`),
		"tokens of spaces": parseSmall(t, "added_tokens",
			`[{"id":264,"content":"  ","lstrip":true,"rstrip":true,"normalized":false},{"id":265,"content":"\n\n","lstrip":true,"normalized":true}]`),
		"scores":  load(files(pieceModel, string(smallPieces(pieceBPE, pieces)))),
		"unigram": load(files(pieceModel, string(smallPieces(pieceUnigram, pieces)))),
		"bert": parseSmall(t, "normalizer", `{"type":"BertNormalizer"}`, "pre_tokenizer", `{"type":"BertPreTokenizer"}`, "decoder", `{"type":"WordPiece"}`,
			"post_processor", `null`, "added_tokens", `[]`, "model", `{"type":"WordPiece","unk_token":"a","continuing_subword_prefix":"##","max_input_chars_per_word":100,"vocab":{"a":0,"##a":1,"1":2}}`),
	}
}

// TestHostileTexts checks that no text takes time out of proportion: quadratic
// work on these would take minutes. BenchmarkHostile shows how time grows.
func TestHostileTexts(t *testing.T) {
	check := func(t *testing.T, tok *Tokenizer, n int, decodes bool) {
		for name, text := range hostileTexts(n) {
			start := time.Now()
			ids, err := tok.Encode(text, true)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			if back := tok.Decode(ids, true); decodes && back != text {
				t.Errorf("%s: does not come back", name)
			}
			if took := time.Since(start); took > time.Minute {
				t.Errorf("%s: took %v", name, took)
			}
		}
	}
	const size = 1 << 18
	for name, tok := range hostileTokenizers(t) {
		t.Run(name, func(t *testing.T) { check(t, tok, size, name == "bytes") })
	}
	t.Run("expression", func(t *testing.T) {
		check(t, parseSmall(t, "pre_tokenizer", string(preTokenizer{steps: []string{stepSplit(`\p{L}+|\s*\n+|\s+(?!\S)|.`), stepBytes}}.json())), size/4, true)
	})
	if !testing.Short() {
		t.Run("smollm2", func(t *testing.T) { check(t, loadShared(t, "smollm2"), size, false) }) // some bytes are no tokens of it
		t.Run("mistral-v0.1", func(t *testing.T) { check(t, loadShared(t, "mistral-v0.1"), size, false) })
	}
}

// TestHostileExpression checks that an expression that goes back without end is
// an error.
func TestHostileExpression(t *testing.T) {
	f, err := newRegex(`(a+)+b`)
	if err != nil {
		t.Fatal(err)
	}
	re := f.(regex).re
	if re.MatchTimeout != regexTime {
		t.Errorf("a search may take %v, want %v", re.MatchTimeout, regexTime)
	}
	re.MatchTimeout = 100 * time.Millisecond
	err = f.find(strings.Repeat("a", 64), func(int, int) error { return nil })
	if err == nil || !strings.Contains(err.Error(), "(a+)+b") {
		t.Errorf("error %v, want one that names the expression", err)
	}
}

// TestGrowth checks that a normalizer cannot make a text of any length.
func TestGrowth(t *testing.T) {
	long := strings.Repeat("x", 1<<12)
	tok := parseSmall(t, "normalizer", `{"type":"Sequence","normalizers":[{"type":"Replace","pattern":{"String":"a"},"content":"`+long+`"},{"type":"Replace","pattern":{"Regex":"x"},"content":"`+long+`"}]}`)
	if _, err := tok.Encode(strings.Repeat("a", 1000), false); err == nil || !strings.Contains(err.Error(), "the normalizer makes more than") {
		t.Errorf("error %v, want one that says how long the text became", err)
	}
}

// TestFromGGUF checks what GGUF metadata add to a tokenizer, and what is refused.
func TestFromGGUF(t *testing.T) {
	small := func() Metadata {
		m := Metadata{Model: "gpt2", Pre: "llama-bpe", BOS: 257, EOS: 258, EOT: -1, Merges: []string{"a b"}}
		for _, letter := range newAlphabet().letters {
			m.Tokens = append(m.Tokens, string(letter))
		}
		m.Tokens = append(m.Tokens, "ab", "<s>", "</s>", "<pad>")
		m.TokenTypes = append(slices.Repeat([]int{1}, 257), 3, 3, 5)
		return m
	}
	tok, err := FromGGUF(small())
	if err != nil {
		t.Fatal(err)
	}
	if got := spelled(t, tok, "ab</s>", true); got != "<s> ab </s>" {
		t.Errorf("Encode = %s, want <s> ab </s>: llama-bpe begins with BOS", got)
	}
	no := false
	for _, tt := range []struct {
		name   string
		change func(*Metadata)
		want   string // of the error; "" for none
	}{
		{"no BOS", func(m *Metadata) { m.AddBOS = &no }, ""},
		{"t5 without scores", func(m *Metadata) { m.Model = "t5" }, "0 scores"},
		{"bert without CLS", func(m *Metadata) { m.Model, m.CLS = "bert", -1 }, "bos_token_id"},
		{"model", func(m *Metadata) { m.Model = "rwkv" }, `model "rwkv"`},
		{"pre", func(m *Metadata) { m.Pre = "unheard-of" }, `pre "unheard-of"`},
		{"no pre", func(m *Metadata) { m.Pre = "" }, `pre ""`},
		{"type of token", func(m *Metadata) { m.TokenTypes[3] = 9 }, "type 9"},
		{"types", func(m *Metadata) { m.TokenTypes = m.TokenTypes[:5] }, "5 entries"},
		{"merge", func(m *Metadata) { m.Merges[0] = "ab" }, "entry 0"},
		{"merge of unknown", func(m *Metadata) { m.Merges[0] = "a c" }, `"ac"`},
		{"EOS", func(m *Metadata) { m.EOS = 4000 }, "4000"},
		{"twice", func(m *Metadata) { m.Tokens[5] = m.Tokens[6] }, "has the ids"},
		{"UTF-8", func(m *Metadata) { m.Tokens[7] = "\xb4" }, "not UTF-8"},
		{"BOS missing", func(m *Metadata) { m.BOS = -1 }, "bos_token_id"},
	} {
		m := small()
		tt.change(&m)
		tok, err := FromGGUF(m)
		if tt.want == "" {
			if err != nil || tok.AddsBOS() {
				t.Errorf("%s: error %v", tt.name, err)
			}
			continue
		}
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: error %v, want one that says %s", tt.name, err, tt.want)
		}
	}
}

// TestParseRefuses checks that what is not known or not well formed is an error
// that names it.
func TestParseRefuses(t *testing.T) {
	nested := strings.Repeat(`{"type":"Sequence","normalizers":[`, 20) + strings.Repeat(`]}`, 20)
	for _, tt := range []struct {
		member, value, want string
	}{
		{"model.type", `"Wordle"`, `model: type "Wordle"`},
		{"model.type", `"Unigram"`, `vocab is`},
		{"model", `{"type":"Unigram","vocab":[["a",1],["a",2]]}`, "the ids 0 and 1"},
		{"model", `{"type":"Unigram","vocab":[["a"]]}`, "entry 0"},
		{"model", `{"type":"Unigram","vocab":[["a",null]]}`, "entry 0"},
		{"model", `{"type":"Unigram","vocab":[["a",1]],"unk_id":1}`, "unk_id is 1"},
		{"model", `{"type":"Unigram","vocab":[["",1]]}`, "empty"},
		{"model", `{"type":"WordPiece","unk_token":"a","vocab":{"a":0},"max_input_chars_per_word":1000000}`, "max_input_chars_per_word"},
		{"model", `{"type":"WordLevel","unk_token":"b","vocab":{"a":0}}`, "unk_token"},
		{"model.dropout", `0.1`, "dropout 0.1"},
		{"model.unheard_of", `1`, `"unheard_of"`},
		{"model.merges", `["a"]`, "entry 0"},
		{"model.merges", `["a b c"]`, "entry 0"},
		{"model.merges", `[["a"]]`, "entry 0"},
		{"model.merges", `["a ☃"]`, "☃"},
		{"model.merges", `["a b"]`, `"ab"`},
		{"model.merges", `7`, "merges is 7"},
		{"model.vocab", `null`, "vocab: missing"},
		{"model.vocab", `{"a":1e9}`, `id of "a"`},
		{"model.vocab", `{"a":4294967296}`, "id 4294967296"},
		{"model.vocab", `{"a":-1}`, "id -1"},
		{"model.vocab", `{"a":1,"b":1}`, "same id 1"},
		{"model.vocab", `{"a":1,"a":2}`, "the ids 1 and 2"},
		{"model.unk_token", `"☃"`, "unk_token"},
		{"normalizer", `{"type":"Precompiled"}`, `precompiled_charsmap: 0 bytes`},
		{"normalizer", `{"type":"Precompiled","precompiled_charsmap":"*"}`, `not base64`},
		{"normalizer", `{"type":"Sequence","normalizers":[{"type":"NFC"},{"type":"Rot13"}]}`, `part 1: type "Rot13"`},
		{"normalizer", nested, "nested deeper"},
		{"normalizer", `{"type":"NFC","strength":2}`, `"strength"`},
		{"normalizer", `{"type":"Replace","pattern":{"String":""},"content":"x"}`, "String is empty"},
		{"normalizer", `{"type":"Replace","pattern":{},"content":"x"}`, "want String or Regex"},
		{"pre_tokenizer", `{"type":"FixedLength","length":0}`, `length is 0`},
		{"pre_tokenizer", `{"type":"Rot13"}`, `pre_tokenizer: type "Rot13"`},
		{"pre_tokenizer", `{"type":"Split","pattern":{"Regex":"a\\K"},"behavior":"Isolated","invert":false}`, `\K is not supported`},
		{"pre_tokenizer", `{"type":"Split","pattern":{"Regex":"a(?i)b"},"behavior":"Isolated","invert":false}`, `(?i)`},
		{"pre_tokenizer", `{"type":"Split","pattern":{"String":"a"},"behavior":"Sideways"}`, "Sideways"},
		{"pre_tokenizer", `"ByteLevel"`, "want an object"},
		{"post_processor", `{"type":"Unheard"}`, `post_processor: type "Unheard"`},
		{"post_processor", `{"type":"TemplateProcessing","single":[{"SpecialToken":{"id":"x"}}],"special_tokens":{}}`, `"x"`},
		{"post_processor", `{"type":"TemplateProcessing","single":[{"Sequence":{"id":"A"}},{"Sequence":{"id":"A"}}],"special_tokens":{}}`, "once"},
		{"decoder", `{"type":"CTC"}`, `decoder: type "CTC"`},
		{"decoder", `{"type":"BPEDecoder","suffix":""}`, "suffix is empty"},
		{"decoder", `{"type":"Strip","content":" ","start":0,"stop":100000}`, "100000 at the end"},
		{"post_processor", `{"type":"BertProcessing","sep":["a",1]}`, "cls is missing"},
		{"added_tokens", `[{"id":1,"content":""}]`, "content is empty"},
		{"added_tokens", `[{"id":300000,"content":"xyz"}]`, "id 300000"},
		{"added_tokens", `[{"id":1,"content":"x","colour":"red"}]`, `"colour"`},
		{"added_tokens", `[{"id":0,"content":"xyz"}]`, "same id 0"},
		{"unheard_of", `1`, `"unheard_of"`},
	} {
		_, err := Parse(smallFile(t, tt.member, tt.value), nil)
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s %.60s: error %v, want one that says %s", tt.member, tt.value, err, tt.want)
		}
	}
	_, err := Parse(smallFile(t, "normalizer", `{"type":"Replace","pattern":{"String":"é"},"content":"e"}`,
		"added_tokens", `[{"id":264,"content":"xé","normalized":true},{"id":265,"content":"xe","normalized":true}]`), nil)
	if err == nil || !strings.Contains(err.Error(), "of both") {
		t.Errorf("error %v, want one that tells of two equal tokens", err)
	}
	for _, config := range []string{`{"bos_token":"<unheard-of>"}`, `[]`, `{"add_bos_token":true}`, `{"split_special_tokens":true}`, `{`,
		`{"added_tokens_decoder":{"264":{"content":"other"}}}`} {
		if _, err := Parse(smallFile(t), []byte(config)); err == nil {
			t.Errorf("%s was read without an error", config)
		}
	}
}

// TestConcurrent has one tokenizer used by several goroutines, for the race
// detector.
func TestConcurrent(t *testing.T) {
	tok := parseSmall(t, "pre_tokenizer", string(preTokenizer{steps: []string{stepSplit(`\p{L}+|.`), stepBytes}}.json()))
	var wait sync.WaitGroup
	for range 4 {
		wait.Go(func() {
			for range 20 {
				if ids, err := tok.Encode("hello é <s>", true); err != nil || tok.Decode(ids, false) != "hello é <s>" {
					t.Errorf("got %v, error %v", ids, err)
				}
			}
		})
	}
	wait.Wait()
}

// TestTruncated cuts a file short everywhere.
func TestTruncated(t *testing.T) {
	data := smallFile(t)
	for n := range data {
		if _, err := Parse(data[:n], nil); err == nil {
			t.Fatalf("the first %d bytes of %d were read without an error", n, len(data))
		}
	}
}

func ExampleTokenizer_NewStream() {
	tok, err := Parse([]byte(`{"model":{"type":"BPE","vocab":{"a":0,"b":1},"merges":[]},"decoder":{"type":"Fuse"}}`), nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	s := tok.NewStream(true)
	for _, id := range []int32{0, 1, 0} {
		fmt.Print(s.Push(id), ".")
	}
	fmt.Println(s.Flush())
	// Output: a.b.a.
}
