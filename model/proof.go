package model

import (
	"context"
	"fmt"
	"io/fs"
	"math"
	"slices"
	"strings"

	"github.com/ailiance/lorabench/model/architecture"
)

// Proof is the evidence that an adapter is applied (law 2).
type Proof struct {
	Format  string    // "PEFT LoRA", "MLX DoRA", …
	Tensors int       // tensors of the adapter file that are used: all that text reaches
	Skipped int       // tensors of parts that see or hear, which no text reaches
	Modules int       // modules that it changes
	Targets []string  // their paths inside a block
	Changes []string  // what is done to them, sorted: "LoRA", "DoRA", "bias", "weight", "tokens"
	Ranks   []int     // distinct, ascending
	Scales  []float64 // distinct, ascending

	NumericalModules int     // modules whose outputs were compared with the file's tensors in float64
	NumericalError   float64 // largest relative difference of what the adapter changes of them

	ProbeTokens        int     // positions compared
	KL                 float64 // mean KL(base ‖ adapter) of the next-token distributions, nats
	MaxLogitDifference float64
	ZeroBEqualsBase    bool // with B = 0 the logits equal the base's bit for bit
}

// probeTexts are what base and adapter are compared on.
var probeTexts = []string{
	"Question: What is 17 plus 25? Let us think step by step.\nAnswer:",
	"R1 in out 10k\nC1 out 0 100n\n.ac dec 20 1 1meg\n.end\n",
	"The quick brown fox jumps over the lazy dog, and then it sleeps.",
}

// probeTokens is the most tokens of each probe text.
const probeTokens = 64

// LoadAdapter makes the adapter in dir resident under name, after proof that it
// is applied: every tensor used, every targeted module found, shapes right,
// values finite and not zero; what it changes of some modules' outputs is what its
// tensors say in float64; its logits on probe texts differ from the base's, and
// with B = 0 they equal them bit for bit. Anything else is an *AdapterError, and
// the adapter is not loaded. dir is what AdapterFiles returns: a folder of PEFT or
// mlx-lm, or one with a GGUF file.
func (e *Engine) LoadAdapter(ctx context.Context, name string, dir fs.FS) (*Proof, error) {
	switch {
	case e.closed:
		return nil, ErrClosed
	case name == "":
		return nil, fmt.Errorf("an adapter needs a name")
	case e.Pending() > 0:
		return nil, fmt.Errorf("adapter %s: jobs are running", name)
	}
	if e.adapters[name] != nil {
		return nil, fmt.Errorf("adapter %s is loaded already", name)
	}
	f, err := e.openAdapter(name, dir)
	if err != nil {
		return nil, err
	}
	defer f.source.Close()
	a := f.a
	proof := f.describe()
	if err := f.checkNumbers(proof); err != nil {
		return nil, &AdapterError{Adapter: name, Reason: err.Error()}
	}
	if err := e.probe(ctx, a, proof); err != nil {
		return nil, err
	}
	e.adapters[name] = a
	if err := e.share(); err != nil {
		delete(e.adapters, name)
		return nil, fmt.Errorf("adapter %s: %w", name, err)
	}
	return proof, nil
}

// UnloadAdapter forgets an adapter and what was computed with it. Jobs must have
// ended.
func (e *Engine) UnloadAdapter(name string) error {
	a := e.adapters[name]
	if a == nil {
		return fmt.Errorf("adapter %s is not loaded", name)
	}
	if e.Pending() > 0 {
		return fmt.Errorf("adapter %s: jobs are running", name)
	}
	if err := e.cache.drop(a); err != nil {
		return err
	}
	delete(e.adapters, name)
	return e.share()
}

// AdapterHash is the sha256 of a loaded adapter's files, "" where it is not loaded.
func (e *Engine) AdapterHash(name string) string {
	if a := e.adapters[name]; a != nil {
		return a.hash
	}
	return ""
}

// describe says what the adapter does.
func (f *fitting) describe() *Proof {
	a := f.a
	p := &Proof{Format: a.format, Tensors: a.tensors, Skipped: a.skipped, Ranks: []int{}, Scales: []float64{}}
	changed := func(path string, what map[string]bool) {
		p.Modules++
		p.Targets = append(p.Targets, architecture.InBlock(path))
		for name, is := range what {
			if is {
				p.Changes = append(p.Changes, name)
			}
		}
	}
	a.updates(func(path string, u *update) {
		changed(path, map[string]bool{
			"LoRA": u.low != nil && u.gain == nil, "DoRA": u.gain != nil, "bias": u.bias != nil, "weight": u.weight != nil, "tokens": u.rows != nil,
		})
		if u.low != nil {
			p.Ranks = append(p.Ranks, u.low.rank)
			p.Scales = append(p.Scales, u.low.scale)
		}
	})
	if u := a.embed; u != nil {
		dora := u.gain != nil || u.tokenGain != nil
		changed(architecture.EmbedTokens, map[string]bool{
			"LoRA": u.a != nil && !dora, "DoRA": dora, "weight": u.weight != nil, "tokens": u.rows != nil,
		})
		if u.a != nil {
			p.Ranks = append(p.Ranks, u.a.Cols())
			p.Scales = append(p.Scales, u.scale)
		}
	}
	f.vectors(func(path string) { changed(path, map[string]bool{"weight": true}) })
	slices.Sort(p.Targets)
	slices.Sort(p.Changes)
	slices.Sort(p.Ranks)
	slices.Sort(p.Scales)
	p.Targets, p.Changes = slices.Compact(p.Targets), slices.Compact(p.Changes)
	p.Ranks, p.Scales = slices.Compact(p.Ranks), slices.Compact(p.Scales)
	return p
}

// vectors calls visit for the module of every vector that the adapter replaces.
func (f *fitting) vectors(visit func(path string)) {
	if f.a.perLayerNorm != nil {
		visit(architecture.PerLayerProjectionNorm)
	}
	for n := range f.a.layers {
		for v, own := range f.a.layers[n].vectors {
			if own != nil {
				name, _, _ := f.e.config.VectorShape(n, architecture.BlockVector(v))
				visit(architecture.Block(n) + strings.TrimSuffix(name, ".weight"))
			}
		}
	}
	if f.a.norm != nil {
		visit(architecture.FinalNorm)
	}
}

// probe compares the logits of base, adapter, and adapter with B = 0.
func (e *Engine) probe(ctx context.Context, a *adapter, p *Proof) error {
	base, err := e.probeBase(ctx)
	if err != nil {
		return fmt.Errorf("adapter %s: probe: %w", a.name, err)
	}
	p.ZeroBEqualsBase = true
	divergences := make([]divergence, len(base.rows))
	err = e.visitLogits(ctx, base.prompts, func(variant, prompt, position int, logits []float32) {
		row := base.row(prompt, position)
		if variant == 0 {
			divergences[row] = e.divergence(base, row, logits)
		} else if !slices.Equal(base.rows[row], logits) {
			p.ZeroBEqualsBase = false
		}
	}, a, e.neutral(a))
	if err != nil {
		return fmt.Errorf("adapter %s: probe: %w", a.name, err)
	}
	for _, d := range divergences {
		if y := d.notFinite; y-y != 0 {
			return &AdapterError{Adapter: a.name, Reason: fmt.Sprintf("its logits on the probe are not finite (%v)", y)}
		}
		p.KL += d.kl
		p.MaxLogitDifference = math.Max(p.MaxLogitDifference, d.largest)
	}
	p.ProbeTokens = len(divergences)
	p.KL /= float64(p.ProbeTokens)
	if p.MaxLogitDifference == 0 {
		return &AdapterError{Adapter: a.name, Reason: "it changes nothing: its logits on the probe texts equal the base's"}
	}
	if !p.ZeroBEqualsBase {
		return fmt.Errorf("adapter %s: with B = 0 the logits differ from the base's: a fault of the engine, please report it", a.name)
	}
	return nil
}

// probePrompts tokenises the probe texts; a model without a tokenizer gets a
// fixed sequence of its vocabulary.
func (e *Engine) probePrompts() [][]int32 {
	var prompts [][]int32
	most := min(probeTokens, e.config.MaxPositionEmbeddings)
	if e.tokenizer == nil {
		tokens := make([]int32, most)
		for i := range tokens {
			tokens[i] = int32((i*7919 + 11) % e.config.VocabSize)
		}
		return append(prompts, tokens)
	}
	for _, text := range probeTexts {
		tokens, err := e.tokenizer.Encode(text, false)
		if err != nil || len(tokens) == 0 {
			continue
		}
		prompts = append(prompts, tokens[:min(len(tokens), most)])
	}
	return prompts
}

// Logits returns the logits of every position of tokens, [len(tokens)][V], with
// an adapter or ("") without.
func (e *Engine) Logits(ctx context.Context, adapterName string, tokens []int32) ([][]float32, error) {
	var a *adapter
	if adapterName != "" {
		if a = e.adapters[adapterName]; a == nil {
			return nil, fmt.Errorf("adapter %q is not loaded", adapterName)
		}
	}
	all, err := e.logitsOf(ctx, tokens, a)
	if err != nil {
		return nil, err
	}
	return all[0], nil
}

// logitsOf returns the logits of every position of tokens for several variants,
// [variant][position][V].
func (e *Engine) logitsOf(ctx context.Context, tokens []int32, variants ...*adapter) ([][][]float32, error) {
	out := make([][][]float32, len(variants))
	err := e.visitLogits(ctx, [][]int32{tokens}, func(variant, _, _ int, logits []float32) {
		out[variant] = append(out[variant], slices.Clone(logits))
	}, variants...)
	return out, err
}

// visitLogits runs prompts through several variants in one batch, in a cache of
// their own, so that nothing of it is shared with jobs, and shows the logits of
// every position, of a prompt and variant ascending, to visit, which must not keep
// them.
func (e *Engine) visitLogits(ctx context.Context, prompts [][]int32, visit func(variant, prompt, position int, logits []float32), variants ...*adapter) error {
	switch {
	case e.closed:
		return ErrClosed
	case e.Pending() > 0:
		return fmt.Errorf("jobs are running")
	}
	jobs, work := e.cache, e.work
	defer func() {
		e.abandon() // none are left, unless there was an error
		e.cache, e.work = jobs, work
	}()
	blocks := 0
	for _, tokens := range prompts {
		blocks += len(variants) * ((len(tokens) + blockLen - 1) / blockLen)
	}
	e.cache = newKVCache(newKVLayout(e.config.Layers), int64(blocks)*jobs.blockBytes())
	for v, a := range variants {
		for i, tokens := range prompts {
			s, err := e.newSequence(Job{ID: v*len(prompts) + i, Tokens: tokens, MaxNewTokens: 1})
			if err != nil {
				return err
			}
			s.adapter, s.wanted = a, 0
			if a != nil {
				s.first = a.firstChanged()
			}
			s.capture = func(position int, logits []float32) { visit(v, i, position, logits) }
			e.queue(s)
		}
	}
	for e.Pending() > 0 {
		results, err := e.Step(ctx)
		if err != nil {
			return err
		}
		for _, r := range results {
			if r.Err != nil {
				return r.Err
			}
		}
	}
	return nil
}

// abandon drops all jobs.
func (e *Engine) abandon() {
	for _, s := range e.active {
		e.leave(s)
	}
	e.active, e.waiting, e.bundles, e.queued = nil, nil, nil, 0
}
