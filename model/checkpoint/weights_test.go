package checkpoint

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

// shardedFS is a checkpoint of two shards with one tensor each, a and b.
func shardedFS(index string) fstest.MapFS {
	shard := func(name string) *fstest.MapFile {
		return &fstest.MapFile{Data: safetensorsFile(fmt.Sprintf(`{%q:{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}`, name), []byte{1})}
	}
	return fstest.MapFS{
		IndexFile:       {Data: []byte(index)},
		"1.safetensors": shard("a"),
		"2.safetensors": shard("b"),
	}
}

func TestOpenWeightsRefuses(t *testing.T) {
	good := `{"weight_map":{"a":"1.safetensors","b":"2.safetensors"}}`
	w, err := OpenWeights(shardedFS(good))
	if err != nil || !slices.Equal(w.Names(), []string{"a", "b"}) || !slices.Equal(w.Files(), []string{"1.safetensors", "2.safetensors"}) {
		t.Fatalf("good index: %v, %v", w, err)
	}
	for _, tt := range []struct{ name, index, want string }{
		{"tensor of a shard not in the map", `{"weight_map":{"b":"2.safetensors","c":"1.safetensors"}}`, "tensor c is not in 1.safetensors; tensor a of 1.safetensors is not in weight_map"},
		{"swapped", `{"weight_map":{"a":"2.safetensors","b":"1.safetensors"}}`, "tensor a is not in 2.safetensors"},
		{"missing shard", `{"weight_map":{"a":"1.safetensors","b":"3.safetensors"}}`, "shard 3.safetensors"},
		{"parent folder", `{"weight_map":{"a":"../1.safetensors"}}`, `tensor a: file "../1.safetensors" is not inside`},
		{"absolute", `{"weight_map":{"a":"/etc/passwd"}}`, "is not inside"},
		{"drive", `{"weight_map":{"a":"C:\\x"}}`, "is not inside"},
		{"empty name", `{"weight_map":{"a":""}}`, "is not inside"},
		{"folder", `{"weight_map":{"a":"."}}`, "is not inside"},
		{"twice", `{"weight_map":{"a":"1.safetensors","a":"2.safetensors"}}`, `"a" is there twice`},
		{"empty map", `{"weight_map":{}}`, "names no tensor"},
		{"no map", `{"metadata":{"total_size":1}}`, "names no tensor"},
		{"unknown key", `{"weights":{}}`, `key "weights" is not known`},
		{"deep", `{"metadata":` + nested(100) + `}`, "nested deeper than 32 levels"},
		{"a number", `{"weight_map":{"a":1}}`, "tensor a: want a string"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := OpenWeights(shardedFS(tt.index))
			wantError(t, err, tt.want)
			if err != nil && !strings.Contains(err.Error(), IndexFile) {
				t.Errorf("error %q does not name %s", err, IndexFile)
			}
		})
	}
	both := shardedFS(good)
	both[WeightsFile] = both["1.safetensors"]
	_, err = OpenWeights(both)
	wantError(t, err, WeightsFile+" is there, and "+IndexFile+` names "1.safetensors"`)
	_, err = OpenWeights(fstest.MapFS{"pytorch_model.bin": {}})
	wantError(t, err, "a pickle can run code")
	if _, err = OpenWeights(fstest.MapFS{}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("empty folder: %v, want fs.ErrNotExist", err)
	}
	_, err = OpenWeights(fstest.MapFS{WeightsFile + "/x": {}})
	wantError(t, err, "not a regular file")
}

// TestHash computes the identity as the documentation says: of one file the
// sum of its bytes, of shards the sum of sha256sum's lines.
func TestHash(t *testing.T) {
	dir := shardedFS(`{"weight_map":{"a":"1.safetensors","b":"2.safetensors"}}`)
	w, err := OpenWeights(dir)
	if err != nil {
		t.Fatal(err)
	}
	one, two := sha256.Sum256(dir["1.safetensors"].Data), sha256.Sum256(dir["2.safetensors"].Data)
	want := fmt.Sprintf("sha256:%x", sha256.Sum256(fmt.Appendf(nil, "%x  1.safetensors\n%x  2.safetensors\n", one, two)))
	if got, err := w.Hash(t.Context()); err != nil || got != want {
		t.Errorf("hash of shards %s, %v, want %s", got, err, want)
	}
	w, err = OpenWeights(fstest.MapFS{WeightsFile: dir["1.safetensors"]})
	if err != nil {
		t.Fatal(err)
	}
	want = fmt.Sprintf("sha256:%x", one)
	if got, err := w.Hash(t.Context()); err != nil || got != want {
		t.Errorf("hash of one file %s, %v, want %s", got, err, want)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	cause := errors.New("out of time")
	cancel(cause)
	if _, err := w.Hash(ctx); !errors.Is(err, cause) {
		t.Errorf("hash after the end of its context: %v, want %v", err, cause)
	}
}

// TestHashOfChunks hashes a file longer than a chunk of hash.
func TestHashOfChunks(t *testing.T) {
	data := bytes.Repeat([]byte("weights!"), 4<<20)
	if got, want := (&file{data: data}).hash(t.Context()), sha256.Sum256(data); got != want {
		t.Errorf("hash %x, want %x", got, want)
	}
}
