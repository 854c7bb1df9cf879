//go:build cgo

package results

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/ailiance/lorabench"
)

// Some tests need another process: the test binary runs itself with the name of
// a child and its argument in the environment.
const (
	childVariable    = "LORABENCH_RESULTS_CHILD"
	argumentVariable = "LORABENCH_RESULTS_ARGUMENT"
)

func TestMain(m *testing.M) {
	var child func(path string) error
	switch os.Getenv(childVariable) {
	case "":
		os.Exit(m.Run())
	case "measure":
		child = measureChild
	case "hold":
		child = holdChild
	case "full disk":
		child = fullDiskChild
	case "read-only":
		child = readOnlyChild
	default:
		child = func(string) error { return errors.New("no such child") }
	}
	if err := child(os.Getenv(argumentVariable)); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// childCommand returns a command that runs a child on path.
func childCommand(t *testing.T, child, path string) *exec.Cmd {
	t.Helper()
	binary, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(binary)
	cmd.Env = append(os.Environ(), childVariable+"="+child, argumentVariable+"="+path)
	cmd.Stderr = os.Stderr
	return cmd
}

// measureChild measures the run "killed" for ever, and says which samples are
// committed.
func measureChild(path string) error {
	ctx := context.Background()
	s, err := Open(ctx, path, Options{})
	if err != nil {
		return err
	}
	m := testMeasurement("killed", lorabench.Base)
	m.Total = 1 << 30
	if err := s.CreateRun(ctx, testRun("killed")); errors.Is(err, ErrRunExists) {
		err = s.LockRun(ctx, "killed")
		if err != nil {
			return err
		}
	} else if err != nil {
		return err
	}
	id, err := s.CreateMeasurement(ctx, m)
	if errors.Is(err, ErrMeasurementExists) {
		id, err = s.ResumeMeasurement(ctx, m)
	}
	if err != nil {
		return err
	}
	done, err := s.Done(ctx, id)
	if err != nil {
		return err
	}
	fmt.Println("ready", id)
	for n := len(done); ; n += 2 {
		batch := []Measured{{id, killedSample(n)}, {id, killedSample(n + 1)}}
		if err := s.AppendAll(ctx, batch); err != nil {
			return err
		}
		fmt.Println("committed", n, n+1)
	}
}

// killedSample is sample n of the run that is killed. Some are long, so that
// the log is often written back.
func killedSample(n int) lorabench.SampleResult {
	r := testResult(n)
	r.Outputs[0].Text = strings.Repeat(fmt.Sprint(n), 100+n%7*20000)
	return r
}

// holdChild locks the run "held" and keeps it until its input ends.
func holdChild(path string) error {
	ctx := context.Background()
	s, err := Open(ctx, path, Options{})
	if err != nil {
		return err
	}
	if err := s.LockRun(ctx, "held"); err != nil {
		return err
	}
	fmt.Println("locked")
	if _, err := io.Copy(io.Discard, os.Stdin); err != nil {
		return err
	}
	return s.Close()
}

// startHolding starts a process that holds the run "held"; release ends it.
func startHolding(t *testing.T, path string) (pid int, release func()) {
	t.Helper()
	cmd := childCommand(t, "hold", path)
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if line, err := bufio.NewReader(out).ReadString('\n'); line != "locked\n" {
		t.Fatalf("child said %q (%v), want locked", line, err)
	}
	ended := false
	release = func() {
		if ended {
			return
		}
		ended = true
		in.Close()
		if err := cmd.Wait(); err != nil {
			t.Errorf("child: %v", err)
		}
	}
	t.Cleanup(release)
	return cmd.Process.Pid, release
}

func testRun(id string) lorabench.Run {
	return lorabench.Run{
		ID:       id,
		Started:  time.Date(2026, 1, 2, 15, 4, 5, 123456789, time.UTC),
		Command:  []string{"lorabench", "run", "--model", "demo", "", "\xff path"},
		Model:    "dir/\xfe",
		Settings: []byte(`{"seed": 1,  "limit": null}`),
		Env:      []byte(`{"schema":"lorabench/env/1"}`),
	}
}
