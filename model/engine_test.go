package model

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/ailiance/lorabench/model/checkpoint"
)

const vectors = "../../shared/vectors/engine"

func needShared(t testing.TB, path string) {
	t.Helper()
	if _, err := os.Stat(path); err != nil {
		t.Skip("../shared is not there")
	}
}

func openEngine(t testing.TB, path string, opt Options) *Engine {
	t.Helper()
	opt.TokensOnly = true
	e, err := Open(t.Context(), path, opt)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(e.Close)
	return e
}

// golden is a golden.safetensors of the engine vectors.
type golden struct{ checkpoint.Source }

func openGolden(t testing.TB, dir string) golden {
	t.Helper()
	src, err := checkpoint.OpenSafetensors(os.DirFS(dir), "golden.safetensors")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { src.Close() })
	return golden{src}
}

func (g golden) ids(t testing.TB, name string) []int32 {
	t.Helper()
	x, err := g.Tensor(name)
	if err != nil {
		t.Fatal(err)
	}
	wide, err := x.Int64s()
	if err != nil {
		t.Fatal(err)
	}
	ids := make([]int32, len(wide))
	for i, v := range wide {
		ids[i] = int32(v)
	}
	return ids
}

func (g golden) floats(t testing.TB, name string) []float32 {
	t.Helper()
	x, err := g.Tensor(name)
	if err != nil {
		t.Fatal(err)
	}
	v, err := x.Float32s()
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// sequences are the names behind input_ids.
func (g golden) sequences() []string {
	var names []string
	for _, n := range g.Names() {
		if s, ok := strings.CutPrefix(n, "input_ids."); ok {
			names = append(names, s)
		}
	}
	return names
}

// worstLogit is the largest difference of the logits of all positions of all
// sequences.
func worstLogit(t testing.TB, e *Engine, adapterName string, g golden) float64 {
	t.Helper()
	if len(g.sequences()) == 0 {
		t.Fatal("no sequence to compare")
	}
	worst := 0.0
	for _, s := range g.sequences() {
		tokens := g.ids(t, "input_ids."+s)
		want := g.floats(t, "logits."+s)
		got, err := e.Logits(t.Context(), adapterName, tokens)
		if err != nil {
			t.Fatal(err)
		}
		if len(got)*len(got[0]) != len(want) {
			t.Fatalf("%s: %d rows of %d logits, want %d values", s, len(got), len(got[0]), len(want))
		}
		for i, row := range got {
			for j, x := range row {
				d := math.Abs(float64(x) - float64(want[i*len(row)+j]))
				if d > worst || d != d {
					worst = d
				}
			}
		}
	}
	return worst
}

func drain(t testing.TB, e *Engine) []Result {
	t.Helper()
	var all []Result
	for e.Pending() > 0 {
		done, err := e.Step(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, done...)
	}
	return all
}

func baseOf(t *testing.T, dir, file string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(dir, file))
	if err != nil {
		t.Fatal(err)
	}
	var v struct{ Base string }
	if err := json.Unmarshal(data, &v); err != nil || v.Base == "" {
		t.Fatalf("%s names no base: %v", file, err)
	}
	return filepath.Base(v.Base)
}

func TestBadAdaptersAreRefused(t *testing.T) {
	needShared(t, vectors)
	dirs, err := os.ReadDir(filepath.Join(vectors, "bad_adapters"))
	if err != nil {
		t.Fatal(err)
	}
	engines := map[string]*Engine{}
	for _, d := range dirs {
		if !d.IsDir() {
			continue
		}
		t.Run(d.Name(), func(t *testing.T) {
			dir := filepath.Join(vectors, "bad_adapters", d.Name())
			base := baseOf(t, dir, "expect.json")
			if engines[base] == nil {
				e, err := Open(t.Context(), filepath.Join(vectors, "models", base), Options{})
				if err != nil {
					t.Fatal(err)
				}
				engines[base] = e
			}
			_, err := engines[base].LoadAdapter(t.Context(), d.Name(), os.DirFS(dir))
			if strings.HasPrefix(d.Name(), "good_control") {
				if err != nil {
					t.Errorf("refused: %v", err)
				}
				return
			}
			if refused := (*AdapterError)(nil); !errors.As(err, &refused) {
				t.Errorf("error %v, want an AdapterError", err)
			} else {
				t.Log(err)
			}
		})
	}
	for _, e := range engines {
		e.Close()
	}
}

// jobsOf makes jobs of both kinds for several variants, with shared prefixes.
func jobsOf(vocab int, adapters ...string) []Job {
	var jobs []Job
	for i := range 12 {
		prefix := make([]int32, 5+17*(i%4))
		for k := range prefix {
			prefix[k] = int32((k*31 + 7*(i%3)) % vocab)
		}
		for _, a := range adapters {
			for c := range 3 {
				tokens := append(slices.Clone(prefix), int32((c+i)%vocab), int32((2*c+1)%vocab))
				jobs = append(jobs, Job{ID: len(jobs), Adapter: a, Tokens: tokens, Scored: 2})
			}
			jobs = append(jobs, Job{ID: len(jobs), Adapter: a, Tokens: prefix, MaxNewTokens: 20})
		}
	}
	return jobs
}

// TestSameBits: a job's result does not depend on batch, threads, order, or the
// memory for keys and values (law 3).
func TestSameBits(t *testing.T) {
	needShared(t, vectors)
	dir := filepath.Join(vectors, "models/llama-untied")
	run := func(opt Options, arrange func([]Job) [][]Job) map[int]string {
		e := openEngine(t, dir, opt)
		for _, a := range []string{"llama-plain", "llama-all-linear"} {
			if _, err := e.LoadAdapter(t.Context(), a, os.DirFS(filepath.Join(vectors, "adapters", a))); err != nil {
				t.Fatal(err)
			}
		}
		got := map[int]string{}
		for _, group := range arrange(jobsOf(e.config.VocabSize, "", "llama-plain", "llama-all-linear")) {
			for _, j := range group {
				if err := e.Submit(j); err != nil {
					t.Fatal(err)
				}
			}
			for _, r := range drain(t, e) {
				if r.Err != nil {
					t.Fatal(r.Err)
				}
				bits := fmt.Sprint(r.New, r.Greedy, r.Stop)
				for _, lp := range r.LogProbs {
					bits += fmt.Sprintf(" %x", math.Float64bits(lp))
				}
				got[r.ID] = bits
			}
		}
		return got
	}
	alone := func(jobs []Job) (groups [][]Job) {
		for _, j := range jobs {
			groups = append(groups, []Job{j})
		}
		return groups
	}
	together := func(jobs []Job) [][]Job { return [][]Job{jobs} }
	backwards := func(jobs []Job) [][]Job { slices.Reverse(jobs); return [][]Job{jobs} }
	want := run(Options{Threads: 1}, alone)
	small := int64(30 * 2 * 4 * 64 * 16 * 4) // room for a few sequences only
	for name, got := range map[string]map[int]string{
		"together, 2 threads":  run(Options{Threads: 2}, together),
		"backwards, 3 threads": run(Options{Threads: 3}, backwards),
		"little memory":        run(Options{Threads: 2, CacheBytes: small}, together),
	} {
		for id := range want {
			if got[id] != want[id] {
				t.Errorf("%s: job %d: %s, want %s", name, id, got[id], want[id])
			}
		}
	}
}
