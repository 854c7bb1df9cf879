package main

import (
	"context"
	"errors"
	"path/filepath"
	"runtime"
	"strings"
)

// bench measures and keeps what it found.
type bench struct {
	options
	say func(format string, args ...any)
	doc document
}

// peer is a program whose tokens a second are compared.
type peer struct {
	name       string
	arithmetic string // lorabench's, beside it
	aims       map[string]float64
	measure    func(ctx context.Context) (rates, error)
}

// tokens compares tokens a second on every file.
func (b *bench) tokens(ctx context.Context, files []string) {
	if len(files) == 0 {
		b.doc.skip("prefill and decode", "no GGUF file is given (MODEL)")
		return
	}
	for _, p := range []struct{ program, name string }{
		{b.llamaBench, "llama-bench (LLAMA_BENCH)"}, {b.llamaBatched, "llama-batched-bench (LLAMA_BATCHED_BENCH)"},
		{b.ikBench, "llama-bench of ik_llama.cpp (IK_LLAMA_BENCH)"}, {b.openVINO, "Python with openvino-genai (OPENVINO_PYTHON)"},
	} {
		if p.program == "" {
			b.doc.skip("prefill and decode against "+p.name, "the program is not given")
		}
	}
	for _, file := range files {
		for _, p := range b.peers(file) {
			if ctx.Err() == nil && b.wanted(modelName(file)+" "+p.arithmetic+" "+p.name) {
				b.pairOff(ctx, file, p)
			}
		}
	}
}

func (b *bench) wanted(name string) bool { return strings.Contains(name, b.only) }

// storage is how a file's matrices are stored, by its name: llama.cpp's names.
func storage(file string) string {
	name := strings.ToLower(modelName(file))
	for _, s := range []string{"bf16", "f16", "f32", "q8_0", "q4_0", "q4_1", "q4_k"} {
		if strings.Contains(name, s) {
			return s
		}
	}
	return ""
}

// peers are what a file is compared with, and what is wanted of each.
func (b *bench) peers(file string) []peer {
	kind := storage(file)
	coded := strings.HasPrefix(kind, "q")
	// Aims of prefill: against llama.cpp and OpenVINO, at f32 and at the narrow arithmetic.
	llama, vino, narrow := 1.5, 1.1, map[string][2]float64{}
	switch {
	case coded:
		llama, narrow["int8"] = 1.1, [2]float64{2, 1.3}
	case kind == "bf16":
		narrow["bf16"] = [2]float64{1.5, 1.1}
	}
	var list []peer
	add := func(program, name, arithmetic string, aims map[string]float64, measure func(context.Context) (rates, error)) {
		if program != "" {
			list = append(list, peer{name, arithmetic, aims, measure})
		}
	}
	llamaRun := func(ctx context.Context) (rates, error) { return llamaBenchRates(ctx, b.llamaBench, file, b.threads) }
	batchedRun := func(ctx context.Context) (rates, error) { return batchedRates(ctx, b.llamaBatched, file, b.threads) }
	ikRun := func(ctx context.Context) (rates, error) {
		return llamaBenchRates(ctx, b.ikBench, file, b.threads, "-rtr", "1", "-fa", "1")
	}
	vinoRun := func(precision string, dynamic bool) func(context.Context) (rates, error) {
		return func(ctx context.Context) (rates, error) {
			return openVINORates(ctx, b.openVINO, scriptPath("genai_rates.py"), file, precision, dynamic, b.threads)
		}
	}
	batched := map[string]float64{decode8: 1.3, decode32: 1.5}
	add(b.llamaBench, "llama.cpp", "f32", map[string]float64{prefill: llama, decode1: 1}, llamaRun)
	add(b.llamaBatched, "llama.cpp", "f32", batched, batchedRun)
	ikAim := llama
	if coded {
		ikAim = 0
	}
	add(b.ikBench, "ik_llama.cpp", "f32", map[string]float64{prefill: ikAim, decode1: 1}, ikRun)
	switch {
	case coded:
		add(b.openVINO, "OpenVINO f32, no int8 activations", "f32", map[string]float64{prefill: 0, decode1: 1}, vinoRun("f32", false))
	case kind == "bf16": // its reader of GGUF has no bfloat16
	default:
		add(b.openVINO, "OpenVINO f32", "f32", map[string]float64{prefill: vino, decode1: 1}, vinoRun("f32", true))
	}
	for arithmetic, aim := range narrow {
		add(b.llamaBench, "llama.cpp", arithmetic, map[string]float64{prefill: aim[0], decode1: 1}, llamaRun)
		add(b.llamaBatched, "llama.cpp", arithmetic, batched, batchedRun)
		if coded {
			add(b.openVINO, "OpenVINO, int8 activations (its default)", arithmetic, map[string]float64{prefill: aim[1], decode1: 1}, vinoRun("f32", true))
		}
	}
	if kind == "f16" {
		add(b.openVINO, "OpenVINO bf16", "bf16", map[string]float64{prefill: 1.1, decode1: 1}, vinoRun("bf16", true))
	}
	return list
}

// pairOff measures lorabench and a peer in turns.
func (b *bench) pairOff(ctx context.Context, file string, p peer) {
	var works []string
	for _, w := range []string{prefill, decode1, decode8, decode32} {
		if _, has := p.aims[w]; has {
			works = append(works, w)
		}
	}
	what := modelName(file) + ", " + p.arithmetic + ", against " + p.name
	for i := range b.pairs {
		ours, err := b.ours(ctx, file, p.arithmetic, works)
		if err != nil {
			b.fault(ctx, what, "lorabench: "+err.Error())
			return
		}
		theirs, err := p.measure(ctx)
		if err != nil {
			b.fault(ctx, what, err.Error())
			return
		}
		for _, w := range works {
			r := b.doc.row(row{Work: w, Model: modelName(file), Arithmetic: p.arithmetic, Peer: p.name, Unit: "tokens/s", Aim: p.aims[w]})
			r.Ours, r.Theirs = append(r.Ours, ours[w]), append(r.Theirs, theirs[w])
			b.say("%s, %s, pair %d of %d: %.4g and %.4g tokens/s", what, w, i+1, b.pairs, ours[w], theirs[w])
		}
	}
}

// fault leaves the rest of a comparison out.
func (b *bench) fault(ctx context.Context, what, why string) {
	if ctx.Err() != nil {
		why = "interrupted"
	}
	b.say("%s: %s", what, why)
	b.doc.skip(what, why)
}

var errNoScript = errors.New("the folder of this program is not known")

// scriptPath is a script beside the source of this program.
func scriptPath(name string) string {
	_, here, _, ok := runtime.Caller(0)
	if !ok {
		panic(errNoScript) // built without source positions
	}
	return filepath.Join(filepath.Dir(here), name)
}
