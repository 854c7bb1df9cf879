package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"runtime/debug"
	"strings"

	"github.com/spf13/pflag"

	"github.com/ailiance/lorabench"
	"github.com/ailiance/lorabench/env"
	"github.com/ailiance/lorabench/model"
	"github.com/ailiance/lorabench/model/demo"
	"github.com/ailiance/lorabench/model/hub"
	"github.com/ailiance/lorabench/reports"
)

// files is where the files of MODEL and ADAPTER come from.
type files struct {
	getenv   func(string) string
	download bool
	say      func(format string, args ...any)
}

// filesFor says on standard error what is fetched.
func filesFor(stdio env.Stdio) files {
	return files{getenv: stdio.Getenv, say: newProgress(stdio, progressOptions{}).say}
}

func (f *files) flag(flags *pflag.FlagSet) {
	flags.BoolVar(&f.download, "download", false, "fetch from the hub what the local cache has not got of hf: references; without it the network is never used")
}

func isHub(path string) bool { return strings.HasPrefix(path, hub.Prefix) }

// snapshot finds, or fetches, what an hf: reference names. The caller closes it.
func (f files) snapshot(ctx context.Context, text string, kind hub.Kind) (*hub.Snapshot, error) {
	ref, err := hub.Parse(text)
	if err != nil {
		return nil, usageError{err}
	}
	cache, err := hub.CacheOf(f.getenv)
	if err != nil {
		return nil, err
	}
	if !f.download {
		return cache.Find(ref, kind)
	}
	if offline := f.getenv("HF_HUB_OFFLINE"); offline != "" && offline != "0" {
		return nil, usagef("--download: HF_HUB_OFFLINE=%s forbids it", offline)
	}
	return cache.Fetch(ctx, hub.Client{Endpoint: f.getenv("HF_ENDPOINT"), Token: f.getenv("HF_TOKEN"), Say: f.say}, ref, kind)
}

// pin makes an hf: reference one to a commit, which the cache has; other paths stay.
func (f files) pin(ctx context.Context, path *string, kind hub.Kind) error {
	if !isHub(*path) {
		return nil
	}
	snapshot, err := f.snapshot(ctx, *path, kind)
	if err != nil {
		return err
	}
	*path = snapshot.Ref.String()
	return snapshot.Close()
}

// checkpoint is where MODEL's files are: a folder, and the name of the GGUF file
// in it or ".". The caller calls done.
func (f files) checkpoint(ctx context.Context, path string) (dir fs.FS, name string, done func(), err error) {
	switch {
	case path == demoModel:
		return demo.Base(), ".", func() {}, nil
	case isHub(path):
		snapshot, err := f.snapshot(ctx, path, hub.Model)
		if err != nil {
			return nil, "", nil, err
		}
		dir, name := snapshot.FS()
		return dir, name, func() { snapshot.Close() }, nil
	}
	dir, name, err = model.Files(path)
	return dir, name, func() {}, err
}

// openModel opens MODEL: the embedded one, a directory, a GGUF file, or one of the hub.
func (f files) openModel(ctx context.Context, path string, opt model.Options) (*model.Engine, error) {
	dir, name, done, err := f.checkpoint(ctx, path)
	if err != nil {
		return nil, err
	}
	defer done()
	e, err := model.OpenFS(ctx, dir, name, opt)
	if err == nil {
		// Most of the heap are weights, keys and values, in which there are no pointers
		// to follow: a collection costs next to nothing, and garbage would be memory
		// beyond what --memory allows.
		debug.SetGCPercent(gcPercent)
	}
	return e, err
}

// gcPercent is how much garbage there may be once a model is open, in percent of
// what is in use.
const gcPercent = 15

// loadAdapter loads ADAPTER beside the base that modelPath names.
func (f files) loadAdapter(ctx context.Context, e *model.Engine, modelPath string, a adapter) (*model.Proof, error) {
	if !isHub(a.Path) {
		dir, err := adapterDir(modelPath, a)
		if err != nil {
			return nil, err
		}
		return e.LoadAdapter(ctx, a.Name, dir)
	}
	snapshot, err := f.snapshot(ctx, a.Path, hub.Adapter)
	if err != nil {
		return nil, fmt.Errorf("adapter %s: %w", a.Name, err)
	}
	defer snapshot.Close()
	dir, name := snapshot.FS()
	if name != "." {
		if dir, err = model.OneFile(dir, name); err != nil {
			return nil, fmt.Errorf("adapter %s: %w", a.Name, err)
		}
	}
	return e.LoadAdapter(ctx, a.Name, dir)
}

// adapterDir is where an adapter's files are. On the demo's model its adapters
// are known by name.
func adapterDir(modelPath string, a adapter) (fs.FS, error) {
	if modelPath == demoModel {
		if dir, ok := demo.Adapter(a.Path); ok {
			return dir, nil
		}
	}
	dir, err := model.AdapterFiles(a.Path)
	if err != nil {
		return nil, fmt.Errorf("adapter %s: %w", a.Name, err)
	}
	return dir, nil
}

// demoAdapters are the embedded ones, the fake among them.
func demoAdapters() []adapter {
	var all []adapter
	for _, name := range demo.Adapters() {
		all = append(all, adapter{Name: name, Path: name})
	}
	return all
}

// variants loads adapters beside the base. Those that are not proven applied
// come back as refusals; any other error ends it.
func (f files) variants(ctx context.Context, e *model.Engine, modelPath string, adapters []adapter) ([]lorabench.Variant, []reports.Refusal, error) {
	all := []lorabench.Variant{{Name: lorabench.Base}}
	var refused []reports.Refusal
	for _, a := range adapters {
		proof, err := f.loadAdapter(ctx, e, modelPath, a)
		var refusal *model.AdapterError
		if errors.As(err, &refusal) {
			refused = append(refused, reports.Refusal{Name: a.Name, Reason: refusal.Reason})
			continue
		}
		if err != nil {
			return nil, nil, err
		}
		all = append(all, lorabench.Variant{Name: a.Name, Path: a.Path, AdapterHash: e.AdapterHash(a.Name), Proof: stored(proof)})
	}
	return all, refused, nil
}

// stored is a proof as it is kept with a measurement.
func stored(p *model.Proof) *lorabench.Proof {
	return &lorabench.Proof{
		Applied: true, Format: p.Format, Tensors: p.Tensors, Skipped: p.Skipped, Modules: p.Modules, Targets: p.Targets,
		Changes: p.Changes, Ranks: p.Ranks, Scales: p.Scales,
		Probe: lorabench.Probe{
			Tokens: p.ProbeTokens, KL: p.KL, MaxLogitDifference: p.MaxLogitDifference, ZeroBEqualsBase: p.ZeroBEqualsBase,
			NumericalModules: p.NumericalModules, NumericalError: p.NumericalError,
		},
	}
}

// refusedError says which adapters keep a run from beginning.
type refusedError struct{ refused []reports.Refusal }

func (e *refusedError) Error() string {
	lines := make([]string, len(e.refused))
	for i, r := range e.refused {
		lines[i] = fmt.Sprintf("adapter %s: %s", r.Name, r.Reason)
	}
	return strings.Join(lines, "\n  ")
}
