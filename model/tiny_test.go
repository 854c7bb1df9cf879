package model

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/ailiance/lorabench/model/architecture"
	"github.com/ailiance/lorabench/model/checkpoint"
)

// memorySource is a checkpoint made in memory, of random weights.
type memorySource map[string]checkpoint.Tensor

func (m memorySource) Names() []string { return slices.Sorted(maps.Keys(m)) }

func (m memorySource) Tensor(name string) (checkpoint.Tensor, error) {
	t, ok := m[name]
	if !ok {
		return t, fmt.Errorf("%w: %s", checkpoint.ErrNoTensor, name)
	}
	return t, nil
}

func (m memorySource) Close() error { return nil }

// tinyConfig has all that a Llama has, in small: grouped heads, an odd number of
// them, biases, an output layer of its own.
func tinyConfig() *architecture.Config {
	return parseTiny(tinyJSON)
}

const tinyJSON = `{"model_type":"llama","hidden_size":96,"intermediate_size":160,"num_hidden_layers":2,"num_attention_heads":6,
"num_key_value_heads":2,"head_dim":16,"vocab_size":117,"max_position_embeddings":300,"rms_norm_eps":1e-5,"attention_bias":true,
"bos_token_id":null,"eos_token_id":3}`

// tinyArchitectures have what distinguishes each architecture, in the sizes of
// tinyJSON: windows shorter than a block of keys and longer, layers of several
// kinds, layers that share keys and values.
var tinyArchitectures = map[string]string{
	"llama":     tinyJSON,
	"mistral":   `"model_type":"mistral","sliding_window":21`,
	"ministral": `"model_type":"ministral","sliding_window":21,"layer_types":["sliding_attention","full_attention","sliding_attention"]`,
	"ministral3": `"model_type":"ministral3","rope_parameters":{"rope_type":"yarn","rope_theta":10000,"factor":4,
"original_max_position_embeddings":32,"beta_fast":4,"beta_slow":0.5,"mscale":0.9,"mscale_all_dim":0.6,"llama_4_scaling_beta":0.1}`,
	"qwen2":   `"model_type":"qwen2","use_sliding_window":true,"max_window_layers":1,"sliding_window":9`,
	"qwen3":   `"model_type":"qwen3"`,
	"apertus": `"model_type":"apertus"`,
	"gemma3":  `"model_type":"gemma3_text","sliding_window":7,"layer_types":["sliding_attention","full_attention","sliding_attention"]`,
	"gemma4": `"model_type":"gemma4_text","num_hidden_layers":5,"sliding_window":19,"num_kv_shared_layers":2,"use_double_wide_mlp":true,
"layer_types":["sliding_attention","full_attention","sliding_attention","sliding_attention","full_attention"],"global_head_dim":24,
"hidden_size_per_layer_input":8,"vocab_size_per_layer_input":120,"final_logit_softcapping":5,"attention_k_eq_v":true,"num_global_key_value_heads":1`,
	"granite": `"model_type":"granite","embedding_multiplier":3,"residual_multiplier":0.3,"attention_multiplier":0.2,"logits_scaling":4`,
	"olmo2":   `"model_type":"olmo2"`,
}

// tinyArchitecture is a whole config.json of tinyArchitectures.
func tinyArchitecture(name string) string {
	text := tinyArchitectures[name]
	if strings.HasPrefix(text, "{") {
		return text
	}
	if !strings.Contains(text, "num_hidden_layers") {
		text += `,"num_hidden_layers":3`
	}
	return "{" + text + `,"hidden_size":96,"intermediate_size":160,"num_attention_heads":6,"num_key_value_heads":2,"head_dim":16,
"vocab_size":117,"max_position_embeddings":300,"rms_norm_eps":1e-5,"bos_token_id":null,"eos_token_id":3,"tie_word_embeddings":false}`
}

func parseTiny(text string) *architecture.Config {
	c, err := architecture.Parse([]byte(text))
	if err != nil {
		panic(err)
	}
	return c
}

// randomWeights makes the tensors of cfg. Matrices are of the given type.
func randomWeights(cfg *architecture.Config, dtype checkpoint.DType, seed uint64) memorySource {
	r := rand.New(rand.NewPCG(seed, 1))
	m := memorySource{}
	for _, spec := range cfg.Tensors() {
		n := 1
		for _, d := range spec.Shape {
			n *= d
		}
		t := checkpoint.Tensor{Name: spec.Name, DType: checkpoint.F32, Shape: spec.Shape}
		switch {
		case len(spec.Shape) < 2:
			t.Data = randomFloats(r, n, 0.1, strings.HasSuffix(spec.Name, "norm.weight") || strings.HasSuffix(spec.Name, "layer_scalar"))
		case dtype == checkpoint.F32:
			t.Data = randomFloats(r, n, 2/math.Sqrt(float64(spec.Shape[1])), false)
		default:
			t.DType, t.Data = dtype, randomBlocks(r, dtype, n, 2/math.Sqrt(float64(spec.Shape[1])))
		}
		m[spec.Name] = t
	}
	return m
}

// randomFloats are float32 around zero or one.
func randomFloats(r *rand.Rand, n int, scale float64, aroundOne bool) []byte {
	b := make([]byte, 0, 4*n)
	for range n {
		v := r.NormFloat64() * scale
		if aroundOne {
			v++
		}
		b = binary.LittleEndian.AppendUint32(b, math.Float32bits(float32(v)))
	}
	return b
}

// randomBlocks are n values of a 16-bit or block type, of about that scale.
func randomBlocks(r *rand.Rand, d checkpoint.DType, n int, scale float64) []byte {
	half := func(v float64) []byte { // a float16 near v, by its exponent and random digits
		e := int(math.Floor(math.Log2(v)))
		return binary.LittleEndian.AppendUint16(nil, uint16(e+15)<<10|uint16(r.IntN(1024)))
	}
	var b []byte
	for range n / d.BlockValues() {
		switch d {
		case checkpoint.F16:
			h := half(scale / 2)
			h[1] |= byte(r.IntN(2) << 7)
			b = append(b, h...)
			continue
		case checkpoint.BF16:
			v := math.Float32bits(float32(r.NormFloat64() * scale))
			b = binary.LittleEndian.AppendUint16(b, uint16(v>>16))
			continue
		case checkpoint.Q8_0:
			b = append(b, half(scale/64)...)
		case checkpoint.Q4_0:
			b = append(b, half(scale/4)...)
		case checkpoint.Q4_1:
			b = append(b, half(scale/4)...)
			m := half(scale)
			m[1] |= 0x80
			b = append(b, m...)
		}
		for range d.BlockValues() * map[checkpoint.DType]int{checkpoint.Q8_0: 8, checkpoint.Q4_0: 4, checkpoint.Q4_1: 4}[d] / 8 {
			b = append(b, byte(r.IntN(256)))
		}
	}
	return b
}

// openSource makes an engine of tensors in memory.
func openSource(t testing.TB, cfg *architecture.Config, src checkpoint.Source, opt Options) *Engine {
	t.Helper()
	opt.Threads = max(opt.Threads, 1)
	if opt.Arithmetic == "" {
		opt.Arithmetic = Float32
	}
	e := &Engine{adapters: map[string]*adapter{}, hash: "sha256:tiny"}
	copied := *cfg
	if err := e.load(t.Context(), &copied, newWeights(src, &copied, opt.Arithmetic), opt); err != nil {
		t.Fatal(err)
	}
	e.eos = e.endTokens()
	t.Cleanup(e.Close)
	return e
}

// safetensorsOf writes tensors as a safetensors file.
func safetensorsOf(m memorySource) []byte {
	header := map[string]any{}
	var data []byte
	for _, name := range m.Names() {
		t := m[name]
		header[name] = map[string]any{"dtype": t.DType.String(), "shape": t.Shape, "data_offsets": []int{len(data), len(data) + len(t.Data)}}
		data = append(data, t.Data...)
	}
	text, err := json.Marshal(header)
	if err != nil {
		panic(err)
	}
	b := binary.LittleEndian.AppendUint64(nil, uint64(len(text)))
	return append(append(b, text...), data...)
}

// tinyDirectory is a Hugging Face directory of random weights for a config.json.
func tinyDirectory(text string, seed uint64) fstest.MapFS {
	return fstest.MapFS{
		checkpoint.ConfigFile:  {Data: []byte(text)},
		checkpoint.WeightsFile: {Data: safetensorsOf(randomWeights(parseTiny(text), checkpoint.F32, seed))},
	}
}

// tinyAdapter is a PEFT adapter of random weights on the modules that targets
// names, as a directory.
func tinyAdapter(cfg *architecture.Config, rank int, seed uint64, targets ...string) fs.FS {
	return tinyAdapterAbove(cfg, 0, rank, seed, targets...)
}

// tinyAdapterAbove is tinyAdapter, of the layers from first on.
func tinyAdapterAbove(cfg *architecture.Config, first, rank int, seed uint64, targets ...string) fs.FS {
	r := rand.New(rand.NewPCG(seed, 2))
	m := memorySource{}
	add := func(path string, out, in int) {
		for _, part := range []struct {
			name       string
			rows, cols int
		}{{"lora_A", rank, in}, {"lora_B", out, rank}} {
			name := peftPrefix + path + "." + part.name + ".weight"
			m[name] = checkpoint.Tensor{Name: name, DType: checkpoint.F32, Shape: []int{part.rows, part.cols},
				Data: randomFloats(r, part.rows*part.cols, 1/math.Sqrt(float64(part.cols)), false)}
		}
	}
	layers := []int{}
	for layer := first; layer < cfg.NumHiddenLayers; layer++ {
		layers = append(layers, layer)
		for l := range architecture.NumLinears {
			if !slices.ContainsFunc(targets, func(s string) bool { return strings.HasSuffix(l.Path(), s) }) {
				continue
			}
			out, in, ok := cfg.LinearShape(layer, l)
			if !ok {
				continue
			}
			add(architecture.ModulePath(layer, l), out, in)
		}
	}
	settings := map[string]any{"peft_type": "LORA", "r": rank, "lora_alpha": rank, "target_modules": targets}
	if slices.Contains(targets, architecture.LMHead) {
		add(architecture.LMHead, cfg.VocabSize, cfg.HiddenSize)
	} else if first > 0 {
		settings["layers_to_transform"] = layers
	}
	text, err := json.Marshal(settings)
	if err != nil {
		panic(err)
	}
	return fstest.MapFS{adapterConfigFile: {Data: text}, peftWeightsFile: {Data: safetensorsOf(m)}}
}

// loadTiny loads two random adapters, "one" and "two", that reach different
// modules with different ranks.
func loadTiny(t testing.TB, e *Engine, cfg *architecture.Config) {
	t.Helper()
	for name, dir := range map[string]fs.FS{
		"one": tinyAdapter(cfg, 4, 11, "q_proj", "v_proj"),
		"two": tinyAdapter(cfg, 7, 12, "q_proj", "k_proj", "o_proj", "up_proj", "down_proj"),
	} {
		if _, err := e.LoadAdapter(t.Context(), name, dir); err != nil {
			t.Fatal(err)
		}
	}
}

// letters is a tokenizer whose tokens are short texts, so that stop strings lie
// across tokens.
type letters struct{}

func (letters) Encode(text string, _ bool) ([]int32, error) {
	var ids []int32
	for _, c := range []byte(text) {
		ids = append(ids, int32(c)%100)
	}
	return ids, nil
}

func (letters) Decode(ids []int32, _ bool) string {
	var b bytes.Buffer
	for _, id := range ids {
		b.WriteString(letterOf(id))
	}
	return b.String()
}

func letterOf(id int32) string {
	return strings.Repeat(string(rune('a'+id%7)), int(id)%3) + string(rune('a'+id%5))
}

func (letters) Stream(bool) TextStream { return letterStream{} }
func (letters) BOS() (int32, bool)     { return 0, false }
func (letters) EOS() []int32           { return nil }
func (letters) AddsBOS() bool          { return false }
func (letters) VocabSize() int         { return 100 }
func (letters) AddedTokens() []string  { return nil }
func (letters) Identity() string       { return "sha256:letters" }

type letterStream struct{}

func (letterStream) Push(id int32) string { return letterOf(id) }
func (letterStream) Flush() string        { return "" }
