package architecture

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/ailiance/lorabench/model/checkpoint"
)

// openModel does what a loader does before it computes: configuration, weights,
// every tensor there and finite.
func openModel(dir fs.FS) error {
	data, err := fs.ReadFile(dir, checkpoint.ConfigFile)
	if err != nil {
		return err
	}
	cfg, err := Parse(data)
	if err != nil {
		return err
	}
	w, err := checkpoint.OpenWeights(dir)
	if err != nil {
		return err
	}
	defer w.Close()
	if err := cfg.Check(w); err != nil {
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
			w, err := checkpoint.OpenWeights(dir)
			if err != nil {
				t.Fatal(err)
			}
			defer w.Close()
			if got, want := len(w.Names()), len(cfg.Tensors()); got != want {
				t.Errorf("%d tensors, want %d", got, want)
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
	w, err := checkpoint.OpenWeights(dir)
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

// TestTiedTwice stores a tied matrix under both names: equal is accepted,
// different is refused.
func TestTiedTwice(t *testing.T) {
	cfg, err := Parse([]byte(`{"model_type":"llama","hidden_size":2,"num_attention_heads":1,"intermediate_size":1,` +
		`"num_hidden_layers":1,"vocab_size":3,"tie_word_embeddings":true}`))
	if err != nil {
		t.Fatal(err)
	}
	build := func(head byte) *checkpoint.Safetensors {
		var entries []string
		var data []byte
		add := func(spec TensorSpec, fill byte) {
			n := 1
			for _, d := range spec.Shape {
				n *= d
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
		s, err := checkpoint.ParseSafetensors("f", safetensorsFile("{"+strings.Join(entries, ",")+"}", data))
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	if err := cfg.Check(build(1)); err != nil {
		t.Errorf("equal: %v", err)
	}
	wantError(t, cfg.Check(build(2)), "lm_head.weight and model.embed_tokens.weight differ")
	cfg.tieAssumed = true // only the class says that they are tied
	for _, head := range []byte{1, 2} {
		if err := cfg.Check(build(head)); err != nil || cfg.TieWordEmbeddings != (head == 1) {
			t.Errorf("tied by default, head %d: tied %t, %v", head, cfg.TieWordEmbeddings, err)
		}
	}
}

// safetensorsFile makes a file of a header as text and data.
func safetensorsFile(header string, data []byte) []byte {
	b := binary.LittleEndian.AppendUint64(nil, uint64(len(header)))
	return append(append(b, header...), data...)
}

func readShared(t testing.TB, path ...string) []byte {
	t.Helper()
	data, err := os.ReadFile(sharedDir(t, path...))
	if err != nil {
		t.Fatal(err)
	}
	return data
}
