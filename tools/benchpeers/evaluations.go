package main

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// An evaluation is a task that lm-eval and lorabench measure on the same samples.
type evaluation struct {
	name, task string
	include    string            // its file in lm-eval
	files      map[string]string // split: file of the datasets
	limit      int
	batch      int // lm-eval's best
	adapters   bool
	aims       map[string]float64 // by lm-eval's dtype
}

var evaluations = []evaluation{
	{
		name: "arc_easy, 200 samples", task: "arc_easy", include: "arc/arc_easy.yaml", limit: 200, batch: 16,
		files: map[string]string{"train": "arc/ARC-Easy/train.jsonl.gz", "validation": "arc/ARC-Easy/validation.jsonl.gz", "test": "arc/ARC-Easy/test.jsonl.gz"},
		aims:  map[string]float64{"float32": 4, "bfloat16": 2},
	},
	{
		name: "gsm8k_cot 8-shot, 8 samples, base + 2 adapters", task: "gsm8k_cot", include: "gsm8k/gsm8k-cot.yaml", limit: 8, batch: 8, adapters: true,
		files: map[string]string{"test": "gsm8k/test.jsonl.gz"},
		aims:  map[string]float64{"float32": 10, "bfloat16": 5},
	},
}

const firstScoreAim = 20

// evaluate compares evaluations with lm-eval's, which has the variants one after
// the other.
func (b *bench) evaluate(ctx context.Context) {
	why := ""
	switch {
	case b.lmEval == "":
		why = "lm_eval is not given (LM_EVAL)"
	case b.hf == "":
		why = "no Hugging Face directory is given (HF_MODEL)"
	case b.data == "":
		why = "the datasets are not given (DATA)"
	}
	if why != "" {
		b.doc.skip("evaluations against lm-eval", why)
		return
	}
	for _, e := range evaluations {
		if e.adapters && len(b.adapters) != 2 {
			b.doc.skip(e.name, "two PEFT adapters are not given (ADAPTERS)")
			continue
		}
		for _, dtype := range []string{"float32", "bfloat16"} {
			if ctx.Err() == nil && b.wanted(e.name+" "+dtype+" lm-eval") {
				b.evaluatePairs(ctx, e, dtype)
			}
		}
	}
}

func (b *bench) evaluatePairs(ctx context.Context, e evaluation, dtype string) {
	what := e.name + ", against lm-eval " + dtype
	dir, err := os.MkdirTemp("", "benchpeers-*")
	if err != nil {
		b.fault(ctx, what, err.Error())
		return
	}
	defer os.RemoveAll(dir)
	if err := e.prepare(ctx, dir, b.lmEval, b.data); err != nil {
		b.fault(ctx, what, err.Error())
		return
	}
	model := filepath.Base(b.hf)
	for i := range b.evaluations {
		ours, err := b.ourEvaluation(ctx, e, dir, e.limit)
		if err != nil {
			b.fault(ctx, what, "lorabench: "+err.Error())
			return
		}
		variants := []string{""}
		if e.adapters {
			variants = append(variants, b.adapters...)
		}
		total := 0.0
		for _, adapter := range variants {
			t, err := b.theirEvaluation(ctx, e, dir, dtype, adapter)
			if err != nil {
				b.fault(ctx, what, err.Error())
				return
			}
			total += t.evaluation
			if adapter == "" && e.task == "arc_easy" && dtype == "float32" {
				b.firstScores(ctx, e, dir, model, t.firstScore)
			}
		}
		r := b.doc.row(row{Work: e.name, Model: model, Arithmetic: "f32", Peer: "lm-eval " + dtype, Unit: seconds, Aim: e.aims[dtype]})
		r.Ours, r.Theirs = append(r.Ours, ours), append(r.Theirs, total)
		b.say("%s, pair %d of %d: %.4g s and %.4g s", what, i+1, b.evaluations, ours, total)
	}
}

// firstScores compares the time from the start of a program to its first score. Of
// lorabench it is the time of a whole run of one sample, report and all.
func (b *bench) firstScores(ctx context.Context, e evaluation, dir, model string, theirs float64) {
	began := time.Now()
	if _, err := b.ourEvaluation(ctx, e, dir, 1); err != nil {
		b.fault(ctx, "time to the first score", err.Error())
		return
	}
	r := b.doc.row(row{Work: "start to first score", Model: model, Arithmetic: "f32", Peer: "lm-eval float32", Unit: seconds, Aim: firstScoreAim})
	r.Ours, r.Theirs = append(r.Ours, time.Since(began).Seconds()), append(r.Theirs, theirs)
}

// ourEvaluation runs lorabench and returns the seconds that the task took, all
// variants together.
func (b *bench) ourEvaluation(ctx context.Context, e evaluation, dir string, limit int) (float64, error) {
	out := filepath.Join(dir, "ours")
	if err := os.RemoveAll(out); err != nil {
		return 0, err
	}
	args := []string{
		"run", "--model", b.hf, "--tasks", e.task, "--data", b.data, "--limit", strconv.Itoa(limit), "--order", "dataset",
		"--threads", strconv.Itoa(b.threads), "--db", filepath.Join(out, "ours.db"), "--out", filepath.Join(out, "results"), "--quiet",
	}
	if e.adapters {
		for _, a := range b.adapters {
			args = append(args, "--adapter", a)
		}
	}
	if err := os.MkdirAll(out, 0o777); err != nil {
		return 0, err
	}
	if _, err := output(ctx, b.lorabench, args...); err != nil {
		return 0, err
	}
	found, err := filepath.Glob(filepath.Join(out, "results", "*", "*", e.task, "base", "results.json"))
	if err != nil || len(found) != 1 {
		return 0, fmt.Errorf("%d files results.json of the base, want 1: %w", len(found), err)
	}
	text, err := os.ReadFile(found[0])
	if err != nil {
		return 0, err
	}
	return parseOurEvaluation(text)
}

// parseOurEvaluation reads lorabench/measurement/1.
func parseOurEvaluation(text []byte) (float64, error) {
	var m struct {
		Status string
		Timing struct {
			Nanoseconds int64 `json:"elapsed_ns"`
		}
	}
	if err := json.Unmarshal(text, &m); err != nil {
		return 0, err
	}
	if m.Status != "done" || m.Timing.Nanoseconds <= 0 {
		return 0, fmt.Errorf("the measurement is %q after %d ns", m.Status, m.Timing.Nanoseconds)
	}
	return float64(m.Timing.Nanoseconds) / 1e9, nil
}

// prepare writes lm-eval's task with local data to dir: everything but the source
// of the data is lm-eval's own.
func (e *evaluation) prepare(ctx context.Context, dir, lmEval, data string) error {
	python := filepath.Join(filepath.Dir(lmEval), "python")
	where, err := output(ctx, python, "-c", "import importlib.util; print(importlib.util.find_spec('lm_eval').submodule_search_locations[0])")
	if err != nil {
		return fmt.Errorf("lm_eval's folder: %w", err)
	}
	text := "include: " + filepath.Join(strings.TrimSpace(string(where)), "tasks", e.include) + "\ntask: " + e.task +
		"\ndataset_path: json\ndataset_name: null\ndataset_kwargs:\n  data_files:\n"
	for split, file := range e.files {
		to := filepath.Join(dir, split+".jsonl")
		if err := unpack(filepath.Join(data, file), to); err != nil {
			return err
		}
		text += "    " + split + ": " + to + "\n"
	}
	return os.WriteFile(filepath.Join(dir, e.task+".yaml"), []byte(text), 0o666)
}

// unpack writes what a .gz file holds.
func unpack(from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	packed, err := gzip.NewReader(in)
	if err != nil {
		return fmt.Errorf("%s: %w", from, err)
	}
	out, err := os.Create(to)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, packed)
	return errors.Join(err, out.Close())
}

// times of an lm-eval run, in seconds.
type times struct {
	firstScore float64 // from the start of the program
	evaluation float64 // from the first request sent to the last answer
}

// theirEvaluation runs lm-eval and takes the times from what it says while it runs.
func (b *bench) theirEvaluation(ctx context.Context, e evaluation, dir, dtype, adapter string) (times, error) {
	model, err := filepath.Abs(b.hf)
	if err != nil {
		return times{}, err
	}
	settings := "pretrained=" + model + ",dtype=" + dtype
	if adapter != "" {
		if adapter, err = filepath.Abs(adapter); err != nil {
			return times{}, err
		}
		settings += ",peft=" + adapter
	}
	cmd := exec.CommandContext(ctx, b.lmEval, "run", "--model", "hf", "--model_args", settings, "--device", "cpu",
		"--batch_size", strconv.Itoa(e.batch), "--limit", strconv.Itoa(e.limit), "--tasks", filepath.Join(dir, e.task+".yaml"), "--output_path", filepath.Join(dir, "theirs"))
	cmd.Env = append(os.Environ(), "HF_HUB_OFFLINE=1", "HF_DATASETS_OFFLINE=1", "OMP_NUM_THREADS="+strconv.Itoa(b.threads), "HF_HOME="+filepath.Join(dir, "hf"))
	cmd.Stdout = io.Discard
	said, err := cmd.StderrPipe()
	if err != nil {
		return times{}, err
	}
	began := time.Now()
	if err := cmd.Start(); err != nil {
		return times{}, err
	}
	t, end, fault := follow(said, func() float64 { return time.Since(began).Seconds() })
	if err := cmd.Wait(); err != nil {
		if ctx.Err() != nil {
			return times{}, context.Cause(ctx)
		}
		return times{}, fmt.Errorf("lm_eval: %w: %s", err, end)
	}
	return t, fault
}

var progressLine = regexp.MustCompile(`Running \w+ requests: .*\| (\d+)/(\d+) \[`)

// follow reads what lm-eval says, line by line as it comes, and notes when. The end of it
// comes back too.
func follow(r io.Reader, now func() float64) (t times, end string, err error) {
	begun, last := -1.0, -1.0
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, 1<<20)
	lines.Split(splitLines)
	var kept []string
	for lines.Scan() {
		line := lines.Text()
		if kept = append(kept, line); len(kept) > 3 {
			kept = kept[1:]
		}
		if begun < 0 && strings.Contains(line, "] Running ") && strings.HasSuffix(line, " requests") {
			begun = now()
		}
		if m := progressLine.FindStringSubmatch(line); m != nil && m[1] != "0" {
			if last = now(); t.firstScore == 0 {
				t.firstScore = last
			}
		}
	}
	end = strings.Join(kept, " / ")
	if begun < 0 || last < 0 {
		return t, end, errors.New("lm_eval: it does not say when it ran its requests: " + end)
	}
	t.evaluation = last - begun
	return t, end, lines.Err()
}

// splitLines is bufio.ScanLines where a carriage return ends a line too: progress is
// written so.
func splitLines(data []byte, atEOF bool) (advance int, token []byte, err error) {
	if i := bytes.IndexAny(data, "\r\n"); i >= 0 {
		return i + 1, data[:i], nil
	}
	if atEOF && len(data) > 0 {
		return len(data), data, nil
	}
	return 0, nil, nil
}
