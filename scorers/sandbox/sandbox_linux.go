package sandbox

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// nobody is the user and group that a run has where we are root.
const nobody = 65534

// form is one way to confine a program.
type form struct {
	Namespaces bool `json:"namespaces"`
	Unsafe     bool `json:"unsafe"`  // limits of resources, and nothing that confines
	HostID     int  `json:"host_id"` // user and group of the program as the host sees it; -1: our own
}

func (f form) String() string {
	switch {
	case f.Namespaces:
		return "namespaces"
	case f.Unsafe:
		return ModeUnsafe
	}
	return "landlock"
}

// launch is what the launcher is told, as JSON in its second argument.
type launch struct {
	Form    form     `json:"form"`
	Probe   bool     `json:"probe"` // check the confinement instead of running a program
	Root    string   `json:"root"`  // empty folder to mount the new root on
	Work    string   `json:"work"`  // the working directory, as the host sees it
	Program string   `json:"program"`
	Interp  string   `json:"interp"` // its ELF interpreter, "" where static
	Args    []string `json:"args"`
	Env     []string `json:"env"`
	Read    []string `json:"read"`
	Links   []link   `json:"links"`
	Outputs []string `json:"outputs"`
	Home    bool     `json:"home"` // the program has a folder to fill
	Limits  Limits   `json:"limits"`
}

// home is the folder that the program may fill, as the program sees it.
func (l launch) home() string {
	if l.Form.Namespaces {
		return "/tmp" // of limited size
	}
	return l.homeOutside()
}

// homeOutside is where that is without namespaces, on the host.
func (l launch) homeOutside() string { return filepath.Join(filepath.Dir(l.Work), "home") }

// report is what the launcher says before it becomes the program, and once
// more where that does not work.
type report struct {
	Landlock int      `json:"landlock"`
	Seccomp  bool     `json:"seccomp"`
	Listener bool     `json:"listener"` // the message carries the seccomp listener
	Leaks    []string `json:"leaks"`    // what a probe could reach
	Stage    string   `json:"stage"`
	Error    string   `json:"error"`
}

// Sandbox runs programs, confined. It is safe for concurrent use.
type Sandbox struct {
	form        form
	protections Protections
	keeper      *keeper // who starts the launchers; nil: this process
}

// New finds the strongest form of confinement that works here and checks it
// from inside. The error wraps [ErrUnavailable] where none does, and says what
// was missing. It takes some tens of milliseconds, and starts a process that
// ends with this one.
func New(ctx context.Context) (*Sandbox, error) { return start(ctx, "") }

// NewUnsafe is New, but where nothing confines a program here it is run all the
// same, under limits of resources alone: [Protections] then has [ModeUnsafe].
// It is for who asks for just that.
func NewUnsafe(ctx context.Context) (*Sandbox, error) { return start(ctx, orUnsafe) }

// NewMode makes a sandbox of one mode, to compare them: "namespaces",
// "landlock", or [ModeUnsafe].
func NewMode(ctx context.Context, mode string) (*Sandbox, error) { return start(ctx, mode) }

func start(ctx context.Context, which string) (*Sandbox, error) {
	if os.Getenv(childVariable) != "" {
		return nil, fmt.Errorf("%w: main does not call sandbox.Main first", ErrUnavailable)
	}
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	k, protections, err := startKeeper(which)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	s := &Sandbox{protections: protections}
	s.keep(k)
	return s, nil
}

func forms() []form {
	if os.Geteuid() == 0 { // in a container root may not become nobody
		return []form{{Namespaces: true, HostID: nobody}, {Namespaces: true, HostID: -1}, {HostID: nobody}, {HostID: -1}}
	}
	return []form{{Namespaces: true, HostID: -1}, {HostID: -1}}
}

// unsafeForms come after all others.
func unsafeForms() []form {
	if os.Geteuid() == 0 {
		return []form{{Unsafe: true, HostID: nobody}, {Unsafe: true, HostID: -1}}
	}
	return []form{{Unsafe: true, HostID: -1}}
}

// open makes a sandbox whose launchers this process starts.
func open(ctx context.Context, candidates []form) (*Sandbox, error) {
	var refused []string
	for _, f := range candidates {
		s := &Sandbox{form: f}
		r, err := s.probe(ctx)
		if err == nil {
			s.protections = Protections{
				Mode: f.String(), UserNamespace: f.Namespaces, MountNamespace: f.Namespaces, PIDNamespace: f.Namespaces,
				NetworkNamespace: f.Namespaces, IPCNamespace: f.Namespaces,
				Landlock: r.Landlock, Seccomp: r.Seccomp, Unprivileged: f.HostID > 0 || os.Geteuid() != 0,
				Refused: strings.Join(refused, "; "),
			}
			return s, nil
		}
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		refused = append(refused, fmt.Sprintf("%s: %v", f, err))
	}
	return nil, fmt.Errorf("%w: %s", ErrUnavailable, strings.Join(refused, "; "))
}

func probe() Protections {
	s, err := New(context.Background())
	if err != nil {
		return Protections{Refused: err.Error()}
	}
	return s.protections
}

// Protections returns what runs are confined by.
func (s *Sandbox) Protections() Protections { return s.protections }

// probe starts a launcher that looks around instead of running a program.
func (s *Sandbox) probe(ctx context.Context) (report, error) {
	r, _, err := s.start(ctx, launch{
		Probe: true, Form: s.form,
		Limits: Limits{CPU: 5 * time.Second, Wall: 20 * time.Second, Memory: 1 << 30, FileSize: 1 << 20, Scratch: 1 << 20, Processes: 1, OpenFiles: 32, Output: 4096},
	}, nil)
	switch {
	case err != nil:
		return r, err
	case s.form.Unsafe:
		return r, nil
	case len(r.Leaks) > 0:
		return r, fmt.Errorf("a confined process could %s", strings.Join(r.Leaks, ", "))
	case !s.form.Namespaces && (r.Landlock == 0 || !r.Seccomp):
		return r, fmt.Errorf("kernel has Landlock ABI %d and seccomp filters: %t; without namespaces both are needed", r.Landlock, r.Seccomp)
	}
	return r, nil
}

// Run runs c to its end. The error is a *[SetupError] where the program could
// not be started or was ended by somebody else, and the context's cause where
// ctx ended first; whatever the program itself does is in the Result.
func (s *Sandbox) Run(ctx context.Context, c Command) (Result, error) {
	if s.keeper != nil {
		defer runtime.KeepAlive(s) // the keeper ends when s is forgotten
		return s.keeper.run(ctx, c)
	}
	return s.run(ctx, c)
}

func (s *Sandbox) run(ctx context.Context, c Command) (Result, error) {
	if err := c.Limits.Validate(); err != nil {
		return Result{}, &SetupError{"command", err}
	}
	l := launch{Form: s.form, Args: c.Args, Env: c.Env, Outputs: c.Outputs, Home: c.Home, Limits: c.Limits}
	if !filepath.IsAbs(c.Program) {
		return Result{}, &SetupError{"command", fmt.Errorf("program %q: want an absolute path", c.Program)}
	}
	program, err := filepath.EvalSymlinks(c.Program)
	if err != nil {
		return Result{}, &SetupError{"command", err}
	}
	l.Program = program
	o, err := readELF(program)
	if err != nil {
		return Result{}, &SetupError{"command", err}
	}
	seen := map[string]bool{}
	add := func(path string) (string, error) {
		final, links, err := resolve(path, 0)
		if err != nil {
			return "", err
		}
		for _, k := range links {
			if !seen["link "+k.Path] {
				seen["link "+k.Path] = true
				l.Links = append(l.Links, k)
			}
		}
		if !seen[final] {
			seen[final] = true
			l.Read = append(l.Read, final)
		}
		return final, nil
	}
	paths := append([]string{program}, c.Read...)
	if o.interpreter != "" {
		if l.Interp, err = add(o.interpreter); err != nil {
			return Result{}, &SetupError{"interpreter", err}
		}
	}
	for _, p := range paths {
		if _, err := add(p); err != nil {
			return Result{}, &SetupError{"files to read", err}
		}
	}
	_, res, err := s.start(ctx, l, c.Inputs)
	return res, err
}

// start makes the working directory, starts the launcher, waits, and reads the
// outputs back.
func (s *Sandbox) start(ctx context.Context, l launch, inputs map[string][]byte) (report, Result, error) {
	fail := func(stage string, err error) (report, Result, error) {
		return report{}, Result{}, &SetupError{stage, err}
	}
	dir, err := os.MkdirTemp("", "lorabench-sandbox-")
	if err != nil {
		return fail("working directory", err)
	}
	defer os.RemoveAll(dir)
	l.Root, l.Work = filepath.Join(dir, "root"), filepath.Join(dir, "work")
	outputs, err := s.furnish(l, inputs)
	defer func() {
		for _, f := range outputs {
			f.Close()
		}
	}()
	if err != nil {
		return fail("working directory", err)
	}
	settings, err := json.Marshal(l)
	if err != nil {
		return fail("settings", err)
	}
	ours, theirs, err := socketPair()
	if err != nil {
		return fail("status socket", err)
	}
	defer ours.Close()

	// Pdeathsig is sent when the thread that started the process ends; hold it.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()

	if ctx.Err() != nil {
		return report{}, Result{}, context.Cause(ctx)
	}
	limited, cancel := context.WithTimeoutCause(ctx, l.Limits.Wall, ErrWall)
	defer cancel()
	stdout, stderr := &bounded{room: l.Limits.Output}, &bounded{room: l.Limits.Output}
	cmd := exec.CommandContext(limited, "/proc/self/exe", childArgument, string(settings))
	cmd.Env = []string{childVariable + "=1", "GOMAXPROCS=1", "GOGC=off"}
	cmd.Dir = "/"
	cmd.Stdout, cmd.Stderr = stdout, stderr
	cmd.ExtraFiles = []*os.File{theirs} // descriptor 3
	cmd.SysProcAttr = s.attributes()
	cmd.Cancel = func() error {
		syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) // the group is its own
		return cmd.Process.Kill()
	}
	cmd.WaitDelay = 5 * time.Second
	began := time.Now()
	err = cmd.Start()
	theirs.Close()
	if err != nil {
		return fail("start launcher", err)
	}
	var watch sync.WaitGroup
	var rep report
	watch.Add(1)
	go func() {
		defer watch.Done()
		rep = attend(ours, l)
	}()
	ended, over := make(chan struct{}), make(chan string, 1)
	go func() { over <- watchUse(cmd.Process.Pid, l, ended) }()
	// Wait without reaping, so that the group's number cannot be another's.
	for {
		err := unix.Waitid(unix.P_PID, cmd.Process.Pid, nil, unix.WEXITED|unix.WNOWAIT, nil)
		if !errors.Is(err, unix.EINTR) {
			break
		}
	}
	close(ended)
	reached := <-over
	syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
	waitErr := cmd.Wait()
	wall := time.Since(began)
	watch.Wait()

	state := cmd.ProcessState
	if state == nil {
		return fail("wait for program", waitErr)
	}
	if ctx.Err() != nil {
		return rep, Result{}, context.Cause(ctx)
	}
	if rep.Error != "" {
		return rep, Result{}, &SetupError{rep.Stage, errors.New(rep.Error)}
	}
	if rep.Stage != stageReady {
		return rep, Result{}, &SetupError{"launcher", fmt.Errorf("no report, %v: %s", state, firstLine(stderr.data))}
	}
	res := Result{
		ExitCode: state.ExitCode(), Stdout: stdout.data, Stderr: stderr.data, Truncated: stdout.cut || stderr.cut,
		CPU: state.UserTime() + state.SystemTime(), Wall: wall, Outputs: map[string][]byte{},
	}
	if ws, ok := state.Sys().(syscall.WaitStatus); ok && ws.Signaled() {
		res.Signal = ws.Signal().String()
		switch {
		case errors.Is(context.Cause(limited), ErrWall):
			res.TimedOut, res.Limit = true, "wall"
		case reached == "scratch":
			res.Limit = reached
		case reached == "cpu" || ws.Signal() == syscall.SIGXCPU:
			res.TimedOut, res.Limit = true, "cpu"
		case ws.Signal() == syscall.SIGKILL:
			return rep, Result{}, &SetupError{"program", fmt.Errorf("killed by somebody else (out of memory?) after %v of CPU time", res.CPU)}
		}
	}
	for name, f := range outputs {
		// The program may have moved the offset: the descriptions are shared with nobody, but be plain.
		if _, err := f.Seek(0, io.SeekStart); err != nil {
			return fail("read "+name, err)
		}
		data, err := io.ReadAll(io.LimitReader(f, l.Limits.FileSize))
		if err != nil {
			return fail("read "+name, err)
		}
		res.Outputs[name] = data
	}
	return rep, res, nil
}

// furnish fills the working directory. The outputs stay open: they are read
// back through their descriptors, whatever happens to their names.
func (s *Sandbox) furnish(l launch, inputs map[string][]byte) (map[string]*os.File, error) {
	outputs := map[string]*os.File{}
	made := []string{filepath.Dir(l.Work), l.Root, l.Work}
	if l.Home && !l.Form.Namespaces {
		made = append(made, l.homeOutside())
	}
	for _, d := range made[1:] {
		if err := os.Mkdir(d, 0o700); err != nil {
			return outputs, err
		}
	}
	plain := func(name string) error {
		if name == "" || name == "." || name == ".." || strings.ContainsAny(name, "/\x00") {
			return fmt.Errorf("file name %q: want a name without folders", name)
		}
		return nil
	}
	for name, data := range inputs {
		if err := plain(name); err != nil {
			return outputs, err
		}
		path := filepath.Join(l.Work, name)
		if err := os.WriteFile(path, data, 0o400); err != nil {
			return outputs, err
		}
		made = append(made, path)
	}
	for _, name := range l.Outputs {
		if err := plain(name); err != nil {
			return outputs, err
		}
		path := filepath.Join(l.Work, name)
		f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
		if err != nil {
			return outputs, err
		}
		outputs[name] = f
		made = append(made, path)
	}
	if l.Form.HostID >= 0 {
		for _, path := range made {
			if err := unix.Chown(path, l.Form.HostID, l.Form.HostID); err != nil {
				return outputs, fmt.Errorf("give it to user %d: %w", l.Form.HostID, err)
			}
		}
	}
	return outputs, nil
}

func (s *Sandbox) attributes() *syscall.SysProcAttr {
	// A group of its own in the keeper's session, which has no terminal and the
	// keeper's low priority.
	a := &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	if !s.form.Namespaces {
		return a
	}
	a.Cloneflags = syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS | syscall.CLONE_NEWPID |
		syscall.CLONE_NEWNET | syscall.CLONE_NEWIPC | syscall.CLONE_NEWUTS
	uid, gid := os.Geteuid(), os.Getegid()
	if s.form.HostID >= 0 {
		uid, gid = s.form.HostID, s.form.HostID
	}
	a.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: uid, Size: 1}}
	a.GidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: gid, Size: 1}}
	root := os.Geteuid() == 0
	a.GidMappingsEnableSetgroups = root
	a.Credential = &syscall.Credential{NoSetGroups: !root}
	return a
}

// watchUse kills the process group pid when it has used up its CPU time, or
// the room of a home that no file system limits, and says which. It ends when
// ended is closed, before pid is reaped. It is here because of RLIMIT_CPU's
// clock: that counts ticks, a fifth more than was used on a busy virtual
// machine, and its SIGKILL looks like anybody's.
func watchUse(pid int, l launch, ended <-chan struct{}) string {
	const often = 100 * time.Millisecond
	clock := int32(^pid<<3 | 2) // the process's CPU clock, as clock_getcpuclockid(3) makes it
	unlimited := l.Home && !l.Form.Namespaces
	for {
		var used unix.Timespec
		if err := unix.ClockGettime(clock, &used); err != nil {
			return "" // gone
		}
		left := l.Limits.CPU - time.Duration(used.Nano())
		reached := ""
		switch {
		case left <= 0:
			reached = "cpu"
		case unlimited && sizeOf(l.homeOutside()) > l.Limits.Scratch:
			reached = "scratch"
		}
		if reached != "" {
			syscall.Kill(-pid, syscall.SIGKILL)
			return reached
		}
		wait := max(left/time.Duration(min(l.Limits.Processes, runtime.NumCPU())), 10*time.Millisecond)
		if unlimited {
			wait = min(wait, often)
		}
		select {
		case <-ended:
			return ""
		case <-time.After(wait):
		}
	}
}

// sizeOf returns the bytes of all files below dir, and some for each file.
func sizeOf(dir string) int64 {
	size := int64(0)
	filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err != nil {
			return nil // removed meanwhile
		}
		size += 4096
		if info, err := d.Info(); err == nil && info.Mode().IsRegular() {
			size += info.Size()
		}
		return nil
	})
	return size
}

// seconds rounds d up to whole seconds.
func seconds(d time.Duration) time.Duration {
	return (d + time.Second - 1) / time.Second * time.Second
}

func firstLine(b []byte) string {
	line, _, _ := strings.Cut(string(b), "\n")
	if len(line) > 200 {
		line = line[:200]
	}
	return line
}

// bounded keeps the first bytes that are written to it and drops the rest.
type bounded struct {
	data []byte
	room int
	cut  bool
}

func (b *bounded) Write(p []byte) (int, error) {
	keep := min(len(p), b.room-len(b.data))
	b.data = append(b.data, p[:keep]...)
	b.cut = b.cut || keep < len(p)
	return len(p), nil
}

// socketPair makes the channel on which launcher and parent exchange whole
// messages.
func socketPair() (ours, theirs *os.File, err error) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, nil, err
	}
	return os.NewFile(uintptr(fds[0]), "status"), os.NewFile(uintptr(fds[1]), "status"), nil
}

// attend reads the launcher's reports until the program has started or ended,
// and then serves its temporary files where the listener came along.
func attend(status *os.File, l launch) report {
	var rep report
	listener := -1
	data, rights := make([]byte, 1<<16), make([]byte, unix.CmsgSpace(4))
	for {
		n, nr, _, _, err := unix.Recvmsg(int(status.Fd()), data, rights, unix.MSG_CMSG_CLOEXEC)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil || n == 0 {
			break // the launcher has become the program, or is gone
		}
		next := rep
		if err := json.Unmarshal(data[:n], &next); err != nil {
			next.Stage, next.Error = "launcher", "unreadable report"
		}
		rep = next
		if nr == 0 {
			continue
		}
		messages, err := unix.ParseSocketControlMessage(rights[:nr])
		if err != nil {
			continue
		}
		for _, m := range messages {
			fds, err := unix.ParseUnixRights(&m)
			if err != nil {
				continue
			}
			for _, fd := range fds {
				if listener >= 0 {
					unix.Close(fd)
					continue
				}
				listener = fd
			}
		}
	}
	if listener >= 0 {
		serveTemporaryFiles(listener, filepath.Dir(l.Work))
		unix.Close(listener)
	}
	return rep
}
