package model

import (
	"fmt"
	"io/fs"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/ailiance/lorabench/model/architecture"
	"github.com/ailiance/lorabench/model/checkpoint"
)

// adapterForms has one adapter of each form of update, by name.
func adapterForms(t *testing.T, cfg *architecture.Config) map[string]fs.FS {
	r := rand.New(rand.NewPCG(4, 44))
	random := func(scale float64, one bool, shape ...int) checkpoint.Tensor {
		n := 1
		for _, d := range shape {
			n *= d
		}
		return checkpoint.Tensor{DType: checkpoint.F32, Shape: append([]int{}, shape...), Data: randomFloats(r, n, scale, one)}
	}
	low := func(targets ...string) memorySource { return tensorsOf(t, tinyAdapter(cfg, 3, r.Uint64(), targets...)) }
	// beside adds to each of an adapter's modules a vector of its outputs.
	beside := func(m memorySource, suffix string, one bool) memorySource {
		for name := range maps.Clone(m) {
			if path, ok := strings.CutSuffix(name, ".lora_B.weight"); ok {
				m[path+suffix] = random(0.3, one, m[name].Shape[0])
			}
		}
		return m
	}
	peft := func(keys string, m memorySource) fs.FS {
		return peftDir(`{"peft_type":"LORA","r":3,"lora_alpha":4,`+keys+`}`, m)
	}
	V, d := cfg.VocabSize, cfg.HiddenSize
	embed, head := peftPrefix+architecture.EmbedTokens, peftPrefix+architecture.LMHead
	whole := func(m memorySource, prefix string, wanted func(module string) bool) memorySource {
		for _, spec := range cfg.Tensors() {
			if wanted(moduleOf(spec.Name)) {
				m[prefix+spec.Name] = random(0.1, strings.HasSuffix(spec.Name, "norm.weight"), spec.Shape...)
			}
		}
		return m
	}

	forms := map[string]fs.FS{
		"plain":     peft(`"target_modules":["q_proj","o_proj","down_proj"]`, low("q_proj", "o_proj", "down_proj")),
		"dora":      peft(`"target_modules":["q_proj","gate_proj"],"use_dora":true`, beside(low("q_proj", "gate_proj"), ".lora_magnitude_vector", true)),
		"lora bias": peft(`"target_modules":["k_proj","o_proj"],"lora_bias":true`, beside(low("k_proj", "o_proj"), ".lora_B.bias", false)),
	}
	last := architecture.Block(cfg.NumHiddenLayers - 1)
	forms["full"] = fstest.MapFS{
		adapterConfigFile: {Data: []byte(`{"fine_tune_type":"full","num_layers":1}`)},
		mlxWeightsFile: {Data: safetensorsOf(whole(memorySource{}, "", func(module string) bool {
			return strings.HasPrefix(module+".", last) || module == architecture.FinalNorm
		}))},
	}
	forms["saved"] = peft(`"target_modules":["q_proj"],"modules_to_save":["up_proj","lm_head"]`, func() memorySource {
		m := whole(low("q_proj"), peftPrefix, func(module string) bool { return strings.HasSuffix(module, "up_proj") })
		m[head+".weight"] = random(0.1, false, V, d)
		return m
	}())
	forms["tables"] = peft(`"target_modules":["v_proj","embed_tokens","lm_head"]`, func() memorySource {
		m := low("v_proj")
		m[embed+".lora_embedding_A"], m[embed+".lora_embedding_B"] = random(0.3, false, 3, V), random(0.3, false, d, 3)
		m[head+".lora_A.weight"], m[head+".lora_B.weight"] = random(0.1, false, 3, d), random(0.3, false, V, 3)
		return m
	}())
	forms["tokens"] = peft(`"target_modules":["down_proj"],"trainable_token_indices":{"embed_tokens":[5,9,60],"lm_head":[5,9,60]}`, func() memorySource {
		m := low("down_proj")
		m[embed+".token_adapter.trainable_tokens_delta"] = random(0.5, false, 3, d)
		if !cfg.TieWordEmbeddings {
			m[head+".token_adapter.trainable_tokens_delta"] = random(0.5, false, 3, d)
		}
		return m
	}())
	forms["mlx dora"] = fstest.MapFS{
		adapterConfigFile: {Data: []byte(`{"fine_tune_type":"dora","num_layers":1,"lora_parameters":{"rank":3,"scale":2.0,"keys":["model.embed_tokens"]}}`)},
		mlxWeightsFile: {Data: safetensorsOf(memorySource{
			architecture.EmbedTokens + ".lora_a": random(0.3, false, V, 3),
			architecture.EmbedTokens + ".lora_b": random(0.3, false, 3, d),
			architecture.EmbedTokens + ".m":      random(0.3, true, V),
		})},
	}
	if cfg.HasBias(architecture.QProj) {
		forms["bias"] = peft(`"target_modules":["q_proj"],"bias":"lora_only"`, func() memorySource {
			m := low("q_proj")
			for name := range maps.Clone(m) {
				if path, ok := strings.CutSuffix(name, ".lora_B.weight"); ok {
					m[path+".base_layer.bias"] = random(0.3, false, m[name].Shape[0])
				}
			}
			return m
		}())
	}
	return forms
}

// TestFormsInSchedules: adapters of all forms, resident together, give in any
// batch the bits that each gives in an engine that has no other (law 3): rows
// whose weights, gains or biases are an adapter's lie between rows of others.
func TestFormsInSchedules(t *testing.T) {
	rounds := 3
	if testing.Short() {
		rounds = 1
	}
	for name, text := range map[string]string{
		"llama":      tinyJSON,
		"llama tied": strings.Replace(tinyJSON, `{`, `{"tie_word_embeddings":true,`, 1),
		"gemma4":     tinyArchitecture("gemma4"),
	} {
		cfg := parseTiny(text)
		src := randomWeights(cfg, checkpoint.F32, 7)
		forms := adapterForms(t, cfg)
		names := append(sortedKeys(forms), "")
		open := func(opt Options, adapters ...string) *Engine {
			e := openSource(t, cfg, src, opt)
			e.tokenizer = letters{}
			for _, a := range adapters {
				if _, err := e.LoadAdapter(t.Context(), a, forms[a]); err != nil {
					t.Fatalf("%s: %v", name, err)
				}
			}
			return e
		}
		alone := map[string]*Engine{"": open(Options{})}
		for a := range forms {
			alone[a] = open(Options{}, a)
		}
		for round := range rounds {
			t.Run(fmt.Sprintf("%s/%d", name, round), func(t *testing.T) {
				r := rand.New(rand.NewPCG(uint64(round), 33))
				jobs, want, most := randomJobs(r, cfg.VocabSize), map[int]string{}, 0
				for i := range jobs {
					j := &jobs[i]
					j.Adapter = names[r.IntN(len(names))]
					e := alone[j.Adapter]
					e.forget(t)
					if err := e.Submit(*j); err != nil {
						t.Fatal(err)
					}
					want[j.ID] = bitsOf(drain(t, e)[0])
					most = max(most, blocksOf(*j))
				}
				r.Shuffle(len(names)-1, func(i, k int) { names[i], names[k] = names[k], names[i] })
				e := open(Options{Threads: []int{1, 2, 5}[round%3], CacheBytes: int64(most+20*r.IntN(20)) * alone[""].cache.blockBytes()}, slices.DeleteFunc(slices.Clone(names), func(a string) bool { return a == "" })...)
				schedule(t, r, e, jobs, want)
			})
		}
	}
}
