package model

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/ailiance/lorabench/model/architecture"
	"github.com/ailiance/lorabench/model/checkpoint"
)

// TestQuantisedEqualsWidened: a matrix stored in 16 bits computes as its values
// stored in 32 do, bit for bit; one stored in blocks with scales sums in another
// order.
func TestQuantisedEqualsWidened(t *testing.T) {
	cfg := tinyConfig()
	for _, dtype := range []checkpoint.DType{checkpoint.F16, checkpoint.BF16, checkpoint.Q8_0, checkpoint.Q4_0, checkpoint.Q4_1} {
		t.Run(dtype.String(), func(t *testing.T) {
			stored := randomWeights(cfg, dtype, 21)
			widened := memorySource{}
			for name, x := range stored {
				values, err := x.Float32s()
				if err != nil {
					t.Fatal(err)
				}
				x.DType, x.Data = checkpoint.F32, nil
				for _, v := range values {
					x.Data = binary.LittleEndian.AppendUint32(x.Data, math.Float32bits(v))
				}
				widened[name] = x
			}
			tokens := []int32{5, 80, 7, 100, 9, 10, 33, 12, 13, 5, 5, 6, 7, 8, 9, 44, 45, 46}
			got, err := openSource(t, cfg, stored, Options{}).Logits(t.Context(), "", tokens)
			if err != nil {
				t.Fatal(err)
			}
			want, err := openSource(t, cfg, widened, Options{}).Logits(t.Context(), "", tokens)
			if err != nil {
				t.Fatal(err)
			}
			plain := dtype == checkpoint.F16 || dtype == checkpoint.BF16
			if d := apart(got, want); plain && !sameBits(got, want) || !(d <= sumTolerance) {
				t.Errorf("logits are %.2g apart, of the largest", d)
			}
		})
	}
}

// TestMemoryLimit: what does not fit is one error that says how much is needed,
// and exactly that much is enough.
func TestMemoryLimit(t *testing.T) {
	cfg := tinyConfig()
	dir := tinyDirectory(tinyJSON, 7)
	open := func(allowed, cache int64) (*Engine, error) {
		return OpenFS(t.Context(), dir, ".", Options{Threads: 1, MemoryBytes: allowed, CacheBytes: cache})
	}
	for _, cache := range []int64{0, 1 << 20} {
		_, err := open(1000, cache)
		var tooLarge *MemoryError
		if !errors.As(err, &tooLarge) || tooLarge.Allowed != 1000 || !strings.Contains(err.Error(), "--memory") {
			t.Fatalf("error %v, want a MemoryError that says --memory", err)
		}
		t.Log(err)
		if _, err := open(tooLarge.Needed-1, cache); !errors.As(err, &tooLarge) {
			t.Errorf("one byte less: error %v, want a MemoryError", err)
		}
		e, err := open(tooLarge.Needed, cache)
		if err != nil {
			t.Fatal(err)
		}
		if m := e.Memory(); m.Weights+m.CacheMax > tooLarge.Needed {
			t.Errorf("%+v may be used of %d", m, tooLarge.Needed)
		}
		// There is no room for an adapter, and the base stays as it was.
		before := e.Memory()
		if _, err := e.LoadAdapter(t.Context(), "one", tinyAdapter(cfg, 4, 11, "q_proj")); !errors.As(err, &tooLarge) {
			t.Errorf("adapter: error %v, want a MemoryError", err)
		}
		if after := e.Memory(); after != before {
			t.Errorf("memory %+v after a refused adapter, want %+v", after, before)
		}
		e.Close()
	}
	// Adapters take their room from that of keys and values.
	e, err := open(16<<20, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	before := e.Memory()
	loadTiny(t, e, cfg)
	with := e.Memory()
	if with.Adapters == 0 || with.CacheMax >= before.CacheMax || with.Weights+with.Adapters+with.CacheMax > 16<<20 {
		t.Errorf("memory %+v with adapters, %+v without", with, before)
	}
	for _, name := range []string{"one", "two"} {
		if err := e.UnloadAdapter(name); err != nil {
			t.Error(err)
		}
	}
	if after := e.Memory(); after.Adapters != 0 || after.CacheMax != before.CacheMax {
		t.Errorf("memory %+v after unloading, want %+v", after, before)
	}
}

// TestResize: the room for keys and values shrinks, and forgets what it held.
func TestResize(t *testing.T) {
	layout := newKVLayout([]architecture.Layer{{NumKeyValueHeads: 1, HeadDim: 2}})
	c := newKVCache(layout, 10*layout.bytes())
	fill := func(lineage *adapter, n int) (last *block) {
		if err := c.reserve(int64(n) * c.blockBytes()); err != nil {
			t.Fatal(err)
		}
		last = c.root(0, lineage)
		for i := range n {
			last = c.take(last, []int32{int32(i)}, nil)
			last.refs--
		}
		return last
	}
	fill(nil, 6)
	fill(&adapter{name: "b"}, 4)
	if err := c.resize(3 * c.blockBytes()); err != nil || c.used+c.spare > 3*c.blockBytes() || c.capacity != 3*c.blockBytes() {
		t.Errorf("resize: %v, %d bytes of %d", err, c.used+c.spare, c.capacity)
	}
	if err := c.resize(10 * c.blockBytes()); err != nil || c.capacity != 10*c.blockBytes() {
		t.Errorf("resize: %v, %d bytes", err, c.capacity)
	}
	last := fill(&adapter{name: "c"}, 2)
	last.refs++
	if err := c.resize(0); !errors.Is(err, errCacheFull) {
		t.Errorf("resize under a reader: error %v", err)
	}
}

func TestStepAfterCancelAndClose(t *testing.T) {
	cfg := tinyConfig()
	e := openSource(t, cfg, randomWeights(cfg, checkpoint.F32, 7), Options{Threads: 3})
	cause := errors.New("enough")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(cause)
	job := Job{Tokens: []int32{5, 6, 7}, MaxNewTokens: 3}
	if err := e.Submit(job); err != nil {
		t.Fatal(err)
	}
	if done, err := e.Step(ctx); len(done) != 0 || !errors.Is(err, cause) {
		t.Errorf("Step: %v, %v, want the cause of the cancellation", done, err)
	}
	if r := drain(t, e); len(r) != 1 || len(r[0].New) == 0 {
		t.Errorf("after a cancelled Step: %+v", r)
	}
	if err := e.Submit(job); err != nil {
		t.Fatal(err)
	}
	e.Close()
	e.Close()
	if _, err := e.Step(t.Context()); !errors.Is(err, ErrClosed) {
		t.Errorf("Step after Close: %v", err)
	}
	if err := e.Submit(job); !errors.Is(err, ErrClosed) {
		t.Errorf("Submit after Close: %v", err)
	}
	if _, err := e.Logits(t.Context(), "", job.Tokens); !errors.Is(err, ErrClosed) {
		t.Errorf("Logits after Close: %v", err)
	}
	if _, err := e.LoadAdapter(t.Context(), "one", tinyAdapter(cfg, 4, 11, "q_proj")); !errors.Is(err, ErrClosed) {
		t.Errorf("LoadAdapter after Close: %v", err)
	}
	if e.Pending() != 0 {
		t.Errorf("%d jobs after Close", e.Pending())
	}
}

// TestNotFinite: a model whose numbers overflow gives errors, not scores.
func TestNotFinite(t *testing.T) {
	cfg := tinyConfig()
	src := randomWeights(cfg, checkpoint.F32, 7)
	head := src["lm_head.weight"]
	head.Data = bytes.Repeat([]byte{0, 0, 0x7f, 0x7f}, len(head.Data)/4) // 3.4e38
	src["lm_head.weight"] = head
	e := openSource(t, cfg, src, Options{})
	for i, j := range []Job{{Tokens: []int32{5, 6, 7, 8}, Scored: 2}, {Tokens: []int32{5, 6, 7}, MaxNewTokens: 5}} {
		j.ID = i
		if err := e.Submit(j); err != nil {
			t.Fatal(err)
		}
	}
	for _, r := range drain(t, e) {
		if !errors.Is(r.Err, ErrNotFinite) || r.LogProbs != nil || r.New != nil {
			t.Errorf("result %+v, want ErrNotFinite alone", r)
		}
	}
}

// TestWrongJobs: what is wrong with a job is told when it is submitted.
func TestWrongJobs(t *testing.T) {
	cfg := tinyConfig()
	e := openSource(t, cfg, randomWeights(cfg, checkpoint.F32, 7), Options{MaxPosition: 40})
	if e.MaxLength() != 40 {
		t.Errorf("MaxLength %d, want 40", e.MaxLength())
	}
	for name, j := range map[string]Job{
		"no tokens":           {MaxNewTokens: 1},
		"nothing to do":       {Tokens: []int32{5}},
		"negative":            {Tokens: []int32{5, 6}, Scored: -1, MaxNewTokens: 1},
		"token too large":     {Tokens: []int32{5, int32(cfg.VocabSize)}, MaxNewTokens: 1},
		"token negative":      {Tokens: []int32{-1}, MaxNewTokens: 1},
		"first token scored":  {Tokens: []int32{5, 6}, Scored: 2},
		"unknown adapter":     {Tokens: []int32{5}, MaxNewTokens: 1, Adapter: "nobody"},
		"too long":            {Tokens: make([]int32, 42), Scored: 1},
		"too long a prompt":   {Tokens: make([]int32, 41), MaxNewTokens: 1},
		"tokens out of range": {Tokens: []int32{math.MaxInt32}, MaxNewTokens: 1},
	} {
		if err := e.Submit(j); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	// The last position may be used, and text ends there.
	for i, j := range []Job{{Tokens: make([]int32, 41), Scored: 1}, {Tokens: make([]int32, 40), MaxNewTokens: 9}, {Tokens: make([]int32, 35), MaxNewTokens: 99}} {
		j.ID = i
		if err := e.Submit(j); err != nil {
			t.Error(err)
		}
	}
	e.eos = nil
	for _, r := range drain(t, e) {
		if r.Err != nil || r.ID > 0 && (r.Stop != StopContext || len(r.New) != []int{0, 1, 6}[r.ID]) {
			t.Errorf("result %+v", r)
		}
	}
}

// TestDamagedFiles: a checkpoint that is cut short or has flipped bits is
// refused, or opens where a weight is still a number; it never panics.
func TestDamagedFiles(t *testing.T) {
	text := strings.NewReplacer(`"vocab_size":117`, `"vocab_size":20`, `"num_hidden_layers":2`, `"num_hidden_layers":1`).Replace(tinyJSON)
	whole := tinyDirectory(text, 7)
	data := whole[checkpoint.WeightsFile].Data
	open := func(file string, data []byte) error {
		dir := tinyDirectory(text, 7)
		dir[file].Data = data
		e, err := OpenFS(t.Context(), dir, ".", Options{Threads: 1})
		if err == nil {
			e.Close()
		}
		return err
	}
	if err := open(checkpoint.WeightsFile, data); err != nil {
		t.Fatal(err)
	}
	r := rand.New(rand.NewPCG(1, 1))
	header := 8 + int(binary.LittleEndian.Uint64(data))
	for range 200 {
		n := r.IntN(len(data))
		if r.IntN(2) == 0 {
			n = r.IntN(header)
		}
		if err := open(checkpoint.WeightsFile, data[:n]); err == nil {
			t.Errorf("%d of %d bytes: no error", n, len(data))
		}
	}
	for range 300 {
		at := r.IntN(header)
		flipped := slices.Clone(data)
		flipped[at] ^= 1 << r.IntN(8)
		if err := open(checkpoint.WeightsFile, flipped); err == nil {
			t.Errorf("bit of byte %d of the header: no error", at)
		}
	}
	config := whole[checkpoint.ConfigFile].Data
	for at := range config {
		flipped := slices.Clone(config)
		flipped[at] ^= 1 << r.IntN(8)
		_ = open(checkpoint.ConfigFile, flipped) // some are other valid numbers
	}
	adapter := tinyAdapter(parseTiny(text), 4, 11, "q_proj")
	e, err := OpenFS(t.Context(), whole, ".", Options{Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	if _, err := e.LoadAdapter(t.Context(), "one", adapter); err != nil {
		t.Fatal(err)
	}
	// An infinity in a weight is refused by name.
	broken := slices.Clone(data)
	copy(broken[len(broken)-4:], []byte{0, 0, 0x80, 0x7f})
	if err := open(checkpoint.WeightsFile, broken); err == nil || !strings.Contains(err.Error(), "+Inf") {
		t.Errorf("infinity: error %v", err)
	}
	for _, threads := range []int{-1, maxThreads + 1} {
		if _, err := OpenFS(t.Context(), whole, ".", Options{Threads: threads}); err == nil {
			t.Errorf("%d threads: no error", threads)
		}
	}
}

// TestUnsupported: what a correct file may ask for and this version cannot
// compute has a type of its own.
func TestUnsupported(t *testing.T) {
	cfg := tinyConfig()
	for _, change := range []string{
		`"model_type":"mamba"`, `"hidden_act":"gelu"`, `"rope_scaling":{"rope_type":"spiral","factor":2}`, `"novelty":1`,
	} {
		dir := tinyDirectory(tinyJSON, 7)
		text := string(dir[checkpoint.ConfigFile].Data)
		if strings.HasPrefix(change, `"model_type"`) {
			text = strings.Replace(text, `"model_type":"llama"`, change, 1)
		} else {
			text = strings.Replace(text, "{", "{"+change+",", 1)
		}
		dir[checkpoint.ConfigFile].Data = []byte(text)
		_, err := OpenFS(t.Context(), dir, ".", Options{})
		var unsupported *UnsupportedError
		if !errors.As(err, &unsupported) {
			t.Errorf("%s: error %v, want an UnsupportedError", change, err)
		}
	}
	src := randomWeights(cfg, checkpoint.F32, 7)
	q := src["model.layers.0.mlp.up_proj.weight"]
	q.DType, q.Data = checkpoint.IQ2_XS, nil
	src[q.Name] = q
	_, err := newWeights(src, cfg, Float32).packedBytes(config{Config: cfg})
	var unsupported *UnsupportedError
	if !errors.As(err, &unsupported) || !strings.Contains(fmt.Sprint(err), "IQ2_XS of model.layers.0.mlp.up_proj.weight") {
		t.Errorf("error %v, want an UnsupportedError that names type and tensor", err)
	}
}
