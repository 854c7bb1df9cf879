package main

import (
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/spf13/pflag"

	"github.com/ailiance/lorabench/model"
	"github.com/ailiance/lorabench/model/hub"
	"github.com/ailiance/lorabench/reports"
	"github.com/ailiance/lorabench/runners"
)

// demoModel is the MODEL that is part of the program.
const demoModel = "demo"

// settings are what a run is made with, resolved: what is stored with it, and
// what a rerun begins from. Paths are absolute.
type settings struct {
	Model    string    `json:"model"`
	Adapters []adapter `json:"adapters"`
	Tasks    []string  `json:"tasks"`
	Data     string    `json:"data"`

	Limit        int           `json:"limit"`       // 0: all samples
	NumFewshot   int           `json:"num_fewshot"` // -1: the task's own
	Seed         int64         `json:"seed"`        // of the order of samples
	FewshotSeed  int64         `json:"fewshot_seed"`
	TaskSeed     uint64        `json:"task_seed,omitempty"` // of generated questions; 0: the published ones
	Order        runners.Order `json:"order"`
	MaxNewTokens int           `json:"max_new_tokens"` // 0: the task's own
	Arithmetic   string        `json:"arithmetic"`
	asking

	Budget       duration            `json:"budget"` // 0: none
	TaskBudgets  map[string]duration `json:"task_budgets"`
	SampleBudget duration            `json:"sample_budget"`

	Threads int      `json:"threads"` // 0: all processors
	Memory  byteSize `json:"memory"`  // 0: the engine's default
	DB      string   `json:"db"`
	Out     string   `json:"out"`

	UnsafeNoSandbox bool       `json:"unsafe_no_sandbox,omitempty"`
	Tools           *toolsInfo `json:"tools,omitempty"` // nil: no scorer needed a program

	Refused []reports.Refusal `json:"refused"` // adapters that are not measured, and why
	Engine  engineInfo        `json:"engine"`
	Chat    *chatInfo         `json:"chat"` // nil: the checkpoint has no chat template

	Imported *importInfo `json:"imported,omitempty"` // nil: lorabench measured it
}

// engineInfo is the engine that measured.
type engineInfo struct {
	Identity string `json:"identity"`
	Kernel   string `json:"kernel"` // which instructions; the bits are the same
}

// adapter is NAME=DIR.
type adapter struct {
	Name string `json:"name"`
	Path string `json:"path"`
}

// lm-eval's seed of the few-shot examples.
const fewshotSeed = 1234

func defaultSettings() settings {
	return settings{
		NumFewshot: -1, Seed: 1234, FewshotSeed: fewshotSeed, Order: runners.Random, Arithmetic: string(model.Float32), asking: defaultAsking(),
		TaskBudgets: map[string]duration{}, DB: "lorabench.db", Out: "results",
	}
}

// measureFlags are the flags of run that say what is measured and how.
func (s *settings) measureFlags(f *pflag.FlagSet) {
	f.StringVar(&s.Model, "model", s.Model, "MODEL: a Hugging Face directory, a .gguf file, hf:org/name@revision, or demo")
	f.Var((*adapterList)(&s.Adapters), "adapter", "ADAPTER: NAME=DIR, or DIR named after its folder; NAME=hf:org/name@revision; repeat for more")
	f.StringSliceVar(&s.Tasks, "tasks", s.Tasks, "tasks, separated by commas; lorabench tasks lists them")
	f.StringVar(&s.Data, "data", s.Data, "folder of the datasets")
	f.IntVar(&s.Limit, "limit", s.Limit, "at most N samples a task; 0: all")
	f.IntVar(&s.NumFewshot, "num-fewshot", s.NumFewshot, "examples in front of each question; -1: the task's own")
	f.Int64Var(&s.Seed, "seed", s.Seed, "seed of the order of samples")
	f.Int64Var(&s.FewshotSeed, "fewshot-seed", s.FewshotSeed, "seed of the draw of examples, lm-eval's")
	taskSeedFlag(f, &s.TaskSeed)
	f.Var(&choiceFlag{(*string)(&s.Order), []string{string(runners.Random), string(runners.FromDataset)}}, "order", "of the samples: random or dataset")
	s.asking.flags(f)
	f.IntVar(&s.MaxNewTokens, "max-new-tokens", s.MaxNewTokens, "bound of a generated text, instead of the task's own")
	arithmeticFlag(f, &s.Arithmetic)
	f.Var(&budgetFlag{s}, "budget", "of the run (2h), or of a task (gsm8k_cot=1800s); repeat for more")
	f.Var(&s.SampleBudget, "sample-budget", "of one sample in one variant")
}

// taskSeedFlag is the flag of all that reads the questions of tasks.
func taskSeedFlag(f *pflag.FlagSet, to *uint64) {
	f.Uint64Var(to, "task-seed", *to, "seed of generated questions; 0: the published ones, which scores are compared by")
}

// arithmeticFlag is the flag of all that computes with a model.
func arithmeticFlag(f *pflag.FlagSet, to *string) {
	if *to == "" {
		*to = string(model.Float32)
	}
	f.Var(&choiceFlag{to, model.Arithmetics()}, "arithmetic", "of products with weights: f32; faster, less exact, and another measurement: int8, rows of 8 bits where weights are in 8 or 4; bf16, where weights are floats and the processor has AVX512_BF16 (docs/arithmetic.md)")
}

// machineFlags are the flags that change no number.
func (s *settings) machineFlags(f *pflag.FlagSet) {
	f.IntVar(&s.Threads, "threads", s.Threads, "0: one for each processor")
	f.Var(&s.Memory, "memory", "for weights, keys and values: 8GiB; 0: what they need")
	f.StringVar(&s.DB, "db", s.DB, "database")
	f.StringVar(&s.Out, "out", s.Out, "folder of SUMMARY.md and the evidence")
	f.BoolVar(&s.UnsafeNoSandbox, strings.TrimPrefix(unsafeFlag, "--"), s.UnsafeNoSandbox, unsafeHelp)
}

// validate reports the first setting that makes no sense, and makes paths absolute.
func (s *settings) validate() error {
	if s.Limit < 0 || s.MaxNewTokens < 0 || s.Threads < 0 || s.NumFewshot < -1 {
		return usagef("--limit, --max-new-tokens, --threads: want 0 or more, --num-fewshot: -1 or more")
	}
	seen := map[string]bool{"base": true}
	for i := range s.Adapters {
		a := &s.Adapters[i]
		if seen[a.Name] {
			return usagef("--adapter %s=%s: there is a variant %s already: name it otherwise (NAME=DIR)", a.Name, a.Path, a.Name)
		}
		seen[a.Name] = true
	}
	if s.Model != demoModel {
		for _, p := range []*string{&s.Model, &s.Data} {
			if err := absolute(p); err != nil {
				return err
			}
		}
		for i := range s.Adapters {
			if err := absolute(&s.Adapters[i].Path); err != nil {
				return err
			}
		}
	}
	for _, p := range []*string{&s.DB, &s.Out} {
		if err := absolute(p); err != nil {
			return err
		}
	}
	if err := s.asking.validate(); err != nil {
		return err
	}
	return s.stored()
}

// stored reports the first name or path that could not be stored and read back:
// settings are JSON, which has UTF-8 alone.
func (s *settings) stored() error {
	texts := []string{"--model", s.Model, "--data", s.Data, "--db", s.DB, "--out", s.Out}
	for _, a := range s.Adapters {
		texts = append(texts, "--adapter", a.Name, "--adapter", a.Path)
	}
	for i := 0; i < len(texts); i += 2 {
		if !utf8.ValidString(texts[i+1]) {
			return usagef("%s %q is not UTF-8: rename it, or link to it under another name", texts[i], texts[i+1])
		}
	}
	return nil
}

// pin makes references to the hub ones to commits: a run is of these.
func (s *settings) pin(ctx context.Context, from files) error {
	if err := from.pin(ctx, &s.Model, hub.Model); err != nil {
		return err
	}
	for i := range s.Adapters {
		if err := from.pin(ctx, &s.Adapters[i].Path, hub.Adapter); err != nil {
			return fmt.Errorf("adapter %s: %w", s.Adapters[i].Name, err)
		}
	}
	return nil
}

// absolute makes a path independent of the current directory; a reference to the
// hub is so, and is read to see whether it is one.
func absolute(path *string) error {
	if *path == "" {
		return nil
	}
	if isHub(*path) {
		if _, err := hub.Parse(*path); err != nil {
			return usageError{err}
		}
		return nil
	}
	full, err := filepath.Abs(*path)
	if err == nil {
		*path = full
	}
	return err
}

// measuresAs reports whether s measures what other does: whatever else differs
// (budgets, threads, memory, files) moves no number.
func (s settings) measuresAs(other settings) bool {
	return s.Model == other.Model && s.Data == other.Data && s.Limit == other.Limit && s.NumFewshot == other.NumFewshot &&
		s.Seed == other.Seed && s.FewshotSeed == other.FewshotSeed && s.TaskSeed == other.TaskSeed && s.Order == other.Order && s.asking == other.asking &&
		s.MaxNewTokens == other.MaxNewTokens && s.Arithmetic == other.Arithmetic &&
		slices.Equal(s.Adapters, other.Adapters) && slices.Equal(s.Tasks, other.Tasks)
}

// decodeSettings reads what a run stored.
func decodeSettings(raw json.RawMessage) (settings, error) {
	s := defaultSettings()
	if err := json.Unmarshal(raw, &s); err != nil {
		return s, fmt.Errorf("stored settings: %w", err)
	}
	s.resolve() // of a run that knew no chat templates
	return s, nil
}

// adapterList is the value of --adapter.
type adapterList []adapter

func (l *adapterList) String() string { return "" }
func (l *adapterList) Type() string   { return "[NAME=]DIR" }

func (l *adapterList) Set(text string) error {
	a, err := parseAdapter(text)
	if err != nil {
		return err
	}
	*l = append(*l, a)
	return nil
}

func parseAdapter(text string) (adapter, error) {
	if isHub(text) { // a revision may have a "="
		ref, err := hub.Parse(text)
		return adapter{Name: ref.Name(), Path: text}, err
	}
	name, path, named := strings.Cut(text, "=")
	if !named {
		name, path = filepath.Base(filepath.Clean(text)), text
	}
	if name == "" || path == "" || name == "." || name == ".." {
		return adapter{}, fmt.Errorf("%q: want NAME=DIR or DIR", text)
	}
	return adapter{Name: name, Path: path}, nil
}

// choiceFlag is a flag with few values.
type choiceFlag struct {
	value   *string
	choices []string
}

func (c *choiceFlag) String() string { return *c.value }
func (c *choiceFlag) Type() string   { return strings.Join(c.choices, "|") }

func (c *choiceFlag) Set(text string) error {
	for _, known := range c.choices {
		if text == known {
			*c.value = text
			return nil
		}
	}
	return fmt.Errorf("want %s", strings.Join(c.choices, " or "))
}

// budgetFlag is the value of --budget.
type budgetFlag struct{ s *settings }

func (b *budgetFlag) String() string { return "" }
func (b *budgetFlag) Type() string   { return "[TASK=]DURATION" }

func (b *budgetFlag) Set(text string) error {
	task, value, named := strings.Cut(text, "=")
	if !named {
		return b.s.Budget.Set(text)
	}
	var d duration
	if err := d.Set(value); err != nil {
		return err
	}
	b.s.TaskBudgets[task] = d
	return nil
}

// duration is written as people write it: "30m0s".
type duration time.Duration

func (d *duration) String() string              { return time.Duration(*d).String() }
func (d *duration) Type() string                { return "DURATION" }
func (d duration) MarshalText() ([]byte, error) { return []byte(time.Duration(d).String()), nil }
func (d *duration) UnmarshalText(b []byte) error {
	return d.Set(string(b))
}

func (d *duration) Set(text string) error {
	value, err := time.ParseDuration(text)
	if err != nil {
		return fmt.Errorf("%q is no duration: want 90s, 30m, 2h", text)
	}
	if value < 0 {
		return fmt.Errorf("%q: want 0 or more", text)
	}
	*d = duration(value)
	return nil
}

// byteSize is a number of bytes: "8GiB", "640MiB", "1000000".
type byteSize int64

var byteUnits = []struct {
	suffix string
	bytes  float64
}{
	{"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}, {"GB", 1e9}, {"MB", 1e6}, {"kB", 1e3}, {"G", 1 << 30}, {"M", 1 << 20}, {"K", 1 << 10}, {"B", 1}, {"", 1},
}

func (b *byteSize) Type() string { return "SIZE" }
func (b *byteSize) String() string {
	if *b != 0 && *b%(1<<20) == 0 {
		return fmt.Sprintf("%dMiB", *b>>20)
	}
	return strconv.FormatInt(int64(*b), 10)
}

func (b *byteSize) Set(text string) error {
	for _, u := range byteUnits {
		digits, is := strings.CutSuffix(text, u.suffix)
		if !is {
			continue
		}
		n, err := strconv.ParseFloat(digits, 64)
		if err != nil || n < 0 || n*u.bytes >= 1<<62 {
			return fmt.Errorf("%q is no size: want 8GiB, 640MiB", text)
		}
		*b = byteSize(n * u.bytes)
		return nil
	}
	return nil
}
