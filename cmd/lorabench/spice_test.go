package main

import (
	"encoding/json"
	"errors"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ailiance/lorabench"
	"github.com/ailiance/lorabench/scorers/kicad/erc"
	"github.com/ailiance/lorabench/scorers/sandbox"
	"github.com/ailiance/lorabench/scorers/spice"
)

const loadedDivider = "a divider\nV1 in 0 DC 3 AC 1\nR1 in out 1k\nR2 out 0 2k\n.control\nshell date\n.endc\n.op\n.ac dec 1 10 100\n.end\n"

// simulation reads lorabench/simulation/1 strictly.
func simulation(t *testing.T, text string) (doc simulationDocument) {
	t.Helper()
	d := json.NewDecoder(strings.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&doc); err != nil || doc.Schema != "lorabench/simulation/1" {
		t.Fatalf("schema %q, %v of\n%s", doc.Schema, err, text)
	}
	return doc
}

func TestSpiceRun(t *testing.T) {
	if _, err := spice.NewSimulator(t.Context()); err != nil {
		t.Skip(err)
	}
	deck := write(t, "divider.cir", loadedDivider)
	stdout, stderr, code := command(t, "spice", "run", deck, "--json")
	if code != 0 {
		t.Fatalf("exit code %d: %s", code, stderr)
	}
	doc := simulation(t, stdout)
	values := map[string]float64{}
	for _, a := range doc.Analyses {
		for _, v := range a.Vectors {
			if len(v.Real) != a.Points || a.Complex != (v.Imag != nil) {
				t.Errorf("%s %s: %d values of %d points, imaginary: %v", a.Name, v.Name, len(v.Real), a.Points, v.Imag != nil)
			}
			values[a.Name+" "+v.Name] = *v.Real[a.Points-1]
		}
	}
	if values["Operating Point v(out)"] != 2 || math.Abs(values["AC Analysis frequency"]-100) > 1e-9 || !strings.HasPrefix(doc.Simulator, "ngspice-") || doc.Sandbox == "" {
		t.Errorf("got %v of %s in %q", values, doc.Simulator, doc.Sandbox)
	}
	if len(doc.Dropped) != 1 || doc.Dropped[0].Line != 5 || doc.Dropped[0].Lines != 3 {
		t.Errorf("dropped %+v, want lines 5 to 7", doc.Dropped)
	}
	stdout, stderr, code = command(t, "spice", "run", deck)
	if code != 0 || !strings.Contains(stdout, "Operating Point, 1 point\n") || !strings.Contains(stderr, "line 5: 3 lines: not simulated") {
		t.Errorf("exit code %d\n%s%s", code, stdout, stderr)
	}
	// The first line of a deck is its title, unless it is an element.
	stdout, stderr, code = commandReading(t, "V1 a 0 1\nR1 a 0 1k\n.op\n", "spice", "run", "-", "--json")
	if doc := simulation(t, stdout); code != 0 || !doc.Untitled {
		t.Errorf("no title: exit code %d, %+v %s", code, doc, stderr)
	}
}

func TestSpiceRunRefuses(t *testing.T) {
	if _, err := spice.NewSimulator(t.Context()); err != nil {
		t.Skip(err)
	}
	secret := write(t, "secret", "SECRETWORD 1 2 3\n")
	for _, tt := range []struct {
		name, deck string
		flags      []string
		want       string
	}{
		{"reads a file", "t\n.include " + secret + "\n", nil, `line 2: ".include `},
		{"reads a file, as it stands", "t\n.include " + secret + "\n", []string{"--as-it-stands"}, "Could not find include file"},
		{"nothing", "", nil, "nothing was simulated"},
		{"no analysis", "t\nV1 a 0 1\nR1 a 0 1\n.end\n", nil, "nothing was simulated"},
		{"endless", "t\nV1 a 0 1\nR1 a 0 1\n.tran 1n 1e6\n.end\n", nil, "simulation ran away"},
		{"too long", strings.Repeat("x", 17<<20), nil, "longer than 16 MiB"},
	} {
		stdout, stderr, code := commandReading(t, tt.deck, append([]string{"spice", "run", "-"}, tt.flags...)...)
		if code != 1 || !strings.Contains(stderr, tt.want) || strings.Contains(stdout+stderr, "SECRETWORD") {
			t.Errorf("%s: exit code %d, %s%s; want 1 and %q", tt.name, code, stdout, stderr, tt.want)
		}
		if tt.deck == "t\nV1 a 0 1\nR1 a 0 1\n.end\n" {
			stdout, _, _ := commandReading(t, tt.deck, "spice", "run", "-", "--json")
			if doc := simulation(t, stdout); doc.Reason == nil || len(doc.Analyses) != 0 {
				t.Errorf("%s: %+v, want a reason and no analyses", tt.name, doc)
			}
		}
	}
}

// A tool that is missing is the reason why there is no score; of the demo's
// circuits the form is scored.
func TestToolboxWithoutTools(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	nowhere := filepath.Join(t.TempDir(), "kicad-cli")
	b := newToolbox(func(name string) string { return map[string]string{kicadVariable: nowhere}[name] }, false)
	tools := b.tools(t.Context(), "erc")
	if tools.Checker != nil || !errors.Is(tools.NoChecker, erc.ErrNoKiCad) || tools.Simulator != nil || tools.NoSimulator != nil {
		t.Errorf("tools of erc: %+v, want no kicad-cli and nothing of ngspice", tools)
	}
	if b.identity(tools) != "" || b.used() != nil {
		t.Errorf("identity %q, used %+v of no tool", b.identity(tools), b.used())
	}
	tools = b.tools(t.Context(), spice.Name)
	if tools.Simulator != nil || !errors.Is(tools.NoSimulator, spice.ErrNoSimulator) {
		t.Errorf("tools of circuits: %+v, want no ngspice", tools)
	}
	metrics := []lorabench.Metric{{Name: "score"}}
	task := &lorabench.Task{Name: "demo_spice", Version: "1", Scorer: spice.Name, Metrics: metrics}
	if _, tool, err := b.scorer(t.Context(), task); err != nil || tool != spice.StructuralName || !strings.Contains(task.Title, "FORM ONLY") || task.Version != "1+form" {
		t.Errorf("without ngspice: %q, %v, %+v", tool, err, task)
	}
	task = &lorabench.Task{Name: "erc", Scorer: "erc", Metrics: metrics}
	scorer, _, err := b.scorer(t.Context(), task)
	if err != nil {
		t.Fatal(err)
	}
	sample := &lorabench.Sample{ID: "a", Requests: []lorabench.Request{{}}, Target: lorabench.Target{Bench: json.RawMessage(`{"components": [{"ref": "R1", "value": "1k"}], "nets": [{"pins": ["R1.1"]}]}`)}}
	for _, s := range scorer.Score(t.Context(), sample, []lorabench.Output{{Text: "(kicad_sch (version 20250114))"}}) {
		if s.Valued() || !strings.Contains(s.Unscored, "kicad-cli") {
			t.Errorf("without kicad-cli: %+v, want no value and that reason", s)
		}
	}
}

// Who runs without a sandbox says so, and it is in the title, the identity and
// the settings.
func TestToolboxUnsafe(t *testing.T) {
	box, err := sandbox.NewMode(t.Context(), sandbox.ModeUnsafe)
	if err != nil {
		t.Skip(err)
	}
	b := newToolbox(os.Getenv, true)
	b.box = once[*sandbox.Sandbox]{asked: true, value: box} // as on a machine that has no other
	task := &lorabench.Task{Name: "demo_spice", Scorer: spice.Name, Metrics: []lorabench.Metric{{Name: "score"}}}
	_, tool, err := b.scorer(t.Context(), task)
	if errors.Is(b.simulator.err, spice.ErrNoSimulator) {
		t.Skip(err)
	}
	if err != nil || !strings.Contains(task.Title, "NOT CONFINED (--unsafe-no-sandbox)") || !strings.HasSuffix(tool, "; not confined") {
		t.Errorf("title %q, identity %q, %v", task.Title, tool, err)
	}
	if used := b.used(); used == nil || used.Sandbox.Mode != sandbox.ModeUnsafe || used.Simulator == "" {
		t.Errorf("used %+v", used)
	}
	s := defaultSettings()
	s.UnsafeNoSandbox, s.Tools = true, b.used()
	text, err := json.Marshal(s)
	if err != nil || !strings.Contains(string(text), `"unsafe_no_sandbox":true`) || !strings.Contains(string(text), `"mode":"none (unsafe)"`) {
		t.Errorf("settings %s, %v", text, err)
	}
	// A machine that has a sandbox uses it all the same.
	careful := newToolbox(os.Getenv, true)
	if real, err := sandbox.New(t.Context()); err == nil {
		if got, err := careful.sandbox(t.Context()); err != nil || got.Protections().Mode != real.Protections().Mode {
			t.Errorf("with the flag the mode is %+v, %v; want %q", got, err, real.Protections().Mode)
		}
	}
}
