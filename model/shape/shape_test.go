package shape_test

import (
	"bytes"
	"math"
	"slices"
	"testing"

	"github.com/ailiance/lorabench/model"
	"github.com/ailiance/lorabench/model/checkpoint"
	"github.com/ailiance/lorabench/model/shape"
)

// parameters are what the models' cards say, in millions, of all weights.
var parameters = map[string]float64{
	"smollm2-135m": 134.5, "smollm2-360m": 361.8, "smollm2-1.7b": 1711, "qwen2.5-0.5b": 494, "qwen2.5-1.5b": 1544,
	"qwen3-0.6b": 596, "qwen3-8b": 8191, "tinyllama-1.1b": 1100, "llama-3.2-1b": 1236, "llama-3.1-8b": 8030,
	"mistral-7b": 7248, "apertus-8b": 8053, "apertus-70b": 70600, "tiny": 2.9, "small": 41,
}

func TestShapesAreValidAndOfTheirSize(t *testing.T) {
	for _, name := range shape.Names() {
		s, err := shape.Lookup(name)
		if err != nil {
			t.Fatal(err)
		}
		cfg, err := s.Parse()
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		n := 0
		for _, spec := range cfg.Tensors() {
			size := 1
			for _, d := range spec.Shape {
				size *= d
			}
			n += size
		}
		if want := parameters[name]; math.Abs(float64(n)/1e6-want) > want/80 {
			t.Errorf("%s: %.1f million parameters, want %v", name, float64(n)/1e6, want)
		}
		if len(cfg.EOSTokenIDs) > 0 {
			t.Errorf("%s: texts end at %v, want never", name, cfg.EOSTokenIDs)
		}
	}
}

func source(t *testing.T, name, storage string, seed uint64) *shape.Source {
	t.Helper()
	s, err := shape.Lookup(name)
	if err != nil {
		t.Fatal(err)
	}
	as, err := shape.LookupStorage(storage)
	if err != nil {
		t.Fatal(err)
	}
	src, err := shape.New(s, as, seed)
	if err != nil {
		t.Fatal(err)
	}
	return src
}

func TestSameSeedSameBytes(t *testing.T) {
	for _, storage := range shape.Storages() {
		a, b, c := source(t, "tiny", storage, 1), source(t, "tiny", storage, 1), source(t, "tiny", storage, 2)
		if a.Hash() != b.Hash() || a.Hash() == c.Hash() {
			t.Errorf("%s: hashes of seeds 1, 1, 2 are %s, %s, %s", storage, a.Hash(), b.Hash(), c.Hash())
		}
		differ := false
		for _, name := range a.Names() {
			x, err := a.Tensor(name)
			if err != nil {
				t.Fatal(err)
			}
			y, err := b.Tensor(name)
			if err != nil {
				t.Fatal(err)
			}
			z, err := c.Tensor(name)
			if err != nil {
				t.Fatal(err)
			}
			if !x.SameStorage(y) {
				t.Errorf("%s: %s differs between two sources of the same seed", storage, name)
			}
			differ = differ || !bytes.Equal(x.Data, z.Data)
		}
		if !differ {
			t.Errorf("%s: seeds 1 and 2 give the same values", storage)
		}
	}
}

// TestValuesLieWhereWeightsDo also reads every block as a file's reader would.
func TestValuesLieWhereWeightsDo(t *testing.T) {
	for _, storage := range shape.Storages() {
		src := source(t, "tiny", storage, 3)
		x, err := src.Tensor("model.layers.1.mlp.down_proj.weight")
		if err != nil {
			t.Fatal(err)
		}
		if err := x.CheckFinite(); err != nil {
			t.Error(err)
		}
		values, err := x.Float32s()
		if err != nil {
			t.Fatal(err)
		}
		sum, squares := 0.0, 0.0
		for _, v := range values {
			sum += float64(v)
			squares += float64(v) * float64(v)
		}
		n := float64(len(values))
		if deviation := math.Sqrt(squares / n); math.Abs(sum/n) > 0.004 || deviation < 0.015 || deviation > 0.04 {
			t.Errorf("%s: mean %.4f, deviation %.4f, want 0 and about 0.025", storage, sum/n, deviation)
		}
		if distinct := slices.Compact(slices.Sorted(slices.Values(values))); len(distinct) < 100 {
			t.Errorf("%s: %d different values", storage, len(distinct))
		}
	}
	q8, err := source(t, "tiny", "q8", 3).Tensor("model.norm.weight")
	if err != nil || q8.DType != checkpoint.F32 {
		t.Errorf("the norm is %v (%v), want F32", q8.DType, err)
	}
}

// TestEngineAnswers opens each storage type, with an adapter of each kind.
func TestEngineAnswers(t *testing.T) {
	if testing.Short() && model.KernelPath() == "go" {
		t.Skip("-short without the C kernels: minutes")
	}
	for _, storage := range shape.Storages() {
		src := source(t, "tiny", storage, 4)
		e, err := model.OpenSource(t.Context(), src.Config(), src, src.Hash(), model.Options{Threads: 1})
		if err != nil {
			t.Fatalf("%s: %v", storage, err)
		}
		defer e.Close()
		cfg := e.Config()
		adapters := map[string]shape.Adapter{
			"":     {},
			"full": {Rank: 4, Modules: []string{"q_proj", "v_proj", "down_proj"}, Seed: 1},
			"last": {Rank: 4, Modules: []string{"o_proj"}, First: 2, Seed: 2},
			"dora": {Rank: 4, Modules: []string{"k_proj"}, DoRA: true, Seed: 3},
		}
		for name, a := range adapters {
			if name == "" {
				continue
			}
			dir, err := a.Files(&cfg)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := e.LoadAdapter(t.Context(), name, dir); err != nil {
				t.Fatalf("%s: %s: %v", storage, name, err)
			}
		}
		seen := map[float64]string{}
		for name := range adapters {
			if err := e.Submit(model.Job{Adapter: name, Tokens: []int32{1, 2, 3, 4, 5}, Scored: 2}); err != nil {
				t.Fatal(err)
			}
			for e.Pending() > 0 {
				results, err := e.Step(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				for _, r := range results {
					if r.Err != nil {
						t.Fatalf("%s: %q: %v", storage, name, r.Err)
					}
					if other, ok := seen[r.LogProbs[1]]; ok {
						t.Errorf("%s: %q and %q say the same: %v", storage, name, other, r.LogProbs)
					}
					seen[r.LogProbs[1]] = name
				}
			}
		}
	}
}

func TestRefused(t *testing.T) {
	if _, err := shape.Lookup("gpt-2"); err == nil {
		t.Error("gpt-2 is no shape, and was found")
	}
	if _, err := shape.LookupStorage("q3"); err == nil {
		t.Error("q3 is no storage, and was found")
	}
	s, err := shape.Lookup("smollm2-135m")
	if err != nil {
		t.Fatal(err)
	}
	q4k, err := shape.LookupStorage("q4_k")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := shape.New(s, q4k, 1); err == nil {
		t.Error("rows of 576 are no whole blocks of 256, and were stored")
	}
	cfg, err := s.Parse()
	if err != nil {
		t.Fatal(err)
	}
	for name, a := range map[string]shape.Adapter{
		"rank 0":     {Modules: []string{"q_proj"}},
		"no module":  {Rank: 1},
		"unknown":    {Rank: 1, Modules: []string{"q_proj", "c_attn"}},
		"past block": {Rank: 1, Modules: []string{"q_proj"}, First: 30},
	} {
		if _, err := a.Files(cfg); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}
