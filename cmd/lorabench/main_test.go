package main

import (
	"bytes"
	"context"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ailiance/lorabench/env"
	"github.com/ailiance/lorabench/scorers/sandbox"
)

// asProgram makes the test binary the program itself, for tests that kill it.
const asProgram = "LORABENCH_TEST_AS_PROGRAM"

func TestMain(m *testing.M) {
	sandbox.Main()
	if os.Getenv(asProgram) != "" {
		main()
	}
	os.Exit(m.Run())
}

// session is what one command line did.
type session struct {
	code     int
	out, err string
}

// try runs a command line in this process, in folder dir.
func try(t *testing.T, ctx context.Context, dir string, args ...string) session {
	t.Helper()
	t.Chdir(dir)
	var out, errs bytes.Buffer
	stdio := env.Stdio{In: strings.NewReader(""), Out: &out, Err: &errs, Width: 100, NoColor: true, Getenv: func(string) string { return "" }}
	code := run(ctx, stdio, args)
	return session{code, out.String(), errs.String()}
}

// program is a command line as a process of its own, in folder dir.
func program(t *testing.T, dir string, args ...string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self, args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), asProgram+"=1")
	return cmd
}

// copyFS writes files to dir, which the test may then spoil.
func copyFS(t *testing.T, dir string, files fs.FS) string {
	t.Helper()
	if err := os.CopyFS(dir, files); err != nil {
		t.Fatal(err)
	}
	return dir
}

func writeFile(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
}

// edit replaces a text that must be there once.
func edit(t *testing.T, path, old, with string) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(string(data), old); n != 1 {
		t.Fatalf("%s: %q is there %d times, want once", path, old, n)
	}
	writeFile(t, path, strings.Replace(string(data), old, with, 1))
}

func truncate(t *testing.T, path string, by int64) {
	t.Helper()
	info, err := os.Stat(path)
	if err == nil {
		err = os.Truncate(path, info.Size()-by)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// A token that the tokenizer does not have is not left out of the text.
func TestDecodeOfAnUnknownToken(t *testing.T) {
	for _, id := range []string{"-1", "99999"} {
		cmd := program(t, t.TempDir(), "model", "tokenize", "demo", "--decode")
		cmd.Stdin = strings.NewReader(`{"ids": [40, ` + id + `]}`)
		out, _ := cmd.CombinedOutput()
		if code := cmd.ProcessState.ExitCode(); code != exitFault || !strings.Contains(string(out), "number 1 is "+id) {
			t.Errorf("%s: exit %d\n%s", id, code, out)
		}
	}
}
