package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"strconv"
	"strings"
)

// The kinds of work whose tokens a second are compared.
const (
	prefill  = "prefill 512"
	decode1  = "decode, batch 1"
	decode8  = "decode, batch 8"
	decode32 = "decode, batch 32"
)

// rates are tokens a second by work.
type rates map[string]float64

// output runs a program and returns its standard output; the error has the end of
// what it said.
func output(ctx context.Context, program string, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, program, args...)
	var out, said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &said
	if err := cmd.Run(); err != nil {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		return nil, fmt.Errorf("%w: %s", err, lastLines(said.String()))
	}
	return out.Bytes(), nil
}

// lastLines is the end of a text, in one line.
func lastLines(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return strings.Join(lines[max(0, len(lines)-2):], " / ")
}

// ours measures lorabench on a file.
func (b *bench) ours(ctx context.Context, file, arithmetic string, works []string) (rates, error) {
	args := []string{"bench", file, "--json", "--quiet", "--adapters", "0", "--repeats", "1", "--threads", strconv.Itoa(b.threads)}
	if arithmetic != "f32" {
		args = append(args, "--arithmetic", arithmetic)
	}
	all := rates{}
	for _, call := range [][3]string{{prefill, "prefill", "1"}, {decode1, "decode", "1"}, {decode8, "decode", "8"}, {decode32, "decode", "32"}} {
		if !contains(works, call[0]) {
			continue
		}
		out, err := output(ctx, b.lorabench, append(args, "--only", call[1], "--batch", call[2])...)
		if err != nil {
			return nil, err
		}
		if all[call[0]], err = parseOurs(out, call[1]); err != nil {
			return nil, err
		}
	}
	return all, nil
}

func contains(list []string, s string) bool {
	for _, x := range list {
		if x == s {
			return true
		}
	}
	return false
}

// parseOurs reads lorabench/bench/1 with one cell of this work.
func parseOurs(text []byte, work string) (float64, error) {
	var d struct {
		Schema string
		Cells  []struct {
			Work            string
			Reason          string
			TokensPerSecond *struct{ Median float64 } `json:"tokens_per_second"`
		}
	}
	if err := json.Unmarshal(text, &d); err != nil {
		return 0, err
	}
	if d.Schema != "lorabench/bench/1" {
		return 0, fmt.Errorf("schema %q, want lorabench/bench/1", d.Schema)
	}
	for _, c := range d.Cells {
		if c.Work != work {
			continue
		}
		if c.TokensPerSecond == nil {
			return 0, errors.New(c.Reason)
		}
		return c.TokensPerSecond.Median, nil
	}
	return 0, fmt.Errorf("no cell of %s", work)
}

// llamaBenchRates measures with llama-bench, of llama.cpp or ik_llama.cpp: a prompt of
// 512 tokens, and 24 written ones. Its own first run is not counted.
func llamaBenchRates(ctx context.Context, program, file string, threads int, more ...string) (rates, error) {
	args := append([]string{"-m", file, "-p", "512", "-n", "24", "-t", strconv.Itoa(threads), "-r", "1", "-o", "json"}, more...)
	out, err := output(ctx, program, args...)
	if err != nil {
		return nil, err
	}
	return parseLlamaBench(out)
}

// parseLlamaBench reads llama-bench -o json.
func parseLlamaBench(text []byte) (rates, error) {
	if at := bytes.IndexByte(text, '['); at > 0 { // ik_llama.cpp may say something before it
		text = text[at:]
	}
	var tests []struct {
		Prompt  int     `json:"n_prompt"`
		Written int     `json:"n_gen"`
		Rate    float64 `json:"avg_ts"`
	}
	if err := json.Unmarshal(text, &tests); err != nil {
		return nil, fmt.Errorf("llama-bench: %w", err)
	}
	all := rates{}
	for _, t := range tests {
		switch {
		case t.Prompt == 512 && t.Written == 0:
			all[prefill] = t.Rate
		case t.Prompt == 0 && t.Written > 0:
			all[decode1] = t.Rate
		}
	}
	if len(all) != 2 {
		return nil, fmt.Errorf("llama-bench: %d tests, want a prompt of 512 tokens and written ones", len(tests))
	}
	return all, nil
}

// batchedRates measures with llama-batched-bench: prompts of 64 tokens, 24 written.
func batchedRates(ctx context.Context, program, file string, threads int) (rates, error) {
	t := strconv.Itoa(threads)
	out, err := output(ctx, program, "-m", file, "-c", "4096", "-b", "2048", "-ub", "512", "-npp", "64", "-ntg", "24", "-npl", "8,32", "-t", t, "--output-format", "jsonl")
	if err != nil {
		return nil, err
	}
	return parseBatched(out)
}

// parseBatched reads llama-batched-bench --output-format jsonl, among other lines.
func parseBatched(text []byte) (rates, error) {
	all := rates{}
	for line := range bytes.Lines(text) {
		var test struct {
			Sequences int     `json:"pl"`
			Rate      float64 `json:"speed_tg"`
		}
		if line = bytes.TrimSpace(line); len(line) == 0 || line[0] != '{' || json.Unmarshal(line, &test) != nil {
			continue
		}
		switch test.Sequences {
		case 8:
			all[decode8] = test.Rate
		case 32:
			all[decode32] = test.Rate
		}
	}
	if len(all) != 2 {
		return nil, errors.New("llama-batched-bench: no lines of 8 and 32 sequences")
	}
	return all, nil
}

// openVINORates measures with OpenVINO GenAI in this precision ("f32", "bf16"), by a
// script beside this program.
func openVINORates(ctx context.Context, python, script, file, precision string, dynamic bool, threads int) (rates, error) {
	args := []string{script, file, precision, strconv.Itoa(threads)}
	if !dynamic {
		args = append(args, "--no-dynamic-quantization")
	}
	out, err := output(ctx, python, args...)
	if err != nil {
		return nil, err
	}
	return parseOpenVINO(out)
}

func parseOpenVINO(text []byte) (rates, error) {
	lines := bytes.Split(bytes.TrimSpace(text), []byte("\n"))
	var r struct{ Prefill, Decode float64 }
	if err := json.Unmarshal(lines[len(lines)-1], &r); err != nil || r.Prefill <= 0 || r.Decode <= 0 {
		return nil, fmt.Errorf("openvino: %w: %.100q", errors.Join(err, errors.New("want prefill and decode")), lines[len(lines)-1])
	}
	return rates{prefill: r.Prefill, decode1: r.Decode}, nil
}
