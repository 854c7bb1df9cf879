//go:build cgo

package results

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/ailiance/lorabench"
)

// A disk that is really full: a small one in memory, seen by the child alone.
func TestFullDisk(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("mounting a disk needs root")
	}
	cmd := childCommand(t, "full disk", t.TempDir())
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNS}
	out, err := cmd.Output()
	if err != nil && strings.HasPrefix(string(out), "cannot mount") || errors.Is(err, syscall.EPERM) {
		t.Skipf("%s %v", out, err)
	}
	if err != nil {
		t.Errorf("%s %v", out, err)
	}
	t.Logf("%s", out)
}

func fullDiskChild(folder string) error {
	err := syscall.Mount("", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, "")
	if err == nil {
		err = syscall.Mount("tmpfs", folder, "tmpfs", 0, "size=1m")
	}
	if err != nil {
		fmt.Println("cannot mount:", err)
		return err
	}
	ctx := context.Background()
	path := filepath.Join(folder, "lorabench.db")
	s, err := Open(ctx, path, Options{})
	if err != nil {
		return err
	}
	if err := s.CreateRun(ctx, testRun("r")); err != nil {
		return err
	}
	m := testMeasurement("r", lorabench.Base)
	m.Total = 1 << 30
	id, err := s.CreateMeasurement(ctx, m)
	if err != nil {
		return err
	}
	ballast := filepath.Join(folder, "ballast")
	if err := os.WriteFile(ballast, make([]byte, 300<<10), 0o666); err != nil {
		return err
	}
	n, err := appendUntilError(s, id)
	if !errors.Is(err, ErrDiskFull) || n == 0 {
		return fmt.Errorf("after %d samples: got %v, want ErrDiskFull", n, err)
	}
	if done, err := s.Done(ctx, id); err != nil || len(done) != n {
		return fmt.Errorf("%d samples (%v), want %d", len(done), err, n)
	}
	// Closing and opening while it is full: what is there can be read.
	if err := s.Close(); err != nil {
		return fmt.Errorf("close: %w", err)
	}
	reader, err := OpenReadOnly(ctx, path, Options{})
	if err == nil {
		done, err := reader.Done(ctx, id)
		reader.Close()
		if err != nil || len(done) != n {
			return fmt.Errorf("read-only: %d samples (%v), want %d", len(done), err, n)
		}
	} else if !errors.Is(err, ErrDiskFull) {
		return fmt.Errorf("read-only: got %v, want nil or ErrDiskFull", err)
	}
	fmt.Printf("full after %d samples; opened for reading then: %v\n", n, err)
	if _, err := Open(ctx, filepath.Join(folder, "new.db"), Options{}); !errors.Is(err, ErrDiskFull) {
		fill(filepath.Join(folder, "rest"))
		if _, err = Open(ctx, filepath.Join(folder, "new2.db"), Options{}); !errors.Is(err, ErrDiskFull) {
			return fmt.Errorf("new database: got %v, want ErrDiskFull", err)
		}
		os.Remove(filepath.Join(folder, "rest"))
	}

	if err := os.Remove(ballast); err != nil {
		return err
	}
	if s, err = Open(ctx, path, Options{}); err != nil {
		return err
	}
	if err := s.LockRun(ctx, "r"); err != nil {
		return err
	}
	if _, err := s.ResumeMeasurement(ctx, m); err != nil {
		return err
	}
	if err := s.Append(ctx, id, testResult(n)); err != nil {
		return fmt.Errorf("with room again: %w", err)
	}
	if err := s.Check(ctx); err != nil {
		return err
	}
	if done, err := s.Done(ctx, id); err != nil || len(done) != n+1 {
		return fmt.Errorf("%d samples (%v), want %d", len(done), err, n+1)
	}
	return s.Close()
}

// fill writes a file until the disk is full.
func fill(path string) {
	f, err := os.Create(path)
	if err != nil {
		return
	}
	defer f.Close()
	for {
		if _, err := f.Write(make([]byte, 512)); err != nil {
			return
		}
	}
}

// Read-only files and folders, as a user without rights.
func TestReadOnly(t *testing.T) {
	folder := t.TempDir()
	path := filepath.Join(folder, "lorabench.db")
	s := open(t, path, Options{})
	id := begin(t, s, "r")
	if err := s.Append(t.Context(), id, testResult(0)); err != nil {
		t.Fatal(err)
	}
	// What a killed process leaves, with and without the index of the log.
	killed, noIndex := filepath.Join(folder, "killed"), filepath.Join(folder, "no index")
	for _, suffix := range []string{"", "-wal", "-shm"} {
		copyFile(t, path+suffix, filepath.Join(killed, "lorabench.db")+suffix, 0o444)
		if suffix != "-shm" {
			copyFile(t, path+suffix, filepath.Join(noIndex, "lorabench.db")+suffix, 0o444)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	cmd := childCommand(t, "read-only", path)
	if os.Getuid() == 0 {
		// root may write everything: be another user, with a binary that it may read.
		for dir := folder; dir != os.TempDir() && dir != "/"; dir = filepath.Dir(dir) {
			if err := os.Chmod(dir, 0o755); err != nil {
				t.Fatal(err)
			}
		}
		binary := filepath.Join(folder, "test.exe")
		copyFile(t, cmd.Path, binary, 0o755)
		cmd.Path = binary
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	}
	for _, step := range []struct {
		name         string
		path         string
		file, folder os.FileMode
		want         string // of standard error; "" for all that can be expected
	}{
		{"file", path, 0o444, 0o777, ""},
		{"folder", path, 0o666, 0o555, ""},
		{"both", path, 0o444, 0o555, ""},
		{"killed", killed + "/lorabench.db", 0o444, 0o555, ""},
		{"killed, no index", noIndex + "/lorabench.db", 0o444, 0o555, "folder is read-only"},
	} {
		t.Run(step.name, func(t *testing.T) {
			folder := filepath.Dir(step.path)
			if err := errors.Join(os.Chmod(step.path, step.file), os.Chmod(folder, step.folder)); err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { os.Chmod(folder, 0o777) })
			again := *cmd
			again.Env = append(slices.Clone(cmd.Env), argumentVariable+"="+step.path)
			var said strings.Builder
			again.Stderr = &said
			err := again.Run()
			if (err == nil) != (step.want == "") || !strings.Contains(said.String(), step.want) {
				t.Errorf("%v: said %q, want %q", err, said.String(), step.want)
			}
		})
	}
}

func copyFile(t *testing.T, from, to string, mode os.FileMode) {
	t.Helper()
	content, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Dir(to), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(to, content, mode); err != nil {
		t.Fatal(err)
	}
}

func readOnlyChild(path string) error {
	ctx := context.Background()
	if s, err := Open(ctx, path, Options{}); !errors.Is(err, ErrReadOnly) {
		if err == nil {
			s.Close()
		}
		return fmt.Errorf("open: got %v, want ErrReadOnly", err)
	}
	s, err := OpenReadOnly(ctx, path, Options{})
	if err != nil {
		return err
	}
	defer s.Close()
	runs, err := s.Runs(ctx)
	if err != nil || len(runs) != 1 || runs[0].Measured != 1 {
		return fmt.Errorf("runs %+v, %v, want one with one sample", runs, err)
	}
	if err := s.Check(ctx); err != nil {
		return err
	}
	for name, err := range map[string]error{
		"CreateRun": s.CreateRun(ctx, testRun("other")),
		"LockRun":   s.LockRun(ctx, "r"),
		"Append":    s.Append(ctx, 1, testResult(1)),
	} {
		if !errors.Is(err, ErrReadOnly) {
			return fmt.Errorf("%s: got %v, want ErrReadOnly", name, err)
		}
	}
	return nil
}
