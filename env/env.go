package env

import (
	"context"
	"encoding/json"
	"os"
	"runtime"
	"time"
)

// Schema names the JSON form of [Environment].
const Schema = "lorabench/env/1"

// Unknown stands for a text that could not be found out.
const Unknown = "unknown"

// Environment is where measurements were made.
type Environment struct {
	Schema    string          `json:"schema"`
	Collected time.Time       `json:"collected"` // UTC
	Hostname  string          `json:"hostname,omitempty"`
	OS        OS              `json:"os"`
	CPU       CPU             `json:"cpu"`
	Memory    Memory          `json:"memory"`
	Disk      Disk            `json:"disk"`
	Build     Build           `json:"build"`
	Tools     []Tool          `json:"tools"`
	Command   []string        `json:"command"`  // without secrets, see [Redact]
	Settings  json.RawMessage `json:"settings"` // as resolved by the caller
}

// OS is the operating system.
type OS struct {
	Name    string `json:"name"`    // "linux"
	Version string `json:"version"` // "Debian GNU/Linux 13 (trixie)"
	Kernel  string `json:"kernel"`  // "6.12.1"
	Arch    string `json:"arch"`    // Go's name: "amd64"
}

// CPU is the processor.
type CPU struct {
	Model    string   `json:"model"`
	Cores    *int     `json:"cores"`    // physical, seen by the system; null where unknown
	Logical  int      `json:"logical"`  // that this process may run on
	Threads  int      `json:"threads"`  // that Go runs at once
	Features []string `json:"features"` // of those that arithmetic kernels care for: "avx2", "fma", "neon"
}

// Memory is in bytes; null where unknown.
type Memory struct {
	Total     *uint64 `json:"total"`     // of the machine
	Limit     *uint64 `json:"limit"`     // of the control group; null where there is none
	Available *uint64 `json:"available"` // without swapping, and below the limit
}

// Disk is the room for results.
type Disk struct {
	Free *uint64 `json:"free"` // bytes below the output folder; null where unknown
}

// Options say what to collect.
type Options struct {
	Hostname bool            // collect the host's name too
	Out      string          // folder whose free room is wanted; "" leaves it unknown
	Command  []string        // command line of the caller
	Settings json.RawMessage // resolved settings of the caller

	// Version and Revision were given to the linker. They stand in where the build
	// information has none.
	Version, Revision string

	Tools       []ToolQuery   // nil means [Tools]
	ToolTimeout time.Duration // for each; 0 means 5 seconds
}

// Collect finds out where this process runs. It takes as long as the tools need
// to say their versions; when ctx ends it leaves the rest unknown.
func Collect(ctx context.Context, o Options) Environment {
	e := Environment{
		Schema:    Schema,
		Collected: time.Now().UTC(),
		OS:        OS{Name: runtime.GOOS, Version: Unknown, Kernel: Unknown, Arch: runtime.GOARCH},
		CPU:       CPU{Model: Unknown, Logical: runtime.NumCPU(), Threads: Threads(), Features: []string{}},
		Build:     ReadBuild(o.Version, o.Revision),
		Command:   Redact(o.Command),
		Settings:  o.Settings,
	}
	if o.Hostname {
		if name, err := os.Hostname(); err == nil {
			e.Hostname = name
		}
	}
	describeMachine(&e)
	if available, err := MemoryAvailable(); err == nil {
		e.Memory.Available = &available
	}
	if o.Out != "" {
		if free, err := DiskFree(o.Out); err == nil {
			e.Disk.Free = &free
		}
	}
	e.Build.Executable = executableHash(ctx)
	e.Tools = findTools(ctx, o.Tools, o.ToolTimeout)
	return e
}

// Threads returns how many threads of Go run at once: the processors that this
// process may use, fewer where GOMAXPROCS or a control group say so.
func Threads() int { return runtime.GOMAXPROCS(0) }
