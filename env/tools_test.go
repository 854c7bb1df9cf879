//go:build unix

package env

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestFindTool(t *testing.T) {
	shell, err := exec.LookPath("sh")
	if err != nil {
		t.Skip("no sh")
	}
	folder := t.TempDir()
	for name, script := range map[string]string{
		"banner":   `printf '******\n** ngspice-45.2 : Circuit level simulation program\n** Copyright 1985\n'`,
		"plain":    `[ "$1" = version ] && echo 9.0.2`,
		"stderr":   `echo v1.2 >&2`,
		"loud":     `echo 01:02:03 a schema is missing >&2; echo 9.0.8`,
		"settings": `echo "$ANSWER"`,
		"hostile":  `printf 'v1 \033[31mred\000 \377\n'`,
		"silent":   `:`,
		"wordy":    `i=0; while [ $i -lt 5000 ]; do echo nothing to be read here; i=$((i+1)); done; echo v1`,
		"fails":    `echo v1; exit 3`,
		"hangs":    `exec sleep 60`,
	} {
		text := fmt.Sprintf("#!%s\nPATH=/usr/bin:/bin\n%s\n", shell, script)
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(folder, "locked"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", folder)
	for _, tt := range []struct{ name, version, err string }{
		{"banner", "ngspice-45.2 : Circuit level simulation program", ""},
		{"plain", "9.0.2", ""},
		{"stderr", "v1.2", ""},
		{"loud", "9.0.8", ""},
		{"settings", "v7", ""},
		{"hostile", "v1 [31mred \uFFFD", ""},
		{"silent", Unknown, "it does not say its version"},
		{"wordy", Unknown, "it does not say its version"},
		{"fails", Unknown, "fails version: exit status 3"},
		{"hangs", Unknown, "no answer in time"},
		{"missing", Unknown, "not found in PATH"},
		{"locked", Unknown, "not found in PATH"},
	} {
		timeout := time.Minute
		if tt.name == "hangs" {
			timeout = time.Millisecond
		}
		got := FindTool(t.Context(), ToolQuery{Name: tt.name, Args: []string{"version"}, Env: []string{"ANSWER=v7"}}, timeout)
		want := Tool{Name: tt.name, Version: tt.version, Error: tt.err}
		if tt.err != "not found in PATH" {
			want.Path = filepath.Join(folder, tt.name)
		}
		if got != want {
			t.Errorf("%s: got %+v, want %+v", tt.name, got, want)
		}
	}
}

func TestVersionLine(t *testing.T) {
	long := "v1 " + strings.Repeat("é", 500)
	got, ok := versionLine([]byte(long))
	if !ok || len(got) > maxVersion+len("…") || !strings.HasSuffix(got, "é…") {
		t.Errorf("got %q, %v", got, ok)
	}
}
