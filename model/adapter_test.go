package model

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/ailiance/lorabench/model/architecture"
	"github.com/ailiance/lorabench/model/checkpoint"
)

// tensorsOf reads the tensors of a tiny adapter.
func tensorsOf(t testing.TB, dir fs.FS) memorySource {
	t.Helper()
	data, err := fs.ReadFile(dir, peftWeightsFile)
	if err != nil {
		t.Fatal(err)
	}
	src, err := checkpoint.ParseSafetensors(peftWeightsFile, data)
	if err != nil {
		t.Fatal(err)
	}
	m := memorySource{}
	for _, name := range src.Names() {
		m[name], _ = src.Tensor(name)
	}
	return m
}

// turned is a tensor of two dimensions, transposed.
func turned(x checkpoint.Tensor) checkpoint.Tensor {
	rows, cols := x.Shape[0], x.Shape[1]
	values, _ := x.Float32s()
	x.Data, _ = checkpoint.F32.AppendFloat32s(nil, transpose(values, rows, cols))
	x.Shape = []int{cols, rows}
	return x
}

// floatTensor is a tensor of the given values.
func floatTensor(values []float32, shape ...int) checkpoint.Tensor {
	data, _ := checkpoint.F32.AppendFloat32s(nil, values)
	return checkpoint.Tensor{DType: checkpoint.F32, Shape: shape, Data: data}
}

// peftDir is a PEFT folder with these tensors.
func peftDir(config string, m memorySource) fstest.MapFS {
	return fstest.MapFS{adapterConfigFile: {Data: []byte(config)}, peftWeightsFile: {Data: safetensorsOf(m)}}
}

// mlxDir turns a tiny PEFT adapter of scale 1 into one of mlx-lm.
func mlxDir(t *testing.T, dir fs.FS, config string) fstest.MapFS {
	m := memorySource{}
	for name, x := range tensorsOf(t, dir) {
		name = strings.TrimPrefix(name, peftPrefix)
		switch {
		case strings.HasSuffix(name, ".lora_A.weight"):
			m[strings.Replace(name, ".lora_A.weight", ".lora_a", 1)] = turned(x)
		case strings.HasSuffix(name, ".lora_B.weight"):
			m[strings.Replace(name, ".lora_B.weight", ".lora_b", 1)] = turned(x)
		case strings.HasSuffix(name, ".lora_magnitude_vector"):
			m[strings.Replace(name, ".lora_magnitude_vector", ".m", 1)] = x
		}
	}
	return fstest.MapFS{
		adapterConfigFile: {Data: []byte(config)}, mlxWeightsFile: {Data: safetensorsOf(m)},
		"0000100_adapters.safetensors": {Data: []byte("an earlier state, never opened")},
	}
}

// ggufOf writes a GGUF file of strings, one number and float32 tensors.
func ggufOf(text map[string]string, alpha float32, m memorySource) []byte {
	le := binary.LittleEndian
	str := func(b []byte, s string) []byte { return append(le.AppendUint64(b, uint64(len(s))), s...) }
	b := append([]byte("GGUF"), 3, 0, 0, 0)
	b = le.AppendUint64(b, uint64(len(m)))
	b = le.AppendUint64(b, uint64(len(text)+1))
	for _, key := range slices.Sorted(maps.Keys(text)) {
		b = str(le.AppendUint32(str(b, key), 8), text[key])
	}
	b = le.AppendUint32(str(b, "adapter.lora.alpha"), 6)
	b, _ = checkpoint.F32.AppendFloat32s(b, []float32{alpha})
	var data []byte
	for _, name := range m.Names() {
		x := m[name]
		b = le.AppendUint32(str(b, name), uint32(len(x.Shape)))
		for _, n := range slices.Backward(x.Shape) {
			b = le.AppendUint64(b, uint64(n))
		}
		b = le.AppendUint64(le.AppendUint32(b, 0), uint64(len(data)))
		data = append(data, x.Data...)
		data = append(data, make([]byte, -len(data)&31)...)
	}
	return append(append(b, make([]byte, -len(b)&31)...), data...)
}

var ggufTexts = map[string]string{"general.type": "adapter", "general.architecture": "llama", "adapter.type": "lora"}

// ggufTensors turns a tiny PEFT adapter into GGUF's names and order of rows.
func ggufTensors(t *testing.T, cfg *architecture.Config, dir fs.FS) memorySource {
	m := memorySource{}
	for name, x := range tensorsOf(t, dir) {
		path, kind, _ := strings.Cut(strings.TrimPrefix(name, peftPrefix), ".lora_")
		stored, ok := cfg.GGUFName(path + ".weight")
		if !ok {
			t.Fatalf("%s has no name", path)
		}
		if kind == "A.weight" {
			m[stored+".lora_a"] = x
			continue
		}
		if order := cfg.GGUFRows(&checkpoint.GGUF{}, path+".weight"); order != nil {
			values, _ := x.Float32s()
			rows, cols := x.Shape[0], x.Shape[1]
			to := make([]float32, len(values))
			for r := range rows {
				copy(to[order(r)*cols:(order(r)+1)*cols], values[r*cols:])
			}
			x = floatTensor(to, rows, cols)
		}
		m[stored+".lora_b"] = x
	}
	return m
}

// logitsWith loads an adapter and returns the logits of a fixed sequence.
func logitsWith(t *testing.T, e *Engine, name string, dir fs.FS) [][]float32 {
	t.Helper()
	if _, err := e.LoadAdapter(t.Context(), name, dir); err != nil {
		t.Fatal(err)
	}
	rows, err := e.Logits(t.Context(), name, []int32{5, 80, 7, 100, 9, 10, 33, 5})
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

func sameBits(a, b [][]float32) bool {
	return slices.EqualFunc(a, b, func(x, y []float32) bool { return slices.Equal(x, y) })
}

// TestFormats: the same factors give the same bits as PEFT, mlx-lm and llama.cpp
// store them.
func TestFormats(t *testing.T) {
	cfg := tinyConfig()
	e := openSource(t, cfg, randomWeights(cfg, checkpoint.F32, 7), Options{})
	peft := tinyAdapter(cfg, 4, 11, "q_proj", "k_proj", "down_proj")
	want := logitsWith(t, e, "peft", peft)
	for name, dir := range map[string]fs.FS{
		"mlx": mlxDir(t, peft, `{"num_layers":-1,"lora_parameters":{"rank":4,"scale":1.0,"dropout":0.1,"keys":["self_attn.q_proj","self_attn.k_proj","mlp.down_proj"]}}`),
		"mlx, by whole paths": mlxDir(t, peft, `{"num_layers":1,"fine_tune_type":"lora","lora_parameters":{"rank":4,"scale":1.0,"dropout":0.0,
			"keys":["self_attn.q_proj","self_attn.k_proj","mlp.down_proj","model.layers.0.self_attn.q_proj","model.layers.0.self_attn.k_proj","model.layers.0.mlp.down_proj"]}}`),
		"gguf": fstest.MapFS{"a.gguf": {Data: ggufOf(ggufTexts, 4, ggufTensors(t, cfg, peft))}},
	} {
		if got := logitsWith(t, e, name, dir); !sameBits(got, want) {
			t.Errorf("%s: other logits than PEFT's", name)
		}
	}
	all := []string{"q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"}
	whole := tinyAdapter(cfg, 4, 12, all...)
	want = logitsWith(t, e, "peft all", whole)
	if got := logitsWith(t, e, "mlx all", mlxDir(t, whole, `{"num_layers":0,"lora_parameters":{"rank":4,"scale":1.0,"dropout":0.0}}`)); !sameBits(got, want) {
		t.Error("keys absent: other logits than PEFT's on every linear layer")
	}
	// DoRA, with magnitudes.
	m := tensorsOf(t, tinyAdapter(cfg, 4, 13, "q_proj", "v_proj"))
	r := rand.New(rand.NewPCG(3, 3))
	for name := range maps.Clone(m) {
		if path, ok := strings.CutSuffix(name, ".lora_B.weight"); ok {
			n := m[name].Shape[0]
			m[path+".lora_magnitude_vector"] = checkpoint.Tensor{DType: checkpoint.F32, Shape: []int{n}, Data: randomFloats(r, n, 0.3, true)}
		}
	}
	dora := peftDir(`{"peft_type":"LORA","r":4,"lora_alpha":4,"use_dora":true,"target_modules":["q_proj","v_proj"]}`, m)
	want = logitsWith(t, e, "peft dora", dora)
	config := `{"num_layers":2,"fine_tune_type":"dora","lora_parameters":{"rank":4,"scale":1.0,"dropout":0.0,"keys":["self_attn.q_proj","self_attn.v_proj"]}}`
	if got := logitsWith(t, e, "mlx dora", mlxDir(t, dora, config)); !sameBits(got, want) {
		t.Error("DoRA: other logits than PEFT's")
	}
}

// TestTiedEmbedding: on a tied model mlx-lm's LoRA on the embedding reaches the
// output layer too, as PEFT's with ensure_weight_tying does, and PEFT's without
// does not.
func TestTiedEmbedding(t *testing.T) {
	cfg := parseTiny(strings.Replace(tinyJSON, "{", `{"tie_word_embeddings":true,`, 1))
	e := openSource(t, cfg, randomWeights(cfg, checkpoint.F32, 7), Options{})
	r := rand.New(rand.NewPCG(5, 5))
	a := checkpoint.Tensor{DType: checkpoint.F32, Shape: []int{3, cfg.VocabSize}, Data: randomFloats(r, 3*cfg.VocabSize, 0.5, false)}
	b := checkpoint.Tensor{DType: checkpoint.F32, Shape: []int{cfg.HiddenSize, 3}, Data: randomFloats(r, 3*cfg.HiddenSize, 0.5, false)}
	peft := func(more string) fs.FS {
		path := peftPrefix + architecture.EmbedTokens
		return peftDir(`{"peft_type":"LORA","r":3,"lora_alpha":3,"target_modules":["embed_tokens"]`+more+`}`, memorySource{path + ".lora_embedding_A": a, path + ".lora_embedding_B": b})
	}
	mlx := fstest.MapFS{
		adapterConfigFile: {Data: []byte(`{"num_layers":1,"lora_parameters":{"rank":3,"scale":1.0,"dropout":0.0,"keys":["model.embed_tokens"]}}`)},
		mlxWeightsFile:    {Data: safetensorsOf(memorySource{"model.embed_tokens.lora_a": turned(a), "model.embed_tokens.lora_b": turned(b)})},
	}
	tied, input := logitsWith(t, e, "tied", peft(`,"ensure_weight_tying":true`)), logitsWith(t, e, "input", peft(""))
	if got := logitsWith(t, e, "mlx", mlx); !sameBits(got, tied) || sameBits(got, input) {
		t.Error("the output layer is not adapted as it should be")
	}
	// A token's own row is its row of logits too.
	row := checkpoint.Tensor{DType: checkpoint.F32, Shape: []int{1, cfg.HiddenSize}, Data: randomFloats(r, cfg.HiddenSize, 1, false)}
	own := logitsWith(t, e, "token", peftDir(`{"peft_type":"LORA","r":3,"lora_alpha":3,"target_modules":["q_proj"],"trainable_token_indices":[80]}`,
		withTensor(tensorsOf(t, tinyAdapter(cfg, 3, 1, "q_proj")), peftPrefix+architecture.EmbedTokens+".token_adapter.trainable_tokens_delta", row)))
	without := logitsWith(t, e, "no token", peftDir(`{"peft_type":"LORA","r":3,"lora_alpha":3,"target_modules":["q_proj"]}`, tensorsOf(t, tinyAdapter(cfg, 3, 1, "q_proj"))))
	for id := range own[0] { // before the token only its own logit differs
		if (own[0][id] != without[0][id]) != (id == 80) {
			t.Errorf("logit %d: %v, without the row %v", id, own[0][id], without[0][id])
		}
	}
}

func withTensor(m memorySource, name string, x checkpoint.Tensor) memorySource {
	m = maps.Clone(m)
	m[name] = x
	return m
}

// TestSpellings: an adapter trained on the text-only model fits a wrapper, and
// the reverse, with every name that wrappers have had.
func TestSpellings(t *testing.T) {
	text := tinyArchitecture("gemma3")
	wrapped := `{"model_type":"gemma3","text_config":` + text + `,"tie_word_embeddings":false}`
	var want [][]float32
	for _, base := range []string{text, wrapped} {
		cfg := parseTiny(base)
		e := openSource(t, cfg, randomWeights(cfg, checkpoint.F32, 7), Options{})
		m := tensorsOf(t, tinyAdapter(cfg, 4, 11, "q_proj"))
		for i, prefix := range []string{"model.", "model.language_model.", "language_model.model."} {
			named := memorySource{}
			for name, x := range m {
				named[strings.Replace(name, peftPrefix+"model.", peftPrefix+prefix, 1)] = x
			}
			for k, targets := range []string{`["q_proj"]`, fmt.Sprintf(`".*%slayers.*q_proj"`, strings.ReplaceAll(prefix, ".", `\\.`)), `"(?!.*vision_tower).*q_proj"`} {
				dir := peftDir(`{"peft_type":"LORA","r":4,"lora_alpha":4,"target_modules":`+targets+`}`, named)
				got := logitsWith(t, e, fmt.Sprint(i, k), dir)
				if want == nil {
					want = got
				}
				if !sameBits(got, want) {
					t.Errorf("%s with %s: other logits", prefix, targets)
				}
			}
		}
		// Tensors of the part that sees are left out, and told; in a text-only
		// model they are unknown.
		seeing := withTensor(m, peftPrefix+"model.vision_tower.layers.0.q_proj.lora_A.weight", floatTensor([]float32{1, 2}, 1, 2))
		dir := peftDir(`{"peft_type":"LORA","r":4,"lora_alpha":4,"target_modules":["q_proj"]}`, seeing)
		proof, err := e.LoadAdapter(t.Context(), "sees", dir)
		if base == wrapped && (err != nil || proof.Skipped != 1) || base == text && err == nil {
			t.Errorf("vision: %+v, %v", proof, err)
		}
	}
}

// TestAdapterRefusals: what is not supported or does not fit is refused by name,
// and the engine is left as it was.
func TestAdapterRefusals(t *testing.T) {
	cfg := tinyConfig()
	e := openSource(t, cfg, randomWeights(cfg, checkpoint.F32, 7), Options{})
	before, err := e.Logits(t.Context(), "", []int32{5, 6, 7})
	if err != nil {
		t.Fatal(err)
	}
	plain := tensorsOf(t, tinyAdapter(cfg, 4, 11, "q_proj"))
	peft := func(more string, m memorySource) fs.FS {
		config := `{"peft_type":"LORA","r":4,"lora_alpha":4,"target_modules":["q_proj"]` + more + `}`
		if strings.HasPrefix(more, "{") {
			config = more
		}
		return peftDir(config, m)
	}
	mlx := func(config string) fs.FS { return mlxDir(t, peftDir("{}", plain), config) }
	gguf := func(change func(map[string]string, memorySource)) fs.FS {
		text, m := maps.Clone(ggufTexts), ggufTensors(t, cfg, peftDir("{}", plain))
		change(text, m)
		return fstest.MapFS{"a.gguf": {Data: ggufOf(text, 4, m)}}
	}
	d, V := cfg.HiddenSize, cfg.VocabSize
	table := floatTensor(make([]float32, (V+3)*d), V+3, d)
	const parameters = `"lora_parameters":{"rank":4,"scale":1.0,"dropout":0.0,"keys":["self_attn.q_proj"]}`
	for name, c := range map[string]struct {
		dir    fs.FS
		reason string
	}{
		"target parameters": {peft(`,"target_parameters":["mlp.experts"]`, plain), "target_parameters"},
		"aLoRA":             {peft(`,"alora_invocation_tokens":[1]`, plain), "alora_invocation_tokens"},
		"unknown key":       {peft(`,"use_novelty":true`, plain), "use_novelty"},
		"dora and bias":     {peft(`,"use_dora":true,"lora_bias":true`, plain), "lora_bias"},
		"layers of regex":   {peft(`{"peft_type":"LORA","target_modules":".*q_proj","layers_to_transform":[0]}`, plain), "layers_to_transform"},
		"hostile regex":     {peft(`{"peft_type":"LORA","r":4,"target_modules":"(?=((a|.)*)*x)(.*a|.*b)*q"}`, plain), "regular expression"},
		"bad regex":         {peft(`{"peft_type":"LORA","target_modules":"(q_proj"}`, plain), "target_modules"},
		"unknown saved":     {peft(`,"modules_to_save":["classifier"]`, plain), "classifier"},
		"missing saved":     {peft(`,"modules_to_save":["lm_head"]`, plain), "lm_head.weight is missing"},
		"saved and adapted": {peft(`,"modules_to_save":["_proj"]`, plain), "both in target_modules"},
		"missing bias":      {peft(`,"bias":"lora_only"`, plain), "base_layer.bias is missing"},
		"grown vocabulary":  {peft("", withTensor(plain, peftPrefix+"model.embed_tokens.weight", table)), "resize_token_embeddings"},
		"token too large":   {peft(`,"trainable_token_indices":[9999]`, plain), "9999"},
		"token twice":       {peft(`,"trainable_token_indices":[3,3]`, plain), "token 3 twice"},
		"tokens of a layer": {peft(`,"trainable_token_indices":{"q_proj":[3]}`, plain), "q_proj"},
		"token rows":        {peft(`,"trainable_token_indices":[3]`, plain), "trainable_tokens_delta is missing"},
		"wrapped names":     {peft("", withTensor(plain, peftPrefix+"model.language_model.layers.0.self_attn.q_proj.lora_A.weight", table)), "same module"},
		"too large a scale": {peft(`,"alpha_pattern":{"q_proj":1e300}`, plain), "not finite"},
		"mlx auto":          {mlx(`{"num_layers":1,"lora_parameters":{"rank":4,"scale":1.0,"keys":["auto"]}}`), `"auto"`},
		"mlx no keys":       {mlx(`{"num_layers":1,"lora_parameters":{"rank":4,"scale":1.0,"keys":[]}}`), "keys"},
		"mlx too few":       {mlx(`{"num_layers":1,` + parameters + `}`), "layers.0.self_attn.q_proj.lora_a"},
		"mlx too many":      {mlx(`{"num_layers":2,"lora_parameters":{"rank":4,"scale":1.0,"keys":["self_attn.q_proj","mlp.up_proj"]}}`), "mlp.up_proj is adapted"},
		"mlx alpha":         {mlx(`{"num_layers":2,"lora_parameters":{"rank":4,"scale":1.0,"alpha":16,"keys":["self_attn.q_proj"]}}`), "alpha"},
		"mlx scale":         {mlx(`{"num_layers":2,"lora_parameters":{"rank":4,"scale":0,"keys":["self_attn.q_proj"]}}`), "scale"},
		"mlx rank":          {mlx(`{"num_layers":2,"lora_parameters":{"rank":8,"scale":1,"keys":["self_attn.q_proj"]}}`), "shape"},
		"mlx layers":        {mlx(`{` + parameters + `}`), "num_layers"},
		"mlx key":           {mlx(`{"num_layers":2,"novelty":3,` + parameters + `}`), "novelty"},
		"mlx dora":          {mlx(`{"num_layers":2,"fine_tune_type":"dora",` + parameters + `}`), ".m is missing"},
		"mlx type":          {mlx(`{"num_layers":2,"fine_tune_type":"qlora",` + parameters + `}`), "fine_tune_type"},
		"mlx full":          {mlx(`{"num_layers":2,"fine_tune_type":"full"}`), "belongs to no module"},
		"gguf architecture": {gguf(func(text map[string]string, _ memorySource) { text["general.architecture"] = "qwen2" }), "general.architecture"},
		"gguf type":         {gguf(func(text map[string]string, _ memorySource) { text["general.type"] = "model" }), "general.type"},
		"gguf invocation":   {gguf(func(text map[string]string, _ memorySource) { text["adapter.alora.invocation_tokens"] = "x" }), "alora"},
		"gguf norm": {gguf(func(_ map[string]string, m memorySource) {
			m["blk.0.attn_norm.weight"] = floatTensor(make([]float32, d), d)
		}), "attn_norm"},
		"gguf no b": {gguf(func(_ map[string]string, m memorySource) { delete(m, "blk.0.attn_q.weight.lora_b") }), "attn_q.weight.lora_b"},
		"two ggufs": {fstest.MapFS{"a.gguf": {}, "b.gguf": {}}, "b.gguf"},
	} {
		memory := e.Memory()
		_, err := e.LoadAdapter(t.Context(), name, c.dir)
		var refused *AdapterError
		if !errors.As(err, &refused) || !strings.Contains(err.Error(), c.reason) {
			t.Errorf("%s: error %v, want an AdapterError that says %q", name, err, c.reason)
		}
		if e.Memory() != memory || len(e.adapters) != 0 {
			t.Errorf("%s: the engine is not as it was", name)
		}
	}
	after, err := e.Logits(t.Context(), "", []int32{5, 6, 7})
	if err != nil || !sameBits(after, before) {
		t.Errorf("the base has other logits after refusals, %v", err)
	}
	if _, err := e.LoadAdapter(t.Context(), "none", fstest.MapFS{}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("an empty folder: %v", err)
	}
}

// TestWholeWeights: modules that are replaced as a whole compute as the base with
// them in its place, in PEFT's names of today and before, and as mlx-lm's.
func TestWholeWeights(t *testing.T) {
	for arch := range tinyArchitectures {
		text := tinyArchitecture(arch)
		cfg := parseTiny(text)
		base, other := randomWeights(cfg, checkpoint.F32, 7), randomWeights(cfg, checkpoint.F32, 8)
		changed := maps.Clone(base)
		now, before, mlx := tensorsOf(t, tinyAdapter(cfg, 2, 1, "o_proj")), tensorsOf(t, tinyAdapter(cfg, 2, 1, "o_proj")), memorySource{}
		for name, x := range other {
			module, leaf := moduleOf(name), name[strings.LastIndexByte(name, '.')+1:]
			whole := strings.HasSuffix(module, "norm") || strings.HasSuffix(module, "up_proj") || module == architecture.LMHead || strings.HasSuffix(module, "act_fn")
			if !whole {
				continue
			}
			if len(x.Shape) == 0 {
				x.Shape = []int{1}
			}
			changed[name], mlx[name] = x, x
			now[peftPrefix+name], before[peftPrefix+module+".modules_to_save."+leaf] = x, x
		}
		config := `{"peft_type":"LORA","r":2,"lora_alpha":2,"target_modules":["o_proj"],"modules_to_save":["norm","up_proj","lm_head"%s]}`
		if arch == "apertus" {
			config = fmt.Sprintf(config, `,"act_fn"`)
		} else {
			config = fmt.Sprintf(config, "")
		}
		e, replaced := openSource(t, cfg, base, Options{}), openSource(t, cfg, changed, Options{})
		want := logitsWith(t, replaced, "a", tinyAdapter(cfg, 2, 1, "o_proj"))
		for i, m := range []memorySource{now, before} {
			if got := logitsWith(t, e, fmt.Sprint("peft", i), peftDir(config, m)); !sameBits(got, want) {
				t.Errorf("%s: other logits than with the weights in the base, spelling %d", arch, i)
			}
		}
		full := fstest.MapFS{adapterConfigFile: {Data: []byte(`{"fine_tune_type":"full","num_layers":4}`)}, mlxWeightsFile: {Data: safetensorsOf(mlx)}}
		want, err := replaced.Logits(t.Context(), "", []int32{5, 80, 7, 100, 9, 10, 33, 5})
		if err != nil {
			t.Fatal(err)
		}
		if got := logitsWith(t, e, "full", full); !sameBits(got, want) {
			t.Errorf("%s: mlx-lm's full weights compute something else", arch)
		}
	}
}

// TestNumericalProbe: an engine that computes something else than the file says
// is caught.
func TestNumericalProbe(t *testing.T) {
	cfg := tinyConfig()
	e := openSource(t, cfg, randomWeights(cfg, checkpoint.BF16, 7), Options{})
	for name, damage := range map[string]func(*update){
		"scale": func(u *update) { u.low.scale *= 1.01 },
		"sides": func(u *update) { u.gain = slices.Repeat([]float32{1.01}, u.low.b.Rows()) },
		"bias":  func(u *update) { u.bias = slices.Repeat([]float32{3}, u.low.b.Rows()) },
		"none":  func(*update) {},
	} {
		f, err := e.openAdapter(name, tinyAdapter(cfg, 4, 11, "q_proj"))
		if err != nil {
			t.Fatal(err)
		}
		damage(f.a.layers[1].linear[architecture.QProj])
		proof := f.describe()
		err = f.checkNumbers(proof)
		if (err == nil) != (name == "none") {
			t.Errorf("%s: error %v", name, err)
		}
		if name == "none" && (proof.NumericalModules != 2 || !(proof.NumericalError < 1e-5)) {
			t.Errorf("%+v", proof)
		}
	}
}

// FuzzAdapterConfig: any configuration is read or refused.
func FuzzAdapterConfig(f *testing.F) {
	for _, text := range []string{
		`{"peft_type":"LORA","r":4,"lora_alpha":8,"target_modules":["q_proj"],"rank_pattern":{"q":2},"layers_to_transform":1,"layers_pattern":"layers"}`,
		`{"peft_type":"LORA","target_modules":".*q","exclude_modules":".*1.*","modules_to_save":["norm"],"trainable_token_indices":{"embed_tokens":[1]}}`,
		`{"num_layers":4,"fine_tune_type":"dora","lora_parameters":{"rank":8,"scale":20.0,"dropout":0.0,"keys":["self_attn.q_proj"]}}`,
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if !json.Valid(data) {
			return
		}
		if c, err := parsePEFT(data); err == nil {
			for _, path := range []string{"model.layers.1.self_attn.q_proj", "lm_head", "model.embed_tokens"} {
				if c.targets(path, true) {
					if rank, _ := c.scale(path); rank < 1 || rank > maxRank {
						t.Errorf("rank %d", rank)
					}
				}
				c.saved(path)
			}
		}
		if c, err := parseMLX(data, 12); err == nil && c.Type != "full" && (c.Rank < 1 || c.Scale == 0 || c.Layer < 0 || c.Layer > 12) {
			t.Errorf("%+v", c)
		}
	})
}

// TestGGUFOnGGUF: an adapter in GGUF's order of rows on a base whose rows are
// permuted computes as the PEFT adapter that it was made from.
func TestGGUFOnGGUF(t *testing.T) {
	needShared(t, vectors)
	e, err := Open(t.Context(), vectors+"/gguf/llama-q8_0/model.gguf", Options{TokensOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	peft := os.DirFS(vectors + "/gguf_adapters/llama-lora")
	m := ggufTensors(t, e.config.Config, peft)
	want := logitsWith(t, e, "peft", peft)
	if got := logitsWith(t, e, "gguf", oneFile{fstest.MapFS{"x.gguf": {Data: ggufOf(ggufTexts, 8, m)}, "y.gguf": {}}, "x.gguf"}); !sameBits(got, want) {
		t.Error("other logits than PEFT's")
	}
}

// TestAdapterOnQuantisedBase: an adapter computes on a base of 16 bits as on its
// values in float32, bit for bit, DoRA's norms too; on one of blocks but for the
// order of sums.
func TestAdapterOnQuantisedBase(t *testing.T) {
	cfg := tinyConfig()
	r := rand.New(rand.NewPCG(9, 9))
	m := tensorsOf(t, tinyAdapter(cfg, 4, 13, "q_proj", "down_proj"))
	for name := range maps.Clone(m) {
		if path, ok := strings.CutSuffix(name, ".lora_B.weight"); ok {
			n := m[name].Shape[0]
			m[path+".lora_magnitude_vector"] = checkpoint.Tensor{DType: checkpoint.F32, Shape: []int{n}, Data: randomFloats(r, n, 0.3, true)}
		}
	}
	head := architecture.LMHead + ".weight"
	m[peftPrefix+head] = randomWeights(cfg, checkpoint.BF16, 3)[head]
	dir := peftDir(`{"peft_type":"LORA","r":4,"lora_alpha":4,"use_dora":true,"target_modules":["q_proj","down_proj"],"modules_to_save":["lm_head"]}`, m)
	for _, dtype := range []checkpoint.DType{checkpoint.F16, checkpoint.BF16, checkpoint.Q8_0, checkpoint.Q4_0, checkpoint.Q4_1} {
		stored := randomWeights(cfg, dtype, 21)
		widened := memorySource{}
		for name, x := range stored {
			values, err := x.Float32s()
			if err != nil {
				t.Fatal(err)
			}
			x.DType = checkpoint.F32
			x.Data, _ = checkpoint.F32.AppendFloat32s(nil, values)
			widened[name] = x
		}
		got := logitsWith(t, openSource(t, cfg, stored, Options{}), "a", dir)
		want := logitsWith(t, openSource(t, cfg, widened, Options{}), "a", dir)
		plain := dtype == checkpoint.F16 || dtype == checkpoint.BF16
		if d := apart(got, want); plain && !sameBits(got, want) || !(d <= sumTolerance) {
			t.Errorf("%s: logits are %.2g apart, of the largest, from those on float32", dtype, d)
		}
	}
}

// TestFormsShareABatch: every form of adapter computes the same bits alone and in
// one batch with all others.
func TestFormsShareABatch(t *testing.T) {
	needShared(t, vectors)
	for base, names := range map[string][]string{
		"llama-untied": {"llama-dora", "llama-save-lm-head", "llama-embed", "llama-lm-head-lora", "llama-patterns", "llama-plain"},
		"llama-bias":   {"llama-bias-all", "llama-lora-bias", "llama-bias-lora-only"},
		"llama-tied":   {"llama-embed-tied", "llama-exclude", "llama-regex"},
	} {
		e := openEngine(t, vectors+"/models/"+base, Options{Threads: 3})
		variants := []*adapter{nil}
		for _, name := range names {
			if _, err := e.LoadAdapter(t.Context(), name, os.DirFS(vectors+"/adapters/"+name)); err != nil {
				t.Fatal(err)
			}
			variants = append(variants, e.adapters[name], nil)
		}
		tokens := openGolden(t, vectors+"/models/"+base).ids(t, "input_ids.long")
		together, err := e.logitsOf(t.Context(), tokens, variants...)
		if err != nil {
			t.Fatal(err)
		}
		for i, a := range variants {
			alone, err := e.logitsOf(t.Context(), tokens, a)
			if err != nil {
				t.Fatal(err)
			}
			if !sameBits(together[i], alone[0]) {
				t.Errorf("%s: variant %d has other bits in the batch", base, i)
			}
		}
	}
}
