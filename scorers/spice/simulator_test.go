package spice

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"reflect"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ailiance/lorabench"
	"github.com/ailiance/lorabench/scorers/sandbox"
)

func TestMain(m *testing.M) {
	sandbox.Main()
	os.Exit(m.Run())
}

// simulator skips the test where ngspice cannot be run here.
func simulator(t testing.TB) *Simulator {
	t.Helper()
	s, err := NewSimulator(t.Context())
	if errors.Is(err, ErrNoSimulator) || errors.Is(err, sandbox.ErrUnavailable) {
		t.Skipf("simulations are not tested: %v", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func number(v float64) *float64 { return &v }

func filter(elements, shape string, target float64) Bench {
	return Bench{
		Sources: []string{"V1 in 0 DC 0 AC 1"}, Analysis: fmt.Sprintf("ac dec 100 %g %g", target/100, target*100), Elements: elements,
		Require: map[string]int{elements[:1]: 1, elements[1:]: 1},
		Checks:  []Check{{Kind: Corner, Node: "out", Shape: shape, Target: target, Tolerance: 0.02}},
	}
}

func divider(target float64) Bench {
	return Bench{
		Sources: []string{"V1 in 0 12"}, Analysis: "op", Elements: "R", Require: map[string]int{"R": 2},
		Checks: []Check{{Kind: DC, Node: "out", Target: target, Tolerance: 0.005}},
	}
}

func amplifier(target float64) Bench {
	return Bench{
		Sources: []string{"V1 in 0 DC 0 AC 1"}, Analysis: "ac lin 1 1k 1k", Elements: "RE", Require: map[string]int{"R": 2, "E": 1},
		Checks: []Check{{Kind: Gain, Node: "out", Target: target, Tolerance: 0.005}},
	}
}

func clamp() Bench {
	return Bench{
		Sources: []string{"V1 in 0 SIN(0 12 1k)", "V2 b 0 4.3"}, Analysis: "tran 10u 3m", Elements: "RD", Require: map[string]int{"D": 1},
		Checks: []Check{{Kind: Peak, Node: "out", Target: 5, Tolerance: 0.1, MinBelow: number(-8)}},
	}
}

func emitterStage() Bench {
	return Bench{
		Sources: []string{"VCC vcc 0 12", "V1 in 0 DC 0 AC 1"}, Analysis: "ac lin 1 1k 1k", Elements: "RCQ", Require: map[string]int{"Q": 1},
		Checks: []Check{{Kind: Gain, Node: "out", Target: -4.7, Tolerance: 0.05}},
	}
}

const stage = "C1 in b 10u\nR1 vcc b 103k\nR2 b 0 17k\nRC vcc out %s\nRE e 0 1k\nQ1 out b e QX\n.model QX NPN(BF=200)\n.end\n"

func TestScore(t *testing.T) {
	s := simulator(t)
	two := divider(3.3)
	two.Checks = append(two.Checks, Check{Kind: DC, Node: "in", Target: 12, Tolerance: 0.001})
	for _, tt := range []struct {
		name   string
		bench  Bench
		text   string
		graded float64
		reason string // "" for a pass
	}{
		{"RC low-pass", filter("RC", "lowpass", 1600), "R1 in out 9.95k\nC1 out 0 10n\n.end\n", 1, ""},
		{"RC low-pass, wrong corner", filter("RC", "lowpass", 1600), "R1 in out 9.5k\nC1 out 0 10n\n.end\n", 0, "corner at 1675.3 Hz"},
		{"RC low-pass, wrong way round", filter("RC", "lowpass", 1600), "C1 in out 10n\nR1 out 0 9.95k\n.end\n", 0, "no lowpass: |v| is 0.01 where it must pass"},
		{"RC high-pass", filter("RC", "highpass", 1600), "C1 in out 10n\nR1 out 0 9.95k\n.end\n", 1, ""},
		{"RC high-pass, wrong way round", filter("RC", "highpass", 1600), "R1 in out 9.95k\nC1 out 0 10n\n.end\n", 0, "no highpass"},
		{"RL low-pass", filter("RL", "lowpass", 1600), "L1 in out 99.5m\nR1 out 0 1k\n.end\n", 1, ""},
		{"RL low-pass, wrong corner", filter("RL", "lowpass", 1600), "L1 in out 9.95m\nR1 out 0 1k\n.end\n", 0, "corner at"},
		{"RL high-pass", filter("RL", "highpass", 1600), "R1 in out 1k\nL1 out 0 99.5m\n.end\n", 1, ""},
		{"RL high-pass, no filter", filter("RL", "highpass", 1600), "R1 in out 1\nL1 out 0 99\n.end\n", 0, "where it must block"},
		{"RC where RL is asked for", filter("RL", "lowpass", 1600), "R1 in out 9.95k\nC1 out 0 10n\n.end\n", 0, "line 2: \"C1 out 0 10n\": element C is not allowed"},
		{"divider", divider(3.3), "R2 out 0 3.3k\nR1 in out 8.7k\n.end", 1, ""},
		{"divider, wrong", divider(3.3), "R2 out 0 3.3k\nR1 in out 8.9k\n.end", 0, "3.2459 V, want 3.3"},
		{"divider, missing resistor", divider(12), "R2 in out 3.3k\n.end", 0, "1 elements R, want at least 2"},
		{"one check of two", two, "R2 out 0 3.3k\nR1 in out 8.9k\n.end", 0.5, "3.2459 V, want 3.3"},
		{"clamp", clamp(), "R1 in out 1k\nD1 out b DX\n.model DX D\n.end", 1, ""},
		{"clamp, diode reversed", clamp(), "R1 in out 1k\nD1 b out DX\n.model DX D\n.end", 0, "peak"},
		{"clamp, both sides", clamp(), "R1 in out 1k\nD1 out b DX\nD2 0 out DX\n.model DX D\n.end", 0, "want below -8"},
		{"emitter stage", emitterStage(), fmt.Sprintf(stage, "4.7k"), 1, ""},
		{"emitter stage, wrong gain", emitterStage(), fmt.Sprintf(stage, "3.9k"), 0, "gain -3."},
		{"emitter stage, not inverting", emitterStage(), "C1 in b 10u\nR1 vcc b 103k\nR2 b 0 17k\nRC vcc x 4.7k\nQ1 x b out QX\nRE out 0 1k\n.model QX NPN\n.end", 0, "wrong sign"},
		{"inverting", amplifier(-4.7), "R1 in x 1k\nR2 x out 4.7k\nE1 out 0 0 x 1meg\n.end", 1, ""},
		{"inverting, wrong gain", amplifier(-4.7), "R1 in x 1k\nR2 x out 4.8k\nE1 out 0 0 x 1meg\n.end", 0, "gain -4.8"},
		{"inverting where non-inverting is asked for", amplifier(4.7), "R1 in x 1k\nR2 x out 4.7k\nE1 out 0 0 x 1meg\n.end", 0, "wrong sign"},
		{"non-inverting", amplifier(4.7), "R1 x 0 1k\nR2 x out 3.7k\nE1 out 0 in x 1meg\n.end", 1, ""},
		{"non-inverting, feedback to the wrong input", amplifier(4.7), "R1 x 0 1k\nR2 x out 3.7k\nE1 out 0 x in 1meg\n.end", 1, ""}, // AC does not see stability
		{"non-inverting, no op-amp", amplifier(4.7), "R1 x 0 1k\nR2 x out 3.7k\nE1 out 0 in x 4.7\n.end", 0, "an ideal op-amp"},

		{"no end", divider(3.3), "R2 out 0 3.3k\nR1 in out 8.7k\n", 0, "no .end"},
		{"node between capacitors", filter("RC", "lowpass", 1600), "C1 in x 1n\nC2 x 0 1n\nR1 in out 9.95k\nC3 out 0 10n\n.end", 0, "floating node: x"},
		{"an island", divider(3.3), "R2 out 0 3.3k\nR1 in out 8.7k\nR3 a b 1k\n.end", 0, "floating node: a"},
		{"op-amp input in the air", amplifier(4.7), "R1 x 0 1k\nR2 x out 3.7k\nE1 out 0 y x 1meg\n.end", 0, "floating node: y"},
		{"no output", divider(3.3), "R2 o 0 3.3k\nR1 in o 8.7k\n.end", 0, "no element at node out"},
		{"two op-amps against each other", amplifier(4.7), "R1 out 0 1k\nR2 in out 1k\nE1 out 0 in 0 1meg\nE2 out 0 in 0 2meg\n.end", 0, "singular matrix"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := s.Score(t.Context(), tt.bench, tt.text)
			if got.Unscored != "" {
				t.Fatalf("unscored: %s", got.Unscored)
			}
			if got.Pass != (tt.reason == "") || got.Graded != tt.graded || !strings.Contains(got.Reason, tt.reason) {
				t.Errorf("got %+v, want graded %g, reason %q", got, tt.graded, tt.reason)
			}
			fresh := *s
			fresh.known = nil // simulate again
			if again := fresh.Score(t.Context(), tt.bench, tt.text); !reflect.DeepEqual(again, got) {
				t.Errorf("second time %+v, first %+v", again, got)
			}
		})
	}
}

// What is ours to blame leaves no score.
func TestUnscored(t *testing.T) {
	s := simulator(t)
	text := "R1 in out 1k\nR2 out 0 1k\n.end"
	bad := divider(6)
	bad.Analysis = "noise v(out)"
	if r := s.Score(t.Context(), bad, text); r.Unscored == "" || r.Pass {
		t.Errorf("bad bench: %+v", r)
	}
	if r := (Structural{}).Score(bad, text); r.Unscored == "" {
		t.Errorf("bad bench, structural: %+v", r)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errors.New("budget ended"))
	if r := s.Score(ctx, divider(6), text); !strings.Contains(r.Unscored, "budget ended") {
		t.Errorf("cancelled: %+v", r)
	}
	gone := *s
	gone.program = "/nonexistent/ngspice"
	if r := gone.Score(t.Context(), divider(6), text); r.Unscored == "" || r.Reason != "" {
		t.Errorf("simulator gone: %+v", r)
	}
	t.Setenv("PATH", t.TempDir())
	if _, err := NewSimulator(t.Context()); !errors.Is(err, ErrNoSimulator) {
		t.Errorf("no ngspice in PATH: %v", err)
	}
}

func TestIdentity(t *testing.T) {
	s := simulator(t)
	t.Logf("%s, %+v", s.Identity(), s.Protections())
	if !strings.HasPrefix(s.Version(), "ngspice-") || !strings.Contains(s.Identity(), s.Version()) || !strings.Contains(s.Identity(), "sha256:") {
		t.Errorf("version %q, identity %q", s.Version(), s.Identity())
	}
}

// ownTempDir gives the test a folder for temporary files that no other test, of
// this package or another, writes to at the same time. Everybody may pass through it.
func ownTempDir(t *testing.T) {
	t.Helper()
	dir, err := os.MkdirTemp("", "lorabench-test-")
	if err == nil {
		err = os.Chmod(dir, 0o755)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	t.Setenv("TMPDIR", dir)
}

// Decks that want all of a resource get no more than the limits.
func TestHazards(t *testing.T) {
	s := *simulator(t)
	s.limits.CPU, s.limits.FileSize, s.limits.Memory = time.Second, 4<<20, 128<<20 // less than usual, to be quick
	var tower strings.Builder
	tower.WriteString("lorabench\nV1 in 0 1\n")
	for i := range 25 {
		fmt.Fprintf(&tower, ".subckt s%d a b\n", i)
		if i == 0 {
			tower.WriteString("R1 a b 1\n")
		} else {
			fmt.Fprintf(&tower, "X1 a m s%d\nX2 m b s%d\n", i-1, i-1)
		}
		tower.WriteString(".ends\n")
	}
	tower.WriteString("X1 in 0 s24\n.op\n.end\n")
	for name, deck := range map[string]string{
		"endless transient":    "lorabench\nV1 in 0 SIN(0 1 1meg)\nR1 in 0 1k\n.tran 1n 1e6\n.end\n",
		"endless sweep":        "lorabench\nV1 in 0 AC 1\nR1 in 0 1k\n.ac lin 2000000000 1 1meg\n.end\n",
		"endless loop":         "lorabench\nV1 in 0 1\nR1 in 0 1k\n.control\nwhile 1\nend\n.endc\n.end\n",
		"tower of subcircuits": tower.String(),
		"more is printed":      "lorabench\nV1 in 0 SIN(0 1 1meg)\nR1 in 0 1k\n.print tran v(in)\n.tran 1n 1\n.end\n",
		"an endless file":      "lorabench\nV1 in 0 1\nR1 in 0 1k\n.include /dev/zero\n.op\n.end\n",
		"itself included":      "lorabench\nV1 in 0 1\nR1 in 0 1k\n.include deck.cir\n.op\n.end\n",
		"itself as subcircuit": "lorabench\n.subckt s a b\nX1 a b s\n.ends\nX1 in 0 s\nV1 in 0 1\n.op\n.end\n",
		"a large vector":       "lorabench\nV1 in 0 1\nR1 in 0 1k\n.control\nlet x = vector(1000000000)\nprint x\n.endc\n.end\n",
		"a full disk":          "lorabench\nV1 in 0 1\nR1 in 0 1k\n.control\ntran 1n 1m\nlet i = 0\nwhile 1\nwrite /tmp/x$&i\nlet i = i + 1\nend\n.endc\n.end\n",
		"a bomb of processes":  "lorabench\nV1 in 0 1\nR1 in 0 1k\n.control\nwhile 1\nshell :(){ :|:& };:\nend\n.endc\n.end\n",
		"endless output":       "lorabench\nV1 in 0 1\nR1 in 0 1k\n.control\nwhile 1\necho xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\nend\n.endc\n.end\n",
	} {
		t.Run(name, func(t *testing.T) {
			sim, err := s.Run(t.Context(), []byte(deck))
			if err != nil {
				t.Fatal(err)
			}
			if sim.Reason == "" || len(sim.Stdout) > s.limits.Output || sim.CPU > 2*s.limits.CPU {
				t.Errorf("reason %q, %d bytes printed, CPU %v", sim.Reason, len(sim.Stdout), sim.CPU)
			}
			t.Logf("%s (CPU %v)", sim.Reason, sim.CPU)
		})
	}
}

// Simulations that run at the same time give what they give alone.
func TestParallel(t *testing.T) {
	s := simulator(t)
	var wg sync.WaitGroup
	for worker := range 4 {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for i := range 25 {
				want := float64(1 + (worker*25+i)%99) // twelfths of a kilohm and of a volt in common
				b := divider(want * 0.12)
				text := fmt.Sprintf("R1 in out %gk\nR2 out 0 %gk\n.end", 100-want, want)
				if r := s.Score(context.Background(), b, text); !r.Pass {
					t.Errorf("divider to %g: %+v", want*0.12, r)
				}
			}
		}()
	}
	wg.Wait()
}

// scoreDeck scores circuit number i: what was simulated before is not simulated
// again.
func scoreDeck(b *testing.B, s *Simulator, i int) Result {
	return s.Score(b.Context(), filter("RC", "lowpass", 1600), fmt.Sprintf("R1 in out 9.95k\nC1 out 0 10n\nR2 out 0 %dk\n.end\n", 1000000+i))
}

func BenchmarkScore(b *testing.B) {
	s := simulator(b)
	for i := 0; b.Loop(); i++ {
		if r := scoreDeck(b, s, i); !r.Pass {
			b.Fatal(r)
		}
	}
}

// BenchmarkDecks scores on all processors, as a run does: ms/deck is the wall
// time of all of them divided by their number.
func BenchmarkDecks(b *testing.B) {
	s := simulator(b)
	var next atomic.Int64
	b.RunParallel(func(p *testing.PB) {
		for p.Next() {
			if r := scoreDeck(b, s, int(next.Add(1))); !r.Pass {
				b.Error(r)
			}
		}
	})
	b.ReportMetric(float64(b.Elapsed().Milliseconds())/float64(b.N), "ms/deck")
}

// The reference decks of the demo's task are right under this scorer, and its
// null outputs are not.
func TestDemoReferences(t *testing.T) {
	f, err := os.Open("../../tasks/data/demo/spice.jsonl")
	if err != nil {
		t.Skip("tasks/data/demo/spice.jsonl is not there")
	}
	defer f.Close()
	s := simulator(t)
	var samples []lorabench.Sample
	var benches []Bench
	for lines := bufio.NewScanner(f); lines.Scan(); {
		var row struct {
			ID, Prompt, Reference string
			Bench                 json.RawMessage
		}
		if err := json.Unmarshal(lines.Bytes(), &row); err != nil {
			t.Fatal(err)
		}
		b, err := ParseBench(row.Bench)
		if err != nil {
			t.Fatalf("%s: %v", row.ID, err)
		}
		if r := s.Score(t.Context(), b, row.Reference); !r.Pass {
			t.Errorf("%s: %+v\n%s", row.ID, r, row.Reference)
		}
		if r := (Structural{}).Score(b, row.Reference); !r.Pass {
			t.Errorf("%s: structural: %+v", row.ID, r)
		}
		benches = append(benches, b)
		samples = append(samples, lorabench.Sample{
			ID: row.ID, Requests: []lorabench.Request{{Prompt: row.Prompt}},
			Target: lorabench.Target{Answer: row.Reference, Bench: row.Bench},
		})
	}
	for _, null := range NullOutputs(samples) {
		passed := 0
		for i := range samples {
			if s.Score(t.Context(), benches[i], Text(null.Outputs(&samples[i])[0])).Pass {
				passed++
			}
		}
		t.Logf("%-45s %d of %d", null.Name, passed, len(samples))
		if passed > len(samples)/4 {
			t.Errorf("null output %q passes %d of %d samples", null.Name, passed, len(samples))
		}
	}
}
