package main

import (
	"maps"
	"strings"
	"testing"
)

// TestParseRates reads what the programs print, and refuses what is not that.
func TestParseRates(t *testing.T) {
	for _, tt := range []struct {
		name  string
		parse func([]byte) (rates, error)
		text  string
		want  rates // nil: refused
	}{
		{"llama-bench", parseLlamaBench, `[{"n_prompt": 512, "n_gen": 0, "avg_ts": 361.5, "samples_ts": [361.5]}, {"n_prompt": 0, "n_gen": 24, "avg_ts": 55.5}]`, rates{prefill: 361.5, decode1: 55.5}},
		{"llama-bench behind a message", parseLlamaBench, "repacking\n" + `[{"n_prompt": 512, "n_gen": 0, "avg_ts": 1}, {"n_prompt": 0, "n_gen": 24, "avg_ts": 2}]`, rates{prefill: 1, decode1: 2}},
		{"llama-bench of another prompt", parseLlamaBench, `[{"n_prompt": 64, "n_gen": 0, "avg_ts": 1}, {"n_prompt": 0, "n_gen": 24, "avg_ts": 2}]`, nil},
		{"llama-bench of a prompt alone", parseLlamaBench, `[{"n_prompt": 512, "n_gen": 0, "avg_ts": 1}]`, nil},
		{"llama-bench, nothing", parseLlamaBench, ``, nil},
		{
			"batched bench", parseBatched,
			"main: n_kv_max = 4096\n\n" + `{"n_kv_max": 4096, "pp": 64, "tg": 24, "pl": 8, "speed_pp": 632.1, "t_tg": 0.85, "speed_tg": 226.5, "speed": 500.5}` + "\n" +
				`{"n_kv_max": 4096, "pp": 64, "tg": 24, "pl": 32, "speed_pp": 600.1, "speed_tg": 350.25}` + "\n", rates{decode8: 226.5, decode32: 350.25},
		},
		{"batched bench, killed", parseBatched, `{"pl": 8, "speed_tg": 226.5}` + "\n" + `{"pl": 32, "spe`, nil},
		{"OpenVINO", parseOpenVINO, "a warning\n" + `{"prefill": 830.5, "decode": 40.25, "version": "2026"}` + "\n", rates{prefill: 830.5, decode1: 40.25}},
		{"OpenVINO, nothing measured", parseOpenVINO, `{"prefill": 0, "decode": 1}`, nil},
		{"OpenVINO, a fault", parseOpenVINO, `Traceback`, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := tt.parse([]byte(tt.text))
			if (err == nil) != (tt.want != nil) || !maps.Equal(got, tt.want) {
				t.Errorf("got %v, %v, want %v", got, err, tt.want)
			}
		})
	}
}

func TestParseOurs(t *testing.T) {
	const text = `{"schema": "lorabench/bench/1", "cells": [{"work": "prefill", "tokens_per_second": {"median": 900.5}}, {"work": "decode", "tokens_per_second": null, "reason": "no memory"}]}`
	if got, err := parseOurs([]byte(text), "prefill"); err != nil || got != 900.5 {
		t.Errorf("%v, %v", got, err)
	}
	if _, err := parseOurs([]byte(text), "decode"); err == nil || !strings.Contains(err.Error(), "no memory") {
		t.Errorf("what was not measured: %v", err)
	}
	for _, bad := range []string{``, `{}`, strings.Replace(text, "bench/1", "bench/2", 1)} {
		if got, err := parseOurs([]byte(bad), "prefill"); err == nil {
			t.Errorf("%q gives %v", bad, got)
		}
	}
	if got, err := parseOurEvaluation([]byte(`{"status": "done", "timing": {"elapsed_ns": 2500000000}}`)); err != nil || got != 2.5 {
		t.Errorf("an evaluation: %v, %v", got, err)
	}
	if got, err := parseOurEvaluation([]byte(`{"status": "timeout", "timing": {"elapsed_ns": 2500000000}}`)); err == nil {
		t.Errorf("an evaluation that did not end took %v s", got)
	}
}

// TestFollow takes times from what lm-eval says.
func TestFollow(t *testing.T) {
	const said = "2026-11-30:18:59:37 INFO     [api.task:312] Building contexts for arc_easy on rank 0...\n" +
		"\r  0%|          | 0/4 [00:00<?, ?it/s]\r100%|##########| 4/4 [00:00<00:00, 139.45it/s]\n" +
		"2026-11-30:18:59:37 INFO     [evaluator:589] Running loglikelihood requests\n" + // line 4 that has a text
		"\rRunning loglikelihood requests:   0%|          | 0/16 [00:00<?, ?it/s]" +
		"\rRunning loglikelihood requests:   6%|6         | 1/16 [00:32<08:00, 32.00s/it]" +
		"\rRunning loglikelihood requests: 100%|##########| 16/16 [00:32<00:00,  2.01s/it]\n" +
		"2026-11-30:19:00:13 INFO     [loggers.evaluation_tracker:247] Saving results aggregated\n"
	clock := 0.0
	now := func() float64 { clock += 10; return clock }
	got, end, err := follow(strings.NewReader(said), now)
	if want := (times{firstScore: 20, evaluation: 20}); err != nil || got != want || !strings.Contains(end, "Saving results") {
		t.Errorf("%+v, %q, %v, want %+v", got, end, err, want)
	}
	if _, _, err := follow(strings.NewReader("Traceback\nImportError: no torch\n"), now); err == nil || !strings.Contains(err.Error(), "no torch") {
		t.Errorf("a run that failed: %v", err)
	}
}
