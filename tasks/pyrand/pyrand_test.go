package pyrand

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"slices"
	"testing"
)

// The numbers below were printed by CPython 3.11.

func TestUint32(t *testing.T) {
	for _, tt := range []struct {
		seed int64
		want []uint32
	}{
		{1234, []uint32{4150886329, 3342196574, 1892932127, 501869158}},
		{-1234, []uint32{4150886329, 3342196574}}, // random.seed takes abs()
		{0, []uint32{3626764237, 1654615998, 3255389356}},
		{1 << 40, []uint32{445128065, 1517081360, 2880015531}}, // two key words
	} {
		r := New(tt.seed)
		for i, want := range tt.want {
			if got := r.Uint32(); got != want {
				t.Errorf("seed %d: word %d = %d, want %d", tt.seed, i, got, want)
			}
		}
	}
}

func TestPanics(t *testing.T) {
	for name, f := range map[string]func(*Rand){
		"below 0":       func(r *Rand) { r.Below(0) },
		"below 1<<32":   func(r *Rand) { r.Below(1 << 32) },
		"sample 3 of 2": func(r *Rand) { r.Sample(2, 3) },
		"sample -1":     func(r *Rand) { r.Sample(2, -1) },
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if recover() == nil {
					t.Error("no panic")
				}
			}()
			f(New(1))
		})
	}
}

// TestSampleIsASubset: whatever the branch, k different numbers below n.
func TestSampleIsASubset(t *testing.T) {
	r := New(7)
	for _, nk := range [][2]int{{0, 0}, {1, 1}, {21, 5}, {22, 5}, {85, 6}, {86, 6}, {1000, 30}, {30, 30}} {
		got := r.Sample(nk[0], nk[1])
		if len(got) != nk[1] {
			t.Errorf("Sample%v: %d numbers", nk, len(got))
		}
		slices.Sort(got)
		if len(slices.Compact(slices.Clone(got))) != nk[1] {
			t.Errorf("Sample%v: %v repeats", nk, got)
		}
		if len(got) > 0 && (got[0] < 0 || got[len(got)-1] >= nk[0]) {
			t.Errorf("Sample%v: %v out of range", nk, got)
		}
	}
}

func TestAgainstCPython(t *testing.T) {
	raw, err := os.ReadFile("../../../shared/vectors/lm-eval/vectors.json")
	if errors.Is(err, fs.ErrNotExist) {
		t.Skip("../shared is not there")
	}
	if err != nil {
		t.Fatal(err)
	}
	var v struct {
		Words        []uint32  `json:"mt19937_seed1234_getrandbits32_first8"`
		Floats       []float64 `json:"random_seed1234_random_first5"`
		GSM8K        [][]int   `json:"sample_7473_5_seed1234_docs0to3"`
		GSM8K8       [][]int   `json:"sample_7473_8_seed1234_docs0to2"`
		ARCEasy      [][]int   `json:"sample_2251_5_seed1234_arc_easy_train"`
		ARCChallenge [][]int   `json:"sample_1119_25_seed1234_arc_challenge_train"`
		HellaSwag    [][]int   `json:"sample_39905_11_seed1234_hellaswag_10shot"`
		Pool30JSON   [][]int   `json:"sample_30_8_pool_branch"`
		Pool10JSON   [][]int   `json:"sample_10_5_pool_branch"`
		Choices      []int     `json:"choices_seed0_k10"`
	}
	if err := json.Unmarshal(raw, &v); err != nil {
		t.Fatal(err)
	}
	r := New(1234)
	for i, want := range v.Words {
		if got := r.Uint32(); got != want {
			t.Errorf("word %d = %d, want %d", i, got, want)
		}
	}
	r = New(1234)
	for i, want := range v.Floats {
		if got := r.Float64(); got != want {
			t.Errorf("random() %d = %v, want %v", i, got, want)
		}
	}
	for _, tt := range []struct {
		n, k int
		want [][]int
	}{
		{7473, 5, v.GSM8K}, {7473, 8, v.GSM8K8}, {2251, 5, v.ARCEasy}, {1119, 25, v.ARCChallenge},
		{39905, 11, v.HellaSwag}, {30, 8, v.Pool30JSON}, {10, 5, v.Pool10JSON},
	} {
		if len(tt.want) == 0 {
			t.Errorf("sample %d of %d: no vectors", tt.k, tt.n)
		}
		r := New(1234)
		for i, want := range tt.want {
			if got := r.Sample(tt.n, tt.k); !slices.Equal(got, want) {
				t.Errorf("sample %d of %d, draw %d = %v, want %v", tt.k, tt.n, i, got, want)
			}
		}
	}
	if got := New(0).Choices(10, 10); len(v.Choices) != 10 || !slices.Equal(got, v.Choices) {
		t.Errorf("choices = %v, want %v", got, v.Choices)
	}
}
