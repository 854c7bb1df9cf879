package main

import (
	"bytes"
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/ailiance/lorabench/model/benchmark"
)

// benchExample is a document with every kind of entry.
func benchExample() *benchDocument {
	peak := uint64(1_500_000_000)
	return &benchDocument{
		Schema: "lorabench/bench/1",
		Model: benchModel{
			Name: "tinyllama-1.1b q8", SHA256: "sha256:12", Weights: 1_100_000_000, Adapters: []string{}, Rank: 16, Modules: []string{"q_proj"},
			Arithmetic: "f32", Engine: "lorabench-engine/3", LoadSeconds: 2.5, FirstScore: 3.25,
		},
		Machine: benchMachine{CPU: "AMD EPYC", Threads: 2, Kernel: "avx512", Ceiling: &benchmark.Ceiling{GFLOPs: 234, GBs: 41}},
		Memory:  benchMemory{Weights: 1_200_000_000, Adapters: 90_000_000, Cache: 10_000_000, CacheMax: 640_000_000, Peak: &peak},
		Cells: []*benchmark.Cell{
			{
				Work: benchmark.Choice, Adapters: 10, Batch: 16, Prompt: 30, New: 5,
				TokensPerSecond: &benchmark.Spread{Median: 123.4, Min: 99.5, Max: 130, N: 5}, Seconds: &benchmark.Spread{Median: 2, Min: 1.9, Max: 2.1, N: 5},
				Tokens: 246, Steps: 3, Shared: 0.64, FLOPsPerToken: 1e9, BytesPerToken: 2e7, GFLOPs: 123.4, GBs: 2.468, OfCeiling: 0.527, Limit: "compute",
			},
			{Work: benchmark.Decode, Batch: 32, Prompt: 64, New: 24, Reason: "the budget was spent"},
		},
		Ratios: []*benchmark.Ratio{
			{
				Name: "decode: base + 10 with a sequence each, over the base alone", Of: "seconds per step", Aim: "≤ 1.5",
				Value: &benchmark.Spread{Median: 1.41, Min: 1.38, Max: 1.52, N: 5}, Left: 0.14, Right: 0.1, Shared: 0,
			},
			{Name: "multiple choice", Of: "seconds", Aim: "≤ 1.1", Reason: "the budget was spent"},
		},
	}
}

func TestBenchRenderings(t *testing.T) {
	var text, doc bytes.Buffer
	if err := printBench(&text, benchExample()); err != nil {
		t.Fatal(err)
	}
	golden(t, "bench.txt", text.Bytes())
	if err := printJSON(&doc, benchExample()); err != nil {
		t.Fatal(err)
	}
	golden(t, "bench.json", doc.Bytes())
}

// TestBench runs it from end to end.
func TestBench(t *testing.T) {
	args := []string{"bench", "--shape", "tiny", "--storage", "q4", "--quick", "--only", "decode,choice", "--adapters", "0,2", "--batch", "1,2", "--repeats", "1", "--threads", "1"}
	s := try(t, t.Context(), t.TempDir(), with(args, "--json", "--quiet")...)
	if s.code != 0 || s.err != "" {
		t.Fatalf("exit code %d: %s", s.code, s.err)
	}
	var d benchDocument
	dec := json.NewDecoder(strings.NewReader(s.out))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&d); err != nil {
		t.Fatal(err)
	}
	if d.Schema != "lorabench/bench/1" || d.Model.Name != "tiny q4" || d.Machine.Threads != 1 || d.Model.FirstScore <= 0 || len(d.Cells) != 6 || len(d.Ratios) != 0 {
		t.Errorf("%+v", d)
	}
	// Four bits a weight and a scale of 16 for 32: of 2.6 million weights in blocks and
	// output layer.
	if want := int64(4*(2*256*256+2*128*256+3*512*256)+1024*256) * 18 / 32; d.Model.Weights != want {
		t.Errorf("%d bytes of weights, want %d", d.Model.Weights, want)
	}
	if c := d.Machine.Ceiling; c == nil || c.GFLOPs <= 0 || c.GBs <= 0 {
		t.Errorf("ceiling %+v", c)
	}
	for _, c := range d.Cells {
		if c.TokensPerSecond == nil || c.TokensPerSecond.Median <= 0 || c.GFLOPs <= 0 || c.GBs <= 0 || c.OfCeiling <= 0 || c.Limit == "" {
			t.Errorf("%+v", c)
		}
	}
}

func TestBenchOfAModel(t *testing.T) {
	s := try(t, t.Context(), t.TempDir(), "bench", "demo", "--adapter", "spice", "--only", "decode", "--batch", "1", "--quick", "--repeats", "1", "--threads", "1")
	if s.code != 0 || !strings.Contains(s.out, "base + 1") || !strings.Contains(s.out, "of memory") && !strings.Contains(s.out, "of compute") {
		t.Fatalf("exit code %d: %s%s", s.code, s.out, s.err)
	}
}

func TestBenchUsage(t *testing.T) {
	for _, tt := range []struct{ name, args, want string }{
		{"nothing", "", "want MODEL or --shape"},
		{"both", "demo --shape tiny", "want MODEL or --shape"},
		{"storage of a model", "demo --storage q8", "--storage goes with --shape"},
		{"adapter of a shape", "--shape tiny --adapter a=b", "--adapter goes with MODEL"},
		{"random and own", "demo --adapter spice --rank 4", "--adapter takes the place of"},
		{"unknown shape", "--shape gpt-2", "want one of tiny"},
		{"unknown storage", "--shape tiny --storage q3", "want one of f32"},
		{"no whole blocks", "--shape smollm2-135m --storage q4_k", "no multiple of 256"},
		{"unknown work", "--shape tiny --only prefil", "want some of prefill"},
		{"batch", "--shape tiny --batch 0", "want 1 to 256"},
		{"adapters", "--shape tiny --adapters -1", "want 0 to 256"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := try(t, t.Context(), t.TempDir(), append([]string{"bench"}, strings.Fields(tt.args)...)...)
			if s.code != exitUsage || !strings.Contains(s.err, tt.want) {
				t.Errorf("exit code %d, %q, want %d and %q", s.code, s.err, exitUsage, tt.want)
			}
		})
	}
}

func TestBenchInterrupted(t *testing.T) {
	ctx, stop := context.WithTimeoutCause(t.Context(), 500*time.Millisecond, context.Canceled)
	defer stop()
	s := try(t, ctx, t.TempDir(), "bench", "--shape", "small", "--storage", "q8", "--threads", "1")
	if s.code != exitInterrupted || !strings.Contains(s.err, "interrupted") {
		t.Fatalf("exit code %d: %s%s", s.code, s.out, s.err)
	}
}
