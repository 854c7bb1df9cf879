package model

import (
	"bufio"
	"compress/gzip"
	"encoding/json"
	"flag"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/ailiance/lorabench/model/checkpoint"
	"github.com/ailiance/lorabench/model/kernel"
)

// These tests compare the engine with numbers that transformers, peft and mlx-lm
// made, and with files that must be refused. They read ../shared beside the
// repository; each folder's README says how the numbers were made and which
// differences are honest.

var fullConformance = flag.String("conformance", "some", "how much of the real model's vectors to compare: some (half a minute of one core) or full")

// goldenCase is golden.json.
type goldenCase struct {
	Base  string  // of an adapter: a case of models
	GGUF  string  `json:"on_gguf"`
	MLX   string  `json:"on_mlx_model"`
	Std   float64 `json:"logits_std"`
	Float float64 `json:"f32_vs_f64_max_abs"` // float32 against float64
}

func readGoldenCase(t testing.TB, dir string) goldenCase {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(dir, "golden.json"))
	if err != nil {
		t.Fatal(err)
	}
	var c goldenCase
	if err := json.Unmarshal(data, &c); err != nil {
		t.Fatal(err)
	}
	return c
}

// tolerance is what the vectors' README suggests.
func (c goldenCase) tolerance() float64 { return max(8*c.Float, 5e-5*c.Std) }

// casesOf lists the folders of a part of the engine vectors.
func casesOf(t testing.TB, part string) []string {
	t.Helper()
	needShared(t, vectors)
	entries, err := os.ReadDir(filepath.Join(vectors, part))
	if err != nil {
		t.Fatal(err)
	}
	var cases []string
	for _, e := range entries {
		if e.IsDir() {
			cases = append(cases, part+"/"+e.Name())
		}
	}
	if len(cases) == 0 {
		t.Fatalf("%s has no case", part)
	}
	return cases
}

// modelPath is what to open of a case of models.
func modelPath(name string) string {
	path := filepath.Join(vectors, name)
	if strings.HasPrefix(name, "gguf/") {
		return filepath.Join(path, "model.gguf")
	}
	return path
}

func TestModelCases(t *testing.T) {
	for _, name := range slices.Concat(casesOf(t, "models"), casesOf(t, "gguf"), casesOf(t, "mlx/models")) {
		t.Run(name, func(t *testing.T) {
			e, err := Open(t.Context(), modelPath(name), Options{TokensOnly: true})
			if err != nil {
				t.Fatal(err)
			}
			defer e.Close()
			dir := filepath.Join(vectors, name)
			compareCase(t, e, "", dir)
			g := openGolden(t, dir)
			if _, err := g.Tensor("greedy.ids"); err != nil {
				return
			}
			want := g.ids(t, "greedy.ids")
			if err := e.Submit(Job{Tokens: g.ids(t, "input_ids.len17"), MaxNewTokens: len(want)}); err != nil {
				t.Fatal(err)
			}
			e.eos = nil // the golden generation does not stop
			if r := drain(t, e)[0]; !slices.Equal(r.New, want) {
				t.Errorf("greedy %v, want %v", r.New, want)
			}
		})
	}
}

// compareCase checks every position of every sequence against the golden logits.
func compareCase(t *testing.T, e *Engine, adapterName, dir string) {
	t.Helper()
	limit := readGoldenCase(t, dir).tolerance()
	worst := worstLogit(t, e, adapterName, openGolden(t, dir))
	t.Logf("largest logit difference %.2g, want at most %.2g", worst, limit)
	if !(worst <= limit) {
		t.Errorf("largest logit difference %.3g, want at most %.3g", worst, limit)
	}
}

// TestConfigSpellings: the spelling of published checkpoints, and one without
// the keys that have their default, give the same bits.
func TestConfigSpellings(t *testing.T) {
	for _, name := range casesOf(t, "models") {
		for _, config := range []string{"config.legacy.json", "config.minimal.json"} {
			t.Run(name+"/"+config, func(t *testing.T) {
				dir := filepath.Join(vectors, name)
				if _, err := os.Stat(filepath.Join(dir, config)); err != nil {
					t.Skip("there is no such spelling of it")
				}
				want := openEngine(t, dir, Options{})
				got, err := OpenFS(t.Context(), otherConfig{os.DirFS(dir), config}, ".", Options{TokensOnly: true})
				if err != nil {
					t.Fatal(err)
				}
				defer got.Close()
				tokens := openGolden(t, dir).ids(t, "input_ids.long")
				wantBits, err := want.Logits(t.Context(), "", tokens)
				if err != nil {
					t.Fatal(err)
				}
				gotBits, err := got.Logits(t.Context(), "", tokens)
				if err != nil {
					t.Fatal(err)
				}
				for i := range wantBits {
					if !slices.Equal(gotBits[i], wantBits[i]) {
						t.Fatalf("logits of position %d differ", i)
					}
				}
			})
		}
	}
}

// otherConfig is a checkpoint's folder with another file as config.json.
type otherConfig struct {
	fs.FS
	config string
}

func (f otherConfig) Open(name string) (fs.File, error) {
	if name == checkpoint.ConfigFile {
		name = f.config
	}
	return f.FS.Open(name)
}

func TestAdapterCases(t *testing.T) {
	for _, name := range slices.Concat(casesOf(t, "adapters"), casesOf(t, "gguf_adapters"), casesOf(t, "mlx/adapters")) {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(vectors, name)
			c := readGoldenCase(t, dir)
			base := "models/" + c.Base
			switch {
			case c.GGUF != "":
				base = "gguf/" + c.GGUF
			case c.MLX != "":
				base = "mlx/models/" + c.MLX
			}
			e, err := Open(t.Context(), modelPath(base), Options{TokensOnly: true})
			if err != nil {
				t.Fatal(err)
			}
			defer e.Close()
			proof, err := e.LoadAdapter(t.Context(), "a", os.DirFS(dir))
			if err != nil {
				t.Fatal(err)
			}
			if proof.KL <= 0 || proof.MaxLogitDifference <= 0 || !proof.ZeroBEqualsBase {
				t.Errorf("proof %+v", proof)
			}
			compareCase(t, e, "a", dir)
		})
	}
}

func TestBadModels(t *testing.T) {
	for _, name := range casesOf(t, "bad_models") {
		t.Run(name, func(t *testing.T) {
			e, err := Open(t.Context(), modelPath(name), Options{TokensOnly: true})
			good := strings.Contains(name, "good_control")
			if err == nil {
				e.Close()
			}
			if (err == nil) != good {
				t.Errorf("error %v, want one: %t", err, !good)
			}
			t.Log(err)
		})
	}
}

// Golden numbers of a real model.
const (
	smolVectors = "../../shared/vectors/smollm2"
	smolModel   = "../../shared/data/models/smollm2-135m-instruct/SmolLM2-135M-Instruct.Q4_1.gguf"
	adapterData = "../../shared/data/adapters"

	// Sums of log-probabilities: the README asks for 3e-5 a token plus 1e-4. One
	// value: eight times what float32 and float64 honestly differ by, as for the
	// engine vectors.
	smolToken, smolTotal, smolValue = 3e-5, 1e-4, 8 * 5e-5
)

// limitOf is how far one value of a prompt's rows may be from the golden one.
//
// smollm2-spice on the Chinese prompt has positions that are ill-conditioned (16
// to 43: pieces of characters, which that adapter never saw). A float64 pass over
// the same weights, made once by hand for the first 44 positions, is up to 7.7e-4
// from the golden float32 values, and up to 3.7e-3 from this engine, which is the
// less exact of the two there: it adds each sum in one float32 accumulator.
func limitOf(variant, prompt string) float64 {
	if variant == "smollm2-spice" && prompt == "chinese" {
		return 8 * 7.7e-4
	}
	return smolValue
}

// prompt is a record of base.jsonl.gz.
type prompt struct {
	Name    string
	IDs     []int32
	Total   float64   `json:"total_logprob_f32"`
	Total64 float64   `json:"total_logprob_f64"`
	Greedy  []int32   `json:"greedy_ids"`
	Margins []float64 `json:"greedy_margins"`
}

func readPrompts(t testing.TB, name string) []prompt {
	t.Helper()
	f, err := os.Open(filepath.Join(smolVectors, name+".jsonl.gz"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	var list []prompt
	lines := bufio.NewScanner(z)
	lines.Buffer(nil, 1<<24)
	for lines.Scan() {
		var p prompt
		if err := json.Unmarshal(lines.Bytes(), &p); err != nil {
			t.Fatal(err)
		}
		list = append(list, p)
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	return list
}

// TestRealModel compares log-probabilities, likeliest tokens, logits and greedy
// text of SmolLM2-135M and two adapters.
func TestRealModel(t *testing.T) {
	needShared(t, smolVectors)
	needShared(t, smolModel)
	needShared(t, adapterData)
	full := *fullConformance == "full"
	if testing.Short() {
		t.Skip("takes ten seconds")
	}
	e := openEngine(t, smolModel, Options{})
	variants := []string{"base", "smollm2-gsm8k", "smollm2-spice"}
	var jobs []Job
	var want []prompt
	var names []string
	for i, variant := range variants {
		adapterName := ""
		if i > 0 {
			adapterName = variant
			if _, err := e.LoadAdapter(t.Context(), variant, os.DirFS(filepath.Join(adapterData, variant))); err != nil {
				t.Fatal(err)
			}
		}
		src, err := checkpoint.OpenSafetensors(os.DirFS(smolVectors), variant+".safetensors")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { src.Close() })
		for _, p := range readPrompts(t, variant) {
			short := len(p.IDs) <= 60
			if !full && len(p.IDs) > 100 {
				continue
			}
			if full || short && p.Name != "chat" && p.Name != "chat_system_multiturn" {
				t.Run(variant+"/"+p.Name, func(t *testing.T) { compareRows(t, e, adapterName, p, golden{src}, limitOf(variant, p.Name)) })
			}
			if len(p.IDs) > 1 {
				jobs = append(jobs, Job{ID: len(want), Adapter: adapterName, Tokens: p.IDs, Scored: len(p.IDs) - 1})
				want, names = append(want, p), append(names, variant+"/"+p.Name)
			}
			if full || short {
				jobs = append(jobs, Job{ID: len(want), Adapter: adapterName, Tokens: p.IDs, MaxNewTokens: len(p.Greedy)})
				want, names = append(want, p), append(names, variant+"/"+p.Name)
			}
		}
	}
	// All at once: the batch mixes variants, scores and text.
	for _, j := range jobs {
		if err := e.Submit(j); err != nil {
			t.Fatal(err)
		}
	}
	worst := 0.0
	for _, r := range drain(t, e) {
		p, name := want[r.ID], names[r.ID]
		switch {
		case r.Err != nil:
			t.Errorf("%s: %v", name, r.Err)
		case len(r.LogProbs) > 0:
			sum := 0.0
			for _, lp := range r.LogProbs {
				sum += lp
			}
			limit := smolToken*float64(len(r.LogProbs)) + smolTotal
			if d := math.Abs(sum - p.Total); d > limit {
				t.Errorf("%s: total log-probability %.6f, want %.6f ± %.2g", name, sum, p.Total, limit)
			}
			if p.Total64 != 0 {
				worst = max(worst, math.Abs(sum-p.Total64)/float64(len(r.LogProbs)))
			}
		default:
			compareGreedy(t, name, r, p)
		}
	}
	t.Logf("%d jobs; totals differ from float64 by at most %.2g a token", len(jobs), worst)
}

// compareRows compares all that is stored of a prompt's logits.
func compareRows(t *testing.T, e *Engine, adapterName string, p prompt, g golden, limit float64) {
	t.Helper()
	var next, next64 []float64
	if len(p.IDs) > 1 {
		next = wide(g.floats(t, p.Name+".token_logprobs"))
		if adapterName == "" {
			x, err := g.Tensor(p.Name + ".token_logprobs_f64")
			if err != nil {
				t.Fatal(err)
			}
			if next64, err = x.Float64s(); err != nil {
				t.Fatal(err)
			}
		}
	}
	ids, top := g.ids(t, p.Name+".top20_ids"), wide(g.floats(t, p.Name+".top20_logprobs"))
	last := wide(g.floats(t, p.Name+".last_logits"))
	var worst, worst64, worstTop, worstLogit float64
	visit := func(_, _, i int, row []float32) {
		at := make([]float64, 20)
		kernel.LogSoftmaxAt(row, ids[20*i:20*i+20], at)
		for k, lp := range at {
			worstTop = max(worstTop, math.Abs(lp-top[20*i+k]))
		}
		if i == len(p.IDs)-1 {
			for k, x := range row {
				worstLogit = max(worstLogit, math.Abs(float64(x)-last[k]))
			}
			return
		}
		kernel.LogSoftmaxAt(row, p.IDs[i+1:i+2], at[:1])
		worst = max(worst, math.Abs(at[0]-next[i]))
		if next64 != nil {
			worst64 = max(worst64, math.Abs(at[0]-next64[i]))
		}
	}
	if err := e.visitLogits(t.Context(), [][]int32{p.IDs}, visit, e.adapters[adapterName]); err != nil {
		t.Fatal(err)
	}
	t.Logf("largest differences: log-probability %.2g (of float64 %.2g), top 20 %.2g, last logits %.2g; want at most %.2g", worst, worst64, worstTop, worstLogit, limit)
	if m := max(worst, worst64, worstTop, worstLogit); !(m <= limit) {
		t.Errorf("largest difference %.3g, want at most %.3g", m, limit)
	}
}

// compareGreedy compares greedy text as far as its margins are honest.
func compareGreedy(t *testing.T, name string, r Result, p prompt) {
	t.Helper()
	got := r.New
	if r.Stop == StopEOS {
		got = append(slices.Clone(got), 2) // <|im_end|>, which ends the golden text too
	}
	for i, id := range p.Greedy {
		if p.Margins[i] < 1e-3 {
			return // another engine may rightly choose the other token
		}
		if i >= len(got) || got[i] != id {
			t.Errorf("%s: greedy token %d of %v, want %v", name, i, got, p.Greedy)
			return
		}
	}
}

func wide(x []float32) []float64 {
	y := make([]float64, len(x))
	for i, v := range x {
		y[i] = float64(v)
	}
	return y
}
