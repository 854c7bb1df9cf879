package spice

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/ailiance/lorabench/scorers/recall"
	"github.com/ailiance/lorabench/scorers/sandbox"
)

// ErrNoSimulator says that ngspice is not installed.
var ErrNoSimulator = errors.New("ngspice is not installed")

// title is the first line of each deck that we write. ngspice takes whatever
// stands first for the title, so nothing of a model's text may.
const title = "lorabench"

// Files of a run's working directory.
const (
	deckFile = "deck.cir"
	rawFile  = "out.raw"
)

// Simulator runs ngspice in a sandbox. It is safe for concurrent use.
type Simulator struct {
	box      *sandbox.Sandbox
	program  string
	version  string
	identity string
	read     []string
	limits   sandbox.Limits
	known    *recall.Cache[Simulation]
}

// NewSimulator finds ngspice in PATH, makes a sandbox for it, asks for its
// version and simulates a voltage divider. The error wraps [ErrNoSimulator] or
// [sandbox.ErrUnavailable] where one of the two is missing. The process must
// call [sandbox.Main] first thing in main.
func NewSimulator(ctx context.Context) (*Simulator, error) {
	if err := Find(); err != nil {
		return nil, err
	}
	box, err := sandbox.New(ctx)
	if err != nil {
		return nil, fmt.Errorf("ngspice is not run: %w", err)
	}
	return NewSimulatorIn(ctx, box)
}

// Find returns an error that wraps [ErrNoSimulator] where ngspice is not in PATH.
func Find() error {
	if _, err := exec.LookPath("ngspice"); err != nil {
		return fmt.Errorf("%w: %w", ErrNoSimulator, err)
	}
	return nil
}

// NewSimulatorIn is NewSimulator with a sandbox that is there already.
func NewSimulatorIn(ctx context.Context, box *sandbox.Sandbox) (*Simulator, error) {
	path, err := exec.LookPath("ngspice")
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNoSimulator, err)
	}
	s := &Simulator{box: box, limits: defaultLimits(), known: recall.New(maxKnown, sizeOf)}
	if s.program, err = filepath.Abs(path); err == nil {
		s.program, err = filepath.EvalSymlinks(s.program)
	}
	if err != nil {
		return nil, fmt.Errorf("find ngspice: %w", err)
	}
	if s.read, err = filesOf(s.program); err != nil {
		return nil, fmt.Errorf("files of ngspice: %w", err)
	}
	sum, err := digest(s.program)
	if err != nil {
		return nil, fmt.Errorf("read ngspice: %w", err)
	}
	if s.version, err = s.askVersion(ctx); err != nil {
		return nil, err
	}
	s.identity = s.version + " sha256:" + sum + " " + Name + "/" + Version
	half := Bench{
		Sources: []string{"V1 in 0 DC 2"}, Analysis: "op", Elements: "R",
		Checks: []Check{{Kind: DC, Node: "out", Target: 1, Tolerance: 1e-9}},
	}
	if r := s.Score(ctx, half, "R1 in out 1k\nR2 out 0 1k\n.end\n"); !r.Pass {
		return nil, fmt.Errorf("%s: self-test, a divider by two: %s%s", s.version, r.Unscored, r.Reason)
	}
	return s, nil
}

// Version returns what ngspice calls itself: "ngspice-39".
func (s *Simulator) Version() string { return s.version }

// Identity names everything that a score depends on beside bench and text:
// version and digest of ngspice, version of the scorer.
func (s *Simulator) Identity() string { return s.identity }

// Path returns where ngspice is.
func (s *Simulator) Path() string { return s.program }

// Protections says what ngspice is confined by.
func (s *Simulator) Protections() sandbox.Protections { return s.box.Protections() }

// defaultLimits of one simulation. A deck of the task needs some 10 ms and 30 MB.
func defaultLimits() sandbox.Limits {
	return sandbox.Limits{
		CPU: 5 * time.Second, Wall: 10 * time.Minute, Memory: 512 << 20, FileSize: 32 << 20,
		Scratch: 8 << 20, Processes: 1, OpenFiles: 64, Output: 64 << 10,
	}
}

var versionForm = regexp.MustCompile(`\bngspice-[0-9][0-9A-Za-z.+-]{0,20}`)

func (s *Simulator) askVersion(ctx context.Context) (string, error) {
	res, err := s.box.Run(ctx, s.command([]string{"--version"}, nil))
	if err != nil {
		return "", fmt.Errorf("ask ngspice for its version: %w", err)
	}
	v := versionForm.Find(res.Stdout)
	if v == nil {
		return "", fmt.Errorf("ask ngspice for its version: exit code %d, %q", res.ExitCode, printable(string(res.Stdout)+string(res.Stderr), 200))
	}
	return string(v), nil
}

func (s *Simulator) command(args []string, deck []byte) sandbox.Command {
	c := sandbox.Command{
		Program: s.program, Args: args, Read: s.read, Limits: s.limits,
		// One thread, however many the device models would start.
		Env: []string{"OMP_NUM_THREADS=1", "OMP_THREAD_LIMIT=1"},
	}
	if deck != nil {
		c.Inputs = map[string][]byte{deckFile: deck}
		c.Outputs = []string{rawFile}
	}
	return c
}

// Simulation is what a whole deck gave.
type Simulation struct {
	Plots    []Plot
	Reason   string // why there are no usable plots; "" where there are
	ExitCode int
	Stdout   string
	Stderr   string
	CPU      time.Duration
}

// Run simulates a deck as it stands, with its own title, sources and analyses.
// The deck is hostile all the same: it runs in the sandbox like any other. The
// error means that the simulator could not be run; what the deck itself does
// wrong is in Reason.
//
// A deck that was simulated before is not simulated again, while there is room
// to remember it: what Run returns is shared, and not to be written to.
func (s *Simulator) Run(ctx context.Context, deck []byte) (Simulation, error) {
	return s.known.Get(ctx, deck, func() (Simulation, error) { return s.simulate(ctx, deck) })
}

// maxKnown bounds what a simulator remembers, in bytes.
const maxKnown = 64 << 20

// sizeOf is about how many bytes a simulation takes.
func sizeOf(s Simulation) int {
	size := 1024 + len(s.Stdout) + len(s.Stderr)
	for _, p := range s.Plots {
		size += 16*len(p.Values) + 64*len(p.Variables)
	}
	return size
}

func (s *Simulator) simulate(ctx context.Context, deck []byte) (Simulation, error) {
	res, err := s.box.Run(ctx, s.command([]string{"-b", "-n", "-r", rawFile, deckFile}, deck))
	if err != nil {
		return Simulation{}, err
	}
	if res.Limit == "wall" {
		return Simulation{}, fmt.Errorf("ngspice used %v of CPU time in %v: the machine is too busy", res.CPU.Round(time.Millisecond), res.Wall.Round(time.Second))
	}
	if res.ExitCode == 127 {
		return Simulation{}, fmt.Errorf("start ngspice: %s", printable(string(res.Stderr), 200))
	}
	out := Simulation{ExitCode: res.ExitCode, Stdout: string(res.Stdout), Stderr: string(res.Stderr), CPU: res.CPU}
	raw := res.Outputs[rawFile]
	switch {
	case res.Limit == "cpu":
		out.Reason = fmt.Sprintf("simulation ran away: more than %v of CPU time", s.limits.CPU)
	case int64(len(raw)) >= s.limits.FileSize:
		out.Reason = fmt.Sprintf("simulation ran away: more than %d MB of results", s.limits.FileSize>>20)
	case res.Signal != "":
		out.Reason = "ngspice crashed: " + res.Signal
	}
	if out.Reason != "" {
		return out, nil
	}
	plots, err := ParseRaw(raw)
	points := 0
	for i := range plots {
		points += plots[i].Points
	}
	switch {
	case err != nil:
		out.Reason = "results are not complete: " + complaint(res.Stdout, res.Stderr, err.Error())
	case points == 0:
		out.Reason = complaint(res.Stdout, res.Stderr, "nothing was simulated")
	default:
		out.Plots = plots
		if out.ExitCode != 0 { // measured: never with good results
			out.Reason = complaint(res.Stdout, res.Stderr, fmt.Sprintf("ngspice exits with %d", out.ExitCode))
		}
	}
	return out, nil
}

// complaint chooses words for a failure from what ngspice printed. They only
// explain; whether there is a failure is not read from them.
func complaint(stdout, stderr []byte, otherwise string) string {
	text := strings.ToLower(string(stderr) + "\n" + string(stdout))
	for _, k := range []struct{ sign, reason string }{
		{"singular matrix", "singular matrix"},
		{"timestep too small", "timestep too small"},
		{"can't allocate", "out of memory"},
		{"iteration limit reached", "no convergence"},
	} {
		if strings.Contains(text, k.sign) {
			return k.reason
		}
	}
	for _, out := range [][]byte{stderr, stdout} {
		for line := range bytes.Lines(out) {
			line = bytes.TrimSpace(line)
			if bytes.HasPrefix(bytes.ToLower(line), []byte("error")) {
				return "ngspice: " + printable(string(line), 160)
			}
		}
	}
	return otherwise
}

// filesOf returns what ngspice needs to read: shared libraries, its scripts,
// and the folders of the code models that its start script loads.
func filesOf(program string) ([]string, error) {
	programs := []string{program}
	var read []string
	prefix := filepath.Dir(filepath.Dir(program))
	data := filepath.Join(prefix, "share", "ngspice")
	if _, err := os.Stat(data); err == nil {
		read = append(read, data)
		folders := map[string]bool{}
		for _, m := range codeModels(filepath.Join(data, "scripts", "spinit")) {
			if _, err := os.Stat(m); err != nil {
				continue // ngspice warns and goes on
			}
			programs = append(programs, m)
			if dir := filepath.Dir(m); !folders[dir] && filepath.Base(dir) == "ngspice" {
				folders[dir] = true
				read = append(read, dir)
			}
		}
	}
	libs, err := sandbox.Libraries(programs...)
	return append(read, libs...), err
}

// codeModels returns the absolute paths that a start script gives to the
// command codemodel.
func codeModels(script string) []string {
	f, err := os.Open(script)
	if err != nil {
		return nil
	}
	defer f.Close()
	var out []string
	for s := bufio.NewScanner(io.LimitReader(f, 1<<20)); s.Scan(); {
		words := strings.Fields(s.Text())
		if len(words) == 2 && words[0] == "codemodel" && filepath.IsAbs(words[1]) {
			out = append(out, filepath.Clean(words[1]))
		}
	}
	return out
}

func digest(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)[:8]), nil
}
