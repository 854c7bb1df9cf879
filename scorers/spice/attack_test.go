package spice

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"text/tabwriter"
	"time"

	"github.com/ailiance/lorabench/scorers/sandbox"
)

// scene is where attacks happen: a folder that everybody may write to, with a
// file that nobody here should read.
type scene struct{ dir, marker, secret, included, library string }

const secretWord = "SECRETWORD"

func newScene(t *testing.T) scene {
	t.Helper()
	dir, err := os.MkdirTemp("", "lorabench-attack-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	s := scene{dir, filepath.Join(dir, "marker"), filepath.Join(dir, "secret"), filepath.Join(dir, "inc.cir"), filepath.Join(dir, "x.so")}
	err = errors.Join(os.Chmod(dir, 0o777),
		os.WriteFile(s.secret, []byte(secretWord+" 1 2 3\n"), 0o644),
		os.WriteFile(s.included, []byte(".control\nshell "+s.command()+"\n.endc\n"), 0o644))
	if err != nil {
		t.Fatal(err)
	}
	source := filepath.Join(dir, "x.c")
	code := fmt.Sprintf("#include <stdio.h>\n__attribute__((constructor)) static void f(void) { fopen(%q, \"w\"); puts(\"RAN42\"); }\n", s.marker)
	if err := os.WriteFile(source, []byte(code), 0o644); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("cc", "-shared", "-fPIC", "-o", s.library, source).CombinedOutput(); err != nil {
		t.Logf("no library is loaded: cc: %v %s", err, out)
	}
	return s
}

// command leaves a trace where it runs.
func (s scene) command() string { return "touch " + s.marker }

// attack is a deck that does more than a circuit does.
type attack struct{ name, text string }

// attacks are the ways to a shell, to files and to programs that a netlist has,
// as measured with ngspice 39.3 and 46.
func (s scene) attacks() []attack {
	c := s.command()
	return []attack{
		{"shell", ".control\nshell " + c + "\n.endc\n"},
		{"shell that prints", ".control\nshell printf RAN%d 42\n.endc\n"},
		{"back-quotes", ".control\necho `" + c + "`\n.endc\n"},
		{"redirection", ".control\necho x > " + s.marker + "\n.endc\n"},
		{"write", ".control\nop\nwrite " + s.marker + "\n.endc\n"},
		{"pre_shell", ".control\npre_shell " + c + "\n.endc\n"},
		{"code model", ".control\ncodemodel " + s.library + "\n.endc\n"},
		{"upper case", ".CONTROL\nSHELL " + c + "\n.ENDC\n"},
		{"indented", "  \t .control\nshell " + c + "\n.endc\n"},
		{"prefix of .control", ".controlxyz\nshell " + c + "\n.endc\n"},
		{"no .endc", ".control\nshell " + c + "\n"},
		{"windows line ends", ".control\r\nshell " + c + "\r\n.endc\r\n"},
		{"included file", ".include " + s.included + "\n"},
		{"comment that is run", "*# shell " + c + "\n"},
		{"script", "*ng_script\nshell " + c + "\n"},
		{"process", "a1 [in] clk null [out] p1\n.model p1 d_process(process_file=\"/bin/sh\" process_params=[\"-c\" \"" + c + "\"])\n"},
		{"include what is secret", ".include " + s.secret + "\n"},
		{"include /etc/passwd", ".include /etc/passwd\n"},
		{"library /etc/passwd", ".lib /etc/passwd tt\n"},
		{"source what is secret", ".control\nsource " + s.secret + "\n.endc\n"},
		{"load what is secret", ".control\nload " + s.secret + "\nprint all\n.endc\n"},
		{"file source", "a1 %v([out]) f1\n.model f1 filesource(file=\"" + s.secret + "\" amploffset=[0] amplscale=[1])\nR9 out 0 1\n"},
		{"change folder", ".control\ncd " + s.dir + "\necho x > marker\nsource secret\n.endc\n"},
		{"set the shell", ".control\nset shell=/bin/sh\nsetcs sourcepath=( " + s.dir + " )\nshell " + c + "\n.endc\n"},
		{"copy", ".control\nshell cp " + s.secret + " " + s.marker + "\nshell cat " + s.secret + "\n.endc\n"},
		{"snapshot", ".control\ntran 1u 10u\nsnsave " + s.marker + "\n.endc\n"},
		{"hardcopy", ".control\nop\nset hcopydevtype=postscript\nhardcopy " + s.marker + " v(in)\n.endc\n"},
		{"forged results", ".control\nop\nlet fake = 42\nwrite out.raw fake\n.endc\n"},
	}
}

// decks puts an attack in the three places where it can stand.
func (a attack) decks() []string {
	return []string{
		"lorabench\nV1 in 0 1\nR1 in 0 1k\n.op\n" + a.text + ".end\n",
		a.text + "V1 in 0 1\nR1 in 0 1k\n.op\n.end\n",
		"lorabench\nV1 in 0 1\nR1 in 0 1k\n.op\n.end\n" + a.text,
	}
}

// effect says what a deck did that it must not do, and removes the trace.
func (s scene) effect(printed string) string {
	var did []string
	if strings.Contains(printed, "RAN42") {
		did = append(did, "ran")
	}
	if _, err := os.Stat(s.marker); err == nil {
		os.Remove(s.marker)
		did = append(did, "wrote")
	}
	if upper := strings.ToUpper(printed); strings.Contains(upper, secretWord) || strings.Contains(upper, "ROOT:X:") {
		did = append(did, "read")
	}
	return strings.Join(did, "+")
}

// plain is ngspice as anybody starts it.
const plain = "none"

// modes are the confinements of this machine, by name, and what runs a deck in
// each: nothing, limits of resources alone, bubblewrap's minimal root where it
// is installed, and ours.
func modes(t *testing.T) (names []string, run map[string]func(deck string) (printed, reason string)) {
	t.Helper()
	run = map[string]func(string) (string, string){}
	var program *Simulator
	for _, mode := range []string{sandbox.ModeUnsafe, "landlock", "namespaces"} {
		box, err := sandbox.NewMode(t.Context(), mode)
		if err != nil {
			t.Logf("%s: %v", mode, err)
			continue
		}
		s, err := NewSimulatorIn(t.Context(), box)
		if errors.Is(err, ErrNoSimulator) {
			t.Skip(err)
		}
		if err != nil {
			t.Fatal(err)
		}
		s.known = nil
		program = s
		names = append(names, mode)
		run[mode] = func(deck string) (string, string) {
			sim, err := s.Run(t.Context(), []byte(deck))
			if err != nil {
				t.Errorf("%s: %v", mode, err)
			}
			if sim.Reason == "" && len(sim.Plots) == 0 {
				t.Errorf("%s: neither results nor a reason\n%s", mode, deck)
			}
			return sim.Stdout + sim.Stderr, sim.Reason
		}
	}
	if program != nil {
		names = append([]string{plain}, names...)
		run[plain] = func(deck string) (string, string) { return unconfined(t, program, deck) }
	}
	bwrap, err := exec.LookPath("bwrap")
	if err != nil || program == nil {
		t.Logf("bubblewrap is not compared: %v", err)
		return names, run
	}
	names = append(names, "bubblewrap")
	run["bubblewrap"] = func(deck string) (string, string) { return inBubblewrap(t, bwrap, program, deck) }
	return names, run
}

// unconfined runs a deck as anybody would, which is what the attacks are for. All
// that they do is touch a file of the test's.
func unconfined(t *testing.T, s *Simulator, deck string) (printed, reason string) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, deckFile), []byte(deck), 0o644); err != nil {
		t.Fatal(err)
	}
	return output(t, dir, s.program, "-b", "-n", "-r", rawFile, deckFile)
}

func output(t *testing.T, dir, program string, args ...string) (printed, reason string) {
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	var out bytes.Buffer
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = dir, &out, &out
	cmd.WaitDelay = time.Second
	if err := cmd.Run(); err != nil {
		reason = err.Error()
	}
	return out.String(), reason
}

// inBubblewrap runs a deck with bubblewrap's minimal root: ngspice, its
// libraries, a private /tmp, the working folder, and nothing else.
func inBubblewrap(t *testing.T, bwrap string, s *Simulator, deck string) (printed, reason string) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, deckFile), []byte(deck), 0o644); err != nil {
		t.Fatal(err)
	}
	args := []string{"--unshare-all", "--die-with-parent", "--new-session", "--clearenv", "--setenv", "HOME", "/w", "--uid", "65534", "--gid", "65534", "--tmpfs", "/tmp"}
	for _, path := range append([]string{s.program}, s.read...) {
		args = append(args, "--ro-bind", path, path)
	}
	args = append(args, "--bind", dir, "/w", "--chdir", "/w", s.program, "-b", "-n", "-r", rawFile, deckFile)
	return output(t, dir, bwrap, args...)
}

// TestAttacks prints what each attack does by confinement. Confined, none does
// anything; unconfined they do, or this test would say nothing. What the
// sanitiser leaves of them does nothing even unconfined.
func TestAttacks(t *testing.T) {
	ownTempDir(t)
	place := newScene(t)
	names, run := modes(t)
	var table bytes.Buffer
	w := tabwriter.NewWriter(&table, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "ATTACK\tSANITISED\t%s\n", strings.ToUpper(strings.Join(names, "\t")))
	works := 0
	for _, a := range place.attacks() {
		cells := map[string]string{}
		sanitised := ""
		for _, deck := range a.decks() {
			for _, mode := range names {
				printed, reason := run[mode](deck)
				if did := place.effect(printed); did != "" {
					if mode != sandbox.ModeUnsafe && mode != plain {
						t.Errorf("%s: %s: %s\n%s\nprinted %s", mode, a.name, did, deck, printed)
					}
					cells[mode] = did
				} else if cells[mode] == "" && reason != "" {
					cells[mode] = "-"
				}
			}
			s, err := Sanitise(deck)
			var refused *LineError
			switch {
			case errors.As(err, &refused):
				sanitised = "refused: " + refused.Reason
				continue
			case len(s.Dropped) > 0 && sanitised == "":
				sanitised = "dropped: " + s.Dropped[0].Reason
			}
			if line := dangerous(s.Deck); line != "" {
				t.Errorf("%s: sanitised, and %q is left", a.name, line)
			}
			if run[plain] != nil {
				printed, _ := run[plain](s.Deck)
				if did := place.effect(printed); did != "" {
					t.Errorf("%s: sanitised and unconfined it %s\n%s", a.name, did, s.Deck)
				}
			}
		}
		if sanitised == "" {
			t.Errorf("%s: the sanitiser leaves it as it is", a.name)
		}
		fmt.Fprintf(w, "%s\t%s", a.name, sanitised)
		for _, mode := range names {
			if cells[mode] == "" {
				cells[mode] = "-"
			}
			fmt.Fprintf(w, "\t%s", cells[mode])
		}
		fmt.Fprintln(w)
		if cells[plain] != "-" {
			works++
		}
	}
	w.Flush()
	t.Logf("what attacks did (- for nothing)\n%s", table.String())
	if run[plain] != nil && works < 20 {
		t.Errorf("unconfined only %d attacks do anything: the test proves little", works)
	}
	if b, _ := os.ReadFile(place.secret); !strings.HasPrefix(string(b), secretWord) {
		t.Errorf("the secret file is now %q", b)
	}
	if left, _ := filepath.Glob(filepath.Join(os.TempDir(), "lorabench-sandbox-*")); len(left) > 0 {
		t.Errorf("left behind: %q", left)
	}
}

// Thousands of random changes of the attacks do nothing either, and end within
// the limits; the sanitiser leaves nothing of them that runs.
func TestMutatedAttacks(t *testing.T) {
	ownTempDir(t)
	place := newScene(t)
	confined := *simulator(t)
	confined.known = nil
	confined.limits.CPU, confined.limits.FileSize = 2*time.Second, 8<<20
	box, err := sandbox.NewMode(t.Context(), sandbox.ModeUnsafe)
	if err != nil {
		t.Fatal(err)
	}
	free, err := NewSimulatorIn(t.Context(), box)
	if err != nil {
		t.Fatal(err)
	}
	free.limits = confined.limits
	var seeds []string
	for _, a := range place.attacks() {
		seeds = append(seeds, a.decks()...)
	}
	n := 2000
	if testing.Short() {
		n = 300
	}
	const unconfined = 10 // every so many, what the sanitiser leaves is run unconfined
	next := make(chan int)
	var refused, dropped, reasons, ran sync.Map
	count := func(m *sync.Map, i int) { m.Store(i, true) }
	var workers sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		workers.Go(func() {
			for i := range next {
				deck := mutate(rand.New(rand.NewPCG(1, uint64(i))), seeds, place)
				sim, err := confined.Run(t.Context(), []byte(deck))
				if err != nil {
					t.Errorf("mutation %d: %v", i, err)
					continue
				}
				if sim.CPU > 2*confined.limits.CPU || len(sim.Stdout) > confined.limits.Output {
					t.Errorf("mutation %d: %v of CPU time, %d bytes printed", i, sim.CPU, len(sim.Stdout))
				}
				if did := place.effect(sim.Stdout + sim.Stderr); did != "" {
					t.Errorf("mutation %d %s:\n%s", i, did, deck)
				}
				if sim.Reason == "" && len(sim.Plots) == 0 {
					t.Errorf("mutation %d: neither results nor a reason:\n%s", i, deck)
				}
				if sim.Reason != "" {
					count(&reasons, i)
				}
				s, err := Sanitise(deck)
				if err != nil {
					count(&refused, i)
					continue
				}
				if len(s.Dropped) > 0 {
					count(&dropped, i)
				}
				if line := dangerous(s.Deck); line != "" {
					t.Errorf("mutation %d: %q is left of\n%s", i, line, deck)
				} else if i%unconfined == 0 {
					count(&ran, i)
					if sim, err := free.Run(t.Context(), []byte(s.Deck)); err != nil || place.effect(sim.Stdout+sim.Stderr) != "" {
						t.Errorf("mutation %d: sanitised and unconfined it has an effect, %v:\n%s", i, err, s.Deck)
					}
				}
			}
		})
	}
	for i := range n {
		next <- i
	}
	close(next)
	workers.Wait()
	t.Logf("%d mutations: the sanitiser refuses %d and drops something of %d; %d end with a reason; of what is left %d run unconfined", n, size(&refused), size(&dropped), size(&reasons), size(&ran))
	if _, err := os.Stat(place.marker); err == nil {
		t.Error("the marker is there")
	}
	if left, _ := filepath.Glob(filepath.Join(os.TempDir(), "lorabench-sandbox-*")); len(left) > 0 {
		t.Errorf("left behind: %q", left)
	}
}

func size(m *sync.Map) int {
	n := 0
	m.Range(func(any, any) bool { n++; return true })
	return n
}

// mutate changes a deck at some places: bytes, cases, lines, and words that
// attacks are made of.
func mutate(r *rand.Rand, seeds []string, s scene) string {
	deck := []byte(seeds[r.IntN(len(seeds))])
	words := []string{
		".control\n", ".endc\n", ".end\n", "\n.CONTROL", "*#", "*ng_script\n", "`", "shell ", ";", "\n+", "\r\n", "\x00", "\xa0", "\ufeff", "\t", "$", "{", "}", "'", "\"",
		"shell touch " + s.marker + "\n", "echo x > " + s.marker + "\n", "echo `cat " + s.secret + "`\n", ".include " + s.secret + "\n", "pre_", ".if 1\n", ".endif\n",
		"source ", "codemodel ", "set ", "let x = ", "alias a ", "define f(x) ", "foreach i 1 2\n", "while 1\n", "end\n", "quit 0\n", "> ", "| sh\n", "&\n", ".lib ", ".model ", "file=",
	}
	for range 1 + r.IntN(5) {
		at := r.IntN(len(deck) + 1)
		switch r.IntN(8) {
		case 0:
			if at < len(deck) {
				deck[at] ^= 1 << r.IntN(8)
			}
		case 1:
			if at < len(deck) {
				deck[at] ^= 0x20
			}
		case 2, 3:
			deck = append(deck[:at:at], append([]byte(words[r.IntN(len(words))]), deck[at:]...)...)
		case 4:
			end := min(len(deck), at+r.IntN(12))
			deck = append(deck[:at:at], deck[end:]...)
		case 5: // a line twice, or elsewhere
			lines := bytes.SplitAfter(deck, []byte("\n"))
			line := lines[r.IntN(len(lines))]
			to := r.IntN(len(lines))
			deck = bytes.Join(append(lines[:to:to], append([][]byte{line}, lines[to:]...)...), nil)
		case 6: // the half of another
			other := seeds[r.IntN(len(seeds))]
			deck = append(deck[:at:at], other[r.IntN(len(other)+1):]...)
		case 7:
			lines := bytes.Split(deck, []byte("\n"))
			i, j := r.IntN(len(lines)), r.IntN(len(lines))
			lines[i], lines[j] = lines[j], lines[i]
			deck = bytes.Join(lines, []byte("\n"))
		}
	}
	return string(deck)
}
