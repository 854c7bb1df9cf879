package tokenizer

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"flag"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"unicode/utf8"
)

var oracle = flag.String("oracle", "testdata/*.jsonl.gz", "tokenizers and what reference programs make of texts, as testdata/oracle.py writes them")

// record is a text with its tokens, or tokens with their text.
type record struct {
	Text           string
	Error          string
	IDs            []int32 `json:"ids"`
	IDsWithSpecial []int32 `json:"ids_with_special"`
	Decode         []int32
	Decoded        string
	Skipped        string // decoded without special tokens
}

func (r record) check(t *testing.T, tok *Tokenizer) (ok bool) {
	t.Helper()
	if r.Decode != nil {
		return sameText(t, tok, r.Decode, false, r.Decoded) && sameText(t, tok, r.Decode, true, r.Skipped)
	}
	for _, special := range []bool{false, true} {
		want := r.IDs
		if special {
			want = r.IDsWithSpecial
		}
		ids, err := tok.Encode(r.Text, special)
		if (err != nil) != (r.Error != "") {
			t.Errorf("Encode(%q): error %v, want %q", r.Text, err, r.Error)
			return false
		}
		if err == nil && !slices.Equal(ids, want) {
			t.Errorf("Encode(%q, %v)\n got %v\nwant %v", r.Text, special, ids, want)
			return false
		}
	}
	return true
}

// sameText checks that ids decode to want, whole and in parts.
func sameText(t *testing.T, tok *Tokenizer, ids []int32, skip bool, want string) (ok bool) {
	t.Helper()
	if got := tok.Decode(ids, skip); got != want {
		t.Errorf("Decode(%v, %v)\n got %q\nwant %q", ids, skip, got, want)
		return false
	}
	s := tok.NewStream(skip)
	var parts strings.Builder
	for _, id := range ids {
		part := s.Push(id)
		if !utf8.ValidString(part) {
			t.Errorf("the stream of %v has %q", ids, part)
		}
		parts.WriteString(part)
	}
	parts.WriteString(s.Flush())
	if parts.String() != want {
		t.Errorf("the stream of %v is %q, want %q", ids, parts.String(), want)
		return false
	}
	return true
}

// TestOracle compares with tokenizers that reference programs trained for this,
// with settings drawn at random.
func TestOracle(t *testing.T) {
	files, err := filepath.Glob(*oracle)
	if err != nil || len(files) == 0 {
		t.Fatalf("%s: no files, error %v", *oracle, err)
	}
	for _, name := range files {
		t.Run(filepath.Base(name), func(t *testing.T) { checkOracle(t, name) })
	}
}

func checkOracle(t *testing.T, name string) {
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewReader(unpacked(t, data))
	var tok *Tokenizer
	tokenizers, records, bad := 0, 0, 0
	for {
		line, err := lines.ReadBytes('\n')
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		var v struct {
			Tokenizer json.RawMessage // a tokenizer.json
			Files     map[string][]byte
			record
		}
		if err := json.Unmarshal(line, &v); err != nil {
			t.Fatal(err)
		}
		if v.Tokenizer != nil || v.Files != nil {
			tokenizers++
			bad = 0
			if v.Tokenizer != nil {
				v.Files = map[string][]byte{File: v.Tokenizer}
			}
			dir := fstest.MapFS{}
			for name, data := range v.Files {
				dir[name] = &fstest.MapFile{Data: data}
			}
			if tok, err = Load(dir); err != nil {
				t.Fatalf("tokenizer %d: %v", tokenizers, err)
			}
			continue
		}
		records++
		if bad < 3 && !v.check(t, tok) {
			t.Errorf("that was tokenizer %d", tokenizers)
			bad++
		}
	}
	t.Logf("%d tokenizers, %d records", tokenizers, records)
}

func unpacked(t *testing.T, data []byte) io.Reader {
	z, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	return z
}

// TestUnigramOfGGUF puts the models of the oracle into the words of GGUF.
func TestUnigramOfGGUF(t *testing.T) {
	data, err := os.ReadFile("testdata/sentencepiece.jsonl.gz")
	if err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(unpacked(t, data))
	lines.Buffer(nil, 1<<24)
	var tok *Tokenizer
	records := 0
	for lines.Scan() {
		var v struct {
			Files map[string][]byte
			record
		}
		if err := json.Unmarshal(lines.Bytes(), &v); err != nil {
			t.Fatal(err)
		}
		if v.Files != nil {
			tok = unigramOfGGUF(t, v.Files[pieceModel])
			continue
		}
		if tok == nil || v.Decode != nil {
			continue
		}
		records++
		if ids, err := tok.Encode(v.Text, false); err != nil || !slices.Equal(ids, v.IDs) {
			t.Errorf("Encode(%q)\n got %v, error %v\nwant %v", v.Text, ids, err, v.IDs)
		}
	}
	if err := lines.Err(); err != nil || records == 0 {
		t.Errorf("%d records, error %v", records, err)
	}
}

// unigramOfGGUF returns nil for what model t5 of a GGUF file has no words for.
func unigramOfGGUF(t *testing.T, data []byte) *Tokenizer {
	f, err := parsePieceFile(data)
	if err != nil {
		t.Fatal(err)
	}
	if f.model != pieceUnigram || f.suffix || !f.rules.EscapeWhitespaces {
		return nil
	}
	m := Metadata{Model: "t5", Tokens: f.Tokens, Scores: f.Scores, BOS: -1, EOS: 2, EOT: -1, PrecompiledCharsmap: f.rules.Charsmap,
		AddSpacePrefix: &f.rules.AddDummyPrefix, RemoveExtraWhitespaces: &f.rules.RemoveExtraWhitespaces}
	for _, kind := range f.Types {
		m.TokenTypes = append(m.TokenTypes, int(kind))
	}
	tok, err := FromGGUF(m)
	if err != nil {
		t.Fatal(err)
	}
	if len(tok.after) != 1 || len(tok.before) != 0 {
		t.Errorf("around a text stand %v and %v, want the end only", tok.before, tok.after)
	}
	return tok
}
