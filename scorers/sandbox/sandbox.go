// Package sandbox runs one program on hostile text and gives back what it
// wrote. It exists because a netlist can start a shell, read any file and fill
// a disk: a circuit simulator has no safe mode.
//
// The program gets an environment and a working directory of its own, a few
// named files of the host to read, and nothing else: no network, no other
// process, no other file; limits on CPU time, wall time, memory, file size,
// processes and captured output. On Linux this is built from what the kernel
// offers without helper programs. The process re-executes itself as a small
// launcher (see [Main]) that confines itself and then becomes the program:
//
//   - "namespaces": own user, mount, PID, network, IPC and UTS namespaces; the
//     root directory is a read-only tree that holds the named files only; on
//     top of that Landlock and a seccomp filter where the kernel has them;
//   - "landlock", where namespaces are not allowed (many containers): Landlock
//     for files, and the seccomp filter against network and other processes.
//
// [New] tries them in that order, checks from inside that they hold, and
// refuses where neither does. A run never falls back to a weaker form. Only
// [NewUnsafe] runs a program unconfined, where there is no other way, and says
// so. Other systems than Linux are refused.
//
// The package deliberately knows nothing of circuits, and does not look at the
// text that it hands to the program.
package sandbox

import (
	"errors"
	"fmt"
	"os"
	"time"
)

// ErrUnavailable says that this machine offers nothing to confine a program
// with; errors of [New] wrap it.
var ErrUnavailable = errors.New("no sandbox")

// ErrWall is the reason of a run that was still going when Limits.Wall ended.
var ErrWall = errors.New("wall time limit reached")

// A SetupError says that the program was not started, or was ended by somebody
// else: the fault is ours or the machine's, never the text's.
type SetupError struct {
	Stage string // what was attempted: "mount tmpfs on …"
	Err   error
}

func (e *SetupError) Error() string { return fmt.Sprintf("sandbox: %s: %v", e.Stage, e.Err) }

// Unwrap returns the cause.
func (e *SetupError) Unwrap() error { return e.Err }

// Limits bound one run. All of them are needed; see [Limits.Validate].
type Limits struct {
	CPU       time.Duration // CPU time of all threads (RLIMIT_CPU stands behind it at twice as much)
	Wall      time.Duration // wall time, start to end
	Memory    int64         // address space, bytes (RLIMIT_AS)
	FileSize  int64         // of each file written, bytes (RLIMIT_FSIZE)
	Scratch   int64         // of the private /tmp or home altogether, bytes
	Processes int           // processes and threads (RLIMIT_NPROC); 1: the program alone
	OpenFiles int           // file descriptors (RLIMIT_NOFILE)
	Output    int           // captured standard output, and error, bytes each; the rest is dropped
}

// Validate reports the first limit that is missing.
func (l Limits) Validate() error {
	for _, f := range []struct {
		name  string
		value int64
	}{
		{"CPU", int64(l.CPU)}, {"Wall", int64(l.Wall)}, {"Memory", l.Memory}, {"FileSize", l.FileSize},
		{"Scratch", l.Scratch}, {"Processes", int64(l.Processes)}, {"OpenFiles", int64(l.OpenFiles)}, {"Output", int64(l.Output)},
	} {
		if f.value <= 0 {
			return fmt.Errorf("limit %s: %d, want more than 0", f.name, f.value)
		}
	}
	return nil
}

// Command is one program to run.
type Command struct {
	Program string   // absolute path
	Args    []string // without the program's name
	Env     []string // beside HOME: "KEY=value"
	Read    []string // absolute paths of files and folders that may be read; see [Libraries]

	Inputs  map[string][]byte // files of the working directory, read-only, by name
	Outputs []string          // files of the working directory that the program may write, by name

	// Home gives the program a private folder that it may fill with files and
	// folders, Limits.Scratch bytes of them; HOME and TMPDIR name it. Without it
	// HOME is the working directory, where nothing can be made.
	Home bool

	Limits Limits
}

// Result is what a run left behind.
type Result struct {
	ExitCode  int    // -1 where a signal ended the program
	Signal    string // "segmentation fault"; "" where none did
	TimedOut  bool   // Limits.CPU or Limits.Wall ended it; Limit says which
	Limit     string // "cpu", "wall", "scratch", or ""
	Stdout    []byte // at most Limits.Output bytes
	Stderr    []byte // likewise
	Truncated bool   // something of Stdout or Stderr was dropped
	Outputs   map[string][]byte
	CPU, Wall time.Duration
}

// Protections says what a run of this machine's sandbox is confined by.
type Protections struct {
	Mode             string `json:"mode"` // "namespaces", "landlock", [ModeUnsafe], or "" where there is none
	UserNamespace    bool   `json:"user_namespace"`
	MountNamespace   bool   `json:"mount_namespace"` // own read-only root
	PIDNamespace     bool   `json:"pid_namespace"`
	NetworkNamespace bool   `json:"network_namespace"`
	IPCNamespace     bool   `json:"ipc_namespace"`
	Landlock         int    `json:"landlock"` // ABI in use, 0 for none
	Seccomp          bool   `json:"seccomp"`  // filter against network, processes, kernel interfaces
	Unprivileged     bool   `json:"unprivileged"`
	Refused          string `json:"refused,omitempty"` // why there is no sandbox, or none better
}

// ModeUnsafe is the mode of programs that nothing confines.
const ModeUnsafe = "none (unsafe)"

// childArgument and childVariable mark a process as the launcher. The variable
// also stops a program that does not call Main from starting itself for ever.
const (
	childArgument = "__lorabench_sandbox"
	childVariable = "LORABENCH_SANDBOX_CHILD"
)

// IsChild reports whether this process was started as the launcher.
func IsChild() bool {
	return len(os.Args) == 3 && os.Args[1] == childArgument && os.Getenv(childVariable) != ""
}

// Main must be the first thing that main (and TestMain of a package that uses
// the sandbox) calls. In the launcher it does not return.
func Main() {
	if IsChild() {
		ChildMain()
	}
}

// Probe says what protects a run on this machine, by trying it (some tens of
// milliseconds). It is for env.json and doctor.
func Probe() Protections { return probe() }
