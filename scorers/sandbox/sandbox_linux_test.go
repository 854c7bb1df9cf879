package sandbox

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// The test binary is also the hostile program: see act.
func TestMain(m *testing.M) {
	Main()
	if len(os.Args) > 2 && os.Args[1] == "act" {
		act(os.Args[2:])
	}
	// The program that runs confined must be readable by the user that it runs as.
	dir, err := os.MkdirTemp("", "lorabench-test-")
	if err == nil {
		err = os.Chmod(dir, 0o755)
	}
	if err == nil {
		err = copyProgram(filepath.Join(dir, programName))
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Setenv("LORABENCH_TEST_PROGRAM", filepath.Join(dir, programName))
	code := m.Run()
	os.RemoveAll(dir)
	os.Exit(code)
}

const programName = "hostile"

func copyProgram(to string) error {
	exe, err := os.Executable()
	if err != nil {
		return err
	}
	data, err := os.ReadFile(exe)
	if err != nil {
		return err
	}
	return os.WriteFile(to, data, 0o755)
}

// act does what its words say and prints "did" or the error.
func act(words []string) {
	var err error
	switch words[0] {
	case "hello":
		fmt.Fprintln(os.Stderr, "to stderr")
		wd, _ := os.Getwd()
		fmt.Printf("env %q home=wd %t uid>0 %t\n", os.Environ()[1:], os.Getenv("HOME") == wd || os.Getenv("HOME") == "/w", true)
	case "read":
		var b []byte
		b, err = os.ReadFile(words[1])
		os.Stdout.Write(b)
	case "list":
		var es []os.DirEntry
		es, err = os.ReadDir(words[1])
		for _, e := range es {
			fmt.Println(e.Name())
		}
	case "write":
		err = os.WriteFile(words[1], []byte(words[2]), 0o600)
	case "chmod":
		err = os.Chmod(words[1], 0o777)
	case "exec":
		err = syscall.Exec(words[1], words[1:], nil)
	case "fork":
		err = exec.Command(words[1], words[2:]...).Run()
	case "dial":
		var c net.Conn
		if c, err = net.DialTimeout(words[1], words[2], time.Second); err == nil {
			c.Write([]byte("leak"))
			c.Close()
		}
	case "kill":
		err = unix.Kill(-1, unix.SIGTERM)
	case "tmpfile":
		var fd int
		if fd, err = unix.Open("/tmp", unix.O_RDWR|unix.O_TMPFILE|unix.O_EXCL, 0o600); err == nil {
			f := os.NewFile(uintptr(fd), "tmp")
			if _, err = f.WriteString("scratch"); err == nil {
				b := make([]byte, 7)
				_, err = f.ReadAt(b, 0)
				fmt.Println(string(b))
			}
		}
	case "fill":
		var f *os.File
		if f, err = os.OpenFile(words[1], os.O_WRONLY|os.O_CREATE, 0o600); err == nil {
			b := make([]byte, 1<<16)
			for err == nil {
				_, err = f.Write(b)
			}
		}
	case "home":
		home := os.Getenv("HOME")
		folder := filepath.Join(home, "a", "b")
		if err = os.MkdirAll(folder, 0o700); err == nil {
			err = os.WriteFile(filepath.Join(folder, "new"), []byte("mine"), 0o600)
		}
		if err == nil {
			err = os.Rename(filepath.Join(folder, "new"), filepath.Join(folder, "c"))
		}
		var b []byte
		if err == nil {
			b, err = os.ReadFile(filepath.Join(folder, "c"))
		}
		if err == nil && (string(b) != "mine" || os.Getenv("TMPDIR") != home) {
			err = fmt.Errorf("read %q, TMPDIR %q", b, os.Getenv("TMPDIR"))
		}
		if err == nil {
			err = os.RemoveAll(filepath.Join(home, "a"))
		}
	case "fill home":
		for i := 0; err == nil; i++ {
			err = os.WriteFile(filepath.Join(os.Getenv("HOME"), fmt.Sprint(i)), make([]byte, 1<<16), 0o600)
			time.Sleep(time.Millisecond)
		}
	case "niceness":
		var n int
		n, err = unix.Getpriority(unix.PRIO_PROCESS, 0)
		fmt.Println(20 - n)
	case "print":
		for range 1 << 14 {
			fmt.Println(strings.Repeat("x", 1023))
		}
	case "spin":
		for i := 0; ; i++ {
			runtime.KeepAlive(i)
		}
	case "sleep":
		time.Sleep(time.Hour)
	case "allocate":
		_, err = unix.Mmap(-1, 0, 8<<30, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE)
	case "crash":
		signalSelf(unix.SIGSEGV)
	case "exit":
		os.Exit(7)
	}
	if err != nil {
		fmt.Println("error:", err)
		os.Exit(1)
	}
	fmt.Println("did")
	os.Exit(0)
}

func signalSelf(s syscall.Signal) {
	unix.Kill(os.Getpid(), s)
	time.Sleep(time.Second)
}

// sandboxes returns each form that works here, by name.
func sandboxes(t *testing.T) map[string]*Sandbox {
	t.Helper()
	out := map[string]*Sandbox{}
	for _, f := range forms() {
		if s, err := open(t.Context(), []form{f}); err == nil {
			out[fmt.Sprintf("%s %d", f, f.HostID)] = s
		} else {
			t.Logf("%s: %v", f, err)
		}
	}
	if len(out) == 0 {
		t.Skip("no sandbox on this machine")
	}
	s, err := New(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	out["keeper"] = s
	return out
}

func command(t *testing.T, words ...string) Command {
	t.Helper()
	exe := os.Getenv("LORABENCH_TEST_PROGRAM")
	libs, err := Libraries(exe)
	if err != nil {
		t.Fatal(err)
	}
	return Command{
		Program: exe, Args: append([]string{"act"}, words...), Read: libs, Env: []string{"A=b"},
		Inputs: map[string][]byte{"in.txt": []byte("given")}, Outputs: []string{"out.txt"},
		Limits: Limits{CPU: 5 * time.Second, Wall: 30 * time.Second, Memory: 4 << 30, FileSize: 1 << 20, Scratch: 1 << 20, Processes: 64, OpenFiles: 64, Output: 1 << 16},
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

func TestRun(t *testing.T) {
	ownTempDir(t)
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, []byte("secret"), 0o666); err != nil {
		t.Fatal(err)
	}
	for dir := filepath.Dir(secret); dir != os.TempDir() && dir != "/"; dir = filepath.Dir(dir) {
		os.Chmod(dir, 0o755) // only the sandbox may stand between the program and the file
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	marker := filepath.Join(os.TempDir(), fmt.Sprintf("lorabench-marker-%d", os.Getpid()))
	for name, s := range sandboxes(t) {
		for _, tt := range []struct {
			what   string
			words  []string
			change func(*Command)
			want   func(Result) bool
		}{
			{"environment", []string{"hello"}, nil, func(r Result) bool {
				return r.ExitCode == 0 && strings.Contains(string(r.Stdout), `env ["A=b"] home=wd true`) && string(r.Stderr) == "to stderr\n"
			}},
			{"input", []string{"read", "in.txt"}, nil, func(r Result) bool { return string(r.Stdout) == "givendid\n" }},
			{"input is not written", []string{"write", "in.txt", "x"}, nil, refused},
			{"output", []string{"write", "out.txt", "made"}, nil, func(r Result) bool { return string(r.Outputs["out.txt"]) == "made" }},
			{"other output", []string{"write", "other.txt", "made"}, nil, refused},
			{"temporary file", []string{"tmpfile"}, nil, func(r Result) bool { return string(r.Stdout) == "scratch\ndid\n" }},
			{"read /etc/passwd", []string{"read", "/etc/passwd"}, nil, refused},
			{"read a world-readable file", []string{"read", secret}, nil, refused},
			{"read environment of others", []string{"read", fmt.Sprintf("/proc/%d/environ", os.Getpid())}, nil, refused},
			{"list root", []string{"list", "/"}, nil, func(r Result) bool {
				return refused(r) || !strings.Contains(string(r.Stdout), "home")
			}},
			{"write outside", []string{"write", marker, "x"}, nil, func(r Result) bool { return true }}, // its own /tmp; checked below
			{"overwrite", []string{"write", secret, "x"}, nil, refused},
			{"metadata", []string{"chmod", secret}, nil, refused},
			{"become a shell", []string{"exec", "/bin/sh", "-c", "echo did"}, nil, refused},
			{"start a shell", []string{"fork", "/bin/sh", "-c", "touch " + marker}, nil, refused},
			{"start itself", []string{"fork", "/proc/self/exe", "act", "exit"}, nil, refused},
			{"network", []string{"dial", "tcp", listener.Addr().String()}, nil, refused},
			{"datagram", []string{"dial", "udp", "127.0.0.1:53"}, nil, refused},
			{"kill all", []string{"kill"}, nil, refused},
			{"large file", []string{"fill", "out.txt"}, nil, func(r Result) bool {
				return len(r.Outputs["out.txt"]) == 1<<20 && (refused(r) || r.Signal != "")
			}},
			{"large output", []string{"print"}, nil, func(r Result) bool { return r.Truncated && len(r.Stdout) == 1<<16 && r.ExitCode == 0 }},
			{"endless", []string{"spin"}, func(c *Command) { c.Limits.CPU = time.Second }, func(r Result) bool {
				return r.TimedOut && r.Limit == "cpu" && r.ExitCode == -1
			}},
			{"asleep", []string{"sleep"}, func(c *Command) { c.Limits.Wall = 3 * time.Second }, func(r Result) bool {
				return r.TimedOut && r.Limit == "wall"
			}},
			{"memory", []string{"allocate"}, nil, refused},
			{"home", []string{"home"}, func(c *Command) { c.Home = true }, func(r Result) bool { return string(r.Stdout) == "did\n" }},
			{"no home", []string{"home"}, nil, refused},
			{"read beside the home", []string{"read", secret}, func(c *Command) { c.Home = true }, refused},
			{"write beside the home", []string{"write", secret, "x"}, func(c *Command) { c.Home = true }, refused},
			{"start a shell from home", []string{"fork", "/bin/sh", "-c", "touch " + marker}, func(c *Command) { c.Home = true }, refused},
			{"full home", []string{"fill home"}, func(c *Command) { c.Home = true }, func(r Result) bool {
				return refused(r) || r.Limit == "scratch" && r.Signal != "" && !r.TimedOut
			}},
			{"exit code", []string{"exit"}, nil, func(r Result) bool { return r.ExitCode == 7 && r.Signal == "" }},
		} {
			t.Run(name+"/"+tt.what, func(t *testing.T) {
				c := command(t, tt.words...)
				if tt.change != nil {
					tt.change(&c)
				}
				got, err := s.Run(t.Context(), c)
				if err != nil {
					t.Fatal(err)
				}
				if !tt.want(got) {
					t.Errorf("%q: exit %d signal %q limit %q\nstdout %.300s\nstderr %.300s", tt.words, got.ExitCode, got.Signal, got.Limit, got.Stdout, got.Stderr)
				}
			})
		}
	}
	if _, err := os.Stat(marker); !errors.Is(err, os.ErrNotExist) {
		os.Remove(marker)
		t.Errorf("%s exists: a run wrote to the host", marker)
	}
	if b, _ := os.ReadFile(secret); string(b) != "secret" {
		t.Errorf("secret is %q", b)
	}
	left, _ := filepath.Glob(filepath.Join(os.TempDir(), "lorabench-sandbox-*"))
	if len(left) > 0 {
		t.Errorf("left behind: %q", left)
	}
}

// refused: the program ran and was told no.
func refused(r Result) bool {
	return r.ExitCode == 1 && bytes.Contains(r.Stdout, []byte("error:")) && !bytes.Contains(r.Stdout, []byte("did"))
}

// Children that outlive the program do not outlive the run, and parallel runs
// do not meet.
func TestRunParallel(t *testing.T) {
	for name, s := range sandboxes(t) {
		var wg sync.WaitGroup
		for i := range 8 {
			wg.Add(1)
			go func() {
				defer wg.Done()
				c := command(t, "write", "out.txt", fmt.Sprint(i))
				if r, err := s.Run(context.Background(), c); err != nil || string(r.Outputs["out.txt"]) != fmt.Sprint(i) {
					t.Errorf("%s: run %d: %q, %v", name, i, r.Outputs["out.txt"], err)
				}
			}()
		}
		wg.Wait()
	}
}

// What is not the program's doing is an error, not a result.
func TestRunErrors(t *testing.T) {
	for name, s := range sandboxes(t) {
		for what, change := range map[string]func(*Command){
			"no program":         func(c *Command) { c.Program = "/nonexistent/ngspice" },
			"relative program":   func(c *Command) { c.Program = "ngspice" },
			"not an ELF file":    func(c *Command) { c.Program = "/etc/passwd" },
			"missing file":       func(c *Command) { c.Read = append(c.Read, "/nonexistent/library.so") },
			"input with folders": func(c *Command) { c.Inputs["../x"] = nil },
			"output is input":    func(c *Command) { c.Outputs = append(c.Outputs, "in.txt") },
			"no limit":           func(c *Command) { c.Limits.CPU = 0 },
		} {
			c := command(t, "exit")
			change(&c)
			_, err := s.Run(t.Context(), c)
			var setup *SetupError
			if !errors.As(err, &setup) {
				t.Errorf("%s: %s: %v, want a SetupError", name, what, err)
			}
		}
		ctx, cancel := context.WithCancelCause(t.Context())
		mine := errors.New("budget ended")
		time.AfterFunc(100*time.Millisecond, func() { cancel(mine) })
		if _, err := s.Run(ctx, command(t, "sleep")); !errors.Is(err, mine) {
			t.Errorf("%s: cancelled run: %v, want the context's cause", name, err)
		}
	}
}

// Runs give way to inference.
func TestNiceness(t *testing.T) {
	s := sandboxes(t)["keeper"]
	r, err := s.Run(t.Context(), command(t, "niceness"))
	if want := fmt.Sprintf("%d\ndid\n", niceness); err != nil || string(r.Stdout) != want {
		t.Errorf("niceness %q, %v; want %q", r.Stdout, err, want)
	}
}

// Without confinement there are limits still, and whoever asks for it is told.
func TestUnsafe(t *testing.T) {
	s, err := NewMode(t.Context(), ModeUnsafe)
	if err != nil {
		t.Fatal(err)
	}
	if p := s.Protections(); p.Mode != ModeUnsafe || p.MountNamespace || p.NetworkNamespace || p.Landlock != 0 || p.Seccomp {
		t.Errorf("protections %+v", p)
	}
	if r, err := s.Run(t.Context(), command(t, "read", "/etc/passwd")); err != nil || !bytes.Contains(r.Stdout, []byte("root:")) {
		t.Errorf("reads %q, %v: it is confined", r.Stdout, err)
	}
	c := command(t, "spin")
	c.Limits.CPU = time.Second
	if r, err := s.Run(t.Context(), c); err != nil || r.Limit != "cpu" {
		t.Errorf("an endless program: %+v, %v; want the limit cpu", r, err)
	}
	for _, mode := range []string{"namespaces", "landlock"} {
		if s, err := NewMode(t.Context(), mode); err == nil && s.Protections().Mode != mode {
			t.Errorf("mode %s: got %+v", mode, s.Protections())
		}
	}
	if _, err := NewMode(t.Context(), "no such mode"); !errors.Is(err, ErrUnavailable) {
		t.Errorf("a mode that there is not: %v, want ErrUnavailable", err)
	}
	real, err := New(t.Context())
	if err != nil {
		return
	}
	if s, err := NewUnsafe(t.Context()); err != nil || s.Protections().Mode != real.Protections().Mode {
		t.Errorf("where there is a sandbox NewUnsafe gives %+v, %v; want %q", s.Protections(), err, real.Protections().Mode)
	}
}

func TestProbe(t *testing.T) {
	p := Probe()
	b, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%s", b)
	switch p.Mode {
	case "namespaces":
		if !p.MountNamespace || !p.NetworkNamespace || !p.PIDNamespace {
			t.Errorf("namespaces without all of them: %s", b)
		}
	case "landlock":
		if p.Landlock == 0 || !p.Seccomp {
			t.Errorf("landlock without Landlock or filter: %s", b)
		}
	case "":
		if p.Refused == "" {
			t.Error("no sandbox, and no reason")
		}
	}
}

// Runs beside each other do not mix, and what one is told to end ends alone.
func TestKeeperRunsSideBySide(t *testing.T) {
	s := sandboxes(t)["keeper"]
	var runs sync.WaitGroup
	for i := range 24 {
		runs.Go(func() {
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			if i%3 == 0 {
				time.AfterFunc(50*time.Millisecond, cancel)
				if _, err := s.Run(ctx, command(t, "sleep")); !errors.Is(err, context.Canceled) {
					t.Errorf("run %d: %v, want cancelled", i, err)
				}
				return
			}
			if r, err := s.Run(ctx, command(t, "exit")); err != nil || r.ExitCode != 7 {
				t.Errorf("run %d: exit code %d, %v, want 7", i, r.ExitCode, err)
			}
		})
	}
	runs.Wait()
}

// A keeper that is gone is an error of each run, and no run waits for ever.
func TestKeeperGone(t *testing.T) {
	s := sandboxes(t)["keeper"]
	time.AfterFunc(100*time.Millisecond, func() { s.keeper.stdin.Close() })
	var setup *SetupError
	if _, err := s.Run(t.Context(), command(t, "sleep")); !errors.As(err, &setup) {
		t.Errorf("the keeper went during a run: %v, want a SetupError", err)
	}
	if _, err := s.Run(t.Context(), command(t, "exit")); !errors.As(err, &setup) {
		t.Errorf("the keeper is gone: %v, want a SetupError", err)
	}
}

// A machine that has none of the forms is refused.
func TestNoSandbox(t *testing.T) {
	if _, err := open(t.Context(), nil); !errors.Is(err, ErrUnavailable) {
		t.Errorf("open with no form: %v, want ErrUnavailable", err)
	}
	t.Setenv(childVariable, "1")
	if _, err := New(t.Context()); !errors.Is(err, ErrUnavailable) || !strings.Contains(err.Error(), "sandbox.Main") {
		t.Errorf("a launcher that was not caught by Main: %v", err)
	}
}

func TestLibraries(t *testing.T) {
	sh, err := exec.LookPath("sh")
	if err != nil {
		t.Skip("no sh")
	}
	libs, err := Libraries(sh)
	if err != nil {
		t.Skipf("%v", err) // static, or a system without /etc/ld.so.conf
	}
	if !slices.IsSorted(libs) {
		t.Errorf("not sorted: %q", libs)
	}
	for _, l := range libs {
		if _, err := os.Stat(l); err != nil {
			t.Error(err)
		}
	}
}
