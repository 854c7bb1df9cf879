package model

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ailiance/lorabench/model/architecture"
	"github.com/ailiance/lorabench/model/checkpoint"
	"github.com/ailiance/lorabench/model/checkpoint/checkpointtest"
)

// TestGGUFOfCheckpoints writes checkpoints of the vectors as GGUF files, the way
// llama.cpp's converter does, and wants the same logits of both. The vectors have
// no GGUF files of these architectures.
func TestGGUFOfCheckpoints(t *testing.T) {
	for _, tt := range []struct {
		name, as string
		config   func(text string) string // makes of config.json what GGUF can say
		metadata func(f *ggufFile)
	}{
		{name: "qwen3", as: "qwen3"},
		{name: "olmo2", as: "olmo2"},
		{name: "granite", as: "granite", metadata: func(f *ggufFile) {
			f.F32("granite.attention.scale", float32(f.config.AttentionScale))
			f.F32("granite.embedding_scale", float32(f.config.EmbeddingScale))
			f.F32("granite.residual_scale", float32(f.config.ResidualScale))
			f.F32("granite.logit_scale", float32(f.config.LogitDivisor))
		}},
		{name: "apertus", as: "apertus", metadata: func(f *ggufFile) {
			for _, key := range []string{"alpha_p", "alpha_n", "beta", "eps"} {
				f.floats("xielu."+key, func(layer int) float32 {
					return f.tensor(fmt.Sprintf("%smlp.act_fn.%s", architecture.Block(layer), key))[0]
				})
			}
			f.llama3()
		}},
		{name: "mistral", as: "llama", config: func(text string) string {
			return strings.Replace(text, `"sliding_window": 12`, `"sliding_window": null`, 1)
		}},
		{name: "ministral3", as: "mistral3", config: func(text string) string {
			return strings.Replace(text, `"mscale": 0.9`, `"mscale": 1.0`, 1)
		}, metadata: func(f *ggufFile) {
			r := f.config.Ropes[0]
			f.Text("mistral3.rope.scaling.type", "yarn")
			f.F32("mistral3.rope.scaling.factor", float32(r.Factor))
			f.U32("mistral3.rope.scaling.original_context_length", uint32(r.OriginalMaxPositionEmbeddings))
			f.F32("mistral3.rope.scaling.yarn_beta_fast", float32(r.BetaFast))
			f.F32("mistral3.rope.scaling.yarn_beta_slow", float32(r.BetaSlow))
			f.F32("mistral3.rope.scaling.yarn_log_multiplier", 0.6)
			f.F32("mistral3.attention.temperature_scale", float32(f.config.QueryScaleBeta))
		}},
		{name: "gemma4", as: "gemma4", metadata: (*ggufFile).gemma4},
		{name: "gemma4-cond", as: "gemma4", metadata: (*ggufFile).gemma4},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := filepath.Join(vectors, "models", tt.name)
			needShared(t, dir)
			folder := os.DirFS(dir)
			if tt.config != nil {
				folder = changedConfig(t, dir, tt.config)
			}
			want, err := OpenFS(t.Context(), folder, ".", Options{TokensOnly: true})
			if err != nil {
				t.Fatal(err)
			}
			defer want.Close()
			f := newGGUFFile(t, dir, want.config.Config, tt.as)
			if tt.metadata != nil {
				tt.metadata(f)
			}
			path := filepath.Join(t.TempDir(), "model.gguf")
			if err := os.WriteFile(path, f.Bytes(), 0o666); err != nil {
				t.Fatal(err)
			}
			got := openEngine(t, path, Options{})
			tokens := openGolden(t, dir).ids(t, "input_ids.long")
			wantLogits, err := want.Logits(t.Context(), "", tokens)
			if err != nil {
				t.Fatal(err)
			}
			gotLogits, err := got.Logits(t.Context(), "", tokens)
			if err != nil {
				t.Fatal(err)
			}
			worst, limit := 0.0, readGoldenCase(t, dir).tolerance()
			for i := range wantLogits {
				for k, x := range wantLogits[i] {
					worst = max(worst, math.Abs(float64(x-gotLogits[i][k])))
				}
			}
			t.Logf("largest logit difference %.2g, want at most %.2g", worst, limit)
			if !(worst <= limit) {
				t.Errorf("largest logit difference %.3g, want at most %.3g", worst, limit)
			}
		})
	}
}

// changedConfig is a folder with another config.json in memory.
func changedConfig(t *testing.T, dir string, change func(string) string) otherConfig {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(dir, checkpoint.ConfigFile))
	if err != nil {
		t.Fatal(err)
	}
	text := change(string(data))
	if text == string(data) {
		t.Fatal("config.json is not as expected")
	}
	to := t.TempDir()
	if err := os.CopyFS(to, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(to, "changed.json"), []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
	return otherConfig{os.DirFS(to), "changed.json"}
}

// ggufFile is a GGUF file made of a Hugging Face checkpoint.
type ggufFile struct {
	checkpointtest.GGUF
	t      *testing.T
	as     string // general.architecture
	config *architecture.Config
	names  architecture.Names
	source checkpoint.Source
}

// newGGUFFile writes what all architectures have: sizes, and every tensor in
// float32.
func newGGUFFile(t *testing.T, dir string, c *architecture.Config, as string) *ggufFile {
	t.Helper()
	src, err := checkpoint.OpenWeights(os.DirFS(dir))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { src.Close() })
	f := &ggufFile{GGUF: checkpointtest.GGUF{Version: 3}, t: t, as: as, config: c, names: c.Names(src), source: src}
	f.Text("general.architecture", as)
	for key, v := range map[string]int{
		"block_count": c.NumHiddenLayers, "context_length": c.MaxPositionEmbeddings, "embedding_length": c.HiddenSize,
		"attention.head_count": c.NumAttentionHeads,
	} {
		f.U32(as+"."+key, uint32(v))
	}
	f.ints(as+".feed_forward_length", func(l architecture.Layer) int { return l.IntermediateSize })
	f.ints(as+".attention.head_count_kv", func(l architecture.Layer) int { return l.NumKeyValueHeads })
	f.F32(as+".attention.layer_norm_rms_epsilon", float32(c.RMSNormEps))
	f.F32(as+".rope.freq_base", float32(c.Ropes[0].Theta))
	if as != "gemma4" {
		f.U32(as+".attention.key_length", uint32(c.HeadDim))
		f.U32(as+".attention.value_length", uint32(c.HeadDim))
	}
	permuted := as == "llama" || as == "granite" || as == "mistral3"
	for _, spec := range c.Tensors() {
		name, ok := c.GGUFName(spec.Name)
		if !ok {
			continue // of xIELU: metadata
		}
		values := f.tensor(spec.Name)
		if permuted && (strings.Contains(spec.Name, "q_proj") || strings.Contains(spec.Name, "k_proj")) {
			values = interleave(values, spec.Shape[0], c.HeadDim)
		}
		shape := spec.Shape
		if len(shape) == 0 {
			shape = []int{1}
		}
		f.add(name, shape, values)
	}
	return f
}

// tensor is a tensor of the checkpoint by its Hugging Face name.
func (f *ggufFile) tensor(name string) []float32 {
	f.t.Helper()
	stored, _ := f.names(name)
	x, err := f.source.Tensor(stored)
	if err != nil {
		f.t.Fatal(err)
	}
	values, err := x.Float32s()
	if err != nil {
		f.t.Fatal(err)
	}
	return values
}

// add writes a tensor; shape is outermost first.
func (f *ggufFile) add(name string, shape []int, values []float32) {
	var dims []uint64
	for i := range shape {
		dims = append(dims, uint64(shape[len(shape)-1-i]))
	}
	f.Info(name, dims, 0, uint64(len(f.Data)))
	f.Data = append(f.Data, checkpointtest.LE(values)...)
	f.Data = append(f.Data, make([]byte, -len(f.Data)&31)...)
}

// ints writes a number for every layer, or one where all are equal.
func (f *ggufFile) ints(key string, of func(l architecture.Layer) int) {
	var list []uint32
	same := true
	for _, l := range f.config.Layers {
		list = append(list, uint32(of(l)))
		same = same && list[0] == list[len(list)-1]
	}
	if same {
		f.U32(key, list[0])
		return
	}
	f.Pair(key, 9, checkpointtest.LE(uint32(4))+checkpointtest.LE(uint64(len(list)))+checkpointtest.LE(list))
}

func (f *ggufFile) floats(key string, of func(layer int) float32) {
	var list []float32
	for i := range f.config.Layers {
		list = append(list, of(i))
	}
	f.Pair(key, 9, checkpointtest.LE(uint32(6))+checkpointtest.LE(uint64(len(list)))+checkpointtest.LE(list))
}

// llama3 writes Llama 3's scaling as divisors.
func (f *ggufFile) llama3() {
	r := f.config.Ropes[0]
	scaled := r.Frequencies()
	r.Type = architecture.RopeDefault
	divisors := r.Frequencies()
	for i := range divisors {
		divisors[i] /= scaled[i]
	}
	f.add("rope_freqs.weight", []int{len(divisors)}, divisors)
}

// gemma4 writes what Gemma 4 has of its own.
func (f *ggufFile) gemma4() {
	c, full, shared := f.config, f.config.Ropes[0], 0
	var slides []byte
	window := 0
	for i, l := range c.Layers {
		slides = append(slides, byte(l.Rope))
		window = max(window, l.Window)
		if l.KeyValueLayer != i {
			shared++
		}
	}
	f.U32("gemma4.attention.sliding_window", uint32(window))
	f.Pair("gemma4.attention.sliding_window_pattern", 9, checkpointtest.LE(uint32(7))+checkpointtest.LE(uint64(len(slides)))+string(slides))
	f.U32("gemma4.attention.shared_kv_layers", uint32(shared))
	f.U32("gemma4.embedding_length_per_layer_input", uint32(c.PerLayerInput))
	f.F32("gemma4.final_logit_softcapping", float32(c.LogitSoftcap))
	f.F32("gemma4.rope.freq_base_swa", float32(c.Ropes[1].Theta))
	for _, key := range []string{"attention.key_length", "attention.value_length", "rope.dimension_count"} {
		f.U32("gemma4."+key, uint32(full.HeadDim))
		f.U32("gemma4."+key+"_swa", uint32(c.Ropes[1].HeadDim))
	}
	divisors := make([]float32, full.HeadDim/2)
	for i := range divisors {
		if divisors[i] = 1; i >= int(full.RotaryFactor*float64(full.HeadDim)/2) {
			divisors[i] = 1e30
		}
	}
	f.add("rope_freqs.weight", []int{len(divisors)}, divisors)
}

// interleave orders rows as reshape(heads, 2, half).swapaxes(1, 2) does.
func interleave(values []float32, rows, headDim int) []float32 {
	width, half := len(values)/rows, headDim/2
	out := make([]float32, 0, len(values))
	for head := range rows / headDim {
		for i := range half {
			for a := range 2 {
				row := head*headDim + a*half + i
				out = append(out, values[row*width:(row+1)*width]...)
			}
		}
	}
	return out
}
