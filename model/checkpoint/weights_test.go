package checkpoint

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

// openModel does what a loader does before it computes: configuration, weights,
// every tensor there and finite.
func openModel(dir fs.FS) error {
	data, err := fs.ReadFile(dir, ConfigFile)
	if err != nil {
		return err
	}
	cfg, err := ParseConfig(data)
	if err != nil {
		return err
	}
	w, err := OpenWeights(dir)
	if err != nil {
		return err
	}
	defer w.Close()
	if err := CheckTensors(w, cfg); err != nil {
		return err
	}
	for _, name := range w.Names() {
		x, err := w.Tensor(name)
		if err != nil {
			return err
		}
		if err := x.CheckFinite(); err != nil {
			return err
		}
	}
	return nil
}

// TestBadModels opens every checkpoint that must be refused, mapped and read.
func TestBadModels(t *testing.T) {
	want := map[string]string{
		"extra_layer":           "tensor model.layers.2.input_layernorm.weight belongs to no module of llama with 2 layers",
		"good_control":          "",
		"good_control_sharded":  "",
		"header_length_2_60":    "header of 1152921504606846976 bytes",
		"header_length_max":     "header of 18446744073709551615 bytes",
		"huge_layers":           "num_hidden_layers is 1099511627776, want 1 to 4096",
		"index_missing_shard":   "shard model-00099-of-00099.safetensors: ",
		"index_path_escape":     "is not inside the checkpoint's folder",
		"index_wrong_shard":     "is not in model-0000",
		"json_bomb_config":      "nested deeper than 32 levels",
		"json_bomb_header":      "header: tensor a: want an object, got an array",
		"kv_heads_not_dividing": "num_attention_heads 4 is not a multiple of num_key_value_heads 3",
		"missing_tensor":        "tensor model.layers.1.mlp.up_proj.weight is missing",
		"nan_weight":            "is NaN",
		"odd_head_dim":          "head_dim 5 is odd",
		"shape_overflow":        "overflows",
		"truncated_shard":       "model-00003-of-00003.safetensors",
		"unknown_extra_tensor":  "belongs to no module",
		"unknown_hidden_act":    `hidden_act "swooosh" is not known`,
		"unknown_model_type":    `model_type "frobnicate" is not known, want one of: llama`,
		"unknown_rope_type":     `rope_type "spiral" is not known`,
		"vocab_mismatch":        "tensor model.embed_tokens.weight: shape [48 16], want [49 16]",
		"wrong_shape":           "tensor model.layers.0.self_attn.k_proj.weight: shape [7 16], want [8 16]",
		"zero_heads":            "num_attention_heads is 0, want 1 to 16384",
	}
	root := sharedDir(t, "vectors", "engine", "bad_models")
	var list []string
	if err := json.Unmarshal(readShared(t, "vectors", "engine", "bad_models", "list.json"), &list); err != nil {
		t.Fatal(err)
	}
	for _, name := range list {
		t.Run(name, func(t *testing.T) {
			says, ok := want[name]
			if !ok {
				t.Fatal("a checkpoint that this test does not know")
			}
			for where, dir := range map[string]fs.FS{"mapped": os.DirFS(root + "/" + name), "read": inMemory(t, root+"/"+name)} {
				err := openModel(dir)
				if says == "" {
					if err != nil {
						t.Errorf("%s: %v", where, err)
					}
					continue
				}
				wantError(t, err, says)
			}
		})
	}
}

// inMemory copies a folder into a file system whose files cannot be mapped.
func inMemory(t *testing.T, dir string) fstest.MapFS {
	t.Helper()
	m := fstest.MapFS{}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		data, err := os.ReadFile(dir + "/" + e.Name())
		if err != nil {
			t.Fatal(err)
		}
		m[e.Name()] = &fstest.MapFile{Data: data}
	}
	return m
}

// TestGoodModels opens the Llama checkpoints in all spellings of their
// configuration, which say the same.
func TestGoodModels(t *testing.T) {
	for _, name := range []string{"llama-tied", "llama-untied", "llama-bias"} {
		t.Run(name, func(t *testing.T) {
			dir := os.DirFS(sharedDir(t, "vectors", "engine", "models", name))
			if err := openModel(dir); err != nil {
				t.Fatal(err)
			}
			cfg := readConfig(t, "vectors", "engine", "models", name, "config.json")
			for _, spelling := range []string{"config.legacy.json", "config.minimal.json"} {
				got := readConfig(t, "vectors", "engine", "models", name, spelling)
				if fmt.Sprint(got) != fmt.Sprint(cfg) {
					t.Errorf("%s: %+v, config.json: %+v", spelling, got, cfg)
				}
			}
			w, err := OpenWeights(dir)
			if err != nil {
				t.Fatal(err)
			}
			defer w.Close()
			if got, want := len(w.Names()), len(cfg.Tensors()); got != want {
				t.Errorf("%d tensors, want %d", got, want)
			}
			for _, f := range w.shards {
				if !f.file.mapped {
					t.Logf("%s was read, not mapped", f.file.name)
				}
			}
		})
	}
}

// TestTinyStories opens a real model whose tied embedding is stored under the
// name of the head, with the alias in the metadata.
func TestTinyStories(t *testing.T) {
	dir := os.DirFS(sharedDir(t, "data", "models", "tinystories-656k"))
	if err := openModel(dir); err != nil {
		t.Fatal(err)
	}
	w, err := OpenWeights(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	x, err := w.Tensor("model.embed_tokens.weight")
	if err != nil {
		t.Fatal(err)
	}
	if x.Name != "lm_head.weight" || !slices.Equal(x.Shape, []int{2048, 128}) {
		t.Errorf("the embedding is %s %v, want lm_head.weight [2048 128]", x.Name, x.Shape)
	}
}

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
	wantError(t, err, "are both there")
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

// TestHashOfChunks hashes a file longer than a chunk of hashBytes.
func TestHashOfChunks(t *testing.T) {
	data := bytes.Repeat([]byte("weights!"), 4<<20)
	if got, want := hashBytes(t.Context(), data), sha256.Sum256(data); got != want {
		t.Errorf("hash %x, want %x", got, want)
	}
}

// TestTiedTwice stores a tied matrix under both names: equal is accepted,
// different is refused.
func TestTiedTwice(t *testing.T) {
	cfg, err := ParseConfig([]byte(`{"model_type":"llama","hidden_size":2,"num_attention_heads":1,"intermediate_size":1,` +
		`"num_hidden_layers":1,"vocab_size":3,"tie_word_embeddings":true}`))
	if err != nil {
		t.Fatal(err)
	}
	build := func(head byte) *Safetensors {
		var entries []string
		var data []byte
		add := func(spec TensorSpec, fill byte) {
			n, err := U8.bytesOf(spec.Shape)
			if err != nil {
				t.Fatal(err)
			}
			shape, err := json.Marshal(spec.Shape)
			if err != nil {
				t.Fatal(err)
			}
			entries = append(entries, fmt.Sprintf(`%q:{"dtype":"U8","shape":%s,"data_offsets":[%d,%d]}`, spec.Name, shape, len(data), len(data)+n))
			data = append(data, bytes.Repeat([]byte{fill}, n)...)
		}
		for _, spec := range cfg.Tensors() {
			add(spec, 1)
		}
		add(TensorSpec{"lm_head.weight", []int{3, 2}}, head)
		add(TensorSpec{"model.layers.0.self_attn.rotary_emb.inv_freq", []int{1}}, 0)
		s, err := ParseSafetensors("f", safetensorsFile("{"+strings.Join(entries, ",")+"}", data))
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	if err := CheckTensors(build(1), cfg); err != nil {
		t.Errorf("equal: %v", err)
	}
	wantError(t, CheckTensors(build(2), cfg), "lm_head.weight and model.embed_tokens.weight differ")
}
