package model

import (
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/ailiance/lorabench/model/architecture"
	"github.com/ailiance/lorabench/model/checkpoint"
)

// openGGUF reads an adapter as llama.cpp has it: tensors NAME.lora_a [r, in] and
// NAME.lora_b [out, r], by the names of the base's GGUF and with its order of rows.
//
// Source: llama_adapter_lora_init of llama.cpp's src/llama-adapter.cpp and
// convert_lora_to_gguf.py, https://github.com/ggml-org/llama.cpp.
func (f *fitting) openGGUF(dir fs.FS, file string) error {
	g, err := checkpoint.OpenGGUF(dir, file)
	if err != nil {
		return err
	}
	f.source = g
	if f.a.hash, err = hashFiles(dir, file); err != nil {
		return &readError{err}
	}
	f.a.format = "GGUF LoRA"
	alpha, err := f.ggufMetadata(g)
	if err != nil {
		return err
	}
	f.list(func(stored string) (string, bool) { return stored, true })
	for _, s := range f.e.sites() {
		f.ggufLinear(g, s, alpha)
	}
	f.ggufEmbedding(g, alpha)
	return nil
}

// ggufMetadata checks what the file says of itself and returns alpha.
func (f *fitting) ggufMetadata(g *checkpoint.GGUF) (alpha float64, err error) {
	want := f.e.config.GGUFArchitecture()
	if want == "" {
		return 0, fmt.Errorf("a GGUF adapter for %s is not supported", f.e.config.ModelType)
	}
	for _, pair := range [][2]string{{"general.type", "adapter"}, {"general.architecture", want}, {"adapter.type", "lora"}} {
		have, err := g.String(pair[0])
		if err != nil {
			return 0, err
		}
		if have != pair[1] {
			return 0, fmt.Errorf("%s is %.40q, want %q", pair[0], have, pair[1])
		}
	}
	for _, key := range g.Keys() {
		switch {
		case !strings.HasPrefix(key, "adapter."):
		case key == "adapter.type", key == "adapter.lora.alpha", key == "adapter.lora.task_name", key == "adapter.lora.prompt_prefix":
		default:
			return 0, fmt.Errorf("%s is not supported", key)
		}
	}
	if !g.Has("adapter.lora.alpha") {
		return 0, nil
	}
	return g.Float("adapter.lora.alpha")
}

// ggufScale is alpha/r; without an alpha llama.cpp's scale is 1.
func ggufScale(alpha float64, rank int) float64 {
	if alpha == 0 {
		return 1
	}
	return alpha / float64(rank)
}

// pair returns the names of a module's tensors, where it has any, and the rank
// that they say: dimension of lora_b's shape.
func (f *fitting) pair(path string, dimension int) (a, b string, rank int) {
	name, ok := f.e.config.GGUFName(path + ".weight")
	a, b = name+".lora_a", name+".lora_b"
	if !ok || !f.has(a) && !f.has(b) {
		return "", "", 0
	}
	t, err := f.source.Tensor(b)
	if err != nil || len(t.Shape) != 2 || t.Shape[dimension] < 1 || t.Shape[dimension] > maxRank {
		f.fault("tensor %s is missing, or no matrix of a rank from 1 to %d", b, maxRank)
		delete(f.stored, a)
		delete(f.stored, b)
		return "", "", 0
	}
	return a, b, t.Shape[dimension]
}

func (f *fitting) ggufLinear(g *checkpoint.GGUF, s site, alpha float64) {
	a, b, rank := f.pair(s.path, 1)
	if rank == 0 {
		return
	}
	if s.path == architecture.LMHead && f.e.config.TieWordEmbeddings {
		f.fault("tensor %s: the output layer of this model is the embedding", a)
		return
	}
	f.lowRank(s, a, b, rank, ggufScale(alpha, rank), false, f.e.config.GGUFRows(g, s.path+".weight"))
}

// ggufEmbedding: lora_a of the embedding is [V, r].
func (f *fitting) ggufEmbedding(g *checkpoint.GGUF, alpha float64) {
	a, b, rank := f.pair(architecture.EmbedTokens, 1)
	if rank == 0 {
		return
	}
	if f.e.config.TieWordEmbeddings && !slices.Contains(g.Names(), "output.weight.lora_a") {
		f.fault("tensor %s: LoRA on an embedding that is the output layer too is not defined, llama.cpp cannot compute it", a)
		return
	}
	f.lowRankEmbedding(a, b, rank, ggufScale(alpha, rank), true, false)
}
