package env

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"
)

func ptr[T any](v T) *T { return &v }

// The JSON form is read by others: it changes only with its schema.
func TestSchema(t *testing.T) {
	e := Environment{
		Schema:    Schema,
		Collected: time.Date(2026, 1, 2, 15, 4, 5, 0, time.UTC),
		OS:        OS{Name: "linux", Version: "Debian GNU/Linux 12 (bookworm)", Kernel: "6.1.0", Arch: "amd64"},
		CPU:       CPU{Model: "AMD EPYC", Cores: ptr(2), Logical: 4, Threads: 3, Features: []string{"avx2"}},
		Memory:    Memory{Total: ptr[uint64](8 << 30), Available: ptr[uint64](1<<64 - 1)},
		Build: Build{
			Module: "github.com/ailiance/lorabench", Version: "v0.1.0", Revision: Unknown,
			Go: "go1.26.8", Compiler: "gc", Settings: []string{"CGO_ENABLED=1"},
		},
		Tools: []Tool{
			{Name: "ngspice", Path: "/usr/bin/ngspice", Version: "ngspice-39 : Circuit level simulation program"},
			{Name: "kicad-cli", Version: Unknown, Error: "not found in PATH"},
		},
		Command:  []string{"lorabench", "run"},
		Settings: json.RawMessage(`{"seed":1}`),
	}
	got, err := json.MarshalIndent(e, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	want, err := os.ReadFile("testdata/env.json")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(append(got, '\n'), want) {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestCollect(t *testing.T) {
	t.Setenv("LORABENCH_TEST_SECRET", "hunter2-in-the-environment")
	e := Collect(t.Context(), Options{
		Out:     filepath.Join(t.TempDir(), "results", "not", "there", "yet"),
		Command: []string{"lorabench", "serve", "--api-key", "hunter2"}, Settings: json.RawMessage(`{"seed":7}`),
		Version: "v9.9.9", Revision: "abc",
	})
	text, err := json.Marshal(e)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(text), "hunter2") {
		t.Errorf("a secret is in %s", text)
	}
	if host, err := os.Hostname(); err == nil && len(host) > 3 && strings.Contains(string(text), host) {
		t.Errorf("the host's name is in %s", text)
	}
	if e.Schema != Schema || e.Collected.Location() != time.UTC || string(e.Settings) != `{"seed":7}` {
		t.Errorf("got %+v", e)
	}
	if e.OS.Name != runtime.GOOS || e.OS.Arch != runtime.GOARCH || e.CPU.Logical < 1 || e.CPU.Threads != Threads() || e.Build.Go == "" {
		t.Errorf("got %+v", e)
	}
	if !strings.HasPrefix(e.Build.Executable, "sha256:") || len(e.Build.Executable) != 71 {
		t.Errorf("executable %q, want a sha256", e.Build.Executable)
	}
	if len(e.Tools) != 2 || e.Tools[0].Name != "ngspice" || e.Tools[1].Name != "kicad-cli" {
		t.Errorf("tools %+v, want ngspice and kicad-cli", e.Tools)
	}
	if runtime.GOOS == "linux" {
		if e.OS.Kernel == Unknown || e.Memory.Total == nil || e.Memory.Available == nil || e.Disk.Free == nil {
			t.Errorf("unknown on linux: %s", text)
		} else if *e.Memory.Available > *e.Memory.Total {
			t.Errorf("available memory %d, total %d", *e.Memory.Available, *e.Memory.Total)
		}
	}
	if host, err := os.Hostname(); err == nil {
		if named := Collect(t.Context(), Options{Hostname: true, Tools: []ToolQuery{}}); named.Hostname != host {
			t.Errorf("host %q, want %q", named.Hostname, host)
		}
	}
}

func TestCollectCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	e := Collect(ctx, Options{})
	if e.Build.Executable != "" || e.Tools[0].Version != Unknown {
		t.Errorf("got %+v, want unknown executable and tools", e)
	}
}

func TestDiskFree(t *testing.T) {
	if runtime.GOOS != "linux" && runtime.GOOS != "darwin" {
		t.Skip("unknown on " + runtime.GOOS)
	}
	folder := t.TempDir()
	if free, err := DiskFree(filepath.Join(folder, "a", "b")); err != nil || free == 0 {
		t.Errorf("got %d, %v, want some", free, err)
	}
	file := filepath.Join(folder, "file")
	if err := os.WriteFile(file, nil, 0o666); err != nil {
		t.Fatal(err)
	}
	if free, err := DiskFree(filepath.Join(file, "below a file")); err == nil {
		t.Errorf("below a file: got %d, want an error", free)
	}
}

func TestWidthAndColour(t *testing.T) {
	variables := func(pairs ...string) func(string) string {
		return func(name string) string {
			for i := 0; i < len(pairs); i += 2 {
				if pairs[i] == name {
					return pairs[i+1]
				}
			}
			return ""
		}
	}
	file, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	for _, tt := range []struct {
		name    string
		getenv  func(string) string
		width   int
		noColor bool
	}{
		{"nothing", variables(), 80, false},
		{"columns", variables("COLUMNS", "132"), 132, false},
		{"bad columns", variables("COLUMNS", "-1"), 80, false},
		{"no colour", variables("NO_COLOR", "1"), 80, true},
		{"empty no colour", variables("NO_COLOR", ""), 80, false},
		{"dumb", variables("TERM", "dumb"), 80, true},
	} {
		if w, c := width(tt.getenv, file), noColor(tt.getenv); w != tt.width || c != tt.noColor {
			t.Errorf("%s: got %d, %v, want %d, %v", tt.name, w, c, tt.width, tt.noColor)
		}
	}
	s := Real()
	if s.In != os.Stdin || s.Out != os.Stdout || s.Err != os.Stderr || s.Width < 1 {
		t.Errorf("got %+v", s)
	}
	t.Setenv("LORABENCH_TEST", "x")
	if got := s.Getenv("LORABENCH_TEST"); got != "x" {
		t.Errorf("got %q, want x", got)
	}
}
