package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/ailiance/lorabench"
	"github.com/ailiance/lorabench/env"
	"github.com/ailiance/lorabench/model/kernel"
	"github.com/ailiance/lorabench/results"
	"github.com/ailiance/lorabench/scorers/kicad/erc"
	"github.com/ailiance/lorabench/scorers/sandbox"
	"github.com/ailiance/lorabench/scorers/spice"
)

func newDoctor(stdio env.Stdio) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{Use: "doctor", Short: "what this machine has, and what it is needed for", Args: exactly(0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return doctor(cmd.Context(), stdio, asJSON)
		}}
	cmd.Flags().BoolVar(&asJSON, "json", false, "one JSON document")
	return cmd
}

// finding is one line of lorabench/doctor/1.
type finding struct {
	Name      string `json:"name"`
	OK        bool   `json:"ok"`
	Required  bool   `json:"required"`
	Found     string `json:"found"`
	NeededFor string `json:"needed_for"`
}

func doctor(ctx context.Context, stdio env.Stdio, asJSON bool) error {
	findings := examine(ctx, newToolbox(stdio.Getenv, false))
	w := stdio.Out
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	var missing []string
	for _, f := range findings {
		if f.Required && !f.OK {
			missing = append(missing, f.Name)
		}
	}
	var err error
	if asJSON {
		err = printJSON(w, struct {
			Schema string    `json:"schema"`
			OK     bool      `json:"ok"`
			Checks []finding `json:"checks"`
		}{"lorabench/doctor/1", len(missing) == 0, findings})
	} else {
		err = printFindings(w, findings)
	}
	if err == nil && len(missing) > 0 {
		err = fmt.Errorf("doctor: missing: %s", strings.Join(missing, ", "))
	}
	return err
}

func printFindings(w io.Writer, findings []finding) error {
	for _, f := range findings {
		state, optional := "ok", ""
		if !f.OK {
			state = "missing"
		}
		if !f.OK && !f.Required {
			optional = " (optional)"
		}
		if _, err := fmt.Fprintf(w, "%-8s %-10s %s\n%19s for %s%s\n", state, f.Name, oneLine(f.Found), "", f.NeededFor, optional); err != nil {
			return err
		}
	}
	return nil
}

// Below these something goes wrong soon.
const (
	leastMemory = 1 << 30
	leastDisk   = 1 << 30
)

// examine tries everything out that can be tried.
func examine(ctx context.Context, tools *toolbox) []finding {
	machine := env.Collect(ctx, env.Options{Out: ".", Tools: []env.ToolQuery{}})
	build := machine.Build
	cgo := slices.Contains(build.Settings, "CGO_ENABLED=1")
	return []finding{
		{"build", true, false, fmt.Sprintf("lorabench %s, %s, %s", build.Version, build.Go, strings.Join(build.Settings, " ")), "knowing which program gave a number"},
		processor(machine.CPU),
		kernels(kernel.Path(), kernel.Int8Path(), kernel.HasBF16()),
		{"cgo", cgo, true, map[bool]string{true: "built with it", false: "built without it: CGO_ENABLED=1 and a C compiler"}[cgo], "the database and fast arithmetic"},
		database(ctx),
		memory(machine.Memory),
		disk(machine.Disk),
		confinement(sandbox.Probe()),
		simulator(ctx, tools),
		checker(ctx, tools),
	}
}

func processor(c env.CPU) finding {
	cores := "cores unknown"
	if c.Cores != nil {
		cores = fmt.Sprintf("%d cores", *c.Cores)
	}
	return finding{"processor", true, false,
		fmt.Sprintf("%s, %s, %d threads; %s", c.Model, cores, c.Threads, strings.Join(c.Features, " ")), "tokens per second; the numbers do not depend on it"}
}

// kernels says which code computes.
func kernels(path, int8Path string, bf16 bool) finding {
	f := finding{"kernels", path == "avx512" || path == "avx2" || path == "neon", false, "", "speed: all give the same bits"}
	f.Found = fmt.Sprintf("f32 %s, int8 %s, bf16 %s", path, int8Path, map[bool]string{true: "avx512_bf16", false: "none"}[bf16])
	if !f.OK {
		f.Found += ": without vector instructions, many times slower"
	}
	return f
}

// database stores a run in a file of its own and reads it back.
func database(ctx context.Context) finding {
	f := finding{"database", true, true, "SQLite writes and reads back", "keeping what is measured"}
	if err := tryDatabase(ctx); err != nil {
		f.OK, f.Found = false, err.Error()
	}
	return f
}

func tryDatabase(ctx context.Context) error {
	dir, err := os.MkdirTemp("", "lorabench-doctor-*")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	store, err := results.Open(ctx, filepath.Join(dir, "try.db"), results.Options{})
	if err != nil {
		return err
	}
	defer store.Close()
	want := lorabench.Run{ID: "doctor", Started: time.Unix(0, 0).UTC()}
	if err := store.CreateRun(ctx, want); err != nil {
		return err
	}
	run, err := store.FindRun(ctx, "")
	if err == nil && run.ID != want.ID {
		err = fmt.Errorf("stored run %s, read %s", want.ID, run.ID)
	}
	return err
}

func memory(m env.Memory) finding {
	f := finding{"memory", m.Available == nil || *m.Available >= leastMemory, false, "", "the weights, and keys and values beside them"}
	f.Found = bytesText(m.Available) + " available of " + bytesText(m.Total)
	if m.Limit != nil {
		f.Found += ", limited to " + bytesText(m.Limit)
	}
	return f
}

func disk(d env.Disk) finding {
	return finding{"disk", d.Free == nil || *d.Free >= leastDisk, false, bytesText(d.Free) + " free here", "database and evidence"}
}

func bytesText(n *uint64) string {
	if n == nil {
		return env.Unknown
	}
	return fmt.Sprintf("%.1f GiB", float64(*n)/(1<<30))
}

// confinement says what hostile texts run in.
func confinement(p sandbox.Protections) finding {
	f := finding{"sandbox", p.Mode != "", false, p.Refused, "simulating and checking circuits that a model wrote"}
	if !f.OK {
		return f
	}
	walls := []string{p.Mode}
	for _, w := range []struct {
		is   bool
		name string
	}{
		{p.UserNamespace, "own users"}, {p.MountNamespace, "own files"}, {p.PIDNamespace, "own processes"}, {p.NetworkNamespace, "no network"},
		{p.IPCNamespace, "own IPC"}, {p.Landlock > 0, fmt.Sprintf("Landlock %d", p.Landlock)}, {p.Seccomp, "seccomp"}, {p.Unprivileged, "no privileges"},
	} {
		if w.is {
			walls = append(walls, w.name)
		}
	}
	f.Found = strings.Join(walls, ", ")
	if p.Refused != "" {
		f.Found += "; " + p.Refused
	}
	return f
}

// simulator has ngspice divide a voltage by two in the sandbox.
func simulator(ctx context.Context, tools *toolbox) finding {
	f := finding{"ngspice", true, false, "", "tasks of circuits (spice_sim, demo_spice): make setup installs it"}
	s, err := tools.spice(ctx)
	switch {
	case errors.Is(err, spice.ErrNoSimulator):
		f.OK, f.Found = false, "not installed"
	case err != nil:
		f.OK, f.Found = false, err.Error()
	default:
		f.Found = s.Version() + ", simulates a divider right in the sandbox"
	}
	return f
}

// checker has kicad-cli check a schematic whose errors are known.
func checker(ctx context.Context, tools *toolbox) finding {
	f := finding{"kicad-cli", true, false, "", "ERC of schematics (erc, erc_delta, which have no score without it): make setup-kicad unpacks KiCad 9"}
	c, err := tools.erc(ctx)
	switch {
	case errors.Is(err, erc.ErrNoKiCad):
		f.OK, f.Found = false, "not in PATH, and not unpacked"
	case err != nil:
		f.OK, f.Found = false, err.Error()
	default:
		f.Found = c.Version() + ", finds the two errors of a schematic in the sandbox"
	}
	return f
}
