package model

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/ailiance/lorabench/model/checkpoint"
	"github.com/ailiance/lorabench/model/kernel"
)

// headEngine has a vocabulary of several slices, the last one short, and adapters
// that change the output layer in every way: "low", "dora", "weight".
func headEngine(t *testing.T, opt Options) *Engine {
	cfg := parseTiny(`{"model_type":"llama","hidden_size":64,"intermediate_size":64,"num_hidden_layers":1,"num_attention_heads":4,
"num_key_value_heads":2,"vocab_size":2500,"max_position_embeddings":512}`)
	e := openSource(t, cfg, randomWeights(cfg, checkpoint.F32, 11), opt)
	e.eos = nil
	r := rand.New(rand.NewPCG(3, 9))
	floats := func(n int) []float32 {
		x := make([]float32, n)
		for i := range x {
			x[i] = float32(r.NormFloat64() / 8)
		}
		return x
	}
	const d, vocab, rank = 64, 2500, 4
	low := &lowRank{a: kernel.PackF32(rank, d, floats(rank*d)), b: kernel.PackF32(vocab, rank, floats(vocab*rank)), rank: rank, scale: 2}
	tokens := []int32{0, 1023, 1024, 2047, 2048, 2499}
	for name, u := range map[string]*update{
		"low":    {low: low, bias: floats(vocab)},
		"dora":   {low: low, gain: floats(vocab), bias: floats(vocab), rows: &ownRows{outputs: tokens, weight: kernel.PackF32(len(tokens), d, floats(len(tokens)*d))}},
		"weight": {weight: kernel.PackF32(vocab, d, floats(vocab*d))},
	} {
		e.adapters[name] = &adapter{name: name, layers: make([]layerUpdate, cfg.NumHiddenLayers), head: u}
	}
	return e
}

var headVariants = []string{"", "dora", "low", "weight"}

// TestHeadEqualsProduct: slice by slice the output layer has the sums of a linear
// layer as a whole, with and without adapters, for rows of several in one pass.
func TestHeadEqualsProduct(t *testing.T) {
	e := headEngine(t, Options{Threads: 3})
	d, vocab := e.config.HiddenSize, e.config.VocabSize
	r := rand.New(rand.NewPCG(5, 5))
	var heads []headRow
	for _, name := range slices.Backward(headVariants) {
		s := &sequence{adapter: e.adapters[name], job: Job{MaxNewTokens: 1}}
		for range 40 { // so that groups of rows end within an adapter's
			heads = append(heads, headRow{seq: s, row: len(heads)})
		}
	}
	x := make([]float32, len(heads)*d)
	for i := range x {
		x[i] = float32(r.NormFloat64())
	}
	p := e.headPass(x, heads)
	got := make([]float32, len(heads)*vocab)
	if err := e.runSlices(t.Context(), p, got); err != nil {
		t.Fatal(err)
	}
	want := make([]float32, len(heads)*vocab)
	e.product(e.decoder.head, nil, func(a *adapter) *update { return a.head }, p.segments, want, p.normed, len(heads))
	for i := range want {
		if math.Float32bits(got[i]) != math.Float32bits(want[i]) {
			t.Fatalf("row %d, logit %d: %v, want %v", i/vocab, i%vocab, got[i], want[i])
		}
	}
}

// TestScoresAreOfTheLogits: log-probabilities and the likeliest token, which are made
// from slices, are those of the whole row of logits, on any number of threads; and
// nothing as long as a row is kept.
func TestScoresAreOfTheLogits(t *testing.T) {
	const n = 150 // more than a group of rows
	tokens := make([]int32, n+1)
	r := rand.New(rand.NewPCG(6, 6))
	for i := range tokens {
		tokens[i] = int32(r.IntN(2500))
	}
	for _, threads := range []int{1, 4} {
		e := headEngine(t, Options{Threads: threads})
		for _, name := range headVariants {
			if err := e.Submit(Job{Adapter: name, Tokens: tokens, Scored: n}); err != nil {
				t.Fatal(err)
			}
			if err := e.Submit(Job{ID: 1, Adapter: name, Tokens: tokens[:n], MaxNewTokens: 3}); err != nil {
				t.Fatal(err)
			}
			results := drain(t, e)
			slices.SortFunc(results, func(a, b Result) int { return a.ID - b.ID })
			if len(e.batch.logits) != 0 {
				t.Errorf("%d logits are kept", len(e.batch.logits))
			}
			rows, err := e.Logits(t.Context(), name, tokens)
			if err != nil {
				t.Fatal(err)
			}
			e.batch.logits = nil
			for i, got := range results[0].LogProbs {
				var want [1]float64
				kernel.LogSoftmaxAt(rows[i], tokens[i+1:i+2], want[:])
				if got != want[0] {
					t.Fatalf("%q, token %d: log-probability %v, of the row %v", name, i, got, want[0])
				}
				if exact := float64(rows[i][tokens[i+1]]) - logSumExp(rows[i]); math.Abs(got-exact) > 3e-7 {
					t.Errorf("%q, token %d: log-probability %v, want %v", name, i, got, exact)
				}
			}
			if got, want := results[1].New[0], int32(kernel.ArgMax(rows[n-1])); got != want {
				t.Errorf("%q: the likeliest token is %d, want %d", name, got, want)
			}
		}
	}
}

// TestOneLogitNotFinite: one logit that is not a number is found, in whatever slice.
func TestOneLogitNotFinite(t *testing.T) {
	nan, inf := float32(math.NaN()), float32(math.Inf(1))
	for _, at := range []int{5, 1024, 2499} {
		for _, x := range []float32{nan, inf} {
			row := make([]float32, 2500)
			row[at] = x
			var parts []kernel.SoftmaxPart
			for slice := range slices.Chunk(row, kernel.SliceLen) {
				parts = append(parts, kernel.PartOf(slice))
			}
			best, lse := kernel.Softmax(parts)
			v := verdict{best: best}
			v.set(7, row[7], lse)
			if v.finite {
				t.Errorf("logit %d is %v: %+v", at, x, v)
			}
		}
	}
}
