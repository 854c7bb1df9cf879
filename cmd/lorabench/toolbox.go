package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/ailiance/lorabench"
	"github.com/ailiance/lorabench/env"
	"github.com/ailiance/lorabench/scorers"
	"github.com/ailiance/lorabench/scorers/kicad/erc"
	"github.com/ailiance/lorabench/scorers/sandbox"
	"github.com/ailiance/lorabench/scorers/spice"
)

// kicadVariable says where kicad-cli is, before PATH is asked.
const kicadVariable = "LORABENCH_KICAD_CLI"

// toolbox starts the programs that scorers look at answers with, each when the
// first scorer needs it, all in one sandbox.
type toolbox struct {
	kicad  string // path of kicad-cli; "": where it is looked for
	unsafe bool   // run them even where nothing confines them

	box       once[*sandbox.Sandbox]
	simulator once[*spice.Simulator]
	checker   once[*erc.Checker]
}

// newToolbox makes an empty one.
func newToolbox(getenv func(string) string, unsafe bool) *toolbox {
	t := &toolbox{unsafe: unsafe}
	if getenv != nil {
		t.kicad = getenv(kicadVariable)
	}
	return t
}

// once is what is made when it is first asked for, or why it was not.
type once[T any] struct {
	asked bool
	value T
	err   error
}

func (o *once[T]) get(make func() (T, error)) (T, error) {
	if !o.asked {
		o.asked = true
		o.value, o.err = make()
	}
	return o.value, o.err
}

func (b *toolbox) sandbox(ctx context.Context) (*sandbox.Sandbox, error) {
	return b.box.get(func() (*sandbox.Sandbox, error) {
		if b.unsafe {
			return sandbox.NewUnsafe(ctx)
		}
		return sandbox.New(ctx)
	})
}

// spice returns ngspice. What is not installed is said before what cannot be confined.
func (b *toolbox) spice(ctx context.Context) (*spice.Simulator, error) {
	return b.simulator.get(func() (*spice.Simulator, error) {
		if err := spice.Find(); err != nil {
			return nil, err
		}
		box, err := b.sandbox(ctx)
		if err != nil {
			return nil, fmt.Errorf("ngspice is not run: %w", err)
		}
		return spice.NewSimulatorIn(ctx, box)
	})
}

// erc returns kicad-cli.
func (b *toolbox) erc(ctx context.Context) (*erc.Checker, error) {
	return b.checker.get(func() (*erc.Checker, error) {
		if _, err := erc.Find(b.kicad); err != nil {
			return nil, err
		}
		box, err := b.sandbox(ctx)
		if err != nil {
			return nil, fmt.Errorf("kicad-cli is not run: %w", err)
		}
		return erc.NewCheckerIn(ctx, box, b.kicad)
	})
}

// tools starts what a scorer needs, or says why it has none.
func (b *toolbox) tools(ctx context.Context, scorer string) scorers.Tools {
	var t scorers.Tools
	needs := scorers.NeedsOf(scorer)
	if needs.Simulator {
		if s, err := b.spice(ctx); err == nil {
			t.Simulator = s
		} else {
			t.NoSimulator = err
		}
	}
	if needs.Checker {
		if c, err := b.erc(ctx); err == nil {
			t.Checker = c
		} else {
			t.NoChecker = err
		}
	}
	return t
}

// identity names the programs that were started for a scorer: it is part of the
// measurement's identity. Programs that are missing have none.
func (b *toolbox) identity(t scorers.Tools) string {
	var names []string
	if t.Simulator != nil {
		names = append(names, b.simulator.value.Identity())
	}
	if t.Checker != nil {
		names = append(names, b.checker.value.Identity())
	}
	if len(names) > 0 && b.unconfined() {
		names = append(names, "not confined")
	}
	return strings.Join(names, "; ")
}

// unconfined reports whether programs run on hostile texts without a sandbox.
func (b *toolbox) unconfined() bool {
	return b.box.value != nil && b.box.value.Protections().Mode == sandbox.ModeUnsafe
}

// scorer returns a task's scorer and the identity of its tools. The task says
// what it is scored with. Without ngspice the circuits of the demo are scored by
// their form alone, which is another scorer.
func (b *toolbox) scorer(ctx context.Context, t *lorabench.Task) (scorer scorers.Scorer, tool string, err error) {
	tools := b.tools(ctx, t.Scorer)
	if ctx.Err() != nil {
		return nil, "", context.Cause(ctx)
	}
	if t.Scorer == spice.Name && tools.Simulator == nil {
		t.Scorer = spice.StructuralName
		t.Version += "+form"
		t.Title += fmt.Sprintf(", FORM ONLY, what passes need not work (%v)", tools.NoSimulator)
		scorer, err = scorers.ForTask(t, tools)
		return scorer, spice.StructuralName, err
	}
	if tools.Simulator != nil {
		t.Title += ", simulated by " + b.simulator.value.Version()
	}
	if tools.Checker != nil {
		t.Title += ", checked by kicad-cli " + b.checker.value.Version()
	}
	if (tools.Simulator != nil || tools.Checker != nil) && b.unconfined() {
		t.Title += ", NOT CONFINED (" + unsafeFlag + ")"
	}
	scorer, err = scorers.ForTask(t, tools)
	return scorer, b.identity(tools), err
}

// used is what a run's evidence says of the programs that were started.
func (b *toolbox) used() *toolsInfo {
	if b.box.value == nil {
		return nil
	}
	info := &toolsInfo{Sandbox: b.box.value.Protections()}
	if s := b.simulator.value; s != nil {
		info.Simulator = s.Identity()
	}
	if c := b.checker.value; c != nil {
		info.Checker = c.Identity()
	}
	return info
}

// toolsInfo are the programs that looked at texts, and what they were confined by.
type toolsInfo struct {
	Sandbox   sandbox.Protections `json:"sandbox"`
	Simulator string              `json:"simulator,omitempty"`
	Checker   string              `json:"checker,omitempty"`
}

// queries are the tools whose versions env.json tells. kicad-cli, which takes a
// quarter of a second to say its own, is asked where a scorer wanted it.
func (b *toolbox) queries() []env.ToolQuery {
	queries := []env.ToolQuery{}
	for _, q := range env.Tools() {
		if q.Name == "kicad-cli" {
			if !b.checker.asked {
				continue
			}
			if p, err := erc.Find(b.kicad); err == nil {
				q.Path, q.Env = p.Path, p.Env
			}
		}
		queries = append(queries, q)
	}
	return queries
}

// unsafeFlag is the flag that allows what nobody should do unasked.
const unsafeFlag = "--unsafe-no-sandbox"

// notConfined is what people are told who use it.
const notConfined = "no sandbox on this machine: what was written runs unconfined (" + unsafeFlag + ")"

const unsafeHelp = "where this machine has no sandbox, simulate and check what a model wrote all the same: it can run programs and read files here. It is recorded, and shown in the report"
