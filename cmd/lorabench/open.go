package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/ailiance/lorabench"
	"github.com/ailiance/lorabench/model"
	"github.com/ailiance/lorabench/model/demo"
	"github.com/ailiance/lorabench/reports"
)

// openModel opens MODEL: the embedded one, a directory, or a GGUF file.
func openModel(ctx context.Context, path string, opt model.Options) (*model.Engine, error) {
	switch {
	case path == demoModel:
		return model.OpenFS(ctx, demo.Base(), ".", opt)
	case strings.HasPrefix(path, "hf:"):
		return nil, usagef("open model %s: models of the hub are not read yet: give the snapshot's directory", path)
	}
	return model.Open(ctx, path, opt)
}

// adapterDir is where an adapter's files are. On the demo's model its adapters
// are known by name.
func adapterDir(modelPath string, a adapter) (fs.FS, error) {
	if modelPath == demoModel {
		if dir, ok := demo.Adapter(a.Path); ok {
			return dir, nil
		}
	}
	info, err := os.Stat(a.Path)
	if err != nil {
		return nil, fmt.Errorf("adapter %s: %w", a.Name, err)
	}
	if !info.IsDir() {
		return nil, fmt.Errorf("adapter %s: %s is a file, want the folder of adapter_config.json", a.Name, a.Path)
	}
	return os.DirFS(a.Path), nil
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
func variants(ctx context.Context, e *model.Engine, modelPath string, adapters []adapter) ([]lorabench.Variant, []reports.Refusal, error) {
	all := []lorabench.Variant{{Name: lorabench.Base}}
	var refused []reports.Refusal
	for _, a := range adapters {
		proof, err := loadAdapter(ctx, e, modelPath, a)
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
		Applied: true, Tensors: p.Tensors, Modules: p.Modules, Targets: p.Targets, Ranks: p.Ranks, Scales: p.Scales,
		Probe: lorabench.Probe{
			Tokens: p.ProbeTokens, KL: p.KL, MaxLogitDifference: p.MaxLogitDifference, ZeroBEqualsBase: p.ZeroBEqualsBase,
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
