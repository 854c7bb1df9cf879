package tokenizer

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
)

// shared is where the reference vectors lie, beside the repository.
const shared = "../../../shared"

// readShared returns a file of reference material, unpacked if its name ends in
// .gz, or skips the test.
func readShared(t testing.TB, path ...string) []byte {
	t.Helper()
	if _, err := os.Stat(shared); err != nil {
		t.Skip("../shared is not there")
	}
	name := filepath.Join(append([]string{shared}, path...)...)
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

// loadShared loads the directory data/tokenizers/<name>, whose files may be
// packed.
func loadShared(t testing.TB, name string) *Tokenizer {
	t.Helper()
	dir := fstest.MapFS{File: {Data: readShared(t, "data", "tokenizers", name, File+".gz")}}
	for _, ending := range []string{"", ".gz"} {
		if _, err := os.Stat(filepath.Join(shared, "data", "tokenizers", name, configFile+ending)); err == nil {
			dir[configFile] = &fstest.MapFile{Data: readShared(t, "data", "tokenizers", name, configFile+ending)}
		}
	}
	tok, err := Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	return tok
}

// vector is a text with the tokens that a reference program makes of it.
type vector struct {
	Tokenizer      string
	Name, Source   string
	Text           string
	TextPair       *string `json:"text_pair"`
	IDs            []int32 `json:"ids"`
	IDsWithSpecial []int32 `json:"ids_with_special"`
	Decoded        *string
}

func readVectors(t testing.TB, path ...string) []vector {
	t.Helper()
	var list []vector
	lines := bufio.NewScanner(bytes.NewReader(readShared(t, path...)))
	lines.Buffer(nil, 1<<24)
	for lines.Scan() {
		var v vector
		if err := json.Unmarshal(lines.Bytes(), &v); err != nil {
			t.Fatal(err)
		}
		list = append(list, v)
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	return list
}

// llamaCppVectors reads the vectors of llama.cpp for a vocabulary.
func llamaCppVectors(t testing.TB, name string) []vector {
	t.Helper()
	texts := strings.Split(string(readShared(t, "vectors", "llama_cpp", "vocab_vectors", "ggml-vocab-"+name+".gguf.inp")), "\n__ggml_vocab_test__\n")
	lines := strings.Split(string(readShared(t, "vectors", "llama_cpp", "vocab_vectors", "ggml-vocab-"+name+".gguf.out")), "\n")
	if len(lines) < len(texts) {
		t.Fatalf("%s: %d texts, %d lines of ids", name, len(texts), len(lines))
	}
	list := make([]vector, len(texts))
	for i, text := range texts {
		list[i].Text = text
		ids := strings.ReplaceAll(strings.TrimSpace(lines[i]), " ", ",")
		if err := json.Unmarshal([]byte("["+ids+"]"), &list[i].IDs); err != nil {
			t.Fatalf("%s: line %d: %v", name, i+1, err)
		}
	}
	return list
}
