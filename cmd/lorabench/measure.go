package main

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"slices"
	"time"

	"github.com/ailiance/lorabench"
	"github.com/ailiance/lorabench/env"
	"github.com/ailiance/lorabench/model"
	"github.com/ailiance/lorabench/reports"
	"github.com/ailiance/lorabench/results"
	"github.com/ailiance/lorabench/runners"
	"github.com/ailiance/lorabench/scorers"
	"github.com/ailiance/lorabench/tasks"
)

// bench is everything that measuring needs, opened.
type bench struct {
	settings settings
	files    files
	engine   *model.Engine
	variants []lorabench.Variant
	refused  []reports.Refusal
	tasks    []runners.Task
	chat     *model.Chat // nil: the checkpoint has no chat template
	queries  []env.ToolQuery
}

func (b *bench) Close() { b.engine.Close() }

// openBench opens what s names beside the tasks.
// say tells what takes time.
func openBench(ctx context.Context, from files, s settings, loaded []*lorabench.Task, say func(format string, args ...any)) (*bench, error) {
	b := &bench{settings: s, files: from}
	say("loading %s", s.Model)
	var err error
	if b.engine, err = from.openModel(ctx, s.Model, engineOptions(s)); err != nil {
		return nil, err
	}
	for _, note := range b.engine.Notes() {
		say("%s", note)
	}
	if err := b.prepare(ctx, loaded, true, say); err != nil {
		b.Close()
		return nil, err
	}
	return b, nil
}

// engineOptions limits the engine to what the user allows, else to what the
// machine has free: a model that does not fit is refused, not killed by the system.
func engineOptions(s settings) model.Options {
	o := model.Options{Threads: s.Threads, MemoryBytes: int64(s.Memory), Arithmetic: model.Arithmetic(s.Arithmetic)}
	if available, err := env.MemoryAvailable(); err == nil && s.Memory == 0 {
		o.MemoryBytes, o.CacheBytes = int64(min(available, math.MaxInt64)), model.DefaultCacheBytes
	}
	return o
}

// prepare loads the adapters and makes the tasks ready. The floors of null
// outputs are left out where nobody looks at them.
func (b *bench) prepare(ctx context.Context, loaded []*lorabench.Task, floors bool, say func(string, ...any)) error {
	conversation, err := b.converse(say)
	if err != nil {
		return err
	}
	if b.variants, b.refused, err = b.files.variants(ctx, b.engine, b.settings.Model, b.settings.Adapters); err != nil {
		return err
	}
	for _, v := range b.variants[1:] {
		say("adapter %s is applied: %d tensors on %d modules, KL %.3g nats on the probe", v.Name, v.Proof.Tensors, v.Proof.Modules, v.Proof.Probe.KL)
	}
	for _, r := range b.refused {
		say("adapter %s is refused: %s", r.Name, r.Reason)
	}
	b.settings.Refused = b.refused
	b.settings.Engine = engineInfo{Identity: model.Identity(), Kernel: model.KernelPath()}
	tools := newToolbox(b.files.getenv, b.settings.UnsafeNoSandbox)
	for _, t := range loaded {
		template := noTemplate
		if conversation != nil && asks(t) {
			template = b.settings.template(b.chat)
			notes, err := render(conversation, t)
			if err != nil {
				return err
			}
			b.note(say, notes)
		}
		scorer, tool, err := tools.scorer(ctx, t)
		if err != nil {
			return err
		}
		var floor map[string]lorabench.Floor
		if floors {
			say("%s: %d samples, scoring its null outputs", t.Name, len(t.Samples))
			if floor, err = scorers.Floors(ctx, t, scorer); err != nil {
				return fmt.Errorf("task %s: floor: %w", t.Name, err)
			}
		}
		identity := b.taskIdentity(t, tool)
		b.tasks = append(b.tasks, runners.Task{
			Info: t.Info(floor), Samples: t.Samples, Scorer: scorer,
			Identity: func(v lorabench.Variant) lorabench.Identity { return b.identity(v, t, identity, template) },
		})
	}
	b.settings.Tools, b.queries = tools.used(), tools.queries()
	return nil
}

// converse finds out how the checkpoint converses, and prepares it where that is
// asked for.
func (b *bench) converse(say func(string, ...any)) (*runners.Conversation, error) {
	chat, err := b.engine.Chat()
	asked := b.settings.ChatTemplate == autoTemplate
	if err != nil && asked {
		return nil, fmt.Errorf("--chat-template auto: %w", err)
	}
	if b.chat = chat; chat != nil {
		begin, end := chat.Markers()
		b.settings.Chat = &chatInfo{Template: chat.Identity(), Begin: begin, End: end, Notes: []string{}}
	}
	if !asked {
		return nil, nil
	}
	conversation, notes, err := b.settings.converse(chat)
	if err == nil {
		b.note(say, notes)
	}
	return conversation, err
}

// note says what a reader of the numbers must know, now and in the report.
func (b *bench) note(say func(string, ...any), notes []string) {
	for _, n := range notes {
		say("%s", n)
		b.settings.Chat.Notes = append(b.settings.Chat.Notes, n)
	}
}

// loadTasks reads the tasks' samples, in the order of measuring.
func loadTasks(ctx context.Context, s settings) ([]*lorabench.Task, error) {
	if len(s.Tasks) == 0 {
		return nil, usagef("--tasks is missing: lorabench tasks lists them")
	}
	var loaded []*lorabench.Task
	for i, name := range s.Tasks {
		if slices.Contains(s.Tasks[:i], name) {
			return nil, usagef("--tasks: %s is named twice", name)
		}
		d, err := tasks.Lookup(name)
		if err != nil {
			return nil, err
		}
		var data fs.FS
		if !d.Embedded {
			if s.Data == "" {
				return nil, usagef("task %s: --data is missing: the folder with %s", name, d.Evaluation.Path())
			}
			if _, err := os.Stat(s.Data); err != nil {
				return nil, fmt.Errorf("--data: %w", err)
			}
			data = os.DirFS(s.Data)
		}
		o := tasks.Options{NumFewshot: s.NumFewshot, Seed: s.FewshotSeed, TaskSeed: s.TaskSeed, System: s.SystemInstruction, Conversation: s.conversation()}
		if s.Order == runners.FromDataset {
			o.Limit = s.Limit
		}
		t, err := d.Load(ctx, data, o)
		if err != nil {
			return nil, err
		}
		t.Samples = runners.Arrange(t.Name, t.Samples, s.Order, s.Seed, s.Limit)
		loaded = append(loaded, t)
	}
	for name := range s.TaskBudgets {
		if !slices.Contains(s.Tasks, name) {
			return nil, usagef("--budget %s: the task is not among --tasks", name)
		}
	}
	return loaded, nil
}

// identity names by content what a measurement depends on.
func (b *bench) identity(v lorabench.Variant, t *lorabench.Task, task, template string) lorabench.Identity {
	id := lorabench.Identity{
		Base: b.engine.BaseIdentity(), Tokenizer: b.engine.Tokenizer().Identity(), Template: template, Dataset: "sha256:" + t.Dataset.SHA256,
		Task: task, Engine: model.Identity(), Arithmetic: b.engine.Arithmetic(),
	}
	if !v.IsBase() {
		id.Adapter = &v.AdapterHash
	}
	return id
}

// taskIdentity is the sha256 over everything beside the dataset that prompts and
// scores of a task depend on.
func (b *bench) taskIdentity(t *lorabench.Task, tool string) string {
	seed := int64(0)
	if t.NumShots > 0 {
		seed = b.settings.FewshotSeed
	}
	conversation, system := b.settings.conversation(), b.settings.SystemInstruction
	if len(t.Samples) > 0 && t.Samples[0].Requests[0].Kind == lorabench.Rolling { // the text itself, whatever is asked for
		conversation, system = tasks.NoConversation, ""
	}
	text, err := json.Marshal(struct {
		Name, Version, Source string
		NumShots              int
		FewshotSeed           int64
		MaxNewTokens          int
		Scorer, Tool          string
		Filters               []lorabench.Filter
		Normalize             lorabench.Normalization
		Metrics               []lorabench.Metric
		Conversation          tasks.Conversation `json:",omitempty"`
		System                string             `json:",omitempty"`
	}{t.Name, t.Version, t.Source, t.NumShots, seed, b.settings.MaxNewTokens, t.Scorer, tool, t.Filters, t.Normalize, t.Metrics, conversation, system})
	if err != nil {
		panic(err) // only numbers and strings
	}
	sum := sha256.Sum256(text)
	return "sha256:" + hex.EncodeToString(sum[:])
}

// runner measures b's tasks into store.
func (b *bench) runner(store runners.Store, run string, progress func(runners.Progress)) *runners.Runner {
	r := &runners.Runner{
		Engine: b.engine, Store: store, RunID: run, Variants: b.variants, Budget: time.Duration(b.settings.Budget),
		TaskBudgets: map[string]time.Duration{}, SampleBudget: time.Duration(b.settings.SampleBudget),
		MaxNewTokens: b.settings.MaxNewTokens, Asked: b.settings.ChatTemplate == autoTemplate, Progress: progress,
	}
	if b.chat != nil {
		r.Chat = b.chat
	}
	for task, d := range b.settings.TaskBudgets {
		r.TaskBudgets[task] = time.Duration(d)
	}
	return r
}

// newRun makes the record of a run that begins now.
func (b *bench) newRun(ctx context.Context, command []string) (lorabench.Run, error) {
	now := time.Now()
	var salt [2]byte
	rand.Read(salt[:])
	r := lorabench.Run{
		ID: now.UTC().Format("20060102-150405-") + hex.EncodeToString(salt[:]), Started: now, Command: env.Redact(command), Model: b.settings.Model,
	}
	var err error
	if r.Settings, err = json.Marshal(b.settings); err != nil {
		return r, err
	}
	machine := env.Collect(ctx, env.Options{Out: b.settings.Out, Command: command, Version: version, Tools: b.queries})
	r.Env, err = json.Marshal(machine)
	return r, err
}

// requests are what was asked, by task and sample: the evidence shows them.
func (b *bench) requests(task string) map[string][]lorabench.Request {
	for _, t := range b.tasks {
		if t.Info.Name != task {
			continue
		}
		asked := make(map[string][]lorabench.Request, len(t.Samples))
		for _, s := range t.Samples {
			asked[s.ID] = s.Requests
		}
		return asked
	}
	return nil
}

// resumable finds the newest run that s would make again, which is to go on.
func resumable(ctx context.Context, store *results.Store, s settings) (lorabench.Run, error) {
	runs, err := store.Runs(ctx)
	if err != nil {
		return lorabench.Run{}, err
	}
	for _, r := range runs {
		old, err := decodeSettings(r.Settings)
		if err == nil && old.measuresAs(s) {
			return r.Run, nil
		}
	}
	return lorabench.Run{}, errNoRunToResume
}

var errNoRunToResume = errors.New("--resume: the database has no run with this model, these adapters, tasks and settings")
