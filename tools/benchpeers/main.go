// Command benchpeers runs other engines beside lorabench on this machine, in
// turns, and says how many times as fast lorabench is.
//
// Each comparison is of pairs: lorabench, the other program, lorabench, the other
// program, each as a process of its own. The ratio of each pair is taken, and of
// the ratios the median, the least and the greatest: what else the machine does for
// a while then counts for both sides. It measures what it is given programs for, and
// says what it left out, and why.
//
// It changes nothing of the other programs' settings but the number of threads, and
// where a setting is another arithmetic, that is a row of its own. llama-batched-bench
// accepts --lora and ignores it, so that no row has adapters there.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"strings"
	"time"
)

// options are the command line.
type options struct {
	lorabench, llamaBench, llamaBatched, ikBench, lmEval, openVINO string // programs; "": not given

	models   string // folder of GGUF files, or one of them
	hf       string // Hugging Face directory, for lm-eval
	data     string
	adapters []string // PEFT folders, for lm-eval

	pairs, evaluations int
	threads            int
	only               string
	out, page          string
}

func parse(args []string) (options, error) {
	var o options
	var adapters string
	f := flag.NewFlagSet("benchpeers", flag.ContinueOnError)
	f.StringVar(&o.lorabench, "lorabench", "bin/lorabench", "the program that is compared")
	f.StringVar(&o.llamaBench, "llama-bench", "", "of llama.cpp")
	f.StringVar(&o.llamaBatched, "llama-batched-bench", "", "of llama.cpp")
	f.StringVar(&o.ikBench, "ik-llama-bench", "", "llama-bench of ik_llama.cpp")
	f.StringVar(&o.lmEval, "lm-eval", "", "lm_eval of lm-evaluation-harness")
	f.StringVar(&o.openVINO, "openvino-python", "", "python that has openvino-genai")
	f.StringVar(&o.models, "models", "", "a GGUF file, or a folder of them")
	f.StringVar(&o.hf, "hf", "", "a Hugging Face directory, for lm-eval and lorabench")
	f.StringVar(&o.data, "data", "", "folder of the datasets")
	f.StringVar(&adapters, "adapters", "", "two PEFT folders, separated by a comma, for generation")
	f.IntVar(&o.pairs, "pairs", 5, "of each comparison")
	f.IntVar(&o.evaluations, "evaluations", 3, "pairs of each comparison with lm-eval, which takes minutes")
	f.IntVar(&o.threads, "threads", runtime.NumCPU(), "of every program")
	f.StringVar(&o.only, "only", "", "comparisons whose name has this")
	f.StringVar(&o.out, "out", "", "file of the results as JSON")
	f.StringVar(&o.page, "page", "", "page whose table between the markers is replaced")
	if err := f.Parse(args); err != nil {
		return o, err
	}
	if adapters != "" {
		o.adapters = strings.Split(adapters, ",")
	}
	if o.pairs < 1 || o.evaluations < 1 || o.threads < 1 || f.NArg() > 0 {
		return o, errors.New("benchpeers: want -pairs, -evaluations and -threads of 1 or more, and no arguments")
	}
	return o, nil
}

func main() {
	o, err := parse(os.Args[1:])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, o); err != nil {
		fmt.Fprintln(os.Stderr, "benchpeers:", err)
		os.Exit(1)
	}
}

// run measures and reports; what was measured before Ctrl-C is reported too.
func run(ctx context.Context, o options) error {
	b := &bench{options: o, say: func(format string, args ...any) { fmt.Fprintf(os.Stderr, format+"\n", args...) }}
	b.doc = document{Schema: "lorabench/peers/1", Started: time.Now().UTC().Format(time.RFC3339), CPU: cpuName(), Threads: o.threads, Load: []float64{loadAverage()}}
	models, err := modelFiles(o.models)
	if err != nil {
		return err
	}
	b.tokens(ctx, models)
	b.evaluate(ctx)
	b.doc.Load = append(b.doc.Load, loadAverage())
	b.doc.finish()
	if o.out != "" {
		text, err := json.MarshalIndent(b.doc, "", "  ")
		if err != nil {
			return err
		}
		if err := os.WriteFile(o.out, append(text, '\n'), 0o666); err != nil {
			return err
		}
	}
	table := b.doc.markdown()
	fmt.Print(table)
	if o.page != "" && b.doc.busy() {
		return fmt.Errorf("%s stays as it is: the machine was busy, and the numbers say nothing", o.page)
	}
	if o.page != "" {
		page, err := os.ReadFile(o.page)
		if err != nil {
			return err
		}
		changed, err := between(string(page), table)
		if err != nil {
			return fmt.Errorf("%s: %w", o.page, err)
		}
		if err := os.WriteFile(o.page, []byte(changed), 0o666); err != nil {
			return err
		}
	}
	return context.Cause(ctx)
}

// modelFiles are the GGUF files at path.
func modelFiles(path string) ([]string, error) {
	if path == "" {
		return nil, nil
	}
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.IsDir() {
		return []string{path}, nil
	}
	files, err := filepath.Glob(filepath.Join(path, "*.gguf"))
	if err == nil && len(files) == 0 {
		err = fmt.Errorf("%s: no .gguf file", path)
	}
	return files, err
}

// cpuName is what the system calls the processor; "" where it does not say.
func cpuName() string {
	text, _ := os.ReadFile("/proc/cpuinfo")
	for line := range strings.Lines(string(text)) {
		if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return runtime.GOARCH
}

// loadAverage is how many processes wanted to run in the last minute; 0 where
// nobody says. Programs that wait by spinning lose more than others where it is
// above the number of processors.
func loadAverage() float64 {
	var load float64
	text, err := os.ReadFile("/proc/loadavg")
	if err == nil {
		fmt.Sscan(string(text), &load)
	}
	return load
}
